//! TPDUs as the two ends of the radio write them: SMS-DELIVER and SMS-SUBMIT of given user data.
//!
//! **Source:** 3GPP TS 23.040 sections 9.2.2.1 and 9.2.2.2. Not here: validity periods, reports (`codec::radio`).

use super::address::Address;
use super::alphabet::{Alphabet, fill_bits, pack};
use super::timestamp::Timestamp;
use super::tpdu::{NO_MORE_MESSAGES, UDHI};
use crate::codec::format::FieldFault;

/// What a TPDU carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load<'a> {
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub coding: u8,
    /// Octets of the user data header with its length, at the front of the octets; 0 for none.
    pub header_octets: usize,
    /// Header and payload; text of the 7-bit alphabet with one septet an octet.
    pub octets: &'a [u8],
}

impl Load<'_> {
    /// User data of octets with a header, which tells its own length.
    #[must_use]
    pub fn octets(octets: &[u8]) -> Load<'_> {
        let length = octets.first().copied().map_or(0, usize::from);
        Load {
            protocol: 0,
            coding: OCTETS_CLASS_1,
            header_octets: length.saturating_add(1),
            octets,
        }
    }

    /// TP-UDL and TP-UD.
    fn user_data(&self) -> Result<Vec<u8>, FieldFault> {
        let fault = || FieldFault::new("user data: longer than a short message");
        let alphabet = Alphabet::of(self.coding);
        let (header, payload) = self
            .octets
            .split_at_checked(self.header_octets)
            .ok_or_else(|| FieldFault::new("user data: shorter than its header"))?;
        let (length, user_data) = if alphabet == Alphabet::Gsm7 {
            let before = header.len().saturating_mul(8).div_ceil(7);
            let fill = fill_bits(header.len());
            let packed = pack(payload.iter().copied(), fill);
            (
                before.saturating_add(payload.len()),
                [header, &packed].concat(),
            )
        } else {
            (self.octets.len(), self.octets.to_vec())
        };
        let length = u8::try_from(length).map_err(|_| fault())?;
        if length > alphabet.units_max() {
            return Err(fault());
        }
        Ok([&[length], user_data.as_slice()].concat())
    }

    const fn flags(&self) -> u8 {
        if self.header_octets > 0 { UDHI } else { 0 }
    }
}

/// The coding of octets of class 1.
const OCTETS_CLASS_1: u8 = 0xF5;

/// SMS-DELIVER; no more messages wait.
///
/// # Errors
/// An originator that is neither a number nor a name, user data longer than 140 octets or 160 septets.
pub fn deliver(
    originator: &str,
    stamp: &Timestamp,
    load: &Load<'_>,
) -> Result<Vec<u8>, FieldFault> {
    let mut out = vec![NO_MORE_MESSAGES | load.flags()];
    out.extend(Address::encode(originator, None, "oa")?);
    out.extend([load.protocol, load.coding]);
    out.extend(stamp.encode());
    out.extend(load.user_data()?);
    Ok(out)
}

/// SMS-SUBMIT without a validity period.
///
/// # Errors
/// As [`deliver`].
pub fn submit(reference: u8, destination: &str, load: &Load<'_>) -> Result<Vec<u8>, FieldFault> {
    let mut out = vec![0x01 | load.flags(), reference];
    out.extend(Address::encode(destination, None, "da")?);
    out.extend([load.protocol, load.coding]);
    out.extend(load.user_data()?);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sms::tpdu::{From, Tpdu};
    use crate::codec::sms::{Ports, Reference, segments};

    fn stamp() -> Timestamp {
        Timestamp::decode(&[0x62, 0x11, 0x12, 0x81, 0x03, 0x00, 0x00]).unwrap()
    }

    #[test]
    fn a_segment_comes_back_out_of_a_deliver() {
        let parts = segments(&[0x5A; 300], Ports::PUSH, Reference::Sixteen(9)).unwrap();
        let octets = deliver("+15550199", &stamp(), &Load::octets(&parts[0])).unwrap();
        let Tpdu::Deliver(read) = Tpdu::decode(&octets, From::ServiceCentre).unwrap() else {
            panic!("no DELIVER")
        };
        assert_eq!(read.originator.to_string(), "+15550199");
        assert_eq!(read.text.user_data.ports(), Some(Ports::PUSH));
        assert_eq!(read.text.user_data.concatenation().unwrap().total, 3);
        assert_eq!(usize::from(read.text.length), parts[0].len());
    }

    #[test]
    fn text_is_packed_and_reads_back() {
        let load = Load {
            protocol: 0,
            coding: 0,
            header_octets: 0,
            octets: b"hello",
        };
        let octets = deliver("shop", &stamp(), &load).unwrap();
        let Tpdu::Deliver(read) = Tpdu::decode(&octets, From::ServiceCentre).unwrap() else {
            panic!("no DELIVER")
        };
        assert_eq!(read.text.text().as_deref(), Some("hello"));
        assert!(read.originator.is_name());
    }

    #[test]
    fn a_submit_reads_back_with_its_reference() {
        let parts = segments(
            b"{}",
            Ports {
                destination: 9200,
                source: 2948,
            },
            Reference::Eight(1),
        );
        let octets = submit(77, "2948", &Load::octets(&parts.unwrap()[0])).unwrap();
        let Tpdu::Submit(read) = Tpdu::decode(&octets, From::Mobile).unwrap() else {
            panic!("no SUBMIT")
        };
        assert_eq!(
            (read.reference, read.destination.to_string().as_str()),
            (77, "2948")
        );
        assert_eq!(read.text.user_data.payload, b"{}");
    }

    #[test]
    fn user_data_beyond_a_short_message_is_refused() {
        let mut octets = vec![0; 140];
        assert!(deliver("1", &stamp(), &Load::octets(&octets)).is_ok());
        octets.push(0);
        assert!(deliver("1", &stamp(), &Load::octets(&octets)).is_err());
        let short = Load {
            header_octets: 9,
            ..Load::octets(&[0])
        };
        assert!(deliver("1", &stamp(), &short).is_err());
    }
}
