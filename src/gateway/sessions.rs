//! Push sessions with devices: a SIP dialog, an MSRP session, and the link that binds the two.
//!
//! **Source:** spec/sip.md E.5, E.6; RFC 4975 section 5.4 (a link belongs to the session its first request names).
//!
//! Values and look-ups only; what happens is decided in `gateway::on_invite` and `gateway::on_msrp`.

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::quality::FixedState;

use super::push::submission::PushNo;
use super::registry::DeviceKey;
use crate::codec::msrp::Framer;
use crate::event::Via;
use crate::protocol::msrp;
use crate::protocol::sip::endpoint::{Flow, ServerId};
use crate::protocol::sip::push_session::Callee;
use crate::world::LinkId;

/// A session, for its time in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionNo(pub u64);

impl SessionNo {
    /// Sessions of WSP are numbered from here, by what WSP numbers them.
    const WSP: u64 = 1 << 48;
    /// Connections of terminals that take pushes over HTTP are numbered from here.
    const TERMINAL: u64 = 2 << 48;

    /// The session that WSP gave that number.
    #[must_use]
    pub fn of_wsp(number: u32) -> Self {
        Self(Self::WSP | u64::from(number))
    }

    /// The number that WSP gave it; `None` for a session of something else.
    #[must_use]
    pub fn wsp(self) -> Option<u32> {
        u32::try_from(self.0.checked_sub(Self::WSP)?).ok()
    }

    /// The connection of that number, which a terminal opened.
    #[must_use]
    pub fn of_terminal(number: u32) -> Self {
        Self(Self::TERMINAL | u64::from(number))
    }

    /// The number of the connection that a terminal opened; `None` for a session of something else.
    #[must_use]
    pub fn terminal(self) -> Option<u32> {
        u32::try_from(self.0.checked_sub(Self::TERMINAL)?).ok()
    }
}

/// One push that goes through a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The push.
    pub push: PushNo,
    /// The identity's place in it.
    pub group: usize,
    /// Whether the session was opened for it.
    pub via: Via,
}

/// A session with a device.
#[derive(Debug)]
pub struct Session {
    /// The device.
    pub device: DeviceKey,
    /// Its name.
    pub name: String,
    /// The SIP side.
    pub call: Callee,
    /// The transaction of the INVITE, for repeating its 200.
    pub invite: ServerId,
    /// How the INVITE came, and so how requests go back.
    pub flow: Flow,
    /// Seconds it lives without a refresh, where one is wanted.
    pub seconds: u32,
    /// What the device offered.
    pub offer: Vec<u8>,
    /// What it was answered.
    pub answer: Vec<u8>,
    /// The MSRP side.
    pub messages: msrp::Session,
    /// Its link, once the device opened it.
    pub link: Option<LinkId>,
    /// What is sent when the link is there.
    pub waiting: VecDeque<Item>,
    /// What is sent and not confirmed yet.
    pub open: BTreeMap<u64, Item>,
    /// It serves something else: pushes do not go through it, SIRs may.
    pub is_service: bool,
    /// SIRs that are sent in it and not answered yet.
    pub sirs: Vec<u64>,
    /// True once the session was reported as up.
    pub is_announced: bool,
    /// Whether the last push that came into it opened it.
    pub via: Via,
    /// Our tag in the dialog.
    tag: String,
    /// The name of the MSRP session in our path.
    path_id: String,
    next_message: u64,
}

/// A link on which MSRP is spoken.
#[derive(Debug, Default)]
pub struct Link {
    /// Cuts its octets into messages.
    pub framer: Framer,
    /// The session it carries, once a request named it.
    pub session: Option<SessionNo>,
}

/// All sessions and their links.
#[derive(Debug, Default)]
pub struct Sessions {
    sessions: BTreeMap<SessionNo, Session>,
    by_tag: HashMap<String, SessionNo, FixedState>,
    by_path: HashMap<String, SessionNo, FixedState>,
    links: HashMap<LinkId, Link, FixedState>,
    next: u64,
}

