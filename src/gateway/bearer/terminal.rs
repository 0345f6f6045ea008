//! Terminals that take pushes over HTTP: who each is, what it takes, how it asks for credentials.
//!
//! **Source:** WAP-235 sections 7.2 to 7.4 with SIN 101: capabilities are kept by terminal id, bearer and tag. HTTP
//! connections are not seen here: what a terminal said is good for as long as the client keeps an idle connection.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::codec::ota_http::{CpiTag, PATH, default_of, header};
use crate::codec::sip::digest::{self, Challenge, Credentials, Qop, Question};
use crate::gateway::push::plan::covers;
use crate::gateway::registry::DeviceKey;
use crate::time::Time;
use crate::world::{FetchId, HttpResponse};

/// How long a registration holds after the terminal was last heard: connections are not kept longer.
const FRESH: Duration = Duration::from_secs(30);
/// Capabilities that are kept of one device: a terminal may have several, one for each tag and bearer.
const KEPT: usize = 8;

/// What a terminal takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    accept: Vec<String>,
    codings: Vec<String>,
    applications: Vec<String>,
    octets_max: usize,
}

/// Under what capabilities are kept: terminal id, bearer, tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    id: String,
    bearer: String,
    tag: CpiTag,
}

/// How a terminal asks who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The password in the clear.
    Basic,
    /// A hash of it.
    Digest(Challenge),
}

/// One terminal.
#[derive(Debug, Default)]
pub struct Terminal {
    /// Where all this was learned.
    address: String,
    /// When it was last heard, once it registered.
    heard: Option<Time>,
    /// What it says now.
    label: Option<Label>,
    /// What holds without a tag.
    untagged: Capabilities,
    kept: Vec<(Label, Capabilities)>,
    asked: Option<Asked>,
    /// How often the nonce of the question was used.
    uses: u32,
}

/// What a request over HTTP is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It asks who the terminal is, with that nonce where it has to prove it.
    Registration(Option<String>),
    /// It carries a SIR.
    Sir,
    /// It carries the content.
    Content,
}

/// What was done once already for one push, and is not done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Our credentials were sent.
    pub authorized: bool,
    /// The terminal registered anew because its tag was another.
    pub retagged: bool,
    /// The terminal was asked again who it is.
    pub reasked: bool,
    /// The push was sent.
    pub posted: bool,
}

/// A request that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it is for.
    pub step: Step,
    /// What went before.
    pub trial: Trial,
}

/// All terminals, and what is under way to them.
#[derive(Debug, Default)]
pub struct Terminals {
    known: BTreeMap<DeviceKey, Terminal>,
    open: BTreeMap<FetchId, Exchange>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::of_rows(&[])
    }
}

impl Capabilities {
    /// Those of an answer; what it does not say is as the standard has it.
    #[must_use]
    pub fn of_rows(rows: &[(String, String)]) -> Self {
        let said = |names: &[&'static str]| {
            let own = names.iter().find_map(|name| row(rows, name));
            let usual = || names.first().and_then(|name| default_of(name));
            own.or_else(usual).unwrap_or_default().to_owned()
        };
        let list = |name| {
            let text = said(&[name]);
            let words = text.split(',').map(str::trim);
            let words = words.filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        };
        let octets = said(&["X-Wap-Push-MaxMsgSize", "X-Wap-Push-MsgSize"]);
        Self {
            accept: list("X-Wap-Push-Accept"),
            codings: list("X-Wap-Push-Accept-Encoding"),
            applications: list("X-Wap-Push-Accept-AppID"),
            octets_max: octets.trim().parse().unwrap_or(1_400),
        }
    }

    /// Media types that it takes.
    #[must_use]
    pub fn accept(&self) -> &[String] {
        &self.accept
    }

