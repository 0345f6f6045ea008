//! The Session Initiation Request: an identity is asked to connect, and which of its devices is meant.
//!
//! Source: the SIR of WAP-235 section 8 with the identifiers, questions and applications of the push session scheme;
//! placements and text form are those of `docs/sip.md` (profile). A [`Sir`] knows no bearer: [`Sir::encode`] gives
//! what a bearer has to carry, [`Sir::decode`] takes what one carried.

use super::device_id::DeviceId;
use super::sia::Sia;
use super::{Class, DecodeError};

mod ask;
mod body;
pub mod fields;
pub mod format;
mod header;
mod lines;
pub mod matching;
mod message;
mod placement;
mod rows;
mod value;

pub use ask::Ask;
pub use header::{read_questions, write_questions};
pub use placement::{Placement, UnknownName};
pub use rows::{FROM, REPLY_TO, TO};

/// A Session Initiation Request, whatever carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sir {
    /// Correlates what comes back: 1 to 32 letters, digits and hyphens.
    pub id: Option<String>,
    /// The public user identity, said in the body as well.
    pub pui: Option<String>,
    /// The client address: the identity the SIR is for, without the identifier of a device.
    pub client: String,
    /// The server address: the gateway that sends.
    pub server: String,
    /// Another gateway to connect to instead.
    pub other_server: Option<String>,
    /// What the header placement holds.
    pub header: Placed,
    /// What the value placement holds.
    pub value: Placed,
    /// What the body placement holds.
    pub body: Placed,
    /// The SIA content.
    pub sia: SiaContent,
    /// The push application the message is for.
    pub application: String,
    /// Whether the request went to this one device, so that its answer is its decision.
    pub targeted: bool,
}

/// What one placement holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The devices that are meant.
    pub devices: Vec<DeviceId>,
    /// What the device shall return or send.
    pub ask: Option<Ask>,
    /// The applications to activate.
    pub apps: Vec<App>,
}

/// An application to activate on the device.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct App {
    /// Its identifier, a URI.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The SIA content of a SIR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SiaContent {
    /// None: the device connects to the server address.
    #[default]
    Empty,
    /// Contact points and applications.
    Binary(Sia),
}

/// Which devices the placements name together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// No placement names a device: every device of the identity is meant.
    Nobody,
    /// These, each once.
    These(Vec<&'a DeviceId>),
    /// Placements that name devices disagree.
    Conflict,
}

/// What a bearer has to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The client address, with what the value placement holds.
    pub to: String,
    /// The server address.
    pub from: String,
    /// Another gateway to connect to.
    pub reply_to: Option<String>,
    /// Push headers, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The type of the body.
    pub content_type: String,
    /// The disposition of the body, where it must be said.
    pub disposition: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a bearer carried.
pub struct Received<'a> {
    /// The client address: a URI, or a name and a URI in angle brackets.
    pub to: &'a str,
    /// The server address.
    pub from: &'a str,
    /// Another gateway to connect to.
    pub reply_to: Option<&'a str>,
    /// The rows of a push header by its name.
    pub header: &'a dyn Fn(&str) -> Vec<&'a str>,
    /// The type of the body.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The event package by which a device subscribes to SIRs.
pub const EVENT: &str = "sirgate-sir";
/// The type of SIA content.
pub const SIA_TYPE: &str = "application/vnd.wap.sia";
/// The type of the text form, for receivers that know no other.
pub const TEXT_TYPE: &str = "text/plain;charset=utf-8";
/// The push application of a SIR.
pub const SIA_APPLICATION: &str = "x-wap-application:push.sia";
/// What a receiver of SIRs says in `Accept`.
pub const ACCEPT: &str = "application/vnd.wap.sia, multipart/mixed, text/plain";

impl Sir {
    /// A SIR that names no device and asks nothing.
    #[must_use]
    pub fn new(client: &str, server: &str) -> Self {
        Self {
            id: None,
            pui: None,
            client: client.to_owned(),
            server: server.to_owned(),
            other_server: None,
            header: Placed::default(),
            value: Placed::default(),
            body: Placed::default(),
            sia: SiaContent::Empty,
            application: SIA_APPLICATION.to_owned(),
            targeted: false,
        }
    }

