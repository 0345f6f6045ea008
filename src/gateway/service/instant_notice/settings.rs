//! What is watched for each application, and how its users are told.

use core::time::Duration;
use std::collections::BTreeMap;

use super::app_state::Running;
use super::notice::Form;
use super::target::Targets;

/// One remote application that is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Where what is new comes from.
    pub source: Source,
    /// What one piece of information is called: `mail`, `message`.
    pub noun: String,
    /// How much a notice tells, unless a user chose otherwise.
    pub form: Form,
    /// A summary names the subject beside the author.
    pub subject: bool,
    /// The words of [`Form::Template`]: `{from}`, `{subject}`, `{snippet}`, `{count}`, `{app}`, `{noun}`.
    pub template: String,
    /// What counts as running (R1.26, R1.27).
    pub running: Running,
    /// Which devices are told, unless a user chose otherwise (R1.12, R1.13).
    pub targets: Targets,
    /// A further notice to the same device waits so long, and then speaks for all of that time (R1.45).
    pub window: Duration,
    /// How often a client is to say that it runs; what is older than twice that is stale (R1.31).
    pub heartbeat: Duration,
    /// Passwords of accounts, by canonical name, where they are not asked of the source.
    pub passwords: BTreeMap<String, String>,
}

/// Where what is new comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A mailbox, over IMAP.
    Imap(Imap),
    /// The mail server itself tells (Dovecot's push notification, OX driver); the secret stands in the URL.
    Hook {
        /// What the path ends with.
        secret: String,
    },
    /// Signed requests of the application (R1.18, R1.19).
    Webhook {
        /// The key of the signature.
        secret: String,
        /// How old a request may be, and how far ahead of our clock.
        window: Duration,
    },
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imap {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// The name its certificate must be valid for; without TLS, where none is given.
    pub tls: Option<String>,
    /// The folder.
    pub folder: String,
    /// Ask for NOTIFY where the server has it, rather than IDLE.
    pub notify: bool,
    /// A user of the server that may log in for others, and its password; else each account's own.
    pub master: Option<(String, String)>,
    /// Only the part of an account's name before the `@` is its name there.
    pub local_part: bool,
}

impl Watched {
    /// An application with the usual settings.
    #[must_use]
    pub fn new(source: Source) -> Self {
        let is_mail = !matches!(source, Source::Webhook { .. });
        Self {
            source,
            noun: if is_mail { "mail" } else { "message" }.to_owned(),
            form: Form::Summary,
            subject: false,
            template: String::new(),
            running: Running::Foreground,
            targets: Targets::Last,
            window: Duration::from_secs(2),
            heartbeat: Duration::from_secs(60),
            passwords: BTreeMap::new(),
        }
    }
}
