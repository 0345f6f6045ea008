//! How a response bears what is unread.

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Body;
use hyper::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use super::Form;
use super::rules::directives;
use crate::codec::site_message::{FORM, Stamp, UNREAD};

/// The largest body that is wrapped; a larger one is passed on, and bears a header.
const BODY_OCTETS: usize = 1 << 20;

/// The header of events for htmx.
const HTMX: &str = "hx-trigger";

/// What keeps one header of a response out of shared caches.
const PRIVATE_HEADER: &str = "private=\"sirgate-unread\"";
const PRIVATE_EVENT: &str = "private=\"hx-trigger\"";

/// The body of a stamped response.
pub(super) type Borne<B> = Either<B, Full<Bytes>>;

/// The same response with the stamp, in the form that it can bear.
pub(super) async fn attach<B>(
    response: Response<B>,
    stamp: &Stamp,
    form: Form,
    method: &Method,
) -> Response<Borne<B>>
where
    B: Body<Data = Bytes> + Unpin,
{
    match form {
        Form::Json if is_json(response.headers()) && has_body(&response, method) => {
            wrap(response, stamp, "json", |body, headers| {
                let own = headers.get(CONTENT_TYPE).cloned();
                let own = own.unwrap_or_else(|| HeaderValue::from_static("application/json"));
                Some((stamp.envelope(body), own))
            })
            .await
        }
        Form::Multipart if has_body(&response, method) => {
            wrap(response, stamp, "multipart", |body, headers| {
                let own = headers.get(CONTENT_TYPE);
                let own = own.map_or(Some("application/octet-stream"), |it| it.to_str().ok())?;
                let boundary = boundary(body);
                let outer = format!("multipart/mixed; boundary=\"{boundary}\"");
                let outer = HeaderValue::from_str(&outer).ok()?;
                Some((stamp.second_part(body, own, &boundary), outer))
            })
            .await
        }
        Form::Htmx if !response.headers().contains_key(HTMX) => {
            let mut response = response.map(Either::Left);
            put(response.headers_mut(), HTMX, &stamp.trigger());
            keep_from_shared_caches(response.headers_mut(), PRIVATE_EVENT);
            response
        }
        Form::Header | Form::Json | Form::Multipart | Form::Htmx => {
            let mut response = response.map(Either::Left);
            put(response.headers_mut(), UNREAD, &stamp.header());
            keep_from_shared_caches(response.headers_mut(), PRIVATE_HEADER);
            response
        }
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let Ok(value) = HeaderValue::from_str(value) else {
        return;
    };
    headers.insert(HeaderName::from_static(name), value);
    // A page of another origin sees no header that is not named.
    if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        let name = HeaderValue::from_static(name);
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, name);
    }
}

/// Says that it is one user's, where nothing says so yet: a shared cache may keep what only has an age (RFC 9111 section
/// 3), and of a response that names a header here all but that header (section 5.2.2.7).
fn keep_from_shared_caches(headers: &mut HeaderMap, directive: &'static str) {
    let is_kept_from_them = directives(headers)
        .any(|own| own.eq_ignore_ascii_case("no-store") || own.eq_ignore_ascii_case("private"));
    if !is_kept_from_them {
        headers.append(CACHE_CONTROL, HeaderValue::from_static(directive));
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let own = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = own.and_then(|own| own.split(';').next());
    essence.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}

/// True for a response whose body can be wrapped: there is one, whole and not encoded.
fn has_body<B: Body>(response: &Response<B>, method: &Method) -> bool {
    let status = response.status();
    let is_empty = matches!(
        status,
        StatusCode::NO_CONTENT
            | StatusCode::RESET_CONTENT
            | StatusCode::NOT_MODIFIED
            | StatusCode::PARTIAL_CONTENT
    );
    let most = u64::try_from(BODY_OCTETS).unwrap_or(u64::MAX);
    *method != Method::HEAD
        && !is_empty
        && !response.headers().contains_key(CONTENT_ENCODING)
        && response
            .body()
            .size_hint()
            .upper()
            .is_some_and(|it| it <= most)
}

/// A boundary that does not stand in the body.
fn boundary(body: &[u8]) -> String {
    let mut number = 0_u64;
    loop {
        let boundary = format!("sirgate-{number}");
        if memchr::memmem::find(body, boundary.as_bytes()).is_none() {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

/// The response with another body around its own; a body that breaks off stays broken off.
async fn wrap<B>(
    response: Response<B>,
    stamp: &Stamp,
    form: &'static str,
    around: impl FnOnce(&[u8], &HeaderMap) -> Option<(Vec<u8>, HeaderValue)>,
) -> Response<Borne<B>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (mut head, mut body) = response.into_parts();
    let read = (&mut body).collect().await;
    let own = match read {
        Ok(own) => own.to_bytes(),
        // Its length was known to fit, so that what is missing never came: the length in the head tells the client.
        Err(_) => return Response::from_parts(head, Either::Left(body)),
    };
    let Some((octets, content_type)) = around(&own, &head.headers) else {
        put(&mut head.headers, UNREAD, &stamp.header());
        keep_from_shared_caches(&mut head.headers, PRIVATE_HEADER);
        return Response::from_parts(head, Either::Right(Full::new(own)));
    };
    for name in [ETAG, LAST_MODIFIED, ACCEPT_RANGES] {
        // They are about the body that is inside now.
        head.headers.remove(name);
    }
    head.headers.insert(CONTENT_TYPE, content_type);
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(octets.len()));
    put(&mut head.headers, FORM, form);
    keep_from_shared_caches(&mut head.headers, "private");
    Response::from_parts(head, Either::Right(Full::new(octets.into())))
}
