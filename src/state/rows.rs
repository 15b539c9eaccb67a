//! Rows of the SQLite state and the values they stand for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Result, Row, Transaction, params, types::Type};

use super::{Change, Changes, Ends, Memory, News, PastRun, Remembered, Told};
use crate::{
    assess::{Severity, Verdict},
    probe::Fingerprint,
};

pub(super) fn past_run(row: &Row<'_>) -> Result<PastRun> {
    Ok(PastRun { id: row.get(0)?, started_at: time(row, 1)?, finished_at: time(row, 2)?, exit: row.get(3)? })
}

pub(super) fn memory(connection: &Connection) -> Result<Memory> {
    let mut findings = standing(connection)?;
    let mut scopes: HashSet<Arc<str>> = HashSet::new();
    let mut memory = Memory::default();
    let mut statement = connection
        .prepare("SELECT id, app, label, scope, verdict, severity, expires_at, never, fingerprint FROM credential")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let scope = row.get_ref(3)?.as_str()?;
        // A handful of scopes serve all rows.
        let scope = scopes.get(scope).cloned().unwrap_or_else(|| {
            let scope: Arc<str> = Arc::from(scope);
            scopes.insert(Arc::clone(&scope));
            scope
        });
        let remembered = Remembered {
            label: Arc::from(row.get_ref(2)?.as_str()?),
            scope,
            verdict: verdict(row, 4)?.ok_or_else(|| unknown(4))?,
            severity: severity(row, 5)?.ok_or_else(|| unknown(5))?,
            ends: Ends { at: optional_time(row, 6)?, never: row.get(7)? },
            fingerprint: row.get::<_, Option<[u8; 16]>>(8)?.map(Fingerprint),
            findings: findings.remove(&row.get(0)?).unwrap_or_default(),
            seen: false,
        };
        memory.insert(Arc::from(row.get_ref(1)?.as_str()?), remembered);
    }
    Ok(memory)
}

type Standing = HashMap<i64, Vec<(Box<str>, DateTime<Utc>)>>;

fn standing(connection: &Connection) -> Result<Standing> {
    let mut findings = Standing::new();
    let mut statement = connection.prepare("SELECT credential, code, since FROM finding ORDER BY credential, code")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let finding = (Box::from(row.get_ref(1)?.as_str()?), time(row, 2)?);
        findings.entry(row.get(0)?).or_default().push(finding);
    }
    Ok(findings)
}

pub(super) fn write_changes(transaction: &Transaction<'_>, at: i64, changes: &Changes) -> Result<()> {
    let mut upsert = transaction.prepare(
        "INSERT INTO credential (app, label, scope, verdict, severity, expires_at, never, fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (app, label) DO UPDATE SET scope = excluded.scope, verdict = excluded.verdict,
         severity = excluded.severity, expires_at = excluded.expires_at, never = excluded.never,
         fingerprint = excluded.fingerprint",
    )?;
    let mut number = transaction.prepare("SELECT id FROM credential WHERE app = ?1 AND label = ?2")?;
    let mut clear = transaction.prepare("DELETE FROM finding WHERE credential = ?1")?;
    let mut finding = transaction.prepare("INSERT INTO finding (credential, code, since) VALUES (?1, ?2, ?3)")?;
    let mut history = transaction.prepare(
        "INSERT OR REPLACE INTO history (app, label, at, verdict, severity, expires_at, never)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for changed in &changes.changed {
        let (app, new) = (&*changed.app, &changed.remembered);
        let (verdict, severity) = (new.verdict.name(), new.severity.name());
        let (end, never) = (new.ends.at.map(|end| end.timestamp()), new.ends.never);
        let fingerprint = new.fingerprint.map(|fingerprint| fingerprint.0);
        let values = params![app, &*new.label, &*new.scope, verdict, severity, end, never, fingerprint];
        upsert.execute(values)?;
        if changed.findings {
            let id: i64 = number.query_row([app, &new.label], |row| row.get(0))?;
            clear.execute([id])?;
            for (code, since) in &new.findings {
                finding.execute(params![id, code, since.timestamp()])?;
            }
        }
        if changed.judgement {
            history.execute(params![app, &*new.label, at, verdict, severity, end, never])?;
        }
    }
    let mut remove = transaction.prepare("DELETE FROM credential WHERE app = ?1 AND label = ?2")?;
    for (app, label) in &changes.removed {
        remove.execute(params![&**app, &**label])?;
        history.execute(params![&**app, &**label, at, None::<&str>, None::<&str>, None::<i64>, false])?;
    }
    Ok(())
}

