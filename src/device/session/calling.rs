//! How a session is asked for: by which way, and what its INVITE says.
//!
//! **Source:** the sirgate SIP profile, E.5.

use super::{About, Session, media};
use crate::codec::device_id::Kind;
use crate::codec::sip::{Draft, Method};
use crate::device::behaviour::{Connect, ContactKind};
use crate::device::config::Config;
use crate::device::registration::ALLOW;
use crate::device::{Device, Purpose, host_of};
use crate::event::Fact;
use crate::protocol::sip::push_session::{Caller, Invite};
use crate::protocol::sip::session_timer;
use crate::time::Time;
use crate::world::Output;

impl Device {
    /// Opens the session that the configuration asks for, unless it is there.
    pub(in crate::device) fn connect_unasked(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(ppg) = self.config.connect.clone() else {
            return;
        };
        if !self.has_session_with(&host_of(&ppg)) {
            let about = About {
                ppg,
                ..About::default()
            };
            self.call(now, about, out);
        }
    }

    /// Asks a gateway for a session, or for what waits without one (R2.90, R2.91).
    pub(in crate::device) fn connect(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        let Some(about) = self.connect_by_wsp(now, about, out) else {
            return;
        };
        let Some(about) = self.connect_by_http(now, about, out) else {
            return;
        };
        match self.config.behaviour.connect {
            // A registrar that was never asked does not know the device.
            Connect::Register if self.config.register => self.ask_by_register(now, about, out),
            Connect::Subscribe => self.ask_by_subscribe(now, about, out),
            Connect::Invite | Connect::Register | Connect::Wsp | Connect::Http => {
                self.call(now, about, out);
            }
        }
    }

    fn call(&mut self, now: Time, about: About, out: &mut Vec<Output>) {
        self.report_request(now, &about.ppg, about.sir.clone(), out);
        self.call_as(now, about, false, out);
    }

    /// Opens a session for another service; gives its number.
    pub(in crate::device) fn call_service(
        &mut self,
        now: Time,
        uri: String,
        out: &mut Vec<Output>,
    ) -> u64 {
        let about = About {
            ppg: uri,
            ..About::default()
        };
        self.call_as(now, about, true, out)
    }

    fn call_as(
        &mut self,
        now: Time,
        mut about: About,
        is_service: bool,
        out: &mut Vec<Output>,
    ) -> u64 {
        about.tries = about.tries.saturating_add(1);
        let number = self.fresh();
        let uri = about.ppg.clone();
        let token = self.random.token::<16>();
        let session_id = token.to_string();
        let call_id = format!(
            "{}~push-{token}@{}",
            self.config.contact_user,
            self.config.local.ip()
        );
        let tag = self.random.token::<8>().to_string();
        let call = Call {
            about: &about,
            uri: &uri,
            call_id: &call_id,
            tag: &tag,
            cseq: 1,
            session_id: &session_id,
            seconds: 0,
            is_service,
        };
        let (caller, draft) = self.invite(number, &call);
        let target = self.target_of(&uri);
        let client = self.request(now, Purpose::Invite(number), draft, target, out);
        self.sessions.push(Session {
            number,
            about,
            uri,
            caller,
            client,
            call_id,
            tag,
            cseq: 1,
            session_id,
            seconds: 0,
            reported_up: false,
            is_service,
            contents: 0,
            chunks: 0,
            media: None,
        });
        number
    }

    pub(in crate::device) fn report_request(
        &self,
        now: Time,
        uri: &str,
        sir: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let fact = Fact::SessReq {
            dev: self.config.name.clone(),
            ppg: uri.to_owned(),
            sir,
        };
        self.report(now, fact, out);
    }

    pub(super) fn invite(&mut self, number: u64, call: &Call<'_>) -> (Caller, Draft) {
        let address = self.config.local.ip();
        // The service is another's, and so is what it carries.
        let accept: &[String] = if call.is_service {
            &[]
        } else {
            &self.config.profile.accept
        };
        let sdp = media::offer(number, address, call.session_id, accept);
        let authorization = self.authorize(Method::Invite, call.uri, &sdp);
        let routes = self.routes();
        let config = &self.config;
        let identity = format!("<{}>", config.pui);
        let gruu = self
            .registration
            .granted()
            .and_then(|granted| granted.pub_gruu.as_deref());
        let expires = call.seconds.max(session_timer::USUAL).to_string();
        let least = call.seconds.to_string();
        let mut headers: Vec<(&str, &str)> = vec![
            ("Supported", "gruu, outbound, timer"),
            ("Session-Expires", &expires),
            ("Allow", ALLOW),
            ("P-Preferred-Identity", &identity),
            ("Accept", "application/sdp"),
        ];
        if let Some(call_id) = &call.about.call_id {
            headers.push(("In-Reply-To", call_id));
        }
        if let Some(sir) = &call.about.sir {
            headers.push(("X-Sirgate-Sir", sir));
        }
        if call.seconds > 0 {
            headers.push(("Min-SE", &least));
        }
        for (name, value) in &authorization {
            headers.push((name, value));
        }
        // Without a GRUU the gateway must be told otherwise which device this is.
        let device = config.ids.first().map(|id| format!("<{id}>"));
        let is_needed = gruu.is_none() || call.about.is_by_bearer();
        if let (true, Some(device)) = (is_needed, &device) {
            headers.push(("X-Sirgate-Device", device));
        }
        Caller::invite(&Invite {
            uri: call.uri,
            to: &format!("<{}>", call.uri),
            from: &identity,
            tag: call.tag,
            call_id: call.call_id,
            number: call.cseq,
            contact: &contact(config, gruu),
            routes: &routes,
            headers: &headers,
            sdp: &sdp,
        })
    }
}

/// What one INVITE says.
pub(super) struct Call<'a> {
    pub(super) about: &'a About,
    pub(super) uri: &'a str,
    pub(super) call_id: &'a str,
    pub(super) tag: &'a str,
    pub(super) cseq: u32,
    pub(super) session_id: &'a str,
    /// Seconds that the gateway wants a session to live at least; 0 while it did not say.
    pub(super) seconds: u32,
    pub(super) is_service: bool,
}

/// The Contact of an INVITE: the public GRUU, so that the gateway knows the device.
pub(in crate::device) fn contact(config: &Config, gruu: Option<&str>) -> String {
    let plain = || {
        format!(
            "<{}>;+sip.instance=\"<{}>\"",
            config.contact(),
            config.instance
        )
    };
    let base = match (config.behaviour.contact, gruu) {
        (ContactKind::Gruu, Some(gruu)) => format!("<{gruu}>"),
        (ContactKind::Gruu, None) | (ContactKind::Plain, _) => plain(),
        (ContactKind::WrongGruu, _) => format!(
            "<{};gr=urn:uuid:00000000-0000-4000-8000-000000000000>",
            config.pui
        ),
        (ContactKind::Imei, _) => {
            let imei = config.ids.iter().find(|id| id.kind() == Kind::Imei);
            imei.map_or_else(plain, |imei| format!("<{};gr={imei}>", config.pui))
        }
    };
    format!("{base};+sip.message")
}
