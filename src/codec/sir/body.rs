//! The body of a SIR: nothing, binary SIA content, text fields, or both in two parts.
//!
//! Source: profile, E.2. The first octet tells text (20 to 7E) from the version of binary content.

use super::header::read_id;
use super::{
    App, Ask, Class, DecodeError, DeviceId, Placed, SIA_TYPE, SiaContent, Sir, TEXT_TYPE, fault,
    one_line, one_uri,
};
use crate::codec::mime::{self, Part};
use crate::codec::sia::Sia;

/// The disposition of the part with the text fields.
const FIELDS_DISPOSITION: &str = "sirgate-sir";

/// A body to be sent.
pub(super) struct Written {
    pub(super) content_type: String,
    pub(super) octets: Vec<u8>,
    pub(super) is_multipart: bool,
}

/// A body as read.
#[derive(Default)]
pub(super) struct Read {
    pub(super) sia: SiaContent,
    pub(super) placed: Placed,
    pub(super) pui: Option<String>,
    pub(super) id: Option<String>,
    pub(super) ppg: Option<String>,
}

/// The forms a body can have, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Content,
    Text,
    Multipart,
}

impl Form {
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let end = content_type.find(';').unwrap_or(content_type.len());
        let essence = content_type.get(..end)?.trim();
        let is_multipart = essence
            .get(..10)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"));
        if essence.eq_ignore_ascii_case(SIA_TYPE) {
            Some(Self::Content)
        } else if essence.eq_ignore_ascii_case("text/plain") {
            Some(Self::Text)
        } else {
            is_multipart.then_some(Self::Multipart)
        }
    }
}

pub(super) fn write(sir: &Sir) -> Written {
    let text = fields(sir, false);
    let sia = match &sir.sia {
        SiaContent::Empty => {
            return Written {
                content_type: SIA_TYPE.to_owned(),
                octets: text.into_bytes(),
                is_multipart: false,
            };
        }
        SiaContent::Binary(sia) => sia.encode(),
    };
    if text.is_empty() {
        return Written {
            content_type: SIA_TYPE.to_owned(),
            octets: sia,
            is_multipart: false,
        };
    }
    let boundary = mime::boundary("sir-b", &[&sia, text.as_bytes()]);
    let octets = mime::compose(
        &boundary,
        &[
            Part::new(
                vec![
                    ("Content-Type", SIA_TYPE),
                    ("Content-Disposition", "render;handling=required"),
                    ("Content-Transfer-Encoding", "binary"),
                ],
                &sia,
            ),
            Part::new(
                vec![
                    ("Content-Type", TEXT_TYPE),
                    ("Content-Disposition", "sirgate-sir;handling=optional"),
                ],
                text.as_bytes(),
            ),
        ],
    );
    Written {
        content_type: format!("multipart/mixed;boundary={boundary}"),
        octets,
        is_multipart: true,
    }
}

pub(super) fn write_text(sir: &Sir) -> Written {
    Written {
        content_type: TEXT_TYPE.to_owned(),
        octets: fields(sir, true).into_bytes(),
        is_multipart: false,
    }
}

/// Lines `name=value`; the last one ends without a line break.
fn fields(sir: &Sir, alone: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    for device in &sir.body.devices {
        lines.push(format!("gr={device}"));
    }
    if let Some(pui) = &sir.pui {
        lines.push(format!("pui={}", one_line(pui)));
    }
    if let Some(ask) = sir.body.ask.filter(|ask| !ask.is_empty()) {
        lines.push(format!("ask={ask}"));
    }
    for app in &sir.body.apps {
        lines.push(format!("app={}", one_uri(&app.id)));
        if let Some(name) = &app.name {
            lines.push(format!("app-name={}", one_line(name)));
        }
    }
    if alone {
        // A receiver that shows nothing but the text still learns where to connect.
        if !sir.ppg().is_empty() {
            lines.push(format!("ppg={}", one_line(sir.ppg())));
        }
        lines.extend(sir.id.as_ref().map(|id| format!("sir={}", one_line(id))));
    }
    lines.join("\r\n")
}

pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Read, DecodeError> {
    match Form::of(content_type) {
        Some(Form::Content) => read_content(body),
        Some(Form::Text) => read_fields(body),
        Some(Form::Multipart) => read_parts(content_type, body),
        None => Err(fault(
            Class::BadValue,
            0,
            "a body of type application/vnd.wap.sia",
        )),
    }
}

