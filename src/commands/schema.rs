//! `credwatch schema`: the JSON Schema of a file, for editors and checks.

use std::io::Write;

use clap::ValueEnum;

use crate::{cli::Common, exit::Exit, inventory, settings};

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
}

/// # Errors
/// stdout cannot be written.
pub async fn run(args: Args, _: &Common) -> anyhow::Result<Exit> {
    let schema = match args.of {
        Of::Inventory => inventory::schema(),
        Of::Settings => settings::schema(),
    };
    writeln!(anstream::stdout(), "{schema:#}")?;
    Ok(Exit::Clean)
}
