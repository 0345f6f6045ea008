//! How long the content types of push and the documents of PAP take to read and to write; dropping what was read counts.
#![expect(clippy::unwrap_used, reason = "bench")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use sirgate::codec::pap;
use sirgate::codec::wbxml::{
    Document as _, Element, Name, Reader, Si, Sink, Source as _, Value, si,
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// The worked example of WAP-167: 76 octets.
const SI: &[u8] = b"\x02\x05\x6a\x00\x45\xc6\x0d\x03xyz\x00\x85\x03email/123/abc.wml\x00\
    \x0a\xc3\x07\x19\x99\x06\x25\x15\x23\x15\x10\xc3\x04\x19\x99\x06\x30\x01\
    \x03You have 4 new e-mails\x00\x01\x01";

fn main() {
    divan::main();
}

/// A push-message of 938 octets.
fn push_message() -> Vec<u8> {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\" \
        [<?wap-pap-ver supported-versions=\"2.0,1.*\"?>]>\n\
        <pap product-name=\"lab\"><push-message push-id=\"2@pi.example\" \
        deliver-before-timestamp=\"2030-01-01T00:00:00Z\" deliver-after-timestamp=\"2020-01-01T00:00:00Z\" \
        source-reference=\"Example PI\" ppg-notify-requested-to=\"http://pi.example/notify\" \
        progress-notes-requested=\"true\">";
    let tail = "<quality-of-service priority=\"high\" delivery-method=\"preferconfirmed\" network=\"GSM\" \
        network-required=\"true\" bearer=\"SMS\" bearer-required=\"false\"/></push-message></pap>";
    let address = "<address address-value=\"WAPPUSH=+15551234/TYPE=PLMN@ppg.example\"/>";
    let mut text = format!("{head}{address}{address}{address}");
    let missing = 938 - text.len() - tail.len();
    // White space between elements makes up the octets.
    text.push_str(&" ".repeat(missing));
    (text + tail).into_bytes()
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_from_wbxml(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::new(SI.len()))
        .bench_local(|| drop(black_box(Si::decode(black_box(SI)).unwrap())));
}

/// Looks at whatever is told.
struct Told(u32);

impl<'a> Sink<'a> for Told {
    fn open(&mut self, name: Name<'a>) {
        black_box(name);
        self.0 += 1;
    }

    fn attribute(&mut self, _: &'static str, name: Name<'a>, value: Value<'a>) {
        black_box((name, value));
        self.0 += 1;
    }

    fn text(&mut self, _: &'static str, value: Value<'a>) {
        black_box(value);
        self.0 += 1;
    }

    fn close(&mut self) {
        self.0 += 1;
    }
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_events_from_wbxml(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(SI.len())).bench(|| {
        let mut reader = Reader::new(&si::LANGUAGE, black_box(SI), false);
        let mut told = Told(0);
        reader.tell(&mut told).unwrap();
        told.0
    });
}

/// As libwbxml's tree: every element, attribute and text, of any document type that is known.
#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_tree_from_wbxml(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(SI.len())).bench_local(|| {
        let mut reader = Reader::new(&si::LANGUAGE, black_box(SI), false);
        drop(black_box(
            Element::read(&si::LANGUAGE, &mut reader).unwrap(),
        ));
    });
}

/// As libwbxml's conversion: from the octets of WBXML to those of XML.
#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_from_wbxml_to_xml(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(SI.len())).bench_local(|| {
        let si = Si::decode(black_box(SI)).unwrap();
        drop(black_box(si.encode_xml().unwrap()));
    });
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_to_wbxml(bencher: Bencher<'_, '_>) {
    let si = Si::decode(SI).unwrap();
    bencher
        .with_inputs(|| si.clone())
        .bench_values(|si| si.encode().unwrap());
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn si_from_xml(bencher: Bencher<'_, '_>) {
    let xml = Si::decode(SI).unwrap().encode_xml().unwrap();
    bencher
        .counter(BytesCount::new(xml.len()))
        .bench_local(|| drop(black_box(Si::decode_xml(black_box(&xml)).unwrap())));
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn pap_push_message(bencher: Bencher<'_, '_>) {
    let octets = push_message();
    assert_eq!(octets.len(), 938);
    bencher
        .counter(BytesCount::new(octets.len()))
        .bench_local(|| drop(black_box(pap::decode(black_box(&octets)).unwrap())));
}

#[divan::bench(sample_count = 1000, sample_size = 50)]
fn pap_push_message_to_xml(bencher: Bencher<'_, '_>) {
    let document = pap::decode(&push_message()).unwrap();
    bencher.bench_local(|| drop(black_box(black_box(&document).encode())));
}
