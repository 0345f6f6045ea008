//! Instant notification: what is new for an account reaches the devices that its user is not looking at.
//!
//! **Source:** requirements R1.*; services.md section 7.

pub mod notice;
pub mod platform;

pub use notice::{Form, Intent, Notice};
pub use platform::Channel;
