//! The headers of every message as values: Via, From, To, Call-ID, CSeq and the numbers.
//!
//! **Source:** RFC 3261 sections 8.1.1 and 20.

use super::refused;
use crate::codec::DecodeError;
use crate::codec::lexeme::{
    DIGIT, Fault, Step, TOKEN, WORD, ascii, before, number, skip, skip_blanks,
};
use crate::codec::sip::address::Address;
use crate::codec::sip::frame::{Frame, Row};
use crate::codec::sip::method::Method;
use crate::codec::sip::name::Name;
use crate::codec::sip::via::Via;

/// The number of a request within its dialog or registration, and its method once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number.
    pub number: u32,
    /// The method.
    pub method: Method,
    /// The method's name as written.
    pub method_text: &'a str,
}

impl<'a> Frame<'a> {
    /// The topmost Via.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when there is none or its first element is outside the grammar.
    #[inline(always)]
    pub fn via(&self) -> Result<Via<'a>, DecodeError> {
        let row = self.required(Name::Via)?;
        let value = self.value(row);
        let (rest, via) = Via::parse(value).map_err(|fault| refused(row, value, fault))?;
        match rest {
            [] | [b',', ..] => Ok(via),
            _ => Err(self.surplus(row, rest, "a comma or the end of the Via")),
        }
    }

    /// How many Via elements there are, over all rows.
    #[must_use]
    pub fn via_count(&self) -> usize {
        self.list(Name::Via).count()
    }

    /// Who sent the request.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn from(&self) -> Result<Address<'a>, DecodeError> {
        self.address(Name::From)
    }

    /// To whom the request was addressed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn to(&self) -> Result<Address<'a>, DecodeError> {
        self.address(Name::To)
    }

    /// The one address in the first row of that name.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn address(&self, name: Name) -> Result<Address<'a>, DecodeError> {
        let row = self.required(name)?;
        let value = self.value(row);
        if let Some(address) = Address::usual(value) {
            return Ok(address);
        }
        self.any_address(row, value)
    }

    /// The address of a row in any spelling.
    #[inline(never)]
    fn any_address(&self, row: &Row, value: &'a [u8]) -> Result<Address<'a>, DecodeError> {
        let (rest, address) = Address::parse(value).map_err(|fault| refused(row, value, fault))?;
        if rest.is_empty() {
            Ok(address)
        } else {
            Err(self.surplus(row, rest, "the end of the address"))
        }
    }

    /// The Call-ID.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    #[inline(always)]
    pub fn call_id(&self) -> Result<&'a str, DecodeError> {
        let row = self.required(Name::CallId)?;
        let value = self.value(row);
        let rest = skip(value, WORD);
        if value.is_empty() || !rest.is_empty() {
            return Err(self.surplus(row, rest, "a Call-ID"));
        }
        Ok(ascii(value))
    }

    /// The CSeq.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing, outside the grammar or above 32 bits.
    #[inline(always)]
    pub fn cseq(&self) -> Result<CSeq<'a>, DecodeError> {
        let row = self.required(Name::CSeq)?;
        let value = self.value(row);
        match cseq(value) {
            Ok(([], cseq)) => Ok(cseq),
            Ok((rest, _)) => Err(self.surplus(row, rest, "the end of the CSeq")),
            Err(fault) => Err(refused(row, value, fault)),
        }
    }

    /// How many more hops the request may take; out of 0 to 255 counts as absent.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        number(self.header(Name::MaxForwards)?).filter(|&hops| hops <= 255)
    }

    /// The seconds of Expires; out of range counts as absent.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        number(self.header(Name::Expires)?)
    }

    /// True when a list of tokens such as Supported has that one, in any case.
    #[must_use]
    pub fn has_option(&self, name: Name, option: &str) -> bool {
        self.list(name)
            .any(|element| element.eq_ignore_ascii_case(option.as_bytes()))
    }

    /// What Content-Length says, whatever the body's size.
    #[must_use]
    pub fn content_length(&self) -> Option<u32> {
        number(self.header(Name::ContentLength)?)
    }

    /// The media type with its parameters, as written.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.text(Name::ContentType)
    }

    /// The error of what stands behind a value that was whole.
    pub(super) fn surplus(&self, row: &Row, rest: &[u8], expected: &'static str) -> DecodeError {
        let fault = Fault {
            left: rest.len(),
            expected,
        };
        refused(row, self.value(row), nom::Err::Failure(fault))
    }
}

/// Digits, blanks and a method.
fn cseq(value: &[u8]) -> Step<'_, CSeq<'_>> {
    let after_number = skip(value, DIGIT);
    let Some(number) = number(before(value, after_number)) else {
        return Err(Fault::at(value, "a number below 2^32"));
    };
    let name = skip_blanks(after_number);
    if name.len() == after_number.len() {
        return Err(Fault::at(name, "a blank and a method"));
    }
    let (rest, method, method_text) = match Method::from_octets(name) {
        Method::Other => {
            let rest = skip(name, TOKEN);
            let text = before(name, rest);
            (rest, Method::from_octets(text), ascii(text))
        }
        known => (&[][..], known, known.name()),
    };
    if method_text.is_empty() {
        return Err(Fault::at(name, "a blank and a method"));
    }
    let cseq = CSeq {
        number,
        method,
        method_text,
    };
    Ok((rest, cseq))
}
