//! The journal of rotations in the embedded state: append only, sealed row by row, synced at every append.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use sha2::Sha256;

use super::{Installation, Sqlite, StateFault};
use crate::rotate::{Entry, Journal, JournalFault, Record};

/// The journal in a state's file, over a connection of its own.
pub struct SqliteJournal {
    connection: Mutex<Connection>,
    installation: Installation,
}

/// One row as it stands in the file.
struct Stored {
    identity: String,
    rotation: String,
    sequence: u32,
    epoch: Option<i64>,
    at: i64,
    provider_date: Option<i64>,
    body: String,
    seal: [u8; 16],
}

impl SqliteJournal {
    /// Opens the state at `path`, which is made where there is none.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(path: &Path) -> Result<Self, StateFault> {
        let (connection, installation) = Sqlite::open(path)?.into_parts();
        Ok(Self::over(connection, installation))
    }

    /// A journal that lasts as long as the process.
    ///
    /// # Errors
    /// None is known; SQLite's signatures have them.
    pub fn in_memory() -> Result<Self, StateFault> {
        let (connection, installation) = Sqlite::in_memory()?.into_parts();
        Ok(Self::over(connection, installation))
    }

    pub(super) const fn over(connection: Connection, installation: Installation) -> Self {
        Self { connection: Mutex::new(connection), installation }
    }

    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.installation.key
    }

    /// Takes the lease over: from now on nobody who held it before appends anything. The run's lock must be held.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take_epoch(&self) -> Result<u64, JournalFault> {
        let connection = self.connection();
        let taken = connection
            .query_row("UPDATE lease SET epoch = epoch + 1 RETURNING epoch", [], |row| row.get::<_, i64>(0))
            .map_err(|error| io(&error))?;
        u64::try_from(taken).map_err(|_| JournalFault::Io("the lease is damaged".to_owned()))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in between leaves no open transaction: it is rolled back when it is dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, row: &Stored, before: Option<&Stored>) -> Result<Record, String> {
        let expected = before.filter(|before| before.rotation == row.rotation).map_or(1, |before| before.sequence + 1);
        if row.sequence != expected {
            return Err(format!("record {expected} of rotation {} is missing", row.rotation));
        }
        let previous = before.filter(|before| before.rotation == row.rotation).map(|before| before.seal);
        if seal(&self.installation.key, row, previous) != row.seal {
            return Err(format!("record {} of rotation {} was changed", row.sequence, row.rotation));
        }
        let unreadable = || format!("record {} of rotation {} cannot be read", row.sequence, row.rotation);
        Ok(Record {
            rotation: row.rotation.parse().map_err(|_| unreadable())?,
            sequence: row.sequence,
            epoch: row.epoch.and_then(|epoch| u64::try_from(epoch).ok()),
            at: DateTime::from_timestamp_millis(row.at).ok_or_else(unreadable)?,
            provider_date: row.provider_date.and_then(DateTime::from_timestamp_millis),
            event: serde_json::from_str(&row.body).map_err(|_| unreadable())?,
        })
    }

    fn insert(&self, transaction: &Transaction<'_>, entry: Entry<'_>) -> rusqlite::Result<Option<Record>> {
        if let Some(epoch) = entry.epoch {
            let now: i64 = transaction.query_row("SELECT epoch FROM lease", [], |row| row.get(0))?;
            if u64::try_from(now) != Ok(epoch) {
                return Ok(None);
            }
        }
        let last = transaction
            .query_row(
                "SELECT identity, rotation, sequence, epoch, at, provider_date, body, seal FROM rotation_event
                 WHERE rotation = ?1 ORDER BY sequence DESC LIMIT 1",
                [entry.rotation.to_string()],
                stored,
            )
            .optional()?;
        let body = serde_json::to_string(entry.event)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let mut row = Stored {
            identity: entry.identity.to_owned(),
            rotation: entry.rotation.to_string(),
            sequence: last.as_ref().map_or(1, |last| last.sequence + 1),
            epoch: entry.epoch.and_then(|epoch| i64::try_from(epoch).ok()),
            at: entry.at.timestamp_millis(),
            provider_date: entry.provider_date.map(|date| date.timestamp_millis()),
            body,
            seal: [0; 16],
        };
        row.seal = seal(&self.installation.key, &row, last.map(|last| last.seal));
        transaction.execute(
            "INSERT INTO rotation_event (identity, rotation, sequence, epoch, at, provider_date, body, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![row.identity, row.rotation, row.sequence, row.epoch, row.at, row.provider_date, row.body, row.seal],
        )?;
        Ok(Some(Record {
            rotation: entry.rotation,
            sequence: row.sequence,
            epoch: entry.epoch,
            at: entry.at,
            provider_date: entry.provider_date,
            event: entry.event.clone(),
        }))
    }

    fn rows(&self, identity: &str) -> rusqlite::Result<Vec<Stored>> {
        let connection = self.connection();
        // By rotation and sequence, so that each record is checked against the one before it.
        let mut statement = connection.prepare_cached(
            "SELECT identity, rotation, sequence, epoch, at, provider_date, body, seal FROM rotation_event
             WHERE identity = ?1 ORDER BY rotation, sequence",
        )?;
        statement.query_map([identity], stored)?.collect()
    }
}

impl Journal for SqliteJournal {
    fn installation(&self) -> String {
        self.installation.id.clone()
    }

    fn of(&self, identity: &str) -> Result<Vec<Record>, JournalFault> {
        let corrupt = |reason: String| JournalFault::Corrupt { identity: identity.to_owned(), reason };
        let rows = self.rows(identity).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) | None => {
                corrupt("SQLite finds it damaged".to_owned())
            }
            Some(_) => io(&error),
        })?;
        let mut records = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| rows.get(before));
            records.push(self.read(row, before).map_err(corrupt)?);
        }
        Ok(records)
    }

    fn identities(&self) -> Result<Vec<String>, JournalFault> {
        let connection = self.connection();
        let listed = || -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare("SELECT DISTINCT identity FROM rotation_event ORDER BY identity")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        listed().map_err(|error| io(&error))
    }

    fn append(&self, entry: Entry<'_>) -> Result<Record, JournalFault> {
        let mut connection = self.connection();
        let mut append = || -> rusqlite::Result<Option<Record>> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let record = self.insert(&transaction, entry)?;
            transaction.commit()?;
            Ok(record)
        };
        append().map_err(|error| io(&error))?.ok_or(JournalFault::Stale)
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        identity: row.get(0)?,
        rotation: row.get(1)?,
        sequence: row.get(2)?,
        epoch: row.get(3)?,
        at: row.get(4)?,
        provider_date: row.get(5)?,
        body: row.get(6)?,
        seal: row.get(7)?,
    })
}

fn seal(key: &[u8; 32], row: &Stored, previous: Option<[u8; 16]>) -> [u8; 16] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&block).into());
    // Lengths first, so that no two rows read the same.
    for part in [row.identity.as_bytes(), row.rotation.as_bytes(), row.body.as_bytes()] {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.update(&row.sequence.to_be_bytes());
    mac.update(&row.epoch.unwrap_or(-1).to_be_bytes());
    mac.update(&row.at.to_be_bytes());
    mac.update(&row.provider_date.unwrap_or(i64::MIN).to_be_bytes());
    mac.update(&previous.unwrap_or_default());
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut seal = [0; 16];
    seal.copy_from_slice(&full[..16]);
    seal
}

fn io(error: &rusqlite::Error) -> JournalFault {
    // SQLite's own words name tables and files, never a value.
    JournalFault::Io(error.to_string())
}

#[cfg(test)]
mod tests;
