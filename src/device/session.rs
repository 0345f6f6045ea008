//! Push sessions of a device: the INVITE to the gateway, its answers, the MSRP link, the content, the end.
//!
//! **Source:** CN101764828A claim 8; the sirgate SIP profile, E.5 and E.6; RFC 4975, RFC 6135 (the device connects).

use core::time::Duration;
use std::net::SocketAddr;

use crate::codec::device_id::Kind;
use crate::codec::sip::{Draft, Message, Method};
use crate::codec::sir::{App, Ask, SiaContent, Sir};
use crate::event::{Fact, When};
use crate::machine::Machine;
use crate::protocol::sip::endpoint::{ClientId, Failure, Input, Target};
use crate::protocol::sip::push_session::{Caller, CallerEvent, HangUp, Invite, Refusal, Within};
use crate::protocol::sip::session_timer;
use crate::protocol::wsp::contact_point;
use crate::time::Time;
use crate::world::Output;

use super::bearer::HttpPoint;
use super::behaviour::{Activate, Connect, ContactKind};
use super::config::Config;
use super::registration::ALLOW;
use super::{Device, Purpose, Timer, host_of};

mod media;

use media::Media;

/// What a session is about.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// The gateway to ask: a URI.
    pub(super) ppg: String,
    /// The number of the SIR, when it has one.
    pub(super) sir: Option<String>,
    /// The Call-ID of the SIR.
    pub(super) call_id: Option<String>,
    /// What repetitions of the SIR are known by; `None` for a session without a SIR.
    pub(super) key: Option<String>,
    /// What the SIR asks for.
    pub(super) ask: Ask,
    /// Applications to activate.
    pub(super) apps: Vec<App>,
    /// Where the gateway takes sessions of WSP.
    pub(super) wsp: Vec<SocketAddr>,
    /// Where the gateway takes connections for push over HTTP.
    pub(super) http: Vec<HttpPoint>,
    /// How often it was tried.
    tries: u32,
}

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

/// How often a gateway that asks for patience is asked again.
const TRIES_MAX: u32 = 3;
/// The longest such patience, in seconds.
const PATIENCE_MAX: u32 = 300;

impl About {
    pub(super) fn of(sir: &Sir, call_id: Option<&str>, key: &str) -> Self {
        Self {
            ppg: sir.ppg().to_owned(),
            sir: sir.id.clone(),
            call_id: call_id.map(str::to_owned),
            key: Some(key.to_owned()),
            ask: sir.ask(),
            apps: sir.apps().into_iter().cloned().collect(),
            wsp: match &sir.sia {
                SiaContent::Binary(sia) => sia
                    .wsp_contacts
                    .iter()
                    .filter_map(|it| contact_point(it.address.octets(), it.port))
                    .collect(),
                _ => Vec::new(),
            },
            http: HttpPoint::of(sir),
            tries: 0,
        }
    }

    /// What content asks that came by a bearer, without a session.
    pub(super) fn of_content(ppg: String, sir: Option<String>, ask: Ask, apps: Vec<App>) -> Self {
        Self {
            ppg,
            sir,
            ask,
            apps,
            ..Self::default()
        }
    }

    /// True for what a SIR by another bearer than SIP brought about: no Call-ID says so.
    const fn is_by_bearer(&self) -> bool {
        self.key.is_some() && self.call_id.is_none()
    }

    /// The headers that say which SIR a request answers.
    pub(super) fn correlate(&self, mut draft: Draft) -> Draft {
        if let Some(call_id) = &self.call_id {
            draft = draft.header("In-Reply-To", call_id);
        }
        if let Some(sir) = &self.sir {
            draft = draft.header("X-Sirgate-Sir", sir);
        }
        draft
    }
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

    /// Opens the session that the configuration asks for, unless it is there.
    pub(super) fn connect_unasked(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(ppg) = self.config.connect.clone() else {
            return;
        };
        if !self.has_session_with(&host_of(&ppg)) {
            let about = About {
                ppg,
                ..About::default()
            };
            self.call(now, about, out);
        }
    }

    /// Asks a gateway for a session, or for what waits without one (R2.90, R2.91).
    pub(super) fn connect(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        let Some(about) = self.connect_by_wsp(now, about, out) else {
            return;
        };
        let Some(about) = self.connect_by_http(now, about, out) else {
            return;
        };
        match self.config.behaviour.connect {
            // A registrar that was never asked does not know the device.
            Connect::Register if self.config.register => self.ask_by_register(now, about, out),
            Connect::Subscribe => self.ask_by_subscribe(now, about, out),
            Connect::Invite | Connect::Register | Connect::Wsp | Connect::Http => {
                self.call(now, about, out);
            }
        }
    }

    fn call(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        self.report_request(now, &about.ppg, about.sir.clone(), out);
        self.call_as(now, about, false, out);
    }

    /// Opens a session for another service; gives its number.
    pub(super) fn call_service(&mut self, now: Time, uri: String, out: &mut Vec<Output>) -> u64 {
        let about = About {
            ppg: uri,
            ..About::default()
        };
        self.call_as(now, about, true, out)
    }

