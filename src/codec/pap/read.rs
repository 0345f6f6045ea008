//! Values of attributes, from an element that is valid against the DTD.
//!
//! **Source:** WAP-247 sections 8 (timestamps, addresses) and 10 (codes): what the DTD calls CDATA but the text narrows.

use super::fault;
use super::xml::Node;
use crate::codec::{Class, DecodeError};
use crate::limits;
use crate::time::Time;

/// The text of an attribute.
pub(super) fn text(node: &Node<'_>, name: &str) -> Option<String> {
    node.value(name).map(str::to_owned)
}

/// The value of an enumeration; its default when the attribute is absent.
pub(super) fn word<T: Copy + Default>(node: &Node<'_>, name: &str, words: &[(&str, T)]) -> T {
    node.value(name)
        .and_then(|value| words.iter().find(|(word, _)| *word == value))
        .map(|(_, known)| *known)
        .unwrap_or_default()
}

/// True when the attribute says `true`.
pub(super) fn boolean(node: &Node<'_>, name: &str) -> bool {
    node.value(name) == Some("true")
}

/// A timestamp.
pub(super) fn time(node: &Node<'_>, name: &str) -> Result<Option<Time>, DecodeError> {
    let Some(attr) = node.attribute(name) else {
        return Ok(None);
    };
    attr.value
        .parse()
        .map(Some)
        .map_err(|_| fault(attr.at, Class::BadValue, "a timestamp YYYY-MM-DDThh:mm:ssZ"))
}

/// The status code: four digits, the first of which is the class and therefore no zero.
pub(super) fn code(node: &Node<'_>) -> Result<u16, DecodeError> {
    let (value, at) = node
        .attribute("code")
        .map_or(("", node.at), |attr| (&*attr.value, attr.at));
    match value.parse() {
        Ok(code @ 1000..=9999) if value.len() == 4 => Ok(code),
        _ => Err(fault(at, Class::BadValue, "a status code of four digits")),
    }
}

/// The address elements inside another.
pub(super) fn addresses(node: &Node<'_>) -> Result<Vec<String>, DecodeError> {
    let mut found = Vec::with_capacity(node.children.len().min(limits::PAP_ADDRESSES));
    for child in &node.children {
        if child.name == "address" {
            if found.len() >= limits::PAP_ADDRESSES {
                return Err(fault(child.at, Class::TooLarge, "fewer addresses"));
            }
            found.push(text(child, "address-value").unwrap_or_default());
        }
    }
    Ok(found)
}

/// The one address inside another element.
pub(super) fn address(node: &Node<'_>) -> Result<String, DecodeError> {
    Ok(addresses(node)?.into_iter().next().unwrap_or_default())
}
