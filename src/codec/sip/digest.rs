//! Digest access authentication: challenges, credentials and the response value.
//!
//! Source: RFC 3261 section 22, RFC 7616 sections 3.3 to 3.5, RFC 8760 (SHA-256 and SHA-512/256). Not here: which nonce
//! is good and who may do what (`protocol::sip::authentication`).

use std::fmt::{self, Write as _};

use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512_256};

use super::address::quote;
use super::frame::error;
use super::param::{one, text_of};
use crate::codec::lexeme::{BLANK, Fault, fault_of, skip};
use crate::codec::{Class, DecodeError};

/// A hash function, and whether its first part is bound to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `MD5`, also when none is named.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`: SHA-512/256 with its own initial values.
    Sha512_256,
    /// `SHA-512-256-sess`
    Sha512_256Sess,
}

impl Algorithm {
    /// All, best first as servers list them.
    pub const ALL: [Self; 6] = [
        Self::Sha256,
        Self::Sha512_256,
        Self::Md5,
        Self::Sha256Sess,
        Self::Sha512_256Sess,
        Self::Md5Sess,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// True for the `-sess` forms.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(
            self,
            Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess
        )
    }

    /// The hash of parts joined by colons, in lower-case hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hash::<Md5>(parts),
            Self::Sha256 | Self::Sha256Sess => hash::<Sha256>(parts),
            Self::Sha512_256 | Self::Sha512_256Sess => hash::<Sha512_256>(parts),
        }
    }
}

fn hash<H: md5::Digest>(parts: &[&[u8]]) -> String {
    let mut hash = H::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let mut text = String::new();
    for octet in hash.finalize().iter() {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// What the response protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// Method and URI.
    Auth,
    /// The body too.
    AuthInt,
}

impl Qop {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    /// The protection of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt]
            .into_iter()
            .find(|qop| qop.name().eq_ignore_ascii_case(name))
    }
}

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

/// What a response is about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The server's nonce.
    pub nonce: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// The URI as it stands in the credentials.
    pub uri: &'a str,
    /// The body; only `auth-int` looks at it.
    pub body: &'a [u8],
    /// Protection and use count; `None` as in RFC 2069.
    pub count: Option<(Qop, u32)>,
    /// The client's nonce; needed with a count and in sessions.
    pub cnonce: Option<&'a str>,
}

/// The hash of user, realm and password: what a server may store in place of the password.
#[must_use]
pub fn secret(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
}

/// The response value for a [`secret`].
#[must_use]
pub fn response(algorithm: Algorithm, secret: &str, question: &Question<'_>) -> String {
    let nonce = question.nonce.as_bytes();
    let cnonce = question.cnonce.unwrap_or_default().as_bytes();
    let first = if algorithm.is_session() {
        algorithm.hash(&[secret.as_bytes(), nonce, cnonce])
    } else {
        secret.to_owned()
    };
    let (method, uri) = (question.method.as_bytes(), question.uri.as_bytes());
    let second = match question.count {
        Some((Qop::AuthInt, _)) => {
            let body = algorithm.hash(&[question.body]);
            algorithm.hash(&[method, uri, body.as_bytes()])
        }
        _ => algorithm.hash(&[method, uri]),
    };
    match question.count {
        Some((qop, nc)) => {
            let nc = format!("{nc:08x}");
            algorithm.hash(&[
                first.as_bytes(),
                nonce,
                nc.as_bytes(),
                cnonce,
                qop.name().as_bytes(),
                second.as_bytes(),
            ])
        }
        None => algorithm.hash(&[first.as_bytes(), nonce, second.as_bytes()]),
    }
}

/// Compares in a time that does not tell where the first difference is; hexadecimal digits in any case.
fn is_same(expected: &[u8], got: &[u8]) -> bool {
    expected.len() == got.len()
        && expected.iter().zip(got).fold(0, |difference, (a, b)| {
            difference | (a ^ b.to_ascii_lowercase())
        }) == 0
}

/// The response value of push terminals: SHA-1, no qop, no count (WAP-235 section 7.2.6, SIN 101). SIP has no such
/// algorithm, so it is none of [`Algorithm`].
#[must_use]
pub fn response_sha1(
    (username, realm, password): (&str, &str, &str),
    nonce: &str,
    method: &str,
    uri: &str,
) -> String {
    let first = hash::<Sha1>(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()]);
    let second = hash::<Sha1>(&[method.as_bytes(), uri.as_bytes()]);
    hash::<Sha1>(&[first.as_bytes(), nonce.as_bytes(), second.as_bytes()])
}

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
mod tests {
    use super::*;

    fn vector(algorithm: Algorithm, qop: Option<Qop>) -> String {
        let secret = secret(algorithm, "alice", "example.com", "secret");
        response(
            algorithm,
            &secret,
            &Question {
                nonce: "dcd98b7102dd2f0e",
                method: "REGISTER",
                uri: "sip:example.com",
                body: b"",
                count: qop.map(|qop| (qop, 10)),
                cnonce: Some("0a4f113b"),
            },
        )
    }

