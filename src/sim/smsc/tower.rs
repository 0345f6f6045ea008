//! The radio side of a message centre: which handset is where, and what is on its way to each, one frame at a time.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::time::Duration;

use foldhash::quality::FixedState;

use super::ATTACHED;
use crate::codec::radio::Frame;
use crate::protocol::smpp::ShortMessage;
use crate::time::Time;
use crate::timers::Timers;

/// Numbers that are known, with a handset or with messages that wait.
const NUMBERS: usize = 65_536;
/// Messages that wait for one handset, and for all.
const WAITING: usize = 256;
const WAITING_ALL: usize = 65_536;
/// How long a frame waits for its answer, and how often it is sent.
const ANSWER: Duration = Duration::from_secs(2);
const TRIES: u32 = 5;
/// Answers that are remembered for each handset.
const ANSWERS: usize = 16;

/// Handsets by number.
#[derive(Debug, Default)]
pub(super) struct Tower {
    /// By the digits of the number.
    handsets: BTreeMap<String, Handset>,
    by_peer: BTreeMap<SocketAddr, String>,
    by_index: BTreeMap<u64, String>,
    timers: Timers<u64>,
    next: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Handset {
    index: u64,
    /// Where it is, and until when it is taken to be there.
    at: Option<(SocketAddr, Time)>,
    reference: u8,
    waiting: VecDeque<Work>,
    sent: Option<Sent>,
    /// Requests of the handset: their hash, and the answer once there is one.
    answers: VecDeque<(u64, Vec<u8>, Option<Vec<u8>>)>,
}

/// A message on its way to a handset.
#[derive(Debug)]
pub(super) struct Work {
    /// Its name in the machine.
    pub(super) id: String,
    pub(super) message: ShortMessage,
    frames: VecDeque<Vec<u8>>,
}

/// The frame that waits for its answer.
#[derive(Debug)]
struct Sent {
    work: Work,
    octets: Vec<u8>,
    tries: u32,
}

impl Work {
    /// A message in these frames, whose references are set when they are sent.
    pub(super) fn new(id: String, message: ShortMessage, frames: Vec<Vec<u8>>) -> Self {
        Self {
            id,
            message,
            frames: frames.into(),
        }
    }

    /// Whether all its frames were taken.
    pub(super) fn is_done(&self) -> bool {
        self.frames.is_empty()
    }
}

impl Tower {
    /// Handsets that are attached.
    pub(super) fn attached(&self) -> usize {
        self.by_peer.len()
    }

    /// True while a handset with that number is there.
    pub(super) fn is_there(&self, number: &str) -> bool {
        let handset = self.handsets.get(digits(number));
        handset.is_some_and(|handset| handset.at.is_some())
    }

    /// True while the handset with that number is at that place.
    pub(super) fn is_at(&self, number: &str, peer: SocketAddr) -> bool {
        let there = self.by_peer.get(&peer);
        there.is_some_and(|own| own == digits(number))
    }

    /// A handset says where it is; false when there is no room for it.
    pub(super) fn attach(&mut self, now: Time, number: &str, peer: SocketAddr) -> bool {
        let digits = digits(number).to_owned();
        let Some(handset) = self.handset(&digits) else {
            return false;
        };
        let before = handset.at.replace((peer, now + ATTACHED));
        let index = handset.index;
        if let Some((before, _)) = before.filter(|(before, _)| *before != peer) {
            self.by_peer.remove(&before);
        }
        // Another number at this place has left it.
        let old = self.by_peer.insert(peer, digits.clone());
        if let Some(old) = old.filter(|old| *old != digits)
            && let Some(other) = self.handsets.get_mut(&old)
        {
            other.at = None;
        }
        if self
            .handsets
            .get(&digits)
            .is_some_and(|it| it.sent.is_none())
        {
            self.timers.set(index, now + ATTACHED);
        }
        true
    }

    /// A handset takes leave.
    pub(super) fn detach(&mut self, number: &str, peer: SocketAddr) {
        let number = digits(number);
        if self.by_peer.get(&peer).is_some_and(|own| own == number) {
            self.by_peer.remove(&peer);
            if let Some(handset) = self.handsets.get_mut(number) {
                handset.at = None;
            }
            self.forget_idle(number);
        }
    }

    /// The number of the handset at a place.
    pub(super) fn number_of(&self, peer: SocketAddr) -> Option<String> {
        self.by_peer.get(&peer).cloned()
    }

    /// Gives a message to a handset, which may not be there yet.
    pub(super) fn put(&mut self, number: &str, work: Work) -> Result<(), &'static str> {
        if self.waiting >= WAITING_ALL {
            return Err("too many messages wait");
        }
        let handset = self
            .handset(digits(number))
            .ok_or("too many numbers are known")?;
        if handset.waiting.len() >= WAITING {
            return Err("too many messages wait for it");
        }
        handset.waiting.push_back(work);
        self.waiting = self.waiting.saturating_add(1);
        Ok(())
    }

    /// A message is not for its handset any more; a frame that is under way stays so.
    pub(super) fn withdraw(&mut self, number: &str, id: &str) {
        let Some(handset) = self.handsets.get_mut(digits(number)) else {
            return;
        };
        let before = handset.waiting.len();
        handset.waiting.retain(|work| work.id != id);
        let gone = before.saturating_sub(handset.waiting.len());
        self.waiting = self.waiting.saturating_sub(gone);
        if let Some(sent) = handset.sent.as_mut().filter(|sent| sent.work.id == id) {
            sent.work.frames.clear();
        }
        self.forget_idle(digits(number));
    }

