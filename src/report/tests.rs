//! What holds for every format: how it reads, and that nobody's names can do harm in it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{fixture, *};
use crate::{
    assess::{FindingCode, Standing, Verdict},
    inventory::App,
    run::Incomplete,
    text::is_harmless,
};

#[test]
fn each_format_reads_as_in_its_snapshot() {
    for format in Format::ALL {
        let mut text = fixture::with_report(|report| render(format, report, Look::default())).unwrap();
        if format == Format::Html {
            // They stand in files of their own, and the policy holds their hashes.
            text = text.replace(&between(&text, "<style>", "</style>"), "");
            text = text.replace(&between(&text, "<script>", "</script>"), "");
            text = text.replace(&html::content_security_policy(), "");
        }
        insta::assert_snapshot!(format.name(), text);
    }
}

fn between(text: &str, from: &str, to: &str) -> String {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

#[test]
fn the_page_may_run_its_own_script_and_style_and_nothing_else() {
    let page = fixture::with_report(|report| render(Format::Html, report, Look::default())).unwrap();
    let hash = |text: String| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\">");
    assert_eq!(policy, html::content_security_policy());
    assert!(policy.starts_with("default-src 'none';"));
    assert!(policy.contains(&format!("script-src {};", hash(between(&page, "<script>", "</script>")))));
    assert!(policy.contains(&format!("style-src {};", hash(between(&page, "<style>", "</style>")))));
    assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains(" src="));
}

#[test]
fn the_table_fits_the_terminal_and_colours_severities() {
    let look = Look { color: true, width: Some(72) };
    let text = fixture::with_report(|report| render(Format::Table, report, look)).unwrap();
    let plain = anstream::adapter::strip_str(&text).to_string();
    assert!(plain.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 72), "{plain}");
    insta::assert_snapshot!("table-72-columns", plain);
    assert!(text.contains("\u{1b}[1m\u{1b}[31mcritical\u{1b}[0m"), "{text}");
}

/// What names and texts try in the places reports end up in.
fn hostile() -> Vec<String> {
    let mut texts: Vec<_> = [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'><svg/onload=alert(1)>",
        "</title></style></script><h1>",
        "]]><failure/><!-- -- -->",
        "<!channel> & <@U1> &amp; &#60;",
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
        "x\r\nBcc: a@example.org\r\n\r\nEND:VEVENT",
        "x\nBEGIN:VALARM\nDTSTAMP:1\n# TYPE y counter\ny 1",
        "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}\u{fffe}\u{ffff}",
        "nul\0\u{7f}\u{85}\u{2028}",
        "{{ 7 * 7 }}{% raw %}{# x #}",
        "${jndi:ldap://x}",
        "[x](javascript:alert(1)) ![y](http://example.org/y)",
        "`x` ``y`` | a | b |\\|",
        "# h\n- l\n> q\n***\n~~~",
        "a\",b=\"c\"} 1",
        "\\\"\\\\",
        "a,b;c:d\"e'",
        "critical",
    ]
    .map(str::to_owned)
    .into();
    texts.push("long ".repeat(2_000));
    texts.push("=".repeat(10_000));
    texts
}

