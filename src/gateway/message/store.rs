//! The messages of all accounts, and their bounds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::quality::FixedState;

use super::account::{Account, Cleared, Page, Unread};
use super::{Draft, Message, State};
use crate::limits;
use crate::time::Time;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages of all accounts.
    pub messages: usize,
    /// Messages of one account.
    pub per_account: usize,
    /// Octets of all messages.
    pub octets: usize,
    /// Octets of the messages of one account.
    pub octets_per_account: usize,
    /// Accounts that ever got one.
    pub accounts: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            messages: limits::WEB_MESSAGES,
            per_account: limits::WEB_MESSAGES_PER_ACCOUNT,
            octets: limits::WEB_OCTETS_KEPT,
            octets_per_account: limits::WEB_OCTETS_PER_ACCOUNT,
            accounts: limits::WEB_ACCOUNTS,
        }
    }
}

/// The messages of all accounts.
#[derive(Debug, Default)]
pub struct Messages {
    bounds: Bounds,
    accounts: HashMap<Arc<str>, Account, FixedState>,
    /// Messages by when they expire.
    due: BTreeSet<(Time, Arc<str>, u64)>,
    messages: usize,
    octets: usize,
    changes: Vec<Change>,
}

/// What happened to a record; to be saved or forgotten before anybody is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The message is new, or its state is.
    Saved {
        /// The account.
        account: Arc<str>,
        /// The message.
        seq: u64,
    },
    /// The message is gone.
    Gone {
        /// The account.
        account: Arc<str>,
        /// The message.
        seq: u64,
    },
    /// What the account knows beside its messages is new: its sequence, its clearings.
    Marked {
        /// The account.
        account: Arc<str>,
    },
    /// The account is gone altogether.
    Dropped {
        /// The account.
        account: Arc<str>,
    },
}

/// What became of a message that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its number.
    pub seq: u64,
    /// The message whose place it took.
    pub replaced: Option<u64>,
    /// The account had a message of that id, and nothing was added.
    pub repeated: bool,
}

/// There is no room for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Not in the account: all it has is unread.
    #[error("the account has no room for more messages")]
    Account,
    /// Not anywhere.
    #[error("no room for more messages")]
    Everywhere,
}

impl Messages {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Keeps a message. One of the same topic gives way to it; where room is short, those do that are read or deleted, and
    /// those that everybody has whom they are for, which `is_had` says.
    ///
    /// # Errors
    /// When there is no room; then nothing has changed.
    pub fn put(
        &mut self,
        now: Time,
        account: &str,
        draft: Draft,
        is_had: &dyn Fn(&Message) -> bool,
    ) -> Result<Put, Full> {
        let name = self.name(account)?;
        self.expire(now);
        let own = self.accounts.get(&name);
        if let Some(seq) = own.and_then(|own| own.of_id(&draft)) {
            return Ok(Put {
                seq,
                replaced: None,
                repeated: true,
            });
        }
        let replaced = own.and_then(|own| own.of_topic(&draft));
        let seq = own.map_or(0, |own| own.last).saturating_add(1);
        let message = Message {
            seq,
            created: now,
            state: State::Unoffered,
            draft,
        };
        for spare in self.spare(&name, message.octets(), replaced, is_had)? {
            self.remove(&name, spare);
        }
        if let Some(old) = replaced {
            self.remove(&name, old);
        }
        self.enter(&name, message);
        self.saved(&name, seq);
        Ok(Put {
            seq,
            replaced,
            repeated: false,
        })
    }

