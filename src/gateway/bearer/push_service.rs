//! Push services of others, which wake the devices that registered with their names: how one is asked, and what its
//! answer means.
//!
//! **Source:** RFC 8599 sections 4.1 and 5.3 (who is asked), RFC 8030 section 5 (a resource of Web Push is asked itself).
//! Not here: what a SIR holds, since a push service carries nothing of ours, and keys of applications (RFC 8292).

use core::time::Duration;

use bytes::Bytes;

use super::http::row;
use super::sip::Reading;
use crate::codec::sip::push_notification::PushResource;
use crate::world::{FetchError, HttpRequest, HttpResponse};

/// Seconds for which a service keeps a push for a device it cannot reach: no longer than the SIR is held.
const KEPT: &str = "20";
/// The longest pause that a service may impose.
const PAUSE_MAX: u64 = 3_600;

/// A push service that wakes devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushService {
    /// Its name: the `pn-provider` of devices that registered there.
    pub provider: String,
    /// Where it is asked.
    pub door: Door,
    /// Who asks: a bearer token.
    pub token: Option<String>,
}

/// Where a push service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// At this URL, which is told of the device in JSON.
    Url(String),
    /// At the device's own URL, its `pn-prid`, which begins so (Web Push).
    Resource(String),
}

impl PushService {
    /// The service that a device registered with, when that is one of these and the device has a name there.
    #[must_use]
    pub fn among<'a>(services: &'a [Self], resource: &PushResource) -> Option<&'a Self> {
        let prid = resource.prid.as_deref().filter(|prid| !prid.is_empty())?;
        let named = |service: &&Self| service.provider.eq_ignore_ascii_case(&resource.provider);
        let service = services.iter().find(named)?;
        match &service.door {
            Door::Url(_) => Some(service),
            // A device could have us call anything else.
            Door::Resource(start) => prid.starts_with(start.as_str()).then_some(service),
        }
    }

    /// What asks the service to wake a device.
    #[must_use]
    pub fn request(&self, resource: &PushResource) -> HttpRequest {
        let prid = resource.prid.as_deref().unwrap_or_default();
        let mut headers = Vec::new();
        let (target, body) = match &self.door {
            Door::Url(url) => {
                headers.push(row("Content-Type", "application/json"));
                let told = serde_json::json!({
                    "provider": resource.provider,
                    "param": resource.param,
                    "prid": prid,
                });
                (url.clone(), told.to_string())
            }
            Door::Resource(_) => {
                headers.push(row("Urgency", "high"));
                (prid.to_owned(), String::new())
            }
        };
        headers.push(row("TTL", KEPT));
        if let Some(token) = &self.token {
            headers.push(row("Authorization", &format!("Bearer {token}")));
        }
        HttpRequest {
            method: "POST".to_owned(),
            target,
            headers,
            body: Bytes::from(body),
        }
    }
}

/// Reads the answer of a push service: a status of SIP that says the same, and what to do.
#[must_use]
pub fn read(response: &Result<HttpResponse, FetchError>) -> (u16, Reading) {
    let response = match response {
        Ok(response) => response,
        Err(FetchError::BadUrl) => {
            return (503, Reading::Failed("the push service's address is none"));
        }
        Err(FetchError::Unreachable) => {
            return (
                503,
                Reading::Unheard("the push service takes no connection"),
            );
        }
        Err(FetchError::TimedOut | FetchError::Broken) => {
            return (408, Reading::Unheard("no answer of the push service"));
        }
    };
    match response.status {
        200..=299 => (200, Reading::Taken { long: false }),
        404 | 410 => (
            404,
            Reading::Failed("the push service does not know the device"),
        ),
        408 | 429 | 500..=599 => (503, Reading::Later(pause(response))),
        _ => (403, Reading::Failed("the push service refuses to wake it")),
    }
}

/// How long the service wants to be left alone.
#[must_use]
pub fn pause(response: &HttpResponse) -> Option<Duration> {
    let mut rows = response.headers.iter();
    let (_, seconds) = rows.find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds: u64 = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(PAUSE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(door: Door) -> PushService {
        PushService {
            provider: "acme".to_owned(),
            door,
            token: Some("t0".to_owned()),
        }
    }

    fn resource(provider: &str, prid: &str) -> PushResource {
        PushResource {
            provider: provider.to_owned(),
            param: Some("app".to_owned()),
            prid: Some(prid.to_owned()),
        }
    }

    fn value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        let found = request.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    fn answer(status: u16, rows: &[(&str, &str)]) -> Result<HttpResponse, FetchError> {
        Ok(HttpResponse {
            status,
            headers: rows.iter().map(|(name, value)| row(name, value)).collect(),
            body: Bytes::new(),
        })
    }

    #[test]
    fn a_service_is_told_which_device_to_wake_and_nothing_of_the_push() {
        let services = [service(Door::Url("http://127.0.0.1:9000/wake".to_owned()))];
        let resource = resource("ACME", "d\"1");
        let request = PushService::among(&services, &resource).unwrap();
        let request = request.request(&resource);
        assert_eq!(request.target, "http://127.0.0.1:9000/wake");
        assert_eq!(value(&request, "authorization"), Some("Bearer t0"));
        let told: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            told,
            serde_json::json!({"provider": "ACME", "param": "app", "prid": "d\"1"})
        );
    }

    #[test]
    fn a_resource_of_web_push_is_asked_itself_with_nothing_in_it() {
        let services = [service(Door::Resource(
            "https://push.example.com/".to_owned(),
        ))];
        let resource = resource("acme", "https://push.example.com/p/JzLQ3raZ");
        let request = PushService::among(&services, &resource).unwrap();
        let request = request.request(&resource);
        assert_eq!(request.target, "https://push.example.com/p/JzLQ3raZ");
        assert_eq!(value(&request, "ttl"), Some("20"));
        assert_eq!(value(&request, "urgency"), Some("high"));
        assert!(request.body.is_empty());
    }

    #[test]
    fn nobody_has_the_gateway_call_what_is_no_resource_of_the_service() {
        let services = [service(Door::Resource(
            "https://push.example.com/".to_owned(),
        ))];
        for prid in [
            "http://push.example.com/p",
            "https://push.example.com.evil.example/p",
            "https://push.example.com@evil.example/",
            "",
        ] {
            let resource = resource("acme", prid);
            assert_eq!(PushService::among(&services, &resource), None, "{prid}");
        }
        let other = resource("other", "https://push.example.com/p");
        assert_eq!(PushService::among(&services, &other), None);
    }

    #[test]
    fn the_answer_says_whether_to_wait_to_ask_again_or_to_give_up() {
        assert_eq!(
            read(&answer(201, &[])),
            (200, Reading::Taken { long: false })
        );
        let pause = Some(Duration::from_secs(60));
        assert_eq!(
            read(&answer(429, &[("Retry-After", "60")])),
            (503, Reading::Later(pause))
        );
        assert_eq!(read(&answer(503, &[])), (503, Reading::Later(None)));
        assert!(matches!(read(&answer(410, &[])), (404, Reading::Failed(_))));
        assert!(matches!(read(&answer(401, &[])), (403, Reading::Failed(_))));
        let lost = Err(FetchError::TimedOut);
        assert!(matches!(read(&lost), (408, Reading::Unheard(_))));
    }
}
