//! How the commands talk to a running gateway: plain HTTP to its API.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::Global;
use super::fault::{Exit, Fault};
use crate::world::{HttpRequest, HttpResponse};

/// How long the gateway may take for what it answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// A gateway's API.
pub struct Api {
    base: String,
    /// The Authorization header, where it is said who asks.
    authorization: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: tokio::runtime::Runtime,
}

impl Api {
    /// The API at `--api`.
    ///
    /// # Errors
    ///
    /// A URL that is none of `http://`; a name without password, or a password's file that cannot be read.
    pub fn new(global: &Global) -> Result<Self, Fault> {
        let base = global.api.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") {
            return Err(Fault::usage(
                format!("--api {base} is no http:// URL"),
                "write it as the gateway prints it, as in http://127.0.0.1:8642",
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Fault::new(
                    "SG-X001",
                    Exit::Bug,
                    format!("no runtime: {error}"),
                    "free some memory or file handles",
                )
            })?;
        Ok(Self {
            base,
            authorization: authorization(global)?,
            client: Client::builder(TokioExecutor::new()).build_http(),
            runtime,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request whose target is a path; `longer` is what the gateway may take beyond the usual.
    ///
    /// # Errors
    ///
    /// Nobody answers, or not in time.
    pub fn send(&self, request: HttpRequest, longer: Duration) -> Result<HttpResponse, Fault> {
        let patience = PATIENCE + longer;
        let target = if request.target.starts_with('/') {
            format!("{}{}", self.base, request.target)
        } else {
            request.target
        };
        let mut builder = Request::builder()
            .method(request.method.as_str())
            .uri(target);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(value) = &self.authorization {
            builder = builder.header("authorization", value);
        }
        let request = builder.body(Full::new(request.body)).map_err(|error| {
            Fault::usage(
                format!("no request can be made of this: {error}"),
                "check --api and the arguments",
            )
        })?;
        self.runtime.block_on(async {
            let exchange = async {
                let response = self
                    .client
                    .request(request)
                    .await
                    .map_err(|error| self.silent(&innermost(&error)))?;
                let (head, body) = response.into_parts();
                let body = body
                    .collect()
                    .await
                    .map_err(|error| self.silent(&innermost(&error)))?
                    .to_bytes();
                let headers = head.headers.iter();
                let headers = headers.map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                });
                Ok(HttpResponse {
                    status: head.status.as_u16(),
                    headers: headers.collect(),
                    body,
                })
            };
            tokio::time::timeout(patience, exchange)
                .await
                .unwrap_or_else(|_| {
                    Err(self.silent(&format!("no answer within {} s", patience.as_secs())))
                })
        })
    }

    /// Gets a path.
    ///
    /// # Errors
    ///
    /// Nobody answers, or not in time.
    pub fn get(&self, path: &str, longer: Duration) -> Result<HttpResponse, Fault> {
        let request = HttpRequest {
            method: "GET".into(),
            target: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        self.send(request, longer)
    }

    /// Gets a JSON document.
    ///
    /// # Errors
    ///
    /// Nobody answers, or with a problem, or no JSON.
    pub fn json(&self, path: &str) -> Result<Value, Fault> {
        let response = self.get(path, Duration::ZERO)?;
        if response.status >= 300 {
            return Err(problem(&response, path));
        }
        parse(&response)
    }

    fn silent(&self, why: &str) -> Fault {
        Fault::new(
            "SG-N001",
            Exit::Untested,
            format!("nothing answers at {}: {why}", self.base),
            "is the gateway running there? start one with: sirgate demo, or name it with --api URL",
        )
    }
}

/// The Authorization header of `--user` and `--password-file`.
///
/// # Errors
///
/// A name without password, a name with a colon, or a password's file that cannot be read.
pub fn authorization(global: &Global) -> Result<Option<String>, Fault> {
    let both =
        "give both --user NAME and --password-file FILE, or SIRGATE_USER and SIRGATE_PASSWORD_FILE";
    let (user, file) = match (&global.user, &global.password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(file)) => (user, file),
        (Some(user), None) => {
            return Err(Fault::usage(format!("{user} has no password"), both));
        }
        (None, Some(_)) => return Err(Fault::usage("the password is of nobody", both)),
    };
    if user.contains(':') {
        return Err(Fault::usage(
            format!("\"{user}\" is no user name"),
            "a name has no colon: it separates name and password",
        ));
    }
    let text = std::fs::read_to_string(file).map_err(|error| {
        Fault::usage(
            format!("{} cannot be read: {error}", file.display()),
            "write the password into that file, on one line",
        )
    })?;
    let password = text.lines().next().unwrap_or_default();
    Ok(Some(basic(user, password)))
}

/// The Authorization header of a name and a password.
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

/// The cause at the bottom of an error: what a person can do something about.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The body as JSON.
///
/// # Errors
///
/// It is none.
pub fn parse(response: &HttpResponse) -> Result<Value, Fault> {
    serde_json::from_slice(&response.body).map_err(|error| {
        Fault::new(
            "SG-N002",
            Exit::Untested,
            format!("the answer is no JSON: {error}"),
            "is it a sirgate that listens there?",
        )
    })
}

/// What an answer above 299 says, for a person (RFC 9457).
#[must_use]
pub fn problem(response: &HttpResponse, path: &str) -> Fault {
    if response.status == 401 {
        return unknown(path);
    }
    let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let detail = ["detail", "title"]
        .iter()
        .find_map(|key| said.get(key)?.as_str());
    let detail = detail.map_or_else(
        || String::from_utf8_lossy(&response.body).trim().to_owned(),
        str::to_owned,
    );
    Fault::new(
        "SG-N003",
        Exit::No,
        format!("{path} was answered {}: {detail}", response.status),
        match response.status {
            404 => "look at the names: sirgate trace ls, or the identities at /api/v1/identities",
            403 => "the gateway lets only those submit that its [policy] names",
            503 => "the gateway has too much to do or is ending; try again later",
            500.. => "the gateway failed; its log says why",
            _ => "mend what the message names",
        },
    )
}

/// The gateway wants to know who asks.
fn unknown(path: &str) -> Fault {
    Fault::new(
        "SG-N008",
        Exit::Usage,
        format!(
            "{path} was answered 401: the gateway asks for name and password, or knows not those given"
        ),
        "name one of its [[policy.initiator]] and the file of its password: --user NAME --password-file FILE, or \
         SIRGATE_USER and SIRGATE_PASSWORD_FILE",
    )
}

/// A value for a query: everything but letters, digits and `-._~` escaped.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}
