//! Is the client running? What is known of it, strongest first (R1.25 to R1.31).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was ended, or is not heard of.
    Stopped,
    /// It is started, and its user looks at something else.
    Background,
    /// Its user looks at it.
    Foreground,
}

impl State {
    /// The word for it, as in events and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Background => "background",
            Self::Foreground => "foreground",
        }
    }
}

/// From which state on a client is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Running {
    /// Only before its user's eyes (claim 5).
    #[default]
    Foreground,
    /// Wherever it is (claim 1).
    Started,
}

impl Running {
    /// True when a client in that state is running.
    #[must_use]
    pub fn is(self, state: State) -> bool {
        match self {
            Self::Foreground => state == State::Foreground,
            Self::Started => state >= State::Background,
        }
    }
}

/// What a client said of itself, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// What it said.
    pub state: State,
    /// When.
    pub at: Time,
}

/// What else is known of a device at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// It has a session or a stream with us.
    pub session: bool,
    /// What it published as its presence.
    pub published: Option<State>,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The client said so.
    Heartbeat,
    /// The device published it.
    Presence,
    /// A session says that it is there, not that anybody looks.
    Session,
    /// Nothing fresh.
    Nothing,
}

impl Basis {
    /// The word for it, as in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Presence => "presence",
            Self::Session => "session",
            Self::Nothing => "nothing",
        }
    }
}

/// What a client is doing, as far as can be told.
#[must_use]
pub fn judge(
    now: Time,
    heartbeat: Option<Heartbeat>,
    interval: Duration,
    live: Live,
) -> (State, Basis) {
    let fresh = |beat: &Heartbeat| now.since(beat.at) <= interval.saturating_mul(2);
    if let Some(beat) = heartbeat.filter(fresh) {
        return (beat.state, Basis::Heartbeat);
    }
    if let Some(state) = live.published {
        return (state, Basis::Presence);
    }
    match live.session {
        true => (State::Background, Basis::Session),
        false => (State::Stopped, Basis::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn said(state: State) -> Option<Heartbeat> {
        let at = Time::from_secs(1_000);
        Some(Heartbeat { state, at })
    }

    #[test]
    fn r1_26_only_the_foreground_counts_as_running() {
        assert!(Running::Foreground.is(State::Foreground));
        assert!(!Running::Foreground.is(State::Background));
        assert!(!Running::Foreground.is(State::Stopped));
    }

    #[test]
    fn r1_27_or_whatever_is_started_does() {
        assert!(Running::Started.is(State::Foreground));
        assert!(Running::Started.is(State::Background));
        assert!(!Running::Started.is(State::Stopped));
    }

    #[test]
    fn r1_28_session_heartbeat_and_presence_are_evidence_each() {
        let now = Time::from_secs(1_010);
        let session = Live {
            session: true,
            published: None,
        };
        let published = Live {
            session: true,
            published: Some(State::Foreground),
        };
        let none = Live::default();
        let told = |beat, live| judge(now, beat, INTERVAL, live);
        assert_eq!(told(None, session), (State::Background, Basis::Session));
        assert_eq!(told(None, published), (State::Foreground, Basis::Presence));
        assert_eq!(
            told(said(State::Foreground), none),
            (State::Foreground, Basis::Heartbeat)
        );
        assert_eq!(
            told(said(State::Background), published),
            (State::Background, Basis::Heartbeat)
        );
        assert_eq!(told(None, none), (State::Stopped, Basis::Nothing));
    }

    #[test]
    fn r1_31_what_is_older_than_two_intervals_says_nothing() {
        let beat = said(State::Foreground);
        let at = |seconds| judge(Time::from_secs(seconds), beat, INTERVAL, Live::default()).0;
        assert_eq!(at(1_120), State::Foreground);
        assert_eq!(at(1_121), State::Stopped);
    }
}
