//! Octets of any format taken apart for people and programs: fields, deviations, and where each field stands.

use core::fmt::Write as _;

use serde_json::{Value, json};

use super::format::{Deviation, Format};
use super::{DecodeError, Span};

/// The schema's name and version.
pub const SCHEMA: &str = "sirgate.sir/1";

/// Octets taken apart.
#[derive(Clone, Debug)]
pub struct Annotated {
    /// The name of the format.
    pub form: &'static str,
    /// How many octets there are.
    pub len: usize,
    /// What they say.
    pub fields: Value,
    /// What only a lenient reading accepts.
    pub deviations: Vec<Deviation>,
    /// Where each field stands.
    pub spans: Vec<Span>,
}

/// Octets in one line of the annotated form; longer fields take more lines.
const LINE_OCTETS: usize = 6;
/// Where the clause begins.
const CLAUSE_COLUMN: usize = 88;
/// Fields whose words are not those of their path.
const LABELS: [(&str, &str); 9] = [
    ("sia.app_ids", "application list"),
    ("sia.app_ids[]", ". Accept-Application"),
    ("sia.wsp_contacts", "WSP contact points"),
    ("sia.contacts", "contact points"),
    ("sia.protocols", "protocol options"),
    ("sia.protocols[]", ". option"),
    ("sia.prov_url", "provisioning URL"),
    ("sia.cpi_tags", "CPITags"),
    ("sia.cpi_tags[]", ". CPITag"),
];

/// Takes octets apart.
///
/// # Errors
/// The first fault; [`refused`] tells it together with what stands before it.
pub fn annotate(format: &Format, octets: &[u8], lenient: bool) -> Result<Annotated, DecodeError> {
    let read = (format.decode)(octets, lenient)?;
    Ok(Annotated {
        form: format.name,
        len: octets.len(),
        fields: read.fields,
        deviations: read.deviations,
        spans: (format.spans)(octets, lenient),
    })
}

/// The JSON of refused octets: the fault, and the fields before it.
#[must_use]
pub fn refused(format: &Format, error: &DecodeError, spans: &[Span]) -> Value {
    json!({
        "schema": SCHEMA,
        "form": format.name,
        "error": {
            "format": error.format,
            "offset": error.offset,
            "class": error.class.name(),
            "expected": error.expected,
        },
        "spans": spans.iter().map(span_json).collect::<Vec<_>>(),
    })
}

impl Annotated {
    /// The JSON of the schema.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let deviations: Vec<Value> = self
            .deviations
            .iter()
            .map(|odd| json!({"at": odd.at, "expected": odd.what}))
            .collect();
        json!({
            "schema": SCHEMA,
            "form": self.form,
            "octets": self.len,
            "fields": self.fields,
            "deviations": deviations,
            "spans": self.spans.iter().map(span_json).collect::<Vec<_>>(),
        })
    }

    /// One line about the whole, and a row for each field with its octets.
    #[must_use]
    pub fn to_text(&self, octets: &[u8]) -> String {
        let deviations = match self.deviations.len() {
            0 => "no deviation".to_owned(),
            1 => "1 deviation".to_owned(),
            count => format!("{count} deviations"),
        };
        let mut out = format!("{}, {} octets, {deviations}\n", self.form, self.len);
        out.push_str(&rows(octets, &self.spans));
        for odd in &self.deviations {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {:04x}  deviation: expected {}", odd.at, odd.what);
        }
        out
    }
}

/// The rows of fields: offset, octets, field, value, and the clause where it changes; a heading where a format within
/// the format begins.
#[must_use]
pub fn rows(octets: &[u8], spans: &[Span]) -> String {
    let mut out = String::new();
    let (mut root, mut clause) = ("", "");
    for span in spans {
        let own = span.path.split(['.', '[']).next().unwrap_or_default();
        if own != root {
            let version = span.path.strip_prefix(own) == Some(".version");
            let head = if version {
                format!("  {own}, version {}", span.value)
            } else {
                format!("  {own}")
            };
            push_row(&mut out, &head, span.clause);
            (root, clause) = (own, span.clause);
        }
        let shown = octets
            .get(span.at..span.at.saturating_add(span.len))
            .unwrap_or_default();
        let changed = if span.clause == clause {
            ""
        } else {
            span.clause
        };
        clause = span.clause;
        push_span(&mut out, span, shown, changed);
    }
    out
}

fn push_span(out: &mut String, span: &Span, octets: &[u8], clause: &str) {
    let label = label(&span.path);
    // The value of a long text shows its octets already.
    let is_text = octets.len() > LINE_OCTETS
        && octets
            .iter()
            .all(|octet| matches!(octet, b'\t' | b'\r' | b'\n' | 0x20..=0x7E))
        && octets.len()
            <= span
                .value
                .len()
                .saturating_add(label.len())
                .saturating_add(LINE_OCTETS);
    if is_text {
        let head = format!(
            "  {:04x}  {:<17}  {label:<20}  {}",
            span.at, "text", span.value
        );
        push_row(out, &head, clause);
        return;
    }
    let mut lines = octets.chunks(LINE_OCTETS);
    let first = joined(lines.next().unwrap_or_default());
    let head = format!(
        "  {:04x}  {first:<17}  {label:<20}  {}",
        span.at, span.value
    );
    push_row(out, &head, clause);
    for (number, line) in lines.enumerate() {
        let at = number
            .saturating_add(1)
            .saturating_mul(LINE_OCTETS)
            .saturating_add(span.at);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {at:04x}  {}", joined(line));
    }
}

fn push_row(out: &mut String, head: &str, clause: &str) {
    let row = if clause.is_empty() {
        head.to_owned()
    } else {
        format!("{head:<CLAUSE_COLUMN$} {clause}")
    };
    out.push_str(row.trim_end());
    out.push('\n');
}

fn joined(octets: &[u8]) -> String {
    let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    digits.join(" ")
}

/// The words for a field: the last name of its path; members of a list begin with a dot.
fn label(path: &str) -> String {
    let plain: String = path
        .split('[')
        .enumerate()
        .fold(String::new(), |mut sum, (at, part)| {
            if at > 0 {
                sum.push_str("[]");
            }
            let rest = if at > 0 {
                part.split_once(']').map_or("", |(_, rest)| rest)
            } else {
                part
            };
            sum.push_str(rest);
            sum
        });
    if let Some((_, label)) = LABELS.iter().find(|(path, _)| *path == plain) {
        return (*label).to_owned();
    }
    let last = plain.rsplit('.').next().unwrap_or_default();
    let name = last.trim_end_matches("[]").replace('_', " ");
    if plain.contains("[]") {
        format!(". {name}")
    } else {
        name
    }
}

fn span_json(span: &Span) -> Value {
    let number = span
        .value
        .parse::<u64>()
        .ok()
        .filter(|number| number.to_string() == span.value);
    let value = number.map_or_else(|| Value::from(span.value.as_str()), Value::from);
    json!({
        "at": span.at,
        "len": span.len,
        "path": span.path,
        "value": value,
        "clause": span.clause,
    })
}

#[cfg(test)]
mod tests;
