//! What a client asks: after which number, how long it may wait, and how it hears that there is nothing.
//!
//! **Source:** requirements R0.15, R0.16, R0.21; RFC 9110 sections 8.8.3 and 13.1.2 for `If-None-Match`.

use core::time::Duration;

use super::{Client, parameter, problem};
use crate::world::{HttpRequest, HttpResponse};

/// The longest wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(50);

/// A question as it was asked.
#[derive(Debug)]
pub(super) struct Question {
    /// `after`, as the client counts.
    after: Option<u64>,
    /// Numbers of the packets that it has, by their ETags.
    tags: Vec<u64>,
    /// It showed an ETag, or would have any.
    is_conditional: bool,
    /// How long it may wait.
    pub(super) wait: Duration,
}

impl Question {
    /// Reads a request.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, HttpResponse> {
        let wrong = |what: &str| problem(400, "not a question", what);
        let number = |name: &str| match parameter(&request.target, name) {
            Some(text) => text.parse::<u64>().map(Some),
            None => Ok(None),
        };
        let after = number("after").map_err(|_| wrong("`after` is a number"))?;
        let wait = number("wait").map_err(|_| wrong("`wait` is a number of seconds"))?;
        let rows = request.headers.iter();
        let rows = rows.filter(|(name, _)| name.eq_ignore_ascii_case("if-none-match"));
        let shown = rows.flat_map(|(_, row)| row.split(',')).map(str::trim);
        let shown: Vec<&str> = shown.collect();
        let tags: Vec<u64> = shown.iter().filter_map(|tag| tagged(tag)).collect();
        Ok(Self {
            after,
            is_conditional: !tags.is_empty() || shown.contains(&"*"),
            tags,
            wait: Duration::from_secs(wait.unwrap_or(0)).min(WAIT_MAX),
        })
    }

    /// After which number of the sequence the client asks, when it says one that was given to it.
    pub(super) fn after(&self, own: &Client, last: u64) -> Option<u64> {
        let given = |number: u64| own.meant(number).filter(|seq| *seq <= last);
        match self.after {
            Some(number) => given(number),
            None => self.tags.iter().filter_map(|tag| given(*tag)).max(),
        }
    }

    /// What says that there is nothing. 304 is about the very question whose answer the client has: one that says from
    /// where it asks is another question each time, and whatever is kept as an answer to it is no answer now.
    pub(super) const fn nothing(&self) -> u16 {
        match (self.after, self.is_conditional) {
            (None, true) => 304,
            _ => 204,
        }
    }
}

/// The number in an ETag, weak ones too: they are compared weakly here. Others were never given and match nothing.
fn tagged(tag: &str) -> Option<u64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let number = tag.strip_prefix('"')?.strip_suffix('"')?;
    number.parse().ok()
}
