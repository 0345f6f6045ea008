//! Sessions that devices open: who it is, what waits for it, how it ends.
//!
//! **Source:** spec/sip.md E.5; RFC 4975 section 8 and RFC 6135 (who connects: the device).

use core::time::Duration;
use std::net::SocketAddr;

use super::config::Speaks;
use super::on_sip::{INFORMATION, sender};
use super::push::delivery::Stage;
use super::push::submission::{Phase, PushNo};
use super::refreshing;
use super::registry::{DeviceKey, canonical};
use super::sessions::{Item, Opening, SessionNo};
use super::{Gateway, Timer};
use crate::codec::sdp::{self, Sdp};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::event::{Fact, Via};
use crate::limits;
use crate::protocol::msrp;
use crate::protocol::sip::endpoint::{self, Flow, ServerId, Target};
use crate::protocol::sip::push_session::{Accept, Callee, CalleeEvent};
use crate::time::Time;
use crate::world::Output;

/// The user part of the address where devices open sessions for other services.
pub(super) const SERVICE: &str = "service";

/// How long a device has to open its link after the session was accepted.
const LINK_PATIENCE: Duration = Duration::from_secs(32);

/// Why an INVITE is not accepted.
pub(super) struct NotAccepted {
    status: u16,
    why: &'static str,
    /// One more header.
    header: Option<(&'static str, String)>,
}

impl NotAccepted {
    pub(super) const fn new(status: u16, why: &'static str) -> Self {
        Self {
            status,
            why,
            header: None,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.header = Some((name, value));
        self
    }
}

/// What waits for a device that wants a session.
pub(super) struct Awaited {
    pub(super) device: DeviceKey,
    pub(super) items: Vec<(PushNo, usize)>,
    /// The session is for another service.
    pub(super) is_service: bool,
}

/// What offer and answer made.
struct Agreed {
    /// Our answer.
    answer: Vec<u8>,
    /// The MSRP side.
    messages: msrp::Session,
    /// Its name in our path.
    path_id: String,
}

impl Gateway {
    /// A device wants a session.
    pub(super) fn on_invite(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let is_known = self.flows.is_known(flow);
        if !is_known && let Some(draft) = self.challenge(now, request, out) {
            return self.respond(id, draft);
        }
        let device = self.sender_of(flow, request);
        let awaited = match device {
            Some(device) if is_for_service(request) => self.room().map(|()| Awaited {
                device,
                items: Vec::new(),
                is_service: true,
            }),
            _ => self.awaited(now, device, request),
        };
        let accepted =
            awaited.and_then(|awaited| self.accept(now, id, flow, request, awaited, out));
        if let Err(no) = accepted {
            self.decline(now, id, request, no, out);
        }
    }

    /// Answers a device that asks for its pushes in vain.
    pub(super) fn decline(
        &mut self,
        now: Time,
        id: ServerId,
        request: &Message,
        no: NotAccepted,
        out: &mut Vec<Output>,
    ) {
        let mut draft: Draft = self.answer(request, no.status).header(
            "Warning",
            format_args!("399 {} \"sirgate {}\"", self.config.host, no.why),
        );
        if let Some((name, value)) = no.header {
            draft = draft.header(name, value);
        }
        self.respond(id, draft);
        let method = request.method().map_or("", Method::name);
        let fact = Fact::Refused {
            from: sender(request),
            why: format!("{method} {} {}", no.status, no.why),
        };
        self.report(now, fact, out);
    }

    /// What waits for the device; the correlators of the INVITE must not be of a push that is over.
    pub(super) fn awaited(
        &self,
        now: Time,
        device: Option<DeviceKey>,
        request: &Message,
    ) -> Result<Awaited, NotAccepted> {
        let device = device.ok_or(NotAccepted::new(403, "the device is not known"))?;
        let preferred = request.address(Name::PPreferredIdentity).ok();
        let claims = preferred.map(|address| canonical(address.uri.as_str()));
        if claims.is_some_and(|pui| self.registry.identity(&pui) != Some(device.identity)) {
            return Err(NotAccepted::new(403, "the identity is another one"));
        }
        self.room()?;
        let items: Vec<(PushNo, usize)> = self
            .ledger
            .waiting_for(device)
            .into_iter()
            .filter(|(no, group)| self.is_deliverable(now, *no, *group, device.at))
            .collect();
        let correlators = self.correlators(request);
        if items.is_empty() {
            return Err(if correlators.is_empty() {
                let patience = self.config.answer_timeout.as_secs().max(1);
                NotAccepted::new(480, "nothing is pending for the device")
                    .with("Retry-After", patience.to_string())
            } else {
                NotAccepted::new(410, "the push is over")
            });
        }
        let elsewhere = correlators
            .iter()
            .filter_map(|sir| self.ledger.get(self.ledger.by_sir(sir)?))
            .find_map(|push| push.options.ppg.as_ref())
            .filter(|ppg| **ppg != self.config.uri);
        match elsewhere {
            Some(ppg) => Err(NotAccepted::new(302, "another gateway takes the session")
                .with("Contact", format!("<{ppg}>"))),
            None => Ok(Awaited {
                device,
                items,
                is_service: false,
            }),
        }
    }

