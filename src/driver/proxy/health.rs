//! Whether the other end works: what changes is told in the log once, not for every request.

use std::sync::atomic::{AtomicBool, Ordering};

/// The state of one other end.
#[derive(Debug)]
pub(super) struct Health {
    what: &'static str,
    is_down: AtomicBool,
}

impl Health {
    pub(super) const fn new(what: &'static str) -> Self {
        Self {
            what,
            is_down: AtomicBool::new(false),
        }
    }

    /// It answered as it should.
    pub(super) fn works(&self) {
        if self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!("{} answers again", self.what);
        }
    }

    /// It did not.
    pub(super) fn fails(&self, why: &str) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!("{} fails: {why}", self.what);
        }
    }

    /// It did not when it was last asked.
    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }
}
