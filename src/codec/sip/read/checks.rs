//! What is checked of a message before anything is done with it.
//!
//! **Source:** RFC 3261 sections 8.2.2, 16.3 and 18.1.2.

use super::refused;
use crate::codec::lexeme::{DIGIT, skip};
use crate::codec::sip::frame::{Frame, Range, Start, error};
use crate::codec::sip::name::Name;
use crate::codec::sip::via::Via;
use crate::codec::{Class, DecodeError};

impl Frame<'_> {
    /// Checks what a UAS checks before anything else (400 when it fails): the headers every request has are there,
    /// once, and well-formed. Max-Forwards, the From tag and the branch may be absent, for before RFC 3261 they were.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_request(&self) -> Result<(), DecodeError> {
        self.check_single()?;
        let uri = self.request_uri()?;
        if uri.headers().is_some() {
            let at = usize::from(self.uri_range().at);
            return Err(error(at, Class::BadValue, "a Request-URI without headers"));
        }
        self.check_vias()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        let cseq = self.cseq()?;
        if cseq.method_text != self.method_text() {
            let row = self.required(Name::CSeq)?;
            return Err(self.surplus(
                row,
                cseq.method_text.as_bytes(),
                "the method of the request",
            ));
        }
        self.check_number(Name::MaxForwards)?;
        for contact in self.contacts() {
            contact?;
        }
        Ok(())
    }

    /// Checks what is needed to give a response to its transaction; when it fails the response is dropped.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_response(&self) -> Result<(), DecodeError> {
        self.check_single()?;
        self.check_vias()?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        self.cseq()?;
        Ok(())
    }

    fn check_single(&self) -> Result<(), DecodeError> {
        if self.index.repeated == 0 {
            return Ok(());
        }
        for row in &self.index.rows {
            if row.name.is_single() && self.index.is_repeated(row.name) {
                return Err(error(
                    usize::from(row.name_at),
                    Class::Repeated,
                    row.name.text(),
                ));
            }
        }
        Ok(())
    }

    fn check_vias(&self) -> Result<(), DecodeError> {
        self.required(Name::Via)?;
        for row in self.rows_of(Name::Via) {
            let value = self.value(row);
            let mut rest = value;
            loop {
                let (after, _) = Via::parse(rest).map_err(|fault| refused(row, value, fault))?;
                match after {
                    [] => break,
                    [b',', after @ ..] => rest = after,
                    _ => return Err(self.surplus(row, after, "a comma or the end of the Via")),
                }
            }
        }
        Ok(())
    }

    /// Digits, if the header is there; how many is not asked.
    fn check_number(&self, name: Name) -> Result<(), DecodeError> {
        let Some(row) = self.index.first(name) else {
            return Ok(());
        };
        let value = self.value(row);
        let rest = skip(value, DIGIT);
        if value.is_empty() || !rest.is_empty() {
            return Err(self.surplus(row, rest, "a number"));
        }
        Ok(())
    }

    const fn uri_range(&self) -> Range {
        match self.index.start {
            Start::Request { uri, .. } => uri,
            Start::Response { reason, .. } => reason,
        }
    }
}
