//! Results that are owed to initiators: one for each address, told until a readable answer comes.
//!
//! **Source:** WAP-247 sections 8.7, 8.8; R2.70. An owed result is a record of its own: it is gone when the initiator
//! answered, or stays as history when it was given up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::quality::FixedState;
use serde::{Deserialize, Serialize};

use crate::codec::pap::{
    self, Document, MessageState, Operation, Quality, ResultNotification, Version,
};
use crate::time::Time;
use crate::world::{FetchError, FetchId, HttpRequest, HttpResponse};

/// An owed result, for its time in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwedNo(pub u64);

/// One result an initiator has not answered yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// Where it goes.
    pub url: String,
    /// The initiator and push-id, for the name of its record.
    pub initiator: String,
    /// The push-id.
    pub push_id: String,
    /// The address as the initiator wrote it.
    pub address: String,
    /// The address's place in the submission, for the name of its record.
    pub place: usize,
    /// The version of the submission.
    pub version: Version,
    /// PAP's message-state.
    pub state: MessageState,
    /// PAP's status code.
    pub code: u16,
    /// In words.
    pub desc: String,
    /// When the submission was accepted.
    pub received: Time,
    /// When the result came about.
    pub event: Time,
    /// The quality it was delivered with, when one was asked for.
    pub quality: Option<Quality>,
    /// Tries so far.
    pub attempt: u32,
}

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The initiator has it, and said so in PAP; its code.
    Read(u16),
    /// It has not, or did not say so.
    Unread(String),
}

/// All results that are owed.
#[derive(Debug, Default)]
pub struct Notices {
    owed: BTreeMap<OwedNo, Owed>,
    /// Due now, but too many are under way.
    queue: BTreeSet<OwedNo>,
    fetches: HashMap<FetchId, OwedNo, FixedState>,
    next: u64,
    next_fetch: u64,
}

impl Notices {
    /// Enters an owed result.
    pub fn enter(&mut self, owed: Owed) -> OwedNo {
        let no = OwedNo(self.next);
        self.next = self.next.saturating_add(1);
        self.owed.insert(no, owed);
        no
    }

    /// An owed result.
    #[must_use]
    pub fn get(&self, no: OwedNo) -> Option<&Owed> {
        self.owed.get(&no)
    }

    /// Begins a try, unless `open_max` are under way: then it waits for one of them to end.
    pub fn fetch(&mut self, no: OwedNo, open_max: usize) -> Option<(FetchId, HttpRequest)> {
        if self.fetches.len() >= open_max {
            self.queue.insert(no);
            return None;
        }
        let owed = self.owed.get_mut(&no)?;
        owed.attempt = owed.attempt.saturating_add(1);
        let request = owed.request();
        let id = self.fetch_id();
        self.fetches.insert(id, no);
        Some((id, request))
    }

    /// A number for a fetch, of a result or not.
    pub fn fetch_id(&mut self) -> FetchId {
        let id = FetchId(self.next_fetch);
        self.next_fetch = self.next_fetch.saturating_add(1);
        id
    }

    /// Ends a try: the result it was for, and the next one that waited for its turn.
    pub fn answered(&mut self, id: FetchId) -> Option<(OwedNo, Option<OwedNo>)> {
        let no = self.fetches.remove(&id)?;
        Some((no, self.queue.pop_first()))
    }

    /// Takes out a result that is no longer owed.
    pub fn settle(&mut self, no: OwedNo) -> Option<Owed> {
        self.queue.remove(&no);
        self.owed.remove(&no)
    }

    /// Every result that is owed, in the order in which they came about.
    pub fn all(&self) -> impl Iterator<Item = OwedNo> {
        self.owed.keys().copied()
    }

    /// How many are owed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.owed.len()
    }

    /// True when none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }
}

