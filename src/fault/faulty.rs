//! Any node behind its rules: what goes in and out of it is judged, and what was decided is done here.
//!
//! Sans-IO as the node itself: the driver and the simulator run a [`Faulty`] as they would run the node.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::known::{Acquainted, Hint, Link, Place, bound, hint};
use super::lanes::{LaneId, Parcel, Waiting};
use super::rules::{Hit, Rules};
use super::sight::{Direction, Line, Road, Sight};
use crate::event::{Event, Fact};
use crate::machine::Machine;
use crate::random::Random;
use crate::time::Time;
use crate::world::{FetchId, Input, LinkId, Output, RequestId};

/// A node and the rules at its boundary.
#[derive(Debug)]
pub struct Faulty<N> {
    pub(super) node: N,
    pub(super) rules: Rules,
    pub(super) random: Random,
    pub(super) waiting: Waiting,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// What was asked and not answered yet.
    asked: BTreeMap<FetchId, Sight<'static>>,
    asks: BTreeMap<RequestId, Sight<'static>>,
    /// Exchanges whose other half was lost or waits.
    pub(super) lost_fetches: BTreeSet<FetchId>,
    pub(super) lost_requests: BTreeSet<RequestId>,
    /// Pushes by the correlators of their SIRs.
    pub(super) pushes: BTreeMap<String, String>,
    /// When each rule's rate lets the next message begin.
    pub(super) free_at: BTreeMap<String, Time>,
    /// True when rules may be changed over HTTP.
    pub(super) has_door: bool,
    /// Initiators who may, where initiators have names.
    pub(super) operators: Vec<String>,
}

/// What a message was found to be, with what is needed to do something to it.
pub(super) struct Found<'a> {
    pub(super) sight: Sight<'a>,
    pub(super) lane: Option<LaneId>,
    pub(super) parcel: Parcel,
}

