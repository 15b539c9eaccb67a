//! `credwatch validate`: every fault of inventory and settings at once, without network.

use std::{io::Write, path::PathBuf};

use crate::{
    cli::Common,
    exit::Exit,
    inventory::{self, FaultCode, Faults},
    settings,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Inventory files or folders [default: inventory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// # Errors
/// stdout or stderr cannot be written.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let paths = super::inventory_paths(args.paths, common);
    let file = settings::locate(common.config.as_deref(), paths.first().map(PathBuf::as_path));
    let (settings, mut faults) = match settings::read(file.as_deref()) {
        Ok(settings) => (Some(settings), Vec::new()),
        Err(Faults(faults)) => (None, faults),
    };
    // Faulty settings may well list the program that a reference runs.
    let settings_known = settings.is_some();
    let settings = settings.unwrap_or_default();
    let counts = match inventory::read(&paths, &settings.exec) {
        Ok(inventory) => (inventory.apps.len(), inventory.subjects().count()),
        Err(Faults(found)) => {
            faults.extend(found.into_iter().filter(|fault| settings_known || fault.code != FaultCode::ExecNotAllowed));
            (0, 0)
        }
    };
    if faults.is_empty() {
        writeln!(anstream::stdout(), "{} apps, {} credentials, no fault", counts.0, counts.1)?;
        return Ok(Exit::Clean);
    }
    let count = faults.len();
    let summary = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
    writeln!(anstream::stderr(), "{}\n{summary}", Faults(faults))?;
    Ok(Exit::Usage)
}
