//! The messages of one account: their sequence, which are unread, what was cleared.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{Author, Draft, Message, State};
use crate::time::Time;

/// The messages of one account.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The number given last, to a message or to a clearing.
    pub(super) last: u64,
    messages: BTreeMap<u64, Message>,
    unoffered: BTreeSet<u64>,
    offered: BTreeSet<u64>,
    deleted: BTreeSet<u64>,
    by_topic: BTreeMap<Name, u64>,
    by_id: BTreeMap<Name, u64>,
    /// By application: what was cleared last.
    cleared: BTreeMap<String, Cleared>,
    /// Octets of its messages.
    pub(super) octets: usize,
}

/// An id or a topic with everything it is unique in: neither another author nor another application or client is met by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    by: Option<Author>,
    app: String,
    client: Option<String>,
    text: String,
}

impl Name {
    fn id(draft: &Draft) -> Self {
        Self::of(draft, &draft.id)
    }

    fn topic(draft: &Draft) -> Option<Self> {
        let topic = draft.topic.as_ref()?;
        Some(Self::of(draft, topic))
    }

    fn of(draft: &Draft, text: &str) -> Self {
        Self {
            by: draft.by.clone(),
            app: draft.app.clone(),
            client: draft.client.clone(),
            text: text.to_owned(),
        }
    }
}

/// All messages of an application up to a number were cleared, as the clients of an account hear of it (R0.42).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The application.
    pub app: String,
    /// The last message that was cleared.
    pub upto: u64,
    /// The number of the clearing itself, in the same sequence.
    pub at: u64,
}

/// What a client gets at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<'a> {
    /// What it may ask from next: nothing it is wanted for lies between the cursor of its question and this.
    pub cursor: u64,
    /// The messages, oldest first.
    pub messages: Vec<&'a Message>,
    /// What was cleared meanwhile.
    pub cleared: Vec<&'a Cleared>,
    /// More waits behind it.
    pub more: bool,
}

impl Page<'_> {
    /// True when there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.cleared.is_empty()
    }
}

/// What is unread in an account (R4.14 to R4.16).
#[derive(Clone, Debug, PartialEq)]
pub struct Unread<'a> {
    /// How many messages its user was not told of.
    pub new: usize,
    /// How many its user was told of and has not opened.
    pub old: usize,
    /// The number given last.
    pub seq: u64,
    /// Grows with every change of any message's state, and is the same again after a restart.
    pub rev: u64,
    /// The unread messages, newest first, at most as many as were asked for.
    pub items: Vec<&'a Message>,
}

impl Unread<'_> {
    /// How many unread messages are not among the items.
    #[must_use]
    pub const fn more(&self) -> usize {
        (self.new.saturating_add(self.old)).saturating_sub(self.items.len())
    }
}

impl Account {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Message> {
        self.messages.get(&seq)
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values()
    }

    pub(super) fn of_topic(&self, draft: &Draft) -> Option<u64> {
        self.by_topic.get(&Name::topic(draft)?).copied()
    }

    pub(super) fn of_id(&self, draft: &Draft) -> Option<u64> {
        let mut name = Name::id(draft);
        self.by_id.get(&name).copied().or_else(|| {
            // A push that an earlier version took in, taken in again after a restart.
            name.by = None;
            self.by_id.get(&name).copied()
        })
    }

    pub(super) fn cleared(&self) -> impl Iterator<Item = &Cleared> {
        self.cleared.values()
    }

