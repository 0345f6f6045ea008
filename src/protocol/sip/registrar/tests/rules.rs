//! REGISTER by the rules of RFC 3261 section 10.3 and the limits of the profile.

use std::collections::BTreeSet;

use super::*;

const PHONE: &str = "<sip:alice@192.0.2.11:5060>";

#[test]
fn the_register_of_the_profile_is_answered_like_there() {
    let mut bench = bench();
    bench.flow = LINK;
    let told = bench.accepted(
        &ask(1)
            .modern()
            .row(
                "Allow",
                "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, NOTIFY",
            )
            .row(
                "X-Sirgate-Device",
                "<urn:gsma:imei:90420156-025763-0>, <urn:dev:mac:0024befffe804ff1>",
            )
            .row(
                "Contact",
                "<sip:alice@192.0.2.11:5060;transport=tcp;ob>;\
                 +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\r\n ;reg-id=1;\
                 methods=\"INVITE,ACK,BYE,CANCEL,OPTIONS,MESSAGE,NOTIFY\"\r\n ;+sip.message;\
                 mobility=\"mobile\";+g.oma.pusheventapp=\"push.sia,mms.ua,dcd.ua\"",
            )
            .row("Expires", "3600"),
    );
    assert_eq!(told.words(), ["created"]);
    let binding = told.changes[0].binding();
    let temporary = binding.temp_gruu.clone().unwrap();
    assert_eq!(
        told.values("Contact"),
        [format!(
            "<sip:alice@192.0.2.11:5060;transport=tcp;ob>;+sip.instance=\"<{C1}>\";reg-id=1;\
             expires=3600;pub-gruu=\"sip:alice@example.com;gr={C1}\";temp-gruu=\"{temporary}\";\
             methods=\"INVITE,ACK,BYE,CANCEL,OPTIONS,MESSAGE,NOTIFY\";+sip.message;\
             mobility=\"mobile\";+g.oma.pusheventapp=\"push.sia,mms.ua,dcd.ua\""
        )]
    );
    assert_eq!(told.values("Require"), ["outbound"]);
    assert_eq!(told.values("Flow-Timer"), ["120"]);
    assert_eq!(told.values("Date"), ["Thu, 01 Jan 2026 10:00:00 GMT"]);
    assert_eq!(told.values("Supported"), ["path, outbound"]);
    assert!(told.response.to().unwrap().tag().is_some());
    assert_eq!(
        binding.aliases,
        [
            "urn:gsma:imei:90420156-025763-0",
            "urn:dev:mac:0024befffe804ff1"
        ]
    );
    assert_eq!((binding.flow, binding.cseq), (LINK, 1));
}

#[test]
fn a_query_lists_what_is_there_and_changes_nothing() {
    let mut bench = bench();
    bench.accepted(&contacts(
        1,
        &["<sip:a@192.0.2.1>;q=0.25;x=\"b c\"", "<sip:b@192.0.2.2>"],
    ));
    bench.wait(100);
    let told = bench.accepted(&ask(2));
    assert_eq!(told.changes, []);
    assert_eq!(
        told.values("Contact"),
        [
            "<sip:b@192.0.2.2>;expires=3500",
            "<sip:a@192.0.2.1>;expires=3500;q=0.250;x=\"b c\""
        ]
    );
}

#[test]
fn a_contact_that_equals_a_known_one_refreshes_it() {
    let mut bench = bench();
    let first = bench.accepted(&contacts(
        1,
        &["<sip:%61lice@Host.example.com;transport=tcp>"],
    ));
    bench.wait(5);
    let told = bench.accepted(&contacts(
        2,
        &["<sip:alice@host.EXAMPLE.com;transport=TCP>"],
    ));
    assert_eq!(told.words(), ["refreshed"]);
    assert_eq!(
        told.changes[0].binding().id(),
        first.changes[0].binding().id()
    );
    assert_eq!(told.changes[0].binding().created_at, NOW);
    assert_eq!(
        bench.contacts(),
        ["sip:alice@host.EXAMPLE.com;transport=TCP"]
    );
}

#[test]
fn contacts_that_differ_in_the_port_are_two() {
    let mut bench = bench();
    bench.accepted(&contacts(
        1,
        &["<sip:a@192.0.2.1>", "<sip:a@192.0.2.1:5060>"],
    ));
    assert_eq!(bench.contacts().len(), 2);
}

