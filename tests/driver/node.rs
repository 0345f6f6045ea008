//! A node that echoes, and does what the path of a request says.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use bytes::Bytes;
use sirgate::driver::clock::Clock;
use sirgate::driver::observe::{Journal, JournalSettings};
use sirgate::driver::{Addresses, Handle, Setup, start};
use sirgate::event::{Event, Fact};
use sirgate::machine::Machine;
use sirgate::time::Time;
use sirgate::world::{
    Errand, FetchId, HttpRequest, HttpResponse, Input, LinkId, ListenerId, Output, Record,
    RecordKey, RecordKind, RequestId, Transport,
};

/// Echoes datagrams and octets; answers requests by their path.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    /// Requests that wait for a fetch.
    fetching: BTreeMap<FetchId, RequestId>,
    /// Links it opened, the request that asked, and what came back.
    opened: BTreeMap<LinkId, (RequestId, Vec<u8>)>,
    next: u64,
    alarm: Option<(Time, RequestId)>,
    /// What happened, in order.
    pub(crate) seen: Vec<String>,
}

pub(crate) fn response(status: u16, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: body.into(),
    }
}

pub(crate) fn message(now: Time, dev: &str) -> Output {
    Output::Report(Event {
        t: now,
        fact: Fact::MsgTx {
            dev: dev.to_owned(),
            kind: "registration".to_owned(),
        },
    })
}

impl Machine for Echo {
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram {
                socket,
                peer,
                octets,
            } => out.push(Output::Datagram {
                socket,
                peer,
                octets,
            }),
            Input::Opened {
                link, transport, ..
            } => {
                self.seen.push(format!("opened {}", transport.name()));
                if link.0 >= LinkId::ACCEPTED {
                    out.push(message(now, "opened"));
                }
            }
            Input::Upgraded { link, target, .. } => {
                self.seen.push(format!("upgraded {target}"));
                out.push(Output::Message { link, text: target });
            }
            Input::Message { link, text } if text == "close" => out.push(Output::Close { link }),
            Input::Message { link, text } => out.push(Output::Message { link, text }),
            Input::Octets { link, octets } => self.octets(link, &octets, out),
            Input::Closed { link, why } => {
                self.seen.push(format!("closed {why:?}"));
                out.push(message(now, &format!("closed {why:?}")));
                if let Some((id, got)) = self.opened.remove(&link) {
                    let text = format!("{why:?} {}", String::from_utf8_lossy(&got));
                    out.push(Output::Respond {
                        id,
                        response: response(200, text),
                    });
                }
            }
            Input::Request { id, request, .. } => self.request(now, id, &request, out),
            Input::Response { id, response: got } => {
                let text = match got {
                    Ok(got) => format!("{} {}", got.status, String::from_utf8_lossy(&got.body)),
                    Err(error) => format!("{error:?}"),
                };
                if let Some(id) = self.fetching.remove(&id) {
                    out.push(Output::Respond {
                        id,
                        response: response(200, text),
                    });
                }
            }
        }
    }

    fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        if let Some((due, id)) = self.alarm
            && due <= now
        {
            self.alarm = None;
            let late = now.since(due).as_millis().to_string();
            out.push(Output::Respond {
                id,
                response: response(200, late),
            });
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.alarm.map(|(due, _)| due)
    }
}

impl Echo {
    fn octets(&mut self, link: LinkId, octets: &Bytes, out: &mut Vec<Output>) {
        if let Some((_, got)) = self.opened.get_mut(&link) {
            got.extend_from_slice(octets);
            return;
        }
        match &octets[..] {
            // Far more than any socket buffer takes.
            b"flood" => out.extend((0..32).map(|_| Output::Octets {
                link,
                octets: Bytes::from(vec![b'x'; 1 << 20]),
            })),
            _ => out.push(Output::Octets {
                link,
                octets: octets.clone(),
            }),
        }
        if octets.ends_with(b"bye") {
            out.push(Output::Close { link });
            self.seen.push("close".to_owned());
        }
    }

