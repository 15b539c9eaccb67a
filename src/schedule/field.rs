//! One field of a crontab line (crontab(5)), as the set of values it matches.

use thiserror::Error;

/// What a field counts and which words it knows.
#[derive(Debug)]
pub(super) struct FieldKind {
    pub name: &'static str,
    low: u8,
    high: u8,
    /// Three-letter names; the first stands for `low`.
    names: &'static [&'static str],
}

pub(super) const MINUTE: FieldKind = FieldKind { name: "minute", low: 0, high: 59, names: &[] };
pub(super) const HOUR: FieldKind = FieldKind { name: "hour", low: 0, high: 23, names: &[] };
pub(super) const DAY: FieldKind = FieldKind { name: "day of month", low: 1, high: 31, names: &[] };
pub(super) const MONTH: FieldKind = FieldKind {
    name: "month",
    low: 1,
    high: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Both 0 and 7 are Sunday.
pub(super) const WEEKDAY: FieldKind =
    FieldKind { name: "weekday", low: 0, high: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };

/// Why a field cannot be read. The text is not repeated: whatever was typed there may not be for showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldFault {
    #[error("a comma, dash or slash has nothing beside it")]
    Empty,
    #[error("only numbers, three-letter names of months and weekdays, and `* , - /` are known (no `L W # ?`)")]
    NotANumber,
    #[error("a value is outside {low}-{high}")]
    OutOfRange { low: u8, high: u8 },
    #[error("a range runs backwards; write it as two, such as 22-23,0-2")]
    Backwards,
    #[error("a step is zero")]
    ZeroStep,
}

/// The values a field matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Debian's cron looks at the first character, so `*/4` counts as a star too.
    pub starts_with_star: bool,
}

impl Field {
    pub(super) fn parse(text: &str, kind: &FieldKind) -> Result<Self, FieldFault> {
        let mut bits = 0;
        for term in text.split(',') {
            bits |= kind.term(term)?;
        }
        if kind.names.first() == Some(&"SUN") && bits & (1 << 7) != 0 {
            bits = bits & !(1 << 7) | 1;
        }
        Ok(Self { bits, starts_with_star: text.starts_with('*') })
    }

    pub(super) fn contains(self, value: u32) -> bool {
        value < u64::BITS && self.bits & (1 << value) != 0
    }

    /// In ascending order.
    pub(super) fn values(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |value| self.contains(*value))
    }
}

impl FieldKind {
    /// Every value.
    pub(super) fn all(&self) -> Field {
        Field { bits: (self.low..=self.high).fold(0, |bits, value| bits | 1 << value), starts_with_star: true }
    }

    /// `*`, `a` or `a-b`, each with `/n` behind it or not; `a/n` runs from `a` to the end.
    fn term(&self, term: &str) -> Result<u64, FieldFault> {
        let (range, step) = match term.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (term, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((first, last)) => (self.value(first)?, self.last(first, last)?),
            None => {
                let first = self.value(range)?;
                (first, if step.is_some() { self.high } else { first })
            }
        };
        match step {
            Some(0) => Err(FieldFault::ZeroStep),
            _ if first > last => Err(FieldFault::Backwards),
            step => Ok((first..=last).step_by(step.unwrap_or(1)).fold(0, |bits, value| bits | 1 << value)),
        }
    }

    /// The end of a range. `FRI-SUN` says what it means; only the number 0 for Sunday stands in the way.
    fn last(&self, first: &str, last: &str) -> Result<u8, FieldFault> {
        let sunday = last.eq_ignore_ascii_case("SUN") && self.value(first)? > 0;
        if sunday { Ok(self.high) } else { self.value(last) }
    }

    fn value(&self, text: &str) -> Result<u8, FieldFault> {
        if let Some(place) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.low + u8::try_from(place).unwrap_or(u8::MAX - self.low));
        }
        let value = number(text)?;
        u8::try_from(value)
            .ok()
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or(FieldFault::OutOfRange { low: self.low, high: self.high })
    }
}

fn number(text: &str) -> Result<usize, FieldFault> {
    if text.is_empty() {
        return Err(FieldFault::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FieldFault::NotANumber);
    }
    // Digits alone fail only by being too many: far outside every range, and as a step beyond every end.
    Ok(text.parse().unwrap_or(usize::MAX))
}
