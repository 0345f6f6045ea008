//! URIs as SIP carries them: SIP and SIPS taken apart, tel in part, all others kept whole.
//!
//! Source: RFC 3261 sections 19.1 and 25.1, RFC 3966 (tel), RFC 5627 section 4 (`gr`), RFC 8599 section 4 (comparison of
//! `pn-` parameters). Not here: the URNs of devices (`device_id`).

use std::fmt;

use super::lexeme::{Fault, Part, Step, Text, before, fault_of};
use super::{Class, DecodeError};
use crate::limits::SIP_MESSAGE_OCTETS;

mod equality;
mod grammar;

pub use equality::unescape;
use grammar::uri;
pub(crate) use grammar::{host, port_number};

/// Which kind of URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// `urn:`
    Urn,
    /// Any other; the URI is one opaque text.
    Other,
}

impl Scheme {
    /// True for `sip:` and `sips:`, whose parts are known.
    #[must_use]
    pub const fn is_sip(self) -> bool {
        matches!(self, Self::Sip | Self::Sips)
    }
}

/// A URI taken apart once; every part borrows from the text it was decoded from.
#[derive(Clone, Copy)]
pub struct Uri<'a> {
    /// ASCII, as the grammar has it.
    text: Text<'a>,
    user: Part,
    password: Part,
    host: Part,
    params: Part,
    headers: Part,
    /// The value of `gr`; empty when it is a flag.
    gr: Part,
    port: Option<u16>,
    scheme: Scheme,
}

impl<'a> Uri<'a> {
    /// Takes a URI apart; the whole text must be one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset of the first octet that is outside the grammar.
    pub fn decode(text: &'a [u8]) -> Result<Self, DecodeError> {
        if text.len() > SIP_MESSAGE_OCTETS {
            return Err(DecodeError {
                format: "uri",
                offset: SIP_MESSAGE_OCTETS,
                class: Class::TooLarge,
                expected: "the end of the URI",
            });
        }
        Self::parse(text).map_err(|fault| fault.within(text.len(), "uri"))
    }

    /// As [`Uri::decode`], for the parsers of what contains a URI of at most 65,535 octets.
    #[inline(always)]
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Fault> {
        match uri(text).map_err(fault_of)? {
            ([], uri) => Ok(uri),
            (rest, _) => Err(Fault {
                left: rest.len(),
                expected: "the end of the URI",
            }),
        }
    }

    /// The URI at the start, for a parser that sees at what follows whether it ends there.
    #[inline(always)]
    pub(crate) fn parse_some(input: &'a [u8]) -> Step<'a, Self> {
        let (rest, uri) = uri(input)?;
        let text = before(input, rest);
        let text = Text::unread(text);
        Ok((rest, Self { text, ..uri }))
    }

    /// The same for a reader who wants several of its parts as text.
    #[inline(always)]
    pub(crate) fn spelt(self) -> Self {
        let text = Text::new(self.text.octets());
        Self { text, ..self }
    }

    /// `sip:user@host` at the start of `input`, whose parts a parser has found as suffixes of it; `None` when one is empty.
    #[inline(always)]
    pub(crate) fn usual(
        input: &'a [u8],
        at_user: &[u8],
        after_user: &[u8],
        at_host: &[u8],
        after_host: &[u8],
    ) -> Option<Self> {
        if at_user.len() == after_user.len() || at_host.len() == after_host.len() {
            return None;
        }
        let text = before(input, after_host);
        let cut = |from: &[u8], to: &[u8]| Part::between(input, from, to);
        Some(Self {
            text: Text::unread(text),
            user: cut(at_user, after_user),
            password: Part::NONE,
            host: cut(at_host, after_host),
            params: Part::NONE,
            headers: Part::NONE,
            gr: Part::NONE,
            port: None,
            scheme: Scheme::Sip,
        })
    }

    /// The kind.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The whole text, as written.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text.whole()
    }

    /// The user part, escapes untouched; of a tel URI the number.
    #[must_use]
    pub fn user(&self) -> Option<&'a str> {
        self.text.part(self.user)
    }

    /// The password after the user, which nobody should use.
    #[must_use]
    pub fn password(&self) -> Option<&'a str> {
        self.text.part(self.password)
    }

    /// The host, brackets of an IPv6 literal included; empty unless the scheme is SIP or SIPS.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.text.part(self.host).unwrap_or_default()
    }

    /// The port, when one is written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The first parameter of that name: `Some(None)` when it is a flag, its value as written otherwise.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The parameters in order, escapes untouched.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.text
            .part(self.params)
            .unwrap_or_default()
            .split(';')
            .skip(1)
            .map(|param| match param.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (param, None),
            })
    }

    /// The `gr` parameter that makes the URI a GRUU: a flag in a temporary one, with a value in a public one.
    #[must_use]
    pub fn gr(&self) -> Option<Option<&'a str>> {
        let value = self.text.part(self.gr)?;
        Some((!value.is_empty()).then_some(value))
    }

    /// What follows `?`.
    #[must_use]
    pub fn headers(&self) -> Option<&'a str> {
        self.text.part(self.headers)
    }
}

impl fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Uri").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
