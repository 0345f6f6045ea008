//! Messages for web applications whose page is closed, in Firefox: the gateway pushes them through its own push service,
//! the service worker stores and shows them, and the page has them when it opens again.

use serde_json::{Value, json};

use crate::firefox::{Firefox, profile};
use crate::{Ports, lab};

const ALICE: &str = "[push_service]\n[[identity]]\npui = \"sip:alice@example.com\"\n\
                     [[identity.device]]\nname = \"C1\"\nid = [\"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]\n";

/// Waits until the page has told a fact; gives all of that name.
const TOLD: &str = "(async (name) => { const all = () => sirgate.facts.filter((it) => it.ev === name); \
                    while (all().length === 0) await new Promise((next) => setTimeout(next, 50)); \
                    return JSON.stringify(all()); })";

fn publish(ports: &Ports, app: &str, message: &Value) {
    let mut body = message.clone();
    body["to"] = json!("sip:alice@example.com");
    let url = format!("{}/api/v1/apps/{app}/messages", ports.api());
    let headers = [("content-type", "application/json")];
    let answer = lab::http(&url, "POST", &headers, body.to_string().as_bytes());
    let (status, body) = answer.expect("the gateway answers");
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
}

fn badges(firefox: &mut Firefox) -> Value {
    firefox.json(
        "JSON.stringify(Object.fromEntries([...document.querySelectorAll('.icon')]\
         .map((it) => [it.dataset.app, it.querySelector('.badge')?.textContent ?? ''])))",
    )
}

#[test]
fn s0_2_r0_24_messages_for_a_closed_page_are_pushed_stored_and_shown_when_it_opens() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), ALICE);
    let profile = profile(folder.path(), &ports);
    let page = format!(
        "{}/web/?account=alice&transport=webpush&apps=mail,news",
        ports.api()
    );
    let mut firefox = Firefox::start(folder.path(), &profile);
    firefox.show(&page);
    let up = firefox.json(&format!("{TOLD}('stream.up')"));
    assert_eq!(up[0]["transport"], "webpush", "{up}");
    ports.wait(folder.path(), "web.client change=subscribed", 1);
    ports.wait(folder.path(), "poll.rsp", 1);

    firefox.show("about:blank");
    let asked = ports.events("poll.req").len();
    for (app, title) in [("mail", "1"), ("mail", "2"), ("news", "3"), ("game", "4")] {
        publish(&ports, app, &json!({ "title": title, "summary": "s" }));
    }
    // The push event is over, so the rows are there.
    ports.wait(folder.path(), "wp.msg state=acked code=100", 3);
    assert_eq!(ports.events("wp.out state=sent").len(), 3);
    assert_eq!(ports.events("wp.out state=taken code=201").len(), 3);
    assert_eq!(ports.events("poll.req").len(), asked, "the page asked");
    // Too large for a push: the service worker asks for it, and for what it was not asked for before.
    let large = json!({ "title": "5", "summary": "x".repeat(6_000) });
    publish(&ports, "mail", &large);
    ports.wait(folder.path(), "wp.msg state=acked code=100", 4);
    ports.wait(folder.path(), "poll.req", asked + 1);
    assert_eq!(ports.events("poll.req").len(), asked + 1);

    firefox.quit();
    let mut firefox = Firefox::start(folder.path(), &profile);
    firefox.show(&page);
    let shown = firefox.json(&format!("{TOLD}('mc.restore')"));
    assert_eq!(shown[0]["n"], 4, "{shown}");
    let badges = badges(&mut firefox);
    assert_eq!(
        (&badges["mail"], &badges["news"], &badges["game"]),
        (&json!("3"), &json!("1"), &json!(""))
    );
    firefox.json(&format!("{TOLD}('stream.up')"));
    let rows = "(async () => (await sirgate.centre.store.load()).length)()";
    assert_eq!(firefox.value(rows), 4);
    firefox.photograph("closed-page.png");
    firefox.quit();
}

#[test]
fn without_a_push_service_the_page_asks_on_its_timer() {
    let folder = lab::folder();
    let ports = Ports::free();
    // Nothing is called, so the subscription is refused.
    let more = ALICE.replacen(
        "[[identity]]",
        "[webapp]\npush_endpoints = []\n[[identity]]",
        1,
    );
    let _gateway = ports.serve(folder.path(), &more);
    let profile = profile(folder.path(), &ports);
    let mut firefox = Firefox::start(folder.path(), &profile);
    let page = "web/?account=alice&transport=webpush&apps=mail&interval=1";
    firefox.show(&format!("{}/{page}", ports.api()));
    let error = firefox.json(&format!("{TOLD}('stream.error')"));
    let why = error[0]["why"].as_str().expect("a reason");
    assert!(why.contains("403"), "{why}");
    publish(&ports, "mail", &json!({ "title": "1" }));
    firefox.json(&format!("{TOLD}('mc.route')"));
    assert_eq!(badges(&mut firefox)["mail"], "1");
    firefox.quit();
}
