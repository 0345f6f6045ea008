//! TPDUs and user data as JSON, for people and programs at the command line; reads back what it writes.
//!
//! **Source:** 3GPP TS 23.040 section 9.2, the names of its fields in small letters. `text`, `alphabet` and `status`
//! in words are computed; `payload_hex` is what is written, or `text` where no payload is given.

use serde_json::{Map, Value, json};

use super::address::Address;
use super::alphabet::{self, Alphabet};
use super::timestamp::Timestamp;
use super::tpdu::{self, From, Submit, Text, Tpdu, Validity};
use super::udh::{CONCATENATION_8, CONCATENATION_16, Concatenation};
use super::udh::{Content, Element, Header, PORTS_8, PORTS_16, Ports, Reference, UserData};
use super::{TPDU, USER_DATA};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::object::Object;
use crate::codec::reader::Reader;
use crate::codec::{DecodeError, Span, hex};

/// User data with its header.
pub const FORMAT_UD: Format = Format {
    name: "sms-ud",
    clause: "3GPP TS 23.040 9.2.3.24",
    decode: |octets, lenient| {
        let mut reader = Reader::new("sms", USER_DATA, octets, lenient);
        let user_data = UserData::read(&mut reader)?;
        note_payload(&mut reader, &user_data);
        let mut fields = Map::new();
        put_user_data(&mut fields, &user_data);
        Ok(finished(fields, reader))
    },
    spans: |octets, lenient| {
        let mut reader = Reader::new("sms", USER_DATA, octets, lenient).annotating();
        if let Ok(user_data) = UserData::read(&mut reader) {
            note_payload(&mut reader, &user_data);
        }
        reader.spans()
    },
    encode: |value| {
        let fields = Object::of(value, "user data")?;
        let mut out = header_of(fields)?.unwrap_or_else(|| vec![0]);
        out.extend(fields.octets("payload_hex")?.unwrap_or_default());
        Ok(out)
    },
};

/// What a service centre sends: SMS-DELIVER and SMS-STATUS-REPORT.
pub const FORMAT_DELIVER: Format = Format {
    name: "sms-deliver",
    clause: "3GPP TS 23.040 9.2.2.1",
    decode: |octets, lenient| decode(octets, lenient, From::ServiceCentre),
    spans: |octets, lenient| spans(octets, lenient, From::ServiceCentre),
    encode,
};

/// What a mobile station sends: SMS-SUBMIT.
pub const FORMAT_SUBMIT: Format = Format {
    name: "sms-submit",
    clause: "3GPP TS 23.040 9.2.2.2",
    decode: |octets, lenient| decode(octets, lenient, From::Mobile),
    spans: |octets, lenient| spans(octets, lenient, From::Mobile),
    encode,
};

fn decode(octets: &[u8], lenient: bool, from: From) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new("sms", TPDU, octets, lenient);
    let tpdu = Tpdu::read(&mut reader, from)?;
    Ok(finished(fields_of(&tpdu), reader))
}

fn spans(octets: &[u8], lenient: bool, from: From) -> Vec<Span> {
    let mut reader = Reader::new("sms", TPDU, octets, lenient).annotating();
    // The fault itself is told by `decode`; what was read before it stays worth showing.
    let _ = Tpdu::read(&mut reader, from);
    reader.spans()
}

fn finished(fields: Map<String, Value>, reader: Reader<'_>) -> Decoded {
    Decoded {
        fields: Value::Object(fields),
        deviations: reader.deviations(),
    }
}

fn note_payload(reader: &mut Reader<'_>, user_data: &UserData<'_>) {
    let at = reader.at().saturating_sub(user_data.payload.len());
    reader.note(
        at,
        "payload",
        crate::codec::reader::Digits(user_data.payload),
    );
}

fn fields_of(tpdu: &Tpdu<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let flags = tpdu.flags();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let flag = |flag: u8| Value::from(flags & flag != 0);
    put("udhi", flag(tpdu::UDHI));
    if let Tpdu::Submit(submit) = tpdu {
        put("mti", "SUBMIT".into());
        put("rd", flag(tpdu::REJECT_DUPLICATES));
        put("srr", flag(tpdu::STATUS_REPORT));
        put("rp", flag(tpdu::REPLY_PATH));
        put_submit(&mut fields, submit);
    } else {
        put("mms", flag(tpdu::NO_MORE_MESSAGES));
        put("lp", flag(tpdu::LOOP_PREVENTION));
        put_from_centre(&mut fields, tpdu);
    }
    if let Some(text) = tpdu.text() {
        put_text(&mut fields, &text);
    }
    fields
}

