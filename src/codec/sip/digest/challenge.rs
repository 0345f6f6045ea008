//! A challenge: a row of WWW-Authenticate or Proxy-Authenticate.
//!
//! **Source:** RFC 3261 sections 20.27 and 20.44, RFC 7616 section 3.3.

use std::fmt;

use super::{Algorithm, Qop, missing, params};
use crate::codec::DecodeError;
use crate::codec::sip::address::quote;

/// One challenge: a row of WWW-Authenticate or Proxy-Authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose users and passwords count.
    pub realm: String,
    /// To be given back.
    pub nonce: String,
    /// To be given back as it is.
    pub opaque: Option<String>,
    /// `None` when it is one that is not known: the challenge is to be ignored.
    pub algorithm: Option<Algorithm>,
    /// What may be protected; empty in challenges of old servers, and then the response has neither count nor cnonce.
    pub qop: Vec<Qop>,
    /// True when only the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// Decodes the value of a row.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the scheme is not Digest, a parameter is outside the grammar, or realm or nonce are missing.
    pub fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut realm = None;
        let mut nonce = None;
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            opaque: None,
            algorithm: Some(Algorithm::Md5),
            qop: Vec::new(),
            stale: false,
        };
        params(value, |name, text| match name {
            "realm" => realm = Some(text),
            "nonce" => nonce = Some(text),
            "opaque" => challenge.opaque = Some(text),
            "algorithm" => challenge.algorithm = Algorithm::from_name(&text),
            "qop" => {
                challenge.qop = text
                    .split(',')
                    .filter_map(|qop| Qop::from_name(qop.trim()))
                    .collect();
            }
            "stale" => challenge.stale = text.eq_ignore_ascii_case("true"),
            _ => {}
        })?;
        challenge.realm = realm.ok_or_else(|| missing(value, "realm"))?;
        challenge.nonce = nonce.ok_or_else(|| missing(value, "nonce"))?;
        Ok(challenge)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest realm={}, nonce={}",
            quote(&self.realm),
            quote(&self.nonce)
        )?;
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        if let Some(algorithm) = self.algorithm {
            write!(f, ", algorithm={}", algorithm.name())?;
        }
        if !self.qop.is_empty() {
            let names: Vec<&str> = self.qop.iter().map(|qop| qop.name()).collect();
            write!(f, ", qop=\"{}\"", names.join(","))?;
        }
        Ok(())
    }
}
