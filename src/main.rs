//! Parse, log, run one command, turn the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use credwatch::{cli::Cli, commands, exit::Exit, hook, logging};

fn main() -> ExitCode {
    if let Some(code) = hook::lead(std::env::args_os()) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers (0), anything else is wrong usage (2); clap prints both where they belong.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Clean }.into();
        }
    };
    logging::start(&cli.common);
    match commands::run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            logging::print_error(&error);
            Exit::Usage.into()
        }
    }
}
