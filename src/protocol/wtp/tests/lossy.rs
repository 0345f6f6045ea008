//! Two endpoints over a network that loses, doubles, delays and overtakes, in virtual time.

use std::collections::BTreeMap;

use super::*;

/// What a network does to datagrams, in a thousand.
#[derive(Clone, Copy)]
struct Weather {
    lost: u64,
    doubled: u64,
    delay_max_ms: u64,
}

struct Net {
    ends: [Endpoint; 2],
    random: Random,
    weather: Weather,
    now: Time,
    /// Datagrams under way: to which end, when, in which order.
    wire: BTreeMap<(Time, u64), (usize, Bytes)>,
    sent: u64,
    /// What the user of each end learned.
    told: [Vec<(Key, Event)>; 2],
    octets_max: usize,
}

fn address(end: usize) -> SocketAddr {
    ["10.0.0.1:9201", "10.0.0.2:2948"][end].parse().unwrap()
}

impl Net {
    fn new(seed: u64, weather: Weather) -> Self {
        let mut random = Random::from_number(seed);
        let ends = [0, 1].map(|_| Endpoint::new(settings(), random.fork()));
        Self {
            ends,
            random,
            weather,
            now: Time::from_secs(1_000),
            wire: BTreeMap::new(),
            sent: 0,
            told: [Vec::new(), Vec::new()],
            octets_max: 0,
        }
    }

    fn invoke(&mut self, class: u8, message: Bytes) -> Key {
        let up = self.random.happens(500);
        let key = self.ends[0]
            .invoke(self.now, address(1), class, up, message)
            .unwrap();
        self.settle(0, Vec::new());
        key
    }

    /// What one end wants done; users answer what they are told.
    fn settle(&mut self, end: usize, mut out: Vec<Out>) {
        self.ends[end].flush(&mut out);
        for it in out {
            match it {
                Out::Datagram { octets, .. } => self.put(1 - end, &octets),
                Out::Event { key, event } => {
                    let mut more = Vec::new();
                    match &event {
                        Event::Invoked { class: 1, .. } | Event::Result { .. } => {
                            self.ends[end].respond(self.now, key, Bytes::from("i"), &mut more);
                        }
                        Event::Invoked {
                            class: 2, message, ..
                        } => self.ends[end].result(self.now, key, message.clone(), &mut more),
                        _ => {}
                    }
                    self.told[end].push((key, event));
                    self.settle(end, more);
                }
            }
        }
        let octets = self.ends.iter().map(|it| it.load().octets).max();
        self.octets_max = self.octets_max.max(octets.unwrap());
    }

    fn put(&mut self, to: usize, octets: &Bytes) {
        assert!(octets.len() <= 1_400);
        let copies = match () {
            () if self.random.happens(self.weather.lost) => 0,
            () if self.random.happens(self.weather.doubled) => 2,
            () => 1,
        };
        for _ in 0..copies {
            let delay = 20 + self.random.below(self.weather.delay_max_ms);
            self.sent += 1;
            let at = self.now + Duration::from_millis(delay);
            self.wire.insert((at, self.sent), (to, octets.clone()));
        }
    }

    /// Until nothing is under way any more.
    fn run(&mut self) {
        for _ in 0..200_000 {
            let wire = self.wire.keys().next().map(|(at, _)| *at);
            let busy = |it: &Endpoint| it.load().transactions > 0;
            let timer = self
                .ends
                .iter()
                .filter(|it| busy(it))
                .filter_map(Endpoint::deadline)
                .min();
            let Some(at) = wire.into_iter().chain(timer).min() else {
                return;
            };
            self.now = self.now.max(at);
            let mut out = Vec::new();
            if wire == Some(at) {
                let (_, (to, octets)) = self.wire.pop_first().unwrap();
                self.ends[to].receive(self.now, address(1 - to), &octets, &mut out);
                self.settle(to, out);
            } else {
                for end in [0, 1] {
                    let mut out = Vec::new();
                    self.ends[end].expire(self.now, &mut out);
                    self.settle(end, out);
                }
            }
        }
        panic!("the transactions never end");
    }
}