/// What makes a session.
#[derive(Debug)]
pub struct Opening {
    /// The device.
    pub device: DeviceKey,
    /// Its name.
    pub name: String,
    /// The SIP side.
    pub call: Callee,
    /// The transaction of the INVITE.
    pub invite: ServerId,
    /// How it came.
    pub flow: Flow,
    /// Seconds it lives without a refresh, where one is wanted.
    pub seconds: u32,
    /// It serves something else than pushes.
    pub is_service: bool,
    /// What the device offered.
    pub offer: Vec<u8>,
    /// What it was answered.
    pub answer: Vec<u8>,
    /// The MSRP side.
    pub messages: msrp::Session,
    /// Our tag.
    pub tag: String,
    /// The name of the MSRP session in our path.
    pub path_id: String,
}

impl Session {
    /// A number for the next message.
    pub fn number(&mut self) -> u64 {
        self.next_message = self.next_message.saturating_add(1);
        self.next_message
    }

    /// True when something is to be sent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// True when nothing is to be sent or confirmed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }
}

impl Sessions {
    /// Enters a session.
    pub fn open(&mut self, opening: Opening) -> SessionNo {
        let no = SessionNo(self.next);
        self.next = self.next.saturating_add(1);
        self.by_tag.insert(opening.tag.clone(), no);
        self.by_path.insert(opening.path_id.clone(), no);
        self.sessions.insert(
            no,
            Session {
                device: opening.device,
                name: opening.name,
                call: opening.call,
                invite: opening.invite,
                flow: opening.flow,
                seconds: opening.seconds,
                offer: opening.offer,
                answer: opening.answer,
                messages: opening.messages,
                link: None,
                waiting: VecDeque::new(),
                open: BTreeMap::new(),
                is_service: opening.is_service,
                sirs: Vec::new(),
                is_announced: false,
                via: if opening.is_service {
                    Via::Service
                } else {
                    Via::New
                },
                tag: opening.tag,
                path_id: opening.path_id,
                next_message: 0,
            },
        );
        no
    }

    /// Takes a session out; its link stays until it is closed.
    pub fn close(&mut self, no: SessionNo) {
        self.leave(no);
        if let Some(session) = self.sessions.remove(&no) {
            self.by_tag.remove(&session.tag);
        }
    }

    /// Leaves nothing of a session but its dialog, which has yet to end.
    pub fn leave(&mut self, no: SessionNo) {
        let Some(session) = self.sessions.get_mut(&no) else {
            return;
        };
        self.by_path.remove(&session.path_id);
        session.waiting.clear();
        session.open.clear();
        session.is_announced = false;
        if let Some(link) = session.link.take()
            && let Some(link) = self.links.get_mut(&link)
        {
            link.session = None;
        }
    }

    /// A session.
    #[must_use]
    pub fn get(&self, no: SessionNo) -> Option<&Session> {
        self.sessions.get(&no)
    }

    /// A session, to change it.
    pub fn get_mut(&mut self, no: SessionNo) -> Option<&mut Session> {
        self.sessions.get_mut(&no)
    }

    /// The session of our tag in a dialog.
    #[must_use]
    pub fn by_tag(&self, tag: &str) -> Option<SessionNo> {
        self.by_tag.get(tag).copied()
    }

    /// The session of that name in our MSRP path.
    #[must_use]
    pub fn by_path(&self, path_id: &str) -> Option<SessionNo> {
        self.by_path.get(path_id).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Enters a link.
    pub fn link_opened(&mut self, link: LinkId) {
        self.links.insert(link, Link::default());
    }

    /// A link, when MSRP is spoken on it.
    #[must_use]
    pub fn link(&self, link: LinkId) -> Option<&Link> {
        self.links.get(&link)
    }

    /// A link, to change it.
    pub fn link_mut(&mut self, link: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&link)
    }

    /// How many links there are.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Takes a link out; its session, if it had one, is without link.
    pub fn link_closed(&mut self, link: LinkId) -> Option<Link> {
        let closed = self.links.remove(&link)?;
        if let Some(session) = closed.session.and_then(|no| self.sessions.get_mut(&no)) {
            session.link = None;
        }
        Some(closed)
    }

    /// Ties a link to a session; false when the session has another one.
    pub fn bind(&mut self, link: LinkId, no: SessionNo) -> bool {
        let Some(session) = self.sessions.get_mut(&no) else {
            return false;
        };
        if session.link.is_some_and(|other| other != link) {
            return false;
        }
        session.link = Some(link);
        if let Some(link) = self.links.get_mut(&link) {
            link.session = Some(no);
        }
        true
    }
}
