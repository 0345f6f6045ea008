//! Numbers of mobile equipment: IMEI, IMEISV, MEID and ESN, their check digits and packed forms.
//!
//! Source: RFC 7254, RFC 8464; GSMA TS.06 for the check digits; ESN decimal form of TIA (3 + 8 digits).

use sha1::{Digest, Sha1};

use super::{Canonical, Read, Warning, bad};
use crate::codec::DecodeError;

/// Digits of type allocation code and serial number together.
const IMEI_DIGITS: usize = 14;

/// `TAC-SNR-S` with or without hyphens, 14 to 16 digits, and RFC 7254's parameters.
pub(super) fn read_imei(text: &str, base: usize) -> Result<Read, DecodeError> {
    let (number, parameters) = text
        .split_once(';')
        .map_or((text, None), |(number, rest)| (number, Some(rest)));
    let mut digits = [0_u8; 16];
    let mut count = 0_usize;
    for (at, octet) in number.bytes().enumerate() {
        match (octet, digits.get_mut(count)) {
            (b'-', _) => {}
            (b'0'..=b'9', Some(slot)) => {
                *slot = octet.wrapping_sub(b'0');
                count = count.saturating_add(1);
            }
            _ => return Err(bad(base.saturating_add(at), "14 to 16 decimal digits")),
        }
    }
    if count < IMEI_DIGITS {
        return Err(bad(
            base.saturating_add(number.len()),
            "14 to 16 decimal digits",
        ));
    }
    if let Some(parameters) = parameters {
        check_imei_parameters(
            parameters,
            base.saturating_add(number.len()).saturating_add(1),
        )?;
    }
    let value = digits.iter().take(IMEI_DIGITS).fold(0_u64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u64::from(*digit))
    });
    // Sixteen digits are an IMEISV: the last two are the software version and there is no check digit.
    let warning = match (count, digits.get(IMEI_DIGITS)) {
        (15, Some(&digit)) if digit != 0 => odd_check_digit(
            char::from(b'0'.saturating_add(digit)),
            imei_check_digit(value),
        ),
        _ => None,
    };
    Ok((Canonical::Imei(value), warning))
}

/// `svn` is two digits; everything else is for later versions (RFC 7254 section 4).
fn check_imei_parameters(text: &str, base: usize) -> Result<(), DecodeError> {
    let mut at = base;
    for parameter in text.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let two_digits = value.len() == 2 && value.bytes().all(|octet| octet.is_ascii_digit());
        if name.is_empty() || (name.eq_ignore_ascii_case("svn") && !two_digits) {
            return Err(bad(at, "svn with two digits, or another parameter"));
        }
        at = at.saturating_add(parameter.len()).saturating_add(1);
    }
    Ok(())
}

/// 14 hexadecimal digits (`8-6` or plain), a printed check digit, or the 18-digit decimal form.
pub(super) fn read_meid(text: &str, base: usize) -> Result<Read, DecodeError> {
    const EXPECTED: &str = "14 hexadecimal or 18 decimal digits of a MEID";
    if let Some(at) = text
        .bytes()
        .position(|octet| !octet.is_ascii_hexdigit() && octet != b'-')
    {
        return Err(bad(base.saturating_add(at), EXPECTED));
    }
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let end = base.saturating_add(text.len());
    let number = |from, to, radix| {
        digits
            .get(from..to)
            .and_then(|part| u64::from_str_radix(part, radix).ok())
    };
    let bits = match digits.len() {
        14 | 15 => number(0, 14, 16).ok_or_else(|| bad(end, EXPECTED))?,
        18 => {
            let high = number(0, 10, 10).filter(|value| *value <= u64::from(u32::MAX));
            let low = number(10, 18, 10).filter(|value| *value < 1 << 24);
            let (Some(high), Some(low)) = (high, low) else {
                return Err(bad(base, EXPECTED));
            };
            (high << 24) | low
        }
        _ => return Err(bad(end, EXPECTED)),
    };
    let warning = if digits.len() == 15 {
        digits
            .chars()
            .last()
            .and_then(|found| odd_check_digit(found.to_ascii_uppercase(), meid_check_digit(bits)))
    } else {
        None
    };
    Ok((Canonical::Meid(bits), warning))
}

/// Eight hexadecimal digits, or three and eight decimal ones: manufacturer and serial number.
pub(super) fn read_esn(text: &str, base: usize) -> Result<Canonical, DecodeError> {
    const EXPECTED: &str = "8 hexadecimal or 11 decimal digits of an ESN";
    let end = base.saturating_add(text.len());
    if let Some(at) = text.bytes().position(|octet| !octet.is_ascii_hexdigit()) {
        return Err(bad(base.saturating_add(at), EXPECTED));
    }
    let number = |from, to, radix| {
        text.get(from..to)
            .and_then(|part| u32::from_str_radix(part, radix).ok())
    };
    match text.len() {
        8 => number(0, 8, 16)
            .map(Canonical::Esn)
            .ok_or_else(|| bad(end, EXPECTED)),
        11 => {
            let manufacturer = number(0, 3, 10).filter(|value| *value <= 0xFF);
            let serial = number(3, 11, 10).filter(|value| *value < 1 << 24);
            match (manufacturer, serial) {
                (Some(manufacturer), Some(serial)) => {
                    Ok(Canonical::Esn((manufacturer << 24) | serial))
                }
                (None, _) => Err(bad(base, "a manufacturer code up to 255")),
                (_, None) => Err(bad(
                    base.saturating_add(3),
                    "a serial number up to 16777215",
                )),
            }
        }
        _ => Err(bad(end, EXPECTED)),
    }
}

