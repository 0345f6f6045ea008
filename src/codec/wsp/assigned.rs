//! Assigned numbers of WSP: header fields with the form of their values, parameters, PDU types, methods, status codes.
//!
//! **Source:** WAP-230 tables 34 to 39 (encoding versions 1.1 to 1.5); media types, languages and character sets stand
//! in their own files.

/// A header field of code page 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number, without the top bit it has on the wire.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// The minor number of the encoding version that has it first: 1 to 5 for 1.1 to 1.5.
    pub since: u8,
    /// The form of its value.
    pub kind: Kind,
}

/// The form of a header field's value (WAP-230 section 8.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text-string: tags, agents, URIs.
    Text,
    /// Quoted-string.
    Quoted,
    /// Integer-value.
    Integer,
    /// Date-value.
    Date,
    /// Text-string or Date-value.
    TextOrDate,
    /// Version-value, or a code page with its version.
    Version,
    /// A number or a URI of an application.
    Application,
    /// The same, 0 for any.
    Accepted,
    /// Push-Flag.
    Flags,
    /// A value of a list or a token.
    One(List),
    /// The same with a quality in the general form.
    Weighed(List),
    /// A media type with parameters.
    Media,
    /// A disposition with parameters.
    Disposition,
    /// Cache-Control.
    Cache,
    /// no-cache or one parameter.
    Pragma,
    /// Sixteen octets of a digest.
    Digest,
    /// First octet and length of a part.
    ContentRange,
    /// A range of octets.
    Range,
    /// A date or seconds.
    RetryAfter,
    /// Credentials.
    Credentials,
    /// A challenge.
    Challenge,
    /// A warning with agent and text.
    Warning,
    /// A warning about a profile, with target and dates.
    ProfileWarning,
    /// A cookie that is set.
    SetCookie,
    /// Cookies that are returned.
    Cookie,
    /// An expectation.
    Expect,
    /// Octets of another document.
    Opaque,
}

/// Values that have numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Character sets.
    Charset,
    /// Languages.
    Language,
    /// Content codings.
    Encoding,
    /// Transfer codings.
    Transfer,
    /// What TE names.
    Te,
    /// Units of ranges.
    Units,
    /// Methods.
    Method,
    /// Header fields.
    Name,
    /// `close`.
    Connection,
    /// `close-subordinate`.
    Security,
}

use Kind::{
    Accepted, Application, Cache, Challenge, ContentRange, Cookie, Credentials, Date, Digest,
    Disposition, Expect, Flags, Integer, Media, One, Opaque, Pragma, ProfileWarning, Quoted, Range,
    RetryAfter, SetCookie, Text, TextOrDate, Version, Warning, Weighed,
};

const fn known(number: u8, name: &'static str, since: u8, kind: Kind) -> Known {
    Known {
        number,
        name,
        since,
        kind,
    }
}

