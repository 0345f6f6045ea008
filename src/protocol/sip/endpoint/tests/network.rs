//! Alice and Bob, joined.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

pub(in crate::protocol::sip) const ALICE: &str = "192.0.2.11:5060";
pub(in crate::protocol::sip) const BOB: &str = "192.0.2.5:5060";

/// What happens to datagrams and links; chances in thousandths.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol::sip) struct Weather {
    pub(in crate::protocol::sip) loss: u64,
    pub(in crate::protocol::sip) duplication: u64,
    /// The most a datagram takes; it takes at least one millisecond.
    pub(in crate::protocol::sip) delay_ms: u64,
    pub(in crate::protocol::sip) refuses_links: bool,
    /// Connections are neither taken nor refused.
    pub(in crate::protocol::sip) swallows_links: bool,
}

pub(in crate::protocol::sip) const CALM: Weather = Weather {
    loss: 0,
    duplication: 0,
    delay_ms: 1,
    refuses_links: false,
    swallows_links: false,
};

/// Something that went over the network: when, from whom (0 is Alice), by datagram or not, what.
#[derive(Clone, Debug)]
pub(in crate::protocol::sip) struct Sent {
    pub(in crate::protocol::sip) at: Duration,
    pub(in crate::protocol::sip) from: usize,
    pub(in crate::protocol::sip) datagram: bool,
    pub(in crate::protocol::sip) octets: Bytes,
}

impl Sent {
    pub(in crate::protocol::sip) fn start(&self) -> String {
        let text = String::from_utf8_lossy(&self.octets);
        text.split("\r\n").next().unwrap().to_owned()
    }
}

/// How Bob answers.
pub(in crate::protocol::sip) type Answer = fn(&Message) -> Option<u16>;

pub(in crate::protocol::sip) struct Network {
    pub(in crate::protocol::sip) now: Time,
    pub(in crate::protocol::sip) ends: [Endpoint; 2],
    /// What each endpoint told its user, and when.
    pub(in crate::protocol::sip) told: [Vec<(Duration, Output)>; 2],
    pub(in crate::protocol::sip) sent: Vec<Sent>,
    pub(in crate::protocol::sip) weather: Weather,
    pub(in crate::protocol::sip) answer: Option<Answer>,
    /// Datagrams and octets whose start line begins so are lost.
    pub(in crate::protocol::sip) lost_start: Option<&'static str>,
    on_the_way: BTreeMap<(Time, u64), (usize, Input)>,
    links: BTreeMap<(usize, LinkId), (usize, LinkId)>,
    broken: BTreeSet<(usize, LinkId)>,
    order: u64,
    random: Random,
}

pub(in crate::protocol::sip) const START: Time = Time::from_secs(1_000_000);

impl Network {
    pub(in crate::protocol::sip) fn new(weather: Weather, seed: u64) -> Self {
        let mut random = Random::from_number(seed);
        let mut end = |address: &str| {
            let address: SocketAddr = address.parse().unwrap();
            let local = Local::new(0)
                .socket(SocketId(0), address)
                .listener(Transport::Tcp, address);
            Endpoint::new(local, random.fork())
        };
        Self {
            now: START,
            ends: [end(ALICE), end(BOB)],
            told: [Vec::new(), Vec::new()],
            sent: Vec::new(),
            weather,
            answer: None,
            lost_start: None,
            on_the_way: BTreeMap::new(),
            links: BTreeMap::new(),
            broken: BTreeSet::new(),
            order: 0,
            random,
        }
    }

    pub(in crate::protocol::sip) fn calm() -> Self {
        Self::new(CALM, 1)
    }

    /// Time since the start.
    pub(in crate::protocol::sip) fn passed(&self) -> Duration {
        self.now.since(START)
    }

    pub(in crate::protocol::sip) fn tell(&mut self, end: usize, input: Input) {
        let mut out = Vec::new();
        self.ends[end].handle(self.now, input, &mut out);
        self.perform(end, out);
    }

