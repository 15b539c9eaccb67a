//! The report as one JSON object, one credential a line, so that two runs can be compared line by line.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::Report;
use crate::text::is_harmless;

/// Streams: at no time is more than one credential in memory twice.
pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    // JSON comes in pieces of a few bytes: gathered here, where each costs no call.
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    report.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Layout { depth: 0, lines: true }))?;
    writeln!(out)?;
    out.flush()
}

/// A value on one line.
pub fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Layout { depth: 0, lines: false }))?;
    writeln!(out)
}

/// Members of the outermost object and items of its arrays begin a line. Whatever a terminal could act on or hide is
/// written as `\u....`: the same text to a parser, harmless to `cat`.
struct Layout {
    depth: usize,
    lines: bool,
}

impl Layout {
    fn item<W: ?Sized + Write>(&self, out: &mut W, first: bool, deepest: usize) -> io::Result<()> {
        match (self.lines && self.depth <= deepest, first) {
            (true, true) => write!(out, "\n{:1$}", "", self.depth),
            (true, false) => write!(out, ",\n{:1$}", "", self.depth),
            (false, true) => Ok(()),
            (false, false) => out.write_all(b", "),
        }
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, deepest: usize, bracket: &[u8]) -> io::Result<()> {
        let broken = self.lines && self.depth <= deepest;
        self.depth -= 1;
        if broken {
            write!(out, "\n{:1$}", "", self.depth)?;
        }
        out.write_all(bracket)
    }
}

impl Formatter for Layout {
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first, 1)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, 1, b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.item(out, first, 2)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, 2, b"]")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Without a way out in between many bytes are looked at at once.
        if fragment.bytes().fold(true, |plain, byte| plain & matches!(byte, 0x20..=0x7e)) {
            return out.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            if is_harmless(c) {
                out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                // RFC 8259 section 7: beyond the basic plane as a surrogate pair.
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_acts_on_a_terminal(text in "\\PC*|.*") {
            let mut out = Vec::new();
            line(&text, &mut out).unwrap();
            let written = String::from_utf8(out).unwrap();
            prop_assert!(written.trim_end().chars().all(is_harmless));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
