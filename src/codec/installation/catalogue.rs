//! All applications that may be installed, by identification code and by address.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Address, AppId, FormatTable, Information, Package};
use crate::limits;

/// Why a catalogue was not taken: one sentence that names the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogueFault(pub String);

/// A package that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its application.
    pub information: &'a Information,
    /// It.
    pub package: Package,
}

/// All applications that may be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    apps: BTreeMap<AppId, Information>,
    by_address: BTreeMap<Address, AppId>,
}

impl Catalogue {
    /// Adds the applications of a list of objects, as a configuration holds them.
    ///
    /// # Errors
    /// The number of the first entry that is none, and why; nothing is added then.
    pub fn add_values(&mut self, list: &[Value]) -> Result<(), CatalogueFault> {
        let mut read = Vec::new();
        for (number, value) in list.iter().enumerate() {
            let information = Information::of_value(value).map_err(|fault| {
                let number = number.saturating_add(1);
                CatalogueFault(format!("application {number}: expected {}", fault.expected))
            })?;
            read.push(information);
        }
        self.add(read)
    }

    /// Adds applications; of one that is known the formats join, and what is said anew replaces what was said.
    ///
    /// # Errors
    /// When there are too many; nothing is added then.
    pub fn add(&mut self, list: Vec<Information>) -> Result<(), CatalogueFault> {
        let unknown = list.iter().filter(|it| !self.apps.contains_key(&it.id));
        if self.apps.len().saturating_add(unknown.count()) > limits::CATALOGUE_APPS {
            let most = limits::CATALOGUE_APPS;
            return Err(CatalogueFault(format!("more than {most} applications")));
        }
        for information in list {
            self.put(information);
        }
        Ok(())
    }

    fn put(&mut self, mut new: Information) {
        if let Some(known) = self.apps.remove(&new.id) {
            for address in addresses(&known) {
                self.by_address.remove(address);
            }
            for package in known.formats {
                if !new.formats.iter().any(|it| it.format == package.format)
                    && new.formats.len() < limits::INSTALLATION_FORMATS
                {
                    new.formats.push(package);
                }
            }
            new.icon = new.icon.or(known.icon);
            new.name = new.name.or(known.name);
            new.environment = new.environment.or(known.environment);
        }
        for address in addresses(&new) {
            self.by_address
                .entry(address.clone())
                .or_insert_with(|| new.id.clone());
        }
        self.apps.insert(new.id.clone(), new);
    }

    /// The application of that code.
    #[must_use]
    pub fn get(&self, id: &AppId) -> Option<&Information> {
        self.apps.get(id)
    }

    /// All applications, by code.
    pub fn all(&self) -> impl Iterator<Item = &Information> {
        self.apps.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.apps.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }

    /// The application and the format that an address stands for (R3.107).
    #[must_use]
    pub fn at(&self, address: &Address) -> Option<Entry<'_>> {
        let information = self.apps.get(self.by_address.get(address)?)?;
        let own = information.formats.iter();
        let mut own = own.filter_map(|it| information.package(&it.format));
        let package = own.find(|it| it.address.as_ref() == Some(address));
        Some(Entry {
            package: package.or_else(|| whole(information))?,
            information,
        })
    }

    /// The package of an application for a platform (R3.93): of the formats the platform takes, the first there is.
    #[must_use]
    pub fn package_for(
        &self,
        table: &FormatTable,
        id: &AppId,
        platform: &str,
    ) -> Option<Entry<'_>> {
        let information = self.apps.get(id)?;
        let package = information.fitting(table, platform)?;
        Some(Entry {
            information,
            package,
        })
    }
}

impl Information {
    /// Of its packages the first that a platform takes, in the order of the platform.
    #[must_use]
    pub fn fitting(&self, table: &FormatTable, platform: &str) -> Option<Package> {
        let formats = table.formats(platform);
        let mut own = formats.iter().filter_map(|format| self.package(format));
        let found = own.find(|package| package.address.is_some());
        found.or_else(|| whole(self).filter(|whole| formats.contains(&whole.format)))
    }
}

/// The package at the application's own address, whose ending tells its format.
fn whole(information: &Information) -> Option<Package> {
    let address = information.address.clone()?;
    Some(Package {
        format: address.ending()?,
        address: Some(address),
        size: information.size,
        sha256: information.sha256.clone(),
    })
}

fn addresses(information: &Information) -> impl Iterator<Item = &Address> {
    let own = information
        .formats
        .iter()
        .filter_map(|it| it.address.as_ref());
    information.address.iter().chain(own)
}
