//! Instant notification, joined to requests, records, the messages' store and the devices that are there.

use std::net::SocketAddr;

use super::events::Publications;
use super::on_web::account;
use super::registry::Registry;
use super::service::instant_notice::coalescing::Place;
use super::service::instant_notice::{
    Asker, Deed, Desk, Live, Monitoring, NewInfo, Outcome, Proof, Route,
};
use super::service::web_message::{self, WebMessages};
use super::snapshot::BadRecord;
use super::{Gateway, snapshot};
use crate::event::Fact;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, Record, RequestId};

/// What is known at this moment of the device that a place names.
fn live(
    registry: &Registry,
    publications: &Publications,
    web: &WebMessages,
    place: &Place,
) -> Live {
    let identity = registry.identity(&place.account);
    let key = identity.and_then(|no| registry.named(no, &place.device));
    let device = key.and_then(|key| registry.device(key));
    let client = web.clients().get(&place.device);
    let client = client.filter(|client| client.mailbox() == place.account);
    Live {
        session: device.is_some_and(|device| device.session.is_some())
            || client.is_some_and(|client| web.is_waiting(&client.id)),
        published: key.and_then(|key| publications.app_state(key)),
    }
}

/// Does something with the service and what it works on.
macro_rules! at_desk {
    ($gateway:ident, $now:expr, $out:expr, |$service:ident, $desk:ident| $body:expr) => {{
        let (registry, web) = (&$gateway.registry, &$gateway.web);
        let publications = &$gateway.publications;
        let live = |place: &Place| live(registry, publications, web, place);
        let $service = &mut $gateway.instant;
        let mut $desk = Desk {
            now: $now,
            messages: &mut $gateway.messages,
            live: &live,
            out: $out,
        };
        $body
    }};
}

impl Gateway {
    /// Answers a request of the service, at once or when a mail server has answered.
    pub(super) fn on_notice(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        route: Result<Route, HttpResponse>,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let route = match route {
            Ok(route) => route,
            Err(response) => return out.push(Output::Respond { id, response }),
        };
        let initiator = self.initiator(peer, request).map(drop);
        let learns = self.config.learn_devices && route == Route::Register;
        let (registry, domain) = (&mut self.registry, &self.config.domain);
        let mut entered = Vec::new();
        let mut resolve = |name: &str| {
            let found = account(registry, domain, name, learns)?;
            entered.extend(found.is_new.then(|| found.name.clone()));
            Some(found.name)
        };
        let verified = request.header(HttpRequest::ACCOUNT);
        let verified = verified.and_then(&mut resolve);
        let asker = Asker {
            request,
            verified,
            initiator,
            resolve: &mut resolve,
        };
        let (service, none) = (&mut self.instant, |_: &Place| Live::default());
        let mut desk = Desk {
            now,
            messages: &mut self.messages,
            live: &none,
            out,
        };
        let outcome = service.answer(&mut desk, &route, asker);
        for pui in entered {
            let identity = self.registry.identity(&pui);
            let identity = identity.and_then(|no| self.registry.get(no));
            out.extend(identity.map(|known| Output::Save(snapshot::identity(known))));
        }
        match outcome {
            Outcome::Answer(response) => {
                // What is told and read is on record before the answer.
                self.do_deeds(now, out);
                out.push(Output::Respond { id, response });
            }
            Outcome::News(info, response) => {
                self.news(now, &info, out);
                out.push(Output::Respond { id, response });
            }
            Outcome::Prove(proof) => self.prove(now, id, proof, out),
        }
    }

    /// A monitor reports something new: it is stored once, and told.
    pub(super) fn news(&mut self, now: Time, info: &NewInfo, out: &mut Vec<Output>) {
        let (account, app) = (info.account.as_str(), info.source.as_str());
        if !self.instant.is_awaited(account, app) {
            return;
        }
        let draft = self.instant.draft(info);
        let messages = &mut self.messages;
        let mut desk = web_message::Desk { now, messages, out };
        let put = match self.web.put(&mut desk, account, draft) {
            Ok(put) => put,
            Err(full) => {
                let fact = Fact::Refused {
                    from: app.to_owned(),
                    why: format!("{account}: {full}"),
                };
                return self.report(now, fact, out);
            }
        };
        if let Some(cursor) = info.cursor {
            self.instant.keep_cursor((account, app), cursor, out);
        }
        if put.repeated {
            return;
        }
        at_desk!(self, now, out, |service, desk| service
            .arrived(&mut desk, info, put.seq));
        self.do_deeds(now, out);
        self.lamp(now, account);
    }

    /// A monitor came to do something else.
    pub(super) fn monitoring(
        &mut self,
        now: Time,
        of: (&str, &str),
        state: Monitoring,
        why: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        at_desk!(self, now, out, |service, desk| service
            .monitor(&mut desk, of, state, why));
    }

    /// A mail server said whether the password of a login is right.
    pub(super) fn proved(
        &mut self,
        now: Time,
        id: RequestId,
        proof: Proof,
        is_right: bool,
        out: &mut Vec<Output>,
    ) {
        let response = at_desk!(self, now, out, |service, desk| service
            .proved(&mut desk, proof, is_right));
        out.push(Output::Respond { id, response });
        self.do_deeds(now, out);
    }

    /// What is due in the service.
    pub(super) fn notices_due(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.instant.deadline().is_some_and(|due| due <= now) {
            at_desk!(self, now, out, |service, desk| service.expire(&mut desk));
            self.do_deeds(now, out);
        }
        self.mailboxes_due(now, out);
    }

    pub(super) fn restore_notice(&mut self, record: &Record) -> Result<(), BadRecord> {
        self.instant.restore(&record.body)
    }

    /// Goes on after a restart.
    pub(super) fn resume_notices(&mut self, now: Time, out: &mut Vec<Output>) {
        at_desk!(self, now, out, |service, desk| service.resume(&mut desk));
        self.do_deeds(now, out);
    }

    fn do_deeds(&mut self, now: Time, out: &mut Vec<Output>) {
        for deed in self.instant.take_deeds() {
            match deed {
                Deed::Notify {
                    notice,
                    channel,
                    token,
                } => self.notify_device(now, &notice, channel, token.as_deref(), out),
                Deed::Direct {
                    account,
                    device,
                    channel,
                    app,
                    seq,
                } => {
                    let place = Place {
                        account,
                        app,
                        device,
                    };
                    self.give_directly(now, &place, channel, seq, out);
                }
                Deed::Watch {
                    account,
                    app,
                    password,
                } => self.watch_mailbox(now, (&account, &app), password, out),
                Deed::Unwatch { account, app } => self.unwatch_mailbox(&account, &app, out),
                Deed::Opened { account, seq } => {
                    if self.messages.read(&account, seq) {
                        let fact = Fact::MsgState {
                            account: account.clone(),
                            message: seq,
                            state: "read".to_owned(),
                        };
                        self.report(now, fact, out);
                    }
                    self.messages.save(out);
                    self.lamp(now, &account);
                }
            }
        }
    }
}
