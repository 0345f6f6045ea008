//! Messages for clients whose pages are closed: encrypted, posted to their push services, one after the other.
//!
//! **Source:** RFC 8030 section 5 (the request and its answers), RFC 8291 (content), requirements R0.24 and R0.25. A push
//! service that takes a message has not delivered it: the message stays until its client says that it has it, and whoever
//! is not reached by pushes asks for it. Of a client's messages one is under way at a time, so they come in order.
//!
//! ```text
//!  idle ── message ──▶ flying ── 2xx ──▶ the next one, or idle
//!                       │  ▲ 408, 429, 5xx, no answer: paused ── five times ──▶ idle until the next message
//!                       │  └ 413: the same without its content, so that the browser asks for it
//!                       ├ 404, 410: the subscription ends
//!                       └ any other answer: the next one; ten of them in a row: the subscription ends
//! ```

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::Bytes;
use foldhash::quality::FixedState;

use super::super::super::bearer::push_service::pause;
use super::super::super::config::back_off;
use super::super::super::message::{Draft, Message, Messages, Urgency};
use super::{Client, Desk, WebMessages, packet, sender};
use crate::codec::web_push::encryption::{OVERHEAD, encrypt};
use crate::codec::web_push::{CODING, to_text};
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output};

/// How often a push is posted in vain before the client is left alone.
const TRIES: u32 = 5;
/// The first pause and the longest of our own.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// Pushes in a row that a push service may refuse before the subscription is given up.
const REFUSALS: u32 = 10;
/// The longest time that push services keep a push for.
const TTL_MAX: Duration = Duration::from_secs(28 * 86_400);
/// Octets of text that one push carries.
const TEXT_OCTETS: usize = limits::WEB_PUSH_OCTETS - OVERHEAD;

/// Pushes under way, at most one of each client.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lines: HashMap<String, Line, FixedState>,
    /// Clients whose next message can be sent.
    ready: VecDeque<String>,
    due: BTreeSet<(Time, String)>,
    flying: HashMap<FetchId, String, FixedState>,
}

/// What is going on for one client.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    stage: Stage,
    /// The message that was sent last.
    message: u64,
    /// How often it was sent.
    tries: u32,
    /// It is too large for this push service: the browser is told to ask.
    knocks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Ready,
    Flying(FetchId),
    Paused(Time),
}

impl Outbox {
    /// There may be something for a client.
    pub(super) fn note(&mut self, client: &str) {
        if !self.lines.contains_key(client) {
            self.lines.insert(client.to_owned(), Line::default());
            self.ready.push_back(client.to_owned());
        }
    }

    /// Nothing more goes to a client; what is under way stays without consequence.
    pub(super) fn drop(&mut self, client: &str) {
        if let Some(line) = self.lines.remove(client)
            && let Stage::Paused(until) = line.stage
        {
            self.due.remove(&(until, client.to_owned()));
        }
    }

    /// When a pause is over.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(until, _)| *until)
    }

    /// Clients whose pauses are over are ready.
    pub(super) fn expire(&mut self, now: Time) {
        while self.deadline().is_some_and(|until| until <= now) {
            let Some((_, client)) = self.due.pop_first() else {
                return;
            };
            self.again(&client);
        }
    }

    fn again(&mut self, client: &str) {
        if let Some(line) = self.lines.get_mut(client) {
            line.stage = Stage::Ready;
            self.ready.push_back(client.to_owned());
        }
    }

    fn take_ready(&mut self) -> Option<(String, Line)> {
        if self.flying.len() >= limits::WEB_PUSHES_UNDER_WAY {
            return None;
        }
        while let Some(client) = self.ready.pop_front() {
            // One that was dropped and noted again may stand here twice.
            let line = self.lines.get(&client).copied();
            if let Some(line) = line.filter(|line| line.stage == Stage::Ready) {
                return Some((client, line));
            }
        }
        None
    }
}

