//! Unread messages ride on the responses of a site: a layer around any service of HTTP.
//!
//! **Source:** requirements R4.1 to R4.25, R4.33 to R4.44. The layer asks its [`UnreadSource`] while the site works on
//! the request, and puts what it learns on the response: nothing is asked for twice, no connection is opened, the site
//! knows nothing of it. It takes any [`tower_service::Service`] of requests of the `http` crate, as axum, tonic and hyper
//! programs have them.
//!
//! ```
//! use hyper::http::request::Parts;
//! use sirgate::codec::site_message::Stamp;
//! use sirgate::driver::piggyback::{Commit, Piggyback, Settings, UnreadSource};
//!
//! struct Inbox;
//!
//! impl UnreadSource for Inbox {
//!     async fn peek(&self, _user: &str) -> Option<Stamp> {
//!         Some(Stamp { new: 2, seq: 41, rev: 88, ..Stamp::default() })
//!     }
//!     async fn offered(&self, _user: &str, _upto: u64) {}
//! }
//!
//! let user = |request: &Parts| Some(request.extensions.get::<String>()?.clone());
//! let layer = Piggyback::new(Inbox, user).with(Settings { commit: Commit::Send, ..Settings::default() });
//! ```
//! In axum: `Router::new()...layer(layer)`; elsewhere `layer.around(service)`.

mod attach;
mod rules;
mod service;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;

use crate::codec::site_message::Stamp;

pub use service::Stamped;

/// Whom the layer asks: the message store behind a queue (R4.7, R4.41).
pub trait UnreadSource: Send + Sync + 'static {
    /// What is unread for a user; `None` when the user is not known. Changes nothing (R4.38).
    fn peek(&self, user: &str) -> impl Future<Output = Option<Stamp>> + Send;

    /// The user was offered all messages up to that number (R4.17).
    fn offered(&self, user: &str, upto: u64) -> impl Future<Output = ()> + Send;

    /// A response to the user bears this stamp (R4.13); for who writes down what happens.
    fn attached(&self, _user: &str, _stamp: &Stamp) {}
}

/// In what form a response bears what is unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// In a header: the body stays as it is, whatever it is.
    #[default]
    Header,
    /// In an envelope around a JSON body; other bodies bear a header.
    Json,
    /// In a part behind the body.
    Multipart,
    /// In an event for htmx.
    Htmx,
}

/// When a message counts as offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commit {
    /// When the client's next request says that it has seen it (R4.22): a response that was cut loses nothing.
    #[default]
    Ack,
    /// When the response leaves (R4.23), as the patent reads.
    Send,
}

/// What a response bears when there is no unread message (R4.33 to R4.36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing.
    #[default]
    Silent,
    /// That there is none.
    Said,
}

/// How many levels of unread there are (R4.37).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// Unread alone; nothing is changed by asking.
    One,
    /// Not offered, and offered.
    #[default]
    Two,
}

/// How the layer works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// In what form.
    pub form: Form,
    /// When a message counts as offered.
    pub commit: Commit,
    /// What is said of nothing.
    pub nothing: Nothing,
    /// How many levels there are.
    pub levels: Levels,
    /// Requests that do not ask for it get it too: for sites whose pages all have the snippet, across origins.
    pub unasked: bool,
}

/// Who sent a request, from what was verified; nobody is known by what a client says of itself.
pub type Identify = dyn Fn(&Parts) -> Option<String> + Send + Sync;

/// The layer.
pub struct Piggyback<U> {
    source: Arc<U>,
    identify: Arc<Identify>,
    settings: Settings,
    patience: Option<Duration>,
}

impl<U> core::fmt::Debug for Piggyback<U> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Piggyback")
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

impl<U> Clone for Piggyback<U> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            identify: self.identify.clone(),
            settings: self.settings,
            patience: self.patience,
        }
    }
}

impl<U: UnreadSource> Piggyback<U> {
    /// A layer that asks this source about the user that `identify` finds in a request; without one a response stays as
    /// it is (R4.5).
    pub fn new(
        source: U,
        identify: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Arc::new(source),
            identify: Arc::new(identify),
            settings: Settings::default(),
            patience: None,
        }
    }

    /// The same with other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same with a source that may take only so much longer than the site: what it says later is left out. Without
    /// this it is waited for.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// A site with it.
    pub fn around<S>(&self, site: S) -> Stamped<S, U> {
        Stamped::new(site, self.clone())
    }
}

impl<S, U: UnreadSource> tower_layer::Layer<S> for Piggyback<U> {
    type Service = Stamped<S, U>;

    fn layer(&self, site: S) -> Stamped<S, U> {
        self.around(site)
    }
}
