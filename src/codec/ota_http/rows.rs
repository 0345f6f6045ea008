//! Header values under the names of the vector files, and rows that keep their spelling when nothing about them changed.

use serde_json::{Map, Value, json};

use super::message::is_token;
use super::{
    Authentication, CPI_HEADERS, ClientId, CpiTag, Message, PushStatus, Row, fault, header,
    versions,
};
use crate::codec::format::{Deviation, FieldFault};
use crate::codec::{Class, DecodeError, hex};

/// A header whose value has a field of its own.
pub(super) struct Typed {
    pub(super) key: &'static str,
    pub(super) header: &'static str,
    /// What a value says; the flag allows what shipped terminals send.
    pub(super) read: fn(&str, bool) -> Option<Value>,
    pub(super) write: fn(&Value) -> Option<String>,
}

const TAG: Typed = Typed {
    key: "cpi_tag",
    header: header::CPI_TAG,
    read: |value, _| Some(CpiTag::decode(value)?.to_string().into()),
    write: text,
};
const TAG_HEX: Typed = Typed {
    key: "cpi_tag_hex",
    header: header::CPI_TAG,
    read: |value, lenient| {
        let tag = if lenient {
            CpiTag::decode_lenient(value)
        } else {
            CpiTag::decode(value)
        };
        Some(hex::digits(&tag?.0).into())
    },
    write: |value| {
        let octets = hex::octets(value.as_str()?)?;
        Some(CpiTag(octets.try_into().ok()?).to_string())
    },
};
const INFO: Typed = Typed {
    key: "push_info",
    header: header::INFO,
    read: |value, _| {
        let words: Vec<&str> = value.split(',').map(str::trim).collect();
        words
            .iter()
            .all(|word| is_token(word))
            .then(|| json!(words))
    },
    write: list,
};

/// Headers of requests.
pub(super) const REQUEST: [Typed; 8] = [
    Typed {
        key: "host",
        header: "Host",
        read: any_text,
        write: text,
    },
    version("ota_version"),
    Typed {
        key: "prov_url",
        header: header::PROV_URL,
        read: any_text,
        write: text,
    },
    INFO,
    TAG,
    TAG_HEX,
    authentication("authenticate", header::AUTHENTICATE, true),
    authentication("authorization", "Authorization", false),
];

/// Headers of responses.
pub(super) const RESPONSE: [Typed; 8] = [
    version("versions"),
    Typed {
        key: "push_status",
        header: header::STATUS,
        read: |value, _| Some(PushStatus::decode(value)?.code().into()),
        write: |value| {
            let code = u16::try_from(value.as_u64()?).ok()?;
            Some(PushStatus::new(code)?.to_string())
        },
    },
    Typed {
        key: "terminal_id",
        header: header::TERMINAL_ID,
        read: |value, _| {
            let id = ClientId::decode(value)?;
            Some(json!({"type": id.kind, "value": id.value}))
        },
        write: |value| {
            let part = |name| value.get(name).and_then(Value::as_str);
            Some(ClientId::new(part("type")?, part("value")?)?.to_string())
        },
    },
    Typed {
        key: "bearer",
        header: header::BEARER,
        read: |value, _| {
            let octets = hex::octets(value).filter(|_| value.len() == 2)?;
            octets.first().copied().map(Value::from)
        },
        write: |value| {
            let bearer = u8::try_from(value.as_u64()?).ok()?;
            Some(format!("{bearer:02X}"))
        },
    },
    TAG,
    TAG_HEX,
    authentication("authorization", header::AUTHORIZATION, true),
    authentication("authenticate", "WWW-Authenticate", false),
];

const fn version(key: &'static str) -> Typed {
    Typed {
        key,
        header: header::VERSION,
        read: |value, _| {
            let texts: Vec<Value> = versions(value)?
                .iter()
                .map(|version| version.to_string().into())
                .collect();
            Some(texts.into())
        },
        write: list,
    }
}

