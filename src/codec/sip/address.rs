//! `name-addr` and `addr-spec` with their parameters: From, To, Contact, Route and their like.
//!
//! Source: RFC 3261 sections 20.10, 20.20, 20.39 and 25.1; RFC 5626 and 5627 for the parameters of Contact.

use std::borrow::Cow;

use ::uuid::Uuid;
use memchr::memchr;

use super::frame::error;
use super::param::{Params, Walk, quoted, text_of, unquote};
use crate::codec::lexeme::{
    BLANK, Fault, HOST, Part, Step, TOKEN, USER, VALUE, before, fault_of, is, number, skip,
    skip_blanks, trim, uuid,
};
use crate::codec::uri::Uri;
use crate::codec::{Class, DecodeError};
use crate::limits::SIP_MESSAGE_OCTETS;

/// A URI with its display name and parameters.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The URI.
    pub uri: Uri<'a>,
    text: &'a [u8],
    display: Part,
    params: Part,
    well_known: WellKnown,
}

/// Parameters that are asked for with every message, as written.
#[derive(Clone, Copy, Debug, Default)]
struct WellKnown {
    tag: Part,
    q: Part,
    expires: Part,
    instance: Part,
    reg_id: Part,
}

/// Which parameter stands there.
#[derive(Clone, Copy)]
enum Known {
    Tag,
    Q,
    Expires,
    Instance,
    RegId,
    /// One that is not kept.
    Other,
}

/// One element of Contact.
#[derive(Clone, Copy, Debug)]
pub enum Contact<'a> {
    /// `*`: all bindings.
    Star,
    /// One contact.
    Address(Address<'a>),
}

impl<'a> Address<'a> {
    /// Decodes one address; the whole text must be one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset of the first octet that is outside the grammar.
    pub fn decode(text: &'a [u8]) -> Result<Self, DecodeError> {
        if text.len() > SIP_MESSAGE_OCTETS {
            return Err(error(
                SIP_MESSAGE_OCTETS,
                Class::TooLarge,
                "the end of the address",
            ));
        }
        match Self::parse(text) {
            Ok(([], address)) => Ok(address),
            Ok((rest, _)) => Err(Fault {
                left: rest.len(),
                expected: "the end of the address",
            }
            .within(text.len(), "sip")),
            Err(error) => Err(fault_of(error).within(text.len(), "sip")),
        }
    }

    /// `<sip:user@host>` with a tag or nothing behind it, up to the end: nearly every From and To.
    #[inline(always)]
    pub(super) fn usual(text: &'a [u8]) -> Option<Self> {
        let at_user = text.strip_prefix(b"<sip:")?;
        let after_user = skip(at_user, USER);
        let [b'@', at_host @ ..] = after_user else {
            return None;
        };
        let after_host = skip(at_host, HOST);
        let [b'>', params @ ..] = after_host else {
            return None;
        };
        let mut well_known = WellKnown::default();
        if !params.is_empty() {
            let tag = params.strip_prefix(b";tag=")?;
            if tag.is_empty() || !skip(tag, VALUE).is_empty() {
                return None;
            }
            well_known.tag = Part::between(text, tag, &[]);
        }
        let uri = Uri::usual(text.get(1..)?, at_user, after_user, at_host, after_host)?;
        Some(Self {
            uri,
            text,
            display: Part::NONE,
            params: Part::between(text, params, &[]),
            well_known,
        })
    }

    /// The first address and what follows it and the blanks after it.
    #[inline(always)]
    pub(super) fn parse(input: &'a [u8]) -> Step<'a, Self> {
        let text = skip_blanks(input);
        let (display, at_uri) = match text {
            [b'<', ..] => (Part::NONE, text),
            [b'"', ..] => {
                let (rest, display) = quoted(text)?;
                (Part::of(text, display), skip_blanks(rest))
            }
            _ => match skip(text, TOKEN | BLANK) {
                after @ [b'<', ..] => (Part::of(text, trim(before(text, after))), after),
                _ => (Part::NONE, text),
            },
        };
        let (rest, uri) = match at_uri {
            [b'<', ..] => in_brackets(at_uri)?,
            _ if display.is_none() => bare(at_uri)?,
            _ => return Err(Fault::at(at_uri, "a URI in angle brackets")),
        };
        let mut kept = WellKnown::default();
        let mut walk = Walk::new(rest);
        while let Some(param) = walk.semicolon() {
            if let Some((known, after)) = Known::usual(param) {
                let value = walk.value(after)?;
                kept.keep(known, Part::of(text, value));
            } else if let (name, Some(value)) = walk.param(param)? {
                kept.keep(Known::named(name), Part::of(text, value));
            }
        }
        let (rest, params) = walk.done();
        let address = Self {
            uri,
            text,
            display,
            params: Part::of(text, params),
            well_known: kept,
        };
        Ok((rest, address))
    }

    /// The display name, unquoted.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'a, str>> {
        self.display.octets(self.text).map(text_of)
    }

