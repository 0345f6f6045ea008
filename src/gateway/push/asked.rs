//! What an initiator asks: a submission as it is read from PAP or JSON, before anything is looked up.
//!
//! **Source:** WAP-247 section 8.1 (push-message), WAP-251 (push headers); the `X-Sirgate-*` headers of the content part
//! are the profile's own.

use bytes::Bytes;
use serde::Deserialize;

use super::plan::{Fork, PlanWish};
use super::submission::{Content, Options};
use crate::codec::pap::{
    DeliveryMethod, Document, Operation, PushMessage, Quality, Refusal, ReplaceMethod, Status,
    Version,
};
use crate::codec::sip::Address;
use crate::codec::sir::{App, Ask, Placement};
use crate::codec::{Class, DecodeError, mime, pap};
use crate::event::Bearer;
use crate::gateway::bearer::choice::{Bearers, Choice, word};
use crate::gateway::forwarding::Onward;
use crate::time::Time;

/// What an initiator asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The push-id it chose.
    pub push_id: String,
    /// The version of PAP.
    pub version: Version,
    /// Client addresses as written.
    pub addresses: Vec<String>,
    /// Addresses may be bare identities, which PAP does not know.
    pub takes_bare: bool,
    /// Devices wanted among those of the identities: names or identifiers.
    pub devices: Vec<String>,
    /// A push this one takes the place of.
    pub replaces: Option<(String, ReplaceMethod)>,
    /// Not after.
    pub deliver_before: Option<Time>,
    /// Not before.
    pub deliver_after: Option<Time>,
    /// Where results go.
    pub notify_to: Option<String>,
    /// The quality asked for.
    pub quality: Option<Quality>,
    /// What is pushed.
    pub content: Content,
    /// How.
    pub options: Options,
    /// The submission as it came, where it is handed on to another gateway.
    pub onward: Option<Box<Onward>>,
}

/// Why a submission is refused, in PAP's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// PAP's status code.
    pub code: u16,
    /// In words.
    pub desc: String,
}

impl Refused {
    /// A refusal with that status.
    #[must_use]
    pub fn new(status: Status, desc: impl Into<String>) -> Self {
        Self {
            code: status.code(),
            desc: desc.into(),
        }
    }
}

/// What an HTTP body of PAP holds.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// The control entity.
    pub document: Document,
    /// The content entity of a submission: its headers and octets.
    pub content: Option<mime::Part<'a>>,
}

/// Reads an HTTP body of PAP: one document, or a multipart with a document, content and capabilities.
///
/// # Errors
/// With the answer to give. Offsets count from the start of the body.
pub fn receive<'a>(content_type: &str, body: &'a [u8]) -> Result<Received<'a>, Box<Refusal>> {
    if !is_multipart(content_type) {
        let document = pap::read(body)?;
        return Ok(Received {
            document,
            content: None,
        });
    }
    if !begins_with_xml(content_type) {
        return Err(Refusal::unread(
            DecodeError {
                format: "pap",
                offset: 0,
                class: Class::MimeBad,
                expected: "multipart/related of application/xml",
            },
            body,
        ));
    }
    let parts = mime::parts(content_type, body).map_err(|error| Refusal::unread(error, body))?;
    let mut parts = parts.into_iter();
    let control = parts.next().ok_or_else(|| {
        Refusal::unread(
            DecodeError {
                format: "pap",
                offset: 0,
                class: Class::MimeBad,
                expected: "a control entity",
            },
            body,
        )
    })?;
    let document = pap::read(control.body).map_err(|mut refusal| {
        refusal.error = refusal.error.within(control.at);
        refusal
    })?;
    Ok(Received {
        document,
        content: parts.next(),
    })
}

fn is_multipart(content_type: &str) -> bool {
    mime::MediaType::decode(content_type).is_ok_and(|media| media.is("multipart/related"))
}

/// True when the parameter `type`, if there is one, says that the first part is XML (RFC 2387 section 3.1).
fn begins_with_xml(content_type: &str) -> bool {
    let is_xml = |kind: &str| {
        ["application/xml", "text/xml"]
            .iter()
            .any(|xml| kind.eq_ignore_ascii_case(xml))
    };
    mime::MediaType::decode(content_type)
        .is_ok_and(|media| media.parameter("type").is_none_or(is_xml))
}

