//! A session that the device opens for another service, and the SIRs that come in it.
//!
//! **Source:** the sirgate SIP profile E.3 (service bearer), RFC 4975. It is no push session: with it alone a device
//! does not count as connected. A session that ends is opened again after a while.

use core::time::Duration;

use bytes::Bytes;

use crate::codec::msrp::Headers;
use crate::device::{Device, Timer};
use crate::time::Time;
use crate::world::Output;

use super::{Arrival, Pushed};

/// How long a device goes without the session before it tries again.
const AGAIN: Duration = Duration::from_secs(30);

impl Device {
    /// Opens the session, unless it is there or not wanted.
    pub(in crate::device) fn open_service(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(doors) = self
            .doors
            .as_deref()
            .filter(|_| self.config.bearers.service)
        else {
            return;
        };
        let is_there = doors
            .service
            .is_some_and(|number| self.place(number).is_some());
        if !is_there {
            let uri = self.service_of_gateway("service");
            let number = self.call_service(now, uri, out);
            if let Some(doors) = self.doors.as_deref_mut() {
                doors.service = Some(number);
            }
        }
    }

    /// The session of that number is over.
    pub(in crate::device) fn service_over(&mut self, now: Time, number: u64) {
        if let Some(doors) = self.doors.as_deref_mut()
            && doors.service == Some(number)
        {
            doors.service = None;
            self.timers.set(Timer::Service, now + AGAIN);
        }
    }

    /// The session, when it can carry something.
    pub(in crate::device) fn bound_service(&self) -> Option<u64> {
        let number = self.doors.as_deref()?.service?;
        self.is_bound(number).then_some(number)
    }

    /// A message in the session.
    pub(in crate::device) fn service_message(
        &mut self,
        now: Time,
        content_type: String,
        headers: &Headers,
        body: &Bytes,
        out: &mut Vec<Output>,
    ) {
        let pushed = Pushed {
            rows: headers
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            content_type,
            body: body.to_vec(),
        };
        self.pushed(now, Arrival::Service, &pushed, out);
    }
}
