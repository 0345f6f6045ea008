//! The rungs of the ladder: what went over which line, between whom; only built when somebody wants to see it.

use bytes::Bytes;

use super::Gateway;
use super::bearer::Job;
use super::push::notification::OwedNo;
use super::push::submission::PushNo;
use super::sessions::SessionNo;
use crate::codec::{msrp, sip};
use crate::event::Fact;
use crate::ladder::{PI, PPG};
use crate::protocol::sip::endpoint::Flow;
use crate::time::Time;
use crate::world::{FetchError, HttpRequest, HttpResponse, LinkId, Output};

impl Gateway {
    /// A SIP message leaves.
    pub(super) fn wire_sent(&self, now: Time, output: &Output, out: &mut Vec<Output>) {
        if !self.config.report_wire {
            return;
        }
        let (flow, octets) = match output {
            Output::Datagram {
                socket,
                peer,
                octets,
            } => (
                Flow::Udp {
                    socket: *socket,
                    peer: *peer,
                },
                octets,
            ),
            Output::Octets { link, octets } => (Flow::Link(*link), octets),
            _ => return,
        };
        // Keep-alives are no rungs.
        if !octets.first().is_some_and(u8::is_ascii_alphabetic) {
            return;
        }
        let to = self.party(flow);
        self.wire(
            now,
            (PPG, &to),
            "sip",
            &start_line(octets),
            octets,
            None,
            out,
        );
    }

    /// A SIP message came in.
    pub(super) fn wire_received(
        &self,
        now: Time,
        flow: Flow,
        message: &sip::Message,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let octets = message.octets();
        let from = self.party(flow);
        self.wire(
            now,
            (&from, PPG),
            "sip",
            &start_line(octets),
            octets,
            None,
            out,
        );
    }

    /// MSRP octets leave for the device of a session.
    pub(super) fn wire_msrp_sent(
        &self,
        now: Time,
        no: SessionNo,
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        if let Some(session) = self.sessions.get(no) {
            let line = start_line(octets);
            self.wire(now, (PPG, &session.name), "msrp", &line, octets, None, out);
        }
    }

    /// An MSRP message came in on a link.
    pub(super) fn wire_msrp_received(
        &self,
        now: Time,
        link: LinkId,
        message: &msrp::Message,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let bound = self.sessions.link(link).and_then(|open| open.session);
        let named = || self.sessions.by_path(message.session_id()?);
        let session = bound.or_else(named).and_then(|no| self.sessions.get(no));
        let from = session.map_or("?", |session| session.name.as_str());
        let octets = message.encode();
        let line = message.start_line();
        self.wire(now, (from, PPG), "msrp", &line, &octets, None, out);
    }

    /// An HTTP request of the initiator and the answer to it.
    pub(super) fn wire_http(
        &self,
        now: Time,
        request: &HttpRequest,
        response: &HttpResponse,
        push: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let line = format!("{} {} HTTP/1.1", request.method, request.target);
        self.wire(now, (PI, PPG), "http", &line, &request.body, push, out);
        let line = format!("HTTP/1.1 {}", response.status);
        self.wire(now, (PPG, PI), "http", &line, &response.body, push, out);
    }

    /// A result goes to the initiator.
    pub(super) fn wire_fetch(
        &self,
        now: Time,
        no: OwedNo,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        let push = self.notices.get(no).map(|owed| owed.push_id.as_str());
        let path = request
            .target
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or(String::new(), |(_, path)| path.to_owned());
        let line = format!("{} /{path} HTTP/1.1", request.method);
        self.wire(now, (PPG, PI), "http", &line, &request.body, push, out);
    }

    /// A SIR or a content leaves on a bearer that is neither SIP nor MSRP.
    pub(super) fn wire_carried(
        &self,
        now: Time,
        job: &Job,
        (line, what): (&str, &str),
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if self.config.report_wire {
            let dev = self.lane_name(job.lane);
            let push = self.ledger.get(job.push).map(|push| push.push_id.as_str());
            self.wire(now, (PPG, &dev), line, what, octets, push, out);
        }
    }

    /// Something goes to the message centre for a SIR, or comes from there.
    pub(super) fn wire_centre(
        &self,
        now: Time,
        job: &Job,
        (ends, what): ((&str, &str), &str),
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if self.config.report_wire {
            let line = if self.is_by_ussd(job) { "ussd" } else { "sms" };
            let push = self.ledger.get(job.push).map(|push| push.push_id.as_str());
            self.wire(now, ends, line, what, octets, push, out);
        }
    }

    /// What was carried so is answered: by a response of HTTP, a receipt, a string.
    pub(super) fn wire_answered(
        &self,
        now: Time,
        job: &Job,
        (line, what): (&str, &str),
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        if self.config.report_wire {
            let dev = self.lane_name(job.lane);
            let push = self.ledger.get(job.push).map(|push| push.push_id.as_str());
            self.wire(now, (&dev, PPG), line, what, octets, push, out);
        }
    }

    /// Something goes, or comes, on a connection that a terminal opened; `ends` names who says it first.
    pub(super) fn wire_connection(
        &self,
        now: Time,
        ends: (&str, &str),
        (what, octets): (&str, &Bytes),
        push: Option<PushNo>,
        out: &mut Vec<Output>,
    ) {
        if self.config.report_wire {
            let push = push.and_then(|push| self.ledger.get(push));
            let push = push.map(|push| push.push_id.as_str());
            self.wire(now, ends, "http", what, octets, push, out);
        }
    }

    /// The initiator answered a result.
    pub(super) fn wire_fetched(
        &self,
        now: Time,
        no: OwedNo,
        response: &Result<HttpResponse, FetchError>,
        out: &mut Vec<Output>,
    ) {
        if !self.config.report_wire {
            return;
        }
        if let Ok(response) = response {
            let push = self.notices.get(no).map(|owed| owed.push_id.as_str());
            let line = format!("HTTP/1.1 {}", response.status);
            self.wire(now, (PI, PPG), "http", &line, &response.body, push, out);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a rung has two ends, a line, words and octets"
    )]
    fn wire(
        &self,
        now: Time,
        (from, to): (&str, &str),
        line: &str,
        what: &str,
        octets: &Bytes,
        push: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        let fact = Fact::Wire {
            from: from.to_owned(),
            to: to.to_owned(),
            line: line.to_owned(),
            what: what.to_owned(),
            push: push.map(str::to_owned),
            octets: octets.clone(),
        };
        self.report(now, fact, out);
    }

    /// Who is at the other end of a flow: a device by name, or an address.
    fn party(&self, flow: Flow) -> String {
        if let Some(key) = self.flows.last(flow)
            && let Some(name) = self.name(key.identity, key.at)
        {
            return name.to_owned();
        }
        match (self.endpoint.peer(flow), flow) {
            (Some((_, peer)), _) | (None, Flow::Udp { peer, .. }) => peer.to_string(),
            (None, Flow::Link(link)) => format!("link {}", link.0),
        }
    }
}

fn start_line(octets: &[u8]) -> String {
    let end = memchr::memchr(b'\n', octets).unwrap_or(octets.len());
    let line = octets.get(..end).unwrap_or_default();
    String::from_utf8_lossy(line).trim_end().to_owned()
}
