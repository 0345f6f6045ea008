//! A push-message as initiators usually write it, read in one pass and without a tree.
//!
//! **Source:** WAP-247 section 11.2 (DTD of PAP 2.0). Whatever is written otherwise, every fault included, is left to the
//! reader of trees, which gives the same value for what is read here.

use super::push::{METHODS, PRIORITIES, REPLACE_METHODS};
use super::version::Offers;
use super::{Document, Operation, PushMessage, Quality, Version};
use crate::codec::xml::is_blank;
use crate::limits;

/// The document, when it is one of PAP 2.0 in printable ASCII that holds a push-message and nothing unusual.
pub(super) fn read(octets: &[u8]) -> Option<Document> {
    let is_plain =
        |octet: &u8| matches!(octet, b' '..=b'~' | b'\t' | b'\r' | b'\n') && *octet != b'&';
    if octets.len() > limits::PAP_CONTROL_OCTETS
        || !octets.iter().fold(true, |all, octet| all & is_plain(octet))
    {
        return None;
    }
    let mut text = Text(core::str::from_utf8(octets).ok()?);
    if text.skip("<?xml version=\"1.0\"") {
        let _ = text.skip(" encoding=\"UTF-8\"") || text.skip(" encoding=\"utf-8\"");
        text.must("?>")?;
    }
    text.blanks();
    let supported = doctype(&mut text)?;
    text.blanks();
    text.must("<pap")?;
    let mut product_name = None;
    let is_whole = text.attributes(|name, value| match name {
        "product-name" => once(&mut product_name, value),
        _ => None,
    })?;
    if is_whole {
        return None;
    }
    text.blanks();
    let operation = Operation::PushMessage(push(&mut text)?);
    text.blanks();
    text.must("</pap>")?;
    text.blanks();
    text.0.is_empty().then(|| Document {
        version: Version::V2_0,
        supported: supported.map(str::to_owned),
        product_name: product_name.map(str::to_owned),
        operation,
    })
}

/// The DOCTYPE; the versions that it lists come back.
fn doctype<'a>(text: &mut Text<'a>) -> Option<Option<&'a str>> {
    text.must("<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\"")?;
    if !text.blanks() {
        return None;
    }
    text.must("\"")?;
    let system = text.up_to_quote()?;
    // Markup in it is for a reader that looks closer.
    if system
        .bytes()
        .any(|octet| matches!(octet, b'<' | b'>' | b'[' | b']' | b'\''))
    {
        return None;
    }
    text.blanks();
    let mut supported = None;
    if text.skip("[<?wap-pap-ver supported-versions=\"") {
        let list = text.up_to_quote()?;
        let is_usual = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'.' | b',' | b'*');
        if !list.bytes().all(is_usual) || Offers::decode(list).is_err() {
            return None;
        }
        text.must("?>]")?;
        text.blanks();
        supported = Some(list);
    }
    text.must(">")?;
    Some(supported)
}

fn push(text: &mut Text<'_>) -> Option<PushMessage> {
    text.must("<push-message")?;
    let mut push = PushMessage::default();
    let (mut push_id, mut replace, mut method, mut notes) = (None, None, None, None);
    let (mut before, mut after, mut source, mut notify) = (None, None, None, None);
    let is_empty = text.attributes(|name, value| match name {
        "push-id" => once(&mut push_id, value),
        "replace-push-id" => once(&mut replace, value),
        "replace-method" => once(&mut method, word(value, REPLACE_METHODS)?),
        "deliver-before-timestamp" => once(&mut before, value.parse().ok()?),
        "deliver-after-timestamp" => once(&mut after, value.parse().ok()?),
        "source-reference" => once(&mut source, value),
        "ppg-notify-requested-to" => once(&mut notify, value),
        "progress-notes-requested" => once(&mut notes, boolean(value)?),
        _ => None,
    })?;
    if is_empty {
        return None;
    }
    text.blanks();
    while text.skip("<address") {
        let mut value = None;
        let is_empty = text.attributes(|name, own| match name {
            "address-value" => once(&mut value, own),
            _ => None,
        })?;
        text.close(is_empty, "</address>")?;
        if push.addresses.len() >= limits::PAP_ADDRESSES {
            return None;
        }
        push.addresses.push(value?.to_owned());
    }
    if push.addresses.is_empty() {
        return None;
    }
    if text.skip("<quality-of-service") {
        push.quality = Some(quality(text)?);
    }
    text.must("</push-message>")?;
    Some(PushMessage {
        push_id: push_id?.to_owned(),
        replace_push_id: replace.map(str::to_owned),
        replace_method: method.unwrap_or_default(),
        deliver_before: before,
        deliver_after: after,
        source_reference: source.map(str::to_owned),
        notify_to: notify.map(str::to_owned),
        progress_notes: notes.unwrap_or_default(),
        ..push
    })
}

fn quality(text: &mut Text<'_>) -> Option<Quality> {
    let (mut priority, mut method, mut network, mut bearer) = (None, None, None, None);
    let (mut network_required, mut bearer_required) = (None, None);
    let is_empty = text.attributes(|name, value| match name {
        "priority" => once(&mut priority, word(value, PRIORITIES)?),
        "delivery-method" => once(&mut method, word(value, METHODS)?),
        "network" => once(&mut network, value),
        "network-required" => once(&mut network_required, boolean(value)?),
        "bearer" => once(&mut bearer, value),
        "bearer-required" => once(&mut bearer_required, boolean(value)?),
        _ => None,
    })?;
    text.close(is_empty, "</quality-of-service>")?;
    Some(Quality {
        priority: priority.unwrap_or_default(),
        delivery_method: method.unwrap_or_default(),
        network: network.map(str::to_owned),
        network_required: network_required.unwrap_or_default(),
        bearer: bearer.map(str::to_owned),
        bearer_required: bearer_required.unwrap_or_default(),
    })
}

