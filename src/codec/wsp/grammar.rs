//! The values of well-known header fields, read: whether they have the field's form, and what they say as HTTP text.
//!
//! **Source:** WAP-230 sections 8.4.2.7 to 8.4.2.70. Cookie is kept as octets.

use core::fmt::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::assigned::{CACHE, DISPOSITIONS, Kind, List};
use super::media::{ContentType, Parameter, Quote};
use super::rigour::Rigour;
use super::value::{Form, Quality, Value, Version, is_token};
use crate::codec::cursor::Cursor;
use crate::codec::{Class, DecodeError};

/// Whether a value has the form.
///
/// # Errors
/// What it should have been.
pub(super) fn check(kind: Kind, value: &Value<'_>) -> Result<(), DecodeError> {
    walk(kind, value, &mut Nowhere)
}

/// Writes a value of that form as HTTP text, dates as `2001-08-07T10:13:00Z`.
pub(super) fn show(kind: Kind, value: &Value<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    walk(kind, value, f).map_err(|_| fmt::Error)
}

/// Where the words of a value go; it does not fail.
trait Words {
    /// Appends words.
    fn put(&mut self, words: fmt::Arguments<'_>);

    /// Appends text of the octets, which need not be UTF-8.
    fn say(&mut self, text: &[u8]);
}

/// Takes words and keeps none, so that nobody looks at the octets of a text that is only checked.
struct Nowhere;

impl Words for Nowhere {
    #[inline(always)]
    fn put(&mut self, _: fmt::Arguments<'_>) {}

    #[inline(always)]
    fn say(&mut self, _: &[u8]) {}
}

/// What is written to grows, or nobody would learn of its fault here.
impl<W: Write> Words for W {
    fn put(&mut self, words: fmt::Arguments<'_>) {
        let _ = self.write_fmt(words);
    }

    fn say(&mut self, text: &[u8]) {
        let _ = match core::str::from_utf8(text) {
            Ok(text) => self.write_str(text),
            Err(_) => self.write_fmt(format_args!("{}", text.escape_ascii())),
        };
    }
}

type Walked = Result<(), DecodeError>;

/// One pass over a value; what it says goes to `out`.
fn walk<W: Words>(kind: Kind, value: &Value<'_>, out: &mut W) -> Walked {
    match kind {
        Kind::Text => plain(value, out),
        Kind::Quoted => match value.form {
            Form::Text([b'"', text @ ..]) => say(out, text),
            _ => bad(value, "a Quoted-string"),
        },
        Kind::Integer => integer(value, "an Integer-value", out),
        Kind::Flags => match value.form {
            Form::Short(flags) => put(out, format_args!("{flags}")),
            _ => bad(value, "a Short-integer of flags"),
        },
        Kind::Application | Kind::Accepted => application(kind, value, out),
        Kind::Date => date(value, out),
        Kind::TextOrDate => match value.form {
            Form::Octets([_, ..]) => date(value, out),
            _ => plain(value, out),
        },
        Kind::Version => version(value, out),
        Kind::One(list) => one(list, value, out),
        Kind::Weighed(list) => weighed(list, value, out),
        Kind::Media => {
            let media = ContentType::of_value(value, &mut Rigour::Strict)?;
            put(out, format_args!("{media}"))
        }
        Kind::Disposition => disposition(value, out),
        Kind::Cache => cache(value, out),
        Kind::Pragma => pragma(value, out),
        Kind::Digest => match value.form {
            Form::Octets(octets) if octets.len() == 16 => {
                put(out, format_args!("{}", BASE64_STANDARD.encode(octets)))
            }
            _ => bad(value, "a digest of 16 octets"),
        },
        Kind::ContentRange => content_range(value, out),
        Kind::Range => range(value, out),
        Kind::RetryAfter => retry_after(value, out),
        Kind::Credentials => credentials(value, out),
        Kind::Challenge => challenge(value, out),
        Kind::Warning => warning(value, out),
        Kind::ProfileWarning => profile_warning(value, out),
        Kind::SetCookie => set_cookie(value, out),
        Kind::Expect => expect(value, out),
        Kind::Opaque | Kind::Cookie => match value.form {
            Form::Octets(octets) => octets
                .iter()
                .try_for_each(|octet| put(out, format_args!("{octet:02x}"))),
            _ => bad(value, "octets behind a length"),
        },
    }
}

fn put<W: Words>(out: &mut W, text: fmt::Arguments<'_>) -> Walked {
    out.put(text);
    Ok(())
}

fn say<W: Words>(out: &mut W, text: &[u8]) -> Walked {
    out.say(text);
    Ok(())
}

fn bad(value: &Value<'_>, expected: &'static str) -> Walked {
    Err(fault(value.at, expected))
}

const fn fault(offset: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "wsp",
        offset,
        class: Class::BadValue,
        expected,
    }
}

fn inside<'a>(value: &Value<'a>, expected: &'static str) -> Result<Cursor<'a>, DecodeError> {
    value.inside().ok_or_else(|| fault(value.at, expected))
}

fn end(cursor: &Cursor<'_>) -> Walked {
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(cursor.fault_at(cursor.offset(), Class::BadValue, "the end of the value"))
    }
}

