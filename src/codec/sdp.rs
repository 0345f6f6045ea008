//! The SDP of an MSRP session.
