//! What a framed message says: headers as text, and the well-known ones as values.
//!
//! Source: RFC 3261 sections 7.3, 8.1.1, 16.3 and 20. Every value is decoded when it is asked for and may be refused
//! alone; offsets in errors count from the first octet of the message.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

use super::address::{Address, Contact};
use super::frame::{Frame, Range, Row, Start, error};
use super::method::Method;
use super::name::Name;
use super::via::Via;
use crate::codec::lexeme::{
    DIGIT, Fault, Step, TOKEN, WORD, ascii, before, fault_of, number, skip, skip_blanks, trim,
};
use crate::codec::uri::Uri;
use crate::codec::{Class, DecodeError};

/// The number of a request within its dialog or registration, and its method once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number.
    pub number: u32,
    /// The method.
    pub method: Method,
    /// The method's name as written.
    pub method_text: &'a str,
}

impl<'a> Frame<'a> {
    /// The method of a request.
    #[must_use]
    pub const fn method(&self) -> Option<Method> {
        match self.index.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The method's name as written; empty for responses.
    #[must_use]
    pub fn method_text(&self) -> &'a str {
        match self.index.start {
            Start::Request { name, .. } => ascii(self.slice(name)),
            Start::Response { .. } => "",
        }
    }

    /// The status of a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase; empty for requests. Octets that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn reason(&self) -> Cow<'a, str> {
        match self.index.start {
            Start::Request { .. } => Cow::Borrowed(""),
            Start::Response { reason, .. } => String::from_utf8_lossy(self.slice(reason)),
        }
    }

    /// False for a request of another version than 2.0, which is answered 505.
    #[must_use]
    pub fn is_version_2(&self) -> bool {
        match self.index.start {
            Start::Request { version, .. } => self.slice(version).eq_ignore_ascii_case(b"SIP/2.0"),
            Start::Response { .. } => true,
        }
    }

    /// The Request-URI.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is outside the grammar, or the message a response.
    #[inline]
    pub fn request_uri(&self) -> Result<Uri<'a>, DecodeError> {
        let Start::Request { uri, .. } = self.index.start else {
            return Err(error(0, Class::BadValue, "a request"));
        };
        let text = self.slice(uri);
        Uri::parse(text)
            .map(Uri::spelt)
            .map_err(|fault| fault.within(text.len(), "sip").within(usize::from(uri.at)))
    }

    /// The Request-URI as written, whether or not it is one; empty for responses.
    #[must_use]
    pub fn request_uri_text(&self) -> &'a [u8] {
        match self.index.start {
            Start::Request { uri, .. } => self.slice(uri),
            Start::Response { .. } => &[],
        }
    }

    /// The value of the first row of that name, without blanks at its ends; folds are still in it.
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&'a [u8]> {
        self.index.first(name).map(|row| self.value(row))
    }

    /// As [`Frame::header`], when it is UTF-8.
    #[must_use]
    pub fn text(&self, name: Name) -> Option<&'a str> {
        core::str::from_utf8(self.header(name)?).ok()
    }

    /// As [`Frame::text`], with each fold as one space.
    #[must_use]
    pub fn unfolded(&self, name: Name) -> Option<Cow<'a, str>> {
        let text = self.text(name)?;
        if !text.contains('\r') {
            return Some(Cow::Borrowed(text));
        }
        let lines: Vec<&str> = text
            .split("\r\n")
            .map(|line| line.trim_matches([' ', '\t']))
            .collect();
        Some(Cow::Owned(lines.join(" ")))
    }

    /// The value of the first row of that name in any case, known or not.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&'a [u8]> {
        match Name::from_octets(name.as_bytes()) {
            Name::Other => self
                .headers()
                .find(|(_, have, _)| have.eq_ignore_ascii_case(name.as_bytes()))
                .map(|(_, _, value)| value),
            known => self.header(known),
        }
    }

    /// The values of all rows of that name.
    pub fn rows(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let frame = *self;
        frame.rows_of(name).map(move |row| frame.value(row))
    }

    /// The elements of a list header over all its rows; commas in quotes, angle brackets and comments do not count.
    pub fn list(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.rows(name)
            .flat_map(Elements::new)
            .filter(|element| !element.is_empty())
    }

    /// Every row in order: what it is, its name as written, its value.
    pub fn headers(&self) -> impl Iterator<Item = (Name, &'a [u8], &'a [u8])> + use<'a> {
        let frame = *self;
        frame.index.rows.iter().map(move |row| {
            let name = Range {
                at: row.name_at,
                end: row.name_end,
            };
            (row.name, frame.slice(name), frame.value(row))
        })
    }

    /// True when a second row of that name follows the first.
    #[must_use]
    pub const fn is_repeated(&self, name: Name) -> bool {
        self.index.is_repeated(name)
    }

    /// The topmost Via.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when there is none or its first element is outside the grammar.
    #[inline(always)]
    pub fn via(&self) -> Result<Via<'a>, DecodeError> {
        let row = self.required(Name::Via)?;
        let value = self.value(row);
        let (rest, via) = Via::parse(value).map_err(|fault| refused(row, value, fault))?;
        match rest {
            [] | [b',', ..] => Ok(via),
            _ => Err(self.surplus(row, rest, "a comma or the end of the Via")),
        }
    }

    /// How many Via elements there are, over all rows.
    #[must_use]
    pub fn via_count(&self) -> usize {
        self.list(Name::Via).count()
    }

    /// Who sent the request.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn from(&self) -> Result<Address<'a>, DecodeError> {
        self.address(Name::From)
    }

    /// To whom the request was addressed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn to(&self) -> Result<Address<'a>, DecodeError> {
        self.address(Name::To)
    }

    /// The one address in the first row of that name.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn address(&self, name: Name) -> Result<Address<'a>, DecodeError> {
        let row = self.required(name)?;
        let value = self.value(row);
        if let Some(address) = Address::usual(value) {
            return Ok(address);
        }
        self.any_address(row, value)
    }

    /// The address of a row in any spelling.
    #[inline(never)]
    fn any_address(&self, row: &Row, value: &'a [u8]) -> Result<Address<'a>, DecodeError> {
        let (rest, address) = Address::parse(value).map_err(|fault| refused(row, value, fault))?;
        if rest.is_empty() {
            Ok(address)
        } else {
            Err(self.surplus(row, rest, "the end of the address"))
        }
    }

    /// All addresses in all rows of that name: Route, Path, P-Asserted-Identity and their like. After a fault nothing
    /// follows.
    #[inline]
    pub fn addresses(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<Address<'a>, DecodeError>> + use<'a> {
        self.elements_of(name)
    }

    /// The contacts in all rows.
    #[inline(always)]
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'a>, DecodeError>> + use<'a> {
        Contacts(self.elements_of(Name::Contact))
    }

    /// The Call-ID.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn call_id(&self) -> Result<&'a str, DecodeError> {
        let row = self.required(Name::CallId)?;
        let value = self.value(row);
        let rest = skip(value, WORD);
        if value.is_empty() || !rest.is_empty() {
            return Err(self.surplus(row, rest, "a Call-ID"));
        }
        Ok(ascii(value))
    }

    /// The CSeq.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing, outside the grammar or above 32 bits.
    #[inline(always)]
    pub fn cseq(&self) -> Result<CSeq<'a>, DecodeError> {
        let row = self.required(Name::CSeq)?;
        let value = self.value(row);
        match cseq(value) {
            Ok(([], cseq)) => Ok(cseq),
            Ok((rest, _)) => Err(self.surplus(row, rest, "the end of the CSeq")),
            Err(fault) => Err(refused(row, value, fault)),
        }
    }

    /// How many more hops the request may take; out of 0 to 255 counts as absent.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        number(self.header(Name::MaxForwards)?).filter(|&hops| hops <= 255)
    }

    /// The seconds of Expires; out of range counts as absent.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        number(self.header(Name::Expires)?)
    }

    /// True when a list of tokens such as Supported has that one, in any case.
    #[must_use]
    pub fn has_option(&self, name: Name, option: &str) -> bool {
        self.list(name)
            .any(|element| element.eq_ignore_ascii_case(option.as_bytes()))
    }

    /// What Content-Length says, whatever the body's size.
    #[must_use]
    pub fn content_length(&self) -> Option<u32> {
        number(self.header(Name::ContentLength)?)
    }

    /// The media type with its parameters, as written.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.text(Name::ContentType)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.slice(Range {
            at: self.index.body_at,
            end: self.index.body_end,
        })
    }

    /// Checks what a UAS checks before anything else (400 when it fails): the headers every request has are there,
    /// once, and well-formed. Max-Forwards, the From tag and the branch may be absent, for before RFC 3261 they were.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_request(&self) -> Result<(), DecodeError> {
        self.check_single()?;
        let uri = self.request_uri()?;
        if uri.headers().is_some() {
            let at = usize::from(self.uri_range().at);
            return Err(error(at, Class::BadValue, "a Request-URI without headers"));
        }
        self.check_vias()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        let cseq = self.cseq()?;
        if cseq.method_text != self.method_text() {
            let row = self.required(Name::CSeq)?;
            return Err(self.surplus(
                row,
                cseq.method_text.as_bytes(),
                "the method of the request",
            ));
        }
        self.check_number(Name::MaxForwards)?;
        for contact in self.contacts() {
            contact?;
        }
        Ok(())
    }

    /// Checks what is needed to give a response to its transaction; when it fails the response is dropped.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_response(&self) -> Result<(), DecodeError> {
        self.check_single()?;
        self.check_vias()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        self.cseq()?;
        Ok(())
    }

    #[inline(always)]
    fn elements_of(&self, name: Name) -> Addresses<'a> {
        let first = self.index.first.get(name as usize);
        Addresses {
            frame: *self,
            name,
            rows: first
                .and_then(|&first| self.index.rows.get(usize::from(first)..))
                .unwrap_or_default(),
            current: None,
        }
    }

    fn check_single(&self) -> Result<(), DecodeError> {
        if self.index.repeated == 0 {
            return Ok(());
        }
        for row in &self.index.rows {
            if row.name.is_single() && self.index.is_repeated(row.name) {
                return Err(error(
                    usize::from(row.name_at),
                    Class::Repeated,
                    row.name.text(),
                ));
            }
        }
        Ok(())
    }

    fn check_vias(&self) -> Result<(), DecodeError> {
        self.required(Name::Via)?;
        for row in self.rows_of(Name::Via) {
            let value = self.value(row);
            let mut rest = value;
            loop {
                let (after, _) = Via::parse(rest).map_err(|fault| refused(row, value, fault))?;
                match after {
                    [] => break,
                    [b',', after @ ..] => rest = after,
                    _ => return Err(self.surplus(row, after, "a comma or the end of the Via")),
                }
            }
        }
        Ok(())
    }

    /// Digits, if the header is there; how many is not asked.
    fn check_number(&self, name: Name) -> Result<(), DecodeError> {
        let Some(row) = self.index.first(name) else {
            return Ok(());
        };
        let value = self.value(row);
        let rest = skip(value, DIGIT);
        if value.is_empty() || !rest.is_empty() {
            return Err(self.surplus(row, rest, "a number"));
        }
        Ok(())
    }

    #[inline]
    fn rows_of(&self, name: Name) -> impl Iterator<Item = &'a Row> + use<'a> {
        let first = self
            .index
            .first
            .get(name as usize)
            .map_or(0, |&first| usize::from(first));
        self.index
            .rows
            .get(first..)
            .unwrap_or_default()
            .iter()
            .filter(move |row| row.name == name)
    }

    #[inline]
    fn required(&self, name: Name) -> Result<&'a Row, DecodeError> {
        self.index
            .first(name)
            .ok_or_else(|| error(self.index.head_len(), Class::MissingHeader, name.text()))
    }

    fn surplus(&self, row: &Row, rest: &[u8], expected: &'static str) -> DecodeError {
        let fault = Fault {
            left: rest.len(),
            expected,
        };
        refused(row, self.value(row), nom::Err::Failure(fault))
    }

    const fn uri_range(&self) -> Range {
        match self.index.start {
            Start::Request { uri, .. } => uri,
            Start::Response { reason, .. } => reason,
        }
    }

    #[inline]
    fn value(&self, row: &Row) -> &'a [u8] {
        self.slice(Range {
            at: row.value_at,
            end: row.value_end,
        })
    }

    #[inline]
    pub(super) fn slice(&self, range: Range) -> &'a [u8] {
        self.octets
            .get(usize::from(range.at)..usize::from(range.end))
            .unwrap_or_default()
    }
}

