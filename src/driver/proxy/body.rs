//! Bodies that are passed on part by part: neither end is waited for longer than it may take.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// The body of a response that is passed on, or of one of our own.
pub type Onward = Either<Patient, Full<Bytes>>;
/// The body of a request that is passed on.
pub(super) type Outgoing = Either<Patient, Empty<Bytes>>;

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Late,
    /// The site does not want it.
    #[error("it is not wanted")]
    Unwanted,
    /// Its connection broke off.
    #[error(transparent)]
    Broken(hyper::Error),
}

/// A body whose sender may pause only so long.
#[derive(Debug)]
pub struct Patient {
    body: Incoming,
    patience: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    is_paused: bool,
    /// Of a request whose client asks first.
    gate: Option<Gate>,
    /// Of a request: how far it came.
    progress: Option<Arc<Progress>>,
    /// Of a response: while it lasts, the body of its request may wait for consent.
    _asked: Option<Consent>,
}

impl Patient {
    /// The body of a response.
    pub(super) const fn response(
        body: Incoming,
        patience: Duration,
        asked: Option<Consent>,
    ) -> Self {
        Self {
            body,
            patience,
            pause: None,
            is_paused: false,
            gate: None,
            progress: None,
            _asked: asked,
        }
    }

    /// The body of a request.
    pub(super) const fn request(
        body: Incoming,
        patience: Duration,
        progress: Arc<Progress>,
        gate: Option<Gate>,
    ) -> Self {
        Self {
            body,
            patience,
            pause: None,
            is_paused: false,
            gate,
            progress: Some(progress),
            _asked: None,
        }
    }

    /// Counts a pause; true when it was too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let pause = match &mut self.pause {
            Some(pause) => {
                if !self.is_paused {
                    pause.as_mut().reset(Instant::now() + self.patience);
                }
                pause
            }
            empty @ None => empty.insert(Box::pin(sleep(self.patience))),
        };
        self.is_paused = true;
        pause.as_mut().poll(cx).is_ready()
    }

    fn fail(&self, why: Interrupted) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        if let Some(progress) = &self.progress {
            let is_late = matches!(why, Interrupted::Late);
            progress.is_late.fetch_or(is_late, Ordering::Relaxed);
            progress.is_broken.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Some(Err(why)))
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let it = self.get_mut();
        if let Some(gate) = &mut it.gate {
            match gate.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(false) => return it.fail(Interrupted::Unwanted),
                Poll::Ready(true) => it.gate = None,
            }
        }
        match Pin::new(&mut it.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                it.is_paused = false;
                if let Some(progress) = &it.progress {
                    progress.parts.fetch_add(1, Ordering::Relaxed);
                }
                match frame {
                    Some(Err(error)) => it.fail(Interrupted::Broken(error)),
                    Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
                    None => Poll::Ready(None),
                }
            }
            Poll::Pending if it.is_late(cx) => it.fail(Interrupted::Late),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How far the body of a request came.
#[derive(Debug, Default)]
pub(super) struct Progress {
    parts: AtomicU64,
    is_broken: AtomicBool,
    is_late: AtomicBool,
}

impl Progress {
    pub(super) fn parts(&self) -> u64 {
        self.parts.load(Ordering::Relaxed)
    }

    /// The client did not send all of it.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// It took too long.
    pub(super) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }
}

/// The consent of the site to a body that its client announced (RFC 9110 section 10.1.1). When the last of its clones is
/// dropped without it, the body is not wanted.
#[derive(Clone, Debug)]
pub(super) struct Consent(Arc<Mutex<Option<oneshot::Sender<()>>>>);

/// What holds such a body back.
#[derive(Debug)]
pub(super) struct Gate {
    given: oneshot::Receiver<()>,
    /// A site that says nothing may never have heard of such questions.
    until: Pin<Box<Sleep>>,
}

impl Consent {
    /// A consent, and the gate that it opens; it opens by itself after that time.
    pub(super) fn new(patience: Duration) -> (Self, Gate) {
        let (give, given) = oneshot::channel();
        let gate = Gate {
            given,
            until: Box::pin(sleep(patience)),
        };
        (Self(Arc::new(Mutex::new(Some(give)))), gate)
    }

    pub(super) fn give(&self) {
        let mut give = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(give) = give.take() {
            let _ = give.send(());
        }
    }
}

impl Gate {
    /// Whether the body is wanted, once that is known.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if let Poll::Ready(given) = Pin::new(&mut self.given).poll(cx) {
            return Poll::Ready(given.is_ok());
        }
        self.until.as_mut().poll(cx).map(|()| true)
    }
}
