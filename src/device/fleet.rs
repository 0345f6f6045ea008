//! Thousands of devices as one node.
//!
//! A datagram goes to the device that has its socket; where several share one, to the device whose Contact user or GRUU
//! the request names, or whose Call-ID or binding request is answered. Links that devices open get numbers of their own
//! in the node. HTTP requests are for the one device that takes pushes by HTTP: a second one needs a node of its own, since
//! their resource has one name.

use std::collections::HashMap;

use foldhash::quality::FixedState;

use crate::codec::sip::{Frame, Index};
use crate::codec::stun::{self, Stun};
use crate::machine::Machine;
use crate::time::Time;
use crate::timers::Timers;
use crate::world::{FetchId, HttpResponse, Input, LinkId, Output, RequestId, SocketId};

use super::Device;

/// Many devices as one machine.
#[derive(Default)]
pub struct Fleet {
    devices: Vec<Device>,
    by_socket: HashMap<SocketId, Vec<usize>, FixedState>,
    /// Contact users and GRUU values.
    by_word: HashMap<String, usize, FixedState>,
    /// Links in the node, to the device and its own number.
    links: HashMap<LinkId, (usize, LinkId), FixedState>,
    own_links: HashMap<(usize, LinkId), LinkId, FixedState>,
    /// Binding requests on shared sockets that wait for their answer.
    pings: HashMap<[u8; 12], usize, FixedState>,
    /// The device that takes pushes by HTTP.
    http: Option<usize>,
    /// HTTP requests under way: the device and its own number.
    fetches: HashMap<FetchId, (usize, FetchId), FixedState>,
    timers: Timers<usize>,
    next_link: u64,
    next_fetch: u64,
    index: Index,
    effects: Vec<Output>,
}

/// Binding requests that are remembered; beyond that an answer is lost, as UDP may lose it.
const PINGS_MAX: usize = 65_536;

impl Fleet {
    /// A fleet of these devices. Devices that share a socket must differ in their Contact users.
    #[must_use]
    pub fn new(devices: Vec<Device>) -> Self {
        let mut fleet = Self::default();
        for (at, device) in devices.iter().enumerate() {
            let config = device.config();
            let bearers = &config.bearers;
            let radio = bearers.radio.map(|(socket, _)| socket);
            for socket in [Some(config.socket), bearers.wsp, bearers.wsp_session, radio]
                .into_iter()
                .flatten()
            {
                fleet.by_socket.entry(socket).or_default().push(at);
            }
            if bearers.http {
                fleet.http.get_or_insert(at);
            }
            fleet.by_word.insert(config.contact_user.clone(), at);
            fleet
                .by_word
                .insert(config.instance.to_ascii_lowercase(), at);
            if let Some(due) = device.deadline() {
                fleet.timers.set(at, due);
            }
        }
        fleet.devices = devices;
        fleet
    }

    /// The devices, in the order in which they were given.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Answers the oldest question of the device of that name in its user's place; false when there is none.
    pub fn answer_prompt(
        &mut self,
        now: Time,
        name: &str,
        allow: bool,
        out: &mut Vec<Output>,
    ) -> bool {
        let named = |device: &Device| device.config().name == name;
        let Some(at) = self.devices.iter().position(named) else {
            return false;
        };
        let mut answered = false;
        self.step(at, out, |device, effects| {
            answered = device.answer_prompt(now, allow, effects);
        });
        answered
    }

    /// Lets one device work, and gives what it asks for to the node.
    fn step(
        &mut self,
        at: usize,
        out: &mut Vec<Output>,
        work: impl FnOnce(&mut Device, &mut Vec<Output>),
    ) {
        let Some(device) = self.devices.get_mut(at) else {
            return;
        };
        let mut effects = std::mem::take(&mut self.effects);
        work(device, &mut effects);
        match device.deadline() {
            Some(due) => self.timers.set(at, due),
            None => self.timers.cancel(at),
        }
        for effect in effects.drain(..) {
            let effect = self.renumber(at, effect);
            out.push(effect);
        }
        self.effects = effects;
    }

    /// Links have one number in the device and another in the node.
    fn renumber(&mut self, at: usize, effect: Output) -> Output {
        match effect {
            Output::Connect {
                link,
                transport,
                target,
                server_name,
            } => Output::Connect {
                link: self.name_link(at, link),
                transport,
                target,
                server_name,
            },
            Output::Octets { link, octets } => Output::Octets {
                link: self.node_link(at, link),
                octets,
            },
            Output::Close { link } => {
                let in_node = self.node_link(at, link);
                self.forget_link(in_node);
                Output::Close { link: in_node }
            }
            Output::Datagram {
                socket,
                peer,
                octets,
            } => {
                self.note_ping(at, socket, &octets);
                Output::Datagram {
                    socket,
                    peer,
                    octets,
                }
            }
            Output::Fetch {
                id,
                errand,
                request,
            } => {
                let in_node = FetchId(self.next_fetch);
                self.next_fetch = self.next_fetch.saturating_add(1);
                self.fetches.insert(in_node, (at, id));
                Output::Fetch {
                    id: in_node,
                    errand,
                    request,
                }
            }
            other => other,
        }
    }

