//! `sirgate report piggyback`: what messages that ride along save against polling, and what they do not.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Global;
use super::har::{self, Request};
use super::saving::{Cost, Octets, Trace};
use crate::cli::fault::{Exit, Fault};

/// Octets of a recording, and of a file of instants.
const FILE_OCTETS: u64 = 256 << 20;
/// How often a page may ask, in seconds.
const POLLS: [f64; 4] = [5.0, 10.0, 30.0, 60.0];
/// After how many silent seconds a page may ask.
const FALLBACKS: [f64; 2] = [30.0, 60.0];
/// Messages an hour, where nothing says how many there are.
const MESSAGES: f64 = 6.0;

/// What Chromium was measured with over HTTP/1.1: a poll both ways, what rides along without and with one message, an
/// event stream, one of its messages, and one of its signs of life.
const MEASURED: Octets = Octets {
    poll: 870.0,
    idle: 61.0,
    message: 42.0,
    open: 914.0,
    event: 76.0,
    beat: 14.0,
};

/// Arguments of `report piggyback`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The recording: a HAR file
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// When messages came: a line each, an instant (2026-11-22T05:06:07.5Z) or seconds since the recording began. Without it
    /// the recording's own stamps tell between which requests; where it has none, any instant is as likely
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
    /// Messages an hour, where neither tells
    #[arg(long, value_name = "NUMBER")]
    per_hour: Option<u32>,
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Trace,
    Measured,
}

impl Origin {
    const fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Measured => "default",
        }
    }
}

/// Where the instants of messages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    File,
    Stamps,
    Anywhere,
}

impl Known {
    const fn words(self) -> &'static str {
        match self {
            Self::File => "at the instants given",
            Self::Stamps => "halfway between the requests whose stamps tell of them",
            Self::Anywhere => "at any instant with the same chance",
        }
    }
}

/// Everything that is printed.
struct Report {
    trace: Trace,
    known: Known,
    poll_from: Origin,
    idle_from: Origin,
    message_from: Origin,
}

/// Runs the command.
///
/// # Errors
///
/// A file that cannot be read, or is no recording with requests over some time.
pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Fault> {
    let text = file(&arguments.trace)?;
    let all = har::read(&text).map_err(|why| {
        Fault::usage(
            format!("{} is no HAR file: {why}", arguments.trace.display()),
            "save one from the network panel of a browser",
        )
    })?;
    let instants = match &arguments.messages {
        Some(path) => Some((path, file(path)?)),
        None => None,
    };
    let begin = all.first().map_or(0.0, |first| first.at);
    let given = instants.map(|(path, text)| given(&text, begin, path));
    let report = Report::new(&all, given.transpose()?, arguments)?;
    if global.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.text(&arguments.trace));
    }
    Ok(Exit::Yes)
}

fn file(path: &Path) -> Result<String, Fault> {
    let unreadable = |why: String| {
        let message = format!("{} cannot be read: {why}", path.display());
        Fault::usage(message, "name a file that exists")
    };
    let length = std::fs::metadata(path)
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if length > FILE_OCTETS {
        return Err(unreadable(format!("it has more than {FILE_OCTETS} octets")));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// The instants of a file, in seconds since the recording began.
fn given(text: &str, begin: f64, path: &Path) -> Result<Vec<f64>, Fault> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let seconds = line.parse().ok().filter(|it: &f64| it.is_finite());
            seconds
                .or_else(|| Some(har::instant(line)? - begin))
                .ok_or_else(|| {
                    let place = format!("{}:{}", path.display(), number.saturating_add(1));
                    Fault::usage(
                        format!("{place}: \"{line}\" is no instant"),
                        "write 2026-11-22T05:06:07.5Z, or seconds since the recording began",
                    )
                })
        })
        .collect()
}

impl Report {
    fn new(all: &[Request], given: Option<Vec<f64>>, arguments: &Arguments) -> Result<Self, Fault> {
        let begin = all.first().map_or(0.0, |first| first.at);
        let ends = all.iter().map(|it| it.at + it.took - begin);
        let period = ends.fold(0.0, f64::max);
        let business: Vec<&Request> = all.iter().filter(|it| it.is_business()).collect();
        if business.is_empty() || period <= 0.0 {
            return Err(Fault::usage(
                format!(
                    "{} has no requests of scripts over some time",
                    arguments.trace.display()
                ),
                "record a page while it is used",
            ));
        }
        let given = given.map(|given| given.into_iter().filter(|at| (0.0..=period).contains(at)));
        let given: Option<Vec<f64>> = given.map(Iterator::collect);
        let stamped = stamped(&business, begin);
        let (known, instants) = match (given, stamped) {
            (Some(given), _) => (Known::File, Some(given)),
            (None, stamped) if !stamped.is_empty() => (Known::Stamps, Some(stamped)),
            (None, _) => (Known::Anywhere, None),
        };
        let hours = period / 3_600.0;
        let messages = match &instants {
            Some(instants) => count(instants.len()) / hours,
            None => arguments.per_hour.map_or(MESSAGES, f64::from),
        };
        let heads: Vec<u64> = business.iter().filter_map(|it| it.heads).collect();
        let (poll, poll_from) = measured(&heads, MEASURED.poll);
        let quiet = |it: &&Request| it.stamp.as_ref().is_none_or(|stamp| stamp.new == 0);
        let idle: Vec<u64> = business
            .iter()
            .copied()
            .filter(|it| quiet(it))
            .filter_map(|it| it.riding)
            .collect();
        let (idle, idle_from) = measured(&idle, MEASURED.idle);
        let news = business.iter().copied().filter(|it| !quiet(it));
        let news: Vec<u64> = news.filter_map(|it| it.riding).collect();
        let (news, message_from) = measured(&news, idle + MEASURED.message);
        Ok(Self {
            trace: Trace {
                requests: business.iter().map(|it| it.at - begin).collect(),
                period,
                messages,
                instants,
                octets: Octets {
                    poll,
                    idle,
                    message: (news - idle).max(0.0),
                    ..MEASURED
                },
            },
            known,
            poll_from,
            idle_from,
            message_from,
        })
    }

