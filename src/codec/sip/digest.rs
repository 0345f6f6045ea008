//! Digest access authentication.
