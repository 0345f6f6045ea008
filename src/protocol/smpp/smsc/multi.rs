//! Submit_multi: one message to several addresses.
//!
//! **Source:** SMPP 3.4 section 4.5. A distribution list is unknown here, each is refused.

use bytes::Bytes;

use crate::codec::smpp::{Command, Pdu, Status};
use crate::limits;
use crate::protocol::smpp::message::{Address, ShortMessage};

/// The messages that a submit_multi stands for, and the addresses it is refused for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Several {
    pub(super) messages: Vec<ShortMessage>,
    pub(super) refused: Vec<(Address, Status)>,
}

/// Reads the octets after the header; `None` when they are no submit_multi.
pub(super) fn read(octets: &[u8]) -> Option<Several> {
    let mut several = Several::default();
    let mut destinations = Vec::new();
    let mut rest = octets;
    let service_type = text(&mut rest)?;
    let source = party(&mut rest)?;
    let front = [service_type, &[0], &source].concat();
    let count = usize::from(octet(&mut rest)?);
    if count == 0 || count > limits::SMPP_DESTINATIONS {
        return None;
    }
    for _ in 0..count {
        match octet(&mut rest)? {
            1 => destinations.push(party(&mut rest)?),
            2 => {
                let name = Address {
                    text: String::from_utf8_lossy(text(&mut rest)?).into_owned(),
                    ..Address::default()
                };
                several.refused.push((name, Status::INVALID_LIST_NAME));
            }
            _ => return None,
        }
    }
    for destination in destinations {
        // What is left is that of a submit_sm: so is the whole, with one address.
        let body = [&front[..], &destination, rest].concat();
        let mut message = submit(&body)?;
        // All have the same content, which is kept once.
        if let Some(first) = several.messages.first() {
            message.octets = first.octets.clone();
            message.tlvs = first.tlvs.clone();
        }
        several.messages.push(message);
    }
    Some(several)
}

/// The body of the response: the name of the first message, and who was refused.
pub(super) fn response(message_id: &str, refused: &[(Address, Status)]) -> Bytes {
    let refused = refused.get(..255).unwrap_or(refused);
    let mut out = message_id.as_bytes().to_vec();
    out.extend([0, u8::try_from(refused.len()).unwrap_or(u8::MAX)]);
    for (address, status) in refused {
        out.extend([address.ton, address.npi]);
        // An address stands in a field of 21 octets here.
        let text = address.text.as_bytes();
        out.extend(text.get(..20).unwrap_or(text));
        out.push(0);
        out.extend(status.0.to_be_bytes());
    }
    out.into()
}

fn submit(body: &[u8]) -> Option<ShortMessage> {
    let length = u32::try_from(body.len().saturating_add(16)).ok()?;
    let mut octets = Vec::with_capacity(body.len().saturating_add(16));
    for word in [length, Command::SUBMIT_SM.0, 0, 1] {
        octets.extend(word.to_be_bytes());
    }
    octets.extend(body);
    let pdu = Pdu::decode(&octets).ok()?;
    ShortMessage::read(&pdu)
}

fn octet(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|octet| *octet == 0)?;
    let (text, tail) = rest.split_at_checked(end)?;
    *rest = tail.get(1..)?;
    Some(text)
}

/// Type, plan and address with its 00, as they stand.
fn party(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (ton, npi) = (octet(rest)?, octet(rest)?);
    let address = text(rest)?;
    Some([&[ton, npi], address, &[0]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_becomes_one_for_each_address() {
        let mut octets =
            b"\0\x05\0PPG\0\x03\x01\x01\x0115550001\0\x02friends\0\x01\x01\x0115550002\0".to_vec();
        octets.extend(b"\x40\0\0\0\0\x01\0\x04\0\x05hello");
        let several = read(&octets).unwrap();
        let to: Vec<String> = several
            .messages
            .iter()
            .map(|it| it.destination.to_string())
            .collect();
        assert_eq!(to, ["+15550001", "+15550002"]);
        assert!(
            several
                .messages
                .iter()
                .all(|it| it.octets == "hello" && it.esm_class == 0x40)
        );
        assert_eq!(several.refused.len(), 1);
        for cut in 0..octets.len() {
            assert_eq!(read(&octets[..cut]), None);
        }
        let answer = response("a", &several.refused);
        assert_eq!(&answer[..], b"a\0\x01\0\0friends\0\0\0\0\x34");
    }
}
