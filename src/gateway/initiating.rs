//! Who submits and asks: a name proven by a password, a token or a certificate, else the host the request came from.
//!
//! **Source:** RFC 7617 (Basic), RFC 6750 (Bearer); a certificate is verified by the driver, which hands its name over.

use std::net::SocketAddr;

use super::Gateway;
use super::on_http::{sentence, with};
use crate::world::{HttpRequest, HttpResponse};

impl Gateway {
    /// Who submits. Where names are wanted and none is proven, the answer that says so.
    pub(super) fn initiator(
        &self,
        peer: SocketAddr,
        request: &HttpRequest,
    ) -> Result<String, HttpResponse> {
        let policy = &self.config.policy;
        if !policy.wants_names() {
            return Ok(peer.ip().to_string());
        }
        let shown = request.header("authorization");
        if let Some(name) = shown.and_then(|value| policy.proven(value)) {
            return Ok(name.to_owned());
        }
        let certified = request.header(HttpRequest::CERTIFIED);
        match (shown, certified.map(|name| policy.certified(name))) {
            (None, Some(Some(name))) => Ok(name.to_owned()),
            (None, Some(None)) => Err(sentence(403, "Nobody of that certificate may ask here.")),
            _ => Err(self.challenge_initiator(shown)),
        }
    }

    fn challenge_initiator(&self, shown: Option<&str>) -> HttpResponse {
        let policy = &self.config.policy;
        let mut answer = sentence(401, "Initiators show their name and password here.");
        if !policy.initiators.is_empty() || policy.tokens.is_empty() {
            let basic = "Basic realm=\"sirgate\", charset=\"UTF-8\"";
            answer = with(answer, "www-authenticate", basic);
        }
        if !policy.tokens.is_empty() {
            let is_token = |value: &str| {
                let scheme = value.split(' ').next().unwrap_or_default();
                scheme.eq_ignore_ascii_case("Bearer")
            };
            let bearer = match shown.is_some_and(is_token) {
                true => "Bearer realm=\"sirgate\", error=\"invalid_token\"",
                false => "Bearer realm=\"sirgate\"",
            };
            answer = with(answer, "www-authenticate", bearer);
        }
        answer
    }
}
