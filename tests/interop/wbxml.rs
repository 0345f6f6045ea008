//! SI, SL, CO and EMN between us and libwbxml, both ways; PAP documents under the eyes of xmllint.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sirgate::codec::pap::{
    self, BadMessage, CancelMessage, CancelResponse, CancelResult, CcqMessage, CcqResponse,
    DeliveryMethod, Document as Pap, MessageState, Operation, Priority, ProgressNote, PushMessage,
    PushResponse, Quality, ReplaceMethod, ResultNotification, ResultNotificationResponse,
    StatusQuery, StatusQueryResponse, StatusResult, Version,
};
use sirgate::codec::vector::Vector;
use sirgate::codec::wbxml::co::Invalid;
use sirgate::codec::wbxml::si::{Action, Item};
use sirgate::codec::wbxml::{Co, Document, Emn, Si, Sl, Stamp, sl};
use sirgate::random::Random;
use sirgate::time::Time;

use crate::lab;

/// Documents of each of the four types.
const DOCUMENTS: usize = 125;
/// PAP documents.
const PAP_DOCUMENTS: usize = 500;

/// Runs a converter from one file to another.
fn convert(program: &str, arguments: &[&str], from: &Path, octets: &[u8]) -> Vec<u8> {
    let to = from.with_extension("out");
    fs::write(from, octets).unwrap();
    let _ = fs::remove_file(&to);
    let output = Command::new(program)
        .args(arguments)
        .arg("-o")
        .arg(&to)
        .arg(from)
        .output()
        .expect(program);
    fs::read(&to).unwrap_or_else(|_| {
        let shown = String::from_utf8_lossy(octets);
        panic!("{program}: {}\n{shown}", lab::stderr(&output))
    })
}

/// What we write is read by libwbxml, what libwbxml writes is read by us, and both times it is the same document.
fn both_ways<D>(
    folder: &Path,
    document: &D,
    wbxml: &[u8],
    xml: &[u8],
    read: impl Fn(&[u8], bool) -> D,
) where
    D: PartialEq + std::fmt::Debug,
{
    let file = folder.join("document");
    let theirs = convert("xml2wbxml", &["-k"], &file, xml);
    assert_eq!(&read(&theirs, false), document, "their WBXML of our XML");
    // Without a string table and in our version, the octets are the same when the same tokens are chosen.
    let theirs = convert("xml2wbxml", &["-k", "-n", "-v", "1.2"], &file, xml);
    assert_eq!(
        &read(&theirs, false),
        document,
        "their WBXML without a table"
    );
    let theirs = convert("wbxml2xml", &["-k", "-m", "0"], &file, wbxml);
    assert_eq!(&read(&theirs, true), document, "their XML of our WBXML");
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one document of each type, both ways, side by side"
)]
fn libwbxml_and_we_read_what_the_other_writes() {
    let folder = lab::folder();
    let folder = folder.path();
    let mut random = Random::from_number(0x5749);
    for _ in 0..DOCUMENTS {
        let si = service_indication(&mut random);
        let (wbxml, xml) = (
            si.clone().encode().unwrap(),
            si.clone().encode_xml().unwrap(),
        );
        both_ways(folder, &si, &wbxml, &xml, |octets, xml| {
            if xml {
                owned_si(Si::decode_xml(octets).unwrap())
            } else {
                owned_si(Si::decode(octets).unwrap())
            }
        });
        let sl = Sl {
            href: address(&mut random).into(),
            action: pick(
                &mut random,
                &[
                    sl::Action::ExecuteLow,
                    sl::Action::ExecuteHigh,
                    sl::Action::Cache,
                ],
            ),
        };
        let (wbxml, xml) = (
            sl.clone().encode().unwrap(),
            sl.clone().encode_xml().unwrap(),
        );
        both_ways(folder, &sl, &wbxml, &xml, |octets, xml| {
            let sl = if xml {
                Sl::decode_xml(octets)
            } else {
                Sl::decode(octets)
            }
            .unwrap();
            Sl {
                href: sl.href.into_owned().into(),
                action: sl.action,
            }
        });
        let co = Co((0..=random.below(5))
            .map(|_| {
                let uri = address(&mut random).into();
                if random.happens(500) {
                    Invalid::Object(uri)
                } else {
                    Invalid::Service(uri)
                }
            })
            .collect());
        let (wbxml, xml) = (
            co.clone().encode().unwrap(),
            co.clone().encode_xml().unwrap(),
        );
        both_ways(folder, &co, &wbxml, &xml, |octets, xml| {
            let co = if xml {
                Co::decode_xml(octets)
            } else {
                Co::decode(octets)
            }
            .unwrap();
            Co(co
                .0
                .into_iter()
                .map(|invalid| match invalid {
                    Invalid::Object(uri) => Invalid::Object(uri.into_owned().into()),
                    Invalid::Service(uri) => Invalid::Service(uri.into_owned().into()),
                })
                .collect())
        });
        let emn = Emn {
            mailbox: mailbox(&mut random).into(),
            timestamp: Some(stamp(&mut random)),
        };
        let (wbxml, xml) = (
            emn.clone().encode().unwrap(),
            emn.clone().encode_xml().unwrap(),
        );
        both_ways(folder, &emn, &wbxml, &xml, |octets, xml| {
            let emn = if xml {
                Emn::decode_xml(octets)
            } else {
                Emn::decode(octets)
            }
            .unwrap();
            Emn {
                mailbox: emn.mailbox.into_owned().into(),
                timestamp: emn.timestamp,
            }
        });
    }
}

