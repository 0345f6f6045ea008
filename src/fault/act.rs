//! What is done to a message that rules hit.

use std::time::Duration;

use bytes::Bytes;

use super::answer;
use super::damage::corrupted;
use super::faulty::{Faulty, Found};
use super::known::Acquainted;
use super::lanes::{LaneId, Parcel};
use super::rule::{Code, Damage, Effect, Lie};
use super::rules::Hit;
use super::sight::{Direction, Road, Sight};
use crate::machine::Machine;
use crate::time::Time;
use crate::world::{CloseReason, FetchError, FetchId, Input, LinkId, Output, RequestId};

/// How long whoever waits for an answer that was lost on purpose waits before it is told so.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long messages may queue for a rate; what comes then is lost.
const RATE_WAIT: Duration = Duration::from_secs(60);
/// How long a datagram waits for others to overtake it.
const LATE: Duration = Duration::from_secs(1);
/// Pieces a second, and at most of one message, that slow reading makes.
const PIECES: (u64, u64) = (10, 256);

/// What all rules together do to one message.
#[derive(Default)]
struct Plan {
    is_cut: bool,
    answer: Option<(Code, Option<u64>)>,
    is_lost: bool,
    is_twice: bool,
    held_by: Option<String>,
    window: Option<u64>,
    damage: Vec<Damage>,
    keep: Option<usize>,
    rates: Vec<(String, u64)>,
    slow: Option<u64>,
    is_failed: bool,
    is_taken: bool,
    delay: Duration,
}

impl Plan {
    fn of(hits: Vec<Hit>) -> Self {
        let mut plan = Self::default();
        for hit in hits {
            plan.delay = plan.delay.saturating_add(hit.delay);
            match hit.effect {
                Effect::Delay(..) => {}
                Effect::Drop => plan.is_lost = true,
                Effect::Duplicate | Effect::Receipt(Lie::Double) => plan.is_twice = true,
                Effect::Reorder(window) => plan.window = Some(window),
                Effect::Corrupt(damage) => plan.damage.push(damage),
                Effect::Truncate(keep) => plan.keep = Some(keep),
                Effect::Rate(rate) => plan.rates.push((hit.rule, rate)),
                Effect::Hold => plan.held_by = Some(hit.rule),
                Effect::Disconnect => plan.is_cut = true,
                Effect::Answer(code, retry_after) => plan.answer = Some((code, retry_after)),
                Effect::Receipt(Lie::Failed) => plan.is_failed = true,
                Effect::Receipt(Lie::Late(late)) => plan.delay = plan.delay.saturating_add(late),
                Effect::Receipt(Lie::Missing) => plan.is_taken = true,
                Effect::SlowRead(rate) => plan.slow = Some(rate),
            }
        }
        plan
    }
}

