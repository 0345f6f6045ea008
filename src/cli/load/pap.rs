//! `sirgate load pap`: pushes by PAP, so many in flight, and the datagrams that come of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connection::Connection;
use super::latency::Latencies;
use super::process::{Processes, Used, micros};
use super::template::{Asked, Template};
use super::{block_on, check_target, target_of, unreachable};
use crate::cli::Global;
use crate::cli::duration;
use crate::cli::fault::{Exit, Fault};
use crate::codec::pap::DeliveryMethod;
use crate::driver;
use crate::driver::clock;

/// The content, where none is given: a Service Indication, as Kannel's own tests push it.
const CONTENT: &str = "<?xml version=\"1.0\"?><!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \
    \"http://www.wapforum.org/DTD/si.dtd\"><si><indication href=\"http://www.example.com/{push}\" \
    si-id=\"{push}\" action=\"signal-high\">You have 4 new emails</indication></si>";
/// Octets of kernel buffer for the datagrams.
const RECEIVE_OCTETS: usize = 8 << 20;
/// A push that starts so much after its planned instant is late.
const LATE: Duration = Duration::from_millis(1);
/// PAP's word for a push that is taken.
const ACCEPTED: u16 = 1001;

/// Arguments of `load pap`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where initiators submit
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8642/pap")]
    to: String,
    /// The client address; {n} in it goes from 1 to --addresses
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "WAPPUSH=sip%3Auser{n}%40example.com/TYPE=USER@ppg.example.com"
    )]
    address: String,
    /// How many addresses there are
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    addresses: u64,
    /// How many pushes
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    pushes: u64,
    /// How many wait for their answers at a time, each on a connection of its own
    #[arg(long, value_name = "NUMBER", default_value_t = 256)]
    in_flight: usize,
    /// Start so many in a second, whatever the answers do
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// Where the device takes its datagrams: this command listens there and counts them
    #[arg(long, value_name = "ADDRESS")]
    datagrams: Option<SocketAddr>,
    /// How many datagrams come of a push
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 1,
        requires = "datagrams"
    )]
    copies: u64,
    /// The content; {push} in it stands for the push, by which datagrams are told apart
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    /// Its media type
    #[arg(long, value_name = "TYPE", default_value = "text/vnd.wap.si")]
    content_type: String,
    /// Ask that devices confirm the content; else that nobody does
    #[arg(long)]
    confirmed: bool,
    /// Where the gateway is to tell results
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// How long to wait for datagrams after the last one
    #[arg(long, value_name = "DUR", default_value = "2s", value_parser = duration)]
    settle: Duration,
    /// Measure this process, or these
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pid: Vec<u32>,
    /// A target that is neither loopback nor private
    #[arg(long, value_name = "IP")]
    allow_target: Vec<IpAddr>,
}

/// What a run counts.
#[derive(Debug, Default)]
struct Tally {
    next: u64,
    /// Answers by HTTP status and PAP code.
    answers: BTreeMap<(u16, Option<u16>), u64>,
    retry_after: u64,
    broken: u64,
    late: u64,
    answered: Latencies,
    /// When each push started; taken out by its first datagram.
    started: Vec<Option<Instant>>,
    arrived: Latencies,
    datagrams: u64,
    /// Datagrams of no push that waits for one.
    others: u64,
    last_answer: Option<Instant>,
    last_datagram: Option<Instant>,
}

type Shared = Rc<RefCell<Tally>>;

/// Runs the command.
///
/// # Errors
///
/// Nobody answers, or an argument is none.
pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    let (target, host, path) = target_of(&arguments.to, "--to")?;
    check_target(target, &arguments.allow_target)?;
    let content = match &arguments.content {
        Some(file) => std::fs::read(file).map_err(|error| {
            Fault::usage(
                format!("{} cannot be read: {error}", file.display()),
                "name a file that exists",
            )
        })?,
        None => CONTENT.as_bytes().to_vec(),
    };
    let asked = Asked {
        path,
        host,
        address: &arguments.address,
        addresses: arguments.addresses,
        content_type: &arguments.content_type,
        content: &content,
        method: if arguments.confirmed {
            DeliveryMethod::Confirmed
        } else {
            DeliveryMethod::Unconfirmed
        },
        notify_to: arguments.notify.as_deref(),
    };
    let mut random = clock::system_random()
        .map_err(|error| Fault::new("SG-X001", Exit::Bug, error.to_string(), "try again"))?;
    let template = Rc::new(Template::new(&asked, random.token::<6>().as_str()));
    let run = carry(arguments, target, template);
    let report = block_on(async { LocalSet::new().run_until(run).await })?;
    if global.json {
        println!("{}", report.to_json(arguments));
    } else {
        print!("{}", report.text(arguments));
    }
    Ok(if report.is_whole(arguments) {
        Exit::Yes
    } else {
        Exit::No
    })
}

