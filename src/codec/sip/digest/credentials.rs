//! Credentials: the value of Authorization or Proxy-Authorization, and whether a password gives it.
//!
//! **Source:** RFC 3261 sections 20.7 and 20.28, RFC 7616 section 3.4.

use std::fmt;

use super::{Algorithm, Qop, Question, bad, missing, params, response, secret};
use crate::codec::DecodeError;
use crate::codec::sip::address::quote;

/// The answer to a challenge: the value of Authorization or Proxy-Authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The realm of the challenge.
    pub realm: String,
    /// The nonce of the challenge.
    pub nonce: String,
    /// The URI that was hashed, octet for octet; it may differ from the Request-URI.
    pub uri: String,
    /// The hash.
    pub response: String,
    /// `None` when it is one that is not known.
    pub algorithm: Option<Algorithm>,
    /// The client's own nonce.
    pub cnonce: Option<String>,
    /// As the challenge had it.
    pub opaque: Option<String>,
    /// What is protected; `None` as in RFC 2069.
    pub qop: Option<Qop>,
    /// How often this nonce was used.
    pub nc: Option<u32>,
}

impl Credentials {
    /// Decodes the value of a row.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the scheme is not Digest, a parameter is outside the grammar, or one that every answer has
    /// is missing.
    pub fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut found: [Option<String>; 5] = Default::default();
        let [username, realm, nonce, uri, response] = &mut found;
        let (mut cnonce, mut opaque, mut qop, mut nc) = (None, None, None, None);
        let mut algorithm = Some(Algorithm::Md5);
        params(value, |name, text| match name {
            "username" => *username = Some(text),
            "realm" => *realm = Some(text),
            "nonce" => *nonce = Some(text),
            "uri" => *uri = Some(text),
            "response" => *response = Some(text),
            "cnonce" => cnonce = Some(text),
            "opaque" => opaque = Some(text),
            "algorithm" => algorithm = Algorithm::from_name(&text),
            "qop" => qop = Some(text),
            "nc" => nc = Some(text),
            _ => {}
        })?;
        let [username, realm, nonce, uri, response] = found;
        let qop = match qop {
            Some(name) => {
                Some(Qop::from_name(&name).ok_or_else(|| bad(value, "auth or auth-int"))?)
            }
            None => None,
        };
        let nc = match nc {
            Some(count) if count.len() == 8 && count.bytes().all(|c| c.is_ascii_hexdigit()) => {
                u32::from_str_radix(&count, 16).ok()
            }
            Some(_) => return Err(bad(value, "eight hexadecimal digits of nc")),
            None => None,
        };
        if qop.is_some() && (nc.is_none() || cnonce.is_none()) {
            return Err(missing(value, "nc and cnonce beside qop"));
        }
        Ok(Self {
            username: username.ok_or_else(|| missing(value, "username"))?,
            realm: realm.ok_or_else(|| missing(value, "realm"))?,
            nonce: nonce.ok_or_else(|| missing(value, "nonce"))?,
            uri: uri.ok_or_else(|| missing(value, "uri"))?,
            response: response.ok_or_else(|| missing(value, "response"))?,
            algorithm,
            cnonce,
            opaque,
            qop,
            nc,
        })
    }

    /// True when `response` is what the password gives for this request.
    #[must_use]
    pub fn is_right(&self, password: &str, method: &str, body: &[u8]) -> bool {
        self.algorithm.is_some_and(|algorithm| {
            let secret = secret(algorithm, &self.username, &self.realm, password);
            self.is_right_with(&secret, method, body)
        })
    }

    /// As [`Credentials::is_right`], where only the [`secret`] is stored.
    #[must_use]
    pub fn is_right_with(&self, secret: &str, method: &str, body: &[u8]) -> bool {
        let Some(algorithm) = self.algorithm else {
            return false;
        };
        let expected = response(
            algorithm,
            secret,
            &Question {
                nonce: &self.nonce,
                method,
                uri: &self.uri,
                body,
                count: self.count(),
                cnonce: self.cnonce.as_deref(),
            },
        );
        is_same(expected.as_bytes(), self.response.as_bytes())
    }

    fn count(&self) -> Option<(Qop, u32)> {
        self.qop.zip(self.nc)
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest username={}, realm={}, nonce={}, uri={}, response={}",
            quote(&self.username),
            quote(&self.realm),
            quote(&self.nonce),
            quote(&self.uri),
            quote(&self.response)
        )?;
        if let Some(algorithm) = self.algorithm {
            write!(f, ", algorithm={}", algorithm.name())?;
        }
        if let Some(cnonce) = &self.cnonce {
            write!(f, ", cnonce={}", quote(cnonce))?;
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if let Some((qop, nc)) = self.count() {
            write!(f, ", qop={}, nc={nc:08x}", qop.name())?;
        }
        Ok(())
    }
}

/// Compares in a time that does not tell where the first difference is; hexadecimal digits in any case.
fn is_same(expected: &[u8], got: &[u8]) -> bool {
    expected.len() == got.len()
        && expected.iter().zip(got).fold(0, |difference, (a, b)| {
            difference | (a ^ b.to_ascii_lowercase())
        }) == 0
}
