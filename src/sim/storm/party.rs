//! Who takes part in a storm: the gateway that dies and comes back, its three devices, and an initiator.

use std::net::SocketAddr;
use std::time::Duration;

use super::{DEVICES, LIFETIME};
use crate::fault::{self, Faulty, Rules, Spec};
use crate::gateway::Gateway;
use crate::gateway::config::{Config, Notification};
use crate::machine::Machine;
use crate::random::Random;
use crate::sim::cast::{self, Places};
use crate::sim::initiator::{Cancel, Initiator, Ledger, Submission};
use crate::sim::script::{DeviceLine, Script, Setting};
use crate::sim::stage::{self, START};
use crate::sim::{NodeId, Simulation};
use crate::time::Time;
use crate::world::{HttpRequest, Input, RequestId};

/// How the devices are reached, and what the gateway's messages suffer until when.
pub(super) struct Party<'a> {
    pub(super) bearers: &'a [Vec<&'static str>],
    pub(super) faults: &'a [Spec],
    pub(super) over: Time,
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
    pub(super) fn request(&self, now: Time) -> Input {
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

/// How the gateway is told to behave in a storm.
pub(super) fn stormy(mut config: Config) -> Config {
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

/// Seats the gateway, so configured, its three devices, and an initiator that submits these and takes those back.
pub(in crate::sim) fn enter(
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

pub(super) fn seat(
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
        browsers: Vec::new(),
        monitor: None,
        clients: Vec::new(),
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
    stage::open_doors(simulation, node, places);
    node
}

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}
