//! What the push proxy gateway decides.
