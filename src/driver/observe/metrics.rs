//! Figures of a running node in the text format of Prometheus.
//!
//! Identities, devices and push-ids are never labels; every label has a fixed set of values.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;

use super::Journal;
use crate::driver::store::keeper::Gauge;
use crate::event::Fact;

/// Figures of sockets and queues.
#[derive(Debug, Default)]
pub(in crate::driver) struct Counters {
    pub(in crate::driver) udp_received: AtomicU64,
    pub(in crate::driver) udp_sent: AtomicU64,
    /// Came in and found the node's queue full.
    pub(in crate::driver) udp_dropped: AtomicU64,
    /// Could not be sent.
    pub(in crate::driver) udp_unsent: AtomicU64,
    /// What the network said of datagrams sent earlier.
    pub(in crate::driver) udp_errors: AtomicU64,
    pub(in crate::driver) udp_queued: AtomicU64,
    pub(in crate::driver) udp_queued_octets: AtomicU64,
    pub(in crate::driver) arrivals_queued: AtomicU64,
    /// Outputs behind a record that is not yet durable.
    pub(in crate::driver) held: AtomicU64,
    pub(in crate::driver) links_open: AtomicU64,
    /// No room for another link.
    pub(in crate::driver) links_refused: AtomicU64,
    /// The peer took too little.
    pub(in crate::driver) links_cut: AtomicU64,
    pub(in crate::driver) tls_failed: AtomicU64,
    pub(in crate::driver) http_requests: AtomicU64,
    /// Refused before the node saw them: too large, too slow, malformed, from a foreign page.
    pub(in crate::driver) http_refused: AtomicU64,
    pub(in crate::driver) http_timed_out: AtomicU64,
    pub(in crate::driver) http_connections_refused: AtomicU64,
    pub(in crate::driver) fetches: AtomicU64,
    pub(in crate::driver) fetches_failed: AtomicU64,
    pub(in crate::driver) turns: AtomicU64,
}

/// Figures counted from events.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// How often each event happened, by its name.
    events: HashMap<&'static str, u64, FixedState>,
    /// How often each other series happened.
    others: HashMap<Series, u64, FixedState>,
}

/// A metric and the values of its labels, which are words of the program itself.
type Series = (&'static str, [(&'static str, &'static str); 2]);

const NO_LABEL: (&str, &str) = ("", "");

impl Tallies {
    /// Counts one event.
    pub(super) fn count(&self, fact: &Fact) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { events, others } = &mut *tallies;
        let count = events.entry(name(fact)).or_default();
        *count = count.saturating_add(1);
        let mut add = |name, labels| {
            let count = others.entry((name, labels)).or_default();
            *count = count.saturating_add(1);
        };
        match fact {
            Fact::PushEnd { state, .. } => {
                add(
                    "sirgate_pushes_total",
                    [("outcome", outcome(state)), NO_LABEL],
                );
            }
            Fact::SirTx { bearer, mode, .. } => add(
                "sirgate_sir_sent_total",
                [("bearer", word(bearer)), ("mode", word(mode))],
            ),
            Fact::SirAnswer { bearer, status, .. } => add(
                "sirgate_answers_total",
                [("bearer", word(bearer)), ("class", class(*status))],
            ),
            Fact::SirDecide { result, reason, .. } => add(
                "sirgate_sir_decisions_total",
                [("result", word(result)), ("reason", reason.token())],
            ),
            Fact::SessUp { by, .. } if by == "ppg" => {
                add("sirgate_sessions_total", [NO_LABEL, NO_LABEL]);
            }
            Fact::SessDown { by, .. } if by == "ppg" => {
                add("sirgate_sessions_ended_total", [NO_LABEL, NO_LABEL]);
            }
            _ => {}
        }
    }

    fn write(&self, text: &mut String) {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = "";
        let events = tallies.events.iter();
        let events = events.map(|(ev, n)| (("sirgate_events_total", [("ev", *ev), NO_LABEL]), *n));
        let others = tallies.others.iter().map(|(series, n)| (*series, *n));
        let mut sorted: Vec<(Series, u64)> = events.chain(others).collect();
        sorted.sort_unstable();
        for ((name, labels), count) in sorted {
            if name != last {
                add_type(text, name, "counter");
                last = name;
            }
            let labels: Vec<String> = labels
                .iter()
                .filter(|(label, _)| !label.is_empty())
                .map(|(label, value)| format!("{label}=\"{value}\""))
                .collect();
            let _ = if labels.is_empty() {
                writeln!(text, "{name} {count}")
            } else {
                writeln!(text, "{name}{{{}}} {count}", labels.join(","))
            };
        }
        let sum = |name| {
            let labels = [NO_LABEL, NO_LABEL];
            tallies.others.get(&(name, labels)).copied().unwrap_or(0)
        };
        let open =
            sum("sirgate_sessions_total").saturating_sub(sum("sirgate_sessions_ended_total"));
        add_type(text, "sirgate_sessions_open", "gauge");
        let _ = writeln!(text, "sirgate_sessions_open {open}");
    }
}

