//! Storms: a gateway, devices and an initiator on a network that loses, doubles and reorders, while the gateway dies
//! and comes back; from a seed, with every invariant watched.

use core::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::cast::{self, Places};
use super::initiator::{Initiator, Ledger, Submission};
use super::invariant::Invariants;
use super::script::{DeviceLine, Script};
use super::stage::START;
use super::{NodeId, Simulation, Weather};
use crate::device::Fleet;
use crate::event::Event;
use crate::gateway::Gateway;
use crate::gateway::config::Config;
use crate::ladder::{self, Style};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{ListenerId, SocketId, Transport};

/// Devices of the identity.
pub(super) const DEVICES: [(&str, &str); 3] = [
    ("C1", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ("C2", "urn:gsma:imei:90420156-025763-0"),
    ("C3", "urn:dev:mac:0024befffe804ff1"),
];
/// How long a push is tried.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long after the last submission everything must have ended and been told.
const AFTERMATH: Duration = Duration::from_secs(900);

/// One storm, made from its seed.
#[derive(Clone, Debug)]
pub struct Storm {
    seed: u64,
    weather: Weather,
    /// In a million, before each output of the gateway.
    crash_chance: u64,
    pushes: Vec<(Time, Submission)>,
}

impl Storm {
    /// The storm of a seed: weather, deaths and pushes are drawn from it.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::from_number(seed);
        let weather = Weather {
            latency: Duration::from_millis(1 + random.below(40)),
            jitter: Duration::from_millis(random.below(400)),
            loss: random.below(200),
            duplication: random.below(150),
            http_loss: random.below(150),
        };
        let pushes = (0..5).map(|number| push(&mut random, number)).collect();
        Self {
            seed,
            weather,
            crash_chance: random.below(8_000),
            pushes,
        }
    }
}

fn push(random: &mut Random, number: u64) -> (Time, Submission) {
    let at = START + Duration::from_secs(10) + Duration::from_millis(random.below(40_000));
    let plan = ["auto", "targeted", "fanout+id", "fanout", "legacy"];
    let place = [
        "header",
        "value",
        "body",
        "header,value",
        "header,body",
        "value,body",
        "header,value,body",
    ];
    let to: Vec<String> = DEVICES
        .iter()
        .filter(|_| random.happens(500))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let pick = |list: &[&str], random: &mut Random| {
        let at = usize::try_from(random.below(list.len() as u64)).unwrap_or(0);
        list.get(at).copied().unwrap_or_default().to_owned()
    };
    let mut settings = vec![
        ("plan".to_owned(), pick(&plan, random)),
        ("place".to_owned(), pick(&place, random)),
        (
            "content".to_owned(),
            "x".repeat(usize::try_from(random.below(5_000)).unwrap_or(1) + 1),
        ),
    ];
    if random.happens(400) {
        settings.push(("ask".to_owned(), "capability, refusal".to_owned()));
    }
    let notify = Some("http://pi.example.com/results".to_owned());
    // The settings are the ones above, so there is no wrong one.
    let submission =
        cast::submission(&format!("p{number}"), &to, &settings, notify).unwrap_or_default();
    (at, submission)
}

/// What came of a storm.
#[derive(Debug)]
pub struct Report {
    /// How often the gateway died.
    pub crashes: u32,
    /// Contents that devices took.
    pub delivered: usize,
    /// Contents that came again and were dropped by the device.
    pub repeated: usize,
    /// Results that the initiator was told again.
    pub told_again: u32,
    events: Vec<Event>,
    fault: Option<String>,
}

impl Report {
    /// What contradicts the rules, if anything does.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The whole run as a ladder.
    #[must_use]
    pub fn ladder(&self) -> String {
        ladder::text(
            &self.events,
            &[],
            Style {
                ascii: false,
                all: true,
            },
        )
    }
}

/// What came of many storms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// How many there were.
    pub storms: u64,
    /// How often a gateway died.
    pub crashes: u64,
    /// Contents that devices took.
    pub delivered: u64,
    /// Contents that came again.
    pub repeated: u64,
    /// Results that were told again.
    pub told_again: u64,
}

impl Sum {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            storms: self.storms + other.storms,
            crashes: self.crashes + other.crashes,
            delivered: self.delivered + other.delivered,
            repeated: self.repeated + other.repeated,
            told_again: self.told_again + other.told_again,
        }
    }

    /// Adds a storm.
    pub fn add(&mut self, report: &Report) {
        self.storms += 1;
        self.crashes += u64::from(report.crashes);
        self.delivered += report.delivered as u64;
        self.repeated += report.repeated as u64;
        self.told_again += u64::from(report.told_again);
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} storms: {} deaths of the gateway, {} contents taken, {} repeats dropped, {} results told again",
            self.storms, self.crashes, self.delivered, self.repeated, self.told_again
        )
    }
}

