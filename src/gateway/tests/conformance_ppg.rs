//! The items of a push proxy gateway, each by what initiators and devices see.
//!
//! **Source:** WAP-249 (static conformance requirements), items PPG-GEN-S and PPG-ADD-S. What is transformed how is shown
//! beside the transformation.

use std::time::Duration;

use super::initiator::*;
use super::lab::{ALICE, IMEI, Lab, NOTIFY, UUID, config, to};
use crate::codec::pap::{DeliveryMethod, MessageState, Operation, ResultNotification};
use crate::gateway::Config;

/// A lab whose first device takes these media types alone.
fn lab_that_takes(accept: &[&str]) -> Lab {
    let mut config = config();
    let accept = accept.iter().map(|it| (*it).to_owned()).collect();
    config.identities[0].devices[0].profile.capability.accept = Some(accept);
    let mut lab = Lab::with(config);
    lab.register(1);
    lab
}

const SERVICE: Written<'static> = Written {
    content_type: "text/vnd.wap.si",
    content: SI,
    ..PLAIN
};

fn only_result(lab: &Lab) -> ResultNotification {
    let told = results(lab);
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].1.clone()
}

#[test]
fn ppg_gen_s_001_an_invalid_submission_is_refused_and_leaves_nothing() {
    let mut lab = Lab::registered();
    let invalid = Written {
        addresses: &[],
        ..PLAIN
    };
    assert_eq!(invalid.code(&mut lab), 2000);
    assert!(lab.records.is_empty() || lab.sirs().is_empty());
    // Its push-id is still free.
    assert_eq!(PLAIN.code(&mut lab), 1001);
}

#[test]
fn ppg_gen_s_002_what_is_not_delivered_yet_is_pending() {
    let mut lab = Lab::new();
    PLAIN.code(&mut lab);
    lab.wait(Duration::from_secs(30));
    let asked = tell(&mut lab, "2.0", "<statusquery-message push-id=\"p1\"/>");
    let Operation::StatusQueryResponse(answer) = asked.operation else {
        panic!()
    };
    assert_eq!(answer.results[0].state, MessageState::Pending);
}

#[test]
fn ppg_gen_s_003_and_s_022_text_reaches_a_device_that_takes_binary_unless_it_is_fixed() {
    let mut lab = lab_that_takes(&["application/vnd.wap.sic"]);
    assert_eq!(SERVICE.code(&mut lab), 1001);
    let sirs = lab.sirs();
    assert_eq!(sirs.len(), 1);
    let fixed = Written {
        push_id: "p2",
        headers: "Cache-Control: no-transform\n",
        ..SERVICE
    };
    assert_eq!(fixed.code(&mut lab), 1001);
    assert_eq!(lab.end("p2"), Some(("undeliverable".to_owned(), 2005)));
}

#[test]
fn ppg_gen_s_005_an_application_named_by_number_or_uri_is_the_same() {
    let mut config = config();
    let mms = "x-wap-application:mms.ua".to_owned();
    config.identities[0].devices[0]
        .profile
        .capability
        .applications = Some(vec![mms]);
    let mut lab = Lab::with(config);
    lab.register(1);
    for (push_id, named) in [
        ("p1", "4"),
        ("p2", "x-wap-application:mms.ua; app-encoding=4"),
    ] {
        let headers = format!("X-Wap-Application-Id: {named}\n");
        let push = Written {
            push_id,
            headers: &headers,
            ..PLAIN
        };
        assert_eq!(push.code(&mut lab), 1001);
        assert_eq!(lab.end(push_id), None, "{named}");
    }
    // Without a name it is that of the browser, which the device has not.
    Written {
        push_id: "p3",
        ..PLAIN
    }
    .code(&mut lab);
    assert_eq!(lab.end("p3"), Some(("undeliverable".to_owned(), 2005)));
}

#[test]
fn ppg_gen_s_007_a_message_passes_from_pending_to_one_last_state() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    assert!(results(&lab).is_empty());
    delivered(&mut lab);
    assert_eq!(only_result(&lab).state, MessageState::Delivered);
    tell(&mut lab, "2.0", "<cancel-message push-id=\"p1\"/>");
    lab.wait(Duration::from_secs(4000));
    let states: Vec<MessageState> = results(&lab).iter().map(|it| it.1.state).collect();
    assert!(states.iter().all(|state| *state == MessageState::Delivered));
}

