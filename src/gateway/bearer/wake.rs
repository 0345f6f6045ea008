//! How a device that sleeps is woken: the bearer and the address that it registered with.
//!
//! **Source:** RFC 8599 sections 4.1 and 5.3; spec/sip.md E.8: `pn-provider` is `sirgate`, `pn-param` the bearer, `pn-prid`
//! the address there. Other providers are push services of others. The address must be the device's own ([`Wake::is_own`]):
//! else whoever registers could have the gateway call anybody, at the operator's cost.

use std::net::{IpAddr, SocketAddr};

use super::choice::Bearers;
use crate::codec::sip::push_notification::PushResource;
use crate::event::Bearer;
use crate::gateway::profile::Addresses;

/// Our name as a push service.
pub const PROVIDER: &str = "sirgate";

/// Bearers that wake a device, by the word for each.
const WORDS: [(&str, Bearer); 4] = [
    ("sms", Bearer::Sms),
    ("ussd", Bearer::Ussd),
    ("wsp", Bearer::Wsp),
    ("http", Bearer::Http),
];

/// What wakes a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A short message or a USSD string to this number.
    Number(Bearer, String),
    /// A WSP datagram to this address.
    Datagram(SocketAddr),
    /// A push over HTTP to this address: `http://host:port`.
    Http(String),
    /// A push service of others.
    Service(PushResource),
}

impl Wake {
    /// What a resource stands for; `None` for a bearer that wakes nobody, or an address that is none.
    #[must_use]
    pub fn of(resource: &PushResource) -> Option<Self> {
        if !resource.provider.eq_ignore_ascii_case(PROVIDER) {
            return resource
                .is_complete()
                .then(|| Self::Service(resource.clone()));
        }
        let (param, prid) = (resource.param.as_deref()?, resource.prid.as_deref()?);
        let (_, bearer) = WORDS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(param))?;
        match bearer {
            Bearer::Wsp => prid.parse().ok().map(Self::Datagram),
            Bearer::Http => prid
                .starts_with("http://")
                .then(|| Self::Http(prid.to_owned())),
            _ => {
                let digits = prid.strip_prefix('+').unwrap_or(prid);
                let is_number = (1..=15).contains(&digits.len())
                    && digits.bytes().all(|octet| octet.is_ascii_digit());
                is_number.then(|| Self::Number(*bearer, prid.to_owned()))
            }
        }
    }

    /// True when it calls nobody but the device: at an address that is entered for it, or at the very host it registered
    /// from. Push services of others know their devices themselves.
    #[must_use]
    pub fn is_own<'a>(
        &self,
        mut entered: impl Iterator<Item = &'a Addresses>,
        source: Option<IpAddr>,
    ) -> bool {
        let is_there = |ip: IpAddr| source.map(|source| source.to_canonical()) == Some(ip);
        match self {
            Self::Number(_, to) => entered.any(|of| of.msisdn.as_ref() == Some(to)),
            Self::Datagram(peer) => {
                is_there(peer.ip().to_canonical()) || entered.any(|of| of.wsp == Some(*peer))
            }
            Self::Http(address) => {
                bare_host(address).is_some_and(|ip| is_there(ip.to_canonical()))
                    || entered.any(|of| of.http.as_ref() == Some(address))
            }
            Self::Service(_) => true,
        }
    }

    /// What carries it.
    #[must_use]
    pub const fn bearer(&self) -> Bearer {
        match self {
            Self::Number(bearer, _) => *bearer,
            Self::Datagram(_) => Bearer::Wsp,
            Self::Http(_) | Self::Service(_) => Bearer::Http,
        }
    }

    /// Its name for people: the bearer, or the push service.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Service(resource) => resource.provider.clone(),
            _ => self.bearer().word().to_owned(),
        }
    }
}

