//! Chunks in any order, and those that are refused.

use super::*;

#[test]
fn chunks_in_any_order_make_the_same_message() {
    let body = content(9 * 2_048 + 5);
    let mut random = Random::from_number(1);
    for _ in 0..50 {
        let mut pair = Pair::with(
            Settings::default(),
            Settings {
                window: 99,
                ..Settings::default()
            },
        );
        pair.link();
        pair.push(1, &body);
        for i in (1..pair.to_device.len()).rev() {
            let with = random.below(u64::try_from(i).unwrap() + 1);
            pair.to_device.swap(i, usize::try_from(with).unwrap());
        }
        let twice = pair.to_device[3].clone();
        pair.to_device.insert(6, twice);
        pair.run();
        assert_eq!(pair.received(), [body.as_slice()]);
        assert_eq!(pair.gateway_told, [Out::Delivered { id: 1 }]);
    }
}

#[test]
fn a_chunk_of_a_complete_message_is_answered_and_not_delivered_again() {
    let mut pair = Pair::bound();
    let only = chunk("m123", "1-2/2", b"hi", Flag::Last);
    pair.tell(End::Device, In::Message(only.clone()));
    pair.tell(End::Device, In::Message(only));
    assert_eq!(answered(&mut pair), 200);
    assert_eq!(answered(&mut pair), 200);
    assert_eq!(pair.received(), [&b"hi"[..]]);
}

#[test]
fn where_chunks_overlap_the_last_wins() {
    for (order, expected) in [
        (["1-3/6 abc", "4-6/6 def"].as_slice(), "abcdef"),
        (&["1-4/6 abcd", "3-6/6 WXYZ"], "abWXYZ"),
        (&["3-6/6 WXYZ", "1-4/6 abcd"], "abcdYZ"),
        (&["5-6/6 ef", "3-5/6 CDE", "1-2/6 ab"], "abCDEf"),
        (&["2-5/6 bcde", "3-4/6 XY", "6-6/6 f", "1-1/6 a"], "abXYef"),
        (
            &["2-2/6 b", "4-4/6 d", "2-5/6 WXYZ", "6-6/6 f", "1-1/6 a"],
            "aWXYZf",
        ),
        (&["1-5/6 abcde", "2-3/6 XY", "6-6/6 f"], "aXYdef"),
        (&["1-*/* abc", "4-*/6 def"], "abcdef"),
    ] {
        let mut pair = Pair::bound();
        for piece in order {
            let (range, body) = piece.split_once(' ').unwrap();
            let piece = chunk("m123", range, body.as_bytes(), Flag::More);
            pair.tell(End::Device, In::Message(piece));
        }
        assert_eq!(pair.received(), [expected.as_bytes()], "{order:?}");
    }
}

#[test]
fn a_message_of_unknown_size_ends_with_its_last_chunk() {
    let mut pair = Pair::bound();
    pair.tell(
        End::Device,
        In::Message(chunk("m123", "4-*/*", b"def", Flag::Last)),
    );
    assert_eq!(pair.received(), Vec::<Bytes>::new());
    pair.tell(
        End::Device,
        In::Message(chunk("m123", "1-*/*", b"abc", Flag::More)),
    );
    assert_eq!(pair.received(), [&b"abcdef"[..]]);
}

#[test]
fn an_empty_message_is_a_message() {
    let mut pair = Pair::bound();
    pair.push(1, b"");
    assert_eq!(
        request(&pair.to_device[0]).value("Byte-Range"),
        Some("1-0/0")
    );
    pair.run();
    assert_eq!(pair.received(), [&b""[..]]);
    assert_eq!(pair.gateway_told, [Out::Delivered { id: 1 }]);
}

#[test]
fn a_message_over_the_limit_is_refused_with_413_and_stays_refused() {
    let small = Settings {
        octets_max: 3_000,
        ..Settings::default()
    };
    let mut pair = Pair::with(small, Settings::default());
    pair.link();
    pair.push(1, &content(3_000));
    pair.push(2, &content(3_001));
    pair.run();
    assert_eq!(pair.received(), [content(3_000)]);
    let failed = Out::Failed {
        id: 2,
        code: 413,
        why: Why::Response,
    };
    assert!(
        pair.gateway_told.contains(&failed),
        "{:?}",
        pair.gateway_told
    );
    for (range, body) in [("1-*/*", content(3_001)), ("1-1/1", content(1))] {
        pair.tell(
            End::Device,
            In::Message(chunk("m123", range, &body, Flag::More)),
        );
        assert_eq!(answered(&mut pair), 413);
    }
}

