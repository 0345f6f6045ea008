//! Content in the form that its way and its device want: text or binary, and its headers in octets.
//!
//! **Source:** WAP-249 section 5.1.2 (transformations, X-Wap-Application-Id), WAP-167, WAP-168, WAP-175 (text and WBXML
//! of the same document), RFC 9111 section 5.2 (`no-transform`). Pure: what a bearer sends comes from here.

use std::borrow::Cow;

use bytes::Bytes;

use super::plan::covers;
use super::submission::Content;
use crate::codec::wbxml::{Co, Document, Emn, Si, Sl};
use crate::codec::{sia, wsp};

/// On what content travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Octets of any kind: MSRP, SIP, HTTP.
    Any,
    /// WSP, where binary is the rule.
    Wsp,
}

/// The content cannot be had in the form that is wanted; PAP's 3006.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{essence} cannot be had as {wanted}: {why}")]
pub struct Failure {
    /// The media type.
    pub essence: String,
    /// The one it was to become.
    pub wanted: &'static str,
    /// What is at fault.
    pub why: String,
}

/// Text and binary form of the document types.
const FORMS: [Form; 4] = [
    Form {
        kind: Kind::Si,
        text: "text/vnd.wap.si",
        binary: "application/vnd.wap.sic",
    },
    Form {
        kind: Kind::Sl,
        text: "text/vnd.wap.sl",
        binary: "application/vnd.wap.slc",
    },
    Form {
        kind: Kind::Co,
        text: "text/vnd.wap.co",
        binary: "application/vnd.wap.coc",
    },
    Form {
        kind: Kind::Emn,
        text: "text/vnd.wap.emn+xml",
        binary: "application/vnd.wap.emn+wbxml",
    },
];

struct Form {
    kind: Kind,
    text: &'static str,
    binary: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Si,
    Sl,
    Co,
    Emn,
}

impl Form {
    fn transform(&self, octets: &[u8], wanted: &str) -> Result<Vec<u8>, String> {
        let is_binary = self.binary == wanted;
        match self.kind {
            Kind::Si => rewritten::<Si<'_>>(octets, is_binary),
            Kind::Sl => rewritten::<Sl<'_>>(octets, is_binary),
            Kind::Co => rewritten::<Co<'_>>(octets, is_binary),
            Kind::Emn => rewritten::<Emn<'_>>(octets, is_binary),
        }
    }
}

fn rewritten<'a, D: Document<'a>>(octets: &'a [u8], is_binary: bool) -> Result<Vec<u8>, String> {
    let written = if is_binary {
        D::decode_xml(octets).map(Document::encode)
    } else {
        D::decode_lenient(octets).map(|(document, _)| document.encode_xml())
    };
    let written = written.map_err(|fault| fault.to_string())?;
    written.map_err(|fault| fault.to_string())
}

/// Headers that are of the octets as they were, and not of what they are transformed to.
const OF_THE_OCTETS: [&str; 5] = [
    "content-length",
    "content-md5",
    "content-range",
    "digest",
    "etag",
];

/// The media type that the content may take instead of its own; `None` when there is none, or its initiator forbids it.
#[must_use]
pub fn other_type(content: &Content) -> Option<&'static str> {
    if is_fixed(content) {
        return None;
    }
    let essence = essence(content);
    let other = |form: &Form| {
        if form.text.eq_ignore_ascii_case(essence) {
            Some(form.binary)
        } else if form.binary.eq_ignore_ascii_case(essence) {
            Some(form.text)
        } else {
            None
        }
    };
    FORMS.iter().find_map(other)
}

/// The content for a device that takes `accept`; `None` stands for a device of which that is not known.
///
/// # Errors
/// When it is to be transformed and cannot be.
pub fn shaped<'a>(
    content: &'a Content,
    way: Way,
    accept: Option<&[String]>,
) -> Result<Cow<'a, Content>, Failure> {
    let Some(other) = other_type(content) else {
        return Ok(Cow::Borrowed(content));
    };
    let takes = |essence: &str| accept.map(|list| list.iter().any(|range| covers(range, essence)));
    let (own, is_text) = (essence(content), other.starts_with("application/"));
    let wants_other = match (way, takes(own), takes(other)) {
        (_, Some(false), Some(true)) => true,
        // Unless the terminal is known to take text.
        (Way::Wsp, None, _) => is_text,
        (Way::Wsp, Some(true), Some(true)) => is_text,
        _ => false,
    };
    if wants_other {
        transformed(content, other).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(content))
    }
}

/// The content as `wanted`, which is its [`other_type`].
///
/// # Errors
/// When it is not what its type says.
pub fn transformed(content: &Content, wanted: &'static str) -> Result<Content, Failure> {
    let failure = |why: String| Failure {
        essence: essence(content).to_owned(),
        wanted,
        why,
    };
    let form = FORMS
        .iter()
        .find(|form| form.binary == wanted || form.text == wanted)
        .ok_or_else(|| failure("there is no such form".to_owned()))?;
    let octets = form.transform(&content.body, wanted).map_err(failure)?;
    let is_kept = |name: &str| {
        !OF_THE_OCTETS
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    };
    let kept = content.headers.iter().filter(|(name, _)| is_kept(name));
    Ok(Content {
        application: content.application.clone(),
        // WBXML names its character set itself, and text is written in UTF-8.
        content_type: match form.binary == wanted {
            true => wanted.to_owned(),
            false => format!("{wanted}; charset=utf-8"),
        },
        headers: kept.cloned().collect(),
        octets: octets.len(),
        body: Bytes::from(octets),
    })
}

/// Content type and headers of a push for a WSP peer of encoding version 1.`version`: the content type by its number, the
/// application by its own. A header that is none is left out.
#[must_use]
pub fn wsp_headers(content: &Content, version: u8) -> (Vec<u8>, Vec<u8>) {
    let mut media = Vec::new();
    if wsp::put_media(&mut media, &content.content_type, version).is_none() {
        media.clear();
        let _ = wsp::put_media(&mut media, "application/octet-stream", version);
    }
    let mut headers = Vec::new();
    let application = match sia::application_code(&content.application) {
        Some(code) => code.to_string(),
        None => content.application.clone(),
    };
    let own = ("X-Wap-Application-Id", application.as_str());
    let rest = content
        .headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()));
    for (name, value) in core::iter::once(own).chain(rest) {
        let _ = wsp::put_field(&mut headers, name, value, version);
    }
    (media, headers)
}

/// The application as it goes out in text of Push OTA: the assigned number in hexadecimal where there is one.
#[must_use]
pub fn application(uri: &str) -> Cow<'_, str> {
    match sia::application_code(uri) {
        Some(code) => Cow::Owned(format!("{code:x}")),
        None => Cow::Borrowed(uri),
    }
}

/// True when nobody may change the body: its initiator says so, or it is coded.
#[must_use]
pub fn is_fixed(content: &Content) -> bool {
    content.headers.iter().any(|(name, value)| {
        let lists = |word: &str| {
            let mut items = value.split(',').map(str::trim);
            items.any(|item| item.eq_ignore_ascii_case(word))
        };
        (name.eq_ignore_ascii_case("cache-control") && lists("no-transform"))
            || (name.eq_ignore_ascii_case("content-encoding") && !lists("identity"))
    })
}

fn essence(content: &Content) -> &str {
    let of = content.content_type.split(';').next();
    of.unwrap_or_default().trim()
}

#[cfg(test)]
mod tests;
