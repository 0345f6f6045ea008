//! How a transaction provider behaves: intervals, counters and sizes by bearer.
//!
//! **Source:** WAP-224 appendix A (suggested values), sections 7.8.2 (packet lifetime), 7.14.4 (pause before a negative
//! acknowledgement).

use core::num::NonZeroUsize;
use std::time::Duration;

use crate::limits;

/// An interval of a timer, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Where nothing else is said: the invocation of class 2.
    pub base: Duration,
    /// Class 1.
    pub short: Duration,
    /// The result of class 2 and its acknowledgement.
    pub long: Duration,
}

/// Intervals and counters of a bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Before an acknowledgement is sent on the user's behalf.
    pub ack: Intervals,
    /// The same when the user has to acknowledge.
    pub ack_by_user: Intervals,
    /// Before something is sent again.
    pub retry: Intervals,
    /// The same when the user has to acknowledge.
    pub retry_by_user: Intervals,
    /// Before the end of a group of segments is sent again.
    pub group_retry: Duration,
    /// How long a finished transaction is remembered.
    pub wait: Duration,
    /// How often something is sent again.
    pub retransmissions_max: u8,
    /// How often the user is waited for once more.
    pub expirations_max: u8,
}

const fn intervals(base: u64, short: u64, long: u64) -> Intervals {
    Intervals {
        base: Duration::from_secs(base),
        short: Duration::from_secs(short),
        long: Duration::from_secs(long),
    }
}

impl Timing {
    /// Over IP.
    pub const IP: Self = Self {
        ack: intervals(2, 0, 4),
        ack_by_user: intervals(2, 1, 4),
        retry: intervals(5, 3, 7),
        retry_by_user: intervals(5, 4, 7),
        group_retry: Duration::from_secs(3),
        wait: Duration::from_secs(40),
        retransmissions_max: 8,
        expirations_max: 6,
    };

    /// Over short messages.
    pub const SMS: Self = Self {
        ack: intervals(10, 0, 20),
        ack_by_user: intervals(10, 5, 20),
        retry: intervals(60, 35, 70),
        retry_by_user: intervals(60, 40, 70),
        group_retry: Duration::from_secs(45),
        wait: Duration::from_secs(300),
        retransmissions_max: 4,
        expirations_max: 4,
    };

    /// Over USSD.
    pub const USSD: Self = Self {
        ack: intervals(10, 0, 10),
        ack_by_user: intervals(10, 5, 10),
        retry: intervals(20, 14, 20),
        retry_by_user: intervals(20, 14, 20),
        group_retry: Duration::from_secs(10),
        wait: Duration::from_secs(60),
        retransmissions_max: 4,
        expirations_max: 4,
    };

    pub(super) const fn ack_of(&self, by_user: bool) -> Intervals {
        if by_user { self.ack_by_user } else { self.ack }
    }

    pub(super) const fn retry_of(&self, by_user: bool) -> Intervals {
        if by_user {
            self.retry_by_user
        } else {
            self.retry
        }
    }
}

/// How a provider behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Intervals and counters.
    pub timing: Timing,
    /// Octets of a datagram: longer messages are cut, several PDUs go together up to it.
    pub datagram_octets: usize,
    /// Whether messages are cut. If not, a long one is left to the bearer's own segmentation.
    pub segments: bool,
    /// Segments that are sent before an acknowledgement is awaited.
    pub group: NonZeroUsize,
    /// Whether PDUs for one peer that are ready together go in one datagram.
    pub concatenates: bool,
    /// Before missing segments are asked for: half a round trip.
    pub nack_delay: Duration,
    /// How long a datagram may stay in the network.
    pub packet_lifetime: Duration,
    /// How long a peer without transactions is remembered; not below `packet_lifetime`.
    pub memory: Duration,
    /// Whether the first transaction of every unknown peer is verified. Otherwise it is when the peer may have been
    /// forgotten: within `packet_lifetime` of the start, or of the moment at which memory ran out.
    pub verifies_strangers: bool,
    /// How long a result is waited for after a hold-on acknowledgement; the standard has no bound.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timing: Timing::IP,
            datagram_octets: 1_400,
            segments: true,
            group: NonZeroUsize::MIN.saturating_add(3),
            concatenates: true,
            nack_delay: Duration::from_millis(250),
            packet_lifetime: Duration::from_secs(120),
            memory: Duration::from_secs(3_600),
            verifies_strangers: false,
            patience: Duration::from_secs(300),
        }
    }
}

impl Settings {
    /// Octets of a message that one PDU can hold, and of a message whose PDU must not be cut.
    pub(super) fn segment_octets(&self) -> NonZeroUsize {
        // A segment's header has four octets.
        let cut = self.datagram_octets.saturating_sub(4);
        let octets = if self.segments {
            cut
        } else {
            limits::WTP_DATAGRAM_OCTETS
        };
        NonZeroUsize::new(octets).unwrap_or(NonZeroUsize::MIN)
    }
}
