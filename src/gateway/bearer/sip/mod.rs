//! A SIR as a SIP MESSAGE, and what its answer means.

mod reading;
mod wrap;

pub use reading::{Answer, Form, Reading, read, refusal};
pub use wrap::{Envelope, Way};
