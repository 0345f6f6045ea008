//! Firefox with sirgate as its push server: it subscribes, its service worker gets pushes that were encrypted for it, and
//! they are acknowledged; a push for a Firefox that is not running waits for it.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sirgate::codec::web_push::encryption::{KeyPair, Subscriber, encrypt};
use sirgate::codec::web_push::{of_text, public_key, to_text, vapid};
use sirgate::time::Time;

use crate::socket_client::Socket;
use crate::{Ports, Running, lab, loopback};

/// How long Firefox may take for anything.
const PATIENCE: Duration = Duration::from_secs(300);

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>push</title><h1>Pushes</h1><ol id="list"></ol>
<script>
const got = [];
let heard = () => {};
navigator.serviceWorker.addEventListener("message", event => {
  got.push(event.data);
  const item = document.createElement("li");
  item.textContent = event.data;
  document.getElementById("list").append(item);
  heard();
});
async function subscribe(key) {
  await navigator.serviceWorker.register("sw.js");
  const worker = await navigator.serviceWorker.ready;
  const made = await worker.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: key});
  return JSON.stringify(made);
}
async function unsubscribe() {
  const worker = await navigator.serviceWorker.ready;
  const made = await worker.pushManager.getSubscription();
  return made.unsubscribe();
}
async function wait(count) {
  while (got.length < count) await new Promise(next => { heard = next; });
  return JSON.stringify(got);
}
</script>"#;

const WORKER: &str = r#"self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));
self.addEventListener("push", event => event.waitUntil((async () => {
  const text = event.data ? event.data.text() : "nothing";
  for (const client of await self.clients.matchAll({includeUncontrolled: true})) client.postMessage(text);
})()));"#;

/// Serves the page and its worker; gives its origin.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            thread::spawn(move || serve(tcp));
        }
    });
    origin
}

