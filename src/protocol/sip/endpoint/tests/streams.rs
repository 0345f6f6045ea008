//! Links: reuse, loss, size rule, keep-alives.

use super::network::{ALICE, CALM};
use super::*;

fn large() -> Draft {
    request(Method::Message, 1).body("text/plain", &[b'x'; 1_200])
}

fn start(weather: Weather, draft: Draft, target: Target) -> Network {
    let mut network = Network::new(weather, 1);
    network.answer = Some(|_| Some(200));
    let id = ClientId(1);
    network.tell(0, Input::Request { id, draft, target });
    network
}

#[test]
fn a_request_over_tcp_opens_one_link_and_the_answer_comes_back_on_it() {
    let mut network = start(CALM, request(Method::Message, 1), tcp());
    let (id, draft, target) = (ClientId(2), request(Method::Message, 2), tcp());
    network.tell(0, Input::Request { id, draft, target });
    network.run();
    assert_eq!(network.statuses(0), [200, 200]);
    assert_eq!((network.ends[0].links(), network.ends[1].links()), (1, 1));
    assert!(network.sent.iter().all(|sent| !sent.datagram));
    let text = String::from_utf8_lossy(&network.sent[0].octets).into_owned();
    assert!(
        text.contains("Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bK"),
        "{text}"
    );
    assert!(!text.contains("rport"));
    // Nothing lingers: a stream repeats nothing.
    assert_eq!(
        (
            network.ends[0].transactions(),
            network.ends[1].transactions()
        ),
        (0, 0)
    );
}

#[test]
fn a_tcp_link_that_is_refused_fails_the_request_at_once() {
    let weather = Weather {
        refuses_links: true,
        ..CALM
    };
    let mut network = start(weather, request(Method::Message, 1), tcp());
    network.run();
    assert_eq!(network.failures(0), [(1, Failure::Transport)]);
    assert_eq!(network.ends[0].links(), 0);
    let lost = |(_, output): &(Duration, Output)| matches!(output, Output::FlowLost { .. });
    assert!(!network.told[0].iter().any(lost));
}

#[test]
fn a_link_that_breaks_fails_what_waits_on_it_and_is_told() {
    let mut network = start(CALM, request(Method::Message, 1), tcp());
    network.answer = None;
    network.run_until(Duration::from_secs(1));
    network.break_links();
    network.run();
    assert_eq!(network.failures(0), [(1_000, Failure::Transport)]);
    let lost = |(_, output): &(Duration, Output)| matches!(output, Output::FlowLost { .. });
    assert!(network.told.iter().all(|told| told.iter().any(lost)));
}

#[test]
fn an_answer_whose_link_is_gone_goes_out_on_a_new_one_to_sent_by() {
    let mut network = start(CALM, request(Method::Invite, 1), tcp());
    network.answer = None;
    network.run_until(millis(100));
    let (id, message) = network.requests(1).remove(0);
    network.break_links();
    let response = Draft::response(&message, 200, Some("b1")).finish();
    let mut out = Vec::new();
    network.ends[1].handle(network.now, Input::Respond { id, response }, &mut out);
    assert!(
        matches!(
            &out[..],
            [
                Output::World(world::Output::Connect { link, transport: Transport::Tcp, target, .. }),
                Output::World(world::Output::Octets { link: used, .. }),
            ] if link == used && *target == ALICE.parse().unwrap()
        ),
        "{out:?}"
    );
}

#[test]
fn a_request_of_more_than_1300_octets_goes_by_tcp() {
    let mut network = start(CALM, large(), udp());
    network.run();
    assert!(network.sent[0].octets.len() > 1_300);
    assert!(network.sent.iter().all(|sent| !sent.datagram));
    assert_eq!(network.statuses(0), [200]);
}

#[test]
fn the_bound_is_1300_octets_and_not_one_more() {
    let mut network = start(
        CALM,
        request(Method::Message, 1).body("text/plain", b""),
        udp(),
    );
    network.run();
    let empty = network.sent[0].octets.len();
    // Content-Length grows by digits.
    let fits = 1_300 - empty - 2;
    for (more, datagram) in [(0, true), (1, false)] {
        let body = vec![b'x'; fits + more];
        let draft = request(Method::Message, 1).body("text/plain", &body);
        let network = start(CALM, draft, udp());
        assert_eq!(network.sent[0].datagram, datagram);
        // The Via of a stream asks for no rport.
        let shorter = if datagram { 0 } else { ";rport".len() };
        assert_eq!(network.sent[0].octets.len(), 1_300 + more - shorter);
    }
}

#[test]
fn a_large_request_goes_by_datagram_when_tcp_is_refused() {
    let weather = Weather {
        refuses_links: true,
        ..CALM
    };
    let mut network = start(weather, large(), udp());
    network.run();
    assert_eq!(network.statuses(0), [200]);
    assert_eq!(network.failures(0), []);
    let datagram = network.sent.iter().find(|sent| sent.datagram).unwrap();
    assert!(String::from_utf8_lossy(&datagram.octets).contains("Via: SIP/2.0/UDP "));
    assert!(datagram.octets.len() > 1_300);
}

