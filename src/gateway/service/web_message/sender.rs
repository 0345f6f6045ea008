//! Who the gateway is to push services: one key, made once, and the tokens it signs.
//!
//! **Source:** RFC 8292 sections 2 to 4. Browsers bind their subscriptions to the key, so it is durable before anybody
//! hears of it.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::super::snapshot::{BadRecord, VERSION, check, json};
use super::endpoint::Origin;
use crate::codec::web_push::encryption::KeyPair;
use crate::codec::web_push::{PublicKey, of_text, to_text, vapid};
use crate::random::Random;
use crate::time::Time;
use crate::world::{Output, Record, RecordKey, RecordKind};

/// How long a token is good for; it is shown for the first half of that.
const TOKEN: Duration = Duration::from_secs(12 * 3_600);
/// Push services whose tokens are kept; with more they are signed anew.
const TOKENS: usize = 64;
/// How often chance is asked for a key: once in 2^32 it makes none.
const DRAWS: u32 = 8;

/// The gateway as an application server.
#[derive(Debug, Default)]
pub(super) struct Sender {
    keys: Option<KeyPair>,
    contact: Option<String>,
    tokens: BTreeMap<Origin, (Time, String)>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u32,
    secret: String,
}

impl Sender {
    /// One without a key yet; `contact` is how its operator is reached (`mailto:` or `https:`).
    pub(super) fn new(contact: Option<String>) -> Self {
        Self {
            contact,
            ..Self::default()
        }
    }

    /// The public half of the key, which is made when there is none.
    pub(super) fn key(&mut self, random: &mut Random, out: &mut Vec<Output>) -> Option<PublicKey> {
        if self.keys.is_none() {
            let keys = fresh(random)?;
            out.push(Output::Save(record(&keys)));
            self.keys = Some(keys);
        }
        self.keys.as_ref().map(|keys| *keys.public())
    }

    /// Takes the key back from its record.
    ///
    /// # Errors
    /// The record is not one of a key.
    pub(super) fn restore(&mut self, body: &[u8]) -> Result<(), BadRecord> {
        let body: Body = serde_json::from_slice(body)?;
        check(body.v)?;
        let secret = of_text(&body.secret).and_then(|octets| octets.try_into().ok());
        let keys = secret.and_then(|secret| KeyPair::of(&secret));
        self.keys = Some(keys.ok_or(BadRecord::Value("a key"))?);
        Ok(())
    }

    /// What proves at a push service who we are; `None` before there is a key.
    pub(super) fn authorization(&mut self, now: Time, service: &Origin) -> Option<String> {
        if let Some((until, token)) = self.tokens.get(service)
            && now < *until
        {
            return Some(token.clone());
        }
        let keys = self.keys.as_ref()?;
        let token = vapid::sign(
            keys,
            &service.to_string(),
            now + TOKEN,
            self.contact.as_deref(),
        );
        if self.tokens.len() >= TOKENS {
            self.tokens.clear();
        }
        let until = now + TOKEN / 2;
        self.tokens.insert(service.clone(), (until, token.clone()));
        Some(token)
    }
}

/// A key pair of chance.
pub(super) fn fresh(random: &mut Random) -> Option<KeyPair> {
    (0..DRAWS).find_map(|_| KeyPair::of(&random.octets()))
}

fn record(keys: &KeyPair) -> Record {
    let body = Body {
        v: VERSION,
        secret: to_text(&keys.secret()),
    };
    Record {
        key: RecordKey {
            kind: RecordKind::ServerKey,
            id: "webpush".to_owned(),
        },
        pui: None,
        live: true,
        due: None,
        body: json(&body),
    }
}
