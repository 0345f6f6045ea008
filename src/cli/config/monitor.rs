//! `[monitor.NAME]`: what is watched for accounts, and how their devices are told.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::de::DeValue;

use super::reader::{Source as Reader, Table};
use super::{check, secret, users};
use crate::gateway::config::Config;
use crate::gateway::registry::canonical;
use crate::gateway::service::instant_notice::app_state::Running;
use crate::gateway::service::instant_notice::{Form, Imap, Source, Targets, Watched};

/// Reads all tables; each has the name of the application.
pub fn read(config: &mut Config, root: &mut Table<'_>, source: &mut Reader, folder: &Path) {
    let Some(mut all) = root.table(source, "monitor") else {
        return;
    };
    for (name, value) in all.values() {
        let DeValue::Table(members) = value.get_ref() else {
            source.fault(
                "SG-C003",
                value.span(),
                format!("monitor.{name} is no table"),
                "write [monitor.mail]".into(),
            );
            continue;
        };
        let mut table = Table::new(&format!("monitor.{name}"), members, value.span());
        let span = value.span();
        match watched(&mut table, source, folder, &config.domain) {
            Some(_) if !is_app(&name) => source.fault(
                "SG-C004",
                span,
                format!("\"{name}\" is no name of an application"),
                "write 1 to 64 of A-Z a-z 0-9 - . _".into(),
            ),
            Some(watched) => {
                config.monitors.insert(name, watched);
            }
            None => {}
        }
        table.finish(source);
    }
}

fn is_app(name: &str) -> bool {
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}

fn watched(
    table: &mut Table<'_>,
    source: &mut Reader,
    folder: &Path,
    domain: &str,
) -> Option<Watched> {
    const KINDS: [&str; 4] = ["imap-idle", "imap-notify", "dovecot-hook", "webhook"];
    let span = table.span_of("kind");
    let kind = table.word(source, "kind", &KINDS);
    let from = match kind {
        Some("imap-idle") => imap(table, source, folder, false)?,
        Some("imap-notify") => imap(table, source, folder, true)?,
        Some("dovecot-hook") => Source::Hook {
            secret: key(table, source, folder)?,
        },
        Some("webhook") => {
            let window = table.millis(source, "window_ms");
            Source::Webhook {
                secret: key(table, source, folder)?,
                window: window.unwrap_or(Duration::from_secs(300)),
            }
        }
        _ => {
            if source.faults.is_empty() {
                let help = format!("add  kind = \"imap-idle\"; kinds: {}", KINDS.join(", "));
                source.fault("SG-C007", span, "kind is missing".into(), help);
            }
            return None;
        }
    };
    let mut watched = Watched::new(from);
    told(&mut watched, table, source);
    for (name, password) in users(table.tables(source, "users"), source, folder) {
        let name = match name.contains([':', '@']) {
            true => canonical(&name),
            false => format!("sip:{name}@{domain}"),
        };
        watched.passwords.insert(name, password);
    }
    must_know_passwords(&watched, table.span.clone(), source);
    Some(watched)
}

/// Whom to tell, how much, and when.
fn told(watched: &mut Watched, table: &mut Table<'_>, source: &mut Reader) {
    let form = table.word(source, "form", &["full", "summary", "bare", "template"]);
    watched.form = match form {
        Some("full") => Form::Full,
        Some("bare") => Form::Bare,
        Some("template") => Form::Template,
        _ => Form::Summary,
    };
    let span = table.span_of("template");
    watched.template = table.text(source, "template").unwrap_or_default();
    if (watched.form == Form::Template) == watched.template.is_empty() {
        source.fault(
            "SG-C019",
            span,
            "a template and form = \"template\" belong together".into(),
            "add  template = \"{count} new in {app}\"".into(),
        );
    }
    watched.subject = table.flag(source, "subject").unwrap_or(false);
    if let Some(noun) = table.text(source, "noun") {
        watched.noun = noun;
    }
    watched.running = match table.word(source, "running", &["foreground", "started"]) {
        Some("started") => Running::Started,
        _ => Running::Foreground,
    };
    watched.targets = match table.word(source, "targets", &["last", "all"]) {
        Some("all") => Targets::All,
        _ => Targets::Last,
    };
    if let Some(pause) = table.millis(source, "coalesce_ms") {
        watched.window = pause;
    }
    if let Some(ms) = table.number(source, "heartbeat_ms", 1_000..86_400_001) {
        watched.heartbeat = Duration::from_millis(ms);
    }
}

/// Where no mail server can be asked, passwords stand here, or nobody ever logs in.
fn must_know_passwords(watched: &Watched, span: Range<usize>, source: &mut Reader) {
    if watched.passwords.is_empty() && !matches!(watched.source, Source::Imap(_)) {
        source.warning(
            "SG-C019",
            span,
            "nobody can log in: no passwords are listed, and there is no mail server to ask".into(),
            "add a table  [[monitor.NAME.users]]  with name and password_file".into(),
        );
    }
}

