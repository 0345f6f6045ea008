//! Sessions of a device that live on: refreshed by it or by the gateway, ended when nobody does.
//!
//! **Source:** RFC 4028 sections 7 to 10, RFC 3311; the sirgate SIP profile, E.5.

use crate::codec::sip::Message;
use crate::protocol::sip::endpoint::ServerId;
use crate::protocol::sip::session_timer::{self, Agreed, Asked, Refresher};
use crate::time::Time;
use crate::world::Output;

use super::session::contact;
use super::{Device, Purpose, Timer};

impl Device {
    /// A session lives on from now, as a request of this device and its answer agree.
    pub(super) fn set_refresh(&mut self, now: Time, number: u64, agreed: Option<Agreed>) {
        self.timers.cancel(Timer::Refresh(number));
        self.timers.cancel(Timer::Unrefreshed(number));
        let Some(agreed) = agreed else { return };
        match agreed.refresher {
            Refresher::Uac => {
                self.timers
                    .set(Timer::Refresh(number), now + agreed.refresh_after());
            }
            Refresher::Uas => {
                self.timers
                    .set(Timer::Unrefreshed(number), now + agreed.ends_after());
            }
        }
    }

    /// Keeps a session alive.
    pub(super) fn refresh(&mut self, now: Time, number: u64, out: &mut Vec<Output>) {
        let Some(target) = self.target_in(number) else {
            return;
        };
        let granted = self.registration.granted();
        let gruu = granted.and_then(|granted| granted.pub_gruu.as_deref());
        let contact = contact(&self.config, gruu);
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        let wish = Agreed {
            seconds: session_timer::USUAL.max(session.seconds()),
            refresher: Refresher::Uac,
        };
        if let Some(draft) = session.refresh() {
            let draft = draft
                .header("Contact", contact)
                .header("Supported", "timer")
                .header("Session-Expires", wish);
            self.request(now, Purpose::Refresh(number), draft, target, out);
        }
    }

    /// What came of keeping a session alive. One that the gateway has forgotten, or that it does not answer for, is
    /// over; after another refusal it is tried again, until the gateway ends it.
    pub(super) fn refresh_answered(
        &mut self,
        now: Time,
        number: u64,
        answer: Option<&Message>,
        out: &mut Vec<Output>,
    ) {
        match answer.and_then(Message::status).unwrap_or(408) {
            408 | 481 => self.hang_up(now, number, 408, "not refreshed", out),
            200..=299 => {
                let agreed = answer.and_then(session_timer::agreed);
                self.set_refresh(now, number, agreed);
            }
            _ => self.timers.set(Timer::Refresh(number), now + AGAIN),
        }
    }

    /// The gateway keeps a session alive.
    pub(super) fn on_refresh(
        &mut self,
        now: Time,
        id: ServerId,
        number: u64,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let granted = match session_timer::asked(request) {
            _ if !request.body().is_empty() => {
                let draft = self.response(request, 488);
                return self.respond(now, id, draft, out);
            }
            Asked::TooFew => {
                let least = session_timer::LEAST;
                let draft = self.response(request, 422).header("Min-SE", least);
                return self.respond(now, id, draft, out);
            }
            Asked::Nothing => None,
            Asked::Granted(agreed) => Some(agreed),
        };
        let registered = self.registration.granted();
        let gruu = registered.and_then(|granted| granted.pub_gruu.as_deref());
        let contact = contact(&self.config, gruu);
        let mut draft = self.response(request, 200).header("Contact", contact);
        if let Some(agreed) = granted {
            draft = draft.header("Session-Expires", agreed);
            if agreed.refresher == Refresher::Uac {
                draft = draft.header("Require", "timer");
            }
        }
        self.respond(now, id, draft, out);
        // Seen from the gateway's request, the device is the one that answers.
        let swapped = granted.map(|agreed| Agreed {
            refresher: match agreed.refresher {
                Refresher::Uac => Refresher::Uas,
                Refresher::Uas => Refresher::Uac,
            },
            ..agreed
        });
        self.set_refresh(now, number, swapped);
    }
}

/// How long after a refusal a session is refreshed again.
const AGAIN: core::time::Duration = core::time::Duration::from_secs(30);
