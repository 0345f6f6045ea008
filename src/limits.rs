//! Every bound in one place: octets, depths, counts, queue lengths.
//!
//! Each has a test at the bound, beside the code that keeps it. Overflow is an answer to the peer and an event, never
//! growth.

/// Octets of one SIP message on any transport (RFC 3261 section 18.1.1 wants 65,535 to be accepted).
pub const SIP_MESSAGE_OCTETS: usize = 65_535;
/// Header rows of one SIP message.
pub const SIP_HEADER_ROWS: usize = 256;
/// Octets of one request that may go over UDP when the path's MTU is unknown (RFC 3261 section 18.1.1).
pub const SIP_DATAGRAM_OCTETS: usize = 1_300;
/// Octets of one device identifier.
pub const DEVICE_ID_OCTETS: usize = 512;
/// Device identifiers in one SIR.
pub const SIR_DEVICES: usize = 64;
/// Applications to activate in one SIR.
pub const SIR_APPLICATIONS: usize = 16;
/// Octets of one SIA body.
pub const SIA_OCTETS: usize = 65_535;
/// Entries of one list of a SIA body: applications, contact points, protocol options, CPI tags.
pub const SIA_ENTRIES: usize = 1_024;
/// Header fields and code page shifts of one WSP header block.
pub const WSP_HEADERS: usize = 256;
/// Variable parts of one WTP PDU's header.
pub const WTP_ITEMS: usize = 64;
/// Octets of one WTP message put together from segments.
pub const WTP_MESSAGE_OCTETS: usize = 262_144;
/// Octets of one WTP datagram: what IPv4 and UDP leave of 65,535.
pub const WTP_DATAGRAM_OCTETS: usize = 65_503;
/// PDUs of one WTP datagram that are read.
pub const WTP_PDUS: usize = 64;
/// WTP transactions of one endpoint, finished ones that are remembered included.
pub const WTP_TRANSACTIONS: usize = 131_072;
/// WTP transactions with one peer.
pub const WTP_TRANSACTIONS_PER_PEER: usize = 1_024;
/// Octets of all messages that WTP transactions with one peer keep.
pub const WTP_OCTETS_PER_PEER: usize = 4_194_304;
/// Octets of all messages that the WTP transactions of one endpoint keep.
pub const WTP_OCTETS: usize = 268_435_456;
/// Peers that a WTP endpoint remembers; the one without transactions longest gives way.
pub const WTP_PEERS: usize = 65_536;
/// WSP sessions of one endpoint, suspended ones included.
pub const WSP_SESSIONS: usize = 65_536;
/// Pushes that wait for their turn in one WSP session.
pub const WSP_PUSHES_WAITING: usize = 64;
/// Octets of all pushes that wait for their turn in the WSP sessions of one endpoint.
pub const WSP_OCTETS_WAITING: usize = 67_108_864;
/// Octets of one PAP control entity.
pub const PAP_CONTROL_OCTETS: usize = 65_536;
/// Octets of one SMPP PDU.
pub const SMPP_PDU_OCTETS: usize = 65_536;
/// Submissions of one ESME that have not ended; further ones are refused at once.
pub const SMPP_SUBMISSIONS_WAITING: usize = 16_384;
/// Octets that those submissions take up.
pub const SMPP_OCTETS_WAITING: usize = 33_554_432;
/// Requests of one side of an SMPP session that may wait for their response, however it is configured.
pub const SMPP_WINDOW: usize = 1_024;
/// Parts of short messages whose receipts one ESME awaits; the oldest give way.
pub const SMPP_RECEIPTS_AWAITED: usize = 131_072;
/// Receipts that wait for the response that names their message; the oldest gives way.
pub const SMPP_RECEIPTS_EARLY: usize = 1_024;
/// Further parameter indicators of one status report; none is defined.
pub const SMS_INDICATORS: usize = 16;
/// ESMEs that may be bound to one message centre at a time; further links are closed.
pub const SMPP_SESSIONS: usize = 1_024;
/// Short messages that one message centre keeps, on their way or done; old ones that are done give way.
pub const SMPP_MESSAGES_KEPT: usize = 65_536;
/// Octets that those short messages take up.
pub const SMPP_OCTETS_KEPT: usize = 67_108_864;
/// Short messages and receipts that wait for one ESME; further ones are refused.
pub const SMPP_DELIVERIES_WAITING: usize = 16_384;
/// Rules of one message centre.
pub const SMPP_RULES: usize = 256;
/// Addresses of one submit_multi.
pub const SMPP_DESTINATIONS: usize = 255;
/// Octets of the address a segment came from; that of a data_sm has 64, others fewer.
pub const SMS_ADDRESS_OCTETS: usize = 64;
/// Octets of one segment of a datagram over short messages; those of SMS have 140, a short message centre may give more.
pub const SMS_SEGMENT_OCTETS: usize = 255;
/// Messages of one originator whose segments are awaited; the oldest gives way.
pub const SMS_MESSAGES_OPEN_PER_SENDER: usize = 16;
/// Messages whose segments are awaited; further ones are refused.
pub const SMS_MESSAGES_OPEN: usize = 16_384;
/// Octets of all segments that wait for others; further ones are refused.
pub const SMS_OCTETS_WAITING: usize = 16_777_216;
/// Octets of one frame between a short message centre and a handset.
pub const RADIO_FRAME_OCTETS: usize = 512;
/// Octets of all segments that wait for others in one handset; with more the oldest gives way.
pub const HANDSET_OCTETS_WAITING: usize = 262_144;
/// Messages of which segments are awaited in one handset; with more the oldest gives way.
pub const HANDSET_MESSAGES_OPEN: usize = 256;
/// Elements nested in a PAP document.
pub const PAP_DEPTH: usize = 8;
/// Octets of one client address.
pub const CLIENT_ADDRESS_OCTETS: usize = 4_096;
/// Addresses of one PAP submission.
pub const PAP_ADDRESSES: usize = 1_024;
/// Octets of one WBXML document, and of one XML document that becomes one.
pub const WBXML_OCTETS: usize = 65_536;
/// Elements nested in a WBXML document.
pub const WBXML_DEPTH: usize = 8;
/// Elements, attributes and pieces of text of one WBXML document.
pub const WBXML_NODES: usize = 1_024;
/// Octets that the references of one WBXML document take from its string table, repetitions counted.
pub const WBXML_TABLE_OCTETS: usize = 262_144;
/// Octets of the name of an element or attribute in WBXML, and in XML that becomes it.
pub const WBXML_NAME_OCTETS: usize = 256;
/// Octets of one HTTP body, unless configured otherwise.
pub const HTTP_BODY_OCTETS: usize = 1_048_576;
/// Parts of one multipart body.
pub const MIME_PARTS: usize = 32;
/// Octets of one MSRP chunk's body; larger ones are refused (RFC 4975 section 7.1.1 makes senders interrupt above 2048).
pub const MSRP_CHUNK_OCTETS: usize = 65_536;
/// Octets of the lines before an MSRP body.
pub const MSRP_HEAD_OCTETS: usize = 8_192;
/// Octets of one MSRP message put together.
pub const MSRP_MESSAGE_OCTETS: usize = 1_048_576;
/// MSRP messages that one session puts together at a time.
pub const MSRP_MESSAGES_OPEN: usize = 16;
/// Pieces of one MSRP message that wait for what lies before them.
pub const MSRP_PIECES: usize = 1_024;
/// MSRP messages that wait in one session to be sent.
pub const MSRP_MESSAGES_WAITING: usize = 256;
/// Bindings of one address of record.
pub const BINDINGS_PER_AOR: usize = 10;
/// Transactions of one SIP endpoint, both sides together.
pub const SIP_TRANSACTIONS: usize = 200_000;
/// Links of one node.
pub const LINKS: usize = 16_384;
/// Bindings of one registrar.
pub const BINDINGS: usize = 1_000_000;
/// Octets of text in one binding: contact, parameters, path, aliases.
pub const BINDING_OCTETS: usize = 4_096;
/// Further identifiers one device may register.
pub const BINDING_ALIASES: usize = 16;
/// Devices of one address of record whose public GRUU is remembered after they are gone.
pub const INSTANCES_REMEMBERED: usize = 32;
/// Addresses of record without a binding that a registrar remembers for the sake of their GRUUs.
pub const AORS_REMEMBERED: usize = 100_000;
/// Nonces in use at a time whose counts are kept; the oldest gives way.
pub const NONCES_IN_USE: usize = 65_536;
/// Pairs of user and source whose failed credentials are counted; the oldest gives way.
pub const AUTHENTICATION_FAILURES: usize = 4_096;
/// Datagrams that wait for the node, all sockets together; further ones are dropped.
pub const DATAGRAMS_WAITING: usize = 8_192;
/// Octets of those datagrams.
pub const DATAGRAM_OCTETS_WAITING: u64 = 33_554_432;
/// Datagrams that wait for a socket that cannot send now; further ones are dropped.
pub const DATAGRAMS_UNSENT: usize = 256;
/// Other inputs that wait for the node; their links and connections wait with them.
pub const INPUTS_WAITING: usize = 2_048;
/// Outputs that wait for a record to be stored, before the node gets no more inputs.
pub const OUTPUTS_HELD: usize = 65_536;
/// Records kept for another try after the store took none.
pub const RECORDS_UNSAVED: usize = 262_144;
/// Octets that wait for the peer of one link; a peer that lets more gather is cut off.
pub const LINK_OCTETS_UNSENT: usize = 8_388_608;
/// Octets that wait for the peer of one link, and from it for the node, before no more is read from it.
pub const LINK_OCTETS_BUSY: usize = 4_194_304;
/// HTTP connections at a time, unless configured otherwise.
pub const HTTP_CONNECTIONS: usize = 1_024;
/// Header rows of one HTTP request.
pub const HTTP_HEADER_ROWS: usize = 100;
/// Octets of the head of one HTTP request.
pub const HTTP_HEAD_OCTETS: usize = 32_768;
/// Octets of the body with which a terminal answers on a connection that it opened; it has hardly any.
pub const OTA_HTTP_ANSWER_OCTETS: usize = 65_536;
/// Requests of one HTTP/2 connection at a time.
pub const HTTP2_STREAMS: u32 = 128;
/// Requests of one HTTP/2 connection that its client took back, or broke, before it is closed.
pub const HTTP2_RESETS: usize = 64;
/// HTTP requests of a node for one errand that are under way at once; further ones wait.
pub const FETCHES_AT_ONCE: usize = 256;
/// HTTP requests of a node for one errand that are not finished; further ones fail at once.
pub const FETCHES_WAITING: usize = 16_384;
/// Events kept for readers, unless configured otherwise; the oldest give way.
pub const EVENTS_KEPT: usize = 65_536;
/// Octets of protocol messages kept with them.
pub const EVENT_OCTETS_KEPT: usize = 67_108_864;
/// Events that wait to be written to the event log; further ones are left out of it.
pub const EVENTS_UNWRITTEN: usize = 65_536;
/// Devices of one identity; their sets are one word.
pub const DEVICES_PER_IDENTITY: usize = 64;
/// Octets of content of all pushes in progress, unless configured otherwise.
pub const CONTENT_OCTETS: usize = 512 * 1024 * 1024;
/// Initiators whose quotas are remembered.
pub const QUOTAS: usize = 4_096;
/// Subscriptions to one event package about one identity.
pub const SUBSCRIPTIONS_PER_TOPIC: usize = DEVICES_PER_IDENTITY;
/// Subscriptions to identities of one gateway.
pub const SUBSCRIPTIONS: usize = 100_000;
/// Presence documents that one identity may have published at a time.
pub const PUBLICATIONS_PER_IDENTITY: usize = 10;
/// Presence documents of all identities.
pub const PUBLICATIONS: usize = 100_000;
/// Octets of one presence document that is published: all of an identity fit into one NOTIFY.
pub const PUBLICATION_OCTETS: usize = 4_096;
/// Octets of one XML document other than PAP.
pub const XML_OCTETS: usize = 65_536;
/// Elements nested in such a document.
pub const XML_DEPTH: usize = 16;
/// Elements, attributes and texts of such a document.
pub const XML_PARTS: usize = 4_096;
/// Attributes of one element of an XML document.
pub const XML_ATTRIBUTES: usize = 64;
/// Octets of a namespace: each element keeps its own copy.
pub const XML_NAMESPACE_OCTETS: usize = 512;
/// Octets of the name of an element or attribute, with its prefix; PAP's too.
pub const XML_NAME_OCTETS: usize = 128;
/// Octets of one message summary.
pub const MESSAGE_SUMMARY_OCTETS: usize = 65_536;
/// Header rows of all messages in one message summary.
pub const MESSAGE_SUMMARY_ROWS: usize = 1_024;
/// Message classes of one message summary.
pub const MESSAGE_CLASSES: usize = 64;
/// Rules of faults in force at a time.
pub const FAULT_RULES: usize = 256;
/// Pushes or devices that one rule counts for; the oldest gives way.
pub const FAULT_COUNTS: usize = 4_096;
/// Octets that rules keep waiting; what comes beyond them is lost, and links break.
pub const FAULT_OCTETS_HELD: usize = 33_554_432;
/// Messages kept for accounts; further ones are refused.
pub const WEB_MESSAGES: usize = 262_144;
/// Messages of one account; deleted and read ones give way, beyond that further ones are refused.
pub const WEB_MESSAGES_PER_ACCOUNT: usize = 1_024;
/// Octets of all messages kept.
pub const WEB_OCTETS_KEPT: usize = 134_217_728;
/// Octets of the messages of one account: one of 64 that may fill what is kept.
pub const WEB_OCTETS_PER_ACCOUNT: usize = 2_097_152;
/// Accounts with messages.
pub const WEB_ACCOUNTS: usize = 131_072;
/// Octets of one message: its texts, and its data as JSON.
pub const WEB_MESSAGE_OCTETS: usize = 32_768;
/// Messages of one packet; more follow with the next.
pub const WEB_PACKET_MESSAGES: usize = 64;
/// Octets of the messages of one packet, unless one alone is larger.
pub const WEB_PACKET_OCTETS: usize = 49_152;
/// Applications of one browser client; clearings of one account.
pub const WEB_APPS: usize = 64;

