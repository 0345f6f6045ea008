//! The capability entity of a submission: what its initiator knows, or assumes, of the client.
//!
//! **Source:** WAP-247 sections 5.1 and 10 (2005, 3004).

use super::{Asked, Refused};
use crate::codec::mime::MediaType;
use crate::codec::pap::{self, Capabilities, Status};
use crate::codec::sia;
use crate::gateway::push::plan::covers;
use crate::gateway::push::transform;

/// Media types that a profile comes as.
const PROFILES: [&str; 4] = [
    "application/xml",
    "text/xml",
    "application/rdf+xml",
    "application/vnd.wap.uaprof",
];

impl Asked {
    /// The same with content that a client of those capabilities takes, transformed where it must be.
    ///
    /// # Errors
    /// With PAP's code: an entity that is no profile, content that the client does not take or that cannot be
    /// transformed for it.
    pub fn fit(mut self, entity: &pap::Content<'_>) -> Result<Self, Refused> {
        let media = MediaType::decode(&entity.content_type);
        if !media.is_ok_and(|media| PROFILES.iter().any(|own| media.is(own))) {
            return Err(Refused::new(
                Status::CapabilityMatchingNotSupported,
                "capabilities are read as a profile in XML",
            ));
        }
        let capabilities = Capabilities::decode(&entity.body).map_err(|fault| {
            let desc = format!("the capabilities entity: {fault}");
            Refused::new(Status::BadRequest, desc)
        })?;
        let mismatch = |what: &str| {
            let desc = format!("the capabilities given do not take {what}");
            Err(Refused::new(Status::CapabilitiesMismatch, desc))
        };
        if let Some(accept) = &capabilities.accept {
            let takes = |essence: &str| accept.iter().any(|range| covers(range, essence));
            let own = self.content.content_type.split(';').next();
            if !takes(own.unwrap_or_default().trim()) {
                let other = transform::other_type(&self.content);
                let Some(other) = other.filter(|other| takes(other)) else {
                    return mismatch(&self.content.content_type);
                };
                self.content = transform::transformed(&self.content, other).map_err(|failure| {
                    Refused::new(Status::TransformationFailure, failure.to_string())
                })?;
            }
        }
        let octets = u64::try_from(self.content.octets).unwrap_or(u64::MAX);
        if capabilities.octets_max.is_some_and(|most| octets > most) {
            return mismatch(&format!("{octets} octets"));
        }
        let own = &self.content.application;
        let is_own = |listed: &String| listed == "*" || uri_of(listed).eq_ignore_ascii_case(own);
        let listed = capabilities.applications.as_ref();
        if listed.is_some_and(|all| !all.iter().any(is_own)) {
            return mismatch(own);
        }
        Ok(self)
    }
}

/// The URI of an application that may be named by its number, in hexadecimal (WAP-251 section 6.2.2.1).
pub(super) fn uri_of(named: &str) -> &str {
    let is_code = (1..=8).contains(&named.len()) && named.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u32::from_str_radix(named, 16).ok().filter(|_| is_code);
    code.and_then(sia::application_uri).unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ppg_gen_s_005_an_application_may_be_named_by_its_number() {
        assert_eq!(uri_of("2"), "x-wap-application:wml.ua");
        assert_eq!(uri_of("0000000A"), "x-wap-application:wv.ua");
        for other in ["7F", "000000002", "x-mine:2", ""] {
            assert_eq!(uri_of(other), other);
        }
    }
}
