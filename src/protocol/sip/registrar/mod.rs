//! The registrar: which contacts each address of record has, from REGISTER to expiry.
//!
//! **Source:** RFC 3261 section 10.3; RFC 5626 section 6 (flows); RFC 5627 section 5 (GRUUs); RFC 3327 (Path); RFC 8599
//! (dormant devices); sip.md E.8 (the profile's limits). Not here: who may register what
//! (`protocol::sip::authentication` says who it is), and the `reg` event package.
//!
//! A REGISTER is carried out as a whole or not at all. Everything given out has one order: by q, then the latest first.

mod answer;
mod binding;
mod gruu;
mod policy;
mod refusal;
mod table;
#[cfg(test)]
mod tests;
mod wish;

use core::time::Duration;

use crate::codec::sip::{Draft, Message};
use crate::codec::uri::{Uri, unescape};
use crate::limits;
use crate::random::{Random, Token};
use crate::time::Time;

use gruu::TemporaryGruus;
use refusal::Refusal;
use table::{After, Table};
use wish::{Asked, Register, Wish, canonical_aor};

pub use crate::protocol::sip::endpoint::Flow;
pub use binding::{Binding, Change, Instance, NO_FLOW, Removal, flow_record, instances, may_wake};
pub use policy::{Identities, Policy, Waker};

/// The bindings of one or more domains.
pub struct Registrar {
    policy: Policy,
    random: Random,
    gruus: TemporaryGruus,
    table: Table,
    /// Restored bindings whose flow did not survive; they leave at the next [`Registrar::expire`].
    lapsed: Vec<Binding>,
    /// The last number given to a binding or an epoch.
    latest: u64,
}

/// Where a URI leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved<'a> {
    /// To these bindings, best first; for a GRUU all are of one device, to be tried one at a time.
    Bindings(Vec<&'a Binding>),
    /// Nowhere: no such address (404).
    NotFound,
    /// To a device or identity that is not here now (480).
    Unavailable,
}

impl Registrar {
    /// A registrar without bindings.
    #[must_use]
    pub fn new(policy: Policy, random: Random) -> Self {
        Self {
            gruus: TemporaryGruus::new(&policy.gruu_secret),
            policy,
            random,
            table: Table::default(),
            lapsed: Vec::new(),
            latest: 0,
        }
    }

    /// Carries out a REGISTER that came in by `flow`; the response is complete, its To tag included.
    pub fn register(&mut self, now: Time, request: &Message, flow: Flow) -> (Draft, Vec<Change>) {
        let tag: Token<10> = self.random.token();
        let register = match Register::read(request, &self.policy) {
            Ok(register) => register,
            Err(refusal) => return (refusal.draft(request, tag.as_str()), Vec::new()),
        };
        match self.carry_out(now, &register, flow) {
            Ok(changes) => {
                let bindings = self.bindings(&register.aor);
                let policy = &self.policy;
                let answer =
                    answer::answer(now, request, &register, policy, bindings, tag.as_str());
                (answer, changes)
            }
            Err(refusal) => (refusal.draft(request, tag.as_str()), Vec::new()),
        }
    }

    /// Removes what is over at `now`.
    pub fn expire(&mut self, now: Time) -> Vec<Change> {
        let lapsed = core::mem::take(&mut self.lapsed).into_iter();
        let mut changes: Vec<Change> = lapsed
            .map(|binding| Change::Removed(binding, Removal::FlowLost))
            .collect();
        while let Some(number) = self.table.take_due(now) {
            let gone = |binding: &Binding| binding.expires_at <= now;
            changes.extend(self.table.remove(number, gone, Removal::Expired));
        }
        changes
    }