/// Every text that comes from outside is `text`.
fn report_full_of<T>(text: &str, use_it: impl FnOnce(&Report<'_>) -> T) -> T {
    let text = || text.to_owned();
    let mut app: App = fixture::app(&text(), Some(&text()));
    app.client_id = text();
    std::sync::Arc::make_mut(&mut app.registration).tenant = Some(text());
    (app.owners, app.tags, app.used_by) = ([text(), text()].into(), [text()].into(), Some(text().into()));
    app.credentials[0].secret_id = Some(text());
    let finding = |severity| fixture::finding(FindingCode::Other, severity, &text(), &text());
    let both = [
        (Verdict::Valid, vec![finding(Severity::Warning)]),
        (Verdict::Other, vec![finding(Severity::Critical), finding(Severity::Warning)]),
    ];
    let credentials = both.map(|(verdict, findings)| {
        let mut it = fixture::assessment(&app, verdict, fixture::ends("2026-12-24", 33), findings);
        (it.test.error, it.test.trace_id, it.test.correlation_id) = (Some(text()), Some(text()), Some(text()));
        let progress = Progress { next: text(), turn: text(), command: Some(text()), ..fixture::progress() };
        it.rotation = Some(Box::new(Standing { progress: Some(progress), ..Standing::default() }));
        it
    });
    let mut report = fixture::report(&credentials);
    report.run.inventory = vec![text(), text()];
    report.run.incomplete = vec![Incomplete::new("code", text())];
    use_it(&report)
}

#[test]
fn hostile_texts_change_no_format() {
    for format in Format::ALL {
        let rendered = |text: &str| report_full_of(text, |report| render(format, report, Look::default())).unwrap();
        let tame = structure(format, &rendered("tame"));
        for text in hostile() {
            let output = rendered(&text);
            let harmful =
                output.chars().find(|c| !is_harmless(*c) && *c != '\n' && (*c, format) != ('\r', Format::Ics));
            assert_eq!(harmful, None, "{format}: {text:?}");
            assert_eq!(structure(format, &output), tame, "{format}: {text:?}");
            assert!(!output.contains("CANARY_REFERENCE"), "{format}");
        }
    }
}

/// A report without its texts: what must not depend on them.
fn structure(format: Format, output: &str) -> Vec<String> {
    match format {
        Format::Json => vec![skeleton(serde_json::from_str(output).unwrap())],
        Format::Sarif => {
            let log: Value = serde_json::from_str(output).unwrap();
            for hit in log["runs"][0]["results"].as_array().unwrap() {
                assert!(!hit["message"]["text"].as_str().unwrap().contains("]("), "an embedded link");
            }
            vec![skeleton(log)]
        }
        Format::Ndjson => output.lines().map(|line| skeleton(serde_json::from_str(line).unwrap())).collect(),
        Format::Csv => csv_cells(output),
        Format::Html => tags(&output.replace("<style>", "").replace("</style>", "")),
        Format::Junit => tags(output),
        Format::Markdown => {
            let spelled = output.replace("<code>", "`").replace("</code>", "`").replace("&#", "&");
            assert!(!spelled.contains('<') && !spelled.contains("](") && !spelled.contains('\\'), "{spelled}");
            spelled.lines().map(|line| line.chars().filter(|c| "|`#*".contains(*c)).collect()).collect()
        }
        Format::Table => output.lines().map(|line| (line.len() - line.trim_start().len()).to_string()).collect(),
        Format::Prometheus => output.lines().map(without_quoted).collect(),
        Format::Ics => {
            let broken = output.split("\r\n").find(|line| line.len() > 75 || line.contains(['\r', '\n']));
            assert_eq!(broken, None);
            let unfolded = output.replace("\r\n ", "");
            unfolded.lines().map(|line| line.split([':', ';']).next().unwrap().to_owned()).collect()
        }
    }
}

fn skeleton(value: Value) -> String {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| format!("{name}{{{}}}", skeleton(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| format!("[{}]", skeleton(item))).collect(),
        Value::String(_) => "text".to_owned(),
        other => other.to_string(),
    }
}

fn csv_cells(output: &str) -> Vec<String> {
    let mut reader = ::csv::Reader::from_reader(output.as_bytes());
    let mut rows = vec![];
    for row in reader.records() {
        let row = row.unwrap();
        for cell in &row {
            assert!(cell.parse::<f64>().is_ok() || !cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        rows.push(row.len().to_string());
    }
    rows
}

/// Names of all tags, in order.
fn tags(output: &str) -> Vec<String> {
    output.split('<').skip(1).map(|tag| tag.split([' ', '>', '\n']).next().unwrap().to_owned()).collect()
}

/// A line of metrics without its label values, and nothing in it that would end one early.
fn without_quoted(line: &str) -> String {
    let (mut kept, mut quoted, mut escaped) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            c => kept.push(c),
        }
    }
    assert!(!quoted);
    kept
}

#[test]
fn machines_get_every_text_whole() {
    for text in hostile() {
        let json = report_full_of(&text, |report| render(Format::Json, report, Look::default())).unwrap();
        let report: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["credentials"][0]["app"], *text);
        assert_eq!(report["credentials"][1]["findings"][0]["remedy"], *text);
    }
}

#[test]
fn twenty_thousand_credentials_are_a_page_a_browser_can_hold() {
    let app = fixture::app("one-of-many", None);
    let one = || {
        let finding = fixture::finding(FindingCode::Expiring, Severity::Warning, "It ends in 9 days.", "Renew it.");
        fixture::assessment(&app, Verdict::Valid, fixture::ends("2026-11-30", 9), vec![finding])
    };
    let credentials: Vec<_> = (0..20_000).map(|_| one()).collect();
    let page = render(Format::Html, &fixture::report(&credentials), Look::default()).unwrap();
    assert!(page.len() < 24 << 20, "{} MiB", page.len() >> 20);
}
