//! The driver over real sockets on loopback, around a node that does what its inputs say.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

mod client;
mod console;
mod events;
mod http;
mod http2;
mod identity;
mod node;
mod piggyback;
mod proxy;
mod records;
mod riding;
mod site;
#[path = "../socket_client/mod.rs"]
mod socket_client;
mod sockets;
mod web;
mod websockets;