impl<N> Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    /// The node behind these rules; what rules draw without a seed of their own comes from `random`.
    #[must_use]
    pub fn new(node: N, mut rules: Rules, mut random: Random) -> Self {
        rules.draw_from(random.fork());
        Self {
            node,
            rules,
            random,
            waiting: Waiting::default(),
            links: BTreeMap::new(),
            asked: BTreeMap::new(),
            asks: BTreeMap::new(),
            lost_fetches: BTreeSet::new(),
            lost_requests: BTreeSet::new(),
            pushes: BTreeMap::new(),
            free_at: BTreeMap::new(),
            has_door: true,
            operators: Vec::new(),
        }
    }

    /// Whether rules may be looked at and changed over HTTP, and by whom where initiators have names.
    pub fn set_door(&mut self, is_open: bool, operators: Vec<String>) {
        self.has_door = is_open;
        self.operators = operators;
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &N {
        &self.node
    }

    /// The node, to be changed before it runs.
    pub const fn node_mut(&mut self) -> &mut N {
        &mut self.node
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Changes the rules; what waited for one that is gone comes at once.
    pub fn change<T>(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        change: impl FnOnce(&mut Rules) -> T,
    ) -> T {
        let changed = change(&mut self.rules);
        // A rule of the same name begins anew.
        self.free_at.clear();
        self.thaw(now, out);
        changed
    }

    /// True when messages have to be looked at.
    fn is_watching(&self) -> bool {
        self.rules.is_active() || !self.waiting.is_empty()
    }

    fn come(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                ref octets,
            } => {
                let octets = octets.clone();
                let mut sight = Sight::datagram(Direction::In, peer, &octets);
                self.acquaint(&mut sight, &Place::Peer(socket, peer));
                self.pass(now, sight, None, Parcel::In(input), out);
            }
            Input::Octets { link, octets } => self.piece(now, Direction::In, link, &octets, out),
            Input::Request {
                id,
                peer,
                ref request,
            } => {
                let request = request.clone();
                let sight = Sight::request(Direction::In, Some(peer), &request);
                self.remember_request(id, &sight);
                self.pass(now, sight, None, Parcel::In(input), out);
            }
            Input::Response {
                id,
                response: Ok(ref response),
            } => {
                let response = response.clone();
                match self.asked.remove(&id) {
                    Some(asked) => {
                        let sight = Sight::response(Direction::In, &asked, &response);
                        self.pass(now, sight, None, Parcel::In(input), out);
                    }
                    None => self.deliver(now, Parcel::In(input), out),
                }
            }
            // The node is told of it already.
            Input::Closed { link, .. } if self.is_cut(link) => {}
            Input::Closed { link, .. } => {
                // What was on its way to the peer has nowhere to go; what came from it comes first.
                self.waiting.clear((link, Direction::Out));
                let lane = (link, Direction::In);
                if self.waiting.is_frozen(lane) {
                    self.waiting.clear(lane);
                }
                if self.waiting.is_busy(lane) {
                    self.waiting.put(now, Some(lane), Parcel::In(input));
                } else {
                    self.deliver(now, Parcel::In(input), out);
                }
            }
            other => self.deliver(now, Parcel::In(other), out),
        }
    }

    /// What the node asks for, while messages are looked at.
    fn leave(&mut self, now: Time, outputs: Vec<Output>, out: &mut Vec<Output>) {
        let hints = self.hints(&outputs);
        for output in outputs {
            match output {
                Output::Datagram {
                    socket,
                    peer,
                    ref octets,
                } => {
                    let octets = octets.clone();
                    let mut sight = Sight::datagram(Direction::Out, peer, &octets);
                    self.acquaint(&mut sight, &Place::Peer(socket, peer));
                    hint(&mut sight, &hints);
                    self.pass(now, sight, None, Parcel::Out(output), out);
                }
                Output::Octets { link, octets } => {
                    self.hinted_piece(now, link, &octets, &hints, out)
                }
                Output::Close { link } if self.is_cut(link) => {
                    self.links.remove(&link);
                }
                Output::Close { link } => {
                    self.links.remove(&link);
                    self.waiting.clear((link, Direction::In));
                    let lane = (link, Direction::Out);
                    if self.waiting.is_frozen(lane) {
                        self.waiting.clear(lane);
                    }
                    if self.waiting.is_busy(lane) {
                        self.waiting.put(now, Some(lane), Parcel::Out(output));
                    } else {
                        out.push(output);
                    }
                }
                Output::Fetch {
                    id, ref request, ..
                } => {
                    let request = request.clone();
                    let mut sight = Sight::request(Direction::Out, None, &request);
                    self.acquaint(&mut sight, &Place::Url(&request.target));
                    hint(&mut sight, &hints);
                    bound(&mut self.asked);
                    self.asked.insert(id, sight.without_octets());
                    self.pass(now, sight, None, Parcel::Out(output), out);
                }
                Output::Respond { id, ref response } => {
                    let response = response.clone();
                    match self.asks.remove(&id) {
                        Some(asked) => {
                            let sight = Sight::response(Direction::Out, &asked, &response);
                            self.pass(now, sight, None, Parcel::Out(output), out);
                        }
                        None => out.push(output),
                    }
                }
                other => {
                    self.note_output(&other);
                    out.push(other);
                }
            }
        }
    }

    fn is_cut(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|own| own.is_cut)
    }

    fn piece(
        &mut self,
        now: Time,
        way: Direction,
        link: LinkId,
        octets: &Bytes,
        out: &mut Vec<Output>,
    ) {
        self.parts(now, (way, link), octets, &[], out);
    }

    fn hinted_piece(
        &mut self,
        now: Time,
        link: LinkId,
        octets: &Bytes,
        hints: &[Hint],
        out: &mut Vec<Output>,
    ) {
        self.parts(now, (Direction::Out, link), octets, hints, out);
    }

    /// What came or goes on a link: PDUs of SMPP one by one, else all at once.
    fn parts(
        &mut self,
        now: Time,
        (way, link): (Direction, LinkId),
        octets: &Bytes,
        hints: &[Hint],
        out: &mut Vec<Output>,
    ) {
        let Some(own) = self.links.get_mut(&link).filter(|own| !own.is_cut) else {
            return;
        };
        let peer = Some(own.peer);
        let is_smpp = own.is_smpp(octets);
        let parts = match is_smpp {
            true => own.pdus.entry(way).or_default().split(octets),
            false => vec![octets.clone()],
        };
        for octets in parts {
            let (mut sight, number) = match is_smpp {
                true => {
                    let numbered = Sight::smpp(way, peer, &octets);
                    (numbered.sight, numbered.number)
                }
                false => (Sight::piece(way, peer, &octets), None),
            };
            match &number {
                Some(number) => self.acquaint(&mut sight, &Place::Number(number)),
                None => self.acquaint(&mut sight, &Place::Link(link)),
            }
            hint(&mut sight, hints);
            let octets = octets.clone();
            let parcel = match way {
                Direction::In => Parcel::In(Input::Octets { link, octets }),
                Direction::Out => Parcel::Out(Output::Octets { link, octets }),
            };
            self.pass(now, sight, Some((link, way)), parcel, out);
        }
    }

    fn pass(
        &mut self,
        now: Time,
        sight: Sight<'_>,
        lane: Option<LaneId>,
        parcel: Parcel,
        out: &mut Vec<Output>,
    ) {
        let hits = self.rules.judge(now, &sight);
        for hit in &hits {
            out.push(Output::Report(report(now, hit, &sight)));
        }
        let found = Found {
            sight,
            lane,
            parcel,
        };
        self.act(now, found, hits, out);
    }

    /// Brings a message to where it goes.
    pub(super) fn deliver(&mut self, now: Time, parcel: Parcel, out: &mut Vec<Output>) {
        match parcel {
            Parcel::In(input) => {
                let is_gone = match &input {
                    Input::Octets { link, .. } => self.links.get(link).is_none_or(|own| own.is_cut),
                    Input::Closed { link, .. } => !self.links.contains_key(link),
                    _ => false,
                };
                if is_gone {
                    return;
                }
                self.note_input(&input);
                let mut outputs = Vec::new();
                self.node.handle(now, input, &mut outputs);
                self.leave(now, outputs, out);
            }
            Parcel::Out(output) => out.push(output),
            Parcel::Overdue(id) => self.overdue(now, id, out),
            Parcel::Unanswered(id) => self.unanswered(id, out),
            Parcel::Cut(link) => self.cut_link(now, link, out),
        }
    }

    fn thaw(&mut self, now: Time, out: &mut Vec<Output>) {
        for parcel in self.waiting.thaw(now, &self.rules) {
            if self.is_still_wanted(&parcel) {
                self.deliver(now, parcel, out);
            }
        }
    }

    fn note_input(&mut self, input: &Input) {
        match input {
            // One of the node's own is known since it was asked for.
            Input::Opened { link, peer, .. } | Input::Upgraded { link, peer, .. } => {
                self.links.entry(*link).or_insert_with(|| Link::new(*peer));
            }
            Input::Closed { link, .. } => {
                self.links.remove(link);
            }
            _ => {}
        }
    }

    fn note_output(&mut self, output: &Output) {
        match output {
            Output::Connect { link, target, .. } => {
                self.links.insert(*link, Link::new(*target));
            }
            Output::Close { link } => {
                self.links.remove(link);
            }
            _ => {}
        }
    }

    /// The same for a link whose octets nobody looks at now: where PDUs begin must be known when somebody does.
    fn follow(&mut self, way: Direction, link: LinkId, octets: &mut Bytes) {
        if let Some(own) = self.links.get_mut(&link)
            && own.is_smpp(octets)
        {
            own.pdus.entry(way).or_default().follow(octets);
        }
    }

    fn remember_request(&mut self, id: RequestId, sight: &Sight<'_>) {
        bound(&mut self.asks);
        self.asks.insert(id, sight.without_octets());
    }
}

