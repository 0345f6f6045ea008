//! What subscribers to an identity's registrations are told.
//!
//! **Source:** RFC 3680 section 5 (documents, full and partial), RFC 5628 (GRUUs in them).

use super::{Package, Topic};
use crate::codec::reginfo::{
    Contact, ContactState, Event, Extent, Param, Reginfo, Registration, State, TempGruu,
};
use crate::codec::sip::quote;
use crate::gateway::Gateway;
use crate::gateway::registry::IdentityNo;
use crate::protocol::sip::registrar::{Binding, Change, Removal};
use crate::time::Time;

impl Gateway {
    /// Tells subscribers what became of bindings.
    pub(in crate::gateway) fn tell_registrations(&mut self, now: Time, changes: &[Change]) {
        let mut told: Vec<IdentityNo> = Vec::new();
        for change in changes {
            let identity = self.registry.identity(&change.binding().aor);
            let Some(identity) = identity.filter(|identity| !told.contains(identity)) else {
                continue;
            };
            told.push(identity);
            let package = Package::Reg;
            self.tell_all(now, Topic { package, identity }, Some(changes));
            // A refresh changes nothing of who is there, but what came with it may.
            let is_other = |other: &&Change| !matches!(other, Change::Refreshed(_));
            let is_its =
                |other: &Change| self.registry.identity(&other.binding().aor) == Some(identity);
            if changes.iter().filter(is_other).any(is_its) {
                let package = Package::Presence;
                self.tell_all(now, Topic { package, identity }, None);
            }
        }
    }

    /// The document of a subscription's NOTIFY number `version`: all bindings, or these changes of them.
    pub(in crate::gateway) fn registrations_of(
        &self,
        now: Time,
        identity: IdentityNo,
        version: u32,
        changes: Option<&[Change]>,
    ) -> Reginfo {
        let known = self.registry.get(identity);
        let own = known.iter().map(|known| &known.pui);
        let aliases = known.iter().flat_map(|known| &known.aliases);
        let names = own.chain(aliases).enumerate();
        let registrations = names.filter_map(|(at, aor)| {
            let bindings = self.registrar.bindings(aor);
            let contacts: Vec<Contact> = match changes {
                None => bindings.iter().map(|it| active(now, it)).collect(),
                Some(changes) => {
                    let own = changes.iter().filter(|it| it.binding().aor == *aor);
                    own.map(|change| changed(now, change)).collect()
                }
            };
            // A name without bindings is told of only when it is the identity's first and everything is told.
            if contacts.is_empty() && (changes.is_some() || at > 0) {
                return None;
            }
            let state = match (bindings.is_empty(), changes) {
                (false, _) => State::Active,
                (true, None) => State::Init,
                (true, Some(_)) => State::Terminated,
            };
            Some(Registration {
                aor: aor.clone(),
                id: format!("a{at}"),
                state,
                contacts,
                attributes: Vec::new(),
                others: Vec::new(),
            })
        });
        Reginfo {
            version,
            state: match changes {
                None => Extent::Full,
                Some(_) => Extent::Partial,
            },
            registrations: registrations.collect(),
            attributes: Vec::new(),
            others: Vec::new(),
        }
    }
}

/// A binding that is there.
fn active(now: Time, binding: &Binding) -> Contact {
    let event = if binding.created_at == binding.registered_at {
        Event::Registered
    } else {
        Event::Refreshed
    };
    contact(now, binding, event)
}

fn changed(now: Time, change: &Change) -> Contact {
    let event = match change {
        Change::Created(_) => Event::Registered,
        Change::Refreshed(_) => Event::Refreshed,
        Change::Removed(_, Removal::Expired) => Event::Expired,
        Change::Removed(_, Removal::Unregistered) => Event::Unregistered,
        // The device may register again at once.
        Change::Removed(_, Removal::FlowLost) => Event::Deactivated,
    };
    let contact = contact(now, change.binding(), event);
    match change {
        Change::Created(_) | Change::Refreshed(_) => contact,
        Change::Removed(..) => Contact {
            state: ContactState::Terminated,
            pub_gruu: None,
            temp_gruu: None,
            expires: None,
            ..contact
        },
    }
}

fn contact(now: Time, binding: &Binding, event: Event) -> Contact {
    let instance = binding.instance.as_ref().map(|urn| Param {
        name: "+sip.instance".to_owned(),
        value: quote(&format!("<{urn}>")),
    });
    let reg_id = binding.reg_id.map(|number| Param {
        name: "reg-id".to_owned(),
        value: number.to_string(),
    });
    let others = binding.params.iter().map(|(name, value)| Param {
        name: name.clone(),
        value: value.as_deref().map(quote).unwrap_or_default(),
    });
    Contact {
        id: binding.id(),
        state: ContactState::Active,
        event,
        uri: binding.contact.clone(),
        display_name: None,
        params: instance.into_iter().chain(reg_id).chain(others).collect(),
        pub_gruu: binding.pub_gruu.clone(),
        temp_gruu: binding.temp_gruu.clone().map(|uri| TempGruu {
            uri,
            first_cseq: binding.cseq,
        }),
        duration_registered: Some(now.since(binding.created_at).as_secs()),
        expires: Some(binding.expires_at.since(now).as_secs()),
        retry_after: None,
        q: (binding.q < 1_000).then(|| format!("0.{:03}", binding.q)),
        callid: Some(binding.call_id.clone()),
        cseq: Some(binding.cseq),
        attributes: Vec::new(),
        others: Vec::new(),
    }
}
