//! Every event serialises to a line that the published schema accepts, and the schema accepts nothing else.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sirgate::event::{Bearer, Decision, Event, Fact, Mode, NAMES, Outcome, Reason, Via, When};
use sirgate::time::Time;

fn schema() -> Value {
    serde_json::from_str(include_str!("../docs/events.schema.json")).unwrap()
}

fn s(text: &str) -> String {
    text.to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(s(text))
}

fn list(text: &str) -> Vec<String> {
    text.split_whitespace().map(s).collect()
}

/// Which variant a fact is. A new variant does not compile here until it has a number, and does not pass below until
/// it has an example and a place in the schema.
#[expect(clippy::too_many_lines, reason = "one row an event")]
const fn number(fact: &Fact) -> usize {
    match fact {
        Fact::PapRx { .. } => 0,
        Fact::PapRefused { .. } => 1,
        Fact::Obtain { .. } => 2,
        Fact::Plan { .. } => 3,
        Fact::SirTx { .. } => 4,
        Fact::SirAnswer { .. } => 5,
        Fact::SirRx { .. } => 6,
        Fact::SirDecide { .. } => 7,
        Fact::Prompt { .. } => 8,
        Fact::SessReq { .. } => 9,
        Fact::SessUp { .. } => 10,
        Fact::SessDown { .. } => 11,
        Fact::PushTx { .. } => 12,
        Fact::PushRx { .. } => 13,
        Fact::PushDev { .. } => 14,
        Fact::PushEnd { .. } => 15,
        Fact::PapNotify { .. } => 16,
        Fact::InfoTx { .. } => 17,
        Fact::InfoRx { .. } => 18,
        Fact::MsgTx { .. } => 19,
        Fact::MsgRx { .. } => 20,
        Fact::AppAct { .. } => 21,
        Fact::AppReg { .. } => 22,
        Fact::Reg { .. } => 23,
        Fact::Wire { .. } => 24,
        Fact::DevReg { .. } => 25,
        Fact::SirNext { .. } => 26,
        Fact::Wake { .. } => 27,
        Fact::FaultHit { .. } => 28,
        Fact::Smsc { .. } => 29,
        Fact::PollReq { .. } => 30,
        Fact::PollRsp { .. } => 31,
        Fact::WebClient { .. } => 32,
        Fact::WebApp { .. } => 33,
        Fact::MsgPut { .. } => 34,
        Fact::MsgState { .. } => 35,
        Fact::PbQuery { .. } => 36,
        Fact::PbAttach { .. } => 37,
        Fact::PbState { .. } => 38,
        Fact::McRoute { .. } => 39,
        Fact::McStore { .. } => 40,
        Fact::McClear { .. } => 41,
        Fact::McDrop { .. } => 42,
        Fact::BadgeSet { .. } => 43,
        Fact::WpAgent { .. } => 44,
        Fact::WpSub { .. } => 45,
        Fact::WpMsg { .. } => 46,
        Fact::WpOut { .. } => 47,
        Fact::Login { .. } => 48,
        Fact::Logout { .. } => 49,
        Fact::NoteToken { .. } => 50,
        Fact::NoteReq { .. } => 51,
        Fact::NoteGiven { .. } => 52,
        Fact::MonReg { .. } => 53,
        Fact::MonState { .. } => 54,
        Fact::MonNew { .. } => 55,
        Fact::AppState { .. } => 56,
        Fact::NoteTx { .. } => 57,
        Fact::DirectTx { .. } => 58,
        Fact::NoteOpen { .. } => 59,
        Fact::AppLaunch { .. } => 60,
        Fact::NoteRx { .. } => 61,
        Fact::Refused { .. } => LAST,
    }
}

const LAST: usize = 62;