#[test]
fn one_address_of_record_has_one_spelling() {
    let mut bench = bench();
    let to = "sip:%61lice:secret@EXAMPLE.com:5060;transport=tcp";
    bench.accepted(&contacts(1, &[PHONE]).to(to));
    bench.accepted(&contacts(2, &["<sip:x@192.0.2.2>"]).to("sips:alice@example.com"));
    assert_eq!(bench.contacts().len(), 2);
}

#[test]
fn the_same_cseq_of_a_call_id_aborts_everything() {
    let mut bench = bench();
    bench.accepted(&contacts(5, &[PHONE]));
    let told = bench.refused(&contacts(5, &["<sip:new@192.0.2.9>", PHONE]));
    assert_eq!(told.status(), 500);
    assert_eq!(
        bench
            .refused(&contacts(4, &["<sip:alice@192.0.2.11:5060>;expires=0"]))
            .status(),
        500
    );
    assert_eq!(
        bench
            .refused(&ask(5).row("Contact", "*").row("Expires", "0"))
            .status(),
        500
    );
}

#[test]
fn another_call_id_may_start_anywhere() {
    let mut bench = bench();
    bench.accepted(&contacts(500, &[PHONE]));
    let told = bench.accepted(&contacts(1, &[PHONE]).call_id("after-a-restart"));
    assert_eq!(told.words(), ["refreshed"]);
}

#[test]
fn one_contact_too_brief_leaves_all_as_they_were() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &["<sip:old@192.0.2.1>"]));
    let told = bench.refused(&contacts(
        2,
        &[
            PHONE,
            "<sip:old@192.0.2.1>;expires=0",
            "<sip:x@192.0.2.2>;expires=59",
        ],
    ));
    assert_eq!(told.status(), 423);
    assert_eq!(told.values("Min-Expires"), ["60"]);
}

#[test]
fn lifetimes_are_taken_from_the_contact_then_the_header_then_the_policy() {
    let mut bench = bench();
    let told = bench.accepted(
        &contacts(1, &["<sip:a@192.0.2.1>;expires=61", "<sip:b@192.0.2.2>"]).row("Expires", "99"),
    );
    let mut seconds: Vec<u64> = told
        .changes
        .iter()
        .map(|change| change.binding().expires_at.since(NOW).as_secs())
        .collect();
    seconds.sort_unstable();
    assert_eq!(seconds, [61, 99]);
    assert_eq!(
        bench
            .accepted(&contacts(2, &["<sip:c@192.0.2.3>"]))
            .param("expires")
            .unwrap(),
        "3600"
    );
}

#[test]
fn lifetimes_are_granted_from_the_minimum_to_the_maximum() {
    for (asked, granted) in [
        ("60", "60"),
        ("7200", "7200"),
        ("7201", "7200"),
        ("4294967295", "7200"),
    ] {
        let told = bench().accepted(&contacts(1, &[PHONE]).row("Expires", asked));
        assert_eq!(told.param("expires").unwrap(), granted);
    }
    for odd in ["4294967296", "\"soon\"", "-1"] {
        let contact = format!("{PHONE};expires={odd}");
        let told = bench().accepted(&contacts(1, &[&contact]).row("Expires", "100"));
        assert_eq!(told.param("expires").unwrap(), "3600", "{odd}");
    }
}

#[test]
fn an_hour_is_never_too_brief() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.min = 5_000;
    let mut bench = with(policy);
    assert_eq!(
        bench
            .accepted(&contacts(1, &[PHONE]))
            .param("expires")
            .unwrap(),
        "3600"
    );
    let told = bench.refused(&contacts(2, &[PHONE]).row("Expires", "3599"));
    assert_eq!(told.values("Min-Expires"), ["3600"]);
}

#[test]
fn expires_zero_removes_one_contact() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[PHONE, "<sip:b@192.0.2.2>"]));
    let told = bench.accepted(&contacts(2, &["<sip:alice@192.0.2.11:5060>;expires=0"]));
    assert_eq!(told.words(), ["removed"]);
    assert!(matches!(
        told.changes[0],
        Change::Removed(_, Removal::Unregistered)
    ));
    assert_eq!(bench.contacts(), ["sip:b@192.0.2.2"]);
}

