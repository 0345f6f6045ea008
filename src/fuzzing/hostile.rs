//! Inputs of 64 KiB that grow every list, nest every element, repeat every field, and look like nothing: what bounds on
//! memory and time are measured with.

use super::seeds;
use crate::codec::Span;
use crate::codec::cursor::put_uintvar;
use crate::codec::format::Format;
use crate::random::Random;

/// Octets of such an input.
pub const OCTETS: usize = 65_536;

/// Octets that fill the whole input.
const FILLS: &[u8] = &[0x00, 0x01, 0x20, 0x3C, 0x45, 0x7F, 0x80, 0xB2, 0xFF];
/// Text that fills the middle of a message.
const TEXTS: &[&str] = &[
    "<a>",
    "<a/>",
    "<!--",
    "<![CDATA[",
    "&amp;",
    " a=\"\"",
    "\"",
    "a,",
    ";a=b",
    "\r\n ",
    "\r\n",
    "a:b\r\n",
    "%41",
    "--b1\r\n\r\n",
];
/// Inputs of random octets.
const RANDOM: u64 = 4;

/// An input and what it is.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What it is, for whoever reads that it costs too much.
    pub what: String,
    /// Its octets, at most [`OCTETS`].
    pub octets: Vec<u8>,
}

/// Inputs for the format: `messages` of its vectors are grown at `fields` of their fields.
#[must_use]
pub fn hostile(format: &Format, messages: usize, fields: usize) -> Vec<Hostile> {
    let mut inputs = shapeless();
    let own = seeds()
        .iter()
        .filter(|seed| seed.format.name == format.name);
    for (number, seed) in own.take(messages).enumerate() {
        let spans = (format.spans)(&seed.octets, true);
        let step = spans.len().div_ceil(fields.max(1)).max(1);
        for (at, span) in spans.iter().enumerate().step_by(step) {
            for told in [false, true] {
                let octets = repeated(&seed.octets, &spans, at, told);
                let what = format!("message {number} with many {:?}", span.path);
                inputs.push(Hostile { what, octets });
            }
        }
        for text in TEXTS {
            let what = format!("message {number} with many {text:?}");
            let octets = filled(&seed.octets, text.as_bytes());
            inputs.push(Hostile { what, octets });
        }
    }
    inputs.retain(|input| input.octets.len() <= OCTETS);
    inputs
}

/// Octets of no format: one over and over, and random ones.
#[must_use]
pub fn shapeless() -> Vec<Hostile> {
    let fills = FILLS.iter().map(|octet| Hostile {
        what: format!("octets {octet:02x}"),
        octets: vec![*octet; OCTETS],
    });
    let random = (0..RANDOM).map(|number| {
        let mut random = Random::from_number(number);
        Hostile {
            what: format!("random octets {number}"),
            octets: (0..OCTETS / 64)
                .flat_map(|_| random.octets::<64>())
                .collect(),
        }
    });
    fills.chain(random).collect()
}

/// The message with the text in its middle, so often that it fills the input.
fn filled(octets: &[u8], text: &[u8]) -> Vec<u8> {
    let (head, tail) = octets.split_at(octets.len() / 2);
    let copies = text.repeat(OCTETS.saturating_sub(octets.len()) / text.len().max(1));
    [head, &copies, tail].concat()
}

/// The message with the field so often that it fills the input; the length of the list around it may be told anew.
fn repeated(octets: &[u8], spans: &[Span], at: usize, told: bool) -> Vec<u8> {
    let Some(span) = spans.get(at) else {
        return octets.to_vec();
    };
    let (head, tail) = octets.split_at(span.at.min(octets.len()));
    let field = tail.get(..span.len).unwrap_or_default();
    let room = OCTETS.saturating_sub(octets.len() + 8);
    let copies = field.repeat(room / field.len().max(1));
    let front = spans.get(..at).unwrap_or_default();
    let list = front
        .iter()
        .rev()
        .find(|list| told && list.len <= 5 && list.value.ends_with(" octets"));
    let Some(list) = list else {
        return [head, &copies, tail].concat();
    };
    let own = list.value.split_whitespace().next();
    let own: usize = own.and_then(|number| number.parse().ok()).unwrap_or(0);
    let mut length = Vec::new();
    put_uintvar(
        &mut length,
        u32::try_from(own + copies.len()).unwrap_or(u32::MAX),
    );
    let before = head.get(..list.at).unwrap_or_default();
    let between = head.get(list.at + list.len..).unwrap_or_default();
    [before, &length, between, &copies, tail].concat()
}
