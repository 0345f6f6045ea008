//! The doors of a device beside SIP MESSAGE: a SIR that comes by any of them ends in the same judging.
//!
//! **Source:** CN101764828A claim 3, the sirgate SIP profile E.3 and E.5. After a SIR the device opens the same push
//! session whatever brought it. A small content that comes by a bearer is taken as a push.
//!
//! | bearer | where |
//! |---|---|
//! | OTA-HTTP | `http`; on connections that the device opens `ota_http` |
//! | WSP datagram | `wsp` |
//! | WSP session | `ota_wsp` |
//! | the radio, and what is attached to it | `radio`, `sms`, `ussd` |
//! | SIP OPTIONS, NOTIFY | `signalling` |
//! | a session for another service | `service` |
//! | information in a push of the device's own | `push` |

use std::net::{IpAddr, SocketAddr};

use crate::codec::DecodeError;
use crate::codec::ota_http::CpiTag;
use crate::codec::sip::{Message, Name};
use crate::codec::sir::{self, Ask, Sir};
use crate::event::{Bearer, Fact, Via, When};
use crate::protocol::sip::endpoint::{Flow, ServerId};
use crate::time::Time;
use crate::world::{LinkId, Output, RequestId, SocketId};

use super::behaviour::Trust;
use super::judging::Heard;
use super::reply::Answer;
use super::session::About;
use super::{Device, host_of};

mod http;
mod ota_http;
mod ota_wsp;
mod push;
mod radio;
mod segments;
mod service;
mod signalling;
mod sms;
mod ussd;
mod wsp;

pub(super) use ota_http::HttpPoint;
pub(super) use radio::Radio;
pub(super) use segments::Segments;
pub(super) use signalling::carries_sir;

/// What a device is reached by beside its SIP flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearers {
    /// Its number in the network of short messages.
    pub msisdn: Option<String>,
    /// The socket of its radio, and the short message centre there.
    pub radio: Option<(SocketId, SocketAddr)>,
    /// The socket that takes WSP pushes.
    pub wsp: Option<SocketId>,
    /// Who may send pushes there; anybody when nobody is named.
    pub wsp_from: Vec<IpAddr>,
    /// The socket from which it opens sessions of WSP.
    pub wsp_session: Option<SocketId>,
    /// It takes pushes by HTTP.
    pub http: bool,
    /// The gateway it is provisioned for, as requests by HTTP name it; `None`: it does not look at that.
    pub prov_url: Option<String>,
    /// It opens a session for another service.
    pub service: bool,
    /// It subscribes to SIRs.
    pub signalling: bool,
    /// The number of its gateway among short messages, until one came from there.
    pub short_code: Option<String>,
    /// Where its gateway takes information by HTTP: `http://127.0.0.1:8642/info`.
    pub info_url: Option<String>,
}

/// What a device keeps for its doors.
#[derive(Debug, Default)]
pub(super) struct Doors {
    /// Parts of datagrams that came by radio.
    segments: Segments,
    radio: Radio,
    /// Its capabilities in OTA-HTTP, and their tag.
    capabilities: Option<(Vec<(&'static str, String)>, CpiTag)>,
    /// Its sessions of WSP.
    wsp: Option<Box<ota_wsp::Sessions>>,
    /// Connections that it opened for push over HTTP.
    lines: ota_http::Lines,
    /// What gateways have to hash with their password, and how often it was used.
    nonce: Option<(String, u32)>,
    /// The number of the session for another service.
    service: Option<u64>,
    /// Its subscription to SIRs.
    signalling: Option<signalling::Subscription>,
}

/// Who waits for the answer to an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// Whoever came to the device's door.
    Door(RequestId),
    /// The gateway, on a connection that the device opened.
    Line(LinkId),
}

/// How a SIR came, and so how it is answered.
#[derive(Debug)]
pub(super) enum Arrival {
    /// In a SIP request.
    Sip {
        bearer: Bearer,
        server: ServerId,
        flow: Flow,
        message: Message,
    },
    /// In an HTTP request.
    Http {
        id: Asker,
        /// Rows that its answer has in any case.
        rows: Vec<(String, String)>,
        /// The gateway said who it is.
        is_proved: bool,
    },
    /// In a string, whose dialogue waits.
    Ussd(Bearer),
    /// In the session for another service.
    Service,
    /// In what was answered on its own layer, or never is.
    Told(Bearer),
}

/// A push as a bearer brought it, its headers as text.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    pub(super) rows: Vec<(String, String)>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

impl Bearers {
    /// Whether the device has any door beside SIP.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.radio.is_some()
            || self.wsp.is_some()
            || self.wsp_session.is_some()
            || self.http
            || self.service
            || self.signalling
    }
}

impl Arrival {
    /// What carried it.
    pub(super) const fn bearer(&self) -> Bearer {
        match self {
            Self::Sip { bearer, .. } | Self::Ussd(bearer) | Self::Told(bearer) => *bearer,
            Self::Http { .. } => Bearer::Http,
            Self::Service => Bearer::Service,
        }
    }

