//! Keys that sign tokens and check them, and the PEM texts that hold them.
//!
//! **Source:** RFC 5958 (PKCS#8), RFC 5280 section 4.1.2.7 (public keys), RFC 7468 (PEM): what the makers of push services
//! hand out, and what `openssl pkey` writes. Signatures need no chance: ECDSA takes its number from the message (RFC 6979),
//! PKCS#1 v1.5 takes none. The RSA crate is one of the family that the curve's comes from, written in Rust alone.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _};
use p256::pkcs8::{EncodePublicKey as _, PrivateKeyInfoRef};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::pkcs1v15;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;

use super::Algorithm;
use crate::limits;

/// A private key.
#[derive(Clone)]
pub struct Key(Secret);

#[derive(Clone)]
enum Secret {
    Es256(p256::SecretKey),
    Rs256(Box<RsaPrivateKey>),
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, PartialEq, Eq)]
enum Public {
    Es256(p256::PublicKey),
    Rs256(Box<RsaPublicKey>),
}

/// Why a text is no key, or a key does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No PEM block of a key.
    #[error("no PEM text with a key: BEGIN PRIVATE KEY or BEGIN PUBLIC KEY is expected")]
    NotPem,
    /// The block holds something else.
    #[error("the PEM text holds no key of P-256 and no RSA key")]
    NotKey,
    /// RS256 wants 2048 bits or more.
    #[error("the RSA key has fewer than 2048 bits or more than 8192")]
    BadLength,
    /// The key does not sign.
    #[error("the key does not sign")]
    CannotSign,
}

impl Key {
    /// The key of a PEM text: the file of Apple, or the `private_key` of a service account.
    ///
    /// # Errors
    /// No such text.
    pub fn of_pem(text: &str) -> Result<Self, KeyFault> {
        let der = block(text, "PRIVATE KEY").ok_or(KeyFault::NotPem)?;
        let info = PrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| KeyFault::NotKey)?;
        if let Ok(key) = p256::SecretKey::try_from(info) {
            return Ok(Self(Secret::Es256(key)));
        }
        let key = RsaPrivateKey::from_pkcs8_der(&der).map_err(|_| KeyFault::NotKey)?;
        Self::of_rsa(key)
    }

    /// The key of P-256 of a secret number; `None` for zero and for numbers beyond the order of the curve.
    #[must_use]
    pub fn of_number(secret: &[u8; 32]) -> Option<Self> {
        let key = p256::SecretKey::from_slice(secret).ok()?;
        Some(Self(Secret::Es256(key)))
    }

    /// An RSA key of 2048 bits of that seed, which must be chance: who knows it knows the key.
    ///
    /// # Errors
    /// None can be made.
    pub fn rsa_of_chance(seed: [u8; 32]) -> Result<Self, KeyFault> {
        let mut random = ChaCha20Rng::from_seed(seed);
        let key = RsaPrivateKey::new(&mut random, 2_048).map_err(|_| KeyFault::NotKey)?;
        Self::of_rsa(key)
    }

    fn of_rsa(key: RsaPrivateKey) -> Result<Self, KeyFault> {
        if !has_fit_length(key.size()) {
            return Err(KeyFault::BadLength);
        }
        Ok(Self(Secret::Rs256(Box::new(key))))
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Secret::Es256(_) => Algorithm::Es256,
            Secret::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// The half that others know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Secret::Es256(key) => Public::Es256(key.public_key()),
            Secret::Rs256(key) => Public::Rs256(Box::new(key.to_public_key())),
        })
    }

    /// The PEM text that holds it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn pem(&self) -> Result<String, KeyFault> {
        let der = match &self.0 {
            Secret::Es256(key) => key.to_pkcs8_der(),
            Secret::Rs256(key) => key.to_pkcs8_der(),
        };
        let der = der.map_err(|_| KeyFault::NotKey)?;
        Ok(written(der.as_bytes(), "PRIVATE KEY"))
    }

    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, KeyFault> {
        match &self.0 {
            Secret::Es256(key) => {
                let key = p256::ecdsa::SigningKey::from(key);
                let signature: p256::ecdsa::Signature = key.sign(octets);
                Ok(signature.to_bytes().to_vec())
            }
            Secret::Rs256(key) => {
                let key = pkcs1v15::SigningKey::<Sha256>::new((**key).clone());
                let signature = key.try_sign(octets).map_err(|_| KeyFault::CannotSign)?;
                Ok(signature.to_vec())
            }
        }
    }
}

