//! Caller preferences: which contacts a request may go to, and in which order.
//!
//! **Source:** RFC 3841 sections 5 to 9 with the feature sets of RFC 3840. Pure functions: the server orders the
//! bindings of an identity with [`select`], a device asks [`accepts`] whether a request is meant for it. Not here:
//! `Request-Disposition`, which concerns forking and not matching.

mod features;

use crate::codec::sip::{Message, Method, Name};

pub use features::Features;
pub(super) use features::is_feature;

/// What a caller wants of the contact that gets the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    accept: Vec<Predicate>,
    reject: Vec<Features>,
    is_implicit: bool,
}

/// One value of an `Accept-Contact` row.
#[derive(Clone, Debug, PartialEq)]
struct Predicate {
    features: Features,
    /// Contacts that do not match are discarded.
    require: bool,
    /// A contact matches well only if it mentions every feature.
    explicit: bool,
}

/// A contact that may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What it can do; without any feature it is immune to preferences.
    pub features: &'a Features,
    /// The callee's own order, per mille.
    pub q: u16,
}

/// A contact that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its place in the list of candidates.
    pub index: usize,
    /// How well it fits the caller's wish (Qa), per mille.
    pub fit: u16,
}

impl Preferences {
    /// Reads the values of `Accept-Contact` and `Reject-Contact`, one value an item; what is broken is left out, as
    /// if the caller had not said it.
    pub fn decode<'a>(
        accept: impl IntoIterator<Item = &'a str>,
        reject: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            accept: accept.into_iter().filter_map(Predicate::decode).collect(),
            reject: reject
                .into_iter()
                .filter_map(|value| Predicate::decode(value).map(|predicate| predicate.features))
                .collect(),
            is_implicit: false,
        }
    }

    /// The preferences of a request; one that states none prefers contacts that know its method.
    #[must_use]
    pub fn of(request: &Message) -> Self {
        let texts = |name| {
            request
                .list(name)
                .filter_map(|value| core::str::from_utf8(value).ok())
        };
        let stated = Self::decode(texts(Name::AcceptContact), texts(Name::RejectContact));
        if !stated.accept.is_empty() || !stated.reject.is_empty() {
            return stated;
        }
        let method = request.method().map_or("", Method::name);
        let package = (request.method() == Some(Method::Subscribe))
            .then(|| request.text(Name::Event))
            .flatten();
        Self::implicit(method, package)
    }

    /// The preference of a request that states none: its method and, for SUBSCRIBE, its event package.
    #[must_use]
    pub fn implicit(method: &str, package: Option<&str>) -> Self {
        let package = package.and_then(|event| event.split(';').next());
        let mut params = vec![("methods", Some(method))];
        params.extend(package.map(|package| ("events", Some(package.trim()))));
        Self {
            accept: vec![Predicate {
                features: Features::new(params),
                require: true,
                explicit: false,
            }],
            reject: Vec::new(),
            is_implicit: true,
        }
    }

    /// True when the caller stated nothing, so an empty choice means nothing either.
    #[must_use]
    pub fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    /// How well a contact fits, per mille; `None` when it is discarded.
    fn fit(&self, contact: &Features) -> Option<u16> {
        if contact.is_empty() {
            return Some(WHOLE);
        }
        let refused = |unwanted: &Features| {
            !unwanted.is_empty() && unwanted.score(contact).is_some_and(|s| s == WHOLE)
        };
        if self.reject.iter().any(refused) {
            return None;
        }
        let mut scores = Vec::with_capacity(self.accept.len());
        for predicate in &self.accept {
            match (predicate.features.score(contact), predicate) {
                (None, Predicate { require: true, .. }) => return None,
                (None, _) => {}
                (Some(score), Predicate { explicit: true, .. }) if score < WHOLE => {
                    if predicate.require {
                        return None;
                    }
                    scores.push(0);
                }
                (Some(score), _) => scores.push(score),
            }
        }
        // What meets none of the caller's wishes is worth less than what meets one; without wishes all are alike.
        Some(mean(&scores).unwrap_or(if self.accept.is_empty() { WHOLE } else { 0 }))
    }
}

impl Predicate {
    /// Reads `*;feature;feature="value";require;explicit`.
    fn decode(value: &str) -> Option<Self> {
        let mut parts = features::parts(value);
        if parts.next()?.0 != "*" {
            return None;
        }
        let params: Vec<(&str, Option<String>)> = parts.collect();
        let flag = |name: &str| params.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        Some(Self {
            features: Features::new(params.iter().map(|(name, value)| (*name, value.as_deref()))),
            require: flag("require"),
            explicit: flag("explicit"),
        })
    }
}

