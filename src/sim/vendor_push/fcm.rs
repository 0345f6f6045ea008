//! Firebase Cloud Messaging, simulated: an endpoint gives access tokens to service accounts, and messages are taken from who
//! shows one.
//!
//! **Source:** `codec::fcm`. The path is looked at first, then who sends, then the message, then the device. A message for a
//! topic is taken, and reaches nobody: devices follow none here.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::{Demand, Handsets, Note, respond};
use crate::codec::fcm::answer::{Code, plain_refusal, refusal, taken};
use crate::codec::fcm::grant::{Known, check, granted, refused};
use crate::codec::fcm::message::{Message, Target};
use crate::codec::fcm::project_of;
use crate::codec::hex;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, Input, Output, RequestId};

/// Access tokens that are good at a time; beyond that the oldest ends.
const TOKENS: usize = 1_024;
/// The path of the endpoint that gives access tokens.
pub const TOKEN_PATH: &str = "/token";

/// Whom the service knows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project.
    pub project: String,
    /// Accounts that may send for it.
    pub accounts: Vec<Known>,
    /// The URL by which assertions name the endpoint.
    pub audience: String,
    /// How long an access token is good.
    pub access: Duration,
    /// A device that nobody knows appears when something is sent to it.
    pub any_device: bool,
}

/// The service.
#[derive(Debug)]
pub struct Fcm {
    settings: Settings,
    handsets: Handsets,
    random: Random,
    /// What is shown, and until when it is good; the oldest first.
    access: VecDeque<(String, Time)>,
}

/// Why a message is not taken.
enum Refused {
    /// As FCM says it: a code, and the field that is wrong.
    Fcm(Code, &'static str, Option<&'static str>),
    /// Before FCM.
    Plain(u16, &'static str, &'static str),
}

impl Fcm {
    /// A service without devices.
    #[must_use]
    pub fn new(settings: Settings, mut random: Random) -> Self {
        let issue = |random: &mut Random| {
            let (front, back) = (random.octets::<16>(), random.octets::<96>());
            let (front, back) = (URL_SAFE_NO_PAD.encode(front), URL_SAFE_NO_PAD.encode(back));
            format!("{front}:APA91b{back}")
        };
        let is_reason = |word: &str| Code::of_word(word).is_some();
        let handsets = Handsets::new("fcm", random.fork(), issue, is_reason);
        Self {
            settings,
            handsets,
            random,
            access: VecDeque::new(),
        }
    }

    /// Its devices.
    #[must_use]
    pub const fn handsets(&self) -> &Handsets {
        &self.handsets
    }

    /// A device registers, and gets a token.
    pub fn register(&mut self, now: Time, name: &str, app: &str, out: &mut Vec<Output>) -> String {
        let token = self.handsets.register(now, name, app, out);
        token.unwrap_or_default()
    }

    /// Refuses from now on; false when there is no such code.
    pub fn demand(&mut self, demand: Demand) -> bool {
        self.handsets.demand(demand)
    }

    fn on_request(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        if self.handsets.door(now, id, request, out) {
            return;
        }
        if request.target == TOKEN_PATH {
            return self.grant(now, id, request, out);
        }
        let token = match Message::decode(&request.body).map(|message| message.target) {
            Ok(Target::Token(token)) => token,
            _ => String::new(),
        };
        let number = hex::digits(&self.random.octets::<8>());
        let name = format!("projects/{}/messages/0:{number}", self.settings.project);
        let mut rows = Vec::new();
        let became = match self.handsets.refusal(&token) {
            Some((word, after)) => {
                rows.extend(after.map(|after| ("retry-after", after.to_string())));
                let code = Code::of_word(&word).unwrap_or(Code::Internal);
                Err(Refused::Fcm(code, "Refused on demand.", None))
            }
            None => self.judge(now, request, &token, out),
        };
        let (status, reason, body) = match became {
            Ok(message) if message.validate_only => {
                let project = &self.settings.project;
                let name = format!("projects/{project}/messages/fake_message_id");
                (200, None, taken(&name))
            }
            Ok(message) => {
                out.push(self.handsets.tell(now, &token, &name, (200, None)));
                let body = taken(&name);
                let note = Note {
                    id: name,
                    at: now,
                    collapse: message.collapse_key,
                    payload: Some(request.body.clone()),
                };
                self.handsets.deliver(&token, note, out);
                return respond(id, 200, &rows, body, out);
            }
            Err(Refused::Fcm(code, text, field)) => {
                (code.http(), Some(code.word()), refusal(code, text, field))
            }
            Err(Refused::Plain(http, status, text)) => {
                (http, Some(status), plain_refusal(http, status, text))
            }
        };
        out.push(self.handsets.tell(now, &token, &name, (status, reason)));
        respond(id, status, &rows, body, out);
    }