fn next<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, DecodeError> {
    Value::read(cursor, &mut Rigour::Strict)
}

fn plain<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    match value.text() {
        Some(text) => say(out, text),
        None => bad(value, "a Text-string"),
    }
}

fn integer<W: Words>(value: &Value<'_>, expected: &'static str, out: &mut W) -> Walked {
    match value.integer() {
        Some(number) => put(out, format_args!("{number}")),
        None => bad(value, expected),
    }
}

fn date<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    match value.date() {
        Some(date) => put(out, format_args!("{date}")),
        None => bad(value, "a date as a Long-integer"),
    }
}

fn application<W: Words>(kind: Kind, value: &Value<'_>, out: &mut W) -> Walked {
    match (value.form, value.integer()) {
        (Form::Short(0), _) if kind == Kind::Accepted => put(out, format_args!("*")),
        (Form::Text(text), _) => say(out, text),
        (_, Some(number)) if number <= u64::from(u32::MAX) => put(out, format_args!("{number}")),
        _ => bad(value, "the number or URI of an application"),
    }
}

fn version<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    match value.form {
        Form::Short(octet) if octet >= 0x10 => put(out, format_args!("{}", Version(octet))),
        Form::Text(text) => say(out, text),
        Form::Octets([_, ..]) => {
            let mut cursor = inside(value, "a code page")?;
            let page = next(&mut cursor)?;
            let Form::Short(number) = page.form else {
                return bad(&page, "a code page");
            };
            put(out, format_args!("{number}"))?;
            if !cursor.is_empty() {
                put(out, format_args!(":"))?;
                let inner = next(&mut cursor)?;
                match inner.form {
                    Form::Octets(_) => bad(&inner, "a Version-value")?,
                    _ => version(&inner, out)?,
                }
            }
            end(&cursor)
        }
        _ => bad(value, "a Version-value"),
    }
}

/// A number of a list by its name, `0x7F` without one, or a token.
fn one<W: Words>(list: List, value: &Value<'_>, out: &mut W) -> Walked {
    match (value.form, value.integer()) {
        (Form::Text(text), _) if is_token(text) => say(out, text),
        (_, Some(number)) => match u32::try_from(number).ok().and_then(|n| list.name(n)) {
            Some(name) => put(out, format_args!("{name}")),
            None => put(out, format_args!("0x{number:02X}")),
        },
        _ => bad(value, "an assigned number or a token"),
    }
}

/// Stands before the quality of TE, and of no other field (WAP-230 section 8.4.2.64).
pub(super) const Q_TOKEN: u8 = 0x80;

fn weighed<W: Words>(list: List, value: &Value<'_>, out: &mut W) -> Walked {
    let Some(mut cursor) = value.inside() else {
        return one(list, value, out);
    };
    one(list, &next(&mut cursor)?, out)?;
    if cursor.is_empty() {
        return Ok(());
    }
    if list == List::Te {
        let at = cursor.offset();
        if cursor.octet("a Q-token")? != Q_TOKEN {
            return Err(fault(at, "the Q-token of TE"));
        }
    }
    let at = cursor.offset();
    let quality = Quality(cursor.uintvar()?);
    if quality.thousandths().is_none() {
        return Err(fault(at, "a quality below 1"));
    }
    put(out, format_args!(";q={quality}"))?;
    end(&cursor)
}

