//! The one place that reads the wall clock; everything else is handed a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, TimeZone, Utc};
use uuid::{NoContext, Timestamp, Uuid};

/// The current time in UTC, to the second: what reports and the state carry.
#[must_use]
pub fn now() -> DateTime<Utc> {
    let seconds = i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A new id; it sorts behind those made earlier.
#[must_use]
pub fn new_id() -> String {
    let since = since_1970();
    Uuid::new_v7(Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos())).to_string()
}

#[allow(clippy::disallowed_methods)]
fn since_1970() -> Duration {
    since(SystemTime::now())
}

/// A clock that is set before 1970 reads 1970: `Utc::now`, UUIDs and the dates of mails panic there.
fn since(clock: SystemTime) -> Duration {
    clock.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Time since the machine was started, suspended time included: for waits and ages within one run.
#[must_use]
#[cfg(unix)]
pub fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let id = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(id);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

/// Time since the first call.
#[must_use]
#[cfg(not(unix))]
#[allow(clippy::disallowed_methods)]
pub fn since_boot() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

/// A time as every report writes it: RFC 3339, UTC, whole seconds.
#[must_use]
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Portals write "never" as 12/31/2299; time zones shift it by a day, so the last two days of that year
/// and all that follows mean never.
#[must_use]
pub fn is_never(at: DateTime<Utc>) -> bool {
    Utc.with_ymd_and_hms(2299, 12, 30, 0, 0, 0).single().map_or(at.year() > 2299, |never| at >= never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_before_1970_reads_1970() {
        let hour = Duration::from_secs(3600);
        assert_eq!(since(UNIX_EPOCH - hour), Duration::ZERO);
        assert_eq!(since(UNIX_EPOCH + hour), hour);
        assert_eq!(now().timestamp_subsec_nanos(), 0);
        assert_eq!(new_id().len(), 36);
    }

    #[test]
    fn the_last_two_days_of_2299_mean_never() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(is_never(at("2299-12-31T00:00:00Z")));
        assert!(is_never(at("2299-12-30T00:00:00Z")));
        assert!(is_never(at("9999-12-31T23:59:59Z")));
        assert!(!is_never(at("2299-12-29T23:59:59Z")));
    }
}
