//! Push sessions of WSP: devices open them at our socket, and contents go to them in pushes.
//!
//! **Source:** WAP-235 section 6 (OTA-WSP), WAP-249 section 5.1 (message states), WAP-247 section 9.14 (codes).
//!
//! A device with such a session is connected, also while the session is suspended: what is pushed then waits for its
//! resumption.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;

use super::push::delivery::{Ending, Stage};
use super::push::submission::{Push, PushNo};
use super::registry::DeviceKey;
use super::sessions::{Item, SessionNo};
use super::{Gateway, Timer};
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{DeliveryMethod, MessageState, Status};
use crate::codec::sia::application_code;
use crate::codec::sip::Name;
use crate::codec::sir;
use crate::codec::wsp::{Headers, Rigour, options};
use crate::event::{Fact, Outcome, Via};
use crate::ladder::PPG;
use crate::machine::Machine;
use crate::protocol::wsp::server::{Failure, In, Out, Server, Settings};
use crate::protocol::wsp::{Message, Terms, reason, word};
use crate::protocol::wtp::Abort;
use crate::random::Random;
use crate::time::Time;
use crate::world::{Output, SocketId};

/// Pushes of ours that one session has at a time; the others wait where they can be taken back.
const AT_A_TIME: usize = 8;
/// The encoding version of a device that names none, 1.2 (WAP-230 section 8.4.2.70).
const VERSION_UNSAID: u8 = 2;

/// Our sessions of WSP.
#[derive(Debug)]
pub(super) struct OtaWsp {
    server: Server,
    open: BTreeMap<u32, Open>,
    pushes: u64,
}

/// A session that a device has or opens.
#[derive(Debug)]
struct Open {
    device: DeviceKey,
    name: String,
    terms: Terms,
    /// The encoding version of the device, by its minor number.
    version: u8,
    is_up: bool,
    waiting: VecDeque<Item>,
    sent: BTreeMap<u64, Item>,
}

impl OtaWsp {
    pub(super) fn new(random: Random) -> Self {
        Self {
            server: Server::new(Settings::default(), random),
            open: BTreeMap::new(),
            pushes: 0,
        }
    }
}

impl Gateway {
    pub(super) fn is_wsp_session(&self, socket: SocketId) -> bool {
        self.config
            .wsp_session
            .is_some_and(|(own, _)| own == socket)
    }

    /// Where SIRs tell devices to open sessions of WSP.
    pub(super) fn wsp_contact(&self) -> Option<SocketAddr> {
        self.config.wsp_session.map(|(_, address)| address)
    }

    pub(super) fn wsp_datagram(
        &mut self,
        now: Time,
        peer: SocketAddr,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        let from = self.wsp_party(peer);
        self.wire_wsp(now, &from, false, &octets, out);
        self.tell_wsp(now, In::Datagram { peer, octets }, out);
    }

    pub(super) fn wsp_due(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(wsp) = self.wsp.as_mut() else {
            return;
        };
        let mut effects = Vec::new();
        wsp.server.expire(now, &mut effects);
        self.on_wsp(now, effects, out);
    }

    fn tell_wsp(&mut self, now: Time, input: In, out: &mut Vec<Output>) {
        let Some(wsp) = self.wsp.as_mut() else {
            return;
        };
        let mut effects = Vec::new();
        wsp.server.handle(now, input, &mut effects);
        self.on_wsp(now, effects, out);
    }

    fn on_wsp(&mut self, now: Time, effects: Vec<Out>, out: &mut Vec<Output>) {
        for effect in effects {
            self.on_wsp_effect(now, effect, out);
        }
        match self.wsp.as_ref().and_then(|wsp| wsp.server.deadline()) {
            Some(due) => self.timers.set(Timer::Wsp, due),
            None => self.timers.cancel(Timer::Wsp),
        }
    }

    fn on_wsp_effect(&mut self, now: Time, effect: Out, out: &mut Vec<Output>) {
        match effect {
            Out::Datagram { peer, octets } => {
                let Some((socket, _)) = self.config.wsp_session else {
                    return;
                };
                let to = self.wsp_party(peer);
                self.wire_wsp(now, &to, true, &octets, out);
                out.push(Output::Datagram {
                    socket,
                    peer,
                    octets,
                });
            }
            Out::Connecting {
                session,
                peer,
                terms,
                headers,
            } => self.wsp_connecting(now, session, peer, terms, &headers, out),
            Out::Connected { session } => self.wsp_connected(now, session, out),
            // Whoever knows the number of the session may go on with it (WAP-230 section 7.1.6.4).
            Out::Resuming { session, .. } => self.tell_wsp(now, In::Resume { session }, out),
            Out::Suspended { .. } => {}
            Out::Resumed { session } => self.pump_wsp(now, session, out),
            Out::Closed { session, .. } => self.wsp_closed(now, session, out),
            Out::Sent { session, id } => self.wsp_delivered(now, session, id, false, out),
            Out::Confirmed { session, id, .. } => self.wsp_delivered(now, session, id, true, out),
            Out::Failed { session, id, why } => self.wsp_failed(now, session, id, why, out),
        }
    }

