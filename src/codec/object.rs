//! Fields of a JSON object by name, with faults that name the field: what `encode` of a format reads from.

use core::fmt;

use serde_json::{Map, Value};

use super::format::FieldFault;
use super::hex;

/// An object, or a member of one.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    map: &'a Map<String, Value>,
    /// Stands before the name of a field in faults: `si.info.`
    path: &'static str,
}

impl<'a> Object<'a> {
    /// The value as an object; `what` names it in the fault.
    ///
    /// # Errors
    /// Anything else.
    pub fn of(value: &'a Value, what: impl fmt::Display) -> Result<Self, FieldFault> {
        value
            .as_object()
            .map(|map| Self { map, path: "" })
            .ok_or_else(|| FieldFault::new(format_args!("{what}: an object is expected")))
    }

    /// The same when it has no field but `known` ones. Faults name fields behind `path`, which ends with a dot.
    ///
    /// # Errors
    /// Another field.
    pub fn only(self, path: &'static str, known: &[&str]) -> Result<Self, FieldFault> {
        match self.map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(other) => Err(FieldFault::new(format_args!(
                "{path}{other}: no such field; there are {}",
                known.join(", ")
            ))),
            None => Ok(Self { path, ..self }),
        }
    }

    /// A fault of a field.
    pub fn fault(self, name: &str, what: impl fmt::Display) -> FieldFault {
        FieldFault::new(format_args!("{}{name}: {what}", self.path))
    }

    /// The value of a field; null is as good as absent.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.map.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A number up to what `T` holds; `None` when it is absent.
    ///
    /// # Errors
    /// Anything else than such a number.
    pub fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, FieldFault> {
        self.get(name)
            .map(|value| {
                of_number(value)
                    .ok_or_else(|| self.fault(name, format_args!("{value} is out of range")))
            })
            .transpose()
    }

    /// A number up to `max`; `None` when it is absent.
    ///
    /// # Errors
    /// Anything else than such a number.
    pub fn up_to<T: TryFrom<u64> + PartialOrd + fmt::Display + Copy>(
        self,
        name: &str,
        max: T,
    ) -> Result<Option<T>, FieldFault> {
        match self.number(name)? {
            Some(number) if number > max => {
                Err(self.fault(name, format_args!("{number} is above {max}")))
            }
            number => Ok(number),
        }
    }

    /// A number, which must be there.
    ///
    /// # Errors
    /// Absent, or anything else.
    pub fn needed<T: TryFrom<u64>>(self, name: &str) -> Result<T, FieldFault> {
        self.number(name)?
            .ok_or_else(|| self.fault(name, "is missing"))
    }

    /// A text; `None` when it is absent.
    ///
    /// # Errors
    /// Anything else than a text.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, FieldFault> {
        self.get(name)
            .map(|value| {
                let text = value.as_str();
                text.ok_or_else(|| self.fault(name, format_args!("{value} is no text")))
            })
            .transpose()
    }

    /// True, or false which is also meant by absence.
    ///
    /// # Errors
    /// Anything else.
    pub fn flag(self, name: &str) -> Result<bool, FieldFault> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => Err(self.fault(name, format_args!("{value} is neither true nor false"))),
        }
    }

    /// Octets in hexadecimal; `None` when they are absent.
    ///
    /// # Errors
    /// Anything else than hexadecimal digits.
    pub fn octets(self, name: &str) -> Result<Option<Vec<u8>>, FieldFault> {
        self.text(name)?
            .map(|digits| {
                hex::octets(digits).ok_or_else(|| {
                    self.fault(name, format_args!("{digits:?} is not hexadecimal octets"))
                })
            })
            .transpose()
    }

    /// The members of a list; none when it is absent.
    ///
    /// # Errors
    /// Anything else than a list.
    pub fn list(self, name: &str) -> Result<&'a [Value], FieldFault> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(value) => Err(self.fault(name, format_args!("{value} is no list"))),
        }
    }

    /// What one of the words means; `absent` when there is none.
    ///
    /// # Errors
    /// Anything else than one of the words.
    pub fn word<T: Copy>(
        self,
        name: &str,
        words: &[(&str, T)],
        absent: T,
    ) -> Result<T, FieldFault> {
        let Some(text) = self.text(name)? else {
            return Ok(absent);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(
                name,
                format_args!("{text:?} is none of {}", words.join(", ")),
            )
        })
    }

    /// A text that says a `T`; `None` when it is absent. `expected` is what such a text is.
    ///
    /// # Errors
    /// Anything else than such a text.
    pub fn parsed<T: core::str::FromStr>(
        self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, FieldFault> {
        self.text(name)?
            .map(|text| {
                let says = || self.fault(name, format_args!("{text:?} is not {expected}"));
                text.parse().map_err(|_| says())
            })
            .transpose()
    }
}

/// A number up to what `T` holds.
///
/// # Errors
/// Anything else.
pub fn number<T: TryFrom<u64>>(value: &Value, name: &str) -> Result<T, FieldFault> {
    of_number(value).ok_or_else(|| FieldFault::new(format_args!("{name}: {value} is out of range")))
}

fn of_number<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    T::try_from(value.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_names_the_field() {
        let value = json!({"port": 70_000, "flag": 1, "octets": "0g", "null": null});
        let object = Object::of(&value, "fields").unwrap();
        let text = |fault: FieldFault| fault.to_string();
        assert_eq!(
            object.number::<u16>("port").map_err(text),
            Err("port: 70000 is out of range".to_owned())
        );
        assert!(object.flag("flag").map_err(text).is_err());
        assert_eq!(
            object.octets("octets").map_err(text),
            Err("octets: \"0g\" is not hexadecimal octets".to_owned())
        );
        assert_eq!(
            object.needed::<u8>("null").map_err(text),
            Err("null: is missing".to_owned())
        );
        assert_eq!(object.number::<u32>("port").map_err(text), Ok(Some(70_000)));
        assert_eq!(
            object.up_to("port", 69_999_u32).map_err(text),
            Err("port: 70000 is above 69999".to_owned())
        );
        assert_eq!(
            object
                .only("pdu.", &["port", "null"])
                .map(|_| ())
                .map_err(text),
            Err("pdu.flag: no such field; there are port, null".to_owned())
        );
        let object = object
            .only("pdu.", &["port", "flag", "octets", "null"])
            .unwrap();
        assert_eq!(
            object
                .word("octets", &[("on", 1), ("off", 0)], 0)
                .map_err(text),
            Err("pdu.octets: \"0g\" is none of on, off".to_owned())
        );
        assert_eq!(object.word("null", &[("on", 1)], 0).map_err(text), Ok(0));
        assert_eq!(
            object.parsed::<u8>("octets", "a number").map_err(text),
            Err("pdu.octets: \"0g\" is not a number".to_owned())
        );
    }
}
