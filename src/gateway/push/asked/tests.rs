//! Submissions as they are read.

use super::quality::check_quality;
use super::{Asked, Refused, given, of_json, of_pap};
use crate::codec::pap::{self, PushMessage, Quality, Version};
use crate::codec::sir::{App, Ask, Placement};
use crate::event::Bearer;
use crate::gateway::bearer::choice::Bearers;
use crate::gateway::push::plan::{Fork, PlanWish};
use crate::gateway::push::submission::Options;
use crate::time::Time;

fn defaults() -> Options {
    Options {
        plan: PlanWish::Auto,
        place: Placement::VALUE,
        fork: Fork::Ppg,
        ask: Ask::default(),
        apps: Vec::new(),
        ppg: None,
        devices_judge: false,
    }
}

fn read(headers: Vec<(&str, &str)>) -> Result<Asked, Refused> {
    let entity = pap::Content {
        headers: headers.into_iter().map(|(n, v)| (n, v.into())).collect(),
        content_type: "text/plain".into(),
        body: std::borrow::Cow::Borrowed(b"hello"),
        at: 0,
    };
    let message = PushMessage {
        push_id: "1".to_owned(),
        addresses: vec!["a".to_owned()],
        ..PushMessage::default()
    };
    of_pap(
        message,
        Version::V2_0,
        &entity,
        &defaults(),
        "x-wap-application:wml.ua",
        SERVED,
    )
}

const SERVED: Bearers = Bearers::of(&[Bearer::Sip, Bearer::Http]);

#[test]
fn a_result_names_the_bearer_that_was_used_where_it_is_another() {
    let quality = |bearer: Option<&str>| Quality {
        bearer: bearer.map(str::to_owned),
        ..Quality::default()
    };
    let told = |bearer, used| given(Some(&quality(bearer)), used).unwrap().bearer;
    assert_eq!(
        told(Some("Sms"), Some(Bearer::Http)).as_deref(),
        Some("HTTP")
    );
    assert_eq!(told(Some("Sms"), Some(Bearer::Sms)).as_deref(), Some("Sms"));
    assert_eq!(told(None, Some(Bearer::Sip)), None);
    assert_eq!(given(None, Some(Bearer::Sms)), None);
}

#[test]
fn a_quality_that_no_bearer_has_is_refused_by_what_it_lacks() {
    let code = |network: Option<&str>, bearer: Option<&str>, is_required| {
        let quality = Quality {
            network: network.map(str::to_owned),
            network_required: is_required,
            bearer: bearer.map(str::to_owned),
            bearer_required: is_required,
            ..Quality::default()
        };
        check_quality(Some(&quality), SERVED).map_err(|refused| refused.code)
    };
    assert_eq!(code(Some("IP"), Some("HTTP"), true), Ok(()));
    assert_eq!(code(Some("any"), None, true), Ok(()));
    assert_eq!(code(Some("GSM"), None, true), Err(3009));
    assert_eq!(code(None, Some("SMS"), true), Err(3010));
    assert_eq!(code(Some("sip"), Some("http"), true), Err(3010));
    assert_eq!(code(Some("GSM"), Some("pigeon"), false), Ok(()));
}

#[test]
fn the_headers_of_the_content_part_set_the_options() {
    let asked = read(vec![
        ("X-Sirgate-Plan", "fanout+id"),
        ("X-Sirgate-Place", "header, body"),
        ("X-Sirgate-Fork", "core"),
        ("X-Sirgate-Device", "<urn:example:a,b>, C2"),
        ("X-Sirgate-Ask", "capability, refusal"),
        ("X-Sirgate-App", "<x-oma-application:dcd.ua>;name=\"D,C\""),
        ("X-Sirgate-Ppg", "<sip:push@ppg2.example.com>"),
        ("X-Sirgate-Judge", "device"),
        ("X-Sirgate-Unknown", "passed over"),
        ("X-Wap-Application-Id", "x-wap-application:mms.ua"),
        ("X-Wap-Content-URI", "http://pi.example.com/1"),
    ])
    .unwrap();
    assert_eq!(asked.options.plan, PlanWish::FanoutId);
    assert_eq!(asked.options.place, Placement::HEADER | Placement::BODY);
    assert_eq!(asked.options.fork, Fork::Core);
    assert_eq!(asked.devices, ["urn:example:a,b", "C2"]);
    assert_eq!(asked.options.ask, Ask::CAPABILITY | Ask::REFUSAL);
    assert_eq!(
        asked.options.apps,
        [App::named("x-oma-application:dcd.ua", "D,C")]
    );
    assert_eq!(
        asked.options.ppg.as_deref(),
        Some("sip:push@ppg2.example.com")
    );
    assert!(asked.options.devices_judge);
    assert_eq!(asked.content.application, "x-wap-application:mms.ua");
    assert_eq!(asked.content.headers.len(), 1);
    assert_eq!(&asked.content.body[..], b"hello");
}

#[test]
fn an_option_with_a_value_it_does_not_have_is_refused_by_name() {
    let refused = read(vec![("X-Sirgate-Plan", "best")]).unwrap_err();
    assert_eq!(refused.code, 2000);
    assert!(refused.desc.contains("X-Sirgate-Plan"), "{}", refused.desc);
}

#[test]
fn the_json_twin_says_the_same() {
    let body = br#"{"to": "sip:alice@example.com", "devices": ["C1"], "plan": "fanout", "place": "value,body",
        "ask": "refusal", "content": "hi", "deliver_before": "2030-01-01T00:00:00Z"}"#;
    let asked = of_json(body, "fresh-1".to_owned(), &defaults(), "app").unwrap();
    assert_eq!(asked.push_id, "fresh-1");
    assert_eq!(asked.addresses, ["sip:alice@example.com"]);
    assert_eq!(asked.options.plan, PlanWish::Fanout);
    assert_eq!(asked.options.ask, Ask::REFUSAL);
    assert_eq!(asked.content.content_type, "text/plain");
    assert!(asked.deliver_before.is_some());
    let unknown = of_json(
        br#"{"to": "x", "pln": "auto"}"#,
        String::new(),
        &defaults(),
        "a",
    );
    assert!(unknown.unwrap_err().desc.contains("pln"));
}

#[test]
fn times_that_do_not_fit_are_refused() {
    let mut asked = read(Vec::new()).unwrap();
    let at = Time::from_secs;
    asked.deliver_before = Some(at(10));
    assert_eq!(asked.check(at(10)).unwrap_err().code, 2001);
    asked.deliver_after = Some(at(10));
    assert_eq!(asked.check(at(5)).unwrap_err().code, 2000);
    asked.deliver_after = Some(at(9));
    assert_eq!(asked.check(at(5)), Ok(()));
}

#[test]
fn a_bearer_that_is_required_and_not_served_is_refused() {
    let quality = |bearer: &str| Quality {
        bearer: Some(bearer.to_owned()),
        bearer_required: true,
        ..Quality::default()
    };
    assert_eq!(
        check_quality(Some(&quality("SMS")), SERVED)
            .unwrap_err()
            .code,
        3010
    );
    assert_eq!(check_quality(Some(&quality("Any")), SERVED), Ok(()));
}
