//! Messages, URIs, methods and statuses as types of the rsip crate, and back.
//!
//! Source: rsip 0.4.0. For programs that hold its types; nothing of ours reads or writes the wire through it. rsip keeps
//! header values as text and reads them when asked, and it reads some of them wrongly without a word: URIs with `gr`,
//! users with dots, quoted parameters such as `+sip.instance`, IPv6. So every conversion checks that rsip reads what we
//! read, and refuses what it would damage. The body is given over whole; turn it into octets with [`from_message`],
//! for rsip's own way replaces what is not UTF-8.

use rsip::Header;
use rsip::headers::untyped::{ToTypedHeader, UntypedHeader};
use thiserror::Error;

use super::address::Address;
use super::draft::{Draft, reason_phrase};
use super::message::Message;
use super::method::Method;
use super::name::Name;
use super::param::Params;
use super::read::Elements;
use super::via::Via;
use crate::codec::DecodeError;
use crate::codec::uri::Uri;

/// Why a value has no equal on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ViewError {
    /// The value is outside SIP's grammar.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// rsip would lose or change this.
    #[error("rsip cannot hold {0}")]
    CannotHold(&'static str),
}

/// The method, when it is one of rsip's.
///
/// # Errors
///
/// [`ViewError`] for methods that are not listed.
pub fn method(method: Method) -> Result<rsip::Method, ViewError> {
    Ok(match method {
        Method::Invite => rsip::Method::Invite,
        Method::Ack => rsip::Method::Ack,
        Method::Bye => rsip::Method::Bye,
        Method::Cancel => rsip::Method::Cancel,
        Method::Register => rsip::Method::Register,
        Method::Options => rsip::Method::Options,
        Method::Message => rsip::Method::Message,
        Method::Subscribe => rsip::Method::Subscribe,
        Method::Notify => rsip::Method::Notify,
        Method::Publish => rsip::Method::Publish,
        Method::Info => rsip::Method::Info,
        Method::Prack => rsip::Method::PRack,
        Method::Update => rsip::Method::Update,
        Method::Refer => rsip::Method::Refer,
        Method::Other => return Err(ViewError::CannotHold("an unknown method")),
    })
}

/// The method of a method of rsip's.
#[must_use]
pub const fn from_method(method: rsip::Method) -> Method {
    match method {
        rsip::Method::Invite => Method::Invite,
        rsip::Method::Ack => Method::Ack,
        rsip::Method::Bye => Method::Bye,
        rsip::Method::Cancel => Method::Cancel,
        rsip::Method::Register => Method::Register,
        rsip::Method::Options => Method::Options,
        rsip::Method::Message => Method::Message,
        rsip::Method::Subscribe => Method::Subscribe,
        rsip::Method::Notify => Method::Notify,
        rsip::Method::Publish => Method::Publish,
        rsip::Method::Info => Method::Info,
        rsip::Method::PRack => Method::Prack,
        rsip::Method::Update => Method::Update,
        rsip::Method::Refer => Method::Refer,
    }
}

/// The status with its phrase; rsip has one fixed phrase for each status it knows.
///
/// # Errors
///
/// [`ViewError`] when the phrase is not the usual one of a status that rsip knows, for it would be lost.
pub fn status(status: u16, reason: &str) -> Result<rsip::StatusCode, ViewError> {
    match rsip::StatusCode::from(status) {
        rsip::StatusCode::Other(code, _) => Ok(rsip::StatusCode::Other(code, reason.to_owned())),
        known if reason == reason_phrase(status) => Ok(known),
        _ => Err(ViewError::CannotHold(
            "a reason phrase that is not the usual one",
        )),
    }
}

/// Status and phrase of a status of rsip's: its own text for one it does not know, the usual one otherwise.
#[must_use]
pub fn from_status(status: &rsip::StatusCode) -> (u16, String) {
    match status {
        rsip::StatusCode::Other(code, reason) => (*code, reason.clone()),
        known => (known.code(), reason_phrase(known.code()).to_owned()),
    }
}

/// The URI, when rsip reads the same from its text.
///
/// # Errors
///
/// [`ViewError`] when it does not: `gr` with a URN, users with dots, IPv6, headers, schemes other than SIP.
pub fn uri(uri: &Uri<'_>) -> Result<rsip::Uri, ViewError> {
    let theirs =
        rsip::Uri::try_from(uri.as_str()).map_err(|_| ViewError::CannotHold("this URI"))?;
    if is_same_uri(uri, &theirs) {
        Ok(theirs)
    } else {
        Err(ViewError::CannotHold("this URI"))
    }
}

/// The text of a URI of rsip's, when it is the URI that its parts say.
///
/// # Errors
///
/// [`ViewError`] when the text is no URI or another one than the parts say.
pub fn from_uri(uri: &rsip::Uri) -> Result<String, ViewError> {
    let text = uri.to_string();
    if is_same_uri(&Uri::decode(text.as_bytes())?, uri) {
        Ok(text)
    } else {
        Err(ViewError::CannotHold("the parts of a URI apart"))
    }
}

