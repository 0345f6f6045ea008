//! Push sessions of WSP: the device opens them where a SIR says, takes pushes in them, and suspends them.
//!
//! **Source:** WAP-235 sections 6 and 8.4; WAP-230 section 7.1. A device that is told of several contact points of WSP
//! opens a session with each. A new SIR opens the session anew: a gateway that sends one may have forgotten the old one.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::sia::application_code;
use crate::codec::sip::Name;
use crate::codec::sir::App;
use crate::codec::wsp::put_field;
use crate::device::behaviour::{Activate, Connect};
use crate::device::session::About;
use crate::device::{Device, Timer, applications};
use crate::event::{Bearer, Fact, Via, When};
use crate::machine::Machine;
use crate::protocol::wsp::client::{Client, In, Out, Settings};
use crate::protocol::wsp::{ENCODING_NEWEST, Ended, reason, word};
use crate::protocol::wtp::Key;
use crate::random::Random;
use crate::time::Time;
use crate::world::Output;

use super::{Arrival, wsp};

/// Contact points of one SIR that are connected to.
const POINTS_MAX: usize = 4;
/// The bearer that the device says it has: GPRS, which is IP (WAP-259 appendix C).
const BEARER: &str = "11";

/// The device's sessions of WSP.
#[derive(Debug)]
pub(in crate::device) struct Sessions {
    client: Client,
    open: BTreeMap<SocketAddr, Open>,
}

/// A session that the device has or opens.
#[derive(Debug)]
struct Open {
    about: About,
    is_up: bool,
    /// It was sent here by another server.
    was_moved: bool,
}

impl Sessions {
    fn new(random: Random) -> Self {
        Self {
            client: Client::new(Settings::default(), random),
            open: BTreeMap::new(),
        }
    }
}

impl Device {
    /// Opens sessions of WSP for a SIR that names contact points for them, when the device has and likes them; else the
    /// SIR comes back.
    pub(in crate::device) fn connect_by_wsp(
        &mut self,
        now: Time,
        about: About,
        out: &mut Vec<Output>,
    ) -> Option<About> {
        // A device that registers nowhere has nothing else.
        let is_liked = self.config.behaviour.connect == Connect::Wsp || !self.config.register;
        if self.config.bearers.wsp_session.is_none() || about.wsp.is_empty() || !is_liked {
            return Some(about);
        }
        let dev = &self.config.name;
        let (dev, sir) = (dev.clone(), about.sir.clone());
        let ppg = about.ppg.clone();
        self.report(now, Fact::SessReq { dev, ppg, sir }, out);
        for server in about.wsp.iter().take(POINTS_MAX) {
            self.open_wsp(now, *server, about.clone(), false, out);
        }
        None
    }

    fn open_wsp(
        &mut self,
        now: Time,
        server: SocketAddr,
        about: About,
        was_moved: bool,
        out: &mut Vec<Output>,
    ) {
        let headers = self.wsp_headers(&about);
        let Some(doors) = self.doors.as_mut() else {
            return;
        };
        let random = &mut self.random;
        let sessions = doors
            .wsp
            .get_or_insert_with(|| Box::new(Sessions::new(random.fork())));
        let open = Open {
            about,
            is_up: false,
            was_moved,
        };
        let had_one = sessions.open.get(&server).is_some_and(|open| open.is_up);
        if had_one {
            self.tell_wsp(now, In::Disconnect { server }, out);
        }
        if let Some(sessions) = self.wsp_sessions() {
            sessions.open.insert(server, open);
        }
        self.tell_wsp(now, In::Connect { server, headers }, out);
    }

    fn wsp_sessions(&mut self) -> Option<&mut Sessions> {
        self.doors.as_mut()?.wsp.as_deref_mut()
    }

