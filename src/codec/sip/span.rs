//! Annotated output: every part of a message with its place and its meaning.
//!
//! Source: as the readers; the clause of each part stands beside it.

use super::address::Address;
use super::frame::{Frame, Start};
use super::message::Message;
use super::name::Name;
use super::param::Params;
use super::via::Via;
use crate::codec::Span;
use crate::codec::uri::Uri;

impl Message {
    /// Every part with its place: the start line's parts, each header, the parts of the well-known ones, the body.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.frame().spans()
    }
}

impl Frame<'_> {
    /// Every part with its place, in the order of the octets, a whole before its parts.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Spans {
            whole: self.octets,
            list: Vec::new(),
        };
        spans.start_line(self);
        let mut seen = [0_u16; Name::COUNT];
        for row in &self.index.rows {
            let name = super::frame::Range {
                at: row.name_at,
                end: row.name_end,
            };
            let text = String::from_utf8_lossy(self.slice(name)).into_owned();
            let value = self.slice(super::frame::Range {
                at: row.value_at,
                end: row.value_end,
            });
            let count = seen.get_mut(row.name as usize);
            let number = count.map_or(0, |count| {
                let number = *count;
                *count = count.saturating_add(1);
                number
            });
            let path = match row.name {
                Name::Other => format!("sip.{text}"),
                known if self.index.is_repeated(known) => format!("sip.{}[{number}]", known.text()),
                known => format!("sip.{}", known.text()),
            };
            let shown = String::from_utf8_lossy(value).replace("\r\n", "");
            spans.push(path.clone(), value, shown, clause(row.name));
            spans.parts(&path, row.name, value);
        }
        let body = self.body();
        if !body.is_empty() {
            let value = format!("{} octets", body.len());
            spans.push("sip.body".to_owned(), body, value, "RFC 3261 7.4");
        }
        spans.list
    }
}

struct Spans<'a> {
    whole: &'a [u8],
    list: Vec<Span>,
}

impl Spans<'_> {
    /// `part` is a slice of the whole, so its place is the distance of the two.
    fn push(&mut self, path: String, part: &[u8], value: String, clause: &'static str) {
        let at = part
            .as_ptr()
            .addr()
            .saturating_sub(self.whole.as_ptr().addr());
        self.list.push(Span {
            at: at.min(self.whole.len()),
            len: part.len(),
            path,
            value,
            clause,
        });
    }

    fn text(&mut self, path: String, part: &str, clause: &'static str) {
        self.push(path, part.as_bytes(), part.to_owned(), clause);
    }

    fn start_line(&mut self, frame: &Frame<'_>) {
        match frame.index.start {
            Start::Request { version, .. } => {
                self.text("sip.method".into(), frame.method_text(), "RFC 3261 7.1");
                let text = frame.request_uri_text();
                let shown = String::from_utf8_lossy(text).into_owned();
                self.push("sip.request-uri".into(), text, shown, "RFC 3261 7.1");
                if let Ok(uri) = frame.request_uri() {
                    self.uri("sip.request-uri", &uri);
                }
                let version = frame.slice(version);
                let shown = String::from_utf8_lossy(version).into_owned();
                self.push("sip.version".into(), version, shown, "RFC 3261 7.1");
            }
            Start::Response { status, reason } => {
                let at = usize::from(reason.at).saturating_sub("200 ".len());
                let text = frame.octets.get(at..at.saturating_add(3));
                let shown = status.to_string();
                self.push(
                    "sip.status".into(),
                    text.unwrap_or_default(),
                    shown,
                    "RFC 3261 7.2",
                );
                let shown = frame.reason().into_owned();
                self.push(
                    "sip.reason".into(),
                    frame.slice(reason),
                    shown,
                    "RFC 3261 7.2",
                );
            }
        }
    }

    /// The parts of a value whose grammar is known; a value outside it is shown whole only.
    fn parts(&mut self, path: &str, name: Name, value: &[u8]) {
        match name {
            Name::Via => {
                let mut rest = value;
                for number in 0_usize.. {
                    let Ok((after, via)) = Via::parse(rest) else {
                        return;
                    };
                    let is_one = number == 0 && after.is_empty();
                    self.via(&numbered(path, number, is_one), &via);
                    match after {
                        [b',', after @ ..] => rest = after,
                        _ => return,
                    }
                }
            }
            Name::From | Name::To | Name::ReplyTo | Name::ReferTo => {
                if let Ok(address) = Address::decode(value) {
                    self.address(path, &address);
                }
            }
            Name::Contact
            | Name::Route
            | Name::RecordRoute
            | Name::Path
            | Name::ServiceRoute
            | Name::PAssertedIdentity
            | Name::PPreferredIdentity
            | Name::PCalledPartyId
            | Name::XSirgateDevice => self.addresses(path, value),
            Name::CSeq => {
                let text = String::from_utf8_lossy(value);
                if let Some((number, _)) = text.split_once(|c: char| c.is_ascii_whitespace()) {
                    let (number, rest) = value.split_at_checked(number.len()).unwrap_or_default();
                    let method = crate::codec::lexeme::trim(rest);
                    let shown = String::from_utf8_lossy(method).into_owned();
                    self.push(
                        format!("{path}.number"),
                        number,
                        text_of(number),
                        "RFC 3261 20.16",
                    );
                    self.push(format!("{path}.method"), method, shown, "RFC 3261 20.16");
                }
            }
            _ => {}
        }
    }

    fn addresses(&mut self, path: &str, value: &[u8]) {
        let mut rest = value;
        for number in 0_usize.. {
            let Ok((after, address)) = Address::parse(rest) else {
                return;
            };
            let is_one = number == 0 && after.is_empty();
            self.address(&numbered(path, number, is_one), &address);
            match after {
                [b',', after @ ..] => rest = after,
                _ => return,
            }
        }
    }

    fn via(&mut self, path: &str, via: &Via<'_>) {
        const CLAUSE: &str = "RFC 3261 20.42";
        self.text(format!("{path}.transport"), via.transport, CLAUSE);
        self.text(format!("{path}.host"), via.host, CLAUSE);
        self.params(path, via.params(), CLAUSE);
    }

    fn address(&mut self, path: &str, address: &Address<'_>) {
        let uri = address.uri.as_str();
        self.text(format!("{path}.uri"), uri, "RFC 3261 20.10");
        self.uri(&format!("{path}.uri"), &address.uri);
        self.params(path, address.params(), "RFC 3261 20.10");
    }

    fn uri(&mut self, path: &str, uri: &Uri<'_>) {
        const CLAUSE: &str = "RFC 3261 19.1.1";
        if let Some(user) = uri.user() {
            self.text(format!("{path}.user"), user, CLAUSE);
        }
        if !uri.host().is_empty() {
            self.text(format!("{path}.host"), uri.host(), CLAUSE);
        }
        for (name, value) in uri.params() {
            let clause = if name.eq_ignore_ascii_case("gr") {
                "RFC 5627 4.1"
            } else {
                CLAUSE
            };
            self.text(format!("{path}.{name}"), value.unwrap_or(name), clause);
        }
    }

    fn params(&mut self, path: &str, params: Params<'_>, clause: &'static str) {
        for (name, value) in params {
            let part = value.unwrap_or(name.as_bytes());
            let shown = match value {
                Some(value) => super::param::text_of(value).into_owned(),
                None => "present".to_owned(),
            };
            self.push(format!("{path}.{name}"), part, shown, clause);
        }
    }
}

