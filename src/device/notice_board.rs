//! The client of a watched application on a device: it registers, logs in, says what it does, shows notices and opens
//! them (the device's half of instant notification).
//!
//! **Source:** CN103259714A figures 1 and 2; requirements R1.1, R1.28, R1.41, R1.43, R1.46 to R1.50. What its user does is
//! given beforehand. A notice is a service indication whose link ends with the token that opens it.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::codec::wbxml::{Document, Si};
use crate::event::Fact;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output};

/// What a client is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The URL that its requests begin with: `http://ppg.example.com/api/v1`.
    pub base: String,
    /// The application.
    pub app: String,
    /// The account and its password.
    pub account: (String, String),
    /// What the device runs.
    pub platform: String,
    /// What its push server calls it.
    pub token: Option<String>,
    /// What its user does, each at its instant.
    pub deeds: Vec<(Time, Deed)>,
}

/// What its user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Uses the client for the first time.
    Register,
    /// Logs in with this password; with the right one where none is given.
    Login(Option<String>),
    /// Logs out.
    Logout,
    /// Looks at the client, at something else, or ends it.
    Shows(&'static str),
    /// Taps the latest notice.
    Tap,
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Login,
    Open,
    Other,
}

/// The client.
#[derive(Debug)]
pub struct NoticeBoard {
    config: Config,
    device: String,
    deeds: VecDeque<(Time, Deed)>,
    /// What further requests are proved with.
    login: Option<String>,
    /// What it does; it says so again and again.
    state: &'static str,
    interval: Duration,
    beat: Option<Time>,
    /// What opens the latest notice.
    latest: Option<String>,
    /// What it shows in full.
    shown: Option<String>,
    asked: BTreeMap<FetchId, Asked>,
}

impl NoticeBoard {
    /// A client on the device of that name.
    #[must_use]
    pub fn new(config: Config, device: &str) -> Self {
        Self {
            deeds: config.deeds.iter().cloned().collect(),
            config,
            device: device.to_owned(),
            login: None,
            state: "stopped",
            interval: Duration::from_secs(60),
            beat: None,
            latest: None,
            shown: None,
            asked: BTreeMap::new(),
        }
    }

