//! Whom a listener on loopback serves: programs, and pages of its own; not pages of others that a browser on the same
//! machine has open.
//!
//! A page that made its own name resolve to 127.0.0.1 (DNS rebinding) shows that name in `Host`; a page elsewhere that
//! posts here shows its origin.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

use crate::driver::tls::is_loopback;

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stranger {
    /// `Host` names somebody else.
    #[error("the Host header names neither this machine nor a host this listener is known by")]
    Host,
    /// `Origin` is not this listener.
    #[error("a page of another origin may not use this interface")]
    Origin,
}

/// Checks the headers of a request that came to `local`; `hosts` are names the listener is known by besides.
pub(super) fn check(headers: &HeaderMap, local: IpAddr, hosts: &[String]) -> Result<(), Stranger> {
    let host = headers.get(HOST).map(|host| host.to_str().unwrap_or(""));
    if is_loopback(local) && !host.is_none_or(|host| is_own(host, hosts)) {
        return Err(Stranger::Host);
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("");
    let place = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .or_else(|| of_browser(origin));
    if place.is_some() && place == host {
        Ok(())
    } else {
        Err(Stranger::Origin)
    }
}

/// Firefox itself, which is no page, names the WebSocket that it opens as where it comes from.
fn of_browser(origin: &str) -> Option<&str> {
    let place = origin.strip_prefix("ws://");
    let place = place.or_else(|| origin.strip_prefix("wss://"))?;
    place.split('/').next()
}

/// True for loopback's names and addresses and for the given names, with any port.
fn is_own(host: &str, hosts: &[String]) -> bool {
    let name = without_port(host);
    let bare = name.trim_matches(['[', ']']);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(is_loopback)
        || hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|octet| octet.is_ascii_digit()) && !name.is_empty() =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(local: &str, rows: &[(&'static str, &str)]) -> Result<(), Stranger> {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.insert(*name, value.parse().unwrap());
        }
        check(
            &headers,
            local.parse().unwrap(),
            &["lab.example".to_owned()],
        )
    }

    #[test]
    fn loopback_is_served_under_its_own_names() {
        for host in [
            "127.0.0.1:8642",
            "localhost",
            "LOCALHOST:80",
            "[::1]:8642",
            "127.0.0.1",
            "lab.example:8642",
        ] {
            assert_eq!(judge("127.0.0.1", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(judge("::1", &[]), Ok(()));
    }

    #[test]
    fn a_foreign_name_that_leads_to_loopback_is_refused() {
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "",
            "localhost.evil.example",
        ] {
            assert_eq!(
                judge("127.0.0.1", &[("host", host)]),
                Err(Stranger::Host),
                "{host}"
            );
        }
    }

    #[test]
    fn any_name_serves_beyond_loopback() {
        assert_eq!(judge("192.0.2.1", &[("host", "ppg.example.com")]), Ok(()));
    }

    #[test]
    fn a_page_of_another_origin_is_refused_everywhere() {
        let host = ("host", "127.0.0.1:8642");
        assert_eq!(
            judge("127.0.0.1", &[host, ("origin", "http://127.0.0.1:8642")]),
            Ok(())
        );
        for origin in ["http://evil.example", "null", "http://127.0.0.1:80", ""] {
            assert_eq!(
                judge("127.0.0.1", &[host, ("origin", origin)]),
                Err(Stranger::Origin),
                "{origin}"
            );
        }
        assert_eq!(
            judge(
                "192.0.2.1",
                &[("host", "a.example"), ("origin", "http://b.example")]
            ),
            Err(Stranger::Origin)
        );
    }
}
