//! Applications out of a manifest with which Apple's devices install over the air.
//!
//! **Source:** the property list that `itms-services` names: `items`, each with `assets` (kind and URL) and `metadata`
//! (bundle identifier and version, title). A DOCTYPE without declarations of its own is passed over.

use super::{Address, AppId, CatalogueFault, Information, Package};
use crate::codec::xml::{self, Element};
use crate::limits;

const NAME: &str = "apple-manifest";
/// Octets of texts that are taken over.
const TEXT_OCTETS: usize = 256;
const VERSION_OCTETS: usize = 64;

/// The applications of a manifest.
///
/// # Errors
/// Broken or forbidden XML, no property list of items, an item without an application or a package.
pub fn of_apple(octets: &[u8]) -> Result<Vec<Information>, CatalogueFault> {
    let root = xml::read(NAME, &without_doctype(octets));
    let root = root.map_err(|fault| CatalogueFault(fault.to_string()))?;
    let no_list = || CatalogueFault("no property list with items".to_owned());
    if !root.is("", "plist") {
        return Err(no_list());
    }
    let dict = root.elements().next().ok_or_else(no_list)?;
    let items = member(dict, "items").filter(|it| it.name == "array");
    let items = items.ok_or_else(no_list)?;
    if items.elements().count() > limits::INSTALLATION_FORMATS {
        return Err(CatalogueFault("too many items".to_owned()));
    }
    let items = items.elements().enumerate();
    items
        .map(|(number, item)| {
            let number = number.saturating_add(1);
            of_item(item).map_err(|what| CatalogueFault(format!("item {number}: {what}")))
        })
        .collect()
}

fn of_item(item: &Element) -> Result<Information, &'static str> {
    let metadata = member(item, "metadata").ok_or("no metadata")?;
    let text = |name: &str| member(metadata, name).map(Element::own_text);
    let id = text("bundle-identifier").as_deref().and_then(AppId::decode);
    let mut information = Information::of(id.ok_or("no bundle identifier")?);
    let short = |name: &str, most: usize| {
        let own = text(name).map(|text| text.trim().to_owned());
        own.filter(|text| !text.is_empty() && text.len() <= most)
            .filter(|text| !text.chars().any(|c| c.is_control()))
    };
    information.name = short("title", TEXT_OCTETS);
    information.version = short("bundle-version", VERSION_OCTETS);
    information.environment = short("platform-identifier", TEXT_OCTETS);
    let assets = member(item, "assets").ok_or("no assets")?;
    let url = |kind: &str| {
        let is_kind = |asset: &&Element| {
            member(asset, "kind").is_some_and(|own| own.own_text().trim() == kind)
        };
        let asset = assets.elements().find(is_kind)?;
        Address::decode(member(asset, "url")?.own_text().trim())
    };
    let package = url("software-package").ok_or("no software package with a URL")?;
    information.icon = url("display-image");
    information.formats = vec![Package {
        format: "ipa".to_owned(),
        address: Some(package),
        size: None,
        sha256: None,
    }];
    Ok(information)
}

/// The value behind a key of a dictionary.
fn member<'a>(dict: &'a Element, key: &str) -> Option<&'a Element> {
    if dict.name != "dict" {
        return None;
    }
    let mut elements = dict.elements();
    elements.find(|it| it.name == "key" && it.own_text() == key)?;
    elements.next().filter(|value| value.name != "key")
}

/// The same octets with blanks in the place of a DOCTYPE; one with declarations stays, and is refused.
fn without_doctype(octets: &[u8]) -> Vec<u8> {
    const START: &[u8] = b"<!DOCTYPE";
    let mut own = octets.to_vec();
    let Some(at) = memchr::memmem::find(octets, START) else {
        return own;
    };
    let rest = own.get_mut(at..).unwrap_or_default();
    let Some(end) = memchr::memchr3(b'>', b'[', b'\0', rest) else {
        return own;
    };
    if rest.get(end) == Some(&b'>') {
        rest.iter_mut()
            .take(end.saturating_add(1))
            .for_each(|octet| *octet = b' ');
    }
    own
}