fn serve(mut tcp: TcpStream) {
    let mut head = Vec::new();
    let mut octets = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read(&mut octets) {
            Ok(count) if count > 0 => head.extend_from_slice(&octets[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let (status, kind, body) = match head.split(' ').nth(1) {
        Some("/") => ("200 OK", "text/html", PAGE),
        Some("/sw.js") => ("200 OK", "text/javascript", WORKER),
        _ => ("404 Not Found", "text/plain", ""),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = tcp.write_all(answer.as_bytes());
}

/// What a Firefox must be told to use a push server on this machine, and to ask nobody.
pub(crate) fn profile(folder: &Path, ports: &Ports) -> PathBuf {
    let profile = folder.join("profile");
    fs::create_dir(&profile).expect("a folder");
    let server = format!("ws://127.0.0.1:{}/push/", ports.http);
    let rows = [
        ("dom.push.serverURL", json!(server)),
        ("dom.push.testing.allowInsecureServerURL", json!(true)),
        ("dom.push.testing.ignorePermission", json!(true)),
        ("dom.push.connection.enabled", json!(true)),
        ("permissions.default.desktop-notification", json!(1)),
        // What is recommended for tests turns the connection to the push server off.
        ("remote.prefs.recommended", json!(false)),
        ("datareporting.policy.dataSubmissionEnabled", json!(false)),
        ("browser.shell.checkDefaultBrowser", json!(false)),
        ("browser.aboutwelcome.enabled", json!(false)),
        ("browser.startup.homepage_override.mstone", json!("ignore")),
        ("app.update.auto", json!(false)),
        ("extensions.update.enabled", json!(false)),
        ("toolkit.telemetry.enabled", json!(false)),
    ];
    let text: String = rows
        .iter()
        .map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"))
        .collect();
    fs::write(profile.join("user.js"), text).expect("preferences");
    profile
}

/// A running Firefox, led by WebDriver BiDi.
pub(crate) struct Firefox {
    socket: Socket,
    number: u64,
    context: String,
    process: Running,
}

impl Firefox {
    pub(crate) fn start(folder: &Path, profile: &Path) -> Self {
        let port = lab::free_port();
        let child = Command::new("firefox-esr")
            .args(["--headless", "--no-remote", "--profile"])
            .arg(profile)
            .args(["--remote-debugging-port", &port.to_string()])
            .env("HOME", folder)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("firefox-esr starts");
        let process = Running(child);
        lab::eventually("Firefox takes commands", PATIENCE, || {
            TcpStream::connect(loopback(port)).is_ok()
        });
        let socket = Socket::open(&loopback(port), "/session", "");
        let mut firefox = Self {
            socket,
            number: 0,
            context: String::new(),
            process,
        };
        firefox.command("session.new", &json!({"capabilities": {}}));
        let tree = firefox.command("browsingContext.getTree", &json!({}));
        firefox.context = tree["contexts"][0]["context"]
            .as_str()
            .expect("a tab")
            .to_owned();
        firefox
    }

    /// Gives a command and its result.
    fn command(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let id = self.number;
        self.socket
            .say_json(&json!({"id": id, "method": method, "params": params}));
        loop {
            let answer = self.socket.hear_json();
            if answer["id"] == id {
                assert_eq!(answer["type"], "success", "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    pub(crate) fn show(&mut self, url: &str) {
        let params = json!({"context": self.context, "url": url, "wait": "complete"});
        self.command("browsingContext.navigate", &params);
    }

    /// What an expression of the page comes to.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "target": {"context": self.context},
        });
        let result = self.command("script.evaluate", &params);
        assert_eq!(result["type"], "success", "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// What an expression gives as JSON in a text.
    pub(crate) fn json(&mut self, expression: &str) -> Value {
        let text = self.value(expression);
        serde_json::from_str(text.as_str().expect("a text")).expect("JSON")
    }

    /// Keeps what is to be seen, for people.
    pub(crate) fn photograph(&mut self, name: &str) {
        let params = json!({"context": self.context});
        let shot = self.command("browsingContext.captureScreenshot", &params);
        let text = shot["data"].as_str().expect("a picture");
        let text = text.replace('+', "-").replace('/', "_");
        let octets = of_text(&text).expect("base64");
        assert!(octets.starts_with(b"\x89PNG"), "no picture");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, octets).expect("it is kept");
        println!("screenshot: {}", path.display());
    }

    /// Ends it as its user would, so that it knows next time what it knows now.
    pub(crate) fn quit(mut self) {
        self.command("browser.close", &json!({}));
        self.process.wait();
    }
}

/// An application server.
struct Sender {
    keys: KeyPair,
    endpoint: String,
    subscriber: Subscriber,
    number: u8,
}

impl Sender {
    fn of(keys: KeyPair, subscription: &Value) -> Self {
        let text = |name: &str| {
            subscription["keys"][name]
                .as_str()
                .expect("a key")
                .to_owned()
        };
        let auth = of_text(&text("auth")).expect("base64");
        Self {
            keys,
            endpoint: subscription["endpoint"].as_str().expect("a URL").to_owned(),
            subscriber: Subscriber {
                public: public_key(&text("p256dh")).expect("a point"),
                auth: auth.try_into().expect("16 octets"),
            },
            number: 0,
        }
    }

    /// Encrypts and posts; gives the status.
    fn push(&mut self, origin: &str, text: &str) -> u16 {
        self.number += 1;
        let sender = KeyPair::of(&[self.number; 32]).expect("a key");
        let body = encrypt(
            &self.subscriber,
            &sender,
            &[self.number; 16],
            text.as_bytes(),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
        let end = Time::from_secs(now.as_secs() + 3_600);
        let token = vapid::sign(&self.keys, origin, end, Some("mailto:a@example.com"));
        let rows = [
            ("TTL", "600"),
            ("Urgency", "high"),
            ("Content-Encoding", "aes128gcm"),
            ("Authorization", &token),
        ];
        let answer = lab::http(&self.endpoint, "POST", &rows, &body.expect("encrypted"));
        answer.expect("the gateway answers").0
    }
}

#[test]
fn firefox_subscribes_gets_pushes_that_were_encrypted_for_it_and_acknowledges_them() {
    let folder = lab::folder();
    let ports = Ports::free();
    let _gateway = ports.serve(folder.path(), "[push_service]\n");
    let origin = ports.api();
    let site = site();
    let profile = profile(folder.path(), &ports);
    let mut firefox = Firefox::start(folder.path(), &profile);
    firefox.show(&format!("{site}/"));
    let keys = KeyPair::of(&[42; 32]).expect("a key");
    let subscribe = format!("subscribe({:?})", to_text(keys.public()));
    let subscription = firefox.json(&subscribe);
    let mut sender = Sender::of(keys, &subscription);
    let resources = format!("{origin}/wpush/v2/");
    assert!(sender.endpoint.starts_with(&resources), "{subscription}");

    assert_eq!(sender.push(&origin, "one"), 201);
    assert_eq!(sender.push(&origin, "zwei ä"), 201);
    assert_eq!(firefox.json("wait(2)"), json!(["one", "zwei ä"]));
    ports.wait(folder.path(), "wp.msg state=acked code=100", 2);
    assert_eq!(sender.push("http://elsewhere.example", "three"), 403);
    firefox.photograph("firefox-push.png");

    firefox.quit();
    ports.wait(folder.path(), "wp.agent change=bye", 1);
    assert_eq!(sender.push(&origin, "while it was away"), 201);
    let mut firefox = Firefox::start(folder.path(), &profile);
    ports.wait(folder.path(), "wp.agent change=back", 1);
    ports.wait(folder.path(), "wp.msg state=acked code=100", 3);

    firefox.show(&format!("{site}/"));
    assert_eq!(firefox.value("unsubscribe()"), true);
    ports.wait(folder.path(), "wp.sub change=gone", 1);
    assert_eq!(sender.push(&origin, "nobody"), 410);
}
