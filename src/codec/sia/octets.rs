//! SIA octets: one reader for the strict, the lenient and the annotated reading, and the writer.
//!
//! Source: WAP-235 section 8.4.

use core::fmt;

use super::text::Octets;
use super::{AppId, BearerAddress, CLAUSE, Contact, End, ProvUrl, Sia, bearer_name};
use crate::codec::cursor::{Cursor, put_integer_value, put_text_string, put_uintvar};
use crate::codec::format::{Deviation, Tolerance};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// Accept-Application, as a field number on the wire.
const ACCEPT_APPLICATION: u8 = 0xB2;
const FLAG_BEARER: u8 = 0x80;
const FLAG_PORT: u8 = 0x40;
const ADDRESS_LEN: u8 = 0x3F;

/// What is expected of a list with too many entries.
pub(super) const ENTRIES: &str = "as many entries of a list as the bound allows";

/// What a reading gave.
pub(super) struct Read {
    pub(super) sia: Sia,
    pub(super) deviations: Vec<Deviation>,
}

/// One pass over a body.
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    tolerance: Tolerance,
    spans: Option<Vec<Span>>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8], lenient: bool, annotate: bool) -> Self {
        Self {
            cursor: Cursor::new("sia", octets),
            tolerance: Tolerance::of(lenient),
            spans: if annotate { Some(Vec::new()) } else { None },
        }
    }

    pub(super) fn read(mut self) -> Result<Read, DecodeError> {
        let sia = self.read_fields()?;
        Ok(Read {
            sia,
            deviations: self.tolerance.deviations(),
        })
    }

    pub(super) fn spans(self) -> Vec<Span> {
        self.spans.unwrap_or_default()
    }

    pub(super) fn read_fields(&mut self) -> Result<Sia, DecodeError> {
        if self.cursor.left() > limits::SIA_OCTETS {
            return Err(self.fault(0, Class::TooLarge, "a body within the bound"));
        }
        let mut sia = Sia::new(Vec::new(), Vec::new(), Vec::new());
        sia.end = End::Version;
        sia.version = self.cursor.octet("the version")?;
        self.span(0, "version", format_args!("{}", sia.version));
        if self.cursor.is_empty() {
            return Ok(sia);
        }
        sia.end = End::Applications;
        (sia.app_ids, sia.bare_app_ids) = self.applications()?;
        if !self.cursor.is_empty() {
            sia.end = End::WspContacts;
            sia.wsp_contacts = self.contacts("wsp_contacts")?;
        }
        if sia.version > 0 {
            self.version_one(&mut sia)?;
        }
        self.trailing(&mut sia)?;
        Ok(sia)
    }

    fn version_one(&mut self, sia: &mut Sia) -> Result<(), DecodeError> {
        if self.cursor.is_empty() {
            return Ok(());
        }
        sia.end = End::Contacts;
        sia.contacts = self.contacts("contacts")?;
        if self.cursor.is_empty() {
            return Ok(());
        }
        sia.end = End::Protocols;
        sia.protocols = self.protocols()?;
        if self.cursor.is_empty() {
            return Ok(());
        }
        sia.end = End::ProvUrl;
        sia.prov_url = self.prov_url()?;
        if self.cursor.is_empty() {
            return Ok(());
        }
        sia.end = End::CpiTags;
        sia.cpi_tags = self.cpi_tags()?;
        Ok(())
    }

    /// Later versions may append fields; versions 0 and 1 have none.
    fn trailing(&mut self, sia: &mut Sia) -> Result<(), DecodeError> {
        if self.cursor.is_empty() {
            return Ok(());
        }
        let at = self.cursor.offset();
        if sia.version <= 1 {
            self.deviate(at, Class::BadLength, "the end after the last field")?;
        }
        sia.trailing = self.cursor.rest().to_vec();
        self.span(
            at,
            "trailing",
            format_args!("{} octets of a later version", sia.trailing.len()),
        );
        Ok(())
    }

    fn applications(&mut self) -> Result<(Vec<AppId>, bool), DecodeError> {
        let mut list = self.list("app_ids", "an application list of that length")?;
        // Shipped senders leave the field number out; its absence in front is told by the first octet alone.
        let bare = list
            .peek()
            .is_some_and(|octet| octet >= 0x80 && octet != ACCEPT_APPLICATION);
        if bare {
            self.deviate(
                list.offset(),
                Class::BadValue,
                "B2, the field number of Accept-Application",
            )?;
        }
        let mut app_ids = Vec::new();
        while !list.is_empty() {
            let at = list.offset();
            self.bound(at, app_ids.len())?;
            if !bare {
                field_number(&mut list)?;
            }
            let app_id = application(&mut list)?;
            self.span_to(
                &list,
                at,
                format_args!("app_ids[{}]", app_ids.len()),
                format_args!("{app_id}"),
            );
            app_ids.push(app_id);
        }
        Ok((app_ids, bare))
    }

    fn contacts(&mut self, name: &'static str) -> Result<Vec<Contact>, DecodeError> {
        let mut list = self.list(name, "contact points of that length")?;
        let mut contacts = Vec::new();
        while !list.is_empty() {
            self.bound(list.offset(), contacts.len())?;
            let contact = self.contact(&mut list, name, contacts.len())?;
            contacts.push(contact);
        }
        Ok(contacts)
    }

    fn contact(
        &mut self,
        list: &mut Cursor<'a>,
        name: &'static str,
        number: usize,
    ) -> Result<Contact, DecodeError> {
        let at = list.offset();
        let flags = list.octet("the flags of a contact point")?;
        let path = |field| Field {
            name,
            number,
            field,
        };
        self.span_of(list, at, path("flags"), &Flags(flags));
        let bearer = if flags & FLAG_BEARER != 0 {
            let at = list.offset();
            let number = list.big_endian(1, Class::BadLength, "a bearer inside the list")?;
            let number = u8::try_from(number).unwrap_or_default();
            self.span_of(list, at, path("bearer"), &bearer_name(number));
            Some(number)
        } else {
            None
        };
        let port = if flags & FLAG_PORT != 0 {
            let at = list.offset();
            let number = list.big_endian(2, Class::BadLength, "a port inside the list")?;
            self.span_of(list, at, path("port"), &number);
            u16::try_from(number).ok()
        } else {
            None
        };
        let at = list.offset();
        let len = usize::from(flags & ADDRESS_LEN);
        let octets = list.take(len, Class::BadLength, "an address inside the list")?;
        let address = BearerAddress(octets.to_vec());
        self.span_of(list, at, path("address"), &address);
        Ok(Contact {
            bearer,
            port,
            address,
        })
    }

    fn protocols(&mut self) -> Result<Vec<u32>, DecodeError> {
        let count = self.count("protocols", 1, "as many protocol options")?;
        let mut protocols = Vec::new();
        for number in 0..count {
            let at = self.cursor.offset();
            let protocol = self.uintvar()?;
            self.span_as(
                at,
                format_args!("protocols[{number}]"),
                format_args!("{}", Protocol(protocol)),
            );
            protocols.push(protocol);
        }
        Ok(protocols)
    }

    fn prov_url(&mut self) -> Result<ProvUrl, DecodeError> {
        let mut url = self.list("prov_url", "a provisioning URL of that length")?;
        let at = url.offset();
        let octets = url.rest();
        if octets.len() > ProvUrl::DIGEST_MAX
            && let Some(odd) = octets.iter().position(|octet| !octet.is_ascii_graphic())
        {
            return Err(self.fault(
                at.saturating_add(odd),
                Class::BadValue,
                "a URL in visible ASCII",
            ));
        }
        let prov_url = ProvUrl(octets.to_vec());
        if !octets.is_empty() {
            self.span_to(
                &url,
                at,
                format_args!("prov_url.value"),
                format_args!("{prov_url}"),
            );
        }
        Ok(prov_url)
    }

    fn cpi_tags(&mut self) -> Result<Vec<[u8; 4]>, DecodeError> {
        let count = self.count("cpi_tags", 4, "as many CPI tags of four octets")?;
        let mut tags = Vec::new();
        for number in 0..count {
            let at = self.cursor.offset();
            let octets = self.cursor.take(4, Class::BadLength, "a CPI tag")?;
            let tag: [u8; 4] = octets
                .try_into()
                .map_err(|_| self.fault(at, Class::BadLength, "four octets"))?;
            self.span_as(
                at,
                format_args!("cpi_tags[{number}]"),
                format_args!("{}", Octets(&tag)),
            );
            tags.push(tag);
        }
        Ok(tags)
    }

    /// A field of `length, octets`.
    fn list(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Cursor<'a>, DecodeError> {
        let at = self.cursor.offset();
        let count = self.uintvar()?;
        if count == 0 {
            self.span_as(at, format_args!("{name}"), format_args!("none"));
        } else {
            self.span_as(at, format_args!("{name}"), format_args!("{count} octets"));
        }
        self.cursor.container(count, at, expected)
    }

    /// A count of things of at least `octets` octets each.
    fn count(
        &mut self,
        name: &'static str,
        octets: usize,
        expected: &'static str,
    ) -> Result<usize, DecodeError> {
        let at = self.cursor.offset();
        let count = usize::try_from(self.uintvar()?).unwrap_or(usize::MAX);
        if count == 0 {
            self.span_as(at, format_args!("{name}"), format_args!("none"));
        } else {
            self.span_as(at, format_args!("{name}"), format_args!("{count}"));
        }
        if count.saturating_mul(octets) > self.cursor.left() {
            return Err(self.fault(at, Class::BadLength, expected));
        }
        self.bound(at, count.saturating_sub(1))?;
        Ok(count)
    }

    /// Refuses the entry at `at` when a list already has as many as it may.
    const fn bound(&self, at: usize, entries: usize) -> Result<(), DecodeError> {
        if entries < limits::SIA_ENTRIES {
            Ok(())
        } else {
            Err(self.fault(at, Class::TooLarge, ENTRIES))
        }
    }

    fn uintvar(&mut self) -> Result<u32, DecodeError> {
        let at = self.cursor.offset();
        let read = self.cursor.uintvar_any()?;
        if !read.minimal {
            self.deviate(
                at,
                Class::UintvarNonMinimal,
                "a uintvar without leading zeros",
            )?;
        }
        Ok(read.value)
    }

    /// Refuses in a strict reading, notes in a lenient one.
    fn deviate(
        &mut self,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        self.tolerance.deviate(self.fault(at, class, expected))
    }

    const fn fault(&self, at: usize, class: Class, expected: &'static str) -> DecodeError {
        self.cursor.fault_at(at, class, expected)
    }

    fn span(&mut self, at: usize, path: &str, value: fmt::Arguments<'_>) {
        self.span_as(at, format_args!("{path}"), value);
    }

    fn span_as(&mut self, at: usize, path: fmt::Arguments<'_>, value: fmt::Arguments<'_>) {
        let cursor = self.cursor;
        self.span_to(&cursor, at, path, value);
    }

    fn span_of(&mut self, cursor: &Cursor<'_>, at: usize, path: Field, value: &dyn fmt::Display) {
        self.span_to(cursor, at, format_args!("{path}"), format_args!("{value}"));
    }

    /// Notes the field from `at` to where `cursor` stands.
    fn span_to(
        &mut self,
        cursor: &Cursor<'_>,
        at: usize,
        path: fmt::Arguments<'_>,
        value: fmt::Arguments<'_>,
    ) {
        if let Some(spans) = &mut self.spans {
            spans.push(Span {
                at,
                len: cursor.offset().saturating_sub(at),
                path: format!("sia.{path}"),
                value: value.to_string(),
                clause: CLAUSE,
            });
        }
    }
}

