//! How notices travel: each channel by what the gateway has already (R1.32, R1.33, RX.3, RX.4).
//!
//! | channel | what carries it |
//! |---|---|
//! | sip, si | a push of a service indication, planned as every push: session, SIR, short messages |
//! | emn | the same with an e-mail notification, which names the mailbox and nothing else |
//! | mwi | the lamp: how many messages are unread (RFC 3842) |
//! | webpush | the messages' store, which browsers ask |

use bytes::Bytes;
use serde_json::json;

use super::Gateway;
use super::push::asked::Asked;
use super::push::submission::{Content, key};
use super::service::instant_notice::coalescing::Place;
use super::service::instant_notice::{Channel, Notice};
use super::submitting::NotTaken;
use crate::codec::pap::Version;
use crate::codec::wbxml::{Document, Emn, Si};
use crate::event::Fact;
use crate::time::Time;
use crate::world::Output;

/// Who submits notices, as it is written in pushes.
const INITIATOR: &str = "instant-notice";
/// The media types of what is pushed.
const SI: &str = "text/vnd.wap.si";
const EMN: &str = "text/vnd.wap.emn+xml";
const JSON: &str = "application/json";

impl Gateway {
    /// Tells a device that something is new.
    pub(super) fn notify_device(
        &mut self,
        now: Time,
        notice: &Notice,
        channel: Channel,
        token: Option<&str>,
        out: &mut Vec<Output>,
    ) {
        // A device without a token of its push server, or whose push server is not ours to use, is told as others are.
        let channel = match channel {
            Channel::Apns | Channel::Fcm if token.is_none() => Channel::Sip,
            other => other,
        };
        let place = Place {
            account: notice.account.clone(),
            app: notice.app.clone(),
            device: notice.device.clone(),
        };
        let fact = Fact::NoteTx {
            dev: notice.device.clone(),
            app: notice.app.clone(),
            channel: channel.word().to_owned(),
            form: notice.form.word().to_owned(),
            message: notice.intent.seq,
        };
        self.report(now, fact, out);
        match channel {
            Channel::Emn => match emn(&notice.account, now) {
                Some(body) => self.push_notice(now, &place, (EMN, body), out),
                None => self.cannot_tell(now, &place, "the mailbox has no name", out),
            },
            // Browsers ask the store; the lamp is lit by whatever changed the count.
            Channel::WebPush | Channel::Mwi => {}
            _ => match self.si(notice) {
                Some(body) => self.push_notice(now, &place, (SI, body), out),
                None => self.cannot_tell(now, &place, "the notice is no document", out),
            },
        }
    }

    /// Gives what is new to a client that runs.
    pub(super) fn give_directly(
        &mut self,
        now: Time,
        place: &Place,
        channel: Channel,
        seq: u64,
        out: &mut Vec<Output>,
    ) {
        let fact = Fact::DirectTx {
            dev: place.device.clone(),
            app: place.app.clone(),
            message: seq,
        };
        self.report(now, fact, out);
        let Some(message) = self.messages.get(&place.account, seq) else {
            return;
        };
        // A browser has it from the store, where it asks.
        if channel == Channel::WebPush {
            return;
        }
        let draft = &message.draft;
        let body = json!({
            "app": place.app,
            "seq": seq,
            "from": draft.from,
            "title": draft.title,
            "summary": draft.summary,
            "kind": draft.kind,
            "data": draft.data,
        });
        let body = Bytes::from(body.to_string());
        self.push_notice(now, place, (JSON, body), out);
    }

    /// Submits a content for one device, as an initiator would.
    fn push_notice(
        &mut self,
        now: Time,
        place: &Place,
        (content_type, body): (&str, Bytes),
        out: &mut Vec<Output>,
    ) {
        let push_id = format!("{}@{}", self.random.token::<10>(), self.config.host);
        let asked = Asked {
            push_id: push_id.clone(),
            version: Version::V2_0,
            addresses: vec![place.account.clone()],
            takes_bare: true,
            devices: vec![place.device.clone()],
            replaces: None,
            deliver_before: None,
            deliver_after: None,
            notify_to: None,
            quality: None,
            content: Content {
                application: uri_of(&place.app),
                content_type: content_type.to_owned(),
                headers: Vec::new(),
                octets: body.len(),
                body,
            },
            options: self.options(),
            onward: None,
        };
        match self.submit(now, INITIATOR, asked, out) {
            Ok(no) => {
                let at = out.len();
                self.accepted(now, no, out);
                self.put_on_record(no, &key(INITIATOR, &push_id), at, out);
            }
            Err(NotTaken::Refused(refused)) => self.cannot_tell(now, place, &refused.desc, out),
            Err(NotTaken::Busy(why)) => self.cannot_tell(now, place, why, out),
        }
    }

    fn cannot_tell(&self, now: Time, place: &Place, why: &str, out: &mut Vec<Output>) {
        let fact = Fact::Refused {
            from: place.app.clone(),
            why: format!("{} is not told: {why}", place.device),
        };
        self.report(now, fact, out);
    }

    /// A service indication: the words, and where a tap leads.
    fn si(&self, notice: &Notice) -> Option<Bytes> {
        let text = match notice.title.as_str() {
            "" => notice.text.clone(),
            title => format!("{title}\n{}", notice.text),
        };
        let href = format!("http://{}/open/{}", self.config.host, notice.intent.token);
        let si = Si {
            href: Some(href.into()),
            si_id: notice.topic.as_deref().map(Into::into),
            text: text.into(),
            ..Si::default()
        };
        si.encode_xml().ok().map(Bytes::from)
    }
}

/// The URI by which a SIR names an application (WAP-259, section 4): ours have short names.
fn uri_of(app: &str) -> String {
    match app.contains(':') {
        true => app.to_owned(),
        false => format!("x-sirgate-application:{app}"),
    }
}

/// An e-mail notification: the mailbox, and when (WAP-297).
fn emn(account: &str, now: Time) -> Option<Bytes> {
    let (_, address) = account.split_once(':')?;
    let emn = Emn {
        mailbox: format!("mailat:{address}").into(),
        timestamp: Some(now.into()),
    };
    emn.encode_xml().ok().map(Bytes::from)
}
