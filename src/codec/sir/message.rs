//! A SIR in a SIP request: MESSAGE, or NOTIFY and OPTIONS with the same body.
//!
//! Source: profile, E.2 to E.4: To is the client address, From the server address, Reply-To another gateway.

use super::{Class, DecodeError, FROM, Received, SIA_TYPE, Sir, TO, Wrapped, fault};
use crate::codec::mime;
use crate::codec::sip::{Draft, Message, Name};

impl Sir {
    /// Reads the SIR that a SIP request carries.
    ///
    /// A Request-URI or called party with `gr`, and a wanted instance in Accept-Contact, mean that the request went to
    /// this one device.
    ///
    /// # Errors
    /// As [`Sir::decode`], and for unreadable From and To; offsets count from the start of the message.
    pub fn from_sip(message: &Message) -> Result<Self, DecodeError> {
        let octets: &[u8] = message.octets();
        let base_of = |part: &[u8]| {
            let start = octets.as_ptr().addr();
            let at = part.as_ptr().addr().saturating_sub(start);
            if at <= octets.len() { at } else { 0 }
        };
        let (to, from) = (message.to()?, message.from()?);
        let reply_to = message.address(Name::ReplyTo).ok();
        let body = message.body();
        // An empty body needs no type.
        let content_type = match message.content_type() {
            Some(content_type) => content_type,
            None if body.is_empty() => SIA_TYPE,
            None => return Err(fault(Class::MissingHeader, 0, "a Content-Type")),
        };
        let header = |name: &str| {
            message
                .rows(Name::from_octets(name.as_bytes()))
                .filter_map(|row| core::str::from_utf8(row).ok())
                .collect()
        };
        // A request within a dialog has the addresses of the dialog.
        let said = |name: &str| {
            message
                .extension(name)
                .and_then(|it| core::str::from_utf8(it).ok())
        };
        let mut sir = Self::read(
            &Received {
                to: said(TO).unwrap_or_else(|| to.uri.as_str()),
                from: said(FROM).unwrap_or_else(|| from.uri.as_str()),
                reply_to: reply_to.as_ref().map(|address| address.uri.as_str()),
                header: &header,
                content_type,
                body,
            },
            &base_of,
        )?;
        sir.targeted |= is_targeted(message);
        Ok(sir)
    }

    /// Adds everything of the SIR to a request whose From and To the caller writes (with [`Wrapped::to`] as To).
    #[must_use]
    pub fn onto(&self, draft: Draft) -> Draft {
        self.encode().onto(draft)
    }
}

impl Wrapped {
    /// Adds Reply-To, push headers and body to a request.
    #[must_use]
    pub fn onto(&self, mut draft: Draft) -> Draft {
        if let Some(uri) = &self.reply_to {
            draft = draft.header(Name::ReplyTo.text(), format_args!("<{uri}>"));
        }
        for (name, value) in &self.headers {
            draft = draft.header(name, value);
        }
        draft = draft.body(&self.content_type, &self.body);
        match self.disposition {
            Some(disposition) => draft.header(Name::ContentDisposition.text(), disposition),
            None => draft,
        }
    }
}

fn is_targeted(message: &Message) -> bool {
    let names_one = |uri: Option<Option<Option<&str>>>| uri.flatten().is_some();
    let request_uri = message.request_uri().ok().map(|uri| uri.gr());
    let called_party = message.address(Name::PCalledPartyId).ok();
    names_one(request_uri)
        || names_one(called_party.map(|address| address.uri.gr()))
        || message.list(Name::AcceptContact).any(|element| {
            core::str::from_utf8(element)
                .ok()
                .and_then(|text| text.trim().strip_prefix('*'))
                .and_then(|text| mime::parameters(text, 0).ok())
                .is_some_and(|parameters| {
                    let has = |wanted: &str| {
                        parameters
                            .iter()
                            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
                    };
                    has("+sip.instance") && has("explicit")
                })
        })
}
