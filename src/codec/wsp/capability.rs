//! Capabilities: what the ends of a session offer and take.
//!
//! **Source:** WAP-230 section 8.3 and table 37; an unknown one is answered with its number and nothing else.

use super::rigour::Rigour;
use super::value::{Form, Value};
use crate::codec::cursor::{Cursor, put_uintvar};
use crate::codec::{Class, DecodeError};

/// Capabilities whose form was checked.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities<'a> {
    cursor: Cursor<'a>,
}

/// One capability.
#[derive(Clone, Copy, Debug)]
pub struct Capability<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets, with their length.
    pub octets: &'a [u8],
    /// Its number or name.
    pub name: Value<'a>,
    /// Its parameters.
    pub parameters: Cursor<'a>,
}

/// The form of a capability's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityKind {
    /// A uintvar: octets of a service data unit or message.
    Size,
    /// Octets of bits.
    Options,
    /// An octet: requests at a time.
    Requests,
    /// Method numbers with their names.
    Methods,
    /// Code page numbers with their names.
    Pages,
    /// AddressType records.
    Aliases,
}

/// Protocol options.
pub mod options {
    /// Confirmed push.
    pub const CONFIRMED_PUSH: u8 = 0x80;
    /// Push.
    pub const PUSH: u8 = 0x40;
    /// Session resume.
    pub const RESUME: u8 = 0x20;
    /// Acknowledgement headers.
    pub const ACKNOWLEDGEMENT_HEADERS: u8 = 0x10;
    /// Large data transfer.
    pub const LARGE_DATA: u8 = 0x08;
}

/// Every capability by number.
pub(super) const CAPABILITIES: [(&str, CapabilityKind); 10] = [
    ("Client-SDU-Size", CapabilityKind::Size),
    ("Server-SDU-Size", CapabilityKind::Size),
    ("Protocol-Options", CapabilityKind::Options),
    ("Method-MOR", CapabilityKind::Requests),
    ("Push-MOR", CapabilityKind::Requests),
    ("Extended-Methods", CapabilityKind::Methods),
    ("Header-Code-Pages", CapabilityKind::Pages),
    ("Aliases", CapabilityKind::Aliases),
    ("Client-Message-Size", CapabilityKind::Size),
    ("Server-Message-Size", CapabilityKind::Size),
];

impl<'a> Capabilities<'a> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            cursor: Cursor::new("wsp", &[]),
        }
    }

    /// All that is left of `cursor`, checked.
    ///
    /// # Errors
    /// A length past the end, no number or name, parameters of another form.
    pub fn read(cursor: Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let mut walk = cursor;
        while !walk.is_empty() {
            let capability = Capability::read(&mut walk, rigour)?;
            if !capability.fits() {
                rigour.deviate(
                    &walk,
                    capability.parameters.offset(),
                    Class::BadValue,
                    "parameters that the capability has",
                )?;
            }
        }
        Ok(Self { cursor })
    }

    /// A block of its own.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn decode(octets: &'a [u8], rigour: &mut Rigour) -> Result<Self, DecodeError> {
        Self::read(Cursor::new("wsp", octets), rigour)
    }

    /// The capabilities in order.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'a>> + use<'a> {
        let mut cursor = self.cursor;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| Capability::read(&mut cursor, &mut Rigour::Settled).ok())
                .flatten()
        })
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        let mut cursor = self.cursor;
        cursor.rest()
    }
}

impl<'a> Capability<'a> {
    fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let count = rigour.uintvar(cursor)?;
        let mut inside = cursor.container(count, at, "a capability of that length")?;
        if inside.is_empty() {
            return Err(cursor.fault_at(at, Class::BadLength, "the number of a capability"));
        }
        let name = Value::read(&mut inside, rigour)?;
        if !matches!(name.form, Form::Short(_) | Form::Text(_)) {
            return Err(cursor.fault_at(name.at, Class::BadValue, "the number of a capability"));
        }
        Ok(Self {
            at,
            octets: start.until(cursor),
            name,
            parameters: inside,
        })
    }

    /// The name and form of its number.
    #[must_use]
    pub fn known(&self) -> Option<(&'static str, CapabilityKind)> {
        match self.name.form {
            Form::Short(number) => CAPABILITIES.get(usize::from(number)).copied(),
            _ => None,
        }
    }

    /// The name: assigned, in the octets, or `0x0A`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.known(), self.name.form) {
            (Some((name, _)), _) => name.to_owned(),
            (None, Form::Short(number)) => format!("0x{number:02X}"),
            (None, Form::Text(text) | Form::Octets(text)) => {
                String::from_utf8_lossy(text).into_owned()
            }
        }
    }

    /// The number of a capability with one.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        let mut cursor = self.parameters;
        let number = match self.known()?.1 {
            CapabilityKind::Size => cursor.uintvar_any().ok()?.value,
            CapabilityKind::Options | CapabilityKind::Requests => {
                u32::from(cursor.octet("an octet").ok()?)
            }
            _ => return None,
        };
        cursor.is_empty().then_some(number)
    }

    /// Numbers with names: extended methods, header code pages.
    pub fn numbered(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut cursor = self.parameters;
        core::iter::from_fn(move || {
            let number = cursor.octet("a number").ok()?;
            Some((number, cursor.text_string().ok()?))
        })
    }

    /// Whether the parameters have the form that the capability has; none at all mean that the peer does not know it.
    #[must_use]
    pub fn fits(&self) -> bool {
        let mut cursor = self.parameters;
        if cursor.is_empty() {
            return true;
        }
        match self.known().map(|(_, kind)| kind) {
            None => true,
            // Further octets of bits are reserved for later options.
            Some(CapabilityKind::Options) => true,
            Some(CapabilityKind::Size | CapabilityKind::Requests) => self.number().is_some(),
            Some(CapabilityKind::Aliases) => crate::codec::sia::Addresses::read(cursor).is_ok(),
            Some(CapabilityKind::Methods | CapabilityKind::Pages) => {
                while !cursor.is_empty() {
                    if cursor.octet("a number").is_err() || cursor.text_string().is_err() {
                        return false;
                    }
                }
                true
            }
        }
    }
}

/// Appends a capability of that number.
pub fn put_capability(out: &mut Vec<u8>, number: u8, parameters: &[u8]) {
    let len = u32::try_from(parameters.len()).unwrap_or(u32::MAX);
    put_uintvar(out, len.saturating_add(1));
    out.push(0x80 | number);
    out.extend_from_slice(parameters);
}