/// The addresses in the rows of one name.
struct Addresses<'a> {
    frame: Frame<'a>,
    name: Name,
    /// The rows not yet begun; empty after a fault.
    rows: &'a [Row],
    /// The row being read, and what of its value is left.
    current: Option<(&'a Row, &'a [u8])>,
}

impl<'a> Addresses<'a> {
    /// Begins the next row of the name, if none is begun.
    #[inline(always)]
    fn begin(&mut self) -> Option<(&'a Row, &'a [u8])> {
        while self.current.is_none() {
            let (row, rest) = self.rows.split_first()?;
            self.rows = rest;
            if row.name == self.name {
                self.current = Some((row, self.frame.value(row)));
            }
        }
        self.current
    }

    /// Steps over a row that is a star.
    #[inline(always)]
    fn is_at_star(&mut self) -> bool {
        let is_star = matches!(self.begin(), Some((_, b"*")));
        if is_star {
            self.current = None;
        }
        is_star
    }
}

/// The contacts in all rows. A star beside contacts in other rows is shown with them: refusing it is the registrar's
/// business.
struct Contacts<'a>(Addresses<'a>);

impl<'a> Iterator for Contacts<'a> {
    type Item = Result<Contact<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_at_star() {
            return Some(Ok(Contact::Star));
        }
        Some(self.0.next()?.map(Contact::Address))
    }
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Result<Address<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (row, rest) = self.begin()?;
        self.current = None;
        let address = match Address::parse(rest) {
            Ok(([], address)) => return Some(Ok(address)),
            Ok(([b',', after @ ..], address)) => {
                self.current = Some((row, after));
                return Some(Ok(address));
            }
            Ok((after, _)) => Err(self.frame.surplus(row, after, "a comma")),
            Err(fault) => Err(refused(row, self.frame.value(row), fault)),
        };
        self.rows = &[];
        Some(address)
    }
}