    fn room(&self) -> Result<(), NotAccepted> {
        if self.sessions.len() >= self.config.bounds.sessions {
            return Err(
                NotAccepted::new(503, "too many sessions").with("Retry-After", "30".to_owned())
            );
        }
        Ok(())
    }

    pub(super) fn is_deliverable(&self, now: Time, no: PushNo, group: usize, at: usize) -> bool {
        let Some(push) = self.ledger.get(no) else {
            return false;
        };
        push.phase == Phase::Running
            && now < push.expires_at
            && push
                .delivery(group, at)
                .is_some_and(|delivery| !matches!(delivery.stage, Stage::Paging | Stage::Ended(_)))
    }

    /// The correlators of SIRs in a request: its own header, and the Call-IDs in In-Reply-To.
    pub(super) fn correlators(&self, request: &Message) -> Vec<String> {
        let own = request.text(Name::XSirgateSir).map(str::to_owned);
        let replied = request.list(Name::InReplyTo).filter_map(|call_id| {
            let text = core::str::from_utf8(call_id).ok()?;
            Some(text.split('.').next()?.to_owned())
        });
        own.into_iter().chain(replied).collect()
    }

    fn accept(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        awaited: Awaited,
        out: &mut Vec<Output>,
    ) -> Result<(), NotAccepted> {
        let granted = refreshing::granted(request)?;
        let Agreed {
            answer,
            messages,
            path_id,
        } = self.agree(request)?;
        let tag = self.random.token::<16>().to_string();
        let contact = format!("<{}>", self.contact_of(flow));
        let expires = granted.map(|agreed| agreed.to_string());
        let headers = refreshing::of_answer(expires.as_deref(), granted);
        let accept = Accept {
            tag: &tag,
            contact: &contact,
            headers: &headers,
            sdp: &answer,
        };
        let (call, response) = Callee::accept(now, request, &accept)
            .map_err(|_| NotAccepted::new(400, "the INVITE makes no dialog"))?;
        let key = awaited.device;
        let name = self
            .name(key.identity, key.at)
            .unwrap_or_default()
            .to_owned();
        // A device that asks again has lost its session, whatever the link looks like from here.
        let replaced = self.place_of(key, awaited.is_service).and_then(|it| *it);
        if let Some(earlier) = replaced {
            let why = "replaced by a new session";
            self.hang_up(now, SessionNo(earlier), 480, why, out);
        }
        let no = self.sessions.open(Opening {
            device: key,
            name,
            call,
            invite: id,
            flow,
            seconds: granted.map_or(0, |agreed| agreed.seconds),
            is_service: awaited.is_service,
            offer: request.body().to_vec(),
            answer,
            messages,
            tag,
            path_id,
        });
        if let Some(place) = self.place_of(key, awaited.is_service) {
            *place = Some(no.0);
        }
        self.todo
            .push_back(endpoint::Input::Respond { id, response });
        self.timers.set(Timer::Unlinked(no), now + LINK_PATIENCE);
        self.call_timer(no);
        self.refreshed(now, no, granted);
        for (push, group) in awaited.items {
            self.hand_over(now, push, group, key.at, Via::New, out);
        }
        if awaited.is_service {
            // What waits for a way to the device has one now.
            self.came_back(now, key, false, out);
        }
        Ok(())
    }

    /// Where a device's session is noted: the one for pushes, or the one for another service.
    fn place_of(&mut self, key: DeviceKey, is_service: bool) -> Option<&mut Option<u64>> {
        let device = self.registry.device_mut(key)?;
        Some(if is_service {
            &mut device.service
        } else {
            &mut device.session
        })
    }

