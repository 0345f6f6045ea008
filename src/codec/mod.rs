//! Octets to values and back.
//!
//! Every codec promises: `decode` of any octets ends with a value or a [`DecodeError`] that names the offset; nothing
//! panics, loops or grows without a bound; what was not understood survives a round trip untouched.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use core::fmt;

pub mod annotated;
pub mod apns;
pub mod corrupt;
pub mod cursor;
pub mod decimal;
pub mod deflate;
pub mod device_id;
pub mod download_descriptor;
pub mod fcm;
pub mod format;
pub mod guess;
pub mod hex;
pub mod imap;
pub mod installation;
mod json_text;
pub mod jwt;
mod lexeme;
pub mod message_summary;
pub mod mime;
pub mod msrp;
pub mod object;
pub mod ota_http;
pub mod pap;
pub mod pcap;
pub mod presence;
pub mod radio;
pub mod reader;
pub mod reginfo;
pub mod rows;
pub mod sdp;
pub mod sia;
pub mod sip;
pub mod sir;
pub mod site_message;
pub mod smpp;
pub mod sms;
pub mod stun;
pub mod uri;
pub mod ussd;
pub mod vector;
pub mod wbxml;
pub mod web_push;
pub mod wsp;
pub mod wtp;
pub mod xml;

/// Every wire format, by name; each codec adds its own lines.
pub const FORMATS: &[&format::Format] = &[
    &web_push::record::FORMAT,
    &apns::answer::FORMAT,
    &apns::payload::FORMAT,
    &pap::ADDRESS_FORMAT,
    &wbxml::co::XML_FORMAT,
    &wsp::fields::CONTENT_TYPE,
    &download_descriptor::FORMAT,
    &wbxml::emn::XML_FORMAT,
    &fcm::answer::FORMAT,
    &fcm::message::FORMAT,
    &wsp::fields::HEADERS,
    &installation::FORMAT,
    &wsp::fields::INTEGER_VALUE,
    &jwt::FORMAT,
    &message_summary::FORMAT,
    &msrp::format::FORMAT,
    &fcm::grant::FORMAT,
    &ota_http::HEADER_FORMAT,
    &ota_http::REQUEST_FORMAT,
    &ota_http::RESPONSE_FORMAT,
    &ota_http::VERSION_FORMAT,
    &pap::BODY_FORMAT,
    &pap::XML_FORMAT,
    &presence::FORMAT,
    &web_push::autopush::FORMAT,
    &wsp::fields::Q_VALUE,
    &wsp::fields::QUOTED_STRING,
    &reginfo::FORMAT,
    &sms::FORMAT_SCK,
    &wbxml::si::XML_FORMAT,
    &sia::FORMAT,
    &sip::FORMAT,
    &sir::format::FORMAT,
    &sir::format::FORMAT_TEXT,
    &wbxml::sl::XML_FORMAT,
    &smpp::FORMAT,
    &sms::FORMAT_DELIVER,
    &sms::FORMAT_SUBMIT,
    &sms::FORMAT_UD,
    &wsp::fields::TEXT_STRING,
    &ussd::FORMAT_UDCP,
    &wsp::fields::UINTVAR,
    &ussd::FORMAT_MOBILE_BEGIN,
    &ussd::FORMAT_MOBILE_CONTINUE,
    &ussd::FORMAT_STRING,
    &wsp::fields::VALUE_LENGTH,
    &web_push::vapid::FORMAT,
    &wsp::fields::VERSION_VALUE,
    &wbxml::co::FORMAT,
    &wbxml::emn::FORMAT,
    &wbxml::si::FORMAT,
    &wbxml::sl::FORMAT,
    &wsp::fields::FORMAT,
    &wtp::fields::FORMAT,
    &wtp::fields::TO_SERVER,
    &wtp::fields::TO_CLIENT,
];

/// Why octets were refused: which format, where, what kind of fault, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The format: `sip`, `sia`, `pap` ...
    pub format: &'static str,
    /// Octets before the fault, counted from the start of the outermost input.
    pub offset: usize,
    /// The kind of fault.
    pub class: Class,
    /// What should have stood there, as a noun phrase.
    pub expected: &'static str,
}

/// Kinds of fault; the names are those of the vector schema (`bad_length`, `text_unterminated` ...).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The input ends inside a field, or a required field is missing.
    Truncated,
    /// A declared length or count exceeds its container.
    BadLength,
    /// A uintvar with a leading 80.
    UintvarNonMinimal,
    /// A uintvar of more than five octets.
    UintvarTooLong,
    /// A uintvar above 32 bits.
    UintvarOverflow,
    /// No 00 before the end of the container.
    TextUnterminated,
    /// A field that is complete but outside its domain, or text outside the grammar.
    BadValue,
    /// A bound of [`crate::limits`] was passed.
    TooLarge,
    /// A mandatory header is absent.
    MissingHeader,
    /// A header that may stand once stands twice.
    Repeated,
    /// A client address that is none.
    AddressError,
    /// XML that is not well-formed.
    XmlNotWellFormed,
    /// XML that is not valid against its DTD.
    XmlInvalid,
    /// XML that tries what is not allowed: entities, processing instructions.
    XmlForbidden,
    /// A MIME structure that is broken.
    MimeBad,
    /// An unassigned PDU type.
    UnknownPdu,
    /// A WBXML token that is not in the document type.
    UnknownToken,
    /// A version of WTP that is not spoken.
    WtpVersion,
    /// Segmentation where the peer has none.
    WtpSarUnsupported,
    /// A version of the USSD carriage that is not spoken.
    UdcpVersion,
    /// Two segments that contradict one another.
    SegConflict,
    /// A rule above the syntax is broken.
    Semantic,
}

impl Class {
    /// The name in vector files, logs and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadLength => "bad_length",
            Self::UintvarNonMinimal => "uintvar_non_minimal",
            Self::UintvarTooLong => "uintvar_too_long",
            Self::UintvarOverflow => "uintvar_overflow",
            Self::TextUnterminated => "text_unterminated",
            Self::BadValue => "bad_value",
            Self::TooLarge => "too_large",
            Self::MissingHeader => "missing_header",
            Self::Repeated => "repeated",
            Self::AddressError => "address_error",
            Self::XmlNotWellFormed => "xml_not_well_formed",
            Self::XmlInvalid => "xml_invalid",
            Self::XmlForbidden => "xml_forbidden",
            Self::MimeBad => "mime_bad",
            Self::UnknownPdu => "unknown_pdu",
            Self::UnknownToken => "unknown_token",
            Self::WtpVersion => "wtp_version",
            Self::WtpSarUnsupported => "wtp_sar_unsupported",
            Self::UdcpVersion => "udcp_version",
            Self::SegConflict => "seg_conflict",
            Self::Semantic => "semantic",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at octet {}: {}, expected {}",
            self.format,
            self.offset,
            self.class.name(),
            self.expected
        )
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    /// The same fault inside an outer input, `base` octets further on.
    #[must_use]
    pub const fn within(self, base: usize) -> Self {
        Self {
            offset: self.offset.saturating_add(base),
            ..self
        }
    }
}

/// One field of a decoded input, for annotated output: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Octets before it.
    pub at: usize,
    /// Octets of it.
    pub len: usize,
    /// Its path: `sia.contacts[0].port`.
    pub path: String,
    /// Its value in words.
    pub value: String,
    /// The clause it comes from: `WAP-235 8.4`.
    pub clause: &'static str,
}
