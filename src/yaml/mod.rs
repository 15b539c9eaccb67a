//! Strict YAML: the inventory and the settings are read here, and nothing of a file but its keys is ever shown.
//!
//! A text becomes a [`Tree`] that knows every position. Of a big inventory each app is turned into its fields as soon as
//! it is there ([`Tree::parse_each`], [`sound`]); only when that finds a fault is the text read again as a whole, and
//! walked so that all faults come out together ([`collect`]). The parser's own error texts quote the file, so none of
//! them is passed on except for plain syntax.

mod builder;
mod check;
mod fault;
mod lone;
mod mistake;
mod notes;
pub mod shape;
mod strict;
mod target;
mod text;
mod tree;

pub use check::Check;
pub use fault::{Fault, FaultCode, Faults};
pub use lone::Lone;
pub use notes::{At, Notes};
pub use strict::{collect, sound};
pub use target::is_loopback;
pub use text::Text;
pub use tree::{Entry, Node, Place, Tree, Value};

use std::{fs, path::Path};

/// Longest single value in bytes; nothing credwatch reads is longer, and a pasted file would be.
pub const MAX_VALUE: usize = 64 * 1024;

/// Nodes that aliases may add; far above honest use of anchors, far below what hurts.
const MAX_REPLAYED: usize = 1_000_000;

/// Deepest nesting; the settings need six.
const MAX_DEPTH: usize = 64;

/// The text of a file.
///
/// # Errors
/// What stands in the way, with the place and the remedy.
pub fn source(file: &Path) -> Result<String, Fault> {
    let bytes = fs::read(file).map_err(|error| Fault::unreadable(file, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let (valid, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let place = Place::after(&String::from_utf8_lossy(valid));
        Fault::new(file, place, FaultCode::NotUtf8, "the file is not UTF-8 text", "save it as UTF-8")
    })?;
    // YAML 1.2 section 5.1 allows no other; the parser would take a NUL for the end of the file.
    let is_control = |byte: u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    // Every byte is looked at, many at once; where the first one stands is asked only if there is one.
    let has_control = text.bytes().fold(false, |found, byte| found | is_control(byte));
    if let Some(offset) = has_control.then(|| text.bytes().position(is_control)).flatten() {
        let place = Place::after(text.get(..offset).unwrap_or_default());
        let advice = "remove it, or write it as an escape in a double-quoted text";
        return Err(Fault::new(file, place, FaultCode::YamlSyntax, "there is a control character here", advice));
    }
    Ok(text)
}
