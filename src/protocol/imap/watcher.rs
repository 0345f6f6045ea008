//! The machine: one connection to a mailbox, from its greeting to its end.

use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Mail;
use super::terms::{Can, Effect, Settings, Way};
use crate::codec::imap::{Code, Condition, Framer, Item, Response, quoted};
use crate::time::Time;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one IDLE lasts: servers may log out after 30 minutes (RFC 2177 section 3).
const IDLE: Duration = Duration::from_secs(25 * 60);
/// How often a server without IDLE is asked.
const POLL: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Login,
    /// The server asks for the response of AUTHENTICATE.
    Challenge,
    Capability,
    Examine,
    SetNotify,
    /// The mailbox is left: NOTIFY tells of those that are not open.
    Leave,
    /// How it stands is asked.
    Status,
    Fetch,
    /// IDLE was sent, `+` is awaited.
    IdleAsked,
    Idle,
    /// DONE was sent.
    Done,
    /// Nothing is asked: NOTIFY tells, or the time of a NOOP is awaited.
    Quiet,
    Noop,
    Over,
}

/// One connection to a mailbox.
#[derive(Debug)]
pub struct Watcher {
    settings: Box<Settings>,
    framer: Framer,
    state: State,
    /// The number of the last command.
    tag: u32,
    due: Option<Time>,
    can: Can,
    /// How far the mailbox was read, and what the server says of it.
    known: Option<(u32, u32)>,
    validity: u32,
    next: Option<u32>,
    /// The highest number that was fetched in this turn.
    highest: u32,
    /// Something came while nothing could be fetched.
    dirty: bool,
    is_announced: bool,
    /// The mailbox is open.
    is_open: bool,
    /// NOTIFY was set. It stands: Dovecot misses what comes soon after it is set again.
    is_set: bool,
    /// The mailbox was open since: what came then is asked for.
    is_stale: bool,
}

impl Watcher {
    /// A connection that was opened just now; `known` is how far the mailbox was read before.
    #[must_use]
    pub fn new(now: Time, settings: Settings, known: Option<(u32, u32)>) -> Self {
        Self {
            settings: Box::new(settings),
            framer: Framer::default(),
            state: State::Greeting,
            tag: 0,
            due: Some(now + PATIENCE),
            can: Can::default(),
            known,
            validity: 0,
            next: None,
            highest: 0,
            dirty: false,
            is_announced: false,
            is_open: false,
            is_set: false,
            is_stale: false,
        }
    }

    /// Octets came.
    pub fn octets(&mut self, now: Time, octets: &[u8], out: &mut Vec<Effect>) {
        self.framer.push(octets);
        while self.state != State::Over {
            let whole = match self.framer.take() {
                Ok(Some(whole)) => whole,
                Ok(None) => return,
                Err(fault) => return self.fail(&fault.to_string(), out),
            };
            match Response::decode(&whole) {
                Ok(response) => self.heard(now, response, out),
                Err(fault) => return self.fail(&fault.to_string(), out),
            }
        }
    }

    /// When [`Watcher::expire`] is to be called.
    #[must_use]
    pub const fn deadline(&self) -> Option<Time> {
        self.due
    }

    /// Runs what is due.
    pub fn expire(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        match self.state {
            State::Idle => self.end_idle(now, out),
            State::Quiet => {
                self.state = State::Noop;
                self.command(now, "NOOP", out);
            }
            State::Over => self.due = None,
            _ => self.fail("the server does not answer", out),
        }
    }

    fn heard(&mut self, now: Time, response: Response<'_>, out: &mut Vec<Effect>) {
        match response {
            Response::Continue => self.may_go_on(now, out),
            Response::Condition {
                tag: None,
                condition,
                code,
                text,
            } => self.told(now, condition, code, &text, out),
            Response::Condition {
                tag: Some(tag),
                condition,
                code,
                text,
            } => {
                // What a server can do before a login says little of what it can do after it.
                if matches!(self.state, State::Login | State::Challenge) {
                    self.can.known = false;
                }
                self.noted(code);
                // The end of a command of ours; the state says which.
                if tag == format!("A{}", self.tag) {
                    self.ended(now, condition, &text, out);
                }
            }
            Response::Capability(words) => self.can = Can::of(&words),
            Response::Exists(_) => self.changed(now, out),
            Response::Fetch(items) => self.fetched(&items, out),
            Response::Status { items, .. } => self.stands(now, &items, out),
            Response::Expunge(_) | Response::Other(_) => {}
        }
    }

