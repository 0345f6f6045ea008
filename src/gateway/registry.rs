//! Identities and their devices: identifiers, routes, sessions and what else is known of each.
//!
//! **Source:** requirements R2.1-R2.6, R2.9, R2.11, R2.12, R2.29, R2.30; spec/sip.md E.2 (own identifiers), E.8
//! (aliases). The information-obtaining unit (R2.117) asks here. Not here: registration itself
//! (`protocol::sip::registrar`), whose bindings are mirrored here as routes.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use foldhash::quality::FixedState;
use serde_json::Value;

use crate::codec::device_id::{DeviceId, Kind};
use crate::codec::uri::{Scheme, Uri};
use crate::gateway::bearer::choice::Choice;
use crate::gateway::bearer::wake::Wake;
use crate::gateway::config::{DeviceProfile, Identity as Provisioned};
use crate::gateway::profile::Profile;
use crate::gateway::push::plan::{Candidate, Devices};
use crate::protocol::sip::endpoint::{Flow, Target};
use crate::protocol::sip::registrar::Binding;
use crate::time::Time;

/// An identity, by its place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityNo(u32);

impl IdentityNo {
    /// The identity that was entered first.
    pub const FIRST: Self = Self(0);
}

/// A device, by its identity and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey {
    /// The identity.
    pub identity: IdentityNo,
    /// Its place among the identity's devices; below [`Devices::MOST`].
    pub at: usize,
}

/// All identities and devices the gateway knows.
#[derive(Debug)]
pub struct Registry {
    identities: Vec<Identity>,
    /// Identities by name and by alias, in canonical form.
    by_name: HashMap<String, IdentityNo, FixedState>,
    by_id: HashMap<DeviceId, DeviceKey, FixedState>,
    /// Devices by their telephone numbers; one that changed its number is found by the old one no more.
    by_msisdn: HashMap<String, DeviceKey, FixedState>,
    /// Who has WSP at an address; nobody where several have.
    by_ip: HashMap<IpAddr, Option<DeviceKey>, FixedState>,
    most: usize,
}

/// One public user identity.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Its name in canonical form.
    pub pui: String,
    /// Its further names, in canonical form.
    pub aliases: Vec<String>,
    /// Its devices, in the order of their declaration.
    pub devices: Vec<Device>,
}

/// One device.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Until when information of it is expected: a SIR asked for it.
    pub asked_until: Option<Time>,
    /// Its name, unique within the identity.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Its own identifiers: declared ones first, then those it registered with.
    pub ids: Vec<DeviceId>,
    /// What the planner may know of it.
    pub profile: Profile,
    /// What it returned about itself, by kind, as it was.
    pub reported: BTreeMap<String, Value>,
    /// Ways to it, best first; none while it is not registered.
    pub routes: Vec<Route>,
    /// Its public GRUU, once it registered.
    pub gruu: Option<String>,
    /// The session it has with us.
    pub session: Option<u64>,
    /// The session of another service that it has with us.
    pub service: Option<u64>,
    /// True when it only takes `text/plain` SIRs; learned from a 415, forgotten with the registration.
    pub takes_text: bool,
    /// True after its last SIR failed.
    pub sir_failed: bool,
    /// Taken out by the operator; its place stays empty so that others keep theirs.
    pub is_gone: bool,
}

/// One way to a device: what of a binding of the registrar matters for sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The binding's number.
    pub serial: u64,
    /// The contact URI.
    pub contact: String,
    /// Where requests for it go next.
    pub target: Target,
    /// The flow it registered over.
    pub flow: Flow,
    /// The outbound number of the flow.
    pub reg_id: Option<u32>,
    /// Proxies between us and it.
    pub path: Vec<String>,
    /// Its preference, in thousandths.
    pub q: u16,
    /// When it registered last.
    pub registered_at: Time,
    /// What wakes the device when it sleeps.
    pub wake: Option<Wake>,
    /// When it ends, where the device must be woken to renew it (RFC 8599 section 5.5).
    pub renew_by: Option<Time>,
}

/// A source of device information beside the registry: a presence server, a home subscriber server (R2.11).
pub trait Source: Send {
    /// What the source knows of the devices of an identity now. Devices are recognised by name or identifier; those
    /// the registry does not know are added.
    fn devices(&mut self, pui: &str, now: Time) -> Vec<DeviceProfile>;
}

