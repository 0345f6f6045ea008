//! How long short messages, their segments and SMPP PDUs take to read and to write.
#![expect(clippy::unwrap_used, reason = "bench")]

use std::time::Duration;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use sirgate::codec::hex;
use sirgate::codec::smpp::{Body, Pdu};
use sirgate::codec::sms::tpdu::From;
use sirgate::codec::sms::{Ports, Reassembler, Reference, Tpdu, UserData, segments};
use sirgate::time::Time;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SMPP: &str = "000000460000000500000000000000030005005050470001013135353530303031004000000000000004001a\
    0605040b8423f0070603b4af810002b28208c40b23f10a000001";
const DELIVER: &str =
    "4408915155001000f5124010214365001a0605040b8423f0070603b4af810002b28208c40b23f10a000001";

fn main() {
    divan::main();
}

#[divan::bench]
fn decode_a_deliver_sm(bencher: Bencher<'_, '_>) {
    let octets = hex::octets(SMPP).unwrap();
    bencher
        .counter(BytesCount::new(octets.len()))
        .bench(|| Pdu::decode(black_box(&octets)).is_ok());
}

#[divan::bench]
fn decode_a_deliver_sm_and_its_header(bencher: Bencher<'_, '_>) {
    let octets = hex::octets(SMPP).unwrap();
    bencher.counter(BytesCount::new(octets.len())).bench(|| {
        let pdu = Pdu::decode(black_box(&octets)).unwrap();
        match pdu.body {
            Body::Message(message) => message.user_data(pdu.tlvs).unwrap().ports(),
            _ => None,
        }
    });
}

#[divan::bench]
fn encode_a_deliver_sm(bencher: Bencher<'_, '_>) {
    let octets = hex::octets(SMPP).unwrap();
    let pdu = Pdu::decode(&octets).unwrap();
    bencher
        .counter(BytesCount::new(octets.len()))
        .bench(|| black_box(&pdu).encode());
}

#[divan::bench]
fn decode_a_tpdu(bencher: Bencher<'_, '_>) {
    let octets = hex::octets(DELIVER).unwrap();
    bencher
        .counter(BytesCount::new(octets.len()))
        .bench(|| Tpdu::decode(black_box(&octets), From::ServiceCentre).is_ok());
}

#[divan::bench]
fn cut_a_datagram_into_three_segments(bencher: Bencher<'_, '_>) {
    let datagram = vec![7; 354];
    bencher
        .counter(BytesCount::new(datagram.len()))
        .bench(|| segments(black_box(&datagram), Ports::PUSH, Reference::Sixteen(1)));
}

#[divan::bench(args = [false, true])]
fn put_three_segments_together(bencher: Bencher<'_, '_>, reversed: bool) {
    let datagram = vec![7; 354];
    let mut parts = segments(&datagram, Ports::PUSH, Reference::Sixteen(1)).unwrap();
    if reversed {
        parts.reverse();
    }
    let mut reassembler = Reassembler::new(Duration::from_secs(60));
    let mut lost = Vec::new();
    bencher
        .counter(BytesCount::new(datagram.len()))
        .bench_local(|| {
            let mut outcome = None;
            for part in black_box(&parts) {
                let read = UserData::decode(part).unwrap();
                let place = read.concatenation().unwrap();
                let now = Time::from_secs(1);
                outcome = Some(reassembler.take(
                    now,
                    b"+1",
                    read.ports(),
                    place,
                    read.payload,
                    &mut lost,
                ));
            }
            outcome
        });
}
