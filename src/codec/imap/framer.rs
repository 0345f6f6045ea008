//! Cuts what a server sends into responses: lines, with the literals that they announce.

use super::NAME;
use crate::codec::{Class, DecodeError};
use crate::limits;

/// Collects octets until a response is whole.
#[derive(Debug, Default)]
pub struct Framer {
    octets: Vec<u8>,
    /// Up to where it was looked for the end.
    looked: usize,
}

impl Framer {
    /// Octets came.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Octets that wait for the rest of their response.
    #[must_use]
    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// True when none wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The next response with its last line end, when it is whole.
    ///
    /// # Errors
    /// A response that is larger than [`limits::IMAP_RESPONSE_OCTETS`].
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        match self.end() {
            Some(end) if end <= limits::IMAP_RESPONSE_OCTETS => {
                let rest = self.octets.split_off(end);
                let whole = core::mem::replace(&mut self.octets, rest);
                self.looked = 0;
                if self.octets.is_empty() {
                    // A mailbox is silent nearly all the time.
                    self.octets = Vec::new();
                }
                Ok(Some(whole))
            }
            None if self.octets.len() < limits::IMAP_RESPONSE_OCTETS => Ok(None),
            _ => Err(DecodeError {
                format: NAME,
                offset: limits::IMAP_RESPONSE_OCTETS,
                class: Class::TooLarge,
                expected: "a response of at most 65536 octets",
            }),
        }
    }

    /// Where the response ends, behind the line end that no literal follows.
    fn end(&mut self) -> Option<usize> {
        loop {
            let rest = self.octets.get(self.looked..)?;
            let line = memchr::memchr(b'\n', rest)?;
            let end = self.looked.saturating_add(line).saturating_add(1);
            let text = rest.get(..line).unwrap_or_default();
            let Some(literal) = literal(text) else {
                return Some(end);
            };
            // One that is announced too large never comes to its end.
            self.looked = end.saturating_add(literal);
        }
    }
}

/// How many octets of a literal a line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let at = memchr::memrchr(b'{', line)?;
    let digits = line.get(at.saturating_add(1)..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_cut_at_line_ends_outside_literals() {
        let mut framer = Framer::default();
        framer.push(b"* OK hi\r\n* 1 FETCH (PREVIEW {6}\r\na\r\nb\r");
        assert_eq!(framer.take().unwrap().unwrap(), b"* OK hi\r\n");
        assert_eq!(framer.take().unwrap(), None);
        framer.push(b"\n UID 4)\r\n+ ");
        let whole = framer.take().unwrap().unwrap();
        assert_eq!(whole, b"* 1 FETCH (PREVIEW {6}\r\na\r\nb\r\n UID 4)\r\n");
        assert_eq!(framer.take().unwrap(), None);
        assert_eq!(framer.len(), 2);
    }

    #[test]
    fn a_response_without_end_is_refused_at_the_bound() {
        let mut framer = Framer::default();
        framer.push(&vec![b'a'; limits::IMAP_RESPONSE_OCTETS - 1]);
        assert_eq!(framer.take(), Ok(None));
        framer.push(b"a");
        assert_eq!(framer.take().unwrap_err().class, Class::TooLarge);
        let mut framer = Framer::default();
        framer.push(b"* 1 FETCH (PREVIEW {99999999999}\r\n");
        assert_eq!(framer.take(), Ok(None));
        framer.push(&vec![b'\n'; limits::IMAP_RESPONSE_OCTETS]);
        assert!(framer.take().is_err());
    }
}
