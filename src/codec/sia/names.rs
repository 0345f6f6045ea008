//! Assigned names: push applications and bearers.
//!
//! Source: WINA registry as WAP-251 and WAP-259 refer to it; OMNA push application ids.

/// The URI of a well-known application number.
#[must_use]
pub fn application_uri(code: u32) -> Option<&'static str> {
    APPLICATIONS
        .iter()
        .find(|(own, _)| *own == code)
        .map(|(_, uri)| *uri)
}

/// The number of a well-known application; scheme and name compare without regard to case.
#[must_use]
pub fn application_code(uri: &str) -> Option<u32> {
    APPLICATIONS
        .iter()
        .find(|(_, own)| own.eq_ignore_ascii_case(uri))
        .map(|(code, _)| *code)
}

/// What a bearer number stands for.
#[must_use]
pub fn bearer_name(bearer: u8) -> &'static str {
    BEARERS
        .get(usize::from(bearer))
        .copied()
        .unwrap_or("reserved")
}

const APPLICATIONS: [(u32, &str); 18] = [
    (0x00, "x-wap-application:*"),
    (0x01, "x-wap-application:push.sia"),
    (0x02, "x-wap-application:wml.ua"),
    (0x03, "x-wap-application:wta.ua"),
    (0x04, "x-wap-application:mms.ua"),
    (0x05, "x-wap-application:push.syncml"),
    (0x06, "x-wap-application:loc.ua"),
    (0x07, "x-wap-application:syncml.dm"),
    (0x08, "x-wap-application:drm.ua"),
    (0x09, "x-wap-application:emn.ua"),
    (0x0A, "x-wap-application:wv.ua"),
    (0x10, "x-oma-application:ulp.ua"),
    (0x11, "x-oma-application:dlota.ua"),
    (0x12, "x-oma-application:java-ams"),
    (0x13, "x-oma-application:bcast.ua"),
    (0x14, "x-oma-application:dpe.ua"),
    (0x15, "x-oma-application:cpm:ua"),
    (0x1A, "x-wap-application:lwm2m.dm"),
];

const BEARERS: [&str; 30] = [
    "any IPv4",
    "any IPv6",
    "GSM USSD, any",
    "GSM SMS, MSISDN",
    "ANSI-136 GUTS",
    "IS-95 CDMA SMS",
    "IS-95 CDMA CSD",
    "IS-95 CDMA packet",
    "ANSI-136 CSD",
    "ANSI-136 packet",
    "GSM CSD",
    "GSM GPRS",
    "GSM USSD, IPv4",
    "AMPS CDPD",
    "PDC CSD",
    "PDC packet",
    "iDEN SMS",
    "iDEN CSD",
    "iDEN packet",
    "FLEX paging",
    "PHS SMS",
    "PHS CSD",
    "GSM USSD, service code",
    "TETRA SDS, ITSI",
    "TETRA SDS, MSISDN",
    "TETRA packet",
    "ReFLEX paging",
    "GSM USSD, MSISDN",
    "Mobitex MPAK",
    "ANSI-136 GHOST",
];
