//! The 200 to a REGISTER: every binding of the address of record, as it is now.
//!
//! **Source:** RFC 3261 section 10.3 step 8; RFC 5626 sections 6 and 4.4.1; RFC 5627 section 5.3; RFC 3327; RFC 3608; RFC 8599.

use core::fmt::Write as _;

use crate::codec::sip::push_notification::{PushCapability, REFRESH_BEFORE_MIN};
use crate::codec::sip::{Draft, Message, put_escaped, put_quoted};
use crate::protocol::sip::caller_preferences::is_feature;
use crate::time::{HttpDate, Time};

use super::binding::Binding;
use super::policy::Policy;
use super::wish::{Asked, Register};

/// The response to a REGISTER that was carried out.
pub(super) fn answer(
    now: Time,
    request: &Message,
    register: &Register,
    policy: &Policy,
    bindings: &[Binding],
    tag: &str,
) -> Draft {
    let room = bindings.len().saturating_mul(CONTACT_OCTETS);
    let mut draft = Draft::response(request, 200, Some(tag)).with_room(room);
    let mut text = String::with_capacity(CONTACT_OCTETS);
    for binding in bindings {
        text.clear();
        put_contact(&mut text, now, binding, register.offers.gruu);
        draft = draft.header_octets("Contact", text.as_bytes());
    }
    if register.keeps_a_flow() {
        draft = draft.header_octets("Require", b"outbound");
        if let Some(seconds) = policy.flow_timer.filter(|_| register.is_first_hop) {
            draft = draft.header("Flow-Timer", seconds);
        }
    }
    // `gruu` is never named here: the parameters of Contact say it (RFC 5627 section 5.3).
    draft = draft.header_octets("Supported", b"path, outbound");
    if register.offers.path && !register.path.is_empty() {
        draft = draft.header("Path", register.path.join(", "));
    }
    if !policy.service_route.is_empty() {
        draft = draft.header("Service-Route", policy.service_route.join(", "));
    }
    for provider in &register.wakers {
        let capability = PushCapability {
            provider: Some(provider.clone()),
            refresh_before: register.renews_itself.then_some(REFRESH_BEFORE_MIN),
            ..PushCapability::default()
        };
        draft = draft.header("Feature-Caps", capability);
    }
    draft.header("Date", HttpDate(now))
}

impl Register {
    /// True when a binding was made or refreshed by the rules of outbound.
    fn keeps_a_flow(&self) -> bool {
        match &self.asked {
            Asked::Query | Asked::Nothing => false,
            Asked::These(wishes) => wishes
                .iter()
                .any(|wish| wish.reg_id.is_some() && wish.interval > 0),
        }
    }
}

/// Octets of one Contact with its GRUUs, about.
const CONTACT_OCTETS: usize = 384;

/// Writes one Contact value of the answer.
fn put_contact(text: &mut String, now: Time, binding: &Binding, gruu: bool) {
    text.push('<');
    text.push_str(&binding.contact);
    text.push('>');
    if let Some(urn) = &binding.instance {
        text.push_str(";+sip.instance=\"<");
        put_escaped(text, urn);
        text.push_str(">\"");
    }
    // Writing to memory does not fail.
    if let Some(number) = binding.reg_id {
        let _ = write!(text, ";reg-id={number}");
    }
    let left = binding.expires_at.since(now);
    let seconds = left
        .as_secs()
        .saturating_add(u64::from(left.subsec_nanos() > 0));
    let _ = write!(text, ";expires={seconds}");
    if binding.q < 1000 {
        let _ = write!(text, ";q=0.{:03}", binding.q);
    }
    if gruu {
        let gruus = [
            (";pub-gruu=", &binding.pub_gruu),
            (";temp-gruu=", &binding.temp_gruu),
        ];
        for (name, gruu) in gruus {
            if let Some(gruu) = gruu {
                // A URI is no token.
                text.push_str(name);
                put_quoted(text, gruu);
            }
        }
    }
    for (name, value) in &binding.params {
        push(text, name, value.as_deref());
    }
}

/// Adds a parameter, its value in quotes where the grammar wants them.
fn push(text: &mut String, name: &str, value: Option<&str>) {
    text.push(';');
    text.push_str(name);
    let Some(value) = value else { return };
    text.push('=');
    let is_quoted = value.is_empty() || !value.bytes().all(is_token) || is_feature(name);
    if is_quoted {
        put_quoted(text, value);
    } else {
        text.push_str(value);
    }
}

/// True for an octet that may stand in a token (RFC 3261 section 25.1).
const fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}