fn owned_si(si: Si<'_>) -> Si<'static> {
    let owned = |text: std::borrow::Cow<'_, str>| text.into_owned().into();
    Si {
        href: si.href.map(owned),
        si_id: si.si_id.map(owned),
        created: si.created,
        expires: si.expires,
        action: si.action,
        text: owned(si.text),
        info: si.info.map(|info| {
            let item = |item: Item<'_>| Item {
                class: owned(item.class),
                value: owned(item.value),
            };
            info.into_iter().map(item).collect()
        }),
    }
}

fn service_indication(random: &mut Random) -> Si<'static> {
    let actions = [
        Action::SignalHigh,
        Action::SignalMedium,
        Action::SignalLow,
        Action::SignalNone,
        Action::Delete,
    ];
    let info = random.happens(300).then(|| {
        let item = |random: &mut Random| Item {
            class: words(random).into(),
            value: words(random).into(),
        };
        (0..=random.below(3)).map(|_| item(random)).collect()
    });
    Si {
        href: random.happens(800).then(|| address(random).into()),
        si_id: random.happens(500).then(|| words(random).into()),
        created: random.happens(500).then(|| stamp(random)),
        expires: random.happens(500).then(|| stamp(random)),
        action: pick(random, &actions),
        text: words(random).into(),
        info,
    }
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    let at = random.below(u64::try_from(from.len()).unwrap());
    from[usize::try_from(at).unwrap()]
}

/// Words of letters that try an escaper; no blank at either end, which XML tools may drop.
fn words(random: &mut Random) -> String {
    let letters = [
        "a", "B", "7", ".com/", "&", "<", ">", "\"", "'", "å", "€", "😀", "]]", " x", "www.",
    ];
    let mut text = String::from("w");
    for _ in 0..random.below(12) {
        text.push_str(pick(random, &letters));
    }
    text
}

fn address(random: &mut Random) -> String {
    let scheme = pick(
        random,
        &[
            "http://",
            "https://",
            "http://www.",
            "https://www.",
            "",
            "/",
        ],
    );
    let end = pick(
        random,
        &[".com/", ".edu/", ".net/", ".org/", "/", ".com", ""],
    );
    let tail = pick(random, &["", "a/b", "?x=1&y=2", "c.com/d.org/e"]);
    format!("{scheme}h{}{end}{tail}", random.below(1_000))
}

