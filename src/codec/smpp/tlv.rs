//! Optional parameters: tag, length, value.
//!
//! **Source:** SMPP 3.4 section 5.3.2, SMPP 5.0 section 4.8.4. Broadcast parameters are kept as unknown ones are.

use super::Text;
use crate::codec::reader::{Digits, Place, Reader};
use crate::codec::{Class, DecodeError};

pub(super) const PLACE: Place = Place {
    path: "smpp.",
    clause: "SMPP 3.4 5.3.2",
};

/// The optional parameters of a PDU, in order, as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

/// One optional parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: u16,
    /// Its octets.
    pub octets: &'a [u8],
}

/// What the octets of a known parameter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number of so many octets.
    Number(usize),
    /// A text that ends with 00, of at most so many octets.
    Text(usize),
    /// Octets, from so many to so many.
    Octets(usize, usize),
}

macro_rules! tags {
    ($($name:ident = $tag:literal, $text:literal, $kind:expr;)*) => {
        /// Tags of optional parameters.
        pub mod tag {
            $(#[doc = concat!("`", $text, "`")] pub const $name: u16 = $tag;)*
        }

        /// Name and kind of a tag.
        pub(super) const fn known(number: u16) -> Option<(&'static str, Kind)> {
            match number {
                $(tag::$name => Some(($text, $kind)),)*
                _ => None,
            }
        }

        /// The tag of that name.
        pub(super) fn of_name(name: &str) -> Option<u16> {
            match name {
                $($text => Some(tag::$name),)*
                _ => None,
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, "dest_addr_subunit", Kind::Number(1);
    DEST_NETWORK_TYPE = 0x0006, "dest_network_type", Kind::Number(1);
    DEST_BEARER_TYPE = 0x0007, "dest_bearer_type", Kind::Number(1);
    DEST_TELEMATICS_ID = 0x0008, "dest_telematics_id", Kind::Number(2);
    SOURCE_ADDR_SUBUNIT = 0x000D, "source_addr_subunit", Kind::Number(1);
    SOURCE_NETWORK_TYPE = 0x000E, "source_network_type", Kind::Number(1);
    SOURCE_BEARER_TYPE = 0x000F, "source_bearer_type", Kind::Number(1);
    SOURCE_TELEMATICS_ID = 0x0010, "source_telematics_id", Kind::Number(1);
    QOS_TIME_TO_LIVE = 0x0017, "qos_time_to_live", Kind::Number(4);
    PAYLOAD_TYPE = 0x0019, "payload_type", Kind::Number(1);
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D, "additional_status_info_text", Kind::Text(256);
    RECEIPTED_MESSAGE_ID = 0x001E, "receipted_message_id", Kind::Text(65);
    MS_MSG_WAIT_FACILITIES = 0x0030, "ms_msg_wait_facilities", Kind::Number(1);
    PRIVACY_INDICATOR = 0x0201, "privacy_indicator", Kind::Number(1);
    SOURCE_SUBADDRESS = 0x0202, "source_subaddress", Kind::Octets(2, 23);
    DEST_SUBADDRESS = 0x0203, "dest_subaddress", Kind::Octets(2, 23);
    USER_MESSAGE_REFERENCE = 0x0204, "user_message_reference", Kind::Number(2);
    USER_RESPONSE_CODE = 0x0205, "user_response_code", Kind::Number(1);
    SOURCE_PORT = 0x020A, "source_port", Kind::Number(2);
    DESTINATION_PORT = 0x020B, "destination_port", Kind::Number(2);
    SAR_MSG_REF_NUM = 0x020C, "sar_msg_ref_num", Kind::Number(2);
    LANGUAGE_INDICATOR = 0x020D, "language_indicator", Kind::Number(1);
    SAR_TOTAL_SEGMENTS = 0x020E, "sar_total_segments", Kind::Number(1);
    SAR_SEGMENT_SEQNUM = 0x020F, "sar_segment_seqnum", Kind::Number(1);
    SC_INTERFACE_VERSION = 0x0210, "sc_interface_version", Kind::Number(1);
    CALLBACK_NUM_PRES_IND = 0x0302, "callback_num_pres_ind", Kind::Number(1);
    CALLBACK_NUM_ATAG = 0x0303, "callback_num_atag", Kind::Octets(0, 65);
    NUMBER_OF_MESSAGES = 0x0304, "number_of_messages", Kind::Number(1);
    CALLBACK_NUM = 0x0381, "callback_num", Kind::Octets(4, 19);
    DPF_RESULT = 0x0420, "dpf_result", Kind::Number(1);
    SET_DPF = 0x0421, "set_dpf", Kind::Number(1);
    MS_AVAILABILITY_STATUS = 0x0422, "ms_availability_status", Kind::Number(1);
    NETWORK_ERROR_CODE = 0x0423, "network_error_code", Kind::Octets(3, 3);
    MESSAGE_PAYLOAD = 0x0424, "message_payload", Kind::Octets(0, 65_535);
    DELIVERY_FAILURE_REASON = 0x0425, "delivery_failure_reason", Kind::Number(1);
    MORE_MESSAGES_TO_SEND = 0x0426, "more_messages_to_send", Kind::Number(1);
    MESSAGE_STATE = 0x0427, "message_state", Kind::Number(1);
    CONGESTION_STATE = 0x0428, "congestion_state", Kind::Number(1);
    USSD_SERVICE_OP = 0x0501, "ussd_service_op", Kind::Number(1);
    BILLING_IDENTIFICATION = 0x060B, "billing_identification", Kind::Octets(1, 1024);
    SOURCE_NETWORK_ID = 0x060D, "source_network_id", Kind::Text(66);
    DEST_NETWORK_ID = 0x060E, "dest_network_id", Kind::Text(66);
    SOURCE_NODE_ID = 0x060F, "source_node_id", Kind::Octets(6, 6);
    DEST_NODE_ID = 0x0610, "dest_node_id", Kind::Octets(6, 6);
    DISPLAY_TIME = 0x1201, "display_time", Kind::Number(1);
    SMS_SIGNAL = 0x1203, "sms_signal", Kind::Number(2);
    MS_VALIDITY = 0x1204, "ms_validity", Kind::Octets(1, 4);
    ALERT_ON_MESSAGE_DELIVERY = 0x130C, "alert_on_message_delivery", Kind::Octets(0, 1);
    ITS_REPLY_TYPE = 0x1380, "its_reply_type", Kind::Number(1);
    ITS_SESSION_INFO = 0x1383, "its_session_info", Kind::Octets(2, 2);
}

impl<'a> Tlvs<'a> {
    /// No parameters.
    #[must_use]
    pub const fn none() -> Self {
        Self(&[])
    }

    /// Parameters that were written with [`put_number`] and [`put_octets`].
    ///
    /// # Errors
    /// The first octet that is not of a whole parameter.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new("smpp", PLACE, octets, true))
    }

    /// The parameters in order.
    pub fn iter(self) -> impl Iterator<Item = Tlv<'a>> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (head, tail) = rest.split_first_chunk::<4>()?;
            let [t0, t1, l0, l1] = *head;
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let octets = tail.get(..length)?;
            rest = tail.get(length..)?;
            Some(Tlv {
                tag: u16::from_be_bytes([t0, t1]),
                octets,
            })
        })
    }

    /// The octets of the first parameter with this tag.
    #[must_use]
    pub fn octets(self, tag: u16) -> Option<&'a [u8]> {
        self.iter().find(|it| it.tag == tag).map(|it| it.octets)
    }

    /// The number of the first parameter with this tag, if it has one.
    #[must_use]
    pub fn number(self, tag: u16) -> Option<u32> {
        self.iter().find(|it| it.tag == tag).and_then(Tlv::number)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// All their octets.
    #[must_use]
    pub const fn as_octets(self) -> &'a [u8] {
        self.0
    }

    /// Reads the rest of the reader's octets, and notes each field.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut whole = reader.cursor;
        let place = reader.enter(PLACE);
        let mut number = 0_usize;
        while !reader.cursor.is_empty() {
            one(reader, number)?;
            number = number.saturating_add(1);
        }
        reader.enter(place);
        Ok(Self(whole.rest()))
    }
}