    /// A device wants a session: it has one when we know who it is.
    fn wsp_connecting(
        &mut self,
        now: Time,
        session: u32,
        peer: SocketAddr,
        terms: Terms,
        headers: &Bytes,
        out: &mut Vec<Output>,
    ) {
        let headers = Headers::decode(headers, &mut Rigour::Settled).unwrap_or(Headers::none());
        let open = self.wsp.as_ref().map_or(0, |wsp| wsp.open.len());
        let taken = match self.wsp_device(peer, &headers) {
            _ if open >= self.config.bounds.sessions => Err((503, "too many sessions")),
            None => Err((403, "the device is not known")),
            Some(_) if !terms.has(options::PUSH) && !terms.has(options::CONFIRMED_PUSH) => {
                Err((501, "a session without pushes"))
            }
            Some(device) => Ok(device),
        };
        let device = match taken {
            Ok(device) => device,
            Err((status, why)) => {
                let (from, why) = (peer.to_string(), format!("WSP Connect {status} {why}"));
                self.report(now, Fact::Refused { from, why }, out);
                return self.tell_wsp(now, In::Refuse { session, status }, out);
            }
        };
        let name = self.name(device.identity, device.at).unwrap_or_default();
        let opened = Open {
            device,
            name: name.to_owned(),
            terms,
            version: version_of(&headers),
            is_up: false,
            waiting: VecDeque::new(),
            sent: BTreeMap::new(),
        };
        if let Some(wsp) = self.wsp.as_mut() {
            wsp.open.insert(session, opened);
        }
        let headers = Bytes::new();
        self.tell_wsp(now, In::Accept { session, headers }, out);
    }

    /// Who connects: the device it names, else the one that alone has WSP at that address.
    ///
    /// Where devices need credentials a name alone is none: it counts from the device's own address.
    fn wsp_device(&self, peer: SocketAddr, headers: &Headers<'_>) -> Option<DeviceKey> {
        let at_address = self.registry.by_ip(peer.ip());
        let said = headers
            .named(Name::XSirgateDevice.text())
            .find_map(|field| field.text());
        let Some(said) = said else {
            return at_address;
        };
        let said = said.trim().trim_matches(['<', '>', '"']);
        let named = self.registry.find(&DeviceId::decode(said).ok()?)?;
        let own = self.registry.device(named)?.profile.addresses.wsp;
        let is_there = own.is_some_and(|own| own.ip() == peer.ip());
        (self.config.authentication.is_none() || is_there).then_some(named)
    }

