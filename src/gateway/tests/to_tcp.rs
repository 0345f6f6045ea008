//! Terminals that connect for push over HTTP: who they are, what goes to them, what makes the gateway leave them.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use super::bearers::with_bearers;
use super::initiator::take_back;
use super::lab::*;
use crate::codec::ota_http::Message;
use crate::codec::sia::PROTOCOL_HTTP;
use crate::codec::sir::SiaContent;
use crate::codec::wsp::sir::sir_of;
use crate::event::{Bearer, Fact};
use crate::gateway::config::{Config, Listener, Speaks};
use crate::protocol::ota_http::{Asked, Server};
use crate::world::{CloseReason, HttpRequest, HttpResponse, Input, LinkId, ListenerId, Transport};

const PUSH: ListenerId = ListenerId(7);
const TAG: &str = "AAAAAQ==";
const OTHER_TAG: &str = "AAAAAg==";
/// What a terminal says that is the first device.
pub(super) const FIRST: [(&str, &str); 6] = [
    ("X-Wap-Push-Status", "501 Accepted"),
    ("X-Wap-Terminal-Id", "4+15550103"),
    ("X-Wap-Bearer-Indication", "0B"),
    ("X-Wap-CPITag", TAG),
    ("X-Wap-Push-Accept", "text/*"),
    ("X-Wap-Push-MaxMsgSize", "600"),
];

/// A gateway that takes connections of terminals; the first device gets its SIRs by these bearers.
fn config(bearers: &[Bearer]) -> Config {
    let mut config = with_bearers(bearers);
    config.listeners.push(Listener {
        id: PUSH,
        speaks: Speaks::OtaHttp,
        transport: Transport::Tcp,
        address: "192.0.2.5:4035".parse().unwrap(),
    });
    config
}

pub(super) fn lab(change: impl FnOnce(&mut Config)) -> Lab {
    let mut config = config(&[Bearer::Wsp]);
    change(&mut config);
    Lab::with(config)
}

/// A terminal with its connection.
pub(super) struct Line {
    link: LinkId,
    server: Server,
}

impl Line {
    pub(super) fn open(lab: &mut Lab, host: u8) -> Self {
        let link = LinkId(LinkId::ACCEPTED + lab.number());
        let peer: SocketAddr = ([192, 0, 2, host], 40_000).into();
        lab.input(Input::Opened {
            link,
            listener: Some(PUSH),
            transport: Transport::Tcp,
            local: "192.0.2.5:4035".parse().unwrap(),
            peer,
        });
        Self {
            link,
            server: Server::default(),
        }
    }

    /// A connection whose terminal said that it is the first device.
    pub(super) fn registered(lab: &mut Lab) -> Self {
        let mut line = Self::open(lab, 11);
        line.asked(lab, "OPTIONS");
        line.answer(lab, 204, &FIRST);
        line
    }

    /// What came on the connection.
    pub(super) fn next(&mut self, lab: &mut Lab) -> Option<HttpRequest> {
        let came = core::mem::take(&mut lab.octets);
        for (link, octets) in came {
            if link == self.link {
                self.server.octets(&octets).unwrap();
            } else {
                lab.octets.push((link, octets));
            }
        }
        match self.server.next_asked().unwrap() {
            Some(Asked::Request(request)) => Some(request),
            _ => None,
        }
    }

    pub(super) fn asked(&mut self, lab: &mut Lab, method: &str) -> HttpRequest {
        let request = self.next(lab).expect("a request");
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            (method, "/wappush")
        );
        assert_eq!(request.header("host"), Some(""));
        assert_eq!(request.header("x-wap-push-ota-version"), Some("1.0"));
        request
    }

    pub(super) fn say(&mut self, lab: &mut Lab, octets: impl Into<Bytes>) {
        let (link, octets) = (self.link, octets.into());
        lab.input(Input::Octets { link, octets });
    }

    pub(super) fn answer(&mut self, lab: &mut Lab, status: u16, rows: &[(&str, &str)]) {
        let each = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let response = HttpResponse {
            status,
            headers: rows.iter().map(each).collect(),
            body: Bytes::new(),
        };
        let octets = self.server.answer(&response).unwrap();
        self.say(lab, octets);
    }

    pub(super) fn outcome(&mut self, lab: &mut Lab, status: &str) {
        self.answer(lab, 204, &[("X-Wap-Push-Status", status)]);
    }

    /// The content of the POST that came.
    pub(super) fn content(&mut self, lab: &mut Lab) -> String {
        let post = self.asked(lab, "POST");
        let push = Message::decode(&post.body, false).unwrap();
        String::from_utf8(push.body.to_vec()).unwrap()
    }

    pub(super) fn is_closed(&self, lab: &Lab) -> bool {
        lab.closed.contains(&self.link)
    }
}

