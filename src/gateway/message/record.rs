//! Records of messages: one for each, and one for what an account knows beside them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Change, Cleared, Draft, Message, Messages, State};
use crate::gateway::snapshot::{BadRecord, VERSION, check, json};
use crate::time::Time;
use crate::world::{Output, Record, RecordKey, RecordKind};

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    v: u32,
    #[serde(borrow)]
    account: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    message: Option<MessageBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    mark: Option<MarkBody>,
}

#[derive(Serialize, Deserialize)]
struct MessageBody<'a> {
    seq: u64,
    created: Time,
    state: State,
    draft: Cow<'a, Draft>,
}

#[derive(Serialize, Deserialize)]
struct MarkBody {
    last: u64,
    cleared: Vec<(String, u64, u64)>,
}

/// The name of the record of a message: its account, a blank, its number.
#[must_use]
pub fn key(account: &str, seq: u64) -> RecordKey {
    RecordKey {
        kind: RecordKind::Message,
        id: format!("{account} {seq}"),
    }
}

/// The name of the record of what an account knows beside its messages.
#[must_use]
fn mark(account: &str) -> RecordKey {
    RecordKey {
        kind: RecordKind::Message,
        id: account.to_owned(),
    }
}

impl Messages {
    /// What is to be saved and forgotten since it was last asked.
    pub fn save(&mut self, out: &mut Vec<Output>) {
        for change in self.take_changes() {
            match change {
                Change::Saved { account, seq } => {
                    // What went again in the same breath has its own change.
                    out.extend(self.record(&account, seq).map(Output::Save));
                }
                Change::Marked { account } => out.push(Output::Save(self.mark(&account))),
                Change::Gone { account, seq } => out.push(Output::Forget(key(&account, seq))),
                Change::Dropped { account } => out.push(Output::Forget(mark(&account))),
            }
        }
    }

    fn record(&self, account: &str, seq: u64) -> Option<Record> {
        let message = self.get(account, seq)?;
        let body = Body {
            v: VERSION,
            account: Cow::Borrowed(account),
            message: Some(MessageBody {
                seq,
                created: message.created,
                state: message.state,
                draft: Cow::Borrowed(&message.draft),
            }),
            mark: None,
        };
        Some(Record {
            key: key(account, seq),
            pui: Some(account.to_owned()),
            live: true,
            due: message.draft.expires,
            body: json(&body),
        })
    }

    fn mark(&self, account: &str) -> Record {
        let cleared = self.cleared(account);
        let body = Body {
            v: VERSION,
            account: Cow::Borrowed(account),
            message: None,
            mark: Some(MarkBody {
                last: self.last(account),
                cleared: cleared
                    .map(|one| (one.app.clone(), one.upto, one.at))
                    .collect(),
            }),
        };
        Record {
            key: mark(account),
            pui: Some(account.to_owned()),
            live: true,
            due: None,
            body: json(&body),
        }
    }
}

/// Takes a record back.
///
/// # Errors
/// When it is not one of ours, or there is no room.
pub fn read(body: &[u8], messages: &mut Messages) -> Result<(), BadRecord> {
    let read: Body<'_> = serde_json::from_slice(body)?;
    check(read.v)?;
    if let Some(message) = read.message {
        let message = Message {
            seq: message.seq,
            created: message.created,
            state: message.state,
            draft: message.draft.into_owned(),
        };
        let restored = messages.restore(&read.account, message);
        restored.map_err(|_| BadRecord::Full)?;
    }
    if let Some(mark) = read.mark {
        let cleared = mark.cleared.into_iter();
        let cleared = cleared
            .map(|(app, upto, at)| Cleared { app, upto, at })
            .collect();
        let restored = messages.restore_mark(&read.account, mark.last, cleared);
        restored.map_err(|_| BadRecord::Full)?;
    }
    Ok(())
}
