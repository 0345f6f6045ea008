//! Which bearers may carry a SIR to a device, best first; a pure function of what is known.
//!
//! **Source:** requirements R2.7, R2.61; WAP-247 section 8.2.3 (`network`, `bearer` and whether they are required of a
//! quality of service). The device's own order holds, but for what the initiator prefers.

use crate::codec::pap::Quality;
use crate::event::Bearer;
use crate::gateway::profile::Addresses;
use crate::gateway::registry::Device;

/// A set of bearers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bearers(u16);

impl Bearers {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(u16::MAX);

    /// These.
    #[must_use]
    pub const fn of(bearers: &[Bearer]) -> Self {
        let (mut set, mut rest) = (Self::NONE, bearers);
        while let [first, more @ ..] = rest {
            set = set.with(*first);
            rest = more;
        }
        set
    }

    /// This set with one more.
    #[must_use]
    pub const fn with(self, bearer: Bearer) -> Self {
        Self(self.0 | bit(bearer))
    }

    /// True when it is in.
    #[must_use]
    pub const fn has(self, bearer: Bearer) -> bool {
        self.0 & bit(bearer) != 0
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True when nothing is in.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What a name of a bearer in a quality of service stands for, in any case; `None` when it is not known.
    #[must_use]
    pub fn of_bearer(name: &str) -> Option<Self> {
        find(&BEARERS, name)
    }

    /// What a name of a network stands for, in any case; `None` when it is not known.
    #[must_use]
    pub fn of_network(name: &str) -> Option<Self> {
        find(&NETWORKS, name)
    }
}

const fn bit(bearer: Bearer) -> u16 {
    match bearer {
        Bearer::Sip => 1,
        Bearer::Http => 2,
        Bearer::Wsp => 4,
        Bearer::Sms => 8,
        Bearer::Ussd => 16,
        Bearer::Cs => 32,
        Bearer::Ps => 64,
        Bearer::Signalling => 128,
        Bearer::Service => 256,
        Bearer::Web => 512,
        Bearer::Apns => 1_024,
        Bearer::Fcm => 2_048,
    }
}

const IP: Bearers = Bearers::of(&[
    Bearer::Sip,
    Bearer::Http,
    Bearer::Wsp,
    Bearer::Ps,
    Bearer::Signalling,
    Bearer::Service,
    Bearer::Web,
    Bearer::Apns,
    Bearer::Fcm,
]);
const GSM: Bearers = Bearers::of(&[Bearer::Sms, Bearer::Ussd, Bearer::Cs, Bearer::Ps]);

/// Names of networks. PAP leaves them open; these are the words of the bearers, and those in use.
const NETWORKS: [(&str, Bearers); 7] = [
    ("any", Bearers::ALL),
    ("ip", IP),
    (
        "sip",
        Bearers::of(&[Bearer::Sip, Bearer::Signalling, Bearer::Service]),
    ),
    ("gsm", GSM),
    ("gprs", Bearers::of(&[Bearer::Ps, Bearer::Wsp])),
    ("cs", Bearers::of(&[Bearer::Cs, Bearer::Sms, Bearer::Ussd])),
    ("ps", Bearers::of(&[Bearer::Ps, Bearer::Wsp])),
];

/// Names of bearers.
const BEARERS: [(&str, Bearers); 18] = [
    ("any", Bearers::ALL),
    ("sip", Bearers::of(&[Bearer::Sip])),
    ("http", Bearers::of(&[Bearer::Http])),
    ("ota-http", Bearers::of(&[Bearer::Http])),
    ("wsp", Bearers::of(&[Bearer::Wsp])),
    ("udp", Bearers::of(&[Bearer::Wsp])),
    ("sms", Bearers::of(&[Bearer::Sms])),
    ("ussd", Bearers::of(&[Bearer::Ussd])),
    ("cs", Bearers::of(&[Bearer::Cs])),
    ("csd", Bearers::of(&[Bearer::Cs])),
    ("ps", Bearers::of(&[Bearer::Ps])),
    ("gprs", Bearers::of(&[Bearer::Ps])),
    ("packet", Bearers::of(&[Bearer::Ps])),
    ("signalling", Bearers::of(&[Bearer::Signalling])),
    ("service", Bearers::of(&[Bearer::Service])),
    ("web", Bearers::of(&[Bearer::Web])),
    ("apns", Bearers::of(&[Bearer::Apns])),
    ("fcm", Bearers::of(&[Bearer::Fcm])),
];

fn find(names: &[(&str, Bearers)], name: &str) -> Option<Bearers> {
    names
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, set)| *set)
}

