//! The PAP document type as tables, and the check of a document against them.
//!
//! **Source:** WAP-247 section 11.2 (DTD of PAP 2.0), WAP-164 (PAP 1.0, which cannot replace a push). Documents of a
//! higher minor version may hold elements and attributes that are unknown here: they are passed over (WAP-247 section 9).

use super::xml::Node;
use super::{Version, fault};
use crate::codec::{Class, DecodeError};

/// An element of the document type.
struct Rule {
    name: &'static str,
    content: Content,
    attributes: &'static [AttributeRule],
}

enum Content {
    Empty,
    /// Exactly one of the operations.
    Operation,
    /// These children in this order.
    Sequence(&'static [(&'static str, Count)]),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    One,
    Optional,
    Any,
    Some,
}

#[derive(Clone, Copy)]
struct AttributeRule {
    name: &'static str,
    required: bool,
    /// The words it may hold; any text when there are none.
    words: &'static [&'static str],
    /// The first version that has it.
    since: Version,
}

const fn required(name: &'static str) -> AttributeRule {
    AttributeRule {
        name,
        required: true,
        words: &[],
        since: Version::V1_0,
    }
}

const fn optional(name: &'static str) -> AttributeRule {
    AttributeRule {
        name,
        required: false,
        words: &[],
        since: Version::V1_0,
    }
}

