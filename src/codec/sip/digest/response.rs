//! The response value, from a password or from what a server stores in its place.
//!
//! **Source:** RFC 7616 section 3.4.1 to 3.4.3; WAP-235 section 7.2.6 and SIN 101 (SHA-1 of push terminals).

use sha1::Sha1;

use super::algorithm::hash;
use super::{Algorithm, Qop};

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
