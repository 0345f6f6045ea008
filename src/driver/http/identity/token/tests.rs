//! Tokens of RFC 7515, and tokens that somebody forged.

use ::hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: Time = Time::from_secs(1_800_000_000);

#[derive(Deserialize)]
struct Vector {
    name: String,
    algorithm: String,
    secret: Option<String>,
    pem: Option<String>,
    token: String,
}

fn vectors() -> Vec<(Vector, Key)> {
    let text = include_str!("../../../../../testdata/identity/tokens.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    let all = [Algorithm::Hs256, Algorithm::Es256, Algorithm::Rs256];
    let with_key = |vector: Vector| {
        let named = all.into_iter().find(|it| it.name() == vector.algorithm);
        let octets = match (&vector.secret, &vector.pem) {
            (Some(secret), _) => decode(secret).unwrap(),
            (None, pem) => pem.clone().unwrap().into_bytes(),
        };
        let key = Key::read(named.unwrap(), &octets).unwrap();
        (vector, key)
    };
    vectors.into_iter().map(with_key).collect()
}

fn tokens(issuer: &str, keys: Vec<Key>) -> Tokens {
    Tokens {
        issuer: issuer.to_owned(),
        audience: "sirgate".to_owned(),
        claim: "sub".to_owned(),
        leeway: Duration::from_secs(30),
        keys,
    }
}

fn ours() -> Tokens {
    let key = Key::read(Algorithm::Hs256, SECRET).unwrap();
    tokens("https://login.example", vec![key])
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(head: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", part(head), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example",
        "aud": "sirgate",
        "sub": "alice",
        "exp": NOW.secs() + 60,
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn judged(claims: &Value) -> Result<String, BadToken> {
    ours().verify(NOW, &signed(&json!({"alg": "HS256"}), claims))
}

#[test]
fn signatures_of_the_rfc_are_believed_and_no_changed_one_is() {
    let mut count = 0;
    for (vector, key) in vectors() {
        let tokens = tokens("joe", vec![key]);
        let whole = tokens.verify(NOW, &vector.token);
        // What is signed is judged: these are over, or are of nobody's concern here.
        let judged = match vector.name.starts_with("rfc") {
            true => BadToken::Audience,
            false => BadToken::Issuer,
        };
        assert_eq!(whole, Err(judged), "{}", vector.name);
        let (signed, signature) = vector.token.rsplit_once('.').unwrap();
        let mut octets = decode(signature).unwrap();
        octets[5] ^= 1;
        let changed = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(octets));
        let changed = tokens.verify(NOW, &changed);
        assert_eq!(changed, Err(BadToken::Signature), "{}", vector.name);
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn a_token_of_our_issuer_for_us_and_of_now_proves_its_subject() {
    assert_eq!(judged(&claims()).as_deref(), Ok("alice"));
    let several = with("aud", json!(["other", "sirgate"]));
    assert_eq!(judged(&several).as_deref(), Ok("alice"));
    let (vector, key) = vectors().pop().unwrap();
    let rsa = tokens("https://login.example", vec![key]);
    assert_eq!(rsa.verify(NOW, &vector.token).as_deref(), Ok("alice"));
    let mut named = ours();
    named.claim = "email".to_owned();
    let token = signed(&json!({"alg": "HS256"}), &with("email", "a@example.com"));
    assert_eq!(named.verify(NOW, &token).as_deref(), Ok("a@example.com"));
}

#[test]
fn a_token_that_says_nothing_signed_it_or_something_else_did_is_refused() {
    let nothing = format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims()));
    assert_eq!(ours().verify(NOW, &nothing), Err(BadToken::Algorithm));
    for algorithm in ["none", "None", "hs256", "HS512", "RS256", "ES256", ""] {
        let token = signed(&json!({"alg": algorithm}), &claims());
        assert_eq!(ours().verify(NOW, &token), Err(BadToken::Algorithm));
    }
    let unnamed = signed(&json!({"typ": "JWT"}), &claims());
    assert_eq!(ours().verify(NOW, &unnamed), Err(BadToken::Algorithm));
    let critical = signed(&json!({"alg": "HS256", "crit": ["exp"]}), &claims());
    assert_eq!(ours().verify(NOW, &critical), Err(BadToken::Critical));
}

#[test]
fn the_public_key_of_the_issuer_is_no_secret_to_sign_with() {
    // Who takes the verifier's public key for a secret of HMAC forges what a verifier without pinned algorithms takes.
    let (vector, key) = vectors().pop().unwrap();
    let pem = vector.pem.unwrap();
    let body = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&claims()));
    let mut mac = Hmac::<Sha256>::new_from_slice(pem.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let forged = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    let rsa = tokens("https://login.example", vec![key]);
    let forged = rsa.verify(NOW, &format!("{body}.{forged}"));
    assert_eq!(forged, Err(BadToken::Algorithm));
}

#[test]
fn what_is_not_for_us_or_not_of_now_is_refused_by_its_claim() {
    let now = NOW.secs();
    for (claims, why) in [
        (with("iss", "https://evil.example"), BadToken::Issuer),
        (
            with("iss", json!(["https://login.example"])),
            BadToken::Form,
        ),
        (with("aud", "other"), BadToken::Audience),
        (with("aud", json!({"sirgate": 1})), BadToken::Audience),
        (with("aud", Value::Null), BadToken::Audience),
        (with("exp", now - 30), BadToken::Expired),
        (with("exp", "4102444800"), BadToken::Form),
        (with("exp", Value::Null), BadToken::Form),
        (with("nbf", now + 31), BadToken::Early),
        (with("nbf", "soon"), BadToken::Form),
        (with("sub", ""), BadToken::Subject),
        (with("sub", 7), BadToken::Form),
    ] {
        assert_eq!(judged(&claims), Err(why), "{claims}");
    }
    for (name, why) in [
        ("iss", BadToken::Issuer),
        ("aud", BadToken::Audience),
        ("exp", BadToken::Expired),
        ("sub", BadToken::Subject),
    ] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(judged(&claims), Err(why), "without {name}");
    }
    // Clocks differ a little.
    assert_eq!(judged(&with("exp", now - 29)).as_deref(), Ok("alice"));
    assert_eq!(judged(&with("nbf", now + 30)).as_deref(), Ok("alice"));
}

