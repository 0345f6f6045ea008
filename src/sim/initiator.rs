//! A Push Initiator: submits over PAP, repeats what got no answer, keeps what it is told.
//!
//! Source: WAP-247 sections 7 and 8. The command `push` composes its submissions here too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::mime;
use crate::codec::pap::{
    self, CancelMessage, Document, Operation, PushMessage, ReplaceMethod,
    ResultNotificationResponse, Version,
};
use crate::machine::Machine;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{Errand, FetchId, HttpRequest, HttpResponse, Input, Output};

/// How long the initiator waits before it repeats a submission that got no answer.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// The code of a push that was accepted.
pub const ACCEPTED: u16 = 1001;

/// One push as the initiator hands it in.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// Chosen by the initiator, unique.
    pub push_id: String,
    /// Client addresses (`WAPPUSH=…/TYPE=USER@…`).
    pub addresses: Vec<String>,
    /// Where results are wanted.
    pub notify_to: Option<String>,
    /// Not to be delivered before this instant.
    pub deliver_after: Option<Time>,
    /// Not to be delivered after this instant.
    pub deliver_before: Option<Time>,
    /// The push it takes the place of, and for whom.
    pub replaces: Option<(String, ReplaceMethod)>,
    /// Headers of the content part besides its type: `X-Wap-Application-Id`, `X-Sirgate-…`.
    pub headers: Vec<(String, String)>,
    /// The type of the content.
    pub content_type: String,
    /// The content.
    pub content: Bytes,
}

impl Submission {
    /// The HTTP request that carries it to the PAP URL `url`.
    #[must_use]
    pub fn request(&self, url: &str) -> HttpRequest {
        let control = self.document().encode();
        let boundary = mime::boundary("sirgate-pap", &[&control, &self.content]);
        let mut headers = vec![("Content-Type", self.content_type.as_str())];
        headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let parts = [
            mime::Part {
                headers: vec![("Content-Type", "application/xml")],
                body: &control,
                at: 0,
            },
            mime::Part {
                headers,
                body: &self.content,
                at: 0,
            },
        ];
        let body = mime::compose(&boundary, &parts);
        let content_type =
            format!("multipart/related; boundary={boundary}; type=\"application/xml\"");
        HttpRequest {
            method: "POST".into(),
            target: url.to_owned(),
            headers: vec![("content-type".into(), content_type)],
            body: body.into(),
        }
    }

    fn document(&self) -> Document {
        let message = PushMessage {
            push_id: self.push_id.clone(),
            addresses: self.addresses.clone(),
            deliver_after: self.deliver_after,
            deliver_before: self.deliver_before,
            notify_to: self.notify_to.clone(),
            replace_push_id: self.replaces.as_ref().map(|(old, _)| old.clone()),
            replace_method: self
                .replaces
                .as_ref()
                .map_or_else(ReplaceMethod::default, |(_, method)| *method),
            ..PushMessage::default()
        };
        Document::new(Version::V2_0, false, Operation::PushMessage(message))
    }
}

/// A push, or some of its addresses, to be taken back.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    /// The push.
    pub push_id: String,
    /// For whom; all when there is none.
    pub addresses: Vec<String>,
}

impl Cancel {
    fn request(&self, url: &str) -> HttpRequest {
        let operation = Operation::CancelMessage(CancelMessage {
            push_id: self.push_id.clone(),
            addresses: self.addresses.clone(),
        });
        HttpRequest {
            method: "POST".into(),
            target: url.to_owned(),
            headers: vec![("content-type".into(), "application/xml".into())],
            body: Document::new(Version::V2_0, false, operation)
                .encode()
                .into(),
        }
    }
}

/// What the initiator knows of one of its pushes.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Times it was submitted.
    pub attempts: u32,
    /// The code of the push-response that counts.
    pub answer: Option<u16>,
    /// The state it was told, by address.
    pub results: BTreeMap<String, String>,
    /// Result notifications that told what was known already.
    pub repeats: u32,
    /// Result notifications that contradict an earlier one.
    pub contradictions: u32,
    /// Times it was taken back.
    pub cancel_attempts: u32,
    /// The code of the cancel-response that counts, by address.
    pub cancelled: BTreeMap<String, u16>,
}

/// What an initiator knows, by push-id.
pub type Ledger = Rc<RefCell<BTreeMap<String, Entry>>>;

/// The initiator as a node of the simulation.
#[derive(Debug)]
pub struct Initiator {
    pap_url: String,
    due: Timers<Due>,
    submissions: Vec<Submission>,
    cancels: Vec<Cancel>,
    waiting: BTreeMap<FetchId, Due>,
    next_fetch: u64,
    ledger: Ledger,
}

/// What is to be sent, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Due {
    Submit(usize),
    Cancel(usize),
}

impl Initiator {
    /// An initiator that submits each push at its instant; what it learns stands in the ledger.
    #[must_use]
    pub fn new(pap_url: &str, plan: Vec<(Time, Submission)>) -> (Self, Ledger) {
        let mut due = Timers::default();
        let mut submissions = Vec::with_capacity(plan.len());
        for (at, submission) in plan {
            due.set(Due::Submit(submissions.len()), at);
            submissions.push(submission);
        }
        let ledger = Ledger::default();
        let initiator = Self {
            pap_url: pap_url.to_owned(),
            due,
            submissions,
            cancels: Vec::new(),
            waiting: BTreeMap::new(),
            next_fetch: 0,
            ledger: Rc::clone(&ledger),
        };
        (initiator, ledger)
    }