    /// Gives back a message of which frames are left; it is the next again.
    pub(super) fn put_back(&mut self, number: &str, work: Work) {
        if let Some(handset) = self.handset(digits(number)) {
            handset.waiting.push_front(work);
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    /// The frame to send to a handset now, if it is there and nothing is under way.
    pub(super) fn next(&mut self, now: Time, number: &str) -> Option<(SocketAddr, Vec<u8>)> {
        let handset = self.handsets.get_mut(digits(number))?;
        let (peer, _) = handset.at?;
        if handset.sent.is_some() {
            return None;
        }
        let mut work = handset.waiting.pop_front()?;
        self.waiting = self.waiting.saturating_sub(1);
        let mut octets = work.frames.pop_front().unwrap_or_default();
        handset.reference = handset.reference.wrapping_add(1);
        if let Some(reference) = octets.get_mut(1) {
            *reference = handset.reference;
        }
        handset.sent = Some(Sent {
            work,
            octets: octets.clone(),
            tries: 1,
        });
        self.timers.set(handset.index, now + ANSWER);
        Some((peer, octets))
    }

    /// The message whose frame was answered, and the number.
    pub(super) fn answered(
        &mut self,
        peer: SocketAddr,
        answer: &Frame<'_>,
    ) -> Option<(String, Work)> {
        let number = self.by_peer.get(&peer)?.clone();
        let handset = self.handsets.get_mut(&number)?;
        let sent = handset.sent.as_ref()?;
        let is_its = Frame::decode(&sent.octets)
            .is_ok_and(|frame| frame.about == answer.about && frame.reference == answer.reference);
        if !is_its {
            return None;
        }
        let (_, until) = handset.at?;
        self.timers.set(handset.index, until);
        let sent = handset.sent.take()?;
        Some((number, sent.work))
    }

    /// Frames to send again; one that was never answered goes back, and its handset is not there.
    pub(super) fn expire(&mut self, now: Time) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut again = Vec::new();
        while let Some(index) = self.timers.take_due(now) {
            let Some(number) = self.by_index.get(&index).cloned() else {
                continue;
            };
            let Some(handset) = self.handsets.get_mut(&number) else {
                continue;
            };
            match (&mut handset.sent, handset.at) {
                (Some(sent), Some((peer, _))) if sent.tries < TRIES => {
                    sent.tries = sent.tries.saturating_add(1);
                    again.push((peer, sent.octets.clone()));
                    self.timers.set(index, now + ANSWER);
                }
                _ => self.lost(&number),
            }
        }
        again
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// The answer that was given to this request of a handset.
    pub(super) fn given(&self, peer: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
        let handset = self.handsets.get(self.by_peer.get(&peer)?)?;
        let wanted = hash(request);
        let known = handset.answers.iter().find(|(own, ..)| *own == wanted)?;
        known.2.clone()
    }

    /// Remembers a request of a handset.
    pub(super) fn note(&mut self, peer: SocketAddr, request: &[u8]) {
        let number = self.by_peer.get(&peer);
        let handset = number.and_then(|number| self.handsets.get_mut(number));
        if let Some(handset) = handset {
            if handset.answers.len() >= ANSWERS {
                handset.answers.pop_front();
            }
            let head = request.get(..3).unwrap_or_default().to_vec();
            handset.answers.push_back((hash(request), head, None));
        }
    }

    /// Remembers the answer to the request with this head.
    pub(super) fn give(&mut self, peer: SocketAddr, head: &[u8], answer: &[u8]) {
        let number = self.by_peer.get(&peer);
        let handset = number.and_then(|number| self.handsets.get_mut(number));
        let known = handset.and_then(|handset| {
            let last = handset.answers.iter_mut().rev();
            last.into_iter().find(|(_, own, _)| own == head)
        });
        if let Some((_, _, given)) = known {
            *given = Some(answer.to_vec());
        }
    }

    /// A handset that is not there any more; what was under way to it waits.
    fn lost(&mut self, number: &str) {
        let Some(handset) = self.handsets.get_mut(number) else {
            return;
        };
        if let Some(sent) = handset.sent.take() {
            let mut work = sent.work;
            work.frames.push_front(sent.octets);
            handset.waiting.push_front(work);
            self.waiting = self.waiting.saturating_add(1);
        }
        if let Some((peer, _)) = handset.at.take() {
            self.by_peer.remove(&peer);
        }
        self.forget_idle(number);
    }

    /// Forgets a number without a handset and without messages.
    fn forget_idle(&mut self, number: &str) {
        let is_idle = self.handsets.get(number).is_some_and(|handset| {
            handset.at.is_none() && handset.waiting.is_empty() && handset.sent.is_none()
        });
        if is_idle && let Some(handset) = self.handsets.remove(number) {
            self.by_index.remove(&handset.index);
            self.timers.cancel(handset.index);
        }
    }

    fn handset(&mut self, number: &str) -> Option<&mut Handset> {
        if !self.handsets.contains_key(number) {
            if self.handsets.len() >= NUMBERS {
                return None;
            }
            let index = self.next;
            self.next = self.next.saturating_add(1);
            self.by_index.insert(index, number.to_owned());
            let handset = Handset {
                index,
                at: None,
                reference: 0,
                waiting: VecDeque::new(),
                sent: None,
                answers: VecDeque::new(),
            };
            self.handsets.insert(number.to_owned(), handset);
        }
        self.handsets.get_mut(number)
    }
}

fn digits(number: &str) -> &str {
    number.strip_prefix('+').unwrap_or(number)
}

fn hash(octets: &[u8]) -> u64 {
    FixedState::default().hash_one(octets)
}
