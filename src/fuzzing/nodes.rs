//! Whole nodes, fed with anything.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::gateway::Gateway;
use crate::machine::Machine;
use crate::random::Random;
use crate::sim::cast::{self, Places};
use crate::sim::script::Script;
use crate::world::{
    CloseReason, HttpRequest, Input, LinkId, ListenerId, Output, RequestId, SocketId, Transport,
};

use super::STARTED;

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
