//! PDUs as JSON, for people and programs at the command line; reads back what it writes.
//!
//! **Source:** SMPP 3.4, the names of its fields. Lengths, names of statuses, `text` of a message and the copy of
//! `ussd_service_op` beside `tlvs` are computed; a text that JSON cannot hold stands in hexadecimal under `<name>_hex`.

use serde_json::{Map, Value, json};

use super::layout::{Bound, Manner, Visit};
use super::read::ussd;
use super::tlv::{Kind, known, of_name};
use super::{
    Body, Command, PLACE, Pdu, Status, Text, Tlv, Tlvs, UDHI, put_number, put_octets, tag,
};
use super::{read, write};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::{Object, number};
use crate::codec::reader::Reader;
use crate::codec::sms::fields::{header_of, put_user_data};
use crate::codec::sms::{UserData, alphabet};
use crate::codec::{hex, ussd::encode_string};

/// SMPP, one PDU.
pub const FORMAT: Format = Format {
    name: "smpp",
    clause: PLACE.clause,
    decode: |octets, lenient| {
        let mut reader = Reader::new("smpp", PLACE, octets, lenient);
        let pdu = read::pdu(&mut reader, true)?;
        Ok(Decoded {
            fields: fields_of(pdu),
            deviations: reader.deviations(),
        })
    },
    spans: |octets, lenient| {
        let mut reader = Reader::new("smpp", PLACE, octets, lenient).annotating();
        // The fault itself is told by `decode`; what was read before it stays worth showing.
        let _ = read::pdu(&mut reader, true);
        reader.spans()
    },
    encode,
};

fn fields_of(pdu: Pdu<'_>) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("command", pdu.command.to_string().into());
    put("status", pdu.status.0.into());
    put("status_name", pdu.status.to_string().into());
    put("sequence", pdu.sequence.into());
    if let Body::Other(octets) = pdu.body {
        put("body_hex", hex::digits(octets).into());
    }
    if matches!(pdu.body, Body::Empty) && !matches!(Body::of(pdu.command), Body::Empty) {
        put("left_out", true.into());
    }
    let mut body = pdu.body;
    // Telling fields cannot fail.
    let _ = body.visit(&mut Telling {
        fields: &mut fields,
    });
    put_tlvs(&mut fields, pdu.tlvs);
    fields.into()
}

fn put_tlvs(fields: &mut Map<String, Value>, tlvs: Tlvs<'_>) {
    if tlvs.is_empty() {
        return;
    }
    let named: Vec<(u16, String, Value)> = tlvs
        .iter()
        .map(|tlv| {
            let (name, value) = told(tlv);
            (tlv.tag, name, value)
        })
        .collect();
    let is_in_order = named.is_sorted_by(|a, b| a.0 < b.0);
    if !is_in_order {
        let list: Vec<Value> = named
            .iter()
            .map(|(_, name, value)| json!({ name: value }))
            .collect();
        fields.insert("tlv_list".to_owned(), list.into());
    }
    if let Some(operation) = tlvs.number(tag::USSD_SERVICE_OP) {
        fields.insert("ussd_service_op".to_owned(), operation.into());
    }
    let object: Map<String, Value> = named
        .into_iter()
        .map(|(_, name, value)| (name, value))
        .collect();
    fields.insert("tlvs".to_owned(), object.into());
}

/// Name and value of a parameter: a number, a text, or octets under a name that ends with `_hex`.
fn told(tlv: Tlv<'_>) -> (String, Value) {
    let name = known(tlv.tag).map_or_else(|| format!("tag_{:04x}", tlv.tag), |it| it.0.to_owned());
    if let Some(number) = tlv.number() {
        return (name, number.into());
    }
    if let Some(text) = tlv.text().and_then(|text| text.as_str()) {
        return (name, text.into());
    }
    (format!("{name}_hex"), hex::digits(tlv.octets).into())
}

/// Fields to JSON.
struct Telling<'f> {
    fields: &'f mut Map<String, Value>,
}

