//! Placements, forms of the body, conflicts and bounds.

use super::body;
use super::*;
use crate::limits;
use proptest::prelude::*;

const C1: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const C2: &str = "urn:gsma:imei:90420156-025763-0";

fn id(text: &str) -> DeviceId {
    DeviceId::decode(text).unwrap()
}

fn plain() -> Sir {
    Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
}

fn read(content_type: &str, body: &[u8]) -> Result<Sir, DecodeError> {
    Wrapped {
        to: "sip:alice@example.com".into(),
        from: "sip:push@ppg.example.com".into(),
        reply_to: None,
        headers: vec![],
        content_type: content_type.into(),
        disposition: None,
        body: body.to_vec(),
    }
    .decode()
}

fn header<'a>(wrapped: &'a Wrapped, name: &str) -> Option<&'a str> {
    wrapped
        .headers
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn r2_33_in_a_header_the_identifier_is_absent_from_the_body() {
    let wrapped = plain().with_devices(Placement::HEADER, &[id(C1)]).encode();
    assert_eq!(
        header(&wrapped, "X-Sirgate-Device"),
        Some("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>")
    );
    assert_eq!(wrapped.body, b"");
    assert_eq!(wrapped.to, "sip:alice@example.com");
}

#[test]
fn r2_34_in_the_value_the_client_address_ends_in_gr() {
    let wrapped = plain().with_devices(Placement::VALUE, &[id(C1)]).encode();
    assert!(wrapped.to.ends_with(&format!(";gr={C1}")));
    assert_eq!(header(&wrapped, "X-Sirgate-Device"), None);
}

#[test]
fn r2_35_in_the_body_the_identifier_is_absent_from_the_headers() {
    let wrapped = plain().with_devices(Placement::BODY, &[id(C1)]).encode();
    assert_eq!(wrapped.body, format!("gr={C1}").as_bytes());
    assert_eq!(header(&wrapped, "X-Sirgate-Device"), None);
    assert_eq!(wrapped.to, "sip:alice@example.com");
}

#[test]
fn r2_36_every_combination_of_placements_reads_back() {
    for places in Placement::COMBINATIONS {
        let sir = plain().with_devices(places, &[id(C1), id(C2)]);
        let read = sir.encode().decode().unwrap();
        assert_eq!(read, sir, "{places}");
        assert_eq!(read.places(), places);
        assert_eq!(read.devices(), Named::These(vec![&id(C1), &id(C2)]));
    }
}

#[test]
fn r2_37_placements_that_name_different_devices_are_a_conflict() {
    let sir = plain()
        .with_devices(Placement::HEADER, &[id(C1)])
        .with_devices(Placement::BODY, &[id(C2)]);
    assert_eq!(sir.encode().decode().unwrap().devices(), Named::Conflict);
    let narrower = plain()
        .with_devices(Placement::HEADER, &[id(C1), id(C2)])
        .with_devices(Placement::BODY, &[id(C1)]);
    assert_eq!(narrower.devices(), Named::Conflict);
    let other_order = plain()
        .with_devices(Placement::HEADER, &[id(C1), id(C2)])
        .with_devices(Placement::BODY, &[id(C2), id(C1)]);
    assert_eq!(other_order.devices(), Named::These(vec![&id(C1), &id(C2)]));
}

#[test]
fn one_device_in_the_value_agrees_with_more_elsewhere() {
    let sir = plain()
        .with_devices(Placement::VALUE, &[id(C1)])
        .with_devices(Placement::HEADER | Placement::BODY, &[id(C1), id(C2)]);
    assert_eq!(sir.devices(), Named::These(vec![&id(C1), &id(C2)]));
    let odd = plain()
        .with_devices(Placement::VALUE, &[id("esn:80A1B2C3")])
        .with_devices(Placement::BODY, &[id(C1), id(C2)]);
    assert_eq!(odd.devices(), Named::Conflict);
    let wide = plain()
        .with_devices(Placement::VALUE, &[id(C1), id(C2)])
        .with_devices(Placement::BODY, &[id(C1)]);
    assert_eq!(wide.devices(), Named::Conflict);
}

