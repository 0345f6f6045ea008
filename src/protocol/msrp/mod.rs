//! One MSRP session: messages in chunks over one link, both ways.
//!
//! **Source:** RFC 4975 sections 5.4 (binding), 7 (sending, receiving, reports), RFC 6135 (who connects). Not here: the
//! link and its framing, SDP, relays. Who owns a link does this:
//!
//! 1. It keeps one `codec::msrp::Framer` per link and sends the `answer` of a fault.
//! 2. It opens the link (active), or waits for the first request on an accepted one (passive). The session of an
//!    accepted link is `Message::session_id` of that first request; when there is none of that name it sends
//!    `request.answer(481)`, when the session has another link `request.answer(506)`, and closes.
//! 3. It gives the session [`In::Linked`], then every message as [`In::Message`], and writes each [`Out::Octets`].
//!
//! The session ends with the SIP dialog; a link that is lost may be replaced by another [`In::Linked`].

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::msrp::{
    FailureReport, Headers, Message, Method, Path, Request, Response, is_equal, tid_fits,
};
use crate::limits;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::timers::Timers;

mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use receiving::{Receiver, Taken};
use sending::Sender;

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// True for the side that opened the link: it sends a SEND at once so that the other side can bind the link.
    pub active: bool,
    /// Media types that are taken: `text/plain`, `image/*`, `*`. Others are answered with 415.
    pub accepts: Vec<String>,
    /// Octets of the largest message that is taken; a larger one is answered with 413.
    pub octets_max: usize,
    /// Octets of the largest message the peer takes (`max-size` of its SDP).
    pub peer_octets_max: Option<u64>,
    /// Octets of a chunk that is sent.
    pub chunk_octets: usize,
    /// Chunks that may wait for their response at a time.
    pub window: usize,
    /// How long a chunk waits for its response.
    pub response_timeout: Duration,
    /// How long a message whose chunks were all taken waits for the report that was asked for.
    pub report_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            active: false,
            accepts: vec!["*".to_owned()],
            octets_max: limits::MSRP_MESSAGE_OCTETS,
            peer_octets_max: None,
            chunk_octets: CHUNK_OCTETS,
            window: 8,
            response_timeout: Duration::from_secs(30),
            report_timeout: Duration::from_secs(30),
        }
    }
}

/// Octets a chunk may have without having to be interruptible (RFC 4975 section 7.1.1).
const CHUNK_OCTETS: usize = 2_048;

/// What a session is told.
#[derive(Clone, Debug, PartialEq)]
pub enum In {
    /// A link is up and belongs to this session.
    Linked,
    /// A message came on the link.
    Message(Message),
    /// The link is gone.
    LinkLost,
    /// Send a message. Without a link it waits for one.
    Send {
        /// The caller's name for it.
        id: u64,
        /// Its media type.
        content_type: String,
        /// Further headers: `X-Wap-Application-Id` ... They travel with the first chunk.
        headers: Headers,
        /// The content.
        body: Bytes,
        /// True to wait for the receiver's report; else the responses to the chunks suffice.
        success_report: bool,
    },
    /// Give a message up.
    Cancel {
        /// The caller's name for it.
        id: u64,
    },
}

/// What a session asks for or tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Write these octets to the link.
    Octets(Bytes),
    /// The link carries this session: the peer took the binding request, or sent a first request that fits.
    Bound,
    /// The peer refused the link for this session with that code, or did not answer (408). Close the link.
    Refused {
        /// 481, 506 ...
        code: u16,
    },
    /// A message arrived at the peer.
    Delivered {
        /// The caller's name for it.
        id: u64,
    },
    /// A message did not arrive, or nobody knows whether it did.
    Failed {
        /// The caller's name for it.
        id: u64,
        /// The peer's code; 408 when the peer said nothing.
        code: u16,
        /// Why.
        why: Why,
    },
    /// A message came from the peer, whole.
    Received {
        /// Its media type.
        content_type: String,
        /// Further headers of its first chunk.
        headers: Headers,
        /// The content.
        body: Bytes,
        /// The peer's name for it.
        message_id: String,
    },
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The peer refused a chunk.
    Response,
    /// The peer reported a failure.
    Report,
    /// The peer did not answer in time.
    Timeout,
    /// The link was lost before the peer confirmed all of it.
    LinkLost,
    /// The peer refused the link.
    Refused,
    /// It is larger than the peer takes.
    TooLarge,
    /// Too many messages wait already.
    Full,
    /// The caller gave it up.
    Cancelled,
}

impl Why {
    /// The reason in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Response => "a chunk was refused",
            Self::Report => "the receiver reported a failure",
            Self::Timeout => "no answer in time",
            Self::LinkLost => "the link was lost",
            Self::Refused => "the session was refused",
            Self::TooLarge => "larger than the receiver takes",
            Self::Full => "too many messages wait",
            Self::Cancelled => "given up",
        }
    }
}

