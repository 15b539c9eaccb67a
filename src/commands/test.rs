//! `credwatch test`: one credential from flags, through the same door and the same probe as the inventory's.

mod fields;

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use self::fields::{AppFields, flag_of};
use super::{
    audit::{Output, write_all},
    stdio::{answer, piped_secret, typed_secret},
};
use crate::{
    assess::{self, Recall, Summary},
    cli::Common,
    clock,
    exit::Exit,
    inventory::{self, App, FaultCode, Faults, Key, Subject},
    job::owed,
    period::Period,
    probe::{self, NotTested, Outcome, Prober},
    report::{self, Format, Report, Target},
    run::Run,
    secret::{Resolver, Secret},
    settings::{self, Settings},
    store,
    text::printable,
};

/// Test one credential from flags, stdin or a hidden prompt; no inventory
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    app: AppFields,
    /// Show the claims of the token that was issued, never the token
    #[arg(long)]
    show_claims: bool,
    /// Time for the test, with all attempts and waits, such as 45s [default: the settings' 30s]
    #[arg(long, value_name = "DURATION", value_parser = super::parse_timeout)]
    timeout: Option<Period>,
    #[command(flatten)]
    output: Output,
    /// Read the secret from stdin
    #[arg(value_name = "-")]
    words: Vec<String>,
}

/// # Errors
/// Wrong usage or settings, or no secret: nothing was tested.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let targets = args.output.targets(common.quiet)?;
    let mut settings = settings::beside(common.config.as_deref(), &[])?;
    settings.http.timeout = args.timeout.unwrap_or(settings.http.timeout);
    let source = Source::of(&args)?;
    let app = app(args.app.0, source, &settings)?;
    let mut resolver = store::resolver(&settings);
    if let Some(typed) = source.read()? {
        resolver = resolver.with_typed(typed);
    }
    let cancel = CancellationToken::new();
    let signal = super::signals::cancel_on_signal(&cancel)?;
    let prober = Prober::new(probe::Options::of(&settings, &cancel), resolver)?;

    let started_at = clock::now();
    let credential = app.credentials.first().context("the app has no credential")?;
    let subject = Subject { app: &app, credential };
    let (observation, token) = prober.run_one(subject).await;
    if observation.outcome == Outcome::NotTested(NotTested::Interrupted) {
        return Ok(signal.exit().unwrap_or(Exit::Interrupted));
    }
    let finished_at = clock::now();
    let assessment = assess::assess(subject, &observation, &settings.policy, finished_at, &Recall::default());
    let assessments = [assessment];
    let incomplete = Vec::from_iter(owed::not_judged(&assessments));
    let run = Run { finished_at, incomplete, ..Run::begun(started_at) };
    let summary = Summary::of(&assessments);
    let credentials = &assessments;
    let mut report = Report {
        schema: report::SCHEMA,
        run,
        summary,
        management: &[],
        credentials,
        last_success: None,
        earlier_success: None,
    };
    write_all(&targets, &mut report);
    report.run.incomplete.iter().for_each(|missing| tracing::error!("{}", missing.message));
    let mut exit = args.output.fail_on.exit(&assessments, !report.run.incomplete.is_empty());
    if args.show_claims {
        exit = show(&claims(token.as_ref()), &targets, exit);
    }
    Ok(signal.exit().unwrap_or(exit))
}

/// Where the secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Reference,
    Stdin,
    Prompt,
}

impl Source {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let has = |field: &str| args.app.0.contains_key(field);
        let dash = args.app.0.get("secret").is_some_and(|value| value == "-");
        // A terminal would show what is typed.
        let by_hand = if std::io::stdin().is_terminal() { Self::Prompt } else { Self::Stdin };
        match args.words.as_slice() {
            [] if dash => Ok(by_hand),
            [] if has("secret") || has("certificate") => Ok(Self::Reference),
            [] if by_hand == Self::Prompt => Ok(by_hand),
            [] => bail!(
                "there is no secret to test: give --secret env:NAME or file:PATH, --certificate, or `-` to read it from stdin"
            ),
            [word] if word == "-" && !has("secret") && !has("certificate") => Ok(by_hand),
            [word] if word == "-" => bail!("`-`, --secret and --certificate exclude each other"),
            // It may well be the secret.
            _ => bail!(
                "the only argument is `-`, to read the secret from stdin; what was typed here is not repeated, \
                 and if it was a secret, others on this machine may have seen it: replace it"
            ),
        }
    }

    /// What a person types or pipes in.
    fn read(self) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
        match self {
            Self::Reference => Ok(None),
            Self::Stdin => piped_secret().map(Some),
            Self::Prompt => typed_secret("Client secret (not shown): ").map(Some),
        }
    }
}

/// The app as an inventory would hold it, checked by the same rules.
fn app(mut fields: Map<String, Value>, source: Source, settings: &Settings) -> anyhow::Result<App> {
    if source != Source::Reference {
        fields.insert("secret".to_owned(), "env:TYPED".into());
    }
    fields.entry("name").or_insert_with(|| "test".into());
    let built = inventory::app_from_fields(fields, &settings.exec);
    let mut app = built.map_err(|faults| anyhow::anyhow!(shown(&faults)))?;
    if let (true, Some(credential)) = (source != Source::Reference, app.credentials.first_mut()) {
        credential.key = Key::Secret(Resolver::typed_reference());
    }
    // What is tested by hand is tested.
    app.enabled = true;
    Ok(app)
}

/// The inventory's faults, by the flags they came from.
fn shown(Faults(faults): &Faults) -> String {
    let lines = faults.iter().map(|fault| {
        let flag = fault.path.split('.').next().filter(|field| !field.is_empty()).map(flag_of);
        let advice = match fault.code {
            FaultCode::SecretLooksInline => {
                "a command line is seen by others on this machine and kept by the shell: replace this secret, and give \
                 `env:NAME`, `file:PATH`, or `-` to read it from stdin"
            }
            _ => &fault.advice,
        };
        let advice = if advice.is_empty() { String::new() } else { format!("\n    {advice}") };
        format!(
            "{}{}: {}{advice}",
            fault.code.name(),
            flag.map(|flag| format!(" {flag}")).unwrap_or_default(),
            fault.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What the token says of itself; each line harmless in a terminal.
fn claims(token: Option<&Secret>) -> String {
    let Some(token) = token else { return "No token was issued, so there are no claims.".to_owned() };
    match probe::claims(token).map(|claims| serde_json::to_string_pretty(&claims)) {
        Some(Ok(json)) => json.lines().map(printable).collect::<Vec<_>>().join("\n"),
        _ => "The token is opaque: it shows no claims.".to_owned(),
    }
}

/// Beside a report that a program reads, claims go to stderr.
fn show(claims: &str, targets: &[Target], exit: Exit) -> Exit {
    let is_read = |target: &Target| target.file.is_none() && target.format != Format::Table;
    if targets.iter().any(is_read) {
        // What nobody takes there changes nothing.
        let _ = writeln!(anstream::stderr(), "{claims}");
        return exit;
    }
    answer(exit, |out| writeln!(out, "{claims}"))
}

#[cfg(test)]
mod tests;
