//! Registrations: which device belongs to which account for an application, and who is logged in (R1.1 to R1.15).

use std::collections::{BTreeMap, HashMap};

use foldhash::quality::FixedState;
use sha2::{Digest, Sha256};

use super::app_state::Heartbeat;
use super::coalescing::Place;
use super::notice::Form;
use super::platform::Channel;
use super::target::Targets;

use crate::limits;
use crate::time::Time;

/// A device registered for an application of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Names it in requests.
    pub id: String,
    /// Whose it is.
    pub place: Place,
    /// What the device runs.
    pub platform: String,
    /// What its push server or bearer calls it.
    pub token: Option<String>,
    /// The login, while there is one.
    pub login: Option<Login>,
    /// What its client said last of itself; not kept over a restart.
    pub heartbeat: Option<Heartbeat>,
}

/// A login on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// When (R1.12).
    pub at: Time,
    /// SHA-256 of what further requests of the client are proved with.
    pub digest: [u8; 32],
}

/// What a user chose for an application.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// False: nothing is told (R1.14).
    #[serde(default = "yes")]
    pub on: bool,
    /// Which devices are told; the application's rule where he did not choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// How much; the application's form where he did not choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

const fn yes() -> bool {
    true
}

impl Default for Preference {
    fn default() -> Self {
        Self {
            on: true,
            targets: None,
            form: None,
        }
    }
}

impl Registration {
    /// What it is notified by.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        Channel::of(&self.platform)
    }
}

/// There is no room for a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// All registrations.
#[derive(Debug, Default)]
pub struct Registrations {
    by_place: BTreeMap<Place, Registration>,
    by_id: HashMap<String, Place, FixedState>,
    by_digest: HashMap<[u8; 32], Place, FixedState>,
}

/// What proves a login, as it is kept.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Registrations {
    /// The registration of a device.
    #[must_use]
    pub fn get(&self, place: &Place) -> Option<&Registration> {
        self.by_place.get(place)
    }

    /// The registration of that id.
    #[must_use]
    pub fn of_id(&self, id: &str) -> Option<&Registration> {
        self.by_place.get(self.by_id.get(id)?)
    }

    /// The registration whose login a token proves.
    #[must_use]
    pub fn of_token(&self, token: &str) -> Option<&Registration> {
        self.by_place.get(self.by_digest.get(&digest(token))?)
    }

    /// The client said what it does.
    pub fn beat(&mut self, place: &Place, heartbeat: Heartbeat) {
        if let Some(registration) = self.by_place.get_mut(place) {
            registration.heartbeat = Some(heartbeat);
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Registration> {
        self.by_place.values()
    }

    /// Those of an account for an application.
    pub fn of<'s>(
        &'s self,
        account: &str,
        app: &str,
    ) -> impl Iterator<Item = &'s Registration> + use<'s> {
        let (account, app) = (account.to_owned(), app.to_owned());
        let first = Place {
            account: account.clone(),
            app: app.clone(),
            device: String::new(),
        };
        let of = self.by_place.range(first..).map(|(_, of)| of);
        of.take_while(move |of| of.place.account == account && of.place.app == app)
    }

    /// Devices of an account that are logged in for an application, in the order of their logins.
    #[must_use]
    pub fn logged_in(&self, account: &str, app: &str) -> Vec<&Registration> {
        let mut devices: Vec<&Registration> = self
            .of(account, app)
            .filter(|registration| registration.login.is_some())
            .collect();
        devices.sort_by_key(|registration| registration.login.map(|login| login.at));
        devices
    }

    /// Enters a registration; one of the same device is replaced.
    ///
    /// # Errors
    /// When there is no room.
    pub fn enter(&mut self, registration: Registration) -> Result<(), Full> {
        let place = registration.place.clone();
        let is_new = !self.by_place.contains_key(&place);
        let of_account = || self.of(&place.account, &place.app).count();
        if is_new
            && (self.by_place.len() >= limits::NOTICE_REGISTRATIONS
                || of_account() >= limits::DEVICES_PER_IDENTITY)
        {
            return Err(Full);
        }
        self.remove(&place);
        self.by_id.insert(registration.id.clone(), place.clone());
        if let Some(login) = registration.login {
            self.by_digest.insert(login.digest, place.clone());
        }
        self.by_place.insert(place, registration);
        Ok(())
    }

    /// Takes a registration out.
    pub fn remove(&mut self, place: &Place) -> Option<Registration> {
        let registration = self.by_place.remove(place)?;
        self.by_id.remove(&registration.id);
        if let Some(login) = registration.login {
            self.by_digest.remove(&login.digest);
        }
        Some(registration)
    }
}
