//! The capabilities entity: what a client takes of pushes, as a user agent profile in RDF.
//!
//! **Source:** WAP-247 section 5.1 (entities), WAP-248 (PushCharacteristics and its attributes). Read by name in whatever
//! namespace, because every edition of the schema has its own. Not here: the other components of a profile, but for the
//! `CcppAccept` of a browser, which stands in for a missing `Push-Accept`.

use crate::codec::DecodeError;
use crate::codec::xml::{self, Attribute, Element};

const NAME: &str = "uaprof";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const SCHEMA: &str = "http://www.wapforum.org/profiles/UAPROF/ccppschema-20010430#";

/// What a client takes; `None` where nothing is said, which limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Media types: `text/plain`, `image/*`.
    pub accept: Option<Vec<String>>,
    /// Character sets.
    pub charsets: Option<Vec<String>>,
    /// Content encodings.
    pub encodings: Option<Vec<String>>,
    /// Languages.
    pub languages: Option<Vec<String>>,
    /// Push applications, as URIs or numbers.
    pub applications: Option<Vec<String>>,
    /// Octets of a push message at most.
    pub octets_max: Option<u64>,
    /// Push requests at a time at most.
    pub requests_max: Option<u64>,
}

impl Capabilities {
    /// Reads a profile; attributes that are not of pushes are passed over.
    ///
    /// # Errors
    /// What is no XML, or has a DOCTYPE.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let root = xml::read(NAME, octets)?;
        let mut found = Self::default();
        let mut browser = None;
        found.gather(&root, &mut browser);
        if found.accept.is_none() {
            found.accept = browser;
        }
        Ok(found)
    }

    fn gather(&mut self, element: &Element, browser: &mut Option<Vec<String>>) {
        for child in element.elements() {
            match child.name.as_str() {
                "Push-Accept" => add(&mut self.accept, child),
                "CcppAccept" => add(browser, child),
                "Push-Accept-Charset" => add(&mut self.charsets, child),
                "Push-Accept-Encoding" => add(&mut self.encodings, child),
                "Push-Accept-Language" => add(&mut self.languages, child),
                "Push-Accept-AppID" => add(&mut self.applications, child),
                "Push-MsgSize" => self.octets_max = child.own_text().parse().ok(),
                "Push-MaxPushReq" => self.requests_max = child.own_text().parse().ok(),
                // Components and descriptions hold the attributes, at no fixed depth.
                _ => self.gather(child, browser),
            }
        }
    }

    /// The profile.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let lists = [
            ("Push-Accept", &self.accept),
            ("Push-Accept-Charset", &self.charsets),
            ("Push-Accept-Encoding", &self.encodings),
            ("Push-Accept-Language", &self.languages),
            ("Push-Accept-AppID", &self.applications),
        ];
        let numbers = [
            ("Push-MsgSize", self.octets_max),
            ("Push-MaxPushReq", self.requests_max),
        ];
        let kind = rdf("type").with("resource", &format!("{SCHEMA}PushCharacteristics"));
        let component = rdf("Description")
            .with("ID", "PushCharacteristics")
            .child(kind)
            .children(lists.into_iter().filter_map(|(name, items)| {
                let items = items.as_ref()?.iter();
                let bag = rdf("Bag").children(items.map(|item| rdf("li").text(item)));
                Some(Element::new(SCHEMA, name).child(bag))
            }))
            .children(numbers.into_iter().filter_map(|(name, number)| {
                Some(Element::new(SCHEMA, name).text(&number?.to_string()))
            }));
        let profile = rdf("Description")
            .with("ID", "Profile")
            .child(Element::new(SCHEMA, "component").child(component));
        let root = Element {
            space: RDF.to_owned(),
            ..Element::new(RDF, "RDF")
        };
        xml::write(&root.child(profile), &[(RDF, "rdf"), (SCHEMA, "prf")])
    }
}

fn rdf(name: &str) -> Element {
    Element::new(RDF, name)
}

/// An attribute of RDF itself.
trait With {
    fn with(self, name: &str, value: &str) -> Self;
}

impl With for Element {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.attributes.push(Attribute {
            space: RDF.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }
}

/// Adds what an attribute lists: the items of a container, or its own text.
fn add(list: &mut Option<Vec<String>>, attribute: &Element) {
    let list = list.get_or_insert_default();
    items(attribute, list);
    let text = attribute.own_text();
    let own = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    list.extend(own.map(str::to_owned));
}

fn items(element: &Element, list: &mut Vec<String>) {
    for child in element.elements() {
        if child.name == "li" {
            list.push(child.own_text());
        } else {
            items(child, list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_reads_back_as_it_was_written() {
        let capabilities = Capabilities {
            accept: Some(vec!["text/plain".to_owned(), "image/*".to_owned()]),
            applications: Some(vec!["x-wap-application:wml.ua".to_owned()]),
            octets_max: Some(1400),
            ..Capabilities::default()
        };
        let octets = capabilities.encode();
        assert_eq!(Capabilities::decode(&octets), Ok(capabilities));
        let text = String::from_utf8(octets).unwrap();
        assert!(text.contains(">1400<"), "{text}");
    }

    #[test]
    fn a_profile_of_another_edition_and_manner_is_read_too() {
        let octets = br##"<?xml version="1.0"?>
            <RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
              xmlns:p="http://www.wapforum.org/UAPROF/ccppschema-19991014#">
             <rdf:Description rdf:ID="x"><p:component><rdf:Description>
              <p:CcppAccept><rdf:Bag><rdf:li>text/html</rdf:li></rdf:Bag></p:CcppAccept>
              <p:Push-Accept-Charset>utf-8, us-ascii</p:Push-Accept-Charset>
              <p:Push-MaxPushReq>5</p:Push-MaxPushReq><p:ScreenSize>96x65</p:ScreenSize>
             </rdf:Description></p:component></rdf:Description></RDF>"##;
        let read = Capabilities::decode(octets).unwrap();
        assert_eq!(read.accept, Some(vec!["text/html".to_owned()]));
        assert_eq!(
            read.charsets,
            Some(vec!["utf-8".to_owned(), "us-ascii".to_owned()])
        );
        assert_eq!((read.requests_max, read.octets_max), (Some(5), None));
    }

    #[test]
    fn what_is_no_xml_is_no_profile_and_an_empty_one_says_nothing() {
        assert!(Capabilities::decode(b"Accept: text/plain").is_err());
        let empty = Capabilities::decode(b"<x/>").unwrap();
        assert_eq!(empty, Capabilities::default());
    }
}
