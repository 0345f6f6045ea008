//! What a message centre answers, and that no octets harm it.

use proptest::prelude::*;

use super::*;
use crate::codec::smpp::{Bind, Body, Cancel, Command, Message, Party, Pdu};
use crate::limits;

const NOW: Time = Time::from_secs(1_000);
const LINK: LinkId = LinkId(1);

struct Bench {
    smsc: Smsc,
    out: Vec<Out>,
    now: Time,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let mut bench = Self {
            smsc: Smsc::new(settings),
            out: Vec::new(),
            now: NOW,
        };
        bench.give(In::Accepted(LINK));
        bench
    }

    fn bound(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.bind("ppg", "secret");
        bench.out.clear();
        bench
    }

    fn give(&mut self, input: In) {
        self.smsc.handle(self.now, input, &mut self.out);
    }

    fn say(&mut self, pdu: &Pdu<'_>) {
        self.give(In::Octets(LINK, pdu.encode().unwrap().into()));
    }

    fn bind(&mut self, system_id: &str, password: &str) {
        let bind = Bind {
            system_id: system_id.into(),
            password: password.into(),
            interface_version: 0x34,
            ..Bind::default()
        };
        self.say(&Pdu::new(Command::BIND_TRANSCEIVER, 1, Body::Bind(bind)));
    }

    fn submit(&mut self, sequence: u32, to: &str) {
        let destination = Party {
            ton: 1,
            npi: 1,
            address: to.into(),
        };
        let message = Message {
            destination,
            registered_delivery: 1,
            short_message: b"hello",
            ..Message::default()
        };
        self.say(&Pdu::new(
            Command::SUBMIT_SM,
            sequence,
            Body::Message(message),
        ));
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.smsc.expire(self.now, &mut self.out);
    }

    /// Command, status and sequence of all that was sent, which is taken away.
    fn sent(&mut self) -> Vec<(Command, u32, Status)> {
        let mut found = Vec::new();
        for out in core::mem::take(&mut self.out) {
            if let Out::Octets(_, octets) = out {
                let pdu = Pdu::decode(&octets).unwrap();
                found.push((pdu.command, pdu.sequence, pdu.status));
            } else {
                self.out.push(out);
            }
        }
        found
    }

    fn rule(&mut self, effect: Effect) {
        let rule = Rule {
            destination: "+1555".to_owned(),
            first: Some(1),
            every: None,
            effect,
        };
        self.give(In::Rules(vec![rule]));
    }
}

#[test]
fn a_bind_needs_the_right_name_and_password() {
    for (system_id, password, status) in [
        ("ppg", "secret", Status::OK),
        ("ppg", "wrong", Status::INVALID_PASSWORD),
        ("other", "secret", Status::INVALID_SYSTEM_ID),
    ] {
        let mut bench = Bench::new(Settings {
            accounts: vec![("ppg".to_owned(), "secret".to_owned())],
            ..Settings::default()
        });
        bench.submit(9, "1555");
        bench.bind(system_id, password);
        assert_eq!(
            bench.sent(),
            [
                (Command::SUBMIT_SM_RESP, 9, Status::WRONG_BIND_STATE),
                (Command::BIND_TRANSCEIVER_RESP, 1, status)
            ]
        );
        assert_eq!(bench.out.contains(&Out::Close(LINK)), status != Status::OK);
    }
}

#[test]
fn a_message_is_answered_handed_up_and_receipted_in_its_time() {
    let mut bench = Bench::bound(Settings::default());
    bench.submit(2, "1555");
    assert!(
        matches!(&bench.out[..], [Out::Octets(..), Out::Message { message_id, .. }] if message_id == "00000001")
    );
    bench.sent();
    bench.pass(1);
    assert_eq!(bench.sent(), [(Command::DELIVER_SM, 1, Status::OK)]);
    assert_eq!(bench.smsc.waiting(), 1);
    let taken = Pdu::new(
        Command::DELIVER_SM_RESP,
        1,
        Body::MessageResponse("".into()),
    );
    bench.say(&taken);
    assert_eq!(bench.smsc.waiting(), 0);
}

#[test]
fn rules_refuse_delay_silence_and_disconnect_the_first_message() {
    for (effect, first) in [
        (Effect::Refuse(Status::THROTTLED), Some(Status::THROTTLED)),
        (Effect::Delay(Duration::from_secs(9)), None),
        (Effect::Silence, None),
    ] {
        let mut bench = Bench::bound(Settings::default());
        bench.rule(effect);
        bench.submit(2, "1555");
        let answered = first.map(|status| (Command::SUBMIT_SM_RESP, 2, status));
        assert_eq!(bench.sent(), answered.into_iter().collect::<Vec<_>>());
        bench.submit(3, "1555");
        assert_eq!(bench.sent(), [(Command::SUBMIT_SM_RESP, 3, Status::OK)]);
    }
    let mut bench = Bench::bound(Settings::default());
    bench.rule(Effect::Disconnect);
    bench.submit(2, "1555");
    assert_eq!(bench.out.first(), Some(&Out::Close(LINK)));
    assert_eq!(bench.smsc.links(), 0);
}