pub(super) fn is_up(lab: &mut Lab) -> bool {
    let shown = lab.get("/api/v1/identities/sip:alice@example.com");
    shown["devices"][0]["connected"] == true
}

fn is_delivered(lab: &mut Lab, push: &str) -> bool {
    lab.end(push) == Some(("delivered".to_owned(), 1000))
}

pub(super) fn refusals(lab: &Lab) -> Vec<String> {
    let why = |fact: &Fact| match fact {
        Fact::Refused { why, .. } => Some(why.clone()),
        _ => None,
    };
    lab.facts.iter().filter_map(why).collect()
}

#[test]
fn ota_http_001_the_sir_names_the_contact_point_and_the_connection_gets_the_content() {
    let mut lab = lab(|_| {});
    lab.push("p1", &[UUID], "");
    let sir = sir_of(&lab.wsp.remove(0).1).unwrap();
    let SiaContent::Binary(sia) = sir.sia else {
        panic!("{:?}", sir.sia)
    };
    let point = sia.reached().find(|point| point.protocol == PROTOCOL_HTTP);
    assert_eq!(point.unwrap().contact.port, Some(4035));
    let mut line = Line::registered(&mut lab);
    let post = line.asked(&mut lab, "POST");
    assert_eq!(post.header("content-type"), Some("application/http"));
    assert_eq!(post.header("x-wap-cpitag"), Some(TAG));
    let push = Message::decode(&post.body, false).unwrap();
    assert_eq!(push.value("X-Sirgate-Push"), Some("p1"));
    assert_eq!(push.body, b"hello");
    assert_eq!(lab.end("p1"), None);
    line.outcome(&mut lab, "400 Accepted");
    assert!(is_delivered(&mut lab, "p1"));
    assert_eq!(lab.events("push.tx")[0]["via"], "http");
    assert_eq!(lab.events("sess.up").len(), 1);
}

#[test]
fn ota_http_001_later_pushes_go_on_the_open_connection_one_after_the_other_until_it_is_idle() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    for push in ["p1", "p2"] {
        lab.push(push, &[UUID], "");
    }
    assert!(lab.wsp.is_empty(), "no SIR is needed");
    assert_eq!(line.content(&mut lab), "hello");
    assert!(line.next(&mut lab).is_none(), "the first is not answered");
    line.outcome(&mut lab, "400");
    assert_eq!(line.content(&mut lab), "hello");
    line.outcome(&mut lab, "400");
    assert!(is_delivered(&mut lab, "p1") && is_delivered(&mut lab, "p2"));
    lab.wait(Duration::from_secs(4));
    assert!(!line.is_closed(&lab));
    lab.wait(Duration::from_secs(2));
    assert!(line.is_closed(&lab));
    assert_eq!(lab.events("sess.down")[0]["why"], "nothing is left to send");
    lab.push("p3", &[UUID], "");
    assert_eq!(lab.wsp.len(), 1, "it is woken again");
}

#[test]
fn ota_http_001_a_content_that_the_terminal_does_not_take_is_undeliverable() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    lab.post(&pap_body("p1", &[UUID], "", "").replace("text/plain", "image/png"));
    lab.post(&pap_body("p2", &[UUID], "", "").replace("hello", &"x".repeat(600)));
    assert!(line.next(&mut lab).is_none());
    for push in ["p1", "p2"] {
        assert_eq!(
            lab.end(push),
            Some(("undeliverable".to_owned(), 2005)),
            "{push}"
        );
    }
    assert!(!line.is_closed(&lab));
}