const fn word(name: &'static str, words: &'static [&'static str]) -> AttributeRule {
    AttributeRule {
        name,
        required: false,
        words,
        since: Version::V1_0,
    }
}

const fn since_2_0(attribute: AttributeRule) -> AttributeRule {
    AttributeRule {
        since: Version::V2_0,
        ..attribute
    }
}

const BOOLEAN: &[&str] = &["true", "false"];
const STATES: &[&str] = &[
    "rejected",
    "pending",
    "delivered",
    "undeliverable",
    "expired",
    "aborted",
    "timeout",
    "cancelled",
    "unknown",
];
const STATE: AttributeRule = AttributeRule {
    name: "message-state",
    required: true,
    words: STATES,
    since: Version::V1_0,
};
const ADDRESSES: &[(&str, Count)] = &[("address", Count::Any)];
const CODE: &[AttributeRule] = &[required("code"), optional("desc")];
const PUSH_ID: &[AttributeRule] = &[required("push-id")];

/// The operations: what `pap` holds exactly one of.
const OPERATIONS: &[Rule] = &[
    Rule {
        name: "push-message",
        content: Content::Sequence(&[
            ("address", Count::Some),
            ("quality-of-service", Count::Optional),
        ]),
        attributes: &[
            required("push-id"),
            since_2_0(optional("replace-push-id")),
            since_2_0(word("replace-method", &["pending-only", "all"])),
            optional("deliver-before-timestamp"),
            optional("deliver-after-timestamp"),
            optional("source-reference"),
            optional("ppg-notify-requested-to"),
            word("progress-notes-requested", BOOLEAN),
        ],
    },
    Rule {
        name: "push-response",
        content: Content::Sequence(&[
            ("progress-note", Count::Any),
            ("response-result", Count::One),
        ]),
        attributes: &[
            required("push-id"),
            optional("sender-address"),
            optional("sender-name"),
            optional("reply-time"),
        ],
    },
    Rule {
        name: "cancel-message",
        content: Content::Sequence(ADDRESSES),
        attributes: PUSH_ID,
    },
    Rule {
        name: "cancel-response",
        content: Content::Sequence(&[("cancel-result", Count::Some)]),
        attributes: PUSH_ID,
    },
    Rule {
        name: "resultnotification-message",
        content: Content::Sequence(&[
            ("address", Count::One),
            ("quality-of-service", Count::Optional),
        ]),
        attributes: &[
            required("push-id"),
            optional("sender-address"),
            optional("sender-name"),
            optional("received-time"),
            optional("event-time"),
            STATE,
            required("code"),
            optional("desc"),
        ],
    },
    Rule {
        name: "resultnotification-response",
        content: Content::Sequence(&[("address", Count::One)]),
        attributes: &[required("push-id"), required("code"), optional("desc")],
    },
    Rule {
        name: "statusquery-message",
        content: Content::Sequence(ADDRESSES),
        attributes: PUSH_ID,
    },
    Rule {
        name: "statusquery-response",
        content: Content::Sequence(&[("statusquery-result", Count::Some)]),
        attributes: PUSH_ID,
    },
    Rule {
        name: "ccq-message",
        content: Content::Sequence(&[("address", Count::One)]),
        attributes: &[optional("query-id"), optional("app-id")],
    },
    Rule {
        name: "ccq-response",
        content: Content::Sequence(&[("address", Count::One)]),
        attributes: &[optional("query-id"), required("code"), optional("desc")],
    },
    Rule {
        name: "badmessage-response",
        content: Content::Empty,
        attributes: &[
            required("code"),
            optional("desc"),
            optional("bad-message-fragment"),
        ],
    },
];

/// The elements inside operations, and the root.
const ELEMENTS: &[Rule] = &[
    Rule {
        name: "pap",
        content: Content::Operation,
        attributes: &[optional("product-name")],
    },
    Rule {
        name: "address",
        content: Content::Empty,
        attributes: &[required("address-value")],
    },
    Rule {
        name: "quality-of-service",
        content: Content::Empty,
        attributes: &[
            word("priority", &["high", "medium", "low"]),
            word(
                "delivery-method",
                &[
                    "confirmed",
                    "preferconfirmed",
                    "unconfirmed",
                    "notspecified",
                ],
            ),
            optional("network"),
            word("network-required", BOOLEAN),
            optional("bearer"),
            word("bearer-required", BOOLEAN),
        ],
    },
    Rule {
        name: "progress-note",
        content: Content::Empty,
        attributes: &[required("stage"), optional("note"), optional("time")],
    },
    Rule {
        name: "response-result",
        content: Content::Empty,
        attributes: CODE,
    },
    Rule {
        name: "cancel-result",
        content: Content::Sequence(ADDRESSES),
        attributes: CODE,
    },
    Rule {
        name: "statusquery-result",
        content: Content::Sequence(&[
            ("address", Count::Any),
            ("quality-of-service", Count::Optional),
        ]),
        attributes: &[
            optional("event-time"),
            STATE,
            required("code"),
            optional("desc"),
        ],
    },
];

/// Whether a document of that version may hold what is not known here.
pub(super) fn is_tolerant(version: Version) -> bool {
    version > Version::V2_0
}

/// The attributes of an element in the order of the document type.
pub(super) fn attributes(name: &str) -> impl Iterator<Item = &'static str> {
    let attributes = rule(name).map_or(&[][..], |rule| rule.attributes);
    attributes.iter().map(|attribute| attribute.name)
}

/// The elements inside an element in the order of the document type, and whether there may be several.
pub(super) fn children(name: &str) -> impl Iterator<Item = (&'static str, bool)> {
    let (sequence, operations) = match rule(name).map(|rule| &rule.content) {
        Some(Content::Sequence(sequence)) => (*sequence, &[][..]),
        Some(Content::Operation) => (&[][..], OPERATIONS),
        _ => (&[][..], &[][..]),
    };
    let of_sequence = sequence
        .iter()
        .map(|(name, count)| (*name, matches!(count, Count::Any | Count::Some)));
    of_sequence.chain(operations.iter().map(|rule| (rule.name, false)))
}

fn rule(name: &str) -> Option<&'static Rule> {
    ELEMENTS
        .iter()
        .chain(OPERATIONS)
        .find(|rule| rule.name == name)
}

fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|rule| rule.name == name)
}

