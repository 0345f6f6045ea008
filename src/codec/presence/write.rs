//! From values to the tree.

use super::{
    Activities, Basic, CAPS, DATA_MODEL, Device, PIDF, Person, Presence, RPID, Tuple, UserInput,
};
use crate::codec::xml::{self, Element};

/// Prefixes that readers are used to.
const PREFIXES: [(&str, &str); 4] = [
    (DATA_MODEL, "dm"),
    (RPID, "rpid"),
    (CAPS, "caps"),
    (PIDF, "pidf"),
];

pub(super) fn presence(presence: &Presence) -> Vec<u8> {
    let root = Element::new(PIDF, "presence")
        .attribute("entity", &presence.entity)
        .with_attributes(&presence.attributes)
        .children(presence.tuples.iter().map(tuple))
        .children(presence.notes.iter().map(|own| own.element(PIDF, "note")))
        .children(presence.persons.iter().map(person))
        .children(presence.devices.iter().map(device))
        .children(presence.others.iter().cloned());
    xml::write(&root, &PREFIXES)
}

fn tuple(tuple: &Tuple) -> Element {
    let basic = tuple.basic.map(|basic| {
        Element::new(PIDF, "basic").text(match basic {
            Basic::Open => "open",
            Basic::Closed => "closed",
        })
    });
    let status = Element::new(PIDF, "status")
        .with_attributes(&tuple.status_attributes)
        .children(basic)
        .children(tuple.status_others.iter().cloned());
    let priority = tuple.priority.map(priority);
    let contact = tuple.contact.as_ref().map(|uri| {
        Element::new(PIDF, "contact")
            .attribute_if("priority", priority.as_deref())
            .with_attributes(&tuple.contact_attributes)
            .text(uri)
    });
    let device_ids = tuple.device_ids.iter().map(|id| device_id(id));
    Element::new(PIDF, "tuple")
        .attribute("id", &tuple.id)
        .with_attributes(&tuple.attributes)
        .child(status)
        .children(device_ids)
        .children(class(tuple.class.as_deref()))
        .children(user_input(tuple.user_input.as_ref()))
        .children(tuple.others.iter().cloned())
        .children(contact)
        .children(tuple.notes.iter().map(|own| own.element(PIDF, "note")))
        .children(timestamp(tuple.timestamp.as_deref(), PIDF))
}

fn person(person: &Person) -> Element {
    Element::new(DATA_MODEL, "person")
        .attribute("id", &person.id)
        .with_attributes(&person.attributes)
        .children(person.activities.as_ref().map(activities))
        .children(class(person.class.as_deref()))
        .children(user_input(person.user_input.as_ref()))
        .children(person.others.iter().cloned())
        .children(
            person
                .notes
                .iter()
                .map(|own| own.element(DATA_MODEL, "note")),
        )
        .children(timestamp(person.timestamp.as_deref(), DATA_MODEL))
}

fn device(device: &Device) -> Element {
    Element::new(DATA_MODEL, "device")
        .attribute("id", &device.id)
        .with_attributes(&device.attributes)
        .children(class(device.class.as_deref()))
        .children(user_input(device.user_input.as_ref()))
        .children(device.others.iter().cloned())
        .child(device_id(&device.device_id))
        .children(
            device
                .notes
                .iter()
                .map(|own| own.element(DATA_MODEL, "note")),
        )
        .children(timestamp(device.timestamp.as_deref(), DATA_MODEL))
}

fn activities(activities: &Activities) -> Element {
    Element::new(RPID, "activities")
        .attribute_if("from", activities.from.as_deref())
        .attribute_if("until", activities.until.as_deref())
        .with_attributes(&activities.attributes)
        .children(activities.names.iter().map(|name| Element::new(RPID, name)))
        .children(activities.others.iter().cloned())
}

fn user_input(user_input: Option<&UserInput>) -> Option<Element> {
    user_input.map(|own| {
        let threshold = own.idle_threshold.map(|seconds| seconds.to_string());
        Element::new(RPID, "user-input")
            .attribute_if("idle-threshold", threshold.as_deref())
            .attribute_if("last-input", own.last_input.as_deref())
            .with_attributes(&own.attributes)
            .text(if own.active { "active" } else { "idle" })
    })
}

fn device_id(id: &str) -> Element {
    Element::new(DATA_MODEL, "deviceID").text(id)
}

fn class(class: Option<&str>) -> Option<Element> {
    class.map(|class| Element::new(RPID, "class").text(class))
}

fn timestamp(timestamp: Option<&str>, space: &str) -> Option<Element> {
    timestamp.map(|text| Element::new(space, "timestamp").text(text))
}

/// Thousandths with no more digits than needed.
fn priority(thousandths: u16) -> String {
    let text = format!("{:04}", thousandths.min(1_000));
    let (whole, fraction) = text.split_at_checked(1).unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}
