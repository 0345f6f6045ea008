//! Clients of a watched application in scenarios, the mailbox that is watched, and what happens with both.
//!
//! | line | meaning |
//! |---|---|
//! | `monitor KIND key=value …` | the gateway watches alice's mailbox: `imap`, `notify` or `hook`; `form=bare` how much is told, `targets=all`, `running=started`, `subject=yes`, `old=5` mails that are there before, `passwords=listed` the gateway knows the password |
//! | `client DEVICE platform=sip` | a device has the mail's client |
//! | `register DEVICE`, `login DEVICE`, `logout DEVICE` | what its user does; `login DEVICE password=…` with another password |
//! | `foreground DEVICE`, `background DEVICE`, `stopped DEVICE` | what its client does |
//! | `tap DEVICE` | its user taps the latest notice |
//! | `mail from=… subject=… text=…` | a mail is delivered |
//! | `hangup` | the mail server breaks all connections |

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::cast::{HOST, PUI, Places};
use super::mail_server::{Delivery, Happening, MailServer};
use super::script::{Script, Setting, Step};
use super::stage::QUIET;
use super::{NodeId, Simulation};
use crate::device::notice_board::{Config as Client, Deed};
use crate::gateway::service::instant_notice::settings::Watched;
use crate::gateway::service::instant_notice::{Imap, Source, Targets};
use crate::time::Time;
use crate::world::{ListenerId, Transport};

/// Alice's password at the mail server.
const PASSWORD: &str = "wonderland";
/// What the hook's path ends with.
const SECRET: &str = "hook";
/// The application.
const APP: &str = "mail";

/// How the gateway watches.
#[derive(Clone, Debug)]
pub struct MonitorLine {
    /// `imap`, `notify` or `hook`.
    pub kind: String,
    /// The rest.
    pub settings: Vec<Setting>,
}

/// What happens with clients and mails.
#[derive(Clone, Debug)]
pub enum NoticeStep {
    /// A user does something with the client of a device.
    Does {
        /// The device.
        device: String,
        /// What.
        deed: Deed,
    },
    /// Something happens at the mail server.
    Server(Happening),
}

impl NoticeStep {
    /// The step of a line; `None` when the verb is another's.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn decode(verb: &str, rest: &str) -> Result<Option<Self>, String> {
        let (device, rest) = match verb {
            "mail" | "hangup" => ("", rest),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let settings = super::script::settings(rest);
        let deed = match verb {
            "register" => Deed::Register,
            "login" => Deed::Login(value(&settings?, "password").map(str::to_owned)),
            "logout" => Deed::Logout,
            "foreground" => Deed::Shows("foreground"),
            "background" => Deed::Shows("background"),
            "stopped" => Deed::Shows("stopped"),
            "tap" => Deed::Tap,
            "hangup" => return Ok(Some(Self::Server(Happening::HangUp))),
            "mail" => {
                let settings = settings?;
                let text = |name: &str| value(&settings, name).unwrap_or_default().to_owned();
                let mail = Delivery {
                    from: text("from"),
                    subject: text("subject"),
                    text: text("text"),
                };
                return Ok(Some(Self::Server(Happening::Mail(mail))));
            }
            _ => return Ok(None),
        };
        if device.is_empty() {
            return Err(format!("{verb} whom?"));
        }
        let device = device.to_owned();
        Ok(Some(Self::Does { device, deed }))
    }
}

fn value<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
    let (_, value) = settings.iter().find(|(key, _)| key == name)?;
    Some(value)
}

