//! Tests of framing: shapes of rows, limits, offsets.

use bytes::Bytes;

use super::*;
use crate::codec::sip::{Contact, Message};

fn refused(text: &[u8]) -> (usize, Class, &'static str) {
    let error = Frame::decode(text, &mut Index::new()).unwrap_err();
    (error.offset, error.class, error.expected)
}

fn message(text: &str) -> Message {
    Message::decode(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
}

/// A message of that many rows.
fn rows(count: usize) -> Vec<u8> {
    let mut text = b"OPTIONS sip:h SIP/2.0\r\n".to_vec();
    for _ in 0..count {
        text.extend_from_slice(b"X: y\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

#[test]
fn as_many_rows_as_the_limit_pass_and_one_more_does_not() {
    let mut index = Index::new();
    assert!(Frame::decode(&rows(SIP_HEADER_ROWS), &mut index).is_ok());
    let (offset, class, _) = refused(&rows(SIP_HEADER_ROWS + 1));
    assert_eq!(class, Class::TooLarge);
    assert_eq!(offset, 23 + 6 * SIP_HEADER_ROWS);
}

#[test]
fn a_message_of_the_limit_passes_and_one_more_octet_does_not() {
    let mut text = rows(1);
    text.resize(SIP_MESSAGE_OCTETS, b'b');
    let mut index = Index::new();
    let frame = Frame::decode(&text, &mut index).unwrap();
    assert_eq!(frame.body().len(), SIP_MESSAGE_OCTETS - rows(1).len());
    text.push(b'b');
    assert_eq!(
        refused(&text),
        (
            SIP_MESSAGE_OCTETS,
            Class::TooLarge,
            "the end of the message"
        )
    );
}

#[test]
fn a_value_that_ends_at_the_limit_keeps_its_last_octet() {
    let mut text = b"OPTIONS sip:h SIP/2.0\r\nX: ".to_vec();
    text.resize(SIP_MESSAGE_OCTETS - 4, b'v');
    text.extend_from_slice(b"\r\n\r\n");
    let mut index = Index::new();
    let frame = Frame::decode(&text, &mut index).unwrap();
    assert_eq!(frame.extension("X").unwrap().len(), SIP_MESSAGE_OCTETS - 30);
    assert_eq!(frame.body(), b"");
}

#[test]
fn faults_name_the_octet_of_the_datagram() {
    use Class::{BadValue, Truncated};
    assert_eq!(refused(b"").0, 0);
    assert_eq!(refused(b"\r\n\r\n").0, 4);
    assert_eq!(
        refused(b"OPTIONS"),
        (7, Truncated, "a line end after the start line")
    );
    assert_eq!(
        refused(b"OPTIONS\r\n\r\n"),
        (7, Truncated, "a method and one space")
    );
    assert_eq!(
        refused(b"\r\nOPT(ONS x SIP/2.0\r\n\r\n"),
        (5, BadValue, "a method and one space")
    );
    assert_eq!(
        refused(b" sip:h SIP/2.0\r\n\r\n"),
        (0, BadValue, "a method")
    );
    assert_eq!(
        refused(b"A b SIP/x\r\n\r\n"),
        (8, BadValue, "a dot in the version")
    );
    assert_eq!(refused(b"A b HTTP/1.1\r\n\r\n"), (4, BadValue, "SIP/2.0"));
    assert_eq!(
        refused(b"SIP/2.0 099 x\r\n\r\n"),
        (7, BadValue, "a status from 100 to 699")
    );
    assert_eq!(
        refused(b"SIP/2.0 700 x\r\n\r\n"),
        (7, BadValue, "a status from 100 to 699")
    );
    assert_eq!(
        refused(b"SIP/2.0 200\r\n\r\n"),
        (11, Truncated, "a space after the status")
    );
    assert_eq!(
        refused(b"SIP/3.0 200 OK\r\n\r\n"),
        (4, BadValue, "version 2.0")
    );
}

#[test]
fn faults_of_rows_name_the_octet_of_the_datagram() {
    use Class::{BadLength, BadValue, Truncated};
    let start = "OPTIONS sip:h SIP/2.0\r\n";
    let row = |row: &str| refused(format!("{start}{row}").as_bytes());
    assert_eq!(row(""), (23, Truncated, "a line end after the header"));
    assert_eq!(
        row("X: y\r\n"),
        (29, Truncated, "a line end after the header")
    );
    assert_eq!(row("X: y"), (27, Truncated, "a line end after the header"));
    assert_eq!(row("X: y\r"), (28, Truncated, "LF after CR"));
    assert_eq!(row(": y\r\n\r\n"), (23, BadValue, "a header's name"));
    assert_eq!(row("X: y\rz\r\n\r\n"), (27, BadValue, "CR LF"));
    assert_eq!(
        row("X y\r\n\r\n"),
        (25, BadValue, "a colon after the header's name")
    );
    assert_eq!(
        row("l: 5\r\n\r\nabc"),
        (26, BadLength, "no more than the octets that follow")
    );
    assert_eq!(
        row("l: 5x\r\n\r\nabc"),
        (26, BadValue, "a number of octets")
    );
    assert_eq!(row("l:\r\n\r\nabc"), (25, BadValue, "a number of octets"));
}

#[test]
fn faults_of_values_name_the_octet_of_the_datagram() {
    let text =
        message("OPTIONS sip:h SIP/2.0\nContact: <sip:a@h>,\n <sip:b@h:x>\nv: SIP/2.0/UDP h;;\n\n");
    let fault = text.contacts().find_map(|contact| contact.err()).unwrap();
    assert_eq!(&text.octets()[fault.offset..fault.offset + 2], b"x>");
    let fault = text.via().unwrap_err();
    assert_eq!(fault.offset, text.octets().len() - 5);
    let fault = text.call_id().unwrap_err();
    assert_eq!(
        (fault.class, fault.expected),
        (Class::MissingHeader, "Call-ID")
    );
}

#[test]
fn blanks_around_values_are_not_part_of_them() {
    let message = message("OPTIONS sip:h SIP/2.0\nA:\nB:\t \n\t\nC: x \t\n  \nD:y\nE :  z\n\n");
    let values: Vec<&[u8]> = message.headers().map(|(_, _, value)| value).collect();
    assert_eq!(values, [&b""[..], b"", b"x", b"y", b"z"]);
}

#[test]
fn folds_read_as_one_space() {
    let message = message("OPTIONS sip:h SIP/2.0\nSubject: a \n  b\n\tc\nServer: d\n\n");
    assert_eq!(message.text(Name::Subject), Some("a \r\n  b\r\n\tc"));
    assert_eq!(message.unfolded(Name::Subject).unwrap(), "a b c");
    assert!(matches!(
        message.unfolded(Name::Server),
        Some(std::borrow::Cow::Borrowed("d"))
    ));
}

#[test]
fn octets_that_are_no_text_survive() {
    let octets = Bytes::from_static(b"OPTIONS sip:h SIP/2.0\r\nX-Odd: \xff\x00\xfe\r\n\r\n");
    let message = Message::decode(octets.clone()).unwrap();
    assert_eq!(message.extension("x-odd"), Some(&b"\xff\x00\xfe"[..]));
    assert_eq!(message.octets(), &octets);
}

#[test]
fn a_star_is_a_contact_of_its_own() {
    let alone = message("REGISTER sip:h SIP/2.0\nm: *\n\n");
    assert!(matches!(
        alone.contacts().collect::<Vec<_>>()[..],
        [Ok(Contact::Star)]
    ));
    let beside = message("REGISTER sip:h SIP/2.0\nm: *\nContact: <sip:a@h>\n\n");
    assert_eq!(beside.contacts().filter(Result::is_ok).count(), 2);
    let joined = message("REGISTER sip:h SIP/2.0\nm: *, <sip:a@h>\n\n");
    assert!(joined.contacts().next().unwrap().is_err());
}

#[test]
fn lists_are_split_outside_quotes_brackets_and_comments() {
    let message = message(
        "OPTIONS sip:h SIP/2.0\nAccept: a;x=\"1,\\\",2\", <b,c>,\n d (e, f)\nAccept: , g\n\n",
    );
    let elements: Vec<&[u8]> = message.list(Name::Accept).collect();
    assert_eq!(
        elements,
        [&b"a;x=\"1,\\\",2\""[..], b"<b,c>", b"d (e, f)", b"g"]
    );
}

#[test]
fn a_body_ends_where_content_length_says() {
    let whole = message("MESSAGE sip:h SIP/2.0\n\nabc");
    assert_eq!(whole.body(), b"abc");
    let cut = message("MESSAGE sip:h SIP/2.0\nl: 002\n\nabc");
    assert_eq!(cut.body(), b"ab");
}