/// The candidates that may get the request, best first: by the callee's q, then by how well they fit, then as listed.
///
/// Empty means 480, unless there was no candidate at all.
#[must_use]
pub fn select(preferences: &Preferences, candidates: &[Candidate<'_>]) -> Vec<Chosen> {
    let mut chosen: Vec<(u16, Chosen)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(index, candidate)| {
            let fit = preferences.fit(candidate.features)?;
            Some((candidate.q, Chosen { index, fit }))
        })
        .collect();
    if chosen.is_empty() && preferences.is_implicit {
        let all = candidates.iter().enumerate();
        chosen = all
            .map(|(index, candidate)| (candidate.q, Chosen { index, fit: WHOLE }))
            .collect();
    }
    // The sort is stable, so equals keep the order of the list.
    chosen.sort_by_key(|(q, chosen)| core::cmp::Reverse((*q, chosen.fit)));
    chosen.into_iter().map(|(_, chosen)| chosen).collect()
}

/// True when a user agent with these features may take the request; otherwise it answers 480.
#[must_use]
pub fn accepts(preferences: &Preferences, own: &Features) -> bool {
    preferences.is_implicit || preferences.fit(own).is_some()
}

/// A score of one: everything the predicate asks for is there.
const WHOLE: u16 = 1000;

