//! `credwatch notify test [CHANNEL]...`: one marked message through each channel.

use anyhow::{bail, ensure};

use super::stdio::answer;
use crate::{
    cli::Common,
    clock,
    exit::Exit,
    notify::{self, Desk, Sent, Trial},
    probe,
    settings::{self, Settings},
    store, text,
};

/// Send a marked test message through each channel
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Channels of the settings [default: all]
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
}

/// # Errors
/// Settings that cannot be read, and what [`drive`] says.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let settings = settings::beside(common.config.as_deref(), &common.inventory)?;
    let http = probe::http_client(&settings.http, settings.ca.as_deref())?;
    let secrets = store::resolver(&settings);
    let desk = Desk { notify: &settings.notify, ca: settings.ca.as_deref(), http: &http, secrets: &secrets };
    drive(&args, &settings, &desk).await
}

/// Mails go to the admins, to the sender where there are none. One line per message; exit code 3 when one failed.
///
/// # Errors
/// No channel, or one the settings do not name.
async fn drive(args: &Args, settings: &Settings, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    check(&args.channels, settings)?;
    let trials = notify::test(desk, &args.channels, clock::now()).await;
    let all_sent = trials.iter().all(|trial| trial.sent == Sent::Accepted);
    let exit = if all_sent { Exit::Clean } else { Exit::Incomplete };
    Ok(answer(exit, |out| trials.iter().try_for_each(|trial| writeln!(out, "{}", line(trial)))))
}

fn check(names: &[String], settings: &Settings) -> anyhow::Result<()> {
    let channels = &settings.notify.channels;
    let Some(file) = &settings.file else {
        bail!("there is no settings file, so there are no channels: write credwatch.yaml or name one with --config");
    };
    ensure!(!channels.is_empty(), "{} names no channel under `notify.channels`", file.display());
    let known = channels.iter().map(|channel| text::shortened(&channel.name, 60)).collect::<Vec<_>>().join(", ");
    for name in names {
        let name_is_known = channels.iter().any(|channel| channel.name == *name);
        ensure!(name_is_known, "there is no channel `{}`; {} knows {known}", text::shortened(name, 60), file.display());
    }
    Ok(())
}

fn line(trial: &Trial) -> String {
    let channel = text::shortened(&trial.channel, 60);
    let to = if trial.to.is_empty() { String::new() } else { format!(" to {}", text::shortened(&trial.to, 200)) };
    match &trial.sent {
        Sent::Accepted => format!("{channel}: accepted{to}"),
        Sent::Refused(reason) | Sent::Kept(reason) | Sent::Down(reason) => format!("{channel}: FAILED{to}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        secret::SecretRef,
        settings::{Channel, ChannelKind},
    };

    fn settings(names: &[&str]) -> Settings {
        let mut settings = Settings { file: Some(PathBuf::from("credwatch.yaml")), ..Settings::default() };
        settings.notify.channels = names
            .iter()
            .map(|name| Channel {
                name: (*name).to_owned(),
                kind: ChannelKind::Webhook { url: SecretRef::Env("HOOK_URL".to_owned()), signing_key: None },
            })
            .collect();
        settings
    }

    #[test]
    fn a_channel_that_is_not_there_is_the_users_to_mend() {
        let said = |names: &[&str], settings: &Settings| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            check(&names, settings).map_err(|error| error.to_string())
        };
        assert_eq!(said(&["mail", "hook"], &settings(&["hook", "mail"])), Ok(()));
        insta::assert_snapshot!(said(&["mial"], &settings(&["mail", "hook"])).unwrap_err(), @"there is no channel `mial`; credwatch.yaml knows mail, hook");
        insta::assert_snapshot!(said(&[], &settings(&[])).unwrap_err(), @"credwatch.yaml names no channel under `notify.channels`");
        insta::assert_snapshot!(said(&[], &Settings::default()).unwrap_err(), @"there is no settings file, so there are no channels: write credwatch.yaml or name one with --config");
    }

    #[test]
    fn each_message_has_its_line() {
        let trial = |to: &str, sent| line(&Trial { channel: "mail".to_owned(), to: to.to_owned(), sent });
        assert_eq!(trial("ann@example.org", Sent::Accepted), "mail: accepted to ann@example.org");
        assert_eq!(
            trial("", Sent::Kept("the receiver answered HTTP 500".to_owned())),
            "mail: FAILED: the receiver answered HTTP 500"
        );
    }
}
