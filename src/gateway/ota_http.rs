//! Terminals that connect for push over HTTP (TO-TCP): who each is, and how long its connection stays.
//!
//! **Source:** WAP-235 sections 7.1 to 7.4 and 8.4, SIN 101. A SIR names where we listen; the terminal connects there and
//! is asked who it is at once. A device that is known so is connected, as one with a session is: contents go to it in
//! POST until nothing was left to send for a while. What it is asked and answers is read by `bearer::terminal`.
//!
//! ```text
//! connects ──▶ OPTIONS ──▶ known: POST, POST ... ──▶ idle: closed
//!      │          │ 401, 412, another tag: once more
//!      └──────────┴──▶ unknown, refused, silent: closed
//! ```

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use foldhash::quality::FixedState;

use super::bearer::http;
use super::bearer::terminal::{Terminal, Trial};
use super::config::Speaks;
use super::push::submission::PushNo;
use super::registry::DeviceKey;
use super::sessions::{Item, SessionNo};
use super::{Gateway, Timer};
use crate::codec::ota_http::{AuthStatus, header};
use crate::event::{Fact, Via};
use crate::ladder::PPG;
use crate::protocol::ota_http::{Answer, Client};
use crate::time::Time;
use crate::world::{HttpResponse, LinkId, Output, Transport};

mod pushing;
mod registering;
mod strangers;

use strangers::Strangers;

/// All connections that terminals opened.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: BTreeMap<u32, Connection>,
    by_link: HashMap<LinkId, u32, FixedState>,
    strangers: Strangers,
    next: u32,
}

/// One connection.
#[derive(Debug)]
struct Connection {
    link: LinkId,
    peer: SocketAddr,
    client: Client,
    terminal: Terminal,
    /// Whose it is, once that is known.
    owner: Option<Owner>,
    /// The terminal proved who it is.
    is_proved: bool,
    under_way: UnderWay,
    waiting: VecDeque<Item>,
    /// What was done once for the first of what waits, and is not done again.
    trial: Trial,
}

/// A device that has a connection.
#[derive(Clone, Debug)]
struct Owner {
    device: DeviceKey,
    name: String,
}

/// What was asked and not answered.
#[derive(Debug)]
enum UnderWay {
    Nothing,
    /// Who the terminal is, with that nonce where it has to prove it.
    Registration(Option<String>),
    Content(Item),
}

impl Connections {
    /// The number of the connection on a link.
    pub(super) fn of_link(&self, link: LinkId) -> Option<u32> {
        self.by_link.get(&link).copied()
    }

    fn remove(&mut self, number: u32) -> Option<Connection> {
        let gone = self.open.remove(&number)?;
        self.by_link.remove(&gone.link);
        self.strangers.leave(number);
        Some(gone)
    }
}

impl Gateway {
    /// Where SIRs tell terminals to connect for push over HTTP, and whether in TLS.
    pub(super) fn http_contacts(&self, is_short: bool) -> Vec<(SocketAddr, bool)> {
        let listeners = self.config.listeners.iter();
        let own = listeners.filter(|own| own.speaks == Speaks::OtaHttp && !is_short);
        own.map(|own| (own.address, own.transport == Transport::Tls))
            .collect()
    }

    /// A terminal connected: it is asked who it is.
    pub(super) fn terminal_opened(
        &mut self,
        now: Time,
        link: LinkId,
        peer: SocketAddr,
        out: &mut Vec<Output>,
    ) {
        let is_full = self.connections.open.len() >= self.config.bounds.sessions;
        let number = self.connections.next;
        // Who connects from an address that is entered for a device is let in whatever others do.
        let is_at_home = self.registry.by_ip(peer.ip()).is_some();
        let strangers = &mut self.connections.strangers;
        if is_full || !(is_at_home || strangers.enter(number, peer.ip())) {
            let (from, why) = (peer.to_string(), "too many connections".to_owned());
            self.report(now, Fact::Refused { from, why }, out);
            out.push(Output::Close { link });
            return;
        }
        if let Some(silent) = self.connections.strangers.too_many() {
            let why = "the terminal did not say who it is before others came";
            self.refuse_terminal(now, silent, why, out);
        }
        let all = &mut self.connections;
        all.next = all.next.wrapping_add(1);
        all.by_link.insert(link, number);
        let connection = Connection {
            link,
            peer,
            client: Client::default(),
            terminal: Terminal::default(),
            owner: None,
            is_proved: false,
            under_way: UnderWay::Nothing,
            waiting: VecDeque::new(),
            trial: Trial::default(),
        };
        all.open.insert(number, connection);
        // All of the registration has this time, so that nobody stays by answering slowly or wrongly.
        let due = now + self.config.answer_timeout;
        self.timers.set(Timer::Terminal(number), due);
        self.ask_terminal(now, number, None, out);
    }

