//! Status codes and message states.
//!
//! **Source:** WAP-247 section 10 (codes), section 8 (message-state).

use core::fmt;

use serde::{Deserialize, Serialize};

/// A status code with a name. Codes travel as numbers: private ones (x500 to x999) and client aborts (5abc) have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Status {
    /// Done.
    Ok = 1000,
    /// A submission was taken.
    AcceptedForProcessing = 1001,
    /// The message could not be understood.
    BadRequest = 2000,
    /// Not allowed.
    Forbidden = 2001,
    /// At least one address is malformed or not served.
    AddressError = 2002,
    /// No such recipient of that message.
    AddressNotFound = 2003,
    /// No such message.
    PushIdNotFound = 2004,
    /// The client lacks what the content needs.
    CapabilitiesMismatch = 2005,
    /// The client does not support required capabilities.
    RequiredCapabilitiesNotSupported = 2006,
    /// The push-id was used before.
    DuplicatePushId = 2007,
    /// Too late to cancel.
    CancellationNotPossible = 2008,
    /// A fault of the gateway.
    InternalServerError = 3000,
    /// The operation is not served.
    NotImplemented = 3001,
    /// The version is not served.
    VersionNotSupported = 3002,
    /// The message is complete already.
    NotPossible = 3003,
    /// Capabilities entities are not served.
    CapabilityMatchingNotSupported = 3004,
    /// One address only, please.
    MultipleAddressesNotSupported = 3005,
    /// The content could not be transformed.
    TransformationFailure = 3006,
    /// The quality asked for cannot be had.
    SpecifiedDeliveryMethodNotPossible = 3007,
    /// The capabilities of the client are not known.
    CapabilitiesNotAvailable = 3008,
    /// The required network cannot be had.
    RequiredNetworkNotAvailable = 3009,
    /// The required bearer cannot be had.
    RequiredBearerNotAvailable = 3010,
    /// Replacing is not served.
    ReplacementNotSupported = 3011,
    /// Delivery failed; it may be tried again.
    ServiceFailure = 4000,
    /// The gateway is busy.
    ServiceUnavailable = 4001,
}

const ALL: [(Status, &str); 25] = [
    (Status::Ok, "OK"),
    (Status::AcceptedForProcessing, "Accepted for Processing"),
    (Status::BadRequest, "Bad Request"),
    (Status::Forbidden, "Forbidden"),
    (Status::AddressError, "Address Error"),
    (Status::AddressNotFound, "Address Not Found"),
    (Status::PushIdNotFound, "Push ID Not Found"),
    (Status::CapabilitiesMismatch, "Capabilities Mismatch"),
    (
        Status::RequiredCapabilitiesNotSupported,
        "Required Capabilities Not Supported",
    ),
    (Status::DuplicatePushId, "Duplicate Push ID"),
    (Status::CancellationNotPossible, "Cancellation Not Possible"),
    (Status::InternalServerError, "Internal Server Error"),
    (Status::NotImplemented, "Not Implemented"),
    (Status::VersionNotSupported, "Version Not Supported"),
    (Status::NotPossible, "Not Possible"),
    (
        Status::CapabilityMatchingNotSupported,
        "Capability Matching Not Supported",
    ),
    (
        Status::MultipleAddressesNotSupported,
        "Multiple Addresses Not Supported",
    ),
    (Status::TransformationFailure, "Transformation Failure"),
    (
        Status::SpecifiedDeliveryMethodNotPossible,
        "Specified Delivery Method Not Possible",
    ),
    (
        Status::CapabilitiesNotAvailable,
        "Capabilities Not Available",
    ),
    (
        Status::RequiredNetworkNotAvailable,
        "Required Network Not Available",
    ),
    (
        Status::RequiredBearerNotAvailable,
        "Required Bearer Not Available",
    ),
    (Status::ReplacementNotSupported, "Replacement Not Supported"),
    (Status::ServiceFailure, "Service Failure"),
    (Status::ServiceUnavailable, "Service Unavailable"),
];

impl Status {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The name in the standard, fit for a `desc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter()
            .find(|(status, _)| *status == self)
            .map_or("", |(_, name)| name)
    }

    /// The status of a number.
    #[must_use]
    pub fn of(code: u16) -> Option<Self> {
        ALL.iter()
            .map(|(status, _)| *status)
            .find(|status| status.code() == code)
    }

    /// The code for a client that aborted with a reason: 5000 and the reason's number (`abc` of 5abc).
    #[must_use]
    pub const fn client_aborted(reason: u16) -> u16 {
        5000_u16.saturating_add(if reason > 999 { 999 } else { reason })
    }

    /// True when the code says that it went well, known or not: its first digit decides.
    #[must_use]
    pub const fn is_success(code: u16) -> bool {
        matches!(code, 1000..=1999)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

/// What became of a message for one recipient.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// The gateway did not take it.
    Rejected,
    /// Taken, not delivered yet.
    #[default]
    Pending,
    /// Delivered.
    Delivered,
    /// It cannot be delivered.
    Undeliverable,
    /// Its time is over.
    Expired,
    /// The client aborted it.
    Aborted,
    /// No confirmation came in time.
    Timeout,
    /// The initiator took it back.
    Cancelled,
    /// The gateway does not know.
    Unknown,
}

impl MessageState {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Rejected, "rejected"),
        (Self::Pending, "pending"),
        (Self::Delivered, "delivered"),
        (Self::Undeliverable, "undeliverable"),
        (Self::Expired, "expired"),
        (Self::Aborted, "aborted"),
        (Self::Timeout, "timeout"),
        (Self::Cancelled, "cancelled"),
        (Self::Unknown, "unknown"),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("unknown", |(_, name)| name)
    }

    /// The state of a word.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, word)| *word == name)
            .map(|(state, _)| *state)
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
