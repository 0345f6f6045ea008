//! `sirgate proxy` as a process, before a site of the test and a gateway of its own.
#![expect(clippy::unwrap_used, reason = "test")]

mod lab;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lab::Process;

/// A site that answers every request with the name that it finds in `X-User`.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut user = "nobody".to_owned();
                    let mut line = String::new();
                    loop {
                        line.clear();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some((name, value)) = line.split_once(':')
                            && name.eq_ignore_ascii_case("x-user")
                        {
                            user = value.trim().to_owned();
                        }
                        if line == "\r\n" {
                            break;
                        }
                    }
                    let length = user.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{user}");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    at
}

/// Head and body of an answer.
fn get(at: &str, path: &str, rows: &[(&str, &str)]) -> (String, String) {
    let mut stream = TcpStream::connect(at.trim_start_matches("http://")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n");
    for (name, value) in rows {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all((text + "\r\n").as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn unread(head: &str) -> Option<&str> {
    let mut rows = head.split("\r\n");
    rows.find_map(|row| row.strip_prefix("sirgate-unread: "))
}

/// Makes an account known, as a browser does that logs in.
fn enter(api: &str, account: &str) {
    let body = format!(r#"{{"account":"{account}"}}"#);
    let json = [("content-type", "application/json")];
    let entered = lab::http(
        &format!("{api}/api/v1/clients"),
        "POST",
        &json,
        body.as_bytes(),
    );
    assert_eq!(entered.unwrap().0, 201);
}

fn publish(api: &str, to: &str, title: &str) {
    let body = format!(r#"{{"to":"{to}","title":"{title}"}}"#);
    let json = [("content-type", "application/json")];
    let url = format!("{api}/api/v1/apps/site/messages");
    let (status, said) = lab::http(&url, "POST", &json, body.as_bytes()).unwrap();
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&said));
}

/// The address in the banner.
fn address(proxy: &Process) -> String {
    let ready = proxy.banner.last().unwrap();
    let url = ready.split_whitespace().nth(1).unwrap();
    url.trim_end_matches('/').to_owned()
}

const ASKS: (&str, &str) = ("Sirgate-Piggyback", "1;seen=0");

#[test]
#[expect(clippy::too_many_lines, reason = "one story from start to end")]
fn s4_5_r4_46_a_proxy_and_a_gateway_give_each_user_of_a_site_its_own() {
    let folder = lab::folder();
    let gateway = Process::start(folder.path(), &["demo", "--port", "0"], "stop:");
    let api = gateway.url();
    let upstream = format!("http://{}", site());
    let proxy = Process::start(
        folder.path(),
        &[
            "proxy",
            "--upstream",
            &upstream,
            "--gateway",
            &api,
            "--user-header",
            "X-User",
            "--patience",
            "30s",
            "--snippet",
            "/sirgate/",
        ],
        "stop:",
    );
    let at = address(&proxy);
    enter(&api, "bob");
    publish(&api, "alice", "for alice");
    publish(&api, "bob", "first for bob");
    publish(&api, "bob", "second for bob");
    let alice = get(&at, "/profile", &[("X-User", "alice"), ASKS]);
    let bob = get(&at, "/profile", &[("X-User", "bob"), ASKS]);
    assert!(
        unread(&alice.0)
            .unwrap()
            .starts_with("new=1, old=0, seq=1, "),
        "{}",
        alice.0
    );
    assert!(
        unread(&bob.0).unwrap().starts_with("new=2, old=0, seq=2, "),
        "{}",
        bob.0
    );
    assert_eq!((alice.1.as_str(), bob.1.as_str()), ("alice", "bob"));
    // Nobody, and who does not ask, get their responses as they are.
    assert_eq!(unread(&get(&at, "/", &[ASKS]).0), None);
    assert_eq!(unread(&get(&at, "/", &[("X-User", "bob")]).0), None);
    let seen = get(
        &at,
        "/",
        &[("X-User", "bob"), ("Sirgate-Piggyback", "1;seen=2")],
    );
    assert!(
        unread(&seen.0)
            .unwrap()
            .starts_with("new=0, old=2, seq=2, "),
        "{}",
        seen.0
    );
    let module = get(&at, "/sirgate/piggyback.js", &[]);
    assert!(module.0.contains("text/javascript"), "{}", module.0);
    assert!(
        module.1.contains("export function piggyback"),
        "{}",
        module.1
    );
    assert!(
        get(&at, "/sirgate/home.js", &[])
            .0
            .starts_with("http/1.1 404 ")
    );
    // The gateway goes away; the site does not notice.
    gateway.kill();
    for _ in 0..5 {
        let answer = get(&at, "/", &[("X-User", "alice"), ASKS]);
        assert_eq!((unread(&answer.0), answer.1.as_str()), (None, "alice"));
    }
    lab::eventually("one line says so", Duration::from_secs(20), || {
        proxy.wrong().matches("the gateway fails").count() == 1
    });
    proxy.terminate(0);
}

#[test]
fn a_user_header_from_elsewhere_is_not_believed_and_does_not_reach_the_site() {
    let folder = lab::folder();
    let gateway = Process::start(folder.path(), &["demo", "--port", "0"], "stop:");
    let api = gateway.url();
    publish(&api, "alice", "for alice");
    let upstream = format!("http://{}", site());
    let file =
        format!("[proxy]\nupstream = \"{upstream}\"\ngateway = \"{api}\"\npatience_ms = 30000\n");
    lab::write(folder.path(), "site.toml", &file);
    let proxy = Process::start(
        folder.path(),
        &[
            "proxy",
            "--config",
            "site.toml",
            "--user-header",
            "X-User",
            "--user-from",
            "192.0.2.0/24",
            "--as",
            "alice",
        ],
        "stop:",
    );
    // It comes from this machine, which is not 192.0.2.0/24; everybody is alice, for trying out.
    let answer = get(&address(&proxy), "/", &[("X-User", "bob"), ASKS]);
    assert_eq!(answer.1, "nobody");
    assert!(
        unread(&answer.0).unwrap().starts_with("new=1, "),
        "{}",
        answer.0
    );
}

#[test]
fn what_cannot_be_meant_is_said_before_anything_listens() {
    let folder = lab::folder();
    lab::write(
        folder.path(),
        "bad.toml",
        "[proxy]\nupstream = \"http://a/b\"\nhost = \"kept\"\n",
    );
    for (arguments, said) in [
        (&["proxy"][..], "no site is named"),
        (
            &["proxy", "--upstream", "http://a/b"],
            "it has more than scheme, host and port",
        ),
        (&["proxy", "--config", "bad.toml"], "did you mean \"keep\""),
        (
            &[
                "proxy",
                "--upstream",
                "http://127.0.0.1:9",
                "--as",
                "alice",
                "--listen",
                "0.0.0.0:0",
            ],
            "--as would give everybody",
        ),
    ] {
        let output = lab::run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            lab::stderr(&output).contains(said),
            "{}",
            lab::stderr(&output)
        );
    }
}