/// What the gateway of a script watches.
///
/// # Errors
/// A setting that is none.
pub fn monitors(script: &Script, places: &Places) -> Result<BTreeMap<String, Watched>, String> {
    let Some(line) = &script.monitor else {
        return Ok(BTreeMap::new());
    };
    let source = match line.kind.as_str() {
        "imap" | "notify" => Source::Imap(Imap {
            address: mail_place(places),
            tls: None,
            folder: "INBOX".to_owned(),
            notify: line.kind == "notify",
            master: None,
            local_part: true,
        }),
        "hook" => Source::Hook {
            secret: SECRET.to_owned(),
        },
        other => return Err(format!("'{other}' is no monitor: imap, notify or hook")),
    };
    let mut watched = Watched::new(source);
    let is_listed = value(&line.settings, "passwords") == Some("listed");
    if line.kind == "hook" || is_listed {
        watched
            .passwords
            .insert(PUI.to_owned(), PASSWORD.to_owned());
    }
    for (key, value) in &line.settings {
        match (key.as_str(), value.as_str()) {
            ("form", word) => {
                let word = serde_json::Value::from(word);
                watched.form = serde_json::from_value(word).map_err(|_| "form= is none")?;
            }
            ("targets", "all") => watched.targets = Targets::All,
            ("targets", "last") | ("passwords", "listed") | ("old", _) => {}
            ("running", "started") => {
                watched.running =
                    crate::gateway::service::instant_notice::app_state::Running::Started;
            }
            ("subject", "yes") => watched.subject = true,
            _ => return Err(format!("a monitor has no {key}={value}")),
        }
    }
    Ok(BTreeMap::from([(APP.to_owned(), watched)]))
}

fn mail_place(places: &Places) -> SocketAddr {
    SocketAddr::new(places.core.ip(), 143)
}

/// The client of a device of a script that begins at an instant.
#[must_use]
pub fn client(script: &Script, device: &str, start: Time) -> Option<Client> {
    let (_, settings) = script.clients.iter().find(|(name, _)| name == device)?;
    let own = steps(script, start).into_iter();
    let deeds = own.filter_map(|(at, step)| match step {
        NoticeStep::Does { device: of, deed } if of == device => Some((at, deed)),
        _ => None,
    });
    Some(Client {
        base: format!("http://{HOST}/api/v1"),
        app: APP.to_owned(),
        account: (PUI.to_owned(), PASSWORD.to_owned()),
        platform: value(settings, "platform").unwrap_or("sip").to_owned(),
        token: value(settings, "token").map(str::to_owned),
        deeds: deeds.collect(),
    })
}

/// Brings the mail server of a script in.
///
/// # Errors
/// A setting that is none.
pub fn enter(
    simulation: &mut Simulation,
    script: &Script,
    places: &Places,
    gateway: NodeId,
) -> Result<(), String> {
    let Some(line) = &script.monitor else {
        return Ok(());
    };
    let start = simulation.now();
    let happenings = steps(script, start).into_iter();
    let happenings = happenings.filter_map(|(at, step)| match step {
        NoticeStep::Server(happening) => Some((at, happening)),
        NoticeStep::Does { .. } => None,
    });
    let old = value(&line.settings, "old").map_or(Ok(0), str::parse::<usize>);
    let old = old.map_err(|_| "old= is a number")?;
    let hook = format!("http://{HOST}/api/v1/hooks/{APP}/{SECRET}");
    let hook = (line.kind == "hook").then_some(hook);
    let server = MailServer::new(PASSWORD, hook, old, happenings.collect());
    let at = mail_place(places);
    let node = simulation.enter(Box::new(server), at);
    let network = &mut simulation.network;
    network.listen(node, ListenerId(0), Transport::Tcp, at);
    simulation.route_http(node, &format!("http://{HOST}/"), gateway);
    Ok(())
}

/// What happens, each at its instant.
fn steps(script: &Script, start: Time) -> Vec<(Time, NoticeStep)> {
    let mut steps = Vec::new();
    let mut at = start;
    for step in &script.steps {
        match step {
            Step::Notice(step) => steps.push((at, step.clone())),
            Step::Wait(duration) => at = at + *duration,
            Step::Quiet => at = at + QUIET,
            Step::Push { .. } | Step::Mark | Step::Kill | Step::Web(_) => {}
        }
    }
    steps
}