    /// The messages that give way when room is needed, in the order in which they do: deleted ones, read ones, then those
    /// that everybody has whom they are for; others never do.
    pub(super) fn spare<'a>(
        &'a self,
        is_had: &'a dyn Fn(&Message) -> bool,
    ) -> impl Iterator<Item = &'a Message> {
        let deleted = self.deleted.iter().filter_map(|seq| self.get(*seq));
        let unread = self.unoffered.len().saturating_add(self.offered.len());
        let none_is_read = unread.saturating_add(self.deleted.len()) >= self.messages.len();
        let read = self.all().filter(|message| message.state == State::Read);
        let read = read.take(if none_is_read { 0 } else { usize::MAX });
        let had = self
            .all()
            .filter(move |message| message.state.is_unread() && is_had(message));
        deleted.chain(read).chain(had)
    }

    /// Enters a message under its number, which was not used before.
    pub(super) fn enter(&mut self, message: Message) {
        let seq = message.seq;
        self.last = self.last.max(seq);
        self.octets = self.octets.saturating_add(message.octets());
        if let Some(topic) = Name::topic(&message.draft) {
            self.by_topic.insert(topic, seq);
        }
        self.by_id.insert(Name::id(&message.draft), seq);
        self.index(seq, message.state);
        self.messages.insert(seq, message);
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Message> {
        let message = self.messages.remove(&seq)?;
        self.octets = self.octets.saturating_sub(message.octets());
        self.unindex(seq, message.state);
        if let Some(topic) = Name::topic(&message.draft)
            && self.by_topic.get(&topic) == Some(&seq)
        {
            self.by_topic.remove(&topic);
        }
        let id = Name::id(&message.draft);
        if self.by_id.get(&id) == Some(&seq) {
            self.by_id.remove(&id);
        }
        Some(message)
    }

    /// Takes a message further in its life; false when it is there already or past it.
    pub(super) fn advance(&mut self, seq: u64, state: State) -> bool {
        let Some(message) = self.messages.get(&seq) else {
            return false;
        };
        if message.state >= state {
            return false;
        }
        let Some(mut message) = self.remove(seq) else {
            return false;
        };
        message.state = state;
        if state == State::Deleted {
            message.draft = message.draft.stripped();
        }
        self.enter(message);
        true
    }

    /// Which messages a clearing by that client opens: none that is for another client alone, whose user has not seen it.
    pub(super) fn unread_of(&self, app: &str, upto: u64, by: &str) -> Vec<u64> {
        let is_seen = |only: &String| only == by;
        self.upto(&self.unoffered, upto)
            .chain(self.upto(&self.offered, upto))
            .filter(|message| message.draft.app == app)
            .filter(|message| message.draft.client.as_ref().is_none_or(is_seen))
            .map(|message| message.seq)
            .collect()
    }

    /// The first unread message of an application that is for that client alone.
    pub(super) fn first_alone(&self, app: &str, client: &str) -> Option<u64> {
        let alone = |message: &&Message| {
            let draft = &message.draft;
            draft.app == app && draft.client.as_deref() == Some(client)
        };
        let new = self.upto(&self.unoffered, u64::MAX).find(alone);
        let old = self.upto(&self.offered, u64::MAX).find(alone);
        new.into_iter().chain(old).map(|message| message.seq).min()
    }

    /// Which messages an offer up to a number concerns.
    pub(super) fn unoffered_upto(&self, upto: u64) -> Vec<u64> {
        self.unoffered.range(..=upto).copied().collect()
    }

    fn upto<'a>(&'a self, set: &'a BTreeSet<u64>, upto: u64) -> impl Iterator<Item = &'a Message> {
        set.range(..=upto).filter_map(|seq| self.messages.get(seq))
    }

    /// Notes that an application was cleared up to a number; gives the clearing a number of its own.
    pub(super) fn note_cleared(&mut self, app: &str, upto: u64) -> u64 {
        self.last = self.last.saturating_add(1);
        self.enter_cleared(Cleared {
            app: app.to_owned(),
            upto,
            at: self.last,
        });
        self.last
    }

    pub(super) fn enter_cleared(&mut self, cleared: Cleared) {
        self.last = self.last.max(cleared.at);
        self.cleared.insert(cleared.app.clone(), cleared);
    }

    pub(super) fn cleared_upto(&self, app: &str) -> Option<u64> {
        self.cleared.get(app).map(|cleared| cleared.upto)
    }

    /// Forgets the clearing that is longest ago; how many are left.
    pub(super) fn forget_cleared(&mut self) {
        let oldest = self.cleared.values().min_by_key(|cleared| cleared.at);
        if let Some(app) = oldest.map(|cleared| cleared.app.clone()) {
            self.cleared.remove(&app);
        }
    }

    pub(super) fn clearings(&self) -> usize {
        self.cleared.len()
    }

    /// What follows a cursor, at most so many messages and about so many octets; at least one message.
    pub(super) fn after(
        &self,
        now: Time,
        cursor: u64,
        most: (usize, usize),
        wanted: impl Fn(&Message) -> bool,
        clears: impl Fn(&Cleared) -> bool,
    ) -> Page<'_> {
        let mut messages: Vec<&Message> = Vec::new();
        let (mut octets, mut more) = (0_usize, false);
        let following = (Bound::Excluded(cursor), Bound::Unbounded);
        for (_, message) in self.messages.range(following) {
            if message.state == State::Deleted || message.is_expired(now) || !wanted(message) {
                continue;
            }
            octets = octets.saturating_add(message.octets());
            if messages.len() >= most.0 || (octets > most.1 && !messages.is_empty()) {
                more = true;
                break;
            }
            messages.push(message);
        }
        let end = messages.last().map_or(cursor, |message| message.seq);
        let cleared = self.cleared.values().filter(|cleared| {
            cleared.at > cursor && (!more || cleared.at < end) && clears(cleared)
        });
        let cleared: Vec<&Cleared> = cleared.collect();
        let latest = cleared.iter().map(|cleared| cleared.at).max();
        Page {
            cursor: latest.map_or(end, |at| at.max(end)),
            messages,
            cleared,
            more,
        }
    }

    pub(super) fn unread(&self, most: usize) -> Unread<'_> {
        let mut new = self.unoffered.iter().rev().peekable();
        let mut old = self.offered.iter().rev().peekable();
        let newest = core::iter::from_fn(|| match (new.peek(), old.peek()) {
            (Some(a), Some(b)) if a < b => old.next(),
            (Some(_), _) => new.next(),
            (None, _) => old.next(),
        });
        Unread {
            new: self.unoffered.len(),
            old: self.offered.len(),
            seq: self.last,
            rev: self.rev(),
            items: newest
                .take(most)
                .filter_map(|seq| self.messages.get(seq))
                .collect(),
        }
    }

    /// Each number that was given counts by how far its message came: 1 when it is new, 4 when it is deleted or gone.
    fn rev(&self) -> u64 {
        let (new, old) = (self.unoffered.len(), self.offered.len());
        let unread = new.saturating_add(old);
        let read = self.messages.len().saturating_sub(unread);
        let read = read.saturating_sub(self.deleted.len());
        let missing = new.saturating_mul(3).saturating_add(old.saturating_mul(2));
        let missing = missing.saturating_add(read);
        let missing = u64::try_from(missing).unwrap_or(u64::MAX);
        self.last.saturating_mul(4).saturating_sub(missing)
    }

    fn index(&mut self, seq: u64, state: State) {
        if let Some(set) = self.set(state) {
            set.insert(seq);
        }
    }

    fn unindex(&mut self, seq: u64, state: State) {
        if let Some(set) = self.set(state) {
            set.remove(&seq);
        }
    }

    const fn set(&mut self, state: State) -> Option<&mut BTreeSet<u64>> {
        match state {
            State::Unoffered => Some(&mut self.unoffered),
            State::Offered => Some(&mut self.offered),
            State::Read => None,
            State::Deleted => Some(&mut self.deleted),
        }
    }
}
