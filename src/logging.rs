//! Logs go to stderr; data goes to stdout.

use std::io::{self, Write};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    cli::{Color, Common, LogFormat},
    text::printable,
    yaml::Fault,
};

/// Sets colours and the log level for the whole process. Called once.
pub fn start(common: &Common) {
    match common.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    // Foreign crates log URLs, headers and server texts that nobody has cleaned: only our own lines are shown.
    let level = match (common.quiet, common.verbose) {
        (true, _) => "off,credwatch=error",
        (false, 0) => "off,credwatch=warn",
        (false, 1) => "off,credwatch=info",
        (false, 2) => "off,credwatch=debug",
        (false, _) => "off,credwatch=trace",
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(Stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        // It would tell of a stderr that takes nothing on stderr, and panic.
        .log_internal_errors(false)
        .with_target(false);
    // A second call, as in tests that run commands in-process, keeps the first subscriber.
    let _ = match common.log_format {
        LogFormat::Text => builder.without_time().try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = io::Stderr;

    fn make_writer(&'a self) -> Self::Writer {
        io::stderr()
    }
}

/// What reading a file found acceptable and not good, one line each.
pub fn warn(warnings: &[Fault]) {
    for warning in warnings {
        tracing::warn!("{warning:#}");
    }
}

/// Prints what ended the command: each cause on its own line, inert on a terminal.
pub fn print_error(error: &anyhow::Error) {
    let mut stderr = anstream::stderr().lock();
    let text = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    // Line breaks are ours (lists of faults); everything else of a user's text is cleaned.
    let clean: Vec<String> = text.lines().map(printable).collect();
    let _ = writeln!(stderr, "credwatch: {}", clean.join("\n"));
}