    /// Reads the offer and answers it: the device connects to our MSRP listener.
    fn agree(&mut self, request: &Message) -> Result<Agreed, NotAccepted> {
        let is_sdp = request
            .content_type()
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/sdp"));
        let offer = Sdp::decode(request.body()).ok().filter(|_| is_sdp);
        let offer = offer.ok_or(NotAccepted::new(488, "no MSRP offer"))?;
        let listener = self
            .msrp_listener(offer.transport)
            .ok_or(NotAccepted::new(488, "no such MSRP transport"))?;
        let path_id = self.random.token::<16>().to_string();
        let (address, port) = (listener.ip().to_string(), listener.port());
        let session = self.random.below(1 << 32);
        let mut answer = offer
            .answer(session, &address, &path_id, port)
            .ok_or(NotAccepted::new(488, "the device must connect"))?;
        answer.accept_types = vec![INFORMATION.to_owned()];
        answer.max_size = u64::try_from(limits::MSRP_CHUNK_OCTETS).ok();
        let messages = msrp::Session::new(
            answer.path.clone(),
            &offer.path,
            self.random.fork(),
            msrp::Settings {
                accepts: vec![INFORMATION.to_owned()],
                octets_max: limits::MSRP_CHUNK_OCTETS,
                peer_octets_max: offer.max_size,
                report_timeout: self.config.report_timeout,
                ..msrp::Settings::default()
            },
        );
        Ok(Agreed {
            answer: answer.encode(),
            messages,
            path_id,
        })
    }

    /// The MSRP listener of a transport.
    fn msrp_listener(&self, transport: sdp::Transport) -> Option<SocketAddr> {
        let wanted = match transport {
            sdp::Transport::Tcp => crate::world::Transport::Tcp,
            sdp::Transport::Tls => crate::world::Transport::Tls,
        };
        self.config
            .listeners
            .iter()
            .find(|own| own.speaks == Speaks::Msrp && own.transport == wanted)
            .map(|own| own.address)
    }

    /// The contact a device reaches us at, on the transport it used.
    pub(super) fn contact_of(&self, flow: Flow) -> String {
        let transport = self
            .endpoint
            .peer(flow)
            .map_or(crate::world::Transport::Udp, |(transport, _)| transport);
        let user = self
            .config
            .uri
            .split_once(':')
            .and_then(|(_, rest)| rest.split_once('@'))
            .map_or("push", |(user, _)| user);
        let sent_by = self.endpoint.local().sent_by(transport);
        match transport {
            crate::world::Transport::Udp => format!("sip:{user}@{sent_by}"),
            crate::world::Transport::Tcp => format!("sip:{user}@{sent_by};transport=tcp"),
            crate::world::Transport::Tls => format!("sips:{user}@{sent_by}"),
        }
    }

    /// The ACK of a 200.
    pub(super) fn on_ack(&mut self, now: Time, ack: &Message, out: &mut Vec<Output>) {
        let Some(no) = ack.to().ok().and_then(|to| self.sessions.by_tag(to.tag()?)) else {
            return;
        };
        let event = self
            .sessions
            .get_mut(no)
            .and_then(|session| session.call.on_ack(ack));
        self.on_call(now, no, event, out);
    }

    /// The SIP side of a session has something to do.
    pub(super) fn call_due(&mut self, now: Time, no: SessionNo, out: &mut Vec<Output>) {
        while let Some(event) = self
            .sessions
            .get_mut(no)
            .and_then(|session| session.call.expire(now))
        {
            self.on_call(now, no, Some(event), out);
        }
        self.call_timer(no);
    }

    fn call_timer(&mut self, no: SessionNo) {
        let due = self
            .sessions
            .get(no)
            .and_then(|session| session.call.deadline());
        match due {
            Some(due) => self.timers.set(Timer::Call(no), due),
            None => self.timers.cancel(Timer::Call(no)),
        }
    }

    fn on_call(
        &mut self,
        now: Time,
        no: SessionNo,
        event: Option<CalleeEvent>,
        out: &mut Vec<Output>,
    ) {
        match event {
            Some(CalleeEvent::Resend(response)) => {
                if let Some(session) = self.sessions.get(no) {
                    let id = session.invite;
                    self.todo
                        .push_back(endpoint::Input::Respond { id, response });
                }
            }
            Some(CalleeEvent::Up) => {
                self.call_timer(no);
                self.announce(now, no, out);
            }
            Some(CalleeEvent::GaveUp(bye)) => {
                self.send_bye(no, bye);
                self.session_over(now, no, "no ACK", out);
            }
            Some(CalleeEvent::Bye(bye)) => {
                self.send_bye(no, bye);
                self.session_over(now, no, "ended", out);
            }
            None => {}
        }
    }

