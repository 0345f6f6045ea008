//! Frames of captures in every form, and what is left alone.
#![expect(clippy::arithmetic_side_effects, reason = "test")]

use super::*;
use crate::codec::hex;

/// UDP from 9200 to 2948 with three octets.
const UDP: &str = "23f00b84000b0000 2a0603";

fn ipv4(protocol: u8, inner: &str) -> Vec<u8> {
    let inner = hex::octets(inner).unwrap();
    let total = u16::try_from(20 + inner.len()).unwrap();
    let mut out = vec![0x45, 0];
    out.extend(total.to_be_bytes());
    out.extend([0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 5, 192, 0, 2, 11]);
    out.extend(inner);
    out
}

fn ipv6(inner: &str) -> Vec<u8> {
    let inner = hex::octets(inner).unwrap();
    let mut out = vec![0x60, 0, 0, 0];
    // A hop-by-hop header of eight octets stands in front.
    out.extend(u16::try_from(8 + inner.len()).unwrap().to_be_bytes());
    out.extend([0, 64]);
    out.extend([0; 32]);
    out.extend([17, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(inner);
    out
}

fn classic_file(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = hex::octets("d4c3b2a1 0200 0400 00000000 00000000 ffff0000").unwrap();
    out.extend(link.to_le_bytes());
    for frame in frames {
        let len = u32::try_from(frame.len()).unwrap().to_le_bytes();
        out.extend([0; 8]);
        out.extend(len);
        out.extend(len);
        out.extend(frame);
    }
    out
}

fn block(kind: u32, body: &[u8], is_big: bool) -> Vec<u8> {
    let number = |it: u32| {
        if is_big {
            it.to_be_bytes()
        } else {
            it.to_le_bytes()
        }
    };
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = u32::try_from(body.len() + 12).unwrap();
    let mut out = number(kind).to_vec();
    out.extend(number(len));
    out.extend(body);
    out.extend(number(len));
    out
}

fn block_file(link: u16, frames: &[Vec<u8>], is_big: bool) -> Vec<u8> {
    let number = |it: u32| {
        if is_big {
            it.to_be_bytes()
        } else {
            it.to_le_bytes()
        }
    };
    let mut section = number(0x1A2B_3C4D).to_vec();
    section.extend([0; 12]);
    let mut out = block(SECTION, &section, is_big);
    let mut interface = if is_big {
        link.to_be_bytes()
    } else {
        link.to_le_bytes()
    }
    .to_vec();
    interface.extend([0; 6]);
    out.extend(block(INTERFACE, &interface, is_big));
    for frame in frames {
        let len = number(u32::try_from(frame.len()).unwrap());
        let mut body = vec![0; 12];
        body.extend(len);
        body.extend(len);
        body.extend(frame);
        out.extend(block(ENHANCED_PACKET, &body, is_big));
    }
    out
}

#[test]
fn a_frame_of_either_kind_of_file_is_found_by_its_number() {
    let frames = [ipv4(1, "0800"), ipv4(17, UDP)];
    for file in [
        classic_file(101, &frames),
        block_file(101, &frames, true),
        block_file(101, &frames, false),
    ] {
        assert!(is_capture(&file));
        let found = payload(&file, 2).unwrap();
        assert_eq!(
            (found.octets, found.ports),
            (&[0x2A, 6, 3][..], Some((9200, 2948)))
        );
        assert_eq!(&file[found.at..][..3], found.octets);
        // An echo request has no payload that we read, and there is no third frame.
        assert!(payload(&file, 1).is_err() && payload(&file, 3).is_err());
        assert!(payload(&file, 0).is_err());
    }
}

#[test]
fn every_link_type_leads_to_the_payload() {
    let ethernet = |rest: Vec<u8>, kind: &str| {
        let head = hex::octets(&format!("{} {kind}", "00".repeat(12))).unwrap();
        [head, rest].concat()
    };
    let tagged = ethernet(ipv6(UDP), "8100 0005 86dd");
    // Short frames are padded; the length of the datagram tells.
    let padded = [ethernet(ipv4(17, UDP), "0800"), vec![0; 9]].concat();
    let cooked = |len: usize| [vec![0; len], ipv4(17, UDP)].concat();
    for (link, frame) in [
        (1, tagged),
        (1, padded),
        (113, cooked(16)),
        (276, cooked(20)),
        (0, cooked(4)),
        (229, ipv6(UDP)),
        (147, vec![0x2A, 6, 3]),
    ] {
        let found = classic_file(link, &[frame]);
        assert_eq!(payload(&found, 1).unwrap().octets, [0x2A, 6, 3], "{link}");
    }
}

#[test]
fn the_payload_of_tcp_begins_after_its_options() {
    let tcp = "13c4 13c5 00000000 00000000 6000 0000 0000 0000 01010101 6869";
    let file = classic_file(101, &[ipv4(6, tcp)]);
    let found = payload(&file, 1).unwrap();
    assert_eq!(
        (found.octets, found.ports),
        (&b"hi"[..], Some((5060, 5061)))
    );
}

#[test]
fn fragments_and_what_is_cut_off_are_refused() {
    let mut fragment = ipv4(17, UDP);
    fragment[6] = 0x20;
    assert!(payload(&classic_file(101, &[fragment]), 1).is_err());
    for file in [
        classic_file(101, &[ipv4(17, UDP)]),
        block_file(101, &[ipv4(17, UDP)], false),
    ] {
        for cut in 0..file.len() {
            assert!(payload(&file[..cut], 1).is_err(), "{cut}");
        }
    }
}
