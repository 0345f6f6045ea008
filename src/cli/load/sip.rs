//! `sirgate load sip`: devices that register again and again, then answer what comes; and messages to their identities.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

use super::latency::Latencies;
use super::process::{Processes, Used};
use super::{block_on, check_target, unreachable};
use crate::cli::fault::{Exit, Fault};
use crate::cli::{Global, duration};
use crate::codec::sip::{Draft, Message, Method};
use crate::driver;

/// How long an answer may take before the request is counted as lost.
/// Octets of kernel buffer of each device.
const RECEIVE_OCTETS: usize = 1 << 20;

/// Arguments of `load sip`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The registrar, by UDP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5060")]
    to: SocketAddr,
    /// The domain of the identities: sip:user1@DOMAIN and so on
    #[arg(long, value_name = "DOMAIN", default_value = "example.com")]
    domain: String,
    /// How many devices, each with a socket of its own
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    devices: usize,
    /// How many of them belong to one identity
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    devices_each: usize,
    /// How many REGISTERs they send together; the least is one each
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    registers: u64,
    /// Then so many MESSAGEs go to the identities, for the registrar to fork
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    messages: u64,
    /// How many requests wait for their answers at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    in_flight: usize,
    /// How long an answer is waited for, before its request counts as lost
    #[arg(long, value_name = "DUR", default_value = "2s", value_parser = duration)]
    patience: Duration,
    /// Then they answer requests for so long
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = duration)]
    answer_for: Duration,
    /// What they answer
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=699))]
    answer: u16,
    /// Measure this process, or these
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pid: Vec<u32>,
    /// A target that is neither loopback nor private
    #[arg(long, value_name = "IP")]
    allow_target: Vec<IpAddr>,
}

/// One device.
#[derive(Debug)]
struct Device {
    socket: UdpSocket,
    number: usize,
    user: usize,
    local: SocketAddr,
}

/// What a phase counts.
#[derive(Debug, Default)]
struct Tally {
    next: u64,
    good: u64,
    refused: u64,
    lost: u64,
    answered: Latencies,
    /// Requests that came to devices.
    received: u64,
}

type Shared = Rc<RefCell<Tally>>;

/// What a phase took.
struct Phase {
    what: &'static str,
    took: Duration,
    used: Option<Used>,
    own: Used,
    tally: Tally,
}

/// Runs the command.
///
/// # Errors
///
/// Nobody answers, or an argument is none.
pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    check_target(arguments.to, &arguments.allow_target)?;
    let phases = block_on(async { LocalSet::new().run_until(carry(arguments)).await })?;
    for phase in &phases {
        if global.json {
            println!("{}", phase.to_json());
        } else {
            print!("{}", phase.text());
        }
    }
    let is_whole = |phase: &Phase| phase.tally.refused + phase.tally.lost == 0;
    Ok(if phases.iter().all(is_whole) {
        Exit::Yes
    } else {
        Exit::No
    })
}

async fn carry(arguments: &Arguments) -> Result<Vec<Phase>, Fault> {
    let mut devices = Vec::new();
    for number in 0..arguments.devices.max(1) {
        let socket = bind()?;
        devices.push(Rc::new(Device {
            local: socket.local_addr().unwrap_or(arguments.to),
            socket,
            number,
            user: number / arguments.devices_each.max(1) + 1,
        }));
    }
    let mut phases = vec![register(arguments, &devices).await?];
    let tally = Shared::default();
    for device in &devices {
        let (device, tally, status) = (device.clone(), tally.clone(), arguments.answer);
        tokio::task::spawn_local(async move {
            let mut octets = vec![0; 65_536];
            loop {
                device.answer_one(&mut octets, status, &tally).await;
            }
        });
    }
    if arguments.messages > 0 {
        phases.push(send(arguments, &tally).await?);
    }
    if !arguments.answer_for.is_zero() {
        let processes = Processes::begin(&arguments.pid)?;
        let begin = Instant::now();
        tally.borrow_mut().received = 0;
        sleep(arguments.answer_for).await;
        phases.push(Phase {
            what: "answering",
            took: begin.elapsed(),
            used: processes.end()?,
            own: processes.own(),
            tally: tally.take(),
        });
    }
    Ok(phases)
}