    /// What a Connect says of the device.
    fn wsp_headers(&self, about: &About) -> Bytes {
        let own = &self.config.profile.own;
        let mut out = Vec::new();
        // A name that is no token is none of ours, so nothing of this fails.
        let mut put = |name: &str, value: &str| {
            let _ = put_field(&mut out, name, value, ENCODING_NEWEST);
        };
        if own.only_installed {
            for application in &own.applications {
                let code = application_code(&application.id).map(|code| code.to_string());
                put(
                    "Accept-Application",
                    code.as_ref().unwrap_or(&application.id),
                );
            }
        } else {
            put("Accept-Application", "*");
        }
        put("Bearer-Indication", BEARER);
        put("Encoding-Version", "1.5");
        if let Some(id) = self.config.ids.first() {
            put(Name::XSirgateDevice.text(), &format!("<{id}>"));
        }
        if let Some(sir) = &about.sir {
            put(Name::XSirgateSir.text(), sir);
        }
        out.into()
    }

    pub(in crate::device) fn wsp_session_datagram(
        &mut self,
        now: Time,
        peer: SocketAddr,
        octets: Bytes,
        out: &mut Vec<Output>,
    ) {
        self.rung(now, "wsp", false, word(&octets), &octets, out);
        self.tell_wsp(now, In::Datagram { peer, octets }, out);
    }

    pub(in crate::device) fn wsp_due(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut told = Vec::new();
        if let Some(sessions) = self.wsp_sessions() {
            sessions.client.expire(now, &mut told);
        }
        self.on_wsp(now, told, out);
    }

    fn tell_wsp(&mut self, now: Time, input: In, out: &mut Vec<Output>) {
        let mut told = Vec::new();
        if let Some(sessions) = self.wsp_sessions() {
            sessions.client.handle(now, input, &mut told);
        }
        self.on_wsp(now, told, out);
    }

    fn on_wsp(&mut self, now: Time, told: Vec<Out>, out: &mut Vec<Output>) {
        for one in told {
            match one {
                Out::Datagram { peer, octets } => {
                    if let Some(socket) = self.config.bearers.wsp_session {
                        self.rung(now, "wsp", true, word(&octets), &octets, out);
                        out.push(Output::Datagram {
                            socket,
                            peer,
                            octets,
                        });
                    }
                }
                Out::Connected { server, .. } => self.wsp_connected(now, server, out),
                Out::Push {
                    server,
                    pdu,
                    confirm,
                } => self.wsp_push(now, server, &pdu, confirm, out),
                Out::Closed { server, why } => self.wsp_closed(now, server, &why, out),
                Out::Suspended { .. } => {
                    if let Some(ms) = self.config.behaviour.wsp_resume_after_ms {
                        let at = now + Duration::from_millis(ms);
                        self.timers.set(Timer::WspResume, at);
                    }
                }
                Out::Resumed { .. } | Out::PushAborted { .. } => {}
            }
        }
        let due = self.wsp_sessions().and_then(|it| it.client.deadline());
        match due {
            Some(due) => self.timers.set(Timer::Wsp, due),
            None => self.timers.cancel(Timer::Wsp),
        }
    }

    fn wsp_connected(&mut self, now: Time, server: SocketAddr, out: &mut Vec<Output>) {
        let open = self.wsp_sessions().and_then(|it| it.open.get_mut(&server));
        let Some(open) = open else { return };
        open.is_up = true;
        let about = open.about.clone();
        let fact = Fact::SessUp {
            dev: self.config.name.clone(),
            ppg: about.ppg.clone(),
            by: "dev".to_owned(),
        };
        self.report(now, fact, out);
        if self.config.behaviour.activate == Activate::After {
            let apps: Vec<&App> = about.apps.iter().collect();
            self.activate(now, &apps, When::After, out);
        }
        // In a session of WSP the device has pushes and no requests: what it returns goes another way.
        self.return_in_session(now, None, &about, Via::Sip, out);
        if let Some(ms) = self.config.behaviour.wsp_suspend_after_ms {
            self.timers
                .set(Timer::WspSuspend, now + Duration::from_millis(ms));
        }
        self.wsp_idle_from(now);
    }

    fn wsp_idle_from(&mut self, now: Time) {
        if let Some(ms) = self.config.behaviour.hang_up_after_ms {
            self.timers
                .set(Timer::WspIdle, now + Duration::from_millis(ms));
        }
    }

