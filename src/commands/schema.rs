//! `credwatch schema`: the JSON Schema of a file, for editors and checks.

use clap::ValueEnum;

use super::stdio::answer;
use crate::{exit::Exit, hook, inventory, report, settings};

/// Print the JSON Schema of a file, for editors and checks
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which file's schema
    #[arg(value_enum)]
    pub of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// Inventory files
    Inventory,
    /// credwatch.yaml
    Settings,
    /// The report of `-o json`
    Report,
    /// What goes into a hook, and what comes out
    Hook,
}

pub fn run(args: &Args) -> Exit {
    let schema = match args.of {
        Of::Inventory => inventory::schema(),
        Of::Settings => settings::schema(),
        Of::Report => report::schema(),
        Of::Hook => hook::schema(),
    };
    answer(Exit::Clean, |out| writeln!(out, "{schema:#}"))
}
