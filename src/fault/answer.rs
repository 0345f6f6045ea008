//! Answers that nobody gave: what a rule says in the place of the one that was asked.
//!
//! **Source:** RFC 3261 section 8.2.6 (what a response takes from its request), SMPP 3.4 section 3.2, WAP-224 section
//! 8.3.4 (abort), WAP-247 section 9.

use bytes::Bytes;
use memchr::memmem;

use crate::codec::pap::{
    self, Document, Operation, PushResponse, ResultNotificationResponse, Version,
};
use crate::codec::smpp::Command;
use crate::world::HttpResponse;

/// A response of SIP to the request.
#[must_use]
pub fn sip(status: u16, retry_after: Option<u64>, request: &[u8]) -> Option<Bytes> {
    let head = memmem::find(request, b"\r\n\r\n").and_then(|end| request.get(..end))?;
    let head = core::str::from_utf8(head).ok()?;
    let mut response = format!("SIP/2.0 {status} Fault on purpose\r\n");
    for line in head.split("\r\n").skip(1) {
        let (name, value) = line.split_once(':')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "via" | "v" | "from" | "f" | "call-id" | "i" | "cseq" => response.push_str(line),
            "to" | "t" => {
                response.push_str(line);
                if !value.contains(";tag=") {
                    response.push_str(";tag=fault");
                }
            }
            _ => continue,
        }
        response.push_str("\r\n");
    }
    if let Some(seconds) = retry_after {
        response.push_str(&format!("Retry-After: {seconds}\r\n"));
    }
    response.push_str("Content-Length: 0\r\n\r\n");
    Some(response.into())
}

/// A response of SMPP to the request.
#[must_use]
pub fn smpp(status: u32, request: &[u8]) -> Option<Bytes> {
    let word = |at: usize| {
        let octets = request.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(octets.try_into().ok()?))
    };
    let command = Command(word(4)?);
    let sequence = word(12)?;
    let takes_id = [Command::SUBMIT_SM, Command::DELIVER_SM, Command::DATA_SM];
    // A response that failed has no body (SMPP 3.4 section 4.4.2); one that did not has a message_id.
    let body: &[u8] = if status == 0 && takes_id.contains(&command) {
        &[0]
    } else {
        &[]
    };
    let length = u32::try_from(body.len().saturating_add(16)).ok()?;
    let head = [length, command.response().0, status, sequence];
    let mut response: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes()).collect();
    response.extend_from_slice(body);
    Some(response.into())
}

/// The abort of a transaction of WTP by its responder.
#[must_use]
pub fn wsp(reason: u8, invoke: &[u8]) -> Option<Bytes> {
    // Abort by the user; the number of the transaction with the bit of the direction turned.
    let (high, low) = (*invoke.get(1)?, *invoke.get(2)?);
    Some(Bytes::from(vec![(4 << 3) | 1, high ^ 0x80, low, reason]))
}

/// A response of HTTP.
#[must_use]
pub fn http(status: u16, retry_after: Option<u64>) -> HttpResponse {
    let mut headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    headers.extend(retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
    HttpResponse {
        status,
        headers,
        body: Bytes::from_static(b"fault on purpose\n"),
    }
}

/// An answer of PAP to the document in the request.
#[must_use]
pub fn pap(code: u16, request: &[u8]) -> HttpResponse {
    let desc = Some("fault on purpose".to_owned());
    let bad = || {
        Operation::BadMessage(pap::BadMessage {
            code,
            desc: desc.clone(),
            fragment: None,
        })
    };
    let from = memmem::find(request, b"<?xml").unwrap_or(0);
    let to = memmem::find(request, b"</pap>").map(|at| at.saturating_add(6));
    let document = to.and_then(|to| pap::decode(request.get(from..to)?).ok());
    let operation = match document.as_ref().map(|document| &document.operation) {
        Some(Operation::PushMessage(message)) => Operation::PushResponse(PushResponse {
            push_id: message.push_id.clone(),
            code,
            desc: desc.clone(),
            ..PushResponse::default()
        }),
        Some(Operation::ResultNotification(result)) => {
            Operation::ResultNotificationResponse(ResultNotificationResponse {
                push_id: result.push_id.clone(),
                address: result.address.clone(),
                code,
                desc: desc.clone(),
            })
        }
        _ => bad(),
    };
    let document = match document {
        Some(asked) => asked.reply(operation),
        None => Document::new(Version::V2_0, false, operation),
    };
    HttpResponse {
        status: 202,
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        body: document.encode().into(),
    }
}

/// The delivery receipt in this PDU as one that tells a failure.
#[must_use]
pub fn failed_receipt(pdu: &[u8]) -> Bytes {
    let mut octets = pdu.to_vec();
    // Text and parameter say the same (SMPP 3.4 appendix B and section 5.3.2.35).
    for (told, lie) in [
        (&b"stat:DELIVRD"[..], &b"stat:UNDELIV"[..]),
        (b"err:000", b"err:001"),
        (
            &[0x04, 0x27, 0x00, 0x01, 0x02],
            &[0x04, 0x27, 0x00, 0x01, 0x05],
        ),
    ] {
        if let Some(at) = memmem::find(&octets, told)
            && let Some(place) = octets.get_mut(at..at.saturating_add(lie.len()))
        {
            place.copy_from_slice(lie);
        }
    }
    octets.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sip::Message;

    #[test]
    fn a_response_of_sip_takes_from_its_request_what_it_must() {
        let request = b"MESSAGE sip:c1@192.0.2.11 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1\r\n\
            Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c\r\n\
            CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n";
        let response = Message::decode(sip(503, Some(7), request).unwrap()).unwrap();
        response.check_response().unwrap();
        assert_eq!(response.status(), Some(503));
        assert_eq!(response.extension("Retry-After"), Some(&b"7"[..]));
        assert_eq!(response.call_id(), Ok("c"));
        assert!(sip(503, None, b"no request").is_none());
    }

    #[test]
    fn a_response_of_smpp_has_the_number_of_its_request() {
        let request = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 9];
        let response = smpp(0x58, &request).unwrap();
        assert_eq!(
            response.as_ref(),
            [0, 0, 0, 16, 0x80, 0, 0, 0x15, 0, 0, 0, 0x58, 0, 0, 0, 9]
        );
    }

    #[test]
    fn an_abort_is_of_the_transaction_of_its_invoke() {
        assert_eq!(
            wsp(0xE2, &[0x0A, 0x80, 0x05, 0x12]).unwrap().as_ref(),
            [0x21, 0x00, 0x05, 0xE2]
        );
    }

    #[test]
    fn pap_without_a_document_is_answered_as_a_bad_message() {
        let answer = pap(2000, b"garbage");
        let document = pap::decode(&answer.body).unwrap();
        assert!(matches!(document.operation, Operation::BadMessage(bad) if bad.code == 2000));
    }
}
