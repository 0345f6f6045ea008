//! Elements that a format does not know, as JSON and back.

use serde_json::{Map, Value, json};

use super::{Attribute, Content, Element, is_name};
use crate::codec::format::FieldFault;
use crate::limits;

/// An element as `{"name", "space", "attributes": [...], "content": [...]}`; what is empty is left out.
#[must_use]
pub fn fields_of(element: &Element) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), element.name.as_str().into());
    if !element.space.is_empty() {
        fields.insert("space".into(), element.space.as_str().into());
    }
    if !element.attributes.is_empty() {
        let attributes: Vec<Value> = element.attributes.iter().map(attribute).collect();
        fields.insert("attributes".into(), attributes.into());
    }
    if !element.content.is_empty() {
        let content: Vec<Value> = element
            .content
            .iter()
            .map(|content| match content {
                Content::Element(element) => fields_of(element),
                Content::Text(text) => text.as_str().into(),
            })
            .collect();
        fields.insert("content".into(), content.into());
    }
    fields.into()
}

fn attribute(attribute: &Attribute) -> Value {
    if attribute.space.is_empty() {
        json!({"name": attribute.name, "value": attribute.value})
    } else {
        json!({"space": attribute.space, "name": attribute.name, "value": attribute.value})
    }
}

/// The element of such fields.
///
/// # Errors
/// A missing name, something that is no name, text or element.
pub fn of_fields(fields: &Value) -> Result<Element, FieldFault> {
    element(fields, 0)
}

fn element(fields: &Value, depth: usize) -> Result<Element, FieldFault> {
    if depth >= limits::XML_DEPTH {
        return Err(FieldFault::new("element: nested too deeply"));
    }
    let mut element = Element::new(text(fields, "space"), &name(fields)?);
    for own in list(fields, "attributes") {
        element.attributes.push(attribute_of(own)?);
    }
    for own in list(fields, "content") {
        element.content.push(match own {
            Value::String(text) => Content::Text(text.clone()),
            own => Content::Element(self::element(own, depth.saturating_add(1))?),
        });
    }
    Ok(element)
}

/// An attribute of such fields.
pub(super) fn attribute_of(fields: &Value) -> Result<Attribute, FieldFault> {
    Ok(Attribute {
        space: text(fields, "space").to_owned(),
        name: name(fields)?,
        value: text(fields, "value").to_owned(),
    })
}

fn name(fields: &Value) -> Result<String, FieldFault> {
    let name = text(fields, "name");
    if is_name(name) && !name.contains(':') {
        Ok(name.to_owned())
    } else {
        Err(FieldFault::new(format_args!(
            "name: {name:?} is no name of an element or attribute"
        )))
    }
}

fn text<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(fields: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    fields
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
