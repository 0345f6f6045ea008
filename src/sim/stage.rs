//! Plays a scenario in virtual time: the cast of a script on one simulated network.

use std::net::SocketAddr;
use std::time::Duration;

use super::browsers;
use super::cast::{self, Places};
use super::clients;
use super::initiator::{Initiator, Ledger, Submission};
use super::script::{Script, Step};
use super::{NodeId, Simulation, Weather};
use crate::event::Event;
use crate::fault::Faulty;
use crate::gateway::Gateway;
use crate::ladder::{self, Party, Style};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{ListenerId, SocketId, Transport};

/// 1 January 2026, 10:00 UTC: when every simulation begins.
pub const START: Time = Time::from_secs(1_767_261_600);
/// Sets the chance of faults apart from all other.
const FAULTS: u64 = 0xFA17;
/// Sets that of browsers apart.
const BROWSERS: u64 = 0xB0_75;
/// How long devices may take to register.
pub(super) const SETTLE: Duration = Duration::from_secs(5);
/// How long `quiet` lets things run: longer than sessions linger, shorter than registrations last.
pub(super) const QUIET: Duration = Duration::from_secs(20);

/// What came of a scenario.
#[derive(Debug)]
pub struct Played {
    /// All events since the mark.
    pub events: Vec<Event>,
    /// What the initiator was told.
    pub ledger: Ledger,
}

/// Plays a script from a seed.
///
/// # Errors
///
/// A line that cannot be staged.
pub fn play(script: &Script, seed: u64) -> Result<Played, String> {
    let places = places(script.devices.len());
    let mut simulation = Simulation::new(START, Weather::CALM, seed);
    let mut random = Random::from_number(seed);
    let gateway = enter_gateway(&mut simulation, script, &places, seed, &mut random)?;
    enter_devices(&mut simulation, script, &places, gateway, &mut random)?;
    enter_centre(&mut simulation, script, &places)?;
    if cast::forks_in_core(script) {
        let core = simulation.enter(Box::new(cast::core(&places)), places.core);
        simulation.network.bind(core, SocketId(0), places.core);
    }
    let entrance = if cast::relays(script) {
        enter_front(&mut simulation, &places, gateway, &mut random)
    } else {
        gateway
    };
    simulation.run_until(START + SETTLE);

    let pushes = pushes(script, simulation.now())?;
    let (initiator, ledger) = Initiator::new("http://ppg.example.com/pap", pushes);
    let initiator = simulation.enter(Box::new(initiator), address(3, 80));
    simulation.route_http(initiator, "http://ppg.example.com/", entrance);
    simulation.route_http(entrance, "http://pi.example.com/", initiator);
    simulation.route_http(gateway, "http://pi.example.com/", initiator);
    browsers::enter(&mut simulation, script, gateway, seed ^ BROWSERS)?;
    clients::enter(&mut simulation, script, &places, gateway)?;
    let _registered = simulation.take_events();
    let mut events = Vec::new();
    for step in &script.steps {
        match step {
            Step::Push { .. } | Step::Web(_) | Step::Notice(_) => {}
            Step::Wait(duration) => simulation.run_until(simulation.now() + *duration),
            Step::Quiet => simulation.run_until(simulation.now() + QUIET),
            Step::Mark => {
                events.clear();
                let _before = simulation.take_events();
            }
            Step::Kill => simulation.kill(gateway),
        }
        events.extend(simulation.take_events());
    }
    Ok(Played { events, ledger })
}

/// The submissions of a script, each at its instant.
fn pushes(script: &Script, start: Time) -> Result<Vec<(Time, Submission)>, String> {
    let mut pushes = Vec::new();
    let mut at = start;
    for step in &script.steps {
        match step {
            Step::Push { name, to, settings } => {
                let notify = Some("http://pi.example.com/results".to_owned());
                pushes.push((at, cast::submission(name, to, settings, notify)?));
            }
            Step::Wait(duration) => at = at + *duration,
            Step::Quiet => at = at + QUIET,
            Step::Mark | Step::Kill | Step::Web(_) | Step::Notice(_) => {}
        }
    }
    Ok(pushes)
}

/// Addresses of a scenario with so many devices.
fn places(devices: usize) -> Places {
    let devices = (11..).take(devices).map(|host| address(host, 5060));
    Places {
        relay: "http://ppg2.example.com/pap".into(),
        front: "http://front.example.com/pap".into(),
        ..Places::usual(address(5, 5060), address(4, 5060), devices.collect())
    }
}

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

