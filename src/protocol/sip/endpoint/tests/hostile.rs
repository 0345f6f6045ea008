//! What comes in broken, and what comes in to break.

use super::*;

const CAROL: &str = "192.0.2.77:5071";

const GOOD: [&str; 8] = [
    "OPTIONS sip:push@192.0.2.5 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.77:5071;branch=z9hG4bKc1",
    "Max-Forwards: 70",
    "From: <sip:carol@example.com>;tag=c1",
    "To: <sip:push@ppg.example.com>",
    "Call-ID: carol-1",
    "CSeq: 7 OPTIONS",
    "Content-Length: 0",
];

/// What Bob sends for the good request with one line changed.
fn with(line: usize, text: &str) -> (Vec<String>, bool) {
    let mut lines = GOOD;
    lines[line] = text;
    answers(octets(&lines))
}

/// Start lines of what Bob sends, and whether he reports.
fn answers(octets: Bytes) -> (Vec<String>, bool) {
    let mut network = Network::calm();
    network.datagram(1, CAROL, octets);
    let reported = network.told[1]
        .iter()
        .any(|(_, output)| matches!(output, Output::Malformed { .. }));
    let starts = network.sent.iter().map(network::Sent::start);
    (starts.collect(), reported)
}

#[test]
fn a_request_of_another_version_is_answered_505() {
    let (answers, reported) = with(0, "OPTIONS sip:push@192.0.2.5 SIP/7.0");
    assert_eq!(answers, ["SIP/2.0 505 Version Not Supported"]);
    assert!(reported);
}

#[test]
fn a_broken_header_is_answered_400_with_its_place() {
    let (answers, _) = with(6, "CSeq: 99999999999 OPTIONS");
    assert_eq!(answers.len(), 1);
    assert!(
        answers[0].starts_with("SIP/2.0 400 Bad Request (bad_value, expected ")
            && answers[0].ends_with(')'),
        "{answers:?}"
    );
    let at = octets(&GOOD[..6]).len() - 2 + "CSeq: ".len();
    assert!(
        answers[0].contains(&format!("at octet {at})")),
        "{answers:?}"
    );
}

#[test]
fn the_place_of_a_fault_is_counted_in_the_octets_of_the_sender() {
    let mut lines = GOOD;
    lines[1] = "Via: SIP/2.0/UDP 192.0.2.77:5071;rport;branch=z9hG4bKc1";
    lines[6] = "CSeq: 99999999999 OPTIONS";
    let at = octets(&lines[..6]).len() - 2 + "CSeq: ".len();
    let (answers, _) = answers(octets(&lines));
    assert!(
        answers[0].contains(&format!("at octet {at})")),
        "{answers:?}"
    );
}

#[test]
fn a_body_shorter_than_its_length_is_answered_400() {
    let (answers, reported) = with(7, "Content-Length: 99");
    assert!(
        answers[0].starts_with("SIP/2.0 400 Bad Request ("),
        "{answers:?}"
    );
    assert!(reported);
}

#[test]
fn a_request_line_with_blanks_is_answered_400() {
    let (answers, _) = with(0, "OPTIONS sip:push@192.0.2.5; lr SIP/2.0");
    assert!(
        answers[0].starts_with("SIP/2.0 400 Bad Request ("),
        "{answers:?}"
    );
}

#[test]
fn a_request_without_what_an_answer_copies_is_dropped() {
    for (line, name) in [
        (1, "Via"),
        (3, "From"),
        (4, "To"),
        (5, "Call-ID"),
        (6, "CSeq"),
    ] {
        let (answers, reported) = with(line, "X-Nothing: here");
        assert_eq!(answers, [""; 0], "{name}");
        assert!(reported, "{name}");
    }
}

#[test]
fn a_request_with_two_to_headers_is_dropped() {
    let (answers, reported) = with(2, "To: <sip:another@example.com>");
    assert_eq!(answers, [""; 0]);
    assert!(reported);
}

#[test]
fn a_broken_ack_is_dropped() {
    let mut lines = GOOD;
    lines[0] = "ACK sip:push@192.0.2.5 SIP/2.0";
    lines[6] = "CSeq: x ACK";
    assert_eq!(answers(octets(&lines)), (vec![], true));
}

#[test]
fn a_broken_response_is_dropped() {
    let mut lines = GOOD;
    lines[0] = "SIP/2.0 200 OK";
    lines[6] = "CSeq: x OPTIONS";
    assert_eq!(answers(octets(&lines)), (vec![], true));
}

