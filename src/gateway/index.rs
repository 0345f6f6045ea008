//! What is served where: the answer to who comes to `/` or `/api/v1` without knowing a path.

use serde_json::{Value, json};

use super::api::json_response;
use crate::world::{HttpRequest, HttpResponse};

/// Methods, path, purpose; the driver's own paths are among them.
const ROUTES: [(&str, &str, &str); 22] = [
    ("GET", "/api/v1/identities", "identities and devices"),
    (
        "GET, PUT",
        "/api/v1/identities/{pui}",
        "one identity; change or make it",
    ),
    (
        "GET",
        "/api/v1/pushes",
        "pushes, latest first; ?state= ?pui= ?limit=",
    ),
    ("POST", "/api/v1/pushes", "submit a push in JSON"),
    (
        "POST",
        "/api/v1/plan",
        "who would get what of such a push, and its SIRs",
    ),
    ("GET, DELETE", "/api/v1/pushes/{id}", "one push; cancel it"),
    (
        "GET",
        "/api/v1/pushes/{id}/ladder",
        "what happened, drawn; ?format=",
    ),
    (
        "GET",
        "/api/v1/messages/{seq}",
        "the octets of a wire event, field by field",
    ),
    (
        "GET",
        "/api/v1/events",
        "events, as NDJSON or SSE; ?since= ?match=",
    ),
    (
        "GET",
        "/api/v1/events/wait",
        "wait for events; ?match= ?count= ?timeout= ?since=",
    ),
    (
        "GET, POST, PUT",
        "/api/v1/faults",
        "faults on purpose, where the configuration allows them",
    ),
    ("GET", "/api/v1/faults/presets", "bundles of faults by name"),
    ("DELETE", "/api/v1/faults/{name}", "take a fault out"),
    ("POST", "/api/v1/faults/reset", "take all faults out"),
    (
        "POST",
        "/api/v1/clients",
        "a browser begins to take messages",
    ),
    (
        "POST",
        "/api/v1/apps/{app}/messages",
        "a message for a web application of an account",
    ),
    ("GET", "/web/", "pages for browsers"),
    ("GET", "/livez", "does it live"),
    ("GET", "/readyz", "is it ready, and what it lacks"),
    ("GET", "/metrics", "figures, for Prometheus"),
    ("POST", "/info", "information that devices return by HTTP"),
    (
        "GET",
        "/",
        "the console for browsers; this list, as JSON where Accept says application/json",
    ),
];

/// True for a path that stands for all others.
#[must_use]
pub(super) fn is_index(method: &str, path: &str) -> bool {
    matches!(method, "GET" | "HEAD") && matches!(path, "/" | "/api/v1" | "/api/v1/")
}

/// The list, in the form that the request asks for.
#[must_use]
pub(super) fn index(request: &HttpRequest, pap_path: &str) -> HttpResponse {
    let pap = (
        "POST",
        pap_path,
        "Push Access Protocol: submit, cancel, query",
    );
    let all = || core::iter::once(&pap).chain(&ROUTES);
    let accept = request.header("accept").unwrap_or_default();
    if accept.contains("application/json") {
        let one = |(methods, path, purpose): &(&str, &str, &str)| json!({"methods": methods, "path": path, "purpose": purpose});
        let routes: Vec<Value> = all().map(one).collect();
        let index = json!({"schema": "sirgate.index/1", "routes": routes});
        return json_response(200, "application/json", &index);
    }
    let mut text = format!("sirgate {}\n\n", env!("CARGO_PKG_VERSION"));
    for (methods, path, purpose) in all() {
        text.push_str(&format!("{methods:<15} {path:<28} {purpose}\n"));
    }
    HttpResponse {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "text/plain; charset=utf-8".to_owned(),
        )],
        body: text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_comes_as_text_or_json_and_names_the_routes() {
        let mut request = HttpRequest {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        let text = index(&request, "/pap");
        let text = String::from_utf8(text.body.to_vec()).unwrap();
        assert!(text.contains("POST            /pap "), "{text}");
        assert!(text.contains("/api/v1/events/wait"), "{text}");
        request
            .headers
            .push(("accept".to_owned(), "application/json".to_owned()));
        let json = index(&request, "/push");
        let json: Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(json["routes"][0]["path"], "/push");
        assert_eq!(json["routes"].as_array().unwrap().len(), ROUTES.len() + 1);
    }

    #[test]
    fn only_the_top_is_the_index() {
        for path in ["/", "/api/v1", "/api/v1/"] {
            assert!(is_index("GET", path) && !is_index("POST", path), "{path}");
        }
        assert!(!is_index("GET", "/api/v1/pushes"));
    }
}
