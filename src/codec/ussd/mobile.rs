//! The strings of operations that the mobile begins: in the first one stands the service code that the network routes
//! by, in those that continue a dialogue it does not.
//!
//! **Source:** WAP-204 section 6.3; 3GPP TS 22.030 (`*` or `#`, digits, `#`). Whether a
//! string has a code is known from the operation alone: a length of 42 looks like the `*` of a code.

use serde_json::{Map, Value};

use super::network::{put_sized, read_user_data, sized_octets};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::reader::{Place, Reader};
use crate::codec::sms::UserData;
use crate::codec::sms::alphabet::{pack, septets, text, unpack};
use crate::codec::{Class, DecodeError, Span};

const STRING: Place = Place {
    path: "ussd.",
    clause: "WAP-204 6.3",
};
/// Characters of the longest service code.
const CODE_MAX: usize = 20;
const NO_CODE: &str = "a service code: * or #, digits and *, #, at most 20 characters";

/// The string of an operation that the mobile begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MobileString<'a> {
    /// The service code, septets packed up to a whole octet; empty in a string that continues a dialogue.
    pub code: &'a [u8],
    /// Header and datagram.
    pub user_data: UserData<'a>,
}

/// Where in a dialogue a string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It begins the dialogue and has a service code.
    First,
    /// It continues the dialogue.
    Later,
}

/// The string that begins a dialogue of the mobile.
pub const FORMAT_MOBILE_BEGIN: Format = Format {
    name: "ussd-mobile-begin",
    clause: STRING.clause,
    decode: |octets, lenient| decode(octets, Turn::First, lenient),
    spans: |octets, lenient| spans(octets, Turn::First, lenient),
    encode: |value| {
        let fields = Object::of(value, "a USSD string")?;
        let code = fields.text("service_code")?.unwrap_or_default();
        let code = code_octets(code)
            .ok_or_else(|| FieldFault::new(format_args!("service_code: not {NO_CODE}")))?;
        Ok([code, sized_octets(fields)?].concat())
    },
};

/// A string that continues a dialogue of the mobile.
pub const FORMAT_MOBILE_CONTINUE: Format = Format {
    name: "ussd-mobile-continue",
    clause: STRING.clause,
    decode: |octets, lenient| decode(octets, Turn::Later, lenient),
    spans: |octets, lenient| spans(octets, Turn::Later, lenient),
    encode: |value| sized_octets(Object::of(value, "a USSD string")?),
};

fn reader(octets: &[u8], turn: Turn, lenient: bool) -> Reader<'_> {
    let name = match turn {
        Turn::First => FORMAT_MOBILE_BEGIN.name,
        Turn::Later => FORMAT_MOBILE_CONTINUE.name,
    };
    Reader::new(name, STRING, octets, lenient)
}

fn decode(octets: &[u8], turn: Turn, lenient: bool) -> Result<Decoded, DecodeError> {
    let mut reader = reader(octets, turn, lenient);
    let string = MobileString::read(&mut reader, turn)?;
    let mut fields = Map::new();
    if let Some(code) = string.service_code() {
        fields.insert("service_code".to_owned(), code.into());
    }
    put_sized(&mut fields, &string.user_data);
    Ok(Decoded {
        fields: Value::Object(fields),
        deviations: reader.deviations(),
    })
}

fn spans(octets: &[u8], turn: Turn, lenient: bool) -> Vec<Span> {
    let mut reader = reader(octets, turn, lenient).annotating();
    // The fault itself is told by `decode`; what was read before it stays worth showing.
    let _ = MobileString::read(&mut reader, turn);
    reader.spans()
}

impl<'a> MobileString<'a> {
    /// Reads a string that stands there in its dialogue.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn decode(octets: &'a [u8], turn: Turn) -> Result<Self, DecodeError> {
        Self::read(&mut reader(octets, turn, true), turn)
    }

    /// The service code as it is dialled: `*124#`.
    #[must_use]
    pub fn service_code(&self) -> Option<String> {
        code_length(self.code).map(|length| text(unpack(self.code, 0, length)))
    }

    fn read(reader: &mut Reader<'a>, turn: Turn) -> Result<Self, DecodeError> {
        let code = match turn {
            Turn::First => read_code(reader)?,
            Turn::Later => &[],
        };
        let user_data = read_user_data(reader)?;
        Ok(Self { code, user_data })
    }
}

fn read_code<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let at = reader.at();
    let mut ahead = reader.cursor;
    let length =
        code_length(ahead.rest()).ok_or_else(|| reader.fault(at, Class::BadValue, NO_CODE))?;
    let octets = length.saturating_mul(7).div_ceil(8);
    let code = reader.cursor.take(octets, Class::Truncated, NO_CODE)?;
    let written = text(unpack(code, 0, length));
    if code_octets(&written).as_deref() != Some(code) {
        reader.deviate(at, Class::BadValue, "zero bits after a service code")?;
    }
    reader.note(at, "service_code", written);
    Ok(code)
}

/// Septets of the service code that octets begin with: one or two of `*` and `#`, a digit, digits and `*`, `#`.
fn code_length(octets: &[u8]) -> Option<usize> {
    let mut septets = unpack(octets, 0, CODE_MAX).enumerate().peekable();
    septets.next_if(|(_, septet)| b"*#".contains(septet))?;
    septets.next_if(|(_, septet)| b"*#".contains(septet));
    septets.next_if(|(_, septet)| septet.is_ascii_digit())?;
    let (end, last) = septets.find(|(_, septet)| !septet.is_ascii_digit() && *septet != b'*')?;
    (last == b'#').then(|| end.saturating_add(1))
}

/// The octets of a service code; `None` for what is none.
fn code_octets(code: &str) -> Option<Vec<u8>> {
    let packed = pack(septets(code).ok()?, 0);
    let is_whole = code_length(&packed) == Some(code.len());
    is_whole.then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_code_comes_back() {
        for digits in 1..20 {
            for first in ["*", "#", "*#", "##"] {
                let code = format!(
                    "{first}{}#",
                    "1234567890123456789".get(..digits).unwrap_or_default()
                );
                let octets = [
                    code_octets(&code).unwrap_or_default(),
                    vec![3, 0, b'h', b'i'],
                ]
                .concat();
                let read = MobileString::decode(&octets, Turn::First);
                assert_eq!(
                    read.ok().and_then(|it| it.service_code()),
                    (code.len() <= CODE_MAX).then_some(code)
                );
            }
        }
    }

    #[test]
    fn a_length_that_looks_like_a_star_is_a_length_where_a_dialogue_goes_on() {
        let octets = [&[42, 0][..], &[b'x'; 41]].concat();
        let read = MobileString::decode(&octets, Turn::Later).map(|it| it.user_data.payload.len());
        assert_eq!(read, Ok(41));
        assert!(MobileString::decode(&octets, Turn::First).is_err());
    }
}
