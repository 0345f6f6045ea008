//! Download descriptors and the status codes of installation reports.
//!
//! **Source:** OMA Generic Content Download Over The Air 1.0, sections on the descriptor and on the status report. Elements
//! that are not known are kept and written again.

use serde::{Deserialize, Serialize};

use super::format::{Decoded, Deviation, FieldFault, Format};
use super::xml::{self, Element, Taken};
use super::{Class, DecodeError, Span};

/// Download descriptors for people and programs.
pub const FORMAT: Format = Format {
    name: "dd",
    clause: CLAUSE,
    decode: |octets, lenient| {
        let (descriptor, deviations) = Descriptor::read(octets, lenient)?;
        Ok(Decoded {
            fields: serde_json::to_value(descriptor).unwrap_or_default(),
            deviations,
        })
    },
    spans: |octets, _| Descriptor::spans(octets),
    encode: |fields| {
        let descriptor = Descriptor::deserialize(fields).map_err(FieldFault::new)?;
        let octets = descriptor.encode();
        Descriptor::read(&octets, true).map_err(|fault| {
            FieldFault::new(format_args!(
                "the descriptor would be refused: expected {}",
                fault.expected
            ))
        })?;
        Ok(octets)
    },
};

/// The media type.
pub const TYPE: &str = "application/vnd.oma.dd+xml";
/// The namespace.
pub const DD: &str = "http://www.openmobilealliance.org/xmlns/dd";

const NAME: &str = "dd";
const CLAUSE: &str = "OMA-Download-OTA-V1_0";

/// What a terminal is told before it downloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Descriptor {
    /// `DDVersion`; absent means 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dd_version: Option<String>,
    /// What users see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media types of the object and of what is wrapped in it; at least one.
    pub types: Vec<String>,
    /// Octets of the object; required, though some senders leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where the object is.
    pub object_uri: String,
    /// Where the status report goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_notify_uri: Option<String>,
    /// Where the user may go afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_url: Option<String>,
    /// Who offers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// A text for users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where more is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_url: Option<String>,
    /// A picture for users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_uri: Option<String>,
    /// For the installer of that type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_param: Option<String>,
    /// Elements that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Element>,
}

/// What became of an installation: the first line of the report that goes to `installNotifyURI`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstallStatus {
    /// 900: downloaded and installed.
    Success,
    /// 901: no room.
    InsufficientMemory,
    /// 902: the user did not want it.
    UserCancelled,
    /// 903: the network was lost.
    LossOfService,
    /// 905: the object is not what the descriptor said.
    AttributeMismatch,
    /// 906: the descriptor cannot be read.
    InvalidDescriptor,
    /// 951: a version of the descriptor that is not known.
    InvalidDdVersion,
    /// 952: the terminal stopped it.
    DeviceAborted,
    /// 953: a type that the terminal does not take.
    NonAcceptableContent,
    /// 954: the object cannot be fetched from its URI.
    LoaderError,
}

impl InstallStatus {
    /// All, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::InsufficientMemory,
        Self::UserCancelled,
        Self::LossOfService,
        Self::AttributeMismatch,
        Self::InvalidDescriptor,
        Self::InvalidDdVersion,
        Self::DeviceAborted,
        Self::NonAcceptableContent,
        Self::LoaderError,
    ];

    /// The code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Success => 900,
            Self::InsufficientMemory => 901,
            Self::UserCancelled => 902,
            Self::LossOfService => 903,
            Self::AttributeMismatch => 905,
            Self::InvalidDescriptor => 906,
            Self::InvalidDdVersion => 951,
            Self::DeviceAborted => 952,
            Self::NonAcceptableContent => 953,
            Self::LoaderError => 954,
        }
    }

    /// The words after the code.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::InsufficientMemory => "Insufficient memory",
            Self::UserCancelled => "User Cancelled",
            Self::LossOfService => "Loss of Service",
            Self::AttributeMismatch => "Attribute mismatch",
            Self::InvalidDescriptor => "Invalid descriptor",
            Self::InvalidDdVersion => "Invalid DDVersion",
            Self::DeviceAborted => "Device Aborted",
            Self::NonAcceptableContent => "Non-Acceptable Content",
            Self::LoaderError => "Loader Error",
        }
    }

    /// The status of a report: its first three characters count, whatever words follow.
    #[must_use]
    pub fn of_report(body: &[u8]) -> Option<Self> {
        let code = body.trim_ascii_start().get(..3)?;
        let code: u16 = core::str::from_utf8(code).ok()?.parse().ok()?;
        Self::ALL.into_iter().find(|own| own.code() == code)
    }

    /// The body of a report.
    #[must_use]
    pub fn report(self) -> String {
        format!("{} {}", self.code(), self.phrase())
    }
}

