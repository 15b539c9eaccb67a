//! `credwatch history [APP]`: verdicts and dates over time.

use anyhow::ensure;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::{
    Listing,
    stdio::{answer, remark},
};
use crate::{
    cli::Common,
    clock,
    exit::Exit,
    settings,
    state::{self, Change},
    text,
};

/// Show verdicts and dates over time: one line whenever a credential's verdict, severity or end changed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// App to show [default: all]
    #[arg(value_name = "APP")]
    app: Option<String>,
    /// How to show them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Listing,
}

/// # Errors
/// A state or settings that cannot be read, or an app that no run has seen.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    let settings = settings::beside(common.config.as_deref(), &common.inventory)?;
    let url = common.state.as_deref().or(settings.state.as_deref());
    let app = args.app.as_deref();
    // Looking must not create what it looks for.
    let changes = if state::location(url)?.exists() { state::open(url)?.history(app)? } else { Vec::new() };
    if let Some(app) = app {
        ensure!(!changes.is_empty(), "no run remembered an app named `{}`", text::shortened(app, 120));
    }
    Ok(match args.output {
        Listing::Json => answer(Exit::Clean, |out| writeln!(out, "{:#}", as_json(&changes))),
        Listing::Table if changes.is_empty() => {
            remark(common, "nothing is remembered yet");
            Exit::Clean
        }
        Listing::Table => answer(Exit::Clean, |out| writeln!(out, "{}", as_table(&changes))),
    })
}

fn as_table(changes: &[Change]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["since", "app", "label", "verdict", "severity", "ends"]);
    for change in changes {
        table.add_row([
            clock::rfc3339(change.at),
            text::shortened(&change.app, 60),
            text::shortened(&change.label, 40),
            change.judged.map_or("no longer in the inventory", |(verdict, _)| verdict.name()).to_owned(),
            change.judged.map_or("", |(_, severity)| severity.name()).to_owned(),
            ends(change),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn ends(change: &Change) -> String {
    match (change.judged, change.ends.never, change.ends.at) {
        (None, ..) => String::new(),
        (_, true, _) => "never".to_owned(),
        (_, _, at) => at.map_or_else(|| "not declared".to_owned(), clock::rfc3339),
    }
}

fn as_json(changes: &[Change]) -> Value {
    let row = |change: &Change| {
        json!({
            "app": change.app,
            "label": (!change.label.is_empty()).then_some(&change.label),
            "since": clock::rfc3339(change.at),
            "verdict": change.judged.map(|(verdict, _)| verdict),
            "severity": change.judged.map(|(_, severity)| severity),
            "expiry": {"at": change.ends.at.map(clock::rfc3339), "never": change.ends.never},
        })
    };
    json!({"schema": "credwatch.history/1", "changes": changes.iter().map(row).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::{Severity, Verdict},
        state::Ends,
    };

    fn changes() -> Vec<Change> {
        let at = |text: &str| text.parse().unwrap();
        let change = |app: &str, day: &str, judged, ends| Change {
            app: app.to_owned(),
            label: if app == "historian" { "line-1".to_owned() } else { String::new() },
            at: at(day),
            judged,
            ends,
        };
        let end = Ends { at: Some(at("2027-03-01T00:00:00Z")), never: false };
        vec![
            change(
                "historian",
                "2026-11-01T02:00:04Z",
                Some((Verdict::Valid, Severity::Ok)),
                Ends { at: None, never: true },
            ),
            change("pay\u{1b}[31mroll", "2026-11-01T02:00:04Z", Some((Verdict::Valid, Severity::Ok)), end),
            change(
                "pay\u{1b}[31mroll",
                "2026-11-09T02:00:03Z",
                Some((Verdict::InvalidSecret, Severity::Critical)),
                end,
            ),
            change("pay\u{1b}[31mroll", "2026-11-12T02:00:03Z", None, Ends::default()),
        ]
    }

    #[test]
    fn the_table_reads_top_down_and_is_inert() {
        insta::assert_snapshot!(as_table(&changes()), @"
        since                 app           label   verdict                     severity  ends
        2026-11-01T02:00:04Z  historian     line-1  valid                       ok        never
        2026-11-01T02:00:04Z  pay�[31mroll          valid                       ok        2027-03-01T00:00:00Z
        2026-11-09T02:00:03Z  pay�[31mroll          invalid_secret              critical  2027-03-01T00:00:00Z
        2026-11-12T02:00:03Z  pay�[31mroll          no longer in the inventory
        ");
    }

    #[test]
    fn json_has_the_names_of_the_report() {
        insta::assert_snapshot!(as_json(&changes()[2..]), @r#"{"schema":"credwatch.history/1","changes":[{"app":"pay\u001b[31mroll","label":null,"since":"2026-11-09T02:00:03Z","verdict":"invalid_secret","severity":"critical","expiry":{"at":"2027-03-01T00:00:00Z","never":false}},{"app":"pay\u001b[31mroll","label":null,"since":"2026-11-12T02:00:03Z","verdict":null,"severity":null,"expiry":{"at":null,"never":false}}]}"#);
    }
}
