//! Deliberate damage: valid octets in, octets that are wrong in one named way out.
//!
//! The codecs never write what is invalid; this edits what they wrote, at the places that their own spans name, so that
//! every format has the same mutations. Chance is an argument, so a seed gives the same damage again.

use super::Span;
use super::format::Format;

/// One way to be wrong.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// Its name at the command line.
    pub name: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    damage: Damage,
}

/// What a mutation does to a field.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A length or count that says so much more or less.
    Length(i64),
    /// A length or count beyond every bound.
    Huge,
    /// A number with a leading zero.
    Overlong,
    /// The last octet of a text goes.
    Unterminated,
    /// Another code page begins in front.
    CodePage,
    /// The field stands twice.
    Duplicate,
    /// The field stands twice and says two things.
    Contradict,
    /// The field goes.
    Drop,
    /// The field and the next change places.
    Swap,
    /// Every octet is this one.
    Set(u8),
    /// The text is no UTF-8.
    Charset,
    /// Nothing follows after some octet.
    Truncate,
    /// One bit changes.
    Flip,
}

/// Every mutation, by name.
pub const MUTATIONS: &[Mutation] = &[
    mutation(
        "length+1",
        "a length or count says one more",
        Damage::Length(1),
    ),
    mutation(
        "length-1",
        "a length or count says one less",
        Damage::Length(-1),
    ),
    mutation(
        "huge-length",
        "a length or count beyond every bound",
        Damage::Huge,
    ),
    mutation(
        "overlong-uintvar",
        "a number with a leading zero",
        Damage::Overlong,
    ),
    mutation(
        "unterminated",
        "the end of a text is missing",
        Damage::Unterminated,
    ),
    mutation(
        "code-page",
        "another code page in front of a field",
        Damage::CodePage,
    ),
    mutation(
        "duplicate",
        "an identifier or field twice",
        Damage::Duplicate,
    ),
    mutation(
        "contradict",
        "a field twice, with two values",
        Damage::Contradict,
    ),
    mutation("drop", "a field is missing", Damage::Drop),
    mutation(
        "swap",
        "a field and the next in the wrong order",
        Damage::Swap,
    ),
    mutation("zeros", "a field of nothing but zeros", Damage::Set(0x00)),
    mutation("ones", "a field of nothing but ones", Damage::Set(0xFF)),
    mutation("charset", "a text that is no UTF-8", Damage::Charset),
    mutation("truncate", "nothing after some octet", Damage::Truncate),
    mutation("flip", "one bit is another", Damage::Flip),
];

/// Octets that were damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupted {
    /// The octets.
    pub octets: Vec<u8>,
    /// Where the damage begins.
    pub at: usize,
    /// The field that was damaged; empty when the octets have no fields.
    pub path: String,
}

/// Where the damage is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Anywhere that suits the mutation.
    Any,
    /// At this octet.
    Octet(usize),
    /// In the field of this path.
    Field(&'a str),
}

/// The mutation of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Mutation> {
    MUTATIONS.iter().find(|mutation| mutation.name == name)
}

impl Mutation {
    /// Damages the octets; `chance(n)` gives a number below `n`. `None` when no field there suits the mutation, or
    /// nothing would change.
    #[must_use]
    pub fn apply(
        &self,
        format: &Format,
        octets: &[u8],
        place: Place<'_>,
        chance: &mut dyn FnMut(u32) -> u32,
    ) -> Option<Corrupted> {
        let spans = (format.spans)(octets, true);
        if matches!(self.damage, Damage::Truncate | Damage::Flip) {
            let (at, path) = octet_of(octets, &spans, place, chance)?;
            let mut damaged = octets.to_vec();
            if matches!(self.damage, Damage::Flip) {
                let bit = 1_u8.checked_shl(chance(8)).unwrap_or(1);
                *damaged.get_mut(at)? ^= bit;
            } else {
                damaged.truncate(at);
            }
            return Some(Corrupted {
                octets: damaged,
                at,
                path,
            });
        }
        let suited: Vec<usize> = (0..spans.len())
            .filter(|number| self.suits(octets, &spans, *number))
            .filter(|number| spans.get(*number).is_some_and(|span| stands(span, place)))
            .collect();
        let span = spans.get(*pick(&suited, chance)?)?;
        let own = octets.get(span.at..span.at.checked_add(span.len)?)?;
        let rest_at = span.at.checked_add(span.len)?;
        let rest = octets.get(rest_at..)?;
        let (field, rest) = self.damaged(own, rest, &spans, span, chance)?;
        let mut damaged = octets.get(..span.at)?.to_vec();
        damaged.extend(field);
        damaged.extend(rest);
        (damaged != octets).then(|| Corrupted {
            octets: damaged,
            at: span.at,
            path: span.path.clone(),
        })
    }

