//! One SIR by nine bearers, and what each of them is answered with.

use serde_json::Value;

use super::bench::*;
use super::doors::*;
use crate::codec::msrp;
use crate::codec::ota_http;
use crate::codec::radio::{
    About, Domain, Frame, Kind, MEMORY_FULL, OCTETS_CODING, TAKEN, UssdString,
};
use crate::codec::sip::{Method, Name};
use crate::codec::sir::{App, Ask, Placement, Sir};
use crate::codec::sms::segment::Outcome;
use crate::codec::sms::tpdu::{From, Tpdu};
use crate::codec::sms::udh::Concatenation;
use crate::codec::sms::{Ports, Reassembler, Reference, UserData, segments};
use crate::codec::ussd::{NetworkString, strings};
use crate::codec::wsp;
use crate::device::behaviour::{Behaviour, ReturnBy, Trust};
use crate::event::{Bearer, Fact};
use crate::time::Time;
use crate::world::{FetchError, Input};

/// A SIR that says something in every place.
fn rich() -> Sir {
    let mut sir = naming(&[C1, C2])
        .with_ask(Placement::HEADER | Placement::BODY, Ask::CAPABILITY)
        .with_apps(Placement::HEADER, &[App::named(DCD, "DCD")])
        .with_devices(Placement::BODY, &naming(&[C1, C2]).header.devices);
    sir.pui = Some("sip:alice@example.com".into());
    sir.other_server = Some("sip:push@ppg2.example.com".into());
    sir
}

fn joined(parts: &[Vec<u8>], user_data: impl Fn(&[u8]) -> (Concatenation, Vec<u8>)) -> Vec<u8> {
    let mut reassembler = Reassembler::new(core::time::Duration::from_secs(9));
    let (mut whole, mut lost) = (Vec::new(), Vec::new());
    for part in parts {
        let (place, payload) = user_data(part);
        let outcome = reassembler.take(Time::EPOCH, b"1", None, place, &payload, &mut lost);
        if let Outcome::Whole(datagram) = outcome {
            whole = datagram;
        }
    }
    whole
}

#[test]
fn r2_62_the_sir_of_each_of_nine_wrappers_is_the_same() {
    let sir = rich();
    let wrapped = sir.encode();
    let push = wsp::sir::push_of(&wrapped, 3);
    let mut bench = Bench::registered(Behaviour::default());
    let message = bench.message(&sir, |draft| draft);
    let options = String::from_utf8(message.octets().to_vec()).unwrap();
    let options = options.replace("MESSAGE", "OPTIONS").into_bytes();
    let options = crate::codec::sip::Message::decode(options.into()).unwrap();
    let path = vec!["msrp://192.0.2.5:2855/a;tcp".to_owned()];
    let send = msrp::Request::new(msrp::Method::Send, "t1234567", path.clone(), path);
    let parts = segments(&push, Ports::PUSH, Reference::Sixteen(5)).unwrap();
    let by_sms = joined(&parts, |part| {
        let octets = tpdu(part);
        let Tpdu::Deliver(read) = Tpdu::decode(&octets, From::ServiceCentre).unwrap() else {
            panic!("a DELIVER")
        };
        let user_data = read.text.user_data;
        (
            user_data.concatenation().unwrap(),
            user_data.payload.to_vec(),
        )
    });
    let parts = strings(&push, Ports::PUSH, Reference::Eight(5), 144).unwrap();
    let by_ussd = joined(&parts, |part| {
        let user_data: UserData<'_> = NetworkString::decode(part).unwrap().user_data;
        (
            user_data.concatenation().unwrap(),
            user_data.payload.to_vec(),
        )
    });
    let read = [
        Sir::from_sip(&message).unwrap(),
        Sir::from_sip(&options).unwrap(),
        msrp::sir::sir_of(&send.sir(&wrapped)).unwrap().unwrap(),
        ota_http::sir::sir_of(&ota_http::sir::push_of(&wrapped)).unwrap(),
        wsp::sir::sir_of(&push).unwrap(),
        wsp::sir::sir_of(&by_sms).unwrap(),
        wsp::sir::sir_of(&by_ussd).unwrap(),
    ];
    for other in &read {
        assert_eq!(*other, read[0]);
    }
    assert_eq!(read[0], wrapped.decode().unwrap());
}

