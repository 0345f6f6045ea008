//! A SIR in OTA-HTTP: the push that a request to a terminal holds, and the SIR of one.
//!
//! **Source:** WAP-235 sections 7.2 (a push is a whole HTTP response in the body of a POST) and 8 (its content);
//! profile E.1 for `X-Sirgate-*`. Not here: the request around it (its rows are of [`super::header`]).

use super::message::Reader;
use crate::codec::DecodeError;
use crate::codec::sir::{Sir, Wrapped};

/// The push with the SIR: the body of a request of type [`super::PUSH_TYPE`].
#[must_use]
pub fn push_of(sir: &Wrapped) -> Vec<u8> {
    response_of(sir.rows(), &sir.content_type, &sir.body)
}

/// The push with those headers and that content.
#[must_use]
pub fn response_of<'a>(
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    content_type: &str,
    content: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len().saturating_add(512));
    out.extend(b"HTTP/1.1 200 OK\r\n");
    for (name, value) in rows {
        put(&mut out, name, value);
    }
    put(&mut out, "Content-Type", content_type);
    put(&mut out, "Content-Length", &content.len().to_string());
    out.extend(b"\r\n");
    out.extend_from_slice(content);
    out
}

fn put(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend(name.bytes());
    out.extend(b": ");
    // A line end inside a value would begin another row.
    out.extend(
        value
            .bytes()
            .filter(|octet| !matches!(octet, b'\r' | b'\n')),
    );
    out.extend(b"\r\n");
}

/// The SIR of a push, read leniently as terminals must.
///
/// # Errors
/// Octets that are no response, and those of [`Sir::decode`].
pub fn sir_of(push: &[u8]) -> Result<Sir, DecodeError> {
    let message = Reader::new(push, 0, true).message(false)?;
    let header = |name: &str| {
        message
            .rows
            .iter()
            .filter(|row| row.name.eq_ignore_ascii_case(name))
            .map(|row| row.value.as_ref())
            .collect()
    };
    Sir::of_rows(
        &header,
        message.value("Content-Type").unwrap_or_default(),
        message.body,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::device_id::DeviceId;
    use crate::codec::ota_http::Message;
    use crate::codec::sir::{App, Ask, Placement};

    fn sir(place: Placement) -> Sir {
        let device = DeviceId::decode("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6").unwrap();
        let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
            .with_devices(place, &[device])
            .with_ask(place, Ask::CAPABILITY)
            .with_apps(place, &[App::named("x-oma-application:dcd.ua", "DCD ö")]);
        sir.id = Some("a-1".to_owned());
        sir.other_server = Some("sip:other@ppg.example.com".to_owned());
        sir
    }

    #[test]
    fn a_push_over_http_reads_back_as_the_sir() {
        for place in Placement::COMBINATIONS {
            for wrapped in [sir(place).encode(), sir(place).encode_text()] {
                assert_eq!(
                    sir_of(&push_of(&wrapped)).unwrap(),
                    wrapped.decode().unwrap(),
                    "{place}"
                );
            }
        }
    }

    #[test]
    fn a_push_over_http_is_a_whole_response() {
        let wrapped = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").encode();
        let push = push_of(&wrapped);
        let text = String::from_utf8(push.clone()).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200 OK\r\nX-Wap-Application-Id: "),
            "{text}"
        );
        let message = Message::decode(&push, false).unwrap();
        assert_eq!(message.value("X-Sirgate-To"), Some("sip:alice@example.com"));
        assert_eq!(message.value("Content-Length"), Some("0"));
    }

    #[test]
    fn a_line_end_in_a_value_begins_no_row() {
        let push = response_of([("X-A", "1\r\nX-B: 2")].into_iter(), "text/plain", b"");
        let message = Message::decode(&push, false).unwrap();
        assert_eq!(message.value("X-A"), Some("1X-B: 2"));
        assert_eq!(message.value("X-B"), None);
    }

    #[test]
    fn a_request_instead_of_a_push_is_no_sir() {
        assert!(sir_of(b"POST /wappush HTTP/1.1\r\n\r\n").is_err());
        assert!(sir_of(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nx").is_err());
    }
}
