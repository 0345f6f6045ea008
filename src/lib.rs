//! sirgate: a SIP/WAP push proxy gateway.
//!
//! One public user identity stands for several devices. A push initiator submits content for the identity; devices
//! with a session get it at once, the others get a Session Initiation Request (SIR) that carries the identifier of
//! the device that is meant. A device that recognises itself opens a session and receives the content.
//!
//! The layers, top to bottom; imports only point down:
//!
//! | layer | what it is |
//! |---|---|
//! | `cli` | one file per subcommand (feature `runtime`) |
//! | `driver` | sockets, TLS, HTTP, store, event log: runs any node (feature `runtime`) |
//! | [`sim`] | gateways and devices joined in virtual time |
//! | [`gateway`], [`device`] | what the PPG decides; what a handset decides; never import each other |
//! | [`protocol`] | state machines: SIP, MSRP, WTP, WSP |
//! | [`world`], [`event`], [`ladder`] | what a node is told and asks for; what it reports |
//! | [`codec`] | octets and values |
//! | [`time`], [`random`], [`timers`], [`machine`], [`limits`] | what all use |

pub mod codec;
pub mod device;
pub mod event;
pub mod fault;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod ladder;
pub mod limits;
pub mod machine;
pub mod protocol;
pub mod random;
pub mod sim;
pub mod time;
pub mod timers;
pub mod world;

#[cfg(feature = "runtime")]
pub mod cli;
#[cfg(feature = "runtime")]
pub mod driver;
