//! Where each part of a document stands, in the words of the tokens.

use std::collections::BTreeMap;

use super::letters::is_blank;
use super::tokens::{Token, Tokens};
use crate::codec::Span;

/// Spans noted token by token; together they cover the octets read.
#[derive(Debug)]
pub(in crate::codec) struct Outline {
    clause: &'static str,
    spans: Vec<Span>,
    open: Vec<Open>,
    /// The last span is text, and ends with a blank or not.
    in_text: Option<bool>,
}

/// An element whose end tag has not come.
#[derive(Debug)]
struct Open {
    /// `presence.tuple[1]`
    path: String,
    /// Elements in it so far by name.
    inside: BTreeMap<String, usize>,
}

impl Outline {
    /// An outline before the first token.
    pub(in crate::codec) fn new(clause: &'static str, tokens: &Tokens<'_>) -> Self {
        let mut outline = Self {
            clause,
            spans: Vec::new(),
            open: Vec::new(),
            in_text: None,
        };
        outline.span(0, tokens.place().0, OUTSIDE, "byte order mark");
        outline
    }

    /// The spans so far.
    pub(in crate::codec) fn spans(self) -> Vec<Span> {
        self.spans
    }

    /// Notes the token that `tokens` read last.
    pub(in crate::codec) fn note(&mut self, token: &Token<'_>, tokens: &Tokens<'_>) {
        let (at, end) = tokens.place();
        let written = tokens.written();
        let path = self.path();
        match token {
            Token::Start(tag) | Token::Empty(tag) => {
                let path = self.path_of(local(tag.name));
                let mut from = at;
                let (mut piece, mut value) = (path.clone(), local(tag.name));
                // The last piece takes the closing bracket, so that nothing is left between pieces.
                for attribute in &tag.attributes {
                    self.span(from, attribute.at, &piece, value);
                    from = attribute.at;
                    piece = format!("{path}.{}", attribute.name);
                    value = &attribute.value;
                }
                self.span(from, end, &piece, value);
                if matches!(token, Token::Start(_)) {
                    let inside = BTreeMap::new();
                    self.open.push(Open { path, inside });
                }
            }
            Token::End => {
                self.span(at, end, &path, "end");
                self.open.pop();
            }
            Token::Text(_) | Token::Section(_) | Token::Letter(_) => {
                let text = token.text().unwrap_or_default();
                self.text(at, end, &path, &text);
                return;
            }
            Token::Declaration | Token::Doctype(_) => self.span(at, end, OUTSIDE, written),
            Token::Comment => self.span(at, end, &path, "comment"),
            Token::Instruction => self.span(at, end, &path, "instruction"),
        }
        self.in_text = None;
    }

    /// Text around references is one text, so that a thousand of them are not a thousand spans.
    fn text(&mut self, at: usize, end: usize, path: &str, text: &str) {
        let blank = text.bytes().all(is_blank);
        let Some((spaced, last)) = self.in_text.zip(self.spans.last_mut()) else {
            self.span(at, end, path, if blank { BLANK } else { text });
            self.in_text = Some(text.ends_with(char::is_whitespace));
            return;
        };
        last.len = end.saturating_sub(last.at);
        let apart = spaced || text.starts_with(char::is_whitespace);
        for (number, word) in text.split_whitespace().enumerate() {
            if last.value == BLANK {
                last.value.clear();
            } else if number > 0 || apart {
                last.value.push(' ');
            }
            last.value.push_str(word);
        }
        self.in_text = Some(text.ends_with(char::is_whitespace) || (blank && spaced));
    }

    fn path(&self) -> String {
        let open = self.open.last();
        open.map_or_else(|| OUTSIDE.to_owned(), |open| open.path.clone())
    }

    /// `presence.tuple[1]`: siblings of one name are numbered from 0, the first without its number.
    fn path_of(&mut self, name: &str) -> String {
        let Some(parent) = self.open.last_mut() else {
            return name.to_owned();
        };
        let number = parent.inside.entry(name.to_owned()).or_default();
        let path = match *number {
            0 => format!("{}.{name}", parent.path),
            number => format!("{}.{name}[{number}]", parent.path),
        };
        *number = number.saturating_add(1);
        path
    }

    fn span(&mut self, at: usize, end: usize, path: &str, value: &str) {
        if end > at {
            self.spans.push(Span {
                at,
                len: end.saturating_sub(at),
                path: path.to_owned(),
                value: value.split_whitespace().collect::<Vec<_>>().join(" "),
                clause: self.clause,
            });
        }
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

const OUTSIDE: &str = "xml";
/// What text of nothing but blanks is called.
const BLANK: &str = "white space";