    /// Whether it takes octets in that coding (RFC 9110 section 12.5.3).
    #[must_use]
    pub fn takes_coding(&self, coding: &str) -> bool {
        self.codings.iter().any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().trim_start_matches("q=");
            let is_none = weight.starts_with('0') && weight.trim_matches(['0', '.']).is_empty();
            name.trim().eq_ignore_ascii_case(coding) && !is_none
        })
    }

    /// Whether a push of so many octets with that content fits.
    #[must_use]
    pub fn fits(&self, content_type: &str, application: &str, octets: usize) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let of_type = |range: &String| covers(range, essence);
        let of_application = |own: &String| own == "*" || own.eq_ignore_ascii_case(application);
        octets <= self.octets_max
            && self.accept.iter().any(of_type)
            && self.applications.iter().any(of_application)
    }
}

impl Terminal {
    /// What it takes now.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        let label = self.label.as_ref();
        let kept = self.kept.iter().find(|(own, _)| Some(own) == label);
        kept.map_or(&self.untagged, |(_, capabilities)| capabilities)
    }

    /// The tag that requests to it assume.
    #[must_use]
    pub fn tag(&self) -> Option<CpiTag> {
        self.label.as_ref().map(|label| label.tag)
    }

    /// True once it registered, until its tag turns out to be another.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        self.heard.is_some()
    }

    /// Takes over what the answer to a registration says of it.
    pub fn registered(&mut self, now: Time, response: &HttpResponse) {
        self.heard = Some(now);
        let rows = &response.headers;
        let said = |name| row(rows, name).unwrap_or_default().to_owned();
        let Some(tag) = tag_of(response) else {
            // Without a tag the one that was assumed holds (500), or the terminal has none.
            if status_of(response) != Some(500) {
                self.label = None;
                self.untagged = Capabilities::of_rows(rows);
            }
            return;
        };
        let label = Label {
            id: said(header::TERMINAL_ID),
            bearer: said(header::BEARER),
            tag,
        };
        self.kept.retain(|(own, _)| *own != label);
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push((label.clone(), Capabilities::of_rows(rows)));
        self.label = Some(label);
    }

    /// The terminal tells another tag than was assumed: what is kept under it holds, else it has to register.
    pub fn retag(&mut self, response: &HttpResponse) {
        let of_tag = |(own, _): &&(Label, Capabilities)| {
            let is_same = |label: &Label| label.id == own.id && label.bearer == own.bearer;
            Some(own.tag) == tag_of(response) && self.label.as_ref().is_some_and(is_same)
        };
        let known = self.kept.iter().find(of_tag);
        match known.map(|(label, _)| label.clone()) {
            Some(label) => self.label = Some(label),
            None => self.heard = None,
        }
    }

    /// Keeps in mind how it asks who we are; false when it asks in no way that is answered.
    pub fn ask(&mut self, asked: Option<Asked>) -> bool {
        self.uses = 0;
        self.asked = asked;
        self.asked.is_some()
    }

    /// What a request says of us, once the terminal asked.
    pub fn authorization(
        &mut self,
        method: &str,
        (user, password): (&str, &str),
        cnonce: &str,
    ) -> Option<String> {
        self.uses = self.uses.saturating_add(1);
        let asked = self.asked.as_ref()?;
        Some(asked.answer(method, (user, password), (self.uses, cnonce)))
    }
}

impl Asked {
    /// The best of the ways in which a terminal asks, among those that may be answered.
    #[must_use]
    pub fn best_of(response: &HttpResponse, may: impl Fn(&Self) -> bool) -> Option<Self> {
        let name = "www-authenticate";
        let rows = response.headers.iter().filter(|(own, _)| own == name);
        let asked = rows.filter_map(|(_, value)| Self::decode(value));
        // A hash tells nobody the password.
        asked
            .filter(may)
            .max_by_key(|asked| matches!(asked, Self::Digest(_)))
    }

