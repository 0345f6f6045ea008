//! From what an initiator asks to an accepted push: addresses become identities and devices, policy is asked, the record
//! is saved.
//!
//! **Source:** WAP-247 sections 8.1, 8.3, 10; requirements R2.15, R2.16, R2.29.

use super::policy::Denial;
use super::push::asked::{Asked, Refused};
use super::push::plan::{Devices, Fork, PlanWish};
use super::push::submission::{Address, Group, Options, Phase, Push, PushNo};
use super::registry::{Device, DeviceKey, IdentityNo};
use super::{Gateway, Timer, forwarding, snapshot};
use crate::codec::device_id::DeviceId;
use crate::codec::pap::{ClientAddress, ReplaceMethod, Status, address};
use crate::codec::uri::Uri;
use crate::event::Fact;
use crate::protocol::sip::registrar::Resolved;
use crate::time::Time;
use crate::world::{Output, RecordKind};

/// Why a submission is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It is at fault, or not allowed.
    Refused(Refused),
    /// Not now: the gateway has too much to do.
    Busy(&'static str),
}

impl From<Refused> for NotTaken {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meant {
    identity: IdentityNo,
    /// `None` for all devices of the identity.
    device: Option<usize>,
}

impl Gateway {
    /// Accepts a submission; [`Gateway::accepted`] goes on, and [`Gateway::put_on_record`] saves it.
    pub(super) fn submit(
        &mut self,
        now: Time,
        initiator: &str,
        mut asked: Asked,
        out: &mut Vec<Output>,
    ) -> Result<PushNo, NotTaken> {
        // First of all: who lost our answer asks again, maybe after the push's time, and must hear that it was accepted.
        if self.ledger.of(initiator, &asked.push_id).is_some()
            || self.is_used_beyond(&asked.push_id)
        {
            return Err(Refused::new(
                Status::DuplicatePushId,
                format!("push-id {} was used before", asked.push_id),
            )
            .into());
        }
        asked.check(now)?;
        self.check(now, initiator, &asked)?;
        let (mut addresses, mut groups) = self.resolve_all(&asked)?;
        if let Some((old, method)) = asked.replaces.clone()
            && !self.is_elsewhere(now, initiator, &old)
        {
            self.replace(now, initiator, &old, method, &mut addresses, out)?;
            groups = regroup(&addresses, groups);
            if let Some(onward) = &mut asked.onward {
                // The other gateway never saw the old push.
                onward.control.replace_push_id = None;
                onward.control.addresses = addresses.iter().map(|a| a.text.clone()).collect();
            }
        }
        let sir = self.random.token::<10>().to_string();
        let push = self.made(now, initiator, sir, asked, addresses, groups);
        Ok(self.ledger.enter(push))
    }

    /// The push that a submission would be; nothing is counted, kept or sent.
    pub(super) fn imagined(
        &self,
        now: Time,
        initiator: &str,
        asked: Asked,
    ) -> Result<Push, Refused> {
        asked.check(now)?;
        self.allowed(initiator, &asked)?;
        let (addresses, groups) = self.resolve_all(&asked)?;
        Ok(self.made(
            now,
            initiator,
            String::from("preview"),
            asked,
            addresses,
            groups,
        ))
    }

    /// The push of a submission whose addresses were looked up.
    fn made(
        &self,
        now: Time,
        initiator: &str,
        sir: String,
        asked: Asked,
        addresses: Vec<Address>,
        groups: Vec<Group>,
    ) -> Push {
        Push {
            sir,
            push_id: asked.push_id,
            initiator: initiator.to_owned(),
            version: asked.version,
            accepted_at: now,
            not_before: asked.deliver_after,
            expires_at: asked.deliver_before.unwrap_or_else(|| {
                // A time to wait for that has passed already does not shorten the life of the push.
                asked.deliver_after.unwrap_or(now).max(now) + self.config.push_lifetime
            }),
            notify_to: asked.notify_to,
            quality: asked.quality,
            content: asked.content,
            options: asked.options,
            addresses,
            groups,
            onward: asked.onward,
            phase: Phase::Waiting,
        }
    }

