//! One notification as an HTTP/2 request, written for the service and read as it reads.
//!
//! **Source:** Apple, «Sending notification requests to APNs»: `POST /3/device/<token>`, the headers `apns-topic`,
//! `apns-push-type`, `apns-priority`, `apns-expiration`, `apns-collapse-id`, `apns-id`, `authorization`. A payload that is no
//! JSON object has no reason of its own there: it is refused like an empty one.

use uuid::Uuid;

use super::answer::Reason;
use super::payload::Shown;
use super::{COLLAPSE_OCTETS, PAYLOAD_OCTETS, VOIP_PAYLOAD_OCTETS};
use crate::codec::hex;
use crate::limits;

/// What stands before a device token in the path.
const PATH: &str = "/3/device/";

/// What a notification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushType {
    /// The user is to see or hear something.
    Alert,
    /// The application does something unseen.
    Background,
    /// The user's place is asked for.
    Location,
    /// A call.
    Voip,
    /// A complication of a watch.
    Complication,
    /// Files changed.
    FileProvider,
    /// The device is managed.
    Mdm,
    /// A live activity.
    LiveActivity,
    /// Push to talk.
    PushToTalk,
    /// Widgets.
    Widgets,
    /// Controls.
    Controls,
}

impl PushType {
    const ALL: [(&'static str, Self); 11] = [
        ("alert", Self::Alert),
        ("background", Self::Background),
        ("location", Self::Location),
        ("voip", Self::Voip),
        ("complication", Self::Complication),
        ("fileprovider", Self::FileProvider),
        ("mdm", Self::Mdm),
        ("liveactivity", Self::LiveActivity),
        ("pushtotalk", Self::PushToTalk),
        ("widgets", Self::Widgets),
        ("controls", Self::Controls),
    ];

    /// The value of the header.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, own)| *own == self);
        found.map_or("alert", |(word, _)| word)
    }

    fn of_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(own, _)| *own == word);
        found.map(|(_, own)| *own)
    }
}

/// How soon a device is to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// 10: at once.
    Immediate,
    /// 5: as its power allows.
    Considerate,
    /// 1: without waking it.
    Low,
}

impl Priority {
    /// The value of the header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Immediate => "10",
            Self::Considerate => "5",
            Self::Low => "1",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Immediate, Self::Considerate, Self::Low];
        all.into_iter().find(|own| own.word() == word)
    }
}

/// A notification on its way to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The device, in lower-case hexadecimal digits.
    pub device: String,
    /// The application: its bundle identifier, perhaps with a suffix.
    pub topic: String,
    /// What it is for.
    pub push_type: PushType,
    /// How soon it is wanted.
    pub priority: Priority,
    /// Until when the service tries, in seconds since 1970; 0: once. `None` leaves it to the service.
    pub expiration: Option<u64>,
    /// Notifications with the same replace each other.
    pub collapse_id: Option<String>,
    /// Its name.
    pub id: Option<Uuid>,
    /// What the device shows.
    pub payload: Vec<u8>,
}

