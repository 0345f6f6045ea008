//! Media types with their parameters: Content-Type, and Accept, which has the same form.
//!
//! **Source:** WAP-230 sections 8.4.2.4 (parameters), 8.4.2.7 and 8.4.2.24.

use core::fmt;

use super::assigned::{self, KnownParameter, List, ParameterKind};
use super::media_names::{media_name, media_number};
use super::rigour::Rigour;
use super::value::{
    Form, Quality, Value, Version, is_token, put_integer, put_long, put_octets, put_quality,
    put_text_value,
};
use crate::codec::cursor::{Cursor, put_text_string};
use crate::codec::mime;
use crate::codec::{Class, DecodeError};
use crate::time::Time;

/// A media type as it stands in the octets.
#[derive(Clone, Copy, Debug)]
pub struct ContentType<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// The type without parameters.
    pub media: Media<'a>,
    parameters: Cursor<'a>,
}

/// A media type without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media<'a> {
    /// Its assigned number.
    Number(u64),
    /// Its name.
    Text(&'a [u8]),
}

/// A parameter as it stands in the octets.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// Its number or name.
    pub name: Media<'a>,
    /// What is known of its number.
    pub known: Option<&'static KnownParameter>,
    /// Its value.
    pub value: Argument<'a>,
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// None, a 00.
    Nothing,
    /// A quality.
    Quality(Quality),
    /// What its first octet delimits.
    Value(Value<'a>),
}

impl<'a> ContentType<'a> {
    /// The media type that a value holds; its parameters are checked.
    ///
    /// # Errors
    /// A bad value, and the faults of the parameters.
    pub fn of_value(value: &Value<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let nothing = Cursor::within("wsp", &[], value.at.saturating_add(value.octets.len()));
        let (media, parameters) = match value.form {
            Form::Short(number) => (Media::Number(u64::from(number)), nothing),
            Form::Text(text) => (Media::Text(text), nothing),
            Form::Octets(_) => {
                let mut inside = value.inside().unwrap_or(nothing);
                let media = inner(&mut inside, rigour)?;
                let parameters = inside;
                while !inside.is_empty() {
                    Parameter::read(&mut inside, rigour)?;
                }
                (media, parameters)
            }
        };
        Ok(Self {
            at: value.at,
            octets: value.octets,
            media,
            parameters,
        })
    }

    /// The next value of `cursor` as a media type.
    ///
    /// # Errors
    /// As [`Value::read`] and [`Self::of_value`].
    pub fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        if cursor.is_empty() {
            return Err(cursor.fault_at(cursor.offset(), Class::Truncated, "a media type"));
        }
        Self::of_value(&Value::read(cursor, rigour)?, rigour)
    }

    /// The name, when it is in the octets or assigned to their number.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        match self.media {
            Media::Number(number) => media_name(u32::try_from(number).ok()?),
            Media::Text(text) => core::str::from_utf8(text).ok(),
        }
    }

    /// Whether this is `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// The parameters in order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut cursor = self.parameters;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| Parameter::read(&mut cursor, &mut Rigour::Settled).ok())
                .flatten()
        })
    }
}

/// `text/plain;charset=utf-8`.
impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.media)?;
        self.parameters()
            .try_for_each(|parameter| write!(f, "{parameter}"))
    }
}

/// The name, or `0x7F` for a number without one.
impl fmt::Display for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => match u32::try_from(*number).ok().and_then(media_name) {
                Some(name) => f.write_str(name),
                None => write!(f, "0x{number:02X}"),
            },
            Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
        }
    }
}

/// The media type inside a general form.
fn inner<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Media<'a>, DecodeError> {
    let at = cursor.offset();
    if cursor.is_empty() {
        return Err(cursor.fault_at(at, Class::Truncated, "a media type"));
    }
    let value = Value::read(cursor, rigour)?;
    match (value.form, value.integer()) {
        (Form::Text(text), _) => Ok(Media::Text(text)),
        (_, Some(number)) => Ok(Media::Number(number)),
        _ => Err(cursor.fault_at(at, Class::BadValue, "the number or name of a media type")),
    }
}

