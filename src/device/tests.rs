//! A whole device against a gateway made of octets.

mod asking;
mod bench;
mod deciding;
mod fleet;
mod hostile;
mod registering;
mod returning;
mod sessions;