/// The header field in front of each application id.
fn field_number(list: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let at = list.offset();
    match list.peek() {
        Some(ACCEPT_APPLICATION) => {
            list.octet("Accept-Application")?;
            Ok(())
        }
        Some(0x20..=0x7E) => {
            // A header named in text is well-formed, but this list holds no other header.
            list.text_string()?;
            Err(list.fault_at(at, Class::BadValue, "Accept-Application"))
        }
        _ => Err(list.fault_at(at, Class::BadValue, "Accept-Application")),
    }
}

/// Any, an assigned number or a URI.
fn application(list: &mut Cursor<'_>) -> Result<AppId, DecodeError> {
    let at = list.offset();
    if matches!(list.peek(), Some(0x20..=0x7F)) {
        let text = list.text_string()?;
        return core::str::from_utf8(text)
            .ok()
            .filter(|uri| uri.contains(':') && uri.bytes().all(|octet| octet.is_ascii_graphic()))
            .map(|uri| AppId::Uri(uri.to_owned()))
            .ok_or_else(|| list.fault_at(at, Class::BadValue, "the URI of an application"));
    }
    Ok(match list.integer_value()? {
        0 => AppId::Any,
        code => AppId::Code(code),
    })
}

pub(super) fn write(sia: &Sia) -> Vec<u8> {
    let mut out = vec![sia.version];
    let last = last_field(sia);
    let mut list = Vec::new();
    for app_id in &sia.app_ids {
        if !sia.bare_app_ids {
            list.push(ACCEPT_APPLICATION);
        }
        match app_id {
            AppId::Any => put_integer_value(&mut list, 0),
            AppId::Code(code) => put_integer_value(&mut list, *code),
            AppId::Uri(uri) => put_text_string(&mut list, uri.as_bytes()),
        }
    }
    if last >= End::Applications {
        put_counted(&mut out, &list);
    }
    if last >= End::WspContacts {
        put_counted(&mut out, &contacts(&sia.wsp_contacts));
    }
    if last >= End::Contacts {
        put_counted(&mut out, &contacts(&sia.contacts));
    }
    if last >= End::Protocols {
        put_uintvar(&mut out, count(sia.protocols.len()));
        for protocol in &sia.protocols {
            put_uintvar(&mut out, *protocol);
        }
    }
    if last >= End::ProvUrl {
        put_counted(&mut out, &sia.prov_url.0);
    }
    if last >= End::CpiTags {
        put_uintvar(&mut out, count(sia.cpi_tags.len()));
        out.extend(sia.cpi_tags.iter().flatten());
    }
    out.extend_from_slice(&sia.trailing);
    out
}

