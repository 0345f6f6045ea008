//! Connections that the device opens for push over HTTP: where to, what it says on them, when it leaves them.

use bytes::Bytes;

use super::bench::*;
use crate::codec::ota_http::sir::response_of;
use crate::codec::sia::{AppId, BearerAddress, Contact, PROTOCOL_HTTP, PROTOCOL_HTTPS, Sia};
use crate::codec::sip::Method;
use crate::codec::sir::{SiaContent, Sir};
use crate::device::behaviour::{Behaviour, Connect, Trust};
use crate::device::config::{Challenge, Config, Credentials};
use crate::protocol::ota_http::{Answer, Client};
use crate::world::{CloseReason, HttpRequest, Input, LinkId, Transport};

fn by_http() -> Behaviour {
    Behaviour {
        connect: Connect::Http,
        ..Behaviour::default()
    }
}

/// A SIR that names these contact points.
fn sir_with(points: &[(u16, u32)]) -> Sir {
    let address = || BearerAddress::new(&[192, 0, 2, 5]).unwrap();
    let point = |(port, protocol): &(u16, u32)| (Contact::new(0x0B, *port, address()), *protocol);
    let (contacts, protocols) = points.iter().map(point).unzip();
    let mut sir = naming(&[C1]);
    let sia = Sia::new(vec![AppId::Code(2)], contacts, protocols);
    sir.sia = SiaContent::Binary(sia);
    sir
}

/// A device, and the gateway's end of its connection.
struct Line {
    bench: Bench,
    link: LinkId,
    client: Client,
}

impl Line {
    /// A device that was sent a SIR and has its connection.
    fn open(behaviour: Behaviour) -> Self {
        Self::open_as(config(behaviour))
    }

    fn open_as(config: Config) -> Self {
        let mut bench = Bench::registered_as(config);
        bench.send(&sir_with(&[(5_060, 256), (4_035, PROTOCOL_HTTP)]));
        Self::accepted(bench)
    }

    fn accepted(mut bench: Bench) -> Self {
        let (link, transport, target, _) = bench.lines.pop_front().expect("a connection");
        bench.tell(Input::Opened {
            link,
            listener: None,
            transport,
            local: at("192.0.2.11:40000"),
            peer: target,
        });
        Self {
            bench,
            link,
            client: Client::default(),
        }
    }

    fn tell(&mut self, octets: impl Into<Bytes>) {
        let (link, octets) = (self.link, octets.into());
        self.bench.tell(Input::Octets { link, octets });
    }

    /// What the device answers to a request.
    fn ask(&mut self, method: &str, rows: &[(&str, &str)], body: Vec<u8>) -> Option<Answer> {
        let mut headers = vec![("host".to_owned(), String::new())];
        let each = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        headers.extend(rows.iter().map(each));
        let request = HttpRequest {
            method: method.to_owned(),
            target: "/wappush".to_owned(),
            headers,
            body: body.into(),
        };
        let octets = self.client.ask(&request).expect("a free connection");
        self.tell(octets);
        self.answer()
    }

    fn answer(&mut self) -> Option<Answer> {
        let (link, octets) = self.bench.on_lines.pop_front()?;
        assert_eq!(link, self.link);
        self.client.octets(&octets).unwrap()
    }

    fn register(&mut self) -> Answer {
        let rows = [("x-wap-push-ota-version", "1.0")];
        self.ask("OPTIONS", &rows, Vec::new()).expect("an answer")
    }

    /// A text as a gateway pushes it; the status of the answer.
    fn push(&mut self, id: &str, content_type: &str) -> String {
        let rows = [("X-Sirgate-Push", id)];
        let body = response_of(rows.into_iter(), content_type, b"hello");
        let rows = [("content-type", "application/http")];
        let answer = self.ask("POST", &rows, body).expect("an answer");
        assert_eq!(answer.response.status, 204);
        value(&answer, "x-wap-push-status").to_owned()
    }

    fn is_closed(&self) -> bool {
        self.bench.closed.contains(&self.link)
    }
}

fn value<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let rows = &answer.response.headers;
    let found = rows.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value.as_str())
}

