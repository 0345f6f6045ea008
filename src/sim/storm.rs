//! Storms: a gateway, devices and an initiator on a network that loses, doubles and reorders, while the gateway dies
//! and comes back; from a seed, with every invariant watched.
//!
//! Pushes wait for their time and end at it, are taken back, take the place of one another, and leave devices out. When
//! the storm is over the network is whole again, and everything must come to its end.

use core::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::cast::{self, Places};
use super::initiator::{ACCEPTED, Cancel, Entry, Initiator, Ledger, Submission};
use super::invariant::{Invariants, Terms};
use super::script::{DeviceLine, Script, Setting};
use super::stage::{self, START};
use super::{NodeId, Simulation, Weather};
use crate::codec::pap::{ClientAddress, ReplaceMethod};
use crate::event::Event;
use crate::fault::preset::Preset;
use crate::fault::{self, Faulty, Rules, Spec};
use crate::gateway::Gateway;
use crate::gateway::config::{Config, Notification};
use crate::ladder::{self, Style};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{HttpRequest, Input, ListenerId, RequestId, SocketId, Transport};

/// Devices of the identity.
pub(super) const DEVICES: [(&str, &str); 3] = [
    ("C1", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ("C2", "urn:gsma:imei:90420156-025763-0"),
    ("C3", "urn:dev:mac:0024befffe804ff1"),
];
/// How long a push is tried.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long after the last submission the storm goes on.
const RAGE: Duration = Duration::from_secs(60);
/// How long after its time is over, and the network whole, a push may take until its initiator is told.
const GRACE: Duration = Duration::from_secs(90);
/// An application that not every device has subscribed to.
const CHANNEL: &str = "x-oma-application:dcd.ua";

/// One storm, made from its seed.
#[derive(Clone, Debug)]
pub struct Storm {
    seed: u64,
    weather: Weather,
    /// In a million, before each output of the gateway.
    crash_chance: u64,
    pushes: Vec<(Time, Submission)>,
    cancels: Vec<(Time, Cancel)>,
    /// What the devices are reached by, best first; SIP where nothing is said.
    bearers: Vec<Vec<&'static str>>,
    /// Rules about faults at the gateway while it rages.
    faults: Vec<Spec>,
}

/// All bearers by name.
const BEARERS: [&str; 9] = [
    "sip",
    "http",
    "wsp",
    "sms",
    "ussd",
    "cs",
    "ps",
    "signalling",
    "service",
];

impl Storm {
    /// A small storm of the seed under these faults: two pushes, devices of any bearers, and a network that is only
    /// late; what is lost, the rules lose.
    #[must_use]
    pub fn under(preset: &Preset, seed: u64) -> Self {
        let mut storm = Self::of(seed);
        let mut random = Random::from_number(seed ^ 0xBEA2);
        storm.pushes.truncate(2);
        let kept: Vec<String> = storm
            .pushes
            .iter()
            .map(|(_, push)| push.push_id.clone())
            .collect();
        storm
            .cancels
            .retain(|(_, cancel)| kept.contains(&cancel.push_id));
        storm.weather = Weather {
            latency: storm.weather.latency,
            jitter: Duration::from_millis(random.below(20)),
            ..Weather::CALM
        };
        storm.crash_chance = random.below(3_000);
        storm.bearers = DEVICES.iter().map(|_| bearers(&mut random)).collect();
        storm.faults = preset.rules();
        storm
    }

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
        let mut pushes: Vec<(Time, Submission)> =
            (0..5).map(|number| push(&mut random, number)).collect();
        for (_, submission) in &mut pushes {
            set_time(&mut random, submission);
        }
        for number in 1..pushes.len() {
            if random.happens(250) {
                replace(&mut random, number, &mut pushes);
            }
        }
        let cancels = pushes
            .iter()
            .filter_map(|(at, submission)| cancel(&mut random, *at, submission))
            .collect();
        Self {
            seed,
            weather,
            crash_chance: random.below(8_000),
            pushes,
            cancels,
            bearers: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// When the last submission is made, and the storm begins to end.
    fn over(&self) -> Time {
        let last = self.pushes.iter().map(|(at, _)| *at).max();
        last.unwrap_or(START) + RAGE
    }
}

/// One to three bearers in any order.
fn bearers(random: &mut Random) -> Vec<&'static str> {
    let mut left = BEARERS.to_vec();
    let count = 1 + random.below(3);
    let take = |random: &mut Random, left: &mut Vec<&'static str>| {
        let at = usize::try_from(random.below(left.len() as u64)).unwrap_or(0);
        left.remove(at)
    };
    (0..count).map(|_| take(random, &mut left)).collect()
}

