//! A SIR, or a small content, as a connectionless WSP push.
//!
//! **Source:** WAP-235 section 6.1 (Po-Unit-Push), WAP-230 section 8.2.4.1. Nobody confirms such a datagram: that the
//! device connects is the answer.

use super::content_rows;
use crate::codec::sir::Wrapped;
use crate::codec::wsp::sir::{push_over, push_with};
use crate::gateway::push::submission::Push;

/// Octets that an IP network takes in one datagram without cutting it.
const DATAGRAM_OCTETS: usize = 1_400;

/// The bearer of the packet domain, GPRS of GSM (WAP-259 appendix C).
pub const PACKET: u8 = 0x0B;

/// The datagram with a SIR, which says over which bearer it goes where that is given; `None` when it would be too long.
#[must_use]
pub fn datagram_of(sir: &Wrapped, push_id: u8, bearer: Option<u8>) -> Option<Vec<u8>> {
    let octets = push_over(sir, push_id, bearer);
    (octets.len() <= DATAGRAM_OCTETS).then_some(octets)
}

/// The datagram with a content; `None` when it would be too long, or has headers that WSP has no form for.
#[must_use]
pub fn content_of(push: &Push, push_id: u8) -> Option<Vec<u8>> {
    let (content, rows) = (&push.content, content_rows(push, &push.content, true));
    let rows = rows.iter().map(|(name, value)| (&**name, &**value));
    let octets = push_with(rows, &content.content_type, &content.body, push_id)?;
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
        let datagram = datagram_of(&sir.encode(), 9, None).unwrap();
        assert_eq!(datagram.first(), Some(&9));
        assert_eq!(sir_of(&datagram).unwrap(), sir.encode().decode().unwrap());
        let app = App::new(&format!("x-app:{}", "a".repeat(1_400)));
        let long = sir.with_apps(Placement::HEADER, &[app]);
        assert_eq!(datagram_of(&long.encode(), 9, None), None);
    }
}