impl<'a> Visit<'a> for Telling<'_> {
    type Fault = FieldFault;

    fn octet(&mut self, name: &'static str, value: &mut u8) -> Result<(), FieldFault> {
        self.fields.insert(name.to_owned(), (*value).into());
        Ok(())
    }

    fn text(
        &mut self,
        name: &'static str,
        _: Bound,
        value: &mut Text<'a>,
    ) -> Result<(), FieldFault> {
        match value.as_str() {
            Some(text) => self.fields.insert(name.to_owned(), text.into()),
            None => self
                .fields
                .insert(format!("{name}_hex"), hex::digits(value.0).into()),
        };
        Ok(())
    }

    fn message(&mut self, manner: Manner<'a>, value: &mut &'a [u8]) -> Result<(), FieldFault> {
        self.fields
            .insert("sm_length".to_owned(), value.len().into());
        if value.is_empty() {
            return Ok(());
        }
        if manner.esm_class & UDHI != 0
            && let Ok(user_data) = UserData::decode(value)
        {
            put_user_data(self.fields, &user_data);
        } else if let Some(string) = ussd(manner, value) {
            string.put(self.fields);
        } else {
            self.fields
                .insert("payload_hex".to_owned(), hex::digits(value).into());
            if let Some(text) = text_of(manner.data_coding, value) {
                self.fields.insert("text".to_owned(), text.into());
            }
        }
        Ok(())
    }
}

/// The text of a message whose coding is one; in SMPP septets stand one in an octet.
fn text_of(data_coding: u8, octets: &[u8]) -> Option<String> {
    match data_coding {
        0 if octets.iter().all(|octet| *octet < 0x80) => {
            Some(alphabet::text(octets.iter().copied()))
        }
        1 => core::str::from_utf8(octets)
            .ok()
            .filter(|it| it.is_ascii())
            .map(str::to_owned),
        3 => Some(octets.iter().copied().map(char::from).collect()),
        8 => alphabet::ucs2_text(octets),
        _ => None,
    }
}

fn octets_of(data_coding: u8, text: &str) -> Result<Vec<u8>, FieldFault> {
    let fault = || FieldFault::new("text: has a character that data_coding cannot hold");
    match data_coding {
        0 => alphabet::septets(text).map_err(|_| fault()),
        3 => text
            .chars()
            .map(|it| u8::try_from(it).map_err(|_| fault()))
            .collect(),
        8 => Ok(alphabet::ucs2_octets(text)),
        _ if text.is_ascii() => Ok(text.as_bytes().to_vec()),
        _ => Err(fault()),
    }
}

fn encode(value: &Value) -> Result<Vec<u8>, FieldFault> {
    let fields = Object::of(value, "a PDU")?;
    let command = command_of(fields)?;
    let status: u32 = fields.number("status")?.unwrap_or(0);
    let mut out = write::header(command.0, status, fields.number("sequence")?.unwrap_or(1));
    let mut body = Body::of(command);
    if let Body::Other(_) = body {
        out.extend(fields.octets("body_hex")?.unwrap_or_default());
        return write::finish(out);
    }
    if fields.flag("left_out")? || is_left_out(fields, command, Status(status)) {
        body = Body::Empty;
    }
    body.visit(&mut Asking {
        fields,
        out: &mut out,
    })?;
    ask_tlvs(&mut out, fields)?;
    write::finish(out)
}

/// A name, or the number of a command that has none.
fn command_of(fields: Object<'_>) -> Result<Command, FieldFault> {
    let name = fields.text("command")?.unwrap_or_default();
    let number = || u32::from_str_radix(name.strip_prefix("0x")?, 16).ok();
    Command::of_name(name)
        .or_else(|| number().map(Command))
        .ok_or_else(|| FieldFault::new(format_args!("command: {name:?} is none")))
}

/// Whether none of a response's parameters is there.
fn is_left_out(fields: Object<'_>, command: Command, status: Status) -> bool {
    let none = ["system_id", "message_id"]
        .iter()
        .all(|name| fields.get(name).is_none() && fields.get(&format!("{name}_hex")).is_none());
    let alone = fields.get("tlvs").is_none() && fields.get("tlv_list").is_none();
    command.is_response() && status != Status::OK && none && alone
}

