//! Requests that a device receives: SIRs, small contents, the end of a session, questions.
//!
//! **Source:** the sirgate SIP profile, E.4 and E.6; RFC 3261 section 8.2, RFC 3428.

use crate::codec::sip::{Draft, Message, Method, Name};
use crate::codec::sir::Sir;
use crate::event::{Bearer, Fact, Via};
use crate::protocol::sip::authentication::Verdict;
use crate::protocol::sip::endpoint::{Flow, Input, ServerId};
use crate::protocol::sip::push_session::Within;
use crate::time::Time;
use crate::world::Output;

use super::Device;
use super::bearer::{Arrival, carries_sir};
use super::judging::Heard;
use super::registration::{ACCEPT, ALLOW};
use super::reply::Answer;
use super::session::Session;

/// What devices say they are.
const SERVER: &str = concat!("sirgate-device/", env!("CARGO_PKG_VERSION"));

impl Device {
    pub(super) fn incoming(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        match message.method() {
            Some(Method::Message) => self.message(now, id, flow, message, out),
            Some(Method::Options) if carries_sir(&message) => {
                self.sir(now, id, flow, (message, Bearer::Signalling), out);
            }
            Some(Method::Options) => {
                let draft = self
                    .response(&message, 200)
                    .header("Allow", ALLOW)
                    .header("Accept", ACCEPT)
                    .header("Supported", "gruu, outbound");
                self.respond(now, id, draft, out);
            }
            Some(Method::Bye | Method::Info | Method::Update) => {
                self.within(now, id, &message, out);
            }
            // A push session is asked for by the device alone.
            Some(Method::Invite) => {
                let draft = self
                    .response(&message, 488)
                    .header("Warning", self.warning("sessions are opened by the device"));
                self.respond(now, id, draft, out);
            }
            Some(Method::Notify) if self.is_signalling(&message) => {
                self.signalling_notify(now, id, flow, message, out);
            }
            Some(Method::Notify) => self.notify(now, id, &message, out),
            _ => {
                let draft = self.response(&message, 405).header("Allow", ALLOW);
                self.respond(now, id, draft, out);
            }
        }
    }

    /// An answer of this device.
    pub(super) fn response(&mut self, request: &Message, status: u16) -> Draft {
        let tag = self.random.token::<8>();
        Draft::response(request, status, Some(tag.as_str())).header("Server", SERVER)
    }

    pub(super) fn respond(&mut self, now: Time, id: ServerId, draft: Draft, out: &mut Vec<Output>) {
        let response = draft.finish();
        self.sip(now, Input::Respond { id, response }, out);
    }

    pub(super) fn warning(&self, text: &str) -> String {
        let user = &self.config.contact_user;
        format!("399 {user}.{} \"{text}\"", self.config.domain())
    }

    /// Answers a SIR.
    pub(super) fn respond_sir(
        &mut self,
        now: Time,
        id: ServerId,
        message: &Message,
        answer: Answer,
        out: &mut Vec<Output>,
    ) {
        let status = self.config.behaviour.answer.unwrap_or(answer.status);
        let mut draft = self.response(message, status);
        if let Some(reason) = answer.refusal {
            draft = draft
                .header(
                    "Reason",
                    format_args!("SIP;cause={status};text=\"{reason}\""),
                )
                .header(
                    "Warning",
                    self.warning(&format!("sirgate refusal {reason}")),
                );
        }
        if let Some(seconds) = answer.retry_after {
            draft = draft.header("Retry-After", seconds);
        }
        self.respond(now, id, draft, out);
    }

    /// A BYE, or another request in a session.
    fn within(&mut self, now: Time, id: ServerId, message: &Message, out: &mut Vec<Output>) {
        let found = self
            .sessions
            .iter()
            .position(|session| session.is_of(message));
        let within = found
            .and_then(|at| self.sessions.get_mut(at))
            .map(|session| session.on_request(message));
        match within {
            Some(Within::Over(response)) => {
                self.sip(now, Input::Respond { id, response }, out);
                if let Some(at) = found {
                    let why = message.text(Name::Reason).unwrap_or("bye").to_owned();
                    self.session_over(now, at, &why, false, out);
                }
            }
            Some(Within::Answer(response)) => {
                self.sip(now, Input::Respond { id, response }, out);
            }
            Some(Within::Other) if message.method() == Some(Method::Update) => {
                let number = found
                    .and_then(|at| self.sessions.get(at))
                    .map(Session::number);
                self.on_refresh(now, id, number.unwrap_or_default(), message, out);
            }
            Some(Within::Other) => {
                let draft = self.response(message, 501);
                self.respond(now, id, draft, out);
            }
            None => {
                let draft = self.response(message, 481);
                self.respond(now, id, draft, out);
            }
        }
    }

