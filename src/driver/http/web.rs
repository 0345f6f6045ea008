//! The pages and modules that browsers get: as they are written, out of the program itself.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION,
    REFERRER_POLICY,
};
use hyper::{Method, Request};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reply::{Reply, problem, reply};

/// Where they are.
const ROOT: &str = "/web/";

/// Pages load nothing from anywhere else, and nobody puts them into a frame.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'";

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
    "style.css" STYLE,
    "sw.js" SCRIPT,
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

/// The answer, when the path is below the root.
pub(super) fn answer(request: &Request<Incoming>) -> Option<Reply> {
    let path = request.uri().path();
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

fn send(kind: &'static str, octets: &'static [u8], known: Option<&HeaderValue>) -> Reply {
    let tag = tag(octets);
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
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
    fn a_page_that_is_known_is_not_sent_again() {
        let octets = b"page";
        let known = HeaderValue::from_str(&tag(octets)).unwrap();
        assert_eq!(send(HTML, octets, None).status(), 200);
        assert_eq!(send(HTML, octets, Some(&known)).status(), 304);
        let other = HeaderValue::from_static("\"0\"");
        assert_eq!(send(HTML, octets, Some(&other)).status(), 200);
    }
}