fn put_from_centre(fields: &mut Map<String, Value>, tpdu: &Tpdu<'_>) {
    let flags = tpdu.flags();
    let mut more = match tpdu {
        Tpdu::Deliver(it) => {
            let fields = json!({
                "mti": "DELIVER", "sri": flags & tpdu::STATUS_REPORT != 0, "rp": flags & tpdu::REPLY_PATH != 0,
                "pid": it.protocol, "dcs": it.data_coding, "scts_hex": hex::digits(&it.timestamp),
                "scts": Timestamp::decode(&it.timestamp).map(|it| it.to_string()),
            });
            (fields, "oa", it.originator, 0x10)
        }
        Tpdu::StatusReport(it) => {
            let fields = json!({
                "mti": "STATUS-REPORT", "srq": flags & tpdu::STATUS_REPORT != 0, "mr": it.reference,
                "scts": Timestamp::decode(&it.timestamp).map(|it| it.to_string()),
                "scts_hex": hex::digits(&it.timestamp),
                "dt": Timestamp::decode(&it.discharge).map(|it| it.to_string()),
                "dt_hex": hex::digits(&it.discharge),
                "st": it.status, "status": status(it.status),
                "pi": it.parameters,
                "pi_more_hex": (!it.more_parameters.is_empty()).then(|| hex::digits(it.more_parameters)), "pid": it.protocol, "dcs": it.data_coding,
            });
            (fields, "ra", it.recipient, 0x90)
        }
        Tpdu::Submit(_) => return,
    };
    let reserved = flags & more.3;
    if let Some(object) = more.0.as_object_mut() {
        object.retain(|_, value| !value.is_null());
        fields.append(object);
    }
    put_address(fields, more.1, &more.2);
    if reserved != 0 {
        fields.insert("reserved".to_owned(), reserved.into());
    }
}

fn put_submit(fields: &mut Map<String, Value>, it: &Submit<'_>) {
    let (format, validity, digits) = match it.validity {
        Validity::None => ("none", Value::Null, Value::Null),
        Validity::Relative(period) => {
            fields.insert(
                "vp_minutes".to_owned(),
                tpdu::relative_minutes(period).into(),
            );
            ("relative", period.into(), Value::Null)
        }
        Validity::Absolute(octets) => {
            let stamp = Timestamp::decode(&octets).map(|it| it.to_string());
            ("absolute", stamp.into(), hex::digits(&octets).into())
        }
        Validity::Enhanced(octets) => ("enhanced", Value::Null, hex::digits(&octets).into()),
    };
    let mut more = json!({
        "mr": it.reference, "pid": it.protocol, "dcs": it.data_coding, "vpf": format, "vp": validity, "vp_hex": digits,
    });
    if let Some(object) = more.as_object_mut() {
        object.retain(|_, value| !value.is_null());
        fields.append(object);
    }
    put_address(fields, "da", &it.destination);
}

fn put_address(fields: &mut Map<String, Value>, name: &str, address: &Address<'_>) {
    let written = address.to_string();
    let field = address.field();
    fields.insert(format!("{name}_toa"), address.kind.into());
    if Address::encode(&written, Some(address.kind), name)
        .ok()
        .as_ref()
        != Some(&field)
    {
        fields.insert(format!("{name}_hex"), hex::digits(&field).into());
    }
    fields.insert(name.to_owned(), written.into());
}

fn put_text(fields: &mut Map<String, Value>, text: &Text<'_>) {
    fields.insert("udl".to_owned(), text.length.into());
    fields.insert("alphabet".to_owned(), text.alphabet.name().into());
    if let Some(words) = text.text() {
        fields.insert("text".to_owned(), words.into());
    }
    put_user_data(fields, &text.user_data);
}

/// Header and payload under the names that every carrier of user data uses.
pub(in crate::codec) fn put_user_data(fields: &mut Map<String, Value>, user_data: &UserData<'_>) {
    if let Some(header) = user_data.header {
        let elements: Vec<Value> = header.elements().map(|it| element(&it)).collect();
        fields.insert("udh".to_owned(), elements.into());
        if !header.is_whole() {
            fields.insert("udh_hex".to_owned(), hex::digits(header.octets()).into());
        }
        if is_spoiled(header) {
            fields.insert("treat_as".to_owned(), "unsegmented".into());
        }
    }
    fields.insert(
        "payload_hex".to_owned(),
        hex::digits(user_data.payload).into(),
    );
}

/// Whether there is a concatenation that no receiver counts.
fn is_spoiled(header: Header<'_>) -> bool {
    header.concatenation().is_none()
        && header
            .elements()
            .any(|it| matches!(it.content(), Content::Concatenation(_)))
}

fn element(element: &Element<'_>) -> Value {
    let iei = element.iei;
    match element.content() {
        Content::Ports(ports) => {
            json!({"iei": iei, "dst_port": ports.destination, "src_port": ports.source})
        }
        Content::Concatenation(it) => {
            json!({"iei": iei, "ref": it.reference.number(), "total": it.total, "seq": it.sequence})
        }
        Content::Other(octets) => json!({"iei": iei, "data_hex": hex::digits(octets)}),
    }
}