/// The message: names in full, folds undone, one row for each element of Via, Contact, Route and Record-Route, the rest
/// as it is.
///
/// # Errors
///
/// [`ViewError`] when rsip would read anything in it otherwise than we do, or cannot hold it at all.
pub fn message(message: &Message) -> Result<rsip::SipMessage, ViewError> {
    let mut headers = rsip::Headers::default();
    for (name, text, value) in message.headers() {
        if matches!(
            name,
            Name::Via | Name::Contact | Name::Route | Name::RecordRoute
        ) {
            for element in Elements::new(value) {
                headers.push(header(name, text, element)?);
            }
        } else {
            headers.push(header(name, text, value)?);
        }
    }
    let body = message.body().to_vec();
    if let Some(ours) = message.method() {
        if !message.is_version_2() {
            return Err(ViewError::CannotHold("another version than 2.0"));
        }
        let request = rsip::Request {
            method: method(ours)?,
            uri: uri(&message.request_uri()?)?,
            version: rsip::Version::V2,
            headers,
            body,
        };
        return Ok(request.into());
    }
    let response = rsip::Response {
        status_code: status(message.status().unwrap_or_default(), &message.reason())?,
        version: rsip::Version::V2,
        headers,
        body,
    };
    Ok(response.into())
}

/// The message of a message of rsip's, with the body as it is and a Content-Length of its size.
///
/// # Errors
///
/// [`ViewError`] when a part is outside SIP's grammar, a header holds a line end, or the message passes the limits.
pub fn from_message(message: &rsip::SipMessage) -> Result<Message, ViewError> {
    let (mut draft, headers, body) = match message {
        rsip::SipMessage::Request(request) => {
            let draft = Draft::request(from_method(request.method), &from_uri(&request.uri)?);
            (draft, &request.headers, &request.body)
        }
        rsip::SipMessage::Response(response) => {
            let (status, reason) = from_status(&response.status_code);
            if !(100..=699).contains(&status) || has_line_end(&reason) {
                return Err(ViewError::CannotHold("a status line apart"));
            }
            let draft = Draft::response_alone(status, &reason);
            (draft, &response.headers, &response.body)
        }
    };
    for header in headers.iter() {
        let row = header.to_string();
        let Some((name, value)) = row.split_once(':') else {
            return Err(ViewError::CannotHold("a header without a name"));
        };
        if has_line_end(value) {
            return Err(ViewError::CannotHold("a line end in a header"));
        }
        draft = draft.header(name, value.trim_matches([' ', '\t']));
    }
    let draft = draft.body_octets(body);
    if draft.is_overfull() {
        return Err(ViewError::CannotHold("a message beyond the limits"));
    }
    let count = headers
        .iter()
        .filter(|header| !matches!(header, Header::ContentLength(_)))
        .count();
    let message = draft.finish();
    // Content-Length is the one row that was not among theirs.
    if message.headers().count() == count.saturating_add(1) {
        Ok(message)
    } else {
        Err(ViewError::CannotHold("a header whose name is no token"))
    }
}

fn has_line_end(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

/// One header; those that rsip can read are read by both.
fn header(name: Name, text: &[u8], value: &[u8]) -> Result<Header, ViewError> {
    let (Ok(text), Ok(value)) = (core::str::from_utf8(text), core::str::from_utf8(value)) else {
        return Err(ViewError::CannotHold("a header that is not UTF-8"));
    };
    if value.contains('\0') {
        return Err(ViewError::CannotHold("a NUL in a header"));
    }
    let value = unfolded(value);
    let header = untyped(name, text, &value);
    if is_read_alike(&header, value.as_bytes())? {
        Ok(header)
    } else {
        Err(ViewError::CannotHold(match name {
            Name::Via => "this Via",
            Name::From => "this From",
            Name::To => "this To",
            Name::Contact => "this Contact",
            Name::CSeq => "this CSeq",
            _ => "this header",
        }))
    }
}

/// The value with each fold as one space.
fn unfolded(value: &str) -> String {
    let mut lines = value.split("\r\n");
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.push(' ');
        text.push_str(line.trim_start_matches([' ', '\t']));
    }
    text
}

/// True when rsip has no own reading of the header, or reads what we read.
fn is_read_alike(header: &Header, value: &[u8]) -> Result<bool, ViewError> {
    macro_rules! address {
        ($header:expr) => {{
            let ours = Address::decode(value)?;
            match $header.typed() {
                Ok(theirs) => {
                    is_same_uri(&ours.uri, &theirs.uri)
                        && is_same_params(ours.params(), &theirs.params)
                        && is_same_display(&ours, theirs.display_name.as_deref())
                }
                Err(_) => false,
            }
        }};
    }
    macro_rules! route {
        ($header:expr) => {{
            let ours = Address::decode(value)?;
            $header.typed().is_ok_and(|theirs| {
                matches!(theirs.uris(), [one] if is_same_route(&ours, one))
            })
        }};
    }
    Ok(match header {
        Header::From(from) => address!(from),
        Header::To(to) => address!(to),
        Header::ReplyTo(reply_to) => {
            let ours = Address::decode(value)?;
            reply_to
                .typed()
                .is_ok_and(|theirs| is_same_route(&ours, &theirs.0))
        }
        Header::Contact(contact) => value != b"*" && address!(contact),
        Header::Route(route) => route!(route),
        Header::RecordRoute(route) => route!(route),
        Header::Via(via) => {
            let ours = Via::decode(value)?;
            via.typed().is_ok_and(|theirs| is_same_via(&ours, &theirs))
        }
        Header::CSeq(cseq) => {
            let text = String::from_utf8_lossy(value);
            cseq.typed().is_ok_and(|theirs| {
                text.split_ascii_whitespace()
                    .eq([theirs.seq.to_string(), theirs.method.to_string()])
            })
        }
        _ => true,
    })
}

