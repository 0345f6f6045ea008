//! Something new came: who is told, and how (R1.14, R1.25 to R1.33, R1.45).

use serde_json::json;

use super::super::super::message::{Draft, Message};
use super::app_state::judge;
use super::coalescing::{Place, Told};
use super::notice::Form;
use super::openings::{LIFETIME, Opening};
use super::registrations::{Preference, digest};
use super::wording::{News, words};
use super::{Channel, Deed, Desk, InstantNotices, Intent, NewInfo, Notice, Registration, record};
use crate::event::Fact;
use crate::world::Output;

impl InstantNotices {
    /// True while somebody is logged in who is to hear of what is new (S1.5).
    #[must_use]
    pub fn is_awaited(&self, account: &str, app: &str) -> bool {
        let mut devices = self.registrations.of(account, app);
        devices.any(|device| device.login.is_some())
    }

    /// The message that something new is kept as.
    #[must_use]
    pub fn draft(&self, info: &NewInfo) -> Draft {
        let from = (!info.from.is_empty()).then(|| info.from.clone());
        Draft {
            app: info.source.clone(),
            id: info.id.clone(),
            from,
            title: info.subject.clone(),
            summary: info.snippet.clone(),
            kind: info.kind.clone(),
            data: info
                .text
                .as_ref()
                .map_or(serde_json::Value::Null, |text| json!({ "text": text })),
            ..Draft::default()
        }
    }

    /// Something new was stored: tells those it is for.
    pub fn arrived(&mut self, desk: &mut Desk<'_>, info: &NewInfo, seq: u64) {
        let (account, app) = (info.account.as_str(), info.source.as_str());
        desk.report(Fact::MonNew {
            account: account.to_owned(),
            app: app.to_owned(),
            message: seq,
        });
        let Some(watched) = self.watched.get(app) else {
            return;
        };
        let preference = self.preference(account, app);
        if !preference.on {
            return;
        }
        let targets = preference
            .targets
            .unwrap_or_else(|| watched.targets.clone());
        let window = watched.window;
        let logged_in = self.registrations.logged_in(account, app);
        let names: Vec<&str> = logged_in
            .iter()
            .map(|registration| registration.place.device.as_str())
            .collect();
        let chosen = targets.choose(&names);
        let meant = logged_in.into_iter();
        let meant = meant.filter(|of| chosen.contains(&of.place.device.as_str()));
        let meant: Vec<Registration> = meant.cloned().collect();
        for registration in meant {
            if self.is_running(desk, &registration) {
                self.direct(&registration, seq);
            } else if self.bursts.add(desk.now, window, &registration.place, seq) {
                self.notify(desk, &registration, seq, 1);
            }
        }
    }

    /// Tells what waited for the end of a burst; forgets notices that are old.
    pub fn expire(&mut self, desk: &mut Desk<'_>) {
        while let Some(Told { place, seq, count }) = self.bursts.take_due(desk.now) {
            let known = self.registrations.get(&place).cloned();
            let known = known.filter(|of| of.login.is_some());
            if let Some(registration) = known
                && self.preference(&place.account, &place.app).on
            {
                if self.is_running(desk, &registration) {
                    self.direct(&registration, seq);
                } else {
                    self.notify(desk, &registration, seq, count);
                }
            }
        }
        while let Some(opening) = self.openings.take_due(desk.now) {
            desk.out.push(Output::Forget(record::opening_key(&opening)));
        }
    }

    fn preference(&self, account: &str, app: &str) -> Preference {
        let of = (account.to_owned(), app.to_owned());
        self.preferences.get(&of).cloned().unwrap_or_default()
    }

    /// Whether the client runs, as far as can be told (R1.25).
    fn is_running(&self, desk: &mut Desk<'_>, of: &Registration) -> bool {
        let Some(watched) = self.watched.get(&of.place.app) else {
            return false;
        };
        let live = (desk.live)(&of.place);
        let (state, basis) = judge(desk.now, of.heartbeat, watched.heartbeat, live);
        desk.report(Fact::AppState {
            dev: of.place.device.clone(),
            app: of.place.app.clone(),
            state: state.word().to_owned(),
            by: basis.word().to_owned(),
        });
        watched.running.is(state)
    }

    fn direct(&mut self, of: &Registration, seq: u64) {
        self.deeds.push(Deed::Direct {
            account: of.place.account.clone(),
            device: of.place.device.clone(),
            channel: of.channel().unwrap_or(Channel::Sip),
            app: of.place.app.clone(),
            seq,
        });
    }

    fn notify(&mut self, desk: &mut Desk<'_>, of: &Registration, seq: u64, count: u32) {
        let place = &of.place;
        let Some((watched, channel)) = self.watched.get(&place.app).zip(of.channel()) else {
            return;
        };
        let unread = desk.messages.unread(desk.now, &place.account, 0);
        let badge = unread.new.saturating_add(unread.old);
        let badge = u32::try_from(badge).unwrap_or(u32::MAX);
        let Some(message) = desk.messages.get(&place.account, seq) else {
            return;
        };
        let form = self.preference(&place.account, &place.app).form;
        let form = form.unwrap_or(watched.form);
        let (title, text) = words(form, watched, &news(message, count));
        let token = self.random.token::<32>();
        let opening = Opening {
            digest: digest(token.as_str()),
            place: place.clone(),
            seq,
            is_opened: false,
            until: desk.now + LIFETIME,
        };
        desk.out.push(Output::Save(record::opening(&opening)));
        if let Some(gone) = self.openings.enter(opening) {
            desk.out.push(Output::Forget(record::opening_key(&gone)));
        }
        let notice = Notice {
            account: place.account.clone(),
            device: place.device.clone(),
            app: place.app.clone(),
            form,
            title,
            text,
            badge,
            topic: Some(topic(place, form)),
            intent: Intent {
                app: place.app.clone(),
                seq,
                token: token.as_str().to_owned(),
            },
        };
        self.deeds.push(Deed::Notify {
            notice: Box::new(notice),
            channel,
            token: of.token.clone(),
        });
    }
}

/// Short notices take the place of one another; whole informations stand beside one another.
fn topic(place: &Place, form: Form) -> String {
    match form {
        Form::Full => format!("{}-full", place.app),
        _ => place.app.clone(),
    }
}

/// What a message of the store says.
fn news(message: &Message, count: u32) -> News<'_> {
    let draft = &message.draft;
    let text = draft.data.get("text").and_then(serde_json::Value::as_str);
    News {
        app: &draft.app,
        from: draft.from.as_deref().unwrap_or_default(),
        subject: &draft.title,
        snippet: &draft.summary,
        text: text.unwrap_or_default(),
        count,
    }
}
