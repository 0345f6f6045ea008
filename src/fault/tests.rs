//! Rules over a node that notes what it is told and says what the test wants.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::event::{Event, Fact};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{
    CloseReason, FetchError, FetchId, Input, LinkId, ListenerId, Output, SocketId, Transport,
};

mod http;

const NOW: Time = Time::from_secs(1_000);

/// Tells what it was told, and asks for what is put into it.
#[derive(Debug, Default)]
struct Parrot {
    told: Vec<(Time, Input)>,
    says: Vec<Output>,
    /// Who asks, whatever is shown.
    asker: Option<Asker>,
}

impl Machine for Parrot {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        self.told.push((now, input));
        out.append(&mut self.says);
    }

    fn expire(&mut self, _: Time, _: &mut Vec<Output>) {}

    fn deadline(&self) -> Option<Time> {
        None
    }
}

impl Acquainted for Parrot {
    fn who(&self, place: &Place<'_>) -> Option<Who> {
        let Place::Peer(_, peer) = place else {
            return None;
        };
        Some(Who {
            device: format!("C{}", peer.port()),
            pui: "sip:alice@example.com".to_owned(),
        })
    }

    fn asker(&self, _: Option<&str>) -> Asker {
        self.asker.clone().unwrap_or(Asker::Anyone)
    }
}

/// A parrot behind rules, and a clock.
struct Bench {
    faulty: Faulty<Parrot>,
    now: Time,
    /// What went out, without reports, and when.
    sent: Vec<(Time, Output)>,
    hits: Vec<Fact>,
}

fn spec(text: &str) -> Spec {
    serde_json::from_str(text).unwrap()
}

impl Bench {
    fn new(rules: &[&str]) -> Self {
        let mut own = Rules::default();
        for rule in rules {
            own.add(spec(rule), NOW).unwrap();
        }
        Self {
            faulty: Faulty::new(Parrot::default(), own, Random::from_number(1)),
            now: NOW,
            sent: Vec::new(),
            hits: Vec::new(),
        }
    }

    fn keep(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Report(Event { fact, .. }) => self.hits.push(fact),
                output => self.sent.push((self.now, output)),
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.faulty.handle(self.now, input, &mut out);
        self.keep(out);
    }

    /// Lets the node say something.
    fn say(&mut self, output: Output) {
        self.faulty.node.says.push(output);
        let closed = Input::Response {
            id: FetchId(u64::MAX),
            response: Err(FetchError::BadUrl),
        };
        self.tell(closed);
        self.faulty.node.told.pop();
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.faulty.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let mut out = Vec::new();
            self.faulty.expire(self.now, &mut out);
            self.keep(out);
        }
        self.now = end;
    }

    fn open(&mut self, link: LinkId) {
        self.tell(Input::Opened {
            link,
            listener: Some(ListenerId(0)),
            transport: Transport::Tcp,
            local: "192.0.2.5:5060".parse().unwrap(),
            peer: "192.0.2.11:7".parse().unwrap(),
        });
    }

    /// What the node was told on links and sockets, as text.
    fn heard(&self) -> Vec<String> {
        let told = self.faulty.node.told.iter();
        told.filter_map(|(_, input)| match input {
            Input::Datagram { octets, .. } | Input::Octets { octets, .. } => {
                Some(String::from_utf8_lossy(octets).into_owned())
            }
            Input::Closed { .. } => Some("closed".to_owned()),
            _ => None,
        })
        .collect()
    }

    fn texts(&self) -> Vec<String> {
        let sent = self.sent.iter();
        sent.filter_map(|(_, output)| match output {
            Output::Datagram { octets, .. } | Output::Octets { octets, .. } => {
                Some(String::from_utf8_lossy(octets).into_owned())
            }
            Output::Close { .. } => Some("close".to_owned()),
            _ => None,
        })
        .collect()
    }
}