const MODES: [Mode; 4] = [Mode::Targeted, Mode::Fanout, Mode::FanoutId, Mode::Legacy];
const BEARERS: [Bearer; 12] = [
    Bearer::Sip,
    Bearer::Http,
    Bearer::Wsp,
    Bearer::Sms,
    Bearer::Ussd,
    Bearer::Cs,
    Bearer::Ps,
    Bearer::Signalling,
    Bearer::Service,
    Bearer::Web,
    Bearer::Apns,
    Bearer::Fcm,
];
const VIAS: [Via; 10] = [
    Via::New,
    Via::Existing,
    Via::Sip,
    Via::Service,
    Via::Push,
    Via::Http,
    Via::Wsp,
    Via::Sms,
    Via::Ussd,
    Via::Web,
];
const DECISIONS: [Decision; 3] = [Decision::Connect, Decision::Skip, Decision::Refuse];
const REASONS: [Reason; 12] = [
    Reason::Match,
    Reason::Mismatch,
    Reason::Already,
    Reason::Security,
    Reason::Pref,
    Reason::Capability,
    Reason::User,
    Reason::Ppg,
    Reason::Subscription,
    Reason::Busy,
    Reason::Expired,
    Reason::None,
];
const OUTCOMES: [Outcome; 6] = [
    Outcome::Delivered,
    Outcome::Refused,
    Outcome::Expired,
    Outcome::Cancelled,
    Outcome::Failed,
    Outcome::NotWanted,
];

/// At least one example of every variant, and of every value of every enum.
fn examples() -> Vec<Fact> {
    let mut facts = submissions();
    facts.extend(plans_and_sirs());
    facts.extend(devices());
    facts.extend(contents());
    facts.extend(others());
    facts.extend(web_messages());
    facts.extend(message_centres());
    facts.extend(notices());
    facts
}

fn submissions() -> Vec<Fact> {
    vec![
        Fact::PapRx {
            push: s("k7q4"),
            pui: s("sip:alice@example.com"),
            app: None,
        },
        Fact::PapRx {
            push: s("k7q4"),
            pui: s("sip:alice@example.com"),
            app: some("x-wap-application:push.sia"),
        },
        Fact::PapRefused {
            push: None,
            code: 2000,
            why: s("no push-id"),
        },
        Fact::PapRefused {
            push: some("k7q4"),
            code: 2002,
            why: s("address"),
        },
        Fact::PushEnd {
            push: s("k7q4"),
            address: s("WAPPUSH=x/TYPE=USER@ppg.example.com"),
            state: s("delivered"),
            code: 1000,
            desc: s("OK"),
        },
        Fact::PapNotify {
            push: s("k7q4"),
            address: s("x"),
            attempt: 1,
            result: s("accepted"),
        },
    ]
}

fn web_messages() -> Vec<Fact> {
    let mut facts = vec![
        Fact::PollReq {
            client: s("c1"),
            since: 4,
        },
        Fact::PollRsp {
            client: s("c1"),
            n: 4,
        },
        Fact::MsgPut {
            account: s("sip:alice@example.com"),
            app: s("mail"),
            message: 4,
        },
        Fact::PbQuery {
            account: s("sip:alice@example.com"),
        },
        Fact::PbAttach {
            account: s("sip:alice@example.com"),
            new: 4,
            offered: 4,
            summaries: 3,
        },
        Fact::PbState {
            account: s("sip:alice@example.com"),
            upto: 4,
        },
    ];
    facts.extend(
        list("created login subscribed unsubscribed removed")
            .into_iter()
            .map(|change| Fact::WebClient {
                client: s("c1"),
                change,
            }),
    );
    facts.extend(
        ["registered", "replaced", "removed", "cleared"].map(|change| Fact::WebApp {
            client: s("c1"),
            app: s("mail"),
            change: s(change),
        }),
    );
    facts.extend(["read", "deleted"].map(|state| Fact::MsgState {
        account: s("sip:alice@example.com"),
        message: 4,
        state: s(state),
    }));
    facts
}

