//! Bindings: which contacts an address of record has, and what becomes of them.
//!
//! **Source:** RFC 3261 section 10.3; RFC 5626 section 6 for flows.

use core::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::sip::Address;
use crate::codec::sip::push_notification::{PushResource, PushWish};
use crate::codec::uri::{Scheme, Uri};
use crate::protocol::sip::caller_preferences::Features;
use crate::protocol::sip::endpoint::{Flow, Target};
use crate::time::Time;
use crate::world::{LinkId, SocketId, Transport};

/// One contact of an address of record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Never given twice, also not after a restart: the name under which a store keeps it.
    pub serial: u64,
    /// The address of record, canonical.
    pub aor: String,
    /// The contact URI as the device wrote it.
    pub contact: String,
    /// The URN of the device as it wrote it; may hold an IMEI, so it is for trusted eyes.
    pub instance: Option<String>,
    /// The `gr` value of the device: equal for equal instances, never an IMEI or MEID.
    pub gr: Option<String>,
    /// The flow's number on the device, when the binding was made by the rules of outbound.
    pub reg_id: Option<u32>,
    /// Call-ID of the latest REGISTER.
    pub call_id: String,
    /// CSeq of the latest REGISTER.
    pub cseq: u32,
    /// When it ends.
    pub expires_at: Time,
    /// The device's own order, per mille.
    pub q: u16,
    /// How the latest REGISTER came; [`NO_FLOW`] when that connection is gone.
    #[serde(with = "flow_record")]
    pub flow: Flow,
    /// Proxies between us and the device, nearest first, as Route values.
    pub path: Vec<String>,
    /// Further Contact parameters in their order, values out of quotes.
    pub params: Vec<(String, Option<String>)>,
    /// The public GRUU, when the client asked for GRUUs.
    pub pub_gruu: Option<String>,
    /// The latest temporary GRUU, when the client asked for GRUUs; earlier ones of the epoch are valid too.
    pub temp_gruu: Option<String>,
    /// The number of the time since the device changed its Call-ID, inside every temporary GRUU of that time.
    pub epoch: u64,
    /// Further identifiers of the device, as written in `X-Sirgate-Device`.
    pub aliases: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last refreshed.
    pub registered_at: Time,
}

/// A link number that no link has.
pub const NO_FLOW: Flow = Flow::Link(LinkId(u64::MAX));

/// What became of a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created(Binding),
    /// It was there before and is as given now.
    Refreshed(Binding),
    /// It is gone.
    Removed(Binding, Removal),
}

/// Why a binding is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its time was over.
    Expired,
    /// The device took it back.
    Unregistered,
    /// The connection it needs is gone.
    FlowLost,
}

/// One device of an address of record, with its flows in the order in which they are tried, never two at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance<'a> {
    /// The `gr` value of the device; `None` for a contact that names no instance.
    pub gr: Option<&'a str>,
    /// Its bindings; never empty.
    pub flows: Vec<&'a Binding>,
}

impl Binding {
    /// The key of its record in a store.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:012x}", self.serial)
    }

    /// What the device says it can do.
    #[must_use]
    pub fn features(&self) -> Features {
        let instance = self.instance.as_ref().map(|urn| format!("<{urn}>"));
        let params = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()));
        let instance = instance.as_deref().map(|urn| ("+sip.instance", Some(urn)));
        Features::new(params.chain(instance))
    }

    /// The value of a Contact parameter; `Some(None)` for a flag.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        self.params
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref())
    }

    /// Where a request for the device goes next: its flow, its first proxy or its contact; `None` when a name would have
    /// to be resolved.
    ///
    /// A device that listens elsewhere on the address it registered from is reached there, unless it asked for its flow
    /// to be used.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        let next = match self.path.first() {
            Some(proxy) => Address::decode(proxy.as_bytes()).ok()?.uri,
            None => Uri::decode(self.contact.as_bytes()).ok()?,
        };
        let wants_flow = self.reg_id.is_some() || next.param("ob").is_some();
        match (self.flow, address(&next)) {
            (NO_FLOW, address) => address,
            (
                Flow::Udp { peer, .. },
                Some(Target::Address {
                    transport,
                    peer: listens,
                }),
            ) if !wants_flow
                && self.path.is_empty()
                && listens.ip() == peer.ip()
                && (listens, transport) != (peer, Transport::Udp) =>
            {
                Some(Target::Address {
                    transport,
                    peer: listens,
                })
            }
            (flow, _) => Some(Target::Flow(flow)),
        }
    }

    /// How the device is woken while it sleeps, when it said so (RFC 8599 section 4.1).
    #[must_use]
    pub fn push_resource(&self) -> Option<PushResource> {
        // Most contacts say nothing of it, so they are not parsed.
        if !may_wake(self.contact.as_bytes()) {
            return None;
        }
        match PushWish::of_uri(&Uri::decode(self.contact.as_bytes()).ok()?)? {
            PushWish::Resource(resource) => Some(resource).filter(PushResource::is_complete),
            PushWish::Query => None,
        }
    }

    /// True when the device said that it renews the binding without being woken (RFC 8599 section 4.1.4).
    #[must_use]
    pub fn renews_itself(&self) -> bool {
        let mut params = self.params.iter();
        params.any(|(name, _)| name.eq_ignore_ascii_case("+sip.pnsreg"))
    }

    /// True when the binding ends with the connection that made it: no proxy in between, no address of its own, and
    /// nothing that wakes the device.
    pub(super) fn needs(&self, flow: Flow, plain_outlives_link: bool) -> bool {
        self.flow == flow
            && self.path.is_empty()
            && (self.reg_id.is_some() || !plain_outlives_link)
            && self.push_resource().is_none()
    }

    /// Bindings are used by q, then the latest first.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (
            Reverse(self.q),
            Reverse(self.registered_at),
            Reverse(self.serial),
        )
    }

    /// Octets of text in it.
    pub(super) fn octets(&self) -> usize {
        let params = self.params.iter().map(|(name, value)| {
            name.len()
                .saturating_add(value.as_ref().map_or(0, String::len))
        });
        let lists = self.path.iter().chain(&self.aliases).map(String::len);
        let fixed = [
            self.aor.len(),
            self.contact.len(),
            self.call_id.len(),
            self.instance.as_ref().map_or(0, String::len),
        ];
        params
            .chain(lists)
            .chain(fixed)
            .fold(0, usize::saturating_add)
    }
}

