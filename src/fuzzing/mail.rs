//! What mail servers say.

use super::STARTED;
use crate::codec::imap::{Framer, Response, decode_words};
use crate::limits;
use crate::protocol::imap::{Effect, Settings, Watcher};

/// Responses in pieces: read to the end of the octets or to a clear fault, and a watcher that hears them asks for nothing
/// that has a line end inside, and keeps no more than one response.
pub fn imap(octets: &[u8]) {
    let mut framer = Framer::default();
    for piece in octets.chunks(7) {
        framer.push(piece);
        while let Ok(Some(whole)) = framer.take() {
            assert!(whole.len() <= limits::IMAP_RESPONSE_OCTETS);
            let _ = Response::decode(&whole);
        }
    }
    let _ = Response::decode(octets);
    let text = String::from_utf8_lossy(octets);
    // What is decoded is at most as long as what it was made of, with room for octets that were no text.
    assert!(decode_words(&text).len() <= text.len().saturating_mul(3));
    let settings = Settings {
        user: "alice".to_owned(),
        password: "secret".to_owned(),
        master: None,
        folder: "INBOX".to_owned(),
        notify: octets.first().is_some_and(|octet| octet % 2 == 0),
    };
    let mut watcher = Watcher::new(STARTED, settings, Some((7, 6)));
    let mut effects = Vec::new();
    watcher.octets(
        STARTED,
        b"* OK hi\r\nA1 OK [CAPABILITY IDLE NOTIFY]\r\n",
        &mut effects,
    );
    for piece in octets.chunks(11) {
        watcher.octets(STARTED, piece, &mut effects);
    }
    for effect in effects {
        if let Effect::Send(line) = effect {
            let line = line.strip_suffix(b"\r\n").unwrap_or_default();
            assert!(!line.is_empty() && !line.contains(&b'\n'));
        }
    }
}
