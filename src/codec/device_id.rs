//! Device identifiers.