fn parameters<W: Words>(cursor: &mut Cursor<'_>, between: &str, out: &mut W) -> Walked {
    let mut first = true;
    while !cursor.is_empty() {
        let parameter = Parameter::read(cursor, &mut Rigour::Strict)?;
        let text = format_args!("{parameter}").to_string();
        match (between, text.strip_prefix(';')) {
            (";", _) | (_, None) => put(out, format_args!("{text}"))?,
            (_, Some(rest)) if first => put(out, format_args!(" {rest}"))?,
            (_, Some(rest)) => put(out, format_args!("{between}{rest}"))?,
        }
        first = false;
    }
    Ok(())
}

fn named<W: Words>(
    table: &[(u8, &str)],
    value: &Value<'_>,
    expected: &'static str,
    out: &mut W,
) -> Walked {
    match value.form {
        Form::Short(number) => match table.iter().find(|(own, _)| *own == number) {
            Some((_, name)) => put(out, format_args!("{name}")),
            None => put(out, format_args!("0x{number:02X}")),
        },
        Form::Text(text) if is_token(text) => say(out, text),
        _ => bad(value, expected),
    }
}

fn disposition<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a disposition behind a length")?;
    named(DISPOSITIONS, &next(&mut cursor)?, "a disposition", out)?;
    parameters(&mut cursor, ";", out)
}

fn cache<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    const EXPECTED: &str = "a cache directive";
    let Some(mut cursor) = value.inside() else {
        return named(CACHE, value, EXPECTED, out);
    };
    let directive = next(&mut cursor)?;
    named(CACHE, &directive, EXPECTED, out)?;
    put(out, format_args!("="))?;
    if let Form::Short(0 | 7) = directive.form {
        // Field names, at least one.
        put(out, format_args!("\""))?;
        one(List::Name, &next(&mut cursor)?, out)?;
        while !cursor.is_empty() {
            put(out, format_args!(", "))?;
            one(List::Name, &next(&mut cursor)?, out)?;
        }
        return put(out, format_args!("\""));
    }
    let argument = next(&mut cursor)?;
    match (directive.form, argument.form) {
        (Form::Text(_), Form::Text(text)) => {
            let quoted = text.strip_prefix(b"\"").unwrap_or(text);
            word(quoted, out)?;
        }
        _ => integer(&argument, "seconds", out)?,
    }
    end(&cursor)
}

/// A token as it is, other text in quotes.
fn word<W: Words>(text: &[u8], out: &mut W) -> Walked {
    if is_token(text) {
        say(out, text)
    } else {
        let text = String::from_utf8_lossy(text);
        put(out, format_args!("{}", Quote(&text)))
    }
}

fn pragma<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let Some(mut cursor) = value.inside() else {
        return match value.form {
            Form::Short(0) => put(out, format_args!("no-cache")),
            _ => bad(value, "no-cache or a parameter"),
        };
    };
    let parameter = Parameter::read(&mut cursor, &mut Rigour::Strict)?;
    let text = parameter.to_string();
    put(out, format_args!("{}", text.trim_start_matches(';')))?;
    end(&cursor)
}

fn content_range<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a range behind a length")?;
    let first = cursor.uintvar()?;
    put(out, format_args!("bytes {first}-"))?;
    if cursor.peek() == Some(0x80) {
        cursor.octet("a length")?;
        put(out, format_args!("/*"))?;
    } else {
        let length = cursor.uintvar()?;
        put(out, format_args!("/{length}"))?;
    }
    end(&cursor)
}

fn range<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a range behind a length")?;
    match cursor.octet("the kind of a range")? {
        0x80 => {
            let first = cursor.uintvar()?;
            put(out, format_args!("bytes={first}-"))?;
            if !cursor.is_empty() {
                let last = cursor.uintvar()?;
                put(out, format_args!("{last}"))?;
            }
        }
        0x81 => {
            let count = cursor.uintvar()?;
            put(out, format_args!("bytes=-{count}"))?;
        }
        _ => return bad(value, "80 or 81, the kinds of a range"),
    }
    end(&cursor)
}