    /// The SIP request.
    pub(super) const fn message(&self) -> Option<&Message> {
        match self {
            Self::Sip { message, .. } => Some(message),
            _ => None,
        }
    }

    /// On what a content came by it.
    const fn via(&self) -> Via {
        match self {
            Self::Sip { .. } => Via::Sip,
            Self::Http { .. } => Via::Http,
            Self::Service => Via::Service,
            Self::Ussd(_) => Via::Ussd,
            Self::Told(Bearer::Sms | Bearer::Cs | Bearer::Ps) => Via::Sms,
            Self::Told(_) => Via::Wsp,
        }
    }
}

impl Pushed {
    /// The first row of that name, in any case.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.rows
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether it is a SIR: by its type, or by what it is addressed to when the type may be anything's.
    fn is_sir(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        if essence.trim().eq_ignore_ascii_case(sir::SIA_TYPE) {
            return true;
        }
        let application = self.value(Name::XWapApplicationId.text());
        let is_for_sirs = application.is_some_and(|application| {
            application.eq_ignore_ascii_case(sir::SIA_APPLICATION) || application == "1"
        });
        is_for_sirs
            && self.value(Name::XSirgatePush.text()).is_none()
            && Sir::accepts(&self.content_type)
    }

    fn sir(&self) -> Result<Sir, DecodeError> {
        let header = |name: &str| {
            self.rows
                .iter()
                .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect()
        };
        Sir::of_rows(&header, &self.content_type, &self.body)
    }
}

impl Device {
    /// A datagram, when its socket is a door's; else it comes back.
    pub(super) fn by_door(
        &mut self,
        now: Time,
        socket: SocketId,
        peer: SocketAddr,
        octets: bytes::Bytes,
        out: &mut Vec<Output>,
    ) -> Option<bytes::Bytes> {
        let bearers = &self.config.bearers;
        if bearers.wsp == Some(socket) {
            self.wsp_datagram(now, peer, &octets, out);
        } else if bearers.wsp_session == Some(socket) {
            self.wsp_session_datagram(now, peer, octets, out);
        } else if let Some((_, centre)) = bearers.radio.filter(|(own, _)| *own == socket) {
            // The radio has one centre; whoever else sends there is not heard.
            if peer == centre {
                self.radio_frame(now, &octets, out);
            }
        } else {
            return Some(octets);
        }
        None
    }

    /// Opens the doors that the device has to open itself; called once it is registered, or need not be.
    pub(super) fn open_doors(&mut self, now: Time, out: &mut Vec<Output>) {
        self.open_service(now, out);
        self.subscribe_to_sirs(now, out);
    }

    /// A push came by a bearer: a SIR is judged, a content taken.
    pub(super) fn pushed(
        &mut self,
        now: Time,
        arrival: Arrival,
        pushed: &Pushed,
        out: &mut Vec<Output>,
    ) {
        if !pushed.is_sir() {
            return self.pushed_content(now, &arrival, pushed, out);
        }
        match pushed.sir() {
            Ok(mut sir) => {
                // A gateway that does not say who it is, is the device's own.
                if sir.ppg().is_empty() {
                    sir.server = self.service_of_gateway("push");
                }
                self.arrived(now, arrival, sir, out);
            }
            Err(error) => {
                let why = format!("SIR by {}: {error}", arrival.bearer().word());
                let from = arrival.bearer().word().to_owned();
                self.report(now, Fact::Refused { from, why }, out);
                self.answer_sir(now, &arrival, Answer::plain(400), out);
            }
        }
    }

    /// A SIR that could be read (R2.72).
    pub(super) fn arrived(&mut self, now: Time, arrival: Arrival, sir: Sir, out: &mut Vec<Output>) {
        if self.config.behaviour.silent {
            self.report_sir(now, arrival.bearer(), &sir, out);
            return;
        }
        if self.wakes(now, &arrival, out) {
            return;
        }
        let number = self.fresh();
        let mut heard = Heard::new(arrival, sir, number);
        if !self.config.behaviour.takes_repeats
            && let Some(answered) = self.sirs.get(heard.key())
        {
            // While the first is being judged a repetition by SIP gets no answer: there is none yet.
            let is_sip = heard.arrival().message().is_some();
            if let Some(answer) = answered.or_else(|| (!is_sip).then(|| Answer::plain(202))) {
                self.answer_sir(now, heard.arrival(), answer, out);
            }
            return;
        }
        if self.asks_who(now, &mut heard, out) {
            return;
        }
        self.report_sir(now, heard.arrival().bearer(), heard.sir(), out);
        self.sirs.note(heard.key(), None);
        self.hear(now, Box::new(heard), out);
    }

    /// Answers a SIR on the way it came.
    pub(super) fn answer_sir(
        &mut self,
        now: Time,
        arrival: &Arrival,
        answer: Answer,
        out: &mut Vec<Output>,
    ) {
        match arrival {
            Arrival::Sip {
                server, message, ..
            } => self.respond_sir(now, *server, message, answer, out),
            Arrival::Http { id, rows, .. } => self.http_judged(now, *id, rows, answer, out),
            Arrival::Ussd(_) => self.ussd_judged(now, out),
            Arrival::Service | Arrival::Told(_) => {}
        }
    }