/// One run.
async fn carry(
    arguments: &Arguments,
    target: SocketAddr,
    template: Rc<Template>,
) -> Result<Report, Fault> {
    let slots = usize::try_from(arguments.pushes).unwrap_or(usize::MAX);
    let tally = Shared::default();
    tally.borrow_mut().started = vec![None; slots];
    if let Some(at) = arguments.datagrams {
        let socket = driver::udp::bind(at, Some(RECEIVE_OCTETS));
        let socket = socket.and_then(UdpSocket::from_std).map_err(|error| {
            Fault::usage(
                format!("{at} cannot be had: {error}"),
                "choose another --datagrams",
            )
        })?;
        let (tally, template) = (tally.clone(), template.clone());
        tokio::task::spawn_local(receive(socket, tally, template));
    }
    let mut connections = Vec::new();
    for _ in 0..arguments.in_flight.clamp(1, slots.max(1)) {
        let open = Connection::open(target).await;
        connections.push(open.map_err(|error| unreachable(target, &error))?);
    }
    let processes = Processes::begin(&arguments.pid)?;
    let begin = Instant::now();
    let mut lanes = Vec::new();
    for connection in connections {
        let lane = Lane {
            target,
            connection: Some(connection),
            template: template.clone(),
            tally: tally.clone(),
            begin,
            pause: arguments.rate.map(|rate| Duration::from_secs(1) / rate),
            pushes: arguments.pushes,
        };
        lanes.push(tokio::task::spawn_local(lane.run()));
    }
    for lane in lanes {
        // A lane does not panic, and nobody aborts it.
        let _ = lane.await;
    }
    if arguments.datagrams.is_some() {
        settle(&tally, arguments).await;
    }
    let used = processes.end()?;
    Ok(Report {
        begin,
        used,
        own: processes.own(),
        tally: tally.take(),
    })
}

/// Waits for the last datagram, or until none came for a while.
async fn settle(tally: &Shared, arguments: &Arguments) {
    let mut quiet = Instant::now();
    let mut seen = 0;
    while quiet.elapsed() < arguments.settle {
        let now = tally.borrow().datagrams;
        if now >= tally.borrow().accepted() * arguments.copies {
            return;
        }
        if now > seen {
            (seen, quiet) = (now, Instant::now());
        }
        sleep(Duration::from_millis(1)).await;
    }
}

async fn receive(socket: UdpSocket, tally: Shared, template: Rc<Template>) {
    let mut octets = vec![0; 65_536];
    while socket.readable().await.is_ok() {
        let mut tally = tally.borrow_mut();
        while let Ok(count) = socket.try_recv(&mut octets) {
            let now = Instant::now();
            tally.datagrams += 1;
            tally.last_datagram = Some(now);
            let number = template.number_in(octets.get(..count).unwrap_or_default());
            let slot = number.and_then(|number| usize::try_from(number).ok());
            let started = slot.and_then(|slot| tally.started.get_mut(slot)?.take());
            match started {
                Some(started) => tally.arrived.add(now - started),
                None => tally.others += 1,
            }
        }
    }
}

/// One connection and what goes over it.
struct Lane {
    target: SocketAddr,
    connection: Option<Connection>,
    template: Rc<Template>,
    tally: Shared,
    begin: Instant,
    /// Between two planned instants, in the open loop.
    pause: Option<Duration>,
    pushes: u64,
}

impl Lane {
    async fn run(mut self) {
        let mut request = Vec::new();
        loop {
            let number = {
                let mut tally = self.tally.borrow_mut();
                if tally.next >= self.pushes {
                    return;
                }
                tally.next += 1;
                tally.next - 1
            };
            self.template.write(number, &mut request);
            let started = self.start(number).await;
            if let Ok(slot) = usize::try_from(number)
                && let Some(slot) = self.tally.borrow_mut().started.get_mut(slot)
            {
                *slot = Some(started);
            }
            self.ask(&request, started).await;
        }
    }

    /// The instant that the latency of a push counts from.
    async fn start(&self, number: u64) -> Instant {
        let Some(pause) = self.pause else {
            return Instant::now();
        };
        let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        let planned = self.begin + Duration::from_nanos(nanos.saturating_mul(number));
        sleep_until(planned).await;
        if planned.elapsed() > LATE {
            self.tally.borrow_mut().late += 1;
        }
        planned
    }

