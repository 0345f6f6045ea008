//! Media types with parameters as fields.

use serde_json::{Map, Value as Json};

use crate::codec::cursor::Cursor;
use crate::codec::format::FieldFault;
use crate::codec::hex;
use crate::codec::object::Object;
use crate::codec::wsp::compose::VERSION_NEWEST;
use crate::codec::wsp::media::{ContentType, Given, Media, put_content_type};
use crate::codec::wsp::rigour::Rigour;

/// A media type under the names `media`, `params` and, where needed, `octets`.
pub(super) fn fields_of_content_type(content_type: &ContentType<'_>) -> Json {
    let mut fields = Map::new();
    put_fields(&mut fields, content_type, "media", "params", "octets");
    if let Media::Number(number) = content_type.media {
        fields.insert("media_number".to_owned(), number.into());
    }
    fields
        .entry("params")
        .or_insert_with(|| Json::Object(Map::new()));
    Json::Object(fields)
}

/// The same under other names; parameters only if there are any.
pub(super) fn put_fields(
    fields: &mut Map<String, Json>,
    content_type: &ContentType<'_>,
    media: &str,
    params: &str,
    octets: &str,
) {
    let (name, parameters) = said(content_type);
    fields.insert(media.to_owned(), name.into());
    if !parameters.is_empty() {
        fields.insert(params.to_owned(), Json::Object(parameters));
    }
    let canonical = Object::of(&Json::Object(fields.clone()), media)
        .and_then(|object| canonical(object, media, params))
        .ok();
    if canonical.as_deref() != Some(content_type.octets) {
        fields.insert(octets.to_owned(), hex::digits(content_type.octets).into());
    }
}

fn said(content_type: &ContentType<'_>) -> (String, Map<String, Json>) {
    let parameters = content_type
        .parameters()
        .map(|parameter| {
            let value = match parameter.given() {
                Given::Nothing => Json::Null,
                Given::Number(number) => number.into(),
                Given::Text(text) => text.into(),
            };
            (parameter.label(), value)
        })
        .collect();
    (content_type.media.to_string(), parameters)
}

/// The octets of a media type under these names.
pub(super) fn content_type_octets(
    object: Object<'_>,
    media: &str,
    params: &str,
    octets: &str,
) -> Result<Vec<u8>, FieldFault> {
    if let Some(kept) = object.octets(octets)? {
        let mut cursor = Cursor::new("wsp", &kept);
        let same = ContentType::read(&mut cursor, &mut Rigour::Settled).is_ok_and(|kept| {
            let (name, parameters) = said(&kept);
            let nothing = Map::new();
            object.get(media).and_then(Json::as_str) == Some(name.as_str())
                && object
                    .get(params)
                    .and_then(Json::as_object)
                    .unwrap_or(&nothing)
                    == &parameters
        });
        if same && cursor.is_empty() {
            return Ok(kept);
        }
    }
    canonical(object, media, params)
}

fn canonical(object: Object<'_>, media: &str, params: &str) -> Result<Vec<u8>, FieldFault> {
    let name = match (object.text(media)?, object.number::<u64>("media_number")?) {
        (Some(name), _) => name.to_owned(),
        (None, Some(number)) => format!("0x{number:02X}"),
        (None, None) => return Err(FieldFault::new(format_args!("{media} is missing"))),
    };
    let nothing = Map::new();
    let parameters: Vec<(String, Given)> = object
        .get(params)
        .and_then(Json::as_object)
        .unwrap_or(&nothing)
        .iter()
        .map(|(name, value)| {
            let given = match value {
                Json::Null => Given::Nothing,
                Json::String(text) => Given::Text(text.clone()),
                other => Given::Number(other.as_u64().ok_or_else(|| {
                    FieldFault::new(format_args!("{params}: {name}: {other} is no value"))
                })?),
            };
            Ok((name.clone(), given))
        })
        .collect::<Result<_, FieldFault>>()?;
    let mut out = Vec::new();
    put_content_type(&mut out, &name, &parameters, VERSION_NEWEST)
        .ok_or_else(|| FieldFault::new(format_args!("{media}: {name} is no media type")))?;
    Ok(out)
}