fn datagram(port: u16, text: &str) -> Input {
    Input::Datagram {
        socket: SocketId(0),
        peer: ([192, 0, 2, 11], port).into(),
        octets: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn sends(port: u16, text: &str) -> Output {
    Output::Datagram {
        socket: SocketId(0),
        peer: ([192, 0, 2, 11], port).into(),
        octets: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn sir(correlator: &str) -> String {
    format!(
        "MESSAGE sip:c1@192.0.2.11 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1\r\nFrom: <sip:p@a.b>;tag=1\r\n\
         To: <sip:alice@example.com>\r\nCall-ID: {correlator}\r\nCSeq: 1 MESSAGE\r\nX-Sirgate-Sir: {correlator}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn piece(link: LinkId, text: &str) -> Input {
    Input::Octets {
        link,
        octets: Bytes::copy_from_slice(text.as_bytes()),
    }
}

const LINK: LinkId = LinkId(LinkId::ACCEPTED);

#[test]
fn u6_the_first_two_of_each_push_are_dropped_and_no_more() {
    let mut bench = Bench::new(&[r#"{"fault":"drop","dir":"out","kind":"sir","first":2}"#]);
    for push in ["s1", "s1", "s1", "s2", "s2", "s2"] {
        bench.say(sends(1, &sir(push)));
    }
    assert_eq!(bench.texts(), [sir("s1"), sir("s2")]);
    assert_eq!(bench.hits.len(), 4);
    let listed: Vec<_> = bench.faulty.rules().list().collect();
    assert_eq!(
        (listed[0].name, listed[0].seen, listed[0].hits),
        ("f1", 6, 4)
    );
    assert!(
        matches!(&bench.hits[0], Fact::FaultHit { rule, what, push, .. }
        if rule == "f1" && what == "MESSAGE" && push.as_deref() == Some("s1"))
    );
}

#[test]
fn u6_a_chance_of_nothing_changes_no_octet_and_no_delay() {
    let kinds = [
        r#"{"fault":"delay","ms":500,"p":0}"#,
        r#"{"fault":"drop","p":0}"#,
        r#"{"fault":"duplicate","p":0}"#,
        r#"{"fault":"reorder","p":0}"#,
        r#"{"fault":"corrupt","bits":9,"p":0}"#,
        r#"{"fault":"truncate","octets":1,"p":0}"#,
        r#"{"fault":"rate","rate":1,"p":0}"#,
        r#"{"fault":"hold","p":0}"#,
        r#"{"fault":"disconnect","p":0}"#,
        r#"{"fault":"answer","code":"sip:503","p":0}"#,
        r#"{"fault":"receipt","receipt":"missing","p":0}"#,
        r#"{"fault":"slow-read","rate":1,"p":0}"#,
    ];
    assert_eq!(kinds.len(), rule::Effect::NAMES.len());
    let run = |rules: &[&str]| {
        let mut bench = Bench::new(rules);
        bench.open(LINK);
        // The beginning of a PDU of SMPP, its rest, and two in one.
        let pdus: [&[u8]; 4] = [
            &[0, 0, 0],
            &[16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 2, 0],
            &[0, 0, 16],
        ];
        for octets in pdus {
            let octets = Bytes::from_static(octets);
            bench.tell(Input::Octets {
                link: LINK,
                octets: octets.clone(),
            });
            bench.say(Output::Octets { link: LINK, octets });
        }
        for number in 0..50 {
            bench.tell(datagram(1, &sir(&number.to_string())));
            bench.say(sends(2, &sir(&number.to_string())));
        }
        bench.run(60);
        format!(
            "{:?} {:?} {:?}",
            bench.sent, bench.hits, bench.faulty.node.told
        )
    };
    assert_eq!(run(&kinds), run(&[]));
}

#[test]
fn u6_the_same_seed_hits_the_same_messages() {
    let run = |seed: u64, other: &str| {
        let rule = format!(r#"{{"fault":"drop","p":0.5,"seed":{seed},"per":"rule"}}"#);
        // What another rule draws is no matter of this one's.
        let mut bench = Bench::new(&[other, &rule]);
        (0..64).for_each(|number| bench.say(sends(1, &sir(&number.to_string()))));
        bench.texts()
    };
    let calm = r#"{"fault":"delay","ms":1,"p":0.5,"dir":"in"}"#;
    let first = run(7, calm);
    assert_eq!(first, run(7, calm));
    assert_ne!(first, run(8, calm));
    assert!((16..48).contains(&first.len()), "{}", first.len());
}

#[test]
fn every_and_after_and_hits_and_a_lifetime_bound_a_rule() {
    let mut bench = Bench::new(&[r#"{"fault":"drop","per":"rule","after":1,"every":2,"hits":2}"#]);
    (0..8).for_each(|number| bench.say(sends(1, &format!("A{number}"))));
    assert_eq!(bench.texts(), ["A0", "A1", "A3", "A5", "A6", "A7"]);

    let mut bench = Bench::new(&[r#"{"fault":"drop","ttl_ms":2000}"#]);
    bench.say(sends(1, "A"));
    bench.run(3);
    bench.say(sends(1, "B"));
    assert_eq!(bench.texts(), ["B"]);
    assert!(bench.faulty.rules().list().all(|rule| rule.is_over));
}

#[test]
fn selectors_narrow_by_device_identity_network_and_field() {
    for (rule, left) in [
        (r#"{"fault":"drop","device":"C1"}"#, ["2"]),
        (
            r#"{"fault":"drop","peer":"192.0.2.0/24","device":"C2"}"#,
            ["1"],
        ),
        (
            r#"{"fault":"drop","match":"sip.CSeq=1 MESSAGE","device":"C2"}"#,
            ["1"],
        ),
        (
            r#"{"fault":"drop","pui":"sip:alice@example.com","match":"sip.method=MESSAGE","device":"C1"}"#,
            ["2"],
        ),
    ] {
        let mut bench = Bench::new(&[rule]);
        for port in [1, 2] {
            bench.say(sends(port, &sir(&port.to_string())));
        }
        let ids: Vec<String> = bench
            .texts()
            .iter()
            .map(|text| {
                let at = text.find("Call-ID: ").unwrap() + 9;
                text[at..=at].to_owned()
            })
            .collect();
        assert_eq!(ids, left, "{rule}");
    }
    let mut bench = Bench::new(&[r#"{"fault":"drop","peer":"198.51.100.0/24"}"#]);
    bench.say(sends(1, "A"));
    assert_eq!(bench.texts(), ["A"]);
}

#[test]
fn delayed_octets_of_a_link_keep_their_order_and_a_close_comes_last() {
    let mut bench =
        Bench::new(&[r#"{"fault":"delay","ms":100,"dir":"in","first":1,"per":"rule"}"#]);
    bench.open(LINK);
    bench.tell(piece(LINK, "one"));
    bench.tell(piece(LINK, "two"));
    bench.tell(Input::Closed {
        link: LINK,
        why: CloseReason::Peer,
    });
    assert!(bench.heard().is_empty());
    bench.run(1);
    assert_eq!(bench.heard(), ["one", "two", "closed"]);
    assert_eq!(bench.faulty.deadline(), None);
}

#[test]
fn a_datagram_is_overtaken_by_as_many_as_the_window_says() {
    let mut bench = Bench::new(&[r#"{"fault":"reorder","window":2,"first":1,"per":"rule"}"#]);
    ["A1", "A2", "A3", "A4"]
        .iter()
        .for_each(|text| bench.tell(datagram(1, text)));
    assert_eq!(bench.heard(), ["A2", "A3", "A1", "A4"]);
    // Without others it comes in time.
    let mut bench = Bench::new(&[r#"{"fault":"reorder","window":2,"first":1,"per":"rule"}"#]);
    bench.tell(datagram(1, "A1"));
    bench.run(2);
    assert_eq!(bench.heard(), ["A1"]);
}

#[test]
fn what_is_held_comes_in_order_when_the_rule_goes() {
    let mut bench = Bench::new(&[r#"{"fault":"hold","dir":"out","first":1,"per":"rule"}"#]);
    bench.open(LINK);
    for text in ["one", "two", "three"] {
        bench.say(Output::Octets {
            link: LINK,
            octets: Bytes::copy_from_slice(text.as_bytes()),
        });
    }
    bench.run(3_600);
    assert!(bench.texts().is_empty());
    let mut out = Vec::new();
    let now = bench.now;
    assert!(
        bench
            .faulty
            .change(now, &mut out, |rules| rules.remove("f1"))
    );
    bench.keep(out);
    bench.run(0);
    assert_eq!(bench.texts(), ["one", "two", "three"]);
}

#[test]
fn a_rate_takes_its_time_and_slow_reading_comes_in_pieces() {
    let mut bench = Bench::new(&[r#"{"fault":"rate","rate":100,"dir":"out"}"#]);
    bench.say(sends(1, &"A".repeat(100)));
    bench.say(sends(1, &"B".repeat(50)));
    bench.run(10);
    let at: Vec<u128> = bench
        .sent
        .iter()
        .map(|(at, _)| at.since(NOW).as_millis())
        .collect();
    assert_eq!(at, [1_000, 1_500]);

    let mut bench = Bench::new(&[r#"{"fault":"slow-read","rate":50,"dir":"in"}"#]);
    bench.open(LINK);
    bench.tell(piece(LINK, "0123456789ab"));
    bench.run(10);
    assert_eq!(bench.heard(), ["01234", "56789", "ab"]);
}

#[test]
fn a_broken_link_is_closed_for_both_and_nothing_more_comes_of_it() {
    let mut bench = Bench::new(&[r#"{"fault":"disconnect","dir":"in","after":1,"per":"rule"}"#]);
    bench.open(LINK);
    bench.tell(piece(LINK, "one"));
    bench.tell(piece(LINK, "two"));
    bench.tell(piece(LINK, "three"));
    bench.say(Output::Octets {
        link: LINK,
        octets: Bytes::from_static(b"late"),
    });
    bench.run(1);
    assert_eq!(bench.heard(), ["one", "closed"]);
    assert_eq!(bench.texts(), ["close"]);
}

#[test]
fn corrupt_and_truncate_change_octets_and_a_cut_stream_ends() {
    let mut bench = Bench::new(&[r#"{"fault":"corrupt","octet":0}"#]);
    bench.tell(datagram(1, "A123"));
    assert_eq!(bench.faulty.node.told.len(), 1);
    assert!(
        matches!(&bench.faulty.node.told[0].1, Input::Datagram { octets, .. } if octets[0] == b'A' ^ 0xFF)
    );
    let mut bench = Bench::new(&[r#"{"fault":"truncate","octets":2}"#]);
    bench.tell(datagram(1, "A123"));
    bench.open(LINK);
    bench.tell(piece(LINK, "MSRP a1 SEND"));
    bench.run(1);
    assert_eq!(bench.heard(), ["A1", "MS", "closed"]);
}

#[test]
fn a_request_of_sip_is_answered_in_the_place_of_either_end() {
    let mut bench = Bench::new(&[r#"{"fault":"answer","code":"sip:503","retry_after":9}"#]);
    bench.say(sends(1, &sir("s1")));
    bench.run(0);
    assert!(bench.sent.is_empty());
    let heard = bench.heard();
    assert!(
        heard[0].starts_with("SIP/2.0 503") && heard[0].contains("Retry-After: 9"),
        "{heard:?}"
    );
    bench.tell(datagram(1, &sir("s2")));
    assert!(bench.texts()[0].starts_with("SIP/2.0 503"));
    assert_eq!(bench.heard().len(), 1);
}

#[test]
fn words_that_are_no_rule_are_refused_with_the_word() {
    for (text, word) in [
        (r#"{"fault":"melt"}"#, "melt"),
        (r#"{"fault":"drop","ms":5}"#, "ms"),
        (r#"{"fault":"delay"}"#, "delay"),
        (r#"{"fault":"answer","code":"sip:200"}"#, "sip:200"),
        (r#"{"fault":"answer","code":"smpp:NO"}"#, "smpp:NO"),
        (r#"{"fault":"receipt"}"#, "receipt"),
        (r#"{"fault":"drop","p":1.5}"#, "1.5"),
        (r#"{"fault":"drop","seed":1}"#, "seed"),
        (r#"{"fault":"drop","every":0}"#, "every"),
        (r#"{"fault":"drop","peer":"192.0.2.0/33"}"#, "192.0.2.0/33"),
        (r#"{"fault":"drop","match":"method"}"#, "method"),
        (r#"{"fault":"drop","dir":"up"}"#, "up"),
        (r#"{"fault":"corrupt","bits":1,"octet":1}"#, "bits"),
        (r#"{"fault":"rate","rate":0}"#, "rate"),
    ] {
        let why = Rule::of(spec(text), NOW).unwrap_err().to_string();
        assert!(why.contains(word), "{text}: {why}");
    }
    for preset in preset::PRESETS {
        for spec in preset.rules() {
            Rule::of(spec, NOW).unwrap();
        }
    }
}

#[test]
fn what_waits_is_bounded_and_a_link_with_too_much_breaks() {
    let mut bench = Bench::new(&[r#"{"fault":"hold"}"#]);
    bench.open(LINK);
    let megabyte = Bytes::from(vec![b'A'; 1 << 20]);
    for _ in 0..64 {
        bench.tell(Input::Octets {
            link: LINK,
            octets: megabyte.clone(),
        });
    }
    bench.run(1);
    assert_eq!(bench.heard(), ["closed"]);
    let octets = || Bytes::from(vec![b'A'; 60_000]);
    for _ in 0..2_000 {
        bench.tell(Input::Datagram {
            socket: SocketId(0),
            peer: ([192, 0, 2, 1], 1).into(),
            octets: octets(),
        });
    }
    let (mut out, now) = (Vec::new(), bench.now);
    bench.faulty.change(now, &mut out, Rules::reset);
    let kept = bench.heard().len() - 1;
    assert!((500..=560).contains(&kept), "{kept}");
}

#[test]
fn datagrams_that_come_late_leave_nothing_behind() {
    let mut bench = Bench::new(&[r#"{"fault":"reorder","window":2}"#]);
    for number in 0..2_000 {
        bench.tell(datagram(number, "once"));
    }
    bench.run(5);
    assert_eq!(bench.heard().len(), 2_000);
    assert_eq!(bench.faulty.waiting.late(), 0);
    assert_eq!(bench.faulty.waiting.octets(), 0);
}

#[test]
fn a_late_datagram_comes_right_behind_what_overtakes_it_though_all_are_delayed() {
    let mut bench = Bench::new(&[
        r#"{"fault":"reorder","window":2,"first":1,"per":"rule"}"#,
        r#"{"fault":"delay","ms":100}"#,
    ]);
    for text in ["late", "one", "two", "three"] {
        bench.tell(datagram(1, text));
    }
    bench.run(5);
    assert_eq!(bench.heard(), ["one", "two", "late", "three"]);
}

#[test]
fn a_truncated_message_that_waits_ends_its_link_at_both_ends() {
    for dir in ["in", "out"] {
        let delay = format!(r#"{{"fault":"delay","ms":100,"dir":"{dir}"}}"#);
        let truncate = format!(r#"{{"fault":"truncate","octets":2,"dir":"{dir}"}}"#);
        let mut bench = Bench::new(&[&delay, &truncate]);
        bench.open(LINK);
        if dir == "in" {
            bench.tell(piece(LINK, "whole"));
        } else {
            let octets = Bytes::from_static(b"whole");
            bench.say(Output::Octets { link: LINK, octets });
        }
        bench.run(5);
        let (heard, sent) = (bench.heard(), bench.texts());
        assert_eq!(heard.last().map(String::as_str), Some("closed"), "{dir}");
        assert_eq!(sent.last().map(String::as_str), Some("close"), "{dir}");
        let reached = if dir == "in" { heard } else { sent };
        assert_eq!(reached[0], "wh", "{dir}");
    }
}

#[test]
fn of_two_rules_that_damage_both_have_effect() {
    let mut bench = Bench::new(&[
        r#"{"fault":"corrupt","octet":0}"#,
        r#"{"fault":"corrupt","octet":1}"#,
    ]);
    bench.say(Output::Datagram {
        socket: SocketId(0),
        peer: ([192, 0, 2, 11], 1).into(),
        octets: Bytes::from_static(&[1, 2, 3]),
    });
    let Some((_, Output::Datagram { octets, .. })) = bench.sent.pop() else {
        panic!("nothing was sent");
    };
    assert_eq!(octets[..], [0xFE, 0xFD, 3]);
}

#[test]
fn a_rule_that_is_added_again_begins_anew() {
    let rule = r#"{"fault":"rate","rate":1,"name":"slow"}"#;
    let mut bench = Bench::new(&[rule]);
    bench.say(sends(1, &"x".repeat(50)));
    let mut out = Vec::new();
    let now = bench.now;
    bench.faulty.change(now, &mut out, |rules| {
        rules.remove("slow");
        rules.add(spec(rule), now).unwrap();
    });
    bench.say(sends(1, "y"));
    bench.run(2);
    assert_eq!(bench.texts(), ["y"]);
}