#[test]
fn r2_62_a_device_reads_the_same_from_each_of_nine_bearers() {
    let mut seen = Vec::new();
    for bearer in ALL {
        let mut doors = Doors::new(Behaviour::default());
        doors.carry(bearer, &rich());
        let told = doors
            .bench
            .events
            .iter()
            .find_map(|event| match &event.fact {
                Fact::SirRx {
                    bearer,
                    sir,
                    ids,
                    pui,
                    ..
                } => Some((*bearer, (sir.clone(), ids.clone(), pui.clone()))),
                _ => None,
            });
        let (by, told) = told.unwrap_or_else(|| panic!("no SIR by {bearer:?}"));
        assert_eq!(by, bearer);
        seen.push(told);
    }
    assert!(seen.iter().all(|told| *told == seen[0]));
}

#[test]
fn r2_52_r2_54_to_r2_60_a_sir_by_each_bearer_brings_the_device_to_connect() {
    for bearer in ALL {
        let mut doors = Doors::new(Behaviour::default());
        doors.carry(bearer, &naming(&[C1]));
        let invite = loop {
            let sent = doors.bench.next();
            if sent.method() == Some(Method::Invite) {
                break sent;
            }
        };
        assert_eq!(
            doors.bench.count("sir.decide connect match"),
            1,
            "{bearer:?}"
        );
        assert_eq!(invite.text(Name::XSirgateSir), Some("0001"));
        let is_sip = matches!(bearer, Bearer::Sip | Bearer::Signalling);
        assert_eq!(invite.text(Name::InReplyTo).is_some(), is_sip, "{bearer:?}");
        let device = format!("<{C1}>");
        let told = (!is_sip).then_some(device.as_str());
        assert_eq!(invite.text(Name::XSirgateDevice), told, "{bearer:?}");
    }
}

#[test]
fn r2_76_a_sir_by_any_bearer_that_names_another_device_is_not_followed() {
    for bearer in ALL {
        let mut doors = Doors::new(Behaviour::default());
        doors.carry(bearer, &naming(&[C2]));
        doors.bench.wait_ms(60_000);
        assert_eq!(
            doors.bench.count("sir.decide skip mismatch"),
            1,
            "{bearer:?}"
        );
        assert_eq!(doors.bench.count("sess.req"), 0, "{bearer:?}");
    }
}

#[test]
fn a_sir_that_comes_by_two_bearers_is_followed_once() {
    let mut doors = Doors::new(Behaviour::default());
    for bearer in ALL {
        doors.carry(bearer, &naming(&[C1]));
    }
    assert_eq!(doors.bench.count("sir.rx"), 1);
    assert_eq!(doors.bench.count("sess.req"), 1);
}

#[test]
fn a_sir_without_a_number_by_two_datagrams_is_two_sirs() {
    let mut doors = Doors::new(Behaviour::default());
    let mut sir = naming(&[C2]);
    sir.id = None;
    doors.carry(Bearer::Wsp, &sir);
    doors.carry(Bearer::Http, &sir);
    assert_eq!(doors.bench.count("sir.rx"), 2);
}

#[test]
fn r2_78_a_datagram_or_short_message_is_not_trusted_where_that_is_required() {
    for bearer in [Bearer::Http, Bearer::Wsp, Bearer::Sms, Bearer::Ussd] {
        let mut doors = Doors::new(Behaviour {
            require: Trust::Flow,
            ..Behaviour::default()
        });
        doors.carry(bearer, &naming(&[C1]));
        assert_eq!(
            doors.bench.count("sir.decide skip security"),
            1,
            "{bearer:?}"
        );
    }
    let mut doors = Doors::new(Behaviour {
        require: Trust::Flow,
        ..Behaviour::default()
    });
    doors.carry(Bearer::Service, &naming(&[C1]));
    assert_eq!(doors.bench.count("sir.decide connect match"), 1);
}

#[test]
fn r2_78_a_sir_that_was_not_trusted_by_one_way_is_judged_again_by_a_trusted_one() {
    let mut doors = Doors::new(Behaviour {
        require: Trust::Flow,
        ..Behaviour::default()
    });
    doors.carry(Bearer::Wsp, &naming(&[C1]));
    doors.carry(Bearer::Wsp, &naming(&[C1]));
    assert_eq!(doors.bench.count("sir.decide skip security"), 2);
    doors.carry(Bearer::Service, &naming(&[C1]));
    assert_eq!(doors.bench.count("sir.decide connect match"), 1);
}

