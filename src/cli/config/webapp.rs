//! The table about messages for web applications.

use core::time::Duration;

use super::{Source, Table};
use crate::gateway::config::Config;
use crate::gateway::service::web_message::{Allowed, ReadScope};

/// Reads `[webapp]`.
pub fn read(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let settings = &mut config.webapp;
    for (key, slot) in [
        ("interval_ms", &mut settings.interval),
        ("long_poll_ms", &mut settings.long_poll),
    ] {
        // Clients are told whole seconds.
        if let Some(ms) = table.number(source, key, 1_000..86_400_001) {
            *slot = Duration::from_millis(ms);
        }
    }
    let jitter = table.number(source, "jitter", 0..101);
    if let Some(jitter) = jitter.and_then(|percent| u8::try_from(percent).ok()) {
        settings.jitter = jitter;
    }
    settings.read_scope = match table.word(source, "read_scope", &["client", "account"]) {
        Some("account") => ReadScope::Account,
        _ => ReadScope::Client,
    };
    settings.trust_body = table.flag(source, "trust_body");
    push_services(config, table, source);
}

/// Which push services of browsers may be called, and how they reach our operator.
fn push_services(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let listed = |text: &str| text.parse::<Allowed>().map(|_| ());
    let example = "https://push.example.com";
    if let Some(texts) = table.all_checked(source, "push_endpoints", listed, example) {
        let places = texts.iter().filter_map(|text| text.parse().ok());
        config.push_endpoints = places.collect();
    }
    let contact = table.checked(source, "push_contact", contact, "mailto:ops@example.com");
    config.push_contact = contact;
}

/// A way to reach somebody that a token may hold (RFC 8292 section 2.1).
fn contact(text: &str) -> Result<(), String> {
    let is_one = text.starts_with("mailto:") || text.starts_with("https://");
    match is_one && text.len() <= 256 && text.bytes().all(|octet| octet.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("it does not begin with mailto: or https://".into()),
    }
}
