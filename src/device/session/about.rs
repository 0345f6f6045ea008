//! What a session is about: the gateway to ask, and the SIR that says so.

use std::net::SocketAddr;

use crate::codec::sip::Draft;
use crate::codec::sir::{App, Ask, SiaContent, Sir};
use crate::device::bearer::HttpPoint;
use crate::protocol::wsp::contact_point;

/// What a session is about.
#[derive(Clone, Debug, Default)]
pub(in crate::device) struct About {
    /// The gateway to ask: a URI.
    pub(in crate::device) ppg: String,
    /// The number of the SIR, when it has one.
    pub(in crate::device) sir: Option<String>,
    /// The Call-ID of the SIR.
    pub(in crate::device) call_id: Option<String>,
    /// What repetitions of the SIR are known by; `None` for a session without a SIR.
    pub(in crate::device) key: Option<String>,
    /// What the SIR asks for.
    pub(in crate::device) ask: Ask,
    /// Applications to activate.
    pub(in crate::device) apps: Vec<App>,
    /// Where the gateway takes sessions of WSP.
    pub(in crate::device) wsp: Vec<SocketAddr>,
    /// Where the gateway takes connections for push over HTTP.
    pub(in crate::device) http: Vec<HttpPoint>,
    /// How often it was tried.
    pub(super) tries: u32,
}

impl About {
    pub(in crate::device) fn of(sir: &Sir, call_id: Option<&str>, key: &str) -> Self {
        Self {
            ppg: sir.ppg().to_owned(),
            sir: sir.id.clone(),
            call_id: call_id.map(str::to_owned),
            key: Some(key.to_owned()),
            ask: sir.ask(),
            apps: sir.apps().into_iter().cloned().collect(),
            wsp: match &sir.sia {
                SiaContent::Binary(sia) => sia
                    .wsp_contacts
                    .iter()
                    .filter_map(|it| contact_point(it.address.octets(), it.port))
                    .collect(),
                _ => Vec::new(),
            },
            http: HttpPoint::of(sir),
            tries: 0,
        }
    }

    /// What content asks that came by a bearer, without a session.
    pub(in crate::device) fn of_content(
        ppg: String,
        sir: Option<String>,
        ask: Ask,
        apps: Vec<App>,
    ) -> Self {
        Self {
            ppg,
            sir,
            ask,
            apps,
            ..Self::default()
        }
    }

    /// True for what a SIR by another bearer than SIP brought about: no Call-ID says so.
    pub(super) const fn is_by_bearer(&self) -> bool {
        self.key.is_some() && self.call_id.is_none()
    }

    /// The headers that say which SIR a request answers.
    pub(in crate::device) fn correlate(&self, mut draft: Draft) -> Draft {
        if let Some(call_id) = &self.call_id {
            draft = draft.header("In-Reply-To", call_id);
        }
        if let Some(sir) = &self.sir {
            draft = draft.header("X-Sirgate-Sir", sir);
        }
        draft
    }
}
