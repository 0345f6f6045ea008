//! What the process tests share: the sirgate binary as a child, a plain HTTP client, an initiator that is told results.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses its part"
)]
#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "test"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A running sirgate; killed when dropped.
pub struct Process {
    child: Child,
    /// Lines of standard output read until it was ready.
    pub banner: Vec<String>,
    /// What it said since, and what it said on standard error.
    said: Arc<Mutex<String>>,
    wrong: Arc<Mutex<String>>,
}

/// Keeps what comes from a pipe, which must be emptied, or the child stands still when it is full.
fn keep(pipe: impl Read + Send + 'static, is_shown: bool) -> Arc<Mutex<String>> {
    let kept = Arc::new(Mutex::new(String::new()));
    let all = Arc::clone(&kept);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if is_shown {
                eprintln!("{line}");
            }
            let mut all = all.lock().expect("no panic");
            all.push_str(&line);
            all.push('\n');
        }
    });
    kept
}

impl Process {
    /// Starts sirgate and waits until a line of its output contains `ready`.
    pub fn start(folder: &Path, arguments: &[&str], ready: &str) -> Self {
        let mut child = command(folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let wrong = keep(child.stderr.take().expect("piped"), true);
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut banner = Vec::new();
        let mut seen = false;
        while !seen {
            let mut line = String::new();
            if out.read_line(&mut line).expect("text") == 0 {
                break;
            }
            seen = line.contains(ready);
            banner.push(line.trim_end_matches('\n').to_owned());
        }
        assert!(
            seen,
            "sirgate {arguments:?} ended before it was ready: {banner:?}"
        );
        Self {
            said: keep(out, false),
            child,
            banner,
            wrong,
        }
    }

    /// What it has said on standard output since it was ready.
    pub fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    /// What it has said on standard error.
    pub fn wrong(&self) -> String {
        self.wrong.lock().expect("no panic").clone()
    }

    /// The URL in the banner.
    pub fn url(&self) -> String {
        let text = self.banner.join("\n");
        let at = text.find("http://").expect("a URL in the banner");
        text[at..]
            .split_whitespace()
            .next()
            .expect("text")
            .trim_end_matches('/')
            .to_owned()
    }

    /// Ends it at once, as a crash does.
    pub fn kill(mut self) {
        self.child.kill().expect("alive");
        self.child.wait().expect("its end");
    }

    /// Sends it what Ctrl-C sends, and expects that exit code.
    pub fn interrupt(self, code: i32) {
        self.signal("INT", code);
    }

    /// Asks it to terminate, as a service manager does, and expects that exit code.
    pub fn terminate(self, code: i32) {
        self.signal("TERM", code);
    }

    fn signal(mut self, name: &str, code: i32) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill runs").success());
        let status = self.child.wait().expect("its end");
        assert_eq!(status.code(), Some(code), "after SIG{name}");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sirgate"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("SIRGATE_API")
        .env_remove("SIRGATE_USER")
        .env_remove("SIRGATE_PASSWORD_FILE")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .output()
        .expect("the binary runs")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A port of loopback that was free a moment ago, for TCP and UDP.
pub fn free_port() -> u16 {
    /// Below those that systems give to connections, so that none of them takes one between here and its use.
    const FIRST: u16 = 10_000;
    const PORTS: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of several processes begin at different places.
    let start = u16::try_from(std::process::id() * 97 % u32::from(PORTS)).expect("a remainder");
    let candidates = std::iter::from_fn(|| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Some(FIRST + start.wrapping_add(next) % PORTS)
    });
    let is_free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", *port)).is_ok()
    };
    candidates
        .take(usize::from(PORTS))
        .find(is_free)
        .expect("a free port")
}

/// One HTTP exchange on a connection of its own: status and body; `None` when nobody answers.
pub fn http(
    url: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<(u16, Vec<u8>)> {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let address: SocketAddr = host.parse().expect("an address");
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .expect("a timeout");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let answer = whole_answer(&mut stream)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = answer[end + 4..].to_vec();
    let body = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        dechunk(&body)?
    } else {
        body
    };
    Some((status, body))
}

/// Reads an answer to its end: as long as it says, else until the connection ends. Not everybody closes when asked to.
fn whole_answer(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let count = stream.read(&mut chunk).ok()?;
        answer.extend_from_slice(&chunk[..count]);
        let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") else {
            if count == 0 {
                return Some(answer);
            }
            continue;
        };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|row| row.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse::<usize>().ok());
        if count == 0 || length.is_some_and(|length| answer.len() >= end + 4 + length) {
            return Some(answer);
        }
    }
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 4 + size..)?;
    }
}

/// A PAP submission to a user identity as octets: content type and body.
pub fn submission(
    push_id: &str,
    user: &str,
    notify: Option<&str>,
    headers: &[(&str, &str)],
    content: &str,
) -> (String, Vec<u8>) {
    let user: String = user
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"+-._".contains(&b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let notify = notify
        .map(|url| format!(" ppg-notify-requested-to=\"{url}\""))
        .unwrap_or_default();
    let extra: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let body = format!(
        "--b1\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \
         \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\n<pap><push-message push-id=\"{push_id}\"{notify}>\
         <address address-value=\"WAPPUSH={user}/TYPE=USER@ppg.example.com\"/></push-message></pap>\r\n\
         --b1\r\nContent-Type: text/plain\r\n{extra}\r\n{content}\r\n--b1--\r\n"
    );
    (
        "multipart/related; boundary=b1; type=\"application/xml\"".to_owned(),
        body.into_bytes(),
    )
}

/// What an initiator was told: message-state by push-id, and how often.
pub type Results = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// Listens for result notifications and accepts each; gives its URL.
pub fn initiator() -> (String, Results) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}/results", listener.local_addr().expect("bound"));
    let results = Results::default();
    let kept = Arc::clone(&results);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            thread::spawn(move || told(stream, &kept));
        }
    });
    (url, results)
}

fn told(stream: TcpStream, results: &Results) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let (push_id, state, address) = (
            attribute(&body, "push-id"),
            attribute(&body, "message-state"),
            attribute(&body, "address-value"),
        );
        results
            .lock()
            .expect("no panic")
            .entry(push_id.clone())
            .or_default()
            .push(state);
        let answer = format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\">\n\
             <pap><resultnotification-response push-id=\"{push_id}\" code=\"1000\"><address address-value=\"{address}\"/></resultnotification-response></pap>"
        );
        let head = format!(
            "HTTP/1.1 202 Accepted\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        if reader
            .get_mut()
            .write_all((head + &answer).as_bytes())
            .is_err()
        {
            return;
        }
    }
}

/// The value of the first attribute of that name.
pub fn attribute(xml: &str, name: &str) -> String {
    let key = format!(" {name}=\"");
    xml.find(&key)
        .map(|at| {
            xml[at + key.len()..]
                .split('"')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .unwrap_or_default()
}

/// Waits until something is so.
pub fn eventually(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < end, "not so within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// An empty folder of its own, removed when dropped.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A file in a folder.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path
}
