//! `credwatch demo`: the whole job on the sandbox, with nothing to install and nothing that leaves the machine.

mod narrator;
mod rotation;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{audit::write_all, signals::cancel_on_signal, stdio::answer};
use crate::{
    cli::Common,
    clock,
    exit::Exit,
    fsio, inventory,
    job::{FailOn, Job, Stage},
    notify::{self, Tonight, mail::Mail},
    report::{Format, Report, Target},
    sandbox::{self, Sandbox},
    settings::Settings,
};

/// Who the mails would come from, and who gets the summary of everything.
const FROM: &str = "credwatch@example.org";
const ADMIN: &str = "identity-team@example.org";

/// Show the whole job on an embedded identity provider: nothing to install, nothing leaves this machine
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for the reports and mails [default: a new temporary folder, which is kept]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Then replace one secret, from its plan to the removal of the old one; takes some ten seconds
    #[arg(long)]
    rotate: bool,
}

/// # Errors
/// A file or port this machine would not give.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let out = out_folder(args.out)?;
    let (sandbox, folder) = (Sandbox::start().await.context("the sandbox cannot listen on 127.0.0.1")?, scenery()?);
    let inventory = set_up(&sandbox, folder.path()).context("the demo's files could not be written")?;

    let cancel = CancellationToken::new();
    let caught = cancel_on_signal(&cancel)?;
    let mut mails = Err(anyhow!("the run ended before its reports"));
    let mut publish = |report: &mut Report<'_>, tonight: &Tonight<'_>| {
        mails = write_mails(&out, tonight);
        write_all(&targets(&out, common.quiet), report);
    };
    let stage = Stage { cancel: &cancel, progress: &|_, _| {}, publish: &mut publish };
    let mut exit = job(inventory, folder.path()).run(stage).await?;
    let mails = mails?;
    if !common.quiet {
        exit = announce(exit, &out, &mails);
    }
    if args.rotate && caught.exit().is_none() {
        let shown = rotation::show(&sandbox, folder.path(), &out, common.quiet, &cancel);
        exit = exit.worse(Box::pin(shown).await?);
    }
    Ok(caught.exit().unwrap_or(exit))
}

/// A run like any other, but one that knows nothing of this machine's settings and earlier runs.
fn job(inventory: PathBuf, folder: &Path) -> Job {
    Job {
        paths: vec![inventory],
        config: Some(folder.join("credwatch.yaml")),
        state: Some(format!("sqlite:{}", folder.join("state.db").display())),
        fail_on: FailOn::Never,
        ..Job::default()
    }
}

fn out_folder(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match named {
        Some(folder) => {
            fs::create_dir_all(&folder)
                .with_context(|| format!("{} cannot be used for the reports", folder.display()))?;
            Ok(folder)
        }
        None => Ok(scenery()?.keep()),
    }
}

/// A folder for this user alone, removed with everything in it unless it is kept.
fn scenery() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("credwatch-demo-").tempdir().context("no temporary folder can be made")
}

/// Writes inventory, settings and secret files, and registers the apps at the sandbox.
fn set_up(sandbox: &Sandbox, folder: &Path) -> anyhow::Result<PathBuf> {
    let file = folder.join("demo.yaml");
    fs::write(&file, sandbox::inventory_for(sandbox.address(), clock::now()))?;
    fs::write(folder.join("credwatch.yaml"), "version: 1\n")?;
    let inventory = inventory::read(std::slice::from_ref(&file), &Settings::default())?;
    sandbox::furnish(&inventory, sandbox.directory())?;
    Ok(file)
}

fn targets(out: &Path, quiet: bool) -> Vec<Target> {
    let table = (!quiet).then_some(Target { format: Format::Table, file: None });
    let file = |format, name| Target { format, file: Some(out.join(name)) };
    table.into_iter().chain([file(Format::Html, "report.html"), file(Format::Json, "report.json")]).collect()
}

fn write_mails(out: &Path, tonight: &Tonight<'_>) -> anyhow::Result<Vec<(String, Mail)>> {
    let mails = notify::preview(FROM, &[ADMIN.to_owned()], tonight)?;
    mails
        .into_iter()
        .map(|mail| {
            let name = format!("mail-to-{}.eml", mail.to);
            fsio::replace(&out.join(&name), &mail.formatted(), 0o644)
                .with_context(|| format!("{name} cannot be written"))?;
            Ok((name, mail))
        })
        .collect()
}

fn announce(exit: Exit, out: &Path, mails: &[(String, Mail)]) -> Exit {
    answer(exit, |stdout| {
        writeln!(stdout, "\nWritten to {}", out.display())?;
        writeln!(stdout, "  report.html  the page: open it in a browser\n  report.json  the same for programs")?;
        writeln!(stdout, "and the mails that would have been sent:")?;
        mails.iter().try_for_each(|(name, mail)| writeln!(stdout, "  {name}  {}", mail.subject))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_app_shows_its_trouble_and_every_owner_gets_a_mail() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("shown");
        let quiet = Common { quiet: true, ..Common::default() };
        assert_eq!(run(Args { out: Some(out.clone()), rotate: false }, &quiet).await.unwrap(), Exit::Clean);

        let report: serde_json::Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
        let seen: Vec<String> = report["credentials"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                let findings: Vec<_> = row["findings"].as_array().unwrap().iter().map(|f| text(&f["code"])).collect();
                format!("{}: {} {}", text(&row["app"]), text(&row["test"]["verdict"]), findings.join(" "))
            })
            .collect();
        assert_eq!(
            seen,
            [
                "puzzel-office365: valid ",
                "historian-gateway: valid expiring",
                "invoice-archive: expired_secret expired-secret",
                "snaplogic-crm: invalid_secret invalid-secret",
                "infusion-booking: secret_id_instead_of_value secret-id-instead-of-value",
                "deskpro-mailbox: valid never-expires",
                "intranet-search: app_disabled app-disabled",
            ]
        );
        let mut files: Vec<_> =
            fs::read_dir(&out).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(
            files,
            [
                "mail-to-finance-apps@example.org.eml",
                "mail-to-identity-team@example.org.eml",
                "mail-to-office-it@example.org.eml",
                "mail-to-plant-data@example.org.eml",
                "report.html",
                "report.json",
            ]
        );
    }
}
