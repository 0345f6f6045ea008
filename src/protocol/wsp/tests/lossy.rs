//! Sessions over a network that loses, doubles and overtakes.

use super::*;

#[test]
fn every_confirmed_push_arrives_once_over_a_bad_network() {
    for seed in 0..25 {
        let mut lab = Lab::new(settings(), seed);
        (lab.lost, lab.doubled) = (100, 300);
        lab.connect();
        lab.run();
        let session = lab.server.session_of(at(AT_CLIENT)).unwrap();
        let mut sent = Vec::new();
        for id in 0..10 {
            let mut body = vec![u8::try_from(id).unwrap()];
            body.resize(usize::try_from(1 + lab.random.below(20_000)).unwrap(), 7);
            let body = Bytes::from(body);
            sent.push(body.clone());
            lab.gateway(server::In::Push {
                session,
                id,
                message: message(body),
                confirmed: true,
            });
        }
        lab.run();
        let mut arrived = bodies(&lab.client_learned());
        arrived.sort();
        assert_eq!(arrived, sent, "seed {seed}");
        let confirmed = lab
            .server_learned()
            .iter()
            .filter(|it| matches!(it, server::Out::Confirmed { .. }))
            .count();
        assert_eq!(confirmed, 10, "seed {seed}");
        assert_eq!(lab.server.load().octets, 0);
    }
}

#[test]
fn a_session_that_rests_and_goes_on_delivers_each_push_once_or_reports_it() {
    for seed in 0..25 {
        let mut lab = Lab::new(settings(), seed);
        (lab.lost, lab.doubled) = (100, 300);
        lab.connect();
        lab.run();
        let session = lab.server.session_of(at(AT_CLIENT)).unwrap();
        let server = at(AT_SERVER);
        for id in 0..12 {
            let message = message(Bytes::from(vec![u8::try_from(id).unwrap(); 2_000]));
            let confirmed = true;
            lab.gateway(server::In::Push {
                session,
                id,
                message,
                confirmed,
            });
            if id % 4 == 2 {
                lab.device(client::In::Suspend { server });
            }
            if id % 4 == 3 {
                lab.device(client::In::Resume {
                    server,
                    headers: Bytes::new(),
                });
            }
        }
        lab.run();
        // A Suspend that was overtaken by the Resume after it leaves the server waiting.
        lab.gateway(server::In::Disconnect { session });
        lab.run();
        let mut arrived = bodies(&lab.client_learned());
        let count = arrived.len();
        arrived.sort();
        arrived.dedup();
        assert_eq!(arrived.len(), count, "seed {seed}: one came twice");
        let learned = lab.server_learned();
        for id in 0..12 {
            let fates = learned.iter().filter(|it| {
                matches!(it, server::Out::Confirmed { id: it, .. } | server::Out::Failed { id: it, .. } if *it == id)
            });
            let fates: Vec<_> = fates.collect();
            assert_eq!(fates.len(), 1, "seed {seed}, push {id}: {fates:?}");
            if matches!(fates[0], server::Out::Confirmed { .. }) {
                let body = Bytes::from(vec![u8::try_from(id).unwrap(); 2_000]);
                assert!(arrived.contains(&body), "seed {seed}, push {id}");
            }
        }
    }
}
