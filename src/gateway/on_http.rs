//! HTTP requests: what each is about, and who answers it (`on_pap`, `on_api`, or here what a device tells unasked).

use std::net::SocketAddr;

use bytes::Bytes;

use super::Gateway;
use super::api::Route;
use super::index;
use super::push::submission::Options;
use super::service::{instant_notice, session, web_message};
use crate::codec::device_id::DeviceId;
use crate::event::Via;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Output, RequestId};

/// Where devices return information in pushes of their own.
const INFORMATION_PATH: &str = "/info";

/// Seconds after which an initiator may try again.
pub(super) const RETRY_AFTER: &str = "5";

impl Gateway {
    pub(super) fn on_request(
        &mut self,
        now: Time,
        id: RequestId,
        peer: SocketAddr,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let path = request.target.split('?').next().unwrap_or_default();
        if request.body.len() > self.config.body_octets_max {
            let most = self.config.body_octets_max;
            let response = sentence(413, &format!("The body may have at most {most} octets."));
            return self.answer_http(now, id, request, response, None, out);
        }
        if path == self.config.pap_path {
            return self.on_pap(now, id, peer, request, out);
        }
        if path == INFORMATION_PATH && request.method == "POST" {
            return self.on_told_by_device(now, id, request, out);
        }
        if index::is_index(&request.method, path) {
            let response = index::index(request, &self.config.pap_path);
            return self.answer_http(now, id, request, response, None, out);
        }
        if let Some(route) = session::Route::of(&request.method, path) {
            return self.on_session(now, id, peer, route, request, out);
        }
        if let Some(route) = instant_notice::Route::of(&request.method, path) {
            return self.on_notice(now, id, peer, route, request, out);
        }
        if let Some(route) = web_message::Route::of(&request.method, path) {
            return self.on_web(now, id, peer, route, request, out);
        }
        if let Some(response) = self.web_push(now, request, out) {
            // Its path is a secret of the browser, which no ladder shows.
            return out.push(Output::Respond { id, response });
        }
        match Route::of(&request.method, path) {
            Ok(route) => self.on_api(now, id, peer, route, request, out),
            Err(response) => self.answer_http(now, id, request, response, None, out),
        }
    }

    /// A device returns information in a push of its own (R2.107): who it is says its header.
    fn on_told_by_device(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        let named = request.header("x-sirgate-device");
        let named = named.and_then(|it| DeviceId::decode(it.trim_matches(['<', '>', ' '])).ok());
        let device = named.and_then(|id| self.registry.find(&id));
        // Devices that must prove who they are cannot here.
        let status = match device.filter(|_| self.config.authentication.is_none()) {
            Some(device) if !self.is_expected(now, device) => 403,
            Some(device) => match self.learn(now, device, Via::Push, &request.body, out) {
                200 => 204,
                status => status,
            },
            None => 403,
        };
        let response = HttpResponse {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        };
        self.answer_http(now, id, request, response, None, out);
    }

    pub(super) fn answer_http(
        &self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        response: HttpResponse,
        push: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        self.wire_http(now, request, &response, push, out);
        out.push(Output::Respond { id, response });
    }

    /// How pushes travel when their initiator says nothing.
    pub(super) fn options(&self) -> Options {
        Options {
            plan: self.config.plan,
            place: self.config.place,
            fork: self.config.fork,
            ask: self.config.ask,
            apps: Vec::new(),
            ppg: None,
            devices_judge: false,
        }
    }
}

/// A response that says in a sentence what its status means here.
pub(super) fn sentence(status: u16, text: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "text/plain; charset=utf-8".to_owned(),
        )],
        body: Bytes::from(format!("{text}\n")),
    }
}

pub(super) fn with(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}
