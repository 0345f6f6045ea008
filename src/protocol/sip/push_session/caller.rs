//! The calling end of a push session.

use bytes::Bytes;

use crate::codec::sip::{Contact, Draft, Message, Method, Name};

use super::super::dialog::Dialog;
use super::super::endpoint::Failure;
use super::{Within, bye, within};

/// What an INVITE says.
#[derive(Clone, Copy, Debug)]
pub struct Invite<'a> {
    /// The Request-URI.
    pub uri: &'a str,
    /// The To value without a tag: `<sip:push@ppg.example.com>`.
    pub to: &'a str,
    /// The From value without a tag.
    pub from: &'a str,
    /// Our tag.
    pub tag: &'a str,
    /// The Call-ID; it stays when the INVITE is repeated with credentials or to another target.
    pub call_id: &'a str,
    /// The CSeq number; one more for each repetition.
    pub number: u32,
    /// The Contact value.
    pub contact: &'a str,
    /// Route values, first hop first.
    pub routes: &'a [String],
    /// More headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The offer.
    pub sdp: &'a [u8],
}

/// Where the calling end stands.
///
/// ```text
///            2xx: ACK             hang_up: BYE
///  Calling -----------> Up ------------------------> Over
///     |   \              \------- BYE: 200 --------->  ^ ^
///     |    \ 300-699, failure                          | |
///     |     `------------------------------------------' |
///     | hang_up: CANCEL                                  |
///     V            300-699, failure; 2xx: ACK, BYE       |
///  Leaving ----------------------------------------------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Leaving,
    Up,
    Over,
}

/// The calling end.
#[derive(Clone, Debug)]
pub struct Caller {
    state: State,
    number: u32,
    dialog: Option<Dialog>,
}

/// What a response means for the owner.
#[derive(Clone, Debug)]
pub enum CallerEvent {
    /// The peer is working on it.
    Ringing {
        /// 100 to 199.
        status: u16,
    },
    /// The session is up: send the ACK.
    Up {
        /// The answer, as it came.
        sdp: Bytes,
        /// The ACK, for [`super::super::endpoint::Input::Send`].
        ack: Draft,
    },
    /// The 2xx came again: send the ACK again.
    Again {
        /// The ACK.
        ack: Draft,
    },
    /// A session came up that is not wanted, because it was given up or another one answered first: send both.
    Unwanted {
        /// The ACK.
        ack: Draft,
        /// The BYE, as a client transaction.
        bye: Draft,
    },
    /// There is no session.
    Refused(Refusal),
}

/// Why there is no session, in the words of the peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The status; 408 when nobody answered, 503 when the INVITE could not be sent. For 401 and 407 the challenge is in
    /// the response itself.
    pub status: u16,
    /// The Warning, or the reason phrase without one.
    pub why: String,
    /// When to come again, in seconds.
    pub retry_after: Option<u32>,
    /// Where to call instead, best first (302).
    pub contacts: Vec<String>,
    /// True when the owner had given the call up before.
    pub given_up: bool,
}

/// What to do to hang up.
#[derive(Clone, Debug)]
pub enum HangUp {
    /// Nothing: it is over.
    Nothing,
    /// Cancel the INVITE; an event still follows.
    Cancel,
    /// Send this BYE as a client transaction, whatever it brings.
    Bye(Draft),
}

impl Caller {
    /// A call, and its INVITE.
    #[must_use]
    pub fn invite(invite: &Invite<'_>) -> (Self, Draft) {
        let mut draft = Draft::request(Method::Invite, invite.uri);
        for route in invite.routes {
            draft = draft.header("Route", route);
        }
        draft = draft
            .header("From", format_args!("{};tag={}", invite.from, invite.tag))
            .header("To", invite.to)
            .header("Call-ID", invite.call_id)
            .header("CSeq", format_args!("{} INVITE", invite.number))
            .header("Contact", invite.contact);
        for (name, value) in invite.headers {
            draft = draft.header(name, value);
        }
        let caller = Self {
            state: State::Calling,
            number: invite.number,
            dialog: None,
        };
        (caller, draft.body("application/sdp", invite.sdp))
    }

    /// True while the session is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// True when nothing more will come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The dialog, once the session has come up.
    #[must_use]
    pub const fn dialog(&self) -> Option<&Dialog> {
        self.dialog.as_ref()
    }

