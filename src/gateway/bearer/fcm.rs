//! Notifications through Firebase Cloud Messaging.
//!
//! **Source:** `codec::fcm`, with the documents named there. An access token is had before the first message and again when
//! it is about to end; messages wait for it meanwhile.

use core::time::Duration;

use super::vendor::{Notification, Verdict, header, of_error, post};
use crate::codec::fcm::account::ServiceAccount;
use crate::codec::fcm::answer::{self, Answer, Word};
use crate::codec::fcm::grant::{self, Access, Granted};
use crate::codec::fcm::message::Message;
use crate::codec::fcm::{TTL_MAX, path};
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse};

/// The service, and who we are to it.
#[derive(Clone, Debug)]
pub struct Fcm {
    /// Where it is: `https://fcm.googleapis.com`.
    pub endpoint: String,
    /// Who we are, and where access tokens are had.
    pub account: ServiceAccount,
    access: Option<Access>,
    /// The request for an access token that is under way.
    asking: Option<FetchId>,
    /// Messages that wait for it.
    waiting: Vec<FetchId>,
}

impl Fcm {
    /// The service, with no access yet.
    #[must_use]
    pub const fn new(endpoint: String, account: ServiceAccount) -> Self {
        Self {
            endpoint,
            account,
            access: None,
            asking: None,
            waiting: Vec::new(),
        }
    }

    /// The request that notifies a device; `None` while there is no access.
    ///
    /// # Errors
    /// Why there is none.
    pub fn request(
        &self,
        now: Time,
        of: &Notification,
    ) -> Result<Option<HttpRequest>, &'static str> {
        let mut message = Message::to(of.token.clone());
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        (message.title, message.body) = (text(&of.title), text(&of.text));
        message.data.clone_from(&of.own);
        message.collapse_key.clone_from(&of.collapse);
        let left = of.until.since(now).as_secs().min(TTL_MAX);
        message.ttl = Some(Duration::from_secs(left));
        message.high = true;
        let too_large = "the notification is too large for the push service";
        let body = message.encode().ok_or(too_large)?;
        let access = self.access.as_ref();
        let Some(authorization) = access.and_then(|access| access.authorization(now)) else {
            return Ok(None);
        };
        let headers = vec![
            ("authorization".to_owned(), authorization),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let endpoint = self.endpoint.trim_end_matches('/');
        let target = format!("{endpoint}{}", path(&self.account.project));
        Ok(Some(post(target, headers, body)))
    }

    /// A message waits for access; gives the request for it, under that number, when none is under way.
    ///
    /// # Errors
    /// Why there is none.
    pub fn wait(
        &mut self,
        now: Time,
        message: FetchId,
        number: impl FnOnce() -> FetchId,
    ) -> Result<Option<(FetchId, HttpRequest)>, &'static str> {
        if self.asking.is_some() {
            self.waiting.push(message);
            return Ok(None);
        }
        let form = grant::request(&self.account, now);
        let form = form.map_err(|_| "the service account's key does not sign")?;
        self.waiting.push(message);
        let form_type = "application/x-www-form-urlencoded";
        let headers = vec![("content-type".to_owned(), form_type.to_owned())];
        let id = number();
        self.asking = Some(id);
        let request = post(self.account.token_uri.clone(), headers, form.into_bytes());
        Ok(Some((id, request)))
    }

    /// What the endpoint of access tokens answered: the messages that waited, and why they are not sent, if so. `None` when
    /// that was another request.
    pub fn answered(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
    ) -> Option<(Vec<FetchId>, Option<Verdict>)> {
        self.asking.take_if(|own| *own == id)?;
        let waiting = core::mem::take(&mut self.waiting);
        let verdict = match response {
            Err(error) => Some(of_error(*error)),
            Ok(response) => match grant::answer(response.status, &response.body, now) {
                Some(Granted::Access(access)) => {
                    // One that ends at once would be asked for without end.
                    let is_good = access.authorization(now).is_some();
                    self.access = Some(access);
                    (!is_good).then_some(Verdict::Later("the access token ends at once", None))
                }
                Some(Granted::Refused(_)) if response.status < 500 => Some(Verdict::Refused(
                    "the service account is refused an access token",
                )),
                _ => Some(Verdict::Later("there is no access token now", None)),
            },
        };
        Some((waiting, verdict))
    }

    /// The access token is good no more.
    pub fn renew(&mut self) {
        self.access = None;
    }
}

/// What an answer comes to.
#[must_use]
pub fn read(response: &Result<HttpResponse, FetchError>) -> Verdict {
    let response = match response {
        Ok(response) => response,
        Err(error) => return of_error(*error),
    };
    let after = header(response, "retry-after");
    match answer::answer(response.status, &response.body, after) {
        Answer::Taken(_) => Verdict::Taken,
        Answer::Gone(reason) => Verdict::Gone(word(&reason)),
        Answer::Later { reason, after } => Verdict::Later(word(&reason), after),
        Answer::Renew => Verdict::Renew,
        Answer::Refused(reason) => Verdict::Refused(word(&reason)),
    }
}

const fn word(reason: &Word) -> &'static str {
    match reason {
        Word::Known(code) => code.word(),
        Word::Other(_) => "the push service refuses it",
    }
}
