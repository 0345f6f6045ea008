//! Test vectors: octets with what they say or why they are refused, held against every [`Format`].
//!
//! A lab brings its own files in the same schema: a JSON array of objects with `name`, `kind` (the name of a format),
//! `valid`, `hex` or `text`, and `decoded` or `error_class`; ours add `offset`, where a fault stands, and
//! `"canonical": false` for octets that say the same as others which are written instead. Where a vector leaves that open,
//! another spelling or a reading that had to be lenient is a warning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::claims::Proof;
use super::format::Format;
use super::{Class, DecodeError, FORMATS, Span, hex};

/// One vector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Unique inside its file.
    pub name: String,
    /// Its purpose in one sentence.
    #[serde(default)]
    pub what: String,
    /// The format that reads it.
    pub kind: String,
    /// Whether it must be read, or refused.
    pub valid: bool,
    /// The octets.
    #[serde(default)]
    pub hex: Option<String>,
    /// The octets of a text; beside `hex` it must say the same.
    #[serde(default)]
    pub text: Option<String>,
    /// What it says; other fields may be there too.
    #[serde(default)]
    pub decoded: Option<Value>,
    /// Why it is refused.
    #[serde(default)]
    pub error_class: Option<String>,
    /// Where the fault stands.
    #[serde(default)]
    pub offset: Option<usize>,
    /// Whether these very octets are written for what they say; open when it is not said.
    #[serde(default)]
    pub canonical: Option<bool>,
}

/// A vector and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The vector's name.
    pub name: String,
    /// Its format.
    pub kind: String,
    /// Whether everything is as expected.
    pub holds: bool,
    /// What should be, or the first thing that is not.
    pub expected: String,
    /// What is.
    pub actual: String,
    /// Keys that describe what a gateway or device does with the value, and that this format alone cannot show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// What holds only with good will: the vector does not say whether it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a check finds beside its verdict.
#[derive(Debug, Default)]
struct Notes {
    unchecked: Vec<String>,
    warnings: Vec<String>,
}

/// Keys of `decoded` that tell of behaviour beyond octets.
const BEHAVIOUR: [&str; 6] = [
    "expected",
    "reply_hex",
    "pap_code",
    "action",
    "reassembled_hex",
    "ignored_trailing",
];

/// The first thing that is not as expected.
#[derive(Debug)]
struct Differs {
    expected: String,
    actual: String,
}

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied()
}

/// Reads a vector, checks every promise about it, and tells the first that is not kept.
#[must_use]
pub fn run(vector: &Vector) -> Verdict {
    let mut notes = Notes::default();
    let (holds, expected, actual) = match check(vector, &mut notes) {
        Ok((expected, actual)) => (true, expected, actual),
        Err(differs) => (false, differs.expected, differs.actual),
    };
    Verdict {
        name: vector.name.clone(),
        kind: vector.kind.clone(),
        holds,
        expected,
        actual,
        unchecked: notes.unchecked,
        warnings: notes.warnings,
    }
}

impl Vector {
    /// The octets. Those that are no UTF-8 stand in `hex` alone, whatever `text` says instead.
    ///
    /// # Errors
    /// What is wrong with the vector itself.
    pub fn octets(&self) -> Result<Vec<u8>, &'static str> {
        let digits = match &self.hex {
            Some(digits) => Some(hex::octets(digits).ok_or("hex that is no pairs of digits")?),
            None => None,
        };
        match (digits, &self.text) {
            (Some(octets), Some(text))
                if octets != text.as_bytes() && core::str::from_utf8(&octets).is_ok() =>
            {
                Err("hex and text that differ")
            }
            (Some(octets), _) => Ok(octets),
            (None, Some(text)) => Ok(text.as_bytes().to_vec()),
            (None, None) => Err("neither hex nor text"),
        }
    }

    /// Whether only a lenient reading accepts it.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        let lenient = self.decoded.as_ref().and_then(|it| it.get("lenient"));
        self.valid && lenient.and_then(Value::as_bool) == Some(true)
    }
}

