//! SIA content over borrowed octets, for readers that must not allocate.
//!
//! **Source:** WAP-235 section 8.4, AddressType of WAP-230 section 8.2.2.3. Strict only; [`super::Sia`] reads leniently.

use super::octets::ENTRIES;
use super::{BearerAddress, End};
use crate::codec::cursor::Cursor;
use crate::codec::{Class, DecodeError};
use crate::limits;

const ACCEPT_APPLICATION: u8 = 0xB2;

/// SIA content whose form was checked; every list is read on demand.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// 0, 1, or a later version whose further octets are in [`View::trailing`].
    pub version: u8,
    /// The last field that is there.
    pub end: End,
    /// The provisioning URL or the first octets of its digest.
    pub prov_url: &'a [u8],
    /// Octets after the last known field of a later version.
    pub trailing: &'a [u8],
    app_ids: Cursor<'a>,
    wsp_contacts: Addresses<'a>,
    contacts: Addresses<'a>,
    protocols: Cursor<'a>,
    cpi_tags: &'a [[u8; 4]],
}

/// A push application over borrowed octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application<'a> {
    /// Every application.
    Any,
    /// Its assigned number.
    Code(u32),
    /// Its URI.
    Uri(&'a str),
}

/// AddressType records whose form was checked.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    cursor: Cursor<'a>,
}

/// One AddressType record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// The bearer's number, if said.
    pub bearer: Option<u8>,
    /// The port, if said.
    pub port: Option<u16>,
    /// At most 63 octets in the bearer's own form.
    pub address: &'a [u8],
}

impl<'a> View<'a> {
    /// Reads a body by the letter of the standard.
    ///
    /// # Errors
    /// Those of [`super::Sia::decode`].
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("sia", octets);
        if octets.len() > limits::SIA_OCTETS {
            return Err(cursor.fault_at(0, Class::TooLarge, "a body within the bound"));
        }
        let nothing = Cursor::new("sia", &[]);
        let mut view = Self {
            version: cursor.octet("the version")?,
            end: End::Version,
            prov_url: &[],
            trailing: &[],
            app_ids: nothing,
            wsp_contacts: Addresses { cursor: nothing },
            contacts: Addresses { cursor: nothing },
            protocols: nothing,
            cpi_tags: &[],
        };
        while !cursor.is_empty() && view.field(&mut cursor)? {}
        if !cursor.is_empty() {
            if view.version <= 1 {
                return Err(cursor.fault_at(
                    cursor.offset(),
                    Class::BadLength,
                    "the end after the last field",
                ));
            }
            view.trailing = cursor.rest();
        }
        Ok(view)
    }

    /// The field after [`View::end`]; `false` when the version has no further one.
    fn field(&mut self, cursor: &mut Cursor<'a>) -> Result<bool, DecodeError> {
        self.end = match self.end {
            End::Version => {
                self.app_ids = list(cursor, "an application list of that length")?;
                let mut walk = self.app_ids;
                let mut count = 0;
                while !walk.is_empty() {
                    bound(&walk, walk.offset(), &mut count)?;
                    application(&mut walk)?;
                }
                End::Applications
            }
            End::Applications => {
                self.wsp_contacts = contacts(cursor)?;
                End::WspContacts
            }
            End::WspContacts if self.version == 0 => return Ok(false),
            End::WspContacts => {
                self.contacts = contacts(cursor)?;
                End::Contacts
            }
            End::Contacts => {
                self.protocols = protocols(cursor)?;
                End::Protocols
            }
            End::Protocols => {
                self.prov_url = prov_url(cursor)?;
                End::ProvUrl
            }
            End::ProvUrl => {
                self.cpi_tags = cpi_tags(cursor)?;
                End::CpiTags
            }
            End::CpiTags => return Ok(false),
        };
        Ok(true)
    }

    /// The push applications that the session is for.
    pub fn applications(&self) -> impl Iterator<Item = Application<'a>> + use<'a> {
        let mut cursor = self.app_ids;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| application(&mut cursor).ok())
                .flatten()
        })
    }

    /// Contact points of the OTA-WSP variant.
    #[must_use]
    pub const fn wsp_contacts(&self) -> Addresses<'a> {
        self.wsp_contacts
    }

    /// Contact points of other protocols.
    #[must_use]
    pub const fn contacts(&self) -> Addresses<'a> {
        self.contacts
    }

    /// Protocol options as sent.
    pub fn protocols(&self) -> impl Iterator<Item = u32> + use<'a> {
        let mut cursor = self.protocols;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| cursor.uintvar().ok())
                .flatten()
        })
    }

    /// CPI tags as sent.
    #[must_use]
    pub const fn cpi_tags(&self) -> &'a [[u8; 4]] {
        self.cpi_tags
    }
}

