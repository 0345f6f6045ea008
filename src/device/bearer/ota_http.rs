//! Connections for push over HTTP that the device opens where a SIR says (TO-TCP): it is asked on them as at its door.
//!
//! **Source:** WAP-235 sections 7.1, 7.3 and 8.4. One contact point after the other is tried until one takes the
//! connection. A new SIR opens the connection anew: a gateway that sends one may have forgotten the old one.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::codec::ota_http::{PORTS, PushStatus, header};
use crate::codec::sia::{self, BearerAddress};
use crate::codec::sip::Name;
use crate::codec::sir::{App, SiaContent, Sir};
use crate::device::behaviour::{Activate, Connect};
use crate::device::session::About;
use crate::device::{Device, PUSH_LINKS, Timer};
use crate::event::{Fact, Via, When};
use crate::protocol::ota_http::{Asked, Server};
use crate::time::Time;
use crate::world::{HttpResponse, LinkId, Output, Transport};

use super::Asker;

/// Contact points of one SIR that are tried.
const POINTS_MAX: usize = 4;
/// Connections that the device has at a time; the oldest makes room.
const LINES_MAX: usize = 4;
/// How long a gateway may be silent on a connection, from its opening and after each request.
const SILENCE: Duration = Duration::from_secs(60);

/// Where a gateway takes connections for push over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::device) struct HttpPoint {
    address: SocketAddr,
    is_tls: bool,
}

/// The connections of a device, the oldest first.
#[derive(Debug, Default)]
pub(in crate::device) struct Lines {
    open: Vec<Line>,
}

/// A connection that the device has or opens.
#[derive(Debug)]
struct Line {
    link: LinkId,
    about: About,
    server: Server,
    /// Where else it may be opened.
    others: VecDeque<HttpPoint>,
    is_up: bool,
    is_registered: bool,
}

impl HttpPoint {
    /// The contact points of a SIR.
    pub(in crate::device) fn of(sir: &Sir) -> Vec<Self> {
        let SiaContent::Binary(sia) = &sir.sia else {
            return Vec::new();
        };
        let points = sia.reached().filter_map(|point| {
            let is_tls = match point.protocol {
                sia::PROTOCOL_HTTPS => true,
                _ if point.is_usable() => point.is_tls(),
                _ => return None,
            };
            let port = point.contact.port.unwrap_or(PORTS.0);
            let address = SocketAddr::new(ip(&point.contact.address)?, port);
            Some(Self { address, is_tls })
        });
        points.take(POINTS_MAX).collect()
    }
}

