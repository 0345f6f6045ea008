//! Tests of digest authentication: published values, and messages there and back.

use super::*;

fn vector(algorithm: Algorithm, qop: Option<Qop>) -> String {
    let secret = secret(algorithm, "alice", "example.com", "secret");
    response(
        algorithm,
        &secret,
        &Question {
            nonce: "dcd98b7102dd2f0e",
            method: "REGISTER",
            uri: "sip:example.com",
            body: b"",
            count: qop.map(|qop| (qop, 10)),
            cnonce: Some("0a4f113b"),
        },
    )
}

#[test]
fn md5_gives_the_published_values() {
    let md5 = |qop| vector(Algorithm::Md5, qop);
    assert_eq!(md5(None), "8312171190277742012fe512f7c40ad8");
    assert_eq!(md5(Some(Qop::Auth)), "b9c3c354cae4137afafae25f6d00ec73");
    assert_eq!(md5(Some(Qop::AuthInt)), "603c5a28b68d74524b7578ea2e4a67c2");
    assert_eq!(
        vector(Algorithm::Md5Sess, Some(Qop::Auth)),
        "1ef19a07a476ed61b898867db1b1117e"
    );
}

#[test]
fn sha_256_gives_the_published_values() {
    let sha = |qop| vector(Algorithm::Sha256, qop);
    assert_eq!(
        sha(None),
        "f8f98fe7cbb88c07b0af7056b82f3e6de4c25ca588190e98443c13748612d993"
    );
    assert_eq!(
        sha(Some(Qop::Auth)),
        "816c388e07e81ab1f1969ed2817931b9497eaf7502fc658c17b68a1d72136ff0"
    );
    assert_eq!(
        sha(Some(Qop::AuthInt)),
        "c8e1ee53b35d3f10633f40871b4ab5c97d54c13cdedf6523224339b235c4a19e"
    );
    assert_eq!(
        vector(Algorithm::Sha256Sess, Some(Qop::Auth)),
        "7308fe9fff35d9a9751f67f4d357143619b04bb4b1668906002b259aee88906b"
    );
}

#[test]
fn sha_512_256_gives_the_published_values() {
    let sha = |qop| vector(Algorithm::Sha512_256, qop);
    assert_eq!(
        sha(None),
        "4d0861308e0640ca2a3c54d6fa6246a1735d901cf2f2965dee623a954a9b1429"
    );
    assert_eq!(
        sha(Some(Qop::Auth)),
        "e98fcd41d442da23adfbd4c707726979b01ba4a1fb519bc3f676da1d9141bbb2"
    );
    assert_eq!(
        sha(Some(Qop::AuthInt)),
        "9455fd5a79107376a953ddf9e0b7454b4f3869b901155c91b9d3fa97b71a4b2d"
    );
    assert_eq!(
        vector(Algorithm::Sha512_256Sess, Some(Qop::Auth)),
        "e0bbd9917c337629c8b9333643d2d4d36d5f5d7270727d5490cfa20039a4f692"
    );
}

#[test]
fn credentials_are_checked_with_the_tenth_use_of_a_nonce() {
    let text = "Digest username=\"alice\", realm=\"example.com\", nonce=\"dcd98b7102dd2f0e\", \
        uri=\"sip:example.com\", response=\"816C388e07e81ab1f1969ed2817931b9497eaf7502fc658c17b68a1d72136ff0\", \
        algorithm=SHA-256, cnonce=\"0a4f113b\", qop=auth, nc=0000000a, new=\"x\"";
    let credentials = Credentials::decode(text.as_bytes()).unwrap();
    assert_eq!(credentials.nc, Some(10));
    assert!(credentials.is_right("secret", "REGISTER", b""));
    assert!(!credentials.is_right("Secret", "REGISTER", b""));
    assert!(!credentials.is_right("secret", "MESSAGE", b""));
}

#[test]
fn a_challenge_comes_back_as_it_was() {
    let challenge = Challenge {
        realm: "a \"b\" \\c".to_owned(),
        nonce: "n".to_owned(),
        opaque: Some(String::new()),
        algorithm: Some(Algorithm::Sha512_256),
        qop: vec![Qop::Auth, Qop::AuthInt],
        stale: true,
    };
    let text = challenge.to_string();
    assert_eq!(
        text,
        "Digest realm=\"a \\\"b\\\" \\\\c\", nonce=\"n\", opaque=\"\", stale=true, algorithm=SHA-512-256, qop=\"auth,auth-int\""
    );
    assert_eq!(Challenge::decode(text.as_bytes()).unwrap(), challenge);
}

#[test]
fn credentials_come_back_as_they_were() {
    let text = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"00\", algorithm=MD5, \
        cnonce=\"c\", opaque=\"o\", qop=auth, nc=00000001";
    assert_eq!(
        Credentials::decode(text.as_bytes()).unwrap().to_string(),
        text
    );
}

#[test]
fn an_unknown_algorithm_is_no_error_and_never_right() {
    let challenge = Challenge::decode(b"digest realm=x, nonce=y, algorithm=FOO-1").unwrap();
    assert_eq!(challenge.algorithm, None);
    assert_eq!(challenge.qop, []);
}

#[test]
fn faults_name_the_octet() {
    let refused = |text: &str| Challenge::decode(text.as_bytes()).unwrap_err().offset;
    assert_eq!(refused("NoOneKnowsThisScheme opaque-data=here"), 0);
    assert_eq!(refused("Digest"), 0);
    assert_eq!(refused("Digest realm=\"x\" nonce=\"y\""), 17);
    assert_eq!(refused("Digest realm=\"x\", realm=\"y\""), 18);
    assert_eq!(refused("Digest realm"), 12);
    assert_eq!(refused("Digest realm=\"x\""), 16);
    let error = Credentials::decode(b"Digest nc=1, username=x").unwrap_err();
    assert_eq!(error.expected, "eight hexadecimal digits of nc");
}
