//! One message as rules see it: which way, over what, of whose, and what it says.

use std::net::SocketAddr;

use memchr::memmem;
use serde_json::Value;

use crate::codec::guess;
use crate::codec::smpp::{Body, Command, Pdu, tag};
use crate::codec::wsp;
use crate::event::Bearer;
use crate::world::{HttpRequest, HttpResponse};

/// Which way a message goes, seen from the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the node.
    In,
    /// From it.
    Out,
}

impl Direction {
    /// `in` or `out`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// What a message travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// A datagram.
    Datagram,
    /// A link: TCP or TLS.
    Link,
    /// An HTTP exchange.
    Http,
}

/// The protocol of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// SIP.
    Sip,
    /// MSRP.
    Msrp,
    /// HTTP with devices and with programs.
    Http,
    /// HTTP with initiators.
    Pap,
    /// WSP, with WTP or without.
    Wsp,
    /// SMPP.
    Smpp,
    /// Octets without a known beginning.
    Unknown,
}

impl Line {
    /// Its name in ladders and in `match`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Msrp => "msrp",
            Self::Http => "http",
            Self::Pap => "pap",
            Self::Wsp => "wsp",
            Self::Smpp => "smpp",
            Self::Unknown => "octets",
        }
    }
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Session Initiation Request.
    Sir,
    /// A content, or the submission of one.
    Content,
    /// The answer to something, or information that a device returns.
    Reply,
    /// What became of something: a delivery receipt, a report, a result.
    Receipt,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Sight<'a> {
    /// Which way.
    pub direction: Direction,
    /// On what.
    pub road: Road,
    /// In which protocol.
    pub line: Line,
    /// Over which bearer, where it is of one.
    pub bearer: Option<Bearer>,
    /// What for, where that can be told.
    pub kind: Option<Kind>,
    /// Its method, status or command.
    pub word: String,
    /// True for what waits for an answer.
    pub is_request: bool,
    /// With whom.
    pub peer: Option<SocketAddr>,
    /// The device, where it is known.
    pub device: Option<String>,
    /// Its identity.
    pub pui: Option<String>,
    /// The push, or what stands for it.
    pub push: Option<String>,
    /// The path of an HTTP request.
    pub path: Option<String>,
    /// The message; of HTTP the body.
    pub octets: &'a [u8],
}

/// The number of the device that an SMPP message is for or from.
pub struct Numbered<'a> {
    /// What is seen.
    pub sight: Sight<'a>,
    /// The digits, with a plus.
    pub number: Option<String>,
}

impl<'a> Sight<'a> {
    const fn new(direction: Direction, road: Road, line: Line, octets: &'a [u8]) -> Self {
        Self {
            direction,
            road,
            line,
            bearer: None,
            kind: None,
            word: String::new(),
            is_request: false,
            peer: None,
            device: None,
            pui: None,
            push: None,
            path: None,
            octets,
        }
    }

    /// A datagram: SIP begins with two letters, all else that a gateway speaks is WSP, whose first octet may be one.
    #[must_use]
    pub fn datagram(direction: Direction, peer: SocketAddr, octets: &'a [u8]) -> Self {
        let head = octets.get(..2).unwrap_or_default();
        let is_text = !head.is_empty() && head.iter().all(u8::is_ascii_alphabetic);
        let line = if is_text { Line::Sip } else { Line::Wsp };
        let mut sight = Self::new(direction, Road::Datagram, line, octets);
        if is_text {
            sight.read_sip();
        } else {
            sight.read_wsp();
        }
        sight.peer = Some(peer);
        sight
    }

    /// What was written to a link or read from it at once.
    #[must_use]
    pub fn piece(direction: Direction, peer: Option<SocketAddr>, octets: &'a [u8]) -> Self {
        let line = match octets.first() {
            Some(_) if octets.starts_with(b"MSRP ") => Line::Msrp,
            Some(first) if first.is_ascii_uppercase() => Line::Sip,
            _ => Line::Unknown,
        };
        let mut sight = Self::new(direction, Road::Link, line, octets);
        match line {
            Line::Msrp => sight.read_msrp(),
            Line::Sip => sight.read_sip(),
            _ => {}
        }
        sight.peer = peer;
        sight
    }

