//! The SIP push session, both ends.
