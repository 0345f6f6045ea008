//! Contents for browsers: kept as messages of the account, delivered when one of its clients has them.
//!
//! **Source:** requirements RX.1 to RX.3. A device with the bearer `web` stands for the browsers of its identity, or for
//! the client whose id is its address. A browser asks by itself, so there is no SIR.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Gateway;
use super::bearer::Job;
use super::message::{Author, Draft};
use super::push::delivery::{Ending, Stage};
use super::push::submission::{Content, PushNo};
use super::registry::DeviceKey;
use super::service::web_message::{Acked, Desk};
use crate::codec::pap::{MessageState, Status};
use crate::event::Via;
use crate::limits;
use crate::time::Time;
use crate::world::Output;

/// The delivery to one device: its push, its identity's place there, its own place.
type Place = (PushNo, usize, usize);

/// Deliveries whose contents are messages that nobody acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Stored {
    by_message: BTreeMap<(String, u64), Place>,
    by_place: BTreeMap<Place, (String, u64)>,
}

impl Stored {
    fn insert(&mut self, account: &str, seq: u64, place: Place) {
        let message = (account.to_owned(), seq);
        self.by_message.insert(message.clone(), place);
        self.by_place.insert(place, message);
    }

    fn remove(&mut self, place: Place) -> Option<(String, u64)> {
        let message = self.by_place.remove(&place)?;
        self.by_message.remove(&message);
        Some(message)
    }

    fn upto(&self, account: &str, seq: u64) -> Vec<(u64, Place)> {
        let range = (account.to_owned(), 0)..=(account.to_owned(), seq);
        let found = self.by_message.range(range);
        found.map(|((_, seq), place)| (*seq, *place)).collect()
    }
}

impl Gateway {
    /// Keeps the content of a push for the browsers that a device stands for.
    pub(super) fn store(&mut self, now: Time, job: &Job, out: &mut Vec<Output>) {
        for at in self.waking(job).iter() {
            let Some((account, draft)) = self.draft_of(job, at) else {
                continue;
            };
            let place = (job.push, job.group, at);
            if draft.octets() > limits::WEB_MESSAGE_OCTETS {
                let why = "the content is too large for a message";
                let code = Status::CapabilitiesMismatch.code();
                let ending = Ending::failed(MessageState::Undeliverable, code, why, now);
                self.end_one(now, job.push, job.group, at, ending, out);
                continue;
            }
            let messages = &mut self.messages;
            let mut desk = Desk { now, messages, out };
            let Ok(put) = self.web.put(&mut desk, &account, draft) else {
                self.later(now, job, at, "no room for the message", None);
                continue;
            };
            self.stage(job.push, job.group, at, Stage::Paging);
            self.stored.insert(&account, put.seq, place);
            if !put.repeated {
                self.report_content(now, job, Via::Web, out);
            }
            // After a restart a client may have had it before.
            let acked = self.web.acked_of(&account);
            self.acknowledged(now, acked, out);
        }
    }

    /// Clients have what they acknowledged: those deliveries are done.
    pub(super) fn acknowledged(&mut self, now: Time, acked: Vec<Acked>, out: &mut Vec<Output>) {
        for Acked {
            account,
            client,
            upto,
        } in acked
        {
            for (seq, place) in self.stored.upto(&account, upto) {
                let client = self.web.clients().get(&client);
                let message = self.messages.get(&account, seq);
                let had = client.zip(message);
                if had.is_some_and(|(client, message)| client.was_given(message)) {
                    self.stored.remove(place);
                    let (no, group, at) = place;
                    self.end_one(now, no, group, at, Ending::delivered(now), out);
                }
            }
        }
    }

    /// Deliveries ended in another way: nobody is to get their messages any more.
    pub(super) fn unstore(&mut self, no: PushNo, ended: &[(usize, usize)], out: &mut Vec<Output>) {
        for (group, at) in ended {
            if let Some((account, seq)) = self.stored.remove((no, *group, *at)) {
                self.messages.delete(&account, seq);
            }
        }
        self.messages.save(out);
    }

    /// The message that a content becomes, and the account it is kept under.
    fn draft_of(&self, job: &Job, at: usize) -> Option<(String, Draft)> {
        let push = self.ledger.get(job.push)?;
        let identity = push.groups.get(job.group)?.identity;
        let device = self.registry.device(DeviceKey { identity, at })?;
        let account = self.registry.get(identity)?.pui.clone();
        let (summary, data) = shown(&push.content);
        let draft = Draft {
            app: push.content.application.clone(),
            // Two devices may stand for the same browsers.
            id: format!("{}/{}", push.push_id, device.name),
            by: Some(Author::Pusher(push.initiator.clone())),
            from: Some(push.initiator.clone()),
            summary,
            data,
            expires: Some(push.expires_at),
            client: device.profile.addresses.web.clone(),
            ..Draft::default()
        };
        Some((account, draft))
    }
}

/// What of a content a browser shows, and what its application gets.
fn shown(content: &Content) -> (String, Value) {
    let kind = content.content_type.as_str();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    match core::str::from_utf8(&content.body) {
        Ok(text) if essence.eq_ignore_ascii_case("text/plain") => (text.to_owned(), Value::Null),
        Ok(text) if essence.eq_ignore_ascii_case("application/json") => {
            let data = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            (String::new(), data)
        }
        Ok(text) => (String::new(), json!({ "type": kind, "text": text })),
        Err(_) => {
            let octets = STANDARD.encode(&content.body);
            (String::new(), json!({ "type": kind, "base64": octets }))
        }
    }
}