#[test]
fn a_sir_that_names_nobody_is_for_every_device() {
    assert_eq!(plain().devices(), Named::Nobody);
    assert_eq!(plain().encode().decode(), Ok(plain()));
}

#[test]
fn r2_40_separators_of_a_number_stay_on_the_wire() {
    let mut sir = plain().with_devices(Placement::VALUE, &[id(C1)]);
    sir.client = "sip:+43-8323546@mobilkom.example".into();
    let wrapped = sir.encode();
    assert!(wrapped.to.starts_with("sip:+43-8323546@mobilkom.example;"));
    assert_eq!(wrapped.decode().unwrap().client, sir.client);
    let phone = |number: &str| id(&format!("sip:{number}@h;user=phone"));
    assert_eq!(phone("+43-8323546"), phone("+438323546"));
    assert_ne!(id("sip:+43-8323546@h"), id("sip:+438323546@h"));
}

#[test]
fn r2_42_the_identity_is_read_beside_the_identifiers() {
    let mut sir = plain().with_devices(Placement::BODY, &[id(C1)]);
    sir.pui = Some("sip:alice@example.com".into());
    let read = sir.encode().decode().unwrap();
    assert_eq!(read.pui.as_deref(), Some("sip:alice@example.com"));
    assert_eq!(read.body.devices, [id(C1)]);
}

#[test]
fn r2_43_r2_44_an_application_keeps_its_identifier_and_name() {
    let app = App::named("x-oma-application:dcd.ua", "DCD \"beta\", v2\\");
    for places in Placement::COMBINATIONS {
        let sir = plain().with_apps(places, &[app.clone(), App::new("x-foo:a,b;c&d$e")]);
        let read = sir.encode().decode().unwrap();
        assert_eq!(read, sir, "{places}");
        assert_eq!(read.apps().len(), 2);
    }
}

#[test]
fn r2_45_r2_46_questions_read_back_and_none_is_none() {
    let ask = Ask::CAPABILITY | Ask::REFUSAL | Ask::SEND_REGISTRATION;
    let sir = plain().with_ask(Placement::HEADER, ask);
    let wrapped = sir.encode();
    assert_eq!(
        header(&wrapped, "X-Sirgate-Ask"),
        Some("capability, refusal, send-registration")
    );
    assert_eq!(wrapped.decode().unwrap().ask(), ask);
    let mut none = plain();
    none.body.ask = Some(Ask::NONE);
    assert_eq!(none.encode().decode().unwrap().body.ask, None);
}

#[test]
fn r2_47_every_subset_of_application_and_questions_sits_in_every_placement() {
    for places in Placement::COMBINATIONS {
        for bits in 0..16 {
            let has = |bit: u8| bits & bit != 0;
            let mut sir = plain();
            // A name needs its application, so that subset is the application with its name.
            if has(1) || has(2) {
                let name = has(2).then(|| "DCD".to_owned());
                let id = "x-oma-application:dcd.ua".to_owned();
                sir = sir.with_apps(places, &[App { id, name }]);
            }
            if has(4) {
                sir = sir.with_ask(places, Ask::CAPABILITY | Ask::SUBSCRIPTION);
            }
            if has(8) {
                sir = sir.with_ask(places, Ask::SEND_REGISTRATION);
            }
            let read = sir.encode().decode().unwrap();
            assert_eq!(read, sir, "{places} {bits}");
            assert_eq!(read.ask().is_empty(), !has(4) && !has(8));
            assert_eq!(read.apps().is_empty(), !has(1) && !has(2));
        }
    }
}

