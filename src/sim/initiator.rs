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
    self, Document, Operation, PushMessage, ResultNotificationResponse, Version,
};
use crate::machine::Machine;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{FetchId, HttpRequest, HttpResponse, Input, Output};

/// How long the initiator waits before it repeats a submission that got no answer.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// One push as the initiator hands it in.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// Chosen by the initiator, unique.
    pub push_id: String,
    /// Client addresses (`WAPPUSH=…/TYPE=USER@…`).
    pub addresses: Vec<String>,
    /// Where results are wanted.
    pub notify_to: Option<String>,
    /// Not to be delivered after this instant.
    pub deliver_before: Option<Time>,
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
            deliver_before: self.deliver_before,
            notify_to: self.notify_to.clone(),
            ..PushMessage::default()
        };
        Document::new(Version::V2_0, false, Operation::PushMessage(message))
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
}

/// What an initiator knows, by push-id.
pub type Ledger = Rc<RefCell<BTreeMap<String, Entry>>>;

/// The initiator as a node of the simulation.
#[derive(Debug)]
pub struct Initiator {
    pap_url: String,
    due: Timers<usize>,
    submissions: Vec<Submission>,
    waiting: BTreeMap<FetchId, usize>,
    next_fetch: u64,
    ledger: Ledger,
}

impl Initiator {
    /// An initiator that submits each push at its instant; what it learns stands in the ledger.
    #[must_use]
    pub fn new(pap_url: &str, plan: Vec<(Time, Submission)>) -> (Self, Ledger) {
        let mut due = Timers::default();
        let mut submissions = Vec::with_capacity(plan.len());
        for (at, submission) in plan {
            due.set(submissions.len(), at);
            submissions.push(submission);
        }
        let ledger = Ledger::default();
        let initiator = Self {
            pap_url: pap_url.to_owned(),
            due,
            submissions,
            waiting: BTreeMap::new(),
            next_fetch: 0,
            ledger: Rc::clone(&ledger),
        };
        (initiator, ledger)
    }

    fn submit(&mut self, number: usize, out: &mut Vec<Output>) {
        let Some(submission) = self.submissions.get(number) else {
            return;
        };
        let id = FetchId(self.next_fetch);
        self.next_fetch += 1;
        self.waiting.insert(id, number);
        self.ledger
            .borrow_mut()
            .entry(submission.push_id.clone())
            .or_default()
            .attempts += 1;
        out.push(Output::Fetch {
            id,
            request: submission.request(&self.pap_url),
        });
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
            1001
        } else {
            code
        };
        if response.status >= 500 || code == 0 {
            self.due.set(number, now + REPEAT_AFTER);
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
        let state = result.state.to_string();
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
                let Some(number) = self.waiting.remove(&id) else {
                    return;
                };
                match response {
                    Ok(response) => self.answered(now, number, &response),
                    Err(_) => self.due.set(number, now + REPEAT_AFTER),
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
        while let Some(number) = self.due.take_due(now) {
            self.submit(number, out);
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.due.next()
    }
}
