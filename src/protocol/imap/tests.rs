//! Behaviour of the machine, against lines as servers send them.

use core::time::Duration;

use super::*;
use crate::time::Time;

const START: Time = Time::from_secs(1_000);
const CAN: &str = "CAPABILITY IMAP4rev1 IDLE NOTIFY PREVIEW";

struct Bench {
    now: Time,
    watcher: Watcher,
}

fn settings() -> Settings {
    Settings {
        user: "alice".to_owned(),
        password: "sec\"ret".to_owned(),
        master: None,
        folder: "INBOX".to_owned(),
        notify: false,
    }
}

impl Bench {
    fn new(settings: Settings, known: Option<(u32, u32)>) -> Self {
        Self {
            now: START,
            watcher: Watcher::new(START, settings, known),
        }
    }

    /// What the server's lines lead to.
    fn hear(&mut self, lines: &[&str]) -> Vec<Effect> {
        let mut out = Vec::new();
        for line in lines {
            let line = format!("{line}\r\n");
            self.watcher.octets(self.now, line.as_bytes(), &mut out);
        }
        out
    }

    fn wait(&mut self, pause: Duration) -> Vec<Effect> {
        self.now = self.now + pause;
        let mut out = Vec::new();
        self.watcher.expire(self.now, &mut out);
        out
    }

    /// Up to the open mailbox, whose next number is given.
    fn open(&mut self, next: u32) -> Vec<Effect> {
        let capability = format!("A1 OK [{CAN}] in");
        self.hear(&["* OK [CAPABILITY IMAP4rev1] hi", &capability]);
        let next = format!("* OK [UIDNEXT {next}] next");
        self.hear(&[
            "* 3 EXISTS",
            "* OK [UIDVALIDITY 7] valid",
            &next,
            "A2 OK open",
        ])
    }
}

fn sent(text: &str) -> Effect {
    Effect::Send(format!("{text}\r\n").into_bytes())
}

fn uids(effects: &[Effect]) -> Vec<u32> {
    let uid = |effect: &Effect| match effect {
        Effect::New(mail) => Some(mail.uid),
        _ => None,
    };
    effects.iter().filter_map(uid).collect()
}

#[test]
fn r1_22_what_a_mailbox_holds_at_first_is_not_new() {
    let mut bench = Bench::new(settings(), None);
    let login = bench.hear(&["* OK hi"]);
    assert_eq!(login, [sent("A1 LOGIN \"alice\" \"sec\\\"ret\"")]);
    let examine = bench.hear(&[&format!("A1 OK [{CAN}] in")]);
    assert_eq!(examine, [Effect::LoggedIn, sent("A2 EXAMINE \"INBOX\"")]);
    let opened = bench.hear(&[
        "* 5 EXISTS",
        "* OK [UIDVALIDITY 7]",
        "* OK [UIDNEXT 6]",
        "A2 OK",
    ]);
    let read = Effect::Read {
        validity: 7,
        next: 6,
    };
    assert_eq!(opened, [read, sent("A3 IDLE")]);
    assert_eq!(bench.hear(&["+ idling"]), [Effect::Watching(Way::Idle)]);
}

#[test]
fn r1_17_new_mail_ends_idle_is_fetched_without_a_change_and_idle_goes_on() {
    let mut bench = Bench::new(settings(), None);
    bench.open(6);
    bench.hear(&["+ idling"]);
    assert_eq!(bench.hear(&["* 6 EXISTS"]), [sent("DONE")]);
    let fetch = bench.hear(&["A3 OK done"]);
    assert_eq!(fetch, [sent("A4 UID FETCH 6:* (UID ENVELOPE PREVIEW)")]);
    let line = "* 6 FETCH (UID 6 ENVELOPE (NIL \"Plans\" ((\"Bob\" NIL \"bob\" \"x.org\")) NIL NIL NIL NIL NIL NIL NIL) PREVIEW \"let us\")";
    let told = bench.hear(&[line, "A4 OK fetched"]);
    let mail = Mail {
        validity: 7,
        uid: 6,
        from: "Bob <bob@x.org>".to_owned(),
        subject: "Plans".to_owned(),
        preview: "let us".to_owned(),
    };
    let read = Effect::Read {
        validity: 7,
        next: 7,
    };
    assert_eq!(told, [Effect::New(Box::new(mail)), read, sent("A5 IDLE")]);
}

