//! How fast short messages go out: slower after the message centre said so, back to full speed by and by.
//!
//! **Source:** SMPP 3.4 section 5.1.3 (ESME_RTHROTTLED, ESME_RMSGQFUL), SMPP 5.0 section 4.8.4.18 (congestion_state).
//! A refusal doubles the gap between two messages, each message that is taken shortens it by a thirty-second.

use std::time::Duration;

use crate::time::Time;

/// The gap after the first refusal.
const FIRST: Duration = Duration::from_millis(50);
/// The longest gap.
const MOST: Duration = Duration::from_secs(10);
/// Shorter ones are as good as none.
const LEAST: Duration = Duration::from_millis(2);
/// What may be caught up on after the clock was late.
const SLACK: Duration = Duration::from_millis(20);

/// Where the message centre begins to have its best load, nears congestion, and is congested.
const OPTIMUM: u8 = 80;
const NEARING: u8 = 90;
const CONGESTED: u8 = 100;

/// The pace of one link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The gap that was configured.
    base: Duration,
    /// The gap that is kept now.
    gap: Duration,
    /// When the next message may go.
    next: Time,
    /// When it was last slowed down.
    slowed: Option<Time>,
}

impl Pace {
    /// At most so many messages in a second; any number for 0.
    pub(super) fn new(per_second: u32) -> Self {
        let base = Duration::from_secs(1)
            .checked_div(per_second)
            .unwrap_or_default();
        Self {
            base,
            gap: base,
            next: Time::EPOCH,
            slowed: None,
        }
    }

    /// When the next message may go.
    pub(super) const fn next(&self) -> Time {
        self.next
    }

    /// A message goes.
    pub(super) fn sent(&mut self, now: Time) {
        self.next = self.next.max(now - SLACK.min(self.gap)) + self.gap;
    }

    /// A message that went at `sent` was refused for the load. What went before the last slowing down says nothing new.
    pub(super) fn throttled(&mut self, now: Time, sent: Time) {
        if self.slowed.is_none_or(|slowed| sent >= slowed) {
            self.slow(now);
        }
        self.next = self.next.max(now + self.gap);
    }

    /// A message was taken.
    pub(super) fn accepted(&mut self) {
        let gap = self.gap.saturating_sub(self.gap / 32);
        self.gap = if gap < LEAST { self.base } else { gap }.max(self.base);
    }

    /// The message centre told its congestion_state with the answer to a message that went at `sent`.
    pub(super) fn told(&mut self, now: Time, sent: Time, state: u8) {
        match state {
            ..OPTIMUM => self.accepted(),
            OPTIMUM..NEARING => {}
            NEARING..CONGESTED => self.gap = (self.gap + self.gap / 8).max(LEAST * 2).min(MOST),
            CONGESTED.. => self.throttled(now, sent),
        }
    }

    /// The gap that is kept now.
    pub(super) const fn gap(&self) -> Duration {
        self.gap
    }

    fn slow(&mut self, now: Time) {
        self.gap = (self.gap * 2).clamp(FIRST, MOST);
        self.slowed = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_refusals_slows_once_and_messages_taken_bring_the_pace_back() {
        let mut pace = Pace::new(0);
        let (sent, now) = (Time::from_secs(1), Time::from_secs(2));
        for _ in 0..10 {
            pace.throttled(now, sent);
        }
        assert_eq!(pace.gap(), FIRST);
        assert_eq!(pace.next(), now + FIRST);
        pace.throttled(now, now);
        assert_eq!(pace.gap(), FIRST * 2);
        for _ in 0..200 {
            pace.accepted();
        }
        assert_eq!(pace.gap(), Duration::ZERO);
    }

    #[test]
    fn the_gap_has_an_end_and_a_configured_rate_is_kept() {
        let mut pace = Pace::new(100);
        for second in 1..50 {
            pace.throttled(Time::from_secs(second), Time::from_secs(second));
        }
        assert_eq!(pace.gap(), MOST);
        for _ in 0..1000 {
            pace.accepted();
        }
        assert_eq!(pace.gap(), Duration::from_millis(10));
    }

    #[test]
    fn congestion_slows_before_anything_is_refused() {
        let mut pace = Pace::new(0);
        let now = Time::from_secs(1);
        pace.told(now, now, 85);
        assert_eq!(pace.gap(), Duration::ZERO);
        pace.told(now, now, 95);
        assert_eq!(pace.gap(), LEAST * 2);
        pace.told(now, now, 100);
        assert_eq!(pace.gap(), FIRST);
        pace.told(now, now, 10);
        assert!(pace.gap() < FIRST);
    }
}