/// The error of a fault inside a row's value.
#[cold]
fn refused(row: &Row, value: &[u8], fault: nom::Err<Fault>) -> DecodeError {
    fault_of(fault)
        .within(value.len(), "sip")
        .within(usize::from(row.value_at))
}

/// Digits, blanks and a method.
fn cseq(value: &[u8]) -> Step<'_, CSeq<'_>> {
    let after_number = skip(value, DIGIT);
    let Some(number) = number(before(value, after_number)) else {
        return Err(Fault::at(value, "a number below 2^32"));
    };
    let name = skip_blanks(after_number);
    if name.len() == after_number.len() {
        return Err(Fault::at(name, "a blank and a method"));
    }
    let (rest, method, method_text) = match Method::from_octets(name) {
        Method::Other => {
            let rest = skip(name, TOKEN);
            let text = before(name, rest);
            (rest, Method::from_octets(text), ascii(text))
        }
        known => (&[][..], known, known.name()),
    };
    if method_text.is_empty() {
        return Err(Fault::at(name, "a blank and a method"));
    }
    let cseq = CSeq {
        number,
        method,
        method_text,
    };
    Ok((rest, cseq))
}

/// The elements of one row of a list header.
pub(super) struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    pub(super) const fn new(value: &'a [u8]) -> Self {
        Self { rest: Some(value) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest?;
        let end = comma(text);
        self.rest = end.and_then(|end| text.get(end.saturating_add(1)..));
        Some(trim(text.get(..end.unwrap_or(text.len())).unwrap_or(text)))
    }
}

/// The first comma outside quotes, angle brackets and comments.
fn comma(text: &[u8]) -> Option<usize> {
    // Most rows have one element, and most elements nothing that could hide a comma.
    let first = memchr(b',', text)?;
    let before = text.get(..first).unwrap_or_default();
    if memchr3(b'"', b'<', b'(', before).is_none() {
        return Some(first);
    }
    let (mut is_quoted, mut is_bracketed, mut depth) = (false, false, 0_usize);
    let mut octets = text.iter().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' if is_quoted || depth > 0 => {
                octets.next();
            }
            b'"' if depth == 0 && !is_bracketed => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'<' if depth == 0 => is_bracketed = true,
            b'>' if depth == 0 => is_bracketed = false,
            _ if is_bracketed => {}
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
