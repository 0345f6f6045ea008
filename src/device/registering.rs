//! A device keeps itself reachable: it registers, refreshes, answers challenges, keeps its flow alive.
//!
//! **Source:** RFC 5626 sections 4.2 to 4.5; the sirgate SIP profile, E.8.

use core::time::Duration;

use crate::codec::sip::{Message, Method};
use crate::event::Fact;
use crate::machine::Machine;
use crate::protocol::sip::authentication::Next;
use crate::protocol::sip::endpoint::{self, Flow, Target};
use crate::protocol::sip::outbound;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{CloseReason, Output};

use super::registration::{Registration, Step};
use super::session::Session;
use super::{Device, Leaving, Purpose, Timer};

/// How long the registrar may take to let the device go.
const FAREWELL: Duration = Duration::from_secs(4);

impl Device {
    pub(super) fn switch_on(&mut self, now: Time) {
        let at = now + self.config.start_after;
        self.timers.set(Timer::Register, at);
        if self.config.bearers.radio.is_some() {
            self.timers.set(Timer::Attach, at);
        }
    }

    /// Sends a REGISTER, or goes on without one.
    pub(super) fn register(&mut self, now: Time, out: &mut Vec<Output>) {
        self.asleep = false;
        if !self.config.register {
            self.open_doors(now, out);
            self.connect_unasked(now, out);
            return;
        }
        self.send_register(now, self.config.expires, out);
    }

    fn send_register(&mut self, now: Time, expires: u32, out: &mut Vec<Output>) {
        let uri = Registration::uri(&self.config);
        let authorization = self.authorize(Method::Register, &uri, &[]);
        let draft = self
            .registration
            .draft(&self.config, expires, &authorization);
        let draft = match &self.asking {
            Some(about) => about.correlate(draft),
            None => draft,
        };
        let target = Target::Address {
            transport: self.config.transport,
            peer: self.config.registrar,
        };
        self.request(now, Purpose::Register, draft, target, out);
    }

    /// Ends its sessions and takes its registration back: whoever wants it need not wait for it to expire.
    pub(super) fn leave(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.leaving != Leaving::No {
            return;
        }
        let sessions: Vec<u64> = self.sessions.iter().map(Session::number).collect();
        for number in sessions {
            self.hang_up(now, number, 200, "the device stops", out);
        }
        self.leave_wsp(now, out);
        self.detach(out);
        // Nothing is begun any more.
        self.timers = Timers::default();
        self.keep(now, Some(outbound::Input::Closed), out);
        self.flow = None;
        let is_known = self.config.register && self.registration.was_asked();
        if !is_known {
            self.leaving = Leaving::Done;
            return;
        }
        self.leaving = Leaving::Asked;
        self.timers.set(Timer::Leave, now + FAREWELL);
        self.send_register(now, 0, out);
    }

    /// The answer to the farewell, or to a REGISTER before it.
    pub(super) fn leave_answered(&mut self, now: Time, response: &Message, out: &mut Vec<Output>) {
        let is_earlier = response
            .cseq()
            .is_ok_and(|cseq| cseq.number != self.registration.cseq());
        if is_earlier {
            return;
        }
        if self.is_challenge(response) {
            self.send_register(now, 0, out);
        } else {
            self.left();
        }
    }

    pub(super) fn left(&mut self) {
        self.registration.lost();
        self.timers.cancel(Timer::Leave);
        self.leaving = Leaving::Done;
    }

    pub(super) fn register_answered(
        &mut self,
        now: Time,
        flow: Option<Flow>,
        response: &Message,
        out: &mut Vec<Output>,
    ) {
        let step = self
            .registration
            .answered(&self.config, response, &mut self.random);
        if let (Step::Refresh(_), Some(granted)) = (&step, self.registration.granted()) {
            if let Some(client) = &mut self.credentials {
                client.accepted();
            }
            let gruus = [granted.pub_gruu.as_deref(), granted.temp_gruu.as_deref()];
            self.identifiers.learn(gruus.into_iter().flatten());
            let flow_timer = granted.flow_timer;
            let is_new = self.flow.is_none();
            if is_new {
                let (pui, dev) = (self.config.pui.clone(), self.config.name.clone());
                self.report(now, Fact::DevReg { pui, dev }, out);
            }
            if self.flow != flow {
                self.keep(now, Some(outbound::Input::Closed), out);
            }
            self.flow = flow;
            self.keep(now, Some(outbound::Input::Registered { flow_timer }), out);
            if is_new {
                self.open_doors(now, out);
            }
        }
        self.register_step(now, step, Some(response), out);
    }

