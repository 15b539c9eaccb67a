//! The embedded state: one SQLite file in WAL mode, synced at every commit.

use std::{
    collections::HashMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::{
    Change, Changes, Installation, Memory, News, Night, PastRun, RunEnd, RunLock, SqliteJournal, State, StateFault,
    Told, file, rows,
};

/// Numbered from 1; a database says in `user_version` how many it has seen. Append only.
const MIGRATIONS: &[&str] =
    &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql"), include_str!("migrations/0003.sql")];
const APPLICATION_ID: i64 = 0x4372_6477;

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// History older than this goes, except the newest line of each credential.
const HISTORY: chrono::TimeDelta = chrono::TimeDelta::days(730);

pub struct Sqlite {
    connection: Connection,
    installation: Installation,
    /// `None`: in memory.
    path: Option<PathBuf>,
}

impl Sqlite {
    /// Opens or creates the file, brings its schema up to date and checks that it is whole.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(path: &Path) -> Result<Self, StateFault> {
        let folder = file::prepare_folder(path)?;
        if !path.exists() {
            create(path, &folder)?;
        }
        file::tighten(path).map_err(|error| file::fault(path, &error))?;
        Self::from_connection(connect(path)?, Some(path.to_path_buf()))
    }

    /// A state that lasts as long as the process.
    ///
    /// # Errors
    /// None is known; SQLite's signatures have them.
    pub fn in_memory() -> Result<Self, StateFault> {
        let mut connection = Connection::open_in_memory().map_err(|error| fault(None, &error))?;
        migrate(&mut connection).map_err(|error| fault(None, &error))?;
        Self::from_connection(connection, None)
    }

    pub(super) fn from_connection(mut connection: Connection, path: Option<PathBuf>) -> Result<Self, StateFault> {
        let place = path.as_deref();
        // Checked before anything is written: what is not ours stays as it is.
        check(&connection, place)?;
        configure(&connection).and_then(|()| migrate(&mut connection)).map_err(|error| fault(place, &error))?;
        let (id, key) = connection
            .query_row("SELECT id, key FROM installation", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| fault(place, &error))?;
        Ok(Self { connection, installation: Installation { id, key }, path })
    }

    /// The journal in the same file, which has just been checked.
    ///
    /// # Errors
    /// Why it cannot be opened again.
    pub(super) fn journal(&self, path: &Path) -> Result<SqliteJournal, StateFault> {
        let connection = connect(path)?;
        connection.busy_timeout(PATIENCE).and_then(|()| configure(&connection)).map_err(|error| self.fault(&error))?;
        Ok(SqliteJournal::over(connection, self.installation.clone()))
    }

    /// For the journal, which needs a connection that many may use.
    pub(super) fn into_parts(self) -> (Connection, Installation) {
        (self.connection, self.installation)
    }

    fn fault(&self, error: &rusqlite::Error) -> StateFault {
        fault(self.path.as_deref(), error)
    }

    /// Runs `work` in one transaction that takes the write lock at its start.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StateFault> {
        let path = self.path.as_deref();
        let run = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let out = work(&transaction)?;
            transaction.commit()?;
            Ok(out)
        };
        run().map_err(|error| fault(path, &error))
    }
}

/// A new database is made whole under another name, so that an empty file can only mean a lost state; in a folder of its
/// own, which takes along what SQLite leaves beside one that could not be made.
fn create(path: &Path, folder: &Path) -> Result<(), StateFault> {
    let io = |error: &std::io::Error| file::fault(path, error);
    let mut room = tempfile::Builder::new();
    room.prefix(".credwatch-state-").permissions(std::fs::Permissions::from_mode(0o700));
    let room = room.tempdir_in(folder).map_err(|error| io(&error))?;
    let temp = tempfile::NamedTempFile::new_in(room.path()).map_err(|error| io(&error))?;
    let mut connection = Connection::open(temp.path()).map_err(|error| fault(Some(path), &error))?;
    // It is synced as a whole before it has its name: nothing in it has to be before.
    let made = configure(&connection)
        .and_then(|()| connection.pragma_update(None, "synchronous", "off"))
        .and_then(|()| migrate(&mut connection));
    made.map_err(|error| fault(Some(path), &error))?;
    connection.close().map_err(|(_, error)| fault(Some(path), &error))?;
    temp.as_file().sync_all().map_err(|error| io(&error))?;
    match temp.persist_noclobber(path) {
        Ok(_) => {}
        // Another run was quicker: its state is as good.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(&error.error)),
    }
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io(&error))
}

/// Opens what is there and makes nothing.
pub(super) fn connect(path: &Path) -> Result<Connection, StateFault> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| fault(Some(path), &error))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn check(connection: &Connection, path: Option<&Path>) -> Result<(), StateFault> {
    connection.busy_timeout(PATIENCE).map_err(|error| fault(path, &error))?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let of = |error: &rusqlite::Error| fault(path, error);
    let path = || path.map(Path::to_path_buf).unwrap_or_default();
    if number("application_id").map_err(|error| of(&error))? != APPLICATION_ID {
        return Err(StateFault::Corrupt { path: path(), reason: "it is empty or another program's".to_owned() });
    }
    let (found, known) = (number("user_version").map_err(|error| of(&error))?, migrations());
    if found > known {
        return Err(StateFault::Future { path: path(), found, known });
    }
    let sound = connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0));
    match sound.map_err(|error| of(&error))?.as_str() {
        "ok" => Ok(()),
        _ => Err(StateFault::Corrupt { path: path(), reason: "SQLite finds it damaged".to_owned() }),
    }
}

