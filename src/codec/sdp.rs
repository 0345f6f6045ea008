//! SDP as MSRP sessions use it: one offered media line and what describes it.
//!
//! **Source:** RFC 8866 (lines), RFC 4975 section 8 (MSRP attributes), RFC 6135 (setup), RFC 3264 section 6 (declining).
//! Lines of no use here are passed over; other media are declined in an answer. Not here: bandwidth, ICE, fingerprints.

use core::fmt;

use crate::codec::{Class, DecodeError};

/// A session description with an MSRP media line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdp {
    /// Who made it, and which of that party's it is.
    pub origin: Origin,
    /// The address of the connection line; the path says where to connect, not this.
    pub address: String,
    /// The port of the media line: 9 when only the peer listens.
    pub port: u16,
    /// What MSRP runs over.
    pub transport: Transport,
    /// `path`: MSRP URIs with spaces between them, the next hop first.
    pub path: String,
    /// Who connects; old peers do not say.
    pub setup: Option<Setup>,
    /// `accept-types`: media types, or `*` alone.
    pub accept_types: Vec<String>,
    /// `accept-wrapped-types`.
    pub accept_wrapped_types: Vec<String>,
    /// `max-size`: octets of the largest message that is taken.
    pub max_size: Option<u64>,
    /// Which way messages go.
    pub direction: Direction,
    /// Media lines other than ours, by their place among all: `audio 49170 RTP/AVP 0`.
    pub other_media: Vec<(usize, String)>,
}

/// The `o=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A user name, or `-`.
    pub user: String,
    /// Names the session at its maker.
    pub session: u64,
    /// Grows with each change.
    pub version: u64,
    /// The maker's host.
    pub address: String,
}

/// What MSRP runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `TCP/MSRP`.
    Tcp,
    /// `TCP/TLS/MSRP`.
    Tls,
}

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The author of the description.
    Active,
    /// The other party.
    Passive,
    /// The other party chooses.
    ActPass,
    /// Nobody, until a later description says who (RFC 4145 section 4).
    HoldConn,
}

/// Which way messages go, seen from the author of the description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// The author only sends.
    SendOnly,
    /// The author only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

const TRANSPORTS: [(&str, Transport); 2] = [
    ("TCP/MSRP", Transport::Tcp),
    ("TCP/TLS/MSRP", Transport::Tls),
];
const SETUPS: [(&str, Setup); 4] = [
    ("active", Setup::Active),
    ("passive", Setup::Passive),
    ("actpass", Setup::ActPass),
    ("holdconn", Setup::HoldConn),
];
const DIRECTIONS: [(&str, Direction); 4] = [
    ("sendrecv", Direction::SendRecv),
    ("sendonly", Direction::SendOnly),
    ("recvonly", Direction::RecvOnly),
    ("inactive", Direction::Inactive),
];

/// The port that means: do not connect here.
const DISCARD: u16 = 9;

impl Sdp {
    /// An offer of an endpoint. With a port to listen on it leaves the choice to the other party (`actpass`); without
    /// one it will connect (`active`, port 9).
    #[must_use]
    pub fn offer(
        session: u64,
        address: &str,
        session_id: &str,
        listening: Option<u16>,
        transport: Transport,
    ) -> Self {
        let port = listening.unwrap_or(DISCARD);
        Self {
            origin: Origin {
                user: "-".into(),
                session,
                version: 1,
                address: address.into(),
            },
            address: address.into(),
            port,
            transport,
            path: uri(transport, address, port, session_id),
            setup: Some(if listening.is_some() {
                Setup::ActPass
            } else {
                Setup::Active
            }),
            accept_types: vec!["*".into()],
            accept_wrapped_types: Vec::new(),
            max_size: None,
            direction: Direction::SendRecv,
            other_media: Vec::new(),
        }
    }

