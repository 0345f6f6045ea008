//! WSP PDUs: the connectionless service with its transaction id in front, and those of a session.
//!
//! **Source:** WAP-230 sections 7.2, 8.2.1 to 8.2.5; types in table 34. Extended methods 50 to 5F and 70 to 7F read as
//! their class's first one does.

use super::capability::Capabilities;
use super::header::Headers;
use super::media::ContentType;
use super::rigour::Rigour;
use crate::codec::cursor::{Cursor, put_uintvar};
use crate::codec::sia::Addresses;
use crate::codec::{Class, DecodeError};

/// A datagram of the connectionless service.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// The transaction, of a push the push id.
    pub tid: u8,
    /// The PDU.
    pub pdu: Pdu<'a>,
}

/// A connectionless push.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// The transaction.
    pub tid: u8,
    /// What is pushed.
    pub content: Content<'a>,
}

/// A PDU.
#[derive(Clone, Copy, Debug)]
pub enum Pdu<'a> {
    /// Opens a session.
    Connect {
        /// Major and minor number, 10 for 1.0.
        version: u8,
        /// What the client offers.
        capabilities: Capabilities<'a>,
        /// Session headers.
        headers: Headers<'a>,
    },
    /// Grants it.
    ConnectReply {
        /// The session's number.
        session_id: u32,
        /// What the server takes.
        capabilities: Capabilities<'a>,
        /// Session headers.
        headers: Headers<'a>,
    },
    /// Sends the client elsewhere.
    Redirect {
        /// 80 permanent, 40 the security session may be used there.
        flags: u8,
        /// Where.
        addresses: Addresses<'a>,
    },
    /// Answers a method or a resumption.
    Reply {
        /// The status; [`super::assigned::http_status`] names it.
        status: u8,
        /// What is answered; without a media type only when there are no headers.
        content: Option<Content<'a>>,
        /// The body when there is no media type.
        body: &'a [u8],
    },
    /// Ends a session.
    Disconnect {
        /// Its number.
        session_id: u32,
    },
    /// A push.
    Push(Content<'a>),
    /// A push whose receipt is confirmed.
    ConfirmedPush(Content<'a>),
    /// Suspends a session.
    Suspend {
        /// Its number.
        session_id: u32,
    },
    /// Resumes a session.
    Resume {
        /// Its number.
        session_id: u32,
        /// None by the letter.
        capabilities: Capabilities<'a>,
        /// Session headers.
        headers: Headers<'a>,
    },
    /// A method without a body.
    Get {
        /// The PDU's type, which is the method's number.
        method: u8,
        /// What is asked for.
        uri: &'a [u8],
        /// Request headers.
        headers: Headers<'a>,
    },
    /// A method with a body.
    Post {
        /// The PDU's type, which is the method's number.
        method: u8,
        /// What it is for.
        uri: &'a [u8],
        /// What is sent.
        content: Content<'a>,
    },
    /// A further part of a large message.
    DataFragment {
        /// Headers of the part.
        headers: Headers<'a>,
        /// The part.
        body: &'a [u8],
    },
}

/// Media type, headers and body.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The media type.
    pub content_type: ContentType<'a>,
    /// The headers behind it.
    pub headers: Headers<'a>,
    /// Octets before the body.
    pub body_at: usize,
    /// The body.
    pub body: &'a [u8],
}

/// What an end of a session may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client.
    ToServer,
    /// The server.
    ToClient,
    /// Either.
    Any,
}

impl<'a> Push<'a> {
    /// Reads a connectionless push by the letter, without allocating.
    ///
    /// # Errors
    /// The first fault; [`Class::UnknownPdu`] for every other PDU.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(octets, &mut Rigour::Strict)
    }

    /// Reads a connectionless push.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn read(octets: &'a [u8], rigour: &mut Rigour) -> Result<Self, DecodeError> {
        // A PDU is as large as the largest of its kinds: a push, which nearly all are, is not moved about as one.
        if let [tid, 0x06, rest @ ..] = octets {
            let content = content(&mut Cursor::within("wsp", rest, 2), rigour)?;
            return Ok(Self { tid: *tid, content });
        }
        let datagram = Datagram::read(octets, rigour)?;
        match datagram.pdu {
            Pdu::Push(content) | Pdu::ConfirmedPush(content) => Ok(Self {
                tid: datagram.tid,
                content,
            }),
            _ => Err(DecodeError {
                format: "wsp",
                offset: 1,
                class: Class::UnknownPdu,
                expected: "a Push",
            }),
        }
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Datagram {
            tid: self.tid,
            pdu: Pdu::Push(self.content),
        }
        .encode()
    }
}

