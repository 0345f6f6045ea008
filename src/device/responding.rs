//! What a device returns and sends because a SIR asked for it, and the applications it starts for that.
//!
//! **Source:** CN101764828A claims 6 and 11 to 13; the sirgate SIP profile, E.7. Without a question nothing is returned.

use serde_json::{Value, json};

use crate::codec::sip::{Draft, Message, Method};
use crate::codec::sir::{App, Ask};
use crate::event::{Fact, Reason, Via, When};
use crate::time::Time;
use crate::world::Output;

use super::applications::{self, Application};
use super::behaviour::ReturnBy;
use super::reply::{self, INFORMATION};
use super::session::About;
use super::{Device, Purpose, Timer, host_of};

/// An information on its way in a MESSAGE, so that it can be sent again with credentials.
#[derive(Debug)]
pub(super) struct Returned {
    about: About,
    body: Vec<u8>,
    call_id: String,
    tag: String,
    cseq: u32,
}

/// On what information goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The push session of that number.
    Session(u64),
    /// A MESSAGE.
    Sip,
    /// The session for another service, of that number.
    Service(u64),
    Sms,
    Push,
    Ussd,
}

impl Way {
    /// How it is reported; `None` for the push session, which may be a new one or not.
    const fn via(self) -> Option<Via> {
        match self {
            Self::Session(_) => None,
            Self::Sip => Some(Via::Sip),
            Self::Service(_) => Some(Via::Service),
            Self::Sms => Some(Via::Sms),
            Self::Push => Some(Via::Push),
            Self::Ussd => Some(Via::Ussd),
        }
    }
}

/// The questions for information, with the names of their kinds.
const INFORMATIONS: [(Ask, &str); 4] = [
    (Ask::CAPABILITY, "capability"),
    (Ask::PREFERENCE, "preference"),
    (Ask::SECURITY, "security"),
    (Ask::SUBSCRIPTION, "subscription"),
];

impl Device {
    /// Starts the applications that a SIR names and that are installed (R2.109).
    pub(super) fn activate(&mut self, now: Time, apps: &[&App], when: When, out: &mut Vec<Output>) {
        let profile = self.config.profile.clone();
        for app in apps {
            let installed =
                applications::installed(&profile.own.applications, &app.id, app.name.as_deref());
            let Some(application) = installed else {
                continue;
            };
            let dev = self.config.name.clone();
            self.running.start(&application.id);
            let app = application.id.clone();
            self.report(now, Fact::AppAct { dev, app, when }, out);
            if application.registers {
                let (dev, app) = (self.config.name.clone(), application.id.clone());
                self.report(now, Fact::AppReg { dev, app }, out);
            }
        }
    }

    /// Returns what a SIR asked for, on the session that it brought about (R2.103); without one in a MESSAGE.
    pub(super) fn return_in_session(
        &mut self,
        now: Time,
        number: Option<u64>,
        about: &About,
        via: Via,
        out: &mut Vec<Output>,
    ) {
        if let Some(sir) = &about.sir {
            self.returned.note(sir, ());
        }
        let way = self.way(number);
        for (question, kind) in INFORMATIONS {
            if !about.ask.contains(question) || !self.is_willing(question) {
                continue;
            }
            let body = self.information(about, kind);
            let via = way.via().unwrap_or(via);
            let (dev, kind) = (self.config.name.clone(), kind.to_owned());
            self.report(now, Fact::InfoTx { dev, kind, via }, out);
            self.convey(now, way, about, body, out);
        }
        self.send_messages(now, way, about, out);
    }

    /// Sends the messages that a SIR asked for (R2.101, R2.102).
    fn send_messages(&mut self, now: Time, way: Way, about: &About, out: &mut Vec<Output>) {
        if about.ask.contains(Ask::SEND_REGISTRATION) && self.is_willing(Ask::SEND_REGISTRATION) {
            if self.config.register {
                self.timers.set(Timer::Register, now);
            }
            let told = json!({"contact": self.config.contact(), "instance": self.config.instance});
            self.send_message(now, way, about, "registration", &told, out);
        }
        if about.ask.contains(Ask::SEND_CAPABILITY) && self.is_willing(Ask::SEND_CAPABILITY) {
            let told = self.answer_of(about, "capability").clone();
            self.send_message(now, way, about, "capability", &told, out);
        }
    }

    fn send_message(
        &mut self,
        now: Time,
        way: Way,
        about: &About,
        kind: &str,
        told: &Value,
        out: &mut Vec<Output>,
    ) {
        // Beside its kind a message says that it is one, so that it is not taken for an information.
        let mut told = told.clone();
        if let Some(members) = told.as_object_mut() {
            members.insert("message".to_owned(), json!(true));
        }
        let body = self.body(about, kind, &told);
        let (dev, kind) = (self.config.name.clone(), kind.to_owned());
        self.report(now, Fact::MsgTx { dev, kind }, out);
        self.convey(now, way, about, body, out);
    }

    /// A SIR that changes nothing, because its gateway has a session: its questions are answered there.
    pub(super) fn return_on_existing(&mut self, now: Time, about: &About, out: &mut Vec<Output>) {
        // Content that came first may have asked the same.
        if !self.has_returned(about)
            && let Some(number) = self.bound_session_with(&host_of(&about.ppg))
        {
            self.return_in_session(now, Some(number), about, Via::Existing, out);
        }
    }

    /// True when the questions of this SIR were answered before.
    pub(super) fn has_returned(&self, about: &About) -> bool {
        about
            .sir
            .as_deref()
            .is_some_and(|sir| self.returned.get(sir).is_some())
    }

