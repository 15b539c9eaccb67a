//! What a forecast knows: all that was remembered, in a copy that ends with it.

use std::path::Path;

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{Begun, Sqlite, SqliteJournal, State, StateFault, forgetful, location, sqlite::connect, sqlite::fault};

/// The beginning of a run that leaves nothing behind, over a copy of the state at `url` where there is one that can be
/// read; without any lock.
///
/// # Errors
/// A state that cannot be one.
pub fn forecast(url: Option<&str>) -> Result<Begun, StateFault> {
    let copied = match location(url) {
        Err(fault) if fault.is_usage() => return Err(fault),
        Ok(path) if path.exists() => copied(&path),
        _ => return forgetful(),
    };
    copied.or_else(|fault| {
        tracing::warn!("{fault}; the forecast goes by the inventory alone");
        forgetful()
    })
}

fn copied(path: &Path) -> Result<Begun, StateFault> {
    let mut state = copy(path)?;
    let (connection, installation) = copy(path)?.into_parts();
    let journal = Some(SqliteJournal::over(connection, installation));
    Ok(Begun { memory: state.memory()?, state: Box::new(state), journal, ..forgetful()? })
}

fn copy(path: &Path) -> Result<Sqlite, StateFault> {
    let failed = |error: &rusqlite::Error| fault(Some(path), error);
    // Opened like any other: a connection that may only read leaves SQLite's two files beside the state.
    let from = connect(path)?;
    let mut to = Connection::open_in_memory().map_err(|error| failed(&error))?;
    // All of it in one step: it is the state of one moment.
    match Backup::new(&from, &mut to).and_then(|backup| backup.step(-1)).map_err(|error| failed(&error))? {
        StepResult::Done => Sqlite::from_connection(to, None),
        _ => Err(StateFault::Io { path: path.to_path_buf(), reason: "another process holds it".to_owned() }),
    }
}
