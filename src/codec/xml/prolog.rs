//! What stands before the root element: the XML declaration and the `<!DOCTYPE ...>`.
//!
//! **Source:** XML 1.0 sections 2.3, 2.8 and 4.3.3. Nothing external is read and nothing in an internal subset is carried
//! out; whether one may stand there at all is for the document type to say.

use std::borrow::Cow;

use super::letters::{self, is_blank, usual_name};
use super::malformed;
use crate::codec::DecodeError;

/// The `<!DOCTYPE ...>` in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::codec) struct Doctype<'a> {
    /// Offset of its `<`.
    pub(in crate::codec) at: usize,
    /// The element it is for.
    pub(in crate::codec) root: &'a str,
    /// The public identifier.
    pub(in crate::codec) public: Option<Cow<'a, str>>,
    /// What stands between the brackets, and where; `None` when there are none.
    pub(in crate::codec) subset: Option<(&'a str, usize)>,
}

/// Checks what stands between `<?` and `?>` of the XML declaration; `base` is the offset of `inside`.
///
/// The octets were read as UTF-8. ASCII is the same in the other two encodings, so they are taken for a document that has
/// nothing else.
pub(super) fn declaration(
    format: &'static str,
    inside: &str,
    base: usize,
    is_ascii: bool,
) -> Result<(), DecodeError> {
    let mut text = Words::new(format, inside, base);
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
        let encoding = text.equals()?;
        let is = |name: &&str| encoding.eq_ignore_ascii_case(name);
        let known = is(&"utf-8") || is_ascii && ["us-ascii", "iso-8859-1"].iter().any(is);
        if !known {
            let after = text.at().saturating_sub(1);
            let at = after.saturating_sub(encoding.len());
            return Err(malformed(format, at, "the encoding UTF-8"));
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

/// Reads what stands between `<!DOCTYPE` and the last `>`; `base` is the offset of `inside`.
pub(super) fn doctype<'a>(
    format: &'static str,
    inside: &'a str,
    at: usize,
    base: usize,
) -> Result<Doctype<'a>, DecodeError> {
    let mut text = Words::new(format, inside, base);
    text.apart("white space after <!DOCTYPE")?;
    let mut doctype = Doctype {
        at,
        root: text.word(),
        public: None,
        subset: None,
    };
    let apart = text.blanks();
    if apart && text.skip("PUBLIC") {
        text.apart("white space")?;
        let start = text.at();
        let public = text.quoted()?;
        if !public.bytes().all(is_public_octet) {
            return Err(malformed(format, start, "a public identifier"));
        }
        doctype.public = Some(spaced_once(public));
        text.apart("white space")?;
        text.quoted()?;
    } else if apart && text.skip("SYSTEM") {
        text.apart("white space")?;
        text.quoted()?;
    }
    text.blanks();
    if text.skip("[") {
        let at = text.at();
        doctype.subset = Some((text.up_to_last("]")?, at));
        text.blanks();
    }
    text.end("the end of the DOCTYPE").map(|()| doctype)
}

/// A public identifier, in which white space counts as one space and none at its ends (section 4.2.2).
fn spaced_once(identifier: &str) -> Cow<'_, str> {
    let mut before = b' ';
    let is_spaced = identifier.bytes().all(|octet| {
        let is_apart = !is_blank(octet) || octet == b' ' && before != b' ';
        before = octet;
        is_apart
    });
    if is_spaced && before != b' ' {
        Cow::Borrowed(identifier)
    } else {
        let words: Vec<&str> = identifier.split_ascii_whitespace().collect();
        words.join(" ").into()
    }
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

/// Markup read word by word, with the offset of each.
#[derive(Debug)]
pub(in crate::codec) struct Words<'a> {
    format: &'static str,
    rest: &'a str,
    /// The offset of its end.
    end: usize,
}

impl<'a> Words<'a> {
    /// The words of a text that stands at `base`.
    pub(in crate::codec) const fn new(format: &'static str, text: &'a str, base: usize) -> Self {
        Self {
            format,
            rest: text,
            end: base.saturating_add(text.len()),
        }
    }

    /// The offset of the next.
    pub(in crate::codec) const fn at(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Whether nothing follows.
    pub(in crate::codec) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A fault here.
    pub(in crate::codec) const fn malformed(&self, expected: &'static str) -> DecodeError {
        malformed(self.format, self.at(), expected)
    }

    /// Passes white space; true when there was any.
    pub(in crate::codec) fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        let count = self.rest.bytes().position(|octet| !is_blank(octet));
        self.rest = self.rest.get(count.unwrap_or(before)..).unwrap_or_default();
        self.rest.len() < before
    }

    /// Passes a word, if it is next.
    pub(in crate::codec) fn skip(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `=` and a literal in which everything stands for itself, as nearly always; else nothing is passed.
    pub(super) fn plain_equals(&mut self) -> Option<&'a str> {
        let [b'=', quote @ (b'"' | b'\''), rest @ ..] = self.rest.as_bytes() else {
            return None;
        };
        let end = letters::itself(rest).saturating_add(2);
        let (literal, behind) = self.rest.split_at_checked(end)?;
        if behind.as_bytes().first() != Some(quote) {
            return None;
        }
        self.rest = behind.get(1..)?;
        literal.get(2..)
    }

    /// `=` and the literal after it.
    pub(in crate::codec) fn equals(&mut self) -> Result<&'a str, DecodeError> {
        self.blanks();
        if !self.skip("=") {
            return Err(self.malformed("= and a value"));
        }
        self.blanks();
        self.quoted()
    }

    /// What stands before the next `=` or white space, and whether it is a usual name; another may be one too.
    pub(super) fn name(&mut self) -> (&'a str, bool) {
        let ends = |octet: u8| octet == b'=' || is_blank(octet);
        let usual = usual_name(self.rest);
        match self.rest.split_at_checked(usual) {
            Some((name, rest)) if usual > 0 && rest.bytes().next().is_some_and(ends) => {
                self.rest = rest;
                (name, true)
            }
            _ => (self.before(ends), false),
        }
    }

    /// What stands before the next of these octets, or the rest.
    fn before(&mut self, stops: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(stops);
        let end = end.unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    fn word(&mut self) -> &'a str {
        self.before(|octet| octet == b'[' || is_blank(octet))
    }

    /// Passes white space that must be there.
    fn apart(&mut self, expected: &'static str) -> Result<(), DecodeError> {
        if self.blanks() {
            Ok(())
        } else {
            Err(self.malformed(expected))
        }
    }

    const fn end(&self, expected: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed(expected))
        }
    }

    fn quoted(&mut self) -> Result<&'a str, DecodeError> {
        let (quote, rest) = match self.rest.as_bytes() {
            [quote @ (b'"' | b'\''), rest @ ..] => (*quote, rest),
            _ => return Err(self.malformed("a quoted value")),
        };
        let count = memchr::memchr(quote, rest).ok_or_else(|| self.malformed("a closing quote"))?;
        let end = count.saturating_add(1);
        let literal = self.rest.get(1..end).unwrap_or_default();
        self.rest = self.rest.get(end.saturating_add(1)..).unwrap_or_default();
        Ok(literal)
    }

    /// What stands before the last of that word, which is passed.
    fn up_to_last(&mut self, word: &str) -> Result<&'a str, DecodeError> {
        let (before, after) = self
            .rest
            .rsplit_once(word)
            .ok_or_else(|| self.malformed("the end of the internal subset"))?;
        self.rest = after;
        Ok(before)
    }
}