    /// The same, which also takes pushes back: each at its instant, or once it knows that the push was accepted.
    #[must_use]
    pub fn with_cancels(mut self, cancels: Vec<(Time, Cancel)>) -> Self {
        for (at, cancel) in cancels {
            self.due.set(Due::Cancel(self.cancels.len()), at);
            self.cancels.push(cancel);
        }
        self
    }

    fn send(&mut self, now: Time, due: Due, out: &mut Vec<Output>) {
        let mut ledger = self.ledger.borrow_mut();
        let request = match due {
            Due::Submit(number) => self.submissions.get(number).map(|submission| {
                let entry = ledger.entry(submission.push_id.clone()).or_default();
                entry.attempts += 1;
                submission.request(&self.pap_url)
            }),
            Due::Cancel(number) => self.cancels.get(number).and_then(|cancel| {
                let entry = ledger.entry(cancel.push_id.clone()).or_default();
                match entry.answer {
                    None => {
                        self.due.set(due, now + REPEAT_AFTER);
                        None
                    }
                    Some(ACCEPTED) => {
                        entry.cancel_attempts += 1;
                        Some(cancel.request(&self.pap_url))
                    }
                    Some(_) => None,
                }
            }),
        };
        if let Some(request) = request {
            let id = FetchId(self.next_fetch);
            self.next_fetch += 1;
            self.waiting.insert(id, due);
            out.push(Output::Fetch {
                id,
                errand: Errand::Result,
                request,
            });
        }
    }

    fn cancel_answered(&mut self, now: Time, number: usize, response: &HttpResponse) {
        let Some(cancel) = self.cancels.get(number) else {
            return;
        };
        let Ok(Operation::CancelResponse(answer)) =
            pap::decode(&response.body).map(|document| document.operation)
        else {
            self.due.set(Due::Cancel(number), now + REPEAT_AFTER);
            return;
        };
        let mut ledger = self.ledger.borrow_mut();
        let entry = ledger.entry(cancel.push_id.clone()).or_default();
        for result in answer.results {
            for address in result.addresses {
                entry.cancelled.insert(address, result.code);
            }
        }
    }

    fn answered(&mut self, now: Time, number: usize, response: &HttpResponse) {
        let Some(submission) = self.submissions.get(number) else {
            return;
        };
        let code = match pap::decode(&response.body).map(|document| document.operation) {
            Ok(Operation::PushResponse(answer)) => answer.code,
            Ok(Operation::BadMessage(answer)) => answer.code,
            _ => 0,
        };
        let mut ledger = self.ledger.borrow_mut();
        let entry = ledger.entry(submission.push_id.clone()).or_default();
        // The answer to an earlier attempt was lost: that the push-id is known says that it was accepted.
        let code = if code == 2007 && entry.attempts > 1 {
            ACCEPTED
        } else {
            code
        };
        if response.status >= 500 || code == 0 {
            self.due.set(Due::Submit(number), now + REPEAT_AFTER);
        } else {
            entry.answer = Some(code);
        }
    }

    fn told(&self, body: &[u8]) -> HttpResponse {
        let Ok(document) = pap::decode(body) else {
            return plain(400);
        };
        let Operation::ResultNotification(result) = document.operation else {
            return plain(400);
        };
        let mut ledger = self.ledger.borrow_mut();
        let entry = ledger.entry(result.push_id.clone()).or_default();
        let state = result.state.name().to_owned();
        match entry.results.insert(result.address.clone(), state.clone()) {
            Some(before) if before == state => entry.repeats += 1,
            Some(_) => entry.contradictions += 1,
            None => {}
        }
        let answer = ResultNotificationResponse {
            push_id: result.push_id,
            address: result.address,
            code: 1000,
            desc: None,
        };
        let operation = Operation::ResultNotificationResponse(answer);
        let body = Document::new(document.version, false, operation).encode();
        HttpResponse {
            status: 202,
            headers: vec![("content-type".into(), "application/xml".into())],
            body: body.into(),
        }
    }
}

fn plain(status: u16) -> HttpResponse {
    HttpResponse {
        status,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

impl Machine for Initiator {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Response { id, response } => {
                let Some(due) = self.waiting.remove(&id) else {
                    return;
                };
                match (response, due) {
                    (Ok(response), Due::Submit(number)) => self.answered(now, number, &response),
                    (Ok(response), Due::Cancel(number)) => {
                        self.cancel_answered(now, number, &response);
                    }
                    (Err(_), due) => self.due.set(due, now + REPEAT_AFTER),
                }
            }
            Input::Request { id, request, .. } => {
                out.push(Output::Respond {
                    id,
                    response: self.told(&request.body),
                });
            }
            _ => {}
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(due) = self.due.take_due(now) {
            self.send(now, due, out);
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.due.next()
    }
}
