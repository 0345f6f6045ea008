//! `push.rx dev=C1 push=k7q4`: which events are meant, by name and exact field values.

use core::fmt;
use core::str::FromStr;

use serde_json::Value;

use super::nearest::nearest;
use super::{Event, NAMES, fields};

/// An event name, or `*` for any, and field values that must be equal.
///
/// A value is compared with the field's text; a list field matches when one of its members does. A name that ends in
/// `.*` means every event that begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    name: String,
    fields: Vec<(String, String)>,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write an event name and field=value pairs, as in 'push.rx dev=C1 push=k7q4'")]
pub struct NotAFilter(String);

impl FromStr for Filter {
    type Err = NotAFilter;

    fn from_str(text: &str) -> Result<Self, NotAFilter> {
        let mut words = text.split_whitespace();
        let name = words
            .next()
            .ok_or_else(|| NotAFilter("the filter is empty".into()))?;
        if name.contains('=') {
            return Err(NotAFilter(format!("'{name}' is no event name")));
        }
        let is_known = match name.strip_suffix('*') {
            Some(start) => NAMES.iter().any(|known| known.starts_with(start)),
            None => NAMES.contains(&name),
        };
        if !is_known {
            let known = NAMES.join(", ");
            return Err(NotAFilter(format!(
                "there is no event '{name}'; events are {known}"
            )));
        }
        let fields = words
            .map(|word| match word.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    known_field(name, key)?;
                    Ok((key.to_owned(), value.to_owned()))
                }
                _ => Err(NotAFilter(format!("'{word}' is no field=value"))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            fields,
        })
    }
}

/// A field that no event of that name has would be waited for in vain.
fn known_field(name: &str, field: &str) -> Result<(), NotAFilter> {
    let known = fields::of(name);
    if known.contains(&field) {
        return Ok(());
    }
    let meant = match nearest(field, &known) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => format!("it has {}", known.join(", ")),
    };
    Err(NotAFilter(format!(
        "'{name}' has no field '{field}'; {meant}"
    )))
}

impl Filter {
    /// True when the event is meant.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        serde_json::to_value(event).is_ok_and(|value| self.matches_json(&value))
    }

    /// True when the event, as its JSON line, is meant.
    #[must_use]
    pub fn matches_json(&self, event: &Value) -> bool {
        let name = event.get("ev").and_then(Value::as_str).unwrap_or_default();
        let named = match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        };
        named
            && self
                .fields
                .iter()
                .all(|(key, wanted)| event.get(key).is_some_and(|value| says(value, wanted)))
    }
}

fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null => wanted == "none",
        Value::String(text) => text == wanted,
        Value::Array(members) => members.iter().any(|member| says(member, wanted)),
        other => other.to_string().as_str() == wanted,
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.fields
            .iter()
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Fact, Via};
    use crate::time::Time;

    fn content(dev: &str) -> Event {
        let fact = Fact::PushRx {
            push: "k7q4".into(),
            dev: dev.into(),
            via: Via::New,
            octets: 5,
            repeated: false,
        };
        Event {
            t: Time::EPOCH,
            fact,
        }
    }

    #[test]
    fn name_and_fields_must_all_be_equal() {
        let filter: Filter = "push.rx dev=C1 push=k7q4 octets=5".parse().unwrap();
        assert!(filter.matches(&content("C1")));
        assert!(!filter.matches(&content("C2")));
        assert!("push.*".parse::<Filter>().unwrap().matches(&content("C2")));
        assert!(!"sir.*".parse::<Filter>().unwrap().matches(&content("C2")));
    }

    #[test]
    fn a_list_field_matches_by_a_member() {
        let event = serde_json::json!({"ev": "sir.rx", "ids": ["a", "b"], "pui": null});
        assert!(
            "sir.rx ids=b"
                .parse::<Filter>()
                .unwrap()
                .matches_json(&event)
        );
        assert!(
            "sir.rx pui=none"
                .parse::<Filter>()
                .unwrap()
                .matches_json(&event)
        );
        assert!(
            !"sir.rx ids=c"
                .parse::<Filter>()
                .unwrap()
                .matches_json(&event)
        );
    }

    #[test]
    fn a_text_that_is_no_filter_says_how_to_write_one() {
        for text in ["", "dev=C1", "push.rx C1"] {
            assert!(
                text.parse::<Filter>()
                    .unwrap_err()
                    .to_string()
                    .contains("field=value"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_that_no_event_has_is_refused_with_those_that_there_are() {
        let said = "push.recieved".parse::<Filter>().unwrap_err().to_string();
        assert!(
            said.contains("push.rx, push.dev") && said.contains("refused"),
            "{said}"
        );
        assert!("pusch.*".parse::<Filter>().is_err());
        assert!("*".parse::<Filter>().is_ok());
    }

    #[test]
    fn a_field_that_the_event_has_not_is_refused_with_the_nearest_it_has() {
        let said = |text: &str| text.parse::<Filter>().unwrap_err().to_string();
        let misspelt = said("push.end stat=delivered");
        assert!(misspelt.contains("'push.end' has no field 'stat'; did you mean 'state'?"));
        let other = said("push.dev colour=red");
        assert!(
            other.contains("it has dev, outcome, push, reason, t, seq, ev"),
            "{other}"
        );
        assert!(said("push.* pui=x").contains("has no field"));
        for good in ["* dev=C1", "push.* state=delivered", "sir.tx seq=5"] {
            assert!(good.parse::<Filter>().is_ok(), "{good}");
        }
    }
}
