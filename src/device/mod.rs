//! What a handset decides.
