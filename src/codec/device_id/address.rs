//! Addresses as identifiers: SIP URIs and GRUUs, telephone numbers, web addresses.
//!
//! Source: RFC 3261 section 19.1.4, RFC 5627, RFC 3966 section 4, RFC 3986 section 6.2.2.

use core::fmt;

use super::{Canonical, bad, fault, urn};
use crate::codec::uri::Uri;
use crate::codec::{Class, DecodeError};

/// Parameters that make a difference even when they stand in one URI only.
const DECISIVE: [&str; 8] = [
    "user",
    "ttl",
    "method",
    "maddr",
    "transport",
    "pn-provider",
    "pn-param",
    "pn-prid",
];

pub(super) fn read_sip(text: &str) -> Result<Canonical, DecodeError> {
    let uri = sip_uri(text)?;
    let scheme = text.split(':').next().unwrap_or_default();
    let mut out = scheme.to_ascii_lowercase();
    out.push(':');
    if let Some(user) = uri.user() {
        push_user(&mut out, &uri, user);
    }
    out.push_str(&uri.host().to_ascii_lowercase());
    if let Some(port) = uri.port() {
        out.push(':');
        out.push_str(&port.to_string());
    }
    let mut decisive: Vec<String> = uri
        .params()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| DECISIVE.contains(&name.as_str()))
        .map(|(name, value)| match value {
            Some(value) => format!(";{name}={}", unescaped(value).to_ascii_lowercase()),
            None => format!(";{name}"),
        })
        .collect();
    decisive.sort_unstable();
    out.extend(decisive);
    if let Some(headers) = uri.headers() {
        let mut headers: Vec<&str> = headers.split('&').collect();
        headers.sort_unstable();
        out.push('?');
        out.push_str(&headers.join("&"));
    }
    Ok(match uri.gr() {
        None => Canonical::Sip(out),
        Some(None) => Canonical::TemporaryGruu(out),
        Some(Some(gr)) => Canonical::PublicGruu {
            aor: out,
            gr: canonical_gr(&unescaped(gr)),
        },
    })
}

/// The address with `gr` among its parameters, which come before `?`.
pub(super) fn write_gruu(f: &mut fmt::Formatter<'_>, aor: &str, gr: Option<&str>) -> fmt::Result {
    // A user part may hold a question mark of its own.
    let host = aor.find('@').unwrap_or(0);
    let end = aor
        .get(host..)
        .and_then(|rest| rest.find('?'))
        .map_or(aor.len(), |at| host.saturating_add(at));
    let (head, headers) = aor.split_at_checked(end).unwrap_or((aor, ""));
    match gr {
        Some(gr) => write!(f, "{head};gr={gr}{headers}"),
        None => write!(f, "{head};gr{headers}"),
    }
}

/// User and password; a telephone number loses its visual separators.
fn push_user(out: &mut String, uri: &Uri<'_>, user: &str) {
    let is_phone = uri
        .param("user")
        .flatten()
        .is_some_and(|value| value.eq_ignore_ascii_case("phone"));
    let user = unescaped(user);
    out.extend(
        user.chars()
            .filter(|c| !is_phone || !is_visual_separator(*c)),
    );
    if let Some(password) = uri.password() {
        out.push(':');
        out.push_str(&unescaped(password));
    }
    out.push('@');
}

/// A SIP URI in which each parameter stands once.
fn sip_uri(text: &str) -> Result<Uri<'_>, DecodeError> {
    let uri = Uri::decode(text.as_bytes()).map_err(|fault| DecodeError {
        format: "device-id",
        ..fault
    })?;
    for (number, (name, _)) in uri.params().enumerate() {
        let repeated = uri
            .params()
            .take(number)
            .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name));
        if repeated {
            let at = name.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            return Err(fault(Class::Repeated, at, "each parameter once"));
        }
    }
    Ok(uri)
}

/// A `gr` value that is a URN compares as one; any other as URI parameters do, without regard to case.
fn canonical_gr(gr: &str) -> String {
    let is_urn = gr
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
    if is_urn && let Ok((canonical, _)) = urn::read(gr) {
        return canonical.to_string();
    }
    gr.to_ascii_lowercase()
}

