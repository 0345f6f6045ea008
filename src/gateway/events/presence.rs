//! Presence: what devices publish of themselves, what the planner makes of it, what subscribers are told.
//!
//! **Source:** RFC 3903 sections 4 and 6 (PUBLISH), RFC 3856, RFC 3863; requirement R2.8.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Package, Topic, allowed};
use crate::codec::device_id::{DeviceId, Kind};
use crate::codec::presence::{self, Basic, Presence, Tuple};
use crate::codec::sip::{Message, Name};
use crate::gateway::on_invite::NotAccepted;
use crate::gateway::profile;
use crate::gateway::registry::{Device, DeviceKey, IdentityNo};
use crate::gateway::service::instant_notice::State;
use crate::gateway::{Gateway, Timer};
use crate::limits;
use crate::protocol::sip::endpoint::{Flow, ServerId};
use crate::protocol::sip::notifier;
use crate::time::Time;
use crate::world::Output;

/// Seconds a publication lasts when nothing is asked for.
const LASTS: u32 = 3_600;
/// Seconds it lasts at least.
const LEAST: u32 = 60;
/// Seconds it lasts at most.
const MOST: u32 = 7_200;

/// How the ids of tuples begin that say what a client does.
const APP_STATE: &str = "app-state";

/// What one device published.
#[derive(Debug)]
pub(super) struct Publication {
    /// Who published it.
    pub(super) device: DeviceKey,
    /// Its name until the next PUBLISH.
    pub(super) etag: String,
    pub(super) presence: Presence,
    /// When it is over.
    pub(super) until: Time,
}

/// What was published, by number.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Publications {
    by_identity: BTreeMap<IdentityNo, BTreeMap<u64, Publication>>,
    count: usize,
    next: u64,
}

/// A PUBLISH that may be carried out.
struct Publish {
    /// The publication it refreshes, changes or removes.
    old: Option<u64>,
    /// Seconds it lasts; 0 removes it.
    expires: u32,
    /// What is published; a refresh has none.
    presence: Option<Presence>,
}

impl Publications {
    fn of(&self, identity: IdentityNo) -> impl Iterator<Item = (&u64, &Publication)> {
        self.by_identity.get(&identity).into_iter().flatten()
    }

    fn named(&self, identity: IdentityNo, etag: &str) -> Option<u64> {
        let mut own = self.of(identity);
        own.find(|(_, known)| known.etag == etag)
            .map(|(number, _)| *number)
    }

    /// Takes a publication out; true when it was there.
    fn remove(&mut self, identity: IdentityNo, number: u64) -> bool {
        let Some(own) = self.by_identity.get_mut(&identity) else {
            return false;
        };
        let is_gone = own.remove(&number).is_some();
        if own.is_empty() {
            self.by_identity.remove(&identity);
        }
        self.count = self.count.saturating_sub(usize::from(is_gone));
        is_gone
    }

    fn enter(&mut self, identity: IdentityNo, publication: Publication) -> u64 {
        let number = self.next;
        self.put(identity, number, publication);
        number
    }

    /// Enters a publication under its number.
    pub(super) fn put(&mut self, identity: IdentityNo, number: u64, publication: Publication) {
        self.next = self.next.max(number.saturating_add(1));
        self.count = self.count.saturating_add(1);
        let own = self.by_identity.entry(identity).or_default();
        own.insert(number, publication);
    }

    pub(super) fn get(&self, identity: IdentityNo, number: u64) -> Option<&Publication> {
        self.by_identity.get(&identity)?.get(&number)
    }

    /// The publication of a device that ends first.
    fn first_of(&self, device: DeviceKey) -> Option<u64> {
        let own = self
            .of(device.identity)
            .filter(|(_, it)| it.device == device);
        let first = own.min_by_key(|(_, it)| it.until);
        first.map(|(number, _)| *number)
    }

    /// Identities of which something is published.
    pub(super) fn identities(&self) -> Vec<IdentityNo> {
        self.by_identity.keys().copied().collect()
    }

    /// What a device says of a client: in a tuple whose id begins so, with the word for it as its note.
    pub(in crate::gateway) fn app_state(&self, key: DeviceKey) -> Option<State> {
        let own = self.of(key.identity).map(|(_, publication)| publication);
        let own = own.filter(|publication| publication.device == key);
        let tuples = own.flat_map(|publication| &publication.presence.tuples);
        let tuples = tuples.filter(|tuple| tuple.id.starts_with(APP_STATE));
        let states = tuples.map(|tuple| {
            let says = |state: State| {
                let mut notes = tuple.notes.iter();
                notes.any(|note| note.text.trim() == state.word())
            };
            match tuple.basic {
                Some(Basic::Closed) => State::Stopped,
                _ if says(State::Foreground) => State::Foreground,
                _ if says(State::Stopped) => State::Stopped,
                _ => State::Background,
            }
        });
        states.max()
    }