#[test]
fn removing_what_is_not_there_is_no_fault() {
    let told = bench().accepted(&contacts(1, &["<sip:b@192.0.2.2>;expires=0"]));
    assert_eq!(told.changes, []);
    assert_eq!(told.values("Contact"), [""; 0]);
}

#[test]
fn a_star_removes_all() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[PHONE, "<sip:b@192.0.2.2>"]));
    let told = bench.accepted(&ask(2).row("Contact", "*").row("Expires", "0"));
    assert_eq!(told.words(), ["removed", "removed"]);
    assert!(bench.registrar.is_empty());
    assert_eq!(bench.registrar.deadline(), None);
}

#[test]
fn a_star_goes_alone_and_with_expires_zero() {
    let mut bench = bench();
    bench.accepted(&contacts(1, &[PHONE]));
    for ask in [
        ask(2).row("Contact", "*"),
        ask(2).row("Contact", "*").row("Expires", "1"),
        contacts(2, &["*", PHONE]).row("Expires", "0"),
        contacts(2, &["*", "*"]).row("Expires", "0"),
    ] {
        assert_eq!(bench.refused(&ask).status(), 400);
    }
}

#[test]
fn bindings_end_when_their_time_is_over() {
    let mut bench = bench();
    bench.accepted(&contacts(
        1,
        &[
            "<sip:a@192.0.2.1>;expires=60",
            "<sip:b@192.0.2.2>;expires=90",
        ],
    ));
    assert_eq!(
        bench.registrar.deadline(),
        Some(NOW + Duration::from_secs(60))
    );
    assert_eq!(bench.registrar.expire(NOW + Duration::from_secs(59)), []);
    let changes = bench.registrar.expire(NOW + Duration::from_secs(60));
    assert!(
        matches!(changes.as_slice(), [Change::Removed(b, Removal::Expired)] if b.contact == "sip:a@192.0.2.1")
    );
    assert_eq!(bench.contacts(), ["sip:b@192.0.2.2"]);
    assert_eq!(
        bench.registrar.expire(NOW + Duration::from_secs(900)).len(),
        1
    );
    assert_eq!(bench.registrar.deadline(), None);
}

#[test]
fn bindings_stand_by_q_then_the_latest_first() {
    let mut bench = bench();
    for (cseq, contact) in [
        (1, "<sip:low@192.0.2.1>;q=0.1"),
        (2, "<sip:old@192.0.2.2>;q=0.5"),
        (3, "<sip:new@192.0.2.3>;q=0.5"),
        (4, "<sip:top@192.0.2.4>"),
    ] {
        bench.accepted(&contacts(cseq, &[contact]));
        bench.wait(1);
    }
    let hosts: Vec<&str> = bench.contacts().iter().map(|c| &c[4..7]).collect();
    assert_eq!(hosts, ["top", "new", "old", "low"]);
}

#[test]
fn the_last_binding_within_the_limit_is_taken_and_the_next_is_not() {
    let mut bench = bench();
    for n in 0..limits::BINDINGS_PER_AOR {
        let contact = format!("<sip:a{n}@192.0.2.1>");
        bench.accepted(&contacts(u32::try_from(n).unwrap() + 1, &[&contact]));
    }
    let told = bench.refused(&contacts(99, &["<sip:one-more@192.0.2.1>"]));
    assert_eq!(told.status(), 403);
    assert!(told.values("Warning")[0].starts_with("399 "));
    bench.accepted(&contacts(
        99,
        &["<sip:a0@192.0.2.1>;expires=0", "<sip:one-more@192.0.2.1>"],
    ));
    bench.accepted(&contacts(100, &["<sip:a1@192.0.2.1>"]));
}

#[test]
fn a_registrar_that_is_full_still_refreshes() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.bindings_total = 2;
    let mut bench = with(policy);
    bench.accepted(&contacts(1, &[PHONE]));
    bench.accepted(&contacts(1, &[PHONE]).to("sip:bob@example.com"));
    let told = bench.refused(&contacts(1, &[PHONE]).to("sip:carol@example.com"));
    assert_eq!(told.status(), 503);
    assert_eq!(told.values("Retry-After"), ["300"]);
    bench.accepted(&contacts(2, &[PHONE]));
}

