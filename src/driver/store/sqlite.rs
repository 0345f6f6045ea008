//! Records in one SQLite file, which `sqlite3` can open beside us.
//!
//! Write-ahead log with a full sync at every commit: what [`Store::commit`] has returned for survives `kill -9` and a
//! power cut. The log is copied into the main file by a thread of its own, outside of commits.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Statement, TransactionBehavior};

use super::{Change, Health, Query, Store, StoreError};
use crate::time::Time;
use crate::world::{Record, RecordKey, RecordKind};

/// `SIRG`: marks the file as ours.
const APPLICATION_ID: i64 = 0x5349_5247;

/// Steps from one format of the file to the next; a file's format is the number of steps taken.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE record (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        pui TEXT,
        live INTEGER NOT NULL,
        due INTEGER,
        body BLOB NOT NULL,
        UNIQUE (kind, id)
    ) STRICT;
    CREATE INDEX record_live ON record (number) WHERE live = 1;
    CREATE INDEX record_pui ON record (pui, number) WHERE pui IS NOT NULL;
    CREATE INDEX record_ended ON record (due) WHERE live = 0;
",
    // Every push of another identity wrote another page of it, and only people ask for an identity's records.
    "DROP INDEX record_pui;",
];

/// Records saved by one statement where there are so many: what a statement costs besides its rows is a third of a row.
const ROWS: usize = 16;
const COLUMNS_OF_ROW: usize = 6;

/// The statement that saves so many records.
fn save_sql(rows: usize) -> String {
    let values = vec!["(?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!(
        "INSERT INTO record ({COLUMNS}) VALUES {values}
         ON CONFLICT (kind, id) DO UPDATE
         SET pui = excluded.pui, live = excluded.live, due = excluded.due, body = excluded.body"
    )
}

static SAVE: LazyLock<String> = LazyLock::new(|| save_sql(1));
static SAVE_ROWS: LazyLock<String> = LazyLock::new(|| save_sql(ROWS));

/// A live record stays live: no index changes, so that only the row is written.
const RENEW: &str = "
    UPDATE record SET pui = ?3, due = ?4, body = ?5 WHERE kind = ?1 AND id = ?2 AND live = 1";

const FORGET: &str = "DELETE FROM record WHERE kind = ?1 AND id = ?2";

const COLUMNS: &str = "kind, id, pui, live, due, body";

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);
/// Octets committed between two copies of the log into the main file.
const COPY_OCTETS: usize = 4 << 20;
/// Pages of the log from which on a commit copies it itself, because the thread could not keep up.
const LOG_PAGES: i64 = 16_384;
/// Ended records dropped in one transaction.
const PRUNE: i64 = 1_000;
/// Pages given back to the system at a time.
const VACUUM: i64 = 1_000;
/// Records a query gives at most, unless it says otherwise, and at all.
const QUERY_ROWS: (usize, usize) = (100, 10_000);

/// A store in one file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
    copier: Copier,
    /// Octets committed since the log was last copied.
    fresh_octets: usize,
    /// Held as long as the store is open, so that no second gateway writes to it.
    _lock: File,
}

impl Sqlite {
    /// Opens the file, makes it when it is not there, and brings an older format up to date.
    ///
    /// # Errors
    /// When the file is newer than this program, no store, damaged, in use, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        create(path)?;
        let mut connection = connect(path)?;
        prepare(&mut connection, path)?;
        let copier = Copier::start(path)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            copier,
            fresh_octets: 0,
            _lock: lock,
        })
    }

    /// Lets the file grow to at most so many octets; a commit that needs more fails as on a full disk.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn limit(&mut self, octets: u64) -> Result<(), StoreError> {
        let page: i64 = self.pragma("page_size")?;
        let octets = i64::try_from(octets).unwrap_or(i64::MAX);
        let pages = octets.checked_div(page).unwrap_or(octets).max(1);
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(|error| fault(&self.path, &error))
    }

    /// Looks through the whole file for damage; the faults found, none when it is sound.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut lines = read().map_err(|error| fault(&self.path, &error))?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    /// Writes a whole copy to a file that does not exist yet, while the store is in use.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let target = to.to_string_lossy();
        self.connection
            .execute("VACUUM INTO ?1", [target.as_ref()])
            .map(|_| ())
            .map_err(|error| fault(to, &error))
    }

    fn pragma(&self, name: &str) -> Result<i64, StoreError> {
        pragma(&self.connection, name).map_err(|error| fault(&self.path, &error))
    }

    fn select(&self, condition: &str, values: &[Value]) -> Result<Vec<Record>, StoreError> {
        let read = || {
            let sql = format!("SELECT {COLUMNS} FROM record {condition}");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
            let rows = statement.query_map(values.as_slice(), record)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = read().map_err(|error| fault(&self.path, &error))?;
        rows.into_iter()
            .map(|row| {
                row.ok_or_else(|| StoreError::Damaged {
                    path: self.path.clone(),
                    why: "a record of a kind that is none".to_owned(),
                })
            })
            .collect()
    }
}

