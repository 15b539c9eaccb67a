//! When the nightly run is due: five-field crontab lines with a time zone, meaning what crontab users mean.
//!
//! The rules are those of Debian's cron: weekday 0 and 7 are Sunday; the two day fields are joined by OR
//! unless one of them starts with `*`; a job at a fixed time of day runs once where the clock skips or
//! repeats an hour, one that starts with `*` in its minute or hour follows the hours as they pass.

mod field;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

pub use field::FieldFault;
use field::{DAY, Field, FieldKind, HOUR, MINUTE, MONTH, WEEKDAY};

/// A crontab line in a time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    zone: Tz,
    in_words: String,
}

/// Why a line is no schedule, without repeating it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleFault {
    #[error("a cron line has five fields (minute, hour, day of month, month, weekday), this one has {found}")]
    FieldCount { found: usize },
    #[error("known @ lines are @hourly, @daily, @midnight, @weekly, @monthly and @yearly")]
    UnknownShorthand,
    #[error("{field}: {fault}")]
    Field { field: &'static str, fault: FieldFault },
    #[error("no date ever matches day of month, month and weekday together, so it would never run")]
    NeverFires,
    #[error("this is no IANA time zone such as Europe/Oslo{}", .similar.map(|zone| format!("; did you mean {zone}?")).unwrap_or_default())]
    UnknownZone { similar: Option<&'static str> },
}

/// The longest repeated stretch of wall-clock time that is looked through; today's zones repeat an hour at most.
const LONGEST_REPEAT: TimeDelta = TimeDelta::hours(3);
/// 29 February comes at the latest after eight years (2096 to 2104).
const HORIZON: Months = Months::new(8 * 12);

/// The IANA time zone of that name.
///
/// # Errors
/// [`ScheduleFault::UnknownZone`], with a similar name where there is one.
pub fn zone(name: &str) -> Result<Tz, ScheduleFault> {
    name.parse().map_err(|_| {
        let (near, similar) = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| (strsim::jaro_winkler(&zone.name().to_lowercase(), &name.to_lowercase()), zone.name()))
            .fold((0.0, ""), |best, next| if next.0 > best.0 { next } else { best });
        ScheduleFault::UnknownZone { similar: (near > 0.9).then_some(similar) }
    })
}

impl Schedule {
    /// Reads a crontab line or one of the `@` shorthands.
    ///
    /// # Errors
    /// What is wrong with the line, also when no date can ever match it.
    pub fn parse(expr: &str, zone: Tz) -> Result<Self, ScheduleFault> {
        let line = match expr.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other if other.starts_with('@') => return Err(ScheduleFault::UnknownShorthand),
            line => line,
        };
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(ScheduleFault::FieldCount { found: fields.len() });
        };
        let mut schedule = Self {
            minute: parse_field(minute, &MINUTE)?,
            hour: parse_field(hour, &HOUR)?,
            day: parse_field(day, &DAY)?,
            month: parse_field(month, &MONTH)?,
            weekday: parse_field(weekday, &WEEKDAY)?,
            zone,
            in_words: String::new(),
        };
        if !schedule.can_fire() {
            return Err(ScheduleFault::NeverFires);
        }
        schedule.in_words = schedule.describe(&fields);
        Ok(schedule)
    }

    /// The zone its times of day are meant in.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The line as an English sentence.
    #[must_use]
    pub fn in_words(&self) -> &str {
        &self.in_words
    }

    /// The first time strictly after `from`; `None` when there is none within eight years (29 February on one weekday).
    #[must_use]
    pub fn next_after(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = self.zone.offset_from_utc_datetime(&from.naive_utc()).fix();
        let wall = from.naive_utc().checked_add_offset(offset)?;
        // Wall-clock order is not time order where an hour repeats: look on until nothing earlier can follow.
        let (mut next, mut until) = (None, NaiveDateTime::MAX);
        for local in self.wall_clock_times(wall.checked_sub_signed(LONGEST_REPEAT)?) {
            if local > until {
                break;
            }
            if let Some(at) = self.instants(local).into_iter().flatten().filter(|at| *at > from).min() {
                if next.is_none() {
                    until = local.checked_add_signed(LONGEST_REPEAT)?;
                }
                next = next.into_iter().chain([at]).min();
            }
        }
        next
    }

    /// The matching times of day from `start` on, as a clock on the wall would show them.
    fn wall_clock_times(&self, start: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let end = start.date().checked_add_months(HORIZON).unwrap_or(NaiveDate::MAX);
        let times = move |date: NaiveDate| {
            self.hour.values().flat_map(move |h| self.minute.values().filter_map(move |m| date.and_hms_opt(h, m, 0)))
        };
        start
            .date()
            .iter_days()
            .take_while(move |date| *date <= end)
            .filter(|date| self.matches(*date))
            .flat_map(times)
            .skip_while(move |local| *local < start)
    }

    /// The instants a wall-clock time stands for: usually one, two where the clock repeats, none where it skips.
    fn instants(&self, local: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let follows_the_hours = self.minute.starts_with_star || self.hour.starts_with_star;
        let mapped = self.zone.from_local_datetime(&local).map(|at| at.to_utc());
        match (mapped.earliest(), mapped.latest()) {
            (Some(first), Some(second)) => [Some(first), (follows_the_hours && second != first).then_some(second)],
            _ if follows_the_hours => [None, None],
            _ => [self.end_of_gap(local), None],
        }
    }

    fn end_of_gap(&self, skipped: NaiveDateTime) -> Option<DateTime<Utc>> {
        const MINUTES_A_DAY: i64 = 24 * 60;
        (1..=MINUTES_A_DAY).find_map(|minutes| {
            let local = skipped.checked_add_signed(TimeDelta::minutes(minutes))?;
            self.zone.from_local_datetime(&local).earliest().map(|at| at.to_utc())
        })
    }

    fn matches(&self, date: NaiveDate) -> bool {
        let day = self.day.contains(date.day());
        let weekday = self.weekday.contains(date.weekday().num_days_from_sunday());
        self.month.contains(date.month()) && if self.needs_both_days() { day && weekday } else { day || weekday }
    }

    const fn needs_both_days(&self) -> bool {
        self.day.starts_with_star || self.weekday.starts_with_star
    }

    /// Every date comes on every weekday within 28 years while no century year without a leap day lies between.
    fn can_fire(&self) -> bool {
        NaiveDate::from_ymd_opt(2000, 1, 1).is_some_and(|start| {
            start.iter_days().take_while(|date| date.year() <= 2028).any(|date| self.matches(date))
        })
    }

    /// croner reads fewer spellings than crontab and means OR by `*/n` days: it is given the plain values.
    fn describe(&self, fields: &[&str]) -> String {
        let sets = [self.minute, self.hour, self.day, self.month, self.weekday];
        let plain: Vec<String> = fields.iter().zip(sets).map(|(text, set)| plain(text, set)).collect();
        croner::parser::CronParser::builder()
            .dom_and_dow(self.needs_both_days())
            .build()
            .parse(&plain.join(" "))
            .map_or_else(|_| fields.join(" "), |cron| cron.describe())
    }
}

fn parse_field(text: &str, kind: &FieldKind) -> Result<Field, ScheduleFault> {
    Field::parse(text, kind).map_err(|fault| ScheduleFault::Field { field: kind.name, fault })
}

/// The field without names and ranges; a star and its step are kept, so that the words say "every".
fn plain(text: &str, set: Field) -> String {
    if text.starts_with('*') && !text.contains(',') {
        return text.to_owned();
    }
    set.values().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}