    /// The first header parameter of that name, unquoted; `Some(None)` when it has no value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<Cow<'a, str>>> {
        self.params().get(name)
    }

    /// The header parameters in order.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params.octets(self.text).unwrap_or_default())
    }

    /// The tag of From and To.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.well_known.tag.text(self.text)
    }

    /// The preference of a contact in thousandths, 0 to 1000; `None` when absent or not of the grammar.
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        per_mille(self.well_known.q.octets(self.text)?)
    }

    /// The seconds asked for or granted; `None` when absent or out of range, so that a default applies.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        number(self.well_known.expires.octets(self.text)?)
    }

    /// The URN of `+sip.instance`, without quotes and angle brackets.
    #[must_use]
    pub fn instance(&self) -> Option<&'a str> {
        match self.well_known.instance.octets(self.text)? {
            [b'"', b'<', urn @ .., b'>', b'"'] => core::str::from_utf8(urn).ok(),
            _ => None,
        }
    }

    /// As [`Address::instance`], when it is a UUID.
    #[must_use]
    pub fn instance_uuid(&self) -> Option<Uuid> {
        match self.well_known.instance.octets(self.text)? {
            [b'"', b'<', urn @ .., b'>', b'"'] => {
                let (scheme, uuid) = urn.split_at_checked("urn:uuid:".len())?;
                if scheme != b"urn:uuid:" && !scheme.eq_ignore_ascii_case(b"urn:uuid:") {
                    return None;
                }
                uuid::read(uuid)
            }
            _ => None,
        }
    }

    /// `reg-id`, from 1; `None` when absent or out of range.
    #[must_use]
    pub fn reg_id(&self) -> Option<u32> {
        number(self.well_known.reg_id.octets(self.text)?).filter(|&id| id > 0)
    }
}

impl WellKnown {
    /// Keeps the first value of each.
    #[inline(always)]
    fn keep(&mut self, known: Known, value: Part) {
        let place = match known {
            Known::Tag => &mut self.tag,
            Known::Q => &mut self.q,
            Known::Expires => &mut self.expires,
            Known::Instance => &mut self.instance,
            Known::RegId => &mut self.reg_id,
            Known::Other => return,
        };
        if place.is_none() {
            *place = value;
        }
    }
}

impl Known {
    /// A frequent parameter in its usual spelling, and what follows the equals sign: nearly all are written so, and then
    /// the name need not be searched for its end.
    #[inline(always)]
    fn usual(param: &[u8]) -> Option<(Self, &[u8])> {
        Some(match param.first()? {
            b't' => match param.strip_prefix(b"tag=") {
                Some(after) => (Self::Tag, after),
                None => (Self::Other, param.strip_prefix(b"temp-gruu=")?),
            },
            b'e' => (Self::Expires, param.strip_prefix(b"expires=")?),
            b'r' => (Self::RegId, param.strip_prefix(b"reg-id=")?),
            b'q' => (Self::Q, param.strip_prefix(b"q=")?),
            b'+' => (Self::Instance, param.strip_prefix(b"+sip.instance=")?),
            b'p' => (Self::Other, param.strip_prefix(b"pub-gruu=")?),
            b'm' => (Self::Other, param.strip_prefix(b"methods=")?),
            _ => return None,
        })
    }

