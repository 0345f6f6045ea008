//! Every check alone, and the checks in any conjunction.

use super::*;
use crate::device::behaviour::Checks;

fn topics() -> Vec<String> {
    vec!["x-oma-application:dcd.ua".to_owned()]
}

fn situation(topics: &[String]) -> Situation<'_> {
    Situation {
        now: Time::from_secs(0),
        verdict: Verdict::Match,
        foreign: false,
        expired: false,
        connected: false,
        sessions: 0,
        trust: Trust::None,
        tampered: None,
        ppg: "ppg.example.com",
        topics,
    }
}

fn decided(situation: &Situation<'_>, own: &Own, behaviour: &Behaviour) -> (bool, Reason) {
    match decide(situation, own, behaviour) {
        Ruling::Decided(judgement) => (judgement.connect, judgement.reason),
        Ruling::AskUser(_) => panic!("the user was asked"),
    }
}

#[test]
fn r2_74_without_judgement_it_connects_whoever_is_named() {
    let topics = topics();
    let situation = Situation {
        verdict: Verdict::Mismatch,
        ..situation(&topics)
    };
    let legacy = Behaviour::named("legacy").unwrap();
    assert_eq!(
        decided(&situation, &Own::default(), &legacy),
        (true, Reason::None)
    );
}

#[test]
fn r2_75_a_match_connects() {
    let topics = topics();
    assert_eq!(
        decided(&situation(&topics), &Own::default(), &Behaviour::default()),
        (true, Reason::Match)
    );
}

#[test]
fn r2_76_a_mismatch_does_not_connect() {
    let topics = topics();
    let situation = Situation {
        verdict: Verdict::Mismatch,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&situation, &Own::default(), &Behaviour::default()),
        (false, Reason::Mismatch)
    );
}

#[test]
fn r2_77_a_connected_device_does_not_connect_even_when_others_are_named() {
    let topics = topics();
    for verdict in [Verdict::Match, Verdict::Mismatch, Verdict::Unnamed] {
        let situation = Situation {
            verdict,
            connected: true,
            ..situation(&topics)
        };
        assert_eq!(
            decided(&situation, &Own::default(), &Behaviour::default()),
            (false, Reason::Already)
        );
    }
}

#[test]
fn r2_37_a_conflict_is_a_mismatch_unless_configured_otherwise() {
    let topics = topics();
    let situation = Situation {
        verdict: Verdict::Conflict { named: true },
        ..situation(&topics)
    };
    let Ruling::Decided(strict) = decide(&situation, &Own::default(), &Behaviour::default()) else {
        panic!("asked");
    };
    assert_eq!(
        (strict.connect, strict.reason, strict.conflict),
        (false, Reason::Mismatch, true)
    );
    let lenient = Behaviour {
        conflict: Conflict::AnyMatch,
        ..Behaviour::default()
    };
    let Ruling::Decided(judgement) = decide(&situation, &Own::default(), &lenient) else {
        panic!("asked");
    };
    assert!(judgement.connect && judgement.conflict);
}

#[test]
fn r2_78_an_unsigned_sir_is_not_taken_where_trust_is_required() {
    let topics = topics();
    let strict = Behaviour {
        require: Trust::Asserted,
        ..Behaviour::default()
    };
    let flow = Situation {
        trust: Trust::Flow,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&flow, &Own::default(), &strict),
        (false, Reason::Security)
    );
    let asserted = Situation {
        trust: Trust::Asserted,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&asserted, &Own::default(), &strict),
        (true, Reason::Match)
    );
}

#[test]
fn r2_79_an_excluded_application_is_not_taken() {
    let topics = topics();
    let own = Own {
        preference: Preference {
            exclude: topics.clone(),
            ..Preference::default()
        },
        ..Own::default()
    };
    assert_eq!(
        decided(&situation(&topics), &own, &Behaviour::default()),
        (false, Reason::Pref)
    );
}

#[test]
fn r2_80_an_application_that_needs_more_than_the_device_can_is_not_taken() {
    let topics = topics();
    let mut own = Own {
        applications: vec![Application {
            id: "x-oma-application:dcd.ua".into(),
            needs: vec!["video".into()],
            ..Application::default()
        }],
        ..Own::default()
    };
    assert_eq!(
        decided(&situation(&topics), &own, &Behaviour::default()),
        (false, Reason::Capability)
    );
    own.features.push("video".into());
    assert_eq!(
        decided(&situation(&topics), &own, &Behaviour::default()),
        (true, Reason::Match)
    );
}

#[test]
fn r2_83_a_service_not_subscribed_to_is_reported_as_a_preference() {
    let topics = topics();
    let own = Own {
        subscriptions: Some(vec!["x-oma-application:other".into()]),
        ..Own::default()
    };
    let Ruling::Decided(judgement) = decide(&situation(&topics), &own, &Behaviour::default())
    else {
        panic!("asked");
    };
    assert_eq!(judgement.reason, Reason::Subscription);
    assert_eq!(
        judgement.reported(),
        (Reason::Pref, Some("subscription".to_owned()))
    );
}

