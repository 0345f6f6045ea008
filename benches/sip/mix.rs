//! The messages that are measured: REGISTER and its 200, a SIR, a session's INVITE, a short 200.

use std::fmt;

/// How many variants there are of each, so that a branch predictor learns nothing.
const VARIANTS: u64 = 64;

/// One of the five.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A registration through an edge, with credentials.
    Register,
    /// A SIR for one device, binary body.
    Sir,
    /// The answer to a registration: three contacts with their GRUUs.
    Bindings,
    /// A session with its description.
    Invite,
    /// A short answer.
    Short,
}

/// All five.
pub(crate) const KINDS: [Kind; 5] = [
    Kind::Register,
    Kind::Sir,
    Kind::Bindings,
    Kind::Invite,
    Kind::Short,
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Register => "a register",
            Self::Sir => "b message",
            Self::Bindings => "c bindings",
            Self::Invite => "d invite",
            Self::Short => "e short",
        })
    }
}

impl Kind {
    /// The octets of every variant.
    pub(crate) fn variants(self) -> Vec<Vec<u8>> {
        (0..VARIANTS)
            .map(|number| self.variant(Seed(number + 1)))
            .collect()
    }

    fn variant(self, seed: Seed) -> Vec<u8> {
        match self {
            Self::Register => register(seed),
            Self::Sir => sir(seed),
            Self::Bindings => bindings(seed),
            Self::Invite => invite(seed),
            Self::Short => short(seed),
        }
    }
}

/// Panics when a message is not about as long as the mix wants it.
pub(crate) fn check() {
    for (kind, wanted) in KINDS.into_iter().zip([990, 750, 1470, 1100, 280]) {
        let variants = kind.variants();
        let mean = variants.iter().map(Vec::len).sum::<usize>() / variants.len();
        assert!(mean.abs_diff(wanted) < wanted / 12, "{kind}: {mean} octets");
    }
}

/// A number from which the parts that vary are made.
#[derive(Clone, Copy)]
struct Seed(u64);