    /// A parameter in any spelling.
    fn named(name: &[u8]) -> Self {
        match name.len() {
            1 if name.eq_ignore_ascii_case(b"q") => Self::Q,
            3 if name.eq_ignore_ascii_case(b"tag") => Self::Tag,
            6 if name.eq_ignore_ascii_case(b"reg-id") => Self::RegId,
            7 if name.eq_ignore_ascii_case(b"expires") => Self::Expires,
            13 if name.eq_ignore_ascii_case(b"+sip.instance") => Self::Instance,
            _ => Self::Other,
        }
    }
}

/// Keeps the first value.
#[inline(always)]
pub(super) fn keep(place: &mut Part, text: &[u8], value: &[u8]) {
    if place.is_none() {
        *place = Part::of(text, value);
    }
}

/// `<uri>`, and what follows.
#[inline(always)]
fn in_brackets(input: &[u8]) -> Step<'_, Uri<'_>> {
    let text = input.get(1..).unwrap_or_default();
    match Uri::parse_some(text)? {
        ([b'>', rest @ ..], uri) => Ok((rest, uri)),
        (rest, _) if memchr(b'>', rest).is_none() => Err(Fault::at(&[], "a closing angle bracket")),
        (rest, _) => Err(Fault::at(rest, "a closing angle bracket after the URI")),
    }
}

/// A URI without brackets: semicolon, comma and blank end it, and it has no headers.
#[inline(never)]
fn bare(input: &[u8]) -> Step<'_, Uri<'_>> {
    let len = input
        .iter()
        .position(|&octet| matches!(octet, b';' | b',' | b'?') || is(octet, BLANK))
        .unwrap_or(input.len());
    let (text, rest) = input.split_at_checked(len).unwrap_or((input, &[]));
    if let [b'?', ..] = rest {
        return Err(Fault::at(rest, "a URI without headers, or angle brackets"));
    }
    let uri = Uri::parse(text).map_err(|fault| inner(fault, rest.len()))?;
    Ok((rest, uri))
}

/// A fault inside a part that `after` octets follow.
pub(super) const fn inner(fault: Fault, after: usize) -> nom::Err<Fault> {
    nom::Err::Failure(Fault {
        left: fault.left.saturating_add(after),
        expected: fault.expected,
    })
}

/// `0[.ddd]` or `1[.000]` in thousandths.
fn per_mille(text: &[u8]) -> Option<u16> {
    let (whole, fraction) = match text {
        [whole @ (b'0' | b'1')] => (*whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        [b'.', fraction @ ..] if (1..=3).contains(&fraction.len()) => (b'0', fraction),
        _ => return None,
    };
    let mut thousandths = u16::from(whole == b'1');
    for at in 0..3 {
        let digit = fraction.get(at).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths
            .saturating_mul(10)
            .saturating_add(u16::from(digit.saturating_sub(b'0')));
    }
    (thousandths <= 1000).then_some(thousandths)
}

/// A text as a quoted string, for a value that is composed.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    put_quoted(&mut quoted, text);
    quoted
}

/// Appends a text as a quoted string.
pub fn put_quoted(out: &mut String, text: &str) {
    out.push('"');
    put_escaped(out, text);
    out.push('"');
}

/// Appends what stands inside the quotes of a quoted string.
pub fn put_escaped(out: &mut String, text: &str) {
    let is_plain = |octet: u8| !matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | b'\0');
    // Looked at as a whole, many octets at a time: nearly every text is plain.
    if text.bytes().fold(true, |all, octet| all & is_plain(octet)) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        if !matches!(c, '\r' | '\n' | '\0') {
            out.push(c);
        }
    }
}

