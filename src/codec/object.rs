//! Fields of a JSON object by name, with faults that name the field: what `encode` of a format reads from.

use core::fmt;

use serde_json::{Map, Value};

use super::format::FieldFault;
use super::hex;

/// An object, or a member of one.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    /// The value as an object; `what` names it in the fault.
    ///
    /// # Errors
    /// Anything else.
    pub fn of(value: &'a Value, what: impl fmt::Display) -> Result<Self, FieldFault> {
        value
            .as_object()
            .map(Self)
            .ok_or_else(|| FieldFault::new(format_args!("{what}: an object is expected")))
    }

    /// The value of a field; null is as good as absent.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A number up to what `T` holds; `None` when it is absent.
    ///
    /// # Errors
    /// Anything else than such a number.
    pub fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, FieldFault> {
        self.get(name).map(|value| number(value, name)).transpose()
    }

    /// A number, which must be there.
    ///
    /// # Errors
    /// Absent, or anything else.
    pub fn needed<T: TryFrom<u64>>(self, name: &str) -> Result<T, FieldFault> {
        self.number(name)?
            .ok_or_else(|| FieldFault::new(format_args!("{name}: is missing")))
    }

    /// A text; `None` when it is absent.
    ///
    /// # Errors
    /// Anything else than a text.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, FieldFault> {
        self.get(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| FieldFault::new(format_args!("{name}: {value} is no text")))
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
            Some(value) => Err(FieldFault::new(format_args!(
                "{name}: {value} is neither true nor false"
            ))),
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
                    FieldFault::new(format_args!("{name}: {digits:?} is not hexadecimal octets"))
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
            Some(value) => Err(FieldFault::new(format_args!("{name}: {value} is no list"))),
        }
    }
}

/// A number up to what `T` holds.
///
/// # Errors
/// Anything else.
pub fn number<T: TryFrom<u64>>(value: &Value, name: &str) -> Result<T, FieldFault> {
    value
        .as_u64()
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| FieldFault::new(format_args!("{name}: {value} is out of range")))
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
    }
}
