//! Is this SIR for me? The identifiers in it against the device's own.

use crate::codec::device_id::DeviceId;

/// What a device is known by: its instance, its aliases, and the addresses its registrar gave it.
#[derive(Clone, Debug, Default)]
pub struct Identifiers {
    own: Vec<DeviceId>,
    /// From the last registration; the next one replaces them.
    given: Vec<DeviceId>,
}

/// What the identifiers in a SIR say to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They name nobody.
    Unnamed,
    /// They name this device.
    Match,
    /// They name others only.
    Mismatch,
    /// The placements contradict each other.
    Conflict {
        /// True when one of them names this device.
        named: bool,
    },
}

impl Identifiers {
    /// The identifiers a device has from the start.
    #[must_use]
    pub const fn new(own: Vec<DeviceId>) -> Self {
        Self {
            own,
            given: Vec::new(),
        }
    }

    /// Takes the addresses of a registration: each counts itself, and so does the `gr` value of a public one.
    pub fn learn<'a>(&mut self, gruus: impl IntoIterator<Item = &'a str>) {
        self.given.clear();
        for id in gruus
            .into_iter()
            .filter_map(|uri| DeviceId::decode(uri).ok())
        {
            self.given.extend(id.gr());
            self.given.push(id);
        }
    }

    /// True when one of these is an own one (R2.30).
    #[must_use]
    pub fn is_among(&self, named: &[DeviceId]) -> bool {
        named.iter().any(|id| self.has(id))
    }

    /// True when this is an own one.
    #[must_use]
    pub fn has(&self, id: &DeviceId) -> bool {
        self.all().any(|own| own.matches(id))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &DeviceId> {
        self.own.iter().chain(&self.given)
    }
}
