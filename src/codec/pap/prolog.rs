//! The internal subset of a DOCTYPE of PAP: one processing instruction at most.
//!
//! **Source:** WAP-247 section 9 (versions). Nothing else may stand there: no entity, element, attribute or notation
//! declaration, no parameter entity, no comment.

use super::{FORMAT, fault};
use crate::codec::xml::Words;
use crate::codec::{Class, DecodeError};

/// The `supported-versions` that a subset lists, and their offset; `at` is that of the subset.
pub(super) fn supported(subset: &str, at: usize) -> Result<Option<(&str, usize)>, DecodeError> {
    let mut words = Words::new(FORMAT, subset, at);
    words.blanks();
    if words.is_empty() {
        return Ok(None);
    }
    let forbidden = |at| {
        let expected = "nothing but one wap-pap-ver instruction in the internal subset";
        fault(at, Class::XmlForbidden, expected)
    };
    let start = words.at();
    if !words.skip("<?wap-pap-ver") || !words.blanks() {
        return Err(forbidden(start));
    }
    // What an instruction says is free text to XML, so a fault in it is one of PAP.
    let list = list(&mut words).map_err(|error| DecodeError {
        class: Class::XmlInvalid,
        expected: "supported-versions=\"...\" in the wap-pap-ver instruction",
        ..error
    })?;
    words.blanks();
    if words.is_empty() {
        Ok(Some(list))
    } else {
        Err(forbidden(words.at()))
    }
}

/// The list in the instruction, and its offset.
fn list<'a>(words: &mut Words<'a>) -> Result<(&'a str, usize), DecodeError> {
    if !words.skip("supported-versions") {
        return Err(words.malformed("supported-versions"));
    }
    let list = words.equals()?;
    let at = words.at().saturating_sub(list.len()).saturating_sub(1);
    words.blanks();
    if words.skip("?>") {
        Ok((list, at))
    } else {
        Err(words.malformed("?>"))
    }
}
