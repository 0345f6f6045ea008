//! What comes in by SIP: registrations, answers to what we sent, questions, returned information.
//!
//! **Source:** RFC 3261 sections 8.2 and 11; RFC 3428; spec/sip.md E.7, E.8. A request that is for a device is not passed
//! on: this gateway is a registrar and a user agent, not a proxy.

use super::Gateway;
use super::config::Config;
use super::on_invite::SERVICE;
use super::paging::is_of;
use super::registry::{DeviceKey, Registered, Route, canonical};
use super::snapshot;
use super::{events, watching};
use crate::codec::device_id::DeviceId;
use crate::codec::sip::{Address, Contact, Draft, Message, Method, Name};
use crate::codec::uri::Uri;
use crate::event::{Fact, Via};
use crate::protocol::sip::authentication::{Authenticator, Secret, Verdict};
use crate::protocol::sip::endpoint::{self, Flow, Output as Effect, ServerId};
use crate::protocol::sip::push_session::Within;
use crate::protocol::sip::registrar::{Binding, Change, Removal, Resolved};
use crate::random::Random;
use crate::time::Time;
use crate::world::Output;

/// What is served.
pub(super) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, UPDATE, REGISTER, SUBSCRIBE, PUBLISH";
/// Extensions a request may require.
const SUPPORTED: [&str; 4] = ["outbound", "gruu", "path", "timer"];
/// The media type of returned information.
pub(super) const INFORMATION: &str = "application/vnd.sirgate.info+json";

/// The keeper of device credentials, when there are any.
pub(super) fn authenticator(config: &Config, random: &mut Random) -> Option<Authenticator> {
    let settings = config.authentication.as_ref()?;
    let users = settings
        .users
        .iter()
        .map(|(user, password)| (user.clone(), Secret::Password(password.clone())))
        .collect();
    // A secret of this life only: nonces of an earlier one are answered with a new challenge.
    Some(Authenticator::new(&settings.realm, random.octets(), users))
}

/// What became of the registry with a binding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mirrored {
    /// The device it is of.
    pub(super) key: DeviceKey,
    /// The registry changed and must be saved.
    changed: bool,
    /// The device is reached in another way than before.
    has_moved: bool,
}

impl Gateway {
    pub(super) fn on_effect(&mut self, now: Time, effect: Effect, out: &mut Vec<Output>) {
        match effect {
            Effect::World(output) => {
                self.wire_sent(now, &output, out);
                out.push(output);
            }
            Effect::Request { id, flow, message } => {
                self.wire_received(now, flow, &message, out);
                self.on_sip_request(now, id, flow, &message, out);
            }
            Effect::Ack { flow, message } => {
                self.wire_received(now, flow, &message, out);
                self.on_ack(now, &message, out);
            }
            Effect::Response { id, flow, message } => {
                if let Some(flow) = flow {
                    self.wire_received(now, flow, &message, out);
                }
                if let Some(status) = message.status().filter(|status| *status >= 200) {
                    self.on_answer(now, id, status, Some(&message), out);
                }
            }
            Effect::Failed { id, why } => {
                let status = match why {
                    endpoint::Failure::Timeout => 408,
                    endpoint::Failure::Transport => 503,
                };
                self.on_answer(now, id, status, None, out);
            }
            Effect::FlowLost { flow } => {
                let changes = self.registrar.flow_lost(flow);
                self.fell_asleep(flow);
                self.on_changes(now, changes, out);
            }
            Effect::Malformed { peer, error } => {
                let from = peer.to_string();
                let why = error.to_string();
                self.report(now, Fact::Refused { from, why }, out);
            }
            // An INVITE is answered in the same breath as it comes in, so a CANCEL is always too late.
            Effect::Cancelled { .. } | Effect::Pong { .. } => {}
        }
    }