    /// Tells why the device does not connect (R2.88).
    pub(super) fn refuse(
        &mut self,
        now: Time,
        about: &About,
        reason: Reason,
        out: &mut Vec<Output>,
    ) {
        if !self.is_willing(Ask::REFUSAL) {
            return;
        }
        let body = self.body(about, "refusal", &json!({"reason": reason.token()}));
        let way = self.way(None);
        let fact = Fact::InfoTx {
            dev: self.config.name.clone(),
            kind: "refusal".to_owned(),
            via: way.via().unwrap_or(Via::Sip),
        };
        self.report(now, fact, out);
        self.convey(now, way, about, body, out);
    }

    fn is_willing(&self, question: Ask) -> bool {
        let replies = self.config.behaviour.replies.as_ref();
        replies.is_none_or(|replies| {
            question
                .tokens()
                .all(|token| replies.iter().any(|reply| reply == token))
        })
    }

    /// The information of a kind: the activated application's, or the device's own (R2.110).
    fn answer_of(&self, about: &About, kind: &str) -> &Value {
        let profile = &self.config.profile;
        let installed = &profile.own.applications;
        let activated = about.apps.iter().filter_map(|app| {
            let application: &Application =
                applications::installed(installed, &app.id, app.name.as_deref())?;
            self.running
                .is_running(&application.id)
                .then_some(application)
        });
        applications::information(activated, kind, profile.information.of(kind))
    }

    fn information(&self, about: &About, kind: &str) -> Vec<u8> {
        self.body(about, kind, self.answer_of(about, kind))
    }

    fn body(&self, about: &About, kind: &str, told: &Value) -> Vec<u8> {
        reply::information(about.sir.as_deref(), self.config.ids.first(), kind, told)
    }

    /// The way that is configured, when the device has it; else the session of that number, else SIP.
    fn way(&self, number: Option<u64>) -> Way {
        let bearers = &self.config.bearers;
        let usual = number.map_or(Way::Sip, Way::Session);
        let has_radio = bearers.radio.is_some();
        match self.config.behaviour.return_by {
            ReturnBy::Sip => Way::Sip,
            ReturnBy::Sms if has_radio => Way::Sms,
            ReturnBy::Ussd if has_radio => Way::Ussd,
            ReturnBy::Push if bearers.info_url.is_some() => Way::Push,
            ReturnBy::Service => self.bound_service().map_or(usual, Way::Service),
            _ => usual,
        }
    }

    /// Sends a body on a way.
    fn convey(&mut self, now: Time, way: Way, about: &About, body: Vec<u8>, out: &mut Vec<Output>) {
        match way {
            Way::Session(number) | Way::Service(number) => {
                self.send_in(now, number, INFORMATION, body, out);
            }
            Way::Sip => self.send_by_sip(now, about, body, out),
            Way::Sms => self.send_by_sms(now, &body, out),
            Way::Push => self.send_by_push(now, about, body, out),
            Way::Ussd => self.send_by_ussd(now, &body, out),
        }
    }

    /// Sends a body in a MESSAGE to the gateway of the SIR.
    fn send_by_sip(&mut self, now: Time, about: &About, body: Vec<u8>, out: &mut Vec<Output>) {
        let token = self.random.token::<16>();
        let returned = Returned {
            about: about.clone(),
            body,
            call_id: format!(
                "{}~msg-{token}@{}",
                self.config.contact_user,
                self.config.local.ip()
            ),
            tag: self.random.token::<8>().to_string(),
            cseq: 1,
        };
        self.send_returned(now, Box::new(returned), out);
    }

    fn send_returned(&mut self, now: Time, returned: Box<Returned>, out: &mut Vec<Output>) {
        let authorization = self.authorize(Method::Message, &returned.about.ppg, &returned.body);
        let about = &returned.about;
        let pui = &self.config.pui;
        let mut draft = Draft::request(Method::Message, &about.ppg);
        for route in self.routes() {
            draft = draft.header("Route", route);
        }
        draft = draft
            .header("From", format_args!("<{pui}>;tag={}", returned.tag))
            .header("To", format_args!("<{}>", about.ppg))
            .header("Call-ID", &returned.call_id)
            .header("CSeq", format_args!("{} MESSAGE", returned.cseq))
            .header("P-Preferred-Identity", format_args!("<{pui}>"));
        if let Some(call_id) = &about.call_id {
            draft = draft.header("In-Reply-To", call_id);
        }
        if let Some(sir) = &about.sir {
            draft = draft.header("X-Sirgate-Sir", sir);
        }
        if let Some(id) = self.config.ids.first() {
            draft = draft.header("X-Sirgate-Device", format_args!("<{id}>"));
        }
        for (name, value) in &authorization {
            draft = draft.header(name, value);
        }
        let draft = draft
            .body(INFORMATION, &returned.body)
            .header("Content-Disposition", "render;handling=required");
        let target = self.target_of(&about.ppg);
        self.request(now, Purpose::Message(returned), draft, target, out);
    }

    /// An information was answered: a challenge is met once, all else ends it.
    pub(super) fn message_answered(
        &mut self,
        now: Time,
        mut returned: Box<Returned>,
        response: &Message,
        out: &mut Vec<Output>,
    ) {
        if self.is_challenge(response) {
            returned.cseq = returned.cseq.saturating_add(1);
            self.send_returned(now, returned, out);
        }
    }
}
