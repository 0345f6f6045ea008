//! OTA-HTTP: the device is the server of a gateway, whoever opened the connection.
//!
//! **Source:** WAP-235 section 7 with SIN 100 and 101. Not here: the connections that the device opens (`ota_http`).

use crate::codec::deflate;
use crate::codec::ota_http::ClientId;
use crate::codec::ota_http::{
    Authentication, CpiTag, Message, PATH, PUSH_TYPE, PushStatus, Version, choose, default_of,
    header, terminal_response, versions,
};
use crate::codec::sip::digest::{Algorithm, Challenge, Credentials, Qop};
use crate::codec::sir;
use crate::device::Device;
use crate::device::behaviour::Trust;
use crate::device::reply::Answer;
use crate::event::Fact;
use crate::limits::HTTP_BODY_OCTETS;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output};

use super::{Arrival, Asker, Pushed};

/// Octets of the largest push.
const PUSH_OCTETS: usize = 65_535;
/// Pushes at a time.
const PUSHES: &str = "4";
/// Any bearer of IPv4 (WAP-259 appendix C).
const ANY_IPV4: &str = "00";

/// Rows of an answer.
type Rows = Vec<(String, String)>;

impl Device {
    /// A request to the device's HTTP door.
    pub(in crate::device) fn http_request(
        &mut self,
        now: Time,
        id: Asker,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let start = format!("{} {} HTTP/1.1", request.method, request.target);
        self.wire(now, "http", false, &start.into_bytes().into(), out);
        let is_served = self.config.bearers.http || matches!(id, Asker::Line(_));
        if !is_served || request.target.split('?').next() != Some(PATH) {
            return self.http_answer(now, id, 404, Vec::new(), out);
        }
        if !matches!(request.method.as_str(), "OPTIONS" | "POST") {
            let rows = vec![row("Allow", "OPTIONS, POST")];
            return self.http_answer(now, id, 405, rows, out);
        }
        let mut rows = match version(request) {
            Ok(rows) => rows,
            Err(rows) => return self.http_status(now, id, 600, rows, out),
        };
        let Some(is_proved) = self.is_gateway_proved(request) else {
            rows.extend(self.http_challenges());
            return self.http_answer(now, id, 401, rows, out);
        };
        if let Some(url) = &self.config.bearers.prov_url
            && let Some(meant) = request.header(&header::PROV_URL.to_ascii_lowercase())
            && meant != url
        {
            let status = if request.method == "POST" { 257 } else { 302 };
            return self.http_status(now, id, status, rows, out);
        }
        match self.own_credentials(request) {
            Ok(credentials) => rows.extend(credentials),
            Err(refusal) => {
                rows.push(refusal);
                return self.http_answer(now, id, 412, rows, out);
            }
        }
        if request.method == "OPTIONS" {
            self.http_registration(now, id, request, rows, out);
        } else {
            self.http_push(now, id, request, (rows, is_proved), out);
        }
    }

    /// The registration of the terminal (WAP-235 section 7.3).
    fn http_registration(
        &mut self,
        now: Time,
        id: Asker,
        request: &HttpRequest,
        mut rows: Rows,
        out: &mut Vec<Output>,
    ) {
        let (capabilities, tag) = self.capabilities();
        rows.push(row(header::TERMINAL_ID, &self.terminal_id()));
        rows.push(row(header::BEARER, ANY_IPV4));
        rows.extend(self.line_rows(id));
        let is_known = tag_of(request) == Some(tag);
        if !is_known {
            rows.push(row(header::CPI_TAG, &tag.to_string()));
            rows.extend(capabilities.iter().map(|(name, value)| row(name, value)));
        }
        let status = if is_known { 500 } else { 501 };
        self.http_status(now, id, status, rows, out);
    }

    fn http_push(
        &mut self,
        now: Time,
        id: Asker,
        request: &HttpRequest,
        (mut rows, is_proved): (Rows, bool),
        out: &mut Vec<Output>,
    ) {
        let (_, tag) = self.capabilities();
        let has_other = request
            .header(&header::CPI_TAG.to_ascii_lowercase())
            .is_some()
            && tag_of(request) != Some(tag);
        if has_other {
            rows.push(row(header::CPI_TAG, &tag.to_string()));
            return self.http_status(now, id, 256, rows, out);
        }
        let pushed = if request.body.len() > PUSH_OCTETS {
            Err((237, "a push beyond the announced size".to_owned()))
        } else {
            push_of(request).map_err(|why| (235, why))
        };
        match pushed {
            Ok(pushed) => {
                let arrival = Arrival::Http {
                    id,
                    rows,
                    is_proved,
                };
                self.pushed(now, arrival, &pushed, out);
            }
            Err((status, why)) => {
                let from = "http".to_owned();
                self.report(now, Fact::Refused { from, why }, out);
                self.http_status(now, id, status, rows, out);
            }
        }
    }

    /// A push was judged or taken.
    pub(super) fn http_judged(
        &mut self,
        now: Time,
        id: Asker,
        rows: &[(String, String)],
        answer: Answer,
        out: &mut Vec<Output>,
    ) {
        let status = self.config.behaviour.answer.unwrap_or(answer.status);
        let status = push_status(status, answer.refusal);
        self.http_status(now, id, status, rows.to_vec(), out);
    }

