//! Questions of initiators about pushes that another gateway delivers: it answers them, and its answer is handed back.
//!
//! **Source:** requirement R2.17; WAP-247 sections 8.6 (cancel), 8.7 (status query), 8.10 (client capability query). A push
//! has the same push-id there, which no other initiator of ours may use, so a document goes on as it came. A replacement travels with the submission that
//! replaces. Where the other gateway is not reached, what is known here is the answer.

use std::collections::BTreeMap;

use super::Gateway;
use super::on_pap::Reply;
use crate::codec::pap::{self, Operation};
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output, RequestId};

/// Questions that the other gateway is to answer.
pub(super) type Questions = BTreeMap<FetchId, Question>;

/// One of them.
#[derive(Debug)]
pub(super) struct Question {
    /// Who waits for the answer.
    id: RequestId,
    /// The request as it came.
    request: HttpRequest,
    initiator: String,
    reply: Reply,
    operation: Operation,
}

impl Gateway {
    /// Hands a question on when the other gateway is the one to answer it; else it comes back.
    pub(super) fn ask_relay(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        initiator: &str,
        (reply, operation): (Reply, Operation),
        out: &mut Vec<Output>,
    ) -> Option<Operation> {
        let Some(relay) = &self.config.relay else {
            return Some(operation);
        };
        let is_there = match &operation {
            Operation::CancelMessage(message) => self.is_there(now, initiator, &message.push_id),
            Operation::StatusQuery(message) => self.is_there(now, initiator, &message.push_id),
            Operation::CcqMessage(_) => true,
            _ => false,
        };
        // Too many questions are answered from what is known here.
        if !is_there || self.questions.len() >= self.config.notification.open_max {
            return Some(operation);
        }
        let content_type = request.header("content-type").unwrap_or_default();
        let onward = HttpRequest {
            method: "POST".to_owned(),
            target: relay.url.clone(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: request.body.clone(),
        };
        let fetch = self.notices.fetch_id();
        let question = Question {
            id,
            request: request.clone(),
            initiator: initiator.to_owned(),
            reply,
            operation,
        };
        self.questions.insert(fetch, question);
        out.push(Output::Fetch {
            id: fetch,
            errand: Errand::Relay,
            request: onward,
        });
        None
    }

    /// True for a push in progress that the other gateway has, or may have.
    fn is_there(&self, now: Time, initiator: &str, push_id: &str) -> bool {
        let push = self.ledger.of(initiator, push_id);
        let push = push.and_then(|no| self.ledger.get(no));
        push.is_some_and(|push| !push.is_ended() && push.is_handed_on(now))
    }

    /// What the other gateway says to a question; false when the answer is to something else.
    pub(super) fn relay_answered(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(question) = self.questions.remove(&id) else {
            return false;
        };
        let push_id = super::push::asked::push_id(&question.operation).map(str::to_owned);
        let response = match response {
            Ok(response) if is_answer(&question.operation, response) => response.clone(),
            // It was not reached, or knows of no such thing: what is known here.
            _ => {
                let (reply, operation) = (question.reply, question.operation);
                self.answer_question(now, &question.initiator, reply, operation, out)
            }
        };
        let (id, request) = (question.id, &question.request);
        self.answer_http(now, id, request, response, push_id.as_deref(), out);
        true
    }
}

/// True for a PAP document that answers an operation of this kind.
fn is_answer(operation: &Operation, response: &HttpResponse) -> bool {
    let content_type = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("", |(_, value)| value.as_str());
    // A ccq-response may have its capabilities beside it.
    let read = pap::submission(content_type, &response.body)
        .map(|(document, ..)| document.operation)
        .or_else(|_| pap::decode(&response.body).map(|document| document.operation));
    matches!(
        (operation, read),
        (
            Operation::CancelMessage(_),
            Ok(Operation::CancelResponse(_))
        ) | (
            Operation::StatusQuery(_),
            Ok(Operation::StatusQueryResponse(_))
        ) | (Operation::CcqMessage(_), Ok(Operation::CcqResponse(_)))
    )
}
