//! `[push_service]`: being the push service of browsers (RFC 8030).

use core::time::Duration;

use super::check;
use super::reader::{Source, Table};
use crate::gateway::config::Config;
use crate::gateway::service::push_service;

/// Reads the table; where it stands, the service is on.
pub fn read(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let origin = table.checked(source, "origin", origin, "https://push.example.com");
    // Without one it is that of the listener, which is known when it is bound.
    let mut service = push_service::Config::at(&origin.unwrap_or_default());
    let longest = u64::from(u32::MAX);
    if let Some(seconds) = table.number(source, "ttl_max_s", 0..longest) {
        service.ttl_max = Duration::from_secs(seconds);
    }
    for (key, most, slot) in [
        ("redeliveries", 1_000, &mut service.redeliveries),
        ("burst", 1_000_000, &mut service.burst),
    ] {
        let number = table.number(source, key, 0..most);
        if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
            *slot = number;
        }
    }
    if let Some(pause) = table.millis(source, "pause_ms") {
        service.pause = pause;
    }
    config.push_service = Some(service);
}

/// Scheme, host and port, and nothing behind them.
fn origin(text: &str) -> Result<(), String> {
    check::http_url(text)?;
    let place = text.split_once("://").map_or("", |(_, place)| place);
    if place.contains(['/', '?', '#']) {
        return Err("it does not end with its host or port".into());
    }
    Ok(())
}
