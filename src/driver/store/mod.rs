//! Where records live: what every store promises, and the thread that owns one.

use std::path::PathBuf;

use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

pub(super) mod keeper;
pub mod sqlite;

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record is new, or replaces the one of its name.
    Save(Record),
    /// The record is dropped; it need not be there.
    Forget(RecordKey),
}

impl Change {
    /// The record it is about.
    #[must_use]
    pub const fn key(&self) -> &RecordKey {
        match self {
            Self::Save(record) => &record.key,
            Self::Forget(key) => key,
        }
    }
}

/// What is looked for among the records, live or ended; all conditions hold at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this kind.
    pub kind: Option<RecordKind>,
    /// Only the record of this id.
    pub id: Option<String>,
    /// Only this public user identity.
    pub pui: Option<String>,
    /// Only live ones, or only ended ones.
    pub live: Option<bool>,
    /// At most so many, the latest first: of ended ones those that are due last; 0 stands for 100.
    pub limit: usize,
}

/// How a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Live records.
    pub live: u64,
    /// Ended records that are kept.
    pub ended: u64,
    /// Octets on disk.
    pub octets: u64,
    /// Octets of the log that are not yet in the main file.
    pub log_octets: u64,
}

/// Keeps records.
///
/// A store is called from one thread only, the one that owns it; its calls block.
pub trait Store: Send + core::fmt::Debug {
    /// All live records, in the order in which they were first saved.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load(&mut self) -> Result<Vec<Record>, StoreError>;

    /// Makes all the changes in one transaction; when this returns they are on the disk, or none of them is.
    ///
    /// # Errors
    /// When nothing was stored.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// The records that a query wants, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn history(&mut self, query: &Query) -> Result<Vec<Record>, StoreError>;

    /// Drops ended records that were due before `before`; how many.
    ///
    /// # Errors
    /// When nothing was dropped.
    fn prune(&mut self, before: Time) -> Result<u64, StoreError>;

    /// How the store is.
    ///
    /// # Errors
    /// When it cannot be read.
    fn health(&mut self) -> Result<Health, StoreError>;
}

/// Why a store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or the room the store may take, is full.
    #[error("{path}: no room left for records")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote the file.
    #[error(
        "{path} was written by a newer sirgate (format {found}, this one knows {known}); \
         use that version, or another file"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file is no store of ours.
    #[error("{path} is no sirgate store: {why}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file is damaged.
    #[error(
        "{path} is damaged ({why}); restore a copy of it, or move it away to start with an empty store"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another process holds the file.
    #[error("{path} is in use by another process")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened, read or written.
    #[error("{path}: {why}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}
