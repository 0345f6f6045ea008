//! The 200 to a REGISTER: every binding of the address of record, as it is now.
//!
//! **Source:** RFC 3261 section 10.3 step 8; RFC 5626 sections 6 and 4.4.1; RFC 5627 section 5.3; RFC 3327; RFC 3608; RFC 8599.

use core::fmt::Write as _;

use crate::codec::sip::push_notification::{PushCapability, REFRESH_BEFORE_MIN};
use crate::codec::sip::{Draft, Message, put_quoted};
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
    let mut draft = Draft::response(request, 200, Some(tag));
    for binding in bindings {
        draft = draft.header("Contact", contact(now, binding, register.offers.gruu));
    }
    if register.keeps_a_flow() {
        draft = draft.header("Require", "outbound");
        if let Some(seconds) = policy.flow_timer.filter(|_| register.is_first_hop) {
            draft = draft.header("Flow-Timer", seconds);
        }
    }
    // `gruu` is never named here: the parameters of Contact say it (RFC 5627 section 5.3).
    draft = draft.header("Supported", "path, outbound");
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

/// One Contact value of the answer.
fn contact(now: Time, binding: &Binding, gruu: bool) -> String {
    let mut text = String::with_capacity(384);
    // Writing to memory does not fail.
    let _ = write!(text, "<{}>", binding.contact);
    if let Some(urn) = &binding.instance {
        push(&mut text, "+sip.instance", Some(&format!("<{urn}>")));
    }
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
            ("pub-gruu", &binding.pub_gruu),
            ("temp-gruu", &binding.temp_gruu),
        ];
        for (name, gruu) in gruus {
            if let Some(gruu) = gruu {
                // A URI is no token.
                let _ = write!(text, ";{name}=");
                put_quoted(&mut text, gruu);
            }
        }
    }
    for (name, value) in &binding.params {
        push(&mut text, name, value.as_deref());
    }
    text
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
