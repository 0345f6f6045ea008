//! Which rows of a message go further than one connection.
//!
//! **Source:** RFC 9110 sections 7.6.1 (Connection), 7.6.3 (Via), 7.8 (Upgrade), 10.1.4 (TE); RFC 7239 (Forwarded).

use std::net::{IpAddr, SocketAddr};

use hyper::header::{
    CONNECTION, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TE, UPGRADE, VIA,
};
use hyper::{Method, Request, Version};

use super::Forwarded;
use crate::codec::site_message::{ASKS, FORM, UNREAD};

/// Rows of one connection (RFC 9110 section 7.6.1).
const OF_CONNECTION: [&str; 6] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
];
/// What only this program understands: nobody else's is passed on, in either direction.
const OURS: [&str; 3] = [ASKS, UNREAD, FORM];
/// Rows without which a message is another one; no `Connection` takes them away.
const NEEDED: [&str; 2] = ["host", "content-length"];

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// The same without the rows of the connection it came on and without ours, in the same order.
pub(super) fn onward(headers: HeaderMap) -> HeaderMap {
    let nominated: Vec<String> = tokens(&headers, &CONNECTION)
        .map(str::to_ascii_lowercase)
        .collect();
    let is_left_out = |name: &HeaderName| {
        let name = name.as_str();
        let is_named = || nominated.iter().any(|own| own == name) && !NEEDED.contains(&name);
        OF_CONNECTION.contains(&name) || OURS.contains(&name) || is_named()
    };
    if !headers.keys().any(is_left_out) {
        return headers;
    }
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut current = None;
    for (name, value) in headers {
        // A further value of the same row comes without its name.
        if let Some(name) = name {
            current = (!is_left_out(&name)).then_some(name);
        }
        if let Some(name) = &current {
            kept.append(name.clone(), value);
        }
    }
    kept
}

/// The members of a list, in all rows of that name.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

fn names(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|own| own.eq_ignore_ascii_case(token))
}

/// True for a client that wants to speak WebSocket; no other change of protocol is passed on.
pub(super) fn wants_websocket<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && names(request.headers(), &CONNECTION, "upgrade")
        && names(request.headers(), &UPGRADE, "websocket")
}

/// True for a client that takes trailers.
pub(super) fn takes_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|coding| {
        let name = coding.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("trailers")
    })
}

/// Asks for WebSocket on the next connection, or agrees to it on the one before.
pub(super) fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Says on the next connection that trailers are taken.
pub(super) fn ask_for_trailers(headers: &mut HeaderMap) {
    headers.append(CONNECTION, HeaderValue::from_static("TE"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// Says who the client is and how it named the site, as far as it is wanted; `host` is the name before we change it.
pub(super) fn tell(
    headers: &mut HeaderMap,
    told: Forwarded,
    peer: Option<SocketAddr>,
    host: Option<&HeaderValue>,
) {
    let by = peer.map(|peer| peer.ip().to_canonical());
    match told {
        Forwarded::Untold => return,
        Forwarded::XForwarded => {
            if let Some(by) = by {
                append(headers, "x-forwarded-for", &by.to_string());
            }
            // Whoever stands before us knows better how the client spoke to it.
            let proto = HeaderValue::from_static("http");
            let before = headers.entry(HeaderName::from_static("x-forwarded-proto"));
            before.or_insert(proto);
            if let Some(host) = host {
                let before = headers.entry(HeaderName::from_static("x-forwarded-host"));
                before.or_insert(host.clone());
            }
        }
        Forwarded::Standard => {
            let mut element = match by {
                Some(IpAddr::V6(ip)) => format!("for=\"[{ip}]\""),
                Some(IpAddr::V4(ip)) => format!("for={ip}"),
                None => "for=unknown".to_owned(),
            };
            if let Some(host) = host.and_then(|host| host.to_str().ok()) {
                element.push_str(&format!(";host=\"{}\"", host.replace(['"', '\\'], "")));
            }
            element.push_str(";proto=http");
            append(headers, FORWARDED.as_str(), &element);
        }
    }
    append(headers, VIA.as_str(), "1.1 sirgate");
}

/// Adds a member at the end of a list.
fn append(headers: &mut HeaderMap, name: &str, member: &str) {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return;
    };
    let before: Vec<&str> = tokens(headers, &name).collect();
    let all = if before.is_empty() {
        member.to_owned()
    } else {
        format!("{}, {member}", before.join(", "))
    };
    if let Ok(all) = HeaderValue::from_str(&all) {
        headers.insert(name, all);
    }
}

/// The host that a request names, once; `None` when it names none or several (RFC 9112 section 3.2).
pub(super) fn host(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut all = headers.get_all(HOST).into_iter();
    let host = all.next()?;
    all.next().is_none().then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let rows = headers.iter();
        rows.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn rows_of_the_connection_and_those_it_names_stay_behind_and_the_rest_keeps_its_order() {
        let headers = rows(&[
            ("host", "site.example"),
            ("connection", "keep-alive, X-Hop"),
            ("accept", "a"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("cookie", "a=1"),
            ("te", "trailers"),
            ("accept", "b"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-connection", "keep-alive"),
            ("x-last", "z"),
        ]);
        assert_eq!(
            shown(&onward(headers)),
            [
                "host: site.example",
                "accept: a",
                "accept: b",
                "cookie: a=1",
                "x-last: z"
            ]
        );
    }

    #[test]
    fn no_connection_row_takes_away_what_the_message_needs() {
        let headers = rows(&[
            ("host", "site.example"),
            ("content-length", "3"),
            ("connection", "Host, Content-Length, close"),
        ]);
        assert_eq!(
            shown(&onward(headers)),
            ["host: site.example", "content-length: 3"]
        );
    }

    #[test]
    fn what_is_ours_is_forged_when_it_comes_from_elsewhere() {
        let headers = rows(&[
            ("sirgate-unread", "new=9, seq=1, rev=1"),
            ("x", "1"),
            ("sirgate-piggyback", "1"),
            ("sirgate-form", "json"),
        ]);
        assert_eq!(shown(&onward(headers)), ["x: 1"]);
    }

    #[test]
    fn the_site_is_told_of_the_client_only_when_that_is_wanted() {
        let before = rows(&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=_x")]);
        let peer = Some("[2001:db8::1]:5".parse().unwrap());
        let host = HeaderValue::from_static("site.example:80");
        let told = |how| {
            let mut headers = before.clone();
            tell(&mut headers, how, peer, Some(&host));
            headers
        };
        assert_eq!(told(Forwarded::Untold), before);
        let row = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        let headers = told(Forwarded::XForwarded);
        assert_eq!(row(&headers, "x-forwarded-for"), "192.0.2.1, 2001:db8::1");
        assert_eq!(row(&headers, "x-forwarded-host"), "site.example:80");
        assert_eq!(row(&headers, "via"), "1.1 sirgate");
        let headers = told(Forwarded::Standard);
        assert_eq!(
            row(&headers, "forwarded"),
            "for=_x, for=\"[2001:db8::1]\";host=\"site.example:80\";proto=http"
        );
    }

    #[test]
    fn trailers_are_taken_by_who_says_so() {
        for (te, takes) in [
            ("trailers", true),
            ("gzip;q=0.5, Trailers", true),
            ("gzip", false),
        ] {
            assert_eq!(takes_trailers(&rows(&[("te", te)])), takes, "{te}");
        }
    }
}