/// What a quoted string stands for; a text without quotes stands for itself.
#[must_use]
pub fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    unquote(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Address<'_> {
        Address::decode(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> (usize, &'static str) {
        let error = Address::decode(text.as_bytes()).unwrap_err();
        (error.offset, error.expected)
    }

    #[test]
    fn every_form_of_a_display_name_is_read() {
        assert_eq!(decode("<sip:a@h>").display(), None);
        assert_eq!(
            decode("Alice  Smith <sip:a@h>").display().unwrap(),
            "Alice  Smith"
        );
        assert_eq!(decode("caller<sip:a@h>").display().unwrap(), "caller");
        assert_eq!(
            decode("\"J Rosenberg \\\\\\\"\"   <sip:a@h>\r\n ;\r\n  tag = 98asjd8")
                .display()
                .unwrap(),
            "J Rosenberg \\\""
        );
    }

    #[test]
    fn parameters_without_brackets_belong_to_the_header() {
        let address = decode("sip:a@h;tag=1");
        assert_eq!(address.uri.as_str(), "sip:a@h");
        assert_eq!(address.tag(), Some("1"));
        let address = decode("<sip:a@h;tag=1>;Tag=2");
        assert_eq!(address.uri.param("tag"), Some(Some("1")));
        assert_eq!(address.tag(), Some("2"));
    }

    #[test]
    fn a_contact_of_outbound_is_read_whole() {
        let address = decode(
            "<sip:alice@192.0.2.11:5060;transport=tcp;ob>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\r\n ;reg-id=1;q=0.7;expires=3600;methods=\"INVITE,ACK\";+sip.message",
        );
        assert_eq!(
            address.instance(),
            Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        );
        assert_eq!(
            address.instance_uuid().map(|uuid| uuid.to_string()),
            address
                .instance()
                .and_then(|urn| urn.strip_prefix("urn:uuid:"))
                .map(str::to_owned)
        );
        assert_eq!(address.reg_id(), Some(1));
        assert_eq!(address.q(), Some(700));
        assert_eq!(address.expires(), Some(3600));
        assert_eq!(address.param("methods").unwrap().unwrap(), "INVITE,ACK");
        assert_eq!(address.param("+sip.message"), Some(None));
    }

    #[test]
    fn an_address_of_the_usual_spelling_reads_as_any_other() {
        for text in [
            "<sip:alice@example.com>;tag=a1",
            "<sip:alice@example.com>",
            "<sip:a;b@h>;tag=[::1]",
        ] {
            let usual = Address::usual(text.as_bytes()).unwrap();
            let (rest, any) = Address::parse(text.as_bytes()).unwrap();
            assert!(rest.is_empty());
            assert_eq!(format!("{usual:?}"), format!("{any:?}"));
        }
        for text in [
            "",
            "<sip:@h>",
            "<sip:a@>",
            "<sip:a@h>;tag=",
            "<sip:a@h>;tag=a b",
            "<sip:a@h>;x",
        ] {
            assert!(Address::usual(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn q_has_three_decimals_at_most() {
        let q = |text: &str| decode(&format!("<sip:h>;q={text}")).q();
        assert_eq!(q("1"), Some(1000));
        assert_eq!(q("1.000"), Some(1000));
        assert_eq!(q("0.33"), Some(330));
        assert_eq!(q(".2"), Some(200));
        assert_eq!(q("1.001"), None);
        assert_eq!(q("0.1234"), None);
        assert_eq!(q("2"), None);
    }

    #[test]
    fn faults_name_the_octet() {
        assert_eq!(refused("\"Mr. J <sip:a@h>"), (16, "a closing quote"));
        assert_eq!(
            refused("Bell, A <sip:a@h>"),
            (4, "a colon after the URI scheme")
        );
        assert_eq!(refused("\"W\" < sip:a@h >"), (5, "a URI scheme"));
        assert_eq!(
            refused("sip:a@h?Route=x"),
            (7, "a URI without headers, or angle brackets")
        );
        let long = format!("<sip:{}>", "h".repeat(SIP_MESSAGE_OCTETS - 6));
        assert!(Address::decode(long.as_bytes()).is_ok());
        assert_eq!(
            refused(&format!("{long} ")),
            (SIP_MESSAGE_OCTETS, "the end of the address")
        );
        assert_eq!(refused("<sip:a@h"), (8, "a closing angle bracket"));
        assert_eq!(refused("<sip:a@h>;;tag=1"), (10, "the name of a parameter"));
        assert_eq!(
            refused("<sip:a@h>, <sip:b@h>"),
            (9, "the end of the address")
        );
    }

    #[test]
    fn a_quoted_text_comes_back() {
        let text = "a \"b\" \\c";
        assert_eq!(unquoted(quote(text).as_bytes()).as_ref(), text.as_bytes());
        assert_eq!(quote("a\r\nb"), "\"ab\"");
    }
}
