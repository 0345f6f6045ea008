//! The check of a document against its type while it is read, in WBXML and in XML alike.

use super::language::{AttributeRule, ElementRule, Language, Model};
use super::value::Name;
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
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// None inside an element that is not known; anything may stand there.
    rule: Option<&'static ElementRule>,
    /// The attributes met, by their place in the rule.
    attributes: u32,
    /// The place in the sequence of children.
    place: usize,
    /// Whether a child stands at that place already.
    met: bool,
}

const NOTHING: Frame = Frame {
    rule: None,
    attributes: 0,
    place: 0,
    met: false,
};

impl Grammar {
    pub(super) const fn new(language: &'static Language) -> Self {
        Self {
            language,
            open: [NOTHING; limits::WBXML_DEPTH],
            depth: 0,
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

    /// The element that is open.
    pub(super) fn rule(&self) -> Option<&'static ElementRule> {
        self.frame()?.rule
    }

    /// An element begins. Whatever is broken, it is open afterwards, unless that is too deep.
    pub(super) fn open(&mut self, name: &Name<'_>) -> Result<(), Broken> {
        let rule = match name {
            Name::Known(name) => self.language.element(name),
            _ => None,
        };
        let result = match (rule, self.depth) {
            (Some(rule), 0) if rule.name == self.language.root() => Ok(()),
            (_, 0) => Err(Broken::Root),
            (Some(rule), _) => self.frame_mut().map_or(Ok(()), |frame| frame.child(rule)),
            (None, _) if self.rule().is_none() => Ok(()),
            (None, _) => Err(Broken::Unknown("an element of the document type")),
        };
        match self.open.get_mut(self.depth) {
            Some(slot) => *slot = Frame { rule, ..NOTHING },
            None => return Err(Broken::Deep),
        }
        self.depth = self.depth.saturating_add(1);
        result
    }

    /// An attribute of the open element.
    pub(super) fn attribute(
        &mut self,
        name: &Name<'_>,
    ) -> Result<Option<&'static AttributeRule>, Broken> {
        let unknown = Broken::Unknown("an attribute of this element");
        let Some(frame) = self.frame_mut() else {
            return Ok(None);
        };
        let Some(rule) = frame.rule else {
            return Ok(None);
        };
        let Name::Known(name) = name else {
            return Err(unknown);
        };
        let found = rule.attributes.iter().position(|rule| rule.name == *name);
        let Some(place) = found else {
            return Err(unknown);
        };
        let bit = 1_u32.checked_shl(u32::try_from(place).unwrap_or(31));
        let bit = bit.unwrap_or(0);
        if frame.attributes & bit != 0 {
            return Err(Broken::Misplaced("each attribute once"));
        }
        frame.attributes |= bit;
        Ok(rule.attributes.get(place))
    }

    /// The attributes of the open element are all there.
    pub(super) fn attributes_end(&self) -> Result<(), Broken> {
        let Some((frame, rule)) = self.frame().and_then(|frame| Some((frame, frame.rule?))) else {
            return Ok(());
        };
        let mut bits = frame.attributes;
        for attribute in rule.attributes {
            if let (Some(expected), 0) = (attribute.required, bits & 1) {
                return Err(Broken::Missing(expected));
            }
            bits >>= 1;
        }
        Ok(())
    }

    /// Whether text is content of the open element; blank text elsewhere is only layout.
    pub(super) fn holds_text(&self) -> bool {
        self.rule().is_none_or(|rule| rule.content == Model::Text)
    }

    /// The open element ends.
    pub(super) fn close(&mut self) -> Result<(), Broken> {
        let frame = self.frame().copied();
        self.depth = self.depth.saturating_sub(1);
        let Some(Some(rule)) = frame.map(|frame| frame.rule) else {
            return Ok(());
        };
        let (place, met) = frame.map_or((0, false), |frame| (frame.place, frame.met));
        match rule.content {
            Model::Empty | Model::Text => Ok(()),
            Model::AnyOf(_) if met => Ok(()),
            Model::AnyOf(_) => Err(Broken::Missing("an element inside this one")),
            Model::Sequence(children) => {
                let skip = place.saturating_add(usize::from(met));
                let lacks = children.iter().skip(skip).any(|child| child.required);
                if lacks {
                    Err(Broken::Missing("an element inside this one"))
                } else {
                    Ok(())
                }
            }
        }
    }
}

impl Frame {
    fn child(&mut self, child: &ElementRule) -> Result<(), Broken> {
        let misplaced = Broken::Misplaced("an element that may stand here");
        match self.rule.map(|rule| rule.content) {
            None => Ok(()),
            Some(Model::Empty | Model::Text) => Err(misplaced),
            Some(Model::AnyOf(names)) if names.contains(&child.name) => {
                self.met = true;
                Ok(())
            }
            Some(Model::AnyOf(_)) => Err(misplaced),
            Some(Model::Sequence(children)) => {
                for (place, known) in children.iter().enumerate().skip(self.place) {
                    let met = self.met && place == self.place;
                    if known.name == child.name && (!met || known.many) {
                        self.place = place;
                        self.met = true;
                        return Ok(());
                    }
                    if known.required && !met {
                        break;
                    }
                }
                Err(misplaced)
            }
        }
    }
}
