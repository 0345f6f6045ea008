//! Which request means what.

use super::problem;
use crate::codec::uri::unescape;
use crate::world::HttpResponse;

/// What a request of the service asks for; paths are below `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST clients`
    NewClient,
    /// `GET clients/{client}`
    Client(String),
    /// `PUT clients/{client}`
    Login(String),
    /// `DELETE clients/{client}`
    Leave(String),
    /// `GET clients/{client}/apps`
    Apps(String),
    /// `PUT clients/{client}/apps/{app}`
    Register(String, String),
    /// `DELETE clients/{client}/apps/{app}`
    Unregister(String, String),
    /// `POST clients/{client}/apps/{app}/clear`
    Clear(String, String),
    /// `GET clients/{client}/messages`
    Poll(String),
    /// `POST clients/{client}/ack`
    Ack(String),
    /// `GET clients/{client}/subscription`
    Subscription(String),
    /// `PUT clients/{client}/subscription`
    Subscribe(String),
    /// `DELETE clients/{client}/subscription`
    Unsubscribe(String),
    /// `POST apps/{app}/messages`
    Publish(String),
    /// `GET accounts/{account}/messages`
    Messages(String),
    /// `GET accounts/{account}/messages/{seq}`
    Message(String, u64),
    /// `PUT accounts/{account}/messages/{seq}`
    Change(String, u64),
    /// `GET accounts/{account}/unread`
    Unread(String),
    /// `POST accounts/{account}/offered`
    Offered(String),
}

impl Route {
    /// The route of a request; `None` when its path is none of ours.
    ///
    /// # Errors
    /// With 404 or 405.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Result<Self, HttpResponse>> {
        let rest = path.strip_prefix("/api/v1/")?;
        let segments: Vec<String> = rest.split('/').take(6).map(plain).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if !matches!(segments.first(), Some(&("clients" | "apps" | "accounts"))) {
            return None;
        }
        let not_found = || problem(404, "not found", "no such path");
        if segments.iter().any(|segment| segment.is_empty()) {
            return Some(Err(not_found()));
        }
        let allowed = allowed(&segments);
        Some(match Self::find(method, &segments) {
            Some(route) => Ok(route),
            None if allowed.is_empty() => Err(not_found()),
            None => {
                let mut response = problem(405, "method not allowed", allowed);
                let allow = ("allow".to_owned(), allowed.to_owned());
                response.headers.push(allow);
                Err(response)
            }
        })
    }

    /// True when it is about an account, and not of a client.
    #[must_use]
    pub const fn is_of_account(&self) -> bool {
        matches!(
            self,
            Self::Messages(_)
                | Self::Message(..)
                | Self::Change(..)
                | Self::Unread(_)
                | Self::Offered(_)
        )
    }

    fn find(method: &str, segments: &[&str]) -> Option<Self> {
        // The driver sends the head of the answer alone (RFC 9110 section 9.3.2).
        let method = if method == "HEAD" { "GET" } else { method };
        let own = |text: &str| text.to_owned();
        Some(match (method, segments) {
            ("POST", ["clients"]) => Self::NewClient,
            ("GET", ["clients", c]) => Self::Client(own(c)),
            ("PUT", ["clients", c]) => Self::Login(own(c)),
            ("DELETE", ["clients", c]) => Self::Leave(own(c)),
            ("GET", ["clients", c, "apps"]) => Self::Apps(own(c)),
            ("PUT", ["clients", c, "apps", app]) => Self::Register(own(c), own(app)),
            ("DELETE", ["clients", c, "apps", app]) => Self::Unregister(own(c), own(app)),
            ("POST", ["clients", c, "apps", app, "clear"]) => Self::Clear(own(c), own(app)),
            ("GET", ["clients", c, "messages"]) => Self::Poll(own(c)),
            ("POST", ["clients", c, "ack"]) => Self::Ack(own(c)),
            ("GET", ["clients", c, "subscription"]) => Self::Subscription(own(c)),
            ("PUT", ["clients", c, "subscription"]) => Self::Subscribe(own(c)),
            ("DELETE", ["clients", c, "subscription"]) => Self::Unsubscribe(own(c)),
            ("POST", ["apps", app, "messages"]) => Self::Publish(own(app)),
            ("GET", ["accounts", a, "messages"]) => Self::Messages(own(a)),
            ("GET", ["accounts", a, "messages", seq]) => Self::Message(own(a), seq.parse().ok()?),
            ("PUT", ["accounts", a, "messages", seq]) => Self::Change(own(a), seq.parse().ok()?),
            ("GET", ["accounts", a, "unread"]) => Self::Unread(own(a)),
            ("POST", ["accounts", a, "offered"]) => Self::Offered(own(a)),
            _ => return None,
        })
    }
}

/// What may be done at a path; nothing where there is none.
fn allowed(segments: &[&str]) -> &'static str {
    match segments {
        ["clients"]
        | ["clients", _, "ack"]
        | ["clients", _, "apps", _, "clear"]
        | ["apps", _, "messages"]
        | ["accounts", _, "offered"] => "POST",
        ["clients", _] | ["clients", _, "subscription"] => "GET, HEAD, PUT, DELETE",
        ["clients", _, "apps", _] => "PUT, DELETE",
        ["accounts", _, "messages", seq] if seq.parse::<u64>().is_ok() => "GET, HEAD, PUT",
        ["clients", _, "apps" | "messages"] | ["accounts", _, "messages" | "unread"] => "GET, HEAD",
        _ => "",
    }
}

fn plain(segment: &str) -> String {
    String::from_utf8_lossy(&unescape(segment)).into_owned()
}
