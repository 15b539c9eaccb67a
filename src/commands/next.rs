//! `credwatch next`: when the schedule fires next.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::stdio::{answer, remark};
use crate::{
    cli::Common,
    clock,
    exit::Exit,
    schedule::{self, Schedule},
    settings,
};

/// Show when the schedule fires next
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Crontab line of five fields, in quotes [default: the settings' schedule]
    #[arg(value_name = "EXPR")]
    expr: Option<String>,
    /// IANA time zone the line is meant in [default: UTC, or that of the settings' schedule]
    #[arg(long, value_name = "ZONE", value_parser = schedule::zone)]
    timezone: Option<Tz>,
    /// Show times strictly after this one [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    from: Option<DateTime<chrono::FixedOffset>>,
    /// How many times to show
    #[arg(short = 'n', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

/// One time per line on stdout, then the line in words on stderr.
///
/// # Errors
/// A line that is no schedule, or one without a time within eight years.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let schedule = match &args.expr {
        Some(expr) => Schedule::parse(expr, args.timezone.unwrap_or(Tz::UTC)).context("EXPR is no crontab line")?,
        None => of_settings(common, args.timezone)?,
    };
    let mut from = args.from.map_or_else(clock::now, |from| from.to_utc());
    let mut last = Ok(());
    let exit = answer(Exit::Clean, |out| {
        for _ in 0..args.count {
            match following(&schedule, from) {
                Ok(next) => from = next,
                Err(fault) => {
                    last = Err(fault);
                    break;
                }
            }
            writeln!(out, "{}", written(from, schedule.zone()))?;
        }
        Ok(())
    });
    last?;
    remark(common, &format!("{} Time zone: {}.", schedule.in_words(), schedule.zone()));
    Ok(exit)
}

fn following(schedule: &Schedule, from: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    schedule.next_after(from).with_context(|| {
        format!(
            "the schedule has no time within eight years after {}; choose days that come every year",
            clock::rfc3339(from)
        )
    })
}

/// RFC 3339 with the zone's offset as a number, `+00:00` for UTC.
fn written(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn parse_time(text: &str) -> Result<DateTime<chrono::FixedOffset>, &'static str> {
    DateTime::parse_from_rfc3339(text)
        .map_err(|_| "write a time with its zone (RFC 3339), as in 2027-03-01T12:00:00Z or 2027-03-01T12:00:00+01:00")
}

/// The settings' schedule; a zone given by hand wins.
fn of_settings(common: &Common, zone: Option<Tz>) -> anyhow::Result<Schedule> {
    let schedule = settings::beside(common.config.as_deref(), &common.inventory)?.schedule;
    Schedule::parse(&schedule.cron, zone.unwrap_or(schedule.timezone)).context("`schedule.cron` of the settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_zones_offset_as_a_number() {
        let at = "2026-11-04T02:00:00Z".parse().unwrap();
        assert_eq!(written(at, Tz::UTC), "2026-11-04T02:00:00+00:00");
        assert_eq!(written(at, Tz::Europe__Oslo), "2026-11-04T03:00:00+01:00");
        assert_eq!(written(at, Tz::Asia__Kolkata), "2026-11-04T07:30:00+05:30");
    }

    #[test]
    fn without_a_line_the_settings_say_when_and_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credwatch.yaml");
        std::fs::write(&file, "version: 1\nschedule: {cron: \"30 4 * * 1\", timezone: Europe/Oslo}\n").unwrap();
        let common = Common { config: Some(file), ..Common::default() };
        let next = |zone| of_settings(&common, zone).unwrap().next_after("2026-11-04T12:00:00Z".parse().unwrap());
        assert_eq!(next(None), "2026-11-09T03:30:00Z".parse().ok());
        assert_eq!(next(Some(Tz::UTC)), "2026-11-09T04:30:00Z".parse().ok());
    }

    #[test]
    fn a_line_without_a_time_in_eight_years_is_an_error() {
        // 29 February on a Sunday: 2032, then 2060.
        let schedule = Schedule::parse("0 0 29 2 */7", Tz::UTC).unwrap();
        assert!(following(&schedule, "2026-01-01T00:00:00Z".parse().unwrap()).is_ok());
        let fault = following(&schedule, "2033-01-01T00:00:00Z".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            fault,
            "the schedule has no time within eight years after 2033-01-01T00:00:00Z; choose days that come every year"
        );
    }
}
