//! URNs and UUIDs.
//!
//! Source: RFC 8141 (syntax of section 2, equivalence of section 3), RFC 9562 section 4.

use super::{Canonical, Read, bad, equipment, mac, plain};
use crate::codec::DecodeError;
use crate::codec::lexeme::uuid;

/// A text that begins with `urn:`.
pub(super) fn read(text: &str) -> Result<Read, DecodeError> {
    let rest = text.get(4..).unwrap_or_default();
    // A namespace is short: the search for its end is over sooner octet by octet.
    let (nid, nss) = rest
        .bytes()
        .position(|octet| octet == b':')
        .and_then(|colon| Some((rest.get(..colon)?, rest.get(colon.saturating_add(1)..)?)))
        .ok_or_else(|| bad(text.len(), "a namespace, a colon and a name"))?;
    check_namespace(nid)?;
    let base = text.len().saturating_sub(nss.len());
    // The r-, q- and f-components do not take part in equivalence.
    let octets = nss.as_bytes();
    let name = memchr::memchr2_iter(b'?', b'#', octets)
        .find(|at| {
            let rest = octets.get(*at..);
            matches!(rest, Some([b'#', ..] | [b'?', b'+' | b'=', ..]))
        })
        .and_then(|end| nss.get(..end))
        .unwrap_or(nss);
    let is = |own: &str| nid.eq_ignore_ascii_case(own);
    if is("uuid") {
        return read_uuid(name, base).map(plain);
    }
    if is("gsma")
        && let Some(imei) = after(name, "imei:")
    {
        return equipment::read_imei(imei, base.saturating_add(5));
    }
    if is("3gpp2")
        && let Some(meid) = after(name, "meid:")
    {
        return equipment::read_meid(meid, base.saturating_add(5));
    }
    if is("dev")
        && let Some(digits) = after(name, "mac:")
    {
        return read_mac(digits, base.saturating_add(4)).map(plain);
    }
    let nid = nid.to_ascii_lowercase();
    let canonical = format!("urn:{nid}:{}", lexical(name, base)?);
    Ok(plain(if nid == "epc" {
        Canonical::Rfid(canonical)
    } else {
        Canonical::Urn(canonical)
    }))
}

/// The 36 characters 8-4-4-4-12.
pub(super) fn read_uuid(text: &str, base: usize) -> Result<Canonical, DecodeError> {
    const EXPECTED: &str = "a UUID of 36 characters";
    if let Some(uuid) = uuid::read(text.as_bytes()) {
        return Ok(Canonical::Uuid(uuid));
    }
    for (at, octet) in text.bytes().enumerate().take(36) {
        let fits = match at {
            8 | 13 | 18 | 23 => octet == b'-',
            _ => octet.is_ascii_hexdigit(),
        };
        if !fits {
            return Err(bad(base.saturating_add(at), EXPECTED));
        }
    }
    Err(bad(base.saturating_add(text.len().min(36)), EXPECTED))
}

/// Sixteen hexadecimal digits, and parts of a device after an underscore (RFC 9039 section 3), which make another URN.
fn read_mac(text: &str, base: usize) -> Result<Canonical, DecodeError> {
    if let Some((digits, _)) = text.split_once(['_', ';']) {
        read_mac(digits, base)?;
        return Ok(Canonical::Urn(format!(
            "urn:dev:mac:{}",
            text.to_ascii_lowercase()
        )));
    }
    if text.len() != 16 {
        return Err(bad(
            base.saturating_add(text.len().min(16)),
            "16 hexadecimal digits",
        ));
    }
    mac::read(text, base)
}

/// Two to 32 letters, digits and inner hyphens.
fn check_namespace(nid: &str) -> Result<(), DecodeError> {
    let inner = nid
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if (2..=32).contains(&nid.len()) && inner && !nid.starts_with('-') && !nid.ends_with('-') {
        Ok(())
    } else {
        Err(bad(4, "a namespace of 2 to 32 letters, digits and hyphens"))
    }
}

/// The namespace-specific string with the digits of its escapes in upper case; all else counts as it stands.
fn lexical(name: &str, base: usize) -> Result<String, DecodeError> {
    if name.is_empty() || name.starts_with('/') {
        return Err(bad(base, "a name that begins with no slash"));
    }
    let mut out = String::with_capacity(name.len());
    let mut octets = name.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        if octet == b'%' {
            out.push('%');
            for _ in 0..2 {
                match octets.next() {
                    Some((_, digit)) if digit.is_ascii_hexdigit() => {
                        out.push(char::from(digit.to_ascii_uppercase()));
                    }
                    _ => {
                        return Err(bad(
                            base.saturating_add(at),
                            "two hexadecimal digits after %",
                        ));
                    }
                }
            }
        } else if octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&octet) {
            out.push(char::from(octet));
        } else {
            return Err(bad(base.saturating_add(at), "a character of a URN"));
        }
    }
    Ok(out)
}

fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}
