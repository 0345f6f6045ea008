//! How a service account gets an access token: it shows a token that it signed, and is given one that is good for an hour.
//!
//! **Source:** Google, «Using OAuth 2.0 for Server to Server Applications»: `iss`, `scope`, `aud`, `iat`, `exp` an hour later
//! at most, RS256; RFC 7523 sections 2.1 and 3 (the form and what is checked), RFC 6749 sections 5.1 and 5.2 (answers).

use core::time::Duration;

use serde_json::{Value, json};

use super::SCOPE;
use super::account::ServiceAccount;
use crate::codec::DecodeError;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::JsonText;
use crate::codec::jwt::key::{KeyFault, PublicKey};
use crate::codec::jwt::{Token, sign};
use crate::limits;
use crate::time::Time;

/// The answer of a token endpoint, of success and of failure.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        Ok(Decoded::strict(Value::Object(
            read(octets)?.0.into_fields(),
        )))
    },
    spans: |octets, _| read(octets).map_or_else(|_| Vec::new(), |(text, _)| text.spans(CLAUSE)),
    encode: |fields| {
        let text = fields.to_string();
        match read(text.as_bytes()) {
            Ok(_) => Ok(text.into_bytes()),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the answer would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "oauth-token";
const CLAUSE: &str = "RFC 6749 5.1";
/// What is asked for, as a form says it.
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const GRANT_PLAIN: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion is good at most, and how long ours are.
pub const LONGEST: Duration = Duration::from_secs(3_600);
/// How much clocks may differ.
const SKEW: Duration = Duration::from_secs(60);
/// An access token is had anew so long before it ends.
const EARLY: Duration = Duration::from_secs(300);

/// An access token.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    token: String,
    until: Time,
}

impl core::fmt::Debug for Access {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Access(until {})", self.until.secs())
    }
}

impl Access {
    /// The value of `authorization`, while it is good.
    #[must_use]
    pub fn authorization(&self, now: Time) -> Option<String> {
        (now < self.until).then(|| format!("Bearer {}", self.token))
    }
}

/// What a token endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// An access token.
    Access(Access),
    /// Why there is none: `invalid_grant`, `invalid_client`, ...
    Refused(String),
}

/// Why an assertion gets no access token: the code of RFC 6749 and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantFault {
    /// `error`.
    pub code: &'static str,
    /// `error_description`.
    pub description: &'static str,
}

/// The body of the request for an access token: a form.
///
/// # Errors
/// The key does not sign.
pub fn request(account: &ServiceAccount, now: Time) -> Result<String, KeyFault> {
    let issued = now.secs();
    let claims = json!({
        "iss": account.email, "scope": SCOPE, "aud": account.token_uri,
        "iat": issued, "exp": issued.saturating_add(LONGEST.as_secs()),
    });
    let assertion = sign(&account.key, Some(&account.key_id), &claims)?;
    Ok(format!("grant_type={GRANT}&assertion={assertion}"))
}

/// A service account as a token endpoint knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its address.
    pub email: String,
    /// Its key.
    pub key: PublicKey,
}

/// Checks a form as a token endpoint does; gives the account's address.
///
/// # Errors
/// Why there is no access token.
pub fn check(
    form: &[u8],
    known: &[Known],
    audience: &str,
    now: Time,
) -> Result<String, GrantFault> {
    let form = core::str::from_utf8(form).unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
    };
    if !value("grant_type").is_some_and(|grant| grant == GRANT || grant == GRANT_PLAIN) {
        return Err(fault("unsupported_grant_type", "Invalid grant_type"));
    }
    let assertion = value("assertion");
    let assertion = assertion.ok_or_else(|| fault("invalid_request", "Missing assertion"))?;
    let token = Token::decode(assertion.as_bytes());
    let token = token.map_err(|_| fault("invalid_grant", "Bad Request"))?;
    let issuer = token.text("iss");
    let account = known.iter().find(|own| Some(own.email.as_str()) == issuer);
    let account = account.ok_or_else(|| fault("invalid_client", "The account is not known"))?;
    if !token.is_signed_by(&account.key) {
        return Err(fault("invalid_grant", "Invalid JWT Signature."));
    }
    let times = token.seconds("iat").zip(token.seconds("exp"));
    let is_fit = times.is_some_and(|(issued, expires)| {
        let (now, skew) = (now.secs(), SKEW.as_secs());
        issued <= now.saturating_add(skew)
            && expires.saturating_add(skew) > now
            && issued < expires
            && expires <= issued.saturating_add(LONGEST.as_secs())
    });
    if !is_fit {
        let description = "Invalid JWT: iat and exp must enclose the time, an hour apart at most";
        return Err(fault("invalid_grant", description));
    }
    if token.text("aud") != Some(audience) {
        return Err(fault(
            "invalid_grant",
            "Invalid JWT: aud is not this endpoint",
        ));
    }
    let scopes = token.text("scope").unwrap_or_default();
    if !scopes.split(' ').any(|scope| scope == SCOPE) {
        return Err(fault("invalid_scope", "Invalid OAuth scope"));
    }
    Ok(account.email.clone())
}

/// The body of a success.
#[must_use]
pub fn granted(token: &str, good_for: Duration) -> String {
    json!({ "access_token": token, "expires_in": good_for.as_secs(), "token_type": "Bearer" })
        .to_string()
}

