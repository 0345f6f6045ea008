//! Which of a device's identifiers a SIR names, as the command line tells it.

use serde_json::{Value, json};

use super::fields::SCHEMA;
use super::{DeviceId, Named, Sir};

/// What a SIR is to a device with these identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// `match`, `mismatch`, `conflict` or `unnamed`.
    pub verdict: &'static str,
    /// The own identifiers that are named, as written by the device.
    pub by: Vec<DeviceId>,
    /// Every device that is named.
    pub named: Vec<DeviceId>,
}

/// Which of a device's identifiers a SIR names.
#[must_use]
pub fn matching(sir: &Sir, own: &[DeviceId]) -> Matching {
    let (verdict, named) = match sir.devices() {
        Named::Nobody => ("unnamed", Vec::new()),
        Named::Conflict => {
            let all = [&sir.header, &sir.value, &sir.body];
            let all = all.into_iter().flat_map(|placed| placed.devices.clone());
            ("conflict", all.collect())
        }
        Named::These(devices) => ("mismatch", devices.into_iter().cloned().collect()),
    };
    let by: Vec<DeviceId> = own
        .iter()
        .filter(|id| named.iter().any(|device: &DeviceId| device.matches(id)))
        .cloned()
        .collect();
    let verdict = if verdict == "mismatch" && !by.is_empty() {
        "match"
    } else {
        verdict
    };
    Matching { verdict, by, named }
}

impl Matching {
    /// The JSON of the schema.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "verdict": self.verdict,
            "by": self.by,
            "named": self.named,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sir::Placement;

    const UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    fn id(text: &str) -> DeviceId {
        DeviceId::decode(text).unwrap()
    }

    #[test]
    fn r2_30_r2_31_a_sir_matches_every_device_it_names_and_no_other() {
        let sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com").with_devices(
            Placement::BODY,
            &[id(UUID), id("urn:gsma:imei:90420156-025763-0")],
        );
        let verdict = |own: &[&str]| {
            let own: Vec<DeviceId> = own.iter().map(|text| id(text)).collect();
            matching(&sir, &own).verdict
        };
        assert_eq!(verdict(&["F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"]), "match");
        assert_eq!(verdict(&["esn:80A1B2C3", "904201560257637"]), "match");
        assert_eq!(verdict(&["esn:80A1B2C3"]), "mismatch");
        let nobody = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
        assert_eq!(matching(&nobody, &[id(UUID)]).verdict, "unnamed");
        let odd = sir.with_devices(Placement::HEADER, &[id("esn:80A1B2C3")]);
        let matched = matching(&odd, &[id(UUID)]);
        assert_eq!(matched.verdict, "conflict");
        assert_eq!(matched.to_json()["by"], serde_json::json!([UUID]));
    }
}
