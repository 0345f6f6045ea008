//! A tap on a notice: the client is started and gets what it is to show in one exchange (R1.46 to R1.50).

use serde::Deserialize;
use serde_json::json;

use super::app_state::{Heartbeat, State};
use super::asker::Answer;
use super::openings::Opening;
use super::registrations::digest;
use super::{Deed, Desk, InstantNotices, answer, problem, read, record};
use crate::event::Fact;
use crate::gateway::api::escape;
use crate::world::{HttpRequest, Output};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    token: String,
}

impl InstantNotices {
    /// A notice was tapped: the order to start its client, with what it is to show.
    pub(super) fn open(&mut self, desk: &mut Desk<'_>, request: &HttpRequest) -> Answer {
        let OpenBody { token } = read(request, "not an opening")?;
        let Some(opening) = self.openings.get_mut(&digest(&token)) else {
            return Err(problem(404, "not found", "no such notice, or not any more"));
        };
        let dev = opening.place.device.clone();
        let Opening { place, seq, .. } = opening.clone();
        if opening.is_opened {
            return Err(problem(409, "opened already", "a notice is opened once"));
        }
        opening.is_opened = true;
        desk.out.push(Output::Save(record::opening(opening)));
        desk.report(Fact::NoteOpen {
            dev: dev.clone(),
            app: place.app.clone(),
            message: seq,
        });
        let (state, at) = (State::Foreground, desk.now);
        self.registrations.beat(&place, Heartbeat { state, at });
        self.bursts.forget(&place);
        let account = escape(&place.account);
        let fetch = format!("/api/v1/accounts/{account}/messages/{seq}");
        let message = desk.messages.get(&place.account, seq).map(|message| {
            let draft = &message.draft;
            json!({
                "seq": seq,
                "from": draft.from,
                "title": draft.title,
                "summary": draft.summary,
                "data": draft.data,
            })
        });
        desk.report(Fact::AppLaunch {
            dev,
            app: place.app.clone(),
        });
        let launch = place.app.clone();
        self.deeds.push(Deed::Opened {
            account: place.account,
            seq,
        });
        Ok(answer(
            200,
            &json!({
                "schema": "sirgate.activate/1",
                "launch": launch,
                "fetch": fetch,
                "message": message,
            }),
        ))
    }
}