    /// What follows a cursor and is wanted: not deleted, not expired, oldest first, bounded as a packet is.
    ///
    /// `clears` says which clearings the asker is to hear of.
    pub fn after(
        &self,
        now: Time,
        account: &str,
        cursor: u64,
        wanted: impl Fn(&Message) -> bool,
        clears: impl Fn(&Cleared) -> bool,
    ) -> Page<'_> {
        let most = (limits::WEB_PACKET_MESSAGES, limits::WEB_PACKET_OCTETS);
        match self.accounts.get(account) {
            Some(own) => own.after(now, cursor, most, wanted, clears),
            None => Page {
                cursor,
                messages: Vec::new(),
                cleared: Vec::new(),
                more: false,
            },
        }
    }

    /// What is unread in an account: counts without a scan, and its newest messages.
    pub fn unread(&mut self, now: Time, account: &str, most: usize) -> Unread<'_> {
        self.expire(now);
        match self.accounts.get(account) {
            Some(own) => own.unread(most),
            None => Unread {
                new: 0,
                old: 0,
                seq: 0,
                rev: 0,
                items: Vec::new(),
            },
        }
    }

    /// All messages of an account that are there, deleted ones too, oldest first.
    pub fn all(&self, account: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.accounts
            .get(account)
            .into_iter()
            .flat_map(Account::all)
    }

    /// A message.
    #[must_use]
    pub fn get(&self, account: &str, seq: u64) -> Option<&Message> {
        self.accounts.get(account)?.get(seq)
    }

    /// The number given last in an account; 0 for one without messages.
    #[must_use]
    pub fn last(&self, account: &str) -> u64 {
        self.accounts.get(account).map_or(0, |own| own.last)
    }

    /// The first unread message of an application that is for that client alone.
    #[must_use]
    pub fn first_alone(&self, account: &str, app: &str, client: &str) -> Option<u64> {
        self.accounts.get(account)?.first_alone(app, client)
    }

    /// The clearings of an account that are remembered.
    pub fn cleared(&self, account: &str) -> impl Iterator<Item = &Cleared> {
        let own = self.accounts.get(account);
        own.into_iter().flat_map(Account::cleared)
    }

    /// The user was told of everything up to that number (R4.17); how many messages that concerned.
    pub fn offer(&mut self, account: &str, upto: u64) -> usize {
        let own = self.accounts.get(account);
        let seqs = own.map(|own| own.unoffered_upto(upto));
        self.advance_all(account, &seqs.unwrap_or_default(), State::Offered)
    }

    /// The user opened a message; false when it is unknown, or was read or deleted before.
    pub fn read(&mut self, account: &str, seq: u64) -> bool {
        self.advance_all(account, &[seq], State::Read) == 1
    }

    /// The user deleted a message; false when it is unknown or was deleted before.
    pub fn delete(&mut self, account: &str, seq: u64) -> bool {
        self.advance_all(account, &[seq], State::Deleted) == 1
    }

    /// The user opened an application in one client, so that its messages up to a number are read there; how many were
    /// not. Nobody else hears of it.
    pub fn open(&mut self, account: &str, app: &str, upto: u64, by: &str) -> usize {
        let own = self.accounts.get(account);
        let seqs = own.map(|own| own.unread_of(app, upto, by));
        self.advance_all(account, &seqs.unwrap_or_default(), State::Read)
    }

    /// The user opened an application in one client, so that all its messages up to a number are read in all of them
    /// (R0.42), but for those that are for another client alone; how many were not.
    ///
    /// Clients hear of it as of a message: it takes a number of the same sequence.
    pub fn clear(&mut self, account: &str, app: &str, upto: u64, by: &str) -> usize {
        let Some((name, own)) = self.accounts.get_key_value(account) else {
            return 0;
        };
        let name = Arc::clone(name);
        let upto = upto.min(own.last);
        let is_known = own.cleared_upto(app).is_some_and(|known| known >= upto);
        let seqs = own.unread_of(app, upto, by);
        let n = self.advance_all(account, &seqs, State::Read);
        if is_known {
            return n;
        }
        if let Some(own) = self.accounts.get_mut(account) {
            own.note_cleared(app, upto);
            if own.clearings() > limits::WEB_APPS {
                own.forget_cleared();
            }
        }
        self.changes.push(Change::Marked { account: name });
        n
    }

    /// Takes out what is of no use any more.
    pub fn expire(&mut self, now: Time) {
        while let Some((at, name, seq)) = self.due.first().cloned() {
            if at > now {
                return;
            }
            self.due.pop_first();
            self.remove(&name, seq);
        }
    }

    /// When [`Self::expire`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// Forgets an account with all it has: that of a client that is no more.
    pub fn drop_account(&mut self, account: &str) {
        let Some((name, own)) = self.accounts.get_key_value(account) else {
            return;
        };
        let name = Arc::clone(name);
        let seqs: Vec<u64> = own.all().map(|message| message.seq).collect();
        for seq in seqs {
            self.remove(&name, seq);
        }
        self.accounts.remove(account);
        self.changes.push(Change::Dropped { account: name });
    }

    /// What changed since it was last asked, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        core::mem::take(&mut self.changes)
    }

    /// How many messages are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// True when there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Octets of all messages.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// Takes a message back after a restart.
    ///
    /// # Errors
    /// When there is no room.
    pub fn restore(&mut self, account: &str, message: Message) -> Result<(), Full> {
        let name = self.name(account)?;
        if self.messages >= self.bounds.messages {
            return Err(Full::Everywhere);
        }
        self.enter(&name, message);
        Ok(())
    }

    /// Takes back what an account knew beside its messages.
    ///
    /// # Errors
    /// When there is no room.
    pub fn restore_mark(
        &mut self,
        account: &str,
        last: u64,
        cleared: Vec<Cleared>,
    ) -> Result<(), Full> {
        let name = self.name(account)?;
        let own = self.accounts.entry(name).or_default();
        own.last = own.last.max(last);
        for one in cleared {
            own.enter_cleared(one);
        }
        Ok(())
    }

    /// The name as it is kept.
    fn name(&self, account: &str) -> Result<Arc<str>, Full> {
        match self.accounts.get_key_value(account) {
            Some((name, _)) => Ok(Arc::clone(name)),
            None if self.accounts.len() >= self.bounds.accounts => Err(Full::Everywhere),
            None => Ok(Arc::from(account)),
        }
    }

    /// The messages that are to go so that one of so many octets fits; the one it replaces counts as gone.
    fn spare(
        &self,
        name: &Arc<str>,
        octets: usize,
        replaced: Option<u64>,
        is_had: &dyn Fn(&Message) -> bool,
    ) -> Result<Vec<u64>, Full> {
        let none = Account::default();
        let own = self.accounts.get(name).unwrap_or(&none);
        let gone = replaced.and_then(|seq| own.get(seq));
        let mut freed = (usize::from(gone.is_some()), gone.map_or(0, Message::octets));
        let mut spare = Vec::new();
        let mut others = own
            .spare(is_had)
            .filter(|message| Some(message.seq) != replaced);
        loop {
            let left = |of: usize| of.saturating_sub(freed.0);
            let filled = |of: usize| of.saturating_sub(freed.1).saturating_add(octets);
            let full = if left(own.len()) >= self.bounds.per_account
                || filled(own.octets) > self.bounds.octets_per_account
            {
                Full::Account
            } else if left(self.messages) >= self.bounds.messages
                || filled(self.octets) > self.bounds.octets
            {
                Full::Everywhere
            } else {
                return Ok(spare);
            };
            let next = others.next().ok_or(full)?;
            freed.0 = freed.0.saturating_add(1);
            freed.1 = freed.1.saturating_add(next.octets());
            spare.push(next.seq);
        }
    }

    fn enter(&mut self, name: &Arc<str>, message: Message) {
        if let Some(at) = message.draft.expires {
            self.due.insert((at, Arc::clone(name), message.seq));
        }
        self.messages = self.messages.saturating_add(1);
        self.octets = self.octets.saturating_add(message.octets());
        let own = self.accounts.entry(Arc::clone(name)).or_default();
        own.enter(message);
    }

    fn remove(&mut self, name: &Arc<str>, seq: u64) {
        let Some(own) = self.accounts.get_mut(name) else {
            return;
        };
        let Some(message) = own.remove(seq) else {
            return;
        };
        // A number is never given twice, not even after a restart: the latest outlives its message.
        let is_latest = own.last == seq;
        if let Some(at) = message.draft.expires {
            self.due.remove(&(at, Arc::clone(name), seq));
        }
        self.messages = self.messages.saturating_sub(1);
        self.octets = self.octets.saturating_sub(message.octets());
        if is_latest {
            self.changes.push(Change::Marked {
                account: Arc::clone(name),
            });
        }
        self.changes.push(Change::Gone {
            account: Arc::clone(name),
            seq,
        });
    }

    fn advance_all(&mut self, account: &str, seqs: &[u64], state: State) -> usize {
        let Some((name, _)) = self.accounts.get_key_value(account) else {
            return 0;
        };
        let name = Arc::clone(name);
        let mut n = 0_usize;
        for seq in seqs {
            let Some(own) = self.accounts.get_mut(&name) else {
                return n;
            };
            let before = own.octets;
            if own.advance(*seq, state) {
                let freed = before.saturating_sub(own.octets);
                self.octets = self.octets.saturating_sub(freed);
                n = n.saturating_add(1);
                self.saved(&name, *seq);
            }
        }
        n
    }

    fn saved(&mut self, name: &Arc<str>, seq: u64) {
        self.changes.push(Change::Saved {
            account: Arc::clone(name),
            seq,
        });
    }
}
