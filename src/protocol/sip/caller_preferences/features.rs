//! Feature sets: what a contact says it can do, and what a predicate asks for.
//!
//! **Source:** RFC 3840 sections 5, 6 and 9; RFC 3841 section 7.2.4 for the score.

use std::collections::BTreeMap;

use crate::codec::sip::unquoted;

/// Feature tags with the values each may have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features(BTreeMap<String, Vec<Value>>);

/// One value of a tag, or its opposite.
#[derive(Clone, Debug, PartialEq)]
struct Value {
    negated: bool,
    kind: Kind,
}

/// The kinds of value RFC 3840 knows; a boolean is the token `TRUE` or `FALSE`.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Compared without regard to case, kept in lower case.
    Token(String),
    /// Compared exactly.
    Text(String),
    /// All numbers from the first to the second.
    Range(f64, f64),
}

/// Tags that stand in a Contact without a plus (RFC 3840 section 9).
const BASE: [&str; 20] = [
    "actor",
    "application",
    "audio",
    "automata",
    "class",
    "control",
    "data",
    "description",
    "duplex",
    "events",
    "extensions",
    "isfocus",
    "language",
    "methods",
    "mobility",
    "priority",
    "schemes",
    "text",
    "type",
    "video",
];

/// The tag whose text names a device: URNs compare without regard to case where the field writes them so.
const INSTANCE: &str = "sip.instance";

impl Features {
    /// The feature parameters among the parameters of a Contact, each with its value out of quotes; others are passed
    /// over.
    pub fn new<'a>(params: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut tags = BTreeMap::new();
        for (name, value) in params {
            let Some(tag) = tag(name) else { continue };
            let mut values: Vec<Value> = match value {
                Some(text) => items(text).map(Value::decode).collect(),
                None => vec![Value::decode("TRUE")],
            };
            if tag == INSTANCE {
                values.iter_mut().for_each(Value::fold);
            }
            tags.insert(tag, values);
        }
        Self(tags)
    }

    /// True when no feature is stated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which part of these features `contact` mentions, per mille; `None` when it contradicts one.
    ///
    /// A predicate without features is met in full.
    pub(super) fn score(&self, contact: &Self) -> Option<u16> {
        let mut present: u64 = 0;
        for (tag, wanted) in &self.0 {
            let Some(offered) = contact.0.get(tag) else {
                continue;
            };
            if !wanted.iter().any(|w| offered.iter().any(|o| w.meets(o))) {
                return None;
            }
            present = present.saturating_add(1);
        }
        let all = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        let score = present.saturating_mul(1000).checked_div(all);
        Some(score.map_or(1000, |score| u16::try_from(score).unwrap_or(1000)))
    }
}

impl Value {
    /// Reads one item of a value list: `token`, `!token`, `#>=3`, `<text>`.
    fn decode(item: &str) -> Self {
        let (negated, rest) = item.strip_prefix('!').map_or((false, item), |r| (true, r));
        let kind = match (rest.strip_prefix('<'), rest.strip_prefix('#')) {
            (Some(text), _) => Kind::Text(text.strip_suffix('>').unwrap_or(text).to_owned()),
            (_, Some(number)) => Kind::number(number),
            _ => Kind::Token(rest.to_ascii_lowercase()),
        };
        Self { negated, kind }.without_negated_boolean()
    }

    /// `!TRUE` is `FALSE`, and the reverse: there is no third.
    fn without_negated_boolean(self) -> Self {
        let opposite = match (&self.kind, self.negated) {
            (Kind::Token(token), true) if token == "true" => "false",
            (Kind::Token(token), true) if token == "false" => "true",
            _ => return self,
        };
        Self {
            negated: false,
            kind: Kind::Token(opposite.to_owned()),
        }
    }

    /// Makes a text comparable without regard to case.
    fn fold(&mut self) {
        if let Kind::Text(text) = &mut self.kind {
            text.make_ascii_lowercase();
        }
    }

    /// True when something is described by both.
    fn meets(&self, other: &Self) -> bool {
        match (self.negated, other.negated) {
            (false, false) => self.kind.meets(&other.kind),
            (true, false) => !other.kind.is_within(&self.kind),
            (false, true) => !self.kind.is_within(&other.kind),
            // Two exclusions leave something, since the domains are open.
            (true, true) => true,
        }
    }
}

impl Kind {
    /// Reads `>=3`, `<=3`, `=3` or `1:5`; what is none of these is a token.
    fn number(text: &str) -> Self {
        let range = if let Some(low) = text.strip_prefix(">=") {
            decimal(low).map(|low| (low, f64::INFINITY))
        } else if let Some(high) = text.strip_prefix("<=") {
            decimal(high).map(|high| (f64::NEG_INFINITY, high))
        } else if let Some((low, high)) = text.split_once(':') {
            decimal(low).zip(decimal(high))
        } else {
            decimal(text.strip_prefix('=').unwrap_or(text)).map(|only| (only, only))
        };
        range.map_or_else(
            || Self::Token(text.to_ascii_lowercase()),
            |(low, high)| Self::Range(low, high),
        )
    }

