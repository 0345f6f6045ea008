//! A SIR as a push over HTTP on a connection that we open, and what its answer means.
//!
//! **Source:** WAP-235 sections 7.1 (PO-TCP: an empty Host, one resource) and 7.5 (outcomes), SIN 101.

use bytes::Bytes;

use super::sip::Reading;
use crate::codec::ota_http::{PATH, PUSH_TYPE, PushStatus, header, sir};
use crate::codec::sir::Wrapped;
use crate::event::Reason;
use crate::world::{FetchError, HttpRequest, HttpResponse};

/// The request with a SIR, to the terminal at `http://host:port`.
#[must_use]
pub fn request_of(address: &str, sir: &Wrapped) -> HttpRequest {
    post(address, sir::push_of(sir))
}

/// The request with a push.
#[must_use]
pub fn post(address: &str, push: Vec<u8>) -> HttpRequest {
    let row = |name: &str, value: &str| (name.to_ascii_lowercase(), value.to_owned());
    HttpRequest {
        method: "POST".to_owned(),
        target: format!("{}{PATH}", address.trim_end_matches('/')),
        headers: vec![
            row("Host", ""),
            row(header::VERSION, "1.0"),
            row("Content-Type", PUSH_TYPE),
        ],
        body: Bytes::from(push),
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
    let status = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(header::STATUS))
        .and_then(|(_, value)| PushStatus::decode(value));
    let reading = match (status.map(PushStatus::code), response.status) {
        (Some(400 | 401), _) => Reading::Taken { long: false },
        (Some(234 | 237), _) => Reading::Unheard("the device cannot take the SIR now"),
        (Some(235), _) => Reading::Refused(Reason::User),
        (Some(236), _) => Reading::Refused(Reason::Mismatch),
        (Some(238), _) => Reading::Refused(Reason::Capability),
        (Some(256), _) => Reading::Failed("the device wants its capability tag"),
        (Some(257), _) => Reading::Failed("the device is not provisioned for this gateway"),
        (Some(600), _) => Reading::Failed("the device takes another version of OTA-HTTP"),
        // A terminal that names no outcome and takes the request has it.
        (None, 200..=299) => Reading::Taken { long: false },
        (_, 401 | 407 | 412) => Reading::Failed("the device wants credentials"),
        (_, 408 | 429 | 500..=599) => Reading::Unheard("the device cannot take the SIR now"),
        _ => Reading::Failed("the device takes no SIR over HTTP"),
    };
    let status = match (status, reading) {
        (_, Reading::Taken { .. }) => 200,
        (Some(status), _) => status.code(),
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
        let request = request_of("http://192.0.2.11:4035", &sir.encode());
        assert_eq!(request.target, "http://192.0.2.11:4035/wappush");
        assert_eq!(request.header("host"), Some(""));
        assert_eq!(request.header("content-type"), Some("application/http"));
        let read = sir::sir_of(&request.body).unwrap();
        assert_eq!(read, sir.encode().decode().unwrap());
    }

    #[test]
    fn r2_52_the_table_of_outcomes() {
        use Reading::{Failed, Refused, Taken, Unheard};
        let now = Unheard("the device cannot take the SIR now");
        for (http, status, expected) in [
            (204, Some("400 Accepted"), (200, Taken { long: false })),
            (204, Some("401"), (200, Taken { long: false })),
            (204, None, (200, Taken { long: false })),
            (204, Some("234 Rejected"), (234, now)),
            (204, Some("235"), (235, Refused(Reason::User))),
            (204, Some("238"), (238, Refused(Reason::Capability))),
            (
                204,
                Some("256"),
                (256, Failed("the device wants its capability tag")),
            ),
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