/// A request of HTTP, without its authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The path.
    pub path: String,
    /// Names in lower case, with values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The request; `authorization` is who sends it.
    #[must_use]
    pub fn write(self, authorization: &str) -> Parts {
        let own = [
            ("authorization", Some(authorization.to_owned())),
            ("apns-topic", Some(self.topic)),
            ("apns-push-type", Some(self.push_type.word().to_owned())),
            ("apns-priority", Some(self.priority.word().to_owned())),
            ("apns-expiration", self.expiration.map(|it| it.to_string())),
            ("apns-collapse-id", self.collapse_id),
            ("apns-id", self.id.map(|id| id.hyphenated().to_string())),
        ];
        let headers = own
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Parts {
            path: format!("{PATH}{}", self.device),
            headers: headers.collect(),
            body: self.payload,
        }
    }

    /// Reads a request as the service does, all but who sends it.
    ///
    /// # Errors
    /// The reason of the service.
    pub fn read(
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Self, Reason> {
        if method != "POST" {
            return Err(Reason::MethodNotAllowed);
        }
        let device = device_of(path)?;
        let one = |name: &str| {
            let mut values = headers.iter().filter(|(own, _)| own == name);
            match (values.next(), values.next()) {
                (_, Some(_)) => Err(Reason::DuplicateHeaders),
                (first, None) => Ok(first.map(|(_, value)| value.as_str())),
            }
        };
        let id = one("apns-id")?.map(|it| Uuid::try_parse(it).map_err(|_| Reason::BadMessageId));
        let expiration = one("apns-expiration")?;
        let expiration = expiration.map(|it| number(it).ok_or(Reason::BadExpirationDate));
        let push_type = match one("apns-push-type")? {
            None => PushType::Alert,
            Some(word) => PushType::of_word(word).ok_or(Reason::InvalidPushType)?,
        };
        let priority = match one("apns-priority")? {
            None => Priority::Immediate,
            Some(word) => Priority::of_word(word).ok_or(Reason::BadPriority)?,
        };
        let is_background = push_type == PushType::Background;
        if is_background && one("apns-priority")?.is_some() && priority == Priority::Immediate {
            return Err(Reason::BadPriority);
        }
        let topic = one("apns-topic")?.ok_or(Reason::MissingTopic)?;
        if !is_topic(topic) {
            return Err(Reason::BadTopic);
        }
        let collapse_id = one("apns-collapse-id")?;
        if collapse_id.is_some_and(|id| id.len() > COLLAPSE_OCTETS) {
            return Err(Reason::BadCollapseId);
        }
        fits(push_type, body)?;
        Ok(Self {
            device,
            topic: topic.to_owned(),
            push_type,
            priority,
            expiration: expiration.transpose()?,
            collapse_id: collapse_id.map(str::to_owned),
            id: id.transpose()?,
            payload: body.to_vec(),
        })
    }
}

fn device_of(path: &str) -> Result<String, Reason> {
    let device = path.strip_prefix(PATH).ok_or(match path {
        "/3/device" => Reason::MissingDeviceToken,
        _ => Reason::BadPath,
    })?;
    if device.is_empty() {
        return Err(Reason::MissingDeviceToken);
    }
    let is_fit = device.len() <= limits::DEVICE_TOKEN_OCTETS && hex::octets(device).is_some();
    if !is_fit {
        return Err(Reason::BadDeviceToken);
    }
    Ok(device.to_ascii_lowercase())
}

