//! What is known of a device beside its routes: subscription, preference, capability, presence, foreground.
//!
//! Values only. They come from the configuration, from the JSON interface and from what the device itself returned.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Bearer;
use crate::time::Time;

/// What the planner may know of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Applications the device subscribed to; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<Vec<String>>,
    /// What its user set.
    pub preference: Preference,
    /// What it can take.
    pub capability: Capability,
    /// Whether it is there, as a presence source says.
    pub presence: Presence,
    /// What its devices publish of that; it goes before what the source says, and is not kept.
    #[serde(skip)]
    pub published: Option<Presence>,
    /// The application in the foreground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreground: Option<String>,
    /// What reaches it, best first.
    pub bearers: Vec<Bearer>,
    /// Where it is reached, beside where it registered.
    #[serde(skip_serializing_if = "Addresses::is_empty")]
    pub addresses: Addresses,
}

/// Addresses of a device on bearers that know no registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Addresses {
    /// Its telephone number, for short messages and USSD: `+15550103`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// Where it takes WSP datagrams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wsp: Option<SocketAddr>,
    /// Where it takes OTA-HTTP: `http://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// The browser client that it is; without it, the bearer `web` means all of its identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<String>,
    /// Its token at Apple's push service, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apns: Option<String>,
    /// Its token at Firebase Cloud Messaging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fcm: Option<String>,
}

impl Addresses {
    /// True when there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let on_networks = self.msisdn.is_none() && self.wsp.is_none() && self.http.is_none();
        on_networks && self.web.is_none() && self.apns.is_none() && self.fcm.is_none()
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            subscriptions: None,
            preference: Preference::default(),
            capability: Capability::default(),
            presence: Presence::Unknown,
            published: None,
            foreground: None,
            bearers: vec![Bearer::Sip],
            addresses: Addresses::default(),
        }
    }
}

/// What a device's user set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preference {
    /// Whether pushes are wanted at all.
    pub deliver: Deliver,
    /// Applications whose pushes are not wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// No pushes before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_until: Option<Time>,
}

/// Whether pushes are wanted at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deliver {
    /// They are.
    #[default]
    Always,
    /// They are not.
    Never,
}

/// What a device can take; an absent member limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capability {
    /// Media types it accepts: `text/plain`, `image/*`, `*/*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept: Option<Vec<String>>,
    /// Applications it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<String>>,
    /// Octets of content it takes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub octets_max: Option<u64>,
}

/// Whether a device is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Nobody said.
    #[default]
    Unknown,
    /// It is.
    Open,
    /// It is not.
    Closed,
}

impl Profile {
    /// Whether the device is there, as it published, or as a presence source says.
    #[must_use]
    pub fn presence_now(&self) -> Presence {
        self.published.unwrap_or(self.presence)
    }

    /// Takes over what a device returned about itself; members of another shape than expected change nothing.
    pub fn learn(&mut self, kind: &str, told: &Value) {
        match kind {
            "capability" => {
                if let Some(accept) = strings(told.get("accept")) {
                    self.capability.accept = Some(accept);
                }
                if let Some(applications) = strings(told.get("applications")) {
                    self.capability.applications = Some(applications);
                }
                if let Some(most) = told.get("octets_max").and_then(Value::as_u64) {
                    self.capability.octets_max = Some(most);
                }
            }
            "preference" => {
                match told.get("deliver").and_then(Value::as_str) {
                    Some("always") => self.preference.deliver = Deliver::Always,
                    Some("never") => self.preference.deliver = Deliver::Never,
                    _ => {}
                }
                if let Some(exclude) = strings(told.get("exclude")) {
                    self.preference.exclude = exclude;
                }
            }
            "subscription" => {
                if let Some(services) = strings(told.get("services")) {
                    self.subscriptions = Some(services);
                }
            }
            _ => {}
        }
    }
}

/// A list of strings; `None` when it is none, so that a device cannot shut itself out by a slip.
fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    value?
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_returned_capability_replaces_what_was_known() {
        let mut profile = Profile::default();
        profile.learn(
            "capability",
            &json!({"accept": ["text/plain"], "octets_max": 500}),
        );
        assert_eq!(
            profile.capability.accept,
            Some(vec!["text/plain".to_owned()])
        );
        assert_eq!(profile.capability.octets_max, Some(500));
    }

    #[test]
    fn a_list_that_is_none_changes_nothing() {
        let mut profile = Profile::default();
        profile.learn("capability", &json!({"accept": [1, 2]}));
        profile.learn("subscription", &json!({"services": "all"}));
        assert_eq!(profile, Profile::default());
    }
}