fn message_centres() -> Vec<Fact> {
    vec![
        Fact::McRoute {
            dev: s("C1"),
            app: s("mail"),
            message: 4,
        },
        Fact::McStore {
            dev: s("C1"),
            app: s("mail"),
            message: 4,
        },
        Fact::McClear {
            dev: s("C1"),
            app: s("mail"),
            n: 4,
        },
        Fact::McDrop {
            dev: s("C1"),
            app: s("mail"),
        },
        Fact::BadgeSet {
            dev: s("C1"),
            app: s("mail"),
            n: 4,
        },
    ]
}

fn wakes() -> [Fact; 2] {
    [
        Fact::Wake {
            dev: s("C1"),
            by: s("sms"),
            push: some("k7q4"),
        },
        Fact::Wake {
            dev: s("C1"),
            by: s("acme"),
            push: None,
        },
    ]
}

fn hits() -> [Fact; 4] {
    [
        Fact::Smsc {
            address: s("127.0.0.1:2775"),
            state: s("slow"),
            why: some("ESME_RTHROTTLED"),
        },
        Fact::Smsc {
            address: s("127.0.0.1:2775"),
            state: s("up"),
            why: None,
        },
        Fact::FaultHit {
            rule: s("f1"),
            fault: s("drop"),
            dir: s("out"),
            line: s("sip"),
            what: s("MESSAGE"),
            bearer: Some(Bearer::Sip),
            dev: some("C1"),
            push: some("k7q4"),
        },
        Fact::FaultHit {
            rule: s("f2"),
            fault: s("hold"),
            dir: s("in"),
            line: s("octets"),
            what: String::new(),
            bearer: None,
            dev: None,
            push: None,
        },
    ]
}

fn sent_by(bearer: Bearer) -> Fact {
    Fact::SirTx {
        push: s("k7q4"),
        bearer,
        mode: Mode::FanoutId,
        dev: s("*"),
        ids: list("a b"),
        place: list("header value body"),
        sir: some("0001"),
    }
}