    /// What it does: `foreground`, `background` or `stopped`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        self.state
    }

    /// The message that it shows in full.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }

    /// When it has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let deed = self.deeds.front().map(|(at, _)| *at);
        [deed, self.beat].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn expire(
        &mut self,
        now: Time,
        mut number: impl FnMut() -> FetchId,
        out: &mut Vec<Output>,
    ) {
        while self.deeds.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, deed)) = self.deeds.pop_front() else {
                return;
            };
            self.act(now, deed, &mut number, out);
        }
        if self.beat.is_some_and(|at| at <= now) {
            self.say(now, &mut number, out);
        }
    }

    fn act(
        &mut self,
        now: Time,
        deed: Deed,
        number: &mut impl FnMut() -> FetchId,
        out: &mut Vec<Output>,
    ) {
        let (account, password) = self.config.account.clone();
        let (device, app) = (self.device.as_str(), self.config.app.as_str());
        match deed {
            Deed::Register => {
                let body = json!({
                    "account": account, "device": device, "app": app,
                    "platform": self.config.platform, "token": self.config.token,
                });
                self.ask(
                    number(),
                    Asked::Other,
                    ("POST", "registrations"),
                    &body,
                    out,
                );
            }
            Deed::Login(given) => {
                let password = given.unwrap_or(password);
                let body = json!({
                    "account": account, "device": device, "app": app, "password": password,
                });
                self.ask(number(), Asked::Login, ("POST", "login"), &body, out);
            }
            Deed::Logout => {
                self.ask(
                    number(),
                    Asked::Other,
                    ("POST", "logout"),
                    &Value::Null,
                    out,
                );
                (self.login, self.beat) = (None, None);
            }
            Deed::Shows(state) => {
                self.state = state;
                self.say(now, number, out);
            }
            Deed::Tap => {
                if let Some(token) = &self.latest {
                    let body = json!({ "token": token });
                    self.ask(number(), Asked::Open, ("POST", "open"), &body, out);
                }
            }
        }
    }

    /// Says what it does; a client that was ended says it once, by the system's hand.
    fn say(&mut self, now: Time, number: &mut impl FnMut() -> FetchId, out: &mut Vec<Output>) {
        let is_started = self.state != "stopped";
        self.beat = is_started.then(|| now + self.interval);
        if self.login.is_some() {
            let path = format!("devices/{}/appstate", self.device);
            let body = json!({ "app": self.config.app, "state": self.state });
            self.ask(number(), Asked::Other, ("PUT", &path), &body, out);
        }
    }

    fn ask(
        &mut self,
        id: FetchId,
        what: Asked,
        (method, path): (&str, &str),
        body: &Value,
        out: &mut Vec<Output>,
    ) {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(token) = &self.login {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        let request = HttpRequest {
            method: method.to_owned(),
            target: format!("{}/{path}", self.config.base),
            headers,
            body: Bytes::from(body.to_string()),
        };
        self.asked.insert(id, what);
        let errand = Errand::Result;
        out.push(Output::Fetch {
            id,
            errand,
            request,
        });
    }

    /// A content for its application came: a notice is shown, an information goes into the running client.
    pub fn content(&mut self, content_type: &str, body: &[u8]) -> Option<Fact> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            let given: Value = serde_json::from_slice(body).ok()?;
            if given["app"] == self.config.app.as_str() {
                self.shown = given["summary"].as_str().map(str::to_owned);
            }
            return None;
        }
        let si = match essence {
            "text/vnd.wap.si" => Si::decode_xml(body).ok()?,
            "application/vnd.wap.sic" => Si::decode(body).ok()?,
            _ => return None,
        };
        let (_, token) = si.href.as_deref()?.split_once("/open/")?;
        self.latest = Some(token.to_owned());
        Some(Fact::NoteRx {
            dev: self.device.clone(),
            app: self.config.app.clone(),
            text: si.text.clone().into_owned(),
        })
    }

    /// A request was answered; false when it was another's.
    pub fn answered(
        &mut self,
        now: Time,
        id: FetchId,
        response: &Result<HttpResponse, FetchError>,
    ) -> bool {
        let Some(asked) = self.asked.remove(&id) else {
            return false;
        };
        let body = match response {
            Ok(response) if response.status == 200 => response.body.as_ref(),
            _ => return true,
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match asked {
            Asked::Login => {
                self.login = body["token"].as_str().map(str::to_owned);
                let seconds = body["interval"].as_u64().unwrap_or(60);
                self.interval = Duration::from_secs(seconds.max(1));
            }
            // Starting and showing are one step (R1.48).
            Asked::Open => {
                self.state = "foreground";
                self.beat = Some(now + self.interval);
                let whole = body["message"]["summary"].as_str();
                self.shown = whole.map(str::to_owned);
            }
            Asked::Other => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> NoticeBoard {
        let config = Config {
            base: "http://ppg.example.com/api/v1".to_owned(),
            app: "mail".to_owned(),
            account: ("alice".to_owned(), "secret".to_owned()),
            platform: "sip".to_owned(),
            token: None,
            deeds: vec![(Time::from_secs(10), Deed::Tap)],
        };
        NoticeBoard::new(config, "T1")
    }

    #[test]
    fn r1_43_a_notice_is_shown_and_r1_47_a_tap_starts_the_client_with_the_whole_message() {
        let mut client = client();
        let si = br#"<?xml version="1.0"?><!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "http://www.wapforum.org/DTD/si.dtd"><si><indication href="http://ppg.example.com/open/t0ken">New mail from Bob</indication></si>"#;
        let told = client.content("text/vnd.wap.si", si);
        let Some(Fact::NoteRx { text, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(
            (text.as_str(), client.state()),
            ("New mail from Bob", "stopped")
        );
        let mut out = Vec::new();
        client.expire(Time::from_secs(10), || FetchId(1), &mut out);
        let [Output::Fetch { request, .. }] = &out[..] else {
            panic!("{out:?}");
        };
        assert_eq!(request.target, "http://ppg.example.com/api/v1/open");
        assert_eq!(request.body, "{\"token\":\"t0ken\"}");
        let body = json!({ "launch": "mail", "message": { "summary": "all of it" } });
        let answer = HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
        };
        assert!(client.answered(Time::from_secs(11), FetchId(1), &Ok(answer)));
        assert_eq!(client.state(), "foreground");
        assert_eq!(client.shown(), Some("all of it"));
    }
}
