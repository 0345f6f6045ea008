//! What application servers ask: a push to a subscription, and a push taken back.
//!
//! **Source:** RFC 8030 sections 5 and 5.2 to 5.4 (answers 201, 400, 404, 410, 413, 429), RFC 8292 section 4 (401, 403),
//! RFC 8291 section 4 (what content must look like).

use bytes::Bytes;

use super::mails::Mail;
use super::{PushService, Timer, record, report, short};
use crate::codec::web_push::demand::Demand;
use crate::codec::web_push::record::Body;
use crate::codec::web_push::vapid::Vapid;
use crate::codec::web_push::{CODING, PUBLIC_KEY_OCTETS, PublicKey};
use crate::event::Fact;
use crate::gateway::api::problem;
use crate::limits;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

/// Where subscriptions are.
const RESOURCES: &str = "/wpush/v2/";
/// Where pushes are.
const MESSAGES: &str = "/wpush/m/";

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// A subscription, by the last part of its path.
    Resource(&'a str),
    /// A push, by the last part of its path.
    Message(&'a str),
}

impl<'a> Route<'a> {
    /// The route of a path; `None` when it is none of ours.
    #[must_use]
    pub fn of(path: &'a str) -> Option<Self> {
        let resource = path.strip_prefix(RESOURCES).map(Self::Resource);
        resource.or_else(|| path.strip_prefix(MESSAGES).map(Self::Message))
    }
}

impl PushService {
    /// Answers an application server.
    pub fn request(
        &mut self,
        now: Time,
        route: Route<'_>,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> HttpResponse {
        let answer = match (route, request.method.as_str()) {
            (Route::Resource(resource), "POST") => self.push(now, resource, request, out),
            (Route::Message(version), "DELETE") => self.cancel(now, version, out),
            (Route::Resource(_), _) => Err(not_allowed("POST")),
            (Route::Message(_), _) => Err(not_allowed("DELETE")),
        };
        answer.unwrap_or_else(|refusal| {
            let fact = Fact::Refused {
                from: "application server".to_owned(),
                why: format!(
                    "{}: {}",
                    refusal.status,
                    String::from_utf8_lossy(&refusal.body)
                ),
            };
            report(now, fact, out);
            refusal
        })
    }

    fn push(
        &mut self,
        now: Time,
        resource: &str,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> Result<HttpResponse, HttpResponse> {
        let Some(channel) = self.channels.get(resource) else {
            return Err(if self.gone.contains_key(resource) {
                problem(410, "gone", "this subscription is over")
            } else {
                problem(404, "not found", "no such subscription")
            });
        };
        let most = limits::WEB_PUSH_OCTETS;
        if request.body.len() > most {
            let detail = format!("a push may have at most {most} octets");
            return Err(problem(413, "content too large", &detail));
        }
        self.is_sender(now, channel.key.as_ref(), request)?;
        let demand = Demand::of(|name| request.header(name));
        let demand = demand.map_err(|fault| bad(&fault.to_string()))?;
        content(request)?;
        let (burst, pause) = (self.config.burst, self.config.pause);
        let ttl = demand.ttl.min(self.config.ttl_max).as_secs();
        let mail = Mail {
            agent: channel.agent.clone(),
            channel: channel.channel,
            resource: resource.to_owned(),
            version: self.random.token::<32>().to_string(),
            topic: demand.topic,
            urgency: demand.urgency,
            ttl,
            taken: now,
            content: request.body.clone(),
            tries: 0,
        };
        if let Some(channel) = self.channels.get_mut(resource) {
            let admitted = channel.pace.admit(now, burst, pause);
            admitted.map_err(|wait| {
                let detail = "this subscription takes no more pushes now";
                later(
                    429,
                    "too many requests",
                    detail,
                    wait.as_secs().saturating_add(1),
                )
            })?;
        }
        self.take(now, mail, out)
    }

    /// Keeps a push and sends it when its browser is there.
    fn take(
        &mut self,
        now: Time,
        mail: Mail,
        out: &mut Vec<Output>,
    ) -> Result<HttpResponse, HttpResponse> {
        let older = self.older(&mail);
        if older.is_empty() {
            self.make_room(now, &mail, out)?;
        }
        for no in older {
            self.end(now, no, "replaced", out);
        }
        let agent = self.agents.get(&mail.agent);
        let is_there = agent.is_some_and(|agent| agent.link.is_some());
        let answer = taken(&self.config.origin, &mail);
        let fact = |state: &str| Fact::WpMsg {
            sub: short(&mail.resource),
            msg: short(&mail.version),
            state: state.to_owned(),
            code: None,
            attempt: 0,
        };
        report(now, fact("taken"), out);
        if !mail.is_kept() && !is_there {
            // Its time is over before it began; that is an end like any other (RFC 8030 section 5.2).
            report(now, fact("expired"), out);
            return Ok(answer);
        }
        let (name, until, is_kept) = (mail.agent.clone(), mail.until(), mail.is_kept());
        let no = self.mails.enter(mail);
        if let Some(agent) = self.agents.get_mut(&name) {
            agent.mails.insert(no);
        }
        if is_kept {
            self.timers.set(Timer::Over(no), until);
            if let Some(mail) = self.mails.get(no) {
                out.push(Output::Save(record::mail(no, mail)));
            }
        }
        self.send(now, no, out);
        Ok(answer)
    }

    /// Pushes of the same topic to the same subscription, which give way.
    fn older(&self, mail: &Mail) -> Vec<u64> {
        let agent = self.agents.get(&mail.agent);
        let agent = agent.filter(|_| mail.topic.is_some());
        let waiting = agent.into_iter().flat_map(|agent| &agent.mails);
        let is_older = |no: &&u64| {
            let older = self.mails.get(**no);
            older.is_some_and(|it| it.topic == mail.topic && it.resource == mail.resource)
        };
        waiting.filter(is_older).copied().collect()
    }

    /// Room for one more push, for which those that were sent give way, the oldest first: some browsers acknowledge
    /// nothing, and have what they were sent all the same.
    fn make_room(
        &mut self,
        now: Time,
        mail: &Mail,
        out: &mut Vec<Output>,
    ) -> Result<(), HttpResponse> {
        if self.mails.is_full(mail.content.len()) {
            let detail = "too many pushes wait";
            return Err(later(503, "service unavailable", detail, 60));
        }
        let waiting = self.agents.get(&mail.agent).map(|agent| &agent.mails);
        let Some(waiting) = waiting.filter(|it| it.len() >= limits::WEB_PUSHES_PER_AGENT) else {
            return Ok(());
        };
        let was_sent = |no: &&u64| self.mails.get(**no).is_some_and(|mail| mail.tries > 0);
        let Some(no) = waiting.iter().find(was_sent).copied() else {
            let detail = "too many pushes wait for this browser";
            return Err(later(429, "too many requests", detail, 60));
        };
        self.end(now, no, "given-up", out);
        Ok(())
    }

    fn cancel(
        &mut self,
        now: Time,
        version: &str,
        out: &mut Vec<Output>,
    ) -> Result<HttpResponse, HttpResponse> {
        let no = self.mails.named(version);
        let no = no.ok_or_else(|| problem(404, "not found", "no such push waits"))?;
        self.end(now, no, "cancelled", out);
        Ok(HttpResponse {
            status: 204,
            headers: Vec::new(),
            body: Bytes::new(),
        })
    }

    /// Whether the sender is who the subscription was made for; one that says who it is must be it in any case.
    fn is_sender(
        &self,
        now: Time,
        key: Option<&PublicKey>,
        request: &HttpRequest,
    ) -> Result<(), HttpResponse> {
        let Some(shown) = request.header("authorization") else {
            let detail = "this subscription takes pushes of one application server only, which shows a token";
            return match key {
                None => Ok(()),
                Some(_) => Err(with(
                    problem(401, "unauthorized", detail),
                    "www-authenticate",
                    "vapid",
                )),
            };
        };
        let forbidden = |detail: &str| problem(403, "forbidden", detail);
        let shown = Vapid::decode(shown.as_bytes());
        let shown = shown.map_err(|fault| forbidden(&fault.to_string()))?;
        if key.is_some_and(|key| *key != shown.key) {
            return Err(forbidden("this subscription was made for another key"));
        }
        let own = [self.config.origin.as_str()].into_iter();
        let others = self.config.audiences.iter().map(String::as_str);
        let audiences: Vec<&str> = own.chain(others).collect();
        let checked = shown.check(now, &audiences);
        checked.map_err(|fault| forbidden(&fault.to_string()))
    }
}

/// Content that a browser could not even begin to open is refused at once.
fn content(request: &HttpRequest) -> Result<(), HttpResponse> {
    let coding = request.header("content-encoding").map(str::trim);
    if request.body.is_empty() {
        return match coding {
            None => Ok(()),
            Some(_) => Err(bad("a Content-Encoding without content")),
        };
    }
    if !coding.is_some_and(|coding| coding.eq_ignore_ascii_case(CODING)) {
        return Err(bad("the Content-Encoding of a push must be aes128gcm"));
    }
    let body = Body::decode(&request.body).map_err(|fault| bad(&fault.to_string()))?;
    if body.key_id.len() != PUBLIC_KEY_OCTETS {
        return Err(bad("the content names no key of its sender"));
    }
    if body.records().count() > 1 {
        return Err(bad("the content has more than one record"));
    }
    Ok(())
}

fn taken(origin: &str, mail: &Mail) -> HttpResponse {
    HttpResponse {
        status: 201,
        headers: vec![
            (
                "location".to_owned(),
                format!("{origin}{MESSAGES}{}", mail.version),
            ),
            ("ttl".to_owned(), mail.ttl.to_string()),
        ],
        body: Bytes::new(),
    }
}

fn bad(detail: &str) -> HttpResponse {
    problem(400, "bad request", detail)
}

fn not_allowed(allow: &str) -> HttpResponse {
    with(problem(405, "method not allowed", allow), "allow", allow)
}

fn later(status: u16, title: &str, detail: &str, seconds: u64) -> HttpResponse {
    with(
        problem(status, title, detail),
        "retry-after",
        &seconds.to_string(),
    )
}

fn with(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}
