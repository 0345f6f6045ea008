//! Digest access authentication: challenges, credentials and the response value.
//!
//! Source: RFC 3261 section 22, RFC 7616 sections 3.3 to 3.5, RFC 8760 (SHA-256 and SHA-512/256). Not here: which nonce
//! is good and who may do what (`protocol::sip::authentication`).

use super::frame::error;
use super::param::{one, text_of};
use crate::codec::lexeme::{BLANK, Fault, fault_of, skip};
use crate::codec::{Class, DecodeError};

mod algorithm;
mod challenge;
mod credentials;
mod response;

pub use algorithm::{Algorithm, Qop};
pub use challenge::Challenge;
pub use credentials::Credentials;
pub use response::{Question, response, response_sha1, secret};

/// `Digest name=value, ...`: shows each parameter, its name in lower case and its value unquoted.
///
/// # Errors
///
/// [`DecodeError`] when the scheme is not Digest, a parameter is outside the grammar or stands twice.
pub fn params(value: &[u8], mut see: impl FnMut(&str, String)) -> Result<(), DecodeError> {
    let mut rest = match value.split_at_checked("Digest".len()) {
        Some((scheme, rest @ [b' ' | b'\t' | b'\r', ..]))
            if scheme.eq_ignore_ascii_case(b"Digest") =>
        {
            rest
        }
        _ => return Err(error(0, Class::BadValue, "Digest and its parameters")),
    };
    let mut seen: Vec<String> = Vec::new();
    loop {
        let at = skip(rest, BLANK);
        let (after, (name, text)) =
            one(at).map_err(|fault| fault_of(fault).within(value.len(), "sip"))?;
        let Some(text) = text else {
            return Err(fault(value, after, "= and a value"));
        };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if seen.contains(&name) {
            let offset = value.len().saturating_sub(at.len());
            return Err(error(offset, Class::Repeated, "a parameter once"));
        }
        see(&name, text_of(text).into_owned());
        seen.push(name);
        match skip(after, BLANK) {
            [] => return Ok(()),
            [b',', after @ ..] => rest = after,
            after => return Err(fault(value, after, "a comma")),
        }
    }
}

fn fault(value: &[u8], rest: &[u8], expected: &'static str) -> DecodeError {
    Fault {
        left: rest.len(),
        expected,
    }
    .within(value.len(), "sip")
}

const fn missing(value: &[u8], expected: &'static str) -> DecodeError {
    error(value.len(), Class::Truncated, expected)
}

const fn bad(value: &[u8], expected: &'static str) -> DecodeError {
    error(value.len(), Class::BadValue, expected)
}

#[cfg(test)]
mod tests;