fn add_type(text: &mut String, name: &str, kind: &str) {
    let _ = writeln!(text, "# TYPE {name} {kind}");
}

/// All figures as text.
pub(in crate::driver) fn write_metrics(
    journal: &Journal,
    counters: &Counters,
    gauge: &Gauge,
) -> String {
    let mut text = String::with_capacity(4096);
    add_type(&mut text, "sirgate_build_info", "gauge");
    let _ = writeln!(
        text,
        "sirgate_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    journal.tallies().write(&mut text);
    let (ring, log) = journal.dropped();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    write_family(
        &mut text,
        "sirgate_dropped_total",
        "counter",
        "queue",
        &[
            ("udp", read(&counters.udp_dropped)),
            ("udp-send", read(&counters.udp_unsent)),
            ("links", read(&counters.links_refused)),
            ("link-send", read(&counters.links_cut)),
            ("http", read(&counters.http_connections_refused)),
            ("events-ring", ring),
            ("events-log", log),
        ],
    );
    write_family(
        &mut text,
        "sirgate_queue_length",
        "gauge",
        "queue",
        &[
            ("udp", read(&counters.udp_queued)),
            ("arrivals", read(&counters.arrivals_queued)),
            ("held", read(&counters.held)),
        ],
    );
    write_family(
        &mut text,
        "sirgate_datagrams_total",
        "counter",
        "dir",
        &[
            ("in", read(&counters.udp_received)),
            ("out", read(&counters.udp_sent)),
        ],
    );
    write_singles(&mut text, counters);
    write_store(&mut text, gauge);
    text
}

fn write_family(text: &mut String, name: &str, kind: &str, label: &str, rows: &[(&str, u64)]) {
    add_type(text, name, kind);
    for (value, count) in rows {
        let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
    }
}

fn write_singles(text: &mut String, counters: &Counters) {
    for (name, kind, counter) in [
        (
            "sirgate_datagram_errors_total",
            "counter",
            &counters.udp_errors,
        ),
        ("sirgate_links_open", "gauge", &counters.links_open),
        (
            "sirgate_tls_failures_total",
            "counter",
            &counters.tls_failed,
        ),
        (
            "sirgate_http_requests_total",
            "counter",
            &counters.http_requests,
        ),
        (
            "sirgate_http_refused_total",
            "counter",
            &counters.http_refused,
        ),
        (
            "sirgate_http_timeouts_total",
            "counter",
            &counters.http_timed_out,
        ),
        ("sirgate_fetches_total", "counter", &counters.fetches),
        (
            "sirgate_fetch_failures_total",
            "counter",
            &counters.fetches_failed,
        ),
        ("sirgate_turns_total", "counter", &counters.turns),
    ] {
        add_type(text, name, kind);
        let _ = writeln!(text, "{name} {}", counter.load(Ordering::Relaxed));
    }
}

fn write_store(text: &mut String, gauge: &Gauge) {
    for (name, kind, counter) in [
        ("sirgate_store_commits_total", "counter", &gauge.commits),
        ("sirgate_store_failures_total", "counter", &gauge.failures),
        ("sirgate_store_changes_total", "counter", &gauge.changes),
        ("sirgate_store_live_records", "gauge", &gauge.live),
        ("sirgate_store_bytes", "gauge", &gauge.octets),
    ] {
        add_type(text, name, kind);
        let _ = writeln!(text, "{name} {}", counter.load(Ordering::Relaxed));
    }
    let micros = gauge.micros.load(Ordering::Relaxed);
    add_type(text, "sirgate_store_commit_seconds_total", "counter");
    let _ = writeln!(
        text,
        "sirgate_store_commit_seconds_total {}.{:06}",
        micros / 1_000_000,
        micros % 1_000_000
    );
}

const fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        408 => "timeout",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "6xx",
    }
}

/// The outcome of PAP's message-state.
fn outcome(state: &str) -> &'static str {
    match state {
        "delivered" => "delivered",
        "expired" => "expired",
        "cancelled" => "cancelled",
        "rejected" | "aborted" => "refused",
        _ => "failed",
    }
}

/// The word an enum of the events is written with.
trait Word {
    fn word(&self) -> &'static str;
}

fn word(value: &impl Word) -> &'static str {
    value.word()
}

impl Word for crate::event::Bearer {
    fn word(&self) -> &'static str {
        Self::word(*self)
    }
}

impl Word for crate::event::Mode {
    fn word(&self) -> &'static str {
        match self {
            Self::Targeted => "targeted",
            Self::Fanout => "fanout",
            Self::FanoutId => "fanout+id",
            Self::Legacy => "legacy",
        }
    }
}

impl Word for crate::event::Decision {
    fn word(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Skip => "skip",
            Self::Refuse => "refuse",
        }
    }
}