    fn wsp_connected(&mut self, now: Time, session: u32, out: &mut Vec<Output>) {
        let open = self.wsp.as_mut().and_then(|it| it.open.get_mut(&session));
        let Some(open) = open.filter(|open| !open.is_up) else {
            return;
        };
        open.is_up = true;
        let (key, dev) = (open.device, open.name.clone());
        let no = SessionNo::of_wsp(session);
        let earlier = self.registry.device(key).and_then(|it| it.session);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != no.0) {
            let why = "replaced by a new session";
            self.hang_up(now, SessionNo(earlier), 480, why, out);
        }
        if let Some(device) = self.registry.device_mut(key) {
            device.session = Some(no.0);
        }
        let fact = Fact::SessUp {
            dev,
            ppg: self.config.uri.clone(),
            by: "ppg".to_owned(),
        };
        self.report(now, fact, out);
        for (push, group) in self.ledger.waiting_for(key) {
            if self.is_deliverable(now, push, group, key.at) {
                self.hand_over(now, push, group, key.at, Via::New, out);
            }
        }
    }

    fn wsp_closed(&mut self, now: Time, session: u32, out: &mut Vec<Output>) {
        let open = self.wsp.as_mut().and_then(|it| it.open.remove(&session));
        let Some(open) = open else {
            return;
        };
        let no = SessionNo::of_wsp(session);
        if let Some(device) = self.registry.device_mut(open.device)
            && device.session == Some(no.0)
        {
            device.session = None;
        }
        if open.is_up {
            let fact = Fact::SessDown {
                dev: open.name,
                ppg: self.config.uri.clone(),
                by: "ppg".to_owned(),
                why: "the WSP session ended".to_owned(),
            };
            self.report(now, fact, out);
        }
        for item in open.sent.into_values().chain(open.waiting) {
            self.put_back(now, item, open.device.at);
        }
    }

    /// Ends a session from our side.
    pub(super) fn disconnect_wsp(&mut self, now: Time, session: u32, out: &mut Vec<Output>) {
        self.tell_wsp(now, In::Disconnect { session }, out);
    }

    /// Gives content to a session of WSP.
    pub(super) fn push_by_wsp(
        &mut self,
        now: Time,
        session: u32,
        item: Item,
        out: &mut Vec<Output>,
    ) {
        if let Some(open) = self.wsp.as_mut().and_then(|it| it.open.get_mut(&session)) {
            open.waiting.push_back(item);
            self.pump_wsp(now, session, out);
        }
    }

    fn pump_wsp(&mut self, now: Time, session: u32, out: &mut Vec<Output>) {
        while let Some(open) = self.wsp.as_mut().and_then(|it| it.open.get_mut(&session)) {
            if open.sent.len() >= AT_A_TIME {
                return;
            }
            let Some(item) = open.waiting.pop_front() else {
                return;
            };
            self.send_by_wsp(now, session, item, out);
        }
    }

    fn send_by_wsp(&mut self, now: Time, session: u32, item: Item, out: &mut Vec<Output>) {
        let Some(push) = self.ledger.get(item.push) else {
            return;
        };
        if push.is_ended() || now >= push.expires_at {
            return;
        }
        let Some(wsp) = self.wsp.as_mut() else {
            return;
        };
        let Some(open) = wsp.open.get_mut(&session) else {
            return;
        };
        let asked = push.quality.as_ref().map(|quality| quality.delivery_method);
        let confirmed = match asked {
            Some(DeliveryMethod::Unconfirmed) => !open.terms.has(options::PUSH),
            Some(DeliveryMethod::Confirmed) => true,
            _ => open.terms.has(options::CONFIRMED_PUSH),
        };
        wsp.pushes = wsp.pushes.saturating_add(1);
        let (id, at) = (wsp.pushes, open.device.at);
        let (content, version) = (&push.content, open.version);
        let Some(message) = message_of(push, item.via, version) else {
            let ending = Ending::failed(
                MessageState::Undeliverable,
                Status::TransformationFailure.code(),
                "the headers have no binary form",
                now,
            );
            return self.end_one(now, item.push, item.group, at, ending, out);
        };
        open.sent.insert(id, item);
        let fact = Fact::PushTx {
            push: push.push_id.clone(),
            dev: open.name.clone(),
            via: Via::Wsp,
            octets: content.octets,
        };
        self.report(now, fact, out);
        let input = In::Push {
            session,
            id,
            message,
            confirmed,
        };
        self.tell_wsp(now, input, out);
    }

    /// Takes a push out of the list of those that were sent.
    fn wsp_done(&mut self, session: u32, id: u64) -> Option<(Item, usize)> {
        let open = self.wsp.as_mut()?.open.get_mut(&session)?;
        Some((open.sent.remove(&id)?, open.device.at))
    }

    fn wsp_delivered(
        &mut self,
        now: Time,
        session: u32,
        id: u64,
        is_confirmed: bool,
        out: &mut Vec<Output>,
    ) {
        if let Some((item, at)) = self.wsp_done(session, id) {
            let mut ending = Ending::delivered(now);
            if !is_confirmed {
                "sent without confirmation".clone_into(&mut ending.reason);
            }
            self.end_one(now, item.push, item.group, at, ending, out);
        }
        self.pump_wsp(now, session, out);
    }

    fn wsp_failed(
        &mut self,
        now: Time,
        session: u32,
        id: u64,
        why: Failure,
        out: &mut Vec<Output>,
    ) {
        let Some((item, at)) = self.wsp_done(session, id) else {
            return;
        };
        match read(why) {
            Read::Over {
                outcome,
                state,
                code,
                words,
            } => {
                let mut ending = Ending::failed(state, code, words, now);
                ending.outcome = outcome;
                self.end_one(now, item.push, item.group, at, ending, out);
            }
            Read::Held => {
                // The session is there still, and takes it when it is resumed.
                let held = Stage::Held("the session is suspended");
                if self.stage(item.push, item.group, at, held) {
                    self.again(now, item.push, item.group, at, None);
                }
            }
            Read::Lost => self.lost(now, item, at, out),
        }
        self.pump_wsp(now, session, out);
    }

    /// Takes content out of a session before it has left, or gives it up.
    pub(super) fn recall_by_wsp(
        &mut self,
        now: Time,
        session: u32,
        push: PushNo,
        out: &mut Vec<Output>,
    ) {
        let Some(open) = self.wsp.as_mut().and_then(|it| it.open.get_mut(&session)) else {
            return;
        };
        open.waiting.retain(|item| item.push != push);
        let sent = open.sent.iter().filter(|(_, item)| item.push == push);
        let sent: Vec<u64> = sent.map(|(id, _)| *id).collect();
        open.sent.retain(|_, item| item.push != push);
        for id in sent {
            let input = In::AbortPush {
                session,
                id,
                reason: reason::PEERREQ,
            };
            self.tell_wsp(now, input, out);
        }
        self.pump_wsp(now, session, out);
    }

    /// A datagram of a session, for the ladder.
    fn wire_wsp(&self, now: Time, dev: &str, is_sent: bool, octets: &Bytes, out: &mut Vec<Output>) {
        if !self.config.report_wire {
            return;
        }
        let ends = if is_sent { (PPG, dev) } else { (dev, PPG) };
        let fact = Fact::Wire {
            from: ends.0.to_owned(),
            to: ends.1.to_owned(),
            line: "wsp".to_owned(),
            what: word(octets).to_owned(),
            push: None,
            octets: octets.clone(),
        };
        self.report(now, fact, out);
    }

    /// Who is at an address, for events.
    fn wsp_party(&self, peer: SocketAddr) -> String {
        if !self.config.report_wire {
            return String::new();
        }
        let open = self.wsp.as_ref().and_then(|wsp| {
            let session = wsp.server.session_of(peer)?;
            wsp.open.get(&session)
        });
        let known = || {
            let key = self.registry.by_ip(peer.ip())?;
            self.name(key.identity, key.at)
        };
        let name = open.map(|open| open.name.as_str()).or_else(known);
        name.map_or_else(|| peer.to_string(), str::to_owned)
    }
}

