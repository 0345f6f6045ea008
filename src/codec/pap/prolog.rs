//! What stands before the root element: the XML declaration, and the `<!DOCTYPE ...>` with its public identifier and the
//! one processing instruction of its internal subset.
//!
//! **Source:** WAP-247 section 9 (versions), XML 1.0 sections 2.3, 2.8 and 4.3.3. Nothing else may stand in the internal
//! subset: no entity, element, attribute or notation declaration, no parameter entity, no comment.

use super::xml::{Doctype, is_blank};
use super::{FORMAT, fault};
use crate::codec::{Class, DecodeError};

/// Checks what stands between `<?` and `?>` of the XML declaration; `base` is the offset of `inside`.
pub(super) fn declaration(inside: &str, base: usize) -> Result<(), DecodeError> {
    let mut text = Text::new(inside, base);
    text.skip("xml");
    if !text.blanks() || !text.skip("version") {
        return Err(text.malformed("a version in the XML declaration"));
    }
    let version = text.equals()?;
    let minor = version.strip_prefix("1.").unwrap_or_default();
    if minor.is_empty() || !minor.bytes().all(|b| b.is_ascii_digit()) {
        return Err(text.malformed("version 1.x in the XML declaration"));
    }
    let mut apart = text.blanks();
    if apart && text.skip("encoding") {
        // The octets were read as UTF-8; text in ISO-8859-1 that is pure ASCII is the same in both.
        let known = ["utf-8", "us-ascii", "iso-8859-1"];
        let encoding = text.equals()?;
        if !known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(encoding))
        {
            return Err(text.malformed("the encoding UTF-8"));
        }
        apart = text.blanks();
    }
    if apart && text.skip("standalone") {
        if !matches!(text.equals()?, "yes" | "no") {
            return Err(text.malformed("yes or no"));
        }
        text.blanks();
    }
    text.end("the end of the XML declaration")
}

/// Reads what stands between `<!DOCTYPE ` and the last `>`; `base` is the offset of `inside`.
pub(super) fn doctype(inside: &str, at: usize, base: usize) -> Result<Doctype, DecodeError> {
    let mut text = Text::new(inside, base);
    let root = text.word().to_owned();
    let mut doctype = Doctype {
        at,
        root,
        public: None,
        supported: None,
    };
    let apart = text.blanks();
    if apart && text.skip("PUBLIC") {
        text.apart()?;
        let start = text.at();
        let public = text.quoted()?;
        if !public.bytes().all(is_public_octet) {
            return Err(DecodeError {
                offset: start,
                ..text.malformed("a public identifier")
            });
        }
        // White space in a public identifier counts as one space (XML 1.0 section 4.2.2).
        let words: Vec<&str> = public.split_ascii_whitespace().collect();
        doctype.public = Some(words.join(" "));
        text.apart()?;
        text.quoted()?;
    } else if apart && text.skip("SYSTEM") {
        text.apart()?;
        text.quoted()?;
    }
    text.blanks();
    if text.skip("[") {
        doctype.supported = text.subset()?;
        text.blanks();
    }
    text.end("the end of the DOCTYPE").map(|()| doctype)
}

const fn is_public_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b' ' | b'\r' | b'\n' | b'-' | b'\'' | b'(' | b')' | b'+' | b',' | b'.'
        )
        || matches!(
            octet,
            b'/' | b':' | b'=' | b'?' | b';' | b'!' | b'*' | b'#' | b'@' | b'$'
        )
        || matches!(octet, b'_' | b'%')
}

struct Text<'a> {
    rest: &'a str,
    whole: usize,
    base: usize,
}

impl<'a> Text<'a> {
    const fn new(text: &'a str, base: usize) -> Self {
        Self {
            rest: text,
            whole: text.len(),
            base,
        }
    }

    const fn at(&self) -> usize {
        self.base
            .saturating_add(self.whole.saturating_sub(self.rest.len()))
    }

    const fn malformed(&self, expected: &'static str) -> DecodeError {
        DecodeError {
            format: FORMAT,
            offset: self.at(),
            class: Class::XmlNotWellFormed,
            expected,
        }
    }

    /// Passes white space; true when there was any.
    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        let blank = |c: char| u8::try_from(c).is_ok_and(is_blank);
        self.rest = self.rest.trim_start_matches(blank);
        self.rest.len() < before
    }

    /// Passes white space that must be there.
    fn apart(&mut self) -> Result<(), DecodeError> {
        if self.blanks() {
            Ok(())
        } else {
            Err(self.malformed("white space"))
        }
    }

    /// `=` and the literal after it.
    fn equals(&mut self) -> Result<&'a str, DecodeError> {
        self.blanks();
        if !self.skip("=") {
            return Err(self.malformed("="));
        }
        self.blanks();
        self.quoted()
    }

    const fn end(&self, expected: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed(expected))
        }
    }

    fn skip(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| c == '[' || u8::try_from(c).is_ok_and(is_blank))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    fn quoted(&mut self) -> Result<&'a str, DecodeError> {
        for quote in ['"', '\''] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                let (literal, rest) = rest
                    .split_once(quote)
                    .ok_or_else(|| self.malformed("a closing quote"))?;
                self.rest = rest;
                return Ok(literal);
            }
        }
        Err(self.malformed("a quoted literal"))
    }

    /// The internal subset, up to and with its `]`.
    fn subset(&mut self) -> Result<Option<(String, usize)>, DecodeError> {
        self.blanks();
        if self.skip("]") {
            return Ok(None);
        }
        let forbidden = fault(
            self.at(),
            Class::XmlForbidden,
            "nothing but one wap-pap-ver instruction in the internal subset",
        );
        if !self.skip("<?wap-pap-ver") || !self.blanks() {
            return Err(forbidden);
        }
        // What an instruction says is free text to XML, so a fault in it is one of PAP.
        let (list, at) = self.supported().map_err(|error| DecodeError {
            class: Class::XmlInvalid,
            expected: "supported-versions=\"...\" in the wap-pap-ver instruction",
            ..error
        })?;
        self.blanks();
        if self.skip("]") {
            Ok(Some((list, at)))
        } else {
            Err(DecodeError {
                offset: self.at(),
                ..forbidden
            })
        }
    }

    /// The list in the instruction, and its offset.
    fn supported(&mut self) -> Result<(String, usize), DecodeError> {
        if !self.skip("supported-versions") {
            return Err(self.malformed("supported-versions"));
        }
        let list = self.equals()?;
        let at = self.at().saturating_sub(list.len()).saturating_sub(1);
        self.blanks();
        if self.skip("?>") {
            Ok((list.to_owned(), at))
        } else {
            Err(self.malformed("?>"))
        }
    }
}
