//! Server and client together, and each against what only an attacker sends.

use bytes::Bytes;

use super::*;
use crate::codec::sip::digest::secret;
use crate::random::Random;

const NOW: Time = Time::from_secs(1_767_261_600);
const URI: &str = "sip:example.com";

fn users() -> BTreeMap<String, Secret> {
    BTreeMap::from([("alice".to_owned(), Secret::Password("secret".to_owned()))])
}

fn server() -> Authenticator {
    Authenticator::new("example.com", [3; 32], users())
}

fn server_with(settings: Settings) -> Authenticator {
    Authenticator::with("example.com", [3; 32], users(), settings, Role::Server)
}

fn request(method: &str, rows: &[(&'static str, String)]) -> Message {
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let text = format!(
        "{method} {URI} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.com>;tag=a\r\nTo: <sip:alice@example.com>\r\nCall-ID: c\r\n\
         CSeq: 1 {method}\r\n{rows}Content-Length: 0\r\n\r\n"
    );
    Message::decode(Bytes::from(text)).unwrap()
}

fn register(rows: &[(&'static str, String)]) -> Message {
    request("REGISTER", rows)
}

/// The rows of a challenge.
fn rows(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::Challenge(rows, false) => rows,
        other => panic!("{other:?}"),
    }
}

/// The server's challenge to a bare REGISTER, as a response.
fn challenge(server: &mut Authenticator) -> Message {
    let bare = register(&[]);
    let rows = rows(server.check(NOW, &bare));
    server.response(&bare, &rows, "t").finish()
}

/// What alice answers with a password, for a number of uses of the nonce.
fn answered(challenge: &Message, password: &str, nc: u32) -> Message {
    let row = answer(
        challenge,
        ("alice", password),
        Method::Register,
        URI,
        nc,
        "0a4f113b",
    );
    register(&[row.unwrap()])
}

fn accepted() -> Verdict {
    Verdict::Accepted("alice".to_owned())
}

#[test]
fn a_request_without_credentials_is_challenged_with_the_best_algorithm_first() {
    let response = challenge(&mut server());
    assert_eq!(response.status(), Some(401));
    let algorithms: Vec<Option<Algorithm>> = response
        .rows(Name::WwwAuthenticate)
        .map(|row| {
            assert!(String::from_utf8_lossy(row).contains("qop=\"auth\""));
            Challenge::decode(row).unwrap().algorithm
        })
        .collect();
    assert_eq!(
        algorithms,
        [
            Some(Algorithm::Sha256),
            Some(Algorithm::Sha512_256),
            Some(Algorithm::Md5)
        ]
    );
}

#[test]
fn the_right_password_is_accepted_and_a_wrong_one_is_asked_again() {
    let mut server = server();
    let challenge = challenge(&mut server);
    assert_eq!(
        server.check(NOW, &answered(&challenge, "secret", 1)),
        accepted()
    );
    rows(server.check(NOW, &answered(&challenge, "wrong", 2)));
}

#[test]
fn every_algorithm_and_protection_is_understood_by_both_ends() {
    for algorithm in Algorithm::ALL {
        for qop in [Qop::Auth, Qop::AuthInt] {
            let mut server = server_with(Settings {
                algorithms: vec![algorithm],
                qop: vec![qop],
                ..Settings::default()
            });
            let challenge = challenge(&mut server);
            for nc in [1, 2] {
                let verdict = server.check(NOW, &answered(&challenge, "secret", nc));
                assert_eq!(verdict, accepted(), "{algorithm:?} {qop:?}");
            }
        }
    }
}

#[test]
fn credentials_are_good_once_for_each_count() {
    let mut server = server();
    let challenge = challenge(&mut server);
    for nc in [1, 2, 4, 3, 0x1_0000] {
        assert_eq!(
            server.check(NOW, &answered(&challenge, "secret", nc)),
            accepted()
        );
    }
    for nc in [1, 3, 0x1_0000] {
        let replay = server.check(NOW, &answered(&challenge, "secret", nc));
        assert!(matches!(replay, Verdict::Challenge(_, true)), "{replay:?}");
    }
}

#[test]
fn a_wrong_password_does_not_use_up_a_count() {
    let mut server = server();
    let challenge = challenge(&mut server);
    rows(server.check(NOW, &answered(&challenge, "wrong", 1)));
    assert_eq!(
        server.check(NOW, &answered(&challenge, "secret", 1)),
        accepted()
    );
}

#[test]
fn an_old_nonce_with_the_right_password_is_stale_and_with_a_wrong_one_is_not() {
    let mut server = server();
    let challenge = challenge(&mut server);
    let later = NOW + Duration::from_secs(301);
    let verdict = server.check(later, &answered(&challenge, "secret", 1));
    let Verdict::Challenge(rows, true) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(rows[0].contains("stale=true"));
    self::rows(server.check(later, &answered(&challenge, "wrong", 1)));
}

#[test]
fn a_nonce_of_another_process_is_stale() {
    let mut other = Authenticator::new("example.com", [4; 32], users());
    let foreign = challenge(&mut other);
    let verdict = server().check(NOW, &answered(&foreign, "secret", 1));
    assert!(matches!(verdict, Verdict::Challenge(_, true)));
}

#[test]
fn ack_and_cancel_are_never_challenged() {
    assert_eq!(server().check(NOW, &request("ACK", &[])), Verdict::Exempt);
    assert_eq!(
        server().check(NOW, &request("CANCEL", &[])),
        Verdict::Exempt
    );
}

#[test]
fn the_uri_counts_as_it_was_written() {
    let mut server = server();
    let challenge = challenge(&mut server);
    let row = answer(
        &challenge,
        ("alice", "secret"),
        Method::Register,
        "sip:192.0.2.5:5060",
        1,
        "x",
    );
    assert_eq!(server.check(NOW, &register(&[row.unwrap()])), accepted());
}

#[test]
fn credentials_for_another_method_are_wrong() {
    let mut server = server();
    let challenge = challenge(&mut server);
    let row = answer(
        &challenge,
        ("alice", "secret"),
        Method::Register,
        URI,
        1,
        "x",
    )
    .unwrap();
    rows(server.check(NOW, &request("MESSAGE", &[row])));
}

#[test]
fn too_many_wrong_passwords_are_answered_no_more() {
    let mut server = server();
    let challenge = challenge(&mut server);
    for nc in 1..10 {
        rows(server.check(NOW, &answered(&challenge, "wrong", nc)));
    }
    assert_eq!(
        server.check(NOW, &answered(&challenge, "wrong", 10)),
        Verdict::Forbidden
    );
    assert_eq!(
        server.check(NOW, &answered(&challenge, "secret", 11)),
        Verdict::Forbidden
    );
    let later = NOW + Duration::from_secs(60);
    assert_eq!(
        server.check(later, &answered(&challenge, "secret", 11)),
        accepted()
    );
}

#[test]
fn a_right_password_wipes_out_the_wrong_ones_before_it() {
    let mut server = server();
    let challenge = challenge(&mut server);
    for nc in (1..10).chain(11..20) {
        rows(server.check(NOW, &answered(&challenge, "wrong", nc)));
        if nc == 9 {
            assert_eq!(
                server.check(NOW, &answered(&challenge, "secret", 10)),
                accepted()
            );
        }
    }
}

#[test]
fn an_unknown_user_is_challenged_like_a_wrong_password() {
    let mut server = server();
    let challenge = challenge(&mut server);
    let row = answer(
        &challenge,
        ("mallory", "secret"),
        Method::Register,
        URI,
        1,
        "x",
    )
    .unwrap();
    rows(server.check(NOW, &register(&[row])));
}

#[test]
fn clients_without_qop_are_let_in_once_a_nonce_and_by_policy_only() {
    let old = |challenge: &Message| {
        let row = challenge.rows(Name::WwwAuthenticate).next().unwrap();
        let text = String::from_utf8_lossy(row).replace(", qop=\"auth\"", "");
        let bare = register(&[]);
        let response = Draft::response(&bare, 401, Some("t"))
            .header("WWW-Authenticate", text)
            .finish();
        answered(&response, "secret", 1)
    };
    let mut strict = server();
    let challenged = challenge(&mut strict);
    rows(strict.check(NOW, &old(&challenged)));
    let mut lenient = server_with(Settings {
        without_qop: true,
        ..Settings::default()
    });
    let challenged = challenge(&mut lenient);
    assert_eq!(lenient.check(NOW, &old(&challenged)), accepted());
    let replay = lenient.check(NOW, &old(&challenged));
    assert!(matches!(replay, Verdict::Challenge(_, true)));
}

#[test]
fn a_user_known_by_hashes_logs_in_with_their_algorithms() {
    let hash = secret(Algorithm::Md5, "bob", "example.com", "pass");
    let hashed = Secret::Hashed(BTreeMap::from([(Algorithm::Md5, hash)]));
    let mut server = server();
    server.users_mut().insert("bob".to_owned(), hashed);
    let first = challenge(&mut server);
    let row = answer(&first, ("bob", "pass"), Method::Register, URI, 1, "x").unwrap();
    let tried = register(&[row]);
    let rows = rows(server.check(NOW, &tried));
    assert_eq!(rows.len(), 1, "only MD5 can help bob");
    let second = server.response(&tried, &rows, "t").finish();
    let row = answer(&second, ("bob", "pass"), Method::Register, URI, 1, "x").unwrap();
    assert_eq!(
        server.check(NOW, &register(&[row])),
        Verdict::Accepted("bob".to_owned())
    );
}

#[test]
fn broken_and_foreign_credentials_are_passed_over() {
    let mut server = server();
    let challenge = challenge(&mut server);
    let row = answer(
        &challenge,
        ("alice", "secret"),
        Method::Register,
        URI,
        1,
        "x",
    )
    .unwrap();
    let foreign = row.1.replace("realm=\"example.com\"", "realm=\"other\"");
    let all = register(&[
        ("Authorization", "Basic YWxpY2U6c2VjcmV0".to_owned()),
        ("Authorization", "Digest nonsense".to_owned()),
        ("Authorization", foreign),
        row,
    ]);
    assert_eq!(server.check(NOW, &all), accepted());
}

#[test]
fn a_proxy_asks_with_407() {
    let settings = Settings::default();
    let mut proxy = Authenticator::with("example.com", [3; 32], users(), settings, Role::Proxy);
    let bare = request("MESSAGE", &[]);
    let rows = rows(proxy.check(NOW, &bare));
    let response = proxy.response(&bare, &rows, "t").finish();
    assert_eq!(response.status(), Some(407));
    let row = answer(&response, ("alice", "secret"), Method::Message, URI, 1, "x").unwrap();
    assert_eq!(row.0, "Proxy-Authorization");
    assert_eq!(proxy.check(NOW, &request("MESSAGE", &[row])), accepted());
}

#[test]
fn a_client_counts_the_uses_of_a_nonce() {
    let (mut server, mut random) = (server(), Random::from_number(1));
    let mut client = Client::new("alice", "secret");
    assert_eq!(client.authorize(Method::Register, URI, b""), []);
    assert_eq!(
        client.challenged(&challenge(&mut server), &mut random),
        Next::Retry
    );
    for count in ["nc=00000001", "nc=00000002", "nc=00000003"] {
        let rows = client.authorize(Method::Register, URI, b"");
        assert!(rows[0].1.contains(count), "{rows:?}");
        assert_eq!(server.check(NOW, &register(&rows)), accepted());
        client.accepted();
    }
}

#[test]
fn a_client_takes_the_topmost_challenge_it_knows() {
    let bare = register(&[]);
    let response = Draft::response(&bare, 401, Some("t"))
        .header("WWW-Authenticate", "Basic realm=\"x\"")
        .header(
            "WWW-Authenticate",
            "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-3",
        )
        .header(
            "WWW-Authenticate",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth-int,auth\"",
        )
        .header(
            "WWW-Authenticate",
            "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256",
        )
        .finish();
    let (_, value) = answer(&response, ("a", "b"), Method::Register, URI, 1, "x").unwrap();
    assert!(
        value.contains("algorithm=MD5") && value.contains("qop=auth,"),
        "{value}"
    );
}

#[test]
fn a_client_gives_up_after_two_refusals() {
    let (mut server, mut random) = (server(), Random::from_number(1));
    let mut client = Client::new("alice", "wrong");
    assert_eq!(
        client.challenged(&challenge(&mut server), &mut random),
        Next::Retry
    );
    assert_eq!(
        client.challenged(&challenge(&mut server), &mut random),
        Next::Retry
    );
    assert_eq!(
        client.challenged(&challenge(&mut server), &mut random),
        Next::GiveUp
    );
    assert_eq!(client.authorize(Method::Register, URI, b""), []);
}

#[test]
fn a_client_does_not_renew_nonces_for_ever() {
    let mut random = Random::from_number(1);
    let mut client = Client::new("alice", "secret");
    let bare = register(&[]);
    let stale = Draft::response(&bare, 401, Some("t"))
        .header(
            "WWW-Authenticate",
            "Digest realm=\"x\", nonce=\"n\", stale=true",
        )
        .finish();
    let tries = (0..10).take_while(|_| client.challenged(&stale, &mut random) == Next::Retry);
    assert_eq!(tries.count(), 4);
}

#[test]
fn what_is_no_challenge_gives_up() {
    let mut random = Random::from_number(1);
    let ok = Draft::response(&register(&[]), 200, Some("t")).finish();
    assert_eq!(
        Client::new("a", "b").challenged(&ok, &mut random),
        Next::GiveUp
    );
}

#[test]
fn a_user_acts_for_the_identity_of_its_name_only() {
    for user in ["alice", "alice@example.com", "sip:alice@example.com"] {
        assert!(is_identity_of(user, "sip:alice@example.com"), "{user}");
    }
    for user in [
        "",
        "bob",
        "alice@example.org",
        "Alice",
        "sips:alice@example.com",
    ] {
        assert!(!is_identity_of(user, "sip:alice@example.com"), "{user}");
    }
    assert!(!is_identity_of("", "sip:example.com"));
}
