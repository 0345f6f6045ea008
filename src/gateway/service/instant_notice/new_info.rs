//! What monitors report, all of them in the same words (R1.20).

use super::cursor::Cursor;

/// Something new for an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewInfo {
    /// The account, by canonical name.
    pub account: String,
    /// The application that is watched.
    pub source: String,
    /// Names it in its source: the same when it is reported again.
    pub id: String,
    /// Who wrote it.
    pub from: String,
    /// What about.
    pub subject: String,
    /// How it begins.
    pub snippet: String,
    /// All of it, where the source gives that.
    pub text: Option<String>,
    /// What it is, for applications with several kinds: `dm` (R1.19).
    pub kind: Option<String>,
    /// How far the source is read with it.
    pub cursor: Option<Cursor>,
}

impl NewInfo {
    /// Cuts every text to what is kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let texts = [&mut self.id, &mut self.from, &mut self.subject];
        for text in texts {
            cut(text, 512);
        }
        cut(&mut self.snippet, 1_024);
        if let Some(text) = &mut self.text {
            cut(text, 16_384);
        }
        if let Some(kind) = &mut self.kind {
            cut(kind, 64);
        }
        self
    }
}

fn cut(text: &mut String, most: usize) {
    let end = text.floor_char_boundary(most);
    text.truncate(end);
}