fn report(now: Time, hit: &Hit, sight: &Sight<'_>) -> Event {
    let fact = Fact::FaultHit {
        rule: hit.rule.clone(),
        fault: hit.fault.clone(),
        dir: sight.direction.word().to_owned(),
        line: match (sight.line, sight.road) {
            (Line::Pap, _) => "pap".to_owned(),
            (_, Road::Http) => "http".to_owned(),
            (line, _) => line.word().to_owned(),
        },
        what: sight.word.clone(),
        bearer: sight.bearer,
        dev: sight.device.clone(),
        push: sight.push.clone(),
    };
    Event { t: now, fact }
}

impl<N> Machine for Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, mut input: Input, out: &mut Vec<Output>) {
        if let Input::Request { id, request, .. } = &input
            && let Some(response) = self.door(now, request, out)
        {
            out.push(Output::Respond { id: *id, response });
            return;
        }
        if self.is_watching() {
            return self.come(now, input, out);
        }
        self.note_input(&input);
        if let Input::Octets { link, octets } = &mut input {
            self.follow(Direction::In, *link, octets);
        }
        let from = out.len();
        self.node.handle(now, input, out);
        self.note_outputs(out, from);
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.rules.expire(now) {
            self.thaw(now, out);
        }
        while let Some(parcel) = self.waiting.take_due(now) {
            self.deliver(now, parcel, out);
        }
        if self.node.deadline().is_none_or(|due| due > now) {
            return;
        }
        if self.is_watching() {
            let mut outputs = Vec::new();
            self.node.expire(now, &mut outputs);
            self.leave(now, outputs, out);
        } else {
            let from = out.len();
            self.node.expire(now, out);
            self.note_outputs(out, from);
        }
    }

    fn deadline(&self) -> Option<Time> {
        [
            self.node.deadline(),
            self.waiting.next(),
            self.rules.next_end(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Output>) {
        self.change(now, out, Rules::reset);
        self.node.stop(now, out);
    }

    fn has_stopped(&self) -> bool {
        self.node.has_stopped()
    }
}

impl<N> Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    fn note_outputs(&mut self, outputs: &mut [Output], from: usize) {
        for output in outputs.iter_mut().skip(from) {
            if let Output::Octets { link, octets } = output {
                self.follow(Direction::Out, *link, octets);
            } else {
                self.note_output(output);
            }
        }
    }
}