/// Every header field, ordered by number.
pub const FIELDS: [Known; 75] = [
    known(0x00, "Accept", 1, Media),
    known(0x01, "Accept-Charset", 1, Weighed(List::Charset)),
    known(0x02, "Accept-Encoding", 1, Weighed(List::Encoding)),
    known(0x03, "Accept-Language", 1, Weighed(List::Language)),
    known(0x04, "Accept-Ranges", 1, One(List::Units)),
    known(0x05, "Age", 1, Integer),
    known(0x06, "Allow", 1, One(List::Method)),
    known(0x07, "Authorization", 1, Credentials),
    known(0x08, "Cache-Control", 1, Cache),
    known(0x09, "Connection", 1, One(List::Connection)),
    known(0x0A, "Content-Base", 1, Text),
    known(0x0B, "Content-Encoding", 1, One(List::Encoding)),
    known(0x0C, "Content-Language", 1, One(List::Language)),
    known(0x0D, "Content-Length", 1, Integer),
    known(0x0E, "Content-Location", 1, Text),
    known(0x0F, "Content-MD5", 1, Digest),
    known(0x10, "Content-Range", 1, ContentRange),
    known(0x11, "Content-Type", 1, Media),
    known(0x12, "Date", 1, Date),
    known(0x13, "Etag", 1, Text),
    known(0x14, "Expires", 1, Date),
    known(0x15, "From", 1, Text),
    known(0x16, "Host", 1, Text),
    known(0x17, "If-Modified-Since", 1, Date),
    known(0x18, "If-Match", 1, Text),
    known(0x19, "If-None-Match", 1, Text),
    known(0x1A, "If-Range", 1, TextOrDate),
    known(0x1B, "If-Unmodified-Since", 1, Date),
    known(0x1C, "Location", 1, Text),
    known(0x1D, "Last-Modified", 1, Date),
    known(0x1E, "Max-Forwards", 1, Integer),
    known(0x1F, "Pragma", 1, Pragma),
    known(0x20, "Proxy-Authenticate", 1, Challenge),
    known(0x21, "Proxy-Authorization", 1, Credentials),
    known(0x22, "Public", 1, One(List::Method)),
    known(0x23, "Range", 1, Range),
    known(0x24, "Referer", 1, Text),
    known(0x25, "Retry-After", 1, RetryAfter),
    known(0x26, "Server", 1, Text),
    known(0x27, "Transfer-Encoding", 1, One(List::Transfer)),
    known(0x28, "Upgrade", 1, Text),
    known(0x29, "User-Agent", 1, Text),
    known(0x2A, "Vary", 1, One(List::Name)),
    known(0x2B, "Via", 1, Text),
    known(0x2C, "Warning", 1, Warning),
    known(0x2D, "WWW-Authenticate", 1, Challenge),
    known(0x2E, "Content-Disposition", 1, Disposition),
    known(0x2F, "X-Wap-Application-Id", 2, Application),
    known(0x30, "X-Wap-Content-URI", 2, Text),
    known(0x31, "X-Wap-Initiator-URI", 2, Text),
    known(0x32, "Accept-Application", 2, Accepted),
    known(0x33, "Bearer-Indication", 2, Integer),
    known(0x34, "Push-Flag", 2, Flags),
    known(0x35, "Profile", 2, Text),
    known(0x36, "Profile-Diff", 2, Opaque),
    known(0x37, "Profile-Warning", 2, ProfileWarning),
    known(0x38, "Expect", 3, Expect),
    known(0x39, "TE", 3, Weighed(List::Te)),
    known(0x3A, "Trailer", 3, One(List::Name)),
    known(0x3B, "Accept-Charset", 3, Weighed(List::Charset)),
    known(0x3C, "Accept-Encoding", 3, Weighed(List::Encoding)),
    known(0x3D, "Cache-Control", 3, Cache),
    known(0x3E, "Content-Range", 3, ContentRange),
    known(0x3F, "X-Wap-Tod", 3, Date),
    known(0x40, "Content-ID", 3, Quoted),
    known(0x41, "Set-Cookie", 3, SetCookie),
    known(0x42, "Cookie", 3, Cookie),
    known(0x43, "Encoding-Version", 3, Version),
    known(0x44, "Profile-Warning", 4, ProfileWarning),
    known(0x45, "Content-Disposition", 4, Disposition),
    known(0x46, "X-WAP-Security", 4, One(List::Security)),
    known(0x47, "Cache-Control", 4, Cache),
    known(0x48, "Expect", 5, Expect),
    known(0x49, "X-Wap-Loc-Invocation", 5, Opaque),
    known(0x4A, "X-Wap-Loc-Delivery", 5, Opaque),
];

/// The header field of a number of code page 1.
#[must_use]
pub fn field(number: u8) -> Option<&'static Known> {
    // Numbers are places: the table has no hole.
    FIELDS.get(usize::from(number))
}

/// The latest form of a header field that a peer of encoding version 1.`version` knows.
#[must_use]
pub fn field_named(name: &str, version: u8) -> Option<&'static Known> {
    FIELDS
        .iter()
        .rev()
        .find(|known| known.since <= version && known.name.eq_ignore_ascii_case(name))
}

impl List {
    /// The name of a number.
    #[must_use]
    pub fn name(self, number: u32) -> Option<&'static str> {
        let octet = u8::try_from(number).ok();
        match self {
            Self::Charset => super::charset_name(number),
            Self::Language => super::language_name(octet?),
            Self::Name => field(octet?).map(|known| known.name),
            _ => self
                .table()
                .iter()
                .find(|(own, _)| Some(*own) == octet)
                .map(|(_, name)| *name),
        }
    }

    /// The number of a name.
    #[must_use]
    pub fn number(self, name: &str, version: u8) -> Option<u32> {
        match self {
            Self::Charset => super::charset_number(name),
            Self::Language => super::language_number(name).map(u32::from),
            Self::Name => field_named(name, version).map(|known| u32::from(known.number)),
            _ => self
                .table()
                .iter()
                .find(|(_, own)| own.eq_ignore_ascii_case(name))
                .map(|(number, _)| u32::from(*number)),
        }
    }

    const fn table(self) -> &'static [(u8, &'static str)] {
        match self {
            Self::Charset | Self::Language | Self::Name => &[],
            Self::Encoding => &[(0, "gzip"), (1, "compress"), (2, "deflate"), (3, "*")],
            Self::Transfer => &[(0, "chunked")],
            Self::Te => &[
                (1, "trailers"),
                (2, "chunked"),
                (3, "identity"),
                (4, "gzip"),
                (5, "compress"),
                (6, "deflate"),
            ],
            Self::Units => &[(0, "none"), (1, "bytes")],
            Self::Method => METHODS,
            Self::Connection => &[(0, "close")],
            Self::Security => &[(0, "close-subordinate")],
        }
    }
}