impl<'a> Datagram<'a> {
    /// Reads a datagram of the connectionless service.
    ///
    /// # Errors
    /// The first fault; [`Class::UnknownPdu`] for PDUs of sessions.
    pub fn read(octets: &'a [u8], rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("wsp", octets);
        let tid = cursor.octet("a transaction id")?;
        let at = cursor.offset();
        if let Some(session @ (0x01..=0x03 | 0x05 | 0x07..=0x09 | 0x80)) = cursor.peek() {
            // Shipped receivers take a ConfirmedPush here.
            let expected = "a PDU of the connectionless service";
            if session != 0x07 {
                return Err(cursor.fault_at(at, Class::UnknownPdu, expected));
            }
            rigour.deviate(&cursor, at, Class::UnknownPdu, expected)?;
        }
        Ok(Self {
            tid,
            pdu: Pdu::read(&mut cursor, rigour)?,
        })
    }

    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tid];
        self.pdu.put(&mut out);
        out
    }
}

impl<'a> Pdu<'a> {
    /// Reads a PDU that takes all that is left of `cursor`.
    ///
    /// # Errors
    /// The first fault; [`Class::UnknownPdu`] for a type that is not assigned.
    pub fn read(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Self, DecodeError> {
        let at = cursor.offset();
        let pdu = match cursor.octet("a PDU type")? {
            0x01 => {
                let version = cursor.octet("a version")?;
                let (capabilities, headers) = session(cursor, rigour)?;
                Self::Connect {
                    version,
                    capabilities,
                    headers,
                }
            }
            0x02 => {
                let session_id = rigour.uintvar(cursor)?;
                let (capabilities, headers) = session(cursor, rigour)?;
                Self::ConnectReply {
                    session_id,
                    capabilities,
                    headers,
                }
            }
            0x03 => Self::Redirect {
                flags: cursor.octet("flags")?,
                addresses: Addresses::read(all(cursor)?)?,
            },
            0x04 => reply(cursor, rigour)?,
            0x05 => Self::Disconnect {
                session_id: rigour.uintvar(cursor)?,
            },
            0x06 => Self::Push(content(cursor, rigour)?),
            0x07 => Self::ConfirmedPush(content(cursor, rigour)?),
            0x08 => Self::Suspend {
                session_id: rigour.uintvar(cursor)?,
            },
            0x09 => resume(cursor, rigour)?,
            method @ (0x40..=0x44 | 0x50..=0x5F) => get(cursor, method, rigour)?,
            method @ (0x60..=0x61 | 0x70..=0x7F) => post(cursor, method, rigour)?,
            0x80 => fragment(cursor, rigour)?,
            _ => return Err(cursor.fault_at(at, Class::UnknownPdu, "an assigned PDU type")),
        };
        if !cursor.is_empty() {
            let at = cursor.offset();
            rigour.deviate(cursor, at, Class::BadLength, "the end of the PDU")?;
        }
        Ok(pdu)
    }

    /// The number of its type.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::Connect { .. } => 0x01,
            Self::ConnectReply { .. } => 0x02,
            Self::Redirect { .. } => 0x03,
            Self::Reply { .. } => 0x04,
            Self::Disconnect { .. } => 0x05,
            Self::Push(_) => 0x06,
            Self::ConfirmedPush(_) => 0x07,
            Self::Suspend { .. } => 0x08,
            Self::Resume { .. } => 0x09,
            Self::Get { method, .. } | Self::Post { method, .. } => *method,
            Self::DataFragment { .. } => 0x80,
        }
    }

    /// Whether an end of a session may send it.
    #[must_use]
    pub fn goes(&self, direction: Direction) -> bool {
        match self {
            Self::Connect { .. } | Self::Resume { .. } | Self::Get { .. } | Self::Post { .. } => {
                direction != Direction::ToClient
            }
            Self::ConnectReply { .. }
            | Self::Redirect { .. }
            | Self::Reply { .. }
            | Self::Push(_)
            | Self::ConfirmedPush(_) => direction != Direction::ToServer,
            Self::Disconnect { .. } | Self::Suspend { .. } | Self::DataFragment { .. } => true,
        }
    }

    /// Appends the octets.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(self.number());
        match self {
            Self::Connect {
                version,
                capabilities,
                headers,
            } => {
                out.push(*version);
                put_session(out, capabilities, headers);
            }
            Self::ConnectReply {
                session_id,
                capabilities,
                headers,
            } => {
                put_uintvar(out, *session_id);
                put_session(out, capabilities, headers);
            }
            Self::Resume {
                session_id,
                capabilities,
                headers,
            } => {
                put_uintvar(out, *session_id);
                put_len(out, capabilities.octets().len());
                out.extend_from_slice(capabilities.octets());
                out.extend_from_slice(headers.octets());
            }
            Self::Redirect { flags, addresses } => {
                out.push(*flags);
                out.extend_from_slice(addresses.octets());
            }
            Self::Disconnect { session_id } | Self::Suspend { session_id } => {
                put_uintvar(out, *session_id);
            }
            Self::Push(content) | Self::ConfirmedPush(content) => put_content(out, content),
            Self::Reply { .. }
            | Self::Get { .. }
            | Self::Post { .. }
            | Self::DataFragment { .. } => {
                self.put_method(out);
            }
        }
    }

    /// Appends the octets of a method, its answer or a part of one.
    fn put_method(&self, out: &mut Vec<u8>) {
        match self {
            Self::Reply {
                status,
                content,
                body,
            } => {
                out.push(*status);
                match content {
                    Some(content) => put_content(out, content),
                    None => {
                        out.push(0);
                        out.extend_from_slice(body);
                    }
                }
            }
            Self::Get { uri, headers, .. } => {
                put_len(out, uri.len());
                out.extend_from_slice(uri);
                out.extend_from_slice(headers.octets());
            }
            Self::Post { uri, content, .. } => {
                put_len(out, uri.len());
                put_len(out, head_len(content));
                out.extend_from_slice(uri);
                put_parts(out, content);
            }
            Self::DataFragment { headers, body } => {
                put_len(out, headers.octets().len());
                out.extend_from_slice(headers.octets());
                out.extend_from_slice(body);
            }
            _ => {}
        }
    }
}

