//! Client transactions: what is done with a request until its final response, and a while after.
//!
//! **Source:** RFC 3261 section 17.1, RFC 6026 sections 7.2 and 8.4 (Accepted, timer M), RFC 4320. Not here: octets,
//! matching and sending ([`super::endpoint`]).
//!
//! Timer C is a proxy's in the standard; here it ends an INVITE whose peer went silent after a provisional response.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::Effect::{Ack, Cancel, End, Fail, Send, Set, Stop, Up};
    use super::Stimulus::{Broken, Due, Response, Start};
    use super::*;

    const INVITE: bool = true;
    const OTHER: bool = false;
    const UDP: bool = false;
    const TCP: bool = true;

    /// The state after these stimuli, and the effects of the last.
    fn after(invite: bool, reliable: bool, stimuli: &[Stimulus]) -> (State, Vec<Effect>) {
        let mut transaction = ClientTransaction::new(invite, reliable);
        let mut effects = Vec::new();
        for stimulus in stimuli {
            effects.clear();
            transaction.step(*stimulus, &mut effects);
        }
        (transaction.state, effects)
    }

    /// The instants of sending when nobody answers, in milliseconds, and when it fails.
    fn unanswered(invite: bool) -> (Vec<u128>, u128) {
        let mut transaction = ClientTransaction::new(invite, UDP);
        let mut timers: Vec<(Timer, Duration)> = Vec::new();
        let (mut now, mut sent, mut effects) = (Duration::ZERO, Vec::new(), Vec::new());
        transaction.step(Start, &mut effects);
        loop {
            for effect in effects.drain(..) {
                match effect {
                    Send => sent.push(now.as_millis()),
                    Set(timer, pause) => timers.push((timer, now + pause)),
                    Stop(timer) => timers.retain(|(t, _)| *t != timer),
                    Fail(Failure::Timeout) => return (sent, now.as_millis()),
                    other => panic!("{other:?}"),
                }
            }
            timers.sort_by_key(|(_, at)| *at);
            let (timer, at) = timers.remove(0);
            now = at;
            transaction.step(Due(timer), &mut effects);
        }
    }

    #[test]
    fn an_unanswered_request_over_udp_goes_out_eleven_times() {
        let (sent, failed) = unanswered(OTHER);
        assert_eq!(
            sent,
            [
                0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
            ]
        );
        assert_eq!(failed, 32_000);
    }

    #[test]
    fn an_unanswered_invite_over_udp_goes_out_seven_times() {
        let (sent, failed) = unanswered(INVITE);
        assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(failed, 32_000);
    }

    #[test]
    fn over_tcp_a_request_goes_out_once() {
        assert_eq!(
            after(OTHER, TCP, &[Start]),
            (State::Trying, vec![Send, Set(Timer::F, PATIENCE)])
        );
        assert_eq!(
            after(INVITE, TCP, &[Start]),
            (State::Calling, vec![Send, Set(Timer::B, PATIENCE)])
        );
    }

    #[test]
    fn after_a_provisional_response_a_request_is_repeated_every_four_seconds() {
        assert_eq!(
            after(OTHER, UDP, &[Start, Response(100)]),
            (State::Proceeding, vec![Up])
        );
        assert_eq!(
            after(OTHER, UDP, &[Start, Response(100), Due(Timer::E)]),
            (State::Proceeding, vec![Send, Set(Timer::E, T2)])
        );
        assert_eq!(
            after(OTHER, UDP, &[Start, Response(100), Response(100)]),
            (State::Proceeding, vec![Up])
        );
    }

    #[test]
    fn a_final_response_completes_a_request_and_its_repeats_are_absorbed() {
        let stops = [Stop(Timer::E), Stop(Timer::F), Up];
        for first in [vec![Start], vec![Start, Response(100)]] {
            let stimuli = [first, vec![Response(200)]].concat();
            let expected = [stops.to_vec(), vec![Set(Timer::K, T4)]].concat();
            assert_eq!(after(OTHER, UDP, &stimuli), (State::Completed, expected));
            let again = [stimuli.clone(), vec![Response(200)]].concat();
            assert_eq!(after(OTHER, UDP, &again), (State::Completed, vec![]));
            let over = [stimuli, vec![Due(Timer::K)]].concat();
            assert_eq!(after(OTHER, UDP, &over), (State::Terminated, vec![End]));
        }
        assert_eq!(
            after(OTHER, TCP, &[Start, Response(404)]),
            (State::Terminated, [stops.to_vec(), vec![End]].concat())
        );
    }

    #[test]
    fn a_request_fails_by_time_or_by_transport() {
        for first in [vec![Start], vec![Start, Response(100)]] {
            let late = [first.clone(), vec![Due(Timer::F)]].concat();
            assert_eq!(
                after(OTHER, UDP, &late),
                (
                    State::Terminated,
                    vec![Stop(Timer::E), Fail(Failure::Timeout), End]
                )
            );
            let broken = [first, vec![Broken]].concat();
            assert_eq!(
                after(OTHER, TCP, &broken),
                (
                    State::Terminated,
                    vec![
                        Stop(Timer::E),
                        Stop(Timer::F),
                        Fail(Failure::Transport),
                        End
                    ]
                )
            );
        }
    }

    #[test]
    fn a_refused_invite_is_acknowledged_each_time_the_refusal_comes() {
        for first in [vec![Start], vec![Start, Response(180)]] {
            let refused = [first, vec![Response(486)]].concat();
            let (state, effects) = after(INVITE, UDP, &refused);
            assert_eq!(state, State::Completed);
            assert_eq!(effects[3..], [Ack, Up, Set(Timer::D, PATIENCE)]);
            let again = [refused.clone(), vec![Response(486)]].concat();
            assert_eq!(after(INVITE, UDP, &again), (State::Completed, vec![Ack]));
            let over = [refused, vec![Due(Timer::D)]].concat();
            assert_eq!(after(INVITE, UDP, &over), (State::Terminated, vec![End]));
        }
        let (state, effects) = after(INVITE, TCP, &[Start, Response(486)]);
        assert_eq!(
            (state, &effects[3..]),
            (State::Terminated, &[Ack, Up, End][..])
        );
    }

    #[test]
    fn every_2xx_of_an_accepted_invite_goes_up_until_timer_m() {
        for first in [vec![Start], vec![Start, Response(100)]] {
            let accepted = [first, vec![Response(200)]].concat();
            let (state, effects) = after(INVITE, TCP, &accepted);
            assert_eq!(state, State::Accepted);
            assert_eq!(effects[3..], [Up, Set(Timer::M, PATIENCE)]);
            let again = [accepted.clone(), vec![Response(200)]].concat();
            assert_eq!(after(INVITE, TCP, &again), (State::Accepted, vec![Up]));
            let other = [accepted.clone(), vec![Response(486)]].concat();
            assert_eq!(after(INVITE, TCP, &other), (State::Accepted, vec![]));
            let over = [accepted, vec![Due(Timer::M)]].concat();
            assert_eq!(after(INVITE, TCP, &over), (State::Terminated, vec![End]));
        }
    }

    #[test]
    fn an_invite_fails_by_time_or_by_transport() {
        let (state, effects) = after(INVITE, UDP, &[Start, Due(Timer::B)]);
        assert_eq!(state, State::Terminated);
        assert_eq!(effects[3..], [Fail(Failure::Timeout), End]);
        for first in [vec![Start], vec![Start, Response(180)]] {
            let (state, effects) = after(INVITE, TCP, &[first, vec![Broken]].concat());
            assert_eq!(state, State::Terminated);
            assert_eq!(effects[3..], [Fail(Failure::Transport), End]);
        }
    }

    #[test]
    fn a_cancel_waits_for_a_provisional_response() {
        let wanted = [Start, Stimulus::Cancel];
        assert_eq!(after(INVITE, UDP, &wanted), (State::Calling, vec![]));
        let sent = [Cancel, Stop(Timer::C), Set(Timer::B, PATIENCE)];
        let (state, effects) = after(INVITE, UDP, &[Start, Stimulus::Cancel, Response(100)]);
        assert_eq!((state, &effects[4..]), (State::Proceeding, &sent[..]));
        assert_eq!(
            after(INVITE, UDP, &[Start, Response(100), Stimulus::Cancel]),
            (State::Proceeding, sent.to_vec())
        );
        let twice = [Start, Response(100), Stimulus::Cancel, Stimulus::Cancel];
        assert_eq!(after(INVITE, UDP, &twice), (State::Proceeding, vec![]));
        let (state, effects) = after(
            INVITE,
            UDP,
            &[Start, Response(100), Stimulus::Cancel, Due(Timer::B)],
        );
        assert_eq!(state, State::Terminated);
        assert_eq!(effects[3..], [Fail(Failure::Timeout), End]);
    }

    #[test]
    fn an_invite_that_rings_too_long_is_cancelled() {
        assert_eq!(
            after(INVITE, UDP, &[Start, Response(180), Response(180)]),
            (State::Proceeding, vec![Set(Timer::C, RINGING), Up])
        );
        assert_eq!(
            after(INVITE, UDP, &[Start, Response(180), Due(Timer::C)]),
            (
                State::Proceeding,
                vec![Cancel, Stop(Timer::C), Set(Timer::B, PATIENCE)]
            )
        );
    }

    #[test]
    fn a_cancel_after_the_final_response_does_nothing() {
        for status in [200, 486] {
            let (_, effects) = after(INVITE, UDP, &[Start, Response(status), Stimulus::Cancel]);
            assert_eq!(effects, []);
        }
    }
}