#[test]
fn an_answer_to_a_broken_request_goes_back_where_it_came_from() {
    let mut network = Network::calm();
    let mut lines = GOOD;
    lines[1] = "Via: SIP/2.0/UDP 192.0.2.77:5071;branch=z9hG4bKc1;rport";
    lines[6] = "CSeq: x OPTIONS";
    let mut out = Vec::new();
    let input = Input::Datagram {
        socket: SocketId(0),
        peer: "198.51.100.9:40000".parse().unwrap(),
        octets: octets(&lines),
    };
    network.ends[1].handle(network.now, input, &mut out);
    let Output::World(world::Output::Datagram { peer, octets, .. }) = &out[0] else {
        panic!("{out:?}")
    };
    assert_eq!(*peer, "198.51.100.9:40000".parse().unwrap());
    let text = String::from_utf8_lossy(octets);
    assert!(
        text.contains(";rport=40000;received=198.51.100.9\r\n"),
        "{text}"
    );
    assert!(
        text.contains("\r\nTo: <sip:push@ppg.example.com>;tag="),
        "{text}"
    );
}

#[test]
fn empty_lines_and_zero_octets_keep_a_binding_open_and_nothing_else() {
    for octets in [&b"\r\n\r\n"[..], b"\0", b"", b"\0\0\0\0"] {
        assert_eq!(answers(Bytes::from_static(octets)), (vec![], false));
    }
}

#[test]
fn a_stun_request_is_answered_with_the_address_it_came_from() {
    let mut network = Network::calm();
    let octets = BindingRequest::new([1; 12]).encode().into();
    network.datagram(1, CAROL, octets);
    let Ok(Stun::Success(success)) = Stun::decode(&network.sent[0].octets) else {
        panic!("no answer")
    };
    assert_eq!(
        (success.id, success.mapped),
        ([1; 12], CAROL.parse().unwrap())
    );
}

/// Octets near to SIP: pieces of messages put together and damaged by chance.
fn damaged(random: &mut Random) -> Vec<u8> {
    const PIECES: [&str; 22] = [
        "INVITE sip:a@192.0.2.5 SIP/2.0\r\n",
        "ACK sip:a@192.0.2.5 SIP/2.0\r\n",
        "CANCEL sip:a@192.0.2.5 SIP/2.0\r\n",
        "MESSAGE sip:a@192.0.2.5 SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n",
        "SIP/2.0 100 Trying\r\n",
        "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bK1\r\n",
        "Via: SIP/2.0/TCP h;rport;received=;maddr=1.2.3.4\r\n",
        "v: SIP/2.0/UDP [::1]:0;branch=\"\\\",;\"\r\n",
        "From: <sip:a@b>;tag=1\r\n",
        "f: a@b\r\n",
        "To: \"<\" <sip:a@b>\r\n",
        "t: <sip:a@b>;tag=\r\n",
        "Call-ID: 1\r\n",
        "CSeq: 1 INVITE\r\n",
        "CSeq: 4294967295 MESSAGE\r\n",
        "CSeq: 1 CANCEL\r\n",
        "Content-Length: 4\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Contact: <sip:a@b;lr>;q=0.1, *\r\n",
        "\r\n",
        "body",
    ];
    let mut octets = Vec::new();
    let count = 1 + random.below(14);
    for number in 0..count {
        // A start line first and the rest in any order hits deeper than chance alone.
        let bound = if number == 0 { 6 } else { 22 };
        let piece = usize::try_from(random.below(bound)).unwrap();
        octets.extend_from_slice(PIECES[piece].as_bytes());
    }
    for _ in 0..random.below(4) {
        let at = usize::try_from(random.below(u64::try_from(octets.len()).unwrap())).unwrap();
        octets[at] = random.octets::<1>()[0];
    }
    octets
}

#[test]
fn no_octets_make_an_endpoint_panic_or_grow_past_its_bounds() {
    for seed in 0..40 {
        let mut random = Random::from_number(seed);
        let [_, mut bob] = Network::calm().ends;
        bob.transactions_max = 20;
        let link = LinkId(LinkId::ACCEPTED);
        let (mut now, mut out) = (network::START, Vec::new());
        for _ in 0..500 {
            now = now + Duration::from_millis(random.below(900));
            let octets = Bytes::from(damaged(&mut random));
            let peer = SocketAddr::new([192, 0, 2, 77].into(), 5060);
            let input = if random.happens(300) {
                let opened = Input::Opened {
                    link,
                    listener: None,
                    transport: Transport::Tcp,
                    local: peer,
                    peer,
                };
                bob.handle(now, opened, &mut out);
                Input::Octets { link, octets }
            } else {
                Input::Datagram {
                    socket: SocketId(0),
                    peer,
                    octets,
                }
            };
            bob.handle(now, input, &mut out);
            for output in std::mem::take(&mut out) {
                if let Output::Request { id, message, .. } = output
                    && random.happens(700)
                {
                    let status = [100, 180, 200, 486][usize::try_from(random.below(4)).unwrap()];
                    let response = Draft::response(&message, status, Some("b")).finish();
                    bob.handle(now, Input::Respond { id, response }, &mut out);
                }
            }
            bob.expire(now, &mut out);
            out.clear();
            assert!(bob.transactions() <= 20);
            assert!(bob.by_key.len() == bob.servers.len() && bob.merged.len() <= bob.servers.len());
            assert!(bob.timers.len() <= 4 * 20);
            assert!(bob.links() <= 1);
        }
    }
}
