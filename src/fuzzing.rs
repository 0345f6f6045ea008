//! Bodies of the fuzz targets: what must hold for any octets. `fuzz/` and `tests/fuzz_smoke.rs` run the same ones.
//!
//! Each target decodes; what decodes is written again and must decode to the same value. Nothing may panic, loop or
//! grow without a bound.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::device_id::DeviceId;
use crate::codec::pap::address::ClientAddress;
use crate::codec::sia::Sia;
use crate::codec::sip::{self, Frame, Framed, Framer, Index};
use crate::codec::sir::Sir;
use crate::codec::stun::{self, Stun};
use crate::codec::uri::Uri;
use crate::codec::{
    self, download_descriptor, mime, msrp, pap, presence, sdp, smpp, sms, ussd, wbxml, wsp, wtp,
};
use crate::gateway::Gateway;
use crate::limits;
use crate::machine::Machine;
use crate::protocol::smpp::{esme, smsc};
use crate::protocol::wsp::client::{self, Client};
use crate::protocol::wsp::server::{self, Server};
use crate::random::Random;
use crate::sim::cast::{self, Places};
use crate::sim::script::Script;
use crate::time::Time;
use crate::world::{
    CloseReason, HttpRequest, Input, LinkId, ListenerId, Output, RequestId, SocketId, Transport,
};

mod formats;
pub mod hostile;

pub use formats::{Seed, VECTOR_FILES, formats, promises, seeds};

/// A body: it fails by panicking.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("formats", formats),
    ("sip", sip),
    ("sip_stream", sip_stream),
    ("uri", uri),
    ("digest", digest),
    ("device_id", device_id),
    ("sia", sia),
    ("sir", sir),
    ("mime", mime),
    ("pap", pap),
    ("pap_body", pap_body),
    ("si", si),
    ("sl", sl),
    ("co", co),
    ("emn", emn),
    ("client_address", client_address),
    ("msrp", msrp),
    ("sdp", sdp),
    ("stun", stun),
    ("sms", sms),
    ("smpp", smpp),
    ("smpp_sessions", smpp_sessions),
    ("ussd", ussd),
    ("ota_http", ota_http),
    ("wsp", wsp),
    ("wsp_endpoint", wsp_endpoint),
    ("wtp", wtp),
    ("pidf", pidf),
    ("reginfo", reginfo),
    ("dd", dd),
    ("message_summary", message_summary),
    ("gateway", gateway),
    ("device", device),
];

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