const fn authentication(key: &'static str, header: &'static str, of_terminal: bool) -> Typed {
    Typed {
        key,
        header,
        read: if of_terminal {
            |value, _| {
                Authentication::decode(value, true)
                    .ok()
                    .map(|it| auth_fields(&it))
            }
        } else {
            |value, _| {
                Authentication::decode(value, false)
                    .ok()
                    .map(|it| auth_fields(&it))
            }
        },
        write: |value| auth_of(value).map(|it| it.to_string()),
    }
}

fn any_text(value: &str, _: bool) -> Option<Value> {
    Some(value.into())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list(value: &Value) -> Option<String> {
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
    Some(texts?.join(","))
}

/// A challenge or credentials as fields: the scheme, and each parameter under its own name.
pub(super) fn auth_fields(authentication: &Authentication) -> Value {
    match authentication {
        Authentication::Basic { username, password } => {
            json!({"scheme": "Basic", "username": username, "password": password})
        }
        Authentication::BasicChallenge { realm } => json!({"scheme": "Basic", "realm": realm}),
        Authentication::Digest(params) => {
            let mut fields = Map::new();
            fields.insert("scheme".into(), "Digest".into());
            for (name, value) in params {
                fields.insert(name.clone(), value.as_str().into());
            }
            fields.into()
        }
        Authentication::Status(status) => json!({"auth_status": status.name()}),
    }
}

/// Parameters of a Digest in the order in which they are written; others follow.
const ORDER: [&str; 8] = [
    "username",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "opaque",
    "stale",
];

fn auth_of(fields: &Value) -> Option<Authentication> {
    let part = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(word) = part("auth_status") {
        return super::AuthStatus::from_name(&word).map(Authentication::Status);
    }
    if part("scheme")?.eq_ignore_ascii_case("Basic") {
        return match (part("username"), part("password"), part("realm")) {
            (Some(username), Some(password), _) => {
                Some(Authentication::Basic { username, password })
            }
            (_, _, realm) => realm.map(|realm| Authentication::BasicChallenge { realm }),
        };
    }
    let known = ORDER.iter().map(|name| (*name).to_owned());
    let others = fields.as_object()?.keys().cloned();
    let mut params: Vec<(String, String)> = Vec::new();
    for name in known.chain(others) {
        if name != "scheme"
            && !params.iter().any(|(own, _)| *own == name)
            && let Some(value) = part(&name)
        {
            params.push((name, value));
        }
    }
    Some(Authentication::Digest(params))
}

/// The fields of the typed headers that a message has.
pub(super) fn read(
    message: &Message<'_>,
    typed: &[Typed],
    lenient: bool,
    fields: &mut Map<String, Value>,
    deviations: &mut Vec<Deviation>,
) -> Result<(), DecodeError> {
    for own in typed {
        let Some(row) = message.row(own.header) else {
            continue;
        };
        if (own.read)(&row.value, false).is_none() {
            let expected = "a value of that header";
            if !lenient {
                return Err(fault(row.value_at, Class::BadValue, expected));
            }
            if !deviations.iter().any(|odd| odd.at == row.value_at) {
                deviations.push(Deviation {
                    at: row.value_at,
                    what: expected,
                });
            }
        }
        if let Some(value) = (own.read)(&row.value, lenient) {
            fields.insert(own.key.into(), value);
        }
    }
    Ok(())
}

/// Rows of a message that is written.
///
/// The flag tells that they were read: then a response without a length keeps its body up to the end.
pub(super) struct Rows(Vec<Written>, bool);

/// A row that is written.
struct Written {
    name: String,
    value: String,
    /// What stands after the colon when that is not a space and the value.
    raw: Option<String>,
}

impl Rows {
    /// The rows as they were read.
    pub(super) fn of(fields: &Value) -> Result<Self, FieldFault> {
        let pairs = fields.get("rows").cloned().unwrap_or_default();
        if pairs.is_null() {
            return Ok(Self(Vec::new(), false));
        }
        let mut rows = Self(Vec::new(), true);
        for row in pairs.as_array().into_iter().flatten() {
            let part = |at: usize| row.get(at).and_then(Value::as_str);
            let (Some(name), Some(value)) = (part(0), part(1)) else {
                return Err(FieldFault::new("rows: pairs of name and value"));
            };
            rows.push(name, value.to_owned())?;
            if let (Some(raw), Some(row)) = (part(2), rows.0.last_mut())
                && raw.trim_matches([' ', '\t']) == value
            {
                row.raw = Some(raw.to_owned());
            }
        }
        Ok(rows)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(name))
            .map(|row| row.value.as_str())
    }

    /// Puts a value in place of the first one of that name, or at the end.
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<(), FieldFault> {
        let own = self
            .0
            .iter()
            .position(|row| row.name.eq_ignore_ascii_case(name));
        match own.and_then(|at| self.0.get_mut(at)) {
            Some(row) => {
                check(name, &value)?;
                row.value = value;
                row.raw = None;
                Ok(())
            }
            None => self.push(name, value),
        }
    }

    fn push(&mut self, name: &str, value: String) -> Result<(), FieldFault> {
        check(name, &value)?;
        self.0.push(Written {
            name: name.to_owned(),
            value,
            raw: None,
        });
        Ok(())
    }

    /// Typed fields that say something else than their rows replace them.
    pub(super) fn apply(&mut self, typed: &[Typed], fields: &Value) -> Result<(), FieldFault> {
        for own in typed {
            let Some(wanted) = fields.get(own.key).filter(|value| !value.is_null()) else {
                continue;
            };
            let said = self
                .value(own.header)
                .and_then(|value| (own.read)(value, true));
            if said.as_ref() != Some(wanted) {
                let value = (own.write)(wanted).ok_or_else(|| {
                    FieldFault::new(format_args!("{}: {wanted} is no value of it", own.key))
                })?;
                self.set(own.header, value)?;
            }
        }
        Ok(())
    }

    /// Capability headers, in the order of the standard.
    pub(super) fn apply_cpi(&mut self, fields: &Value) -> Result<(), FieldFault> {
        let cpi = fields.get("cpi").unwrap_or(&Value::Null);
        for (name, _) in CPI_HEADERS {
            if let Some(value) = cpi.get(name).and_then(Value::as_str)
                && self.value(name) != Some(value)
            {
                self.set(name, value.to_owned())?;
            }
        }
        Ok(())
    }

    /// The message with these rows.
    pub(super) fn message(mut self, start: &str, body: &[u8]) -> Result<Vec<u8>, FieldFault> {
        check("start", start)?;
        let said = self.value("Content-Length");
        let is_so = |said: &str| {
            said.bytes().all(|octet| octet.is_ascii_digit()) && said.parse() == Ok(body.len())
        };
        let needs_length = !body.is_empty() && (!self.1 || !start.starts_with("HTTP/"));
        if said.map_or(needs_length, |said| !is_so(said)) {
            self.set("Content-Length", body.len().to_string())?;
        }
        let mut out = format!("{start}\r\n");
        for row in &self.0 {
            out.push_str(&row.name);
            out.push(':');
            match &row.raw {
                Some(raw) => out.push_str(raw),
                None if row.value.is_empty() => {}
                None => {
                    out.push(' ');
                    out.push_str(&row.value);
                }
            }
            out.push_str("\r\n");
        }
        out.push_str("\r\n");
        let mut octets = out.into_bytes();
        octets.extend_from_slice(body);
        Ok(octets)
    }
}

fn check(name: &str, value: &str) -> Result<(), FieldFault> {
    if !is_token(name) || value.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return Err(FieldFault::new(format_args!(
            "{name}: a name or value that cannot stand in a row"
        )));
    }
    Ok(())
}

/// Rows as pairs, in order; a third part is what stands after the colon when that is not a space and the value.
pub(super) fn pairs(rows: &[Row<'_>]) -> Value {
    rows.iter()
        .map(|row| {
            let blank = if row.value.is_empty() { "" } else { " " };
            let is_usual = row.raw.strip_prefix(blank) == Some(&row.value);
            // A folded value has no raw form on one line.
            let is_folded = row.raw.trim_matches([' ', '\t']) != row.value;
            if is_usual || is_folded {
                json!([row.name, row.value])
            } else {
                json!([row.name, row.value, row.raw])
            }
        })
        .collect()
}
