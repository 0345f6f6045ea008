//! The requirement scenarios, as they stand in `testdata/scenarios`.

use super::script::Script;

/// File name and text of each, in the order of the requirements.
pub const TEXTS: &[(&str, &str)] = &[
    ("S0.1", include_str!("../../testdata/scenarios/S0.1.txt")),
    (
        "S0.1-game",
        include_str!("../../testdata/scenarios/S0.1-game.txt"),
    ),
    ("S0.2", include_str!("../../testdata/scenarios/S0.2.txt")),
    ("S0.3", include_str!("../../testdata/scenarios/S0.3.txt")),
    ("S1.1", include_str!("../../testdata/scenarios/S1.1.txt")),
    ("S1.2", include_str!("../../testdata/scenarios/S1.2.txt")),
    ("S1.3", include_str!("../../testdata/scenarios/S1.3.txt")),
    ("S1.5", include_str!("../../testdata/scenarios/S1.5.txt")),
    (
        "S1-breaks",
        include_str!("../../testdata/scenarios/S1-breaks.txt"),
    ),
    ("S2.0", include_str!("../../testdata/scenarios/S2.0.txt")),
    (
        "S2.0-core",
        include_str!("../../testdata/scenarios/S2.0-core.txt"),
    ),
    ("S2.1", include_str!("../../testdata/scenarios/S2.1.txt")),
    (
        "S2.1-info",
        include_str!("../../testdata/scenarios/S2.1-info.txt"),
    ),
    (
        "S2.1-app",
        include_str!("../../testdata/scenarios/S2.1-app.txt"),
    ),
    (
        "S2.1-message",
        include_str!("../../testdata/scenarios/S2.1-message.txt"),
    ),
    ("S2.2", include_str!("../../testdata/scenarios/S2.2.txt")),
    (
        "http-terminal",
        include_str!("../../testdata/scenarios/http-terminal.txt"),
    ),
    ("S2.3", include_str!("../../testdata/scenarios/S2.3.txt")),
    (
        "S2.4-value",
        include_str!("../../testdata/scenarios/S2.4-value.txt"),
    ),
    (
        "S2.4-body",
        include_str!("../../testdata/scenarios/S2.4-body.txt"),
    ),
    (
        "S2.4-header",
        include_str!("../../testdata/scenarios/S2.4-header.txt"),
    ),
    (
        "S2.4-core",
        include_str!("../../testdata/scenarios/S2.4-core.txt"),
    ),
    (
        "S2.4-info",
        include_str!("../../testdata/scenarios/S2.4-info.txt"),
    ),
    ("S2.5", include_str!("../../testdata/scenarios/S2.5.txt")),
    ("S2.6", include_str!("../../testdata/scenarios/S2.6.txt")),
    (
        "S2.7-sip",
        include_str!("../../testdata/scenarios/S2.7-sip.txt"),
    ),
    (
        "S2.7-signalling",
        include_str!("../../testdata/scenarios/S2.7-signalling.txt"),
    ),
    (
        "S2.7-service",
        include_str!("../../testdata/scenarios/S2.7-service.txt"),
    ),
    (
        "S2.7-http",
        include_str!("../../testdata/scenarios/S2.7-http.txt"),
    ),
    (
        "S2.7-http-to",
        include_str!("../../testdata/scenarios/S2.7-http-to.txt"),
    ),
    (
        "S2.7-wsp",
        include_str!("../../testdata/scenarios/S2.7-wsp.txt"),
    ),
    (
        "S2.7-session",
        include_str!("../../testdata/scenarios/S2.7-session.txt"),
    ),
    (
        "S2.7-wsp-session",
        include_str!("../../testdata/scenarios/S2.7-wsp-session.txt"),
    ),
    (
        "http-content",
        include_str!("../../testdata/scenarios/http-content.txt"),
    ),
    (
        "S2.7-faults",
        include_str!("../../testdata/scenarios/S2.7-faults.txt"),
    ),
    (
        "S2.7-fallback",
        include_str!("../../testdata/scenarios/S2.7-fallback.txt"),
    ),
    (
        "S2.7-ps",
        include_str!("../../testdata/scenarios/S2.7-ps.txt"),
    ),
    (
        "S2.7-ip",
        include_str!("../../testdata/scenarios/S2.7-ip.txt"),
    ),
    (
        "S2.7-sms",
        include_str!("../../testdata/scenarios/S2.7-sms.txt"),
    ),
    (
        "S2.7-ussd",
        include_str!("../../testdata/scenarios/S2.7-ussd.txt"),
    ),
    (
        "S2.7-cs",
        include_str!("../../testdata/scenarios/S2.7-cs.txt"),
    ),
    (
        "S2.7-mixed",
        include_str!("../../testdata/scenarios/S2.7-mixed.txt"),
    ),
    ("S2.8", include_str!("../../testdata/scenarios/S2.8.txt")),
    (
        "wake-http",
        include_str!("../../testdata/scenarios/wake-http.txt"),
    ),
    (
        "wake-wsp",
        include_str!("../../testdata/scenarios/wake-wsp.txt"),
    ),
];

/// All scenarios; a text that is none is left out, which a test refuses.
#[must_use]
pub fn all() -> Vec<Script> {
    TEXTS
        .iter()
        .filter_map(|(_, text)| Script::decode(text).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_scenario_of_its_name() {
        for (name, text) in TEXTS {
            let script = Script::decode(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(script.name, *name);
        }
    }
}