/// A service indication, as PAP carries it.
const SI: &str = "<?xml version=\"1.0\"?><!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \"http://www.wapforum.org/DTD/si.dtd\"><si><indication href=\"http://www.example.com/\">hello</indication></si>";

/// The content that a terminal gets which takes this type, of a push with these header lines.
fn shaped(
    accept: &'static str,
    coding: &'static str,
    headers: &str,
    body: &str,
) -> (Message<'static>, Lab) {
    let mut lab = lab(|_| {});
    let mut line = Line::open(&mut lab, 11);
    line.asked(&mut lab, "OPTIONS");
    let rows = [
        FIRST[0],
        FIRST[1],
        ("X-Wap-Push-Accept", accept),
        ("X-Wap-Push-Accept-Encoding", coding),
    ];
    line.answer(&mut lab, 204, &rows);
    let push = pap_body("p1", &[UUID], "", headers);
    let push = push
        .replace("text/plain", "text/vnd.wap.si")
        .replace("hello", body);
    assert_eq!(lab.post(&push), 1001);
    let post = line.asked(&mut lab, "POST");
    let octets: &'static [u8] = post.body.to_vec().leak();
    (Message::decode(octets, false).unwrap(), lab)
}

#[test]
fn ppg_gen_s_019_a_terminal_over_http_gets_the_form_that_it_takes() {
    let (text, _) = shaped("text/vnd.wap.si", "identity", "", SI);
    assert_eq!(
        (text.value("Content-Type"), text.body),
        (Some("text/vnd.wap.si"), SI.as_bytes())
    );
    let (binary, _) = shaped("application/vnd.wap.sic", "identity", "", SI);
    assert_eq!(
        binary.value("Content-Type"),
        Some("application/vnd.wap.sic")
    );
    assert_eq!(binary.body.get(..4), Some(&[0x02, 0x05, 0x6A, 0x00][..]));
}

#[test]
fn ppg_gen_s_019_content_that_cannot_be_had_in_that_form_or_must_not_is_undeliverable() {
    let mut lab = lab(|_| {});
    let mut line = Line::open(&mut lab, 11);
    line.asked(&mut lab, "OPTIONS");
    let rows = [
        FIRST[0],
        FIRST[1],
        ("X-Wap-Push-Accept", "application/vnd.wap.sic"),
    ];
    line.answer(&mut lab, 204, &rows);
    let si = |push: &str, headers: &str, body: &str| {
        let push = pap_body(push, &[UUID], "", headers);
        push.replace("text/plain", "text/vnd.wap.si")
            .replace("hello", body)
    };
    lab.post(&si("p1", "", "no document"));
    lab.post(&si("p2", "Cache-Control: no-transform\n", SI));
    assert!(line.next(&mut lab).is_none());
    assert_eq!(lab.end("p1"), Some(("undeliverable".to_owned(), 3006)));
    assert_eq!(lab.end("p2"), Some(("undeliverable".to_owned(), 2005)));
}

#[test]
fn ppg_gen_s_023_a_terminal_that_takes_deflate_gets_what_becomes_shorter_by_it() {
    let long = "hello ".repeat(100);
    let (coded, _) = shaped("*/*", "identity, deflate", "Content-MD5: x\n", &long);
    assert_eq!(coded.value("Content-Encoding"), Some("deflate"));
    assert_eq!(coded.value("Content-MD5"), None);
    assert!(coded.body.len() < 100);
    let read = crate::codec::deflate::inflate(coded.body, 10_000).unwrap();
    assert_eq!(read, long.as_bytes());
    for (coding, headers, body) in [
        ("identity", "", long.as_str()),
        ("identity, deflate", "", "hello"),
        ("identity, deflate", "Cache-Control: no-transform\n", &long),
    ] {
        let (plain, _) = shaped("*/*", coding, headers, body);
        assert_eq!(plain.value("Content-Encoding"), None, "{coding} {headers}");
        assert_eq!(plain.body, body.as_bytes());
    }
}

