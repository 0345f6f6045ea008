//! Installation information as a JSON object, with the member that is wrong in every fault.

use serde_json::{Map, Value, json};

use super::table::is_word;
use super::{Address, AppId, Digest, Information, Package};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::json_text::{Member, members};
use crate::codec::{Class, DecodeError, Span};
use crate::limits;

/// Installation information for people and programs.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: CLAUSE,
    decode: |octets, _| {
        let read = Read::of(octets)?;
        read.information()?;
        Ok(Decoded::strict(Value::Object(read.fields)))
    },
    spans,
    encode: |fields| {
        let octets = fields.to_string().into_bytes();
        match Information::decode(&octets) {
            Ok(_) => Ok(octets),
            Err(fault) => Err(FieldFault::new(format_args!(
                "the information would be refused: expected {}",
                fault.expected
            ))),
        }
    },
};

const NAME: &str = "installation";
const CLAUSE: &str = "installation information";
/// Octets of a name or a description, and of a version.
const TEXT_OCTETS: usize = 256;
const VERSION_OCTETS: usize = 64;

impl Information {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// No object, no application, a member twice or outside its domain; the offset is that of the member.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Read::of(octets)?.information()
    }

    /// The same of a value that is part of something else; offsets count from the value as it would be written.
    ///
    /// # Errors
    /// As [`Information::decode`].
    pub fn of_value(value: &Value) -> Result<Self, DecodeError> {
        Self::decode(value.to_string().as_bytes())
    }

    /// As an object; members come sorted by name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let formats: Vec<Value> = self.formats.iter().map(Package::to_value).collect();
        let mut fields = self.others.clone();
        let text = |it: &Option<String>| it.clone().map(Value::from);
        let shown = [
            ("id", Some(json!(self.id.as_str()))),
            (
                "address",
                self.address.as_ref().map(|it| json!(it.to_string())),
            ),
            ("formats", (!formats.is_empty()).then(|| json!(formats))),
            ("icon", self.icon.as_ref().map(|it| json!(it.to_string()))),
            ("name", text(&self.name)),
            ("size", self.size.map(Value::from)),
            (
                "sha256",
                self.sha256.as_ref().map(|it| json!(it.to_string())),
            ),
            ("environment", text(&self.environment)),
            ("version", text(&self.version)),
        ];
        for (name, value) in shown {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(fields)
    }

    /// The octets of [`Information::to_value`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }
}

impl Package {
    /// A format alone is its name.
    fn to_value(&self) -> Value {
        let parts = [
            (
                "address",
                self.address.as_ref().map(|it| json!(it.to_string())),
            ),
            ("size", self.size.map(Value::from)),
            (
                "sha256",
                self.sha256.as_ref().map(|it| json!(it.to_string())),
            ),
        ];
        if parts.iter().all(|(_, value)| value.is_none()) {
            return json!(self.format);
        }
        let mut fields = Map::new();
        fields.insert("format".to_owned(), json!(self.format));
        for (name, value) in parts {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(fields)
    }

    fn of_value(value: &Value) -> Option<Self> {
        let format = |text: &str| is_word(text).then(|| text.to_owned());
        if let Some(name) = value.as_str() {
            return Some(Self {
                format: format(name)?,
                address: None,
                size: None,
                sha256: None,
            });
        }
        let fields = value.as_object()?;
        let known = ["format", "address", "size", "sha256"];
        if !fields.keys().all(|name| known.contains(&name.as_str())) {
            return None;
        }
        // A member that is there must be fit.
        let text = |name: &str| match fields.get(name) {
            None => Some(None),
            Some(value) => value.as_str().map(Some),
        };
        Some(Self {
            format: format(text("format")??)?,
            address: match text("address")? {
                None => None,
                Some(text) => Some(Address::decode(text)?),
            },
            size: match fields.get("size") {
                None => None,
                Some(value) => Some(value.as_u64()?),
            },
            sha256: match text("sha256")? {
                None => None,
                Some(text) => Some(Digest::decode(text)?),
            },
        })
    }
}

/// An object with the places of its members.
struct Read {
    fields: Map<String, Value>,
    members: Vec<Member>,
    end: usize,
}

impl Read {
    fn of(octets: &[u8]) -> Result<Self, DecodeError> {
        if octets.len() > limits::INSTALLATION_OCTETS {
            let at = limits::INSTALLATION_OCTETS;
            return Err(fault(at, Class::TooLarge, "the information's end"));
        }
        let text = core::str::from_utf8(octets)
            .map_err(|error| fault(error.valid_up_to(), Class::BadValue, "UTF-8"))?;
        let fields = serde_json::from_str(text).map_err(|error| of_json(text, &error))?;
        let members = members(text);
        for (number, member) in members.iter().enumerate() {
            let mut before = members.iter().take(number);
            if before.any(|earlier| earlier.name == member.name) {
                return Err(fault(member.at, Class::Repeated, "a member once"));
            }
        }
        let end = text.len();
        let read = Self {
            fields,
            members,
            end,
        };
        // Readers disagree on such numbers, so they would not survive.
        let odd = read.fields.iter().find(|(_, value)| has_fraction(value));
        match odd {
            Some((name, _)) => Err(read.fault(name, "whole numbers")),
            None => Ok(read),
        }
    }

