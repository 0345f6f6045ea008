//! What the push proxy gateway decides.

pub mod policy;
pub mod profile;
pub mod push;