/// What a device registered with.
#[derive(Clone, Debug, Default)]
pub struct Registered<'a> {
    /// The address of record, canonical.
    pub aor: &'a str,
    /// Its instance and further identifiers.
    pub ids: Vec<DeviceId>,
    /// The public GRUU it was given.
    pub gruu: Option<&'a str>,
}

impl Registry {
    /// An empty registry that holds at most so many identities.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            identities: Vec::new(),
            by_name: HashMap::default(),
            by_id: HashMap::default(),
            by_msisdn: HashMap::default(),
            by_ip: HashMap::default(),
            most,
        }
    }

    /// Adds an identity, or what is new of a known one; declared values replace known ones. `None` when full.
    pub fn provision(&mut self, declared: &Provisioned) -> Option<IdentityNo> {
        let no = self.enter(&canonical(&declared.pui))?;
        for alias in &declared.aliases {
            let alias = canonical(alias);
            self.by_name.entry(alias.clone()).or_insert(no);
            let identity = self.entry(no)?;
            if !identity.aliases.contains(&alias) {
                identity.aliases.push(alias);
            }
        }
        for device in &declared.devices {
            self.merge(no, device);
        }
        Some(no)
    }

    /// Adds a device, or what is new of a known one of that name or with one of those identifiers.
    pub fn merge(&mut self, no: IdentityNo, declared: &DeviceProfile) -> Option<DeviceKey> {
        let known = self
            .named(no, &declared.name)
            .or_else(|| self.among(no, &declared.ids));
        let key = match known {
            Some(key) => key,
            None => self.add(no, &declared.name)?,
        };
        let device = self.device_mut(key)?;
        device.is_gone = false;
        if !declared.kind.is_empty() {
            device.kind.clone_from(&declared.kind);
        }
        let published = device.profile.published;
        device.profile = declared.profile.clone();
        device.profile.published = published;
        if let Some(msisdn) = &declared.profile.addresses.msisdn {
            self.by_msisdn.insert(msisdn.clone(), key);
        }
        if let Some(address) = &declared.profile.addresses.wsp {
            // An address that several devices have names none of them.
            self.by_ip
                .entry(address.ip())
                .and_modify(|owner| *owner = owner.filter(|owner| *owner == key))
                .or_insert(Some(key));
        }
        self.own(key, &declared.ids);
        Some(key)
    }

    /// Takes a device out; what it owns is free again.
    pub fn remove(&mut self, key: DeviceKey) {
        self.by_id.retain(|_, owner| *owner != key);
        if let Some(device) = self.device_mut(key) {
            *device = Device {
                name: core::mem::take(&mut device.name),
                is_gone: true,
                ..Device::default()
            };
        }
    }

    /// The identity of a name or alias, in any spelling.
    #[must_use]
    pub fn identity(&self, name: &str) -> Option<IdentityNo> {
        // Most names come in canonical form, so the map is asked before anything is parsed.
        self.by_name
            .get(name)
            .or_else(|| self.by_name.get(canonical(name).as_str()))
            .copied()
    }

    /// The identity of a number.
    #[must_use]
    pub fn get(&self, no: IdentityNo) -> Option<&Identity> {
        self.identities.get(usize::try_from(no.0).ok()?)
    }

    /// Every identity, by name.
    pub fn all(&self) -> impl Iterator<Item = &Identity> {
        let mut names: Vec<&Identity> = self.identities.iter().collect();
        names.sort_unstable_by(|a, b| a.pui.cmp(&b.pui));
        names.into_iter()
    }

    /// The device of a key.
    #[must_use]
    pub fn device(&self, key: DeviceKey) -> Option<&Device> {
        self.get(key.identity)?.devices.get(key.at)
    }

    /// The device of a key, to change it.
    pub fn device_mut(&mut self, key: DeviceKey) -> Option<&mut Device> {
        self.entry(key.identity)?.devices.get_mut(key.at)
    }

    /// The device that owns an identifier; for a GRUU also the one that owns its `gr` value under that identity.
    #[must_use]
    pub fn find(&self, id: &DeviceId) -> Option<DeviceKey> {
        if let Some(key) = self.by_id.get(id) {
            return Some(*key);
        }
        if id.kind() != Kind::PublicGruu {
            return None;
        }
        let identity = self.identity(id.as_str().split(';').next()?)?;
        let key = *self.by_id.get(&id.gr()?)?;
        (key.identity == identity).then_some(key)
    }

    /// The device of that telephone number, as in `+15550103`.
    #[must_use]
    pub fn by_msisdn(&self, msisdn: &str) -> Option<DeviceKey> {
        let key = *self.by_msisdn.get(msisdn)?;
        let own = self.device(key)?.profile.addresses.msisdn.as_deref();
        (own == Some(msisdn)).then_some(key)
    }

    /// The device that alone has its WSP at that address.
    #[must_use]
    pub fn by_ip(&self, ip: IpAddr) -> Option<DeviceKey> {
        let key = (*self.by_ip.get(&ip)?)?;
        let own = self.device(key)?.profile.addresses.wsp?;
        (own.ip() == ip).then_some(key)
    }

    /// The device of that name.
    #[must_use]
    pub fn named(&self, no: IdentityNo, name: &str) -> Option<DeviceKey> {
        let at = self
            .get(no)?
            .devices
            .iter()
            .position(|device| device.name == name)?;
        Some(DeviceKey { identity: no, at })
    }

    /// The device that registered: a known one by any identifier, else a new one when `learn` allows it.
    ///
    /// The second value is true when the registry changed and must be saved.
    pub fn registered(&mut self, what: &Registered<'_>, learn: bool) -> Option<(DeviceKey, bool)> {
        let known = self.identity(what.aor);
        let no = match known {
            Some(no) => no,
            None if learn => self.enter(what.aor)?,
            None => return None,
        };
        let (key, is_new) = match self.among(no, &what.ids) {
            Some(key) => (key, false),
            None if learn => (self.add(no, &self.new_name(no)?)?, true),
            None => return None,
        };
        let mut changed = self.own(key, &what.ids) || is_new || known.is_none();
        if let Some(gruu) = what.gruu {
            let id = DeviceId::decode(gruu).ok();
            let gr = id.as_ref().and_then(DeviceId::gr);
            changed |= self.own(key, gr.as_slice());
            if let Some(id) = id {
                self.by_id.entry(id).or_insert(key);
            }
            if let Some(device) = self.device_mut(key) {
                device.gruu = Some(gruu.to_owned());
            }
        }
        Some((key, changed))
    }

    /// True when the identifier belongs to a device of another identity (spec/sip.md E.8: that is a 403).
    #[must_use]
    pub fn is_foreign(&self, id: &DeviceId, aor: &str) -> bool {
        let owner = self.find(id).map(|key| key.identity);
        owner.is_some() && owner != self.identity(aor)
    }

    /// The planner's view of an identity (R2.117).
    #[must_use]
    pub fn candidates(
        &self,
        no: IdentityNo,
        addressed: Devices,
        choice: &Choice,
    ) -> Vec<Candidate<'_>> {
        let Some(identity) = self.get(no) else {
            return Vec::new();
        };
        identity
            .devices
            .iter()
            .enumerate()
            .map(|(at, device)| Candidate {
                profile: &device.profile,
                kind: &device.kind,
                addressed: addressed.has(at) && !device.is_gone,
                bound: !device.is_gone && choice.is_bound(device),
                routable: choice.is_routable(device),
                served: choice.is_served(device),
                connected: device.session.is_some(),
            })
            .collect()
    }

    /// All devices of an identity that are there.
    #[must_use]
    pub fn everyone(&self, no: IdentityNo) -> Devices {
        self.get(no)
            .into_iter()
            .flat_map(|identity| identity.devices.iter().enumerate())
            .filter(|(_, device)| !device.is_gone)
            .map(|(at, _)| at)
            .collect()
    }

    /// How many identities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.identities.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    fn entry(&mut self, no: IdentityNo) -> Option<&mut Identity> {
        self.identities.get_mut(usize::try_from(no.0).ok()?)
    }

    /// The identity of that canonical name, entered if need be. `None` when full.
    pub fn enter(&mut self, pui: &str) -> Option<IdentityNo> {
        if let Some(no) = self.by_name.get(pui) {
            return Some(*no);
        }
        if self.identities.len() >= self.most {
            return None;
        }
        let no = IdentityNo(u32::try_from(self.identities.len()).ok()?);
        self.identities.push(Identity {
            pui: pui.to_owned(),
            ..Identity::default()
        });
        self.by_name.insert(pui.to_owned(), no);
        Some(no)
    }

    fn add(&mut self, no: IdentityNo, name: &str) -> Option<DeviceKey> {
        let devices = &mut self.entry(no)?.devices;
        let at = devices.len();
        if at >= Devices::MOST {
            return None;
        }
        devices.push(Device {
            name: name.to_owned(),
            ..Device::default()
        });
        Some(DeviceKey { identity: no, at })
    }

    /// Gives identifiers to a device; one that belongs to another device stays there. True when any was new.
    fn own(&mut self, key: DeviceKey, ids: &[DeviceId]) -> bool {
        let mut changed = false;
        for id in ids {
            if self.by_id.contains_key(id) {
                continue;
            }
            self.by_id.insert(id.clone(), key);
            if let Some(device) = self.device_mut(key) {
                device.ids.push(id.clone());
                changed = true;
            }
        }
        changed
    }

    /// The device of the identity that owns any of the identifiers.
    fn among(&self, no: IdentityNo, ids: &[DeviceId]) -> Option<DeviceKey> {
        ids.iter()
            .filter_map(|id| self.find(id))
            .find(|key| key.identity == no)
    }

    /// A name no device of the identity has: the user part and a number.
    fn new_name(&self, no: IdentityNo) -> Option<String> {
        let identity = self.get(no)?;
        let user = identity.pui.split_once(':').map_or("", |(_, rest)| rest);
        let user = user.split('@').next().unwrap_or(user);
        (1..=Devices::MOST)
            .map(|n| format!("{user}-{n}"))
            .find(|name| identity.devices.iter().all(|device| device.name != *name))
    }
}

