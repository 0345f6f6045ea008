//! Pushes over HTTP to terminals: registration first, then the content where it fits, else a SIR.
//!
//! **Source:** WAP-235 sections 7.2 to 7.5, SIN 101; WAP-249 section 5.1 (states); requirements R2.51, R2.52. Not here:
//! connections that terminals open (TO-TCP, `ota_http`).
//!
//! ```text
//! unknown, or not heard for a while: OPTIONS ──▶ POST ──▶ 400, 401: taken or delivered
//!            ▲ ▲                       │ 401, 412 │ 401      234, 237: later    235, 236, 238, 256, 257, 600: refused
//!            │ └── once ───────────────┘          │ 256
//!            └──── once ──────────────────────────┘
//! ```

use super::Gateway;
use super::bearer::sip::{Form, Reading};
use super::bearer::terminal::{Asked, Exchange, Step, Trial, row, status_of};
use super::bearer::{Job, Leg, http};
use super::config::Contents;
use super::push::delivery::{Ending, Stage};
use super::registry::DeviceKey;
use crate::codec::ota_http::{AuthStatus, Authentication, header};
use crate::codec::pap::{MessageState, Status};
use crate::event::{Outcome, Via};
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output};

impl Gateway {
    /// Sends a SIR or a content over HTTP; false when nothing is under way then.
    pub(super) fn post(&mut self, now: Time, job: Job, out: &mut Vec<Output>) -> bool {
        let Some((key, address)) = self.terminal_of(&job) else {
            self.unheard(now, &job, "the device has no HTTP address", out);
            return false;
        };
        if self.terminals.is_fresh(key, &address, now) {
            return self.post_push(now, job, Trial::default(), out);
        }
        self.register_terminal(now, job, Trial::default(), None, out)
    }

    /// What came of a request to a terminal; false when the fetch was for something else.
    pub(super) fn on_posted(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(exchange) = self.terminals.answered(id) else {
            return false;
        };
        let Some(job) = self.jobs.get(Leg::Http(id)).cloned() else {
            return true;
        };
        let is_content = exchange.step == Step::Content;
        if is_content && self.is_paging(&job) && !is_taken(response) {
            // Until it is known what comes next: another try, another bearer, the end.
            self.stage_waiting(&job, &Stage::Paging, &Stage::Waking);
        }
        let Ok(answer) = response else {
            let (status, reading) = http::read(response);
            return self.on_carried(now, Leg::Http(id), status, reading, out);
        };
        let line = format!("HTTP/1.1 {}", answer.status);
        self.wire_answered(now, &job, ("http", &line), &answer.body, out);
        if let Some(key) = job.lane.device() {
            self.terminals.heard(key, now);
        }
        match exchange.step {
            Step::Registration(nonce) => {
                let proof = (nonce, exchange.trial);
                self.registered(now, id, job, proof, answer, out);
            }
            _ if self.mend(now, id, &job, exchange.trial, answer, out) => {}
            Step::Content => self.content_answered(now, id, &job, answer, out),
            Step::Sir => {
                let (status, reading) = http::read(response);
                if matches!(reading, Reading::Later(_)) {
                    self.jobs.bind(Leg::Http(id));
                }
                self.on_carried(now, Leg::Http(id), status, reading, out);
            }
        }
        true
    }

    /// The device that a job leads to, and where its terminal is.
    fn terminal_of(&self, job: &Job) -> Option<(DeviceKey, String)> {
        let key = job.lane.device()?;
        let device = self.registry.device(key)?;
        Some((key, device.profile.addresses.http.clone()?))
    }

    /// Asks the terminal who it is and what it takes (WAP-235 section 7.3).
    fn register_terminal(
        &mut self,
        now: Time,
        job: Job,
        trial: Trial,
        judged: Option<AuthStatus>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some((key, address)) = self.terminal_of(&job) else {
            return false;
        };
        let mut rows = self.rows(key, &address, "OPTIONS");
        let users = self.config.ota_http.terminals.as_ref();
        let nonce = users.map(|users| {
            let nonce = self.random.token::<20>();
            let challenge = http::challenge(&users.realm, nonce.as_str(), judged);
            rows.push(http::row(header::AUTHENTICATE, &challenge));
            nonce.as_str().to_owned()
        });
        let request = http::registration(&address, rows);
        self.fetch(now, job, Step::Registration(nonce), trial, request, out);
        true
    }