impl Change {
    /// The binding.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        match self {
            Self::Created(binding) | Self::Refreshed(binding) | Self::Removed(binding, _) => {
                binding
            }
        }
    }

    /// The word for it in a report: `created`, `refreshed`, `expired`, `removed`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Refreshed(_) => "refreshed",
            Self::Removed(_, Removal::Expired) => "expired",
            Self::Removed(_, Removal::Unregistered | Removal::FlowLost) => "removed",
        }
    }
}

/// True for a contact that may name a push service: a quick look before it is parsed.
#[must_use]
pub fn may_wake(contact: &[u8]) -> bool {
    contact
        .windows(3)
        .any(|three| three.eq_ignore_ascii_case(b"pn-"))
}

/// The address in a URI whose host is one.
fn address(uri: &Uri<'_>) -> Option<Target> {
    let transport = match uri.param("transport").flatten() {
        _ if uri.scheme() == Scheme::Sips => Transport::Tls,
        Some(name) if name.eq_ignore_ascii_case("tcp") => Transport::Tcp,
        Some(name) if name.eq_ignore_ascii_case("tls") => Transport::Tls,
        Some(name) if !name.eq_ignore_ascii_case("udp") => return None,
        _ => Transport::Udp,
    };
    let host = uri.host();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let ip: IpAddr = bare.unwrap_or(host).parse().ok()?;
    let default = if transport == Transport::Tls {
        5061
    } else {
        5060
    };
    let peer = SocketAddr::new(ip, uri.port().unwrap_or(default));
    Some(Target::Address { transport, peer })
}

/// Bindings by device: devices in the order of their first binding, a contact without an instance alone.
#[must_use]
pub fn instances(bindings: &[Binding]) -> Vec<Instance<'_>> {
    let mut instances: Vec<Instance<'_>> = Vec::new();
    for binding in bindings {
        let gr = binding.gr.as_deref();
        let known = instances
            .iter_mut()
            .find(|known| gr.is_some() && known.gr == gr);
        match known {
            Some(known) => known.flows.push(binding),
            None => instances.push(Instance {
                gr,
                flows: vec![binding],
            }),
        }
    }
    instances
}

/// A flow in a store: a link's number means nothing after a restart, so it is not kept.
/// A flow in a record: links are not there any more when it is read.
pub mod flow_record {
    use super::{
        Deserialize, Deserializer, Flow, NO_FLOW, Serialize, Serializer, SocketAddr, SocketId,
    };

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Record {
        Udp { socket: u32, peer: SocketAddr },
        Link,
    }

    /// Writes a flow.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(flow: &Flow, to: S) -> Result<S::Ok, S::Error> {
        match *flow {
            Flow::Udp { socket, peer } => Record::Udp {
                socket: socket.0,
                peer,
            },
            Flow::Link(_) => Record::Link,
        }
        .serialize(to)
    }

    /// Reads a flow; of a link, [`NO_FLOW`].
    ///
    /// # Errors
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Flow, D::Error> {
        Ok(match Record::deserialize(from)? {
            Record::Udp { socket, peer } => Flow::Udp {
                socket: SocketId(socket),
                peer,
            },
            Record::Link => NO_FLOW,
        })
    }
}