    fn call_as(
        &mut self,
        now: Time,
        mut about: About,
        is_service: bool,
        out: &mut Vec<Output>,
    ) -> u64 {
        about.tries = about.tries.saturating_add(1);
        let number = self.fresh();
        let uri = about.ppg.clone();
        let token = self.random.token::<16>();
        let session_id = token.to_string();
        let call_id = format!(
            "{}~push-{token}@{}",
            self.config.contact_user,
            self.config.local.ip()
        );
        let tag = self.random.token::<8>().to_string();
        let call = Call {
            about: &about,
            uri: &uri,
            call_id: &call_id,
            tag: &tag,
            cseq: 1,
            session_id: &session_id,
            seconds: 0,
            is_service,
        };
        let (caller, draft) = self.invite(number, &call);
        let target = self.target_of(&uri);
        let client = self.request(now, Purpose::Invite(number), draft, target, out);
        self.sessions.push(Session {
            number,
            about,
            uri,
            caller,
            client,
            call_id,
            tag,
            cseq: 1,
            session_id,
            seconds: 0,
            reported_up: false,
            is_service,
            contents: 0,
            chunks: 0,
            media: None,
        });
        number
    }

    pub(super) fn report_request(
        &self,
        now: Time,
        uri: &str,
        sir: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let fact = Fact::SessReq {
            dev: self.config.name.clone(),
            ppg: uri.to_owned(),
            sir,
        };
        self.report(now, fact, out);
    }

    fn invite(&mut self, number: u64, call: &Call<'_>) -> (Caller, Draft) {
        let address = self.config.local.ip();
        // The service is another's, and so is what it carries.
        let accept: &[String] = if call.is_service {
            &[]
        } else {
            &self.config.profile.accept
        };
        let sdp = media::offer(number, address, call.session_id, accept);
        let authorization = self.authorize(Method::Invite, call.uri, &sdp);
        let routes = self.routes();
        let config = &self.config;
        let identity = format!("<{}>", config.pui);
        let gruu = self
            .registration
            .granted()
            .and_then(|granted| granted.pub_gruu.as_deref());
        let expires = call.seconds.max(session_timer::USUAL).to_string();
        let least = call.seconds.to_string();
        let mut headers: Vec<(&str, &str)> = vec![
            ("Supported", "gruu, outbound, timer"),
            ("Session-Expires", &expires),
            ("Allow", ALLOW),
            ("P-Preferred-Identity", &identity),
            ("Accept", "application/sdp"),
        ];
        if let Some(call_id) = &call.about.call_id {
            headers.push(("In-Reply-To", call_id));
        }
        if let Some(sir) = &call.about.sir {
            headers.push(("X-Sirgate-Sir", sir));
        }
        if call.seconds > 0 {
            headers.push(("Min-SE", &least));
        }
        for (name, value) in &authorization {
            headers.push((name, value));
        }
        // Without a GRUU the gateway must be told otherwise which device this is.
        let device = config.ids.first().map(|id| format!("<{id}>"));
        let is_needed = gruu.is_none() || call.about.is_by_bearer();
        if let (true, Some(device)) = (is_needed, &device) {
            headers.push(("X-Sirgate-Device", device));
        }
        Caller::invite(&Invite {
            uri: call.uri,
            to: &format!("<{}>", call.uri),
            from: &identity,
            tag: call.tag,
            call_id: call.call_id,
            number: call.cseq,
            contact: &contact(config, gruu),
            routes: &routes,
            headers: &headers,
            sdp: &sdp,
        })
    }

    pub(super) fn place(&self, number: u64) -> Option<usize> {
        self.sessions
            .iter()
            .position(|session| session.number == number)
    }

    /// A response to the INVITE of a session.
    pub(super) fn invite_answered(
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
    pub(super) fn invite_failed(
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

/// What one INVITE says.
struct Call<'a> {
    about: &'a About,
    uri: &'a str,
    call_id: &'a str,
    tag: &'a str,
    cseq: u32,
    session_id: &'a str,
    /// Seconds that the gateway wants a session to live at least; 0 while it did not say.
    seconds: u32,
    is_service: bool,
}

/// The Contact of an INVITE: the public GRUU, so that the gateway knows the device.
pub(super) fn contact(config: &Config, gruu: Option<&str>) -> String {
    let plain = || {
        format!(
            "<{}>;+sip.instance=\"<{}>\"",
            config.contact(),
            config.instance
        )
    };
    let base = match (config.behaviour.contact, gruu) {
        (ContactKind::Gruu, Some(gruu)) => format!("<{gruu}>"),
        (ContactKind::Gruu, None) | (ContactKind::Plain, _) => plain(),
        (ContactKind::WrongGruu, _) => format!(
            "<{};gr=urn:uuid:00000000-0000-4000-8000-000000000000>",
            config.pui
        ),
        (ContactKind::Imei, _) => {
            let imei = config.ids.iter().find(|id| id.kind() == Kind::Imei);
            imei.map_or_else(plain, |imei| format!("<{};gr={imei}>", config.pui))
        }
    };
    format!("{base};+sip.message")
}