/// Methods; the numbers are those of the PDU types.
const METHODS: &[(u8, &str)] = &[
    (0x40, "GET"),
    (0x41, "OPTIONS"),
    (0x42, "HEAD"),
    (0x43, "DELETE"),
    (0x44, "TRACE"),
    (0x60, "POST"),
    (0x61, "PUT"),
];

/// Directives of Cache-Control.
pub const CACHE: &[(u8, &str)] = &[
    (0, "no-cache"),
    (1, "no-store"),
    (2, "max-age"),
    (3, "max-stale"),
    (4, "min-fresh"),
    (5, "only-if-cached"),
    (6, "public"),
    (7, "private"),
    (8, "no-transform"),
    (9, "must-revalidate"),
    (10, "proxy-revalidate"),
    (11, "s-maxage"),
];

/// Dispositions.
pub const DISPOSITIONS: &[(u8, &str)] = &[(0, "form-data"), (1, "attachment"), (2, "inline")];

/// The form of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Q-value.
    Q,
    /// Well-known-charset.
    Charset,
    /// Version-value.
    Version,
    /// Integer-value.
    Integer,
    /// Text-string.
    TextString,
    /// Text-value: nothing, a token or a Quoted-string.
    TextValue,
    /// A header field's number or name.
    Field,
    /// Short-integer.
    Short,
    /// A media type without parameters.
    Media,
    /// No-value.
    Nothing,
    /// Date-value.
    Date,
}

/// A parameter that has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownParameter {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// The minor number of the encoding version that has it first.
    pub since: u8,
    /// The form of its value.
    pub kind: ParameterKind,
}

const fn parameter(
    number: u8,
    name: &'static str,
    since: u8,
    kind: ParameterKind,
) -> KnownParameter {
    KnownParameter {
        number,
        name,
        since,
        kind,
    }
}

/// Every parameter, ordered by number; 04 is not assigned.
pub const PARAMETERS: [KnownParameter; 29] = [
    parameter(0x00, "q", 1, ParameterKind::Q),
    parameter(0x01, "charset", 1, ParameterKind::Charset),
    parameter(0x02, "level", 1, ParameterKind::Version),
    parameter(0x03, "type", 1, ParameterKind::Integer),
    parameter(0x05, "name", 1, ParameterKind::TextString),
    parameter(0x06, "filename", 1, ParameterKind::TextString),
    parameter(0x07, "differences", 1, ParameterKind::Field),
    parameter(0x08, "padding", 1, ParameterKind::Short),
    parameter(0x09, "type", 2, ParameterKind::Media),
    parameter(0x0A, "start", 2, ParameterKind::TextString),
    parameter(0x0B, "start-info", 2, ParameterKind::TextString),
    parameter(0x0C, "comment", 3, ParameterKind::TextString),
    parameter(0x0D, "domain", 3, ParameterKind::TextString),
    parameter(0x0E, "max-age", 3, ParameterKind::Integer),
    parameter(0x0F, "path", 3, ParameterKind::TextString),
    parameter(0x10, "secure", 3, ParameterKind::Nothing),
    parameter(0x11, "SEC", 4, ParameterKind::Short),
    parameter(0x12, "MAC", 4, ParameterKind::TextValue),
    parameter(0x13, "creation-date", 4, ParameterKind::Date),
    parameter(0x14, "modification-date", 4, ParameterKind::Date),
    parameter(0x15, "read-date", 4, ParameterKind::Date),
    parameter(0x16, "size", 4, ParameterKind::Integer),
    parameter(0x17, "name", 4, ParameterKind::TextValue),
    parameter(0x18, "filename", 4, ParameterKind::TextValue),
    parameter(0x19, "start", 4, ParameterKind::TextValue),
    parameter(0x1A, "start-info", 4, ParameterKind::TextValue),
    parameter(0x1B, "comment", 4, ParameterKind::TextValue),
    parameter(0x1C, "domain", 4, ParameterKind::TextValue),
    parameter(0x1D, "path", 4, ParameterKind::TextValue),
];

