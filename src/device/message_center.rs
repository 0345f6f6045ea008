//! The message centre of a browser: takes messages to their applications, stores them, shows and clears them.
//!
//! **Source:** CN103902616A claims 1, 3 to 6, 11 to 14; requirements R0.1, R0.7, R0.26 to R0.42, R0.46 to R0.49. What a
//! page's script does is a name here: the application that registered. The local database is the part of the value that
//! a restart of the browser keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::web_poller::Arrived;

/// What becomes of a message whose application nobody registered (R0.29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// It is dropped and not stored.
    #[default]
    Drop,
    /// It is stored, and shown once its application registers.
    Keep,
}

/// Which of its modules a centre has (R0.39 to R0.41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modules {
    /// What becomes of messages without a handler.
    pub unknown: Unknown,
    /// A click clears, and what is cleared is deleted.
    pub clear: bool,
    /// What was not cleared is looked up when the browser starts.
    pub restore: bool,
}

impl Default for Modules {
    fn default() -> Self {
        Self {
            unknown: Unknown::Drop,
            clear: true,
            restore: true,
        }
    }
}

/// What the centre did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The message is in the local database.
    Stored {
        /// Its application.
        app: String,
        /// Its number.
        seq: u64,
    },
    /// The handler of its application was called with it.
    Routed {
        /// The application.
        app: String,
        /// The message.
        seq: u64,
    },
    /// Nobody registered for it.
    Dropped {
        /// The application.
        app: String,
    },
    /// Its messages were cleared and deleted.
    Cleared {
        /// The application.
        app: String,
        /// How many they were.
        n: usize,
    },
    /// The number on its icon is another.
    Badge {
        /// The application.
        app: String,
        /// The number; 0 for none.
        n: usize,
    },
}

/// The message centre.
#[derive(Clone, Debug, Default)]
pub struct MessageCentre {
    modules: Modules,
    handlers: BTreeSet<String>,
    /// The local database: applications and numbers.
    rows: BTreeMap<(String, u64), Arrived>,
    /// The numbers on the icons.
    badges: BTreeMap<String, usize>,
}

impl MessageCentre {
    /// A centre with these modules and an empty database.
    #[must_use]
    pub fn new(modules: Modules) -> Self {
        Self {
            modules,
            ..Self::default()
        }
    }

    /// An application registers its handler (R0.1); again, it takes the place of the earlier one (R0.7). What was kept
    /// for it is shown now.
    pub fn register(&mut self, app: &str) -> Vec<Done> {
        self.handlers.insert(app.to_owned());
        let mut done = Vec::new();
        if self.modules.unknown == Unknown::Keep || self.modules.restore {
            self.show(app, &mut done);
        }
        done
    }

    /// Takes messages to their applications: each is stored before its handler runs (R0.32).
    pub fn route(&mut self, messages: Vec<Arrived>) -> Vec<Done> {
        let mut done = Vec::new();
        let mut touched = BTreeSet::new();
        for message in messages {
            let (app, seq) = (message.appid.clone(), message.seq);
            let is_handled = self.handlers.contains(&app);
            if !is_handled && self.modules.unknown == Unknown::Drop {
                done.push(Done::Dropped { app });
                continue;
            }
            if self.rows.insert((app.clone(), seq), message).is_some() {
                // It came before; its application has it.
                continue;
            }
            let stored = app.clone();
            done.push(Done::Stored { app: stored, seq });
            if is_handled {
                touched.insert(app.clone());
                done.push(Done::Routed { app, seq });
            }
        }
        for app in touched {
            self.show(&app, &mut done);
        }
        done
    }

    /// The user opens an application: its messages are cleared and deleted at the same time (R0.34, R0.35). The number
    /// of the last of them, where there was any.
    pub fn click(&mut self, app: &str, done: &mut Vec<Done>) -> Option<u64> {
        if !self.modules.clear {
            return None;
        }
        let last = self.of(app).next_back().map(|row| row.seq)?;
        self.clear(app, last, done);
        Some(last)
    }

    /// Messages of an application were cleared, here or elsewhere (R0.42).
    pub fn clear(&mut self, app: &str, upto: u64, done: &mut Vec<Done>) {
        let before = self.rows.len();
        self.rows.retain(|(of, seq), _| of != app || *seq > upto);
        let n = before.saturating_sub(self.rows.len());
        if n > 0 {
            let app = app.to_owned();
            done.push(Done::Cleared { app, n });
        }
        self.show(app, done);
    }

    /// The browser starts again: the database is there, handlers and icons are not. What was not cleared is shown before
    /// anything is asked (R0.36, R0.37).
    pub fn restart(&mut self) -> Vec<Done> {
        self.handlers.clear();
        self.badges.clear();
        let mut done = Vec::new();
        if self.modules.restore {
            let apps: BTreeSet<String> = self.rows.keys().map(|(app, _)| app.clone()).collect();
            for app in apps {
                self.show(&app, &mut done);
            }
        }
        done
    }

    /// The messages of an application that are stored, oldest first.
    pub fn of(&self, app: &str) -> impl DoubleEndedIterator<Item = &Arrived> {
        let all = (app.to_owned(), 0)..=(app.to_owned(), u64::MAX);
        self.rows.range(all).map(|(_, row)| row)
    }

    /// How many messages are stored.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The number on the icon of an application.
    #[must_use]
    pub fn badge(&self, app: &str) -> usize {
        self.badges.get(app).copied().unwrap_or_default()
    }

    fn show(&mut self, app: &str, done: &mut Vec<Done>) {
        let n = self.of(app).count();
        if self.badge(app) == n {
            return;
        }
        self.badges.insert(app.to_owned(), n);
        let app = app.to_owned();
        done.push(Done::Badge { app, n });
    }
}

#[cfg(test)]
mod tests;
