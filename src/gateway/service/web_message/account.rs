//! What is asked about an account: its messages and their states, and what rides along on a site's responses.

use serde::Deserialize;
use serde_json::json;

use super::super::super::message::{Message, State};
use super::clients::{Answer, answer};
use super::packet::Shown;
use super::{Desk, WebMessages, parameter, problem, read};
use crate::event::Fact;
use crate::world::{HttpRequest, HttpResponse};

/// Messages that a list shows, and items that ride along, unless asked otherwise.
const LISTED: usize = 100;
const ITEMS: usize = 10;

/// Whether new messages are told apart from those that were offered before (R4.37).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Levels {
    /// No.
    One,
    /// Yes.
    Two,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    state: State,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upto {
    upto: u64,
}

impl WebMessages {
    /// The messages of an account, newest first; `?state=` and `?limit=` narrow the list (R4.9).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn messages(
        &self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        account: &str,
    ) -> Answer {
        let state = parameter(&request.target, "state").unwrap_or("any");
        let wanted: &dyn Fn(&Message) -> bool = match state {
            "any" => &|_| true,
            "unread" => &|message| message.state.is_unread(),
            "unoffered" => &|message| message.state == State::Unoffered,
            "offered" => &|message| message.state == State::Offered,
            "read" => &|message| message.state == State::Read,
            "deleted" => &|message| message.state == State::Deleted,
            _ => return Err(problem(400, "no such state", STATES)),
        };
        let limit = parameter(&request.target, "limit").and_then(|text| text.parse().ok());
        desk.messages.expire(desk.now);
        desk.save();
        let all = desk.messages.all(account).rev();
        let shown: Vec<Shown<'_>> = all
            .filter(|message| wanted(message))
            .take(limit.unwrap_or(LISTED).min(LISTED))
            .map(Shown::with_state)
            .collect();
        Ok(answer(
            200,
            &json!({
                "schema": "sirgate.messages/1",
                "account": account,
                "seq": desk.messages.last(account),
                "messages": shown,
            }),
        ))
    }

    /// One message of an account.
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn message(&self, desk: &Desk<'_>, account: &str, seq: u64) -> Answer {
        let message = desk.messages.get(account, seq);
        let message = message.filter(|message| !message.is_expired(desk.now));
        Ok(answer(
            200,
            &json!(Shown::with_state(message.ok_or_else(unknown)?)),
        ))
    }

    /// Its user opened or deleted a message (R4.47).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn change(
        &self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        (account, seq): (&str, u64),
    ) -> Answer {
        let Change { state } = read(request, "not a state")?;
        let before = desk.messages.get(account, seq).ok_or_else(unknown)?.state;
        let changed = match state {
            State::Read => desk.messages.read(account, seq),
            State::Deleted => desk.messages.delete(account, seq),
            State::Unoffered | State::Offered => {
                let why = "a user makes a message `read` or `deleted`";
                return Err(problem(422, "not a state", why));
            }
        };
        if !changed && before != state {
            let why = format!("the message is {} already", before.word());
            return Err(problem(409, "no way back", &why));
        }
        desk.save();
        if changed {
            desk.report(Fact::MsgState {
                account: account.to_owned(),
                message: seq,
                state: state.word().to_owned(),
            });
        }
        self.message(desk, account, seq)
    }

    /// What is unread in an account, before anything is marked (R4.8 to R4.16); with one level nothing tells new from
    /// offered (R4.39).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn unread(
        &self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        account: &str,
    ) -> Answer {
        let levels = match parameter(&request.target, "levels") {
            None | Some("2") => Levels::Two,
            Some("1") => Levels::One,
            Some(_) => return Err(problem(400, "not a level", "`levels` is 1 or 2")),
        };
        let most = parameter(&request.target, "items").and_then(|text| text.parse().ok());
        let most = most.unwrap_or(ITEMS).min(LISTED);
        desk.report(Fact::PbQuery {
            account: account.to_owned(),
        });
        let unread = desk.messages.unread(desk.now, account, most);
        let items = unread.items.iter().map(|message| {
            let draft = &message.draft;
            let mut item = json!({
                "seq": message.seq,
                "appid": draft.app,
                "title": draft.title,
                "summary": draft.summary,
            });
            if let Some(members) = item.as_object_mut() {
                if levels == Levels::Two {
                    let is_new = message.state == State::Unoffered;
                    members.insert("new".to_owned(), json!(is_new));
                }
                for (name, value) in [("url", &draft.url), ("from", &draft.from)] {
                    members.extend(value.as_ref().map(|text| (name.to_owned(), json!(text))));
                }
            }
            item
        });
        let items: Vec<_> = items.collect();
        let mut body = json!({
            "schema": "sirgate.unread/1",
            "seq": unread.seq,
            "rev": unread.rev,
            "items": items,
            "more": unread.more(),
        });
        if let Some(members) = body.as_object_mut() {
            let (new, old) = match levels {
                Levels::Two => (unread.new, Some(unread.old)),
                Levels::One => (unread.new.saturating_add(unread.old), None),
            };
            members.insert("new".to_owned(), json!(new));
            members.extend(old.map(|old| ("old".to_owned(), json!(old))));
        }
        desk.save();
        Ok(answer(200, &body))
    }

    /// The user was told of everything up to a number (R4.17).
    ///
    /// # Errors
    /// With the answer that refuses.
    pub(super) fn offered(
        &self,
        desk: &mut Desk<'_>,
        request: &HttpRequest,
        account: &str,
    ) -> Answer {
        let Upto { upto } = read(request, "not an offer")?;
        let n = desk.messages.offer(account, upto);
        desk.save();
        if n > 0 {
            desk.report(Fact::PbState {
                account: account.to_owned(),
                upto,
            });
        }
        Ok(answer(
            200,
            &json!({ "schema": "sirgate.offered/1", "offered": n }),
        ))
    }
}

const STATES: &str = "one of unread, unoffered, offered, read, deleted";

fn unknown() -> HttpResponse {
    problem(404, "not found", "no such message")
}
