//! What a handset decides.

pub mod applications;
pub mod behaviour;
pub mod config;
pub mod decision;
pub mod matcher;
pub mod registration;
pub mod reply;
pub mod seen;