fn is_same_uri(ours: &Uri<'_>, theirs: &rsip::Uri) -> bool {
    let is_same_scheme = match &theirs.scheme {
        Some(rsip::Scheme::Sip) => ours
            .as_str()
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("sip:")),
        Some(rsip::Scheme::Sips) => ours
            .as_str()
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("sips:")),
        _ => false,
    };
    let auth = theirs.auth.as_ref();
    is_same_scheme
        && ours.user() == auth.map(|auth| auth.user.as_str())
        && ours.password() == auth.and_then(|auth| auth.password.as_deref())
        && ours.host() == theirs.host_with_port.host.to_string()
        && ours.port() == theirs.port().map(|port| *port.value())
        && ours.headers().is_none()
        && ours.params().map(written).eq(theirs.params.iter().map(shown))
        // Only token characters survive rsip's own reading of a value.
        && ours.params().all(|(_, value)| value.is_none_or(is_plain))
}

fn is_same_route(ours: &Address<'_>, theirs: &rsip::common::uri::UriWithParams) -> bool {
    ours.display().is_none()
        && is_same_uri(&ours.uri, &theirs.uri)
        && is_same_params(ours.params(), &theirs.params)
}

fn is_same_via(ours: &Via<'_>, theirs: &rsip::typed::Via) -> bool {
    ours.transport
        .eq_ignore_ascii_case(&theirs.transport.to_string())
        && ours.host == theirs.uri.host_with_port.host.to_string()
        && ours.port == theirs.uri.port().map(|port| *port.value())
        && theirs.uri.auth.is_none()
        && theirs
            .uri
            .params
            .iter()
            .chain(&theirs.params)
            .map(shown)
            .eq(ours.params().map(|(name, value)| {
                written((
                    name,
                    value.and_then(|value| core::str::from_utf8(value).ok()),
                ))
            }))
}

fn is_same_params(ours: Params<'_>, theirs: &[rsip::Param]) -> bool {
    ours.map(|(name, value)| {
        written((
            name,
            value.and_then(|value| core::str::from_utf8(value).ok()),
        ))
    })
    .eq(theirs.iter().map(shown))
}

fn is_same_display(ours: &Address<'_>, theirs: Option<&str>) -> bool {
    let theirs = theirs
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty());
    ours.display().as_deref().filter(|name| !name.is_empty()) == theirs
}

/// A parameter as rsip writes it, in lower case: what is known to it is insensitive to case.
fn written((name, value): (&str, Option<&str>)) -> String {
    let text = match value {
        Some(value) => format!(";{name}={value}"),
        None => format!(";{name}"),
    };
    match name.to_ascii_lowercase().as_str() {
        "transport" | "user" | "method" | "lr" => text.to_ascii_lowercase(),
        lower => text.replacen(name, lower, 1),
    }
}

fn shown(param: &rsip::Param) -> String {
    let text = param.to_string();
    let (name, value) = match text.trim_start_matches(';').split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text.trim_start_matches(';'), None),
    };
    written((name, value))
}

fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet))
}

/// The header as rsip names it, unread.
fn untyped(name: Name, text: &str, value: &str) -> Header {
    macro_rules! choose {
        ($($variant:ident $(= $theirs:ident)?,)*) => {
            match name {
                $(Name::$variant => choose!(@ $variant $($theirs)?),)*
                Name::Other => Header::Other(text.to_owned(), value.to_owned()),
                known => Header::Other(known.text().to_owned(), value.to_owned()),
            }
        };
        (@ $variant:ident) => { Header::$variant(rsip::headers::$variant::new(value)) };
        (@ $variant:ident $theirs:ident) => { Header::$theirs(rsip::headers::$theirs::new(value)) };
    }
    choose! {
        Accept, AcceptEncoding, AcceptLanguage, AlertInfo, Allow, AuthenticationInfo, Authorization, CSeq, CallId,
        CallInfo, Contact, ContentDisposition, ContentEncoding, ContentLanguage, ContentLength, ContentType, Date,
        ErrorInfo, Event, Expires, From, InReplyTo, MaxForwards, MimeVersion, MinExpires, Organization, Priority,
        ProxyAuthenticate, ProxyAuthorization, ProxyRequire, RecordRoute, ReplyTo, Require, RetryAfter, Route, Server,
        Subject, SubscriptionState, Supported, Timestamp, To, Unsupported, UserAgent, Via, Warning, WwwAuthenticate,
    }
}

#[cfg(test)]
mod tests;
