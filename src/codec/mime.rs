//! Media types and multipart bodies.