fn imap(table: &mut Table<'_>, source: &mut Reader, folder: &Path, notify: bool) -> Option<Source> {
    let span = table.span_of("server");
    let form = "an address and port, as in \"127.0.0.1:143\"";
    let address: Option<SocketAddr> = table.parsed(source, "server", form);
    if address.is_none() {
        if source.faults.is_empty() {
            let help = "add  server = \"127.0.0.1:143\"".into();
            source.fault("SG-C007", span, "server is missing".into(), help);
        }
        return None;
    }
    let tls = table.checked(source, "tls_name", check::host, "mail.example.com");
    let span = table.span_of("server");
    let address = address?;
    if tls.is_none() && !address.ip().is_loopback() {
        source.warning(
            "SG-C019",
            span,
            format!("passwords go to {address} without TLS"),
            "add  tls_name = \"mail.example.com\"  and the server's TLS port".into(),
        );
    }
    let master = table.text(source, "master");
    let master_span = table.span_of("master_password_file");
    let file = table.text(source, "master_password_file");
    let master = match (master, file) {
        (Some(name), Some(file)) => Some((name, secret(source, folder, &file, master_span))),
        (None, None) => None,
        _ => {
            let help = "add the one that is missing".into();
            let what = "master and master_password_file belong together".into();
            source.fault("SG-C019", master_span, what, help);
            None
        }
    };
    Some(Source::Imap(Imap {
        address,
        tls,
        folder: table
            .text(source, "folder")
            .unwrap_or_else(|| "INBOX".into()),
        notify,
        master,
        local_part: table.flag(source, "local_part").unwrap_or(false),
    }))
}

/// The key of a hook, from a file or the environment.
fn key(table: &mut Table<'_>, source: &mut Reader, folder: &Path) -> Option<String> {
    let span = table.span_of("secret_file");
    let file = table.text(source, "secret_file");
    let env_span = table.span_of("secret_env");
    let variable = table.text(source, "secret_env");
    let found = match (file, variable) {
        (Some(file), None) => secret(source, folder, &file, span.clone()),
        (None, Some(name)) => match std::env::var(&name) {
            Ok(value) => value,
            Err(_) => {
                let help = "set it before sirgate starts".into();
                source.fault("SG-C006", env_span, format!("{name} is not set"), help);
                return None;
            }
        },
        _ => {
            let what = "the hook's key is in a file or a variable, one of both".into();
            source.fault(
                "SG-C019",
                span,
                what,
                "add  secret_file = \"hook.secret\"".into(),
            );
            return None;
        }
    };
    let is_short = found.len() < 16 || !found.is_ascii() || found.contains(['/', '?', '#', ' ']);
    if is_short && !found.is_empty() {
        source.fault(
            "SG-C004",
            span,
            "the hook's key has fewer than 16 characters, or one that has no place in a URL".into(),
            "write 32 letters and digits by chance".into(),
        );
        return None;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::Lab;

    fn gateway(text: &str) -> Config {
        Lab::decode("lab.toml", text, Path::new("."))
            .unwrap()
            .gateway
    }

    fn faults(text: &str) -> Vec<String> {
        let read = Lab::decode("lab.toml", text, Path::new("."));
        let faults = read.expect_err("faults");
        faults.iter().map(|fault| fault.message.clone()).collect()
    }

    #[test]
    fn a_monitor_is_read_with_its_server_and_forms() {
        let text = "[monitor.mail]\nkind = \"imap-notify\"\nserver = \"127.0.0.1:143\"\nform = \"bare\"\ntargets = \"all\"\nrunning = \"started\"\nheartbeat_ms = 5000\n";
        let config = gateway(text);
        let mail = &config.monitors["mail"];
        let Source::Imap(imap) = &mail.source else {
            panic!("{mail:?}");
        };
        assert!(imap.notify && imap.tls.is_none());
        assert_eq!((mail.form, &mail.targets), (Form::Bare, &Targets::All));
        assert_eq!(mail.running, Running::Started);
        assert_eq!(mail.heartbeat, Duration::from_secs(5));
    }

    #[test]
    fn what_is_wrong_with_a_monitor_is_said() {
        let said = |text: &str| faults(text).join("\n");
        assert!(
            said("[monitor.mail]\nkind = \"pop3\"\n").contains("no value for monitor.mail.kind")
        );
        assert!(said("[monitor.mail]\nkind = \"imap-idle\"\n").contains("server is missing"));
        let hook = "[monitor.mail]\nkind = \"dovecot-hook\"\n";
        assert!(said(hook).contains("the hook's key"));
        let imap = "[monitor.mail]\nkind = \"imap-idle\"\nserver = \"127.0.0.1:143\"\n";
        assert!(said(&format!("{imap}form = \"template\"\n")).contains("belong together"));
        assert!(said(&format!("{imap}pasword = 1\n")).contains("unknown key \"pasword\""));
    }
}
