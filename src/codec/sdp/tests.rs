//! Tests of session descriptions.

use super::read::MEDIA_MAX;
use super::*;

const OFFER: &str = "v=0\no=- 7 1 IN IP4 192.0.2.11\ns=-\nc=IN IP4 192.0.2.11\nt=0 0\nm=message 9 TCP/MSRP *\na=accept-types:*\na=max-size:1048576\na=setup:active\na=path:msrp://192.0.2.11:9/d1s7aa11bb22;tcp\na=sendrecv\n";
const ANSWER: &str = "v=0\no=- 9 1 IN IP4 192.0.2.5\ns=-\nc=IN IP4 192.0.2.5\nt=0 0\nm=message 2855 TCP/MSRP *\na=accept-types:application/vnd.sirgate.info+json text/plain\na=max-size:65536\na=setup:passive\na=path:msrp://192.0.2.5:2855/p1s9cc33dd44;tcp\na=sendrecv\n";

fn decode(text: &str) -> Result<Sdp, DecodeError> {
    Sdp::decode(text.as_bytes())
}

#[test]
fn the_offer_of_a_device_and_the_answer_of_the_gateway_are_composed_octet_for_octet() {
    let mut offer = Sdp::offer(7, "192.0.2.11", "d1s7aa11bb22", None, Transport::Tcp);
    offer.max_size = Some(1_048_576);
    assert_eq!(offer.to_string(), OFFER.replace('\n', "\r\n"));
    let mut answer = offer.answer(9, "192.0.2.5", "p1s9cc33dd44", 2855).unwrap();
    answer.accept_types = vec![
        "application/vnd.sirgate.info+json".into(),
        "text/plain".into(),
    ];
    answer.max_size = Some(65_536);
    assert_eq!(answer.to_string(), ANSWER.replace('\n', "\r\n"));
    assert!(answer.offerer_connects());
    assert_eq!((offer.encode().len(), answer.encode().len()), (200, 245));
}

#[test]
fn what_is_composed_reads_back() {
    for text in [OFFER, ANSWER] {
        let sdp = decode(text).unwrap();
        assert_eq!(sdp.to_string(), text.replace('\n', "\r\n"));
        assert_eq!(Sdp::decode(&sdp.encode()), Ok(sdp));
    }
    let six = Sdp::offer(1, "2001:db8::1", "abcd", Some(4000), Transport::Tls);
    assert_eq!(six.path, "msrps://[2001:db8::1]:4000/abcd;tcp");
    assert_eq!(six.setup, Some(Setup::ActPass));
    assert_eq!(Sdp::decode(&six.encode()), Ok(six));
}

#[test]
fn the_setup_of_an_answer_follows_that_of_the_offer() {
    let setup = |offered: &str| {
        let offer = decode(&OFFER.replace("a=setup:active\n", offered)).unwrap();
        offer
            .answer(9, "192.0.2.5", "abcd", 2855)
            .map(|answer| answer.setup)
    };
    assert_eq!(setup("a=setup:active\n"), Some(Some(Setup::Passive)));
    assert_eq!(setup("a=setup:actpass\n"), Some(Some(Setup::Passive)));
    assert_eq!(setup(""), Some(None));
    assert_eq!(setup("a=setup:passive\n"), None);
    assert_eq!(setup("a=setup:holdconn\n"), None);
}

#[test]
fn other_media_are_declined_in_their_places() {
    let audio = "m=audio 49170 RTP/AVP 0\nc=IN IP4 1.2.3.4\na=path:nothing\na=setup:what\n";
    let offer = OFFER.replace("m=message", &format!("{audio}m=message"))
        + "m=message 9 TCP/MSRP *\na=path:x\nm=video 1/2 RTP/AVP 31\n";
    let offer = decode(&offer).unwrap();
    let answer = offer.answer(9, "192.0.2.5", "abcd", 2855).unwrap();
    let media: Vec<String> = answer
        .to_string()
        .lines()
        .filter(|line| line.starts_with("m="))
        .map(str::to_owned)
        .collect();
    let expected = [
        "m=audio 0 RTP/AVP 0",
        "m=message 2855 TCP/MSRP *",
        "m=message 0 TCP/MSRP *",
        "m=video 0 RTP/AVP 31",
    ];
    assert_eq!(media, expected);
    assert_eq!(offer.address, "192.0.2.11");
}

