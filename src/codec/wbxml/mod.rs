//! WBXML and the four content types that push sends in it: SI, SL, CO and EMN, each also as XML.
//!
//! **Source:** WAP-192 (WBXML 1.3), WAP-167 (SI), WAP-168 (SL), WAP-175 (CO), EMN 1.0. A [`Source`] reads a document, from
//! WBXML or from XML, and tells a [`Sink`] what it says; a document type listens to both alike and writes both. What the
//! type does not know survives as an [`Element`]. Not here: processing instructions and other document types.

use super::DecodeError;
use super::format::{Deviation, FieldFault};

mod charset;
pub mod co;
mod element;
pub mod emn;
mod fields;
mod grammar;
mod header;
mod language;
mod notes;
mod piece;
mod read_value;
mod reader;
pub mod si;
pub mod sl;
mod source;
mod stamp;
#[cfg(test)]
mod tests;
mod value;
mod writer;
mod xml;

pub use charset::Charset;
pub use co::Co;
pub use element::{Element, Node};
pub use emn::Emn;
pub use header::Header;
pub use language::{AttributeRule, Attributes, Child, ElementRule, Kind, Language, Model, Start};
pub use notes::{Notes, Silent};
pub use reader::Reader;
pub use si::Si;
pub use sl::Sl;
pub use source::{Sink, Source};
pub use stamp::Stamp;
pub use value::{Mixed, Name, Part, Value};
pub use writer::{Head, write};
pub use xml::{XmlReader, write as write_xml};

/// A document type of push content; a blank one becomes what it is told.
pub trait Document<'a>: Sink<'a> + Default {
    /// Its tokens and rules.
    const LANGUAGE: &'static Language;

    /// The document as a tree.
    fn into_element(self) -> Element<'a>;

    /// Reads the document that a source tells.
    ///
    /// # Errors
    /// The first fault.
    fn read(source: &mut impl Source<'a>) -> Result<Self, DecodeError> {
        let mut document = Self::default();
        source.tell(&mut document)?;
        Ok(document)
    }

    /// The document that a tree says.
    fn of_element(root: &'a Element<'a>) -> Self {
        let mut document = Self::default();
        root.tell(&mut document);
        document
    }

    /// Reads WBXML by the letter of the standard.
    ///
    /// # Errors
    /// The first fault.
    fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(Self::LANGUAGE, octets, false))
    }

    /// Reads WBXML and lists what the letter forbids; what is not known is passed over.
    ///
    /// # Errors
    /// The first fault that no reading allows.
    fn decode_lenient(octets: &'a [u8]) -> Result<(Self, Vec<Deviation>), DecodeError> {
        let mut reader = Reader::new(Self::LANGUAGE, octets, true);
        let document = Self::read(&mut reader)?;
        Ok((document, reader.deviations()))
    }

    /// Reads XML by the document type.
    ///
    /// # Errors
    /// The first fault.
    fn decode_xml(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(&mut XmlReader::new(Self::LANGUAGE, octets, false)?)
    }

    /// The WBXML of the document, in UTF-8.
    ///
    /// # Errors
    /// More octets than a document may have.
    fn encode(self) -> Result<Vec<u8>, FieldFault> {
        write(
            Self::LANGUAGE,
            &self.into_element(),
            Head::of(Self::LANGUAGE),
        )
    }

    /// The XML of the document.
    ///
    /// # Errors
    /// None for a document that holds text only, as all of ours do.
    fn encode_xml(self) -> Result<Vec<u8>, FieldFault> {
        write_xml(Self::LANGUAGE, &self.into_element())
    }
}