/// The event's name, as it is serialised.
#[expect(clippy::too_many_lines, reason = "one row an event")]
const fn name(fact: &Fact) -> &'static str {
    match fact {
        Fact::PapRx { .. } => "pap.rx",
        Fact::PapRefused { .. } => "pap.refused",
        Fact::Obtain { .. } => "obtain",
        Fact::Plan { .. } => "plan",
        Fact::SirTx { .. } => "sir.tx",
        Fact::SirAnswer { .. } => "sir.answer",
        Fact::SirNext { .. } => "sir.next",
        Fact::Wake { .. } => "wake",
        Fact::SirRx { .. } => "sir.rx",
        Fact::SirDecide { .. } => "sir.decide",
        Fact::Prompt { .. } => "prompt",
        Fact::PollReq { .. } => "poll.req",
        Fact::PollRsp { .. } => "poll.rsp",
        Fact::WebClient { .. } => "web.client",
        Fact::WebApp { .. } => "web.app",
        Fact::MsgPut { .. } => "msg.put",
        Fact::MsgState { .. } => "msg.state",
        Fact::Login { .. } => "login",
        Fact::Logout { .. } => "logout",
        Fact::PbQuery { .. } => "pb.query",
        Fact::PbAttach { .. } => "pb.attach",
        Fact::PbState { .. } => "pb.state",
        Fact::McRoute { .. } => "mc.route",
        Fact::McStore { .. } => "mc.store",
        Fact::McClear { .. } => "mc.clear",
        Fact::McDrop { .. } => "mc.drop",
        Fact::BadgeSet { .. } => "badge.set",
        Fact::SessReq { .. } => "sess.req",
        Fact::SessUp { .. } => "sess.up",
        Fact::SessDown { .. } => "sess.down",
        Fact::PushTx { .. } => "push.tx",
        Fact::PushRx { .. } => "push.rx",
        Fact::PushDev { .. } => "push.dev",
        Fact::PushEnd { .. } => "push.end",
        Fact::PapNotify { .. } => "pap.notify",
        Fact::InfoTx { .. } => "info.tx",
        Fact::InfoRx { .. } => "info.rx",
        Fact::MsgTx { .. } => "msg.tx",
        Fact::MsgRx { .. } => "msg.rx",
        Fact::AppAct { .. } => "app.act",
        Fact::AppReg { .. } => "app.reg",
        Fact::Reg { .. } => "reg",
        Fact::DevReg { .. } => "dev.reg",
        Fact::Wire { .. } => "wire",
        Fact::FaultHit { .. } => "fault.hit",
        Fact::Smsc { .. } => "smsc",
        Fact::WpAgent { .. } => "wp.agent",
        Fact::WpSub { .. } => "wp.sub",
        Fact::WpMsg { .. } => "wp.msg",
        Fact::WpOut { .. } => "wp.out",
        Fact::NoteToken { .. } => "note.token",
        Fact::NoteReq { .. } => "note.req",
        Fact::NoteGiven { .. } => "note.given",
        Fact::MonReg { .. } => "mon.reg",
        Fact::MonState { .. } => "mon.state",
        Fact::MonNew { .. } => "mon.new",
        Fact::AppState { .. } => "appstate",
        Fact::NoteTx { .. } => "note.tx",
        Fact::DirectTx { .. } => "direct.tx",
        Fact::NoteOpen { .. } => "note.open",
        Fact::AppLaunch { .. } => "app.launch",
        Fact::NoteRx { .. } => "note.rx",
        Fact::Refused { .. } => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::observe::JournalSettings;
    use crate::event::{Event, Mode};
    use crate::time::Time;

    #[test]
    fn events_become_figures() {
        let journal = Journal::start(&JournalSettings::default()).unwrap();
        let end = |state: &str| Event {
            t: Time::EPOCH,
            fact: Fact::PushEnd {
                push: "k7q4".to_owned(),
                address: "sip:alice@example.com".to_owned(),
                state: state.to_owned(),
                code: 1000,
                desc: String::new(),
            },
        };
        journal.push(end("delivered"));
        journal.push(end("delivered"));
        journal.push(end("undeliverable"));
        journal.push(Event {
            t: Time::EPOCH,
            fact: Fact::SirTx {
                push: "k7q4".to_owned(),
                bearer: crate::event::Bearer::Sip,
                mode: Mode::FanoutId,
                dev: "*".to_owned(),
                ids: Vec::new(),
                place: Vec::new(),
                sir: None,
            },
        });
        let text = write_metrics(&journal, &Counters::default(), &Gauge::default());
        for line in [
            "sirgate_pushes_total{outcome=\"delivered\"} 2",
            "sirgate_pushes_total{outcome=\"failed\"} 1",
            "sirgate_sir_sent_total{bearer=\"sip\",mode=\"fanout+id\"} 1",
            "sirgate_events_total{ev=\"push.end\"} 3",
            "sirgate_store_commit_seconds_total 0.000000",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} not in\n{text}"
            );
        }
        assert!(!text.contains("alice") && !text.contains("k7q4"));
    }

    #[test]
    fn every_family_is_typed_once() {
        let journal = Journal::start(&JournalSettings::default()).unwrap();
        let text = write_metrics(&journal, &Counters::default(), &Gauge::default());
        let mut types: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        let all = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), all);
    }
}