#[test]
fn a_chunk_far_out_takes_no_memory() {
    let mut pair = Pair::bound();
    let far = chunk("m123", "1048577-*/*", b"x", Flag::More);
    pair.tell(End::Device, In::Message(far));
    assert_eq!(answered(&mut pair), 413);
    let far = chunk("m124", "18446744073709551615-*/*", b"x", Flag::More);
    pair.tell(End::Device, In::Message(far));
    assert_eq!(answered(&mut pair), 413);
}

#[test]
fn a_receiver_begins_so_many_messages_and_keeps_so_many_pieces() {
    let mut pair = Pair::bound();
    for i in 0..limits::MSRP_MESSAGES_OPEN {
        let begin = chunk(&format!("m{i:03}"), "1-*/*", b"x", Flag::More);
        pair.tell(End::Device, In::Message(begin));
        assert_eq!(answered(&mut pair), 200);
    }
    let over = chunk("over", "1-*/*", b"x", Flag::More);
    pair.tell(End::Device, In::Message(over.clone()));
    assert_eq!(answered(&mut pair), 413);
    pair.tell(
        End::Device,
        In::Message(chunk("m000", "2-*/*", b"", Flag::Abort)),
    );
    pair.to_gateway.clear();
    pair.tell(End::Device, In::Message(over));
    assert_eq!(answered(&mut pair), 200);
    for i in 0..=limits::MSRP_PIECES {
        let piece = chunk("m001", &format!("{}-*/*", 3 + 2 * i), b"x", Flag::More);
        pair.tell(End::Device, In::Message(piece));
        let expected = if i < limits::MSRP_PIECES { 200 } else { 413 };
        assert_eq!(answered(&mut pair), expected, "{i}");
    }
}

#[test]
fn a_chunk_that_contradicts_another_or_itself_is_refused_with_400() {
    let mut pair = Pair::bound();
    pair.tell(
        End::Device,
        In::Message(chunk("m123", "1-2/9", b"ab", Flag::More)),
    );
    assert_eq!(answered(&mut pair), 200);
    for (range, body) in [("3-4/8", "cd"), ("3-4/9", "cde")] {
        let wrong = chunk("m123", range, body.as_bytes(), Flag::More);
        pair.tell(End::Device, In::Message(wrong));
        assert_eq!(answered(&mut pair), 400, "{range}");
    }
    let beyond = chunk("m124", "1-*/2", b"abc", Flag::More);
    pair.tell(End::Device, In::Message(beyond));
    assert_eq!(answered(&mut pair), 400);
}

#[test]
fn responses_go_out_as_the_failure_report_wants_them() {
    let mut pair = Pair::bound();
    for (failure_report, range, expected) in [
        ("yes", "1-2/2", Some(200)),
        ("partial", "1-2/2", None),
        ("no", "1-2/2", None),
        ("yes", "1-2/9999999", Some(413)),
        ("partial", "1-2/9999999", Some(413)),
        ("no", "1-2/9999999", None),
    ] {
        let id = format!("{failure_report}{}", range.len());
        let mut message = chunk(&format!("m{id}.."), range, b"hi", Flag::Last);
        if let Message::Request(request) = &mut message {
            let first = Headers::from_iter([("Failure-Report", failure_report)]);
            let rest = core::mem::replace(&mut request.headers, first);
            request.headers.extend(rest.iter());
        }
        pair.tell(End::Device, In::Message(message));
        let status = pair.to_gateway.pop().map(|message| match message {
            Message::Response(response) => response.status,
            Message::Request(request) => panic!("{request:?}"),
        });
        assert_eq!(status, expected, "{failure_report} {range}");
    }
}

#[test]
fn requests_for_others_from_others_and_of_unknown_methods_are_refused() {
    let mut pair = Pair::bound();
    let to = |to: &str, from: &str, method: Method| {
        let request = Request::new(method, "tidtid", to, from);
        In::Message(Message::Request(request))
    };
    let other = "msrp://192.0.2.5:2855/other;tcp";
    pair.tell(End::Device, to(other, GATEWAY, Method::Send));
    assert_eq!(answered(&mut pair), 481);
    pair.tell(End::Device, to(DEVICE, other, Method::Send));
    assert_eq!(answered(&mut pair), 403);
    pair.tell(
        End::Device,
        to(DEVICE, GATEWAY, Method::Other("AUTH".into())),
    );
    assert_eq!(answered(&mut pair), 501);
    pair.tell(End::Device, to(other, GATEWAY, Method::Report));
    pair.tell(End::Device, to(DEVICE, GATEWAY, Method::Report));
    assert_eq!(pair.to_gateway, []);
}
