//! Rules that single bodies do not show; the bodies themselves are in `testdata/sia`.

use super::*;
use crate::codec::Class;
use crate::limits;
use proptest::prelude::*;

const FULL: &[u8] = &[
    0x01, 0x02, 0xB2, 0x82, 0x00, 0x08, 0xC4, 0x0B, 0x0F, 0xC3, 0xC0, 0x00, 0x02, 0x09, 0x01, 0x01,
    0x00, 0x01, 0xDE, 0xAD, 0xBE, 0xEF,
];

fn http(last: u8) -> Contact {
    Contact::new(0, 4035, Ipv4Addr::new(192, 0, 2, last).into())
}

#[test]
fn a_body_built_from_values_has_the_octets_of_the_standard() {
    let mut sia = Sia::new(vec![AppId::Code(2)], vec![http(9)], vec![0]);
    assert_eq!(
        sia.encode(),
        [
            0x01, 0x02, 0xB2, 0x82, 0x00, 0x08, 0xC4, 0x00, 0x0F, 0xC3, 0xC0, 0x00, 0x02, 0x09,
            0x01, 0x00, 0x00, 0x00
        ]
    );
    sia.end = End::Version;
    sia.protocols = Vec::new();
    assert_eq!(sia.encode().len(), 14);
    assert_eq!(Sia::decode(&sia.encode()).unwrap().end, End::Contacts);
}

#[test]
fn every_cut_is_a_legal_truncation_or_a_classed_fault() {
    // Cuts after a whole field are legal (WAP-235 8.4); all others end inside one.
    for cut in 0..FULL.len() {
        match Sia::decode(&FULL[..cut]) {
            Ok(sia) => {
                assert!(matches!(cut, 1 | 4 | 5 | 14 | 16 | 17), "cut {cut}");
                assert_eq!(sia.encode(), FULL[..cut]);
            }
            Err(error) => {
                let class = if cut == 0 {
                    Class::Truncated
                } else {
                    Class::BadLength
                };
                assert_eq!(error.class, class, "cut {cut}: {error}");
                assert!(error.offset < FULL.len());
            }
        }
    }
}

#[test]
fn a_count_that_fits_its_octets_can_still_end_inside_a_uintvar() {
    let octets = [0x01, 0x00, 0x00, 0x00, 0x02, 0x01, 0x82];
    let error = Sia::decode(&octets).unwrap_err();
    assert_eq!((error.class, error.offset), (Class::Truncated, 7));
}

#[test]
fn one_tag_serves_all_contacts_when_the_counts_differ() {
    let mut sia = Sia::new(vec![], vec![http(1), http(2), http(3)], vec![1, 0, 1]);
    sia.cpi_tags = vec![[1; 4], [2; 4]];
    let tags: Vec<_> = sia.reached().map(|reached| reached.cpi_tag).collect();
    assert_eq!(tags, [Some([1; 4]), None, Some([2; 4])]);
    sia.cpi_tags.pop();
    let tags: Vec<_> = sia.reached().map(|reached| reached.cpi_tag).collect();
    assert_eq!(tags, [Some([1; 4]), None, Some([1; 4])]);
    sia.cpi_tags.clear();
    assert!(sia.reached().all(|reached| reached.cpi_tag.is_none()));
}

#[test]
fn without_options_every_contact_is_plain_http() {
    let sia = Sia::new(vec![], vec![http(1)], vec![]);
    assert_eq!(sia.reached().next().unwrap().protocol, PROTOCOL_HTTP);
    assert!(sia.has_contact());
}

#[test]
fn a_provisioning_url_is_named_in_full_or_by_its_digest() {
    let url = "http://op.example/c1";
    assert!(ProvUrl::of_url(url).unwrap().names(url));
    let digest = ProvUrl::of_digest(url, 4);
    assert_eq!(digest.digest(), Some(&[0xB6, 0x30, 0xDB, 0x43][..]));
    assert!(digest.names(url));
    assert!(!digest.names("http://op.example/c2"));
    assert!(ProvUrl::none().names(""));
    assert_eq!(ProvUrl::of_url("x:/"), None);
}

