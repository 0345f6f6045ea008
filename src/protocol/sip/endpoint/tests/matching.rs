//! Which request repeats which, which response belongs to what, and where responses go.

use super::network::ALICE;
use super::*;

/// A request of a stranger, written by hand.
fn message(via: &str, method: &str, more: &[&str]) -> Bytes {
    let start = format!("{method} sip:push@192.0.2.5 SIP/2.0");
    let via = format!("Via: {via}");
    let cseq = format!("CSeq: 7 {method}");
    let mut lines = vec![
        start.as_str(),
        via.as_str(),
        "Max-Forwards: 70",
        "From: <sip:carol@example.com>;tag=c1",
        "To: <sip:push@ppg.example.com>",
        "Call-ID: carol-1",
        cseq.as_str(),
    ];
    lines.extend(more);
    octets(&lines)
}

const CAROL: &str = "192.0.2.77:5071";
const VIA: &str = "SIP/2.0/UDP 192.0.2.77:5071;branch=z9hG4bKc1";

/// Where the last datagram of Bob went, and its text.
fn answer(network: &mut Network, peer: &str, request: Bytes) -> (SocketAddr, String) {
    let mut out = Vec::new();
    let input = Input::Datagram {
        socket: SocketId(0),
        peer: peer.parse().unwrap(),
        octets: request,
    };
    network.ends[1].handle(network.now, input, &mut out);
    let answered: Vec<(ServerId, Message)> = out
        .iter()
        .filter_map(|output| match output {
            Output::Request { id, message, .. } => Some((*id, message.clone())),
            _ => None,
        })
        .collect();
    for (id, message) in answered {
        let response = Draft::response(&message, 200, Some("b1")).finish();
        network.ends[1].handle(network.now, Input::Respond { id, response }, &mut out);
    }
    let sent = out.into_iter().rev().find_map(|output| match output {
        Output::World(world::Output::Datagram { peer, octets, .. }) => {
            Some((peer, String::from_utf8_lossy(&octets).into_owned()))
        }
        _ => None,
    });
    sent.unwrap()
}

#[test]
fn a_via_that_tells_the_truth_and_asks_nothing_stays_as_it_is() {
    let (peer, text) = answer(&mut Network::calm(), CAROL, message(VIA, "OPTIONS", &[]));
    assert!(text.contains(&format!("Via: {VIA}\r\n")), "{text}");
    assert_eq!(peer, CAROL.parse().unwrap());
}

#[test]
fn without_rport_the_answer_goes_to_the_port_of_sent_by() {
    let request = message(VIA, "OPTIONS", &[]);
    let (peer, text) = answer(&mut Network::calm(), "198.51.100.9:40000", request);
    assert_eq!(peer, "198.51.100.9:5071".parse().unwrap());
    assert!(text.contains(&format!("Via: {VIA};received=198.51.100.9\r\n")));
}

#[test]
fn with_rport_the_answer_goes_back_to_the_source() {
    let via = "SIP/2.0/UDP 192.0.2.77:5071;rport;branch=z9hG4bKc1";
    let request = message(via, "OPTIONS", &[]);
    let (peer, text) = answer(&mut Network::calm(), "198.51.100.9:40000", request);
    assert_eq!(peer, "198.51.100.9:40000".parse().unwrap());
    let stamped = "192.0.2.77:5071;rport=40000;received=198.51.100.9;branch=z9hG4bKc1\r\n";
    assert!(text.contains(stamped), "{text}");
}

#[test]
fn a_name_in_sent_by_is_stamped_and_the_default_port_used() {
    let via = "SIP/2.0/UDP carol.example.com;branch=z9hG4bKc1";
    let (peer, text) = answer(&mut Network::calm(), CAROL, message(via, "OPTIONS", &[]));
    assert_eq!(peer, "192.0.2.77:5060".parse().unwrap());
    assert!(text.contains(";received=192.0.2.77\r\n"));
}

#[test]
fn what_a_peer_says_of_its_own_source_is_not_believed() {
    let via = "SIP/2.0/UDP 192.0.2.77:5071;received=203.0.113.1;branch=z9hG4bKc1;rport=9";
    let (peer, text) = answer(&mut Network::calm(), CAROL, message(via, "OPTIONS", &[]));
    assert_eq!(peer, CAROL.parse().unwrap());
    assert!(!text.contains("203.0.113.1"), "{text}");
    assert!(text.contains(";rport=5071;received=192.0.2.77\r\n"));
}

