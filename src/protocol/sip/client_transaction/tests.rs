//! Every edge of the diagrams; the instants of retransmission.

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
