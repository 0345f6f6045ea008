//! Signed tokens in the compact form: who says what, and a signature over both texts.
//!
//! **Source:** RFC 7515 sections 3.1, 4.1 and 7.1, RFC 7519 section 4.1, RFC 7518 sections 3.3 (RS256) and 3.4 (ES256).
//! Other algorithms are refused, `none` above all, and so is a token with critical extensions: we know none. Not here:
//! what a token of a service must claim (`codec::apns::provider`, `codec::fcm::grant`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::format::{Decoded, FieldFault, Format};
use super::object::Object;
use super::{Class, DecodeError, Span, hex};
use crate::limits;

pub mod key;

use key::{Key, PublicKey};

/// A token.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| Ok(Decoded::strict(view(&Token::decode(octets)?))),
    spans,
    encode: of_fields,
};

const NAME: &str = "jwt";
const CLAUSE: &str = "RFC 7515 7.1";
/// Octets of a signature of ES256.
const ES256_OCTETS: usize = 64;
/// Octets of a signature of RS256: keys of 2048 (RFC 7518 section 3.3) to 8192 bits.
const RS256_OCTETS: core::ops::RangeInclusive<usize> = 256..=1_024;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// Its name in the header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256]
            .into_iter()
            .find(|own| own.word() == word)
    }

    fn fits(self, octets: usize) -> bool {
        match self {
            Self::Es256 => octets == ES256_OCTETS,
            Self::Rs256 => RS256_OCTETS.contains(&octets),
        }
    }
}

/// A token, read and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// How it claims to be signed.
    pub algorithm: Algorithm,
    /// `kid`: which key of the signer.
    pub key_id: Option<String>,
    /// What it claims; believe it after `is_signed_by` alone.
    pub claims: Map<String, Value>,
    header_text: String,
    claims_text: String,
    /// What was signed: both texts in base64, with a dot between.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// No three parts, no JSON objects, another algorithm, a signature of another length; with the offset.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        if octets.len() > limits::JWT_OCTETS {
            return Err(fault(
                limits::JWT_OCTETS,
                Class::TooLarge,
                "the token's end",
            ));
        }
        let stray = octets.iter().position(|octet| !octet.is_ascii());
        let text = core::str::from_utf8(octets)
            .map_err(|_| fault(stray.unwrap_or_default(), Class::BadValue, "ASCII"))?;
        let parts = Parts::of(text);
        let parts = parts.ok_or_else(|| fault(text.len(), Class::Truncated, "three parts"))?;
        let (header_text, header) = object_of(parts.header)
            .ok_or_else(|| fault(0, Class::BadValue, "a JSON object in base64"))?;
        let (claims_text, claims) = object_of(parts.claims)
            .ok_or_else(|| fault(parts.claims_at, Class::BadValue, "a JSON object in base64"))?;
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm
            .and_then(Algorithm::of_word)
            .ok_or_else(|| fault(0, Class::BadValue, "the algorithm ES256 or RS256"))?;
        if header.contains_key("crit") {
            return Err(fault(0, Class::BadValue, "no critical extensions"));
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(fault(0, Class::BadValue, "a key identifier that is a text")),
        };
        let signature = URL_SAFE_NO_PAD.decode(parts.signature).ok();
        let signature = signature.filter(|octets| algorithm.fits(octets.len()));
        let expected = "a signature in base64, of the algorithm's length";
        Ok(Self {
            algorithm,
            key_id,
            claims,
            header_text,
            claims_text,
            signed: parts.signed,
            signature: signature
                .ok_or_else(|| fault(parts.signature_at, Class::BadValue, expected))?,
        })
    }

    /// True when the owner of that key signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.algorithm() == self.algorithm && key.verifies(self.signed.as_bytes(), &self.signature)
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A claim that is a number of seconds.
    #[must_use]
    pub fn seconds(&self, name: &str) -> Option<u64> {
        self.claims.get(name)?.as_u64()
    }
}

/// A token that claims this, signed; `kid` names the key to its reader.
///
/// # Errors
/// The key cannot sign: it is an RSA key shorter than its signature needs.
pub fn sign(key: &Key, key_id: Option<&str>, claims: &Value) -> Result<String, key::KeyFault> {
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(key.algorithm().word()));
    if let Some(id) = key_id {
        header.insert("kid".to_owned(), json!(id));
    }
    header.insert("typ".to_owned(), json!("JWT"));
    let signed = signed_text(&Value::Object(header).to_string(), &claims.to_string());
    let signature = key.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn signed_text(header: &str, claims: &str) -> String {
    let (header, claims) = (
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims),
    );
    format!("{header}.{claims}")
}

/// The parts of a token, and where each begins.
struct Parts<'a> {
    signed: &'a str,
    header: &'a str,
    claims_at: usize,
    claims: &'a str,
    signature_at: usize,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            signed,
            header,
            claims_at: header.len().saturating_add(1),
            claims,
            signature_at: signed.len().saturating_add(1),
            signature,
        })
    }
}

