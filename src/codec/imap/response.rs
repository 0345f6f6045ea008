//! What a server says: conditions, sizes, data of mails and mailboxes.

use super::reader::{Reader, Value};
use crate::codec::{Class, DecodeError};

/// How a command ended, or what a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All is well.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
    /// The server closes.
    Bye,
    /// We are logged in already.
    PreAuth,
}

/// What stands in brackets behind a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// UIDVALIDITY.
    UidValidity(u32),
    /// UIDNEXT.
    UidNext(u32),
    /// CAPABILITY.
    Capability(Vec<String>),
    /// Any other, by its name in capitals.
    Other(String),
}

/// A named piece of data: of a mail, or of a mailbox.
pub type Item<'a> = (String, Value<'a>);

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// `+`: go on.
    Continue,
    /// A condition; with the tag of the command that it ends, if any.
    Condition {
        /// The tag.
        tag: Option<String>,
        /// How.
        condition: Condition,
        /// What stands in brackets.
        code: Option<Code>,
        /// In words.
        text: String,
    },
    /// What the server can do, in capitals.
    Capability(Vec<String>),
    /// How many mails are in the selected mailbox.
    Exists(u32),
    /// A mail of the selected mailbox is gone.
    Expunge(u32),
    /// Data of a mail of the selected mailbox.
    Fetch(Vec<Item<'a>>),
    /// Data of a mailbox.
    Status {
        /// Its name.
        mailbox: String,
        /// What of it.
        items: Vec<Item<'a>>,
    },
    /// Something else, which a watcher does not need.
    Other(String),
}

impl<'a> Response<'a> {
    /// Reads a whole response.
    ///
    /// # Errors
    /// What is none.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets);
        if reader.takes(b'+') {
            return Ok(Self::Continue);
        }
        if !reader.takes(b'*') {
            let tag = word(&mut reader)?;
            reader.blanks();
            let name = word(&mut reader)?;
            let condition = condition(&name)
                .ok_or_else(|| reader.fault(Class::BadValue, "OK, NO or BAD behind a tag"))?;
            return Ok(Self::condition(&mut reader, Some(tag), condition));
        }
        reader.blanks();
        let name = word(&mut reader)?;
        if let Some(condition) = condition(&name) {
            return Ok(Self::condition(&mut reader, None, condition));
        }
        if let Ok(number) = name.parse::<u32>() {
            reader.blanks();
            let name = word(&mut reader)?;
            reader.blanks();
            return Ok(match name.as_str() {
                "EXISTS" => Self::Exists(number),
                "EXPUNGE" => Self::Expunge(number),
                "FETCH" => Self::Fetch(items(&mut reader)?),
                _ => Self::Other(name),
            });
        }
        reader.blanks();
        Ok(match name.as_str() {
            "CAPABILITY" => Self::Capability(words(reader.rest())),
            "STATUS" => {
                let mailbox = reader.value()?.text();
                let mailbox = mailbox
                    .ok_or_else(|| reader.fault(Class::BadValue, "the name of a mailbox"))?;
                reader.blanks();
                let items = items(&mut reader)?;
                Self::Status { mailbox, items }
            }
            _ => Self::Other(name),
        })
    }

    fn condition(reader: &mut Reader<'_>, tag: Option<String>, condition: Condition) -> Self {
        reader.blanks();
        let rest = String::from_utf8_lossy(reader.rest()).into_owned();
        // Some servers leave the closing bracket out; then all of it is text.
        let bracket = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (code, text) = match bracket {
            Some((code, text)) => (Some(Code::of(code)), text.trim_start().to_owned()),
            None => (None, rest),
        };
        Self::Condition {
            tag,
            condition,
            code,
            text,
        }
    }
}

impl Code {
    fn of(text: &str) -> Self {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let name = name.to_ascii_uppercase();
        match (name.as_str(), rest.trim().parse()) {
            ("UIDVALIDITY", Ok(number)) => Self::UidValidity(number),
            ("UIDNEXT", Ok(number)) => Self::UidNext(number),
            ("CAPABILITY", _) => Self::Capability(words(rest.as_bytes())),
            _ => Self::Other(name),
        }
    }
}

