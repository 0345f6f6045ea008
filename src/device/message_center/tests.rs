//! Routing, storing, showing and clearing, with and without each module.

use super::*;

fn arrived(seq: u64, app: &str) -> Arrived {
    Arrived {
        seq,
        appid: app.to_owned(),
        ..Arrived::default()
    }
}

fn with(modules: Modules) -> MessageCentre {
    let mut centre = MessageCentre::new(modules);
    for app in ["mail", "news"] {
        assert_eq!(centre.register(app), []);
    }
    centre
}

fn calls(done: &[Done], of: &str) -> usize {
    let is_of = |one: &&Done| matches!(one, Done::Routed { app, .. } if app == of);
    done.iter().filter(is_of).count()
}

fn three() -> Vec<Arrived> {
    vec![arrived(1, "mail"), arrived(2, "news"), arrived(3, "mail")]
}

#[test]
fn r0_26_r0_27_each_message_goes_to_its_own_application_once() {
    let mut centre = with(Modules::default());
    let done = centre.route(three());
    assert_eq!((calls(&done, "mail"), calls(&done, "news")), (2, 1));
    // What comes again was handled before.
    assert_eq!(centre.route(three()), []);
}

#[test]
fn r0_28_r0_29_without_a_handler_a_message_is_dropped_or_kept_for_later() {
    let mut centre = with(Modules::default());
    let app = "game".to_owned();
    assert_eq!(
        centre.route(vec![arrived(1, "game")]),
        [Done::Dropped { app }]
    );
    assert_eq!((centre.rows(), centre.badge("game")), (0, 0));
    let mut centre = with(Modules {
        unknown: Unknown::Keep,
        ..Modules::default()
    });
    let app = "game".to_owned();
    assert_eq!(
        centre.route(vec![arrived(1, "game")]),
        [Done::Stored { app, seq: 1 }]
    );
    assert_eq!(centre.badge("game"), 0);
    centre.register("game");
    assert_eq!(centre.badge("game"), 1);
}

#[test]
fn r0_30_r0_31_r0_32_a_message_is_stored_before_its_handler_runs_and_shown_on_its_icon() {
    let mut centre = with(Modules::default());
    let app = || "mail".to_owned();
    let done = centre.route(vec![arrived(4, "mail")]);
    let wanted = [
        Done::Stored { app: app(), seq: 4 },
        Done::Routed { app: app(), seq: 4 },
        Done::Badge { app: app(), n: 1 },
    ];
    assert_eq!(done, wanted);
    assert_eq!(centre.of("mail").count(), 1);
}

#[test]
fn r0_34_r0_35_a_click_clears_and_deletes_at_the_same_time() {
    let mut centre = with(Modules::default());
    centre.route(three());
    let mut done = Vec::new();
    assert_eq!(centre.click("mail", &mut done), Some(3));
    let app = || "mail".to_owned();
    assert_eq!(
        done,
        [
            Done::Cleared { app: app(), n: 2 },
            Done::Badge { app: app(), n: 0 }
        ]
    );
    assert_eq!((centre.rows(), centre.badge("news")), (1, 1));
    assert_eq!(centre.click("mail", &mut Vec::new()), None);
}

#[test]
fn r0_36_r0_37_r0_38_what_was_not_cleared_is_shown_again_after_a_restart() {
    let mut centre = with(Modules::default());
    centre.route(three());
    centre.click("news", &mut Vec::new());
    let app = "mail".to_owned();
    assert_eq!(centre.restart(), [Done::Badge { app, n: 2 }]);
    assert_eq!(centre.badge("news"), 0);
}

#[test]
fn r0_39_without_the_lookup_module_nothing_is_shown_after_a_restart_and_clicks_clear() {
    let mut centre = with(Modules {
        restore: false,
        ..Modules::default()
    });
    centre.route(three());
    assert_eq!(centre.restart(), []);
    assert_eq!((centre.badge("mail"), centre.rows()), (0, 3));
    assert_eq!(centre.register("mail"), []);
    assert_eq!(centre.click("mail", &mut Vec::new()), Some(3));
    assert_eq!(centre.rows(), 1);
}

#[test]
fn r0_40_without_the_clearing_module_a_click_deletes_nothing() {
    let mut centre = with(Modules {
        clear: false,
        ..Modules::default()
    });
    centre.route(three());
    assert_eq!(centre.click("mail", &mut Vec::new()), None);
    assert_eq!((centre.rows(), centre.badge("mail")), (3, 2));
    let mail = Done::Badge {
        app: "mail".to_owned(),
        n: 2,
    };
    assert!(centre.restart().contains(&mail));
}

#[test]
fn r0_41_every_combination_of_modules_routes_and_stores() {
    for clear in [false, true] {
        for restore in [false, true] {
            let mut centre = with(Modules {
                unknown: Unknown::Drop,
                clear,
                restore,
            });
            let done = centre.route(three());
            assert_eq!((calls(&done, "mail"), centre.rows()), (2, 3));
            centre.click("mail", &mut Vec::new());
            assert_eq!(centre.rows(), if clear { 1 } else { 3 });
            let shown = centre.restart().len();
            assert_eq!(shown > 0, restore);
        }
    }
}

#[test]
fn r0_42_what_was_cleared_elsewhere_is_cleared_here_too() {
    let mut centre = with(Modules::default());
    centre.route(three());
    centre.route(vec![arrived(4, "mail")]);
    centre.clear("mail", 3, &mut Vec::new());
    assert_eq!((centre.rows(), centre.badge("mail")), (2, 1));
}
