//! The terminal's end: it opened the connection, and is asked on it.

use bytes::Bytes;

use super::framer::{First, Framer};
use super::{Fault, response_octets};
use crate::limits::{HTTP_BODY_OCTETS, HTTP_HEAD_OCTETS};
use crate::world::{HttpRequest, HttpResponse};

/// Octets that wait while a request is answered: another request.
const WAITING: usize = HTTP_BODY_OCTETS + HTTP_HEAD_OCTETS;

/// One connection, as the side that is asked.
#[derive(Debug)]
pub struct Server {
    requests: Framer,
    is_busy: bool,
    is_over: bool,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A request, which [`Server::answer`] answers before the next one is read.
    Request(HttpRequest),
    /// The gateway waits for these octets before it sends the body of its request.
    Leave(Bytes),
}

impl Default for Server {
    fn default() -> Self {
        Self {
            requests: Framer::new(true, HTTP_BODY_OCTETS),
            is_busy: false,
            is_over: false,
        }
    }
}

impl Server {
    /// Takes octets of the gateway.
    ///
    /// # Errors
    /// More than is kept while a request is answered.
    pub fn octets(&mut self, octets: &[u8]) -> Result<(), Fault> {
        if self.is_over {
            return Ok(());
        }
        let waiting = self.requests.waiting();
        if self.is_busy && waiting.saturating_add(octets.len()) > WAITING {
            return Err(Fault::Flood);
        }
        self.requests.push(octets);
        Ok(())
    }

    /// The next thing that came; nothing while a request is answered.
    ///
    /// # Errors
    /// Octets that are no request, or above a bound.
    pub fn next_asked(&mut self) -> Result<Option<Asked>, Fault> {
        if self.is_busy || self.is_over {
            return Ok(None);
        }
        let Some(whole) = self.requests.next()? else {
            let leave = self.requests.asks_leave();
            return Ok(leave.then(|| {
                let octets = b"HTTP/1.1 100 Continue\r\n\r\n";
                Asked::Leave(Bytes::from_static(octets))
            }));
        };
        let First::Request { method, target } = whole.start else {
            return Err(Fault::Unasked);
        };
        self.is_busy = true;
        self.is_over = whole.is_last;
        Ok(Some(Asked::Request(HttpRequest {
            method,
            target,
            headers: whole.rows,
            body: whole.body,
        })))
    }

    /// Answers the request that is under way; `None` when there is none.
    pub fn answer(&mut self, response: &HttpResponse) -> Option<Bytes> {
        self.is_busy.then(|| {
            self.is_busy = false;
            response_octets(response)
        })
    }

    /// True when the request that is under way, or was answered, is the last one.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }
}
