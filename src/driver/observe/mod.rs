//! What can be seen of a running node: its events, its log, its figures.

mod journal;
pub mod log;
mod metrics;
pub mod redact;
mod ring;

pub use journal::{Journal, JournalSettings};
pub(super) use metrics::{Counters, write_metrics};
pub use ring::{Entry, Page, Ring};