#[test]
fn what_is_no_token_is_refused_and_what_never_was_one_is_left_alone() {
    let good = signed(&json!({"alg": "HS256"}), &claims());
    for bad in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        &good[1..],
        &format!("{good}="),
    ] {
        assert!(ours().verify(NOW, bad).is_err(), "{bad}");
    }
    assert!(is_token(&good));
    for other in ["a.b.c", "0123456789abcdef", "e30.e30.x", ""] {
        assert!(!is_token(other), "{other}");
    }
}

#[test]
fn a_key_is_of_its_algorithm_and_not_to_be_guessed() {
    let all = vectors();
    let pem = |name: &str| {
        let found = all.iter().find(|(it, _)| it.name == name);
        found.unwrap().0.pem.clone().unwrap()
    };
    let (rsa, ec) = (pem("rfc7515-a2"), pem("rfc7515-a3"));
    for (algorithm, octets, why) in [
        (Algorithm::Es256, rsa.as_bytes(), BadKey::Kind),
        (Algorithm::Rs256, ec.as_bytes(), BadKey::Kind),
        (Algorithm::Rs256, b"".as_slice(), BadKey::Pem),
        (Algorithm::Es256, SECRET, BadKey::Pem),
        (Algorithm::Hs256, &SECRET[1..], BadKey::Short),
        (Algorithm::Hs256, b"short\n", BadKey::Short),
    ] {
        assert_eq!(Key::read(algorithm, octets).unwrap_err(), why);
    }
    let with_end = [SECRET, b"\n"].concat();
    let key = Key::read(Algorithm::Hs256, &with_end).unwrap();
    let tokens = tokens("https://login.example", vec![key]);
    let token = signed(&json!({"alg": "HS256"}), &claims());
    assert_eq!(tokens.verify(NOW, &token).as_deref(), Ok("alice"));
}

#[test]
fn while_an_issuer_changes_its_key_both_are_good() {
    let other = Key::read(Algorithm::Hs256, b"fedcba9876543210fedcba9876543210").unwrap();
    let mut both = ours();
    both.keys.insert(0, other.clone());
    let token = signed(&json!({"alg": "HS256"}), &claims());
    assert_eq!(both.verify(NOW, &token).as_deref(), Ok("alice"));
    let only = tokens("https://login.example", vec![other]);
    assert_eq!(only.verify(NOW, &token), Err(BadToken::Signature));
}
