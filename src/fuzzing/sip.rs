//! SIP and what travels in it.

use bytes::Bytes;

use crate::codec::device_id::DeviceId;
use crate::codec::sia::Sia;
use crate::codec::sip::{self, Frame, Framed, Framer, Index};
use crate::codec::sir::Sir;
use crate::codec::stun::{self, Stun};
use crate::codec::uri::Uri;
use crate::codec::{mime, msrp, sdp};
use crate::limits;

/// One SIP message as a datagram: frame and message agree, every typed accessor ends.
pub fn sip(octets: &[u8]) {
    let mut index = Index::default();
    let framed = Frame::decode(octets, &mut index).is_ok();
    let message = sip::Message::decode(Bytes::copy_from_slice(octets));
    assert_eq!(framed, message.is_ok(), "frame and message disagree");
    let Ok(message) = message else { return };
    let _ = (
        message.request_uri(),
        message.via(),
        message.from(),
        message.to(),
        message.call_id(),
        message.cseq(),
    );
    let _ = (
        message.max_forwards(),
        message.expires(),
        message.content_type(),
        message.check_request(),
    );
    for contact in message.contacts() {
        let _ = contact;
    }
    for (name, _, value) in message.headers() {
        let _ = (message.header(name), message.list(name).count(), value);
    }
    assert!(
        message.body().len() <= octets.len(),
        "a body longer than its message"
    );
    let _ = Sir::from_sip(&message);
}

/// Octets of a SIP stream, in two cuts: the framer keeps at most one message.
pub fn sip_stream(octets: &[u8]) {
    let mut framer = Framer::new(limits::SIP_MESSAGE_OCTETS);
    let cut = octets
        .first()
        .map_or(0, |first| usize::from(*first).min(octets.len()));
    let (head, tail) = octets.split_at(cut);
    for part in [head, tail] {
        framer.push(part);
        while let Some(next) = framer.next() {
            match next {
                Ok(Framed::Message(message)) => {
                    assert!(message.octets().len() <= limits::SIP_MESSAGE_OCTETS)
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// A URI equals itself and reads again as written.
pub fn uri(octets: &[u8]) {
    let Ok(uri) = Uri::decode(octets) else { return };
    let again = Uri::decode(uri.as_str().as_bytes());
    assert!(
        again.is_ok_and(|again| again.is_equal(&uri)),
        "a URI that is not itself"
    );
    let _ = (uri.aor(), uri.gr(), uri.param("transport"));
}

/// Challenges and credentials.
pub fn digest(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let _ = sip::digest::Challenge::decode(text.as_bytes());
    let _ = sip::digest::Credentials::decode(text.as_bytes());
}

/// An identifier matches itself, and its canonical text names the same device.
pub fn device_id(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let Ok(id) = DeviceId::decode(text) else {
        return;
    };
    assert!(
        id.matches(&id) && id.as_str() == text,
        "an identifier that is not itself"
    );
    let canonical = DeviceId::decode(&id.canonical().to_string());
    assert!(
        canonical.is_ok_and(|canonical| canonical == id),
        "the canonical text names another device"
    );
}

/// A SIA body, strict and lenient.
pub fn sia(octets: &[u8]) {
    let _ = Sia::decode_lenient(octets);
    let Ok(sia) = Sia::decode(octets) else { return };
    let again = Sia::decode(&sia.encode());
    assert_eq!(
        again.as_ref().ok(),
        Some(&sia),
        "a SIA body that changes by writing"
    );
}

/// A SIR as a SIP MESSAGE that carries the octets as its body, in each of the forms a body has.
pub fn sir(octets: &[u8]) {
    let draft = || {
        sip::Draft::request(sip::Method::Message, "sip:alice@example.com")
            .header("From", "<sip:push@ppg.example.com>;tag=f")
            .header("To", "<sip:alice@example.com>")
            .header("Call-ID", "f")
            .header("CSeq", "1 MESSAGE")
    };
    for content_type in [
        "application/vnd.wap.sia",
        "text/plain",
        "multipart/mixed;boundary=b",
    ] {
        let message = draft()
            .body(content_type, octets)
            .finish_with_via("SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKf");
        if let Ok(sir) = Sir::from_sip(&message) {
            let again = sir.encode().decode();
            assert_eq!(
                again.as_ref().ok().map(Sir::places),
                Some(sir.places()),
                "a SIR that changes by writing"
            );
        }
    }
}

/// A multipart body.
pub fn mime(octets: &[u8]) {
    if let Ok(parts) = mime::parts(
        "multipart/related; boundary=b1; type=\"application/xml\"",
        octets,
    ) {
        assert!(parts.len() <= limits::MIME_PARTS);
    }
    if let Ok(text) = core::str::from_utf8(octets) {
        let _ = mime::MediaType::decode(text);
        let _ = mime::parts(text, b"--b1\r\n\r\n--b1--");
    }
}

/// Octets of an MSRP stream: what is framed is written again as it came.
pub fn msrp(octets: &[u8]) {
    let mut framer = msrp::Framer::new();
    framer.push(octets);
    while let Some(Ok(message)) = framer.next() {
        let encoded = message.encode();
        assert_eq!(
            msrp::Message::decode(&encoded).ok(),
            Some(message),
            "a message that changes by writing"
        );
    }
}

/// The SDP of an MSRP session.
pub fn sdp(octets: &[u8]) {
    let Ok(mut sdp) = sdp::Sdp::decode(octets) else {
        return;
    };
    let written = sdp.encode();
    let again = sdp::Sdp::decode(&written).ok();
    // Media of others are written as declined, and stay so.
    if let Some(again) = &again {
        assert_eq!(again.encode(), written, "an SDP that changes by writing");
        sdp.other_media.clone_from(&again.other_media);
    }
    assert_eq!(again, Some(sdp), "an SDP that is read otherwise");
}

/// STUN.
pub fn stun(octets: &[u8]) {
    if stun::is_stun(octets) {
        let _ = Stun::decode(octets);
    }
}