fn check(vector: &Vector, notes: &mut Notes) -> Result<(String, String), Differs> {
    let octets = vector
        .octets()
        .map_err(|fault| differs("octets in hex or text", fault))?;
    let format = format(&vector.kind).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        let known = format!("{:?}, which is none of {}", vector.kind, known.join(", "));
        differs("the name of a format as kind", known)
    })?;
    gapless(format, &octets, vector.is_lenient())?;
    if vector.valid {
        read(vector, format, &octets, notes)
    } else {
        refused(vector, format, &octets)
    }
}

fn refused(vector: &Vector, format: &Format, octets: &[u8]) -> Result<(String, String), Differs> {
    let class = vector.error_class.as_deref();
    let mut expected = format!("refused, {}", class.unwrap_or("any class"));
    if let Some(offset) = vector.offset {
        expected = format!("{expected} at {offset}");
    }
    let Err(fault) = (format.decode)(octets, false) else {
        return Err(differs(expected, "read"));
    };
    let actual = refusal(&fault);
    let as_expected = class.is_none_or(|class| is_class(fault.class, class))
        && vector.offset.is_none_or(|offset| offset == fault.offset);
    if as_expected {
        Ok((expected, actual))
    } else {
        Err(differs(expected, actual))
    }
}

fn read(
    vector: &Vector,
    format: &Format,
    octets: &[u8],
    notes: &mut Notes,
) -> Result<(String, String), Differs> {
    let strict = (format.decode)(octets, false);
    let loose = (format.decode)(octets, true);
    let (read, lenient) = match (vector.is_lenient(), strict, loose) {
        (true, Ok(_), _) => return Err(differs("refused by a strict reading", "read")),
        (true, Err(_), Ok(loose)) if loose.deviations.is_empty() => {
            return Err(differs("deviations of a lenient reading", "none"));
        }
        (true, Err(_), Ok(loose)) => (loose, true),
        (false, Ok(strict), Ok(loose)) if strict == loose => (strict, false),
        (false, Ok(_), loose) => {
            let loose = loose.map_or_else(|fault| refusal(&fault), |it| it.fields.to_string());
            return Err(differs("a lenient reading that is the strict one", loose));
        }
        (false, Err(fault), Ok(loose)) if vector.canonical.is_none() && vector.offset.is_none() => {
            notes
                .warnings
                .push(format!("only a lenient reading, else {}", refusal(&fault)));
            (loose, true)
        }
        (_, Err(fault), _) => return Err(differs("read", refusal(&fault))),
    };
    let mut keys = 0_usize;
    if let Some(decoded) = &vector.decoded {
        keys = compare(decoded, &read.fields, &mut notes.unchecked)?;
    }
    written(vector, format, octets, (&read.fields, lenient), notes)?;
    let expected = format!("read, {keys} field{}", if keys == 1 { "" } else { "s" });
    Ok((expected, "read, equal, written back".to_owned()))
}

/// The top level of `decoded`, where some keys tell of behaviour; how many were compared.
fn compare(decoded: &Value, read: &Value, unchecked: &mut Vec<String>) -> Result<usize, Differs> {
    let Value::Object(fields) = decoded else {
        return subset("decoded", decoded, read).map(|()| 1);
    };
    let mut compared = 0_usize;
    for key in fields.keys() {
        let actual = read.get(key);
        match (key.as_str(), actual) {
            ("lenient", None) => {}
            (key, None) if BEHAVIOUR.contains(&key) => unchecked.push(key.to_owned()),
            (key, _) => {
                member(key, key, fields, read)?;
                compared = compared.saturating_add(1);
            }
        }
    }
    Ok(compared)
}

/// One key of an object: what is read there, or what that proves about it.
fn member(
    path: &str,
    key: &str,
    claimed: &Map<String, Value>,
    read: &Value,
) -> Result<(), Differs> {
    let expected = claimed.get(key).unwrap_or(&Value::Null);
    let proof = match read {
        Value::Object(read) if !read.contains_key(key) => claims::prove(key, claimed, read),
        _ => None,
    };
    match proof {
        None => subset(path, expected, read.get(key).unwrap_or(&Value::Null)),
        Some(Proof::Shown(shown)) => subset(path, expected, &shown),
        Some(Proof::Judged(true)) => Ok(()),
        Some(Proof::Judged(false)) => Err(differs(
            format!("{path} = {expected}"),
            format!("{path} is another: computed anew, it does not fit what is read"),
        )),
    }
}

