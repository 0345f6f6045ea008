//! The MSRP half of a push session: its link, the content that comes, the information that goes.
//!
//! **Source:** the sirgate SIP profile, E.6; RFC 4975; RFC 6135 (the device connects).

use std::net::{IpAddr, SocketAddr};

use crate::codec::msrp::{self, Framer, Headers, MsrpUri};
use crate::codec::sdp::{self, Sdp};
use crate::codec::sip::Name;
use crate::codec::sir;
use crate::event::{Fact, Via, When};
use crate::machine::Machine;
use crate::protocol::msrp::{In, Out, Settings, Why};
use crate::protocol::sip::endpoint::Target;
use crate::time::Time;
use crate::world::{LinkId, Output, Transport};

use super::super::{Device, MEDIA_LINKS, host_of};

/// The MSRP half of a session.
#[derive(Debug)]
pub(super) struct Media {
    pub(super) link: LinkId,
    framer: Framer,
    pub(super) session: crate::protocol::msrp::Session,
    pub(super) is_bound: bool,
}

/// Where the answer to an offer says that the gateway listens.
#[derive(Debug)]
pub(super) struct Reach {
    path: String,
    host: String,
    port: u16,
    transport: Transport,
    octets_max: Option<u64>,
}

impl Device {
    /// Opens the link of a session to where its gateway listens.
    pub(super) fn open_media(&mut self, number: u64, reach: &Reach, out: &mut Vec<Output>) {
        let uri = self.place(number).and_then(|at| self.sessions.get(at));
        let asked = uri.map(|session| self.target_of(&session.uri));
        // A host that the table does not know is sought where the INVITE went.
        let target = match (self.config.address_of(&reach.host, None), asked) {
            (Some(address), _) | (None, Some(Target::Address { peer: address, .. })) => {
                SocketAddr::new(address.ip(), reach.port)
            }
            _ => return,
        };
        let link = LinkId(MEDIA_LINKS.saturating_add(self.fresh()));
        let random = self.random.fork();
        let address = self.config.local.ip();
        let accepts = match self.config.profile.accept.as_slice() {
            [] => vec!["*".to_owned()],
            accept => accept.to_vec(),
        };
        let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        let accepts = if session.is_service {
            vec!["*".to_owned()]
        } else {
            accepts
        };
        let settings = Settings {
            active: true,
            accepts,
            peer_octets_max: reach.octets_max,
            ..Settings::default()
        };
        session.media = Some(Box::new(Media {
            link,
            framer: Framer::new(),
            session: crate::protocol::msrp::Session::new(
                local_path(address, &session.session_id),
                &reach.path,
                random,
                settings,
            ),
            is_bound: false,
        }));
        let is_name = reach.host.parse::<IpAddr>().is_err();
        let is_tls = reach.transport == Transport::Tls;
        out.push(Output::Connect {
            link,
            transport: reach.transport,
            target,
            server_name: (is_tls && is_name).then(|| reach.host.clone()),
        });
    }

    fn of_link(&self, link: LinkId) -> Option<usize> {
        self.sessions.iter().position(|session| {
            session
                .media
                .as_ref()
                .is_some_and(|media| media.link == link)
        })
    }

    pub(in crate::device) fn media_opened(
        &mut self,
        now: Time,
        link: LinkId,
        out: &mut Vec<Output>,
    ) {
        if let Some(at) = self.of_link(link) {
            self.media(now, at, In::Linked, out);
        }
    }

    pub(in crate::device) fn media_octets(
        &mut self,
        now: Time,
        link: LinkId,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        let Some(media) = self.media_mut(link) else {
            return;
        };
        media.framer.push(octets);
        // The session may end with any message, and its link with it.
        while let Some(framed) = self.media_mut(link).and_then(|media| media.framer.next()) {
            match framed {
                Ok(message) => self.media_message(now, link, message, out),
                Err(fault) => {
                    if let Some(octets) = fault.answer {
                        out.push(Output::Octets { link, octets });
                    }
                    if fault.is_lost {
                        self.link_failed(now, link, &fault.error.to_string(), out);
                    }
                }
            }
        }
    }

