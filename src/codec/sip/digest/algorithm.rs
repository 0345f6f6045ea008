//! What hashes and what is protected: algorithms and qualities of protection by their names.
//!
//! **Source:** RFC 7616 sections 3.3 to 3.5, RFC 8760 (SHA-256 and SHA-512/256).

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Sha256, Sha512_256};

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
    pub(super) fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hash::<Md5>(parts),
            Self::Sha256 | Self::Sha256Sess => hash::<Sha256>(parts),
            Self::Sha512_256 | Self::Sha512_256Sess => hash::<Sha512_256>(parts),
        }
    }
}

/// The hash of parts joined by colons, in lower-case hexadecimal.
pub(super) fn hash<H: md5::Digest>(parts: &[&[u8]]) -> String {
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
