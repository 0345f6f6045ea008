//! What the push proxy gateway decides.

pub mod profile;
pub mod push;