/// The last field to write: the one asked for or the last in use, and no later than the version has.
fn last_field(sia: &Sia) -> End {
    let in_use = [
        (!sia.app_ids.is_empty(), End::Applications),
        (!sia.wsp_contacts.is_empty(), End::WspContacts),
        (!sia.contacts.is_empty(), End::Contacts),
        (!sia.protocols.is_empty(), End::Protocols),
        (!sia.prov_url.0.is_empty(), End::ProvUrl),
        (
            !sia.cpi_tags.is_empty() || !sia.trailing.is_empty(),
            End::CpiTags,
        ),
    ];
    let used = in_use
        .into_iter()
        .filter(|(used, _)| *used)
        .map(|(_, field)| field)
        .max();
    let last = used.map_or(sia.end, |used| used.max(sia.end));
    if sia.version == 0 {
        last.min(End::WspContacts)
    } else {
        last
    }
}

fn contacts(contacts: &[Contact]) -> Vec<u8> {
    let mut out = Vec::new();
    for contact in contacts {
        let mut flags = u8::try_from(contact.address.0.len()).unwrap_or(0) & ADDRESS_LEN;
        if contact.bearer.is_some() {
            flags |= FLAG_BEARER;
        }
        if contact.port.is_some() {
            flags |= FLAG_PORT;
        }
        out.push(flags);
        out.extend(contact.bearer);
        out.extend(contact.port.into_iter().flat_map(u16::to_be_bytes));
        out.extend_from_slice(&contact.address.0);
    }
    out
}

fn put_counted(out: &mut Vec<u8>, octets: &[u8]) {
    put_uintvar(out, count(octets.len()));
    out.extend_from_slice(octets);
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// `wsp_contacts[0].port`.
#[derive(Clone, Copy)]
struct Field {
    name: &'static str,
    number: usize,
    field: &'static str,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}].{}", self.name, self.number, self.field)
    }
}

/// The first octet of a contact point in words.
struct Flags(u8);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & FLAG_BEARER != 0 {
            f.write_str("bearer, ")?;
        }
        if self.0 & FLAG_PORT != 0 {
            f.write_str("port, ")?;
        }
        write!(f, "{}-octet address", self.0 & ADDRESS_LEN)
    }
}

/// A protocol option in words.
pub(super) struct Protocol(pub(super) u32);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            super::PROTOCOL_HTTP => f.write_str("OTA-HTTP"),
            super::PROTOCOL_HTTP_CPI => f.write_str("OTA-HTTP, CPITag present"),
            number @ 256..=16_383 => write!(f, "private option {number}"),
            number => write!(f, "reserved option {number}"),
        }
    }
}
