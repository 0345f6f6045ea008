//! Via: the way a request came and its responses go back.
//!
//! Source: RFC 3261 sections 18.2, 20.42 and 25.1; RFC 3581 (`rport`); RFC 5118 section 4.5 (`received` with and without
//! brackets).

use nom::Parser as _;
use nom::bytes::complete::take_while1;

use super::address::is_named;
use super::param::{Params, walk};
use crate::codec::DecodeError;
use crate::codec::lexeme::{Fault, Step, TOKEN, ascii, before, fault_of, is, number, skip_blanks};
use crate::codec::uri::{host, port_number};

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
        let (rest, transport) = protocol(skip_blanks(input))?;
        let at_host = skip_blanks(rest);
        if at_host.len() == rest.len() {
            return Err(Fault::at(rest, "a blank before sent-by"));
        }
        let (rest, ()) = host(at_host)?;
        let sent_by = before(at_host, rest);
        let (rest, port) = match skip_blanks(rest) {
            [b':', port @ ..] => {
                let (rest, port) = port_number(skip_blanks(port))?;
                (rest, Some(port))
            }
            _ => (rest, None),
        };
        let mut via = Self {
            transport,
            host: ascii(sent_by),
            port,
            branch: None,
            received: None,
            rport: None,
            maddr: None,
            params: &[],
        };
        let (rest, params) = walk(rest, usual_len, |(name, value)| via.see(name, value))?;
        via.params = params;
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

    #[inline(always)]
    fn see(&mut self, name: &[u8], value: Option<&'a [u8]>) {
        match name.len() {
            6 if is_named(name, b"branch") => {
                self.branch = self.branch.or_else(|| value.map(ascii));
            }
            5 if is_named(name, b"rport") && self.rport.is_none() => {
                let port = value
                    .and_then(number)
                    .and_then(|port| u16::try_from(port).ok());
                self.rport = Some(port);
            }
            8 if is_named(name, b"received") => {
                self.received = self.received.or_else(|| value.map(without_brackets));
            }
            5 if is_named(name, b"maddr") => {
                self.maddr = self.maddr.or_else(|| value.map(ascii));
            }
            _ => {}
        }
    }
}

/// The length of a name of a parameter that is looked at, in its usual spelling and with an equals sign after it.
#[inline(always)]
fn usual_len(param: &[u8]) -> usize {
    match param {
        [b'b', ..] if param.starts_with(b"branch=") => 6,
        [b'r', b'p', ..] if param.starts_with(b"rport=") => 5,
        [b'r', b'e', ..] if param.starts_with(b"received=") => 8,
        _ => 0,
    }
}

/// `SIP / 2.0 / transport`, blanks allowed around the slashes; the transport.
#[inline(always)]
fn protocol(input: &[u8]) -> Step<'_, &str> {
    // The spelling of nearly every message, without blanks.
    let rest = match input.split_at_checked(8) {
        Some((b"SIP/2.0/", rest)) => rest,
        _ => {
            let (rest, _) = token(input, "SIP/2.0")?;
            let (rest, _) = token(slash(rest)?, "a protocol version")?;
            slash(rest)?
        }
    };
    let (rest, transport) = token(rest, "a transport")?;
    let transport = match transport {
        b"UDP" => "UDP",
        b"TCP" => "TCP",
        b"TLS" => "TLS",
        other => ascii(other),
    };
    Ok((rest, transport))
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

fn without_brackets(value: &[u8]) -> &str {
    match value {
        [b'[', inner @ .., b']'] => ascii(inner),
        _ => ascii(value),
    }
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
        assert_eq!(refused("SIP/2.0 UDP h"), 8);
        assert_eq!(refused("SIP/2.0/UDP h;;"), 14);
        assert_eq!(refused("SIP/2.0/UDP h:x"), 14);
        assert_eq!(refused("SIP/2.0/UDP h, SIP/2.0/UDP i"), 13);
    }
}
