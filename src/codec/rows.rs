//! Header rows and bodies of text protocols as named fields and as spans.
//!
//! A header is `{"Name": "value"}`, so that order and repetition stay; octets that are no readable text are told in
//! hexadecimal, under the name with `_hex`.

use serde_json::{Map, Value, json};

use super::format::FieldFault;
use super::{Span, hex};

/// The octets as text, when they are UTF-8 with no control characters but tabs and line ends.
#[must_use]
pub fn readable(octets: &[u8]) -> Option<&str> {
    let is_plain = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    core::str::from_utf8(octets)
        .ok()
        .filter(|text| text.chars().all(is_plain))
}

/// Adds octets under `key`, or in hexadecimal under `key_hex`.
pub fn put(fields: &mut Map<String, Value>, key: &str, octets: &[u8]) {
    match readable(octets) {
        Some(text) => fields.insert(key.to_owned(), text.into()),
        None => fields.insert(format!("{key}_hex"), hex::digits(octets).into()),
    };
}

/// The octets that [`put`] added; `None` when they are absent.
///
/// # Errors
/// A value that is no text, or no hexadecimal digits.
pub fn take(fields: &Value, key: &str) -> Result<Option<Vec<u8>>, FieldFault> {
    if let Some(value) = fields.get(key) {
        let text = value
            .as_str()
            .ok_or_else(|| FieldFault::new(format_args!("{key}: a text")))?;
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let key = format!("{key}_hex");
    match fields.get(&key) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(hex::octets)
            .map(Some)
            .ok_or_else(|| FieldFault::new(format_args!("{key}: pairs of hexadecimal digits"))),
    }
}

/// Rows in order.
#[must_use]
pub fn headers<'a>(rows: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Value {
    rows.map(|(name, value)| {
        let name = String::from_utf8_lossy(name).into_owned();
        let mut row = Map::new();
        match readable(value) {
            Some(text) => row.insert(name, text.into()),
            None => row.insert(name, json!({"hex": hex::digits(value)})),
        };
        Value::Object(row)
    })
    .collect()
}

/// The rows that [`headers`] shows.
///
/// # Errors
/// Anything but a list of objects with one text each, and a value that would end its row.
pub fn headers_of(fields: &Value) -> Result<Vec<(String, Vec<u8>)>, FieldFault> {
    let rows = match fields.get("headers") {
        None => return Ok(Vec::new()),
        Some(rows) => rows
            .as_array()
            .ok_or_else(|| FieldFault::new("headers: a list"))?,
    };
    let mut out = Vec::new();
    for row in rows {
        let row = row.as_object().filter(|row| row.len() == 1);
        let (name, value) = row
            .and_then(|row| row.iter().next())
            .ok_or_else(|| FieldFault::new("headers: each is {\"name\": \"value\"}"))?;
        let octets = match value {
            Value::String(text) => Some(text.as_bytes().to_vec()),
            Value::Number(number) => Some(number.to_string().into_bytes()),
            other => other
                .get("hex")
                .and_then(Value::as_str)
                .and_then(hex::octets),
        };
        let octets = octets
            .filter(|octets| !ends_its_row(octets) && !name.contains(['\r', '\n', ':']))
            .ok_or_else(|| {
                FieldFault::new(format_args!("headers: {name} has no value of a row"))
            })?;
        out.push((name.clone(), octets));
    }
    Ok(out)
}

/// Whether a line end in a value is no fold.
fn ends_its_row(value: &[u8]) -> bool {
    value.iter().enumerate().any(|(at, octet)| match octet {
        b'\r' => value.get(at.saturating_add(1)) != Some(&b'\n'),
        b'\n' => {
            let follows = value.get(at.saturating_add(1));
            !matches!(follows, Some(b' ' | b'\t'))
        }
        _ => false,
    })
}

/// Spans in order, between which nothing is left out: what no span was given for is shown as octets of its own.
#[derive(Debug)]
pub struct Gapless {
    spans: Vec<Span>,
    end: usize,
    path: &'static str,
    clause: &'static str,
}

impl Gapless {
    /// Before the first octet; what nobody names gets this path and clause.
    #[must_use]
    pub const fn new(path: &'static str, clause: &'static str) -> Self {
        Self {
            spans: Vec::new(),
            end: 0,
            path,
            clause,
        }
    }

    /// Adds a span; one that begins before the end of the last is left out.
    pub fn push(&mut self, span: Span) {
        self.fill(span.at);
        if span.at == self.end {
            self.end = span.at.saturating_add(span.len);
            self.spans.push(span);
        }
    }

    /// Adds a span of these octets in words.
    pub fn put(&mut self, at: usize, len: usize, path: String, value: &[u8], clause: &'static str) {
        self.push(Span {
            at,
            len,
            path,
            value: one_line(value),
            clause,
        });
    }

    /// Octets up to `at` are covered.
    pub fn fill(&mut self, at: usize) {
        if at > self.end {
            let len = at.saturating_sub(self.end);
            self.spans.push(Span {
                at: self.end,
                len,
                path: self.path.to_owned(),
                value: format!("{len} octets"),
                clause: self.clause,
            });
            self.end = at;
        }
    }

    /// The spans, up to `end`.
    #[must_use]
    pub fn finish(mut self, end: usize) -> Vec<Span> {
        self.fill(end);
        self.spans
    }
}

/// A value in one line, its folds as one space.
#[must_use]
pub fn one_line(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_texts_read_back() {
        let rows: [(&[u8], &[u8]); 3] = [(b"A", b"1"), (b"a", b"\xff"), (b"B", b"x\r\n y")];
        let fields = json!({"headers": headers(rows.into_iter())});
        assert_eq!(fields["headers"][1], json!({"a": {"hex": "ff"}}));
        let again = headers_of(&fields).unwrap();
        assert_eq!(again.len(), 3);
        for ((name, value), (own, octets)) in rows.into_iter().zip(&again) {
            assert_eq!((name, value), (own.as_bytes(), octets.as_slice()));
        }
        let mut fields = Map::new();
        put(&mut fields, "body", b"text\r\n");
        put(&mut fields, "other", &[0, 1]);
        let fields = Value::Object(fields);
        assert_eq!(fields["other_hex"], "0001");
        assert_eq!(take(&fields, "body"), Ok(Some(b"text\r\n".to_vec())));
        assert_eq!(take(&fields, "other"), Ok(Some(vec![0, 1])));
        assert_eq!(take(&fields, "more"), Ok(None));
    }

    #[test]
    fn a_value_that_would_end_its_row_is_refused() {
        for value in ["a\r\nEvil: b", "a\rb", "a\n"] {
            assert!(
                headers_of(&json!({"headers": [{"A": value}]})).is_err(),
                "{value:?}"
            );
        }
        assert!(headers_of(&json!({"headers": [{"A": "1", "B": "2"}]})).is_err());
        assert!(headers_of(&json!({"headers": "A: 1"})).is_err());
    }

    #[test]
    fn what_no_span_names_is_shown_as_octets() {
        let mut spans = Gapless::new("x.octets", "none");
        spans.put(2, 3, "x.a".into(), b"v\r\n w", "none");
        spans.put(4, 1, "x.inside".into(), b"", "none");
        let spans = spans.finish(9);
        let at: Vec<(usize, usize)> = spans.iter().map(|span| (span.at, span.len)).collect();
        assert_eq!(at, [(0, 2), (2, 3), (5, 4)]);
        assert_eq!(spans[1].value, "v w");
    }
}
