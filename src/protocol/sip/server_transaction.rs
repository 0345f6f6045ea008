//! Server transactions: what is done with a request that came in until its answer, and a while after.
//!
//! **Source:** RFC 3261 section 17.2, RFC 6026 sections 7.1 and 8.7 (Accepted, timer L), RFC 4320 (no provisional
//! response but a late 100, no 408, no late answer outside INVITE). Not here: octets, matching and sending
//! ([`super::endpoint`]).

use std::time::Duration;

use super::client_transaction::{PATIENCE, T1, T2, T4};

#[cfg(test)]
mod tests;

/// An INVITE that its user takes longer for is answered 100.
const INVITE_SILENCE: Duration = Duration::from_millis(200);
/// When a client's timer E has reached T2: only from then on may a 100 answer anything but an INVITE.
const OTHER_SILENCE: Duration = Duration::from_millis(3_500);

/// Where a server transaction stands.
///
/// ```text
///             INVITE                                        request
///               |  200 ms: 100                                 |
///               V                                              V
///        +------------+  2xx: send                        +--------+  300..699, 2xx: send
///  INVITE|            |-------------+                     | Trying |----------------+
///  again:| Proceeding |             |                     |        |                |
///  last  |            |             V                     +--------+                |
///        +------------+       +----------+            3.5 s: 100 |                  |
///               | 300-699:    |          | INVITE                V                  |
///               | send        | Accepted | again:   request +------------+ final:   |
///               V             |          | nothing  again:  | Proceeding | send     |
///        +-----------+        |          |          last    |            |---+      |
///  G,    |           |        +----------+                  +------------+   |      |
///  INVITE| Completed |----+   ACK, |  | L                      |  no answer  V      V
///  again:|           | H  |   2xx: |  |                        |  in 32 s  +-----------+
///  send  +-----------+    |   pass |  |                        |           | Completed | request
///           | ACK         |        V  |                        |           |           | again:
///           V             |           |                        |           +-----------+ last
///      +-----------+      |           |                        |                | J
///      | Confirmed |      |           |                        |                |
///      +-----------+      |           |                        |                |
///           | I           |           |                        |                |
///           V             V           V                        V                V
///      +------------------------------------+             +------------------------+
///      |             Terminated             |             |       Terminated       |
///      +------------------------------------+             +------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No answer yet to anything but an INVITE.
    Trying,
    /// An INVITE without final response; another request that was answered 100.
    Proceeding,
    /// Answered; repeats get the same answer. For an INVITE: refused, no ACK yet.
    Completed,
    /// The ACK of a refused INVITE is there; repeats of it are absorbed.
    Confirmed,
    /// An INVITE was accepted; its user repeats the 2xx.
    Accepted,
    /// Over.
    Terminated,
}

/// The timers of a server transaction, by the letters of RFC 3261 table 4 where they have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// The user is silent for long enough to send a 100.
    Silence,
    /// The user is silent for so long that the client has given up: no answer may be sent any more.
    Late,
    /// Retransmission of the refusal of an INVITE.
    G,
    /// Wait for the ACK of a refusal.
    H,
    /// Absorbs repeated ACKs.
    I,
    /// Absorbs repeated requests.
    J,
    /// Absorbs repeated INVITEs after a 2xx.
    L,
}

/// What can happen to a server transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stimulus {
    /// The request that starts it came in.
    Start,
    /// The request came in again.
    Again,
    /// An ACK matched.
    Ack,
    /// The user answers with this status.
    Respond(u16),
    /// A timer is due.
    Due(Timer),
}

/// What the endpoint has to do then, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the response at hand, and keep it.
    Send,
    /// Send the last response once more.
    SendAgain,
    /// Compose a 100, send and keep it.
    SendTrying,
    /// Pass the ACK up: it belongs to a 2xx.
    Up,
    /// Set a timer to so much from now.
    Set(Timer, Duration),
    /// Stop a timer.
    Stop(Timer),
    /// Forget the transaction.
    End,
}

