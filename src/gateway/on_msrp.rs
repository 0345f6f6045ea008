//! MSRP: links that devices open, content that goes out, reports and information that come back.
//!
//! **Source:** RFC 4975 section 5.4 (481, 506); spec/sip.md E.6, E.7.

use core::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::on_sip::INFORMATION;
use super::push::delivery::{Ending, reason_of};
use super::push::transform::{Way, shaped};
use super::registry::DeviceKey;
use super::sessions::{Item, Session, SessionNo};
use super::{Gateway, Timer, snapshot};
use crate::codec::msrp::{Headers, Message};
use crate::codec::pap::{MessageState, Status};
use crate::codec::sir::{self, Ask};
use crate::event::{Fact, Reason, Via};
use crate::limits;
use crate::machine::Machine;
use crate::protocol::msrp::{In, Out, Why};
use crate::time::Time;
use crate::world::{LinkId, Output};

/// How long a link may stay without naming its session.
const BIND_PATIENCE: Duration = Duration::from_secs(32);

/// Kinds of information that are kept of a device, the latest of each (profile E.7).
const KINDS_KEPT: [&str; 6] = [
    "capability",
    "preference",
    "security",
    "subscription",
    "refusal",
    "registration",
];

impl Gateway {
    pub(super) fn link_opened(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        if self.sessions.links() >= limits::LINKS {
            out.push(Output::Close { link });
            return;
        }
        self.sessions.link_opened(link);
        self.timers.set(Timer::Unbound(link), now + BIND_PATIENCE);
    }

    /// A link that carries no session is closed.
    pub(super) fn drop_unbound(&mut self, link: LinkId, out: &mut Vec<Output>) {
        if self.sessions.link_closed(link).is_some() {
            out.push(Output::Close { link });
        }
    }

    pub(super) fn link_octets(
        &mut self,
        now: Time,
        link: LinkId,
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if let Some(open) = self.sessions.link_mut(link) {
            open.framer.push(octets);
        }
        while let Some(framed) = self
            .sessions
            .link_mut(link)
            .and_then(|open| open.framer.next())
        {
            match framed {
                Ok(message) => self.on_msrp(now, link, message, out),
                Err(fault) => {
                    if let Some(octets) = fault.answer {
                        out.push(Output::Octets { link, octets });
                    }
                    let fact = Fact::Refused {
                        from: format!("MSRP link {}", link.0),
                        why: fault.error.to_string(),
                    };
                    self.report(now, fact, out);
                    if fault.is_lost {
                        out.push(Output::Close { link });
                        self.link_closed(now, link, out);
                    }
                }
            }
        }
    }

