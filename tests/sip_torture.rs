//! SIP messages that try a parser: what each must be read as, or where it must be refused.
//!
//! The messages are in `testdata/sip`; its README says what each is about.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sirgate::codec::sdp::Sdp;
use sirgate::codec::sip::{Address, Contact, Framed, Framer, Index, Message, Method, Name};
use sirgate::codec::uri::{Scheme, unescape};
use sirgate::codec::{Class, DecodeError};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sip")
}

fn octets(name: &str) -> Bytes {
    Bytes::from(fs::read(folder().join(format!("{name}.sip"))).unwrap())
}

/// A message that must pass both decoding and the first check.
fn accepted(name: &str) -> Message {
    let message = Message::decode(octets(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let checked = match message.method() {
        Some(_) => message.check_request(),
        None => message.check_response(),
    };
    checked.unwrap_or_else(|error| panic!("{name}: {error}"));
    message
}

/// The error of a message that decoding must refuse.
fn refused(name: &str) -> DecodeError {
    match Message::decode(octets(name)) {
        Ok(_) => panic!("{name} was decoded"),
        Err(error) => error,
    }
}

/// A message that decodes and whose first check must refuse it, with the octets at the fault.
fn unusable(name: &str) -> (Message, Class, String) {
    let message = Message::decode(octets(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let checked = match message.method() {
        Some(_) => message.check_request(),
        None => message.check_response(),
    };
    let error = match checked {
        Ok(()) => panic!("{name} passed its check"),
        Err(error) => error,
    };
    let rest = message.octets().slice(error.offset..);
    let line = rest.split(|&octet| octet == b'\r').next().unwrap().to_vec();
    (message, error.class, String::from_utf8(line).unwrap())
}

fn contacts(message: &Message) -> Vec<Address<'_>> {
    message
        .contacts()
        .map(|contact| match contact.unwrap() {
            Contact::Address(address) => address,
            Contact::Star => panic!("a star"),
        })
        .collect()
}

#[test]
fn folds_and_blanks_change_nothing() {
    let message = accepted("valid-folds");
    assert_eq!(message.method(), Some(Method::Invite));
    assert_eq!(
        message.request_uri().unwrap().param("unknownparam"),
        Some(None)
    );
    assert_eq!(message.to().unwrap().tag(), Some("1918n"));
    let from = message.from().unwrap();
    assert_eq!(from.display().unwrap(), "A \\\"Quoted\\\"");
    assert_eq!(from.tag(), Some("98as"));
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(message.cseq().unwrap().number, 9);
    assert_eq!(message.cseq().unwrap().method, Method::Invite);
    let via = message.via().unwrap();
    assert_eq!((via.transport, via.host), ("UDP", "192.0.2.2"));
    assert_eq!(via.branch, Some("390skd"));
    assert_eq!(message.via_count(), 3);
    assert_eq!(message.header(Name::Subject), Some(&b""[..]));
    assert_eq!(
        message.extension("newheader"),
        Some(&b"a value\r\n continued here"[..])
    );
    assert_eq!(message.extension("UnusualValue"), Some(&b";;,,;;,;"[..]));
    let contact = contacts(&message)[0];
    assert_eq!(contact.display().unwrap(), "Quoted string \"\"");
    assert_eq!(contact.param("newparam").unwrap().unwrap(), "newvalue");
    assert_eq!(contact.q(), Some(330));
    let route = message.addresses(Name::Route).next().unwrap().unwrap();
    assert_eq!(route.uri.param("lr"), Some(None));
    assert_eq!(message.body(), b"content");
}

#[test]
fn every_legal_character_is_taken() {
    let message = accepted("valid-characters");
    assert_eq!(message.method(), Some(Method::Other));
    assert_eq!(message.method_text(), "!odd-Method0123456789_*+`.%really'~");
    assert_eq!(
        message.to().unwrap().display().unwrap(),
        "BEL:\u{7} NUL:\0 DEL:\u{7f}"
    );
    let uri = message.request_uri().unwrap();
    assert_eq!(
        uri.user(),
        Some("1_odd.URI~(may-be!so)&isn't+it$/mad?,/;;*")
    );
    assert_eq!(uri.password(), Some("&pass+word=1,odd!*$wo~d.(yes)"));
    let from = message.from().unwrap();
    assert_eq!(from.display().unwrap(), "token1~` token2'+_ token3*%!.-");
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.param("fromParam''~+*_!.-%").unwrap().unwrap(), "да");
    assert_eq!(
        message.call_id().unwrap(),
        "odd.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    );
    assert_eq!(
        message.extension("extensionHeader-!.%*+_`'~").unwrap(),
        b"\xef\xbb\xbf\xe5\xa4\xa7\xff"
    );
}

#[test]
fn escapes_are_undone_once_and_only_in_uris() {
    let message = accepted("valid-escapes");
    let user = message.request_uri().unwrap().user().unwrap();
    assert_eq!(unescape(user).as_ref(), b"sips:user@example.com");
    assert_eq!(message.to().unwrap().uri.aor(), "sip:user@example.com");
    let contact = contacts(&message)[0];
    assert_eq!(contact.uri.aor(), "sip:caller@host5.example.net");
    let (name, value) = contact.uri.params().nth(1).unwrap();
    assert_eq!(unescape(name).as_ref(), b"name");
    assert_eq!(unescape(value.unwrap()).as_ref(), b"value%41");

    let message = accepted("valid-percent");
    assert_eq!(message.method_text(), "RE%47IST%45R");
    assert_eq!(message.method(), Some(Method::Other));
    assert_eq!(message.max_forwards(), Some(70));
    assert_eq!(contacts(&message).len(), 1);
    assert_eq!(message.from().unwrap().tag(), Some("f232%41"));
    assert_eq!(message.via().unwrap().branch, Some("z9hG4bK2%30"));
    assert_eq!(message.to().unwrap().display().unwrap(), "%Z%45");
}

#[test]
fn an_escaped_nul_does_not_end_a_user() {
    let message = accepted("valid-escaped-nul");
    let contacts = contacts(&message);
    assert_eq!(unescape(contacts[0].uri.user().unwrap()).as_ref(), b"\0");
    assert_eq!(unescape(contacts[1].uri.user().unwrap()).as_ref(), b"\0\0");
    assert!(!contacts[0].uri.is_equal(&contacts[1].uri));
}

#[test]
fn valid_messages_have_the_right_meaning() {
    let message = accepted("valid-display-tight");
    assert_eq!(message.from().unwrap().display().unwrap(), "caller");
    let message = accepted("valid-long");
    assert_eq!(message.via_count(), 34);
    assert_eq!(message.to().unwrap().uri.port(), Some(6000));
    let message = accepted("valid-trailing-octets");
    assert!(message.body().is_empty());
    let message = accepted("valid-semicolon-user");
    let uri = message.request_uri().unwrap();
    assert_eq!(uri.user(), Some("user;par=u%40example.net"));
    assert_eq!(uri.param("par"), None);
    assert_eq!(message.list(Name::Accept).count(), 4);
    let message = accepted("valid-transports");
    assert_eq!(message.via_count(), 5);
    let message = accepted("valid-multipart");
    assert_eq!(
        message.content_type(),
        Some("multipart/mixed;boundary=7a9c")
    );
    assert_eq!(
        message
            .body()
            .iter()
            .filter(|&&octet| octet == 0x80)
            .count(),
        1
    );
    let message = accepted("valid-reason-utf8");
    assert_eq!(message.reason(), "= 2**3 * 5**2 но сто девяносто девять");
    let message = accepted("valid-reason-empty");
    assert_eq!(
        (message.status(), message.reason().as_ref()),
        (Some(100), "")
    );
}

#[test]
fn what_the_application_must_judge_is_passed_to_it() {
    let message = accepted("app-unknown-scheme");
    assert_eq!(message.request_uri().unwrap().scheme(), Scheme::Other);
    accepted("app-known-scheme");
    let message = accepted("app-schemes-in-headers");
    assert_eq!(message.to().unwrap().uri.as_str(), "isbn:2983792873");
    assert_eq!(contacts(&message)[0].uri.as_str(), "name:John_Smith");
    let message = accepted("app-require");
    assert!(message.has_option(Name::Require, "NothingSupportsThisEither"));
    assert!(!message.has_option(Name::ProxyRequire, "nothingSupportsThis"));
    accepted("app-unknown-credentials");
    assert_eq!(accepted("app-broadcast-via").via_count(), 2);
    assert_eq!(accepted("app-zero-hops").max_forwards(), Some(0));
    let message = accepted("app-contact-param");
    let contact = contacts(&message)[0];
    assert_eq!(contact.param("unknownparam"), Some(None));
    assert_eq!(contact.uri.param("unknownparam"), None);
    let message = accepted("app-contact-uri-param");
    let contact = contacts(&message)[0];
    assert_eq!(contact.param("unknownparam"), None);
    assert_eq!(contact.uri.param("unknownparam"), Some(None));
    let message = accepted("app-contact-escaped");
    assert_eq!(
        contacts(&message)[0].uri.headers(),
        Some("Route=%3Csip:sip.example.com%3E")
    );
    let message = accepted("app-rfc2543");
    assert_eq!(
        (message.from().unwrap().tag(), message.max_forwards()),
        (None, None)
    );
    let message = accepted("app-branch-cookie-only");
    assert!(!message.via().unwrap().has_cookie());
}

#[test]
fn bodies_and_dates_are_for_the_application_to_judge() {
    let message = accepted("app-unknown-type");
    assert_eq!(message.content_type(), Some("application/x-nobody-knows"));
    assert!(message.body().starts_with(b"<a body"));
    let message = accepted("app-accept-unknown");
    let accept: Vec<&[u8]> = message.list(Name::Accept).collect();
    assert_eq!(accept, [b"text/x-nobody-knows"]);
    let message = accepted("app-date-zone");
    assert_eq!(
        message.header(Name::Date),
        Some(&b"Sat, 21 Nov 2026 16:00:00 CET"[..])
    );
}

#[test]
fn a_session_description_of_both_families_gives_our_line() {
    let message = accepted("ipv6-sdp-both");
    let sdp = Sdp::decode(message.body()).unwrap();
    assert_eq!((sdp.address.as_str(), sdp.port), ("192.0.2.30", 2855));
    assert_eq!(sdp.other_media.len(), 1);
}

/// What stands for each case of the two documents, by the names that they give.
#[test]
fn every_case_of_rfc_4475_and_rfc_5118_has_its_message() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let named = |case: &str| {
        let row = readme
            .lines()
            .find(|line| line.ends_with(&format!(", {case} |")))
            .unwrap_or_else(|| panic!("no message for {case}"));
        let file = row.split('`').nth(1).unwrap();
        assert!(folder().join(file).exists(), "{file}");
    };
    let rfc_4475 = "wsinv intmeth esc01 escnull esc02 lwsdisp longreq dblreq semiuri transports mpart01 unreason \
        noreason badinv01 clerr ncl scalar02 scalarlg quotbal ltgtruri lwsruri lwsstart trws escruri baddate regbadct \
        badaspec baddn badvers mismatch01 mismatch02 bigcode badbranch insuf unkscm novelsc unksm2 bext01 invut \
        regaut01 multi01 mcl01 bcast zeromf cparam01 cparam02 regescrt sdp01 inv2543";
    let rfc_5118 = "ipv6-good ipv6-bad port-ambiguous port-unambiguous via-received-param-with-delim \
        via-received-param-no-delim ipv6-in-sdp mult-ip-in-header mult-ip-in-sdp ipv4-mapped-ipv6 \
        ipv6-bug-abnf-3-colons";
    let cases: Vec<&str> = rfc_4475
        .split_whitespace()
        .chain(rfc_5118.split_whitespace())
        .collect();
    assert_eq!(cases.len(), 49 + 11);
    for case in cases {
        named(case);
    }
}

#[test]
fn broken_start_lines_are_refused_and_answerable() {
    for (name, expected) in [
        ("bad-uri-blank", "SIP/2.0"),
        ("bad-start-blanks", "a Request-URI"),
        ("bad-start-trailing", "the end of the start line"),
        ("bad-fold-first", "a header, for a start line is not folded"),
    ] {
        assert_eq!(refused(name).expected, expected, "{name}");
    }
    for name in ["bad-uri-blank", "bad-start-blanks", "bad-start-trailing"] {
        let message = Message::answerable(octets(name)).unwrap();
        assert_eq!(message.cseq().unwrap().number, 1, "{name}");
        assert!(message.is_version_2(), "{name}");
    }
    assert_eq!(refused("bad-status").expected, "a space after the status");
    assert!(Message::answerable(octets("bad-status")).is_none());
    let message = Message::decode(octets("bad-version")).unwrap();
    assert!(!message.is_version_2());
}

#[test]
fn a_content_length_that_lies_is_refused_and_answerable() {
    let class = |name: &str| refused(name).class;
    assert_eq!(class("bad-length-large"), Class::BadLength);
    assert_eq!(class("bad-length-negative"), Class::BadValue);
    assert_eq!(class("bad-length-twice"), Class::Repeated);
    for name in [
        "bad-length-large",
        "bad-length-negative",
        "bad-length-twice",
    ] {
        let message = Message::answerable(octets(name)).unwrap();
        assert_eq!(message.to().unwrap().uri.user(), Some("callee"), "{name}");
    }
}

#[test]
fn rows_out_of_shape_are_refused() {
    assert_eq!(
        refused("bad-colon-missing").expected,
        "a colon after the header's name"
    );
    assert_eq!(refused("bad-bare-lf").expected, "CR LF");
}

#[test]
fn values_out_of_the_grammar_are_refused_where_they_stand() {
    let at = |name: &str| {
        let (_, class, line) = unusable(name);
        assert_ne!(class, Class::MissingHeader, "{name}");
        line
    };
    assert_eq!(at("bad-separators"), ";,;,,");
    assert_eq!(at("bad-quote-open"), "");
    assert_eq!(at("bad-uri-brackets"), "<sip:user@example.com> SIP/2.0");
    assert_eq!(at("bad-blank-in-brackets"), " sip:t.watson@example.org >");
    assert_eq!(
        at("bad-display"),
        ", Alexander <sip:caller@example.org>;tag=f1"
    );
    assert_eq!(at("bad-contact-bare"), "?Route=%3Csip:sip.example.com%3E");
    assert_eq!(
        at("bad-uri-headers"),
        "sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"
    );
    assert_eq!(at("bad-cseq-method"), "INVITE");
    assert_eq!(at("bad-cseq-unknown-method"), "INVITE");
    assert_eq!(at("bad-numbers-request"), "36893488147419103232 REGISTER");
    assert_eq!(at("bad-numbers-response"), "9292394834772304023312 OPTIONS");
    assert_eq!(at("ipv6-bad"), "db8::10 SIP/2.0");
}

#[test]
fn numbers_out_of_range_alone_count_as_absent() {
    let message = Message::decode(octets("bad-numbers-request")).unwrap();
    assert_eq!(message.max_forwards(), None);
    assert_eq!(message.expires(), None);
    assert_eq!(contacts(&message)[0].expires(), None);
}

#[test]
fn missing_and_repeated_headers_are_named() {
    let (message, class, _) = unusable("bad-missing-headers");
    assert_eq!(class, Class::MissingHeader);
    assert_eq!(message.check_request().unwrap_err().expected, "From");
    let (message, class, line) = unusable("bad-repeated-headers");
    assert_eq!(class, Class::Repeated);
    assert_eq!(line, "Max-Forwards: 70");
    assert!(message.is_repeated(Name::To));
    assert!(!message.is_repeated(Name::Via));
}

#[test]
fn ipv6_stands_where_it_may() {
    let message = accepted("ipv6-valid");
    assert_eq!(message.request_uri().unwrap().host(), "[2001:db8::10]");
    assert_eq!(message.via().unwrap().host, "[2001:db8::9:1]");
    let message = accepted("ipv6-port-inside");
    let uri = message.request_uri().unwrap();
    assert_eq!((uri.host(), uri.port()), ("[2001:db8::10:5070]", None));
    let message = accepted("ipv6-port-outside");
    let uri = message.request_uri().unwrap();
    assert_eq!((uri.host(), uri.port()), ("[2001:db8::10]", Some(5070)));
    for name in ["ipv6-received-brackets", "ipv6-received-plain"] {
        let message = accepted(name);
        let via = message.via().unwrap();
        assert_eq!(via.received, Some("2001:db8::9:255"), "{name}");
        assert!(via.has_cookie(), "{name}");
    }
    assert!(accepted("ipv6-sdp").body().starts_with(b"v=0"));
    let message = accepted("ipv6-many-vias");
    assert_eq!(message.via_count(), 3);
    assert_eq!(message.via().unwrap().port, Some(6050));
    let message = accepted("ipv6-mapped");
    assert_eq!(contacts(&message)[0].uri.host(), "[::ffff:192.0.2.2]");
    accepted("ipv6-three-colons");
}

#[test]
fn a_valid_message_comes_whole_out_of_a_stream() {
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with(".sip") && !name.starts_with("bad-") && !name.contains("trailing")
        })
        .collect();
    names.sort();
    let mut framer = Framer::new(65_535);
    let whole: Vec<Vec<u8>> = names.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut out = Vec::new();
    for piece in whole.concat().chunks(97) {
        framer.push(piece);
        while let Some(item) = framer.next() {
            match item.unwrap() {
                Framed::Message(message) => out.push(message.octets().to_vec()),
                Framed::Ping | Framed::Pong => panic!("a keep-alive"),
            }
        }
    }
    assert_eq!(out, whole);
    assert!(out.len() > 30);
}

