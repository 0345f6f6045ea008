//! GRUUs: RFC 5627 section 5.

use super::*;

/// A Contact with an instance and without outbound.
fn plain(host: &str, urn: &str) -> String {
    format!("<sip:a@{host}>;+sip.instance=\"<{urn}>\"")
}

fn temporary(told: &Told) -> String {
    told.param("temp-gruu").unwrap()
}

#[test]
fn gruus_are_given_to_clients_that_ask_and_to_no_others() {
    let mut bench = bench();
    let told = bench.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]));
    assert_eq!(
        (told.param("pub-gruu"), told.param("temp-gruu")),
        (None, None)
    );
    let told = bench.accepted(&contacts(2, &[&plain("192.0.2.1", C1)]).row("Supported", "gruu"));
    assert_eq!(told.param("pub-gruu").unwrap(), format!("{ALICE};gr={C1}"));
    assert!(temporary(&told).starts_with("sip:tgruu."));
    assert!(temporary(&told).ends_with("@example.com;gr"));
    let query = bench.accepted(&ask(3));
    assert_eq!(query.param("pub-gruu"), None);
}

#[test]
fn gruus_a_client_sends_are_passed_over() {
    let contact = format!(
        "{};pub-gruu=\"sip:x@y;gr=z\";temp-gruu=\"t\"",
        plain("192.0.2.1", C1)
    );
    let told = bench().accepted(&contacts(1, &[&contact]).row("Supported", "gruu"));
    assert_eq!(told.param("pub-gruu").unwrap(), format!("{ALICE};gr={C1}"));
    assert_eq!(told.changes[0].binding().params, []);
}

#[test]
fn an_imei_and_a_meid_never_show_in_a_gruu() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.gr_namespace = "00112233-4455-4677-8899-aabbccddeeff".parse().unwrap();
    let mut bench = with(policy);
    let imei = plain("192.0.2.1", "urn:gsma:imei:90420156-025763-0");
    let told = bench.accepted(&contacts(1, &[&imei]).row("Supported", "gruu"));
    assert_eq!(
        told.param("pub-gruu").unwrap(),
        format!("{ALICE};gr=urn:uuid:c6801aeb-c1f5-5711-a344-92a8869d3f02")
    );
    assert_eq!(
        bench.resolve("sip:alice@example.com;gr=urn:uuid:C6801AEB-c1f5-5711-a344-92a8869d3f02"),
        Ok(vec!["sip:a@192.0.2.1"])
    );
    assert_eq!(
        bench.resolve("sip:alice@example.com;gr=urn:gsma:imei:90420156-025763-0"),
        Err(404)
    );
}

#[test]
fn a_public_gruu_leads_to_its_device_and_not_to_the_identity() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]));
    bench.accepted(&contacts(1, &[&plain("192.0.2.2", C2)]).call_id("d2"));
    assert_eq!(
        bench.resolve(&format!("{ALICE};gr={C1}")),
        Ok(vec!["sip:a@192.0.2.1"])
    );
    let escaped = "sip:%61lice@EXAMPLE.COM;gr=urn%3Auuid%3a0F2A6C54-9b1d-4c3e-8a77-5d1f6e0b9c21";
    assert_eq!(bench.resolve(escaped), Ok(vec!["sip:a@192.0.2.2"]));
    assert_eq!(bench.resolve(ALICE).unwrap().len(), 2);
}

#[test]
fn a_public_gruu_of_a_device_that_left_is_unavailable_and_an_unknown_one_is_nowhere() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]));
    bench.accepted(&ask(2).row("Contact", "*").row("Expires", "0"));
    assert_eq!(bench.resolve(&format!("{ALICE};gr={C1}")), Err(480));
    assert_eq!(bench.resolve(&format!("{ALICE};gr={C2}")), Err(404));
    assert_eq!(
        bench.resolve(&format!("sip:bob@example.com;gr={C1}")),
        Err(404)
    );
    assert_eq!(
        bench.resolve(&format!("sip:alice@example.org;gr={C1}")),
        Err(404)
    );
    bench.registrar.remember(ALICE, C2);
    assert_eq!(bench.resolve(&format!("{ALICE};gr={C2}")), Err(480));
}

#[test]
fn an_identity_without_bindings_is_unavailable() {
    assert_eq!(bench().resolve(ALICE), Err(480));
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.identities = Identities::Listed([ALICE.to_owned()].into());
    let bench = with(policy);
    assert_eq!(bench.resolve(ALICE), Err(480));
    assert_eq!(bench.resolve("sip:bob@example.com"), Err(404));
}

#[test]
fn devices_are_remembered_up_to_the_limit() {
    let mut bench = bench();
    let urn = |n: usize| format!("urn:uuid:00000000-0000-4000-8000-{n:012x}");
    for n in 0..=limits::INSTANCES_REMEMBERED {
        bench.registrar.remember(ALICE, &urn(n));
    }
    assert_eq!(bench.resolve(&format!("{ALICE};gr={}", urn(0))), Err(404));
    assert_eq!(bench.resolve(&format!("{ALICE};gr={}", urn(1))), Err(480));
}