    fn on_sip_request(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        if let Some(unsupported) = unsupported(request) {
            let draft = self.answer(request, 420).header("Unsupported", unsupported);
            return self.respond(id, draft);
        }
        let tag = request.to().ok().and_then(|to| to.tag().map(str::to_owned));
        match (request.method(), tag) {
            (Some(Method::Register), _) => self.on_register(now, id, flow, request, out),
            (Some(Method::Subscribe), Some(_))
                if is_of(request, watching::EVENT)
                    && self.on_watch_again(now, id, flow, request) => {}
            (Some(Method::Subscribe), Some(_))
                if self.on_event_again(now, id, flow, request, out) => {}
            (Some(Method::Subscribe), None) if self.is_about_identity(request) => {
                self.on_event(now, id, flow, request, out);
            }
            (Some(Method::Publish), None) => self.on_publish(now, id, flow, request, out),
            (_, Some(tag)) => self.on_within(now, id, &tag, request, out),
            (Some(_), None) if !self.is_for_us(request) => self.on_foreign(now, id, request, out),
            (Some(Method::Invite), None) => self.on_invite(now, id, flow, request, out),
            (Some(Method::Message), None) => self.on_message(now, id, flow, request, out),
            (Some(Method::Options), None) => {
                let draft = self
                    .answer(request, 200)
                    .header("Allow", ALLOW)
                    .header("Allow-Events", events::allowed())
                    .header("Accept", format_args!("application/sdp, {INFORMATION}"))
                    .header("Supported", SUPPORTED.join(", "));
                self.respond(id, draft);
            }
            (Some(Method::Subscribe), None) => self.on_subscribe(now, id, flow, request, out),
            (Some(Method::Bye | Method::Update | Method::Info | Method::Prack), None) => {
                let draft = self.answer(request, 481);
                self.respond(id, draft);
            }
            _ => {
                let draft = self.answer(request, 405).header("Allow", ALLOW);
                self.respond(id, draft);
            }
        }
    }

    /// True when the Request-URI is our own: our name or one of our addresses, and our user or none.
    pub(super) fn is_for_us(&self, request: &Message) -> bool {
        let Ok(uri) = request.request_uri() else {
            return false;
        };
        let own = Uri::decode(self.config.uri.as_bytes()).ok();
        let user = own.and_then(|own| own.user());
        let is_our_host = uri.host().eq_ignore_ascii_case(&self.config.host)
            || own.is_some_and(|own| own.host().eq_ignore_ascii_case(uri.host()))
            || self.is_our_address(uri.host())
            || (uri.user().is_none() && uri.host().eq_ignore_ascii_case(&self.config.domain));
        is_our_host && (uri.user().is_none() || uri.user() == user || uri.user() == Some(SERVICE))
    }

    fn is_our_address(&self, host: &str) -> bool {
        let sockets = self.config.udp.iter().map(|(_, address)| address);
        let listeners = self.config.listeners.iter().map(|own| &own.address);
        let host = host.trim_matches(['[', ']']);
        sockets
            .chain(listeners)
            .any(|address| address.ip().to_string() == host)
    }

    /// A request for somebody else: one of our devices, or nobody.
    fn on_foreign(&mut self, now: Time, id: ServerId, request: &Message, out: &mut Vec<Output>) {
        let uri = request.request_uri().ok();
        let resolved = uri.map_or(Resolved::NotFound, |uri| self.registrar.resolve(&uri));
        let is_known = uri.is_some_and(|uri| self.registry.identity(&uri.aor()).is_some());
        let (status, why) = match resolved {
            Resolved::NotFound => (404, "nobody here goes by that name"),
            Resolved::Unavailable if !is_known => (404, "nobody here goes by that name"),
            Resolved::Unavailable => (480, "the device is not registered"),
            Resolved::Bindings(_) => (405, "requests between devices are not passed on"),
        };
        let mut draft = self.answer(request, status).header(
            "Warning",
            format_args!("399 {} \"sirgate {why}\"", self.config.host),
        );
        if status == 405 {
            draft = draft.header("Allow", "OPTIONS");
        }
        self.respond(id, draft);
        let fact = Fact::Refused {
            from: sender(request),
            why: format!("{status} {why}"),
        };
        self.report(now, fact, out);
    }

