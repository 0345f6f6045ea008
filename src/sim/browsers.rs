//! Browsers in scenarios, and who publishes to their applications.
//!
//! | line | meaning |
//! |---|---|
//! | `browser NAME key=value …` | a browser of alice: `handlers=mail,news` its applications, `apps=game` registered without a handler, `unknown=keep`, `clear=off`, `restore=off`, `interval=60`, `count=100` so many of them, `transport=webpush` |
//! | `open NAME`, `click NAME APP`, `restart NAME` | what its user does |
//! | `publish APP key=value …` | a message for alice: `title=…`, `kind=…`, `topic=…` |

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::cast::PUI;
use super::script::{Script, Setting, Step};
use super::stage::QUIET;
use super::{NodeId, Simulation};
use crate::device::browser::{Browser, Config, Deed};
use crate::device::message_center::{Modules, Unknown};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{Errand, FetchId, HttpRequest, Input, Output};

/// Where all requests go.
const BASE: &str = "http://ppg.example.com/api/v1";
/// Where the push service is, for browsers.
const PUSH_SERVICE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 201)), 80);

/// A browser, or many of a kind.
#[derive(Clone, Debug)]
pub struct BrowserLine {
    /// `B1`.
    pub name: String,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// What a user or an author does.
#[derive(Clone, Debug)]
pub enum WebStep {
    /// Something in a browser.
    Does {
        /// The browser.
        browser: String,
        /// What.
        deed: Deed,
    },
    /// A message is published.
    Publish {
        /// Its application.
        app: String,
        /// What it says.
        settings: Vec<Setting>,
    },
}

impl WebStep {
    /// The step of a line; `None` when the verb is another's.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn decode(verb: &str, rest: &str) -> Result<Option<Self>, String> {
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        let named = |deed| {
            let browser = first.to_owned();
            Ok(Some(Self::Does { browser, deed }))
        };
        match (verb, first, second) {
            ("open" | "restart" | "click", "", _) => Err(format!("{verb} whom?")),
            ("open", _, "") => named(Deed::Open),
            ("restart", _, "") => named(Deed::Restart),
            ("click", _, app) if !app.is_empty() => named(Deed::Click(app.to_owned())),
            ("publish", app, rest) if !app.is_empty() => Ok(Some(Self::Publish {
                app: app.to_owned(),
                settings: super::script::settings(rest)?,
            })),
            ("open" | "restart" | "click" | "publish", ..) => {
                Err(format!("'{verb} {rest}' is no line of a browser"))
            }
            _ => Ok(None),
        }
    }
}

/// Brings the browsers of a script in, and who publishes.
///
/// # Errors
/// A setting that is none.
pub fn enter(
    simulation: &mut Simulation,
    script: &Script,
    gateway: NodeId,
    seed: u64,
) -> Result<(), String> {
    let mut random = Random::from_number(seed);
    simulation.listen_for_browsers(gateway, PUSH_SERVICE);
    simulation.route_http(gateway, "http://ppg.example.com/wpush/", gateway);
    let steps = steps(script, simulation.now());
    for line in &script.browsers {
        let config = config(line)?;
        let deeds = steps.iter().filter_map(|(at, step)| match step {
            WebStep::Does { browser, deed } if *browser == line.name => Some((*at, deed.clone())),
            _ => None,
        });
        let deeds: Vec<(Time, Deed)> = deeds.collect();
        let count = setting(line, "count").map_or(Ok(1), str::parse::<usize>);
        let count = count.map_err(|_| "count= is a number")?;
        for number in 1..=count {
            let name = match count {
                1 => line.name.clone(),
                _ => format!("{}{number}", line.name),
            };
            let config = Config {
                name,
                ..config.clone()
            };
            let browser = Browser::new(config, deeds.clone(), random.fork());
            join(simulation, Box::new(browser), gateway);
        }
    }
    let published = steps.into_iter().filter_map(|(at, step)| match step {
        WebStep::Publish { app, settings } => Some((at, publication(&app, &settings))),
        WebStep::Does { .. } => None,
    });
    let publisher = Publisher {
        due: published.collect(),
        next: 0,
    };
    if !publisher.due.is_empty() {
        join(simulation, Box::new(publisher), gateway);
    }
    Ok(())
}

fn join(simulation: &mut Simulation, node: super::Node, gateway: NodeId) {
    let node = simulation.enter(node, SocketAddr::from(([192, 0, 2, 200], 80)));
    simulation.route_http(node, "http://ppg.example.com/", gateway);
}

/// What happens in browsers, each at its instant.
fn steps(script: &Script, start: Time) -> Vec<(Time, WebStep)> {
    let mut steps = Vec::new();
    let mut at = start;
    for step in &script.steps {
        match step {
            Step::Web(step) => steps.push((at, step.clone())),
            Step::Wait(duration) => at = at + *duration,
            Step::Quiet => at = at + QUIET,
            Step::Push { .. } | Step::Mark | Step::Kill | Step::Notice(_) => {}
        }
    }
    steps
}

fn setting<'a>(line: &'a BrowserLine, name: &str) -> Option<&'a str> {
    let (_, value) = line.settings.iter().find(|(key, _)| key == name)?;
    Some(value)
}

fn config(line: &BrowserLine) -> Result<Config, String> {
    let list = |name: &str| -> Vec<String> {
        let text = setting(line, name).unwrap_or_default().split(',');
        text.filter(|app| !app.is_empty())
            .map(str::to_owned)
            .collect()
    };
    for (key, _) in &line.settings {
        let known = [
            "handlers",
            "apps",
            "unknown",
            "clear",
            "restore",
            "interval",
            "count",
            "transport",
        ];
        if !known.contains(&key.as_str()) {
            return Err(format!("a browser has no {key}="));
        }
    }
    let interval = setting(line, "interval").map_or(Ok(60), str::parse::<u64>);
    Ok(Config {
        name: line.name.clone(),
        base: BASE.to_owned(),
        account: Some(PUI.to_owned()),
        handled: list("handlers"),
        unhandled: list("apps"),
        modules: Modules {
            unknown: match setting(line, "unknown") {
                Some("keep") => Unknown::Keep,
                _ => Unknown::Drop,
            },
            clear: setting(line, "clear") != Some("off"),
            restore: setting(line, "restore") != Some("off"),
        },
        interval: Duration::from_secs(interval.map_err(|_| "interval= is a number of seconds")?),
        jitter: 10,
        push_service: match setting(line, "transport") {
            Some("webpush") => Some(PUSH_SERVICE),
            _ => None,
        },
    })
}

fn publication(app: &str, settings: &[Setting]) -> HttpRequest {
    let mut body = Map::new();
    body.insert("to".to_owned(), Value::from(PUI));
    for (key, value) in settings {
        body.insert(key.clone(), Value::from(value.as_str()));
    }
    HttpRequest {
        method: "POST".to_owned(),
        target: format!("{BASE}/apps/{app}/messages"),
        headers: Vec::new(),
        body: Bytes::from(Value::Object(body).to_string()),
    }
}

/// Publishes what is due.
#[derive(Debug)]
struct Publisher {
    due: std::collections::VecDeque<(Time, HttpRequest)>,
    next: u64,
}

impl Machine for Publisher {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _now: Time, _input: Input, _out: &mut Vec<Output>) {}

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, request)) = self.due.pop_front() {
                let id = FetchId(self.next);
                self.next = self.next.saturating_add(1);
                let errand = Errand::Result;
                out.push(Output::Fetch {
                    id,
                    errand,
                    request,
                });
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.due.front().map(|(at, _)| *at)
    }
}
