//! Who connected: what the terminal says and proves of itself, and the device that it is.
//!
//! **Source:** WAP-235 sections 7.2.6 and 7.3, SIN 101; WAP-196 (client identifiers).

use std::net::SocketAddr;

use super::Gateway;
use crate::codec::device_id::DeviceId;
use crate::codec::ota_http::{AuthStatus, Authentication, ClientId, header};
use crate::codec::sip::Name;
use crate::gateway::bearer::terminal::{Asked, Trial, row, status_of};
use crate::gateway::registry::DeviceKey;
use crate::time::Time;
use crate::world::{HttpResponse, Output};

impl Gateway {
    /// The answer to a registration.
    pub(super) fn terminal_registered(
        &mut self,
        now: Time,
        number: u32,
        nonce: Option<&str>,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let status = status_of(answer);
        if status.is_none()
            && answer.status == 401
            && self.may_say_who_we_are(number, nonce, answer)
        {
            return self.ask_terminal(now, number, None, out);
        }
        // Terminals of before this standard know POST alone, and what holds in the absence of headers.
        let is_older = status.is_none()
            && (matches!(answer.status, 404 | 405 | 501) || (200..300).contains(&answer.status));
        let why = match (status, answer.status) {
            (Some(500 | 501), _) | (_, 412) => None,
            _ if is_older => None,
            (Some(600), _) => Some("the terminal takes another version of OTA-HTTP"),
            (Some(300 | 301), _) => Some("the terminal takes no registration"),
            (_, 401) => Some("the terminal wants credentials"),
            _ => Some("the terminal did not register"),
        };
        if let Some(why) = why {
            return self.refuse_terminal(now, number, why, out);
        }
        if !self.is_proved(nonce, answer) {
            return self.doubt_terminal(now, number, answer, out);
        }
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        connection.is_proved |= nonce.is_some();
        // What was done for the registration is not done for a content.
        if !connection.trial.posted {
            connection.trial = Trial::default();
        }
        connection.terminal.registered(now, answer);
        if connection.owner.is_some() {
            return self.pump_terminal(now, number, out);
        }
        let peer = connection.peer;
        match self.owner_of(peer, nonce.is_some(), answer) {
            Some(device) => self.terminal_known(now, number, device, answer, out),
            None => self.refuse_terminal(now, number, "the device is not known", out),
        }
    }

    /// Whether a terminal that asks who we are is told, once.
    ///
    /// Anybody may connect and ask. One that proved who it is, or connects from an address that is entered for a device, is
    /// told as it wants; another one gets no password, and a hash only for the realm of a device that is known, which is
    /// its terminal id (WAP-235 section 7.2.6).
    pub(super) fn may_say_who_we_are(
        &mut self,
        number: u32,
        nonce: Option<&str>,
        answer: &HttpResponse,
    ) -> bool {
        let proves = nonce.is_some() && self.is_proved(nonce, answer);
        let Some(connection) = self.connections.open.get(&number) else {
            return false;
        };
        if connection.trial.authorized || self.config.credentials.is_none() {
            return false;
        }
        let is_trusted =
            proves || connection.is_proved || self.registry.by_ip(connection.peer.ip()).is_some();
        let may = |asked: &Asked| match asked {
            _ if is_trusted => true,
            Asked::Basic => false,
            Asked::Digest(challenge) => self.is_terminal_id(&challenge.realm),
        };
        let asked = Asked::best_of(answer, may);
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return false;
        };
        connection.trial.authorized = connection.terminal.ask(asked);
        connection.trial.authorized
    }

    /// The terminal did not show who it is: it is asked once more, unless it will never say.
    fn doubt_terminal(
        &mut self,
        now: Time,
        number: u32,
        answer: &HttpResponse,
        out: &mut Vec<Output>,
    ) {
        let Some(connection) = self.connections.open.get_mut(&number) else {
            return;
        };
        let said = row(&answer.headers, header::AUTHORIZATION);
        let refused = said.and_then(|value| Authentication::decode(value, true).ok()?.status());
        let may_ask = !connection.trial.reasked && refused != Some(AuthStatus::FailedNoRetry);
        connection.trial.reasked = true;
        // What it says of its own refusal is no judgement of ours.
        let judged = refused.is_none();
        if may_ask {
            let judged = judged.then_some(AuthStatus::FailedRetry);
            return self.ask_terminal(now, number, judged, out);
        }
        if judged {
            self.ask_terminal(now, number, Some(AuthStatus::FailedNoRetry), out);
        }
        self.refuse_terminal(now, number, "the terminal does not show who it is", out);
    }

    /// Whose connection it is: the device that the terminal says, as far as that counts.
    ///
    /// A terminal that proved who it is, is the one of that name. Where devices need credentials for SIP, a name alone
    /// counts from the device's own address only.
    fn owner_of(
        &self,
        peer: SocketAddr,
        is_proved: bool,
        answer: &HttpResponse,
    ) -> Option<DeviceKey> {
        let said = |name| row(&answer.headers, name).map(str::trim);
        let named = said(Name::XSirgateDevice.text())
            .map(|text| text.trim_matches(['<', '>', '"']))
            .and_then(|text| DeviceId::decode(text).ok())
            .and_then(|id| self.registry.find(&id));
        if is_proved {
            let said = said(header::AUTHORIZATION)?;
            let said = Authentication::decode(said, true).ok()?;
            return self.of_terminal_id(said.param("username")?, named);
        }
        let at_address = self.registry.by_ip(peer.ip());
        let own = named.or_else(|| self.of_terminal_id(said(header::TERMINAL_ID)?, None));
        match own {
            Some(own) if self.config.authentication.is_none() => Some(own),
            Some(own) => {
                let profile = &self.registry.device(own)?.profile;
                let is_there = profile.addresses.wsp.is_some_and(|it| it.ip() == peer.ip());
                is_there.then_some(own)
            }
            None => at_address,
        }
    }

    /// The device of a terminal id; of an identity with several, the one that is named besides.
    pub(in crate::gateway) fn of_terminal_id(
        &self,
        text: &str,
        named: Option<DeviceKey>,
    ) -> Option<DeviceKey> {
        if let Some(own) = DeviceId::decode(text)
            .ok()
            .and_then(|id| self.registry.find(&id))
        {
            return Some(own);
        }
        let id = ClientId::decode(text)?;
        match id.kind {
            "msisdn" => self.registry.by_msisdn(&id.value),
            "ipv4" => self.registry.by_ip(id.value.parse().ok()?),
            "nai" => {
                let identity = self.registry.identity(&format!("sip:{}", id.value))?;
                let devices = &self.registry.get(identity)?.devices;
                let only = DeviceKey { identity, at: 0 };
                named
                    .filter(|named| named.identity == identity)
                    .or_else(|| (devices.len() == 1).then_some(only))
            }
            _ => None,
        }
    }

    /// Whether it is the terminal id of a device, or of one of an identity's.
    fn is_terminal_id(&self, text: &str) -> bool {
        let of_identity = || {
            let id = ClientId::decode(text).filter(|id| id.kind == "nai")?;
            self.registry.identity(&format!("sip:{}", id.value))
        };
        self.of_terminal_id(text, None).is_some() || of_identity().is_some()
    }
}
