//! What the push services of others have in common: a short text for one device, and what became of it.
//!
//! **Source:** requirements R1.42 to R1.44. How each service is spoken to is in [`super::apns`] and [`super::fcm`]. Longer
//! contents do not go so: a device that is to have one is given it in a session.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::codec::wbxml::Document as _;
use crate::codec::wbxml::si::Si;
use crate::gateway::push::submission::Content;
use crate::time::Time;
use crate::world::{FetchError, HttpRequest, HttpResponse};

/// A notification, to be written as a service wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// The device's token.
    pub token: String,
    /// The title; empty for none.
    pub title: String,
    /// The text; empty for none.
    pub text: String,
    /// The number on the application's picture.
    pub badge: Option<u32>,
    /// Notifications with the same replace each other.
    pub collapse: Option<String>,
    /// Until when it is worth to be shown.
    pub until: Time,
    /// What the application gets.
    pub own: BTreeMap<String, String>,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The service has it.
    Taken,
    /// The device's token is good no more.
    Gone(&'static str),
    /// Another try may do, after so long at least.
    Later(&'static str, Option<Duration>),
    /// We are to show who we are anew, and try again.
    Renew,
    /// It will not be taken.
    Refused(&'static str),
    /// The service was not heard.
    Unheard(&'static str),
}

/// The text and the link of a content that is short enough to be a notification; `None` for any other.
#[must_use]
pub fn words_of(content: &Content) -> Option<(String, Option<String>)> {
    let media = content.content_type.split(';').next().unwrap_or_default();
    let si = match media.trim().to_ascii_lowercase().as_str() {
        "text/plain" => {
            let text = core::str::from_utf8(&content.body).ok()?;
            return Some((text.trim().to_owned(), None));
        }
        "text/vnd.wap.si" => Si::decode_xml(&content.body).ok()?,
        "application/vnd.wap.sic" => Si::decode(&content.body).ok()?,
        _ => return None,
    };
    Some((si.text.trim().to_owned(), si.href.map(Into::into)))
}

/// What a fetch without an answer comes to.
#[must_use]
pub const fn of_error(error: FetchError) -> Verdict {
    match error {
        FetchError::BadUrl => Verdict::Refused("the push service's address is none"),
        FetchError::Unreachable => Verdict::Unheard("the push service takes no connection"),
        FetchError::TimedOut | FetchError::Broken => {
            Verdict::Unheard("no answer of the push service")
        }
    }
}

/// The value of a header.
#[must_use]
pub fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let mut rows = response.headers.iter();
    let (_, value) = rows.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// A request with a body to such an address.
#[must_use]
pub fn post(target: String, headers: Vec<(String, String)>, body: Vec<u8>) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        target,
        headers,
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn content(content_type: &str, body: &'static str) -> Content {
        Content {
            application: "x".to_owned(),
            content_type: content_type.to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(body.as_bytes()),
            octets: body.len(),
        }
    }

    #[test]
    fn texts_and_service_indications_are_short_enough_and_others_are_not() {
        let plain = words_of(&content("text/plain; charset=utf-8", "hello\n"));
        assert_eq!(plain, Some(("hello".to_owned(), None)));
        let si = "<si><indication href=\"http://e.example/\">news</indication></si>";
        let si = words_of(&content("text/vnd.wap.si", si));
        let link = Some("http://e.example/".to_owned());
        assert_eq!(si, Some(("news".to_owned(), link)));
        assert_eq!(words_of(&content("text/html", "<p>")), None);
    }
}
