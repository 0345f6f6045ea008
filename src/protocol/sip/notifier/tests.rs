//! Subscriptions from SUBSCRIBE to the last NOTIFY.

use super::*;
use crate::world::{LinkId, SocketId};

const TERMS: Terms = Terms {
    default: 3_600,
    min: 60,
    max: 7_200,
};
const FLOW: Flow = Flow::Udp {
    socket: SocketId(0),
    peer: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5060),
};

fn start() -> Time {
    Time::from_secs(1_000)
}

fn subscribe(cseq: u32, to_tag: &str, rows: &str) -> Message {
    let text = format!(
        "SUBSCRIBE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{cseq}\nFrom: <sip:alice@example.com>;tag=w\n\
         To: <sip:alice@example.com>{to_tag}\nCall-ID: c1\nCSeq: {cseq} SUBSCRIBE\nContact: <sip:alice@127.0.0.1>\n\
         Event: presence;id=7\n{rows}\n"
    );
    Message::decode(text.replace('\n', "\r\n").into()).unwrap()
}

fn notifier() -> Notifier<u8> {
    Notifier::new(2, 3)
}

fn open(notifier: &mut Notifier<u8>, rows: &str) -> Result<Accepted, Refused> {
    notifier.open(start(), &subscribe(1, "", rows), "t", FLOW, 1, TERMS)
}

fn notify(notifier: &mut Notifier<u8>, now: Time, no: SubscriptionNo, id: u64) -> Option<Message> {
    let notice = notifier.notify(now, no, ClientId(id))?;
    Some(notice.draft.finish_with_via("SIP/2.0/UDP h"))
}

fn state(message: &Message) -> &str {
    message.text(Name::SubscriptionState).unwrap()
}

#[test]
fn a_notify_names_the_event_as_it_was_written_and_what_is_left() {
    let mut notifier = notifier();
    let accepted = open(&mut notifier, "").unwrap();
    assert_eq!(accepted.expires, 3_600);
    let later = start() + Duration::from_secs(600);
    let first = notify(&mut notifier, later, accepted.no, 1).unwrap();
    assert_eq!(first.text(Name::Event), Some("presence;id=7"));
    assert_eq!(state(&first), "active;expires=3000");
    assert_eq!(first.from().unwrap().tag(), Some("t"));
}

#[test]
fn changes_while_a_notify_is_under_way_come_in_one_more() {
    let mut notifier = notifier();
    let no = open(&mut notifier, "").unwrap().no;
    assert!(notify(&mut notifier, start(), no, 1).is_some());
    assert!(notify(&mut notifier, start(), no, 2).is_none());
    assert!(notify(&mut notifier, start(), no, 3).is_none());
    assert_eq!(notifier.answered(ClientId(1), 200), Answered::Stale(no));
    let next = notifier.notify(start(), no, ClientId(4)).unwrap();
    assert_eq!(next.before, 1);
    assert_eq!(notifier.answered(ClientId(4), 200), Answered::Told);
    assert_eq!(notifier.answered(ClientId(4), 200), Answered::Unknown);
}

#[test]
fn an_answer_of_481_or_none_ends_a_subscription_and_another_error_does_not() {
    for (status, is_gone) in [
        (481, true),
        (408, true),
        (489, true),
        (500, false),
        (603, false),
    ] {
        let mut notifier = notifier();
        let no = open(&mut notifier, "").unwrap().no;
        notify(&mut notifier, start(), no, 1);
        let answered = notifier.answered(ClientId(1), status);
        assert_eq!(answered == Answered::Gone, is_gone, "{status}");
        assert_eq!(notifier.is_empty(), is_gone, "{status}");
    }
}

#[test]
fn a_subscription_ends_with_its_time_or_with_an_expires_of_0() {
    let mut one = notifier();
    let no = open(&mut one, "Expires: 60\n").unwrap().no;
    let end = start() + Duration::from_secs(60);
    assert_eq!(one.deadline(), Some(end));
    assert_eq!(one.take_due(end), Some(no));
    let last = notify(&mut one, end, no, 1).unwrap();
    assert_eq!(state(&last), "terminated;reason=timeout");
    assert!(one.is_empty() && one.deadline().is_none());

    let mut fetch = notifier();
    let accepted = open(&mut fetch, "Expires: 0\n").unwrap();
    assert_eq!(accepted.expires, 0);
    let only = notify(&mut fetch, start(), accepted.no, 1).unwrap();
    assert_eq!(state(&only), "terminated;reason=timeout");
    assert!(fetch.is_empty());
}

#[test]
fn a_refresh_prolongs_and_moves_a_subscription() {
    let mut notifier = notifier();
    let no = open(&mut notifier, "Expires: 60\n").unwrap().no;
    let later = start() + Duration::from_secs(50);
    let flow = Flow::Link(LinkId(3));
    let again = subscribe(2, ";tag=t", "Expires: 600\n");
    let accepted = notifier.again(later, &again, flow).unwrap().unwrap();
    assert_eq!(accepted, Accepted { no, expires: 600 });
    let notice = notifier.notify(later, no, ClientId(1)).unwrap();
    assert_eq!(notice.flow, flow);
    // What was kept of it under the old way leads nowhere.
    assert!(notifier.kept(later, no).is_none());
    assert_eq!(notifier.take_gone(), ["t"]);
    // The same number again is out of order.
    let repeated = notifier.again(later, &again, flow).unwrap();
    assert_eq!(repeated, Err(Refused::Status(500)));
    assert!(
        notifier
            .again(later, &subscribe(3, ";tag=x", ""), flow)
            .is_none()
    );
}

#[test]
fn what_is_too_brief_or_too_many_is_refused() {
    let mut notifier = notifier();
    let brief = open(&mut notifier, "Expires: 59\n");
    assert_eq!(brief, Err(Refused::TooBrief(60)));
    assert!(notifier.is_empty());
    assert_eq!(
        open(&mut notifier, "Expires: 99999\n").unwrap().expires,
        7_200
    );
    let request = subscribe(1, "", "");
    assert!(
        notifier
            .open(start(), &request, "u", FLOW, 1, TERMS)
            .is_ok()
    );
    let third = notifier.open(start(), &request, "v", FLOW, 1, TERMS);
    assert_eq!(third, Err(Refused::Full));
    assert!(
        notifier
            .open(start(), &request, "w", FLOW, 2, TERMS)
            .is_ok()
    );
    let fourth = notifier.open(start(), &request, "x", FLOW, 3, TERMS);
    assert_eq!(fourth, Err(Refused::Full));
}

#[test]
fn a_subscription_that_is_ended_leaves_nothing_behind() {
    let mut notifier = notifier();
    let no = open(&mut notifier, "").unwrap().no;
    notify(&mut notifier, start(), no, 1);
    let last = notifier.terminate(no, Reason::NoResource).unwrap();
    let last = last.draft.finish_with_via("SIP/2.0/UDP h");
    assert_eq!(state(&last), "terminated;reason=noresource");
    assert_eq!(notifier.answered(ClientId(1), 200), Answered::Unknown);
    assert!(notifier.of(1).is_empty() && notifier.terminate(no, Reason::Rejected).is_none());
}
