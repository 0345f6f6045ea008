//! What follows from the answers to the INVITE of a session: it is up, refused, or asked for again.
//!
//! **Source:** the sirgate SIP profile, E.5; RFC 3261 section 13.2.2; RFC 4028 section 7.1 (422).

use core::time::Duration;

use super::calling::Call;
use super::media;
use crate::codec::sip::{Draft, Message};
use crate::codec::sir::App;
use crate::device::behaviour::Activate;
use crate::device::{Device, Purpose, host_of};
use crate::event::{Fact, When};
use crate::protocol::sip::endpoint::{Failure, Input};
use crate::protocol::sip::push_session::{CallerEvent, Refusal};
use crate::protocol::sip::session_timer;
use crate::time::Time;
use crate::world::Output;

/// How often a gateway that asks for patience is asked again.
const TRIES_MAX: u32 = 3;
/// The longest such patience, in seconds.
const PATIENCE_MAX: u32 = 300;

impl Device {
    /// A response to the INVITE of a session.
    pub(in crate::device) fn invite_answered(
        &mut self,
        now: Time,
        number: u64,
        response: &Message,
        out: &mut Vec<Output>,
    ) {
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        let uri = session.uri.clone();
        match session.caller.on_response(response) {
            Some(CallerEvent::Up { sdp, ack }) => {
                self.acknowledge(now, number, ack, out);
                self.set_refresh(now, number, session_timer::agreed(response));
                self.session_up(now, number, &sdp, out);
            }
            Some(CallerEvent::Again { ack }) => self.acknowledge(now, number, ack, out),
            Some(CallerEvent::Unwanted { ack, bye }) => {
                let target = self.target_of(&uri);
                self.sip(now, Input::Send { draft: ack, target }, out);
                self.request(now, Purpose::Farewell, bye, target, out);
            }
            Some(CallerEvent::Refused(refusal)) => {
                self.refused(now, number, &refusal, Some(response), out);
            }
            Some(CallerEvent::Ringing { .. }) | None => {}
        }
    }

    /// The INVITE of a session brought no response.
    pub(in crate::device) fn invite_failed(
        &mut self,
        now: Time,
        number: u64,
        why: Failure,
        out: &mut Vec<Output>,
    ) {
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        if let Some(CallerEvent::Refused(refusal)) = session.caller.on_failed(why) {
            self.refused(now, number, &refusal, None, out);
        }
    }

    fn acknowledge(&mut self, now: Time, number: u64, ack: Draft, out: &mut Vec<Output>) {
        if let Some(target) = self.target_in(number) {
            self.sip(now, Input::Send { draft: ack, target }, out);
        }
    }

    fn session_up(&mut self, now: Time, number: u64, sdp: &[u8], out: &mut Vec<Output>) {
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        session.reported_up = !session.is_service;
        let (apps, uri) = (session.about.apps.clone(), session.uri.clone());
        if session.reported_up {
            let fact = Fact::SessUp {
                dev: self.config.name.clone(),
                ppg: uri,
                by: "dev".to_owned(),
            };
            self.report(now, fact, out);
        }
        if self.config.behaviour.activate == Activate::After {
            let apps: Vec<&App> = apps.iter().collect();
            self.activate(now, &apps, When::After, out);
        }
        match media::reach(sdp) {
            Some(reach) => self.open_media(number, &reach, out),
            None => self.hang_up(now, number, 488, "no usable MSRP answer", out),
        }
        self.set_idle(now, number);
    }

    fn refused(
        &mut self,
        now: Time,
        number: u64,
        refusal: &Refusal,
        response: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        if self.call_again(now, number, refusal, response, out) {
            return;
        }
        let Some(at) = self.place(number) else { return };
        let session = self.remove(at);
        let fact = Fact::Refused {
            from: host_of(&session.uri),
            why: format!("no session: {} {}", refusal.status, refusal.why),
        };
        self.report(now, fact, out);
        if session.is_service {
            return self.service_over(now, number);
        }
        let mut about = session.about;
        // Without a session the SIR is open still, and its repetition means what it says.
        if let Some(key) = &about.key {
            self.sirs.forget(key);
        }
        let patience = refusal.retry_after.filter(|after| *after <= PATIENCE_MAX);
        if let (Some(after), 480 | 486 | 500 | 503) = (patience, refusal.status)
            && about.tries < TRIES_MAX
            && !refusal.given_up
        {
            about.ppg = session.uri;
            self.follow_later(now + Duration::from_secs(u64::from(after)), about);
        }
    }

    /// Calls again with credentials, or where the gateway said; false when there is no reason to.
    fn call_again(
        &mut self,
        now: Time,
        number: u64,
        refusal: &Refusal,
        response: Option<&Message>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(session) = self.place(number).and_then(|at| self.sessions.get(at)) else {
            return false;
        };
        let (uri, was_moved) = (session.uri.clone(), session.uri != session.about.ppg);
        let least = response.and_then(session_timer::least);
        let least = least.filter(|least| refusal.status == 422 && *least > session.seconds);
        let seconds = least.unwrap_or(session.seconds);
        let next = match refusal.contacts.first() {
            Some(contact) if !was_moved => contact.clone(),
            _ if least.is_some() => uri,
            _ if response.is_some_and(|response| self.is_challenge(response)) => uri,
            _ => return false,
        };
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return false;
        };
        let moved = session.uri != next;
        session.cseq = session.cseq.saturating_add(1);
        session.uri.clone_from(&next);
        session.seconds = seconds;
        let (about, call_id) = (session.about.clone(), session.call_id.clone());
        let (tag, cseq) = (session.tag.clone(), session.cseq);
        let (session_id, is_service) = (session.session_id.clone(), session.is_service);
        let call = Call {
            about: &about,
            uri: &next,
            call_id: &call_id,
            tag: &tag,
            cseq,
            session_id: &session_id,
            seconds,
            is_service,
        };
        let (caller, draft) = self.invite(number, &call);
        if moved {
            self.report_request(now, &next, about.sir.clone(), out);
        }
        let old = self
            .place(number)
            .and_then(|at| self.sessions.get(at))
            .map(|s| s.client);
        self.requests.retain(|(id, _)| Some(*id) != old);
        let target = self.target_of(&next);
        let client = self.request(now, Purpose::Invite(number), draft, target, out);
        if let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) {
            session.caller = caller;
            session.client = client;
        }
        true
    }
}