    /// Asks the terminal who it is and what it takes (WAP-235 section 7.3).
    fn ask_terminal(
        &mut self,
        now: Time,
        number: u32,
        judged: Option<AuthStatus>,
        out: &mut Vec<Output>,
    ) {
        let mut rows = self.terminal_rows(number, "OPTIONS");
        let users = self.config.ota_http.terminals.as_ref();
        let nonce = users.map(|users| {
            let nonce = self.random.token::<20>();
            let challenge = http::challenge(&users.realm, nonce.as_str(), judged);
            rows.push(http::row(header::AUTHENTICATE, &challenge));
            nonce.as_str().to_owned()
        });
        let request = http::registration("", rows);
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        let Some(octets) = connection.client.ask(&request) else {
            return self.end_connection(now, number, "the terminal takes no request", out);
        };
        connection.under_way = UnderWay::Registration(nonce);
        let link = connection.link;
        if let Some(owner) = connection.owner.clone() {
            self.wire_asked(now, &owner.name, ("OPTIONS", &Bytes::new()), None, out);
        }
        out.push(Output::Octets { link, octets });
    }

    /// What every request says: the tag it assumes, and who we are once the terminal asked.
    fn terminal_rows(&mut self, number: u32, method: &str) -> Vec<(String, String)> {
        let cnonce = self.random.token::<12>();
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        let terminal = &mut connection.terminal;
        if let Some(tag) = terminal.tag() {
            rows.push(http::row(header::CPI_TAG, &tag.to_string()));
        }
        if let Some((user, password)) = &self.config.credentials
            && let Some(said) = terminal.authorization(method, (user, password), cnonce.as_str())
        {
            rows.push(http::row("Authorization", &said));
        }
        rows
    }

    fn wire_asked(
        &self,
        now: Time,
        dev: &str,
        (method, body): (&str, &Bytes),
        push: Option<PushNo>,
        out: &mut Vec<Output>,
    ) {
        let line = format!("{method} /wappush HTTP/1.1");
        self.wire_connection(now, (PPG, dev), (&line, body), push, out);
    }

    fn wire_said(
        &self,
        now: Time,
        dev: &str,
        answer: &HttpResponse,
        push: Option<PushNo>,
        out: &mut Vec<Output>,
    ) {
        let line = format!("HTTP/1.1 {}", answer.status);
        self.wire_connection(now, (dev, PPG), (&line, &answer.body), push, out);
    }

    pub(super) fn terminal_octets(
        &mut self,
        now: Time,
        number: u32,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        match connection.client.octets(octets) {
            Ok(None) => {}
            Ok(Some(answer)) => self.terminal_answered(now, number, &answer, out),
            Err(fault) => {
                let from = connection.peer.to_string();
                let why = format!("OTA-HTTP: {fault}");
                self.report(now, Fact::Refused { from, why }, out);
                self.end_connection(now, number, "the terminal speaks no HTTP", out);
            }
        }
    }

    /// The terminal, or the network, ended the connection.
    pub(super) fn terminal_closed(&mut self, now: Time, number: u32, out: &mut Vec<Output>) {
        let connection = self.connections.open.get_mut(&number);
        let last = connection.and_then(|connection| connection.client.ended());
        if let Some(answer) = last {
            self.terminal_answered(now, number, &answer, out);
        }
        if let Some(connection) = self.connections.open.get(&number) {
            self.connections.by_link.remove(&connection.link);
            self.forget_connection(now, number, "the terminal closed the connection", out);
        }
    }

    fn terminal_answered(
        &mut self,
        now: Time,
        number: u32,
        answer: &Answer,
        out: &mut Vec<Output>,
    ) {
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        let under_way = core::mem::replace(&mut connection.under_way, UnderWay::Nothing);
        let dev = connection.owner.as_ref().map(|owner| owner.name.clone());
        let response = &answer.response;
        if let Some(dev) = dev {
            let push = match &under_way {
                UnderWay::Content(item) => Some(item.push),
                _ => None,
            };
            self.wire_said(now, &dev, response, push, out);
        }
        match under_way {
            UnderWay::Registration(nonce) => {
                self.terminal_registered(now, number, nonce.as_deref(), response, out);
            }
            UnderWay::Content(item) => self.posted_on(now, number, item, response, out),
            UnderWay::Nothing => {}
        }
        if answer.is_last {
            self.end_connection(now, number, "the terminal takes no further request", out);
        }
    }

