//! The gateway driven by hand: octets in, octets and records out.

mod bearers;
mod centre;
mod conformance_pap;
mod conformance_ppg;
mod conformance_versions;
mod doors;
mod edges;
mod events;
mod forwarding;
mod initiator;
mod lab;
mod ota_http;
mod ota_wsp;
mod paging;
mod pap_vectors;
mod paths;
mod previewing;
mod records;
mod restarts;
mod short_messages;
mod taking_back;
mod to_tcp;
mod to_tcp_names;
mod ussd;
mod waking;
mod web;