impl<'a> Parameter<'a> {
    /// The next parameter of `cursor`.
    ///
    /// # Errors
    /// The faults of a value; a value of another form than the parameter has.
    pub fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let token = Value::read(cursor, rigour)?;
        let name = match (token.form, token.integer()) {
            (Form::Text(text), _) if is_token(text) => Media::Text(text),
            (Form::Short(_) | Form::Octets(_), Some(number)) => Media::Number(number),
            _ => return Err(cursor.fault_at(at, Class::BadValue, "the name of a parameter")),
        };
        let known = match name {
            Media::Number(number) => u32::try_from(number)
                .ok()
                .and_then(assigned::parameter_numbered),
            Media::Text(_) => None,
        };
        let value = match (cursor.peek(), known.map(|known| known.kind)) {
            (Some(_), Some(ParameterKind::Q)) => quality(cursor, rigour)?,
            (Some(0), _) => {
                cursor.octet("a value")?;
                Argument::Nothing
            }
            _ => Argument::Value(Value::read(cursor, rigour)?),
        };
        let parameter = Self {
            at,
            octets: start.until(cursor),
            name,
            known,
            value,
        };
        if !parameter.fits() {
            rigour.deviate(
                cursor,
                at,
                Class::BadValue,
                "a value that the parameter has",
            )?;
        }
        Ok(parameter)
    }

    /// Whether the value is of the form that the parameter has.
    #[must_use]
    pub fn fits(&self) -> bool {
        let value = match (self.value, self.known) {
            (Argument::Quality(quality), _) => return quality.thousandths().is_some(),
            (Argument::Nothing, None) => return true,
            (Argument::Nothing, Some(known)) => {
                return matches!(
                    known.kind,
                    ParameterKind::Nothing | ParameterKind::TextValue | ParameterKind::TextString
                );
            }
            (Argument::Value(value), _) => value,
        };
        let is_text = matches!(value.form, Form::Text(_));
        let is_short = matches!(value.form, Form::Short(_));
        match self.known.map(|known| known.kind) {
            None if matches!(self.name, Media::Number(_)) => true,
            None => is_text || value.integer().is_some(),
            Some(ParameterKind::Q | ParameterKind::Nothing) => false,
            Some(ParameterKind::Charset | ParameterKind::Integer) => value.integer().is_some(),
            Some(ParameterKind::Version) => {
                is_text || matches!(value.form, Form::Short(octet) if octet >= 0x10)
            }
            // A Text-value that is neither a token nor quoted is common and says what it says.
            Some(ParameterKind::TextString | ParameterKind::TextValue) => is_text,
            Some(ParameterKind::Field | ParameterKind::Media) => is_text || is_short,
            Some(ParameterKind::Short) => is_short,
            Some(ParameterKind::Date) => value.date().is_some(),
        }
    }

    /// The name: assigned, in the octets, or `0x1F`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.known, self.name) {
            (Some(known), _) => known.name.to_owned(),
            (None, Media::Number(number)) => format!("0x{number:02X}"),
            (None, Media::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        }
    }

    /// The value as number or text.
    #[must_use]
    pub fn given(&self) -> Given {
        let value = match self.value {
            Argument::Nothing => return Given::Nothing,
            Argument::Quality(quality) => return Given::Text(quality.to_string()),
            Argument::Value(value) => value,
        };
        let number = || {
            value
                .integer()
                .map_or_else(|| Given::Text(raw(&value)), Given::Number)
        };
        let listed = |name: fn(u32) -> Option<&'static str>| match value.form {
            Form::Text(text) => Given::Text(String::from_utf8_lossy(text).into_owned()),
            _ => value
                .integer()
                .and_then(|number| u32::try_from(number).ok())
                .and_then(name)
                .map_or_else(number, |name| Given::Text(name.to_owned())),
        };
        match self.known.map(|known| known.kind) {
            Some(ParameterKind::Charset) => listed(|number| List::Charset.name(number)),
            Some(ParameterKind::Field) => listed(|number| List::Name.name(number)),
            Some(ParameterKind::Media) => listed(media_name),
            Some(ParameterKind::Version) => match value.form {
                Form::Short(octet) => Given::Text(Version(octet).to_string()),
                _ => Given::Text(raw(&value)),
            },
            Some(ParameterKind::Date) => value
                .date()
                .map_or_else(number, |date| Given::Text(date.to_string())),
            Some(ParameterKind::TextString) => match value.form {
                Form::Text(text) => Given::Text(String::from_utf8_lossy(text).into_owned()),
                _ => number(),
            },
            _ => match value.form {
                Form::Text(text) => {
                    let plain = text.strip_prefix(b"\"").unwrap_or(text);
                    Given::Text(String::from_utf8_lossy(plain).into_owned())
                }
                _ => number(),
            },
        }
    }
}

/// What a value holds, in digits.
fn raw(value: &Value<'_>) -> String {
    match value.form {
        Form::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => value
            .octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect(),
    }
}

fn quality<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Argument<'a>, DecodeError> {
    rigour
        .uintvar(cursor)
        .map(|number| Argument::Quality(Quality(number)))
}

/// `;charset=utf-8`, quoted where it must be.
impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ";{}", self.label())?;
        match self.given() {
            Given::Nothing => Ok(()),
            Given::Number(number) => write!(f, "={number}"),
            Given::Text(text) if is_token(text.as_bytes()) => write!(f, "={text}"),
            Given::Text(text) => write!(f, "={}", Quote(&text)),
        }
    }
}

/// Text in double quotes, with those inside escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quote<'a>(pub(super) &'a str);

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

