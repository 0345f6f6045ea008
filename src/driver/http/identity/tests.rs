//! What requests show, and who they are taken for.

use super::*;

const NOW: Time = Time::from_secs(1_800_000_000);

struct Book;

impl Logins for Book {
    async fn account(&self, token: &str) -> Option<String> {
        let known = [("t1", "alice"), ("t2", "bob")];
        let found = known.into_iter().find(|(known, _)| *known == token);
        found.map(|(_, account)| account.to_owned())
    }
}

fn every_source() -> Identity {
    Identity {
        sessions: true,
        tokens: None,
        certificates: true,
        proxies: Some(Proxies {
            header: "x-user".to_owned(),
            networks: vec!["127.0.0.0/8".parse().unwrap()],
        }),
    }
}

/// What a request from there with these rows, and perhaps a certificate, is judged to be.
fn judge(
    identity: &Identity,
    (peer, is_tls, certified): (&str, bool, Option<&str>),
    rows: &[(&'static str, &str)],
) -> Result<Option<Verified>, Refused> {
    let mut headers = HeaderMap::new();
    for (name, value) in rows {
        headers.append(*name, value.parse().unwrap());
    }
    let shown = Shown {
        now: NOW,
        peer: peer.parse().unwrap(),
        is_tls,
        certified,
        headers: &headers,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(identity.verify(shown, &Book))
}

const NEAR: (&str, bool, Option<&str>) = ("127.0.0.1", false, None);
const FAR: (&str, bool, Option<&str>) = ("192.0.2.7", false, None);

fn user(account: &str, by: By) -> Result<Option<Verified>, Refused> {
    Ok(Some(Verified {
        account: account.to_owned(),
        by,
    }))
}

#[test]
fn nobody_is_known_without_a_source_or_a_proof() {
    let all = [("cookie", "sirgate=t1"), ("x-user", "alice")];
    let none = judge(
        &Identity::default(),
        ("127.0.0.1", true, Some("alice")),
        &all,
    );
    assert_eq!(none, Ok(None));
    assert_eq!(judge(&every_source(), NEAR, &[]), Ok(None));
}

#[test]
fn a_proxy_is_believed_where_it_is_known_and_nobody_else_is() {
    let rows = [("x-user", "alice")];
    let identity = every_source();
    assert_eq!(judge(&identity, NEAR, &rows), user("alice", By::Proxy));
    assert_eq!(judge(&identity, FAR, &rows), Ok(None));
    for rows in [
        &[("x-user", "alice"), ("x-user", "bob")][..],
        &[("x-user", "alice, bob")],
        &[("x-user", "")],
    ] {
        assert_eq!(
            judge(&identity, NEAR, rows),
            Err(Refused::Proxy),
            "{rows:?}"
        );
        assert_eq!(judge(&identity, FAR, rows), Ok(None));
    }
    let mut headers = HeaderMap::new();
    headers.append("x-user", "alice".parse().unwrap());
    headers.append("x-user", "bob".parse().unwrap());
    headers.append("x-other", "1".parse().unwrap());
    identity.strip(&mut headers);
    assert_eq!(headers.len(), 1);
}

#[test]
fn two_sessions_at_once_are_nobodys_and_one_that_is_over_is_none() {
    let identity = every_source();
    let one = [("cookie", "a=b; sirgate=t1")];
    let session = By::Session("t1".to_owned());
    assert_eq!(judge(&identity, FAR, &one), user("alice", session));
    for two in [
        &[("cookie", "sirgate=t1; sirgate=t2")][..],
        &[("cookie", "sirgate=t1"), ("cookie", "sirgate=t1")],
        &[("cookie", "sirgate=gone; sirgate=t2")],
    ] {
        assert_eq!(judge(&identity, FAR, two), Err(Refused::Cookies), "{two:?}");
    }
    assert_eq!(
        judge(&identity, FAR, &[("cookie", "sirgate=gone")]),
        Ok(None)
    );
    // In TLS the cookie has the name that nobody else can set.
    let tls = ("192.0.2.7", true, None);
    assert_eq!(judge(&identity, tls, &one), Ok(None));
    let host = [("cookie", "__Host-sirgate=t2")];
    let session = By::Session("t2".to_owned());
    assert_eq!(judge(&identity, tls, &host), user("bob", session));
}

#[test]
fn proofs_of_different_users_prove_nobody() {
    let certified = ("127.0.0.1", true, Some("alice"));
    let identity = every_source();
    let other = [("x-user", "bob")];
    let verdict = judge(&identity, certified, &other);
    assert_eq!(verdict, Err(Refused::Contradiction));
    let same = [("x-user", "alice")];
    let verdict = judge(&identity, certified, &same);
    assert_eq!(verdict, user("alice", By::Certificate));
    let unnamed = ("192.0.2.7", true, Some(""));
    assert_eq!(judge(&identity, unnamed, &[]), Ok(None));
}
