//! Records before answers: what was answered is stored, what could not be stored is not answered as if it were.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sirgate::driver::store::sqlite::Sqlite;
use sirgate::driver::store::{Change, Health, Query, Store, StoreError};
use sirgate::time::Time;
use sirgate::world::Record;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Connection, get, post};
use crate::node::{run, stop, usual};

/// A store that takes its time, or takes nothing.
#[derive(Clone, Debug, Default)]
struct Slow {
    patience: Duration,
    commits: Arc<Mutex<Vec<usize>>>,
    stored: Arc<Mutex<Vec<String>>>,
    under_way: Arc<AtomicBool>,
    is_full: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
}

impl Slow {
    fn stored(&self) -> Vec<String> {
        self.stored.lock().unwrap().clone()
    }
}

impl Store for Slow {
    fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        self.under_way.store(true, Ordering::SeqCst);
        std::thread::sleep(self.patience);
        if self.is_full.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Full { path: "x".into() });
        }
        let names = changes.iter().map(|change| match change {
            Change::Save(record) => record.key.id.clone(),
            Change::Forget(key) => format!("-{}", key.id),
        });
        self.stored.lock().unwrap().extend(names);
        self.commits.lock().unwrap().push(changes.len());
        self.under_way.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn history(&mut self, _: &Query) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    fn prune(&mut self, _: Time) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn health(&mut self) -> Result<Health, StoreError> {
        Ok(Health::default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_until_its_record_is_stored() {
    let store = Slow {
        patience: Duration::from_millis(200),
        ..Slow::default()
    };
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let journal = setup.journal.clone();
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    let saving = tokio::spawn(async move { post(http, "/save", "a").await });
    while !store.under_way.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal.last(), 0, "the report waits too");
    assert_eq!(store.stored(), [""; 0]);
    let got = saving.await.unwrap();
    assert_eq!(got.status, 200);
    assert_eq!(store.stored(), ["a"]);
    assert_eq!(journal.last(), 1);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_requests_that_wait_share_a_commit() {
    let store = Slow {
        patience: Duration::from_millis(100),
        ..Slow::default()
    };
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    let mut saving = JoinSet::new();
    for number in 0..50 {
        saving.spawn(async move { post(http, "/save", &number.to_string()).await.status });
    }
    let all = saving.join_all().await;
    assert!(all.iter().all(|status| *status == 200));
    let commits = store.commits.lock().unwrap().clone();
    assert_eq!(commits.iter().sum::<usize>(), 50);
    assert!(commits.len() < 25, "{commits:?}");
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_overtakes_a_record_that_is_not_yet_stored() {
    let store = Slow {
        patience: Duration::from_millis(150),
        ..Slow::default()
    };
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    let saving = tokio::spawn(async move { post(http, "/save", "a").await });
    while !store.under_way.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    // Handled after the save, so answered after it.
    assert_eq!(post(http, "/event", "later").await.status, 200);
    assert_eq!(store.stored(), ["a"]);
    assert_eq!(saving.await.unwrap().status, 200);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_holds_answers_and_refuses_until_there_is_room_again() {
    let store = Slow::default();
    store.is_full.store(true, Ordering::SeqCst);
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let journal = setup.journal.clone();
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    let saving = tokio::spawn(async move { post(http, "/save", "a").await });
    while get(http, "/readyz").await.status == 200 {
        tokio::task::yield_now().await;
    }
    // From now on nothing that changes something reaches the node.
    let got = post(http, "/event", "x").await;
    assert_eq!(got.status, 503);
    assert!(got.head.contains("retry-after: 5"), "{}", got.head);
    assert!(format!("{:?}", journal.events()).contains("no room left"));
    let events = journal.last();
    assert_eq!(post(http, "/event", "x").await.status, 503);
    assert_eq!(journal.last(), events);
    assert_eq!(get(http, "/echo").await.status, 200);
    let ready = get(http, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["faults"][0], "the store takes no records");
    // The node knows the record and will try again, so it must not say that nothing was accepted.
    assert!(!saving.is_finished());
    store.is_full.store(false, Ordering::SeqCst);
    let recovered = async {
        while get(http, "/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), recovered).await.unwrap();
    assert_eq!(saving.await.unwrap().status, 200);
    assert_eq!(store.stored(), ["a"]);
    assert_eq!(post(http, "/save", "b").await.status, 200);
    assert_eq!(store.stored(), ["a", "b"]);
    stop(handle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_under_way_and_stores_its_records() {
    let store = Slow {
        patience: Duration::from_millis(200),
        ..Slow::default()
    };
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let (mut handle, addresses) = run(setup);
    let http = addresses.http[0];
    let mut saving = Connection::to(http).await;
    saving
        .send(b"POST /save HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\na")
        .await;
    while !store.under_way.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    handle.stop();
    assert_eq!(saving.answer().await.status, 200);
    handle.ended().await.unwrap();
    assert_eq!(store.stored(), ["a"]);
    let refused = tokio::net::TcpStream::connect(http).await;
    assert!(refused.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_forgotten_alone_are_dropped_before_the_end() {
    let store = Slow::default();
    let mut setup = usual();
    setup.store = Some(Box::new(store.clone()));
    let (handle, addresses) = run(setup);
    assert_eq!(post(addresses.http[0], "/forget", "a").await.status, 200);
    stop(handle).await;
    assert_eq!(store.stored(), ["-a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_in_the_file_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut setup = usual();
    setup.store = Some(Box::new(Sqlite::open(&path).unwrap()));
    let (handle, addresses) = run(setup);
    let http = addresses.http[0];
    let mut saving = JoinSet::new();
    for number in 0..20 {
        saving.spawn(async move { post(http, "/save", &number.to_string()).await.status });
    }
    assert_eq!(saving.join_all().await, [200; 20]);
    assert_eq!(post(http, "/forget", "7").await.status, 200);
    stop(handle).await;
    let left = Sqlite::open(&path).unwrap().load().unwrap();
    assert_eq!(left.len(), 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_store_answers_and_keeps_nothing() {
    let (handle, addresses) = run(usual());
    assert_eq!(post(addresses.http[0], "/save", "a").await.status, 200);
    stop(handle).await;
}