/// Everything that can be asked of a message.
fn read_all(message: &Message) {
    let _ = (message.request_uri(), message.via(), message.via_count());
    let _ = (
        message.from().is_ok(),
        message.to().is_ok(),
        message.call_id(),
    );
    let _ = (message.cseq(), message.max_forwards(), message.expires());
    let _ = (message.check_request(), message.check_response());
    for contact in message.contacts() {
        if let Ok(Contact::Address(address)) = contact {
            let _ = (address.q(), address.expires(), address.instance());
            let _ = (address.display(), address.uri.aor(), address.uri.gr());
            let _ = address.uri.is_equal(&address.uri);
            let _ = address.params().count();
        }
    }
    for name in [Name::Route, Name::XSirgateDevice, Name::PAssertedIdentity] {
        let _ = message.addresses(name).count();
    }
    for name in [Name::Accept, Name::Supported, Name::Via] {
        let _ = message.list(name).count();
    }
    for span in message.spans() {
        assert!(span.at + span.len <= message.octets().len());
    }
}

fn try_octets(octets: &Bytes) {
    let len = octets.len();
    match Message::decode(octets.clone()) {
        Ok(message) => read_all(&message),
        Err(error) => assert!(error.offset <= len, "{error} in {len} octets"),
    }
    if let Some(message) = Message::answerable(octets.clone()) {
        read_all(&message);
    }
    let mut framer = Framer::new(65_535);
    framer.push(octets);
    while let Some(Ok(_)) = framer.next() {}
}