    pub(super) fn link_closed(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Unbound(link));
        let Some(closed) = self.sessions.link_closed(link) else {
            return;
        };
        if let Some(no) = closed.session {
            self.tell(now, no, In::LinkLost, out);
            self.hang_up(now, no, 480, "the MSRP link was lost", out);
        }
    }

    fn on_msrp(&mut self, now: Time, link: LinkId, message: Message, out: &mut Vec<Output>) {
        self.wire_msrp_received(now, link, &message, out);
        let bound = self.sessions.link(link).and_then(|open| open.session);
        if let Some(no) = bound {
            self.tell(now, no, In::Message(message), out);
            return self.flush_rest(now, no, out);
        }
        let Message::Request(request) = &message else {
            return;
        };
        let named = message
            .session_id()
            .and_then(|id| self.sessions.by_path(id));
        let Some(no) = named else {
            let octets = request.answer(481).encode();
            out.push(Output::Octets { link, octets });
            return;
        };
        if !self.sessions.bind(link, no) {
            let octets = request.answer(506).encode();
            out.push(Output::Octets { link, octets });
            return;
        }
        self.timers.cancel(Timer::Unbound(link));
        self.timers.cancel(Timer::Unlinked(no));
        self.tell(now, no, In::Linked, out);
        self.tell(now, no, In::Message(message), out);
        self.announce(now, no, out);
        self.flush(now, no, out);
    }

    /// Tells the MSRP side of a session something, and does what comes of it.
    pub(super) fn tell(&mut self, now: Time, no: SessionNo, event: In, out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        let mut effects = Vec::new();
        session.messages.handle(now, event, &mut effects);
        self.on_effects(now, no, effects, out);
    }

    /// The MSRP side of a session has something to do.
    pub(super) fn messages_due(&mut self, now: Time, no: SessionNo, out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        let mut effects = Vec::new();
        session.messages.expire(now, &mut effects);
        self.on_effects(now, no, effects, out);
        self.flush_rest(now, no, out);
    }

    fn on_effects(&mut self, now: Time, no: SessionNo, effects: Vec<Out>, out: &mut Vec<Output>) {
        if let Some(session) = self.sessions.get(no) {
            match session.messages.deadline() {
                Some(due) => self.timers.set(Timer::Messages(no), due),
                None => self.timers.cancel(Timer::Messages(no)),
            }
        }
        for effect in effects {
            match effect {
                Out::Octets(octets) => {
                    if let Some(link) = self.sessions.get(no).and_then(|session| session.link) {
                        self.wire_msrp_sent(now, no, &octets, out);
                        out.push(Output::Octets { link, octets });
                    }
                }
                Out::Bound => {}
                Out::Refused { .. } => self.hang_up(now, no, 480, "the device refused", out),
                Out::Delivered { id } => self.on_delivered(now, no, id, out),
                Out::Failed { id, code, why } => self.on_failed(now, no, id, code, why, out),
                Out::Received {
                    content_type, body, ..
                } => {
                    let session = self.sessions.get(no);
                    let told = session.map(|session| (session.device, session.via));
                    if let Some((device, via)) = told
                        && content_type.to_ascii_lowercase().starts_with(INFORMATION)
                    {
                        self.learn(now, device, via, &body, out);
                    }
                }
            }
        }
    }

    /// Sends what waits for the link of a session, if it is there.
    pub(super) fn flush(&mut self, now: Time, no: SessionNo, out: &mut Vec<Output>) {
        loop {
            let Some(session) = self.sessions.get_mut(no) else {
                return;
            };
            if session.link.is_none() {
                return;
            }
            // What the session does not take yet waits here; its record is what keeps it.
            if session.messages.unfinished() >= limits::MSRP_MESSAGES_WAITING {
                break;
            }
            let urgent = self
                .ledger
                .most_urgent(session.waiting.iter().map(|it| it.push));
            let Some(item) = urgent.and_then(|at| session.waiting.remove(at)) else {
                break;
            };
            self.send_content(now, no, item, out);
        }
        self.linger(now, no);
    }

    /// Sends on what waits, as far as there is room now.
    pub(super) fn flush_rest(&mut self, now: Time, no: SessionNo, out: &mut Vec<Output>) {
        let waits = |no| self.sessions.get(no).is_some_and(Session::is_waiting);
        if waits(no) {
            self.flush(now, no, out);
        }
    }

    fn send_content(&mut self, now: Time, no: SessionNo, item: Item, out: &mut Vec<Output>) {
        let (Some(session), Some(push)) = (self.sessions.get_mut(no), self.ledger.get(item.push))
        else {
            return;
        };
        if push.is_ended() || now >= push.expires_at {
            return;
        }
        let known = self.registry.device(session.device);
        let accept = known.and_then(|device| device.profile.capability.accept.as_deref());
        let content = match shaped(&push.content, Way::Any, accept) {
            Ok(content) => content,
            Err(failure) => {
                let at = session.device.at;
                let (state, code) = (MessageState::Undeliverable, Status::TransformationFailure);
                let ending = Ending::failed(state, code.code(), &failure.to_string(), now);
                return self.end_one(now, item.push, item.group, at, ending, out);
            }
        };
        let id = session.number();
        session.open.insert(id, item);
        let mut headers = Headers::from_iter([
            ("X-Wap-Application-Id", &content.application),
            ("X-Sirgate-Push", &push.push_id),
            ("X-Sirgate-Sir", &push.sir),
        ]);
        if item.via == Via::Existing {
            // No SIR asked the device, so the content does.
            headers.extend(sir::write_questions(push.options.ask, &push.options.apps));
        }
        headers.extend(content.headers.iter().map(|(name, value)| (name, value)));
        let fact = Fact::PushTx {
            push: push.push_id.clone(),
            dev: session.name.clone(),
            via: item.via,
            octets: content.octets,
        };
        let event = In::Send {
            id,
            content_type: content.content_type.clone(),
            headers,
            body: content.body.clone(),
            success_report: push.wants_report(),
        };
        self.report(now, fact, out);
        self.tell(now, no, event, out);
    }

    /// Ends a session some time after its last push.
    pub(super) fn linger(&mut self, now: Time, no: SessionNo) {
        if self
            .sessions
            .get(no)
            .is_some_and(|session| session.is_idle() && !session.is_service)
        {
            let due = now + self.config.session_linger;
            self.timers.set(Timer::Linger(no), due);
        }
    }

    fn on_delivered(&mut self, now: Time, no: SessionNo, id: u64, out: &mut Vec<Output>) {
        if self.on_service_answer(now, no, id, 200, out) {
            return;
        }
        let Some((item, key)) = self.confirmed(no, id) else {
            return;
        };
        let ending = Ending::delivered(now);
        self.end_one(now, item.push, item.group, key.at, ending, out);
        self.linger(now, no);
    }

    fn confirmed(&mut self, no: SessionNo, id: u64) -> Option<(Item, DeviceKey)> {
        let session = self.sessions.get_mut(no)?;
        Some((session.open.remove(&id)?, session.device))
    }

    fn on_failed(
        &mut self,
        now: Time,
        no: SessionNo,
        id: u64,
        code: u16,
        why: Why,
        out: &mut Vec<Output>,
    ) {
        if self.on_service_answer(now, no, id, code, out) {
            if why == Why::Timeout {
                self.hang_up(now, no, 408, "the device did not answer", out);
            }
            return;
        }
        let Some((item, key)) = self.confirmed(no, id) else {
            return;
        };
        let ending = match (why, code) {
            (Why::LinkLost | Why::Refused | Why::Timeout | Why::Full, _)
            | (Why::Response, 408 | 423 | 481 | 506) => None,
            (Why::Cancelled, _) => return,
            (Why::Response | Why::Report, 413) | (Why::TooLarge, _) => Some((
                MessageState::Undeliverable,
                Status::CapabilitiesMismatch.code(),
                "the content is larger than the device takes",
            )),
            (Why::Response | Why::Report, 415) => Some((
                MessageState::Undeliverable,
                Status::CapabilitiesMismatch.code(),
                "the device does not take content of this type",
            )),
            (Why::Response | Why::Report, _) => Some((
                MessageState::Aborted,
                super::push::delivery::abort_code(Reason::None),
                "the device refused the content",
            )),
        };
        match ending {
            Some((state, code, words)) => {
                let ending = Ending::failed(state, code, words, now);
                self.end_one(now, item.push, item.group, key.at, ending, out);
                self.linger(now, no);
            }
            None => {
                self.lost(now, item, key.at, out);
                if why == Why::Timeout {
                    self.hang_up(now, no, 408, "the device did not confirm", out);
                } else {
                    self.linger(now, no);
                }
            }
        }
    }

    /// Takes information that a device returned (R2.95 to R2.102): the status for its answer comes back.
    pub(super) fn learn(
        &mut self,
        now: Time,
        key: DeviceKey,
        via: Via,
        body: &[u8],
        out: &mut Vec<Output>,
    ) -> u16 {
        let Ok(Value::Object(told)) = serde_json::from_slice::<Value>(body) else {
            return 400;
        };
        let Some(kind) = told.get("kind").and_then(Value::as_str) else {
            return 400;
        };
        let kind = kind.to_owned();
        let dev = self
            .name(key.identity, key.at)
            .unwrap_or_default()
            .to_owned();
        let sir = told.get("sir").and_then(Value::as_str).map(str::to_owned);
        let reason = told.get("reason").and_then(Value::as_str).map(reason_of);
        let told = Value::Object(told);
        if self.is_message(key, &kind, sir.as_deref(), &told) {
            let kind = kind.clone();
            self.report(now, Fact::MsgRx { dev, kind }, out);
        } else {
            let fact = Fact::InfoRx {
                dev,
                kind: kind.clone(),
                via,
                info: told.clone(),
            };
            self.report(now, fact, out);
        }
        if let Some(device) = self.registry.device_mut(key) {
            device.profile.learn(&kind, &told);
            // What is of no known kind was told to the log; keeping it would let a device fill the memory.
            if KINDS_KEPT.contains(&kind.as_str()) {
                device.reported.insert(kind.clone(), told);
            }
            if let Some(identity) = self.registry.get(key.identity) {
                out.push(Output::Save(snapshot::identity(identity)));
            }
        }
        if kind == "refusal" {
            self.refused(
                now,
                key,
                sir.as_deref(),
                reason.unwrap_or(Reason::None),
                out,
            );
        }
        200
    }

    /// True for what was asked as a message of its own (send-registration, send-capability).
    fn is_message(&self, key: DeviceKey, kind: &str, sir: Option<&str>, told: &Value) -> bool {
        if kind == "registration" || told.get("message").and_then(Value::as_bool) == Some(true) {
            return true;
        }
        let asked = |ask: Ask| {
            sir.and_then(|sir| self.ledger.get(self.ledger.by_sir(sir)?))
                .map_or_else(
                    || {
                        self.ledger.waiting_for(key).iter().any(|(no, _)| {
                            let push = self.ledger.get(*no);
                            push.is_some_and(|push| push.options.ask.contains(ask))
                        })
                    },
                    |push| push.options.ask.contains(ask),
                )
        };
        kind == "capability" && asked(Ask::SEND_CAPABILITY) && !asked(Ask::CAPABILITY)
    }

    /// A device declined: what it declined is over for it, unless it says that it is connected already.
    fn refused(
        &mut self,
        now: Time,
        key: DeviceKey,
        sir: Option<&str>,
        reason: Reason,
        out: &mut Vec<Output>,
    ) {
        if reason == Reason::Already {
            return;
        }
        let named = sir.and_then(|sir| self.ledger.by_sir(sir));
        // A refusal that comes late is of a push that is over, and of no other.
        if sir.is_some() && named.is_none() {
            return;
        }
        for (no, group) in self.ledger.waiting_for(key) {
            if named.is_none_or(|named| named == no) {
                let ending = Ending::refused(reason, now);
                self.end_one(now, no, group, key.at, ending, out);
            }
        }
    }
}