fn migrations() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version = |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
    if version(connection)? == migrations() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the write lock: another process may have done it.
    let done: i64 = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or_default()) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", migrations())?;
    if done == 0 {
        let id = uuid::Uuid::new_v4().to_string();
        transaction.execute("INSERT INTO installation (id, key) VALUES (?1, ?2)", params![id, random_key()])?;
    }
    transaction.commit()
}

/// 366 random bits from the kernel, condensed to 256.
fn random_key() -> [u8; 32] {
    let mut hash = Sha256::new();
    for _ in 0..3 {
        hash.update(uuid::Uuid::new_v4().as_bytes());
    }
    hash.finalize().into()
}

pub(super) fn fault(path: Option<&Path>, error: &rusqlite::Error) -> StateFault {
    let path = path.map(Path::to_path_buf).unwrap_or_default();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StateFault::Corrupt { path, reason: "SQLite finds it damaged".to_owned() }
        }
        // A value SQLite gives and we do not know: written by nobody, or by a hand.
        None => StateFault::Corrupt { path, reason: error.to_string() },
        Some(_) => StateFault::Io { path, reason: error.to_string() },
    }
}

impl State for Sqlite {
    fn installation(&self) -> &Installation {
        &self.installation
    }

    fn lock(&self) -> Result<RunLock, StateFault> {
        self.path.as_deref().map_or(Ok(RunLock::none()), file::lock)
    }

    fn last_run(&mut self) -> Result<Option<PastRun>, StateFault> {
        self.connection
            .query_row(
                "SELECT id, started_at, finished_at, exit FROM run WHERE finished_at IS NOT NULL
                 ORDER BY started_at DESC LIMIT 1",
                [],
                rows::past_run,
            )
            .optional()
            .map_err(|error| self.fault(&error))
    }

    fn last_success(&mut self) -> Result<Option<DateTime<Utc>>, StateFault> {
        self.connection
            .query_row("SELECT max(finished_at) FROM run WHERE coalesce(complete, exit IN (0, 1))", [], |row| {
                rows::optional_time(row, 0)
            })
            .map_err(|error| self.fault(&error))
    }

    fn memory(&mut self) -> Result<Memory, StateFault> {
        rows::memory(&self.connection).map_err(|error| self.fault(&error))
    }

    fn record(&mut self, run_id: &str, night: &Night<'_>, changes: &Changes) -> Result<(), StateFault> {
        let at = night.now.timestamp();
        self.write(|transaction| {
            transaction.execute("INSERT INTO run (id, started_at) VALUES (?1, ?2)", params![run_id, at])?;
            rows::write_changes(transaction, at, changes)?;
            let old = (night.now - HISTORY).timestamp();
            transaction.execute("DELETE FROM run WHERE started_at < ?1", [old])?;
            transaction.execute(
                "DELETE FROM history WHERE at < ?1 AND EXISTS (SELECT 1 FROM history AS newer
                 WHERE newer.app = history.app AND newer.label = history.label AND newer.at > history.at)",
                [old],
            )?;
            Ok(())
        })
    }

    fn finish(&mut self, run_id: &str, end: RunEnd) -> Result<(), StateFault> {
        self.write(|transaction| {
            transaction
                .execute(
                    "UPDATE run SET finished_at = ?2, exit = ?3, complete = ?4 WHERE id = ?1",
                    params![run_id, end.at.timestamp(), end.exit, end.complete],
                )
                .map(drop)
        })
    }

    fn told(&mut self) -> Result<Vec<Told>, StateFault> {
        rows::told(&self.connection).map_err(|error| self.fault(&error))
    }

    fn owed(&mut self) -> Result<HashMap<(String, String), DateTime<Utc>>, StateFault> {
        rows::owed(&self.connection).map_err(|error| self.fault(&error))
    }

    fn tell(&mut self, news: &[News]) -> Result<(), StateFault> {
        if news.is_empty() {
            return Ok(());
        }
        self.write(|transaction| rows::write_news(transaction, news))
    }

    fn history(&mut self, app: Option<&str>) -> Result<Vec<Change>, StateFault> {
        rows::history(&self.connection, app).map_err(|error| self.fault(&error))
    }
}

#[cfg(test)]
impl Sqlite {
    /// As a full disk: the file may not grow.
    pub(super) fn limit_pages(&self, pages: i64) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    /// From here on nothing told can be noted.
    pub(crate) fn refuse_news(&self) {
        let trigger = "CREATE TRIGGER full BEFORE INSERT ON told BEGIN SELECT RAISE(ABORT, 'full'); END";
        self.connection.execute_batch(trigger).unwrap();
    }
}
