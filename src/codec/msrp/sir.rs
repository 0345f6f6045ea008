//! A SIR in a SEND on a session that serves something else: push headers are extension headers.
//!
//! **Source:** RFC 4975 section 9 (`ext-header`), profile E.1. A SIR fits one chunk; whose Content-Type is none of a
//! SIR's is a message of the session itself.

use bytes::Bytes;

use super::Request;
use crate::codec::DecodeError;
use crate::codec::sir::{Sir, Wrapped};

impl Request {
    /// The request with a SIR as its content; nothing may be added to its headers afterwards.
    #[must_use]
    pub fn sir(self, sir: &Wrapped) -> Self {
        sir.rows()
            .fold(self, |request, (name, value)| request.header(name, value))
            .content(&sir.content_type, Bytes::copy_from_slice(&sir.body))
    }
}

/// The SIR of a request; `None` when it carries something else.
///
/// # Errors
/// As [`Sir::decode`].
pub fn sir_of(request: &Request) -> Option<Result<Sir, DecodeError>> {
    let content_type = request.content_type()?;
    // An address tells a SIR from a text of the session.
    request.value(crate::codec::sir::TO)?;
    if !Sir::accepts(content_type) {
        return None;
    }
    let header = |name: &str| {
        request
            .headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    };
    let body = request.body.as_deref().unwrap_or_default();
    Some(Sir::of_rows(&header, content_type, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::device_id::DeviceId;
    use crate::codec::msrp::{Message, Method};
    use crate::codec::sir::{App, Ask, Placement};

    fn request() -> Request {
        let to = vec!["msrp://192.0.2.11:2855/abcd;tcp".to_owned()];
        let from = vec!["msrp://192.0.2.5:2855/efgh;tcp".to_owned()];
        Request::new(Method::Send, "t0000001", to, from).header("Message-ID", "m0000001")
    }

    #[test]
    fn a_send_on_a_session_reads_back_as_the_sir() {
        let device = DeviceId::decode("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6").unwrap();
        for place in Placement::COMBINATIONS {
            let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
                .with_devices(place, core::slice::from_ref(&device))
                .with_ask(place, Ask::CAPABILITY)
                .with_apps(place, &[App::new("x-oma-application:dcd.ua")]);
            sir.id = Some("a-1".to_owned());
            for wrapped in [sir.encode(), sir.encode_text()] {
                let octets = request().sir(&wrapped).encode();
                let Message::Request(read) = Message::decode(&octets).unwrap() else {
                    panic!("a request");
                };
                assert_eq!(
                    sir_of(&read).unwrap().unwrap(),
                    wrapped.decode().unwrap(),
                    "{place}"
                );
            }
        }
    }

    #[test]
    fn a_text_of_the_session_is_no_sir() {
        assert!(sir_of(&request()).is_none());
        let text = request().content("text/plain", Bytes::from_static(b"hi"));
        assert!(sir_of(&text).is_none());
    }
}
