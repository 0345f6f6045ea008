//! Messages kept for accounts: what web applications fetch, and what rides along on responses of a site.
//!
//! **Source:** requirements R0.15, R0.16, R0.21, R0.42, R4.8 to R4.12, R4.17, R4.37, R4.47, RX.2. [`Messages`] is a
//! store without IO: whoever changes it takes the [`Change`]s and saves or forgets their records before it answers
//! anybody. Not here: who may see what (`service`), and what an HTTP request looks like.
//!
//! An account goes by its canonical name; a browser without an account by `client:` and its id. Each has one sequence:
//! the number of a message is the cursor of a poll, the ETag, the id of an event stream and the version of what rides
//! along.

mod account;
mod record;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Time;

pub use account::{Cleared, Page, Unread};
pub use record::{key, read};
pub use store::{Bounds, Change, Full, Messages, Put};

/// What has become of a message, for its account (R4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its user was not told of it.
    Unoffered,
    /// Its user was told of it and has not opened it.
    Offered,
    /// Opened.
    Read,
    /// Taken away by its user; what remains is its number.
    Deleted,
}

impl State {
    /// True for both levels of unread (R4.10).
    #[must_use]
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::Unoffered | Self::Offered)
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unoffered => "unoffered",
            Self::Offered => "offered",
            Self::Read => "read",
            Self::Deleted => "deleted",
        }
    }
}

/// How much a message matters, least first (RFC 8030 section 5.3).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// For a device with power and Wi-Fi.
    VeryLow,
    /// For a device with power or Wi-Fi.
    Low,
    /// What it is unless somebody says otherwise.
    #[default]
    Normal,
    /// Even with a low battery.
    High,
}

/// Who put a message in. The names an author gives are its own: the same name by another one is another's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// An initiator that published it.
    Publisher(String),
    /// An initiator that pushed it.
    Pusher(String),
}

impl Author {
    /// The initiator.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Publisher(name) | Self::Pusher(name) => name,
        }
    }
}

/// What a message says; the part that its author decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The application it belongs to (R0.17).
    pub app: String,
    /// Names it for its author, once for each application and client: a repetition is no second message.
    pub id: String,
    /// Who put it in; nobody where an earlier version did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
    /// Who wrote it, where that is known (R4.46).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A line for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it is about (R4.16).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What opens when it is clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What kind of content it is, for filters: `post`, `task`, `game`, `ad` (R0.43).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Takes the place of the application's earlier message of the same topic (RFC 8030 section 5.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// How much it matters.
    #[serde(default)]
    pub urgency: Urgency,
    /// When it is of no use any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
    /// Only this client of the account may see it in a poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What the application gets beside the text; `null` when nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

/// A message of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its number in the sequence of its account; the first is 1.
    pub seq: u64,
    /// When it came.
    pub created: Time,
    /// What has become of it.
    pub state: State,
    /// What it says.
    pub draft: Draft,
}

impl Message {
    /// True once nobody is to get it any more.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        self.draft.expires.is_some_and(|at| at <= now)
    }

    /// About how many octets it takes: its texts, and its data as JSON.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.draft.octets()
    }
}

impl Draft {
    /// About how many octets it takes: its texts, and its data as JSON.
    #[must_use]
    pub fn octets(&self) -> usize {
        let texts = [
            Some(&self.app),
            Some(&self.id),
            Some(&self.title),
            Some(&self.summary),
            self.from.as_ref(),
            self.url.as_ref(),
            self.kind.as_ref(),
            self.topic.as_ref(),
            self.client.as_ref(),
        ];
        let by = self.by.as_ref().map(Author::name);
        let texts = texts.into_iter().flatten().map(String::as_str).chain(by);
        let texts: usize = texts.map(str::len).sum();
        let data = match &self.data {
            Value::Null => 0,
            data => data.to_string().len(),
        };
        texts.saturating_add(data)
    }

    /// What is left of it once its message is deleted.
    fn stripped(&self) -> Self {
        Self {
            app: self.app.clone(),
            id: self.id.clone(),
            by: self.by.clone(),
            expires: self.expires,
            client: self.client.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
