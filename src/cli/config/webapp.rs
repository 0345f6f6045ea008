//! The table about messages for web applications.

use core::time::Duration;

use super::{Source, Table};
use crate::gateway::config::Config;
use crate::gateway::service::web_message::ReadScope;

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
}
