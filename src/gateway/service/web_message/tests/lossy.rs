//! The same properties whatever way messages come (R0.25): by asking, by waiting, by a stream that the driver feeds.

use proptest::prelude::*;

use super::*;

/// How a browser gets its messages here; over sockets the driver's streams do what `Stream` does.
#[derive(Clone, Copy, Debug)]
enum Way {
    Poll,
    LongPoll,
    Stream,
}

#[derive(Clone, Debug)]
enum Step {
    Publish {
        app: usize,
        topic: Option<u8>,
    },
    /// The browser is in touch; false when what it is sent breaks off.
    Contact(bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, prop::option::of(0..2_u8)).prop_map(|(app, topic)| Step::Publish { app, topic }),
        4 => any::<bool>().prop_map(Step::Contact),
        1 => Just(Step::Restart),
    ]
}

const APPS: [&str; 3] = ["mail", "news", "game"];

/// The browser's end: what it stored, and from where it goes on.
#[derive(Default)]
struct Store {
    cursor: u64,
    /// Where the stream stands that is open.
    stream: Option<u64>,
    seqs: Vec<u64>,
}

impl Store {
    fn take(&mut self, packet: &HttpResponse) {
        let body = body_of(packet);
        for message in body["messages"].as_array().unwrap() {
            let seq = message["seq"].as_u64().unwrap();
            assert!(!self.seqs.contains(&seq), "message {seq} came twice");
            assert_ne!(message["appid"], json!("game"));
            self.seqs.push(seq);
        }
        self.cursor = body["cursor"].as_u64().unwrap();
    }
}

fn contact(bench: &mut Bench, browser: &Browser, way: Way, store: &mut Store, arrives: bool) {
    let authorization = format!("Bearer {}", browser.token);
    let mut headers = vec![("authorization", authorization.as_str())];
    let (after, wait) = match way {
        Way::Poll => (store.cursor, 0),
        Way::LongPoll => (store.cursor, 25),
        Way::Stream => {
            headers.push((HttpRequest::STREAM, ""));
            (store.stream.unwrap_or(store.cursor), 25)
        }
    };
    let path = browser.path(&format!("/messages?after={after}&wait={wait}"));
    let (id, at_once) = bench.send("GET", &path, &headers, b"");
    let response = match at_once {
        Some(response) => response,
        None => {
            bench.wait(25);
            bench
                .late
                .remove(&id)
                .expect("an answer when its time is over")
        }
    };
    if response.status != 200 {
        return;
    }
    let cursor = body_of(&response)["cursor"].as_u64();
    if arrives {
        store.take(&response);
        store.stream = cursor;
    } else {
        // The stream breaks; the next one goes on from what the browser has.
        store.stream = None;
    }
}

fn run(way: Way, steps: Vec<Step>) {
    let mut bench = Bench::new();
    let browser = bench.browser(Some("alice"));
    bench.register(&browser, "mail", "");
    bench.register(&browser, "news", "");
    let (mut store, mut published) = (Store::default(), Vec::new());
    for step in steps {
        match step {
            Step::Publish { app, topic } => {
                let topic = topic.map(|topic| topic.to_string());
                let answer = bench.publish(APPS[app], json!({ "topic": topic }));
                let put = body_of(&answer);
                let replaced = put["replaced"].as_u64();
                published.retain(|seq| Some(*seq) != replaced || store.seqs.contains(seq));
                if APPS[app] != "game" {
                    published.push(put["seq"].as_u64().unwrap());
                }
            }
            Step::Contact(arrives) => contact(&mut bench, &browser, way, &mut store, arrives),
            Step::Restart => {
                bench.restart();
                store.stream = None;
            }
        }
    }
    while store.seqs.len() < published.len() {
        let before = store.seqs.len();
        contact(&mut bench, &browser, way, &mut store, true);
        assert!(store.seqs.len() > before, "something was lost");
    }
    assert_eq!(store.seqs, published);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn r0_25_polling_loses_and_repeats_nothing(steps in prop::collection::vec(step(), 1..40)) {
        run(Way::Poll, steps);
    }

    #[test]
    fn r0_25_long_polling_loses_and_repeats_nothing(steps in prop::collection::vec(step(), 1..40)) {
        run(Way::LongPoll, steps);
    }

    #[test]
    fn r0_25_a_stream_loses_and_repeats_nothing(steps in prop::collection::vec(step(), 1..40)) {
        run(Way::Stream, steps);
    }
}
