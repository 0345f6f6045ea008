//! Plays a scenario over real loopback sockets: the cast of the simulator on the drivers of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use super::fault::Fault;
use super::{Global, node};
use crate::device::Fleet;
use crate::driver::clock::{self, Clock};
use crate::driver::observe::{Journal, JournalSettings};
use crate::driver::{self, Handle, Setup};
use crate::event::{Event, Fact};
use crate::fault::{Faulty, Rules};
use crate::gateway::Gateway;
use crate::machine::Machine;
use crate::random::Random;
use crate::sim::cast::{self, Doors, Places};
use crate::sim::fork::Core;
use crate::sim::script::{DeviceLine, Script, Step};
use crate::sim::smsc::MessageCentre;
use crate::world::{HttpRequest, Input, ListenerId, Output, Transport};

/// How long nothing may happen before `quiet` ends.
const STILL: Duration = Duration::from_millis(400);
/// How long `quiet` may last.
const LONGEST: Duration = Duration::from_secs(15);

/// Plays a script; gives its events since the mark.
///
/// # Errors
///
/// A line that cannot be staged, or sockets that cannot be had.
pub fn play(script: &Script, global: &Global) -> Result<Vec<Event>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(on_sockets(script, global))
}

async fn on_sockets(script: &Script, global: &Global) -> Result<Vec<Event>, String> {
    let mut sockets = Sockets::bind(script.devices.len())?;
    let journal = Journal::start(&JournalSettings::default()).map_err(|error| error.to_string())?;
    let clock = Clock::start();
    let registered = node::registrations(&journal, script.devices.len(), Some(LONGEST), |_| {});
    let mut handles = sockets.start(script, &clock, &journal)?;
    if registered.await < script.devices.len() {
        return Err("the devices did not register".into());
    }
    let has_doors = |line: &DeviceLine| line.settings.iter().any(|(key, _)| key == "bearer");
    if script.devices.iter().any(has_doors) {
        // Sessions for a service and attachments come after the registration.
        quiet(&journal).await;
    }
    let mut mark = journal.last();
    let url = format!("http://{}/pap", sockets.entrance);
    for step in &script.steps {
        match step {
            Step::Push { name, to, settings } => {
                let submission = cast::submission(name, to, settings, None)?;
                submit(submission.request(&url), global)
                    .await
                    .map_err(|fault| fault.message)?;
            }
            Step::Wait(duration) => tokio::time::sleep(*duration).await,
            Step::Quiet => quiet(&journal).await,
            Step::Mark => mark = journal.last(),
            Step::Web(_) => return Err("browsers are played in the simulator only".into()),
            Step::Notice(_) => return Err("mailboxes are played in the simulator only".into()),
            Step::Kill => return Err("the gateway is killed in the simulator only".into()),
        }
    }
    handles.stop().await;
    Ok(events_after(&journal, mark))
}

/// Submits on a thread that may block: the API's client has a runtime of its own.
async fn submit(request: HttpRequest, global: &Global) -> Result<(), Fault> {
    let global = global.clone();
    let sent = tokio::task::spawn_blocking(move || {
        super::api::Api::new(&global)?
            .send(request, Duration::ZERO)
            .map(drop)
    });
    sent.await
        .unwrap_or_else(|error| Err(Fault::usage(error.to_string(), "try again")))
}

/// Waits until nothing has happened for a while and every push has its end: a bearer that fails is given up after some
/// seconds in which nothing happens.
async fn quiet(journal: &Journal) {
    let mut news = journal.watch();
    let end = tokio::time::Instant::now() + LONGEST;
    while tokio::time::Instant::now() < end {
        news.borrow_and_update();
        let is_still = tokio::time::timeout(STILL, news.changed()).await.is_err();
        if is_still && have_ended(&events_after(journal, 0)) {
            return;
        }
    }
}

/// True when every push that was accepted has ended.
fn have_ended(events: &[Event]) -> bool {
    let mut open = BTreeSet::new();
    for event in events {
        match &event.fact {
            Fact::PapRx { push, .. } => {
                open.insert(push);
            }
            Fact::PushEnd { push, .. } => {
                open.remove(push);
            }
            _ => {}
        }
    }
    open.is_empty()
}

fn events_after(journal: &Journal, mark: u64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut cursor = mark;
    loop {
        let page = journal.after(cursor, 1024);
        if page.entries.is_empty() {
            return events;
        }
        cursor = page.cursor;
        events.extend(page.entries.iter().map(|entry| entry.event.clone()));
    }
}

/// Everything that is bound before anybody starts, so that each knows the others' addresses.
struct Sockets {
    bound: Bound,
    places: Places,
    /// The HTTP of the gateway, and of the one in front.
    http: SocketAddr,
    front: SocketAddr,
    /// Where pushes are submitted.
    entrance: SocketAddr,
}

/// Sockets by address, until somebody takes them.
#[derive(Default)]
struct Bound {
    udp: BTreeMap<SocketAddr, UdpSocket>,
    tcp: BTreeMap<SocketAddr, TcpListener>,
}

impl Bound {
    fn datagrams(&mut self) -> Result<SocketAddr, String> {
        let socket = UdpSocket::bind(ANY).map_err(|error| error.to_string())?;
        let at = socket.local_addr().map_err(|error| error.to_string())?;
        self.udp.insert(at, socket);
        Ok(at)
    }

