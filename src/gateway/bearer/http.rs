//! Requests to a terminal over HTTP, and what their answers mean.
//!
//! **Source:** WAP-235 sections 7.1 (PO-TCP: an empty Host, one resource), 7.2 to 7.4 (registration, push,
//! authentication) and 7.5 (outcomes), SIN 101. What is known of a terminal is in [`super::terminal`].

use std::borrow::Cow;

use bytes::Bytes;

use super::content_rows;
use super::sip::Reading;
use super::terminal::{Capabilities, status_of};
use crate::codec::deflate;
use crate::codec::ota_http::{AuthStatus, Authentication, PATH, PORTS, PUSH_TYPE, header, sir};
use crate::codec::sir::Wrapped;
use crate::event::Reason;
use crate::gateway::push::submission::{Content, Push};
use crate::gateway::push::transform::{Failure, Way, is_fixed, shaped};
use crate::world::{FetchError, HttpRequest, HttpResponse};

/// A registration (`OPTIONS`) of the terminal at `http://host:port`, with further rows. The address is empty for a
/// connection that the terminal opened.
#[must_use]
pub fn registration(address: &str, rows: Vec<(String, String)>) -> HttpRequest {
    request("OPTIONS", address, rows, Vec::new())
}

/// A push to the terminal at `http://host:port`, with further rows.
#[must_use]
pub fn post(address: &str, mut rows: Vec<(String, String)>, push: Vec<u8>) -> HttpRequest {
    rows.push(row("Content-Type", PUSH_TYPE));
    request("POST", address, rows, push)
}

/// A row of a request.
#[must_use]
pub fn row(name: &str, value: &str) -> (String, String) {
    (name.to_ascii_lowercase(), value.to_owned())
}

/// The push with a SIR.
#[must_use]
pub fn push_of(sir: &Wrapped) -> Vec<u8> {
    sir::push_of(sir)
}

/// Why a content does not go to a terminal by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The terminal takes nothing of its type, its application or its size.
    Refused,
    /// It cannot be had in the form that the terminal takes.
    Form(Failure),
}

/// The push with a content in the form that the terminal takes: what its initiator said of it, what names it among
/// ours, and what is asked where no SIR did.
///
/// # Errors
/// When the terminal takes it in no form.
pub fn content_of(push: &Push, takes: &Capabilities, asks: bool) -> Result<Vec<u8>, Unfit> {
    let content = shaped(&push.content, Way::Any, Some(takes.accept())).map_err(Unfit::Form)?;
    let coded = coded(&content, takes);
    let coding = coded.as_ref().map(|_| ("Content-Encoding", deflate::NAME));
    let rows = content_rows(push, &content, asks);
    let rows = rows.iter().map(|(name, value)| (&**name, &**value));
    let rows = rows.filter(|(name, _)| coding.is_none() || !is_of_coding(name));
    let rows = rows.chain(coding);
    let body = coded.as_deref().unwrap_or(&content.body);
    let whole = sir::response_of(rows, &content.content_type, body);
    if takes.fits(&content.content_type, &content.application, whole.len()) {
        Ok(whole)
    } else {
        Err(Unfit::Refused)
    }
}

/// The body in the coding that the terminal takes, where that is shorter and the initiator leaves it to us.
fn coded(content: &Content, takes: &Capabilities) -> Option<Vec<u8>> {
    if !takes.takes_coding(deflate::NAME) || is_fixed(content) {
        return None;
    }
    let coded = deflate::deflate(&content.body);
    let gain = content.body.len().saturating_sub(coded.len());
    (gain > CODING_ROW).then_some(coded)
}

/// Octets of the row that tells of the coding.
const CODING_ROW: usize = "Content-Encoding: deflate\r\n".len();

/// What holds for the octets before they were coded, or says that they are not.
fn is_of_coding(name: &str) -> bool {
    ["content-encoding", "content-md5", "content-length"]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name))
}

/// What a terminal that has to prove itself is asked, and how its last answer was judged.
#[must_use]
pub fn challenge(realm: &str, nonce: &str, judged: Option<AuthStatus>) -> String {
    let param = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut params = vec![
        param("realm", realm),
        param("nonce", nonce),
        param("algorithm", "SHA-1"),
    ];
    params.extend(judged.map(|judged| param("x-wap-auth-status", judged.name())));
    Authentication::Digest(params).to_string()
}

fn request(method: &str, address: &str, rows: Vec<(String, String)>, body: Vec<u8>) -> HttpRequest {
    let mut headers = vec![row("Host", ""), row(header::VERSION, "1.0")];
    headers.extend(rows);
    HttpRequest {
        method: method.to_owned(),
        target: format!("{}{PATH}", with_port(address.trim_end_matches('/'))),
        headers,
        body: Bytes::from(body),
    }
}

/// A provisioned or agreed port counts, else the registered one of push (WAP-235 section 7.1, SIN 101).
fn with_port(address: &str) -> Cow<'_, str> {
    let (port, rest) = match (
        address.strip_prefix("http://"),
        address.strip_prefix("https://"),
    ) {
        (Some(rest), _) => (PORTS.0, rest),
        (_, Some(rest)) => (PORTS.1, rest),
        _ => return address.into(),
    };
    // The colons of an address of IPv6 stand in brackets.
    let is_said = rest.rsplit(']').next().is_some_and(|end| end.contains(':'));
    if is_said || rest.is_empty() {
        address.into()
    } else {
        format!("{address}:{port}").into()
    }
}