/// A content with its headers in binary form; `None` when they have none.
fn message_of(push: &Push, via: Via, version: u8) -> Option<Message> {
    let content = &push.content;
    // A number is assigned to well-known applications, and they go by it (WAP-249 section 5.1.2).
    let application = application_code(&content.application)
        .map_or_else(|| content.application.clone(), |code| code.to_string());
    let questions = match via {
        // No SIR asked the device, so the content does.
        Via::Existing => sir::write_questions(push.options.ask, &push.options.apps),
        _ => Vec::new(),
    };
    let own = [
        (Name::XWapApplicationId.text(), application.as_str()),
        (Name::XSirgatePush.text(), &push.push_id),
        (Name::XSirgateSir.text(), &push.sir),
    ];
    let asked = questions
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let further = content.headers.iter();
    let further = further.map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<(&str, &str)> = own.into_iter().chain(asked).chain(further).collect();
    let body = content.body.clone();
    Message::new(&content.content_type, &fields, body, version)
}

/// What the failure of a push means.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// It is over.
    Over {
        outcome: Outcome,
        state: MessageState,
        code: u16,
        words: &'static str,
    },
    /// It goes when the session is resumed.
    Held,
    /// It may go another time.
    Lost,
}

const fn read(why: Failure) -> Read {
    let (outcome, state, code, words) = match why {
        Failure::Aborted {
            why: Abort::User(octet @ reason::USERREQ..=reason::USERDCU),
            by_peer: true,
        } => (
            Outcome::Refused,
            MessageState::Aborted,
            Status::client_aborted(octet as u16),
            match octet {
                reason::USERREQ => "the device does not want the content now",
                reason::USERRFS => "the device refuses the content",
                reason::USERPND => "the device has no such application",
                reason::USERDCR => "the device has no room for the content",
                _ => "the device does not take content of this type",
            },
        ),
        Failure::Aborted {
            why: Abort::User(reason::SUSPEND),
            ..
        } => return Read::Held,
        Failure::Aborted { .. } | Failure::Full | Failure::NoSession => return Read::Lost,
        Failure::NotAgreed => (
            Outcome::Failed,
            MessageState::Undeliverable,
            Status::SpecifiedDeliveryMethodNotPossible.code(),
            "the session takes no push of this kind",
        ),
        Failure::TooLarge => (
            Outcome::Failed,
            MessageState::Undeliverable,
            Status::CapabilitiesMismatch.code(),
            "the content is larger than the device takes",
        ),
    };
    Read::Over {
        outcome,
        state,
        code,
        words,
    }
}

/// The encoding version that a device names, by its minor number.
fn version_of(headers: &Headers<'_>) -> u8 {
    let said = headers.named("Encoding-Version").next();
    let said = said.and_then(|field| field.value.integer());
    match said.and_then(|version| u8::try_from(version).ok()) {
        Some(version @ 0x10..=0x1E) => version & 0x0F,
        _ => VERSION_UNSAID,
    }
}
