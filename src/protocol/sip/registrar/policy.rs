//! What one registrar allows.
//!
//! **Source:** RFC 3261 section 10.3 for what is left to policy; RFC 5626 section 6; RFC 8599 section 5.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::limits;
use crate::protocol::sip::mac;

/// What one registrar allows. Times are in seconds, as on the wire.
#[derive(Clone)]
pub struct Policy {
    /// Hosts this registrar answers for, without port; each is a domain of its own.
    pub domains: Vec<String>,
    /// Which addresses of record exist.
    pub identities: Identities,
    /// Lifetime of a binding whose client asks for none.
    pub default_expires: u32,
    /// Shortest lifetime; a shorter wish is answered 423. Above 3600 it counts as 3600 (RFC 3261 section 10.3).
    pub min: u32,
    /// Longest lifetime; a longer wish is shortened.
    pub max: u32,
    /// Bindings of one address of record; never more than [`limits::BINDINGS_PER_AOR`].
    pub bindings_max: usize,
    /// Bindings of all addresses of record together.
    pub bindings_total: usize,
    /// How often a client of ours as first hop must show that it lives; `None` leaves it to the client.
    pub flow_timer: Option<u32>,
    /// The secret of temporary GRUUs; those of another secret are unknown.
    pub gruu_secret: [u8; 32],
    /// The namespace of `gr` values that hide an IMEI or MEID; as secret as the other, and as lasting.
    pub gr_namespace: Uuid,
    /// Route that clients are to preload.
    pub service_route: Vec<String>,
    /// Push services that wake a device which left only `pn-` parameters.
    pub wakers: Vec<Waker>,
    /// Refuses a REGISTER that came over a Path although the client did not offer `path` (420).
    pub path_needs_offer: bool,
    /// Keeps a binding made without outbound when its stream breaks: its contact is an address of its own.
    pub plain_outlives_link: bool,
}

/// Which addresses of record exist in the domains.
#[derive(Clone, Debug)]
pub enum Identities {
    /// All.
    Any,
    /// These, in canonical form; others are answered 404.
    Listed(BTreeSet<String>),
}

/// A push service of RFC 8599.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waker {
    /// Its `pn-provider`.
    pub provider: String,
    /// The values of `pn-param` it takes; empty means all.
    pub params: Vec<String>,
}

impl Policy {
    /// The profile's policy for one domain: every identity, 3600 s, at least 60, at most 7200, ten bindings.
    #[must_use]
    pub fn new(domain: &str, gruu_secret: [u8; 32]) -> Self {
        Self {
            domains: vec![domain.to_owned()],
            identities: Identities::Any,
            default_expires: 3_600,
            min: 60,
            max: 7_200,
            bindings_max: limits::BINDINGS_PER_AOR,
            bindings_total: limits::BINDINGS,
            flow_timer: Some(120),
            gruu_secret,
            gr_namespace: Uuid::from_bytes(mac::derived(&gruu_secret, "gr namespace")),
            service_route: Vec::new(),
            wakers: vec![Waker {
                provider: "sirgate".to_owned(),
                params: ["sms", "ussd", "wsp", "http"].map(str::to_owned).to_vec(),
            }],
            path_needs_offer: false,
            plain_outlives_link: false,
        }
    }

    /// True when the host is one of the domains.
    pub(super) fn serves(&self, host: &str) -> bool {
        self.domains
            .iter()
            .any(|domain| domain.eq_ignore_ascii_case(host))
    }

    /// True when the address of record exists.
    pub(super) fn knows(&self, aor: &str) -> bool {
        match &self.identities {
            Identities::Any => true,
            Identities::Listed(listed) => listed.contains(aor),
        }
    }
}

impl core::fmt::Debug for Policy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Policy")
            .field("domains", &self.domains)
            .field("identities", &self.identities)
            .finish_non_exhaustive()
    }
}
