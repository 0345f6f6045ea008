//! The `<!DOCTYPE ...>` of a PAP document: public identifier and the one processing instruction of the internal subset.
//!
//! **Source:** WAP-247 section 9 (versions), XML 1.0 section 2.8. Nothing else may stand in the internal subset: no
//! entity, element, attribute or notation declaration, no parameter entity, no comment.

use super::xml::{Doctype, is_blank};
use super::{FORMAT, fault};
use crate::codec::{Class, DecodeError};

/// Reads what stands between `<!DOCTYPE ` and the last `>`; `base` is the offset of `inside`.
pub(super) fn read(inside: &str, at: usize, base: usize) -> Result<Doctype, DecodeError> {
    let mut text = Text {
        rest: inside,
        whole: inside.len(),
        base,
    };
    text.blanks();
    let root = text.word().to_owned();
    let mut doctype = Doctype {
        at,
        root,
        public: None,
        supported: None,
    };
    text.blanks();
    if text.skip("PUBLIC") {
        text.blanks();
        // White space in a public identifier counts as one space (XML 1.0 section 4.2.2).
        let words: Vec<&str> = text.quoted()?.split_whitespace().collect();
        doctype.public = Some(words.join(" "));
        text.blanks();
        text.quoted()?;
    } else if text.skip("SYSTEM") {
        text.blanks();
        text.quoted()?;
    }
    text.blanks();
    if text.skip("[") {
        doctype.supported = text.subset()?;
        text.blanks();
    }
    if text.rest.is_empty() {
        Ok(doctype)
    } else {
        Err(text.malformed("the end of the DOCTYPE"))
    }
}

struct Text<'a> {
    rest: &'a str,
    whole: usize,
    base: usize,
}

impl<'a> Text<'a> {
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

    fn blanks(&mut self) {
        self.rest = self
            .rest
            .trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_blank));
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
        if !self.skip("<?wap-pap-ver") {
            return Err(forbidden);
        }
        self.blanks();
        let invalid = |text: &Self| {
            fault(
                text.at(),
                Class::XmlInvalid,
                "supported-versions=\"...\" in the wap-pap-ver instruction",
            )
        };
        if !self.skip("supported-versions") {
            return Err(invalid(self));
        }
        self.blanks();
        if !self.skip("=") {
            return Err(invalid(self));
        }
        self.blanks();
        let at = self.at().saturating_add(1);
        let list = self.quoted()?.to_owned();
        self.blanks();
        if !self.skip("?>") {
            return Err(invalid(self));
        }
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
}