/// The body of a failure.
#[must_use]
pub fn refused(fault: GrantFault) -> String {
    json!({ "error": fault.code, "error_description": fault.description }).to_string()
}

/// What the endpoint's answer comes to; `None` when it says nothing that can be understood.
#[must_use]
pub fn answer(status: u16, body: &[u8], now: Time) -> Option<Granted> {
    match (read(body).ok()?.1, status) {
        (Told::Token { token, seconds }, 200) => {
            let good = Duration::from_secs(seconds).saturating_sub(EARLY);
            let micros = u64::try_from(good.as_micros()).unwrap_or(u64::MAX);
            let until = Time::from_micros(now.micros().saturating_add(micros));
            Some(Granted::Access(Access { token, until }))
        }
        (Told::Error(code), _) => Some(Granted::Refused(code)),
        (Told::Token { .. }, _) => None,
    }
}

enum Told {
    Token { token: String, seconds: u64 },
    Error(String),
}

fn read(octets: &[u8]) -> Result<(JsonText, Told), DecodeError> {
    let text = JsonText::of(octets, NAME, limits::PUSH_ANSWER_OCTETS)?;
    if let Some(code) = text.text("error")? {
        if code.is_empty() || code.len() > limits::PUSH_REASON_OCTETS {
            return Err(text.bad("error", "a code of 1 to 128 octets"));
        }
        let code = code.to_owned();
        return Ok((text, Told::Error(code)));
    }
    let kind = text.needed(text.text("token_type")?, "a token_type")?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(text.bad("token_type", "Bearer"));
    }
    let token = text.needed(text.text("access_token")?, "an access_token")?;
    let is_fit = |octet: u8| octet.is_ascii_graphic();
    if token.is_empty() || !token.bytes().all(is_fit) {
        return Err(text.bad("access_token", "visible characters"));
    }
    let token = token.to_owned();
    // Who does not say how long it is good means an hour, as Google's are.
    let seconds = text.number("expires_in")?.unwrap_or(LONGEST.as_secs());
    Ok((text, Told::Token { token, seconds }))
}

const fn fault(code: &'static str, description: &'static str) -> GrantFault {
    GrantFault { code, description }
}

#[cfg(test)]
mod tests {
    use super::super::account::tests::account;
    use super::*;
    use crate::codec::jwt::key::Key;
    use crate::codec::jwt::key::tests::es256;

    const NOW: Time = Time::from_secs(1_700_000_000);

    fn known() -> [Known; 1] {
        [Known {
            email: account().email,
            key: account().key.public(),
        }]
    }

    fn checked(form: &str, audience: &str, now: Time) -> Result<String, &'static str> {
        check(form.as_bytes(), &known(), audience, now).map_err(|fault| fault.code)
    }

    #[test]
    fn an_account_is_known_by_what_it_signs_for_an_hour_and_for_one_endpoint() {
        let form = request(&account(), NOW).unwrap();
        let here = account().token_uri;
        assert_eq!(checked(&form, &here, NOW), Ok(account().email));
        let later = NOW + Duration::from_secs(3_659);
        assert!(checked(&form, &here, later).is_ok());
        let too_late = NOW + Duration::from_secs(3_660);
        assert_eq!(checked(&form, &here, too_late), Err("invalid_grant"));
        assert_eq!(checked(&form, "http://other", NOW), Err("invalid_grant"));
        assert_eq!(checked("a=b", &here, NOW), Err("unsupported_grant_type"));
    }

    #[test]
    fn another_key_account_or_scope_gets_no_access_token() {
        let here = account().token_uri;
        let claims = |scope: &str, life: u64| {
            let issued = NOW.secs();
            json!({
                "iss": account().email, "scope": scope, "aud": here, "iat": issued, "exp": issued + life,
            })
        };
        let form = |key: &Key, claims: &Value| {
            let assertion = sign(key, None, claims).unwrap();
            format!("grant_type={GRANT}&assertion={assertion}")
        };
        let own = account().key;
        assert!(checked(&form(&own, &claims(SCOPE, 3_600)), &here, NOW).is_ok());
        let too_long = form(&own, &claims(SCOPE, 3_601));
        assert_eq!(checked(&too_long, &here, NOW), Err("invalid_grant"));
        let other_scope = form(&own, &claims("email", 60));
        assert_eq!(checked(&other_scope, &here, NOW), Err("invalid_scope"));
        let other_key = form(&es256(), &claims(SCOPE, 60));
        assert_eq!(checked(&other_key, &here, NOW), Err("invalid_grant"));
        let stranger = form(&own, &json!({ "iss": "x" }));
        assert_eq!(checked(&stranger, &here, NOW), Err("invalid_client"));
    }

    #[test]
    fn an_access_token_is_shown_until_five_minutes_before_its_end() {
        let body = granted("ya29.x", Duration::from_secs(3_600));
        let Some(Granted::Access(access)) = answer(200, body.as_bytes(), NOW) else {
            panic!("no access");
        };
        let at = |seconds| access.authorization(NOW + Duration::from_secs(seconds));
        assert_eq!(at(3_299).as_deref(), Some("Bearer ya29.x"));
        assert_eq!(at(3_300), None);
        let refusal = refused(fault("invalid_grant", "no"));
        let refusal = answer(400, refusal.as_bytes(), NOW);
        assert_eq!(refusal, Some(Granted::Refused("invalid_grant".to_owned())));
        assert_eq!(answer(502, b"<html>", NOW), None);
    }
}
