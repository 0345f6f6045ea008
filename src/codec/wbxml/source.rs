//! How a document is told: a source, whatever it reads from, tells a sink what the document says, in order.

use super::value::{Name, Value};
use crate::codec::DecodeError;

/// Who is told what a document says. What is of no interest need not be listened to.
pub trait Sink<'a> {
    /// An element begins.
    fn open(&mut self, _name: Name<'a>) {}

    /// An attribute of the element `of`, whose name is empty when the document type does not know it.
    fn attribute(&mut self, _of: &'static str, _name: Name<'a>, _value: Value<'a>) {}

    /// Text in the element `of`.
    fn text(&mut self, _of: &'static str, _value: Value<'a>) {}

    /// The element that began last and has not ended ends.
    fn close(&mut self) {}
}

/// Nobody listens.
impl<'a> Sink<'a> for () {}

/// Where a document comes from: its WBXML or its XML.
pub trait Source<'a> {
    /// Tells all of it.
    ///
    /// # Errors
    /// The first fault.
    fn tell(&mut self, sink: &mut impl Sink<'a>) -> Result<(), DecodeError>;
}
