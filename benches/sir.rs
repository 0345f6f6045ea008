//! How long a SIR takes to write, to read and to match.
#![expect(clippy::unwrap_used, reason = "bench")]

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use sirgate::codec::device_id::DeviceId;
use sirgate::codec::sia::Sia;
use sirgate::codec::sip::Message;
use sirgate::codec::sir::format::message;
use sirgate::codec::sir::matching::matching;
use sirgate::codec::sir::{Named, Placement, SiaContent, Sir};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const IDS: [&str; 3] = [
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "urn:gsma:imei:90420156-025763-0",
    "urn:dev:mac:0024befffe804ff1",
];
const CONTENT: [u8; 18] = [
    0x01, 0x02, 0xB2, 0x82, 0x00, 0x08, 0xC4, 0x00, 0x0F, 0xC3, 0xC0, 0x00, 0x02, 0x09, 0x01, 0x00,
    0x00, 0x00,
];

fn main() {
    divan::main();
}

fn ids() -> Vec<DeviceId> {
    IDS.iter().map(|id| DeviceId::decode(id).unwrap()).collect()
}

fn sir(places: Placement) -> Sir {
    let mut sir =
        Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").with_devices(places, &ids());
    sir.sia = SiaContent::Binary(Sia::decode(&CONTENT).unwrap());
    sir
}

const PLACES: [&str; 3] = ["value", "header", "header,value,body"];

#[divan::bench(args = PLACES)]
fn encode_three_ids(bencher: Bencher<'_, '_>, places: &str) {
    let sir = sir(places.parse().unwrap());
    bencher.bench(|| black_box(&sir).encode());
}

#[divan::bench(args = PLACES)]
fn decode_and_match(bencher: Bencher<'_, '_>, places: &str) {
    let wrapped = sir(places.parse().unwrap()).encode();
    let own = DeviceId::decode("904201560257637").unwrap();
    bencher.bench(|| {
        let sir = black_box(&wrapped).decode().unwrap();
        match sir.devices() {
            Named::These(devices) => devices.into_iter().any(|device| device.matches(&own)),
            Named::Nobody | Named::Conflict => false,
        }
    });
}

#[divan::bench(args = PLACES)]
fn decode_a_sip_message_and_match(bencher: Bencher<'_, '_>, places: &str) {
    let octets: Bytes = message(&sir(places.parse().unwrap())).octets().clone();
    let own = [DeviceId::decode("904201560257637").unwrap()];
    bencher.bench(|| {
        let message = Message::decode(black_box(&octets).clone()).unwrap();
        matching(&Sir::from_sip(&message).unwrap(), &own).verdict
    });
}

#[divan::bench(args = IDS)]
fn decode_an_identifier(id: &str) -> DeviceId {
    DeviceId::decode(black_box(id)).unwrap()
}

#[divan::bench]
fn decode_sia_content() -> Sia {
    Sia::decode(black_box(&CONTENT)).unwrap()
}

#[divan::bench]
fn encode_sia_content(bencher: Bencher<'_, '_>) {
    let sia = Sia::decode(&CONTENT).unwrap();
    bencher.bench(|| black_box(&sia).encode());
}