impl Device {
    /// A GRUU that reaches it: the one it was given, else one it was declared with.
    #[must_use]
    pub fn gruu(&self) -> Option<&str> {
        let declared = || {
            self.ids
                .iter()
                .find(|id| id.kind() == Kind::PublicGruu)
                .map(DeviceId::as_str)
        };
        self.gruu.as_deref().or_else(declared)
    }

    /// The identifier that names it in a SIR: its first one that is no GRUU, or its GRUU.
    #[must_use]
    pub fn name_id(&self) -> Option<&DeviceId> {
        self.ids
            .iter()
            .find(|id| id.kind() != Kind::PublicGruu)
            .or_else(|| self.ids.first())
    }

    /// Enters a way to the device, best first; an earlier one of the same binding is replaced.
    pub fn add_route(&mut self, route: Route) {
        self.routes.retain(|known| known.serial != route.serial);
        self.routes.push(route);
        // The most recent binding first among equals (RFC 5627 section 5.1).
        self.routes
            .sort_by(|a, b| b.q.cmp(&a.q).then(b.registered_at.cmp(&a.registered_at)));
    }

    /// True while it is registered over that flow.
    #[must_use]
    pub fn is_on(&self, flow: Flow) -> bool {
        self.routes.iter().any(|route| route.flow == flow)
    }