/// The host of `http://IP[:port]`; `None` for a name, a path, a query or a user.
fn bare_host(address: &str) -> Option<IpAddr> {
    let host = address.strip_prefix("http://")?;
    if let Ok(with_port) = host.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

/// The values of `pn-param` that a gateway with these bearers takes.
#[must_use]
pub fn params(served: Bearers) -> Vec<String> {
    WORDS
        .iter()
        .filter(|(_, bearer)| served.has(*bearer))
        .map(|(word, _)| (*word).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wake(provider: &str, param: &str, prid: &str) -> Option<Wake> {
        Wake::of(&PushResource {
            provider: provider.to_owned(),
            param: Some(param.to_owned()),
            prid: Some(prid.to_owned()),
        })
    }

    #[test]
    fn a_bearer_and_an_address_of_its_kind_wake_a_device() {
        let number = Wake::Number(Bearer::Ussd, "+15550103".to_owned());
        assert_eq!(wake("Sirgate", "USSD", "+15550103"), Some(number));
        let datagram = wake("sirgate", "wsp", "192.0.2.11:2948").unwrap();
        assert_eq!(datagram.bearer(), Bearer::Wsp);
        let http = wake("sirgate", "http", "http://192.0.2.11:4035");
        assert_eq!(http.unwrap().bearer(), Bearer::Http);
    }

    #[test]
    fn what_is_no_address_of_the_bearer_wakes_nobody() {
        assert_eq!(wake("sirgate", "sms", "alice"), None);
        assert_eq!(wake("sirgate", "sms", "+"), None);
        assert_eq!(wake("sirgate", "wsp", "phone.example.com"), None);
        assert_eq!(wake("sirgate", "http", "file:///etc/passwd"), None);
        assert_eq!(wake("sirgate", "sip", "+15550103"), None);
        assert_eq!(wake("", "sms", "+15550103"), None);
    }

    #[test]
    fn only_an_address_that_is_entered_or_that_it_registered_from_is_the_device_s_own() {
        let entered = [Addresses {
            msisdn: Some("+15550103".to_owned()),
            wsp: Some("198.51.100.7:2948".parse().unwrap()),
            http: Some("http://phone.example.com".to_owned()),
            ..Addresses::default()
        }];
        let is_own = |param: &str, prid: &str, source: &str| {
            let wake = wake("sirgate", param, prid).expect(prid);
            wake.is_own(entered.iter(), Some(source.parse().unwrap()))
        };
        let from = "192.0.2.11";
        assert!(is_own("sms", "+15550103", from));
        assert!(!is_own("sms", "+15550999", from));
        assert!(!is_own("ussd", "+15550999", from));
        assert!(is_own("wsp", "198.51.100.7:2948", from));
        assert!(is_own("wsp", "192.0.2.11:9200", from));
        assert!(is_own("wsp", "192.0.2.11:9200", "::ffff:192.0.2.11"));
        assert!(!is_own("wsp", "192.0.2.12:9200", from));
        assert!(is_own("http", "http://phone.example.com", from));
        assert!(is_own("http", "http://192.0.2.11", from));
        assert!(is_own("http", "http://192.0.2.11:8080", from));
        assert!(is_own("http", "http://[2001:db8::9]", "2001:db8::9"));
        for foreign in [
            "http://192.0.2.12:8080",
            "http://192.0.2.11:8080/admin?x=",
            "http://192.0.2.11/",
            "http://192.0.2.11@192.0.2.12",
            "http://192.0.2.11#",
            "http://service.example.com",
            "http://",
        ] {
            assert!(!is_own("http", foreign, from), "{foreign}");
        }
        let datagram = wake("sirgate", "wsp", "192.0.2.11:9200").unwrap();
        assert!(!datagram.is_own(entered.iter(), None));
        let service = wake("acme", "app", "d1").unwrap();
        assert!(service.is_own(core::iter::empty(), None));
    }

    #[test]
    fn another_provider_is_a_push_service() {
        let service = wake("acme", "app", "d1").unwrap();
        assert_eq!(service.name(), "acme");
        assert_eq!(wake("sirgate", "sms", "+15550103").unwrap().name(), "sms");
    }

    #[test]
    fn only_bearers_that_are_served_are_offered() {
        let few = Bearers::of(&[Bearer::Sip, Bearer::Http]);
        assert_eq!(params(few), ["http"]);
        assert_eq!(params(Bearers::ALL), ["sms", "ussd", "wsp", "http"]);
    }
}
