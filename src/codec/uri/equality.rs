//! When two URIs are the same, and the one spelling of an address of record.
//!
//! **Source:** RFC 3261 section 19.1.4, RFC 3966 section 4, RFC 8141 section 3, RFC 8599 section 4 (`pn-` parameters).

use std::borrow::Cow;

use super::{Scheme, Uri};
use crate::codec::lexeme::{UNRESERVED, USER, hex, is};

/// Parameters that make two URIs differ when only one has them.
const MUST_BE_IN_BOTH: &[&str] = &[
    "user",
    "ttl",
    "method",
    "maddr",
    "transport",
    "pn-provider",
    "pn-param",
    "pn-prid",
];

impl Uri<'_> {
    /// RFC 3261 section 19.1.4 for SIP and SIPS: a public GRUU equals its address of record. A tel number is compared
    /// without its separators, a URN by the rules of its namespace, any other URI octet by octet.
    #[must_use]
    pub fn is_equal(&self, other: &Uri<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                is_same_user(self.user(), other.user())
                    && is_same_user(self.password(), other.password())
                    && self.host().eq_ignore_ascii_case(other.host())
                    && self.port == other.port
                    && self.agrees_with(other)
                    && other.agrees_with(self)
                    && is_same_headers(self.headers(), other.headers())
            }
            Scheme::Tel => {
                number_of(self).eq(number_of(other))
                    && self.agrees_with(other)
                    && other.agrees_with(self)
            }
            Scheme::Urn => is_same_urn(self.as_str(), other.as_str()),
            Scheme::Other => {
                let (mine, theirs) = (
                    self.as_str().split_once(':'),
                    other.as_str().split_once(':'),
                );
                mine.zip(theirs).is_some_and(|(mine, theirs)| {
                    mine.0.eq_ignore_ascii_case(theirs.0) && mine.1 == theirs.1
                })
            }
        }
    }

    /// The address of record in one canonical spelling: scheme, user and host, no port and no parameters; the host in
    /// lower case, escapes undone where the character needs none, others with upper-case digits.
    #[must_use]
    pub fn aor(&self) -> String {
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                let mut aor = String::with_capacity(self.text.octets().len());
                aor.push_str(if self.scheme == Scheme::Sip {
                    "sip:"
                } else {
                    "sips:"
                });
                if let Some(user) = self.user() {
                    push_canonical(&mut aor, user);
                    aor.push('@');
                }
                let at_host = aor.len();
                aor.push_str(self.host());
                let host = aor.get_mut(at_host..).unwrap_or_default();
                host.make_ascii_lowercase();
                aor
            }
            Scheme::Tel => {
                let mut aor = String::from("tel:");
                aor.extend(number_of(self));
                aor
            }
            Scheme::Urn | Scheme::Other => self.as_str().to_owned(),
        }
    }

    /// True when every parameter agrees with the other's of that name, and none that must be in both is only here.
    fn agrees_with(&self, other: &Uri<'_>) -> bool {
        // A name that stands twice, which the grammar forbids, counts by its first value on both sides.
        self.params()
            .map(|(name, _)| (name, self.param(name).flatten()))
            .all(|(name, mine)| match (mine, other.param(name)) {
                (Some(mine), Some(Some(theirs))) => is_same(mine, theirs, true),
                (None, Some(None)) => true,
                (_, Some(_)) => false,
                (_, None) => !MUST_BE_IN_BOTH
                    .iter()
                    .any(|must| must.eq_ignore_ascii_case(name)),
            })
    }
}

/// The octets that a text with escapes stands for; `%00` is an octet like others.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    if text.contains('%') {
        Cow::Owned(units(text).map(|(octet, _)| octet).collect())
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

/// The characters of a text with escapes undone; true beside those that were escaped and are reserved, for these differ
/// from the same character unescaped.
fn units(text: &str) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || match rest {
        [b'%', high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
            rest = after;
            let octet = (hex(*high)? << 4) | hex(*low)?;
            Some((octet, RESERVED.contains(&octet)))
        }
        [octet, after @ ..] => {
            rest = after;
            Some((*octet, false))
        }
        [] => None,
    })
}

const RESERVED: &[u8] = b";/?:@&=+$,";

fn is_same(mine: &str, theirs: &str, is_any_case: bool) -> bool {
    if mine == theirs {
        return true;
    }
    let fold = |(octet, was_escaped): (u8, bool)| {
        let octet = if is_any_case {
            octet.to_ascii_lowercase()
        } else {
            octet
        };
        (octet, was_escaped)
    };
    units(mine).map(fold).eq(units(theirs).map(fold))
}

fn is_same_user(mine: Option<&str>, theirs: Option<&str>) -> bool {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => is_same(mine, theirs, false),
        (None, None) => true,
        _ => false,
    }
}

/// The same headers in any order.
fn is_same_headers(mine: Option<&str>, theirs: Option<&str>) -> bool {
    let (Some(mine), Some(theirs)) = (mine, theirs) else {
        return mine.is_none() && theirs.is_none();
    };
    let is_in = |one: &str, all: &str| all.split('&').any(|other| is_same(one, other, true));
    mine.split('&').count() == theirs.split('&').count()
        && mine.split('&').all(|one| is_in(one, theirs))
        && theirs.split('&').all(|one| is_in(one, mine))
}

/// Scheme and namespace in any case; the rest in any case too where the namespace says so.
fn is_same_urn(mine: &str, theirs: &str) -> bool {
    let namespace = mine.split(':').nth(1).unwrap_or_default();
    let is_any_case = ["uuid", "gsma", "3gpp2", "dev"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(namespace));
    if is_any_case {
        return mine.eq_ignore_ascii_case(theirs);
    }
    let head = "urn:".len().saturating_add(namespace.len());
    match (mine.split_at_checked(head), theirs.split_at_checked(head)) {
        (Some(mine), Some(theirs)) => mine.0.eq_ignore_ascii_case(theirs.0) && mine.1 == theirs.1,
        _ => false,
    }
}

/// A tel number without visual separators.
fn number_of<'a>(uri: &Uri<'a>) -> impl Iterator<Item = char> + use<'a> {
    uri.user()
        .unwrap_or_default()
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .map(|c| c.to_ascii_lowercase())
}

fn push_canonical(to: &mut String, text: &str) {
    if text.bytes().all(|octet| is(octet, UNRESERVED)) {
        return to.push_str(text);
    }
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| {
        DIGITS
            .get(usize::from(nibble))
            .map_or('0', |&digit| char::from(digit))
    };
    for (octet, is_reserved) in units(text) {
        if is(octet, UNRESERVED) || (is(octet, USER) && !is_reserved) {
            to.push(char::from(octet));
        } else {
            to.push('%');
            to.push(digit(octet >> 4));
            to.push(digit(octet & 0xf));
        }
    }
}
