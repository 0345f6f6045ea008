//! What initiators ask of pushes in PAP: to take them back, how far they are, what a client can take.
//!
//! **Source:** WAP-247 sections 8.3, 8.4 and 8.7 to 8.10. Addresses are answered in groups of one result each.

use bytes::Bytes;

use super::Gateway;
use super::on_pap::{Reply, in_pap};
use super::push::asked;
use super::push::submission::Push;
use crate::codec::pap::{
    self, BadMessage, CancelMessage, CancelResponse, CancelResult, Capabilities, Document,
    MessageState, Operation, Status, StatusQuery, StatusQueryResponse, StatusResult,
};
use crate::time::Time;
use crate::world::{HttpResponse, Output};

impl Gateway {
    /// Answers what is not a submission, from what is known here.
    pub(super) fn answer_question(
        &mut self,
        now: Time,
        initiator: &str,
        reply: Reply,
        operation: Operation,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        let answer = match operation {
            Operation::CancelMessage(message) => {
                Operation::CancelResponse(self.cancel_pap(now, initiator, message, out))
            }
            Operation::StatusQuery(message) => {
                Operation::StatusQueryResponse(self.status_pap(initiator, message))
            }
            Operation::CcqMessage(message) => {
                let (answer, known) = self.ccq_pap(message);
                let document = reply.document(Operation::CcqResponse(answer));
                return with_capabilities(&document, known.as_ref());
            }
            other => Operation::BadMessage(BadMessage {
                code: Status::BadRequest.code(),
                desc: Some(format!("{} is not for a gateway", other.name())),
                fragment: None,
            }),
        };
        in_pap(&reply.document(answer))
    }

    fn cancel_pap(
        &mut self,
        now: Time,
        initiator: &str,
        message: CancelMessage,
        out: &mut Vec<Output>,
    ) -> CancelResponse {
        let result = |status: Status, addresses: Vec<String>| CancelResult {
            addresses,
            code: status.code(),
            desc: Some(status.name().to_owned()),
        };
        let known = self.ledger.of(initiator, &message.push_id);
        let mut results = Vec::new();
        match known.and_then(|no| Some((no, self.ledger.get(no)?))) {
            None => results.push(result(Status::PushIdNotFound, message.addresses)),
            Some((no, push)) => {
                let (known, unknown) = split(push, message.addresses);
                if !unknown.is_empty() {
                    results.push(result(Status::AddressNotFound, unknown));
                }
                if !known.is_empty() {
                    let (open, over): (Vec<String>, Vec<String>) =
                        known.into_iter().partition(|text| is_open(push, text));
                    let gone = match open.as_slice() {
                        // No address would mean all of them.
                        [] => Vec::new(),
                        open => self.cancel(now, no, open, out),
                    };
                    let wanted = open.into_iter().filter(|text| !gone.contains(text));
                    let wanted: Vec<String> = wanted.collect();
                    for (status, addresses) in [
                        (Status::Ok, gone),
                        (Status::CancellationNotPossible, wanted),
                        (Status::NotPossible, over),
                    ] {
                        if !addresses.is_empty() {
                            results.push(result(status, addresses));
                        }
                    }
                }
            }
        }
        CancelResponse {
            push_id: message.push_id,
            results,
        }
    }

    fn status_pap(&self, initiator: &str, message: StatusQuery) -> StatusQueryResponse {
        let none = |status: Status, addresses| StatusResult {
            addresses,
            state: MessageState::Unknown,
            code: status.code(),
            desc: Some(status.name().to_owned()),
            ..StatusResult::default()
        };
        let known = self.ledger.of(initiator, &message.push_id);
        let mut results = Vec::new();
        match known.and_then(|no| self.ledger.get(no)) {
            None => results.push(none(Status::PushIdNotFound, message.addresses)),
            Some(push) => {
                let (known, unknown) = split(push, message.addresses);
                if !unknown.is_empty() {
                    results.push(none(Status::AddressNotFound, unknown));
                }
                let asked = push.addresses.iter().filter(|a| known.contains(&a.text));
                results.extend(asked.map(|address| {
                    let end = address.end.as_ref();
                    StatusResult {
                        addresses: vec![address.text.clone()],
                        quality: asked::given(push.quality.as_ref(), push.bearer_of(address)),
                        event_time: end.map(|end| end.at),
                        state: end.map_or(MessageState::Pending, |end| end.state),
                        code: end.map_or(Status::Ok.code(), |end| end.code),
                        desc: Some(
                            end.map_or_else(|| "in progress".to_owned(), |end| end.desc.clone()),
                        ),
                    }
                }));
            }
        }
        StatusQueryResponse {
            push_id: message.push_id,
            results,
        }
    }
}

/// Addresses of a question that the push has, and those it has not; none means all.
fn split(push: &Push, asked: Vec<String>) -> (Vec<String>, Vec<String>) {
    if asked.is_empty() {
        let all = push.addresses.iter().map(|address| address.text.clone());
        return (all.collect(), Vec::new());
    }
    asked
        .into_iter()
        .partition(|text| push.addresses.iter().any(|address| address.text == *text))
}

fn is_open(push: &Push, text: &str) -> bool {
    push.addresses
        .iter()
        .any(|address| address.text == text && address.end.is_none())
}

/// A document with the capabilities beside it.
fn with_capabilities(document: &Document, known: Option<&Capabilities>) -> HttpResponse {
    let profile = known.map(Capabilities::encode);
    let headers = [("Content-Type", "application/xml")];
    let (content_type, body) = pap::compose(document, &headers, profile.as_deref());
    HttpResponse {
        status: 202,
        headers: vec![("content-type".to_owned(), content_type)],
        body: Bytes::from(body),
    }
}
