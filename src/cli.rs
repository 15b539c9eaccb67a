//! What was typed. Parsing validates and does nothing else.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, ValueEnum};

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

/// Options every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Inventory file or folder, for commands whose arguments are not paths (repeatable)
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
