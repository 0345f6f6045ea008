//! Encrypted content in records: a salt, the size of a record, the name of a key, and records of that size.
//!
//! **Source:** RFC 8188 sections 2 and 2.1. Not here: where keys come from (`encryption`).

use serde_json::{Value, json};

use crate::codec::cursor::Cursor;
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::reader::{Digits, Place, Reader};
use crate::codec::{Class, DecodeError, Span, hex};
use crate::limits;

/// Content in the coding `aes128gcm`, closed.
pub const FORMAT: Format = Format {
    name: NAME,
    clause: "RFC 8188 2.1",
    decode: |octets, lenient| {
        let mut reader = Reader::new(NAME, PLACE, octets, lenient);
        Ok(Decoded::strict(Body::read(&mut reader)?.view()))
    },
    spans: |octets, lenient| -> Vec<Span> {
        let mut reader = Reader::new(NAME, PLACE, octets, lenient).annotating();
        // The fault itself is told by `decode`.
        let _ = Body::read(&mut reader);
        reader.spans()
    },
    encode: of_fields,
};

const NAME: &str = "aes128gcm";
const PLACE: Place = Place {
    path: "aes128gcm.",
    clause: "RFC 8188 2.1",
};
/// The smallest record: one octet of content, the delimiter and the tag.
const RECORD_SIZE_MIN: u32 = 18;
/// What every record has: the delimiter and the tag.
const RECORD_OVERHEAD: usize = 17;
/// Octets of a salt.
pub const SALT_OCTETS: usize = 16;

/// Closed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// Makes the keys of this content unlike those of any other.
    pub salt: [u8; SALT_OCTETS],
    /// Octets of each record but the last, with delimiter and tag; at least 18.
    pub record_size: u32,
    /// Names the key; of a push it is the sender's public key.
    pub key_id: &'a [u8],
    /// The records, one after the other; at least one.
    records: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads closed content.
    ///
    /// # Errors
    /// Names the octet where it stops being one.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(NAME, PLACE, octets, false))
    }

    /// The records in order.
    pub fn records(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.records.chunks(size(self.record_size))
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let whole = reader.cursor.left();
        if whole > limits::ENCRYPTED_CONTENT_OCTETS {
            let at = limits::ENCRYPTED_CONTENT_OCTETS;
            return Err(reader.fault(at, Class::TooLarge, "the content's end"));
        }
        let salt = fixed(&mut reader.cursor, "a salt of 16 octets")?;
        reader.note(0, "salt", Digits(&salt));
        let at = reader.at();
        let record_size = u32::from_be_bytes(fixed(&mut reader.cursor, "the size of a record")?);
        if record_size < RECORD_SIZE_MIN {
            return Err(reader.fault(at, Class::BadValue, "a record size of at least 18"));
        }
        reader.note(at, "record_size", record_size);
        let length = reader.octet("key_id.length", "the length of the key's name")?;
        let at = reader.at();
        let key_id =
            reader
                .cursor
                .take(usize::from(length), Class::Truncated, "the name of the key")?;
        reader.note(at, "key_id", Digits(key_id));
        let records = reader.cursor.ahead();
        if records.is_empty() {
            return Err(reader.fault(reader.at(), Class::Truncated, "a record"));
        }
        for (number, record) in records.chunks(size(record_size)).enumerate() {
            let at = reader.at();
            if record.len() < RECORD_OVERHEAD {
                let at = at.saturating_add(record.len());
                return Err(reader.fault(at, Class::Truncated, "a delimiter and a tag"));
            }
            reader
                .cursor
                .take(record.len(), Class::Truncated, "a record")?;
            reader.note(at, format_args!("records[{number}]"), Digits(record));
        }
        Ok(Self {
            salt,
            record_size,
            key_id,
            records,
        })
    }

    fn view(&self) -> Value {
        let records: Vec<String> = self.records().map(hex::digits).collect();
        json!({
            "salt": hex::digits(&self.salt),
            "record_size": self.record_size,
            "key_id": hex::digits(self.key_id),
            "records": records,
        })
    }
}

/// The octets before the records; `None` when the key's name is longer than 255 octets.
pub(super) fn head(salt: &[u8; SALT_OCTETS], record_size: u32, key_id: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(key_id.len()).ok()?;
    Some([&salt[..], &record_size.to_be_bytes(), &[length], key_id].concat())
}

/// A record size as a number of octets.
fn size(record_size: u32) -> usize {
    usize::try_from(record_size).unwrap_or(usize::MAX)
}

fn fixed<const N: usize>(
    cursor: &mut Cursor<'_>,
    expected: &'static str,
) -> Result<[u8; N], DecodeError> {
    let taken = cursor.take(N, Class::Truncated, expected)?;
    // `take` gives as many as were asked for.
    Ok(taken.try_into().unwrap_or([0; N]))
}

fn of_fields(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let known = ["salt", "record_size", "key_id", "records"];
    let fields = Object::of(fields, NAME)?.only(PLACE.path, &known)?;
    let salt = fields.octets("salt")?.unwrap_or_default();
    let salt = <[u8; SALT_OCTETS]>::try_from(salt.as_slice())
        .map_err(|_| fields.fault("salt", "16 octets are expected"))?;
    let record_size: u32 = fields.needed("record_size")?;
    let key_id = fields.octets("key_id")?.unwrap_or_default();
    let mut out = head(&salt, record_size, &key_id)
        .ok_or_else(|| fields.fault("key_id", "more than 255 octets"))?;
    let records = fields.list("records")?;
    for (number, record) in records.iter().enumerate() {
        let octets = record.as_str().and_then(hex::octets);
        let octets =
            octets.ok_or_else(|| fields.fault("records", format_args!("{record} is no octets")))?;
        let is_last = number.saturating_add(1) == records.len();
        if octets.len() > size(record_size) || !is_last && octets.len() < size(record_size) {
            let what = format_args!("number {number} has {} octets", octets.len());
            return Err(fields.fault("records", what));
        }
        out.extend_from_slice(&octets);
    }
    match Body::decode(&out) {
        Ok(_) => Ok(out),
        Err(fault) => Err(FieldFault::new(format_args!(
            "the content would be refused: expected {}",
            fault.expected
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::web_push::of_text;

    #[test]
    fn the_second_example_of_the_rfc_has_two_records() {
        let octets = of_text(
            "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA",
        )
        .unwrap();
        let body = Body::decode(&octets).unwrap();
        assert_eq!((body.record_size, body.key_id), (25, &b"a1"[..]));
        let lengths: Vec<usize> = body.records().map(<[u8]>::len).collect();
        assert_eq!(lengths, [25, 25]);
    }

    #[test]
    fn content_at_the_bound_is_read_and_one_octet_more_is_not() {
        let with = |octets: usize| {
            let mut content = head(&[7; 16], u32::MAX, b"").unwrap();
            content.resize(octets, 0);
            Body::decode(&content)
                .map(|_| ())
                .map_err(|fault| fault.class)
        };
        let most = limits::ENCRYPTED_CONTENT_OCTETS;
        assert_eq!(with(most), Ok(()));
        assert_eq!(with(most + 1), Err(Class::TooLarge));
    }

    #[test]
    fn a_record_that_is_not_full_stands_only_at_the_end() {
        let fields = json!({
            "salt": "00".repeat(16), "record_size": 18, "key_id": "",
            "records": ["00".repeat(17), "00".repeat(18)],
        });
        let fault = of_fields(&fields).unwrap_err().to_string();
        assert_eq!(fault, "aes128gcm.records: number 0 has 17 octets");
    }
}
