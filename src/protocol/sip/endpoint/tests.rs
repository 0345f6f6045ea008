//! Two endpoints and a network that loses and doubles, in virtual time.

use std::time::Duration;

use super::*;
use crate::codec::sip::Method;

mod hostile;
mod lossy;
mod matching;
pub(in crate::protocol::sip) mod network;
mod streams;
mod timing;

use network::{BOB, Network, Weather};

/// A request of Alice to Bob, without Via.
fn request(method: Method, number: u64) -> Draft {
    Draft::request(method, "sip:push@192.0.2.5")
        .header(
            "From",
            format_args!("<sip:alice@example.com>;tag=a{number}"),
        )
        .header("To", "<sip:push@ppg.example.com>")
        .header("Call-ID", format_args!("call-{number}@192.0.2.11"))
        .header("CSeq", format_args!("1 {}", method.name()))
        .header("Contact", "<sip:alice@192.0.2.11:5060>")
}

fn udp() -> Target {
    Target::Address {
        transport: Transport::Udp,
        peer: BOB.parse().unwrap(),
    }
}

fn tcp() -> Target {
    Target::Address {
        transport: Transport::Tcp,
        peer: BOB.parse().unwrap(),
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The octets of a message written line by line.
fn octets(lines: &[&str]) -> Bytes {
    let mut text = lines.join("\r\n");
    text.push_str("\r\n\r\n");
    text.into()
}