/// Some pushes have a beginning, some an end; both in whole seconds, as PAP writes them.
fn set_time(random: &mut Random, submission: &mut Submission) {
    let mut begin = 0;
    if random.happens(250) {
        begin = 20 + random.below(60);
        submission.deliver_after = Some(START + Duration::from_secs(begin));
    }
    if random.happens(250) {
        let end = begin.max(60) + 5 + random.below(60);
        submission.deliver_before = Some(START + Duration::from_secs(end));
    }
}

/// The push takes the place of the one before it, for all of that one's addresses.
fn replace(random: &mut Random, number: usize, pushes: &mut [(Time, Submission)]) {
    let Some(([.., (_, old)], [(_, new), ..])) = pushes.split_at_mut_checked(number) else {
        return;
    };
    let method = if random.happens(500) {
        ReplaceMethod::All
    } else {
        ReplaceMethod::PendingOnly
    };
    new.replaces = Some((old.push_id.clone(), method));
    for address in &old.addresses {
        if !new.addresses.contains(address) {
            new.addresses.push(address.clone());
        }
    }
}

/// Some pushes are taken back, for all addresses or for the first.
fn cancel(random: &mut Random, at: Time, submission: &Submission) -> Option<(Time, Cancel)> {
    if !random.happens(300) {
        return None;
    }
    let all = random.happens(500);
    let first = submission.addresses.iter().take(1).cloned();
    let cancel = Cancel {
        push_id: submission.push_id.clone(),
        addresses: if all { Vec::new() } else { first.collect() },
    };
    Some((at + Duration::from_millis(random.below(20_000)), cancel))
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
    let mut submission =
        cast::submission(&format!("p{number}"), &to, &settings, notify).unwrap_or_default();
    if random.happens(300) {
        let name = "X-Wap-Application-Id".to_owned();
        submission.headers.push((name, CHANNEL.to_owned()));
    }
    if random.happens(300) {
        let ids: Vec<&str> = DEVICES.iter().map(|(_, id)| *id).collect();
        let address = ClientAddress::user(&pick(&ids, random), cast::HOST);
        submission.addresses.push(address);
    }
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
    /// Addresses that were taken back.
    pub cancelled: u64,
    /// Devices that plans left out.
    pub excluded: u64,
    /// What rules about faults did.
    pub hits: usize,
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
    /// Addresses that were taken back.
    pub cancelled: u64,
    /// Devices that plans left out.
    pub excluded: u64,
    /// What rules about faults did.
    pub hits: u64,
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
            cancelled: self.cancelled + other.cancelled,
            excluded: self.excluded + other.excluded,
            hits: self.hits + other.hits,
        }
    }

    /// Adds a storm.
    pub fn add(&mut self, report: &Report) {
        self.storms += 1;
        self.crashes += u64::from(report.crashes);
        self.delivered += report.delivered as u64;
        self.repeated += report.repeated as u64;
        self.told_again += u64::from(report.told_again);
        self.cancelled += report.cancelled;
        self.excluded += report.excluded;
        self.hits += report.hits as u64;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} storms: {} deaths of the gateway, {} contents taken, {} repeats dropped, {} results told again, \
             {} addresses taken back, {} devices left out, {} faults",
            self.storms,
            self.crashes,
            self.delivered,
            self.repeated,
            self.told_again,
            self.cancelled,
            self.excluded,
            self.hits
        )
    }
}