    /// When [`Registrar::expire`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        if self.lapsed.is_empty() {
            self.table.next()
        } else {
            Some(Time::EPOCH)
        }
    }

    /// Removes the bindings that cannot do without a connection which is gone.
    ///
    /// A binding made over a Path stays, since the connection was the proxy's.
    pub fn flow_lost(&mut self, flow: Flow) -> Vec<Change> {
        let plain = self.policy.plain_outlives_link;
        let mut changes = Vec::new();
        for number in self.table.on(flow) {
            let gone = |binding: &Binding| binding.needs(flow, plain);
            changes.extend(self.table.remove(number, gone, Removal::FlowLost));
            self.table.disconnect(number, flow);
        }
        changes
    }

    /// The bindings of an address of record in the order in which they are used.
    #[must_use]
    pub fn bindings(&self, aor: &str) -> &[Binding] {
        self.table.bindings(aor)
    }

    /// The devices of an address of record, each with its flows: of one device never two at a time.
    #[must_use]
    pub fn instances(&self, aor: &str) -> Vec<Instance<'_>> {
        instances(self.bindings(aor))
    }

    /// All bindings, by address of record.
    pub fn all(&self) -> impl Iterator<Item = &Binding> {
        self.table.all()
    }

    /// How many bindings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True while there is no binding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What this registrar allows.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Changes what this registrar allows from now on; the secret of temporary GRUUs stays as it was.
    pub const fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    /// Where a URI of our domains leads: a GRUU to one device, an address of record to all.
    #[must_use]
    pub fn resolve(&self, uri: &Uri<'_>) -> Resolved<'_> {
        if !self.policy.serves(uri.host()) {
            return Resolved::NotFound;
        }
        match uri.gr() {
            Some(None) => self.resolve_temporary(uri),
            Some(Some(gr)) => self.resolve_public(uri, gr),
            None => {
                let aor = canonical_aor(uri);
                match self.bindings(&aor) {
                    [] if self.policy.knows(&aor) => Resolved::Unavailable,
                    [] => Resolved::NotFound,
                    bindings => Resolved::Bindings(bindings.iter().collect()),
                }
            }
        }
    }

    /// Makes the public GRUU of a device valid that has no binding here yet.
    pub fn remember(&mut self, aor: &str, instance: &str) {
        let gr = gruu::gr(instance, self.policy.gr_namespace);
        self.table.remember(aor, &gr);
    }

    /// Takes a binding back after a restart, before the first REGISTER.
    ///
    /// One whose connection was its only way is not taken: it comes out of the next [`Registrar::expire`] as lost.
    pub fn restore(&mut self, binding: Binding) {
        self.latest = self.latest.max(binding.serial).max(binding.epoch);
        let is_lost = binding.needs(NO_FLOW, self.policy.plain_outlives_link);
        let is_full = self.bindings(&binding.aor).len() >= self.bindings_max();
        if let Some(gr) = &binding.gr {
            self.table.remember(&binding.aor, gr);
        }
        if is_lost || is_full {
            self.lapsed.push(binding);
        } else {
            self.table.insert(binding);
        }
    }

    fn carry_out(
        &mut self,
        now: Time,
        register: &Register,
        flow: Flow,
    ) -> Result<Vec<Change>, Refusal> {
        let wishes = match &register.asked {
            Asked::Query => return Ok(Vec::new()),
            Asked::Nothing => {
                for binding in self.bindings(&register.aor) {
                    check_order(register, binding)?;
                }
                let number = self.table.number(&register.aor);
                let all = |_: &Binding| true;
                return Ok(number.map_or_else(Vec::new, |number| {
                    self.table.remove(number, all, Removal::Unregistered)
                }));
            }
            Asked::These(wishes) => wishes,
        };
        let before = self.table.lend(&register.aor);
        match self.plan(now, register, wishes, flow, &before) {
            Ok(after) => Ok(self.table.replace(&register.aor, before, after)),
            Err(refusal) => {
                self.table.give_back(&register.aor, before);
                Err(refusal)
            }
        }
    }

    /// What the address has when all the Contacts are granted; nothing is changed yet.
    fn plan(
        &mut self,
        now: Time,
        register: &Register,
        wishes: &[Wish],
        flow: Flow,
        before: &[Binding],
    ) -> Result<Vec<After>, Refusal> {
        for wish in wishes {
            if let Some(at) = wish.position(before.iter()) {
                before
                    .get(at)
                    .map_or(Ok(()), |binding| check_order(register, binding))?;
            }
        }
        self.check_aliases(register)?;
        let mut after: Vec<Planned<'_>> = before.iter().enumerate().map(Planned::Kept).collect();
        for wish in wishes {
            self.grant(now, register, wish, flow, &mut after);
        }
        self.check_limits(before.len(), &after)?;
        Ok(after.into_iter().map(After::from).collect())
    }

    /// Makes, refreshes or removes the binding of one Contact.
    fn grant(
        &mut self,
        now: Time,
        register: &Register,
        wish: &Wish,
        flow: Flow,
        bindings: &mut Vec<Planned<'_>>,
    ) {
        let old = wish.position(bindings.iter().map(Planned::binding));
        let old = old.map(|at| bindings.remove(at));
        if wish.interval == 0 {
            return;
        }
        let old = old.as_ref().map(Planned::binding);
        let epoch = self.epoch(now, register, wish, bindings, old);
        let gr = wish.gr.as_ref().filter(|_| register.offers.gruu);
        let binding = Binding {
            serial: old.map_or_else(|| self.fresh(now), |old| old.serial),
            aor: register.aor.clone(),
            contact: wish.contact.clone(),
            instance: wish.instance.clone(),
            gr: wish.gr.clone(),
            reg_id: wish.reg_id,
            call_id: register.call_id.clone(),
            cseq: register.cseq,
            expires_at: now + Duration::from_secs(u64::from(wish.interval)),
            q: wish.q,
            flow,
            path: register.path.clone(),
            params: wish.params.clone(),
            pub_gruu: gr.map(|gr| [&register.aor, ";gr=", gr].concat()),
            temp_gruu: gr.map(|_| self.temporary(&register.aor, epoch)),
            epoch,
            aliases: register.aliases.iter().map(ToString::to_string).collect(),
            created_at: old.map_or(now, |old| old.created_at),
            registered_at: now,
        };
        if binding.reg_id.is_none() {
            // Without flow numbers a new Call-ID is a restart of the device: what it was given before is void.
            for other in bindings.iter_mut() {
                let known = other.binding();
                let is_of_device =
                    known.gr.is_some() && known.gr == binding.gr && known.reg_id.is_none();
                if is_of_device && known.epoch != epoch {
                    let known = known.clone();
                    *other = Planned::Made(Binding { epoch, ..known });
                }
            }
        }
        bindings.push(Planned::Made(binding));
    }

    /// The number of the time since this device changed its Call-ID; a new one when it does so now.
    fn epoch(
        &mut self,
        now: Time,
        register: &Register,
        wish: &Wish,
        bindings: &[Planned<'_>],
        old: Option<&Binding>,
    ) -> u64 {
        bindings
            .iter()
            .map(Planned::binding)
            .chain(old)
            .find(|known| {
                wish.gr.is_some() && known.gr == wish.gr && known.call_id == register.call_id
            })
            .map_or_else(|| self.fresh(now), |known| known.epoch)
    }

    /// A temporary GRUU of the epoch.
    fn temporary(&mut self, aor: &str, epoch: u64) -> String {
        let user = self.gruus.user(epoch, self.random.octets());
        let host = aor.rsplit_once('@').map_or(aor, |(_, host)| host);
        ["sip:", &user, "@", host, ";gr"].concat()
    }

    /// A number that was never given before, also not before a restart: it grows with the seconds.
    fn fresh(&mut self, now: Time) -> u64 {
        const MASK: u64 = (1 << gruu::EPOCH_BITS) - 1;
        let by_time = (now.secs() << 16) & MASK;
        self.latest = by_time.max(self.latest.saturating_add(1) & MASK);
        self.latest
    }

    fn resolve_temporary(&self, uri: &Uri<'_>) -> Resolved<'_> {
        let user = unescape(uri.user().unwrap_or_default());
        let epoch = core::str::from_utf8(&user)
            .ok()
            .and_then(|user| self.gruus.epoch(user));
        let bindings = epoch.map_or_else(Vec::new, |epoch| self.table.of_epoch(epoch));
        if bindings.is_empty() {
            Resolved::NotFound
        } else {
            Resolved::Bindings(bindings)
        }
    }

    fn resolve_public(&self, uri: &Uri<'_>, gr: &str) -> Resolved<'_> {
        let aor = canonical_aor(uri);
        let unescaped = unescape(gr);
        let gr = gruu::canonical_gr(&String::from_utf8_lossy(&unescaped));
        let bindings: Vec<&Binding> = self
            .bindings(&aor)
            .iter()
            .filter(|binding| binding.gr.as_ref() == Some(&gr))
            .collect();
        if !bindings.is_empty() {
            Resolved::Bindings(bindings)
        } else if self.table.remembers(&aor, &gr) {
            Resolved::Unavailable
        } else {
            Resolved::NotFound
        }
    }

    /// No identifier may be another identity's.
    fn check_aliases(&self, register: &Register) -> Result<(), Refusal> {
        let own = self.table.number(&register.aor);
        let taken = register
            .aliases
            .iter()
            .any(|id| self.table.owner(id).is_some_and(|owner| Some(owner) != own));
        if taken {
            return Err(Refusal::because(
                403,
                "the identifier belongs to another identity",
            ));
        }
        Ok(())
    }

    fn check_limits(&self, before: usize, after: &[Planned<'_>]) -> Result<(), Refusal> {
        if after.len() > self.bindings_max() && after.len() > before {
            return Err(Refusal::because(403, "too many bindings"));
        }
        let others = self.len().saturating_sub(before);
        if after.len() > before && others.saturating_add(after.len()) > self.policy.bindings_total {
            return Err(Refusal::new(503).with("Retry-After", "300".to_owned()));
        }
        if after
            .iter()
            .any(|planned| planned.binding().octets() > limits::BINDING_OCTETS)
        {
            return Err(Refusal::because(403, "the binding is too large"));
        }
        Ok(())
    }

    fn bindings_max(&self) -> usize {
        self.policy.bindings_max.min(limits::BINDINGS_PER_AOR)
    }
}

impl Wish {
    /// The binding this Contact is about: by device and flow number, else by URI.
    fn position<'a>(&self, bindings: impl Iterator<Item = &'a Binding>) -> Option<usize> {
        let mut bindings = bindings;
        if self.reg_id.is_some() {
            return bindings.position(|known| known.reg_id == self.reg_id && known.gr == self.gr);
        }
        bindings.position(|known| is_same_contact(&known.contact, &self.contact))
    }
}

/// A binding an address is to have, as long as nothing is changed.
#[expect(
    clippy::large_enum_variant,
    reason = "short-lived, one at a time; a box would cost an allocation with every REGISTER"
)]
enum Planned<'a> {
    /// The one at that place stays.
    Kept((usize, &'a Binding)),
    /// This one.
    Made(Binding),
}

impl Planned<'_> {
    const fn binding(&self) -> &Binding {
        match self {
            Self::Kept((_, binding)) => binding,
            Self::Made(binding) => binding,
        }
    }
}

impl From<Planned<'_>> for After {
    fn from(planned: Planned<'_>) -> Self {
        match planned {
            Planned::Kept((at, _)) => Self::Kept(at),
            Planned::Made(binding) => Self::Made(binding),
        }
    }
}