fn read_content(body: &[u8]) -> Result<Read, DecodeError> {
    match body.first() {
        None => Ok(Read::default()),
        Some(0x20..=0x7E) => read_fields(body),
        Some(_) => Ok(Read {
            sia: SiaContent::Binary(Sia::decode_lenient(body)?.0),
            ..Read::default()
        }),
    }
}

/// The first part of SIA content, and the text part with our disposition; other parts are not for us.
fn read_parts(content_type: &str, body: &[u8]) -> Result<Read, DecodeError> {
    let mut read = Read::default();
    let mut found = false;
    for part in mime::parts(content_type, body)? {
        let is_fields = part
            .header("Content-Disposition")
            .and_then(|value| value.split(';').next())
            .is_some_and(|name| name.trim().eq_ignore_ascii_case(FIELDS_DISPOSITION));
        let octets = |part: &Part<'_>| match part.header("Content-Transfer-Encoding") {
            Some(encoding)
                if !["binary", "8bit", "7bit"]
                    .iter()
                    .any(|known| encoding.trim().eq_ignore_ascii_case(known)) =>
            {
                Err(fault(Class::MimeBad, part.at, "a part in binary"))
            }
            _ => Ok(()),
        };
        match Form::of(part.content_type()) {
            Some(Form::Content) if read.sia == SiaContent::Empty => {
                octets(&part)?;
                let content = read_content(part.body).map_err(|fault| fault.within(part.at))?;
                read.take(content);
                found = true;
            }
            Some(Form::Text) if is_fields => {
                octets(&part)?;
                let fields = read_fields(part.body).map_err(|fault| fault.within(part.at))?;
                read.take(fields);
                found = true;
            }
            _ => {}
        }
    }
    if found {
        Ok(read)
    } else {
        Err(fault(
            Class::MimeBad,
            0,
            "a part of type application/vnd.wap.sia",
        ))
    }
}

impl Read {
    /// Joins what another part said.
    fn take(&mut self, other: Self) {
        if other.sia != SiaContent::Empty {
            self.sia = other.sia;
        }
        self.placed.devices.extend(other.placed.devices);
        self.placed.apps.extend(other.placed.apps);
        self.placed.ask = match (self.placed.ask, other.placed.ask) {
            (Some(own), Some(others)) => Some(own | others),
            (own, others) => own.or(others),
        };
        self.pui = self.pui.take().or(other.pui);
        self.id = self.id.take().or(other.id);
        self.ppg = self.ppg.take().or(other.ppg);
    }
}

/// Text fields; unknown names and empty lines are passed over.
fn read_fields(body: &[u8]) -> Result<Read, DecodeError> {
    let text = core::str::from_utf8(body)
        .map_err(|error| fault(Class::BadValue, error.valid_up_to(), "text in UTF-8"))?;
    let mut read = Read::default();
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let field = line.strip_suffix('\n').unwrap_or(line);
        let field = field.strip_suffix('\r').unwrap_or(field);
        if !field.is_empty() {
            let (name, value) = field
                .split_once('=')
                .ok_or_else(|| fault(Class::BadValue, at, "a line name=value"))?;
            let base = at.saturating_add(name.len()).saturating_add(1);
            if let Some(control) = value.find(char::is_control) {
                let control = base.saturating_add(control);
                return Err(fault(
                    Class::BadValue,
                    control,
                    "a value without control characters",
                ));
            }
            read.field(&name.to_ascii_lowercase(), value, base)?;
        }
        at = at.saturating_add(line.len());
    }
    Ok(read)
}

impl Read {
    fn field(&mut self, name: &str, value: &str, base: usize) -> Result<(), DecodeError> {
        match name {
            "gr" => self
                .placed
                .devices
                .push(DeviceId::decode(value).map_err(|fault| fault.within(base))?),
            "pui" => self.pui = Some(value.to_owned()),
            "ppg" => self.ppg = Some(value.to_owned()),
            "sir" => self.id = Some(read_id(value).map_err(|fault| fault.within(base))?),
            "ask" => {
                self.placed.ask = match (self.placed.ask, Ask::of_list(value, ',')) {
                    (Some(own), Some(more)) => Some(own | more),
                    (own, more) => own.or(more),
                };
            }
            "app" => self
                .placed
                .apps
                .push(App::decode(value, None).map_err(|fault| fault.within(base))?),
            "app-name" => match self.placed.apps.last_mut() {
                Some(app) => app.name = Some(value.to_owned()),
                None => return Err(fault(Class::BadValue, base, "app before app-name")),
            },
            _ => {}
        }
        Ok(())
    }
}
