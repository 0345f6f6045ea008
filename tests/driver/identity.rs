//! Who a user is found to be, over real sockets; and what becomes of what somebody forged.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use sirgate::driver::identity::{Algorithm, Identity, Key, Proxies, Tokens};
use sirgate::driver::tls::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::node::{setup, tcp};
use crate::site::{Answer, Site, ask};

const MINE: &str = "GET /api/v1/accounts/alice/messages";
const HIS: &str = "GET /api/v1/accounts/bob/messages";

fn sessions() -> Identity {
    Identity {
        sessions: true,
        ..Identity::default()
    }
}

/// Alice sees what is hers and nothing of bob's.
async fn is_alice(site: &Site, rows: &[(&str, &str)]) {
    let own = site.ask(MINE, rows, "").await;
    assert_eq!(
        (own.status, title(&own)),
        (200, json!("for alice")),
        "{own:?}"
    );
    let other = site.ask(HIS, rows, "").await;
    assert_eq!(other.status, 403, "{other:?}");
    assert!(!other.body.contains("for bob"));
}

/// Nobody is known, and nothing is told.
async fn is_nobody(site: &Site, rows: &[(&str, &str)]) -> Answer {
    let refused = site.ask(MINE, rows, "").await;
    assert_eq!(refused.status, 401, "{rows:?}: {refused:?}");
    assert!(!refused.body.contains("for alice"));
    refused
}

fn title(answer: &Answer) -> Value {
    answer.json()["messages"][0]["title"].clone()
}

async fn with_messages(site: &Site) {
    site.publish("alice", "for alice").await;
    site.publish("bob", "for bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_4_a_password_begins_a_session_and_its_cookie_is_its_user() {
    let site = Site::new(sessions(), None);
    with_messages(&site).await;
    is_nobody(&site, &[]).await;
    let (cookie, csrf) = site.login("alice").await;
    assert!(cookie.len() >= "sirgate=".len() + 32, "{cookie}");
    let shown = [("Cookie", cookie.as_str())];
    is_alice(&site, &shown).await;
    let who = site.ask("GET /api/v1/sessions", &shown, "").await;
    assert_eq!(who.json()["account"], "sip:alice@example.com");
    assert_eq!(who.row("sirgate-csrf"), Some(csrf.as_str()));
    // A cookie that was changed, or is over, is none; two are nobody's.
    let mut changed = cookie.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == 'a' { 'b' } else { 'a' });
    is_nobody(&site, &[("Cookie", &changed)]).await;
    let (bobs, _) = site.login("bob").await;
    is_nobody(&site, &[("Cookie", &format!("{cookie}; {bobs}"))]).await;
    is_nobody(&site, &[("Cookie", &cookie), ("Cookie", &bobs)]).await;
    let rows = [("Cookie", cookie.as_str()), ("Sirgate-Csrf", &csrf)];
    let ended = site.ask("DELETE /api/v1/sessions", &rows, "").await;
    assert_eq!(ended.status, 204);
    let gone = ended.rows("set-cookie");
    assert!(gone.iter().all(|row| row.contains("Max-Age=0")), "{gone:?}");
    is_nobody(&site, &shown).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_tell_nothing_and_cost_time() {
    let site = Site::new(sessions(), None);
    let login =
        |name: &str, password: &str| json!({ "account": name, "password": password }).to_string();
    let begin = "POST /api/v1/sessions";
    let wrong = site.ask(begin, &[], &login("alice", "guess")).await;
    let nobody = site.ask(begin, &[], &login("mallory", "guess")).await;
    assert_eq!((wrong.status, &wrong.body), (401, &nobody.body));
    assert!(wrong.rows("set-cookie").is_empty());
    let mut last = wrong;
    for _ in 0..12 {
        last = site.ask(begin, &[], &login("alice", "guess")).await;
    }
    assert_eq!(last.status, 429, "{last:?}");
    assert!(last.row("retry-after").is_some());
    site.end().await;
}

struct Issuing {
    secret: Vec<u8>,
    pair: EcdsaKeyPair,
    tokens: Tokens,
}

/// An issuer with one key of each algorithm; that of RSA is the public half of a key that was thrown away.
fn issuing() -> Issuing {
    let secret = b"a secret of more than 32 octets in all".to_vec();
    let made = KeyPair::generate().unwrap();
    let random = SystemRandom::new();
    let octets = made.serialize_der();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &octets, &random).unwrap();
    let keys = [
        Key::read(Algorithm::Hs256, &secret),
        Key::read(Algorithm::Es256, made.public_key_pem().as_bytes()),
        Key::read(Algorithm::Rs256, rsa().0.as_bytes()),
    ];
    Issuing {
        secret,
        pair,
        tokens: Tokens {
            issuer: "https://login.example".to_owned(),
            audience: "sirgate".to_owned(),
            claim: "sub".to_owned(),
            leeway: Duration::from_secs(30),
            keys: keys.map(Result::unwrap).to_vec(),
        },
    }
}