    /// Whether anybody used a push-id where pushes are handed on: the other gateway sees one initiator, us, so what it is
    /// told of a push-id must be of one push (WAP-247 section 9.2: push-ids are globally unique).
    fn is_used_beyond(&self, push_id: &str) -> bool {
        self.config.relay.is_some() && !self.ledger.all_by_id(push_id).is_empty()
    }

    /// Saves a push accepted in this turn, before everything from `place` on that came of it. All records of a turn are
    /// one transaction, so one that ended meanwhile needs but the record of its end: of several the last, in that place.
    pub(super) fn put_on_record(&self, no: PushNo, key: &str, place: usize, out: &mut Vec<Output>) {
        let is_own = |output: &Output| match output {
            Output::Save(record) => record.key.kind == RecordKind::Push && record.key.id == key,
            _ => false,
        };
        let push = self.ledger.get(no);
        let record = match push.filter(|push| !push.is_ended()) {
            Some(push) => Output::Save(snapshot::push(push, &self.registry)),
            None => {
                let mut last = None;
                let mut after = out.split_off(place.min(out.len()));
                for own in after.extract_if(.., |output| is_own(output)) {
                    last = Some(own);
                }
                out.append(&mut after);
                let Some(last) = last else { return };
                last
            }
        };
        out.insert(place.min(out.len()), record);
    }

    /// Goes on with an accepted push: after its record, and after the initiator's answer.
    pub(super) fn accepted(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let puis = match push.onward {
            Some(_) => forwarding::named(push),
            None => push.groups.iter().map(|group| group.pui.clone()).collect(),
        };
        for pui in puis {
            let fact = Fact::PapRx {
                push: push.push_id.clone(),
                pui,
                app: Some(push.content.application.clone()),
            };
            self.report(now, fact, out);
        }
        self.timers.set(Timer::Expire(no), push.expires_at);
        match push.not_before {
            Some(at) if at > now => self.timers.set(Timer::Start(no), at),
            _ => self.start(now, no, out),
        }
    }

    fn check(&mut self, now: Time, initiator: &str, asked: &Asked) -> Result<(), NotTaken> {
        if self.ledger.live() >= self.config.bounds.pushes {
            return Err(NotTaken::Busy("too many pushes in progress"));
        }
        if asked.notify_to.is_some() && self.notices.len() >= self.config.bounds.pushes {
            return Err(NotTaken::Busy("too many results wait for their initiators"));
        }
        if self
            .ledger
            .content_octets()
            .saturating_add(asked.content.body.len())
            > self.config.bounds.content_octets
        {
            return Err(NotTaken::Busy("too much content in progress"));
        }
        self.allowed(initiator, asked)?;
        let terms = self.config.policy.terms.get(initiator);
        if terms
            .and_then(|terms| terms.open_max)
            .is_some_and(|most| self.ledger.open_of(initiator) >= most)
        {
            return Err(NotTaken::Busy(Denial::TooManyOpen.words()));
        }
        self.quotas
            .take(&self.config.policy, initiator, now)
            .map_err(|denial| NotTaken::Busy(denial.words()))
    }

    /// What forbids a submission whenever it comes.
    fn allowed(&self, initiator: &str, asked: &Asked) -> Result<(), Refused> {
        let forbidden = |denial: Denial| Refused::new(Status::Forbidden, denial.words());
        let policy = &self.config.policy;
        policy
            .check(asked.content.octets, asked.options.ppg.as_deref())
            .map_err(forbidden)?;
        if let Some(terms) = policy.terms.get(initiator) {
            terms.check(&asked.content).map_err(forbidden)?;
        }
        if asked.onward.is_none() {
            if self.hands_on() {
                let why = "pushes are handed on here: submit in PAP";
                return Err(Refused::new(Status::NotImplemented, why));
            }
            check_options(&asked.options, self.config.core.is_some())?;
        }
        Ok(())
    }