    /// A device has a connection: what waits for it goes.
    fn terminal_known(
        &mut self,
        now: Time,
        number: u32,
        device: DeviceKey,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let name = self.name(device.identity, device.at).unwrap_or_default();
        let name = name.to_owned();
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        connection.owner = Some(Owner {
            device,
            name: name.clone(),
        });
        self.connections.strangers.leave(number);
        // Only now it is known between whom that was.
        self.wire_asked(now, &name, ("OPTIONS", &Bytes::new()), None, out);
        self.wire_said(now, &name, answer, None, out);
        let no = SessionNo::of_terminal(number);
        let earlier = self.registry.device(device).and_then(|it| it.session);
        if let Some(earlier) = earlier {
            let why = "replaced by a new session";
            self.hang_up(now, SessionNo(earlier), 480, why, out);
        }
        if let Some(device) = self.registry.device_mut(device) {
            device.session = Some(no.0);
        }
        let fact = Fact::SessUp {
            dev: name,
            ppg: self.config.uri.clone(),
            by: "ppg".to_owned(),
        };
        self.report(now, fact, out);
        self.rest_terminal(now, number);
        for (push, group) in self.ledger.waiting_for(device) {
            if self.is_deliverable(now, push, group, device.at) {
                self.hand_over(now, push, group, device.at, Via::New, out);
            }
        }
    }

    /// The connection may stay idle for a while.
    fn rest_terminal(&mut self, now: Time, number: u32) {
        let due = now + self.config.session_linger;
        self.timers.set(Timer::Terminal(number), due);
    }

    /// A terminal that was silent, or idle, for too long.
    pub(super) fn terminal_due(&mut self, now: Time, number: u32, out: &mut Vec<Output>) {
        let Some(connection) = self.connections.open.get(&number) else {
            return;
        };
        match (&connection.under_way, &connection.owner) {
            (_, None) => {
                self.refuse_terminal(now, number, "the terminal did not say who it is", out)
            }
            (UnderWay::Nothing, _) => {
                self.end_connection(now, number, "nothing is left to send", out)
            }
            _ => self.end_connection(now, number, "the terminal did not answer", out),
        }
    }

    /// Ends a connection from our side, for the gateway's own reasons.
    pub(super) fn leave_terminal(
        &mut self,
        now: Time,
        number: u32,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        self.end_connection(now, number, why, out);
    }

    /// Ends a connection whose terminal is not served.
    fn refuse_terminal(&mut self, now: Time, number: u32, why: &str, out: &mut Vec<Output>) {
        let Some(connection) = self.connections.open.get(&number) else {
            return;
        };
        let (from, what) = (connection.peer.to_string(), format!("OTA-HTTP: {why}"));
        self.report(now, Fact::Refused { from, why: what }, out);
        self.end_connection(now, number, why, out);
    }

    fn end_connection(&mut self, now: Time, number: u32, why: &str, out: &mut Vec<Output>) {
        if let Some(connection) = self.connections.open.get(&number) {
            let link = connection.link;
            out.push(Output::Close { link });
            self.forget_connection(now, number, why, out);
        }
    }

    fn forget_connection(&mut self, now: Time, number: u32, why: &str, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Terminal(number));
        let Some(gone) = self.connections.remove(number) else {
            return;
        };
        let Some(owner) = gone.owner else { return };
        let no = SessionNo::of_terminal(number);
        if let Some(device) = self.registry.device_mut(owner.device)
            && device.session == Some(no.0)
        {
            device.session = None;
        }
        let fact = Fact::SessDown {
            dev: owner.name,
            ppg: self.config.uri.clone(),
            by: "ppg".to_owned(),
            why: why.to_owned(),
        };
        self.report(now, fact, out);
        let at = owner.device.at;
        if let UnderWay::Content(item) = gone.under_way {
            // It may have arrived; a terminal knows its push-id.
            self.lost(now, item, at, out);
        }
        for item in gone.waiting {
            self.put_back(now, item, at);
        }
    }
}