impl Seed {
    const fn number(self, salt: u64) -> u64 {
        let mixed =
            (self.0 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    }

    /// Lower-case hexadecimal digits, 6 to 12 of them.
    fn token(self, salt: u64) -> String {
        let number = self.number(salt);
        let text = format!("{number:016x}");
        let len = 6 + usize::try_from(number % 7).unwrap();
        text[..len].to_owned()
    }

    fn user(self) -> String {
        let names = [
            "alice",
            "bob",
            "carol.jones",
            "d",
            "eve-2",
            "francis_b",
            "grace",
            "+15550100",
        ];
        names[usize::try_from(self.number(1) % 8).unwrap()].to_owned()
    }

    fn uuid(self, salt: u64) -> String {
        let (high, low) = (self.number(salt), self.number(salt + 100));
        let text = format!("{high:016x}{low:016x}");
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }

    fn port(self, salt: u64) -> u64 {
        1024 + self.number(salt) % 60_000
    }

    fn octet(self, salt: u64) -> u64 {
        self.number(salt) % 250 + 1
    }
}

/// Lines end with CR LF, and the body follows.
fn message(head: &str, body: &[u8]) -> Vec<u8> {
    let mut octets = head.replace('\n', "\r\n").into_bytes();
    octets.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    octets.extend_from_slice(body);
    octets
}

fn register(s: Seed) -> Vec<u8> {
    let (user, uuid, host) = (s.user(), s.uuid(3), s.octet(4));
    let head = format!(
        "REGISTER sip:example.com SIP/2.0\n\
         Via: SIP/2.0/TCP edge.example.com:5060;branch=z9hG4bK{branch}e\n\
         Via: SIP/2.0/TCP 192.0.2.{host}:{port};branch=z9hG4bK{branch};rport={port};received=192.0.2.{host}\n\
         Max-Forwards: 69\n\
         From: <sip:{user}@example.com>;tag={tag}\n\
         To: <sip:{user}@example.com>\n\
         Call-ID: {call}@192.0.2.{host}\n\
         CSeq: {cseq} REGISTER\n\
         Contact: <sip:{user}@192.0.2.{host}:{port};transport=tcp;ob>;+sip.instance=\"<urn:uuid:{uuid}>\";reg-id=1;expires=3600\n\
         Path: <sip:{flow}@edge.example.com;lr;ob>\n\
         Route: <sip:registrar.example.com;lr>\n\
         Supported: path, outbound, gruu\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, NOTIFY\n\
         X-Sirgate-Device: <urn:gsma:imei:90420156-025763-0>\n\
         User-Agent: sirgate-device/0.1\n\
         Authorization: Digest username=\"{user}\", realm=\"example.com\", nonce=\"{nonce}\", uri=\"sip:example.com\", response=\"{response}\", algorithm=MD5, cnonce=\"{cnonce}\", qop=auth, nc=00000001\n\
         Expires: 3600\n",
        branch = s.token(5),
        port = s.port(6),
        tag = s.token(7),
        call = s.token(8),
        cseq = s.number(9) % 900 + 1,
        flow = s.token(10),
        nonce = s.token(11),
        response = s.uuid(12).replace('-', ""),
        cnonce = s.token(13),
    );
    message(&head, b"")
}

fn sir(s: Seed) -> Vec<u8> {
    let (user, uuid) = (s.user(), s.uuid(3));
    let head = format!(
        "MESSAGE sip:{user}@example.com;gr=urn:uuid:{uuid} SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK{branch};rport\n\
         Max-Forwards: 70\n\
         From: <sip:push@ppg.example.com>;tag={tag}\n\
         To: <sip:{user}@example.com>\n\
         Call-ID: {call}@ppg.example.com\n\
         CSeq: 1 MESSAGE\n\
         P-Asserted-Identity: <sip:push@ppg.example.com>\n\
         Date: Thu, 01 Jan 2026 10:00:00 GMT\n\
         Expires: 600\n\
         Accept-Contact: *;+sip.instance=\"<urn:uuid:{uuid}>\";+g.oma.pusheventapp=\"push.sia\";require\n\
         X-Sirgate-Sir: {sir}\n\
         X-Wap-Application-Id: x-wap-application:push.sia\n\
         User-Agent: sirgate\n\
         Content-Type: application/vnd.wap.sia\n",
        branch = s.token(5),
        tag = s.token(7),
        call = s.token(8),
        sir = s.token(9),
    );
    let body: Vec<u8> = (0..60).map(|at| s.number(at).to_le_bytes()[0]).collect();
    message(&head, &body)
}

fn bindings(s: Seed) -> Vec<u8> {
    let (user, host) = (s.user(), s.octet(4));
    let mut head = format!(
        "SIP/2.0 200 OK\n\
         Via: SIP/2.0/TCP 192.0.2.{host}:{port};branch=z9hG4bK{branch};rport={port};received=192.0.2.{host}\n\
         From: <sip:{user}@example.com>;tag={tag}\n\
         To: <sip:{user}@example.com>;tag={to}\n\
         Call-ID: {call}@192.0.2.{host}\n\
         CSeq: {cseq} REGISTER\n\
         Supported: path, outbound, gruu\n\
         Require: outbound\n\
         Flow-Timer: 120\n",
        port = s.port(6),
        branch = s.token(5),
        tag = s.token(7),
        to = s.token(8),
        call = s.token(9),
        cseq = s.number(10) % 900 + 1,
    );
    for device in 20..23 {
        let uuid = s.uuid(device);
        head.push_str(&format!(
            "Contact: <sip:{user}@192.0.2.{host}:{port};transport=tcp;ob>;+sip.instance=\"<urn:uuid:{uuid}>\";reg-id=1;expires={expires};q=0.{q};\
             pub-gruu=\"sip:{user}@example.com;gr=urn:uuid:{uuid}\";temp-gruu=\"sip:tgruu.{gruu}@example.com;gr\";methods=\"INVITE,ACK,BYE,CANCEL,OPTIONS,MESSAGE\";+sip.message\n",
            host = s.octet(device),
            port = s.port(device),
            expires = s.number(device) % 3600,
            q = s.number(device) % 10,
            gruu = s.token(device).repeat(3),
        ));
    }
    head.push_str("Date: Thu, 01 Jan 2026 10:00:00 GMT\n");
    message(&head, b"")
}

fn invite(s: Seed) -> Vec<u8> {
    let (user, uuid, host) = (s.user(), s.uuid(3), s.octet(4));
    let head = format!(
        "INVITE sip:push@ppg.example.com SIP/2.0\n\
         Via: SIP/2.0/TCP edge.example.com;branch=z9hG4bK{branch}e\n\
         Via: SIP/2.0/TCP 192.0.2.{host}:{port};branch=z9hG4bK{branch};rport={port};received=192.0.2.{host}\n\
         Record-Route: <sip:edge.example.com;lr>\n\
         Max-Forwards: 69\n\
         From: <sip:{user}@example.com>;tag={tag}\n\
         To: <sip:push@ppg.example.com>\n\
         Call-ID: {call}@192.0.2.{host}\n\
         CSeq: 1 INVITE\n\
         Contact: <sip:{user}@example.com;gr=urn:uuid:{uuid}>;+sip.message\n\
         Supported: gruu, outbound, timer\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, NOTIFY\n\
         In-Reply-To: {sir}@ppg.example.com\n\
         X-Sirgate-Sir: {sir}\n\
         P-Preferred-Identity: <sip:{user}@example.com>\n\
         Accept: application/sdp\n\
         Accept-Language: el, en;q=0.5\n\
         User-Agent: sirgate-device/0.1\n\
         Content-Type: application/sdp\n\
         Content-Disposition: session\n",
        branch = s.token(5),
        port = s.port(6),
        tag = s.token(7),
        call = s.token(8),
        sir = s.token(9),
    );
    let body = format!(
        "v=0\r\no=- {n} 1 IN IP4 192.0.2.{host}\r\ns=-\r\nc=IN IP4 192.0.2.{host}\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=accept-types:*\r\n\
         a=max-size:1048576\r\na=setup:active\r\na=path:msrp://192.0.2.{host}:9/{session};tcp\r\na=sendrecv\r\n",
        n = s.number(10) % 1000,
        session = s.token(11),
    );
    message(&head, body.as_bytes())
}

fn short(s: Seed) -> Vec<u8> {
    let user = s.user();
    let head = format!(
        "SIP/2.0 200 OK\n\
         Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK{branch};rport=5060;received=192.0.2.5\n\
         From: <sip:push@ppg.example.com>;tag={tag}\n\
         To: <sip:{user}@example.com>;tag={to}\n\
         Call-ID: {call}@ppg.example.com\n\
         CSeq: 1 MESSAGE\n",
        branch = s.token(5),
        tag = s.token(7),
        to = s.token(8),
        call = s.token(9),
    );
    message(&head, b"")
}