#[test]
fn ota_http_001_a_device_connects_where_the_sir_says_registers_and_takes_contents() {
    let mut line = Line::open(by_http());
    let registered = line.register();
    assert_eq!(value(&registered, "x-wap-push-status"), "501 Accepted");
    assert_eq!(value(&registered, "x-wap-push-ota-version"), "1.0");
    assert_eq!(
        value(&registered, "x-wap-terminal-id"),
        "01alice@example.com"
    );
    assert_eq!(value(&registered, "x-sirgate-device"), format!("<{C1}>"));
    assert_eq!(value(&registered, "x-sirgate-sir"), "0001");
    assert!(!value(&registered, "x-wap-cpitag").is_empty());
    assert_eq!(line.bench.device.http_connections_up(), 1);
    assert_eq!(line.bench.count("sess.up"), 1);
    assert_eq!(line.push("p1", "text/plain"), "400 Accepted");
    assert_eq!(line.push("p2", "text/plain"), "400 Accepted");
    for push in ["push.rx p1 5 http", "push.rx p2 5 http"] {
        assert_eq!(line.bench.count(push), 1, "{:?}", line.bench.story());
    }
    let (link, why) = (line.link, CloseReason::Peer);
    line.bench.tell(Input::Closed { link, why });
    assert_eq!(line.bench.count("sess.down"), 1);
    assert_eq!(line.bench.device.http_connections_up(), 0);
}

#[test]
fn ota_http_003_a_contact_point_in_tls_is_one_by_its_port_or_by_its_protocol() {
    for (points, transport, port) in [
        (
            vec![(4_035, PROTOCOL_HTTP), (4_036, PROTOCOL_HTTP)],
            Transport::Tcp,
            4_035,
        ),
        (vec![(4_036, PROTOCOL_HTTP)], Transport::Tls, 4_036),
        (vec![(5_036, PROTOCOL_HTTPS)], Transport::Tls, 5_036),
        (
            vec![(7_000, 999), (4_035, PROTOCOL_HTTP)],
            Transport::Tcp,
            4_035,
        ),
    ] {
        let mut bench = Bench::registered(by_http());
        bench.send(&sir_with(&points));
        let (_, opened, target, name) = bench.lines.pop_front().unwrap();
        assert_eq!((opened, target.port()), (transport, port));
        let expected = (transport == Transport::Tls).then(|| "ppg.example.com".to_owned());
        assert_eq!(name, expected);
    }
}

#[test]
fn ota_http_003_a_device_that_uses_tls_prefers_it_and_takes_the_other_when_that_fails() {
    let mut config = config(by_http());
    config.transport = Transport::Tls;
    config.register = false;
    config.bearers.http = true;
    let mut bench = Bench::new(config);
    bench.run();
    let points = [(4_035, PROTOCOL_HTTP), (4_036, PROTOCOL_HTTP)];
    bench.send(&sir_with(&points));
    let (link, first, _, _) = bench.lines.pop_front().unwrap();
    assert_eq!(first, Transport::Tls);
    let why = CloseReason::Refused;
    bench.tell(Input::Closed { link, why });
    let (link, second, _, _) = bench.lines.pop_front().unwrap();
    assert_eq!(second, Transport::Tcp);
    bench.tell(Input::Closed { link, why });
    assert!(bench.lines.is_empty());
    assert_eq!(bench.count("refused no session"), 1);
}

#[test]
fn ota_http_016_a_device_connects_by_sip_unless_it_prefers_http_and_is_told_where() {
    let mut bench = Bench::registered(Behaviour::default());
    bench.send(&sir_with(&[(4_035, PROTOCOL_HTTP)]));
    assert!(bench.lines.is_empty());
    let mut bench = Bench::registered(by_http());
    bench.send(&sir_with(&[(5_060, 256)]));
    assert!(bench.lines.is_empty());
    assert_eq!(bench.status(), 200);
    bench.request(Method::Invite);
}

#[test]
fn ota_http_001_a_new_sir_opens_the_connection_anew() {
    let mut line = Line::open(by_http());
    line.register();
    let mut sir = sir_with(&[(4_035, PROTOCOL_HTTP)]);
    sir.id = Some("0002".into());
    line.bench.send(&sir);
    assert!(line.is_closed());
    let mut line = Line::accepted(line.bench);
    assert_eq!(value(&line.register(), "x-sirgate-sir"), "0002");
    assert_eq!(line.bench.device.http_connections_up(), 1);
}

#[test]
fn ota_http_001_content_of_a_type_that_is_not_taken_is_refused_as_that() {
    let mut config = config(by_http());
    let mut profile = config.profile.as_ref().clone();
    profile.accept = vec!["text/plain".to_owned()];
    config.profile = profile.into();
    let mut line = Line::open_as(config);
    line.register();
    assert_eq!(line.push("p1", "image/png"), "238 Rejected");
    assert_eq!(line.push("p2", "text/plain"), "400 Accepted");
}