/// JSON to octets.
struct Asking<'f, 'o> {
    fields: Object<'f>,
    out: &'o mut Vec<u8>,
}

impl<'a> Visit<'a> for Asking<'_, '_> {
    type Fault = FieldFault;

    fn octet(&mut self, name: &'static str, value: &mut u8) -> Result<(), FieldFault> {
        let has = |name| self.fields.get(name).is_some();
        *value = self.fields.number(name)?.unwrap_or_else(|| match name {
            "interface_version" => 0x34,
            "esm_class" if has("udh") && !has("nei") => UDHI,
            _ => 0,
        });
        self.out.push(*value);
        Ok(())
    }

    fn text(&mut self, name: &'static str, _: Bound, _: &mut Text<'a>) -> Result<(), FieldFault> {
        let octets = self.fields.octets(&format!("{name}_hex"))?;
        let text = self.fields.text(name)?.unwrap_or_default();
        write::put_text(self.out, name, octets.as_deref().unwrap_or(text.as_bytes()))
    }

    fn message(&mut self, manner: Manner<'a>, _: &mut &'a [u8]) -> Result<(), FieldFault> {
        let fields = self.fields;
        let octets = if fields.get("nei").is_some() {
            encode_string(fields)?
        } else {
            let payload = match (fields.octets("payload_hex")?, fields.text("text")?) {
                (Some(payload), _) => payload,
                (None, Some(text)) => octets_of(manner.data_coding, text)?,
                (None, None) => Vec::new(),
            };
            [header_of(fields)?.unwrap_or_default(), payload].concat()
        };
        write::put_message(self.out, &octets)
    }
}

fn ask_tlvs(out: &mut Vec<u8>, fields: Object<'_>) -> Result<(), FieldFault> {
    let mut tlvs = Vec::new();
    if fields.get("tlv_list").is_some() {
        for member in fields.list("tlv_list")? {
            let member = Object::of(member, "tlv_list")?;
            tlvs.extend(member.iter());
        }
    } else {
        if let Some(all) = fields.get("tlvs") {
            tlvs.extend(Object::of(all, "tlvs")?.iter());
        }
        if let Some(operation) = fields.get("ussd_service_op")
            && !tlvs
                .iter()
                .any(|(name, _)| name.starts_with("ussd_service_op"))
        {
            tlvs.push(("ussd_service_op", operation));
        }
        tlvs.sort_by_key(|(name, _)| tag_of(name));
    }
    tlvs.into_iter()
        .try_for_each(|(name, value)| ask_tlv(out, name, value))
}

/// The tag of a name, as [`told`] writes it.
fn tag_of(name: &str) -> Option<u16> {
    let plain = name.strip_suffix("_hex").unwrap_or(name);
    let number = || u16::from_str_radix(plain.strip_prefix("tag_")?, 16).ok();
    of_name(plain).or_else(number)
}

fn ask_tlv(out: &mut Vec<u8>, name: &str, value: &Value) -> Result<(), FieldFault> {
    let fault = |why: &str| FieldFault::new(format_args!("tlvs.{name}: {why}"));
    let tag = tag_of(name).ok_or_else(|| fault("is no parameter"))?;
    if name.ends_with("_hex") {
        let octets = value.as_str().and_then(hex::octets);
        let octets = octets.ok_or_else(|| fault("hexadecimal octets are expected"))?;
        put_octets(out, tag, &octets);
        return Ok(());
    }
    match (known(tag).map(|it| it.1), value) {
        (Some(Kind::Number(length)), value) => {
            let number: u32 = number(value, name)?;
            if length < 4 && number >> length.saturating_mul(8) != 0 {
                return Err(fault("is out of range"));
            }
            put_number(out, tag, number);
        }
        (Some(Kind::Text(_)), Value::String(text)) if !text.contains('\0') => {
            put_octets(out, tag, &[text.as_bytes(), b"\0"].concat());
        }
        _ => return Err(fault("octets stand under a name that ends with _hex")),
    }
    Ok(())
}