impl Store for Sqlite {
    fn load(&mut self) -> Result<Vec<Record>, StoreError> {
        self.select("WHERE live = 1 ORDER BY number", &[])
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let octets =
            write(&mut self.connection, changes).map_err(|error| fault(&self.path, &error))?;
        self.fresh_octets = self.fresh_octets.saturating_add(octets);
        if self.fresh_octets >= COPY_OCTETS {
            self.fresh_octets = 0;
            self.copier.wake();
        }
        Ok(())
    }

    fn history(&mut self, query: &Query) -> Result<Vec<Record>, StoreError> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut add = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{column} = ?{}", values.len()));
            }
        };
        add("kind", query.kind.map(|kind| kind.name().to_owned().into()));
        add("id", query.id.clone().map(Into::into));
        add("pui", query.pui.clone().map(Into::into));
        let (usual, most) = QUERY_ROWS;
        let rows = if query.limit == 0 { usual } else { query.limit };
        // Indexes for one or the other are used only where the number itself stands.
        conditions.extend(query.live.map(|live| format!("live = {}", u8::from(live))));
        let order = match query.live {
            Some(false) => "due DESC, number DESC",
            _ => "number DESC",
        };
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        let condition = format!("{condition} ORDER BY {order} LIMIT {}", rows.min(most));
        self.select(&condition, &values)
    }

    fn prune(&mut self, before: Time) -> Result<u64, StoreError> {
        let drop = || {
            let count = self.connection.execute(
                "DELETE FROM record WHERE number IN
                 (SELECT number FROM record WHERE live = 0 AND due < ?1 LIMIT ?2)",
                (to_integer(before), PRUNE),
            )?;
            if count > 0 {
                self.connection
                    .execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM})"))?;
            }
            Ok(u64::try_from(count).unwrap_or(0))
        };
        drop().map_err(|error| fault(&self.path, &error))
    }

    fn health(&mut self) -> Result<Health, StoreError> {
        let count = |live: i64| {
            self.connection.query_row(
                "SELECT count(*) FROM record WHERE live = ?1",
                [live],
                |row| row.get::<_, i64>(0),
            )
        };
        let read = || {
            let pages = pragma(&self.connection, "page_count")?;
            let page = pragma(&self.connection, "page_size")?;
            Ok((count(1)?, count(0)?, pages.saturating_mul(page)))
        };
        let (live, ended, octets) = read().map_err(|error| fault(&self.path, &error))?;
        let whole = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Health {
            live: whole(live),
            ended: whole(ended),
            octets: whole(octets),
            log_octets: std::fs::metadata(beside(&self.path, "-wal")).map_or(0, |log| log.len()),
        })
    }
}

fn write(connection: &mut Connection, changes: &[Change]) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut octets = 0_usize;
    {
        let mut save_rows = transaction.prepare_cached(&SAVE_ROWS)?;
        let mut save = transaction.prepare_cached(&SAVE)?;
        let mut renew = transaction.prepare_cached(RENEW)?;
        let mut forget = transaction.prepare_cached(FORGET)?;
        let mut waiting: Vec<&Record> = Vec::with_capacity(ROWS);
        for change in changes {
            match change {
                Change::Save(record) => {
                    octets = octets.saturating_add(record.body.len());
                    let due = record.due.map(to_integer);
                    let (kind, id) = (record.key.kind.name(), &record.key.id);
                    // Most bindings were there before; most other records are new, or end.
                    let is_renewed = record.live
                        && record.key.kind == RecordKind::Binding
                        && renew.execute((kind, id, &record.pui, due, &record.body))? > 0;
                    if !is_renewed {
                        waiting.push(record);
                    }
                    if waiting.len() == ROWS {
                        bind(&mut save_rows, &waiting)?;
                        waiting.clear();
                    }
                }
                Change::Forget(key) => {
                    for record in waiting.drain(..) {
                        bind(&mut save, &[record])?;
                    }
                    forget.execute((key.kind.name(), &key.id))?;
                }
            }
            // What a row costs besides its body, about.
            octets = octets.saturating_add(512);
        }
        for record in waiting {
            bind(&mut save, &[record])?;
        }
    }
    transaction.commit()?;
    Ok(octets)
}

