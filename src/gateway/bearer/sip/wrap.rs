//! A SIR as a SIP request (R2.120: wrapping unit): a MESSAGE, or an OPTIONS that carries the same.
//!
//! **Source:** spec/sip.md E.3; RFC 3428 (no Contact, Expires with Date), RFC 3841 (caller preferences).

use core::time::Duration;

use crate::codec::sip::{Draft, Method};
use crate::codec::sir::{Sir, Wrapped};
use crate::event::Mode;
use crate::random::Random;
use crate::time::{HttpDate, Time};

use super::Form;

/// Where one MESSAGE goes, beside what all MESSAGEs of a SIR share.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The Request-URI: GRUU, contact or identity.
    pub uri: &'a str,
    /// Route values, first hop first.
    pub path: &'a [String],
    /// Its Call-ID.
    pub call_id: &'a str,
    /// A header that answers a challenge.
    pub authorization: Option<&'a (&'static str, String)>,
    /// The way is trusted to carry an asserted identity (RFC 3325).
    pub trusted: bool,
    /// MESSAGE or OPTIONS.
    pub method: Method,
}

/// What all MESSAGEs of a SIR share.
#[derive(Clone, Debug)]
pub struct Envelope {
    wrapped: Wrapped,
    mode: Mode,
    core: bool,
    /// The instance to prefer, where the Request-URI reaches others too.
    instance: Option<String>,
    form: Form,
    to: String,
    from: String,
    date: String,
    expires: String,
}

impl Envelope {
    /// Encodes a SIR once for all MESSAGEs that carry it.
    #[must_use]
    pub fn new(sir: &Sir, mode: Mode, form: Form, validity: Duration, now: Time) -> Self {
        let wrapped = if form.text {
            sir.encode_text()
        } else {
            sir.encode()
        };
        Self {
            to: bracketed(&wrapped.to),
            from: bracketed(&wrapped.from),
            wrapped,
            mode,
            core: false,
            instance: None,
            form,
            date: HttpDate(now).to_string(),
            expires: validity.as_secs().to_string(),
        }
    }

    /// The MESSAGE goes to the core, which forks it; for a targeted one without GRUU with the instance to prefer.
    #[must_use]
    pub fn through_core(mut self, instance: Option<String>) -> Self {
        self.core = true;
        self.instance = instance;
        self
    }

    /// What is carried, for other bearers.
    #[must_use]
    pub const fn wrapped(&self) -> &Wrapped {
        &self.wrapped
    }

    /// One request (R2.120).
    #[must_use]
    pub fn wrap(&self, way: &Way<'_>, random: &mut Random) -> Draft {
        let mut from = String::with_capacity(self.from.len().saturating_add(16));
        from.push_str(&self.from);
        from.push_str(";tag=");
        from.push_str(random.token::<10>().as_str());
        let mut draft = Draft::request(way.method, way.uri);
        for route in way.path {
            draft = draft.header_octets("Route", route.as_bytes());
        }
        draft = draft
            .header_octets("From", from.as_bytes())
            .header_octets("To", self.to.as_bytes())
            .header_octets("Call-ID", way.call_id.as_bytes())
            .header_octets(
                "CSeq",
                match (way.method, way.authorization.is_some()) {
                    (Method::Options, false) => b"1 OPTIONS",
                    (Method::Options, true) => b"2 OPTIONS",
                    (_, false) => b"1 MESSAGE",
                    (_, true) => b"2 MESSAGE",
                },
            )
            .header_octets("Date", self.date.as_bytes())
            .header_octets("Expires", self.expires.as_bytes());
        if let Some(other) = &self.wrapped.reply_to {
            draft = draft.header_octets("Reply-To", bracketed(other).as_bytes());
        }
        if way.trusted {
            draft = draft.header_octets("P-Asserted-Identity", self.from.as_bytes());
        }
        if let Some((name, value)) = way.authorization {
            draft = draft.header_octets(name, value.as_bytes());
        }
        draft = self.prefer(draft);
        for (name, value) in &self.wrapped.headers {
            draft = draft.header_octets(name, value.as_bytes());
        }
        if let Some(disposition) = self.wrapped.disposition {
            draft = draft.header_octets("Content-Disposition", disposition.as_bytes());
        }
        draft.body(&self.wrapped.content_type, &self.wrapped.body)
    }

