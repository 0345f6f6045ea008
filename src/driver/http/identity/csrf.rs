//! Whether a page of ours sent a request that a browser lends its user's proof to.
//!
//! **Source:** the OWASP cheat sheet on cross-site request forgery (a token that is bound to the session, beside what
//! browsers say in `Sec-Fetch-Site`, W3C Fetch Metadata). The token is a keyed digest of the session's own token: it needs no
//! record, nobody can make it who cannot read the session's cookie, and it is of no use with any other session.
//! Not here: requests that name a foreign origin, which are refused whoever sends them (`guard`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::{HeaderMap, Method};
use sha2::Sha256;

use super::{By, Verified};

/// The header that pages show the token in.
pub const HEADER: &str = "sirgate-csrf";
/// What browsers say of the page that a request comes from.
const SITE: &str = "sec-fetch-site";
/// Sets these digests apart from all others.
const PURPOSE: &[u8] = b"sirgate csrf 1";

/// Why a request is not believed to come from a page of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    /// The browser says that it comes from another site.
    #[error("a page of another site may change nothing here")]
    Site,
    /// It does not show the token.
    #[error("the header Sirgate-Csrf must bear what the cookie of that name says")]
    Token,
}

/// What pages show in a session.
#[must_use]
pub fn token(session: &str) -> String {
    mac(session).map_or_else(String::new, |mac| {
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    })
}

/// Checks a request; one that changes nothing may come from everywhere, and what no browser sends by itself needs no token.
///
/// # Errors
/// When it must be taken for another site's.
pub fn check(method: &Method, headers: &HeaderMap, user: Option<&Verified>) -> Result<(), Forgery> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let site = headers.get(SITE).map(|site| site.as_bytes());
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        return Err(Forgery::Site);
    }
    let Some(By::Session(session)) = user.map(|user| &user.by) else {
        return Ok(());
    };
    let mut rows = headers.get_all(HEADER).iter();
    let (Some(row), None) = (rows.next(), rows.next()) else {
        return Err(Forgery::Token);
    };
    let claimed = URL_SAFE_NO_PAD.decode(row.as_bytes()).unwrap_or_default();
    let own = mac(session).ok_or(Forgery::Token)?;
    // Compares in constant time.
    own.verify_slice(&claimed).map_err(|_| Forgery::Token)
}

fn mac(session: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(session.as_bytes()).ok()?;
    mac.update(PURPOSE);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(session: &str) -> Verified {
        Verified {
            account: "alice".to_owned(),
            by: By::Session(session.to_owned()),
        }
    }

    fn judge(rows: &[(&'static str, &str)], by: &Verified) -> Result<(), Forgery> {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            headers.append(*name, value.parse().unwrap());
        }
        check(&Method::POST, &headers, Some(by))
    }

    #[test]
    fn the_token_of_one_session_is_of_no_use_in_another() {
        let (mine, other) = (token("mine"), token("other"));
        assert_ne!(mine, other);
        let by = user("mine");
        assert_eq!(judge(&[(HEADER, &mine)], &by), Ok(()));
        assert_eq!(judge(&[(HEADER, &other)], &by), Err(Forgery::Token));
        for rows in [&[][..], &[(HEADER, "")], &[(HEADER, "mine")]] {
            assert_eq!(judge(rows, &by), Err(Forgery::Token), "{rows:?}");
        }
        let twice = [(HEADER, mine.as_str()), (HEADER, other.as_str())];
        assert_eq!(judge(&twice, &by), Err(Forgery::Token));
    }

    #[test]
    fn a_page_elsewhere_changes_nothing_even_with_the_token() {
        let mine = token("mine");
        let by = user("mine");
        for (site, verdict) in [
            ("same-origin", Ok(())),
            ("none", Ok(())),
            ("same-site", Err(Forgery::Site)),
            ("cross-site", Err(Forgery::Site)),
            ("", Err(Forgery::Site)),
        ] {
            let rows = [(HEADER, mine.as_str()), (SITE, site)];
            assert_eq!(judge(&rows, &by), verdict, "{site}");
        }
    }

    #[test]
    fn what_no_browser_sends_by_itself_needs_no_token_and_looking_needs_none() {
        let by = Verified {
            by: By::Token,
            ..user("")
        };
        assert_eq!(judge(&[], &by), Ok(()));
        let looked = check(&Method::GET, &HeaderMap::new(), Some(&user("mine")));
        assert_eq!(looked, Ok(()));
    }
}
