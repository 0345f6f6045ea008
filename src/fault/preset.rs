//! Bundles of rules for what networks and peers are known to do.

use super::spec::Spec;

/// A bundle: its name, what it is like, and its rules.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is like, in a few words.
    pub what: &'static str,
    rules: fn() -> Vec<Spec>,
}

/// All bundles.
pub const PRESETS: [Preset; 5] = [
    Preset {
        name: "lossy-2g",
        what: "datagrams late, lost, doubled and out of order; streams of 4000 octets a second",
        rules: lossy,
    },
    Preset {
        name: "flapping",
        what: "links and HTTP exchanges break again and again, datagrams are lost",
        rules: flapping,
    },
    Preset {
        name: "smsc-busy",
        what: "the message centre throttles, is slow, and its receipts are late, wrong, missing or double",
        rules: busy,
    },
    Preset {
        name: "slow-client",
        what: "peers take 2000 octets a second in small pieces, and answer HTTP late",
        rules: slow,
    },
    Preset {
        name: "half-open",
        what: "connections that look open and carry nothing more",
        rules: half_open,
    },
];

/// The bundle of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Its rules, named after it.
    #[must_use]
    pub fn rules(&self) -> Vec<Spec> {
        let rules = (self.rules)().into_iter().zip(1..);
        rules
            .map(|(spec, number)| Spec {
                name: Some(format!("{}-{number}", self.name)),
                ..spec
            })
            .collect()
    }
}

fn on(fault: &str, transport: &str, p: f64) -> Spec {
    Spec {
        transport: Some(transport.to_owned()),
        p: Some(p),
        ..Spec::of(fault)
    }
}

fn lossy() -> Vec<Spec> {
    let delay = Spec {
        ms: Some(300),
        jitter_ms: Some(600),
        ..on("delay", "udp", 1.0)
    };
    let reorder = Spec {
        window: Some(2),
        ..on("reorder", "udp", 0.05)
    };
    let rate = Spec {
        rate: Some(4_000),
        ..on("rate", "stream", 1.0)
    };
    vec![
        delay,
        on("drop", "udp", 0.1),
        on("duplicate", "udp", 0.03),
        reorder,
        rate,
    ]
}

fn flapping() -> Vec<Spec> {
    vec![
        on("disconnect", "stream", 0.03),
        on("disconnect", "http", 0.05),
        on("drop", "udp", 0.05),
    ]
}

fn busy() -> Vec<Spec> {
    let throttled = Spec {
        code: Some("smpp:ESME_RTHROTTLED".to_owned()),
        matching: Some("smpp.command=submit_sm".to_owned()),
        ..on("answer", "stream", 0.3)
    };
    let slow = Spec {
        ms: Some(500),
        jitter_ms: Some(1_500),
        bearer: Some("sms".to_owned()),
        dir: Some("in".to_owned()),
        ..on("delay", "stream", 0.5)
    };
    let receipt = |lie: &str, p| Spec {
        receipt: Some(lie.to_owned()),
        ..on("receipt", "stream", p)
    };
    let late = Spec {
        ms: Some(5_000),
        ..receipt("late", 0.2)
    };
    vec![
        throttled,
        slow,
        late,
        receipt("missing", 0.1),
        receipt("failed", 0.1),
        receipt("double", 0.1),
    ]
}

fn slow() -> Vec<Spec> {
    let reads = Spec {
        rate: Some(2_000),
        dir: Some("out".to_owned()),
        ..on("slow-read", "stream", 1.0)
    };
    let answers = Spec {
        ms: Some(1_000),
        jitter_ms: Some(2_000),
        ..on("delay", "http", 1.0)
    };
    vec![reads, answers]
}

fn half_open() -> Vec<Spec> {
    vec![on("hold", "stream", 0.05), on("hold", "http", 0.05)]
}
