//! The called end of a push session.

use std::time::Duration;

use crate::codec::DecodeError;
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::time::Time;

use super::super::client_transaction::{PATIENCE, T1, T2};
use super::super::dialog::Dialog;
use super::{Within, bye, within};

/// What a 200 to an INVITE says.
#[derive(Clone, Copy, Debug)]
pub struct Accept<'a> {
    /// Our tag.
    pub tag: &'a str,
    /// The Contact value.
    pub contact: &'a str,
    /// More headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The answer.
    pub sdp: &'a [u8],
}

/// Where the called end stands.
///
/// ```text
///             ACK             hang_up: BYE
///  Accepted -------> Up --------------------> Over
///   |  ^  \           \---- BYE: 200 --------> ^ ^
///   `--'   \ BYE: 200                          | |
///  T1..T2:  `----------------------------------' |
///   200     64*T1 without ACK: BYE               |
///           `------------------------------------'
/// ```
#[derive(Clone, Debug)]
enum State {
    /// The 200 is out, the ACK is not in.
    Accepted {
        ok: Message,
        again: Time,
        pause: Duration,
        until: Time,
        /// A BYE must wait for the ACK (RFC 3261 section 15).
        leaving: Option<(u16, String)>,
    },
    Up,
    Over,
}

/// The called end.
#[derive(Clone, Debug)]
pub struct Callee {
    state: State,
    /// The CSeq number of the INVITE, which its ACK bears too.
    number: u32,
    dialog: Dialog,
}

/// What time or an ACK brings.
#[derive(Clone, Debug)]
pub enum CalleeEvent {
    /// Send the 200 again: [`super::super::endpoint::Input::Respond`] with the transaction of the INVITE.
    Resend(Message),
    /// The ACK is in: the session is up.
    Up,
    /// The ACK never came: the session is over, send this BYE as a client transaction.
    GaveUp(Draft),
    /// The ACK is in, and [`Callee::hang_up`] was waiting for it: the session is over, send this BYE.
    Bye(Draft),
}

impl Callee {
    /// Accepts a call with a 200, to be sent as the response of its transaction.
    ///
    /// # Errors
    /// When the INVITE lacks what a dialog needs, a Contact above all: answer it 400.
    pub fn accept(
        now: Time,
        invite: &Message,
        accept: &Accept<'_>,
    ) -> Result<(Self, Message), DecodeError> {
        let dialog = Dialog::from_request(invite, accept.tag)?;
        let number = invite.cseq()?.number;
        let mut draft = Draft::response(invite, 200, Some(accept.tag));
        for route in invite.rows(Name::RecordRoute) {
            draft = draft.header_octets("Record-Route", route);
        }
        draft = draft.header("Contact", accept.contact);
        for (name, value) in accept.headers {
            draft = draft.header(name, value);
        }
        let ok = draft.body("application/sdp", accept.sdp).finish();
        let state = State::Accepted {
            ok: ok.clone(),
            again: now + T1,
            pause: T1,
            until: now + PATIENCE,
            leaving: None,
        };
        let callee = Self {
            state,
            number,
            dialog,
        };
        Ok((callee, ok))
    }

    /// True while the session is up.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// True when nothing more will come of it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The dialog.
    #[must_use]
    pub const fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// When [`Callee::expire`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Accepted { again, until, .. } => Some(*again.min(until)),
            State::Up | State::Over => None,
        }
    }

    /// What time brings; to be called until it brings nothing.
    pub fn expire(&mut self, now: Time) -> Option<CalleeEvent> {
        let State::Accepted {
            ok,
            again,
            pause,
            until,
            ..
        } = &mut self.state
        else {
            return None;
        };
        if now >= *until {
            self.state = State::Over;
            return Some(CalleeEvent::GaveUp(bye(&mut self.dialog, 408, "no ACK")));
        }
        if now < *again {
            return None;
        }
        *pause = (*pause * 2).min(T2);
        *again = *again + *pause;
        Some(CalleeEvent::Resend(ok.clone()))
    }

    /// An ACK of the peer.
    pub fn on_ack(&mut self, ack: &Message) -> Option<CalleeEvent> {
        let State::Accepted { leaving, .. } = &mut self.state else {
            return None;
        };
        let in_order = ack.cseq().is_ok_and(|cseq| cseq.number == self.number);
        if !in_order || !self.dialog.is_of(ack) {
            return None;
        }
        match leaving.take() {
            Some((cause, text)) => {
                self.state = State::Over;
                Some(CalleeEvent::Bye(bye(&mut self.dialog, cause, &text)))
            }
            None => {
                self.state = State::Up;
                Some(CalleeEvent::Up)
            }
        }
    }

    /// A request of the peer within the session, other than ACK.
    pub fn on_request(&mut self, request: &Message) -> Within {
        let over = self.is_over();
        let within = within(&mut self.dialog, over, request);
        if matches!(within, Within::Over(_)) {
            self.state = State::Over;
        }
        within
    }

    /// An UPDATE that keeps the session alive, for the owner to complete; `None` unless it is up.
    #[must_use]
    pub fn refresh(&mut self) -> Option<Draft> {
        self.is_up().then(|| self.dialog.request(Method::Update))
    }

    /// Ends the session: the BYE to send as a client transaction, or `None` when it must wait for the ACK
    /// ([`CalleeEvent::Bye`]) or the session is over already.
    #[must_use]
    pub fn hang_up(&mut self, cause: u16, text: &str) -> Option<Draft> {
        match &mut self.state {
            State::Accepted { leaving, .. } => {
                leaving.get_or_insert_with(|| (cause, text.to_owned()));
                None
            }
            State::Up => {
                self.state = State::Over;
                Some(bye(&mut self.dialog, cause, text))
            }
            State::Over => None,
        }
    }
}
