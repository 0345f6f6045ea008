//! Headers and paths of a message, each kept in one piece of memory.
//!
//! **Source:** RFC 4975 sections 7.1 (header fields), 7.2 (To-Path, From-Path).

use core::fmt::{self, Display, Write as _};
use std::sync::Arc;

/// Headers in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Names and values one behind another.
    text: String,
    /// Where each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// No headers, with room for usual ones.
    pub(super) fn with_room() -> Self {
        Self {
            text: String::with_capacity(256),
            ends: Vec::with_capacity(10),
        }
    }

    /// Adds a header behind the others.
    pub fn push(&mut self, name: &str, value: impl Display) {
        self.text.push_str(name);
        let name_end = self.text.len();
        // Writing to memory cannot fail.
        let _ = write!(self.text, "{value}");
        self.ends.push((name_end, self.text.len()));
    }

    /// Name and value of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, end)| {
            let name = self.text.get(start..name_end).unwrap_or_default();
            let value = self.text.get(name_end..end).unwrap_or_default();
            start = end;
            (name, value)
        })
    }

    /// The value of the first header of that name, in any case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<N: AsRef<str>, V: Display> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, headers: I) {
        for (name, value) in headers {
            self.push(name.as_ref(), value);
        }
    }
}

impl<N: AsRef<str>, V: Display> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut all = Self::default();
        all.extend(headers);
        all
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The URIs to a party, next hop first. Copies share one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Arc<str>);

impl Path {
    /// The URIs with a blank between them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URIs.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split(' ').filter(|uri| !uri.is_empty())
    }

    /// The next hop.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// The party itself.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.iter().next_back()
    }

    /// A path to the next hop alone.
    #[must_use]
    pub fn hop(&self) -> Self {
        match self.first() {
            Some(first) if first.len() < self.0.len() => first.into(),
            _ => self.clone(),
        }
    }
}

impl From<&str> for Path {
    fn from(uris: &str) -> Self {
        Self(uris.into())
    }
}

impl From<String> for Path {
    fn from(uris: String) -> Self {
        Self(uris.into())
    }
}

impl From<Vec<String>> for Path {
    fn from(uris: Vec<String>) -> Self {
        Self(uris.join(" ").into())
    }
}
