//! What an initiator may do: who it is, how often it may push, which devices an application may reach.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::push::submission::Content;
use crate::limits;
use crate::time::Time;

/// What initiators may do; the default allows everything, as a laboratory needs it.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Names and passwords of initiators; when there are any, nobody else may submit.
    pub initiators: Vec<(String, String)>,
    /// Names and bearer tokens of initiators.
    pub tokens: Vec<(String, String)>,
    /// Names of initiators and the names in their certificates.
    pub certificates: Vec<(String, String)>,
    /// What single initiators may do, beside what all may.
    pub terms: BTreeMap<String, Terms>,
    /// Submissions each initiator may make in a minute.
    pub pushes_per_minute: Option<u32>,
    /// Octets of content at most.
    pub content_octets_max: Option<usize>,
    /// Rules for applications.
    pub rules: Vec<Rule>,
    /// Other gateways that a SIR may name; empty allows all.
    pub ppgs: Vec<String>,
}

/// What one initiator may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Submissions in a minute, in place of what all may make.
    pub pushes_per_minute: Option<u32>,
    /// Octets of content at most.
    pub content_octets_max: Option<usize>,
    /// Its pushes in progress at most.
    pub open_max: Option<usize>,
    /// Applications it may push to; empty allows all.
    pub applications: Vec<String>,
    /// It may see and change what accounts have of every application, though it may push to some alone.
    pub accounts: bool,
}

impl Terms {
    /// May this content be pushed?
    ///
    /// # Errors
    /// With the rule that forbids it.
    pub fn check(&self, content: &Content) -> Result<(), Denial> {
        self.check_named(&content.application, content.octets)
    }

    /// May it see what accounts have? Who pushes to some applications alone would see those of all.
    #[must_use]
    pub const fn sees_accounts(&self) -> bool {
        self.accounts || self.applications.is_empty()
    }

    /// May so many octets be pushed to an application of that name?
    ///
    /// # Errors
    /// With the rule that forbids it.
    pub fn check_named(&self, application: &str, octets: usize) -> Result<(), Denial> {
        if self.content_octets_max.is_some_and(|most| octets > most) {
            return Err(Denial::TooLarge);
        }
        let is_named = |own: &String| own.eq_ignore_ascii_case(application);
        if !self.applications.is_empty() && !self.applications.iter().any(is_named) {
            return Err(Denial::Application);
        }
        Ok(())
    }
}

/// Which devices an application may reach.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The application.
    pub application: String,
    /// Kinds of device; nobody else gets its pushes.
    pub kinds: Vec<String>,
}

/// Why policy says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Too many submissions in the last minute.
    TooMany,
    /// The content is larger than allowed.
    TooLarge,
    /// The SIR may not name that gateway.
    OtherGateway,
    /// The initiator may not push to that application.
    Application,
    /// Too many of the initiator's pushes are in progress.
    TooManyOpen,
}

impl Denial {
    /// The reason in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooMany => "too many submissions in a minute",
            Self::TooLarge => "content larger than policy allows",
            Self::Application => "policy does not allow the initiator to push to that application",
            Self::TooManyOpen => "too many pushes of this initiator in progress",
            Self::OtherGateway => "policy does not allow the SIR to name that gateway",
        }
    }
}

impl Policy {
    /// Kinds of device the application may reach; `None` means all.
    #[must_use]
    pub fn kinds(&self, application: &str) -> Option<&[String]> {
        self.rules
            .iter()
            .find(|rule| rule.application.eq_ignore_ascii_case(application))
            .map(|rule| rule.kinds.as_slice())
    }

    /// May the content and the gateway it names be pushed at all?
    ///
    /// # Errors
    /// With the rule that forbids it.
    pub fn check(&self, octets: usize, other_gateway: Option<&str>) -> Result<(), Denial> {
        if self.content_octets_max.is_some_and(|most| octets > most) {
            return Err(Denial::TooLarge);
        }
        let is_allowed = |uri: &str| self.ppgs.is_empty() || self.ppgs.iter().any(|ppg| ppg == uri);
        match other_gateway {
            Some(uri) if !is_allowed(uri) => Err(Denial::OtherGateway),
            _ => Ok(()),
        }
    }

    /// The initiator whose name and password these are.
    #[must_use]
    pub fn initiator(&self, name: &str, password: &str) -> Option<&str> {
        self.initiators
            .iter()
            .find(|(known, secret)| known == name && is_same(secret, password))
            .map(|(known, _)| known.as_str())
    }

    /// The initiator of a bearer token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Option<&str> {
        let mut known = self.tokens.iter();
        let found = known.find(|(_, secret)| is_same(secret, token));
        found.map(|(name, _)| name.as_str())
    }

    /// The initiator whose verified certificate has that name.
    #[must_use]
    pub fn certified(&self, name: &str) -> Option<&str> {
        let mut known = self.certificates.iter();
        let found = known.find(|(_, own)| own == name);
        found.map(|(name, _)| name.as_str())
    }

    /// True when initiators must show who they are.
    #[must_use]
    pub const fn wants_names(&self) -> bool {
        !(self.initiators.is_empty() && self.tokens.is_empty() && self.certificates.is_empty())
    }

    /// Submissions that the initiator may make in a minute.
    #[must_use]
    pub fn per_minute(&self, initiator: &str) -> Option<u32> {
        let own = self.terms.get(initiator);
        own.and_then(|terms| terms.pushes_per_minute)
            .or(self.pushes_per_minute)
    }

    /// The initiator whom the value of an Authorization header proves, by Basic (RFC 7617) or Bearer (RFC 6750).
    #[must_use]
    pub fn proven(&self, authorization: &str) -> Option<&str> {
        let (scheme, encoded) = authorization.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Bearer") {
            return self.bearer(encoded.trim());
        }
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        self.initiator(name, password)
    }

    /// True for a header, or none, that lets one ask this gateway.
    #[must_use]
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        !self.wants_names() || authorization.is_some_and(|value| self.proven(value).is_some())
    }
}

