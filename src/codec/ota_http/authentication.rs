//! Challenges and credentials, of the gateway by a terminal and of the terminal by a gateway.
//!
//! **Source:** WAP-235 section 7.2.6 with SIN 101, RFC 2617. The terminal answers in X-Wap-Authorization with SHA-1 and
//! without qop; the other direction is plain HTTP.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fault;
use crate::codec::sip::{digest, quote};
use crate::codec::{Class, DecodeError};

/// A challenge or credentials: the value of one of the four headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Basic credentials.
    Basic {
        /// The user.
        username: String,
        /// The password, in the clear.
        password: String,
    },
    /// A Basic challenge.
    BasicChallenge {
        /// Whose passwords count.
        realm: String,
    },
    /// A Digest challenge or credentials: names in lower case and values without quotes, in order.
    Digest(Vec<(String, String)>),
    /// How the other side judged what it got, alone.
    Status(AuthStatus),
}

/// How credentials or a challenge were judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStatus {
    /// Refused; another try is welcome.
    FailedRetry,
    /// Refused for good.
    FailedNoRetry,
}

/// The parameter that tells the judgement.
const STATUS: &str = "x-wap-auth-status";
/// Parameters that this protocol forbids.
const FORBIDDEN: [&str; 5] = ["domain", "stale", "qop", "cnonce", "nc"];

impl AuthStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FailedRetry => "failed_retry",
            Self::FailedNoRetry => "failed_noretry",
        }
    }

    /// The judgement of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::FailedRetry, Self::FailedNoRetry]
            .into_iter()
            .find(|own| own.name().eq_ignore_ascii_case(name))
    }
}

impl Authentication {
    /// Reads a value; `of_terminal` for the two headers of this protocol, which forbid what HTTP allows.
    ///
    /// # Errors
    /// A scheme that is neither Basic nor Digest, parameters outside the grammar, forbidden or missing.
    pub fn decode(value: &str, of_terminal: bool) -> Result<Self, DecodeError> {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("Basic") {
            let at = scheme.len().saturating_add(1);
            return basic(rest.trim(), at);
        }
        if let Some((name, word)) = value.split_once('=')
            && name.trim().eq_ignore_ascii_case(STATUS)
        {
            return AuthStatus::from_name(word.trim().trim_matches('"'))
                .map(Self::Status)
                .ok_or_else(|| fault(0, Class::BadValue, "failed_retry or failed_noretry"));
        }
        let mut params = Vec::new();
        digest::params(value.as_bytes(), |name, text| {
            params.push((name.to_owned(), text));
        })
        .map_err(|error| DecodeError {
            format: super::NAME,
            ..error
        })?;
        let read = Self::Digest(params);
        if of_terminal {
            read.check_terminal(value.len())?;
        }
        Ok(read)
    }

    /// A parameter of a Digest.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        match self {
            Self::Digest(params) => params
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.as_str()),
            _ => None,
        }
    }

    /// How what was sent before was judged.
    #[must_use]
    pub fn status(&self) -> Option<AuthStatus> {
        match self {
            Self::Status(status) => Some(*status),
            _ => AuthStatus::from_name(self.param(STATUS)?),
        }
    }

    /// Whether a terminal's credentials are what the password gives; `method` is that of the request with the challenge, whose
    /// target is the one of all requests here, so credentials for another are wrong.
    #[must_use]
    pub fn is_right(&self, password: &str, method: &str) -> bool {
        match self {
            Self::Basic { password: sent, .. } => is_same(sent, password),
            Self::Digest(_) => {
                let text = |name| self.param(name).unwrap_or_default();
                let who = (text("username"), text("realm"), password);
                let expected = digest::response_sha1(who, text("nonce"), method, text("uri"));
                text("algorithm").eq_ignore_ascii_case("SHA-1")
                    && text("uri") == super::PATH
                    && is_same(&text("response").to_ascii_lowercase(), &expected)
            }
            _ => false,
        }
    }

    fn check_terminal(&self, end: usize) -> Result<(), DecodeError> {
        if FORBIDDEN.iter().any(|name| self.param(name).is_some()) {
            let expected = "no domain, stale, qop, cnonce or nc";
            return Err(fault(0, Class::BadValue, expected));
        }
        if let Some(algorithm) = self.param("algorithm")
            && !algorithm.eq_ignore_ascii_case("SHA-1")
        {
            return Err(fault(0, Class::BadValue, "the algorithm SHA-1"));
        }
        let needed = ["realm", "nonce"];
        if self.param(STATUS).is_none() && needed.iter().any(|name| self.param(name).is_none()) {
            return Err(fault(end, Class::Truncated, "realm and nonce"));
        }
        Ok(())
    }
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, password } => {
                write!(
                    f,
                    "Basic {}",
                    STANDARD.encode(format!("{username}:{password}"))
                )
            }
            Self::BasicChallenge { realm } => write!(f, "Basic realm={}", quote(realm)),
            Self::Digest(params) => {
                f.write_str("Digest")?;
                for (number, (name, value)) in params.iter().enumerate() {
                    let comma = if number == 0 { "" } else { "," };
                    if name == STATUS {
                        write!(f, "{comma} {name}={value}")?;
                    } else {
                        write!(f, "{comma} {name}={}", quote(value))?;
                    }
                }
                Ok(())
            }
            Self::Status(status) => write!(f, "{STATUS}={}", status.name()),
        }
    }
}

/// The credentials of a terminal: `who` is user, realm and password, `method` that of the request with the challenge.
#[must_use]
pub fn terminal_response(who: (&str, &str, &str), nonce: &str, method: &str) -> Authentication {
    let response = digest::response_sha1(who, nonce, method, super::PATH);
    let (username, realm, _) = who;
    let params = [
        ("username", username),
        ("realm", realm),
        ("nonce", nonce),
        ("uri", super::PATH),
        ("response", &response),
        ("algorithm", "SHA-1"),
    ];
    Authentication::Digest(
        params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn basic(rest: &str, at: usize) -> Result<Authentication, DecodeError> {
    if let Some((name, realm)) = rest.split_once('=')
        && name.trim().eq_ignore_ascii_case("realm")
    {
        let realm = realm.trim().trim_matches('"').to_owned();
        return Ok(Authentication::BasicChallenge { realm });
    }
    let text = STANDARD
        .decode(rest)
        .ok()
        .and_then(|octets| String::from_utf8(octets).ok());
    let pair = text.as_deref().and_then(|text| text.split_once(':'));
    let (username, password) =
        pair.ok_or_else(|| fault(at, Class::BadValue, "user:password in base64"))?;
    Ok(Authentication::Basic {
        username: username.to_owned(),
        password: password.to_owned(),
    })
}

/// Compares in a time that does not tell where the first difference is.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b))
            == 0
}
