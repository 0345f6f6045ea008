//! From values to the tree.

use super::{
    Activities, Basic, CAPS, DATA_MODEL, Device, Note, PIDF, Person, Presence, RPID, Tuple,
    UserInput,
};
use crate::codec::xml::{self, Attribute, Element};

/// Prefixes that readers are used to.
const PREFIXES: [(&str, &str); 4] = [
    (DATA_MODEL, "dm"),
    (RPID, "rpid"),
    (CAPS, "caps"),
    (PIDF, "pidf"),
];

pub(super) fn presence(presence: &Presence) -> Vec<u8> {
    let mut root = Element::new(PIDF, "presence").attribute("entity", &presence.entity);
    root.attributes.extend_from_slice(&presence.attributes);
    let root = root
        .children(presence.tuples.iter().map(tuple))
        .children(presence.notes.iter().map(|own| note(own, PIDF)))
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
    let status = with(Element::new(PIDF, "status"), &tuple.status_attributes)
        .children(basic)
        .children(tuple.status_others.iter().cloned());
    let priority = tuple.priority.map(priority);
    let contact = tuple.contact.as_ref().map(|uri| {
        let contact = Element::new(PIDF, "contact").attribute_if("priority", priority.as_deref());
        with(contact, &tuple.contact_attributes).text(uri)
    });
    let device_ids = tuple.device_ids.iter().map(|id| device_id(id));
    let mut element = Element::new(PIDF, "tuple").attribute("id", &tuple.id);
    element.attributes.extend_from_slice(&tuple.attributes);
    element
        .child(status)
        .children(device_ids)
        .children(class(tuple.class.as_deref()))
        .children(user_input(tuple.user_input.as_ref()))
        .children(tuple.others.iter().cloned())
        .children(contact)
        .children(tuple.notes.iter().map(|own| note(own, PIDF)))
        .children(timestamp(tuple.timestamp.as_deref(), PIDF))
}

fn person(person: &Person) -> Element {
    let mut element = Element::new(DATA_MODEL, "person").attribute("id", &person.id);
    element.attributes.extend_from_slice(&person.attributes);
    element
        .children(person.activities.as_ref().map(activities))
        .children(class(person.class.as_deref()))
        .children(user_input(person.user_input.as_ref()))
        .children(person.others.iter().cloned())
        .children(person.notes.iter().map(|own| note(own, DATA_MODEL)))
        .children(timestamp(person.timestamp.as_deref(), DATA_MODEL))
}

fn device(device: &Device) -> Element {
    let mut element = Element::new(DATA_MODEL, "device").attribute("id", &device.id);
    element.attributes.extend_from_slice(&device.attributes);
    element
        .children(class(device.class.as_deref()))
        .children(user_input(device.user_input.as_ref()))
        .children(device.others.iter().cloned())
        .child(device_id(&device.device_id))
        .children(device.notes.iter().map(|own| note(own, DATA_MODEL)))
        .children(timestamp(device.timestamp.as_deref(), DATA_MODEL))
}

fn activities(activities: &Activities) -> Element {
    let element = Element::new(RPID, "activities")
        .attribute_if("from", activities.from.as_deref())
        .attribute_if("until", activities.until.as_deref());
    with(element, &activities.attributes)
        .children(activities.names.iter().map(|name| Element::new(RPID, name)))
        .children(activities.others.iter().cloned())
}

fn user_input(user_input: Option<&UserInput>) -> Option<Element> {
    user_input.map(|own| {
        let threshold = own.idle_threshold.map(|seconds| seconds.to_string());
        let element = Element::new(RPID, "user-input")
            .attribute_if("idle-threshold", threshold.as_deref())
            .attribute_if("last-input", own.last_input.as_deref());
        with(element, &own.attributes).text(if own.active { "active" } else { "idle" })
    })
}

/// The element with attributes that are not known.
fn with(mut element: Element, attributes: &[Attribute]) -> Element {
    element.attributes.extend_from_slice(attributes);
    element
}

fn device_id(id: &str) -> Element {
    Element::new(DATA_MODEL, "deviceID").text(id)
}

fn class(class: Option<&str>) -> Option<Element> {
    class.map(|class| Element::new(RPID, "class").text(class))
}

fn note(note: &Note, space: &str) -> Element {
    Element::new(space, "note")
        .language(note.lang.as_deref())
        .text(&note.text)
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
