//! Where requests of a device go.

use super::Device;
use crate::codec::uri::{Scheme, Uri};
use crate::protocol::sip::endpoint::Target;
use crate::world::Transport;

impl Device {
    /// Where a request for this URI goes: its host by the table, or as an address; all else through the registrar.
    pub(super) fn target_of(&self, uri: &str) -> Target {
        let registrar = Target::Address {
            transport: self.config.transport,
            peer: self.config.registrar,
        };
        let has_route = self
            .registration
            .granted()
            .is_some_and(|granted| !granted.service_route.is_empty());
        let Ok(uri) = Uri::decode(uri.as_bytes()) else {
            return registrar;
        };
        match self.config.address_of(uri.host(), uri.port()) {
            Some(peer) if !has_route => Target::Address {
                transport: transport_of(&uri).unwrap_or(self.config.transport),
                peer,
            },
            _ => registrar,
        }
    }

    /// The routes that requests of the device take first.
    pub(super) fn routes(&self) -> Vec<String> {
        self.registration
            .granted()
            .map(|granted| granted.service_route.clone())
            .unwrap_or_default()
    }
}

/// The transport that a URI asks for.
fn transport_of(uri: &Uri<'_>) -> Option<Transport> {
    if uri.scheme() == Scheme::Sips {
        return Some(Transport::Tls);
    }
    let name = uri.param("transport")??;
    [Transport::Udp, Transport::Tcp, Transport::Tls]
        .into_iter()
        .find(|transport| transport.name().eq_ignore_ascii_case(name))
}

/// The host of a URI; the text itself when it is none.
pub(super) fn host_of(uri: &str) -> String {
    Uri::decode(uri.as_bytes()).map_or_else(|_| uri.to_owned(), |uri| uri.host().to_owned())
}