#[test]
fn ppg_gen_s_009_a_session_that_does_not_come_about_is_reported() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    lab.wait(Duration::from_secs(4000));
    let result = only_result(&lab);
    let failed = [
        MessageState::Undeliverable,
        MessageState::Timeout,
        MessageState::Expired,
    ];
    assert!(failed.contains(&result.state), "{result:?}");
    assert!(result.desc.is_some() && result.event_time.is_some());
}

#[test]
fn ppg_gen_s_010_times_that_contradict_each_other_are_refused() {
    let mut lab = Lab::registered();
    let (early, late) = (
        lab.now + Duration::from_secs(60),
        lab.now + Duration::from_secs(90),
    );
    let between = |after, before| {
        format!(" deliver-after-timestamp=\"{after}\" deliver-before-timestamp=\"{before}\"")
    };
    let attributes = between(late, early);
    assert_eq!(
        Written {
            attributes: &attributes,
            ..PLAIN
        }
        .code(&mut lab),
        2000
    );
    let attributes = between(early, late);
    assert_eq!(
        Written {
            attributes: &attributes,
            ..PLAIN
        }
        .code(&mut lab),
        1001
    );
    lab.wait(Duration::from_secs(59));
    assert!(lab.sirs().is_empty());
    lab.wait(Duration::from_secs(1));
    assert_eq!(lab.sirs().len(), 1);
    lab.wait(Duration::from_secs(30));
    assert_eq!(lab.end("p1").map(|end| end.0).as_deref(), Some("expired"));
}

#[test]
fn ppg_gen_s_011_the_content_reaches_the_device_it_is_for_as_it_was() {
    let mut lab = Lab::registered();
    Written {
        headers: "X-Wap-Content-URI: http://news.example/1\n",
        ..SERVICE
    }
    .code(&mut lab);
    assert_eq!(
        lab.sirs().iter().map(|sir| sir.dev).collect::<Vec<_>>(),
        [1]
    );
    let (_, contents) = opened(&mut lab);
    let text = &contents[0].2;
    assert!(text.contains("Content-Type: text/vnd.wap.si\r\n"), "{text}");
    assert!(
        text.contains("X-Wap-Content-URI: http://news.example/1\r\n"),
        "{text}"
    );
    assert!(text.contains(SI), "{text}");
}

#[test]
fn ppg_gen_s_012_an_unconfirmed_push_is_delivered_once_it_is_sent() {
    let mut lab = Lab::registered();
    let quality = "<quality-of-service delivery-method=\"unconfirmed\"/>";
    Written { quality, ..PLAIN }.code(&mut lab);
    let (session, contents) = opened(&mut lab);
    only_answered(&mut lab, &session, &contents[0]);
    let result = only_result(&lab);
    assert_eq!((result.state, result.code), (MessageState::Delivered, 1000));
    let given = result.quality.unwrap().delivery_method;
    assert_eq!(given, DeliveryMethod::Unconfirmed);
}

#[test]
fn ppg_gen_s_013_a_confirmed_push_is_delivered_aborted_or_timed_out() {
    for (code, state) in [(200, MessageState::Delivered), (403, MessageState::Aborted)] {
        let mut lab = Lab::registered();
        let quality = "<quality-of-service delivery-method=\"confirmed\"/>";
        Written { quality, ..PLAIN }.code(&mut lab);
        let (session, contents) = opened(&mut lab);
        lab.confirm(&session, &contents[0], code);
        let result = only_result(&lab);
        assert_eq!(result.state, state);
        assert_eq!(result.code / 1000, if code == 200 { 1 } else { 5 });
    }
}

#[test]
fn ppg_gen_s_014_each_address_has_its_own_result_told_until_it_is_read() {
    let mut lab = Lab::registered();
    Written {
        addresses: &[UUID, IMEI],
        ..PLAIN
    }
    .code(&mut lab);
    tell(&mut lab, "2.0", "<cancel-message push-id=\"p1\"/>");
    let told: Vec<String> = results(&lab).into_iter().map(|it| it.1.address).collect();
    assert_eq!(told, [to(UUID), to(IMEI)]);
    assert!(
        lab.fetches
            .iter()
            .all(|(_, request)| request.target == NOTIFY)
    );
}

