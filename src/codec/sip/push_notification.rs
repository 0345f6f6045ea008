//! What a device says about waking it by a push service, and what a proxy says that it can do about it.
//!
//! **Source:** RFC 8599 sections 4 to 9 and 14 (URI parameters, feature-capability indicators), RFC 6809 (Feature-Caps).
//! Not here: what a registrar does with it (`protocol::sip::registrar`).

use core::fmt;

use super::param::Params;
use super::{Message, Name, quote};
use crate::codec::uri::{Uri, unescape};

/// What a Contact or Request-URI says about push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushWish {
    /// `pn-provider` without a value: which services are there?
    Query,
    /// The device may be woken there.
    Resource(PushResource),
}

/// The `pn-` parameters of a URI, escapes undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushResource {
    /// The service: `apns`, `fcm`, `webpush` or another one.
    pub provider: String,
    /// What names the application to the service.
    pub param: Option<String>,
    /// What names the device to the service.
    pub prid: Option<String>,
}

/// What a proxy can do: one value of Feature-Caps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushCapability {
    /// `+sip.pns`: a service that it can ask.
    pub provider: Option<String>,
    /// `+sip.vapid`: its key at web push services.
    pub vapid: Option<String>,
    /// `+sip.pnsreg`: it wakes the device so many seconds before a binding ends.
    pub refresh_before: Option<u32>,
    /// `+sip.pnspurr`: the name under which it finds the device in a dialog.
    pub purr: Option<String>,
}

/// Seconds before the end of a binding that a device needs at least to renew it after a push.
pub const REFRESH_BEFORE_MIN: u32 = 120;

impl PushWish {
    /// What the URI says; `None` when nothing.
    #[must_use]
    pub fn of_uri(uri: &Uri<'_>) -> Option<Self> {
        let Some(provider) = uri.param("pn-provider")? else {
            return Some(Self::Query);
        };
        let text = |name: &str| uri.param(name).flatten().map(plain);
        Some(Self::Resource(PushResource {
            provider: plain(provider),
            param: text("pn-param"),
            prid: text("pn-prid"),
        }))
    }
}

/// The name of a dialog's device at the proxy that wakes it: `pn-purr` of a Contact inside a dialog.
#[must_use]
pub fn purr_of(uri: &Uri<'_>) -> Option<String> {
    uri.param("pn-purr").flatten().map(plain)
}

/// Seconds before the end of a binding from which the device renews it itself: `+sip.pnsreg` of a Contact with a value;
/// `Some(None)` when it only says that it can.
#[must_use]
pub fn refreshes_itself(contact: &super::Address<'_>) -> Option<Option<u32>> {
    let value = contact.param("+sip.pnsreg")?;
    Some(value.and_then(|seconds| seconds.parse().ok()))
}

impl PushResource {
    /// Whether a push can be asked for: services of no registration aside, the device has a name.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.provider.is_empty() && self.prid.is_some()
    }
}

impl fmt::Display for PushResource {
    /// The parameters, each with its semicolon, to follow a URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("pn-provider", Some(&self.provider)),
            ("pn-param", self.param.as_ref()),
            ("pn-prid", self.prid.as_ref()),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, ";{name}=")?;
                escape(f, value)?;
            }
        }
        Ok(())
    }
}

impl PushCapability {
    /// One value of Feature-Caps; `None` when it says nothing about push.
    #[must_use]
    pub fn decode(value: &[u8]) -> Option<Self> {
        let params = Params::new(value.trim_ascii().strip_prefix(b"*")?);
        let text = |name: &str| params.get(name).flatten().map(std::borrow::Cow::into_owned);
        let capability = Self {
            provider: text("+sip.pns"),
            vapid: text("+sip.vapid"),
            refresh_before: text("+sip.pnsreg").and_then(|seconds| seconds.parse().ok()),
            purr: text("+sip.pnspurr"),
        };
        (capability != Self::default()).then_some(capability)
    }

    /// What proxies on the way say in a message, the first to have seen it first.
    pub fn all_of(message: &Message) -> impl Iterator<Item = Self> {
        message.list(Name::FeatureCaps).filter_map(Self::decode)
    }
}

impl fmt::Display for PushCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*")?;
        let seconds = self.refresh_before.map(|seconds| seconds.to_string());
        let parts = [
            ("+sip.pns", self.provider.as_ref()),
            ("+sip.vapid", self.vapid.as_ref()),
            ("+sip.pnsreg", seconds.as_ref()),
            ("+sip.pnspurr", self.purr.as_ref()),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, ";{name}={}", quote(value))?;
            }
        }
        Ok(())
    }
}

