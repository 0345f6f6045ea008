//! Claims about octets that only a second look can prove: the text behind a digest, the key of a seal, a body read on.
//!
//! **Source:** WAP-235 section 8.4 (ProvURL), OMA-WAP-ProvCont section 4 (MAC), WAP-235 section 7.2.6 (Digest).

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use super::{format, hex};

type Fields = Map<String, Value>;

/// Bodies by their media type, and the format that reads them.
const BODIES: [(&str, &str); 9] = [
    ("application/vnd.wap.sic", "wbxml-si"),
    ("application/vnd.wap.slc", "wbxml-sl"),
    ("application/vnd.wap.coc", "wbxml-co"),
    ("application/vnd.wap.emn+wbxml", "wbxml-emn"),
    ("application/vnd.wap.sia", "sia"),
    ("text/vnd.wap.si", "si-xml"),
    ("text/vnd.wap.sl", "sl-xml"),
    ("text/vnd.wap.co", "co-xml"),
    ("text/vnd.wap.emn+xml", "emn-xml"),
];

/// What octets prove about a key that they do not hold themselves.
pub(super) enum Proof {
    /// The claim is true, or not.
    Judged(bool),
    /// What stands there, read on, to be compared.
    Shown(Value),
}

/// Looks for a proof of `key`, which stands among the `claimed` fields and not among those that were `read`; `None` when
/// nothing proves it.
pub(super) fn prove(key: &str, claimed: &Fields, read: &Fields) -> Option<Proof> {
    match key {
        "of" => prefix_of(text(claimed, "of")?, text(read, "sha1_prefix")?),
        "mac_key_ascii" | "mac_data_hex" => seal(claimed, read),
        "password" | "method" => credentials(claimed, read),
        "body" => body(claimed.get("body")?, read),
        _ => None,
    }
}

fn prefix_of(whole: &str, prefix: &str) -> Option<Proof> {
    let digest = hex::digits(&Sha1::digest(whole.as_bytes()));
    Some(Proof::Judged(digest.starts_with(&prefix.to_lowercase())))
}

/// MAC is HMAC-SHA-1 of the document under the PIN.
fn seal(claimed: &Fields, read: &Fields) -> Option<Proof> {
    let mac = text(read.get("params")?.as_object()?, "MAC")?;
    let mut hmac = Hmac::<Sha1>::new_from_slice(text(claimed, "mac_key_ascii")?.as_bytes()).ok()?;
    hmac.update(&hex::octets(text(claimed, "mac_data_hex")?)?);
    let digest = hex::digits(&hmac.finalize().into_bytes());
    Some(Proof::Judged(digest.eq_ignore_ascii_case(mac)))
}

/// A Digest with SHA-1 and without qop.
fn credentials(claimed: &Fields, read: &Fields) -> Option<Proof> {
    let hash = |parts: &[&str]| hex::digits(&Sha1::digest(parts.join(":").as_bytes()));
    let password = text(claimed, "password")?;
    let user = hash(&[text(read, "username")?, text(read, "realm")?, password]);
    let request = hash(&[text(claimed, "method")?, text(read, "uri")?]);
    let response = hash(&[&user, text(read, "nonce")?, &request]);
    Some(Proof::Judged(
        response.eq_ignore_ascii_case(text(read, "response")?),
    ))
}

/// The fields of a body, or for a claim in words, such as `WBXML SI`, whether the format of that name reads it.
fn body(claimed: &Value, read: &Fields) -> Option<Proof> {
    let octets = hex::octets(text(read, "body_hex")?)?;
    match claimed {
        Value::Object(_) => {
            let media = text(read, "content_type").or_else(|| text(read, "media"))?;
            let (_, name) = BODIES.iter().find(|(own, _)| *own == media)?;
            let read = (format(name)?.decode)(&octets, false).ok()?;
            Some(Proof::Shown(read.fields))
        }
        Value::String(words) => {
            let own = format(&words.to_lowercase().replace(' ', "-"))?;
            Some(Proof::Judged((own.decode)(&octets, false).is_ok()))
        }
        _ => None,
    }
}

fn text<'a>(fields: &'a Fields, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str()
}
