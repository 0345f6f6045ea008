//! Who a provider is: a token that it signs, good for an hour and not to be changed more often than every 20 minutes.
//!
//! **Source:** Apple, «Establishing a token-based connection to APNs»: `alg` ES256, `kid` the key, `iss` the team, `iat` the
//! time; sent as `authorization: bearer <token>`.

use core::time::Duration;

use serde_json::json;

use super::answer::Reason;
use crate::codec::jwt::key::{Key, KeyFault, PublicKey};
use crate::codec::jwt::{Algorithm, Token, sign};
use crate::time::Time;

/// A token older than this is refused.
pub const OLDEST: Duration = Duration::from_secs(3_600);
/// A token may be replaced after this.
pub const SOONEST: Duration = Duration::from_secs(1_200);
/// When ours is replaced: between both.
const RENEWED: Duration = Duration::from_secs(2_400);
/// How much the clocks of a provider and of the service may differ.
const SKEW: Duration = Duration::from_secs(60);

/// A provider: its key, and the token that it shows.
#[derive(Clone, Debug)]
pub struct Provider {
    key: Key,
    key_id: String,
    team: String,
    shown: Option<Shown>,
}

#[derive(Clone)]
struct Shown {
    header: String,
    at: Time,
}

impl core::fmt::Debug for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Shown(at {})", self.at.secs())
    }
}

impl Provider {
    /// A provider with its key for ES256, the identifier of the key, and its team.
    #[must_use]
    pub fn new(key: Key, key_id: &str, team: &str) -> Option<Self> {
        (key.algorithm() == Algorithm::Es256).then(|| Self {
            key,
            key_id: key_id.to_owned(),
            team: team.to_owned(),
            shown: None,
        })
    }

    /// The value of `authorization`; made anew when the last one is 40 minutes old.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn authorization(&mut self, now: Time) -> Result<String, KeyFault> {
        // A clock that was set back must not keep a token from the future.
        let is_fresh = |shown: &&Shown| shown.at <= now && now.since(shown.at) < RENEWED;
        if let Some(shown) = self.shown.as_ref().filter(is_fresh) {
            return Ok(shown.header.clone());
        }
        let claims = json!({ "iss": self.team, "iat": now.secs() });
        let token = sign(&self.key, Some(&self.key_id), &claims)?;
        let header = format!("bearer {token}");
        self.shown = Some(Shown {
            header: header.clone(),
            at: now,
        });
        Ok(header)
    }

    /// The service finds the token too old: the next one is new, unless this one is younger than a token must be.
    pub fn renew(&mut self, now: Time) {
        let may = |shown: &Shown| shown.at > now || now.since(shown.at) >= SOONEST;
        if self.shown.as_ref().is_some_and(may) {
            self.shown = None;
        }
    }
}

/// A provider as the service knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its key.
    pub key: PublicKey,
    /// The key's identifier.
    pub key_id: String,
    /// Its team.
    pub team: String,
}

/// Checks the value of `authorization` as the service does; gives the time at which the token was made.
///
/// # Errors
/// The reason of the service.
pub fn check(authorization: Option<&str>, known: &[Known], now: Time) -> Result<Time, Reason> {
    let token = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or(Reason::MissingProviderToken)?;
    let token = Token::decode(token.as_bytes()).map_err(|_| Reason::InvalidProviderToken)?;
    let of_key = |own: &&Known| Some(&own.key_id) == token.key_id.as_ref();
    let own = known.iter().find(of_key);
    let own = own.filter(|own| token.text("iss") == Some(own.team.as_str()));
    let is_signed = own.is_some_and(|own| token.is_signed_by(&own.key));
    let made = token.seconds("iat").filter(|_| is_signed);
    let made = made.ok_or(Reason::InvalidProviderToken)?;
    if made > now.secs().saturating_add(SKEW.as_secs()) {
        return Err(Reason::InvalidProviderToken);
    }
    if made.saturating_add(OLDEST.as_secs()) < now.secs() {
        return Err(Reason::ExpiredProviderToken);
    }
    Ok(Time::from_secs(made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::jwt::key::tests::{es256, rs256};

    const START: u64 = 1_700_000_000;

    fn provider() -> Provider {
        Provider::new(es256(), "ABC123DEFG", "TEAM567890").unwrap()
    }

    fn known() -> [Known; 1] {
        [Known {
            key: es256().public(),
            key_id: "ABC123DEFG".to_owned(),
            team: "TEAM567890".to_owned(),
        }]
    }

    fn checked(header: &str, at: u64) -> Result<Time, Reason> {
        check(Some(header), &known(), Time::from_secs(at))
    }

    #[test]
    fn a_token_is_shown_for_forty_minutes_and_then_replaced() {
        let mut provider = provider();
        let mut at = |seconds| {
            let now = Time::from_secs(START + seconds);
            provider.authorization(now).unwrap()
        };
        let first = at(0);
        assert_eq!(at(2_399), first);
        let second = at(2_400);
        assert_ne!(second, first);
        assert_eq!(checked(&first, START + 2_400), Ok(Time::from_secs(START)));
        assert_ne!(at(0), second, "the clock was set back");
    }

    #[test]
    fn a_token_of_more_than_an_hour_is_refused_and_one_not_yet_made_is_none() {
        let header = provider().authorization(Time::from_secs(START)).unwrap();
        assert!(checked(&header, START + 3_600).is_ok());
        let old = checked(&header, START + 3_601);
        assert_eq!(old, Err(Reason::ExpiredProviderToken));
        assert!(checked(&header, START - 60).is_ok());
        let early = checked(&header, START - 61);
        assert_eq!(early, Err(Reason::InvalidProviderToken));
    }

    #[test]
    fn a_token_of_another_team_key_or_signature_is_none() {
        let now = Time::from_secs(START);
        let mut of_others = [
            Provider::new(es256(), "ABC123DEFG", "OTHERTEAM0").unwrap(),
            Provider::new(es256(), "OTHERKEY00", "TEAM567890").unwrap(),
            Provider::new(
                Key::of_number(&[7; 32]).unwrap(),
                "ABC123DEFG",
                "TEAM567890",
            )
            .unwrap(),
        ];
        for other in &mut of_others {
            let header = other.authorization(now).unwrap();
            assert_eq!(checked(&header, START), Err(Reason::InvalidProviderToken));
        }
        assert!(Provider::new(rs256(), "ABC123DEFG", "TEAM567890").is_none());
        assert_eq!(
            check(None, &known(), now),
            Err(Reason::MissingProviderToken)
        );
        let basic = checked("Basic YTpi", START);
        assert_eq!(basic, Err(Reason::MissingProviderToken));
    }

    #[test]
    fn a_token_that_is_refused_as_old_is_replaced_but_not_within_twenty_minutes() {
        let mut provider = provider();
        let at = |seconds| Time::from_secs(START + seconds);
        let first = provider.authorization(at(0)).unwrap();
        provider.renew(at(1_199));
        assert_eq!(provider.authorization(at(1_199)).unwrap(), first);
        provider.renew(at(1_200));
        assert_ne!(provider.authorization(at(1_200)).unwrap(), first);
    }
}
