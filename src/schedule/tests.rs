use chrono::{DateTime, Datelike, Duration, Timelike, Utc};
use chrono_tz::{America, Asia, Australia, Europe, Tz, UTC};
use proptest::prelude::*;

use super::*;

fn schedule(expr: &str, zone: Tz) -> Schedule {
    Schedule::parse(expr, zone).unwrap_or_else(|fault| panic!("{expr}: {fault}"))
}

/// The next `count` times as the zone's own clock shows them.
fn upcoming(expr: &str, zone: Tz, from: &str, count: usize) -> Vec<String> {
    let schedule = schedule(expr, zone);
    let from = from.parse::<DateTime<Utc>>().unwrap();
    std::iter::successors(schedule.next_after(from), |at| schedule.next_after(*at))
        .take(count)
        .map(|at| at.with_timezone(&zone).format("%a %F %R%:z").to_string())
        .collect()
}

#[test]
fn weekdays_count_as_crontab_counts_them() {
    // From a Wednesday's noon.
    for (field, expected) in [
        ("1", &["Mon", "Mon"][..]),
        ("0", &["Sun", "Sun"]),
        ("7", &["Sun", "Sun"]),
        ("1-5", &["Thu", "Fri", "Mon", "Tue", "Wed"]),
        ("5-7", &["Fri", "Sat", "Sun", "Fri"]),
        ("0-2", &["Sun", "Mon", "Tue", "Sun"]),
        ("fri-SUN", &["Fri", "Sat", "Sun", "Fri"]),
        ("*/2", &["Thu", "Sat", "Sun", "Tue", "Thu"]),
        ("*/7", &["Sun", "Sun"]),
        ("Mon,wed", &["Mon", "Wed", "Mon"]),
    ] {
        let times = upcoming(&format!("0 3 * * {field}"), UTC, "2026-11-04T12:00:00Z", expected.len());
        let days: Vec<_> = times.iter().map(|time| &time[..3]).collect();
        assert_eq!(days, expected, "{field}");
    }
}

#[test]
fn either_day_field_will_do_unless_one_starts_with_a_star() {
    let from = "2026-11-04T12:00:00Z";
    assert_eq!(
        upcoming("0 0 13 * 5", UTC, from, 4),
        [
            "Fri 2026-11-06 00:00+00:00",
            "Fri 2026-11-13 00:00+00:00",
            "Fri 2026-11-20 00:00+00:00",
            "Fri 2026-11-27 00:00+00:00"
        ]
    );
    assert_eq!(upcoming("0 0 14 * 5", UTC, from, 3)[2], "Sat 2026-11-14 00:00+00:00");
    // A first week's Monday: the known trick needs the AND.
    assert_eq!(upcoming("0 0 1-7 * */7", UTC, from, 2), ["Sun 2026-12-06 00:00+00:00", "Sun 2027-01-03 00:00+00:00"]);
    assert_eq!(upcoming("0 0 */4 * 5", UTC, from, 2), ["Fri 2026-11-13 00:00+00:00", "Fri 2026-12-25 00:00+00:00"]);
}

#[test]
fn steps_lists_and_ranges_mean_what_they_say() {
    let from = "2026-11-04T12:03:00Z";
    let times =
        |expr: &str| -> Vec<String> { upcoming(expr, UTC, from, 4).iter().map(|at| at[4..20].to_owned()).collect() };
    assert_eq!(times("*/15 * * * *"), ["2026-11-04 12:15", "2026-11-04 12:30", "2026-11-04 12:45", "2026-11-04 13:00"]);
    assert_eq!(times("50/4 * * * *")[..3], ["2026-11-04 12:50", "2026-11-04 12:54", "2026-11-04 12:58"]);
    assert_eq!(
        times("5-10/5,3 12 * * *"),
        ["2026-11-04 12:05", "2026-11-04 12:10", "2026-11-05 12:03", "2026-11-05 12:05"]
    );
    assert_eq!(times("07 3 * jan 1")[..2], ["2027-01-04 03:07", "2027-01-11 03:07"]);
    assert_eq!(times("0 0 29 2 *")[..2], ["2028-02-29 00:00", "2032-02-29 00:00"]);
}

#[test]
fn shorthands_stand_for_their_lines() {
    for (shorthand, line) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
    ] {
        let from = "2026-11-04T12:03:00Z";
        assert_eq!(upcoming(shorthand, UTC, from, 3), upcoming(line, UTC, from, 3), "{shorthand}");
    }
}

