//! `[apns]` and `[fcm]`: push services of vendors, and who we are to them.

use std::path::Path;

use super::reader::{Source, Table};
use super::{check, required};
use crate::codec::apns::provider::Provider;
use crate::codec::fcm::account::ServiceAccount;
use crate::codec::jwt::key::Key;
use crate::gateway::bearer::apns::Apns;
use crate::gateway::bearer::fcm::Fcm;
use crate::gateway::config::Config;

const APNS: &str = "https://api.push.apple.com";
const FCM: &str = "https://fcm.googleapis.com";

/// Reads both tables.
pub fn read(config: &mut Config, root: &mut Table<'_>, source: &mut Source, folder: &Path) {
    if let Some(mut table) = root.table(source, "apns") {
        config.apns = apns(&mut table, source, folder);
        table.finish(source);
    }
    if let Some(mut table) = root.table(source, "fcm") {
        config.fcm = fcm(&mut table, source, folder);
        table.finish(source);
    }
}

fn apns(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Option<Apns> {
    let endpoint = table.checked(source, "endpoint", check::http_url, APNS);
    let topic = required(table, source, "topic", "topic = \"com.example.mail\"");
    let key_id = required(table, source, "key_id", "key_id = \"ABC123DEFG\"");
    let team = required(table, source, "team", "team = \"TEAM567890\"");
    let key = file(table, source, folder, "key", |text| {
        Key::of_pem(text).map_err(|fault| fault.to_string())
    })?;
    let span = table.span_of("key");
    let provider = Provider::new(key, &key_id?, &team?);
    if provider.is_none() {
        source.fault(
            "SG-C004",
            span,
            "the provider's key is not one of P-256".to_owned(),
            "name the file AuthKey_....p8, or one that sirgate sim apns --key-out wrote".into(),
        );
    }
    Some(Apns {
        endpoint: endpoint.unwrap_or_else(|| APNS.to_owned()),
        topic: topic?,
        provider: provider?,
    })
}

fn fcm(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Option<Fcm> {
    let endpoint = table.checked(source, "endpoint", check::http_url, FCM);
    let example = "https://oauth2.googleapis.com/token";
    let token_endpoint = table.checked(source, "token_endpoint", check::http_url, example);
    let mut account = file(table, source, folder, "service_account", |text| {
        ServiceAccount::of_text(text).map_err(|fault| fault.to_string())
    })?;
    if let Some(url) = token_endpoint {
        account.token_uri = url;
    }
    Some(Fcm::new(
        endpoint.unwrap_or_else(|| FCM.to_owned()),
        account,
    ))
}

/// What the file says that a key names.
fn file<T>(
    table: &mut Table<'_>,
    source: &mut Source,
    folder: &Path,
    name: &'static str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let span = table.span_of(name);
    let path = required(table, source, name, &format!("{name} = \"FILE\""))?;
    let text = std::fs::read_to_string(folder.join(&path)).map_err(|error| error.to_string());
    match text.and_then(|text| read(&text)) {
        Ok(value) => Some(value),
        Err(why) => {
            source.fault(
                "SG-C006",
                span,
                format!("{path} cannot be used: {why}"),
                "name the file as the service's maker handed it out".into(),
            );
            None
        }
    }
}
