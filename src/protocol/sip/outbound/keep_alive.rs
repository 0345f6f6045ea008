//! The client's keep-alive of one flow: pings in the interval the server asked for, and the verdict when none comes back.
//!
//! **Source:** RFC 5626 sections 3.5 and 4.4: CRLF ping and pong on streams, STUN binding requests on UDP. Not here: the
//! octets of a ping and which flow a pong came by (`protocol::sip::endpoint`).
//!
//! ```text
//!          Registered              timer              timer (UDP: 7 times, then)
//!   Idle ───────────────> Waiting ─────────> Asking ─────────────────────────────> Idle, Failed
//!                            ^                 │
//!                            └─────────────────┘ Pong, on UDP with the known address
//! ```

use core::time::Duration;
use std::net::SocketAddr;

use crate::codec::stun::BindingSuccess;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::Transport;

/// One flow of a client.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    transport: Transport,
    power: Power,
    random: Random,
    flow_timer: Option<u32>,
    mapped: Option<SocketAddr>,
    state: State,
}

/// What feeds the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// The mains: streams are pinged every two minutes.
    Mains,
    /// A battery: streams are pinged every quarter of an hour, unless the server asks for more.
    Battery,
}

/// What the machine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A REGISTER over this flow succeeded, with this `Flow-Timer` in its answer.
    Registered {
        /// Seconds; `None` without the header.
        flow_timer: Option<u32>,
    },
    /// The flow was answered.
    Pong {
        /// On UDP: the id of the ping and where the server sees us.
        stun: Option<BindingSuccess>,
    },
    /// The flow is gone or given up: nothing more is sent.
    Closed,
}

/// What the machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ping the flow.
    Ping {
        /// On UDP the id of the binding request; a repeated request has the id of the first.
        id: [u8; 12],
    },
    /// The flow has failed: set up another one after [`super::recovery_wait`].
    Failed(Failure),
}

/// Why a flow has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server did not answer.
    Silent,
    /// The server sees us under another address than before, so its binding leads nowhere.
    Moved,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Waiting {
        until: Time,
    },
    Asking {
        /// The id of the binding request; unused on streams.
        id: [u8; 12],
        /// Requests sent so far.
        sent: u32,
        /// When the next request, or the verdict, is due.
        until: Time,
    },
}

impl KeepAlive {
    /// A flow that is not registered yet.
    #[must_use]
    pub const fn new(transport: Transport, power: Power, random: Random) -> Self {
        Self {
            transport,
            power,
            random,
            flow_timer: None,
            mapped: None,
            state: State::Idle,
        }
    }

    /// A random moment in the last fifth of the interval, so that a restarted server is not asked by all at once.
    fn wait(&mut self, now: Time) -> State {
        let seconds = |from: u64, to: u64| (from.saturating_mul(MICROS), to.saturating_mul(MICROS));
        let (from, to) = match (self.flow_timer, self.transport, self.power) {
            (Some(timer), ..) => {
                let (_, all) = seconds(0, u64::from(timer.max(1)));
                (all / 5 * 4, all)
            }
            (None, Transport::Udp, _) => seconds(24, 29),
            (None, _, Power::Mains) => seconds(95, 120),
            (None, _, Power::Battery) => seconds(672, 840),
        };
        let more = self.random.below(to.saturating_sub(from).saturating_add(1));
        State::Waiting {
            until: now + Duration::from_micros(from.saturating_add(more)),
        }
    }

    /// Sends the request `id` for the time number `sent`.
    fn ask(&mut self, now: Time, id: [u8; 12], sent: u32, out: &mut Vec<Output>) {
        let patience = match self.transport {
            Transport::Tcp | Transport::Tls => PONG_WAIT,
            Transport::Udp if sent > RETRANSMITS => RTO.saturating_mul(LAST_WAIT),
            Transport::Udp => RTO.saturating_mul(1 << sent.saturating_sub(1).min(RETRANSMITS)),
        };
        out.push(Output::Ping { id });
        self.state = State::Asking {
            id,
            sent,
            until: now + patience,
        };
    }

