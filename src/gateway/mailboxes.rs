//! Mailboxes that are watched over IMAP: their connections, and what comes of them.
//!
//! **Source:** requirements R1.16, R1.17, R1.20 to R1.24. One connection for each account that is logged in; a connection
//! that breaks is opened again, later each time, and the account's monitor is degraded meanwhile. A login whose password
//! only the server knows has a connection of its own until the server has judged.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use foldhash::quality::FixedState;

use super::Gateway;
use super::config::{Config, back_off};
use super::service::instant_notice::{
    Cursor, Imap, InstantNotices, Monitoring, NewInfo, Proof, Source,
};
use crate::protocol::imap::{Effect, Mail, Settings, Watcher};
use crate::random::Random;
use crate::time::Time;
use crate::world::{CloseReason, LinkId, Output, RequestId, Transport};

/// Links to mail servers are numbered from here, below those to the message centre.
const LINKS: u64 = 1 << 61;
/// The first pause before a connection is opened again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// What a connection is for: a mailbox, or one login whose password is tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    account: String,
    app: String,
    login: Option<u64>,
}

struct Mailbox {
    link: Option<LinkId>,
    watcher: Option<Watcher>,
    /// What the user gave; nowhere else, so that it is gone with the process.
    password: Option<String>,
    proof: Option<(RequestId, Proof)>,
    attempts: u32,
    due: Option<Time>,
}

/// All of them.
pub(super) struct Mailboxes {
    random: Random,
    by_key: BTreeMap<Key, Mailbox>,
    by_link: HashMap<LinkId, Key, FixedState>,
    by_time: BTreeSet<(Time, Key)>,
    opened: u64,
    logins: u64,
}

/// The service and its mailboxes; one that watches nothing draws no chance, so that others' is the same with and without.
pub(super) fn open(config: &Config, random: &mut Random) -> (InstantNotices, Mailboxes) {
    let mut own = match config.monitors.is_empty() {
        true => Random::from_number(0),
        false => random.fork(),
    };
    let instant = InstantNotices::new(config.monitors.clone(), own.fork());
    (instant, Mailboxes::new(own))
}

impl Mailboxes {
    fn new(random: Random) -> Self {
        Self {
            random,
            by_key: BTreeMap::new(),
            by_link: HashMap::default(),
            by_time: BTreeSet::new(),
            opened: LINKS,
            logins: 0,
        }
    }

