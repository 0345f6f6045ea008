//! Capabilities and addresses as fields.

use serde_json::{Map, Value as Json, json};

use crate::codec::cursor::{put_text_string, put_uintvar};
use crate::codec::format::FieldFault;
use crate::codec::hex;
use crate::codec::object::Object;
use crate::codec::sia::{Address, Addresses, bearer_name};
use crate::codec::wsp::capability::{
    CAPABILITIES, Capabilities, Capability, CapabilityKind, put_capability,
};
use crate::codec::wsp::media::unnamed;
use crate::codec::wsp::rigour::Rigour;

const CAPABILITY_FIELDS: &str = "capabilities";
const CAPABILITY_OCTETS: &str = "capabilities_octets";

pub(super) fn put_capabilities(fields: &mut Map<String, Json>, capabilities: &Capabilities<'_>) {
    let said = said(capabilities);
    if canonical(&said).ok().as_deref() != Some(capabilities.octets()) {
        fields.insert(
            CAPABILITY_OCTETS.to_owned(),
            hex::digits(capabilities.octets()).into(),
        );
    }
    fields.insert(CAPABILITY_FIELDS.to_owned(), Json::Object(said));
}

pub(super) fn capability_octets(object: Object<'_>) -> Result<Vec<u8>, FieldFault> {
    let nothing = Map::new();
    let fields = object
        .get(CAPABILITY_FIELDS)
        .and_then(Json::as_object)
        .unwrap_or(&nothing);
    if let Some(kept) = object.octets(CAPABILITY_OCTETS)?
        && Capabilities::decode(&kept, &mut Rigour::Settled)
            .is_ok_and(|capabilities| &said(&capabilities) == fields)
    {
        return Ok(kept);
    }
    canonical(fields)
}

fn said(capabilities: &Capabilities<'_>) -> Map<String, Json> {
    capabilities
        .iter()
        .map(|capability| (capability.label(), value_of(&capability)))
        .collect()
}

fn value_of(capability: &Capability<'_>) -> Json {
    let mut cursor = capability.parameters;
    if cursor.is_empty() {
        return Json::Null;
    }
    let kind = capability.known().map(|(_, kind)| kind);
    match (kind, capability.number()) {
        (_, Some(number)) => number.into(),
        (Some(CapabilityKind::Aliases), _) if capability.fits() => {
            Addresses::read(cursor).map_or(Json::Null, |list| fields_of_addresses(&list))
        }
        (Some(CapabilityKind::Methods | CapabilityKind::Pages), _) if capability.fits() => {
            capability
                .numbered()
                .map(|(number, name)| {
                    json!({ "number": number, "name": String::from_utf8_lossy(name) })
                })
                .collect()
        }
        _ => hex::digits(cursor.rest()).into(),
    }
}

/// In the order of their numbers.
fn canonical(fields: &Map<String, Json>) -> Result<Vec<u8>, FieldFault> {
    let mut numbered: Vec<(u8, &String, &Json)> = fields
        .iter()
        .map(|(name, value)| {
            let known = CAPABILITIES
                .iter()
                .position(|(own, _)| own.eq_ignore_ascii_case(name))
                .and_then(|at| u8::try_from(at).ok());
            known
                .or_else(|| u8::try_from(unnamed(name)?).ok())
                .filter(|number| *number < 0x80)
                .map(|number| (number, name, value))
                .ok_or_else(|| FieldFault::new(format_args!("capabilities: {name} has no number")))
        })
        .collect::<Result<_, _>>()?;
    numbered.sort_by_key(|(number, ..)| *number);
    let mut out = Vec::new();
    for (number, name, value) in numbered {
        put_capability(&mut out, number, &parameters(number, name, value)?);
    }
    Ok(out)
}

fn parameters(number: u8, name: &str, value: &Json) -> Result<Vec<u8>, FieldFault> {
    let fault = || FieldFault::new(format_args!("capabilities: {name}: {value} is no value"));
    let kind = CAPABILITIES.get(usize::from(number)).map(|(_, kind)| *kind);
    let mut out = Vec::new();
    match (value, kind) {
        (Json::Null, _) => {}
        (Json::String(hex), _) => out = hex::octets(hex).ok_or_else(fault)?,
        (Json::Number(number), Some(CapabilityKind::Size)) => {
            let number = number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            put_uintvar(&mut out, number.ok_or_else(fault)?);
        }
        (Json::Number(number), Some(CapabilityKind::Options | CapabilityKind::Requests)) => {
            let number = number.as_u64().and_then(|number| u8::try_from(number).ok());
            out.push(number.ok_or_else(fault)?);
        }
        (Json::Array(rows), Some(CapabilityKind::Aliases)) => out = address_octets(rows)?,
        (Json::Array(rows), Some(CapabilityKind::Methods | CapabilityKind::Pages)) => {
            for row in rows {
                let row = Object::of(row, "a row")?;
                out.push(row.number::<u8>("number")?.ok_or_else(fault)?);
                put_text_string(&mut out, row.text("name")?.unwrap_or_default().as_bytes());
            }
        }
        _ => return Err(fault()),
    }
    Ok(out)
}

pub(super) fn fields_of_addresses(addresses: &Addresses<'_>) -> Json {
    addresses
        .iter()
        .map(|address| {
            let mut row = Map::new();
            if let Some(bearer) = address.bearer {
                row.insert("bearer".to_owned(), bearer.into());
                row.insert("bearer_name".to_owned(), bearer_name(bearer).into());
            }
            if let Some(port) = address.port {
                row.insert("port".to_owned(), port.into());
            }
            row.insert(
                "address_hex".to_owned(),
                hex::digits(address.address).into(),
            );
            Json::Object(row)
        })
        .collect()
}

pub(super) fn address_octets(rows: &[Json]) -> Result<Vec<u8>, FieldFault> {
    let mut out = Vec::new();
    for row in rows {
        let row = Object::of(row, "a row")?;
        Address::put(
            &mut out,
            row.number::<u8>("bearer")?,
            row.number::<u16>("port")?,
            &row.octets("address_hex")?.unwrap_or_default(),
        )
        .ok_or_else(|| FieldFault::new("address_hex: more than 63 octets"))?;
    }
    Ok(out)
}