#[test]
fn questions_of_the_three_placements_add_up() {
    let sir = plain()
        .with_ask(Placement::HEADER, Ask::CAPABILITY)
        .with_ask(Placement::VALUE, Ask::REFUSAL | Ask::SECURITY)
        .with_ask(Placement::BODY, Ask::SEND_CAPABILITY);
    assert_eq!(
        sir.encode().to,
        "sip:alice@example.com;sg-ask=security.refusal"
    );
    let all = Ask::CAPABILITY | Ask::REFUSAL | Ask::SECURITY | Ask::SEND_CAPABILITY;
    assert_eq!(sir.encode().decode().unwrap().ask(), all);
}

#[test]
fn r2_48_r2_49_the_gateway_to_connect_to_is_the_sender_or_another() {
    let mut sir = plain();
    assert_eq!(sir.encode().decode().unwrap().ppg(), sir.server);
    sir.other_server = Some("sip:push@ppg2.example.com".into());
    let read = sir.encode().decode().unwrap();
    assert_eq!(read.ppg(), "sip:push@ppg2.example.com");
    assert_eq!(read.server, "sip:push@ppg.example.com");
    let text = read_text("ppg=sip:push@ppg3.example.com");
    assert_eq!(text.ppg(), "sip:push@ppg3.example.com");
}

fn read_text(text: &str) -> Sir {
    read(SIA_TYPE, text.as_bytes()).unwrap()
}

#[test]
fn text_fields_end_lines_either_way_and_unknown_ones_are_passed_over() {
    let sir = read_text(&format!(
        "GR={C1}\r\ncolour=red\n\r\npui=sip:a=b@c\r\nask=refusal,later\napp=x-a:b\napp-name=B\nsir=0004\r\n"
    ));
    assert_eq!(sir.body.devices, [id(C1)]);
    assert_eq!(sir.pui.as_deref(), Some("sip:a=b@c"));
    assert_eq!(sir.ask(), Ask::REFUSAL);
    assert_eq!(sir.apps(), [&App::named("x-a:b", "B")]);
    assert_eq!(sir.id.as_deref(), Some("0004"));
}

#[test]
fn the_first_octet_tells_text_from_binary_content() {
    let binary = [0x01, 0x02, 0xB2, 0x82];
    assert!(matches!(
        read(SIA_TYPE, &binary).unwrap().sia,
        SiaContent::Binary(_)
    ));
    assert_eq!(read_text("x=y").sia, SiaContent::Empty);
    assert_eq!(read(SIA_TYPE, b"").unwrap(), plain());
}

#[test]
fn a_broken_part_is_refused_with_its_offset() {
    let offset = |body: &str| read(SIA_TYPE, body.as_bytes()).unwrap_err().offset;
    assert_eq!(offset("pui=x\r\nhello"), 7);
    assert_eq!(offset("pui=x\r\ngr=urn:uuid:7"), 20);
    assert_eq!(offset("app-name=x"), 9);
    assert_eq!(offset("sir=a b"), 4);
    assert_eq!(offset("pui=x\u{1}\r\nsir="), 5);
    assert_eq!(offset("pui=x\r\nsir="), 11);
    let error = read("image/png", b"").unwrap_err();
    assert_eq!(error.expected, "a body of type application/vnd.wap.sia");
    assert!(!Sir::accepts("image/png"));
    assert!(Sir::accepts("Multipart/Mixed;boundary=b"));
}

#[test]
fn a_broken_identifier_in_a_header_or_the_address_is_refused() {
    let mut wrapped = plain().encode();
    wrapped
        .headers
        .push(("X-Sirgate-Device", format!("<{C1}>, <uuid:12>")));
    let error = wrapped.decode().unwrap_err();
    assert_eq!((error.format, error.offset), ("device-id", 57));
    wrapped.headers.pop();
    wrapped.headers.push(("X-Sirgate-Device", C1.into()));
    assert_eq!(
        wrapped.decode().unwrap_err().expected,
        "a URI in angle brackets"
    );
    wrapped.headers.pop();
    wrapped.to = "sip:alice@example.com;gr=urn:uuid:1".into();
    assert_eq!(wrapped.decode().unwrap_err().offset, 35);
    wrapped.to = "sip:alice@example.com;gr=%4".into();
    assert_eq!(wrapped.decode().unwrap_err().offset, 25);
}

