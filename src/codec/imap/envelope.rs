//! Who wrote a mail and what about: the parts of an envelope that a notice needs.

use super::encoded_word;
use super::reader::Value;

/// Of the ten parts of an envelope, three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Its subject, decoded.
    pub subject: String,
    /// Its first author: `Name <address>`, or the address alone.
    pub from: String,
    /// Its Message-ID.
    pub message_id: String,
}

impl Envelope {
    /// Reads the value of ENVELOPE; what it leaves out is empty.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Self {
        let parts = value.list().unwrap_or_default();
        let text = |at: usize| parts.get(at).and_then(Value::text).unwrap_or_default();
        let authors = parts.get(2).and_then(Value::list).unwrap_or_default();
        let from = authors.first().and_then(Value::list).map(address);
        Self {
            subject: encoded_word::decode(&text(1)),
            from: from.unwrap_or_default(),
            message_id: text(9),
        }
    }
}

/// `(name route mailbox host)` as people write it.
fn address(parts: &[Value<'_>]) -> String {
    let text = |at: usize| parts.get(at).and_then(Value::text).unwrap_or_default();
    let (name, mailbox, host) = (encoded_word::decode(&text(0)), text(2), text(3));
    let address = match host.as_str() {
        "" => mailbox,
        host => format!("{mailbox}@{host}"),
    };
    match name.trim() {
        "" => address,
        name => format!("{name} <{address}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Response;
    use super::*;

    #[test]
    fn the_author_and_the_subject_are_read_from_an_envelope() {
        let line = b"* 1 FETCH (ENVELOPE (\"Mon, 1 Jan 2026\" \"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=\" \
            ((\"=?utf-8?B?Qm9i?=\" NIL \"bob\" \"example.com\")(NIL NIL \"x\" \"y\")) NIL NIL NIL NIL NIL NIL \"<1@x>\"))\r\n";
        let Response::Fetch(items) = Response::decode(line).unwrap() else {
            panic!();
        };
        let envelope = Envelope::of(&items[0].1);
        assert_eq!(envelope.subject, "Grüße");
        assert_eq!(envelope.from, "Bob <bob@example.com>");
        assert_eq!(envelope.message_id, "<1@x>");
        assert_eq!(Envelope::of(&Value::Nil), Envelope::default());
    }
}
