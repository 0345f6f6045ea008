//! Which format octets are in: by the name somebody gave, by the port they came from, or by reading them.

use super::format::Format;
use super::{DecodeError, FORMATS};

/// A name at the command line for formats of one protocol.
struct Form {
    name: &'static str,
    /// Formats that hold whole messages, the likelier first.
    formats: &'static [&'static str],
    /// Ports such messages come to or from.
    ports: &'static [u16],
    /// Formats that read the same octets and say less about them.
    instead_of: &'static [&'static str],
}

const fn form(name: &'static str, formats: &'static [&'static str], ports: &'static [u16]) -> Form {
    Form {
        name,
        formats,
        ports,
        instead_of: &[],
    }
}

const FORMS: &[Form] = &[
    Form {
        name: "sir",
        formats: &["sir"],
        ports: &[5060],
        instead_of: &["sip"],
    },
    form("sip", &["sip"], &[5060]),
    form("msrp", &["msrp"], &[2855]),
    form("sia", &["sia"], &[]),
    form("wsp", &["wsp-connectionless"], &[2948, 9200]),
    form("wtp", &["wtp"], &[9201]),
    form("smpp", &["smpp"], &[2775]),
    form("sms", &["sms-deliver", "sms-submit", "sms-ud"], &[]),
    form("sck", &["sck"], &[]),
    form(
        "ussd",
        &[
            "udcp",
            "ussd-mobile-begin",
            "ussd-mobile-continue",
            "ussd-string",
        ],
        &[],
    ),
    form(
        "http",
        &["ota-http-request", "ota-http-response"],
        &[80, 4035, 8080],
    ),
    form("pap", &["pap-xml", "pap-http-body"], &[]),
    form("si", &["wbxml-si", "si-xml"], &[]),
    form("sl", &["wbxml-sl", "sl-xml"], &[]),
    form("co", &["wbxml-co", "co-xml"], &[]),
    form("emn", &["wbxml-emn", "emn-xml"], &[]),
    form("dd", &["dd"], &[]),
    form("message-summary", &["message-summary"], &[]),
    form("pidf", &["pidf"], &[]),
    form("reginfo", &["reginfo"], &[]),
    form("web-push", &["vapid", "push-socket"], &[]),
    form("text", &["sir-text"], &[]),
];

/// The format of this name, or those of the protocol of this name; empty when there is none.
#[must_use]
pub fn named(name: &str) -> Vec<&'static Format> {
    if let Some(format) = format(name) {
        return vec![format];
    }
    FORMS
        .iter()
        .filter(|form| form.name == name)
        .flat_map(|form| form.formats)
        .filter_map(|name| format(name))
        .collect()
}

/// Every name that [`named`] knows.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let forms = FORMS.iter().map(|form| form.name);
    names.extend(forms.filter(|name| !named(name).is_empty()));
    names.sort_unstable();
    names.dedup();
    names
}

/// The formats of whole messages; single fields such as a uintvar are read only when somebody names them.
#[must_use]
pub fn messages() -> Vec<&'static Format> {
    let names = FORMS.iter().flat_map(|form| form.formats);
    names.filter_map(|name| format(name)).collect()
}

/// Those of `formats` that read the octets: by the letter, else, when asked, leniently. Of several, those stay that say
/// more than others and that are spoken on `port`.
#[must_use]
pub fn readers(
    formats: &[&'static Format],
    octets: &[u8],
    lenient: bool,
    port: Option<u16>,
) -> Vec<&'static Format> {
    let reading = |lenient: bool| -> Vec<&'static Format> {
        let reads = |format: &&&Format| (format.decode)(octets, lenient).is_ok();
        formats.iter().filter(reads).copied().collect()
    };
    let mut found = reading(false);
    if found.is_empty() && lenient {
        found = reading(true);
    }
    if found.len() > 1 {
        let names: Vec<&str> = found.iter().map(|format| format.name).collect();
        let says_less = |name: &str| {
            FORMS.iter().any(|form| {
                form.instead_of.contains(&name)
                    && names.iter().any(|own| form.formats.contains(own))
            })
        };
        found.retain(|format| !says_less(format.name));
    }
    if let Some(port) = port {
        let spoken = |format: &&Format| {
            FORMS
                .iter()
                .any(|form| form.formats.contains(&format.name) && form.ports.contains(&port))
        };
        let there: Vec<&'static Format> = found.iter().copied().filter(|f| spoken(f)).collect();
        if !there.is_empty() {
            found = there;
        }
    }
    found
}

