//! What a node reports: one fact worth knowing, with when, who, whom and about which push.
//!
//! Logs, metrics, the ladder and golden transcripts read these and nothing else. The names of events and fields are
//! those of the requirements catalogue, section 0; the JSON schema is `docs/events.schema.json`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::time::Time;

pub mod fields;
pub mod filter;
pub mod nearest;
mod words;

pub use filter::Filter;
pub use words::{Bearer, Decision, Mode, Outcome, Reason, Via, When};

/// The names of all events, in the order of [`Fact`].
pub const NAMES: [&str; 63] = [
    "pap.rx",
    "pap.refused",
    "obtain",
    "plan",
    "sir.tx",
    "sir.answer",
    "sir.next",
    "wake",
    "sir.rx",
    "sir.decide",
    "prompt",
    "sess.req",
    "sess.up",
    "sess.down",
    "push.tx",
    "push.rx",
    "push.dev",
    "push.end",
    "pap.notify",
    "info.tx",
    "info.rx",
    "msg.tx",
    "msg.rx",
    "app.act",
    "app.reg",
    "reg",
    "dev.reg",
    "wire",
    "fault.hit",
    "smsc",
    "poll.req",
    "poll.rsp",
    "web.client",
    "web.app",
    "msg.put",
    "msg.state",
    "login",
    "logout",
    "pb.query",
    "pb.attach",
    "pb.state",
    "mc.route",
    "mc.store",
    "mc.clear",
    "mc.drop",
    "badge.set",
    "wp.agent",
    "wp.sub",
    "wp.msg",
    "wp.out",
    "note.token",
    "note.req",
    "note.given",
    "mon.reg",
    "mon.state",
    "mon.new",
    "appstate",
    "note.tx",
    "direct.tx",
    "note.open",
    "app.launch",
    "note.rx",
    "refused",
];

/// One fact, and when it was so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in microseconds since the Unix epoch.
    pub t: Time,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened. Devices (`dev`) go by their name in the gateway's registry, or by an identifier where none is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ev")]
