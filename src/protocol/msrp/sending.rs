//! Messages on their way out: cut in chunks, confirmed chunk by chunk and by report.
//!
//! **Source:** RFC 4975 sections 7.1.1 (chunks), 7.1.2 (reports). Messages take turns, so a large one does not hold up a
//! small one.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{Out, Timer, Why, failed};
use crate::codec::msrp::{ByteRange, Flag, Headers};
use crate::limits;
use crate::time::Time;
use crate::timers::Timers;

/// Headers the session itself writes.
pub(super) const OWN: [&str; 8] = [
    "To-Path",
    "From-Path",
    "Message-ID",
    "Byte-Range",
    "Success-Report",
    "Failure-Report",
    "Status",
    "Content-Type",
];

/// Messages that take turns; fewer than a receiver puts together at a time.
const OPEN: usize = 4;

/// The messages that go out.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// Numbers of messages with octets to send, in the order of their turns.
    turns: VecDeque<u64>,
    messages: BTreeMap<u64, Outgoing>,
    /// Chunks without a response, by their number; no more than the window holds.
    chunks: BTreeMap<u64, Pending>,
    last_number: u64,
    /// What tells the peer that a message it has a part of is given up.
    aborts: VecDeque<Chunk>,
}

#[derive(Debug)]
struct Pending {
    message: u64,
    tid: String,
}

/// One message.
#[derive(Debug)]
pub(super) struct Outgoing {
    id: u64,
    message_id: String,
    content_type: String,
    headers: Headers,
    body: Bytes,
    success_report: bool,
    /// Octets sent.
    sent: usize,
    is_sent: bool,
    /// Chunks without a response.
    waiting: usize,
    /// Octets reported, as ranges without overlap: first and last.
    reported: Vec<(u64, u64)>,
}

/// A chunk to be sent.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The number of its message; `None` for the last word on one that is given up, whose response nobody needs.
    pub(super) of: Option<u64>,
    pub(super) message_id: String,
    pub(super) range: ByteRange,
    pub(super) success_report: bool,
    pub(super) headers: Headers,
    pub(super) content_type: String,
    pub(super) body: Bytes,
    pub(super) flag: Flag,
}

impl Outgoing {
    pub(super) fn new(
        id: u64,
        message_id: String,
        content_type: String,
        headers: Headers,
        body: Bytes,
        success_report: bool,
    ) -> Self {
        let is_own = |name: &str| OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
        let headers = if headers.iter().any(|(name, _)| is_own(name)) {
            let others = headers.iter().filter(|(name, _)| !is_own(name));
            others.collect()
        } else {
            headers
        };
        Self {
            id,
            message_id,
            content_type,
            headers,
            body,
            success_report,
            sent: 0,
            is_sent: false,
            waiting: 0,
            reported: Vec::new(),
        }
    }

    fn total(&self) -> u64 {
        u64::try_from(self.body.len()).unwrap_or(u64::MAX)
    }

    /// Cuts the next chunk.
    fn next(&mut self, number: u64, octets: usize) -> Chunk {
        let from = self.sent;
        let to = from.saturating_add(octets.max(1)).min(self.body.len());
        self.sent = to;
        self.is_sent = to == self.body.len();
        let flag = if self.is_sent { Flag::Last } else { Flag::More };
        let headers = if from == 0 {
            core::mem::take(&mut self.headers)
        } else {
            Headers::default()
        };
        let range = ByteRange {
            start: place(from).saturating_add(1),
            end: Some(place(to)),
            total: Some(self.total()),
        };
        Chunk {
            of: Some(number),
            message_id: self.message_id.clone(),
            range,
            success_report: self.success_report,
            headers,
            content_type: self.content_type.clone(),
            body: self.body.slice(from..to),
            flag,
        }
    }

    /// The chunk that ends a message without completing it; none is needed when the peer has all of it or nothing.
    fn abort(&self) -> Option<Chunk> {
        let begun = self.sent > 0 && !self.is_sent;
        begun.then(|| Chunk {
            of: None,
            message_id: self.message_id.clone(),
            range: ByteRange {
                start: place(self.sent).saturating_add(1),
                end: Some(place(self.sent)),
                total: Some(self.total()),
            },
            success_report: false,
            headers: Headers::default(),
            content_type: self.content_type.clone(),
            body: Bytes::new(),
            flag: Flag::Abort,
        })
    }

    /// Notes that the peer has these octets; ranges that touch become one.
    fn note(&mut self, first: u64, last: u64) {
        self.reported.push((first, last));
        self.reported.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (first, last) in self.reported.drain(..) {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => joined.push((first, last)),
            }
        }
        joined.truncate(limits::MSRP_PIECES);
        self.reported = joined;
    }

    /// True when the peer reported all of it.
    fn is_reported(&self) -> bool {
        let total = self.total();
        let first = self.reported.first();
        first.is_some_and(|(first, last)| *first == 1 && *last >= total)
    }
}

