//! Dialogs: what the messages of one session share, and how to compose and check them.
//!
//! **Source:** RFC 3261 section 12 (state, requests within a dialog), 13.2.2.4 (ACK of a 2xx), 16.12.1.2 (strict
//! routers), 12.2.2 (CSeq order). Not here: sending, finding the address of the next hop, what a session means.

use serde::{Deserialize, Serialize};

use crate::codec::sip::{Contact, Draft, Message, Method, Name};
use crate::codec::uri::Uri;
use crate::codec::{Class, DecodeError};

/// One dialog, seen from one end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dialog {
    call_id: String,
    /// Our From, with our tag.
    local: String,
    /// The peer's From, with its tag; without one when the peer is of RFC 2543.
    remote: String,
    local_tag: String,
    remote_tag: String,
    /// The peer's Contact: where requests go in the end.
    target: String,
    /// What they pass on the way, first hop first, as Route writes it.
    routes: Vec<String>,
    local_number: u32,
    remote_number: Option<u32>,
}

impl Dialog {
    /// The dialog that a response with a To tag makes at the side that sent the request.
    ///
    /// # Errors
    /// When From, To, Call-ID, CSeq, Contact or Record-Route is broken or missing.
    pub fn from_response(response: &Message) -> Result<Self, DecodeError> {
        let mut routes = record_routes(response)?;
        routes.reverse();
        Ok(Self {
            call_id: response.call_id()?.to_owned(),
            local: text(response, Name::From)?.to_owned(),
            remote: text(response, Name::To)?.to_owned(),
            local_tag: response.from()?.tag().unwrap_or_default().to_owned(),
            remote_tag: response.to()?.tag().unwrap_or_default().to_owned(),
            target: contact(response)?,
            routes,
            local_number: response.cseq()?.number,
            remote_number: None,
        })
    }

    /// The dialog that our answer with the To tag `tag` makes at the side that received `request`.
    ///
    /// # Errors
    /// When From, To, Call-ID, CSeq, Contact or Record-Route is broken or missing.
    pub fn from_request(request: &Message, tag: &str) -> Result<Self, DecodeError> {
        let to = text(request, Name::To)?;
        let given = request.to()?.tag().map(str::to_owned);
        let local = match given {
            Some(_) => to.to_owned(),
            None => format!("{to};tag={tag}"),
        };
        Ok(Self {
            call_id: request.call_id()?.to_owned(),
            local,
            remote: text(request, Name::From)?.to_owned(),
            local_tag: given.unwrap_or_else(|| tag.to_owned()),
            remote_tag: request.from()?.tag().unwrap_or_default().to_owned(),
            target: contact(request)?,
            routes: record_routes(request)?,
            local_number: 0,
            remote_number: Some(request.cseq()?.number),
        })
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The peer's tag; empty when it gave none.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// The URI of the peer's Contact.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The URI that requests go to first: of the first route, or of the peer's Contact.
    #[must_use]
    pub fn next_hop(&self) -> &str {
        self.routes
            .first()
            .and_then(|route| bracketed(route))
            .unwrap_or(&self.target)
    }

    /// True for a request or response of this dialog that came from the peer.
    #[must_use]
    pub fn is_of(&self, message: &Message) -> bool {
        let (ours, theirs) = if message.status().is_some() {
            (message.from(), message.to())
        } else {
            (message.to(), message.from())
        };
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
            return false;
        };
        message.call_id() == Ok(self.call_id.as_str())
            && ours.tag() == Some(self.local_tag.as_str())
            && theirs.tag().unwrap_or_default() == self.remote_tag
    }

    /// The next request of ours within the dialog; never an ACK or CANCEL, which have numbers of their own.
    #[must_use]
    pub fn request(&mut self, method: Method) -> Draft {
        self.local_number = self.local_number.saturating_add(1);
        self.compose(method, self.local_number)
    }

    /// The ACK of the 2xx that answered our INVITE of that number.
    #[must_use]
    pub fn ack(&self, number: u32) -> Draft {
        self.compose(Method::Ack, number)
    }

    /// Leaves out so many numbers: of a dialog that was taken back from a record, it is not known how many were used.
    pub fn skip(&mut self, numbers: u32) {
        self.local_number = self.local_number.saturating_add(numbers);
    }

    fn compose(&self, method: Method, number: u32) -> Draft {
        let strict = self
            .routes
            .first()
            .and_then(|route| bracketed(route))
            .filter(|uri| !is_loose(uri));
        let (draft, rest) = match strict {
            // A strict router expects its own URI where ours ends, and the target at the end of the route.
            Some(uri) => (
                Draft::request(method, uri),
                self.routes.get(1..).unwrap_or_default(),
            ),
            None => (Draft::request(method, &self.target), self.routes.as_slice()),
        };
        let mut draft = rest
            .iter()
            .fold(draft, |draft, route| draft.header("Route", route));
        if strict.is_some() {
            draft = draft.header("Route", format_args!("<{}>", self.target));
        }
        draft
            .header("From", &self.local)
            .header("To", &self.remote)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{number} {}", method.name()))
    }

