//! `sirgate load web`: browser clients that are told nothing, one message for all of them, and polls as fast as they go.
//!
//! All clients are of one account, so one message reaches all. Each has a connection of its own, as a browser has; where
//! they are more than one source address has ports for, further addresses of 127.0.0.0/8 are used.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::browser::{Browser, Transport};
use super::latency::Latencies;
use super::process::{Processes, Used};
use super::{block_on, check_target, target_of, unreachable};
use crate::cli::Global;
use crate::cli::duration;
use crate::cli::fault::{Exit, Fault};

/// Clients that come at a time.
const COMING: usize = 64;
/// Connections that one source address makes.
const PORTS: usize = 20_000;
/// Files that this program has open beside connections.
const FILES: usize = 64;

/// Arguments of `load web`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8642")]
    to: String,
    /// How many browser clients
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    clients: usize,
    /// How they hear of messages
    #[arg(long, value_enum, default_value_t = Transport::Long)]
    transport: Transport,
    /// Whose clients they are
    #[arg(long, value_name = "NAME", default_value = "alice")]
    account: String,
    /// How long nothing happens before the memory is read; with --transport poll, how long to poll
    #[arg(long, value_name = "DUR", default_value = "5s", value_parser = duration)]
    idle: Duration,
    /// How many polls wait for their answers at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    in_flight: usize,
    /// How long all may take to hear of the message
    #[arg(long, value_name = "DUR", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// Measure this process, or these
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pid: Vec<u32>,
    /// A target that is neither loopback nor private
    #[arg(long, value_name = "IP")]
    allow_target: Vec<IpAddr>,
}

/// What a run found.
struct Report {
    clients: usize,
    transport: Transport,
    /// Octets that the measured processes grew by while all came.
    grown: Option<u64>,
    /// Since the message, or of each poll.
    heard: Latencies,
    took: Duration,
    used: Option<Used>,
}

/// Runs the command.
///
/// # Errors
///
/// Nobody answers, or not as a gateway does; too few files may be open.
pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    let (target, host, _) = target_of(&arguments.to, "--to")?;
    check_target(target, &arguments.allow_target)?;
    let connections = match arguments.transport {
        Transport::Poll => arguments.in_flight,
        _ => arguments.clients,
    };
    check_files(connections)?;
    let run = carry(arguments, target, host);
    let report = block_on(async { LocalSet::new().run_until(run).await })?;
    if global.json {
        println!("{}", report.to_json());
    } else {
        print!("{}", report.text());
    }
    let wanted = u64::try_from(report.clients).unwrap_or(u64::MAX);
    let is_whole = report.transport == Transport::Poll || report.heard.count() == wanted;
    Ok(if is_whole { Exit::Yes } else { Exit::No })
}

/// As many files may be open as there are to be connections.
fn check_files(connections: usize) -> Result<(), Fault> {
    let wanted = connections.saturating_add(FILES);
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let row = limits.lines().find(|row| row.starts_with("Max open files"));
    let soft = row.and_then(|row| row.split_ascii_whitespace().nth(3)?.parse::<usize>().ok());
    match soft {
        Some(soft) if soft < wanted => Err(Fault::usage(
            format!("{connections} connections are more than the {soft} files that may be open"),
            format!("run `ulimit -n {wanted}` before, here and where the gateway starts"),
        )),
        _ => Ok(()),
    }
}

async fn carry(arguments: &Arguments, target: SocketAddr, host: &str) -> Result<Report, Fault> {
    let lost = |error: io::Error| unreachable(target, &error);
    let processes = Processes::begin(&arguments.pid)?;
    let before = processes.end()?.map(|used| used.resident);
    let polls = arguments.transport == Transport::Poll;
    let count = arguments.clients.max(1);
    let come = stream::iter(0..count).map(|number| async move {
        let source = source_of(target, number);
        let mut browser = Browser::come(target, source, host, &arguments.account).await?;
        if polls {
            browser.hang_up();
        } else {
            browser.listen(arguments.transport).await?;
        }
        Ok::<_, io::Error>(browser)
    });
    let mut come = come.buffer_unordered(COMING);
    let mut browsers = Vec::with_capacity(count);
    while let Some(browser) = come.next().await {
        browsers.push(browser.map_err(lost)?);
    }
    drop(come);
    if polls {
        return poll(arguments, target, browsers).await;
    }
    sleep(arguments.idle).await;
    let after = processes.end()?.map(|used| used.resident);
    let grown = after
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));

    let report = tell(arguments, target, browsers).await?;
    Ok(Report { grown, ..report })
}

