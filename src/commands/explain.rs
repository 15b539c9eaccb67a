//! `credwatch explain CODE`: the long form of a code, offline.

use anyhow::anyhow;

use super::stdio::answer;
use crate::{
    assess::{self, Explanation},
    exit::Exit,
    text::shortened,
};

/// Explain a finding code, a verdict or an AADSTS number, offline
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Such as expired-secret, policy_blocked, 7000215 or AADSTS7000215
    #[arg(value_name = "CODE")]
    pub code: String,
}

/// # Errors
/// The code is unknown; the message names what comes near.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let explanation = assess::explain(&args.code).ok_or_else(|| unknown(&args.code))?;
    Ok(answer(Exit::Clean, |out| out.write_all(written(&explanation).as_bytes())))
}

fn written(explanation: &Explanation) -> String {
    let Explanation { code, title, what, why, todo, url } = explanation;
    let more = url.as_ref().map(|url| format!("\nMore\n  {url}\n")).unwrap_or_default();
    format!("{code}: {title}\n\nWhat it means\n  {what}\n\nWhy\n  {why}\n\nWhat to do\n  {todo}\n{more}")
}

fn unknown(code: &str) -> anyhow::Error {
    let near = assess::near(code);
    let hint = match near.as_slice() {
        [] => "give a finding code or a verdict as the reports write it, or an AADSTS number".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    };
    anyhow!("credwatch knows no code \"{}\"; {hint}", shortened(code, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_reads_from_top_to_bottom() {
        insta::assert_snapshot!(written(&assess::explain("secret_empty").unwrap()), @r"
        secret-empty: The value is empty

        What it means
          The reference was read and there was nothing in it.

        Why
          A variable set to nothing, an empty file, or a program that printed nothing.

        What to do
          Store the value where the reference points.
        ");
    }

    #[test]
    fn an_unknown_code_is_answered_with_its_neighbours() {
        insta::assert_snapshot!(unknown("tenant-not-fund").to_string(), @r#"credwatch knows no code "tenant-not-fund"; did you mean tenant-not-found?"#);
        insta::assert_snapshot!(unknown("\u{1b}[31mxyzzy").to_string(), @r#"credwatch knows no code "�[31mxyzzy"; give a finding code or a verdict as the reports write it, or an AADSTS number"#);
    }
}