    fn suits(&self, octets: &[u8], spans: &[Span], number: usize) -> bool {
        let Some(span) = spans.get(number) else {
            return false;
        };
        let own = octets
            .get(span.at..span.at.saturating_add(span.len))
            .unwrap_or_default();
        match self.damage {
            Damage::Length(_) | Damage::Huge => is_length(span, own),
            Damage::Overlong => is_length(span, own) && !is_text(own),
            Damage::Unterminated => {
                own.len() > 1 && (own.last() == Some(&0) || own.ends_with(b"\r\n"))
            }
            Damage::Charset => own.len() > 1 && own.first().is_some_and(u8::is_ascii_graphic),
            Damage::CodePage => number > 0,
            Damage::Swap => spans
                .get(number.saturating_add(1))
                .is_some_and(|next| next.len > 0 && span.len > 0),
            Damage::Set(octet) => own.iter().any(|own| *own != octet),
            _ => !own.is_empty(),
        }
    }

    /// The field as it will be, and what follows it.
    fn damaged(
        &self,
        own: &[u8],
        rest: &[u8],
        spans: &[Span],
        span: &Span,
        chance: &mut dyn FnMut(u32) -> u32,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut field = own.to_vec();
        let mut after = rest.to_vec();
        match self.damage {
            Damage::Length(more) => field = changed(own, more)?,
            Damage::Huge => {
                field = if is_text(own) {
                    with_number(own, "4294967296")?
                } else if own.len() > 1 && own.first().is_some_and(|octet| *octet < 0x80) {
                    vec![0xFF; own.len()]
                } else {
                    vec![0x8F, 0xFF, 0xFF, 0xFF, 0x7F]
                };
            }
            Damage::Overlong => field.insert(0, 0x80),
            Damage::Unterminated => field.truncate(match own {
                [.., b'\r', b'\n'] => own.len().checked_sub(2)?,
                _ => own.len().checked_sub(1)?,
            }),
            // SWITCH_PAGE of WBXML; a shift of WSP headers has another octet in front.
            Damage::CodePage => {
                let switch = if span.path.starts_with("wsp") {
                    0x7F
                } else {
                    0x00
                };
                let page = u8::try_from(chance(250)).unwrap_or(2).max(2);
                field = [&[switch, page], own].concat();
            }
            Damage::Duplicate => field.extend_from_slice(own),
            Damage::Contradict => {
                let at = own.iter().rposition(u8::is_ascii_alphanumeric);
                let at = at.unwrap_or_else(|| own.len().saturating_sub(1));
                field.extend_from_slice(own);
                let second = own.len().checked_add(at)?;
                *field.get_mut(second)? ^= 1;
            }
            Damage::Drop => field.clear(),
            Damage::Swap => {
                let next_at = span.at.checked_add(span.len)?;
                let next = spans
                    .iter()
                    .find(|next| next.at == next_at && next.len > 0)?;
                let (moved, left) = rest.split_at_checked(next.len)?;
                field = [moved, own].concat();
                after = left.to_vec();
            }
            Damage::Set(octet) => field.fill(octet),
            Damage::Charset => {
                let middle = own.len() / 2;
                *field.get_mut(middle)? = 0xFE;
            }
            Damage::Truncate | Damage::Flip => return None,
        }
        Some((field, after))
    }
}

fn octet_of(
    octets: &[u8],
    spans: &[Span],
    place: Place<'_>,
    chance: &mut dyn FnMut(u32) -> u32,
) -> Option<(usize, String)> {
    let at = match place {
        Place::Octet(at) => at,
        Place::Any => index(octets.len(), chance)?,
        Place::Field(_) => {
            let span = spans.iter().find(|span| stands(span, place))?;
            span.at.checked_add(index(span.len, chance)?)?
        }
    };
    octets.get(at)?;
    let covers = |span: &&Span| span.at <= at && at < span.at.saturating_add(span.len);
    let path = spans.iter().find(covers).map(|span| span.path.clone());
    Some((at, path.unwrap_or_default()))
}

fn stands(span: &Span, place: Place<'_>) -> bool {
    match place {
        Place::Any => true,
        Place::Octet(at) => span.at <= at && at < span.at.saturating_add(span.len),
        // The format's own name in front may be left out.
        Place::Field(path) => {
            let short = span.path.split_once('.').map(|(_, short)| short);
            span.path.eq_ignore_ascii_case(path)
                || short.is_some_and(|short| short.eq_ignore_ascii_case(path))
        }
    }
}

fn index(len: usize, chance: &mut dyn FnMut(u32) -> u32) -> Option<usize> {
    let below = u32::try_from(len).unwrap_or(u32::MAX);
    if below == 0 {
        return None;
    }
    usize::try_from(chance(below)).ok()
}

fn pick<'a, T>(list: &'a [T], chance: &mut dyn FnMut(u32) -> u32) -> Option<&'a T> {
    list.get(index(list.len(), chance)?)
}

/// Whether a field says how much follows: by its name, or by its value in octets.
fn is_length(span: &Span, own: &[u8]) -> bool {
    let name = span.path.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let says = ["length", "count", "total", "octets"]
        .iter()
        .any(|word| name.contains(word))
        || matches!(name.as_str(), "udl" | "udhl" | "len" | "byte-range");
    let is_short = (1..=5).contains(&own.len());
    let is_list = matches!(name.as_str(), "protocols" | "cpi_tags");
    (says && (is_short || is_text(own)))
        || (is_short && (is_list || span.value.ends_with(" octets")))
}