impl<N> Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    /// Does to a message what was decided.
    pub(super) fn act(
        &mut self,
        now: Time,
        found: Found<'_>,
        hits: Vec<Hit>,
        out: &mut Vec<Output>,
    ) {
        let Found {
            sight,
            lane,
            parcel,
        } = found;
        if hits.is_empty() {
            return self.bring(now, Duration::ZERO, lane, &sight_flow(&sight), parcel, out);
        }
        let mut plan = Plan::of(hits);
        if plan.is_cut {
            return self.cut(now, lane, &parcel, out);
        }
        if plan.is_taken {
            plan.answer = Some((Code::Smpp(0), None));
        }
        if let Some(code) = plan.answer {
            return self.reply(now, code, sight.octets, parcel, out);
        }
        if plan.is_lost {
            return self.lose(now, &parcel);
        }
        let parcel = match self.altered(&plan, &sight) {
            Some(octets) => with_octets(parcel, octets),
            None => parcel,
        };
        if let Some(rule) = plan.held_by {
            return self.hold(now, &rule, lane, parcel, out);
        }
        let Some(delay) = self.delay(now, &plan, sight.octets.len(), sight.road) else {
            return match lane {
                Some(_) => self.cut(now, lane, &parcel, out),
                None => self.lose(now, &parcel),
            };
        };
        let flow = sight_flow(&sight);
        if let Some(window) = plan.window {
            self.waiting
                .put_late(now + delay + LATE, flow, window, parcel);
            return;
        }
        if let (Some(rate), Some(lane)) = (plan.slow, lane) {
            return self.trickle(now, delay, lane, (rate, sight.octets.len()), parcel, out);
        }
        let again = plan.is_twice.then(|| parcel.clone());
        self.bring(now, delay, lane, &flow, parcel, out);
        if let Some(again) = again {
            self.bring(now, delay, lane, &flow, again, out);
        }
        if plan.keep.is_some()
            && let Some((link, way)) = lane
        {
            self.end_after(now, link, way, out);
        }
    }

    /// The octets of a message that a plan changes.
    fn altered(&mut self, plan: &Plan, sight: &Sight<'_>) -> Option<Bytes> {
        let mut octets = plan.is_failed.then(|| answer::failed_receipt(sight.octets));
        for damage in &plan.damage {
            let given = octets.as_deref().unwrap_or(sight.octets);
            octets = Some(corrupted(damage, sight, given, &mut self.random));
        }
        if let Some(keep) = plan.keep.filter(|keep| *keep < sight.octets.len()) {
            let whole = octets.unwrap_or_else(|| Bytes::copy_from_slice(sight.octets));
            octets = Some(whole.slice(..keep.min(whole.len())));
        }
        octets
    }

    /// How much later the message comes; `None` when it would wait too long.
    fn delay(&mut self, now: Time, plan: &Plan, octets: usize, road: Road) -> Option<Duration> {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let takes =
            |rate: u64| Duration::from_micros(octets.saturating_mul(1_000_000) / rate.max(1));
        let mut delay = plan.delay;
        for (rule, rate) in &plan.rates {
            let free = self.free_at.entry(rule.clone()).or_insert(now);
            if free.since(now) > RATE_WAIT {
                return None;
            }
            *free = (*free).max(now) + takes(*rate);
            delay = delay.saturating_add(free.since(now));
        }
        if road == Road::Http {
            delay = delay.saturating_add(plan.slow.map_or(Duration::ZERO, takes));
        }
        Some(delay)
    }

    /// Brings a message now, or later, or behind what is on its lane.
    fn bring(
        &mut self,
        now: Time,
        delay: Duration,
        lane: Option<LaneId>,
        flow: &str,
        parcel: Parcel,
        out: &mut Vec<Output>,
    ) {
        let passed = match lane {
            None => self.waiting.passed(flow),
            Some(_) => Vec::new(),
        };
        let must_wait = !delay.is_zero() || lane.is_some_and(|lane| self.waiting.is_busy(lane));
        if must_wait {
            let spare = parcel.clone();
            if !self.waiting.put(now + delay, lane, parcel) {
                match lane {
                    Some(_) => self.cut(now, lane, &spare, out),
                    None => self.lose(now, &spare),
                }
            }
            for late in passed {
                let spare = late.clone();
                if !self.waiting.put(now + delay, None, late) {
                    self.lose(now, &spare);
                }
            }
            return;
        }
        self.deliver(now, parcel, out);
        for late in passed {
            self.deliver(now, late, out);
        }
    }

    /// A message in pieces, so many octets a second.
    fn trickle(
        &mut self,
        now: Time,
        delay: Duration,
        lane: LaneId,
        (rate, octets): (u64, usize),
        parcel: Parcel,
        out: &mut Vec<Output>,
    ) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let size = (rate / PIECES.0).max(octets / PIECES.1).max(1);
        let (Parcel::In(Input::Octets {
            octets: mut rest, ..
        })
        | Parcel::Out(Output::Octets {
            octets: mut rest, ..
        })) = parcel.clone()
        else {
            return self.bring(now, delay, Some(lane), "", parcel, out);
        };
        let mut at = self.waiting.last(lane).map_or(now, |last| last.max(now)) + delay;
        while !rest.is_empty() {
            let piece = rest.split_to(usize::try_from(size).unwrap_or(usize::MAX).min(rest.len()));
            let micros = u64::try_from(piece.len())
                .unwrap_or(u64::MAX)
                .saturating_mul(1_000_000);
            at = at + Duration::from_micros(micros / rate.max(1));
            if !self
                .waiting
                .put(at, Some(lane), with_octets(parcel.clone(), piece))
            {
                return self.cut(now, Some(lane), &parcel, out);
            }
        }
    }

    /// Keeps a message until its rule ends.
    fn hold(
        &mut self,
        now: Time,
        rule: &str,
        lane: Option<LaneId>,
        parcel: Parcel,
        out: &mut Vec<Output>,
    ) {
        if lane.is_none() {
            self.wait_for_nothing(now, &parcel);
        }
        let spare = parcel.clone();
        if !self.waiting.freeze(rule, lane, parcel) {
            match lane {
                Some(_) => self.cut(now, lane, &spare, out),
                None => self.lose(now, &spare),
            }
        }
    }

    /// A message is gone; whoever waits for its answer is told in time.
    fn lose(&mut self, now: Time, parcel: &Parcel) {
        self.wait_for_nothing(now, parcel);
    }

    fn wait_for_nothing(&mut self, now: Time, parcel: &Parcel) {
        match parcel {
            Parcel::Out(Output::Fetch { id, .. }) | Parcel::In(Input::Response { id, .. }) => {
                self.lost_fetches.insert(*id);
                self.waiting.put(now + PATIENCE, None, Parcel::Overdue(*id));
            }
            Parcel::In(Input::Request { id, .. }) | Parcel::Out(Output::Respond { id, .. }) => {
                self.lost_requests.insert(*id);
                self.waiting
                    .put(now + PATIENCE, None, Parcel::Unanswered(*id));
            }
            _ => {}
        }
    }

    /// True unless whoever waited for it has been told that it will not come.
    pub(super) fn is_still_wanted(&mut self, parcel: &Parcel) -> bool {
        match parcel {
            Parcel::Out(Output::Fetch { id, .. }) | Parcel::In(Input::Response { id, .. }) => {
                self.lost_fetches.remove(id)
            }
            Parcel::In(Input::Request { id, .. }) | Parcel::Out(Output::Respond { id, .. }) => {
                self.lost_requests.remove(id)
            }
            _ => true,
        }
    }

    pub(super) fn overdue(&mut self, now: Time, id: FetchId, out: &mut Vec<Output>) {
        if self.lost_fetches.remove(&id) {
            self.waiting.forget_fetch(id);
            let response = Err(FetchError::TimedOut);
            self.deliver(now, Parcel::In(Input::Response { id, response }), out);
        }
    }

    pub(super) fn unanswered(&mut self, id: RequestId, out: &mut Vec<Output>) {
        if self.lost_requests.remove(&id) {
            self.waiting.forget_request(id);
            let response = answer::http(504, None);
            out.push(Output::Respond { id, response });
        }
    }

    /// The link of a message breaks, or the exchange that it is half of.
    fn cut(&mut self, now: Time, lane: Option<LaneId>, parcel: &Parcel, out: &mut Vec<Output>) {
        if let Some((link, _)) = lane {
            return self.cut_link(now, link, out);
        }
        match parcel {
            Parcel::Out(Output::Fetch { id, .. }) | Parcel::In(Input::Response { id, .. }) => {
                let id = *id;
                let response = Err(FetchError::Broken);
                self.waiting
                    .put(now, None, Parcel::In(Input::Response { id, response }));
            }
            Parcel::In(Input::Request { id, .. }) | Parcel::Out(Output::Respond { id, .. }) => {
                let id = *id;
                let mut response = answer::http(502, None);
                response
                    .headers
                    .push(("connection".to_owned(), "close".to_owned()));
                out.push(Output::Respond { id, response });
            }
            _ => {}
        }
    }

    pub(super) fn cut_link(&mut self, now: Time, link: LinkId, out: &mut Vec<Output>) {
        let Some(own) = self.links.get_mut(&link).filter(|own| !own.is_cut) else {
            return;
        };
        own.is_cut = true;
        self.waiting.clear((link, Direction::In));
        self.waiting.clear((link, Direction::Out));
        out.push(Output::Close { link });
        let why = CloseReason::Broken;
        self.waiting
            .put(now, None, Parcel::In(Input::Closed { link, why }));
    }

    /// The link ends after what is on it, seen from whom a cut message was for.
    fn end_after(&mut self, now: Time, link: LinkId, way: Direction, out: &mut Vec<Output>) {
        if !self.waiting.is_busy((link, way)) {
            return self.cut_link(now, link, out);
        }
        if !self.waiting.put(now, Some((link, way)), Parcel::Cut(link)) {
            self.cut_link(now, link, out);
        }
    }

    /// Answers a message in the place of whom it is for.
    fn reply(
        &mut self,
        now: Time,
        (code, retry_after): (Code, Option<u64>),
        asked: &[u8],
        parcel: Parcel,
        out: &mut Vec<Output>,
    ) {
        let octets = match code {
            Code::Sip(status) => answer::sip(status, retry_after, asked),
            Code::Smpp(status) => answer::smpp(status, asked),
            Code::Wsp(reason) => answer::wsp(reason, asked),
            Code::Http(_) | Code::Pap(_) => None,
        };
        let response = || match code {
            Code::Pap(code) => answer::pap(code, asked),
            Code::Http(status) => answer::http(status, retry_after),
            _ => answer::http(500, retry_after),
        };
        match (parcel, octets) {
            (Parcel::In(Input::Datagram { socket, peer, .. }), Some(octets)) => {
                out.push(Output::Datagram {
                    socket,
                    peer,
                    octets,
                });
            }
            (Parcel::Out(Output::Datagram { socket, peer, .. }), Some(octets)) => {
                let answer = Input::Datagram {
                    socket,
                    peer,
                    octets,
                };
                self.waiting.put(now, None, Parcel::In(answer));
            }
            (Parcel::In(Input::Octets { link, .. }), Some(octets)) => {
                out.push(Output::Octets { link, octets })
            }
            (Parcel::Out(Output::Octets { link, .. }), Some(octets)) => {
                let lane = Some((link, Direction::In));
                self.waiting
                    .put(now, lane, Parcel::In(Input::Octets { link, octets }));
            }
            (Parcel::In(Input::Request { id, .. }), _) => {
                let response = response();
                out.push(Output::Respond { id, response });
            }
            (Parcel::Out(Output::Fetch { id, .. }), _) => {
                let response = Ok(response());
                self.waiting
                    .put(now, None, Parcel::In(Input::Response { id, response }));
            }
            _ => {}
        }
    }
}