fn plans_and_sirs() -> Vec<Fact> {
    let mut facts = vec![
        Fact::Obtain {
            push: s("k7q4"),
            pui: s("sip:alice@example.com"),
            devices: list("C1 C2"),
            connected: Vec::new(),
        },
        Fact::Plan {
            push: s("k7q4"),
            mode: None,
            wanted: list("C1"),
            excluded: vec![(s("C2"), s("preference"))],
            ids: list("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        },
        Fact::SirAnswer {
            push: s("k7q4"),
            dev: s("C1"),
            bearer: Bearer::Sip,
            status: 408,
            failed: true,
        },
        Fact::SirAnswer {
            push: s("k7q4"),
            dev: s("C1"),
            bearer: Bearer::Http,
            status: 200,
            failed: false,
        },
        Fact::SirNext {
            push: s("k7q4"),
            dev: s("C1"),
            bearer: Bearer::Sip,
            why: s("no answer to the SIR"),
            next: Bearer::Sms,
        },
        Fact::SirRx {
            dev: s("C1"),
            bearer: Bearer::Sip,
            sir: None,
            ids: Vec::new(),
            pui: some("sip:alice@example.com"),
        },
    ];
    facts.extend(wakes());
    facts.extend(hits());
    facts.extend(MODES.map(|mode| Fact::Plan {
        push: s("k7q4"),
        mode: Some(mode),
        wanted: Vec::new(),
        excluded: Vec::new(),
        ids: Vec::new(),
    }));
    facts.extend(BEARERS.map(sent_by));
    facts
}

fn devices() -> Vec<Fact> {
    let mut facts = vec![
        Fact::Prompt {
            dev: s("C1"),
            kind: s("sir"),
        },
        Fact::SessReq {
            dev: s("C1"),
            ppg: s("sip:push@ppg.example.com"),
            sir: Some(s("0001")),
        },
        Fact::SessUp {
            dev: s("C1"),
            ppg: s("x"),
            by: s("ppg"),
        },
        Fact::SessDown {
            dev: s("C1"),
            ppg: s("x"),
            by: s("dev"),
            why: s("BYE"),
        },
        Fact::SirDecide {
            dev: s("C1"),
            sir: some("1"),
            result: Decision::Connect,
            reason: Reason::Match,
            conflict: true,
            detail: some("x"),
        },
    ];
    let decide = |result, reason| Fact::SirDecide {
        dev: s("C1"),
        sir: None,
        result,
        reason,
        conflict: false,
        detail: None,
    };
    facts.extend(DECISIONS.map(|result| decide(result, Reason::User)));
    facts.extend(REASONS.map(|reason| decide(Decision::Skip, reason)));
    facts
}

fn contents() -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(VIAS.map(|via| Fact::PushTx {
        push: s("k7q4"),
        dev: s("C1"),
        via,
        octets: 5,
    }));
    facts.extend([false, true].map(|repeated| Fact::PushRx {
        push: s("k7q4"),
        dev: s("C1"),
        via: Via::New,
        octets: 0,
        repeated,
    }));
    facts.extend(OUTCOMES.map(|outcome| Fact::PushDev {
        push: s("k7q4"),
        dev: s("C1"),
        outcome,
        reason: s("x"),
    }));
    facts
}

fn web_pushes() -> Vec<Fact> {
    let agent = ["hello", "back", "bye"].map(|change| Fact::WpAgent {
        agent: s("abcdefgh"),
        change: s(change),
    });
    let sub = ["new", "gone"].map(|change| Fact::WpSub {
        agent: s("abcdefgh"),
        sub: s("ijklmnop"),
        change: s(change),
    });
    let states =
        list("taken sent acked nacked done expired replaced cancelled unsubscribed given-up");
    let msg = states.into_iter().map(|state| Fact::WpMsg {
        sub: s("ijklmnop"),
        msg: s("qrstuvwx"),
        code: (state == "acked").then_some(100),
        state,
        attempt: 1,
    });
    let states = list("sent taken later too-large refused given-up gone");
    let out = states.into_iter().map(|state| Fact::WpOut {
        client: s("c1"),
        message: 4,
        code: (state == "taken").then_some(201),
        state,
        attempt: 1,
    });
    let logins = [
        Fact::Login {
            account: s("alice"),
        },
        Fact::Logout {
            account: s("alice"),
        },
    ];
    let all = agent.into_iter().chain(sub).chain(msg).chain(out);
    all.chain(logins).collect()
}

fn notes() -> Vec<Fact> {
    let (dev, by, note) = (s("phone"), s("apns"), s("n1"));
    vec![
        Fact::NoteToken {
            dev: dev.clone(),
            by: by.clone(),
            app: s("com.example.mail"),
        },
        Fact::NoteReq {
            dev: dev.clone(),
            by: by.clone(),
            note: note.clone(),
            status: 410,
            reason: some("Unregistered"),
        },
        Fact::NoteGiven {
            dev,
            by,
            note,
            octets: 0,
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "one row an event")]
fn notices() -> Vec<Fact> {
    let (account, dev, app) = (s("sip:alice@example.com"), s("T1"), s("mail"));
    let changes = list("registered replaced removed login logout token-gone");
    let registered = changes.into_iter().map(|change| Fact::MonReg {
        account: account.clone(),
        dev: dev.clone(),
        app: app.clone(),
        change,
    });
    let states = list("idle watching degraded").into_iter();
    let monitors = states.map(|state| Fact::MonState {
        account: account.clone(),
        app: app.clone(),
        why: (state == "degraded").then(|| s("the server closed")),
        state,
    });
    let basis = list("heartbeat presence session nothing").into_iter();
    let states = list("stopped background foreground foreground");
    let clients = basis.zip(states).map(|(by, state)| Fact::AppState {
        dev: dev.clone(),
        app: app.clone(),
        state,
        by,
    });
    let channels = list("apns fcm webpush sip si emn mwi").into_iter();
    let forms = list("full summary bare template").into_iter().cycle();
    let told = channels.zip(forms).map(|(channel, form)| Fact::NoteTx {
        dev: dev.clone(),
        app: app.clone(),
        channel,
        form,
        message: 1,
    });
    let mut facts: Vec<Fact> = registered.chain(monitors).chain(clients).collect();
    facts.extend(told);
    facts.extend([
        Fact::MonNew {
            account: account.clone(),
            app: app.clone(),
            message: 1,
        },
        Fact::DirectTx {
            dev: dev.clone(),
            app: app.clone(),
            message: 1,
        },
        Fact::NoteOpen {
            dev: dev.clone(),
            app: app.clone(),
            message: 1,
        },
        Fact::AppLaunch {
            dev: dev.clone(),
            app: app.clone(),
        },
        Fact::NoteRx {
            dev,
            app,
            text: s("New mail from Bob"),
        },
    ]);
    facts
}

fn others() -> Vec<Fact> {
    let (dev, kind) = (s("C1"), s("capability"));
    let mut facts = vec![
        Fact::InfoTx {
            dev: dev.clone(),
            kind: kind.clone(),
            via: Via::Sip,
        },
        Fact::InfoRx {
            dev: dev.clone(),
            kind: kind.clone(),
            via: Via::Existing,
            info: json!({"screen": [1, 2]}),
        },
        Fact::MsgTx {
            dev: dev.clone(),
            kind: kind.clone(),
        },
        Fact::MsgRx {
            dev: dev.clone(),
            kind,
        },
        Fact::AppReg {
            dev: dev.clone(),
            app: s("x"),
        },
        Fact::DevReg {
            pui: s("sip:alice@example.com"),
            dev: dev.clone(),
        },
        Fact::Wire {
            from: s("PI"),
            to: s("PPG"),
            line: s("http"),
            what: s("POST /pap"),
            push: some("k7q4"),
            octets: bytes::Bytes::from_static(b"never in a log"),
        },
        Fact::Refused {
            from: s("127.0.0.1:5060"),
            why: s("x"),
        },
    ];
    facts.extend(web_pushes());
    facts.extend(notes());
    facts.extend([When::Before, When::After].map(|when| Fact::AppAct {
        dev: dev.clone(),
        app: s("x"),
        when,
    }));
    for change in ["created", "refreshed", "expired", "removed"] {
        facts.push(Fact::Reg {
            pui: s("sip:alice@example.com"),
            dev: dev.clone(),
            change: s(change),
            contact: s("sip:alice@192.0.2.1"),
        });
    }
    facts
}

/// The event as the log writes it.
fn line(fact: Fact) -> Value {
    let mut line = serde_json::to_value(Event {
        t: Time::from_secs(1),
        fact,
    })
    .unwrap();
    line["seq"] = json!(1);
    line
}

#[test]
fn rx_6_every_event_has_a_place_in_the_schema() {
    let schema = schema();
    let mut seen = BTreeSet::new();
    for fact in examples() {
        seen.insert(number(&fact));
        let line = line(fact);
        assert_eq!(check(&schema, &schema, &line), Ok(()), "{line}");
    }
    assert_eq!(seen, (0..=LAST).collect());
}

#[test]
fn the_names_that_filters_know_are_those_of_the_events() {
    let mut examples = examples();
    examples.sort_by_key(number);
    let mut names: Vec<String> = examples
        .into_iter()
        .map(|fact| line(fact)["ev"].as_str().unwrap().to_owned())
        .collect();
    names.dedup();
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>(),
        NAMES.map(s).iter().collect()
    );
    assert_eq!(NAMES.len(), LAST + 1);
}

#[test]
fn the_schema_lists_exactly_the_fields() {
    let schema = schema();
    let branches = schema["oneOf"].as_array().unwrap();
    assert_eq!(branches.len(), LAST + 1);
    for fact in examples() {
        let line = line(fact);
        let branch = branches
            .iter()
            .find(|branch| branch["properties"]["ev"]["const"] == line["ev"])
            .unwrap();
        let names = |value: &Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(names(&branch["properties"]), names(&line), "{line}");
        let mut required: BTreeSet<String> = branch["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        // Simulated runs do not number their events.
        required.insert(s("seq"));
        if line["ev"] == "sess.req" {
            // A device may ask on its own account, without a SIR.
            required.insert(s("sir"));
        }
        assert_eq!(required, names(&line));
    }
}

#[test]
fn lines_that_are_no_events_are_refused() {
    let schema = schema();
    let good = json!({"t": 1, "seq": 1, "ev": "msg.tx", "dev": "C1", "kind": "capability"});
    assert_eq!(check(&schema, &schema, &good), Ok(()));
    for (name, value) in [
        ("ev", json!("msg.lost")),
        ("octets", json!("deadbeef")),
        ("t", json!(-1)),
        ("t", json!("now")),
        ("dev", json!(null)),
        ("seq", json!(0)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(check(&schema, &schema, &bad).is_err(), "{bad}");
    }
    let mut short = good;
    short.as_object_mut().unwrap().remove("kind");
    assert!(check(&schema, &schema, &short).is_err());
}

/// The part of JSON Schema that the file uses; a keyword it does not know is a fault.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return if *schema == json!(true) {
            Ok(())
        } else {
            Err(s("refused by false"))
        };
    };
    for (keyword, wanted) in keywords {
        if !holds(root, keywords, keyword, wanted, value) {
            return Err(format!("{keyword}: {value} against {wanted}"));
        }
    }
    Ok(())
}