    fn variants(&self) -> Vec<(String, Value, Cost)> {
        let trace = &self.trace;
        let mut all = Vec::new();
        for every in POLLS {
            let about = json!({ "variant": "poll", "every_s": every });
            all.push((format!("poll every {every} s"), about, trace.poll(every)));
        }
        let stream = json!({ "variant": "sse" });
        all.push(("event stream (SSE)".to_owned(), stream, trace.stream()));
        let alone = json!({ "variant": "piggyback" });
        all.push(("piggyback only".to_owned(), alone, trace.riding(None)));
        for silence in FALLBACKS {
            let about = json!({ "variant": "piggyback", "fallback_s": silence });
            let name = format!("piggyback, fallback {silence} s");
            all.push((name, about, trace.riding(Some(silence))));
        }
        all
    }

    fn json(&self) -> Value {
        let trace = &self.trace;
        let variants = self.variants().into_iter().map(|(_, mut about, cost)| {
            if let Some(members) = about.as_object_mut() {
                for (name, figure) in [
                    ("requests_per_hour", cost.requests),
                    ("octets_per_hour", cost.octets),
                    ("mean_delay_s", cost.mean),
                    ("delay_95_s", cost.most),
                ] {
                    members.insert(name.to_owned(), json!(rounded(figure)));
                }
            }
            about
        });
        let variants: Vec<Value> = variants.collect();
        let octets = &trace.octets;
        json!({
            "schema": "sirgate.report.piggyback/1",
            "seconds": rounded(trace.period),
            "requests": trace.requests.len(),
            "requests_per_hour": rounded(trace.rate()),
            "messages_per_hour": rounded(trace.messages),
            "messages": match self.known {
                Known::File => "file",
                Known::Stamps => "stamps",
                Known::Anywhere => "anywhere",
            },
            "octets": {
                "poll": rounded(octets.poll), "poll_from": self.poll_from.word(),
                "idle": rounded(octets.idle), "idle_from": self.idle_from.word(),
                "message": rounded(octets.message), "message_from": self.message_from.word(),
                "stream_open": octets.open, "stream_message": octets.event, "stream_beat": octets.beat,
            },
            "variants": variants,
        })
    }

    fn text(&self, path: &Path) -> String {
        use core::fmt::Write as _;
        let (trace, octets) = (&self.trace, &self.trace.octets);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{}: {} business requests in {:.0} s, {:.0} an hour; {:.1} messages an hour, {}",
            path.display(),
            trace.requests.len(),
            trace.period,
            trace.rate(),
            trace.messages,
            self.known.words(),
        );
        let _ = writeln!(
            text,
            "octets: a poll {:.0} ({}), riding along {:.0} a request ({}) and {:.0} a message ({}); SSE {:.0} to open, {:.0} a \
             message, {:.0} every 15 s (default)\n",
            octets.poll,
            self.poll_from.word(),
            octets.idle,
            self.idle_from.word(),
            octets.message,
            self.message_from.word(),
            octets.open,
            octets.event,
            octets.beat,
        );
        let _ = writeln!(
            text,
            "{:<26}{:>16}{:>16}{:>14}{:>12}",
            "beyond the site's own", "requests/h", "octets/h", "mean delay", "95 %"
        );
        for (name, _, cost) in self.variants() {
            let _ = writeln!(
                text,
                "{name:<26}{:>16.1}{:>16.0}{:>12.1} s{:>10.1} s",
                cost.requests, cost.octets, cost.mean, cost.most
            );
        }
        text
    }
}

/// When messages came that stamps tell of: each between the request that did not know it and the one that did.
fn stamped(business: &[&Request], begin: f64) -> Vec<f64> {
    let mut known: Option<u64> = None;
    let mut before = 0.0;
    let mut instants = Vec::new();
    for request in business {
        let at = request.at - begin;
        if let Some(stamp) = &request.stamp {
            // What waited before the first stamp came nobody knows when.
            let new = known.map_or(0, |known| stamp.seq.saturating_sub(known));
            instants.extend((0..new.min(1_000)).map(|_| f64::midpoint(before, at)));
            known = Some(stamp.seq);
        } else if known.is_none() && request.riding.is_some() {
            // A silent response to who asks: there is nothing yet.
            known = Some(0);
        }
        before = at;
    }
    instants
}

/// The mean of what was measured, or what Chromium was measured with.
fn measured(all: &[u64], usual: f64) -> (f64, Origin) {
    if all.is_empty() {
        return (usual, Origin::Measured);
    }
    let sum = all.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
    let sum = f64::from(u32::try_from(sum).unwrap_or(u32::MAX));
    (sum / count(all.len()), Origin::Trace)
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn rounded(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}
