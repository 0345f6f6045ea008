//! `[[wake]]`: push services that wake devices (RFC 8599).

use std::path::Path;

use super::reader::{Source, Table};
use super::{check, required, secret};
use crate::gateway::bearer::push_service::{Door, PushService};
use crate::gateway::bearer::wake::PROVIDER;
use crate::gateway::config::Config;

/// Reads all tables.
pub fn read(config: &mut Config, root: &mut Table<'_>, source: &mut Source, folder: &Path) {
    for mut table in root.tables(source, "wake") {
        let span = table.span_of("provider");
        let provider = required(&mut table, source, "provider", "provider = \"acme\"");
        let door = door(&mut table, source);
        let token_span = table.span_of("token_file");
        let token = table
            .text(source, "token_file")
            .map(|file| secret(source, folder, &file, token_span));
        if let Some(provider) = provider {
            named(config, source, &provider, span);
            if let Some(door) = door {
                config.wake.push(PushService {
                    provider,
                    door,
                    token,
                });
            }
        }
        table.finish(source);
    }
}

/// A name is a token that stands once, and is not ours.
fn named(config: &Config, source: &mut Source, provider: &str, span: std::ops::Range<usize>) {
    let is_token = !provider.is_empty()
        && provider
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-.!%*_+~".contains(&octet));
    let is_same = |other: &str| other.eq_ignore_ascii_case(provider);
    if !is_token || is_same(PROVIDER) {
        source.fault(
            "SG-C004",
            span,
            format!("\"{provider}\" is no name of a push service"),
            format!("write letters, digits, - and . as in \"acme\"; \"{PROVIDER}\" is our own"),
        );
    } else if config.wake.iter().any(|other| is_same(&other.provider)) {
        source.fault(
            "SG-C013",
            span,
            format!("the push service {provider} stands in the file twice"),
            "give each a name of its own".into(),
        );
    }
}

fn door(table: &mut Table<'_>, source: &mut Source) -> Option<Door> {
    let spans = ["url", "resource"].map(|key| table.span_of(key));
    let faults = source.faults.len();
    let url = table.checked(source, "url", check::http_url, "http://127.0.0.1:9000/wake");
    let example = "https://push.example.com/";
    let resource = table.checked(source, "resource", start_of_resources, example);
    if source.faults.len() > faults {
        return None;
    }
    match (url, resource) {
        (Some(url), None) => Some(Door::Url(url)),
        (None, Some(start)) => Some(Door::Resource(start)),
        (url, _) => {
            let [_, second] = spans;
            let (span, what) = match url {
                Some(_) => (second, "a push service has a url or a resource, not both"),
                None => (table.span.clone(), "a push service is asked nowhere"),
            };
            source.fault(
                "SG-C019",
                span,
                what.into(),
                "write  url = \"http://127.0.0.1:9000/wake\"  or  resource = \"https://push.example.com/\""
                    .into(),
            );
            None
        }
    }
}

/// Without a path, another host could begin the same.
fn start_of_resources(text: &str) -> Result<(), String> {
    check::http_url(text)?;
    if text.ends_with('/') {
        Ok(())
    } else {
        Err("it does not end with /".into())
    }
}