#[test]
fn a_binding_may_be_as_large_as_the_limit_and_no_larger() {
    let mut bench = bench();
    let fixed = ALICE.len() + "sip:a@192.0.2.1".len() + "d1-reg-1".len() + "x".len();
    let large = |octets: usize| format!("<sip:a@192.0.2.1>;x={}", "y".repeat(octets - fixed));
    let told = bench.refused(&contacts(1, &[&large(limits::BINDING_OCTETS + 1)]));
    assert_eq!(told.status(), 403);
    bench.accepted(&contacts(1, &[&large(limits::BINDING_OCTETS)]));
}

#[test]
fn requests_for_others_are_turned_away() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.identities = Identities::Listed(BTreeSet::from([ALICE.to_owned()]));
    let mut bench = with(policy);
    for (ask, status) in [
        (contacts(1, &[PHONE]).uri("sip:example.org"), 404),
        (contacts(1, &[PHONE]).uri("sip:alice@example.com"), 400),
        (contacts(1, &[PHONE]).uri("tel:+15550100"), 416),
        (contacts(1, &[PHONE]).to("sip:alice@example.org"), 404),
        (contacts(1, &[PHONE]).to("sip:bob@example.com"), 404),
        (contacts(1, &[PHONE]).to("sip:example.com"), 404),
        (contacts(1, &[PHONE]).to("tel:+15550100"), 400),
    ] {
        assert_eq!(bench.refused(&ask).status(), status, "{}", ask.to);
    }
    bench.accepted(&contacts(1, &[PHONE]).uri("sip:EXAMPLE.com:5060;transport=tcp"));
}

#[test]
fn an_unknown_required_extension_is_named() {
    let told = bench().refused(&contacts(1, &[PHONE]).row("Require", "gruu, foo, outbound, bar"));
    assert_eq!(told.status(), 420);
    assert_eq!(told.values("Unsupported"), ["foo, bar"]);
}

#[test]
fn values_outside_their_grammar_are_refused() {
    let mut bench = bench();
    for contact in [
        "<sip:a@192.0.2.1>;q=1.1",
        "<sip:a@192.0.2.1>;q=0.0001",
        "<sip:a@>",
        "sip",
    ] {
        assert_eq!(
            bench.refused(&contacts(1, &[contact])).status(),
            400,
            "{contact}"
        );
    }
    let odd = contacts(1, &[PHONE]).row("X-Sirgate-Device", "<no identifier>");
    assert_eq!(bench.refused(&odd).status(), 400);
}

#[test]
fn an_identifier_of_another_identity_is_refused() {
    let mut bench = bench();
    let imei = |ask: Ask| ask.row("X-Sirgate-Device", "<urn:gsma:imei:90420156-025763-0>");
    bench.accepted(&imei(contacts(1, &[PHONE])));
    let printed = contacts(1, &[PHONE]).to("sip:bob@example.com").row(
        "X-Sirgate-Device",
        "<urn:gsma:imei:90420156-025763-7;svn=42>",
    );
    assert_eq!(bench.refused(&printed).status(), 403);
    bench.accepted(&imei(contacts(2, &[PHONE, "<sip:b@192.0.2.2>"])));
    bench.accepted(&ask(3).row("Contact", "*").row("Expires", "0"));
    bench.accepted(&imei(contacts(1, &[PHONE]).to("sip:bob@example.com")));
}

#[test]
fn an_identifier_that_is_no_longer_registered_is_free() {
    let mut bench = bench();
    let imei = ("X-Sirgate-Device", "<urn:gsma:imei:90420156-025763-0>");
    bench.accepted(&contacts(1, &[PHONE]).row(imei.0, imei.1));
    bench.accepted(&contacts(2, &[PHONE]));
    bench.accepted(
        &contacts(1, &[PHONE])
            .to("sip:bob@example.com")
            .row(imei.0, imei.1),
    );
}

#[test]
fn a_device_has_as_many_identifiers_as_the_limit_and_no_more() {
    let list = |n: usize| -> String {
        let ids: Vec<String> = (0..n)
            .map(|i| format!("<urn:dev:mac:0024befffe80{i:04x}>"))
            .collect();
        ids.join(", ")
    };
    let most = contacts(1, &[PHONE]).row("X-Sirgate-Device", &list(limits::BINDING_ALIASES));
    bench().accepted(&most);
    let more = contacts(1, &[PHONE]).row("X-Sirgate-Device", &list(limits::BINDING_ALIASES + 1));
    assert_eq!(bench().refused(&more).status(), 403);
}

