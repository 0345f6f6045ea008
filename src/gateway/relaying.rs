//! Passing submissions on: another element in the SIP network looks up, adds and sends (R2.17).
//!
//! The answer of that element is the answer to the initiator, so whatever was promised was promised by who keeps it;
//! results go from there to the initiator without passing here.

use super::Gateway;
use super::api::problem;
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse, Output, RequestId};

/// A request that waits for the other element's answer.
#[derive(Clone, Debug)]
pub(super) struct Relayed {
    id: RequestId,
    request: HttpRequest,
}

impl Gateway {
    /// Passes a submission on to the element at `url`.
    pub(super) fn relay(
        &mut self,
        now: Time,
        id: RequestId,
        url: &str,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        if self.relayed.len() >= limits::SUBMISSIONS_RELAYED {
            let response = problem(503, "the gateway is busy", "too many submissions under way");
            return self.answer_http(now, id, request, response, None, out);
        }
        let content_type = request.header("content-type").unwrap_or_default();
        let onward = HttpRequest {
            method: "POST".to_owned(),
            target: url.to_owned(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: request.body.clone(),
        };
        let fetch = self.notices.fetch_id();
        let waiting = Relayed {
            id,
            request: request.clone(),
        };
        self.relayed.insert(fetch, waiting);
        out.push(Output::Fetch {
            id: fetch,
            request: onward,
        });
    }

    /// Gives the other element's answer to the initiator; what is no such answer comes back.
    pub(super) fn relayed(
        &mut self,
        now: Time,
        id: FetchId,
        response: Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> Option<Result<HttpResponse, FetchError>> {
        let Some(waiting) = self.relayed.remove(&id) else {
            return Some(response);
        };
        let answer = match response {
            Ok(mut response) => {
                // What describes the connection to the other element says nothing about ours.
                response
                    .headers
                    .retain(|(name, _)| matches!(name.as_str(), "content-type" | "retry-after"));
                response
            }
            Err(error) => {
                let why = format!("no answer of the element that pushes are passed to: {error:?}");
                let from = "relay".to_owned();
                let fact = Fact::Refused {
                    from,
                    why: why.clone(),
                };
                self.report(now, fact, out);
                let mut response = problem(503, "the submission could not be passed on", &why);
                let again = ("retry-after".to_owned(), "5".to_owned());
                response.headers.push(again);
                response
            }
        };
        self.answer_http(now, waiting.id, &waiting.request, answer, None, out);
        None
    }
}