    /// A MESSAGE: a SIR or a small content.
    fn message(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        let is_content = message.header(Name::XSirgatePush).is_some();
        let content_type = message.content_type().unwrap_or_default();
        let is_sir = Sir::accepts(content_type) || message.body().is_empty();
        if is_content && !content_type.starts_with(crate::codec::sir::SIA_TYPE) {
            self.page(now, id, &message, out);
        } else if is_sir {
            self.sir(now, id, flow, (message, Bearer::Sip), out);
        } else {
            let draft = self.response(&message, 415).header("Accept", ACCEPT);
            self.respond(now, id, draft, out);
        }
    }

    /// Content in a MESSAGE or NOTIFY.
    pub(super) fn page(
        &mut self,
        now: Time,
        id: ServerId,
        message: &Message,
        out: &mut Vec<Output>,
    ) {
        let push = message.text(Name::XSirgatePush).unwrap_or_default();
        let push = push.trim_matches('"').to_owned();
        let content_type = message.content_type().unwrap_or_default();
        if !self.config.profile.takes(content_type) {
            let accept = self.config.profile.accept.join(", ");
            let draft = self.response(message, 415).header("Accept", accept);
            self.respond(now, id, draft, out);
            return;
        }
        self.content(now, push, (content_type, message.body()), Via::Sip, out);
        let draft = self.response(message, 200);
        self.respond(now, id, draft, out);
    }

    /// Takes content once (R2.94).
    pub(super) fn content(
        &mut self,
        now: Time,
        push: String,
        (content_type, body): (&str, &[u8]),
        via: Via,
        out: &mut Vec<Output>,
    ) {
        let repeated = !push.is_empty()
            && self.pushes.get(&push).is_some()
            && !self.config.behaviour.takes_repeats;
        self.pushes.note(&push, ());
        let dev = self.config.name.clone();
        let fact = Fact::PushRx {
            push,
            dev,
            via,
            octets: body.len(),
            repeated,
        };
        self.report(now, fact, out);
        if let Some(client) = self.client.as_mut().filter(|_| !repeated)
            && let Some(fact) = client.content(content_type, body)
        {
            self.report(now, fact, out);
        }
    }

    /// A SIR in a SIP request, and what such a request is as a bearer.
    pub(super) fn sir(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        (message, bearer): (Message, Bearer),
        out: &mut Vec<Output>,
    ) {
        match Sir::from_sip(&message) {
            Ok(sir) => {
                let arrival = Arrival::Sip {
                    bearer,
                    server: id,
                    flow,
                    message,
                };
                self.arrived(now, arrival, sir, out);
            }
            Err(error) => {
                let why = format!("SIR: {error}");
                let draft = self
                    .response(&message, 400)
                    .header("Warning", self.warning(&why));
                self.respond(now, id, draft, out);
                let from = host_from(&message);
                self.report(now, Fact::Refused { from, why }, out);
            }
        }
    }

    /// Asks the sender of a SIR who it is, when its way does not say enough; true when the SIR has to wait for that.
    pub(super) fn asks_who(&mut self, now: Time, heard: &mut Heard, out: &mut Vec<Output>) -> bool {
        let required = self.config.behaviour.require;
        let trust = self.trust(heard);
        let Some(authenticator) = &mut self.authenticator else {
            return false;
        };
        let Arrival::Sip {
            server, message, ..
        } = heard.arrival()
        else {
            return false;
        };
        let server = *server;
        if trust >= required {
            return false;
        }
        match authenticator.check(now, message) {
            Verdict::Accepted(_) => heard.prove(),
            // What is not proved is judged as what it is.
            Verdict::Exempt | Verdict::Forbidden => {}
            Verdict::Challenge(rows, _) => {
                let tag = self.random.token::<8>();
                let draft = authenticator.response(message, &rows, tag.as_str());
                self.respond(now, server, draft, out);
                return true;
            }
        }
        false
    }
}

fn host_from(message: &Message) -> String {
    message
        .from()
        .map_or_else(|_| "?".to_owned(), |from| from.uri.host().to_owned())
}