/// One message for all who listen.
async fn tell(
    arguments: &Arguments,
    target: SocketAddr,
    browsers: Vec<Browser>,
) -> Result<Report, Fault> {
    let lost = |error: io::Error| unreachable(target, &error);
    let clients = browsers.len();
    let mut author = Browser::author(target, "localhost").await.map_err(lost)?;
    let heard = Rc::new(RefCell::new(Latencies::default()));
    let begun = Rc::new(RefCell::new(Instant::now()));
    let mut listening = tokio::task::JoinSet::new();
    for mut browser in browsers {
        let (heard, begun) = (Rc::clone(&heard), Rc::clone(&begun));
        listening.spawn_local(async move {
            if browser.hears().await.is_ok() {
                let begun = *begun.borrow();
                heard.borrow_mut().add(begun.elapsed());
            }
            browser
        });
    }
    // Everybody listens before there is something to hear.
    sleep(Duration::from_millis(200)).await;
    let measured = Processes::begin(&arguments.pid)?;
    *begun.borrow_mut() = Instant::now();
    author.publish(&arguments.account).await.map_err(lost)?;
    let all = async { while listening.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(arguments.patience, all).await;
    let took = begun.borrow().elapsed();
    let heard = heard.borrow().clone();
    Ok(Report {
        clients,
        transport: arguments.transport,
        grown: None,
        heard,
        took,
        used: measured.end()?,
    })
}

/// Polls, each for the next client, as fast as they are answered.
async fn poll(
    arguments: &Arguments,
    target: SocketAddr,
    browsers: Vec<Browser>,
) -> Result<Report, Fault> {
    let lost = |error: io::Error| unreachable(target, &error);
    let count = browsers.len();
    let polls: Rc<Vec<Vec<u8>>> = Rc::new(browsers.iter().map(Browser::question).collect());
    let heard = Rc::new(RefCell::new(Latencies::default()));
    let measured = Processes::begin(&arguments.pid)?;
    let begun = Instant::now();
    let end = begun + arguments.idle;
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..arguments.in_flight.max(1) {
        let (polls, heard) = (Rc::clone(&polls), Rc::clone(&heard));
        let mut asker = Browser::author(target, "localhost").await.map_err(lost)?;
        let step = arguments.in_flight.max(1);
        asking.spawn_local(async move {
            let mut next = number;
            while Instant::now() < end {
                let Some(question) = polls.get(next.checked_rem(count).unwrap_or(0)) else {
                    break;
                };
                let asked = Instant::now();
                asker.asks(question).await?;
                heard.borrow_mut().add(asked.elapsed());
                next = next.saturating_add(step);
            }
            Ok::<_, io::Error>(())
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap_or(Ok(())).map_err(lost)?;
    }
    let heard = heard.borrow().clone();
    Ok(Report {
        clients: count,
        transport: Transport::Poll,
        grown: None,
        heard,
        took: begun.elapsed(),
        used: measured.end()?,
    })
}

/// From where a client comes; one address has ports for so many only.
fn source_of(target: SocketAddr, number: usize) -> Option<IpAddr> {
    let group = u8::try_from(number / PORTS).ok()?;
    let is_loopback = matches!(target.ip(), IpAddr::V4(four) if four.is_loopback());
    (is_loopback && group > 0)
        .then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 0, group.saturating_add(1))))
}

impl Report {
    fn each(&self) -> Option<u64> {
        self.grown?.checked_div(u64::try_from(self.clients).ok()?)
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of polls")]
    fn per_second(&self) -> f64 {
        self.heard.count() as f64 / self.took.as_secs_f64().max(1e-9)
    }

    fn text(&self) -> String {
        let (clients, transport) = (self.clients, self.transport.word());
        let mut text = format!("{clients} clients by {transport}\n");
        if let Some((grown, each)) = self.grown.zip(self.each()) {
            let kilo = grown / 1024;
            text += &format!("memory   {kilo} KiB more, {each} octets for each client\n");
        }
        let heard = self.heard.count();
        text += &match self.transport {
            Transport::Poll => format!("polls    {heard}, {:.0} a second\n", self.per_second()),
            _ => format!("heard    {heard} of {clients}\n"),
        };
        text += &format!("         {}\n", self.heard.line());
        if let Some(used) = self.used {
            text += &format!("process  {} each\n", used.line(heard.max(1)));
        }
        text
    }

    fn to_json(&self) -> Value {
        json!({
            "clients": self.clients,
            "transport": self.transport.word(),
            "grown_octets": self.grown,
            "octets_each": self.each(),
            "heard": self.heard.to_json(),
            "per_second": self.per_second().round(),
            "process": self.used.map(|used| used.to_json(self.heard.count())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_beyond_the_ports_of_an_address_come_from_the_next() {
        let target: SocketAddr = "127.0.0.1:80".parse().unwrap();
        assert_eq!(source_of(target, PORTS - 1), None);
        let second = source_of(target, PORTS);
        assert_eq!(second, Some("127.0.0.2".parse().unwrap()));
        let elsewhere: SocketAddr = "10.0.0.1:80".parse().unwrap();
        assert_eq!(source_of(elsewhere, PORTS), None);
    }

    #[test]
    fn more_connections_than_files_are_refused_before_they_are_made() {
        assert!(check_files(1).is_ok());
        assert!(check_files(usize::MAX / 2).is_err());
    }
}