#[test]
fn the_path_is_kept_and_given_back() {
    let mut bench = bench();
    let path = "<sip:p2.example.com;lr>";
    let ask = contacts(1, &[PHONE])
        .row("Supported", "path")
        .row("Path", path)
        .row("Path", "<sip:p1.example.com;lr>");
    let told = bench.accepted(&ask);
    assert_eq!(
        told.values("Path"),
        ["<sip:p2.example.com;lr>, <sip:p1.example.com;lr>"]
    );
    assert_eq!(
        told.changes[0].binding().path,
        ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    );
}

#[test]
fn a_path_the_client_does_not_know_of_is_refused_when_policy_says_so() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.path_needs_offer = true;
    let told = with(policy).refused(&contacts(1, &[PHONE]).row("Path", "<sip:p1.example.com;lr>"));
    assert_eq!(
        (told.status(), told.values("Unsupported")),
        (420, vec!["path".to_owned()])
    );
}

#[test]
fn a_service_route_is_told() {
    let mut policy = Policy::new("example.com", [5; 32]);
    policy.service_route = vec!["<sip:edge.example.com;lr>".to_owned()];
    let told = with(policy).accepted(&contacts(1, &[PHONE]));
    assert_eq!(told.values("Service-Route"), ["<sip:edge.example.com;lr>"]);
}

#[test]
fn a_dormant_device_says_how_to_wake_it() {
    let contact = |pn: &str| format!("<sip:alice@192.0.2.13:5060;transport=tcp;ob{pn}>");
    let known = contact(";pn-provider=sirgate;pn-param=sms;pn-prid=%2B15550103");
    let told = bench().accepted(&contacts(1, &[&known]));
    assert_eq!(told.values("Feature-Caps"), ["*;+sip.pns=\"sirgate\""]);
    let asked = bench().accepted(&contacts(1, &[&contact(";pn-provider")]));
    assert_eq!(asked.values("Feature-Caps"), ["*;+sip.pns=\"sirgate\""]);
    for unknown in [
        ";pn-provider=apns;pn-prid=x",
        ";pn-provider=sirgate;pn-param=pigeon;pn-prid=x",
    ] {
        assert_eq!(
            bench().refused(&contacts(1, &[&contact(unknown)])).status(),
            555
        );
    }
}

#[test]
fn one_request_may_exchange_all_bindings_and_no_more() {
    let mut bench = bench();
    let host = |octet: usize, end: &str| format!("<sip:a@192.0.2.{octet}>{end}");
    let old: Vec<String> = (0..10).map(|n| host(n, "")).collect();
    bench.accepted(&contacts(1, &[&old.join(", ")]));
    let mut all: Vec<String> = (0..10).map(|n| host(n, ";expires=0")).collect();
    all.extend((10..20).map(|n| host(n, "")));
    bench.accepted(&contacts(2, &[&all.join(", ")]));
    all.push(host(0, ";expires=0"));
    assert_eq!(
        bench.refused(&contacts(3, &[&all.join(", ")])).status(),
        403
    );
}

#[test]
fn contacts_are_one_by_the_rules_of_uris_however_they_are_compared() {
    let contacts = [
        "sip:a@192.0.2.1:5060",
        "sip:a@192.0.2.1:5061",
        "sip:a@192.0.2.1:05060",
        "sip:a@192.0.2.1:00560",
        "sip:a@192.0.2.1:05600",
        "sip:A@192.0.2.1:5060",
        "sip:%61@192.0.2.1:5060",
        "sip:a@h.example.com",
        "sip:a@H.example.com",
        "SIP:a@h.example.com",
        "sips:a@h.example.com",
        "sip:h.example.com",
        "sip:a@h.example.com;transport=tcp",
        "sip:a@h.example.com;transport=TCP",
        "sip:a@h.example.com;x=1",
        "tel:1-23",
        "tel:12-3",
    ];
    for one in contacts {
        for two in contacts {
            let uris = [one, two].map(|text| Uri::decode(text.as_bytes()).unwrap());
            let expected = uris[0].is_equal(&uris[1]);
            assert_eq!(is_same_contact(one, two), expected, "{one} {two}");
        }
    }
}