    fn information(&self) -> Result<Information, DecodeError> {
        let id = self.text("id", TEXT_OCTETS)?;
        let id = id.ok_or_else(|| fault(self.end, Class::MissingHeader, "an id"))?;
        let expected = "an id of letters, digits, dots and dashes, or sn: and digits";
        let id = AppId::decode(id).ok_or_else(|| self.fault("id", expected))?;
        let known = [
            "id",
            "address",
            "formats",
            "icon",
            "name",
            "size",
            "sha256",
            "environment",
            "version",
        ];
        let others = self.fields.iter();
        let others = others.filter(|(name, _)| !known.contains(&name.as_str()));
        let own = |text: &str| text.to_owned();
        Ok(Information {
            id,
            address: self.address("address")?,
            formats: self.formats()?,
            icon: self.address("icon")?,
            name: self.text("name", TEXT_OCTETS)?.map(own),
            size: match self.fields.get("size") {
                None => None,
                Some(value) => {
                    let size = value.as_u64();
                    Some(size.ok_or_else(|| self.fault("size", "a number of octets"))?)
                }
            },
            sha256: match self.text("sha256", TEXT_OCTETS)? {
                None => None,
                Some(text) => {
                    let digest = Digest::decode(text);
                    Some(digest.ok_or_else(|| self.fault("sha256", "64 hexadecimal digits"))?)
                }
            },
            environment: self.text("environment", TEXT_OCTETS)?.map(own),
            version: self.text("version", VERSION_OCTETS)?.map(own),
            others: others
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }

    fn formats(&self) -> Result<Vec<Package>, DecodeError> {
        let Some(value) = self.fields.get("formats") else {
            return Ok(Vec::new());
        };
        let expected = "formats, each a name, or an object with format, address, size, sha256";
        let list = value.as_array();
        let list = list.filter(|list| list.len() <= limits::INSTALLATION_FORMATS);
        let packages = list.and_then(|list| list.iter().map(Package::of_value).collect());
        let packages: Vec<Package> = packages.ok_or_else(|| self.fault("formats", expected))?;
        for (number, package) in packages.iter().enumerate() {
            let mut before = packages.iter().take(number);
            if before.any(|earlier| earlier.format == package.format) {
                let at = self.at("formats");
                return Err(fault(at, Class::Repeated, "each format once"));
            }
        }
        Ok(packages)
    }

    fn address(&self, name: &str) -> Result<Option<Address>, DecodeError> {
        let expected = "an http: or https: URL, or store:sha256: and 64 digits";
        let Some(value) = self.fields.get(name) else {
            return Ok(None);
        };
        let address = value.as_str().and_then(Address::decode);
        address.map(Some).ok_or_else(|| self.fault(name, expected))
    }

    fn text(&self, name: &str, most: usize) -> Result<Option<&str>, DecodeError> {
        let Some(value) = self.fields.get(name) else {
            return Ok(None);
        };
        let text = value.as_str().filter(|text| text.len() <= most);
        text.filter(|text| !text.chars().any(is_unwritable))
            .map(Some)
            .ok_or_else(|| self.fault(name, "a short text"))
    }

    fn at(&self, name: &str) -> usize {
        let found = self.members.iter().find(|member| member.name == name);
        found.map_or(0, |member| member.at)
    }

    fn fault(&self, name: &str, expected: &'static str) -> DecodeError {
        fault(self.at(name), Class::BadValue, expected)
    }
}

/// What no document that carries the text could hold.
fn is_unwritable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// The fault of a JSON parser, which counts lines and columns.
fn of_json(text: &str, error: &serde_json::Error) -> DecodeError {
    if error.is_eof() {
        return fault(text.len(), Class::Truncated, "the end of a JSON object");
    }
    let lines = text.split_inclusive('\n').map(str::len);
    let before: usize = lines.take(error.line().saturating_sub(1)).sum();
    let at = before.saturating_add(error.column().saturating_sub(1));
    fault(at.min(text.len()), Class::BadValue, "a JSON object")
}

/// One span a member, with what stands before it; the last one to the end.
fn spans(octets: &[u8], _: bool) -> Vec<Span> {
    let Ok(read) = Read::of(octets) else {
        return Vec::new();
    };
    if read.information().is_err() {
        return Vec::new();
    }
    let mut spans = Vec::new();
    let mut at = 0_usize;
    for (number, member) in read.members.iter().enumerate() {
        let is_last = number.saturating_add(1) == read.members.len();
        let end = if is_last { octets.len() } else { member.end };
        let value = read.fields.get(&member.name);
        spans.push(Span {
            at,
            len: end.saturating_sub(at),
            path: format!("{NAME}.{}", member.name),
            value: value.map(ToString::to_string).unwrap_or_default(),
            clause: CLAUSE,
        });
        at = end;
    }
    spans
}

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: NAME,
        offset,
        class,
        expected,
    }
}