/// One end of an MSRP session.
#[derive(Debug)]
pub struct Session {
    local: Path,
    remote: Path,
    settings: Settings,
    random: Random,
    link: Link,
    sender: Sender,
    receiver: Receiver,
    timers: Timers<Timer>,
}

/// Where the session stands with its link.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    /// None.
    Down,
    /// Active side: the binding request of that transaction waits for its response.
    Binding(String),
    /// Passive side: nothing came yet.
    Silent,
    /// The session has its link.
    Up,
}

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// The response to the binding request.
    Binding,
    /// The response to a chunk, by the chunk's number.
    Chunk(u64),
    /// The report about a message, by the message's number.
    Report(u64),
}

impl Session {
    /// A session without a link. `remote_path` is the `path` of the peer's SDP: URIs with spaces between them.
    #[must_use]
    pub fn new(
        local_path: String,
        remote_path: impl AsRef<str>,
        random: Random,
        settings: Settings,
    ) -> Self {
        Self {
            local: local_path.into(),
            remote: remote_path
                .as_ref()
                .split_ascii_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .into(),
            sender: Sender::new(),
            receiver: Receiver::new(settings.octets_max),
            settings,
            random,
            link: Link::Down,
            timers: Timers::default(),
        }
    }

    /// Our URI: the session's name is in it.
    #[must_use]
    pub fn local_path(&self) -> &str {
        self.local.as_str()
    }

    /// True while the session has a link.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.link != Link::Down
    }

    /// Messages that are neither delivered nor failed yet.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.sender.unfinished()
    }

    fn linked(&mut self, now: Time, out: &mut Vec<Out>) {
        if self.link != Link::Down {
            return;
        }
        self.link = Link::Silent;
        if self.settings.active {
            let tid = self.tid(&[]);
            let message_id = self.random.token::<16>();
            let request = self
                .request(Method::Send, &tid)
                .header("Message-ID", message_id.as_str())
                .header("Byte-Range", "1-0/0");
            self.timers
                .set(Timer::Binding, now + self.settings.response_timeout);
            self.link = Link::Binding(tid);
            out.push(Out::Octets(request.encode()));
        }
        self.pump(now, out);
    }

    fn link_lost(&mut self, code: u16, why: Why, out: &mut Vec<Out>) {
        self.link = Link::Down;
        self.timers = Timers::default();
        self.receiver.clear();
        self.sender.fail_all(code, why, out);
    }

    fn message(&mut self, now: Time, message: Message, out: &mut Vec<Out>) {
        match message {
            Message::Request(request) => self.take_request(request, out),
            Message::Response(response) => self.take_response(now, &response, out),
        }
        self.pump(now, out);
    }

    fn take_request(&mut self, request: Request, out: &mut Vec<Out>) {
        let is_ours = request
            .to_path
            .first()
            .is_some_and(|to| is_equal(to, self.local.as_str()));
        let (mine, theirs) = (self.remote.last(), request.from_path.last());
        let is_peer = mine
            .zip(theirs)
            .is_some_and(|(mine, theirs)| is_equal(mine, theirs));
        match request.method {
            // Nobody answers a report, not even a wrong one.
            Method::Report if is_ours && is_peer => self.take_report(&request, out),
            Method::Report => {}
            _ if !is_ours => respond(&request, 481, out),
            _ if !is_peer => respond(&request, 403, out),
            Method::Other(_) => respond(&request, 501, out),
            Method::Send => {
                if self.link == Link::Silent {
                    self.link = Link::Up;
                    out.push(Out::Bound);
                }
                self.take_chunk(request, out);
            }
        }
    }

    fn take_chunk(&mut self, request: Request, out: &mut Vec<Out>) {
        let Some(content_type) = request.content_type() else {
            return respond(&request, 200, out);
        };
        if !is_accepted(&self.settings.accepts, content_type) {
            return respond(&request, 415, out);
        }
        let message_id = request.message_id().unwrap_or_default();
        match self.receiver.take(&request) {
            Taken::Refused(code) => respond(&request, code, out),
            Taken::Part => respond(&request, 200, out),
            Taken::Whole(whole) => {
                respond(&request, 200, out);
                let octets = whole.body.len();
                out.push(Out::Received {
                    content_type: whole.content_type,
                    headers: whole.headers,
                    body: whole.body,
                    message_id: message_id.to_owned(),
                });
                if whole.success_report {
                    let tid = self.tid(&[]);
                    let mut report = self
                        .request(Method::Report, &tid)
                        .header("Message-ID", message_id)
                        .header("Byte-Range", format_args!("1-{octets}/{octets}"))
                        .header("Status", "000 200 OK");
                    report.to_path = request.from_path;
                    out.push(Out::Octets(report.encode()));
                }
            }
        }
    }

    fn take_response(&mut self, now: Time, response: &Response, out: &mut Vec<Out>) {
        if matches!(&self.link, Link::Binding(tid) if *tid == response.tid) {
            self.timers.cancel(Timer::Binding);
            if response.status == 200 {
                self.link = Link::Up;
                out.push(Out::Bound);
            } else {
                self.refused(response.status, out);
            }
            return;
        }
        let due = now + self.settings.report_timeout;
        self.sender
            .answered(&response.tid, response.status, due, &mut self.timers, out);
    }

    fn refused(&mut self, code: u16, out: &mut Vec<Out>) {
        out.push(Out::Refused { code });
        self.link_lost(code, Why::Refused, out);
    }

    fn take_report(&mut self, request: &Request, out: &mut Vec<Out>) {
        if let (Some(message_id), Some(status)) = (request.message_id(), request.status()) {
            let range = request.byte_range();
            self.sender
                .reported(message_id, range, status.code, &mut self.timers, out);
        }
    }

    /// Sends chunks while the window and the link allow it.
    fn pump(&mut self, now: Time, out: &mut Vec<Out>) {
        // The passive side waits for the first request: only then the peer knows the link too.
        if matches!(self.link, Link::Down | Link::Silent) {
            return;
        }
        while self.sender.in_flight() < self.settings.window.max(1) {
            let Some(chunk) = self.sender.next_chunk(self.settings.chunk_octets) else {
                return;
            };
            let tid = self.tid(&chunk.body);
            let mut request = self
                .request(Method::Send, &tid)
                .header("Message-ID", &chunk.message_id)
                .header("Byte-Range", chunk.range)
                .header(
                    "Success-Report",
                    if chunk.success_report { "yes" } else { "no" },
                )
                .header(
                    "Failure-Report",
                    if chunk.of.is_some() { "yes" } else { "no" },
                );
            request.headers.extend(chunk.headers.iter());
            request = request.content(&chunk.content_type, chunk.body);
            request.flag = chunk.flag;
            if let Some(number) = self.sender.sent(chunk.of, tid) {
                let due = now + self.settings.response_timeout;
                self.timers.set(Timer::Chunk(number), due);
            }
            out.push(Out::Octets(request.encode()));
        }
    }

    /// A request to the peer.
    fn request(&self, method: Method, tid: &str) -> Request {
        Request::new(method, tid, self.remote.clone(), self.local.clone())
    }

    /// A fresh transaction identifier that does not occur in the body.
    fn tid(&mut self, body: &[u8]) -> String {
        loop {
            let tid = self.random.token::<16>().to_string();
            if tid_fits(&tid, body) {
                return tid;
            }
        }
    }
}

