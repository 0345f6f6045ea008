//! Messages for web applications through the whole gateway: who asks, what is saved, what a restart keeps.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::lab::{ALICE, Lab, config};
use crate::codec::device_id::DeviceId;
use crate::event::Bearer;
use crate::gateway::config::{Config, DeviceProfile};
use crate::gateway::policy::Terms;
use crate::gateway::profile::Profile;
use crate::gateway::service::session;
use crate::world::{HttpRequest, HttpResponse, Input, RecordKind, RequestId};

/// A browser client: its id and its token.
pub(super) type Browser = (String, String);

fn input(
    lab: &mut Lab,
    host: &str,
    line: (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> RequestId {
    let id = RequestId(lab.number());
    lab.order.clear();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    lab.input(Input::Request {
        id,
        peer: format!("{host}:40000").parse().unwrap(),
        request: HttpRequest {
            method: line.0.to_owned(),
            target: format!("/api/v1/{}", line.1),
            headers: headers.iter().map(own).collect(),
            body: Bytes::from(body.to_owned()),
        },
    });
    id
}

fn answer(lab: &mut Lab, id: RequestId) -> Option<HttpResponse> {
    let at = lab.responses.iter().position(|(of, _)| *of == id)?;
    Some(lab.responses.remove(at).1)
}

/// A request from this machine, with a client's token or none.
pub(super) fn ask(lab: &mut Lab, line: (&str, &str), token: &str, body: &str) -> HttpResponse {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let headers = if token.is_empty() { &[][..] } else { &headers };
    let id = input(lab, "127.0.0.1", line, headers, body);
    answer(lab, id).expect("an answer at once")
}

pub(super) fn body_of(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

pub(super) fn browser(lab: &mut Lab, account: &str) -> Browser {
    let body = json!({ "account": account }).to_string();
    let response = ask(lab, ("POST", "clients"), "", &body);
    assert_eq!(response.status, 201, "{response:?}");
    let made = body_of(&response);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let browser = (text("client"), text("token"));
    register(lab, &browser, "mail");
    browser
}

pub(super) fn register(lab: &mut Lab, (id, token): &Browser, app: &str) {
    let path = format!("clients/{id}/apps/{app}");
    assert_eq!(ask(lab, ("PUT", &path), token, "").status, 201);
}

fn publish(lab: &mut Lab, app: &str, to: &str, title: &str) -> HttpResponse {
    let body = json!({ "to": to, "title": title }).to_string();
    ask(lab, ("POST", &format!("apps/{app}/messages")), "", &body)
}

pub(super) fn poll(lab: &mut Lab, (id, token): &Browser, after: u64) -> HttpResponse {
    let path = format!("clients/{id}/messages?after={after}");
    ask(lab, ("GET", &path), token, "")
}

fn titles(response: &HttpResponse) -> Vec<String> {
    assert_eq!(response.status, 200, "{response:?}");
    let body = body_of(response);
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .map(|one| one["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn r0_15_a_message_is_saved_before_its_author_is_answered_and_is_in_the_next_poll() {
    let mut lab = Lab::new();
    let browser = browser(&mut lab, "alice");
    let published = publish(&mut lab, "mail", ALICE, "one");
    assert_eq!(published.status, 201);
    let save = lab.order.iter().position(|kind| *kind == "save");
    let respond = lab.order.iter().position(|kind| *kind == "respond");
    assert!(save.is_some() && save < respond, "{:?}", lab.order);
    assert_eq!(titles(&poll(&mut lab, &browser, 0)), ["one"]);
    assert_eq!(lab.events("msg.put").len(), 1);
    assert_eq!(lab.events("poll.rsp").len(), 1);
}

#[test]
fn r0_25_a_poll_that_waits_is_answered_by_what_comes_or_by_its_time() {
    let mut lab = Lab::new();
    let (id, token) = browser(&mut lab, "alice");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let path = format!("clients/{id}/messages?after=0&wait=25");
    let waiting = input(&mut lab, "127.0.0.1", ("GET", &path), &headers, "");
    assert_eq!(answer(&mut lab, waiting), None);
    publish(&mut lab, "mail", "alice", "one");
    assert_eq!(titles(&answer(&mut lab, waiting).unwrap()), ["one"]);
    let path = format!("clients/{id}/messages?after=1&wait=25");
    let waiting = input(&mut lab, "127.0.0.1", ("GET", &path), &headers, "");
    lab.wait(Duration::from_secs(24));
    assert_eq!(answer(&mut lab, waiting), None);
    lab.wait(Duration::from_secs(2));
    assert_eq!(answer(&mut lab, waiting).unwrap().status, 204);
}

#[test]
fn r0_6_r0_21_clients_applications_messages_and_cursors_survive_a_restart() {
    let mut lab = Lab::new();
    let browser = browser(&mut lab, "alice");
    publish(&mut lab, "mail", "alice", "one");
    publish(&mut lab, "mail", "alice", "two");
    poll(&mut lab, &browser, 1);
    let mut lab = lab.restarted(config());
    let (id, token) = &browser;
    let packet = ask(
        &mut lab,
        ("GET", &format!("clients/{id}/messages")),
        token,
        "",
    );
    assert_eq!(titles(&packet), ["two"]);
    let seq = body_of(&publish(&mut lab, "mail", "alice", "three"))["seq"].clone();
    assert_eq!(seq, json!(3));
}

#[test]
fn rx_1_an_account_goes_by_every_name_of_its_identity() {
    let mut lab = Lab::new();
    let browser = browser(&mut lab, "tel:+15550100");
    for to in ["alice", ALICE, "sip:alice@EXAMPLE.com", "tel:+1-555-0100"] {
        assert_eq!(publish(&mut lab, "mail", to, to).status, 201, "{to}");
    }
    assert_eq!(titles(&poll(&mut lab, &browser, 0)).len(), 4);
    assert_eq!(publish(&mut lab, "mail", "nobody", "x").status, 404);
    assert_eq!(
        publish(&mut lab, "mail", "sip:alice@elsewhere.org", "x").status,
        404
    );
}

#[test]
fn who_logs_in_for_the_first_time_is_learned_and_known_after_a_restart() {
    let mut lab = Lab::new();
    browser(&mut lab, "bob");
    let saved = lab.records.keys();
    let identities: Vec<_> = saved
        .filter(|key| key.kind == RecordKind::Identity)
        .map(|key| key.id.clone())
        .collect();
    assert_eq!(identities, ["sip:bob@example.com"]);
    let mut lab = lab.restarted(config());
    assert_eq!(publish(&mut lab, "mail", "bob", "x").status, 201);
    let mut strict = config();
    strict.learn_devices = false;
    let mut lab = Lab::with(strict);
    let body = r#"{"account":"bob"}"#;
    assert_eq!(ask(&mut lab, ("POST", "clients"), "", body).status, 404);
}

#[test]
fn a_client_elsewhere_does_not_name_its_account_itself() {
    let mut lab = Lab::new();
    let body = r#"{"account":"alice"}"#;
    let id = input(&mut lab, "198.51.100.1", ("POST", "clients"), &[], body);
    assert_eq!(answer(&mut lab, id).unwrap().status, 401);
    let verified = [(HttpRequest::ACCOUNT, "alice")];
    let id = input(&mut lab, "198.51.100.1", ("POST", "clients"), &verified, "");
    let made = answer(&mut lab, id).unwrap();
    assert_eq!(made.status, 201);
    let mut believing = config();
    believing.webapp.trust_body = Some(true);
    let mut lab = Lab::with(believing);
    let id = input(&mut lab, "198.51.100.1", ("POST", "clients"), &[], body);
    assert_eq!(answer(&mut lab, id).unwrap().status, 201);
}

#[test]
fn where_users_log_in_nobody_else_sees_their_messages_and_one_unknown_here_writes_nothing() {
    let mut closed = config();
    closed.login = Some(session::Settings {
        users: vec![(ALICE.to_owned(), "wonder".to_owned())],
        ..session::Settings::default()
    });
    let mut lab = Lab::with(closed);
    let mut status = |line: (&str, &str), account: Option<&str>, body: &str| {
        let shown: Vec<_> = account
            .map(|it| (HttpRequest::ACCOUNT, it))
            .into_iter()
            .collect();
        let id = input(&mut lab, "127.0.0.1", line, &shown, body);
        answer(&mut lab, id).unwrap().status
    };
    let look = ("GET", "accounts/alice/messages");
    assert_eq!(status(look, None, ""), 401);
    assert_eq!(status(look, Some("mallory"), ""), 401);
    assert_eq!(status(look, Some("alice"), ""), 200);
    let write = ("POST", "apps/site/messages");
    let body = r#"{"to":"alice","title":"x","from":"sip:bob@example.com"}"#;
    assert_eq!(status(write, Some("mallory"), body), 403);
    assert_eq!(status(write, Some("alice"), body), 403);
    assert_eq!(
        status(
            ("POST", "clients"),
            Some("mallory@elsewhere"),
            r#"{"account":"alice"}"#
        ),
        401
    );
}

#[test]
fn who_comes_through_a_proxy_of_this_machine_is_not_of_this_machine() {
    let mut lab = Lab::new();
    for field in ["forwarded", "x-forwarded-for", "via"] {
        let headers = [(field, "198.51.100.1")];
        let body = r#"{"account":"alice"}"#;
        for (line, body, status) in [
            (("POST", "clients"), body, 401),
            (("GET", "accounts/alice/unread"), "", 403),
            (("POST", "clients"), "", 201),
        ] {
            let id = input(&mut lab, "127.0.0.1", line, &headers, body);
            assert_eq!(
                answer(&mut lab, id).unwrap().status,
                status,
                "{field} {line:?}"
            );
        }
    }
    let unread = ask(&mut lab, ("GET", "accounts/alice/unread"), "", "");
    assert_eq!(unread.status, 200);
}

#[test]
fn a_stranger_enters_no_account_and_learns_of_none() {
    let mut lab = Lab::new();
    let count = |lab: &Lab| {
        let kept = lab.records.keys();
        kept.filter(|key| key.kind == RecordKind::Identity).count()
    };
    let before = count(&lab);
    for name in ["alice", "nobody"] {
        let body = json!({ "account": name }).to_string();
        let id = input(&mut lab, "198.51.100.1", ("POST", "clients"), &[], &body);
        assert_eq!(answer(&mut lab, id).unwrap().status, 401);
        let verified = [(HttpRequest::ACCOUNT, "alice")];
        let body = r#"{"account":"another"}"#;
        let id = input(
            &mut lab,
            "198.51.100.1",
            ("POST", "clients"),
            &verified,
            body,
        );
        assert_eq!(answer(&mut lab, id).unwrap().status, 403);
    }
    assert_eq!(count(&lab), before);
}

#[test]
fn an_initiator_of_some_applications_sees_no_accounts_unless_it_may() {
    for (accounts, status) in [(false, 403), (true, 200)] {
        let mut limited = config();
        limited.policy.initiators = vec![("shop".to_owned(), "secret".to_owned())];
        let terms = Terms {
            applications: vec!["mail".to_owned()],
            accounts,
            ..Terms::default()
        };
        limited.policy.terms.insert("shop".to_owned(), terms);
        let mut lab = Lab::with(limited);
        let browser = browser(&mut lab, "alice");
        // shop:secret
        let headers = [("authorization", "Basic c2hvcDpzZWNyZXQ=")];
        let body = r#"{"to":"alice","title":"one"}"#;
        let id = input(
            &mut lab,
            "127.0.0.1",
            ("POST", "apps/mail/messages"),
            &headers,
            body,
        );
        assert_eq!(answer(&mut lab, id).unwrap().status, 201);
        for (line, body) in [
            (("GET", "accounts/alice/messages"), ""),
            (("GET", "accounts/alice/messages/1"), ""),
            (("GET", "accounts/alice/unread"), ""),
            (("POST", "accounts/alice/offered"), r#"{"upto":1}"#),
            (
                ("PUT", "accounts/alice/messages/1"),
                r#"{"state":"deleted"}"#,
            ),
        ] {
            let id = input(&mut lab, "127.0.0.1", line, &headers, body);
            assert_eq!(answer(&mut lab, id).unwrap().status, status, "{line:?}");
        }
        // Its own user's client may in any case.
        let own = ask(
            &mut lab,
            ("GET", "accounts/alice/messages/1"),
            &browser.1,
            "",
        );
        assert_eq!(own.status, 200);
    }
}

#[test]
fn publishing_obeys_the_policy_of_pushes() {
    let mut limited = config();
    limited.policy.initiators = vec![("shop".to_owned(), "secret".to_owned())];
    limited.policy.terms.insert(
        "shop".to_owned(),
        Terms {
            pushes_per_minute: Some(2),
            applications: vec!["mail".to_owned()],
            ..Terms::default()
        },
    );
    let mut lab = Lab::with(limited);
    assert_eq!(publish(&mut lab, "mail", "alice", "x").status, 401);
    // shop:secret
    let headers = [("authorization", "Basic c2hvcDpzZWNyZXQ=")];
    let mut shop = |app: &str| {
        let path = format!("apps/{app}/messages");
        let body = r#"{"to":"alice"}"#;
        let id = input(&mut lab, "127.0.0.1", ("POST", &path), &headers, body);
        answer(&mut lab, id).unwrap().status
    };
    assert_eq!(shop("game"), 403);
    assert_eq!([shop("mail"), shop("mail"), shop("mail")], [201, 201, 429]);
}

#[test]
fn a_message_goes_when_its_time_is_over() {
    let mut lab = Lab::new();
    let body = r#"{"to":"alice","ttl":60}"#;
    ask(&mut lab, ("POST", "apps/mail/messages"), "", body);
    let count = |lab: &Lab| {
        let kept = lab.records.values();
        kept.filter(|one| one.key.kind == RecordKind::Message && one.due.is_some())
            .count()
    };
    assert_eq!(count(&lab), 1);
    lab.wait(Duration::from_secs(60));
    assert_eq!((count(&lab), lab.gateway.messages().len()), (0, 0));
}

const SCREEN: &str = "urn:uuid:00000000-0000-4000-8000-00000000000b";
const UA: &str = "x-wap-application:wml.ua";

/// Alice's trio and her browsers, which a device stands for.
fn with_browsers() -> Config {
    let mut config = config();
    config.identities[0].devices.push(DeviceProfile {
        name: "B1".to_owned(),
        kind: "browser".to_owned(),
        ids: vec![DeviceId::decode(SCREEN).unwrap()],
        profile: Profile {
            bearers: vec![Bearer::Web],
            ..Profile::default()
        },
    });
    config
}

#[test]
fn rx_3_a_push_for_a_browser_becomes_a_message_and_is_delivered_when_it_is_acknowledged() {
    let mut lab = Lab::with(with_browsers());
    let browser = browser(&mut lab, "alice");
    let other = browser_without(&mut lab);
    register(&mut lab, &browser, UA);
    assert_eq!(lab.push("p1", &[SCREEN], ""), 1001);
    assert_eq!(
        (lab.events("sir.tx").len(), lab.events("push.tx").len()),
        (0, 1)
    );
    let packet = body_of(&poll(&mut lab, &browser, 0));
    assert_eq!(packet["messages"][0]["id"], json!("p1/B1"));
    let seq = packet["cursor"].as_u64().unwrap();
    // A client that the message was not for acknowledges nothing of it.
    poll(&mut lab, &other, seq);
    assert_eq!(lab.outcome("p1", "B1"), None);
    poll(&mut lab, &browser, seq);
    assert_eq!(lab.outcome("p1", "B1").as_deref(), Some("delivered"));
}

/// A client of alice that did not register the application of pushes.
fn browser_without(lab: &mut Lab) -> Browser {
    browser(lab, "alice")
}

#[test]
fn a_push_for_a_browser_survives_a_restart_and_is_one_message() {
    let mut lab = Lab::with(with_browsers());
    let browser = browser(&mut lab, "alice");
    register(&mut lab, &browser, UA);
    lab.push("p1", &[SCREEN], "");
    let mut lab = lab.restarted(with_browsers());
    let packet = body_of(&poll(&mut lab, &browser, 0));
    assert_eq!(packet["messages"].as_array().unwrap().len(), 1);
    poll(&mut lab, &browser, packet["cursor"].as_u64().unwrap());
    assert_eq!(lab.outcome("p1", "B1").as_deref(), Some("delivered"));
}

#[test]
fn a_push_for_a_browser_that_is_taken_back_is_given_to_nobody() {
    let mut lab = Lab::with(with_browsers());
    let browser = browser(&mut lab, "alice");
    register(&mut lab, &browser, UA);
    lab.push("p1", &[SCREEN], "");
    let taken = lab.http("DELETE", "/api/v1/pushes/p1", "", "");
    assert_eq!(taken.status, 200);
    assert_eq!(poll(&mut lab, &browser, 0).status, 204);
}

#[test]
fn pushes_of_one_name_by_two_initiators_are_two_messages_and_two_deliveries() {
    let mut lab = Lab::with(with_browsers());
    let browser = browser(&mut lab, "alice");
    register(&mut lab, &browser, UA);
    for host in ["198.51.100.1", "198.51.100.2"] {
        let kind = "multipart/related; boundary=b";
        let body = super::lab::pap_body("p1", &[SCREEN], "", "");
        let taken = lab.http_of(host, None, ("POST", "/pap"), kind, &body);
        assert_eq!(taken.status, 202);
    }
    let packet = body_of(&poll(&mut lab, &browser, 0));
    assert_eq!(packet["messages"].as_array().unwrap().len(), 2);
    // The first alone is acknowledged.
    poll(&mut lab, &browser, 1);
    assert_eq!(lab.events("push.end").len(), 1);
    poll(&mut lab, &browser, 2);
    assert_eq!(lab.events("push.end").len(), 2);
}

#[test]
fn a_push_that_passed_a_browser_before_its_application_came_is_not_delivered() {
    let mut lab = Lab::with(with_browsers());
    let browser = browser(&mut lab, "alice");
    assert_eq!(lab.push("p1", &[SCREEN], ""), 1001);
    publish(&mut lab, "mail", "alice", "two");
    let packet = body_of(&poll(&mut lab, &browser, 0));
    let cursor = packet["cursor"].as_u64().unwrap();
    register(&mut lab, &browser, UA);
    assert_eq!(poll(&mut lab, &browser, cursor).status, 204);
    assert_eq!(lab.outcome("p1", "B1"), None);
    assert_eq!(lab.push("p2", &[SCREEN], ""), 1001);
    let packet = body_of(&poll(&mut lab, &browser, cursor));
    poll(&mut lab, &browser, packet["cursor"].as_u64().unwrap());
    assert_eq!(lab.outcome("p1", "B1"), None);
    assert_eq!(lab.outcome("p2", "B1").as_deref(), Some("delivered"));
}

#[test]
fn a_client_that_left_is_gone_before_it_is_told_so() {
    let mut lab = Lab::new();
    let (id, token) = browser(&mut lab, "alice");
    let path = format!("clients/{id}");
    assert_eq!(ask(&mut lab, ("DELETE", &path), &token, "").status, 204);
    assert_eq!(lab.order.first(), Some(&"erase"), "{:?}", lab.order);
}
