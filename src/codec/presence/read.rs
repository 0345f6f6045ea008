//! From the tree to values.

use super::{
    Activities, Basic, DATA_MODEL, Device, NAME, PIDF, Person, Presence, RPID, Tuple, UserInput,
};
use crate::codec::DecodeError;
use crate::codec::xml::{Element, Phrase, Taken};
use crate::time::Calendar;

pub(super) fn presence(root: Element) -> Result<Presence, DecodeError> {
    if !root.is(PIDF, "presence") {
        return Err(root.fault(NAME, "the element presence of PIDF"));
    }
    let mut taken = Taken::of(NAME, root);
    let mut presence = Presence {
        entity: taken.required("entity", "the attribute entity")?,
        ..Presence::default()
    };
    for element in taken.all(PIDF, "tuple") {
        let tuple = tuple(element, &presence.tuples)?;
        presence.tuples.push(tuple);
    }
    for element in taken.all(DATA_MODEL, "person") {
        presence.persons.push(person(element)?);
    }
    for element in taken.all(DATA_MODEL, "device") {
        presence.devices.push(device(element)?);
    }
    presence.notes = notes(&mut taken, PIDF);
    (presence.attributes, presence.others) = taken.others();
    Ok(presence)
}

fn tuple(element: Element, before: &[Tuple]) -> Result<Tuple, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    let mut tuple = Tuple {
        id: taken.required("id", "the attribute id")?,
        ..Tuple::default()
    };
    if before.iter().any(|own| own.id == tuple.id) {
        return Err(taken.fault("an id of its own"));
    }
    let status = taken
        .one(PIDF, "status")
        .ok_or_else(|| taken.fault("the element status"))?;
    let mut status = Taken::of(NAME, status);
    if let Some(basic) = status.one(PIDF, "basic") {
        tuple.basic = Some(match basic.own_text().as_str() {
            "open" => Basic::Open,
            "closed" => Basic::Closed,
            _ => return Err(basic.fault(NAME, "open or closed")),
        });
    }
    (tuple.status_attributes, tuple.status_others) = status.others();
    if let Some(contact) = taken.one(PIDF, "contact") {
        tuple.contact = Some(contact.own_text());
        let mut contact = Taken::of(NAME, contact);
        tuple.priority = match contact.value("priority") {
            Some(text) => {
                let priority = thousandths(&text);
                Some(priority.ok_or_else(|| contact.fault("a priority from 0 to 1"))?)
            }
            None => None,
        };
        tuple.contact_attributes = contact.others().0;
    }
    tuple.device_ids = taken
        .all(DATA_MODEL, "deviceID")
        .iter()
        .map(Element::own_text)
        .collect();
    tuple.class = taken.one_text(RPID, "class", "one class")?;
    tuple.user_input = user_input(&mut taken)?;
    tuple.notes = notes(&mut taken, PIDF);
    tuple.timestamp = timestamp(&mut taken, PIDF)?;
    (tuple.attributes, tuple.others) = taken.others();
    Ok(tuple)
}

fn person(element: Element) -> Result<Person, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    let mut person = Person {
        id: taken.required("id", "the attribute id")?,
        ..Person::default()
    };
    person.activities = taken.one(RPID, "activities").map(activities);
    person.class = taken.one_text(RPID, "class", "one class")?;
    person.user_input = user_input(&mut taken)?;
    person.notes = notes(&mut taken, DATA_MODEL);
    person.timestamp = timestamp(&mut taken, DATA_MODEL)?;
    (person.attributes, person.others) = taken.others();
    Ok(person)
}

fn device(element: Element) -> Result<Device, DecodeError> {
    let mut taken = Taken::of(NAME, element);
    let mut device = Device {
        id: taken.required("id", "the attribute id")?,
        ..Device::default()
    };
    device.device_id = taken
        .one_text(DATA_MODEL, "deviceID", "one deviceID")?
        .filter(|id| !id.is_empty())
        .ok_or_else(|| taken.fault("the element deviceID"))?;
    device.class = taken.one_text(RPID, "class", "one class")?;
    device.user_input = user_input(&mut taken)?;
    device.notes = notes(&mut taken, DATA_MODEL);
    device.timestamp = timestamp(&mut taken, DATA_MODEL)?;
    (device.attributes, device.others) = taken.others();
    Ok(device)
}

fn activities(element: Element) -> Activities {
    let mut taken = Taken::of(NAME, element);
    let (from, until) = (taken.value("from"), taken.value("until"));
    let (attributes, elements) = taken.others();
    let (plain, others): (Vec<Element>, Vec<Element>) = elements.into_iter().partition(|element| {
        element.space == RPID && element.attributes.is_empty() && element.content.is_empty()
    });
    Activities {
        names: plain.into_iter().map(|element| element.name).collect(),
        from,
        until,
        attributes,
        others,
    }
}

fn user_input(taken: &mut Taken) -> Result<Option<UserInput>, DecodeError> {
    let Some(element) = taken.one(RPID, "user-input") else {
        return Ok(None);
    };
    let active = match element.own_text().as_str() {
        "active" => true,
        "idle" => false,
        _ => return Err(element.fault(NAME, "active or idle")),
    };
    let mut own = Taken::of(NAME, element);
    let idle_threshold = match own.value("idle-threshold") {
        Some(seconds) => {
            let seconds = seconds.parse();
            Some(seconds.map_err(|_| own.fault("a threshold in seconds"))?)
        }
        None => None,
    };
    let last_input = own.value("last-input");
    Ok(Some(UserInput {
        active,
        idle_threshold,
        last_input,
        attributes: own.others().0,
    }))
}

fn notes(taken: &mut Taken, space: &str) -> Vec<Phrase> {
    taken.all(space, "note").iter().map(Phrase::of).collect()
}

fn timestamp(taken: &mut Taken, space: &str) -> Result<Option<String>, DecodeError> {
    let Some(element) = taken.one(space, "timestamp") else {
        return Ok(None);
    };
    let text = element.own_text();
    if is_date_time(&text) {
        Ok(Some(text))
    } else {
        Err(element.fault(NAME, "a date and time with its zone"))
    }
}

/// `0`, `0.8`, `1.000`
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if !matches!(whole, "0" | "1") || fraction.len() > 3 || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<3}")
        .parse()
        .ok()
        .filter(|thousandths| *thousandths <= 1_000)
}

/// `2026-11-21T15:00:00Z`, with a fraction or an offset in place of the Z.
fn is_date_time(text: &str) -> bool {
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(octet, like)| {
                if like == b'0' {
                    octet.is_ascii_digit()
                } else {
                    octet == like
                }
            })
    };
    let Some((start, rest)) = text.split_at_checked("2026-11-21T15:00:00".len()) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit());
            let zone = end.and_then(|end| fraction.get(end..)).unwrap_or_default();
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    (rest == "Z" || shape(rest, "+00:00") || shape(rest, "-00:00"))
        && format!("{start}Z").parse::<Calendar>().is_ok()
        && (rest == "Z" || number(rest, 1) < 24 && number(rest, 4) < 60)
}

/// The two digits at that place.
fn number(text: &str, at: usize) -> u32 {
    let digits = text.get(at..at.saturating_add(2));
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(u32::MAX)
}