/// Compares without telling by its duration where two secrets differ.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b))
            == 0
}

/// How much each initiator has left of its minute.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    /// Thousandths of a submission that are left, and when that was so. Past [`limits::QUOTAS`] the initiator that pushed
    /// least recently is forgotten.
    left: BTreeMap<String, (u64, Time)>,
}

impl Quotas {
    /// Takes one submission from the initiator's minute.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn take(&mut self, policy: &Policy, initiator: &str, now: Time) -> Result<(), Denial> {
        let Some(per_minute) = policy.per_minute(initiator) else {
            return Ok(());
        };
        let full = u64::from(per_minute).saturating_mul(1000);
        let (left, at) = self.left.get(initiator).copied().unwrap_or((full, now));
        let passed = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(u64::from(per_minute)) / 60;
        let left = left.saturating_add(gained).min(full);
        let Some(rest) = left.checked_sub(1000) else {
            return Err(Denial::TooMany);
        };
        if self.left.len() >= limits::QUOTAS && !self.left.contains_key(initiator) {
            self.forget_oldest();
        }
        self.left.insert(initiator.to_owned(), (rest, now));
        Ok(())
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .left
            .iter()
            .min_by_key(|(_, (_, at))| *at)
            .map(|(initiator, _)| initiator.clone());
        if let Some(initiator) = oldest {
            self.left.remove(&initiator);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_as_many_submissions_as_the_quota_and_fills_again() {
        let policy = Policy {
            pushes_per_minute: Some(2),
            ..Policy::default()
        };
        let mut quotas = Quotas::default();
        let mut take = |secs| quotas.take(&policy, "pi", Time::from_secs(secs));
        assert_eq!(take(0), Ok(()));
        assert_eq!(take(0), Ok(()));
        assert_eq!(take(0), Err(Denial::TooMany));
        assert_eq!(take(29), Err(Denial::TooMany));
        assert_eq!(take(30), Ok(()));
        assert_eq!(take(30), Err(Denial::TooMany));
    }

    #[test]
    fn quotas_are_each_initiators_own_and_their_number_is_bounded() {
        let policy = Policy {
            pushes_per_minute: Some(1),
            ..Policy::default()
        };
        let mut quotas = Quotas::default();
        for n in 0..=limits::QUOTAS {
            assert_eq!(
                quotas.take(&policy, &n.to_string(), Time::from_secs(1)),
                Ok(())
            );
        }
        assert_eq!(quotas.left.len(), limits::QUOTAS);
    }

    #[test]
    fn r2_10_a_rule_names_the_kinds_an_application_may_reach() {
        let policy = Policy {
            rules: vec![Rule {
                application: "x-wap-application:mms.ua".to_owned(),
                kinds: vec!["mobile".to_owned()],
            }],
            ..Policy::default()
        };
        assert_eq!(
            policy.kinds("X-Wap-Application:mms.ua"),
            Some(["mobile".to_owned()].as_slice())
        );
        assert_eq!(policy.kinds("x-wap-application:wml.ua"), None);
    }

    #[test]
    fn name_and_password_of_basic_prove_an_initiator() {
        let policy = Policy {
            initiators: vec![("shop".to_owned(), "a:b".to_owned())],
            ..Policy::default()
        };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(policy.proven(&basic("shop:a:b")), Some("shop"));
        assert_eq!(
            policy.proven(&basic("shop:a:b").replace("Basic", "basic")),
            Some("shop")
        );
        for wrong in [
            basic("shop:a"),
            basic("shop"),
            "Basic !".to_owned(),
            "Basic".to_owned(),
        ] {
            assert!(!policy.admits(Some(&wrong)), "{wrong}");
        }
        assert!(!policy.admits(None));
        assert!(Policy::default().admits(None));
    }

    #[test]
    fn another_gateway_must_be_on_the_list_when_there_is_one() {
        let mut policy = Policy::default();
        assert_eq!(policy.check(0, Some("sip:push@ppg2.example.com")), Ok(()));
        policy.ppgs = vec!["sip:push@ppg3.example.com".to_owned()];
        assert_eq!(
            policy.check(0, Some("sip:push@ppg2.example.com")),
            Err(Denial::OtherGateway)
        );
        policy.content_octets_max = Some(10);
        assert_eq!(policy.check(11, None), Err(Denial::TooLarge));
    }

    #[test]
    fn an_initiator_is_known_by_name_and_password() {
        let policy = Policy {
            initiators: vec![("pi".to_owned(), "secret".to_owned())],
            ..Policy::default()
        };
        assert_eq!(policy.initiator("pi", "secret"), Some("pi"));
        assert_eq!(policy.initiator("pi", "secreT"), None);
        assert_eq!(policy.initiator("pj", "secret"), None);
    }
}