/// Reads the answer of a terminal: a status of SIP that says the same, and what to do.
#[must_use]
pub fn read(response: &Result<HttpResponse, FetchError>) -> (u16, Reading) {
    let response = match response {
        Ok(response) => response,
        Err(FetchError::BadUrl) => {
            return (503, Reading::Failed("the device's HTTP address is none"));
        }
        Err(FetchError::Unreachable) => {
            return (503, Reading::Unheard("the device takes no connection"));
        }
        Err(FetchError::TimedOut | FetchError::Broken) => {
            return (408, Reading::Unheard("no answer to the SIR"));
        }
    };
    let status = status_of(response);
    let reading = match (status, response.status) {
        (Some(400 | 401), _) => Reading::Taken { long: false },
        // A quiet or busy device is so on every bearer, as when it says so by SIP.
        (Some(234 | 237), _) => Reading::Later(None),
        (Some(300), _) => Reading::Unheard("the device cannot take the SIR now"),
        (Some(235), _) => Reading::Refused(Reason::User),
        (Some(236), _) => Reading::Refused(Reason::Mismatch),
        (Some(238), _) => Reading::Refused(Reason::Capability),
        (Some(256), _) => Reading::Failed("the device wants its capability tag"),
        (Some(301), _) => Reading::Failed("the device takes no registration"),
        (Some(257 | 302), _) => Reading::Failed("the device is not provisioned for this gateway"),
        (Some(600), _) => Reading::Failed("the device takes another version of OTA-HTTP"),
        // A terminal that names no outcome and takes the request has it.
        (None, 200..=299) => Reading::Taken { long: false },
        (_, 401 | 407 | 412) => Reading::Failed("the device wants credentials"),
        (_, 408 | 429 | 500..=599) => Reading::Unheard("the device cannot take the SIR now"),
        _ => Reading::Failed("the device takes no SIR over HTTP"),
    };
    let status = match (status, reading) {
        (_, Reading::Taken { .. }) => 200,
        (Some(status), _) => status,
        (None, _) => response.status,
    };
    (status, reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sir::Sir;

    fn answer(http: u16, status: Option<&str>) -> Result<HttpResponse, FetchError> {
        let row = |value: &str| ("x-wap-push-status".to_owned(), value.to_owned());
        Ok(HttpResponse {
            status: http,
            headers: status.map(row).into_iter().collect(),
            body: Bytes::new(),
        })
    }

    #[test]
    fn r2_52_the_request_holds_the_sir_as_a_whole_response() {
        let sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
        let request = post("http://192.0.2.11:4035", Vec::new(), push_of(&sir.encode()));
        assert_eq!(request.target, "http://192.0.2.11:4035/wappush");
        assert_eq!(request.header("host"), Some(""));
        assert_eq!(request.header("content-type"), Some("application/http"));
        let read = sir::sir_of(&request.body).unwrap();
        assert_eq!(read, sir.encode().decode().unwrap());
    }

    #[test]
    fn ota_http_002_a_port_that_is_agreed_counts_else_the_registered_one() {
        for (address, target) in [
            ("http://192.0.2.11", "http://192.0.2.11:4035/wappush"),
            ("https://192.0.2.11/", "https://192.0.2.11:4036/wappush"),
            ("http://192.0.2.11:80", "http://192.0.2.11:80/wappush"),
            ("http://[2001:db8::9]", "http://[2001:db8::9]:4035/wappush"),
            ("https://[2001:db8::9]:1", "https://[2001:db8::9]:1/wappush"),
            ("", "/wappush"),
        ] {
            let request = post(address, Vec::new(), Vec::new());
            assert_eq!(request.target, target);
        }
    }

    #[test]
    fn r2_52_the_table_of_outcomes() {
        use Reading::{Failed, Later, Refused, Taken, Unheard};
        let now = Unheard("the device cannot take the SIR now");
        for (http, status, expected) in [
            (204, Some("400 Accepted"), (200, Taken { long: false })),
            (204, Some("401"), (200, Taken { long: false })),
            (204, None, (200, Taken { long: false })),
            (204, Some("234 Rejected"), (234, Later(None))),
            (204, Some("237"), (237, Later(None))),
            (204, Some("235"), (235, Refused(Reason::User))),
            (204, Some("238"), (238, Refused(Reason::Capability))),
            (
                204,
                Some("256"),
                (256, Failed("the device wants its capability tag")),
            ),
            (204, Some("300"), (300, now)),
            (503, None, (503, now)),
            (
                404,
                None,
                (404, Failed("the device takes no SIR over HTTP")),
            ),
        ] {
            assert_eq!(read(&answer(http, status)), expected, "{http} {status:?}");
        }
        let gone = Err(FetchError::Unreachable);
        assert_eq!(
            read(&gone),
            (503, Unheard("the device takes no connection"))
        );
    }
}