    fn resolve_all(&self, asked: &Asked) -> Result<(Vec<Address>, Vec<Group>), Refused> {
        if asked.onward.is_some() {
            return Ok((forwarding::addresses(asked)?, Vec::new()));
        }
        let mut meant = Vec::with_capacity(asked.addresses.len());
        for text in &asked.addresses {
            meant.push(self.resolve(text, asked.takes_bare)?);
        }
        let selected = self.select(&asked.devices, &meant)?;
        // In these plans every device of the identity gets the content if it comes for it.
        let for_all = asked.options.devices_judge || asked.options.plan == PlanWish::Legacy;
        let mut groups: Vec<Group> = Vec::new();
        let mut addresses = Vec::with_capacity(meant.len());
        for (text, meant) in asked.addresses.iter().zip(meant) {
            let everyone = self.registry.everyone(meant.identity);
            let chosen: Devices = selected
                .iter()
                .filter(|key| key.identity == meant.identity)
                .map(|key| key.at)
                .collect();
            let devices = match meant.device {
                _ if for_all => everyone,
                Some(at) => Devices::one(at),
                None if chosen.is_empty() => everyone,
                None => chosen,
            };
            if devices.is_empty() {
                return Err(address_error(text, "no device is known for it"));
            }
            let group = self.group_of(meant.identity, &mut groups);
            if let Some(group) = groups.get_mut(group) {
                group.addressed = group.addressed.or(devices);
                group.is_chosen |= devices != everyone;
            }
            addresses.push(Address {
                text: text.clone(),
                group,
                devices,
                end: None,
            });
        }
        Ok((addresses, groups))
    }

    fn group_of(&self, identity: IdentityNo, groups: &mut Vec<Group>) -> usize {
        if let Some(at) = groups.iter().position(|group| group.identity == identity) {
            return at;
        }
        let pui = self.registry.get(identity);
        if groups.is_empty() {
            // Mostly there is one, and a push is kept long after its end.
            groups.reserve_exact(1);
        }
        groups.push(Group {
            pui: pui.map(|identity| identity.pui.clone()).unwrap_or_default(),
            identity,
            addressed: Devices::NONE,
            is_chosen: false,
            mode: None,
            others: Devices::NONE,
            deliveries: Vec::new(),
        });
        groups.len().saturating_sub(1)
    }

    /// The devices that a client address stands for.
    pub(super) fn meant_by(&self, text: &str) -> Result<Vec<&Device>, Refused> {
        let meant = self.resolve(text, false)?;
        let all = self.registry.everyone(meant.identity);
        let places = meant.device.map_or(all, Devices::one);
        let key = |at| DeviceKey {
            identity: meant.identity,
            at,
        };
        let devices = places.iter().filter_map(|at| self.registry.device(key(at)));
        Ok(devices.collect())
    }

    /// The identity, or the one device, that a client address stands for.
    fn resolve(&self, text: &str, takes_bare: bool) -> Result<Meant, Refused> {
        let value = match ClientAddress::decode(text) {
            Ok(address) => match address.kind {
                address::Kind::User(value) => value,
                address::Kind::Plmn(number) => format!("tel:{number}"),
                kind => {
                    return Err(address_error(
                        text,
                        &format!("addresses of type {} are not served", kind.name()),
                    ));
                }
            },
            Err(_) if takes_bare => text.to_owned(),
            Err(error) => return Err(address_error(text, &error.to_string())),
        };
        let is_gruu = Uri::decode(value.as_bytes()).is_ok_and(|uri| uri.gr().is_some());
        if !is_gruu && let Some(identity) = self.registry.identity(&value) {
            return Ok(Meant {
                identity,
                device: None,
            });
        }
        match self.device_of(&value) {
            Some(key) => Ok(Meant {
                identity: key.identity,
                device: Some(key.at),
            }),
            None => Err(address_error(text, "no identity or device goes by it")),
        }
    }