#[test]
fn ota_http_001_each_outcome_is_a_state_of_pap() {
    for (status, state, code) in [
        ("235", "aborted", 5235),
        ("236", "aborted", 5236),
        ("238", "aborted", 5238),
        ("257", "aborted", 5257),
        ("600", "aborted", 5600),
    ] {
        let mut lab = lab(|_| {});
        let mut line = Line::registered(&mut lab);
        lab.push("p1", &[UUID], "");
        line.asked(&mut lab, "POST");
        line.outcome(&mut lab, status);
        assert_eq!(lab.end("p1"), Some((state.to_owned(), code)), "{status}");
        assert!(line.next(&mut lab).is_none(), "once is enough");
    }
}

#[test]
fn ota_http_001_a_terminal_without_room_is_asked_again_and_not_for_ever() {
    let mut lab = lab(|config| config.session_linger = Duration::from_secs(600));
    let mut line = Line::registered(&mut lab);
    lab.push("p1", &[UUID], "");
    let mut tries = 0;
    while lab.end("p1").is_none() {
        line.asked(&mut lab, "POST");
        line.outcome(&mut lab, "237");
        tries += 1;
        while lab.end("p1").is_none() && lab.octets.is_empty() {
            lab.wait(Duration::from_secs(1));
        }
    }
    let end = Some(("aborted".to_owned(), 5237));
    assert_eq!((tries, lab.end("p1")), (5, end));
}

#[test]
fn ota_http_006_a_tag_that_is_another_is_refreshed_and_the_push_repeated_once() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    let stale = [("X-Wap-Push-Status", "256"), ("X-Wap-CPITag", OTHER_TAG)];
    line.answer(&mut lab, 204, &stale);
    line.asked(&mut lab, "OPTIONS");
    let mut rows = FIRST;
    rows[3].1 = OTHER_TAG;
    line.answer(&mut lab, 204, &rows);
    let post = line.asked(&mut lab, "POST");
    assert_eq!(post.header("x-wap-cpitag"), Some(OTHER_TAG));
    assert_eq!(lab.events("push.tx").len(), 1);
    line.answer(&mut lab, 204, &stale);
    assert!(line.next(&mut lab).is_none());
    assert_eq!(lab.end("p1"), Some(("aborted".to_owned(), 5256)));
}

#[test]
fn ota_http_014_a_terminal_that_says_nothing_is_left_and_what_it_was_sent_goes_again() {
    let mut lab = lab(|_| {});
    let mute = Line::open(&mut lab, 11);
    lab.wait(Duration::from_secs(6));
    assert!(mute.is_closed(&lab));
    let mut line = Line::registered(&mut lab);
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    lab.wait(Duration::from_secs(29));
    assert!(!line.is_closed(&lab));
    lab.wait(Duration::from_secs(2));
    assert!(line.is_closed(&lab));
    assert_eq!(lab.end("p1"), None);
    lab.wait(Duration::from_secs(9));
    assert_eq!(lab.wsp.len(), 1, "it is woken by a SIR");
    let mut again = Line::registered(&mut lab);
    assert_eq!(again.content(&mut lab), "hello");
    again.outcome(&mut lab, "400");
    assert!(is_delivered(&mut lab, "p1"));
}

#[test]
fn ota_http_014_a_terminal_that_answers_slowly_does_not_stay_by_that() {
    let mut lab = lab(|_| {});
    let mut line = Line::open(&mut lab, 11);
    for octet in b"HTTP/1.1 204 No" {
        lab.wait(Duration::from_millis(500));
        if !line.is_closed(&lab) {
            line.say(&mut lab, vec![*octet]);
        }
    }
    assert!(line.is_closed(&lab));
}

