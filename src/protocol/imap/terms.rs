//! Who watches, what the server can do, and what comes of it.

use super::Mail;

/// Who logs in where, and how it wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The user's name at the server.
    pub user: String,
    /// The password: the user's own, or that of the master user.
    pub password: String,
    /// A user who may log in for others.
    pub master: Option<String>,
    /// The folder.
    pub folder: String,
    /// NOTIFY rather than IDLE, where the server has both.
    pub notify: bool,
}

/// How the server tells of new mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Unasked, by RFC 5465.
    Notify,
    /// During IDLE.
    Idle,
    /// When it is asked.
    Poll,
}

impl Way {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Idle => "idle",
            Self::Poll => "poll",
        }
    }
}

impl core::fmt::Debug for Settings {
    /// Without the password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Settings")
            .field("user", &self.user)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this.
    Send(Vec<u8>),
    /// The server let us in.
    LoggedIn,
    /// The server did not: name or password is wrong.
    Refused(String),
    /// From now on the mailbox is watched.
    Watching(Way),
    /// A mail is new.
    New(Box<Mail>),
    /// Everything below `next` was told.
    Read {
        /// UIDVALIDITY.
        validity: u32,
        /// The UID that follows.
        next: u32,
    },
    /// The connection is of no use any more: close it.
    Broken(String),
}

/// What the server can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Can {
    pub(super) known: bool,
    pub(super) idle: bool,
    pub(super) notify: bool,
    pub(super) preview: bool,
    pub(super) unselect: bool,
    pub(super) no_login: bool,
}

impl Can {
    /// What the words of CAPABILITY say.
    pub(super) fn of(words: &[String]) -> Self {
        let has = |word: &str| words.iter().any(|known| known == word);
        Self {
            known: true,
            idle: has("IDLE"),
            notify: has("NOTIFY"),
            preview: has("PREVIEW"),
            unselect: has("UNSELECT"),
            no_login: has("LOGINDISABLED"),
        }
    }
}
