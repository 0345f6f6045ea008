//! WTP datagrams as fields with names, for people and programs, and back.
//!
//! **Source:** WAP-224 section 8. A whole message is shown as the session PDU it is; of a segment the octets.

use serde_json::{Map, Value as Json, json};

use super::octets::{parts, put_part, read};
use super::{Invoke, Item, Items, Kind, Pdu, Place, provider_reason};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::hex;
use crate::codec::object::Object;
use crate::codec::wsp::assigned::abort_name;
use crate::codec::wsp::fields::{fields_of_pdu, pdu_octets};
use crate::codec::wsp::{Direction, Rigour, Spans};
use crate::codec::{Class, DecodeError, Span};

const fn format(
    name: &'static str,
    decode: fn(&[u8], bool) -> Result<Decoded, DecodeError>,
    spans: fn(&[u8], bool) -> Vec<Span>,
) -> Format {
    Format {
        name,
        clause: super::CLAUSE,
        decode,
        spans,
        encode,
    }
}

/// A datagram in either direction.
pub const FORMAT: Format = format(
    "wtp",
    |octets, lenient| decode(octets, lenient, Direction::Any),
    |octets, lenient| spans(octets, lenient, Direction::Any),
);

/// A datagram from a client.
pub const TO_SERVER: Format = format(
    "wtp-client-to-server",
    |octets, lenient| decode(octets, lenient, Direction::ToServer),
    |octets, lenient| spans(octets, lenient, Direction::ToServer),
);

/// A datagram to a client.
pub const TO_CLIENT: Format = format(
    "wtp-server-to-client",
    |octets, lenient| decode(octets, lenient, Direction::ToClient),
    |octets, lenient| spans(octets, lenient, Direction::ToClient),
);

fn decode(octets: &[u8], lenient: bool, direction: Direction) -> Result<Decoded, DecodeError> {
    let mut rigour = Rigour::of(lenient);
    let parts = parts(octets, &mut rigour)?;
    let mut pdus = Vec::new();
    for part in &parts {
        let pdu = read(part.octets, part.at, &mut rigour)?;
        let mut fields = fields_of(&pdu, direction, &mut rigour)?;
        if part.long && part.octets.len() < 0x80 {
            fields.insert("long_length".to_owned(), true.into());
        }
        pdus.push(Json::Object(fields));
    }
    let fields = match <[Json; 1]>::try_from(pdus) {
        Ok([alone]) if octets.first() != Some(&0) => alone,
        Ok(pdus) => json!({ "pdus": pdus }),
        Err(pdus) => json!({ "pdus": pdus }),
    };
    Ok(Decoded {
        fields,
        deviations: rigour.deviations(),
    })
}

fn fields_of(
    pdu: &Pdu<'_>,
    direction: Direction,
    rigour: &mut Rigour,
) -> Result<Map<String, Json>, DecodeError> {
    let mut fields = Map::new();
    fields.insert("wtp".to_owned(), Json::Object(fields_of_head(pdu)));
    if let Kind::Abort {
        by_user: true,
        reason,
    } = pdu.kind
    {
        let code = u16::from(reason).saturating_add(5_000);
        fields.insert("pap_code".to_owned(), code.into());
    }
    match pdu.session(rigour)? {
        Some(session) => {
            if !session.goes(direction) {
                let cursor = crate::codec::cursor::Cursor::new("wtp", &[]);
                let expected = "a PDU that this end sends";
                rigour.deviate(&cursor, pdu.data_at, Class::UnknownPdu, expected)?;
            }
            fields.insert("wsp".to_owned(), Json::Object(fields_of_pdu(&session)));
        }
        None if pdu.data.is_empty() => {}
        None => {
            fields.insert("data_hex".to_owned(), hex::digits(pdu.data).into());
        }
    }
    Ok(fields)
}

fn fields_of_head(pdu: &Pdu<'_>) -> Map<String, Json> {
    let mut head = Map::new();
    let mut put = |name: &str, value: Json| {
        head.insert(name.to_owned(), value);
    };
    put("pdu", name(&pdu.kind).into());
    put("tid", pdu.tid.into());
    if let Some(place) = pdu.place() {
        put("gtr", place.gtr.into());
        put("ttr", place.ttr.into());
        put("rid", place.rid.into());
    }
    match pdu.kind {
        Kind::Invoke { invoke, .. } => {
            put("version", 0.into());
            put("tid_new", invoke.tid_new.into());
            put("up", invoke.up.into());
            put("class", invoke.class.into());
        }
        Kind::Result { .. } => {}
        Kind::Ack { tve_tok, rid } => {
            put("tve_tok", tve_tok.into());
            put("rid", rid.into());
        }
        Kind::Abort { by_user, reason } => {
            put("type", if by_user { "USER" } else { "PROVIDER" }.into());
            put("reason", reason.into());
            if let Some(name) = reason_name(by_user, reason) {
                put("reason_name", name.into());
            }
        }
        Kind::SegmentedInvoke { psn, .. } | Kind::SegmentedResult { psn, .. } => {
            put("psn", psn.into());
        }
        Kind::Nack { rid, missing } => {
            put("rid", rid.into());
            put("missing", missing.into());
        }
    }
    if !pdu.items.octets().is_empty() {
        put(
            "tpis",
            pdu.items.iter().map(|item| fields_of_item(&item)).collect(),
        );
    }
    head
}

