//! Numbers and addresses as text, for what is written with every message: the same octets as `Display`, at a fraction of
//! the work.
//!
//! **Source:** RFC 791 and RFC 5952 for the spelling of addresses.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Digits of the largest number.
const DIGITS: usize = 20;

/// Appends a number in decimal.
pub fn put_number(octets: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; DIGITS];
    let mut start = DIGITS;
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(left % 10).unwrap_or_default());
        left /= 10;
        start = start.saturating_sub(1);
        if left == 0 {
            break;
        }
    }
    octets.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Appends an address.
pub fn put_ip(octets: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (place, octet) in ip.octets().into_iter().enumerate() {
                if place > 0 {
                    octets.push(b'.');
                }
                put_number(octets, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => {
            // Writing to a Vec cannot fail.
            let _ = write!(octets, "{ip}");
        }
    }
}

/// Appends an address with its port.
pub fn put_address(octets: &mut Vec<u8>, address: SocketAddr) {
    match address {
        SocketAddr::V4(v4) => {
            put_ip(octets, IpAddr::V4(*v4.ip()));
            octets.push(b':');
            put_number(octets, u64::from(v4.port()));
        }
        SocketAddr::V6(v6) => {
            // Writing to a Vec cannot fail.
            let _ = write!(octets, "{v6}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut octets = b"x".to_vec();
        put(&mut octets);
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn numbers_are_written_as_everywhere() {
        for number in [0, 1, 9, 10, 99, 100, 5_060, 65_535, 1 << 32, u64::MAX] {
            let text = written(|octets| put_number(octets, number));
            assert_eq!(text, format!("x{number}"));
        }
    }

    #[test]
    fn addresses_are_written_as_everywhere() {
        for text in ["0.0.0.0", "127.0.0.1", "192.0.2.255", "::1", "2001:db8::7"] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(written(|octets| put_ip(octets, ip)), format!("x{text}"));
            let address = SocketAddr::new(ip, 40_009);
            let text = written(|octets| put_address(octets, address));
            assert_eq!(text, format!("x{address}"));
        }
    }
}
