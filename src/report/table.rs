//! The report in a terminal: a table, then what is wrong and what to do, then one line that sums it up.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::{Look, Report, wording};
use crate::{
    assess::{Assessment, Severity},
    text::printable,
};

const COLUMNS: [&str; 5] = ["SEVERITY", "CREDENTIAL", "VERDICT", "EXPIRES", "LEFT"];

/// Texts narrower than this cannot be read; the terminal may break them where it likes.
const NARROWEST: usize = 40;

pub fn render(report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let look = Look { width: look.width.map(|width| width.max(NARROWEST)), ..look };
    let credentials = wording::worst_first(report);
    if let Some(gap) = report.run.gap() {
        paragraph(&gap, 0, look, out)?;
        writeln!(out)?;
    }
    overview(&credentials, look, out)?;
    for assessment in credentials.iter().filter(|assessment| !assessment.findings.is_empty()) {
        findings(assessment, look, out)?;
    }
    if !report.run.incomplete.is_empty() {
        let style = style(Severity::Unknown, look);
        writeln!(out, "\n{style}incomplete{style:#}")?;
        for incomplete in &report.run.incomplete {
            paragraph(&format!("{}: {}", incomplete.code, incomplete.message), 2, look, out)?;
        }
    }
    let incomplete = if report.run.incomplete.is_empty() { "" } else { "; the run is incomplete" };
    writeln!(out)?;
    paragraph(&format!("{}{incomplete}", wording::totals(&report.summary)), 0, look, out)
}

fn overview(credentials: &[&Assessment<'_>], look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut table = plain(look.width);
    table.set_header(COLUMNS);
    for assessment in credentials {
        table.add_row([
            Cell::new(assessment.severity.name()),
            Cell::new(wording::credential(assessment)),
            Cell::new(assessment.test.verdict.name()),
            Cell::new(wording::ends(assessment.expiry)),
            Cell::new(wording::left(assessment.expiry)).set_alignment(CellAlignment::Right),
        ]);
    }
    spaced(&mut table, 2);
    for line in table.lines() {
        // The first column holds our own words alone, so the start of a line cannot be forged.
        let severity = wording::SEVERITIES.into_iter().find(|severity| line.starts_with(severity.name()));
        match severity {
            Some(severity) => {
                let (style, word) = (style(severity, look), severity.name());
                let rest = line.strip_prefix(word).unwrap_or_default();
                writeln!(out, "{style}{word}{style:#}{}", rest.trim_end())?;
            }
            None => writeln!(out, "{}", line.trim_end())?,
        }
    }
    Ok(())
}

fn findings(assessment: &Assessment<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let worst = style(assessment.severity, look);
    writeln!(out, "\n{worst}{}{worst:#}  {}", assessment.severity.name(), wording::credential(assessment))?;
    for finding in wording::findings(assessment) {
        paragraph(&format!("{}: {}", finding.code.name(), finding.message), 2, look, out)?;
        if !finding.remedy.is_empty() {
            paragraph(&format!("To do: {}", finding.remedy), 4, look, out)?;
        }
    }
    let since = assessment.findings.iter().filter_map(|finding| finding.since).min();
    let known = [
        since.map(|since| format!("since {}", since.format("%Y-%m-%d"))),
        (!assessment.subject.app.owners.is_empty()).then(|| format!("owner {}", wording::owners(assessment))),
        wording::rotation(assessment).map(|rotation| format!("rotation {rotation}")),
    ];
    let known: Vec<_> = known.into_iter().flatten().collect();
    if !known.is_empty() {
        paragraph(&format!("({})", known.join(", ")), 4, look, out)?;
    }
    Ok(())
}

/// One text, broken into lines of the terminal's width.
fn paragraph(text: &str, indent: usize, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut table = plain(look.width.map(|width| width - indent));
    table.add_row([printable(text)]);
    spaced(&mut table, 0);
    for line in table.lines() {
        writeln!(out, "{:indent$}{}", "", line.trim_end())?;
    }
    Ok(())
}

fn plain(width: Option<usize>) -> Table {
    let mut table = Table::new();
    // Only what the caller knows counts, never the terminal or environment of this process.
    table.force_no_tty().load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

fn spaced(table: &mut Table, gap: u16) {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, gap));
    });
}

fn style(severity: Severity, look: Look) -> Style {
    if !look.color {
        return Style::new();
    }
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::Unknown => AnsiColor::Magenta.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => AnsiColor::Cyan.on_default(),
        Severity::Ok => AnsiColor::Green.on_default(),
    }
}
