//! A mail server for scenarios: one mailbox, IMAP with IDLE, NOTIFY and PREVIEW, and a hook.
//!
//! **Source:** RFC 3501, RFC 2177, RFC 5465, RFC 8970 as far as a watcher asks for it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::json;

use crate::machine::Machine;
use crate::time::Time;
use crate::world::{Errand, FetchId, HttpRequest, Input, LinkId, Output};

/// Of every mailbox here.
const VALIDITY: u32 = 7;

/// A mail that is delivered.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// `Bob <bob@example.com>`.
    pub from: String,
    /// What about.
    pub subject: String,
    /// How it begins.
    pub text: String,
}

/// What happens at the server.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A mail is delivered.
    Mail(Delivery),
    /// All connections break.
    HangUp,
}

/// What a client did so far.
#[derive(Debug, Default)]
struct Session {
    line: String,
    is_in: bool,
    /// The tag of its IDLE.
    idle: Option<String>,
    notify: bool,
}

/// The server.
#[derive(Debug)]
pub struct MailServer {
    password: String,
    /// Where deliveries are told, where a hook is.
    hook: Option<String>,
    mails: Vec<Delivery>,
    sessions: BTreeMap<LinkId, Session>,
    due: VecDeque<(Time, Happening)>,
    fetches: u64,
}

impl MailServer {
    /// A server whose mailbox has that password and so many old mails.
    #[must_use]
    pub fn new(
        password: &str,
        hook: Option<String>,
        old: usize,
        due: Vec<(Time, Happening)>,
    ) -> Self {
        Self {
            password: password.to_owned(),
            hook,
            mails: vec![Delivery::default(); old],
            sessions: BTreeMap::new(),
            due: due.into(),
            fetches: 0,
        }
    }

    fn deliver(&mut self, mail: &Delivery, out: &mut Vec<Output>) {
        self.mails.push(mail.clone());
        let uid = self.mails.len();
        for (link, session) in &self.sessions {
            if session.idle.is_some() {
                say(*link, &format!("* {uid} EXISTS"), out);
            } else if session.notify {
                let next = uid.saturating_add(1);
                say(*link, &format!("* STATUS INBOX (UIDNEXT {next})"), out);
            }
        }
        if let Some(target) = &self.hook {
            let body = json!({
                "user": "alice", "event": "messageNew", "folder": "INBOX",
                "imap-uidvalidity": VALIDITY, "imap-uid": uid, "from": mail.from,
                "subject": mail.subject, "snippet": mail.text,
            });
            self.fetches = self.fetches.saturating_add(1);
            out.push(Output::Fetch {
                id: FetchId(self.fetches),
                errand: Errand::Result,
                request: HttpRequest {
                    method: "PUT".to_owned(),
                    target: target.clone(),
                    headers: Vec::new(),
                    body: Bytes::from(body.to_string()),
                },
            });
        }
    }

    fn octets(&mut self, link: LinkId, octets: &[u8], out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        session.line.push_str(&String::from_utf8_lossy(octets));
        let mut lines = Vec::new();
        while let Some((line, rest)) = session.line.split_once("\r\n") {
            lines.push(line.to_owned());
            session.line = rest.to_owned();
        }
        for line in lines {
            self.command(link, &line, out);
        }
    }

    fn command(&mut self, link: LinkId, line: &str, out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(&link) else {
            return;
        };
        if line == "DONE" {
            let tag = session.idle.take().unwrap_or_default();
            return say(link, &format!("{tag} OK idle is over"), out);
        }
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        let next = self.mails.len().saturating_add(1);
        match name {
            "LOGIN" if rest.ends_with(&format!(" \"{}\"", self.password)) => {
                session.is_in = true;
                let can = "CAPABILITY IMAP4rev1 IDLE NOTIFY PREVIEW";
                say(link, &format!("{tag} OK [{can}] in"), out);
            }
            "LOGIN" => say(link, &format!("{tag} NO [AUTHENTICATIONFAILED] wrong"), out),
            _ if !session.is_in => say(link, &format!("{tag} BAD log in first"), out),
            "EXAMINE" => {
                say(link, &format!("* {} EXISTS", self.mails.len()), out);
                say(link, &format!("* OK [UIDVALIDITY {VALIDITY}] valid"), out);
                say(link, &format!("* OK [UIDNEXT {next}] next"), out);
                say(link, &format!("{tag} OK [READ-ONLY] open"), out);
            }
            "IDLE" => {
                session.idle = Some(tag.to_owned());
                say(link, "+ idling", out);
            }
            "NOTIFY" => {
                session.notify = true;
                say(link, &format!("* STATUS INBOX (UIDNEXT {next})"), out);
                say(link, &format!("{tag} OK told"), out);
            }
            "UID" => {
                let digits: String = rest.chars().filter_map(first_number()).collect();
                let from = digits.parse::<usize>().unwrap_or(1).max(1);
                for (uid, mail) in (1_usize..).zip(&self.mails) {
                    if uid >= from.min(self.mails.len()) {
                        say(link, &fetched(uid, mail), out);
                    }
                }
                say(link, &format!("{tag} OK fetched"), out);
            }
            "STATUS" => {
                say(link, &format!("* STATUS INBOX (UIDNEXT {next})"), out);
                say(link, &format!("{tag} OK"), out);
            }
            "NOOP" | "CLOSE" => say(link, &format!("{tag} OK"), out),
            _ => say(link, &format!("{tag} BAD unknown"), out),
        }
    }
}

/// Takes the digits of the first number of a text.
fn first_number() -> impl FnMut(char) -> Option<char> {
    let mut is_over = false;
    let mut is_begun = false;
    move |letter| {
        let is_digit = letter.is_ascii_digit() && !is_over;
        is_over |= is_begun && !is_digit;
        is_begun |= is_digit;
        is_digit.then_some(letter)
    }
}

fn fetched(uid: usize, mail: &Delivery) -> String {
    let mut line = format!("* {uid} FETCH (UID {uid} ENVELOPE (NIL ");
    let author = mail.from.split_once(" <");
    let (name, address) = author.unwrap_or(("", mail.from.as_str()));
    let address = address.trim_end_matches('>');
    let (user, host) = address.split_once('@').unwrap_or((address, "localhost"));
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "\"{}\" ((\"{name}\" NIL \"{user}\" \"{host}\")) NIL NIL NIL NIL NIL NIL \"<{uid}@x>\") PREVIEW {{{}}}\r\n{})",
        mail.subject,
        mail.text.len(),
        mail.text
    );
    line
}

fn say(link: LinkId, line: &str, out: &mut Vec<Output>) {
    let octets = Bytes::from(format!("{line}\r\n"));
    out.push(Output::Octets { link, octets });
}

impl Machine for MailServer {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Opened { link, .. } => {
                self.sessions.insert(link, Session::default());
                say(link, "* OK [CAPABILITY IMAP4rev1] ready", out);
            }
            Input::Octets { link, octets } => self.octets(link, &octets, out),
            Input::Closed { link, .. } => {
                self.sessions.remove(&link);
            }
            _ => {}
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            match self.due.pop_front() {
                Some((_, Happening::Mail(mail))) => self.deliver(&mail, out),
                Some((_, Happening::HangUp)) => {
                    for link in core::mem::take(&mut self.sessions).into_keys() {
                        out.push(Output::Close { link });
                    }
                }
                None => return,
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.due.front().map(|(at, _)| *at)
    }
}
