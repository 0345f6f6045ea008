//! Whether the client runs, and what a device is told (R1.25 to R1.45).

use super::*;

#[test]
fn r1_25_whether_the_client_runs_is_asked_once_for_each_information() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let asked = |fact: &Fact| matches!(fact, Fact::AppState { .. });
    assert_eq!((bench.news(), bench.count(asked)), (1, 1));
}

#[test]
fn r1_33_a_running_client_gets_the_information_itself_and_no_notice() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    bench.says("T1", &token, "foreground");
    bench.mail();
    assert_eq!((bench.direct(), bench.told().len()), (1, 0));
    let given: Value = serde_json::from_str(&bench.pushed()[0]).unwrap();
    assert_eq!(given["summary"], "the treasure lies below the oak");
    assert_eq!(given["from"], "Bob <bob@example.com>");
}

#[test]
fn r1_29_r1_30_a_client_in_the_background_is_told_and_so_is_one_that_was_ended() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    for state in ["background", "stopped"] {
        bench.says("T1", &token, state);
        bench.mail();
        assert_eq!((bench.direct(), bench.told().len()), (0, 1), "{state}");
        bench.facts.clear();
        bench.wait(Duration::from_secs(5));
    }
}

#[test]
fn r1_27_where_started_is_enough_the_background_gets_it_directly() {
    let mut bench = Bench::with(|mail| mail.running = app_state::Running::Started);
    let token = bench.enter("T1", "sip");
    bench.says("T1", &token, "background");
    bench.mail();
    assert_eq!((bench.direct(), bench.told().len()), (1, 0));
}

#[test]
fn r1_31_a_client_that_was_not_heard_of_for_two_intervals_is_told() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    bench.says("T1", &token, "foreground");
    bench.wait(Duration::from_secs(121));
    bench.mail();
    assert_eq!((bench.direct(), bench.told().len()), (0, 1));
}

#[test]
fn r1_38_no_word_of_the_information_leaves_in_a_summary_on_any_channel() {
    for (platform, form) in [
        ("sip", Form::Summary),
        ("feature", Form::Summary),
        ("mail", Form::Summary),
        ("lamp", Form::Summary),
        ("browser", Form::Summary),
        ("sip", Form::Bare),
    ] {
        let mut bench = Bench::with(|mail| mail.form = form);
        bench.enter("T1", platform);
        bench.left.clear();
        bench.mail();
        bench.wait(Duration::from_secs(60));
        assert_eq!(bench.told(), ["T1"], "{platform}");
        let all = format!("{:?} {:?}", bench.left, bench.pushed());
        for word in ["treasure", "below", "oak", "Plans"] {
            assert!(!all.contains(word), "{platform}: {all}");
        }
        let is_named = all.contains("Bob");
        assert_eq!(
            is_named,
            form == Form::Summary && ["sip", "feature"].contains(&platform)
        );
    }
}

#[test]
fn r1_35_the_notice_of_a_new_mail_names_its_author() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let pushed = bench.pushed();
    assert!(pushed[0].contains("New mail from Bob"), "{pushed:?}");
    assert!(pushed[0].contains("<si>"), "{pushed:?}");
}

#[test]
fn r1_36_the_user_may_choose_another_form() {
    let mut bench = Bench::new();
    let token = bench.enter("T1", "sip");
    let bare = json!({ "form": "bare" });
    bench.ask("PUT", "accounts/alice/notice/mail", &token, &bare);
    bench.mail();
    assert!(bench.pushed()[0].contains("You have one new message"));
}

#[test]
fn r1_5_an_email_notification_names_the_mailbox_and_nothing_else() {
    let mut bench = Bench::new();
    bench.enter("T1", "mail");
    bench.mail();
    let pushed = bench.pushed();
    assert!(pushed[0].contains("mailat:alice@example.com"), "{pushed:?}");
}

#[test]
fn r1_45_twenty_mails_in_two_seconds_are_two_notices_and_the_last_says_twenty() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    for _ in 0..20 {
        bench.mail();
        bench.wait(Duration::from_millis(95));
    }
    bench.wait(Duration::from_secs(30));
    assert_eq!((bench.news(), bench.told().len()), (20, 2));
    assert!(bench.pushed()[1].contains("20 new messages, the last from Bob"));
}

#[test]
fn r1_23_what_is_reported_twice_is_told_once_also_over_a_restart() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.deliver(4);
    assert_eq!(bench.deliver(4).status, 204);
    bench.restart();
    bench.deliver(4);
    bench.deliver(5);
    assert_eq!(bench.news(), 2);
}

#[test]
fn s1_5_mail_while_nobody_is_logged_in_is_not_looked_at() {
    let mut bench = Bench::new();
    bench.register("T1", "sip");
    assert_eq!(bench.mail().status, 204);
    assert_eq!((bench.news(), bench.told().len()), (0, 0));
}