    fn fail(&mut self, why: Failure, out: &mut Vec<Output>) {
        self.state = State::Idle;
        self.mapped = None;
        out.push(Output::Failed(why));
    }
}

impl Machine for KeepAlive {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match (&self.state, input) {
            (_, Input::Closed) => {
                self.state = State::Idle;
                self.mapped = None;
            }
            (_, Input::Registered { flow_timer }) => {
                self.flow_timer = flow_timer;
                self.state = self.wait(now);
            }
            (State::Asking { .. }, Input::Pong { .. }) if self.transport != Transport::Udp => {
                self.state = self.wait(now);
            }
            (State::Asking { id, .. }, Input::Pong { stun: Some(stun) }) if *id == stun.id => {
                if self.mapped.is_some_and(|known| known != stun.mapped) {
                    return self.fail(Failure::Moved, out);
                }
                self.mapped = Some(stun.mapped);
                self.state = self.wait(now);
            }
            (State::Idle | State::Waiting { .. } | State::Asking { .. }, _) => {}
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        match self.state {
            State::Waiting { until } if until <= now => {
                let id = self.random.octets();
                self.ask(now, id, 1, out);
            }
            State::Asking { id, sent, until } if until <= now => {
                if self.transport == Transport::Udp && sent <= RETRANSMITS {
                    self.ask(now, id, sent.saturating_add(1), out);
                } else {
                    self.fail(Failure::Silent, out);
                }
            }
            State::Idle | State::Waiting { .. } | State::Asking { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Idle => None,
            State::Waiting { until } | State::Asking { until, .. } => Some(until),
        }
    }
}

const MICROS: u64 = 1_000_000;
/// How long a pong may take.
const PONG_WAIT: Duration = Duration::from_secs(10);
/// Wait after the first binding request; each further one doubles it (RFC 5389 section 7.2.1).
const RTO: Duration = Duration::from_millis(500);
/// How often a binding request is repeated before the flow counts as failed.
const RETRANSMITS: u32 = 7;
/// Wait after the last repetition, in first waits.
const LAST_WAIT: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "203.0.113.7:40000";

    fn flow(transport: Transport) -> KeepAlive {
        KeepAlive::new(transport, Power::Mains, Random::from_number(3))
    }

    fn tell(flow: &mut KeepAlive, now: Time, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        flow.handle(now, input, &mut out);
        out
    }

    /// Runs the next timer and says when it was and what came of it.
    fn step(flow: &mut KeepAlive) -> (Time, Vec<Output>) {
        let now = flow.deadline().unwrap();
        let mut out = Vec::new();
        flow.expire(now, &mut out);
        (now, out)
    }

    fn id(out: &[Output]) -> [u8; 12] {
        let [Output::Ping { id }] = out else {
            panic!("{out:?}")
        };
        *id
    }

    fn registered(transport: Transport, flow_timer: Option<u32>) -> KeepAlive {
        let mut flow = flow(transport);
        tell(&mut flow, Time::EPOCH, Input::Registered { flow_timer });
        flow
    }

    fn mapped(flow: &mut KeepAlive, now: Time, id: [u8; 12], address: &str) -> Vec<Output> {
        let mapped = address.parse().unwrap();
        let stun = Some(BindingSuccess { id, mapped });
        tell(flow, now, Input::Pong { stun })
    }

    #[test]
    fn a_flow_that_is_not_registered_sends_nothing() {
        assert_eq!(flow(Transport::Tcp).deadline(), None);
    }

    #[test]
    fn pings_come_in_the_last_fifth_of_the_flow_timer() {
        for seed in 0..200 {
            let mut flow = KeepAlive::new(Transport::Tcp, Power::Mains, Random::from_number(seed));
            tell(
                &mut flow,
                Time::EPOCH,
                Input::Registered {
                    flow_timer: Some(120),
                },
            );
            let at = flow.deadline().unwrap();
            assert!(
                at >= Time::from_secs(96) && at <= Time::from_secs(120),
                "{at}"
            );
        }
    }

