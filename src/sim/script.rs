//! Scenarios as text: who is there, what is pushed, what must be counted, and the ladder it draws.
//!
//! ```text
//! S2.2 two of three wanted, one SIR each
//!
//! trio
//! push p1 to=C1,C2 plan=targeted
//!
//! expect 2 sir.tx
//! expect 0 sir.rx dev=C3
//! ----
//! (the ladder)
//! ```
//!
//! | line | meaning |
//! |---|---|
//! | `gateway key=value …` | settings of the gateway: `fork=core`, `relay=yes`, `contents=direct` |
//! | `trio` | the identity alice with C1, C2, C3 of the requirements |
//! | `device NAME KIND id=… key=value …` | one more device, or settings of one of the trio: `bearer=sms,sip` its bearers, best first, `return=ussd` on what it returns information, `wake=wsp sleep=200` what wakes it when it sleeps, and how long after it registered it does |
//! | `smsc key=value …` | settings of the message centre: `delay=500`, `refuse=ESME_RMSGQFUL`, `fail=8`, `silent=yes`, `first=1`, `every=3`, `to=+1555` |
//! | `fault KIND key=value …` | a rule at the gateway: `fault drop bearer=wsp first=2` |
//! | `push NAME to=… key=value …` | a submission; `to=*` means the identity itself |
//! | `quiet` | let everything run to its end |
//! | `mark` | count from here |
//! | `wait 500ms` | let time pass |
//! | `kill` | the gateway dies and comes back |
//! | `expect N EVENT key=value …` | exactly N events since the mark match; `900..1100` for a number between |
//!
//! Lines about browsers: [`browsers`](super::browsers); about watched mailboxes: [`clients`](super::clients).

use std::time::Duration;

use super::browsers::{BrowserLine, WebStep};
use super::clients::{MonitorLine, NoticeStep};
use crate::event::{Event, Filter};
use crate::fault::Spec;

/// One scenario.
#[derive(Clone, Debug)]
pub struct Script {
    /// `S2.2`.
    pub name: String,
    /// What it shows, one line.
    pub title: String,
    /// Settings of the gateway.
    pub gateway: Vec<Setting>,
    /// Settings of the message centre, a line each.
    pub smsc: Vec<Vec<Setting>>,
    /// Rules about faults at the gateway.
    pub faults: Vec<Spec>,
    /// Browsers.
    pub browsers: Vec<BrowserLine>,
    /// What the gateway watches.
    pub monitor: Option<MonitorLine>,
    /// Clients of the watched application: their devices and settings.
    pub clients: Vec<(String, Vec<Setting>)>,
    /// The devices of the identity.
    pub devices: Vec<DeviceLine>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What must be counted.
    pub expects: Vec<Expect>,
    /// The ladder as it was reviewed; empty when there is none yet.
    pub golden: String,
}

/// `key=value`.
pub type Setting = (String, String);

/// A device of the scenario.
#[derive(Clone, Debug)]
pub struct DeviceLine {
    /// `C1`.
    pub name: String,
    /// `phone`.
    pub kind: String,
    /// Its identifiers.
    pub ids: Vec<String>,
    /// Its other settings.
    pub settings: Vec<Setting>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A submission.
    Push {
        /// The push-id.
        name: String,
        /// Names of devices; empty for the identity itself.
        to: Vec<String>,
        /// Its other settings.
        settings: Vec<Setting>,
    },
    /// Everything runs to its end.
    Quiet,
    /// Counting begins here.
    Mark,
    /// Time passes.
    Wait(Duration),
    /// The gateway dies and comes back.
    Kill,
    /// Something in a browser, or for one.
    Web(WebStep),
    /// Something with a client of a watched application, or at the mail server.
    Notice(NoticeStep),
}

