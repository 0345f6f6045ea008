//! Content opened and closed: with one key known to both sides, and as a push, with the keys of a subscription.
//!
//! **Source:** RFC 8188 section 2 (keys and records), RFC 8291 section 3 (the key of a push). Secrets and salts are
//! arguments: nothing here makes chance.

use core::fmt;

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use p256::SecretKey;
use sha2::Sha256;

use super::record::{Body, SALT_OCTETS, head};
use super::{PUBLIC_KEY_OCTETS, PublicKey, to_text};

/// Octets of the secret that a subscriber shares with its application server.
pub const AUTH_OCTETS: usize = 16;
/// Octets of a push beside its text: header with the sender's key, delimiter, tag (RFC 8291 section 4).
pub const OVERHEAD: usize = 103;
/// The size of a record that a push of ours names; all that a service must take fits into one.
const RECORD_SIZE: u32 = 4_096;
/// Octets of a tag.
const TAG: usize = 16;

/// Ends the last record; any before it end with 01.
const LAST: u8 = 2;
const NOT_LAST: u8 = 1;

/// A private key with its public one.
#[derive(Clone)]
pub struct KeyPair {
    secret: SecretKey,
    public: PublicKey,
}

impl KeyPair {
    /// The keys of a secret number; `None` for zero and for numbers beyond the order of the curve, which chance makes
    /// once in 2^32.
    #[must_use]
    pub fn of(secret: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_slice(secret).ok()?;
        let public = secret.public_key().to_sec1_bytes();
        let public = PublicKey::try_from(public.as_ref()).ok()?;
        Some(Self { secret, public })
    }

    /// The half that others know.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The half that nobody else knows.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        self.secret.to_bytes().into()
    }

    pub(super) const fn inner(&self) -> &SecretKey {
        &self.secret
    }

    /// What this side and the owner of the other key alone can know; `None` when that key is no point of the curve.
    fn shared(&self, other: &PublicKey) -> Option<[u8; 32]> {
        let other = p256::PublicKey::from_sec1_bytes(other).ok()?;
        let shared = self.secret.diffie_hellman(&other);
        Some((*shared.raw_secret_bytes()).into())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", to_text(&self.public))
    }
}

/// Whom a push is encrypted to: what a browser gives its application server.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// `p256dh`.
    pub public: PublicKey,
    /// `auth`.
    pub auth: [u8; AUTH_OCTETS],
}

impl Subscriber {
    /// True when the public key is a point of the curve, so that something can be encrypted to it.
    #[must_use]
    pub fn is_on_curve(&self) -> bool {
        p256::PublicKey::from_sec1_bytes(&self.public).is_ok()
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({})", to_text(&self.public))
    }
}

/// Why content could not be opened or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptFault {
    /// It is no content in records.
    #[error("the content is not in the coding aes128gcm")]
    NotRecords,
    /// A key is none.
    #[error("a key is no point of P-256")]
    NoKey,
    /// It was closed with another key, or changed.
    #[error("the content was encrypted with other keys, or changed")]
    NotForUs,
    /// What was closed breaks the rules of padding.
    #[error("a record ends with no delimiter")]
    BadPadding,
    /// It is longer than its record may be.
    #[error("the content is too long")]
    TooLong,
}

/// Closes a push to a subscriber. Each push wants a sender's key and a salt of its own.
///
/// # Errors
/// The subscriber's key is none, or the text has more than 3993 octets.
pub fn encrypt(
    subscriber: &Subscriber,
    sender: &KeyPair,
    salt: &[u8; SALT_OCTETS],
    text: &[u8],
) -> Result<Vec<u8>, CryptFault> {
    let shared = sender.shared(&subscriber.public);
    let shared = shared.ok_or(CryptFault::NoKey)?;
    let key = push_key(&shared, subscriber, sender.public());
    let size = usize::try_from(RECORD_SIZE).unwrap_or(usize::MAX);
    if text.len().saturating_add(OVERHEAD) > size {
        return Err(CryptFault::TooLong);
    }
    seal(&key, salt, RECORD_SIZE, sender.public(), text)
}

