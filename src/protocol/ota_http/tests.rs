//! Both ends on one connection, cut anywhere; and what is no HTTP.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::codec::Class;

fn request(method: &str, body: &[u8]) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        target: "/wappush".to_owned(),
        headers: vec![("host".to_owned(), String::new())],
        body: Bytes::copy_from_slice(body),
    }
}

fn response(status: u16, body: &[u8]) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("x-wap-push-status".to_owned(), "400".to_owned())],
        body: Bytes::copy_from_slice(body),
    }
}

fn asked(server: &mut Server) -> HttpRequest {
    match server.next_asked().unwrap() {
        Some(Asked::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// A client that has asked.
fn client() -> Client {
    let mut client = Client::default();
    client.ask(&request("OPTIONS", b"")).unwrap();
    client
}

fn class(fault: Fault) -> Class {
    match fault {
        Fault::Malformed(error) => error.class,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_request_is_under_way_at_a_time_and_the_connection_serves_many() {
    let (mut client, mut server) = (Client::default(), Server::default());
    for body in [&b""[..], b"hello"] {
        let octets = client.ask(&request("POST", body)).unwrap();
        assert_eq!(client.ask(&request("POST", b"")), None);
        server.octets(&octets).unwrap();
        let read = asked(&mut server);
        assert_eq!((read.method.as_str(), &read.body[..]), ("POST", body));
        assert_eq!(read.header("host"), Some(""));
        assert_eq!(server.next_asked(), Ok(None));
        let octets = server.answer(&response(204, b"")).unwrap();
        assert_eq!(server.answer(&response(204, b"")), None);
        let answer = client.octets(&octets).unwrap().unwrap();
        assert_eq!((answer.response.status, answer.is_last), (204, false));
    }
}

#[test]
fn requests_that_come_together_are_read_one_after_the_other() {
    let mut server = Server::default();
    let mut octets = request_octets(&request("POST", b"one")).to_vec();
    octets.extend(b"\r\n");
    octets.extend(request_octets(&request("POST", b"two")));
    server.octets(&octets).unwrap();
    assert_eq!(&asked(&mut server).body[..], b"one");
    server.answer(&response(204, b""));
    assert_eq!(&asked(&mut server).body[..], b"two");
}

#[test]
fn an_answer_in_chunks_and_one_that_ends_with_the_connection_are_whole() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n";
    let mut client = client();
    let answer = client.octets(chunked).unwrap().unwrap();
    assert_eq!(&answer.response.body[..], b"hello!");
    assert!(client.is_free());
    client.ask(&request("POST", b"")).unwrap();
    assert_eq!(client.octets(b"HTTP/1.1 200 OK\r\n\r\nhel"), Ok(None));
    assert_eq!(client.octets(b"lo"), Ok(None));
    let answer = client.ended().unwrap();
    assert_eq!(
        (&answer.response.body[..], answer.is_last),
        (&b"hello"[..], true)
    );
    assert!(!client.is_free());
}

#[test]
fn interim_answers_are_passed_over_until_there_are_too_many() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut patient = client();
    assert_eq!(patient.octets(interim), Ok(None));
    let answer = patient.octets(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(answer.unwrap().unwrap().response.status, 204);
    assert_eq!(client().octets(&interim.repeat(9)), Err(Fault::Flood));
}

#[test]
fn a_terminal_that_speaks_unasked_or_more_than_it_was_asked_is_refused() {
    assert_eq!(Client::default().octets(b"HTTP/1.1 2"), Err(Fault::Unasked));
    let twice = b"HTTP/1.1 204 x\r\n\r\n".repeat(2);
    assert_eq!(client().octets(&twice), Err(Fault::Unasked));
}

#[test]
fn a_connection_that_is_said_to_end_takes_no_further_request() {
    for last in [
        "HTTP/1.1 204 x\r\nConnection: x, Close\r\n\r\n",
        "HTTP/1.0 204 x\r\n\r\n",
    ] {
        let mut client = client();
        assert!(client.octets(last.as_bytes()).unwrap().unwrap().is_last);
        assert_eq!(client.ask(&request("POST", b"")), None, "{last}");
    }
    let mut kept = client();
    let kept = kept.octets(b"HTTP/1.0 204 x\r\nconnection: keep-alive\r\n\r\n");
    assert!(!kept.unwrap().unwrap().is_last);
}

#[test]
fn a_gateway_that_asks_leave_for_its_body_gets_it_once() {
    let mut server = Server::default();
    let head =
        "POST /wappush HTTP/1.1\r\nHost:\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    server.octets(head.as_bytes()).unwrap();
    let leave = Asked::Leave(Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n"));
    assert_eq!(server.next_asked(), Ok(Some(leave)));
    assert_eq!(server.next_asked(), Ok(None));
    server.octets(b"ok").unwrap();
    assert_eq!(&asked(&mut server).body[..], b"ok");
}

#[test]
fn what_is_no_http_or_above_a_bound_ends_the_connection() {
    for (octets, expected) in [
        (&b"SIP/2.0 200 OK\r\n\r\n"[..], Class::BadValue),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            Class::Repeated,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            Class::BadValue,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            Class::BadValue,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            Class::BadValue,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            Class::BadLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
            Class::TooLarge,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n",
            Class::TooLarge,
        ),
    ] {
        let fault = client().octets(octets).unwrap_err();
        assert_eq!(class(fault), expected, "{}", octets.escape_ascii());
    }
    let endless = vec![b'x'; 40_000];
    assert_eq!(
        class(client().octets(&endless).unwrap_err()),
        Class::TooLarge
    );
    let mut trailers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".to_vec();
    trailers.extend(b"a: b\r\n".repeat(40));
    assert_eq!(
        class(client().octets(&trailers).unwrap_err()),
        Class::TooLarge
    );
    let mut until_end = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    until_end.resize(70_000, b'x');
    assert_eq!(
        class(client().octets(&until_end).unwrap_err()),
        Class::TooLarge
    );
}

#[test]
fn a_gateway_that_floods_while_it_is_answered_is_refused() {
    let mut server = Server::default();
    server
        .octets(&request_octets(&request("POST", b"one")))
        .unwrap();
    asked(&mut server);
    let flood = vec![b'x'; 65_536];
    let refused = (0..64).find_map(|_| server.octets(&flood).err());
    assert_eq!(refused, Some(Fault::Flood));
}

#[test]
fn a_line_end_in_a_value_begins_no_row() {
    let mut odd = response(204, b"");
    odd.headers.push(("a".into(), "b\r\nc: d".into()));
    let text = String::from_utf8(response_octets(&odd).to_vec()).unwrap();
    assert!(text.contains("a: bc: d\r\n"), "{text}");
}

proptest! {
    #[test]
    fn messages_are_the_same_wherever_they_were_cut(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..4),
        cuts in proptest::collection::vec(1_usize..50, 1..40),
    ) {
        let (mut client, mut server) = (Client::default(), Server::default());
        for body in bodies {
            let octets = client.ask(&request("POST", &body)).unwrap();
            let mut sizes = cuts.iter().cycle();
            let mut rest = &octets[..];
            let mut came = None;
            while !rest.is_empty() {
                let (part, more) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                rest = more;
                server.octets(part).unwrap();
                came = server.next_asked().unwrap();
                prop_assert_eq!(came.is_some(), rest.is_empty());
            }
            let Some(Asked::Request(read)) = came else { panic!() };
            prop_assert_eq!(&read.body[..], &body[..]);
            let octets = server.answer(&response(200, &body)).unwrap();
            let mut answer = None;
            for octet in octets.chunks(1) {
                prop_assert_eq!(&answer, &None);
                answer = client.octets(octet).unwrap();
            }
            prop_assert_eq!(&answer.unwrap().response.body[..], &body[..]);
        }
    }

    #[test]
    fn any_octets_end_with_a_message_a_wait_or_a_fault(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut asked = client();
        let _ = asked.octets(&octets);
        let _ = asked.ended();
        let mut server = Server::default();
        server.octets(&octets).unwrap();
        let _ = server.next_asked();
    }
}