/// A count that must come true.
#[derive(Clone, Debug)]
pub struct Expect {
    /// How many.
    pub count: usize,
    /// How many at most, where it need not be exactly so many.
    pub most: usize,
    /// Of which events.
    pub filter: Filter,
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NotAScript {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A count that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Of which events, as written.
    pub of: String,
    /// How many should be.
    pub expected: usize,
    /// How many were.
    pub actual: usize,
}

impl Script {
    /// Reads a scenario.
    ///
    /// # Errors
    ///
    /// The first line that is none of the language.
    pub fn decode(text: &str) -> Result<Self, NotAScript> {
        let (script, golden) = text.split_once("\n----\n").unwrap_or((text, ""));
        let mut lines = script
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.trim()));
        let (name, title) = lines
            .next()
            .and_then(|(_, line)| line.split_once(' '))
            .unwrap_or_default();
        let mut read = Self {
            name: name.to_owned(),
            title: title.trim().to_owned(),
            gateway: Vec::new(),
            smsc: Vec::new(),
            faults: Vec::new(),
            browsers: Vec::new(),
            monitor: None,
            clients: Vec::new(),
            devices: Vec::new(),
            steps: Vec::new(),
            expects: Vec::new(),
            golden: golden.to_owned(),
        };
        if read.name.is_empty() {
            return Err(NotAScript {
                line: 1,
                what: "the first line is a name and a title".into(),
            });
        }
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            read.line(text).map_err(|what| NotAScript { line, what })?;
        }
        Ok(read)
    }

    /// The script without its ladder, for rewriting.
    #[must_use]
    pub fn head(text: &str) -> &str {
        text.split_once("\n----\n").map_or(text, |(head, _)| head)
    }

    /// Counts what the scenario wants counted.
    #[must_use]
    pub fn counts(&self, events: &[Event]) -> Vec<Count> {
        let lines: Vec<serde_json::Value> = events
            .iter()
            .filter_map(|event| serde_json::to_value(event).ok())
            .collect();
        self.expects
            .iter()
            .map(|expect| expect.count(&lines))
            .collect()
    }

    /// True when it can be played in the simulator only.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        !self.browsers.is_empty() || self.monitor.is_some()
    }

    fn line(&mut self, text: &str) -> Result<(), String> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "gateway" => self.gateway.extend(settings(rest)?),
            "smsc" => self.smsc.push(settings(rest)?),
            "fault" => self.faults.push(fault(rest)?),
            "trio" => self.devices.extend(trio()),
            "device" => self.device(rest)?,
            "push" => self.push(rest)?,
            "quiet" => self.steps.push(Step::Quiet),
            "mark" => self.steps.push(Step::Mark),
            "kill" => self.steps.push(Step::Kill),
            "wait" => self.steps.push(Step::Wait(millis(rest)?)),
            "expect" => self.expect(rest)?,
            "browser" => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                self.browsers.push(BrowserLine {
                    name: name.to_owned(),
                    settings: settings(rest)?,
                });
            }
            "monitor" => {
                let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                self.monitor = Some(MonitorLine {
                    kind: kind.to_owned(),
                    settings: settings(rest)?,
                });
            }
            "client" => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                self.clients.push((name.to_owned(), settings(rest)?));
            }
            _ => match (
                WebStep::decode(verb, rest)?,
                NoticeStep::decode(verb, rest)?,
            ) {
                (Some(step), _) => self.steps.push(Step::Web(step)),
                (None, Some(step)) => self.steps.push(Step::Notice(step)),
                (None, None) => return Err(format!("'{verb}' is no word of a scenario")),
            },
        }
        Ok(())
    }

    fn device(&mut self, rest: &str) -> Result<(), String> {
        let (name, rest) = rest
            .split_once(' ')
            .ok_or("a device has a name and settings")?;
        let known = self.devices.iter().position(|device| device.name == name);
        let (kind, rest) = match rest.split_once(' ') {
            Some((kind, rest)) if !kind.contains('=') => (kind, rest),
            _ if !rest.contains('=') => (rest, ""),
            _ => ("phone", rest),
        };
        let (ids, others): (Vec<_>, Vec<_>) = settings(rest)?
            .into_iter()
            .partition(|(key, _)| key == "id");
        let ids = ids.into_iter().map(|(_, id)| id);
        match known.and_then(|at| self.devices.get_mut(at)) {
            Some(device) => {
                device.ids.extend(ids);
                device.settings.extend(others);
            }
            None => self.devices.push(DeviceLine {
                name: name.to_owned(),
                kind: kind.to_owned(),
                ids: ids.collect(),
                settings: others,
            }),
        }
        Ok(())
    }

    fn push(&mut self, rest: &str) -> Result<(), String> {
        let (name, rest) = rest.split_once(' ').ok_or("a push has a name and to=")?;
        let (to, settings): (Vec<_>, Vec<_>) = settings(rest)?
            .into_iter()
            .partition(|(key, _)| key == "to");
        let (_, to) = to
            .into_iter()
            .next()
            .ok_or("to= is missing: device names, or * for the identity")?;
        let to = if to == "*" {
            Vec::new()
        } else {
            to.split(',').map(str::to_owned).collect()
        };
        if let Some(unknown) = to
            .iter()
            .find(|name| !self.devices.iter().any(|device| device.name == **name))
        {
            return Err(format!("there is no device {unknown}"));
        }
        self.steps.push(Step::Push {
            name: name.to_owned(),
            to,
            settings,
        });
        Ok(())
    }

    fn expect(&mut self, rest: &str) -> Result<(), String> {
        let (count, filter) = rest
            .split_once(' ')
            .ok_or("expect has a number and an event")?;
        let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number"));
        let (least, most) = count.split_once("..").unwrap_or((count, count));
        let (count, most) = (number(least)?, number(most)?);
        let filter = filter
            .parse::<Filter>()
            .map_err(|fault| fault.to_string())?;
        self.expects.push(Expect {
            count,
            most,
            filter,
        });
        Ok(())
    }
}