fn place(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

impl Sender {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn unfinished(&self) -> usize {
        self.messages.len()
    }

    /// Chunks without a response.
    pub(super) fn in_flight(&self) -> usize {
        self.chunks.len()
    }

    /// Takes a message to send.
    pub(super) fn take(&mut self, message: Outgoing, out: &mut Vec<Out>) {
        if self.messages.len() >= limits::MSRP_MESSAGES_WAITING {
            return failed(message.id, 413, Why::Full, out);
        }
        self.last_number = self.last_number.saturating_add(1);
        self.turns.push_back(self.last_number);
        self.messages.insert(self.last_number, message);
    }

    /// The next chunk, of the message whose turn it is.
    pub(super) fn next_chunk(&mut self, octets: usize) -> Option<Chunk> {
        if let Some(abort) = self.aborts.pop_front() {
            return Some(abort);
        }
        let number = self.turns.pop_front()?;
        let message = self.messages.get_mut(&number)?;
        let chunk = message.next(number, octets);
        if !message.is_sent {
            let place = self.turns.len().min(OPEN.saturating_sub(1));
            self.turns.insert(place, number);
        }
        Some(chunk)
    }

    /// A chunk was sent; gives its number.
    pub(super) fn sent(&mut self, of: Option<u64>, tid: String) -> Option<u64> {
        let number = of?;
        let message = self.messages.get_mut(&number)?;
        message.waiting = message.waiting.saturating_add(1);
        self.last_number = self.last_number.saturating_add(1);
        let pending = Pending {
            message: number,
            tid,
        };
        self.chunks.insert(self.last_number, pending);
        Some(self.last_number)
    }

    /// A response came.
    pub(super) fn answered(
        &mut self,
        tid: &str,
        status: u16,
        report_due: Time,
        timers: &mut Timers<Timer>,
        out: &mut Vec<Out>,
    ) {
        let mut chunks = self.chunks.iter();
        let Some((&number, _)) = chunks.find(|(_, pending)| pending.tid == tid) else {
            return;
        };
        timers.cancel(Timer::Chunk(number));
        let Some(pending) = self.chunks.remove(&number) else {
            return;
        };
        let Some(message) = self.messages.get_mut(&pending.message) else {
            return;
        };
        message.waiting = message.waiting.saturating_sub(1);
        if status != 200 {
            return self.fail(pending.message, status, Why::Response, timers, out);
        }
        if message.is_sent && message.waiting == 0 {
            if message.success_report {
                timers.set(Timer::Report(pending.message), report_due);
            } else {
                self.deliver(pending.message, timers, out);
            }
        }
    }

    /// A report came.
    pub(super) fn reported(
        &mut self,
        message_id: &str,
        range: Option<ByteRange>,
        status: u16,
        timers: &mut Timers<Timer>,
        out: &mut Vec<Out>,
    ) {
        let mut all = self.messages.iter_mut();
        let Some((number, message)) = all.find(|(_, message)| message.message_id == message_id)
        else {
            return;
        };
        let number = *number;
        // Nothing of a message that waits for its first turn can have arrived.
        if message.sent == 0 && !message.is_sent {
            return;
        }
        if status != 200 {
            return self.fail(number, status, Why::Report, timers, out);
        }
        if !message.success_report {
            return;
        }
        let total = message.total();
        let (first, last) = match range {
            Some(range) => (range.start, range.end.unwrap_or(total)),
            None => (1, total),
        };
        message.note(first, last.min(total));
        if message.is_reported() && message.is_sent {
            self.deliver(number, timers, out);
        }
    }

    /// A chunk got no response in time.
    pub(super) fn unanswered(
        &mut self,
        number: u64,
        timers: &mut Timers<Timer>,
        out: &mut Vec<Out>,
    ) {
        if let Some(pending) = self.chunks.remove(&number) {
            self.fail(pending.message, 408, Why::Timeout, timers, out);
        }
    }

    /// A message got no report in time.
    pub(super) fn unreported(
        &mut self,
        number: u64,
        timers: &mut Timers<Timer>,
        out: &mut Vec<Out>,
    ) {
        self.fail(number, 408, Why::Timeout, timers, out);
    }

    /// Gives a message up, telling the peer when it has a part of it.
    pub(super) fn cancel(&mut self, id: u64, timers: &mut Timers<Timer>, out: &mut Vec<Out>) {
        let found = self.messages.iter().find(|(_, message)| message.id == id);
        if let Some(number) = found.map(|(number, _)| *number) {
            self.fail(number, 408, Why::Cancelled, timers, out);
        }
    }

    /// Ends all messages.
    pub(super) fn fail_all(&mut self, code: u16, why: Why, out: &mut Vec<Out>) {
        self.turns.clear();
        self.aborts.clear();
        self.chunks.clear();
        for message in core::mem::take(&mut self.messages).into_values() {
            failed(message.id, code, why, out);
        }
    }

    fn fail(
        &mut self,
        number: u64,
        code: u16,
        why: Why,
        timers: &mut Timers<Timer>,
        out: &mut Vec<Out>,
    ) {
        if let Some(message) = self.forget(number, timers) {
            self.aborts.extend(message.abort());
            failed(message.id, code, why, out);
        }
    }

    fn deliver(&mut self, number: u64, timers: &mut Timers<Timer>, out: &mut Vec<Out>) {
        if let Some(message) = self.forget(number, timers) {
            out.push(Out::Delivered { id: message.id });
        }
    }

    /// Removes a message and all that waits for it.
    fn forget(&mut self, number: u64, timers: &mut Timers<Timer>) -> Option<Outgoing> {
        let message = self.messages.remove(&number)?;
        self.turns.retain(|turn| *turn != number);
        timers.cancel(Timer::Report(number));
        let gone = self
            .chunks
            .extract_if(.., |_, pending| pending.message == number);
        for (chunk, _) in gone {
            timers.cancel(Timer::Chunk(chunk));
        }
        Some(message)
    }
}
