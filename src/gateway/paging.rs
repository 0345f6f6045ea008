//! Devices that ask for their pushes without a session: by REGISTER, and are paged; by SUBSCRIBE, and are notified.
//!
//! **Source:** spec/sip.md E.5 (ways of connecting), E.6 (content in a MESSAGE); RFC 3428 section 8 (one MESSAGE at a
//! time), RFC 6665 section 4.2.1 (a NOTIFY follows the SUBSCRIBE at once).
//!
//! The profile leaves open how a REGISTER that answers a SIR is told from a refresh: by the correlators of the SIR in
//! it, X-Sirgate-Sir or In-Reply-To. Whoever asks gets what waits for it then, one request after another; the
//! subscription ends with the last. Later pushes send a SIR again. Content that no datagram holds is not delivered.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use super::Gateway;
use super::on_invite::{Awaited, NotAccepted};
use super::push::delivery::{Ending, Stage, abort_code};
use super::push::transform::{Way, shaped};
use super::registry::DeviceKey;
use super::sessions::Item;
use super::watching;
use crate::codec::pap::{MessageState, Status};
use crate::codec::sip::{Draft, Message, Method, Name};
use crate::event::{Fact, Reason, Via};
use crate::protocol::sip::dialog::Dialog;
use crate::protocol::sip::endpoint::{self, ClientId, Flow, ServerId, Target};
use crate::time::Time;
use crate::world::Output;

/// The event package of pushes.
pub(super) const EVENT: &str = "sirgate-push";
/// Octets of a request with content, without the Via of its way.
const OCTETS_MAX: usize = 1_200;
/// Seconds a subscription lasts at most; it ends as soon as nothing waits.
const LASTS: u32 = 60;

/// Contents that go to one device in requests of SIP.
#[derive(Debug)]
pub(super) struct Page {
    device: DeviceKey,
    /// How it asked, and so how it is reached.
    flow: Flow,
    /// The subscription; a device that registered has none.
    dialog: Option<Dialog>,
    /// What is under way comes first.
    items: VecDeque<Item>,
}

/// Contents under way, by the request that carries the first of each.
pub(super) type Pages = BTreeMap<ClientId, Page>;

impl Gateway {
    /// A device registered, and says that it did so for a SIR.
    pub(super) fn page(&mut self, now: Time, flow: Flow, request: &Message, out: &mut Vec<Output>) {
        if self.correlators(request).is_empty() {
            return;
        }
        let device = self.flows.last(flow);
        let Ok(awaited) = self.awaited(now, device, request) else {
            return;
        };
        self.begin_page(now, flow, None, awaited, out);
    }

    /// A device subscribes to its pushes.
    pub(super) fn on_subscribe(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let is_of = |package| is_of(request, package);
        if !is_of(EVENT) && !is_of(watching::EVENT) {
            let known = super::events::allowed();
            let draft = self.answer(request, 489).header("Allow-Events", known);
            return self.respond(id, draft);
        }
        let is_known = self.flows.is_known(flow);
        if !is_known && let Some(draft) = self.challenge(now, request, out) {
            return self.respond(id, draft);
        }
        if is_of(watching::EVENT) {
            return self.on_watch(now, id, flow, request, out);
        }
        let device = self.sender_of(flow, request);
        let tag = self.random.token::<16>();
        let accepted = self.awaited(now, device, request).and_then(|awaited| {
            let dialog = Dialog::from_request(request, tag.as_str());
            let broken = |_| NotAccepted::new(400, "the SUBSCRIBE makes no dialog");
            Ok((awaited, dialog.map_err(broken)?))
        });
        match accepted {
            Ok((awaited, dialog)) => {
                let lasts = request.expires().unwrap_or(LASTS).min(LASTS);
                let draft = Draft::response(request, 200, Some(tag.as_str()))
                    .header("Server", "sirgate")
                    .header("Contact", format_args!("<{}>", self.contact_of(flow)))
                    .header("Expires", lasts);
                self.respond(id, draft);
                self.begin_page(now, flow, Some(dialog), awaited, out);
            }
            Err(no) => self.decline(now, id, request, no, out),
        }
    }

    fn begin_page(
        &mut self,
        now: Time,
        flow: Flow,
        dialog: Option<Dialog>,
        awaited: Awaited,
        out: &mut Vec<Output>,
    ) {
        let Awaited { device, items, .. } = awaited;
        let mut page = Page {
            device,
            flow,
            dialog,
            items: VecDeque::new(),
        };
        for (push, group) in items {
            let item = Item {
                push,
                group,
                via: Via::Sip,
            };
            let stage = self
                .ledger
                .get(push)
                .and_then(|push| push.delivery(group, device.at));
            // What goes through a session stays there.
            if stage.is_some_and(|delivery| matches!(delivery.stage, Stage::Sending(_))) {
                continue;
            }
            self.timers
                .cancel(super::Timer::Retry(push, group, device.at));
            self.timers
                .cancel(super::Timer::Silent(push, group, device.at));
            if self.stage(push, group, device.at, Stage::Paging) {
                page.items.push_back(item);
            }
        }
        self.send_page(now, page, out);
    }