    /// The answer of an endpoint that listens on a port: the author of this offer connects to it. `None` when the
    /// offer leaves no such choice; a SIP element answers that with 488.
    #[must_use]
    pub fn answer(
        &self,
        session: u64,
        address: &str,
        session_id: &str,
        listening: u16,
    ) -> Option<Self> {
        let setup = match self.setup {
            Some(Setup::Active | Setup::ActPass) => Some(Setup::Passive),
            // An old peer that says nothing connects itself and would not know what the answer says.
            None => None,
            Some(Setup::Passive | Setup::HoldConn) => return None,
        };
        Some(Self {
            setup,
            direction: self.direction.reversed(),
            other_media: self.other_media.clone(),
            ..Self::offer(
                session,
                address,
                session_id,
                Some(listening),
                self.transport,
            )
        })
    }

    /// True when the party that made the offer has to connect, by this answer.
    #[must_use]
    pub const fn offerer_connects(&self) -> bool {
        matches!(self.setup, None | Some(Setup::Passive))
    }

    /// Reads a description.
    ///
    /// # Errors
    ///
    /// Text that is no SDP, or has no MSRP media line that can be used.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let text = core::str::from_utf8(octets)
            .map_err(|error| fault(error.valid_up_to(), Class::BadValue, "SDP in UTF-8"))?;
        let mut reader = Reader::default();
        for (line, at) in lines(text) {
            reader.take(line, at)?;
        }
        reader.finish(octets.len())
    }

    /// The octets of the description.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    fn write_media(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = word_of(&TRANSPORTS, self.transport);
        write!(f, "m=message {} {transport} *\r\n", self.port)?;
        write!(f, "a=accept-types:{}\r\n", self.accept_types.join(" "))?;
        if !self.accept_wrapped_types.is_empty() {
            let types = self.accept_wrapped_types.join(" ");
            write!(f, "a=accept-wrapped-types:{types}\r\n")?;
        }
        if let Some(octets) = self.max_size {
            write!(f, "a=max-size:{octets}\r\n")?;
        }
        if let Some(setup) = self.setup {
            write!(f, "a=setup:{}\r\n", word_of(&SETUPS, setup))?;
        }
        write!(f, "a=path:{}\r\n", self.path)?;
        write!(f, "a={}\r\n", word_of(&DIRECTIONS, self.direction))
    }
}

/// The description as it travels; the other media declined.
impl fmt::Display for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin {
            user,
            session,
            version,
            address,
        } = &self.origin;
        let family = family(address);
        write!(
            f,
            "v=0\r\no={user} {session} {version} IN {family} {address}\r\ns=-\r\n"
        )?;
        let family = self::family(&self.address);
        write!(f, "c=IN {family} {}\r\nt=0 0\r\n", self.address)?;
        let mut others = self.other_media.iter().peekable();
        let mut is_written = false;
        for place in 0_usize.. {
            if let Some((_, other)) = others.next_if(|(at, _)| *at <= place || is_written) {
                write!(f, "m={}\r\n", declined(other))?;
            } else if is_written {
                break;
            } else {
                self.write_media(f)?;
                is_written = true;
            }
        }
        Ok(())
    }
}

/// The media line with the port that declines it.
fn declined(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if let Some(port) = words.get_mut(1) {
        *port = "0";
    }
    words.join(" ")
}

impl Direction {
    /// The same, seen from the other party.
    const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            both => both,
        }
    }
}

fn uri(transport: Transport, address: &str, port: u16, session_id: &str) -> String {
    let scheme = match transport {
        Transport::Tcp => "msrp",
        Transport::Tls => "msrps",
    };
    if address.contains(':') {
        format!("{scheme}://[{address}]:{port}/{session_id};tcp")
    } else {
        format!("{scheme}://{address}:{port}/{session_id};tcp")
    }
}

const fn is_ipv6(address: &str) -> bool {
    let mut rest = address.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b':' {
            return true;
        }
        rest = tail;
    }
    false
}

const fn family(address: &str) -> &'static str {
    if is_ipv6(address) { "IP6" } else { "IP4" }
}

fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words
        .iter()
        .find(|(_, known)| *known == value)
        .map_or("", |(word, _)| word)
}

fn value_of<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, value)| *value)
}