/// Lets a storm pass.
#[must_use]
pub fn run(storm: &Storm) -> Report {
    let mut simulation = Simulation::new(START, Weather::CALM, storm.seed);
    let mut random = Random::from_number(storm.seed ^ 0x5707);
    let config = |config| Config {
        push_lifetime: LIFETIME,
        report_wire: true,
        ..config
    };
    let ledger = enter(&mut simulation, &storm.pushes, config, &mut random);
    // Devices register before it begins, so that a push has somebody to reach.
    simulation.run_until(START + Duration::from_secs(5));
    simulation.network.weather = storm.weather;
    simulation.crash_chance = storm.crash_chance;
    let mut watch = Invariants::default();
    let mut events = Vec::new();
    let last = storm
        .pushes
        .iter()
        .map(|(at, _)| *at)
        .max()
        .unwrap_or(START);
    while simulation.step(last + LIFETIME + AFTERMATH) {
        for event in simulation.take_events() {
            watch.observe(&event);
            events.push(event);
        }
        if !watch.violations().is_empty() {
            break;
        }
    }
    let repeated = events.iter().filter(|event| is_repeat(event)).count();
    let told_again = ledger.borrow().values().map(|entry| entry.repeats).sum();
    let fault = fault(&simulation, &watch, &ledger);
    Report {
        crashes: simulation.crashes(),
        delivered: watch.deliveries(),
        repeated,
        told_again,
        events,
        fault,
    }
}

fn is_repeat(event: &Event) -> bool {
    matches!(
        event.fact,
        crate::event::Fact::PushRx { repeated: true, .. }
    )
}

fn fault(simulation: &Simulation, watch: &Invariants, ledger: &Ledger) -> Option<String> {
    if let Some(violation) = watch.violations().first() {
        return Some(violation.clone());
    }
    if simulation.standstills() > 0 {
        return Some("a node named a deadline and did nothing at it".to_owned());
    }
    for (push, entry) in ledger.borrow().iter() {
        match entry.answer {
            Some(1001) if entry.results.is_empty() => {
                return Some(format!(
                    "push {push} was accepted and the initiator was never told its end"
                ));
            }
            _ if entry.contradictions > 0 => {
                return Some(format!("push {push} ended in two ways for the initiator"));
            }
            Some(_) => {}
            None => {
                return Some(format!(
                    "push {push} was submitted {} times and never answered",
                    entry.attempts
                ));
            }
        }
    }
    None
}

/// Seats the gateway, so configured, its three devices, and an initiator with these pushes.
pub(super) fn enter(
    simulation: &mut Simulation,
    pushes: &[(Time, Submission)],
    configure: impl FnOnce(Config) -> Config,
    random: &mut Random,
) -> Ledger {
    let places = Places {
        sip: address(5, 5060),
        msrp: address(5, 2855),
        devices: vec![address(11, 5060), address(12, 5060), address(13, 5060)],
        core: address(4, 5060),
        relay: String::new(),
        front: String::new(),
    };
    let script = script();
    let config = configure(cast::gateway(&script, &places).unwrap_or_default());
    let gateway = enter_gateway(simulation, config, &places, random);
    let fleet = cast::fleet(&script, &places, random).unwrap_or_else(|_| Fleet::new(Vec::new()));
    let fleet = simulation.enter(Box::new(fleet), address(10, 5060));
    for (socket, place) in (0..).zip(&places.devices) {
        simulation.network.bind(fleet, SocketId(socket), *place);
    }
    let (initiator, ledger) = Initiator::new("http://ppg.example.com/pap", pushes.to_vec());
    let initiator = simulation.enter(Box::new(initiator), address(3, 80));
    simulation.route_http(initiator, "http://ppg.example.com/", gateway);
    simulation.route_http(gateway, "http://pi.example.com/", initiator);
    ledger
}

fn script() -> Script {
    let device = |(name, id): &(&str, &str)| DeviceLine {
        name: (*name).to_owned(),
        kind: "phone".to_owned(),
        ids: vec![(*id).to_owned()],
        settings: Vec::new(),
    };
    Script {
        name: "storm".to_owned(),
        title: String::new(),
        gateway: Vec::new(),
        devices: DEVICES.iter().map(device).collect(),
        steps: Vec::new(),
        expects: Vec::new(),
        golden: String::new(),
    }
}

fn enter_gateway(
    simulation: &mut Simulation,
    config: Config,
    places: &Places,
    random: &mut Random,
) -> NodeId {
    let node = simulation.enter(
        Box::new(Gateway::new(config.clone(), random.fork())),
        places.sip,
    );
    let mut lives = random.fork();
    simulation.revive_with(
        node,
        Box::new(move |now, records, out| {
            let mut gateway = Gateway::new(config.clone(), lives.fork());
            gateway.restore(now, records, out);
            Box::new(gateway) as Box<dyn Machine<Input = _, Output = _>>
        }),
    );
    simulation.network.bind(node, SocketId(0), places.sip);
    simulation
        .network
        .listen(node, ListenerId(0), Transport::Tcp, places.sip);
    simulation
        .network
        .listen(node, ListenerId(1), Transport::Tcp, places.msrp);
    node
}

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}
