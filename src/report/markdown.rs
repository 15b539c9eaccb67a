//! The report for a pull request, a ticket or a wiki (GitHub Flavored Markdown).

use std::io::{self, Write};

use super::{Report, wording};
use crate::{
    assess::Assessment,
    clock,
    text::{is_harmless, printable},
};

pub fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let credentials = wording::worst_first(report);
    writeln!(out, "# Credential report\n")?;
    writeln!(out, "{} ({})\n", wording::totals(&report.summary), clock::rfc3339(report.run.finished_at))?;
    if let Some(gap) = report.run.gap() {
        writeln!(out, "{gap}\n")?;
    }
    writeln!(out, "| Severity | Credential | Verdict | Expires | Left | Owner |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for assessment in &credentials {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            assessment.severity.name(),
            code(&wording::credential(assessment)),
            code(assessment.test.verdict.name()),
            wording::ends(assessment.expiry),
            wording::left(assessment.expiry),
            prose(&wording::owners(assessment)),
        )?;
    }
    if credentials.iter().any(|assessment| !assessment.findings.is_empty()) {
        writeln!(out, "\n## Findings")?;
    }
    for assessment in credentials.iter().filter(|assessment| !assessment.findings.is_empty()) {
        findings(assessment, out)?;
    }
    if !report.run.incomplete.is_empty() {
        writeln!(out, "\n## Incomplete\n")?;
        for incomplete in &report.run.incomplete {
            writeln!(out, "- {}: {}", code(&printable(&incomplete.code)), prose(&incomplete.message))?;
        }
    }
    Ok(())
}

fn findings(assessment: &Assessment<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### {}\n", code(&wording::credential(assessment)))?;
    for finding in wording::findings(assessment) {
        let since = finding.since.map(|since| format!(", since {}", since.format("%Y-%m-%d"))).unwrap_or_default();
        let (severity, name) = (finding.severity.name(), finding.code.name());
        writeln!(out, "- **{severity}** {}{since}: {}", code(name), prose(&finding.message))?;
        if !finding.remedy.is_empty() {
            writeln!(out, "  **To do:** {}", prose(&finding.remedy))?;
        }
    }
    if let Some(rotation) = wording::rotation(assessment) {
        writeln!(out, "- Rotation {}", prose(&rotation))?;
    }
    Ok(())
}

/// A name as code, where nothing links, mentions or formats. A plain name is fenced by backticks; any other is spelled
/// in an element, because no fence holds backticks and table cells alike.
fn code(name: &str) -> String {
    if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' ' | ':' | '@' | '…')) {
        format!("`{name}`")
    } else {
        format!("<code>{}</code>", prose(name))
    }
}

/// A sentence without any markup: what Markdown or HTML could act on is written as an entity, which also survives the
/// splitting of table rows, where a backslash does not.
fn prose(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '|' | '`' | '[' | ']' | '\\' | '*' | '_' | '~' | '$' | '!' | '#' => {
                inert.push_str(&format!("&#{};", u32::from(c)));
            }
            c if is_harmless(c) => inert.push(c),
            _ => inert.push('\u{fffd}'),
        }
    }
    inert
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_is_spelled_out() {
        assert_eq!(prose("[x](javascript:alert(1))"), "&#91;x&#93;(javascript:alert(1))");
        assert_eq!(prose("a|b\r\n# c"), "a&#124;b\u{fffd}\u{fffd}&#35; c");
        assert_eq!(code("puzzel-office365 / line 1"), "`puzzel-office365 / line 1`");
        assert_eq!(code("a`b|<script>"), "<code>a&#96;b&#124;&#60;script&#62;</code>");
    }
}
