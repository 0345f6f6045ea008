//! The check of a document against its type while it is read, in WBXML and in XML alike.

use super::language::{AttributeRule, Attributes, Child, ElementRule, Language, Model};
use crate::limits;

/// What the document type forbids, with what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A name the type does not have.
    Unknown(&'static str),
    /// A known thing where it may not stand.
    Misplaced(&'static str),
    /// Something that must be there.
    Missing(&'static str),
    /// Another document; no reading allows it.
    Root,
    /// Nested too deeply; no reading allows it.
    Deep,
}

/// Where the reading stands: the open elements.
#[derive(Debug)]
pub(super) struct Grammar {
    language: &'static Language,
    open: [Frame; limits::WBXML_DEPTH],
    depth: usize,
    /// The attributes met of the element that opened last, as bits.
    met: u32,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// None inside an element that is not known; anything may stand there.
    rule: Option<&'static ElementRule>,
    /// The place in the sequence of children.
    place: usize,
    /// Whether a child stands at that place already.
    met: bool,
}

const NOTHING: Frame = Frame {
    rule: None,
    place: 0,
    met: false,
};

impl Grammar {
    pub(super) const fn new(language: &'static Language) -> Self {
        Self {
            language,
            open: [NOTHING; limits::WBXML_DEPTH],
            depth: 0,
            met: 0,
        }
    }

    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    fn frame(&self) -> Option<&Frame> {
        self.open.get(self.depth.checked_sub(1)?)
    }

    fn frame_mut(&mut self) -> Option<&mut Frame> {
        self.open.get_mut(self.depth.checked_sub(1)?)
    }

    /// The rule of the element that is open.
    fn rule(&self) -> Option<&'static ElementRule> {
        self.frame()?.rule
    }

    /// The name of the element that is open; empty when the type does not know it.
    pub(super) fn name(&self) -> &'static str {
        self.rule().map_or("", |rule| rule.name)
    }

    /// An element begins; the rule is that of its name, if the type has it. Whatever is broken, it is open afterwards,
    /// unless that is too deep.
    pub(super) fn open(&mut self, rule: Option<&'static ElementRule>) -> Result<(), Broken> {
        let root = self.language.elements.first().map(|rule| rule.token);
        let result = match (rule, self.frame_mut()) {
            (Some(rule), Some(frame)) => frame.child(rule.token),
            (None, Some(frame)) if frame.rule.is_some() => {
                Err(Broken::Unknown("an element of the document type"))
            }
            (None, Some(_)) => Ok(()),
            (Some(rule), None) if Some(rule.token) == root => Ok(()),
            (_, None) => Err(Broken::Root),
        };
        match self.open.get_mut(self.depth) {
            Some(slot) => *slot = Frame { rule, ..NOTHING },
            None => return Err(Broken::Deep),
        }
        self.depth = self.depth.saturating_add(1);
        self.met = 0;
        result
    }

    /// An attribute of the open element; the rule is that of its name, if the type has it. `Some` is what it must keep.
    pub(super) fn attribute(
        &mut self,
        rule: Option<&'static AttributeRule>,
    ) -> Result<Option<&'static AttributeRule>, Broken> {
        let Some(element) = self.rule() else {
            return Ok(None);
        };
        match rule {
            Some(rule) if self.met & rule.bit != 0 => Err(Broken::Misplaced("each attribute once")),
            Some(rule) if element.attributes.bits & rule.bit != 0 => {
                self.met |= rule.bit;
                Ok(Some(rule))
            }
            _ => Err(Broken::Unknown("an attribute of this element")),
        }
    }

    /// The attributes of the open element are all there.
    pub(super) fn attributes_end(&self) -> Result<(), Broken> {
        let attributes = self.rule().map_or(Attributes::NONE, |rule| rule.attributes);
        let missing = attributes.required & !self.met;
        if missing == 0 {
            return Ok(());
        }
        let first = attributes.rules.iter().find(|rule| missing & rule.bit != 0);
        let expected = first.and_then(|rule| rule.required);
        Err(Broken::Missing(expected.unwrap_or("an attribute")))
    }

    /// Whether text is content of the open element; blank text elsewhere is only layout.
    pub(super) fn holds_text(&self) -> bool {
        self.rule().is_none_or(|rule| rule.content == Model::Text)
    }

    /// The open element ends.
    pub(super) fn close(&mut self) -> Result<(), Broken> {
        let frame = self.frame().copied().unwrap_or(NOTHING);
        self.depth = self.depth.saturating_sub(1);
        let is_whole = match frame.rule.map(|rule| rule.content) {
            None | Some(Model::Empty | Model::Text) => true,
            Some(Model::AnyOf(_)) => frame.met,
            Some(Model::Sequence(children)) => {
                let behind = frame.place.saturating_add(usize::from(frame.met));
                !children.iter().skip(behind).any(|child| child.required)
            }
        };
        if is_whole {
            Ok(())
        } else {
            Err(Broken::Missing("an element inside this one"))
        }
    }
}

impl Frame {
    /// An element with that token begins inside.
    fn child(&mut self, token: u8) -> Result<(), Broken> {
        let may_stand = match self.rule.map(|rule| rule.content) {
            None => true,
            Some(Model::Empty | Model::Text) => false,
            Some(Model::AnyOf(tokens)) => {
                let is_one = tokens.contains(&token);
                self.met |= is_one;
                is_one
            }
            Some(Model::Sequence(children)) => self.step(children, token),
        };
        if may_stand {
            Ok(())
        } else {
            Err(Broken::Misplaced("an element that may stand here"))
        }
    }

    /// Goes on to the place of that element, if it may come next.
    fn step(&mut self, children: &[Child], token: u8) -> bool {
        for (place, known) in children.iter().enumerate().skip(self.place) {
            let met = self.met && place == self.place;
            if known.token == token && (!met || known.many) {
                self.place = place;
                self.met = true;
                return true;
            }
            if known.required && !met {
                break;
            }
        }
        false
    }
}