    fn request(&mut self, now: Time, id: RequestId, request: &HttpRequest, out: &mut Vec<Output>) {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let mut answer = Some(response(200, request.body.clone()));
        match request.target.as_str() {
            "/save" => {
                out.push(Output::Save(record(&body, true)));
                out.push(message(now, &format!("saved {body}")));
            }
            "/forget" => out.push(Output::Forget(record(&body, true).key)),
            "/event" => out.push(message(now, &body)),
            "/events" => out.extend((0..200).map(|n| message(now, &n.to_string()))),
            "/silent" => answer = None,
            "/fetch" | "/wake" | "/push" => {
                answer = None;
                self.next += 1;
                let fetch = FetchId(self.next);
                self.fetching.insert(fetch, id);
                out.push(Output::Fetch {
                    id: fetch,
                    errand: match request.target.as_str() {
                        "/wake" => Errand::Wake,
                        "/push" => Errand::Device,
                        _ => Errand::Result,
                    },
                    request: HttpRequest {
                        method: "POST".to_owned(),
                        target: body,
                        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
                        body: Bytes::from_static(b"hello"),
                    },
                });
            }
            // Pushes to devices, more than are under way at once.
            "/pushes" => out.extend((0..400).map(|number| Output::Fetch {
                id: FetchId(1 << 32 | number),
                errand: Errand::Device,
                request: HttpRequest {
                    method: "POST".to_owned(),
                    target: body.clone(),
                    headers: Vec::new(),
                    body: Bytes::from_static(b"hello"),
                },
            })),
            "/alarm" => {
                answer = None;
                self.alarm = Some((now + Duration::from_millis(50), id));
            }
            connect if connect.starts_with("/connect/") => {
                answer = None;
                self.connect(id, connect, &body, out);
            }
            _ => {}
        }
        out.extend(answer.map(|response| Output::Respond { id, response }));
    }

    /// `/connect/TRANSPORT/NAME` with the address as body: sends before the link is up, and gathers what comes.
    fn connect(&mut self, id: RequestId, path: &str, target: &str, out: &mut Vec<Output>) {
        let mut parts = path.split('/').skip(2);
        let transport = match parts.next() {
            Some("tls") => Transport::Tls,
            _ => Transport::Tcp,
        };
        let server_name = parts.next().map(str::to_owned);
        self.next += 1;
        let link = LinkId(self.next);
        self.opened.insert(link, (id, Vec::new()));
        out.push(Output::Connect {
            link,
            transport,
            target: target.parse().unwrap(),
            server_name,
        });
        for octets in ["one ", "two ", "bye"] {
            out.push(Output::Octets {
                link,
                octets: Bytes::from(octets),
            });
        }
    }
}

pub(crate) fn record(id: &str, live: bool) -> Record {
    Record {
        key: RecordKey {
            kind: RecordKind::Push,
            id: id.to_owned(),
        },
        pui: None,
        live,
        due: None,
        body: b"{}".to_vec(),
    }
}

pub(crate) fn journal() -> Journal {
    Journal::start(&JournalSettings::default()).unwrap()
}

pub(crate) fn setup() -> Setup {
    Setup::new(Clock::start(), journal())
}

pub(crate) fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn tcp() -> TcpListener {
    TcpListener::bind(loopback()).unwrap()
}

/// A node with one socket of each kind that needs no certificate.
pub(crate) fn usual() -> Setup {
    let mut setup = setup();
    setup.udp.push(UdpSocket::bind(loopback()).unwrap());
    setup.listeners.push((ListenerId(0), Transport::Tcp, tcp()));
    setup.http.push(tcp());
    setup
}

pub(crate) fn run(setup: Setup) -> (Handle<Echo>, Addresses) {
    let handle = start(Echo::default(), setup).unwrap();
    let addresses = handle.addresses().clone();
    (handle, addresses)
}

/// Stops the node and gives it back.
pub(crate) async fn stop(mut handle: Handle<Echo>) -> Echo {
    handle.stop();
    handle.ended().await.unwrap()
}