/// Lets a storm pass.
#[must_use]
pub fn run(storm: &Storm) -> Report {
    let mut simulation = Simulation::new(START, Weather::CALM, storm.seed);
    let mut random = Random::from_number(storm.seed ^ 0x5707);
    let (pushes, cancels) = (&storm.pushes, &storm.cancels);
    let party = Party {
        bearers: &storm.bearers,
        faults: &storm.faults,
        over: storm.over(),
    };
    let (gateway, ledger) = seat(
        &mut simulation,
        (pushes, cancels),
        &party,
        stormy,
        &mut random,
    );
    // Devices register before it begins, so that a push has somebody to reach.
    simulation.run_until(START + Duration::from_secs(5));
    if !storm.faults.is_empty() {
        simulation.tell(gateway, party.request(simulation.now()));
    }
    simulation.network.weather = storm.weather;
    simulation.crash_chance = storm.crash_chance;
    let mut watch = watch(storm);
    let mut events = Vec::new();
    let over = storm.over();
    let latest = |(_, submission): &(Time, Submission)| {
        let begin = submission.deliver_after.unwrap_or(over).max(over);
        submission.deliver_before.unwrap_or(begin + LIFETIME)
    };
    let end = storm.pushes.iter().map(latest).max().unwrap_or(over) + GRACE;
    for until in [over, end] {
        while watch.violations().is_empty() && simulation.step(until) {
            for event in simulation.take_events() {
                watch.observe(&event);
                events.push(event);
            }
        }
        simulation.network.weather = Weather::CALM;
        simulation.crash_chance = 0;
    }
    let repeated = events.iter().filter(|event| is_repeat(event)).count();
    let is_hit = |event: &&Event| matches!(event.fact, crate::event::Fact::FaultHit { .. });
    let hits = events.iter().filter(is_hit).count();
    let told_again = ledger.borrow().values().map(|entry| entry.repeats).sum();
    let fault = fault(&simulation, &watch, storm, &ledger);
    Report {
        cancelled: cancelled(&ledger),
        excluded: watch.excluded(),
        hits,
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

fn watch(storm: &Storm) -> Invariants {
    let terms = |(_, submission): &(Time, Submission)| {
        let terms = Terms {
            not_before: submission.deliver_after,
            not_after: submission.deliver_before,
            replaces: submission.replaces.as_ref().map(|(old, _)| old.clone()),
        };
        (submission.push_id.clone(), terms)
    };
    let own = |(name, id): &(&str, &str)| ((*name).to_owned(), (*id).to_owned());
    Invariants::of(
        storm.pushes.iter().map(terms).collect(),
        DEVICES.iter().map(own).collect(),
    )
}

fn cancelled(ledger: &Ledger) -> u64 {
    let is_ok = |code: &&u16| **code == 1000;
    ledger
        .borrow()
        .values()
        .map(|entry| entry.cancelled.values().filter(is_ok).count() as u64)
        .sum()
}

fn fault(
    simulation: &Simulation,
    watch: &Invariants,
    storm: &Storm,
    ledger: &Ledger,
) -> Option<String> {
    if let Some(violation) = watch.violations().first() {
        return Some(violation.clone());
    }
    if simulation.standstills() > 0 {
        return Some("a node named a deadline and did nothing at it".to_owned());
    }
    if let Some(push) = watch.unended().first() {
        return Some(format!(
            "push {push} was accepted and has not ended in time"
        ));
    }
    let ledger = ledger.borrow();
    storm.pushes.iter().find_map(|(_, submission)| {
        let push = &submission.push_id;
        let entry = ledger.get(push)?;
        let why = wrong_answer(submission, entry)
            .or_else(|| wrong_result(submission, entry))
            .or_else(|| wrong_cancel(storm, submission, entry))?;
        Some(format!("push {push} {why}"))
    })
}

/// What is wrong with the answer to a submission: a code that nothing in it calls for, or none.
fn wrong_answer(submission: &Submission, entry: &Entry) -> Option<String> {
    let only_pending = matches!(submission.replaces, Some((_, ReplaceMethod::PendingOnly)));
    match entry.answer {
        Some(ACCEPTED) => None,
        // Its time was over before it came through.
        Some(2001) if submission.deliver_before.is_some() => None,
        // The one it replaces was not there, or had ended.
        Some(2004 | 2008) if only_pending => None,
        Some(code) => Some(format!("was answered {code}")),
        None => Some(format!(
            "was submitted {} times and never answered",
            entry.attempts
        )),
    }
}

/// What is wrong with the results of a push: one for each address of what was accepted, none that contradict.
fn wrong_result(submission: &Submission, entry: &Entry) -> Option<String> {
    if entry.contradictions > 0 {
        return Some("ended in two ways for the initiator".to_owned());
    }
    let is_narrowed = matches!(submission.replaces, Some((_, ReplaceMethod::PendingOnly)));
    let expected = match entry.answer {
        Some(ACCEPTED) if is_narrowed => 1,
        Some(ACCEPTED) => submission.addresses.len(),
        _ => 0,
    };
    let told = entry.results.len();
    (told < expected || (expected == 0 && told > 0)).then(|| {
        format!(
            "was answered {:?}, and {told} of its results were told",
            entry.answer
        )
    })
}

/// What is wrong with the answers to a cancel: each must be true of the address.
fn wrong_cancel(storm: &Storm, submission: &Submission, entry: &Entry) -> Option<String> {
    let is_asked = storm
        .cancels
        .iter()
        .any(|(_, cancel)| cancel.push_id == submission.push_id);
    if is_asked && entry.answer == Some(ACCEPTED) && entry.cancelled.is_empty() {
        return Some("was to be taken back, and that was never answered".to_owned());
    }
    entry.cancelled.iter().find_map(|(address, code)| {
        let state = entry.results.get(address).map(String::as_str);
        let is_true = match code {
            // One of its devices may have had it before.
            1000 => matches!(state, Some("cancelled" | "delivered")),
            2003 => state.is_none() && submission.replaces.is_some(),
            2008 => submission.addresses.len() > 1,
            3003 => state.is_some(),
            _ => false,
        };
        (!is_true).then(|| format!("was taken back for {address} with {code}: it is {state:?}"))
    })
}

/// How the gateway is told to behave in a storm.
fn stormy(mut config: Config) -> Config {
    // The second device has subscribed to nothing but the usual application.
    let devices = config
        .identities
        .iter_mut()
        .flat_map(|own| &mut own.devices);
    for device in devices.filter(|device| device.name == "C2") {
        device.profile.subscriptions = Some(vec![config.application.clone()]);
    }
    Config {
        notification: Notification {
            wait_max: Duration::from_secs(10),
            tries: 100,
            ..config.notification
        },
        push_lifetime: LIFETIME,
        report_wire: true,
        ..config
    }
}

/// How the devices are reached, and what the gateway's messages suffer until when.
struct Party<'a> {
    bearers: &'a [Vec<&'static str>],
    faults: &'a [Spec],
    over: Time,
}

