//! How what credwatch itself signs in with stands, before what the commands about rotations say of apps.

use std::io::{self, Write};

use crate::{assess::Assessment, exit::Exit, job::FailOn, text::printable};

/// Prints a line for each finding; in order, one with the end, where it is known and `quiet` does not ask for silence.
pub(super) fn tell(all: &[Assessment<'_>], quiet: bool) -> io::Result<Exit> {
    let mut stdout = anstream::stdout().lock();
    for assessment in all {
        let (app, credential) = (assessment.subject.app, assessment.subject.credential);
        let name = format!("{} ({})", app.name, credential.label.as_deref().unwrap_or_default());
        for finding in &assessment.findings {
            let text = format!("{name}: {}: {} To do: {}", finding.code, finding.message, finding.remedy);
            writeln!(stdout, "{}", printable(&text))?;
        }
        let end = assessment.expiry.at.filter(|_| assessment.findings.is_empty() && !quiet);
        if let Some(end) = end {
            writeln!(stdout, "{}", printable(&format!("{name}: good until {}", end.format("%Y-%m-%d"))))?;
        }
    }
    stdout.flush()?;
    Ok(FailOn::Critical.exit(all, false))
}