    /// A PDU of SMPP on a link.
    #[must_use]
    pub fn smpp(direction: Direction, peer: Option<SocketAddr>, octets: &'a [u8]) -> Numbered<'a> {
        let mut sight = Self::new(direction, Road::Link, Line::Smpp, octets);
        sight.peer = peer;
        sight.bearer = Some(Bearer::Sms);
        let Ok(pdu) = Pdu::decode(octets) else {
            return Numbered {
                sight,
                number: None,
            };
        };
        sight.word = pdu.command.to_string();
        sight.is_request = !pdu.command.is_response();
        let mut number = None;
        if let Body::Message(message) = &pdu.body {
            let is_receipt = message.esm_class & 0x3C == 0x04;
            let is_up = pdu.command == Command::DELIVER_SM;
            let party = if is_up {
                &message.source
            } else {
                &message.destination
            };
            number = party
                .address
                .as_str()
                .map(|digits| format!("+{}", digits.trim_start_matches('+')));
            sight.kind = Some(match (is_up, is_receipt) {
                (true, true) => Kind::Receipt,
                (true, false) => Kind::Reply,
                (false, _) => Kind::Sir,
            });
            if message.service_type.as_str() == Some("USSD") {
                sight.bearer = Some(Bearer::Ussd);
            } else {
                match pdu.tlvs.octets(tag::DEST_BEARER_TYPE) {
                    Some([2]) => sight.bearer = Some(Bearer::Cs),
                    Some([3]) => sight.bearer = Some(Bearer::Ps),
                    _ => {}
                }
            }
        } else if pdu.command.is_response() {
            sight.kind = Some(Kind::Reply);
        }
        Numbered { sight, number }
    }

    /// An HTTP request.
    #[must_use]
    pub fn request(
        direction: Direction,
        peer: Option<SocketAddr>,
        request: &'a HttpRequest,
    ) -> Self {
        let path = match request.target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => &request.target,
        };
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let line = if has(&request.body, b"<pap") {
            Line::Pap
        } else {
            Line::Http
        };
        let mut sight = Self::new(direction, Road::Http, line, &request.body);
        sight.peer = peer;
        sight.word.clone_from(&request.method);
        sight.is_request = true;
        let is_out = direction == Direction::Out;
        match line {
            Line::Pap => {
                sight.kind = match is_out {
                    false if has(&request.body, b"<push-message") => Some(Kind::Content),
                    true if has(&request.body, b"<resultnotification-message") => {
                        Some(Kind::Receipt)
                    }
                    _ => None,
                };
                sight.push = quoted(&request.body, b"push-id=");
            }
            _ if is_out || path == "/info" => {
                sight.bearer = Some(Bearer::Http);
                sight.kind = match is_out {
                    true if has(&request.body, b"application/vnd.wap.sia") => Some(Kind::Sir),
                    true if !request.body.is_empty() => Some(Kind::Content),
                    true => None,
                    false => Some(Kind::Reply),
                };
            }
            _ => {}
        }
        sight.path = Some(path);
        sight
    }

    /// The answer to an HTTP request that was seen so.
    #[must_use]
    pub fn response(direction: Direction, asked: &Sight<'_>, response: &'a HttpResponse) -> Self {
        Self {
            word: response.status.to_string(),
            is_request: false,
            kind: Some(Kind::Reply),
            peer: asked.peer,
            bearer: asked.bearer,
            device: asked.device.clone(),
            pui: asked.pui.clone(),
            push: asked.push.clone(),
            path: asked.path.clone(),
            ..Self::new(direction, Road::Http, asked.line, &response.body)
        }
    }