/// What keeps a bearer from ever carrying a SIR to a device of these addresses, and the key of the configuration that
/// mends it; `None` where nothing does, but for a registration.
#[must_use]
pub const fn lack(
    bearer: Bearer,
    addresses: &Addresses,
    served: Bearers,
) -> Option<(&'static str, &'static str)> {
    const SMSC: (&str, &str) = (
        "the gateway has no message centre",
        "[smsc] address = \"127.0.0.1:2775\"",
    );
    let by_datagram = addresses.wsp.is_some() && served.has(Bearer::Wsp);
    let by_number = addresses.msisdn.is_some() && served.has(Bearer::Sms);
    Some(match bearer {
        Bearer::Sip | Bearer::Signalling | Bearer::Service => return None,
        Bearer::Http if addresses.http.is_none() => (
            "the device has no HTTP address",
            "http = \"http://127.0.0.1:4035\" for the device",
        ),
        Bearer::Apns if addresses.apns.is_none() => (
            "the device has no token of Apple's push service",
            "apns = \"TOKEN\" for the device",
        ),
        Bearer::Fcm if addresses.fcm.is_none() => (
            "the device has no token of Firebase Cloud Messaging",
            "fcm = \"TOKEN\" for the device",
        ),
        Bearer::Apns | Bearer::Fcm if !served.has(bearer) => (
            "the gateway does not know that push service",
            "[apns] with endpoint and key, or [fcm] with service_account",
        ),
        Bearer::Wsp if addresses.wsp.is_none() => (
            "the device has no WSP address",
            "wsp = \"127.0.0.1:2948\" for the device",
        ),
        Bearer::Wsp if !served.has(Bearer::Wsp) => (
            "the gateway has no socket for WSP",
            "[listen] wsp = \"127.0.0.1:9200\"",
        ),
        Bearer::Sms | Bearer::Ussd | Bearer::Cs if addresses.msisdn.is_none() => (
            "the device has no telephone number",
            "msisdn = \"+15550103\" for the device",
        ),
        Bearer::Sms | Bearer::Ussd | Bearer::Cs if !served.has(Bearer::Sms) => SMSC,
        Bearer::Ps if !by_datagram && !by_number => (
            "the device has neither WSP address nor telephone number that the gateway can reach",
            "wsp for the device with [listen] wsp, or msisdn with [smsc]",
        ),
        _ => return None,
    })
}

/// What may carry the SIRs of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the gateway serves.
    served: Bearers,
    /// What the initiator allows.
    allowed: Bearers,
    /// What the initiator prefers.
    first: Bearers,
    /// A SIP core leads to devices that are registered elsewhere.
    core: bool,
}

impl Choice {
    /// The choice for a push of that quality, where the gateway serves these.
    #[must_use]
    pub fn new(served: Bearers, quality: Option<&Quality>, core: bool) -> Self {
        let mut choice = Self {
            served,
            allowed: Bearers::ALL,
            first: Bearers::ALL,
            core,
        };
        let Some(quality) = quality else {
            return choice;
        };
        let wishes = [
            (
                quality.network.as_deref().map(Bearers::of_network),
                quality.network_required,
            ),
            (
                quality.bearer.as_deref().map(Bearers::of_bearer),
                quality.bearer_required,
            ),
        ];
        for (wish, is_required) in wishes {
            match (wish, is_required) {
                (Some(Some(set)), true) => choice.allowed = choice.allowed.and(set),
                (Some(None), true) => choice.allowed = Bearers::NONE,
                (Some(Some(set)), false) => choice.first = choice.first.and(set),
                _ => {}
            }
        }
        choice
    }