/// Opens a push as its subscriber.
///
/// # Errors
/// It is not for these keys, or broken.
pub fn decrypt(
    own: &KeyPair,
    auth: &[u8; AUTH_OCTETS],
    content: &[u8],
) -> Result<Vec<u8>, CryptFault> {
    let body = Body::decode(content).map_err(|_| CryptFault::NotRecords)?;
    let sender = PublicKey::try_from(body.key_id).map_err(|_| CryptFault::NoKey)?;
    let shared = own.shared(&sender).ok_or(CryptFault::NoKey)?;
    let subscriber = Subscriber {
        public: *own.public(),
        auth: *auth,
    };
    open(&push_key(&shared, &subscriber, &sender), &body)
}

/// The key that opens the records of a push (RFC 8291 section 3.4).
fn push_key(shared: &[u8; 32], subscriber: &Subscriber, sender: &PublicKey) -> [u8; 32] {
    let mut info = Vec::with_capacity(14 + 2 * PUBLIC_KEY_OCTETS);
    info.extend_from_slice(b"WebPush: info\0");
    info.extend_from_slice(&subscriber.public);
    info.extend_from_slice(sender);
    derived(&subscriber.auth, shared, &info)
}

/// Closes content under a key that both sides know; `key_id` tells which.
///
/// # Errors
/// The name of the key is longer than 255 octets, or a record has no room for content.
pub fn seal(
    key: &[u8],
    salt: &[u8; SALT_OCTETS],
    record_size: u32,
    key_id: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, CryptFault> {
    let room = usize::try_from(record_size).unwrap_or(usize::MAX);
    let room = room.saturating_sub(TAG).saturating_sub(1);
    if room == 0 {
        return Err(CryptFault::TooLong);
    }
    let keys = Keys::of(key, salt);
    let mut out = head(salt, record_size, key_id).ok_or(CryptFault::TooLong)?;
    // Empty content is one record all the same.
    let parts: Vec<&[u8]> = if text.is_empty() {
        vec![text]
    } else {
        text.chunks(room).collect()
    };
    for (number, part) in parts.iter().enumerate() {
        let is_last = number.saturating_add(1) == parts.len();
        let mut record = part.to_vec();
        record.push(if is_last { LAST } else { NOT_LAST });
        let closed = keys.cipher.encrypt(&keys.nonce(number).into(), &*record);
        out.extend_from_slice(&closed.map_err(|_| CryptFault::TooLong)?);
    }
    Ok(out)
}

/// Opens content under a key that both sides know.
///
/// # Errors
/// It was closed with another key, changed, or cut short.
pub fn open(key: &[u8], body: &Body<'_>) -> Result<Vec<u8>, CryptFault> {
    let keys = Keys::of(key, &body.salt);
    let mut out = Vec::new();
    let mut records = body.records().enumerate().peekable();
    while let Some((number, record)) = records.next() {
        let opened = keys.cipher.decrypt(&keys.nonce(number).into(), record);
        let opened = opened.map_err(|_| CryptFault::NotForUs)?;
        let delimiter = if records.peek().is_none() {
            LAST
        } else {
            NOT_LAST
        };
        // Zeros after the delimiter are padding. A missing last record shows in the delimiter.
        let end = opened.iter().rposition(|octet| *octet != 0);
        let (text, end) = end
            .and_then(|end| opened.split_at_checked(end))
            .ok_or(CryptFault::BadPadding)?;
        if end.first() != Some(&delimiter) {
            return Err(CryptFault::BadPadding);
        }
        out.extend_from_slice(text);
    }
    Ok(out)
}

/// The keys of one content.
struct Keys {
    cipher: Aes128Gcm,
    nonce: [u8; 12],
}

impl Keys {
    fn of(key: &[u8], salt: &[u8; SALT_OCTETS]) -> Self {
        let content: [u8; 16] = derived(salt, key, b"Content-Encoding: aes128gcm\0");
        Self {
            cipher: Aes128Gcm::new(&content.into()),
            nonce: derived(salt, key, b"Content-Encoding: nonce\0"),
        }
    }

    /// The nonce of a record: its number over the end of the common one.
    fn nonce(&self, number: usize) -> [u8; 12] {
        let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
        let mut nonce = self.nonce;
        for (octet, number) in nonce.iter_mut().skip(4).zip(number) {
            *octet ^= number;
        }
        nonce
    }
}

/// HKDF with SHA-256, at most 32 octets of it.
fn derived<const N: usize>(salt: &[u8], key: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    // Only more than 255 times 32 octets are refused.
    let _ = Hkdf::<Sha256>::new(Some(salt), key).expand(info, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::web_push::{of_text, public_key};

    fn fixed<const N: usize>(text: &str) -> [u8; N] {
        of_text(text).unwrap().try_into().unwrap()
    }

    fn receiver() -> KeyPair {
        KeyPair::of(&fixed("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap()
    }

    const EXAMPLE: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    #[test]
    fn the_push_of_rfc_8291_appendix_a_is_closed_to_the_same_octets_and_opened() {
        let subscriber = Subscriber {
            public: public_key(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            )
            .unwrap(),
            auth: fixed("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        assert_eq!(*receiver().public(), subscriber.public);
        let sender = KeyPair::of(&fixed("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let text = b"When I grow up, I want to be a watermelon";
        let closed = encrypt(&subscriber, &sender, &fixed("DGv6ra1nlYgDCS1FRnbzlw"), text);
        let closed = closed.unwrap();
        assert_eq!(to_text(&closed), EXAMPLE);
        assert_eq!(closed.len(), text.len() + OVERHEAD);
        let opened = decrypt(&receiver(), &subscriber.auth, &closed);
        assert_eq!(opened.as_deref(), Ok(&text[..]));
        let other = decrypt(&sender, &subscriber.auth, &closed);
        assert_eq!(other, Err(CryptFault::NotForUs));
    }

    #[test]
    fn the_examples_of_rfc_8188_are_opened_and_closed_to_the_same_octets() {
        let one = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg";
        let two = "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA";
        let text = b"I am the walrus";
        let key = of_text("yqdlZ-tYemfogSmv7Ws5PQ").unwrap();
        let octets = of_text(one).unwrap();
        let body = Body::decode(&octets).unwrap();
        assert_eq!(open(&key, &body).as_deref(), Ok(&text[..]));
        assert_eq!(
            to_text(&seal(&key, &body.salt, 4096, b"", text).unwrap()),
            one
        );
        let key = of_text("BO3ZVPxUlnLORbVGMpbT1Q").unwrap();
        let octets = of_text(two).unwrap();
        let body = Body::decode(&octets).unwrap();
        // Its first record has an octet of padding, which we would not write.
        assert_eq!(open(&key, &body).as_deref(), Ok(&text[..]));
    }

    #[test]
    fn content_whose_last_record_was_cut_off_is_not_opened() {
        let closed = seal(b"key", &[1; 16], 20, b"", b"seven octets").unwrap();
        let body = Body::decode(&closed).unwrap();
        assert_eq!(body.records().count(), 4);
        assert_eq!(open(b"key", &body).as_deref(), Ok(&b"seven octets"[..]));
        let cut = Body::decode(&closed[..closed.len() - 20]).unwrap();
        assert_eq!(open(b"key", &cut), Err(CryptFault::BadPadding));
    }

    #[test]
    fn a_push_of_3993_octets_fills_what_a_service_must_take_and_no_longer_one_is_closed() {
        let own = receiver();
        let subscriber = Subscriber {
            public: *own.public(),
            auth: [9; 16],
        };
        let sender = KeyPair::of(&[3; 32]).unwrap();
        let most = encrypt(&subscriber, &sender, &[1; 16], &[0; 3993]).unwrap();
        assert_eq!(most.len(), 4096);
        assert_eq!(decrypt(&own, &[9; 16], &most).unwrap().len(), 3993);
        let more = encrypt(&subscriber, &sender, &[1; 16], &[0; 3994]);
        assert_eq!(more, Err(CryptFault::TooLong));
    }

    #[test]
    fn a_key_that_is_no_point_of_the_curve_closes_nothing() {
        let mut public = *receiver().public();
        public[64] ^= 1;
        let subscriber = Subscriber {
            public,
            auth: [0; 16],
        };
        let sender = KeyPair::of(&[3; 32]).unwrap();
        let closed = encrypt(&subscriber, &sender, &[0; 16], b"x");
        assert_eq!(closed, Err(CryptFault::NoKey));
        assert!(KeyPair::of(&[0; 32]).is_none());
    }

    proptest! {
        #[test]
        fn what_is_closed_is_opened_whatever_the_record_size(
            key: [u8; 16], salt: [u8; 16], text: Vec<u8>, size in 18_u32..400,
        ) {
            let closed = seal(&key, &salt, size, b"id", &text).unwrap();
            let body = Body::decode(&closed).unwrap();
            prop_assert_eq!(open(&key, &body), Ok(text));
        }
    }
}