/// A message summary.
pub fn message_summary(octets: &[u8]) {
    promises(&codec::message_summary::FORMAT, octets);
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

/// Both ends of SMPP, fed with what a peer may say: what they answer is SMPP, what they keep is bounded.
pub fn smpp_sessions(octets: &[u8]) {
    let mut esme = esme::Esme::new(esme::Settings::default(), Random::from_number(1));
    let mut smsc = smsc::Smsc::new(smsc::Settings::default());
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    let (leg, link) = (esme::Leg::Main, LinkId(1));
    let mut now = STARTED;
    esme.handle(now, esme::In::Start, &mut asked);
    esme.handle(now, esme::In::Opened(leg), &mut asked);
    smsc.handle(now, smsc::In::Accepted(link), &mut answered);
    // Both are bound to each other before the octets come.
    for out in core::mem::take(&mut asked) {
        if let esme::Out::Octets(_, octets) = out {
            smsc.handle(now, smsc::In::Octets(link, octets), &mut answered);
        }
    }
    for out in core::mem::take(&mut answered) {
        if let smsc::Out::Octets(_, octets) = out {
            esme.handle(now, esme::In::Octets(leg, octets), &mut asked);
        }
    }
    assert!(esme.is_bound(), "a bind that is refused");
    for piece in octets.chunks(64) {
        let piece = Bytes::copy_from_slice(piece);
        now = now + Duration::from_secs(u64::from(piece.first().copied().unwrap_or(0)));
        esme.handle(now, esme::In::Octets(leg, piece.clone()), &mut asked);
        smsc.handle(now, smsc::In::Octets(link, piece), &mut answered);
        esme.expire(now, &mut asked);
        smsc.expire(now, &mut answered);
    }
    let ours = asked.iter().filter_map(|out| match out {
        esme::Out::Octets(_, octets) => Some(octets),
        _ => None,
    });
    let theirs = answered.iter().filter_map(|out| match out {
        smsc::Out::Octets(_, octets) => Some(octets),
        _ => None,
    });
    for octets in ours.chain(theirs) {
        assert!(
            smpp::Pdu::decode(octets).is_ok(),
            "an answer that is no PDU"
        );
    }
    // The least that makes a message is one more address of a submit_multi.
    let most = octets.len() / 5;
    assert!(
        smsc.kept() <= most && smsc.waiting() <= most,
        "more is kept than came"
    );
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

/// Any datagrams, from a few peers, into both halves of sessions: what they hold stays in its bounds, and an endpoint
/// that is left alone forgets everything but its sessions.
///
/// The input is split into datagrams: an octet with the peer and how long it took, one with the length, the octets.
pub fn wsp_endpoint(octets: &[u8]) {
    let random = || Random::from_number(1);
    let mut server = Server::new(server::Settings::default(), random());
    let mut client = Client::new(client::Settings::default(), random());
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let mut now = Time::from_secs(1_000);
    let peer = |number: u8| SocketAddr::from(([10, 0, 0, number & 3], 9_201));
    let (own, headers) = (peer(0), Bytes::new());
    let connect = client::In::Connect {
        server: own,
        headers: headers.clone(),
    };
    client.handle(now, connect, &mut down);
    let mut rest = octets;
    while let [head, len, after @ ..] = rest {
        let (datagram, more) = after.split_at(after.len().min(usize::from(*len)));
        rest = more;
        now = now + Duration::from_millis(u64::from(head >> 2) * 200);
        let octets = Bytes::copy_from_slice(datagram);
        let peer = peer(*head);
        let both = (octets.clone(), octets);
        server.handle(
            now,
            server::In::Datagram {
                peer,
                octets: both.0,
            },
            &mut up,
        );
        client.handle(
            now,
            client::In::Datagram {
                peer,
                octets: both.1,
            },
            &mut down,
        );
        for told in core::mem::take(&mut up) {
            let answer = match told {
                server::Out::Connecting { session, .. } => server::In::Accept {
                    session,
                    headers: headers.clone(),
                },
                server::Out::Resuming { session, .. } => server::In::Resume { session },
                _ => continue,
            };
            server.handle(now, answer, &mut up);
        }
        server.expire(now, &mut up);
        client.expire(now, &mut down);
        for load in [server.load(), client.load()] {
            assert!(load.peers <= 5, "{load:?}");
            assert!(load.octets <= 5 * limits::WTP_OCTETS_PER_PEER);
        }
        assert!(server.sessions() <= limits::WSP_SESSIONS);
    }
    leave_alone(&mut server, &mut client, now);
    for load in [server.load(), client.load()] {
        assert_eq!((load.transactions, load.octets), (0, 0), "{load:?}");
    }
}

/// Longer than any transaction lives.
fn leave_alone(server: &mut Server, client: &mut Client, mut now: Time) {
    let end = now + Duration::from_secs(2_000);
    let next = |server: &Server, client: &Client| {
        let both = server.deadline().into_iter().chain(client.deadline());
        both.min().filter(|at| *at <= end)
    };
    while let Some(at) = next(server, client) {
        now = now.max(at);
        server.expire(now, &mut Vec::new());
        client.expire(now, &mut Vec::new());
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

/// A whole gateway with a registered device and a push under way, fed with anything.
pub fn gateway(octets: &[u8]) {
    let places = places();
    let Ok(script) = Script::decode(SCRIPT) else {
        return;
    };
    let Ok(config) = cast::gateway(&script, &places) else {
        return;
    };
    let mut gateway = Gateway::new(config, Random::from_number(1));
    let mut out = Vec::new();
    for (at, message) in [(0, REGISTER), (1, SUBMISSION)] {
        let input = if at == 0 {
            datagram(message.as_bytes())
        } else {
            request("/pap", message.as_bytes())
        };
        gateway.handle(STARTED, input, &mut out);
    }
    feed(&mut gateway, octets, &mut out);
}

/// A whole device that registers, fed with anything.
pub fn device(octets: &[u8]) {
    let Ok(script) = Script::decode(SCRIPT) else {
        return;
    };
    let Ok(mut fleet) = cast::fleet(&script, &places(), &mut Random::from_number(1)) else {
        return;
    };
    let mut out = Vec::new();
    fleet.expire(STARTED, &mut out);
    feed(&mut fleet, octets, &mut out);
}

const STARTED: Time = Time::from_secs(1_767_261_600);
const SCRIPT: &str = "F a node that is fed\n\ntrio\n";
const REGISTER: &str = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKf;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f\r\nTo: <sip:alice@example.com>\r\nCall-ID: f\r\n\
    CSeq: 1 REGISTER\r\nSupported: path, outbound, gruu\r\nContact: <sip:alice@192.0.2.11:5060;ob>;\
    +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1\r\nContent-Length: 0\r\n\r\n";
const SUBMISSION: &str = "--b1\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\
    <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\
    <pap><push-message push-id=\"f\"><address address-value=\"WAPPUSH=sip%3Aalice%40example.com/TYPE=USER@ppg.example.com\"/>\
    </push-message></pap>\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1--\r\n";
/// Effects of one input; far more than any machine has a reason for.
const EFFECTS_MAX: usize = 10_000;

fn places() -> Places {
    let at = |host: u8, port: u16| SocketAddr::from(([192, 0, 2, host], port));
    let devices = vec![at(11, 5060), at(12, 5060), at(13, 5060)];
    Places::usual(at(5, 5060), at(4, 5060), devices)
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 11], 5060))
}

fn datagram(octets: &[u8]) -> Input {
    Input::Datagram {
        socket: SocketId(0),
        peer: peer(),
        octets: Bytes::copy_from_slice(octets),
    }
}

fn request(target: &str, body: &[u8]) -> Input {
    let content_type = "multipart/related; boundary=b1; type=\"application/xml\"";
    let request = HttpRequest {
        method: "POST".into(),
        target: target.into(),
        headers: vec![("content-type".into(), content_type.into())],
        body: Bytes::copy_from_slice(body),
    };
    Input::Request {
        id: RequestId(1),
        peer: peer(),
        request,
    }
}

/// Inputs made of octets: a kind, a length, what follows; time goes on between them.
fn feed(
    node: &mut impl Machine<Input = Input, Output = Output>,
    octets: &[u8],
    out: &mut Vec<Output>,
) {
    let mut now = STARTED;
    let mut rest = octets;
    let link = LinkId(LinkId::ACCEPTED);
    while let [kind, length, tail @ ..] = rest {
        let (piece, tail) = tail.split_at(usize::from(*length).saturating_mul(8).min(tail.len()));
        rest = tail;
        now = now + Duration::from_millis(u64::from(*kind) * 40);
        let input = match kind % 8 {
            0 | 1 => datagram(piece),
            2 => {
                let (transport, listener) =
                    (Transport::Tcp, Some(ListenerId(u32::from(kind >> 7))));
                Input::Opened {
                    link,
                    listener,
                    transport,
                    local: places().sip,
                    peer: peer(),
                }
            }
            3 | 4 => Input::Octets {
                link,
                octets: Bytes::copy_from_slice(piece),
            },
            5 => Input::Closed {
                link,
                why: CloseReason::Peer,
            },
            6 => request("/pap", piece),
            _ => request("/api/v1/pushes", piece),
        };
        out.clear();
        node.handle(now, input, out);
        assert!(
            out.len() < EFFECTS_MAX,
            "one input has {} effects",
            out.len()
        );
        out.clear();
        if node.deadline().is_some_and(|due| due <= now) {
            node.expire(now, out);
            assert!(
                out.len() < EFFECTS_MAX,
                "one instant has {} effects",
                out.len()
            );
            assert!(
                node.deadline().is_none_or(|due| due > now),
                "a deadline that stays"
            );
        }
    }
}
