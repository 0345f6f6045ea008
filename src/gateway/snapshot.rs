//! Records and state: what the gateway must know again after a restart, as versioned JSON; pushes, of which there are many
//! a second, in octets.
//!
//! A record of a later version than ours is refused, not guessed at. Devices go by name in records, because their
//! places are a matter of memory.

use serde::{Deserialize, Serialize};

use crate::gateway::binding_text;
use crate::gateway::push::notification::Owed;
use crate::protocol::sip::registrar::Binding;
use crate::world::{Record, RecordKey, RecordKind};

mod group;
mod identity;
mod push;

pub use identity::{identity, read_identity};
#[cfg(test)]
pub(super) use push::shown;
pub use push::{push, read_push};

/// The version of every body written here.
pub(super) const VERSION: u32 = 1;

/// Why a record is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// It is no JSON of this kind.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It is not what its first octet says.
    #[error("{0}")]
    Octets(#[from] postcard::Error),
    /// A later version wrote it.
    #[error("version {0} of the record is not known here")]
    Version(u32),
    /// A value in it is outside its domain.
    #[error("{0} in the record is outside its domain")]
    Value(&'static str),
    /// The registry has no room for what it names.
    #[error("the registry is full")]
    Full,
}

#[derive(Serialize, Deserialize)]
struct OwedBody {
    v: u32,
    owed: Owed,
}

#[derive(Deserialize)]
struct BindingBody {
    v: u32,
    binding: Binding,
}

/// The record of an owed result: live until the initiator answered or it was given up.
#[must_use]
pub fn owed(owed: &Owed, live: bool) -> Record {
    Record {
        key: owed_key(owed),
        pui: None,
        live,
        due: None,
        body: json(&OwedBody {
            v: VERSION,
            owed: owed.clone(),
        }),
    }
}

/// The name of the record of an owed result.
#[must_use]
pub fn owed_key(owed: &Owed) -> RecordKey {
    RecordKey {
        kind: RecordKind::Owed,
        id: owed.key(),
    }
}

/// The owed result of a record.
///
/// # Errors
/// When the record is not one of ours.
pub fn read_owed(body: &[u8]) -> Result<Owed, BadRecord> {
    let read: OwedBody = serde_json::from_slice(body)?;
    check(read.v)?;
    Ok(read.owed)
}

/// The record of a binding.
#[must_use]
pub fn binding(binding: &Binding) -> Record {
    Record {
        key: binding_key(binding),
        pui: Some(binding.aor.clone()),
        live: true,
        due: Some(binding.expires_at),
        body: binding_text::written(VERSION, binding),
    }
}

/// The name of the record of a binding.
#[must_use]
pub fn binding_key(binding: &Binding) -> RecordKey {
    RecordKey {
        kind: RecordKind::Binding,
        id: binding.id(),
    }
}

/// The binding of a record.
///
/// # Errors
/// When the record is not one of ours.
pub fn read_binding(body: &[u8]) -> Result<Binding, BadRecord> {
    let read: BindingBody = serde_json::from_slice(body)?;
    check(read.v)?;
    Ok(read.binding)
}

pub(super) const fn check(version: u32) -> Result<(), BadRecord> {
    if version > VERSION {
        return Err(BadRecord::Version(version));
    }
    Ok(())
}

/// Our bodies hold only strings as keys and no failing serialisers, so writing them cannot fail.
pub(super) fn json<T: Serialize>(body: &T) -> Vec<u8> {
    let mut octets = Vec::with_capacity(1_024);
    match serde_json::to_writer(&mut octets, body) {
        Ok(()) => octets,
        Err(_) => Vec::new(),
    }
}