#[test]
fn a_large_request_goes_by_datagram_when_tcp_stays_silent() {
    let weather = Weather {
        swallows_links: true,
        ..CALM
    };
    let mut network = start(weather, large(), udp());
    network.run();
    assert_eq!(network.statuses(0), [200]);
    let datagram = network.sent.iter().find(|sent| sent.datagram).unwrap();
    assert_eq!(datagram.at, Duration::from_secs(4));
}

#[test]
fn a_large_request_whose_link_breaks_later_is_not_sent_twice() {
    let mut network = start(CALM, large(), udp());
    network.answer = None;
    network.run_until(Duration::from_secs(1));
    network.break_links();
    network.run();
    assert!(network.sent.iter().all(|sent| !sent.datagram));
    assert_eq!(network.failures(0), [(1_000, Failure::Transport)]);
}

#[test]
fn a_flow_that_is_gone_fails_the_request() {
    let mut network = Network::calm();
    let (id, draft) = (ClientId(1), request(Method::Message, 1));
    let target = Target::Flow(Flow::Link(LinkId(99)));
    network.tell(0, Input::Request { id, draft, target });
    assert_eq!(network.failures(0), [(0, Failure::Transport)]);
}

#[test]
fn a_request_back_over_the_link_it_came_by_needs_no_listener() {
    let mut network = start(CALM, request(Method::Message, 1), tcp());
    network.run_until(Duration::from_secs(1));
    let flow = network.told[1]
        .iter()
        .find_map(|(_, output)| match output {
            Output::Request { flow, .. } => Some(*flow),
            _ => None,
        })
        .unwrap();
    network.tell(
        1,
        Input::Request {
            id: ClientId(5),
            draft: request(Method::Options, 5),
            target: Target::Flow(flow),
        },
    );
    network.run();
    assert_eq!(network.ends[1].links(), 1);
    assert_eq!(network.requests(0).len(), 1);
}

/// Alice opens a link and sends octets; what Bob answers on it, and whether he closes.
fn on_a_link(pieces: &[&[u8]]) -> (Vec<u8>, bool, Vec<Output>) {
    let mut end = Network::calm().ends;
    let bob = &mut end[1];
    let link = LinkId(LinkId::ACCEPTED);
    let mut out = Vec::new();
    let opened = Input::Opened {
        link,
        listener: Some(ListenerId(0)),
        transport: Transport::Tcp,
        local: BOB.parse().unwrap(),
        peer: "192.0.2.11:40000".parse().unwrap(),
    };
    bob.handle(network::START, opened, &mut out);
    for piece in pieces {
        let octets = Bytes::copy_from_slice(piece);
        bob.handle(network::START, Input::Octets { link, octets }, &mut out);
    }
    let (mut answer, mut closed) = (Vec::new(), false);
    for output in &out {
        match output {
            Output::World(world::Output::Octets { octets, .. }) => answer.extend_from_slice(octets),
            Output::World(world::Output::Close { .. }) => closed = true,
            _ => {}
        }
    }
    (answer, closed, out)
}

#[test]
fn a_ping_between_messages_gets_a_pong() {
    let (answer, closed, _) = on_a_link(&[b"\r\n\r\n"]);
    assert_eq!((answer.as_slice(), closed), (&b"\r\n"[..], false));
}

#[test]
fn a_pong_and_a_stun_answer_are_told() {
    let (_, _, out) = on_a_link(&[b"\r\n"]);
    assert!(matches!(
        out[..],
        [Output::Pong {
            flow: Flow::Link(_),
            stun: None
        }]
    ));
    let mut network = Network::calm();
    let flow = Flow::Udp {
        socket: SocketId(0),
        peer: BOB.parse().unwrap(),
    };
    let id = [7; 12];
    network.tell(0, Input::Ping { flow, id });
    network.run();
    let (at, pong) = &network.told[0][0];
    assert_eq!(at.as_millis(), 2);
    let mapped = ALICE.parse().unwrap();
    assert!(
        matches!(pong, Output::Pong { flow: by, stun: Some(stun) } if *by == flow && *stun == (BindingSuccess { id, mapped })),
        "{pong:?}"
    );
}

#[test]
fn a_ping_on_a_link_is_a_double_line_end() {
    let mut network = start(CALM, request(Method::Message, 1), tcp());
    network.run_until(Duration::from_secs(1));
    let (flow, id) = (Flow::Link(LinkId(0)), [0; 12]);
    network.tell(0, Input::Ping { flow, id });
    network.run();
    let sent: Vec<&[u8]> = network
        .sent
        .iter()
        .rev()
        .take(2)
        .map(|s| s.octets.as_ref())
        .collect();
    assert_eq!(sent, [&b"\r\n"[..], b"\r\n\r\n"]);
    let is_pong =
        |(_, output): &(Duration, Output)| matches!(output, Output::Pong { stun: None, .. });
    assert!(network.told[0].iter().any(is_pong));
}