impl<'a> Addresses<'a> {
    /// All that is left of `cursor`, checked.
    ///
    /// # Errors
    /// A record that runs past the end.
    pub fn read(cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let mut walk = cursor;
        while !walk.is_empty() {
            Address::read(&mut walk)?;
        }
        Ok(Self { cursor })
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Address<'a>> + use<'a> {
        let mut cursor = self.cursor;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| Address::read(&mut cursor).ok())
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

impl<'a> Address<'a> {
    /// The next record.
    ///
    /// # Errors
    /// Bad length.
    pub fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let flags = cursor.octet("the flags of a contact point")?;
        let bearer = match flags & 0x80 {
            0 => None,
            _ => Some(cursor.big_endian(1, Class::BadLength, "a bearer inside the list")?),
        };
        let port = match flags & 0x40 {
            0 => None,
            _ => Some(cursor.big_endian(2, Class::BadLength, "a port inside the list")?),
        };
        let len = usize::from(flags & 0x3F);
        let address = cursor.take(len, Class::BadLength, "an address inside the list")?;
        Ok(Self {
            at,
            octets: start.until(cursor),
            bearer: bearer.and_then(|bearer| u8::try_from(bearer).ok()),
            port: port.and_then(|port| u16::try_from(port).ok()),
            address,
        })
    }

    /// Appends a record; `None` when the address has more than 63 octets.
    #[must_use]
    pub fn put(
        out: &mut Vec<u8>,
        bearer: Option<u8>,
        port: Option<u16>,
        address: &[u8],
    ) -> Option<()> {
        let len = u8::try_from(address.len())
            .ok()
            .filter(|len| usize::from(*len) <= BearerAddress::OCTETS_MAX)?;
        let flags = if bearer.is_some() { 0x80 } else { 0 } | if port.is_some() { 0x40 } else { 0 };
        out.push(flags | len);
        out.extend(bearer);
        out.extend(port.into_iter().flat_map(u16::to_be_bytes));
        out.extend_from_slice(address);
        Some(())
    }
}

/// A field of `length, octets`.
fn list<'a>(cursor: &mut Cursor<'a>, expected: &'static str) -> Result<Cursor<'a>, DecodeError> {
    let at = cursor.offset();
    let count = cursor.uintvar()?;
    cursor.container(count, at, expected)
}

/// Contact points, no more than the bound allows.
fn contacts<'a>(cursor: &mut Cursor<'a>) -> Result<Addresses<'a>, DecodeError> {
    let cursor = list(cursor, "contact points of that length")?;
    let mut walk = cursor;
    let mut count = 0;
    while !walk.is_empty() {
        bound(&walk, walk.offset(), &mut count)?;
        Address::read(&mut walk)?;
    }
    Ok(Addresses { cursor })
}

/// Counts the entry at `at`, or refuses it.
const fn bound(cursor: &Cursor<'_>, at: usize, count: &mut usize) -> Result<(), DecodeError> {
    if *count >= limits::SIA_ENTRIES {
        return Err(cursor.fault_at(at, Class::TooLarge, ENTRIES));
    }
    *count = count.saturating_add(1);
    Ok(())
}

fn application<'a>(cursor: &mut Cursor<'a>) -> Result<Application<'a>, DecodeError> {
    let at = cursor.offset();
    match cursor.peek() {
        Some(ACCEPT_APPLICATION) => cursor.octet("Accept-Application")?,
        Some(0x20..=0x7E) => {
            // A header named in text is well-formed, but this list holds no other header.
            cursor.text_string()?;
            return Err(cursor.fault_at(at, Class::BadValue, "Accept-Application"));
        }
        _ => return Err(cursor.fault_at(at, Class::BadValue, "Accept-Application")),
    };
    let at = cursor.offset();
    if matches!(cursor.peek(), Some(0x20..=0x7F)) {
        let text = cursor.text_string()?;
        return core::str::from_utf8(text)
            .ok()
            .filter(|uri| uri.contains(':') && uri.bytes().all(|octet| octet.is_ascii_graphic()))
            .map(Application::Uri)
            .ok_or_else(|| cursor.fault_at(at, Class::BadValue, "the URI of an application"));
    }
    Ok(match cursor.integer_value()? {
        0 => Application::Any,
        code => Application::Code(code),
    })
}

fn protocols<'a>(cursor: &mut Cursor<'a>) -> Result<Cursor<'a>, DecodeError> {
    const EXPECTED: &str = "as many protocol options";
    let at = cursor.offset();
    let count = cursor.uintvar()?;
    if usize::try_from(count).unwrap_or(usize::MAX) > cursor.left() {
        return Err(cursor.fault_at(at, Class::BadLength, EXPECTED));
    }
    few(cursor, at, count)?;
    let mut start = *cursor;
    for _ in 0..count {
        cursor.uintvar()?;
    }
    let octets = u32::try_from(start.until(cursor).len()).unwrap_or(u32::MAX);
    start.container(octets, at, EXPECTED)
}

