//! Firebase Cloud Messaging, version 1: what a sender asks it for, who the sender is, and what the service answers.
//!
//! **Source:** Google's documentation: «REST Resource: projects.messages» and «Method: projects.messages.send» (path,
//! message), «ErrorCode» and «REST error codes for the HTTP v1 API» (answers), «Using OAuth 2.0 for Server to Server
//! Applications» with RFC 7523 (who sends). Not here: what the message says for browsers and for devices of Apple alone;
//! it survives.

pub mod account;
pub mod answer;
pub mod grant;
pub mod message;

/// Octets of what a message carries, names and values.
pub const PAYLOAD_OCTETS: usize = 4_096;
/// The same of a message for a topic.
pub const TOPIC_PAYLOAD_OCTETS: usize = 2_048;
/// Seconds for which a message may be kept: four weeks.
pub const TTL_MAX: u64 = 2_419_200;
/// What a sender must be allowed.
pub const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

const SEND: &str = "messages:send";

/// The path at which messages of a project are taken.
#[must_use]
pub fn path(project: &str) -> String {
    format!("/v1/projects/{project}/{SEND}")
}

/// The project of a path; `None` for another path.
#[must_use]
pub fn project_of(path: &str) -> Option<&str> {
    let (project, rest) = path.strip_prefix("/v1/projects/")?.split_once('/')?;
    (rest == SEND && !project.is_empty()).then_some(project)
}
