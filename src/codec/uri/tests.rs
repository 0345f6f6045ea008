//! Tests of URIs.

use super::*;

fn decode(text: &str) -> Uri<'_> {
    Uri::decode(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> (usize, &'static str) {
    let error = Uri::decode(text.as_bytes()).unwrap_err();
    (error.offset, error.expected)
}

fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (decode(one), decode(other));
    assert_eq!(one.is_equal(&other), other.is_equal(&one));
    one.is_equal(&other)
}

#[test]
fn a_gruu_is_taken_apart() {
    let uri =
        decode("sip:alice@Example.com:5070;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6;lr");
    assert_eq!(uri.scheme(), Scheme::Sip);
    assert_eq!(uri.user(), Some("alice"));
    assert_eq!(uri.host(), "Example.com");
    assert_eq!(uri.port(), Some(5070));
    assert_eq!(
        uri.gr(),
        Some(Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
    );
    assert_eq!(uri.param("LR"), Some(None));
    assert_eq!(uri.param("ob"), None);
    assert_eq!(uri.aor(), "sip:alice@example.com");
}

#[test]
fn a_temporary_gruu_has_gr_as_a_flag() {
    let uri = decode("sip:tgruu.LCXC3wKrmNv5vtlWm11Iwwy/qq12I9J7jB9A@example.com;gr");
    assert_eq!(
        uri.user(),
        Some("tgruu.LCXC3wKrmNv5vtlWm11Iwwy/qq12I9J7jB9A")
    );
    assert_eq!(uri.gr(), Some(None));
}

#[test]
fn semicolons_before_the_at_sign_belong_to_the_user() {
    let uri = decode("sip:user;par=u%40example.net@example.com");
    assert_eq!(uri.user(), Some("user;par=u%40example.net"));
    assert_eq!(uri.host(), "example.com");
    assert_eq!(uri.params().count(), 0);
}

#[test]
fn every_character_legal_in_a_user_and_password_is_taken() {
    let uri = decode(
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
    );
    assert_eq!(
        uri.user(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    assert_eq!(
        uri.password(),
        Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    );
}

#[test]
fn an_ipv6_host_keeps_its_brackets_and_its_port_is_outside() {
    let uri = decode("sip:[2001:db8::10]:5070;maddr=[2001:db8::1]");
    assert_eq!(uri.host(), "[2001:db8::10]");
    assert_eq!(uri.port(), Some(5070));
    assert_eq!(uri.param("maddr"), Some(Some("[2001:db8::1]")));
    assert_eq!(decode("sip:[2001:db8::10:5070]").port(), None);
    assert_eq!(
        decode("sip:a@[2001:db8:::192.0.2.1]").host(),
        "[2001:db8:::192.0.2.1]"
    );
}

#[test]
fn an_ipv6_host_without_brackets_is_refused() {
    assert_eq!(refused("sip:2001:db8::10"), (9, "a port from 0 to 65535"));
}

#[test]
fn an_escaped_nul_does_not_end_a_user() {
    let uri = decode("sip:null-%00-null@example.com");
    assert_eq!(unescape(uri.user().unwrap()).as_ref(), b"null-\0-null");
    assert!(!equal(
        "sip:null-%00-null@example.com",
        "sip:null-@example.com"
    ));
}

#[test]
fn other_schemes_survive_whole() {
    assert_eq!(
        decode("nobodyKnowsThisScheme:totallyopaquecontent").scheme(),
        Scheme::Other
    );
    assert_eq!(decode("urn:service:sos").scheme(), Scheme::Urn);
    let tel = decode("tel:+1-555-0100;phone-context=example.com");
    assert_eq!(tel.user(), Some("+1-555-0100"));
    assert_eq!(tel.param("phone-context"), Some(Some("example.com")));
    assert_eq!(tel.aor(), "tel:+15550100");
}

#[test]
fn faults_name_the_octet() {
    assert_eq!(refused(""), (0, "a URI scheme"));
    assert_eq!(refused("sip"), (3, "a colon after the URI scheme"));
    assert_eq!(refused("sip:"), (4, "a host"));
    assert_eq!(refused("sip:@h"), (4, "a user"));
    assert_eq!(refused("sip:a b@h"), (5, "the end of the URI"));
    assert_eq!(refused("sip:a%4@h"), (6, "two hexadecimal digits"));
    assert_eq!(refused("sip:a@h:"), (8, "a port from 0 to 65535"));
    assert_eq!(refused("sip:a@h:65536"), (8, "a port from 0 to 65535"));
    assert_eq!(refused("sip:a@h;"), (8, "the name of a URI parameter"));
    assert_eq!(refused("sip:a@h;x="), (10, "the value of a URI parameter"));
    assert_eq!(refused("sip:a@h;x y"), (9, "the end of the URI"));
    assert_eq!(refused("sip:a@[::1"), (10, "a closing bracket"));
    assert_eq!(refused("<sip:a@h>"), (0, "a URI scheme"));
    assert_eq!(decode("sip:a@h:65535").port(), Some(65535));
}

#[test]
fn a_text_over_the_limit_is_refused() {
    let at_limit = format!("sip:{}", "a".repeat(SIP_MESSAGE_OCTETS - 4));
    assert!(Uri::decode(at_limit.as_bytes()).is_ok());
    let error = Uri::decode(format!("{at_limit}a").as_bytes()).unwrap_err();
    assert_eq!(
        (error.offset, error.class),
        (SIP_MESSAGE_OCTETS, Class::TooLarge)
    );
}

#[test]
fn equal_uris_are_those_of_the_standard() {
    assert!(equal(
        "sip:%61lice@atlanta.com;transport=TCP",
        "sip:alice@AtLanTa.CoM;Transport=tcp"
    ));
    assert!(equal(
        "sip:carol@chicago.com",
        "sip:carol@chicago.com;newparam=5"
    ));
    assert!(equal(
        "sip:carol@chicago.com;newparam=5",
        "sip:carol@chicago.com;security=on"
    ));
    assert!(equal(
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
    ));
    assert!(equal(
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
    ));
    assert!(equal(
        "sip:alice@example.com;gr=urn:x:1",
        "sip:alice@example.com"
    ));
}

#[test]
fn different_uris_are_those_of_the_standard() {
    assert!(!equal(
        "SIP:ALICE@AtLanTa.CoM;Transport=udp",
        "sip:alice@AtLanTa.CoM;Transport=UDP"
    ));
    assert!(!equal("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    assert!(!equal(
        "sip:bob@biloxi.com",
        "sip:bob@biloxi.com;transport=udp"
    ));
    assert!(!equal(
        "sip:bob@biloxi.com",
        "sip:bob@biloxi.com:6000;transport=tcp"
    ));
    assert!(!equal(
        "sip:carol@chicago.com",
        "sip:carol@chicago.com?Subject=next%20meeting"
    ));
    assert!(!equal(
        "sip:bob@phone21.boxesbybob.com",
        "sip:bob@192.0.2.4"
    ));
    assert!(!equal("sip:a@h;x=1", "sip:a@h;x=2"));
    assert!(!equal("sip:a%2Bb@h", "sip:a+b@h"));
    assert!(!equal("sip:a@h;pn-prid=1", "sip:a@h"));
}

#[test]
fn urns_are_compared_by_their_namespace() {
    assert!(equal("urn:uuid:F81D4FAE-7dec", "URN:UUID:f81d4fae-7DEC"));
    assert!(equal("urn:Example:abc", "URN:example:abc"));
    assert!(!equal("urn:example:abc", "urn:example:ABC"));
    assert!(equal("tel:+1-555-0100", "tel:+15550100"));
}

#[test]
fn the_address_of_record_is_canonical() {
    assert_eq!(
        decode("sip:%61l%2dice:pw@EXAMPLE.com:5060;x=y").aor(),
        "sip:al-ice@example.com"
    );
    assert_eq!(decode("sip:a%2bb+c%c3%a9@h").aor(), "sip:a%2Bb+c%C3%A9@h");
    assert_eq!(decode("sips:example.com").aor(), "sips:example.com");
}

#[test]
fn a_uri_with_a_parameter_twice_equals_itself() {
    assert!(equal("sip:h;y=1;y=2", "sip:h;y=1;y=2"));
}

#[test]
fn a_port_may_have_zeros_in_front_and_no_more_than_16_bits() {
    assert_eq!(decode("sip:h:0000000000000000000005060").port(), Some(5060));
    for port in ["65536", "18446744073709551617", "99999999999999999999999"] {
        assert_eq!(
            refused(&format!("sip:h:{port}")),
            (6, "a port from 0 to 65535")
        );
    }
}