#[test]
fn maddr_wins_over_the_source() {
    let via = "SIP/2.0/UDP 192.0.2.77:5071;branch=z9hG4bKc1;maddr=192.0.2.99";
    let (peer, _) = answer(&mut Network::calm(), CAROL, message(via, "OPTIONS", &[]));
    assert_eq!(peer, "192.0.2.99:5071".parse().unwrap());
}

#[test]
fn an_ipv6_source_is_stamped_without_brackets() {
    let via = "SIP/2.0/UDP [2001:db8::77];branch=z9hG4bKc1";
    let request = message(via, "OPTIONS", &[]);
    let mut network = Network::calm();
    let (peer, text) = answer(&mut network, "[2001:db8::77]:5060", request.clone());
    assert_eq!(peer, "[2001:db8::77]:5060".parse().unwrap());
    assert!(text.contains(&format!("Via: {via}\r\n")), "{text}");
    let mut network = Network::calm();
    let (_, text) = answer(&mut network, "[2001:db8::78]:5060", request);
    assert!(text.contains(";received=2001:db8::78\r\n"), "{text}");
}

#[test]
fn only_the_first_of_several_vias_is_stamped() {
    let via = format!("{VIA};rport, SIP/2.0/UDP 203.0.113.4;branch=z9hG4bKd1;rport");
    let (_, text) = answer(&mut Network::calm(), CAROL, message(&via, "OPTIONS", &[]));
    let expected = format!(
        "Via: {VIA};rport=5071;received=192.0.2.77, SIP/2.0/UDP 203.0.113.4;branch=z9hG4bKd1;rport\r\n"
    );
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn branch_sent_by_and_method_together_make_a_repetition() {
    let mut network = Network::calm();
    network.answer = Some(|_| Some(200));
    let other_host = VIA.replace("192.0.2.77:5071", "192.0.2.78:5071");
    let other_port = VIA.replace(":5071", ":5072");
    for (via, call) in [
        (VIA, "a"),
        (VIA, "a"),
        (
            &VIA.to_ascii_lowercase()
                .replace("z9hg4bk", "z9hG4bK")
                .replace("sip/2.0/udp", "SIP/2.0/UDP"),
            "a",
        ),
        (&other_host, "b"),
        (&other_port, "c"),
    ] {
        let text = String::from_utf8(message(via, "OPTIONS", &[]).to_vec()).unwrap();
        let text = text.replace("carol-1", call);
        network.datagram(1, CAROL, text.into());
    }
    let text = String::from_utf8(message(VIA, "INFO", &[]).to_vec()).unwrap();
    network.datagram(1, CAROL, text.into());
    assert_eq!(network.requests(1).len(), 4);
    assert_eq!(network.instants(1, "SIP/2.0 200").len(), 6);
}

#[test]
fn a_branch_without_cookie_is_matched_by_the_rule_of_rfc_2543() {
    let via = "SIP/2.0/UDP 192.0.2.77:5071;branch=1";
    let mut network = Network::calm();
    network.answer = Some(|_| Some(486));
    network.datagram(
        1,
        CAROL,
        message(via, "INVITE", &["Contact: <sip:c@192.0.2.77>"]),
    );
    network.datagram(
        1,
        CAROL,
        message(via, "INVITE", &["Contact: <sip:c@192.0.2.77>"]),
    );
    assert_eq!(network.requests(1).len(), 1);
    assert_eq!(network.instants(1, "SIP/2.0 486").len(), 2);
    // Another call of the same careless peer is another request, though its branch is the same.
    let text = String::from_utf8(message(via, "INVITE", &[]).to_vec()).unwrap();
    network.datagram(1, CAROL, text.replace("carol-1", "carol-2").into());
    assert_eq!(network.requests(1).len(), 2);
    // Its ACK has the tag of the answer and no cookie either.
    let text = String::from_utf8(message(via, "ACK", &[]).to_vec()).unwrap();
    network.datagram(
        1,
        CAROL,
        text.replace("example.com>\r\nCall", "example.com>;tag=b1\r\nCall")
            .into(),
    );
    network.run();
    assert_eq!(network.instants(1, "SIP/2.0 486").len(), 3 + 10);
}

#[test]
fn a_request_that_took_two_ways_is_refused_on_the_second() {
    let mut network = Network::calm();
    network.datagram(1, CAROL, message(VIA, "MESSAGE", &[]));
    network.datagram(
        1,
        CAROL,
        message(&VIA.replace("Kc1", "Kc2"), "MESSAGE", &[]),
    );
    assert_eq!(network.requests(1).len(), 1);
    assert_eq!(network.instants(1, "SIP/2.0 482"), [0]);
}

#[test]
fn a_request_within_a_dialog_is_never_a_merged_one() {
    let mut network = Network::calm();
    for branch in ["Kc1", "Kc2"] {
        let text = message(&VIA.replace("Kc1", branch), "INFO", &[]);
        let text = String::from_utf8(text.to_vec()).unwrap();
        network.datagram(
            1,
            CAROL,
            text.replace("ppg.example.com>", "ppg.example.com>;tag=x")
                .into(),
        );
    }
    assert_eq!(network.requests(1).len(), 2);
}

#[test]
fn a_cancel_is_answered_and_told() {
    let mut network = Network::calm();
    network.datagram(
        1,
        CAROL,
        message(VIA, "INVITE", &["Contact: <sip:c@192.0.2.77>"]),
    );
    let (id, invite) = network.requests(1).remove(0);
    let ringing = Draft::response(&invite, 180, Some("b7")).finish();
    network.tell(
        1,
        Input::Respond {
            id,
            response: ringing,
        },
    );
    network.datagram(1, CAROL, message(VIA, "CANCEL", &[]));
    let last = network.sent.last().unwrap();
    assert_eq!(last.start(), "SIP/2.0 200 OK");
    let text = String::from_utf8_lossy(&last.octets).into_owned();
    assert!(
        text.contains(";tag=b7\r\n") && text.contains("CSeq: 7 CANCEL\r\n"),
        "{text}"
    );
    let cancelled = |(_, output): &(Duration, Output)| matches!(output, Output::Cancelled { id: i } if *i == id);
    assert!(network.told[1].iter().any(cancelled));
    // Again: the same answer, and nothing new for the user.
    network.datagram(1, CAROL, message(VIA, "CANCEL", &[]));
    assert_eq!(network.sent.last().unwrap().octets, text.into_bytes());
    assert_eq!(
        network.told[1]
            .iter()
            .filter(|told| cancelled(told))
            .count(),
        1
    );
}

#[test]
fn a_cancel_without_cookie_finds_its_invite_too() {
    let via = "SIP/2.0/UDP carol.example.com";
    let mut network = Network::calm();
    network.datagram(1, CAROL, message(via, "INVITE", &[]));
    network.datagram(1, CAROL, message(via, "CANCEL", &[]));
    assert_eq!(network.sent.last().unwrap().start(), "SIP/2.0 200 OK");
    let is_cancelled =
        |(_, output): &(Duration, Output)| matches!(output, Output::Cancelled { .. });
    assert!(network.told[1].iter().any(is_cancelled));
}

#[test]
fn a_cancel_after_the_final_response_changes_nothing() {
    let mut network = Network::calm();
    network.answer = Some(|_| Some(486));
    network.datagram(1, CAROL, message(VIA, "INVITE", &[]));
    network.datagram(1, CAROL, message(VIA, "CANCEL", &[]));
    assert_eq!(network.instants(1, "SIP/2.0 200").len(), 1);
    let is_cancelled =
        |(_, output): &(Duration, Output)| matches!(output, Output::Cancelled { .. });
    assert!(!network.told[1].iter().any(is_cancelled));
}

#[test]
fn a_cancel_of_nothing_is_answered_481() {
    let mut network = Network::calm();
    network.datagram(1, CAROL, message(VIA, "CANCEL", &[]));
    assert_eq!(
        network.sent[0].start(),
        "SIP/2.0 481 Call/Transaction Does Not Exist"
    );
    assert_eq!(network.ends[1].transactions(), 0);
}

#[test]
fn the_ack_of_a_2xx_is_passed_up_and_that_of_a_refusal_is_not() {
    let mut network = Network::calm();
    network.answer = Some(|_| Some(486));
    network.datagram(1, CAROL, message(VIA, "INVITE", &[]));
    network.datagram(1, CAROL, message(VIA, "ACK", &[]));
    network.datagram(1, CAROL, message(&VIA.replace("Kc1", "Kc9"), "ACK", &[]));
    let acks = network.told[1]
        .iter()
        .filter(|(_, output)| matches!(output, Output::Ack { .. }));
    assert_eq!(acks.count(), 1);
}

/// Alice's request is out; what she makes of a response that a stranger forged.
fn forged(change: impl Fn(String) -> String) -> (Vec<u16>, bool) {
    let mut network = Network::calm();
    network.lost_start = Some("OPTIONS");
    let (id, draft, target) = (ClientId(1), request(Method::Options, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    let sent = Message::decode(network.sent[0].octets.clone()).unwrap();
    let response = Draft::response(&sent, 200, Some("b1")).finish();
    let text = String::from_utf8(response.octets().to_vec()).unwrap();
    network.datagram(0, BOB, change(text).into());
    let reported = network.told[0]
        .iter()
        .any(|(_, output)| matches!(output, Output::Malformed { .. }));
    (network.statuses(0), reported)
}

#[test]
fn a_response_is_taken_by_branch_and_method_of_its_cseq() {
    assert_eq!(forged(|text| text), (vec![200], false));
    let other_method = |text: String| text.replace("1 OPTIONS", "1 INVITE");
    assert_eq!(forged(other_method), (vec![], false));
    let other_branch = |text: String| {
        let at = text.find("z9hG4bK").unwrap() + 7;
        let digit = if &text[at..=at] == "a" { "b" } else { "a" };
        format!("{}{digit}{}", &text[..at], &text[at + 1..])
    };
    assert_eq!(forged(other_branch), (vec![], false));
}

#[test]
fn a_response_with_two_vias_or_a_strangers_via_is_dropped() {
    let two = |text: String| {
        text.replace(
            "\r\nFrom",
            "\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom",
        )
    };
    assert_eq!(forged(two), (vec![], true));
    let foreign = |text: String| text.replace(ALICE, "192.0.2.12:5060");
    assert_eq!(forged(foreign), (vec![], true));
    let other_port = |text: String| text.replace(ALICE, "192.0.2.11:5070");
    assert_eq!(forged(other_port), (vec![], true));
}

#[test]
fn a_full_table_refuses_new_requests_and_keeps_the_old() {
    let mut network = Network::calm();
    network.ends[1].transactions_max = 2;
    for number in 1..=4 {
        let text = message(&VIA.replace("Kc1", &format!("Kf{number}")), "INVITE", &[]);
        let text = String::from_utf8(text.to_vec()).unwrap();
        network.datagram(
            1,
            CAROL,
            text.replace("carol-1", &format!("f{number}")).into(),
        );
    }
    assert_eq!(network.requests(1).len(), 2);
    assert_eq!(network.ends[1].transactions(), 2);
    let refused: Vec<&network::Sent> = network.sent.iter().collect();
    assert_eq!(refused.len(), 2);
    for sent in refused {
        assert_eq!(sent.start(), "SIP/2.0 503 Service Unavailable");
        assert!(String::from_utf8_lossy(&sent.octets).contains("Retry-After: 32\r\n"));
    }
    // A CANCEL for one that is in finds its way all the same.
    network.datagram(1, CAROL, message(&VIA.replace("Kc1", "Kf1"), "CANCEL", &[]));
    assert_eq!(network.sent.last().unwrap().start(), "SIP/2.0 200 OK");
}

#[test]
fn a_full_table_fails_new_requests_of_ours() {
    let mut network = Network::calm();
    network.ends[0].transactions_max = 1;
    for number in 1..=2 {
        let (id, draft, target) = (ClientId(number), request(Method::Options, number), udp());
        network.tell(0, Input::Request { id, draft, target });
    }
    assert_eq!(network.failures(0), [(0, Failure::Transport)]);
}
