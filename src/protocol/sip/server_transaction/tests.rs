//! Every edge of the diagrams.

use super::Effect::{End, Send, SendAgain, SendTrying, Set, Stop, Up};
use super::Stimulus::{Ack, Again, Due, Respond, Start};
use super::*;

const INVITE: bool = true;
const OTHER: bool = false;
const UDP: bool = false;
const TCP: bool = true;

/// The state after these stimuli, and the effects of the last.
fn after(invite: bool, reliable: bool, stimuli: &[Stimulus]) -> (State, Vec<Effect>) {
    let mut transaction = ServerTransaction::new(invite, reliable);
    let mut effects = Vec::new();
    for stimulus in stimuli {
        effects.clear();
        transaction.step(*stimulus, &mut effects);
    }
    (transaction.state(), effects)
}

#[test]
fn a_request_without_answer_absorbs_its_repeats() {
    assert_eq!(
        after(OTHER, UDP, &[Start]),
        (State::Trying, vec![Set(Timer::Silence, OTHER_SILENCE)])
    );
    assert_eq!(after(OTHER, UDP, &[Start, Again]), (State::Trying, vec![]));
}

#[test]
fn a_slow_user_is_excused_by_a_100_after_three_and_a_half_seconds() {
    let silent = [Start, Due(Timer::Silence)];
    assert_eq!(
        after(OTHER, TCP, &silent),
        (
            State::Proceeding,
            vec![SendTrying, Set(Timer::Late, Duration::from_millis(28_500))]
        )
    );
    assert_eq!(
        after(OTHER, UDP, &[Start, Due(Timer::Silence), Again]),
        (State::Proceeding, vec![SendAgain])
    );
    assert_eq!(
        after(OTHER, UDP, &[Start, Due(Timer::Silence), Respond(200)]),
        (
            State::Completed,
            vec![Stop(Timer::Late), Send, Set(Timer::J, PATIENCE)]
        )
    );
}

#[test]
fn an_answer_after_the_clients_patience_is_not_sent() {
    let late = [Start, Due(Timer::Silence), Due(Timer::Late)];
    assert_eq!(after(OTHER, UDP, &late), (State::Terminated, vec![End]));
    let answered = [Start, Due(Timer::Silence), Due(Timer::Late), Respond(200)];
    assert_eq!(after(OTHER, UDP, &answered), (State::Terminated, vec![]));
}

#[test]
fn only_an_invite_gets_provisional_responses_or_408() {
    for status in [100, 180, 199, 408] {
        assert_eq!(
            after(OTHER, UDP, &[Start, Respond(status)]),
            (State::Trying, vec![])
        );
    }
    assert_eq!(
        after(INVITE, UDP, &[Start, Respond(180)]),
        (State::Proceeding, vec![Stop(Timer::Silence), Send])
    );
    assert_eq!(
        after(INVITE, UDP, &[Start, Respond(408)]).0,
        State::Completed
    );
}

#[test]
fn an_answered_request_gets_the_same_answer_until_timer_j() {
    let answered = [Start, Respond(200)];
    assert_eq!(
        after(OTHER, UDP, &answered),
        (
            State::Completed,
            vec![Stop(Timer::Silence), Send, Set(Timer::J, PATIENCE)]
        )
    );
    assert_eq!(
        after(OTHER, UDP, &[Start, Respond(200), Again]),
        (State::Completed, vec![SendAgain])
    );
    assert_eq!(
        after(OTHER, UDP, &[Start, Respond(200), Respond(500)]),
        (State::Completed, vec![])
    );
    assert_eq!(
        after(OTHER, UDP, &[Start, Respond(200), Due(Timer::J)]),
        (State::Terminated, vec![End])
    );
    assert_eq!(
        after(OTHER, TCP, &answered),
        (State::Terminated, vec![Stop(Timer::Silence), Send, End])
    );
}

#[test]
fn an_invite_whose_user_is_silent_gets_a_100_after_200_milliseconds() {
    assert_eq!(
        after(INVITE, UDP, &[Start]),
        (State::Proceeding, vec![Set(Timer::Silence, INVITE_SILENCE)])
    );
    assert_eq!(
        after(INVITE, UDP, &[Start, Due(Timer::Silence)]),
        (State::Proceeding, vec![SendTrying])
    );
    assert_eq!(
        after(INVITE, UDP, &[Start, Due(Timer::Silence), Again]),
        (State::Proceeding, vec![SendAgain])
    );
}

#[test]
fn a_refusal_of_an_invite_is_repeated_until_its_ack() {
    let refused = vec![Start, Respond(486)];
    assert_eq!(
        after(INVITE, UDP, &refused),
        (
            State::Completed,
            vec![
                Stop(Timer::Silence),
                Send,
                Set(Timer::H, PATIENCE),
                Set(Timer::G, T1)
            ]
        )
    );
    let mut stimuli = refused.clone();
    for pause in [1_000, 2_000, 4_000, 4_000] {
        stimuli.push(Due(Timer::G));
        assert_eq!(
            after(INVITE, UDP, &stimuli),
            (
                State::Completed,
                vec![SendAgain, Set(Timer::G, Duration::from_millis(pause))]
            )
        );
    }
    assert_eq!(
        after(INVITE, UDP, &[refused.clone(), vec![Again]].concat()),
        (State::Completed, vec![SendAgain])
    );
    assert_eq!(
        after(INVITE, UDP, &[refused.clone(), vec![Ack]].concat()),
        (
            State::Confirmed,
            vec![Stop(Timer::G), Stop(Timer::H), Set(Timer::I, T4)]
        )
    );
    for absorbed in [Ack, Again] {
        assert_eq!(
            after(
                INVITE,
                UDP,
                &[refused.clone(), vec![Ack, absorbed]].concat()
            ),
            (State::Confirmed, vec![])
        );
    }
    assert_eq!(
        after(
            INVITE,
            UDP,
            &[refused.clone(), vec![Ack, Due(Timer::I)]].concat()
        ),
        (State::Terminated, vec![End])
    );
    assert_eq!(
        after(INVITE, UDP, &[refused, vec![Due(Timer::H)]].concat()),
        (State::Terminated, vec![Stop(Timer::G), End])
    );
}

#[test]
fn over_tcp_a_refusal_goes_out_once_and_its_ack_ends_the_transaction() {
    assert_eq!(
        after(INVITE, TCP, &[Start, Respond(486)]).1,
        [Stop(Timer::Silence), Send, Set(Timer::H, PATIENCE)]
    );
    assert_eq!(
        after(INVITE, TCP, &[Start, Respond(486), Ack]),
        (State::Terminated, vec![Stop(Timer::G), Stop(Timer::H), End])
    );
}

#[test]
fn after_a_2xx_the_user_repeats_it_and_repeated_invites_are_absorbed() {
    let accepted = vec![Start, Respond(200)];
    assert_eq!(
        after(INVITE, TCP, &accepted),
        (
            State::Accepted,
            vec![Stop(Timer::Silence), Send, Set(Timer::L, PATIENCE)]
        )
    );
    for (stimulus, effects) in [
        (Again, vec![]),
        (Respond(200), vec![Send]),
        (Respond(486), vec![]),
        (Ack, vec![Up]),
    ] {
        assert_eq!(
            after(INVITE, UDP, &[accepted.clone(), vec![stimulus]].concat()),
            (State::Accepted, effects)
        );
    }
    assert_eq!(
        after(INVITE, UDP, &[accepted, vec![Due(Timer::L)]].concat()),
        (State::Terminated, vec![End])
    );
}
