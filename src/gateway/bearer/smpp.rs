//! A SIR in short messages and USSD strings, as an ESME submits them, and what becomes of a submission.
//!
//! **Source:** WAP-259 sections 6.3 (short messages) and 6.4 (USSD), SMPP 3.4 sections 4.7 (data_sm, whose is dest_bearer_type)
//! and 5.3.2.5,
//! 3GPP TS 23.040. Ports are 2948 of the device and 9200 of the gateway. The tag of the circuit or packet domain says
//! over which of them the message centre shall deliver.

use bytes::Bytes;

use super::sip::Reading;
use crate::codec::sir::Wrapped;
use crate::codec::smpp::{Status, put_number, tag};
use crate::codec::sms::segment::segments;
use crate::codec::sms::{Ports, Reference};
use crate::codec::ussd::{Operation, strings};
use crate::codec::wsp::sir::push_of;
use crate::event::Bearer;
use crate::protocol::smpp::esme::{Outcome, Refusal, Submission};
use crate::protocol::smpp::{Address, ShortMessage, State};
use crate::time::Time;

/// A receipt at the end, good or bad.
const RECEIPT: u8 = 1;
/// dest_bearer_type of the circuit domain, and of the packet domain.
const DOMAINS: (u32, u32) = (2, 3);

/// Who a submission is between, and the numbers in it.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    /// Our short code.
    pub from: &'a str,
    /// The device's number.
    pub to: &'a str,
    /// What the segments have in common.
    pub reference: u16,
    /// The push id of the datagram.
    pub push_id: u8,
    /// Until when the push is of use.
    pub until: Time,
}

/// The submission with a SIR, under that number; `None` when it is too long for the bearer. Of USSD its parts are the
/// strings of a dialogue.
#[must_use]
pub fn submission_of(
    id: u64,
    bearer: Bearer,
    sir: &Wrapped,
    between: &Between<'_>,
) -> Option<Submission> {
    let datagram = push_of(sir, between.push_id);
    let reference = Reference::Sixteen(between.reference);
    let (from, to) = (Address::of(between.from), Address::of(between.to));
    let mut message = ShortMessage::of_user_data(from, to, Bytes::new());
    message.registered_delivery = RECEIPT;
    let mut tlvs = Vec::new();
    match bearer {
        Bearer::Cs => put_number(&mut tlvs, tag::DEST_BEARER_TYPE, DOMAINS.0),
        Bearer::Ps => put_number(&mut tlvs, tag::DEST_BEARER_TYPE, DOMAINS.1),
        _ => {}
    }
    message.tlvs = tlvs.into();
    let parts = if bearer == Bearer::Ussd {
        message.esm_class = 0;
        let octets_max = Operation::RequestBegin.octets_max();
        strings(&datagram, Ports::PUSH, reference, octets_max)
    } else {
        segments(&datagram, Ports::PUSH, reference)
    };
    let parts = parts.ok()?.into_iter().map(Bytes::from).collect();
    Some(Submission {
        // The domain is a parameter of data_sm alone.
        as_data: matches!(bearer, Bearer::Cs | Bearer::Ps),
        until: Some(between.until),
        ..Submission::new(id, message, parts)
    })
}

/// Reads how a submission ended: a status of SIP that says the same, and what to do; `None` while it is under way.
#[must_use]
pub const fn read(outcome: &Outcome) -> Option<(u16, Reading)> {
    let (status, why) = match outcome {
        Outcome::Accepted { .. } => return None,
        Outcome::Unknown => (408, "nobody knows whether the message centre took the SIR"),
        Outcome::Refused { why } => match why {
            Refusal::Unsendable => {
                return Some((413, Reading::Failed("no short message holds the SIR")));
            }
            Refusal::Full => (503, "too many short messages wait"),
            Refusal::Status(status) => (480, refusal(*status)),
            Refusal::Expired => (408, "the message centre was not reached in time"),
            Refusal::Cancelled | Refusal::Stopped => (503, "the submission was given up"),
        },
    };
    Some((status, Reading::Unheard(why)))
}

/// Names of statuses, each in the sentence that says so.
macro_rules! refusals {
    ($status:expr; $($name:ident $text:literal)*) => {
        match $status {
            $(Status::$name => concat!("the message centre refused the SIR: ", $text),)*
            _ => "the message centre refused the SIR, with a status of its own",
        }
    };
}

/// That the message centre refused a submission, and with which status: those that a submission may be answered with.
#[must_use]
pub const fn refusal(status: Status) -> &'static str {
    refusals! { status;
        THROTTLED "ESME_RTHROTTLED"
        QUEUE_FULL "ESME_RMSGQFUL"
        SYSTEM_ERROR "ESME_RSYSERR"
        SUBMIT_FAILED "ESME_RSUBMITFAIL"
        INVALID_SOURCE "ESME_RINVSRCADR"
        INVALID_SOURCE_TON "ESME_RINVSRCTON"
        INVALID_SOURCE_NPI "ESME_RINVSRCNPI"
        INVALID_DESTINATION "ESME_RINVDSTADR"
        INVALID_DESTINATION_TON "ESME_RINVDSTTON"
        INVALID_DESTINATION_NPI "ESME_RINVDSTNPI"
        INVALID_MESSAGE_LENGTH "ESME_RINVMSGLEN"
        INVALID_COMMAND_LENGTH "ESME_RINVCMDLEN"
        INVALID_COMMAND "ESME_RINVCMDID"
        INVALID_SERVICE_TYPE "ESME_RINVSERTYP"
        INVALID_SYSTEM_TYPE "ESME_RINVSYSTYP"
        INVALID_ESM_CLASS "ESME_RINVESMCLASS"
        INVALID_REGISTERED_DELIVERY "ESME_RINVREGDLVFLG"
        INVALID_SCHEDULE "ESME_RINVSCHED"
        INVALID_EXPIRY "ESME_RINVEXPIRY"
        INVALID_TLV_STREAM "ESME_RINVOPTPARSTREAM"
        RECEIVER_TEMPORARY "ESME_RX_T_APPN"
        RECEIVER_PERMANENT "ESME_RX_P_APPN"
        RECEIVER_REJECTED "ESME_RX_R_APPN"
    }
}

