//! The configuration file: one strict TOML file, every fault reported in one run, each with its place.
//!
//! `example.toml` beside this file is the reference; a test reads it back as the defaults.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::cli::fault::{Exit, Fault};
use crate::codec::device_id::DeviceId;
use crate::driver::identity::Identity;
use crate::gateway::config::{Authentication, Config as Gateway};
use crate::gateway::profile::Addresses;
use crate::world::Transport;

pub mod check;
pub mod faults;
pub mod gateway;
pub mod identity;
pub mod login;
pub mod monitor;
pub mod piggyback;
pub mod proxy;
pub mod push_service;
pub mod reader;
pub mod vendor_push;
pub mod waking;
pub mod webapp;

use reader::{Source, Table};

pub use faults::Faults;
pub use identity::DeviceEntry;

/// The commented example with every key.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Everything a file says.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The gateway, without its sockets.
    pub gateway: Gateway,
    /// Addresses to listen at.
    pub listen: Listen,
    /// The database; `None` keeps nothing.
    pub store: Option<PathBuf>,
    /// What is reported where.
    pub observe: Observe,
    /// Where every push is handed on to, instead of being planned here.
    pub devices: Vec<DeviceEntry>,
    /// Faults on purpose.
    pub faults: Faults,
    /// How users of web pages prove who they are.
    pub login: Identity,
    /// How unread messages ride along on responses to them.
    pub piggyback: Option<piggyback::Piggyback>,
    /// The proxy before a site.
    pub proxy: proxy::Proxy,
    /// What is allowed and hardly meant.
    pub warnings: Vec<Fault>,
}