#[test]
fn ppg_gen_s_015_a_status_query_shows_each_recipient() {
    let mut lab = Lab::registered();
    Written {
        addresses: &[UUID, IMEI],
        ..PLAIN
    }
    .code(&mut lab);
    delivered(&mut lab);
    let asked = tell(&mut lab, "2.0", "<statusquery-message push-id=\"p1\"/>");
    let Operation::StatusQueryResponse(answer) = asked.operation else {
        panic!()
    };
    let states: Vec<MessageState> = answer.results.iter().map(|it| it.state).collect();
    assert_eq!(states, [MessageState::Delivered, MessageState::Pending]);
}

#[test]
fn ppg_gen_s_016_what_is_cancelled_is_not_sent() {
    let mut lab = Lab::new();
    PLAIN.code(&mut lab);
    tell(&mut lab, "2.0", "<cancel-message push-id=\"p1\"/>");
    lab.register(1);
    assert!(lab.sirs().is_empty());
    assert_eq!(only_result(&lab).state, MessageState::Cancelled);
}

#[test]
fn ppg_gen_s_017_a_request_to_cancel_is_always_answered() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    let unknown = format!(
        "<cancel-message push-id=\"p1\"><address address-value=\"{}\"/></cancel-message>",
        to("x")
    );
    for (inside, code) in [
        (unknown.as_str(), 2003),
        ("<cancel-message push-id=\"p9\"/>", 2004),
    ] {
        match tell(&mut lab, "1.0", inside).operation {
            Operation::CancelResponse(answer) => assert_eq!(answer.results[0].code, code),
            other => panic!("{other:?}"),
        }
    }
    assert!(results(&lab).is_empty());
}

#[test]
fn ppg_gen_s_020_a_replaced_push_reports_under_its_own_push_id() {
    let mut lab = Lab::registered();
    PLAIN.code(&mut lab);
    let attributes = " replace-push-id=\"p1\" replace-method=\"all\"";
    assert_eq!(
        Written {
            push_id: "p2",
            attributes,
            ..PLAIN
        }
        .code(&mut lab),
        1001
    );
    delivered(&mut lab);
    let told: Vec<(String, MessageState)> = results(&lab)
        .into_iter()
        .map(|it| (it.1.push_id, it.1.state))
        .collect();
    let expected = [
        ("p1", MessageState::Cancelled),
        ("p2", MessageState::Delivered),
    ];
    assert_eq!(told, expected.map(|(id, state)| (id.to_owned(), state)));
}

#[test]
fn ppg_add_s_001_a_user_is_addressed_by_any_identifier_of_its_own() {
    for identifier in [ALICE, UUID, IMEI] {
        let mut lab = Lab::registered();
        assert_eq!(
            Written {
                addresses: &[identifier],
                ..PLAIN
            }
            .code(&mut lab),
            1001
        );
        assert!(!lab.sirs().is_empty(), "{identifier}");
    }
}

/// The code for an address as it is written.
fn addressed(address: &str) -> u16 {
    let mut lab = Lab::registered();
    lab.post(&PLAIN.body().replace(&to(UUID), address))
}

#[test]
fn ppg_add_s_002_a_telephone_number_may_have_separators() {
    assert_eq!(
        addressed("WAPPUSH=+15550100/TYPE=PLMN@ppg.example.com"),
        1001
    );
    assert_eq!(
        addressed("/wappush=+1-555.0100/type=plmn/@ppg.example.com"),
        1001
    );
    assert_eq!(
        addressed("WAPPUSH=+15550199/TYPE=PLMN@ppg.example.com"),
        2002
    );
    assert_eq!(
        addressed("WAPPUSH=15550100/TYPE=PLMN@ppg.example.com"),
        2002
    );
}

#[test]
fn ppg_add_s_003_addresses_of_other_types_are_read_and_not_served() {
    for address in ["192.0.2.1/TYPE=IPv4", "12345678/TYPE=MAN", "x/TYPE=OWN_1"] {
        assert_eq!(
            addressed(&format!("WAPPUSH={address}@ppg.example.com")),
            2002
        );
    }
}