const HEADERS: &str = "headers of that length";
const URI: &str = "a URI of that length";

/// A cursor over all that is left.
fn all<'a>(cursor: &mut Cursor<'a>) -> Result<Cursor<'a>, DecodeError> {
    let at = cursor.offset();
    cursor.container(
        u32::try_from(cursor.left()).unwrap_or(u32::MAX),
        at,
        HEADERS,
    )
}

/// Lengths of capabilities and headers, and both.
fn session<'a>(
    cursor: &mut Cursor<'a>,
    rigour: &mut Rigour,
) -> Result<(Capabilities<'a>, Headers<'a>), DecodeError> {
    let at = cursor.offset();
    let capabilities_len = rigour.uintvar(cursor)?;
    let headers_at = cursor.offset();
    let headers_len = rigour.uintvar(cursor)?;
    let list = cursor.container(capabilities_len, at, "capabilities of that length")?;
    let capabilities = Capabilities::read(list, rigour)?;
    let block = cursor.container(headers_len, headers_at, HEADERS)?;
    Ok((capabilities, Headers::read(block, rigour)?))
}

fn get<'a>(
    cursor: &mut Cursor<'a>,
    method: u8,
    rigour: &mut Rigour,
) -> Result<Pdu<'a>, DecodeError> {
    let at = cursor.offset();
    let len = rigour.uintvar(cursor)?;
    let uri = cursor.container(len, at, URI)?.rest();
    Ok(Pdu::Get {
        method,
        uri,
        headers: Headers::read(all(cursor)?, rigour)?,
    })
}

