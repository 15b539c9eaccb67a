//! Faults that stand alone: the text cannot be made sense of.

use std::{borrow::Cow, path::Path};

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::{Fault, FaultCode, Place};

/// A fault after which nothing else can be said about the file.
pub struct Lone {
    place: Place,
    code: FaultCode,
    message: Cow<'static, str>,
    advice: &'static str,
}

impl Lone {
    pub(super) fn new(
        place: Place,
        code: FaultCode,
        message: impl Into<Cow<'static, str>>,
        advice: &'static str,
    ) -> Self {
        Self { place, code, message: message.into(), advice }
    }

    #[must_use]
    pub fn fault(self, file: &Path) -> Fault {
        Fault::new(file, self.place, self.code, self.message, self.advice)
    }
}

impl Lone {
    /// The parser's error, in the words that are known to hold nothing of the file.
    pub(super) fn syntax(error: &ScanError, text: &str) -> Self {
        let mark = error.marker();
        let mut place = Place { line: mark.line(), column: mark.col() + 1, offset: mark.index() };
        let advice = match error.kind() {
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
            | ErrorKind::InvalidBlockEntryWhitespace
            | ErrorKind::InvalidMappingValueWhitespace => {
                place = first_tab(text, place).unwrap_or(place);
                "YAML is indented with spaces, never with tabs"
            }
            ErrorKind::UnclosedQuotedScalar => "close the quotes that begin here or before",
            ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofFlowSequence => "close the bracket or brace that begins here or before",
            ErrorKind::MappingValueNotAllowed => "check the indentation, and quote a value that holds `: `",
            ErrorKind::UnknownAnchor => "an alias `*name` needs an anchor `&name` above it",
            ErrorKind::RecursionLimitExceeded => "nothing here nests that deep",
            ErrorKind::UnexpectedCharacter { .. } => "put the value in quotes",
            _ => "check the indentation and the quotes around here",
        };
        // Fixed sentences, but for those that name a character of the file.
        let message: Cow<'static, str> = match error.kind() {
            ErrorKind::UnexpectedCharacter { .. } | ErrorKind::Custom(_) => "a value cannot begin like this".into(),
            kind => format!("this is not valid YAML: {kind}").into(),
        };
        Self::new(place, FaultCode::YamlSyntax, message, advice)
    }
}

/// The tab that a line is indented with, at or behind a place: the parser names where the value before it begins.
fn first_tab(text: &str, from: Place) -> Option<Place> {
    let lines = text.lines().enumerate().skip(from.line.saturating_sub(1));
    let indented = |(index, line): (usize, &str)| {
        let blank = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t'));
        let column = blank.collect::<Vec<u8>>().iter().position(|byte| *byte == b'\t')? + 1;
        Some(Place { line: index + 1, column, offset: from.offset })
    };
    lines.into_iter().find_map(indented)
}
