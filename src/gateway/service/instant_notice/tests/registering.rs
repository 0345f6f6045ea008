//! Registering, logging in and out (R1.1 to R1.15).

use super::*;

#[test]
fn r1_1_r1_52_a_registration_is_saved_and_can_be_read() {
    let mut bench = Bench::new();
    let made = bench.register("T1", "sip");
    assert_eq!(made.status, 201);
    let id = body_of(&made)["registration"].as_str().unwrap().to_owned();
    bench.restart();
    let shown = body_of(&bench.ask("GET", &format!("registrations/{id}"), "", &Value::Null));
    assert_eq!(shown["account"], ALICE);
    assert_eq!(shown["device"], "T1");
    assert_eq!(shown["channel"], "sip");
    assert_eq!(bench.register("T1", "sip").status, 200);
}

#[test]
fn r1_2_a_registration_without_an_account_or_a_device_is_refused() {
    let mut bench = Bench::new();
    for body in [
        json!({ "device": "T1", "platform": "sip" }),
        json!({ "account": "alice", "platform": "sip" }),
        json!({ "account": "alice", "device": "", "platform": "sip" }),
        json!({ "account": "alice", "device": "T1", "platform": "telex" }),
    ] {
        assert_eq!(bench.ask("POST", "registrations", "", &body).status, 400);
    }
}

#[test]
fn r1_40_r1_41_the_token_of_apples_push_server_is_64_digits_and_comes_with_the_registration() {
    let mut bench = Bench::new();
    let mut ask = |token: Option<&str>| {
        let body = json!({ "account": "alice", "device": "T1", "platform": "ios", "token": token });
        bench.ask("POST", "registrations", "", &body)
    };
    assert_eq!(ask(None).status, 400);
    assert_eq!(ask(Some("xyz")).status, 400);
    let token = "0123456789abcdef".repeat(4);
    let made = ask(Some(&token));
    assert_eq!(made.status, 201);
    assert_eq!(body_of(&made)["channel"], "apns");
    assert_eq!(body_of(&made)["token"], token);
}

#[test]
fn r1_6_a_registration_stays_after_a_restart_and_a_login_needs_no_new_one() {
    let mut bench = Bench::new();
    bench.register("T1", "sip");
    bench.restart();
    assert_eq!(bench.login("T1", PASSWORD).status, 200);
}

#[test]
fn r1_7_without_a_registration_there_is_no_login_and_no_monitor() {
    let mut bench = Bench::new();
    assert_eq!(bench.login("T1", PASSWORD).status, 403);
    assert_eq!(bench.state("mail"), "idle");
}

#[test]
fn r1_8_a_login_starts_the_monitor_and_r1_15_a_logout_ends_it() {
    let mut bench = Bench::new();
    bench.register("T1", "sip");
    assert_eq!(bench.state("mail"), "idle");
    let token = body_of(&bench.login("T1", PASSWORD))["token"].clone();
    assert_eq!(bench.state("mail"), "watching");
    let out = bench.ask("POST", "logout", token.as_str().unwrap(), &Value::Null);
    assert_eq!(out.status, 204);
    assert_eq!(bench.state("mail"), "idle");
    bench.mail();
    assert_eq!(bench.news(), 0);
}

#[test]
fn r1_15_taking_the_last_device_out_ends_the_monitor_too() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    let id = body_of(&bench.register("T1", "sip"))["registration"].clone();
    let path = format!("registrations/{}", id.as_str().unwrap());
    assert_eq!(bench.ask("DELETE", &path, "", &Value::Null).status, 204);
    assert_eq!(bench.state("mail"), "idle");
    bench.restart();
    assert_eq!(bench.login("T1", PASSWORD).status, 403);
}

#[test]
fn r1_9_a_wrong_password_starts_nothing_and_too_many_have_to_wait() {
    let mut bench = Bench::new();
    bench.register("T1", "sip");
    for _ in 0..5 {
        assert_eq!(bench.login("T1", "guess").status, 401);
    }
    assert_eq!(bench.state("mail"), "idle");
    assert_eq!(bench.login("T1", PASSWORD).status, 429);
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.login("T1", PASSWORD).status, 200);
}

#[test]
fn r1_10_r1_32_a_login_gives_the_device_that_is_told() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    assert_eq!(bench.mail().status, 204);
    assert_eq!(bench.told(), ["T1"]);
}

#[test]
fn r1_11_r1_12_both_logins_are_kept_and_the_latest_device_is_told() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.enter("T2", "sip");
    let both: Vec<bool> = ["T1", "T2"]
        .map(|device| body_of(&bench.register(device, "sip"))["logged_in"] == true)
        .to_vec();
    assert_eq!(both, [true, true]);
    bench.mail();
    assert_eq!(bench.told(), ["T2"]);
}

#[test]
fn r1_13_all_devices_or_those_of_a_list_are_told_where_the_user_chose_so() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    bench.enter("T2", "sip");
    let chosen = json!({ "targets": "all" });
    let put = bench.ask("PUT", "accounts/alice/notice/mail", &token, &chosen);
    assert_eq!(put.status, 200);
    bench.mail();
    assert_eq!(bench.told(), ["T1", "T2"]);
    bench.facts.clear();
    bench.wait(Duration::from_secs(10));
    let chosen = json!({ "targets": ["T1"] });
    bench.ask("PUT", "accounts/alice/notice/mail", &token, &chosen);
    bench.restart();
    bench.mail();
    assert_eq!(bench.told(), ["T1"]);
}

#[test]
fn r1_14_with_the_switch_off_what_is_new_is_stored_and_nobody_is_told() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    let off = json!({ "on": false });
    bench.ask("PUT", "accounts/alice/notice/mail", &token, &off);
    bench.mail();
    assert_eq!((bench.news(), bench.told().len()), (1, 0));
    let shown = bench.ask("GET", "accounts/alice/notice/mail", &token, &Value::Null);
    assert_eq!(body_of(&shown)["on"], false);
}

#[test]
fn r1_44_a_token_that_is_gone_is_dropped_and_the_next_notice_goes_by_the_next_channel() {
    let mut bench = Bench::new();
    let token = "0123456789abcdef".repeat(4);
    let body = json!({ "account": "alice", "device": "T1", "platform": "ios", "token": token });
    bench.ask("POST", "registrations", "", &body);
    bench.login("T1", PASSWORD);
    bench.mail();
    let place = Place {
        account: ALICE.to_owned(),
        app: "mail".to_owned(),
        device: "T1".to_owned(),
    };
    let mut out = Vec::new();
    let mut desk = Desk {
        now: bench.now,
        messages: &mut Messages::default(),
        live: &|_| Live::default(),
        out: &mut out,
    };
    bench.gateway.instant.drop_token(&mut desk, &place, &token);
    bench.take(out);
    bench.restart();
    bench.wait(Duration::from_secs(5));
    bench.mail();
    let channel = |fact: &Fact| match fact {
        Fact::NoteTx { channel, .. } => Some(channel.clone()),
        _ => None,
    };
    let channels: Vec<String> = bench.facts.iter().filter_map(channel).collect();
    assert_eq!(channels, ["apns", "sip"]);
}
