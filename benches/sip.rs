//! How long a SIP message takes to read: five messages of the push service, 64 variants of each, at two levels.
//!
//! `frame`: start line, header names and boundaries, body. `typed`: what a server looks at in every message, as values.
//! Beside ours, over the same octets: httparse (only the header lines, it knows no SIP) and rsip. Run
//! `cargo bench --bench sip`; an item is one message, and the allocations are counted.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "measurement"
)]

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use rsip::prelude::*;
use sirgate::codec::sip::{Contact, Frame, Index};

#[path = "sip/mix.rs"]
mod mix;

use mix::{KINDS, Kind};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    mix::check();
    for kind in KINDS {
        let octets: usize = kind.variants().iter().map(Vec::len).sum();
        let accepted = kind
            .variants()
            .iter()
            .filter(|octets| rsip::SipMessage::try_from(octets.as_slice()).is_ok())
            .count();
        println!(
            "{kind}: {} octets on average; rsip reads {accepted} of {}",
            octets / kind.variants().len(),
            kind.variants().len()
        );
    }
    divan::main();
}

/// Runs `read` over all variants of a kind.
fn each(bencher: Bencher<'_, '_>, kind: Kind, mut read: impl FnMut(&[u8])) {
    let variants = kind.variants();
    let octets: usize = variants.iter().map(Vec::len).sum();
    bencher
        .counter(ItemsCount::new(variants.len()))
        .counter(BytesCount::new(octets))
        .bench_local(|| {
            for octets in &variants {
                read(black_box(octets));
            }
        });
}

#[divan::bench(args = KINDS, min_time = 1)]
fn frame(bencher: Bencher<'_, '_>, kind: Kind) {
    let mut index = Index::new();
    each(bencher, kind, |octets| {
        black_box(Frame::decode(octets, &mut index).unwrap());
    });
}

#[divan::bench(args = KINDS, min_time = 1)]
fn httparse(bencher: Bencher<'_, '_>, kind: Kind) {
    each(bencher, kind, |octets| {
        let start = memchr::memchr(b'\n', octets).unwrap();
        let mut headers = [httparse::EMPTY_HEADER; 32];
        black_box(httparse::parse_headers(&octets[start + 1..], &mut headers).unwrap());
    });
}

#[divan::bench(args = KINDS, min_time = 1)]
fn typed(bencher: Bencher<'_, '_>, kind: Kind) {
    let mut index = Index::new();
    each(bencher, kind, |octets| {
        let frame = Frame::decode(octets, &mut index).unwrap();
        read(&frame);
    });
}

#[divan::bench(args = KINDS, min_time = 1)]
fn rsip_message(bencher: Bencher<'_, '_>, kind: Kind) {
    each(bencher, kind, |octets| {
        black_box(rsip::SipMessage::try_from(octets).ok());
    });
}

/// Via, From, To, Call-ID and CSeq of rsip: it cannot read the Contacts of this mix.
#[divan::bench(args = KINDS, min_time = 1)]
fn rsip_typed(bencher: Bencher<'_, '_>, kind: Kind) {
    each(bencher, kind, |octets| {
        let Ok(message) = rsip::SipMessage::try_from(octets) else {
            return;
        };
        black_box(message.via_header().ok().map(|via| via.typed().is_ok()));
        black_box(message.from_header().ok().map(|from| from.typed().is_ok()));
        black_box(message.to_header().ok().map(|to| to.typed().is_ok()));
        black_box(message.call_id_header().is_ok());
        black_box(message.cseq_header().ok().map(|cseq| cseq.typed().is_ok()));
    });
}

/// Everything of the level `typed`.
fn read(frame: &Frame<'_>) {
    black_box((frame.method(), frame.status()));
    if frame.method().is_some() {
        let uri = frame.request_uri().unwrap();
        black_box((uri.user(), uri.host(), uri.port(), uri.gr()));
    }
    let via = frame.via().unwrap();
    black_box((via.branch, via.host, via.port, via.rport));
    black_box(frame.from().unwrap().tag());
    black_box(frame.to().unwrap().tag());
    black_box(frame.call_id().unwrap());
    black_box(frame.cseq().unwrap());
    for contact in frame.contacts() {
        let Ok(Contact::Address(address)) = contact else {
            panic!("a contact that is none");
        };
        black_box((&address.uri, address.uri.gr(), address.expires()));
        black_box((address.q(), address.instance_uuid(), address.reg_id()));
    }
    black_box(frame.content_length());
    black_box(frame.content_type());
}
