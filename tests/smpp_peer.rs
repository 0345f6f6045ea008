//! The rusmpp crate as a peer: what both read has the same numbers, and it writes the same octets.

use bytes::BytesMut;
use rusmpp_core::command::owned::Command;
use rusmpp_core::decode::owned::DecodeWithLength;
use rusmpp_core::encode::owned::Encode;
use sirgate::codec::smpp::Pdu;
use sirgate::codec::vector::Vector;

/// Octets that stand for a body which only a reader of that command can refuse.
const KNOWN: &[&str] = &["submit-multi"];

#[test]
fn rusmpp_reads_and_writes_the_valid_vectors_as_we_do() {
    let all = include_str!("../testdata/smpp/pdus.json");
    let all: Vec<Vector> = serde_json::from_str(all).unwrap();
    let mut same = 0;
    for vector in all.iter().filter(|it| it.valid && !it.is_lenient()) {
        if KNOWN.contains(&vector.name.as_str()) {
            continue;
        }
        let octets = vector.octets().unwrap();
        let ours = Pdu::decode(&octets).unwrap();
        let mut rest = BytesMut::from(&octets[4..]);
        let length = rest.len();
        let (theirs, _) = Command::decode(&mut rest, length).unwrap();
        assert_eq!(u32::from(theirs.id()), ours.command.0, "{}", vector.name);
        assert_eq!(u32::from(theirs.status()), ours.status.0, "{}", vector.name);
        assert_eq!(theirs.sequence_number(), ours.sequence, "{}", vector.name);
        let mut written = BytesMut::new();
        theirs.encode(&mut written);
        assert_eq!(written[..], octets[4..], "{}: {theirs:?}", vector.name);
        same += 1;
    }
    assert!(same > 25, "only {same}");
}
