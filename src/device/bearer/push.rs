//! Information that a device returns in a push of its own: an HTTP request to its gateway.
//!
//! **Source:** CN101764828A [0051] (push request message); the sirgate SIP profile E.7.

use crate::device::Device;
use crate::device::reply::INFORMATION;
use crate::device::session::About;
use crate::event::Fact;
use crate::time::Time;
use crate::world::{Errand, FetchError, FetchId, HttpRequest, HttpResponse, Output};

impl Device {
    /// Posts an information to the gateway; when it is not known where, it stays untold.
    pub(in crate::device) fn send_by_push(
        &mut self,
        now: Time,
        about: &About,
        body: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let Some(target) = self.config.bearers.info_url.clone() else {
            return;
        };
        let start = format!("POST {target} HTTP/1.1");
        self.wire(now, "http", true, &start.into_bytes().into(), out);
        let mut headers = vec![
            ("content-type".to_owned(), INFORMATION.to_owned()),
            ("from".to_owned(), format!("<{}>", self.config.pui)),
        ];
        if let Some(sir) = &about.sir {
            headers.push(("x-sirgate-sir".to_owned(), sir.clone()));
        }
        if let Some(id) = self.config.ids.first() {
            headers.push(("x-sirgate-device".to_owned(), format!("<{id}>")));
        }
        let request = HttpRequest {
            method: "POST".to_owned(),
            target,
            headers,
            body: body.into(),
        };
        let id = FetchId(self.fresh());
        out.push(Output::Fetch {
            id,
            errand: Errand::Result,
            request,
        });
    }

    /// A push of the device was answered.
    pub(in crate::device) fn fetched(
        &mut self,
        now: Time,
        response: Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        let why = match response {
            Ok(response) if response.status < 300 => return,
            Ok(response) => format!("information: {}", response.status),
            Err(error) => format!("information: {error:?}"),
        };
        let from = self.config.bearers.info_url.clone().unwrap_or_default();
        self.report(now, Fact::Refused { from, why }, out);
    }
}