fn reason_name(by_user: bool, reason: u8) -> Option<&'static str> {
    if by_user {
        abort_name(reason)
    } else {
        provider_reason(reason)
    }
}

fn fields_of_item(item: &Item<'_>) -> Json {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), item.identity.into());
    if let Some(name) = item.name() {
        fields.insert("name".to_owned(), name.into());
    }
    if item.long && item.content.len() < 4 {
        fields.insert("long".to_owned(), true.into());
    }
    fields.insert("data_hex".to_owned(), hex::digits(item.content).into());
    Json::Object(fields)
}

const fn name(kind: &Kind<'_>) -> &'static str {
    match kind {
        Kind::Invoke { .. } => "Invoke",
        Kind::Result { .. } => "Result",
        Kind::Ack { .. } => "Ack",
        Kind::Abort { .. } => "Abort",
        Kind::SegmentedInvoke { .. } => "SegmentedInvoke",
        Kind::SegmentedResult { .. } => "SegmentedResult",
        Kind::Nack { .. } => "Nack",
    }
}

fn spans(octets: &[u8], lenient: bool, direction: Direction) -> Vec<Span> {
    let mut spans = Spans::new("");
    let mut rigour = Rigour::of(lenient);
    let Ok(parts) = parts(octets, &mut rigour) else {
        return Vec::new();
    };
    if octets.first() == Some(&0) {
        spans.put(1, "concatenation", "several PDUs", "WAP-224 8.5");
    }
    let several = octets.first() == Some(&0);
    for (number, part) in parts.iter().enumerate() {
        if several {
            spans.begin(&format!("pdus[{number}]."));
            spans.put(part.at, "length", part.octets.len(), "WAP-224 8.5");
        }
        let Ok(pdu) = read(part.octets, part.at, &mut rigour) else {
            break;
        };
        spans_of(&mut spans, octets, &pdu);
        let sound = match pdu.session(&mut rigour) {
            Ok(Some(session)) => {
                let end = part.at.saturating_add(part.octets.len());
                let up_to = octets.get(..end).unwrap_or_default();
                if session.goes(direction) || lenient {
                    spans.pdu(up_to, &session);
                }
                session.goes(direction) || lenient
            }
            Ok(None) => true,
            Err(_) => {
                spans.faulty(octets, pdu.data_at);
                false
            }
        };
        if !sound {
            break;
        }
        let end = part.at.saturating_add(part.octets.len());
        let said = format!("{} octets", pdu.data.len());
        spans.put(end, "data", said, super::CLAUSE);
    }
    spans.done()
}

/// What a PDU is, in words.
fn title(pdu: &Pdu<'_>) -> String {
    let said = match pdu.kind {
        Kind::Ack { tve_tok, .. } if tve_tok => "Ack, TID verification".to_owned(),
        Kind::Abort { by_user, .. } => {
            format!("Abort by {}", if by_user { "user" } else { "provider" })
        }
        kind => name(&kind).to_owned(),
    };
    let flags = pdu.place().map_or_else(String::new, |place| {
        [
            (place.gtr, ", GTR"),
            (place.ttr, ", TTR"),
            (place.rid, ", RID"),
        ]
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| name)
        .collect()
    });
    format!("{said}{flags}")
}

fn spans_of(spans: &mut Spans, octets: &[u8], pdu: &Pdu<'_>) {
    let at = pdu.at;
    let path = |field: &str| format!("wtp.{field}");
    let clause = super::CLAUSE;
    spans.put(at.saturating_add(1), path("pdu"), title(pdu), clause);
    spans.put(at.saturating_add(3), path("tid"), pdu.tid, clause);
    let next = at.saturating_add(4);
    match pdu.kind {
        Kind::Invoke { invoke, .. } => {
            let up = if invoke.up {
                ", user acknowledgement"
            } else {
                ""
            };
            let new = if invoke.tid_new { ", TIDnew" } else { "" };
            let said = format!("{}{up}{new}", invoke.class);
            spans.put(next, path("class"), said, clause);
        }
        Kind::Abort { by_user, reason } => {
            let said = reason_name(by_user, reason).unwrap_or("unassigned");
            spans.put(
                next,
                path("reason"),
                format_args!("{reason} {said}"),
                clause,
            );
        }
        Kind::SegmentedInvoke { psn, .. } | Kind::SegmentedResult { psn, .. } => {
            spans.put(next, path("psn"), psn, clause);
        }
        Kind::Nack { missing, .. } => {
            spans.put(next, path("count"), missing.len(), clause);
            let end = next.saturating_add(missing.len());
            spans.put(end, path("missing"), hex::digits(missing), clause);
        }
        Kind::Result { .. } | Kind::Ack { .. } => {}
    }
    for (number, item) in pdu.items.iter().enumerate() {
        let end = item.at.saturating_add(item.octets.len()).min(octets.len());
        let said = item.name().unwrap_or("unassigned");
        let said = format!("{said} {}", hex::digits(item.content));
        spans.put(
            end,
            path(&format!("tpis[{number}]")),
            said.trim_end(),
            "WAP-224 8.4",
        );
    }
}