/// Addresses to listen at.
#[derive(Clone, Debug)]
pub struct Listen {
    /// PAP and API.
    pub http: SocketAddr,
    /// The same over TLS, where it is wanted.
    pub https: Option<SocketAddr>,
    /// Certificates that those of clients of HTTP over TLS lead to.
    pub tls_clients: Option<PathBuf>,
    /// SIP.
    pub sip: Vec<(Transport, SocketAddr)>,
    /// MSRP.
    pub msrp: SocketAddr,
    /// WSP over datagrams, where it is wanted.
    pub wsp: Option<SocketAddr>,
    /// WSP sessions, where they are wanted.
    pub wsp_session: Option<SocketAddr>,
    /// Push over HTTP, by us on connections that terminals open, where it is wanted.
    pub ota_http: Option<SocketAddr>,
    /// The same over TLS.
    pub ota_https: Option<SocketAddr>,
    /// Certificates that those of servers lead to that we connect to in TLS.
    pub tls_trust: Option<PathBuf>,
    /// Servers on loopback are believed without that.
    pub tls_trust_loopback: bool,
    /// Connections of HTTP at a time.
    pub http_connections: usize,
    /// Certificate and key of TLS; made at start when absent.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// What is reported where.
#[derive(Clone, Debug)]
pub struct Observe {
    /// The level of the log.
    pub log: &'static str,
    /// A file for events; `-` is standard output.
    pub events: Option<String>,
    /// Events kept for the API.
    pub ring: usize,
}

impl Lab {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// All faults of the file, in its order.
    pub fn load(path: &Path) -> Result<Self, Vec<Fault>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![Fault::new(
                "SG-C001",
                Exit::Usage,
                format!("{} cannot be read: {error}", path.display()),
                "name a file that exists, or write one: sirgate config example > lab.toml",
            )]
        })?;
        Self::decode(
            &path.to_string_lossy(),
            &text,
            path.parent().unwrap_or_else(|| Path::new(".")),
        )
    }

    /// Reads a text; files named in it are looked for in `folder`.
    ///
    /// # Errors
    ///
    /// All faults of the text, in its order.
    pub fn decode(file: &str, text: &str, folder: &Path) -> Result<Self, Vec<Fault>> {
        let mut source = Source::new(file, text);
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                source.fault(
                    "SG-C001",
                    span,
                    format!("this is no TOML: {}", error.message()),
                    "mend the line".into(),
                );
                return Err(source.faults);
            }
        };
        let mut root = Table::new("the file", table.get_ref(), table.span());
        let lab = Self::read(&mut root, &mut source, folder);
        root.finish(&mut source);
        if source.faults.is_empty() {
            let warnings = source.warnings;
            Ok(Self { warnings, ..lab })
        } else {
            source
                .faults
                .sort_by_key(|fault| fault.place.as_ref().map_or(0, |place| place.span.start));
            Err(source.faults)
        }
    }

    /// Where the gateway reaches a device that did not register.
    #[must_use]
    pub fn addresses(&self, device: &DeviceEntry) -> Option<&Addresses> {
        let mut identities = self.gateway.identities.iter();
        let identity = identities.find(|identity| identity.pui == device.pui)?;
        let mut devices = identity.devices.iter();
        let known = devices.find(|known| known.name == device.name)?;
        Some(&known.profile.addresses)
    }

    /// Tells on standard error what is allowed and hardly meant.
    pub fn warn(&self) {
        self.warnings
            .iter()
            .for_each(|warning| eprintln!("{warning}"));
    }

    fn read(root: &mut Table<'_>, source: &mut Source, folder: &Path) -> Self {
        let mut gateway = Gateway {
            report_wire: true,
            sia: true,
            ..Gateway::default()
        };
        if let Some(mut table) = root.table(source, "gateway") {
            gateway::read(&mut gateway, &mut table, source);
            table.finish(source);
        }
        let listen = section(root, source, "listen", |table, source| {
            Listen::read(table, source, folder)
        });
        if let Some(mut table) = root.table(source, "policy") {
            gateway::policy(&mut gateway, &mut table, source, folder);
            table.finish(source);
        }
        if let Some(mut table) = root.table(source, "registration") {
            gateway::registration(&mut gateway, &mut table, source, folder);
            table.finish(source);
        }
        waking::read(&mut gateway, root, source, folder);
        vendor_push::read(&mut gateway, root, source, folder);
        sides(&mut gateway, root, source, folder);
        let store = store(root, source, folder);
        let observe = section(root, source, "observe", |table, source| {
            gateway.report_wire = table.flag(source, "wire").unwrap_or(true);
            Observe::read(table, source)
        });
        let served = identity::served(
            &gateway,
            listen.as_ref().is_some_and(|listen| listen.wsp.is_some()),
        );
        let devices = identity::read(&mut gateway, served, root, source);
        let (login, piggyback) = guests(&mut gateway, root, source, folder);
        let proxy = section(root, source, "proxy", |table, source| {
            proxy::read(table, source, folder)
        });
        let faults = section(root, source, "faults", Faults::read);
        Self {
            warnings: Vec::new(),
            login,
            piggyback,
            faults: faults.unwrap_or_default(),
            proxy: proxy.unwrap_or_default(),
            gateway,
            listen: listen.unwrap_or_default(),
            store,
            observe: observe.unwrap_or_default(),
            devices,
        }
    }
}

