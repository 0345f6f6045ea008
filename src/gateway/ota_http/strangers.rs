//! Connections whose terminal has not said who it is: few of one address, and a bounded number of all.
//!
//! Who connects and says nothing must not keep those out who do, so the oldest gives way to the newest.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};

use foldhash::quality::FixedState;

/// All of them.
const MOST: usize = 512;
/// Those of one address: many terminals may share one that is translated.
const OF_ADDRESS: usize = 64;

/// Connections by number, each with its address.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    open: BTreeMap<u32, IpAddr>,
    by_address: HashMap<IpAddr, usize, FixedState>,
}

impl Strangers {
    /// Enters a connection; false when its address has too many.
    pub(super) fn enter(&mut self, number: u32, ip: IpAddr) -> bool {
        let place = place(ip);
        let count = self.by_address.entry(place).or_default();
        if *count >= OF_ADDRESS {
            return false;
        }
        *count = count.saturating_add(1);
        self.open.insert(number, place);
        true
    }

    /// A connection is gone, or its terminal is known.
    pub(super) fn leave(&mut self, number: u32) {
        let Some(place) = self.open.remove(&number) else {
            return;
        };
        if let Some(count) = self.by_address.get_mut(&place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_address.remove(&place);
            }
        }
    }

    /// The oldest, when there are too many.
    pub(super) fn too_many(&self) -> Option<u32> {
        let (oldest, _) = self.open.first_key_value()?;
        (self.open.len() > MOST).then_some(*oldest)
    }
}

/// Where an address is: of version 6, a host has 64 bits of it for itself.
fn place(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_few_and_all_have_a_bounded_number_of_which_the_oldest_goes() {
        let mut strangers = Strangers::default();
        let mut number = 0;
        for host in 0..9_u8 {
            for _ in 0..OF_ADDRESS {
                assert!(strangers.enter(number, IpAddr::from([192, 0, 2, host])));
                number += 1;
                if let Some(oldest) = strangers.too_many() {
                    assert_eq!(oldest, number - 1 - 512);
                    strangers.leave(oldest);
                }
            }
        }
        assert!(!strangers.enter(number, from("192.0.2.8")));
        assert!(strangers.enter(number, from("192.0.2.0")));
        for number in 0..=number {
            strangers.leave(number);
        }
        assert!(strangers.open.is_empty() && strangers.by_address.is_empty());
    }

    #[test]
    fn the_addresses_of_one_network_of_version_6_are_one() {
        assert_eq!(place(from("2001:db8::1")), place(from("2001:db8::2:3")));
        assert_ne!(place(from("2001:db8::1")), place(from("2001:db8:0:1::1")));
        assert_eq!(place(from("::ffff:192.0.2.1")), from("192.0.2.1"));
    }
}
