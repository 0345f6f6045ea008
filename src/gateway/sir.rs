//! Composes the SIR of one delivery: who is meant, where that stands, what is asked, whereto to connect.
//!
//! **Source:** spec/sip.md E.2; requirements R2.32-R2.49, R2.118 (message-adding unit: [`add`]), R2.122 (identity-adding
//! unit: [`add_pui`]). Not here: who is meant (`push::plan`) and what carries it (`bearer`).

use std::net::SocketAddr;

use crate::codec::device_id::DeviceId;
use crate::codec::ota_http;
use crate::codec::sia::{AppId, BearerAddress, Contact, PROTOCOL_HTTP, PROTOCOL_HTTPS, Sia};
use crate::codec::sir::{Placement, SiaContent, Sir};
use crate::gateway::push::submission::Options;

/// The protocol option of our contact point: private, so that a terminal that knows only WAP does not contact it
/// (WAP-235 section 8.4: an unknown option must not be contacted).
pub const PROTOCOL_SIP: u32 = 256;
/// The bearer number of GSM GPRS, for which our contact's address is written (WAP-259 appendix C).
const ANY_IPV4: u8 = 0x0b;

/// What a SIR is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The identity it is for.
    pub pui: &'a str,
    /// The gateway that sends it.
    pub server: &'a str,
    /// Its correlator.
    pub sir: &'a str,
    /// How the push travels.
    pub options: &'a Options,
    /// The application of the content.
    pub application: &'a str,
    /// Devices that are named in it.
    pub named: &'a [DeviceId],
    /// It goes to one device, whose answer is its decision.
    pub targeted: bool,
    /// Where we take sessions, for a binary SIA; `None` for an empty one.
    pub contact: Option<SocketAddr>,
    /// Where we take sessions of WSP; only in a SIA that names [`Parts::contact`] too.
    pub wsp: Option<SocketAddr>,
    /// Where terminals connect for push over HTTP, and whether in TLS; only in such a SIA too.
    pub http: &'a [(SocketAddr, bool)],
    /// Say the identity in the body too.
    pub add_pui: bool,
}

/// Composes a SIR.
#[must_use]
pub fn compose(parts: &Parts<'_>) -> Sir {
    let mut sir = Sir::new(parts.pui, parts.server);
    sir.id = Some(parts.sir.to_owned());
    sir.other_server.clone_from(&parts.options.ppg);
    if let Some(contact) = parts.contact {
        sir.sia = SiaContent::Binary(sia(parts, contact));
    }
    let sir = add(sir, parts);
    if parts.add_pui {
        add_pui(sir, parts.pui)
    } else {
        sir
    }
}

/// Adds what tells a device that it is meant and what it shall do (R2.118).
#[must_use]
pub fn add(mut sir: Sir, parts: &Parts<'_>) -> Sir {
    let options = parts.options;
    let mut places = options.place;
    // The value placement has room for one identifier only; a second device would not find itself.
    if parts.named.len() > 1 && places == Placement::VALUE {
        places = places | Placement::HEADER;
    }
    sir.targeted = parts.targeted && !parts.named.is_empty();
    sir.with_devices(places, parts.named)
        .with_ask(options.place, options.ask)
        .with_apps(options.place, &options.apps)
}

/// Adds the identity (R2.122).
#[must_use]
pub fn add_pui(mut sir: Sir, pui: &str) -> Sir {
    sir.pui = Some(pui.to_owned());
    sir
}

/// The SIA: the application the session is for, and where we are.
///
/// A device uses one of the two lists, as it likes (WAP-235 section 8.4): that of WSP, or the other one with SIP and HTTP.
fn sia(parts: &Parts<'_>, contact: SocketAddr) -> Sia {
    let http = parts.http.iter().filter_map(|(address, is_tls)| {
        let says_tls = address.port() == ota_http::PORTS.1;
        let protocol = match (is_tls, says_tls) {
            (false, false) | (true, true) => PROTOCOL_HTTP,
            (true, false) => PROTOCOL_HTTPS,
            (false, true) => return None,
        };
        Some((*address, protocol))
    });
    let points = core::iter::once((contact, PROTOCOL_SIP)).chain(http);
    let points = points.filter_map(|(address, protocol)| Some((point(address)?, protocol)));
    let (contacts, protocols) = points.unzip();
    let mut sia = Sia::new(vec![AppId::of_uri(parts.application)], contacts, protocols);
    sia.wsp_contacts = parts.wsp.and_then(point).into_iter().collect();
    sia
}

