//! Plays a scenario over real loopback sockets: the cast of the simulator on the drivers of the program.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use super::fault::Fault;
use super::{Global, node};
use crate::device::Fleet;
use crate::driver::clock::{self, Clock};
use crate::driver::observe::{Journal, JournalSettings};
use crate::driver::{self, Handle, Setup};
use crate::event::Event;
use crate::gateway::Gateway;
use crate::sim::cast::{self, Places};
use crate::sim::fork::Core;
use crate::sim::script::{Script, Step};
use crate::world::{HttpRequest, ListenerId, Transport};

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

/// Waits until nothing has happened for a while.
async fn quiet(journal: &Journal) {
    let mut news = journal.watch();
    let end = tokio::time::Instant::now() + LONGEST;
    while tokio::time::Instant::now() < end {
        news.borrow_and_update();
        if tokio::time::timeout(STILL, news.changed()).await.is_err() {
            return;
        }
    }
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
    sip: (Option<UdpSocket>, Option<TcpListener>),
    msrp: Option<TcpListener>,
    http: Option<TcpListener>,
    front: Option<TcpListener>,
    core: Option<UdpSocket>,
    devices: Vec<UdpSocket>,
    places: Places,
    entrance: SocketAddr,
}

impl Sockets {
    fn bind(devices: usize) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let udp = UdpSocket::bind(any).map_err(text)?;
        let sip = udp.local_addr().map_err(text)?;
        let stream = TcpListener::bind(sip).map_err(text)?;
        let msrp = TcpListener::bind(any).map_err(text)?;
        let http = TcpListener::bind(any).map_err(text)?;
        let front = TcpListener::bind(any).map_err(text)?;
        let core = UdpSocket::bind(any).map_err(text)?;
        let devices = (0..devices)
            .map(|_| UdpSocket::bind(any))
            .collect::<Result<Vec<_>, _>>()
            .map_err(text)?;
        let entrance = http.local_addr().map_err(text)?;
        let places = Places {
            sip,
            msrp: msrp.local_addr().map_err(text)?,
            devices: devices
                .iter()
                .filter_map(|socket| socket.local_addr().ok())
                .collect(),
            core: core.local_addr().map_err(text)?,
            relay: format!("http://{entrance}/pap"),
            front: format!("http://{}/pap", front.local_addr().map_err(text)?),
        };
        Ok(Self {
            sip: (Some(udp), Some(stream)),
            msrp: Some(msrp),
            http: Some(http),
            front: Some(front),
            core: Some(core),
            devices,
            places,
            entrance,
        })
    }

    fn start(
        &mut self,
        script: &Script,
        clock: &Clock,
        journal: &Journal,
    ) -> Result<Handles, String> {
        let random = || clock::system_random().map_err(|error| error.to_string());
        let setup = || Setup::new(clock.clone(), journal.clone());
        let config = cast::gateway(script, &self.places)?;
        let mut gateway = setup();
        gateway.udp.extend(self.sip.0.take());
        gateway.listeners.extend(
            self.sip
                .1
                .take()
                .map(|listener| (ListenerId(0), Transport::Tcp, listener)),
        );
        gateway.listeners.extend(
            self.msrp
                .take()
                .map(|listener| (ListenerId(1), Transport::Tcp, listener)),
        );
        gateway.http.extend(self.http.take());
        let mut fleet = setup();
        fleet.udp = std::mem::take(&mut self.devices);
        let devices = cast::fleet(script, &self.places, &mut random()?)?;
        let mut handles = Handles {
            gateways: Vec::new(),
            core: None,
            fleet: None,
        };
        handles.gateways.push(
            driver::start(Gateway::new(config, random()?), gateway).map_err(|e| e.to_string())?,
        );
        if cast::forks_in_core(script) {
            let mut core = setup();
            core.udp.extend(self.core.take());
            let node = cast::core(&self.places);
            handles.core = Some(driver::start(node, core).map_err(|e| e.to_string())?);
        }
        if cast::relays(script) {
            let mut front = setup();
            front.http.extend(self.front.take());
            self.entrance = front
                .http
                .first()
                .and_then(|listener| listener.local_addr().ok())
                .unwrap_or(self.entrance);
            let node = Gateway::new(cast::front(&self.places), random()?);
            handles
                .gateways
                .push(driver::start(node, front).map_err(|e| e.to_string())?);
        }
        handles.fleet = Some(driver::start(devices, fleet).map_err(|e| e.to_string())?);
        Ok(handles)
    }
}

/// The running nodes of a scenario.
struct Handles {
    gateways: Vec<Handle<Gateway>>,
    core: Option<Handle<Core>>,
    fleet: Option<Handle<Fleet>>,
}

impl Handles {
    async fn stop(&mut self) {
        // Devices first: they take leave of a gateway that is there.
        if let Some(fleet) = &mut self.fleet {
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
    }
}
