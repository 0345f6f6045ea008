//! The push service of Apple: what a provider asks it for, who it is, and what the service answers.
//!
//! **Source:** Apple's documentation of User Notifications: «Sending notification requests to APNs» (path, headers,
//! bounds), «Generating a remote notification» (the payload), «Establishing a token-based connection to APNs» (the
//! provider's token) and «Handling notification responses from APNs» (status, reasons). It is spoken over HTTP/2 alone.
//! Not here: certificates of providers, and broadcast channels.

pub mod answer;
pub mod payload;
pub mod provider;
pub mod request;

/// Octets of a payload.
pub const PAYLOAD_OCTETS: usize = 4_096;
/// Octets of the payload of a call.
pub const VOIP_PAYLOAD_OCTETS: usize = 5_120;
/// Octets of an identifier under which notifications replace each other.
pub const COLLAPSE_OCTETS: usize = 64;
