//! Requests of the JSON interface: who asks, what is done, what is shown (`api` has the forms).

use std::net::SocketAddr;

use super::Gateway;
use super::api::{self, Route, Viewer};
use super::on_http::{RETRY_AFTER, with};
use super::push::asked;
use super::push::submission::{PushNo, key};
use super::submitting::NotTaken;
use crate::event::Fact;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RequestId};

impl Gateway {
    pub(super) fn on_api(
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
            Route::Preview => self.preview(now, &viewer.name, &request.body),
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
