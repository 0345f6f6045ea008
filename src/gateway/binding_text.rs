//! The record of a binding, written straight to JSON: one is written with every REGISTER, and a general serialiser takes
//! several times as long.
//!
//! What reads it is that serialiser's other half (`snapshot::read_binding`); the test below holds the two together.

use crate::codec::decimal::{put_address, put_number};
use crate::protocol::sip::endpoint::Flow;
use crate::protocol::sip::registrar::Binding;
use crate::time::Time;

/// Octets of a usual record.
const ROOM: usize = 1_024;

/// The body of the record, as serde writes it.
pub(super) fn written(version: u32, binding: &Binding) -> Vec<u8> {
    let Binding {
        serial,
        aor,
        contact,
        instance,
        gr,
        reg_id,
        call_id,
        cseq,
        expires_at,
        q,
        flow,
        path,
        params,
        pub_gruu,
        temp_gruu,
        epoch,
        aliases,
        created_at,
        registered_at,
    } = binding;
    let mut text = Text(Vec::with_capacity(ROOM));
    text.number("{\"v\":", u64::from(version));
    text.number(",\"binding\":{\"serial\":", *serial);
    text.string(",\"aor\":", aor);
    text.string(",\"contact\":", contact);
    text.optional(",\"instance\":", instance.as_deref());
    text.optional(",\"gr\":", gr.as_deref());
    match reg_id {
        Some(number) => text.number(",\"reg_id\":", u64::from(*number)),
        None => text.raw(",\"reg_id\":null"),
    }
    text.string(",\"call_id\":", call_id);
    text.number(",\"cseq\":", u64::from(*cseq));
    text.time(",\"expires_at\":", *expires_at);
    text.number(",\"q\":", u64::from(*q));
    text.flow(*flow);
    text.strings(",\"path\":[", path);
    text.params(params);
    text.optional(",\"pub_gruu\":", pub_gruu.as_deref());
    text.optional(",\"temp_gruu\":", temp_gruu.as_deref());
    text.number(",\"epoch\":", *epoch);
    text.strings(",\"aliases\":[", aliases);
    text.time(",\"created_at\":", *created_at);
    text.time(",\"registered_at\":", *registered_at);
    text.raw("}}");
    text.0
}

/// JSON in the making.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, before: &str, number: u64) {
        self.raw(before);
        put_number(&mut self.0, number);
    }

    fn time(&mut self, before: &str, time: Time) {
        self.number(before, time.micros());
    }

    fn string(&mut self, before: &str, text: &str) {
        self.raw(before);
        let is_plain = |octet: u8| octet >= b' ' && !matches!(octet, b'"' | b'\\');
        if text.bytes().fold(true, |all, octet| all & is_plain(octet)) {
            self.raw("\"");
            self.raw(text);
            self.raw("\"");
        } else {
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut self.0, text);
        }
    }

    fn optional(&mut self, before: &str, text: Option<&str>) {
        match text {
            Some(text) => self.string(before, text),
            None => {
                self.raw(before);
                self.raw("null");
            }
        }
    }

    fn strings(&mut self, before: &str, texts: &[String]) {
        self.raw(before);
        for (place, text) in texts.iter().enumerate() {
            self.string(if place > 0 { "," } else { "" }, text);
        }
        self.raw("]");
    }

    fn params(&mut self, params: &[(String, Option<String>)]) {
        self.raw(",\"params\":[");
        for (place, (name, value)) in params.iter().enumerate() {
            self.string(if place > 0 { ",[" } else { "[" }, name);
            self.optional(",", value.as_deref());
            self.raw("]");
        }
        self.raw("]");
    }

    /// A link's number means nothing after a restart, so it is not kept.
    fn flow(&mut self, flow: Flow) {
        match flow {
            Flow::Udp { socket, peer } => {
                self.number(",\"flow\":{\"udp\":{\"socket\":", u64::from(socket.0));
                self.raw(",\"peer\":\"");
                put_address(&mut self.0, peer);
                self.raw("\"}}");
            }
            Flow::Link(_) => self.raw(",\"flow\":\"link\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{LinkId, SocketId};
    use serde::Serialize;

    #[derive(Serialize)]
    struct Body<'a> {
        v: u32,
        binding: &'a Binding,
    }

    fn binding(text: &str, is_full: bool) -> Binding {
        let some = |value: &str| is_full.then(|| format!("{value}{text}"));
        Binding {
            serial: u64::MAX,
            aor: format!("sip:alice{text}@example.com"),
            contact: "sip:alice@192.0.2.11:5060".to_owned(),
            instance: some("urn:uuid:1"),
            gr: some("urn:uuid:2"),
            reg_id: is_full.then_some(7),
            call_id: text.to_owned(),
            cseq: 9,
            expires_at: Time::from_micros(1_767_261_600_000_001),
            q: 500,
            flow: if is_full {
                Flow::Udp {
                    socket: SocketId(3),
                    peer: "[2001:db8::1]:5060".parse().unwrap(),
                }
            } else {
                Flow::Link(LinkId(5))
            },
            path: some("sip:proxy;lr").into_iter().chain(some("x")).collect(),
            params: if is_full {
                vec![
                    ("+sip.pnsreg".to_owned(), None),
                    (text.to_owned(), some("value")),
                ]
            } else {
                Vec::new()
            },
            pub_gruu: some("sip:alice@example.com;gr="),
            temp_gruu: some("sip:tgruu@example.com;gr"),
            epoch: 0,
            aliases: some("imei:").into_iter().chain(some("mac:")).collect(),
            created_at: Time::EPOCH,
            registered_at: Time::FAR,
        }
    }

    #[test]
    fn the_record_is_what_serde_writes_and_reads() {
        for text in ["", "a", "\"", "\\", "\u{1}\n\u{7f}", "\u{e9}\u{1f600}"] {
            for is_full in [true, false] {
                let mut binding = binding(text, is_full);
                let body = written(1, &binding);
                let expected = serde_json::to_vec(&Body {
                    v: 1,
                    binding: &binding,
                });
                assert_eq!(
                    String::from_utf8(body.clone()),
                    String::from_utf8(expected.unwrap())
                );
                if !is_full {
                    binding.flow = crate::protocol::sip::registrar::NO_FLOW;
                }
                let read = super::super::snapshot::read_binding(&body);
                assert_eq!(read.unwrap(), binding);
            }
        }
    }
}