    fn wsp_closed(&mut self, now: Time, server: SocketAddr, why: &Ended, out: &mut Vec<Output>) {
        let open = self.wsp_sessions().and_then(|it| it.open.remove(&server));
        let Some(open) = open else { return };
        if let Ended::Moved { to, .. } = why
            && let Some(next) = to.first()
            && !open.was_moved
        {
            return self.open_wsp(now, *next, open.about, true, out);
        }
        let why = match why {
            Ended::Reason { reason, .. } => format!("WSP reason {reason:02X}"),
            Ended::Failed(_) => "the gateway did not answer".to_owned(),
            Ended::Moved { .. } => "sent on twice".to_owned(),
            Ended::Refused(status) => format!("refused with {status}"),
        };
        if open.is_up {
            self.session_down(now, &open.about, &why, out);
        } else {
            self.no_session(now, &open.about, &server.to_string(), &why, out);
        }
    }

    /// A push came in a session: it is taken and confirmed, or refused with the reason.
    fn wsp_push(
        &mut self,
        now: Time,
        server: SocketAddr,
        pdu: &Bytes,
        confirm: Option<Key>,
        out: &mut Vec<Output>,
    ) {
        self.wsp_idle_from(now);
        let read = wsp::read_in_session(pdu);
        let refusal = match &read {
            Err(_) => Some(reason::USERDCU),
            Ok(pushed) => self.wsp_refusal(pushed, confirm.is_some()),
        };
        match (read, refusal) {
            (Ok(pushed), None) => {
                self.pushed(now, Arrival::Told(Bearer::Wsp), &pushed, out);
                if let Some(push) = confirm {
                    let headers = Bytes::new();
                    self.tell_wsp(now, In::Confirm { push, headers }, out);
                }
            }
            (_, refusal) => {
                let reason = refusal.unwrap_or(reason::USERRFS);
                let (from, why) = (server.to_string(), format!("WSP push {reason:02X}"));
                self.report(now, Fact::Refused { from, why }, out);
                if let Some(push) = confirm {
                    self.tell_wsp(now, In::AbortPush { push, reason }, out);
                }
            }
        }
    }

    /// Why a push is not taken, if so.
    fn wsp_refusal(&self, pushed: &super::Pushed, is_confirmed: bool) -> Option<u8> {
        if let Some(refusal) = self.config.behaviour.wsp_refusal.filter(|_| is_confirmed) {
            return Some(refusal.octet());
        }
        let own = &self.config.profile.own;
        let application = pushed.value(Name::XWapApplicationId.text());
        let is_known = |id: &str| applications::installed(&own.applications, id, None).is_some();
        if own.only_installed && application.is_some_and(|id| !is_known(id)) && !pushed.is_sir() {
            return Some(reason::USERPND);
        }
        (!pushed.is_sir() && !self.config.profile.takes(&pushed.content_type))
            .then_some(reason::USERDCU)
    }

    /// Suspends, resumes or ends every session of WSP.
    pub(in crate::device) fn with_every_wsp(
        &mut self,
        now: Time,
        what: impl Fn(SocketAddr) -> In,
        out: &mut Vec<Output>,
    ) {
        let servers: Vec<SocketAddr> = self
            .wsp_sessions()
            .map(|it| it.open.keys().copied().collect())
            .unwrap_or_default();
        for server in servers {
            self.tell_wsp(now, what(server), out);
        }
    }

    pub(in crate::device) fn suspend_wsp(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_every_wsp(now, |server| In::Suspend { server }, out);
    }

    pub(in crate::device) fn resume_wsp(&mut self, now: Time, out: &mut Vec<Output>) {
        let resume = |server| In::Resume {
            server,
            headers: Bytes::new(),
        };
        self.with_every_wsp(now, resume, out);
    }

    pub(in crate::device) fn leave_wsp(&mut self, now: Time, out: &mut Vec<Output>) {
        self.with_every_wsp(now, |server| In::Disconnect { server }, out);
    }

    /// Sessions of WSP that are up, suspended ones included.
    #[must_use]
    pub fn wsp_sessions_up(&self) -> usize {
        let sessions = self.doors.as_ref().and_then(|doors| doors.wsp.as_ref());
        sessions.map_or(0, |it| it.open.values().filter(|open| open.is_up).count())
    }
}
