//! Records of browser clients.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::super::snapshot::{BadRecord, VERSION, check, json};
use super::{App, Client, subscription};
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    v: u32,
    id: Cow<'a, str>,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    agent: Option<String>,
    acked: u64,
    #[serde(skip_serializing_if = "is_zero", default)]
    login: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    apps: BTreeMap<String, AppBody>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    push: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct AppBody {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    icon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    url: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    filter: String,
    cleared: u64,
    /// What an earlier version wrote was asked for from the beginning.
    #[serde(default)]
    since: u64,
    #[serde(skip_serializing_if = "core::ops::Not::not", default)]
    unasked: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(login: &u32) -> bool {
    *login == 0
}

pub(super) fn key(id: &str) -> RecordKey {
    RecordKey {
        kind: RecordKind::Client,
        id: id.to_owned(),
    }
}

pub(super) fn of(client: &Client) -> Record {
    let app = |(name, app): (&String, &App)| {
        let body = AppBody {
            title: app.title.clone(),
            icon: app.icon.clone(),
            url: app.url.clone(),
            filter: app.filter.to_string(),
            cleared: app.cleared,
            since: app.since.unwrap_or(0),
            unasked: app.since.is_none(),
        };
        (name.clone(), body)
    };
    let body = Body {
        v: VERSION,
        id: Cow::Borrowed(&client.id),
        digest: STANDARD.encode(client.digest),
        account: client.account.clone(),
        agent: client.agent.clone(),
        acked: client.acked,
        login: client.login,
        apps: client.apps.iter().map(app).collect(),
        push: client.subscription.as_ref().map(subscription::kept),
    };
    Record {
        key: key(&client.id),
        pui: client.account.clone(),
        live: true,
        due: None,
        body: json(&body),
    }
}

pub(super) fn read(now: Time, body: &[u8]) -> Result<Client, BadRecord> {
    let read: Body<'_> = serde_json::from_slice(body)?;
    check(read.v)?;
    let digest = STANDARD.decode(read.digest).ok();
    let digest = digest.and_then(|octets| octets.try_into().ok());
    let mut apps = BTreeMap::new();
    for (name, app) in read.apps {
        let filter = app.filter.parse();
        let app = App {
            title: app.title,
            icon: app.icon,
            url: app.url,
            filter: filter.map_err(|_| BadRecord::Value("a filter"))?,
            cleared: app.cleared,
            since: (!app.unasked).then_some(app.since),
        };
        apps.insert(name, app);
    }
    Ok(Client {
        id: read.id.into_owned(),
        digest: digest.ok_or(BadRecord::Value("the digest of a token"))?,
        account: read.account,
        agent: read.agent,
        apps,
        acked: read.acked,
        login: read.login,
        seen: now,
        subscription: match &read.push {
            None => None,
            Some(kept) => {
                let kept = subscription::restored(kept);
                Some(kept.ok_or(BadRecord::Value("a push subscription"))?)
            }
        },
    })
}
