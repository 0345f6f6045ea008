//! Transaction ids of one initiator: which are new, which came before, which must be verified.
//!
//! **Source:** WAP-224 sections 7.8.2 and 7.9.3, with the memory of past transactions of 7.8.2.4.

/// The ids: 15 bits.
pub(super) const TIDS: u16 = 0x8000;
/// Half of them: how far ahead of the last one an id may be.
const WINDOW: u16 = 0x4000;
/// Ids before the last one that are remembered.
const KNOWN_MAX: u32 = u64::BITS;

/// The ids that an initiator used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tids {
    /// The last one; `None` while nothing is known.
    last: Option<u16>,
    /// Those before it that came, the nearest in the lowest bit.
    seen: u64,
    /// How many of those bits say something.
    known: u32,
}

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It did not come before.
    New,
    /// It came before.
    Seen,
    /// Nobody knows.
    Doubtful,
}

impl Tids {
    /// What an id is.
    pub(super) fn test(&self, tid: u16) -> Verdict {
        let Some(last) = self.last else {
            return Verdict::Doubtful;
        };
        let behind = distance(tid, last);
        if behind == 0 {
            return Verdict::Seen;
        }
        if u32::from(behind) <= self.known {
            return match self.seen & bit(behind) {
                0 => Verdict::New,
                _ => Verdict::Seen,
            };
        }
        match distance(last, tid) {
            ahead if ahead <= WINDOW => Verdict::New,
            _ => Verdict::Doubtful,
        }
    }

    /// Notes the id of a transaction that begins.
    pub(super) fn accept(&mut self, tid: u16) {
        let Some(last) = self.last else {
            self.last = Some(tid);
            return;
        };
        let ahead = distance(last, tid);
        if ahead == 0 {
            return;
        }
        if ahead <= WINDOW {
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | bit(ahead);
            self.known = self.known.saturating_add(u32::from(ahead)).min(KNOWN_MAX);
            self.last = Some(tid);
        } else {
            // A verified one from elsewhere leaves the last one as it is.
            self.seen |= bit(distance(tid, last));
        }
    }

    /// Whether nothing is known.
    pub(super) const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The initiator counts anew: nothing is known until an id is verified.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Steps up from `from` to `to`.
const fn distance(from: u16, to: u16) -> u16 {
    to.wrapping_sub(from) & (TIDS - 1)
}

/// The bit of an id so many steps before the last one; none beyond those remembered.
fn bit(behind: u16) -> u64 {
    1_u64
        .checked_shl(u32::from(behind).saturating_sub(1))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(accepted: &[u16]) -> Tids {
        let mut tids = Tids::default();
        for tid in accepted {
            tids.accept(*tid);
        }
        tids
    }

    #[test]
    fn the_window_is_half_of_all_ids() {
        let rows = [
            // last, received, verdict (WAP-224 tables 7 and 8)
            (100, 100, Verdict::Seen),
            (100, 101, Verdict::New),
            (100, 100 + 0x4000, Verdict::New),
            (100, 101 + 0x4000, Verdict::Doubtful),
            (100, 99, Verdict::Doubtful),
            (0x7FFF, 0, Verdict::New),
            (0x6000, 0x2000, Verdict::New),
            (0x6000, 0x2001, Verdict::Doubtful),
        ];
        for (last, received, verdict) in rows {
            assert_eq!(after(&[last]).test(received), verdict, "{last} {received}");
        }
    }

    #[test]
    fn nothing_is_known_of_a_stranger() {
        assert_eq!(after(&[]).test(5), Verdict::Doubtful);
        let mut tids = after(&[5]);
        tids.forget();
        assert_eq!(tids.test(6), Verdict::Doubtful);
    }

    #[test]
    fn an_id_that_was_overtaken_is_new_once() {
        let mut tids = after(&[10, 13]);
        assert_eq!(tids.test(12), Verdict::New);
        tids.accept(12);
        assert_eq!(tids.test(12), Verdict::Seen);
        assert_eq!(tids.test(11), Verdict::New);
        assert_eq!(tids.test(10), Verdict::Seen);
        // What came before the first one is unknown.
        assert_eq!(tids.test(9), Verdict::Doubtful);
    }

    #[test]
    fn the_memory_goes_64_ids_back() {
        let tids = after(&[10, 74]);
        assert_eq!(tids.test(10), Verdict::Seen);
        assert_eq!(tids.test(11), Verdict::New);
        let tids = after(&[10, 75]);
        assert_eq!(tids.test(10), Verdict::Doubtful);
        assert_eq!(tids.test(11), Verdict::New);
    }
}
