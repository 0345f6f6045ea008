//! Who sends a push: a token that the application server signed, and the key to check it with.
//!
//! **Source:** RFC 8292 sections 2, 3 and 4; the token is RFC 7519 in the compact form of RFC 7515 with ES256.

use core::time::Duration;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde_json::{Map, Value, json};

use super::encryption::KeyPair;
use super::{PublicKey, of_text, public_key, to_text};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::{Class, DecodeError, Span, hex};
use crate::limits;
use crate::time::Time;

/// The value of an Authorization header with the scheme `vapid`.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        let mut spans = Vec::new();
        Ok(Decoded::strict(view(&Vapid::read(octets, &mut spans)?)))
    },
    spans: |octets, _| {
        let mut spans = Vec::new();
        // The fault itself is told by `decode`.
        let _ = Vapid::read(octets, &mut spans);
        spans
    },
    encode: of_fields,
};

const NAME: &str = "vapid";
const CLAUSE: &str = "RFC 8292 3";
/// The scheme of the Authorization header.
pub const SCHEME: &str = "vapid";
/// How long a token may be good for, from when it is shown.
pub const LONGEST: Duration = Duration::from_secs(86_400);
/// How much the clocks of a sender and of a service may differ.
const SKEW: Duration = Duration::from_secs(60);
/// Octets of a signature.
const SIGNATURE_OCTETS: usize = 64;
/// The header of every token we write.
const OWN_HEADER: &str = r#"{"alg":"ES256","typ":"JWT"}"#;

/// A token and its key, read and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vapid<'a> {
    /// The key that signed, as is claimed; who holds it is who it says.
    pub key: PublicKey,
    /// What was signed: both texts in base64, with a dot between.
    signed: &'a str,
    header: String,
    claims: String,
    signature: [u8; SIGNATURE_OCTETS],
    claim: Claim,
    /// Further parameters: names and values.
    others: Vec<(&'a str, &'a str)>,
}

/// What a token claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// `aud`: the origin of the push service.
    pub audience: String,
    /// `exp`, in seconds since 1970.
    pub expires: u64,
    /// `sub`: how its sender is reached.
    pub subject: Option<String>,
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VapidFault {
    /// It is for another service.
    #[error("the token is for another audience")]
    OtherAudience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is good for more than a day.
    #[error("the token expires more than 24 hours from now")]
    TooLong,
    /// The key signed something else.
    #[error("the signature does not fit the token and the key")]
    BadSignature,
}

impl<'a> Vapid<'a> {
    /// Reads the value of an Authorization header.
    ///
    /// # Errors
    /// Another scheme, no token of three parts, claims without audience or end, no key; with the offset.
    pub fn decode(value: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(value, &mut Vec::new())
    }

