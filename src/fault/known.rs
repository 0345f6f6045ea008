//! Who is at the other end of a message, and which push it is of, as far as that can be known.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use super::faulty::Faulty;
use super::sight::{Direction, Line, Sight, mentioned};
use super::stream::Pdus;
use crate::event::Fact;
use crate::ladder::SMSC;
use crate::limits::FAULT_COUNTS;
use crate::machine::Machine;
use crate::world::{Input, LinkId, Output, SocketId};

/// A node that knows who is at the other end.
pub trait Acquainted {
    /// Whose device is there.
    fn who(&self, _place: &Place<'_>) -> Option<Who> {
        None
    }

    /// Who shows these credentials.
    fn asker(&self, _authorization: Option<&str>) -> Asker {
        Asker::Anyone
    }
}

/// Who wants to look at rules or change them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Nobody has a name here.
    Anyone,
    /// An initiator that proved its name.
    Named(String),
    /// Somebody who proved none where initiators have names.
    Unknown,
}

/// The other end of a message.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A peer of a datagram socket.
    Peer(SocketId, SocketAddr),
    /// A link.
    Link(LinkId),
    /// The URL of a request.
    Url(&'a str),
    /// A telephone number.
    Number(&'a str),
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its name.
    pub device: String,
    /// Its identity.
    pub pui: String,
}

/// A link of the node.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    /// SMPP, from its first octets on, each way.
    pub(super) pdus: BTreeMap<Direction, Pdus>,
    is_smpp: Option<bool>,
    /// A rule broke it, or the node closed it: nothing more is told of it.
    pub(super) is_cut: bool,
}

impl<N> Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    pub(super) fn acquaint(&self, sight: &mut Sight<'_>, place: &Place<'_>) {
        if let Some(who) = self.node.who(place) {
            sight.device = Some(who.device);
            sight.pui = Some(who.pui);
        }
        if sight.push.is_none() && sight.line != Line::Smpp {
            let (sir, push) = mentioned(sight.octets);
            let known = sir.map(|sir| self.pushes.get(&sir).cloned().unwrap_or(sir));
            sight.push = push.or(known);
        }
    }

    /// What the node reports beside its outputs says which push they are of.
    pub(super) fn hints(&mut self, outputs: &[Output]) -> Vec<Hint> {
        let mut hints = Vec::new();
        for output in outputs {
            let Output::Report(event) = output else {
                continue;
            };
            match &event.fact {
                Fact::SirTx {
                    push,
                    sir: Some(sir),
                    ..
                } => {
                    bound(&mut self.pushes);
                    self.pushes.insert(sir.clone(), push.clone());
                }
                Fact::Wire {
                    to,
                    push: Some(push),
                    octets,
                    ..
                } if !octets.is_empty() => hints.push(Hint {
                    octets: octets.clone(),
                    push: push.clone(),
                    // The message centre is no device.
                    device: (to != SMSC).then(|| to.clone()),
                }),
                _ => {}
            }
        }
        hints
    }
}

impl Link {
    pub(super) const fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            pdus: BTreeMap::new(),
            is_smpp: None,
            is_cut: false,
        }
    }

    /// Whether SMPP is spoken: the length of a PDU begins with a zero, and no text does.
    pub(super) fn is_smpp(&mut self, octets: &[u8]) -> bool {
        *self
            .is_smpp
            .get_or_insert_with(|| octets.first() == Some(&0))
    }
}

/// Octets of a push, as the node reported them.
pub(super) struct Hint {
    octets: Bytes,
    push: String,
    device: Option<String>,
}

pub(super) fn hint(sight: &mut Sight<'_>, hints: &[Hint]) {
    let is_it = |hint: &&Hint| match sight.line {
        Line::Smpp => memchr::memmem::find(sight.octets, &hint.octets).is_some(),
        _ => core::ptr::eq(sight.octets.as_ptr(), hint.octets.as_ptr()),
    };
    if let Some(hint) = hints.iter().find(is_it) {
        sight.push = Some(hint.push.clone());
        sight.device = sight.device.take().or_else(|| hint.device.clone());
    }
}

/// Keeps a table at its size: the lowest key gives way.
pub(super) fn bound<K: Ord, V>(table: &mut BTreeMap<K, V>) {
    if table.len() >= FAULT_COUNTS {
        table.pop_first();
    }
}