#[test]
fn ppg_gen_s_023_a_device_says_that_it_takes_deflate_and_takes_it_within_its_bound() {
    use crate::codec::deflate::deflate;
    let mut line = Line::open(by_http());
    let registered = line.register();
    assert_eq!(
        value(&registered, "x-wap-push-accept-encoding"),
        "identity, deflate"
    );
    let mut push = |id: &str, coding: &str, octets: &[u8]| {
        let rows = [("X-Sirgate-Push", id), ("Content-Encoding", coding)];
        let body = response_of(rows.into_iter(), "text/plain", octets);
        let rows = [("content-type", "application/http")];
        let answer = line.ask("POST", &rows, body).unwrap();
        value(&answer, "x-wap-push-status").to_owned()
    };
    assert_eq!(push("p1", "deflate", &deflate(b"hello")), "400 Accepted");
    assert_eq!(push("p2", "deflate", b"hello"), "235 Rejected");
    assert_eq!(push("p3", "gzip", b"hello"), "235 Rejected");
    assert_eq!(
        push("p4", "deflate", &deflate(&vec![0; 2_000_000])),
        "235 Rejected"
    );
    assert_eq!(line.bench.count("push.rx p1 5 http"), 1);
    assert_eq!(line.bench.count("push.rx"), 1);
}

#[test]
fn ota_http_009_a_device_that_asks_who_the_gateway_is_asks_on_its_own_connection_too() {
    let mut own = config(Behaviour {
        require: Trust::Flow,
        ..by_http()
    });
    own.challenge = Some(Challenge {
        realm: "t1".to_owned(),
        gateway: Credentials {
            user: "ppg".to_owned(),
            password: "secret".to_owned(),
        },
    });
    let mut line = Line::open_as(own);
    let asked = line.register();
    assert_eq!(asked.response.status, 401);
    assert_eq!(line.bench.device.http_connections_up(), 0);
    // ppg:secret
    let rows = [("authorization", "Basic cHBnOnNlY3JldA==")];
    let registered = line.ask("OPTIONS", &rows, Vec::new()).unwrap();
    assert_eq!(value(&registered, "x-wap-push-status"), "501 Accepted");
    let rows = [rows[0], ("content-type", "application/http")];
    let push = response_of(
        [("X-Sirgate-Push", "p1")].into_iter(),
        "text/plain",
        b"hello",
    );
    let taken = line.ask("POST", &rows, push).unwrap();
    assert_eq!(value(&taken, "x-wap-push-status"), "400 Accepted");
}

#[test]
fn ota_http_014_a_gateway_that_says_nothing_is_left_and_the_sir_is_open_still() {
    let mut line = Line::open(by_http());
    line.bench.wait_ms(61_000);
    assert!(line.is_closed());
    assert_eq!(line.bench.device.http_connections_up(), 0);
    line.bench.send(&sir_with(&[(4_035, PROTOCOL_HTTP)]));
    assert_eq!(line.bench.lines.len(), 1, "the same SIR means what it says");
}

#[test]
fn ota_http_014_garbage_of_a_gateway_ends_the_connection_and_harms_nothing() {
    for garbage in [
        &b"SIP/2.0 200 OK\r\n\r\n"[..],
        b"POST /wappush HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n",
        b"POST /wappush HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        &[0xFF; 40_000],
    ] {
        let mut line = Line::open(by_http());
        line.register();
        line.tell(Bytes::copy_from_slice(garbage));
        assert!(line.is_closed());
        assert_eq!(line.bench.count("sess.down"), 1);
    }
}

#[test]
fn ota_http_001_two_requests_at_once_are_answered_in_their_order() {
    let mut line = Line::open(by_http());
    let request = "OPTIONS /wappush HTTP/1.1\r\nHost:\r\n\r\n";
    let other = "OPTIONS /other HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n";
    line.tell(format!("{request}{other}{request}"));
    let came: Vec<String> = line
        .bench
        .on_lines
        .drain(..)
        .map(|(_, octets)| String::from_utf8(octets.to_vec()).unwrap())
        .collect();
    assert_eq!(came.len(), 2, "the last one closes");
    assert!(came[0].starts_with("HTTP/1.1 204 "), "{}", came[0]);
    assert!(came[1].starts_with("HTTP/1.1 404 "), "{}", came[1]);
    assert!(line.is_closed());
}