fn content(random: &mut Random, octets: usize) -> Bytes {
    (0..octets).map(|_| random.octets::<1>()[0]).collect()
}

#[test]
fn sixty_thousand_octets_arrive_over_a_bad_network() {
    for seed in 0..20 {
        let weather = Weather {
            lost: 150,
            doubled: 100,
            delay_max_ms: 400,
        };
        let mut net = Net::new(seed, weather);
        let message = content(&mut Random::from_number(seed), 61_440);
        let class = 1 + u8::try_from(seed % 2).unwrap();
        let key = net.invoke(class, message.clone());
        net.run();
        let arrived: Vec<&Event> = net.told[1].iter().map(|(_, event)| event).collect();
        let is_it =
            |event: &&&Event| matches!(event, Event::Invoked { message: it, .. } if *it == message);
        assert_eq!(arrived.iter().filter(is_it).count(), 1, "seed {seed}");
        let confirmed = net.told[0]
            .iter()
            .any(|(of, event)| *of == key && matches!(event, Event::InvokeConfirmed { .. }));
        assert!(confirmed, "seed {seed}");
        if class == 2 {
            let back = Event::Result { message };
            assert!(net.told[0].contains(&(key, back)), "seed {seed}");
        }
        assert!(net.octets_max < 150_000, "{}", net.octets_max);
        assert_eq!(net.ends.each_ref().map(|it| it.load().octets), [0, 0]);
    }
}

/// A dozen messages over a network; what became of each: how often it arrived, whether its sender knows.
fn dozen(seed: u64, weather: Weather) -> Vec<(usize, bool)> {
    let mut net = Net::new(seed, weather);
    let mut sent = Vec::new();
    for number in 0..12_u8 {
        let size = usize::try_from(net.random.below(9_000)).unwrap();
        let mut message = vec![number];
        message.extend(content(&mut net.random, size));
        let message = Bytes::from(message);
        sent.push((net.invoke(1 + number % 2, message.clone()), message));
        if net.random.happens(500) {
            net.run();
        }
    }
    net.run();
    assert_eq!(net.ends.each_ref().map(|it| it.load().octets), [0, 0]);
    let fate = |(key, message): &(Key, Bytes)| {
        let is_it = |it: &Event| matches!(it, Event::Invoked { message: it, .. } if it == message);
        let arrived = net.told[1].iter().filter(|(_, it)| is_it(it)).count();
        let confirmed = net.told[0]
            .iter()
            .any(|(of, event)| of == key && matches!(event, Event::InvokeConfirmed { .. }));
        (arrived, confirmed)
    };
    sent.iter().map(fate).collect()
}

#[test]
fn every_message_of_class_1_and_2_arrives_once_over_a_bad_network() {
    for seed in 0..60 {
        let mut weather = Random::from_number(seed ^ 0xABCD);
        let weather = Weather {
            lost: weather.below(120),
            doubled: weather.below(300),
            delay_max_ms: 1 + weather.below(2_000),
        };
        assert_eq!(dozen(seed, weather), [(1, true); 12], "seed {seed}");
    }
}

#[test]
fn no_message_arrives_twice_and_none_is_confirmed_that_did_not_arrive() {
    for seed in 0..40 {
        let weather = Weather {
            lost: 450,
            doubled: 400,
            delay_max_ms: 3_000,
        };
        for (arrived, confirmed) in dozen(seed, weather) {
            assert!(arrived <= 1, "seed {seed}");
            assert!(arrived == 1 || !confirmed, "seed {seed}");
        }
    }
}

#[test]
fn over_a_dead_network_both_ends_forget_everything() {
    let weather = Weather {
        lost: 1_000,
        doubled: 0,
        delay_max_ms: 1,
    };
    let mut net = Net::new(1, weather);
    let key = net.invoke(2, Bytes::from("x"));
    net.run();
    let why = Abort::Provider(reason::NORESPONSE);
    let by_peer = false;
    assert_eq!(net.told[0], [(key, Event::Aborted { why, by_peer })]);
    assert!(net.told[1].is_empty());
}
