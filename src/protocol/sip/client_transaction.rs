//! Client transactions: what is done with a request until its final response, and a while after.
//!
//! **Source:** RFC 3261 section 17.1, RFC 6026 sections 7.2 and 8.4 (Accepted, timer M), RFC 4320. Not here: octets,
//! matching and sending ([`super::endpoint`]).
//!
//! Timer C is a proxy's in the standard; here it ends an INVITE whose peer went silent after a provisional response.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// Estimate of a round trip.
pub(super) const T1: Duration = Duration::from_millis(500);
/// The longest pause between retransmissions of anything but an INVITE.
pub(super) const T2: Duration = Duration::from_secs(4);
/// How long a message may live in the network.
pub(super) const T4: Duration = Duration::from_secs(5);
/// 64 times [`T1`]: the patience of every transaction.
pub(super) const PATIENCE: Duration = Duration::from_secs(32);
/// How long an INVITE may stay without a final response after its last provisional one (timer C).
pub(super) const RINGING: Duration = Duration::from_secs(181);

/// Why a request got no final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answered in time: what a 408 would say.
    Timeout,
    /// It could not be sent, or its link broke: what a 503 would say.
    Transport,
}

/// Where a client transaction stands.
///
/// ```text
///            INVITE sent                                  request sent
///                |                                             |
///  A: send  +---------+  B, broken: fail        E: send   +--------+  F, broken: fail
///        +->| Calling |------------+                   +->| Trying |------------+
///        +--|         |            |                   +--|        |            |
///           +---------+            |                      +--------+            |
///        1xx |  |  | 2xx           |                   1xx |     | final        |
///            |  |  +----------+    |                       V     |              |
///            V  |300-699: ACK |    |               +------------+|              |
///   +------------+ |          |    |     E: send   | Proceeding || F, broken:   |
///   | Proceeding | |          |    |            +->|            |--+ fail       |
///   |            |-|----------|--+ |            +--|            || |            |
///   +------------+ |          |  | |               +------------+| |            |
///   300-699: |     |      2xx |  | |  C: CANCEL        | final   | |            |
///   ACK      V     V          V  | |                   V         V |            |
///        +-----------+  +----------+ |              +-----------+  |            |
///        | Completed |  | Accepted | |              | Completed |  |            |
///        +-----------+  +----------+ |              +-----------+  |            |
///   300-699:|D     2xx: |M       | |                      | K      |            |
///   ACK     |      up   |        | |                      |        |            |
///           V           V        V V                      V        V            V
///        +-----------------------------+            +-----------------------------+
///        |         Terminated          |            |         Terminated          |
///        +-----------------------------+            +-----------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// An INVITE without any response.
    Calling,
    /// Another request without any response.
    Trying,
    /// There was a provisional response.
    Proceeding,
    /// There was a final response; repeats of it are absorbed.
    Completed,
    /// There was a 2xx to an INVITE; each further one goes up.
    Accepted,
    /// Over.
    Terminated,
}

/// The timers of a client transaction, by the letters of RFC 3261 table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// INVITE retransmission, doubling.
    A,
    /// INVITE time-out; after a CANCEL also the wait for its effect.
    B,
    /// An INVITE rang too long.
    C,
    /// Absorbs repeated final responses to an INVITE.
    D,
    /// Retransmission of another request, doubling up to T2.
    E,
    /// Time-out of another request.
    F,
    /// Absorbs repeated final responses to another request.
    K,
    /// Passes repeated 2xx to an INVITE up.
    M,
}

impl Timer {
    /// Each of them.
    pub(super) const ALL: [Self; 8] = [
        Self::A,
        Self::B,
        Self::C,
        Self::D,
        Self::E,
        Self::F,
        Self::K,
        Self::M,
    ];
}

/// What can happen to a client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stimulus {
    /// The user hands over the request.
    Start,
    /// A response of this status matched.
    Response(u16),
    /// The user wants no answer any more (INVITE only).
    Cancel,
    /// A timer is due.
    Due(Timer),
    /// What carried the request is gone.
    Broken,
}

/// What the endpoint has to do then, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the request, again or for the first time.
    Send,
    /// Send the ACK for the response at hand.
    Ack,
    /// Start a CANCEL transaction for this one.
    Cancel,
    /// Pass the response up.
    Up,
    /// Tell the user that no final response comes.
    Fail(Failure),
    /// Set a timer to so much from now.
    Set(Timer, Duration),
    /// Stop a timer.
    Stop(Timer),
    /// Forget the transaction.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cancel {
    No,
    /// Asked for before any response; a CANCEL must wait for one (RFC 3261 section 9.1).
    Wanted,
    Sent,
}

/// One client transaction, without its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientTransaction {
    state: State,
    invite: bool,
    reliable: bool,
    cancel: Cancel,
    /// The pause that timer A or E was last set to.
    pause: Duration,
}

impl ClientTransaction {
    /// A transaction not yet started.
    pub(super) const fn new(invite: bool, reliable: bool) -> Self {
        Self {
            state: if invite {
                State::Calling
            } else {
                State::Trying
            },
            invite,
            reliable,
            cancel: Cancel::No,
            pause: T1,
        }
    }

