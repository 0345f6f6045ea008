//! An initiator that writes PAP of any version, and the answers it gets.

use std::net::SocketAddr;

use bytes::Bytes;

use super::lab::{Lab, NOTIFY, Session, UUID, to};
use crate::codec::pap::{
    self, CancelResult, Document, MessageState, Operation, PushResponse, ResultNotification,
};
use crate::world::{HttpRequest, HttpResponse, Input, RequestId};

pub(super) const MULTIPART: &str = "multipart/related; boundary=b; type=\"application/xml\"";
pub(super) const SI: &str = "<?xml version=\"1.0\"?><!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \
    \"http://www.wapforum.org/DTD/si.dtd\"><si><indication href=\"http://news.example/\">Three new headlines</indication></si>";

/// A submission that an initiator writes.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) version: &'a str,
    pub(super) instruction: &'a str,
    pub(super) push_id: &'a str,
    pub(super) attributes: &'a str,
    pub(super) addresses: &'a [&'a str],
    pub(super) quality: &'a str,
    pub(super) headers: &'a str,
    pub(super) content_type: &'a str,
    pub(super) content: &'a str,
    pub(super) capabilities: Option<&'a str>,
}

/// A push of `hello` to the first device, whose result is wanted.
pub(super) const PLAIN: Written<'static> = Written {
    version: "2.0",
    instruction: "",
    push_id: "p1",
    attributes: "",
    addresses: &[UUID],
    quality: "",
    headers: "",
    content_type: "text/plain",
    content: "hello",
    capabilities: None,
};

/// A document of that version with that inside.
pub(super) fn document(version: &str, instruction: &str, inside: &str) -> String {
    let subset = match instruction {
        "" => String::new(),
        list => format!(" [<?wap-pap-ver supported-versions=\"{list}\"?>]"),
    };
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP {version}//EN\" \
         \"http://www.wapforum.org/DTD/pap_{version}.dtd\"{subset}><pap>{inside}</pap>"
    )
}

impl Written<'_> {
    pub(super) fn body(&self) -> String {
        let address = |it: &&str| format!("<address address-value=\"{}\"/>", to(it));
        let addresses: String = self.addresses.iter().map(address).collect();
        let push = format!(
            "<push-message push-id=\"{}\" ppg-notify-requested-to=\"{NOTIFY}\"{}>{addresses}{}</push-message>",
            self.push_id, self.attributes, self.quality
        );
        let control = document(self.version, self.instruction, &push);
        let capabilities = self.capabilities.map_or_else(String::new, |profile| {
            format!("--b\r\nContent-Type: application/xml\r\n\r\n{profile}\r\n")
        });
        format!(
            "--b\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--b\r\nContent-Type: {}\r\n{}\r\n{}\r\n\
             {capabilities}--b--\r\n",
            self.content_type,
            self.headers.replace('\n', "\r\n"),
            self.content
        )
    }

    /// Submits it; the whole answer comes back.
    pub(super) fn submit(&self, lab: &mut Lab) -> HttpResponse {
        lab.http("POST", "/pap", MULTIPART, &self.body())
    }

    /// Submits it; the push-response comes back.
    pub(super) fn answer(&self, lab: &mut Lab) -> PushResponse {
        match read(&self.submit(lab)).operation {
            Operation::PushResponse(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Submits it; the code comes back.
    pub(super) fn code(&self, lab: &mut Lab) -> u16 {
        self.answer(lab).code
    }
}

pub(super) fn read(response: &HttpResponse) -> Document {
    assert_eq!(response.status, 202, "{response:?}");
    pap::decode(&response.body).unwrap()
}

/// Sends one operation without content; the document that answers comes back.
pub(super) fn tell(lab: &mut Lab, version: &str, inside: &str) -> Document {
    let text = document(version, "", inside);
    read(&lab.http("POST", "/pap", "application/xml", &text))
}

/// Takes a push back, for these addresses or for all; what comes of it.
pub(super) fn take_back(lab: &mut Lab, push_id: &str, addresses: &[&str]) -> Vec<CancelResult> {
    let address = |it: &&str| format!("<address address-value=\"{}\"/>", to(it));
    let list: String = addresses.iter().map(address).collect();
    let cancel = format!("<cancel-message push-id=\"{push_id}\">{list}</cancel-message>");
    match tell(lab, "2.0", &cancel).operation {
        Operation::CancelResponse(answer) => answer.results,
        other => panic!("{other:?}"),
    }
}

/// Asks how far the push `p1` is, with these addresses inside: state and code of each.
pub(super) fn status(lab: &mut Lab, inside: &str) -> Vec<(MessageState, u16)> {
    let message = format!("<statusquery-message push-id=\"p1\">{inside}</statusquery-message>");
    match tell(lab, "2.0", &message).operation {
        Operation::StatusQueryResponse(answer) => {
            let results = answer.results.iter();
            results.map(|it| (it.state, it.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Sends a submission with these headers of HTTP.
pub(super) fn post_with(lab: &mut Lab, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let id = RequestId(lab.number());
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    lab.input(Input::Request {
        id,
        peer: SocketAddr::from(([198, 51, 100, 1], 40_000)),
        request: HttpRequest {
            method: "POST".to_owned(),
            target: "/pap".to_owned(),
            headers: headers.iter().map(own).collect(),
            body: Bytes::from(body.to_owned()),
        },
    });
    lab.responses.pop().expect("an answer").1
}

/// The results told so far.
pub(super) fn results(lab: &Lab) -> Vec<(Document, ResultNotification)> {
    let read = |body: &[u8]| {
        let document = pap::decode(body).unwrap();
        match document.operation.clone() {
            Operation::ResultNotification(result) => (document, result),
            other => panic!("{other:?}"),
        }
    };
    let told = lab.fetches.iter().filter(|(_, it)| it.target == NOTIFY);
    told.map(|(_, request)| read(&request.body)).collect()
}

/// Device 1 takes its SIR and opens a session: what it gets on it.
pub(super) fn opened(lab: &mut Lab) -> (Session, Vec<(String, String, String)>) {
    let sirs = lab.sirs();
    for sir in &sirs {
        lab.answer(sir, 200, "");
    }
    let session = lab.session(1, "");
    let contents = lab.contents(&session);
    (session, contents)
}

/// Device 1 takes the push with a report.
pub(super) fn delivered(lab: &mut Lab) {
    let (session, contents) = opened(lab);
    for content in &contents {
        lab.confirm(&session, content, 200);
    }
}

/// Device 1 answers the content and reports nothing.
pub(super) fn only_answered(lab: &mut Lab, session: &Session, content: &(String, String, String)) {
    let (tid, _, text) = content;
    let line = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
    };
    let answer = format!(
        "MSRP {tid} 200 OK\r\nTo-Path: {}\r\nFrom-Path: {}\r\n-------{tid}$\r\n",
        line("From-Path: "),
        line("To-Path: ")
    );
    lab.input(Input::Octets {
        link: session.link,
        octets: Bytes::from(answer),
    });
}
