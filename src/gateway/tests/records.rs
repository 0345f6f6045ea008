//! Records of pushes: what earlier versions wrote is read, and what is written now keeps its meaning.

use serde_json::Value;

use super::lab::{Lab, config};
use crate::codec::hex;
use crate::gateway::snapshot::{self, shown};
use crate::world::{Record, RecordKey, RecordKind};

/// A push as a gateway of before wrote it.
const JSON: &str = r#"{"v":1,"push_id":"p1","initiator":"127.0.0.1","version":{"major":2,"minor":0},"sir":"jlucr5mrul","accepted":1795311827692630,"expires":1795315427692630,"notify_to":"http://127.0.0.1:1/n",
    "quality":{"priority":"high","delivery_method":"preferconfirmed","network":"GSM","network_required":false,"bearer":null,"bearer_required":false},
    "content":{"application":"x-wap-application:wml.ua","content_type":"text/plain","headers":[["X-Wap-Content-URI","http://pi.example.com/1"]],"octets":5,"text":"hello"},
    "options":{"plan":"auto","place":"value","fork":"ppg","ask":"","apps":[{"id":"urn:app:mail"}],"devices_judge":false},
    "addresses":[{"text":"WAPPUSH=sip%3Aalice%40example.com/TYPE=USER@ppg.example.com","group":0,"devices":["C1"]}],
    "groups":[{"pui":"sip:alice@example.com","addressed":["C1"],"chosen":false,"deliveries":[{"dev":"C1","attempt":0}]}]}"#;

/// The same push in octets.
const OCTETS: &str = "0201027031093132372e302e302e3102000a6a6c756372356d72756cd6d880deb99a980300d6a0cf92c79a9803011468\
    7474703a2f2f3132372e302e302e313a312f6e010201010347534d00000018782d7761702d6170706c69636174696f6e\
    3a776d6c2e75610a746578742f706c61696e0111582d5761702d436f6e74656e742d55524917687474703a2f2f70692e\
    6578616d706c652e636f6d2f3105010568656c6c6f0000020100010c75726e3a6170703a6d61696c000000013b574150\
    505553483d736970253341616c6963652534306578616d706c652e636f6d2f545950453d55534552407070672e657861\
    6d706c652e636f6d00010243310001157369703a616c696365406578616d706c652e636f6d0102433100000102433100\
    00000000";

/// A gateway that finds this record of a push when it starts.
fn started_with(body: &[u8]) -> Lab {
    let mut lab = Lab::new();
    let key = RecordKey {
        kind: RecordKind::Push,
        id: "127.0.0.1 p1".to_owned(),
    };
    let record = Record {
        key: key.clone(),
        pui: None,
        live: true,
        due: None,
        body: body.to_vec(),
    };
    lab.records.insert(key, record);
    lab.restarted(config())
}

/// The record of the push as it would be saved now.
fn saved(lab: &Lab) -> Vec<u8> {
    let no = lab.gateway.ledger().by_id("p1").unwrap();
    let push = lab.gateway.ledger().get(no).unwrap();
    snapshot::push(push, lab.gateway.registry()).body
}

/// The value without what it does not say.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            let said = all.into_iter().filter(|(_, value)| !value.is_null());
            said.map(|(name, value)| (name, without_nulls(value)))
                .collect()
        }
        Value::Array(all) => all.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn in_json() -> Value {
    without_nulls(serde_json::from_str(JSON).unwrap())
}

#[test]
fn a_push_that_an_earlier_version_kept_in_json_goes_on_after_the_upgrade() {
    let mut lab = started_with(JSON.as_bytes());
    assert_eq!(lab.events("refused").len(), 0);
    let body = saved(&lab);
    assert_eq!(hex::digits(&body), OCTETS);
    assert_eq!(without_nulls(shown(&body)), in_json());
    lab.register(1);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn content_that_is_no_text_is_read_from_json() {
    let text = JSON.replace("\"text\":\"hello\"", "\"base64\":\"/wA=\"");
    let lab = started_with(text.as_bytes());
    let no = lab.gateway.ledger().by_id("p1").unwrap();
    let push = lab.gateway.ledger().get(no).unwrap();
    assert_eq!(&push.content.body[..], b"\xff\x00");
}

#[test]
fn the_octets_of_a_record_keep_their_meaning() {
    let octets = hex::octets(OCTETS).unwrap();
    assert_eq!(without_nulls(shown(&octets)), in_json());
    let mut lab = started_with(&octets);
    assert_eq!(saved(&lab), octets);
    lab.register(1);
    assert_eq!(lab.sirs().len(), 1);
}

#[test]
fn octets_that_are_cut_or_of_a_later_version_are_reported_and_left_alone() {
    let octets = hex::octets(OCTETS).unwrap();
    let mut later = octets.clone();
    later[0] = 3;
    for body in [&octets[..octets.len() - 1], &later, &[]] {
        let mut lab = started_with(body);
        assert_eq!(lab.events("refused").len(), 1);
        assert!(lab.gateway.ledger().by_id("p1").is_none());
        let kept = lab.records.values().next().unwrap();
        assert_eq!(kept.body, body);
    }
}