    fn send_bye(&mut self, no: SessionNo, draft: Draft) {
        let Some(flow) = self.sessions.get(no).map(|session| session.flow) else {
            return;
        };
        let id = self.client_id();
        self.todo.push_back(endpoint::Input::Request {
            id,
            draft,
            target: Target::Flow(flow),
        });
    }

    /// Reports that a session is up, once: by its ACK or by its link, whichever comes first.
    pub(super) fn announce(&mut self, now: Time, no: SessionNo, out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        // Of a service session only its SIRs are told.
        if session.is_announced || session.is_service {
            return;
        }
        session.is_announced = true;
        let fact = Fact::SessUp {
            dev: session.name.clone(),
            ppg: self.config.uri.clone(),
            by: "ppg".to_owned(),
        };
        self.report(now, fact, out);
    }

    /// Ends a session from our side. What it has not confirmed is tried again later.
    pub(super) fn hang_up(
        &mut self,
        now: Time,
        no: SessionNo,
        cause: u16,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        if let Some(number) = no.wsp() {
            return self.disconnect_wsp(now, number, out);
        }
        if let Some(number) = no.terminal() {
            return self.leave_terminal(now, number, why, out);
        }
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        if let Some(bye) = session.call.hang_up(cause, why) {
            self.send_bye(no, bye);
        }
        self.session_over(now, no, why, out);
    }

    /// A session is over: its device is no longer connected.
    pub(super) fn session_over(
        &mut self,
        now: Time,
        no: SessionNo,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        for timer in [
            Timer::Unlinked(no),
            Timer::Refresh(no),
            Timer::Unrefreshed(no),
            Timer::Linger(no),
            Timer::Messages(no),
        ] {
            self.timers.cancel(timer);
        }
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        let sent: Vec<Item> = session.open.values().copied().collect();
        let unsent: Vec<Item> = session.waiting.iter().copied().collect();
        let sirs = core::mem::take(&mut session.sirs);
        let (key, link) = (session.device, session.link);
        let fact = session.is_announced.then(|| Fact::SessDown {
            dev: session.name.clone(),
            ppg: self.config.uri.clone(),
            by: "ppg".to_owned(),
            why: why.to_owned(),
        });
        // A BYE must wait for the ACK of our 200, so the dialog outlives the session.
        if session.call.is_over() {
            self.timers.cancel(Timer::Call(no));
            self.sessions.close(no);
        } else {
            self.sessions.leave(no);
        }
        if let Some(link) = link {
            // The device closes its link after the BYE; one that does not is closed here.
            self.timers.set(Timer::Unbound(link), now + LINK_PATIENCE);
        }
        for is_service in [false, true] {
            let place = self.place_of(key, is_service);
            if let Some(place) = place.filter(|place| **place == Some(no.0)) {
                *place = None;
            }
        }
        if let Some(fact) = fact {
            self.report(now, fact, out);
        }
        for id in sirs {
            self.on_service_answer(now, no, id, 481, out);
        }
        for item in sent {
            self.lost(now, item, key.at, out);
        }
        for item in unsent {
            self.put_back(now, item, key.at);
        }
    }

    /// Content that was not confirmed goes again, to whatever way the device has then.
    pub(super) fn lost(&mut self, now: Time, item: Item, at: usize, out: &mut Vec<Output>) {
        let retries = self.config.retries;
        let delivery = self
            .ledger
            .get_mut(item.push)
            .and_then(|push| push.delivery_mut(item.group, at));
        let Some(delivery) = delivery.filter(|delivery| delivery.ending().is_none()) else {
            return;
        };
        delivery.attempt = delivery.attempt.saturating_add(1);
        if delivery.attempt > retries.saturating_add(1) {
            let ending = super::push::delivery::Ending::failed(
                crate::codec::pap::MessageState::Timeout,
                crate::codec::pap::Status::ServiceFailure.code(),
                "the device did not confirm the content",
                now,
            );
            self.end_one(now, item.push, item.group, at, ending, out);
            return;
        }
        self.put_back(now, item, at);
    }

    /// Content waits for another session.
    pub(super) fn put_back(&mut self, now: Time, item: Item, at: usize) {
        let broke = Stage::Held("the session broke");
        if self.stage(item.push, item.group, at, broke) {
            self.again(now, item.push, item.group, at, None);
        }
    }
}

/// True for an INVITE to `service@` our host: a session for another service than pushes.
pub(super) fn is_for_service(request: &Message) -> bool {
    request
        .request_uri()
        .is_ok_and(|uri| uri.user() == Some(SERVICE))
}
