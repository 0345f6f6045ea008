//! Two sessions joined, on good links and bad ones.

use super::*;
use crate::codec::msrp::{Flag, Framer};

const DEVICE: &str = "msrp://192.0.2.11:9/d1s7aa11bb22;tcp";
const GATEWAY: &str = "msrp://192.0.2.5:2855/p1s9cc33dd44;tcp";

/// The two ends of a session and what is on its way between them.
struct Pair {
    now: Time,
    device: Session,
    gateway: Session,
    to_gateway: Vec<Message>,
    to_device: Vec<Message>,
    /// What the ends told their owners.
    device_told: Vec<Out>,
    gateway_told: Vec<Out>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Device,
    Gateway,
}

impl Pair {
    fn new() -> Self {
        Self::with(Settings::default(), Settings::default())
    }

    fn with(device: Settings, gateway: Settings) -> Self {
        let device = Settings {
            active: true,
            ..device
        };
        let mut random = Random::from_number(4975);
        Self {
            now: Time::from_secs(1),
            device: Session::new(DEVICE.into(), GATEWAY, random.fork(), device),
            gateway: Session::new(GATEWAY.into(), DEVICE, random.fork(), gateway),
            to_gateway: Vec::new(),
            to_device: Vec::new(),
            device_told: Vec::new(),
            gateway_told: Vec::new(),
        }
    }

    /// Both ends linked and bound.
    fn bound() -> Self {
        let mut pair = Self::new();
        pair.link();
        pair
    }

    fn link(&mut self) {
        self.tell(End::Device, In::Linked);
        self.tell(End::Gateway, In::Linked);
        self.run();
        assert_eq!(self.device_told.pop(), Some(Out::Bound));
        assert_eq!(self.gateway_told.pop(), Some(Out::Bound));
    }

    fn tell(&mut self, end: End, input: In) {
        let mut out = Vec::new();
        match end {
            End::Device => self.device.handle(self.now, input, &mut out),
            End::Gateway => self.gateway.handle(self.now, input, &mut out),
        }
        self.take(end, out);
    }

    fn take(&mut self, end: End, out: Vec<Out>) {
        let (way, told) = match end {
            End::Device => (&mut self.to_gateway, &mut self.device_told),
            End::Gateway => (&mut self.to_device, &mut self.gateway_told),
        };
        for out in out {
            if let Out::Octets(octets) = &out {
                let mut framer = Framer::new();
                framer.push(octets);
                way.push(framer.next().unwrap().unwrap());
                assert_eq!(framer.waiting(), 0);
            } else {
                told.push(out);
            }
        }
    }

    /// Carries one message from each side; false when nothing was on its way.
    fn step(&mut self) -> bool {
        let (up, down) = (
            take_first(&mut self.to_gateway),
            take_first(&mut self.to_device),
        );
        let any = up.is_some() || down.is_some();
        if let Some(message) = up {
            self.tell(End::Gateway, In::Message(message));
        }
        if let Some(message) = down {
            self.tell(End::Device, In::Message(message));
        }
        any
    }

    fn run(&mut self) {
        while self.step() {}
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        self.gateway.expire(self.now, &mut out);
        self.take(End::Gateway, out);
        let mut out = Vec::new();
        self.device.expire(self.now, &mut out);
        self.take(End::Device, out);
    }

    /// The gateway sends a message and wants a report.
    fn push(&mut self, id: u64, body: &[u8]) {
        self.send(End::Gateway, id, body, true);
    }

    fn send(&mut self, end: End, id: u64, body: &[u8], success_report: bool) {
        let send = In::Send {
            id,
            content_type: "text/plain".into(),
            headers: vec![("X-Sirgate-Push".into(), format!("{id}@pi"))],
            body: Bytes::copy_from_slice(body),
            success_report,
        };
        self.tell(end, send);
    }

    /// The bodies the device received.
    fn received(&self) -> Vec<Bytes> {
        bodies(&self.device_told)
    }
}

fn bodies(told: &[Out]) -> Vec<Bytes> {
    let body = |out: &Out| match out {
        Out::Received { body, .. } => Some(body.clone()),
        _ => None,
    };
    told.iter().filter_map(body).collect()
}

fn take_first(way: &mut Vec<Message>) -> Option<Message> {
    (!way.is_empty()).then(|| way.remove(0))
}

