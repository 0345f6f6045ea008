//! The SIP push session, both ends: a device calls, a gateway answers, either hangs up.
//!
//! **Source:** RFC 3261 sections 13 (INVITE), 14 is not used (no re-INVITE), 15 (BYE); RFC 6026. Not here: SDP (octets go
//! in and come out), MSRP, who may call, what is answered instead (the owner), when a session must be refreshed
//! (`session_timer`).
//!
//! ```text
//!  Caller                                                       Callee
//!  invite ---------------- INVITE ----------------------------> accept
//!  on_response <---------- 200, again at 0.5, 1.5, 3.5 ... s -- expire
//!    Up -------------------- ACK -----------------------------> on_ack: Up
//!  hang_up --------------- BYE -------------------------------> on_request: over
//!  on_request: over <----- BYE -------------------------------- hang_up
//! ```

use crate::codec::sip::{Draft, Message, Method};

use super::dialog::Dialog;

mod callee;
mod caller;
#[cfg(test)]
mod lossy;
#[cfg(test)]
mod tests;

pub use callee::{Accept, Callee, CalleeEvent};
pub use caller::{Caller, CallerEvent, HangUp, Invite, Refusal};

/// What becomes of a request that the peer sent within the session.
#[derive(Clone, Debug)]
pub enum Within {
    /// Answer it with this; the session goes on.
    Answer(Message),
    /// Answer it with this; the session is over.
    Over(Message),
    /// It is in order, and what it means is for the owner to say.
    Other,
}

/// Judges a request of the peer: BYE ends, what is out of order is refused, all else is the owner's.
fn within(dialog: &mut Dialog, over: bool, request: &Message) -> Within {
    // The BYE of a peer that ours crossed is answered like any other.
    let heard = !over || request.method() == Some(Method::Bye);
    let checked = if heard {
        dialog.check_remote(request)
    } else {
        Err(481)
    };
    match (checked, request.method()) {
        (Err(status), _) => Within::Answer(Draft::response(request, status, None).finish()),
        (Ok(()), Some(Method::Bye)) => Within::Over(Draft::response(request, 200, None).finish()),
        (Ok(()), _) => Within::Other,
    }
}

/// The BYE of a dialog, with the reason in the words of RFC 3326.
fn bye(dialog: &mut Dialog, cause: u16, text: &str) -> Draft {
    dialog
        .request(Method::Bye)
        .header("Reason", format_args!("SIP;cause={cause};text=\"{text}\""))
}