#[test]
fn lines_of_no_use_are_passed_over_and_the_session_speaks_for_its_media() {
    let text = OFFER
        .replace(
            "s=-\n",
            "s=x y\ni=info\nu=http://x/\nb=AS:1\nz=0 0\na=tool:lab\na=setup:actpass\na=recvonly\n",
        )
        .replace("a=setup:active\n", "a=chatroom\na=msrp-cema\n")
        .replace("a=sendrecv\n", "");
    let sdp = decode(&text).unwrap();
    assert_eq!(
        (sdp.setup, sdp.direction),
        (Some(Setup::ActPass), Direction::RecvOnly)
    );
    let answer = sdp.answer(1, "h", "abcd", 1).unwrap();
    assert_eq!(answer.direction, Direction::SendOnly);
}

#[test]
fn a_media_line_without_a_port_is_no_session() {
    let error = decode(&OFFER.replace("message 9", "message 0")).unwrap_err();
    assert_eq!(error.class, Class::MissingHeader);
    let error = decode(&OFFER.replace("TCP/MSRP", "UDP/X")).unwrap_err();
    assert_eq!(error.class, Class::MissingHeader);
}

#[test]
fn faults_name_their_octet() {
    for (from, to, at) in [
        ("v=0", "v=1", "v=1"),
        ("s=-", "s", "s\n"),
        ("7 1 IN", "x 1 IN", "- x"),
        ("message 9", "message x", "x TCP"),
        ("message 9 TCP/MSRP *", "message 9 TCP/MSRP", "message"),
        ("size:1048576", "size:-1", "-1\n"),
        ("setup:active", "setup:act", "act\n"),
        ("path:msrp:", "path:sip:", "sip:"),
        ("c=IN IP4 192.0.2.11", "c=IN IP4", "IN IP4\n"),
    ] {
        let text = OFFER.replacen(from, to, 1);
        let error = decode(&text).unwrap_err();
        assert_eq!(error.offset, text.find(at).unwrap(), "{to}: {error}");
    }
    for gone in [
        "o=- 7 1 IN IP4 192.0.2.11\n",
        "c=IN IP4 192.0.2.11\n",
        "a=accept-types:*\n",
        "a=path:msrp://192.0.2.11:9/d1s7aa11bb22;tcp\n",
    ] {
        let error = decode(&OFFER.replacen(gone, "", 1)).unwrap_err();
        assert_eq!(error.class, Class::MissingHeader, "{gone}");
    }
    assert_eq!(Sdp::decode(b"v=0\n\xff").unwrap_err().offset, 4);
}

#[test]
fn media_lines_are_counted() {
    let many = |count: usize| OFFER.to_owned() + &"m=audio 1 RTP/AVP 0\n".repeat(count);
    assert!(decode(&many(MEDIA_MAX - 1)).is_ok());
    assert_eq!(decode(&many(MEDIA_MAX)).unwrap_err().class, Class::TooLarge);
}

#[test]
fn no_damage_makes_the_reader_panic_and_what_is_read_comes_back() {
    let octets = ANSWER.as_bytes();
    for at in 0..octets.len() {
        let _ = Sdp::decode(&octets[..at]);
        for with in [b'\n', b'=', b' ', b':', b'0', b'm', b'\r', 0xff] {
            let mut damaged = octets.to_vec();
            damaged[at] = with;
            if let Ok(sdp) = Sdp::decode(&damaged) {
                assert_eq!(Sdp::decode(&sdp.encode()), Ok(sdp), "{at} {with}");
            }
        }
    }
}
