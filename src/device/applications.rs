//! The applications on a device: what they need, whether they run, and what they say when asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One application that is installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Its identifier: `x-oma-application:dcd.ua`.
    pub id: String,
    /// Its name: `DCD`.
    pub name: Option<String>,
    /// What the device must be able to do for it: `video`.
    pub needs: Vec<String>,
    /// It registers with the device when it is activated (R2.111).
    pub registers: bool,
    /// The information it supplies, by kind (R2.110); what is missing here the device supplies itself.
    pub information: BTreeMap<String, Value>,
}

/// The applications of a device that run.
#[derive(Clone, Debug, Default)]
pub struct Running(Vec<String>);

impl Running {
    /// Starts an application; false when it runs already.
    pub fn start(&mut self, id: &str) -> bool {
        if self.is_running(id) || self.0.len() >= RUNNING_MAX {
            return false;
        }
        self.0.push(id.to_owned());
        true
    }

    /// True while the application runs.
    #[must_use]
    pub fn is_running(&self, id: &str) -> bool {
        self.0.iter().any(|running| running == id)
    }
}

/// Applications that one device runs at a time.
const RUNNING_MAX: usize = 64;

/// The installed application that an identifier, or else a name, means.
#[must_use]
pub fn installed<'a>(
    applications: &'a [Application],
    id: &str,
    name: Option<&str>,
) -> Option<&'a Application> {
    applications
        .iter()
        .find(|application| application.id == id)
        .or_else(|| {
            applications
                .iter()
                .find(|application| name.is_some() && application.name.as_deref() == name)
        })
}

/// The information of a kind: from the first of these applications that has it, else the device's own.
#[must_use]
pub fn information<'a>(
    activated: impl Iterator<Item = &'a Application>,
    kind: &str,
    own: &'a Value,
) -> &'a Value {
    activated
        .filter_map(|application| application.information.get(kind))
        .next()
        .unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dcd() -> Application {
        Application {
            id: "x-oma-application:dcd.ua".into(),
            name: Some("DCD".into()),
            information: BTreeMap::from([("capability".into(), json!({"channels": 4}))]),
            ..Application::default()
        }
    }

    #[test]
    fn r2_110_the_application_supplies_the_information_it_has() {
        let (apps, own) = ([dcd()], json!({"screen": "240x320"}));
        assert_eq!(
            information(apps.iter(), "capability", &own),
            &json!({"channels": 4})
        );
        assert_eq!(information(apps.iter(), "security", &own), &own);
    }

    #[test]
    fn an_application_is_found_by_identifier_and_else_by_name() {
        let apps = [dcd()];
        assert!(installed(&apps, "x-oma-application:dcd.ua", None).is_some());
        assert!(installed(&apps, "x-oma-application:unknown", Some("DCD")).is_some());
        assert!(installed(&apps, "x-oma-application:unknown", None).is_none());
    }

    #[test]
    fn a_running_application_is_not_started_again() {
        let mut running = Running::default();
        assert!(running.start("a"));
        assert!(!running.start("a"));
        assert!(running.is_running("a"));
    }

    #[test]
    fn a_device_runs_a_bounded_number_of_applications() {
        let mut running = Running::default();
        let started = (0..RUNNING_MAX + 9).filter(|n| running.start(&n.to_string()));
        assert_eq!(started.count(), RUNNING_MAX);
    }
}
