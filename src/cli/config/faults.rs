//! `[faults]`: rules in force from the start, and whether they may be changed while the gateway runs.

use std::collections::BTreeSet;

use super::reader::{Source, Table};
use crate::fault::{Rule, Spec, door};
use crate::time::Time;

/// Faults on purpose; without the table there are none, and nobody may add any.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Rules may be changed over the API.
    pub live: bool,
    /// Initiators who may, where `[policy]` names initiators.
    pub operators: Vec<String>,
    /// Rules in force from the start.
    pub rules: Vec<Spec>,
}

impl Faults {
    pub(super) fn read(table: &mut Table<'_>, source: &mut Source) -> Self {
        let mut faults = Self {
            live: table.flag(source, "live").unwrap_or(true),
            operators: table
                .texts(source, "operators")
                .unwrap_or_default()
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            rules: Vec::new(),
        };
        for (name, span) in table.texts(source, "presets").unwrap_or_default() {
            match door::of_preset(&name) {
                Ok(rules) => faults.rules.extend(rules),
                Err(why) => {
                    source.fault("SG-C004", span, why.to_string(), "name one of them".into())
                }
            }
        }
        let span = table.span_of("rule");
        for spec in table.value::<Vec<Spec>>(source, "rule").unwrap_or_default() {
            match Rule::of(spec.clone(), Time::EPOCH) {
                Ok(_) => faults.rules.push(spec),
                Err(why) => source.fault(
                    "SG-C004",
                    span.clone(),
                    why.to_string(),
                    "mend the rule; sirgate fault --help explains the words".into(),
                ),
            }
        }
        let names = faults.rules.iter().filter_map(|rule| rule.name.as_ref());
        let (count, names) = (names.clone().count(), names.collect::<BTreeSet<_>>());
        if names.len() < count {
            source.fault(
                "SG-C004",
                span,
                "two rules have one name".into(),
                "give each rule a name of its own, or none".into(),
            );
        }
        faults
    }
}