/// Messages that overtake one another: those of one peer, one way.
fn sight_flow(sight: &Sight<'_>) -> String {
    let peer = sight.peer.map(|peer| peer.to_string()).unwrap_or_default();
    format!("{} {peer}", sight.direction.word())
}

/// The same with other octets, or another body.
fn with_octets(parcel: Parcel, octets: Bytes) -> Parcel {
    match parcel {
        Parcel::In(Input::Datagram { socket, peer, .. }) => Parcel::In(Input::Datagram {
            socket,
            peer,
            octets,
        }),
        Parcel::Out(Output::Datagram { socket, peer, .. }) => Parcel::Out(Output::Datagram {
            socket,
            peer,
            octets,
        }),
        Parcel::In(Input::Octets { link, .. }) => Parcel::In(Input::Octets { link, octets }),
        Parcel::Out(Output::Octets { link, .. }) => Parcel::Out(Output::Octets { link, octets }),
        Parcel::In(Input::Request {
            id,
            peer,
            mut request,
        }) => {
            request.body = octets;
            Parcel::In(Input::Request { id, peer, request })
        }
        Parcel::Out(Output::Fetch {
            id,
            errand,
            mut request,
        }) => {
            request.body = octets;
            Parcel::Out(Output::Fetch {
                id,
                errand,
                request,
            })
        }
        Parcel::In(Input::Response {
            id,
            response: Ok(mut response),
        }) => {
            response.body = octets;
            let response = Ok(response);
            Parcel::In(Input::Response { id, response })
        }
        Parcel::Out(Output::Respond { id, mut response }) => {
            response.body = octets;
            Parcel::Out(Output::Respond { id, response })
        }
        other => other,
    }
}