    #[test]
    fn md5_gives_the_published_values() {
        let md5 = |qop| vector(Algorithm::Md5, qop);
        assert_eq!(md5(None), "8312171190277742012fe512f7c40ad8");
        assert_eq!(md5(Some(Qop::Auth)), "b9c3c354cae4137afafae25f6d00ec73");
        assert_eq!(md5(Some(Qop::AuthInt)), "603c5a28b68d74524b7578ea2e4a67c2");
        assert_eq!(
            vector(Algorithm::Md5Sess, Some(Qop::Auth)),
            "1ef19a07a476ed61b898867db1b1117e"
        );
    }

    #[test]
    fn sha_256_gives_the_published_values() {
        let sha = |qop| vector(Algorithm::Sha256, qop);
        assert_eq!(
            sha(None),
            "f8f98fe7cbb88c07b0af7056b82f3e6de4c25ca588190e98443c13748612d993"
        );
        assert_eq!(
            sha(Some(Qop::Auth)),
            "816c388e07e81ab1f1969ed2817931b9497eaf7502fc658c17b68a1d72136ff0"
        );
        assert_eq!(
            sha(Some(Qop::AuthInt)),
            "c8e1ee53b35d3f10633f40871b4ab5c97d54c13cdedf6523224339b235c4a19e"
        );
        assert_eq!(
            vector(Algorithm::Sha256Sess, Some(Qop::Auth)),
            "7308fe9fff35d9a9751f67f4d357143619b04bb4b1668906002b259aee88906b"
        );
    }

    #[test]
    fn sha_512_256_gives_the_published_values() {
        let sha = |qop| vector(Algorithm::Sha512_256, qop);
        assert_eq!(
            sha(None),
            "4d0861308e0640ca2a3c54d6fa6246a1735d901cf2f2965dee623a954a9b1429"
        );
        assert_eq!(
            sha(Some(Qop::Auth)),
            "e98fcd41d442da23adfbd4c707726979b01ba4a1fb519bc3f676da1d9141bbb2"
        );
        assert_eq!(
            sha(Some(Qop::AuthInt)),
            "9455fd5a79107376a953ddf9e0b7454b4f3869b901155c91b9d3fa97b71a4b2d"
        );
        assert_eq!(
            vector(Algorithm::Sha512_256Sess, Some(Qop::Auth)),
            "e0bbd9917c337629c8b9333643d2d4d36d5f5d7270727d5490cfa20039a4f692"
        );
    }

    #[test]
    fn credentials_are_checked_with_the_tenth_use_of_a_nonce() {
        let text = "Digest username=\"alice\", realm=\"example.com\", nonce=\"dcd98b7102dd2f0e\", \
            uri=\"sip:example.com\", response=\"816C388e07e81ab1f1969ed2817931b9497eaf7502fc658c17b68a1d72136ff0\", \
            algorithm=SHA-256, cnonce=\"0a4f113b\", qop=auth, nc=0000000a, new=\"x\"";
        let credentials = Credentials::decode(text.as_bytes()).unwrap();
        assert_eq!(credentials.nc, Some(10));
        assert!(credentials.is_right("secret", "REGISTER", b""));
        assert!(!credentials.is_right("Secret", "REGISTER", b""));
        assert!(!credentials.is_right("secret", "MESSAGE", b""));
    }

    #[test]
    fn a_challenge_comes_back_as_it_was() {
        let challenge = Challenge {
            realm: "a \"b\" \\c".to_owned(),
            nonce: "n".to_owned(),
            opaque: Some(String::new()),
            algorithm: Some(Algorithm::Sha512_256),
            qop: vec![Qop::Auth, Qop::AuthInt],
            stale: true,
        };
        let text = challenge.to_string();
        assert_eq!(
            text,
            "Digest realm=\"a \\\"b\\\" \\\\c\", nonce=\"n\", opaque=\"\", stale=true, algorithm=SHA-512-256, qop=\"auth,auth-int\""
        );
        assert_eq!(Challenge::decode(text.as_bytes()).unwrap(), challenge);
    }

    #[test]
    fn credentials_come_back_as_they_were() {
        let text = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"00\", algorithm=MD5, \
            cnonce=\"c\", opaque=\"o\", qop=auth, nc=00000001";
        assert_eq!(
            Credentials::decode(text.as_bytes()).unwrap().to_string(),
            text
        );
    }

    #[test]
    fn an_unknown_algorithm_is_no_error_and_never_right() {
        let challenge = Challenge::decode(b"digest realm=x, nonce=y, algorithm=FOO-1").unwrap();
        assert_eq!(challenge.algorithm, None);
        assert_eq!(challenge.qop, []);
    }

    #[test]
    fn faults_name_the_octet() {
        let refused = |text: &str| Challenge::decode(text.as_bytes()).unwrap_err().offset;
        assert_eq!(refused("NoOneKnowsThisScheme opaque-data=here"), 0);
        assert_eq!(refused("Digest"), 0);
        assert_eq!(refused("Digest realm=\"x\" nonce=\"y\""), 17);
        assert_eq!(refused("Digest realm=\"x\", realm=\"y\""), 18);
        assert_eq!(refused("Digest realm"), 12);
        assert_eq!(refused("Digest realm=\"x\""), 16);
        let error = Credentials::decode(b"Digest nc=1, username=x").unwrap_err();
        assert_eq!(error.expected, "eight hexadecimal digits of nc");
    }
}
