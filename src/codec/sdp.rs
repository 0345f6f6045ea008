//! SDP as MSRP sessions use it: one offered media line and what describes it.
//!
//! **Source:** RFC 8866 (lines), RFC 4975 section 8 (MSRP attributes), RFC 6135 (setup), RFC 3264 section 6 (declining).
//! Lines of no use here are passed over; other media are declined in an answer. Not here: bandwidth, ICE, fingerprints.

use core::fmt;

use crate::codec::{Class, DecodeError};

mod read;

use read::{Reader, lines};

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

const fn fault(at: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sdp",
        offset: at,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests;