impl<'a> Tlv<'a> {
    /// The number of a parameter that is one, and as long as it should be.
    #[must_use]
    pub fn number(self) -> Option<u32> {
        match known(self.tag) {
            Some((_, Kind::Number(length))) if length == self.octets.len() => Some(
                self.octets
                    .iter()
                    .fold(0, |sum, octet| sum << 8 | u32::from(*octet)),
            ),
            _ => None,
        }
    }

    /// The text of a parameter that is one, without its 00.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        match (known(self.tag), self.octets) {
            (Some((_, Kind::Text(_))), [text @ .., 0]) if !text.contains(&0) => Some(Text(text)),
            _ => None,
        }
    }

    fn is_sound(self) -> bool {
        let length = self.octets.len();
        match known(self.tag) {
            Some((_, Kind::Number(octets))) => octets == length,
            Some((_, Kind::Text(most))) => self.text().is_some() && length <= most,
            Some((_, Kind::Octets(least, most))) => (least..=most).contains(&length),
            None => true,
        }
    }
}

/// Appends a parameter that is a number, as long as its tag wants; the octets that do not fit are left out.
pub fn put_number(out: &mut Vec<u8>, tag: u16, number: u32) {
    let length = match known(tag) {
        Some((_, Kind::Number(length))) => length.min(4),
        _ => 4,
    };
    let octets = number.to_be_bytes();
    let from = octets.len().saturating_sub(length);
    put_octets(out, tag, octets.get(from..).unwrap_or_default());
}

/// Appends a parameter; octets beyond 65,535 are left out.
pub fn put_octets(out: &mut Vec<u8>, tag: u16, octets: &[u8]) {
    let octets = octets.get(..65_535).unwrap_or(octets);
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    out.extend(tag.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend(octets);
}

fn one(reader: &mut Reader<'_>, number: usize) -> Result<(), DecodeError> {
    let at = reader.at();
    let tag = reader
        .cursor
        .big_endian(2, Class::Truncated, "the tag of a parameter")?;
    let tag = u16::try_from(tag).unwrap_or_default();
    let name = known(tag).map_or("octets", |(name, _)| name);
    reader.note(
        at,
        format_args!("tlvs[{number}].tag"),
        format_args!("{tag:04x} {name}"),
    );
    let length_at = reader.at();
    let length = reader
        .cursor
        .big_endian(2, Class::Truncated, "the length of a parameter")?;
    reader.note(length_at, format_args!("tlvs[{number}].length"), length);
    let at = reader.at();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let octets = reader
        .cursor
        .take(length, Class::BadLength, "a parameter inside the PDU")
        .map_err(|fault| DecodeError {
            offset: length_at,
            ..fault
        })?;
    let tlv = Tlv { tag, octets };
    let path = format_args!("tlvs[{number}].{name}");
    match (tlv.number(), tlv.text()) {
        (Some(value), _) => reader.note(at, path, value),
        (None, Some(text)) => reader.note(at, path, text),
        (None, None) => reader.note(at, path, Digits(octets)),
    }
    if !tlv.is_sound() {
        reader.deviate(
            length_at,
            Class::BadLength,
            "a parameter as long as its kind is",
        )?;
    }
    Ok(())
}
