//! An MSRP message as named fields, for people and programs at the command line.
//!
//! **Source:** RFC 4975 sections 7 and 9.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Flag, Headers, Message, Method, Path, Request, Response};
use crate::codec::format::{Decoded, FieldFault, Format};
use crate::codec::rows::{self, Gapless};
use crate::codec::{DecodeError, Span};

const CLAUSE: &str = "RFC 4975 9";

/// MSRP requests and responses.
pub const FORMAT: Format = Format {
    name: "msrp",
    clause: CLAUSE,
    decode,
    spans,
    encode,
};

fn decode(octets: &[u8], _lenient: bool) -> Result<Decoded, DecodeError> {
    let message = Message::decode(&Bytes::copy_from_slice(octets))?;
    Ok(Decoded::strict(fields(&message)))
}

fn fields(message: &Message) -> Value {
    let mut fields = Map::new();
    fields.insert("tid".into(), message.tid().into());
    let (from_path, headers, flag) = match message {
        Message::Request(request) => {
            fields.insert("method".into(), request.method.name().into());
            (&request.from_path, &request.headers, request.flag)
        }
        Message::Response(response) => {
            fields.insert("status".into(), response.status.into());
            if let Some(reason) = &response.reason {
                fields.insert("reason".into(), reason.as_ref().into());
            }
            (&response.from_path, &response.headers, response.flag)
        }
    };
    fields.insert(
        "to_path".into(),
        json!(message.to_path().iter().collect::<Vec<_>>()),
    );
    fields.insert(
        "from_path".into(),
        json!(from_path.iter().collect::<Vec<_>>()),
    );
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    fields.insert("headers".into(), rows::headers(headers));
    if let Message::Request(Request {
        body: Some(body), ..
    }) = message
    {
        rows::put(&mut fields, "body", body);
    }
    let flag = char::from(flag.octet()).to_string();
    fields.insert("flag".into(), flag.into());
    Value::Object(fields)
}

fn encode(fields: &Value) -> Result<Vec<u8>, FieldFault> {
    let tid = text(fields, "tid")?;
    let (to_path, from_path) = (path(fields, "to_path")?, path(fields, "from_path")?);
    let mut headers = Headers::default();
    for (name, value) in rows::headers_of(fields)? {
        let value = String::from_utf8(value)
            .map_err(|_| FieldFault::new(format_args!("headers: {name} is UTF-8")))?;
        headers.push(&name, value);
    }
    let flag = match fields.get("flag") {
        None => Flag::Last,
        Some(flag) => flag
            .as_str()
            .and_then(|flag| flag.bytes().next().filter(|_| flag.len() == 1))
            .and_then(Flag::of)
            .ok_or_else(|| FieldFault::new("flag: one of $, + and #"))?,
    };
    let message = if fields.get("method").is_some() {
        let method = match text(fields, "method")? {
            "SEND" => Method::Send,
            "REPORT" => Method::Report,
            other => Method::Other(other.to_owned()),
        };
        let mut request = Request::new(method, tid, to_path, from_path);
        request.headers = headers;
        request.body = rows::take(fields, "body")?.map(Bytes::from);
        request.flag = flag;
        Message::Request(request)
    } else {
        let status = fields
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .ok_or_else(|| FieldFault::new("method or status: one of them"))?;
        Message::Response(Response {
            tid: tid.to_owned(),
            status,
            reason: fields
                .get("reason")
                .and_then(Value::as_str)
                .map(|reason| reason.to_owned().into()),
            to_path,
            from_path,
            headers,
            flag,
        })
    };
    let octets = message.encode();
    match Message::decode(&octets) {
        Ok(again) if again == message => Ok(octets.to_vec()),
        Ok(_) => Err(FieldFault::new("these fields are read as others")),
        Err(fault) => Err(FieldFault::new(format_args!("no MSRP message: {fault}"))),
    }
}

