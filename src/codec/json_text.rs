//! A wire format whose octets are one JSON object: its members, where each stands, and what is wrong with which.
//!
//! **Source:** RFC 8259 section 4. A name that stands twice is refused (RFC 7493 section 2.3), and so is a number that
//! readers take for different ones.

use serde_json::{Map, Value};

use super::{Class, DecodeError, Span};

/// An object read, with the place of each member.
#[derive(Clone, Debug)]
pub(super) struct JsonText {
    format: &'static str,
    fields: Map<String, Value>,
    members: Vec<Member>,
    octets: usize,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Octets before its name's quotation mark.
    pub(super) at: usize,
    /// Octets before what follows it: a comma or the closing brace.
    pub(super) end: usize,
    /// Its name, escapes undone.
    pub(super) name: String,
}

impl JsonText {
    /// Reads octets of that format, `most` of them at most.
    pub(super) fn of(
        octets: &[u8],
        format: &'static str,
        most: usize,
    ) -> Result<Self, DecodeError> {
        let fault = |offset, class, expected| DecodeError {
            format,
            offset,
            class,
            expected,
        };
        if octets.len() > most {
            return Err(fault(most, Class::TooLarge, "the end of the object"));
        }
        let text = core::str::from_utf8(octets)
            .map_err(|error| fault(error.valid_up_to(), Class::BadValue, "UTF-8"))?;
        let fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| of_json(text, &error, format))?;
        let members = members(text);
        for (number, member) in members.iter().enumerate() {
            let mut before = members.iter().take(number);
            if before.any(|earlier| earlier.name == member.name) {
                return Err(fault(member.at, Class::Repeated, "a member once"));
            }
            if !fields.get(&member.name).is_none_or(survives) {
                return Err(fault(
                    member.at,
                    Class::BadValue,
                    "a number of double precision",
                ));
            }
        }
        Ok(Self {
            format,
            fields,
            members,
            octets: octets.len(),
        })
    }

    /// All members.
    pub(super) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    /// A member that is a text; null is as good as absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, DecodeError> {
        self.typed(name, Value::as_str, "a text")
    }

    /// A member that is an object.
    pub(super) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, DecodeError> {
        self.typed(name, Value::as_object, "an object")
    }

    /// A member that is a whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, DecodeError> {
        self.typed(name, Value::as_u64, "a whole number")
    }

    /// A member that is true or false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, DecodeError> {
        self.typed(name, Value::as_bool, "true or false")
    }

    /// What must be there.
    pub(super) fn needed<T>(
        &self,
        value: Option<T>,
        expected: &'static str,
    ) -> Result<T, DecodeError> {
        let end = self.members.last().map_or(0, |member| member.end);
        value.ok_or_else(|| self.fault(end, Class::MissingHeader, expected))
    }

    /// The fault of a member's value.
    pub(super) fn bad(&self, name: &str, expected: &'static str) -> DecodeError {
        self.fault(self.at(name), Class::BadValue, expected)
    }

    /// One span a member, with what stands before it; the last one to the end.
    pub(super) fn spans(&self, clause: &'static str) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut at = 0_usize;
        for (number, member) in self.members.iter().enumerate() {
            let is_last = number.saturating_add(1) == self.members.len();
            let end = if is_last { self.octets } else { member.end };
            let value = self.fields.get(&member.name);
            spans.push(Span {
                at,
                len: end.saturating_sub(at),
                path: format!("{}.{}", self.format, member.name),
                value: value.map(ToString::to_string).unwrap_or_default(),
                clause,
            });
            at = end;
        }
        if spans.is_empty() {
            spans.push(Span {
                at,
                len: self.octets,
                path: self.format.to_owned(),
                value: "{}".to_owned(),
                clause,
            });
        }
        spans
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| self.bad(name, expected)),
        }
    }

    fn at(&self, name: &str) -> usize {
        let found = self.members.iter().find(|member| member.name == name);
        found.map_or(0, |member| member.at)
    }

    const fn fault(&self, offset: usize, class: Class, expected: &'static str) -> DecodeError {
        DecodeError {
            format: self.format,
            offset,
            class,
            expected,
        }
    }
}

/// The fault of a JSON parser, which counts lines and columns.
pub(super) fn of_json(text: &str, error: &serde_json::Error, format: &'static str) -> DecodeError {
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let at = before.saturating_add(error.column().saturating_sub(1));
    let (offset, class, expected) = if error.is_eof() {
        (text.len(), Class::Truncated, "the end of a JSON object")
    } else {
        (at.min(text.len()), Class::BadValue, "a JSON object")
    };
    DecodeError {
        format,
        offset,
        class,
        expected,
    }
}

/// A number with a fraction comes back as it was read; others always do.
fn survives(value: &Value) -> bool {
    match value {
        Value::Number(number) if number.is_f64() => {
            serde_json::from_str(&value.to_string()).is_ok_and(|again: Value| again == *value)
        }
        Value::Array(list) => list.iter().all(survives),
        Value::Object(fields) => fields.values().all(survives),
        _ => true,
    }
}

/// The members of the object that a text is, in order. The text has been read by a JSON parser before: no fault is
/// looked for.
pub(super) fn members(text: &str) -> Vec<Member> {
    let octets = text.as_bytes();
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<(usize, String)> = None;
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        let mut next = at.saturating_add(1);
        match octet {
            b'"' => {
                next = string_end(octets, next);
                if depth == 1 && open.is_none() {
                    let name = text.get(at..next).unwrap_or_default();
                    open = Some((at, serde_json::from_str(name).unwrap_or_default()));
                }
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    close(&mut open, at, &mut found);
                }
            }
            b',' if depth == 1 => close(&mut open, at, &mut found),
            _ => {}
        }
        at = next;
    }
    found
}

fn close(open: &mut Option<(usize, String)>, end: usize, found: &mut Vec<Member>) {
    if let Some((at, name)) = open.take() {
        found.push(Member { at, end, name });
    }
}

/// Behind the closing quotation mark of a string whose content begins there.
fn string_end(octets: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        match octets.get(at) {
            None => return octets.len(),
            Some(b'"') => return at.saturating_add(1),
            Some(b'\\') => at = at.saturating_add(2),
            Some(_) => at = at.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_around_what_is_nested_in_them() {
        let text = r#" {"a\"" : [{"b":","}, "}"] ,"c":{}}"#;
        let found = members(text);
        let names: Vec<&str> = found.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["a\"", "c"]);
        assert_eq!((found[0].at, found[1].at), (2, text.len() - 7));
        assert_eq!(found[1].end, text.len() - 1);
        assert!(members("{}").is_empty());
    }
}
