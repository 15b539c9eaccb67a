//! What was typed. Parsing validates and does nothing else.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args, Parser, ValueEnum, error::ErrorKind};

use crate::commands::Command;

/// Tests every OAuth2 client secret of an inventory at its token endpoint, says why one is refused, and tells its owner in time.
#[derive(Debug, Parser)]
#[command(name = "credwatch", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What a command line that was refused for `mistake` asks for without it: without one word, or one option and its
    /// value. `None`: more than that is wrong.
    #[must_use]
    pub fn without(mistake: &clap::Error, words: &[OsString]) -> Option<Self> {
        let word = |at: usize| words.get(at).map_or(&b""[..], |word| word.as_encoded_bytes());
        let is_option = |at: usize| word(at).starts_with(b"-");
        // Neither the command's name nor a path is ever what is too much, and there may be thousands of paths.
        let may_go = |at: usize, count: usize| match count {
            1 => is_option(at) || is_option(at - 1),
            _ => is_option(at) && !word(at).contains(&b'=') && !is_option(at + 1),
        };
        let without = |at: usize, count: usize| {
            let (before, after) = (words.iter().take(at), words.iter().skip(at + count));
            may_go(at, count).then(|| Self::try_parse_from(before.chain(after)).ok()).flatten()
        };
        let is_wrong_value = matches!(mistake.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
        let counts = if is_wrong_value { [2, 1] } else { [1, 2] };
        counts.into_iter().find_map(|count| (1..words.len()).find_map(|at| without(at, count)))
    }
}

/// Options every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Inventory file or folder, for commands whose arguments are not paths (repeatable) [default: inventory/]
    #[arg(long, value_name = "PATH", global = true)]
    pub inventory: Vec<PathBuf>,
    /// Settings file [default: credwatch.yaml beside the inventory, else in the XDG config folder]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Where runs are remembered: sqlite:PATH [default: under the XDG state folder]
    #[arg(long, value_name = "URL", global = true)]
    pub state: Option<String>,
    /// Say more on stderr (-vv: everything)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Print nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How log lines are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, global = true)]
    pub log_format: LogFormat,
    /// When to use colour; NO_COLOR is respected
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mistake = Cli::try_parse_from(&words).unwrap_err();
        let Cli { common, command } = Cli::without(&mistake, &words)?;
        let Command::Audit(audit) = command else { return Some(format!("{command:?}")) };
        let config = common.config.map(|file| file.display().to_string()).unwrap_or_default();
        let job = audit.into_job(&Common::default());
        Some(format!("{config} {:?} {}", job.paths, job.notify))
    }

    #[test]
    fn one_mistake_hides_nothing_else_of_the_line() {
        for (line, rest) in [
            ("credwatch audit --bogus --config x p", r#"x ["p"] true"#),
            ("credwatch --bogus audit --config x p", r#"x ["p"] true"#),
            ("credwatch audit p --config x --shard 5/3", r#"x ["p"] true"#),
            ("credwatch audit --shard 5/3 p --config x --no-notify", r#"x ["p"] false"#),
            ("credwatch audit --fail-on=sometimes p", r#" ["p"] true"#),
            ("credwatch audit p --timeout", r#" ["p"] true"#),
            ("credwatch audit -q -v --config x p", r#"x ["p"] true"#),
            ("credwatch audit --no-notify=1 p", r#" ["p"] true"#),
        ] {
            assert_eq!(understood(line).as_deref(), Some(rest), "{line}");
        }
        for line in ["credwatch audti p", "credwatch notify audit", "credwatch audit --bogus --shard 5/3"] {
            assert_eq!(understood(line), None, "{line}");
        }
    }
}