/// True for the media types of PAP.
#[must_use]
pub fn is_pap(content_type: &str) -> bool {
    mime::MediaType::decode(content_type).is_ok_and(|media| {
        media.is("multipart/related") || media.is("application/xml") || media.is("text/xml")
    })
}

/// Reads a submission in PAP; what it does not say is as in `defaults`.
///
/// # Errors
/// With PAP's code and the reason.
pub fn of_pap(
    message: PushMessage,
    version: Version,
    part: Option<&mime::Part<'_>>,
    defaults: &Options,
    application: &str,
    served: Bearers,
) -> Result<Asked, Refused> {
    let part = part
        .ok_or_else(|| Refused::new(Status::BadRequest, "a push-message needs a content entity"))?;
    let mut options = defaults.clone();
    let mut devices = Vec::new();
    let mut content = Content {
        application: application.to_owned(),
        content_type: part.content_type().to_owned(),
        headers: Vec::new(),
        octets: part.body.len(),
        body: Bytes::copy_from_slice(part.body),
    };
    for (name, value) in &part.headers {
        let lower = name.to_ascii_lowercase();
        if let Some(option) = lower.strip_prefix("x-sirgate-") {
            set(&mut options, &mut devices, option, value)?;
        } else if lower == "x-wap-application-id" {
            value
                .split(';')
                .next()
                .unwrap_or(value)
                .trim()
                .clone_into(&mut content.application);
        } else if !matches!(
            lower.as_str(),
            "content-type" | "content-length" | "content-transfer-encoding" | "content-id"
        ) {
            content
                .headers
                .push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    check_quality(message.quality.as_ref(), served)?;
    Ok(Asked {
        push_id: message.push_id,
        version,
        addresses: message.addresses,
        takes_bare: false,
        devices,
        replaces: message
            .replace_push_id
            .map(|id| (id, message.replace_method)),
        deliver_before: message.deliver_before,
        deliver_after: message.deliver_after,
        notify_to: message.notify_to,
        quality: message.quality,
        content,
        options,
        onward: None,
    })
}

/// Whoever requires a network or a bearer that is not served is told so.
fn check_quality(quality: Option<&Quality>, served: Bearers) -> Result<(), Refused> {
    let Some(quality) = quality else {
        return Ok(());
    };
    let is_served = |set: Option<Bearers>| set.is_some_and(|set| !set.and(served).is_empty());
    let network = quality.network.as_deref();
    if quality.network_required && network.is_some_and(|it| !is_served(Bearers::of_network(it))) {
        return Err(Refused::new(
            Status::RequiredNetworkNotAvailable,
            "the network is not served",
        ));
    }
    let bearer = quality.bearer.as_deref();
    if quality.bearer_required && bearer.is_some_and(|it| !is_served(Bearers::of_bearer(it))) {
        return Err(Refused::new(
            Status::RequiredBearerNotAvailable,
            "the bearer is not served",
        ));
    }
    if !Choice::new(served, Some(quality), false).is_possible() {
        return Err(Refused::new(
            Status::RequiredBearerNotAvailable,
            "the bearer is not one of the network",
        ));
    }
    Ok(())
}

/// Sets one option by the name of its header behind `X-Sirgate-`; an unknown one is passed over.
fn set(
    options: &mut Options,
    devices: &mut Vec<String>,
    option: &str,
    value: &str,
) -> Result<(), Refused> {
    let bad = |what: &str| {
        Refused::new(
            Status::BadRequest,
            format!("X-Sirgate-{what}: {value:?} is none"),
        )
    };
    match option {
        "plan" => options.plan = PlanWish::from_name(value).ok_or_else(|| bad("Plan"))?,
        "place" => options.place = value.parse().map_err(|_| bad("Place"))?,
        "fork" => options.fork = Fork::from_name(value).ok_or_else(|| bad("Fork"))?,
        "ask" => {
            let ask: Ask = value.parse().map_err(|_| bad("Ask"))?;
            options.ask = options.ask | ask;
        }
        "app" => {
            for item in items(value) {
                options.apps.push(app(item).ok_or_else(|| bad("App"))?);
            }
        }
        "ppg" => options.ppg = Some(value.trim_matches(['<', '>', ' ']).to_owned()),
        "judge" => options.devices_judge = judge(value).ok_or_else(|| bad("Judge"))?,
        "device" => devices.extend(items(value).map(|item| bare(item).to_owned())),
        _ => {}
    }
    Ok(())
}

fn judge(value: &str) -> Option<bool> {
    match value {
        "device" | "devices" => Some(true),
        "gateway" => Some(false),
        _ => None,
    }
}

fn app(item: &str) -> Option<App> {
    let address = Address::decode(item.as_bytes()).ok()?;
    Some(App {
        id: address.uri.as_str().to_owned(),
        name: address
            .param("name")
            .flatten()
            .map(|name| name.into_owned()),
    })
}

/// The URI between angle brackets, or the item itself.
fn bare(item: &str) -> &str {
    item.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(item, |(uri, _)| uri)
}

/// Items of a list; commas inside angle brackets and quotes do not count.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let (mut angle, mut quote) = (false, false);
    list.split(move |c: char| {
        match c {
            '"' if !angle => quote = !quote,
            '<' if !quote => angle = true,
            '>' if !quote => angle = false,
            _ => {}
        }
        c == ',' && !angle && !quote
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

/// The JSON twin of a submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    push_id: Option<String>,
    to: OneOrMany,
    #[serde(default)]
    devices: Vec<String>,
    plan: Option<PlanWish>,
    place: Option<Placement>,
    fork: Option<Fork>,
    ask: Option<Ask>,
    #[serde(default)]
    apps: Vec<App>,
    ppg: Option<String>,
    judge: Option<String>,
    application: Option<String>,
    content_type: Option<String>,
    content: Option<String>,
    content_base64: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    notify_to: Option<String>,
    deliver_before: Option<String>,
    deliver_after: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads the JSON twin; a push-id is made of `fresh` where there is none.
///
/// # Errors
/// With PAP's code and the reason.
pub fn of_json(
    body: &[u8],
    fresh: String,
    defaults: &Options,
    application: &str,
) -> Result<Asked, Refused> {
    let bad = |what: String| Refused::new(Status::BadRequest, what);
    let json: Json = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let octets = match (json.content, json.content_base64) {
        (Some(text), None) => Bytes::from(text),
        (None, Some(encoded)) => {
            use base64::Engine;
            let octets = base64::engine::general_purpose::STANDARD.decode(encoded);
            Bytes::from(octets.map_err(|error| bad(format!("content_base64: {error}")))?)
        }
        (None, None) => Bytes::new(),
        (Some(_), Some(_)) => {
            return Err(bad("content and content_base64 exclude each other".into()));
        }
    };
    let time = |name: &str, text: Option<String>| match text {
        Some(text) => text
            .parse::<Time>()
            .map(Some)
            .map_err(|error| bad(format!("{name}: {error}"))),
        None => Ok(None),
    };
    let devices_judge = match json.judge.as_deref() {
        Some(word) => judge(word).ok_or_else(|| bad(format!("judge: {word:?} is none")))?,
        None => defaults.devices_judge,
    };
    Ok(Asked {
        push_id: json.push_id.unwrap_or(fresh),
        version: Version::V2_0,
        addresses: match json.to {
            OneOrMany::One(address) => vec![address],
            OneOrMany::Many(addresses) => addresses,
        },
        takes_bare: true,
        devices: json.devices,
        replaces: None,
        deliver_before: time("deliver_before", json.deliver_before)?,
        deliver_after: time("deliver_after", json.deliver_after)?,
        notify_to: json.notify_to,
        quality: None,
        content: Content {
            application: json.application.unwrap_or_else(|| application.to_owned()),
            content_type: json.content_type.unwrap_or_else(|| "text/plain".to_owned()),
            headers: json.headers.into_iter().collect(),
            octets: octets.len(),
            body: octets,
        },
        options: Options {
            plan: json.plan.unwrap_or(defaults.plan),
            place: json.place.unwrap_or(defaults.place),
            fork: json.fork.unwrap_or(defaults.fork),
            ask: defaults.ask | json.ask.unwrap_or_default(),
            apps: json.apps,
            ppg: json.ppg,
            devices_judge,
        },
        onward: None,
    })
}

impl Asked {
    /// What does not fit together in it, whoever asks.
    ///
    /// # Errors
    /// With PAP's code and the reason.
    pub fn check(&self, now: Time) -> Result<(), Refused> {
        let bad = |desc: &str| Err(Refused::new(Status::BadRequest, desc));
        if self.push_id.is_empty() {
            return bad("the push-id is empty");
        }
        if self.addresses.is_empty() {
            return bad("there is no address");
        }
        if self.addresses.len() > crate::limits::PAP_ADDRESSES {
            return bad("too many addresses");
        }
        if mime::MediaType::decode(&self.content.content_type).is_err() {
            return bad("the content has no content type");
        }
        let (before, after) = (self.deliver_before, self.deliver_after);
        if before.is_some_and(|before| before <= now) {
            return Err(Refused::new(
                Status::Forbidden,
                "deliver-before-timestamp has passed",
            ));
        }
        if before.is_some_and(|before| after.is_some_and(|after| before <= after)) {
            return bad("deliver-before-timestamp is not later than deliver-after-timestamp");
        }
        Ok(())
    }
}

/// The quality a result shows: what was asked for, with the method that was used (WAP-247 section 8.2).
#[must_use]
pub fn given(asked: Option<&Quality>, used: Option<Bearer>) -> Option<Quality> {
    asked.map(|quality| Quality {
        delivery_method: match quality.delivery_method {
            DeliveryMethod::Unconfirmed => DeliveryMethod::Unconfirmed,
            _ => DeliveryMethod::Confirmed,
        },
        bearer: match used {
            // One that was asked for keeps its spelling.
            Some(used) if !is_named(quality.bearer.as_deref(), used) => {
                Some(word(used).to_uppercase())
            }
            _ => quality.bearer.clone(),
        },
        ..quality.clone()
    })
}

/// True when the bearer is the one that was named, or SIP where none was.
fn is_named(name: Option<&str>, used: Bearer) -> bool {
    match name {
        Some(name) => Bearers::of_bearer(name).is_some_and(|set| set.has(used)),
        None => used == Bearer::Sip,
    }
}

/// The push-id a document is about.
#[must_use]
pub fn push_id(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::PushMessage(message) => Some(&message.push_id),
        Operation::CancelMessage(message) => Some(&message.push_id),
        Operation::StatusQuery(message) => Some(&message.push_id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Options {
        Options {
            plan: PlanWish::Auto,
            place: Placement::VALUE,
            fork: Fork::Ppg,
            ask: Ask::default(),
            apps: Vec::new(),
            ppg: None,
            devices_judge: false,
        }
    }

    fn read(headers: Vec<(&str, &str)>) -> Result<Asked, Refused> {
        let mut all = vec![("Content-Type", "text/plain")];
        all.extend(headers);
        let part = mime::Part::new(all, b"hello");
        let message = PushMessage {
            push_id: "1".to_owned(),
            addresses: vec!["a".to_owned()],
            ..PushMessage::default()
        };
        of_pap(
            message,
            Version::V2_0,
            Some(&part),
            &defaults(),
            "x-wap-application:wml.ua",
            SERVED,
        )
    }

    const SERVED: Bearers = Bearers::of(&[Bearer::Sip, Bearer::Http]);

    #[test]
    fn a_result_names_the_bearer_that_was_used_where_it_is_another() {
        let quality = |bearer: Option<&str>| Quality {
            bearer: bearer.map(str::to_owned),
            ..Quality::default()
        };
        let told = |bearer, used| given(Some(&quality(bearer)), used).unwrap().bearer;
        assert_eq!(
            told(Some("Sms"), Some(Bearer::Http)).as_deref(),
            Some("HTTP")
        );
        assert_eq!(told(Some("Sms"), Some(Bearer::Sms)).as_deref(), Some("Sms"));
        assert_eq!(told(None, Some(Bearer::Sip)), None);
        assert_eq!(given(None, Some(Bearer::Sms)), None);
    }

    #[test]
    fn a_quality_that_no_bearer_has_is_refused_by_what_it_lacks() {
        let code = |network: Option<&str>, bearer: Option<&str>, is_required| {
            let quality = Quality {
                network: network.map(str::to_owned),
                network_required: is_required,
                bearer: bearer.map(str::to_owned),
                bearer_required: is_required,
                ..Quality::default()
            };
            check_quality(Some(&quality), SERVED).map_err(|refused| refused.code)
        };
        assert_eq!(code(Some("IP"), Some("HTTP"), true), Ok(()));
        assert_eq!(code(Some("any"), None, true), Ok(()));
        assert_eq!(code(Some("GSM"), None, true), Err(3009));
        assert_eq!(code(None, Some("SMS"), true), Err(3010));
        assert_eq!(code(Some("sip"), Some("http"), true), Err(3010));
        assert_eq!(code(Some("GSM"), Some("pigeon"), false), Ok(()));
    }

    #[test]
    fn the_headers_of_the_content_part_set_the_options() {
        let asked = read(vec![
            ("X-Sirgate-Plan", "fanout+id"),
            ("X-Sirgate-Place", "header, body"),
            ("X-Sirgate-Fork", "core"),
            ("X-Sirgate-Device", "<urn:example:a,b>, C2"),
            ("X-Sirgate-Ask", "capability, refusal"),
            ("X-Sirgate-App", "<x-oma-application:dcd.ua>;name=\"D,C\""),
            ("X-Sirgate-Ppg", "<sip:push@ppg2.example.com>"),
            ("X-Sirgate-Judge", "device"),
            ("X-Sirgate-Unknown", "passed over"),
            ("X-Wap-Application-Id", "x-wap-application:mms.ua"),
            ("X-Wap-Content-URI", "http://pi.example.com/1"),
        ])
        .unwrap();
        assert_eq!(asked.options.plan, PlanWish::FanoutId);
        assert_eq!(asked.options.place, Placement::HEADER | Placement::BODY);
        assert_eq!(asked.options.fork, Fork::Core);
        assert_eq!(asked.devices, ["urn:example:a,b", "C2"]);
        assert_eq!(asked.options.ask, Ask::CAPABILITY | Ask::REFUSAL);
        assert_eq!(
            asked.options.apps,
            [App::named("x-oma-application:dcd.ua", "D,C")]
        );
        assert_eq!(
            asked.options.ppg.as_deref(),
            Some("sip:push@ppg2.example.com")
        );
        assert!(asked.options.devices_judge);
        assert_eq!(asked.content.application, "x-wap-application:mms.ua");
        assert_eq!(asked.content.headers.len(), 1);
        assert_eq!(&asked.content.body[..], b"hello");
    }

    #[test]
    fn an_option_with_a_value_it_does_not_have_is_refused_by_name() {
        let refused = read(vec![("X-Sirgate-Plan", "best")]).unwrap_err();
        assert_eq!(refused.code, 2000);
        assert!(refused.desc.contains("X-Sirgate-Plan"), "{}", refused.desc);
    }

    #[test]
    fn a_push_without_content_entity_is_refused() {
        let refused = of_pap(
            PushMessage::default(),
            Version::V2_0,
            None,
            &defaults(),
            "x",
            SERVED,
        )
        .unwrap_err();
        assert_eq!(refused.code, 2000);
    }

    #[test]
    fn the_json_twin_says_the_same() {
        let body = br#"{"to": "sip:alice@example.com", "devices": ["C1"], "plan": "fanout", "place": "value,body",
            "ask": "refusal", "content": "hi", "deliver_before": "2030-01-01T00:00:00Z"}"#;
        let asked = of_json(body, "fresh-1".to_owned(), &defaults(), "app").unwrap();
        assert_eq!(asked.push_id, "fresh-1");
        assert_eq!(asked.addresses, ["sip:alice@example.com"]);
        assert_eq!(asked.options.plan, PlanWish::Fanout);
        assert_eq!(asked.options.ask, Ask::REFUSAL);
        assert_eq!(asked.content.content_type, "text/plain");
        assert!(asked.deliver_before.is_some());
        let unknown = of_json(
            br#"{"to": "x", "pln": "auto"}"#,
            String::new(),
            &defaults(),
            "a",
        );
        assert!(unknown.unwrap_err().desc.contains("pln"));
    }

    #[test]
    fn times_that_do_not_fit_are_refused() {
        let mut asked = read(Vec::new()).unwrap();
        let at = Time::from_secs;
        asked.deliver_before = Some(at(10));
        assert_eq!(asked.check(at(10)).unwrap_err().code, 2001);
        asked.deliver_after = Some(at(10));
        assert_eq!(asked.check(at(5)).unwrap_err().code, 2000);
        asked.deliver_after = Some(at(9));
        assert_eq!(asked.check(at(5)), Ok(()));
    }

    #[test]
    fn a_bearer_that_is_required_and_not_served_is_refused() {
        let quality = |bearer: &str| Quality {
            bearer: Some(bearer.to_owned()),
            bearer_required: true,
            ..Quality::default()
        };
        assert_eq!(
            check_quality(Some(&quality("SMS")), SERVED)
                .unwrap_err()
                .code,
            3010
        );
        assert_eq!(check_quality(Some(&quality("Any")), SERVED), Ok(()));
    }
}
