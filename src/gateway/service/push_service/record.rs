//! Browsers and pushes as records, and back after a restart.

use std::collections::HashMap;

use bytes::Bytes;
use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::browsers::{Agent, Channel, Pace};
use super::mails::Mail;
use super::{PushService, Timer};
use crate::codec::web_push::demand::Urgency;
use crate::codec::web_push::{of_text, public_key, to_text};
use crate::gateway::snapshot::BadRecord;
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

/// The version of both bodies.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct AgentBody {
    v: u32,
    channels: Vec<ChannelBody>,
    gone: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct ChannelBody {
    channel: Uuid,
    resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MailBody {
    v: u32,
    agent: String,
    channel: Uuid,
    resource: String,
    version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    urgency: Urgency,
    ttl: u64,
    taken: Time,
    content: String,
}

pub(super) fn agent(
    name: &str,
    agent: &Agent,
    channels: &HashMap<String, Channel, RandomState>,
) -> Record {
    let key_of = |resource: &String| channels.get(resource)?.key.as_ref();
    let body = AgentBody {
        v: VERSION,
        channels: agent
            .channels
            .iter()
            .map(|(channel, resource)| ChannelBody {
                channel: *channel,
                resource: resource.clone(),
                key: key_of(resource).map(|key| to_text(key)),
            })
            .collect(),
        gone: agent.gone.iter().cloned().collect(),
    };
    let key = RecordKey {
        kind: RecordKind::PushAgent,
        id: name.to_owned(),
    };
    record(key, None, &body)
}

pub(super) fn mail_key(no: u64) -> RecordKey {
    RecordKey {
        kind: RecordKind::WebPush,
        id: no.to_string(),
    }
}

pub(super) fn mail(no: u64, mail: &Mail) -> Record {
    let body = MailBody {
        v: VERSION,
        agent: mail.agent.clone(),
        channel: mail.channel,
        resource: mail.resource.clone(),
        version: mail.version.clone(),
        topic: mail.topic.clone(),
        urgency: mail.urgency,
        ttl: mail.ttl,
        taken: mail.taken,
        content: to_text(&mail.content),
    };
    record(mail_key(no), Some(mail.until()), &body)
}

fn record(key: RecordKey, due: Option<Time>, body: &impl Serialize) -> Record {
    Record {
        key,
        pui: None,
        live: true,
        due,
        // Neither holds a map or a number that JSON has not.
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}

impl PushService {
    /// Takes a browser or a push back; browsers first.
    ///
    /// # Errors
    /// The record cannot be read, or is of a browser that is not known.
    pub fn restore(&mut self, record: &Record) -> Result<(), BadRecord> {
        match record.key.kind {
            RecordKind::PushAgent => self.restore_agent(&record.key.id, &record.body),
            _ => self.restore_mail(&record.key.id, &record.body),
        }
    }

    fn restore_agent(&mut self, name: &str, body: &[u8]) -> Result<(), BadRecord> {
        let body: AgentBody = serde_json::from_slice(body)?;
        check(body.v)?;
        let mut agent = Agent::default();
        for of in body.channels {
            let key = match of.key {
                Some(text) => Some(public_key(&text).ok_or(BadRecord::Value("key"))?),
                None => None,
            };
            agent.channels.insert(of.channel, of.resource.clone());
            let channel = Channel {
                agent: name.to_owned(),
                channel: of.channel,
                key,
                pace: Pace::default(),
            };
            self.channels.insert(of.resource, channel);
        }
        for resource in body.gone {
            self.gone.insert(resource.clone(), ());
            agent.gone.push_back(resource);
        }
        self.agents.insert(name.to_owned(), agent);
        Ok(())
    }

    fn restore_mail(&mut self, id: &str, body: &[u8]) -> Result<(), BadRecord> {
        let no: u64 = id.parse().map_err(|_| BadRecord::Value("id"))?;
        let body: MailBody = serde_json::from_slice(body)?;
        check(body.v)?;
        let agent = self.agents.get_mut(&body.agent);
        let agent = agent.ok_or(BadRecord::Value("agent"))?;
        agent.mails.insert(no);
        let mail = Mail {
            agent: body.agent,
            channel: body.channel,
            resource: body.resource,
            version: body.version,
            topic: body.topic,
            urgency: body.urgency,
            ttl: body.ttl,
            taken: body.taken,
            content: Bytes::from(of_text(&body.content).ok_or(BadRecord::Value("content"))?),
            tries: 0,
        };
        self.timers.set(Timer::Over(no), mail.until());
        self.mails.restore(no, mail);
        Ok(())
    }
}

const fn check(version: u32) -> Result<(), BadRecord> {
    if version == VERSION {
        Ok(())
    } else {
        Err(BadRecord::Version(version))
    }
}