    pub(super) fn register_step(
        &mut self,
        now: Time,
        step: Step,
        response: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        match step {
            Step::Refresh(after) => {
                self.timers.set(Timer::Register, now + after);
                self.rest_later(now);
                self.register_asked(now, true, out);
                self.connect_unasked(now, out);
            }
            Step::Again => self.register(now, out),
            Step::Later(after) => {
                self.register_asked(now, false, out);
                self.not_registered(now, response, after, out);
                self.timers.set(Timer::Register, now + after);
            }
            Step::Authenticate => {
                let again = response.is_some_and(|response| self.is_challenge(response));
                if again {
                    self.register(now, out);
                } else if let Step::Later(after) = self.registration.failed(None, &mut self.random)
                {
                    self.register_asked(now, false, out);
                    self.not_registered(now, response, after, out);
                    self.timers.set(Timer::Register, now + after);
                }
            }
        }
    }

    fn not_registered(
        &self,
        now: Time,
        response: Option<&Message>,
        after: Duration,
        out: &mut Vec<Output>,
    ) {
        let answer = match response {
            Some(response) => {
                let status = response.status().unwrap_or_default();
                format!("{status} {}", response.reason())
            }
            None => "no answer".to_owned(),
        };
        let fact = Fact::Refused {
            from: self.config.registrar.to_string(),
            why: format!(
                "REGISTER of {}: {answer}, tried again in {} s",
                self.config.name,
                after.as_secs()
            ),
        };
        self.report(now, fact, out);
    }

    /// Takes a challenge; false when there is nothing to answer it with.
    pub(super) fn is_challenge(&mut self, response: &Message) -> bool {
        matches!(response.status(), Some(401 | 407))
            && self
                .credentials
                .as_mut()
                .is_some_and(|client| client.challenged(response, &mut self.random) == Next::Retry)
    }

    /// The rows that say who the device is, once a server has asked.
    pub(super) fn authorize(
        &mut self,
        method: Method,
        uri: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        self.credentials
            .as_mut()
            .map(|client| client.authorize(method, uri, body))
            .unwrap_or_default()
    }

    pub(super) fn flow_lost(&mut self, now: Time) {
        self.flow = None;
        self.registration.lost();
        self.identifiers.learn([]);
        let mut nothing = Vec::new();
        self.keep_alive
            .handle(now, outbound::Input::Closed, &mut nothing);
        if let Step::Later(after) = self.registration.failed(None, &mut self.random)
            && self.leaving == Leaving::No
        {
            self.timers.set(Timer::Register, now + after);
        }
    }

    /// Tells the keep-alive, or lets its timer run, and does what it asks for.
    pub(super) fn keep(
        &mut self,
        now: Time,
        input: Option<outbound::Input>,
        out: &mut Vec<Output>,
    ) {
        let mut wishes = Vec::new();
        match input {
            Some(input) => self.keep_alive.handle(now, input, &mut wishes),
            None => self.keep_alive.expire(now, &mut wishes),
        }
        let Some(flow) = self.flow else { return };
        for wish in wishes {
            match wish {
                outbound::Output::Ping { id } => {
                    self.sip(now, endpoint::Input::Ping { flow, id }, out);
                }
                outbound::Output::Failed(_) => {
                    if let Flow::Link(link) = flow {
                        // A link that does not answer is not used again.
                        out.push(Output::Close { link });
                        let why = CloseReason::Broken;
                        self.sip(now, endpoint::Input::Closed { link, why }, out);
                    }
                    self.flow_lost(now);
                }
            }
        }
    }
}
