//! Push sessions of a device: the INVITE to the gateway, its answers, the MSRP link, the content, the end.
//!
//! **Source:** CN101764828A claim 8; the sirgate SIP profile, E.5 and E.6; RFC 4975, RFC 6135 (the device connects).

use core::time::Duration;

use crate::codec::sip::{Draft, Message};
use crate::codec::sir::{App, Ask};
use crate::event::Fact;
use crate::machine::Machine;
use crate::protocol::sip::endpoint::{ClientId, Input, Target};
use crate::protocol::sip::push_session::{Caller, HangUp, Within};
use crate::time::Time;
use crate::world::Output;

use super::{Device, Purpose, Timer, host_of};

mod about;
mod answered;
mod calling;
mod media;

pub(super) use about::About;
pub(super) use calling::contact;

use media::Media;

/// One push session, or the attempt at one.
#[derive(Debug)]
pub(super) struct Session {
    number: u64,
    about: About,
    /// Who is asked now; another than in the SIR after a redirection.
    uri: String,
    caller: Caller,
    client: ClientId,
    call_id: String,
    tag: String,
    cseq: u32,
    /// Its name in MSRP URIs.
    session_id: String,
    /// Seconds that the gateway wants it to live at least without a refresh.
    seconds: u32,
    reported_up: bool,
    /// It is open for another service, and no push session.
    pub(super) is_service: bool,
    /// Contents that came.
    contents: u32,
    /// Chunks of content that came.
    chunks: u32,
    media: Option<Box<Media>>,
}

impl Session {
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// What content asks that came in this session without a SIR of its own.
    pub(super) fn about_content(&self, sir: Option<String>, ask: Ask, apps: Vec<App>) -> About {
        About::of_content(self.about.ppg.clone(), sir, ask, apps)
    }

    pub(super) fn is_up(&self) -> bool {
        self.caller.is_up()
    }

    /// True for a request of this session's dialog.
    pub(super) fn is_of(&self, message: &Message) -> bool {
        self.caller
            .dialog()
            .is_some_and(|dialog| dialog.is_of(message))
    }

    pub(super) fn on_request(&mut self, message: &Message) -> Within {
        self.caller.on_request(message)
    }

    /// Seconds that the gateway wants it to live at least without a refresh.
    pub(super) const fn seconds(&self) -> u32 {
        self.seconds
    }

    /// The UPDATE that keeps it alive.
    pub(super) fn refresh(&mut self) -> Option<Draft> {
        self.caller.refresh()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.media.as_ref()?.session.deadline()
    }

    fn is_with(&self, host: &str) -> bool {
        !self.is_service
            && (host_of(&self.uri).eq_ignore_ascii_case(host)
                || host_of(&self.about.ppg).eq_ignore_ascii_case(host))
    }
}

impl Device {
    pub(super) fn has_session_with(&self, host: &str) -> bool {
        self.sessions.iter().any(|session| session.is_with(host))
    }

    /// Push sessions there are.
    pub(super) fn push_sessions(&self) -> usize {
        self.sessions
            .iter()
            .filter(|session| !session.is_service)
            .count()
    }

    /// Whether the session of that number can carry something.
    pub(super) fn is_bound(&self, number: u64) -> bool {
        let session = self.place(number).and_then(|at| self.sessions.get(at));
        session.is_some_and(|session| session.media.as_ref().is_some_and(|media| media.is_bound))
    }

    /// The session with a gateway that is up and can carry information.
    pub(super) fn bound_session_with(&self, host: &str) -> Option<u64> {
        self.sessions
            .iter()
            .find(|session| {
                session.is_with(host) && session.media.as_ref().is_some_and(|media| media.is_bound)
            })
            .map(|session| session.number)
    }

    pub(super) fn place(&self, number: u64) -> Option<usize> {
        self.sessions
            .iter()
            .position(|session| session.number == number)
    }

    /// Where requests in a session's dialog go.
    pub(super) fn target_in(&self, number: u64) -> Option<Target> {
        let session = self.sessions.get(self.place(number)?)?;
        let hop = session.caller.dialog()?.next_hop();
        let known = crate::codec::uri::Uri::decode(hop.as_bytes())
            .ok()
            .and_then(|uri| self.config.address_of(uri.host(), uri.port()));
        // A Contact that says nothing to this device is reached the way the INVITE went.
        Some(match known {
            Some(_) => self.target_of(hop),
            None => self.target_of(&session.uri),
        })
    }

    /// Takes a session out, and its link's name with it.
    fn remove(&mut self, at: usize) -> Session {
        let session = self.sessions.remove(at);
        self.requests.retain(|(id, _)| *id != session.client);
        for timer in [Timer::Idle, Timer::Refresh, Timer::Unrefreshed] {
            self.timers.cancel(timer(session.number));
        }
        session
    }

    /// A session is over; `unfinished` says that its SIR is open still.
    pub(super) fn session_over(
        &mut self,
        now: Time,
        at: usize,
        why: &str,
        unfinished: bool,
        out: &mut Vec<Output>,
    ) {
        let session = self.remove(at);
        if let Some(media) = &session.media {
            out.push(Output::Close { link: media.link });
        }
        if session.is_service {
            self.service_over(now, session.number);
        }
        if let Some(key) = session.about.key.as_deref().filter(|_| unfinished) {
            self.sirs.forget(key);
        }
        if session.reported_up {
            let fact = Fact::SessDown {
                dev: self.config.name.clone(),
                ppg: session.uri,
                by: "dev".to_owned(),
                why: why.to_owned(),
            };
            self.report(now, fact, out);
        }
    }

    /// Ends a session from this side.
    pub(super) fn hang_up(
        &mut self,
        now: Time,
        number: u64,
        cause: u16,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        let target = self.target_in(number);
        let Some(at) = self.place(number) else { return };
        let Some(session) = self.sessions.get_mut(at) else {
            return;
        };
        match (session.caller.hang_up(cause, why), target) {
            (HangUp::Bye(bye), Some(target)) => {
                self.request(now, Purpose::Farewell, bye, target, out);
                self.session_over(now, at, why, cause != 200, out);
            }
            (HangUp::Cancel, _) => {
                let id = session.client;
                self.sip(now, Input::Cancel { id }, out);
            }
            _ => self.session_over(now, at, why, cause != 200, out),
        }
    }

    fn set_idle(&mut self, now: Time, number: u64) {
        let session = self.place(number).and_then(|at| self.sessions.get(at));
        let is_service = session.is_some_and(|session| session.is_service);
        if let Some(after) = self.config.behaviour.hang_up_after_ms
            && !is_service
        {
            let at = now + Duration::from_millis(after);
            self.timers.set(Timer::Idle(number), at);
        }
    }

    /// Nothing has happened in a session for long.
    pub(super) fn idle(&mut self, now: Time, number: u64, out: &mut Vec<Output>) {
        self.hang_up(now, number, 200, "idle", out);
    }
}
