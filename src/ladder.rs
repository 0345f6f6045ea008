//! Events drawn as a ladder: one lane a party, one line an arrow or a decision.
//!
//! Also as a mermaid sequence diagram and as comma-separated values. Not here: pictures (the console draws them).

use core::fmt::Write;

use crate::event::Event;
use crate::time::Time;

mod belonging;
mod chunks;
mod rung;
mod web;

pub use belonging::of_push;
pub use rung::{PI, PPG, Rung, SMSC, rungs};

/// One lane: how events name the party, and what stands above its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The name in events: `PI`, `PPG`, or a device's name.
    pub name: String,
    /// What is written above the lane: `C1 phone`.
    pub label: String,
}

impl Party {
    /// A party whose label is its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
        }
    }

    /// A party of another label.
    #[must_use]
    pub fn labelled(name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
        }
    }
}

/// How a ladder is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Only characters of ASCII.
    pub ascii: bool,
    /// Also what is folded otherwise: acknowledgements, routine answers, registrations.
    pub all: bool,
}

/// Draws the events as text. Lanes stand in the order of `parties`; parties not named there follow in the order in
/// which they appear, and lanes that took no part are left out.
#[must_use]
pub fn text(events: &[Event], parties: &[Party], style: Style) -> String {
    let (shown, folded) = shown(events, style.all);
    let parties = lanes(&shown, parties);
    let drawing = Drawing {
        start: shown.first().map_or(Time::EPOCH, |rung| rung.at),
        width: lane_width(&shown, &parties),
        parties: &parties,
        pen: if style.ascii { &ASCII } else { &UNICODE },
    };
    let mut out = drawing.head();
    for rung in &shown {
        out.push_str(&drawing.line(rung));
    }
    out.push_str(&drawing.foot(&shown, folded));
    if style.ascii {
        // What peers and names brought in.
        out = out
            .chars()
            .map(|c| if c.is_ascii() { c } else { '?' })
            .collect();
    }
    out
}

/// The same as a mermaid sequence diagram.
#[must_use]
pub fn mermaid(events: &[Event], parties: &[Party], all: bool) -> String {
    let (shown, _) = shown(events, all);
    let parties = lanes(&shown, parties);
    let mut out = String::from("sequenceDiagram\n");
    let last = parties.len().saturating_sub(1);
    let lane = |name: &str| parties.iter().position(|party| party.name == name);
    for (at, party) in parties.iter().enumerate() {
        let _ = writeln!(
            out,
            "    participant L{at} as {}",
            mermaid_text(&party.label)
        );
    }
    for rung in &shown {
        let Some(from) = lane(&rung.from) else {
            continue;
        };
        let (word, note) = (mermaid_text(&rung.word), mermaid_text(&rung.note));
        let text = format!("{word} {note}");
        let text = text.trim_end();
        match rung.to.as_deref() {
            None => {
                let _ = writeln!(out, "    Note over L{from}: {text}");
            }
            Some(to) => {
                let to = lane(to).unwrap_or(last);
                let _ = writeln!(out, "    L{from}->>L{to}: {text}");
            }
        }
    }
    out
}

/// The same as comma-separated values with a head line; times in microseconds since the epoch.
#[must_use]
pub fn csv(events: &[Event], all: bool) -> String {
    let mut out = String::from("t_us,from,to,line,what,note\r\n");
    for rung in shown(events, all).0 {
        let to = rung.to.as_deref().unwrap_or_default();
        let _ = write!(out, "{}", rung.at.micros());
        for field in [&rung.from, to, &rung.line, &rung.word, &rung.note] {
            out.push(',');
            out.push_str(&csv_field(field));
        }
        out.push_str("\r\n");
    }
    out
}

/// What is drawn, and how much is not.
fn shown(events: &[Event], all: bool) -> (Vec<Rung>, usize) {
    let rungs = rungs(events);
    let total = rungs.len();
    let shown: Vec<Rung> = rungs
        .into_iter()
        .filter(|rung| all || !rung.folded)
        .collect();
    let folded = total.saturating_sub(shown.len());
    (shown, folded)
}