/// What the answer of a push service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Gone,
    TooLarge,
    Later(Option<Duration>),
    Refused,
}

impl Verdict {
    fn of(answer: &Result<HttpResponse, FetchError>) -> Self {
        let response = match answer {
            Ok(response) => response,
            Err(FetchError::BadUrl) => return Self::Refused,
            Err(_) => return Self::Later(None),
        };
        match response.status {
            200..=299 => Self::Taken,
            404 | 410 => Self::Gone,
            413 => Self::TooLarge,
            408 | 429 | 500..=599 => Self::Later(pause(response)),
            // A redirect too: nobody has us call somebody else.
            _ => Self::Refused,
        }
    }
}

impl WebMessages {
    /// Posts what is to be pushed now; `number` gives each request its own.
    pub fn push_out(&mut self, desk: &mut Desk<'_>, mut number: impl FnMut() -> FetchId) {
        while let Some((client, line)) = self.outbox.take_ready() {
            let Some((message, request)) = self.next_push(desk, &client, line) else {
                self.outbox.lines.remove(&client);
                continue;
            };
            let id = number();
            let is_same = line.message == message;
            let tries = if is_same { line.tries } else { 0 }.saturating_add(1);
            let line = Line {
                stage: Stage::Flying(id),
                message,
                tries,
                knocks: line.knocks && is_same,
            };
            tell(desk, &client, line, "sent", None);
            self.outbox.lines.insert(client.clone(), line);
            self.outbox.flying.insert(id, client);
            desk.out.push(Output::Fetch {
                id,
                errand: Errand::Browser,
                request,
            });
        }
    }

    /// A push service answered; false when the request was none of ours.
    pub fn pushed(
        &mut self,
        desk: &mut Desk<'_>,
        id: FetchId,
        answer: &Result<HttpResponse, FetchError>,
    ) -> bool {
        let Some(client) = self.outbox.flying.remove(&id) else {
            return false;
        };
        let line = self.outbox.lines.get(&client).copied();
        let Some(line) = line.filter(|line| line.stage == Stage::Flying(id)) else {
            return true;
        };
        let code = answer.as_ref().ok().map(|response| response.status);
        match Verdict::of(answer) {
            Verdict::Taken => {
                tell(desk, &client, line, "taken", code);
                self.past(desk, &client, line, 0);
            }
            Verdict::Gone => {
                tell(desk, &client, line, "gone", code);
                self.end_subscription(desk, &client);
            }
            Verdict::TooLarge if !line.knocks => {
                tell(desk, &client, line, "too-large", code);
                let knocks = Line {
                    knocks: true,
                    ..line
                };
                self.outbox.lines.insert(client.clone(), knocks);
                self.outbox.again(&client);
            }
            Verdict::Later(wait) => self.later(desk, &client, line, (code, wait)),
            Verdict::TooLarge | Verdict::Refused => {
                tell(desk, &client, line, "refused", code);
                let own = self.clients.get(&client);
                let refusals = own.and_then(|own| own.subscription.as_ref());
                let refusals = refusals.map_or(0, |it| it.refusals).saturating_add(1);
                match refusals < REFUSALS {
                    true => self.past(desk, &client, line, refusals),
                    false => drop(self.end_subscription(desk, &client)),
                }
            }
        }
        true
    }

    /// A message is done with, one way or the other; the next one.
    fn past(&mut self, desk: &mut Desk<'_>, client: &str, line: Line, refusals: u32) {
        let own = self.clients.get_mut(client);
        if let Some(subscription) = own.and_then(|own| own.subscription.as_mut()) {
            subscription.pushed = subscription.pushed.max(line.message);
            subscription.refusals = refusals;
        }
        self.keep(desk, client);
        self.outbox.lines.remove(client);
        self.outbox.note(client);
    }

