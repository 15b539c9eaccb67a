//! When the nightly run is due: five-field crontab lines with a time zone, meaning what crontab users mean.
//!
//! The rules are those of Debian's cron: weekday 0 and 7 are Sunday; the two day fields are joined by OR
//! unless one of them starts with `*`; a job at a fixed time of day runs once where the clock skips or
//! repeats an hour, one that starts with `*` in its minute or hour follows the hours as they pass.
//!
//! The `cron` crate walks the calendar. It reads Quartz lines (weekday 1 is Sunday, day fields are ANDed, six or more fields),
//! so each field is read here as crontab means it and handed over as a plain list of values.

mod field;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Months, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

pub use field::FieldFault;
use field::{DAY, Field, FieldKind, HOUR, MINUTE, MONTH, WEEKDAY};

/// A crontab line in a time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Wall-clock times without a zone; two when either day field will do.
    calendars: Vec<cron::Schedule>,
    follows_the_hours: bool,
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
        let line = Line {
            minute: parse_field(minute, &MINUTE)?,
            hour: parse_field(hour, &HOUR)?,
            day: parse_field(day, &DAY)?,
            month: parse_field(month, &MONTH)?,
            weekday: parse_field(weekday, &WEEKDAY)?,
        };
        Ok(Self {
            calendars: line.calendars().ok_or(ScheduleFault::NeverFires)?,
            follows_the_hours: line.minute.starts_with_star || line.hour.starts_with_star,
            zone,
            in_words: line.describe(&fields),
        })
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

    /// The matching times of day from `start` on, as a clock on the wall would show them, in order.
    fn wall_clock_times(&self, start: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let end = start.checked_add_months(HORIZON).unwrap_or(NaiveDateTime::MAX);
        // The crate answers strictly after, to the second.
        let before = start.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(start).and_utc();
        let mut calendars: Vec<_> = self.calendars.iter().map(|calendar| calendar.after(&before).peekable()).collect();
        std::iter::from_fn(move || {
            let next = calendars.iter_mut().filter_map(|times| times.peek().copied()).min()?;
            for times in &mut calendars {
                times.next_if_eq(&next);
            }
            Some(next.naive_utc())
        })
        .take_while(move |local| *local <= end)
    }

    /// The instants a wall-clock time stands for: usually one, two where the clock repeats, none where it skips.
    fn instants(&self, local: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let mapped = self.zone.from_local_datetime(&local).map(|at| at.to_utc());
        match (mapped.earliest(), mapped.latest()) {
            (Some(first), Some(second)) => [Some(first), (self.follows_the_hours && second != first).then_some(second)],
            _ if self.follows_the_hours => [None, None],
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
}

/// The five fields as value sets.
struct Line {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Line {
    /// What the `cron` crate walks; `None` when no date ever matches.
    fn calendars(&self) -> Option<Vec<cron::Schedule>> {
        let (any_day, any_weekday) = (DAY.all(), WEEKDAY.all());
        let days = if self.needs_both_days() {
            vec![(self.day, self.weekday)]
        } else {
            vec![(self.day, any_weekday), (any_day, self.weekday)]
        };
        let calendars: Vec<_> = days.into_iter().filter_map(|(day, weekday)| self.calendar(day, weekday)).collect();
        (!calendars.is_empty()).then_some(calendars)
    }

    fn calendar(&self, day: Field, weekday: Field) -> Option<cron::Schedule> {
        const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        let weekdays: Vec<&str> =
            (0_u32..).zip(NAMES).filter(|(value, _)| weekday.contains(*value)).map(|(_, name)| name).collect();
        let [minute, hour, day, month] = [self.minute, self.hour, day, self.month].map(listed);
        let calendar: cron::Schedule =
            format!("0 {minute} {hour} {day} {month} {}", weekdays.join(",")).parse().ok()?;
        let fires = calendar.after(&DateTime::UNIX_EPOCH).next().is_some();
        fires.then_some(calendar)
    }

    const fn needs_both_days(&self) -> bool {
        self.day.starts_with_star || self.weekday.starts_with_star
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
    listed(set)
}

fn listed(set: Field) -> String {
    set.values().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}
