//! Events read as rungs: who sent what to whom, and what a party decided on its own lane.

use core::time::Duration;
use std::borrow::Cow;
use std::collections::VecDeque;

use super::chunks::Chunks;
use crate::event::{Bearer, Decision, Event, Fact, Via};
use crate::time::Time;

/// The lane of the initiator.
pub const PI: &str = "PI";
/// The lane of the gateway.
pub const PPG: &str = "PPG";

/// The lane of the message centre.
pub const SMSC: &str = "SMSC";

/// One line of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// When.
    pub at: Time,
    /// Whose lane it starts on.
    pub from: String,
    /// Whose lane it ends on; `None` for what a party did on its own.
    pub to: Option<String>,
    /// `sip`, `msrp`, `http`, and so on; empty for what a party did on its own.
    pub line: String,
    /// What stands on the arrow, or behind the mark.
    pub word: String,
    /// What stands to the right of the lanes.
    pub note: String,
    /// True when the ladder leaves it out unless asked for everything.
    pub folded: bool,
    /// The place of the event it is drawn from, among those that were given.
    pub event: usize,
}

/// The rungs of these events, in the order of their times.
///
/// Arrows are the `wire` events, annotated by what the other events say about them. Where a run has no `wire` event at
/// all, the arrows are drawn from the other events alone.
#[must_use]
pub fn rungs(events: &[Event]) -> Vec<Rung> {
    // Parties report on their own, so a fact may be reported after what came of it.
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|at| events.get(*at).map(|event| event.t));
    let sorted: Vec<&Event> = order.iter().filter_map(|at| events.get(*at)).collect();
    let wired = events
        .iter()
        .any(|event| matches!(event.fact, Fact::Wire { .. }));
    let mut rungs: Vec<Rung> = Vec::new();
    let mut notes = Vec::new();
    let mut chunks = Chunks::default();
    for (at, (event, place)) in sorted.iter().zip(&order).enumerate() {
        let before = sorted
            .get(at.saturating_sub(RECENT)..at)
            .unwrap_or_default();
        let is_chunk = chunks.take(&event.fact, rungs.len());
        match own(event)
            .or_else(|| super::web::rung(event))
            .or_else(|| wire(event, &rungs, before))
        {
            Some(mut rung) => {
                rung.folded |= is_chunk;
                rung.event = *place;
                rungs.push(rung);
            }
            None => {
                if let Some(mut arrow) = arrow(event) {
                    arrow.event = *place;
                    if wired {
                        notes.push(arrow);
                    } else {
                        rungs.push(arrow);
                    }
                }
            }
        }
    }
    let mut unanswered = Vec::new();
    for note in notes {
        if let Some(note) = annotate(&mut rungs, note) {
            unanswered.extend(unanswered_sir(&note));
        }
    }
    chunks.note(&mut rungs);
    rungs.append(&mut unanswered);
    rungs.sort_by_key(|rung| rung.at);
    rungs
}

/// The end of a SIR that no answer came to: no message says so, only the gateway.
fn unanswered_sir(note: &Rung) -> Option<Rung> {
    (note.word == "408" && note.line == "sip").then(|| Rung {
        from: PPG.to_owned(),
        to: None,
        line: String::new(),
        word: format!("no answer from {}", note.from),
        ..note.clone()
    })
}

/// What a `wire` event draws. The rungs tell which request an answer belongs to, the events before it whether it is
/// sent again.
fn wire(event: &Event, rungs: &[Rung], before: &[&Event]) -> Option<Rung> {
    let Fact::Wire {
        from,
        to,
        line,
        what,
        ..
    } = &event.fact
    else {
        return None;
    };
    let word = word(what);
    let folded = match word.parse::<u16>() {
        Ok(100..=199) => true,
        Ok(200..=299) => {
            // An initiator's good answer to a notification says no more than the notification.
            line == "msrp"
                || (from == PI && line == "http")
                || answered(rungs, from, to, line).is_some_and(is_routine)
        }
        Ok(_) => false,
        Err(_) => is_routine(&word) || is_repeated(event, before),
    };
    // With a status of SMPP the message centre says what is amiss.
    let status = what
        .strip_prefix("submit_sm_resp ")
        .filter(|_| from == SMSC);
    Some(Rung {
        at: event.t,
        from: from.clone(),
        to: Some(to.clone()),
        line: line.clone(),
        word,
        note: status.unwrap_or_default().to_owned(),
        folded: folded && status.is_none(),
        event: 0,
    })
}