/// Every key of `expected` is there with its value; lists have the same length; null means absent as well.
fn subset(path: &str, expected: &Value, actual: &Value) -> Result<(), Differs> {
    match (expected, actual) {
        (Value::Object(claimed), read @ Value::Object(_)) => claimed
            .keys()
            .try_for_each(|key| member(&format!("{path}.{key}"), key, claimed, read)),
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let pairs = expected.iter().zip(actual).enumerate();
            pairs.into_iter().try_for_each(|(at, (expected, actual))| {
                subset(&format!("{path}[{at}]"), expected, actual)
            })
        }
        (expected, actual) if expected == actual => Ok(()),
        (expected, actual) => Err(differs(
            format!("{path} = {expected}"),
            format!("{path} = {actual}"),
        )),
    }
}

/// What was read is written as the same octets, or, where several spellings exist, as octets that say the same.
fn written(
    vector: &Vector,
    format: &Format,
    octets: &[u8],
    (fields, lenient): (&Value, bool),
    notes: &mut Notes,
) -> Result<(), Differs> {
    let written = (format.encode)(fields)
        .map_err(|fault| differs("fields that can be written", fault.to_string()))?;
    if written == octets && vector.canonical != Some(false) {
        return Ok(());
    }
    let at = written.iter().zip(octets).position(|(a, b)| a != b);
    let at = at.unwrap_or_else(|| written.len().min(octets.len()));
    if vector.canonical == Some(true) {
        let shown = |octets: &[u8]| {
            let from = octets.get(at..).unwrap_or_default();
            hex::digits(from.get(..from.len().min(16)).unwrap_or_default())
        };
        return Err(differs(
            format!("written with {} at {at}", or_end(shown(octets))),
            format!("written with {} at {at}", or_end(shown(&written))),
        ));
    }
    if vector.canonical.is_none() {
        notes
            .warnings
            .push(format!("written in another spelling from octet {at}"));
    }
    let again = (format.decode)(&written, lenient)
        .map_err(|fault| differs("what is written is read", refusal(&fault)))?;
    let decoded = vector.decoded.as_ref().unwrap_or(&Value::Null);
    compare(decoded, &again.fields, &mut Vec::new()).map(|_| ())
}

/// Spans stand in order without gaps: to the end of what is read, up to the fault of what is not.
fn gapless(format: &Format, octets: &[u8], lenient: bool) -> Result<(), Differs> {
    let spans = (format.spans)(octets, lenient);
    let end = covered(&spans).map_err(|at| {
        differs(
            format!("spans without a gap at {at}"),
            "a gap or an overlap",
        )
    })?;
    let is_read = (format.decode)(octets, lenient).is_ok();
    if end > octets.len() || (is_read && end != octets.len()) {
        return Err(differs(
            format!("spans up to {}", octets.len()),
            format!("spans up to {end}"),
        ));
    }
    Ok(())
}

/// The octets that spans cover from the front.
///
/// # Errors
/// The first octet that none covers, or two do.
pub fn covered(spans: &[Span]) -> Result<usize, usize> {
    spans.iter().try_fold(0_usize, |end, span| {
        if span.at == end {
            Ok(end.saturating_add(span.len))
        } else {
            Err(end.min(span.at))
        }
    })
}

/// Input that ends early is cut short or declares too much, and both names are right.
fn is_class(class: Class, name: &str) -> bool {
    let early = [Class::Truncated.name(), Class::BadLength.name()];
    class.name() == name || (early.contains(&class.name()) && early.contains(&name))
}

fn refusal(fault: &DecodeError) -> String {
    format!(
        "refused, {} at {}, expected {}",
        fault.class.name(),
        fault.offset,
        fault.expected
    )
}

fn or_end(digits: String) -> String {
    if digits.is_empty() {
        "the end".to_owned()
    } else {
        digits
    }
}

fn differs(expected: impl Into<String>, actual: impl Into<String>) -> Differs {
    Differs {
        expected: expected.into(),
        actual: actual.into(),
    }
}

mod claims;

#[cfg(test)]
mod tests;
