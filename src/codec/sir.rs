//! The Session Initiation Request.
