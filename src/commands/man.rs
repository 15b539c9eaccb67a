//! `credwatch man [COMMAND]`

use anyhow::Context;
use clap::CommandFactory;

use super::stdio::answer;
use crate::{cli::Cli, exit::Exit};

/// Print the manual page (roff): `credwatch man | man -l -`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The page of one command
    command: Option<String>,
}

/// # Errors
/// There is no such command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut program = Cli::command();
    program.build();
    let page = match &args.command {
        None => program,
        Some(name) => {
            let command =
                program.find_subcommand(name).context("there is no command of that name: see `credwatch help`")?;
            // clap wants the title to live as long as the program; one page is printed per process.
            let title: &'static str = format!("credwatch-{}", command.get_name()).leak();
            command.clone().name(title)
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    Ok(answer(Exit::Clean, |out| out.write_all(&roff)))
}