/// Reads a table, if it is there, to its end: what it has besides is a mistake.
fn section<T>(
    root: &mut Table<'_>,
    source: &mut Source,
    name: &'static str,
    read: impl FnOnce(&mut Table<'_>, &mut Source) -> T,
) -> Option<T> {
    let mut table = root.table(source, name)?;
    let said = read(&mut table, source);
    table.finish(source);
    Some(said)
}

/// What stands beside the gateway: message centre, terminals, services for browsers.
fn sides(gateway: &mut Gateway, root: &mut Table<'_>, source: &mut Source, folder: &Path) {
    if let Some(mut table) = root.table(source, "smsc") {
        gateway::smsc(gateway, &mut table, source, folder);
        table.finish(source);
    }
    if let Some(mut table) = root.table(source, "ota_http") {
        gateway::ota_http(gateway, &mut table, source, folder);
        table.finish(source);
    }
    if let Some(mut table) = root.table(source, "webapp") {
        webapp::read(gateway, &mut table, source);
        table.finish(source);
    }
    monitor::read(gateway, root, source, folder);
    if let Some(mut table) = root.table(source, "push_service") {
        push_service::read(gateway, &mut table, source);
        table.finish(source);
    }
}

/// How users of web pages prove who they are, and what rides along on responses to them.
fn guests(
    gateway: &mut Gateway,
    root: &mut Table<'_>,
    source: &mut Source,
    folder: &Path,
) -> (Identity, Option<piggyback::Piggyback>) {
    let login = section(root, source, "login", |table, source| {
        login::read(gateway, table, source, folder)
    })
    .unwrap_or_default();
    let piggyback = section(root, source, "piggyback", |table, source| {
        piggyback::read(table, source, login.is_some())
    });
    (login, piggyback)
}

/// Where records are kept; `None` when they are not.
fn store(root: &mut Table<'_>, source: &mut Source, folder: &Path) -> Option<PathBuf> {
    let Some(mut table) = root.table(source, "store") else {
        return Some(folder.join("sirgate.db"));
    };
    let kind = table.word(source, "kind", &["sqlite", "none"]);
    let is_sqlite = kind.is_none_or(|kind| kind == "sqlite");
    let path = table.text(source, "path");
    table.finish(source);
    is_sqlite.then(|| folder.join(path.unwrap_or_else(|| "sirgate.db".into())))
}

impl Default for Listen {
    fn default() -> Self {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            http: at(8642),
            https: None,
            tls_clients: None,
            sip: vec![(Transport::Udp, at(5060)), (Transport::Tcp, at(5060))],
            msrp: at(2855),
            wsp: None,
            wsp_session: None,
            ota_http: None,
            ota_https: None,
            tls_trust: None,
            tls_trust_loopback: false,
            http_connections: crate::limits::HTTP_CONNECTIONS,
            tls: None,
        }
    }
}

impl Listen {
    fn read(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Self {
        let mut listen = Self::default();
        let form = "an address and a port, as in 127.0.0.1:8642";
        let (http_span, msrp_span) = (table.span_of("http"), table.span_of("msrp"));
        let mut sip_spans = vec![table.span_of("sip"); listen.sip.len()];
        if let Some(http) = table.parsed(source, "http", form) {
            listen.http = http;
        }
        if let Some(msrp) = table.parsed(source, "msrp", form) {
            listen.msrp = msrp;
        }
        listen.wsp = table.parsed(source, "wsp", form);
        listen.wsp_session = table.parsed(source, "wsp_session", form);
        listen.ota_http = table.parsed(source, "ota_http", form);
        listen.ota_https = table.parsed(source, "ota_https", form);
        listen.https = table.parsed(source, "https", form);
        let clients = table.text(source, "tls_clients");
        listen.tls_clients = clients.map(|file| folder.join(file));
        let roots = table.text(source, "tls_trust");
        listen.tls_trust = roots.map(|file| folder.join(file));
        let is_trusted = table.flag(source, "tls_trust_loopback");
        listen.tls_trust_loopback = is_trusted.unwrap_or_default();
        let connections = table.number(source, "http_connections", 1..1_000_001);
        if let Some(connections) = connections.and_then(|it| usize::try_from(it).ok()) {
            listen.http_connections = connections;
        }
        if let Some(places) = table.texts(source, "sip") {
            (listen.sip, sip_spans) = places
                .into_iter()
                .filter_map(|(text, span)| Some((place(source, &text, span.clone())?, span)))
                .unzip();
        }
        listen.check(source, http_span, sip_spans, msrp_span);
        let certificate = table
            .text(source, "tls_certificate")
            .map(|file| folder.join(file));
        let key = table.text(source, "tls_key").map(|file| folder.join(file));
        match (certificate, key) {
            (Some(certificate), Some(key)) => listen.tls = Some((certificate, key)),
            (None, None) => {}
            _ => source.fault(
                "SG-C005",
                table.span.clone(),
                "a certificate without its key, or a key without its certificate".into(),
                "give both tls_certificate and tls_key, or neither".into(),
            ),
        }
        listen
    }
}

impl Listen {
    /// What cannot listen at the same port.
    fn check(
        &self,
        source: &mut Source,
        http: Range<usize>,
        sip: Vec<Range<usize>>,
        msrp: Range<usize>,
    ) {
        let sip = self.sip.iter().zip(sip).map(|((transport, at), span)| {
            let name = format!("sip {}:", transport.name().to_lowercase());
            (*transport, (name, *at, span))
        });
        let (datagrams, streams): (Vec<_>, Vec<_>) =
            sip.partition(|(transport, _)| *transport == Transport::Udp);
        let of = |list: Vec<(Transport, _)>| list.into_iter().map(|(_, place)| place);
        let mut all = vec![("http".to_owned(), self.http, http)];
        all.extend(of(streams));
        all.push(("msrp".to_owned(), self.msrp, msrp));
        check::places(source, &all);
        check::places(source, &of(datagrams).collect::<Vec<_>>());
    }
}

impl Default for Observe {
    fn default() -> Self {
        Self {
            log: "info",
            events: None,
            ring: 10_000,
        }
    }
}

impl Observe {
    fn read(table: &mut Table<'_>, source: &mut Source) -> Self {
        let usual = Self::default();
        Self {
            log: table
                .word(source, "log", &["error", "warn", "info", "debug", "trace"])
                .unwrap_or(usual.log),
            events: table.text(source, "events"),
            ring: table
                .number(source, "ring", 1..10_000_001)
                .and_then(|ring| usize::try_from(ring).ok())
                .unwrap_or(usual.ring),
        }
    }
}

/// Reads `udp:127.0.0.1:5060`.
fn place(source: &mut Source, text: &str, span: Range<usize>) -> Option<(Transport, SocketAddr)> {
    let read = text.split_once(':').and_then(|(transport, address)| {
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            _ => return None,
        };
        Some((transport, address.parse().ok()?))
    });
    if read.is_none() {
        source.fault(
            "SG-C004",
            span,
            format!("\"{text}\" is no transport and address"),
            "write udp:, tcp: or tls: and an address, as in udp:127.0.0.1:5060".into(),
        );
    }
    read
}

