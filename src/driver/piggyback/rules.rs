//! Which requests ask for what is unread, and which responses may bear it.
//!
//! **Source:** services design section 9.2; RFC 9111 section 5.2.2 (`public`, `s-maxage`): what a shared cache may keep
//! never bears what is one user's.

use hyper::header::{CACHE_CONTROL, HeaderMap, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::codec::site_message::{ASKS, seen};

/// What a request says: the latest message that its page has seen. `None` when its response is to stay as it is.
pub(super) fn asked(request: &Parts, unasked: bool) -> Option<u64> {
    if matches!(request.method, Method::OPTIONS | Method::CONNECT)
        || request.headers.contains_key(UPGRADE)
    {
        return None;
    }
    let said = request.headers.get(ASKS);
    let said = said.and_then(|said| said.to_str().ok()).and_then(seen);
    said.or_else(|| unasked.then_some(0))
}

/// True when a response may bear what is one user's.
pub(super) fn may_bear(status: StatusCode, headers: &HeaderMap) -> bool {
    if status.is_informational() {
        return false;
    }
    !directives(headers).any(|directive| {
        let name = directive.split('=').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("public") || name.eq_ignore_ascii_case("s-maxage")
    })
}

/// What caches are told, one by one.
pub(super) fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CACHE_CONTROL)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