#[test]
fn a_multipart_body_may_hold_parts_of_others() {
    let body = mime_body(&[
        ("image/png", "", b"\x89PNG"),
        (TEXT_TYPE, "render", b"hello there"),
        (SIA_TYPE, "render", &[1, 2, 0xB2, 0x82]),
        ("text/plain", "Sirgate-Sir; handling=optional", b"sir=77"),
    ]);
    let sir = read("multipart/mixed;boundary=b1", &body).unwrap();
    assert_eq!(sir.id.as_deref(), Some("77"));
    assert!(matches!(sir.sia, SiaContent::Binary(_)));
    let nothing = mime_body(&[("image/png", "", b"\x89PNG")]);
    assert!(read("multipart/mixed;boundary=b1", &nothing).is_err());
}

#[test]
fn a_fault_inside_a_part_counts_from_the_start_of_the_body() {
    let body = mime_body(&[(SIA_TYPE, "render", &[0, 9, 0xB2, 0x82])]);
    let error = read("multipart/mixed;boundary=b1", &body).unwrap_err();
    assert_eq!(&body[error.offset..][..2], [9, 0xB2]);
}

fn mime_body(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let parts: Vec<_> = parts
        .iter()
        .map(|(kind, disposition, body)| {
            crate::codec::mime::Part::new(
                vec![
                    ("Content-Type", *kind),
                    ("Content-Disposition", *disposition),
                ],
                body,
            )
        })
        .collect();
    crate::codec::mime::compose("b1", &parts)
}

#[test]
fn the_text_form_says_the_gateway_and_reads_back_without_contact_points() {
    let mut sir = plain()
        .with_devices(Placement::BODY, &[id(C1)])
        .with_ask(Placement::HEADER, Ask::REFUSAL);
    sir.id = Some("0004".into());
    sir.sia = SiaContent::Binary(Sia::new(vec![], vec![], vec![]));
    let wrapped = sir.encode_text();
    assert_eq!(wrapped.content_type, TEXT_TYPE);
    assert_eq!(
        core::str::from_utf8(&wrapped.body).unwrap(),
        format!("gr={C1}\r\nppg=sip:push@ppg.example.com\r\nsir=0004")
    );
    let read = wrapped.decode().unwrap();
    assert_eq!(read.devices(), sir.devices());
    assert_eq!((read.ppg(), read.ask()), (sir.ppg(), sir.ask()));
    assert_eq!(read.sia, SiaContent::Empty);
}

#[test]
fn a_temporary_gruu_as_client_address_is_the_identifier() {
    let mut wrapped = plain().encode();
    wrapped.to = "<sip:tgruu.7hs@example.com;gr>".into();
    let sir = wrapped.decode().unwrap();
    assert_eq!(sir.value.devices, [id("sip:tgruu.7hs@example.com;gr")]);
    assert_eq!(sir.encode().to, "sip:tgruu.7hs@example.com;gr");
    assert_eq!(sir.encode().decode().unwrap(), sir);
}