    /// True when both have something in common.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(low, high), Self::Range(l, h)) => low.max(*l) <= high.min(*h),
            _ => self == other,
        }
    }

    /// True when `outer` covers all of this.
    fn is_within(&self, outer: &Self) -> bool {
        match (self, outer) {
            (Self::Range(low, high), Self::Range(l, h)) => l <= low && high <= h,
            _ => self == outer,
        }
    }
}

/// The tag of a Contact parameter: `audio` and `+sip.audio` are the same; `None` for parameters that are no feature.
fn tag(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    match lower.strip_prefix('+') {
        Some("") => None,
        Some(other) => Some(other.to_owned()),
        None if matches!(lower.as_str(), "language" | "type") => Some(lower),
        None => BASE
            .contains(&lower.as_str())
            .then(|| format!("sip.{lower}")),
    }
}

/// True when a Contact parameter states a feature, so that its value stands in quotes.
pub(in crate::protocol::sip) fn is_feature(name: &str) -> bool {
    tag(name).is_some()
}

/// A number without exponent, infinity or other forms that a float has and the grammar has not.
fn decimal(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|octet| octet.is_ascii_digit() || matches!(octet, b'+' | b'-' | b'.'));
    plain
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .filter(|number| number.is_finite())
}

/// The items of a value list, cut at commas outside `<…>`.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u8;
    text.split(move |c| {
        match c {
            '<' => depth = 1,
            '>' => depth = 0,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
}

/// The parts of one header value, cut at semicolons outside quotes: name, and value out of its quotes.
pub(super) fn parts(value: &str) -> impl Iterator<Item = (&str, Option<String>)> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |c| {
            if escaped {
                escaped = false;
            } else {
                match c {
                    '\\' if quoted => escaped = true,
                    '"' => quoted = !quoted,
                    _ => {}
                }
            }
            c == ';' && !quoted
        })
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(text_of(value.trim()))),
            None => (part.trim(), None),
        })
}

fn text_of(value: &str) -> String {
    String::from_utf8_lossy(&unquoted(value.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Features {
        Features::new([(name, Some(value))])
    }

    #[test]
    fn values_of_a_list_are_alternatives() {
        let contact = set("methods", "INVITE,BYE");
        assert_eq!(set("methods", "bye").score(&contact), Some(1000));
        assert_eq!(set("methods", "MESSAGE").score(&contact), None);
    }

    #[test]
    fn a_negated_value_meets_everything_else() {
        let contact = set("mobility", "mobile");
        assert_eq!(set("mobility", "!fixed").score(&contact), Some(1000));
        assert_eq!(set("mobility", "!mobile").score(&contact), None);
        assert_eq!(
            set("audio", "!TRUE").score(&set("audio", "FALSE")),
            Some(1000)
        );
    }

    #[test]
    fn numbers_meet_when_their_ranges_do() {
        let contact = set("priority", "#1:5");
        assert_eq!(set("priority", "#>=5").score(&contact), Some(1000));
        assert_eq!(set("priority", "#>=5.5").score(&contact), None);
        assert_eq!(set("priority", "#=3").score(&contact), Some(1000));
        assert_eq!(set("priority", "!#0:9").score(&contact), None);
        assert_eq!(set("priority", "#1e400").score(&contact), None);
    }

    #[test]
    fn text_is_compared_exactly_but_an_instance_is_not() {
        let note = set("description", "<Lab, door>");
        assert_eq!(set("description", "<Lab, door>").score(&note), Some(1000));
        assert_eq!(set("description", "<lab, door>").score(&note), None);
        let urn = set("+sip.instance", "<urn:uuid:AB>");
        assert_eq!(
            set("+sip.instance", "<URN:uuid:ab>").score(&urn),
            Some(1000)
        );
    }

    #[test]
    fn base_tags_and_their_long_form_are_one() {
        assert_eq!(
            set("+sip.audio", "TRUE").score(&Features::new([("audio", None)])),
            Some(1000)
        );
    }

    #[test]
    fn parameters_that_are_no_feature_are_passed_over() {
        let params = [
            ("expires", Some("60")),
            ("reg-id", Some("1")),
            ("q", Some("0.5")),
        ];
        assert!(Features::new(params).is_empty());
    }

    #[test]
    fn quotes_hide_semicolons_and_backslashes_hide_quotes() {
        let cut: Vec<_> = parts(r#"*;a="x;\"y\"" ; b = "z";c"#).collect();
        assert_eq!(
            cut,
            [
                ("*", None),
                ("a", Some(r#"x;"y""#.to_owned())),
                ("b", Some("z".to_owned())),
                ("c", None)
            ]
        );
    }
}
