//! ESME and message centre joined in virtual time, over links that are slow and break anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::esme::{self, Binding, Esme, Leg, Outcome, Submission};
use super::smsc::{self, Delivered, Effect, Rule, Smsc};
use super::{Address, ShortMessage, State};
use crate::codec::smpp::Status;
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::LinkId;

/// What happens next somewhere.
#[derive(Debug)]
enum Event {
    Opened(u64, Leg),
    ToEsme(u64, Bytes),
    ToSmsc(u64, Bytes),
    EsmeLoses(u64),
    SmscLoses(u64),
    Submit(Box<Submission>),
    Originate(u64),
}

/// What is varied.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    /// After how many octets each of the first links breaks.
    cuts: Vec<usize>,
    window: usize,
    submissions: u64,
    latency_ms: u64,
    per_second: u32,
    every: u64,
    effect: Effect,
    binding: Binding,
}

struct Lab {
    case: Case,
    esme: Esme,
    smsc: Smsc,
    now: Time,
    events: BTreeMap<(Time, u64), Event>,
    number: u64,
    links: u64,
    legs: BTreeMap<Leg, u64>,
    /// Octets that a link still carries.
    budgets: BTreeMap<u64, usize>,
    done: BTreeMap<u64, Outcome>,
    settled: BTreeMap<u64, State>,
    /// Contents that the message centre took, by its name for them.
    taken: BTreeMap<String, Bytes>,
    received: BTreeSet<Bytes>,
    originated: BTreeMap<u64, Delivered>,
}

impl Lab {
    fn new(case: Case) -> Self {
        let settings = esme::Settings {
            system_id: "ppg".to_owned(),
            password: "secret".to_owned(),
            binding: case.binding,
            window: case.window,
            ..esme::Settings::default()
        };
        let esme = Esme::new(settings, Random::from_number(case.seed));
        let mut smsc = Smsc::new(smsc::Settings {
            accounts: vec![("ppg".to_owned(), "secret".to_owned())],
            per_second: case.per_second,
            ..smsc::Settings::default()
        });
        let rule = Rule {
            destination: String::new(),
            first: Some(20),
            every: Some(case.every),
            effect: case.effect,
        };
        smsc.handle(Time::EPOCH, smsc::In::Rules(vec![rule]), &mut Vec::new());
        Self {
            case,
            esme,
            smsc,
            now: Time::from_secs(1_000),
            events: BTreeMap::new(),
            number: 0,
            links: 0,
            legs: BTreeMap::new(),
            budgets: BTreeMap::new(),
            done: BTreeMap::new(),
            settled: BTreeMap::new(),
            taken: BTreeMap::new(),
            received: BTreeSet::new(),
            originated: BTreeMap::new(),
        }
    }