/// The first line of a secret's file.
fn secret(source: &mut Source, folder: &Path, file: &str, span: Range<usize>) -> String {
    match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => text.lines().next().unwrap_or_default().to_owned(),
        Err(error) => {
            source.fault(
                "SG-C006",
                span,
                format!("{file} cannot be read: {error}"),
                "write the password into that file, on one line".into(),
            );
            String::new()
        }
    }
}

/// Name and password of each table of a list.
fn users(tables: Vec<Table<'_>>, source: &mut Source, folder: &Path) -> Vec<(String, String)> {
    let mut users = Vec::new();
    for mut table in tables {
        let name = required(&mut table, source, "name", "name = \"alice\"");
        let span = table.span_of("password_file");
        let file = required(
            &mut table,
            source,
            "password_file",
            "password_file = \"alice.secret\"",
        );
        if let (Some(name), Some(file)) = (name, file) {
            users.push((name, secret(source, folder, &file, span)));
        }
        table.finish(source);
    }
    users
}

/// A text that must be there.
fn required(
    table: &mut Table<'_>,
    source: &mut Source,
    key: &'static str,
    example: &str,
) -> Option<String> {
    let faults = source.faults.len();
    let text = table.text(source, key);
    if text.is_none() && source.faults.len() == faults {
        source.fault(
            "SG-C007",
            table.span.clone(),
            format!("{key} is missing"),
            format!("add  {example}"),
        );
    }
    text
}

/// A device identifier.
fn device_id(source: &mut Source, text: &str, span: Range<usize>) -> Option<DeviceId> {
    match DeviceId::decode(text) {
        Ok(id) => Some(id),
        Err(error) => {
            source.fault(
                "SG-C008",
                span,
                format!("\"{text}\" is no device identifier"),
                error.to_string(),
            );
            None
        }
    }
}