    async fn ask(&mut self, request: &[u8], started: Instant) {
        let patience = Duration::from_secs(30);
        let exchange = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => Connection::open(self.target).await?,
            };
            let answer = connection.ask(request).await?;
            self.connection = Some(connection).filter(|_| !answer.closes);
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(patience, exchange).await;
        let mut tally = self.tally.borrow_mut();
        let Ok(Ok(answer)) = answer else {
            tally.broken += 1;
            return;
        };
        let now = Instant::now();
        tally.answered.add(now - started);
        tally.last_answer = Some(now);
        tally.retry_after += u64::from(answer.has_retry_after);
        let by = (answer.status, answer.code);
        *tally.answers.entry(by).or_default() += 1;
    }
}

impl Tally {
    fn accepted(&self) -> u64 {
        let mut answers = self.answers.iter();
        let found = answers.find(|((_, code), _)| *code == Some(ACCEPTED));
        found.map_or(0, |(_, count)| *count)
    }
}

/// What came of a run.
struct Report {
    begin: Instant,
    used: Option<Used>,
    own: Used,
    tally: Tally,
}

impl Report {
    fn is_whole(&self, arguments: &Arguments) -> bool {
        let accepted = self.tally.accepted();
        let wanted = if arguments.datagrams.is_some() {
            accepted * arguments.copies
        } else {
            self.tally.datagrams
        };
        accepted == arguments.pushes && self.tally.datagrams == wanted
    }

    fn seconds(&self, until: Option<Instant>) -> f64 {
        until.map_or(0.0, |until| (until - self.begin).as_secs_f64())
    }

    fn per_second(&self, count: u64, until: Option<Instant>) -> f64 {
        let each = micros(Duration::from_secs_f64(self.seconds(until)), count);
        if each > 0.0 {
            (1e6 / each).round()
        } else {
            0.0
        }
    }

    fn text(&self, arguments: &Arguments) -> String {
        use std::fmt::Write as _;
        let tally = &self.tally;
        let mut text = String::new();
        let loop_of = match arguments.rate {
            Some(rate) => format!("open loop, {rate}/s, late {}", tally.late),
            None => "closed loop".to_owned(),
        };
        let _ = writeln!(
            text,
            "{} pushes to {}, {loop_of}, {} in flight",
            arguments.pushes, arguments.to, arguments.in_flight
        );
        for ((status, code), count) in &tally.answers {
            let code = code.map_or(String::new(), |code| format!(" code {code}"));
            let _ = writeln!(text, "answers     {count} x {status}{code}");
        }
        if tally.retry_after + tally.broken > 0 {
            let _ = writeln!(
                text,
                "            {} said when to try again, {} never came",
                tally.retry_after, tally.broken
            );
        }
        let rate = self.per_second(tally.answered.count(), tally.last_answer);
        let _ = writeln!(
            text,
            "            {rate}/s over {:.2} s   {}",
            self.seconds(tally.last_answer),
            tally.answered.line()
        );
        if arguments.datagrams.is_some() {
            let rate = self.per_second(tally.datagrams, tally.last_datagram);
            let _ = writeln!(
                text,
                "datagrams   {} of {}, {rate}/s   {}",
                tally.datagrams,
                tally.accepted() * arguments.copies,
                tally.arrived.line()
            );
        }
        if let Some(used) = self.used {
            let _ = writeln!(
                text,
                "processor   {} a push   resident {} MB, at most {} MB",
                used.line(tally.answered.count()),
                used.resident >> 20,
                used.resident_peak >> 20
            );
        }
        let own = self.own.line(tally.answered.count());
        let _ = writeln!(text, "            this command itself: {own}");
        text
    }

    fn to_json(&self, arguments: &Arguments) -> serde_json::Value {
        let tally = &self.tally;
        let answers: Vec<_> = tally
            .answers
            .iter()
            .map(|((status, code), count)| {
                serde_json::json!({"status": status, "code": code, "count": count})
            })
            .collect();
        let count = tally.answered.count();
        serde_json::json!({
            "schema": "sirgate.load.pap/1", "ok": self.is_whole(arguments), "to": arguments.to,
            "loop": if arguments.rate.is_some() { "open" } else { "closed" }, "rate": arguments.rate,
            "in_flight": arguments.in_flight, "pushes": arguments.pushes, "late": tally.late,
            "answers": answers, "accepted": tally.accepted(), "retry_after": tally.retry_after,
            "broken": tally.broken, "seconds": self.seconds(tally.last_answer),
            "answers_per_second": self.per_second(count, tally.last_answer),
            "answer": tally.answered.to_json(), "datagrams": tally.datagrams,
            "datagrams_per_second": self.per_second(tally.datagrams, tally.last_datagram),
            "datagram": tally.arrived.to_json(), "unmatched": tally.others,
            "process": self.used.map(|used| used.to_json(count)), "own": self.own.to_json(count),
        })
    }
}