/// True when two contacts are one by the rules of URIs; those that are spelt alike, or name another host or port in as
/// many octets, are told apart without being parsed.
fn is_same_contact(known: &str, contact: &str) -> bool {
    if known == contact {
        return true;
    }
    // Escapes, parameters and headers have rules of their own, and so have other schemes.
    let is_plain = |uri: &str| {
        uri.starts_with("sip:")
            && uri.bytes().fold(true, |all, octet| {
                all & !matches!(octet, b'%' | b';' | b'?')
            })
    };
    // A port may have zeros in front, so that only texts of one length say at once that they differ.
    if known.len() == contact.len() && is_plain(known) && is_plain(contact) {
        let (ours, theirs) = (known.split_once('@'), contact.split_once('@'));
        if let Some((ours, theirs)) = ours.zip(theirs) {
            return ours.0 == theirs.0 && ours.1.eq_ignore_ascii_case(theirs.1);
        }
    }
    let uris = (
        Uri::decode(known.as_bytes()),
        Uri::decode(contact.as_bytes()),
    );
    matches!(uris, (Ok(known), Ok(contact)) if known.is_equal(&contact))
}

/// A REGISTER of the same Call-ID must be later than the one before.
fn check_order(register: &Register, binding: &Binding) -> Result<(), Refusal> {
    if binding.call_id == register.call_id && register.cseq <= binding.cseq {
        return Err(Refusal::because(
            500,
            "an earlier CSeq of this Call-ID was seen already",
        ));
    }
    Ok(())
}
