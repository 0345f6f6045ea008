//! SIRs as JSON, for people and programs at the command line; reads back what it writes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{App, Ask, DeviceId, Named, Placed, SIA_APPLICATION, SiaContent, Sir};
use crate::codec::format::FieldFault;
use crate::codec::sia::fields::SiaFields;

/// The schema's name and version.
pub const SCHEMA: &str = "sirgate.sir/1";

/// The fields of a SIR; what was computed from them (`ppg`, `named`) is there to be read only.
#[must_use]
pub fn fields_of(sir: &Sir) -> Value {
    let fields = SirFields {
        client: sir.client.clone(),
        server: sir.server.clone(),
        other_server: sir.other_server.clone(),
        ppg: Some(sir.ppg().to_owned()),
        id: sir.id.clone(),
        pui: sir.pui.clone(),
        application: sir.application.clone(),
        targeted: sir.targeted,
        header: PlacedFields::of(&sir.header),
        value: PlacedFields::of(&sir.value),
        body: PlacedFields::of(&sir.body),
        named: Some(named(sir)),
        sia: match &sir.sia {
            SiaContent::Empty => None,
            SiaContent::Binary(sia) => Some(SiaFields::of(sia)),
        },
    };
    serde_json::to_value(fields).unwrap_or_default()
}

/// The SIR of such fields.
///
/// # Errors
/// A missing client or server, an unknown field, a malformed identifier, address or question.
pub fn sir_of(fields: &Value) -> Result<Sir, FieldFault> {
    let fields = SirFields::deserialize(fields).map_err(FieldFault::new)?;
    let mut sir = Sir::new(&fields.client, &fields.server);
    sir.other_server = fields.other_server;
    sir.id = fields.id;
    sir.pui = fields.pui;
    sir.application = fields.application;
    sir.targeted = fields.targeted;
    sir.header = fields.header.read()?;
    sir.value = fields.value.read()?;
    sir.body = fields.body.read()?;
    if let Some(sia) = fields.sia {
        sir.sia = SiaContent::Binary(sia.read()?);
    }
    Ok(sir)
}

fn named(sir: &Sir) -> Value {
    match sir.devices() {
        Named::Nobody => "nobody".into(),
        Named::Conflict => "conflict".into(),
        Named::These(devices) => devices.into_iter().map(DeviceId::as_str).collect(),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SirFields {
    client: String,
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_server: Option<String>,
    #[serde(default)]
    ppg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pui: Option<String>,
    #[serde(default = "application")]
    application: String,
    #[serde(default)]
    targeted: bool,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    header: PlacedFields,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    value: PlacedFields,
    #[serde(default, skip_serializing_if = "PlacedFields::is_empty")]
    body: PlacedFields,
    #[serde(default)]
    named: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sia: Option<SiaFields>,
}

fn application() -> String {
    SIA_APPLICATION.to_owned()
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PlacedFields {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ask: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<App>,
}

impl PlacedFields {
    fn of(placed: &Placed) -> Self {
        Self {
            devices: placed.devices.iter().map(ToString::to_string).collect(),
            ask: placed
                .ask
                .into_iter()
                .flat_map(Ask::tokens)
                .map(str::to_owned)
                .collect(),
            apps: placed.apps.clone(),
        }
    }

    const fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.ask.is_empty() && self.apps.is_empty()
    }

    fn read(self) -> Result<Placed, FieldFault> {
        let devices = self
            .devices
            .iter()
            .map(|text| {
                DeviceId::decode(text)
                    .map_err(|fault| FieldFault::new(format_args!("device {text:?}: {fault}")))
            })
            .collect::<Result<_, _>>()?;
        let ask: Ask = self.ask.join(",").parse().map_err(FieldFault::new)?;
        Ok(Placed {
            devices,
            ask: (!ask.is_empty()).then_some(ask),
            apps: self.apps,
        })
    }
}
