//! A device that sleeps between registrations and is woken by a bearer it named.
//!
//! **Source:** RFC 8599 section 4.1 (what a REGISTER says, what follows a push); the sirgate SIP profile, E.8. What wakes
//! it is no more than that: the SIR comes again by SIP once it is registered.

use core::time::Duration;

use crate::event::Bearer;
use crate::protocol::sip::endpoint::{self, Flow};
use crate::protocol::sip::outbound;
use crate::time::Time;
use crate::world::{CloseReason, Output, SocketId};

use super::bearer::Arrival;
use super::reply::Answer;
use super::{Device, Timer};

impl Device {
    /// True while the device hears nothing on SIP.
    #[must_use]
    pub const fn is_asleep(&self) -> bool {
        self.asleep
    }

    /// A device that can be woken goes to sleep some time after it registered.
    pub(super) fn rest_later(&mut self, now: Time) {
        let after = self.config.behaviour.sleep_after_ms;
        if let Some(millis) = after.filter(|_| self.config.wake.is_some()) {
            self.timers
                .set(Timer::Sleep, now + Duration::from_millis(millis));
        }
    }

    /// Goes to sleep, unless something is under way: then it looks again later.
    pub(super) fn rest(&mut self, now: Time, out: &mut Vec<Output>) {
        let is_busy =
            !(self.sessions.is_empty() && self.waiting.is_empty() && self.requests.is_empty());
        if is_busy {
            return self.rest_later(now);
        }
        self.keep(now, Some(outbound::Input::Closed), out);
        self.asleep = true;
        if let Some(Flow::Link(link)) = self.flow.take() {
            out.push(Output::Close { link });
            let why = CloseReason::Peer;
            self.sip(now, endpoint::Input::Closed { link, why }, out);
        }
    }

    /// True for a datagram that a sleeping device does not hear.
    pub(super) fn sleeps_through(&self, socket: SocketId) -> bool {
        self.asleep && socket == self.config.socket
    }

    /// A SIR came by a bearer: a device that sleeps wakes and registers, and is asked again. False when it was awake.
    pub(super) fn wakes(&mut self, now: Time, arrival: &Arrival, out: &mut Vec<Output>) -> bool {
        if !self.asleep || arrival.bearer() == Bearer::Sip {
            return false;
        }
        self.answer_sir(now, arrival, Answer::plain(202), out);
        self.register(now, out);
        true
    }
}