fn plain(value: &str) -> String {
    String::from_utf8_lossy(&unescape(value)).into_owned()
}

/// A parameter's value with every character escaped that may not stand there.
fn escape(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    value.bytes().try_for_each(|octet| {
        if octet.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$".contains(&octet) {
            write!(f, "{}", char::from(octet))
        } else {
            write!(f, "%{octet:02X}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sip::Contact;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn wish(uri: &str) -> Option<PushWish> {
        PushWish::of_uri(&Uri::decode(uri.as_bytes()).unwrap())
    }

    fn message(rows: &str) -> Message {
        let text = format!("REGISTER sip:example.com SIP/2.0\r\n{rows}\r\n");
        Message::decode(Bytes::from(text)).unwrap()
    }

    #[test]
    fn a_contact_names_service_application_and_device() {
        let found = wish("sip:a@h;pn-provider=fcm;pn-param=project%20one;PN-PRID=%2B1555:x;ob");
        let PushWish::Resource(resource) = found.unwrap() else {
            panic!("a query");
        };
        assert_eq!(resource.provider, "fcm");
        assert_eq!(resource.param.as_deref(), Some("project one"));
        assert_eq!(resource.prid.as_deref(), Some("+1555:x"));
        assert!(resource.is_complete());
        assert_eq!(wish("sip:a@h;pn-provider"), Some(PushWish::Query));
        assert_eq!(wish("sip:a@h;pn-prid=x"), None);
        let without = wish("sip:a@h;pn-provider=apns");
        assert!(matches!(without, Some(PushWish::Resource(r)) if !r.is_complete()));
    }

    #[test]
    fn a_dialog_s_contact_has_the_name_that_the_proxy_gave() {
        let uri = Uri::decode(b"sip:a@h;pn-purr=00fe%22").unwrap();
        assert_eq!(purr_of(&uri).as_deref(), Some("00fe\""));
        assert_eq!(purr_of(&Uri::decode(b"sip:a@h").unwrap()), None);
    }

    #[test]
    fn proxies_say_what_they_can_do_each_in_its_value() {
        let message = message(
            "Feature-Caps: *;+sip.pns=\"fcm\";+sip.pnspurr=\"00fe\", *;+g.other\r\n\
             Feature-Caps: *;+sip.pns=\"webpush\";+sip.vapid=\"BNf-k\";+sip.pnsreg=\"130\"\r\n",
        );
        let all: Vec<PushCapability> = PushCapability::all_of(&message).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].provider.as_deref(), Some("fcm"));
        assert_eq!(all[0].purr.as_deref(), Some("00fe"));
        assert_eq!(all[1].vapid.as_deref(), Some("BNf-k"));
        assert_eq!(all[1].refresh_before, Some(130));
        assert!(all[1].refresh_before >= Some(REFRESH_BEFORE_MIN));
        assert_eq!(PushCapability::decode(b"+sip.pns=\"fcm\""), None);
    }

    #[test]
    fn a_device_that_renews_its_binding_itself_says_so() {
        let of = |params: &str| {
            let message = message(&format!("Contact: <sip:a@h>{params}\r\n"));
            let contact = message.contacts().next().unwrap().unwrap();
            match contact {
                Contact::Address(address) => refreshes_itself(&address),
                Contact::Star => panic!("a star"),
            }
        };
        assert_eq!(of(";+sip.pnsreg"), Some(None));
        assert_eq!(of(";+sip.pnsreg=\"121\""), Some(Some(121)));
        assert_eq!(of(""), None);
    }

    proptest! {
        #[test]
        fn parameters_read_back_as_written(
            provider in "[a-z]{1,8}",
            param in proptest::option::of("[ -~\u{e9}]{1,12}"),
            prid in proptest::option::of("[ -~]{1,12}"),
        ) {
            let resource = PushResource { provider, param, prid };
            let found = wish(&format!("sip:a@h{resource}"));
            prop_assert_eq!(found, Some(PushWish::Resource(resource)));
        }

        #[test]
        fn capabilities_read_back_as_written(
            provider in "[a-z]{1,8}",
            purr in proptest::option::of("[ -~]{0,12}"),
            refresh_before in proptest::option::of(any::<u32>()),
        ) {
            let provider = Some(provider);
            let capability = PushCapability { provider, vapid: None, refresh_before, purr };
            let text = capability.to_string();
            prop_assert_eq!(PushCapability::decode(text.as_bytes()), Some(capability));
        }
    }
}
