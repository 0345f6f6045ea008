//! Both ends of a protocol, fed with what a peer may say.

use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::codec::smpp;
use crate::limits;
use crate::machine::Machine;
use crate::protocol::smpp::{esme, smsc};
use crate::protocol::wsp::client::{self, Client};
use crate::protocol::wsp::server::{self, Server};
use crate::random::Random;
use crate::time::Time;
use crate::world::LinkId;

use super::STARTED;

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