fn ip(address: &BearerAddress) -> Option<IpAddr> {
    let octets = address.octets();
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

impl Device {
    /// Connects for a SIR that names contact points of push over HTTP, when the device likes that; else the SIR comes
    /// back.
    pub(in crate::device) fn connect_by_http(
        &mut self,
        now: Time,
        about: About,
        out: &mut Vec<Output>,
    ) -> Option<About> {
        // A device that registers nowhere has nothing else.
        let has_nothing_else = !self.config.register && self.config.bearers.http;
        let is_liked = self.config.behaviour.connect == Connect::Http || has_nothing_else;
        if about.http.is_empty() || !is_liked {
            return Some(about);
        }
        let wants_tls = self.config.transport == Transport::Tls;
        let mut points: Vec<HttpPoint> = about.http.clone();
        points.sort_by_key(|point| point.is_tls != wants_tls);
        self.report_request(now, &about.ppg, about.sir.clone(), out);
        self.forget_lines(now, &about.ppg, out);
        self.open_line(about, points.into(), out);
        None
    }

    /// Closes what connections there are to a gateway, and the oldest when there are too many.
    fn forget_lines(&mut self, now: Time, ppg: &str, out: &mut Vec<Output>) {
        let lines = self.lines().map_or(&[][..], |lines| &lines.open);
        let room = lines.len().saturating_sub(LINES_MAX.saturating_sub(1));
        let old = lines.iter().enumerate();
        let old = old.filter(|(at, line)| line.about.ppg == ppg || *at < room);
        let old: Vec<LinkId> = old.map(|(_, line)| line.link).collect();
        for link in old {
            self.close_line(now, link, "opened anew", out);
        }
    }

    fn open_line(&mut self, about: About, mut points: VecDeque<HttpPoint>, out: &mut Vec<Output>) {
        let Some(point) = points.pop_front() else {
            return;
        };
        let link = LinkId(PUSH_LINKS.saturating_add(self.fresh()));
        let transport = if point.is_tls {
            Transport::Tls
        } else {
            Transport::Tcp
        };
        let server_name = point.is_tls.then(|| self.name_of(point.address)).flatten();
        let Some(lines) = self.doors.as_deref_mut().map(|doors| &mut doors.lines) else {
            return;
        };
        lines.open.push(Line {
            link,
            about,
            server: Server::default(),
            others: points,
            is_up: false,
            is_registered: false,
        });
        out.push(Output::Connect {
            link,
            transport,
            target: point.address,
            server_name,
        });
    }

    /// The name that a gateway at an address must have in its certificate; `None` for the address itself.
    fn name_of(&self, address: SocketAddr) -> Option<String> {
        let mut known = self.config.ppg_addresses.iter();
        let known = known.find(|(_, own)| own.ip() == address.ip());
        let is_registrar = self.config.registrar.ip() == address.ip();
        let registrar = self.config.registrar_name.as_ref();
        let registrar = registrar.filter(|_| is_registrar).cloned();
        registrar.or_else(|| known.map(|(name, _)| name.clone()))
    }

    fn lines(&self) -> Option<&Lines> {
        self.doors.as_deref().map(|doors| &doors.lines)
    }

    fn line(&mut self, link: LinkId) -> Option<&mut Line> {
        let lines = &mut self.doors.as_deref_mut()?.lines;
        lines.open.iter_mut().find(|line| line.link == link)
    }

    pub(in crate::device) fn line_opened(&mut self, now: Time, link: LinkId) {
        if let Some(line) = self.line(link) {
            line.is_up = true;
            self.timers.set(Timer::Line(link), now + SILENCE);
        }
    }

    pub(in crate::device) fn line_octets(
        &mut self,
        now: Time,
        link: LinkId,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        let silence = self.config.behaviour.hang_up_after_ms;
        let silence = silence.map_or(SILENCE, Duration::from_millis);
        let Some(line) = self.line(link) else { return };
        if let Err(fault) = line.server.octets(octets) {
            return self.close_line(now, link, &fault.to_string(), out);
        }
        self.timers.set(Timer::Line(link), now + silence);
        self.serve_line(now, link, out);
    }

    /// Takes the requests that came, one after the other.
    fn serve_line(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        while let Some(line) = self.line(link) {
            match line.server.next_asked() {
                Ok(None) => return,
                Ok(Some(Asked::Leave(octets))) => out.push(Output::Octets { link, octets }),
                // A device that is silent says nothing at all.
                Ok(Some(Asked::Request(_))) if self.config.behaviour.silent => return,
                Ok(Some(Asked::Request(request))) => {
                    self.http_request(now, Asker::Line(link), &request, out);
                }
                Err(fault) => {
                    let why = fault.to_string();
                    self.close_line(now, link, &why, out);
                }
            }
        }
    }

    /// What a registration on a connection of the device says besides: which device it is, and for which SIR it came.
    pub(super) fn line_rows(&mut self, asker: Asker) -> Vec<(String, String)> {
        let Asker::Line(link) = asker else {
            return Vec::new();
        };
        let id = self.config.ids.first().map(|id| format!("<{id}>"));
        let sir = self.line(link).and_then(|line| line.about.sir.clone());
        let device = id.map(|id| (Name::XSirgateDevice.text().to_owned(), id));
        let sir = sir.map(|sir| (Name::XSirgateSir.text().to_owned(), sir));
        device.into_iter().chain(sir).collect()
    }

    /// Answers a request on a connection of the device.
    pub(super) fn answer_on_line(
        &mut self,
        now: Time,
        link: LinkId,
        response: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let Some(line) = self.line(link) else { return };
        let Some(octets) = line.server.answer(response) else {
            return;
        };
        let is_over = line.server.is_over();
        out.push(Output::Octets { link, octets });
        if is_registration(response) && !line.is_registered {
            line.is_registered = true;
            let about = line.about.clone();
            self.line_registered(now, &about, out);
        }
        if is_over {
            self.close_line(now, link, "the last request was answered", out);
        }
    }

    /// The gateway knows who connected: that is the session.
    fn line_registered(&mut self, now: Time, about: &About, out: &mut Vec<Output>) {
        let fact = Fact::SessUp {
            dev: self.config.name.clone(),
            ppg: about.ppg.clone(),
            by: "dev".to_owned(),
        };
        self.report(now, fact, out);
        if self.config.behaviour.activate == Activate::After {
            let apps: Vec<&App> = about.apps.iter().collect();
            self.activate(now, &apps, When::After, out);
        }
        // On this connection the device has no requests: what it returns goes another way.
        self.return_in_session(now, None, about, Via::Sip, out);
    }

    pub(in crate::device) fn line_closed(
        &mut self,
        now: Time,
        link: LinkId,
        out: &mut Vec<Output>,
    ) {
        self.timers.cancel(Timer::Line(link));
        let Some(line) = self.take_line(link) else {
            return;
        };
        if !line.is_up && !line.others.is_empty() {
            return self.open_line(line.about, line.others, out);
        }
        self.line_over(now, &line, "the gateway closed the connection", out);
    }

    /// The gateway was silent for long.
    pub(in crate::device) fn line_due(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        self.close_line(now, link, "nothing came for long", out);
    }

    fn close_line(&mut self, now: Time, link: LinkId, why: &str, out: &mut Vec<Output>) {
        self.timers.cancel(Timer::Line(link));
        if let Some(line) = self.take_line(link) {
            out.push(Output::Close { link });
            self.line_over(now, &line, why, out);
        }
    }

    fn take_line(&mut self, link: LinkId) -> Option<Line> {
        let lines = &mut self.doors.as_deref_mut()?.lines;
        let at = lines.open.iter().position(|line| line.link == link)?;
        Some(lines.open.remove(at))
    }

    fn line_over(&mut self, now: Time, line: &Line, why: &str, out: &mut Vec<Output>) {
        if line.is_registered {
            self.session_down(now, &line.about, why, out);
        } else {
            self.no_session(now, &line.about, &line.about.ppg, why, out);
        }
    }

    /// Connections for push over HTTP on which the gateway knows who the device is.
    #[must_use]
    pub fn http_connections_up(&self) -> usize {
        let lines = self.lines().map_or(&[][..], |lines| &lines.open);
        lines.iter().filter(|line| line.is_registered).count()
    }
}

/// Whether the answer says that a registration is done.
fn is_registration(response: &HttpResponse) -> bool {
    let mut rows = response.headers.iter();
    let status = rows.find(|(name, _)| name.eq_ignore_ascii_case(header::STATUS));
    let status = status.and_then(|(_, value)| PushStatus::decode(value));
    status.is_some_and(|status| matches!(status.code(), 500 | 501))
}
