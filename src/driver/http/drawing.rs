//! A push drawn from the events that are kept: as text for people, as JSON with the numbers of the events for programs.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::query::Parameters;
use super::reply::{Reply, json as json_reply, problem, reply};
use crate::driver::observe::{Entry, Journal};
use crate::event::Event;
use crate::ladder::{self, Style};

/// The answer to a question for the ladder of a push.
pub(super) async fn draw(journal: &Journal, id: String, query: &Parameters) -> Reply {
    let journal = journal.clone();
    let of_push = move || {
        let entries = journal.entries();
        let all: Vec<Event> = entries.iter().map(|entry| entry.event.clone()).collect();
        let own = ladder::of_push(&all, &id);
        let seqs = numbers(entries, &own);
        (own, seqs)
    };
    // Tens of thousands of events are looked through: not on a thread that carries packets.
    let Ok((events, seqs)) = tokio::task::spawn_blocking(of_push).await else {
        return problem(500, "the ladder could not be drawn", Value::Null);
    };
    if events.is_empty() {
        return problem(404, "no event of this push is kept", Value::Null);
    }
    let is_set = |name: &str| query.get(name).is_some_and(|value| value != "false");
    let style = Style {
        ascii: is_set("ascii"),
        all: is_set("all"),
    };
    let text = |body: String| reply(200, "text/plain; charset=utf-8", body);
    match query.get("format").unwrap_or("text") {
        "text" => text(ladder::text(&events, &[], style)),
        "mermaid" => text(ladder::mermaid(&events, &[], style.all)),
        "csv" => reply(
            200,
            "text/csv; charset=utf-8",
            ladder::csv(&events, style.all),
        ),
        "json" => json_reply(200, &ladder_json(&events, &seqs)),
        _ => problem(
            400,
            "format is one of text, json, mermaid, csv",
            Value::Null,
        ),
    }
}

/// The numbers of events that are some of the entries, in the order of their times.
fn numbers(mut entries: Vec<Arc<Entry>>, own: &[Event]) -> Vec<u64> {
    entries.sort_by_key(|entry| entry.event.t);
    let mut rest = entries.iter();
    own.iter()
        .map_while(|event| rest.find(|entry| entry.event == *event))
        .map(|entry| entry.seq)
        .collect()
}

/// Events and rungs with their numbers; a rung has that of the event it is drawn from.
fn ladder_json(events: &[Event], seqs: &[u64]) -> Value {
    let numbered = |(event, seq): (&Event, &u64)| {
        let mut members = Map::new();
        members.insert("seq".to_owned(), json!(seq));
        if let Ok(Value::Object(event)) = serde_json::to_value(event) {
            members.extend(event);
        }
        Value::Object(members)
    };
    let listed: Vec<Value> = events.iter().zip(seqs).map(numbered).collect();
    let rungs: Vec<Value> = ladder::rungs(events)
        .iter()
        .map(|rung| {
            json!({
                "seq": seqs.get(rung.event),
                "t": rung.at.micros(),
                "from": rung.from,
                "to": rung.to,
                "line": rung.line,
                "word": rung.word,
                "note": rung.note,
                "folded": rung.folded,
            })
        })
        .collect();
    json!({ "schema": "sirgate.ladder/1", "events": listed, "rungs": rungs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fact;
    use crate::time::Time;

    fn event(t: u64, dev: &str) -> Event {
        Event {
            t: Time::from_micros(t),
            fact: Fact::MsgTx {
                dev: dev.to_owned(),
                kind: "registration".to_owned(),
            },
        }
    }

    #[test]
    fn events_keep_their_numbers_when_their_times_put_them_in_another_order() {
        let all = [event(5, "C1"), event(3, "C2"), event(5, "C3")];
        let entries = all.iter().zip(1..);
        let entries = entries.map(|(event, seq)| Arc::new(Entry::new(seq, event.clone())));
        let own = [event(3, "C2"), event(5, "C3")];
        assert_eq!(numbers(entries.collect(), &own), [2, 3]);
    }

    #[test]
    fn a_rung_has_the_number_of_its_event() {
        let events = [event(3, "C2"), event(5, "C3")];
        let json = ladder_json(&events, &[7, 9]);
        assert_eq!(json["events"][1]["seq"], 9);
        assert_eq!(json["events"][1]["ev"], "msg.tx");
        assert_eq!(json["rungs"][1]["seq"], 9);
        assert_eq!(json["rungs"][1]["from"], "C3");
    }
}