/// The request that an answer from `from` to `to` belongs to: the first on this line that has no answer yet.
fn answered<'a>(rungs: &'a [Rung], from: &str, to: &str, line: &str) -> Option<&'a str> {
    let between = |rung: &Rung, a: &str, b: &str| {
        rung.line == line && rung.from == a && rung.to.as_deref() == Some(b)
    };
    // Only the last requests matter; a long run must not be read again for each answer.
    let recent = rungs.get(rungs.len().saturating_sub(RECENT)..)?;
    let mut open: VecDeque<&str> = VecDeque::new();
    for rung in recent {
        if between(rung, from, to) && is_final(&rung.word) {
            // The answer to a request that was sent under another name closes nothing.
            open.pop_front();
        } else if between(rung, to, from)
            && rung.word.parse::<u16>().is_err()
            && !matches!(rung.word.as_str(), "ACK" | "REPORT")
        {
            open.push_back(&rung.word);
        }
    }
    open.front().copied()
}

/// True for a SIP request that was sent before and has not been answered: a datagram may be lost.
fn is_repeated(event: &Event, before: &[&Event]) -> bool {
    let Fact::Wire { from, to, line, .. } = &event.fact else {
        return false;
    };
    let back = before.iter().rev().take_while(|old| {
        !matches!(&old.fact, Fact::Wire { from: f, to: t, line: l, .. } if f == to && t == from && l == line)
    });
    line == "sip" && back.into_iter().any(|old| old.fact == event.fact)
}

/// How many events or rungs are read back for what a message belongs to.
const RECENT: usize = 64;

fn is_final(word: &str) -> bool {
    word.parse::<u16>().is_ok_and(|status| status >= 200)
}

/// Requests that carry no step of a push: acknowledgements, ends, registrations, reports.
fn is_routine(word: &str) -> bool {
    !matches!(
        word.split(' ').next(),
        Some("MESSAGE" | "INVITE" | "SEND" | "POST" | "GET" | "DELETE")
    )
}

/// `MESSAGE sip:..` is MESSAGE, `SIP/2.0 200 OK` is 200, `MSRP a1 SEND` is SEND, `POST /pap HTTP/1.1` is POST /pap.
fn word(what: &str) -> String {
    let line = what.lines().next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    if first.starts_with("SIP/") || first.starts_with("HTTP/") {
        return words.next().unwrap_or_default().to_owned();
    }
    if first == "MSRP" {
        return words.nth(1).unwrap_or_default().to_owned();
    }
    match words.next() {
        Some(path) if path.starts_with('/') => format!("{first} {path}"),
        _ => first.to_owned(),
    }
}

/// What a party did on its own lane.
fn own(event: &Event) -> Option<Rung> {
    let (lane, word, folded) = match &event.fact {
        Fact::SirDecide {
            dev,
            result,
            reason,
            conflict,
            ..
        } => {
            let result = match result {
                Decision::Connect => "connect",
                Decision::Skip => "skip",
                Decision::Refuse => "refuse",
            };
            let conflict = if *conflict { ", conflict" } else { "" };
            let word = format!("{result}: {}{conflict}", reason.token());
            (dev, word, false)
        }
        Fact::Prompt { dev, kind } => (dev, format!("prompt: {kind}"), false),
        Fact::AppAct { dev, app, .. } => (dev, format!("activate {app}"), false),
        Fact::AppReg { dev, app } => (dev, format!("registered {app}"), true),
        Fact::SessDown { dev, by, why, .. } if by == "dev" => {
            (dev, format!("session over: {why}"), true)
        }
        Fact::PushRx {
            dev,
            push,
            repeated,
            ..
        } => {
            let word = if *repeated { "repeated" } else { "received" };
            (dev, format!("{word} {push}"), !repeated)
        }
        fact => return of_gateway_alone(fact).map(|word| alone(event.t, PPG, word, false)),
    };
    Some(alone(event.t, lane, word, folded))
}

fn alone(at: Time, lane: &str, word: String, folded: bool) -> Rung {
    Rung {
        at,
        from: lane.to_owned(),
        to: None,
        line: String::new(),
        word,
        note: String::new(),
        folded,
        event: 0,
    }
}

/// What the gateway did on its own lane: it changed the bearer, or a rule did something to a message.
fn of_gateway_alone(fact: &Fact) -> Option<String> {
    match fact {
        Fact::FaultHit {
            rule,
            fault,
            dir,
            line,
            what,
            dev,
            ..
        } => Some(fault_word((rule, fault), (dir, line, what), dev.as_deref())),
        Fact::SirNext {
            dev,
            bearer,
            why,
            next,
            ..
        } => {
            let (bearer, next) = (bearer.word(), next.word());
            Some(format!("{dev} by {next}: {bearer} failed, {why}"))
        }
        _ => None,
    }
}