fn numbered(path: &str, number: usize, is_one: bool) -> String {
    if is_one {
        path.to_owned()
    } else {
        format!("{path}({number})")
    }
}

fn text_of(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The clause that defines a header.
const fn clause(name: Name) -> &'static str {
    match name {
        Name::Via => "RFC 3261 20.42",
        Name::From => "RFC 3261 20.20",
        Name::To => "RFC 3261 20.39",
        Name::CallId => "RFC 3261 20.8",
        Name::CSeq => "RFC 3261 20.16",
        Name::MaxForwards => "RFC 3261 20.22",
        Name::Contact => "RFC 3261 20.10",
        Name::ContentLength => "RFC 3261 20.14",
        Name::ContentType => "RFC 3261 20.15",
        Name::Expires => "RFC 3261 20.19",
        Name::Route => "RFC 3261 20.34",
        Name::RecordRoute => "RFC 3261 20.30",
        Name::Path => "RFC 3327 4",
        Name::ServiceRoute => "RFC 3608 5",
        Name::AcceptContact | Name::RejectContact | Name::RequestDisposition => "RFC 3841 9",
        Name::PAssertedIdentity | Name::PPreferredIdentity => "RFC 3325 9",
        Name::PCalledPartyId | Name::PAssociatedUri => "RFC 7315 4",
        Name::Event | Name::SubscriptionState | Name::AllowEvents => "RFC 6665 8.2",
        Name::FlowTimer => "RFC 5626 11.2",
        Name::Reason => "RFC 3326 2",
        Name::XSirgateDevice
        | Name::XSirgateAsk
        | Name::XSirgateApp
        | Name::XSirgateSir
        | Name::XSirgatePush => "sirgate profile E.1",
        Name::XWapApplicationId | Name::XWapInitiatorUri | Name::XWapContentUri => "WAP-251",
        Name::Other => "RFC 3261 7.3.1",
        _ => "RFC 3261 20",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn every_span_shows_the_octets_it_names() {
        let text = "MESSAGE sip:alice@example.com;gr=urn:uuid:f8 SIP/2.0\r\n\
            v: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKp1m1;rport\r\n\
            To: \"A\" <sip:alice@example.com>;tag=\"x\"\r\nCSeq: 1 MESSAGE\r\nContact: <sip:a@h>, <sip:b@h>;q=1\r\n\
            X-New: y\r\nContent-Length: 3\r\n\r\nabc";
        let message = Message::decode(Bytes::from_static(text.as_bytes())).unwrap();
        let find = |path: &str| {
            let spans = message.spans();
            let span = spans.iter().find(|span| span.path == path).unwrap();
            text[span.at..span.at + span.len].to_owned()
        };
        assert_eq!(find("sip.method"), "MESSAGE");
        assert_eq!(find("sip.request-uri.gr"), "urn:uuid:f8");
        assert_eq!(find("sip.version"), "SIP/2.0");
        assert_eq!(find("sip.Via.branch"), "z9hG4bKp1m1");
        assert_eq!(find("sip.Via.rport"), "rport");
        assert_eq!(find("sip.To.uri.user"), "alice");
        assert_eq!(find("sip.To.tag"), "\"x\"");
        assert_eq!(find("sip.CSeq.number"), "1");
        assert_eq!(find("sip.Contact(1).uri"), "sip:b@h");
        assert_eq!(find("sip.X-New"), "y");
        assert_eq!(find("sip.body"), "abc");
    }

    #[test]
    fn a_status_line_has_its_parts() {
        let message =
            Message::decode(Bytes::from_static(b"\r\nSIP/2.0 480 Gone away\r\n\r\n")).unwrap();
        let spans = message.spans();
        let place = |number: usize| (spans[number].at, spans[number].len);
        assert_eq!(place(0), (10, 3));
        assert_eq!(place(1), (14, 9));
    }
}