impl Descriptor {
    /// Reads a descriptor by the letter.
    ///
    /// # Errors
    /// XML that is broken or forbidden, another root, no type, size or object, an element twice, a size that is no number.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Self::read(octets, false).map(|(descriptor, _)| descriptor)
    }

    /// The same; a lenient reading takes a missing size and commas in it.
    ///
    /// # Errors
    /// As [`Descriptor::decode`], but for those.
    pub fn read(octets: &[u8], lenient: bool) -> Result<(Self, Vec<Deviation>), DecodeError> {
        let root = xml::read(NAME, octets)?;
        if !root.is(DD, "media") {
            return Err(root.fault(NAME, "the element media of download descriptors"));
        }
        let root_at = root.at;
        let mut taken = Taken::of(NAME, root);
        let mut deviations = Vec::new();
        let types: Vec<String> = taken
            .all(DD, "type")
            .iter()
            .map(Element::own_text)
            .collect();
        if types.is_empty() {
            return Err(taken.fault("a type"));
        }
        let (size, size_at) = match taken.one(DD, "size") {
            Some(element) => (Some(element.own_text()), element.at),
            None => (None, root_at),
        };
        let size = size_of(size.as_deref()).or_else(|(at_fault, size)| {
            if lenient && at_fault.is_forgiven {
                deviations.push(Deviation {
                    at: size_at,
                    what: at_fault.expected,
                });
                Ok(size)
            } else {
                Err(DecodeError {
                    format: NAME,
                    offset: size_at,
                    class: Class::XmlInvalid,
                    expected: at_fault.expected,
                })
            }
        })?;
        let mut text = |name: &'static str| taken.one_text(DD, name, "each element once");
        let mut descriptor = Self {
            dd_version: text("DDVersion")?,
            name: text("name")?,
            types,
            size,
            object_uri: text("objectURI")?.unwrap_or_default(),
            install_notify_uri: text("installNotifyURI")?,
            next_url: text("nextURL")?,
            vendor: text("vendor")?,
            description: text("description")?,
            info_url: text("infoURL")?,
            icon_uri: text("iconURI")?,
            install_param: text("installParam")?,
            others: Vec::new(),
        };
        if descriptor.object_uri.is_empty() {
            return Err(taken.fault("an objectURI"));
        }
        descriptor.others = taken.others().1;
        Ok((descriptor, deviations))
    }

    /// Where each part stands, up to the first fault of XML.
    #[must_use]
    pub fn spans(octets: &[u8]) -> Vec<Span> {
        xml::spans(NAME, CLAUSE, octets)
    }

    /// The document, its elements in the order of the fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let text = |name: &'static str, value: Option<&str>| {
            value.map(|value| Element::new(DD, name).text(value))
        };
        let size = self.size.map(|size| size.to_string());
        let root = Element::new(DD, "media")
            .children(text("DDVersion", self.dd_version.as_deref()))
            .children(text("name", self.name.as_deref()))
            .children(self.types.iter().filter_map(|own| text("type", Some(own))))
            .children(text("size", size.as_deref()))
            .children(text("objectURI", Some(&self.object_uri)))
            .children(text("installNotifyURI", self.install_notify_uri.as_deref()))
            .children(text("nextURL", self.next_url.as_deref()))
            .children(text("vendor", self.vendor.as_deref()))
            .children(text("description", self.description.as_deref()))
            .children(text("infoURL", self.info_url.as_deref()))
            .children(text("iconURI", self.icon_uri.as_deref()))
            .children(text("installParam", self.install_param.as_deref()))
            .children(self.others.iter().cloned());
        xml::write(&root, &[])
    }

    /// Whether this reader knows the version: any 1.x.
    #[must_use]
    pub fn is_version_known(&self) -> bool {
        self.dd_version
            .as_deref()
            .is_none_or(|version| version.split('.').next() == Some("1"))
    }
}

/// What is wrong with a size.
struct SizeFault {
    expected: &'static str,
    is_forgiven: bool,
}

fn size_of(text: Option<&str>) -> Result<Option<u64>, (SizeFault, Option<u64>)> {
    let fault = |expected, is_forgiven| SizeFault {
        expected,
        is_forgiven,
    };
    let Some(text) = text else {
        return Err((fault("a size", true), None));
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_number(text) {
        let size = text.parse().ok();
        return match size {
            Some(size) => Ok(Some(size)),
            None => Err((fault("a size of 64 bits", false), None)),
        };
    }
    let plain = text.replace(',', "");
    let size = plain.parse().ok().filter(|_| is_number(&plain));
    Err((
        fault("a size in decimal digits alone", size.is_some()),
        size,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_its_status_by_number() {
        for status in InstallStatus::ALL {
            assert_eq!(
                InstallStatus::of_report(status.report().as_bytes()),
                Some(status)
            );
        }
        assert_eq!(InstallStatus::Success.report(), "900 Success");
        let odd = InstallStatus::of_report(b"\r\n954 kaputt");
        assert_eq!(odd, Some(InstallStatus::LoaderError));
        assert_eq!(InstallStatus::of_report(b"904"), None);
        assert_eq!(InstallStatus::of_report(b"90"), None);
    }

    #[test]
    fn only_a_missing_size_and_commas_are_forgiven() {
        let document = |size: &str| {
            format!("<media xmlns=\"{DD}\"><type>a/b</type>{size}<objectURI>u</objectURI></media>")
        };
        let read = |size: &str, lenient: bool| Descriptor::read(document(size).as_bytes(), lenient);
        assert!(read("", false).is_err());
        assert_eq!(read("", true).unwrap().1.len(), 1);
        assert!(read("<size>1,000</size>", false).is_err());
        assert_eq!(read("<size>1,000</size>", true).unwrap().0.size, Some(1000));
        assert!(read("<size>big</size>", true).is_err());
        assert!(read("<size>99999999999999999999</size>", true).is_err());
    }

    #[test]
    fn a_version_of_another_generation_is_not_known() {
        let version = |text: Option<&str>| Descriptor {
            dd_version: text.map(str::to_owned),
            ..Descriptor::default()
        };
        assert!(version(None).is_version_known());
        assert!(version(Some("1.3")).is_version_known());
        assert!(!version(Some("2.0")).is_version_known());
    }
}
