//! Binding, chunks, reports, time-outs.

use super::*;

#[test]
fn the_active_side_binds_the_link_with_an_empty_send() {
    let mut pair = Pair::new();
    pair.tell(End::Gateway, In::Linked);
    assert_eq!(pair.to_device, []);
    pair.tell(End::Device, In::Linked);
    let binding = request(&pair.to_gateway[0]);
    assert_eq!(binding.method, Method::Send);
    assert_eq!((&binding.body, binding.content_type()), (&None, None));
    assert_eq!(pair.to_gateway[0].session_id(), Some("p1s9cc33dd44"));
    pair.run();
    assert_eq!(pair.device_told, [Out::Bound]);
    assert_eq!(pair.gateway_told, [Out::Bound]);
    assert_eq!(pair.device.deadline(), None);
}

#[test]
fn a_binding_that_is_refused_or_not_answered_ends_the_link() {
    let mut pair = Pair::new();
    pair.send(End::Device, 7, b"info", false);
    pair.tell(End::Device, In::Linked);
    let refusal = request(&pair.to_gateway[0]).answer(506);
    pair.tell(End::Device, In::Message(Message::Response(refusal)));
    let refused = Out::Refused { code: 506 };
    let lost = Out::Failed {
        id: 7,
        code: 506,
        why: Why::Refused,
    };
    assert_eq!(pair.device_told, [refused, lost]);
    assert!(!pair.device.is_linked());

    let mut pair = Pair::new();
    pair.tell(End::Device, In::Linked);
    assert_eq!(pair.device.deadline(), Some(Time::from_secs(31)));
    pair.wait(30);
    assert_eq!(pair.device_told, [Out::Refused { code: 408 }]);
}

#[test]
fn content_waits_for_the_link_and_arrives_in_chunks_with_a_report() {
    let mut pair = Pair::new();
    let body = content(5_000);
    pair.push(1, &body);
    assert_eq!(pair.to_device, []);
    pair.tell(End::Gateway, In::Linked);
    assert_eq!(
        pair.to_device,
        [],
        "nothing goes out before the peer bound the link"
    );
    pair.tell(End::Device, In::Linked);
    pair.step();
    let ranges: Vec<String> = pair
        .to_device
        .iter()
        .filter_map(|message| match message {
            Message::Request(request) => request.value("Byte-Range").map(str::to_owned),
            Message::Response(_) => None,
        })
        .collect();
    assert_eq!(ranges, ["1-2048/5000", "2049-4096/5000", "4097-5000/5000"]);
    pair.run();
    assert_eq!(pair.gateway_told, [Out::Bound, Out::Delivered { id: 1 }]);
    let [
        Out::Bound,
        Out::Received {
            content_type,
            headers,
            body: got,
            ..
        },
    ] = pair.device_told.as_slice()
    else {
        panic!("{:?}", pair.device_told);
    };
    assert_eq!(content_type, "text/plain");
    assert_eq!(headers, &Headers::from_iter([("X-Sirgate-Push", "1@pi")]));
    assert_eq!(*got, body);
    assert_eq!(pair.gateway.deadline(), None);
    assert_eq!(pair.gateway.unfinished(), 0);
}

#[test]
fn delivered_means_the_report_covers_the_whole_message() {
    let mut pair = Pair::bound();
    pair.push(1, &content(4_096));
    let id = request(&pair.to_device[0]).message_id().unwrap().to_owned();
    let answers: Vec<Response> = pair
        .to_device
        .iter()
        .map(|m| request(m).answer(200))
        .collect();
    for answer in answers {
        pair.tell(End::Gateway, In::Message(Message::Response(answer)));
    }
    let report = |range: &str, status: &str| {
        let request = Request::new(Method::Report, "rrrr", GATEWAY, DEVICE)
            .header("Message-ID", &id)
            .header("Byte-Range", range)
            .header("Status", status);
        In::Message(Message::Request(request))
    };
    pair.tell(End::Gateway, report("2049-4096/4096", "000 200 OK"));
    pair.tell(End::Gateway, report("2049-4096/4096", "000 200 OK"));
    assert_eq!(pair.gateway_told, [], "half of it is not all of it");
    pair.tell(End::Gateway, report("1-2048/4096", "000 200 OK"));
    assert_eq!(pair.gateway_told, [Out::Delivered { id: 1 }]);
    pair.tell(End::Gateway, report("1-2048/4096", "000 413"));
    assert_eq!(
        pair.gateway_told.len(),
        1,
        "a report after the end is ignored"
    );
}

