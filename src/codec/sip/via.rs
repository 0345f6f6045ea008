//! Via: the way a request came and its responses go back.
//!
//! Source: RFC 3261 sections 18.2, 20.42 and 25.1; RFC 3581 (`rport`); RFC 5118 section 4.5 (`received` with and without
//! brackets).

use nom::Parser as _;
use nom::bytes::complete::take_while1;

use super::address::keep;
use super::frame::error;
use super::param::{Params, Walk};
use crate::codec::lexeme::{
    Fault, Part, Step, TOKEN, Text, ascii, before, fault_of, is, number, skip_blanks,
};
use crate::codec::uri::{host, port_number};
use crate::codec::{Class, DecodeError};
use crate::limits::SIP_MESSAGE_OCTETS;

/// One element of Via.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS` or any other token, as written.
    pub transport: &'a str,
    /// The host of sent-by, brackets of an IPv6 literal included.
    pub host: &'a str,
    /// The port of sent-by, when one is written.
    pub port: Option<u16>,
    /// The transaction's branch.
    pub branch: Option<&'a str>,
    /// Where the request came from, without brackets.
    pub received: Option<&'a str>,
    /// The port it came from: `Some(None)` when it is asked for and not yet set.
    pub rport: Option<Option<u16>>,
    /// Where responses shall go instead.
    pub maddr: Option<&'a str>,
    params: &'a [u8],
}

impl<'a> Via<'a> {
    /// What a branch of this century's RFC begins with.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// Decodes one element; the whole text must be one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset of the first octet that is outside the grammar.
    pub fn decode(text: &'a [u8]) -> Result<Self, DecodeError> {
        if text.len() > SIP_MESSAGE_OCTETS {
            return Err(error(
                SIP_MESSAGE_OCTETS,
                Class::TooLarge,
                "the end of the Via",
            ));
        }
        match Self::parse(text) {
            Ok(([], via)) => Ok(via),
            Ok((rest, _)) => Err(Fault {
                left: rest.len(),
                expected: "the end of the Via",
            }
            .within(text.len(), "sip")),
            Err(error) => Err(fault_of(error).within(text.len(), "sip")),
        }
    }

    /// The first element and what follows it and the blanks after it.
    #[inline(always)]
    pub(super) fn parse(input: &'a [u8]) -> Step<'a, Self> {
        let (at_host, transport) = match usual_protocol(input) {
            Some(usual) => usual,
            None => {
                let (rest, transport) = protocol(skip_blanks(input))?;
                let at_host = skip_blanks(rest);
                if at_host.len() == rest.len() {
                    return Err(Fault::at(rest, "a blank before sent-by"));
                }
                (at_host, transport)
            }
        };
        let (rest, ()) = host(at_host)?;
        let sent_by = before(at_host, rest);
        let (rest, port) = match skip_blanks(rest) {
            [b':', port @ ..] => {
                let (rest, port) = port_number(skip_blanks(port))?;
                (rest, Some(port))
            }
            _ => (rest, None),
        };
        let mut known = Known::default();
        let mut walk = Walk::new(rest);
        while let Some(param) = walk.semicolon() {
            if let Some((place, after)) = known.usual(param) {
                let value = walk.value(after)?;
                keep(place, at_host, value);
            } else {
                let (name, value) = walk.param(param)?;
                known.see(at_host, name, value);
            }
        }
        let (rest, params) = walk.done();
        let text = Text::new(before(at_host, rest));
        let via = Self {
            transport,
            host: text.part(Part::of(at_host, sent_by)).unwrap_or_default(),
            port,
            branch: text.part(known.branch),
            received: text.part(known.received).map(without_brackets),
            rport: known.rport(at_host),
            maddr: text.part(known.maddr),
            params,
        };
        Ok((rest, via))
    }

    /// The parameters in order.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// True when the branch identifies a transaction alone, as since RFC 3261.
    #[must_use]
    pub fn has_cookie(&self) -> bool {
        self.branch.is_some_and(|branch| {
            branch.len() > Self::COOKIE.len()
                && branch
                    .get(..Self::COOKIE.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(Self::COOKIE))
        })
    }
}

/// Parameters that are looked at, as written.
#[derive(Default)]
struct Known {
    branch: Part,
    received: Part,
    maddr: Part,
    rport: Part,
    /// True when `rport` stands there without a value.
    is_rport_asked: bool,
}

impl Known {
    /// The place of a parameter in its usual spelling, and what follows the equals sign.
    #[inline(always)]
    fn usual<'p>(&mut self, param: &'p [u8]) -> Option<(&mut Part, &'p [u8])> {
        Some(match param {
            [b'b', ..] => (&mut self.branch, param.strip_prefix(b"branch=")?),
            [b'r', b'e', ..] => (&mut self.received, param.strip_prefix(b"received=")?),
            [b'r', ..] => (&mut self.rport, param.strip_prefix(b"rport=")?),
            _ => return None,
        })
    }