    fn on_register(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        if let Some(draft) = self.challenge(now, request, out) {
            return self.respond(id, draft);
        }
        let named = aliases(request).next().and_then(|_| request.to().ok());
        let foreign = named.and_then(|to| {
            let aor = canonical(to.uri.as_str());
            aliases(request).find(|alias| self.registry.is_foreign(alias, &aor))
        });
        if let Some(alias) = foreign {
            let why = format!("{alias} belongs to another identity");
            let draft = self.answer(request, 403).header(
                "Warning",
                format_args!("399 {} \"sirgate {why}\"", self.config.host),
            );
            let from = sender(request);
            self.report(now, Fact::Refused { from, why }, out);
            return self.respond(id, draft);
        }
        if let Some(why) = self.cannot_be_woken(flow, request) {
            let fact = Fact::Refused {
                from: sender(request),
                why: format!("555 {why}"),
            };
            self.report(now, fact, out);
            let draft = self.answer(request, 555);
            return self.respond(id, draft);
        }
        let (draft, changes) = self.registrar.register(now, request, flow);
        let restarted = self.on_changes(now, changes, out);
        self.respond(id, draft);
        if !restarted.is_empty() {
            self.page(now, flow, request, out);
        }
        for (key, is_new) in restarted {
            if is_new {
                self.greet(key);
            }
            self.came_back(now, key, is_new, out);
        }
    }

    /// Asks for credentials where they are wanted and none, or wrong ones, are there.
    pub(super) fn challenge(
        &mut self,
        now: Time,
        request: &Message,
        out: &mut Vec<Output>,
    ) -> Option<Draft> {
        let verdict = self.authenticator.as_mut()?.check(now, request);
        match verdict {
            Verdict::Accepted(user) => {
                // Who registers does so for himself alone (RFC 3261 section 10.3 step 4).
                let whose = match request.method() {
                    Some(Method::Register) => request.to().ok()?,
                    _ => request.from().ok()?,
                };
                if whose.uri.user() == Some(user.as_str()) {
                    return None;
                }
                let fact = Fact::Refused {
                    from: sender(request),
                    why: format!("403 credentials of {user} for another identity"),
                };
                self.report(now, fact, out);
                Some(self.answer(request, 403))
            }
            Verdict::Exempt => None,
            Verdict::Challenge(rows, _) => {
                let tag = self.random.token::<10>();
                let authenticator = self.authenticator.as_ref()?;
                Some(authenticator.response(request, &rows, tag.as_str()))
            }
            Verdict::Forbidden => {
                let fact = Fact::Refused {
                    from: sender(request),
                    why: "403 wrong credentials".to_owned(),
                };
                self.report(now, fact, out);
                Some(self.answer(request, 403))
            }
        }
    }

    /// Takes over what became of bindings; the devices that registered come back, with whether they did so anew.
    pub(super) fn on_changes(
        &mut self,
        now: Time,
        changes: Vec<Change>,
        out: &mut Vec<Output>,
    ) -> Vec<(DeviceKey, bool)> {
        let mut back = Vec::new();
        let told = if self.notifier.is_empty() {
            Vec::new()
        } else {
            changes.clone()
        };
        for change in changes {
            let mirrored = self.mirror(&change);
            let is_news = mirrored.is_some_and(|mirrored| mirrored.has_moved);
            let (binding, word) = match &change {
                Change::Created(binding) => (binding, "created"),
                Change::Refreshed(binding) => (binding, "refreshed"),
                Change::Removed(binding, Removal::Expired) => (binding, "expired"),
                Change::Removed(binding, _) => (binding, "removed"),
            };
            match &change {
                // Who unregistered is told so, and is not rung again after a crash.
                Change::Removed(_, Removal::Unregistered) => {
                    out.push(Output::Erase(snapshot::binding_key(binding)));
                }
                Change::Removed(..) => out.push(Output::Forget(snapshot::binding_key(binding))),
                _ => out.push(Output::Save(snapshot::binding(binding))),
            }
            let dev = match mirrored {
                Some(Mirrored { key, changed, .. }) => {
                    if changed && let Some(identity) = self.registry.get(key.identity) {
                        out.push(Output::Save(snapshot::identity(identity)));
                    }
                    match change {
                        Change::Created(_) => back.push((key, true)),
                        Change::Refreshed(_) => back.push((key, is_news)),
                        Change::Removed(..) => self.follow(now, key, false, out),
                    }
                    self.renew_later(now, key);
                    self.name(key.identity, key.at).map(str::to_owned)
                }
                None => None,
            };
            let fact = Fact::Reg {
                pui: binding.aor.clone(),
                dev: dev.unwrap_or_else(|| binding.contact.clone()),
                change: word.to_owned(),
                contact: binding.contact.clone(),
            };
            self.report(now, fact, out);
        }
        self.tell_registrations(now, &told);
        back
    }

