//! No bearer's failure slows another: pushes over one bearer, while another one hangs, in virtual time.
//!
//! `cargo test --test isolation -- --nocapture` prints the figures of `docs/performance.md`.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use sirgate::event::{Event, Fact};
use sirgate::sim::script::Script;
use sirgate::sim::stage;
use sirgate::time::Time;

/// Pushes to each of the two devices.
const PUSHES: usize = 200;

/// One run: C1 is reached by `sound`; C2 by `ill`, of which nothing comes through.
fn script(sound: &str, ill: &str, is_ill: bool) -> Script {
    let mut text = format!(
        "S0 {sound} beside {ill}\n\ntrio\ndevice C1 bearer={sound}\ndevice C2 bearer={ill}\n"
    );
    if is_ill {
        // Nothing comes in and nothing is refused: the other side hangs.
        let _ = writeln!(text, "fault drop dir=in bearer={ill} device=C2 per=rule");
        let _ = writeln!(text, "fault drop dir=out bearer={ill} device=C2 per=rule");
        if matches!(ill, "sms" | "ussd" | "cs") {
            let _ = writeln!(
                text,
                "fault drop dir=in bearer=sms match=smpp.command=submit_sm_resp per=rule"
            );
        }
    }
    for number in 0..PUSHES {
        let _ = writeln!(
            text,
            "push ill{number} to=C2 plan=targeted content=\"hello\"\nwait 5ms"
        );
        let _ = writeln!(
            text,
            "push own{number} to=C1 plan=targeted content=\"hello\"\nwait 5ms"
        );
    }
    text.push_str("quiet\n");
    Script::decode(&text).unwrap()
}

/// How long after its submission each push to C1 was with the device, and its result with the initiator.
struct Took {
    content: Vec<Duration>,
    result: Vec<Duration>,
}

fn measure(events: &[Event]) -> Took {
    let mut begun: BTreeMap<&str, Time> = BTreeMap::new();
    let mut took = Took {
        content: Vec::new(),
        result: Vec::new(),
    };
    for event in events {
        match &event.fact {
            Fact::PapRx { push, .. } => {
                begun.insert(push, event.t);
            }
            Fact::PushRx { push, dev, .. } if dev == "C1" => {
                took.content.push(event.t.since(begun[push.as_str()]));
            }
            Fact::PapNotify { push, result, .. }
                if result == "accepted" && push.starts_with("own") =>
            {
                took.result.push(event.t.since(begun[push.as_str()]));
            }
            _ => {}
        }
    }
    took.content.sort();
    took.result.sort();
    took
}

fn figures(times: &[Duration]) -> String {
    let millis = |at: usize| times[at].as_secs_f64() * 1_000.0;
    let last = times.len() - 1;
    format!(
        "{:>7.1} ms {:>7.1} ms {:>7.1} ms",
        millis(last / 2),
        millis(last * 99 / 100),
        millis(last)
    )
}

#[test]
fn a_bearer_that_hangs_slows_no_other() {
    let mut table = String::from(
        "| pushes by | beside | state | p50, p99, max to the device | to the result |\n|---|---|---|---|---|\n",
    );
    for (sound, ill) in [
        ("sip", "sms"),
        ("sip", "http"),
        ("sip", "wsp"),
        ("sms", "sip"),
        ("http", "sms"),
        ("wsp", "http"),
    ] {
        let [well, hung] = [false, true].map(|is_ill| {
            let played = stage::play(&script(sound, ill, is_ill), 42).unwrap();
            let reached = played.events.iter();
            let reached = reached
                .filter(|event| matches!(&event.fact, Fact::PushRx { dev, .. } if dev == "C2"));
            // What hangs must hang, or nothing is shown.
            assert_eq!(
                reached.count(),
                if is_ill { 0 } else { PUSHES },
                "{sound} {ill}"
            );
            measure(&played.events)
        });
        assert_eq!(hung.content.len(), PUSHES, "{sound} beside {ill}");
        assert_eq!(hung.result.len(), PUSHES, "{sound} beside {ill}");
        for (state, took) in [("works", &well), ("hangs", &hung)] {
            let (content, result) = (figures(&took.content), figures(&took.result));
            let _ = writeln!(
                table,
                "| {sound} | {ill} | {state} | {content} | {result} |"
            );
        }
        assert_eq!(well.content, hung.content, "{sound} beside {ill}\n{table}");
        assert_eq!(well.result, hung.result, "{sound} beside {ill}\n{table}");
    }
    println!("{table}");
}