/// The value of a parameter, apart from octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// None.
    Nothing,
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl Given {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Number(number) => Some(*number),
            Self::Text(text) => unnamed(text).or_else(|| text.parse().ok()),
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
        }
    }
}

/// The number of `0x7F`.
pub(super) fn unnamed(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Appends `text/plain;charset=utf-8` as the value of a peer of encoding version 1.`version`; `None` when it is no
/// media type.
#[must_use]
pub fn put_media(out: &mut Vec<u8>, text: &str, version: u8) -> Option<()> {
    let end = text.find(';').unwrap_or(text.len());
    let (essence, rest) = text.split_at_checked(end)?;
    let given: Vec<(String, Given)> = mime::parameters(rest, end)
        .ok()?
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Given::Text(value.into_owned())))
        .collect();
    put_content_type(out, essence.trim(), &given, version)
}

/// Appends a media type with parameters; `None` when a name is none.
#[must_use]
pub fn put_content_type(
    out: &mut Vec<u8>,
    media: &str,
    parameters: &[(String, Given)],
    version: u8,
) -> Option<()> {
    if media.is_empty() || media.bytes().any(|octet| octet < 0x20) {
        return None;
    }
    let number = media_number(media)
        .map(u64::from)
        .or_else(|| unnamed(media));
    let mut general = Vec::new();
    for (name, given) in parameters {
        put_parameter(&mut general, name, given, version)?;
    }
    match number {
        Some(short @ 0..=0x7F) if parameters.is_empty() => put_integer(out, short),
        None if parameters.is_empty() => put_text_string(out, media.as_bytes()),
        _ => {
            let mut inside = Vec::new();
            match number {
                Some(number) => put_integer(&mut inside, number),
                None => put_text_string(&mut inside, media.as_bytes()),
            }
            inside.extend_from_slice(&general);
            put_octets(out, &inside);
        }
    }
    Some(())
}

/// Appends a parameter by its number where its value has that form, else by name; `None` when the name is no token.
#[must_use]
pub(super) fn put_parameter(
    out: &mut Vec<u8>,
    name: &str,
    given: &Given,
    version: u8,
) -> Option<()> {
    for known in assigned::parameters_named(name, version) {
        let mut value = Vec::new();
        if put_typed(&mut value, known.kind, given, version).is_some() {
            put_integer(out, u64::from(known.number));
            out.extend_from_slice(&value);
            return Some(());
        }
    }
    match unnamed(name) {
        Some(number) => put_integer(out, number),
        None if is_token(name.as_bytes()) => put_text_string(out, name.as_bytes()),
        None => return None,
    }
    match given {
        Given::Nothing => out.push(0),
        Given::Number(number) => put_integer(out, *number),
        Given::Text(text) => put_text_value(out, text.as_bytes()),
    }
    Some(())
}

fn put_typed(out: &mut Vec<u8>, kind: ParameterKind, given: &Given, version: u8) -> Option<()> {
    let text = given.text();
    match kind {
        ParameterKind::Q => put_quality(out, Quality::of_text(&text?)?),
        ParameterKind::Charset => {
            let number = List::Charset.number(&text?, version).map(u64::from);
            put_integer(out, number.or_else(|| given.number())?);
        }
        ParameterKind::Version => match Version::of_text(text.as_deref()?) {
            Some(version) => out.push(0x80 | version.0),
            None => put_text_string(out, text?.as_bytes()),
        },
        ParameterKind::Integer => put_integer(out, given.number()?),
        ParameterKind::TextString => {
            // A leading control character would be read as a length, an empty text as nothing.
            let text =
                text.filter(|text| text.bytes().next().is_some_and(|octet| octet >= 0x20))?;
            put_text_string(out, text.as_bytes());
        }
        ParameterKind::TextValue => match text {
            Some(text) => put_text_value(out, text.as_bytes()),
            None => out.push(0),
        },
        ParameterKind::Field => match List::Name.number(text.as_deref()?, version) {
            Some(number) => put_integer(out, u64::from(number)),
            None if is_token(text.as_deref()?.as_bytes()) => put_text_string(out, text?.as_bytes()),
            None => return None,
        },
        ParameterKind::Short => put_integer(out, given.number().filter(|number| *number < 128)?),
        ParameterKind::Media => match media_number(text.as_deref()?).filter(|number| *number < 128)
        {
            Some(number) => put_integer(out, u64::from(number)),
            None if text.as_deref()?.contains('/') => put_text_string(out, text?.as_bytes()),
            None => return None,
        },
        ParameterKind::Nothing => match given {
            Given::Text(text) if !text.is_empty() => return None,
            Given::Number(_) => return None,
            _ => out.push(0),
        },
        ParameterKind::Date => put_long(out, text?.parse::<Time>().ok()?.secs()),
    }
    Some(())
}
