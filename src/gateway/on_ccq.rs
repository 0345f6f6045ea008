//! What a client can take, for an initiator that asks in PAP.
//!
//! **Source:** WAP-247 sections 8.10, 8.11 (ccq-message, ccq-response), 10 (3008). An address may stand for several
//! devices, which its initiator does not see: told is what any of them takes, as one of them is enough for a delivery.

use serde_json::Value;

use super::Gateway;
use super::push::plan::same;
use super::registry::Device;
use crate::codec::pap::{Capabilities, CcqMessage, CcqResponse, Status};

impl Gateway {
    /// The answer, and the capabilities where any are known.
    pub(super) fn ccq_pap(&self, message: CcqMessage) -> (CcqResponse, Option<Capabilities>) {
        let told = self.capabilities_of(&message);
        let (status, desc) = match &told {
            Ok(_) => (Status::Ok, Status::Ok.name().to_owned()),
            Err((status, why)) => (*status, why.clone()),
        };
        let answer = CcqResponse {
            query_id: message.query_id,
            address: message.address,
            code: status.code(),
            desc: Some(desc),
        };
        (answer, told.ok())
    }

    fn capabilities_of(&self, message: &CcqMessage) -> Result<Capabilities, (Status, String)> {
        if self.hands_on() {
            // The other gateway is asked first.
            let why = "pushes are handed on here, and the other gateway was not reached";
            return Err((Status::ServiceUnavailable, why.to_owned()));
        }
        let devices = self
            .meant_by(&message.address)
            .map_err(|refused| (Status::AddressError, refused.desc))?;
        let has = |device: &&Device| match (&message.app_id, applications(device)) {
            (Some(app), Some(own)) => own.iter().any(|id| same(id, app)),
            _ => true,
        };
        let mut told = Capabilities::default();
        for device in devices.into_iter().filter(has) {
            join(&mut told, device);
        }
        if told == Capabilities::default() {
            let why = match &message.app_id {
                Some(app) => format!("nothing is known of a client with {app}"),
                None => "nothing is known of what the client takes".to_owned(),
            };
            return Err((Status::CapabilitiesNotAvailable, why));
        }
        Ok(told)
    }
}

fn applications(device: &Device) -> Option<&Vec<String>> {
    device.profile.capability.applications.as_ref()
}

/// Adds what the device takes.
fn join(told: &mut Capabilities, device: &Device) {
    let own = &device.profile.capability;
    add(&mut told.accept, own.accept.as_deref());
    add(&mut told.applications, own.applications.as_deref());
    told.octets_max = told.octets_max.max(own.octets_max);
    let Some(reported) = device.reported.get("capability") else {
        return;
    };
    for (list, name) in [
        (&mut told.charsets, "charsets"),
        (&mut told.encodings, "encodings"),
        (&mut told.languages, "languages"),
    ] {
        let items = reported.get(name).and_then(Value::as_array);
        let texts = items.map(|items| items.iter().filter_map(Value::as_str));
        let texts: Option<Vec<String>> = texts.map(|it| it.map(str::to_owned).collect());
        add(list, texts.as_deref());
    }
}

fn add(list: &mut Option<Vec<String>>, more: Option<&[String]>) {
    let Some(more) = more else { return };
    let list = list.get_or_insert_default();
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}
