//! `[proxy]`: a site behind us, with unread messages on its responses.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::reader::{Source, Table};
use super::{check, secret};
use crate::driver::proxy::{Bounds, Forwarded, Host, Origin};

/// What the table says.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The site.
    pub upstream: Option<Origin>,
    /// The gateway.
    pub gateway: Option<Origin>,
    /// Where clients come.
    pub listen: SocketAddr,
    /// Which host the site is told.
    pub host: Host,
    /// Whether it is told of the client.
    pub forwarded: Forwarded,
    /// How much longer than the site the gateway may take.
    pub patience: Duration,
    /// Below which path modules of pages are answered.
    pub snippet: Option<String>,
    /// Where figures are shown.
    pub figures: Option<SocketAddr>,
    /// Name and password of an initiator.
    pub user: Option<(String, String)>,
    /// Bounds and times.
    pub bounds: Bounds,
    /// How long the gateway may take for an answer.
    pub gateway_timeout: Duration,
    /// How long it is left alone after a failure.
    pub gateway_rest: Duration,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            upstream: None,
            gateway: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            host: Host::default(),
            forwarded: Forwarded::default(),
            patience: Duration::from_millis(20),
            snippet: None,
            figures: None,
            user: None,
            bounds: Bounds::default(),
            gateway_timeout: Duration::from_secs(2),
            gateway_rest: Duration::from_secs(1),
        }
    }
}

/// Reads the table.
pub fn read(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Proxy {
    let mut proxy = Proxy::default();
    let example = "http://127.0.0.1:3000";
    for (key, slot) in [
        ("upstream", &mut proxy.upstream),
        ("gateway", &mut proxy.gateway),
    ] {
        let text = table.checked(source, key, |text| origin(text).map(drop), example);
        *slot = text.and_then(|text| origin(&text).ok());
    }
    let form = "an address and a port, as in 127.0.0.1:8080";
    if let Some(listen) = table.parsed(source, "listen", form) {
        proxy.listen = listen;
    }
    proxy.figures = table.parsed(source, "figures", form);
    if table.word(source, "host", &["keep", "upstream"]) == Some("upstream") {
        proxy.host = Host::Upstream;
    }
    proxy.forwarded = match table.word(source, "forwarded", &["none", "x-forwarded", "forwarded"]) {
        Some("x-forwarded") => Forwarded::XForwarded,
        Some("forwarded") => Forwarded::Standard,
        _ => Forwarded::Untold,
    };
    proxy.snippet = table.checked(source, "snippet", snippet, "/sirgate/");
    let connections = table.number(source, "connections", 1..1_000_001);
    if let Some(connections) = connections.and_then(|it| usize::try_from(it).ok()) {
        proxy.bounds.connections = connections;
    }
    times(&mut proxy, table, source);
    proxy.user = user(table, source, folder);
    proxy
}

fn times(proxy: &mut Proxy, table: &mut Table<'_>, source: &mut Source) {
    let bounds = &mut proxy.bounds;
    for (key, slot) in [
        ("patience_ms", &mut proxy.patience),
        ("client_timeout_ms", &mut bounds.client),
        ("head_timeout_ms", &mut bounds.head),
        ("silence_timeout_ms", &mut bounds.silence),
        ("tunnel_timeout_ms", &mut bounds.tunnel),
        ("keep_ms", &mut bounds.keep),
        ("gateway_timeout_ms", &mut proxy.gateway_timeout),
        ("gateway_rest_ms", &mut proxy.gateway_rest),
    ] {
        if let Some(time) = table.millis(source, key) {
            *slot = time;
        }
    }
}

fn user(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Option<(String, String)> {
    let span = table.span_of("password_file");
    let place = table.span_of("user");
    let user = table.text(source, "user");
    let file = table.text(source, "password_file");
    match (user, file) {
        (Some(user), Some(file)) => {
            let password = secret(source, folder, &file, span);
            Some((user, password))
        }
        (None, None) => None,
        _ => {
            source.fault(
                "SG-C005",
                place,
                "a user without password, or a password of nobody".into(),
                "give both user and password_file, or neither".into(),
            );
            None
        }
    }
}

/// Scheme, host and port of a site or a gateway.
///
/// # Errors
///
/// What is wrong, in a sentence without a full stop.
pub fn origin(text: &str) -> Result<Origin, String> {
    check::http_url(text)?;
    text.parse()
        .map_err(|why: crate::driver::proxy::BadOrigin| why.to_string())
}

/// A path that ends with a slash.
///
/// # Errors
///
/// What is wrong.
pub fn snippet(text: &str) -> Result<(), String> {
    let is_path = text.len() > 1 && text.starts_with('/') && text.ends_with('/');
    match is_path
        && text
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && octet != b'?')
    {
        true => Ok(()),
        false => Err("it is no path that begins and ends with a slash".into()),
    }
}