/// The lanes that took part, known ones first.
fn lanes(rungs: &[Rung], known: &[Party]) -> Vec<Party> {
    let mut part: Vec<&str> = Vec::new();
    for rung in rungs {
        for name in [Some(rung.from.as_str()), rung.to.as_deref()] {
            match name {
                Some(name) if name != "*" && !part.contains(&name) => part.push(name),
                _ => {}
            }
        }
    }
    let mut lanes: Vec<Party> = known
        .iter()
        .filter(|party| part.contains(&party.name.as_str()))
        .cloned()
        .collect();
    for name in [PI, PPG] {
        if part.contains(&name) && lanes.iter().all(|lane| lane.name != name) {
            let at = lanes.iter().take_while(|lane| lane.name == PI).count();
            lanes.insert(at, Party::new(name));
        }
    }
    // The message centre stands between the gateway and the devices.
    if part.contains(&SMSC) && lanes.iter().all(|lane| lane.name != SMSC) {
        let own = lanes
            .iter()
            .take_while(|lane| [PI, PPG].contains(&lane.name.as_str()));
        let at = own.count();
        lanes.insert(at, Party::new(SMSC));
    }
    for name in part {
        if lanes.iter().all(|lane| lane.name != name) {
            lanes.push(Party::new(name));
        }
    }
    lanes
}

/// Lanes stand as far apart as the longest label or the longest word on an arrow between neighbours needs.
fn lane_width(rungs: &[Rung], parties: &[Party]) -> usize {
    let labels = parties
        .iter()
        .map(|party| party.label.chars().count().saturating_add(2));
    let words = rungs
        .iter()
        .filter(|rung| rung.to.is_some())
        .map(|rung| rung.word.chars().count().saturating_add(5));
    labels.chain(words).max().unwrap_or(0).clamp(LANE, LANE_MAX)
}

/// Columns from lane to lane, at least and at most.
const LANE: usize = 14;
const LANE_MAX: usize = 30;
/// Columns before the first lane: the time and a gap.
const MARGIN: usize = 10;

/// The characters of a drawing.
struct Pen {
    lane: char,
    mark: char,
    right: char,
    left: char,
    sip: char,
    http: char,
    wsp: char,
    sms: char,
}

const UNICODE: Pen = Pen {
    lane: '│',
    mark: '├',
    right: '▶',
    left: '◀',
    sip: '═',
    http: '─',
    wsp: '┄',
    sms: '~',
};

const ASCII: Pen = Pen {
    lane: '|',
    mark: '+',
    right: '>',
    left: '<',
    sip: '=',
    http: '-',
    wsp: '.',
    sms: '~',
};

impl Pen {
    fn of_line(&self, line: &str) -> char {
        match line {
            "sip" | "msrp" => self.sip,
            "wsp" => self.wsp,
            "sms" | "ussd" => self.sms,
            _ => self.http,
        }
    }
}

struct Drawing<'a> {
    start: Time,
    width: usize,
    parties: &'a [Party],
    pen: &'static Pen,
}

