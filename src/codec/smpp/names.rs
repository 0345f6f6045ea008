//! Assigned numbers of SMPP: commands, statuses, and what a number in a field means.
//!
//! **Source:** SMPP 3.4 sections 5.1.2.1, 5.1.3 and 5.2, SMPP 5.0 section 4.7.

use core::fmt;

/// A command id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(pub u32);

/// A command status; zero in every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

/// The bit of a command id that makes it a response.
const RESPONSE: u32 = 0x8000_0000;

/// Numbers of `$kind` with their names in the standard, both ways.
macro_rules! names {
    ($kind:ident: $($name:ident = $number:literal, $text:literal;)*) => {
        impl $kind {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($number);)*

            /// The name in the standard, if it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }

            /// What has that name in the standard.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    Command:
    BIND_RECEIVER = 0x0000_0001, "bind_receiver";
    BIND_TRANSMITTER = 0x0000_0002, "bind_transmitter";
    QUERY_SM = 0x0000_0003, "query_sm";
    SUBMIT_SM = 0x0000_0004, "submit_sm";
    DELIVER_SM = 0x0000_0005, "deliver_sm";
    UNBIND = 0x0000_0006, "unbind";
    REPLACE_SM = 0x0000_0007, "replace_sm";
    CANCEL_SM = 0x0000_0008, "cancel_sm";
    BIND_TRANSCEIVER = 0x0000_0009, "bind_transceiver";
    OUTBIND = 0x0000_000B, "outbind";
    ENQUIRE_LINK = 0x0000_0015, "enquire_link";
    SUBMIT_MULTI = 0x0000_0021, "submit_multi";
    ALERT_NOTIFICATION = 0x0000_0102, "alert_notification";
    DATA_SM = 0x0000_0103, "data_sm";
    BROADCAST_SM = 0x0000_0111, "broadcast_sm";
    QUERY_BROADCAST_SM = 0x0000_0112, "query_broadcast_sm";
    CANCEL_BROADCAST_SM = 0x0000_0113, "cancel_broadcast_sm";
    GENERIC_NACK = 0x8000_0000, "generic_nack";
    BIND_RECEIVER_RESP = 0x8000_0001, "bind_receiver_resp";
    BIND_TRANSMITTER_RESP = 0x8000_0002, "bind_transmitter_resp";
    QUERY_SM_RESP = 0x8000_0003, "query_sm_resp";
    SUBMIT_SM_RESP = 0x8000_0004, "submit_sm_resp";
    DELIVER_SM_RESP = 0x8000_0005, "deliver_sm_resp";
    UNBIND_RESP = 0x8000_0006, "unbind_resp";
    REPLACE_SM_RESP = 0x8000_0007, "replace_sm_resp";
    CANCEL_SM_RESP = 0x8000_0008, "cancel_sm_resp";
    BIND_TRANSCEIVER_RESP = 0x8000_0009, "bind_transceiver_resp";
    ENQUIRE_LINK_RESP = 0x8000_0015, "enquire_link_resp";
    SUBMIT_MULTI_RESP = 0x8000_0021, "submit_multi_resp";
    DATA_SM_RESP = 0x8000_0103, "data_sm_resp";
    BROADCAST_SM_RESP = 0x8000_0111, "broadcast_sm_resp";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112, "query_broadcast_sm_resp";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113, "cancel_broadcast_sm_resp";
}

names! {
    Status:
    OK = 0x00, "ESME_ROK";
    INVALID_MESSAGE_LENGTH = 0x01, "ESME_RINVMSGLEN";
    INVALID_COMMAND_LENGTH = 0x02, "ESME_RINVCMDLEN";
    INVALID_COMMAND = 0x03, "ESME_RINVCMDID";
    WRONG_BIND_STATE = 0x04, "ESME_RINVBNDSTS";
    ALREADY_BOUND = 0x05, "ESME_RALYBND";
    INVALID_PRIORITY = 0x06, "ESME_RINVPRTFLG";
    INVALID_REGISTERED_DELIVERY = 0x07, "ESME_RINVREGDLVFLG";
    SYSTEM_ERROR = 0x08, "ESME_RSYSERR";
    INVALID_SOURCE = 0x0A, "ESME_RINVSRCADR";
    INVALID_DESTINATION = 0x0B, "ESME_RINVDSTADR";
    INVALID_MESSAGE_ID = 0x0C, "ESME_RINVMSGID";
    BIND_FAILED = 0x0D, "ESME_RBINDFAIL";
    INVALID_PASSWORD = 0x0E, "ESME_RINVPASWD";
    INVALID_SYSTEM_ID = 0x0F, "ESME_RINVSYSID";
    CANCEL_FAILED = 0x11, "ESME_RCANCELFAIL";
    REPLACE_FAILED = 0x13, "ESME_RREPLACEFAIL";
    QUEUE_FULL = 0x14, "ESME_RMSGQFUL";
    INVALID_SERVICE_TYPE = 0x15, "ESME_RINVSERTYP";
    INVALID_DESTINATION_COUNT = 0x33, "ESME_RINVNUMDESTS";
    INVALID_LIST_NAME = 0x34, "ESME_RINVDLNAME";
    INVALID_DESTINATION_FLAG = 0x40, "ESME_RINVDESTFLAG";
    INVALID_SUBMIT_WITH_REPLACE = 0x42, "ESME_RINVSUBREP";
    INVALID_ESM_CLASS = 0x43, "ESME_RINVESMCLASS";
    LIST_SUBMIT_FAILED = 0x44, "ESME_RCNTSUBDL";
    SUBMIT_FAILED = 0x45, "ESME_RSUBMITFAIL";
    INVALID_SOURCE_TON = 0x48, "ESME_RINVSRCTON";
    INVALID_SOURCE_NPI = 0x49, "ESME_RINVSRCNPI";
    INVALID_DESTINATION_TON = 0x50, "ESME_RINVDSTTON";
    INVALID_DESTINATION_NPI = 0x51, "ESME_RINVDSTNPI";
    INVALID_SYSTEM_TYPE = 0x53, "ESME_RINVSYSTYP";
    INVALID_REPLACE_FLAG = 0x54, "ESME_RINVREPFLAG";
    INVALID_MESSAGE_COUNT = 0x55, "ESME_RINVNUMMSGS";
    THROTTLED = 0x58, "ESME_RTHROTTLED";
    INVALID_SCHEDULE = 0x61, "ESME_RINVSCHED";
    INVALID_EXPIRY = 0x62, "ESME_RINVEXPIRY";
    INVALID_DEFAULT_MESSAGE = 0x63, "ESME_RINVDFTMSGID";
    RECEIVER_TEMPORARY = 0x64, "ESME_RX_T_APPN";
    RECEIVER_PERMANENT = 0x65, "ESME_RX_P_APPN";
    RECEIVER_REJECTED = 0x66, "ESME_RX_R_APPN";
    QUERY_FAILED = 0x67, "ESME_RQUERYFAIL";
    INVALID_TLV_STREAM = 0xC0, "ESME_RINVOPTPARSTREAM";
    TLV_NOT_ALLOWED = 0xC1, "ESME_ROPTPARNOTALLWD";
    INVALID_TLV_LENGTH = 0xC2, "ESME_RINVPARLEN";
    MISSING_TLV = 0xC3, "ESME_RMISSINGOPTPARAM";
    INVALID_TLV_VALUE = 0xC4, "ESME_RINVOPTPARAMVAL";
    DELIVERY_FAILURE = 0xFE, "ESME_RDELIVERYFAILURE";
    UNKNOWN_ERROR = 0xFF, "ESME_RUNKNOWNERR";
    SERVICE_NOT_AUTHORISED = 0x100, "ESME_RSERTYPUNAUTH";
    PROHIBITED = 0x101, "ESME_RPROHIBITED";
    SERVICE_UNAVAILABLE = 0x102, "ESME_RSERTYPUNAVAIL";
    SERVICE_DENIED = 0x103, "ESME_RSERTYPDENIED";
    INVALID_DATA_CODING = 0x104, "ESME_RINVDCS";
    INVALID_SOURCE_SUBUNIT = 0x105, "ESME_RINVSRCADDRSUBUNIT";
    INVALID_DESTINATION_SUBUNIT = 0x106, "ESME_RINVDSTADDRSUBUNIT";
}

impl Command {
    /// Whether it answers another.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE != 0
    }

    /// The response to it.
    #[must_use]
    pub const fn response(self) -> Self {
        Self(self.0 | RESPONSE)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

/// The value of a one-octet field in words, where words help.
pub(super) fn meaning(field: &str, value: u8) -> Option<&'static str> {
    let words = match field {
        "source_ton" | "dest_ton" | "addr_ton" | "esme_ton" => &[
            "unknown",
            "international",
            "national",
            "network specific",
            "subscriber number",
            "alphanumeric",
            "abbreviated",
        ][..],
        "message_state" => &[
            "scheduled",
            "enroute",
            "delivered",
            "expired",
            "deleted",
            "undeliverable",
            "accepted",
            "unknown",
            "rejected",
            "skipped",
        ],
        "esm_class" if value & 0x40 != 0 => return Some("user data header"),
        "esm_class" if value & 0x3C == 0x04 => return Some("delivery receipt"),
        "data_coding" => {
            return match value {
                0 => Some("default alphabet of the message centre"),
                1 => Some("ASCII"),
                2 | 4 => Some("octets"),
                3 => Some("Latin 1"),
                8 => Some("UCS2"),
                0xF0..=0xFF if value & 4 != 0 => Some("octets with a class"),
                _ => None,
            };
        }
        "interface_version" => {
            return match value {
                0x33 => Some("SMPP 3.3"),
                0x34 => Some("SMPP 3.4"),
                0x50 => Some("SMPP 5.0"),
                _ => None,
            };
        }
        _ => return None,
    };
    words.get(usize::from(value)).copied()
}
