//! What users choose, and what monitors do, shown and changed (R1.13, R1.14).

use serde_json::json;

use super::asker::{Answer, Asker, stranger};
use super::registrations::Preference;
use super::{Desk, InstantNotices, answer, problem, read, record};
use crate::world::{HttpResponse, Output};

impl InstantNotices {
    /// What a user chose.
    pub(super) fn show_preference(&self, (account, app): (&str, &str), asker: Asker<'_>) -> Answer {
        let account = self.account(account, asker)?;
        let chosen = self.preferences.get(&(account, app.to_owned()));
        Ok(answer(200, &json!(chosen.cloned().unwrap_or_default())))
    }

    /// A user chooses: whether he is told, where, and how much.
    pub(super) fn prefer(
        &mut self,
        desk: &mut Desk<'_>,
        (account, app): (&str, &str),
        asker: Asker<'_>,
    ) -> Answer {
        let preference: Preference = read(asker.request, "not a preference")?;
        if !self.watched.contains_key(app) {
            return Err(problem(404, "not found", "no such application is watched"));
        }
        let account = self.account(account, asker)?;
        let record = record::preference(&account, app, &preference);
        desk.out.push(Output::Save(record));
        let shown = json!(preference);
        self.preferences
            .insert((account, app.to_owned()), preference);
        Ok(answer(200, &shown))
    }

    /// What each monitor does, for the operator.
    pub(super) fn show_monitors(&self, asker: &Asker<'_>) -> Answer {
        asker.initiator.clone()?;
        let monitors = self.monitors.iter().map(|((account, app), state)| {
            json!({ "account": account, "app": app, "state": state.word() })
        });
        let monitors: Vec<_> = monitors.collect();
        Ok(answer(
            200,
            &json!({ "schema": "sirgate.monitors/1", "monitors": monitors }),
        ))
    }

    /// The account of a path, when the asker may act for it: its user, logged in here or verified before, or an initiator.
    fn account(&self, named: &str, asker: Asker<'_>) -> Result<String, HttpResponse> {
        let own = self.own(asker.request).ok().map(|own| own.place.account);
        let own = own.or(asker.verified);
        let account = (asker.resolve)(named);
        match (own, account) {
            (Some(own), Some(account)) if own == account => Ok(account),
            (Some(_), _) => Err(problem(403, "not your account", "it is another's")),
            (None, account) => {
                asker.initiator?;
                account.ok_or_else(stranger)
            }
        }
    }
}
