//! Bodies of the fuzz targets: what must hold for any octets. `fuzz/` and `tests/fuzz_smoke.rs` run the same ones.
//!
//! Each target decodes; what decodes is written again and must decode to the same value. Nothing may panic, loop or
//! grow without a bound.

use crate::time::Time;

mod endpoints;
mod formats;
pub mod hostile;
mod mail;
mod nodes;
mod sip;
mod site;
mod wap;

pub use endpoints::{smpp_sessions, wsp_endpoint};
pub use formats::{Seed, VECTOR_FILES, formats, promises, seeds};
pub use mail::imap;
pub use nodes::{device, gateway};
pub use sip::{device_id, digest, mime, msrp, sdp, sia, sip, sip_stream, sir, stun, uri};
pub use site::site_message;
pub use wap::{
    aes128gcm, apns, client_address, co, dd, emn, fcm, installation, jwt, message_summary,
    ota_http, pap, pap_body, pidf, push_socket, reginfo, si, sl, smpp, sms, ussd, vapid, wsp, wtp,
};

/// When time begins for machines that are fed.
const STARTED: Time = Time::from_secs(1_767_261_600);

/// A body: it fails by panicking.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("formats", formats),
    ("sip", sip),
    ("sip_stream", sip_stream),
    ("uri", uri),
    ("digest", digest),
    ("device_id", device_id),
    ("sia", sia),
    ("sir", sir),
    ("mime", mime),
    ("pap", pap),
    ("pap_body", pap_body),
    ("si", si),
    ("sl", sl),
    ("co", co),
    ("emn", emn),
    ("client_address", client_address),
    ("msrp", msrp),
    ("sdp", sdp),
    ("stun", stun),
    ("imap", imap),
    ("sms", sms),
    ("smpp", smpp),
    ("smpp_sessions", smpp_sessions),
    ("ussd", ussd),
    ("ota_http", ota_http),
    ("wsp", wsp),
    ("wsp_endpoint", wsp_endpoint),
    ("wtp", wtp),
    ("pidf", pidf),
    ("reginfo", reginfo),
    ("dd", dd),
    ("installation", installation),
    ("message_summary", message_summary),
    ("aes128gcm", aes128gcm),
    ("vapid", vapid),
    ("jwt", jwt),
    ("apns", apns),
    ("fcm", fcm),
    ("push_socket", push_socket),
    ("site_message", site_message),
    ("gateway", gateway),
    ("device", device),
];