#[test]
fn identities_without_bindings_are_remembered_up_to_the_limit() {
    let mut bench = bench();
    for n in 0..=limits::AORS_REMEMBERED {
        bench
            .registrar
            .remember(&format!("sip:u{n}@example.com"), C1);
    }
    assert_eq!(
        bench.resolve(&format!("sip:u0@example.com;gr={C1}")),
        Err(404)
    );
    assert_eq!(
        bench.resolve(&format!("sip:u1@example.com;gr={C1}")),
        Err(480)
    );
}

#[test]
fn every_temporary_gruu_of_a_call_id_is_valid_and_no_two_are_alike() {
    let mut bench = bench();
    let ask = |cseq| contacts(cseq, &[&plain("192.0.2.1", C1)]).modern();
    let one = temporary(&bench.accepted(&ask(1)));
    let two = temporary(&bench.accepted(&ask(2)));
    assert_ne!(one, two);
    assert_eq!(bench.resolve(&one), Ok(vec!["sip:a@192.0.2.1"]));
    assert_eq!(bench.resolve(&two), Ok(vec!["sip:a@192.0.2.1"]));
}

#[test]
fn another_call_id_ends_all_earlier_temporary_gruus() {
    let mut bench = bench();
    let one = temporary(&bench.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]).modern()));
    let moved = contacts(1, &[&plain("192.0.2.7", C1)])
        .modern()
        .call_id("after-a-restart");
    let two = temporary(&bench.accepted(&moved));
    assert_eq!(bench.resolve(&one), Err(404));
    assert_eq!(
        bench.resolve(&two).unwrap().len(),
        2,
        "both contacts are of the device"
    );
}

#[test]
fn the_flows_of_one_device_have_their_call_ids_and_temporary_gruus_side_by_side() {
    let mut bench = bench();
    let one = temporary(&bench.accepted(&contacts(1, &[&outbound("a", C1, 1)]).modern()));
    bench.wait(1);
    let second = contacts(1, &[&outbound("b", C1, 2)])
        .modern()
        .call_id("d1-reg-2");
    let two = temporary(&bench.accepted(&second));
    let both = vec![
        "sip:b@192.0.2.11;transport=tcp;ob",
        "sip:a@192.0.2.11;transport=tcp;ob",
    ];
    assert_eq!(bench.resolve(&one), Ok(both.clone()));
    assert_eq!(bench.resolve(&two), Ok(both));
}

#[test]
fn a_temporary_gruu_ends_with_the_registration() {
    let mut bench = bench();
    let ask = |cseq| contacts(cseq, &[&plain("192.0.2.1", C1)]).modern();
    let one = temporary(&bench.accepted(&ask(1)));
    bench.accepted(&self::ask(2).row("Contact", "*").row("Expires", "0"));
    assert_eq!(bench.resolve(&one), Err(404));
    bench.accepted(&ask(3));
    assert_eq!(
        bench.resolve(&one),
        Err(404),
        "a new registration does not revive it"
    );
}

#[test]
fn a_temporary_gruu_survives_a_restart_with_its_binding() {
    let mut before = bench();
    let one = temporary(&before.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]).modern()));
    let mut after = bench();
    after
        .registrar
        .restore(before.registrar.bindings(ALICE)[0].clone());
    assert_eq!(after.resolve(&one), Ok(vec!["sip:a@192.0.2.1"]));
    let mut stranger = with(Policy::new("example.com", [6; 32]));
    stranger
        .registrar
        .restore(before.registrar.bindings(ALICE)[0].clone());
    assert_eq!(stranger.resolve(&one), Err(404));
}

#[test]
fn what_only_looks_like_a_temporary_gruu_leads_nowhere() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[&plain("192.0.2.1", C1)]).modern());
    for uri in [
        "sip:tgruu.7hs@example.com;gr",
        "sip:alice@example.com;gr",
        "sip:example.com;gr",
        "sip:tgruu.LCXC3wKrmNv5vtlWm11Iwwy/qq12I9J7jB9A@example.com;gr",
    ] {
        assert_eq!(bench.resolve(uri), Err(404), "{uri}");
    }
}

#[test]
fn a_contact_that_leads_back_to_the_identity_cannot_have_a_gruu() {
    let mut bench = bench();
    for contact in [
        format!("<{ALICE}>;+sip.instance=\"<{C1}>\""),
        format!("<{ALICE};gr={C1}>;+sip.instance=\"<{C1}>\""),
        format!("<tel:+15550100>;+sip.instance=\"<{C1}>\""),
    ] {
        assert_eq!(
            bench.refused(&contacts(1, &[&contact]).modern()).status(),
            403,
            "{contact}"
        );
    }
}