    fn name_link(&mut self, at: usize, link: LinkId) -> LinkId {
        let in_node = LinkId(self.next_link);
        self.next_link = self.next_link.saturating_add(1);
        self.links.insert(in_node, (at, link));
        self.own_links.insert((at, link), in_node);
        in_node
    }

    fn node_link(&self, at: usize, link: LinkId) -> LinkId {
        // Accepted links keep their number; a device accepts none today.
        self.own_links.get(&(at, link)).copied().unwrap_or(link)
    }

    fn forget_link(&mut self, in_node: LinkId) {
        if let Some(own) = self.links.remove(&in_node) {
            self.own_links.remove(&own);
        }
    }

    fn note_ping(&mut self, at: usize, socket: SocketId, octets: &[u8]) {
        let is_shared = self
            .by_socket
            .get(&socket)
            .is_some_and(|devices| devices.len() > 1);
        if is_shared
            && stun::is_stun(octets)
            && self.pings.len() < PINGS_MAX
            && let Ok(Stun::Request(request)) = Stun::decode(octets)
        {
            self.pings.insert(request.id, at);
        }
    }

    /// The device that a datagram is for.
    fn of_datagram(&mut self, socket: SocketId, octets: &[u8]) -> Option<usize> {
        let devices = self.by_socket.get(&socket)?;
        let first = devices.first().copied()?;
        if devices.len() == 1 {
            return Some(first);
        }
        if stun::is_stun(octets) {
            return match Stun::decode(octets) {
                Ok(Stun::Success(success)) => self.pings.remove(&success.id),
                _ => Some(first),
            };
        }
        let named = Frame::decode(octets, &mut self.index)
            .ok()
            .and_then(|frame| of_frame(&frame, &self.by_word));
        Some(named.unwrap_or(first))
    }

    fn of_link(&self, link: LinkId) -> Option<(usize, LinkId)> {
        self.links.get(&link).copied()
    }

    /// The device that an input is for, and the input as the device numbers it.
    fn addressed(&mut self, input: Input, out: &mut Vec<Output>) -> Option<(usize, Input)> {
        Some(match input {
            Input::Datagram {
                socket, ref octets, ..
            } => (self.of_datagram(socket, octets)?, input),
            Input::Opened {
                link,
                listener,
                transport,
                local,
                peer,
            } => {
                let (at, link) = self.of_link(link)?;
                let input = Input::Opened {
                    link,
                    listener,
                    transport,
                    local,
                    peer,
                };
                (at, input)
            }
            Input::Octets { link, octets } => {
                let (at, link) = self.of_link(link)?;
                (at, Input::Octets { link, octets })
            }
            Input::Closed { link: in_node, why } => {
                let (at, link) = self.of_link(in_node)?;
                self.forget_link(in_node);
                (at, Input::Closed { link, why })
            }
            Input::Request { id, .. } if self.http.is_none() => {
                out.push(nobody(id));
                return None;
            }
            Input::Request { .. } => (self.http?, input),
            // Devices open no WebSocket and serve none.
            Input::Upgraded { .. } | Input::Message { .. } => return None,
            Input::Response { id, response } => {
                let (at, id) = self.fetches.remove(&id)?;
                (at, Input::Response { id, response })
            }
        })
    }
}

/// The device that a message names: a response and a request in a dialog by the Call-ID that the device chose, another
/// request by the user or the `gr` value of its Request-URI.
fn of_frame(frame: &Frame<'_>, by_word: &HashMap<String, usize, FixedState>) -> Option<usize> {
    let call_id = frame.call_id().ok().and_then(|id| id.rsplit_once('~'));
    if let Some(at) = call_id.and_then(|(user, _)| by_word.get(user)) {
        return Some(*at);
    }
    let uri = frame.request_uri().ok()?;
    let by_user = uri.user().and_then(|user| by_word.get(user));
    let by_gr = || by_word.get(&uri.gr()??.to_ascii_lowercase());
    by_gr().or(by_user).copied()
}

/// The answer to a request that no device takes.
const fn nobody(id: RequestId) -> Output {
    let response = HttpResponse {
        status: 404,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    };
    Output::Respond { id, response }
}

impl Machine for Fleet {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        if let Some((at, input)) = self.addressed(input, out) {
            self.step(at, out, |device, effects| {
                device.handle(now, input, effects)
            });
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        // Each device once: one whose next deadline is now again has its turn at the next call.
        let mut due = Vec::new();
        while let Some(at) = self.timers.take_due(now) {
            due.push(at);
        }
        for at in due {
            self.step(at, out, |device, effects| device.expire(now, effects));
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Output>) {
        for at in 0..self.devices.len() {
            self.step(at, out, |device, effects| device.stop(now, effects));
        }
    }

    fn has_stopped(&self) -> bool {
        self.devices.iter().all(Device::has_stopped)
    }
}
