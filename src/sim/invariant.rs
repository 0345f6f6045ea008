//! What must hold after every step, whatever the network did (architecture, section 10).

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Decision, Event, Fact, Mode, Outcome};
use crate::time::Time;

/// What a submission says, for what its events must keep to.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Nothing is sent before.
    pub not_before: Option<Time>,
    /// Nothing is sent from then on.
    pub not_after: Option<Time>,
    /// The push it takes the place of, for all of that one's addresses.
    pub replaces: Option<String>,
}

/// Watches the events of a run and keeps what contradicts the rules.
///
/// | rule | said of |
/// |---|---|
/// | a push ends once for each device and address | `push.dev`, `push.end` |
/// | content goes only to devices of the plan, and so does a SIR for one device | `plan`, `sir.tx`, `push.tx`, `push.rx` |
/// | a device connects only for a SIR for which it decided to, and in which it is named if anybody is | `sir.rx`, `sir.decide`, `sess.req` |
/// | nothing is sent after the end of a push, nor before or after its time | `sir.tx`, `push.tx` after `push.end` |
/// | nothing is sent of a push once another one has taken its place | `pap.rx`, `sir.tx`, `push.tx` |
/// | a device takes each push once | `push.rx` |
/// | what was accepted ends, and in time | [`Invariants::unended`] |
#[derive(Debug, Default)]
pub struct Invariants {
    terms: BTreeMap<String, Terms>,
    /// Device identifiers by name.
    identifiers: BTreeMap<String, String>,
    plans: BTreeMap<String, BTreeSet<String>>,
    ended: BTreeMap<(String, String), u32>,
    devices_ended: BTreeMap<(String, String), Outcome>,
    taken: BTreeMap<(String, String), u32>,
    /// Devices and the SIRs for which they decided to connect.
    willing: BTreeSet<(String, Option<String>)>,
    /// Devices and the SIRs that name others only.
    strangers: BTreeSet<(String, Option<String>)>,
    accepted: BTreeSet<String>,
    /// Pushes whose initiator is told a result.
    told: BTreeSet<String>,
    replaced: BTreeSet<String>,
    excluded: u64,
    violations: Vec<String>,
}

impl Invariants {
    /// The same, for pushes of these terms and devices of these names and identifiers.
    #[must_use]
    pub fn of(terms: BTreeMap<String, Terms>, identifiers: BTreeMap<String, String>) -> Self {
        Self {
            terms,
            identifiers,
            ..Self::default()
        }
    }

    /// Takes note of one event.
    pub fn observe(&mut self, event: &Event) {
        let at = event.t;
        match &event.fact {
            Fact::PapRx { push, .. } => self.accepted(push),
            Fact::Plan {
                push,
                wanted,
                excluded,
                ..
            } => {
                self.excluded += excluded.len() as u64;
                // A plan is made again after a restart; the devices of every plan of the push count.
                let plan = self.plans.entry(push.clone()).or_default();
                plan.extend(wanted.iter().cloned());
            }
            Fact::SirTx {
                push, dev, mode, ..
            } => {
                if *mode == Mode::Targeted {
                    self.outside_plan(at, push, dev, "was announced to");
                }
                // A SIR for all goes to a device that the plan left out, too: it is not named in it.
                let is_end = self.is_planned(push, dev);
                self.may_be_sent(at, push, dev, "a SIR", is_end);
            }
            Fact::PushTx { push, dev, .. } => {
                self.outside_plan(at, push, dev, "was sent to");
                self.may_be_sent(at, push, dev, "content", true);
            }
            Fact::PushRx {
                push,
                dev,
                repeated,
                ..
            } => self.taken(at, push, dev, *repeated),
            Fact::SirRx { dev, sir, ids, .. } => {
                let own = self.identifiers.get(dev);
                if own.is_some_and(|own| !ids.is_empty() && !ids.contains(own)) {
                    self.strangers.insert((dev.clone(), sir.clone()));
                }
            }
            Fact::SirDecide {
                dev,
                sir,
                result: Decision::Connect,
                ..
            } => {
                self.willing.insert((dev.clone(), sir.clone()));
            }
            Fact::SessReq { dev, sir, .. } => self.asked(at, dev, sir.as_ref()),
            Fact::PushDev {
                push, dev, outcome, ..
            } => self.device_ended(at, push, dev, *outcome),
            Fact::PushEnd { push, address, .. } => self.address_ended(at, push, address),
            Fact::PapNotify { push, .. } => {
                self.told.insert(push.clone());
            }
            _ => {}
        }
    }

