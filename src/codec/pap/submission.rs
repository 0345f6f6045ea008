//! The entities of a PAP message in its HTTP body: control, content, capabilities.
//!
//! **Source:** WAP-247 sections 5.1, 7 (entities and their order), RFC 2387 (multipart/related), RFC 2045 section 6
//! (transfer encodings). Not here: HTTP itself.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Document, FORMAT, Operation, Refusal, read};
use crate::codec::mime::{self, MediaType, Part};
use crate::codec::{Class, DecodeError};

/// An entity beside the control entity, its transfer encoding undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// Its headers, the push message headers among them.
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
    /// Its media type with parameters.
    pub content_type: Cow<'a, str>,
    /// Its octets.
    pub body: Cow<'a, [u8]>,
    /// Where it begins in the HTTP body.
    pub at: usize,
}

impl Content<'_> {
    /// The value of the first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}

/// A PAP message: the control entity, the content of a push, the capabilities assumed or answered.
pub type Submission<'a> = (Document, Option<Content<'a>>, Option<Content<'a>>);

/// Reads an HTTP body of that content type: a control entity alone, or a multipart/related that begins with one.
///
/// # Errors
///
/// A wrong content type, a broken multipart, entities that are missing or too many, a control entity that is none. The
/// refusal knows the answer to send; its offset counts in the whole body.
pub fn submission<'a>(content_type: &str, body: &'a [u8]) -> Result<Submission<'a>, Box<Refusal>> {
    let unread = |error| Refusal::unread(error, body);
    let media = MediaType::decode(content_type).map_err(unread)?;
    if is_xml(&media) {
        let document = read(body)?;
        return match document.operation {
            Operation::PushMessage(_) => {
                let error = fault(body.len(), "a content entity");
                Err(Refusal::beside(error, &document, body))
            }
            _ => Ok((document, None, None)),
        };
    }
    let names_xml = |kind: &str| {
        [XML, TEXT_XML]
            .iter()
            .any(|it| kind.eq_ignore_ascii_case(it))
    };
    if !media.is("multipart/related") || !media.parameter("type").is_none_or(names_xml) {
        let error = fault(0, "application/xml, or multipart/related of that type");
        return Err(unread(error));
    }
    let parts = mime::parts_of(&media, body).map_err(unread)?;
    let mut entities = parts.iter();
    let control = entities
        .next()
        .ok_or_else(|| unread(fault(body.len(), "a control entity")))?;
    let document = control_of(control, body)?;
    match others(&document, entities.as_slice(), body.len()) {
        Ok((content, capabilities)) => Ok((document, content, capabilities)),
        Err(error) => Err(Refusal::beside(error, &document, body)),
    }
}

/// Composes the HTTP body of a message: content type and octets. `headers` are those of the content, its Content-Type
/// among them.
#[must_use]
pub fn compose(
    document: &Document,
    headers: &[(&str, &str)],
    content: Option<&[u8]>,
) -> (String, Vec<u8>) {
    let control = document.encode();
    let Some(body) = content else {
        return (XML.to_owned(), control);
    };
    let boundary = mime::boundary("pap", &[&control, body]);
    let parts = [
        Part {
            headers: vec![("Content-Type", XML)],
            body: &control,
            at: 0,
        },
        Part {
            headers: headers.to_vec(),
            body,
            at: 0,
        },
    ];
    let content_type = format!("multipart/related; boundary={boundary}; type=\"{XML}\"");
    (content_type, mime::compose(&boundary, &parts))
}

const XML: &str = "application/xml";
/// The older name, which initiators in the field write.
const TEXT_XML: &str = "text/xml";

fn is_xml(media: &MediaType<'_>) -> bool {
    media.is(XML) || media.is(TEXT_XML)
}

fn control_of(part: &Part<'_>, whole: &[u8]) -> Result<Document, Box<Refusal>> {
    let unread = |error| Refusal::unread(error, whole);
    let at = part.at;
    let media = MediaType::decode(part.content_type()).map_err(|error| {
        unread(DecodeError {
            offset: at,
            ..error
        })
    })?;
    if !is_xml(&media) {
        return Err(unread(fault(
            part.at,
            "application/xml in the first entity",
        )));
    }
    let octets = decoded(part).map_err(unread)?;
    read(&octets).map_err(|mut refusal| {
        refusal.error = refusal.error.within(part.at);
        refusal
    })
}