    /// Takes note of a request of the peer.
    ///
    /// # Errors
    /// The status to refuse it with: 481 when it is of another dialog, 500 when it is out of order, 400 when it is
    /// broken.
    pub fn check_remote(&mut self, request: &Message) -> Result<(), u16> {
        if !self.is_of(request) {
            return Err(481);
        }
        let cseq = request.cseq().map_err(|_| 400_u16)?;
        // They bear the number of their INVITE, which has been checked.
        if matches!(cseq.method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        if self.remote_number.is_some_and(|last| cseq.number <= last) {
            return Err(500);
        }
        self.remote_number = Some(cseq.number);
        if refreshes_target(cseq.method) {
            self.refresh(request);
        }
        Ok(())
    }

    /// Takes the peer's new Contact from a message that may change it: its re-INVITE, UPDATE, SUBSCRIBE or NOTIFY, or
    /// its 2xx to ours.
    pub fn refresh(&mut self, message: &Message) {
        if let Ok(target) = contact(message) {
            self.target = target;
        }
    }
}

const fn refreshes_target(method: Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
    )
}

fn text(message: &Message, name: Name) -> Result<&str, DecodeError> {
    message
        .text(name)
        .ok_or_else(|| missing("the header as text"))
}

/// The URI of the first Contact.
fn contact(message: &Message) -> Result<String, DecodeError> {
    match message.contacts().next() {
        Some(Ok(Contact::Address(address))) => Ok(address.uri.as_str().to_owned()),
        Some(Err(error)) => Err(error),
        Some(Ok(Contact::Star)) | None => Err(missing("a Contact with a URI")),
    }
}

fn record_routes(message: &Message) -> Result<Vec<String>, DecodeError> {
    message
        .list(Name::RecordRoute)
        .map(|route| {
            std::str::from_utf8(route)
                .map(str::to_owned)
                .map_err(|_| missing("a Record-Route as text"))
        })
        .collect()
}

/// The URI of a route, which always stands in angle brackets.
fn bracketed(route: &str) -> Option<&str> {
    // A quoted display name may hold brackets of its own, so the URI is sought from the end.
    let (before, _) = route.rsplit_once('>')?;
    before.rsplit_once('<').map(|(_, uri)| uri)
}

fn is_loose(uri: &str) -> bool {
    Uri::decode(uri.as_bytes()).is_ok_and(|uri| uri.param("lr").is_some())
}