fn corpus() -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "sip"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_truncation_ends_with_a_value_or_an_error() {
    for octets in corpus() {
        let octets = Bytes::from(octets);
        for len in 0..octets.len() {
            try_octets(&octets.slice(..len));
        }
    }
}

#[test]
fn every_single_octet_change_ends_with_a_value_or_an_error() {
    for octets in corpus() {
        // The long message repeats itself after that.
        for at in 0..octets.len().min(1_500) {
            // Octets that are special to the grammar; three of them in each place, others in the next.
            let special = b"\r\n \t:;,<>\"\\@%=[(\0\xff";
            for turn in 0..3 {
                let mut changed = octets.clone();
                changed[at] = special[(at * 7 + turn * 5) % special.len()];
                try_octets(&Bytes::from(changed));
            }
        }
    }
}

#[test]
fn an_index_used_again_keeps_nothing() {
    use sirgate::codec::sip::Frame;
    let mut index = Index::new();
    let first = octets("valid-long");
    Frame::decode(&first, &mut index).unwrap();
    let second = octets("valid-reason-empty");
    let frame = Frame::decode(&second, &mut index).unwrap();
    assert_eq!(frame.status(), Some(100));
    assert!(frame.header(Name::Contact).is_none());
    assert!(!frame.is_repeated(Name::Via));
    assert_eq!(frame.headers().count(), 6);
}