    fn plan(&mut self, after: Duration, event: Event) {
        self.number += 1;
        self.events.insert((self.now + after, self.number), event);
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.case.latency_ms)
    }

    fn tell_esme(&mut self, input: esme::In) {
        let mut out = Vec::new();
        self.esme.handle(self.now, input, &mut out);
        self.esme_asks(out);
    }

    fn tell_smsc(&mut self, input: smsc::In) {
        let mut out = Vec::new();
        self.smsc.handle(self.now, input, &mut out);
        self.smsc_asks(out);
    }

    /// The part of the octets that the link still carries; it breaks for both sides after them.
    fn carry(&mut self, link: u64, octets: &Bytes) -> Option<Bytes> {
        let budget = self.budgets.get_mut(&link)?;
        let part = octets.slice(..octets.len().min(*budget));
        *budget -= part.len();
        if part.len() < octets.len() {
            self.budgets.remove(&link);
            // Whoever did not send it sees the break after what has come through.
            let after = self.latency() + Duration::from_micros(1);
            self.plan(after, Event::EsmeLoses(link));
            self.plan(after, Event::SmscLoses(link));
        }
        Some(part).filter(|part| !part.is_empty())
    }

    fn esme_asks(&mut self, out: Vec<esme::Out>) {
        assert!(
            self.esme.outstanding() <= self.case.window,
            "{:?}",
            self.case
        );
        for out in out {
            match out {
                esme::Out::Connect(leg) => {
                    self.links += 1;
                    let number = usize::try_from(self.links).unwrap() - 1;
                    let budget = self.case.cuts.get(number).copied().unwrap_or(usize::MAX);
                    self.budgets.insert(self.links, budget);
                    self.legs.insert(leg, self.links);
                    self.plan(self.latency(), Event::Opened(self.links, leg));
                }
                esme::Out::Octets(leg, octets) => {
                    let link = self.legs[&leg];
                    if let Some(octets) = self.carry(link, &octets) {
                        self.plan(self.latency(), Event::ToSmsc(link, octets));
                    }
                }
                esme::Out::Close(leg) => {
                    let link = self.legs.remove(&leg).unwrap();
                    self.plan(self.latency(), Event::SmscLoses(link));
                }
                esme::Out::Done { id, outcome } => {
                    let before = self.done.insert(id, outcome);
                    assert_eq!(before, None, "{id} ended twice: {:?}", self.case);
                }
                esme::Out::Settled { id, state } => {
                    assert_eq!(self.settled.insert(id, state), None, "{:?}", self.case);
                }
                esme::Out::Received(message) => {
                    self.received.insert(message.octets);
                }
                _ => {}
            }
        }
    }

    fn smsc_asks(&mut self, out: Vec<smsc::Out>) {
        for out in out {
            match out {
                smsc::Out::Octets(LinkId(link), octets) => {
                    if let Some(octets) = self.carry(link, &octets) {
                        self.plan(self.latency(), Event::ToEsme(link, octets));
                    }
                }
                smsc::Out::Close(LinkId(link)) => {
                    self.plan(self.latency(), Event::EsmeLoses(link));
                }
                smsc::Out::Message {
                    message_id,
                    message,
                    ..
                } => {
                    self.taken.insert(message_id, message.octets);
                }
                smsc::Out::Originated { id, outcome } => {
                    assert_eq!(self.originated.insert(id, outcome), None);
                }
                _ => {}
            }
        }
    }

    fn leg_of(&self, link: u64) -> Option<Leg> {
        let mut legs = self.legs.iter();
        legs.find(|(_, it)| **it == link).map(|(leg, _)| *leg)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Opened(link, leg) if self.leg_of(link) == Some(leg) => {
                self.tell_smsc(smsc::In::Accepted(LinkId(link)));
                self.tell_esme(esme::In::Opened(leg));
            }
            Event::ToEsme(link, octets) => {
                if let Some(leg) = self.leg_of(link) {
                    self.tell_esme(esme::In::Octets(leg, octets));
                }
            }
            Event::ToSmsc(link, octets) => {
                self.tell_smsc(smsc::In::Octets(LinkId(link), octets));
            }
            Event::EsmeLoses(link) => {
                if let Some(leg) = self.leg_of(link) {
                    self.legs.remove(&leg);
                    self.tell_esme(esme::In::Closed(leg));
                }
            }
            Event::SmscLoses(link) => self.tell_smsc(smsc::In::Closed(LinkId(link))),
            Event::Submit(submission) => {
                self.tell_esme(esme::In::Submit(submission));
            }
            Event::Originate(id) => {
                let message = ShortMessage {
                    octets: format!("from handset {id}").into(),
                    ..ShortMessage::default()
                };
                self.tell_smsc(smsc::In::Originate {
                    id,
                    system_id: Some("ppg".to_owned()),
                    message: Box::new(message),
                });
            }
            Event::Opened(..) => {}
        }
    }

    /// Goes on until nothing is left to end, an hour at most.
    fn run(&mut self) {
        let last = self.now + Duration::from_secs(3_600);
        while self.now < last {
            let next = self.events.first_key_value().map(|((at, _), _)| *at);
            let due = [next, self.esme.deadline(), self.smsc.deadline()];
            let at = due.into_iter().flatten().min().unwrap_or(last);
            self.now = self.now.max(at);
            if next.is_some_and(|next| next <= self.now) {
                let (_, event) = self.events.pop_first().unwrap();
                self.happen(event);
            }
            let mut out = Vec::new();
            self.esme.expire(self.now, &mut out);
            self.esme_asks(out);
            let mut out = Vec::new();
            self.smsc.expire(self.now, &mut out);
            self.smsc_asks(out);
        }
    }
}

