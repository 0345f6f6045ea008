//! The push service of Apple, simulated: it knows its providers by their tokens and refuses as documented.
//!
//! **Source:** `codec::apns`. Method and path are looked at first, then who sends, then the rest of the request, then the
//! device. Not here: certificates of providers, and keeping a notification for a device that is away.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use uuid::Uuid;

use super::{Demand, Handsets, Note, respond};
use crate::codec::apns::answer::{Reason, body};
use crate::codec::apns::provider::{Known, SOONEST, check};
use crate::codec::apns::request::Request;
use crate::codec::hex;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, Input, Output, RequestId};

/// Connections of which the provider's token is remembered.
const PROVIDERS: usize = 1_024;
/// Octets of the tokens that are issued.
const TOKEN_OCTETS: usize = 32;

/// Whom the service knows.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Providers.
    pub providers: Vec<Known>,
    /// Applications that they may send to; none named: all.
    pub topics: Vec<String>,
    /// A device that nobody knows appears when something is sent to it.
    pub any_device: bool,
}

/// The service.
#[derive(Debug)]
pub struct Apns {
    settings: Settings,
    handsets: Handsets,
    random: Random,
    /// When the provider's token of a connection was made, the oldest first.
    shown: VecDeque<(SocketAddr, Time)>,
}

impl Apns {
    /// A service without devices.
    #[must_use]
    pub fn new(settings: Settings, mut random: Random) -> Self {
        let issue = |random: &mut Random| hex::digits(&random.octets::<TOKEN_OCTETS>());
        let is_reason = |word: &str| Reason::of_word(word).is_some();
        let handsets = Handsets::new("apns", random.fork(), issue, is_reason);
        Self {
            settings,
            handsets,
            random,
            shown: VecDeque::new(),
        }
    }

    /// Its devices.
    #[must_use]
    pub const fn handsets(&self) -> &Handsets {
        &self.handsets
    }

    /// A device registers, and gets a token of 64 hexadecimal digits.
    pub fn register(&mut self, now: Time, name: &str, app: &str, out: &mut Vec<Output>) -> String {
        let token = self.handsets.register(now, name, app, out);
        token.unwrap_or_default()
    }

    /// Refuses from now on; false when there is no such reason.
    pub fn demand(&mut self, demand: Demand) -> bool {
        self.handsets.demand(demand)
    }

    fn on_request(
        &mut self,
        now: Time,
        (id, peer): (RequestId, SocketAddr),
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        if self.handsets.door(now, id, request, out) {
            return;
        }
        let read = Request::read(
            &request.method,
            &request.target,
            &request.headers,
            &request.body,
        );
        let asked = request.header("apns-id");
        let asked = asked.and_then(|id| Uuid::try_parse(id).ok());
        let note = asked.unwrap_or_else(|| Uuid::from_bytes(self.random.octets()));
        let note = note.hyphenated().to_string();
        let token = request.target.rsplit('/').next().unwrap_or_default();
        let token = token.to_ascii_lowercase();
        let mut rows = vec![("apns-id", note.clone())];
        let became = match self.handsets.refusal(&token) {
            Some((word, after)) => {
                rows.extend(after.map(|after| ("retry-after", after.to_string())));
                Err(Reason::of_word(&word).unwrap_or(Reason::Forbidden))
            }
            None => self.judge(now, peer, request.header("authorization"), read, out),
        };
        match became {
            Ok(taken) => {
                let told = self.handsets.tell(now, &token, &note, (200, None));
                out.push(told);
                let note = Note {
                    id: note,
                    at: now,
                    collapse: taken.collapse_id,
                    payload: Some(Bytes::from(taken.payload)),
                };
                self.handsets.deliver(&taken.device, note, out);
                respond(id, 200, &rows, Bytes::new(), out);
            }
            Err(reason) => {
                let became = (reason.status(), Some(reason.word()));
                out.push(self.handsets.tell(now, &token, &note, became));
                let known = self.handsets.get(&token);
                let gone = known.and_then(|it| it.gone).unwrap_or(now);
                respond(id, reason.status(), &rows, body(reason, Some(gone)), out);
            }
        }
    }

    fn judge(
        &mut self,
        now: Time,
        peer: SocketAddr,
        authorization: Option<&str>,
        read: Result<Request, Reason>,
        out: &mut Vec<Output>,
    ) -> Result<Request, Reason> {
        if let Err(reason @ (Reason::BadPath | Reason::MethodNotAllowed)) = read {
            return Err(reason);
        }
        let made = check(authorization, &self.settings.providers, now)?;
        self.note_shown(peer, made)?;
        let request = read?;
        let topics = &self.settings.topics;
        if !topics.is_empty() && !topics.contains(&request.topic) {
            return Err(Reason::TopicDisallowed);
        }
        if self.settings.any_device && self.handsets.get(&request.device).is_none() {
            let name: String = request.device.chars().take(8).collect();
            let device = &request.device;
            self.handsets
                .appear(now, device, &name, &request.topic, out);
        }
        let handset = self.handsets.get(&request.device);
        let handset = handset.ok_or(Reason::BadDeviceToken)?;
        if handset.gone.is_some() {
            return Err(Reason::Unregistered);
        }
        if handset.app != request.topic {
            return Err(Reason::DeviceTokenNotForTopic);
        }
        Ok(request)
    }

    /// A connection may show a new token after twenty minutes.
    fn note_shown(&mut self, peer: SocketAddr, made: Time) -> Result<(), Reason> {
        if let Some((_, last)) = self.shown.iter_mut().find(|(own, _)| *own == peer) {
            if made > *last && made.since(*last) < SOONEST {
                return Err(Reason::TooManyProviderTokenUpdates);
            }
            *last = made.max(*last);
            return Ok(());
        }
        if self.shown.len() >= PROVIDERS {
            self.shown.pop_front();
        }
        self.shown.push_back((peer, made));
        Ok(())
    }
}

impl Machine for Apns {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        if let Input::Request { id, peer, request } = input {
            self.on_request(now, (id, peer), &request, out);
        }
    }

    fn expire(&mut self, _: Time, _: &mut Vec<Output>) {}

    fn deadline(&self) -> Option<Time> {
        None
    }
}
