//! What a peer can make an endpoint keep.

use super::*;

fn from(number: u32) -> SocketAddr {
    let address = std::net::Ipv4Addr::from(0x0A00_0000 + number);
    SocketAddr::from((address, 9_201))
}

fn invoke(tid: u16, octets: usize) -> Vec<u8> {
    let [high, low] = tid.to_be_bytes();
    let mut pdu = vec![0x08, high, low, 0x11];
    pdu.resize(octets + 4, 0);
    pdu
}

#[test]
fn a_peer_has_so_many_transactions_and_no_more() {
    let mut lab = Lab::new(settings());
    let mut out = Vec::new();
    for tid in 0..2_000_u16 {
        let [high, low] = tid.to_be_bytes();
        let octets = [0x0E, high, low, 0x11];
        lab.endpoint.receive(lab.now, peer(), &octets, &mut out);
    }
    assert_eq!(lab.transactions(), limits::WTP_TRANSACTIONS_PER_PEER);
    assert_eq!(out.len(), limits::WTP_TRANSACTIONS_PER_PEER);
    let full = lab.endpoint.invoke(lab.now, peer(), 1, true, Bytes::new());
    assert_eq!(full, Err(Abort::Provider(reason::CAPTEMPEXCEEDED)));
}

#[test]
fn a_peer_has_room_for_so_many_octets() {
    let mut lab = Lab::new(settings());
    let mut out = Vec::new();
    for tid in 0..100 {
        lab.endpoint
            .receive(lab.now, peer(), &invoke(tid, 60_000), &mut out);
    }
    let load = lab.endpoint.load();
    assert!(load.octets <= limits::WTP_OCTETS_PER_PEER + 64 * load.transactions);
    assert_eq!(load.transactions, 69);
    lab.endpoint.flush(&mut out);
    let shown: Vec<String> = out.iter().map(shown).collect();
    assert!(shown[0].contains("20804507"), "{}", shown[0]);
}

#[test]
fn all_peers_together_have_room_for_so_many_octets() {
    let mut lab = Lab::new(settings());
    let mut out = Vec::new();
    for number in 0..5_000 {
        lab.endpoint
            .receive(lab.now, from(number), &invoke(1, 60_000), &mut out);
    }
    let load = lab.endpoint.load();
    assert!(load.octets <= limits::WTP_OCTETS + 64 * load.transactions);
    assert!(load.transactions < 4_500);
    lab.passes(40_000);
    assert_eq!(lab.endpoint.load().octets, 0);
}

#[test]
fn the_peer_that_was_silent_longest_is_forgotten_first() {
    let mut lab = Lab::new(settings());
    let mut out = Vec::new();
    let push = [0x0E, 0, 1, 0, 6];
    for number in 0..=u32::try_from(limits::WTP_PEERS).unwrap() {
        lab.endpoint.receive(lab.now, from(number), &push, &mut out);
        lab.now = lab.now + Duration::from_micros(1);
    }
    assert_eq!(lab.endpoint.load().peers, limits::WTP_PEERS);
    out.clear();
    // The second is still known: its push is a copy. The first is a stranger again.
    lab.endpoint.receive(lab.now, from(1), &push, &mut out);
    assert_eq!(out.len(), 0);
    lab.endpoint.receive(lab.now, from(0), &push, &mut out);
    assert_eq!(out.len(), 1);
    lab.passes(3_600_000);
    assert_eq!(lab.endpoint.load().peers, 0);
}