/// Of formats that all refuse the octets, the one that read furthest, and its fault.
#[must_use]
pub fn furthest(
    formats: &[&'static Format],
    octets: &[u8],
    lenient: bool,
) -> Option<(&'static Format, DecodeError)> {
    formats
        .iter()
        .filter_map(|format| Some((*format, (format.decode)(octets, lenient).err()?)))
        .reduce(|best, next| {
            if next.1.offset > best.1.offset {
                next
            } else {
                best
            }
        })
}

fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex;

    const HTTP_ONLY: &[u8] = &[
        0x01, 0x02, 0xB2, 0x82, 0x00, 0x08, 0xC4, 0x00, 0x0F, 0xC3, 0xC0, 0x00, 0x02, 0x09, 0x01,
        0x00, 0x00, 0x00,
    ];
    const SIR: &[u8] = b"MESSAGE sip:alice@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKo\r\nFrom: <sip:push@ppg.example.com>;tag=1\r\n\
        To: <sip:alice@example.com>\r\nCall-ID: o\r\nCSeq: 1 MESSAGE\r\n\
        Content-Type: application/vnd.wap.sia\r\nContent-Length: 0\r\n\r\n";

    fn guessed(octets: &[u8], port: Option<u16>) -> Vec<&'static str> {
        let found = readers(&messages(), octets, false, port);
        found.iter().map(|format| format.name).collect()
    }

    #[test]
    fn names_of_formats_and_of_protocols_are_known() {
        assert_eq!(named("sia").len(), 1);
        assert_eq!(named("text").first().map(|it| it.name), Some("sir-text"));
        assert!(named("telex").is_empty());
        assert!(names().contains(&"text") && names().contains(&"sir-text"));
    }

    #[test]
    fn octets_tell_their_format() {
        assert!(guessed(HTTP_ONLY, None).contains(&"sia"));
        assert_eq!(guessed(SIR, None), ["sir"]);
        let text = String::from_utf8(SIR.to_vec()).unwrap();
        let options = text
            .replace("MESSAGE", "OPTIONS")
            .replace("vnd.wap.sia", "sdp");
        assert_eq!(guessed(options.as_bytes(), None), ["sip"]);
        assert!(guessed(&[0xFF; 3], None).is_empty());
    }

    #[test]
    fn a_short_message_is_read_whoever_sent_it() {
        let read = |octets: &[u8]| -> Vec<&str> {
            let found = readers(&named("sms"), octets, false, None);
            found.iter().map(|format| format.name).collect()
        };
        let submit = hex::octets("010005812143f50000026869").unwrap();
        assert_eq!(read(&submit), ["sms-submit"]);
        let deliver = hex::octets("0405812143f500086211125100002a0420ac00e9").unwrap();
        assert_eq!(read(&deliver), ["sms-deliver"]);
        let names: Vec<&str> = named("ussd").iter().map(|format| format.name).collect();
        let all = [
            "udcp",
            "ussd-mobile-begin",
            "ussd-mobile-continue",
            "ussd-string",
        ];
        assert_eq!(names, all);
    }

    #[test]
    fn the_format_that_reads_furthest_tells_the_fault() {
        let (format, fault) = furthest(&messages(), &HTTP_ONLY[..17], false).unwrap();
        assert!(fault.offset <= 17, "{}", format.name);
    }
}