fn mailbox(random: &mut Random) -> String {
    let scheme = pick(
        random,
        &[
            "mailat:",
            "pop://",
            "imap://",
            "http://www.",
            "https://",
            "x:",
        ],
    );
    let end = pick(random, &[".com", ".org", ".xyz", ".net/in"]);
    format!("{scheme}joe{}@mail{end}", random.below(100))
}

fn stamp(random: &mut Random) -> Stamp {
    let seconds = random.below(4_000_000_000);
    // Whole hours and days have zero octets to drop.
    let unit = pick(random, &[1, 60, 3_600, 86_400]);
    Stamp::from(Time::from_secs(seconds / unit * unit))
}

#[test]
fn xmllint_finds_our_pap_documents_valid_and_agrees_on_wrong_ones() {
    let folder = lab::folder();
    let folder = folder.path();
    let mut random = Random::from_number(0x5041_5031);
    let mut files: [Vec<PathBuf>; 2] = [Vec::new(), Vec::new()];
    for number in 0..PAP_DOCUMENTS {
        let version = pick(&mut random, &[Version::V1_0, Version::V2_0, Version::V2_1]);
        let exceeds = version > Version::V1_0;
        let mut document = Pap::new(version, exceeds, operation(&mut random, number));
        document.product_name = random.happens(300).then(|| words(&mut random));
        let octets = document.encode();
        if exceeds {
            // PAP 1.0 drops what it cannot say.
            assert_eq!(pap::decode(&octets).as_ref(), Ok(&document));
        }
        let file = folder.join(format!("{number}.xml"));
        fs::write(&file, &octets).unwrap();
        files[usize::from(exceeds)].push(file);
    }
    for (files, dtd) in files.iter().zip(["pap_1.0.dtd", "pap_2.0.dtd"]) {
        let (valid, told) = xmllint(dtd, files);
        assert!(valid, "{dtd}: {told}");
    }
    let vectors = fs::read(testdata("vectors-documents.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_slice(&vectors).unwrap();
    let mut wrong = 0;
    for vector in &vectors {
        let class = vector.error_class.as_deref();
        let is_xml = matches!(class, Some("xml_invalid" | "xml_not_well_formed"));
        let higher = ["2.1", "9.0"]
            .iter()
            .any(|it| vector.text.as_ref().unwrap().contains(&format!("PAP {it}")));
        if (!vector.valid && !is_xml) || higher {
            continue;
        }
        let file = folder.join(format!("{}.xml", vector.name));
        fs::write(&file, vector.octets().unwrap()).unwrap();
        let is_1_0 = vector.text.as_ref().unwrap().contains("PAP 1.0");
        let dtd = if is_1_0 { "pap_1.0.dtd" } else { "pap_2.0.dtd" };
        let (valid, told) = xmllint(dtd, &[file]);
        assert_eq!(valid, vector.valid, "{}: {told}", vector.name);
        wrong += usize::from(!valid);
    }
    assert!(wrong >= 10, "{wrong} wrong documents");
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/pap")
        .join(name)
}

/// Whether all are valid, and what xmllint says.
fn xmllint(dtd: &str, files: &[PathBuf]) -> (bool, String) {
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--dtdvalid"])
        .arg(testdata(dtd))
        .args(files)
        .output()
        .expect("xmllint runs");
    let mut told = lab::stderr(&output);
    let _ = write!(told, "{}", output.status);
    (output.status.success(), told)
}

#[expect(clippy::too_many_lines, reason = "one arm for each operation of PAP")]
fn operation(random: &mut Random, number: usize) -> Operation {
    let push_id = format!("{number}@{}", words(random));
    let code = pick(random, &[1000, 1001, 2000, 2999, 3011, 4001, 5234]);
    let desc = random.happens(500).then(|| words(random));
    let address = "WAPPUSH=+15551234/TYPE=PLMN@ppg.example".to_owned();
    let addresses = vec![address.clone(); usize::try_from(random.below(3)).unwrap()];
    match number % 11 {
        0 => Operation::PushMessage(push_message(random, push_id)),
        1 => Operation::PushResponse(PushResponse {
            push_id,
            sender_address: random.happens(500).then(|| words(random)),
            sender_name: random.happens(500).then(|| words(random)),
            reply_time: moment(random),
            progress: (0..random.below(3))
                .map(|_| ProgressNote {
                    stage: words(random),
                    note: random.happens(500).then(|| words(random)),
                    time: moment(random),
                })
                .collect(),
            code,
            desc,
        }),
        2 => Operation::CancelMessage(CancelMessage { push_id, addresses }),
        3 => Operation::CancelResponse(CancelResponse {
            push_id,
            results: vec![CancelResult {
                addresses,
                code,
                desc,
            }],
        }),
        4 => Operation::ResultNotification(ResultNotification {
            push_id,
            address,
            quality: quality(random),
            event_time: moment(random),
            state: state(random),
            code,
            desc,
            ..ResultNotification::default()
        }),
        5 => Operation::ResultNotificationResponse(ResultNotificationResponse {
            push_id,
            address,
            code,
            desc,
        }),
        6 => Operation::StatusQuery(StatusQuery { push_id, addresses }),
        7 => Operation::StatusQueryResponse(StatusQueryResponse {
            push_id,
            results: vec![StatusResult {
                addresses,
                quality: quality(random),
                event_time: moment(random),
                state: state(random),
                code,
                desc,
            }],
        }),
        8 => Operation::CcqMessage(CcqMessage {
            query_id: random.happens(500).then(|| words(random)),
            app_id: random.happens(500).then(|| words(random)),
            address,
        }),
        9 => Operation::CcqResponse(CcqResponse {
            query_id: random.happens(500).then(|| words(random)),
            address,
            code,
            desc,
        }),
        _ => Operation::BadMessage(BadMessage {
            code,
            desc,
            fragment: random.happens(500).then(|| words(random)),
        }),
    }
}

fn push_message(random: &mut Random, push_id: String) -> PushMessage {
    PushMessage {
        push_id,
        addresses: (0..=random.below(3))
            .map(|number| format!("WAPPUSH=u{number}/TYPE=USER@ppg.example"))
            .collect(),
        quality: quality(random),
        replace_push_id: random.happens(300).then(|| words(random)),
        replace_method: pick(random, &[ReplaceMethod::All, ReplaceMethod::PendingOnly]),
        deliver_before: moment(random),
        deliver_after: moment(random),
        source_reference: random.happens(500).then(|| words(random)),
        notify_to: random.happens(500).then(|| address(random)),
        progress_notes: random.happens(500),
    }
}

fn quality(random: &mut Random) -> Option<Quality> {
    let methods = [
        DeliveryMethod::Confirmed,
        DeliveryMethod::PreferConfirmed,
        DeliveryMethod::Unconfirmed,
        DeliveryMethod::NotSpecified,
    ];
    random.happens(500).then(|| Quality {
        priority: pick(random, &[Priority::High, Priority::Medium, Priority::Low]),
        delivery_method: pick(random, &methods),
        network: random.happens(500).then(|| "GSM".to_owned()),
        network_required: random.happens(500),
        bearer: random.happens(500).then(|| "SMS".to_owned()),
        bearer_required: random.happens(500),
    })
}

fn state(random: &mut Random) -> MessageState {
    let states = [
        MessageState::Rejected,
        MessageState::Pending,
        MessageState::Delivered,
        MessageState::Undeliverable,
        MessageState::Expired,
        MessageState::Aborted,
        MessageState::Timeout,
        MessageState::Cancelled,
        MessageState::Unknown,
    ];
    pick(random, &states)
}

fn moment(random: &mut Random) -> Option<Time> {
    random
        .happens(500)
        .then(|| Time::from_secs(random.below(4_000_000_000)))
}
