//! The planner's table.

use super::*;
use crate::event::Bearer;
use crate::gateway::profile::{Capability, Preference};

const APP: &str = "x-wap-application:wml.ua";

fn wish(mode: PlanWish) -> Wish<'static> {
    Wish {
        mode,
        fork: Fork::Ppg,
        devices_judge: false,
        application: APP,
        content_type: "text/plain",
        other_type: None,
        octets: 5,
        kinds: None,
    }
}

/// `wbrc`: addressed (w), bound (b), routable alone (r), connected (c); any other character for no.
fn device<'a>(profile: &'a Profile, flags: &str) -> Candidate<'a> {
    Candidate {
        profile,
        kind: "mobile",
        addressed: flags.contains('w'),
        bound: flags.contains('b'),
        routable: flags.contains('r'),
        connected: flags.contains('c'),
        served: profile.bearers.contains(&Bearer::Sip),
    }
}

/// The plan in words: `mode to/named direct held`.
fn shown(plan: Plan) -> String {
    let Plan::Deliver(plan) = plan else {
        return "refuse".to_owned();
    };
    let list = |set: Devices| set.iter().map(|at| at.to_string()).collect::<String>();
    let sir = plan.sir.map_or_else(
        || "no sir".to_owned(),
        |sir| format!("{:?} {}/{}", sir.mode, list(sir.to), list(sir.named)),
    );
    format!(
        "{sir} direct={} held={}",
        list(plan.direct),
        list(plan.held)
    )
}

fn planned(mode: PlanWish, flags: &[&str]) -> String {
    let profile = Profile::default();
    let devices: Vec<_> = flags.iter().map(|f| device(&profile, f)).collect();
    shown(plan(&wish(mode), &devices, Time::EPOCH))
}

#[test]
fn r2_12_to_r2_15_and_r2_63_to_r2_71_the_table_of_modes() {
    use PlanWish::{Auto, Fanout, FanoutId, Legacy, Targeted};
    let table: &[(PlanWish, &[&str], &str)] = &[
        // One device: a plain SIR without identifier (R2.14, S2.6).
        (Auto, &["wbr"], "Targeted 0/ direct= held="),
        // All wanted: one for all, naming nobody.
        (Auto, &["wbr", "wbr", "wbr"], "Fanout 012/ direct= held="),
        // Some wanted, each routable: one each (R2.63, S2.1, S2.2).
        (Auto, &["wbr", "br", "br"], "Targeted 0/0 direct= held="),
        (Auto, &["wbr", "wbr", "br"], "Targeted 01/01 direct= held="),
        // Some wanted, not routable: to all, naming them (R2.65).
        (Auto, &["wb", "b", "b"], "FanoutId 012/0 direct= held="),
        // A wanted device with a session needs no SIR (R2.2).
        (Auto, &["wbrc", "br", "br"], "no sir direct=0 held="),
        (Auto, &["wbrc", "wbr", "wbr"], "Fanout 12/ direct=0 held="),
        // Forced modes.
        (Targeted, &["wbr"], "Targeted 0/0 direct= held="),
        (Fanout, &["wbr", "br", "br"], "Fanout 012/ direct= held="),
        (
            FanoutId,
            &["wbr", "br", "wbrc"],
            "FanoutId 012/0 direct=2 held=",
        ),
        (Legacy, &["wbr", "br", "br"], "Legacy 012/ direct= held="),
        // No way to a wanted device now: it is kept for its registration.
        (Auto, &["w", "br"], "no sir direct= held=0"),
        (Auto, &["wbr", "w"], "Targeted 0/ direct= held=1"),
        // Nobody addressed.
        (Auto, &["br", "br"], "refuse"),
        (Auto, &[], "refuse"),
    ];
    for (mode, flags, expected) in table {
        assert_eq!(planned(*mode, flags), *expected, "{mode:?} {flags:?}");
    }
}

#[test]
fn r2_67_the_core_gets_a_fanout_even_for_those_that_have_a_session() {
    let profile = Profile::default();
    let devices = [device(&profile, "wbrc"), device(&profile, "wbr")];
    let wish = Wish {
        fork: Fork::Core,
        ..wish(PlanWish::Auto)
    };
    assert_eq!(
        shown(plan(&wish, &devices, Time::EPOCH)),
        "Fanout 01/ direct=0 held="
    );
}

#[test]
fn devices_that_judge_for_themselves_are_all_allowed_and_none_is_named() {
    let profile = Profile::default();
    let devices = [device(&profile, "wbr"), device(&profile, "br")];
    let wish = Wish {
        devices_judge: true,
        ..wish(PlanWish::Auto)
    };
    let Plan::Deliver(deliveries) = plan(&wish, &devices, Time::EPOCH) else {
        panic!("refused");
    };
    assert_eq!(deliveries.allowed, [0, 1].into_iter().collect());
    assert_eq!(deliveries.sir.unwrap().named, Devices::NONE);
}