/// Of two SIP URIs: every parameter that stands in both has the same value in both.
pub(super) fn further_parameters_agree(canonical: &Canonical, one: &str, other: &str) -> bool {
    let is_sip = matches!(
        canonical,
        Canonical::Sip(_) | Canonical::PublicGruu { .. } | Canonical::TemporaryGruu(_)
    );
    if !is_sip {
        return true;
    }
    let (Ok(one), Ok(other)) = (sip_uri(one), sip_uri(other)) else {
        return false;
    };
    let text = |value: Option<&str>| value.map(|value| unescaped(value).to_ascii_lowercase());
    one.params()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("gr"))
        .all(|(name, value)| match other.param(name) {
            Some(theirs) => text(value) == text(theirs),
            None => true,
        })
}

/// A number: global with `+`, or local; case and visual separators do not count.
pub(super) fn read_tel(text: &str) -> Result<Canonical, DecodeError> {
    let rest = text.get(4..).unwrap_or_default();
    let (number, parameters) = rest
        .split_once(';')
        .map_or((rest, None), |(number, rest)| (number, Some(rest)));
    let mut out = String::from("tel:");
    for (at, c) in number.chars().enumerate() {
        match c {
            '+' if at == 0 => out.push(c),
            c if is_visual_separator(c) => {}
            c if c.is_ascii_digit() => out.push(c),
            // A local number is in hexadecimal digits, star and hash (RFC 3966 section 3).
            c if !number.starts_with('+') && (c.is_ascii_hexdigit() || matches!(c, '*' | '#')) => {
                out.push(c.to_ascii_lowercase());
            }
            _ => {
                return Err(bad(at.saturating_add(4), "a digit or a visual separator"));
            }
        }
    }
    if !out.contains(|c: char| c.is_ascii_hexdigit() || matches!(c, '*' | '#'))
        || out
            .trim_start_matches("tel:")
            .trim_start_matches('+')
            .is_empty()
    {
        return Err(bad(4, "a telephone number"));
    }
    let mut sorted: Vec<String> = parameters
        .into_iter()
        .flat_map(|text| text.split(';'))
        .map(tel_parameter)
        .collect();
    if sorted.iter().any(|parameter| parameter.len() < 2) {
        return Err(bad(
            number.len().saturating_add(5),
            "the name of a parameter",
        ));
    }
    sorted.sort_unstable();
    out.extend(sorted);
    Ok(Canonical::Tel(out))
}

/// `;name=value` in lower case; a number inside loses its visual separators.
fn tel_parameter(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    match lower.split_once('=') {
        Some((name @ ("ext" | "phone-context"), value))
            if name == "ext" || value.starts_with('+') =>
        {
            let digits: String = value.chars().filter(|c| !is_visual_separator(*c)).collect();
            format!(";{name}={digits}")
        }
        _ => format!(";{lower}"),
    }
}

/// Scheme and host in lower case, no default port, escapes in upper case; the path counts as it stands.
pub(super) fn read_http(text: &str) -> Result<Canonical, DecodeError> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| bad(0, "// after the scheme"))?;
    let scheme = scheme.to_ascii_lowercase();
    let at_host = scheme.len().saturating_add(3);
    check_escapes(text)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest
        .split_at_checked(end)
        .ok_or_else(|| bad(at_host, "a host"))?;
    let (userinfo, host) = authority
        .rsplit_once('@')
        .map_or(("", authority), |(user, host)| (user, host));
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default).unwrap_or(host);
    if host.is_empty() {
        return Err(bad(at_host, "a host"));
    }
    let mut out = format!("{scheme}://");
    if !userinfo.is_empty() {
        out.push_str(userinfo);
        out.push('@');
    }
    out.push_str(&host.to_ascii_lowercase());
    if path.is_empty() {
        out.push('/');
    } else {
        out.push_str(&unescaped(path));
    }
    Ok(Canonical::Uri(out))
}

/// Escapes of unreserved characters undone, the digits of the others in upper case.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(head);
        let octet = tail
            .get(1..3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match octet {
            Some(octet) if octet.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&octet) => {
                out.push(char::from(octet));
            }
            Some(octet) => {
                out.push('%');
                for half in [octet >> 4, octet & 0x0F] {
                    out.extend(
                        char::from_digit(u32::from(half), 16)
                            .map(|digit| digit.to_ascii_uppercase()),
                    );
                }
            }
            None => out.push_str(tail.get(..3).unwrap_or(tail)),
        }
        rest = tail.get(3..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn check_escapes(text: &str) -> Result<(), DecodeError> {
    for (at, _) in text.match_indices('%') {
        let is_escape = text
            .get(at.saturating_add(1)..at.saturating_add(3))
            .is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()));
        if !is_escape {
            return Err(bad(at, "two hexadecimal digits after %"));
        }
    }
    Ok(())
}

const fn is_visual_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}
