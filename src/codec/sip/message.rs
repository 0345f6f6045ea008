//! A message that owns its octets: cheap to keep and to clone.
//!
//! Source: RFC 3261 section 7. The readers are those of [`Frame`].

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::address::{Address, Contact};
use super::frame::{Frame, Index, Rules, fill};
use super::method::Method;
use super::name::Name;
use super::read::CSeq;
use super::via::Via;
use crate::codec::DecodeError;
use crate::codec::uri::Uri;

/// A request or a response, as it was received or will be sent.
#[derive(Clone, Debug)]
pub struct Message {
    octets: Bytes,
    index: Arc<Index>,
}

impl Message {
    /// Decodes one datagram: without Content-Length the body is the rest, octets after the body are ignored. A stream's
    /// messages are cut by [`super::Framer`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the start line, a row's shape or Content-Length is outside the rules.
    pub fn decode(octets: Bytes) -> Result<Self, DecodeError> {
        Self::decode_by(octets, Rules::Datagram)
    }

    /// What was refused, read as far as an answer (400) needs it: faults of Content-Length and of the spelling of the
    /// Request-URI are passed over. `None` when not even that can be read, or it is no request.
    #[must_use]
    pub fn answerable(octets: Bytes) -> Option<Self> {
        Self::decode_by(octets, Rules::Answerable)
            .ok()
            .filter(|message| message.method().is_some())
    }

    fn decode_by(octets: Bytes, rules: Rules) -> Result<Self, DecodeError> {
        let mut index = Index::new();
        fill(&octets, &mut index, rules)?;
        Ok(Self::from_parts(octets, index))
    }

    pub(super) fn from_parts(octets: Bytes, index: Index) -> Self {
        Self {
            octets,
            index: Arc::new(index),
        }
    }

    /// The octets.
    #[must_use]
    pub const fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// The message as a frame, whose values live as long as the borrow.
    #[inline]
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            octets: &self.octets,
            index: &self.index,
        }
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.frame().method()
    }

    /// The method's name as written; empty for responses.
    #[must_use]
    pub fn method_text(&self) -> &str {
        self.frame().method_text()
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.frame().status()
    }

    /// The reason phrase; empty for requests. Octets that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn reason(&self) -> Cow<'_, str> {
        self.frame().reason()
    }

    /// False for a request of another version than 2.0, which is answered 505.
    #[must_use]
    pub fn is_version_2(&self) -> bool {
        self.frame().is_version_2()
    }

    /// The Request-URI.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is outside the grammar, or the message a response.
    pub fn request_uri(&self) -> Result<Uri<'_>, DecodeError> {
        self.frame().request_uri()
    }

    /// The Request-URI as written, whether or not it is one; empty for responses.
    #[must_use]
    pub fn request_uri_text(&self) -> &[u8] {
        self.frame().request_uri_text()
    }

    /// The value of the first row of that name, without blanks at its ends; folds are still in it.
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&[u8]> {
        self.frame().header(name)
    }

    /// As [`Message::header`], when it is UTF-8.
    #[must_use]
    pub fn text(&self, name: Name) -> Option<&str> {
        self.frame().text(name)
    }

    /// As [`Message::text`], with each fold as one space.
    #[must_use]
    pub fn unfolded(&self, name: Name) -> Option<Cow<'_, str>> {
        self.frame().unfolded(name)
    }

    /// The value of the first row of that name in any case, known or not.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&[u8]> {
        self.frame().extension(name)
    }

    /// The values of all rows of that name.
    pub fn rows(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.frame().rows(name)
    }

    /// The elements of a list header over all its rows; commas in quotes, angle brackets and comments do not count.
    pub fn list(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.frame().list(name)
    }

    /// Every row in order: what it is, its name as written, its value.
    pub fn headers(&self) -> impl Iterator<Item = (Name, &[u8], &[u8])> {
        self.frame().headers()
    }

    /// True when a second row of that name follows the first.
    #[must_use]
    pub fn is_repeated(&self, name: Name) -> bool {
        self.frame().is_repeated(name)
    }

    /// The topmost Via.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when there is none or its first element is outside the grammar.
    pub fn via(&self) -> Result<Via<'_>, DecodeError> {
        self.frame().via()
    }

    /// How many Via elements there are, over all rows.
    #[must_use]
    pub fn via_count(&self) -> usize {
        self.frame().via_count()
    }

    /// Who sent the request.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    pub fn from(&self) -> Result<Address<'_>, DecodeError> {
        self.frame().from()
    }

    /// To whom the request was addressed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    pub fn to(&self) -> Result<Address<'_>, DecodeError> {
        self.frame().to()
    }

    /// The one address in the first row of that name.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    pub fn address(&self, name: Name) -> Result<Address<'_>, DecodeError> {
        self.frame().address(name)
    }

    /// All addresses in all rows of that name. After a fault nothing follows.
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = Result<Address<'_>, DecodeError>> {
        self.frame().addresses(name)
    }

    /// The contacts in all rows. After a fault nothing follows.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'_>, DecodeError>> {
        self.frame().contacts()
    }

    /// The Call-ID.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing or outside the grammar.
    pub fn call_id(&self) -> Result<&str, DecodeError> {
        self.frame().call_id()
    }

    /// The CSeq.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the header is missing, outside the grammar or above 32 bits.
    pub fn cseq(&self) -> Result<CSeq<'_>, DecodeError> {
        self.frame().cseq()
    }

    /// How many more hops the request may take; out of 0 to 255 counts as absent.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u32> {
        self.frame().max_forwards()
    }

    /// The seconds of Expires; out of range counts as absent.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.frame().expires()
    }

    /// True when a list of tokens such as Supported has that one, in any case.
    #[must_use]
    pub fn has_option(&self, name: Name, option: &str) -> bool {
        self.frame().has_option(name, option)
    }

    /// What Content-Length says, whatever the body's size.
    #[must_use]
    pub fn content_length(&self) -> Option<u32> {
        self.frame().content_length()
    }

    /// The media type with its parameters, as written.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.frame().content_type()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.frame().body()
    }

    /// Checks what a UAS checks before anything else (400 when it fails): the headers every request has are there,
    /// once, and well-formed. Max-Forwards, the From tag and the branch may be absent, for before RFC 3261 they were.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_request(&self) -> Result<(), DecodeError> {
        self.frame().check_request()
    }

    /// Checks what is needed to give a response to its transaction; when it fails the response is dropped.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] of the first fault.
    pub fn check_response(&self) -> Result<(), DecodeError> {
        self.frame().check_response()
    }
}
