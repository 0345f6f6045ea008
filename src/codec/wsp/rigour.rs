//! How a reading takes what the letter forbids: it refuses, notes or passes over it.

use crate::codec::cursor::Cursor;
use crate::codec::format::Deviation;
use crate::codec::{Class, DecodeError};

/// What happens to octets that shipped senders write against the letter. A reading that meets none does not allocate.
#[derive(Clone, Debug)]
pub enum Rigour {
    /// They are refused.
    Strict,
    /// They are noted.
    Lenient(Vec<Deviation>),
    /// They were noted before.
    Settled,
}

impl Rigour {
    /// Lenient or strict.
    #[must_use]
    pub const fn of(lenient: bool) -> Self {
        if lenient {
            Self::Lenient(Vec::new())
        } else {
            Self::Strict
        }
    }

    /// What was noted.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        match self {
            Self::Lenient(deviations) => deviations,
            Self::Strict | Self::Settled => Vec::new(),
        }
    }

    /// Refuses in a strict reading, notes in a lenient one.
    ///
    /// # Errors
    /// The fault, when strict.
    pub fn deviate(
        &mut self,
        cursor: &Cursor<'_>,
        at: usize,
        class: Class,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        match self {
            Self::Strict => Err(cursor.fault_at(at, class, expected)),
            Self::Lenient(deviations) => {
                deviations.push(Deviation { at, what: expected });
                Ok(())
            }
            Self::Settled => Ok(()),
        }
    }

    /// A uintvar, in its shortest form by the letter.
    ///
    /// # Errors
    /// As [`Cursor::uintvar`].
    pub fn uintvar(&mut self, cursor: &mut Cursor<'_>) -> Result<u32, DecodeError> {
        let at = cursor.offset();
        let read = cursor.uintvar_any()?;
        if !read.minimal {
            self.deviate(
                cursor,
                at,
                Class::UintvarNonMinimal,
                "a uintvar without leading zeros",
            )?;
        }
        Ok(read.value)
    }
}
