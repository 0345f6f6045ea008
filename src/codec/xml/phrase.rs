//! Text for people, in a language: the notes of presence, the names of contacts.
//!
//! **Source:** XML 1.0 section 2.12 (`xml:lang`).

use serde::{Deserialize, Serialize};

use super::{Element, XML};

/// A text and its language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phrase {
    /// The text.
    pub text: String,
    /// Its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
}

impl Phrase {
    /// What an element says.
    #[must_use]
    pub fn of(element: &Element) -> Self {
        Self {
            text: element.own_text(),
            lang: element.value_in(XML, "lang").map(str::to_owned),
        }
    }

    /// The element of that name that says it.
    #[must_use]
    pub fn element(&self, space: &str, name: &str) -> Element {
        Element::new(space, name)
            .language(self.lang.as_deref())
            .text(&self.text)
    }
}
