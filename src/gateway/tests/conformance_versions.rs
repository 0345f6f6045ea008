//! The items of PAP that are about its versions.
//!
//! **Source:** WAP-247 section 9, items PAP-SEM-S-010 to -015.

use super::initiator::*;
use super::lab::Lab;
use crate::codec::pap::{self, Operation, Version};

fn bad(document: &pap::Document) -> u16 {
    match &document.operation {
        Operation::BadMessage(bad) => bad.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pap_sem_s_010_3002_is_about_the_version_alone() {
    let mut lab = Lab::registered();
    for version in ["3.0", "2.2", "1.1"] {
        let push = Written { version, ..PLAIN };
        assert_eq!(bad(&read(&push.submit(&mut lab))), 3002, "{version}");
    }
    let garbage = lab.http("POST", "/pap", "application/xml", "no xml");
    assert_eq!(bad(&read(&garbage)), 2000);
}

#[test]
fn pap_sem_s_011_the_version_of_a_document_is_seen() {
    for version in ["1.0", "2.0", "2.1"] {
        let mut lab = Lab::registered();
        let document = read(&Written { version, ..PLAIN }.submit(&mut lab));
        assert_eq!(document.version.to_string(), version);
        assert!(matches!(document.operation, Operation::PushResponse(it) if it.code == 1001));
    }
}

#[test]
fn pap_sem_s_012_versions_are_listed_for_who_speaks_more_than_1_0_and_for_nobody_else() {
    for (version, instruction, listed) in [
        ("1.0", "", false),
        ("1.0", "1.0", false),
        ("1.0", "2.0,1.0", true),
        ("2.0", "", true),
        ("2.1", "2.1", true),
        ("3.0", "", true),
    ] {
        let mut lab = Lab::registered();
        let answer = Written {
            version,
            instruction,
            ..PLAIN
        }
        .submit(&mut lab);
        assert_eq!(
            read(&answer).supported.is_some(),
            listed,
            "{version} {instruction}"
        );
    }
}

#[test]
fn pap_sem_s_013_every_version_that_is_listed_is_spoken() {
    let mut lab = Lab::registered();
    let listed = read(&PLAIN.submit(&mut lab)).supported.unwrap();
    let versions: Vec<&str> = listed.split(',').collect();
    assert_eq!(versions, ["2.0", "2.1", "1.0"]);
    for (version, push_id) in versions.into_iter().zip(["q1", "q2", "q3"]) {
        assert_eq!(
            Written {
                version,
                push_id,
                ..PLAIN
            }
            .code(&mut lab),
            1001
        );
    }
}

#[test]
fn pap_sem_s_014_who_speaks_no_version_of_ours_is_told_so_in_1_0() {
    for (instruction, version) in [("", "1.0"), ("3.0,4.*", "1.0"), ("3.0,2.*,1.0", "2.0")] {
        let mut lab = Lab::registered();
        let push = Written {
            version: "3.0",
            instruction,
            ..PLAIN
        };
        let document = read(&push.submit(&mut lab));
        assert_eq!(
            (bad(&document), document.version.to_string().as_str()),
            (3002, version)
        );
    }
}

#[test]
fn pap_sem_s_015_a_result_is_in_the_version_of_its_submission() {
    for (version, expected) in [
        ("1.0", Version::V1_0),
        ("2.0", Version::V2_0),
        ("2.1", Version::V2_1),
    ] {
        let mut lab = Lab::registered();
        Written { version, ..PLAIN }.code(&mut lab);
        delivered(&mut lab);
        let (document, _) = &results(&lab)[0];
        assert_eq!(document.version, expected);
        assert_eq!(document.supported.is_some(), version != "1.0");
    }
}
