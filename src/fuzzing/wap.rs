//! The formats of WAP push, short messages, and documents.

use core::time::Duration;

use crate::codec::pap::address::ClientAddress;
use crate::codec::{
    self, download_descriptor, installation, pap, presence, smpp, sms, ussd, wbxml, wsp, wtp,
};
use crate::time::Time;

use super::{STARTED, promises};

/// Requests, responses and headers of push over HTTP.
pub fn ota_http(octets: &[u8]) {
    promises(&codec::ota_http::REQUEST_FORMAT, octets);
    promises(&codec::ota_http::RESPONSE_FORMAT, octets);
    promises(&codec::ota_http::HEADER_FORMAT, octets);
    promises(&codec::ota_http::VERSION_FORMAT, octets);
}

/// A presence document.
pub fn pidf(octets: &[u8]) {
    promises(&presence::FORMAT, octets);
}

/// A registration document.
pub fn reginfo(octets: &[u8]) {
    promises(&codec::reginfo::FORMAT, octets);
}

/// A download descriptor.
pub fn dd(octets: &[u8]) {
    promises(&download_descriptor::FORMAT, octets);
}

/// Installation information, and what it is imported from: an Apple manifest, an F-Droid index, a download descriptor.
pub fn installation(octets: &[u8]) {
    promises(&installation::FORMAT, octets);
    let manifest = installation::of_apple(octets).unwrap_or_default();
    let index = installation::of_fdroid(octets).unwrap_or_default();
    for information in manifest.iter().chain(&index) {
        let again = installation::Information::decode(&information.encode());
        assert_eq!(again.as_ref(), Ok(information));
    }
    let Ok(descriptor) = download_descriptor::Descriptor::decode(octets) else {
        return;
    };
    if let Ok(carried) = installation::carried(&descriptor) {
        let again = installation::described(&carried);
        assert_eq!(installation::carried(&again).ok(), Some(carried));
    }
}

/// A message summary.
pub fn message_summary(octets: &[u8]) {
    promises(&codec::message_summary::FORMAT, octets);
}

/// Content in records.
pub fn aes128gcm(octets: &[u8]) {
    promises(&codec::web_push::record::FORMAT, octets);
}

/// Messages between a browser and its push service.
pub fn push_socket(octets: &[u8]) {
    promises(&codec::web_push::autopush::FORMAT, octets);
}

/// Signed tokens.
pub fn jwt(octets: &[u8]) {
    promises(&codec::jwt::FORMAT, octets);
}

/// Payloads and answers of Apple's push service.
pub fn apns(octets: &[u8]) {
    promises(&codec::apns::payload::FORMAT, octets);
    promises(&codec::apns::answer::FORMAT, octets);
}

/// Messages and answers of Firebase Cloud Messaging, and of the endpoint that gives access to it.
pub fn fcm(octets: &[u8]) {
    for format in [
        codec::fcm::message::FORMAT,
        codec::fcm::answer::FORMAT,
        codec::fcm::grant::FORMAT,
    ] {
        promises(&format, octets);
    }
}

/// Who sends a push.
pub fn vapid(octets: &[u8]) {
    promises(&codec::web_push::vapid::FORMAT, octets);
}

/// User data, TPDUs of both directions, a text header, and segments of one sender.
pub fn sms(octets: &[u8]) {
    for format in [
        sms::FORMAT_UD,
        sms::FORMAT_DELIVER,
        sms::FORMAT_SUBMIT,
        sms::FORMAT_SCK,
    ] {
        promises(&format, octets);
    }
    let mut reassembler = sms::Reassembler::new(Duration::from_secs(1));
    let mut lost = Vec::new();
    for (number, piece) in octets.chunks(24).enumerate() {
        let now = STARTED + Duration::from_millis(u64::try_from(number).unwrap_or(0) * 10);
        reassembler.expire(now, &mut lost);
        let Ok(read) = sms::UserData::decode(piece) else {
            continue;
        };
        if let Some(place) = read.concatenation() {
            let from = piece.get(..1).unwrap_or_default();
            reassembler.take(now, from, read.ports(), place, read.payload, &mut lost);
        }
        lost.clear();
    }
    // What waits is charged with the room it takes: for each piece some places in tables beside its octets.
    let pieces = octets.len().div_ceil(24);
    assert!(
        reassembler.octets() <= octets.len() + pieces * 256,
        "more waits than came"
    );
    reassembler.expire(Time::FAR, &mut lost);
    assert!(
        reassembler.is_empty() && reassembler.octets() == 0,
        "what was given up waits"
    );
}