/// The mean of the scores that count, if any does.
fn mean(scores: &[u16]) -> Option<u16> {
    let sum: u64 = scores.iter().copied().map(u64::from).sum();
    let mean = sum.checked_div(u64::try_from(scores.len()).ok()?)?;
    u16::try_from(mean).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::random::Random;

    /// Features from `name` and `name="value"` in the Contact's own form.
    fn features(text: &str) -> Features {
        let params: Vec<_> = features::parts(text).collect();
        Features::new(params.iter().map(|(name, value)| (*name, value.as_deref())))
    }

    fn choose(preferences: &Preferences, contacts: &[(&str, u16)]) -> Vec<(usize, u16)> {
        let sets: Vec<Features> = contacts.iter().map(|(text, _)| features(text)).collect();
        let candidates: Vec<Candidate<'_>> = sets
            .iter()
            .zip(contacts)
            .map(|(features, (_, q))| Candidate { features, q: *q })
            .collect();
        select(preferences, &candidates)
            .into_iter()
            .map(|chosen| (chosen.index, chosen.fit))
            .collect()
    }

    const THREE: [(&str, u16); 3] = [
        ("+sip.instance=\"<urn:uuid:0a>\"", 500),
        ("+sip.instance=\"<urn:uuid:0b>\"", 500),
        ("+sip.instance=\"<urn:uuid:0c>\"", 500),
    ];

    #[test]
    fn the_worked_example_of_rfc_3841_comes_out() {
        let preferences = Preferences::decode(
            [
                "*;audio;require",
                "*;video;explicit",
                "*;methods=\"BYE\";class=\"business\"",
            ],
            ["*;actor=\"msg-taker\";video"],
        );
        let contacts = [
            ("audio;video;methods=\"INVITE,BYE\"", 200),
            (
                "audio=\"FALSE\";methods=\"INVITE\";actor=\"msg-taker\"",
                200,
            ),
            ("audio;actor=\"msg-taker\";methods=\"INVITE\";video", 300),
            ("audio;methods=\"INVITE,OPTIONS\"", 200),
            ("", 500),
        ];
        assert_eq!(
            choose(&preferences, &contacts),
            [(4, 1000), (0, 833), (3, 500)]
        );
    }

    #[test]
    fn an_instance_that_is_required_explicitly_leaves_that_device_only() {
        let wish = Preferences::decode(["*;+sip.instance=\"<urn:uuid:0B>\";require;explicit"], []);
        assert_eq!(choose(&wish, &THREE), [(1, 1000)]);
    }

    #[test]
    fn an_instance_without_require_only_moves_that_device_to_the_front() {
        let wish = Preferences::decode(["*;+sip.instance=\"<urn:uuid:0b>\";explicit"], []);
        assert_eq!(choose(&wish, &THREE), [(1, 1000), (0, 0), (2, 0)]);
    }

    #[test]
    fn a_stated_preference_nobody_meets_leaves_nobody() {
        let wish = Preferences::decode(["*;video;require;explicit"], []);
        assert_eq!(choose(&wish, &[("audio", 1000)]), []);
    }

    #[test]
    fn an_implicit_preference_nobody_meets_is_ignored() {
        let wish = Preferences::implicit("MESSAGE", None);
        assert_eq!(
            choose(
                &wish,
                &[("methods=\"INVITE\"", 100), ("methods=\"BYE\"", 900)]
            ),
            [(1, 1000), (0, 1000)]
        );
    }

    #[test]
    fn an_implicit_preference_discards_contacts_without_the_method() {
        let wish = Preferences::implicit("MESSAGE", None);
        assert_eq!(
            choose(
                &wish,
                &[
                    ("methods=\"INVITE,MESSAGE\"", 100),
                    ("methods=\"INVITE\"", 900)
                ]
            ),
            [(0, 1000)]
        );
    }

    #[test]
    fn a_subscription_also_prefers_its_package() {
        let wish = Preferences::implicit("SUBSCRIBE", Some("reg;id=4"));
        assert_eq!(
            choose(
                &wish,
                &[
                    ("methods=\"SUBSCRIBE\";events=\"presence\"", 900),
                    ("methods=\"SUBSCRIBE\";events=\"reg\"", 100)
                ]
            ),
            [(1, 1000)]
        );
    }

    #[test]
    fn a_rejected_feature_must_be_mentioned_to_count() {
        let wish = Preferences::decode([], ["*;mobility=\"fixed\""]);
        assert_eq!(
            choose(&wish, &[("audio", 1000), ("mobility=\"fixed\"", 1000)]),
            [(0, 1000)]
        );
    }

    #[test]
    fn a_device_refuses_what_is_meant_for_another_instance() {
        let own = features("+sip.instance=\"<urn:uuid:0a>\";methods=\"MESSAGE\"");
        let mine = Preferences::decode(["*;+sip.instance=\"<urn:uuid:0a>\";require;explicit"], []);
        let other = Preferences::decode(["*;+sip.instance=\"<urn:uuid:0b>\";require;explicit"], []);
        assert!(accepts(&mine, &own));
        assert!(!accepts(&other, &own));
        assert!(accepts(&Preferences::implicit("NOTIFY", None), &own));
    }

    #[test]
    fn a_device_with_one_of_several_push_applications_is_meant() {
        let own = features("+g.oma.pusheventapp=\"push.sia,mms.ua,dcd.ua\"");
        let sia = Preferences::decode(["*;+g.oma.pusheventapp=\"push.sia\";require"], []);
        let ulp = Preferences::decode(["*;+g.oma.pusheventapp=\"ulp.ua\";require"], []);
        assert!(accepts(&sia, &own));
        assert!(!accepts(&ulp, &own));
    }

    #[test]
    fn a_value_that_does_not_begin_with_a_star_says_nothing() {
        let wish = Preferences::decode(["sip:a@b;require", "", ";;;", "*"], ["x;audio"]);
        assert_eq!(choose(&wish, &[("audio", 1000)]), [(0, 1000)]);
    }

    #[test]
    fn a_reject_without_features_rejects_nobody() {
        let wish = Preferences::decode([], ["*"]);
        assert_eq!(choose(&wish, &[("audio", 1000)]), [(0, 1000)]);
    }

    #[test]
    fn the_preferences_of_a_request_are_read_from_all_its_rows() {
        let request = |rows: &str| {
            let text = format!(
                "SUBSCRIBE sip:alice@example.com SIP/2.0\r\n{rows}Event: reg\r\nContent-Length: 0\r\n\r\n"
            );
            Preferences::of(&Message::decode(Bytes::from(text)).unwrap())
        };
        assert_eq!(
            request("a: *;audio;require, *;video\r\nAccept-Contact: *;text\r\nj: *;data\r\n"),
            Preferences::decode(["*;audio;require", "*;video", "*;text"], ["*;data"])
        );
        let silent = request("");
        assert!(silent.is_implicit());
        assert_eq!(silent, Preferences::implicit("SUBSCRIBE", Some("reg")));
    }

    #[test]
    fn whatever_is_written_the_choice_is_some_of_the_contacts_by_q() {
        const WORDS: [&str; 16] = [
            "*", ";", "audio", "=", "\"", "TRUE", "!", ",", "<", ">", "#>=", "1:", "2.5",
            "require", "explicit", "+a",
        ];
        let mut random = Random::from_number(11);
        let mut text = |from: &str| -> String {
            let words = 0..random.below(14);
            let more: Vec<&str> = words
                .map(|_| WORDS[usize::try_from(random.below(16)).unwrap()])
                .collect();
            format!("{from}{}", more.concat())
        };
        for _ in 0..3_000 {
            let (accept, reject) = (text("*;"), text("*;"));
            let contacts = [
                (text("audio;"), 300),
                (text(""), 900),
                (text("+a=\"x\";"), 300),
            ];
            let contacts: Vec<(&str, u16)> = contacts
                .iter()
                .map(|(text, q)| (text.as_str(), *q))
                .collect();
            let chosen = choose(&Preferences::decode([&*accept], [&*reject]), &contacts);
            let qs: Vec<u16> = chosen.iter().map(|(index, _)| contacts[*index].1).collect();
            assert!(qs.is_sorted_by(|one, two| one >= two), "{accept} {reject}");
            assert!(chosen.iter().all(|(_, fit)| *fit <= WHOLE));
            let implicit = choose(&Preferences::implicit(&accept, Some(&reject)), &contacts);
            assert!(!implicit.is_empty());
        }
    }
}
