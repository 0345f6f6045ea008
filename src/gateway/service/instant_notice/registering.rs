//! Registering a device, logging in and out on it, and what its client says of itself (R1.1 to R1.15, R1.28).

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::app_state::{Heartbeat, State};
use super::asker::{Answer, Asker, Outcome, Proof, stranger};
use super::coalescing::Place;
use super::registrations::{Full, Login, Registration, digest};
use super::{Channel, Desk, InstantNotices, Source, Watched, answer, empty, problem, read, record};
use crate::event::Fact;
use crate::limits;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

/// Wrong passwords of an account before it has to wait, and how long.
const TRIES: u32 = 5;
const WAIT: Duration = Duration::from_secs(60);

/// Wrong passwords of late.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, (u32, Time)>);

impl Failures {
    fn must_wait(&mut self, now: Time, account: &str) -> bool {
        self.0.retain(|_, (_, at)| now.since(*at) < WAIT);
        self.0
            .get(account)
            .is_some_and(|(tries, _)| *tries >= TRIES)
    }

    fn add(&mut self, now: Time, account: &str) {
        if self.0.len() < limits::NOTICE_REGISTRATIONS || self.0.contains_key(account) {
            let (tries, at) = self.0.entry(account.to_owned()).or_insert((0, now));
            *tries = tries.saturating_add(1);
            *at = now;
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrationBody {
    account: String,
    device: String,
    platform: String,
    token: Option<String>,
    #[serde(default = "mail")]
    app: String,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    account: String,
    device: String,
    password: String,
    #[serde(default = "mail")]
    app: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    app: Option<String>,
    state: State,
}

fn mail() -> String {
    "mail".to_owned()
}

impl InstantNotices {
    /// A client is used for the first time (R1.1, R1.2), or its push token is another now (R1.41).
    pub(super) fn register(&mut self, desk: &mut Desk<'_>, asker: &mut Asker<'_>) -> Answer {
        let body: RegistrationBody = read(asker.request, "not a registration")?;
        let wrong = |detail: &str| Err(problem(400, "not a registration", detail));
        if !is_name(&body.device) {
            return wrong("a device's id has 1 to 128 characters, no blank among them");
        }
        let Some(channel) = Channel::of(&body.platform) else {
            return wrong("no such platform: ios, android, browser, sip, feature, mail, lamp");
        };
        match &body.token {
            None if channel.needs_token() => return wrong("the push server's token is wanted"),
            Some(token) if !is_token(channel, token) => {
                return wrong("the token is none of that platform's push server");
            }
            _ => {}
        }
        let Some(watched) = self.watched.get(&body.app) else {
            return Err(problem(404, "not found", "no such application is watched"));
        };
        let account = (asker.resolve)(&body.account);
        let account = account.ok_or_else(|| problem(404, "not found", "no such account"))?;
        let place = Place {
            account,
            app: body.app,
            device: body.device,
        };
        let known = self.registrations.get(&place).cloned();
        let is_same = |of: &Registration| of.platform == body.platform && of.token == body.token;
        let is_changed = known.as_ref().is_some_and(|known| !is_same(known));
        // What is told to one device must not come to go to another because somebody knows its name.
        let proved = self.own(asker.request).is_ok_and(|own| own.place == place)
            || asker.verified.as_ref() == Some(&place.account)
            || is_right(watched, &place.account, body.password.as_deref());
        if is_changed && !proved {
            return Err(stranger());
        }
        let (status, change) = match known {
            None => (201, "registered"),
            Some(_) => (200, "replaced"),
        };
        let known = known.as_ref();
        let registration = Registration {
            id: known.map_or_else(|| self.random.token::<16>().to_string(), |of| of.id.clone()),
            place,
            platform: body.platform,
            token: body.token,
            login: known.and_then(|known| known.login),
            heartbeat: known.and_then(|known| known.heartbeat),
        };
        self.keep(desk, registration.clone())?;
        self.tell(desk, &registration.place, change);
        let mut response = answer(status, &shown(&registration));
        let location = format!("/api/v1/registrations/{}", registration.id);
        response.headers.push(("location".to_owned(), location));
        Ok(response)
    }

    /// A registration, to who may see it.
    pub(super) fn show_registration(&self, id: &str, asker: &Asker<'_>) -> Answer {
        self.seen(id, asker).map(|of| answer(200, &shown(of)))
    }

    /// A device is taken out.
    pub(super) fn unregister(
        &mut self,
        desk: &mut Desk<'_>,
        id: &str,
        asker: &Asker<'_>,
    ) -> Answer {
        let place = self.seen(id, asker)?.place.clone();
        self.drop_registration(desk, &place);
        Ok(empty(204))
    }

    /// A device is taken out: it is not told anything any more.
    pub fn drop_registration(&mut self, desk: &mut Desk<'_>, place: &Place) {
        if self.registrations.remove(place).is_some() {
            self.bursts.forget(place);
            desk.out.push(Output::Forget(record::key(place)));
            self.tell(desk, place, "removed");
            self.end(desk, &place.account, &place.app);
        }
    }

    /// The push server says that a device's token is gone (R1.44): the device stays, by its next channel.
    pub fn drop_token(&mut self, desk: &mut Desk<'_>, place: &Place, token: &str) {
        let known = self.registrations.get(place).cloned();
        let known = known.filter(|of| of.token.as_deref() == Some(token));
        if let Some(mut registration) = known {
            registration.token = None;
            // What was there finds its room again.
            let _entered = self.keep(desk, registration);
            self.tell(desk, place, "token-gone");
        }
    }

    /// A user logs in (R1.8 to R1.11).
    pub(super) fn login(
        &mut self,
        desk: &mut Desk<'_>,
        asker: &mut Asker<'_>,
    ) -> Result<Outcome, HttpResponse> {
        let body: LoginBody = read(asker.request, "not a login")?;
        let wrong = || problem(401, "not logged in", "account or password is wrong");
        let account = (asker.resolve)(&body.account).ok_or_else(wrong)?;
        if self.failures.must_wait(desk.now, &account) {
            let mut response = problem(429, "too many tries", "wait a minute");
            let later = ("retry-after".to_owned(), WAIT.as_secs().to_string());
            response.headers.push(later);
            return Err(response);
        }
        let place = Place {
            account,
            app: body.app,
            device: body.device,
        };
        let watched = self.watched.get(&place.app);
        let watched = watched.ok_or_else(|| problem(404, "not found", "no such application"))?;
        if asks_source(watched, &place.account) {
            self.is_registered(&place)?;
            return Ok(Outcome::Prove(Proof {
                account: place.account,
                app: place.app,
                device: place.device,
                password: body.password,
            }));
        }
        if !is_right(watched, &place.account, Some(&body.password)) {
            self.failures.add(desk.now, &place.account);
            return Err(wrong());
        }
        self.is_registered(&place)?;
        self.logged_in(desk, &place, None).map(Outcome::Answer)
    }

    /// The source said whether the password of a login is right.
    pub fn proved(&mut self, desk: &mut Desk<'_>, proof: Proof, is_right: bool) -> HttpResponse {
        let place = Place {
            account: proof.account,
            app: proof.app,
            device: proof.device,
        };
        if !is_right {
            self.failures.add(desk.now, &place.account);
            return problem(401, "not logged in", "account or password is wrong");
        }
        let password = Some(proof.password);
        let answered = self.logged_in(desk, &place, password);
        answered.unwrap_or_else(|refused| refused)
    }

    fn is_registered(&self, place: &Place) -> Result<(), HttpResponse> {
        let known = self.registrations.get(place).map(|_| ());
        known.ok_or_else(|| problem(403, "not registered", "register the device first"))
    }

    fn logged_in(
        &mut self,
        desk: &mut Desk<'_>,
        place: &Place,
        password: Option<String>,
    ) -> Answer {
        let known = self.registrations.get(place).cloned();
        let mut registration =
            known.ok_or_else(|| problem(403, "not registered", "register the device first"))?;
        let token = self.random.token::<32>();
        registration.login = Some(Login {
            at: desk.now,
            digest: digest(token.as_str()),
        });
        self.keep(desk, registration)?;
        self.tell(desk, place, "login");
        self.begin(desk, &place.account, &place.app, password);
        let watched = self.watched.get(&place.app);
        let interval = watched.map_or(0, |watched| watched.heartbeat.as_secs());
        Ok(answer(
            200,
            &json!({
                "schema": "sirgate.login/1",
                "account": place.account,
                "app": place.app,
                "device": place.device,
                "token": token.as_str(),
                "interval": interval,
            }),
        ))
    }

    /// A user logs out.
    pub(super) fn logout(&mut self, desk: &mut Desk<'_>, request: &HttpRequest) -> Answer {
        let mut registration = self.own(request)?;
        let place = registration.place.clone();
        registration.login = None;
        registration.heartbeat = None;
        self.keep(desk, registration)?;
        self.bursts.forget(&place);
        self.tell(desk, &place, "logout");
        self.end(desk, &place.account, &place.app);
        Ok(empty(204))
    }

    /// A client says what it does.
    pub(super) fn said_app_state(
        &mut self,
        desk: &mut Desk<'_>,
        device: &str,
        request: &HttpRequest,
    ) -> Answer {
        let own = self.own(request)?;
        let body: StateBody = read(request, "not a state")?;
        let is_other = body.app.is_some_and(|app| app != own.place.app);
        if own.place.device != device || is_other {
            return Err(problem(403, "not your client", "the token is another's"));
        }
        let (state, at) = (body.state, desk.now);
        self.registrations.beat(&own.place, Heartbeat { state, at });
        Ok(empty(204))
    }

    /// Devices of an account whose lamp shows what is unread.
    #[must_use]
    pub fn lamps(&self, account: &str) -> Vec<String> {
        let apps = self.watched.keys();
        let all = apps.flat_map(|app| self.registrations.of(account, app));
        let lamps = all.filter(|of| of.login.is_some() && of.channel() == Some(Channel::Mwi));
        lamps.map(|of| of.place.device.clone()).collect()
    }

    /// True where one has.
    #[must_use]
    pub fn has_lamp(&self, account: &str) -> bool {
        !self.lamps(account).is_empty()
    }

    fn keep(&mut self, desk: &mut Desk<'_>, of: Registration) -> Result<(), HttpResponse> {
        let record = record::registration(&of);
        let entered = self.registrations.enter(of);
        entered.map_err(|Full| problem(503, "the gateway is full", "no room for more devices"))?;
        desk.out.push(Output::Save(record));
        Ok(())
    }

    fn seen(&self, id: &str, asker: &Asker<'_>) -> Result<&Registration, HttpResponse> {
        let known = self.registrations.of_id(id);
        let own = self.own(asker.request).ok();
        let account = own.map(|own| own.place.account);
        let account = account.or_else(|| asker.verified.clone());
        match (known, account) {
            (Some(of), Some(account)) if of.place.account == account => Ok(of),
            (_, Some(_)) => Err(problem(403, "not your device", "it is another's")),
            (known, None) => {
                asker.initiator.clone()?;
                known.ok_or_else(|| problem(404, "not found", "no such registration"))
            }
        }
    }

    fn tell(&self, desk: &mut Desk<'_>, place: &Place, change: &str) {
        desk.report(Fact::MonReg {
            account: place.account.clone(),
            dev: place.device.clone(),
            app: place.app.clone(),
            change: change.to_owned(),
        });
    }
}

fn shown(of: &Registration) -> serde_json::Value {
    json!({
        "schema": "sirgate.registration/1",
        "registration": of.id,
        "account": of.place.account,
        "app": of.place.app,
        "device": of.place.device,
        "platform": of.platform,
        "channel": of.channel().map(Channel::word),
        "token": of.token,
        "logged_in": of.login.is_some(),
    })
}

/// True where nobody here knows the account's password, so that the mail server is asked.
fn asks_source(watched: &Watched, account: &str) -> bool {
    matches!(watched.source, Source::Imap(_)) && !watched.passwords.contains_key(account)
}

/// True for the password that is configured; how long that takes says nothing of it.
fn is_right(watched: &Watched, account: &str, password: Option<&str>) -> bool {
    let known = watched.passwords.get(account);
    let pair = known.zip(password);
    pair.is_some_and(|(known, given)| digest(known) == digest(given))
}

fn is_name(name: &str) -> bool {
    let is_bad = |letter: char| letter.is_control() || letter.is_whitespace();
    (1..=128).contains(&name.len()) && !name.contains(is_bad)
}

/// A token of Apple's is 64 digits to base 16 and more (R1.40); the others' are theirs to know.
fn is_token(channel: Channel, token: &str) -> bool {
    let is_hex = token.bytes().all(|octet| octet.is_ascii_hexdigit());
    match channel {
        Channel::Apns => (64..=200).contains(&token.len()) && is_hex,
        _ => is_name(token) || (1..=4_096).contains(&token.len()) && token.is_ascii(),
    }
}
