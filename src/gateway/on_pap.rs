//! Submissions of initiators in PAP, and where the questions among its operations go.
//!
//! **Source:** WAP-247 section 7 (HTTP binding): whatever can be read is answered 202, and the outcome stands in the
//! document. HTTP errors are for what is wrong with HTTP only.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Gateway;
use super::forwarding::Onward;
use super::on_http::{RETRY_AFTER, sentence, with};
use super::push::asked::{self, Asked, Refused};
use super::push::submission::{PushNo, key};
use super::submitting::NotTaken;
use crate::codec::pap::{
    self, Document, Operation, ProgressNote, PushMessage, PushResponse, Refusal, Status, Version,
};
use crate::event::Fact;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RequestId};

/// In what an initiator is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    version: Version,
    exceeds_1_0: bool,
    /// Progress notes are wanted.
    notes: bool,
}

impl Reply {
    fn to(document: &Document) -> Self {
        Self {
            version: document.version,
            exceeds_1_0: document.author_exceeds_1_0(),
            notes: false,
        }
    }

    const fn with_notes(self, notes: bool) -> Self {
        Self { notes, ..self }
    }

    pub(super) fn document(self, operation: Operation) -> Document {
        Document::new(self.version, self.exceeds_1_0, operation)
    }
}

impl Gateway {
    pub(super) fn on_pap(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        if request.method != "POST" {
            let why = "Push Access Protocol documents come by POST.";
            let response = with(sentence(405, why), "allow", "POST");
            return self.answer_http(now, id, request, response, None, out);
        }
        let content_type = request.header("content-type").unwrap_or_default();
        if !asked::is_pap(content_type) {
            let why = "The content type must be multipart/related with a PAP control entity, \
                or application/xml where there is no content.";
            return self.answer_http(now, id, request, sentence(415, why), None, out);
        }
        if self.on_told(now, id, request, out) {
            return;
        }
        let initiator = match self.initiator(peer, request) {
            Ok(initiator) => initiator,
            Err(response) => return self.answer_http(now, id, request, response, None, out),
        };
        let (document, content, capabilities) = match pap::submission(content_type, &request.body) {
            Ok(read) => read,
            Err(refusal) => return self.refuse_pap(now, id, request, &refusal, out),
        };
        let reply = Reply::to(&document);
        let operation = document.operation;
        let push_id = asked::push_id(&operation).map(str::to_owned);
        let operation = match operation {
            Operation::PushMessage(message) => {
                let reply = reply.with_notes(message.progress_notes);
                let asked = self.asked(request, message, reply.version, content.as_ref());
                let asked = match (asked, capabilities) {
                    // The other gateway judges what it is handed.
                    (Ok(asked), Some(entity)) if asked.onward.is_none() => asked.fit(&entity),
                    (asked, _) => asked,
                };
                let push_id = push_id.unwrap_or_default();
                return self.submit_pap(now, id, request, &initiator, reply, push_id, asked, out);
            }
            question => question,
        };
        let question = (reply, operation);
        if let Some(operation) = self.ask_relay(now, id, request, &initiator, question, out) {
            let response = self.answer_question(now, &initiator, reply, operation, out);
            self.answer_http(now, id, request, response, push_id.as_deref(), out);
        }
    }

    /// What a push-message asks; as it came too, where pushes are handed on.
    fn asked(
        &self,
        request: &HttpRequest,
        message: PushMessage,
        version: Version,
        entity: Option<&pap::Content<'_>>,
    ) -> Result<Asked, Refused> {
        let none = || Refused::new(Status::BadRequest, "a push-message needs a content entity");
        let entity = entity.ok_or_else(none)?;
        let defaults = self.options();
        let onward = self
            .hands_on()
            .then(|| Box::new(Onward::new(message.clone(), entity)));
        // Initiators of the first days name it in HTTP.
        let named = request.header("x-wap-application-id");
        let application = named.unwrap_or(&self.config.application);
        let asked = asked::of_pap(
            message,
            version,
            entity,
            &defaults,
            application,
            self.config.bearers(),
        )?;
        Ok(Asked { onward, ..asked })
    }

    /// What could not be read as PAP is refused in PAP.
    pub(super) fn refuse_pap(
        &self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        refusal: &Refusal,
        out: &mut Vec<Output>,
    ) {
        let fact = Fact::PapRefused {
            push: refusal.push_id.clone(),
            code: refusal.code(),
            why: refusal.error.to_string(),
        };
        let push = refusal.push_id.as_deref();
        self.answer_http(now, id, request, in_pap(&refusal.answer()), push, out);
        self.report(now, fact, out);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the request and what was read of it, for the answer"
    )]
    fn submit_pap(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        initiator: &str,
        reply: Reply,
        push_id: String,
        asked: Result<Asked, Refused>,
        out: &mut Vec<Output>,
    ) {
        let taken = asked
            .map_err(NotTaken::from)
            .and_then(|asked| self.submit(now, initiator, asked, out));
        let (code, desc) = match &taken {
            Ok(_) => (
                Status::AcceptedForProcessing.code(),
                Status::AcceptedForProcessing.name().to_owned(),
            ),
            Err(NotTaken::Refused(refused)) => (refused.code, refused.desc.clone()),
            Err(NotTaken::Busy(why)) => {
                let fact = Fact::Refused {
                    from: initiator.to_owned(),
                    why: format!("503 {why}"),
                };
                self.report(now, fact, out);
                let why = format!("The push is not accepted now: {why}.");
                let response = with(sentence(503, &why), "retry-after", RETRY_AFTER);
                return self.answer_http(now, id, request, response, None, out);
            }
        };
        let answer = reply.document(Operation::PushResponse(PushResponse {
            push_id: push_id.clone(),
            sender_name: Some(self.config.host.clone()),
            reply_time: Some(now),
            progress: match reply.notes {
                true => self.progress(now, request, taken.as_ref().ok().copied()),
                false => Vec::new(),
            },
            code,
            desc: Some(desc.clone()),
            ..PushResponse::default()
        }));
        let push = Some(push_id.as_str());
        let place = out.len();
        self.answer_http(now, id, request, in_pap(&answer), push, out);
        match taken {
            Ok(no) => {
                self.accepted(now, no, out);
                self.put_on_record(no, &key(initiator, &push_id), place, out);
            }
            Err(_) => {
                let fact = Fact::PapRefused {
                    push: Some(push_id),
                    code,
                    why: desc,
                };
                self.report(now, fact, out);
            }
        }
    }

    /// How far a submission came by now.
    fn progress(&self, now: Time, request: &HttpRequest, no: Option<PushNo>) -> Vec<ProgressNote> {
        let note = |stage: &str, note: String| ProgressNote {
            stage: stage.to_owned(),
            note: Some(note),
            time: Some(now),
        };
        let octets = request.body.len();
        let mut notes = vec![note("received", format!("{octets} octets of PAP"))];
        let Some(push) = no.and_then(|no| self.ledger.get(no)) else {
            notes.push(note("refused", "see the result".to_owned()));
            return notes;
        };
        let (addresses, octets) = (push.addresses.len(), push.content.octets);
        let accepted = format!("addresses: {addresses}, octets of content: {octets}");
        notes.push(note("accepted", accepted));
        if let Some(at) = push.not_before.filter(|at| *at > now) {
            notes.push(note("waiting", format!("nothing is sent before {at}")));
        }
        notes
    }
}

/// A PAP document in a response: always 202.
pub(super) fn in_pap(document: &Document) -> HttpResponse {
    HttpResponse {
        status: 202,
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        body: Bytes::from(document.encode()),
    }
}