impl Party<'_> {
    /// The rules as they are at that instant.
    fn faults(&self, now: Time) -> Vec<Spec> {
        let left = u64::try_from(self.over.since(now).as_millis()).unwrap_or(u64::MAX);
        let faults = self.faults.iter().filter(|_| left > 0).cloned();
        faults
            .map(|spec| Spec {
                ttl_ms: Some(left),
                ..spec
            })
            .collect()
    }

    /// What puts them in force, as an operator would.
    fn request(&self, now: Time) -> Input {
        let body = serde_json::json!({ "rules": self.faults(now) });
        Input::Request {
            id: RequestId(u64::MAX),
            peer: address(3, 80),
            request: HttpRequest {
                method: "PUT".to_owned(),
                target: fault::door::PATH.to_owned(),
                headers: Vec::new(),
                body: body.to_string().into(),
            },
        }
    }
}

/// Seats the gateway, so configured, its three devices, and an initiator that submits these and takes those back.
pub(super) fn enter(
    simulation: &mut Simulation,
    pushes: &[(Time, Submission)],
    cancels: &[(Time, Cancel)],
    configure: impl FnOnce(Config) -> Config,
    random: &mut Random,
) -> Ledger {
    let party = Party {
        bearers: &[],
        faults: &[],
        over: START,
    };
    seat(simulation, (pushes, cancels), &party, configure, random).1
}

