//! What must hold after every step, whatever the network did (architecture, section 10).

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Decision, Event, Fact, Outcome};
use crate::time::Time;

/// Watches the events of a run and keeps what contradicts the rules.
///
/// | rule | said of |
/// |---|---|
/// | a push ends once for each device and address | `push.dev`, `push.end` |
/// | content goes only to devices of the plan | `plan`, `push.tx`, `push.rx` |
/// | who decided against a SIR does not connect for it | `sir.decide`, `sess.req` |
/// | nothing is sent after the end of a push | `sir.tx`, `push.tx` after `push.end` |
/// | a device takes each push once | `push.rx` |
#[derive(Debug, Default)]
pub struct Invariants {
    plans: BTreeMap<String, BTreeSet<String>>,
    ended: BTreeMap<(String, String), u32>,
    devices_ended: BTreeMap<(String, String), Outcome>,
    taken: BTreeMap<(String, String), u32>,
    willing: BTreeSet<String>,
    accepted: BTreeSet<String>,
    violations: Vec<String>,
}

impl Invariants {
    /// Takes note of one event.
    pub fn observe(&mut self, event: &Event) {
        match &event.fact {
            Fact::PapRx { push, .. } => {
                self.accepted.insert(push.clone());
            }
            Fact::Plan { push, wanted, .. } => {
                // A plan is made again after a restart; the devices of every plan of the push count.
                self.plans
                    .entry(push.clone())
                    .or_default()
                    .extend(wanted.iter().cloned());
            }
            Fact::SirTx { push, dev, .. } => self.sent_after_end(event.t, push, dev, "a SIR"),
            Fact::PushTx { push, dev, .. } => {
                self.outside_plan(event.t, push, dev, "was sent");
                self.sent_after_end(event.t, push, dev, "content");
            }
            Fact::PushRx {
                push,
                dev,
                repeated,
                ..
            } => self.taken(event.t, push, dev, *repeated),
            Fact::SirDecide {
                dev,
                result: Decision::Connect,
                ..
            } => {
                self.willing.insert(dev.clone());
            }
            Fact::SessReq { dev, .. } if !self.willing.contains(dev) => {
                self.violate(
                    event.t,
                    &format!("{dev} asks for a session without having decided to"),
                );
            }
            Fact::PushDev {
                push, dev, outcome, ..
            } => self.device_ended(event.t, push, dev, *outcome),
            Fact::PushEnd { push, address, .. } => {
                let times = self
                    .ended
                    .entry((push.clone(), address.clone()))
                    .or_default();
                *times += 1;
                if *times > 1 {
                    self.violate(event.t, &format!("push {push} ended again for {address}"));
                }
            }
            _ => {}
        }
    }

    /// What contradicted the rules so far.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Pushes that were accepted and have not ended for any address.
    #[must_use]
    pub fn unended(&self) -> Vec<&str> {
        self.accepted
            .iter()
            .filter(|push| !self.ended.keys().any(|(ended, _)| ended == *push))
            .map(String::as_str)
            .collect()
    }

    /// How many pushes were taken by a device.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.taken.len()
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

    fn outside_plan(&mut self, at: Time, push: &str, dev: &str, what: &str) {
        if !self
            .plans
            .get(push)
            .is_some_and(|wanted| wanted.contains(dev))
        {
            self.violate(
                at,
                &format!("content of {push} {what} {dev}, which is not in its plan"),
            );
        }
    }

    fn sent_after_end(&mut self, at: Time, push: &str, dev: &str, what: &str) {
        if self
            .devices_ended
            .contains_key(&(push.to_owned(), dev.to_owned()))
        {
            self.violate(
                at,
                &format!("{what} of {push} was sent to {dev} after its end"),
            );
        }
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
        }));
        assert_eq!(watch.violations().len(), 1);
    }
}