impl Expect {
    /// Counts the events of these lines. Where the number may vary, the nearest that is allowed is expected.
    fn count(&self, lines: &[serde_json::Value]) -> Count {
        let matching = lines.iter().filter(|line| self.filter.matches_json(line));
        let actual = matching.count();
        let of = match self.count == self.most {
            true => self.filter.to_string(),
            false => format!("{} ({} to {})", self.filter, self.count, self.most),
        };
        Count {
            of,
            expected: actual.clamp(self.count, self.most.max(self.count)),
            actual,
        }
    }
}

/// A rule about faults: its kind, and what it says beside.
fn fault(rest: &str) -> Result<Spec, String> {
    let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut members = serde_json::Map::new();
    members.insert("fault".to_owned(), kind.into());
    for (key, value) in settings(rest)? {
        let number = value.parse::<u64>().map(serde_json::Value::from);
        let number = number.or_else(|_| value.parse::<f64>().map(serde_json::Value::from));
        members.insert(key, number.unwrap_or_else(|_| value.into()));
    }
    serde_json::from_value(members.into()).map_err(|error| format!("no fault: {error}"))
}

/// Alice's three devices (requirements, section 0).
fn trio() -> impl Iterator<Item = DeviceLine> {
    [
        (
            "C1",
            "phone",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ),
        ("C2", "pc", "urn:gsma:imei:90420156-025763-0"),
        ("C3", "pda", "urn:dev:mac:0024befffe804ff1"),
    ]
    .into_iter()
    .map(|(name, kind, id)| DeviceLine {
        name: name.into(),
        kind: kind.into(),
        ids: vec![id.into()],
        settings: Vec::new(),
    })
}

/// `key=value` pairs; a value with blanks stands in double quotes.
pub(super) fn settings(text: &str) -> Result<Vec<Setting>, String> {
    let mut settings = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest
            .split_once('=')
            .ok_or_else(|| format!("'{rest}' is no key=value"))?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        settings.push((key.trim().to_owned(), value.to_owned()));
        rest = left.trim_start();
    }
    Ok(settings)
}

fn millis(text: &str) -> Result<Duration, String> {
    let number = |digits: &str| {
        digits
            .parse::<u64>()
            .map_err(|_| format!("'{text}' is no duration"))
    };
    match text.strip_suffix("ms") {
        Some(digits) => number(digits).map(Duration::from_millis),
        None => number(text.strip_suffix('s').ok_or("write 500ms or 5s")?).map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_line_by_line() {
        let text = "S9 a title\n\ntrio\ndevice C2 behaviour=refuse\npush p1 to=C1,C2 plan=targeted content=\"hello there\"\nquiet\nexpect 2 sir.tx push=p1\n----\nladder\n";
        let script = Script::decode(text).unwrap();
        assert_eq!(
            (
                script.name.as_str(),
                script.devices.len(),
                script.golden.as_str()
            ),
            ("S9", 3, "ladder\n")
        );
        let Step::Push { to, settings, .. } = &script.steps[0] else {
            panic!("a push")
        };
        assert_eq!(to, &["C1", "C2"]);
        assert_eq!(
            settings[1],
            ("content".to_owned(), "hello there".to_owned())
        );
        assert_eq!(script.expects[0].filter.to_string(), "sir.tx push=p1");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let fault = Script::decode("S9 t\ntrio\npush p1 to=C9\n").unwrap_err();
        assert_eq!(fault.to_string(), "line 3: there is no device C9");
        assert_eq!(Script::decode("S9 t\nfly\n").unwrap_err().line, 2);
    }
}