    fn decode(value: &str) -> Option<Self> {
        let scheme = value.split(' ').next()?;
        if scheme.eq_ignore_ascii_case("Basic") {
            return Some(Self::Basic);
        }
        let challenge = Challenge::decode(value.as_bytes()).ok()?;
        let is_known = challenge.algorithm.is_some();
        is_known.then_some(Self::Digest(challenge))
    }

    fn answer(
        &self,
        method: &str,
        (user, password): (&str, &str),
        (uses, cnonce): (u32, &str),
    ) -> String {
        let Self::Digest(challenge) = self else {
            let basic = crate::codec::ota_http::Authentication::Basic {
                username: user.to_owned(),
                password: password.to_owned(),
            };
            return basic.to_string();
        };
        let algorithm = challenge.algorithm.unwrap_or(digest::Algorithm::Md5);
        let qop = challenge.qop.contains(&Qop::Auth).then_some(Qop::Auth);
        let cnonce = (qop.is_some() || algorithm.is_session()).then_some(cnonce);
        let secret = digest::secret(algorithm, user, &challenge.realm, password);
        let question = Question {
            nonce: &challenge.nonce,
            method,
            uri: PATH,
            body: &[],
            count: qop.map(|qop| (qop, uses)),
            cnonce,
        };
        let credentials = Credentials {
            username: user.to_owned(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: PATH.to_owned(),
            response: digest::response(algorithm, &secret, &question),
            algorithm: Some(algorithm),
            cnonce: cnonce.map(str::to_owned),
            opaque: challenge.opaque.clone(),
            qop,
            nc: qop.map(|_| uses),
        };
        credentials.to_string()
    }
}

impl Terminals {
    /// The terminal of a device at that address; what was known of another address is forgotten.
    pub fn of(&mut self, key: DeviceKey, address: &str) -> &mut Terminal {
        let known = self.known.entry(key).or_default();
        if known.address != address {
            *known = Terminal {
                address: address.to_owned(),
                ..Terminal::default()
            };
        }
        known
    }

    /// Whether a device's terminal at that address registered not long ago.
    #[must_use]
    pub fn is_fresh(&self, key: DeviceKey, address: &str, now: Time) -> bool {
        self.known.get(&key).is_some_and(|known| {
            known.address == address && known.heard.is_some_and(|heard| now <= heard + FRESH)
        })
    }

    /// It answered: its connection is there.
    pub fn heard(&mut self, key: DeviceKey, now: Time) {
        if let Some(known) = self.known.get_mut(&key)
            && known.heard.is_some()
        {
            known.heard = Some(now);
        }
    }

    /// Notes what is under way.
    pub fn asks(&mut self, id: FetchId, exchange: Exchange) {
        self.open.insert(id, exchange);
    }