    /// What is kept of a request for the sight of its answer.
    #[must_use]
    pub fn without_octets(&self) -> Sight<'static> {
        Sight {
            octets: &[],
            word: self.word.clone(),
            device: self.device.clone(),
            pui: self.pui.clone(),
            push: self.push.clone(),
            path: self.path.clone(),
            ..*self
        }
    }

    fn read_sip(&mut self) {
        let line = first_line(self.octets);
        let mut words = line.split(' ');
        let first = words.next().unwrap_or_default();
        self.bearer = Some(Bearer::Sip);
        if first.starts_with("SIP/") {
            words.next().unwrap_or_default().clone_into(&mut self.word);
            self.kind = Some(Kind::Reply);
            return;
        }
        first.clone_into(&mut self.word);
        self.is_request = true;
        let is_out = self.direction == Direction::Out;
        self.kind = match first {
            "MESSAGE" | "OPTIONS" | "NOTIFY" if is_out && mentioned(self.octets).0.is_some() => {
                if first != "MESSAGE" {
                    self.bearer = Some(Bearer::Signalling);
                }
                Some(Kind::Sir)
            }
            "MESSAGE" if is_out => Some(Kind::Content),
            "MESSAGE" => Some(Kind::Reply),
            _ => None,
        };
    }

    fn read_msrp(&mut self) {
        let line = first_line(self.octets);
        let word = line.split(' ').nth(2).unwrap_or_default();
        word.clone_into(&mut self.word);
        self.is_request = word == "SEND";
        self.bearer = Some(Bearer::Sip);
        self.kind = Some(match word {
            "REPORT" => Kind::Receipt,
            "SEND" if self.direction == Direction::In => Kind::Reply,
            "SEND" if mentioned(self.octets).1.is_some() => Kind::Content,
            "SEND" => {
                self.bearer = Some(Bearer::Service);
                Kind::Sir
            }
            _ => Kind::Reply,
        });
    }

    fn read_wsp(&mut self) {
        self.bearer = Some(Bearer::Wsp);
        // Without WTP a datagram is a transaction id and a Push.
        if self.octets.get(1) == Some(&0x06) {
            "Push".clone_into(&mut self.word);
            let is_sir = wsp::sir::sir_of(self.octets).is_ok();
            self.kind = Some(if is_sir { Kind::Sir } else { Kind::Content });
            return;
        }
        // WAP-224 section 8: the type stands in bits 3 to 6 of the first octet.
        let kind = self.octets.first().map(|first| (first >> 3) & 0x0F);
        let (word, is_request) = match kind {
            Some(1) => match self.octets.get(4) {
                Some(1) => ("Connect", true),
                Some(5) => ("Disconnect", true),
                Some(6) => ("Push", true),
                Some(7) => ("ConfirmedPush", true),
                Some(8) => ("Suspend", true),
                Some(9) => ("Resume", true),
                _ => ("Invoke", true),
            },
            Some(2) => ("Result", false),
            Some(3) => ("Ack", false),
            Some(4) => ("Abort", false),
            _ => ("segment", false),
        };
        word.clone_into(&mut self.word);
        self.is_request = is_request;
        self.kind = match word {
            "Push" | "ConfirmedPush" => Some(Kind::Content),
            "Result" | "Ack" | "Abort" => Some(Kind::Reply),
            _ => None,
        };
    }

    /// True when the message is of the device of that name.
    #[must_use]
    pub fn is_of_device(&self, name: &str) -> bool {
        self.device.as_deref() == Some(name)
    }

    /// True when the message is of that identity, or names it.
    #[must_use]
    pub fn is_of_pui(&self, pui: &str) -> bool {
        self.pui.as_deref() == Some(pui) || (self.pui.is_none() && has(self.octets, pui.as_bytes()))
    }

    /// True when the field of that path says so: `sip.method`, `http.status`, or any that `sir decode` shows.
    #[must_use]
    pub fn says(&self, path: &str, value: &str) -> bool {
        let Some((line, field)) = path.split_once('.') else {
            return false;
        };
        let is_own = line == self.line.word() || (line == "http" && self.road == Road::Http);
        match field {
            "method" | "command" | "pdu" if is_own && self.word == value => return true,
            "status" if is_own && !self.is_request && self.word == value => return true,
            "path" if is_own => return self.path.as_deref() == Some(value),
            _ => {}
        }
        (is_own || !matches!(line, "sip" | "msrp" | "http" | "smpp"))
            && guess::named(line).iter().any(|format| {
                let decoded = (format.decode)(self.octets, true);
                decoded.is_ok_and(|decoded| found(&decoded.fields, field, value))
            })
    }
}

/// True when the field stands there and has that value; header rows count by their names.
fn found(fields: &Value, path: &str, wanted: &str) -> bool {
    let equals = |value: &Value| match value {
        Value::String(text) => text == wanted,
        Value::Array(list) => list.iter().any(|one| one.as_str() == Some(wanted)),
        other => {
            let written = other.to_string();
            written == wanted
        }
    };
    let mut at = fields;
    for name in path.split('.') {
        let Some(next) = at.get(name) else {
            let rows = fields.get("headers").and_then(Value::as_array);
            let mut rows = rows.into_iter().flatten();
            return rows.any(|row| row.get(path).is_some_and(equals));
        };
        at = next;
    }
    equals(at)
}

fn has(octets: &[u8], wanted: &[u8]) -> bool {
    memmem::find(octets, wanted).is_some()
}

fn first_line(octets: &[u8]) -> String {
    let end = memchr::memchr2(b'\r', b'\n', octets).unwrap_or_else(|| octets.len().min(256));
    String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned()
}

/// The value behind `name="`.
fn quoted(octets: &[u8], name: &[u8]) -> Option<String> {
    let at = memmem::find(octets, name)?.checked_add(name.len())?;
    let rest = octets.get(at..)?;
    let quote = *rest.first()?;
    let rest = rest.get(1..)?;
    let end = memchr::memchr(quote, rest)?;
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}

/// The correlator of a SIR and the push-id that a message names, in a header of SIP, MSRP, HTTP or WSP.
#[must_use]
pub fn mentioned(octets: &[u8]) -> (Option<String>, Option<String>) {
    (
        named(octets, b"X-Sirgate-Sir"),
        named(octets, b"X-Sirgate-Push"),
    )
}

fn named(octets: &[u8], name: &[u8]) -> Option<String> {
    let at = memmem::find(octets, name)?.checked_add(name.len())?;
    let rest = octets.get(at..)?;
    let begin = rest
        .iter()
        .position(|octet| !matches!(octet, b':' | b' ' | 0))?;
    let rest = rest.get(begin..)?;
    let end = rest
        .iter()
        .position(|octet| matches!(octet, 0 | b'\r' | b'\n' | b';'))
        .unwrap_or(rest.len());
    Some(
        String::from_utf8_lossy(rest.get(..end.min(128))?)
            .trim()
            .to_owned(),
    )
}
