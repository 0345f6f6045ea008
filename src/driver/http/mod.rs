//! HTTP: requests to the node and to the driver, and the requests the node makes.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::world::{HttpResponse, RequestId};

mod api;
pub(super) mod client;
mod drawing;
mod guard;
pub mod identity;
mod message;
mod query;
mod reply;
pub(super) mod riding;
pub(super) mod server;
mod socket;
mod two;
mod user;
mod web;
mod web_stream;

pub(super) use client::Connector;
pub(super) use reply::{PROBLEM, problem_text};
pub(super) use web::module;

/// What a waiting connection gets.
pub(super) type Answer = HttpResponse;

/// Requests the node has not answered yet.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    next: u64,
    /// Look for askers that went away when so many wait.
    sweep_at: usize,
}

/// Requests that may wait before those whose askers went away are looked for.
const SWEEP_AT: usize = 256;

impl Requests {
    /// Gives a request its number; `None` when nobody waits for its answer any more.
    pub(super) fn wait(&mut self, answer: oneshot::Sender<Answer>) -> Option<RequestId> {
        if answer.is_closed() {
            return None;
        }
        let id = RequestId(self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(id, answer);
        if self.waiting.len() > self.sweep_at {
            self.waiting.retain(|_, answer| !answer.is_closed());
            self.sweep_at = self.waiting.len().saturating_mul(2).max(SWEEP_AT);
        }
        Some(id)
    }

    /// Answers a request; nothing happens when its asker went away.
    pub(super) fn respond(&mut self, id: RequestId, response: HttpResponse) {
        if let Some(answer) = self.waiting.remove(&id) {
            let _ = answer.send(response);
        }
    }

    /// True when nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.values().all(oneshot::Sender::is_closed)
    }
}