/// The header of such fields with its length in front; `None` when there is none.
pub(in crate::codec) fn header_of(fields: Object<'_>) -> Result<Option<Vec<u8>>, FieldFault> {
    let mut out = vec![0];
    if let Some(octets) = fields.octets("udh_hex")? {
        out.extend(octets);
    } else if fields.get("udh").is_some() {
        for value in fields.list("udh")? {
            put_element(&mut out, Object::of(value, "udh")?)?;
        }
    } else {
        return Ok(None);
    }
    let length = u8::try_from(out.len().saturating_sub(1))
        .map_err(|_| FieldFault::new("udh: longer than 255 octets"))?;
    if let Some(first) = out.first_mut() {
        *first = length;
    }
    Ok(Some(out))
}

fn put_element(out: &mut Vec<u8>, fields: Object<'_>) -> Result<(), FieldFault> {
    let iei: u8 = fields.needed("iei")?;
    if let Some(octets) = fields.octets("data_hex")? {
        let length = u8::try_from(octets.len())
            .map_err(|_| FieldFault::new("data_hex: longer than 255 octets"))?;
        out.extend([iei, length]);
        out.extend(octets);
        return Ok(());
    }
    match iei {
        PORTS_8 => out.extend([
            iei,
            2,
            fields.needed::<u8>("dst_port")?,
            fields.needed::<u8>("src_port")?,
        ]),
        PORTS_16 => super::udh::put_ports(
            out,
            Ports {
                destination: fields.needed("dst_port")?,
                source: fields.needed("src_port")?,
            },
        ),
        CONCATENATION_8 | CONCATENATION_16 => {
            let reference = if iei == CONCATENATION_8 {
                Reference::Eight(fields.needed("ref")?)
            } else {
                Reference::Sixteen(fields.needed("ref")?)
            };
            let (total, sequence) = (fields.needed("total")?, fields.needed("seq")?);
            super::udh::put_concatenation(
                out,
                Concatenation {
                    reference,
                    total,
                    sequence,
                },
            );
        }
        _ => return Err(FieldFault::new("data_hex: is missing")),
    }
    Ok(())
}

fn encode(value: &Value) -> Result<Vec<u8>, FieldFault> {
    let fields = Object::of(value, "a TPDU")?;
    match fields.text("mti")? {
        Some("DELIVER") => encode_deliver(fields),
        Some("SUBMIT") => encode_submit(fields),
        Some("STATUS-REPORT") => encode_report(fields),
        _ => Err(FieldFault::new("mti: DELIVER, SUBMIT or STATUS-REPORT")),
    }
}

fn flag(fields: Object<'_>, name: &str, flag: u8) -> Result<u8, FieldFault> {
    Ok(if fields.flag(name)? { flag } else { 0 })
}

/// The flags that all types share; a header needs its indicator even where none is asked for.
fn shared_flags(fields: Object<'_>) -> Result<u8, FieldFault> {
    let has_header = fields.get("udh").is_some() || fields.get("udh_hex").is_some();
    let udhi = if has_header {
        tpdu::UDHI
    } else {
        flag(fields, "udhi", tpdu::UDHI)?
    };
    Ok(udhi | fields.number("reserved")?.unwrap_or(0))
}

fn encode_deliver(fields: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let mut out = vec![
        shared_flags(fields)?
            | flag(fields, "mms", tpdu::NO_MORE_MESSAGES)?
            | flag(fields, "lp", tpdu::LOOP_PREVENTION)?
            | flag(fields, "sri", tpdu::STATUS_REPORT)?
            | flag(fields, "rp", tpdu::REPLY_PATH)?,
    ];
    out.extend(address_of(fields, "oa")?);
    let coding = fields.number("dcs")?.unwrap_or(0);
    out.extend([fields.number("pid")?.unwrap_or(0), coding]);
    out.extend(timestamp_of(fields, "scts")?);
    put_text_of(&mut out, fields, coding)?;
    Ok(out)
}

fn encode_submit(fields: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let (format, validity) = match fields.text("vpf")? {
        None | Some("none") => (0x00, Vec::new()),
        Some("relative") => (0x10, vec![fields.needed("vp")?]),
        Some("absolute") => (0x18, timestamp_of(fields, "vp")?),
        Some("enhanced") => (0x08, seven_of(fields, "vp_hex")?),
        Some(_) => return Err(FieldFault::new("vpf: none, relative, absolute or enhanced")),
    };
    let mut out = vec![
        0x01 | format
            | shared_flags(fields)?
            | flag(fields, "rd", tpdu::REJECT_DUPLICATES)?
            | flag(fields, "srr", tpdu::STATUS_REPORT)?
            | flag(fields, "rp", tpdu::REPLY_PATH)?,
        fields.number("mr")?.unwrap_or(0),
    ];
    out.extend(address_of(fields, "da")?);
    let coding = fields.number("dcs")?.unwrap_or(0);
    out.extend([fields.number("pid")?.unwrap_or(0), coding]);
    out.extend(validity);
    put_text_of(&mut out, fields, coding)?;
    Ok(out)
}

