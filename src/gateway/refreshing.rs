//! Sessions that live on: refreshed by their device or by us, ended when nobody does.
//!
//! **Source:** RFC 4028 sections 7 to 10; spec/sip.md E.5. A device refreshes by UPDATE or by an INVITE with the offer
//! it made; we refresh by UPDATE.

use super::on_invite::NotAccepted;
use super::on_sip::ALLOW;
use super::sessions::SessionNo;
use super::{Gateway, Timer};
use crate::codec::sip::{Draft, Message, Method};
use crate::protocol::sip::endpoint::{self, ClientId, ServerId, Target};
use crate::protocol::sip::session_timer::{self, Agreed, Asked, Refresher};
use crate::time::Time;
use crate::world::Output;

impl Gateway {
    /// A request of the device that keeps its session alive: an UPDATE, or an INVITE with the offer it made.
    pub(super) fn on_refresh(&mut self, now: Time, id: ServerId, no: SessionNo, request: &Message) {
        let Some(session) = self.sessions.get(no) else {
            return;
        };
        let flow = session.flow;
        let is_invite = request.method() == Some(Method::Invite);
        // Another offer is refused, and what was agreed stays agreed (RFC 3261 section 14.2).
        let is_known = request.body().is_empty() || request.body() == session.offer;
        let answer = if is_invite {
            session.answer.clone()
        } else {
            Vec::new()
        };
        if !is_known || (is_invite && request.body().is_empty()) {
            let draft = self.answer(request, 488);
            return self.respond(id, draft);
        }
        let granted = match session_timer::asked(request) {
            Asked::TooFew => {
                let draft = self
                    .answer(request, 422)
                    .header("Min-SE", session_timer::LEAST);
                return self.respond(id, draft);
            }
            Asked::Nothing => None,
            Asked::Granted(agreed) => Some(agreed),
        };
        let contact = format!("<{}>", self.contact_of(flow));
        let draft = self
            .answer(request, 200)
            .header("Contact", contact)
            .header("Allow", ALLOW);
        let mut draft = with_timer(draft, granted);
        if !answer.is_empty() {
            draft = draft.body("application/sdp", &answer);
        }
        self.respond(id, draft);
        self.refreshed(now, no, granted);
    }

    /// A session lives on from now, as was agreed by a request of its device.
    pub(super) fn refreshed(&mut self, now: Time, no: SessionNo, agreed: Option<Agreed>) {
        self.timers.cancel(Timer::Refresh(no));
        self.timers.cancel(Timer::Unrefreshed(no));
        let Some(agreed) = agreed else { return };
        if let Some(session) = self.sessions.get_mut(no) {
            session.seconds = agreed.seconds;
        }
        match agreed.refresher {
            Refresher::Uac => self
                .timers
                .set(Timer::Unrefreshed(no), now + agreed.ends_after()),
            Refresher::Uas => self
                .timers
                .set(Timer::Refresh(no), now + agreed.refresh_after()),
        }
    }

    /// It is on us to refresh a session. One whose device does not answer ends at its time.
    pub(super) fn refresh(&mut self, now: Time, no: SessionNo) {
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        let agreed = Agreed {
            seconds: session.seconds,
            refresher: Refresher::Uac,
        };
        let flow = session.flow;
        let Some(draft) = session.call.refresh() else {
            return;
        };
        let draft = draft
            .header("Contact", format_args!("<{}>", self.contact_of(flow)))
            .header("Supported", "timer")
            .header("Session-Expires", agreed);
        let left = agreed.ends_after().saturating_sub(agreed.refresh_after());
        self.timers.set(Timer::Unrefreshed(no), now + left);
        let id = self.client_id();
        self.refreshes.insert(id, no);
        let target = Target::Flow(flow);
        self.todo
            .push_back(endpoint::Input::Request { id, draft, target });
    }

    /// Our refresh was answered; false when the request was none.
    pub(super) fn refresh_answered(
        &mut self,
        now: Time,
        id: ClientId,
        status: u16,
        message: Option<&Message>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(no) = self.refreshes.remove(&id) else {
            return false;
        };
        match status {
            200..=299 => {
                // Seen from our UPDATE we are the caller; a session without a timer needs no refresh.
                let agreed = message.and_then(session_timer::agreed);
                let swapped = agreed.map(|agreed| Agreed {
                    refresher: match agreed.refresher {
                        Refresher::Uac => Refresher::Uas,
                        Refresher::Uas => Refresher::Uac,
                    },
                    ..agreed
                });
                self.refreshed(now, no, swapped);
            }
            408 | 481 => self.hang_up(now, no, 408, "not refreshed", out),
            // Other answers end nothing; the session does, at its time.
            _ => {}
        }
        true
    }
}

/// The timer that an INVITE gets; none for a caller that knows none.
pub(super) fn granted(invite: &Message) -> Result<Option<Agreed>, NotAccepted> {
    match session_timer::asked(invite) {
        Asked::Nothing => Ok(None),
        Asked::Granted(agreed) => Ok(Some(agreed)),
        Asked::TooFew => {
            let least = session_timer::LEAST.to_string();
            Err(NotAccepted::new(422, "the session would end too soon").with("Min-SE", least))
        }
    }
}

/// The headers of the answer to an INVITE; `expires` is what was granted, as it is written.
pub(super) fn of_answer(expires: Option<&str>, granted: Option<Agreed>) -> Vec<(&str, &str)> {
    let mut headers = vec![
        ("Allow", ALLOW),
        ("Supported", "gruu, outbound, timer"),
        ("Server", "sirgate"),
    ];
    if let Some((expires, agreed)) = expires.zip(granted) {
        headers.push(("Session-Expires", expires));
        if agreed.refresher == Refresher::Uac {
            headers.push(("Require", "timer"));
        }
    }
    headers
}

/// The headers of an answer that grants a timer.
pub(super) fn with_timer(draft: Draft, granted: Option<Agreed>) -> Draft {
    match granted {
        // A caller that refreshes must know that it has to.
        Some(agreed) if agreed.refresher == Refresher::Uac => draft
            .header("Require", "timer")
            .header("Session-Expires", agreed),
        Some(agreed) => draft.header("Session-Expires", agreed),
        None => draft,
    }
}
