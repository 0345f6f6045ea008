//! The event log, one line of JSON each, and what of events appears in the program's log.
//!
//! A thread of its own writes; whoever reports an event never waits for a disk or a screen. What the thread cannot
//! take is dropped and counted.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tracing_subscriber::EnvFilter;

use super::redact::redacted;
use super::ring::Entry;
use crate::limits::EVENTS_UNWRITTEN;

/// Where the event log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EventSink {
    /// Nowhere.
    #[default]
    None,
    /// To standard output.
    Stdout,
    /// To the end of a file.
    File(PathBuf),
}

impl EventSink {
    /// The sink of a command line: `-` is standard output.
    #[must_use]
    pub fn from_argument(argument: &str) -> Self {
        if argument == "-" {
            Self::Stdout
        } else {
            Self::File(PathBuf::from(argument))
        }
    }
}

/// What is written of events.
#[derive(Clone, Debug, Default)]
pub struct LogSettings {
    /// The event log.
    pub events: EventSink,
    /// Whether the program's log shows identities, numbers and contents.
    pub reveal: bool,
}

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct EventLog {
    work: Mutex<Option<SyncSender<Work>>>,
    dropped: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
    has_sink: bool,
}

enum Work {
    Entry(Arc<Entry>),
    Flush(SyncSender<()>),
}

impl EventLog {
    /// Opens the log and starts the thread that writes it.
    pub(super) fn start(settings: &LogSettings) -> io::Result<Self> {
        let sink: Option<Box<dyn Write + Send>> = match &settings.events {
            EventSink::None => None,
            EventSink::Stdout => Some(Box::new(io::stdout())),
            EventSink::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                Some(Box::new(BufWriter::with_capacity(64 << 10, file)))
            }
        };
        let has_sink = sink.is_some();
        let reveal = settings.reveal;
        let (work, waiting) = sync_channel(EVENTS_UNWRITTEN);
        let thread = std::thread::Builder::new()
            .name("sirgate-events".to_owned())
            .spawn(move || write(sink, &waiting, reveal))?;
        Ok(Self {
            work: Mutex::new(Some(work)),
            dropped: AtomicU64::new(0),
            thread: Mutex::new(Some(thread)),
            has_sink,
        })
    }

    /// Hands an event to the thread, or drops and counts it.
    pub(super) fn write(&self, entry: Arc<Entry>) {
        if !self.has_sink && !tracing::enabled!(target: "sirgate::event", tracing::Level::INFO) {
            return;
        }
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = work.as_ref()
            && let Err(TrySendError::Full(_)) = work.try_send(Work::Entry(entry))
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything handed over so far is written.
    pub(super) fn flush(&self) {
        let work = self
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (done, is_done) = sync_channel(1);
        if let Some(work) = work
            && work.send(Work::Flush(done)).is_ok()
        {
            let _ = is_done.recv();
        }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        self.work
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(mut sink: Option<Box<dyn Write + Send>>, waiting: &Receiver<Work>, reveal: bool) {
    let mut next = waiting.recv().ok();
    while let Some(work) = next {
        match work {
            Work::Entry(entry) => {
                if let Some(open) = sink.as_mut()
                    && let Err(error) = writeln!(open, "{}", entry.line())
                {
                    tracing::error!(%error, "the event log cannot be written; it ends here");
                    sink = None;
                }
                tell(&entry, reveal);
            }
            Work::Flush(done) => {
                flush(sink.as_mut());
                let _ = done.send(());
            }
        }
        next = match waiting.try_recv() {
            Ok(work) => Some(work),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                flush(sink.as_mut());
                waiting.recv().ok()
            }
        };
    }
    flush(sink.as_mut());
}

fn flush(sink: Option<&mut Box<dyn Write + Send>>) {
    if let Some(sink) = sink
        && let Err(error) = sink.flush()
    {
        tracing::error!(%error, "the event log cannot be written");
    }
}

/// Names of events that the program's log shows at info; all others appear at debug.
const AT_INFO: [&str; 8] = [
    "pap.rx",
    "pap.refused",
    "plan",
    "push.dev",
    "push.end",
    "pap.notify",
    "smsc",
    "refused",
];

/// The event in the program's log, without what it must not show.
fn tell(entry: &Entry, reveal: bool) {
    if !tracing::enabled!(target: "sirgate::event", tracing::Level::INFO) {
        return;
    }
    if AT_INFO.contains(&entry.name()) {
        tracing::info!(target: "sirgate::event", seq = entry.seq, "{}", redacted(entry, reveal));
    } else if tracing::enabled!(target: "sirgate::event", tracing::Level::DEBUG) {
        tracing::debug!(target: "sirgate::event", seq = entry.seq, "{}", redacted(entry, reveal));
    }
}

/// Starts the program's log on standard error: `filter` as `SIRGATE_LOG` is written (`info`, `sirgate=debug`).
///
/// # Errors
/// When the filter is none, or a log was started before.
pub fn start(filter: &str, is_json: bool, has_colour: bool) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(has_colour);
    if is_json {
        log.json().try_init()
    } else {
        log.try_init()
    }
    .map_err(|error| error.to_string())
}