    fn grant(&mut self, now: Time, id: RequestId, request: &HttpRequest, out: &mut Vec<Output>) {
        let Settings {
            accounts, audience, ..
        } = &self.settings;
        let (status, body) = match check(&request.body, accounts, audience, now) {
            _ if request.method != "POST" => (405, String::new()),
            Ok(_) => {
                let token = URL_SAFE_NO_PAD.encode(self.random.octets::<48>());
                let token = format!("ya29.{token}");
                if self.access.len() >= TOKENS {
                    self.access.pop_front();
                }
                let body = granted(&token, self.settings.access);
                self.access.push_back((token, now + self.settings.access));
                (200, body)
            }
            Err(fault) => (400, refused(fault)),
        };
        let rows = [("cache-control", "no-store".to_owned())];
        respond(id, status, &rows, Bytes::from(body), out);
    }

    fn judge(
        &mut self,
        now: Time,
        request: &HttpRequest,
        token: &str,
        out: &mut Vec<Output>,
    ) -> Result<Message, Refused> {
        let project = project_of(&request.target).filter(|_| request.method == "POST");
        let none = Refused::Plain(404, "NOT_FOUND", "Requested entity was not found.");
        let project = project.ok_or(none)?;
        let shown = request.header("authorization").unwrap_or_default();
        let shown = shown.strip_prefix("Bearer ").unwrap_or_default();
        let is_good = |(own, until): &(String, Time)| own == shown && now < *until;
        if !self.access.iter().any(is_good) {
            let text = "Request had invalid authentication credentials.";
            return Err(Refused::Plain(401, "UNAUTHENTICATED", text));
        }
        if project != self.settings.project {
            let text = "The account may not send for this project.";
            return Err(Refused::Plain(403, "PERMISSION_DENIED", text));
        }
        let message = Message::decode(&request.body).map_err(|_| {
            let field = Message::violation(&request.body);
            let (field, text) = field.map_or((None, "Invalid JSON payload received."), |it| {
                (Some(it.field), it.expected)
            });
            Refused::Fcm(Code::InvalidArgument, text, field)
        })?;
        if !matches!(message.target, Target::Token(_)) {
            return Ok(message);
        }
        if self.settings.any_device && self.handsets.get(token).is_none() {
            let name: String = token.chars().take(8).collect();
            self.handsets.appear(now, token, &name, "any", out);
        }
        let none = "The registration token is not a valid FCM registration token";
        let none = || Refused::Fcm(Code::InvalidArgument, none, Some("message.token"));
        let handset = self.handsets.get(token).ok_or_else(none)?;
        if handset.gone.is_some() {
            let text = "Requested entity was not found.";
            return Err(Refused::Fcm(Code::Unregistered, text, None));
        }
        Ok(message)
    }
}

impl Machine for Fcm {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        if let Input::Request { id, request, .. } = input {
            self.on_request(now, id, &request, out);
        }
    }

    fn expire(&mut self, _: Time, _: &mut Vec<Output>) {}

    fn deadline(&self) -> Option<Time> {
        None
    }
}