const fn missing(expected: &'static str) -> DecodeError {
    DecodeError {
        format: "sip",
        offset: 0,
        class: Class::MissingHeader,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lines: &[&str]) -> Message {
        let mut text = lines.join("\r\n");
        text.push_str("\r\n\r\n");
        Message::decode(text.into()).unwrap()
    }

    fn invite(more: &[&str]) -> Message {
        let mut lines = vec![
            "INVITE sip:push@ppg.example.com SIP/2.0",
            "Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKd1i1",
            "From: \"Alice\" <sip:alice@example.com>;tag=d1d",
            "To: <sip:push@ppg.example.com>",
            "Call-ID: d1-push-1@192.0.2.11",
            "CSeq: 5 INVITE",
            "Contact: <sip:alice@192.0.2.11:5060>",
        ];
        lines.extend(more);
        message(&lines)
    }

    fn routes(message: &Message) -> Vec<String> {
        let rows = message.rows(Name::Route);
        rows.map(|row| String::from_utf8_lossy(row).into_owned())
            .collect()
    }

    #[test]
    fn a_request_of_the_called_side_goes_the_recorded_way_to_the_contact() {
        let invite = invite(&[
            "Record-Route: <sip:p2.example.com;lr>",
            "Record-Route: \"a <b>\" <sip:p1.example.com;lr>",
        ]);
        let mut dialog = Dialog::from_request(&invite, "p9").unwrap();
        let bye = dialog.request(Method::Bye).finish_with_via("SIP/2.0/TCP h");
        assert_eq!(
            bye.request_uri().unwrap().as_str(),
            "sip:alice@192.0.2.11:5060"
        );
        assert_eq!(
            routes(&bye),
            [
                "<sip:p2.example.com;lr>",
                "\"a <b>\" <sip:p1.example.com;lr>"
            ]
        );
        assert_eq!(bye.from().unwrap().tag(), Some("p9"));
        assert_eq!(
            bye.text(Name::To),
            Some("\"Alice\" <sip:alice@example.com>;tag=d1d")
        );
        assert_eq!(bye.cseq().unwrap().number, 1);
        assert_eq!(bye.max_forwards(), Some(70));
        assert_eq!(dialog.next_hop(), "sip:p2.example.com;lr");
    }

    #[test]
    fn a_strict_router_gets_its_own_uri_and_the_target_at_the_end() {
        let invite = invite(&["Record-Route: <sip:p2.example.com>, <sip:p1.example.com;lr>"]);
        let mut dialog = Dialog::from_request(&invite, "p9").unwrap();
        let bye = dialog.request(Method::Bye).finish_with_via("SIP/2.0/TCP h");
        assert_eq!(bye.request_uri().unwrap().as_str(), "sip:p2.example.com");
        assert_eq!(
            routes(&bye),
            ["<sip:p1.example.com;lr>", "<sip:alice@192.0.2.11:5060>"]
        );
    }

    #[test]
    fn the_calling_side_takes_the_recorded_way_backwards() {
        let ok = message(&[
            "SIP/2.0 200 OK",
            "Via: SIP/2.0/TCP 192.0.2.11:5060;branch=z9hG4bKd1i1",
            "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>",
            "From: <sip:alice@example.com>;tag=d1d",
            "To: <sip:push@ppg.example.com>;tag=p9",
            "Call-ID: d1-push-1@192.0.2.11",
            "CSeq: 5 INVITE",
            "Contact: <sip:push@192.0.2.5:5060;transport=tcp>",
        ]);
        let mut dialog = Dialog::from_response(&ok).unwrap();
        let ack = dialog.ack(5).finish_with_via("SIP/2.0/TCP h");
        assert_eq!(
            routes(&ack),
            ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
        );
        assert_eq!(ack.cseq().unwrap().number, 5);
        assert_eq!(ack.cseq().unwrap().method, Method::Ack);
        let info = dialog
            .request(Method::Info)
            .finish_with_via("SIP/2.0/TCP h");
        assert_eq!(info.cseq().unwrap().number, 6);
        assert_eq!(
            (dialog.local_tag(), dialog.remote_tag(), dialog.call_id()),
            ("d1d", "p9", "d1-push-1@192.0.2.11")
        );
    }

    #[test]
    fn a_request_must_be_of_the_dialog_and_in_order() {
        let mut dialog = Dialog::from_request(&invite(&[]), "p9").unwrap();
        let request = |number: u32, method: &str, tag: &str| {
            message(&[
                &format!("{method} sip:push@192.0.2.5 SIP/2.0"),
                "From: <sip:alice@example.com>;tag=d1d",
                &format!("To: <sip:push@ppg.example.com>;tag={tag}"),
                "Call-ID: d1-push-1@192.0.2.11",
                &format!("CSeq: {number} {method}"),
                "Contact: <sip:alice@198.51.100.3>",
            ])
        };
        assert_eq!(dialog.check_remote(&request(6, "INFO", "other")), Err(481));
        assert_eq!(dialog.check_remote(&request(5, "INFO", "p9")), Err(500));
        assert_eq!(dialog.check_remote(&request(9, "INFO", "p9")), Ok(()));
        assert_eq!(dialog.check_remote(&request(7, "INFO", "p9")), Err(500));
        // An ACK and a CANCEL bear the number of their INVITE.
        assert_eq!(dialog.check_remote(&request(5, "ACK", "p9")), Ok(()));
        assert_eq!(dialog.target(), "sip:alice@192.0.2.11:5060");
        assert_eq!(dialog.check_remote(&request(10, "INVITE", "p9")), Ok(()));
        assert_eq!(dialog.target(), "sip:alice@198.51.100.3");
    }

    #[test]
    fn a_peer_of_rfc_2543_may_have_no_tag() {
        let text = String::from_utf8(invite(&[]).octets().to_vec()).unwrap();
        let invite = Message::decode(text.replace(";tag=d1d", "").into()).unwrap();
        let mut dialog = Dialog::from_request(&invite, "p9").unwrap();
        let bye = dialog.request(Method::Bye).finish_with_via("SIP/2.0/TCP h");
        assert_eq!(bye.to().unwrap().tag(), None);
        assert_eq!(dialog.remote_tag(), "");
    }

    #[test]
    fn without_a_contact_there_is_no_dialog() {
        let text = String::from_utf8(invite(&[]).octets().to_vec()).unwrap();
        let invite = Message::decode(text.replace("Contact", "X-Contact").into()).unwrap();
        let error = Dialog::from_request(&invite, "p9").unwrap_err();
        assert_eq!(error.class, Class::MissingHeader);
    }
}