    /// Sends the first content of a page; one that is too large ends here.
    fn send_page(&mut self, now: Time, mut page: Page, out: &mut Vec<Output>) {
        while let Some(item) = page.items.front().copied() {
            let is_last = page.items.len() == 1;
            let Some(draft) = self.compose_page(now, &mut page, item, is_last) else {
                page.items.pop_front();
                continue;
            };
            if draft.clone().finish().octets().len() > OCTETS_MAX {
                page.items.pop_front();
                let ending = Ending::failed(
                    MessageState::Undeliverable,
                    Status::CapabilitiesMismatch.code(),
                    "the content is too large for a device that opens no session",
                    now,
                );
                self.end_one(now, item.push, item.group, page.device.at, ending, out);
                continue;
            }
            let (key, flow) = (page.device, page.flow);
            let id = self.client_id();
            self.pages.insert(id, page);
            if let Some(push) = self.ledger.get(item.push) {
                let fact = Fact::PushTx {
                    push: push.push_id.clone(),
                    dev: self
                        .name(key.identity, key.at)
                        .unwrap_or_default()
                        .to_owned(),
                    via: item.via,
                    octets: push.content.octets,
                };
                self.report(now, fact, out);
            }
            let target = Target::Flow(flow);
            self.todo
                .push_back(endpoint::Input::Request { id, draft, target });
            return;
        }
    }

    /// The request that carries a content; `None` when the push is over.
    fn compose_page(
        &mut self,
        now: Time,
        page: &mut Page,
        item: Item,
        is_last: bool,
    ) -> Option<Draft> {
        let push = self.ledger.get(item.push)?;
        let of = push.delivery(item.group, page.device.at)?;
        if of.stage != Stage::Paging || now >= push.expires_at {
            return None;
        }
        let contact = format!("<{}>", self.contact_of(page.flow));
        let mut draft = match &mut page.dialog {
            Some(dialog) => {
                let state = if is_last {
                    "terminated;reason=noresource".to_owned()
                } else {
                    format!("active;expires={LASTS}")
                };
                dialog
                    .request(Method::Notify)
                    .header("Contact", contact)
                    .header("Event", EVENT)
                    .header("Subscription-State", state)
            }
            None => {
                let device = self.registry.device(page.device)?;
                let route = device.routes.iter().max_by_key(|route| route.serial)?;
                let uri = device.gruu().unwrap_or(&route.contact);
                let pui = &self.registry.get(page.device.identity)?.pui;
                let (tag, call) = (self.random.token::<10>(), self.random.token::<12>());
                let mut draft = Draft::request(Method::Message, uri);
                for hop in &route.path {
                    draft = draft.header("Route", hop);
                }
                draft
                    .header("From", format_args!("<{}>;tag={tag}", self.config.uri))
                    .header("To", format_args!("<{pui}>"))
                    .header("Call-ID", format_args!("page-{call}@{}", self.config.host))
                    .header("CSeq", "1 MESSAGE")
            }
        };
        let known = self.registry.device(page.device);
        let accept = known.and_then(|device| device.profile.capability.accept.as_deref());
        let content = shaped(&push.content, Way::Any, accept);
        let content = content.unwrap_or(Cow::Borrowed(&push.content));
        draft = draft
            .header("X-Sirgate-Push", &push.push_id)
            .header("X-Sirgate-Sir", &push.sir)
            .header("X-Wap-Application-Id", &content.application);
        Some(draft.body(&content.content_type, &content.body))
    }

    /// Content in a request was answered; false when the request carried none.
    pub(super) fn paged(
        &mut self,
        now: Time,
        id: ClientId,
        status: u16,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(mut page) = self.pages.remove(&id) else {
            return false;
        };
        let Some(item) = page.items.pop_front() else {
            return true;
        };
        let at = page.device.at;
        let failed = |state, code, why| Some(Ending::failed(state, code, why, now));
        let ending = match status {
            200..=299 => Some(Ending::delivered(now)),
            413 | 415 | 513 => failed(
                MessageState::Undeliverable,
                Status::CapabilitiesMismatch.code(),
                "the device does not take this content",
            ),
            403 | 488 | 600..=699 => failed(
                MessageState::Aborted,
                abort_code(Reason::None),
                "the device refused the content",
            ),
            _ => None,
        };
        match ending {
            Some(ending) => self.end_one(now, item.push, item.group, at, ending, out),
            None => {
                // Nobody listens any more: what is left is tried another time too.
                for item in core::iter::once(item).chain(page.items.drain(..)) {
                    self.lost(now, item, at, out);
                }
            }
        }
        self.send_page(now, page, out);
        true
    }
}

/// True for a request about that event package.
pub(super) fn is_of(request: &Message, package: &str) -> bool {
    let event = request.text(Name::Event).unwrap_or_default();
    let own = event.split(';').next().unwrap_or_default();
    own.trim().eq_ignore_ascii_case(package)
}