impl Machine for Session {
    type Input = In;
    type Output = Out;

    fn handle(&mut self, now: Time, input: In, out: &mut Vec<Out>) {
        match input {
            In::Linked => self.linked(now, out),
            In::LinkLost => {
                if self.link != Link::Down {
                    self.link_lost(408, Why::LinkLost, out);
                }
            }
            In::Message(message) if self.link != Link::Down => self.message(now, message, out),
            In::Message(_) => {}
            In::Send {
                id,
                content_type,
                headers,
                body,
                success_report,
            } => {
                let message_id = self.random.token::<16>().to_string();
                let octets = u64::try_from(body.len()).unwrap_or(u64::MAX);
                if self
                    .settings
                    .peer_octets_max
                    .is_some_and(|max| octets > max)
                {
                    return failed(id, 413, Why::TooLarge, out);
                }
                let message = sending::Outgoing::new(
                    id,
                    message_id,
                    content_type,
                    headers,
                    body,
                    success_report,
                );
                self.sender.take(message, out);
                self.pump(now, out);
            }
            In::Cancel { id } => {
                self.sender.cancel(id, &mut self.timers, out);
                self.pump(now, out);
            }
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Out>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Binding => self.refused(408, out),
                Timer::Chunk(number) => self.sender.unanswered(number, &mut self.timers, out),
                Timer::Report(number) => self.sender.unreported(number, &mut self.timers, out),
            }
        }
        self.pump(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }
}

/// Answers a request as its Failure-Report wants it.
fn respond(request: &Request, status: u16, out: &mut Vec<Out>) {
    let wanted = match request.failure_report() {
        FailureReport::Yes => true,
        FailureReport::Partial => status != 200,
        FailureReport::No => false,
    };
    if wanted {
        out.push(Out::Octets(request.answer(status).encode()));
    }
}

fn failed(id: u64, code: u16, why: Why, out: &mut Vec<Out>) {
    out.push(Out::Failed { id, code, why });
}

/// True when a list of media types as `accept-types` writes them takes this one.
#[must_use]
pub fn is_accepted(accepts: &[String], content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    accepts.iter().any(|accept| {
        let prefix = accept.strip_suffix("/*").and_then(|top| {
            let (found, _) = essence.split_once('/')?;
            Some(found.eq_ignore_ascii_case(top))
        });
        accept == "*" || prefix == Some(true) || accept.eq_ignore_ascii_case(essence)
    })
}

/// Remembers the last names of something, so many and no more.
#[derive(Debug, Default)]
struct Recent(VecDeque<String>);

impl Recent {
    const MAX: usize = 64;

    fn push(&mut self, name: String) {
        if self.0.len() >= Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(name);
    }

    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}