    /// What contradicted the rules so far.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Pushes that were accepted and of which no address has ended: of a push whose end was on record when the gateway
    /// died, the result that its initiator is told says so.
    #[must_use]
    pub fn unended(&self) -> Vec<&str> {
        self.accepted
            .iter()
            .filter(|push| !self.told.contains(*push))
            .filter(|push| !self.ended.keys().any(|(ended, _)| ended == *push))
            .map(String::as_str)
            .collect()
    }

    /// How many pushes were taken by a device.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.taken.len()
    }

    /// How often a plan left a device out.
    #[must_use]
    pub const fn excluded(&self) -> u64 {
        self.excluded
    }

    fn accepted(&mut self, push: &str) {
        self.accepted.insert(push.to_owned());
        let old = self
            .terms
            .get(push)
            .and_then(|terms| terms.replaces.clone());
        if let Some(old) = old.filter(|old| self.accepted.contains(old)) {
            self.replaced.insert(old);
        }
    }

    fn asked(&mut self, at: Time, dev: &str, sir: Option<&String>) {
        let key = (dev.to_owned(), sir.cloned());
        let sir = sir.map_or("?", String::as_str);
        if !self.willing.contains(&key) {
            let what = format!("{dev} asks for a session for SIR {sir} without having decided to");
            self.violate(at, &what);
        }
        if self.strangers.contains(&key) {
            let what = format!("{dev} asks for a session for SIR {sir}, which names others");
            self.violate(at, &what);
        }
    }

    fn address_ended(&mut self, at: Time, push: &str, address: &str) {
        let key = (push.to_owned(), address.to_owned());
        let times = self.ended.entry(key).or_default();
        *times += 1;
        if *times > 1 {
            self.violate(at, &format!("push {push} ended again for {address}"));
        }
    }

    fn taken(&mut self, at: Time, push: &str, dev: &str, repeated: bool) {
        self.outside_plan(at, push, dev, "reached");
        if repeated {
            return;
        }
        let times = self
            .taken
            .entry((push.to_owned(), dev.to_owned()))
            .or_default();
        *times += 1;
        if *times > 1 {
            self.violate(at, &format!("{dev} took push {push} twice"));
        }
    }

    fn device_ended(&mut self, at: Time, push: &str, dev: &str, outcome: Outcome) {
        let key = (push.to_owned(), dev.to_owned());
        if let Some(first) = self.devices_ended.insert(key, outcome) {
            self.violate(
                at,
                &format!("push {push} ended for {dev} as {outcome:?} after {first:?}"),
            );
        }
    }

    fn is_planned(&self, push: &str, dev: &str) -> bool {
        let plan = self.plans.get(push);
        plan.is_some_and(|wanted| wanted.contains(dev))
    }

    fn outside_plan(&mut self, at: Time, push: &str, dev: &str, what: &str) {
        if !self.is_planned(push, dev) {
            self.violate(
                at,
                &format!("{push} {what} {dev}, which is not in its plan"),
            );
        }
    }

    /// Nothing goes out after the end, outside its time, or when another push has taken the place.
    fn may_be_sent(&mut self, at: Time, push: &str, dev: &str, what: &str, is_end: bool) {
        let key = (push.to_owned(), dev.to_owned());
        let terms = self.terms.get(push);
        let before = terms.and_then(|terms| terms.not_before);
        let after = terms.and_then(|terms| terms.not_after);
        let why = if is_end && self.devices_ended.contains_key(&key) {
            "after its end"
        } else if before.is_some_and(|before| at < before) {
            "before its time"
        } else if after.is_some_and(|after| at >= after) {
            "after its time"
        } else if self.replaced.contains(push) {
            "after it was replaced"
        } else {
            return;
        };
        self.violate(at, &format!("{what} of {push} was sent to {dev} {why}"));
    }

    fn violate(&mut self, at: Time, what: &str) {
        self.violations
            .push(format!("{:.6} {what}", at.since(Time::EPOCH).as_secs_f64()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Via;

    fn event(fact: Fact) -> Event {
        Event {
            t: Time::EPOCH,
            fact,
        }
    }

    fn content(push: &str, dev: &str) -> Event {
        event(Fact::PushRx {
            push: push.into(),
            dev: dev.into(),
            via: Via::New,
            octets: 1,
            repeated: false,
        })
    }

    fn plan(push: &str, wanted: &[&str]) -> Event {
        event(Fact::Plan {
            push: push.into(),
            mode: None,
            wanted: wanted.iter().map(ToString::to_string).collect(),
            excluded: Vec::new(),
            ids: Vec::new(),
        })
    }

    #[test]
    fn content_outside_the_plan_is_a_violation() {
        let mut watch = Invariants::default();
        watch.observe(&plan("p", &["C1"]));
        watch.observe(&content("p", "C1"));
        assert!(watch.violations().is_empty());
        watch.observe(&content("p", "C2"));
        assert_eq!(watch.violations().len(), 1);
    }

    #[test]
    fn taking_a_push_twice_is_a_violation() {
        let mut watch = Invariants::default();
        watch.observe(&plan("p", &["C1"]));
        watch.observe(&content("p", "C1"));
        watch.observe(&content("p", "C1"));
        assert_eq!(watch.violations().len(), 1);
    }

    #[test]
    fn a_second_end_is_a_violation() {
        let mut watch = Invariants::default();
        let end = event(Fact::PushEnd {
            push: "p".into(),
            address: "a".into(),
            state: "delivered".into(),
            code: 1000,
            desc: String::new(),
        });
        watch.observe(&end);
        watch.observe(&end);
        assert_eq!(watch.violations().len(), 1);
    }

    #[test]
    fn a_session_without_a_decision_is_a_violation() {
        let mut watch = Invariants::default();
        watch.observe(&event(Fact::SessReq {
            dev: "C2".into(),
            ppg: "ppg".into(),
            sir: None,
        }));
        assert_eq!(watch.violations().len(), 1);
    }

    fn decides(sir: &str) -> Event {
        event(Fact::SirDecide {
            dev: "C2".into(),
            sir: Some(sir.into()),
            result: Decision::Connect,
            reason: crate::event::Reason::Match,
            conflict: false,
            detail: None,
        })
    }

    fn asks(sir: &str) -> Event {
        event(Fact::SessReq {
            dev: "C2".into(),
            ppg: "ppg".into(),
            sir: Some(sir.into()),
        })
    }

    #[test]
    fn a_decision_is_of_one_sir_only() {
        let mut watch = Invariants::default();
        watch.observe(&decides("1"));
        watch.observe(&asks("1"));
        assert!(watch.violations().is_empty());
        watch.observe(&asks("2"));
        assert_eq!(watch.violations().len(), 1);
    }

    #[test]
    fn a_session_for_a_sir_that_names_others_is_a_violation() {
        let ids = [("C2".to_owned(), "esn:80A1B2C3".to_owned())].into();
        let mut watch = Invariants::of(BTreeMap::new(), ids);
        watch.observe(&event(Fact::SirRx {
            dev: "C2".into(),
            bearer: crate::event::Bearer::Sip,
            sir: Some("1".into()),
            ids: vec!["esn:80A1B2C4".into()],
            pui: None,
        }));
        watch.observe(&decides("1"));
        watch.observe(&asks("1"));
        assert_eq!(watch.violations().len(), 1);
    }

    fn sends(at: u64) -> Event {
        Event {
            t: Time::from_secs(at),
            fact: Fact::PushTx {
                push: "p".into(),
                dev: "C1".into(),
                via: Via::New,
                octets: 1,
            },
        }
    }

    fn accepts(push: &str) -> Event {
        event(Fact::PapRx {
            push: push.into(),
            pui: "sip:a@example.com".into(),
            app: None,
        })
    }

    #[test]
    fn content_outside_the_time_of_a_push_is_a_violation() {
        let terms = Terms {
            not_before: Some(Time::from_secs(10)),
            not_after: Some(Time::from_secs(20)),
            replaces: None,
        };
        let mut watch = Invariants::of([("p".to_owned(), terms)].into(), BTreeMap::new());
        watch.observe(&plan("p", &["C1"]));
        watch.observe(&sends(10));
        watch.observe(&sends(19));
        assert!(watch.violations().is_empty());
        watch.observe(&sends(9));
        watch.observe(&sends(20));
        assert_eq!(watch.violations().len(), 2);
    }

    #[test]
    fn content_of_a_push_that_was_replaced_is_a_violation() {
        let terms = Terms {
            replaces: Some("p".to_owned()),
            ..Terms::default()
        };
        let mut watch = Invariants::of([("q".to_owned(), terms)].into(), BTreeMap::new());
        watch.observe(&accepts("p"));
        watch.observe(&plan("p", &["C1"]));
        watch.observe(&sends(1));
        watch.observe(&accepts("q"));
        assert!(watch.violations().is_empty());
        watch.observe(&sends(2));
        assert_eq!(watch.violations().len(), 1);
    }

    #[test]
    fn what_was_accepted_and_neither_ended_nor_told_is_unended() {
        let mut watch = Invariants::default();
        watch.observe(&accepts("p"));
        assert_eq!(watch.unended(), ["p"]);
        watch.observe(&event(Fact::PapNotify {
            push: "p".into(),
            address: "a".into(),
            attempt: 1,
            result: "sent".into(),
        }));
        assert!(watch.unended().is_empty());
    }
}
