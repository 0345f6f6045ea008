//! Which request means what.

use super::super::super::api::problem;
use crate::codec::uri::unescape;
use crate::world::HttpResponse;

/// What a request of the service asks for; paths are below `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST registrations`
    Register,
    /// `GET registrations/{id}`
    Registration(String),
    /// `DELETE registrations/{id}`
    Unregister(String),
    /// `POST login`
    Login,
    /// `POST logout`
    Logout,
    /// `PUT devices/{device}/appstate`
    AppState(String),
    /// `POST open`
    Open,
    /// `GET accounts/{account}/notice/{app}`
    Preference(String, String),
    /// `PUT accounts/{account}/notice/{app}`
    Prefer(String, String),
    /// `GET monitors`
    Monitors,
    /// `PUT hooks/{app}/{secret}`
    Hook(String, String),
    /// `POST hooks/{app}`
    Webhook(String),
}

impl Route {
    /// The route of a request; `None` when its path is none of ours.
    ///
    /// # Errors
    /// With 405.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Result<Self, HttpResponse>> {
        let rest = path.strip_prefix("/api/v1/")?;
        let segments: Vec<String> = rest.split('/').take(5).map(plain).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |text: &str| text.to_owned();
        let (route, allowed) = match (method, segments.as_slice()) {
            ("POST", ["registrations"]) => (Self::Register, ""),
            ("GET", ["registrations", id]) => (Self::Registration(own(id)), ""),
            ("DELETE", ["registrations", id]) => (Self::Unregister(own(id)), ""),
            ("POST", ["login"]) => (Self::Login, ""),
            ("POST", ["logout"]) => (Self::Logout, ""),
            ("PUT", ["devices", device, "appstate"]) => (Self::AppState(own(device)), ""),
            ("POST", ["open"]) => (Self::Open, ""),
            ("GET", ["accounts", a, "notice", app]) => (Self::Preference(own(a), own(app)), ""),
            ("PUT", ["accounts", a, "notice", app]) => (Self::Prefer(own(a), own(app)), ""),
            ("GET", ["monitors"]) => (Self::Monitors, ""),
            ("PUT", ["hooks", app, secret]) => (Self::Hook(own(app), own(secret)), ""),
            ("POST", ["hooks", app]) => (Self::Webhook(own(app)), ""),
            (_, ["registrations" | "login" | "logout" | "open"]) => (Self::Monitors, "POST"),
            (_, ["hooks", _]) => (Self::Monitors, "POST"),
            (_, ["devices", _, "appstate"] | ["hooks", _, _]) => (Self::Monitors, "PUT"),
            (_, ["registrations", _]) => (Self::Monitors, "GET, DELETE"),
            (_, ["accounts", _, "notice", _]) => (Self::Monitors, "GET, PUT"),
            (_, ["monitors"]) => (Self::Monitors, "GET"),
            _ => return None,
        };
        if allowed.is_empty() {
            return Some(Ok(route));
        }
        let mut response = problem(405, "method not allowed", allowed);
        let allow = ("allow".to_owned(), allowed.to_owned());
        response.headers.push(allow);
        Some(Err(response))
    }
}

fn plain(segment: &str) -> String {
    String::from_utf8_lossy(&unescape(segment)).into_owned()
}
