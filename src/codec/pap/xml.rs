//! A PAP document as a small tree, with the offset of everything.
//!
//! **Source:** WAP-247 sections 9 and 13 (prolog). Not here: which elements and attributes a PAP document may have
//! (`dtd`). The external DTD is never fetched.

use std::borrow::Cow;

use super::{FORMAT, prolog};
pub(super) use crate::codec::xml::Attr;
use crate::codec::xml::{Bounds, Outline, Tag, Token, Tokens, is_blank_text};
use crate::codec::{DecodeError, Span};
use crate::limits;

const CLAUSE: &str = "WAP-247 8";

const BOUNDS: Bounds = Bounds {
    octets: limits::PAP_CONTROL_OCTETS,
    depth: limits::PAP_DEPTH,
    name_octets: limits::XML_NAME_OCTETS,
};

/// An element with its attributes and children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    /// Offset of its `<`.
    pub(super) at: usize,
    pub(super) attributes: Vec<Attr<'a>>,
    pub(super) children: Vec<Self>,
    /// Where anything but white space stands between its tags, comments included.
    pub(super) content_at: Option<usize>,
    /// Where text other than white space stands between its tags.
    pub(super) text_at: Option<usize>,
}

impl<'a> Node<'a> {
    /// The value of an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attr| &*attr.value)
    }

    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attr<'a>> {
        self.attributes.iter().find(|attr| attr.name == name)
    }
}

/// The `<!DOCTYPE ...>` in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Doctype<'a> {
    pub(super) at: usize,
    pub(super) root: &'a str,
    pub(super) public: Option<Cow<'a, str>>,
    /// The `supported-versions` of the one processing instruction that may stand in the internal subset.
    pub(super) supported: Option<(&'a str, usize)>,
}

/// What a document holds, borrowed from its octets; after a fault, what was read of it by then.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub(super) doctype: Option<Doctype<'a>>,
    pub(super) root: Option<Node<'a>>,
    open: Vec<Node<'a>>,
}

/// Where each part stands, up to the first fault.
pub(super) fn spans(octets: &[u8]) -> Vec<Span> {
    // The fault itself is told by decoding.
    let Ok(mut tokens) = Tokens::new(FORMAT, octets, BOUNDS) else {
        return Vec::new();
    };
    let mut tree = Tree::default();
    let mut outline = Outline::new(CLAUSE, &tokens);
    while let Ok(Some(token)) = tokens.next() {
        outline.note(&token, &tokens);
        if tree.take(token, tokens.place().0).is_err() {
            break;
        }
    }
    outline.spans()
}

/// Reads a document. The tree is given after a fault too, as far as it came.
pub(super) fn read(octets: &[u8]) -> (Tree<'_>, Result<(), DecodeError>) {
    let mut tree = Tree::default();
    let result = tree.fill(octets);
    (tree, result)
}

impl<'a> Tree<'a> {
    fn fill(&mut self, octets: &'a [u8]) -> Result<(), DecodeError> {
        let mut tokens = Tokens::new(FORMAT, octets, BOUNDS)?;
        while let Some(token) = tokens.next()? {
            self.take(token, tokens.place().0)?;
        }
        Ok(())
    }

    fn take(&mut self, token: Token<'a>, at: usize) -> Result<(), DecodeError> {
        match token {
            Token::Declaration => {}
            Token::Doctype(doctype) => {
                self.doctype = Some(Doctype {
                    at: doctype.at,
                    root: doctype.root,
                    public: doctype.public,
                    supported: match doctype.subset {
                        Some((subset, at)) => prolog::supported(subset, at)?,
                        None => None,
                    },
                });
            }
            Token::Start(tag) => self.open.push(node(tag)),
            Token::Empty(tag) => self.close(node(tag)),
            Token::End => {
                if let Some(node) = self.open.pop() {
                    self.close(node);
                }
            }
            // An empty element may be written in two tags on two lines: initiators do, though it is not valid.
            Token::Text(text) if is_blank_text(&text) => {}
            Token::Text(_) => self.mark(at, true),
            Token::Section(_) | Token::Letter(_) => self.mark(at, true),
            Token::Comment | Token::Instruction => self.mark(at, false),
        }
        Ok(())
    }

    /// Something stands in the element that is open, text or not.
    fn mark(&mut self, at: usize, is_text: bool) {
        if let Some(node) = self.open.last_mut() {
            node.content_at.get_or_insert(at);
            if is_text {
                node.text_at.get_or_insert(at);
            }
        }
    }

    /// An element is whole.
    fn close(&mut self, node: Node<'a>) {
        self.mark(node.at, false);
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.root = Some(node),
        }
    }

    /// The elements that were open when a fault ended the reading, outermost first.
    pub(super) fn unfinished(&self) -> &[Node<'a>] {
        &self.open
    }
}

fn node(tag: Tag<'_>) -> Node<'_> {
    Node {
        name: tag.name,
        at: tag.at,
        attributes: tag.attributes,
        ..Node::default()
    }
}
