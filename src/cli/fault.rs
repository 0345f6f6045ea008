//! What went wrong, for a person: a stable code, what, where, and how to mend it; and the exit code it ends with.

use std::fmt;
use std::ops::Range;
use std::process::ExitCode;

pub use crate::event::nearest::nearest;

/// Ends of a command (see `sirgate --help`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and what was asked for is true.
    Yes,
    /// Done, but the answer is no.
    No,
    /// Usage or configuration.
    Usage,
    /// A negative verdict.
    Verdict,
    /// It could not be tested.
    Untested,
    /// A fault of sirgate itself.
    Bug,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// The number a shell sees.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Verdict => 3,
            Self::Untested => 4,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// A place in a text the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name as the user gave it.
    pub file: String,
    /// The whole text.
    pub text: String,
    /// The octets meant.
    pub span: Range<usize>,
}

/// One fault of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code: `SG-C004`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where, when it stands in a file.
    pub place: Option<Box<Place>>,
    /// How to mend it; empty where the message says all there is to say.
    pub help: String,
    /// How the command ends.
    pub exit: Exit,
}

impl Fault {
    /// A fault without a place.
    pub fn new(
        code: &'static str,
        exit: Exit,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            help: help.into(),
            exit,
        }
    }

    /// A wrong word on the command line.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new("SG-U001", Exit::Usage, message, help)
    }

    /// The same as one JSON object, for `--json`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let at = self.place.as_ref().map(|place| {
            let (line, column) = position(&place.text, place.span.start);
            serde_json::json!({"file": place.file, "line": line, "column": column})
        });
        serde_json::json!({
            "schema": "sirgate.error/1", "code": self.code, "message": self.message, "at": at, "help": self.help,
        })
    }
}

/// The look of a compiler's message; no colour, so that it reads the same everywhere.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.exit == Exit::Yes {
            "warning"
        } else {
            "error"
        };
        writeln!(f, "{word}[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            let (line, column) = position(&place.text, place.span.start);
            let source = place.text.lines().nth(line - 1).unwrap_or_default();
            let width = line.to_string().len();
            let marked = place.text.get(place.span.clone()).unwrap_or_default();
            let carets = marked
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                .max(1);
            writeln!(f, "{:width$}--> {}:{line}:{column}", "", place.file)?;
            writeln!(f, "{:width$} |", "")?;
            writeln!(f, "{line} | {source}")?;
            writeln!(
                f,
                "{:width$} | {:indent$}{}",
                "",
                "",
                "^".repeat(carets),
                indent = column - 1
            )?;
        }
        if self.help.is_empty() {
            return Ok(());
        }
        write!(f, "help: {}", self.help)
    }
}

/// Line and column, both from 1, of an octet.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_the_line_and_marks_the_word() {
        let text = "[gateway]\nplam = \"auto\"\n";
        let place = Place {
            file: "lab.toml".into(),
            text: text.into(),
            span: 10..14,
        };
        let fault = Fault {
            code: "SG-C002",
            message: "unknown key \"plam\"".into(),
            place: Some(Box::new(place)),
            help: "write plan".into(),
            exit: Exit::Usage,
        };
        let shown = "error[SG-C002]: unknown key \"plam\"\n --> lab.toml:2:1\n  |\n2 | plam = \"auto\"\n  | ^^^^\nhelp: write plan";
        assert_eq!(fault.to_string(), shown);
    }
}
