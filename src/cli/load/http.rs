//! `sirgate load http`: what a proxy adds to the time that a site takes, beside the site itself in the same run.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::connection::Connection;
use super::latency::Latencies;
use super::{Global, block_on, check_target, target_of, unreachable};
use crate::cli::fault::{Exit, Fault};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments of `load http`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The site itself
    #[arg(long, value_name = "URL")]
    direct: String,
    /// The same through a proxy
    #[arg(long, value_name = "URL")]
    through: String,
    /// A row of every request to the proxy, as in 'Sirgate-Piggyback: 1'. May be repeated
    #[arg(long, value_name = "ROW", value_parser = row)]
    header: Vec<String>,
    /// How many requests each of both gets
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    requests: u32,
    /// Requests before those, which do not count
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    warm: u32,
    /// A target that is neither loopback nor private
    #[arg(long, value_name = "IP")]
    allow_target: Vec<IpAddr>,
}

/// One of both ways to the site.
struct Way {
    target: SocketAddr,
    request: Vec<u8>,
    connection: Connection,
    took: Latencies,
    /// Responses that bore what is unread.
    stamped: u32,
    /// Answers above 399, and connections that broke.
    bad: u32,
}

impl Way {
    async fn open(
        url: &str,
        option: &str,
        rows: &[String],
        allowed: &[IpAddr],
    ) -> Result<Self, Fault> {
        let (target, host, path) = target_of(url, option)?;
        check_target(target, allowed)?;
        let rows = rows.iter().map(|row| format!("{row}\r\n"));
        let rows: String = rows.collect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{rows}\r\n").into_bytes();
        let connection = Connection::open(target).await;
        Ok(Self {
            target,
            request,
            connection: connection.map_err(|error| unreachable(target, &error))?,
            took: Latencies::default(),
            stamped: 0,
            bad: 0,
        })
    }

    async fn ask(&mut self, counts: bool) -> Result<(), Fault> {
        let begin = Instant::now();
        let answer = timeout(PATIENCE, self.connection.ask(&self.request)).await;
        let took = begin.elapsed();
        let closes = !matches!(&answer, Ok(Ok(answer)) if !answer.closes);
        if counts {
            match answer {
                Ok(Ok(answer)) if answer.status < 400 => {
                    self.took.add(took);
                    let is_stamped = self.connection.answer_has(b"\r\nsirgate-unread: ");
                    self.stamped = self.stamped.saturating_add(u32::from(is_stamped));
                }
                _ => self.bad = self.bad.saturating_add(1),
            }
        }
        if closes {
            let connection = Connection::open(self.target).await;
            self.connection = connection.map_err(|error| unreachable(self.target, &error))?;
        }
        Ok(())
    }
}

/// Runs the command.
///
/// # Errors
///
/// Nobody answers, or an argument is none.
pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    block_on(async {
        let allowed = &arguments.allow_target;
        let mut direct = Way::open(&arguments.direct, "--direct", &[], allowed).await?;
        let mut through =
            Way::open(&arguments.through, "--through", &arguments.header, allowed).await?;
        for turn in 0..arguments.warm.saturating_add(arguments.requests) {
            let counts = turn >= arguments.warm;
            // What the machine does besides meets both alike.
            if turn % 2 == 0 {
                direct.ask(counts).await?;
                through.ask(counts).await?;
            } else {
                through.ask(counts).await?;
                direct.ask(counts).await?;
            }
        }
        Ok(report(&direct, &through, global))
    })
}

fn report(direct: &Way, through: &Way, global: &Global) -> Exit {
    let added = |per_mille| {
        let own = direct.took.at(per_mille);
        through.took.at(per_mille).saturating_sub(own)
    };
    if global.json {
        let micros = |per_mille| u64::try_from(added(per_mille).as_micros()).unwrap_or(u64::MAX);
        println!(
            "{}",
            json!({
                "schema": "sirgate.load.http/1",
                "direct": direct.took.to_json(), "through": through.took.to_json(),
                "added": { "p50_us": micros(500), "p99_us": micros(990), "p999_us": micros(999) },
                "stamped": through.stamped, "bad": direct.bad.saturating_add(through.bad),
            })
        );
    } else {
        let ms = |per_mille| added(per_mille).as_secs_f64() * 1e3;
        println!("direct   {}", direct.took.line());
        println!("through  {}", through.took.line());
        println!(
            "added    p50 {:.3} ms   p99 {:.3} ms   p99.9 {:.3} ms      {} of {} responses bore what is unread, {} were bad",
            ms(500),
            ms(990),
            ms(999),
            through.stamped,
            through.took.count(),
            direct.bad.saturating_add(through.bad),
        );
    }
    match (direct.took.count(), through.took.count()) {
        (0, _) | (_, 0) => Exit::Untested,
        _ => Exit::Yes,
    }
}

fn row(text: &str) -> Result<String, String> {
    let is_row = text
        .split_once(':')
        .is_some_and(|(name, _)| !name.is_empty());
    match is_row && !text.contains(['\r', '\n']) {
        true => Ok(text.to_owned()),
        false => Err("a row is a name, a colon and a value".into()),
    }
}