    /// The push service wants to be left alone, or is not there.
    fn later(
        &mut self,
        desk: &mut Desk<'_>,
        client: &str,
        line: Line,
        (code, wait): (Option<u16>, Option<Duration>),
    ) {
        if line.tries >= TRIES {
            tell(desk, client, line, "given-up", code);
            self.outbox.lines.remove(client);
            return;
        }
        tell(desk, client, line, "later", code);
        let (first, most) = PAUSE;
        let own = back_off(first, line.tries, most);
        // Clients that were put off together do not come back together.
        let jitter = Duration::from_millis(self.random.below(1_000));
        let until = desk.now + wait.unwrap_or(own).max(Duration::from_secs(1)) + jitter;
        let stage = Stage::Paused(until);
        self.outbox
            .lines
            .insert(client.to_owned(), Line { stage, ..line });
        self.outbox.due.insert((until, client.to_owned()));
    }

    /// The request with the next message of a client; `None` when it has nothing to get.
    fn next_push(
        &mut self,
        desk: &mut Desk<'_>,
        client: &str,
        line: Line,
    ) -> Option<(u64, HttpRequest)> {
        let own = self.clients.get(client)?;
        let subscription = own.subscription.as_ref()?;
        let message = next_of(desk.messages, desk.now, own, subscription.pushed)?;
        // The list of places may be another than when the page came.
        let service = self.endpoints.check(&subscription.endpoint).ok()?;
        let whole = packet::pushed(message, own, &self.settings);
        let knocks = whole.len() > TEXT_OCTETS || (line.knocks && line.message == message.seq);
        let text = match knocks {
            true => packet::knock(message.seq, own, &self.settings),
            false => whole,
        };
        let keys = sender::fresh(&mut self.random)?;
        let salt = self.random.octets();
        let content = encrypt(&subscription.subscriber, &keys, &salt, &text).ok()?;
        let mut headers = demand(&message.draft, desk.now);
        let authorization = self.sender.authorization(desk.now, &service)?;
        headers.push(("authorization".to_owned(), authorization));
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: subscription.endpoint.clone(),
            headers,
            body: Bytes::from(content),
        };
        Some((message.seq, request))
    }
}

/// The first message that a client wants, has not, and was not pushed.
fn next_of<'a>(
    messages: &'a Messages,
    now: Time,
    client: &Client,
    pushed: u64,
) -> Option<&'a Message> {
    let after = pushed.max(client.acked);
    let wants = |message: &Message| client.wants(message);
    let page = messages.after(now, &client.mailbox(), after, wants, |_| false);
    page.messages.first().copied()
}

/// What a push says about itself to the push service, which sees nothing else of it.
fn demand(draft: &Draft, now: Time) -> Vec<(String, String)> {
    let left = draft.expires.map_or(TTL_MAX, |until| until.since(now));
    let urgency = match draft.urgency {
        Urgency::VeryLow => "very-low",
        Urgency::Low => "low",
        Urgency::Normal => "normal",
        Urgency::High => "high",
    };
    let mut headers = vec![
        (
            "content-type".to_owned(),
            "application/octet-stream".to_owned(),
        ),
        ("content-encoding".to_owned(), CODING.to_owned()),
        ("ttl".to_owned(), left.min(TTL_MAX).as_secs().to_string()),
        ("urgency".to_owned(), urgency.to_owned()),
    ];
    let topic = draft
        .topic
        .as_ref()
        .map(|topic| topic_of(&draft.app, topic));
    headers.extend(topic.map(|topic| ("topic".to_owned(), topic)));
    headers
}

/// A topic as the push service knows it: the same for the same application and topic, and telling neither.
fn topic_of(app: &str, topic: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{app}\0{topic}"));
    to_text(digest.get(..24).unwrap_or_default())
}

fn tell(desk: &mut Desk<'_>, client: &str, line: Line, state: &str, code: Option<u16>) {
    desk.report(Fact::WpOut {
        client: client.to_owned(),
        message: line.message,
        state: state.to_owned(),
        code,
        attempt: line.tries,
    });
}