/// One server transaction, without its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerTransaction {
    state: State,
    invite: bool,
    reliable: bool,
    /// The pause that timer G was last set to.
    pause: Duration,
}

impl ServerTransaction {
    /// A transaction not yet started.
    pub(super) const fn new(invite: bool, reliable: bool) -> Self {
        Self {
            state: if invite {
                State::Proceeding
            } else {
                State::Trying
            },
            invite,
            reliable,
            pause: T1,
        }
    }

    /// Where it stands.
    pub(super) const fn state(&self) -> State {
        self.state
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
        use Effect::{Send, SendAgain, SendTrying, Set, Stop};
        use Stimulus::{Again, Due, Respond, Start};
        match (self.state, stimulus) {
            (State::Trying, Start) => effects.push(Set(Timer::Silence, OTHER_SILENCE)),
            (State::Trying, Due(Timer::Silence)) => {
                self.state = State::Proceeding;
                effects.extend([
                    SendTrying,
                    Set(Timer::Late, PATIENCE.saturating_sub(OTHER_SILENCE)),
                ]);
            }
            // A 408 would reach a client that has given up at the same moment, so it is not sent.
            (State::Trying | State::Proceeding, Respond(..=199 | 408)) => {}
            (State::Trying | State::Proceeding, Respond(_)) => {
                effects.extend([
                    if self.state == State::Trying {
                        Stop(Timer::Silence)
                    } else {
                        Stop(Timer::Late)
                    },
                    Send,
                ]);
                if self.reliable {
                    self.end(effects);
                } else {
                    self.state = State::Completed;
                    effects.push(Set(Timer::J, PATIENCE));
                }
            }
            (State::Proceeding | State::Completed, Again) => effects.push(SendAgain),
            (State::Proceeding, Due(Timer::Late)) | (State::Completed, Due(Timer::J)) => {
                self.end(effects);
            }
            _ => {}
        }
    }

    fn step_invite(&mut self, stimulus: Stimulus, effects: &mut Vec<Effect>) {
        use Effect::{Send, SendAgain, SendTrying, Set, Stop, Up};
        use Stimulus::{Ack, Again, Due, Respond, Start};
        match (self.state, stimulus) {
            (State::Proceeding, Start) => effects.push(Set(Timer::Silence, INVITE_SILENCE)),
            (State::Proceeding, Due(Timer::Silence)) => effects.push(SendTrying),
            (State::Proceeding, Respond(..=199)) => {
                effects.extend([Stop(Timer::Silence), Send]);
            }
            (State::Proceeding, Respond(200..=299)) => {
                self.state = State::Accepted;
                effects.extend([Stop(Timer::Silence), Send, Set(Timer::L, PATIENCE)]);
            }
            (State::Proceeding, Respond(_)) => {
                self.state = State::Completed;
                effects.extend([Stop(Timer::Silence), Send, Set(Timer::H, PATIENCE)]);
                if !self.reliable {
                    effects.push(Set(Timer::G, T1));
                }
            }
            (State::Proceeding | State::Completed, Again) => effects.push(SendAgain),
            (State::Completed, Due(Timer::G)) => {
                self.pause = (self.pause * 2).min(T2);
                effects.extend([SendAgain, Set(Timer::G, self.pause)]);
            }
            (State::Completed, Ack) => {
                effects.extend([Stop(Timer::G), Stop(Timer::H)]);
                if self.reliable {
                    self.end(effects);
                } else {
                    self.state = State::Confirmed;
                    effects.push(Set(Timer::I, T4));
                }
            }
            (State::Completed, Due(Timer::H)) => {
                effects.push(Stop(Timer::G));
                self.end(effects);
            }
            (State::Accepted, Respond(200..=299)) => effects.push(Send),
            // The ACK of a 2xx has a branch of its own; peers that reuse the INVITE's are met half-way.
            (State::Accepted, Ack) => effects.push(Up),
            (State::Confirmed, Due(Timer::I)) | (State::Accepted, Due(Timer::L)) => {
                self.end(effects);
            }
            _ => {}
        }
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        self.state = State::Terminated;
        effects.push(Effect::End);
    }
}
