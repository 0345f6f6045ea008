//! What somebody stumbles over who has README.md and the program: each contradiction is told, each silence broken.

mod lab;

use lab::Process;

/// Runs and expects that exit code; what it said on both ways comes back.
fn expect(folder: &std::path::Path, code: i32, arguments: &[&str]) -> String {
    let output = lab::run(folder, arguments);
    let said = format!("{}{}", lab::stdout(&output), lab::stderr(&output));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn legacy_for_some_devices_only_is_a_contradiction_that_is_refused() {
    let folder = lab::folder();
    let at = folder.path();
    let demo = Process::start(at, &["demo", "--port", "0"], "next:");
    let api = demo.url();
    let legacy = ["push", "alice", "x", "--plan", "legacy", "--api", &api];
    for chosen in [
        &["--only", "C1"][..],
        &["--device", "urn:dev:mac:0024befffe804ff1"],
    ] {
        let said = expect(at, 2, &[&legacy[..], chosen].concat());
        assert!(said.contains("--plan legacy wakes every device"), "{said}");
    }
    let said = expect(at, 0, &legacy);
    assert!(said.contains("delivered to 3 of 3"), "{said}");
    // All have a session now: nobody is woken, and legacy is what happens all the same.
    let said = expect(at, 0, &legacy);
    assert!(said.contains("plan legacy"), "{said}");
    assert!(!said.contains("no effect"), "{said}");
}
