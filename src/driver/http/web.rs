//! The pages and modules that browsers get: as they are written, out of the program itself.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderValue, IF_NONE_MATCH,
    LOCATION, REFERRER_POLICY, VARY,
};
use hyper::{Method, Request};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reply::{Reply, problem, reply};

/// Where they are.
const ROOT: &str = "/web/";

/// Pages load nothing from anywhere else, and nobody puts them into a frame.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Every page of the console begins as this one.
const CONSOLE_PAGE: &[u8] = include_bytes!("../web/console/index.html");

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Each file below the root: its path, its type, its octets.
macro_rules! files {
    ($($path:literal $kind:expr),* $(,)?) => {
        const FILES: &[(&str, &str, &[u8])] = &[$(($path, $kind, include_bytes!(concat!("../web/", $path)))),*];
    };
}

files! {
    "index.html" HTML,
    "home.js" SCRIPT,
    "icon.svg" "image/svg+xml",
    "message-centre.js" SCRIPT,
    "notes.html" HTML,
    "notes.js" SCRIPT,
    "piggyback.js" SCRIPT,
    "session.js" SCRIPT,
    "style.css" STYLE,
    "sw.js" SCRIPT,
    "console/client.js" SCRIPT,
    "console/commands.js" SCRIPT,
    "console/console.css" STYLE,
    "console/dom.js" SCRIPT,
    "console/index.html" HTML,
    "console/inspector.js" SCRIPT,
    "console/live.js" SCRIPT,
    "console/main.js" SCRIPT,
    "console/model.js" SCRIPT,
    "console/router.js" SCRIPT,
    "console/stream.js" SCRIPT,
    "console/strip.js" SCRIPT,
    "console/workbench.js" SCRIPT,
    "console/ladder/ladder.js" SCRIPT,
    "console/ladder/lanes.js" SCRIPT,
    "console/ladder/row.js" SCRIPT,
    "console/ladder/rungs.js" SCRIPT,
    "console/pages/compose.js" SCRIPT,
    "console/pages/device.js" SCRIPT,
    "console/pages/devices.js" SCRIPT,
    "console/pages/faults.js" SCRIPT,
    "console/pages/identities.js" SCRIPT,
    "console/pages/identity.js" SCRIPT,
    "console/pages/live.js" SCRIPT,
    "console/pages/message.js" SCRIPT,
    "console/pages/overview.js" SCRIPT,
    "console/pages/push.js" SCRIPT,
    "console/pages/status.js" SCRIPT,
    "centre/badge.js" SCRIPT,
    "centre/centre.js" SCRIPT,
    "centre/client.js" SCRIPT,
    "centre/event.js" SCRIPT,
    "centre/message.js" SCRIPT,
    "centre/puller.js" SCRIPT,
    "centre/registration.js" SCRIPT,
    "centre/store.js" SCRIPT,
    "centre/stream.js" SCRIPT,
    "centre/tabs.js" SCRIPT,
    "centre/web-push.js" SCRIPT,
    "unread/board.js" SCRIPT,
    "unread/stamp.js" SCRIPT,
}

/// A module that pages of other sites load, for what rides along on their responses: its type and its octets.
pub(in crate::driver) fn module(name: &str) -> Option<(&'static str, &'static [u8])> {
    let is_theirs = name == "piggyback.js" || name.starts_with("unread/");
    let found = FILES.iter().find(|(path, _, _)| is_theirs && *path == name);
    found.map(|(_, kind, octets)| (*kind, *octets))
}

/// Paths of the console, and whether more may follow; its own router tells the pages apart.
const CONSOLE: [(&str, bool); 9] = [
    ("", false),
    ("p", true),
    ("i", true),
    ("d", true),
    ("m", true),
    ("compose", false),
    ("live", false),
    ("faults", false),
    ("status", false),
];

