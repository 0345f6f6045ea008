//! What a node can be told, and what it can ask for: the one boundary between what decides and what carries.
//!
//! Order rule: outputs are performed in order, and nothing after a [`Output::Save`] happens before that record is
//! durable. All records of one call are one transaction: a crash keeps all of them or none. After a restart a gateway is rebuilt from its records alone.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::time::Time;

/// A datagram socket of the node, numbered by its configuration from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SocketId(pub u32);

/// A stream listener of the node, numbered by its configuration from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u32);

/// One stream connection, for its life.
///
/// The node numbers those it opens from 0 up; the driver numbers accepted ones from [`LinkId::ACCEPTED`] up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId(pub u64);

impl LinkId {
    /// The first number of the links that were accepted, not opened.
    pub const ACCEPTED: u64 = 1 << 63;
}

/// One HTTP request that waits for [`Output::Respond`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One HTTP request of ours that waits for [`Input::Response`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// What octets travel on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

impl Transport {
    /// True when the transport itself repeats what is lost.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// `UDP`, `TCP` or `TLS`, as the Via header writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// Why a link is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer ended it.
    Peer,
    /// It could not be opened.
    Refused,
    /// It broke.
    Broken,
}

/// An HTTP request, at most `limits` octets of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` ...
    pub method: String,
    /// For a request to us the path with its query; for one of ours the whole URL.
    pub target: String,
    /// Names in lower case, values as text (octets that are no text were refused by the driver).
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl HttpRequest {
    /// The header under which the driver hands over the name of a verified client certificate. No client can send a name
    /// that begins with a colon.
    pub const CERTIFIED: &'static str = ":certified";
    /// The header with which the driver hands over the verified account of a user.
    pub const ACCOUNT: &'static str = ":account";
    /// The header with which the driver hands over the token of a user's session, and the node one that it has begun.
    pub const SESSION: &'static str = ":session";
    /// The header of a request of ours that is one of HTTP/2, also without TLS. It is not sent.
    pub const TWO: &'static str = ":two";
    /// The header of questions that the driver asks for a stream: what it asks from has been written, not received.
    pub const STREAM: &'static str = ":stream";

    /// The value of the first header of that lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why a fetch brought no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL is none, or of a scheme that is not served.
    BadUrl,
    /// Nobody took the connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The answer broke off or was too large.
    Broken,
}

/// What a node can be told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A datagram came in.
    Datagram {
        /// At which socket.
        socket: SocketId,
        /// From whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// A link is up: one that the node asked for, or one that a peer opened.
    Opened {
        /// The link.
        link: LinkId,
        /// Where it was accepted; `None` for a link the node opened itself.
        listener: Option<ListenerId>,
        /// What it is.
        transport: Transport,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
    },
    /// Octets of a link, cut anywhere.
    Octets {
        /// The link.
        link: LinkId,
        /// What came in; never empty.
        octets: Bytes,
    },
    /// A link is gone, or never came up.
    Closed {
        /// The link.
        link: LinkId,
        /// Why.
        why: CloseReason,
    },
    /// A WebSocket is up: an HTTP request became a link of messages.
    Upgraded {
        /// The link.
        link: LinkId,
        /// Who opened it.
        peer: SocketAddr,
        /// The path and query that were asked for.
        target: String,
    },
    /// A text message of a WebSocket.
    Message {
        /// The link.
        link: LinkId,
        /// The whole text.
        text: String,
    },
    /// An HTTP request came in.
    Request {
        /// Answer it under this number.
        id: RequestId,
        /// From whom.
        peer: SocketAddr,
        /// What.
        request: HttpRequest,
    },
    /// The answer to a fetch.
    Response {
        /// The number of the fetch.
        id: FetchId,
        /// What came of it.
        response: Result<HttpResponse, FetchError>,
    },
}

/// What an HTTP request is for. Requests for one errand wait for none of another: a bearer whose devices do not answer
/// slows neither results nor what is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// A result for an initiator, or information that a device returns.
    Result,
    /// A push to a device.
    Device,
    /// A push that another gateway is to deliver.
    Relay,
    /// A push service is to wake a device.
    Wake,
    /// A push service is to bring a message to a browser.
    Browser,
}

