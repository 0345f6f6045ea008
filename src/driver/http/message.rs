//! One protocol message that is kept: its octets, and what its format says of them.

use serde_json::{Value, json};

use super::reply::{Reply, json as json_reply, problem};
use crate::codec::annotated::{self, annotate};
use crate::codec::format::Format;
use crate::codec::{guess, hex};
use crate::driver::observe::{Entry, Journal};
use crate::event::Fact;

/// The answer to a question for the message of an event.
pub(super) fn answer(journal: &Journal, seq: &str) -> Reply {
    let Ok(seq) = seq.parse::<u64>() else {
        return problem(
            400,
            "a message goes by the number of its event",
            Value::Null,
        );
    };
    let entry = journal.entry(seq);
    match entry.and_then(|entry| show(&entry)) {
        Some(shown) => json_reply(200, &shown),
        None => problem(404, "no message of this number is kept", Value::Null),
    }
}

fn show(entry: &Entry) -> Option<Value> {
    let Fact::Wire {
        from,
        to,
        line,
        what,
        push,
        octets,
    } = &entry.event.fact
    else {
        return None;
    };
    Some(json!({
        "schema": "sirgate.message/1",
        "seq": entry.seq,
        "t": entry.event.t,
        "from": from,
        "to": to,
        "line": line,
        "what": what,
        "push": push,
        // Of HTTP the body alone is kept.
        "part": if line == "http" { "body" } else { "message" },
        "hex": hex::digits(octets),
        "read": read(line, octets),
    }))
}

/// What the first format that reads the octets says; else the fault of the one that comes furthest.
fn read(line: &str, octets: &[u8]) -> Value {
    if octets.is_empty() {
        return Value::Null;
    }
    let formats: Vec<&'static Format> = forms(line)
        .iter()
        .flat_map(|name| guess::named(name))
        .collect();
    let found = guess::readers(&formats, octets, true, None);
    if let Some(format) = found.first()
        && let Ok(read) = annotate(format, octets, true)
    {
        return read.to_json();
    }
    match guess::furthest(&formats, octets, true) {
        Some((format, fault)) => annotated::refused(format, &fault, &(format.spans)(octets, true)),
        None => Value::Null,
    }
}

/// Names of the formats that travel on a line, the likelier first.
fn forms(line: &str) -> &'static [&'static str] {
    match line {
        "sip" => &["sir", "sip"],
        "msrp" => &["msrp"],
        "http" => &["pap", "http", "sia"],
        "wsp" => &["wsp", "wtp"],
        "smpp" => &["smpp"],
        "sms" => &["smpp", "sms"],
        "ussd" => &["ussd", "smpp"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::Event;
    use crate::time::Time;

    fn message(line: &str, octets: &'static [u8]) -> Value {
        let fact = Fact::Wire {
            from: "PPG".to_owned(),
            to: "C1".to_owned(),
            line: line.to_owned(),
            what: String::new(),
            push: None,
            octets: Bytes::from_static(octets),
        };
        let t = Time::from_micros(7);
        show(&Entry::new(3, Event { t, fact })).unwrap()
    }

    #[test]
    fn octets_come_with_the_fields_and_spans_of_their_format() {
        let push = message("wsp", &[0x01, 0x06, 0x01, 0xb4, 0, 0, 0, 0]);
        assert_eq!(push["hex"], "010601b400000000");
        assert_eq!(push["read"]["form"], "wsp-connectionless");
        let spans = push["read"]["spans"].as_array().unwrap();
        let covered: u64 = spans.iter().filter_map(|span| span["len"].as_u64()).sum();
        assert_eq!(covered, 8);
    }

    #[test]
    fn octets_that_no_format_reads_come_with_the_fault() {
        let odd = message("msrp", b"MSRP a SEND\r\nnonsense");
        assert_eq!(odd["read"]["error"]["format"], "msrp");
        assert_eq!(message("http", b"")["read"], Value::Null);
        assert_eq!(message("http", b"")["part"], "body");
    }
}