#[test]
fn a_stream_that_is_no_sip_is_closed() {
    let (answer, closed, out) = on_a_link(&[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]);
    assert!(answer.is_empty() && closed);
    let kinds: Vec<bool> = out
        .iter()
        .map(|output| matches!(output, Output::Malformed { .. } | Output::FlowLost { .. }))
        .collect();
    assert_eq!(kinds, [true, false, true]);
}

#[test]
fn a_stream_without_content_length_is_answered_400_and_closed() {
    let request = octets(&[
        "OPTIONS sip:push@192.0.2.5 SIP/2.0",
        "Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKs1",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: s1",
        "CSeq: 1 OPTIONS",
    ]);
    let (answer, closed, _) = on_a_link(&[&request]);
    assert!(
        answer.starts_with(b"SIP/2.0 400 Bad Request (missing_header"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert!(closed);
}

#[test]
fn a_message_cut_anywhere_is_one_message() {
    let request = octets(&[
        "OPTIONS sip:push@192.0.2.5 SIP/2.0",
        "Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKs1",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: s1",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]);
    for at in 1..request.len() {
        let (_, closed, out) = on_a_link(&[&request[..at], &request[at..]]);
        assert!(!closed);
        assert!(matches!(out[..], [Output::Request { .. }]), "{at}");
    }
}

#[test]
fn a_link_that_a_peer_opened_is_not_taken_for_its_address() {
    let [_, mut bob] = Network::calm().ends;
    let (mut out, peer) = (Vec::new(), ALICE.parse().unwrap());
    let opened = Input::Opened {
        link: LinkId(LinkId::ACCEPTED),
        listener: Some(ListenerId(0)),
        transport: Transport::Tls,
        local: BOB.parse().unwrap(),
        peer,
    };
    bob.handle(network::START, opened, &mut out);
    let transport = Transport::Tls;
    let (id, draft) = (ClientId(1), request(Method::Options, 1));
    let target = Target::Address { transport, peer };
    bob.handle(
        network::START,
        Input::Request { id, draft, target },
        &mut out,
    );
    assert!(matches!(
        out.first(),
        Some(Output::World(world::Output::Connect { .. }))
    ));
}

#[test]
fn a_tls_link_is_opened_under_the_name_its_certificate_must_have() {
    let peer: SocketAddr = "192.0.2.5:5061".parse().unwrap();
    let local = Local::new(7).server_name(peer.ip(), "ppg.example.com");
    let mut alice = Endpoint::new(local, Random::from_number(1));
    let mut out = Vec::new();
    let transport = Transport::Tls;
    let (id, draft) = (ClientId(1), request(Method::Options, 1));
    let target = Target::Address { transport, peer };
    alice.handle(
        network::START,
        Input::Request { id, draft, target },
        &mut out,
    );
    let Some(Output::World(world::Output::Connect {
        link, server_name, ..
    })) = out.first()
    else {
        panic!("{out:?}")
    };
    assert_eq!(
        (*link, server_name.as_deref()),
        (LinkId(7), Some("ppg.example.com"))
    );
}

#[test]
fn an_element_without_addresses_knows_the_answers_to_its_requests() {
    let peer: SocketAddr = BOB.parse().unwrap();
    let mut alice = Endpoint::new(Local::new(0), Random::from_number(1));
    let (link, mut out) = (LinkId(0), Vec::new());
    let (id, draft) = (ClientId(1), request(Method::Options, 1));
    let target = tcp();
    alice.handle(
        network::START,
        Input::Request { id, draft, target },
        &mut out,
    );
    let opened = Input::Opened {
        link,
        listener: None,
        transport: Transport::Tcp,
        local: ALICE.parse().unwrap(),
        peer,
    };
    alice.handle(network::START, opened, &mut out);
    let [_, Output::World(world::Output::Octets { octets, .. })] = &out[..] else {
        panic!("{out:?}")
    };
    let sent = Message::decode(octets.clone()).unwrap();
    assert!(sent.check_request().is_ok());
    let octets = Draft::response(&sent, 200, Some("b1"))
        .finish()
        .octets()
        .clone();
    out.clear();
    alice.handle(network::START, Input::Octets { link, octets }, &mut out);
    assert!(matches!(out[..], [Output::Response { .. }]));
}

#[test]
fn links_above_the_bound_are_closed_at_once() {
    let [_, mut bob] = Network::calm().ends;
    let mut out = Vec::new();
    for number in 0..=u64::try_from(limits::LINKS).unwrap() {
        let opened = Input::Opened {
            link: LinkId(LinkId::ACCEPTED + number),
            listener: Some(ListenerId(0)),
            transport: Transport::Tcp,
            local: BOB.parse().unwrap(),
            peer: SocketAddr::new([10, 0, 0, 1].into(), u16::try_from(number).unwrap()),
        };
        bob.handle(network::START, opened, &mut out);
    }
    assert_eq!(bob.links(), limits::LINKS);
    assert!(matches!(
        out[..],
        [Output::World(world::Output::Close { .. })]
    ));
}