fn retry_after<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a date or seconds behind a length")?;
    let kind = cursor.octet("80 or 81")?;
    let when = next(&mut cursor)?;
    match kind {
        0x80 => date(&when, out)?,
        0x81 => integer(&when, "seconds", out)?,
        _ => return bad(value, "80 or 81, a date or seconds"),
    }
    end(&cursor)
}

fn credentials<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "credentials behind a length")?;
    let scheme = next(&mut cursor)?;
    match scheme.form {
        Form::Short(0) => {
            let (user, password) = (cursor.text_string()?, cursor.text_string()?);
            let pair = [user, b":", password].concat();
            put(out, format_args!("Basic {}", BASE64_STANDARD.encode(pair)))?;
            end(&cursor)
        }
        Form::Text(text) if is_token(text) => {
            say(out, text)?;
            parameters(&mut cursor, ", ", out)
        }
        _ => bad(&scheme, "an authentication scheme"),
    }
}

fn challenge<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a challenge behind a length")?;
    let scheme = next(&mut cursor)?;
    match scheme.form {
        Form::Short(0) => put(out, format_args!("Basic"))?,
        Form::Text(text) if is_token(text) => say(out, text)?,
        _ => return bad(&scheme, "an authentication scheme"),
    }
    let realm = String::from_utf8_lossy(cursor.text_string()?);
    put(out, format_args!(" realm={}", Quote(&realm)))?;
    while !cursor.is_empty() {
        let text = Parameter::read(&mut cursor, &mut Rigour::Strict)?.to_string();
        put(out, format_args!(", {}", text.trim_start_matches(';')))?;
    }
    Ok(())
}

fn warning<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    const EXPECTED: &str = "a warning's number";
    let Some(mut cursor) = value.inside() else {
        return match value.form {
            Form::Short(code) => put(out, format_args!("{code}")),
            _ => bad(value, EXPECTED),
        };
    };
    let code = next(&mut cursor)?;
    let Form::Short(number) = code.form else {
        return bad(&code, EXPECTED);
    };
    put(out, format_args!("{number} "))?;
    say(out, cursor.text_string()?)?;
    let text = String::from_utf8_lossy(cursor.text_string()?);
    put(out, format_args!(" {}", Quote(&text)))?;
    end(&cursor)
}

fn profile_warning<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    const EXPECTED: &str = "a profile warning's number";
    // The high four bits are the hundreds.
    let code = |value: &Value<'_>| match value.form {
        Form::Short(code @ (0x10..=0x12 | 0x20..=0x23)) => Ok(u16::from(code >> 4)
            .saturating_mul(100)
            .saturating_add(u16::from(code & 0x0F))),
        _ => Err(fault(value.at, EXPECTED)),
    };
    let Some(mut cursor) = value.inside() else {
        let code = code(value)?;
        return put(out, format_args!("{code}"));
    };
    let number = code(&next(&mut cursor)?)?;
    put(out, format_args!("{number} "))?;
    say(out, cursor.text_string()?)?;
    while !cursor.is_empty() {
        put(out, format_args!(" "))?;
        date(&next(&mut cursor)?, out)?;
    }
    Ok(())
}

fn set_cookie<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let mut cursor = inside(value, "a cookie behind a length")?;
    let at = next(&mut cursor)?;
    let mut said = String::new();
    version(&at, &mut said)?;
    say(out, cursor.text_string()?)?;
    put(out, format_args!("="))?;
    word(cursor.text_string()?, out)?;
    put(out, format_args!(";Version={said}"))?;
    parameters(&mut cursor, ";", out)
}

fn expect<W: Words>(value: &Value<'_>, out: &mut W) -> Walked {
    let Some(mut cursor) = value.inside() else {
        return match value.form {
            Form::Short(0) => put(out, format_args!("100-continue")),
            _ => bad(value, "100-continue or an expression"),
        };
    };
    let name = next(&mut cursor)?;
    match name.form {
        Form::Text(text) if is_token(text) => say(out, text)?,
        _ => return bad(&name, "the name of an expectation"),
    }
    let argument = next(&mut cursor)?;
    match argument.form {
        Form::Text(text) => {
            put(out, format_args!("="))?;
            word(text.strip_prefix(b"\"").unwrap_or(text), out)?;
        }
        Form::Octets([]) => {}
        _ => return bad(&argument, "the text of an expectation"),
    }
    parameters(&mut cursor, ";", out)
}