    /// A response to the INVITE.
    pub fn on_response(&mut self, response: &Message) -> Option<CallerEvent> {
        let status = response.status()?;
        match (self.state, status) {
            (State::Calling | State::Leaving, ..=199) => Some(CallerEvent::Ringing { status }),
            (State::Calling | State::Leaving, 300..) => {
                let given_up = self.state == State::Leaving;
                self.state = State::Over;
                Some(CallerEvent::Refused(refusal(response, status, given_up)))
            }
            (_, 200..=299) => self.accepted(response),
            _ => None,
        }
    }

    /// A 2xx: every one is acknowledged, one makes the session.
    fn accepted(&mut self, response: &Message) -> Option<CallerEvent> {
        if let Some(dialog) = &self.dialog
            && dialog.is_of(response)
        {
            let ack = dialog.ack(self.number);
            return Some(CallerEvent::Again { ack });
        }
        let Ok(mut dialog) = Dialog::from_response(response) else {
            // Without Contact there is nowhere to send even the BYE to; the peer gives up for want of the ACK.
            let waited = matches!(self.state, State::Calling | State::Leaving);
            self.state = State::Over;
            return waited.then(|| {
                CallerEvent::Refused(Refusal {
                    status: 400,
                    why: "the answer has no usable Contact".to_owned(),
                    ..Refusal::default()
                })
            });
        };
        let ack = dialog.ack(self.number);
        if self.state == State::Calling {
            self.state = State::Up;
            self.dialog = Some(dialog);
            let sdp = Bytes::copy_from_slice(response.body());
            return Some(CallerEvent::Up { sdp, ack });
        }
        let bye = bye(&mut dialog, 487, "not wanted");
        if self.state == State::Leaving {
            self.state = State::Over;
            self.dialog = Some(dialog);
        }
        Some(CallerEvent::Unwanted { ack, bye })
    }

    /// The INVITE has failed without a response.
    pub fn on_failed(&mut self, why: Failure) -> Option<CallerEvent> {
        if !matches!(self.state, State::Calling | State::Leaving) {
            return None;
        }
        let given_up = self.state == State::Leaving;
        self.state = State::Over;
        let (status, why) = match why {
            Failure::Timeout => (408, "no answer"),
            Failure::Transport => (503, "not reachable"),
        };
        Some(CallerEvent::Refused(Refusal {
            status,
            why: why.to_owned(),
            given_up,
            ..Refusal::default()
        }))
    }

    /// A request of the peer within the session.
    pub fn on_request(&mut self, request: &Message) -> Within {
        let over = self.state != State::Up;
        let Some(dialog) = &mut self.dialog else {
            return Within::Answer(Draft::response(request, 481, None).finish());
        };
        let within = within(dialog, over, request);
        if matches!(within, Within::Over(_)) {
            self.state = State::Over;
        }
        within
    }

    /// An UPDATE that keeps the session alive, for the owner to complete; `None` unless it is up.
    #[must_use]
    pub fn refresh(&mut self) -> Option<Draft> {
        let dialog = self.dialog.as_mut().filter(|_| self.state == State::Up)?;
        Some(dialog.request(Method::Update))
    }

    /// Ends the session, or the attempt at one.
    #[must_use]
    pub fn hang_up(&mut self, cause: u16, text: &str) -> HangUp {
        match (self.state, &mut self.dialog) {
            (State::Calling, _) => {
                self.state = State::Leaving;
                HangUp::Cancel
            }
            (State::Up, Some(dialog)) => {
                self.state = State::Over;
                HangUp::Bye(bye(dialog, cause, text))
            }
            _ => HangUp::Nothing,
        }
    }
}

fn refusal(response: &Message, status: u16, given_up: bool) -> Refusal {
    let why = response
        .text(Name::Warning)
        .map_or_else(|| response.reason().to_string(), str::to_owned);
    // `120 (in a meeting);duration=3600`: the number ends where anything else begins.
    let retry_after = response.text(Name::RetryAfter).and_then(|text| {
        text.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    });
    let contacts = if (300..400).contains(&status) {
        response
            .contacts()
            .filter_map(|contact| match contact {
                Ok(Contact::Address(address)) => Some(address.uri.as_str().to_owned()),
                _ => None,
            })
            .collect()
    } else {
        Vec::new()
    };
    Refusal {
        status,
        why,
        retry_after,
        contacts,
        given_up,
    }
}