#[test]
fn a_fixed_time_in_the_skipped_hour_runs_once_when_the_hour_is_over() {
    assert_eq!(
        upcoming("30 2 * * *", Europe::Oslo, "2027-03-27T12:00:00Z", 2),
        ["Sun 2027-03-28 03:00+02:00", "Mon 2027-03-29 02:30+02:00"]
    );
    assert_eq!(
        upcoming("10,20,30 2 * * *", Europe::Oslo, "2027-03-27T12:00:00Z", 2),
        ["Sun 2027-03-28 03:00+02:00", "Mon 2027-03-29 02:10+02:00"]
    );
    // Half an hour is skipped here.
    assert_eq!(
        upcoming("15 2 * * *", Australia::Lord_Howe, "2026-10-03T00:00:00Z", 2),
        ["Sun 2026-10-04 02:30+11:00", "Mon 2026-10-05 02:15+11:00"]
    );
    // Midnight itself is skipped here.
    assert_eq!(
        upcoming("0 0 * * *", America::Sao_Paulo, "2017-10-14T12:00:00Z", 2),
        ["Sun 2017-10-15 01:00-02:00", "Mon 2017-10-16 00:00-02:00"]
    );
}

#[test]
fn a_fixed_time_in_the_repeated_hour_runs_the_first_time_only() {
    assert_eq!(
        upcoming("30 2 * * *", Europe::Oslo, "2026-10-24T12:00:00Z", 2),
        ["Sun 2026-10-25 02:30+02:00", "Mon 2026-10-26 02:30+01:00"]
    );
    // Asked between the two.
    assert_eq!(upcoming("30 2 * * *", Europe::Oslo, "2026-10-25T00:45:00Z", 1), ["Mon 2026-10-26 02:30+01:00"]);
}

#[test]
fn a_star_in_minute_or_hour_follows_the_hours_as_they_pass() {
    assert_eq!(
        upcoming("0 * * * *", Europe::Oslo, "2026-10-24T23:30:00Z", 4),
        [
            "Sun 2026-10-25 02:00+02:00",
            "Sun 2026-10-25 02:00+01:00",
            "Sun 2026-10-25 03:00+01:00",
            "Sun 2026-10-25 04:00+01:00"
        ]
    );
    assert_eq!(
        upcoming("*/30 2 * * *", America::New_York, "2027-03-13T12:00:00Z", 2),
        ["Mon 2027-03-15 02:00-04:00", "Mon 2027-03-15 02:30-04:00"]
    );
    assert_eq!(
        upcoming("*/20 1 * * *", Australia::Lord_Howe, "2026-04-04T14:30:00Z", 4),
        [
            "Sun 2026-04-05 01:40+11:00",
            "Sun 2026-04-05 01:40+10:30",
            "Mon 2026-04-06 01:00+10:30",
            "Mon 2026-04-06 01:20+10:30"
        ]
    );
}

