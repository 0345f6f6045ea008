//! SIP and other URIs.