    /// Whether what is published says that a device is there; `None` when nothing does.
    fn is_open(&self, key: DeviceKey, device: &Device) -> Option<bool> {
        let told = self.of(key.identity).filter_map(|(_, publication)| {
            let by_name = device
                .ids
                .iter()
                .filter_map(|id| publication.presence.device_is_open(id.as_str()))
                .reduce(|one, other| one || other);
            by_name.or_else(|| own_status(publication, key))
        });
        told.reduce(|one, other| one || other)
    }
}

/// What a device says of itself without naming any device.
fn own_status(publication: &Publication, key: DeviceKey) -> Option<bool> {
    if publication.device != key {
        return None;
    }
    let tuples = publication.presence.tuples.iter();
    tuples
        .filter(|tuple| tuple.device_ids.is_empty() && tuple.is_understood())
        .filter_map(|tuple| tuple.basic)
        .map(|basic| basic == Basic::Open)
        .reduce(|one, other| one || other)
}

impl Gateway {
    /// A device publishes its presence.
    pub(in crate::gateway) fn on_publish(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        if notifier::package(request) != Package::Presence.name() {
            let draft = self.answer(request, 489).header("Allow-Events", allowed());
            return self.respond(id, draft);
        }
        if !self.flows.is_known(flow)
            && let Some(draft) = self.challenge(now, request, out)
        {
            return self.respond(id, draft);
        }
        let read = self
            .publisher(flow, request)
            .and_then(|device| Ok((device, self.publish(device, request)?)));
        let (device, publish) = match read {
            Ok(read) => read,
            Err(no) => return self.decline(now, id, request, no, out),
        };
        let expires = publish.expires;
        let etag = self.random.token::<16>().to_string();
        self.carry_out_publish(now, device, publish, etag.clone(), out);
        let draft = self
            .answer(request, 200)
            .header("SIP-ETag", etag)
            .header("Expires", expires);
        self.respond(id, draft);
    }

    /// The device that publishes, when it speaks of its own identity.
    fn publisher(&self, flow: Flow, request: &Message) -> Result<DeviceKey, NotAccepted> {
        let device = self.sender_of(flow, request);
        let device = device.ok_or(NotAccepted::new(403, "the device is not known"))?;
        match self.about(request) {
            Some(identity) if identity != device.identity => {
                Err(NotAccepted::new(403, "it is another's"))
            }
            None if !self.is_for_us(request) => {
                Err(NotAccepted::new(404, "nobody here goes by that name"))
            }
            _ => Ok(device),
        }
    }

    /// Reads a PUBLISH (RFC 3903 section 6, steps 4 to 6).
    fn publish(&self, device: DeviceKey, request: &Message) -> Result<Publish, NotAccepted> {
        let identity = device.identity;
        let old = match request.text(Name::SipIfMatch) {
            None => None,
            Some(_) if request.is_repeated(Name::SipIfMatch) => {
                return Err(NotAccepted::new(400, "one publication is named at a time"));
            }
            Some(etag) => {
                let named = self.publications.named(identity, etag.trim());
                Some(named.ok_or(NotAccepted::new(412, "no such publication"))?)
            }
        };
        let expires = request.expires().unwrap_or(LASTS).min(MOST);
        if expires > 0 && expires < LEAST {
            let no = NotAccepted::new(423, "it would end too soon");
            return Err(no.with("Min-Expires", LEAST.to_string()));
        }
        let presence = published(request)?;
        if presence.is_none() && old.is_none() {
            return Err(NotAccepted::new(400, "nothing is published"));
        }
        let own = self.publications.of(identity).count();
        let is_full = own >= limits::PUBLICATIONS_PER_IDENTITY
            || self.publications.count >= limits::PUBLICATIONS;
        // A device that starts again has forgotten what it published before: that makes room.
        let old = match old {
            None if is_full => {
                let no = NotAccepted::new(503, "too many publications");
                let no = no.with("Retry-After", "300".to_owned());
                Some(self.publications.first_of(device).ok_or(no)?)
            }
            old => old,
        };
        Ok(Publish {
            old,
            expires,
            presence,
        })
    }

