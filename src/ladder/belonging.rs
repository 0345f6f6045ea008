//! Which events are about one push, when many are under way at once.
//!
//! Protocol messages name no push; they are followed by what they do name: the correlator of the SIR, the Call-ID of an
//! exchange, the MSRP session, message and transaction. Where the octets are not kept, as in an event log, a message
//! counts by its device and its time.

use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;

use super::PPG;
use crate::codec::msrp::{self, MsrpUri};
use crate::codec::sip;
use crate::codec::sip::Name;
use crate::event::{Event, Fact};

/// The events of one push, oldest first: those that name it, and what its devices did for it.
///
/// Device events without a correlator, and messages without octets, count from the first event of the push to its end,
/// so two pushes to one device at the same time share them.
#[must_use]
pub fn of_push(events: &[Event], push: &str) -> Vec<Event> {
    let mut events: Vec<&Event> = events.iter().collect();
    // A device may report what it did after the gateway has reported what came of it.
    events.sort_by_key(|event| event.t);
    let named = |event: &Event| push_of(&event.fact) == Some(push);
    let Some(first) = events.iter().position(|event| named(event)) else {
        return Vec::new();
    };
    let has_ended =
        |event: &Event| matches!(&event.fact, Fact::PushEnd { push: ended, .. } if ended == push);
    let last = if events.iter().any(|event| has_ended(event)) {
        end(&events, push)
    } else {
        // What is going on belongs to it, too.
        events.len()
    };
    let mut devices: Vec<&str> = Vec::new();
    let mut threads = Threads::of(push);
    for event in events.iter().filter(|event| named(event)) {
        match &event.fact {
            Fact::Obtain { devices: bound, .. } => devices.extend(bound.iter().map(String::as_str)),
            fact => devices.extend(device_of(fact)),
        }
        if let Fact::SirTx { sir: Some(sir), .. } = &event.fact {
            threads.sirs.insert(sir.clone());
        }
    }
    let mut kept = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let belongs = named(event)
            || threads.take(&event.fact).unwrap_or_else(|| {
                (first..=last).contains(&at)
                    && push_of(&event.fact).is_none()
                    && device_of(&event.fact).is_some_and(|dev| devices.contains(&dev))
            });
        if belongs {
            kept.push((*event).clone());
        }
    }
    kept
}

/// Where a push ends: what was asked for may come a little after the result, until another push begins.
fn end(events: &[&Event], push: &str) -> usize {
    let named = |event: &Event| push_of(&event.fact) == Some(push);
    let last = events.iter().rposition(|event| named(event)).unwrap_or(0);
    let rest = events.get(last..).unwrap_or_default();
    let until = rest.first().map(|event| event.t + AFTERWARDS);
    let after = rest.iter().take_while(|event| {
        until.is_some_and(|until| event.t <= until)
            && push_of(&event.fact).is_none_or(|other| other == push)
    });
    last.saturating_add(after.count().saturating_sub(1))
}

/// How long devices may take to return what was asked for.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What messages of one push have been seen to name.
struct Threads<'p> {
    push: &'p str,
    /// Correlators of its SIRs.
    sirs: BTreeSet<String>,
    /// Call-IDs of its SIRs and of the sessions opened for them.
    calls: BTreeSet<String>,
    /// Sessions of MSRP, by either end's name.
    sessions: BTreeSet<String>,
    /// Messages of MSRP, and the transactions that carry them.
    messages: BTreeSet<String>,
    transactions: BTreeSet<String>,
}

impl<'p> Threads<'p> {
    const fn of(push: &'p str) -> Self {
        Self {
            push,
            sirs: BTreeSet::new(),
            calls: BTreeSet::new(),
            sessions: BTreeSet::new(),
            messages: BTreeSet::new(),
            transactions: BTreeSet::new(),
        }
    }

    /// Whether the event belongs to the push; `None` where it does not say.
    fn take(&mut self, fact: &Fact) -> Option<bool> {
        match fact {
            Fact::SirRx { sir: Some(sir), .. } | Fact::SirDecide { sir: Some(sir), .. }
                if !self.sirs.is_empty() =>
            {
                Some(self.sirs.contains(sir))
            }
            Fact::Wire { push: Some(_), .. } => Some(false),
            // PAP and pushes over HTTP name their push; what else comes over HTTP is about none.
            Fact::Wire { line, .. } if line == "http" => Some(false),
            Fact::Wire { line, octets, .. } if !octets.is_empty() => match line.as_str() {
                "sip" => self.sip(octets),
                "msrp" => self.msrp(octets),
                // Sessions of WSP and what handsets send name none.
                _ => None,
            },
            _ => None,
        }
    }

