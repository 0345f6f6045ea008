//! Who is at the other end of a message, for rules about faults.

use super::Gateway;
use super::registry::DeviceKey;
use crate::fault::{Acquainted, Asker, Place, Who};
use crate::protocol::sip::endpoint::Flow;
use crate::world::{LinkId, SocketId};

impl Acquainted for Gateway {
    fn who(&self, place: &Place<'_>) -> Option<Who> {
        let key = match *place {
            Place::Peer(socket, peer) if self.is_wsp(socket) || self.is_wsp_session(socket) => {
                self.registry.by_ip(peer.ip()).or_else(|| self.by_wsp(peer))
            }
            Place::Peer(socket, peer) => self.by_flow(socket, peer),
            Place::Link(link) => self.by_link(link),
            Place::Url(url) => self.by_url(url),
            Place::Number(number) => self.registry.by_msisdn(number),
        }?;
        Some(Who {
            device: self.name(key.identity, key.at)?.to_owned(),
            pui: self.registry.get(key.identity)?.pui.clone(),
        })
    }

    fn asker(&self, authorization: Option<&str>) -> Asker {
        let policy = &self.config.policy;
        if !policy.wants_names() {
            return Asker::Anyone;
        }
        let name = authorization.and_then(|shown| policy.proven(shown));
        name.map_or(Asker::Unknown, |name| Asker::Named(name.to_owned()))
    }
}

impl Gateway {
    fn by_flow(&self, socket: SocketId, peer: std::net::SocketAddr) -> Option<DeviceKey> {
        self.flows.last(Flow::Udp { socket, peer })
    }

    fn by_link(&self, link: LinkId) -> Option<DeviceKey> {
        let of_session = || {
            let no = self.sessions.link(link)?.session?;
            Some(self.sessions.get(no)?.device)
        };
        let of_flow = || self.flows.last(Flow::Link(link));
        of_session().or_else(of_flow)
    }

    /// The device whose WSP is at exactly that address: several may share a host.
    fn by_wsp(&self, peer: std::net::SocketAddr) -> Option<DeviceKey> {
        self.find_device(|device| device.profile.addresses.wsp == Some(peer))
    }

    fn by_url(&self, url: &str) -> Option<DeviceKey> {
        self.find_device(|device| {
            let door = device.profile.addresses.http.as_deref();
            door.is_some_and(|door| {
                url.strip_prefix(door)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        })
    }

    /// Looks through all devices: only done while rules are in force.
    fn find_device(&self, is_it: impl Fn(&super::registry::Device) -> bool) -> Option<DeviceKey> {
        self.registry.all().find_map(|identity| {
            let at = identity.devices.iter().position(&is_it)?;
            let identity = self.registry.identity(&identity.pui)?;
            Some(DeviceKey { identity, at })
        })
    }
}
