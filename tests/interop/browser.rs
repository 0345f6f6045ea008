//! A browser driven through WebDriver (W3C), as far as tests here need it: one session of Chromium behind chromedriver.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{Running, lab};

/// How long a page may take for what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// chromedriver; ended when dropped.
pub(crate) struct Driver {
    base: String,
    _process: Running,
}

/// One browser with the profile of a folder.
pub(crate) struct Browser<'a> {
    driver: &'a Driver,
    session: String,
    process: Option<u64>,
}

impl Driver {
    /// Starts it, and waits until it takes sessions.
    pub(crate) fn start() -> Self {
        let port = lab::free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("chromedriver runs");
        let driver = Self {
            base: format!("http://127.0.0.1:{port}"),
            _process: Running(process),
        };
        lab::eventually("chromedriver is ready", PATIENCE, || {
            let status = lab::http(&format!("{}/status", driver.base), "GET", &[], b"");
            status.is_some_and(|(status, _)| status == 200)
        });
        driver
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "GET" || method == "DELETE" {
            String::new()
        } else {
            body.to_string()
        };
        let url = format!("{}{path}", self.base);
        let headers = [("content-type", "application/json")];
        let answer = lab::http(&url, method, &headers, body.as_bytes());
        let (status, answer) = answer.ok_or_else(|| format!("{method} {path}: no answer"))?;
        let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].clone();
        if status == 200 {
            Ok(value)
        } else {
            Err(format!("{method} {path}: {status} {}", value["message"]))
        }
    }

    /// Opens a browser whose profile is in the folder.
    pub(crate) fn browser(&self, profile: &Path) -> Browser<'_> {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            "--window-size=900,700".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        // Chromium has no sandbox for root, who runs the tests in containers.
        if profile.metadata().is_ok_and(|it| {
            use std::os::unix::fs::MetadataExt as _;
            it.uid() == 0
        }) {
            arguments.push("--no-sandbox".to_owned());
        }
        let asked = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            // A machine that builds meanwhile draws slowly.
            "timeouts": { "script": 120_000 },
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let begun = self.ask("POST", "/session", &asked).expect("a session");
        let session = begun["sessionId"].as_str().expect("its id").to_owned();
        let process = begun["capabilities"]["goog:processID"].as_u64();
        Browser {
            driver: self,
            session,
            process,
        }
    }
}

