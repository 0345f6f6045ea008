//! Records of subscriptions and publications: devices believe in them for up to two hours, a restart or not.
//!
//! **Source:** RFC 6665 section 4.2.2 and RFC 3903 section 4 leave to the server what survives. Subscriptions that came
//! over a connection are not kept: their subscribers see it break, and a refresh is answered 481.

use serde::{Deserialize, Serialize};

use super::presence::Publication;
use super::{Package, Topic};
use crate::codec::presence::Presence;
use crate::gateway::registry::{DeviceKey, IdentityNo};
use crate::gateway::snapshot::{BadRecord, VERSION, check, json};
use crate::gateway::{Gateway, Timer};
use crate::protocol::sip::notifier::{Kept, SubscriptionNo};
use crate::time::Time;
use crate::world::{Output, Record, RecordKey, RecordKind};

#[derive(Serialize, Deserialize)]
struct SubscriptionBody {
    v: u32,
    pui: String,
    kept: Kept,
}

#[derive(Serialize, Deserialize)]
struct PublicationBody {
    v: u32,
    number: u64,
    pui: String,
    dev: String,
    etag: String,
    until: Time,
    /// The document, as subscribers get it.
    document: String,
}

impl Gateway {
    /// Saves a subscription as it is now.
    pub(super) fn keep_subscription(&self, now: Time, no: SubscriptionNo, out: &mut Vec<Output>) {
        let topic = self.notifier.topic(no);
        let identity = topic.and_then(|topic| self.registry.get(topic.identity));
        let Some((kept, identity)) = self.notifier.kept(now, no).zip(identity) else {
            return;
        };
        out.push(Output::Save(Record {
            key: key(RecordKind::Subscription, kept.name().to_owned()),
            pui: Some(identity.pui.clone()),
            live: true,
            due: Some(kept.until),
            body: json(&SubscriptionBody {
                v: VERSION,
                pui: identity.pui.clone(),
                kept,
            }),
        }));
    }

    /// Forgets the records of subscriptions that are over.
    pub(in crate::gateway) fn forget_subscriptions(&mut self, out: &mut Vec<Output>) {
        let gone = self.notifier.take_gone().into_iter();
        out.extend(gone.map(|tag| Output::Forget(key(RecordKind::Subscription, tag))));
    }

    /// Takes a subscription back.
    pub(in crate::gateway) fn restore_subscription(
        &mut self,
        now: Time,
        record: &Record,
        out: &mut Vec<Output>,
    ) -> Result<(), BadRecord> {
        let read: SubscriptionBody = serde_json::from_slice(&record.body)?;
        check(read.v)?;
        let package = Package::named(read.kept.package());
        let identity = self.registry.identity(&read.pui);
        match (package, identity) {
            (Some(package), Some(identity)) if read.kept.until > now => {
                let topic = Topic { package, identity };
                let no = self.notifier.restore(read.kept, topic, package.terms());
                // The numbers that were skipped are skipped once: the next restart goes on after these.
                self.keep_subscription(now, no, out);
            }
            _ => out.push(Output::Forget(record.key.clone())),
        }
        Ok(())
    }

    pub(super) fn keep_publication(
        &self,
        identity: IdentityNo,
        number: u64,
        out: &mut Vec<Output>,
    ) {
        let known = self.registry.get(identity);
        let own = self.publications.get(identity, number);
        let Some((identity, own)) = known.zip(own) else {
            return;
        };
        let device = self.registry.device(own.device);
        let body = PublicationBody {
            v: VERSION,
            number,
            pui: identity.pui.clone(),
            dev: device.map(|it| it.name.clone()).unwrap_or_default(),
            etag: own.etag.clone(),
            until: own.until,
            document: String::from_utf8_lossy(&own.presence.encode()).into_owned(),
        };
        out.push(Output::Save(Record {
            key: key(RecordKind::Publication, number.to_string()),
            pui: Some(identity.pui.clone()),
            live: true,
            due: Some(own.until),
            body: json(&body),
        }));
    }

    pub(super) fn forget_publication(&self, number: u64, out: &mut Vec<Output>) {
        let key = key(RecordKind::Publication, number.to_string());
        out.push(Output::Forget(key));
    }

    /// Takes a publication back.
    pub(in crate::gateway) fn restore_publication(
        &mut self,
        now: Time,
        record: &Record,
        out: &mut Vec<Output>,
    ) -> Result<(), BadRecord> {
        let read: PublicationBody = serde_json::from_slice(&record.body)?;
        check(read.v)?;
        let presence = Presence::decode(read.document.as_bytes());
        let presence = presence.map_err(|_| BadRecord::Value("a document"))?;
        let identity = self.registry.identity(&read.pui);
        let device = identity.and_then(|identity| self.registry.named(identity, &read.dev));
        let Some(device) = device.filter(|_| read.until > now) else {
            out.push(Output::Forget(record.key.clone()));
            return Ok(());
        };
        self.enter_publication(device, read, presence);
        Ok(())
    }

    fn enter_publication(&mut self, device: DeviceKey, read: PublicationBody, presence: Presence) {
        let identity = device.identity;
        let publication = Publication {
            device,
            etag: read.etag,
            presence,
            until: read.until,
        };
        self.publications.put(identity, read.number, publication);
        let timer = Timer::Unpublish(identity, read.number);
        self.timers.set(timer, read.until);
    }

    /// After a restart: what is published counts again, and subscribers are told what is.
    pub(in crate::gateway) fn resume_events(&mut self, now: Time) {
        for identity in self.publications.identities() {
            self.presence_changed(now, identity);
        }
        let all: Vec<SubscriptionNo> = self.notifier.all().collect();
        for no in all {
            self.tell_event(now, no, None);
        }
    }
}

const fn key(kind: RecordKind, id: String) -> RecordKey {
    RecordKey { kind, id }
}