#[test]
fn a_lenient_reading_lists_what_it_forgave() {
    let octets = [0x00, 0x80, 0x02, 0x82, 0x84, 0x00, 0xAA];
    let (sia, deviations) = Sia::decode_lenient(&octets).unwrap();
    assert_eq!(sia.app_ids, [AppId::Code(2), AppId::Code(4)]);
    let at: Vec<usize> = deviations.iter().map(|deviation| deviation.at).collect();
    assert_eq!(at, [1, 3, 6]);
    assert_eq!(
        Sia::decode(&octets).unwrap_err().class,
        Class::UintvarNonMinimal
    );
}

#[test]
fn an_address_of_63_octets_is_written_and_one_more_has_no_value() {
    let address = BearerAddress::new(&[7; 63]).unwrap();
    assert_eq!(BearerAddress::new(&[7; 64]), None);
    let mut sia = Sia::new(vec![], vec![], vec![]);
    sia.wsp_contacts = vec![Contact {
        bearer: None,
        port: None,
        address,
    }];
    assert_eq!(Sia::decode(&sia.encode()), Ok(sia));
}

#[test]
fn a_body_at_the_bound_is_read_and_one_octet_more_is_not() {
    let mut sia = Sia::new(vec![], vec![], vec![]);
    sia.version = 2;
    sia.trailing = vec![0; limits::SIA_OCTETS - 7];
    assert_eq!(Sia::decode(&sia.encode()), Ok(sia.clone()));
    sia.trailing.push(0);
    assert_eq!(
        Sia::decode(&sia.encode()).unwrap_err().class,
        Class::TooLarge
    );
}

#[test]
fn well_known_applications_are_written_as_numbers() {
    assert_eq!(AppId::of_uri("X-Wap-Application:mms.ua"), AppId::Code(4));
    assert_eq!(AppId::of_uri("x-wap-application:*"), AppId::Any);
    let lab = AppId::of_uri("x-example:lab.ua");
    assert_eq!(lab, AppId::Uri("x-example:lab.ua".into()));
}

#[test]
fn the_spans_of_a_body_cover_every_octet() {
    let spans = Sia::spans(FULL, false);
    let covered: usize = spans.iter().map(|span| span.len).sum();
    assert_eq!(covered, FULL.len());
    assert_eq!(spans[7].path, "sia.contacts[0].port");
}

#[test]
fn the_spans_of_a_broken_body_end_at_the_fault() {
    let spans = Sia::spans(&FULL[..12], false);
    assert_eq!(spans.last().unwrap().path, "sia.contacts");
}

/// Octets near a real body, so that most of the reader is reached.
fn near_a_body() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((0..FULL.len(), any::<u8>()), 0..4);
    let tail = proptest::collection::vec(any::<u8>(), 0..4);
    (changes, 0..=FULL.len(), tail).prop_map(|(changes, cut, tail)| {
        let mut octets = FULL.to_vec();
        for (at, octet) in changes {
            octets[at] = octet;
        }
        octets.truncate(cut);
        octets.extend(tail);
        octets
    })
}

proptest! {
    #[test]
    fn what_is_read_is_read_again_from_what_is_written(
        octets in prop_oneof![
            near_a_body(),
            proptest::collection::vec(any::<u8>(), 0..40),
        ],
    ) {
        let spans = Sia::spans(&octets, true);
        prop_assert!(spans.iter().all(|span| span.at.saturating_add(span.len) <= octets.len()));
        match Sia::decode_lenient(&octets) {
            Ok((sia, deviations)) => {
                prop_assert_eq!(Sia::decode(&octets).is_ok(), deviations.is_empty());
                let (again, _) = Sia::decode_lenient(&sia.encode()).unwrap();
                prop_assert_eq!(again, sia);
            }
            Err(error) => {
                prop_assert!(error.offset <= octets.len());
                prop_assert!(Sia::decode(&octets).is_err());
            }
        }
    }
}
