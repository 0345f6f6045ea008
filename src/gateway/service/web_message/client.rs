//! One browser client: who it is, what it registered, how far it got.

use std::collections::BTreeMap;

use super::super::super::message::{Cleared, Message};
use super::{Filter, Subscription};
use crate::time::Time;

/// One browser client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its identification code (R0.6).
    pub id: String,
    /// SHA-256 of the token it shows; the token itself is not kept.
    pub digest: [u8; 32],
    /// The account whose user sits before it, by canonical name (R0.5).
    pub account: Option<String>,
    /// What it says it is.
    pub agent: Option<String>,
    /// Its applications, by their identification codes.
    pub apps: BTreeMap<String, App>,
    /// Up to which number it has stored what it got.
    pub acked: u64,
    /// When it was last here; since the start where it was not.
    pub seen: Time,
    /// Where it is reached while no page of it is open.
    pub subscription: Option<Subscription>,
}

/// An application as a client registered it (R0.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// Its name for people.
    pub title: Option<String>,
    /// Its icon.
    pub icon: Option<String>,
    /// Where it opens.
    pub url: Option<String>,
    /// Which of its messages are wanted (R0.43).
    pub filter: Filter,
    /// Up to which number its messages were cleared in this client.
    pub cleared: u64,
}

impl Client {
    /// The account its messages are kept under: its user's, or one of its own.
    #[must_use]
    pub fn mailbox(&self) -> String {
        match &self.account {
            Some(account) => account.clone(),
            None => mailbox_of(&self.id),
        }
    }

    /// True when the message is for this client: of an application it registered (R0.9), wanted, not over.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        let draft = &message.draft;
        draft.client.as_ref().is_none_or(|only| *only == self.id)
            && message.state.is_unread()
            && self
                .apps
                .get(&draft.app)
                .is_some_and(|app| message.seq > app.cleared && app.filter.wants(message))
    }

    /// True when a message that its cursor is past was given to it, however it stands now.
    #[must_use]
    pub fn was_given(&self, message: &Message) -> bool {
        let draft = &message.draft;
        let app = self.apps.get(&draft.app);
        draft.client.as_ref().is_none_or(|only| *only == self.id)
            && app.is_some_and(|app| app.filter.wants(message))
    }

    /// True when it did not clear so much itself.
    #[must_use]
    pub fn hears_of(&self, cleared: &Cleared) -> bool {
        let app = self.apps.get(&cleared.app);
        app.is_some_and(|app| app.cleared < cleared.upto)
    }
}

/// The account of a client without a user.
#[must_use]
pub(super) fn mailbox_of(client: &str) -> String {
    format!("client:{client}")
}