/// Checks the document from its root and drops what a higher minor version may have added.
pub(super) fn check(root: &mut Node<'_>, version: Version) -> Result<(), DecodeError> {
    if root.name != "pap" {
        return Err(invalid(root.at, "the element pap"));
    }
    check_element(root, version)
}

fn check_element(node: &mut Node<'_>, version: Version) -> Result<(), DecodeError> {
    let Some(rule) = rule(node.name) else {
        return Err(invalid(node.at, "an element of PAP"));
    };
    check_attributes(node, rule, version)?;
    if is_tolerant(version) {
        node.children
            .retain(|child| self::rule(child.name).is_some());
    }
    check_content(node, rule)?;
    node.children
        .iter_mut()
        .try_for_each(|child| check_element(child, version))
}

fn check_attributes(node: &mut Node<'_>, rule: &Rule, version: Version) -> Result<(), DecodeError> {
    let known = |name: &str| {
        let mut attributes = rule.attributes.iter();
        attributes.find(|known| known.name == name && known.since <= version)
    };
    if is_tolerant(version) {
        node.attributes.retain(|attr| known(attr.name).is_some());
    }
    for attr in &mut node.attributes {
        let Some(known) = known(attr.name) else {
            return Err(invalid(attr.at, "an attribute of this element"));
        };
        if known.words.is_empty() || known.words.contains(&&*attr.value) {
            continue;
        }
        // Values of an enumeration lose the spaces around them (XML 1.0 section 3.3.3).
        let word = attr.value.trim_matches(' ');
        if !known.words.contains(&word) {
            return Err(invalid(attr.at, "one of the words of this attribute"));
        }
        attr.value = word.to_owned().into();
    }
    let missing = rule
        .attributes
        .iter()
        .find(|known| known.required && node.value(known.name).is_none());
    match missing.map(|missing| missing.name) {
        None => Ok(()),
        Some("push-id") => Err(invalid(node.at, "the attribute push-id")),
        Some("address-value") => Err(invalid(node.at, "the attribute address-value")),
        Some("code") => Err(invalid(node.at, "the attribute code")),
        Some("message-state") => Err(invalid(node.at, "the attribute message-state")),
        Some(_) => Err(invalid(node.at, "a required attribute")),
    }
}

fn check_content(node: &Node<'_>, rule: &Rule) -> Result<(), DecodeError> {
    if let Some(at) = node.text_at {
        return Err(invalid(at, "no text between elements"));
    }
    match rule.content {
        Content::Empty => match node.content_at {
            Some(at) => Err(invalid(at, "nothing inside this element")),
            None => Ok(()),
        },
        Content::Operation => match node.children.as_slice() {
            [only] if is_operation(only.name) => Ok(()),
            [only] => Err(invalid(only.at, "an operation of PAP")),
            [] => Err(invalid(node.at, "one operation inside pap")),
            [_, second, ..] => Err(invalid(second.at, "one operation only")),
        },
        Content::Sequence(sequence) => check_sequence(node, sequence),
    }
}

fn check_sequence(node: &Node<'_>, sequence: &[(&str, Count)]) -> Result<(), DecodeError> {
    let mut children = node.children.iter().peekable();
    for (name, count) in sequence {
        let mut met = false;
        while children.next_if(|child| child.name == *name).is_some() {
            met = true;
            if matches!(count, Count::One | Count::Optional) {
                break;
            }
        }
        if !met && matches!(count, Count::One | Count::Some) {
            let at = children.peek().map_or(node.at, |child| child.at);
            return Err(match *name {
                "address" => invalid(at, "an address"),
                "response-result" => invalid(at, "a response-result"),
                _ => invalid(at, "a result"),
            });
        }
    }
    match children.next() {
        None => Ok(()),
        Some(child) => Err(invalid(child.at, "elements in the order of the DTD")),
    }
}

const fn invalid(at: usize, expected: &'static str) -> DecodeError {
    fault(at, Class::XmlInvalid, expected)
}
