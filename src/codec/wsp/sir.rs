//! A SIR in a connectionless push: what of a [`Wrapped`] SIR has no place in WSP travels as textual headers.
//!
//! **Source:** WAP-235 section 6.1 (the push), WAP-251 (private headers), profile E.1 (`X-Sirgate-*`). Client address,
//! server address and the other gateway are `X-Sirgate-To`, `-From` and `-Reply-To`; a receiver without the profile sees
//! the SIR of the standard. The body stays as it is: a MIME multipart keeps its boundary.

use super::compose::{VERSION_NEWEST, put_field, put_named};
use super::header::Headers;
use super::media::put_media;
use super::pdu::Push;
use super::rigour::Rigour;
use crate::codec::DecodeError;
use crate::codec::cursor::put_uintvar;
use crate::codec::sia::application_uri;
use crate::codec::sir::{FROM, REPLY_TO, Received, Sir, TO, Wrapped};

const DISPOSITION: &str = "Content-Disposition";
const APPLICATION: &str = "X-Wap-Application-Id";
const BEARER: &str = "Bearer-Indication";

/// The push headers that a SIR can have, under the names it gives them.
const NAMES: [&str; 6] = [
    "X-Sirgate-Sir",
    "X-Sirgate-Device",
    "X-Sirgate-Ask",
    "X-Sirgate-App",
    APPLICATION,
    "MIME-Version",
];

/// The disposition that a SIR can ask for.
const DISPOSITIONS: [&str; 1] = ["render;handling=required"];

/// The datagram of a connectionless push with the SIR; `tid` is its push id.
#[must_use]
pub fn push_of(sir: &Wrapped, tid: u8) -> Vec<u8> {
    push_over(sir, tid, None)
}

/// The same, which says over which bearer it goes: a number of WAP-259 appendix C.
#[must_use]
pub fn push_over(sir: &Wrapped, tid: u8, bearer: Option<u8>) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    // Names are tokens and SIA's type is a media type, so nothing is left out here.
    let _ = put_media(&mut head, &sir.content_type, VERSION_NEWEST);
    for (name, value) in &sir.headers {
        let _ = if *name == APPLICATION {
            put_field(&mut head, name, &application_of(value), VERSION_NEWEST)
        } else {
            put_named(&mut head, name, value)
        };
    }
    let addresses = [
        (TO, Some(&sir.to)),
        (FROM, Some(&sir.from)),
        (REPLY_TO, sir.reply_to.as_ref()),
    ];
    for (name, value) in addresses {
        let _ = value.map(|value| put_named(&mut head, name, value));
    }
    if let Some(disposition) = sir.disposition {
        let _ = put_field(&mut head, DISPOSITION, disposition, VERSION_NEWEST);
    }
    if let Some(bearer) = bearer {
        let _ = put_field(&mut head, BEARER, &bearer.to_string(), VERSION_NEWEST);
    }
    datagram(tid, &head, &sir.body)
}

/// The datagram of a connectionless push with those headers and that content; `None` when WSP has no form for one.
#[must_use]
pub fn push_with<'a>(
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    content_type: &str,
    content: &[u8],
    tid: u8,
) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    put_media(&mut head, content_type, VERSION_NEWEST)?;
    for (name, value) in rows {
        if name.eq_ignore_ascii_case(APPLICATION) {
            put_field(&mut head, name, &application_of(value), VERSION_NEWEST)?;
        } else {
            put_field(&mut head, name, value, VERSION_NEWEST)?;
        }
    }
    Some(datagram(tid, &head, content))
}

fn datagram(tid: u8, head: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len().saturating_add(content.len()).saturating_add(8));
    out.extend([tid, 0x06]);
    put_uintvar(&mut out, u32::try_from(head.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(head);
    out.extend_from_slice(content);
    out
}

/// The number of a registered application, which must go out as such, else its URI.
fn application_of(uri: &str) -> String {
    crate::codec::sia::application_code(uri).map_or_else(|| uri.to_owned(), |code| code.to_string())
}

impl Push<'_> {
    /// The SIR that this carries.
    ///
    /// # Errors
    /// As [`Sir::decode`]; offsets count in the part concerned.
    pub fn sir(&self) -> Result<Sir, DecodeError> {
        let headers = &self.content.headers;
        let content_type = self.content.content_type.to_string();
        let application = application(headers);
        let header = |name: &str| {
            if name.eq_ignore_ascii_case(APPLICATION) {
                return application.as_deref().into_iter().collect();
            }
            headers
                .named(name)
                .filter_map(|field| field.text())
                .collect()
        };
        Sir::decode(&Received {
            to: text(headers, TO).unwrap_or_default(),
            from: text(headers, FROM).unwrap_or_default(),
            reply_to: text(headers, REPLY_TO),
            header: &header,
            content_type: &content_type,
            body: self.content.body,
        })
    }

    /// What was wrapped into this; headers and dispositions that no SIR has are left out.
    #[must_use]
    pub fn wrapped(&self) -> Wrapped {
        let headers = &self.content.headers;
        let own = |name: &str| text(headers, name).map(str::to_owned);
        let rows = headers.fields().filter_map(|field| {
            let name = *NAMES.iter().find(|name| field.is(name))?;
            let value = match field.text() {
                Some(text) => text.to_owned(),
                None if name == APPLICATION => application(headers)?,
                None => return None,
            };
            Some((name, value))
        });
        let disposition = headers
            .named(DISPOSITION)
            .next()
            .map(|field| field.to_string());
        Wrapped {
            to: own(TO).unwrap_or_default(),
            from: own(FROM).unwrap_or_default(),
            reply_to: own(REPLY_TO),
            headers: rows.collect(),
            content_type: self.content.content_type.to_string(),
            disposition: DISPOSITIONS
                .into_iter()
                .find(|known| disposition.as_deref() == Some(*known)),
            body: self.content.body.to_vec(),
        }
    }
}

/// The SIR of a datagram, read leniently as receivers must.
///
/// # Errors
/// Those of the push and of [`Sir::decode`].
pub fn sir_of(octets: &[u8]) -> Result<Sir, DecodeError> {
    Push::read(octets, &mut Rigour::of(true))?.sir()
}

fn text<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    headers.named(name).find_map(|field| field.text())
}

/// The URI of the application the push is for.
fn application(headers: &Headers<'_>) -> Option<String> {
    let field = headers.named(APPLICATION).next()?;
    let number = field
        .value
        .integer()
        .and_then(|number| u32::try_from(number).ok());
    match (field.text(), number) {
        (Some(uri), _) => Some(uri.to_owned()),
        (None, Some(code)) => {
            Some(application_uri(code).map_or_else(|| code.to_string(), str::to_owned))
        }
        _ => None,
    }
}