/// Reads what became of what the message centre had accepted.
#[must_use]
pub const fn read_receipt(state: State) -> (u16, Reading) {
    let why = match state {
        State::Delivered => return (200, Reading::Taken { long: false }),
        State::Accepted => "the message centre keeps the short message for a person",
        State::Rejected => "the message centre rejected the short message",
        State::Expired => "the short message expired",
        State::Undeliverable => "the short message could not be delivered",
        State::Deleted | State::Skipped => "the message centre dropped the short message",
        State::Scheduled | State::Enroute | State::Unknown => "no receipt for the short message",
    };
    (480, Reading::Unheard(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::device_id::DeviceId;
    use crate::codec::sir::{Ask, Placement, Sir};
    use crate::codec::sms::UserData;
    use crate::codec::ussd::NetworkString;
    use crate::codec::wsp::sir::sir_of;

    const BETWEEN: Between<'_> = Between {
        from: "7777",
        to: "+15550103",
        reference: 9,
        push_id: 1,
        until: Time::from_secs(90),
    };

    fn sir() -> Sir {
        let device = DeviceId::decode("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6").unwrap();
        let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
            .with_devices(Placement::HEADER, &[device])
            .with_ask(Placement::HEADER, Ask::CAPABILITY);
        sir.id = Some("0001".to_owned());
        sir
    }

    fn submission(bearer: Bearer) -> Submission {
        submission_of(1, bearer, &sir().encode(), &BETWEEN).unwrap()
    }

    #[test]
    fn r2_54_the_segments_of_a_short_message_hold_the_sir() {
        let submission = submission(Bearer::Sms);
        assert!(submission.parts.len() > 1);
        let mut datagram = Vec::new();
        for part in &submission.parts {
            let data = UserData::decode(part).unwrap();
            assert_eq!(data.ports(), Some(Ports::PUSH));
            datagram.extend_from_slice(data.payload);
        }
        let read = sir_of(&datagram).unwrap();
        assert_eq!(read, sir().encode().decode().unwrap());
        assert_eq!(submission.message.registered_delivery, 1);
        assert_eq!(submission.message.destination, Address::of("+15550103"));
    }

    #[test]
    fn r2_58_the_strings_of_a_ussd_request_hold_the_sir() {
        let submission = submission(Bearer::Ussd);
        assert!(submission.parts.iter().all(|part| part.len() <= 144));
        let mut datagram = Vec::new();
        for part in &submission.parts {
            let string = NetworkString::decode(part).unwrap();
            datagram.extend_from_slice(string.user_data.payload);
        }
        let read = sir_of(&datagram).unwrap();
        assert_eq!(read, sir().encode().decode().unwrap());
    }

    #[test]
    fn r2_56_and_r2_57_the_domain_is_a_tag_of_the_short_message() {
        let domain = |bearer| {
            let message = submission(bearer).message;
            let tlvs = message.tlvs();
            tlvs.octets(tag::DEST_BEARER_TYPE).map(<[u8]>::to_vec)
        };
        assert_eq!(domain(Bearer::Cs), Some(vec![2]));
        assert_eq!(domain(Bearer::Ps), Some(vec![3]));
        assert_eq!(domain(Bearer::Sms), None);
        assert!(submission(Bearer::Cs).as_data && submission(Bearer::Ps).as_data);
        assert!(!submission(Bearer::Sms).as_data, "it has no such parameter");
    }

    #[test]
    fn a_refusal_names_its_status() {
        let of = |status| {
            let why = Refusal::Status(status);
            read(&Outcome::Refused { why })
        };
        let (status, reading) = of(Status::INVALID_DESTINATION).unwrap();
        let words = "the message centre refused the SIR: ESME_RINVDSTADR";
        assert_eq!((status, reading), (480, Reading::Unheard(words)));
        for number in 1..=0x200 {
            let status = Status(number);
            let Some((_, Reading::Unheard(why))) = of(status) else {
                panic!("{status}");
            };
            let named = why.split(": ").nth(1);
            assert!(named.is_none() || named == status.name(), "{status}: {why}");
        }
    }

    #[test]
    fn accepted_is_under_way_and_a_receipt_decides() {
        let accepted = Outcome::Accepted {
            message_ids: Vec::new(),
        };
        assert_eq!(read(&accepted), None);
        assert_eq!(
            read_receipt(State::Delivered),
            (200, Reading::Taken { long: false })
        );
        let (status, reading) = read_receipt(State::Undeliverable);
        assert_eq!(status, 480);
        assert!(matches!(reading, Reading::Unheard(_)), "{reading:?}");
    }
}
