//! MSRP messages, whole and in pieces.
#![expect(clippy::arithmetic_side_effects, reason = "test")]

use super::*;
use crate::limits;

/// The messages of one push session, as on the wire.
fn session() -> Vec<u8> {
    include_str!("../../../testdata/msrp/push_session.txt")
        .replace('\n', "\r\n")
        .into_bytes()
}

fn all(framer: &mut Framer) -> Vec<Message> {
    core::iter::from_fn(|| framer.next())
        .map(Result::unwrap)
        .collect()
}

fn decode(text: &str) -> Result<Message, DecodeError> {
    Message::decode(&Bytes::copy_from_slice(
        text.replace('\n', "\r\n").as_bytes(),
    ))
}

fn request(text: &str) -> Request {
    match decode(text).unwrap() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

const PATHS: &str = "To-Path: msrp://a:1/to;tcp\nFrom-Path: msrp://b:2/from;tcp\n";

fn send(inside: &str) -> String {
    format!("MSRP abcd SEND\n{PATHS}{inside}-------abcd$\n")
}

#[test]
fn a_whole_session_is_framed_and_comes_out_again_octet_for_octet() {
    let octets = session();
    let mut framer = Framer::new();
    framer.push(&octets);
    let messages = all(&mut framer);
    assert_eq!(messages.len(), 7);
    assert_eq!(framer.waiting(), 0);
    let again: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
    assert_eq!(again, octets);
}

#[test]
fn the_session_reads_the_same_in_pieces_of_any_size() {
    let octets = session();
    let mut whole = Framer::new();
    whole.push(&octets);
    let expected = all(&mut whole);
    for size in 1..70 {
        let mut framer = Framer::new();
        let mut messages = Vec::new();
        for piece in octets.chunks(size) {
            framer.push(piece);
            messages.extend(all(&mut framer));
        }
        assert_eq!(messages, expected, "{size}");
    }
}

#[test]
fn a_chunk_has_its_headers_range_flag_and_body() {
    let mut framer = Framer::new();
    framer.push(&session());
    let messages = all(&mut framer);
    let Message::Request(chunk) = &messages[2] else {
        panic!("{:?}", messages[2]);
    };
    assert_eq!(
        (chunk.method.clone(), chunk.flag),
        (Method::Send, Flag::More)
    );
    assert_eq!(chunk.message_id(), Some("p1push0008"));
    let range = chunk.byte_range().unwrap();
    assert_eq!(
        (range.start, range.end, range.total),
        (1, Some(40), Some(80))
    );
    assert!(chunk.success_report());
    assert_eq!(chunk.failure_report(), FailureReport::Yes);
    assert_eq!(chunk.value("x-sirgate-push"), Some("0008@pi.example.com"));
    assert_eq!(chunk.content_type(), Some("text/vnd.wap.si"));
    assert_eq!(chunk.body.as_ref().unwrap().len(), 40);
    assert_eq!(messages[2].session_id(), Some("d1s7aa11bb22"));
    let Message::Request(report) = &messages[5] else {
        panic!("{:?}", messages[5]);
    };
    let status = report.status().unwrap();
    assert_eq!((status.code, status.text.as_deref()), (200, Some("OK")));
    assert_eq!(messages[5].start_line(), "MSRP w1a2b3c4d5e6 REPORT");
    assert_eq!(messages[1].start_line(), "MSRP t1a2b3c4d5e6 200 OK");
}

#[test]
fn an_empty_body_is_not_the_same_as_none() {
    let none = request(&send("Message-ID: m123\n"));
    assert_eq!(none.body, None);
    let empty = request(&send("Message-ID: m123\nContent-Type: text/plain\n\n\n"));
    assert_eq!(empty.body, Some(Bytes::new()));
    let line = request(&send("Content-Type: text/plain\n\n\n\n"));
    assert_eq!(line.body, Some(Bytes::from_static(b"\r\n")));
}

#[test]
fn a_body_may_hold_what_only_looks_like_the_end_line() {
    let body = "x\n-------abcd\n-------abcd*\n-------abcd$ \n-------other$\nMSRP abcd SEND\n\n-------abcd$\r";
    let text = send(&format!("Content-Type: a/b\n\n{body}\n"));
    let octets = text.replace('\n', "\r\n").into_bytes();
    for size in [1, 7, 8192] {
        let mut framer = Framer::new();
        let mut messages = Vec::new();
        for piece in octets.chunks(size) {
            framer.push(piece);
            messages.extend(all(&mut framer));
        }
        let [Message::Request(request)] = messages.as_slice() else {
            panic!("{messages:?}");
        };
        let expected = body.replace('\n', "\r\n");
        assert_eq!(request.body.as_deref(), Some(expected.as_bytes()));
        assert_eq!(request.encode(), octets);
        assert!(!tid_fits("abcd", expected.as_bytes()));
        assert!(tid_fits("abce", expected.as_bytes()));
    }
}

#[test]
fn a_message_ends_at_its_first_end_line() {
    for flag in ['$', '+', '#'] {
        let body = format!("x\n-------abcd*\n-------abcd{flag}\nMSRP abcd SEND");
        let text = send(&format!("Content-Type: a/b\n\n{body}\n"));
        let octets = text.replace('\n', "\r\n");
        let error = decode(&text).unwrap_err();
        let at = octets.find(&format!("-------abcd{flag}")).unwrap();
        assert_eq!((error.class, error.offset), (Class::BadValue, at));
        // A stream says the same: a message ends there, and what follows is another one.
        let mut framer = Framer::new();
        framer.push(octets.as_bytes());
        let Some(Ok(Message::Request(first))) = framer.next() else {
            panic!("no request");
        };
        assert_eq!(first.body.as_deref(), Some(&b"x\r\n-------abcd*"[..]));
    }
}

#[test]
fn a_body_that_holds_the_end_line_is_not_written() {
    let text = send("Content-Type: a/b\n\nx\n");
    let octets = text.replace('\n', "\r\n").into_bytes();
    let mut fields = (format::FORMAT.decode)(&octets, false).unwrap().fields;
    assert_eq!((format::FORMAT.encode)(&fields).unwrap(), octets);
    fields["body"] = "x\r\n-------abcd$\r\n".into();
    assert!((format::FORMAT.encode)(&fields).is_err());
    // In the middle of a line it ends nothing.
    fields["body"] = "x-------abcd$\r\n".into();
    let written = (format::FORMAT.encode)(&fields).unwrap();
    assert_eq!(
        (format::FORMAT.decode)(&written, false).unwrap().fields,
        fields
    );
}

#[test]
fn any_octets_can_be_a_body() {
    let body: Vec<u8> = (0..=255).cycle().take(2048).collect();
    let path = vec!["msrp://a:1/to;tcp".to_owned()];
    let request = Request::new(Method::Send, "abcd", path.clone(), path)
        .header("Message-ID", "m123")
        .content("application/octet-stream", body.into());
    let mut framer = Framer::new();
    framer.push(&request.encode());
    assert_eq!(framer.next(), Some(Ok(Message::Request(request))));
}

#[test]
fn a_header_value_cannot_begin_a_line_of_its_own() {
    let path = vec!["msrp://a:1/to;tcp".to_owned()];
    let request = Request::new(Method::Send, "abcd", path.clone(), path)
        .header("X-A", "b\r\nX-Evil: c\n-------abcd$\r\n");
    let Message::Request(again) = Message::decode(&request.encode()).unwrap() else {
        panic!("not a request");
    };
    assert_eq!(again.headers.len(), 1);
    assert_eq!(again.value("X-Evil"), None);
}

#[test]
fn an_unknown_method_is_a_request_and_can_be_answered() {
    let request = request(&format!("MSRP abcd AUTH\n{PATHS}-------abcd$\n"));
    assert_eq!(request.method, Method::Other("AUTH".into()));
    let answer = String::from_utf8(request.answer(501).encode().to_vec()).unwrap();
    assert_eq!(
        answer,
        "MSRP abcd 501 Not Implemented\r\nTo-Path: msrp://b:2/from;tcp\r\nFrom-Path: msrp://a:1/to;tcp\r\n-------abcd$\r\n"
    );
}

#[test]
fn an_answer_goes_one_hop_back() {
    let text = "MSRP abcd SEND\nTo-Path: msrp://r:1/r;tcp msrp://a:1/to;tcp\nFrom-Path: msrp://s:1/s;tcp msrp://b:2/from;tcp\n-------abcd$\n";
    let request = request(text);
    let answer = request.answer(200);
    assert_eq!(answer.to_path.as_str(), "msrp://s:1/s;tcp");
    assert_eq!(answer.from_path.as_str(), "msrp://r:1/r;tcp");
    assert_eq!(request.encode(), text.replace('\n', "\r\n"));
}

#[test]
fn faults_name_their_octet() {
    let at = |text: &str, piece: &str| {
        let wire = text.replace('\n', "\r\n");
        let error = decode(text).unwrap_err();
        assert_eq!(error.offset, wire.find(piece).unwrap(), "{text}\n{error}");
        error.class
    };
    assert_eq!(at("MSRP abc SEND\n", "abc"), Class::BadValue);
    assert_eq!(at("MSRP abcd Send\n", "Send"), Class::BadValue);
    assert_eq!(at("SIP/2.0 200 OK\n", "SIP"), Class::BadValue);
    let swapped = "MSRP abcd SEND\nFrom-Path: msrp://a;tcp\nTo-Path: msrp://a;tcp\n-------abcd$\n";
    assert_eq!(at(swapped, "From"), Class::MissingHeader);
    let uri =
        "MSRP abcd SEND\nTo-Path: msrp://a;tcp sip:x\nFrom-Path: msrp://a;tcp\n-------abcd$\n";
    assert_eq!(at(uri, "sip:x"), Class::BadValue);
    assert_eq!(at(&send("Byte-Range: 0-1/2\n"), "0-1/2"), Class::BadValue);
    assert_eq!(at(&send("Message-ID: m12\n"), "m12"), Class::BadValue);
    assert_eq!(
        at(&send("Success-Report: maybe\n"), "maybe"),
        Class::BadValue
    );
    assert_eq!(
        at(&send("Failure-Report: maybe\n"), "maybe"),
        Class::BadValue
    );
    assert_eq!(at(&send("Status: 001 200\n"), "001"), Class::BadValue);
    assert_eq!(at(&send("X-A:b\n"), "X-A"), Class::BadValue);
    assert_eq!(at(&send("X-A: b\u{1}\n"), "\u{1}"), Class::BadValue);
    assert_eq!(
        at(&send("To-Path: msrp://c;tcp\n"), "msrp://c"),
        Class::Repeated
    );
    let twice = "Byte-Range: 1-0/0\nbyte-range: 1-*/*\n";
    assert_eq!(at(&send(twice), "byte-range"), Class::Repeated);
    assert_eq!(at(&send("X: y\n\nbody\n"), "body"), Class::MissingHeader);
    assert_eq!(at(&send("Content-Type: a/b\n"), "Content"), Class::BadValue);
    let after = "Content-Type: a/b\nX: y\n\nbody\n";
    assert_eq!(at(&send(after), "Content"), Class::BadValue);
    let response = format!("MSRP abcd 200 OK\n{PATHS}Content-Type: a/b\n\nbody\n-------abcd$\n");
    assert_eq!(at(&response, "body"), Class::BadValue);
    let error = decode(&format!("MSRP abcd SEND\n{PATHS}")).unwrap_err();
    assert_eq!(error.class, Class::Truncated);
}

#[test]
fn a_request_that_is_wrong_inside_is_answered_with_400_and_the_stream_goes_on() {
    let good = send("Message-ID: m123\n").replace('\n', "\r\n");
    let bad = send("Byte-Range: x\n").replace('\n', "\r\n");
    let mut framer = Framer::new();
    framer.push((bad + &good).as_bytes());
    let fault = framer.next().unwrap().unwrap_err();
    assert!(!fault.is_lost);
    assert!(
        fault
            .answer
            .unwrap()
            .starts_with(b"MSRP abcd 400 Bad Request\r\n")
    );
    assert!(framer.next().unwrap().is_ok());
}

#[test]
fn a_wrong_report_or_response_is_never_answered() {
    for start in ["MSRP abcd REPORT", "MSRP abcd 200"] {
        let bad = send("Byte-Range: x\n").replace("MSRP abcd SEND", start);
        let mut framer = Framer::new();
        framer.push(bad.replace('\n', "\r\n").as_bytes());
        let fault = framer.next().unwrap().unwrap_err();
        assert_eq!((fault.answer, fault.is_lost), (None, false));
    }
}

#[test]
fn a_stream_that_is_not_msrp_is_lost_at_once() {
    for octets in ["GET / HTTP/1.1", "MS RP", "\r\n", "MSRP abc SEND\r\n"] {
        let mut framer = Framer::new();
        framer.push(octets.as_bytes());
        assert!(framer.next().unwrap().unwrap_err().is_lost, "{octets}");
        framer.push(&session());
        assert_eq!(framer.next(), None, "{octets}");
        assert_eq!(framer.waiting(), 0);
    }
}

fn of_body(octets: usize) -> Vec<u8> {
    let path = vec!["msrp://a:1/to;tcp".to_owned()];
    let body = Bytes::from(vec![b'x'; octets]);
    let request = Request::new(Method::Send, "abcd", path.clone(), path);
    request.content("a/b", body).encode().to_vec()
}

fn of_head(octets: usize) -> Vec<u8> {
    let path = vec!["msrp://a:1/to;tcp".to_owned()];
    let request = Request::new(Method::Send, "abcd", path.clone(), path);
    let used = request.clone().header("X", "").encode().len() - "-------abcd$\r\n".len();
    request
        .header("X", "x".repeat(octets - used))
        .encode()
        .to_vec()
}

#[test]
fn a_chunk_may_be_as_large_as_the_limit_and_no_larger() {
    for pieces in [1, 1_000, 100_000] {
        let result = |octets: Vec<u8>| {
            let mut framer = Framer::new();
            let found = octets.chunks(pieces).find_map(|piece| {
                framer.push(piece);
                framer.next()
            });
            found
                .unwrap()
                .map(|_| ())
                .map_err(|fault| fault.error.class)
        };
        assert_eq!(result(of_body(limits::MSRP_CHUNK_OCTETS)), Ok(()));
        let over = result(of_body(limits::MSRP_CHUNK_OCTETS + 1));
        assert_eq!(over, Err(Class::TooLarge), "{pieces}");
        assert_eq!(result(of_head(limits::MSRP_HEAD_OCTETS)), Ok(()));
        let over = result(of_head(limits::MSRP_HEAD_OCTETS + 1));
        assert_eq!(over, Err(Class::TooLarge), "{pieces}");
    }
}

#[test]
fn a_chunk_that_is_too_large_is_refused_and_what_follows_it_is_read() {
    let good = send("Message-ID: m123\n").replace('\n', "\r\n");
    let body = "-------abce$\r\n".repeat(3 * limits::MSRP_CHUNK_OCTETS / 14);
    let large = format!(
        "MSRP abcd SEND\r\n{}Content-Type: a/b\r\n\r\n{body}\r\n-------abcd$\r\n",
        PATHS.replace('\n', "\r\n")
    );
    for pieces in [7, 4_096, 1_000_000] {
        let mut framer = Framer::new();
        let (mut refused, mut read) = (0, 0);
        for piece in (large.clone() + &good).as_bytes().chunks(pieces) {
            framer.push(piece);
            while let Some(result) = framer.next() {
                match result {
                    Ok(_) => read += 1,
                    Err(fault) => {
                        assert!(!fault.is_lost);
                        assert!(fault.answer.unwrap().starts_with(b"MSRP abcd 413 "));
                        refused += 1;
                    }
                }
            }
            assert!(framer.waiting() <= 2 * limits::MSRP_CHUNK_OCTETS);
        }
        assert_eq!((refused, read), (1, 1), "{pieces}");
    }
}

#[test]
fn octets_without_an_end_are_given_up_at_the_limit() {
    let mut framer = Framer::new();
    framer.push(
        format!(
            "MSRP abcd SEND\r\n{}Content-Type: a/b\r\n\r\n",
            PATHS.replace('\n', "\r\n")
        )
        .as_bytes(),
    );
    let mut pushed = 0;
    let fault = loop {
        framer.push(&[0; 4096]);
        pushed += 4096;
        if let Some(result) = framer.next() {
            break result.unwrap_err();
        }
        assert!(pushed < 2 * limits::MSRP_CHUNK_OCTETS);
    };
    assert_eq!(fault.error.class, Class::TooLarge);
}

#[test]
fn identifiers_have_4_to_32_characters_of_the_grammar() {
    for good in ["abcd", "0.-+%=", &"a".repeat(32)] {
        assert!(is_identifier(good), "{good}");
    }
    for bad in ["abc", ".abc", "ab d", "abcü", &"a".repeat(33)] {
        assert!(!is_identifier(bad), "{bad}");
    }
}

#[test]
fn no_damage_makes_the_framer_panic_and_what_is_read_comes_out_again() {
    let octets = session();
    for end in 0..octets.len() {
        drain(&octets[..end]);
        // The framer stops at the fault or goes on behind it: what stands far behind shows nothing new.
        let near = octets.len().min(end + 700);
        let with = b"\r\n- $\xff1"[end % 7];
        let mut damaged = octets[..near].to_vec();
        damaged[end] = with;
        drain(&damaged);
        damaged.remove(end);
        drain(&damaged);
    }
}

fn drain(octets: &[u8]) {
    let mut framer = Framer::new();
    framer.push(octets);
    while let Some(result) = framer.next() {
        if let Ok(message) = result {
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
}
