//! What the ends of a session agree upon: sizes, requests at a time, options.
//!
//! **Source:** WAP-230 sections 7.1.3 and 8.3.

use crate::codec::cursor::put_uintvar;
use crate::codec::wsp::{Capabilities, Form, options, put_capability};

/// The terms of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Octets of the largest message the client takes; 0 for any size.
    pub client_sdu: u32,
    /// Octets of the largest message the server takes; 0 for any size.
    pub server_sdu: u32,
    /// Bits of [`options`].
    pub options: u8,
    /// Methods at a time.
    pub methods: u8,
    /// Confirmed pushes at a time.
    pub pushes: u8,
}

const CLIENT_SDU: u8 = 0;
const SERVER_SDU: u8 = 1;
const OPTIONS: u8 = 2;
const METHODS: u8 = 3;
const PUSHES: u8 = 4;
/// The last capability that is assigned.
const KNOWN_MAX: u8 = 9;

impl Terms {
    /// What holds when nothing is said.
    pub const DEFAULT: Self = Self {
        client_sdu: 1_400,
        server_sdu: 1_400,
        options: 0,
        methods: 1,
        pushes: 1,
    };

    /// What this end offers or takes: both kinds of push, suspension, headers of acknowledgements.
    pub const PUSH: Self = Self {
        client_sdu: 262_144,
        server_sdu: 65_536,
        options: options::CONFIRMED_PUSH
            | options::PUSH
            | options::RESUME
            | options::ACKNOWLEDGEMENT_HEADERS,
        methods: 1,
        pushes: 8,
    };

    /// Whether an option holds.
    #[must_use]
    pub const fn has(&self, option: u8) -> bool {
        self.options & option != 0
    }

    /// Whether the client takes a message of so many octets.
    pub(super) fn client_takes(&self, octets: usize) -> bool {
        fits(self.client_sdu, octets)
    }

    /// Whether the server takes a message of so many octets.
    pub(super) fn server_takes(&self, octets: usize) -> bool {
        fits(self.server_sdu, octets)
    }

    /// What capabilities make of these terms; the first of several alternatives counts.
    #[must_use]
    pub fn changed(&self, capabilities: &Capabilities<'_>) -> Self {
        let mut terms = *self;
        let mut seen = [false; 5];
        for capability in capabilities.iter() {
            let (Form::Short(number), Some(value)) = (capability.name.form, value_of(&capability))
            else {
                continue;
            };
            let Some(seen @ false) = seen.get_mut(usize::from(number)) else {
                continue;
            };
            *seen = true;
            let octet = u8::try_from(value).unwrap_or(u8::MAX);
            match number {
                CLIENT_SDU => terms.client_sdu = value,
                SERVER_SDU => terms.server_sdu = value,
                OPTIONS => terms.options = octet,
                METHODS => terms.methods = octet,
                _ => terms.pushes = octet,
            }
        }
        terms
    }

    /// The terms on which both ends can agree.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self {
            client_sdu: smaller(self.client_sdu, other.client_sdu),
            server_sdu: smaller(self.server_sdu, other.server_sdu),
            options: self.options & other.options,
            methods: self.methods.min(other.methods),
            pushes: self.pushes.min(other.pushes),
        }
    }

    /// The capabilities that say these terms.
    #[must_use]
    pub fn capabilities(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, size) in [(CLIENT_SDU, self.client_sdu), (SERVER_SDU, self.server_sdu)] {
            let mut parameters = Vec::new();
            put_uintvar(&mut parameters, size);
            put_capability(&mut out, number, &parameters);
        }
        for (number, octet) in [
            (OPTIONS, self.options),
            (METHODS, self.methods),
            (PUSHES, self.pushes),
        ] {
            put_capability(&mut out, number, &[octet]);
        }
        out
    }

    /// The capabilities with which a server answers an offer: these terms, and of each one it does not know the number.
    #[must_use]
    pub fn answer(&self, offered: &Capabilities<'_>) -> Vec<u8> {
        let mut out = self.capabilities();
        for capability in offered.iter() {
            if let Form::Short(number @ PUSHES..) = capability.name.form
                && number > KNOWN_MAX
                && out.len() < ANSWER_OCTETS
            {
                put_capability(&mut out, number, &[]);
            }
        }
        out
    }
}

/// Octets after which no more unknown capabilities are answered.
const ANSWER_OCTETS: usize = 256;

/// The number of a capability; of options, which may have further octets, the first one.
fn value_of(capability: &crate::codec::wsp::Capability<'_>) -> Option<u32> {
    capability.number().or_else(|| {
        let mut parameters = capability.parameters;
        match capability.name.form {
            Form::Short(OPTIONS) => Some(u32::from(parameters.octet("options").ok()?)),
            _ => None,
        }
    })
}

/// 0 is any size.
fn smaller(one: u32, two: u32) -> u32 {
    match (one, two) {
        (0, size) | (size, 0) => size,
        (one, two) => one.min(two),
    }
}

fn fits(size: u32, octets: usize) -> bool {
    size == 0 || usize::try_from(size).is_ok_and(|size| octets <= size)
}