impl Owed {
    /// The name of its record.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {} {}", self.initiator, self.push_id, self.place)
    }

    /// The document, in the version of the submission.
    #[must_use]
    pub fn document(&self) -> Document {
        Document::new(
            self.version,
            self.version > Version::V1_0,
            Operation::ResultNotification(ResultNotification {
                push_id: self.push_id.clone(),
                address: self.address.clone(),
                state: self.state,
                code: self.code,
                desc: Some(self.desc.clone()),
                event_time: Some(self.event),
                received_time: Some(self.received),
                quality: self.quality.clone(),
                sender_address: None,
                sender_name: None,
            }),
        )
    }

    fn request(&self) -> HttpRequest {
        HttpRequest {
            method: "POST".to_owned(),
            target: self.url.clone(),
            headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
            body: self.document().encode().into(),
        }
    }
}

/// Reads what came of a try. Only a PAP answer counts: a proxy's 200 says nothing about the initiator.
#[must_use]
pub fn read(response: Result<HttpResponse, FetchError>) -> Answer {
    let response = match response {
        Ok(response) => response,
        Err(error) => return Answer::Unread(format!("{error:?}")),
    };
    match pap::decode(&response.body).map(|document| document.operation) {
        Ok(Operation::ResultNotificationResponse(answer)) => Answer::Read(answer.code),
        Ok(Operation::BadMessage(answer)) => Answer::Read(answer.code),
        Ok(_) => Answer::Unread(format!("HTTP {}, another PAP document", response.status)),
        Err(error) => Answer::Unread(format!("HTTP {}, {error}", response.status)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::pap::{BadMessage, ResultNotificationResponse};

    fn owed() -> Owed {
        Owed {
            url: "http://pi.example.com/result".to_owned(),
            initiator: "192.0.2.1".to_owned(),
            push_id: "1@pi.example.com".to_owned(),
            address: "WAPPUSH=x/TYPE=USER@ppg.example.com".to_owned(),
            place: 0,
            version: Version::V2_0,
            state: MessageState::Delivered,
            code: 1000,
            desc: "delivered".to_owned(),
            received: Time::from_secs(1),
            event: Time::from_secs(2),
            quality: None,
            attempt: 0,
        }
    }

    fn response(status: u16, body: Vec<u8>) -> Result<HttpResponse, FetchError> {
        Ok(HttpResponse {
            status,
            headers: Vec::new(),
            body: Bytes::from(body),
        })
    }

    #[test]
    fn the_document_reads_back_in_the_version_of_the_submission() {
        let document = pap::decode(&owed().document().encode()).unwrap();
        assert_eq!(document.version, Version::V2_0);
        let Operation::ResultNotification(result) = document.operation else {
            panic!("not a result");
        };
        assert_eq!(result.push_id, "1@pi.example.com");
        assert_eq!(result.state, MessageState::Delivered);
    }

    #[test]
    fn only_a_pap_answer_counts_as_read() {
        let answer = |operation| Document::new(Version::V2_0, true, operation).encode();
        let accepted = answer(Operation::ResultNotificationResponse(
            ResultNotificationResponse {
                push_id: "1@pi.example.com".to_owned(),
                address: "a".to_owned(),
                code: 1000,
                desc: None,
            },
        ));
        assert_eq!(read(response(200, accepted)), Answer::Read(1000));
        let bad = answer(Operation::BadMessage(BadMessage {
            code: 2000,
            desc: None,
            fragment: None,
        }));
        assert_eq!(read(response(202, bad)), Answer::Read(2000));
        assert!(matches!(read(response(200, Vec::new())), Answer::Unread(_)));
        assert!(matches!(
            read(Err(FetchError::Unreachable)),
            Answer::Unread(_)
        ));
    }

    #[test]
    fn only_so_many_are_under_way_at_a_time() {
        let mut notices = Notices::default();
        let (one, two) = (notices.enter(owed()), notices.enter(owed()));
        let (fetch, _) = notices.fetch(one, 1).unwrap();
        assert_eq!(notices.fetch(two, 1), None);
        assert_eq!(notices.answered(fetch), Some((one, Some(two))));
        assert!(notices.fetch(two, 1).is_some());
        assert_eq!(notices.get(two).unwrap().attempt, 1);
    }
}