    fn http_status(
        &mut self,
        now: Time,
        id: Asker,
        status: u16,
        mut rows: Rows,
        out: &mut Vec<Output>,
    ) {
        let words = PushStatus::new(status).map_or_else(String::new, |status| status.to_string());
        rows.push(row(header::STATUS, &words));
        self.http_answer(now, id, 204, rows, out);
    }

    fn http_answer(
        &mut self,
        now: Time,
        id: Asker,
        status: u16,
        headers: Rows,
        out: &mut Vec<Output>,
    ) {
        self.wire(
            now,
            "http",
            true,
            &format!("HTTP/1.1 {status}").into_bytes().into(),
            out,
        );
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let body = bytes::Bytes::new();
        let response = HttpResponse {
            status,
            headers,
            body,
        };
        match id {
            Asker::Door(id) => out.push(Output::Respond { id, response }),
            Asker::Line(link) => self.answer_on_line(now, link, &response, out),
        }
    }

    /// The questions who the gateway is: its password in the clear, or hashed with a new nonce.
    fn http_challenges(&mut self) -> Rows {
        let realm = self.terminal_id();
        let nonce = self.random.token::<20>().as_str().to_owned();
        let basic = Authentication::BasicChallenge {
            realm: realm.clone(),
        };
        let digest = Challenge {
            realm,
            nonce: nonce.clone(),
            opaque: None,
            algorithm: Some(Algorithm::Md5),
            qop: vec![Qop::Auth],
            stale: false,
        };
        if let Some(doors) = self.doors.as_deref_mut() {
            doors.nonce = Some((nonce, 0));
        }
        let domain = format!("{digest}, domain=\"{PATH}\"");
        ["WWW-Authenticate"; 2]
            .into_iter()
            .zip([domain, basic.to_string()])
            .map(|(name, value)| row(name, &value))
            .collect()
    }

    /// Whether the gateway said who it is, where that is asked; `None`: it has to be asked.
    fn is_gateway_proved(&mut self, request: &HttpRequest) -> Option<bool> {
        let Some(challenge) = &self.config.challenge else {
            return Some(false);
        };
        let sent = request.header("authorization").unwrap_or_default();
        let own = &challenge.gateway;
        let is_by_password = match Authentication::decode(sent, false) {
            Ok(basic @ Authentication::Basic { .. }) => {
                let is_right = basic.is_right(&own.password, &request.method);
                matches!(&basic, Authentication::Basic { username, .. } if *username == own.user)
                    && is_right
            }
            _ => false,
        };
        if is_by_password || self.is_hash_right(sent, request) {
            return Some(true);
        }
        (self.config.behaviour.require == Trust::None).then_some(false)
    }

    /// Whether a hash is of the gateway's password and the last nonce, which counts its uses.
    fn is_hash_right(&mut self, sent: &str, request: &HttpRequest) -> bool {
        let Some(challenge) = &self.config.challenge else {
            return false;
        };
        let own = &challenge.gateway;
        let Ok(said) = Credentials::decode(sent.as_bytes()) else {
            return false;
        };
        let realm = self.terminal_id();
        let nonce = self.doors.as_deref_mut().and_then(|it| it.nonce.as_mut());
        let Some((nonce, uses)) = nonce else {
            return false;
        };
        let is_right = said.nonce == *nonce
            && said.nc.is_some_and(|count| count > *uses)
            && said.username == own.user
            && said.realm == realm
            && said.uri == PATH
            && said.is_right(&own.password, &request.method, &request.body);
        if is_right {
            *uses = said.nc.unwrap_or(*uses);
        }
        is_right
    }

    /// What a gateway that asks who the terminal is gets; an error is the row of a refusal.
    fn own_credentials(
        &self,
        request: &HttpRequest,
    ) -> Result<Option<(String, String)>, (String, String)> {
        let Some(asked) = request.header(&header::AUTHENTICATE.to_ascii_lowercase()) else {
            return Ok(None);
        };
        let refusal = || {
            let status = crate::codec::ota_http::AuthStatus::FailedNoRetry;
            row(
                header::AUTHORIZATION,
                &Authentication::Status(status).to_string(),
            )
        };
        let own = self.config.credentials.as_ref().ok_or_else(refusal)?;
        let asked = Authentication::decode(asked, true);
        // The one password that the terminal has was wrong: it has no other.
        if asked.as_ref().is_ok_and(|asked| asked.status().is_some()) {
            return Err(refusal());
        }
        let answer = match asked {
            Ok(Authentication::BasicChallenge { .. }) => Authentication::Basic {
                username: own.user.clone(),
                password: own.password.clone(),
            },
            Ok(challenge @ Authentication::Digest(_)) => {
                let realm = challenge.param("realm").unwrap_or_default();
                let nonce = challenge.param("nonce").unwrap_or_default();
                let who = (own.user.as_str(), realm, own.password.as_str());
                terminal_response(who, nonce, &request.method)
            }
            _ => return Err(refusal()),
        };
        Ok(Some(row(header::AUTHORIZATION, &answer.to_string())))
    }