/// Saves records by a statement that has room for just so many.
fn bind(save: &mut Statement<'_>, records: &[&Record]) -> rusqlite::Result<()> {
    for (at, record) in records.iter().enumerate() {
        let first = at.saturating_mul(COLUMNS_OF_ROW);
        let column = |number: usize| first.saturating_add(number);
        save.raw_bind_parameter(column(1), record.key.kind.name())?;
        save.raw_bind_parameter(column(2), &record.key.id)?;
        save.raw_bind_parameter(column(3), &record.pui)?;
        save.raw_bind_parameter(column(4), record.live)?;
        save.raw_bind_parameter(column(5), record.due.map(to_integer))?;
        save.raw_bind_parameter(column(6), &record.body)?;
    }
    save.raw_execute().map(|_| ())
}

/// The record of a row; `None` when its kind is none.
fn record(row: &Row<'_>) -> rusqlite::Result<Option<Record>> {
    let kind: String = row.get(0)?;
    let Some(kind) = RecordKind::from_name(&kind) else {
        return Ok(None);
    };
    Ok(Some(Record {
        key: RecordKey {
            kind,
            id: row.get(1)?,
        },
        pui: row.get(2)?,
        live: row.get(3)?,
        due: row.get::<_, Option<i64>>(4)?.map(to_time),
        body: row.get(5)?,
    }))
}

/// SQLite's integers have a sign; what lies beyond them is as good as never.
fn to_integer(time: Time) -> i64 {
    i64::try_from(time.micros()).unwrap_or(i64::MAX)
}

fn to_time(integer: i64) -> Time {
    if integer == i64::MAX {
        Time::FAR
    } else {
        Time::from_micros(u64::try_from(integer).unwrap_or(0))
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes the lock beside the file, which ends with the process, however that ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, ".lock");
    let failed = |error: &std::io::Error| StoreError::Failed {
        path: lock_path.clone(),
        why: error.to_string(),
    };
    let lock = private()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| failed(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// Options for files that only their owner may read: they name people.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "no mode elsewhere"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the file when it is not there.
fn create(path: &Path) -> Result<(), StoreError> {
    match private().create_new(true).write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Failed {
            path: path.to_owned(),
            why: error.to_string(),
        }),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    };
    open().map_err(|error| fault(path, &error))
}

/// Checks that the file is ours and brings it to this program's format.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| fault(path, &error);
    let is_new = pragma(connection, "page_count").map_err(failed)? == 0;
    if is_new {
        // Must be said before the first table is made.
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(failed)?;
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = pragma(connection, "user_version").map_err(failed)?;
    let owner = pragma(connection, "application_id").map_err(failed)?;
    if !is_new && owner != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            why: "another program made this database".to_owned(),
        });
    }
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    migrate(connection, found).map_err(failed)?;
    set_up(connection).map_err(failed)
}

/// Takes the steps the file lacks, all or none.
fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    let taken = usize::try_from(found).unwrap_or(0);
    if taken == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for step in MIGRATIONS.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    let reached = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", reached)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn fault(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path, why },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, why },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { path },
        _ => StoreError::Failed { path, why },
    }
}

/// The thread that copies the log into the main file.
#[derive(Debug)]
struct Copier {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path)?;
        let (wake, woken) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("sirgate-copier".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    // Passive: waits for nobody and lets commits go on.
                    let copied =
                        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                    if let Err(error) = copied {
                        tracing::warn!(%error, "the store's log could not be copied");
                    }
                }
            })
            .map_err(|error| StoreError::Failed {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            // A thread that is still busy copies the rest the next time.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
