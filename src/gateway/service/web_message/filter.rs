//! Which of an application's messages its user wants: `kind!=ad`, or `kind=post, kind=task`.

use core::fmt;
use core::str::FromStr;

use super::super::super::message::Message;

/// Terms that one filter may have, and octets of each kind in them.
const TERMS: usize = 16;
const KIND_OCTETS: usize = 64;

/// Kinds of content that are wanted, or that are not (R0.43).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    only: Vec<String>,
    never: Vec<String>,
}

/// Why a text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a filter is a list of kind=name or kind!=name, with commas between them")]
pub struct NotAFilter;

impl Filter {
    /// True when its user wants the message.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        let kind = message.draft.kind.as_deref();
        let among = |kinds: &[String]| kinds.iter().any(|of| Some(of.as_str()) == kind);
        !among(&self.never) && (self.only.is_empty() || among(&self.only))
    }

    /// True when everything is wanted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.only.is_empty() && self.never.is_empty()
    }
}

impl FromStr for Filter {
    type Err = NotAFilter;

    fn from_str(text: &str) -> Result<Self, NotAFilter> {
        let mut filter = Self::default();
        let terms = text.split(',').map(str::trim);
        for (at, term) in terms.filter(|term| !term.is_empty()).enumerate() {
            let rest = term.strip_prefix("kind").ok_or(NotAFilter)?.trim_start();
            let (kinds, kind) = match (rest.strip_prefix("!="), rest.strip_prefix('=')) {
                (Some(kind), _) => (&mut filter.never, kind),
                (None, Some(kind)) => (&mut filter.only, kind),
                (None, None) => return Err(NotAFilter),
            };
            let kind = kind.trim();
            if at >= TERMS || kind.is_empty() || kind.len() > KIND_OCTETS || kind.contains('=') {
                return Err(NotAFilter);
            }
            kinds.push(kind.to_owned());
        }
        Ok(filter)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = self.only.iter().map(|kind| ("=", kind));
        let never = self.never.iter().map(|kind| ("!=", kind));
        for (at, (sign, kind)) in only.chain(never).enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}kind{sign}{kind}")?;
        }
        Ok(())
    }
}