fn bind() -> Result<UdpSocket, Fault> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = driver::udp::bind(any, Some(RECEIVE_OCTETS));
    socket.and_then(UdpSocket::from_std).map_err(|error| {
        Fault::usage(
            format!("no socket for a device: {error}"),
            "have fewer --devices, or allow more files: ulimit -n",
        )
    })
}

/// All devices register, and some again, until there were enough REGISTERs.
async fn register(arguments: &Arguments, devices: &[Rc<Device>]) -> Result<Phase, Fault> {
    let count = arguments
        .registers
        .max(u64::try_from(devices.len()).unwrap_or(u64::MAX));
    let tally = Shared::default();
    let processes = Processes::begin(&arguments.pid)?;
    let begin = Instant::now();
    let lanes = arguments.in_flight.clamp(1, devices.len());
    let mut running = Vec::new();
    for lane in 0..lanes {
        let own = devices.iter().skip(lane).step_by(lanes);
        let own: Vec<_> = own.cloned().collect();
        let (tally, to, domain) = (tally.clone(), arguments.to, arguments.domain.clone());
        let patience = arguments.patience;
        running.push(tokio::task::spawn_local(async move {
            let mut octets = vec![0; 65_536];
            for (turn, device) in own.iter().cycle().enumerate() {
                let serial = {
                    let mut tally = tally.borrow_mut();
                    // Each device once, however fast the other lanes are.
                    if tally.next >= count && turn >= own.len() {
                        return;
                    }
                    tally.next += 1;
                    tally.next
                };
                let request = device.register(&domain, to, serial);
                exchange(&device.socket, to, &request, &mut octets, &tally, patience).await;
            }
        }));
    }
    for lane in running {
        // A lane does not panic, and nobody aborts it.
        let _ = lane.await;
    }
    let phase = Phase {
        what: "REGISTER",
        took: begin.elapsed(),
        used: processes.end()?,
        own: processes.own(),
        tally: tally.take(),
    };
    if phase.tally.good == 0 {
        let none = std::io::Error::other("no REGISTER was answered 200");
        return Err(unreachable(arguments.to, &none));
    }
    Ok(phase)
}

/// Messages to the identities; who forks them to the devices is being measured.
async fn send(arguments: &Arguments, received: &Shared) -> Result<Phase, Fault> {
    let tally = Shared::default();
    let identities = arguments.devices.div_ceil(arguments.devices_each.max(1));
    let identities = u64::try_from(identities.max(1)).unwrap_or(1);
    let processes = Processes::begin(&arguments.pid)?;
    let begin = Instant::now();
    let mut running = Vec::new();
    for lane in 0..arguments.in_flight.max(1) {
        let socket = bind()?;
        let local = socket.local_addr().unwrap_or(arguments.to);
        let (tally, to, domain) = (tally.clone(), arguments.to, arguments.domain.clone());
        let patience = arguments.patience;
        let messages = arguments.messages;
        running.push(tokio::task::spawn_local(async move {
            let mut octets = vec![0; 65_536];
            loop {
                let serial = {
                    let mut tally = tally.borrow_mut();
                    if tally.next >= messages {
                        return;
                    }
                    tally.next += 1;
                    tally.next
                };
                let user = serial % identities + 1;
                let request = format!(
                    "MESSAGE sip:user{user}@{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKm{lane}x{serial};rport\r\n\
                     Max-Forwards: 70\r\nFrom: <sip:load@{domain}>;tag=l{lane}\r\nTo: <sip:user{user}@{domain}>\r\n\
                     Call-ID: m{lane}x{serial}@{local}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
                );
                exchange(&socket, to, request.as_bytes(), &mut octets, &tally, patience).await;
            }
        }));
    }
    for lane in running {
        let _ = lane.await;
    }
    // The slower copies of the last message.
    sleep(Duration::from_millis(200)).await;
    let mut tally = tally.take();
    tally.received = received.take().received;
    Ok(Phase {
        what: "MESSAGE",
        took: begin.elapsed(),
        used: processes.end()?,
        own: processes.own(),
        tally,
    })
}

