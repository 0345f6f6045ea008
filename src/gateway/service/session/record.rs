//! Records of sessions: whose it is, until when, and the digest of its token.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::super::super::snapshot::{BadRecord, VERSION, check, json};
use super::{Digest, Session};
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    v: u32,
    digest: Cow<'a, str>,
    account: Cow<'a, str>,
    expires: u64,
}

pub(super) fn key(digest: &Digest) -> RecordKey {
    RecordKey {
        kind: RecordKind::Login,
        id: URL_SAFE_NO_PAD.encode(digest),
    }
}

pub(super) fn of(digest: &Digest, session: &Session) -> Record {
    let key = key(digest);
    let body = Body {
        v: VERSION,
        digest: Cow::Borrowed(&key.id),
        account: Cow::Borrowed(&session.account),
        expires: session.expires.micros(),
    };
    let body = json(&body);
    Record {
        key,
        pui: Some(session.account.clone()),
        live: true,
        due: None,
        body,
    }
}

pub(super) fn read(body: &[u8]) -> Result<(Digest, Session), BadRecord> {
    let read: Body<'_> = serde_json::from_slice(body)?;
    check(read.v)?;
    let digest = URL_SAFE_NO_PAD.decode(read.digest.as_bytes()).ok();
    let digest = digest.and_then(|octets| octets.try_into().ok());
    let session = Session {
        account: read.account.into_owned(),
        expires: Time::from_micros(read.expires),
    };
    Ok((
        digest.ok_or(BadRecord::Value("the digest of a token"))?,
        session,
    ))
}