    /// A session over another protocol than SIP is over.
    fn session_down(&self, now: Time, about: &About, why: &str, out: &mut Vec<Output>) {
        let fact = Fact::SessDown {
            dev: self.config.name.clone(),
            ppg: about.ppg.clone(),
            by: "dev".to_owned(),
            why: why.to_owned(),
        };
        self.report(now, fact, out);
    }

    /// No session came of what a SIR asked for: the SIR is open still, and its repetition means what it says.
    fn no_session(
        &mut self,
        now: Time,
        about: &About,
        from: &str,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        if let Some(key) = &about.key {
            self.sirs.forget(key);
        }
        let (from, why) = (from.to_owned(), format!("no session: {why}"));
        self.report(now, Fact::Refused { from, why }, out);
    }

    /// A content that came without a session.
    fn pushed_content(
        &mut self,
        now: Time,
        arrival: &Arrival,
        pushed: &Pushed,
        out: &mut Vec<Output>,
    ) {
        // Whoever reaches a door may push: a device that wants to know who it is takes contents in sessions alone.
        let is_in_session = matches!(
            arrival,
            Arrival::Http {
                id: Asker::Line(_),
                ..
            }
        );
        if self.config.behaviour.require > Trust::None && !is_in_session {
            let (from, why) = (arrival.bearer().word(), "content of an unproved sender");
            let (from, why) = (from.to_owned(), why.to_owned());
            self.report(now, Fact::Refused { from, why }, out);
            return self.answer_sir(now, arrival, Answer::plain(403), out);
        }
        if !self.config.profile.takes(&pushed.content_type) {
            let fact = Fact::Refused {
                from: arrival.bearer().word().to_owned(),
                why: format!("content of type {}", pushed.content_type),
            };
            self.report(now, fact, out);
            return self.answer_sir(now, arrival, Answer::plain(415), out);
        }
        let push = pushed.value(Name::XSirgatePush.text()).unwrap_or_default();
        let push = push.trim_matches('"').to_owned();
        let is_repeated = !push.is_empty() && self.pushes.get(&push).is_some();
        let content = (pushed.content_type.as_str(), pushed.body.as_ref());
        self.content(now, push, content, arrival.via(), out);
        self.answer_sir(now, arrival, Answer::plain(200), out);
        if is_repeated {
            return;
        }
        let rows = pushed.rows.iter();
        let (ask, mut apps) = sir::read_questions(rows.map(|(name, value)| (&**name, &**value)));
        if let Some(id) = pushed.value(Name::XWapApplicationId.text())
            && !apps.iter().any(|app| app.id == id)
        {
            apps.push(sir::App::new(id));
        }
        let named: Vec<_> = apps.iter().collect();
        self.activate(now, &named, When::After, out);
        let ppg = pushed
            .value(sir::FROM)
            .map_or_else(|| self.service_of_gateway("push"), str::to_owned);
        let sir = pushed.value(Name::XSirgateSir.text()).map(str::to_owned);
        let about = About::of_content(ppg, sir, ask, apps);
        if ask != Ask::NONE && self.is_own_gateway(&about.ppg) && !self.has_returned(&about) {
            self.return_in_session(now, None, &about, Via::Sip, out);
        }
    }

    pub(super) fn report_sir(&self, now: Time, bearer: Bearer, sir: &Sir, out: &mut Vec<Output>) {
        let mut ids: Vec<String> = Vec::new();
        for placed in [&sir.header, &sir.value, &sir.body] {
            for device in &placed.devices {
                if !ids.iter().any(|old| old == device.as_str()) {
                    ids.push(device.as_str().to_owned());
                }
            }
        }
        let fact = Fact::SirRx {
            dev: self.config.name.clone(),
            bearer,
            sir: sir.id.clone(),
            ids,
            pui: sir.pui.clone(),
        };
        self.report(now, fact, out);
    }

    /// The URI of a service at the device's gateway: `sip:push@ppg.example.com`.
    pub(super) fn service_of_gateway(&self, service: &str) -> String {
        let known = self.config.ppg_addresses.first();
        let host = known.map_or_else(|| self.config.domain(), |(name, _)| name.as_str());
        format!("sip:{service}@{host}")
    }

    /// True when this gateway is the device's own.
    pub(super) fn is_own_gateway(&self, uri: &str) -> bool {
        host_of(uri).eq_ignore_ascii_case(&host_of(&self.service_of_gateway("push")))
    }

    /// Reports a protocol message as a rung of the ladder, if that is wanted; the caller says what it is.
    pub(super) fn rung(
        &self,
        now: Time,
        line: &str,
        sent: bool,
        what: &str,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let (ppg, own) = (crate::ladder::PPG.to_owned(), self.config.name.clone());
        let (from, to) = if sent { (own, ppg) } else { (ppg, own) };
        let fact = Fact::Wire {
            from,
            to,
            line: line.to_owned(),
            what: what.to_owned(),
            push: None,
            octets: bytes::Bytes::copy_from_slice(octets),
        };
        self.report(now, fact, out);
    }
}
