//! Places at which a test can kill this process: each boundary between a record and an effect, and each step of a file's replacement.
//!
//! They are built in only with the feature `fault-points`, which no release has.

use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::rotate::Event;

/// `POINT` or `POINT:N`: die when it is reached for the Nth time.
const FAULT: &str = "CREDWATCH_FAULT";
/// A file that gets the name of each point passed, a line each.
const TRACE: &str = "CREDWATCH_FAULT_TRACE";

static REACHED: AtomicU32 = AtomicU32::new(0);

/// Passes a point, unless this is where the environment says to die.
pub fn pass(point: fmt::Arguments<'_>) {
    let point = point.to_string();
    if let Some(path) = std::env::var_os(TRACE)
        && let Ok(mut trace) = OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = writeln!(trace, "{point}");
    }
    let Ok(fault) = std::env::var(FAULT) else { return };
    let (name, number) = fault.split_once(':').unwrap_or((&fault, "1"));
    if point == name && number.parse() == Ok(REACHED.fetch_add(1, Ordering::SeqCst) + 1) {
        die();
    }
}

/// As by `kill -9`: no destructor runs and no buffer is flushed.
fn die() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

/// As the journal calls it.
pub fn kind(event: &Event) -> String {
    let json = serde_json::to_value(event).unwrap_or_default();
    json.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