#[test]
fn r2_59_a_sir_in_options_is_answered_as_one_and_a_question_as_a_question() {
    let mut doors = Doors::new(Behaviour::default());
    doors.options(&targeted(&[C2]));
    assert_eq!(doors.bench.status(), 480);
    let mut named = naming(&[C1]);
    named.id = Some("0002".into());
    doors.options(&named);
    assert_eq!(doors.bench.status(), 200);
    assert_eq!(doors.bench.story()[2], "sir.rx 1 signalling");
    doors.bench.request(Method::Invite);
}

#[test]
fn r2_55_a_device_that_knows_its_gateways_takes_datagrams_of_these_alone() {
    let mut config = open(Behaviour::default());
    config.bearers.wsp_from = vec!["192.0.2.5".parse().unwrap()];
    let mut doors = Doors::of(config);
    let push = wsp::sir::push_of(&naming(&[C1]).encode(), 7);
    doors.datagram(WSP, at("192.0.2.66:9200"), &push);
    assert_eq!(doors.bench.count("sir.rx 1 wsp"), 0);
    doors.datagram(WSP, at("192.0.2.5:9200"), &push);
    assert_eq!(doors.bench.count("sir.rx 1 wsp"), 1);
}

#[test]
fn r2_58_a_string_is_answered_with_an_empty_one() {
    let mut doors = Doors::new(Behaviour::default());
    let push = wsp::sir::push_of(&rich().encode(), 7);
    let parts = strings(&push, Ports::PUSH, Reference::Sixteen(4), 144).unwrap();
    assert!(parts.len() > 1);
    for octets in &parts {
        let coding = OCTETS_CODING;
        let frame = doors.down(
            About::SupplementaryServices,
            None,
            &UssdString { coding, octets }.encode(),
        );
        assert_eq!(doors.answer_to(&frame), (Kind::Result, vec![OCTETS_CODING]));
    }
    assert_eq!(doors.bench.count("sir.rx 2 ussd"), 1);
}

#[test]
fn r2_54_a_repeated_short_message_is_answered_again_and_taken_once() {
    let mut doors = Doors::new(Behaviour::default());
    let push = wsp::sir::push_of(&naming(&[C2]).encode(), 7);
    let part = segments(&push, Ports::PUSH, Reference::Sixteen(9)).unwrap();
    let frames: Vec<_> = part
        .iter()
        .map(|part| {
            let frame = doors.down(About::ShortMessages, None, &tpdu(part));
            assert_eq!(doors.answer_to(&frame), (Kind::Result, TAKEN.to_vec()));
            frame
        })
        .collect();
    for frame in &frames {
        doors.radio(frame);
        assert_eq!(doors.answer_to(frame).0, Kind::Result);
    }
    assert_eq!(doors.bench.count("sir.rx"), 1);
}

#[test]
fn a_device_attaches_until_it_is_answered_and_renews_that() {
    let mut bench = Bench::new(open(Behaviour::default()));
    bench.run();
    bench.wait_ms(10_000);
    let tries = bench.frames.len();
    assert!((3..=5).contains(&tries), "{tries}");
    let attach = bench.frames.pop_back().unwrap();
    let frame = Frame::decode(&attach).unwrap();
    assert_eq!(
        (frame.about, frame.number()),
        (About::Resources, Some("+15550103"))
    );
    bench.frames.clear();
    bench.tell(Input::Datagram {
        socket: RADIO,
        peer: at(CENTRE),
        octets: frame.answer(Kind::Result, &[]).encode().into(),
    });
    bench.wait_ms(59_000);
    assert_eq!(bench.frames.len(), 0);
    bench.wait_ms(1_500);
    assert_eq!(bench.frames.len(), 1);
    bench.stop();
    let last = Frame::decode(bench.frames.back().unwrap()).map(|frame| frame.kind);
    assert_eq!(last, Ok(Kind::Refusal));
}

