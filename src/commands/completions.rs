//! `credwatch completions SHELL`

use clap::CommandFactory;
use clap_complete::Shell;

use super::stdio::answer;
use crate::{cli::Cli, exit::Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "credwatch", &mut script);
    answer(Exit::Clean, |out| out.write_all(&script))
}
