//! Whatever the link and the peer do.

use super::*;

#[test]
fn every_message_ends_once_and_delivered_means_received_whatever_the_link_does() {
    for seed in 0..60 {
        let mut random = Random::from_number(seed);
        let mut pair = Pair::new();
        let mut sent = 0;
        for _ in 0..400 {
            match random.below(12) {
                0 => {
                    sent += 1;
                    pair.push(sent, &content(usize::try_from(sent * 997).unwrap()));
                }
                1 => {
                    let id = random.below(sent + 1);
                    pair.tell(End::Gateway, In::Cancel { id });
                }
                2 if random.happens(200) => {
                    pair.to_device.clear();
                    pair.to_gateway.clear();
                    pair.tell(End::Gateway, In::LinkLost);
                    pair.tell(End::Device, In::LinkLost);
                }
                3 if !pair.device.is_linked() => {
                    pair.tell(End::Device, In::Linked);
                    pair.tell(End::Gateway, In::Linked);
                }
                4 if random.happens(50) => drop(take_first(&mut pair.to_device)),
                5 if random.happens(50) => drop(take_first(&mut pair.to_gateway)),
                6 => pair.wait(random.below(4)),
                _ => drop(pair.step()),
            }
        }
        pair.run();
        pair.wait(60);
        pair.wait(60);
        pair.tell(End::Gateway, In::LinkLost);
        pair.tell(End::Device, In::LinkLost);
        check_ends(&pair, sent, seed);
    }
}

fn check_ends(pair: &Pair, sent: u64, seed: u64) {
    assert_eq!(pair.gateway.deadline(), None, "seed {seed}");
    for id in 1..=sent {
        let ends = |out: &&Out| match out {
            Out::Delivered { id: found } | Out::Failed { id: found, .. } => *found == id,
            _ => false,
        };
        let ends: Vec<&Out> = pair.gateway_told.iter().filter(ends).collect();
        // What never had a link waits for one still.
        assert!(ends.len() <= 1, "seed {seed}: {ends:?}");
        let octets = usize::try_from(id * 997).unwrap();
        let times = pair
            .received()
            .iter()
            .filter(|body| body.len() == octets)
            .count();
        assert!(times <= 1, "seed {seed}");
        if ends == [&Out::Delivered { id }] {
            assert_eq!(times, 1, "seed {seed}");
        }
    }
    for body in pair.received() {
        assert_eq!(body, content(body.len()), "seed {seed}");
    }
}

#[test]
fn no_message_makes_a_session_panic() {
    let mut random = Random::from_number(7);
    let mut wire = Vec::new();
    let mut pair = Pair::bound();
    pair.push(1, &content(5_000));
    wire.extend(pair.to_device.iter().flat_map(Message::encode));
    for _ in 0..700 {
        let mut octets = wire.clone();
        for _ in 0..3 {
            let at = usize::try_from(random.below(u64::try_from(octets.len()).unwrap())).unwrap();
            octets[at] = b"0123456789-/*$+# \r\n"[usize::try_from(random.below(19)).unwrap()];
        }
        let mut framer = Framer::new();
        framer.push(&octets);
        let mut pair = Pair::bound();
        while let Some(result) = framer.next() {
            if let Ok(message) = result {
                pair.tell(End::Device, In::Message(message));
            }
        }
    }
}