    /// The server says something that ends no command.
    fn told(
        &mut self,
        now: Time,
        condition: Condition,
        code: Option<Code>,
        text: &str,
        out: &mut Vec<Effect>,
    ) {
        self.noted(code);
        match (self.state, condition) {
            (_, Condition::Bye) => self.fail(&format!("the server closes: {text}"), out),
            (State::Greeting, Condition::Ok) => self.login(now, out),
            (State::Greeting, Condition::PreAuth) => self.let_in(now, out),
            (State::Greeting, _) => self.fail(&format!("no greeting: {text}"), out),
            _ => {}
        }
    }

    fn noted(&mut self, code: Option<Code>) {
        match code {
            Some(Code::Capability(words)) => self.can = Can::of(&words),
            Some(Code::UidValidity(validity)) => self.validity = validity,
            Some(Code::UidNext(next)) => self.next = Some(next),
            _ => {}
        }
    }

    fn login(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.can.no_login {
            // Without TLS a password would be seen by everybody on the way.
            return self.fail("the server takes no password on this connection", out);
        }
        let pair = quoted(&self.settings.user).zip(quoted(&self.settings.password));
        match pair.filter(|_| self.settings.master.is_none()) {
            Some((user, password)) => {
                self.state = State::Login;
                self.command(now, &format!("LOGIN {user} {password}"), out);
            }
            None => {
                self.state = State::Challenge;
                self.command(now, "AUTHENTICATE PLAIN", out);
            }
        }
    }

    /// The server waits for more of a command.
    fn may_go_on(&mut self, now: Time, out: &mut Vec<Effect>) {
        match self.state {
            State::Challenge => {
                let Settings { user, password, .. } = &*self.settings;
                let own = self.settings.master.as_ref().unwrap_or(user);
                let plain = STANDARD.encode(format!("{user}\0{own}\0{password}"));
                self.state = State::Login;
                self.send(now, format!("{plain}\r\n"), out);
            }
            State::IdleAsked => {
                self.state = State::Idle;
                self.due = Some(now + IDLE);
                self.announce(Way::Idle, out);
                if self.dirty {
                    self.end_idle(now, out);
                }
            }
            _ => self.fail("the server waits for something that was not begun", out),
        }
    }

    /// The last command ended.
    fn ended(&mut self, now: Time, condition: Condition, text: &str, out: &mut Vec<Effect>) {
        let is_ok = condition == Condition::Ok;
        match self.state {
            State::Login | State::Challenge if !is_ok => {
                self.over();
                out.push(Effect::Refused(text.to_owned()));
            }
            // A server that gives up NOTIFY is asked to IDLE (RFC 5465 section 5).
            State::SetNotify if !is_ok => {
                self.can.notify = false;
                self.go_on(now, out);
            }
            _ if !is_ok => self.fail(&format!("the server refuses: {text}"), out),
            State::Login => self.let_in(now, out),
            State::Capability => self.examine(now, out),
            State::Examine => self.opened(now, out),
            State::Fetch => {
                self.all_told(out);
                self.go_on(now, out);
            }
            State::SetNotify => {
                self.is_set = true;
                self.announce(Way::Notify, out);
                self.go_on(now, out);
            }
            State::Leave => {
                self.is_open = false;
                self.go_on(now, out);
            }
            State::Done | State::Noop | State::Status => self.go_on(now, out),
            _ => self.fail("the server ends what was not begun", out),
        }
    }

    fn let_in(&mut self, now: Time, out: &mut Vec<Effect>) {
        out.push(Effect::LoggedIn);
        if self.can.known {
            self.examine(now, out);
        } else {
            self.state = State::Capability;
            self.command(now, "CAPABILITY", out);
        }
    }

    fn examine(&mut self, now: Time, out: &mut Vec<Effect>) {
        let Some(folder) = quoted(&self.settings.folder) else {
            return self.fail("the folder's name is not ASCII", out);
        };
        self.state = State::Examine;
        self.command(now, &format!("EXAMINE {folder}"), out);
    }

    /// The mailbox is open: what it holds is old when it is not known, or is another now.
    fn opened(&mut self, now: Time, out: &mut Vec<Effect>) {
        (self.is_open, self.is_stale) = (true, self.is_set);
        let Some(next) = self.next else {
            return self.fail("the server does not say which number follows", out);
        };
        match self.known {
            Some((validity, from)) if validity == self.validity => {
                self.dirty = next > from;
            }
            _ => {
                self.known = Some((self.validity, next));
                let validity = self.validity;
                self.dirty = false;
                out.push(Effect::Read { validity, next });
            }
        }
        self.go_on(now, out);
    }

