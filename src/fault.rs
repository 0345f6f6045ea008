//! Faults on purpose: rules that delay, lose, damage and answer what goes in and out of a node, at the boundary of
//! `world`.
//!
//! A [`Rule`] is a kind, a selector, a schedule and a lifetime. The set of them decides from a message, an instant and
//! a seed; [`Faulty`] wraps any node and does what was decided, so that the driver and the simulator run the same rules
//! and know nothing of them. A rule that can never hit changes no octet and no delay.
//!
//! What counts as one message: a datagram, an HTTP exchange's half, a PDU of SMPP, and on links of SIP and MSRP what is
//! written or read at once.

mod act;
pub mod answer;
pub mod damage;
pub mod door;
pub mod faulty;
pub mod known;
mod lanes;
pub mod preset;
pub mod rule;
pub mod rules;
pub mod selector;
pub mod sight;
pub mod spec;
mod stream;

#[cfg(test)]
mod tests;

pub use faulty::Faulty;
pub use known::{Acquainted, Asker, Place, Who};
pub use rule::Rule;
pub use rules::Rules;
pub use spec::{Spec, WrongSpec};