/// An SMPP PDU, and the front of a stream.
pub fn smpp(octets: &[u8]) {
    promises(&smpp::FORMAT, octets);
    let _ = smpp::length(octets);
    let Ok(pdu) = smpp::Pdu::decode(octets) else {
        return;
    };
    if let smpp::Body::Message(message) = pdu.body {
        let _ = message.user_data(pdu.tlvs);
    }
    if let Ok(again) = pdu.encode() {
        assert_eq!(
            smpp::Pdu::decode(&again).ok(),
            Some(pdu),
            "a PDU that changes by writing"
        );
    }
}

/// A UDCP PDU and a USSD string.
pub fn ussd(octets: &[u8]) {
    promises(&ussd::FORMAT_UDCP, octets);
    promises(&ussd::FORMAT_STRING, octets);
    promises(&ussd::FORMAT_MOBILE_BEGIN, octets);
    promises(&ussd::FORMAT_MOBILE_CONTINUE, octets);
}

/// A connectionless datagram, a header block and a media type of WSP.
pub fn wsp(octets: &[u8]) {
    for format in [
        wsp::fields::FORMAT,
        wsp::fields::HEADERS,
        wsp::fields::CONTENT_TYPE,
        wsp::fields::TEXT_STRING,
    ] {
        promises(&format, octets);
    }
    if let Ok(push) = wsp::Push::decode(octets) {
        assert_eq!(push.encode(), octets, "a push that changes by writing");
        let _ = push.sir();
    }
}

/// A WTP datagram, and its octets as segments of a message.
pub fn wtp(octets: &[u8]) {
    promises(&wtp::fields::FORMAT, octets);
    let mut message = wtp::segment::Reassembly::new();
    for piece in octets.chunks(8) {
        let Ok(pdu) = wtp::Pdu::decode(piece, &mut wsp::Rigour::Strict) else {
            continue;
        };
        if let (Some(place), Some(psn)) = (pdu.place(), pdu.psn()) {
            message.take(psn, place, pdu.data);
        }
    }
}

/// A service indication, in WBXML and in XML.
pub fn si(octets: &[u8]) {
    promises(&wbxml::si::FORMAT, octets);
    promises(&wbxml::si::XML_FORMAT, octets);
}

/// A service loading, in both.
pub fn sl(octets: &[u8]) {
    promises(&wbxml::sl::FORMAT, octets);
    promises(&wbxml::sl::XML_FORMAT, octets);
}

/// A cache operation, in both.
pub fn co(octets: &[u8]) {
    promises(&wbxml::co::FORMAT, octets);
    promises(&wbxml::co::XML_FORMAT, octets);
}

/// An email notification, in both.
pub fn emn(octets: &[u8]) {
    promises(&wbxml::emn::FORMAT, octets);
    promises(&wbxml::emn::XML_FORMAT, octets);
}

/// The HTTP body of a PAP message.
pub fn pap_body(octets: &[u8]) {
    promises(&pap::BODY_FORMAT, octets);
}

/// A PAP document.
pub fn pap(octets: &[u8]) {
    promises(&pap::XML_FORMAT, octets);
    let Ok(document) = pap::decode(octets) else {
        return;
    };
    let again = pap::decode(&document.encode());
    assert_eq!(
        again.ok().map(|again| again.operation),
        Some(document.operation),
        "a document that changes by writing"
    );
}

/// A client address.
pub fn client_address(octets: &[u8]) {
    promises(&pap::ADDRESS_FORMAT, octets);
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    if let Ok(address) = ClientAddress::decode(text) {
        assert_eq!(address.as_str(), text, "an address is echoed as written");
    }
}