/// Takes the value of an attribute; one that stands twice is a fault.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Option<T> {
    let known = words.iter().find(|(word, _)| *word == value);
    known.map(|(_, known)| *known)
}

fn boolean(value: &str) -> Option<bool> {
    word(value, &[("true", true), ("false", false)])
}

/// What is still to be read.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// Takes `what` where it stands next.
    fn skip(&mut self, what: &str) -> bool {
        match self.0.strip_prefix(what) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn must(&mut self, what: &str) -> Option<()> {
        self.skip(what).then_some(())
    }

    /// Takes white space; true when there was any.
    fn blanks(&mut self) -> bool {
        let octets = self.0.as_bytes();
        let end = octets.iter().position(|octet| !is_blank(*octet));
        let end = end.unwrap_or(octets.len());
        self.0 = self.0.get(end..).unwrap_or_default();
        end > 0
    }

    /// Takes what stands before the next quote, and the quote.
    fn up_to_quote(&mut self) -> Option<&'a str> {
        let end = memchr::memchr(b'"', self.0.as_bytes())?;
        let (value, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        Some(value)
    }

    /// Takes the attributes of an element up to the end of its tag; true when the element ends there.
    fn attributes(&mut self, mut take: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<bool> {
        loop {
            let apart = self.blanks();
            if self.skip("/>") {
                return Some(true);
            }
            if self.skip(">") {
                return Some(false);
            }
            let octets = self.0.as_bytes();
            let end = octets.iter().position(|octet| *octet == b'=')?;
            let (name, rest) = self.0.split_at_checked(end)?;
            self.0 = rest.strip_prefix("=\"")?;
            let value = self.up_to_quote()?;
            let stays = |octet: u8| octet >= b' ' && octet != b'<';
            if !apart || !value.bytes().fold(true, |all, octet| all & stays(octet)) {
                return None;
            }
            take(name, value)?;
        }
    }

    /// Takes the end tag of an element that holds nothing, unless it ended already, and white space behind it.
    fn close(&mut self, is_empty: bool, end: &str) -> Option<()> {
        if !is_empty {
            self.blanks();
            self.must(end)?;
        }
        self.blanks();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::read_tree;
    use super::*;

    /// Control entities of the vectors, and some of other shapes.
    fn entities() -> Vec<String> {
        let files = [
            include_str!("../../../testdata/pap/submissions.json"),
            include_str!("../../../testdata/pap/documents.json"),
        ];
        let mut found = Vec::new();
        for file in files {
            let vectors: Vec<Value> = serde_json::from_str(file).unwrap();
            for vector in vectors {
                let texts = [&vector["body"], &vector["document"]];
                for text in texts.into_iter().filter_map(Value::as_str) {
                    let from = text.find("<?xml").unwrap_or(0);
                    let to = text
                        .find("</pap>")
                        .map_or(text.len(), |at| at.saturating_add(6));
                    found.extend(text.get(from..to).map(str::to_owned));
                }
            }
        }
        found.push(FULL.to_owned());
        found.push(FULL.replace(" [<?wap-pap-ver supported-versions=\"2.0,1.*\"?>]", "\n"));
        found
    }

    const FULL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE pap PUBLIC \
        \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\" \
        [<?wap-pap-ver supported-versions=\"2.0,1.*\"?>]>\n<pap product-name=\"lab\"><push-message push-id=\"a\" \
        replace-push-id=\"b\" replace-method=\"pending-only\" deliver-before-timestamp=\"2030-01-01T00:00:00Z\" \
        source-reference=\"\" ppg-notify-requested-to=\"http://pi.example/\" progress-notes-requested=\"true\">\
        <address address-value=\"x\"/> <address address-value=\"y\">\n</address>\
        <quality-of-service priority=\"high\" delivery-method=\"confirmed\" bearer=\"SMS\" bearer-required=\"true\"/>\
        </push-message> </pap>\n";

    #[test]
    fn what_is_read_in_one_pass_is_what_the_tree_says() {
        let mut usual = 0;
        for text in entities() {
            let quick = read(text.as_bytes());
            usual += usize::from(quick.is_some());
            if let Some(document) = quick {
                assert_eq!(read_tree(text.as_bytes()).as_ref(), Ok(&document), "{text}");
            }
        }
        assert!(usual >= 4, "{usual}");
        assert!(read(FULL.as_bytes()).is_some());
    }

    #[test]
    fn damage_is_never_read_otherwise_than_by_the_tree() {
        for text in [FULL.to_owned()]
            .into_iter()
            .chain(entities().into_iter().take(6))
        {
            for at in 0..text.len() {
                for octet in *b"\0 <>\"'&/=]a\n\xff" {
                    let mut damaged = text.clone().into_bytes();
                    damaged[at] = octet;
                    if let Some(document) = read(&damaged) {
                        assert_eq!(
                            read_tree(&damaged),
                            Ok(document),
                            "{octet} at {at} of {text}"
                        );
                    }
                }
                let mut cut = text.clone().into_bytes();
                cut.remove(at);
                if let Some(document) = read(&cut) {
                    assert_eq!(read_tree(&cut), Ok(document), "without {at} of {text}");
                }
            }
        }
    }
}
