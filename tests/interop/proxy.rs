//! `sirgate proxy` before an unmodified nginx.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lab::{self, Process};
use crate::{Running, loopback};

/// Octets that look like nothing in particular, and hold every value.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let octets = (0..count).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    });
    octets.collect()
}

/// nginx as Debian has it, with a small site in a folder of its own.
fn nginx(folder: &Path) -> (Running, String) {
    let site = folder.join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("index.html"), "<!doctype html><p>Grüße\n").expect("written");
    let picture = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(20_000)].concat();
    fs::write(site.join("picture.png"), picture).expect("written");
    fs::write(site.join("large.bin"), noise(5 << 20)).expect("written");
    fs::write(site.join("empty.txt"), "").expect("written");
    let at = loopback(lab::free_port());
    let place = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/error.log;\n\
         events {{}}\n\
         http {{\n\
           types {{ text/html html; image/png png; }}\n\
           default_type application/octet-stream;\n\
           log_format seen '$request|$http_host|$http_user_agent|$http_cookie|$http_accept_encoding|$http_range|$http_connection|$http_via|$http_x_forwarded_for|$http_sirgate_piggyback';\n\
           access_log {place}/access.log seen;\n\
           client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;\n\
           uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
           gzip on; gzip_types text/html; gzip_min_length 1;\n\
           server {{ listen {at}; root {place}/site; location /old {{ return 301 /index.html; }} }}\n\
         }}\n"
    );
    let file = lab::write(folder, "nginx.conf", &text);
    let process = Command::new("nginx")
        .args(["-p", &place.to_string(), "-c", &file.display().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx runs");
    let running = Running(process);
    let url = format!("http://{at}");
    lab::eventually("nginx answers", Duration::from_secs(30), || {
        lab::http(&url, "GET", &[], b"").is_some_and(|(status, _)| status == 200)
    });
    (running, url)
}

/// Status and rows of a response, without those of time and ours, and its body.
struct Got {
    rows: BTreeSet<String>,
    unread: Option<String>,
    body: Vec<u8>,
}

fn curl(folder: &Path, url: &str, arguments: &[&str]) -> Got {
    let (head, body) = (folder.join("head"), folder.join("body.out"));
    let _ = fs::remove_file(&body);
    let status = Command::new("curl")
        .args(["-sS", "--max-time", "60", "-A", "some (one)", "-D"])
        .args([&head, Path::new("-o"), &body])
        .args(arguments)
        .arg(url)
        .status()
        .expect("curl runs");
    assert!(status.success(), "{url} {arguments:?}");
    let head = fs::read_to_string(head).expect("a head");
    let rows = head.lines().filter(|row| !row.is_empty());
    let is_ours = |row: &str| {
        let row = row.to_ascii_lowercase();
        [
            "date:",
            "connection:",
            "sirgate-",
            "cache-control: private=",
        ]
        .iter()
        .any(|name| row.starts_with(name))
    };
    let unread = rows
        .clone()
        .find_map(|row| row.strip_prefix("sirgate-unread: "));
    Got {
        unread: unread.map(str::to_owned),
        rows: rows
            .filter(|row| !is_ours(row))
            .map(str::to_owned)
            .collect(),
        body: fs::read(body).unwrap_or_default(),
    }
}

fn publish(api: &str, to: &str, title: &str) {
    let body = format!(r#"{{"to":"{to}","title":"{title}"}}"#);
    let json = [("content-type", "application/json")];
    let url = format!("{api}/api/v1/apps/site/messages");
    let answered = lab::http(&url, "POST", &json, body.as_bytes());
    assert_eq!(answered.map(|(status, _)| status), Some(201));
}

/// The gateway and the proxy before that site, and where it is.
fn proxy(folder: &Path, site: &str) -> (Process, Process, String, String) {
    let gateway = Process::start(folder, &["demo", "--port", "0"], "stop:");
    let api = gateway.url();
    let arguments = [
        "proxy",
        "--upstream",
        site,
        "--gateway",
        &api,
        "--user-header",
        "X-User",
        "--patience",
        "30s",
    ];
    let proxy = Process::start(folder, &arguments, "stop:");
    let ready = proxy
        .banner
        .last()
        .and_then(|row| row.split_whitespace().nth(1));
    let at = ready.expect("its URL").trim_end_matches('/').to_owned();
    (gateway, proxy, api, at)
}

const ASKS: [&str; 4] = ["-H", "X-User: alice", "-H", "Sirgate-Piggyback: 1;seen=0"];

#[test]
fn s4_5_r4_19_nginx_and_its_users_notice_nothing_but_the_header() {
    let folder = lab::folder();
    let (_nginx, site) = nginx(folder.path());
    let (_gateway, _proxy, api, at) = proxy(folder.path(), &site);
    publish(&api, "alice", "for alice");
    let tag = curl(folder.path(), &format!("{site}/large.bin"), &[]);
    let tag = tag.rows.iter().find_map(|row| row.strip_prefix("ETag: "));
    let known = format!("If-None-Match: {}", tag.expect("a tag"));
    let cases: &[(&str, &[&str])] = &[
        ("/", &[]),
        ("/index.html", &["-H", "Accept-Encoding: gzip"]),
        ("/picture.png", &["-H", "Cookie: a=1; b=2"]),
        ("/large.bin", &[]),
        ("/empty.txt", &[]),
        ("/large.bin", &["-r", "100-2099"]),
        ("/large.bin", &["-r", "-7"]),
        ("/large.bin", &["-r", "99999999-"]),
        ("/large.bin", &["-H", &known]),
        ("/large.bin", &["-I"]),
        ("/index.html", &["-I"]),
        ("/missing", &[]),
        ("/old", &[]),
        ("/index.html", &["-X", "OPTIONS"]),
        ("/index.html", &["-d", "posted"]),
    ];
    let seen = || fs::read_to_string(folder.path().join("access.log")).expect("a log");
    for (path, arguments) in cases {
        let named = [*arguments, &["-H", "Host: site.example"]].concat();
        let direct = curl(folder.path(), &format!("{site}{path}"), &named);
        let mut asking = named.clone();
        asking.extend(ASKS);
        let proxied = curl(folder.path(), &format!("{at}{path}"), &asking);
        assert_eq!(direct.rows, proxied.rows, "{path} {arguments:?}");
        // What curl writes of a HEAD is the head.
        let is_head = arguments.contains(&"-I");
        assert!(
            is_head || direct.body == proxied.body,
            "{path} {arguments:?}: the bodies differ"
        );
        assert_eq!(direct.unread, None);
        // OPTIONS is no business of a user's.
        let bears = !arguments.contains(&"OPTIONS");
        assert_eq!(proxied.unread.is_some(), bears, "{path} {arguments:?}");
        // What nginx wrote of both requests is the same.
        lab::eventually("both are in the log", Duration::from_secs(20), || {
            let all = seen();
            let last: Vec<&str> = all.lines().rev().take(2).collect();
            last.len() == 2 && last[0] == last[1]
        });
    }
    assert!(!seen().contains("seen=0"), "the question reached the site");
    // Who proves nothing gets the same without the header.
    let plain = curl(
        folder.path(),
        &format!("{at}/picture.png"),
        &["-H", ASKS[3]],
    );
    assert_eq!((plain.unread, plain.body.len()), (None, 20_008));
}

#[test]
fn r4_8_two_users_of_one_site_at_once_never_see_what_is_the_others() {
    let folder = lab::folder();
    let (_nginx, site) = nginx(folder.path());
    let (_gateway, _proxy, api, at) = proxy(folder.path(), &site);
    publish(&api, "alice", "for alice");
    let json = [("content-type", "application/json")];
    let entered = lab::http(
        &format!("{api}/api/v1/clients"),
        "POST",
        &json,
        br#"{"account":"bob"}"#,
    );
    assert_eq!(entered.map(|(status, _)| status), Some(201));
    publish(&api, "bob", "one for bob");
    publish(&api, "bob", "two for bob");
    let asking = |user: &'static str, new: &'static str| {
        let at = at.clone();
        std::thread::spawn(move || {
            let own = lab::folder();
            let name = format!("X-User: {user}");
            for _ in 0..40 {
                let rows = ["-H", &name, "-H", "Sirgate-Piggyback: 1;seen=0"];
                let got = curl(own.path(), &format!("{at}/picture.png"), &rows);
                let unread = got.unread.expect("a stamp");
                assert!(unread.starts_with(new), "{user}: {unread}");
            }
        })
    };
    let both = [
        asking("alice", "new=1, old=0, seq=1,"),
        asking("bob", "new=2, old=0, seq=2,"),
    ];
    for user in both {
        user.join().expect("its own");
    }
}