/// Plans for two wanted devices of which the first has the profile; says why it is left out.
fn why(profile: &Profile, wish: &Wish<'_>) -> Option<Exclusion> {
    let open = Profile::default();
    let devices = [device(profile, "wbr"), device(&open, "wbr")];
    match plan(wish, &devices, Time::from_secs(100)) {
        Plan::Deliver(deliveries) => {
            assert_eq!(
                deliveries.excluded.why(1),
                deliveries.excluded.why(0).filter(|_| wish.kinds.is_some())
            );
            deliveries.excluded.why(0)
        }
        Plan::Refuse(excluded) => excluded.why(0),
    }
}

#[test]
fn r2_4_a_device_without_subscription_is_left_out() {
    let profile = Profile {
        subscriptions: Some(vec!["x-wap-application:mms.ua".to_owned()]),
        ..Profile::default()
    };
    assert_eq!(
        why(&profile, &wish(PlanWish::Auto)),
        Some(Exclusion::Subscription)
    );
    let all = Profile {
        subscriptions: Some(vec!["x-wap-application:*".to_owned()]),
        ..Profile::default()
    };
    assert_eq!(why(&all, &wish(PlanWish::Auto)), None);
}

#[test]
fn r2_5_a_preference_leaves_a_device_out() {
    let never = Preference {
        deliver: Deliver::Never,
        ..Preference::default()
    };
    let not_this = Preference {
        exclude: vec![APP.to_owned()],
        ..Preference::default()
    };
    let quiet = Preference {
        mute_until: Some(Time::from_secs(101)),
        ..Preference::default()
    };
    let over = Preference {
        mute_until: Some(Time::from_secs(100)),
        ..Preference::default()
    };
    let with = |preference: Preference| Profile {
        preference,
        ..Profile::default()
    };
    let wish = wish(PlanWish::Auto);
    assert_eq!(why(&with(never), &wish), Some(Exclusion::Preference));
    assert_eq!(why(&with(not_this), &wish), Some(Exclusion::Preference));
    assert_eq!(why(&with(quiet), &wish), Some(Exclusion::Preference));
    assert_eq!(why(&with(over), &wish), None);
}

#[test]
fn a_content_the_device_cannot_take_leaves_it_out() {
    let with = |capability: Capability| Profile {
        capability,
        ..Profile::default()
    };
    let accept = |range: &str| {
        with(Capability {
            accept: Some(vec![range.to_owned()]),
            ..Capability::default()
        })
    };
    let wish = wish(PlanWish::Auto);
    assert_eq!(why(&accept("image/*"), &wish), Some(Exclusion::Capability));
    assert_eq!(why(&accept("TEXT/*"), &wish), None);
    assert_eq!(why(&accept("text/plain;q=1"), &wish), None);
    let small = with(Capability {
        octets_max: Some(4),
        ..Capability::default()
    });
    assert_eq!(why(&small, &wish), Some(Exclusion::Capability));
    let without_it = with(Capability {
        applications: Some(Vec::new()),
        ..Capability::default()
    });
    assert_eq!(why(&without_it, &wish), Some(Exclusion::Capability));
}

#[test]
fn r2_10_policy_may_keep_an_application_to_one_kind_of_device() {
    let kinds = ["pc".to_owned()];
    let wish = Wish {
        kinds: Some(&kinds),
        ..wish(PlanWish::Auto)
    };
    assert_eq!(why(&Profile::default(), &wish), Some(Exclusion::Policy));
}

#[test]
fn r2_8_and_r2_7_presence_and_bearer_leave_a_device_out() {
    let away = Profile {
        presence: Presence::Closed,
        ..Profile::default()
    };
    let by_sms = Profile {
        bearers: vec![Bearer::Sms],
        ..Profile::default()
    };
    let wish = wish(PlanWish::Auto);
    assert_eq!(why(&away, &wish), Some(Exclusion::Presence));
    assert_eq!(why(&by_sms, &wish), Some(Exclusion::Bearer));
}

#[test]
fn r2_71_legacy_knows_no_exclusions() {
    let never = Profile {
        subscriptions: Some(Vec::new()),
        ..Profile::default()
    };
    let devices = [device(&never, "wbr"), device(&never, "br")];
    assert_eq!(
        shown(plan(&wish(PlanWish::Legacy), &devices, Time::EPOCH)),
        "Legacy 01/ direct= held="
    );
}

#[test]
fn an_exclusion_turns_a_fanout_into_targeted() {
    let open = Profile::default();
    let never = Profile {
        subscriptions: Some(Vec::new()),
        ..Profile::default()
    };
    let devices = [device(&open, "wbr"), device(&never, "wbr")];
    assert_eq!(
        shown(plan(&wish(PlanWish::Auto), &devices, Time::EPOCH)),
        "Targeted 0/0 direct= held="
    );
}

#[test]
fn sixty_four_devices_fit_and_the_sixty_fifth_is_not_counted() {
    let mut set = Devices::NONE;
    set.add(63);
    set.add(64);
    assert_eq!(set.count(), 1);
    assert!(set.has(63) && !set.has(64));
}
