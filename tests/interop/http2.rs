//! Initiators that speak HTTP/2: curl by prior knowledge and over TLS, nghttp.

use std::path::Path;
use std::process::Command;

use crate::{Ports, TRIO, lab};

/// Runs a client; what it said on both ways.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    format!("{}{}", lab::stdout(&output), lab::stderr(&output))
}

/// A file with a submission, and its media type.
fn submission(folder: &Path, push: &str) -> (String, String) {
    let to = "sip:alice@example.com";
    let (content_type, body) = lab::submission(push, to, None, &[], "hello");
    let file = folder.join(format!("{push}.txt"));
    std::fs::write(&file, body).unwrap();
    (content_type, file.display().to_string())
}

#[test]
fn the_same_submission_is_taken_over_every_version_of_http_and_by_another_implementation() {
    let folder = lab::folder();
    let ports = Ports::free();
    let secure = lab::free_port();
    let listen = format!("https = \"127.0.0.1:{secure}\"\n[store]");
    let config = ports.config(TRIO).replacen("[store]", &listen, 1);
    lab::write(folder.path(), "lab.toml", &config);
    let serve = ["serve", "--config", "lab.toml"];
    let _gateway = lab::Process::start(folder.path(), &serve, "ready");
    let plain = format!("{}/pap", ports.api());
    let secure = format!("https://127.0.0.1:{secure}/pap");
    for (version, url, used) in [
        ("--http1.1", &plain, "1.1"),
        ("--http2-prior-knowledge", &plain, "2"),
        ("--http1.1", &secure, "1.1"),
        ("--http2", &secure, "2"),
    ] {
        let push = format!("{}{used}", url.split(':').next().unwrap());
        let (content_type, file) = submission(folder.path(), &push);
        let (header, data) = (format!("Content-Type: {content_type}"), format!("@{file}"));
        let arguments = [
            version,
            "-sSk",
            "-w",
            "\n%{http_code} %{http_version}",
            "-H",
            &header,
            "--data-binary",
            &data,
            url,
        ];
        let answer = said("curl", &arguments);
        assert!(
            answer.ends_with(&format!("\n202 {used}")),
            "{version} {url}: {answer}"
        );
        assert!(
            answer.contains("code=\"1001\""),
            "{version} {url}: {answer}"
        );
    }
    for (number, url) in [&plain, &secure].into_iter().enumerate() {
        let (content_type, file) = submission(folder.path(), &format!("nghttp{number}"));
        let header = format!("content-type: {content_type}");
        let arguments = ["-v", "-y", "-H", &header, "-d", &file, url];
        let answer = said("nghttp", &arguments);
        assert!(answer.contains(":status: 202"), "{url}: {answer}");
        assert!(answer.contains("code=\"1001\""), "{url}: {answer}");
        assert!(
            answer.contains("SETTINGS_MAX_CONCURRENT_STREAMS(0x03):128"),
            "{url}: {answer}"
        );
    }
}
