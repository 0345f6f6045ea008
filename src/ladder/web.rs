//! Rungs of messages for web applications, and of those that ride along on responses.

use super::rung::{PI, PPG, Rung};
use crate::event::{Event, Fact};

/// What such an event draws.
pub(super) fn rung(event: &Event) -> Option<Rung> {
    let arrow = |from: &str, to: &str, word: &str, note: String| Rung {
        at: event.t,
        from: from.to_owned(),
        to: Some(to.to_owned()),
        line: "http".to_owned(),
        word: word.to_owned(),
        note,
        folded: false,
        event: 0,
    };
    let alone = |lane: &str, word: String, folded: bool| Rung {
        at: event.t,
        from: lane.to_owned(),
        to: None,
        line: String::new(),
        word,
        note: String::new(),
        folded,
        event: 0,
    };
    Some(match &event.fact {
        Fact::MsgPut { app, message, .. } => {
            arrow(PI, PPG, "POST", format!("message {message} for {app}"))
        }
        // Who asks is known by a number that says nothing: what it got stands on the browser's own lane.
        Fact::PollRsp { n, .. } => alone(PPG, format!("{n} messages in one answer"), *n == 0),
        Fact::PbQuery { .. } => alone(PPG, "looks up what is unread".to_owned(), true),
        Fact::PbAttach {
            account,
            new,
            offered,
            summaries,
        } => {
            let note = format!("new {new}, offered {offered}, {summaries} summaries");
            arrow(PPG, account, "200", note)
        }
        Fact::PbState { upto, .. } => alone(PPG, format!("offered up to {upto}"), false),
        Fact::McRoute { dev, app, message } => {
            alone(dev, format!("message {message} to {app}"), false)
        }
        Fact::McClear { dev, app, n } => alone(dev, format!("{app}: {n} cleared"), false),
        Fact::McDrop { dev, app } => alone(dev, format!("{app}: dropped"), false),
        Fact::BadgeSet { dev, app, n } => alone(dev, format!("{app} shows {n}"), false),
        _ => return None,
    })
}
