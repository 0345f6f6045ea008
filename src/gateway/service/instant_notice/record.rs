//! Records of the service: registrations, what users chose, how far mailboxes were read, and notices that can be opened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::super::snapshot::{BadRecord, VERSION, check, json};
use super::coalescing::Place;
use super::cursor::Cursor;
use super::openings::Opening;
use super::registrations::{Login, Preference, Registration};
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

/// What a record holds.
#[derive(Debug)]
pub(super) enum Kept {
    Registration(Registration),
    Preference {
        account: String,
        app: String,
        preference: Preference,
    },
    Cursor {
        account: String,
        app: String,
        cursor: Cursor,
    },
    Opening(Opening),
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u32,
    account: String,
    app: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Registration {
        id: String,
        device: String,
        platform: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        token: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        login: Option<LoginBody>,
    },
    Preference(Preference),
    Cursor(Cursor),
    Opening {
        device: String,
        seq: u64,
        digest: String,
        opened: bool,
        until: Time,
    },
}

#[derive(Serialize, Deserialize)]
struct LoginBody {
    at: Time,
    digest: String,
}

impl LoginBody {
    fn login(self) -> Result<Login, BadRecord> {
        let digest = octets(&self.digest)?;
        Ok(Login {
            at: self.at,
            digest,
        })
    }
}

fn named(id: String) -> RecordKey {
    RecordKey {
        kind: RecordKind::Notice,
        id,
    }
}

/// The name of the record of a registration.
pub(super) fn key(place: &Place) -> RecordKey {
    let Place {
        account,
        app,
        device,
    } = place;
    named(format!("registration {account} {app} {device}"))
}

/// The name of the record of a notice that can be opened.
pub(super) fn opening_key(opening: &Opening) -> RecordKey {
    named(format!("opening {}", STANDARD.encode(opening.digest)))
}

fn record(key: RecordKey, (account, app): (&str, &str), due: Option<Time>, what: What) -> Record {
    let body = Body {
        v: VERSION,
        account: account.to_owned(),
        app: app.to_owned(),
        what,
    };
    Record {
        key,
        pui: Some(account.to_owned()),
        live: true,
        due,
        body: json(&body),
    }
}

pub(super) fn registration(of: &Registration) -> Record {
    let login = of.login.map(|login| LoginBody {
        at: login.at,
        digest: STANDARD.encode(login.digest),
    });
    let what = What::Registration {
        id: of.id.clone(),
        device: of.place.device.clone(),
        platform: of.platform.clone(),
        token: of.token.clone(),
        login,
    };
    record(
        key(&of.place),
        (&of.place.account, &of.place.app),
        None,
        what,
    )
}

pub(super) fn preference(account: &str, app: &str, preference: &Preference) -> Record {
    let what = What::Preference(preference.clone());
    let key = named(format!("preference {account} {app}"));
    record(key, (account, app), None, what)
}

pub(super) fn cursor(account: &str, app: &str, cursor: Cursor) -> Record {
    let key = named(format!("cursor {account} {app}"));
    record(key, (account, app), None, What::Cursor(cursor))
}

pub(super) fn opening(of: &Opening) -> Record {
    let what = What::Opening {
        device: of.place.device.clone(),
        seq: of.seq,
        digest: STANDARD.encode(of.digest),
        opened: of.is_opened,
        until: of.until,
    };
    let place = (of.place.account.as_str(), of.place.app.as_str());
    record(opening_key(of), place, Some(of.until), what)
}

pub(super) fn read(body: &[u8]) -> Result<Kept, BadRecord> {
    let Body {
        v,
        account,
        app,
        what,
    } = serde_json::from_slice(body)?;
    check(v)?;
    Ok(match what {
        What::Registration {
            id,
            device,
            platform,
            token,
            login,
        } => {
            let login = login.map(LoginBody::login).transpose()?;
            Kept::Registration(Registration {
                id,
                place: Place {
                    account,
                    app,
                    device,
                },
                platform,
                token,
                login,
                heartbeat: None,
            })
        }
        What::Preference(preference) => Kept::Preference {
            account,
            app,
            preference,
        },
        What::Cursor(cursor) => Kept::Cursor {
            account,
            app,
            cursor,
        },
        What::Opening {
            device,
            seq,
            digest,
            opened,
            until,
        } => Kept::Opening(Opening {
            digest: octets(&digest)?,
            place: Place {
                account,
                app,
                device,
            },
            seq,
            is_opened: opened,
            until,
        }),
    })
}

fn octets(text: &str) -> Result<[u8; 32], BadRecord> {
    let octets = STANDARD.decode(text).ok();
    let octets = octets.and_then(|octets| octets.try_into().ok());
    octets.ok_or(BadRecord::Value("the digest of a token"))
}