    /// Sends the content where the terminal takes it by itself, else a SIR; false when nothing is under way then.
    fn post_push(&mut self, now: Time, job: Job, trial: Trial, out: &mut Vec<Output>) -> bool {
        let Some((key, address)) = self.terminal_of(&job) else {
            return false;
        };
        let (step, push) = if let Some(push) = self.content_that_fits(&job, key, &address) {
            if !trial.posted {
                self.report_content(now, &job, Via::Http, out);
            }
            self.stage_waiting(&job, &Stage::Waking, &Stage::Paging);
            (Step::Content, push)
        } else {
            let ids = self.seal(now, &job, Form::default());
            let told = self.ledger.get(job.push).zip(ids);
            let Some(fact) = told.map(|(push, ids)| self.sent(push, &job, ids)) else {
                return false;
            };
            if !trial.posted {
                self.report(now, fact, out);
            }
            let Some(push) = self.wrapped().map(http::push_of) else {
                return false;
            };
            (Step::Sir, push)
        };
        let request = http::post(&address, self.rows(key, &address, "POST"), push);
        let trial = Trial {
            posted: true,
            ..trial
        };
        self.fetch(now, job, step, trial, request, out);
        true
    }

    fn fetch(
        &mut self,
        now: Time,
        job: Job,
        step: Step,
        trial: Trial,
        request: HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let id = self.notices.fetch_id();
        let line = format!("{} /wappush HTTP/1.1", request.method);
        self.wire_carried(now, &job, ("http", &line), &request.body, out);
        self.jobs.sent(Leg::Http(id), job, None);
        self.terminals.asks(id, Exchange { step, trial });
        out.push(Output::Fetch {
            id,
            errand: Errand::Device,
            request,
        });
    }

