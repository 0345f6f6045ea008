//! The life of a push: who gets it, how each device takes it, what its initiator is told.

pub mod asked;
pub mod delivery;
pub mod ledger;
pub mod notification;
pub mod plan;
pub mod submission;
pub mod transform;