/// `fault f1: drop MESSAGE to C1`.
fn fault_word(
    (rule, fault): (&str, &str),
    (dir, line, what): (&str, &str, &str),
    dev: Option<&str>,
) -> String {
    let what = if what.is_empty() { line } else { what };
    let mut word = format!("fault {rule}: {fault} {what}");
    if let Some(dev) = dev {
        word.push_str(if dir == "in" { " from " } else { " to " });
        word.push_str(dev);
    }
    word
}

/// The arrow that an event implies; drawn when there are no `wire` events, else the note of the one it is about.
fn arrow(event: &Event) -> Option<Rung> {
    let (from, to, line, word, note) =
        of_gateway(&event.fact).or_else(|| of_device(&event.fact))?;
    Some(Rung {
        at: event.t,
        from: from.to_owned(),
        to: Some(to.to_owned()),
        line: line.to_owned(),
        word: word.into_owned(),
        note,
        folded: false,
        event: 0,
    })
}

/// From, to, line, word, note.
type Arrow<'a> = (&'a str, &'a str, &'static str, Cow<'static, str>, String);

/// What the gateway or the initiator sent.
fn of_gateway(fact: &Fact) -> Option<Arrow<'_>> {
    Some(match fact {
        Fact::PapRx { push, .. } => (
            PI,
            PPG,
            "http",
            "POST".into(),
            format!("push-message {push}"),
        ),
        Fact::PapRefused { code, why, .. } => {
            (PPG, PI, "http", "202".into(), format!("{code} {why}"))
        }
        Fact::SirTx {
            dev,
            bearer,
            ids,
            place,
            ..
        } => {
            let (line, word) = carrier(*bearer);
            let is_short = is_short(line);
            let mut note = String::from("SIR");
            if is_short {
                note.push_str(" to ");
                note.push_str(dev);
            }
            if !ids.is_empty() {
                note.push_str("  id=");
                note.push_str(&ids.join(","));
            }
            if !place.is_empty() {
                note.push_str(" place=");
                note.push_str(&place.join(","));
            }
            let to = if is_short { SMSC } else { dev };
            (PPG, to, line, word.into(), note)
        }
        Fact::SessUp { dev, by, .. } if by == "ppg" => {
            (PPG, dev, "sip", "200".into(), String::new())
        }
        Fact::PushTx {
            dev, octets, via, ..
        } => {
            let (line, word) = returned(*via);
            (PPG, dev, line, word.into(), format!("{octets} octets"))
        }
        Fact::PapNotify {
            push,
            attempt,
            result,
            ..
        } if result == "sent" => {
            let mut note = format!("resultnotification {push}");
            if *attempt > 1 {
                note.push_str(&format!(", try {attempt}"));
            }
            (PPG, PI, "http", "POST".into(), note)
        }
        _ => return None,
    })
}

/// What a device sent.
fn of_device(fact: &Fact) -> Option<Arrow<'_>> {
    Some(match fact {
        Fact::SirAnswer {
            dev,
            bearer,
            status,
            failed,
            ..
        } => {
            let note = if *failed { FAILED } else { "" };
            let (line, word) = answer(*bearer, *status);
            if is_short(line) {
                let note = format!("{dev}: {status} {note}").trim_end().to_owned();
                return Some((SMSC, PPG, line, word, note));
            }
            (dev, PPG, line, word, note.to_owned())
        }
        Fact::SessReq { dev, .. } => (dev, PPG, "sip", "INVITE".into(), "push session".to_owned()),
        Fact::InfoTx { dev, kind, via } => {
            let (line, word) = returned(*via);
            (dev, PPG, line, word.into(), format!("information: {kind}"))
        }
        Fact::MsgTx { dev, kind } => (dev, PPG, "msrp", "SEND".into(), format!("message: {kind}")),
        _ => return None,
    })
}

const fn carrier(bearer: Bearer) -> (&'static str, &'static str) {
    match bearer {
        Bearer::Sip => ("sip", "MESSAGE"),
        Bearer::Signalling => ("sip", "OPTIONS"),
        Bearer::Service => ("msrp", "SEND"),
        Bearer::Http => ("http", "POST"),
        Bearer::Web => ("http", "GET"),
        Bearer::Apns | Bearer::Fcm => ("http", "POST"),
        Bearer::Wsp | Bearer::Ps => ("wsp", "Push"),
        Bearer::Sms | Bearer::Cs => ("sms", "submit_sm"),
        Bearer::Ussd => ("ussd", "string"),
    }
}