fn request(message: &Message) -> &Request {
    match message {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn content(octets: usize) -> Vec<u8> {
    (0..octets).map(|i| (i % 251).to_le_bytes()[0]).collect()
}

/// A chunk from the gateway to the device.
fn chunk(id: &str, range: &str, body: &[u8], flag: Flag) -> Message {
    let mut request = Request::new(
        Method::Send,
        "tidtid",
        vec![DEVICE.into()],
        vec![GATEWAY.into()],
    )
    .header("Message-ID", id)
    .header("Byte-Range", range)
    .content("text/plain", Bytes::copy_from_slice(body));
    request.flag = flag;
    Message::Request(request)
}

/// The status of the response that the device sent last.
fn answered(pair: &mut Pair) -> u16 {
    match pair.to_gateway.pop() {
        Some(Message::Response(response)) => response.status,
        other => panic!("{other:?}"),
    }
}

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
    assert_eq!(headers, &[("X-Sirgate-Push".into(), "1@pi".into())]);
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
        let request = Request::new(
            Method::Report,
            "rrrr",
            vec![GATEWAY.into()],
            vec![DEVICE.into()],
        )
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
    let report = Request::new(
        Method::Report,
        "rrrr",
        vec![GATEWAY.into()],
        vec![DEVICE.into()],
    )
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
            let header = ("Failure-Report".to_owned(), failure_report.to_owned());
            request.headers.insert(0, header);
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
        let request = Request::new(method, "tidtid", vec![to.into()], vec![from.into()]);
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

#[test]
fn headers_of_a_message_cannot_replace_those_of_the_session() {
    let mut pair = Pair::bound();
    let send = In::Send {
        id: 1,
        content_type: "text/plain".into(),
        headers: vec![
            ("message-id".into(), "evil".into()),
            ("Status".into(), "000 200".into()),
            ("X-A".into(), "b".into()),
        ],
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
    assert_eq!(headers, &[("X-A".into(), "b".into())]);
    assert_ne!(message_id, "evil");
}

#[test]
fn every_message_ends_once_and_delivered_means_received_whatever_the_link_does() {
    for seed in 0..60 {
        let mut random = Random::from_number(seed);
        let mut pair = Pair::new();
        let mut sent = 0;
        for _ in 0..400 {
            match random.below(12) {
                0 => {
                    sent += 1;
                    pair.push(sent, &content(usize::try_from(sent * 997).unwrap()));
                }
                1 => {
                    let id = random.below(sent + 1);
                    pair.tell(End::Gateway, In::Cancel { id });
                }
                2 if random.happens(200) => {
                    pair.to_device.clear();
                    pair.to_gateway.clear();
                    pair.tell(End::Gateway, In::LinkLost);
                    pair.tell(End::Device, In::LinkLost);
                }
                3 if !pair.device.is_linked() => {
                    pair.tell(End::Device, In::Linked);
                    pair.tell(End::Gateway, In::Linked);
                }
                4 if random.happens(50) => drop(take_first(&mut pair.to_device)),
                5 if random.happens(50) => drop(take_first(&mut pair.to_gateway)),
                6 => pair.wait(random.below(4)),
                _ => drop(pair.step()),
            }
        }
        pair.run();
        pair.wait(60);
        pair.wait(60);
        pair.tell(End::Gateway, In::LinkLost);
        pair.tell(End::Device, In::LinkLost);
        check_ends(&pair, sent, seed);
    }
}

fn check_ends(pair: &Pair, sent: u64, seed: u64) {
    assert_eq!(pair.gateway.deadline(), None, "seed {seed}");
    for id in 1..=sent {
        let ends = |out: &&Out| match out {
            Out::Delivered { id: found } | Out::Failed { id: found, .. } => *found == id,
            _ => false,
        };
        let ends: Vec<&Out> = pair.gateway_told.iter().filter(ends).collect();
        // What never had a link waits for one still.
        assert!(ends.len() <= 1, "seed {seed}: {ends:?}");
        let octets = usize::try_from(id * 997).unwrap();
        let times = pair
            .received()
            .iter()
            .filter(|body| body.len() == octets)
            .count();
        assert!(times <= 1, "seed {seed}");
        if ends == [&Out::Delivered { id }] {
            assert_eq!(times, 1, "seed {seed}");
        }
    }
    for body in pair.received() {
        assert_eq!(body, content(body.len()), "seed {seed}");
    }
}

#[test]
fn no_message_makes_a_session_panic() {
    let mut random = Random::from_number(7);
    let mut wire = Vec::new();
    let mut pair = Pair::bound();
    pair.push(1, &content(5_000));
    wire.extend(pair.to_device.iter().flat_map(Message::encode));
    for _ in 0..700 {
        let mut octets = wire.clone();
        for _ in 0..3 {
            let at = usize::try_from(random.below(u64::try_from(octets.len()).unwrap())).unwrap();
            octets[at] = b"0123456789-/*$+# \r\n"[usize::try_from(random.below(19)).unwrap()];
        }
        let mut framer = Framer::new();
        framer.push(&octets);
        let mut pair = Pair::bound();
        while let Some(result) = framer.next() {
            if let Ok(message) = result {
                pair.tell(End::Device, In::Message(message));
            }
        }
    }
}