fn odd_check_digit(found: char, expected: char) -> Option<Warning> {
    (found != expected).then_some(Warning::CheckDigit { found, expected })
}

/// Type allocation code and serial number of the 14 digits.
pub(super) const fn split_imei(digits: u64) -> (u64, u64) {
    (digits / 1_000_000, digits % 1_000_000)
}

/// Manufacturer code (32 bits) and serial number (24 bits) of a MEID.
pub(super) const fn split_meid(bits: u64) -> (u64, u64) {
    (bits >> 24, bits & 0xFF_FFFF)
}

/// The Luhn digit printed after the 14 digits of an IMEI.
#[must_use]
pub fn imei_check_digit(digits: u64) -> char {
    luhn(digits, 10)
}

/// The check digit printed after the 14 hexadecimal digits of a MEID: Luhn in base 16.
#[must_use]
pub fn meid_check_digit(bits: u64) -> char {
    // A MEID of decimal digits only is read as an IMEI and checked in base 10.
    let decimal = (0..IMEI_DIGITS).try_fold((0_u64, 1_u64), |(sum, weight), at| {
        let digit = (bits >> at.saturating_mul(4)) & 0xF;
        (digit < 10).then(|| {
            (
                sum.saturating_add(digit.saturating_mul(weight)),
                weight.saturating_mul(10),
            )
        })
    });
    match decimal {
        Some((digits, _)) => luhn(digits, 10),
        None => luhn(bits, 16),
    }
}

/// Luhn's digit for 14 digits in that base: from the last one, every second digit counts double.
fn luhn(digits: u64, base: u64) -> char {
    let (mut rest, mut sum) = (digits, 0_u64);
    for at in 0..IMEI_DIGITS {
        let digit = rest.checked_rem(base).unwrap_or(0);
        rest = rest.checked_div(base).unwrap_or(0);
        let product = if at % 2 == 0 {
            digit.saturating_mul(2)
        } else {
            digit
        };
        let carried = product.checked_div(base).unwrap_or(0);
        let kept = product.checked_rem(base).unwrap_or(0);
        sum = sum.saturating_add(carried).saturating_add(kept);
    }
    let missing = base.saturating_sub(sum.checked_rem(base).unwrap_or(0));
    let digit = missing.checked_rem(base).unwrap_or(0);
    u32::try_from(digit)
        .ok()
        .and_then(|digit| char::from_digit(digit, 16))
        .map_or('0', |digit| digit.to_ascii_uppercase())
}

/// The packed form of the network's protocols: 14 digits and the spare 0 in eight octets, first digit in the low half.
#[must_use]
pub fn imei_bcd(digits: u64) -> [u8; 8] {
    let mut octets = [0_u8; 8];
    let text = format!("{digits:014}");
    for (at, digit) in text.bytes().take(IMEI_DIGITS).enumerate() {
        if let Some(octet) = octets.get_mut(at / 2) {
            let half = digit.wrapping_sub(b'0') & 0x0F;
            *octet |= if at % 2 == 0 { half } else { half << 4 };
        }
    }
    // Fifteen digits: the upper half of the last octet is filler.
    if let Some(last) = octets.last_mut() {
        *last = 0xF0;
    }
    octets
}

/// Digits of a packed number up to the first filler; `None` when a half octet is neither digit nor filler.
#[must_use]
pub fn digits_of_bcd(octets: &[u8]) -> Option<String> {
    let mut digits = String::with_capacity(octets.len().saturating_mul(2));
    for half in octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]) {
        match half {
            0..=9 => digits.push(char::from(b'0'.saturating_add(half))),
            0xF => break,
            _ => return None,
        }
    }
    Some(digits)
}

/// The eleven-digit form of an ESN.
#[must_use]
pub fn esn_decimal(bits: u32) -> String {
    format!("{:03}{:08}", bits >> 24, bits & 0xFF_FFFF)
}

/// The pseudo ESN of a MEID: 80 and the last 24 bits of SHA-1 over its seven octets.
#[must_use]
pub fn pseudo_esn(meid: u64) -> u32 {
    let octets = meid.to_be_bytes();
    let digest = Sha1::digest(octets.get(1..).unwrap_or_default());
    let tail = digest
        .iter()
        .rev()
        .take(3)
        .rev()
        .fold(0_u32, |sum, octet| (sum << 8) | u32::from(*octet));
    0x8000_0000 | tail
}