/// The lines of a description with their offsets; a line may end with LF alone.
fn lines(text: &str) -> impl Iterator<Item = (&str, usize)> {
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
struct Reader {
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
    fn take(&mut self, line: &str, at: usize) -> Result<(), DecodeError> {
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

    fn finish(self, end: usize) -> Result<Sdp, DecodeError> {
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
const MEDIA_MAX: usize = 32;

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

const fn fault(at: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sdp",
        offset: at,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\no=- 7 1 IN IP4 192.0.2.11\ns=-\nc=IN IP4 192.0.2.11\nt=0 0\nm=message 9 TCP/MSRP *\na=accept-types:*\na=max-size:1048576\na=setup:active\na=path:msrp://192.0.2.11:9/d1s7aa11bb22;tcp\na=sendrecv\n";
    const ANSWER: &str = "v=0\no=- 9 1 IN IP4 192.0.2.5\ns=-\nc=IN IP4 192.0.2.5\nt=0 0\nm=message 2855 TCP/MSRP *\na=accept-types:application/vnd.sirgate.info+json text/plain\na=max-size:65536\na=setup:passive\na=path:msrp://192.0.2.5:2855/p1s9cc33dd44;tcp\na=sendrecv\n";

    fn decode(text: &str) -> Result<Sdp, DecodeError> {
        Sdp::decode(text.as_bytes())
    }

    #[test]
    fn the_offer_of_a_device_and_the_answer_of_the_gateway_are_composed_octet_for_octet() {
        let mut offer = Sdp::offer(7, "192.0.2.11", "d1s7aa11bb22", None, Transport::Tcp);
        offer.max_size = Some(1_048_576);
        assert_eq!(offer.to_string(), OFFER.replace('\n', "\r\n"));
        let mut answer = offer.answer(9, "192.0.2.5", "p1s9cc33dd44", 2855).unwrap();
        answer.accept_types = vec![
            "application/vnd.sirgate.info+json".into(),
            "text/plain".into(),
        ];
        answer.max_size = Some(65_536);
        assert_eq!(answer.to_string(), ANSWER.replace('\n', "\r\n"));
        assert!(answer.offerer_connects());
        assert_eq!((offer.encode().len(), answer.encode().len()), (200, 245));
    }

    #[test]
    fn what_is_composed_reads_back() {
        for text in [OFFER, ANSWER] {
            let sdp = decode(text).unwrap();
            assert_eq!(sdp.to_string(), text.replace('\n', "\r\n"));
            assert_eq!(Sdp::decode(&sdp.encode()), Ok(sdp));
        }
        let six = Sdp::offer(1, "2001:db8::1", "abcd", Some(4000), Transport::Tls);
        assert_eq!(six.path, "msrps://[2001:db8::1]:4000/abcd;tcp");
        assert_eq!(six.setup, Some(Setup::ActPass));
        assert_eq!(Sdp::decode(&six.encode()), Ok(six));
    }

    #[test]
    fn the_setup_of_an_answer_follows_that_of_the_offer() {
        let setup = |offered: &str| {
            let offer = decode(&OFFER.replace("a=setup:active\n", offered)).unwrap();
            offer
                .answer(9, "192.0.2.5", "abcd", 2855)
                .map(|answer| answer.setup)
        };
        assert_eq!(setup("a=setup:active\n"), Some(Some(Setup::Passive)));
        assert_eq!(setup("a=setup:actpass\n"), Some(Some(Setup::Passive)));
        assert_eq!(setup(""), Some(None));
        assert_eq!(setup("a=setup:passive\n"), None);
        assert_eq!(setup("a=setup:holdconn\n"), None);
    }

    #[test]
    fn other_media_are_declined_in_their_places() {
        let audio = "m=audio 49170 RTP/AVP 0\nc=IN IP4 1.2.3.4\na=path:nothing\na=setup:what\n";
        let offer = OFFER.replace("m=message", &format!("{audio}m=message"))
            + "m=message 9 TCP/MSRP *\na=path:x\nm=video 1/2 RTP/AVP 31\n";
        let offer = decode(&offer).unwrap();
        let answer = offer.answer(9, "192.0.2.5", "abcd", 2855).unwrap();
        let media: Vec<String> = answer
            .to_string()
            .lines()
            .filter(|line| line.starts_with("m="))
            .map(str::to_owned)
            .collect();
        let expected = [
            "m=audio 0 RTP/AVP 0",
            "m=message 2855 TCP/MSRP *",
            "m=message 0 TCP/MSRP *",
            "m=video 0 RTP/AVP 31",
        ];
        assert_eq!(media, expected);
        assert_eq!(offer.address, "192.0.2.11");
    }

    #[test]
    fn lines_of_no_use_are_passed_over_and_the_session_speaks_for_its_media() {
        let text = OFFER
            .replace("s=-\n", "s=x y\ni=info\nu=http://x/\nb=AS:1\nz=0 0\na=tool:lab\na=setup:actpass\na=recvonly\n")
            .replace("a=setup:active\n", "a=chatroom\na=msrp-cema\n")
            .replace("a=sendrecv\n", "");
        let sdp = decode(&text).unwrap();
        assert_eq!(
            (sdp.setup, sdp.direction),
            (Some(Setup::ActPass), Direction::RecvOnly)
        );
        let answer = sdp.answer(1, "h", "abcd", 1).unwrap();
        assert_eq!(answer.direction, Direction::SendOnly);
    }

    #[test]
    fn a_media_line_without_a_port_is_no_session() {
        let error = decode(&OFFER.replace("message 9", "message 0")).unwrap_err();
        assert_eq!(error.class, Class::MissingHeader);
        let error = decode(&OFFER.replace("TCP/MSRP", "UDP/X")).unwrap_err();
        assert_eq!(error.class, Class::MissingHeader);
    }

    #[test]
    fn faults_name_their_octet() {
        for (from, to, at) in [
            ("v=0", "v=1", "v=1"),
            ("s=-", "s", "s\n"),
            ("7 1 IN", "x 1 IN", "- x"),
            ("message 9", "message x", "x TCP"),
            ("message 9 TCP/MSRP *", "message 9 TCP/MSRP", "message"),
            ("size:1048576", "size:-1", "-1\n"),
            ("setup:active", "setup:act", "act\n"),
            ("path:msrp:", "path:sip:", "sip:"),
            ("c=IN IP4 192.0.2.11", "c=IN IP4", "IN IP4\n"),
        ] {
            let text = OFFER.replacen(from, to, 1);
            let error = decode(&text).unwrap_err();
            assert_eq!(error.offset, text.find(at).unwrap(), "{to}: {error}");
        }
        for gone in [
            "o=- 7 1 IN IP4 192.0.2.11\n",
            "c=IN IP4 192.0.2.11\n",
            "a=accept-types:*\n",
            "a=path:msrp://192.0.2.11:9/d1s7aa11bb22;tcp\n",
        ] {
            let error = decode(&OFFER.replacen(gone, "", 1)).unwrap_err();
            assert_eq!(error.class, Class::MissingHeader, "{gone}");
        }
        assert_eq!(Sdp::decode(b"v=0\n\xff").unwrap_err().offset, 4);
    }

    #[test]
    fn media_lines_are_counted() {
        let many = |count: usize| OFFER.to_owned() + &"m=audio 1 RTP/AVP 0\n".repeat(count);
        assert!(decode(&many(MEDIA_MAX - 1)).is_ok());
        assert_eq!(decode(&many(MEDIA_MAX)).unwrap_err().class, Class::TooLarge);
    }

    #[test]
    fn no_damage_makes_the_reader_panic_and_what_is_read_comes_back() {
        let octets = ANSWER.as_bytes();
        for at in 0..octets.len() {
            let _ = Sdp::decode(&octets[..at]);
            for with in [b'\n', b'=', b' ', b':', b'0', b'm', b'\r', 0xff] {
                let mut damaged = octets.to_vec();
                damaged[at] = with;
                if let Ok(sdp) = Sdp::decode(&damaged) {
                    assert_eq!(Sdp::decode(&sdp.encode()), Ok(sdp), "{at} {with}");
                }
            }
        }
    }
}