#[test]
fn a_report_of_failure_fails_the_message_with_its_code() {
    let mut pair = Pair::bound();
    pair.push(1, b"hi");
    let id = request(&pair.to_device[0]).message_id().unwrap().to_owned();
    let report = Request::new(Method::Report, "rrrr", GATEWAY, DEVICE)
        .header("Message-ID", &id)
        .header("Byte-Range", "1-2/2")
        .header("Status", "000 403 no");
    pair.tell(End::Gateway, In::Message(Message::Request(report)));
    let failed = Out::Failed {
        id: 1,
        code: 403,
        why: Why::Report,
    };
    assert_eq!(pair.gateway_told, [failed]);
}

#[test]
fn without_a_report_the_responses_suffice() {
    let mut pair = Pair::bound();
    pair.send(End::Device, 9, &content(3_000), false);
    pair.run();
    assert_eq!(pair.device_told, [Out::Delivered { id: 9 }]);
    assert_eq!(bodies(&pair.gateway_told), [content(3_000)]);
}

#[test]
fn no_report_in_time_fails_the_message() {
    let mut pair = Pair::bound();
    pair.push(1, b"hi");
    let answer = request(&pair.to_device.remove(0)).answer(200);
    pair.tell(End::Gateway, In::Message(Message::Response(answer)));
    pair.wait(29);
    assert_eq!(pair.gateway_told, []);
    pair.wait(1);
    let failed = Out::Failed {
        id: 1,
        code: 408,
        why: Why::Timeout,
    };
    assert_eq!(pair.gateway_told, [failed]);
    assert_eq!(pair.gateway.deadline(), None);
}

#[test]
fn a_chunk_without_a_response_for_30_seconds_fails_the_message_and_tells_the_peer() {
    let mut pair = Pair::bound();
    pair.push(1, &content(100_000));
    assert_eq!(pair.to_device.len(), 8, "the window");
    pair.to_device.clear();
    pair.wait(30);
    let failed = Out::Failed {
        id: 1,
        code: 408,
        why: Why::Timeout,
    };
    assert_eq!(pair.gateway_told, [failed]);
    let abort = request(&pair.to_device[0]);
    assert_eq!(abort.flag, Flag::Abort);
    assert_eq!(abort.value("Byte-Range"), Some("16385-16384/100000"));
    assert_eq!(pair.gateway.deadline(), None);
}

#[test]
fn a_link_lost_between_two_chunks_fails_the_message_and_the_next_link_is_clean() {
    let mut pair = Pair::bound();
    pair.push(1, &content(10_000));
    pair.push(2, b"waits its turn");
    pair.step();
    pair.step();
    pair.to_device.clear();
    pair.to_gateway.clear();
    pair.tell(End::Gateway, In::LinkLost);
    pair.tell(End::Device, In::LinkLost);
    let failed = |id| Out::Failed {
        id,
        code: 408,
        why: Why::LinkLost,
    };
    assert_eq!(pair.gateway_told, [failed(1), failed(2)]);
    assert_eq!(pair.received(), Vec::<Bytes>::new());
    assert_eq!(pair.gateway.deadline(), None);
    pair.gateway_told.clear();
    pair.push(3, b"again");
    pair.tell(End::Device, In::Linked);
    pair.tell(End::Gateway, In::Linked);
    pair.run();
    assert_eq!(pair.gateway_told, [Out::Bound, Out::Delivered { id: 3 }]);
    assert_eq!(pair.received(), [&b"again"[..]]);
}