    fn media_mut(&mut self, link: LinkId) -> Option<&mut Media> {
        let at = self.of_link(link)?;
        self.sessions.get_mut(at)?.media.as_deref_mut()
    }

    fn media_message(
        &mut self,
        now: Time,
        link: LinkId,
        message: msrp::Message,
        out: &mut Vec<Output>,
    ) {
        if self.config.report_wire {
            self.wire(now, "msrp", false, &message.start_line().into(), out);
        }
        let is_content =
            matches!(&message, msrp::Message::Request(request) if request.body.is_some());
        let Some(at) = self.of_link(link) else { return };
        self.media(now, at, In::Message(message), out);
        let Some(session) = self.of_link(link).and_then(|at| self.sessions.get_mut(at)) else {
            return;
        };
        if is_content {
            session.chunks = session.chunks.saturating_add(1);
            if self.config.behaviour.cut_after_chunks == Some(session.chunks) {
                self.link_failed(now, link, "cut", out);
            }
        }
    }

    pub(in crate::device) fn media_closed(
        &mut self,
        now: Time,
        link: LinkId,
        out: &mut Vec<Output>,
    ) {
        self.link_failed(now, link, "the link was lost", out);
    }

    /// Without its link a session is of no use: it is ended, and its SIR may be repeated.
    fn link_failed(&mut self, now: Time, link: LinkId, why: &str, out: &mut Vec<Output>) {
        let number = self
            .of_link(link)
            .and_then(|at| self.sessions.get(at))
            .map(|session| session.number);
        if let Some(number) = number {
            self.hang_up(now, number, 500, why, out);
        }
    }

    pub(in crate::device) fn media_expire(&mut self, now: Time, out: &mut Vec<Output>) {
        let due: Vec<u64> = self
            .sessions
            .iter()
            .filter(|session| session.deadline().is_some_and(|at| at <= now))
            .map(|session| session.number)
            .collect();
        for number in due {
            let mut told = Vec::new();
            if let Some(media) = self
                .place(number)
                .and_then(|at| self.sessions.get_mut(at))
                .and_then(|session| session.media.as_deref_mut())
            {
                media.session.expire(now, &mut told);
            }
            self.media_told(now, number, told, out);
        }
    }

    /// Sends a message in a session.
    pub(in crate::device) fn send_in(
        &mut self,
        now: Time,
        number: u64,
        content_type: &str,
        body: Vec<u8>,
        out: &mut Vec<Output>,
    ) {
        let id = self.fresh();
        if let Some(at) = self.place(number) {
            let input = In::Send {
                id,
                content_type: content_type.to_owned(),
                headers: Headers::default(),
                body: body.into(),
                success_report: false,
            };
            self.media(now, at, input, out);
        }
    }

    /// Does what content asks in its own headers, because its device had a session and got no SIR.
    fn return_for_content(
        &mut self,
        now: Time,
        number: u64,
        headers: &Headers,
        out: &mut Vec<Output>,
    ) {
        let (ask, apps) = sir::read_questions(headers.iter());
        let Some(session) = self.place(number).and_then(|at| self.sessions.get(at)) else {
            return;
        };
        let about = session.about_content(value(headers, Name::XSirgateSir), ask, apps);
        let apps: Vec<_> = about.apps.iter().collect();
        self.activate(now, &apps, When::After, out);
        if !self.has_returned(&about) {
            self.return_in_session(now, Some(number), &about, Via::Existing, out);
        }
    }

    fn media(&mut self, now: Time, at: usize, input: In, out: &mut Vec<Output>) {
        let mut told = Vec::new();
        let Some(session) = self.sessions.get_mut(at) else {
            return;
        };
        let number = session.number;
        if let Some(media) = session.media.as_deref_mut() {
            media.session.handle(now, input, &mut told);
        }
        self.set_idle(now, number);
        self.media_told(now, number, told, out);
    }

