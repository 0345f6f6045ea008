//! The chunks of one MSRP message: the first is drawn, the others are counted beside it.

use std::collections::BTreeMap;

use super::Rung;
use crate::codec::msrp;
use crate::event::Fact;

/// The messages of a run, each with its first rung and its chunks.
#[derive(Default)]
pub(super) struct Chunks {
    /// By sender, receiver and Message-ID.
    named: BTreeMap<(String, String, String), Message>,
    /// By device: what the gateway sends where no octets are kept.
    sent: BTreeMap<String, Option<Message>>,
    complete: Vec<Message>,
}

/// One message.
#[derive(Clone, Copy)]
struct Message {
    /// The place of its first rung.
    rung: usize,
    chunks: usize,
}

impl Chunks {
    /// True when this is a chunk of a message that was begun before; `rung` is the place of the next rung.
    pub(super) fn take(&mut self, fact: &Fact, rung: usize) -> bool {
        match fact {
            Fact::PushTx { dev, .. } => {
                let last = self.sent.insert(dev.clone(), None).flatten();
                self.complete.extend(last);
                false
            }
            Fact::Wire {
                from,
                to,
                line,
                what,
                octets,
                ..
            } if line == "msrp" && what.ends_with(" SEND") => {
                let first = Message { rung, chunks: 1 };
                if octets.is_empty() {
                    // Whatever follows content that was announced, until more is announced, is more of it.
                    return match self.sent.get_mut(to) {
                        None => false,
                        Some(message) => more(message, first),
                    };
                }
                let Ok(msrp::Message::Request(request)) = msrp::Message::decode(octets) else {
                    return false;
                };
                let Some(id) = request.message_id() else {
                    return false;
                };
                let key = (from.clone(), to.clone(), id.to_owned());
                match self.named.get_mut(&key) {
                    Some(message) => {
                        message.chunks = message.chunks.saturating_add(1);
                        true
                    }
                    None => {
                        self.named.insert(key, first);
                        false
                    }
                }
            }
            _ => false,
        }
    }

    /// Writes beside each first rung how many chunks there were.
    pub(super) fn note(self, rungs: &mut [Rung]) {
        let sent = self.sent.into_values().flatten();
        for message in self.named.into_values().chain(sent).chain(self.complete) {
            if message.chunks < 2 {
                continue;
            }
            if let Some(rung) = rungs.get_mut(message.rung) {
                if !rung.note.is_empty() {
                    rung.note.push_str(", ");
                }
                rung.note.push_str(&format!("{} chunks", message.chunks));
            }
        }
    }
}

/// Counts one more chunk; false for the first.
fn more(message: &mut Option<Message>, first: Message) -> bool {
    match message {
        Some(message) => {
            message.chunks = message.chunks.saturating_add(1);
            true
        }
        None => {
            *message = Some(first);
            false
        }
    }
}
