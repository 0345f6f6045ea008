//! Whole sessions over a network that loses and doubles: in the end both sides think the same.

use std::time::Duration;

use super::*;
use crate::protocol::sip::endpoint::tests::network::{BOB, CALM, Network, Weather};
use crate::protocol::sip::endpoint::{ClientId, Input, Output, ServerId, Target};
use crate::random::Random;
use crate::world::Transport;

const CALL: ClientId = ClientId(0);
const STEP: Duration = Duration::from_millis(50);

struct Play {
    network: Network,
    caller: Caller,
    callee: Option<Callee>,
    invite: Option<ServerId>,
    seen: [usize; 2],
    next: u64,
    transport: Transport,
}

impl Play {
    fn new(weather: Weather, seed: u64, transport: Transport) -> Self {
        let (caller, draft) = Caller::invite(&Invite {
            uri: "sip:push@192.0.2.5",
            to: "<sip:push@ppg.example.com>",
            from: "<sip:alice@example.com>",
            tag: "a1",
            call_id: "call-1",
            number: 1,
            contact: "<sip:alice@192.0.2.11:5060>",
            routes: &[],
            headers: &[],
            sdp: b"offer",
        });
        let mut play = Self {
            network: Network::new(weather, seed),
            caller,
            callee: None,
            invite: None,
            seen: [0, 0],
            next: 1,
            transport,
        };
        let target = play.target(0);
        let id = CALL;
        play.network.tell(0, Input::Request { id, draft, target });
        play
    }

    fn target(&self, from: usize) -> Target {
        use crate::protocol::sip::endpoint::tests::network::ALICE;
        Target::Address {
            transport: self.transport,
            peer: [BOB, ALICE][from].parse().unwrap(),
        }
    }

    fn request(&mut self, from: usize, draft: Draft) {
        let (id, target) = (ClientId(self.next), self.target(from));
        self.next += 1;
        self.network
            .tell(from, Input::Request { id, draft, target });
    }

    fn send(&mut self, from: usize, draft: Draft) {
        let target = self.target(from);
        self.network.tell(from, Input::Send { draft, target });
    }

    fn run(&mut self, until: Duration) {
        while self.network.passed() < until {
            let passed = self.network.passed();
            self.network.run_until(passed + STEP);
            self.callee_expires();
            loop {
                let fresh: Vec<(usize, Output)> = (0..2)
                    .flat_map(|end| {
                        let told = &self.network.told[end];
                        told[self.seen[end]..]
                            .iter()
                            .map(move |(_, told)| (end, told.clone()))
                    })
                    .collect();
                if fresh.is_empty() {
                    break;
                }
                self.seen = [0, 1].map(|end| self.network.told[end].len());
                for (end, output) in fresh {
                    self.take(end, output);
                }
            }
        }
    }

    fn callee_expires(&mut self) {
        while let Some(event) = self
            .callee
            .as_mut()
            .and_then(|c| c.expire(self.network.now))
        {
            self.callee_did(event);
        }
    }

    fn callee_did(&mut self, event: CalleeEvent) {
        match event {
            CalleeEvent::Resend(response) => {
                let id = self.invite.unwrap();
                self.network.tell(1, Input::Respond { id, response });
            }
            CalleeEvent::Up => {}
            CalleeEvent::GaveUp(bye) | CalleeEvent::Bye(bye) => self.request(1, bye),
        }
    }

    fn take(&mut self, end: usize, output: Output) {
        match output {
            Output::Request { id, message, .. } if message.method() == Some(Method::Invite) => {
                let accept = Accept {
                    tag: "b1",
                    contact: "<sip:push@192.0.2.5:5060>",
                    headers: &[],
                    sdp: b"answer",
                };
                let (callee, response) =
                    Callee::accept(self.network.now, &message, &accept).unwrap();
                assert!(
                    self.callee.replace(callee).is_none(),
                    "one INVITE, one call"
                );
                self.invite = Some(id);
                self.network.tell(1, Input::Respond { id, response });
            }
            Output::Request { id, message, .. } => {
                let within = if end == 0 {
                    self.caller.on_request(&message)
                } else {
                    self.callee.as_mut().unwrap().on_request(&message)
                };
                let (Within::Over(response) | Within::Answer(response)) = within else {
                    panic!("{message:?}")
                };
                self.network.tell(end, Input::Respond { id, response });
            }
            Output::Ack { message, .. } => {
                if let Some(event) = self.callee.as_mut().and_then(|c| c.on_ack(&message)) {
                    self.callee_did(event);
                }
            }
            Output::Response { id, message, .. } if id == CALL => {
                match self.caller.on_response(&message) {
                    Some(CallerEvent::Up { ack, .. } | CallerEvent::Again { ack }) => {
                        self.send(0, ack);
                    }
                    Some(CallerEvent::Unwanted { ack, bye }) => {
                        self.send(0, ack);
                        self.request(0, bye);
                    }
                    _ => {}
                }
            }
            Output::Failed { id, why } if id == CALL => {
                self.caller.on_failed(why);
            }
            _ => {}
        }
    }

    fn hang_up(&mut self, end: usize) {
        if end == 0 {
            match self.caller.hang_up(200, "enough") {
                HangUp::Nothing => {}
                HangUp::Cancel => self.network.tell(0, Input::Cancel { id: CALL }),
                HangUp::Bye(bye) => self.request(0, bye),
            }
        } else if let Some(bye) = self.callee.as_mut().and_then(|c| c.hang_up(200, "enough")) {
            self.request(1, bye);
        }
    }
}

#[test]
fn whatever_is_lost_both_ends_agree_in_the_end() {
    let (mut up, mut over) = (0, 0);
    for seed in 0..300 {
        let mut random = Random::from_number(seed + 7_000);
        let weather = Weather {
            loss: random.below(250),
            duplication: random.below(300),
            delay_ms: 1 + random.below(900),
            ..CALM
        };
        let mut play = Play::new(weather, seed, Transport::Udp);
        let hangs = random.below(3);
        for _ in 0..hangs {
            let at = play.network.passed() + Duration::from_millis(random.below(9_000));
            play.run(at);
            play.hang_up(usize::try_from(random.below(2)).unwrap());
        }
        play.run(Duration::from_secs(150));
        let callee_is_up = play.callee.as_ref().is_some_and(Callee::is_up);
        assert_eq!(play.caller.is_up(), callee_is_up, "seed {seed}");
        assert!(callee_is_up || play.caller.is_over(), "seed {seed}");
        assert!(
            play.callee
                .as_ref()
                .is_none_or(|c| c.is_up() || c.is_over()),
            "seed {seed}"
        );
        up += u32::from(callee_is_up);
        over += u32::from(!callee_is_up);
        for end in &play.network.ends {
            assert_eq!(end.transactions(), 0, "seed {seed}");
        }
    }
    // Both outcomes were tried.
    assert!(up > 50 && over > 50, "{up} {over}");
}

#[test]
fn over_tcp_a_session_takes_five_messages() {
    let mut play = Play::new(CALM, 1, Transport::Tcp);
    play.run(Duration::from_secs(1));
    assert!(play.caller.is_up());
    play.hang_up(0);
    play.run(Duration::from_secs(2));
    let starts: Vec<String> = play.network.sent.iter().map(|sent| sent.start()).collect();
    assert_eq!(
        starts,
        [
            "INVITE sip:push@192.0.2.5 SIP/2.0",
            "SIP/2.0 200 OK",
            "ACK sip:push@192.0.2.5:5060 SIP/2.0",
            "BYE sip:push@192.0.2.5:5060 SIP/2.0",
            "SIP/2.0 200 OK"
        ]
    );
}