/// Sends a request and waits for its final answer.
async fn exchange(
    socket: &UdpSocket,
    to: SocketAddr,
    request: &[u8],
    octets: &mut [u8],
    tally: &Shared,
    patience: Duration,
) {
    let begin = Instant::now();
    let answered = async {
        socket.send_to(request, to).await.ok()?;
        loop {
            let count = socket.recv(octets).await.ok()?;
            let status = octets.get(..count)?.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
            let status: u16 = core::str::from_utf8(status).ok()?.parse().ok()?;
            if status >= 200 {
                return Some(status);
            }
        }
    };
    let status = timeout(patience, answered).await;
    let mut tally = tally.borrow_mut();
    match status {
        Ok(Some(200..=299)) => tally.good += 1,
        Ok(Some(_)) => tally.refused += 1,
        _ => tally.lost += 1,
    }
    tally.answered.add(begin.elapsed());
}

impl Device {
    fn register(&self, domain: &str, to: SocketAddr, serial: u64) -> Vec<u8> {
        let Self {
            number,
            user,
            local,
            ..
        } = self;
        format!(
            "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKr{number}x{serial};rport\r\n\
             Max-Forwards: 70\r\nRoute: <sip:{to};lr>\r\nFrom: <sip:user{user}@{domain}>;tag=r{number}\r\nTo: <sip:user{user}@{domain}>\r\n\
             Call-ID: r{number}@{local}\r\nCSeq: {serial} REGISTER\r\nSupported: gruu, outbound, path\r\n\
             Contact: <sip:user{user}@{local}>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-{number:012}>\";expires=3600\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    /// Answers the next request that comes.
    async fn answer_one(&self, octets: &mut [u8], status: u16, tally: &Shared) {
        let Ok((count, peer)) = self.socket.recv_from(octets).await else {
            return;
        };
        let came = Bytes::copy_from_slice(octets.get(..count).unwrap_or_default());
        let Ok(request) = Message::decode(came) else {
            return;
        };
        if request.status().is_some() || request.method() == Some(Method::Ack) {
            return;
        }
        tally.borrow_mut().received += 1;
        let tag = format!("d{}", self.number);
        let answer = Draft::response(&request, status, Some(&tag)).finish();
        // What is lost is sent again.
        let _ = self.socket.send_to(answer.octets(), peer).await;
    }
}

impl Phase {
    /// What one of them is counted by: requests of ours, or copies that came.
    fn count(&self) -> u64 {
        self.tally.received.max(self.tally.answered.count())
    }

    fn text(&self) -> String {
        use std::fmt::Write as _;
        let tally = &self.tally;
        let mut text = format!(
            "{:<10}  {} good, {} refused, {} lost, {} copies in {:.2} s: {:.0}/s   {}\n",
            self.what,
            tally.good,
            tally.refused,
            tally.lost,
            tally.received,
            self.took.as_secs_f64(),
            1e6 / super::process::micros(self.took, self.count()),
            tally.answered.line()
        );
        if let Some(used) = self.used {
            let _ = writeln!(
                text,
                "processor   {} for each   resident {} MB, at most {} MB",
                used.line(self.count()),
                used.resident >> 20,
                used.resident_peak >> 20
            );
        }
        let own = self.own.line(self.count());
        let _ = writeln!(text, "            this command itself: {own}");
        text
    }

    fn to_json(&self) -> serde_json::Value {
        let tally = &self.tally;
        serde_json::json!({
            "schema": "sirgate.load.sip/1", "phase": self.what, "ok": tally.refused + tally.lost == 0,
            "good": tally.good, "refused": tally.refused, "lost": tally.lost, "copies": tally.received,
            "seconds": self.took.as_secs_f64(), "answer": tally.answered.to_json(),
            "process": self.used.map(|used| used.to_json(self.count())), "own": self.own.to_json(self.count()),
        })
    }
}
