//! `credwatch validate`: every fault of inventory and settings at once, without network.

use std::{io::Write, path::PathBuf};

use super::stdio::answer;

use crate::{
    cli::Common,
    exit::Exit,
    inventory::{self, FaultCode, Faults},
    logging, settings,
};

/// Show every fault of inventory and settings, with place and advice
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Inventory files or folders of *.yaml [default: inventory/]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

pub fn run(args: Args, common: &Common) -> Exit {
    let paths = super::inventory_paths(args.paths, common);
    let (settings, mut faults) = match settings::beside(common.config.as_deref(), &paths) {
        Ok(settings) => {
            logging::warn(&settings.warnings);
            (Some(settings), Vec::new())
        }
        Err(Faults(faults)) => (None, faults),
    };
    // Faulty settings may well list the program that a reference runs, or define the hook.
    let settings_known = settings.is_some();
    let settings = settings.unwrap_or_default();
    let counts = match inventory::read(&paths, &settings) {
        Ok(inventory) => {
            logging::warn(&inventory.warnings);
            (inventory.apps.len(), inventory.subjects().count())
        }
        Err(Faults(found)) => {
            let of_settings = |code| matches!(code, FaultCode::ExecNotAllowed | FaultCode::UnknownHook);
            faults.extend(found.into_iter().filter(|fault| settings_known || !of_settings(fault.code)));
            (0, 0)
        }
    };
    if faults.is_empty() {
        if common.quiet {
            return Exit::Clean;
        }
        let (apps, credentials) = (counted(counts.0, "app"), counted(counts.1, "credential"));
        return answer(Exit::Clean, |out| writeln!(out, "{apps}, {credentials}, no fault"));
    }
    let summary = counted(faults.len(), "fault");
    // What nobody takes there changes nothing.
    let _ = writeln!(anstream::stderr(), "{}\n{summary}", Faults(faults));
    Exit::Usage
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const APPS: &str = "version: 1
apps:
  - name: one
    provider: entra
    tenant: example.org
    client_id: x
    secret: exec:[\"/usr/bin/op\"]
";

    fn validated(apps: &str, settings: &str) -> Exit {
        let folder = tempfile::tempdir().unwrap();
        let inventory = folder.path().join("inventory");
        fs::create_dir(&inventory).unwrap();
        fs::write(inventory.join("apps.yaml"), apps).unwrap();
        fs::write(folder.path().join(settings::FILE_NAME), settings).unwrap();
        run(Args { paths: vec![inventory] }, &Common::default())
    }

    #[test]
    fn inventory_and_settings_are_checked_together() {
        let settings = "version: 1\nexec: [{program: /usr/bin/op}]\n";
        assert_eq!(validated(APPS, settings), Exit::Clean);
        assert_eq!(validated(APPS, "version: 1\n"), Exit::Usage, "the program is not allowed");
        assert_eq!(validated(APPS, "version: 1\nexec: yes\n"), Exit::Usage, "the settings are faulty");
        assert_eq!(validated("version: 1\napps: []\n", settings), Exit::Usage);
        let rotated =
            APPS.replace("exec:[\"/usr/bin/op\"]", "file:/etc/s\n    rotate: {deliver_to: [hook:etl, file:/etc/s]}");
        let hooks = "version: 1\nhooks: {etl: {program: [/usr/local/bin/etl], verbs: [read, write]}}\n";
        assert_eq!(validated(&rotated, hooks), Exit::Clean);
        assert_eq!(validated(&rotated, &hooks.replace("read, ", "")), Exit::Usage, "it cannot read");
        assert_eq!(validated(&rotated, "version: 1\n"), Exit::Usage, "it is not defined");
    }
}