fn encode(fields: &Json) -> Result<Vec<u8>, FieldFault> {
    let object = Object::of(fields, "a PDU")?;
    if object.get("pdus").is_none() {
        return pdu_of(object);
    }
    let mut out = vec![0];
    for fields in object.list("pdus")? {
        let object = Object::of(fields, "a PDU")?;
        put_part(&mut out, &pdu_of(object)?, object.flag("long_length")?)
            .ok_or_else(|| FieldFault::new("pdus: one has more than 32767 octets"))?;
    }
    Ok(out)
}

fn pdu_of(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let head = object
        .get("wtp")
        .ok_or_else(|| FieldFault::new("wtp is missing"))?;
    let head = Object::of(head, "a PDU")?;
    let data = match object.get("wsp") {
        Some(session) => pdu_octets(Object::of(session, "a PDU")?)?,
        None => object.octets("data_hex")?.unwrap_or_default(),
    };
    let missing = missing(head)?;
    let items = items(head)?;
    let tid = head.needed::<u16>("tid")?;
    Ok(Pdu {
        items: Items::of(&items),
        ..Pdu::new(tid, kind(head, &missing)?, &data)
    }
    .encode())
}

fn kind<'a>(head: Object<'_>, missing: &'a [u8]) -> Result<Kind<'a>, FieldFault> {
    let rid = head.flag("rid")?;
    let flag = |name| match head.get(name) {
        None => Ok(true),
        Some(_) => head.flag(name),
    };
    let place = Place {
        gtr: flag("gtr")?,
        ttr: flag("ttr")?,
        rid,
    };
    let octet = |name: &str| {
        head.number::<u8>(name)?
            .ok_or_else(|| FieldFault::new(format_args!("{name} is missing")))
    };
    Ok(match head.text("pdu")?.unwrap_or_default() {
        "Invoke" => Kind::Invoke {
            place,
            invoke: Invoke {
                tid_new: head.flag("tid_new")?,
                up: head.flag("up")?,
                class: Some(octet("class")?)
                    .filter(|class| *class < 3)
                    .ok_or_else(|| FieldFault::new("class: 0, 1 or 2 is needed"))?,
            },
        },
        "Result" => Kind::Result { place },
        "Ack" => Kind::Ack {
            tve_tok: head.flag("tve_tok")?,
            rid,
        },
        "Abort" => Kind::Abort {
            by_user: match head.text("type")? {
                Some("USER") => true,
                Some("PROVIDER") | None => false,
                Some(other) => {
                    return Err(FieldFault::new(format_args!(
                        "type: {other} is neither USER nor PROVIDER"
                    )));
                }
            },
            reason: octet("reason")?,
        },
        "SegmentedInvoke" => Kind::SegmentedInvoke {
            place,
            psn: octet("psn")?,
        },
        "SegmentedResult" => Kind::SegmentedResult {
            place,
            psn: octet("psn")?,
        },
        "Nack" => Kind::Nack { rid, missing },
        other => return Err(FieldFault::new(format_args!("pdu: {other} is no PDU"))),
    })
}

fn missing(head: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let missing: Option<Vec<u8>> = head
        .list("missing")?
        .iter()
        .map(|psn| u8::try_from(psn.as_u64()?).ok())
        .collect();
    missing
        .filter(|missing| missing.len() < 256)
        .ok_or_else(|| FieldFault::new("missing: at most 255 numbers below 256 are needed"))
}

fn items(head: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let items = head.list("tpis")?;
    let mut out = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let item = Object::of(item, "an item")?;
        let identity = item
            .up_to("id", 15)?
            .and_then(|identity| u8::try_from(identity).ok())
            .ok_or_else(|| FieldFault::new("tpis: id is missing"))?;
        let content = item.octets("data_hex")?.unwrap_or_default();
        let more = number.saturating_add(1) < items.len();
        Item::put(&mut out, identity, &content, item.flag("long")?, more)
            .ok_or_else(|| FieldFault::new("tpis: one has more than 255 octets"))?;
    }
    Ok(out)
}