/// Digest credentials from the registration table.
fn authentication(realm: String, users: Vec<(String, String)>) -> Authentication {
    Authentication { realm, users }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Lab::decode("lab.toml", text, Path::new("."))
            .expect_err("faults")
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.message))
            .collect()
    }

    #[test]
    fn the_example_is_read_without_a_fault_and_says_the_defaults() {
        let lab = Lab::decode("example.toml", EXAMPLE, Path::new(".")).unwrap();
        let bare = Lab::decode("empty.toml", "", Path::new(".")).unwrap();
        assert_eq!(lab.devices.len(), 3);
        assert_eq!(format!("{:?}", lab.listen), format!("{:?}", bare.listen));
        let without_identities = Gateway {
            identities: Vec::new(),
            ..lab.gateway
        };
        assert_eq!(
            format!("{without_identities:?}"),
            format!("{:?}", bare.gateway)
        );
    }

    #[test]
    fn an_initiator_has_a_proof_and_terms_of_its_own() {
        let text = "[listen]\nhttps = \"127.0.0.1:8643\"\ntls_clients = \"pi.pem\"\n\
            [[policy.initiator]]\nname = \"bank\"\ncertificate = \"bank.example\"\n\
            pushes_per_minute = 60\ncontent_octets_max = 4096\npushes_open_max = 3\n\
            applications = [\"x-mine:app\"]\naccounts = true\n";
        let lab = Lab::decode("lab.toml", text, Path::new(".")).unwrap();
        let policy = &lab.gateway.policy;
        assert_eq!(policy.certified("bank.example"), Some("bank"));
        let terms = &policy.terms["bank"];
        assert_eq!(
            (terms.open_max, terms.content_octets_max),
            (Some(3), Some(4096))
        );
        assert_eq!(terms.applications, ["x-mine:app"]);
        assert!(terms.accounts && terms.sees_accounts());
        assert_eq!(policy.per_minute("bank"), Some(60));
        assert!(lab.listen.https.is_some() && lab.listen.tls_clients.is_some());
        let bare = faults("[[policy.initiator]]\nname = \"bank\"\n");
        assert_eq!(bare, ["SG-C007 password_file is missing"]);
    }

    /// Keys of the example that go with files, or in place of others; they have tests of their own.
    const OF_FILES: &[&str] = &[
        "password_file",
        "# name =",
        "policy.initiator",
        "registration.user",
        // Keys of an initiator, which has a test of its own.
        "token_file",
        "certificate = \"shop",
        "pushes_per_minute = 60 ",
        "content_octets_max = 4096",
        "pushes_open_max",
        "applications =",
        "accounts = true",
        // Users of web pages have tests of their own, with files.
        "key_files",
        "algorithm = ",
        "issuer = ",
        "audience = ",
        "claim = ",
        "leeway_ms",
        "login.token",
        "login.user",
        "account = \"sip",
        // So have push services of vendors.
        "endpoint = ",
        "AuthKey",
        "key_id = ",
        "team = ",
        "topic = ",
        "service_account = ",
        "user = \"site",
        // In place of url.
        "resource = ",
        // Of a mail server's own user, and of another kind of monitor.
        "# master",
        "# window_ms",
    ];
    /// Tables of the example that are commented out.
    const TABLES: &[&str] = &[
        "[[fleet",
        "[[wake",
        "[push_service",
        "[login]",
        "[proxy]",
        "[login.proxy]",
        "[piggyback]",
        "[monitor",
        "[faults]",
        "[[faults",
        "[behaviour.",
        "[smsc]",
    ];

    #[test]
    fn every_key_of_the_example_that_is_commented_out_is_known_too() {
        let text: String = EXAMPLE
            .lines()
            .filter(|line| {
                let secret = OF_FILES;
                !secret.iter().any(|word| line.contains(word))
            })
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest.contains(" = ")
                        || TABLES.iter().any(|table| rest.starts_with(table)) =>
                {
                    format!("{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        if let Err(faults) = Lab::decode("all.toml", &text, Path::new(".")) {
            panic!(
                "{}",
                faults
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            );
        }
    }

    #[test]
    fn all_faults_come_in_one_run_in_the_order_of_the_file() {
        let text = "[gateway]\nplam = \"auto\"\nretries = \"three\"\n[listen]\nsip = [\"tpc:127.0.0.1:5060\"]\n[[identity]]\n";
        let expected = [
            "SG-C002 unknown key \"plam\" in [gateway]",
            "SG-C003 gateway.retries has the wrong type",
            "SG-C004 \"tpc:127.0.0.1:5060\" is no transport and address",
            "SG-C007 pui is missing",
        ];
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn a_misspelt_key_is_offered_the_right_one() {
        let faults =
            Lab::decode("lab.toml", "[gateway]\nplam = \"auto\"\n", Path::new(".")).unwrap_err();
        assert!(
            faults[0].to_string().contains("did you mean \"plan\"?"),
            "{}",
            faults[0]
        );
    }

    #[test]
    fn a_text_that_is_no_toml_is_refused_with_its_line() {
        let faults = Lab::decode("lab.toml", "[gateway\n", Path::new(".")).unwrap_err();
        assert!(
            faults[0].to_string().contains("lab.toml:1:"),
            "{}",
            faults[0]
        );
    }

    #[test]
    fn two_devices_of_one_name_or_identifier_are_refused() {
        let text = "[gateway]\nfork = \"core\"\n[[identity]]\npui = \"sip:a@example.com\"\n\
            [[identity.device]]\nname = \"C1\"\nid = [\"esn:80A1B2C3\"]\n\
            [[identity.device]]\nname = \"C1\"\nid = [\"esn:80A1B2C3\"]\n";
        let codes: Vec<String> = faults(text)
            .iter()
            .map(|fault| fault[..7].to_owned())
            .collect();
        assert_eq!(codes, ["SG-C015", "SG-C013", "SG-C014"]);
    }

    #[test]
    fn push_services_are_asked_at_a_url_or_at_each_device_s_resource() {
        let text = "[gateway]\npresence_watchers = [\"sip:Desk@EXAMPLE.com\"]\nunsolicited_summaries = true\n\
            [[wake]]\nprovider = \"acme\"\nurl = \"http://127.0.0.1:9000/wake\"\n\
            [[wake]]\nprovider = \"web\"\nresource = \"https://push.example.com/\"\n";
        let gateway = Lab::decode("lab.toml", text, Path::new("."))
            .unwrap()
            .gateway;
        let names: Vec<&str> = gateway.wake.iter().map(|it| it.provider.as_str()).collect();
        assert_eq!(names, ["acme", "web"]);
        assert_eq!(gateway.presence_watchers, ["sip:Desk@example.com"]);
        assert!(gateway.unsolicited_summaries);
    }

    #[test]
    fn a_push_service_that_cannot_be_asked_is_refused() {
        let wake = |rows: &str| faults(&format!("[[wake]]\n{rows}"));
        let url = "url = \"http://127.0.0.1:9000/\"\n";
        assert_eq!(wake(url), ["SG-C007 provider is missing"]);
        let none = wake("provider = \"acme\"\n");
        assert_eq!(none, ["SG-C019 a push service is asked nowhere"]);
        let both = format!("provider = \"acme\"\n{url}resource = \"https://push.example.com/\"\n");
        assert!(wake(&both)[0].starts_with("SG-C019 "));
        let open = "provider = \"acme\"\nresource = \"https://push.example.com\"\n";
        assert!(wake(open)[0].starts_with("SG-C004 "));
        let own = format!("provider = \"sirgate\"\n{url}");
        assert!(wake(&own)[0].starts_with("SG-C004 "));
        let twice = format!("provider = \"a\"\n{url}[[wake]]\nprovider = \"A\"\n{url}");
        assert!(wake(&twice)[0].starts_with("SG-C013 "));
    }

    #[test]
    fn a_relay_without_a_place_for_its_results_is_refused() {
        for key in ["relay", "relay_notify"] {
            let text = format!("[gateway]\n{key} = \"http://127.0.0.1:8652/pap\"\n");
            let faults = faults(&text);
            assert_eq!(faults.len(), 1);
            assert!(faults[0].starts_with("SG-C016 "), "{faults:?}");
        }
    }
}