#[test]
fn a_fault_names_the_field_and_the_reason_and_never_the_text() {
    let fault = |expr: &str| Schedule::parse(expr, UTC).map(|_| ()).unwrap_err().to_string();
    for (expr, part) in [
        ("", "this one has 0"),
        ("0 3 * *", "this one has 4"),
        ("0 0 3 * * 1", "this one has 6"),
        ("@reboot", "known @ lines"),
        ("60 3 * * *", "minute: a value is outside 0-59"),
        ("0 24 * * *", "hour: a value is outside 0-23"),
        ("0 3 0 * *", "day of month: a value is outside 1-31"),
        ("0 3 * 13 *", "month: a value is outside 1-12"),
        ("0 3 * * 8", "weekday: a value is outside 0-7"),
        ("0 3 L * *", "day of month: only numbers"),
        ("0 3 ? * *", "day of month: only numbers"),
        ("0 3 * * 1#2", "weekday: only numbers"),
        ("0 22-2 * * *", "hour: a range runs backwards"),
        ("0 3 * * 5-0", "weekday: a range runs backwards"),
        ("*/0 3 * * *", "minute: a step is zero"),
        ("1,,2 3 * * *", "minute: a comma, dash or slash has nothing beside it"),
        ("-5 3 * * *", "minute: a comma, dash or slash"),
        ("1- 3 * * *", "minute: a comma, dash or slash"),
        ("99999999999999999999999 3 * * *", "minute: a value is outside"),
        ("0 3 30 2 *", "no date ever matches"),
        ("0 3 31 4,6,9,11 *", "no date ever matches"),
        ("0 3 hunter2-canary * *", "day of month: only numbers"),
    ] {
        let text = fault(expr);
        assert!(text.contains(part), "{expr}: {text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn an_unknown_zone_gets_a_suggestion() {
    assert_eq!(zone("Europe/Oslo"), Ok(Europe::Oslo));
    let text = |name: &str| zone(name).unwrap_err().to_string();
    assert_eq!(text("europe/oslo"), "this is no IANA time zone such as Europe/Oslo; did you mean Europe/Oslo?");
    assert_eq!(
        text("America/New York"),
        "this is no IANA time zone such as Europe/Oslo; did you mean America/New_York?"
    );
    assert_eq!(text("+02:00"), "this is no IANA time zone such as Europe/Oslo");
}

#[test]
fn the_words_say_what_the_schedule_does() {
    let words = |expr: &str| schedule(expr, UTC).in_words().to_owned();
    insta::assert_snapshot!(
        [
            "0 3 * * *",
            "0 3 * * 1",
            "0 3 * * 1-5",
            "*/15 * * * *",
            "0 0 13 * 5",
            "0 0 */4 * 5",
            "50/4 8-10 1,15 jan-mar *",
            "@weekly",
            "0 3 * * fri-sun",
            "0 0 29 2 *",
        ]
        .map(|expr| format!("{expr:25} {}", words(expr)))
        .join("\n"),
        @r"
    0 3 * * *                 At 03:00.
    0 3 * * 1                 At 03:00, on Monday.
    0 3 * * 1-5               At 03:00, on Monday, Tuesday, Wednesday, Thursday, and Friday.
    */15 * * * *              At every 15 minutes.
    0 0 13 * 5                At 00:00, on day 13 or Friday.
    0 0 */4 * 5               At 00:00, on day 1, 5, 9, 13, 17, 21, 25, and 29 (if it is also Friday).
    50/4 8-10 1,15 jan-mar *  At minute 50, 54, and 58, of hour 8-10, on day 1 and 15, in January, February, and March.
    @weekly                   At 00:00, on Sunday.
    0 3 * * fri-sun           At 03:00, on Sunday, Friday, and Saturday.
    0 0 29 2 *                At 00:00, on day 29, in February.
    "
    );
}

const ZONES: [Tz; 6] = [Europe::Oslo, America::New_York, Australia::Lord_Howe, Asia::Kolkata, America::Sao_Paulo, UTC];

prop_compose! {
    fn any_instant()(seconds in 1_400_000_000_i64..1_900_000_000) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }
}

fn any_line() -> impl Strategy<Value = String> {
    let field = |low: u8, high: u8| {
        prop_oneof![
            Just("*".to_owned()),
            (low..=high).prop_map(|a| a.to_string()),
            (low..=high, 1..=high).prop_map(|(a, n)| format!("{a}/{n}")),
            (1..=high).prop_map(|n| format!("*/{n}")),
            (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        ]
    };
    (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7))
        .prop_map(|(m, h, d, mo, w)| format!("{m} {h} {d} {mo} {w}"))
}

/// What crontab(5) says of one minute on the wall.
fn matches(line: &str, wall: NaiveDateTime) -> bool {
    let texts: Vec<&str> = line.split(' ').collect();
    let is = |place: usize, kind: &FieldKind, value: u32| Field::parse(texts[place], kind).unwrap().contains(value);
    let (day, weekday) = (is(2, &DAY, wall.day()), is(4, &WEEKDAY, wall.weekday().num_days_from_sunday()));
    let date = if texts[2].starts_with('*') || texts[4].starts_with('*') { day && weekday } else { day || weekday };
    is(0, &MINUTE, wall.minute()) && is(1, &HOUR, wall.hour()) && is(3, &MONTH, wall.month()) && date
}

proptest! {
    #[test]
    fn the_next_time_lies_after_and_nothing_lies_between(
        line in any_line(), zone in prop::sample::select(&ZONES[..]), from in any_instant(), part in 0.0..1.0_f64,
    ) {
        let schedule = Schedule::parse(&line, zone).unwrap();
        if let Some(next) = schedule.next_after(from) {
            prop_assert!(next > from);
            prop_assert_eq!(next.second(), 0);
            let between = from + Duration::seconds(((next - from).num_seconds() as f64 * part) as i64);
            prop_assert_eq!(schedule.next_after(between), Some(next));
            prop_assert!(schedule.next_after(next).is_none_or(|later| later > next));
        }
    }

    /// Every minute of two days around a clock change, one by one.
    #[test]
    fn a_starred_line_fires_exactly_when_the_wall_clock_matches(
        line in any_line(), zone in prop::sample::select(&ZONES[..]), minutes in 0..2_880_i64,
        change in prop::sample::select(&["2026-10-24T00:00:00Z", "2027-03-27T00:00:00Z", "2026-04-03T12:00:00Z", "2017-10-14T00:00:00Z"][..]),
    ) {
        let line = format!("*/7{}", &line[line.find(' ').unwrap()..]);
        let schedule = Schedule::parse(&line, zone).unwrap();
        let from = change.parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minutes);
        let end = from + Duration::days(2);
        let brute = (1..2_880).map(|m| from + Duration::minutes(m)).find(|at| {
            let wall = at.with_timezone(&zone).naive_local();
            matches(&line, wall)
        });
        prop_assert_eq!(schedule.next_after(from).filter(|at| *at < end), brute);
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".*") {
        let _ = Schedule::parse(&text, UTC);
    }
}