type Others<'a> = (Option<Content<'a>>, Option<Content<'a>>);

/// The entities after the control entity, as its operation wants them.
fn others<'a>(
    document: &Document,
    parts: &[Part<'a>],
    end: usize,
) -> Result<Others<'a>, DecodeError> {
    match (&document.operation, parts) {
        (Operation::PushMessage(_), []) => Err(fault(end, "a content entity")),
        (Operation::PushMessage(_), [content]) => Ok((Some(entity(content)?), None)),
        (Operation::PushMessage(_), [content, capabilities]) => {
            Ok((Some(entity(content)?), Some(entity(capabilities)?)))
        }
        (Operation::CcqResponse(_), [capabilities]) => Ok((None, Some(entity(capabilities)?))),
        (_, []) => Ok((None, None)),
        (_, [.., last]) => Err(fault(last.at, "no further entity")),
    }
}

fn entity<'a>(part: &Part<'a>) -> Result<Content<'a>, DecodeError> {
    let header = |(name, value): &(&'a str, &'a str)| (*name, unfolded(value));
    Ok(Content {
        headers: part.headers.iter().map(header).collect(),
        content_type: unfolded(part.content_type()),
        body: decoded(part)?,
        at: part.at,
    })
}

/// A value on one line.
fn unfolded(value: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\n', value.as_bytes()).is_none() {
        return Cow::Borrowed(value.trim());
    }
    let lines: Vec<&str> = value.lines().map(str::trim).collect();
    Cow::Owned(lines.join(" "))
}

/// The octets of a part with its transfer encoding undone.
fn decoded<'a>(part: &Part<'a>) -> Result<Cow<'a, [u8]>, DecodeError> {
    let Some(encoding) = part.header("Content-Transfer-Encoding") else {
        return Ok(Cow::Borrowed(part.body));
    };
    let encoding = encoding.trim().to_ascii_lowercase();
    match encoding.as_str() {
        "7bit" | "8bit" | "binary" => Ok(Cow::Borrowed(part.body)),
        "base64" => {
            let blank = |b: &u8| b.is_ascii_whitespace();
            let digits: Vec<u8> = part.body.iter().copied().filter(|b| !blank(b)).collect();
            let octets = STANDARD
                .decode(digits)
                .map_err(|_| fault(part.at, "base64 text"))?;
            Ok(Cow::Owned(octets))
        }
        "quoted-printable" => unquoted(part).map(Cow::Owned),
        _ => Err(fault(part.at, "a transfer encoding of MIME")),
    }
}

/// Undoes quoted-printable (RFC 2045 section 6.7).
fn unquoted(part: &Part<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut octets = Vec::with_capacity(part.body.len());
    let mut rest = part.body;
    loop {
        rest = match rest {
            [] => return Ok(octets),
            [b'=', b'\r', b'\n', tail @ ..] | [b'=', b'\n', tail @ ..] => tail,
            [b'=', high, low, tail @ ..] => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                let octet = digit(high)
                    .zip(digit(low))
                    .and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                let read = part.body.len().saturating_sub(rest.len());
                let at = part.at.saturating_add(read);
                octets.push(octet.ok_or_else(|| fault(at, "two hexadecimal digits after ="))?);
                tail
            }
            [b'=', ..] => {
                let read = part.body.len().saturating_sub(rest.len());
                let at = part.at.saturating_add(read);
                return Err(fault(at, "two hexadecimal digits after ="));
            }
            [octet, tail @ ..] => {
                octets.push(*octet);
                tail
            }
        }
    }
}

