//! What a command says, and a secret that is handed to it: answers on stdout, remarks on stderr, the secret from stdin.

use std::io::{self, ErrorKind, Read, Write};

use anyhow::{Context, ensure};
use zeroize::Zeroizing;

use crate::{cli::Common, exit::Exit, secret};

/// Writes what was asked for to stdout, and says how the command ends. A reader who has had enough and closes the pipe
/// (`| head -1`) has what it wanted; an answer that could not be written for any other reason was not delivered.
///
/// The report of an audit is another matter: nobody may take a part of it for the whole.
pub(super) fn answer(exit: Exit, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Exit {
    let mut stdout = anstream::stdout().lock();
    let written = write(&mut stdout).and_then(|()| stdout.flush());
    delivered(exit, written)
}

/// How a command ends that did its work and then wrote to stdout.
pub(super) fn delivered(exit: Exit, written: io::Result<()>) -> Exit {
    match written {
        Err(fault) if fault.kind() != ErrorKind::BrokenPipe => {
            tracing::error!("standard output cannot be written to: {fault}");
            exit.worse(Exit::Incomplete)
        }
        _ => exit,
    }
}

/// Says something beside the answer, on stderr. What nobody takes there changes nothing.
pub(super) fn remark(common: &Common, text: &str) {
    if !common.quiet {
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// The bytes of a secret that is piped in.
///
/// # Errors
/// stdin cannot be read, or holds more than any secret.
pub(super) fn piped_secret() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret::LIMIT + 1));
    let read = io::stdin().lock().take(secret::LIMIT as u64 + 1).read_to_end(&mut bytes);
    read.context("the secret cannot be read from stdin")?;
    ensure!(bytes.len() <= secret::LIMIT, "stdin holds more than a secret (over 64 KiB)");
    Ok(bytes)
}

/// A secret that is typed or pasted into a terminal, which does not show it.
///
/// # Errors
/// The terminal cannot be read.
pub(super) fn typed_secret(prompt: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let typed = super::signals::hidden(prompt).context("the secret cannot be read from the terminal")?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