pub(super) fn told(connection: &Connection) -> Result<Vec<Told>> {
    connection
        .prepare("SELECT channel, person, app, label, code, severity, days, at, refused FROM told")?
        .query_map([], |row| {
            Ok(Told {
                channel: row.get(0)?,
                person: row.get(1)?,
                app: row.get(2)?,
                label: row.get(3)?,
                code: row.get(4)?,
                severity: severity(row, 5)?.ok_or_else(|| unknown(5))?,
                days: row.get(6)?,
                at: time(row, 7)?,
                refused: row.get(8)?,
            })
        })?
        .collect()
}

pub(super) fn owed(connection: &Connection) -> Result<HashMap<(String, String), DateTime<Utc>>> {
    connection
        .prepare("SELECT channel, person, since FROM undelivered")?
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), time(row, 2)?)))?
        .collect()
}

pub(super) fn write_news(transaction: &Transaction<'_>, news: &[News]) -> Result<()> {
    let mut knows = transaction.prepare(
        "INSERT OR REPLACE INTO told (channel, person, app, label, code, severity, days, at, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut forgets = transaction
        .prepare("DELETE FROM told WHERE channel = ?1 AND person = ?2 AND app = ?3 AND label = ?4 AND code = ?5")?;
    let mut owed = transaction
        .prepare("INSERT INTO undelivered (channel, person, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    let mut settled = transaction.prepare("DELETE FROM undelivered WHERE channel = ?1 AND person = ?2")?;
    for one in news {
        match one {
            News::Owed { channel, person, since } => owed.execute(params![channel, person, since.timestamp()])?,
            News::Settled { channel, person } => settled.execute([channel, person])?,
            News::Knows(Told { channel, person, app, label, code, severity, days, at, refused }) => {
                let (severity, at) = (severity.name(), at.timestamp());
                knows.execute(params![channel, person, app, label, code, severity, days, at, refused])?
            }
            News::Forgets(Told { channel, person, app, label, code, .. }) => {
                forgets.execute([channel, person, app, label, code])?
            }
        };
    }
    Ok(())
}

pub(super) fn history(connection: &Connection, app: Option<&str>) -> Result<Vec<Change>> {
    connection
        .prepare(
            "SELECT app, label, at, verdict, severity, expires_at, never FROM history
             WHERE ?1 IS NULL OR app = ?1 ORDER BY app, label, at",
        )?
        .query_map([app], |row| {
            Ok(Change {
                app: row.get(0)?,
                label: row.get(1)?,
                at: time(row, 2)?,
                judged: verdict(row, 3)?.zip(severity(row, 4)?),
                ends: Ends { at: optional_time(row, 5)?, never: row.get(6)? },
            })
        })?
        .collect()
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>> {
    optional_time(row, column)?.ok_or_else(|| unknown(column))
}

pub(super) fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<DateTime<Utc>>> {
    let seconds: Option<i64> = row.get(column)?;
    seconds.map(|seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(|| unknown(column))).transpose()
}

fn verdict(row: &Row<'_>, column: usize) -> Result<Option<Verdict>> {
    let Some(name) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
    Verdict::ALL.into_iter().find(|verdict| verdict.name() == name).map(Some).ok_or_else(|| unknown(column))
}

fn severity(row: &Row<'_>, column: usize) -> Result<Option<Severity>> {
    const ALL: [Severity; 5] = [Severity::Ok, Severity::Info, Severity::Warning, Severity::Unknown, Severity::Critical];
    let Some(name) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
    ALL.into_iter().find(|severity| severity.name() == name).map(Some).ok_or_else(|| unknown(column))
}

fn unknown(column: usize) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, "a value this version does not know".to_owned(), Type::Text)
}