const fn fault(at: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: FORMAT,
        offset: at,
        class: Class::MimeBad,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{CcqResponse, PushMessage, Status, Version};
    use super::*;

    fn vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("../../../testdata/pap/submissions.json")).unwrap()
    }

    fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
        vector[key].as_str().unwrap()
    }

    fn named(name: &str) -> (String, String) {
        let all = vectors();
        let vector = all.iter().find(|vector| vector["name"] == name).unwrap();
        (
            text(vector, "content-type").into(),
            text(vector, "body").into(),
        )
    }

    #[test]
    fn every_body_of_the_vectors_reads_or_is_answered_as_expected() {
        for vector in vectors() {
            let name = text(&vector, "name");
            let body = text(&vector, "body").as_bytes();
            let result = submission(text(&vector, "content-type"), body);
            if let Some(fault) = vector["fault"].as_str() {
                let refusal = result.unwrap_err();
                assert_eq!(refusal.error.class.name(), fault, "{name}");
                assert_eq!(refusal.code(), 2000, "{name}");
                if let Some(element) = vector["expected"]["element"].as_str() {
                    assert_eq!(refusal.answer().operation.name(), element, "{name}");
                }
                continue;
            }
            let (document, content, capabilities) =
                result.unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(matches!(document.operation, Operation::PushMessage(_)));
            let parts = vector["parts"].as_array().unwrap();
            let content = content.unwrap();
            assert_eq!(*content.content_type, parts[1], "{name}");
            assert_eq!(capabilities.is_some(), parts.len() > 2, "{name}");
            if let Some(hex) = vector["content_hex"].as_str() {
                let octets: String = content.body.iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(octets, hex, "{name}");
            }
        }
    }

    #[test]
    fn the_headers_of_the_content_come_with_it() {
        let (content_type, body) = named("pap-body-two-parts");
        let (_, content, _) = submission(&content_type, body.as_bytes()).unwrap();
        let content = content.unwrap();
        assert_eq!(
            content.header("x-wap-application-id"),
            Some("x-wap-application:wml.ua")
        );
        assert!(body[content.at..].starts_with("<?xml version=\"1.0\"?>\n<!DOCTYPE si"));
        let folded = body.replace("Id: x-wap", "Id:\r\n  x-wap");
        let (_, content, _) = submission(&content_type, folded.as_bytes()).unwrap();
        let content = content.unwrap();
        let value = content.header("X-Wap-Application-Id").map(str::trim);
        assert_eq!(value, Some("x-wap-application:wml.ua"));
    }

    #[test]
    fn a_fault_in_the_control_entity_counts_from_the_start_of_the_body() {
        let (content_type, body) = named("pap-body-two-parts");
        let body = body.replace("<address ", "<adress ");
        let refusal = submission(&content_type, body.as_bytes()).unwrap_err();
        assert_eq!(refusal.error.offset, body.find("<adress").unwrap());
        assert_eq!(refusal.push_id.as_deref(), Some("m1@pi.example"));
        assert_eq!(refusal.answer().operation.name(), "push-response");
    }

    #[test]
    fn a_wrong_content_type_is_a_bad_message() {
        let (good, body) = named("pap-body-two-parts");
        for content_type in [
            "text/plain",
            "multipart/mixed; boundary=b1",
            "multipart/related; boundary=b1; type=\"text/html\"",
            "multipart/related",
            "multipart/related; boundary=b2",
            "",
            "xml",
        ] {
            let refusal = submission(content_type, body.as_bytes()).unwrap_err();
            assert_eq!(refusal.error.class, Class::MimeBad, "{content_type}");
            let answer = refusal.answer();
            assert_eq!(
                answer.operation.name(),
                "badmessage-response",
                "{content_type}"
            );
            assert_eq!(answer.version, Version::V1_0, "{content_type}");
        }
        for content_type in [good.as_str(), "Multipart/Related;boundary=\"b1\""] {
            assert!(
                submission(content_type, body.as_bytes()).is_ok(),
                "{content_type}"
            );
        }
    }

    #[test]
    fn a_push_needs_content_even_when_it_comes_alone() {
        let push = Operation::PushMessage(PushMessage {
            push_id: "a".into(),
            addresses: vec!["x".into()],
            ..PushMessage::default()
        });
        let document = Document::new(Version::V2_0, true, push);
        let (content_type, body) = compose(&document, &[], None);
        let refusal = submission(&content_type, &body).unwrap_err();
        assert_eq!(refusal.answer().operation.name(), "push-response");
        let (content_type, body) = compose(&document, &[("Content-Type", "a/b")], Some(b"pap1"));
        let (again, content, capabilities) = submission(&content_type, &body).unwrap();
        assert_eq!((again, capabilities), (document, None));
        assert_eq!(content.unwrap().body.as_ref(), b"pap1");
    }

    #[test]
    fn the_answer_to_a_capability_query_has_the_capabilities_second() {
        let response = Operation::CcqResponse(CcqResponse {
            address: "x".into(),
            code: 1000,
            ..CcqResponse::default()
        });
        let document = Document::new(Version::V2_0, true, response);
        let (content_type, body) = compose(&document, &[("Content-Type", XML)], Some(b"<rdf/>"));
        let (_, content, capabilities) = submission(&content_type, &body).unwrap();
        assert_eq!(content, None);
        assert_eq!(capabilities.unwrap().body.as_ref(), b"<rdf/>");
    }

    #[test]
    fn entities_too_many_are_refused() {
        let (content_type, body) = named("pap-body-three-parts");
        let more = body.replace("--b1--", "--b1\r\n\r\nmore\r\n--b1--");
        assert!(submission(&content_type, more.as_bytes()).is_err());
        let (content_type, body) = named("pap-body-two-parts");
        let cancel = body
            .replace("<push-message", "<cancel-message")
            .replace("</push-message", "</cancel-message");
        assert!(submission(&content_type, cancel.as_bytes()).is_err());
    }

    #[test]
    fn transfer_encodings_are_undone() {
        let (content_type, body) = named("pap-body-three-parts");
        let with = |encoding: &str, octets: &str| {
            let body = body
                .replace("Encoding: base64", &format!("Encoding: {encoding}"))
                .replace("AAKyggjECyPxCgAAAQ==", octets);
            let result = submission(&content_type, body.as_bytes());
            result
                .map(|(_, content, _)| content.unwrap().body.into_owned())
                .ok()
        };
        assert_eq!(with("BASE64", "aGk=\r\n"), Some(b"hi".to_vec()));
        assert_eq!(with("base64", "aGk"), None);
        assert_eq!(
            with("quoted-printable", "a=3Db=\r\nc"),
            Some(b"a=bc".to_vec())
        );
        assert_eq!(with("quoted-printable", "a=3"), None);
        assert_eq!(with("quoted-printable", "a=xx"), None);
        assert_eq!(with("8bit", "a=3D"), Some(b"a=3D".to_vec()));
        assert_eq!(with("rot13", "a"), None);
    }

    #[test]
    fn every_malformed_set_is_refused_with_its_code() {
        let file = include_str!("../../../testdata/pap/malformed.json");
        let vectors: Vec<Value> = serde_json::from_str(file).unwrap();
        for vector in vectors {
            let name = text(&vector, "name");
            let body = text(&vector, "body").as_bytes();
            let answer = match submission(text(&vector, "content-type"), body) {
                Err(refusal) => (refusal.answer().operation.name().to_owned(), refusal.code()),
                Ok((document, ..)) => {
                    let Operation::PushMessage(push) = document.operation else {
                        panic!("{name}: {document:?}");
                    };
                    assert!(push.client_addresses().is_err(), "{name}");
                    ("push-response".to_owned(), Status::AddressError.code())
                }
            };
            let expected = (text(&vector, "element").to_owned(), vector["code"].clone());
            assert_eq!((answer.0, Value::from(answer.1)), expected, "{name}");
        }
    }

    #[test]
    fn no_damage_makes_the_reader_panic() {
        for vector in vectors() {
            let (content_type, body) = (text(&vector, "content-type"), text(&vector, "body"));
            for at in 0..body.len() {
                let _ = submission(content_type, &body.as_bytes()[..at]);
                let mut damaged = body.as_bytes().to_vec();
                damaged[at] = b"\r\n-:=<\xff"[at % 7];
                if let Err(refusal) = submission(content_type, &damaged) {
                    assert!(refusal.error.offset <= damaged.len());
                }
            }
        }
    }
}
