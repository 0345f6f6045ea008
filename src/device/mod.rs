//! What a handset decides.

pub mod applications;
pub mod behaviour;
pub mod decision;
pub mod matcher;