    /// What every request to a terminal says: the provisioning, the tag it assumes, who we are.
    fn rows(&mut self, key: DeviceKey, address: &str, method: &str) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        if let Some(url) = &self.config.ota_http.prov_url {
            rows.push(http::row(header::PROV_URL, url));
        }
        let cnonce = self.random.token::<12>();
        let terminal = self.terminals.of(key, address);
        if let Some(tag) = terminal.tag() {
            rows.push(http::row(header::CPI_TAG, &tag.to_string()));
        }
        if let Some((user, password)) = &self.config.credentials
            && let Some(said) = terminal.authorization(method, (user, password), cnonce.as_str())
        {
            rows.push(http::row("Authorization", &said));
        }
        rows
    }

    /// The push with the content, when it may go by itself and the terminal takes it.
    fn content_that_fits(&mut self, job: &Job, key: DeviceKey, address: &str) -> Option<Vec<u8>> {
        let push = self.ledger.get(job.push)?;
        let device = self.registry.device(key)?;
        let may = match self.config.ota_http.contents {
            Contents::BySession => false,
            Contents::Unregistered => device.routes.is_empty(),
            Contents::Direct => true,
        };
        // Who gets the SIR only because all do gets no content.
        if !may || push.options.devices_judge || !self.waking(job).has(key.at) {
            return None;
        }
        let takes = self.terminals.of(key, address).capabilities();
        http::content_of(push, takes, true).ok()
    }

    /// The answer to a registration: what the terminal says of itself is kept, and the push follows.
    fn registered(
        &mut self,
        now: Time,
        id: FetchId,
        job: Job,
        (nonce, trial): (Option<String>, Trial),
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let leg = Leg::Http(id);
        if self.mend(now, id, &job, trial, answer, out) {
            return;
        }
        let registers = matches!(status_of(answer), Some(500 | 501));
        // Terminals of before this standard know POST alone, and what holds in the absence of headers.
        let is_older = status_of(answer).is_none()
            && (matches!(answer.status, 404 | 405 | 501) || (200..300).contains(&answer.status));
        if !registers && !is_older && answer.status != 412 {
            let (status, reading) = http::read(&Ok(answer.clone()));
            self.on_carried(now, leg, status, reading, out);
            return;
        }
        let is_meant = nonce.is_none() || self.proves_to_be(&job, answer);
        if !is_meant || !self.is_proved(nonce.as_deref(), answer) {
            return self.doubt(now, id, job, trial, answer, out);
        }
        let Some((key, address)) = self.terminal_of(&job) else {
            let reading = Reading::Unheard("the device has no HTTP address");
            self.on_carried(now, leg, 503, reading, out);
            return;
        };
        self.terminals.of(key, &address).registered(now, answer);
        let road = job.road();
        self.jobs.answered(leg);
        if self.is_of_use(now, &job) && self.post_push(now, job, trial, out) {
            return;
        }
        let next = self.jobs.next(road);
        self.send_next(now, next, out);
    }

    /// Whether the terminal showed who it is, where it has to.
    pub(super) fn is_proved(&self, nonce: Option<&str>, answer: &HttpResponse) -> bool {
        let Some((users, nonce)) = self.config.ota_http.terminals.as_ref().zip(nonce) else {
            return answer.status != 412;
        };
        let Some(said) = row(&answer.headers, header::AUTHORIZATION)
            .and_then(|value| Authentication::decode(value, true).ok())
        else {
            return false;
        };
        let param = |name| said.param(name).unwrap_or_default();
        let user = param("username");
        let password = users.users.iter().find(|(name, _)| name == user);
        param("nonce") == nonce
            && param("realm") == users.realm
            && password.is_some_and(|(_, password)| said.is_right(password, "OPTIONS"))
    }

    /// Whether the name that a terminal proves is that of the job's device: another one may have its address by now.
    fn proves_to_be(&self, job: &Job, answer: &HttpResponse) -> bool {
        let Some(key) = job.lane.device() else {
            return false;
        };
        let said = row(&answer.headers, header::AUTHORIZATION)
            .and_then(|value| Authentication::decode(value, true).ok());
        let user = said.as_ref().and_then(|said| said.param("username"));
        user.is_some_and(|user| self.of_terminal_id(user, Some(key)) == Some(key))
    }

    /// The terminal did not show who it is: it is asked once more, unless it will never say.
    fn doubt(
        &mut self,
        now: Time,
        id: FetchId,
        job: Job,
        trial: Trial,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let said = row(&answer.headers, header::AUTHORIZATION);
        let refused = said.and_then(|value| Authentication::decode(value, true).ok()?.status());
        if !trial.reasked && refused != Some(AuthStatus::FailedNoRetry) {
            let trial = Trial {
                reasked: true,
                ..trial
            };
            // What it says of its own refusal is no judgement of ours.
            let judged = refused.is_none().then_some(AuthStatus::FailedRetry);
            self.jobs.answered(Leg::Http(id));
            self.register_terminal(now, job, trial, judged, out);
            return;
        }
        if refused.is_none() {
            self.dismiss(&job, out);
        }
        let reading = Reading::Failed("the terminal does not show who it is");
        self.on_carried(now, Leg::Http(id), answer.status, reading, out);
    }

    /// Tells a terminal that its credentials are refused for good: it closes the connection, and no answer counts.
    fn dismiss(&mut self, job: &Job, out: &mut Vec<Output>) {
        let Some((key, address)) = self.terminal_of(job) else {
            return;
        };
        let mut rows = self.rows(key, &address, "OPTIONS");
        if let Some(users) = &self.config.ota_http.terminals {
            let nonce = self.random.token::<20>();
            let judged = Some(AuthStatus::FailedNoRetry);
            let challenge = http::challenge(&users.realm, nonce.as_str(), judged);
            rows.push(http::row(header::AUTHENTICATE, &challenge));
        }
        let id = self.notices.fetch_id();
        let request = http::registration(&address, rows);
        out.push(Output::Fetch {
            id,
            errand: Errand::Device,
            request,
        });
    }

    /// Puts right what the terminal wants first, once each: our credentials, its tag. True when the push goes on so.
    fn mend(
        &mut self,
        now: Time,
        id: FetchId,
        job: &Job,
        mut trial: Trial,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some((key, address)) = self.terminal_of(job) else {
            return false;
        };
        let terminal = self.terminals.of(key, &address);
        match (status_of(answer), answer.status) {
            // Taken, but what is known of the terminal is old.
            (Some(401), _) => {
                terminal.retag(answer);
                return false;
            }
            (Some(256), _) if !trial.retagged => {
                terminal.retag(answer);
                trial.retagged = true;
            }
            (None, 401) if !trial.authorized && self.config.credentials.is_some() => {
                // We connected to an address that is entered for the device.
                if !terminal.ask(Asked::best_of(answer, |_| true)) {
                    return false;
                }
                trial.authorized = true;
            }
            _ => return false,
        }
        self.jobs.answered(Leg::Http(id));
        let job = job.clone();
        let road = job.road();
        let goes_on = self.is_of_use(now, &job)
            && if trial.posted && self.terminals.is_fresh(key, &address, now) {
                self.post_push(now, job, trial, out)
            } else {
                self.register_terminal(now, job, trial, None, out)
            };
        if !goes_on {
            let next = self.jobs.next(road);
            self.send_next(now, next, out);
        }
        true
    }

    /// A content was answered (WAP-235 section 7.5).
    fn content_answered(
        &mut self,
        now: Time,
        id: FetchId,
        job: &Job,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let response = Ok(answer.clone());
        let (code, reading) = http::read(&response);
        let tries = |gateway: &Self, at| {
            let push = gateway.ledger.get(job.push);
            let delivery = push.and_then(|push| push.delivery(job.group, at));
            delivery.map_or(0, |delivery| delivery.attempt)
        };
        let at = job.lane.device().map_or(0, |key| key.at);
        let ending = match (reading, code) {
            (Reading::Taken { .. }, _) => Some(Ending::delivered(now)),
            (_, 235 | 236 | 238) => Some(aborted(code, now)),
            (_, 234 | 237) if tries(self, at) > self.config.retries => Some(aborted(code, now)),
            (_, 234 | 237) => None,
            // The content will never go so; another bearer may lead to a session.
            (_, 256 | 257 | 600) => {
                let reading = Reading::Aborted(code);
                self.on_carried(now, Leg::Http(id), code, reading, out);
                return;
            }
            _ => {
                self.on_carried(now, Leg::Http(id), code, reading, out);
                return;
            }
        };
        self.jobs.answered(Leg::Http(id));
        match ending {
            Some(ending) => self.end_one(now, job.push, job.group, at, ending, out),
            None if self.waking(job).has(at) => {
                self.later(now, job, at, "the device cannot take the content now", None);
            }
            None => {}
        }
        let next = self.jobs.next(job.road());
        self.send_next(now, next, out);
    }

    fn is_paging(&self, job: &Job) -> bool {
        let push = self.ledger.get(job.push);
        let at = job.lane.device().map_or(0, |key| key.at);
        let delivery = push.and_then(|push| push.delivery(job.group, at));
        delivery.is_some_and(|delivery| delivery.stage == Stage::Paging)
    }

    /// Moves the delivery of a job from one stage to another, when it is in the first.
    fn stage_waiting(&mut self, job: &Job, from: &Stage, to: &Stage) {
        let Some(key) = job.lane.device() else { return };
        let push = self.ledger.get(job.push);
        let delivery = push.and_then(|push| push.delivery(job.group, key.at));
        if delivery.is_some_and(|delivery| delivery.stage == *from) {
            self.stage(job.push, job.group, key.at, to.clone());
        }
    }
}

fn is_taken(response: &Result<HttpResponse, FetchError>) -> bool {
    matches!(http::read(response).1, Reading::Taken { .. })
}

/// The terminal refused the content: PAP's 5abc is the status of WAP-235.
pub(super) fn aborted(status: u16, now: Time) -> Ending {
    Ending {
        outcome: Outcome::Refused,
        state: MessageState::Aborted,
        code: Status::client_aborted(status),
        reason: rejection(status).to_owned(),
        at: now,
    }
}

/// What that status of WAP-235 says of a content.
pub(super) const fn rejection(status: u16) -> &'static str {
    match status {
        234 => "the terminal asks for the content again, again and again",
        236 => "the terminal discarded the content, because it was pending too long",
        237 => "the terminal has no room for the content",
        238 => "the terminal cannot process the content",
        256 => "the terminal wants its capability tag",
        257 => "the terminal is not provisioned for this gateway",
        600 => "the terminal takes another version of OTA-HTTP",
        _ => "the terminal refuses the content",
    }
}
