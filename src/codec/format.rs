//! What every wire format offers to people and programs at the command line: its octets as named fields and back.
//!
//! The hot path never comes here. A format's own types are the codec; a [`Format`] is the view of it that `sir decode`,
//! `sir encode`, vector files and the console share, so that a field has one name everywhere.

use core::fmt;

use serde_json::Value;

use super::{DecodeError, Span};

/// One wire format, or one production of it that vectors are written for.
#[derive(Clone, Copy)]
pub struct Format {
    /// The name after `--as` and the `kind` of a vector: `sia`, `wsp-connectionless`, `uintvar` ...
    pub name: &'static str,
    /// The document and section it is defined in.
    pub clause: &'static str,
    /// Reads octets; the flag allows what shipped senders do against the letter.
    pub decode: fn(&[u8], bool) -> Result<Decoded, DecodeError>,
    /// Where each field stands and what it says, up to the first fault. Comes from the reader of `decode` itself.
    pub spans: fn(&[u8], bool) -> Vec<Span>,
    /// Writes the octets of such fields; takes everything that `decode` shows.
    pub encode: fn(&Value) -> Result<Vec<u8>, FieldFault>,
}

/// Octets read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// What they say, under the names of the vector schema.
    pub fields: Value,
    /// What only a lenient reading accepts; empty after a strict one.
    pub deviations: Vec<Deviation>,
}

/// Something a strict reader refuses and a lenient one accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Octets before it.
    pub at: usize,
    /// What it is.
    pub what: &'static str,
}

/// How a reading takes what the letter forbids: a strict one refuses it, a lenient one notes it.
#[derive(Clone, Debug, Default)]
pub struct Tolerance {
    lenient: bool,
    deviations: Vec<Deviation>,
}

impl Tolerance {
    /// Lenient or strict.
    #[must_use]
    pub const fn of(lenient: bool) -> Self {
        Self {
            lenient,
            deviations: Vec::new(),
        }
    }

    /// Refuses or notes the fault.
    ///
    /// # Errors
    /// The fault, in a strict reading.
    pub fn deviate(&mut self, fault: DecodeError) -> Result<(), DecodeError> {
        if !self.lenient {
            return Err(fault);
        }
        self.deviations.push(Deviation {
            at: fault.offset,
            what: fault.expected,
        });
        Ok(())
    }

    /// What was noted.
    #[must_use]
    pub fn deviations(self) -> Vec<Deviation> {
        self.deviations
    }

    /// What was noted since it was last asked for.
    pub fn take_deviations(&mut self) -> Vec<Deviation> {
        core::mem::take(&mut self.deviations)
    }
}

/// Why fields are no value of the format: one sentence that names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FieldFault(String);

impl FieldFault {
    /// The fault in these words: `port: 70000 is above 65535`.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl Decoded {
    /// Fields without deviations.
    #[must_use]
    pub const fn strict(fields: Value) -> Self {
        Self {
            fields,
            deviations: Vec::new(),
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