    /// What that request was for.
    pub fn answered(&mut self, id: FetchId) -> Option<Exchange> {
        self.open.remove(&id)
    }
}

/// The value of a row.
#[must_use]
pub fn row<'a>(rows: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = rows.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The outcome that an answer names.
#[must_use]
pub fn status_of(response: &HttpResponse) -> Option<u16> {
    let value = row(&response.headers, header::STATUS)?;
    crate::codec::ota_http::PushStatus::decode(value).map(crate::codec::ota_http::PushStatus::code)
}

fn tag_of(response: &HttpResponse) -> Option<CpiTag> {
    CpiTag::decode_lenient(row(&response.headers, header::CPI_TAG)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        let each = |(name, value): &(&str, &str)| (name.to_ascii_lowercase(), (*value).to_owned());
        rows.iter().map(each).collect()
    }

    fn answer(told: &[(&str, &str)]) -> HttpResponse {
        HttpResponse {
            status: 204,
            headers: rows(told),
            body: Bytes::new(),
        }
    }

    #[test]
    fn ota_http_012_a_content_fits_by_type_application_and_size() {
        let told = Capabilities::of_rows(&rows(&[
            ("X-Wap-Push-Accept", "text/*, image/png"),
            (
                "X-Wap-Push-Accept-AppID",
                "x-wap-application:wml.ua, x-oma-application:dcd.ua",
            ),
            ("X-Wap-Push-MsgSize", "100"),
        ]));
        let wml = "x-wap-application:wml.ua";
        assert!(told.fits("text/plain; charset=utf-8", wml, 100));
        assert!(!told.fits("text/plain", wml, 101));
        assert!(!told.fits("image/gif", wml, 9));
        assert!(!told.fits("text/plain", "x-wap-application:mms.ua", 9));
        let usual = Capabilities::default();
        assert!(usual.fits("text/vnd.wap.si", wml, 1_400));
        assert!(!usual.fits("text/plain", wml, 9));
        assert!(!usual.fits("text/vnd.wap.si", wml, 1_401));
    }

    #[test]
    fn ppg_gen_s_023_a_coding_is_taken_when_it_is_listed_and_not_with_no_weight() {
        for (said, takes) in [
            ("identity, deflate", true),
            ("DEFLATE;q=0.5", true),
            ("deflate;q=0.000", false),
            ("deflate; q=0", false),
            ("gzip", false),
            ("", false),
        ] {
            let told = rows(&[("X-Wap-Push-Accept-Encoding", said)]);
            assert_eq!(
                Capabilities::of_rows(&told).takes_coding("deflate"),
                takes,
                "{said}"
            );
        }
        assert!(!Capabilities::default().takes_coding("deflate"));
    }

    #[test]
    fn ota_http_006_capabilities_are_kept_for_each_tag_of_a_terminal() {
        let mut terminal = Terminal::default();
        let now = Time::from_secs(9);
        let told = |tag, most| {
            answer(&[
                ("X-Wap-Push-Status", "501"),
                ("X-Wap-Terminal-Id", "4+15550103"),
                ("X-Wap-Bearer-Indication", "0B"),
                ("X-Wap-CPITag", tag),
                ("X-Wap-Push-MaxMsgSize", most),
            ])
        };
        terminal.registered(now, &told("AAAAAQ==", "100"));
        terminal.registered(now, &told("AAAAAg==", "200"));
        assert_eq!(terminal.capabilities().octets_max, 200);
        terminal.registered(now, &answer(&[("X-Wap-Push-Status", "500")]));
        assert_eq!(terminal.tag(), Some(CpiTag([0, 0, 0, 2])));
        terminal.retag(&answer(&[("X-Wap-CPITag", "AAAAAQ==")]));
        assert_eq!(terminal.capabilities().octets_max, 100);
        assert!(terminal.heard.is_some(), "it need not register for that");
        terminal.retag(&answer(&[("X-Wap-CPITag", "AAAAAw==")]));
        assert_eq!(terminal.heard, None);
    }

    #[test]
    fn ota_http_008_a_hash_is_preferred_to_a_password_and_its_nonce_is_counted() {
        let mut terminal = Terminal::default();
        let mut asked = answer(&[
            ("WWW-Authenticate", "Basic realm=\"t1\""),
            (
                "WWW-Authenticate",
                "Digest realm=\"t1\", nonce=\"n\", qop=\"auth\"",
            ),
        ]);
        assert!(terminal.ask(Asked::best_of(&asked, |_| true)));
        for uses in [1, 2] {
            let said = terminal
                .authorization("POST", ("ppg", "secret"), "c")
                .unwrap();
            let said = Credentials::decode(said.as_bytes()).unwrap();
            assert!(said.is_right("secret", "POST", b""));
            assert_eq!((said.uri.as_str(), said.nc), ("/wappush", Some(uses)));
        }
        asked.headers = rows(&[("WWW-Authenticate", "Negotiate")]);
        assert!(!terminal.ask(Asked::best_of(&asked, |_| true)));
        assert_eq!(terminal.authorization("POST", ("ppg", "secret"), "c"), None);
    }
}
