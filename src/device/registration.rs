//! The registration of a device: what its REGISTER says, and what each answer means.
//!
//! **Source:** RFC 3261 section 10.2, RFC 5626 section 4.2, RFC 5627 section 4.1; the sirgate SIP profile, E.8. Not here:
//! transactions (`protocol::sip::endpoint`), digest (`protocol::sip::authentication`).

use core::time::Duration;

use crate::codec::device_id::DeviceId;
use crate::codec::sip::{Address, Contact, Draft, Message, Method, Name};
use crate::protocol::sip::outbound;
use crate::random::Random;

use super::config::Config;

/// Methods that a device takes.
pub const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, UPDATE, NOTIFY";
/// Bodies that a device takes in requests.
pub const ACCEPT: &str = "application/vnd.wap.sia, application/sdp, text/plain, multipart/mixed";

/// One registration and its refreshes; all of them share Call-ID and tag.
#[derive(Clone, Debug)]
pub struct Registration {
    call_id: String,
    tag: String,
    cseq: u32,
    failures: u32,
    /// Seconds the registrar wants at least.
    expires_min: u32,
    granted: Option<Granted>,
}

/// What a registrar granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Seconds until the binding ends.
    pub expires: u32,
    /// Seconds between two pings at most.
    pub flow_timer: Option<u32>,
    /// The public GRUU of this device.
    pub pub_gruu: Option<String>,
    /// The latest temporary one.
    pub temp_gruu: Option<String>,
    /// Proxies that requests of the device go through.
    pub service_route: Vec<String>,
    /// All identities that belong to the registered one.
    pub identities: Vec<String>,
}

/// What an answer to a REGISTER comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Registered; ask again after this.
    Refresh(Duration),
    /// Ask again now, with credentials for this challenge.
    Authenticate,
    /// Ask again now, as the answer wishes.
    Again,
    /// Not registered; ask again after this.
    Later(Duration),
}

impl Registration {
    /// A registration that was not asked for yet.
    #[must_use]
    pub fn new(config: &Config, random: &mut Random) -> Self {
        Self {
            call_id: format!(
                "{}~reg-{}@{}",
                config.contact_user,
                random.token::<16>(),
                config.local.ip()
            ),
            tag: random.token::<8>().to_string(),
            cseq: 0,
            failures: 0,
            expires_min: 0,
            granted: None,
        }
    }

    /// What was granted; `None` while not registered.
    #[must_use]
    pub const fn granted(&self) -> Option<&Granted> {
        self.granted.as_ref()
    }

    /// The number of the last REGISTER.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.cseq
    }

    /// True once a REGISTER was sent: a registrar may have a binding.
    #[must_use]
    pub const fn was_asked(&self) -> bool {
        self.cseq > 0
    }

    /// The URI a REGISTER is sent to: the domain.
    #[must_use]
    pub fn uri(config: &Config) -> String {
        format!("sip:{}", config.domain())
    }

    /// The next REGISTER. An `expires` of 0 ends the registration.
    pub fn draft(
        &mut self,
        config: &Config,
        expires: u32,
        authorization: &[(&str, String)],
    ) -> Draft {
        self.cseq = self.cseq.saturating_add(1);
        let expires = if expires == 0 {
            0
        } else {
            expires.max(self.expires_min)
        };
        let mut draft = Draft::request(Method::Register, &Self::uri(config))
            .header("From", format_args!("<{}>;tag={}", config.pui, self.tag))
            .header("To", format_args!("<{}>", config.pui))
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{} REGISTER", self.cseq))
            .header("Supported", "path, outbound, gruu")
            .header("Allow", ALLOW)
            .header("Accept", ACCEPT);
        let aliases = aliases(config);
        if !aliases.is_empty() {
            draft = draft.header("X-Sirgate-Device", aliases);
        }
        for (name, value) in authorization {
            draft = draft.header(name, value);
        }
        draft
            .header("Contact", contact(config))
            .header("Expires", expires)
    }

    /// What an answer comes to.
    pub fn answered(&mut self, config: &Config, response: &Message, random: &mut Random) -> Step {
        match response.status().unwrap_or(500) {
            200..=299 => self.registered(config, response, random),
            401 | 407 if config.credentials.is_some() => Step::Authenticate,
            423 => match number(response, Name::MinExpires) {
                Some(least) if least > self.expires_min => {
                    self.expires_min = least;
                    Step::Again
                }
                _ => self.failed(None, random),
            },
            _ => self.failed(number(response, Name::RetryAfter), random),
        }
    }

    /// No answer came, or the flow is lost.
    pub fn failed(&mut self, retry_after: Option<u32>, random: &mut Random) -> Step {
        self.granted = None;
        let wait = outbound::recovery_wait(self.failures, true, random);
        self.failures = self.failures.saturating_add(1);
        let asked = Duration::from_secs(u64::from(retry_after.unwrap_or(0).min(RETRY_MAX)));
        Step::Later(wait.max(asked))
    }

    /// The flow is lost although the binding is not over.
    pub fn lost(&mut self) {
        self.granted = None;
    }

    fn registered(&mut self, config: &Config, response: &Message, random: &mut Random) -> Step {
        let own = own_contact(config, response);
        let param = |name: &str| own?.param(name)?.map(std::borrow::Cow::into_owned);
        let expires = own
            .and_then(|contact| contact.expires())
            .or_else(|| response.expires())
            .unwrap_or(config.expires);
        self.failures = 0;
        self.granted = Some(Granted {
            expires,
            flow_timer: number(response, Name::FlowTimer),
            pub_gruu: param("pub-gruu"),
            temp_gruu: param("temp-gruu"),
            service_route: texts(response, Name::ServiceRoute),
            identities: addresses(response, "P-Associated-URI"),
        });
        Step::Refresh(refresh_after(expires, random))
    }
}