    fn media_told(&mut self, now: Time, number: u64, told: Vec<Out>, out: &mut Vec<Output>) {
        for one in told {
            let Some(session) = self.place(number).and_then(|at| self.sessions.get_mut(at)) else {
                return;
            };
            let Some(media) = session.media.as_deref_mut() else {
                return;
            };
            match one {
                Out::Octets(octets) => {
                    let link = media.link;
                    self.wire(now, "msrp", true, &octets, out);
                    out.push(Output::Octets { link, octets });
                }
                Out::Bound => {
                    media.is_bound = true;
                    let about = session.about.clone();
                    self.return_in_session(now, Some(number), &about, Via::New, out);
                }
                Out::Refused { code } => {
                    self.hang_up(now, number, code, "the link was refused", out);
                }
                Out::Received {
                    headers,
                    body,
                    content_type,
                    ..
                } if session.is_service => {
                    self.service_message(now, content_type, &headers, &body, out);
                }
                Out::Received {
                    headers,
                    body,
                    content_type,
                    ..
                } => {
                    let via = if session.contents == 0 && session.about.key.is_some() {
                        Via::New
                    } else {
                        Via::Existing
                    };
                    session.contents = session.contents.saturating_add(1);
                    let content = (content_type.as_str(), body.as_ref());
                    self.content(now, push_of(&headers), content, via, out);
                    self.return_for_content(now, number, &headers, out);
                }
                Out::Failed { code, why, .. } if why != Why::LinkLost => {
                    let fact = Fact::Refused {
                        from: host_of(&session.uri),
                        why: format!("information: {code} {}", why.text()),
                    };
                    self.report(now, fact, out);
                }
                Out::Delivered { .. } | Out::Failed { .. } => {}
            }
        }
    }
}

/// The offer of a device: it connects, and says what it takes.
pub(in crate::device) fn offer(
    session: u64,
    address: IpAddr,
    session_id: &str,
    accept: &[String],
) -> Vec<u8> {
    let address = host_text(address);
    let mut sdp = Sdp::offer(session, &address, session_id, None, sdp::Transport::Tcp);
    if !accept.is_empty() {
        sdp.accept_types = accept.to_vec();
    }
    sdp.max_size = u64::try_from(crate::limits::MSRP_MESSAGE_OCTETS).ok();
    sdp.encode()
}

/// The path that [`offer`] names.
pub(in crate::device) fn local_path(address: IpAddr, session_id: &str) -> String {
    Sdp::offer(
        0,
        &host_text(address),
        session_id,
        None,
        sdp::Transport::Tcp,
    )
    .path
}

/// An address as URIs write it.
fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Where to connect by this answer; `None` when it is none that leaves the connecting to the device.
pub(in crate::device) fn reach(answer: &[u8]) -> Option<Reach> {
    let sdp = Sdp::decode(answer).ok().filter(Sdp::offerer_connects)?;
    let first = sdp.path.split_ascii_whitespace().next()?;
    let uri = MsrpUri::decode(first).ok()?;
    let is_tls = uri.is_secure || sdp.transport == sdp::Transport::Tls;
    Some(Reach {
        host: uri.host.to_owned(),
        port: uri.port_or_default(),
        transport: if is_tls {
            Transport::Tls
        } else {
            Transport::Tcp
        },
        octets_max: sdp.max_size,
        path: sdp.path,
    })
}

/// The push-id of a content by its headers.
fn push_of(headers: &Headers) -> String {
    value(headers, Name::XSirgatePush).unwrap_or_default()
}

fn value(headers: &Headers, wanted: Name) -> Option<String> {
    headers
        .value(wanted.text())
        .map(|value| value.trim_matches('"').to_owned())
}