    pub(super) fn has(&self, link: LinkId) -> bool {
        (LINKS..LINKS << 1).contains(&link.0)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// When something of a mailbox is due next.
    fn set_due(&mut self, key: &Key, due: Option<Time>) {
        let Some(mailbox) = self.by_key.get_mut(key) else {
            return;
        };
        if mailbox.due == due {
            return;
        }
        if let Some(old) = core::mem::replace(&mut mailbox.due, due) {
            self.by_time.remove(&(old, key.clone()));
        }
        if let Some(due) = due {
            self.by_time.insert((due, key.clone()));
        }
    }

    fn take_due(&mut self, now: Time) -> Option<Key> {
        let (due, _) = self.by_time.first()?;
        if *due > now {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        if let Some(mailbox) = self.by_key.get_mut(&key) {
            mailbox.due = None;
        }
        Some(key)
    }

    /// The mailbox is of no use any more.
    fn remove(&mut self, key: &Key) -> Option<Mailbox> {
        self.set_due(key, None);
        let mailbox = self.by_key.remove(key)?;
        if let Some(link) = mailbox.link {
            self.by_link.remove(&link);
        }
        Some(mailbox)
    }
}

impl Gateway {
    /// Begins to watch the mailbox of an account.
    pub(super) fn watch_mailbox(
        &mut self,
        now: Time,
        (account, app): (&str, &str),
        password: Option<String>,
        out: &mut Vec<Output>,
    ) {
        if self.imap(app).is_none() {
            return;
        }
        let key = Key {
            account: account.to_owned(),
            app: app.to_owned(),
            login: None,
        };
        if let Some(known) = self.mailboxes.by_key.get_mut(&key) {
            known.password = password.or_else(|| known.password.take());
            if known.link.is_some() {
                return;
            }
        } else {
            let mailbox = Mailbox {
                link: None,
                watcher: None,
                password,
                proof: None,
                attempts: 0,
                due: None,
            };
            self.mailboxes.by_key.insert(key.clone(), mailbox);
        }
        self.connect_mailbox(now, &key, out);
    }

    /// Watches the mailbox of an account no more.
    pub(super) fn unwatch_mailbox(&mut self, account: &str, app: &str, out: &mut Vec<Output>) {
        let key = Key {
            account: account.to_owned(),
            app: app.to_owned(),
            login: None,
        };
        let link = self.mailboxes.remove(&key).and_then(|it| it.link);
        out.extend(link.map(|link| Output::Close { link }));
    }

    /// Asks the mail server whether a password is right; it answers by [`Gateway::proved`].
    pub(super) fn prove(&mut self, now: Time, id: RequestId, proof: Proof, out: &mut Vec<Output>) {
        self.mailboxes.logins = self.mailboxes.logins.saturating_add(1);
        let key = Key {
            account: proof.account.clone(),
            app: proof.app.clone(),
            login: Some(self.mailboxes.logins),
        };
        let mailbox = Mailbox {
            link: None,
            watcher: None,
            password: Some(proof.password.clone()),
            proof: Some((id, proof)),
            attempts: 0,
            due: None,
        };
        self.mailboxes.by_key.insert(key.clone(), mailbox);
        self.connect_mailbox(now, &key, out);
    }

    fn imap(&self, app: &str) -> Option<&Imap> {
        match &self.instant.watched().get(app)?.source {
            Source::Imap(imap) => Some(imap),
            _ => None,
        }
    }

    /// Who logs in, and with what.
    fn mailbox_settings(&self, key: &Key) -> Option<Settings> {
        let imap = self.imap(&key.app)?;
        let watched = self.instant.watched().get(&key.app)?;
        let mailbox = self.mailboxes.by_key.get(key)?;
        let user = key.account.split_once(':').map_or("", |(_, user)| user);
        let user = match imap.local_part {
            true => user.split('@').next().unwrap_or_default(),
            false => user,
        };
        let own = || {
            let listed = watched.passwords.get(&key.account);
            mailbox.password.as_ref().or(listed).cloned()
        };
        let master = imap.master.as_ref().filter(|_| key.login.is_none());
        let (master, password) = match master {
            Some((name, password)) => (Some(name.clone()), password.clone()),
            None => (None, own()?),
        };
        Some(Settings {
            user: user.to_owned(),
            password,
            master,
            folder: imap.folder.clone(),
            notify: imap.notify,
        })
    }

    fn connect_mailbox(&mut self, now: Time, key: &Key, out: &mut Vec<Output>) {
        let Some(imap) = self.imap(&key.app).cloned() else {
            return;
        };
        let Some(settings) = self.mailbox_settings(key) else {
            // After a restart nobody has the password that a user once gave.
            let why = "no password is known: log in again";
            return self.degraded(now, key, why, out);
        };
        let cursor = self.instant.cursor(&key.account, &key.app);
        let known = cursor.map(|cursor| (cursor.validity, cursor.next));
        let watcher = Watcher::new(now, settings, known);
        let due = watcher.deadline();
        self.mailboxes.opened = self.mailboxes.opened.saturating_add(1);
        let link = LinkId(self.mailboxes.opened);
        let Some(mailbox) = self.mailboxes.by_key.get_mut(key) else {
            return;
        };
        mailbox.link = Some(link);
        mailbox.watcher = Some(watcher);
        self.mailboxes.by_link.insert(link, key.clone());
        self.mailboxes.set_due(key, due);
        out.push(Output::Connect {
            link,
            transport: match imap.tls {
                Some(_) => Transport::Tls,
                None => Transport::Tcp,
            },
            target: imap.address,
            server_name: imap.tls,
        });
    }

    pub(super) fn mailbox_octets(
        &mut self,
        now: Time,
        link: LinkId,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        if let Some(key) = self.mailboxes.by_link.get(&link).cloned() {
            self.tell_mailbox(now, &key, out, |watcher, effects| {
                watcher.octets(now, octets, effects);
            });
        }
    }

    pub(super) fn mailbox_closed(
        &mut self,
        now: Time,
        link: LinkId,
        why: CloseReason,
        out: &mut Vec<Output>,
    ) {
        let why = match why {
            CloseReason::Peer => "the server closed the connection",
            CloseReason::Refused => "the server takes no connection",
            CloseReason::Broken => "the connection broke",
        };
        if let Some(key) = self.mailboxes.by_link.remove(&link) {
            self.lost_mailbox(now, &key, why, out);
        }
    }

    pub(super) fn mailboxes_due(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(key) = self.mailboxes.take_due(now) {
            let mailbox = self.mailboxes.by_key.get(&key);
            if mailbox.is_some_and(|mailbox| mailbox.watcher.is_some()) {
                self.tell_mailbox(now, &key, out, |watcher, effects| {
                    watcher.expire(now, effects);
                });
            } else {
                self.connect_mailbox(now, &key, out);
            }
        }
    }

    fn tell_mailbox(
        &mut self,
        now: Time,
        key: &Key,
        out: &mut Vec<Output>,
        tell: impl FnOnce(&mut Watcher, &mut Vec<Effect>),
    ) {
        let mailbox = self.mailboxes.by_key.get_mut(key);
        let Some(watcher) = mailbox.and_then(|mailbox| mailbox.watcher.as_mut()) else {
            return;
        };
        let mut effects = Vec::new();
        tell(watcher, &mut effects);
        let due = watcher.deadline();
        self.mailboxes.set_due(key, due);
        for effect in effects {
            self.on_mailbox(now, key, effect, out);
        }
    }

    fn on_mailbox(&mut self, now: Time, key: &Key, effect: Effect, out: &mut Vec<Output>) {
        let of = (key.account.as_str(), key.app.as_str());
        match effect {
            Effect::Send(octets) => {
                let link = self.mailboxes.by_key.get(key).and_then(|it| it.link);
                let octets = Bytes::from(octets);
                out.extend(link.map(|link| Output::Octets { link, octets }));
            }
            Effect::LoggedIn if key.login.is_some() => self.judged(now, key, true, out),
            Effect::LoggedIn => {}
            Effect::Refused(_) if key.login.is_some() => self.judged(now, key, false, out),
            Effect::Refused(why) => {
                let why = format!("the server lets us not in: {why}");
                self.drop_mailbox_link(key, out);
                self.lost_mailbox(now, key, &why, out);
            }
            Effect::Watching(way) => {
                if let Some(mailbox) = self.mailboxes.by_key.get_mut(key) {
                    mailbox.attempts = 0;
                }
                self.monitoring(now, of, Monitoring::Watching, Some(way.word()), out);
            }
            Effect::New(mail) => self.news(now, &new_info(of, *mail), out),
            Effect::Read { validity, next } => {
                let cursor = Cursor { validity, next };
                self.instant.keep_cursor(of, cursor, out);
            }
            Effect::Broken(why) => {
                self.drop_mailbox_link(key, out);
                self.lost_mailbox(now, key, &why, out);
            }
        }
    }

    /// The mail server judged a password.
    fn judged(&mut self, now: Time, key: &Key, is_right: bool, out: &mut Vec<Output>) {
        self.drop_mailbox_link(key, out);
        let mailbox = self.mailboxes.remove(key);
        if let Some((id, proof)) = mailbox.and_then(|mailbox| mailbox.proof) {
            self.proved(now, id, proof, is_right, out);
        }
    }

    fn drop_mailbox_link(&mut self, key: &Key, out: &mut Vec<Output>) {
        let mailbox = self.mailboxes.by_key.get_mut(key);
        if let Some(link) = mailbox.and_then(|mailbox| mailbox.link.take()) {
            self.mailboxes.by_link.remove(&link);
            out.push(Output::Close { link });
        }
    }

    /// A mailbox has no connection any more: it is opened again after a while.
    fn lost_mailbox(&mut self, now: Time, key: &Key, why: &str, out: &mut Vec<Output>) {
        if key.login.is_some() {
            let mailbox = self.mailboxes.remove(key);
            if let Some((id, _)) = mailbox.and_then(|mailbox| mailbox.proof) {
                let response = super::api::problem(503, "the mail server cannot be asked", why);
                out.push(Output::Respond { id, response });
            }
            return;
        }
        let random = self.mailboxes.random.below(1_000);
        if let Some(mailbox) = self.mailboxes.by_key.get_mut(key) {
            mailbox.link = None;
            mailbox.watcher = None;
            mailbox.attempts = mailbox.attempts.saturating_add(1);
            let pause = back_off(AGAIN.0, mailbox.attempts, AGAIN.1);
            // A thousand mailboxes of one server do not all come back in the same moment.
            let pause = pause.saturating_add(Duration::from_millis(random));
            self.mailboxes.set_due(key, Some(now + pause));
        }
        self.degraded(now, key, why, out);
    }

    fn degraded(&mut self, now: Time, key: &Key, why: &str, out: &mut Vec<Output>) {
        let of = (key.account.as_str(), key.app.as_str());
        self.monitoring(now, of, Monitoring::Degraded, Some(why), out);
    }
}

fn new_info((account, app): (&str, &str), mail: Mail) -> NewInfo {
    let info = NewInfo {
        account: account.to_owned(),
        source: app.to_owned(),
        id: Cursor::id(mail.validity, mail.uid),
        from: mail.from,
        subject: mail.subject,
        snippet: mail.preview,
        ..NewInfo::default()
    };
    info.bounded()
}