/// True for what goes by the message centre.
fn is_short(line: &str) -> bool {
    matches!(line, "sms" | "ussd")
}

/// What answers a SIR: a status, or what the message centre tells of it.
fn answer(bearer: Bearer, status: u16) -> (&'static str, Cow<'static, str>) {
    match bearer {
        Bearer::Sms | Bearer::Cs | Bearer::Ps => ("sms", "deliver_sm".into()),
        Bearer::Ussd => ("ussd", "string".into()),
        _ => (carrier(bearer).0, status.to_string().into()),
    }
}

const fn returned(via: Via) -> (&'static str, &'static str) {
    match via {
        Via::Sip => ("sip", "MESSAGE"),
        Via::New | Via::Existing | Via::Service => ("msrp", "SEND"),
        Via::Push | Via::Http => ("http", "POST"),
        Via::Web => ("http", "GET"),
        Via::Wsp => ("wsp", "Push"),
        Via::Sms => ("sms", "SUBMIT"),
        Via::Ussd => ("ussd", "string"),
    }
}

/// Gives the note to the nearest arrow that it is about and that has none yet; else it comes back.
fn annotate(rungs: &mut [Rung], note: Rung) -> Option<Rung> {
    let apart = |at: Time| at.since(note.at).max(note.at.since(at));
    let about = |rung: &Rung| {
        (rung.note.is_empty() || is_status_of(rung, &note))
            && rung.to.is_some()
            && rung.from == note.from
            && (rung.to == note.to
                || note.to.as_deref() == Some("*")
                // The packet domain has datagrams and short messages.
                || rung.to.as_deref() == Some(SMSC))
            && is_alike(rung, &note)
    };
    // Events come in the order of their times, so only the second around the note is searched.
    let first = rungs.partition_point(|rung| rung.at < note.at - SECOND);
    let nearest = rungs
        .iter_mut()
        .skip(first)
        .take_while(|rung| rung.at <= note.at + SECOND)
        .filter(|rung| about(rung))
        // A message leaves or arrives when it is reported, or arrives later; it never arrived before.
        .min_by_key(|rung| (rung.at < note.at, apart(rung.at)));
    let Some(rung) = nearest else {
        return Some(note);
    };
    if rung.note.is_empty() {
        rung.note = note.note;
    } else {
        rung.note = format!("{}  {}", rung.note, note.note);
    }
    rung.folded = false;
    None
}

/// True where a status of SMPP stands already, and the note says what it meant for the SIR.
fn is_status_of(rung: &Rung, note: &Rung) -> bool {
    let (is_refusal, is_end) = (
        rung.from == SMSC && rung.word == "submit_sm_resp",
        note.note.ends_with(FAILED),
    );
    is_refusal && is_end && !rung.note.ends_with(FAILED)
}

/// The mark of a SIR that did not arrive.
const FAILED: &str = "sir-failed";

/// True when the arrow is of the kind that the note is about.
fn is_alike(rung: &Rung, note: &Rung) -> bool {
    let word = rung.word.split(' ').next().unwrap_or_default();
    if rung.line == note.line && word == note.word {
        return true;
    }
    matches!(
        (
            (note.line.as_str(), note.word.as_str()),
            (rung.line.as_str(), word)
        ),
        // A device with a subscription is notified.
        (("sip", "OPTIONS"), ("sip", "NOTIFY"))
            // The session decides whether a push is confirmed.
            |         (("wsp", "Push"), ("wsp", "ConfirmedPush"))
            // The packet domain has short messages, too.
            | (("wsp", "Push"), ("sms", "submit_sm"))
            // The message centre refuses at once, or tells later.
            | (("sms", "deliver_sm"), ("sms", "submit_sm_resp"))
            | (("ussd", "string"), ("ussd", "submit_sm_resp" | "deliver_sm"))
    )
}

/// How far a note may stand from its arrow.
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_become_words() {
        assert_eq!(word("MESSAGE sip:alice@example.com SIP/2.0"), "MESSAGE");
        assert_eq!(word("SIP/2.0 200 OK"), "200");
        assert_eq!(word("MSRP t1a2 SEND"), "SEND");
        assert_eq!(word("POST /pap HTTP/1.1"), "POST /pap");
        assert_eq!(word("HTTP/1.1 202 Accepted"), "202");
        assert_eq!(word(""), "");
    }
}