#[test]
fn r2_86_a_sir_that_contradicts_itself_is_not_taken() {
    let topics = topics();
    let situation = Situation {
        tampered: Some("asserted identity"),
        trust: Trust::Asserted,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&situation, &Own::default(), &Behaviour::default()),
        (false, Reason::Security)
    );
}

#[test]
fn r2_87_a_gateway_outside_the_allow_list_is_not_connected_to() {
    let topics = topics();
    let strict = Behaviour {
        ppgs: Some(vec!["other.example.com".into()]),
        ..Behaviour::default()
    };
    assert_eq!(
        decided(&situation(&topics), &Own::default(), &strict),
        (false, Reason::Ppg)
    );
    let lenient = Behaviour {
        ppgs: Some(vec!["PPG.example.com".into()]),
        ..Behaviour::default()
    };
    assert_eq!(
        decided(&situation(&topics), &Own::default(), &lenient),
        (true, Reason::Match)
    );
}

#[test]
fn s2_3_without_identifiers_the_devices_own_information_decides() {
    let topics = topics();
    let unnamed = Situation {
        verdict: Verdict::Unnamed,
        ..situation(&topics)
    };
    let wanting = Own {
        preference: Preference {
            wants: Some(topics.clone()),
            ..Preference::default()
        },
        ..Own::default()
    };
    let other = Own {
        preference: Preference {
            wants: Some(vec!["mail".into()]),
            ..Preference::default()
        },
        ..Own::default()
    };
    let plain = Behaviour::default();
    assert_eq!(decided(&unnamed, &wanting, &plain), (true, Reason::None));
    assert_eq!(decided(&unnamed, &other, &plain), (false, Reason::Pref));
}

/// The four checks of claim 10 in all 15 subsets, each of them passing or failing: 15 times 16 cases.
#[test]
fn r2_82_it_connects_only_when_every_enabled_check_passes() {
    let topics = topics();
    for enabled in 1_u8..16 {
        for failing in 0_u8..16 {
            let on = |bit: u8| enabled & bit != 0;
            let fails = |bit: u8| failing & bit != 0;
            let behaviour = Behaviour {
                checks: Checks {
                    security: on(1),
                    preference: on(2),
                    capability: on(4),
                    subscription: false,
                },
                require: Trust::Flow,
                decide: if on(8) { Decide::User } else { Decide::Auto },
                ..Behaviour::default()
            };
            let own = Own {
                preference: Preference {
                    never: fails(2),
                    ..Preference::default()
                },
                only_installed: fails(4),
                ..Own::default()
            };
            let situation = Situation {
                trust: if fails(1) { Trust::None } else { Trust::Flow },
                ..situation(&topics)
            };
            let connects = match decide(&situation, &own, &behaviour) {
                Ruling::Decided(judgement) => judgement.connect,
                Ruling::AskUser(judgement) => judgement.connect && !fails(8),
            };
            assert_eq!(
                connects,
                enabled & failing == 0,
                "enabled {enabled:04b} failing {failing:04b}"
            );
        }
    }
}

#[test]
fn r2_85_the_user_is_asked_only_when_everything_else_passed() {
    let topics = topics();
    let prompt = Behaviour::named("prompt").unwrap();
    assert!(matches!(
        decide(&situation(&topics), &Own::default(), &prompt),
        Ruling::AskUser(_)
    ));
    let mismatch = Situation {
        verdict: Verdict::Mismatch,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&mismatch, &Own::default(), &prompt),
        (false, Reason::Mismatch)
    );
}

#[test]
fn a_quiet_period_may_reach_over_midnight_and_says_how_long_it_lasts() {
    let night = Quiet {
        from: 22 * 60,
        to: 6 * 60,
    };
    let at = |hour: u64| Time::from_secs(hour * 3600);
    assert_eq!(night.left(at(23)), Some(Duration::from_secs(7 * 3600)));
    assert_eq!(night.left(at(5)), Some(Duration::from_secs(3600)));
    assert_eq!(night.left(at(12)), None);
}

#[test]
fn a_device_with_all_its_sessions_is_busy() {
    let topics = topics();
    let situation = Situation {
        sessions: 4,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&situation, &Own::default(), &Behaviour::default()),
        (false, Reason::Busy)
    );
}

#[test]
fn a_sir_whose_time_is_over_is_not_followed() {
    let topics = topics();
    let situation = Situation {
        expired: true,
        ..situation(&topics)
    };
    assert_eq!(
        decided(&situation, &Own::default(), &Behaviour::default()),
        (false, Reason::Expired)
    );
}