fn prov_url<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], DecodeError> {
    let mut url = list(cursor, "a provisioning URL of that length")?;
    let at = url.offset();
    let octets = url.rest();
    match octets.iter().position(|octet| !octet.is_ascii_graphic()) {
        Some(odd) if octets.len() > 4 => Err(url.fault_at(
            at.saturating_add(odd),
            Class::BadValue,
            "a URL in visible ASCII",
        )),
        _ => Ok(octets),
    }
}

fn cpi_tags<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [[u8; 4]], DecodeError> {
    let at = cursor.offset();
    let count = usize::try_from(cursor.uintvar()?).unwrap_or(usize::MAX);
    let octets = cursor
        .take(
            count.saturating_mul(4),
            Class::BadLength,
            "as many CPI tags of four octets",
        )
        .map_err(|fault| DecodeError {
            offset: at,
            ..fault
        })?;
    few(cursor, at, u32::try_from(count).unwrap_or(u32::MAX))?;
    Ok(octets.as_chunks().0)
}

/// Refuses the count at `at` when it is above the bound.
fn few(cursor: &Cursor<'_>, at: usize, count: u32) -> Result<(), DecodeError> {
    if usize::try_from(count).is_ok_and(|count| count <= limits::SIA_ENTRIES) {
        Ok(())
    } else {
        Err(cursor.fault_at(at, Class::TooLarge, ENTRIES))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::cursor::put_uintvar;
    use crate::codec::sia::{AppId, Contact, Sia};

    fn agrees(octets: &[u8]) {
        let (view, sia) = match (View::decode(octets), Sia::decode(octets)) {
            (Ok(view), Ok(sia)) => (view, sia),
            (view, sia) => {
                let place = |fault: DecodeError| (fault.class, fault.offset);
                assert_eq!(view.err().map(place), sia.err().map(place));
                return;
            }
        };
        let app_ids: Vec<AppId> = view
            .applications()
            .map(|application| match application {
                Application::Any => AppId::Any,
                Application::Code(code) => AppId::Code(code),
                Application::Uri(uri) => AppId::Uri(uri.to_owned()),
            })
            .collect();
        let contacts = |addresses: Addresses<'_>| -> Vec<Contact> {
            addresses
                .iter()
                .map(|address| Contact {
                    bearer: address.bearer,
                    port: address.port,
                    address: BearerAddress::new(address.address).unwrap(),
                })
                .collect()
        };
        assert_eq!((view.version, view.end), (sia.version, sia.end));
        assert_eq!(app_ids, sia.app_ids);
        assert_eq!(contacts(view.wsp_contacts()), sia.wsp_contacts);
        assert_eq!(contacts(view.contacts()), sia.contacts);
        assert_eq!(view.protocols().collect::<Vec<_>>(), sia.protocols);
        assert_eq!(view.cpi_tags(), sia.cpi_tags);
        assert_eq!(view.trailing, sia.trailing);
    }

    #[test]
    fn a_full_body_reads_as_the_owned_one() {
        agrees(&[
            1, 4, 0xB2, 0x82, 0xB2, 0x84, 8, 0xC4, 0x0B, 0x23, 0xF1, 10, 0, 0, 1, 5, 4, 192, 0, 2,
            9, 1, 1, 2, 0xAA, 0xBB, 1, 1, 2, 3, 4,
        ]);
        agrees(&[]);
        agrees(&[0, 0, 0, 9]);
        agrees(&[2, 0, 0, 0, 0, 0, 0, 7, 7]);
    }

    #[test]
    fn a_list_over_the_bound_is_refused_where_the_owned_one_is() {
        let uintvar = |count: usize| {
            let mut octets = Vec::new();
            put_uintvar(&mut octets, u32::try_from(count).unwrap());
            octets
        };
        for over in [0, 1] {
            let count = limits::SIA_ENTRIES + over;
            let bodies = [
                [vec![1], uintvar(count * 2), [0xB2, 0x82].repeat(count)].concat(),
                [vec![1, 0], uintvar(count), vec![0; count]].concat(),
                [vec![1, 0, 0], uintvar(count), vec![0; count]].concat(),
                [vec![1, 0, 0, 0], uintvar(count), vec![5; count]].concat(),
                [vec![1, 0, 0, 0, 0, 0], uintvar(count), vec![5; count * 4]].concat(),
            ];
            for body in bodies {
                agrees(&body);
                let class = View::decode(&body).err().map(|fault| fault.class);
                assert_eq!(class, (over == 1).then_some(Class::TooLarge));
            }
        }
    }

    proptest! {
        #[test]
        fn any_octets_read_as_the_owned_ones(
            version in 0_u8..4,
            octets in proptest::collection::vec(prop_oneof![0_u8..8, Just(0xB2), any::<u8>()], 0..24),
        ) {
            let mut body = vec![version];
            body.extend(octets);
            agrees(&body);
        }
    }
}