fn post<'a>(
    cursor: &mut Cursor<'a>,
    method: u8,
    rigour: &mut Rigour,
) -> Result<Pdu<'a>, DecodeError> {
    let at = cursor.offset();
    let len = rigour.uintvar(cursor)?;
    let headers_at = cursor.offset();
    let headers_len = rigour.uintvar(cursor)?;
    let uri = cursor.container(len, at, URI)?.rest();
    Ok(Pdu::Post {
        method,
        uri,
        content: content_of(cursor, headers_len, headers_at, rigour)?,
    })
}

fn fragment<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Pdu<'a>, DecodeError> {
    let at = cursor.offset();
    let len = rigour.uintvar(cursor)?;
    let headers = cursor.container(len, at, HEADERS)?;
    Ok(Pdu::DataFragment {
        headers: Headers::read(headers, rigour)?,
        body: cursor.rest(),
    })
}

fn resume<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Pdu<'a>, DecodeError> {
    let session_id = rigour.uintvar(cursor)?;
    let at = cursor.offset();
    let len = rigour.uintvar(cursor)?;
    if len != 0 {
        rigour.deviate(cursor, at, Class::BadValue, "no capabilities")?;
    }
    let list = cursor.container(len, at, "capabilities of that length")?;
    let capabilities = Capabilities::read(list, rigour)?;
    Ok(Pdu::Resume {
        session_id,
        capabilities,
        headers: Headers::read(all(cursor)?, rigour)?,
    })
}

fn reply<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Pdu<'a>, DecodeError> {
    let status = cursor.octet("a status")?;
    let mut peek = *cursor;
    // Answers to a resumption have neither media type nor headers.
    if peek.uintvar_any()?.value == 0 {
        rigour.uintvar(cursor)?;
        return Ok(Pdu::Reply {
            status,
            content: None,
            body: cursor.rest(),
        });
    }
    Ok(Pdu::Reply {
        status,
        content: Some(content(cursor, rigour)?),
        body: &[],
    })
}

fn content<'a>(cursor: &mut Cursor<'a>, rigour: &mut Rigour) -> Result<Content<'a>, DecodeError> {
    let at = cursor.offset();
    let len = rigour.uintvar(cursor)?;
    content_of(cursor, len, at, rigour)
}

fn content_of<'a>(
    cursor: &mut Cursor<'a>,
    headers_len: u32,
    declared_at: usize,
    rigour: &mut Rigour,
) -> Result<Content<'a>, DecodeError> {
    let mut block = cursor.container(headers_len, declared_at, HEADERS)?;
    let content_type = ContentType::read(&mut block, rigour)?;
    let headers = Headers::read(block, rigour)?;
    let body_at = cursor.offset();
    Ok(Content {
        content_type,
        headers,
        body_at,
        body: cursor.rest(),
    })
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    put_uintvar(out, u32::try_from(len).unwrap_or(u32::MAX));
}

fn put_session(out: &mut Vec<u8>, capabilities: &Capabilities<'_>, headers: &Headers<'_>) {
    put_len(out, capabilities.octets().len());
    put_len(out, headers.octets().len());
    out.extend_from_slice(capabilities.octets());
    out.extend_from_slice(headers.octets());
}

fn head_len(content: &Content<'_>) -> usize {
    let headers = content.headers.octets().len();
    content.content_type.octets.len().saturating_add(headers)
}

fn put_content(out: &mut Vec<u8>, content: &Content<'_>) {
    put_len(out, head_len(content));
    put_parts(out, content);
}

fn put_parts(out: &mut Vec<u8>, content: &Content<'_>) {
    out.extend_from_slice(content.content_type.octets);
    out.extend_from_slice(content.headers.octets());
    out.extend_from_slice(content.body);
}