    /// Enters a binding's change into the registry.
    pub(super) fn mirror(&mut self, change: &Change) -> Option<Mirrored> {
        match change {
            Change::Created(binding) | Change::Refreshed(binding) => {
                let (key, changed) = match self.known_as(binding) {
                    Some(key) => (key, false),
                    None => {
                        let what = Registered {
                            aor: &binding.aor,
                            ids: own_ids(binding),
                            gruu: binding.pub_gruu.as_deref(),
                        };
                        self.registry.registered(&what, self.config.learn_devices)?
                    }
                };
                let route = Route::of(binding)?;
                let device = self.registry.device_mut(key)?;
                let earlier = device
                    .routes
                    .iter()
                    .find(|known| known.serial == binding.serial)
                    .map(|known| (known.flow, known.contact == binding.contact));
                device.add_route(route);
                if let Some((earlier, _)) = earlier
                    && !device.is_on(earlier)
                {
                    self.flows.leave(earlier, key);
                }
                self.flows.enter(binding.flow, key);
                Some(Mirrored {
                    key,
                    changed,
                    has_moved: earlier != Some((binding.flow, true)),
                })
            }
            Change::Removed(binding, _) => {
                let key = self.registry.registered(
                    &Registered {
                        aor: &binding.aor,
                        ids: own_ids(binding),
                        gruu: None,
                    },
                    false,
                )?;
                if let Some(device) = self.registry.device_mut(key.0) {
                    device.remove_route(binding.serial);
                    if !device.is_on(binding.flow) {
                        self.flows.leave(binding.flow, key.0);
                    }
                }
                Some(Mirrored {
                    key: key.0,
                    changed: false,
                    has_moved: true,
                })
            }
        }
    }

    /// The device that registered before over the same flow with the same identifiers, spelt alike: of it the registry
    /// would learn nothing new.
    fn known_as(&self, binding: &Binding) -> Option<DeviceKey> {
        let identity = self.registry.identity(&binding.aor)?;
        let key = self.flows.of(binding.flow, identity)?;
        let device = self.registry.device(key)?;
        let gruu = binding.pub_gruu.as_deref();
        let is_own = |text: &str| device.ids.iter().any(|id| id.as_str() == text);
        let is_known = (gruu.is_none() || device.gruu.as_deref() == gruu)
            && (binding.instance.is_some() || !binding.aliases.is_empty())
            && named(binding).all(is_own);
        is_known.then_some(key)
    }

    /// A request within a dialog.
    fn on_within(
        &mut self,
        now: Time,
        id: ServerId,
        tag: &str,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let Some(no) = self.sessions.by_tag(tag) else {
            let draft = self.answer(request, 481);
            return self.respond(id, draft);
        };
        let Some(session) = self.sessions.get_mut(no) else {
            return;
        };
        match session.call.on_request(request) {
            Within::Answer(response) => self
                .todo
                .push_back(endpoint::Input::Respond { id, response }),
            Within::Over(response) => {
                self.todo
                    .push_back(endpoint::Input::Respond { id, response });
                self.session_over(now, no, "the device hung up", out);
            }
            Within::Other => match request.method() {
                Some(Method::Message) => {
                    let device = session.device;
                    self.on_information(now, id, device, Via::Sip, request, out);
                }
                Some(Method::Options) => {
                    let draft = self.answer(request, 200).header("Allow", ALLOW);
                    self.respond(id, draft);
                }
                Some(Method::Invite | Method::Update) => self.on_refresh(now, id, no, request),
                _ => {
                    let draft = self.answer(request, 405).header("Allow", ALLOW);
                    self.respond(id, draft);
                }
            },
        }
    }