    /// Fetches what is new, else waits.
    fn go_on(&mut self, now: Time, out: &mut Vec<Effect>) {
        if !core::mem::take(&mut self.dirty) {
            return self.rest(now, out);
        }
        if !self.is_open {
            return self.examine(now, out);
        }
        let (_, from) = self.known.unwrap_or((self.validity, 1));
        let preview = if self.can.preview { " PREVIEW" } else { "" };
        self.state = State::Fetch;
        self.highest = 0;
        let fetch = format!("UID FETCH {from}:* (UID ENVELOPE{preview})");
        self.command(now, &fetch, out);
    }

    /// Waits for what comes.
    fn rest(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.settings.notify && self.can.notify {
            if self.is_open {
                self.state = State::Leave;
                // Nothing is deleted by CLOSE in a mailbox that was opened by EXAMINE.
                let leave = if self.can.unselect {
                    "UNSELECT"
                } else {
                    "CLOSE"
                };
                self.command(now, leave, out);
            } else if core::mem::take(&mut self.is_stale) {
                self.state = State::Status;
                let folder = quoted(&self.settings.folder).unwrap_or_default();
                self.command(now, &format!("STATUS {folder} (UIDNEXT)"), out);
            } else if self.is_set {
                self.quiet(now, IDLE);
            } else {
                self.state = State::SetNotify;
                self.command(now, &self.wish(), out);
            }
        } else if !self.is_open {
            self.examine(now, out);
        } else if self.can.idle {
            self.state = State::IdleAsked;
            self.command(now, "IDLE", out);
        } else {
            self.announce(Way::Poll, out);
            self.quiet(now, POLL);
        }
    }

    /// What NOTIFY is to tell of; the mailbox must not be open for that (Dovecot tells of an open one in IDLE alone).
    fn wish(&self) -> String {
        let folder = &self.settings.folder;
        let place = match quoted(folder).filter(|_| !folder.eq_ignore_ascii_case("INBOX")) {
            Some(folder) => format!("mailboxes {folder}"),
            None => "inboxes".to_owned(),
        };
        format!("NOTIFY SET STATUS ({place} (MessageNew MessageExpunge))")
    }

    fn quiet(&mut self, now: Time, most: Duration) {
        self.state = State::Quiet;
        self.due = Some(now + most);
    }

    fn end_idle(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.state = State::Done;
        self.send(now, "DONE\r\n".to_owned(), out);
    }

    /// There are more mails than before, maybe.
    fn changed(&mut self, now: Time, out: &mut Vec<Effect>) {
        self.dirty = !matches!(self.state, State::Examine);
        match self.state {
            State::Idle => self.end_idle(now, out),
            State::Quiet => self.go_on(now, out),
            _ => {}
        }
    }

    /// NOTIFY tells how the mailbox stands.
    fn stands(&mut self, now: Time, items: &[Item<'_>], out: &mut Vec<Effect>) {
        let mut items = items.iter();
        let next = items.find_map(|(name, value)| match name.as_str() {
            "UIDNEXT" => value.number(),
            _ => None,
        });
        let known = self.known.map_or(0, |(_, known)| known);
        if next.is_some_and(|next| next > known) {
            self.dirty = true;
            if self.state == State::Quiet {
                self.go_on(now, out);
            }
        }
    }

    fn fetched(&mut self, items: &[Item<'_>], out: &mut Vec<Effect>) {
        // The server may tell of flags of any mail at any time.
        if self.state != State::Fetch {
            return;
        }
        let Some(mail) = Mail::of(self.validity, items) else {
            return;
        };
        let from = self.known.map_or(0, |(_, from)| from);
        // `n:*` names the last mail even where its number is lower (RFC 3501 section 6.4.8).
        if mail.uid >= from {
            self.highest = self.highest.max(mail.uid);
            out.push(Effect::New(Box::new(mail)));
        }
    }

    /// Everything that was asked for was told.
    fn all_told(&mut self, out: &mut Vec<Effect>) {
        if self.highest == 0 {
            return;
        }
        let (validity, next) = (self.validity, self.highest.saturating_add(1));
        self.known = Some((validity, next));
        out.push(Effect::Read { validity, next });
    }

    fn announce(&mut self, way: Way, out: &mut Vec<Effect>) {
        if !core::mem::replace(&mut self.is_announced, true) {
            out.push(Effect::Watching(way));
        }
    }

    fn command(&mut self, now: Time, command: &str, out: &mut Vec<Effect>) {
        self.tag = self.tag.wrapping_add(1);
        let tag = self.tag;
        self.send(now, format!("A{tag} {command}\r\n"), out);
    }

    fn send(&mut self, now: Time, text: String, out: &mut Vec<Effect>) {
        self.due = Some(now + PATIENCE);
        out.push(Effect::Send(text.into_bytes()));
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.due = None;
    }

    fn fail(&mut self, why: &str, out: &mut Vec<Effect>) {
        self.over();
        out.push(Effect::Broken(why.to_owned()));
    }
}
