//! The words that several events say: how a SIR travels, by what, what a device decided and why, how content went.

use serde::{Deserialize, Serialize};

/// How a SIR reaches the devices of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// One SIR to each wanted device, by its own route.
    #[serde(rename = "targeted")]
    Targeted,
    /// One SIR for all devices, naming none: each judges for itself.
    #[serde(rename = "fanout")]
    Fanout,
    /// One SIR for all devices, naming the wanted ones.
    #[serde(rename = "fanout+id")]
    FanoutId,
    /// All devices are woken, as before device identifiers were known.
    #[serde(rename = "legacy")]
    Legacy,
}

/// What carried something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bearer {
    /// A SIP MESSAGE.
    Sip,
    /// OTA-HTTP.
    Http,
    /// A WSP push datagram.
    Wsp,
    /// Short messages.
    Sms,
    /// Unstructured supplementary service data.
    Ussd,
    /// A short message or string tagged for the circuit domain.
    Cs,
    /// A datagram or short message tagged for the packet domain.
    Ps,
    /// A SIP request without a session purpose of its own: OPTIONS, NOTIFY.
    Signalling,
    /// A message in a session that is open for another service.
    Service,
    /// A message that browsers fetch.
    Web,
    /// A notification of Apple's push service.
    Apns,
    /// A message of Firebase Cloud Messaging.
    Fcm,
}

pub(super) const fn by_sip() -> Bearer {
    Bearer::Sip
}

impl Bearer {
    /// The word for it, as in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Http => "http",
            Self::Wsp => "wsp",
            Self::Sms => "sms",
            Self::Ussd => "ussd",
            Self::Cs => "cs",
            Self::Ps => "ps",
            Self::Signalling => "signalling",
            Self::Service => "service",
            Self::Web => "web",
            Self::Apns => "apns",
            Self::Fcm => "fcm",
        }
    }
}

/// What a device made of a SIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It opens a session.
    Connect,
    /// It does nothing.
    Skip,
    /// It declines and says so.
    Refuse,
}

/// Why a device decided so; the tokens of the refusal information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// An identifier in the SIR is the device's own.
    Match,
    /// None is, or the placements contradict each other.
    Mismatch,
    /// A session with this gateway is up.
    Already,
    /// The SIR is not trusted.
    Security,
    /// A set preference excludes it.
    Pref,
    /// The device lacks what the application needs.
    Capability,
    /// The user said so.
    User,
    /// The gateway named in the SIR is not one the client subscribed to.
    Ppg,
    /// The service is not subscribed to.
    Subscription,
    /// Too many sessions.
    Busy,
    /// The SIR's time is over.
    Expired,
    /// No judgement was asked for.
    None,
}

impl Reason {
    /// The word on the wire and in the log.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Already => "already",
            Self::Security => "security",
            Self::Pref => "pref",
            Self::Capability => "capability",
            Self::User => "user",
            Self::Ppg => "ppg",
            Self::Subscription => "subscription",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::None => "none",
        }
    }
}

/// Which way a content or an information went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A session opened for this push.
    New,
    /// A session that was up already.
    Existing,
    /// A SIP request.
    Sip,
    /// A session that is open for another service.
    Service,
    /// An HTTP request of a device: a push that it sends itself.
    Push,
    /// OTA-HTTP.
    Http,
    /// A WSP push datagram.
    Wsp,
    /// Short messages.
    Sms,
    /// Unstructured supplementary service data.
    Ussd,
    /// A message that a browser fetches.
    Web,
}

/// The end of a push for one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The device has it, confirmed.
    Delivered,
    /// The device declined.
    Refused,
    /// Its time was over first.
    Expired,
    /// The initiator took it back.
    Cancelled,
    /// No way led to the device, or it failed on it.
    Failed,
    /// The plan left the device out, or it got a SIR only because all devices did.
    NotWanted,
}

/// When an application was activated, seen from the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Before it was asked for.
    Before,
    /// After it was up.
    After,
}
