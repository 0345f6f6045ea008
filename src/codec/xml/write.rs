//! Writing a tree as one document: the root's namespace is the default one, every other has a prefix at the root.

use super::{Attribute, Content, Element, XML, is_letter};

/// The document of a tree. `prefixes` are pairs of namespace and prefix that its readers are used to; other namespaces
/// get `n1`, `n2` and so on. No white space is added between elements.
#[must_use]
pub fn write(root: &Element, prefixes: &[(&str, &str)]) -> Vec<u8> {
    let mut spaces = Vec::new();
    gather(root, &root.space, &mut spaces);
    let mut own = 0_usize;
    let named: Vec<(String, String)> = spaces
        .into_iter()
        .map(|space| {
            let known = prefixes.iter().find(|(known, _)| *known == space);
            let prefix = known.map_or_else(
                || {
                    own = own.saturating_add(1);
                    format!("n{own}")
                },
                |(_, prefix)| (*prefix).to_owned(),
            );
            (space, prefix)
        })
        .collect();
    let mut out = Writer {
        named,
        out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
    };
    out.element(root, None);
    out.out.into_bytes()
}

/// The namespaces that need a prefix, in the order of their first use.
fn gather(element: &Element, default: &str, out: &mut Vec<String>) {
    let attributes = element.attributes.iter().map(|own| own.space.as_str());
    let own = Some(element.space.as_str()).filter(|space| *space != default);
    for space in own.into_iter().chain(attributes) {
        if !space.is_empty() && space != XML && !out.iter().any(|have| have == space) {
            out.push(space.to_owned());
        }
    }
    for child in element.elements() {
        gather(child, default, out);
    }
}

struct Writer {
    /// Namespace and prefix.
    named: Vec<(String, String)>,
    out: String,
}

impl Writer {
    /// `default` is the default namespace outside the element; `None` for the root.
    fn element(&mut self, element: &Element, default: Option<&str>) {
        let prefix = match default {
            Some(default) if default != element.space => self.prefix(&element.space),
            _ => String::new(),
        };
        let redeclares = match default {
            None => !element.space.is_empty(),
            Some(default) => prefix.is_empty() && default != element.space,
        };
        let inside = match default {
            Some(default) if !redeclares => default.to_owned(),
            _ => element.space.clone(),
        };
        self.push(&["<", &prefix, &element.name]);
        if redeclares {
            self.pair("xmlns", &element.space);
        }
        if default.is_none() {
            for (space, prefix) in self.named.clone() {
                self.pair(&format!("xmlns:{prefix}"), &space);
            }
        }
        for Attribute { space, name, value } in &element.attributes {
            let prefix = self.prefix(space);
            self.pair(&format!("{prefix}{name}"), value);
        }
        if element.content.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        for content in &element.content {
            match content {
                Content::Element(child) => self.element(child, Some(&inside)),
                Content::Text(text) => escape(&mut self.out, text, false),
            }
        }
        self.push(&["</", &prefix, &element.name, ">"]);
    }

    /// A prefix with its colon; nothing for no namespace and for one that has none.
    fn prefix(&self, space: &str) -> String {
        if space == XML {
            return "xml:".to_owned();
        }
        self.named
            .iter()
            .find(|(own, _)| own == space)
            .map(|(_, prefix)| format!("{prefix}:"))
            .unwrap_or_default()
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.push(&[" ", name, "=\""]);
        escape(&mut self.out, value, true);
        self.out.push('"');
    }

    fn push(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.out.push_str(piece);
        }
    }
}

/// Adds a text, or the value of an attribute, in which nothing is markup. A character that XML has no way to say becomes
/// U+FFFD.
pub(in crate::codec) fn escape(out: &mut String, text: &str, is_value: bool) {
    let stays = |octet| matches!(octet, b' '..=b'~') && !matches!(octet, b'&' | b'<' | b'>' | b'"');
    if text.bytes().fold(true, |all, octet| all & stays(octet)) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if is_value => out.push_str("&quot;"),
            // A reader would turn these to spaces.
            '\t' if is_value => out.push_str("&#9;"),
            '\n' if is_value => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if is_letter(c) => out.push(c),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