impl Drawing<'_> {
    fn column(&self, lane: usize) -> usize {
        MARGIN.saturating_add(lane.saturating_mul(self.width))
    }

    fn lane(&self, name: &str) -> Option<usize> {
        self.parties.iter().position(|party| party.name == name)
    }

    /// The labels above the lanes.
    fn head(&self) -> String {
        let mut row = Row::default();
        for (lane, party) in self.parties.iter().enumerate() {
            let label: Vec<char> = plain(&party.label)
                .take(self.width.saturating_sub(1))
                .collect();
            row.write(self.column(lane), label);
        }
        row.finish()
    }

    fn line(&self, rung: &Rung) -> String {
        let mut row = Row::default();
        let micros = rung.at.since(self.start).as_micros();
        // Tenths of a millisecond.
        let time = format!(
            "{:>7}",
            format!("{}.{:04}", micros / 1_000_000, micros / 100 % 10_000)
        );
        row.write(0, time.chars());
        for lane in 0..self.parties.len() {
            row.write(self.column(lane), [self.pen.lane]);
        }
        let Some(from) = self.lane(&rung.from) else {
            return row.finish();
        };
        // `*` is every device: the arrow ends on the last lane.
        let last = self.parties.len().saturating_sub(1);
        match rung.to.as_deref() {
            None => self.mark(&mut row, from, plain(&rung.word).collect()),
            Some(to) => {
                let to = self.lane(to).unwrap_or(last);
                self.arrow(&mut row, rung, from, to);
                let end = self.column(last).saturating_add(3);
                let line = format!("{:<4}  {}", rung.line, rung.note);
                row.write(end, plain(line.trim_end()));
            }
        }
        row.finish()
    }

    fn mark(&self, row: &mut Row, lane: usize, word: Vec<char>) {
        let at = self.column(lane);
        row.write(at, [self.pen.mark, ' '].into_iter().chain(word));
    }

    fn arrow(&self, row: &mut Row, rung: &Rung, from: usize, to: usize) {
        let fill = self.pen.of_line(&rung.line);
        if from == to {
            let word = [fill, fill].into_iter().chain(plain(&rung.word));
            self.mark(row, from, word.collect());
            return;
        }
        let (left, right) = (self.column(from.min(to)), self.column(from.max(to)));
        let (first, last) = (left.saturating_add(1), right.saturating_sub(1));
        row.write(first, (first..=last).map(|_| fill));
        let room = last.saturating_sub(first).saturating_sub(2);
        if from < to {
            row.write(first.saturating_add(1), plain(&rung.word).take(room));
            row.write(last, [self.pen.right]);
        } else {
            row.write(first.saturating_add(2), plain(&rung.word).take(room));
            row.write(first, [self.pen.left]);
        }
    }

    /// What the lines mean, those of the rarer bearers where there are any.
    fn foot(&self, rungs: &[Rung], folded: usize) -> String {
        let pen = self.pen;
        let mut foot = format!("lines: {} sip, msrp  {} http", pen.sip, pen.http);
        let has = |lines: &[&str]| rungs.iter().any(|rung| lines.contains(&rung.line.as_str()));
        if has(&["wsp"]) {
            let _ = write!(foot, "  {} wsp", pen.wsp);
        }
        if has(&["sms", "ussd"]) {
            let _ = write!(foot, "  {} sms, ussd", pen.sms);
        }
        if folded > 0 {
            let _ = write!(foot, "     {folded} folded (ACK, answers): --all");
        }
        foot.push('\n');
        foot
    }
}

/// One line of characters, written at columns.
#[derive(Default)]
struct Row(Vec<char>);

impl Row {
    fn write(&mut self, column: usize, text: impl IntoIterator<Item = char>) {
        for (at, c) in (column..).zip(text) {
            if self.0.len() <= at {
                self.0.resize(at.saturating_add(1), ' ');
            }
            if let Some(cell) = self.0.get_mut(at) {
                *cell = c;
            }
        }
    }

    fn finish(self) -> String {
        let mut line: String = self.0.into_iter().collect();
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// The characters of a text that take one column each; others would put the lanes out of line.
fn plain(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| {
        let wide = matches!(u32::from(c),
            0x300..=0x36f | 0x1100..=0x115f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2e80..=0xa4cf | 0xac00..=0xd7a3
            | 0xf900..=0xfaff | 0xfe00..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd | 0xe0000..=0xe0fff);
        if c.is_control() || wide { '?' } else { c }
    })
}

/// Mermaid reads `;` and `#` as its own.
fn mermaid_text(text: &str) -> String {
    plain(text)
        .map(|c| match c {
            ';' => ',',
            '#' => ' ',
            c => c,
        })
        .collect()
}

/// A field with its quotes doubled, quoted where it must be; a leading `=`, `+`, `-` or `@` would be a formula.
fn csv_field(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@']);
    if formula || field.contains([',', '"', '\r', '\n']) {
        let guard = if formula { "'" } else { "" };
        format!("\"{guard}{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests;