fn is_text(octets: &[u8]) -> bool {
    octets.len() > 5
        && octets
            .iter()
            .all(|octet| matches!(octet, b'\t' | b'\r' | b'\n' | 0x20..=0x7E))
}

/// The number in a field, changed in its own spelling: decimal, uintvar or big-endian.
fn changed(own: &[u8], more: i64) -> Option<Vec<u8>> {
    if is_text(own) {
        let text = core::str::from_utf8(own).ok()?;
        let from = text.rfind(|c: char| c.is_ascii_digit())?;
        let begin = text
            .get(..from)?
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at.saturating_add(1));
        let number: i64 = text.get(begin..=from)?.parse().ok()?;
        let number = number.checked_add(more).filter(|number| *number >= 0)?;
        return with_number(own, &number.to_string());
    }
    let last = own.last()?;
    let more = i8::try_from(more).ok()?;
    let changed = last.wrapping_add_signed(more);
    // The top bit of a uintvar says that more octets follow.
    let is_kept = (changed & 0x80) == (last & 0x80);
    let mut field = own.to_vec();
    *field.last_mut()? = changed;
    is_kept.then_some(field)
}

/// A text whose last number is this one.
fn with_number(own: &[u8], number: &str) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(own).ok()?;
    let last = text.rfind(|c: char| c.is_ascii_digit())?;
    let begin = text
        .get(..last)?
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at.saturating_add(1));
    let tail = text.get(last.saturating_add(1)..)?;
    Some(format!("{}{number}{tail}", text.get(..begin)?).into_bytes())
}

const fn mutation(name: &'static str, what: &'static str, damage: Damage) -> Mutation {
    Mutation { name, what, damage }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{FORMATS, hex};

    const FULL: &str = "0102b2820008c40b0fc3c000020901010001deadbeef";
    const OPTIONS: &[u8] = b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKo\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 9\r\n\r\nnine octe";

    fn damage(name: &str, kind: &str, octets: &[u8], place: Place<'_>) -> Option<Corrupted> {
        let format = FORMATS.iter().find(|format| format.name == kind).unwrap();
        named(name)
            .unwrap()
            .apply(format, octets, place, &mut |_| 0)
    }

    fn sia(name: &str, place: Place<'_>) -> String {
        let octets = hex::octets(FULL).unwrap();
        damage(name, "sia", &octets, place).map_or_else(String::new, |it| hex::digits(&it.octets))
    }

    #[test]
    fn lengths_say_more_less_and_too_much() {
        assert!(sia("length+1", Place::Any).starts_with("0103b282"));
        assert!(sia("length-1", Place::Field("contacts")).starts_with("0102b2820007c4"));
        assert!(sia("huge-length", Place::Any).starts_with("018fffffff7fb282"));
        assert!(sia("overlong-uintvar", Place::Any).starts_with("018002b282"));
        let text = damage("length+1", "sip", OPTIONS, Place::Any).unwrap();
        assert!(
            String::from_utf8(text.octets)
                .unwrap()
                .contains("Length: 10\r\n\r\n")
        );
        assert_eq!(text.path, "sip.Content-Length");
    }

    #[test]
    fn fields_are_doubled_dropped_and_changed_at_their_place() {
        let app = Place::Field("sia.app_ids[0]");
        assert!(sia("duplicate", app).starts_with("0102b282b28200"));
        assert!(sia("contradict", app).starts_with("0102b282b283"));
        assert!(sia("drop", app).starts_with("010200"));
        assert!(sia("swap", Place::Octet(0)).starts_with("0201b282"));
        assert!(sia("zeros", app).starts_with("0102000000"));
        assert!(sia("truncate", Place::Octet(3)) == "0102b2");
        assert!(sia("flip", Place::Octet(0)).starts_with("0002"));
        assert_eq!(sia("drop", Place::Field("no_such")), "");
    }

    #[test]
    fn rows_of_texts_are_damaged_as_well() {
        let row = damage("unterminated", "sip", OPTIONS, Place::Field("sip.To")).unwrap();
        assert!(
            String::from_utf8(row.octets)
                .unwrap()
                .contains("example.com>Call-ID")
        );
        let odd = damage("charset", "sip", OPTIONS, Place::Field("To")).unwrap();
        assert!(core::str::from_utf8(&odd.octets).is_err());
    }

    #[test]
    fn every_mutation_has_its_own_name_and_never_gives_the_same_octets() {
        let octets = hex::octets(FULL).unwrap();
        for mutation in MUTATIONS {
            assert_eq!(named(mutation.name).map(|it| it.what), Some(mutation.what));
            if let Some(damaged) = damage(mutation.name, "sia", &octets, Place::Any) {
                assert_ne!(damaged.octets, octets, "{}", mutation.name);
            }
        }
    }
}
