//! The rules in force: listed, counted, and asked about each message.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::rule::{CERTAIN, Effect, Per, Rule};
use super::sight::Sight;
use super::spec::{Spec, WrongSpec};
use crate::limits::{FAULT_COUNTS, FAULT_RULES};
use crate::random::Random;
use crate::time::Time;

/// Rules, in the order in which they were added.
#[derive(Debug)]
pub struct Rules {
    live: Vec<Live>,
    random: Random,
    number: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            live: Vec::new(),
            random: Random::from_number(0),
            number: 0,
        }
    }
}

#[derive(Debug)]
struct Live {
    name: String,
    rule: Rule,
    random: Random,
    seen: u64,
    hits: u64,
    counts: BTreeMap<String, u64>,
    /// Keys in the order of their first message; the oldest gives way.
    keys: VecDeque<String>,
    is_over: bool,
}

/// A rule that hits a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The rule's name.
    pub rule: String,
    /// The kind of fault.
    pub fault: String,
    /// What it does, with what was drawn for this message.
    pub effect: Effect,
    /// How much later the message comes for that.
    pub delay: Duration,
}

/// A rule as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<'a> {
    /// Its name.
    pub name: &'a str,
    /// As it was written.
    pub spec: &'a Spec,
    /// Messages it is about.
    pub seen: u64,
    /// Messages it hit.
    pub hits: u64,
    /// When it ends, when it does.
    pub until: Option<Time>,
    /// True when it has ended.
    pub is_over: bool,
}

impl Rules {
    /// What rules without a seed of their own draw comes from `random`.
    pub fn draw_from(&mut self, mut random: Random) {
        for live in &mut self.live {
            if live.rule.spec.seed.is_none() {
                live.random = random.fork();
            }
        }
        self.random = random;
    }

    /// Adds a rule; its name.
    ///
    /// # Errors
    /// It is none, its name is taken, or there are too many.
    pub fn add(&mut self, spec: Spec, now: Time) -> Result<String, WrongSpec> {
        if self.live.len() >= FAULT_RULES {
            return Err(WrongSpec(format!("there are {FAULT_RULES} rules already")));
        }
        let rule = Rule::of(spec, now)?;
        let name = match &rule.spec.name {
            Some(name) if self.live.iter().any(|live| live.name == *name) => {
                return Err(WrongSpec(format!("there is a rule '{name}' already")));
            }
            Some(name) => name.clone(),
            None => self.fresh(),
        };
        let random = match rule.spec.seed {
            Some(seed) => Random::from_number(seed),
            None => self.random.fork(),
        };
        self.live.push(Live {
            name: name.clone(),
            rule,
            random,
            seen: 0,
            hits: 0,
            counts: BTreeMap::new(),
            keys: VecDeque::new(),
            is_over: false,
        });
        Ok(name)
    }

    fn fresh(&mut self) -> String {
        loop {
            self.number = self.number.saturating_add(1);
            let name = format!("f{}", self.number);
            if self.live.iter().all(|live| live.name != name) {
                return name;
            }
        }
    }

    /// Takes a rule out; false when there is none of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.live.len();
        self.live.retain(|live| live.name != name);
        self.live.len() < before
    }

    /// Takes all rules out; how many there were.
    pub fn reset(&mut self) -> usize {
        std::mem::take(&mut self.live).len()
    }

    /// All rules, those that have ended too.
    pub fn list(&self) -> impl Iterator<Item = Listed<'_>> {
        self.live.iter().map(|live| Listed {
            name: &live.name,
            spec: &live.rule.spec,
            seen: live.seen,
            hits: live.hits,
            until: live.rule.until,
            is_over: live.is_over,
        })
    }

    /// True when a rule may hit something.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.live.iter().any(Live::is_active)
    }

    /// True when the rule of that name goes on.
    #[must_use]
    pub fn is_live(&self, name: &str) -> bool {
        self.live
            .iter()
            .any(|live| live.name == name && !live.is_over)
    }

    /// When the next rule ends.
    #[must_use]
    pub fn next_end(&self) -> Option<Time> {
        let live = self.live.iter().filter(|live| !live.is_over);
        live.filter_map(|live| live.rule.until).min()
    }

    /// Ends what is to end at `now`; true when something did.
    pub fn expire(&mut self, now: Time) -> bool {
        let mut has_ended = false;
        for live in &mut self.live {
            if !live.is_over && live.rule.until.is_some_and(|until| until <= now) {
                live.is_over = true;
                has_ended = true;
            }
        }
        has_ended
    }

    /// Which rules hit the message.
    pub fn judge(&mut self, now: Time, sight: &Sight<'_>) -> Vec<Hit> {
        let live = self.live.iter_mut().filter(|live| live.is_active());
        live.filter_map(|live| live.judge(now, sight)).collect()
    }
}

impl Live {
    fn is_active(&self) -> bool {
        !self.is_over && !self.rule.is_inert()
    }

    fn judge(&mut self, now: Time, sight: &Sight<'_>) -> Option<Hit> {
        if self.rule.until.is_some_and(|until| until <= now) || !self.rule.is_about(sight) {
            return None;
        }
        self.seen = self.seen.saturating_add(1);
        let number = self.count(sight);
        if !self.rule.schedule.is_due(number) {
            return None;
        }
        if let Some(chance) = self.rule.schedule.chance
            && self.random.below(CERTAIN) >= chance
        {
            return None;
        }
        self.hits = self.hits.saturating_add(1);
        self.is_over = self.rule.hits.is_some_and(|most| self.hits >= most);
        let delay = match &self.rule.effect {
            Effect::Delay(least, jitter) => {
                let jitter = u64::try_from(jitter.as_micros()).unwrap_or(0);
                let late = Duration::from_micros(self.random.below(jitter.saturating_add(1)));
                least.saturating_add(late)
            }
            _ => Duration::ZERO,
        };
        Some(Hit {
            rule: self.name.clone(),
            fault: self.rule.spec.fault.clone(),
            effect: self.rule.effect.clone(),
            delay,
        })
    }

    /// Counts the message by what the rule counts by; its number, from 1.
    fn count(&mut self, sight: &Sight<'_>) -> u64 {
        let key = match self.rule.schedule.per {
            Per::Push => sight.push.as_ref().or(sight.device.as_ref()),
            Per::Device => sight.device.as_ref(),
            Per::Rule => None,
        };
        let key = key.map_or("", String::as_str);
        if let Some(count) = self.counts.get_mut(key) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.keys.len() >= FAULT_COUNTS
            && let Some(oldest) = self.keys.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.keys.push_back(key.to_owned());
        self.counts.insert(key.to_owned(), 1);
        1
    }
}