    /// Caller preferences, for a core that forks.
    fn prefer(&self, draft: Draft) -> Draft {
        if !self.core || self.form.plain || self.form.short {
            return draft;
        }
        match (&self.instance, self.mode) {
            (Some(instance), _) => draft.header(
                "Accept-Contact",
                format_args!("*;+sip.instance=\"<{instance}>\";require;explicit"),
            ),
            (None, Mode::Targeted) => draft,
            // With an instance in Accept-Contact a conforming proxy would stop at the best match.
            (None, _) => draft.header_octets("Request-Disposition", b"fork, parallel, no-cancel"),
        }
    }
}

fn bracketed(uri: &str) -> String {
    let mut text = String::with_capacity(uri.len().saturating_add(2));
    text.push('<');
    text.push_str(uri);
    text.push('>');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sip::Name;

    fn way(uri: &str) -> Way<'_> {
        Way {
            uri,
            path: &[],
            call_id: "sir-0001@ppg.example.com",
            authorization: None,
            trusted: false,
            method: Method::Message,
        }
    }

    fn envelope(sir: &Sir, mode: Mode, form: Form) -> Envelope {
        let validity = Duration::from_secs(600);
        Envelope::new(sir, mode, form, validity, Time::from_secs(1_767_261_600))
    }

    fn sir() -> Sir {
        let mut sir = Sir::new("sip:alice@example.com", "sip:push@ppg.example.com");
        sir.id = Some("0001".to_owned());
        sir
    }

    #[test]
    fn r2_53_the_message_reads_back_as_the_sir() {
        let mut random = Random::from_number(1);
        let message = envelope(&sir(), Mode::Targeted, Form::default())
            .wrap(&way("sip:alice@192.0.2.11"), &mut random)
            .finish();
        assert_eq!(message.method(), Some(Method::Message));
        assert_eq!(message.request_uri_text(), b"sip:alice@192.0.2.11");
        assert_eq!(message.content_type(), Some("application/vnd.wap.sia"));
        assert_eq!(message.expires(), Some(600));
        assert_eq!(
            message.text(Name::Date),
            Some("Thu, 01 Jan 2026 10:00:00 GMT")
        );
        assert_eq!(message.extension("X-Sirgate-Sir"), Some(&b"0001"[..]));
        assert!(message.header(Name::Contact).is_none());
        assert!(message.header(Name::RequestDisposition).is_none());
    }

    #[test]
    fn the_identity_is_asserted_on_a_trusted_way_only() {
        let mut random = Random::from_number(1);
        let sir = sir();
        let envelope = envelope(&sir, Mode::Targeted, Form::default());
        let bare = envelope.wrap(&way("sip:a@h"), &mut random).finish();
        assert!(bare.header(Name::PAssertedIdentity).is_none());
        let trusted = Way {
            trusted: true,
            ..way("sip:a@h")
        };
        assert_eq!(
            envelope
                .wrap(&trusted, &mut random)
                .finish()
                .text(Name::PAssertedIdentity),
            Some("<sip:push@ppg.example.com>")
        );
    }

    #[test]
    fn r2_67_the_core_is_asked_to_fork_unless_it_choked_on_that() {
        let mut random = Random::from_number(1);
        let to_core = |form| envelope(&sir(), Mode::Fanout, form).through_core(None);
        let asked = to_core(Form::default())
            .wrap(&way("sip:alice@example.com"), &mut random)
            .finish();
        assert_eq!(
            asked.text(Name::RequestDisposition),
            Some("fork, parallel, no-cancel")
        );
        let plain = Form {
            plain: true,
            ..Form::default()
        };
        let bare = to_core(plain)
            .wrap(&way("sip:alice@example.com"), &mut random)
            .finish();
        assert!(bare.header(Name::RequestDisposition).is_none());
    }

    #[test]
    fn r2_59_the_options_holds_what_the_message_holds() {
        let mut random = Random::from_number(1);
        let way = Way {
            method: Method::Options,
            ..way("sip:alice@192.0.2.11")
        };
        let options = envelope(&sir(), Mode::Targeted, Form::default())
            .wrap(&way, &mut random)
            .finish();
        assert_eq!(options.method(), Some(Method::Options));
        assert_eq!(options.text(Name::CSeq), Some("1 OPTIONS"));
        assert_eq!(options.content_type(), Some("application/vnd.wap.sia"));
        assert_eq!(options.extension("X-Sirgate-Sir"), Some(&b"0001"[..]));
    }

    #[test]
    fn a_device_that_took_no_sia_gets_text() {
        let form = Form {
            text: true,
            ..Form::default()
        };
        let message = envelope(&sir(), Mode::Targeted, form)
            .wrap(&way("sip:alice@192.0.2.11"), &mut Random::from_number(1))
            .finish();
        assert!(message.content_type().unwrap().starts_with("text/plain"));
    }
}
