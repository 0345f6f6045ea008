//! Transport information items, which follow the fixed header of a PDU.
//!
//! **Source:** WAP-224 section 8.4.

use crate::codec::cursor::Cursor;
use crate::codec::wsp::Rigour;
use crate::codec::{Class, DecodeError};
use crate::limits;

/// The items of a PDU, checked.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    cursor: Cursor<'a>,
}

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Octets before it.
    pub at: usize,
    /// All its octets.
    pub octets: &'a [u8],
    /// Its identity, 0 to 15.
    pub identity: u8,
    /// Whether its length has an octet of its own.
    pub long: bool,
    /// What it says.
    pub content: &'a [u8],
}

const CON: u8 = 0x80;
const LONG: u8 = 0x04;
const RESERVED: u8 = 0x03;

impl<'a> Items<'a> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            cursor: Cursor::new("wtp", &[]),
        }
    }

    /// Reads items up to the one that no other follows.
    pub(super) fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let mut start = *cursor;
        let mut count = 1_usize;
        while Item::read(cursor, rigour)?.1 {
            if count >= limits::WTP_ITEMS {
                let expected = "as many items as the bound allows";
                return Err(cursor.fault_at(cursor.offset(), Class::TooLarge, expected));
            }
            count = count.saturating_add(1);
        }
        let len = u32::try_from(start.until(cursor).len()).unwrap_or(u32::MAX);
        let at = start.offset();
        Ok(Self {
            cursor: start.container(len, at, "items")?,
        })
    }

    /// Items that [`Item::put`] wrote.
    #[must_use]
    pub const fn of(octets: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new("wtp", octets),
        }
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let mut cursor = self.cursor;
        core::iter::from_fn(move || {
            (!cursor.is_empty())
                .then(|| Item::read(&mut cursor, &mut Rigour::Settled).ok())
                .flatten()
                .map(|(item, _)| item)
        })
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        let mut cursor = self.cursor;
        cursor.rest()
    }
}

impl<'a> Item<'a> {
    /// The next item and whether another follows.
    fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<(Self, bool), DecodeError> {
        let start = *cursor;
        let at = cursor.offset();
        let head = cursor.octet("a transport information item")?;
        let long = head & LONG != 0;
        let len = if long {
            if head & RESERVED != 0 {
                rigour.deviate(cursor, at, Class::BadValue, "reserved bits that are 0")?;
            }
            cursor.octet("the length of an item")?
        } else {
            head & RESERVED
        };
        let expected = "an item of that length";
        let content = cursor.container(u32::from(len), at, expected)?.rest();
        let item = Self {
            at,
            octets: start.until(cursor),
            identity: head >> 3 & 0x0F,
            long,
            content,
        };
        Ok((item, head & CON != 0))
    }

    /// Appends an item; `more` says that another follows. `None` when it is longer than 255 octets.
    #[must_use]
    pub fn put(
        out: &mut Vec<u8>,
        identity: u8,
        content: &[u8],
        long: bool,
        more: bool,
    ) -> Option<()> {
        let len = u8::try_from(content.len()).ok()?;
        let head = if more { CON } else { 0 } | (identity & 0x0F) << 3;
        if long || len > RESERVED {
            out.extend([head | LONG, len]);
        } else {
            out.push(head | len);
        }
        out.extend_from_slice(content);
        Some(())
    }

    /// The name of its identity.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        NAMES.get(usize::from(self.identity)).copied()
    }

    /// The segment number of a PSN item.
    #[must_use]
    pub const fn psn(&self) -> Option<u8> {
        match (self.identity, self.content) {
            (0x03, [psn]) => Some(*psn),
            _ => None,
        }
    }
}

/// Items by identity.
const NAMES: [&str; 6] = [
    "Error",
    "Info",
    "Option",
    "PSN",
    "SDU-boundary",
    "Frame-boundary",
];
