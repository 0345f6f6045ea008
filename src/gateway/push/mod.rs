//! The life of a push: who gets it, how each device takes it, what its initiator is told.

pub mod plan;