    fn carry_out_publish(
        &mut self,
        now: Time,
        device: DeviceKey,
        publish: Publish,
        etag: String,
        out: &mut Vec<Output>,
    ) {
        let identity = device.identity;
        let is_news = publish.presence.is_some() || publish.expires == 0;
        let end = now + Duration::from_secs(publish.expires.into());
        match (publish.old, publish.presence) {
            (Some(number), _) if publish.expires == 0 => {
                self.timers.cancel(Timer::Unpublish(identity, number));
                self.publications.remove(identity, number);
                self.forget_publication(number, out);
            }
            (Some(number), presence) => {
                let own = self.publications.by_identity.get_mut(&identity);
                if let Some(known) = own.and_then(|own| own.get_mut(&number)) {
                    known.etag = etag;
                    known.until = end;
                    known.presence =
                        presence.unwrap_or_else(|| core::mem::take(&mut known.presence));
                }
                self.timers.set(Timer::Unpublish(identity, number), end);
                self.keep_publication(identity, number, out);
            }
            (None, Some(presence)) if publish.expires > 0 => {
                let publication = Publication {
                    device,
                    etag,
                    presence,
                    until: end,
                };
                let number = self.publications.enter(identity, publication);
                self.timers.set(Timer::Unpublish(identity, number), end);
                self.keep_publication(identity, number, out);
            }
            (None, _) => {}
        }
        if is_news {
            self.presence_changed(now, identity);
        }
    }

    /// The time of a publication is over.
    pub(in crate::gateway) fn unpublish(
        &mut self,
        now: Time,
        identity: IdentityNo,
        number: u64,
        out: &mut Vec<Output>,
    ) {
        if self.publications.remove(identity, number) {
            self.forget_publication(number, out);
            self.presence_changed(now, identity);
        }
    }

    /// What an identity's devices publish changed: the planner and subscribers know it.
    pub(super) fn presence_changed(&mut self, now: Time, identity: IdentityNo) {
        let devices = self.registry.get(identity).map_or(0, |it| it.devices.len());
        for at in 0..devices {
            let key = DeviceKey { identity, at };
            let Some(device) = self.registry.device_mut(key) else {
                continue;
            };
            let told = self.publications.is_open(key, device);
            device.profile.published = told.map(|is_open| {
                if is_open {
                    profile::Presence::Open
                } else {
                    profile::Presence::Closed
                }
            });
        }
        let package = Package::Presence;
        self.tell_all(now, Topic { package, identity }, None);
    }

    /// The presence of an identity: what was published, and whether the other devices are registered.
    pub(in crate::gateway) fn presence_of(&self, now: Time, identity: IdentityNo) -> Presence {
        let Some(known) = self.registry.get(identity) else {
            return Presence::default();
        };
        let mut whole = Presence {
            entity: known.pui.clone(),
            ..Presence::default()
        };
        for (number, publication) in self.publications.of(identity) {
            join(&mut whole, &publication.presence, *number);
        }
        for (at, device) in known.devices.iter().enumerate() {
            let key = DeviceKey { identity, at };
            let is_told = self.publications.is_open(key, device).is_some();
            if !is_told && !device.is_gone {
                whole.tuples.push(registered(at, device, now));
            }
        }
        whole
    }
}

/// The document of a PUBLISH; none in a refresh.
fn published(request: &Message) -> Result<Option<Presence>, NotAccepted> {
    let body = request.body();
    if body.is_empty() {
        return Ok(None);
    }
    if body.len() > limits::PUBLICATION_OCTETS {
        return Err(NotAccepted::new(413, "the document is too large"));
    }
    let media = request.content_type().unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_encoded = request
        .text(Name::ContentEncoding)
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    if is_encoded || !media.eq_ignore_ascii_case(presence::TYPE) {
        let no = NotAccepted::new(415, "presence is another type");
        return Err(no.with("Accept", presence::TYPE.to_owned()));
    }
    match Presence::decode(body) {
        Ok(presence) => Ok(Some(presence)),
        Err(_) => Err(NotAccepted::new(400, "the document cannot be read")),
    }
}

/// Adds what one device published; its names become those of no other device.
fn join(whole: &mut Presence, one: &Presence, number: u64) {
    let name = |id: &str| format!("p{number}-{id}");
    whole.tuples.extend(one.tuples.iter().map(|tuple| Tuple {
        id: name(&tuple.id),
        ..tuple.clone()
    }));
    let persons = one.persons.iter().cloned();
    whole.persons.extend(persons.map(|mut person| {
        person.id = name(&person.id);
        person
    }));
    let devices = one.devices.iter().cloned();
    whole.devices.extend(devices.map(|mut device| {
        device.id = name(&device.id);
        device
    }));
    whole.notes.extend(one.notes.iter().cloned());
}

/// A device that published nothing: it is there when it is registered.
fn registered(at: usize, device: &Device, now: Time) -> Tuple {
    let since = device.routes.iter().map(|route| route.registered_at).max();
    // An IMEI is for nobody to see; the GRUU names the device as well.
    let urn = device.ids.iter().find(|id| id.kind() == Kind::Uuid);
    Tuple {
        id: format!("d{at}"),
        basic: Some(match since {
            Some(_) => Basic::Open,
            None => Basic::Closed,
        }),
        contact: since.and_then(|_| device.gruu().map(str::to_owned)),
        device_ids: urn.map(DeviceId::to_string).into_iter().collect(),
        timestamp: Some(since.unwrap_or(now).to_string()),
        ..Tuple::default()
    }
}