/// The answer, when the path is below the root, or one of the console that a browser goes to.
pub(super) fn answer(request: &Request<Incoming>) -> Option<Reply> {
    let path = request.uri().path();
    let header = |name| request.headers().get(name);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && is_of_console(path) && wants_pages(header(ACCEPT)) {
        let mut page = send(HTML, CONSOLE_PAGE, header(IF_NONE_MATCH));
        page.headers_mut()
            .insert(VARY, HeaderValue::from_static("Accept"));
        return Some(page);
    }
    if path == ROOT.trim_end_matches('/') {
        let mut moved = problem(308, "the pages are below /web/", Value::Null);
        let root = HeaderValue::from_static(ROOT);
        moved.headers_mut().insert(LOCATION, root);
        return Some(moved);
    }
    let name = path.strip_prefix(ROOT)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = problem(405, "this path is only read", Value::Null);
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return Some(refused);
    }
    let name = if name.is_empty() { "index.html" } else { name };
    let Some((_, kind, octets)) = FILES.iter().find(|(path, _, _)| *path == name) else {
        return Some(problem(404, "there is no such page", Value::Null));
    };
    Some(send(kind, octets, request.headers().get(IF_NONE_MATCH)))
}

/// Programs that ask for these paths get what the node says of them.
fn wants_pages(accept: Option<&HeaderValue>) -> bool {
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn is_of_console(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    CONSOLE
        .iter()
        .any(|(name, more)| *name == first && (rest.is_none() || *more))
}

fn send(kind: &'static str, octets: &'static [u8], known: Option<&HeaderValue>) -> Reply {
    let tag = tag(octets);
    // Weakly compared (RFC 9110 section 13.1.2): a proxy that compresses makes our tag a weak one.
    let known = known.and_then(|known| known.to_str().ok());
    let mut known = known.into_iter().flat_map(|row| row.split(','));
    let is_known = known.any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    });
    let mut reply = if is_known {
        reply(304, kind, Bytes::new())
    } else {
        reply(200, kind, Bytes::from_static(octets))
    };
    let headers = reply.headers_mut();
    // Kept, but asked for each time: pages and modules of two versions do not go together.
    for (name, value) in [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    reply
}

fn tag(octets: &[u8]) -> String {
    let digest = Sha256::digest(octets);
    let start: String = digest
        .iter()
        .take(8)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    format!("\"{start}\"")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                below(&entry.path(), &format!("{name}/"), found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/driver/web");
        let mut there = BTreeSet::new();
        below(&folder, "", &mut there);
        let served: BTreeSet<String> = FILES
            .iter()
            .map(|(path, _, _)| (*path).to_owned())
            .collect();
        assert_eq!(there, served);
    }

    #[test]
    fn paths_of_the_console_are_its_own_and_no_others() {
        for path in ["/", "/p/k7q4", "/i", "/i/sip:a@b", "/d/C1", "/compose"] {
            assert!(is_of_console(path), "{path}");
        }
        for path in ["", "/pap", "/api/v1", "/compose/x", "/web/", "/livez", "//"] {
            assert!(!is_of_console(path), "{path}");
        }
    }

    #[test]
    fn only_who_asks_for_pages_gets_one() {
        let accept = HeaderValue::from_static;
        assert!(wants_pages(Some(&accept("text/html,*/*;q=0.8"))));
        assert!(!wants_pages(Some(&accept("*/*"))));
        assert!(!wants_pages(Some(&accept("application/json"))));
        assert!(!wants_pages(None));
    }

    #[test]
    fn a_page_that_is_known_is_not_sent_again() {
        let octets = b"page";
        let known = HeaderValue::from_str(&tag(octets)).unwrap();
        assert_eq!(send(HTML, octets, None).status(), 200);
        assert_eq!(send(HTML, octets, Some(&known)).status(), 304);
        let weak = format!("\"0\", W/{}", tag(octets));
        let weak = HeaderValue::from_str(&weak).unwrap();
        assert_eq!(send(HTML, octets, Some(&weak)).status(), 304);
        let other = HeaderValue::from_static("\"0\"");
        assert_eq!(send(HTML, octets, Some(&other)).status(), 200);
    }
}
