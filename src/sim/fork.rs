//! The SIP core between gateway and devices, as far as fan-out needs it: it forks a request for the identity to all
//! contacts and sends the best answer back (R2.67).
//!
//! Source: RFC 3261 section 16, a proxy that forks in parallel. Not here: routes, loops, registration.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use memchr::memmem;

use crate::codec::sip::Message;
use crate::machine::Machine;
use crate::time::Time;
use crate::world::{Input, Output, SocketId};

/// The one socket of the core.
const SOCKET: SocketId = SocketId(0);

/// The forking core as a node.
#[derive(Debug)]
pub struct Core {
    address: SocketAddr,
    contacts: Vec<(String, SocketAddr)>,
    forks: BTreeMap<String, Fork>,
}

#[derive(Debug)]
struct Fork {
    upstream: SocketAddr,
    open: usize,
    best: Option<(u16, Bytes)>,
    answered: bool,
}

impl Core {
    /// A core at `address` that knows these contacts (URI and address) of the identity.
    #[must_use]
    pub const fn new(address: SocketAddr, contacts: Vec<(String, SocketAddr)>) -> Self {
        Self {
            address,
            contacts,
            forks: BTreeMap::new(),
        }
    }

    fn request(&mut self, upstream: SocketAddr, message: &Message, out: &mut Vec<Output>) {
        let Ok(branch) = message
            .via()
            .map(|via| via.branch.unwrap_or_default().to_owned())
        else {
            return;
        };
        let open = self.contacts.len();
        self.forks.entry(branch.clone()).or_insert(Fork {
            upstream,
            open,
            best: None,
            answered: false,
        });
        for (number, (uri, address)) in self.contacts.iter().enumerate() {
            if let Some(octets) = self.copy(message.octets(), uri, &format!("{branch}.{number}")) {
                out.push(Output::Datagram {
                    socket: SOCKET,
                    peer: *address,
                    octets,
                });
            }
        }
    }

    /// The request with another target and the core's Via on top; repeats give the same octets.
    fn copy(&self, octets: &Bytes, uri: &str, branch: &str) -> Option<Bytes> {
        let line_end = memmem::find(octets, b"\r\n")?;
        let method_end = memchr::memchr(b' ', octets)?;
        let mut copy = Vec::with_capacity(octets.len() + 128);
        copy.extend_from_slice(octets.get(..method_end)?);
        copy.extend_from_slice(
            format!(
                " {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch}\r\n",
                self.address
            )
            .as_bytes(),
        );
        copy.extend_from_slice(octets.get(line_end + 2..)?);
        Some(copy.into())
    }

    fn response(&mut self, message: &Message, out: &mut Vec<Output>) {
        let Some(status) = message.status().filter(|status| *status >= 200) else {
            return;
        };
        let Ok(via) = message.via() else { return };
        let own = via.branch.unwrap_or_default();
        let Some(fork) = own
            .rsplit_once('.')
            .and_then(|(branch, _)| self.forks.get_mut(branch))
        else {
            return;
        };
        let Some(octets) = without_top_via(message.octets()) else {
            return;
        };
        fork.open = fork.open.saturating_sub(1);
        // A 2xx wins at once; of the others the lowest class is the best (RFC 3261 section 16.7).
        if fork.best.as_ref().is_none_or(|(best, _)| status < *best) {
            fork.best = Some((status, octets));
        }
        if fork.answered || (status >= 300 && fork.open > 0) {
            return;
        }
        if let Some((_, octets)) = &fork.best {
            fork.answered = true;
            out.push(Output::Datagram {
                socket: SOCKET,
                peer: fork.upstream,
                octets: octets.clone(),
            });
        }
    }
}

/// The message without its first Via row, which must be the first header.
fn without_top_via(octets: &Bytes) -> Option<Bytes> {
    let start_end = memmem::find(octets, b"\r\n")? + 2;
    let row_end = start_end + memmem::find(octets.get(start_end..)?, b"\r\n")? + 2;
    let row = octets.get(start_end..row_end)?;
    if !row.to_ascii_lowercase().starts_with(b"via:") {
        return None;
    }
    Some(
        [octets.get(..start_end)?, octets.get(row_end..)?]
            .concat()
            .into(),
    )
}

impl Machine for Core {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _now: Time, input: Input, out: &mut Vec<Output>) {
        let Input::Datagram { peer, octets, .. } = input else {
            return;
        };
        let Ok(message) = Message::decode(octets) else {
            return;
        };
        if message.status().is_some() {
            self.response(&message, out);
        } else {
            self.request(peer, &message, out);
        }
    }

    fn expire(&mut self, _now: Time, _out: &mut Vec<Output>) {}

    fn deadline(&self) -> Option<Time> {
        None
    }
}