/// The longest Retry-After that is obeyed, in seconds.
const RETRY_MAX: u32 = 3_600;

/// A random moment between half and nine tenths of the time granted, so that a fleet does not refresh at once.
fn refresh_after(expires: u32, random: &mut Random) -> Duration {
    let millis = u64::from(expires).saturating_mul(1_000);
    let spread = random.below((millis / 10).saturating_mul(4).saturating_add(1));
    Duration::from_millis((millis / 2).saturating_add(spread).max(1_000))
}

/// The contact in the answer that is this device's.
fn own_contact<'a>(config: &Config, response: &'a Message) -> Option<Address<'a>> {
    let instance = DeviceId::decode(&config.instance).ok();
    let is_own = |address: &Address<'_>| match address.instance() {
        Some(urn) => {
            address.reg_id().is_none_or(|id| id == config.reg_id)
                && DeviceId::decode(urn).ok().as_ref() == instance.as_ref()
        }
        None => address.uri.as_str() == config.contact(),
    };
    response.contacts().find_map(|contact| match contact {
        Ok(Contact::Address(address)) if is_own(&address) => Some(address),
        _ => None,
    })
}

/// The Contact of a REGISTER: flow, instance, what the device can do.
fn contact(config: &Config) -> String {
    let wake = config.wake.as_ref().map(ToString::to_string);
    let mut contact = format!(
        "<{}{}>;+sip.instance=\"<{}>\";reg-id={}",
        config.contact(),
        wake.unwrap_or_default(),
        config.instance,
        config.reg_id
    );
    for (name, value) in features(config) {
        contact.push(';');
        contact.push_str(&name);
        if let Some(value) = value {
            contact.push_str("=\"");
            contact.push_str(&value);
            contact.push('"');
        }
    }
    contact
}

/// The feature parameters of the device (RFC 3840), as they stand in its Contact.
#[must_use]
pub fn features(config: &Config) -> Vec<(String, Option<String>)> {
    let mobility = if config.kind == "pc" {
        "fixed"
    } else {
        "mobile"
    };
    let mut applications = vec!["push.sia".to_owned()];
    applications.extend(
        config
            .profile
            .own
            .applications
            .iter()
            .map(|application| short(&application.id).to_owned()),
    );
    vec![
        ("methods".into(), Some(ALLOW.replace(' ', ""))),
        ("+sip.message".into(), None),
        ("mobility".into(), Some(mobility.into())),
        ("+g.oma.pusheventapp".into(), Some(applications.join(","))),
    ]
}

/// The name of an application without the prefix of its registry.
fn short(id: &str) -> &str {
    ["x-oma-application:", "x-wap-application:"]
        .into_iter()
        .find_map(|prefix| id.strip_prefix(prefix))
        .unwrap_or(id)
}

/// The identifiers beside the instance, as a header value.
fn aliases(config: &Config) -> String {
    let instance = DeviceId::decode(&config.instance).ok();
    let others = config
        .ids
        .iter()
        .filter(|id| Some(*id) != instance.as_ref());
    let written: Vec<String> = others.map(|id| format!("<{id}>")).collect();
    written.join(", ")
}

fn number(response: &Message, name: Name) -> Option<u32> {
    let text = response.text(name)?;
    let digits = text.split([';', '(', ' ']).next()?;
    digits.trim().parse().ok()
}

fn texts(response: &Message, name: Name) -> Vec<String> {
    response
        .list(name)
        .filter_map(|value| core::str::from_utf8(value).ok())
        .map(str::to_owned)
        .collect()
}

/// The URIs of a header that has no name of its own in the codec.
fn addresses(response: &Message, name: &str) -> Vec<String> {
    let value = response
        .extension(name)
        .and_then(|value| core::str::from_utf8(value).ok());
    value
        .unwrap_or_default()
        .split(',')
        .filter_map(|part| part.split_once('<')?.1.split('>').next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
