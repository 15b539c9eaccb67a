//! The ends of all credentials, counted by month: what the page draws as bars.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use serde::Serialize;

use super::super::wording;
use crate::assess::{Assessment, Severity};

/// Months drawn, beginning with the one of the run.
const MONTHS: u32 = 12;
/// Height of the highest bar and its foot, in units of the drawing.
const HIGHEST: f64 = 140.0;
const FOOT: f64 = 172.0;
/// A part stays visible beside one a thousand times its size.
const LOWEST: f64 = 3.0;
const SLOT: usize = 60;

#[derive(Serialize)]
pub struct Timeline {
    bars: Vec<Bar>,
    /// All that the drawing shows, in words.
    text: String,
}

#[derive(Serialize)]
struct Bar {
    title: String,
    label: String,
    year: Option<String>,
    number: usize,
    left: usize,
    middle: usize,
    /// Where the number stands.
    top: String,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    severity: &'static str,
    y: String,
    height: String,
}

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    Ended,
    Month(NaiveDate),
    Later,
    Never,
    NotKnown,
}

impl Timeline {
    pub fn of(credentials: &[Assessment<'_>], now: DateTime<Utc>) -> Self {
        let spans = spans(now.date_naive());
        let mut counts = vec![[0_usize; wording::SEVERITIES.len()]; spans.len()];
        for assessment in credentials {
            let span = Span::of(assessment, now);
            // An end beyond the last month drawn is in no span of its own.
            let place = spans.iter().position(|other| *other == span);
            let place = place.or_else(|| spans.iter().position(|other| *other == Span::Later));
            let severity = wording::SEVERITIES.iter().position(|severity| *severity == assessment.severity);
            if let Some(count) = place.zip(severity).and_then(|(place, s)| counts.get_mut(place)?.get_mut(s)) {
                *count += 1;
            }
        }
        let most = counts.iter().map(|count| count.iter().sum()).max().unwrap_or(0_usize);
        let bars: Vec<_> = spans
            .iter()
            .zip(&counts)
            .enumerate()
            .map(|(place, (span, counts))| bar(place, *span, counts, most))
            .collect();
        let text = bars.iter().filter(|bar| bar.number > 0).map(|bar| format!("{}.", bar.title)).collect::<Vec<_>>();
        Self { text: text.join(" "), bars }
    }
}

impl Span {
    fn of(assessment: &Assessment<'_>, now: DateTime<Utc>) -> Self {
        match assessment.expiry.at {
            _ if assessment.expiry.never => Self::Never,
            None => Self::NotKnown,
            Some(at) if at <= now => Self::Ended,
            Some(at) => Self::Month(first_of_month(at.date_naive())),
        }
    }

    /// In full, as a tooltip says it.
    fn title(self) -> String {
        match self {
            Self::Month(first) => first.format("%B %Y").to_string(),
            _ => self.label(),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Ended => "Ended".to_owned(),
            Self::Month(first) => first.format("%b").to_string(),
            Self::Later => "Later".to_owned(),
            Self::Never => "Never".to_owned(),
            Self::NotKnown => "No date".to_owned(),
        }
    }
}

fn spans(today: NaiveDate) -> Vec<Span> {
    let first = first_of_month(today);
    let months = (0..MONTHS).filter_map(|months| first.checked_add_months(Months::new(months))).map(Span::Month);
    std::iter::once(Span::Ended).chain(months).chain([Span::Later, Span::Never, Span::NotKnown]).collect()
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn bar(place: usize, span: Span, counts: &[usize], most: usize) -> Bar {
    let number: usize = counts.iter().sum();
    let mut y = FOOT;
    let mut parts = Vec::new();
    // Drawn from the foot upwards, the worst lowest: there the eye compares.
    for (severity, count) in wording::SEVERITIES.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let height = (*count as f64 / most as f64 * HIGHEST).max(LOWEST);
        y -= height;
        parts.push(Part { severity: severity.name(), y: format!("{y:.1}"), height: format!("{height:.1}") });
    }
    let year = match span {
        Span::Month(first) if place == 1 || first.month() == 1 => Some(first.year().to_string()),
        _ => None,
    };
    Bar {
        title: title(span, counts),
        label: span.label(),
        year,
        number,
        left: place * SLOT + (SLOT - 36) / 2,
        middle: place * SLOT + SLOT / 2,
        top: format!("{:.1}", y - 6.0),
        parts,
    }
}

fn title(span: Span, counts: &[usize]) -> String {
    let by_severity: Vec<(Severity, usize)> =
        wording::SEVERITIES.into_iter().zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect();
    let words: Vec<_> = by_severity.iter().map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    format!("{}: {}", span.title(), if words.is_empty() { "none".to_owned() } else { words.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::{super::super::fixture, *};

    #[test]
    fn every_credential_is_in_exactly_one_bar() {
        fixture::with_report(|report| {
            let timeline = Timeline::of(report.credentials, report.run.finished_at);
            assert_eq!(timeline.bars.iter().map(|bar| bar.number).sum::<usize>(), report.credentials.len());
            insta::assert_snapshot!(
                timeline.text,
                @"Ended: 1 critical. December 2026: 1 warning. March 2027: 1 unknown. September 2027: 1 ok. Never: 1 warning. No date: 1 info."
            );
        });
    }

    #[test]
    fn the_drawing_is_as_wide_as_its_bars_and_none_is_higher_than_the_drawing() {
        let app = fixture::app("many", None);
        let one = |severity, expiry| {
            let mut it = fixture::assessment(&app, crate::assess::Verdict::Valid, expiry, vec![]);
            it.severity = severity;
            it
        };
        let mut many: Vec<_> = (0..20_000).map(|_| one(Severity::Ok, fixture::NEVER)).collect();
        many.extend(wording::SEVERITIES.map(|severity| one(severity, fixture::NEVER)));
        let timeline = Timeline::of(&many, fixture::at("2026-11-21T02:00:00Z"));
        let bar = timeline.bars.iter().find(|bar| bar.number > 0).unwrap();
        assert!(bar.top.parse::<f64>().unwrap() > 10.0, "{}", bar.top);
        assert_eq!(timeline.bars.len() * SLOT, 960);
    }
}