    #[test]
    fn without_a_flow_timer_the_transport_and_the_battery_decide() {
        for (transport, power, from, to) in [
            (Transport::Udp, Power::Battery, 24, 29),
            (Transport::Tcp, Power::Mains, 95, 120),
            (Transport::Tls, Power::Battery, 672, 840),
        ] {
            let mut flow = KeepAlive::new(transport, power, Random::from_number(1));
            tell(
                &mut flow,
                Time::EPOCH,
                Input::Registered { flow_timer: None },
            );
            let at = flow.deadline().unwrap();
            assert!(
                at >= Time::from_secs(from) && at <= Time::from_secs(to),
                "{at}"
            );
        }
    }

    #[test]
    fn a_stream_without_a_pong_for_ten_seconds_has_failed() {
        let mut flow = registered(Transport::Tcp, Some(120));
        let (asked, out) = step(&mut flow);
        assert!(matches!(out.as_slice(), [Output::Ping { .. }]));
        let (failed, out) = step(&mut flow);
        assert_eq!(failed, asked + Duration::from_secs(10));
        assert_eq!(out, [Output::Failed(Failure::Silent)]);
        assert_eq!(flow.deadline(), None);
    }

    #[test]
    fn a_pong_starts_the_next_interval() {
        let mut flow = registered(Transport::Tcp, Some(120));
        let (asked, _) = step(&mut flow);
        tell(&mut flow, asked, Input::Pong { stun: None });
        assert!(flow.deadline().unwrap() >= asked + Duration::from_secs(96));
    }

    #[test]
    fn a_binding_request_is_repeated_seven_times_with_one_id() {
        let mut flow = registered(Transport::Udp, Some(30));
        let (start, first) = step(&mut flow);
        let mut at = Vec::new();
        for _ in 0..7 {
            let (now, out) = step(&mut flow);
            assert_eq!(id(&out), id(&first));
            at.push(now.since(start).as_millis());
        }
        assert_eq!(at, [500, 1500, 3500, 7500, 15_500, 31_500, 63_500]);
        let (end, out) = step(&mut flow);
        assert_eq!(out, [Output::Failed(Failure::Silent)]);
        assert_eq!(end.since(start).as_millis(), 71_500);
    }

    #[test]
    fn another_mapping_than_before_fails_the_flow() {
        let mut flow = registered(Transport::Udp, Some(30));
        let (now, out) = step(&mut flow);
        assert_eq!(mapped(&mut flow, now, id(&out), HERE), []);
        let (now, out) = step(&mut flow);
        assert_eq!(mapped(&mut flow, now, id(&out), HERE), []);
        let (now, out) = step(&mut flow);
        assert_eq!(
            mapped(&mut flow, now, id(&out), "203.0.113.7:40001"),
            [Output::Failed(Failure::Moved)]
        );
    }

    #[test]
    fn an_answer_to_another_request_counts_for_nothing() {
        let mut flow = registered(Transport::Udp, Some(30));
        let (now, _) = step(&mut flow);
        let waits = flow.deadline();
        assert_eq!(mapped(&mut flow, now, [0; 12], HERE), []);
        tell(&mut flow, now, Input::Pong { stun: None });
        assert_eq!(flow.deadline(), waits);
    }

    #[test]
    fn a_closed_flow_forgets_its_mapping_and_sends_nothing() {
        let mut flow = registered(Transport::Udp, Some(30));
        let (now, out) = step(&mut flow);
        mapped(&mut flow, now, id(&out), HERE);
        tell(&mut flow, now, Input::Closed);
        assert_eq!(flow.deadline(), None);
        tell(&mut flow, now, Input::Registered { flow_timer: None });
        let (now, out) = step(&mut flow);
        assert_eq!(mapped(&mut flow, now, id(&out), "198.51.100.1:1"), []);
    }
}