/// A public key in PEM, and alice's token until the year 2100.
fn rsa() -> (String, String) {
    let vectors: Value =
        serde_json::from_str(include_str!("../../testdata/identity/tokens.json")).unwrap();
    let mut vectors = vectors.as_array().unwrap().iter();
    let own = vectors.find(|it| it["name"] == "rs256-until-2100").unwrap();
    let text = |name: &str| own[name].as_str().unwrap().to_owned();
    (text("pem"), text("token"))
}

impl Issuing {
    fn signed(&self, algorithm: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({ "alg": algorithm, "typ": "JWT" });
        let signed = format!("{}.{}", part(&head), part(claims));
        let signature = match algorithm {
            "HS256" => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.secret);
                let tag = ring::hmac::sign(&key, signed.as_bytes());
                tag.as_ref().to_vec()
            }
            "ES256" => {
                let random = SystemRandom::new();
                let signature = self.pair.sign(&random, signed.as_bytes()).unwrap();
                signature.as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn claims(end: u64) -> Value {
    json!({ "iss": "https://login.example", "aud": "sirgate", "sub": "alice", "exp": end })
}

/// Far from now, either way.
const LATER: u64 = 4_102_444_800;
const BEFORE: u64 = 1_600_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn r4_4_a_token_of_the_issuer_is_its_user_and_a_forged_one_is_nobody() {
    let issuing = issuing();
    let identity = Identity {
        tokens: Some(issuing.tokens.clone()),
        ..sessions()
    };
    let site = Site::new(identity, None);
    with_messages(&site).await;
    for algorithm in ["HS256", "ES256"] {
        let token = issuing.signed(algorithm, &claims(LATER));
        is_alice(&site, &[("Authorization", &token)]).await;
    }
    is_alice(&site, &[("Authorization", &format!("Bearer {}", rsa().1))]).await;
    let mut elsewhere = claims(LATER);
    elsewhere["aud"] = json!("another site");
    let forged = [
        issuing.signed("none", &claims(LATER)),
        issuing.signed("RS256", &claims(LATER)),
        issuing.signed("HS256", &claims(BEFORE)),
        issuing.signed("ES256", &elsewhere),
    ];
    for token in &forged {
        let refused = is_nobody(&site, &[("Authorization", token)]).await;
        let challenge = refused.row("www-authenticate").unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
    }
    // Beside a good cookie a forged token is no less forged, and a token of another user is of another.
    let (cookie, _) = site.login("bob").await;
    for token in [&forged[0], &issuing.signed("HS256", &claims(LATER))] {
        let rows = [("Cookie", cookie.as_str()), ("Authorization", token)];
        is_nobody(&site, &rows).await;
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_4_a_header_is_believed_from_the_proxy_and_from_nobody_else() {
    let proxy = |network: &str| Identity {
        proxies: Some(Proxies {
            header: "x-user".to_owned(),
            networks: vec![network.parse().unwrap()],
        }),
        ..Identity::default()
    };
    let site = Site::new(proxy("127.0.0.0/8"), None);
    with_messages(&site).await;
    is_alice(&site, &[("X-User", "alice")]).await;
    is_nobody(&site, &[("X-User", "alice"), ("X-User", "bob")]).await;
    is_nobody(&site, &[]).await;
    site.end().await;
    let site = Site::new(proxy("192.0.2.0/24"), None);
    with_messages(&site).await;
    is_nobody(&site, &[("X-User", "alice")]).await;
    // The name under which the driver tells the node is none that a client can send.
    let said = site.ask(MINE, &[(":account", "alice")], "").await;
    assert_eq!(said.status, 400, "{said:?}");
    is_nobody(&site, &[("account", "alice"), ("x-account", "alice")]).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_4_the_name_in_a_verified_certificate_is_its_user() {
    let mut own = setup();
    let (tls, pem) = Tls::default().serve_self_signed(&["localhost"]).unwrap();
    let (signer, signed) = authority();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signer).unwrap();
    own.tls = tls.know_clients(file.path()).unwrap();
    own.https.push(tcp());
    let identity = Identity {
        certificates: true,
        ..Identity::default()
    };
    let site = Site::with(own, identity, None);
    with_messages(&site).await;
    let https = site.handle.addresses().https[0];
    for (name, status) in [(Some("alice"), 200), (Some("bob"), 403), (None, 401)] {
        let stream = TcpStream::connect(https).await.unwrap();
        let connector = connector(&pem, name.map(&signed));
        let localhost = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(localhost, stream).await.unwrap();
        let answer = ask(stream, MINE, &[], "").await;
        assert_eq!(answer.status, status, "{name:?} {answer:?}");
        assert_eq!(answer.body.contains("for alice"), status == 200);
    }
    site.end().await;
}

type Certified = (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>);

/// Somebody who signs certificates, in PEM, and its certificates for names.
fn authority() -> (String, impl Fn(&str) -> Certified) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = parameters.self_signed(&key).unwrap();
    let issuer = Issuer::new(parameters, key);
    let signed = move |name: &str| {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let made = parameters.signed_by(&key, &issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (made.der().clone(), key)
    };
    (own.pem(), signed)
}

fn connector(server: &str, own: Option<Certified>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let server = CertificateDer::from_pem_slice(server.as_bytes()).unwrap();
    roots.add(server).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key.into()),
        None => Ok(builder.with_no_client_auth()),
    };
    TlsConnector::from(Arc::new(config.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_session_only_pages_of_ours_change_anything() {
    let site = Site::new(sessions(), None);
    let (cookie, csrf) = site.login("alice").await;
    let (_, other) = site.login("alice").await;
    let body = json!({ "to": "bob", "title": "hello" }).to_string();
    let write = "POST /api/v1/apps/site/messages";
    let with = |rows: &[(&'static str, &str)]| {
        let own = rows
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let rows: Vec<_> = own.chain([("Cookie", cookie.clone())]).collect();
        let (site, body) = (&site, body.clone());
        async move {
            let rows: Vec<_> = rows.iter().map(|(name, it)| (*name, it.as_str())).collect();
            site.ask(write, &rows, &body).await
        }
    };
    for rows in [
        &[][..],
        &[("Sirgate-Csrf", "")],
        &[("Sirgate-Csrf", other.as_str())],
        &[("Sirgate-Csrf", &csrf), ("Sec-Fetch-Site", "cross-site")],
        &[("Sirgate-Csrf", &csrf), ("Sec-Fetch-Site", "same-site")],
        &[("Sirgate-Csrf", &csrf), ("Origin", "http://evil.example")],
        &[("Sirgate-Csrf", &csrf), ("Origin", "null")],
    ] {
        let refused = with(rows).await;
        assert_eq!(refused.status, 403, "{rows:?} {refused:?}");
        let kind = refused.row("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{rows:?}");
    }
    let shown = [
        ("Sirgate-Csrf", csrf.as_str()),
        ("Origin", "http://localhost"),
    ];
    assert_eq!(with(&shown).await.status, 201);
    // Only what passed has arrived.
    let (bobs, _) = site.login("bob").await;
    let his = site.ask(HIS, &[("Cookie", &bobs)], "").await;
    assert_eq!(his.json()["messages"].as_array().unwrap().len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_46_one_user_writes_to_another_in_his_own_name_only() {
    let site = Site::new(sessions(), None);
    let (cookie, csrf) = site.login("alice").await;
    let rows = [("Cookie", cookie.as_str()), ("Sirgate-Csrf", &csrf)];
    let post = async |app: &str, body: Value| {
        let line = format!("POST /api/v1/apps/{app}/messages");
        site.ask(&line, &rows, &body.to_string()).await
    };
    let sent = post("site", json!({ "to": "bob", "title": "lunch?" })).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let named = json!({ "to": "bob", "title": "x", "from": "sip:carol@example.com" });
    assert_eq!(post("site", named).await.status, 403);
    assert_eq!(
        post("mail", json!({ "to": "bob", "title": "x" }))
            .await
            .status,
        401
    );
    assert_eq!(
        post("site", json!({ "to": "nobody", "title": "x" }))
            .await
            .status,
        404
    );
    let (cookie, _) = site.login("bob").await;
    let his = site.ask(HIS, &[("Cookie", &cookie)], "").await.json();
    let messages = his["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["title"], "lunch?");
    assert_eq!(messages[0]["from"], "sip:alice@example.com");
    site.end().await;
}
