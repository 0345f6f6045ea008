//! How often passwords may be tried: so many wrong ones for each account and each asker, then one at a time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::limits;
use crate::time::Time;

/// Wrong passwords that are taken at once.
const BURST: u32 = 10;
/// How long until one more.
const PAUSE: Duration = Duration::from_secs(6);

/// Wrong passwords so far.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// By account. There are only accounts that have a password, so that nobody can make one be forgotten.
    accounts: BTreeMap<String, Debt>,
    /// By asker: an address, or a network of IPv6 that one subscriber has.
    peers: BTreeMap<IpAddr, Debt>,
}

/// Until when what was guessed is paid off.
type Debt = Time;

impl Guesses {
    /// May a password be tried? For an account whose passwords were guessed too often not even the right one.
    ///
    /// # Errors
    /// With the time to wait.
    pub(super) fn check(
        &self,
        now: Time,
        peer: IpAddr,
        account: Option<&str>,
    ) -> Result<(), Duration> {
        let most = PAUSE.saturating_mul(BURST.saturating_sub(1));
        let of_peer = self.peers.get(&network(peer));
        let of_account = account.and_then(|name| self.accounts.get(name));
        let debts = of_peer.into_iter().chain(of_account);
        let wait = debts.map(|debt| debt.since(now).saturating_sub(most)).max();
        wait.filter(|wait| !wait.is_zero()).map_or(Ok(()), Err)
    }

    /// One was wrong.
    pub(super) fn wrong(&mut self, now: Time, peer: IpAddr, account: Option<&str>) {
        if self.peers.len() >= limits::GUESSERS {
            self.peers.retain(|_, debt| *debt > now);
        }
        if self.peers.len() >= limits::GUESSERS {
            let least = self.peers.iter().min_by_key(|(_, debt)| **debt);
            if let Some(peer) = least.map(|(peer, _)| *peer) {
                self.peers.remove(&peer);
            }
        }
        add(self.peers.entry(network(peer)).or_insert(now), now);
        if let Some(account) = account {
            add(self.accounts.entry(account.to_owned()).or_insert(now), now);
        }
    }
}

fn add(debt: &mut Debt, now: Time) {
    *debt = (*debt).max(now) + PAUSE;
}

/// One who has a network of IPv6 has all its addresses.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_secs(1_000 + seconds)
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn ten_wrong_ones_are_taken_and_then_one_in_six_seconds() {
        let mut guesses = Guesses::default();
        for _ in 0..10 {
            assert_eq!(guesses.check(at(0), peer(1), None), Ok(()));
            guesses.wrong(at(0), peer(1), None);
        }
        let wait = guesses.check(at(0), peer(1), None);
        assert_eq!(wait, Err(Duration::from_secs(6)));
        assert_eq!(guesses.check(at(0), peer(2), None), Ok(()));
        assert_eq!(guesses.check(at(6), peer(1), None), Ok(()));
        guesses.wrong(at(6), peer(1), None);
        assert!(guesses.check(at(6), peer(1), None).is_err());
    }

    #[test]
    fn many_askers_together_guess_no_faster_at_one_account() {
        let mut guesses = Guesses::default();
        for last in 0..10 {
            guesses.wrong(at(0), peer(last), Some("alice"));
        }
        assert!(guesses.check(at(0), peer(99), Some("alice")).is_err());
        assert_eq!(guesses.check(at(0), peer(99), Some("bob")), Ok(()));
    }

    #[test]
    fn a_network_of_one_subscriber_is_one_asker_and_askers_are_bounded() {
        let mut guesses = Guesses::default();
        for last in 0..10_u8 {
            let peer: IpAddr = format!("2001:db8::{last}").parse().unwrap();
            guesses.wrong(at(0), peer, None);
        }
        let other = "2001:db8::ffff".parse().unwrap();
        assert!(guesses.check(at(0), other, None).is_err());
        for number in 0..=limits::GUESSERS {
            let number = u32::try_from(number).unwrap();
            guesses.wrong(at(0), IpAddr::from(number.to_be_bytes()), None);
        }
        assert!(guesses.peers.len() <= limits::GUESSERS);
        // Who guessed most is the last to be forgotten.
        assert!(guesses.check(at(0), other, None).is_err());
    }
}
