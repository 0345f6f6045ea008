//! Applications out of an index of F-Droid.
//!
//! **Source:** the second version of the repository index, `index-v2.json`: packages with metadata in several languages and
//! versions with a manifest each. Of each package the version of the highest code is taken. Signatures are not checked
//! here: a catalogue is configured, not fetched.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Address, AppId, CatalogueFault, Digest, Information, Package};
use crate::limits;

/// Octets of texts that are taken over.
const TEXT_OCTETS: usize = 256;
const VERSION_OCTETS: usize = 64;

#[derive(Deserialize)]
struct Index {
    repo: Repo,
    #[serde(default)]
    packages: BTreeMap<String, App>,
}

#[derive(Deserialize)]
struct Repo {
    address: String,
}

#[derive(Deserialize)]
struct App {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: BTreeMap<String, String>,
    #[serde(default)]
    icon: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct Version {
    file: File,
    #[serde(default)]
    manifest: Manifest,
}

#[derive(Default, Deserialize)]
struct Manifest {
    #[serde(rename = "versionName")]
    name: Option<String>,
    #[serde(rename = "versionCode", default)]
    code: u64,
    #[serde(rename = "usesSdk")]
    sdk: Option<Sdk>,
}

#[derive(Deserialize)]
struct Sdk {
    #[serde(rename = "minSdkVersion")]
    least: Option<u32>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    sha256: Option<String>,
    size: Option<u64>,
}

/// The applications of an index.
///
/// # Errors
/// No index, more octets or packages than a catalogue takes, a file name that leaves the repository, a broken digest.
pub fn of_fdroid(octets: &[u8]) -> Result<Vec<Information>, CatalogueFault> {
    if octets.len() > limits::CATALOGUE_OCTETS {
        let most = limits::CATALOGUE_OCTETS;
        return Err(CatalogueFault(format!(
            "the index has more than {most} octets"
        )));
    }
    let index: Index = serde_json::from_slice(octets)
        .map_err(|error| CatalogueFault(format!("no index of F-Droid: {error}")))?;
    let base = index.repo.address.trim_end_matches('/');
    if index.packages.len() > limits::CATALOGUE_APPS {
        let most = limits::CATALOGUE_APPS;
        return Err(CatalogueFault(format!("more than {most} packages")));
    }
    let mut found = Vec::new();
    for (id, app) in &index.packages {
        let fault = |what: &str| CatalogueFault(format!("package {id:.128}: {what}"));
        let versions = app.versions.values();
        // A package may be listed before it is built.
        let Some(latest) = versions.max_by_key(|it| it.manifest.code) else {
            continue;
        };
        let id = AppId::decode(id).ok_or_else(|| fault("no identification code"))?;
        let address = |file: &File| file_address(base, &file.name);
        let digest = latest.file.sha256.as_deref();
        let digest = digest.map(|text| Digest::decode(text).ok_or_else(|| fault("no SHA-256")));
        let mut information = Information::of(id);
        information.name = text(localised(&app.metadata.name).cloned(), TEXT_OCTETS);
        information.icon = localised(&app.metadata.icon).and_then(address);
        information.version = text(latest.manifest.name.clone(), VERSION_OCTETS);
        let least = latest.manifest.sdk.as_ref().and_then(|sdk| sdk.least);
        information.environment = least.map(|least| format!("Android API {least}"));
        information.size = latest.file.size;
        let package = Package {
            format: "apk".to_owned(),
            address: Some(address(&latest.file).ok_or_else(|| fault("no file name"))?),
            size: latest.file.size,
            sha256: digest.transpose()?,
        };
        information.formats = vec![package];
        found.push(information);
    }
    Ok(found)
}

/// Where a file of the repository is; its name begins with a slash and stays below.
fn file_address(base: &str, name: &str) -> Option<Address> {
    let is_fit = name.starts_with('/')
        && !name.split('/').any(|part| part == ".." || part == ".")
        && !name.contains(['?', '%', '\\']);
    let url = format!("{base}{name}");
    is_fit.then(|| Address::decode(&url)).flatten()
}

/// English where there is any, else what comes first.
fn localised<T>(texts: &BTreeMap<String, T>) -> Option<&T> {
    let english = texts.get("en-US").or_else(|| texts.get("en"));
    english.or_else(|| texts.values().next())
}

fn text(text: Option<String>, most: usize) -> Option<String> {
    text.filter(|text| {
        text.len() <= most
            && !text
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
    })
}