fn fits(push_type: PushType, body: &[u8]) -> Result<(), Reason> {
    let most = match push_type {
        PushType::Voip => VOIP_PAYLOAD_OCTETS,
        _ => PAYLOAD_OCTETS,
    };
    if body.is_empty() {
        return Err(Reason::PayloadEmpty);
    }
    if body.len() > most {
        return Err(Reason::PayloadTooLarge);
    }
    Shown::decode(body).map_err(|_| Reason::PayloadEmpty)?;
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_topic(text: &str) -> bool {
    let is_fit = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
    !text.is_empty() && text.len() <= limits::PUSH_TOPIC_OCTETS && text.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Request {
        Request {
            device: "ab".repeat(32),
            topic: "com.example.mail".to_owned(),
            push_type: PushType::Alert,
            priority: Priority::Immediate,
            expiration: Some(0),
            collapse_id: Some("inbox".to_owned()),
            id: Some(Uuid::from_u128(7)),
            payload: br#"{"aps":{"alert":"hi"}}"#.to_vec(),
        }
    }

    fn parts() -> Parts {
        request().write("bearer t")
    }

    fn read(parts: &Parts) -> Result<Request, Reason> {
        Request::read("POST", &parts.path, &parts.headers, &parts.body)
    }

    fn with(name: &str, value: &str) -> Result<Request, Reason> {
        let mut parts = parts();
        parts.headers.retain(|(own, _)| own != name);
        parts.headers.push((name.to_owned(), value.to_owned()));
        read(&parts)
    }

    #[test]
    fn r1_42_a_push_request_names_device_topic_and_sender() {
        let parts = parts();
        assert_eq!(parts.path, format!("/3/device/{}", "ab".repeat(32)));
        let value = |name: &str| {
            let found = parts.headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("apns-topic"), Some("com.example.mail"));
        assert_eq!(value("authorization"), Some("bearer t"));
        assert_eq!(value("apns-push-type"), Some("alert"));
        assert_eq!(value("apns-expiration"), Some("0"));
        assert_eq!(read(&parts), Ok(request()));
    }

    #[test]
    fn each_header_that_is_wrong_has_its_documented_reason() {
        assert_eq!(with("apns-id", "7"), Err(Reason::BadMessageId));
        assert_eq!(
            with("apns-expiration", "-1"),
            Err(Reason::BadExpirationDate)
        );
        assert_eq!(with("apns-priority", "7"), Err(Reason::BadPriority));
        assert_eq!(with("apns-push-type", "sms"), Err(Reason::InvalidPushType));
        assert_eq!(
            with("apns-push-type", "background"),
            Err(Reason::BadPriority)
        );
        assert_eq!(with("apns-topic", "a b"), Err(Reason::BadTopic));
        let long = "x".repeat(COLLAPSE_OCTETS + 1);
        assert_eq!(with("apns-collapse-id", &long), Err(Reason::BadCollapseId));
        assert!(with("apns-collapse-id", &"x".repeat(COLLAPSE_OCTETS)).is_ok());
        let mut parts = parts();
        parts.headers.retain(|(name, _)| name != "apns-topic");
        assert_eq!(read(&parts), Err(Reason::MissingTopic));
        for _ in 0..2 {
            parts
                .headers
                .push(("apns-topic".to_owned(), "a".to_owned()));
        }
        assert_eq!(read(&parts), Err(Reason::DuplicateHeaders));
    }

    #[test]
    fn each_path_method_and_payload_that_is_wrong_has_its_documented_reason() {
        let at = |method: &str, path: &str| {
            Request::read(method, path, &parts().headers, &parts().body).err()
        };
        let path = parts().path;
        assert_eq!(at("GET", &path), Some(Reason::MethodNotAllowed));
        assert_eq!(at("POST", "/2/device/ab"), Some(Reason::BadPath));
        assert_eq!(at("POST", "/3/device/"), Some(Reason::MissingDeviceToken));
        assert_eq!(at("POST", "/3/device/xyz"), Some(Reason::BadDeviceToken));
        let of = |octets: usize| {
            let filler = octets - br#"{"aps":{},"x":""}"#.len();
            let body = format!(r#"{{"aps":{{}},"x":"{}"}}"#, "y".repeat(filler));
            read(&Parts {
                body: body.into_bytes(),
                ..parts()
            })
            .err()
        };
        assert_eq!(of(PAYLOAD_OCTETS), None);
        assert_eq!(of(PAYLOAD_OCTETS + 1), Some(Reason::PayloadTooLarge));
        let empty = Parts {
            body: Vec::new(),
            ..parts()
        };
        assert_eq!(read(&empty), Err(Reason::PayloadEmpty));
    }

    proptest! {
        #[test]
        fn requests_read_back_as_written(
            device in "([0-9a-f]{2}){1,50}",
            topic in "[a-zA-Z0-9.-]{1,40}",
            expiration in proptest::option::of(any::<u64>()),
            collapse_id in proptest::option::of("[ -~]{1,64}"),
            kind in 0..PushType::ALL.len(),
        ) {
            let push_type = PushType::ALL[kind].1;
            let priority = Priority::Considerate;
            let request = Request {
                device, topic, expiration, collapse_id, push_type, priority, ..request()
            };
            prop_assert_eq!(read(&request.clone().write("bearer t")), Ok(request));
        }
    }
}
