//! Whatever the weather, a request has one final outcome.

use super::*;

const REQUESTS: u64 = 4;

fn outcomes(network: &Network) -> Vec<u64> {
    let mut finals = vec![0; usize::try_from(REQUESTS).unwrap()];
    for (_, output) in &network.told[0] {
        let id = match output {
            Output::Response { id, message, .. } if message.status() >= Some(200) => id,
            Output::Failed { id, .. } => id,
            _ => continue,
        };
        finals[usize::try_from(id.0).unwrap()] += 1;
    }
    finals
}

fn run(seed: u64, answer: network::Answer) -> Network {
    let mut random = Random::from_number(seed ^ 0x5eed);
    let weather = Weather {
        loss: random.below(600),
        duplication: random.below(300),
        delay_ms: 1 + random.below(1_500),
        refuses_links: random.happens(300),
        swallows_links: random.happens(100),
    };
    let mut network = Network::new(weather, seed);
    network.answer = Some(answer);
    for number in 0..REQUESTS {
        let method = [Method::Message, Method::Options, Method::Invite]
            [usize::try_from(random.below(3)).unwrap()];
        let mut draft = request(method, number);
        if random.happens(200) {
            draft = draft.body("text/plain", &[b'x'; 1_300]);
        }
        let target = if random.happens(700) { udp() } else { tcp() };
        let id = ClientId(number);
        network.tell(0, Input::Request { id, draft, target });
        network.run_until(network.passed() + Duration::from_millis(random.below(3_000)));
        if random.happens(200) {
            network.tell(0, Input::Cancel { id });
        }
        if random.happens(50) {
            network.break_links();
        }
    }
    network.run_until(Duration::from_secs(1_000));
    network
}

#[test]
fn over_a_thousand_seeds_every_request_has_exactly_one_final_outcome() {
    // A second 2xx of an INVITE is the user's own doing; here users answer once.
    let answers: [network::Answer; 4] = [
        |_| Some(200),
        |message| (message.method() != Some(Method::Invite)).then_some(200),
        |_| Some(486),
        |_| None,
    ];
    for seed in 0..1_000 {
        let network = run(seed, answers[usize::try_from(seed % 4).unwrap()]);
        let finals = outcomes(&network);
        let doubled = network.weather.duplication > 0;
        for (number, count) in finals.iter().enumerate() {
            // The 2xx of an INVITE that the network doubled goes up twice, as it must.
            let is_doubled_2xx = doubled
                && network.told[0].iter().any(|(_, output)| {
                    matches!(output, Output::Response { id, message, .. }
                        if id.0 == u64::try_from(number).unwrap()
                            && message.status() == Some(200)
                            && message.cseq().unwrap().method == Method::Invite)
                });
            assert!(
                *count == 1 || (is_doubled_2xx && *count > 1),
                "seed {seed}, request {number}: {count}"
            );
        }
        for end in &network.ends {
            // An INVITE that its user never answers stays his.
            let unanswered = end.servers.len();
            assert!(
                seed % 4 % 2 == 1 || unanswered == 0,
                "seed {seed}: {unanswered}"
            );
            assert!(end.clients.is_empty(), "seed {seed}");
            assert_eq!(end.by_key.len(), end.servers.len());
            assert!(
                !end.servers.is_empty() || end.timers.is_empty(),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    for seed in [3, 4, 5] {
        let [one, two] = [0, 1].map(|_| {
            let network = run(seed, |_| Some(200));
            let sent: Vec<Bytes> = network.sent.into_iter().map(|sent| sent.octets).collect();
            sent
        });
        assert_eq!(one, two);
    }
}

#[test]
fn a_request_reaches_its_user_once_however_often_it_is_doubled() {
    for seed in 0..200 {
        let mut network = Network::new(
            Weather {
                loss: 300,
                duplication: 500,
                ..network::CALM
            },
            seed,
        );
        network.answer = Some(|_| Some(200));
        let (id, draft, target) = (ClientId(0), request(Method::Message, 0), udp());
        network.tell(0, Input::Request { id, draft, target });
        network.run();
        assert!(network.requests(1).len() <= 1);
    }
}
