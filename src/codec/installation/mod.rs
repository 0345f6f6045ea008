//! Installation information: which application, in which formats, from where; what a page offers and a terminal installs.
//!
//! **Source:** requirements R3.28 to R3.42; OMA-Download-OTA-V1_0 for the descriptor it travels as. Three shapes are one
//! form: an identification code alone, with an address, or with formats that have addresses of their own. Members that
//! are not known survive. Not here: who may install what (`gateway::service::app_push`), and fetching (`driver::package`).

mod address;
mod app_id;
mod apple;
mod catalogue;
mod descriptor;
mod fdroid;
mod read;
mod table;

pub use address::{Address, Digest};
pub use app_id::AppId;
pub use apple::of_apple;
pub use catalogue::{Catalogue, CatalogueFault, Entry};
pub use descriptor::{Carried, Mode, NAMESPACE, carried, described};
pub use fdroid::of_fdroid;
pub use read::FORMAT;
pub use table::{FormatTable, media_type};

use serde_json::{Map, Value};

/// What installing an application takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Information {
    /// The application (R3.29).
    pub id: AppId,
    /// Where it is, whatever its format (R3.30, R3.31).
    pub address: Option<Address>,
    /// The formats it comes in (R3.32, R3.42); empty when nothing is said of them.
    pub formats: Vec<Package>,
    /// Where its picture is.
    pub icon: Option<Address>,
    /// What users call it.
    pub name: Option<String>,
    /// Octets of what is at `address`.
    pub size: Option<u64>,
    /// SHA-256 of what is at `address`.
    pub sha256: Option<Digest>,
    /// What it runs on, in words.
    pub environment: Option<String>,
    /// Which version it is.
    pub version: Option<String>,
    /// Members that are not known here.
    pub others: Map<String, Value>,
}

/// An application in one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// `apk`, `ipa`: the ending of its files, in lower case.
    pub format: String,
    /// Where it is in that format; `None` when the application's own address is meant.
    pub address: Option<Address>,
    /// Its octets.
    pub size: Option<u64>,
    /// SHA-256 of it.
    pub sha256: Option<Digest>,
}

impl Information {
    /// What is known of an application when nothing but its identification code is.
    #[must_use]
    pub fn of(id: AppId) -> Self {
        Self {
            id,
            address: None,
            formats: Vec::new(),
            icon: None,
            name: None,
            size: None,
            sha256: None,
            environment: None,
            version: None,
            others: Map::new(),
        }
    }

    /// The names of its formats; where none is given, the ending of its address tells one that the table knows.
    #[must_use]
    pub fn format_names(&self, table: &FormatTable) -> Vec<String> {
        if !self.formats.is_empty() {
            return self.formats.iter().map(|it| it.format.clone()).collect();
        }
        let ending = self.address.as_ref().and_then(Address::ending);
        ending
            .into_iter()
            .filter(|name| table.knows(name))
            .collect()
    }

    /// The package of a format, with the application's own address, size and digest where it has none of its own.
    #[must_use]
    pub fn package(&self, format: &str) -> Option<Package> {
        let own = self.formats.iter().find(|it| it.format == format)?;
        if own.address.is_some() {
            return Some(own.clone());
        }
        Some(Package {
            format: own.format.clone(),
            address: self.address.clone(),
            size: own.size.or(self.size),
            sha256: own.sha256.clone().or_else(|| self.sha256.clone()),
        })
    }

    /// The same information with one package only, at another address (R3.87).
    #[must_use]
    pub fn relocated(&self, package: Package) -> Self {
        Self {
            address: package.address.clone(),
            size: package.size,
            sha256: package.sha256.clone(),
            formats: vec![package],
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
