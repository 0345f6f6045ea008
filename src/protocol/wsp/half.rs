//! What both halves of sessions do with their transactions.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::protocol::wtp::{Endpoint, Event, Key, Out};
use crate::time::Time;

/// A server or a client over its transactions.
pub(super) trait Half {
    /// What it tells its user.
    type Out;

    /// Its transactions, and what they told and nobody took yet.
    fn transactions(&mut self) -> (&mut Endpoint, &mut Vec<Out>);

    /// Handles what a transaction tells, which may make transactions tell more.
    fn take(&mut self, now: Time, key: Key, event: Event, out: &mut Vec<Self::Out>);

    /// Has a datagram sent.
    fn datagram(peer: SocketAddr, octets: Bytes) -> Self::Out;

    /// Takes what the transactions tell until they tell no more, then sends what has gathered.
    fn settle(&mut self, now: Time, out: &mut Vec<Self::Out>) {
        loop {
            let (transactions, told) = self.transactions();
            if told.is_empty() {
                transactions.flush(told);
            }
            let told = core::mem::take(told);
            if told.is_empty() {
                return;
            }
            for it in told {
                match it {
                    Out::Event { key, event } => self.take(now, key, event, out),
                    Out::Datagram { peer, octets } => out.push(Self::datagram(peer, octets)),
                }
            }
        }
    }
}