    /// True when any bearer that is served is allowed.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        !self.served.and(self.allowed).is_empty()
    }

    /// What can carry a SIR to the device now, best first.
    pub fn of<'a>(&'a self, device: &'a Device) -> impl Iterator<Item = Bearer> + 'a {
        let ready = || {
            let own = device.profile.bearers.iter().copied();
            own.filter(|bearer| self.is_ready(device, *bearer))
        };
        let (preferred, others) = (ready(), ready());
        preferred
            .filter(|bearer| self.first.has(*bearer))
            .chain(others.filter(|bearer| !self.first.has(*bearer)))
    }

    /// True when a SIR can be sent to the device now.
    #[must_use]
    pub fn is_bound(&self, device: &Device) -> bool {
        self.of(device).next().is_some()
    }

    /// True when a SIR can be sent to the device now, to no other one.
    #[must_use]
    pub fn is_routable(&self, device: &Device) -> bool {
        let is_other = |bearer: Bearer| bearer != Bearer::Sip;
        !device.routes.is_empty() || device.gruu().is_some() || self.of(device).any(is_other)
    }

    /// True when a bearer of the device is served and allowed, and its address known, or found out by registration.
    #[must_use]
    pub fn is_served(&self, device: &Device) -> bool {
        device.profile.bearers.iter().any(|bearer| match bearer {
            Bearer::Sip | Bearer::Signalling | Bearer::Service => self.admits(*bearer),
            other => self.is_ready(device, *other),
        })
    }

    /// Why none of the device's bearers may ever carry the SIR, bearer by bearer.
    #[must_use]
    pub fn missing(&self, device: &Device) -> String {
        let of = |bearer: &Bearer| {
            let lack = lack(*bearer, &device.profile.addresses, self.served);
            let why = match lack {
                Some((why, _)) => why,
                None if !self.allowed.has(*bearer) => "the push asks for another one",
                None => "the gateway does not serve it",
            };
            format!("{}: {why}", bearer.word())
        };
        let all: Vec<String> = device.profile.bearers.iter().map(of).collect();
        all.join("; ")
    }

    const fn admits(&self, bearer: Bearer) -> bool {
        self.served.has(bearer) && self.allowed.has(bearer)
    }

    fn is_ready(&self, device: &Device, bearer: Bearer) -> bool {
        let addresses = &device.profile.addresses;
        let is_reached = match bearer {
            Bearer::Sip => self.core || !device.routes.is_empty(),
            Bearer::Signalling => !device.routes.is_empty(),
            Bearer::Service => device.service.is_some(),
            // Messages are kept until somebody fetches them.
            Bearer::Web => true,
            Bearer::Apns => addresses.apns.is_some(),
            Bearer::Fcm => addresses.fcm.is_some(),
            Bearer::Http => addresses.http.is_some(),
            Bearer::Wsp => addresses.wsp.is_some(),
            Bearer::Sms | Bearer::Ussd | Bearer::Cs => addresses.msisdn.is_some(),
            Bearer::Ps => {
                (addresses.wsp.is_some() && self.served.has(Bearer::Wsp))
                    || (addresses.msisdn.is_some() && self.served.has(Bearer::Sms))
            }
        };
        is_reached && self.admits(bearer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::profile::Profile;

    fn device(bearers: &[Bearer]) -> Device {
        Device {
            profile: Profile {
                bearers: bearers.to_vec(),
                addresses: Addresses {
                    msisdn: Some("+15550103".to_owned()),
                    http: Some("http://192.0.2.11:4035".to_owned()),
                    ..Addresses::default()
                },
                ..Profile::default()
            },
            ..Device::default()
        }
    }

    fn quality(bearer: &str, is_required: bool) -> Quality {
        Quality {
            bearer: Some(bearer.to_owned()),
            bearer_required: is_required,
            ..Quality::default()
        }
    }

    fn chosen(choice: &Choice, device: &Device) -> Vec<Bearer> {
        choice.of(device).collect()
    }

    #[test]
    fn r2_61_the_order_of_the_device_holds_for_what_is_served_and_has_an_address() {
        let device = device(&[
            Bearer::Wsp,
            Bearer::Sms,
            Bearer::Sip,
            Bearer::Http,
            Bearer::Ps,
        ]);
        let all = Choice::new(Bearers::ALL, None, false);
        assert_eq!(
            chosen(&all, &device),
            [Bearer::Sms, Bearer::Http, Bearer::Ps]
        );
        let few = Choice::new(Bearers::of(&[Bearer::Sip, Bearer::Http]), None, true);
        assert_eq!(chosen(&few, &device), [Bearer::Sip, Bearer::Http]);
        assert!(few.is_bound(&device) && few.is_routable(&device));
    }

    #[test]
    fn r2_61_a_bearer_the_initiator_prefers_comes_first_and_a_required_one_alone() {
        let device = device(&[Bearer::Sms, Bearer::Ussd, Bearer::Http]);
        let wish = |quality: &Quality| Choice::new(Bearers::ALL, Some(quality), false);
        assert_eq!(
            chosen(&wish(&quality("HTTP", false)), &device),
            [Bearer::Http, Bearer::Sms, Bearer::Ussd]
        );
        assert_eq!(
            chosen(&wish(&quality("ussd", true)), &device),
            [Bearer::Ussd]
        );
        assert!(chosen(&wish(&quality("pigeon", true)), &device).is_empty());
        assert_eq!(chosen(&wish(&quality("pigeon", false)), &device).len(), 3);
        let network = Quality {
            network: Some("IP".to_owned()),
            network_required: true,
            ..Quality::default()
        };
        assert_eq!(chosen(&wish(&network), &device), [Bearer::Http]);
    }

    #[test]
    fn a_device_without_an_address_that_is_served_is_not() {
        let device = device(&[Bearer::Wsp, Bearer::Sms]);
        assert!(Choice::new(Bearers::ALL, None, false).is_served(&device));
        let no_smsc = Bearers::of(&[Bearer::Sip, Bearer::Wsp]);
        assert!(!Choice::new(no_smsc, None, false).is_served(&device));
    }

    #[test]
    fn what_is_missing_is_said_bearer_by_bearer() {
        let device = device(&[Bearer::Wsp, Bearer::Sms, Bearer::Http]);
        let ip = Bearers::of(&[Bearer::Sip, Bearer::Http]);
        let quality = quality("sms", true);
        let missing = Choice::new(ip, Some(&quality), false).missing(&device);
        assert_eq!(
            missing,
            "wsp: the device has no WSP address; sms: the gateway has no message centre; \
             http: the push asks for another one"
        );
    }
}