    /// What is claimed; believe it after `check` alone.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Checks time, audience and signature, the cheap things first.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check(&self, now: Time, audiences: &[&str]) -> Result<(), VapidFault> {
        if !audiences.contains(&self.claim.audience.as_str()) {
            return Err(VapidFault::OtherAudience);
        }
        let (now, skew) = (now.secs(), SKEW.as_secs());
        if self.claim.expires.saturating_add(skew) <= now {
            return Err(VapidFault::Expired);
        }
        let latest = now.saturating_add(LONGEST.as_secs()).saturating_add(skew);
        if self.claim.expires > latest {
            return Err(VapidFault::TooLong);
        }
        let key = VerifyingKey::from_sec1_bytes(&self.key);
        let signature = Signature::from_slice(&self.signature);
        let (Ok(key), Ok(signature)) = (key, signature) else {
            return Err(VapidFault::BadSignature);
        };
        key.verify(self.signed.as_bytes(), &signature)
            .map_err(|_| VapidFault::BadSignature)
    }

    fn read(value: &'a [u8], spans: &mut Vec<Span>) -> Result<Self, DecodeError> {
        if value.len() > limits::VAPID_OCTETS {
            let at = limits::VAPID_OCTETS;
            return Err(fault(at, Class::TooLarge, "the header's end"));
        }
        let text = core::str::from_utf8(value)
            .ok()
            .filter(|text| text.is_ascii())
            .ok_or_else(|| {
                let at = value.iter().position(|octet| !octet.is_ascii());
                fault(at.unwrap_or_default(), Class::BadValue, "ASCII")
            })?;
        let scheme = text.split(' ').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(fault(0, Class::BadValue, "the scheme vapid"));
        }
        let mut params = Params {
            text,
            at: scheme.len(),
        };
        spans.push(span(0, scheme.len(), "scheme", scheme));
        let (mut token, mut key, mut others) = (None, None, Vec::new());
        while let Some(param) = params.next()? {
            let is_twice = match param.name {
                "t" => token.replace(Token::read(&param)?).is_some(),
                "k" => key.replace(key_of(&param)?).is_some(),
                name => {
                    let is_twice = others.iter().any(|(own, _)| *own == name);
                    others.push((name, param.value));
                    is_twice
                }
            };
            if is_twice {
                return Err(fault(param.name_at, Class::Repeated, "a parameter once"));
            }
            let len = params.at.saturating_sub(param.at);
            spans.push(span(param.at, len, param.name, param.value));
        }
        let missing = |expected| move || fault(text.len(), Class::MissingHeader, expected);
        let token = token.ok_or_else(missing("the parameter t"))?;
        Ok(Self {
            key: key.ok_or_else(missing("the parameter k"))?,
            signed: token.signed,
            header: token.header,
            claims: token.claims,
            signature: token.signature,
            claim: token.claim,
            others,
        })
    }
}

/// The value of an Authorization header that shows who we are to a service, good until `expires`.
#[must_use]
pub fn sign(keys: &KeyPair, audience: &str, expires: Time, subject: Option<&str>) -> String {
    let mut claims = Map::new();
    claims.insert("aud".to_owned(), json!(audience));
    claims.insert("exp".to_owned(), json!(expires.secs()));
    if let Some(subject) = subject {
        claims.insert("sub".to_owned(), json!(subject));
    }
    let claims = Value::Object(claims).to_string();
    let signed = signed_text(OWN_HEADER, &claims);
    let signature: Signature = SigningKey::from(keys.inner()).sign(signed.as_bytes());
    written(&signed, &signature.to_bytes(), keys.public(), &[])
}

fn signed_text(header: &str, claims: &str) -> String {
    let (header, claims) = (to_text(header.as_bytes()), to_text(claims.as_bytes()));
    format!("{header}.{claims}")
}

fn written(signed: &str, signature: &[u8], key: &PublicKey, others: &[(String, String)]) -> String {
    let (signature, key) = (to_text(signature), to_text(key));
    let mut out = format!("{SCHEME} t={signed}.{signature}, k={key}");
    for (name, value) in others {
        out.push_str(", ");
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}

/// One parameter, and where it stands.
struct Param<'a> {
    at: usize,
    name_at: usize,
    name: &'a str,
    value_at: usize,
    value: &'a str,
}

struct Params<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Params<'a> {
    /// The next parameter with what stands before it; `None` at the end.
    fn next(&mut self) -> Result<Option<Param<'a>>, DecodeError> {
        let at = self.at;
        let rest = self.text.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let is_first = rest.starts_with(' ') && at == SCHEME.len();
        let before = if is_first {
            rest.trim_start_matches(' ')
        } else {
            let blank = [' ', '\t'];
            let comma = rest.trim_start_matches(blank).strip_prefix(',');
            let comma = comma.ok_or_else(|| fault(at, Class::BadValue, "a comma"))?;
            comma.trim_start_matches(blank)
        };
        let name_at = self.text.len().saturating_sub(before.len());
        let (name, value) = before
            .split_once('=')
            .filter(|(name, _)| is_token(name))
            .ok_or_else(|| fault(name_at, Class::BadValue, "a name and an equals sign"))?;
        let end = value.find([',', ' ', '\t']).unwrap_or(value.len());
        let value = value.get(..end).unwrap_or_default();
        let value_at = name_at.saturating_add(name.len()).saturating_add(1);
        if !is_token(value) {
            return Err(fault(value_at, Class::BadValue, "a token"));
        }
        self.at = value_at.saturating_add(value.len());
        Ok(Some(Param {
            at,
            name_at,
            name,
            value_at,
            value,
        }))
    }
}

