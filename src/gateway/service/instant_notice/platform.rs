//! Which push server or bearer notifies a device, by the platform it runs (R1.3 to R1.5): a table.

use serde::{Deserialize, Serialize};

/// What a notice travels by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Apple's push server.
    Apns,
    /// Google's push server.
    Fcm,
    /// The browser's push service, or the page itself while it asks.
    WebPush,
    /// A SIP push session, or the SIR that asks for one.
    Sip,
    /// A service indication in short messages.
    Si,
    /// An e-mail notification in short messages.
    Emn,
    /// The lamp of a telephone.
    Mwi,
}

impl Channel {
    /// The word for it, as in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Fcm => "fcm",
            Self::WebPush => "webpush",
            Self::Sip => "sip",
            Self::Si => "si",
            Self::Emn => "emn",
            Self::Mwi => "mwi",
        }
    }

    /// The channel of a platform; `None` for a platform that the table does not have.
    #[must_use]
    pub fn of(platform: &str) -> Option<Self> {
        let mut rows = PLATFORMS.iter();
        rows.find_map(|(name, channel)| name.eq_ignore_ascii_case(platform).then_some(*channel))
    }

    /// True where a device is reached only by the token that its push server gave it.
    #[must_use]
    pub const fn needs_token(self) -> bool {
        matches!(self, Self::Apns | Self::Fcm)
    }
}

/// Platforms and their channels.
pub const PLATFORMS: [(&str, Channel); 7] = [
    ("ios", Channel::Apns),
    ("android", Channel::Fcm),
    ("browser", Channel::WebPush),
    ("sip", Channel::Sip),
    ("feature", Channel::Si),
    ("mail", Channel::Emn),
    ("lamp", Channel::Mwi),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_3_r1_4_r1_5_each_platform_has_its_channel() {
        assert_eq!(Channel::of("ios"), Some(Channel::Apns));
        assert_eq!(Channel::of("Android"), Some(Channel::Fcm));
        assert_eq!(Channel::of("browser"), Some(Channel::WebPush));
        assert_eq!(Channel::of("sip"), Some(Channel::Sip));
        assert_eq!(Channel::of("feature"), Some(Channel::Si));
        assert_eq!(Channel::of("mail"), Some(Channel::Emn));
        assert_eq!(Channel::of("lamp"), Some(Channel::Mwi));
        assert_eq!(Channel::of("symbian"), None);
    }
}
