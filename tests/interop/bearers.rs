//! What tshark makes of SIRs by every bearer: captured from real sockets, each dissected as what carried it.

use std::path::Path;
use std::time::Duration;

use crate::lab::Process;
use crate::wire::Capture;
use crate::{Ports, device, lab, loopback};

/// What wakes C1, C2 and C3 of an identity, three at a time.
const ROUNDS: [[&str; 3]; 3] = [
    ["http", "wsp", "sms"],
    ["ussd", "cs", "ps"],
    ["signalling", "service", "sip"],
];

/// Where a handset takes push datagrams: the registered port, on an address that nobody else here has.
const WSP: &str = "127.0.29.48:2948";

const FIELDS: [&str; 10] = [
    "frame.protocols",
    "_ws.malformed",
    "_ws.col.Info",
    "http.request.uri",
    "udp.dstport",
    "smpp.esm.submit.features",
    "gsm_sms.destination_port",
    "smpp.ussd_service_op",
    "smpp.dest_bearer_type",
    "wap.sir.app_id_list",
];

#[test]
fn tshark_dissects_the_sir_of_every_bearer_and_nothing_as_malformed() {
    for bearers in ROUNDS {
        round(bearers);
    }
}

fn round(bearers: [&str; 3]) {
    let folder = lab::folder();
    let ports = Ports::free();
    let http = lab::free_port();
    let mut kinds = ports.signalling();
    kinds.extend([
        (ports.smpp, "tcp=smpp"),
        (http, "tcp=http"),
        (2948, "udp=wsp"),
    ]);
    let capture = Capture::start(folder.path(), &kinds);
    let _centre = ports.centre(folder.path(), &[]);
    let _gateway = ports.serve(folder.path(), &identity(&ports, http, bearers));
    let _devices: Vec<_> = (1..)
        .zip(bearers)
        .map(|(number, bearer)| handset(folder.path(), number, bearer, http, ports.radio))
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let (exit, _) = ports.push(
        folder.path(),
        &["alice", "hello", "--plan", "targeted", "--place", "value"],
    );
    let told = ports.events("sir.tx");
    println!("{told:?}");
    assert_eq!(exit, Some(0), "{bearers:?}");
    for (number, bearer) in (1..).zip(bearers) {
        let by = format!("sir.tx dev=C{number} bearer={bearer}");
        assert_eq!(ports.events(&by).len(), 1, "{by}");
    }
    assert_eq!(told.len(), 3);
    let frames = capture.read(
        "sip or msrp or smpp or http or wsp or _ws.malformed",
        &FIELDS,
    );
    check(&frames.into_iter().map(Frame).collect::<Vec<_>>(), bearers);
}

/// One of the devices, with the door that its bearer needs.
fn handset(folder: &Path, number: u32, bearer: &str, http: u16, radio: u16) -> Process {
    let (http, radio) = (loopback(http), loopback(radio));
    let msisdn = format!("+1555010{number}");
    let doors: &[&str] = match bearer {
        "http" => &["--http", &http],
        "wsp" => &["--wsp", WSP],
        "sms" | "ussd" | "cs" | "ps" => &["--msisdn", &msisdn, "--radio", &radio],
        "signalling" => &["--signalling"],
        "service" => &["--service"],
        _ => &[],
    };
    device(folder, &format!("C{number}"), doors)
}

fn check(frames: &[Frame], bearers: [&str; 3]) {
    let malformed: Vec<_> = frames.iter().filter(|it| it.is("_ws.malformed")).collect();
    assert!(malformed.is_empty(), "{malformed:?}");
    for bearer in bearers {
        assert!(
            frames.iter().any(|it| it.carries(bearer)),
            "{bearer}: {frames:?}"
        );
    }
    // tshark looks neither into strings of USSD and the payload of data_sm nor into a message of HTTP inside another.
    let opaque = |bearer: &&&str| ["ussd", "cs", "ps", "http"].contains(*bearer);
    let read: usize = frames
        .iter()
        .map(|it| it.text("frame.protocols").matches(":wap-sir").count())
        .sum();
    // One may be sent twice where a machine is slow to answer.
    let least = 3 - bearers.iter().filter(opaque).count();
    assert!(read >= least, "{read} of {least}: {frames:?}");
}

/// A frame, as the fields say.
#[derive(Debug)]
struct Frame(Vec<String>);

impl Frame {
    fn text(&self, field: &str) -> &str {
        let at = FIELDS.iter().position(|own| *own == field);
        at.and_then(|at| self.0.get(at)).map_or("", String::as_str)
    }

    fn is(&self, field: &str) -> bool {
        !self.text(field).is_empty()
    }

    /// Whether a field has that value; one frame may hold several PDUs.
    fn has(&self, field: &str, value: &str) -> bool {
        self.text(field).split(',').any(|own| own == value)
    }

    /// Whether this is a SIR by that bearer.
    fn carries(&self, bearer: &str) -> bool {
        let (protocols, info) = (self.text("frame.protocols"), self.text("_ws.col.Info"));
        let is_read = |by: &str| protocols.ends_with(by) && self.is("wap.sir.app_id_list");
        let is_short = protocols.contains(":smpp:gsm_sms_ud")
            && self.has("gsm_sms.destination_port", "2948")
            && self.has("smpp.esm.submit.features", "0x01");
        let is_data = info.contains("Data_sm") && self.has("smpp.esm.submit.features", "0x01");
        match bearer {
            "http" => {
                protocols.ends_with(":http:media")
                    && info.contains("(application/http)")
                    && self.has("http.request.uri", "/wappush")
            }
            "wsp" => is_read(":udp:wsp:wap-sir") && self.has("udp.dstport", "2948"),
            "sms" => is_short && protocols.contains(":wsp:wap-sir"),
            // USSR request; a message tagged for the circuit domain, and for the packet domain.
            "ussd" => info.contains("Submit_sm") && self.has("smpp.ussd_service_op", "2"),
            "cs" => is_data && self.has("smpp.dest_bearer_type", "0x02"),
            "ps" => is_data && self.has("smpp.dest_bearer_type", "0x03"),
            "signalling" => is_read(":udp:sip:wap-sir") && info.contains("NOTIFY"),
            "service" => is_read(":tcp:msrp:wap-sir"),
            _ => is_read(":udp:sip:wap-sir") && info.contains("MESSAGE"),
        }
    }
}

fn identity(ports: &Ports, http: u16, bearers: [&str; 3]) -> String {
    let devices: String = (1..)
        .zip(bearers)
        .map(|(number, bearer)| {
            format!(
                "[[identity.device]]\nname = \"C{number}\"\nkind = \"phone\"\nid = [\"urn:dev:mac:0024befffe804ff{number}\"]\n\
                 bearers = [\"{bearer}\"]\nmsisdn = \"+1555010{number}\"\n{}\n",
                match bearer {
                    "http" => format!("http = \"http://{}\"", loopback(http)),
                    "wsp" => format!("wsp = \"{WSP}\""),
                    _ => String::new(),
                }
            )
        })
        .collect();
    format!(
        "{}[[identity]]\npui = \"sip:alice@example.com\"\n{devices}",
        ports.smsc()
    )
}