    /// Puts devices into each of the placements.
    #[must_use]
    pub fn with_devices(mut self, places: Placement, devices: &[DeviceId]) -> Self {
        self.each(places, |placed| placed.devices.extend_from_slice(devices));
        self
    }

    /// Puts questions into each of the placements.
    #[must_use]
    pub fn with_ask(mut self, places: Placement, ask: Ask) -> Self {
        if !ask.is_empty() {
            self.each(places, |placed| {
                placed.ask = Some(placed.ask.unwrap_or_default() | ask);
            });
        }
        self
    }

    /// Puts applications into each of the placements.
    #[must_use]
    pub fn with_apps(mut self, places: Placement, apps: &[App]) -> Self {
        self.each(places, |placed| placed.apps.extend_from_slice(apps));
        self
    }

    fn each(&mut self, places: Placement, mut change: impl FnMut(&mut Placed)) {
        for (place, placed) in [
            (Placement::HEADER, &mut self.header),
            (Placement::VALUE, &mut self.value),
            (Placement::BODY, &mut self.body),
        ] {
            if places.contains(place) {
                change(placed);
            }
        }
    }

    /// The devices that are meant.
    ///
    /// Placements that name devices must name the same ones. The value placement may name one of them only: a
    /// receiver that knows nothing of this profile reads a single `gr` there.
    #[must_use]
    pub fn devices(&self) -> Named<'_> {
        let naming: Vec<&[DeviceId]> = [&self.header, &self.value, &self.body]
            .into_iter()
            .map(|placed| placed.devices.as_slice())
            .filter(|devices| !devices.is_empty())
            .collect();
        // Of equally wide ones the first, so that the order is the header's.
        let Some(widest) = naming.iter().rev().max_by_key(|devices| devices.len()) else {
            return Named::Nobody;
        };
        let within = |devices: &[DeviceId], all: &[DeviceId]| {
            devices.iter().all(|device| all.contains(device))
        };
        let agreed = naming.iter().all(|devices| {
            let single_value = self.value.devices.len() == 1
                && core::ptr::eq(*devices, self.value.devices.as_slice());
            within(devices, widest) && (single_value || within(widest, devices))
        });
        if !agreed {
            return Named::Conflict;
        }
        let mut these: Vec<&DeviceId> = Vec::with_capacity(widest.len());
        for device in *widest {
            if !these.contains(&device) {
                these.push(device);
            }
        }
        Named::These(these)
    }

    /// What the device shall return or send, from all placements.
    #[must_use]
    pub fn ask(&self) -> Ask {
        [self.header.ask, self.value.ask, self.body.ask]
            .into_iter()
            .flatten()
            .fold(Ask::default(), |all, ask| all | ask)
    }

    /// The applications to activate, from all placements, each once.
    #[must_use]
    pub fn apps(&self) -> Vec<&App> {
        let mut apps: Vec<&App> = Vec::new();
        for app in [&self.header, &self.value, &self.body]
            .into_iter()
            .flat_map(|placed| &placed.apps)
        {
            match apps.iter_mut().find(|own| own.id == app.id) {
                Some(own) if own.name.is_none() => *own = app,
                Some(_) => {}
                None => apps.push(app),
            }
        }
        apps
    }

    /// The gateway to connect to.
    #[must_use]
    pub fn ppg(&self) -> &str {
        self.other_server.as_deref().unwrap_or(&self.server)
    }

    /// The placements that name devices.
    #[must_use]
    pub fn places(&self) -> Placement {
        [
            (Placement::HEADER, &self.header),
            (Placement::VALUE, &self.value),
            (Placement::BODY, &self.body),
        ]
        .into_iter()
        .filter(|(_, placed)| !placed.devices.is_empty())
        .fold(Placement::NONE, |all, (place, _)| all | place)
    }

    /// What a bearer has to carry.
    #[must_use]
    pub fn encode(&self) -> Wrapped {
        let body = body::write(self);
        self.wrap(body)
    }

    /// The same with the body as plain text, for a receiver that refused the type of SIA content; contact points are
    /// lost, and number and gateway are said in the text too.
    #[must_use]
    pub fn encode_text(&self) -> Wrapped {
        let body = body::write_text(self);
        self.wrap(body)
    }

    fn wrap(&self, body: body::Written) -> Wrapped {
        let mut headers = header::write(self);
        if body.is_multipart {
            headers.push(("MIME-Version", "1.0".to_owned()));
        }
        Wrapped {
            to: value::write(&self.client, &self.value),
            from: self.server.clone(),
            reply_to: self.other_server.clone(),
            headers,
            content_type: body.content_type,
            disposition: body.is_multipart.then_some("render;handling=required"),
            body: body.octets,
        }
    }

    /// Reads what a bearer carried. SIA content is read leniently; what is unknown in headers and text is ignored.
    ///
    /// # Errors
    /// A body of another type or a broken one, a malformed identifier, too many devices or applications. Offsets
    /// count in the part concerned: the address, the header's row or the body.
    pub fn decode(parts: &Received<'_>) -> Result<Self, DecodeError> {
        Self::read(parts, &|_| 0)
    }

    /// `base_of` says how many octets stand before a part in the outermost input.
    fn read(parts: &Received<'_>, base_of: &dyn Fn(&[u8]) -> usize) -> Result<Self, DecodeError> {
        let to = address(parts.to);
        let (client, value) =
            value::read(to).map_err(|fault| fault.within(base_of(to.as_bytes())))?;
        let mut sir = Self::new(&client, address(parts.from));
        sir.value = value;
        header::read(&mut sir, parts.header, base_of)?;
        let read = body::read(parts.content_type, parts.body)
            .map_err(|fault| fault.within(base_of(parts.body)))?;
        sir.sia = read.sia;
        sir.body = read.placed;
        sir.pui = read.pui;
        sir.id = sir.id.or(read.id);
        sir.other_server = parts
            .reply_to
            .map(|uri| address(uri).to_owned())
            .or(read.ppg);
        for placed in [&sir.header, &sir.value, &sir.body] {
            placed.check_bounds()?;
        }
        Ok(sir)
    }

    /// Whether a body of that type can be a SIR.
    #[must_use]
    pub fn accepts(content_type: &str) -> bool {
        body::Form::of(content_type).is_some()
    }
}

