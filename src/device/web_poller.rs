//! The pull process of a browser client: one timer, one question for all applications, one packet back.
//!
//! **Source:** CN103902616A claims 1, 2, 9, 10; requirements R0.10 to R0.13, R0.19, R0.21, R0.22, R0.44, R0.45. Not here:
//! what becomes of a message (`message_center`), and who asks the network (`web`).

use core::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::random::Random;
use crate::time::Time;
use crate::world::{FetchError, HttpResponse};

/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(180);
/// The first pause after a failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(5);

/// When a browser asks, and from where.
#[derive(Clone, Debug)]
pub struct WebPoller {
    interval: Duration,
    /// Per cent of the interval by which it varies.
    jitter: u8,
    cursor: u64,
    due: Option<Time>,
    failures: u32,
}

/// A packet as it was read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Packet {
    /// What is asked from next.
    pub cursor: u64,
    /// Seconds until the next question, as the server advises.
    #[serde(default)]
    pub interval: Option<u64>,
    /// The messages, oldest first.
    #[serde(default)]
    pub messages: Vec<Arrived>,
    /// What was cleared elsewhere.
    #[serde(default)]
    pub cleared: Vec<ClearedApp>,
}

/// A message of a packet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Arrived {
    /// Its number.
    pub seq: u64,
    /// Its application (R0.17).
    pub appid: String,
    /// Its author's name for it.
    #[serde(default)]
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub summary: String,
    /// What its application gets.
    #[serde(default)]
    pub data: Value,
}

/// An application whose messages were cleared elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ClearedApp {
    /// The application.
    pub appid: String,
    /// Up to which number.
    pub upto: u64,
}

/// Why an answer brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer.
    #[error("no answer")]
    Unreachable,
    /// An answer that refuses.
    #[error("status {0}")]
    Refused(u16),
    /// An answer that is no packet.
    #[error("no packet: {0}")]
    Malformed(String),
}

impl WebPoller {
    /// A pull process that does not run yet.
    #[must_use]
    pub const fn new(interval: Duration, jitter: u8) -> Self {
        Self {
            interval,
            jitter,
            cursor: 0,
            due: None,
            failures: 0,
        }
    }

    /// Begins: the first question comes within the jitter, so that browsers that start together do not ask together.
    pub fn start(&mut self, now: Time, random: &mut Random) {
        let window = self.window();
        self.due = Some(now + window / 2 + portion(window / 2, random));
    }

    /// Ends; the cursor stays.
    pub const fn stop(&mut self) {
        self.due = None;
    }

    /// When the next question is due.
    #[must_use]
    pub const fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// From where it asks.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The timer's part of the question (request-sending unit): from where to ask, once when it is time.
    pub fn send(&mut self, now: Time) -> Option<u64> {
        if self.due? > now {
            return None;
        }
        self.due = None;
        Some(self.cursor)
    }

    /// Takes the answer (message-receiving unit) and sets the timer anew. What is no packet leaves the cursor where it
    /// is, so that the next question brings the same messages.
    ///
    /// # Errors
    /// When the answer brought nothing.
    pub fn receive(
        &mut self,
        now: Time,
        random: &mut Random,
        answer: &Result<HttpResponse, FetchError>,
    ) -> Result<Packet, Failure> {
        let read = read(answer);
        let pause = match &read {
            Ok(packet) => {
                self.failures = 0;
                self.cursor = packet.cursor.max(self.cursor);
                let advised = packet.interval.or_else(|| advice(answer));
                if let Some(seconds) = advised.filter(|seconds| *seconds > 0) {
                    self.interval = Duration::from_secs(seconds);
                }
                let window = self.window();
                self.interval.saturating_sub(window) + portion(window * 2, random)
            }
            Err(_) => {
                let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
                self.failures = self.failures.saturating_add(1);
                let asked = retry_after(answer).unwrap_or_default();
                let pause = PAUSE.saturating_mul(factor).min(PAUSE_MAX).max(asked);
                pause + portion(pause / 10, random)
            }
        };
        self.due = Some(now + pause);
        read
    }

    /// Another account: its numbers are others.
    pub const fn begin_anew(&mut self) {
        self.cursor = 0;
    }

    fn window(&self) -> Duration {
        self.interval * u32::from(self.jitter.min(100)) / 100
    }
}

/// A random part of a span.
fn portion(span: Duration, random: &mut Random) -> Duration {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random.below(micros.saturating_add(1)))
}

fn read(answer: &Result<HttpResponse, FetchError>) -> Result<Packet, Failure> {
    let response = answer.as_ref().map_err(|_| Failure::Unreachable)?;
    match response.status {
        200 => serde_json::from_slice(&response.body)
            .map_err(|error| Failure::Malformed(error.to_string())),
        204 | 304 => Ok(Packet::default()),
        status => Err(Failure::Refused(status)),
    }
}

fn header<'a>(answer: &'a Result<HttpResponse, FetchError>, name: &str) -> Option<&'a str> {
    let headers = &answer.as_ref().ok()?.headers;
    let (_, value) = headers.iter().find(|(known, _)| known == name)?;
    Some(value)
}

/// The interval of `Sirgate-Poll: interval=60, jitter=10`.
fn advice(answer: &Result<HttpResponse, FetchError>) -> Option<u64> {
    let mut members = header(answer, "sirgate-poll")?.split(',').map(str::trim);
    let interval = members.find_map(|member| member.strip_prefix("interval="))?;
    interval.parse().ok()
}

fn retry_after(answer: &Result<HttpResponse, FetchError>) -> Option<Duration> {
    let seconds = header(answer, "retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX * 20))
}

#[cfg(test)]
mod tests;
