//! Takes secrets out of texts that others wrote.
//!
//! A server may echo what it was sent: raw, escaped for its answer's format, or in the base64 of the header it came
//! in. A text is searched for every eight characters of each of these forms, so that parts are found too; and once more
//! for its letters and digits alone, because separators (`43 41`, `%43%41`, UTF-16's NULs, a broken line) hide nothing from
//! a reader.

use std::collections::HashSet;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// What stands in a secret's place.
const MARK: &str = "[redacted]";

/// Characters of a secret that together count as a trace of it.
const WINDOW: usize = 8;

/// Finds any form of some secrets in a text.
pub struct Redactor {
    /// Eight bytes in lower case each, packed.
    windows: HashSet<u64>,
    /// Forms shorter than a window, in lower case.
    short: Vec<Zeroizing<String>>,
}

impl Redactor {
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self { windows: HashSet::new(), short: Vec::new() }.and(secrets)
    }

    /// One that finds these, too.
    #[must_use]
    pub fn and<'a>(mut self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            self.learn(secret);
            forms(secret).iter().filter(|form| form.len() > 2).for_each(|form| self.learn(form));
        }
        self
    }

    /// The text with each trace of a secret replaced.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let traces = self.traces(text);
        let mut clean = String::with_capacity(text.len());
        let mut inside = false;
        for (at, c) in text.char_indices() {
            let is_trace = traces.get(at..at + c.len_utf8()).is_some_and(|bytes| bytes.contains(&true));
            match (is_trace, inside) {
                (true, false) => clean.push_str(MARK),
                (true, true) => {}
                (false, _) => clean.push(c),
            }
            inside = is_trace;
        }
        clean
    }

    /// Which bytes of the text belong to a trace.
    fn traces(&self, text: &str) -> Vec<bool> {
        let lower = text.to_ascii_lowercase();
        let mut traces = vec![false; text.len()];
        let mut mark =
            |from: usize, to: usize| traces.iter_mut().take(to + 1).skip(from).for_each(|trace| *trace = true);
        for (at, window) in windows(lower.as_bytes()).enumerate() {
            if self.windows.contains(&window) {
                mark(at, at + WINDOW - 1);
            }
        }
        let (places, kept): (Vec<usize>, Vec<u8>) =
            lower.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()).unzip();
        for (window, span) in windows(&kept).zip(places.windows(WINDOW)) {
            if let ([from, .., to], true) = (span, self.windows.contains(&window)) {
                mark(*from, *to);
            }
        }
        for form in &self.short {
            for (at, _) in lower.match_indices(form.as_str()) {
                traces.iter_mut().skip(at).take(form.len()).for_each(|trace| *trace = true);
            }
        }
        traces
    }

    /// Case is ignored throughout: `%2F` is `%2f`, and servers shout.
    fn learn(&mut self, form: &str) {
        let lower = Zeroizing::new(form.to_ascii_lowercase());
        if lower.len() < WINDOW {
            self.short.push(lower);
        } else {
            self.windows.extend(windows(lower.as_bytes()));
            let kept: Zeroizing<Vec<u8>> = Zeroizing::new(lower.bytes().filter(u8::is_ascii_alphanumeric).collect());
            self.windows.extend(windows(&kept));
        }
    }
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.windows(WINDOW).map(|window| window.iter().fold(0, |packed, byte| (packed << 8) | u64::from(*byte)))
}

/// Every way a text comes back that differs from the text itself.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms: Vec<String> = form_encodings(secret).into();
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    // `\u0043`, `\x43` and `&#x43;`, `&#67;` for every character; the marks around the numbers are separators.
    forms.push(secret.encode_utf16().map(|unit| format!("u{unit:04x}")).collect());
    forms.push(secret.chars().map(|c| format!("x{:02x}", u32::from(c))).collect());
    forms.push(secret.chars().map(|c| u32::from(c).to_string()).collect());
    forms.extend([STANDARD.encode(secret), URL_SAFE.encode(secret)]);
    let little: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let big: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for bytes in [secret.as_bytes(), &little, &big] {
        for offset in 0..3 {
            let shifted = Zeroizing::new([&vec![0; offset], bytes].concat());
            forms.push(stable(&STANDARD_NO_PAD.encode(&*shifted), offset, shifted.len()));
            forms.push(stable(&URL_SAFE_NO_PAD.encode(&*shifted), offset, shifted.len()));
        }
    }
    if let Ok(json) = serde_json::to_string(secret) {
        forms.push(json.trim_matches('"').replace('/', "\\/"));
        forms.push(json.trim_matches('"').to_owned());
    }
    let escaped = |escape: fn(char) -> Option<String>| -> String {
        secret.chars().map(|c| escape(c).unwrap_or_else(|| c.to_string())).collect()
    };
    forms.push(escaped(|c| is_marked(c).then(|| format!("\\u{:04x}", u32::from(c)))));
    forms.push(escaped(|c| is_marked(c).then(|| format!("&#{};", u32::from(c)))));
    forms.push(escaped(|c| is_marked(c).then(|| format!("&#x{:x};", u32::from(c)))));
    forms.push(escaped(named));
    forms.retain(|form| form != secret);
    forms.into_iter().map(Zeroizing::new).collect()
}

