//! Writing XML: elements with attributes in the order given, values escaped.
//!
//! **Source:** XML 1.0 sections 2.4, 3.1, 3.3.3.

use core::fmt::Write as _;

use super::MessageState;
use crate::codec::xml::escape;
use crate::time::Time;

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
    pub(super) fn attribute(&mut self, name: &str, value: impl Value) -> &mut Self {
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("=\"");
        value.put(&mut self.text);
        self.text.push('"');
        self
    }

    /// An attribute that may be absent.
    pub(super) fn optional(&mut self, name: &str, value: Option<impl Value>) -> &mut Self {
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

/// What an attribute may say.
pub(super) trait Value {
    /// Adds it, escaped.
    fn put(&self, out: &mut String);
}

impl Value for str {
    fn put(&self, out: &mut String) {
        escape(out, self, true);
    }
}

impl Value for String {
    fn put(&self, out: &mut String) {
        escape(out, self, true);
    }
}

impl Value for u16 {
    fn put(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{self}");
    }
}

impl Value for Time {
    fn put(&self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl Value for MessageState {
    fn put(&self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn put(&self, out: &mut String) {
        (**self).put(out);
    }
}