#[test]
fn ppg_add_s_004_an_address_comes_back_as_it_was_written() {
    let mut lab = Lab::registered();
    let written = "wappush=+1-555.0100/TYPE=plmn@PPG.example.com";
    lab.post(&PLAIN.body().replace(&to(UUID), written));
    tell(&mut lab, "2.0", "<cancel-message push-id=\"p1\"/>");
    assert_eq!(only_result(&lab).address, written);
}

/// A lab that wants to know its initiators.
fn guarded() -> Lab {
    let mut config = Config { ..config() };
    config.policy.initiators = vec![("shop".to_owned(), "a:b".to_owned())];
    config.policy.tokens = vec![("news".to_owned(), "t0ken".to_owned())];
    config.policy.certificates = vec![("bank".to_owned(), "bank.example".to_owned())];
    let terms = crate::gateway::policy::Terms {
        pushes_per_minute: Some(2),
        content_octets_max: Some(100),
        open_max: Some(1),
        applications: vec!["x-wap-application:wml.ua".to_owned()],
        accounts: false,
    };
    config.policy.terms = [("news".to_owned(), terms)].into();
    let mut lab = Lab::with(config);
    lab.register(1);
    lab
}

const TYPE: (&str, &str) = ("content-type", MULTIPART);
const TOKEN: (&str, &str) = ("authorization", "Bearer t0ken");

#[test]
fn an_initiator_proves_who_it_is_by_password_token_or_certificate() {
    let code = |proof: (&str, &str)| {
        let response = post_with(&mut guarded(), &[TYPE, proof], &PLAIN.body());
        (
            response.status,
            response
                .headers
                .into_iter()
                .filter(|it| it.0 == "www-authenticate")
                .count(),
        )
    };
    assert_eq!(code(("authorization", "Basic c2hvcDphOmI=")), (202, 0));
    assert_eq!(code(TOKEN), (202, 0));
    assert_eq!(code(("authorization", "Bearer t0keN")), (401, 2));
    assert_eq!(code(("x", "y")), (401, 2));
    assert_eq!(code((":certified", "bank.example")), (202, 0));
    assert_eq!(code((":certified", "thief.example")), (403, 0));
    let wrong = post_with(
        &mut guarded(),
        &[TYPE, ("authorization", "Bearer x")],
        &PLAIN.body(),
    );
    let told = wrong
        .headers
        .iter()
        .any(|(_, value)| value.contains("invalid_token"));
    assert!(told, "{wrong:?}");
}

#[test]
fn an_initiator_may_do_what_its_own_terms_allow() {
    let mut lab = guarded();
    let mut code = |push: &Written<'_>| {
        let response = post_with(&mut lab, &[TYPE, TOKEN], &push.body());
        match response.status {
            202 => match read(&response).operation {
                Operation::PushResponse(answer) => answer.code,
                other => panic!("{other:?}"),
            },
            status => status,
        }
    };
    let long = "x".repeat(101);
    assert_eq!(
        code(&Written {
            content: &long,
            ..PLAIN
        }),
        2001
    );
    let other = Written {
        headers: "X-Wap-Application-Id: x-mine:app\n",
        ..PLAIN
    };
    assert_eq!(code(&other), 2001);
    assert_eq!(code(&PLAIN), 1001);
    // One in progress is all it may have.
    let second = Written {
        push_id: "p2",
        ..PLAIN
    };
    assert_eq!(code(&second), 503);
    let taken_back = document("2.0", "", "<cancel-message push-id=\"p1\"/>");
    let xml = ("content-type", "application/xml");
    assert_eq!(post_with(&mut lab, &[xml, TOKEN], &taken_back).status, 202);
    let again = post_with(&mut lab, &[TYPE, TOKEN], &second.body());
    assert!(matches!(read(&again).operation, Operation::PushResponse(it) if it.code == 1001));
    post_with(&mut lab, &[xml, TOKEN], &taken_back.replace("p1", "p2"));
    // And two in a minute.
    let third = Written {
        push_id: "p3",
        ..PLAIN
    };
    assert_eq!(
        post_with(&mut lab, &[TYPE, TOKEN], &third.body()).status,
        503
    );
    lab.wait(Duration::from_secs(30));
    assert_eq!(
        post_with(&mut lab, &[TYPE, TOKEN], &third.body()).status,
        202
    );
}