/// Octets of encrypted content that is read; a push has at most 4,096 of them.
pub const ENCRYPTED_CONTENT_OCTETS: usize = 65_536;
/// Octets of the header in which an application server says who it is.
pub const VAPID_OCTETS: usize = 4_096;
/// Octets of a signed token.
pub const JWT_OCTETS: usize = 8_192;
/// Octets of a text that holds a key.
pub const KEY_TEXT_OCTETS: usize = 16_384;
/// Octets of the answer of a push service of others.
pub const PUSH_ANSWER_OCTETS: usize = 16_384;
/// Octets of a push service's word for a refusal.
pub const PUSH_REASON_OCTETS: usize = 128;
/// Octets of the token by which a push service knows a device.
pub const DEVICE_TOKEN_OCTETS: usize = 4_096;
/// Octets of the name of an application at a push service.
pub const PUSH_TOPIC_OCTETS: usize = 255;
/// Octets of a message for a push service of others: what it carries, and what is said about it.
pub const PUSH_MESSAGE_OCTETS: usize = 16_384;
/// Octets of the file of a service account.
pub const SERVICE_ACCOUNT_OCTETS: usize = 32_768;
/// Octets of one message between a browser and its push service.
pub const PUSH_SOCKET_OCTETS: usize = 65_536;
/// Members of one message between a browser and its push service; none that is known has more than ten.
pub const PUSH_SOCKET_MEMBERS: usize = 32;
/// Pushes of which a browser tells in one message what became of them.
pub const PUSH_SOCKET_UPDATES: usize = 256;
/// Browser clients; those that were not here for long give way, beyond that further ones are refused.
pub const WEB_CLIENTS: usize = 131_072;
/// Sessions of users of web pages; the one that ends first gives way.
pub const LOGINS: usize = 65_536;
/// Sessions of one account; the one that ends first gives way.
pub const LOGINS_PER_ACCOUNT: usize = 64;
/// Askers whose wrong passwords are remembered.
pub const GUESSERS: usize = 4_096;
/// Browser clients that wait for an answer at a time.
pub const WEB_WAITS: usize = 65_536;
/// Devices registered for instant notification.
pub const NOTICE_REGISTRATIONS: usize = 200_000;
/// Notices that can be opened at a time; the one that would be forgotten first gives way.
pub const NOTICE_OPENINGS: usize = 200_000;
/// Signed requests that are remembered, so that none counts twice.
pub const NOTICE_REPLAYS: usize = 100_000;
/// Octets of one response of a mail server.
pub const IMAP_RESPONSE_OCTETS: usize = 65_536;
/// Lists within lists in one response of a mail server.
pub const IMAP_DEPTH: usize = 16;
/// Mails that are fetched at a time from one mailbox.
pub const IMAP_FETCHED: u32 = 50;
/// Octets of the content of one push to a browser (RFC 8030 section 7.2 wants 4,096 to be accepted).
pub const WEB_PUSH_OCTETS: usize = 4_096;
/// Pushes that wait for browsers; further ones are refused.
pub const WEB_PUSHES: usize = 131_072;
/// Octets of their contents.
pub const WEB_PUSH_OCTETS_KEPT: usize = 134_217_728;
/// Pushes that wait for one browser; further ones are refused.
pub const WEB_PUSHES_PER_AGENT: usize = 256;
/// Pushes that the gateway has under way to push services at a time; further clients wait for their turn.
pub const WEB_PUSHES_UNDER_WAY: usize = 256;
/// Browsers that a push service knows.
pub const PUSH_AGENTS: usize = 131_072;
/// Subscriptions of all browsers.
pub const PUSH_CHANNELS: usize = 262_144;
/// Subscriptions of one browser.
pub const PUSH_CHANNELS_PER_AGENT: usize = 256;
/// Subscriptions of one browser that are over and still known to be; the oldest gives way.
pub const PUSH_CHANNELS_GONE: usize = 64;
/// Characters that an event shows of a name that is a secret.
pub const SECRET_SHOWN: usize = 8;
/// Octets of the installation information of one application.
pub const INSTALLATION_OCTETS: usize = 65_536;
/// Formats that one application may come in.
pub const INSTALLATION_FORMATS: usize = 32;
/// Applications of a catalogue.
pub const CATALOGUE_APPS: usize = 65_536;
/// Octets of one source of a catalogue.
pub const CATALOGUE_OCTETS: usize = 67_108_864;