impl PublicKey {
    /// The key of a PEM text; of a private one, its public half.
    ///
    /// # Errors
    /// No such text.
    pub fn of_pem(text: &str) -> Result<Self, KeyFault> {
        let Some(der) = block(text, "PUBLIC KEY") else {
            return Ok(Key::of_pem(text)?.public());
        };
        if let Ok(key) = p256::PublicKey::from_public_key_der(&der) {
            return Ok(Self(Public::Es256(key)));
        }
        let key = RsaPublicKey::from_public_key_der(&der).map_err(|_| KeyFault::NotKey)?;
        if !has_fit_length(key.size()) {
            return Err(KeyFault::BadLength);
        }
        Ok(Self(Public::Rs256(Box::new(key))))
    }

    /// The point of P-256 in the form of SEC 1.
    #[must_use]
    pub fn of_point(octets: &[u8]) -> Option<Self> {
        let key = p256::PublicKey::from_sec1_bytes(octets).ok()?;
        Some(Self(Public::Es256(key)))
    }

    /// The PEM text that holds it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn pem(&self) -> Result<String, KeyFault> {
        let der = match &self.0 {
            Public::Es256(key) => key.to_public_key_der(),
            Public::Rs256(key) => key.to_public_key_der(),
        };
        let der = der.map_err(|_| KeyFault::NotKey)?;
        Ok(written(der.as_bytes(), "PUBLIC KEY"))
    }

    /// What it checks.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Public::Es256(_) => Algorithm::Es256,
            Public::Rs256(_) => Algorithm::Rs256,
        }
    }

    pub(super) fn verifies(&self, octets: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Public::Es256(key) => p256::ecdsa::Signature::from_slice(signature).is_ok_and(|it| {
                let key = p256::ecdsa::VerifyingKey::from(key);
                key.verify(octets, &it).is_ok()
            }),
            Public::Rs256(key) => pkcs1v15::Signature::try_from(signature).is_ok_and(|it| {
                let key = pkcs1v15::VerifyingKey::<Sha256>::new((**key).clone());
                key.verify(octets, &it).is_ok()
            }),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm().word())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.algorithm().word())
    }
}

const fn has_fit_length(octets: usize) -> bool {
    octets >= *super::RS256_OCTETS.start() && octets <= *super::RS256_OCTETS.end()
}

/// The octets of the first block of that label.
fn block(text: &str, label: &str) -> Option<Vec<u8>> {
    if text.len() > limits::KEY_TEXT_OCTETS {
        return None;
    }
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

fn written(der: &[u8], label: &str) -> String {
    let body = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (number, character) in body.chars().enumerate() {
        if number > 0 && number.is_multiple_of(64) {
            out.push('\n');
        }
        out.push(character);
    }
    out.push_str(&format!("\n-----END {label}-----\n"));
    out
}

#[cfg(test)]
pub(in crate::codec) mod tests {
    use super::*;

    /// Keys made for these tests, which sign nothing else.
    const ES256: &str = include_str!("../../../testdata/jwt/es256.pem");
    const RS256: &str = include_str!("../../../testdata/jwt/rs256.pem");

    pub(in crate::codec) fn es256() -> Key {
        Key::of_pem(ES256).unwrap()
    }

    pub(in crate::codec) fn rs256() -> Key {
        Key::of_pem(RS256).unwrap()
    }

    #[test]
    fn keys_are_read_from_what_openssl_writes_and_written_alike() {
        assert_eq!(es256().algorithm(), Algorithm::Es256);
        assert_eq!(rs256().algorithm(), Algorithm::Rs256);
        for text in [ES256, RS256] {
            let key = Key::of_pem(text).unwrap();
            assert_eq!(
                Key::of_pem(&key.pem().unwrap()).unwrap().public(),
                key.public()
            );
            let public = key.public();
            assert_eq!(
                PublicKey::of_pem(&public.pem().unwrap()),
                Ok(public.clone())
            );
            assert_eq!(PublicKey::of_pem(text), Ok(public), "of the private one");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_no_key_is_shown() {
        let fault = |text: &str| Key::of_pem(text).err();
        assert_eq!(fault("no key"), Some(KeyFault::NotPem));
        let other = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert_eq!(fault(other), Some(KeyFault::NotKey));
        let short = include_str!("../../../testdata/jwt/rsa1024.pem");
        assert_eq!(fault(short), Some(KeyFault::BadLength));
        assert_eq!(format!("{:?}", es256()), "Key(ES256)");
    }
}
