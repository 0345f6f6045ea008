//! Stores: what was committed is there after any end of the process; what cannot be opened says why.
#![expect(clippy::unwrap_used, reason = "test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use sirgate::driver::store::sqlite::Sqlite;
use sirgate::driver::store::{Change, Query, Store, StoreError};
use sirgate::time::Time;
use sirgate::world::{Record, RecordKey, RecordKind};
use tempfile::TempDir;

fn key(kind: RecordKind, id: &str) -> RecordKey {
    RecordKey {
        kind,
        id: id.to_owned(),
    }
}

fn push(id: &str, live: bool) -> Record {
    Record {
        key: key(RecordKind::Push, id),
        pui: Some("sip:alice@example.com".to_owned()),
        live,
        due: Some(Time::from_secs(100)),
        body: format!("{{\"v\":1,\"id\":\"{id}\"}}").into_bytes(),
    }
}

fn save(id: &str) -> Change {
    Change::Save(push(id, true))
}

fn ids(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.key.id.as_str())
        .collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open(path).unwrap()
}

#[test]
fn records_are_there_after_reopening_in_the_order_of_their_first_saving() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    store.commit(&[save("b"), save("a")]).unwrap();
    store.commit(&[save("c"), save("b")]).unwrap();
    drop(store);
    let mut store = open(&path);
    let records = store.load().unwrap();
    assert_eq!(ids(&records), ["b", "a", "c"]);
    assert_eq!(records.first(), Some(&push("b", true)));
}

#[test]
fn every_field_comes_back_as_it_was() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    let records = [
        Record {
            key: key(RecordKind::Binding, "ünïcode \u{0} '\""),
            pui: None,
            live: true,
            due: Some(Time::FAR),
            body: vec![0, 255, 10],
        },
        Record {
            key: key(RecordKind::Identity, ""),
            pui: Some(String::new()),
            live: true,
            due: None,
            body: Vec::new(),
        },
    ];
    let changes: Vec<_> = records.iter().cloned().map(Change::Save).collect();
    store.commit(&changes).unwrap();
    assert_eq!(store.load().unwrap(), records);
}

#[test]
fn the_last_change_of_a_record_counts_within_one_commit() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    store
        .commit(&[
            save("a"),
            Change::Forget(key(RecordKind::Push, "a")),
            save("b"),
            Change::Forget(key(RecordKind::Push, "never there")),
            Change::Save(push("b", false)),
            save("c"),
        ])
        .unwrap();
    assert_eq!(ids(&store.load().unwrap()), ["c"]);
}

#[test]
fn a_binding_that_is_saved_again_has_its_latest_values_in_its_first_place() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    let binding = |id: &str, body: &[u8], live: bool| {
        Change::Save(Record {
            key: key(RecordKind::Binding, id),
            pui: Some(format!("sip:{}@example.com", body.len())),
            live,
            due: Some(Time::from_secs(u64::try_from(body.len()).unwrap())),
            body: body.to_vec(),
        })
    };
    store
        .commit(&[binding("1", b"a", true), binding("2", b"b", true)])
        .unwrap();
    store.commit(&[binding("1", b"longer", true)]).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(ids(&loaded), ["1", "2"]);
    assert_eq!(
        Change::Save(loaded[0].clone()),
        binding("1", b"longer", true)
    );
    // One that had ended is live again, as any other record would be.
    store.commit(&[binding("2", b"b", false)]).unwrap();
    assert_eq!(ids(&store.load().unwrap()), ["1"]);
    store.commit(&[binding("2", b"bb", true)]).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(Change::Save(loaded[1].clone()), binding("2", b"bb", true));
}

#[test]
fn more_records_than_one_statement_takes_are_kept_in_their_order() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    let names: Vec<String> = (0..50).map(|number| format!("n{number}")).collect();
    let mut changes: Vec<Change> = names.iter().map(|name| save(name)).collect();
    changes.insert(20, Change::Forget(key(RecordKind::Push, "n19")));
    changes.push(Change::Save(push("n3", false)));
    store.commit(&changes).unwrap();
    let mut kept: Vec<&str> = names.iter().map(String::as_str).collect();
    kept.retain(|name| !matches!(*name, "n3" | "n19"));
    assert_eq!(ids(&store.load().unwrap()), kept);
    // Again, with fewer and with as many as a statement takes.
    store.commit(&changes[..3]).unwrap();
    store.commit(&changes[..16]).unwrap();
    kept.insert(3, "n3");
    assert_eq!(ids(&store.load().unwrap()), kept);
}

#[test]
fn the_same_id_of_another_kind_is_another_record() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    let mut other = push("a", true);
    other.key.kind = RecordKind::Owed;
    store.commit(&[save("a"), Change::Save(other)]).unwrap();
    store
        .commit(&[Change::Forget(key(RecordKind::Push, "a"))])
        .unwrap();
    let left = store.load().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left.first().unwrap().key.kind, RecordKind::Owed);
}

#[test]
fn ended_records_are_history_and_not_loaded() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    let mut bob = push("3", false);
    bob.pui = Some("sip:bob@example.com".to_owned());
    store
        .commit(&[
            Change::Save(push("1", false)),
            save("2"),
            Change::Save(bob),
            Change::Save(push("4", false)),
        ])
        .unwrap();
    assert_eq!(ids(&store.load().unwrap()), ["2"]);
    let mut find = |query: Query| ids(&store.history(&query).unwrap()).join(" ");
    assert_eq!(find(Query::default()), "4 3 2 1");
    let ended = Query {
        live: Some(false),
        ..Query::default()
    };
    assert_eq!(find(ended.clone()), "4 3 1");
    let of_alice = Query {
        pui: Some("sip:alice@example.com".to_owned()),
        limit: 1,
        ..ended
    };
    assert_eq!(find(of_alice), "4");
    let by_id = Query {
        kind: Some(RecordKind::Push),
        id: Some("3".to_owned()),
        ..Query::default()
    };
    assert_eq!(find(by_id), "3");
    let of_another_kind = Query {
        kind: Some(RecordKind::Owed),
        ..Query::default()
    };
    assert_eq!(find(of_another_kind), "");
}

