//! Notifications through Apple's push service.
//!
//! **Source:** `codec::apns`, with the documents named there. The provider's token is made when it is needed and kept for
//! forty minutes. Requests are of HTTP/2, in the clear too where the endpoint begins with `http:`.

use serde_json::{Map, Value, json};

use super::vendor::{Notification, Verdict, header, of_error, post};
use crate::codec::apns::COLLAPSE_OCTETS;
use crate::codec::apns::answer::{self, Answer, Word};
use crate::codec::apns::payload::Payload;
use crate::codec::apns::provider::Provider;
use crate::codec::apns::request::{Priority, PushType, Request};
use crate::time::Time;
use crate::world::{FetchError, HttpRequest, HttpResponse};

/// The service, and who we are to it.
#[derive(Clone, Debug)]
pub struct Apns {
    /// Where it is: `https://api.push.apple.com`.
    pub endpoint: String,
    /// The application: its bundle identifier.
    pub topic: String,
    /// Who we are.
    pub provider: Provider,
}

impl Apns {
    /// The request that notifies a device.
    ///
    /// # Errors
    /// Why there is none.
    pub fn request(&mut self, now: Time, of: &Notification) -> Result<HttpRequest, &'static str> {
        let authorization = self.provider.authorization(now);
        let authorization = authorization.map_err(|_| "the provider's key does not sign")?;
        let own: Map<String, Value> = of
            .own
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let payload = Payload {
            title: of.title.clone(),
            body: of.text.clone(),
            badge: of.badge,
            own,
            ..Payload::default()
        };
        let too_large = "the notification is too large for the push service";
        let collapse = of.collapse.clone();
        let request = Request {
            device: of.token.clone(),
            topic: self.topic.clone(),
            push_type: PushType::Alert,
            priority: Priority::Immediate,
            expiration: Some(of.until.secs()),
            collapse_id: collapse.filter(|id| id.len() <= COLLAPSE_OCTETS),
            id: None,
            payload: payload.encode().ok_or(too_large)?,
        };
        let parts = request.write(&authorization);
        let mut headers = parts.headers;
        headers.push((HttpRequest::TWO.to_owned(), String::new()));
        let target = format!("{}{}", self.endpoint.trim_end_matches('/'), parts.path);
        Ok(post(target, headers, parts.body))
    }
}

/// What an answer comes to.
#[must_use]
pub fn read(response: &Result<HttpResponse, FetchError>) -> Verdict {
    let response = match response {
        Ok(response) => response,
        Err(error) => return of_error(*error),
    };
    let after = header(response, "retry-after");
    match answer::answer(response.status, &response.body, after) {
        Answer::Taken => Verdict::Taken,
        Answer::Gone { reason, .. } => Verdict::Gone(word(&reason)),
        Answer::Later { reason, after } => {
            let why = reason.as_ref().map_or("the push service fails", word);
            Verdict::Later(why, after)
        }
        Answer::Renew => Verdict::Renew,
        Answer::Refused(reason) => Verdict::Refused(word(&reason)),
    }
}

const fn word(reason: &Word) -> &'static str {
    match reason {
        Word::Known(reason) => reason.word(),
        Word::Other(_) => "the push service refuses it",
    }
}