    /// Forgets the way of a binding; what was learned of the registration goes with the last one.
    pub fn remove_route(&mut self, serial: u64) {
        self.routes.retain(|known| known.serial != serial);
        if self.routes.is_empty() {
            self.takes_text = false;
        }
    }
}

impl Route {
    /// The way a binding stands for; `None` when a name would have to be resolved.
    #[must_use]
    pub fn of(binding: &Binding) -> Option<Self> {
        let wake = binding.push_resource().as_ref().and_then(Wake::of);
        // A device that can be woken says where it is once it is awake.
        let asleep = wake.as_ref().map(|_| Target::Flow(binding.flow));
        let renew_by = wake.is_some() && !binding.renews_itself();
        Some(Self {
            serial: binding.serial,
            contact: binding.contact.clone(),
            target: binding.target().or(asleep)?,
            flow: binding.flow,
            reg_id: binding.reg_id,
            path: binding.path.clone(),
            q: binding.q,
            registered_at: binding.registered_at,
            wake,
            renew_by: renew_by.then_some(binding.expires_at),
        })
    }
}

/// The canonical form of an identity: no parameters, host in lower case, telephone numbers without separators.
#[must_use]
pub fn canonical(name: &str) -> String {
    let bare = match name.split_once(['<', '>']) {
        Some(_) => name.trim_matches(['<', '>']),
        None => name,
    };
    if let Ok(uri) = Uri::decode(bare.as_bytes())
        && matches!(uri.scheme(), Scheme::Sip | Scheme::Sips)
    {
        return uri.aor();
    }
    match DeviceId::decode(bare.split(';').next().unwrap_or(bare)) {
        Ok(id) => id.canonical().to_string(),
        Err(_) => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests;
