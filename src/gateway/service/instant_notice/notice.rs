//! What a device is told when something new came for its account: the words, the badge, and what a tap brings back.
//!
//! **Source:** requirements R1.32, R1.34 to R1.37, R1.46. A notice says nothing of how it travels; [`super::platform`] does.

use serde::{Deserialize, Serialize};

/// How much a notice tells (R1.34 to R1.37).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The information itself.
    Full,
    /// Who wrote, and what about where that is configured.
    #[default]
    Summary,
    /// That there is something, and how much.
    Bare,
    /// What the application's template says.
    Template,
}

impl Form {
    /// The word for it, as in the configuration and in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Summary => "summary",
            Self::Bare => "bare",
            Self::Template => "template",
        }
    }
}

/// What a tap on a notice brings back (R1.46).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// The application that is to start.
    pub app: String,
    /// The message that it is to show, by its number in the account.
    pub seq: u64,
    /// Proves that the notice was received; good for one opening (R1.50).
    pub token: String,
}

/// What one device is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The account, by canonical name.
    pub account: String,
    /// The device, by its name in the account.
    pub device: String,
    /// The application.
    pub app: String,
    /// How much is told.
    pub form: Form,
    /// The line in bold; empty where the form has none.
    pub title: String,
    /// What is shown below it: one line, except in the form [`Form::Full`].
    pub text: String,
    /// How many messages of the account are unread.
    pub badge: u32,
    /// Takes the place of the device's earlier notice of the same topic.
    pub topic: Option<String>,
    /// What a tap brings back.
    pub intent: Intent,
}