    /// Keeps a parameter in any spelling.
    fn see(&mut self, text: &[u8], name: &[u8], value: Option<&[u8]>) {
        let place = match name.len() {
            6 if name.eq_ignore_ascii_case(b"branch") => &mut self.branch,
            5 if name.eq_ignore_ascii_case(b"rport") => {
                self.is_rport_asked |= value.is_none();
                &mut self.rport
            }
            8 if name.eq_ignore_ascii_case(b"received") => &mut self.received,
            5 if name.eq_ignore_ascii_case(b"maddr") => &mut self.maddr,
            _ => return,
        };
        if let Some(value) = value {
            keep(place, text, value);
        }
    }

    fn rport(&self, text: &[u8]) -> Option<Option<u16>> {
        match self.rport.octets(text) {
            Some(value) => Some(number(value).and_then(|port| u16::try_from(port).ok())),
            None => self.is_rport_asked.then_some(None),
        }
    }
}

/// What follows `SIP/2.0/UDP ` and its like, the spelling of nearly every message, and the transport.
#[inline(always)]
fn usual_protocol(input: &[u8]) -> Option<(&[u8], &'static str)> {
    let (head, rest) = input.split_first_chunk::<12>()?;
    let transport = match head {
        b"SIP/2.0/UDP " => "UDP",
        b"SIP/2.0/TCP " => "TCP",
        b"SIP/2.0/TLS " => "TLS",
        _ => return None,
    };
    Some((skip_blanks(rest), transport))
}

/// `SIP / 2.0 / transport`, blanks allowed around the slashes; the transport.
fn protocol(input: &[u8]) -> Step<'_, &str> {
    let rest = match input.strip_prefix(b"SIP/2.0/") {
        Some(rest) => rest,
        None => {
            let (rest, _) = token(input, "SIP/2.0")?;
            let (rest, _) = token(slash(rest)?, "a protocol version")?;
            slash(rest)?
        }
    };
    let (rest, transport) = token(rest, "a transport")?;
    Ok((rest, ascii(transport)))
}

fn token<'a>(input: &'a [u8], expected: &'static str) -> Step<'a, &'a [u8]> {
    take_while1(|octet| is(octet, TOKEN))
        .parse(input)
        .map_err(|_: nom::Err<Fault>| Fault::at(input, expected))
}

fn slash(input: &[u8]) -> Result<&[u8], nom::Err<Fault>> {
    match skip_blanks(input) {
        [b'/', rest @ ..] => Ok(skip_blanks(rest)),
        rest => Err(Fault::at(rest, "a slash")),
    }
}

fn without_brackets(value: &str) -> &str {
    value
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_via_with_everything_is_read() {
        let via = Via::decode(
            b"SIP/2.0/TCP [2001:db8::9:1]:5070;received=2001:db8::9:255;branch=z9hG4bKas3-111;rport=40000;maddr=h;x",
        )
        .unwrap();
        assert_eq!(via.transport, "TCP");
        assert_eq!((via.host, via.port), ("[2001:db8::9:1]", Some(5070)));
        assert_eq!(via.branch, Some("z9hG4bKas3-111"));
        assert_eq!(via.received, Some("2001:db8::9:255"));
        assert_eq!(via.rport, Some(Some(40000)));
        assert_eq!(via.maddr, Some("h"));
        assert!(via.has_cookie());
        assert_eq!(via.params().get("x"), Some(None));
    }

    #[test]
    fn brackets_of_received_are_optional() {
        let via = Via::decode(b"SIP/2.0/UDP h;received=[2001:db8::1];rport").unwrap();
        assert_eq!(via.received, Some("2001:db8::1"));
        assert_eq!(via.rport, Some(None));
        assert!(!via.has_cookie());
    }

    #[test]
    fn blanks_and_folds_are_allowed_where_the_grammar_has_them() {
        let via = Via::decode(
            b"SIP  / 2.0  / TCP     spindle.example.com : 5061  ;\r\n  branch  =   z9hG4bK9ikj8",
        )
        .unwrap();
        assert_eq!(via.transport, "TCP");
        assert_eq!((via.host, via.port), ("spindle.example.com", Some(5061)));
        assert_eq!(via.branch, Some("z9hG4bK9ikj8"));
    }

    #[test]
    fn faults_name_the_octet() {
        let refused = |text: &str| Via::decode(text.as_bytes()).unwrap_err().offset;
        assert_eq!(refused("SIP/2.0/UDP"), 11);
        let long = format!("SIP/2.0/UDP {}", "h".repeat(SIP_MESSAGE_OCTETS - 12));
        assert!(Via::decode(long.as_bytes()).is_ok());
        assert_eq!(refused(&format!("{long}h")), SIP_MESSAGE_OCTETS);
        assert_eq!(refused("SIP/2.0 UDP h"), 8);
        assert_eq!(refused("SIP/2.0/UDP h;;"), 14);
        assert_eq!(refused("SIP/2.0/UDP h:x"), 14);
        assert_eq!(refused("SIP/2.0/UDP h, SIP/2.0/UDP i"), 13);
    }
}
