//! The gateway's end: it asks, one request at a time, and reads the answers.

use bytes::Bytes;

use super::framer::{First, Framer};
use super::{Fault, request_octets};
use crate::limits::OTA_HTTP_ANSWER_OCTETS;
use crate::world::{HttpRequest, HttpResponse};

/// Answers of status 1xx before the one that counts.
const INTERIM: usize = 8;

/// One connection, as the side that asks.
#[derive(Debug)]
pub struct Client {
    answers: Framer,
    is_asked: bool,
    is_over: bool,
    interim: usize,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub response: HttpResponse,
    /// The terminal takes no further request on this connection.
    pub is_last: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            answers: Framer::new(false, OTA_HTTP_ANSWER_OCTETS),
            is_asked: false,
            is_over: false,
            interim: 0,
        }
    }
}

impl Client {
    /// True when a request may leave.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        !self.is_asked && !self.is_over
    }

    /// Asks; `None` while a request is under way, and after the last one.
    pub fn ask(&mut self, request: &HttpRequest) -> Option<Bytes> {
        if !self.is_free() {
            return None;
        }
        self.is_asked = true;
        self.interim = 0;
        Some(request_octets(request))
    }

    /// Takes octets of the terminal.
    ///
    /// # Errors
    /// Octets that are no answer, above a bound, or that nothing asked for.
    pub fn octets(&mut self, octets: &[u8]) -> Result<Option<Answer>, Fault> {
        self.answers.push(octets);
        if !self.is_asked {
            return Err(Fault::Unasked);
        }
        while let Some(whole) = self.answers.next()? {
            let First::Response { status } = whole.start else {
                return Err(Fault::Unasked);
            };
            if status < 200 {
                self.interim = self.interim.saturating_add(1);
                if self.interim > INTERIM {
                    return Err(Fault::Flood);
                }
                continue;
            }
            if !self.answers.is_empty() {
                return Err(Fault::Unasked);
            }
            return Ok(Some(self.answered(
                status,
                whole.rows,
                whole.body,
                whole.is_last,
            )));
        }
        Ok(None)
    }

    /// The terminal ended the connection: the answer whose end that was.
    pub fn ended(&mut self) -> Option<Answer> {
        let whole = self.answers.ended().filter(|_| self.is_asked)?;
        let First::Response { status } = whole.start else {
            return None;
        };
        Some(self.answered(status, whole.rows, whole.body, true))
    }

    fn answered(
        &mut self,
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
        is_last: bool,
    ) -> Answer {
        self.is_asked = false;
        self.is_over = is_last;
        let response = HttpResponse {
            status,
            headers,
            body,
        };
        Answer { response, is_last }
    }
}
