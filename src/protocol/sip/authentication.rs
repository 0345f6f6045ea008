//! Digest authentication, both ends.