    /// Runs until this long after the start, or until nothing is left to happen.
    pub(in crate::protocol::sip) fn run_until(&mut self, passed: Duration) {
        let end = START + passed;
        loop {
            let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
            let timer = self.ends.iter().filter_map(Machine::deadline).min();
            let Some(next) = arrival
                .into_iter()
                .chain(timer)
                .min()
                .filter(|at| *at <= end)
            else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to, input)) = self.on_the_way.pop_first().unwrap();
                self.tell(to, input);
            }
            for index in 0..2 {
                let mut out = Vec::new();
                self.ends[index].expire(self.now, &mut out);
                self.perform(index, out);
            }
        }
        self.now = self.now.max(end);
    }

    pub(in crate::protocol::sip) fn run(&mut self) {
        self.run_until(Duration::from_secs(600));
    }

    /// Octets that a stranger at `peer` sends to an end as a datagram.
    pub(in crate::protocol::sip) fn datagram(&mut self, to: usize, peer: &str, octets: Bytes) {
        self.tell(
            to,
            Input::Datagram {
                socket: SocketId(0),
                peer: peer.parse().unwrap(),
                octets,
            },
        );
    }

    /// Breaks every link between the two.
    pub(in crate::protocol::sip) fn break_links(&mut self) {
        for (end, link) in std::mem::take(&mut self.links).into_keys() {
            self.broken.insert((end, link));
            let why = CloseReason::Broken;
            self.tell(end, Input::Closed { link, why });
        }
    }

    fn perform(&mut self, from: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::World(output) => self.carry(from, output),
                told => {
                    let answer = match (&told, self.answer) {
                        (Output::Request { id, message, .. }, Some(answer)) => answer(message)
                            .map(|status| (*id, Draft::response(message, status, Some("b1")))),
                        _ => None,
                    };
                    self.told[from].push((self.passed(), told));
                    if let Some((id, draft)) = answer {
                        let response = draft.finish();
                        self.tell(from, Input::Respond { id, response });
                    }
                }
            }
        }
    }

    fn carry(&mut self, from: usize, output: world::Output) {
        let to = 1 - from;
        match output {
            world::Output::Datagram { octets, .. } => {
                self.note(from, true, &octets);
                if self.random.happens(self.weather.loss) || self.is_lost(&octets) {
                    return;
                }
                let copies = 1 + usize::from(self.random.happens(self.weather.duplication));
                for _ in 0..copies {
                    let delay = 1 + self.random.below(self.weather.delay_ms);
                    let input = Input::Datagram {
                        socket: SocketId(0),
                        peer: [ALICE, BOB][from].parse().unwrap(),
                        octets: octets.clone(),
                    };
                    self.later(to, millis(delay), input);
                }
            }
            world::Output::Connect {
                link, transport, ..
            } => self.connect(from, link, transport),
            world::Output::Octets { link, octets } => {
                self.note(from, false, &octets);
                if let Some((to, link)) = self.links.get(&(from, link)).copied()
                    && !self.is_lost(&octets)
                {
                    self.later(to, millis(1), Input::Octets { link, octets });
                }
            }
            world::Output::Close { link } => {
                if let Some((to, link)) = self.links.remove(&(from, link)) {
                    self.links.remove(&(to, link));
                    let why = CloseReason::Peer;
                    self.later(to, millis(1), Input::Closed { link, why });
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn connect(&mut self, from: usize, link: LinkId, transport: Transport) {
        if self.weather.swallows_links {
            return;
        }
        if self.weather.refuses_links {
            let why = CloseReason::Refused;
            self.later(from, millis(1), Input::Closed { link, why });
            return;
        }
        let theirs = LinkId(LinkId::ACCEPTED + self.order);
        let (to, port) = (1 - from, 40_000 + u16::try_from(self.order).unwrap());
        let ends: [SocketAddr; 2] = [ALICE, BOB].map(|address| address.parse().unwrap());
        self.links.insert((from, link), (to, theirs));
        self.links.insert((to, theirs), (from, link));
        let opened = |link, listener, local, peer| Input::Opened {
            link,
            listener,
            transport,
            local,
            peer,
        };
        let near = SocketAddr::new(ends[from].ip(), port);
        self.later(from, millis(1), opened(link, None, near, ends[to]));
        let listener = Some(ListenerId(0));
        self.later(to, millis(1), opened(theirs, listener, ends[to], near));
    }

    fn note(&mut self, from: usize, datagram: bool, octets: &Bytes) {
        self.sent.push(Sent {
            at: self.passed(),
            from,
            datagram,
            octets: octets.clone(),
        });
    }

    fn is_lost(&self, octets: &Bytes) -> bool {
        self.lost_start
            .is_some_and(|start| octets.starts_with(start.as_bytes()))
    }

    fn later(&mut self, to: usize, delay: Duration, input: Input) {
        self.order += 1;
        self.on_the_way
            .insert((self.now + delay, self.order), (to, input));
    }

    /// The instants, in milliseconds, at which an end sent something that begins so.
    pub(in crate::protocol::sip) fn instants(&self, from: usize, start: &str) -> Vec<u128> {
        self.sent
            .iter()
            .filter(|sent| sent.from == from && sent.octets.starts_with(start.as_bytes()))
            .map(|sent| sent.at.as_millis())
            .collect()
    }

    /// Statuses of the responses that an end passed up.
    pub(in crate::protocol::sip) fn statuses(&self, end: usize) -> Vec<u16> {
        let responses = self.told[end]
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Response { message, .. } => message.status(),
                _ => None,
            });
        responses.collect()
    }

    /// The requests that an end passed up.
    pub(in crate::protocol::sip) fn requests(&self, end: usize) -> Vec<(ServerId, Message)> {
        let requests = self.told[end]
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Request { id, message, .. } => Some((*id, message.clone())),
                _ => None,
            });
        requests.collect()
    }

    /// When a client transaction failed, in milliseconds, and why.
    pub(in crate::protocol::sip) fn failures(&self, end: usize) -> Vec<(u128, Failure)> {
        let failures = self.told[end]
            .iter()
            .filter_map(|(at, output)| match output {
                Output::Failed { why, .. } => Some((at.as_millis(), *why)),
                _ => None,
            });
        failures.collect()
    }
}
