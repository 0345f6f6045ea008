//! What an ESME asks of a message centre: submit, query, cancel.

use bytes::Bytes;

use super::rules::{Effect, Verdict};
use super::session::{Party, answer, put, refuse};
use super::{Out, Smsc, Timer, multi, store};
use crate::codec::smpp::{
    Body, Cancel, Command, Pdu, State as QueryState, Status, Text, Tlvs, put_number, tag,
};
use crate::limits;
use crate::protocol::smpp::Version;
use crate::protocol::smpp::instant::smpp_time;
use crate::protocol::smpp::message::{Address, ShortMessage, text};
use crate::protocol::smpp::receipt::State;
use crate::time::Time;
use crate::world::LinkId;

impl Smsc {
    /// A request came that is neither a bind nor about the link.
    pub(super) fn request(&mut self, now: Time, link: LinkId, pdu: &Pdu<'_>, out: &mut Vec<Out>) {
        let session = self.sessions.get(&link);
        let party = session.and_then(|session| session.party());
        let Some(party) = party.filter(|party| party.submits).cloned() else {
            return answer(link, pdu, Status::WRONG_BIND_STATE, Body::Empty, out);
        };
        match (pdu.command, pdu.body) {
            (Command::SUBMIT_SM | Command::DATA_SM, _) => {
                if let Some(message) = ShortMessage::read(pdu) {
                    self.submit(now, link, &party, pdu, message, out);
                }
            }
            (Command::SUBMIT_MULTI, Body::Other(octets)) => {
                self.submit_several(now, link, &party, pdu, octets, out);
            }
            (_, Body::Query(message_id, _)) => self.query(link, &party, pdu, message_id, out),
            (_, Body::Cancel(cancel)) => self.cancel(now, link, &party, pdu, &cancel, out),
            (Command::REPLACE_SM, _) => {
                answer(link, pdu, Status::REPLACE_FAILED, Body::Empty, out);
            }
            _ => refuse(link, Status::INVALID_COMMAND, pdu.sequence, out),
        }
    }

    fn submit(
        &mut self,
        now: Time,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        message: ShortMessage,
        out: &mut Vec<Out>,
    ) {
        let verdict = self.rules.judge(&message);
        let destination = message.destination.clone();
        match self.take(now, party, message, verdict) {
            Ok((message_id, taken)) => {
                let body = Body::MessageResponse(message_id.as_str().into());
                self.respond(now, link, party, pdu, body, verdict, out);
                out.push(taken);
            }
            Err(status) => {
                self.refused(link, party, pdu, status, out);
                out.push(told_refused(party, destination, status));
            }
        }
    }

    /// Keeps a message; gives its name, and what tells the handset.
    fn take(
        &mut self,
        now: Time,
        party: &Party,
        message: ShortMessage,
        verdict: Verdict,
    ) -> Result<(String, Out), Status> {
        if let Some(Effect::Refuse(status)) = verdict.answer {
            return Err(status);
        }
        if message.destination.text.is_empty() {
            return Err(Status::INVALID_DESTINATION);
        }
        self.count(now)?;
        let system_id = party.system_id.clone();
        let fate = verdict.fate.or(self.settings.fate);
        let (end, after) = match fate {
            Some(fate) => ((fate.state, fate.error), fate.after),
            None => ((State::Expired, 0), self.settings.patience),
        };
        let left = message.expires(now).map(|until| until.since(now));
        let (end, after) = match left {
            Some(left) if left < after => ((State::Expired, 0), left),
            _ => (end, after),
        };
        let has_receipt = !verdict.has_no_receipt;
        let number = self
            .store
            .put(now, &system_id, &message, has_receipt, end)
            .ok_or(Status::QUEUE_FULL)?;
        self.timers.set(Timer::Fate(number), now + after);
        let message_id = store::name(number);
        let taken = Out::Message {
            system_id,
            message_id: message_id.clone(),
            message: Box::new(message),
        };
        Ok((message_id, taken))
    }

    /// Counts a message of this second.
    fn count(&mut self, now: Time) -> Result<(), Status> {
        let most = self.settings.per_second;
        let (second, count) = self.second;
        let count = if second == now.secs() { count } else { 0 };
        if most != 0 && count >= most {
            return Err(Status::THROTTLED);
        }
        self.second = (now.secs(), count.saturating_add(1));
        Ok(())
    }