/// The message centre, where a device needs one.
fn enter_centre(
    simulation: &mut Simulation,
    script: &Script,
    places: &Places,
) -> Result<(), String> {
    if !cast::has_centre(script) {
        return Ok(());
    }
    let node = simulation.enter(Box::new(cast::centre(script)?), places.smpp);
    let network = &mut simulation.network;
    network.bind(node, SocketId(0), places.radio);
    network.listen(node, ListenerId(0), Transport::Tcp, places.smpp);
    Ok(())
}

/// The devices of a script without mistakes, and the message centre where one needs it.
pub(super) fn enter_parties(
    simulation: &mut Simulation,
    script: &Script,
    places: &Places,
    gateway: NodeId,
    random: &mut Random,
) {
    // The settings are the simulator's own, so there is no wrong one.
    let _ = enter_devices(simulation, script, places, gateway, random);
    let _ = enter_centre(simulation, script, places);
}

fn enter_devices(
    simulation: &mut Simulation,
    script: &Script,
    places: &Places,
    gateway: NodeId,
    random: &mut Random,
) -> Result<(), String> {
    for (number, seat) in (0..).zip(cast::seats(script, places, random)?) {
        let at = seat.udp.first().copied().filter(|_| number > 0);
        let at = at.unwrap_or_else(|| address(10, 5060));
        let node = simulation.enter(Box::new(seat.fleet), at);
        for (socket, place) in (0..).zip(&seat.udp) {
            simulation.network.bind(node, SocketId(socket), *place);
        }
        if let Some(door) = seat.http {
            simulation.route_http(gateway, &format!("http://{door}/"), node);
        }
        simulation.route_http(node, "http://ppg.example.com/", gateway);
    }
    Ok(())
}

fn enter_gateway(
    simulation: &mut Simulation,
    script: &Script,
    places: &Places,
    seed: u64,
    random: &mut Random,
) -> Result<NodeId, String> {
    let config = cast::gateway(script, places)?;
    // Rules about faults draw their own chance, so that a run without them is the same with them.
    let rules = cast::faults(script, simulation.now())?;
    let gateway = Gateway::new(config.clone(), random.fork());
    let gateway = Faulty::new(gateway, rules, Random::from_number(seed ^ FAULTS));
    let node = simulation.enter(Box::new(gateway), places.sip);
    let mut lives = random.fork();
    simulation.revive_with(
        node,
        Box::new(move |now, records, out| {
            let mut gateway = Gateway::new(config.clone(), lives.fork());
            gateway.restore(now, records, out);
            // Rules do not survive a restart.
            Box::new(gateway) as Box<dyn Machine<Input = _, Output = _>>
        }),
    );
    open_doors(simulation, node, places);
    Ok(node)
}

/// Binds and listens where a gateway does.
pub(super) fn open_doors(simulation: &mut Simulation, node: NodeId, places: &Places) {
    let network = &mut simulation.network;
    let sockets = [places.sip, places.wsp, places.wsp_session];
    for (number, place) in (0..).zip(sockets) {
        network.bind(node, SocketId(number), place);
    }
    let listeners = [places.sip, places.msrp, places.ota_http];
    for (number, place) in (0..).zip(listeners) {
        network.listen(node, ListenerId(number), Transport::Tcp, place);
    }
}

/// The gateway that takes pushes and hands them to the one behind it.
fn enter_front(
    simulation: &mut Simulation,
    places: &Places,
    behind: NodeId,
    random: &mut Random,
) -> NodeId {
    let gateway = Gateway::new(cast::front(places), random.fork());
    let node = simulation.enter(Box::new(gateway), address(6, 5060));
    simulation.route_http(node, "http://ppg2.example.com/", behind);
    simulation.route_http(behind, "http://front.example.com/", node);
    node
}

/// Draws what a script's pushes came to, from the mark on.
#[must_use]
pub fn ladder(script: &Script, events: &[Event]) -> String {
    let mut parties = vec![Party::new(ladder::PI), Party::new(ladder::PPG)];
    parties.extend(
        script
            .devices
            .iter()
            .map(|line| Party::labelled(&line.name, &format!("{} {}", line.name, line.kind))),
    );
    ladder::text(events, &parties, Style::default())
}