#[test]
fn more_messages_in_a_second_than_allowed_are_throttled() {
    let mut bench = Bench::bound(Settings {
        per_second: 1,
        ..Settings::default()
    });
    bench.submit(2, "1555");
    bench.submit(3, "1555");
    bench.now = bench.now + Duration::from_secs(1);
    bench.submit(4, "1555");
    let statuses: Vec<Status> = bench.sent().into_iter().map(|it| it.2).collect();
    assert_eq!(statuses, [Status::OK, Status::THROTTLED, Status::OK]);
}

#[test]
fn a_message_can_be_asked_for_and_cancelled_once() {
    let mut bench = Bench::bound(Settings {
        fate: None,
        ..Settings::default()
    });
    bench.submit(2, "1555");
    bench.sent();
    let cancel = Cancel {
        message_id: "00000001".into(),
        ..Cancel::default()
    };
    for sequence in [3, 4] {
        bench.say(&Pdu::new(
            Command::CANCEL_SM,
            sequence,
            Body::Cancel(cancel),
        ));
    }
    let query = Body::Query("00000001".into(), Party::default());
    bench.say(&Pdu::new(Command::QUERY_SM, 5, query));
    let Some(Out::Octets(_, octets)) = bench.out.last() else {
        panic!("{:?}", bench.out)
    };
    let Body::QueryResponse(state) = Pdu::decode(octets).unwrap().body else {
        panic!("{octets:?}")
    };
    assert_eq!(state.message_state, State::Deleted.number());
    assert_eq!(
        bench.sent(),
        [
            (Command::CANCEL_SM_RESP, 3, Status::OK),
            (Command::DELIVER_SM, 1, Status::OK),
            (Command::CANCEL_SM_RESP, 4, Status::CANCEL_FAILED),
            (Command::QUERY_SM_RESP, 5, Status::OK)
        ]
    );
}

#[test]
fn what_a_handset_sends_waits_for_its_esme() {
    let mut bench = Bench::new(Settings::default());
    let originate = |id, system_id: Option<&str>| In::Originate {
        id,
        system_id: system_id.map(str::to_owned),
        message: Box::default(),
    };
    bench.give(originate(1, Some("ppg")));
    bench.give(originate(2, None));
    let full = Out::Originated {
        id: 2,
        outcome: Delivered::Full,
    };
    assert_eq!(bench.out, [full]);
    bench.bind("ppg", "");
    assert_eq!(
        bench.sent().last().map(|it| it.0),
        Some(Command::DELIVER_SM)
    );
    let busy = Pdu {
        status: Status::RECEIVER_TEMPORARY,
        ..Pdu::new(
            Command::DELIVER_SM_RESP,
            1,
            Body::MessageResponse("".into()),
        )
    };
    bench.say(&busy);
    bench.pass(10);
    assert_eq!(bench.sent(), [(Command::DELIVER_SM, 2, Status::OK)]);
    bench.say(&Pdu::new(
        Command::DELIVER_SM_RESP,
        2,
        Body::MessageResponse("".into()),
    ));
    let taken = Out::Originated {
        id: 1,
        outcome: Delivered::Taken,
    };
    assert!(bench.out.contains(&taken));
}

#[test]
fn links_beyond_the_bound_and_links_that_say_nothing_are_closed() {
    let mut bench = Bench::new(Settings::default());
    let count = u64::try_from(limits::SMPP_SESSIONS).unwrap();
    for link in 2..=count + 1 {
        bench.give(In::Accepted(LinkId(link)));
    }
    assert_eq!(bench.out, [Out::Close(LinkId(count + 1))]);
    bench.pass(10);
    assert_eq!(bench.smsc.links(), 0);
}

#[test]
fn an_outbind_is_said_on_a_link_of_ours_and_a_stop_unbinds() {
    let mut bench = Bench::bound(Settings::default());
    bench.give(In::Opened(LinkId(2), "secret".to_owned()));
    assert_eq!(bench.sent(), [(Command::OUTBIND, 1, Status::OK)]);
    bench.smsc.stop(bench.now, &mut bench.out);
    assert_eq!(bench.sent(), [(Command::UNBIND, 1, Status::OK)]);
    bench.say(&Pdu::new(Command::UNBIND_RESP, 1, Body::Empty));
    assert!(bench.smsc.has_stopped());
}

proptest! {
    #[test]
    fn no_octets_harm_a_message_centre(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
        let mut bench = Bench::bound(Settings::default());
        for (number, piece) in (2_u32..).zip(pieces) {
            // A header that fits makes the parser go further than chance would.
            let length = u32::try_from(piece.len() + 16).unwrap();
            let command = u32::from(piece.first().copied().unwrap_or(4) % 0x22);
            let mut octets = Vec::new();
            for word in [length, command, 0, number] {
                octets.extend(word.to_be_bytes());
            }
            octets.extend(&piece);
            bench.give(In::Octets(LINK, octets.into()));
            bench.give(In::Octets(LINK, piece.get(..piece.len() / 8).unwrap().to_vec().into()));
            bench.pass(1);
        }
        for out in &bench.out {
            if let Out::Octets(_, octets) = out {
                prop_assert!(Pdu::decode(octets).is_ok());
            }
        }
        prop_assert!(bench.smsc.kept() <= 80 && bench.smsc.waiting() <= 80);
    }
}