fn object_of(text: &str) -> Option<(String, Map<String, Value>)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let fields = serde_json::from_str(&text).ok()?;
    Some((text, fields))
}

fn view(token: &Token<'_>) -> Value {
    let mut fields = json!({
        "header": token.header_text,
        "claims": token.claims_text,
        "signature": hex::digits(&token.signature),
        "algorithm": token.algorithm.word(),
    });
    if let (Some(fields), Some(id)) = (fields.as_object_mut(), &token.key_id) {
        fields.insert("key_id".to_owned(), json!(id));
    }
    fields
}

/// The octets of such fields; algorithm and key identifier follow from the header.
fn of_fields(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let known = ["header", "claims", "signature", "algorithm", "key_id"];
    let fields = Object::of(fields, NAME)?.only("jwt.", &known)?;
    let text = |name| {
        let text = fields.text(name)?;
        text.ok_or_else(|| fields.fault(name, "is missing"))
    };
    let signed = signed_text(text("header")?, text("claims")?);
    let signature = fields.octets("signature")?.unwrap_or_default();
    let out = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    match Token::decode(out.as_bytes()) {
        Ok(_) => Ok(out.into_bytes()),
        Err(fault) => Err(FieldFault::new(format_args!(
            "the token would be refused: expected {}",
            fault.expected
        ))),
    }
}

fn spans(octets: &[u8], _: bool) -> Vec<Span> {
    let Ok(token) = Token::decode(octets) else {
        return Vec::new();
    };
    let parts = core::str::from_utf8(octets).ok().and_then(Parts::of);
    let Some(parts) = parts else {
        return Vec::new();
    };
    let span = |at: usize, end: usize, path: &str, value: String| Span {
        at,
        len: end.saturating_sub(at),
        path: format!("{NAME}.{path}"),
        value,
        clause: CLAUSE,
    };
    let signature = hex::digits(&token.signature);
    vec![
        span(0, parts.claims_at, "header", token.header_text),
        span(
            parts.claims_at,
            parts.signature_at,
            "claims",
            token.claims_text,
        ),
        span(parts.signature_at, octets.len(), "signature", signature),
    ]
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: NAME,
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 appendix A.3: the token and its key.
    const RFC7515_A3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn rfc_key() -> PublicKey {
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let point = [vec![4], coordinate(X), coordinate(Y)].concat();
        PublicKey::of_point(&point).unwrap()
    }

    #[test]
    fn the_token_of_the_rfc_is_believed_and_one_bit_less_is_not() {
        let token = Token::decode(RFC7515_A3.as_bytes()).unwrap();
        assert_eq!(token.text("iss"), Some("joe"));
        assert_eq!(token.seconds("exp"), Some(1_300_819_380));
        assert!(token.is_signed_by(&rfc_key()));
        let changed = RFC7515_A3.replace("DtEhU3lj", "DtEhU3lk");
        let token = Token::decode(changed.as_bytes()).unwrap();
        assert!(!token.is_signed_by(&rfc_key()));
    }

    #[test]
    fn tokens_that_openssl_signed_are_believed() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../../testdata/jwt/tokens.json")).unwrap();
        for (name, key) in [
            ("apns-provider", key::tests::es256()),
            ("google-assertion", key::tests::rs256()),
        ] {
            let own = vectors.iter().find(|vector| vector["name"] == name);
            let text = own.unwrap()["text"].as_str().unwrap();
            let token = Token::decode(text.as_bytes()).unwrap();
            assert!(token.is_signed_by(&key.public()), "{name}");
        }
    }

    #[test]
    fn what_either_kind_of_key_signs_its_other_half_believes_alone() {
        let keys = [key::tests::es256(), key::tests::rs256()];
        let claims = json!({"iss": "a"});
        for (own, other) in [(0, 1), (1, 0)] {
            let text = sign(&keys[own], Some("k1"), &claims).unwrap();
            let token = Token::decode(text.as_bytes()).unwrap();
            assert_eq!(token.key_id.as_deref(), Some("k1"));
            assert!(token.is_signed_by(&keys[own].public()));
            assert!(!token.is_signed_by(&keys[other].public()));
        }
    }

    #[test]
    fn a_token_without_a_signature_or_with_extensions_is_refused() {
        let refused = |header: &str, signature: &[u8]| {
            let signature = URL_SAFE_NO_PAD.encode(signature);
            let text = format!("{}.{signature}", signed_text(header, "{}"));
            let fault = Token::decode(text.as_bytes()).unwrap_err();
            (fault.offset, fault.expected)
        };
        let (at, expected) = refused(r#"{"alg":"none"}"#, &[]);
        assert_eq!((at, expected), (0, "the algorithm ES256 or RS256"));
        let (at, expected) = refused(r#"{"alg":"ES256","crit":["exp"]}"#, &[0; 64]);
        assert_eq!((at, expected), (0, "no critical extensions"));
        let (at, _) = refused(r#"{"alg":"RS256"}"#, &[0; 64]);
        assert!(at > 0, "a signature of ES256 is none of RS256");
    }
}