#[test]
fn r1_23_after_a_break_what_came_meanwhile_is_told_once() {
    let mut bench = Bench::new(settings(), Some((7, 6)));
    let fetch = bench.open(8);
    assert_eq!(fetch, [sent("A3 UID FETCH 6:* (UID ENVELOPE PREVIEW)")]);
    let told = bench.hear(&["* 4 FETCH (UID 6)", "* 5 FETCH (UID 7)", "A3 OK"]);
    assert_eq!(uids(&told), [6, 7]);
    // The server names the last mail although it is below what was asked for.
    bench.hear(&["+ idling", "* 5 EXISTS", "A4 OK"]);
    let told = bench.hear(&["* 5 FETCH (UID 7)", "A5 OK"]);
    assert_eq!(told, [sent("A6 IDLE")]);
}

#[test]
fn r1_23_another_uidvalidity_is_taken_as_it_is_without_a_flood() {
    let mut bench = Bench::new(settings(), Some((5, 2)));
    let opened = bench.open(900);
    let read = Effect::Read {
        validity: 7,
        next: 900,
    };
    assert_eq!(opened, [read, sent("A3 IDLE")]);
}

#[test]
fn r1_21_idle_is_asked_anew_after_25_minutes_and_nothing_is_told() {
    let mut bench = Bench::new(settings(), None);
    bench.open(6);
    bench.hear(&["+ idling"]);
    assert_eq!(bench.wait(Duration::from_secs(25 * 60 - 1)), []);
    assert_eq!(bench.wait(Duration::from_secs(1)), [sent("DONE")]);
    assert_eq!(bench.hear(&["A3 OK"]), [sent("A4 IDLE")]);
    assert_eq!(bench.hear(&["* OK still here", "+ idling"]), []);
}

#[test]
fn notify_tells_of_a_mailbox_that_is_not_open_and_idle_takes_its_place_where_it_is_refused() {
    let with_notify = || Settings {
        notify: true,
        ..settings()
    };
    let set = sent("A4 NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge))");
    let mut bench = Bench::new(with_notify(), None);
    assert_eq!(bench.open(6).last(), Some(&sent("A3 CLOSE")));
    assert_eq!(bench.hear(&["A3 OK"]), [set]);
    let told = bench.hear(&["* STATUS INBOX (MESSAGES 3 UIDNEXT 6)", "A4 OK"]);
    assert_eq!(told, [Effect::Watching(Way::Notify)]);
    let examine = bench.hear(&["* STATUS INBOX (MESSAGES 4 UIDNEXT 7)"]);
    assert_eq!(examine, [sent("A5 EXAMINE \"INBOX\"")]);
    let fetch = bench.hear(&["* OK [UIDVALIDITY 7]", "* OK [UIDNEXT 7]", "A5 OK"]);
    assert_eq!(fetch, [sent("A6 UID FETCH 6:* (UID ENVELOPE PREVIEW)")]);
    let told = bench.hear(&["* 4 FETCH (UID 6)", "* 5 EXISTS", "A6 OK"]);
    assert_eq!(uids(&told), [6]);
    // What came during the fetch is fetched next; then the mailbox is left, and how it stands then is told.
    assert_eq!(
        told.last(),
        Some(&sent("A7 UID FETCH 7:* (UID ENVELOPE PREVIEW)"))
    );
    assert_eq!(
        bench.hear(&["* 5 FETCH (UID 7)", "A7 OK"]).last(),
        Some(&sent("A8 CLOSE"))
    );
    let status = sent("A9 STATUS \"INBOX\" (UIDNEXT)");
    assert_eq!(bench.hear(&["A8 OK"]), [status]);
    assert_eq!(bench.hear(&["* STATUS INBOX (UIDNEXT 8)", "A9 OK"]), []);
    // What came between is seen too.
    let examine = bench.hear(&["* STATUS INBOX (UIDNEXT 9)"]);
    assert_eq!(examine, [sent("A10 EXAMINE \"INBOX\"")]);

    let mut bench = Bench::new(with_notify(), None);
    bench.open(6);
    bench.hear(&["A3 OK"]);
    let examine = bench.hear(&["A4 BAD unknown"]);
    assert_eq!(examine, [sent("A5 EXAMINE \"INBOX\"")]);
    assert_eq!(
        bench.hear(&["* OK [UIDNEXT 6]", "A5 OK"]),
        [sent("A6 IDLE")]
    );
}

