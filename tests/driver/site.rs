//! A whole gateway whose users log in, and a client that shows every letter it gets.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use sirgate::driver::identity::Identity;
use sirgate::driver::observe::Journal;
use sirgate::driver::piggyback::Settings;
use sirgate::driver::{Handle, Setup, start};
use sirgate::gateway::service::session;
use sirgate::gateway::{Config, Gateway};
use sirgate::random::Random;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::node::{setup, tcp};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway with the users alice and bob. Nobody else but the initiator `shop` may ask anything.
pub(crate) struct Site {
    pub(crate) handle: Handle<Gateway>,
    pub(crate) http: SocketAddr,
    pub(crate) journal: Journal,
}

impl Site {
    pub(crate) fn new(identity: Identity, riding: Option<Settings>) -> Self {
        Self::with(setup(), identity, riding)
    }

    pub(crate) fn with(mut own: Setup, identity: Identity, riding: Option<Settings>) -> Self {
        own.http.push(tcp());
        let journal = own.journal.clone();
        own.identity = identity;
        own.riding = riding;
        let users = ["alice", "bob"];
        let user = |name: &str| (format!("sip:{name}@example.com"), format!("{name}'s own"));
        let mut config = Config::default();
        config.policy.initiators = vec![("shop".to_owned(), "secret".to_owned())];
        config.webapp.trust_body = Some(false);
        config.login = Some(session::Settings {
            users: users.map(user).to_vec(),
            ..session::Settings::default()
        });
        let handle = start(Gateway::new(config, Random::from_number(1)), own).unwrap();
        let http = handle.addresses().http[0];
        Self {
            handle,
            http,
            journal,
        }
    }

    /// The names of what happened so far, of these.
    pub(crate) fn happened(&self, names: &[&str]) -> Vec<String> {
        let events = self.journal.events();
        let lines = events
            .iter()
            .map(|event| serde_json::to_value(event).unwrap());
        let name = lines.map(|line| line["ev"].as_str().unwrap().to_owned());
        name.filter(|name| names.contains(&name.as_str())).collect()
    }

    pub(crate) async fn end(mut self) {
        self.handle.stop();
        self.handle.ended().await.unwrap();
    }

    pub(crate) async fn ask(&self, line: &str, rows: &[(&str, &str)], body: &str) -> Answer {
        let stream = TcpStream::connect(self.http).await.unwrap();
        ask(stream, line, rows, body).await
    }

    /// A message for somebody, from the initiator.
    pub(crate) async fn publish(&self, to: &str, title: &str) -> u64 {
        let body = json!({ "to": to, "title": title, "summary": title }).to_string();
        // shop:secret
        let shown = [("Authorization", "Basic c2hvcDpzZWNyZXQ=")];
        let put = self.ask("POST /api/v1/apps/site/messages", &shown, &body);
        let put = put.await;
        assert_eq!(put.status, 201, "{put:?}");
        put.json()["seq"].as_u64().unwrap()
    }

    /// Begins a session: what its cookie and what its pages show.
    pub(crate) async fn login(&self, name: &str) -> (String, String) {
        let body = json!({ "account": name, "password": format!("{name}'s own") });
        let begun = self
            .ask("POST /api/v1/sessions", &[], &body.to_string())
            .await;
        assert_eq!(begun.status, 201, "{begun:?}");
        let cookies = begun.rows("set-cookie");
        let session = cookies.iter().find(|row| row.contains("HttpOnly")).unwrap();
        let pair = session.split(';').next().unwrap().to_owned();
        (pair, begun.row("sirgate-csrf").unwrap().to_owned())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn rows(&self, name: &str) -> Vec<&str> {
        let rows = self.head.iter().filter(|(own, _)| own == name);
        rows.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn row(&self, name: &str) -> Option<&str> {
        self.rows(name).first().copied()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: &str,
    rows: &[(&str, &str)],
    body: &str,
) -> Answer {
    let length = body.len();
    let mut text = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in rows {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("\r\n{body}"));
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    let reading = timeout(PATIENCE, stream.read_to_end(&mut got));
    // In TLS a server may leave without a farewell.
    let _ = reading.await.unwrap();
    let got = String::from_utf8(got).unwrap();
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer {
        status: status.parse().unwrap(),
        head: lines.map(pair).collect(),
        body: body.to_owned(),
    }
}