fn is_token(text: &str) -> bool {
    let is_token = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(is_token)
}

fn key_of(param: &Param<'_>) -> Result<PublicKey, DecodeError> {
    let expected = "a point of P-256 in base64 without padding";
    public_key(param.value).ok_or_else(|| fault(param.value_at, Class::BadValue, expected))
}

struct Token<'a> {
    signed: &'a str,
    header: String,
    claims: String,
    signature: [u8; SIGNATURE_OCTETS],
    claim: Claim,
}

impl<'a> Token<'a> {
    fn read(param: &Param<'a>) -> Result<Self, DecodeError> {
        let bad = |at: usize, expected| fault(at, Class::BadValue, expected);
        let parts = param.value.rsplit_once('.');
        let parts = parts.and_then(|(signed, last)| Some((signed, signed.split_once('.')?, last)));
        let (signed, (header, claims), signature) =
            parts.ok_or_else(|| bad(param.value_at, "a token of three parts"))?;
        let claims_at = param
            .value_at
            .saturating_add(header.len())
            .saturating_add(1);
        let signature_at = param
            .value_at
            .saturating_add(signed.len())
            .saturating_add(1);
        let (header, fields) =
            json_of(header).ok_or_else(|| bad(param.value_at, "JSON in base64"))?;
        if fields.get("alg").and_then(Value::as_str) != Some("ES256") {
            return Err(bad(param.value_at, "the algorithm ES256"));
        }
        let (claims, fields) = json_of(claims).ok_or_else(|| bad(claims_at, "JSON in base64"))?;
        let claim = claim_of(&fields)
            .ok_or_else(|| bad(claims_at, "an audience, and an end in seconds"))?;
        let signature = of_text(signature).and_then(|octets| octets.try_into().ok());
        Ok(Self {
            signed,
            header,
            claims,
            signature: signature
                .ok_or_else(|| bad(signature_at, "a signature of 64 octets in base64"))?,
            claim,
        })
    }
}

fn json_of(text: &str) -> Option<(String, Map<String, Value>)> {
    if text.ends_with('=') {
        return None;
    }
    let text = String::from_utf8(of_text(text)?).ok()?;
    let fields = serde_json::from_str(&text).ok()?;
    Some((text, fields))
}

fn claim_of(fields: &Map<String, Value>) -> Option<Claim> {
    Some(Claim {
        audience: fields.get("aud")?.as_str()?.to_owned(),
        expires: fields.get("exp")?.as_u64()?,
        subject: fields.get("sub").and_then(Value::as_str).map(str::to_owned),
    })
}

fn view(vapid: &Vapid<'_>) -> Value {
    let mut fields = json!({
        "header": vapid.header,
        "claims": vapid.claims,
        "signature": hex::digits(&vapid.signature),
        "key": hex::digits(&vapid.key),
        "audience": vapid.claim.audience,
        "expires": vapid.claim.expires,
    });
    if let Some(fields) = fields.as_object_mut() {
        if let Some(subject) = &vapid.claim.subject {
            fields.insert("subject".to_owned(), json!(subject));
        }
        if !vapid.others.is_empty() {
            fields.insert("others".to_owned(), json!(vapid.others));
        }
    }
    fields
}

/// The octets of such fields; audience, expiry and subject follow from the claims.
fn of_fields(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let known = [
        "header",
        "claims",
        "signature",
        "key",
        "audience",
        "expires",
        "subject",
        "others",
    ];
    let fields = Object::of(fields, NAME)?.only("vapid.", &known)?;
    let text = |name| {
        let text = fields.text(name)?;
        text.ok_or_else(|| fields.fault(name, "is missing"))
    };
    let signed = signed_text(text("header")?, text("claims")?);
    let signature = fields.octets("signature")?.unwrap_or_default();
    let key = fields.octets("key")?.unwrap_or_default();
    let key = PublicKey::try_from(key.as_slice())
        .map_err(|_| fields.fault("key", "65 octets are expected"))?;
    let mut others = Vec::new();
    for other in fields.list("others")? {
        let other = serde_json::from_value(other.clone());
        others.push(other.map_err(|_| fields.fault("others", "pairs of texts are expected"))?);
    }
    let out = written(&signed, &signature, &key, &others);
    match Vapid::decode(out.as_bytes()) {
        Ok(read) if read.others.len() == others.len() => Ok(out.into_bytes()),
        Ok(_) => Err(fields.fault("others", "a name or a value is no token")),
        Err(fault) => Err(FieldFault::new(format_args!(
            "the header would be refused: expected {}",
            fault.expected
        ))),
    }
}