#[test]
fn ota_http_014_garbage_and_floods_close_one_connection_and_leave_the_others() {
    let mut lab = lab(|_| {});
    let mut good = Line::registered(&mut lab);
    let mut garbage = Line::open(&mut lab, 50);
    garbage.say(&mut lab, &b"INVITE sip:x SIP/2.0\r\n\r\n"[..]);
    assert!(garbage.is_closed(&lab));
    let mut endless = Line::open(&mut lab, 51);
    for _ in 0..40 {
        if !endless.is_closed(&lab) {
            endless.say(&mut lab, vec![b'x'; 1_024]);
        }
    }
    assert!(endless.is_closed(&lab));
    let mut unasked = Line::registered(&mut lab);
    assert!(
        good.is_closed(&lab),
        "the newer connection of a device counts"
    );
    unasked.say(&mut lab, &b"HTTP/1.1 204 x\r\n\r\n"[..]);
    assert!(unasked.is_closed(&lab));
    good = Line::registered(&mut lab);
    for _ in 0..600 {
        Line::open(&mut lab, 52);
    }
    let turned_away = refusals(&lab);
    let turned_away = turned_away.iter().filter(|why| why.contains("too many"));
    assert_eq!(turned_away.count(), 600 - 64);
    let mut other = Line::open(&mut lab, 53);
    assert!(other.next(&mut lab).is_some(), "another address has room");
    lab.push("p1", &[UUID], "");
    assert_eq!(good.content(&mut lab), "hello");
    good.outcome(&mut lab, "400");
    assert!(is_delivered(&mut lab, "p1"));
    lab.wait(Duration::from_secs(6));
    let mut late = Line::open(&mut lab, 53);
    assert!(late.next(&mut lab).is_some(), "room is there again");
}

#[test]
fn ota_http_006_each_content_is_sent_again_once_whatever_was_done_for_the_one_before() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    let stale = [("X-Wap-Push-Status", "256"), ("X-Wap-CPITag", OTHER_TAG)];
    lab.push("p1", &[UUID], "");
    line.asked(&mut lab, "POST");
    line.answer(&mut lab, 204, &stale);
    line.asked(&mut lab, "OPTIONS");
    let cancelled = lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert!(cancelled.status < 300, "{cancelled:?}");
    lab.push("p2", &[UUID], "");
    line.answer(&mut lab, 204, &FIRST);
    line.asked(&mut lab, "POST");
    let left = lab.events("push.tx");
    let left: Vec<_> = left.iter().map(|event| &event["push"]).collect();
    assert_eq!(left, ["p1", "p2"]);
    line.answer(&mut lab, 204, &stale);
    line.asked(&mut lab, "OPTIONS");
    line.answer(&mut lab, 204, &FIRST);
    assert_eq!(line.content(&mut lab), "hello");
}

#[test]
fn ota_http_001_connections_that_say_nothing_keep_no_terminal_out() {
    let mut lab = lab(|_| {});
    let silent: Vec<Line> = (0..600)
        .map(|number| Line::open(&mut lab, 50 + u8::try_from(number / 60).unwrap()))
        .collect();
    let closed = silent.iter().filter(|line| line.is_closed(&lab));
    assert_eq!(closed.count(), 600 - 512);
    assert!(silent[0].is_closed(&lab) && !silent[599].is_closed(&lab));
    let mut late = Line::open(&mut lab, 99);
    late.asked(&mut lab, "OPTIONS");
    late.answer(&mut lab, 204, &FIRST);
    assert!(is_up(&mut lab));
}

#[test]
fn ota_http_001_a_connection_that_breaks_puts_back_what_was_not_answered() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    lab.push("p1", &[UUID], "");
    lab.push("p2", &[UUID], "");
    line.asked(&mut lab, "POST");
    let (link, why) = (line.link, CloseReason::Broken);
    lab.input(Input::Closed { link, why });
    assert!(!is_up(&mut lab));
    lab.wait(Duration::from_secs(9));
    assert!(!lab.wsp.is_empty());
    let mut again = Line::registered(&mut lab);
    for _ in 0..2 {
        assert_eq!(again.content(&mut lab), "hello");
        again.outcome(&mut lab, "400");
    }
    assert!(is_delivered(&mut lab, "p1") && is_delivered(&mut lab, "p2"));
}

#[test]
fn ota_http_001_what_is_cancelled_does_not_leave_and_an_answer_to_what_left_changes_nothing() {
    let mut lab = lab(|_| {});
    let mut line = Line::registered(&mut lab);
    lab.push("p1", &[UUID], "");
    lab.push("p2", &[UUID], "");
    line.asked(&mut lab, "POST");
    for push in ["p1", "p2"] {
        take_back(&mut lab, push, &[]);
    }
    line.outcome(&mut lab, "400");
    assert!(line.next(&mut lab).is_none());
    for push in ["p1", "p2"] {
        assert_eq!(
            lab.end(push).map(|end| end.0),
            Some("cancelled".to_owned()),
            "{push}"
        );
    }
}