fn content(id: u64, part: usize) -> Bytes {
    format!("message {id} part {part}").into()
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::Refuse(Status::THROTTLED)),
        Just(Effect::Refuse(Status::QUEUE_FULL)),
        Just(Effect::Refuse(Status::INVALID_DESTINATION)),
        Just(Effect::Silence),
        Just(Effect::Disconnect),
        Just(Effect::Delay(Duration::from_secs(5))),
        Just(Effect::Delay(Duration::from_secs(40))),
        Just(Effect::NoReceipt),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let bindings = prop_oneof![Just(Binding::Transceiver), Just(Binding::Separate)];
    (
        any::<u64>(),
        prop::collection::vec(0_usize..4_000, 0..8),
        1_usize..8,
        1_u64..30,
        1_u64..1_500,
        prop_oneof![Just(0_u32), 1_u32..20],
        1_u64..10,
        effects(),
        bindings,
    )
        .prop_map(
            |(seed, cuts, window, submissions, latency_ms, per_second, every, effect, binding)| {
                Case {
                    seed,
                    cuts,
                    window,
                    submissions,
                    latency_ms,
                    per_second,
                    every,
                    effect,
                    binding,
                }
            },
        )
}

/// Runs a case: submissions of one to three parts over a minute, and a message of a handset beside each fifth.
fn run(case: Case) -> Lab {
    let mut lab = Lab::new(case);
    let mut random = Random::from_number(lab.case.seed);
    for id in 0..lab.case.submissions {
        let message = ShortMessage {
            registered_delivery: 1,
            ..ShortMessage::of_user_data(Address::of("PPG"), Address::of("+1555"), Bytes::new())
        };
        let message = ShortMessage {
            esm_class: 0,
            ..message
        };
        let parts = (0..parts_of(id)).map(|part| content(id, part)).collect();
        let after = Duration::from_millis(random.below(60_000));
        let submission = Submission::new(id, message, parts);
        lab.plan(after, Event::Submit(Box::new(submission)));
        if id % 5 == 0 {
            lab.plan(after, Event::Originate(id));
        }
    }
    lab.tell_esme(esme::In::Start);
    lab.run();
    lab
}

fn parts_of(id: u64) -> usize {
    usize::try_from(id % 3).unwrap() + 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_submission_ends_once_and_truly_whatever_the_links_do(case in cases()) {
        let lab = run(case);
        let taken: BTreeSet<&Bytes> = lab.taken.values().collect();
        for id in 0..lab.case.submissions {
            let has = (0..parts_of(id)).filter(|part| taken.contains(&content(id, *part))).count();
            match lab.done.get(&id) {
                Some(Outcome::Accepted { message_ids }) => {
                    let named: Vec<Option<&Bytes>> =
                        message_ids.iter().map(|name| lab.taken.get(name)).collect();
                    let wanted: Vec<Bytes> =
                        (0..parts_of(id)).map(|part| content(id, part)).collect();
                    prop_assert_eq!(named, wanted.iter().map(Some).collect::<Vec<_>>());
                    if lab.case.effect != Effect::NoReceipt {
                        prop_assert_eq!(lab.settled.get(&id), Some(&State::Delivered));
                    }
                }
                Some(Outcome::Refused { .. }) => prop_assert!(has < parts_of(id)),
                Some(Outcome::Unknown) => {}
                None => prop_assert!(false, "{} did not end", id),
            }
        }
        prop_assert_eq!(lab.esme.unfinished(), 0);
        for id in (0..lab.case.submissions).step_by(5) {
            prop_assert_eq!(lab.originated.get(&id), Some(&Delivered::Taken));
            let octets = Bytes::from(format!("from handset {id}"));
            prop_assert!(lab.received.contains(&octets));
        }
    }
}

#[test]
fn without_faults_everything_is_accepted_and_delivered() {
    let lab = run(Case {
        seed: 1,
        cuts: Vec::new(),
        window: 4,
        submissions: 50,
        latency_ms: 20,
        per_second: 0,
        every: 1,
        effect: Effect::Delay(Duration::from_millis(1)),
        binding: Binding::Transceiver,
    });
    assert!(
        lab.done
            .values()
            .all(|it| matches!(it, Outcome::Accepted { .. }))
    );
    assert_eq!(lab.settled.len(), 50);
    assert_eq!(lab.links, 1);
}

#[test]
fn a_throttled_esme_finds_a_pace_that_is_taken() {
    let lab = run(Case {
        seed: 2,
        cuts: Vec::new(),
        window: 8,
        submissions: 200,
        latency_ms: 5,
        per_second: 10,
        every: 1_000,
        effect: Effect::NoReceipt,
        binding: Binding::Separate,
    });
    assert!(
        lab.done
            .values()
            .all(|it| matches!(it, Outcome::Accepted { .. }))
    );
    assert_eq!(lab.taken.len(), (0..200).map(parts_of).sum::<usize>());
}