fn span(at: usize, len: usize, path: &str, value: &str) -> Span {
    Span {
        at,
        len,
        path: format!("{NAME}.{path}"),
        value: value.to_owned(),
        clause: CLAUSE,
    }
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

    const EXAMPLE: &str = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    const AUDIENCE: &[&str] = &["http://127.0.0.1", "https://push.example.net"];
    const END: u64 = 1_453_523_768;

    #[test]
    fn the_token_of_rfc_8292_section_2_4_is_good_on_the_day_before_its_end() {
        let vapid = Vapid::decode(EXAMPLE.as_bytes()).unwrap();
        let subject = vapid.claim().subject.as_deref();
        assert_eq!(subject, Some("mailto:push@example.com"));
        let check = |seconds| vapid.check(Time::from_secs(seconds), AUDIENCE);
        assert_eq!(check(END - 3_600), Ok(()));
        assert_eq!(check(END + 59), Ok(()), "clocks differ by a minute");
        assert_eq!(check(END + 60), Err(VapidFault::Expired));
        assert_eq!(check(END - 86_460), Ok(()));
        assert_eq!(check(END - 86_461), Err(VapidFault::TooLong));
    }

    #[test]
    fn a_token_for_another_service_or_changed_in_one_bit_proves_nothing() {
        let now = Time::from_secs(END - 10);
        let vapid = Vapid::decode(EXAMPLE.as_bytes()).unwrap();
        let elsewhere = vapid.check(now, &["https://push.example.org"]);
        assert_eq!(elsewhere, Err(VapidFault::OtherAudience));
        let changed = EXAMPLE.replace("-dRuU_RC", "-dRuU_RD");
        let vapid = Vapid::decode(changed.as_bytes()).unwrap();
        assert_eq!(vapid.check(now, AUDIENCE), Err(VapidFault::BadSignature));
        // The header's text says the same, and was not signed.
        let changed = EXAMPLE.replace(
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9",
            "eyJhbGciOiJFUzI1NiJ9",
        );
        let vapid = Vapid::decode(changed.as_bytes()).unwrap();
        assert_eq!(vapid.check(now, AUDIENCE), Err(VapidFault::BadSignature));
    }

    #[test]
    fn what_we_sign_is_believed_until_it_ends() {
        let keys = KeyPair::of(&[5; 32]).unwrap();
        let end = Time::from_secs(2_000_000_000);
        let value = sign(&keys, "http://127.0.0.1", end, Some("mailto:a@example.com"));
        let vapid = Vapid::decode(value.as_bytes()).unwrap();
        assert_eq!(vapid.key, *keys.public());
        let now = Time::from_secs(1_999_999_000);
        assert_eq!(vapid.check(now, AUDIENCE), Ok(()));
        assert_eq!(
            vapid.check(Time::from_secs(2_000_000_060), AUDIENCE),
            Err(VapidFault::Expired)
        );
    }

    #[test]
    fn a_header_at_the_bound_is_read_and_one_octet_more_is_not() {
        let with = |octets: usize| {
            let filler = octets - EXAMPLE.len() - ", x=".len();
            let value = format!("{EXAMPLE}, x={}", "y".repeat(filler));
            Vapid::decode(value.as_bytes())
                .map(|_| ())
                .map_err(|fault| fault.class)
        };
        assert_eq!(with(limits::VAPID_OCTETS), Ok(()));
        assert_eq!(with(limits::VAPID_OCTETS + 1), Err(Class::TooLarge));
    }
}
