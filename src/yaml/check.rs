//! What a single value must look like, whatever file it stands in. Every check notes the fault it finds and then
//! answers `None`.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, path::Path, str::FromStr, sync::Arc};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{
    Deserialize,
    de::{self, IntoDeserializer, value::StrDeserializer},
};

use super::{At, FaultCode, Notes, Text};
use crate::{period::Period, secret::ExecRule};

/// Longest name, id or other one-line text in characters.
const MAX_LINE: usize = 1_000;

/// The checks of one file, and what they found.
pub struct Check<'a> {
    pub notes: Notes,
    /// The folder of the file: where relative `file:` references begin.
    pub folder: &'a Path,
    /// The programs that `exec:` references may run.
    pub programs: &'a [ExecRule],
}

impl<'a> Check<'a> {
    #[must_use]
    pub fn new(folder: &'a Path, programs: &'a [ExecRule]) -> Self {
        Self { notes: Notes::default(), folder, programs }
    }

    pub(super) fn invalid<T>(
        &mut self,
        at: &At<'_>,
        message: &'static str,
        advice: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Option<T> {
        self.notes.add(at, FaultCode::InvalidValue, message, advice);
        None
    }

    /// A key that must be there.
    pub fn missing<T>(&mut self, at: &At<'_>, advice: impl Into<std::borrow::Cow<'static, str>>) -> Option<T> {
        let name = match at {
            At::Key(_, key) => (*key).to_owned(),
            _ => String::new(),
        };
        self.notes.add(at, FaultCode::MissingField, format!("`{name}` is missing"), advice);
        None
    }

    /// The version of a file's format.
    pub fn version(&mut self, text: Option<&Text>) {
        let at = At::Root.key("version");
        match text.map(|text| &**text) {
            Some("1") => {}
            Some(_) => {
                let advice = "write `version: 1`, or use the credwatch that wrote this file";
                self.notes.add(&at, FaultCode::UnsupportedVersion, "this credwatch reads version 1", advice);
            }
            None => drop(self.missing::<()>(&at, "write `version: 1` as the first line")),
        }
    }

    /// Words for people: a name, a label. Whatever they hold, each output makes it harmless in its own way.
    pub fn words(&mut self, at: &At<'_>, text: Option<Text>) -> Option<String> {
        let text = text?;
        if truth(&text).is_some() {
            return self.invalid(at, "this is `true` or `false` and says nothing here", "write what its key asks for");
        }
        self.filled(at, text)
    }

    fn filled(&mut self, at: &At<'_>, text: Text) -> Option<String> {
        if text.is_empty() {
            return self.invalid(at, "this is empty", "write a value, or remove the key");
        }
        Some(text.into())
    }

    /// One line that goes into a request or a path: an id, a scope.
    pub fn line(&mut self, at: &At<'_>, text: Option<Text>) -> Option<String> {
        let text = self.words(at, text)?;
        self.one_line(at, text)
    }

    fn one_line(&mut self, at: &At<'_>, text: String) -> Option<String> {
        if text.chars().any(char::is_control) {
            return self.invalid(
                at,
                "there is a control character or a line break in this",
                "write it in one line of plain text",
            );
        }
        // No text has more characters than bytes.
        if text.len() > MAX_LINE && text.chars().count() > MAX_LINE {
            return self.invalid(at, "this is longer than 1,000 characters", "shorten it");
        }
        Some(text)
    }

    /// Words to select by; any value will do.
    pub fn list(&mut self, at: &At<'_>, texts: Option<Vec<Text>>) -> Option<Arc<[String]>> {
        let each = texts?.into_iter().enumerate();
        Some(each.filter_map(|(index, text)| self.filled(&at.index(index), text)).collect())
    }

    /// Form parameters and the like: any value, by name.
    pub fn map(&mut self, at: &At<'_>, texts: Option<BTreeMap<String, Text>>) -> Option<BTreeMap<String, String>> {
        let each = texts?.into_iter();
        let mut value = |at: &At<'_>, text| self.filled(at, text).and_then(|text| self.one_line(at, text));
        Some(each.filter_map(|(key, text)| Some((key.clone(), value(&at.key(&key), text)?))).collect())
    }

    pub fn addresses(&mut self, at: &At<'_>, texts: Option<Vec<Text>>) -> Option<Arc<[String]>> {
        let each = texts?.into_iter().enumerate();
        Some(each.filter_map(|(index, text)| self.address(&at.index(index), Some(text))).collect())
    }

    /// A mail address without a name.
    pub fn address(&mut self, at: &At<'_>, text: Option<Text>) -> Option<String> {
        let text = text?;
        match lettre::Address::from_str(&text) {
            Ok(_) => Some(text.into()),
            Err(_) => self.invalid(at, "this is no e-mail address", "write the bare address, as in `ops@example.org`"),
        }
    }

    pub fn flag(&mut self, at: &At<'_>, text: Option<Text>) -> Option<bool> {
        truth(&text?).or_else(|| self.invalid(at, "this is neither `true` nor `false`", "write `true` or `false`"))
    }

    /// A whole number within limits.
    pub fn number<N>(&mut self, at: &At<'_>, text: Option<Text>, range: RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + fmt::Display,
    {
        match text?.parse::<N>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let advice = format!("write a whole number from {} to {}", range.start(), range.end());
                self.invalid(at, "this is not a number that fits here", advice)
            }
        }
    }

