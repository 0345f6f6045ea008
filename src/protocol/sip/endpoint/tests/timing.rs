//! Instants of retransmission and of giving up.

use super::*;

fn start(method: Method, target: Target) -> Network {
    let mut network = Network::calm();
    let draft = request(method, 1);
    let id = ClientId(1);
    network.tell(0, Input::Request { id, draft, target });
    network
}

#[test]
fn a_message_to_the_deaf_goes_out_eleven_times_and_fails_after_32_seconds() {
    let mut network = Network::calm();
    network.lost_start = Some("MESSAGE");
    let (id, draft, target) = (ClientId(1), request(Method::Message, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    network.run();
    assert_eq!(
        network.instants(0, "MESSAGE"),
        [
            0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(network.failures(0), [(32_000, Failure::Timeout)]);
    assert_eq!(network.ends[0].transactions(), 0);
}

#[test]
fn an_invite_to_the_deaf_goes_out_seven_times_and_fails_after_32_seconds() {
    let mut network = Network::calm();
    network.lost_start = Some("INVITE");
    let (id, draft, target) = (ClientId(1), request(Method::Invite, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    network.run();
    assert_eq!(
        network.instants(0, "INVITE"),
        [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]
    );
    assert_eq!(network.failures(0), [(32_000, Failure::Timeout)]);
}

#[test]
fn all_retransmissions_are_the_same_octets() {
    let mut network = Network::calm();
    network.lost_start = Some("MESSAGE");
    let (id, draft, target) = (ClientId(1), request(Method::Message, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    network.run();
    assert!(
        network
            .sent
            .iter()
            .all(|sent| sent.octets == network.sent[0].octets)
    );
}

#[test]
fn an_answer_ends_the_retransmissions() {
    let mut network = start(Method::Message, udp());
    network.answer = Some(|_| Some(200));
    network.run();
    assert_eq!(network.instants(0, "MESSAGE"), [0]);
    assert_eq!(network.statuses(0), [200]);
    assert_eq!(network.failures(0), []);
    assert_eq!(network.ends[0].transactions(), 0);
    assert_eq!(network.ends[1].transactions(), 0);
}

#[test]
fn a_lost_answer_is_given_again_without_asking_the_user() {
    let mut network = start(Method::Message, udp());
    network.answer = Some(|_| Some(202));
    network.lost_start = Some("SIP/2.0");
    network.run_until(millis(700));
    network.lost_start = None;
    network.run();
    assert_eq!(network.instants(0, "MESSAGE"), [0, 500, 1_500]);
    assert_eq!(network.instants(1, "SIP/2.0 202"), [1, 501, 1_501]);
    assert_eq!(network.requests(1).len(), 1);
    assert_eq!(network.statuses(0), [202]);
}

#[test]
fn a_silent_user_of_a_message_is_excused_after_three_and_a_half_seconds() {
    let mut network = start(Method::Message, udp());
    network.run_until(Duration::from_secs(5));
    assert_eq!(network.instants(1, "SIP/2.0 100"), [3_501]);
    // Once it has a 100 the client asks every four seconds.
    network.run();
    assert_eq!(
        network.instants(0, "MESSAGE"),
        [
            0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert_eq!(network.failures(0), [(32_000, Failure::Timeout)]);
    assert_eq!(network.ends[1].transactions(), 0);
}

#[test]
fn an_answer_after_the_client_gave_up_is_not_sent() {
    let mut network = start(Method::Message, udp());
    network.run_until(Duration::from_secs(33));
    let (id, message) = network.requests(1).remove(0);
    let response = Draft::response(&message, 200, Some("b1")).finish();
    network.tell(1, Input::Respond { id, response });
    network.run();
    assert_eq!(network.instants(1, "SIP/2.0 200"), []);
    assert_eq!(network.failures(0).len(), 1);
}

#[test]
fn a_408_to_a_message_is_not_sent() {
    let mut network = start(Method::Message, udp());
    network.answer = Some(|_| Some(408));
    network.run();
    assert_eq!(network.instants(1, "SIP/2.0 408"), []);
    assert_eq!(network.failures(0), [(32_000, Failure::Timeout)]);
}

#[test]
fn an_invite_whose_user_thinks_is_answered_100_after_200_milliseconds() {
    let mut network = start(Method::Invite, udp());
    network.run_until(Duration::from_secs(2));
    assert_eq!(network.instants(1, "SIP/2.0 100"), [201]);
    assert_eq!(network.instants(0, "INVITE"), [0]);
    let trying = &network.sent[1];
    assert!(
        !String::from_utf8_lossy(&trying.octets).contains("To: <sip:push@ppg.example.com>;tag")
    );
}

#[test]
fn a_refusal_is_repeated_until_its_ack_and_the_ack_goes_out_again_with_each() {
    let mut network = Network::calm();
    network.answer = Some(|_| Some(486));
    network.lost_start = Some("ACK");
    let (id, draft, target) = (ClientId(1), request(Method::Invite, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    network.run_until(Duration::from_secs(6));
    network.lost_start = None;
    network.run();
    assert_eq!(
        network.instants(1, "SIP/2.0 486"),
        [1, 501, 1_501, 3_501, 7_501]
    );
    assert_eq!(network.instants(0, "ACK"), [2, 502, 1_502, 3_502, 7_502]);
    assert_eq!(network.statuses(0), [486]);
    assert_eq!(
        (
            network.ends[0].transactions(),
            network.ends[1].transactions()
        ),
        (0, 0)
    );
}

#[test]
fn a_refusal_without_ack_is_given_up_after_32_seconds() {
    let mut network = Network::calm();
    network.answer = Some(|_| Some(486));
    network.lost_start = Some("ACK");
    let (id, draft, target) = (ClientId(1), request(Method::Invite, 1), udp());
    network.tell(0, Input::Request { id, draft, target });
    network.run_until(millis(32_000));
    assert_eq!(
        network.instants(1, "SIP/2.0 486"),
        [
            1, 501, 1_501, 3_501, 7_501, 11_501, 15_501, 19_501, 23_501, 27_501, 31_501
        ]
    );
    assert_eq!(network.ends[1].transactions(), 1);
    network.run_until(millis(32_001));
    assert_eq!(network.ends[1].transactions(), 0);
}

#[test]
fn the_ack_of_a_refusal_has_the_branch_of_its_invite() {
    let mut network = start(Method::Invite, udp());
    network.answer = Some(|_| Some(486));
    network.run_until(Duration::from_secs(1));
    let message = |start: &str| {
        let sent = network
            .sent
            .iter()
            .find(|sent| sent.start().starts_with(start));
        Message::decode(sent.unwrap().octets.clone()).unwrap()
    };
    let (invite, ack) = (message("INVITE"), message("ACK"));
    assert_eq!(invite.via().unwrap().branch, ack.via().unwrap().branch);
    assert_eq!(ack.to().unwrap().tag(), Some("b1"));
    assert_eq!(ack.cseq().unwrap().number, 1);
    assert_eq!(ack.request_uri().unwrap().as_str(), "sip:push@192.0.2.5");
}

#[test]
fn a_2xx_is_passed_up_each_time_and_repeats_of_its_invite_are_absorbed() {
    let mut network = start(Method::Invite, udp());
    network.answer = Some(|_| Some(200));
    network.run_until(Duration::from_secs(1));
    let (id, message) = network.requests(1).remove(0);
    let response = Draft::response(&message, 200, Some("b1")).finish();
    network.tell(1, Input::Respond { id, response });
    network.run_until(Duration::from_secs(2));
    assert_eq!(network.statuses(0), [200, 200]);
    let invite = network.sent[0].octets.clone();
    network.datagram(1, network::ALICE, invite);
    network.run();
    assert_eq!(network.requests(1).len(), 1);
    assert_eq!(
        (
            network.ends[0].transactions(),
            network.ends[1].transactions()
        ),
        (0, 0)
    );
}