fn text<'a>(fields: &'a Value, key: &str) -> Result<&'a str, FieldFault> {
    fields
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| FieldFault::new(format_args!("{key}: a text")))
}

fn path(fields: &Value, key: &str) -> Result<Path, FieldFault> {
    let fault = || FieldFault::new(format_args!("{key}: a list of URIs"));
    let uris = fields.get(key).and_then(Value::as_array);
    let uri = |uri: &Value| {
        let text = uri.as_str().filter(|text| !text.contains(' '));
        text.map(str::to_owned).ok_or_else(fault)
    };
    let uris: Vec<String> = uris
        .ok_or_else(fault)?
        .iter()
        .map(uri)
        .collect::<Result<_, _>>()?;
    Ok(uris.into())
}

/// A row each: start line, headers, body, end-line.
fn spans(octets: &[u8], _lenient: bool) -> Vec<Span> {
    let mut spans = Gapless::new("msrp.further", CLAUSE);
    let Ok(message) = Message::decode(&Bytes::copy_from_slice(octets)) else {
        return Vec::new();
    };
    let close = format!("-------{}", message.tid());
    let close_at = memchr::memmem::rfind(octets, close.as_bytes()).unwrap_or(octets.len());
    let has_body = matches!(&message, Message::Request(request) if request.body.is_some());
    let mut at = 0_usize;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let is_blank = line == b"\r\n";
        if at >= close_at || (has_body && is_blank) {
            if is_blank {
                spans.put(at, 2, "msrp.blank".into(), b"end of the headers", CLAUSE);
                at = at.saturating_add(2);
            }
            break;
        }
        let colon = line.iter().position(|octet| *octet == b':');
        let (path, value) = match colon
            .filter(|_| at > 0)
            .and_then(|at| line.split_at_checked(at))
        {
            Some((name, value)) => (
                format!("msrp.{}", String::from_utf8_lossy(name)),
                value.get(1..).unwrap_or_default(),
            ),
            None => ("msrp.start".to_owned(), line),
        };
        spans.put(at, line.len(), path, value, CLAUSE);
        at = at.saturating_add(line.len());
    }
    if has_body {
        let len = close_at.saturating_sub(at);
        let value = format!("{} octets and a line end", len.saturating_sub(2));
        spans.put(at, len, "msrp.body".into(), value.as_bytes(), CLAUSE);
    }
    let end = octets.get(close_at..).unwrap_or_default();
    spans.put(close_at, end.len(), "msrp.end".into(), end, CLAUSE);
    spans.finish(octets.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &[u8] = b"MSRP a786hjs2 SEND\r\nTo-Path: msrp://b.example.com:8888/9di4;tcp\r\n\
        From-Path: msrp://a.example.com:7777/iau3;tcp\r\nMessage-ID: 87652\r\nByte-Range: 1-2/2\r\n\
        Content-Type: text/plain\r\n\r\nhi\r\n-------a786hjs2$\r\n";

    #[test]
    fn a_chunk_reads_back_as_the_same_octets() {
        let read = decode(SEND, false).unwrap();
        assert_eq!(read.fields["tid"], "a786hjs2");
        assert_eq!(read.fields["body"], "hi");
        assert_eq!(encode(&read.fields).unwrap(), SEND);
        let spans = spans(SEND, false);
        assert_eq!(spans.iter().map(|span| span.len).sum::<usize>(), SEND.len());
        assert_eq!(spans[3].path, "msrp.Message-ID");
    }

    #[test]
    fn fields_that_make_no_message_are_refused() {
        let mut fields = decode(SEND, false).unwrap().fields;
        fields["body"] = "x\r\n-------a786hjs2$\r\n".into();
        assert!(encode(&fields).is_err());
        fields["body"] = "x".into();
        fields["flag"] = "?".into();
        assert!(encode(&fields).is_err());
        assert!(encode(&json!({"tid": "a"})).is_err());
    }
}
