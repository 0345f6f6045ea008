//! Random REGISTERs: whatever comes, the limits hold and a refusal changes nothing.

use std::collections::BTreeMap;

use super::*;

const OFFER: &str = "Supported: outbound, gruu\r\n";

/// One random REGISTER out of a small world, so that requests meet each other's bindings often.
fn any(random: &mut Random) -> Ask {
    let mut pick = |from: &[&'static str]| -> &'static str {
        from[usize::try_from(random.below(u64::try_from(from.len()).unwrap())).unwrap()]
    };
    let to = pick(&["alice", "bob"]);
    let call_id = pick(&["c1", "c2", "c3"]);
    let mut contacts = Vec::new();
    for _ in 0..pick(&["", "x", "xx", "xxx", "xxxxxxxxxxxxx"]).len() {
        contacts.push(format!(
            "<sip:{}@192.0.2.{}>{}{}{}",
            pick(&["a", "b", "c", "d"]),
            pick(&["1", "2", "3", "4"]),
            pick(&[
                "",
                ";expires=0",
                ";expires=60",
                ";expires=59",
                ";expires=9999"
            ]),
            pick(&[
                "",
                "",
                ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\""
            ]),
            pick(&["", "", "", ";reg-id=1", ";reg-id=2", ";reg-id=0", ";q=0.5"]),
        ));
    }
    let mut rows = vec![
        if pick(&["", "", "", "x"]).is_empty() {
            pick(&["", OFFER])
        } else {
            pick(&["", OFFER, "Require: foo\r\n"])
        }
        .to_owned(),
        pick(&[
            "",
            "",
            "",
            "X-Sirgate-Device: <urn:dev:mac:0024befffe804ff1>\r\n",
        ])
        .to_owned(),
        pick(&["", "", "", "", "Contact: *\r\nExpires: 0\r\n"]).to_owned(),
    ];
    rows.extend(
        contacts
            .iter()
            .map(|contact| format!("Contact: {contact}\r\n")),
    );
    Ask {
        uri: "sip:example.com",
        to: format!("sip:{to}@example.com"),
        call_id,
        cseq: u32::try_from(random.below(60)).unwrap(),
        rows,
    }
}

/// What must hold after every step.
fn check(bench: &Bench) {
    let registrar = &bench.registrar;
    let mut all = 0;
    let mut first = None;
    for aor in [ALICE, "sip:bob@example.com"] {
        let bindings = registrar.bindings(aor);
        assert!(bindings.len() <= limits::BINDINGS_PER_AOR);
        assert!(bindings.is_sorted_by_key(|binding| binding.rank()));
        for binding in bindings {
            let left = binding.expires_at.since(bench.now);
            assert!(!left.is_zero() && left <= Duration::from_secs(7_200));
            first = first.into_iter().chain([binding.expires_at]).min();
            let uri = format!("{aor};gr={}", binding.gr.as_deref().unwrap_or("none"));
            assert_eq!(bench.resolve(&uri).is_ok(), binding.gr.is_some());
        }
        let mut flows: Vec<_> = bindings
            .iter()
            .filter(|binding| binding.reg_id.is_some())
            .map(|binding| (&binding.gr, binding.reg_id))
            .collect();
        flows.sort();
        assert!(
            flows.windows(2).all(|pair| pair[0] != pair[1]),
            "one binding a flow"
        );
        all += bindings.len();
    }
    assert_eq!(registrar.len(), all);
    assert_eq!(registrar.deadline(), first, "the next to end is waited for");
}

/// Replays what was reported; it must lead to what is there.
fn follow(known: &mut Vec<Binding>, changes: &[Change]) {
    for change in changes {
        let binding = change.binding();
        let at = known
            .iter()
            .position(|known| known.serial == binding.serial);
        match (change, at) {
            (Change::Created(_), None) => known.push(binding.clone()),
            (Change::Refreshed(_), Some(at)) => known[at] = binding.clone(),
            (Change::Removed(..), Some(at)) => drop(known.remove(at)),
            _ => panic!("{change:?} of {known:?}"),
        }
    }
}

#[test]
fn random_registers_never_exceed_limits_nor_lose_atomicity() {
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for seed in 0..40 {
        let mut random = Random::from_number(seed);
        let mut bench = bench();
        let mut known: Vec<Binding> = Vec::new();
        for step in 0..120 {
            bench.flow = udp(40_000 + u16::try_from(random.below(4)).unwrap());
            let ask = any(&mut random);
            let before: Vec<Binding> = bench.registrar.all().cloned().collect();
            let told = bench.send(&ask);
            *statuses.entry(told.status()).or_default() += 1;
            if told.status() != 200 {
                assert!(bench.registrar.all().eq(&before), "seed {seed} step {step}");
                assert_eq!(told.changes, [], "seed {seed} step {step}");
            }
            follow(&mut known, &told.changes);
            if random.happens(300) {
                bench.wait(random.below(90));
                let changes = bench.registrar.expire(bench.now);
                follow(&mut known, &changes);
            }
            if random.happens(50) {
                follow(&mut known, &bench.registrar.flow_lost(udp(40_000)));
            }
            check(&bench);
            let mut all: Vec<&Binding> = bench.registrar.all().collect();
            all.sort_by_key(|binding| binding.serial);
            known.sort_by_key(|binding| binding.serial);
            assert!(all.into_iter().eq(&known), "seed {seed} step {step}");
        }
        let end = bench.now + Duration::from_secs(7_200);
        follow(&mut known, &bench.registrar.expire(end));
        assert_eq!((known.len(), bench.registrar.table.traces()), (0, 0));
    }
    // Every kind of end is met often enough to mean something.
    for status in [200, 400, 403, 420, 423, 500] {
        assert!(
            statuses.get(&status).is_some_and(|n| *n > 40),
            "{statuses:?}"
        );
    }
}

#[test]
fn the_same_requests_give_the_same_answers() {
    let run = || -> Vec<Bytes> {
        let mut random = Random::from_number(9);
        let mut bench = bench();
        (0..100)
            .map(|_| bench.send(&any(&mut random)).response.octets().clone())
            .collect()
    };
    assert_eq!(run(), run());
}
