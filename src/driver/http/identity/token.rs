//! JSON Web Tokens: whether one is of our issuer, for us, of now, and whose it is.
//!
//! **Source:** RFC 7519 section 4.1 (claims), RFC 7515 sections 3.1, 4.1.11 and 5.2 (compact form, `crit`), RFC 7518
//! sections 3.2 to 3.4 (HS256, RS256, ES256), RFC 8725 sections 3.1, 3.8 and 3.9 (present advice: the verifier fixes the
//! algorithm, and checks issuer and audience). Each key has one algorithm, so that nothing a token says of itself chooses
//! how it is verified; signatures are ring's business. Not here: keys behind URLs, encrypted tokens, tokens of our own.

use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use ring::{hmac, signature};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value};

use crate::driver::x509;
use crate::time::Time;

/// The least octets of a secret: as many as the digest has (RFC 7518 section 3.2).
const SECRET_OCTETS: usize = 32;
/// `id-ecPublicKey` and `rsaEncryption`, as object identifiers.
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// Octets of a point of P-256, not compressed.
const POINT_OCTETS: usize = 65;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: the issuer and we have one secret.
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA (PKCS #1 1.5) with SHA-256.
    Rs256,
}

impl Algorithm {
    /// Its name in tokens and configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// What tokens are verified with.
#[derive(Clone)]
pub struct Key(Material);

#[derive(Clone)]
enum Material {
    Secret(hmac::Key),
    Public(Algorithm, UnparsedPublicKey<Vec<u8>>),
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Key").field(&self.algorithm()).finish()
    }
}

/// Why octets are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// A secret that could be guessed.
    #[error("a secret has at least 32 octets")]
    Short,
    /// No public key in PEM.
    #[error("it is no public key in PEM: -----BEGIN PUBLIC KEY-----")]
    Pem,
    /// A key of another algorithm.
    #[error("the key is not one of that algorithm")]
    Kind,
}

impl Key {
    /// Reads a key: for HS256 the secret itself, without the line's end behind it; else a public key in PEM.
    ///
    /// # Errors
    /// When it is none, or too weak.
    pub fn read(algorithm: Algorithm, octets: &[u8]) -> Result<Self, BadKey> {
        let wanted = match algorithm {
            Algorithm::Hs256 => {
                let secret = octets.trim_ascii_end();
                let is_long = secret.len() >= SECRET_OCTETS;
                let key = is_long.then(|| hmac::Key::new(hmac::HMAC_SHA256, secret));
                return key.map(Material::Secret).map(Self).ok_or(BadKey::Short);
            }
            Algorithm::Es256 => EC,
            Algorithm::Rs256 => RSA,
        };
        let pem = SubjectPublicKeyInfoDer::from_pem_slice(octets).map_err(|_| BadKey::Pem)?;
        let (kind, key) = x509::public_key(&pem).ok_or(BadKey::Pem)?;
        let is_point = algorithm != Algorithm::Es256 || key.len() == POINT_OCTETS;
        if kind != wanted || !is_point {
            return Err(BadKey::Kind);
        }
        let way: &'static dyn signature::VerificationAlgorithm = match algorithm {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::Rs256 | Algorithm::Hs256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        let key = UnparsedPublicKey::new(way, key.to_vec());
        Ok(Self(Material::Public(algorithm, key)))
    }

    const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Material::Secret(_) => Algorithm::Hs256,
            Material::Public(algorithm, _) => *algorithm,
        }
    }

    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Material::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
            Material::Public(_, key) => key.verify(signed, signature).is_ok(),
        }
    }
}

/// Why a token proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is no JWT, or a claim is of the wrong type.
    #[error("it is no JWT in compact form")]
    Form,
    /// It is signed in another way than our keys.
    #[error("it is not signed in the way that is wanted")]
    Algorithm,
    /// It wants something understood that is not.
    #[error("it must not be used by who does not understand its `crit`")]
    Critical,
    /// None of our keys has signed it.
    #[error("its signature is not its issuer's")]
    Signature,
    /// It is somebody else's.
    #[error("its issuer is another")]
    Issuer,
    /// It is for somebody else.
    #[error("it is meant for somebody else")]
    Audience,
    /// It is over.
    #[error("it is over, or never ends")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// It names nobody.
    #[error("it names no user")]
    Subject,
}

/// Tokens of one issuer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Who makes them: `iss`.
    pub issuer: String,
    /// For whom they must be: `aud`.
    pub audience: String,
    /// The claim that names the account.
    pub claim: String,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// What has signed them; several, while an issuer changes its key.
    pub keys: Vec<Key>,
}

impl Tokens {
    /// The account that a token proves.
    ///
    /// # Errors
    /// When it proves none.
    pub fn verify(&self, now: Time, token: &str) -> Result<String, BadToken> {
        let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Form)?;
        let (head, claims) = signed.split_once('.').ok_or(BadToken::Form)?;
        let head = object(head)?;
        let algorithm = text(&head, "alg")?.ok_or(BadToken::Algorithm)?;
        if head.contains_key("crit") {
            return Err(BadToken::Critical);
        }
        let signature = decode(signature)?;
        let mut keys = self.keys.iter();
        let mut keys = keys
            .by_ref()
            .filter(|key| key.algorithm().name() == algorithm);
        let Some(first) = keys.next() else {
            return Err(BadToken::Algorithm);
        };
        let mut all = core::iter::once(first).chain(keys);
        if !all.any(|key| key.has_signed(signed.as_bytes(), &signature)) {
            return Err(BadToken::Signature);
        }
        self.judge(now, &object(claims)?)
    }

    /// The account of claims that were signed.
    fn judge(&self, now: Time, claims: &Map<String, Value>) -> Result<String, BadToken> {
        if text(claims, "iss")? != Some(&self.issuer) {
            return Err(BadToken::Issuer);
        }
        let is_ours = match claims.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(all)) => all.iter().any(|one| *one == *self.audience),
            _ => false,
        };
        if !is_ours {
            return Err(BadToken::Audience);
        }
        let (now, leeway) = (seconds(now), self.leeway.as_secs_f64());
        if date(claims, "exp")?.is_none_or(|end| end + leeway <= now) {
            return Err(BadToken::Expired);
        }
        if date(claims, "nbf")?.is_some_and(|start| start - leeway > now) {
            return Err(BadToken::Early);
        }
        let account = text(claims, &self.claim)?.filter(|account| !account.is_empty());
        account.map(str::to_owned).ok_or(BadToken::Subject)
    }
}

/// True for what claims to be a JWT: three parts, and the first is an object that names an algorithm.
pub(super) fn is_token(text: &str) -> bool {
    let mut parts = text.split('.');
    let head = parts.next().and_then(|head| object(head).ok());
    head.is_some_and(|head| head.contains_key("alg")) && parts.count() == 2
}

fn decode(part: &str) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Form)
}

fn object(part: &str) -> Result<Map<String, Value>, BadToken> {
    serde_json::from_slice(&decode(part)?).map_err(|_| BadToken::Form)
}

/// A member that is a text where it is there.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, BadToken> {
    let member = members.get(name);
    let text = member.map(|member| member.as_str().ok_or(BadToken::Form));
    text.transpose()
}

/// A member that is a number of seconds where it is there.
fn date(members: &Map<String, Value>, name: &str) -> Result<Option<f64>, BadToken> {
    let member = members.get(name);
    let number = member.map(|member| member.as_f64().ok_or(BadToken::Form));
    number.transpose()
}

fn seconds(time: Time) -> f64 {
    time.since(Time::EPOCH).as_secs_f64()
}

#[cfg(test)]
mod tests;
