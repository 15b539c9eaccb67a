//! `credwatch completions SHELL`

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, exit::Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "credwatch", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Clean)
}