    fn streams(&mut self, at: SocketAddr) -> Result<SocketAddr, String> {
        let listener = TcpListener::bind(at).map_err(|error| error.to_string())?;
        let at = listener.local_addr().map_err(|error| error.to_string())?;
        self.tcp.insert(at, listener);
        Ok(at)
    }

    /// A listener under its number.
    fn listener(
        &mut self,
        id: u32,
        at: SocketAddr,
    ) -> Option<(ListenerId, Transport, TcpListener)> {
        let listener = self.tcp.remove(&at)?;
        Some((ListenerId(id), Transport::Tcp, listener))
    }
}

/// Any port of loopback.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

impl Sockets {
    fn bind(devices: usize) -> Result<Self, String> {
        let mut bound = Bound::default();
        let sip = bound.datagrams()?;
        bound.streams(sip)?;
        let (http, front) = (bound.streams(ANY)?, bound.streams(ANY)?);
        let (mut own, mut doors) = (Vec::new(), Vec::new());
        for _ in 0..devices {
            own.push(bound.datagrams()?);
            doors.push(Doors {
                wsp: bound.datagrams()?,
                session: bound.datagrams()?,
                radio: bound.datagrams()?,
                http: bound.streams(ANY)?,
            });
        }
        let places = Places {
            sip,
            msrp: bound.streams(ANY)?,
            devices: own,
            core: bound.datagrams()?,
            relay: format!("http://{http}/pap"),
            front: format!("http://{front}/pap"),
            wsp: bound.datagrams()?,
            wsp_session: bound.datagrams()?,
            ota_http: bound.streams(ANY)?,
            info: format!("http://{http}/info"),
            smpp: bound.streams(ANY)?,
            radio: bound.datagrams()?,
            doors,
        };
        Ok(Self {
            bound,
            places,
            http,
            front,
            entrance: http,
        })
    }

    fn start(
        &mut self,
        script: &Script,
        clock: &Clock,
        journal: &Journal,
    ) -> Result<Handles, String> {
        let setup = || Setup::new(clock.clone(), journal.clone());
        let (places, bound) = (&self.places, &mut self.bound);
        let config = cast::gateway(script, places)?;
        let mut gateway = setup();
        let own = [places.sip, places.wsp, places.wsp_session];
        gateway.udp = own.iter().filter_map(|at| bound.udp.remove(at)).collect();
        gateway.listeners.extend(bound.listener(0, places.sip));
        gateway.listeners.extend(bound.listener(1, places.msrp));
        if cast::connects_by(script, "http") {
            gateway.listeners.extend(bound.listener(2, places.ota_http));
        }
        gateway.http.extend(bound.tcp.remove(&self.http));
        let seats = cast::seats(script, places, &mut random()?)?;
        let mut handles = Handles {
            gateways: vec![run(
                faulty(script, Gateway::new(config, random()?), clock)?,
                gateway,
            )?],
            core: None,
            centre: None,
            fleets: Vec::new(),
        };
        if cast::has_centre(script) {
            let mut centre = setup();
            centre.udp.extend(bound.udp.remove(&places.radio));
            centre.listeners.extend(bound.listener(0, places.smpp));
            handles.centre = Some(run(cast::centre(script)?, centre)?);
        }
        if cast::forks_in_core(script) {
            let mut core = setup();
            core.udp.extend(bound.udp.remove(&places.core));
            handles.core = Some(run(cast::core(places), core)?);
        }
        if cast::relays(script) {
            let mut front = setup();
            front.http.extend(bound.tcp.remove(&self.front));
            self.entrance = self.front;
            let node = Gateway::new(cast::front(places), random()?);
            let node = Faulty::new(node, Rules::default(), random()?);
            handles.gateways.push(run(node, front)?);
        }
        for seat in seats {
            let mut fleet = setup();
            let sockets = seat.udp.iter().filter_map(|at| bound.udp.remove(at));
            fleet.udp = sockets.collect();
            let door = seat.http.and_then(|at| bound.tcp.remove(&at));
            fleet.http.extend(door);
            // A gateway sends an empty Host to a terminal.
            fleet.limits.http_hosts.push(String::new());
            handles.fleets.push(run(seat.fleet, fleet)?);
        }
        Ok(handles)
    }
}

fn random() -> Result<Random, String> {
    clock::system_random().map_err(|error| error.to_string())
}

/// The gateway behind the rules of the script.
fn faulty(script: &Script, gateway: Gateway, clock: &Clock) -> Result<Faulty<Gateway>, String> {
    let rules = cast::faults(script, clock.now())?;
    Ok(Faulty::new(gateway, rules, random()?))
}

fn run<N>(node: N, setup: Setup) -> Result<Handle<N>, String>
where
    N: Machine<Input = Input, Output = Output> + Send + 'static,
{
    driver::start(node, setup).map_err(|error| error.to_string())
}

/// The running nodes of a scenario.
struct Handles {
    gateways: Vec<Handle<Faulty<Gateway>>>,
    core: Option<Handle<Core>>,
    centre: Option<Handle<MessageCentre>>,
    fleets: Vec<Handle<Fleet>>,
}

impl Handles {
    async fn stop(&mut self) {
        // Devices first: they take leave of a gateway that is there.
        for fleet in &mut self.fleets {
            fleet.stop();
            let _ = fleet.ended().await;
        }
        for gateway in &mut self.gateways {
            gateway.stop();
            let _ = gateway.ended().await;
        }
        if let Some(core) = &mut self.core {
            core.stop();
            let _ = core.ended().await;
        }
        if let Some(centre) = &mut self.centre {
            centre.stop();
            let _ = centre.ended().await;
        }
    }
}
