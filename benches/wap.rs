//! How long WAP formats take to read: pushes and whole SIRs as datagrams.
//!
//! Run `cargo bench --bench wap`; an item is one message, and the allocations are counted.
#![expect(clippy::unwrap_used, reason = "measurement")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use sirgate::codec::device_id::{self, DeviceId};
use sirgate::codec::hex;
use sirgate::codec::sia::{Sia, View};
use sirgate::codec::sir::{Placement, SiaContent, Sir};
use sirgate::codec::wsp::{self, Push, Rigour};
use sirgate::codec::wtp;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Every one begins with a transaction id and is a connectionless push.
const PUSHES: [(&str, &str); 3] = [
    ("sir_minimal", "2a0603b4af810002b28208c40b23f10a000001"),
    (
        "sir_version_1",
        "010603b4af810102b2820008c40b0fc3c000020901010001deadbeef",
    ),
    (
        "si_with_headers",
        "01061faeaf8292043b6684acb1687474703a2f2f70692e6578616d706c652f00b48102056a0045c60c03612e\
         6578616d706c652f0001034869000101",
    ),
];
const NAMES: [&str; 3] = [PUSHES[0].0, PUSHES[1].0, PUSHES[2].0];

fn octets(name: &str) -> Vec<u8> {
    let push = PUSHES.iter().find(|(own, _)| *own == name);
    hex::octets(push.unwrap().1).unwrap()
}

fn each(bencher: Bencher<'_, '_>, octets: &[u8], mut read: impl FnMut(&[u8])) {
    bencher
        .counter(ItemsCount::new(1_usize))
        .counter(BytesCount::new(octets.len()))
        .bench_local(|| read(black_box(octets)));
}

/// Media type, every header and the body are visited.
fn visit(push: &Push<'_>) {
    let content = &push.content;
    black_box((push.tid, content.content_type.name(), content.body));
    for field in content.headers.fields() {
        black_box((field.known(), field.value.integer(), field.value.text()));
    }
}

#[divan::bench(args = NAMES, min_time = 0.5)]
fn wsp_push(bencher: Bencher<'_, '_>, name: &str) {
    each(bencher, &octets(name), |octets| {
        visit(&Push::decode(octets).unwrap());
    });
}

/// Push and SIA content, with every application and contact point.
fn sia(push: &Push<'_>) {
    let content = View::decode(push.content.body).unwrap();
    for application in content.applications() {
        black_box(application);
    }
    for contact in content
        .wsp_contacts()
        .iter()
        .chain(content.contacts().iter())
    {
        black_box((contact.bearer, contact.port, contact.address));
    }
    black_box((content.prov_url, content.cpi_tags()));
}

#[divan::bench(args = [NAMES[0], NAMES[1]], min_time = 0.5)]
fn wsp_push_and_sia(bencher: Bencher<'_, '_>, name: &str) {
    each(bencher, &octets(name), |octets| {
        let push = Push::decode(octets).unwrap();
        visit(&push);
        sia(&push);
    });
}

/// A SIR of the profile that names a device in a header.
fn named() -> Vec<u8> {
    let device = DeviceId::decode("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6").unwrap();
    let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
        .with_devices(Placement::HEADER, &[device]);
    let body = hex::octets("0102b2820008c40b0fc3c000020901010001deadbeef").unwrap();
    sir.sia = SiaContent::Binary(Sia::decode(&body).unwrap());
    wsp::sir::push_of(&sir.encode(), 42)
}

/// Push, SIA content and the identifier of the device, over the octets of the datagram.
#[divan::bench(min_time = 0.5)]
fn whole_sir(bencher: Bencher<'_, '_>) {
    each(bencher, &named(), |octets| {
        let push = Push::decode(octets).unwrap();
        sia(&push);
        black_box(device_id::View::decode(identifier(&push)).unwrap());
    });
}

/// The identifier alone.
#[divan::bench(min_time = 0.5)]
fn identifier_view(bencher: Bencher<'_, '_>) {
    let octets = named();
    let push = Push::decode(&octets).unwrap();
    let id = identifier(&push);
    each(bencher, id.as_bytes(), |_| {
        black_box(device_id::View::decode(black_box(id)).unwrap());
    });
}

/// The push alone, of the same datagram.
#[divan::bench(min_time = 0.5)]
fn whole_sir_push(bencher: Bencher<'_, '_>) {
    each(bencher, &named(), |octets| {
        black_box(Push::decode(octets).unwrap());
    });
}

/// What stands between `<` and `>` in the header that names the device.
fn identifier<'a>(push: &Push<'a>) -> &'a str {
    let row = push.content.headers.named("X-Sirgate-Device").next();
    let row = row.unwrap().text().unwrap();
    row.split_once('<').unwrap().1.split_once('>').unwrap().0
}

/// The same datagram as the values that a device or gateway works with.
#[divan::bench(min_time = 0.5)]
fn whole_sir_owned(bencher: Bencher<'_, '_>) {
    each(bencher, &named(), |octets| {
        black_box(Push::decode(octets).unwrap().sir().unwrap());
    });
}

/// A confirmed push in a session.
#[divan::bench(min_time = 0.5)]
fn wtp_confirmed_push(bencher: Bencher<'_, '_>) {
    let datagram = hex::octets("0e0001110701ae02056a004546034869000101").unwrap();
    each(bencher, &datagram, |octets| {
        let mut rigour = Rigour::Strict;
        let pdu = wtp::Pdu::decode(octets, &mut rigour).unwrap();
        black_box(pdu.session(&mut rigour).unwrap());
    });
}