#[test]
fn a_gruu_as_identifier_survives_the_value_placement() {
    let gruu = id("sip:bob@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    let sir = plain().with_devices(Placement::VALUE, &[gruu]);
    assert_eq!(sir.encode().decode().unwrap(), sir);
}

#[test]
fn other_parameters_of_the_client_address_stay() {
    let mut sir = plain().with_devices(Placement::VALUE, &[id(C1)]);
    sir.client = "sip:a;b=c@example.com;user=phone".into();
    let wrapped = sir.encode();
    assert_eq!(
        wrapped.to,
        format!("sip:a;b=c@example.com;user=phone;gr={C1}")
    );
    assert_eq!(wrapped.decode().unwrap(), sir);
    sir.client = "sip:a?b;gr;c@example.com;x?h=1".into();
    let wrapped = sir.encode();
    assert_eq!(
        wrapped.to,
        format!("sip:a?b;gr;c@example.com;x;gr={C1}?h=1")
    );
    assert_eq!(wrapped.decode().unwrap(), sir);
}

#[test]
fn nothing_that_is_said_can_begin_a_line_of_its_own() {
    let mut sir = plain().with_apps(
        Placement::HEADER | Placement::BODY | Placement::VALUE,
        &[App::named("x-a:b>\r\nc", "n\r\ngr=uuid:1")],
    );
    sir.pui = Some("sip:a@b\r\nppg=evil".into());
    sir.client = "sip:alice@example.com\r\nX: y".into();
    sir.application = "x\r\ny".into();
    let wrapped = sir.encode();
    assert!(!wrapped.to.contains(['\r', '\n']));
    assert!(
        wrapped
            .headers
            .iter()
            .all(|(_, v)| !v.contains(['\r', '\n']))
    );
    let read = wrapped.decode().unwrap();
    assert_eq!(read.ppg(), "sip:push@ppg.example.com");
    assert_eq!(read.devices(), Named::Nobody);
}

#[test]
fn as_many_devices_as_the_bound_are_read_and_one_more_is_not() {
    let devices: Vec<DeviceId> = (0..=limits::SIR_DEVICES)
        .map(|number| id(&format!("esn:{number:08X}")))
        .collect();
    for places in Placement::COMBINATIONS {
        let sir = plain().with_devices(places, &devices[1..]);
        assert_eq!(sir.encode().decode(), Ok(sir));
        let above = plain().with_devices(places, &devices).encode().decode();
        assert_eq!(above.unwrap_err().class, Class::TooLarge);
    }
}

#[test]
fn as_many_applications_as_the_bound_are_read_and_one_more_is_not() {
    let apps: Vec<App> = (0..=limits::SIR_APPLICATIONS)
        .map(|number| App::new(&format!("x-a:{number}")))
        .collect();
    let sir = plain().with_apps(Placement::BODY, &apps[1..]);
    assert_eq!(sir.encode().decode(), Ok(sir));
    let above = plain().with_apps(Placement::BODY, &apps).encode().decode();
    assert_eq!(above.unwrap_err().class, Class::TooLarge);
}

#[test]
fn names_of_placements_and_questions_read_back() {
    for places in Placement::COMBINATIONS {
        assert_eq!(places.to_string().parse(), Ok(places));
    }
    assert_eq!("none".parse(), Ok(Placement::NONE));
    assert_eq!(
        "header,footer"
            .parse::<Placement>()
            .unwrap_err()
            .to_string(),
        "\"footer\" is not the name of a placement"
    );
    assert_eq!("".parse(), Ok(Ask::NONE));
    assert!("capability,x".parse::<Ask>().is_err());
}

fn any_id() -> impl Strategy<Value = DeviceId> {
    prop_oneof![
        any::<u128>().prop_map(|n| id(&format!("urn:uuid:{}", uuid::Uuid::from_u128(n)))),
        (0..10_u64.pow(14)).prop_map(|n| id(&format!("imei:{n:014}0"))),
        any::<u32>().prop_map(|n| id(&format!("esn:{n:08X}"))),
        "[a-z]{1,8}".prop_map(|user| id(&format!("sip:{user}@h.example;gr=urn:x-{user}:1+2%2c"))),
        "x-[a-z]{1,5}:[!#-;=?-~]{1,20}".prop_map(|text| id(&text)),
    ]
}

fn any_app() -> impl Strategy<Value = App> {
    let name = proptest::option::of("[ -~äπ]{0,12}");
    ("x-[a-z]{1,5}:[!#-;=?-~]{1,20}", name).prop_map(|(id, name)| App { id, name })
}

fn any_placed() -> impl Strategy<Value = Placed> {
    let devices = proptest::collection::vec(any_id(), 0..4);
    let apps = proptest::collection::vec(any_app(), 0..3);
    (devices, 0_u8..128, apps).prop_map(|(devices, bits, apps)| {
        let ask = Ask::TOKENS
            .into_iter()
            .enumerate()
            .filter(|(at, _)| bits & (1 << at) != 0)
            .fold(Ask::NONE, |all, (_, (question, _))| all | question);
        Placed {
            devices,
            ask: (!ask.is_empty()).then_some(ask),
            apps,
        }
    })
}

fn any_sia() -> impl Strategy<Value = SiaContent> {
    proptest::option::of(0_u32..1000).prop_map(|code| match code {
        None => SiaContent::Empty,
        Some(0) => SiaContent::Binary(Sia::new(vec![], vec![], vec![])),
        Some(code) => SiaContent::Binary(Sia::new(
            vec![crate::codec::sia::AppId::Code(code)],
            vec![],
            vec![code],
        )),
    })
}

proptest! {
    #[test]
    fn r2_32_r2_47_what_is_placed_reads_back(
        header in any_placed(),
        value in any_placed(),
        body in any_placed(),
        sia in any_sia(),
        id in proptest::option::of("[A-Za-z0-9-]{1,32}"),
        pui in proptest::option::of("sip:[a-z]{1,8}@h"),
        other in proptest::bool::ANY,
    ) {
        let mut sir = plain();
        sir.other_server = other.then(|| "sip:push@ppg2.example.com;transport=tcp".to_owned());
        (sir.header, sir.value, sir.body, sir.sia) = (header, value, body, sia);
        (sir.id, sir.pui) = (id, pui);
        let read = sir.encode().decode().unwrap();
        let texts = |sir: &Sir| [&sir.header, &sir.value, &sir.body].map(|placed| {
            placed.devices.iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        prop_assert_eq!(texts(&read), texts(&sir));
        prop_assert_eq!(read, sir);
    }

    #[test]
    fn no_octets_make_a_body_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 0_usize..3,
    ) {
        let kinds = [SIA_TYPE, TEXT_TYPE, "multipart/mixed;boundary=b1"];
        let mut octets = octets;
        if kind == 2 {
            octets.splice(0..0, b"--b1\r\n".iter().copied());
            octets.extend_from_slice(b"\r\n--b1--");
        }
        if let Ok(sir) = read(kinds[kind], &octets) {
            let again = sir.encode().decode();
            prop_assert_eq!(again, Ok(sir));
        }
    }

    #[test]
    fn no_text_makes_an_address_or_a_header_panic(to in "\\PC{0,60}", row in "[<>\";,=a-z:0-9 ]{0,60}") {
        let mut wrapped = plain().encode();
        wrapped.to = to;
        for name in ["X-Sirgate-Device", "X-Sirgate-App", "X-Sirgate-Ask", "X-Sirgate-Sir"] {
            wrapped.headers.push((name, row.clone()));
        }
        let _ = wrapped.decode();
    }

    #[test]
    fn no_text_makes_an_identifier_panic(text in "\\PC{0,60}") {
        if let Ok(id) = DeviceId::decode(&text) {
            prop_assert_eq!(DeviceId::decode(&id.canonical().to_string()), Ok(id));
        }
    }
}

#[test]
fn an_application_that_could_not_be_written_again_is_refused_where_it_breaks() {
    for (body, offset) in [
        ("app=\0", 4),
        ("app=", 4),
        ("app=x-a:b c", 9),
        ("gr=sip:a@b.c\r\napp=x-a:<b", 22),
        ("app=x-a:b\r\napp-name=B\x1B[2J", 21),
    ] {
        let fault = body::read("text/plain", body.as_bytes());
        assert_eq!(
            fault.err().map(|fault| fault.offset),
            Some(offset),
            "{body:?}"
        );
    }
}