    /// A MESSAGE to us: returned information.
    fn on_message(
        &mut self,
        now: Time,
        id: ServerId,
        flow: Flow,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        if !self.flows.is_known(flow)
            && let Some(draft) = self.challenge(now, request, out)
        {
            return self.respond(id, draft);
        }
        let Some(device) = self.sender_of(flow, request) else {
            let draft = self.answer(request, 403);
            self.respond(id, draft);
            let fact = Fact::Refused {
                from: sender(request),
                why: "403 information of an unknown device".to_owned(),
            };
            return self.report(now, fact, out);
        };
        self.on_information(now, id, device, Via::Sip, request, out);
    }

    fn on_information(
        &mut self,
        now: Time,
        id: ServerId,
        device: DeviceKey,
        via: Via,
        request: &Message,
        out: &mut Vec<Output>,
    ) {
        let content_type = request.content_type().unwrap_or_default();
        let is_information = content_type
            .split(';')
            .next()
            .is_some_and(|media| media.trim().eq_ignore_ascii_case(INFORMATION));
        if !is_information {
            let draft = self.answer(request, 415).header("Accept", INFORMATION);
            return self.respond(id, draft);
        }
        let status = self.learn(now, device, via, request.body(), out);
        let draft = self.answer(request, status);
        self.respond(id, draft);
    }

    /// The device that sent a request: by the GRUU it names as its contact, by the flow, by what it says of itself.
    pub(super) fn sender_of(&self, flow: Flow, request: &Message) -> Option<DeviceKey> {
        let from = canonical(request.from().ok()?.uri.as_str());
        let identity = self.registry.identity(&from)?;
        let on_flow = self.flows.of(flow, identity);
        // Where devices prove who they are, the flow is the proof, and nobody speaks for another identity over it.
        if self.authenticator.is_some() && on_flow.is_none() && self.flows.is_known(flow) {
            return None;
        }
        let contact = request.contacts().find_map(|contact| match contact {
            Ok(Contact::Address(address)) => {
                address.uri.gr()?;
                self.device_of(address.uri.as_str())
            }
            _ => None,
        });
        contact
            .or(on_flow)
            .or_else(|| aliases(request).find_map(|id| self.registry.find(&id)))
            .filter(|key| key.identity == identity)
    }

    /// A response with a fresh tag and our name.
    pub(super) fn answer(&mut self, request: &Message, status: u16) -> Draft {
        let tag = self.random.token::<10>();
        Draft::response(request, status, Some(tag.as_str())).header("Server", "sirgate")
    }

    pub(super) fn respond(&mut self, id: ServerId, draft: Draft) {
        self.todo.push_back(endpoint::Input::Answer { id, draft });
    }
}

/// Who sent a request, for events.
pub(super) fn sender(request: &Message) -> String {
    request
        .from()
        .map(|from| from.uri.as_str().to_owned())
        .unwrap_or_default()
}

/// The identifiers a request gives in `X-Sirgate-Device`.
pub(super) fn aliases(request: &Message) -> impl Iterator<Item = DeviceId> {
    request.list(Name::XSirgateDevice).filter_map(|item| {
        let address = Address::decode(item).ok()?;
        DeviceId::decode(address.uri.as_str()).ok()
    })
}

/// The identifiers that a binding names its device by, as written.
fn named(binding: &Binding) -> impl Iterator<Item = &str> {
    let texts = binding.instance.iter().chain(&binding.aliases);
    texts.map(|text| text.trim_matches(['<', '>']))
}

/// What a binding's device owns: its instance, its further identifiers; the contact where there is nothing else.
fn own_ids(binding: &Binding) -> Vec<DeviceId> {
    let decoded = named(binding).filter_map(|text| DeviceId::decode(text).ok());
    let mut ids: Vec<DeviceId> = decoded.collect();
    if ids.is_empty() {
        ids.extend(DeviceId::decode(&binding.contact).ok());
    }
    ids
}

/// Options that a request requires and we do not know.
fn unsupported(request: &Message) -> Option<String> {
    let unknown: Vec<String> = request
        .list(Name::Require)
        .map(|option| String::from_utf8_lossy(option).into_owned())
        .filter(|option| !SUPPORTED.iter().any(|own| own.eq_ignore_ascii_case(option)))
        .collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}
