//! Installation information inside a download descriptor: what terminals know, and elements of our own beside it.
//!
//! **Source:** OMA-Download-OTA-V1_0, the elements of `media`; elements that an agent does not know it passes over.

use super::{Address, AppId, Digest, Information, Package, media_type};
use crate::codec::download_descriptor::Descriptor;
use crate::codec::xml::Element;

/// The namespace of our own elements.
pub const NAMESPACE: &str = "urn:x-sirgate:installation:1";

/// Whether the terminal installs at once or asks its user (R3.62 to R3.64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The first predetermined identifier: install.
    First,
    /// The second: ask.
    Second,
}

impl Mode {
    /// `first` or `second`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }

    /// The mode of such a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::First, Self::Second]
            .into_iter()
            .find(|mode| mode.name() == word)
    }
}

/// What a descriptor carries to a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What is to be installed; one package of it, or none where the terminal is to ask for one (R3.105).
    pub information: Information,
    /// Whether to ask.
    pub mode: Option<Mode>,
    /// The job that reports are about.
    pub job: Option<String>,
    /// Where reports go.
    pub report: Option<String>,
    /// Where the package is, or where it is asked for.
    pub object: String,
}

/// Why a descriptor carries no installation information.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the descriptor has no {0} of a known kind")]
pub struct NotCarried(pub &'static str);

/// The descriptor that carries it.
#[must_use]
pub fn described(carried: &Carried) -> Descriptor {
    let information = &carried.information;
    let package = information.formats.first();
    let digest = package.and_then(|it| it.sha256.as_ref());
    let digest = digest.or(information.sha256.as_ref());
    let own = [
        ("appid", Some(information.id.to_string())),
        ("format", package.map(|it| it.format.clone())),
        ("sha256", digest.map(Digest::to_string)),
        ("version", information.version.clone()),
        ("env", information.environment.clone()),
        ("mode", carried.mode.map(|mode| mode.name().to_owned())),
        ("job", carried.job.clone()),
    ];
    let element = |(name, text): (&str, Option<String>)| {
        text.map(|text| Element::new(NAMESPACE, name).text(&text))
    };
    Descriptor {
        name: information.name.clone(),
        types: vec![
            package
                .map_or("application/octet-stream", |it| media_type(&it.format))
                .to_owned(),
        ],
        size: package.and_then(|it| it.size).or(information.size),
        object_uri: carried.object.clone(),
        install_notify_uri: carried.report.clone(),
        icon_uri: information.icon.as_ref().map(Address::to_string),
        others: own.into_iter().filter_map(element).collect(),
        ..Descriptor::default()
    }
}

/// What a descriptor carries; one without our elements tells its application by nothing.
///
/// # Errors
/// No application, or an element outside its domain.
pub fn carried(descriptor: &Descriptor) -> Result<Carried, NotCarried> {
    let text = |name: &str| {
        let mut own = descriptor.others.iter();
        own.find(|it| it.is(NAMESPACE, name))
            .map(Element::own_text)
            .filter(|text| !text.is_empty())
    };
    let id = text("appid").as_deref().and_then(AppId::decode);
    let mut information = Information::of(id.ok_or(NotCarried("application"))?);
    let digest = text("sha256").map(|text| Digest::decode(&text).ok_or(NotCarried("digest")));
    let mode = text("mode").map(|text| Mode::of(&text).ok_or(NotCarried("mode")));
    let icon = descriptor.icon_uri.as_deref().filter(|it| !it.is_empty());
    information.sha256 = digest.transpose()?;
    information.size = descriptor.size;
    information.name.clone_from(&descriptor.name);
    information.version = text("version");
    information.environment = text("env");
    information.icon = icon.and_then(Address::decode);
    if let Some(format) = text("format") {
        information.formats = vec![Package {
            format,
            address: Address::decode(&descriptor.object_uri),
            size: information.size,
            sha256: information.sha256.clone(),
        }];
    }
    Ok(Carried {
        information,
        mode: mode.transpose()?,
        job: text("job"),
        report: descriptor.install_notify_uri.clone(),
        object: descriptor.object_uri.clone(),
    })
}
