//! The value placement: parameters of the client address.
//!
//! Source: profile, E.2. `gr` names the first device as a GRUU does; a URI parameter stands once, so further devices
//! are in `sg-gr`, questions in `sg-ask` and applications in `sg-app`, separated by `&`, `.` and `&`.

use std::borrow::Cow;

use super::{App, Ask, Class, DecodeError, DeviceId, Placed, fault, one_line, one_uri};
use crate::codec::uri::Uri;

const DEVICE: &str = "gr";
const FURTHER_DEVICES: &str = "sg-gr";
const ASK: &str = "sg-ask";
const APP: &str = "sg-app";

/// The client address with what the placement holds.
pub(super) fn write(client: &str, placed: &Placed) -> String {
    let headers = after_host(client)
        .split_once('?')
        .map(|(_, headers)| headers);
    let address = match headers {
        Some(headers) => client.len().saturating_sub(headers.len()).saturating_sub(1),
        None => client.len(),
    };
    let mut out = one_line(client.get(..address).unwrap_or(client));
    let is_client = |device: &DeviceId| has_flag_gr(client) && device.as_str() == client;
    let mut devices = placed.devices.iter();
    if let Some(first) = devices.next().filter(|first| !is_client(first)) {
        begin(&mut out, DEVICE, '&', 0);
        escape(&mut out, first.as_str());
    }
    for (number, device) in devices.enumerate() {
        begin(&mut out, FURTHER_DEVICES, '&', number);
        escape(&mut out, device.as_str());
    }
    for (number, token) in placed.ask.into_iter().flat_map(Ask::tokens).enumerate() {
        begin(&mut out, ASK, '.', number);
        out.push_str(token);
    }
    for (number, app) in placed.apps.iter().enumerate() {
        begin(&mut out, APP, '&', number);
        escape(&mut out, &one_uri(&app.id));
        if let Some(name) = &app.name {
            out.push('$');
            escape(&mut out, &one_line(name));
        }
    }
    if let Some(headers) = headers {
        out.push('?');
        out.push_str(&one_line(headers));
    }
    out
}

/// The client address without what the placement holds, and that.
pub(super) fn read(to: &str) -> Result<(String, Placed), DecodeError> {
    let mut placed = Placed::default();
    let host = after_host(to);
    let start = to.len().saturating_sub(host.len());
    let Some(first) = host.find(';') else {
        return Ok((to.to_owned(), placed));
    };
    let head = to.get(..start.saturating_add(first)).unwrap_or_default();
    let tail = host.get(first..).unwrap_or_default();
    let (parameters, headers) = tail
        .split_once('?')
        .map_or((tail, None), |(parameters, headers)| {
            (parameters, Some(headers))
        });
    let mut client = head.to_owned();
    let mut further = Vec::new();
    let mut at = head.len();
    for parameter in parameters.split(';').skip(1) {
        let (name, value) = parameter
            .split_once('=')
            .map_or((parameter, None), |(name, value)| (name, Some(value)));
        let base = at.saturating_add(name.len()).saturating_add(2);
        match value {
            Some(value) if name.eq_ignore_ascii_case(DEVICE) => {
                placed.devices.push(device(value, base)?);
            }
            Some(value) if name.eq_ignore_ascii_case(FURTHER_DEVICES) => {
                for text in value.split('&') {
                    further.push(device(text, base)?);
                }
            }
            Some(value) if name.eq_ignore_ascii_case(ASK) => placed.ask = Ask::of_list(value, '.'),
            Some(value) if name.eq_ignore_ascii_case(APP) => {
                for text in value.split('&') {
                    placed.apps.push(app(text, base)?);
                }
            }
            _ => {
                client.push(';');
                client.push_str(parameter);
            }
        }
        at = at.saturating_add(parameter.len()).saturating_add(1);
    }
    if let Some(headers) = headers {
        client.push('?');
        client.push_str(headers);
    }
    if placed.devices.is_empty() && has_flag_gr(&client) {
        // A temporary GRUU is the identifier itself.
        placed.devices.push(DeviceId::decode(&client)?);
    }
    placed.devices.append(&mut further);
    Ok((client, placed))
}

/// The address from its host on: a user part may hold semicolons and question marks of its own.
fn after_host(uri: &str) -> &str {
    uri.split_once('@')
        .or_else(|| uri.split_once(':'))
        .map_or(uri, |(_, host)| host)
}

fn has_flag_gr(uri: &str) -> bool {
    Uri::decode(uri.as_bytes()).is_ok_and(|uri| uri.gr() == Some(None))
}

fn device(text: &str, base: usize) -> Result<DeviceId, DecodeError> {
    DeviceId::decode(&unescaped(text, base)?).map_err(|fault| fault.within(base))
}

fn app(text: &str, base: usize) -> Result<App, DecodeError> {
    let (id, name) = text
        .split_once('$')
        .map_or((text, None), |(id, name)| (id, Some(name)));
    let id = unescaped(id, base)?;
    let name = name.map(|name| unescaped(name, base)).transpose()?;
    App::decode(&id, name.as_deref()).map_err(|fault| fault.within(base))
}

/// The parameter's name in front of its first member, the separator in front of the others.
fn begin(out: &mut String, name: &str, separator: char, number: usize) {
    if number == 0 {
        out.push(';');
        out.push_str(name);
        out.push('=');
    } else {
        out.push(separator);
    }
}

/// What may stand in the value of a URI parameter stays, but for the separators; all else becomes `%HH`.
fn escape(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-_.!~*'()[]/:+".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            for half in [octet >> 4, octet & 0x0F] {
                out.push(char::from(*HEX.get(usize::from(half)).unwrap_or(&b'0')));
            }
        }
    }
}

fn unescaped(text: &str, base: usize) -> Result<Cow<'_, str>, DecodeError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('%') {
        octets.extend_from_slice(head.as_bytes());
        let octet = tail
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| fault(Class::BadValue, base, "two hexadecimal digits after %"))?;
        octets.push(octet);
        rest = tail.get(2..).unwrap_or_default();
    }
    octets.extend_from_slice(rest.as_bytes());
    String::from_utf8(octets)
        .map(Cow::Owned)
        .map_err(|_| fault(Class::BadValue, base, "UTF-8 behind the escapes"))
}