pub enum Fact {
    /// The gateway accepted a submission.
    #[serde(rename = "pap.rx")]
    PapRx {
        /// The push-id.
        push: String,
        /// The public user identity.
        pui: String,
        /// The application addressed.
        app: Option<String>,
    },
    /// The gateway refused a submission.
    #[serde(rename = "pap.refused")]
    PapRefused {
        /// The push-id, when it could be read.
        push: Option<String>,
        /// The PAP status code.
        code: u16,
        /// Why.
        why: String,
    },
    /// A registry query for the devices of an identity (R2.1: `obtain`), before a plan.
    #[serde(rename = "obtain")]
    Obtain {
        /// The push-id.
        push: String,
        /// The public user identity.
        pui: String,
        /// Names of the devices bound.
        devices: Vec<String>,
        /// Names of those that have a session.
        connected: Vec<String>,
    },
    /// What the planner decided.
    #[serde(rename = "plan")]
    Plan {
        /// The push-id.
        push: String,
        /// How the SIR travels; `None` when no SIR is needed.
        mode: Option<Mode>,
        /// Devices that get the push.
        wanted: Vec<String>,
        /// Devices left out although addressed, each with the reason.
        excluded: Vec<(String, String)>,
        /// Which identifiers were looked up.
        ids: Vec<String>,
    },
    /// The gateway sent a SIR.
    #[serde(rename = "sir.tx")]
    SirTx {
        /// The push-id.
        push: String,
        /// What carried it.
        bearer: Bearer,
        /// How it travels.
        mode: Mode,
        /// Whereto; `*` for one request that the core forks.
        dev: String,
        /// The identifiers in it.
        ids: Vec<String>,
        /// Where they stand in it: `header`, `value`, `body`.
        place: Vec<String>,
        /// The correlator in it, by which a device's events name it.
        #[serde(default)]
        sir: Option<String>,
    },
    /// The answer to a SIR, or none.
    #[serde(rename = "sir.answer")]
    SirAnswer {
        /// The push-id.
        push: String,
        /// Whose.
        dev: String,
        /// The status of SIP, or one of another bearer; 408 when none came.
        status: u16,
        /// True when the device is marked `sir-failed`.
        failed: bool,
        /// What carried the SIR; SIP where it is not said.
        #[serde(default = "words::by_sip")]
        bearer: Bearer,
    },
    /// A bearer failed, and the SIR goes by the next one.
    #[serde(rename = "sir.next")]
    SirNext {
        /// The push-id.
        push: String,
        /// Whereto.
        dev: String,
        /// What failed.
        bearer: Bearer,
        /// Why.
        why: String,
        /// What carries the SIR now.
        next: Bearer,
    },
    /// A device that sleeps is being woken (RFC 8599).
    #[serde(rename = "wake")]
    Wake {
        /// Whom.
        dev: String,
        /// What wakes it: a bearer, or the name of a push service.
        by: String,
        /// The push it is woken for; without one it is to renew its registration.
        push: Option<String>,
    },
    /// A device received a SIR.
    #[serde(rename = "sir.rx")]
    SirRx {
        /// The device.
        dev: String,
        /// What carried it.
        bearer: Bearer,
        /// The correlator, when the SIR has one.
        sir: Option<String>,
        /// The identifiers in it.
        ids: Vec<String>,
        /// The public user identity in it.
        pui: Option<String>,
    },
    /// A device decided.
    #[serde(rename = "sir.decide")]
    SirDecide {
        /// The device.
        dev: String,
        /// The correlator, when the SIR has one.
        sir: Option<String>,
        /// What.
        result: Decision,
        /// Why.
        reason: Reason,
        /// True when the placements contradict each other.
        conflict: bool,
        /// More about the reason, for a person.
        detail: Option<String>,
    },
    /// A question to a device's user.
    #[serde(rename = "prompt")]
    Prompt {
        /// The device.
        dev: String,
        /// What about: `sir`.
        kind: String,
    },
    /// A device asks for a session.
    #[serde(rename = "sess.req")]
    SessReq {
        /// The device.
        dev: String,
        /// The gateway it asks.
        ppg: String,
        /// The number of the SIR it answers, when it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sir: Option<String>,
    },
    /// A session is up; the gateway and the device both say so.
    #[serde(rename = "sess.up")]
    SessUp {
        /// The device.
        dev: String,
        /// The gateway.
        ppg: String,
        /// Who says it: `ppg` or `dev`.
        by: String,
    },
    /// A session is over.
    #[serde(rename = "sess.down")]
    SessDown {
        /// The device.
        dev: String,
        /// The gateway.
        ppg: String,
        /// Who says it: `ppg` or `dev`.
        by: String,
        /// Why.
        why: String,
    },
    /// The gateway sent content.
    #[serde(rename = "push.tx")]
    PushTx {
        /// The push-id.
        push: String,
        /// The device.
        dev: String,
        /// On what.
        via: Via,
        /// Octets of content.
        octets: usize,
    },
    /// A device received content.
    #[serde(rename = "push.rx")]
    PushRx {
        /// The push-id.
        push: String,
        /// The device.
        dev: String,
        /// On what.
        via: Via,
        /// Octets of content.
        octets: usize,
        /// True when the device had this push before and dropped it.
        repeated: bool,
    },
    /// A push ended for one device.
    #[serde(rename = "push.dev")]
    PushDev {
        /// The push-id.
        push: String,
        /// The device.
        dev: String,
        /// How.
        outcome: Outcome,
        /// Why, for a person.
        reason: String,
    },
    /// A push ended for one recipient address.
    #[serde(rename = "push.end")]
    PushEnd {
        /// The push-id.
        push: String,
        /// The address as the initiator wrote it.
        address: String,
        /// PAP's message-state.
        state: String,
        /// PAP's status code.
        code: u16,
        /// The reason in words.
        desc: String,
    },
    /// The initiator was told a result, or could not be told.
    #[serde(rename = "pap.notify")]
    PapNotify {
        /// The push-id.
        push: String,
        /// The address as the initiator wrote it.
        address: String,
        /// Which try, from 1.
        attempt: u32,
        /// `sent`, `accepted`, `failed`, `given-up`.
        result: String,
    },
    /// A device returned an information.
    #[serde(rename = "info.tx")]
    InfoTx {
        /// The device.
        dev: String,
        /// `capability`, `preference`, `security`, `subscription`, `refusal`.
        kind: String,
        /// On what.
        via: Via,
    },
    /// The gateway received an information.
    #[serde(rename = "info.rx")]
    InfoRx {
        /// The device.
        dev: String,
        /// As in `info.tx`.
        kind: String,
        /// On what.
        via: Via,
        /// The information.
        info: serde_json::Value,
    },
    /// A device sent a message that was asked for.
    #[serde(rename = "msg.tx")]
    MsgTx {
        /// The device.
        dev: String,
        /// `registration` or `capability`.
        kind: String,
    },
    /// The gateway received such a message.
    #[serde(rename = "msg.rx")]
    MsgRx {
        /// The device.
        dev: String,
        /// As in `msg.tx`.
        kind: String,
    },
    /// A device activated an application.
    #[serde(rename = "app.act")]
    AppAct {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// Seen from the session.
        when: When,
    },
    /// An application registered with its device.
    #[serde(rename = "app.reg")]
    AppReg {
        /// The device.
        dev: String,
        /// The application.
        app: String,
    },
    /// A device's bindings at the gateway changed.
    #[serde(rename = "reg")]
    Reg {
        /// The public user identity.
        pui: String,
        /// The device.
        dev: String,
        /// `created`, `refreshed`, `expired`, `removed`.
        change: String,
        /// The contact.
        contact: String,
    },
    /// A device's registration was accepted, for the first time or after it was lost.
    #[serde(rename = "dev.reg")]
    DevReg {
        /// The public user identity.
        pui: String,
        /// The device.
        dev: String,
    },
    /// A protocol message went from one party to another: the rungs of the ladder.
    #[serde(rename = "wire")]
    Wire {
        /// Party that sent it: `PI`, `PPG`, or a device's name.
        from: String,
        /// Party it was sent to.
        to: String,
        /// `http`, `sip`, `msrp`, `smpp`, `wsp`, `sms`, `ussd`.
        line: String,
        /// The start line, or what stands for it.
        what: String,
        /// The push it belongs to, where known.
        push: Option<String>,
        /// The octets, for captures only; never in a log.
        #[serde(skip)]
        octets: Bytes,
    },
    /// A rule did something to a message, on purpose.
    #[serde(rename = "fault.hit")]
    FaultHit {
        /// The rule's name.
        rule: String,
        /// What it did: `drop`, `delay`, `answer` ...
        fault: String,
        /// `in` or `out`, seen from the node.
        dir: String,
        /// The protocol: `sip`, `msrp`, `http`, `pap`, `wsp`, `smpp`, `octets`.
        line: String,
        /// The message's method, status or command.
        what: String,
        /// Its bearer, where it is of one.
        bearer: Option<Bearer>,
        /// The device, where known.
        dev: Option<String>,
        /// The push, where known.
        push: Option<String>,
    },
    /// How the message centre stands to the gateway, when it changes or is tried again.
    #[serde(rename = "smsc")]
    Smsc {
        /// Where it is.
        address: String,
        /// `connecting`, `up`, `slow` (it refuses for its load), `down`.
        state: String,
        /// Why, where it is not up.
        why: Option<String>,
    },
    /// A browser client asked what is new for its applications.
    #[serde(rename = "poll.req")]
    PollReq {
        /// The client.
        client: String,
        /// The number after which it asks.
        since: u64,
    },
    /// A question of a browser client was answered.
    #[serde(rename = "poll.rsp")]
    PollRsp {
        /// The client.
        client: String,
        /// How many messages it was given.
        n: usize,
    },
    /// A browser client came, changed or went.
    #[serde(rename = "web.client")]
    WebClient {
        /// The client.
        client: String,
        /// `created`, `login`, `subscribed`, `unsubscribed`, `removed`.
        change: String,
    },
    /// An application of a browser client changed.
    #[serde(rename = "web.app")]
    WebApp {
        /// The client.
        client: String,
        /// The application.
        app: String,
        /// `registered`, `replaced`, `removed`, `cleared`.
        change: String,
    },
    /// A message was kept for an account.
    #[serde(rename = "msg.put")]
    MsgPut {
        /// The account.
        account: String,
        /// The application it belongs to.
        app: String,
        /// Its number.
        message: u64,
    },
    /// The state of a message changed for its account; with a clearing, of all of its application up to it.
    #[serde(rename = "msg.state")]
    MsgState {
        /// The account.
        account: String,
        /// The message.
        message: u64,
        /// `read` or `deleted`.
        state: String,
    },
    /// The user of an account began a session.
    #[serde(rename = "login")]
    Login {
        /// The account.
        account: String,
    },
    /// The user of an account ended a session.
    #[serde(rename = "logout")]
    Logout {
        /// The account.
        account: String,
    },
    /// What is unread in an account was looked up, to ride along on a response.
    #[serde(rename = "pb.query")]
    PbQuery {
        /// The account.
        account: String,
    },
    /// What is unread was attached to a response.
    #[serde(rename = "pb.attach")]
    PbAttach {
        /// The account.
        account: String,
        /// How many messages its user was not told of.
        new: usize,
        /// How many its user was told of.
        offered: usize,
        /// How many of them are summarised.
        summaries: usize,
    },
    /// The user of an account was told of its messages.
    #[serde(rename = "pb.state")]
    PbState {
        /// The account.
        account: String,
        /// The last of them.
        upto: u64,
    },
    /// The message centre of a browser took a message to its application.
    #[serde(rename = "mc.route")]
    McRoute {
        /// The browser.
        dev: String,
        /// The application.
        app: String,
        /// The message.
        message: u64,
    },
    /// The message centre stored a message.
    #[serde(rename = "mc.store")]
    McStore {
        /// The browser.
        dev: String,
        /// The application.
        app: String,
        /// The message.
        message: u64,
    },
    /// Messages of an application were cleared in a browser.
    #[serde(rename = "mc.clear")]
    McClear {
        /// The browser.
        dev: String,
        /// The application.
        app: String,
        /// How many.
        n: usize,
    },
    /// The message centre dropped a message: nobody registered for its application.
    #[serde(rename = "mc.drop")]
    McDrop {
        /// The browser.
        dev: String,
        /// The application.
        app: String,
    },
    /// The number on an application's icon changed.
    #[serde(rename = "badge.set")]
    BadgeSet {
        /// The browser.
        dev: String,
        /// The application.
        app: String,
        /// The number; 0 takes it away.
        n: usize,
    },
    /// A browser came to the push service or left it.
    #[serde(rename = "wp.agent")]
    WpAgent {
        /// The beginning of its number.
        agent: String,
        /// `hello` for a new one, `back`, `bye`.
        change: String,
    },
    /// A push subscription of a browser changed.
    #[serde(rename = "wp.sub")]
    WpSub {
        /// The browser.
        agent: String,
        /// The beginning of the resource's name.
        sub: String,
        /// `new`, `gone`.
        change: String,
    },
    /// What became of a push to a browser.
    #[serde(rename = "wp.msg")]
    WpMsg {
        /// The subscription; empty when it is not known any more.
        sub: String,
        /// The beginning of the push's name.
        msg: String,
        /// `taken`, `sent`, `acked`, `nacked`; `done`, `expired`, `replaced`, `cancelled`, `unsubscribed` or `given-up` at
        /// its end.
        state: String,
        /// What the browser said: 100 delivered, 101 not decrypted, 102 not delivered; 301 to 303 its receiver failed.
        code: Option<u16>,
        /// How often it has been sent.
        attempt: u32,
    },
    /// A message for a client of ours went to the push service of its browser, or that answered.
    #[serde(rename = "wp.out")]
    WpOut {
        /// The client.
        client: String,
        /// The number of the message.
        message: u64,
        /// `sent`, `taken`; `later` when it is tried again, `too-large` when it goes again without its content, `refused`
        /// for good, `given-up` until the client's next message, `gone` with the subscription.
        state: String,
        /// The status of HTTP that the push service answered.
        code: Option<u16>,
        /// How often it was sent.
        attempt: u32,
    },
    /// A push service gave a device a token for an application.
    #[serde(rename = "note.token")]
    NoteToken {
        /// The device.
        dev: String,
        /// The service: `apns`, `fcm`.
        by: String,
        /// The application.
        app: String,
    },
    /// A push service was asked to notify a device.
    #[serde(rename = "note.req")]
    NoteReq {
        /// The device; of one that is not known, the beginning of its token.
        dev: String,
        /// The service.
        by: String,
        /// The service's name for the notification.
        note: String,
        /// The status of HTTP that it answered with.
        status: u16,
        /// Why it refused.
        reason: Option<String>,
    },
    /// A device received a notification of a push service; what it says is in no log.
    #[serde(rename = "note.given")]
    NoteGiven {
        /// The device.
        dev: String,
        /// The service.
        by: String,
        /// The service's name for the notification.
        note: String,
        /// Octets of it.
        octets: u64,
    },
    /// A device was registered for an application, or its user logged in or out on it.
    #[serde(rename = "mon.reg")]
    MonReg {
        /// The account.
        account: String,
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// `registered`, `replaced`, `removed`, `login`, `logout`, or `token-gone` when its push server no longer knows it.
        change: String,
    },
    /// The monitor of an account came to do something else.
    #[serde(rename = "mon.state")]
    MonState {
        /// The account.
        account: String,
        /// The application.
        app: String,
        /// `idle`, `watching` or `degraded`.
        state: String,
        /// Why, where it should watch and cannot.
        why: Option<String>,
    },
    /// A monitor found something new.
    #[serde(rename = "mon.new")]
    MonNew {
        /// The account.
        account: String,
        /// The application.
        app: String,
        /// The message it is kept as.
        message: u64,
    },
    /// Whether a client runs was asked.
    #[serde(rename = "appstate")]
    AppState {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// `stopped`, `background` or `foreground`.
        state: String,
        /// What says so: `heartbeat`, `presence`, `session` or `nothing`.
        by: String,
    },
    /// A device is told that something is new.
    #[serde(rename = "note.tx")]
    NoteTx {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// `apns`, `fcm`, `webpush`, `sip`, `si`, `emn` or `mwi`.
        channel: String,
        /// `full`, `summary`, `bare` or `template`.
        form: String,
        /// The message.
        message: u64,
    },
    /// What is new was given to a running client.
    #[serde(rename = "direct.tx")]
    DirectTx {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// The message.
        message: u64,
    },
    /// A notice was tapped.
    #[serde(rename = "note.open")]
    NoteOpen {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// The message.
        message: u64,
    },
    /// A device was ordered to start a client.
    #[serde(rename = "app.launch")]
    AppLaunch {
        /// The device.
        dev: String,
        /// The application.
        app: String,
    },
    /// A device shows a notice.
    #[serde(rename = "note.rx")]
    NoteRx {
        /// The device.
        dev: String,
        /// The application.
        app: String,
        /// What it shows.
        text: String,
    },
    /// Something from outside was refused or dropped.
    #[serde(rename = "refused")]
    Refused {
        /// The peer or party it came from.
        from: String,
        /// What, and why.
        why: String,
    },
}
