//! The cookies of a session: one that proves it, which no script can read, and one that a page reads to prove itself.
//!
//! **Source:** RFC 6265 sections 4.1 (`Set-Cookie`) and 4.2 (`Cookie`); draft-ietf-httpbis-rfc6265bis section 4.1.3
//! (`__Host-`: a name that browsers take over TLS alone, and from nobody but this very host).

use core::time::Duration;

/// The cookie of a session, without TLS and with it.
const SESSION: (&str, &str) = ("sirgate", "__Host-sirgate");
/// The cookie with what pages show beside it.
const CSRF: (&str, &str) = ("sirgate-csrf", "__Host-sirgate-csrf");

/// The name of the cookie of a session.
#[must_use]
pub const fn name(is_tls: bool) -> &'static str {
    if is_tls { SESSION.1 } else { SESSION.0 }
}

/// The values of the cookies of that name in rows of `Cookie`.
pub fn values<'a>(
    rows: impl Iterator<Item = &'a str>,
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let pairs = rows.flat_map(|row| row.split(';'));
    pairs.filter_map(move |pair| {
        let (own, value) = pair.trim().split_once('=')?;
        (own == name).then(|| value.trim_matches('"'))
    })
}

/// What begins a session in a browser: two values of `Set-Cookie`.
#[must_use]
pub fn begin(token: &str, csrf: &str, lifetime: Duration, is_tls: bool) -> [String; 2] {
    let age = lifetime.as_secs();
    [
        row(name(is_tls), token, age, "; HttpOnly; SameSite=Lax", is_tls),
        row(csrf_name(is_tls), csrf, age, "; SameSite=Strict", is_tls),
    ]
}

/// What ends it.
#[must_use]
pub fn end(is_tls: bool) -> [String; 2] {
    begin("", "", Duration::ZERO, is_tls)
}

const fn csrf_name(is_tls: bool) -> &'static str {
    if is_tls { CSRF.1 } else { CSRF.0 }
}

fn row(name: &str, value: &str, age: u64, rest: &str, is_tls: bool) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={age}{rest}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_every_one_of_its_name_is_seen() {
        let rows = ["a=1; sirgate=x", "xsirgate=y;sirgate=\"z\"", "sirgate"];
        let found: Vec<&str> = values(rows.into_iter(), "sirgate").collect();
        assert_eq!(found, ["x", "z"]);
    }

    #[test]
    fn scripts_cannot_read_the_session_and_tls_keeps_both_to_itself() {
        let day = Duration::from_secs(86_400);
        let [session, csrf] = begin("t", "c", day, false);
        assert_eq!(
            session,
            "sirgate=t; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            csrf,
            "sirgate-csrf=c; Path=/; Max-Age=86400; SameSite=Strict"
        );
        for row in begin("t", "c", day, true) {
            assert!(row.starts_with("__Host-sirgate"), "{row}");
            assert!(row.ends_with("; Secure"), "{row}");
        }
        assert!(end(false)[0].starts_with("sirgate=; Path=/; Max-Age=0"));
    }
}