    /// Who the terminal says it is: its number, else its identity.
    fn terminal_id(&self) -> String {
        let number = self.config.bearers.msisdn.as_deref();
        let by_number = number.and_then(|number| ClientId::new("msisdn", number));
        let name = || {
            let pui = &self.config.pui;
            let name = pui.split_once(':').map_or(pui.as_str(), |(_, rest)| rest);
            ClientId::new("nai", name)
        };
        let id = by_number.or_else(name);
        id.map_or_else(|| self.config.name.clone(), |id| id.to_string())
    }

    /// Capabilities and preferences, and their tag; they never change in the life of a device.
    fn capabilities(&mut self) -> (Vec<(&'static str, String)>, CpiTag) {
        let known = self
            .doors
            .as_deref()
            .and_then(|doors| doors.capabilities.clone());
        known.unwrap_or_else(|| {
            let capabilities = capabilities_of(self);
            let tag = CpiTag::of_values(capabilities.iter().map(|(_, value)| value.as_str()));
            if let Some(doors) = self.doors.as_deref_mut() {
                doors.capabilities = Some((capabilities.clone(), tag));
            }
            (capabilities, tag)
        })
    }
}

fn capabilities_of(device: &Device) -> Vec<(&'static str, String)> {
    let profile = &device.config.profile;
    let types = if profile.accept.is_empty() {
        format!("{}, */*", sir::SIA_TYPE)
    } else {
        format!("{}, {}", sir::SIA_TYPE, profile.accept.join(", "))
    };
    let language = profile.information.preference.get("language");
    let language = language.and_then(serde_json::Value::as_str).unwrap_or("*");
    let applications = if profile.own.only_installed {
        let installed = profile.own.applications.iter().map(|app| app.id.as_str());
        let all: Vec<&str> = [sir::SIA_APPLICATION]
            .into_iter()
            .chain(installed)
            .collect();
        all.join(", ")
    } else {
        "*".to_owned()
    };
    let said = [
        ("X-Wap-Push-Accept", types),
        ("X-Wap-Push-Accept-Charset", "UTF-8".to_owned()),
        (
            "X-Wap-Push-Accept-Encoding",
            format!("identity, {}", deflate::NAME),
        ),
        ("X-Wap-Push-Accept-Language", language.to_owned()),
        ("X-Wap-Push-Accept-AppID", applications),
        ("X-Wap-Push-MaxMsgSize", PUSH_OCTETS.to_string()),
        ("X-Wap-Push-Accept-MaxPushReq", PUSHES.to_owned()),
    ];
    // What holds without being said is not said.
    said.into_iter()
        .filter(|(name, value)| default_of(name) != Some(value.as_str()))
        .collect()
}

/// The version to answer with, or why there is none.
fn version(request: &HttpRequest) -> Result<Rows, Rows> {
    let Some(offered) = request.header(&header::VERSION.to_ascii_lowercase()) else {
        return Ok(Vec::new());
    };
    let chosen = versions(offered).and_then(|offered| choose(&offered, &[Version::ONE]));
    match chosen {
        Some(version) => Ok(vec![row(header::VERSION, &version.to_string())]),
        None => Err(vec![row(header::VERSION, &Version::ONE.to_string())]),
    }
}

fn tag_of(request: &HttpRequest) -> Option<CpiTag> {
    let value = request.header(&header::CPI_TAG.to_ascii_lowercase())?;
    CpiTag::decode_lenient(value)
}

/// The push in a request; shipped gateways also send its headers as those of the request.
fn push_of(request: &HttpRequest) -> Result<Pushed, String> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case(PUSH_TYPE) {
        return Ok(Pushed {
            rows: request.headers.clone(),
            content_type: content_type.to_owned(),
            body: request.body.to_vec(),
        });
    }
    let inner = Message::decode_lenient(&request.body, false).map_err(|error| error.to_string())?;
    let rows = inner.rows.iter();
    let body = match inner.value("Content-Encoding").map(str::trim) {
        Some(coding) if coding.eq_ignore_ascii_case(deflate::NAME) => {
            deflate::inflate(inner.body, HTTP_BODY_OCTETS).map_err(|error| error.to_string())?
        }
        Some(coding) if !coding.eq_ignore_ascii_case("identity") => {
            return Err(format!("a content coded by {coding}"));
        }
        _ => inner.body.to_vec(),
    };
    Ok(Pushed {
        rows: rows
            .map(|row| (row.name.to_owned(), row.value.clone().into_owned()))
            .collect(),
        content_type: inner.value("Content-Type").unwrap_or_default().to_owned(),
        body,
    })
}

fn row(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What an answer by SIP is in OTA-HTTP.
fn push_status(status: u16, refusal: Option<&str>) -> u16 {
    match (status, refusal) {
        (200..=299, _) => 400,
        (_, Some("mismatch")) => 236,
        (_, Some("pref")) => 234,
        (486 | 503, _) => 237,
        (415 | 488, _) => 238,
        _ => 235,
    }
}