fn encode_report(fields: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let mut out = vec![
        0x02 | shared_flags(fields)?
            | flag(fields, "mms", tpdu::NO_MORE_MESSAGES)?
            | flag(fields, "lp", tpdu::LOOP_PREVENTION)?
            | flag(fields, "srq", tpdu::STATUS_REPORT)?,
        fields.number("mr")?.unwrap_or(0),
    ];
    out.extend(address_of(fields, "ra")?);
    out.extend(timestamp_of(fields, "scts")?);
    out.extend(timestamp_of(fields, "dt")?);
    out.push(fields.needed("st")?);
    let Some(parameters) = fields.number::<u8>("pi")? else {
        return Ok(out);
    };
    out.push(parameters);
    out.extend(fields.octets("pi_more_hex")?.unwrap_or_default());
    if parameters & 0x01 != 0 {
        out.push(fields.needed("pid")?);
    }
    if parameters & 0x02 != 0 {
        out.push(fields.needed("dcs")?);
    }
    if parameters & 0x04 != 0 {
        put_text_of(&mut out, fields, fields.number("dcs")?.unwrap_or(0))?;
    }
    Ok(out)
}

fn address_of(fields: Object<'_>, name: &str) -> Result<Vec<u8>, FieldFault> {
    if let Some(octets) = fields.octets(&format!("{name}_hex"))? {
        return Ok(octets);
    }
    let written = fields.text(name)?.unwrap_or_default();
    Address::encode(written, fields.number(&format!("{name}_toa"))?, name)
}

/// A time stamp in words, or in octets where it is none.
fn timestamp_of(fields: Object<'_>, name: &str) -> Result<Vec<u8>, FieldFault> {
    match fields.text(name)? {
        Some(text) => text
            .parse::<Timestamp>()
            .map(|stamp| stamp.encode().to_vec())
            .map_err(|fault| FieldFault::new(format_args!("{name}: {text:?} {fault}"))),
        None => seven_of(fields, &format!("{name}_hex")),
    }
}

fn seven_of(fields: Object<'_>, name: &str) -> Result<Vec<u8>, FieldFault> {
    fields
        .octets(name)?
        .filter(|octets| octets.len() == 7)
        .ok_or_else(|| FieldFault::new(format_args!("{name}: seven octets are needed")))
}

fn put_text_of(out: &mut Vec<u8>, fields: Object<'_>, coding: u8) -> Result<(), FieldFault> {
    let alphabet = Alphabet::of(coding);
    let header = header_of(fields)?.unwrap_or_default();
    let payload = fields.octets("payload_hex")?;
    let words = fields.text("text")?.unwrap_or_default();
    let (length, payload) = match (payload, alphabet) {
        (Some(payload), Alphabet::Gsm7) => {
            let bits = header.len().saturating_add(payload.len()).saturating_mul(8);
            (
                fields
                    .number("udl")?
                    .map_or(bits / 7, |units: u8| usize::from(units)),
                payload,
            )
        }
        (Some(payload), _) => (header.len().saturating_add(payload.len()), payload),
        (None, Alphabet::Gsm7) => {
            let codes = alphabet::septets(words).map_err(|odd| {
                FieldFault::new(format_args!("text: {odd:?} is not in the alphabet"))
            })?;
            let before = header.len().saturating_mul(8).div_ceil(7);
            let length = before.saturating_add(codes.len());
            (
                length,
                alphabet::pack(codes, alphabet::fill_bits(header.len())),
            )
        }
        (None, Alphabet::Ucs2) => {
            let octets = alphabet::ucs2_octets(words);
            (header.len().saturating_add(octets.len()), octets)
        }
        (None, Alphabet::Octets) => {
            let octets = words.as_bytes().to_vec();
            (header.len().saturating_add(octets.len()), octets)
        }
    };
    let length =
        u8::try_from(length).map_err(|_| FieldFault::new("user data: longer than 255 units"))?;
    out.push(length);
    out.extend(header);
    out.extend(payload);
    Ok(())
}

/// A status in words (section 9.2.3.15).
const fn status(status: u8) -> &'static str {
    match status {
        0x00 => "received by the recipient",
        0x01 => "forwarded, delivery not confirmed",
        0x02 => "replaced by the service centre",
        0x03..=0x1F => "completed",
        0x20..=0x3F => "trying still",
        0x40..=0x5F => "failed for good",
        0x60..=0x7F => "failed, no more tries",
        _ => "reserved",
    }
}
