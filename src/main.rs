//! Parse, log, run one command, turn the outcome into an exit code.

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use credwatch::{cli::Cli, commands, exit::Exit, hook, logging};

fn main() -> ExitCode {
    if let Some(code) = hook::lead(std::env::args_os()) {
        return code;
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(unparsed) => return commands::unparsed(&unparsed, &words).into(),
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