/// The AddressType record of an address.
fn point(address: SocketAddr) -> Option<Contact> {
    let octets = match address {
        SocketAddr::V4(v4) => BearerAddress::new(&v4.ip().octets()),
        SocketAddr::V6(v6) => BearerAddress::new(&v6.ip().octets()),
    };
    Some(Contact::new(ANY_IPV4, address.port(), octets?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sir::{App, Ask, Named};
    use crate::gateway::push::plan::{Fork, PlanWish};

    const PUI: &str = "sip:alice@example.com";

    fn options(place: Placement) -> Options {
        Options {
            plan: PlanWish::Auto,
            place,
            fork: Fork::Ppg,
            ask: Ask::default(),
            apps: Vec::new(),
            ppg: None,
            devices_judge: false,
        }
    }

    fn parts<'a>(options: &'a Options, named: &'a [DeviceId]) -> Parts<'a> {
        Parts {
            pui: PUI,
            server: "sip:push@ppg.example.com",
            sir: "0001",
            options,
            application: "x-wap-application:wml.ua",
            named,
            targeted: true,
            contact: None,
            wsp: None,
            http: &[],
            add_pui: false,
        }
    }

    fn id(text: &str) -> DeviceId {
        DeviceId::decode(text).unwrap()
    }

    #[test]
    fn r2_32_and_r2_36_every_placement_reads_back() {
        let named = [id("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")];
        for place in Placement::COMBINATIONS {
            let options = options(place);
            let sir = compose(&parts(&options, &named));
            let read = sir.encode().decode().unwrap();
            assert_eq!(read.devices(), Named::These(vec![&named[0]]), "{place}");
            assert_eq!(read.places(), place);
        }
    }

    #[test]
    fn r2_31_two_devices_in_the_value_placement_stand_in_a_header_too() {
        let named = [id("urn:example:a"), id("urn:example:b")];
        let options = options(Placement::VALUE);
        let read = compose(&parts(&options, &named)).encode().decode().unwrap();
        assert_eq!(read.devices(), Named::These(vec![&named[0], &named[1]]));
    }

    #[test]
    fn r2_42_the_identity_is_added_only_when_wanted() {
        let options = options(Placement::BODY);
        let mut parts = parts(&options, &[]);
        assert_eq!(compose(&parts).encode().decode().unwrap().pui, None);
        parts.add_pui = true;
        let read = compose(&parts).encode().decode().unwrap();
        assert_eq!(read.pui.as_deref(), Some(PUI));
    }

    #[test]
    fn r2_43_to_r2_49_what_is_asked_and_whereto_reads_back() {
        let options = Options {
            ask: Ask::CAPABILITY | Ask::REFUSAL,
            apps: vec![App::named("x-oma-application:dcd.ua", "DCD")],
            ppg: Some("sip:push@ppg2.example.com".to_owned()),
            ..options(Placement::HEADER)
        };
        let mut parts = parts(&options, &[]);
        parts.contact = Some("192.0.2.5:5060".parse().unwrap());
        let read = compose(&parts).encode().decode().unwrap();
        assert_eq!(read.ask(), Ask::CAPABILITY | Ask::REFUSAL);
        assert_eq!(read.apps(), options.apps.iter().collect::<Vec<_>>());
        assert_eq!(read.ppg(), "sip:push@ppg2.example.com");
        assert_eq!(read.server, "sip:push@ppg.example.com");
        assert!(matches!(read.sia, SiaContent::Binary(_)));
    }

    #[test]
    fn ota_http_016_contact_points_over_http_stand_beside_that_of_sip() {
        let options = options(Placement::VALUE);
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let http = [
            (at("192.0.2.5:4035"), false),
            (at("192.0.2.5:4036"), true),
            (at("192.0.2.5:5036"), true),
            (at("192.0.2.6:4036"), false),
        ];
        let mut parts = parts(&options, &[]);
        parts.contact = Some(at("192.0.2.5:5060"));
        parts.http = &http;
        let read = compose(&parts).encode().decode().unwrap();
        let SiaContent::Binary(sia) = read.sia else {
            panic!("{read:?}")
        };
        let points = sia.reached();
        let points = points.map(|it| (it.contact.port, it.protocol, it.is_tls()));
        let expected = [
            (Some(5060), PROTOCOL_SIP, false),
            (Some(4035), PROTOCOL_HTTP, false),
            (Some(4036), PROTOCOL_HTTP, true),
            (Some(5036), PROTOCOL_HTTPS, false),
        ];
        assert_eq!(points.collect::<Vec<_>>(), expected);
    }
}