    /// True when there was a final response: the request itself is not sent any more.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.state, State::Completed | State::Accepted)
    }

    /// The request goes out on another transport than the one it was started on.
    pub(super) const fn set_reliable(&mut self, reliable: bool) {
        self.reliable = reliable;
    }

    /// Takes one step and appends what follows from it.
    pub(super) fn step(&mut self, stimulus: Stimulus, effects: &mut Vec<Effect>) {
        if self.invite {
            self.step_invite(stimulus, effects);
        } else {
            self.step_other(stimulus, effects);
        }
    }

    fn step_other(&mut self, stimulus: Stimulus, effects: &mut Vec<Effect>) {
        use Effect::{Send, Set, Stop, Up};
        use Stimulus::{Broken, Due, Response, Start};
        match (self.state, stimulus) {
            (State::Trying, Start) => {
                effects.extend([Send, Set(Timer::F, PATIENCE)]);
                if !self.reliable {
                    effects.push(Set(Timer::E, T1));
                }
            }
            (State::Trying, Due(Timer::E)) => {
                self.pause = (self.pause * 2).min(T2);
                effects.extend([Send, Set(Timer::E, self.pause)]);
            }
            (State::Proceeding, Due(Timer::E)) => effects.extend([Send, Set(Timer::E, T2)]),
            (State::Trying | State::Proceeding, Response(..=199)) => {
                self.state = State::Proceeding;
                effects.push(Up);
            }
            (State::Trying | State::Proceeding, Response(200..)) => {
                effects.extend([Stop(Timer::E), Stop(Timer::F), Up]);
                self.complete(Timer::K, T4, effects);
            }
            (State::Trying | State::Proceeding, Due(Timer::F)) => {
                effects.push(Stop(Timer::E));
                self.fail(Failure::Timeout, effects);
            }
            (State::Trying | State::Proceeding, Broken) => {
                effects.extend([Stop(Timer::E), Stop(Timer::F)]);
                self.fail(Failure::Transport, effects);
            }
            (State::Completed, Due(Timer::K)) => self.end(effects),
            _ => {}
        }
    }

    fn step_invite(&mut self, stimulus: Stimulus, effects: &mut Vec<Effect>) {
        use Effect::{Ack, Send, Set, Stop, Up};
        use Stimulus::{Broken, Due, Response, Start};
        match (self.state, stimulus) {
            (State::Calling, Start) => {
                effects.extend([Send, Set(Timer::B, PATIENCE)]);
                if !self.reliable {
                    effects.push(Set(Timer::A, T1));
                }
            }
            (State::Calling, Due(Timer::A)) => {
                self.pause *= 2;
                effects.extend([Send, Set(Timer::A, self.pause)]);
            }
            (State::Calling, Response(..=199)) => {
                self.state = State::Proceeding;
                effects.extend([Stop(Timer::A), Stop(Timer::B), Set(Timer::C, RINGING), Up]);
                if self.cancel == Cancel::Wanted {
                    self.send_cancel(effects);
                }
            }
            (State::Proceeding, Response(..=199)) => {
                if self.cancel == Cancel::No {
                    effects.push(Set(Timer::C, RINGING));
                }
                effects.push(Up);
            }
            (State::Calling | State::Proceeding, Response(200..=299)) => {
                stop_all(effects);
                self.state = State::Accepted;
                effects.extend([Up, Set(Timer::M, PATIENCE)]);
            }
            (State::Calling | State::Proceeding, Response(300..)) => {
                stop_all(effects);
                effects.extend([Ack, Up]);
                self.complete(Timer::D, PATIENCE, effects);
            }
            (State::Calling, Stimulus::Cancel) => self.cancel = Cancel::Wanted,
            (State::Proceeding, Stimulus::Cancel | Due(Timer::C))
                if self.cancel != Cancel::Sent =>
            {
                self.send_cancel(effects);
            }
            (State::Calling | State::Proceeding, Due(Timer::B)) => {
                stop_all(effects);
                self.fail(Failure::Timeout, effects);
            }
            (State::Calling | State::Proceeding, Broken) => {
                stop_all(effects);
                self.fail(Failure::Transport, effects);
            }
            (State::Completed, Response(300..)) => effects.push(Ack),
            (State::Accepted, Response(200..=299)) => effects.push(Up),
            (State::Completed, Due(Timer::D)) | (State::Accepted, Due(Timer::M)) => {
                self.end(effects);
            }
            _ => {}
        }
    }

    /// After a CANCEL the final response has the usual patience to arrive (RFC 3261 section 9.1).
    fn send_cancel(&mut self, effects: &mut Vec<Effect>) {
        self.cancel = Cancel::Sent;
        effects.extend([
            Effect::Cancel,
            Effect::Stop(Timer::C),
            Effect::Set(Timer::B, PATIENCE),
        ]);
    }

    /// A reliable transport repeats nothing, so there is nothing to absorb.
    fn complete(&mut self, timer: Timer, absorb: Duration, effects: &mut Vec<Effect>) {
        if self.reliable {
            self.end(effects);
        } else {
            self.state = State::Completed;
            effects.push(Effect::Set(timer, absorb));
        }
    }

    fn fail(&mut self, why: Failure, effects: &mut Vec<Effect>) {
        effects.push(Effect::Fail(why));
        self.end(effects);
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        self.state = State::Terminated;
        effects.push(Effect::End);
    }
}

fn stop_all(effects: &mut Vec<Effect>) {
    effects.extend([Timer::A, Timer::B, Timer::C].map(Effect::Stop));
}
