//! Push over HTTP: requests of a gateway, responses of a terminal, and the values of their headers.
//!
//! **Source:** WAP-235 section 7 with SIN 100 and SIN 101, WAP-196 (client identifiers). A terminal answers as an HTTP
//! server whoever opened the connection. Not here: connections (the driver's), what a gateway does about a status
//! (`protocol`), and bodies of unknown length, which HTTP libraries put together.

use super::{Class, DecodeError};

mod authentication;
mod client_id;
mod cpi;
mod fields;
mod head;
mod message;
mod rows;
pub mod sir;
mod status;
mod version;

#[cfg(test)]
mod tests;

pub use authentication::{AuthStatus, Authentication, terminal_response};
pub use client_id::ClientId;
pub use cpi::{CPI_HEADERS, CpiTag, default_of};
pub use fields::{HEADER_FORMAT, REQUEST_FORMAT, RESPONSE_FORMAT, VERSION_FORMAT};
pub use head::{Framing, Head, chunk_octets};
pub use message::{Message, Row, Start};
pub use status::PushStatus;
pub use version::{Version, choose, versions, versions_text};

/// The one resource of a terminal.
pub const PATH: &str = "/wappush";
/// The type of a push as a request carries it: a whole HTTP response.
pub const PUSH_TYPE: &str = "application/http";
/// The port on which terminals take pushes, and the one for TLS.
pub const PORTS: (u16, u16) = (4035, 4036);

/// Header names, as they are written.
pub mod header {
    /// Versions of this protocol.
    pub const VERSION: &str = "X-Wap-Push-OTA-Version";
    /// The tag of capabilities and preferences.
    pub const CPI_TAG: &str = "X-Wap-CPITag";
    /// Which provisioning a connection is for.
    pub const PROV_URL: &str = "X-Wap-Push-ProvURL";
    /// Words about a push: `authenticated`, `trusted`, `last`, `response`.
    pub const INFO: &str = "X-Wap-Push-Info";
    /// The outcome.
    pub const STATUS: &str = "X-Wap-Push-Status";
    /// Who the terminal is.
    pub const TERMINAL_ID: &str = "X-Wap-Terminal-Id";
    /// Over which bearer it is reached.
    pub const BEARER: &str = "X-Wap-Bearer-Indication";
    /// The gateway's challenge.
    pub const AUTHENTICATE: &str = "X-Wap-Authenticate";
    /// The terminal's credentials.
    pub const AUTHORIZATION: &str = "X-Wap-Authorization";
}

const NAME: &str = "ota-http";

const fn fault(offset: usize, class: Class, expected: &'static str) -> DecodeError {
    DecodeError {
        format: NAME,
        offset,
        class,
        expected,
    }
}
