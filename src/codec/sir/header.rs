//! The header placement: `X-Sirgate-Device`, `-Ask`, `-App`, and the headers every SIR has.
//!
//! Source: profile, headers of E.1; the names are legal as push headers too (WAP-251 section on extensions).

use super::{
    App, Ask, Class, DecodeError, DeviceId, Placed, SIA_APPLICATION, Sir, fault, one_line, one_uri,
};
use crate::codec::mime;

/// Names of the headers.
const SIR: &str = "X-Sirgate-Sir";
const DEVICE: &str = "X-Sirgate-Device";
const ASK: &str = "X-Sirgate-Ask";
const APP: &str = "X-Sirgate-App";
const APPLICATION: &str = "X-Wap-Application-Id";

/// Octets of the longest correlator.
const ID_OCTETS_MAX: usize = 32;

pub(super) fn write(sir: &Sir) -> Vec<(&'static str, String)> {
    let mut headers = Vec::with_capacity(6);
    if let Some(id) = &sir.id {
        let id: String = id
            .chars()
            .filter(|c| is_id_char(*c))
            .take(ID_OCTETS_MAX)
            .collect();
        headers.push((SIR, id));
    }
    let Placed { devices, ask, apps } = &sir.header;
    if !devices.is_empty() {
        headers.push((DEVICE, write_devices(devices, sir.targeted)));
    }
    headers.extend(write_questions(ask.unwrap_or_default(), apps));
    headers.push((APPLICATION, one_line(&sir.application)));
    headers
}

/// The questions and applications as headers, as content carries them that needs no SIR: its device has a session.
#[must_use]
pub fn write_questions(ask: Ask, apps: &[App]) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if !ask.is_empty() {
        headers.push((ASK, ask.to_string()));
    }
    if !apps.is_empty() {
        headers.push((APP, write_apps(apps)));
    }
    headers
}

/// Reads what [`write_questions`] wrote; an application that is written wrongly is passed over.
#[must_use]
pub fn read_questions<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> (Ask, Vec<App>) {
    let mut sir = Sir::new("", "");
    let mut ask = Ask::NONE;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case(ASK) {
            ask = ask | Ask::of_list(value, ',').unwrap_or_default();
        } else if name.eq_ignore_ascii_case(APP) {
            // What was read before the fault stays.
            let _ = read_apps(&mut sir, value);
        }
    }
    (ask, sir.header.apps)
}

pub(super) fn read<'a>(
    sir: &mut Sir,
    header: &dyn Fn(&str) -> Vec<&'a str>,
    base_of: &dyn Fn(&[u8]) -> usize,
) -> Result<(), DecodeError> {
    if let Some(id) = header(SIR).first() {
        sir.id = Some(read_id(id).map_err(|fault| fault.within(base_of(id.as_bytes())))?);
    }
    if let Some(application) = header(APPLICATION).first() {
        sir.application = application.trim().to_owned();
    }
    if sir.application.is_empty() {
        sir.application = SIA_APPLICATION.to_owned();
    }
    for row in header(DEVICE) {
        read_devices(sir, row).map_err(|fault| fault.within(base_of(row.as_bytes())))?;
    }
    sir.header.ask = header(ASK)
        .iter()
        .filter_map(|row| Ask::of_list(row, ','))
        .reduce(|all, ask| all | ask);
    for row in header(APP) {
        read_apps(sir, row).map_err(|fault| fault.within(base_of(row.as_bytes())))?;
    }
    Ok(())
}

fn read_devices(sir: &mut Sir, row: &str) -> Result<(), DecodeError> {
    for element in elements(row) {
        let (uri, parameters) = bracketed(row, element)?;
        sir.targeted |= parameters
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("target"));
        let device = DeviceId::decode(uri).map_err(|fault| fault.within(offset(row, uri)))?;
        sir.header.devices.push(device);
    }
    Ok(())
}

fn read_apps(sir: &mut Sir, row: &str) -> Result<(), DecodeError> {
    for element in elements(row) {
        let (uri, parameters) = bracketed(row, element)?;
        let name = parameters
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("name"))
            .map(|(_, value)| value);
        let app =
            App::decode(uri, name.as_deref()).map_err(|fault| fault.within(offset(row, uri)))?;
        sir.header.apps.push(app);
    }
    Ok(())
}

/// The correlator of a SIR, checked.
pub(super) fn read_id(text: &str) -> Result<String, DecodeError> {
    let id = text.trim();
    if (1..=ID_OCTETS_MAX).contains(&id.len()) && id.chars().all(is_id_char) {
        Ok(id.to_owned())
    } else {
        Err(fault(
            Class::BadValue,
            0,
            "1 to 32 letters, digits and hyphens",
        ))
    }
}

fn write_devices(devices: &[DeviceId], targeted: bool) -> String {
    let mark = if targeted { ";target" } else { "" };
    let mut out = String::with_capacity(devices.len().saturating_mul(52));
    for device in devices {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push('<');
        out.push_str(device.as_str());
        out.push('>');
        out.push_str(mark);
    }
    out
}

fn write_apps(apps: &[App]) -> String {
    let mut out = String::new();
    for app in apps {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push('<');
        out.push_str(&one_uri(&app.id));
        out.push('>');
        if let Some(name) = &app.name {
            out.push_str(";name=\"");
            for c in one_line(name).chars() {
                if matches!(c, '"' | '\\') {
                    out.push('\\');
                }
                out.push(c);
            }
            out.push('"');
        }
    }
    out
}

/// The elements of a comma list; commas in quotes and angle brackets do not separate.
fn elements(row: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(row);
    core::iter::from_fn(move || {
        let text = rest?;
        let mut bracket = false;
        let mut quoted = false;
        let mut escaped = false;
        let end = text.find(|c| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' if !bracket => quoted = !quoted,
                '<' if !quoted => bracket = true,
                '>' if !quoted => bracket = false,
                ',' => return !quoted && !bracket,
                _ => {}
            }
            false
        });
        let (element, tail) = match end.and_then(|end| text.split_at_checked(end)) {
            Some((element, tail)) => (element, tail.strip_prefix(',')),
            None => (text, None),
        };
        rest = tail;
        Some(element.trim())
    })
    .filter(|element| !element.is_empty())
}

type Parameters<'a> = Vec<(&'a str, std::borrow::Cow<'a, str>)>;

/// `<URI>` and the parameters after it.
fn bracketed<'a>(row: &'a str, element: &'a str) -> Result<(&'a str, Parameters<'a>), DecodeError> {
    let at = offset(row, element);
    let (uri, rest) = element
        .strip_prefix('<')
        .and_then(|inner| inner.split_once('>'))
        .filter(|(uri, _)| !uri.is_empty())
        .ok_or_else(|| fault(Class::BadValue, at, "a URI in angle brackets"))?;
    let parameters = mime::parameters(rest, offset(row, rest))?;
    Ok((uri, parameters))
}

/// Octets of `row` before `part`, which is a part of it.
fn offset(row: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(row.as_ptr().addr())
}

const fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}
