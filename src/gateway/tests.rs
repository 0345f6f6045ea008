//! The gateway driven by hand: octets in, octets and records out.

mod bearers;
mod doors;
mod edges;
mod forwarding;
mod lab;
mod paging;
mod pap_vectors;
mod paths;
mod restarts;
mod short_messages;
