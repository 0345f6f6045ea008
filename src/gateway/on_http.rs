//! HTTP requests: submissions and questions of initiators in PAP, and the JSON interface.
//!
//! **Source:** WAP-247 section 7 (HTTP binding): whatever can be read is answered 202, and the outcome stands in the
//! document. HTTP errors are for what is wrong with HTTP only.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Gateway;
use super::api::{self, Route, Viewer};
use super::forwarding::Onward;
use super::push::asked::{self, Asked, Refused};
use super::push::submission::{Options, Push, PushNo, key};
use super::submitting::NotTaken;
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{
    self, BadMessage, CancelMessage, CancelResponse, CancelResult, Capabilities, Document,
    MessageState, Operation, ProgressNote, PushMessage, PushResponse, Refusal, Status, StatusQuery,
    StatusQueryResponse, StatusResult, Version,
};
use crate::event::{Fact, Via};
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RequestId};

/// Where devices return information in pushes of their own.
const INFORMATION_PATH: &str = "/info";

/// Seconds after which an initiator may try again.
const RETRY_AFTER: &str = "5";

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

    fn document(self, operation: Operation) -> Document {
        Document::new(self.version, self.exceeds_1_0, operation)
    }
}

impl Gateway {
    pub(super) fn on_request(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let path = request.target.split('?').next().unwrap_or_default();
        if request.body.len() > self.config.body_octets_max {
            let most = self.config.body_octets_max;
            let response = sentence(413, &format!("The body may have at most {most} octets."));
            return self.answer_http(now, id, request, response, None, out);
        }
        if path == self.config.pap_path {
            return self.on_pap(now, id, peer, request, out);
        }
        if path == INFORMATION_PATH && request.method == "POST" {
            return self.on_told_by_device(now, id, request, out);
        }
        match Route::of(&request.method, path) {
            Ok(route) => self.on_api(now, id, peer, route, request, out),
            Err(response) => self.answer_http(now, id, request, response, None, out),
        }
    }

    /// A device returns information in a push of its own (R2.107): who it is says its header.
    fn on_told_by_device(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let named = request.header("x-sirgate-device");
        let named = named.and_then(|it| DeviceId::decode(it.trim_matches(['<', '>', ' '])).ok());
        let device = named.and_then(|id| self.registry.find(&id));
        // Devices that must prove who they are cannot here.
        let status = match device.filter(|_| self.config.authentication.is_none()) {
            Some(device) if !self.is_expected(now, device) => 403,
            Some(device) => match self.learn(now, device, Via::Push, &request.body, out) {
                200 => 204,
                status => status,
            },
            None => 403,
        };
        let response = HttpResponse {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        };
        self.answer_http(now, id, request, response, None, out);
    }

    pub(super) fn answer_http(
        &self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        response: HttpResponse,
        push: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        self.wire_http(now, request, &response, push, out);
        out.push(Output::Respond { id, response });
    }

    fn on_pap(
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

    /// How pushes travel when their initiator says nothing.
    pub(super) fn options(&self) -> Options {
        Options {
            plan: self.config.plan,
            place: self.config.place,
            fork: self.config.fork,
            ask: self.config.ask,
            apps: Vec::new(),
            ppg: None,
            devices_judge: false,
        }
    }

    fn on_api(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        route: Route,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let viewer = match self.initiator(peer, request) {
            Ok(name) => Viewer {
                // Without names whoever sits at the gateway itself is its operator.
                sees_all: !self.config.policy.wants_names() && peer.ip().is_loopback(),
                name,
            },
            Err(response) => return self.answer_http(now, id, request, response, None, out),
        };
        let response = match route {
            Route::Submit => return self.submit_json(now, id, &viewer.name, request, out),
            Route::Identities => api::identities(&self.registry),
            Route::Identity(pui) => api::identity(&self.registry, &pui),
            Route::Pushes => api::pushes(&self.ledger, &viewer, &request.target),
            Route::Push(push_id) => {
                let push = viewer.find(&self.ledger, &push_id);
                let push = push.and_then(|no| self.ledger.get(no));
                push.map_or_else(api::no_push, api::push)
            }
            Route::Cancel(push_id) => self.cancel_json(now, &viewer, &push_id, out),
            Route::Change(pui) => match api::change(&mut self.registry, &pui, &request.body) {
                Ok(changed) => {
                    out.push(Output::Save(changed.record));
                    for id in changed.ids {
                        self.registrar.remember(&changed.pui, &id);
                    }
                    api::identity(&self.registry, &pui)
                }
                Err(response) => response,
            },
        };
        self.answer_http(now, id, request, response, None, out);
    }

    fn cancel_json(
        &mut self,
        now: Time,
        viewer: &Viewer,
        push_id: &str,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        let Some(no) = viewer.find(&self.ledger, push_id) else {
            return api::no_push();
        };
        if self.cancel(now, no, &[], out).is_empty() {
            return api::problem(409, "the push has ended", "nothing of it can be cancelled");
        }
        self.ledger.get(no).map_or_else(api::no_push, api::push)
    }

    fn submit_json(
        &mut self,
        now: Time,
        id: RequestId,
        initiator: &str,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let fresh = format!("{}@{}", self.random.token::<10>(), self.config.host);
        let application = self.config.application.clone();
        let taken = asked::of_json(&request.body, fresh, &self.options(), &application)
            .map_err(NotTaken::from)
            .and_then(|asked| self.submit(now, initiator, asked, out));
        let no: PushNo = match taken {
            Ok(no) => no,
            Err(not_taken) => {
                let response = self.not_taken(now, initiator, &not_taken, out);
                return self.answer_http(now, id, request, response, None, out);
            }
        };
        let push = self.ledger.get(no);
        let push_id = push.map(|push| push.push_id.clone()).unwrap_or_default();
        let place = out.len();
        self.answer_http(
            now,
            id,
            request,
            api::accepted(&push_id),
            Some(&push_id),
            out,
        );
        self.accepted(now, no, out);
        self.put_on_record(no, &key(initiator, &push_id), place, out);
    }

    fn not_taken(
        &self,
        now: Time,
        initiator: &str,
        why: &NotTaken,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        match why {
            NotTaken::Busy(why) => {
                let fact = Fact::Refused {
                    from: initiator.to_owned(),
                    why: format!("503 {why}"),
                };
                self.report(now, fact, out);
                with(
                    api::problem(503, "the gateway is busy", why),
                    "retry-after",
                    RETRY_AFTER,
                )
            }
            NotTaken::Refused(refused) => {
                let fact = Fact::PapRefused {
                    push: None,
                    code: refused.code,
                    why: refused.desc.clone(),
                };
                self.report(now, fact, out);
                api::refused(refused)
            }
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

/// A PAP document in a response: always 202.
pub(super) fn in_pap(document: &Document) -> HttpResponse {
    HttpResponse {
        status: 202,
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        body: Bytes::from(document.encode()),
    }
}

/// A response that says in a sentence what its status means here.
pub(super) fn sentence(status: u16, text: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "text/plain; charset=utf-8".to_owned(),
        )],
        body: Bytes::from(format!("{text}\n")),
    }
}

pub(super) fn with(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}
