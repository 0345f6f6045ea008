//! The push service for browsers, joined to links, requests and records.

use super::Gateway;
use super::service::push_service::{Route, SOCKET_PATH};
use super::snapshot::BadRecord;
use crate::event::Fact;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, LinkId, Output, Record};

impl Gateway {
    /// A WebSocket is up; only browsers at the push service have business here.
    pub(super) fn socket_opened(
        &mut self,
        now: Time,
        link: LinkId,
        target: &str,
        out: &mut Vec<Output>,
    ) {
        let path = target.split('?').next().unwrap_or_default();
        match &mut self.push_service {
            Some(service) if path == SOCKET_PATH => service.opened(now, link),
            _ => {
                let fact = Fact::Refused {
                    from: "browser".to_owned(),
                    why: "no push service here".to_owned(),
                };
                self.report(now, fact, out);
                out.push(Output::Close { link });
            }
        }
    }

    pub(super) fn socket_message(
        &mut self,
        now: Time,
        link: LinkId,
        text: &str,
        out: &mut Vec<Output>,
    ) {
        if let Some(service) = &mut self.push_service {
            service.message(now, link, text, out);
        }
    }

    /// True when the link was a browser's.
    pub(super) fn socket_closed(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) -> bool {
        let service = self.push_service.as_mut();
        let Some(service) = service.filter(|service| service.has(link)) else {
            return false;
        };
        service.closed(now, link, out);
        true
    }

    /// Answers an application server; `None` when the path is none of the push service.
    pub(super) fn web_push(
        &mut self,
        now: Time,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> Option<HttpResponse> {
        let service = self.push_service.as_mut()?;
        let path = request.target.split('?').next().unwrap_or_default();
        Some(service.request(now, Route::of(path)?, request, out))
    }

    pub(super) fn restore_web_push(&mut self, record: &Record) -> Result<(), BadRecord> {
        match &mut self.push_service {
            Some(service) => service.restore(record),
            // Kept for when it serves again.
            None => Ok(()),
        }
    }
}
