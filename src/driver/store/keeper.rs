//! The thread that owns the store: takes transactions, gives back what came of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc as blocking;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Change, Health, Store, StoreError};
use crate::driver::clock::{self, Clock};

/// How often a store that has nothing to do is asked for its health and freed of ended records.
const IDLE: Duration = Duration::from_secs(10);

/// What the rest of the driver sees of the store.
#[derive(Debug, Default)]
pub(in crate::driver) struct Gauge {
    /// Set while commits fail.
    pub(in crate::driver) failing: AtomicBool,
    /// Transactions that landed.
    pub(in crate::driver) commits: AtomicU64,
    /// Transactions that failed.
    pub(in crate::driver) failures: AtomicU64,
    /// Changes in transactions that landed.
    pub(in crate::driver) changes: AtomicU64,
    /// Microseconds spent in commits.
    pub(in crate::driver) micros: AtomicU64,
    /// The figures of the last health check.
    pub(in crate::driver) live: AtomicU64,
    /// Octets on disk at the last health check.
    pub(in crate::driver) octets: AtomicU64,
}

/// What came of one transaction.
#[derive(Debug)]
pub(in crate::driver) struct Landing {
    /// The changes, given back when nothing was stored.
    pub(in crate::driver) result: Result<(), (StoreError, Vec<Change>)>,
}

/// The way to the thread that owns the store.
#[derive(Debug)]
pub(in crate::driver) struct Keeper {
    work: Option<blocking::Sender<Vec<Change>>>,
    landings: mpsc::UnboundedReceiver<Landing>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Gives the store to a thread of its own.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(in crate::driver) fn start(
        store: Box<dyn Store>,
        clock: Clock,
        gauge: Arc<Gauge>,
    ) -> std::io::Result<Self> {
        let (work, orders) = blocking::channel();
        let (done, landings) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("sirgate-store".to_owned())
            .spawn(move || keep(store, &clock, &gauge, &orders, &done))?;
        Ok(Self {
            work: Some(work),
            landings,
            thread: Some(thread),
        })
    }

    /// Starts a transaction; [`Keeper::landing`] tells when it is over.
    pub(in crate::driver) fn commit(&self, changes: Vec<Change>) {
        if let Some(work) = &self.work {
            // The thread ends only when this sender is dropped, or by a panic, which `landing` shows.
            let _ = work.send(changes);
        }
    }

    /// The end of the transaction under way; `None` when the thread is gone.
    pub(in crate::driver) async fn landing(&mut self) -> Option<Landing> {
        self.landings.recv().await
    }

    /// Lets the thread finish and waits for it.
    pub(in crate::driver) async fn close(mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn keep(
    mut store: Box<dyn Store>,
    clock: &Clock,
    gauge: &Gauge,
    orders: &blocking::Receiver<Vec<Change>>,
    done: &mpsc::UnboundedSender<Landing>,
) {
    note(store.health(), gauge);
    loop {
        match orders.recv_timeout(IDLE) {
            Ok(changes) => {
                let landing = Landing {
                    result: commit(store.as_mut(), changes, gauge),
                };
                if done.send(landing).is_err() {
                    return;
                }
            }
            Err(blocking::RecvTimeoutError::Timeout) => {
                if let Err(error) = store.prune(clock.now()) {
                    tracing::warn!(%error, "ended records could not be dropped");
                }
                note(store.health(), gauge);
            }
            Err(blocking::RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn commit(
    store: &mut dyn Store,
    changes: Vec<Change>,
    gauge: &Gauge,
) -> Result<(), (StoreError, Vec<Change>)> {
    let began = clock::instant();
    let result = store.commit(&changes);
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    gauge.micros.fetch_add(micros, Ordering::Relaxed);
    gauge.failing.store(result.is_err(), Ordering::Release);
    match result {
        Ok(()) => {
            gauge.commits.fetch_add(1, Ordering::Relaxed);
            let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            gauge.changes.fetch_add(count, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => {
            gauge.failures.fetch_add(1, Ordering::Relaxed);
            Err((error, changes))
        }
    }
}

fn note(health: Result<Health, StoreError>, gauge: &Gauge) {
    match health {
        Ok(health) => {
            gauge.live.store(health.live, Ordering::Relaxed);
            gauge.octets.store(health.octets, Ordering::Relaxed);
        }
        Err(error) => tracing::warn!(%error, "the store's health could not be read"),
    }
}
