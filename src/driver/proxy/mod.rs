//! A reverse proxy that puts unread messages on the responses of a site which knows nothing of them.
//!
//! **Source:** requirement S4.5; RFC 9110 section 7 (what is passed on, and what is of one connection), RFC 9112. It is the
//! layer of [`super::piggyback`] around [`Forward`], with [`ApiSource`] as its source: the gateway is asked while the
//! site works.
//!
//! The site gets the request as the client sent it: method, target, `Host`, every row, every octet of the body. Left out
//! are the rows of the connection between the client and us (RFC 9110 section 7.6.1) and those that only this program
//! understands, `Sirgate-Piggyback` and `Sirgate-Unread`. Nothing is added unless [`Forwarded`] says so, not even `Via`,
//! which section 7.6.3 asks for. Responses come back the same way: an `Sirgate-Unread` of the site itself is a forgery and is
//! left out. Bodies are never gathered, but for one that is to be wrapped.
//!
//! Not here: HTTP/2 and TLS towards clients (what stands before it has them), caching, several upstreams.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};

use crate::driver::identity::Proxies;
use crate::limits;

mod body;
mod door;
mod figures;
mod forward;
mod head;
mod health;
mod source;
mod tunnel;
mod user;

pub use body::{Interrupted, Onward, Patient};
pub use door::{serve, serve_figures};
pub use figures::Figures;
pub use forward::Forward;
pub use source::{ApiSource, Gateway};
pub use user::{Sessions, Users};

/// Who sent a request: the other end of its connection. Every request that [`serve`] hands on bears it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Where a site or a gateway is: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// It is no URL, or one without a host.
    #[error("it is no URL with a host")]
    Url,
    /// It is neither `http` nor `https`.
    #[error("it does not begin with http:// or https://")]
    Scheme,
    /// It has a path, a query or a user.
    #[error("it has more than scheme, host and port")]
    More,
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let uri: Uri = text.parse().map_err(|_| BadOrigin::Url)?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or(BadOrigin::Scheme)?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(BadOrigin::Scheme);
        }
        let authority = parts.authority.ok_or(BadOrigin::Url)?;
        if authority.host().is_empty() {
            return Err(BadOrigin::Url);
        }
        let path = parts.path_and_query;
        let is_bare = path.is_none_or(|path| path == "/") && !text.contains(['?', '#']);
        if !is_bare || authority.as_str().contains('@') {
            return Err(BadOrigin::More);
        }
        Ok(Self { scheme, authority })
    }
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl Origin {
    /// A target there.
    fn target(&self, path: PathAndQuery) -> Option<Uri> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

/// Which host the site is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// The one that the client named.
    #[default]
    Keep,
    /// The one of the site's own URL.
    Upstream,
}

/// Whether the site is told who the client is; the client's own words about others before it are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// It is not: the request stays as it is.
    #[default]
    Untold,
    /// In `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto`, and in `Via` that we passed it on.
    XForwarded,
    /// In `Forwarded` (RFC 7239), and in `Via` that we passed it on.
    Standard,
}

/// What is passed on, where to, and how long things may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The site.
    pub upstream: Origin,
    /// Which host it is told.
    pub host: Host,
    /// Whether it is told who the client is.
    pub forwarded: Forwarded,
    /// The header in which proxies before us say who their users are: from anybody else it is left out, for the site may
    /// believe it.
    pub proxies: Option<Proxies>,
    /// The path below which the modules of pages are answered here, and not by the site: `/sirgate/`.
    pub snippet: Option<String>,
    /// Bounds and times.
    pub bounds: Bounds,
}

impl Settings {
    /// Everything passed on as it is, to that site.
    #[must_use]
    pub fn new(upstream: Origin) -> Self {
        Self {
            upstream,
            host: Host::default(),
            forwarded: Forwarded::default(),
            proxies: None,
            snippet: None,
            bounds: Bounds::default(),
        }
    }
}

/// Bounds and times of the proxy.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections of clients at a time, tunnels included; further ones are closed at once.
    pub connections: usize,
    /// How long a client may take for the head of its next request, for the next part of a body, or to take the next
    /// part of ours.
    pub client: Duration,
    /// How long the site may take from the last octet of a request to the head of its response; then 504.
    pub head: Duration,
    /// How long the site may be silent in the middle of a body; then the response is cut.
    pub silence: Duration,
    /// How long a tunnel may be without an octet in either direction.
    pub tunnel: Duration,
    /// How long an unused connection to the site is kept: less than the site itself keeps it.
    pub keep: Duration,
    /// How long a client that asked first (`Expect: 100-continue`) waits for the site's consent.
    pub consent: Duration,
    /// How long a stop may take while responses are under way.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: limits::HTTP_CONNECTIONS,
            client: Duration::from_secs(30),
            head: Duration::from_secs(60),
            silence: Duration::from_secs(300),
            tunnel: Duration::from_secs(3_600),
            keep: Duration::from_secs(4),
            consent: Duration::from_secs(1),
            drain: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, expected) in [
            ("http://127.0.0.1:3000", Ok("http://127.0.0.1:3000")),
            ("http://127.0.0.1:3000/", Ok("http://127.0.0.1:3000")),
            ("https://site.example", Ok("https://site.example")),
            ("http://[::1]:80", Ok("http://[::1]:80")),
            ("127.0.0.1:3000", Err(BadOrigin::Scheme)),
            ("ftp://site.example", Err(BadOrigin::Scheme)),
            ("http://site.example/app", Err(BadOrigin::More)),
            ("http://site.example?q", Err(BadOrigin::More)),
            ("http://user:word@site.example", Err(BadOrigin::More)),
            ("http:///x", Err(BadOrigin::Url)),
            ("", Err(BadOrigin::Url)),
        ] {
            let read = text.parse::<Origin>().map(|origin| origin.to_string());
            assert_eq!(read.as_deref().map_err(|why| *why), expected, "{text}");
        }
    }
}
