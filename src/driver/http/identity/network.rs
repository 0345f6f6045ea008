//! Networks of addresses, as configurations write them: `10.0.0.0/8`, `::1`.

use std::net::IpAddr;
use std::str::FromStr;

/// A network of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    start: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// No address stands before the slash.
    #[error("it does not begin with an address")]
    Address,
    /// The number behind the slash is none, or too large.
    #[error("behind the slash stands how many bits count: at most 32, or 128")]
    Bits,
    /// Something is set in what does not count.
    #[error("bits are set that do not count")]
    Host,
}

impl Network {
    /// True for an address in it; one of IPv4 that is written as one of IPv6 counts as one of IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, own_width) = number(self.start);
        let (other, width) = number(address.to_canonical());
        width == own_width && masked(other, self.bits, width) == masked(own, self.bits, width)
    }
}

fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The number with what does not count taken out.
fn masked(number: u128, bits: u8, width: u8) -> u128 {
    let shift = u32::from(width.saturating_sub(bits));
    number
        .checked_shr(shift)
        .and_then(|it| it.checked_shl(shift))
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = text.split_once('/').unzip();
        let start: IpAddr = address
            .unwrap_or(text)
            .parse()
            .map_err(|_| BadNetwork::Address)?;
        let (own, width) = number(start);
        let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        let bits = match bits {
            None => width,
            Some(bits) if is_number(bits) => bits.parse().map_err(|_| BadNetwork::Bits)?,
            Some(_) => return Err(BadNetwork::Bits),
        };
        if bits > width {
            return Err(BadNetwork::Bits);
        }
        if masked(own, bits, width) != own {
            return Err(BadNetwork::Host);
        }
        Ok(Self { start, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_own_addresses_and_no_others() {
        for (network, address, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::", true),
            ("::1/128", "::1", true),
            ("::/0", "192.0.2.1", false),
        ] {
            let network: Network = network.parse().unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(network.contains(address), is_in, "{network:?} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for (text, why) in [
            ("", BadNetwork::Address),
            ("localhost", BadNetwork::Address),
            ("10.0.0.0/", BadNetwork::Bits),
            ("10.0.0.0/33", BadNetwork::Bits),
            ("10.0.0.0/+8", BadNetwork::Bits),
            ("::/129", BadNetwork::Bits),
            ("10.0.0.1/8", BadNetwork::Host),
        ] {
            assert_eq!(text.parse::<Network>(), Err(why), "{text}");
        }
    }
}