fn holds(
    root: &Value,
    keywords: &serde_json::Map<String, Value>,
    keyword: &str,
    wanted: &Value,
    value: &Value,
) -> bool {
    let fits = |schema: &Value, value: &Value| check(root, schema, value).is_ok();
    let count = || {
        wanted
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| fits(one, value))
            .count()
    };
    let items = || value.as_array().into_iter().flatten();
    let length = || value.as_array().map_or(0, Vec::len) as u64;
    match keyword {
        "$schema" | "$id" | "$defs" | "title" | "description" => true,
        "$ref" => fits(
            &root["$defs"][wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap()],
            value,
        ),
        "oneOf" => count() == 1,
        "anyOf" => count() > 0,
        "const" => value == wanted,
        "enum" => wanted.as_array().unwrap().contains(value),
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|name| is_a(value, name.as_str().unwrap())),
            name => is_a(value, name.as_str().unwrap()),
        },
        "minimum" => value
            .as_i64()
            .is_some_and(|n| n >= wanted.as_i64().unwrap()),
        "maximum" => value
            .as_i64()
            .is_some_and(|n| n <= wanted.as_i64().unwrap()),
        "items" => items().all(|item| fits(wanted, item)),
        "prefixItems" => items()
            .zip(wanted.as_array().unwrap())
            .all(|(item, schema)| fits(schema, item)),
        "minItems" => length() >= wanted.as_u64().unwrap(),
        "maxItems" => length() <= wanted.as_u64().unwrap(),
        "required" => wanted
            .as_array()
            .unwrap()
            .iter()
            .all(|name| value.get(name.as_str().unwrap()).is_some()),
        "properties" => wanted
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|member| fits(schema, member))),
        "additionalProperties" => {
            assert_eq!(*wanted, json!(false));
            let known = keywords["properties"].as_object().unwrap();
            let members = value.as_object().into_iter().flatten();
            members
                .into_iter()
                .all(|(name, _)| known.contains_key(name))
        }
        other => unreachable!("the validator does not know {other}"),
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => unreachable!("no type {other}"),
    }
}