impl Browser<'_> {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        self.driver.ask(method, &path, body)
    }

    /// Goes to a page and waits until its script has begun.
    pub(crate) fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url }))
            .expect("the page");
        self.until(
            "the page is ready",
            "return document.documentElement.dataset.ready",
            |it| it == "true",
        );
    }

    /// Runs a script of the page that may await; what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; (async () => {{ {script} }})()\
             .then((value) => done({{ value: value ?? null }}), (error) => done({{ error: String(error?.stack ?? error) }}));"
        );
        let asked = json!({ "script": script, "args": [] });
        let answer = self
            .ask("POST", "/execute/async", &asked)
            .expect("the script runs");
        assert!(answer["error"].is_null(), "{}", answer["error"]);
        answer["value"].clone()
    }

    /// Waits until a script returns what is wanted.
    pub(crate) fn until(&self, what: &str, script: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let value = self.run(script);
            if is_so(&value) {
                return value;
            }
            assert!(Instant::now() < end, "{what}: {value}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks, as a person does, what a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let asked = json!({ "using": "css selector", "value": selector });
        let found = self.ask("POST", "/element", &asked).expect("the element");
        let element = found
            .as_object()
            .and_then(|it| it.values().next())
            .and_then(Value::as_str);
        let path = format!("/element/{}/click", element.expect("its id"));
        self.ask("POST", &path, &json!({})).expect("the click");
    }

    /// Every control that is seen: what it is, its role, its name, as the browser tells them to those who do not see.
    pub(crate) fn controls(&self) -> Vec<(String, String, String)> {
        const SELECTOR: &str = "a[href], button, input, select, textarea, [tabindex='0'], [role=option], [role=treeitem]";
        let asked = json!({ "using": "css selector", "value": SELECTOR });
        let found = self.ask("POST", "/elements", &asked).expect("a list");
        let mut controls = Vec::new();
        for element in found.as_array().into_iter().flatten() {
            let id = element.as_object().and_then(|it| it.values().next());
            let id = id.and_then(Value::as_str).expect("its id");
            let tell = |what: &str| {
                let path = format!("/element/{id}/{what}");
                self.ask("GET", &path, &Value::Null).ok()
            };
            let text = |what: &str| Some(tell(what)?.as_str().unwrap_or_default().to_owned());
            if tell("displayed") != Some(Value::Bool(true)) {
                continue;
            }
            // What was taken out of the page meanwhile is no control of it.
            if let (Some(name), Some(role), Some(label)) =
                (text("name"), text("computedrole"), text("computedlabel"))
            {
                controls.push((name, role, label));
            }
        }
        controls
    }

    /// Shows pages as to somebody who prefers `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        let asked =
            json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": [feature] } });
        self.ask("POST", "/goog/cdp/execute", &asked)
            .expect("the preference");
    }

    /// Makes the window so large.
    pub(crate) fn size(&self, width: u32, height: u32) {
        let asked = json!({ "width": width, "height": height });
        self.ask("POST", "/window/rect", &asked).expect("the size");
    }

    /// Says yes to what the page asks.
    pub(crate) fn accept(&self) {
        self.ask("POST", "/alert/accept", &json!({}))
            .expect("a question");
    }

    /// Opens another tab of the same browser and goes there.
    pub(crate) fn tab(&self) -> String {
        let tab = self.ask("POST", "/window/new", &json!({ "type": "tab" }));
        let tab = tab.expect("a tab")["handle"]
            .as_str()
            .expect("its handle")
            .to_owned();
        self.switch(&tab);
        tab
    }

    /// The tab that is in front.
    pub(crate) fn front(&self) -> String {
        let front = self.ask("GET", "/window", &Value::Null).expect("a tab");
        front.as_str().expect("its handle").to_owned()
    }

    /// Goes on in another tab.
    pub(crate) fn switch(&self, tab: &str) {
        self.ask("POST", "/window", &json!({ "handle": tab }))
            .expect("the tab");
    }

    /// What the pages said in error since the last look.
    pub(crate) fn errors(&self) -> Vec<String> {
        let log = self.ask("POST", "/se/log", &json!({ "type": "browser" }));
        let log = log.expect("the log");
        let rows = log.as_array().into_iter().flatten();
        rows.filter(|row| row["level"] == "SEVERE")
            .map(|row| row["message"].to_string())
            .collect()
    }

    /// What the network did since the last look, as the DevTools protocol tells it.
    pub(crate) fn network(&self) -> Vec<Value> {
        let log = self.ask("POST", "/se/log", &json!({ "type": "performance" }));
        let log = log.expect("the log");
        let rows = log.as_array().into_iter().flatten();
        rows.filter_map(|row| serde_json::from_str(row["message"].as_str()?).ok())
            .map(|row: Value| row["message"].clone())
            .collect()
    }

    /// Keeps a picture of the page with the artefacts of the build.
    pub(crate) fn picture(&self, name: &str) {
        let picture = self
            .ask("GET", "/screenshot", &Value::Null)
            .expect("a picture");
        let octets = STANDARD.decode(picture.as_str().expect("Base64"));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        std::fs::create_dir_all(&folder).expect("the folder");
        std::fs::write(folder.join(format!("{name}.png")), octets.expect("Base64"))
            .expect("the picture is kept");
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(self) {
        let process = self.process.expect("its process id").to_string();
        let killed = Command::new("kill").args(["-s", "KILL", &process]).status();
        assert!(killed.expect("kill runs").success());
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        let _ = self.ask("DELETE", "", &Value::Null);
    }
}