#[test]
fn the_session_for_another_service_is_opened_again() {
    let mut doors = Doors::new(Behaviour::default());
    assert_eq!(doors.bench.device.sessions_up(), 0);
    let mut told = doors.bench.count("sess.");
    assert_eq!(told, 0);
    let link = doors.service_link();
    doors.bench.tell(Input::Closed {
        link,
        why: crate::world::CloseReason::Broken,
    });
    doors.bench.request(Method::Bye);
    doors.bench.wait_ms(31_000);
    let invite = loop {
        let sent = doors.bench.next();
        if sent.method() == Some(Method::Invite) {
            break sent;
        }
    };
    assert_eq!(
        invite.request_uri().unwrap().as_str(),
        "sip:service@ppg.example.com"
    );
    told = doors.bench.count("sess.");
    assert_eq!(told, 0);
}

#[test]
fn a_small_content_by_http_or_wsp_is_a_push_and_activates_its_application() {
    let mut doors = Doors::new(Behaviour::default());
    let rows = [("X-Sirgate-Push", "p7"), ("X-Wap-Application-Id", DCD)];
    let body = ota_http::sir::response_of(rows.into_iter(), "text/plain", b"hello");
    let type_ = [("content-type", "application/http")];
    let answer = doors.http("POST", &type_, &body).unwrap();
    assert_eq!(answer.status, 204);
    assert_eq!(
        doors.bench.story(),
        [
            "push.rx p7 5 http",
            "app.act x-oma-application:dcd.ua after",
            "app.reg x-oma-application:dcd.ua"
        ]
    );
    // Push, text/plain, X-Wap-Application-Id 4 (mms.ua), "hi".
    doors.datagram(WSP, at("192.0.2.5:9200"), b"\x01\x06\x03\x83\xAF\x84hi");
    assert_eq!(doors.bench.count("push.rx  2 wsp"), 1);
    doors.http("POST", &type_, &body).unwrap();
    assert_eq!(doors.bench.count("push.rx p7 5 http repeated"), 1);
    assert_eq!(doors.bench.count("app.act"), 1);
}

/// The device follows a SIR by a bearer to a bound session.
fn follow(return_by: ReturnBy, bearer: Bearer) -> Doors {
    let mut doors = Doors::new(Behaviour {
        return_by,
        ..Behaviour::default()
    });
    let sir = naming(&[C1]).with_ask(Placement::HEADER, Ask::CAPABILITY);
    doors.bench.chunks.clear();
    doors.carry(bearer, &sir);
    let invite = loop {
        let sent = doors.bench.next();
        if sent.method() == Some(Method::Invite) {
            break sent;
        }
    };
    doors.bench.chunks.clear();
    doors.bench.accept(&invite);
    doors
}

fn is_capability(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["kind"] == "capability" && body["sir"] == "0001" && body["device"] == C1
}

#[test]
fn r2_105_information_goes_in_the_session_of_a_service() {
    let mut doors = follow(ReturnBy::Service, Bearer::Sip);
    assert_eq!(doors.bench.count("info.tx capability service"), 1);
    let chunk = doors.bench.chunk();
    assert_eq!(chunk.content_type(), Some(INFORMATION));
    assert_eq!(chunk.to_path.as_str(), doors.service_path());
    assert!(is_capability(chunk.body.as_ref().unwrap()));
}

#[test]
fn r2_106_information_goes_in_short_messages_one_after_another() {
    let mut doors = follow(ReturnBy::Sms, Bearer::Sms);
    assert_eq!(doors.bench.count("info.tx capability sms"), 1);
    let mut parts = Vec::new();
    while let Some(octets) = doors.bench.frames.pop_front() {
        let frame = Frame::decode(&octets).unwrap();
        if frame.kind != Kind::Request {
            continue;
        }
        assert!(doors.bench.frames.is_empty(), "one at a time");
        let Tpdu::Submit(submit) = Tpdu::decode(frame.payload, From::Mobile).unwrap() else {
            panic!("a SUBMIT")
        };
        assert_eq!(submit.destination.to_string(), GATEWAY_NUMBER);
        let ports = submit.text.user_data.ports().unwrap();
        assert_eq!((ports.destination, ports.source), (9200, 2948));
        parts.extend_from_slice(submit.text.user_data.payload);
        let answer = frame.answer(Kind::Result, &TAKEN).encode();
        doors.radio(&answer);
    }
    assert!(is_capability(&parts));
    assert!(doors.bench.chunks.is_empty());
}

