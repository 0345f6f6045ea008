//! Web Push: how a message is encrypted to a browser, who may send it, how long it is kept, and what a browser and its
//! push service say to each other.
//!
//! **Source:** RFC 8030 (headers of a push), RFC 8188 (records), RFC 8291 (keys of a push), RFC 8292 (who sends), and the
//! JSON messages that browsers of Mozilla and others exchange with their push service. Not here: what a service does
//! (`gateway::service::push_service`), and the older `aesgcm` coding.

pub mod autopush;
pub mod demand;
pub mod encryption;
pub mod record;
pub mod vapid;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

/// Octets of a public key: an uncompressed point of P-256.
pub const PUBLIC_KEY_OCTETS: usize = 65;
/// The coding of a push's content (RFC 8291 section 4).
pub const CODING: &str = "aes128gcm";

/// A public key as it travels: 04 and both coordinates. It is a point of the curve only where it is used as one.
pub type PublicKey = [u8; PUBLIC_KEY_OCTETS];

/// Octets in the URL-safe alphabet, without padding.
#[must_use]
pub fn to_text(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The octets of a text in the URL-safe alphabet; browsers write keys with padding and without.
#[must_use]
pub fn of_text(text: &str) -> Option<Vec<u8>> {
    if text.ends_with('=') {
        return URL_SAFE.decode(text).ok();
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The public key that a text says; `None` when it is none.
#[must_use]
pub fn public_key(text: &str) -> Option<PublicKey> {
    let key: PublicKey = of_text(text)?.try_into().ok()?;
    (key.first() == Some(&4)).then_some(key)
}
