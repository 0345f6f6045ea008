//! Taking up work after a restart, from records alone.

use super::push::notification::Owed;
use super::push::submission::PushNo;
use super::registry::DeviceKey;
use super::{Gateway, Timer, message, snapshot};
use crate::event::Fact;
use crate::protocol::sip::registrar::Change;
use crate::time::Time;
use crate::world::{Output, Record, RecordKind};

impl Gateway {
    /// Takes one record back; one that cannot be read is reported and left alone.
    pub(super) fn restore_one(&mut self, now: Time, record: &Record, out: &mut Vec<Output>) {
        let read = match record.key.kind {
            RecordKind::Identity => snapshot::read_identity(&record.body, &mut self.registry),
            RecordKind::Binding => snapshot::read_binding(&record.body).map(|binding| {
                self.registrar.restore(binding);
            }),
            RecordKind::Push => snapshot::read_push(&record.body, &mut self.registry).map(|push| {
                if push.is_ended() && record.live {
                    // Earlier versions wrote so; nothing else would make history of it.
                    out.push(Output::Save(snapshot::push(&push, &self.registry)));
                }
                self.ledger.enter(push);
            }),
            RecordKind::Subscription => self.restore_subscription(now, record, out),
            RecordKind::Publication => self.restore_publication(now, record, out),
            RecordKind::Message => message::read(&record.body, &mut self.messages),
            RecordKind::Client => self.web.restore(now, &record.body),
            RecordKind::ServerKey => self.web.restore_key(&record.body),
            RecordKind::Login => self.restore_login(record),
            RecordKind::PushAgent | RecordKind::WebPush => self.restore_web_push(record),
            RecordKind::Notice => self.restore_notice(record),
            RecordKind::Owed if !record.live => Ok(()),
            RecordKind::Owed => snapshot::read_owed(&record.body).map(|owed| {
                if !self.is_premature(&owed) {
                    self.notices.enter(owed);
                }
            }),
        };
        if let Err(error) = read {
            let fact = Fact::Refused {
                from: "store".to_owned(),
                why: format!(
                    "record {} {}: {error}",
                    record.key.kind.name(),
                    record.key.id
                ),
            };
            self.report(now, fact, out);
        }
    }

    /// True when the record of the push does not know of the result yet: the push will end again.
    fn is_premature(&self, owed: &Owed) -> bool {
        self.ledger
            .of(&owed.initiator, &owed.push_id)
            .and_then(|no| self.ledger.get(no)?.addresses.get(owed.place))
            .is_some_and(|address| address.end.is_none())
    }

    /// Goes on where the records left off.
    pub(super) fn resume(&mut self, now: Time, out: &mut Vec<Output>) {
        let bindings: Vec<Change> = self
            .registrar
            .all()
            .map(|binding| Change::Refreshed(binding.clone()))
            .collect();
        for change in &bindings {
            if let Some(mirrored) = self.mirror(change) {
                self.renew_later(now, mirrored.key);
            }
        }
        self.resume_events(now);
        self.resume_notices(now, out);
        let open: Vec<PushNo> = self
            .ledger
            .all()
            .filter(|(_, push)| !push.is_ended())
            .map(|(no, _)| no)
            .collect();
        let owed: Vec<_> = self.notices.all().collect();
        for no in open {
            self.take_up(now, no, out);
        }
        for no in owed {
            self.notify(now, no, out);
        }
        self.forget(now);
    }

    fn take_up(&mut self, now: Time, no: PushNo, out: &mut Vec<Output>) {
        let Some(push) = self.ledger.get(no) else {
            return;
        };
        let mut waiting = Vec::new();
        for (group, of) in push.groups.iter().enumerate() {
            for at in of.addressed.without(of.ended()).iter() {
                let identity = of.identity;
                waiting.push((DeviceKey { identity, at }, group));
            }
        }
        let (expires, not_before) = (push.expires_at, push.not_before);
        // For one whose time has not come nobody waits yet.
        if not_before.is_none_or(|at| at <= now) {
            for (key, group) in waiting {
                self.ledger.wait_for(key, no, group);
            }
        }
        self.timers.set(Timer::Expire(no), expires);
        if now >= expires {
            self.expire_push(now, no, out);
            return;
        }
        match not_before {
            Some(at) if at > now => self.timers.set(Timer::Start(no), at),
            _ => self.start(now, no, out),
        }
    }
}
