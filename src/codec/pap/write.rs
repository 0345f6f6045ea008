//! Writing XML: elements with attributes in the order given, values escaped.
//!
//! **Source:** XML 1.0 sections 2.4, 3.1, 3.3.3.

use core::fmt::{Display, Write as _};

use crate::codec::xml::escape;

/// A document being written.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    /// An element's start tag still lacks its `>`.
    in_tag: bool,
}

impl Writer {
    /// A writer with room for a usual document.
    pub(super) fn new() -> Self {
        Self {
            text: String::with_capacity(1_024),
            in_tag: false,
        }
    }

    /// Text as it is: the prolog.
    pub(super) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins an element.
    pub(super) fn open(&mut self, name: &str) -> &mut Self {
        self.end_tag();
        self.text.push('<');
        self.text.push_str(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element just begun.
    pub(super) fn attribute(&mut self, name: &str, value: impl Display) -> &mut Self {
        let mut escaped = Escaped(&mut self.text);
        escaped.0.push(' ');
        escaped.0.push_str(name);
        escaped.0.push_str("=\"");
        // Writing to a string cannot fail.
        let _ = write!(escaped, "{value}");
        self.text.push('"');
        self
    }

    /// An attribute that may be absent.
    pub(super) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Ends the element `name`.
    pub(super) fn close(&mut self, name: &str) {
        if self.in_tag {
            self.text.push_str("/>");
            self.in_tag = false;
        } else {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
    }

    /// The octets of the document.
    pub(super) fn finish(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn end_tag(&mut self) {
        if self.in_tag {
            self.text.push('>');
            self.in_tag = false;
        }
    }
}

struct Escaped<'a>(&'a mut String);

impl core::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        escape(self.0, text, true);
        Ok(())
    }
}
