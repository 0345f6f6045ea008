//! Which fields each event has, beside `t`, `seq` and `ev`: what a filter may ask for.

/// Events by name, in the order of [`super::NAMES`].
pub const FIELDS: [(&str, &[&str]); super::NAMES.len()] = [
    ("pap.rx", &["push", "pui", "app"]),
    ("pap.refused", &["push", "code", "why"]),
    ("obtain", &["push", "pui", "devices", "connected"]),
    ("plan", &["push", "mode", "wanted", "excluded", "ids"]),
    (
        "sir.tx",
        &["push", "bearer", "mode", "dev", "ids", "place", "sir"],
    ),
    ("sir.answer", &["push", "dev", "bearer", "status", "failed"]),
    ("sir.next", &["push", "dev", "bearer", "why", "next"]),
    ("wake", &["dev", "by", "push"]),
    ("sir.rx", &["dev", "bearer", "sir", "ids", "pui"]),
    (
        "sir.decide",
        &["dev", "sir", "result", "reason", "conflict", "detail"],
    ),
    ("prompt", &["dev", "kind"]),
    ("sess.req", &["dev", "ppg", "sir"]),
    ("sess.up", &["dev", "ppg", "by"]),
    ("sess.down", &["dev", "ppg", "by", "why"]),
    ("push.tx", &["push", "dev", "via", "octets"]),
    ("push.rx", &["push", "dev", "via", "octets", "repeated"]),
    ("push.dev", &["push", "dev", "outcome", "reason"]),
    ("push.end", &["push", "address", "state", "code", "desc"]),
    ("pap.notify", &["push", "address", "attempt", "result"]),
    ("info.tx", &["dev", "kind", "via"]),
    ("info.rx", &["dev", "kind", "via", "info"]),
    ("msg.tx", &["dev", "kind"]),
    ("msg.rx", &["dev", "kind"]),
    ("app.act", &["dev", "app", "when"]),
    ("app.reg", &["dev", "app"]),
    ("reg", &["pui", "dev", "change", "contact"]),
    ("dev.reg", &["pui", "dev"]),
    ("wire", &["from", "to", "line", "what", "push"]),
    (
        "fault.hit",
        &[
            "rule", "fault", "dir", "line", "what", "bearer", "dev", "push",
        ],
    ),
    ("smsc", &["address", "state", "why"]),
    ("poll.req", &["client", "since"]),
    ("poll.rsp", &["client", "n"]),
    ("web.client", &["client", "change"]),
    ("web.app", &["client", "app", "change"]),
    ("msg.put", &["account", "app", "message"]),
    ("msg.state", &["account", "state", "message"]),
    ("login", &["account"]),
    ("logout", &["account"]),
    ("pb.query", &["account"]),
    ("pb.attach", &["account", "new", "offered", "summaries"]),
    ("pb.state", &["account", "upto"]),
    ("mc.route", &["dev", "app", "message"]),
    ("mc.store", &["dev", "app", "message"]),
    ("mc.clear", &["dev", "app", "n"]),
    ("mc.drop", &["dev", "app"]),
    ("badge.set", &["dev", "app", "n"]),
    ("wp.agent", &["agent", "change"]),
    ("wp.sub", &["agent", "sub", "change"]),
    ("wp.msg", &["sub", "msg", "state", "code", "attempt"]),
    ("wp.out", &["client", "message", "state", "code", "attempt"]),
    ("note.token", &["dev", "by", "app"]),
    ("note.req", &["dev", "by", "note", "status", "reason"]),
    ("note.given", &["dev", "by", "note", "octets"]),
    ("mon.reg", &["account", "dev", "app", "change"]),
    ("mon.state", &["account", "app", "state", "why"]),
    ("mon.new", &["account", "app", "message"]),
    ("appstate", &["dev", "app", "state", "by"]),
    ("note.tx", &["dev", "app", "channel", "form", "message"]),
    ("direct.tx", &["dev", "app", "message"]),
    ("note.open", &["dev", "app", "message"]),
    ("app.launch", &["dev", "app"]),
    ("note.rx", &["dev", "app", "text"]),
    ("refused", &["from", "why"]),
];

/// The fields that every event has.
const COMMON: [&str; 3] = ["t", "seq", "ev"];

/// The fields of the events that a name, or the start of one with `*` behind it, stands for.
#[must_use]
pub fn of(name: &str) -> Vec<&'static str> {
    let is_meant = |known: &str| match name.strip_suffix('*') {
        Some(start) => known.starts_with(start),
        None => known == name,
    };
    let meant = FIELDS.iter().filter(|(known, _)| is_meant(known));
    let mut fields: Vec<&str> = meant
        .flat_map(|(_, fields)| fields.iter().copied())
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields.extend(COMMON);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_the_schema() {
        let schema = include_str!("../../docs/events.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let events = schema["oneOf"].as_array().unwrap();
        assert_eq!(events.len(), FIELDS.len());
        for event in events {
            let properties = event["properties"].as_object().unwrap();
            let name = properties["ev"]["const"].as_str().unwrap();
            let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
            let mut fields = of(name);
            known.sort_unstable();
            fields.sort_unstable();
            assert_eq!(fields, known, "{name}");
        }
    }

    #[test]
    fn a_start_stands_for_all_events_that_begin_so() {
        assert!(of("push.*").contains(&"octets") && of("push.*").contains(&"desc"));
        assert!(!of("push.dev").contains(&"octets"));
        assert!(of("*").contains(&"bearer"));
    }
}
