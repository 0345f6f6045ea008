//! The addresses in all rows of one name, and Contact, which may be a star.
//!
//! **Source:** RFC 3261 sections 7.3.1 and 20.10.

use super::refused;
use crate::codec::DecodeError;
use crate::codec::sip::address::{Address, Contact};
use crate::codec::sip::frame::{Frame, Row};
use crate::codec::sip::name::Name;

impl<'a> Frame<'a> {
    /// All addresses in all rows of that name: Route, Path, P-Asserted-Identity and their like. After a fault nothing
    /// follows.
    #[inline]
    pub fn addresses(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<Address<'a>, DecodeError>> + use<'a> {
        self.elements_of(name)
    }

    /// The contacts in all rows.
    #[inline(always)]
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'a>, DecodeError>> + use<'a> {
        Contacts(self.elements_of(Name::Contact))
    }

    #[inline(always)]
    fn elements_of(&self, name: Name) -> Addresses<'a> {
        let first = self.index.first.get(name as usize);
        Addresses {
            frame: *self,
            name,
            rows: first
                .and_then(|&first| self.index.rows.get(usize::from(first)..))
                .unwrap_or_default(),
            current: None,
        }
    }
}

/// The addresses in the rows of one name.
struct Addresses<'a> {
    frame: Frame<'a>,
    name: Name,
    /// The rows not yet begun; empty after a fault.
    rows: &'a [Row],
    /// The row being read, and what of its value is left.
    current: Option<(&'a Row, &'a [u8])>,
}

impl<'a> Addresses<'a> {
    /// Begins the next row of the name, if none is begun.
    #[inline(always)]
    fn begin(&mut self) -> Option<(&'a Row, &'a [u8])> {
        while self.current.is_none() {
            let (row, rest) = self.rows.split_first()?;
            self.rows = rest;
            if row.name == self.name {
                self.current = Some((row, self.frame.value(row)));
            }
        }
        self.current
    }

    /// Steps over a row that is a star.
    #[inline(always)]
    fn is_at_star(&mut self) -> bool {
        let is_star = matches!(self.begin(), Some((_, b"*")));
        if is_star {
            self.current = None;
        }
        is_star
    }
}

/// The contacts in all rows. A star beside contacts in other rows is shown with them: refusing it is the registrar's
/// business.
struct Contacts<'a>(Addresses<'a>);

impl<'a> Iterator for Contacts<'a> {
    type Item = Result<Contact<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_at_star() {
            return Some(Ok(Contact::Star));
        }
        Some(self.0.next()?.map(Contact::Address))
    }
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Result<Address<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let (row, rest) = self.begin()?;
        self.current = None;
        let address = match Address::parse(rest) {
            Ok(([], address)) => return Some(Ok(address)),
            Ok(([b',', after @ ..], address)) => {
                self.current = Some((row, after));
                return Some(Ok(address));
            }
            Ok((after, _)) => Err(self.frame.surplus(row, after, "a comma")),
            Err(fault) => Err(refused(row, self.frame.value(row), fault)),
        };
        self.rows = &[];
        Some(address)
    }
}