#[test]
fn a_server_without_idle_is_asked_each_minute() {
    let mut bench = Bench::new(settings(), None);
    bench.hear(&["* OK hi", "A1 OK [CAPABILITY IMAP4rev1] in"]);
    let opened = bench.hear(&["* OK [UIDVALIDITY 7]", "* OK [UIDNEXT 6]", "A2 OK"]);
    assert_eq!(opened.last(), Some(&Effect::Watching(Way::Poll)));
    assert_eq!(bench.wait(Duration::from_secs(60)), [sent("A3 NOOP")]);
    let fetch = bench.hear(&["* 9 EXISTS", "A3 OK"]);
    assert_eq!(fetch, [sent("A4 UID FETCH 6:* (UID ENVELOPE)")]);
}

#[test]
fn r1_9_a_wrong_password_is_told_as_such() {
    let mut bench = Bench::new(settings(), None);
    let refused = bench.hear(&["* OK hi", "A1 NO [AUTHENTICATIONFAILED] wrong"]);
    assert_eq!(refused.last(), Some(&Effect::Refused("wrong".to_owned())));
    assert_eq!(bench.watcher.deadline(), None);
}

#[test]
fn a_master_user_logs_in_for_another() {
    let master = Settings {
        master: Some("watcher".to_owned()),
        password: "pä".to_owned(),
        ..settings()
    };
    let mut bench = Bench::new(master, None);
    assert_eq!(bench.hear(&["* OK hi"]), [sent("A1 AUTHENTICATE PLAIN")]);
    // alice NUL watcher NUL pä
    assert_eq!(bench.hear(&["+ "]), [sent("YWxpY2UAd2F0Y2hlcgBww6Q=")]);
    assert_eq!(bench.hear(&["A1 OK in"]).first(), Some(&Effect::LoggedIn));
}

#[test]
fn a_password_does_not_go_where_the_server_says_that_it_must_not() {
    let mut bench = Bench::new(settings(), None);
    let told = bench.hear(&["* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi"]);
    assert!(matches!(&told[..], [Effect::Broken(_)]), "{told:?}");
}

#[test]
fn a_silent_a_leaving_and_a_babbling_server_break_the_connection() {
    let broken = |told: &[Effect]| matches!(told, [.., Effect::Broken(_)]);
    let mut bench = Bench::new(settings(), None);
    assert!(broken(&bench.wait(Duration::from_secs(60))));
    let mut bench = Bench::new(settings(), None);
    bench.open(6);
    assert!(broken(&bench.hear(&["* BYE shutting down"])));
    assert_eq!(bench.hear(&["* OK hi"]), []);
    let mut bench = Bench::new(settings(), None);
    assert!(broken(&bench.hear(&["GET / HTTP/1.1"])));
    let mut bench = Bench::new(settings(), None);
    let mut out = Vec::new();
    for _ in 0..70 {
        bench.watcher.octets(START, &[b'a'; 1_024], &mut out);
    }
    assert!(broken(&out));
}

#[test]
fn the_password_is_not_in_what_is_shown_of_a_watcher() {
    let bench = Bench::new(settings(), None);
    assert!(!format!("{:?}", bench.watcher).contains("ret"));
}