/// What is done, and when.
type Timed<T> = (Time, T);

fn seat(
    simulation: &mut Simulation,
    (pushes, cancels): (&[Timed<Submission>], &[Timed<Cancel>]),
    party: &Party<'_>,
    configure: impl FnOnce(Config) -> Config,
    random: &mut Random,
) -> (NodeId, Ledger) {
    let devices = vec![address(11, 5060), address(12, 5060), address(13, 5060)];
    let places = Places::usual(address(5, 5060), address(4, 5060), devices);
    let script = script(party.bearers);
    let config = configure(cast::gateway(&script, &places).unwrap_or_default());
    let gateway = enter_gateway(simulation, config, &places, party, random);
    stage::enter_parties(simulation, &script, &places, gateway, random);
    let (initiator, ledger) = Initiator::new("http://ppg.example.com/pap", pushes.to_vec());
    let initiator = initiator.with_cancels(cancels.to_vec());
    let initiator = simulation.enter(Box::new(initiator), address(3, 80));
    simulation.route_http(initiator, "http://ppg.example.com/", gateway);
    simulation.route_http(gateway, "http://pi.example.com/", initiator);
    (gateway, ledger)
}

fn script(bearers: &[Vec<&'static str>]) -> Script {
    let device = |((name, id), number): (&(&str, &str), usize)| DeviceLine {
        name: (*name).to_owned(),
        kind: "phone".to_owned(),
        ids: vec![(*id).to_owned()],
        settings: bearers
            .get(number)
            .map_or_else(Vec::new, |own| settings(own)),
    };
    Script {
        name: "storm".to_owned(),
        title: String::new(),
        gateway: Vec::new(),
        smsc: Vec::new(),
        faults: Vec::new(),
        devices: DEVICES.iter().zip(0..).map(device).collect(),
        steps: Vec::new(),
        expects: Vec::new(),
        golden: String::new(),
    }
}

/// The settings of a device with these bearers; one with WSP alone opens its sessions by it.
fn settings(bearers: &[&str]) -> Vec<Setting> {
    let mut settings = vec![("bearer".to_owned(), bearers.join(","))];
    if bearers == ["wsp"] {
        settings.push(("connect".to_owned(), "wsp".to_owned()));
    }
    settings
}

fn enter_gateway(
    simulation: &mut Simulation,
    config: Config,
    places: &Places,
    party: &Party<'_>,
    random: &mut Random,
) -> NodeId {
    let gateway = Gateway::new(config.clone(), random.fork());
    let chance = Random::from_number(random.clone().next_u64());
    let gateway = Faulty::new(gateway, Rules::default(), chance.clone());
    let node = simulation.enter(Box::new(gateway), places.sip);
    let mut lives = random.fork();
    let (faults, over) = (party.faults.to_vec(), party.over);
    simulation.revive_with(
        node,
        Box::new(move |now, records, out| {
            let mut gateway = Gateway::new(config.clone(), lives.fork());
            gateway.restore(now, records, out);
            let party = Party {
                bearers: &[],
                faults: &faults,
                over,
            };
            let mut rules = Rules::default();
            for spec in party.faults(now) {
                // The same as before the death, which were rules.
                let _ = rules.add(spec, now);
            }
            let gateway = Faulty::new(gateway, rules, chance.clone());
            Box::new(gateway) as Box<dyn Machine<Input = _, Output = _>>
        }),
    );
    simulation.network.bind(node, SocketId(0), places.sip);
    simulation.network.bind(node, SocketId(1), places.wsp);
    simulation
        .network
        .bind(node, SocketId(2), places.wsp_session);
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