    /// Answers a message that was taken, as the rules say.
    #[expect(
        clippy::too_many_arguments,
        reason = "where, to whom, to what, with what, how"
    )]
    fn respond(
        &mut self,
        now: Time,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        body: Body<'_>,
        verdict: Verdict,
        out: &mut Vec<Out>,
    ) {
        let tlvs = self.congestion_tlv(party);
        let response = Pdu {
            tlvs: Tlvs::decode(&tlvs).unwrap_or(Tlvs::none()),
            ..Pdu::new(pdu.command.response(), pdu.sequence, body)
        };
        match verdict.answer {
            Some(Effect::Silence) => {}
            Some(Effect::Disconnect) => self.close(now, link, out),
            Some(Effect::Delay(after)) if self.delayed.len() < limits::SMPP_MESSAGES_KEPT => {
                if let Ok(octets) = response.encode() {
                    self.delay = self.delay.saturating_add(1);
                    self.delayed.insert(self.delay, (link, Bytes::from(octets)));
                    self.timers.set(Timer::Answer(self.delay), now + after);
                }
            }
            _ => put(link, &response, out),
        }
    }

    fn refused(
        &self,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        status: Status,
        out: &mut Vec<Out>,
    ) {
        let tlvs = self.congestion_tlv(party);
        let response = Pdu {
            status,
            tlvs: Tlvs::decode(&tlvs).unwrap_or(Tlvs::none()),
            ..Pdu::new(
                pdu.command.response(),
                pdu.sequence,
                Body::MessageResponse(Text(&[])),
            )
        };
        put(link, &response, out);
    }

    fn congestion_tlv(&self, party: &Party) -> Vec<u8> {
        let mut tlvs = Vec::new();
        if let Some(state) = self.congestion.filter(|_| party.version >= Version::V50) {
            put_number(&mut tlvs, tag::CONGESTION_STATE, state.into());
        }
        tlvs
    }

    fn submit_several(
        &mut self,
        now: Time,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        octets: &[u8],
        out: &mut Vec<Out>,
    ) {
        let Some(several) = multi::read(octets) else {
            return refuse(link, Status::INVALID_COMMAND_LENGTH, pdu.sequence, out);
        };
        let mut refused = several.refused;
        let (mut first, mut told, mut last) = (None, Vec::new(), Verdict::default());
        for message in several.messages {
            let verdict = self.rules.judge(&message);
            let to = message.destination.clone();
            match self.take(now, party, message, verdict) {
                Ok((message_id, taken)) => {
                    first.get_or_insert(message_id);
                    told.push(taken);
                    last = verdict;
                }
                Err(status) => {
                    told.push(told_refused(party, to.clone(), status));
                    refused.push((to, status));
                }
            }
        }
        let Some(message_id) = first else {
            out.append(&mut told);
            return answer(link, pdu, Status::SUBMIT_FAILED, Body::Empty, out);
        };
        let body = multi::response(&message_id, &refused);
        self.respond(now, link, party, pdu, Body::Other(&body), last, out);
        out.append(&mut told);
    }

    /// The number of a message of that ESME by its name.
    fn of_name(&self, party: &Party, message_id: Text<'_>) -> Option<u64> {
        let number = store::number(message_id.as_str()?)?;
        let kept = self.store.get(number)?;
        (kept.system_id == party.system_id).then_some(number)
    }

    fn query(
        &self,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        message_id: Text<'_>,
        out: &mut Vec<Out>,
    ) {
        let number = self.of_name(party, message_id);
        let Some(kept) = number.and_then(|number| self.store.get(number)) else {
            return answer(link, pdu, Status::QUERY_FAILED, Body::Empty, out);
        };
        let final_date = kept.done.map_or_else(String::new, smpp_time);
        let body = Body::QueryResponse(QueryState {
            message_id,
            final_date: final_date.as_str().into(),
            message_state: kept.state.number(),
            error_code: kept.error,
        });
        answer(link, pdu, Status::OK, body, out);
    }

    fn cancel(
        &mut self,
        now: Time,
        link: LinkId,
        party: &Party,
        pdu: &Pdu<'_>,
        cancel: &Cancel<'_>,
        out: &mut Vec<Out>,
    ) {
        let numbers = if cancel.message_id.0.is_empty() {
            let (from, to) = (
                text(cancel.source.address),
                text(cancel.destination.address),
            );
            self.store.between(&party.system_id, &from, &to)
        } else {
            let number = self.of_name(party, cancel.message_id);
            let is_open =
                |number: &u64| self.store.get(*number).is_some_and(|it| it.done.is_none());
            number.filter(is_open).into_iter().collect()
        };
        if numbers.is_empty() {
            return answer(link, pdu, Status::CANCEL_FAILED, Body::Empty, out);
        }
        answer(link, pdu, Status::OK, Body::Empty, out);
        for number in numbers {
            self.withdraw(number, out);
            self.settle(now, number, State::Deleted, 0, out);
        }
    }
}

fn told_refused(party: &Party, destination: Address, status: Status) -> Out {
    Out::Refused {
        system_id: party.system_id.clone(),
        destination,
        status,
    }
}
