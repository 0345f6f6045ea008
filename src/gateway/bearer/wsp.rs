//! A SIR as a connectionless WSP push.
//!
//! **Source:** WAP-235 section 6.1 (Po-Unit-Push), WAP-230 section 8.2.4.1. Nobody confirms such a datagram: that the
//! device connects is the answer.

use crate::codec::sir::Wrapped;
use crate::codec::wsp::sir::push_of;

/// Octets that an IP network takes in one datagram without cutting it.
const DATAGRAM_OCTETS: usize = 1_400;

/// The datagram with a SIR; `None` when it would be too long.
#[must_use]
pub fn datagram_of(sir: &Wrapped, push_id: u8) -> Option<Vec<u8>> {
    let octets = push_of(sir, push_id);
    (octets.len() <= DATAGRAM_OCTETS).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sir::{App, Placement, Sir};
    use crate::codec::wsp::sir::sir_of;

    #[test]
    fn r2_55_the_datagram_reads_back_as_the_sir_unless_it_is_too_long() {
        let sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
        let datagram = datagram_of(&sir.encode(), 9).unwrap();
        assert_eq!(datagram.first(), Some(&9));
        assert_eq!(sir_of(&datagram).unwrap(), sir.encode().decode().unwrap());
        let app = App::new(&format!("x-app:{}", "a".repeat(1_400)));
        let long = sir.with_apps(Placement::HEADER, &[app]);
        assert_eq!(datagram_of(&long.encode(), 9), None);
    }
}