    /// One of the names of an enum.
    pub fn choice<T: for<'de> Deserialize<'de>>(&mut self, at: &At<'_>, text: Option<Text>) -> Option<T> {
        let text = text?;
        let name: StrDeserializer<'_, NotAmong> = (*text).into_deserializer();
        match T::deserialize(name) {
            Ok(value) => Some(value),
            Err(NotAmong(names)) => {
                self.invalid(at, "this is none of the names that fit here", format!("one of {}", names.join(", ")))
            }
        }
    }

    pub fn period(&mut self, at: &At<'_>, text: Option<Text>) -> Option<Period> {
        match text?.parse() {
            Ok(period) => Some(period),
            Err(_) => {
                self.invalid(at, "this is no duration", "a whole number and one of ms, s, m, h, d, w, as in `30d`")
            }
        }
    }

    /// A date, meaning the start of that day in UTC, or a time with its zone.
    pub fn moment(&mut self, at: &At<'_>, text: Option<Text>) -> Option<DateTime<Utc>> {
        let text = text?;
        if let Some(day) = day(&text) {
            return Some(day.and_time(NaiveTime::MIN).and_utc());
        }
        let digits = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        match DateTime::parse_from_rfc3339(&text) {
            Ok(time) if digits <= 9 => return Some(time.to_utc()),
            Ok(_) => {
                return self.invalid(
                    at,
                    "this time has more than nine digits behind the point",
                    "whole seconds will do",
                );
            }
            Err(_) => {}
        }
        let mut padded = text.to_string();
        padded.push('Z');
        if DateTime::parse_from_rfc3339(&padded).is_ok() {
            return self.invalid(
                at,
                "this time has no zone",
                "end it with `Z` for UTC, or with an offset such as `+02:00`",
            );
        }
        let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
        if text.chars().map(shape).collect::<String>().starts_with("0000-00-00") {
            return self.invalid(
                at,
                "the calendar or the clock has no such day or time",
                "check day, month, hour and offset",
            );
        }
        self.invalid(at, "this is neither a date nor a time", "write `2027-03-01` or `2027-03-01T12:00:00Z`")
    }

    /// A crontab line.
    pub fn cron(&mut self, at: &At<'_>, text: Option<Text>) -> Option<String> {
        let text = text?;
        match crate::schedule::Schedule::parse(&text, chrono_tz::Tz::UTC) {
            Ok(_) => Some(text.into()),
            Err(fault) => {
                self.notes.add(
                    at,
                    FaultCode::InvalidValue,
                    fault.to_string(),
                    "five fields, as in `0 3 * * *`: minute, hour, day, month, weekday",
                );
                None
            }
        }
    }
}

/// `2027-03-01` and nothing else.
fn day(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let number = |text: &str, width: usize| {
        let is_number = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    NaiveDate::from_ymd_opt(number(year, 4)?.into(), number(month, 2)?.into(), number(day, 2)?.into())
}

/// The booleans of YAML 1.2 (section 10.3.2).
fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The names an enum knows, taken from serde's refusal of another one; what was refused is dropped.
#[derive(Debug)]
struct NotAmong(&'static [&'static str]);

impl fmt::Display for NotAmong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "none of {}", self.0.join(", "))
    }
}

impl std::error::Error for NotAmong {}

impl de::Error for NotAmong {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}
