//! A tap on a notice (R1.46 to R1.50).

use super::*;

fn open(bench: &mut Bench, token: &str) -> HttpResponse {
    bench.ask("POST", "open", "", &json!({ "token": token }))
}

#[test]
fn r1_46_r1_48_r1_53_a_tap_brings_the_order_to_start_and_the_whole_in_one_answer() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let token = bench.tapped();
    bench.restart();
    let order = body_of(&open(&mut bench, &token));
    assert_eq!(order["launch"], "mail");
    assert_eq!(
        order["fetch"],
        "/api/v1/accounts/sip:alice@example.com/messages/1"
    );
    assert_eq!(
        order["message"]["summary"],
        "the treasure lies below the oak"
    );
    let launched = |fact: &Fact| *fact == launch();
    assert_eq!(bench.count(launched), 1);
    let state = bench.ask("GET", "accounts/alice/messages/1", "", &Value::Null);
    assert_eq!(body_of(&state)["state"], "read");
}

fn launch() -> Fact {
    Fact::AppLaunch {
        dev: "T1".to_owned(),
        app: "mail".to_owned(),
    }
}

#[test]
fn r1_50_two_taps_start_one_client_also_over_a_restart() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let token = bench.tapped();
    assert_eq!(open(&mut bench, &token).status, 200);
    assert_eq!(open(&mut bench, &token).status, 409);
    bench.restart();
    assert_eq!(open(&mut bench, &token).status, 409);
    assert_eq!(bench.count(|fact| *fact == launch()), 1);
}

#[test]
fn r1_49_after_an_opening_the_next_information_goes_directly() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let token = bench.tapped();
    open(&mut bench, &token);
    bench.facts.clear();
    bench.wait(Duration::from_secs(3));
    bench.mail();
    assert_eq!((bench.direct(), bench.told().len()), (1, 0));
}

#[test]
fn a_token_that_was_never_given_or_is_too_old_opens_nothing() {
    let mut bench = Bench::new();
    bench.enter("T1", "sip");
    bench.mail();
    let token = bench.tapped();
    assert_eq!(open(&mut bench, "guess").status, 404);
    bench.wait(Duration::from_secs(8 * 86_400));
    assert_eq!(open(&mut bench, &token).status, 404);
    assert_eq!(bench.count(|fact| *fact == launch()), 0);
}