    fn sip(&mut self, octets: &Bytes) -> Option<bool> {
        let message = sip::Message::decode(octets.clone()).ok()?;
        let call = message.call_id().ok()?;
        let correlator = message.text(Name::XSirgateSir);
        let belongs = match correlator {
            Some(sir) if self.sirs.contains(sir) => true,
            _ => {
                let answers = message.text(Name::InReplyTo).unwrap_or_default();
                self.calls.contains(call)
                    || answers
                        .split(',')
                        .any(|call| self.calls.contains(call.trim()))
            }
        };
        if belongs {
            self.calls.insert(call.to_owned());
            let body = String::from_utf8_lossy(message.body());
            let paths = body.lines().filter_map(|line| line.strip_prefix("a=path:"));
            self.sessions
                .extend(paths.flat_map(str::split_whitespace).filter_map(session));
        }
        Some(belongs)
    }

    fn msrp(&mut self, octets: &Bytes) -> Option<bool> {
        let request = match msrp::Message::decode(octets).ok()? {
            msrp::Message::Request(request) => request,
            msrp::Message::Response(response) => {
                return Some(self.transactions.contains(&response.tid));
            }
        };
        let id = request.message_id();
        let belongs = id.is_some_and(|id| self.messages.contains(id)) || self.is_named(&request);
        if belongs {
            self.messages.extend(id.map(str::to_owned));
            self.transactions.insert(request.tid);
        }
        Some(belongs)
    }

    fn is_named(&mut self, request: &msrp::Request) -> bool {
        match (request.value("X-Sirgate-Push"), told_sir(request)) {
            (Some(push), sir) => {
                let is_ours = push == self.push;
                // Without a SIR this is where the correlator is first seen.
                self.sirs
                    .extend(sir.filter(|_| is_ours).map(Cow::into_owned));
                is_ours
            }
            (None, Some(sir)) => self.sirs.contains(sir.as_ref()),
            // A message without content opens the connection of a session; all content names its push.
            (None, None) => {
                let paths = request.from_path.iter().chain(request.to_path.iter());
                request.method == msrp::Method::Send
                    && request.body.as_ref().is_none_or(Bytes::is_empty)
                    && paths
                        .filter_map(session)
                        .any(|session| self.sessions.contains(&session))
            }
        }
    }
}

/// The correlator in information that a device returns.
fn told_sir(request: &msrp::Request) -> Option<Cow<'_, str>> {
    if let Some(sir) = request.value("X-Sirgate-Sir") {
        return Some(sir.into());
    }
    let told: serde_json::Value = serde_json::from_slice(request.body.as_ref()?).ok()?;
    Some(told.get("sir")?.as_str()?.to_owned().into())
}

fn session(path: &str) -> Option<String> {
    MsrpUri::decode(path).ok()?.session_id.map(str::to_owned)
}

pub(super) fn push_of(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::PapRx { push, .. }
        | Fact::Obtain { push, .. }
        | Fact::Plan { push, .. }
        | Fact::SirTx { push, .. }
        | Fact::SirAnswer { push, .. }
        | Fact::SirNext { push, .. }
        | Fact::PushTx { push, .. }
        | Fact::PushRx { push, .. }
        | Fact::PushDev { push, .. }
        | Fact::PushEnd { push, .. }
        | Fact::PapNotify { push, .. } => Some(push),
        Fact::PapRefused { push, .. }
        | Fact::Wake { push, .. }
        | Fact::Wire { push, .. }
        | Fact::FaultHit { push, .. } => push.as_deref(),
        _ => None,
    }
}

fn device_of(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::SirTx { dev, .. }
        | Fact::SirAnswer { dev, .. }
        | Fact::SirNext { dev, .. }
        | Fact::Wake { dev, .. }
        | Fact::SirRx { dev, .. }
        | Fact::SirDecide { dev, .. }
        | Fact::Prompt { dev, .. }
        | Fact::SessReq { dev, .. }
        | Fact::SessUp { dev, .. }
        | Fact::SessDown { dev, .. }
        | Fact::PushTx { dev, .. }
        | Fact::PushRx { dev, .. }
        | Fact::PushDev { dev, .. }
        | Fact::InfoTx { dev, .. }
        | Fact::InfoRx { dev, .. }
        | Fact::MsgTx { dev, .. }
        | Fact::MsgRx { dev, .. }
        | Fact::AppAct { dev, .. }
        | Fact::AppReg { dev, .. } => Some(dev),
        Fact::FaultHit { dev, .. } => dev.as_deref(),
        Fact::Wire { from, to, .. } if from == PPG => Some(to),
        Fact::Wire { from, .. } => Some(from),
        _ => None,
    }
}
