//! The string of an operation that the network begins.
//!
//! **Source:** WAP-204 section 6.3.

use serde_json::{Map, Value};

use crate::codec::DecodeError;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::reader::{Digits, Place, Reader};
use crate::codec::sms::UserData;
use crate::codec::sms::fields::{header_of, put_user_data};

const STRING: Place = Place {
    path: "ussd.",
    clause: "WAP-204 6.3",
};

/// The string of an operation that the network begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkString<'a> {
    /// Network entity identifier, the operator's value.
    pub nei: u8,
    /// Header and datagram.
    pub user_data: UserData<'a>,
}

/// The string of an operation that the network begins.
pub const FORMAT_STRING: Format = Format {
    name: "ussd-string",
    clause: STRING.clause,
    decode: |octets, lenient| {
        let mut reader = Reader::new("ussd-string", STRING, octets, lenient);
        let string = NetworkString::read(&mut reader)?;
        let mut fields = Map::new();
        string.put(&mut fields);
        Ok(Decoded {
            fields: fields.into(),
            deviations: reader.deviations(),
        })
    },
    spans: |octets, lenient| {
        let mut reader = Reader::new("ussd-string", STRING, octets, lenient).annotating();
        let _ = NetworkString::read(&mut reader);
        reader.spans()
    },
    encode: |value| encode_string(Object::of(value, "a USSD string")?),
};

/// The user data of a string: its length, then header and payload.
pub(super) fn read_user_data<'a>(reader: &mut Reader<'a>) -> Result<UserData<'a>, DecodeError> {
    let at = reader.at();
    let length = reader.octet("udl", "the length of the user data")?;
    let inner = reader
        .cursor
        .container(u32::from(length), at, "user data of that length")?;
    let outer = core::mem::replace(&mut reader.cursor, inner);
    let user_data = UserData::read(reader)?;
    let payload_at = reader.at().saturating_sub(user_data.payload.len());
    reader.note(payload_at, "payload", Digits(user_data.payload));
    reader.cursor = outer;
    reader.end()?;
    Ok(user_data)
}

/// The fields of such user data.
pub(super) fn put_sized(fields: &mut Map<String, Value>, user_data: &UserData<'_>) {
    let header = user_data
        .header
        .map_or(0, |it| it.octets().len().saturating_add(1));
    let length = header.saturating_add(user_data.payload.len());
    fields.insert("udl".to_owned(), length.into());
    put_user_data(fields, user_data);
}

/// The octets of such fields.
pub(super) fn sized_octets(fields: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let header = header_of(fields)?.unwrap_or_else(|| vec![0]);
    let payload = fields.octets("payload_hex")?.unwrap_or_default();
    let length = u8::try_from(header.len().saturating_add(payload.len()))
        .map_err(|_| FieldFault::new("user data: longer than 255 octets"))?;
    Ok([&[length][..], &header, &payload].concat())
}

impl<'a> NetworkString<'a> {
    /// Reads a string.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new("ussd-string", STRING, octets, true))
    }

    /// Reads all octets of the reader.
    ///
    /// # Errors
    /// The first fault in order.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let nei = reader.octet("nei", "the network entity identifier")?;
        let user_data = read_user_data(reader)?;
        Ok(Self { nei, user_data })
    }

    /// Its fields under their names.
    pub(in crate::codec) fn put(&self, fields: &mut Map<String, Value>) {
        fields.insert("nei".to_owned(), self.nei.into());
        put_sized(fields, &self.user_data);
    }
}

/// The string of such fields.
pub(in crate::codec) fn encode_string(fields: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let nei = fields.needed("nei")?;
    Ok([&[nei][..], &sized_octets(fields)?].concat())
}