fn condition(name: &str) -> Option<Condition> {
    Some(match name {
        "OK" => Condition::Ok,
        "NO" => Condition::No,
        "BAD" => Condition::Bad,
        "BYE" => Condition::Bye,
        "PREAUTH" => Condition::PreAuth,
        _ => return None,
    })
}

/// A word in capitals; tags and names are told apart without regard to case.
fn word(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let word = reader.atom()?;
    Ok(String::from_utf8_lossy(word).to_ascii_uppercase())
}

fn words(octets: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(octets);
    text.split_whitespace()
        .map(str::to_ascii_uppercase)
        .collect()
}

/// Pairs of names and values in parentheses.
fn items<'a>(reader: &mut Reader<'a>) -> Result<Vec<Item<'a>>, DecodeError> {
    let wrong = reader.fault(Class::BadValue, "names and values in parentheses");
    let Value::List(values) = reader.value()? else {
        return Err(wrong);
    };
    let mut items = Vec::new();
    let mut values = values.into_iter();
    while let Some(name) = values.next() {
        let Value::Atom(name) = name else {
            return Err(wrong);
        };
        let value = values.next().ok_or(wrong)?;
        items.push((String::from_utf8_lossy(name).to_ascii_uppercase(), value));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(line: &str) -> Response<'_> {
        Response::decode(line.as_bytes()).unwrap()
    }

    #[test]
    fn conditions_have_tags_codes_and_words() {
        let ok = decode("* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
        let code = Code::Capability(vec!["IMAP4REV1".to_owned(), "IDLE".to_owned()]);
        let Response::Condition {
            tag: None,
            condition: Condition::Ok,
            code: Some(told),
            text,
        } = ok
        else {
            panic!("{ok:?}");
        };
        assert_eq!((told, text.as_str()), (code, "ready"));
        let no = decode("a7 NO [AUTHENTICATIONFAILED] wrong\r\n");
        assert!(
            matches!(no, Response::Condition { tag: Some(tag), condition: Condition::No, .. } if tag == "A7")
        );
    }

    #[test]
    fn data_of_mails_is_read_with_strings_literals_and_what_is_not_known() {
        let line = "* 3 FETCH (UID 7 X-NEW (a (b \"c\")) PREVIEW {3}\r\na\"b BODY[HEADER (A B)]<0> NIL)\r\n";
        let Response::Fetch(items) = decode(line) else {
            panic!();
        };
        let names: Vec<&str> = items.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["UID", "X-NEW", "PREVIEW", "BODY[HEADER (A B)]<0>"]);
        assert_eq!(items[0].1.number(), Some(7));
        assert_eq!(items[2].1.text().unwrap(), "a\"b");
        assert_eq!(items[3].1, Value::Nil);
    }

    #[test]
    fn sizes_and_states_of_mailboxes_are_read() {
        assert_eq!(decode("* 23 EXISTS\r\n"), Response::Exists(23));
        assert_eq!(decode("* 4 expunge\r\n"), Response::Expunge(4));
        assert_eq!(decode("+ idling\r\n"), Response::Continue);
        let Response::Status { mailbox, items } =
            decode("* STATUS \"IN\\\"BOX\" (MESSAGES 2 UIDNEXT 9)\r\n")
        else {
            panic!();
        };
        assert_eq!(mailbox, "IN\"BOX");
        assert_eq!(items[1].1.number(), Some(9));
        assert_eq!(
            decode("* FLAGS (\\Seen)\r\n"),
            Response::Other("FLAGS".to_owned())
        );
    }

    #[test]
    fn what_is_no_response_is_refused_where_it_is_wrong() {
        let refused = |line: &str| {
            let fault = Response::decode(line.as_bytes()).unwrap_err();
            (fault.offset, fault.class)
        };
        assert_eq!(refused("\r\n"), (0, Class::BadValue));
        assert_eq!(refused("a1 MAYBE\r\n"), (8, Class::BadValue));
        assert_eq!(refused("* 1 FETCH (UID\r\n"), (14, Class::Truncated));
        assert_eq!(refused("* 1 FETCH (UID \"a\r\n").1, Class::TextUnterminated);
        assert_eq!(
            refused("* 1 FETCH (PREVIEW {9}\r\nabc)\r\n").1,
            Class::BadLength
        );
        let deep = format!("* 1 FETCH {}\r\n", "(".repeat(200));
        assert_eq!(refused(&deep).1, Class::TooLarge);
    }
}
