//! Hostile text made harmless before a person or a terminal sees it.

/// One line of text without control characters, bidi overrides or zero-width characters, each replaced
/// by U+FFFD so that the reader sees that something was there.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// [`printable`], cut to `limit` characters with an ellipsis.
#[must_use]
pub fn shortened(text: &str, limit: usize) -> String {
    let mut clean = printable(text);
    if let Some((cut, _)) = clean.char_indices().nth(limit) {
        clean.truncate(cut);
        clean.push('…');
    }
    clean
}

/// A name as one word of a POSIX shell's command line.
#[must_use]
pub fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ':' | '+');
    let name = printable(name);
    let needs_none = !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('-');
    if needs_none { name } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// A credential in a command line that a person may copy into a shell.
#[must_use]
pub fn argument(app: &str, label: Option<&str>) -> String {
    let label = label.map(|label| format!(" --label {}", word(label))).unwrap_or_default();
    format!("{}{label}", word(app))
}

/// Whether a character shows itself and nothing else happens.
#[must_use]
pub fn is_harmless(c: char) -> bool {
    !(c.is_control()
        // U+061C, U+200E.., U+202A.., U+2066..: bidi marks, embeddings, overrides and isolates; U+200B..U+200D, U+2060, U+FEFF: zero
        // width; U+00AD soft hyphen; U+2028/9 line breaks; U+E0000.. tags; U+FFF9.. annotation;
        // U+FFFE and U+FFFF are no characters, and XML cannot hold them.
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terminal_escapes_and_bidi_lose_their_power() {
        assert_eq!(printable("a\u{1b}[31mred"), "a\u{fffd}[31mred");
        assert_eq!(printable("gpj\u{202e}.exe"), "gpj\u{fffd}.exe");
        assert_eq!(printable("line\r\nBcc: x"), "line\u{fffd}\u{fffd}Bcc: x");
        assert_eq!(printable("Grüße 東京"), "Grüße 東京");
    }

    #[test]
    fn a_long_text_is_cut_at_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }

    #[test]
    fn a_name_is_one_word_of_a_command_line() {
        for (name, expected) in [
            ("etl", "etl"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("-rf", "'-rf'"),
            ("", "''"),
            ("person:ops@example.org", "person:ops@example.org"),
        ] {
            assert_eq!(word(name), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_printable_holds_a_control_character(text in ".*") {
            prop_assert!(!printable(&text).chars().any(char::is_control));
        }
    }
}