#[test]
fn several_messages_go_both_ways_at_once_and_small_ones_do_not_wait_for_large_ones() {
    let mut pair = Pair::bound();
    for id in 1..=6 {
        pair.push(id, &content(usize::try_from(id).unwrap() * 20_000));
    }
    pair.push(7, b"small");
    pair.send(End::Device, 1, &content(70_000), true);
    pair.send(End::Device, 2, b"info", false);
    pair.run();
    let delivered: Vec<u64> = pair
        .gateway_told
        .iter()
        .filter_map(|out| match out {
            Out::Delivered { id } => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(delivered.len(), 7);
    assert!(delivered.iter().position(|id| *id == 7) < delivered.iter().position(|id| *id == 6));
    let mut sizes: Vec<usize> = pair.received().iter().map(Bytes::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000]);
    assert_eq!(bodies(&pair.gateway_told).len(), 2);
    assert!(pair.device_told.contains(&Out::Delivered { id: 1 }));
}

#[test]
fn a_sender_keeps_so_many_messages_waiting() {
    let mut pair = Pair::new();
    for id in 0..=u64::try_from(limits::MSRP_MESSAGES_WAITING).unwrap() {
        pair.push(id, b"x");
    }
    let failed = Out::Failed {
        id: 256,
        code: 413,
        why: Why::Full,
    };
    assert_eq!(pair.gateway_told, [failed]);
}

#[test]
fn a_type_that_is_not_accepted_is_refused_with_415() {
    let picky = Settings {
        accepts: vec!["image/*".into(), "application/vnd.wap.si".into()],
        ..Settings::default()
    };
    let mut pair = Pair::with(picky, Settings::default());
    pair.link();
    pair.push(1, &content(50_000));
    pair.run();
    let failed = Out::Failed {
        id: 1,
        code: 415,
        why: Why::Response,
    };
    assert_eq!(pair.gateway_told, [failed]);
    assert_eq!(pair.received(), Vec::<Bytes>::new());
    assert_eq!(pair.gateway.unfinished(), 0);
    let takes = |content_type| is_accepted(&pair.device.settings.accepts, content_type);
    assert!(takes("Image/PNG") && takes("application/vnd.wap.si; charset=utf-8"));
    assert!(!takes("images/png") && !takes("image") && !takes(""));
}

#[test]
fn a_message_larger_than_the_peer_takes_is_not_begun() {
    let limited = Settings {
        peer_octets_max: Some(10),
        ..Settings::default()
    };
    let mut pair = Pair::with(Settings::default(), limited);
    pair.link();
    pair.push(1, &content(11));
    let failed = Out::Failed {
        id: 1,
        code: 413,
        why: Why::TooLarge,
    };
    assert_eq!(pair.gateway_told, [failed]);
    assert_eq!(pair.to_device, []);
}

#[test]
fn a_message_given_up_is_aborted_and_the_receiver_forgets_it() {
    let mut pair = Pair::bound();
    pair.push(1, &content(100_000));
    pair.step();
    pair.tell(End::Gateway, In::Cancel { id: 1 });
    pair.push(2, b"next");
    pair.run();
    let failed = Out::Failed {
        id: 1,
        code: 408,
        why: Why::Cancelled,
    };
    assert_eq!(pair.gateway_told, [failed, Out::Delivered { id: 2 }]);
    assert_eq!(pair.received(), [&b"next"[..]]);
    pair.tell(End::Gateway, In::Cancel { id: 1 });
    assert_eq!(pair.gateway_told.len(), 2);
}

#[test]
fn headers_of_a_message_cannot_replace_those_of_the_session() {
    let mut pair = Pair::bound();
    let send = In::Send {
        id: 1,
        content_type: "text/plain".into(),
        headers: Headers::from_iter([("message-id", "evil"), ("Status", "000 200"), ("X-A", "b")]),
        body: Bytes::from_static(b"hi"),
        success_report: false,
    };
    pair.tell(End::Gateway, send);
    pair.run();
    let [
        Out::Received {
            headers,
            message_id,
            ..
        },
    ] = pair.device_told.as_slice()
    else {
        panic!("{:?}", pair.device_told);
    };
    assert_eq!(headers, &Headers::from_iter([("X-A", "b")]));
    assert_ne!(message_id, "evil");
}
