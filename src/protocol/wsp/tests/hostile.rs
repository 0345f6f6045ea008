//! Datagrams that nobody should send.

use super::*;
use crate::limits;

/// Octets that often look like PDUs.
fn noise(random: &mut Random) -> Bytes {
    let heads = [
        0x0E, 0x08, 0x2C, 0x2A, 0x16, 0x18, 0x1C, 0x20, 0x21, 0x38, 0x00,
    ];
    let tails = [0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x09, 0x40, 0x60];
    let any = |random: &mut Random| random.octets::<1>()[0];
    let pick = |random: &mut Random, of: &[u8]| {
        of[usize::try_from(random.below(u64::try_from(of.len()).unwrap())).unwrap()]
    };
    let mut octets = vec![
        pick(random, &heads),
        any(random) & 0x80,
        any(random) & 7,
        any(random) & 0x33,
        pick(random, &tails),
    ];
    for _ in 0..random.below(40) {
        octets.push(any(random));
    }
    octets.truncate(usize::try_from(random.below(46)).unwrap());
    octets.into()
}

#[test]
fn noise_from_many_peers_leaves_both_halves_alive_and_bounded() {
    let mut random = Random::from_number(77);
    let (mut lab, session) = Lab::connected(settings());
    for number in 0..60_000_u64 {
        let peer = SocketAddr::from(([10, 1, 0, u8::try_from(number % 50).unwrap()], 9));
        let octets = noise(&mut random);
        let mut out = Vec::new();
        lab.server.handle(
            lab.now,
            server::In::Datagram {
                peer,
                octets: octets.clone(),
            },
            &mut out,
        );
        let mut out = Vec::new();
        lab.client
            .handle(lab.now, client::In::Datagram { peer, octets }, &mut out);
        lab.now = lab.now + Duration::from_millis(2);
        if number % 100 == 0 {
            lab.expire();
        }
    }
    for load in [lab.server.load(), lab.client.load()] {
        assert!(load.transactions <= 50 * limits::WTP_TRANSACTIONS_PER_PEER);
        assert!(load.peers <= 52 && load.octets < 10_000_000, "{load:?}");
    }
    assert!(lab.server.sessions() <= limits::WSP_SESSIONS);
    lab.at_client.clear();
    lab.push(session, 1, true, b"still here");
    lab.run();
    assert_eq!(bodies(&lab.at_client), [&b"still here"[..]]);
}