/// The parameter of a number.
#[must_use]
pub fn parameter_numbered(number: u32) -> Option<&'static KnownParameter> {
    PARAMETERS
        .iter()
        .find(|known| u32::from(known.number) == number)
}

/// The forms of a parameter that a peer of encoding version 1.`version` knows, the latest first.
pub fn parameters_named(
    name: &str,
    version: u8,
) -> impl Iterator<Item = &'static KnownParameter> + '_ {
    PARAMETERS
        .iter()
        .rev()
        .filter(move |known| known.since <= version && known.name.eq_ignore_ascii_case(name))
}

/// The name of a PDU type.
#[must_use]
pub fn pdu_name(number: u8) -> Option<&'static str> {
    PDUS.iter()
        .find(|(own, _)| *own == number)
        .map(|(_, name)| *name)
}

/// The number of a PDU type.
#[must_use]
pub fn pdu_number(name: &str) -> Option<u8> {
    PDUS.iter()
        .find(|(_, own)| own.eq_ignore_ascii_case(name))
        .map(|(number, _)| *number)
}

const PDUS: &[(u8, &str)] = &[
    (0x01, "Connect"),
    (0x02, "ConnectReply"),
    (0x03, "Redirect"),
    (0x04, "Reply"),
    (0x05, "Disconnect"),
    (0x06, "Push"),
    (0x07, "ConfirmedPush"),
    (0x08, "Suspend"),
    (0x09, "Resume"),
    (0x40, "Get"),
    (0x41, "Options"),
    (0x42, "Head"),
    (0x43, "Delete"),
    (0x44, "Trace"),
    (0x60, "Post"),
    (0x61, "Put"),
    (0x80, "DataFragment"),
];

/// The HTTP status of a Reply's status: the high four bits are the class, with room for 400 to 417 in two rows.
#[must_use]
pub fn http_status(status: u8) -> Option<u16> {
    let low = u16::from(status & 0x0F);
    let code = match status {
        0x10..=0x11 => 100_u16,
        0x20..=0x26 => 200,
        0x30..=0x35 | 0x37 => 300,
        0x40..=0x4F => 400,
        0x50..=0x51 => 416,
        0x60..=0x65 => 500,
        _ => return None,
    };
    code.checked_add(low)
}

/// The status of a Reply for an HTTP status; the class's first one for those without a number.
#[must_use]
pub fn reply_status(http: u16) -> u8 {
    (0x10..=0x65)
        .find(|status| http_status(*status) == Some(http))
        .unwrap_or(match http {
            100..=199 => 0x10,
            200..=299 => 0x20,
            300..=399 => 0x30,
            400..=499 => 0x40,
            _ => 0x60,
        })
}

/// The name of a reason with which a session's user or provider aborts (WAP-230 table 35).
#[must_use]
pub fn abort_name(reason: u8) -> Option<&'static str> {
    const NAMES: [&str; 15] = [
        "PROTOERR",
        "DISCONNECT",
        "SUSPEND",
        "RESUME",
        "CONGESTION",
        "CONNECTERR",
        "MRUEXCEEDED",
        "MOREXCEEDED",
        "PEERREQ",
        "NETERR",
        "USERREQ",
        "USERRFS",
        "USERPND",
        "USERDCR",
        "USERDCU",
    ];
    NAMES.get(usize::from(reason.checked_sub(0xE0)?)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_stand_at_their_numbers() {
        for (place, known) in FIELDS.iter().enumerate() {
            assert_eq!(usize::from(known.number), place);
        }
        assert_eq!(field(0x34).unwrap().name, "Push-Flag");
        assert_eq!(field(0x4B), None);
    }

    #[test]
    fn a_peer_gets_the_latest_form_it_knows() {
        let number = |version| field_named("cache-control", version).map(|known| known.number);
        assert_eq!(number(1), Some(0x08));
        assert_eq!(number(3), Some(0x3D));
        assert_eq!(number(5), Some(0x47));
        assert_eq!(field_named("Push-Flag", 1), None);
        let start = |version| parameters_named("start", version).next().unwrap().number;
        assert_eq!((start(3), start(4)), (0x0A, 0x19));
    }

    #[test]
    fn statuses_are_those_of_http() {
        assert_eq!(http_status(0x20), Some(200));
        assert_eq!(http_status(0x44), Some(404));
        assert_eq!(http_status(0x51), Some(417));
        assert_eq!(http_status(0x63), Some(503));
        assert_eq!(http_status(0x36), None);
        assert_eq!((reply_status(417), reply_status(499)), (0x51, 0x40));
        assert_eq!(abort_name(0xEC), Some("USERPND"));
    }
}