#[test]
fn r2_107_information_goes_in_a_push_of_the_device() {
    let mut doors = follow(ReturnBy::Push, Bearer::Http);
    assert_eq!(doors.bench.count("info.tx capability push"), 1);
    let (id, request) = doors.bench.fetches.pop_front().unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "http://192.0.2.5:8642/info")
    );
    assert_eq!(request.header("content-type"), Some(INFORMATION));
    assert_eq!(request.header("x-sirgate-sir"), Some("0001"));
    assert!(is_capability(&request.body));
    let response = Err(FetchError::TimedOut);
    doors.bench.tell(Input::Response { id, response });
    assert_eq!(doors.bench.count("refused information"), 1);
}

#[test]
fn r2_108_information_goes_in_the_answer_to_the_string() {
    let mut doors = follow(ReturnBy::Ussd, Bearer::Ussd);
    assert_eq!(doors.bench.count("info.tx capability ussd"), 1);
    let mut whole = Vec::new();
    let mut kinds = Vec::new();
    while let Some(octets) = doors.bench.frames.pop_front() {
        let frame = Frame::decode(&octets).unwrap();
        let string = UssdString::decode(frame.payload).octets;
        if frame.kind == Kind::Request {
            let answer = frame.answer(Kind::Result, &[]).encode();
            doors.radio(&answer);
        }
        if string.is_empty() {
            continue;
        }
        kinds.push(frame.kind);
        let user_data = NetworkString::decode(string).unwrap().user_data;
        assert_eq!(user_data.ports().unwrap().destination, 9200);
        whole.extend_from_slice(user_data.payload);
    }
    assert_eq!(kinds[0], Kind::Result, "the first answers the dialogue");
    assert!(kinds[1..].iter().all(|kind| *kind == Kind::Request));
    assert!(is_capability(&whole));
}

#[test]
fn a_dialogue_that_gets_no_information_is_ended() {
    let mut doors = Doors::new(Behaviour {
        return_by: ReturnBy::Ussd,
        ..Behaviour::default()
    });
    doors.carry(Bearer::Ussd, &naming(&[C2]));
    let held = doors.bench.frames.len();
    doors.bench.wait_ms(9_000);
    assert_eq!(doors.bench.frames.len(), held + 1);
}

#[test]
fn r2_88_a_refusal_goes_the_way_that_is_configured() {
    let mut doors = Doors::new(Behaviour {
        return_by: ReturnBy::Push,
        ..Behaviour::named("refuse").unwrap()
    });
    doors.carry(
        Bearer::Wsp,
        &naming(&[C1]).with_ask(Placement::HEADER, Ask::REFUSAL),
    );
    let (_, request) = doors.bench.fetches.pop_front().unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        (body["kind"].as_str(), body["reason"].as_str()),
        (Some("refusal"), Some("user"))
    );
}

#[test]
fn frames_of_others_than_the_centre_are_not_heard() {
    let mut doors = Doors::new(Behaviour::default());
    let part = segments(
        &wsp::sir::push_of(&sir().encode(), 1),
        Ports::PUSH,
        Reference::Eight(1),
    );
    let tpdu = tpdu(&part.unwrap()[0]);
    let frame = Frame::request(About::ShortMessages, 200, &tpdu).encode();
    doors.datagram(RADIO, at("192.0.2.66:2776"), &frame);
    assert!(doors.bench.frames.is_empty());
    assert_eq!(doors.bench.count("sir.rx"), 0);
}

#[test]
fn parts_that_never_become_whole_take_bounded_memory() {
    let mut doors = Doors::new(Behaviour::default());
    for number in 0..20_000_u16 {
        let mut part = vec![0x0C, 0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0, 0x08, 0x04];
        part.extend(number.to_be_bytes());
        part.extend([2, 1]);
        part.resize(140, 0x5A);
        let frame = doors.down(About::ShortMessages, None, &tpdu(&part));
        doors.radio(&frame);
        doors.bench.frames.clear();
    }
    assert!(doors.bench.device.segment_octets() <= crate::limits::HANDSET_OCTETS_WAITING);
    doors.carry(Bearer::Sms, &naming(&[C1]));
    assert_eq!(doors.bench.count("sir.decide connect"), 1);
    let beyond = [
        0x0B, 0x00, 0x03, 1, 1, 2, 0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0,
    ];
    let frame = doors.down(About::ShortMessages, Some(Domain::Circuit), &tpdu(&beyond));
    // A part that counts beyond its total is none.
    let (kind, report) = doors.answer_to(&frame);
    assert!(kind == Kind::Result || report == [0, MEMORY_FULL, 0]);
}