/// As a form field, as a URL's part (RFC 3986), and as JavaScript's `encodeURIComponent` writes it.
fn form_encodings(secret: &str) -> [String; 3] {
    let percent = |kept: &str| {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
        secret.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02x}") }).collect()
    };
    [form_urlencoded::byte_serialize(secret.as_bytes()).collect(), percent("-._~"), percent("-_.!~*'()")]
}

/// The characters of a base64 text that depend on the secret alone, whatever stands before and after it.
fn stable(encoded: &str, offset: usize, length: usize) -> String {
    let first = [0, 2, 3].get(offset).copied().unwrap_or_default();
    let last = encoded.len().saturating_sub(usize::from(!length.is_multiple_of(3)));
    encoded.get(first..last).unwrap_or_default().to_owned()
}

/// What libraries write as a number for safety's sake.
fn is_marked(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '"' | '\'' | '/' | '=' | '+' | '`')
}

fn named(c: char) -> Option<String> {
    let name = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CANARY: &str = "q8Q~W/e+r%T y&u\"I=o<P>a'S-d.F_gZ";

    #[test]
    fn a_secret_is_taken_out_in_every_form_servers_echo() {
        let redactor = Redactor::new([CANARY]);
        for (name, form) in [
            ("raw", CANARY.to_owned()),
            ("form", form_urlencoded::byte_serialize(CANARY.as_bytes()).collect()),
            ("json", serde_json::to_string(CANARY).unwrap()),
            ("json, slashes escaped", serde_json::to_string(CANARY).unwrap().replace('/', "\\/")),
            ("html", CANARY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")),
            ("base64 of the whole", STANDARD.encode(CANARY)),
            ("base64 in a Basic header", STANDARD_NO_PAD.encode(format!("id:{CANARY}"))),
            ("base64 at the next offset", URL_SAFE_NO_PAD.encode(format!("id:x{CANARY}."))),
            ("base64 at the last offset", URL_SAFE_NO_PAD.encode(format!("id:xy{CANARY}.."))),
            ("hex", CANARY.bytes().map(|b| format!("{b:02X}")).collect()),
        ] {
            let clean = redactor.clean(&format!("client said <{form}> and is refused"));
            assert!(clean.starts_with("client said <"), "{name}: {clean}");
            assert!(clean.ends_with("> and is refused"), "{name}: {clean}");
            // Base64 keeps up to three characters at each end, which carry bits of the neighbours.
            assert!(clean.len() <= "client said <[redacted]> and is refused".len() + 14, "{name}: {clean}");
        }
    }

    #[test]
    fn a_secret_escaped_in_every_character_or_pulled_apart_is_taken_out() {
        let each = |escape: fn(u8) -> String| CANARY.bytes().map(escape).collect::<String>();
        let utf16: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let redactor = Redactor::new([CANARY]);
        for (name, form) in [
            ("percent", each(|byte| format!("%{byte:02X}"))),
            ("quoted-printable", each(|byte| format!("={byte:02X}"))),
            ("hex in pairs", each(|byte| format!("{byte:02x} "))),
            ("JSON's escape", each(|byte| format!("\\u{byte:04x}"))),
            ("YAML's escape", each(|byte| format!("\\x{byte:02x}"))),
            ("HTML's decimal escape", each(|byte| format!("&#{byte};"))),
            ("HTML's hex escape", each(|byte| format!("&#x{byte:X};"))),
            ("UTF-16", each(|byte| format!("{}\0", char::from(byte)))),
            ("zero width", each(|byte| format!("{}\u{200b}", char::from(byte)))),
            ("UTF-16 in base64", STANDARD.encode(utf16)),
            ("broken lines", each(|byte| if byte == b'r' { "r\r\n".to_owned() } else { char::from(byte).to_string() })),
        ] {
            let clean = redactor.clean(&format!("sent <{form}> and is refused"));
            let left = clean.replace(MARK, "");
            assert!(left.starts_with("sent <") && left.ends_with("> and is refused"), "{name}: {clean}");
            assert!(left.len() < "sent <> and is refused".len() + 20, "{name}: {clean}");
        }
    }

    #[test]
    fn a_part_of_eight_characters_is_a_trace() {
        let redactor = Redactor::new(["0123456789abcdef"]);
        assert_eq!(redactor.clean("got 0123456... of 16"), "got 0123456... of 16");
        assert_eq!(redactor.clean("got 01234567... of 16"), "got [redacted]... of 16");
        assert_eq!(redactor.clean("ends in 6789ABCDEF"), "ends in [redacted]");
    }

    #[test]
    fn a_short_secret_is_taken_out_whole() {
        let redactor = Redactor::new(["a/b c"]);
        assert_eq!(redactor.clean("a/b c, a%2Fb+c, a%2fb%20c"), "[redacted], [redacted], [redacted]");
        assert_eq!(redactor.clean("abc"), "abc");
    }

    #[test]
    fn without_a_secret_nothing_changes() {
        assert_eq!(Redactor::new([""]).clean("Grüße"), "Grüße");
    }

    proptest! {
        #[test]
        fn eight_characters_of_the_secret_never_remain(secret in "[ -~äß€]{8,40}", before in ".{0,9}", after in ".{0,9}") {
            let clean = Redactor::new([secret.as_str()]).clean(&format!("{before}{secret}{after}"));
            let chars: Vec<char> = secret.chars().collect();
            for part in chars.windows(WINDOW) {
                prop_assert!(!clean.replace(MARK, "").contains(&part.iter().collect::<String>()));
            }
        }
    }
}