#[test]
fn ended_records_go_when_they_are_due_and_live_ones_stay() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    store
        .commit(&[Change::Save(push("1", false)), save("2")])
        .unwrap();
    assert_eq!(store.prune(Time::from_secs(100)).unwrap(), 0);
    assert_eq!(store.prune(Time::from_secs(101)).unwrap(), 1);
    assert_eq!(ids(&store.history(&Query::default()).unwrap()), ["2"]);
}

#[test]
fn health_counts_records_and_octets() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    store
        .commit(&[save("1"), save("2"), Change::Save(push("3", false))])
        .unwrap();
    let health = store.health().unwrap();
    assert_eq!((health.live, health.ended), (2, 1));
    assert!(health.octets >= 4096 && health.log_octets > 0);
}

#[test]
fn a_full_store_takes_all_of_a_commit_or_nothing() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    store.limit(256 << 10).unwrap();
    let mut large = push("large", true);
    large.body = vec![7; 1 << 20];
    let refused = store.commit(&[save("small"), Change::Save(large)]);
    assert!(
        matches!(refused, Err(StoreError::Full { .. })),
        "{refused:?}"
    );
    assert_eq!(store.load().unwrap(), []);
    store.commit(&[save("small")]).unwrap();
    drop(store);
    assert_eq!(ids(&open(&path).load().unwrap()), ["small"]);
}

#[test]
fn many_octets_go_through_the_log_into_the_file() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    for round in 0..24 {
        let mut record = push(&round.to_string(), true);
        record.body = vec![1; 1 << 20];
        store.commit(&[Change::Save(record)]).unwrap();
    }
    drop(store);
    let mut store = open(&path);
    assert_eq!(store.load().unwrap().len(), 24);
    assert_eq!(store.check().unwrap(), [""; 0]);
}

#[test]
fn a_file_of_a_newer_format_is_refused_untouched() {
    let folder = folder();
    let path = folder.path().join("s.db");
    drop(open(&path));
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }));
    let text = error.to_string();
    assert!(
        text.contains("newer sirgate (format 99, this one knows"),
        "{text}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(other);
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let text = b"this is a letter to my aunt, not a database ".repeat(200);
    std::fs::write(&path, &text).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("is no sirgate store"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), text);
}

#[test]
fn a_damaged_file_says_so_and_what_to_do() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    let changes: Vec<_> = (0..2_000).map(|n| save(&format!("push-{n}"))).collect();
    store.commit(&changes).unwrap();
    drop(store);
    let mut octets = std::fs::read(&path).unwrap();
    let len = octets.len();
    // The header stays, so that it is opened; the rest is noise.
    for octet in &mut octets[4096..len] {
        *octet = octet.wrapping_mul(31).wrapping_add(7);
    }
    std::fs::write(&path, octets).unwrap();
    let error = match Sqlite::open(&path) {
        Err(error) => error,
        Ok(mut store) => store.load().unwrap_err(),
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("restore a copy"), "{error}");
}

#[test]
fn a_second_process_does_not_get_the_file() {
    let folder = folder();
    let path = folder.path().join("s.db");
    let first = open(&path);
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(first);
    open(&path);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let error = Sqlite::open(&folder.path().join("none/s.db")).unwrap_err();
    assert!(error.to_string().contains("none/s.db"), "{error}");
}

#[test]
fn a_copy_made_while_in_use_is_a_store() {
    let folder = folder();
    let mut store = open(&folder.path().join("s.db"));
    store.commit(&[save("a")]).unwrap();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert_eq!(ids(&open(&copy).load().unwrap()), ["a"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("s.db");
    let mut store = open(&path);
    store.commit(&[save("a")]).unwrap();
    for name in ["s.db", "s.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o077, 0, "{name}");
    }
}

/// Set for the process that commits until it is killed.
const VICTIM: &str = "SIRGATE_TEST_VICTIM";

/// Commits and prints the name of each record once its commit is done; only as a process of its own.
#[test]
fn victim() {
    let Ok(path) = std::env::var(VICTIM) else {
        return;
    };
    let mut store = open(Path::new(&path));
    let mut out = std::io::stdout();
    for round in 0_u64.. {
        let changes: Vec<_> = (0..8).map(|n| save(&format!("{round}-{n}"))).collect();
        store.commit(&changes).unwrap();
        // Past the harness, which would keep it to itself.
        writeln!(out, "committed {round}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn nothing_committed_is_lost_by_kill_9() {
    for round in 0..5_u64 {
        let folder = folder();
        let path = folder.path().join("s.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["victim", "--exact", "--nocapture", "--test-threads=1"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last = None;
        while last.is_none_or(|last| last < 20 + round * 13) {
            let line = lines.next().unwrap().unwrap();
            if let Some(number) = line.strip_prefix("committed ") {
                last = Some(number.parse::<u64>().unwrap());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said between our last look and its end counts too.
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("committed ") {
                last = Some(number.parse::<u64>().unwrap());
            }
        }
        let last = last.unwrap();
        let mut store = open(&path);
        let found = store.load().unwrap();
        let whole = found.len() as u64;
        assert_eq!(whole % 8, 0, "half a commit was stored");
        assert!(
            whole / 8 > last,
            "commit {last} is lost, {whole} records found"
        );
        assert_eq!(store.check().unwrap(), [""; 0]);
    }
}
