//! Tests of the view: what rsip reads we read alike, and what it would damage is refused.

use bytes::Bytes;
use rsip::prelude::*;

use super::*;

fn ours(text: &str) -> Message {
    Message::decode(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
}

const PLAIN: &str = "MESSAGE sip:alice@example.com:5070;transport=tcp SIP/2.0\n\
    Via: SIP/2.0/TCP 192.0.2.5:5060;branch=z9hG4bK1;rport\n\
    v: SIP/2.0/UDP edge.example.com;branch=z9hG4bK2;received=192.0.2.9\n\
    Max-Forwards: 70\n\
    f: \"Push\" <sip:push@ppg.example.com>;tag=p1\n\
    To: <sip:alice@example.com>\n\
    i: 1@192.0.2.5\n\
    CSeq: 7 MESSAGE\n\
    Route: <sip:edge.example.com;lr>\n\
    Subject: a\n folded text\n\
    X-Odd: kept\n\
    Content-Length: 3\n\n\
    \u{1}\u{2}\u{3}";

fn request(message: rsip::SipMessage) -> rsip::Request {
    match message {
        rsip::SipMessage::Request(request) => request,
        rsip::SipMessage::Response(_) => panic!("a response"),
    }
}

#[test]
fn a_plain_request_reads_alike_on_both_sides() {
    let view = request(message(&ours(PLAIN)).unwrap());
    assert_eq!(view.method, rsip::Method::Message);
    assert_eq!(view.uri.user(), Some("alice"));
    assert_eq!(
        view.from_header().unwrap().tag().unwrap().unwrap().value(),
        "p1"
    );
    assert_eq!(view.cseq_header().unwrap().typed().unwrap().seq, 7);
    assert_eq!(view.call_id_header().unwrap().value(), "1@192.0.2.5");
    assert_eq!(
        view.via_header()
            .unwrap()
            .typed()
            .unwrap()
            .branch()
            .unwrap()
            .value(),
        "z9hG4bK1"
    );
    assert_eq!(view.body, [1, 2, 3]);
    assert_eq!(view.headers.iter().count(), 11);
}

#[test]
fn a_request_comes_back_with_the_same_values() {
    let before = ours(PLAIN);
    let after = from_message(&message(&before).unwrap()).unwrap();
    assert_eq!(after.method(), before.method());
    assert_eq!(
        after.request_uri_text(),
        b"sip:alice@example.com:5070;transport=TCP"
    );
    assert_eq!(after.via().unwrap().branch, Some("z9hG4bK1"));
    assert_eq!(after.via_count(), 2);
    assert_eq!(after.from().unwrap().display().unwrap(), "Push");
    assert_eq!(after.cseq().unwrap(), before.cseq().unwrap());
    assert_eq!(after.text(Name::Subject), Some("a folded text"));
    assert_eq!(after.extension("x-odd"), Some(&b"kept"[..]));
    assert_eq!(after.body(), before.body());
}

#[test]
fn a_binary_body_goes_there_and_back() {
    let before = Draft::request(Method::Message, "sip:a@h")
        .body("application/vnd.wap.sia", &[1, 0x80, 0xff, 0])
        .finish();
    let view = message(&before).unwrap();
    assert_eq!(from_message(&view).unwrap().octets(), before.octets());
}

#[test]
fn what_rsip_would_damage_is_refused() {
    let refused = |row: &str, at: &str| {
        let text = PLAIN.replace(at, row);
        assert_ne!(text, PLAIN, "{at}");
        message(&ours(&text)).unwrap_err()
    };
    let uri = "sip:alice@example.com:5070;transport=tcp";
    let cannot = ViewError::CannotHold;
    assert_eq!(
        refused("sip:a@h;gr=urn:uuid:f81d4fae", uri),
        cannot("this URI")
    );
    assert_eq!(refused("sip:john.doe@h", uri), cannot("this URI"));
    assert_eq!(refused("sip:a@[2001:db8::1]", uri), cannot("this URI"));
    assert_eq!(refused("tel:+15550100", uri), cannot("this URI"));
    assert_eq!(refused("sip:a@h?x=y", uri), cannot("this URI"));
    let to = "To: <sip:alice@example.com>";
    assert_eq!(
        refused("To: <sip:a@h;gr=urn:uuid:f8>", to),
        cannot("this To")
    );
    assert_eq!(refused("To: <tel:+15550100>", to), cannot("this To"));
    let route = "Route: <sip:edge.example.com;lr>";
    assert_eq!(
        refused("m: <sip:a@h>;+sip.instance=\"<urn:uuid:f8>\"", route),
        cannot("this Contact")
    );
    assert_eq!(refused("m: *", route), cannot("this Contact"));
    let via = "Via: SIP/2.0/TCP 192.0.2.5:5060;branch=z9hG4bK1;rport";
    assert_eq!(
        refused("Via: SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1", via),
        cannot("this Via")
    );
    assert_eq!(
        refused("Via: SIP/2.0/SCTP2 h;branch=z9hG4bK1", via),
        cannot("this Via")
    );
    assert_eq!(
        refused("PING sip:a", "MESSAGE sip:a"),
        cannot("an unknown method")
    );
}

#[test]
fn a_phrase_of_ones_own_is_refused_and_the_usual_ones_pass() {
    let text = "SIP/2.0 404 Not Found\nCall-ID: 1\n\n";
    let view = message(&ours(text)).unwrap();
    let back = from_message(&view).unwrap();
    assert_eq!(
        (back.status(), back.reason().as_ref()),
        (Some(404), "Not Found")
    );
    assert!(message(&ours(&text.replace("Not Found", "Lost"))).is_err());
    let unknown = message(&ours("SIP/2.0 299 Mine\nCall-ID: 1\n\n")).unwrap();
    assert_eq!(from_message(&unknown).unwrap().reason(), "Mine");
}

#[test]
fn a_value_that_would_end_its_row_is_refused() {
    let mut view = request(message(&ours(PLAIN)).unwrap());
    view.headers
        .push(Header::Other("X".into(), "y\r\nEvil: 1".into()));
    assert_eq!(
        from_message(&view.clone().into()).unwrap_err(),
        ViewError::CannotHold("a line end in a header")
    );
    view.headers
        .retain(|header| !matches!(header, Header::Other(..)));
    view.headers.push(Header::Other("X Y".into(), "z".into()));
    assert!(from_message(&view.clone().into()).is_err());
    let odd = rsip::Uri {
        auth: Some(("a@b", None::<String>).into()),
        ..view.uri.clone()
    };
    assert!(from_uri(&odd).is_err());
}

#[test]
fn methods_go_there_and_back() {
    for theirs in rsip::Method::all() {
        assert_eq!(method(from_method(theirs)).unwrap(), theirs);
        assert_eq!(from_method(theirs).name(), theirs.to_string());
    }
}
