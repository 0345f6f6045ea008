//! Where each field of a PDU stands and what it says.
//!
//! **Source:** WAP-230 section 8. The places are those of the values that decoding gave.

use core::fmt;

use super::assigned::{Kind, http_status, pdu_name};
use super::capability::Capabilities;
use super::header::{Entry, Field, Headers};
use super::media::ContentType;
use super::multipart::{Entity, Multipart};
use super::pdu::{Content, Datagram, Pdu};
use super::rigour::Rigour;
use crate::codec::Span;
use crate::codec::cursor::Cursor;
use crate::codec::hex;
use crate::codec::sia::{Addresses, Sia, application_uri, bearer_name};
use crate::limits;

/// Spans in order.
#[derive(Debug)]
pub(in crate::codec) struct Spans {
    prefix: String,
    spans: Vec<Span>,
    /// Octets that have a span.
    at: usize,
}

const PDU: &str = "WAP-230 8.2";
const HEADER: &str = "WAP-230 8.4";
const CAPABILITY: &str = "WAP-230 8.3";
const MULTIPART: &str = "WAP-230 8.5";

impl Spans {
    /// None yet; paths begin with `prefix`.
    pub(in crate::codec) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            spans: Vec::new(),
            at: 0,
        }
    }

    /// The next paths begin with this.
    pub(in crate::codec) fn begin(&mut self, prefix: &str) {
        prefix.clone_into(&mut self.prefix);
    }

    pub(in crate::codec) fn done(self) -> Vec<Span> {
        self.spans
    }

    /// Notes the octets from the last span's end up to `end`, if there are any.
    pub(in crate::codec) fn put(
        &mut self,
        end: usize,
        path: impl fmt::Display,
        value: impl fmt::Display,
        clause: &'static str,
    ) {
        let Some(len) = end.checked_sub(self.at).filter(|len| *len > 0) else {
            return;
        };
        self.spans.push(Span {
            at: self.at,
            len,
            path: format!("{}{path}", self.prefix),
            value: value.to_string(),
            clause,
        });
        self.at = end;
    }

    /// A uintvar where the last span ends.
    fn uintvar(&mut self, octets: &[u8], path: &str, clause: &'static str) {
        let mut cursor = Cursor::within("wsp", octets.get(self.at..).unwrap_or_default(), self.at);
        if let Ok(read) = cursor.uintvar_any() {
            self.put(cursor.offset(), path, read.value, clause);
        }
    }

    pub(super) fn datagram(&mut self, octets: &[u8], rigour: &mut Rigour) {
        let Some(tid) = octets.first() else { return };
        self.put(1, "tid", tid, PDU);
        match Datagram::read(octets, rigour) {
            Ok(datagram) => self.pdu(octets, &datagram.pdu),
            Err(_) => self.faulty(octets, 1),
        }
    }

    /// A PDU that goes to the end of `octets`.
    pub(in crate::codec) fn pdu(&mut self, octets: &[u8], pdu: &Pdu<'_>) {
        self.kind(pdu.number());
        let end = octets.len();
        match pdu {
            Pdu::Connect {
                version,
                capabilities,
                headers,
            } => {
                let version = format!("{}.{}", version >> 4, version & 0x0F);
                self.put(self.at.saturating_add(1), "version", version, PDU);
                self.session(octets, capabilities, headers);
            }
            Pdu::ConnectReply {
                capabilities,
                headers,
                ..
            } => {
                self.uintvar(octets, "session_id", PDU);
                self.session(octets, capabilities, headers);
            }
            Pdu::Redirect { flags, addresses } => {
                let flags = format!("{flags:02x}");
                self.put(self.at.saturating_add(1), "flags", flags, PDU);
                self.addresses("addresses", addresses);
            }
            Pdu::Reply {
                status, content, ..
            } => {
                let said = http_status(*status).map_or_else(String::new, |code| code.to_string());
                self.put(self.at.saturating_add(1), "status", said, PDU);
                self.uintvar(octets, "headers_len", PDU);
                if let Some(content) = content {
                    self.content(content);
                }
            }
            Pdu::Disconnect { .. } | Pdu::Suspend { .. } => {
                self.uintvar(octets, "session_id", PDU);
            }
            Pdu::Push(content) | Pdu::ConfirmedPush(content) => {
                self.uintvar(octets, "headers_len", PDU);
                self.content(content);
            }
            _ => self.method(octets, pdu),
        }
        let rest = end.saturating_sub(self.at);
        self.put(end, "body", format_args!("{rest} octets"), PDU);
    }

    fn method(&mut self, octets: &[u8], pdu: &Pdu<'_>) {
        match pdu {
            Pdu::Resume {
                capabilities,
                headers,
                ..
            } => {
                self.uintvar(octets, "session_id", PDU);
                self.uintvar(octets, "capabilities_len", PDU);
                self.capabilities(capabilities);
                self.headers("", headers);
            }
            Pdu::Get { uri, headers, .. } => {
                self.uintvar(octets, "uri_len", PDU);
                self.text("uri", uri);
                self.headers("", headers);
            }
            Pdu::Post { uri, content, .. } => {
                self.uintvar(octets, "uri_len", PDU);
                self.uintvar(octets, "headers_len", PDU);
                self.text("uri", uri);
                self.content(content);
            }
            Pdu::DataFragment { headers, .. } => {
                self.uintvar(octets, "headers_len", PDU);
                self.headers("", headers);
            }
            _ => {}
        }
    }

    /// What stands before the fault of a PDU that begins at `at`.
    pub(in crate::codec) fn faulty(&mut self, octets: &[u8], at: usize) {
        let Some(kind) = octets.get(at) else { return };
        if pdu_name(*kind).is_none() {
            return;
        }
        self.kind(*kind);
        if !matches!(kind, 0x06 | 0x07) {
            return;
        }
        let mut cursor = Cursor::within("wsp", octets.get(self.at..).unwrap_or_default(), self.at);
        let declared_at = cursor.offset();
        let Ok(len) = cursor.uintvar_any() else {
            return;
        };
        self.put(cursor.offset(), "headers_len", len.value, PDU);
        let Ok(mut block) = cursor.container(len.value, declared_at, "headers") else {
            return;
        };
        let mut rigour = Rigour::Strict;
        if let Ok(content_type) = ContentType::read(&mut block, &mut rigour) {
            self.content_type(&content_type);
            self.headers_up_to_fault(block, &mut rigour);
        }
    }

    fn kind(&mut self, number: u8) {
        let name = pdu_name(number).map_or_else(|| format!("0x{number:02X}"), str::to_owned);
        self.put(self.at.saturating_add(1), "pdu", name, PDU);
    }

    fn text(&mut self, path: &str, text: &[u8]) {
        let end = self.at.saturating_add(text.len());
        self.put(end, path, String::from_utf8_lossy(text), PDU);
    }

    fn session(&mut self, octets: &[u8], capabilities: &Capabilities<'_>, headers: &Headers<'_>) {
        self.uintvar(octets, "capabilities_len", PDU);
        self.uintvar(octets, "headers_len", PDU);
        self.capabilities(capabilities);
        self.headers("", headers);
    }

    fn capabilities(&mut self, capabilities: &Capabilities<'_>) {
        for capability in capabilities.iter() {
            let end = capability.at.saturating_add(capability.octets.len());
            let said = match capability.number() {
                Some(number) => number.to_string(),
                None if capability.parameters.is_empty() => "none".to_owned(),
                None => format!("{} octets", capability.parameters.left()),
            };
            let path = format!("capabilities.{}", capability.label());
            self.put(end, path, said, CAPABILITY);
        }
    }

    fn addresses(&mut self, path: &str, addresses: &Addresses<'_>) {
        for (number, address) in addresses.iter().enumerate() {
            let end = address.at.saturating_add(address.octets.len());
            let bearer = address.bearer.map_or("any bearer", bearer_name);
            let said = format!(
                "{bearer}, port {}, {}",
                address
                    .port
                    .map_or_else(|| "unsaid".to_owned(), |port| port.to_string()),
                hex::digits(address.address)
            );
            self.put(
                end,
                format_args!("{path}[{number}]"),
                said,
                "WAP-230 8.2.2.3",
            );
        }
    }

    pub(super) fn content_type(&mut self, content_type: &ContentType<'_>) {
        self.content_type_at("", content_type);
    }

    fn content_type_at(&mut self, within: &str, content_type: &ContentType<'_>) {
        let end = content_type.at.saturating_add(content_type.octets.len());
        let path = format!("{within}content_type");
        self.put(end, path, content_type, "WAP-230 8.4.2.24");
    }

    fn headers(&mut self, within: &str, headers: &Headers<'_>) {
        for (number, entry) in headers.entries().enumerate() {
            self.entry(within, number, &entry);
        }
    }

    /// Rows of a block that may be broken.
    pub(super) fn headers_up_to_fault(&mut self, mut cursor: Cursor<'_>, rigour: &mut Rigour) {
        let mut page = super::header::DEFAULT_PAGE;
        let mut number = 0_usize;
        while !cursor.is_empty() && number < limits::WSP_HEADERS {
            let Ok(entry) = Entry::read(&mut cursor, page, rigour) else {
                return;
            };
            match entry {
                Entry::Shift { page: next, .. } => page = next,
                Entry::Field(field) if matches!(rigour, Rigour::Strict) && !field.fits() => {
                    return;
                }
                Entry::Field(_) => {}
            }
            self.entry("", number, &entry);
            number = number.saturating_add(1);
        }
    }

    fn entry(&mut self, within: &str, number: usize, entry: &Entry<'_>) {
        match entry {
            Entry::Shift { at, page, octets } => {
                let end = at.saturating_add(octets.len());
                let path = format!("{within}headers[{number}].shift");
                self.put(end, path, page, HEADER);
            }
            Entry::Field(field) => {
                let end = field.at.saturating_add(field.octets.len());
                let path = format!("{within}headers[{number}].{}", field.label());
                self.put(end, path, Words(field), HEADER);
            }
        }
    }

    fn content(&mut self, content: &Content<'_>) {
        self.content_type(&content.content_type);
        self.headers("", &content.headers);
        self.body("", &content.content_type, content.body_at, content.body);
    }

    /// SIA content and multiparts are taken apart.
    fn body(&mut self, within: &str, content_type: &ContentType<'_>, at: usize, body: &[u8]) {
        let name = content_type.name().unwrap_or_default();
        if name == "application/vnd.wap.sia" {
            for span in Sia::spans(body, true) {
                let end = at.saturating_add(span.at).saturating_add(span.len);
                self.put(
                    end,
                    format_args!("{within}{}", span.path),
                    span.value,
                    span.clause,
                );
            }
        } else if name.starts_with("application/vnd.wap.multipart.")
            && let Ok(multipart) = Multipart::read(body, at, &mut Rigour::Settled)
        {
            self.multipart(within, &multipart, at, body);
        }
        let end = at.saturating_add(body.len());
        let rest = end.saturating_sub(self.at);
        let path = format!("{within}body");
        self.put(end, path, format_args!("{rest} octets"), PDU);
    }

    fn multipart(&mut self, within: &str, multipart: &Multipart<'_>, at: usize, body: &[u8]) {
        let mut cursor = Cursor::within("wsp", body, at);
        if cursor.uintvar_any().is_ok() {
            let path = format!("{within}part_count");
            self.put(cursor.offset(), path, multipart.count, MULTIPART);
        }
        for (number, entity) in multipart.entities.iter().enumerate() {
            // Parts within parts stay octets, so that no depth needs a bound.
            let within = format!("{within}parts[{number}].");
            self.entity(&within, entity, at, body);
        }
    }

    fn entity(&mut self, within: &str, entity: &Entity<'_>, base: usize, octets: &[u8]) {
        let start = entity.at.saturating_sub(base);
        let mut cursor = Cursor::within("wsp", octets.get(start..).unwrap_or_default(), entity.at);
        for path in ["headers_len", "data_len"] {
            if let Ok(read) = cursor.uintvar_any() {
                let path = format!("{within}{path}");
                self.put(cursor.offset(), path, read.value, MULTIPART);
            }
        }
        self.content_type_at(within, &entity.content_type);
        self.headers(within, &entity.headers);
        let end = self.at.saturating_add(entity.body.len());
        let path = format!("{within}data");
        self.put(
            end,
            path,
            format_args!("{} octets", entity.body.len()),
            MULTIPART,
        );
    }
}

/// A header's value in words, with the names behind numbers.
struct Words<'a>(&'a Field<'a>);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.0;
        let number = field.value.integer();
        let name = match (field.known().map(|known| known.kind), number) {
            (Some(Kind::Application | Kind::Accepted), Some(number)) => {
                u32::try_from(number).ok().and_then(application_uri)
            }
            (Some(Kind::Integer), Some(number)) if field.is("Bearer-Indication") => {
                u8::try_from(number).ok().map(bearer_name)
            }
            (Some(Kind::Flags), Some(bits)) => return flags(bits, f),
            _ => None,
        };
        match name {
            Some(name) => f.write_str(name),
            None => write!(f, "{field}"),
        }
    }
}

fn flags(bits: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let names: Vec<&str> = [(1, "authenticated"), (2, "trusted"), (4, "last")]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| name)
        .collect();
    match names.as_slice() {
        [] => f.write_str("none"),
        names => f.write_str(&names.join(", ")),
    }
}
