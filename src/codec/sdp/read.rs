//! A description read line by line, each fault with its offset.
//!
//! **Source:** as the module around it.

use super::{DIRECTIONS, Direction, Origin, SETUPS, Sdp, Setup, TRANSPORTS, Transport, fault};
use crate::codec::{Class, DecodeError};

/// The lines of a description with their offsets; a line may end with LF alone.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0_usize;
    text.split_inclusive('\n').map(move |line| {
        let here = at;
        at = at.saturating_add(line.len());
        let line = line.strip_suffix('\n').unwrap_or(line);
        (line.strip_suffix('\r').unwrap_or(line), here)
    })
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    is_begun: bool,
    origin: Option<Origin>,
    /// Media lines seen.
    media: usize,
    part: Part,
    session: Attributes,
    message: Option<(u16, Transport, usize)>,
    attributes: Attributes,
    other_media: Vec<(usize, String)>,
}

/// What a line belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Session,
    Message,
    Other,
}

/// What stands for the session or for a media line.
#[derive(Default)]
struct Attributes {
    address: Option<String>,
    path: Option<String>,
    setup: Option<Setup>,
    accept_types: Vec<String>,
    accept_wrapped_types: Vec<String>,
    max_size: Option<u64>,
    direction: Option<Direction>,
}

impl Reader {
    pub(super) fn take(&mut self, line: &str, at: usize) -> Result<(), DecodeError> {
        let bad = |expected| Err(fault(at, Class::BadValue, expected));
        let mut characters = line.chars();
        let (kind, equals) = (characters.next(), characters.next());
        let Some(kind) = kind.filter(|kind| kind.is_ascii_lowercase() && equals == Some('='))
        else {
            return bad("a line x=value");
        };
        if line.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
            return bad("a line without control characters");
        }
        let value = characters.as_str();
        if !self.is_begun {
            self.is_begun = true;
            return if line == "v=0" { Ok(()) } else { bad("v=0") };
        }
        let value_at = at.saturating_add(2);
        match kind {
            'o' => self.origin = Some(origin(value, value_at)?),
            'm' => self.take_media(value, value_at)?,
            'c' if self.part != Part::Other => {
                self.attributes_here().address = Some(connection(value, value_at)?);
            }
            'a' if self.part != Part::Other => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                let value_at = value_at.saturating_add(name.len()).saturating_add(1);
                self.attributes_here().take(name, value, value_at)?;
            }
            _ => {}
        }
        Ok(())
    }

    const fn attributes_here(&mut self) -> &mut Attributes {
        match self.part {
            Part::Session => &mut self.session,
            _ => &mut self.attributes,
        }
    }

    fn take_media(&mut self, value: &str, at: usize) -> Result<(), DecodeError> {
        let place = self.media;
        self.media = place.saturating_add(1);
        if place >= MEDIA_MAX {
            return Err(fault(at, Class::TooLarge, "fewer media lines"));
        }
        let words: Vec<&str> = value.split(' ').collect();
        let [media, port, protocol, _, ..] = words.as_slice() else {
            return Err(fault(
                at,
                Class::BadValue,
                "media, port, protocol and format",
            ));
        };
        let port_at = at.saturating_add(media.len()).saturating_add(1);
        let number = port.split('/').next().unwrap_or_default();
        let number: u16 = number
            .parse()
            .map_err(|_| fault(port_at, Class::BadValue, "a port"))?;
        let transport = value_of(&TRANSPORTS, protocol);
        let fits = *media == "message" && number != 0 && self.message.is_none();
        match transport.filter(|_| fits) {
            Some(transport) => {
                self.message = Some((number, transport, at));
                self.part = Part::Message;
            }
            None => {
                self.part = Part::Other;
                self.other_media.push((place, value.to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, end: usize) -> Result<Sdp, DecodeError> {
        let missing = |at, expected| fault(at, Class::MissingHeader, expected);
        let origin = self.origin.ok_or_else(|| missing(end, "o="))?;
        let (port, transport, at) = self
            .message
            .ok_or_else(|| missing(end, "m=message with TCP/MSRP and a port"))?;
        let path = self.attributes.path.ok_or_else(|| missing(at, "a=path"))?;
        let address = self.attributes.address.or(self.session.address);
        if self.attributes.accept_types.is_empty() {
            return Err(missing(at, "a=accept-types"));
        }
        Ok(Sdp {
            origin,
            address: address.ok_or_else(|| missing(at, "c="))?,
            port,
            transport,
            path,
            setup: self.attributes.setup.or(self.session.setup),
            accept_types: self.attributes.accept_types,
            accept_wrapped_types: self.attributes.accept_wrapped_types,
            max_size: self.attributes.max_size,
            direction: self
                .attributes
                .direction
                .or(self.session.direction)
                .unwrap_or_default(),
            other_media: self.other_media,
        })
    }
}

/// Media lines of one description.
pub(super) const MEDIA_MAX: usize = 32;

impl Attributes {
    fn take(&mut self, name: &str, value: &str, at: usize) -> Result<(), DecodeError> {
        let bad = |expected| fault(at, Class::BadValue, expected);
        let words = || value.split_ascii_whitespace().map(str::to_owned).collect();
        match name {
            "path" => {
                let is_msrp = |uri: &str| {
                    let uri = uri.to_ascii_lowercase();
                    uri.starts_with("msrp://") || uri.starts_with("msrps://")
                };
                let uris: Vec<&str> = value.split_ascii_whitespace().collect();
                if uris.is_empty() || !uris.iter().all(|uri| is_msrp(uri)) {
                    return Err(bad("MSRP URIs"));
                }
                self.path = Some(uris.join(" "));
            }
            "setup" => {
                self.setup = Some(value_of(&SETUPS, value).ok_or_else(|| bad("a setup role"))?);
            }
            "accept-types" => self.accept_types = words(),
            "accept-wrapped-types" => self.accept_wrapped_types = words(),
            "max-size" => {
                self.max_size = Some(value.parse().map_err(|_| bad("a number of octets"))?);
            }
            // An attribute without a value: the direction is one.
            name => {
                if let Some(direction) = value_of(&DIRECTIONS, name) {
                    self.direction = Some(direction);
                }
            }
        }
        Ok(())
    }
}

fn origin(value: &str, at: usize) -> Result<Origin, DecodeError> {
    let words: Vec<&str> = value.split(' ').collect();
    let read = || {
        let [user, session, version, "IN", "IP4" | "IP6", address] = words.as_slice() else {
            return None;
        };
        Some(Origin {
            user: (*user).to_owned(),
            session: session.parse().ok()?,
            version: version.parse().ok()?,
            address: (*address).to_owned(),
        })
    };
    read().ok_or_else(|| {
        fault(
            at,
            Class::BadValue,
            "user, session, version, IN, IP4 or IP6, address",
        )
    })
}

fn connection(value: &str, at: usize) -> Result<String, DecodeError> {
    match value.split(' ').collect::<Vec<&str>>().as_slice() {
        ["IN", "IP4" | "IP6", address] if !address.is_empty() => Ok((*address).to_owned()),
        _ => Err(fault(at, Class::BadValue, "IN, IP4 or IP6, address")),
    }
}

fn value_of<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, value)| *value)
}