impl Errand {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Result,
        Self::Device,
        Self::Relay,
        Self::Wake,
        Self::Browser,
    ];
}

/// What a node can ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a datagram.
    Datagram {
        /// From which socket.
        socket: SocketId,
        /// To whom.
        peer: SocketAddr,
        /// What.
        octets: Bytes,
    },
    /// Open a link; [`Input::Opened`] or [`Input::Closed`] answers.
    Connect {
        /// A number the node has not used before.
        link: LinkId,
        /// What to open.
        transport: Transport,
        /// Whereto.
        target: SocketAddr,
        /// The name a TLS certificate must be valid for.
        server_name: Option<String>,
    },
    /// Send octets on a link; they may be given before it is up.
    Octets {
        /// The link.
        link: LinkId,
        /// What.
        octets: Bytes,
    },
    /// Send a text message on a WebSocket.
    Message {
        /// The link.
        link: LinkId,
        /// The whole text.
        text: String,
    },
    /// Close a link after what was given to it has left; no [`Input::Closed`] follows.
    Close {
        /// The link.
        link: LinkId,
    },
    /// Answer an HTTP request.
    Respond {
        /// The number of the request.
        id: RequestId,
        /// The answer.
        response: HttpResponse,
    },
    /// Make an HTTP request; [`Input::Response`] answers.
    Fetch {
        /// A number the node has not used before.
        id: FetchId,
        /// What it is for.
        errand: Errand,
        /// The request.
        request: HttpRequest,
    },
    /// Make a record durable before anything that follows is done.
    Save(Record),
    /// Drop a record; it may come back after a crash, never after the next save is durable.
    Forget(RecordKey),
    /// Drop a record that somebody asked to be gone, before anything that follows is done: it does not come back.
    Erase(RecordKey),
    /// Tell what happened.
    Report(Event),
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// A submission of a PI with the outcome for each recipient; the id is who submitted it, a blank, and the push-id.
    Push,
    /// What one PAP submission owes the initiator still.
    Owed,
    /// A SIP binding.
    Binding,
    /// An identity and its devices.
    Identity,
    /// A subscription to what happens with an identity.
    Subscription,
    /// What a device published of its presence.
    Publication,
    /// A message kept for an account; the id is the account, a blank, and its number.
    Message,
    /// A browser client and its applications.
    Client,
    /// A session of a user of web pages; the id is the digest of its token.
    Login,
    /// A browser and its push subscriptions.
    PushAgent,
    /// A push that waits for a browser.
    WebPush,
    /// The key that push services of browsers know the gateway by.
    ServerKey,
    /// What instant notification keeps: registrations, choices, how far mailboxes were read, notices to be opened.
    Notice,
}

impl RecordKind {
    /// The name a store keeps it under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Owed => "owed",
            Self::Binding => "binding",
            Self::Identity => "identity",
            Self::Subscription => "subscription",
            Self::Publication => "publication",
            Self::Message => "message",
            Self::Client => "client",
            Self::Login => "login",
            Self::PushAgent => "push-agent",
            Self::WebPush => "web-push",
            Self::ServerKey => "server-key",
            Self::Notice => "notice",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Push,
            Self::Owed,
            Self::Binding,
            Self::Identity,
            Self::Subscription,
            Self::Publication,
            Self::Message,
            Self::Client,
            Self::Login,
            Self::PushAgent,
            Self::WebPush,
            Self::ServerKey,
            Self::Notice,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// What names a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The kind.
    pub kind: RecordKind,
    /// Unique within the kind.
    pub id: String,
}

/// One thing the gateway must know again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name; a later record of the same name replaces an earlier one.
    pub key: RecordKey,
    /// The public user identity it belongs to, for searching.
    pub pui: Option<String>,
    /// A word for its state, for searching: `live` records are loaded after a restart, all others are history.
    pub live: bool,
    /// When it may be dropped, or must be looked at.
    pub due: Option<Time>,
    /// Versioned; only the part that made it reads it.
    pub body: Vec<u8>,
}