    /// The device that an identifier names, temporary GRUUs included.
    pub(super) fn device_of(&self, id: &str) -> Option<DeviceKey> {
        if let Some(key) = self.registry.find(&DeviceId::decode(id).ok()?) {
            return Some(key);
        }
        let uri = Uri::decode(id.as_bytes()).ok()?;
        uri.gr()?;
        let Resolved::Bindings(bindings) = self.registrar.resolve(&uri) else {
            return None;
        };
        bindings.iter().find_map(|binding| {
            let identity = self.registry.identity(&binding.aor)?;
            self.flows.of(binding.flow, identity)
        })
    }

    /// The devices that the initiator wants among those of the identities it addressed.
    fn select(&self, wanted: &[String], meant: &[Meant]) -> Result<Vec<DeviceKey>, Refused> {
        let mut selected = Vec::new();
        for item in wanted {
            let before = selected.len();
            for meant in meant {
                let named = self.registry.named(meant.identity, item);
                let key = named.or_else(|| self.device_of(item));
                selected.extend(key.filter(|key| key.identity == meant.identity));
            }
            if selected.len() == before {
                return Err(address_error(
                    item,
                    "no device of the identities addressed goes by it",
                ));
            }
        }
        Ok(selected)
    }

    /// True when a push that is to be replaced was handed on: then the other gateway replaces it.
    fn is_elsewhere(&self, now: Time, initiator: &str, old: &str) -> bool {
        let old = self.ledger.of(initiator, old);
        old.and_then(|no| self.ledger.get(no))
            .is_some_and(|push| push.is_handed_on(now))
    }

    /// Takes the place of an earlier push (WAP-247 section 8.1: replace-push-id).
    fn replace(
        &mut self,
        now: Time,
        initiator: &str,
        old: &str,
        method: ReplaceMethod,
        addresses: &mut Vec<Address>,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        let Some(no) = self.ledger.of(initiator, old) else {
            return match method {
                ReplaceMethod::All => Ok(()),
                ReplaceMethod::PendingOnly => Err(Refused::new(
                    Status::PushIdNotFound,
                    format!("push-id {old} is not known"),
                )),
            };
        };
        let texts: Vec<String> = addresses.iter().map(|a| a.text.clone()).collect();
        let cancellable: Vec<String> = match self.ledger.get(no) {
            Some(push) if push.onward.is_some() => {
                let is_pending = |text: &String| {
                    let mut addresses = push.addresses.iter();
                    addresses.any(|a| a.text == *text && a.end.is_none())
                };
                texts.into_iter().filter(is_pending).collect()
            }
            Some(push) => {
                let gone = push.cancellable(&texts).into_iter();
                gone.map(|address| address.text.clone()).collect()
            }
            None => Vec::new(),
        };
        if method == ReplaceMethod::PendingOnly {
            if cancellable.is_empty() {
                return Err(Refused::new(
                    Status::CancellationNotPossible,
                    format!("nothing of push-id {old} is pending for these addresses"),
                ));
            }
            addresses.retain(|address| cancellable.contains(&address.text));
        }
        // No address would mean all of them.
        if !cancellable.is_empty() {
            self.cancel(now, no, &cancellable, out);
        }
        Ok(())
    }
}

/// The groups that are still addressed after a replacement.
fn regroup(addresses: &[Address], mut groups: Vec<Group>) -> Vec<Group> {
    for (at, group) in groups.iter_mut().enumerate() {
        group.addressed = addresses
            .iter()
            .filter(|address| address.group == at)
            .fold(Devices::NONE, |sum, address| sum.or(address.devices));
    }
    groups
}

fn check_options(options: &Options, has_core: bool) -> Result<(), Refused> {
    if options.fork == Fork::Core && !has_core {
        return Err(Refused::new(
            Status::BadRequest,
            "fork=core needs a core address in the configuration",
        ));
    }
    Ok(())
}

fn address_error(address: &str, why: &str) -> Refused {
    Refused::new(Status::AddressError, format!("{address}: {why}"))
}
