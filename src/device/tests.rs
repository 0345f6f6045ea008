//! A whole device against a gateway made of octets.

mod asking;
mod bearers;
mod bench;
mod deciding;
mod doors;
mod fleet;
mod hostile;
mod ota_http;
mod ota_wsp;
mod registering;
mod returning;
mod sessions;
mod sleeping;
mod to_tcp;