impl Placed {
    /// Whether nothing is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.ask.is_none() && self.apps.is_empty()
    }

    fn check_bounds(&self) -> Result<(), DecodeError> {
        if self.devices.len() > crate::limits::SIR_DEVICES {
            return Err(fault(Class::TooLarge, 0, "fewer devices"));
        }
        if self.apps.len() > crate::limits::SIR_APPLICATIONS {
            return Err(fault(Class::TooLarge, 0, "fewer applications"));
        }
        Ok(())
    }
}

impl App {
    /// An application as it came: its identifier in visible US-ASCII without `<`, `>` and `"`, so that what was read can be
    /// written again in every placement, and its name.
    ///
    /// # Errors
    /// `BadValue` with the offset in the identifier of what cannot stand there, or in the name of a control character.
    fn decode(id: &str, name: Option<&str>) -> Result<Self, DecodeError> {
        let unfit = |c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"');
        match id.find(unfit) {
            Some(at) => {
                return Err(fault(
                    Class::BadValue,
                    at,
                    "an application in visible US-ASCII",
                ));
            }
            None if id.is_empty() => return Err(fault(Class::BadValue, 0, "an application")),
            None => {}
        }
        if name.is_some_and(|name| name.contains(char::is_control)) {
            return Err(fault(
                Class::BadValue,
                0,
                "an application's name without control characters",
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            name: name.map(str::to_owned),
        })
    }

    /// An application without a name.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: Some(name.to_owned()),
        }
    }
}

impl Wrapped {
    /// The SIR that a receiver of this would read.
    ///
    /// # Errors
    /// As [`Sir::decode`].
    pub fn decode(&self) -> Result<Sir, DecodeError> {
        Sir::decode(&Received {
            to: &self.to,
            from: &self.from,
            reply_to: self.reply_to.as_deref(),
            header: &|name| {
                self.headers
                    .iter()
                    .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.as_str())
                    .collect()
            },
            content_type: &self.content_type,
            body: &self.body,
        })
    }
}

/// The URI of an address that may have a display name and angle brackets.
fn address(text: &str) -> &str {
    text.rsplit_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or_else(|| text.trim(), |(uri, _)| uri)
}

/// A text without the characters that could end its place in a message.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A URI without the characters that could end its place in angle brackets.
fn one_uri(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"'))
        .collect()
}

const fn fault(class: Class, offset: usize, expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sir",
        offset,
        class,
        expected,
    }
}

#[cfg(test)]
mod tests;
