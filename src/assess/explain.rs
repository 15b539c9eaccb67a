//! The long form of a code, offline: findings, verdicts and AADSTS numbers.

use super::{FindingCode, Severity, Verdict};
use crate::provider::{Aadsts, Meaning, aadsts, aadsts_codes};

/// What a code means and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// As reports write it.
    pub code: String,
    pub title: String,
    pub what: String,
    pub why: String,
    pub todo: String,
    /// Where the provider says more.
    pub url: Option<String>,
}

/// Explains a finding code, a verdict (with `_` or `-`), or an AADSTS number with or without its prefix; any case.
#[must_use]
pub fn explain(code: &str) -> Option<Explanation> {
    let code = code.trim().to_ascii_lowercase();
    if let Ok(number) = code.strip_prefix("aadsts").unwrap_or(&code).parse::<u64>() {
        return aadsts(number).map(of_number);
    }
    if let Ok(finding) = code.replace('_', "-").parse::<FindingCode>() {
        return Some(of_finding(finding));
    }
    Verdict::ALL.into_iter().find(|verdict| verdict.name() == code).and_then(of_quiet_verdict)
}

/// Codes that look like this one, the likeliest first.
#[must_use]
pub fn near(code: &str) -> Vec<String> {
    let code = code.trim().to_ascii_lowercase().replace('_', "-");
    let names = FindingCode::ALL.into_iter().map(|code| code.name().to_owned());
    let verdicts = ["valid", "untested"].into_iter().map(str::to_owned);
    let numbers = aadsts_codes().map(|code| format!("AADSTS{code}"));
    let likeness = |name: &String| strsim::jaro_winkler(&name.to_ascii_lowercase(), &with_prefix(&code));
    let mut near: Vec<(f64, String)> =
        names.chain(verdicts).chain(numbers).map(|name| (likeness(&name), name)).collect();
    near.retain(|(likeness, _)| *likeness > 0.85);
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().map(|(_, name)| name).take(3).collect()
}

fn with_prefix(code: &str) -> String {
    let digits = !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit());
    if digits { format!("aadsts{code}") } else { code.to_owned() }
}

fn of_finding(code: FindingCode) -> Explanation {
    let guide = code.guide();
    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.finding() == Some(code));
    let standing = verdict.map(standing).unwrap_or_default();
    Explanation {
        code: code.name().to_owned(),
        title: guide.title.to_owned(),
        what: format!("{}{standing}", guide.what),
        why: guide.why.to_owned(),
        todo: guide.todo.to_owned(),
        url: None,
    }
}

/// What the verdict does to severity and exit code.
fn standing(verdict: Verdict) -> String {
    let severity = verdict.severity();
    let exit = match severity {
        _ if verdict.is_inconclusive() => "exit code 3, as the credential could not be judged",
        Severity::Critical => "exit code 1",
        _ => "exit code 1 with `--fail-on warning`",
    };
    format!(" As the test's verdict ({verdict}) it is {severity}, with {exit}.")
}

/// The two verdicts nothing is found wrong with.
fn of_quiet_verdict(verdict: Verdict) -> Option<Explanation> {
    let (title, what, why, todo) = match verdict {
        Verdict::Valid => (
            "The credential works",
            "The provider accepted the credential and issued a token, which credwatch threw away.",
            "Everything is in order.",
            "Nothing; findings on its dates may still be there.",
        ),
        Verdict::Untested => (
            "Not tested",
            "Nothing was sent; the credential is judged by its dates alone.",
            "The run was offline, the app is set to `enabled: false`, no secret is declared, or its endpoint is not on the allow list.",
            "Nothing, if that is meant to be so.",
        ),
        _ => return None,
    };
    let [code, title, what, why, todo] = [verdict.name(), title, what, why, todo].map(str::to_owned);
    Some(Explanation { code, title, what, why, todo, url: None })
}

fn of_number(entry: &Aadsts) -> Explanation {
    let verdict = super::judge::of(entry.meaning);
    let guide = verdict.finding().map(FindingCode::guide);
    let about = match entry.meaning {
        Meaning::SecretRefused | Meaning::SecretExpired => "the secret was refused",
        Meaning::PolicyBlocked { authenticated: true } => "the secret itself had been accepted before",
        _ => "whether the secret is right stays open",
    };
    let todo = guide.iter().map(|guide| guide.todo).chain(entry.todo).collect::<Vec<_>>().join(" ");
    Explanation {
        code: format!("AADSTS{}", entry.code),
        title: entry.what.trim_end_matches('.').to_owned(),
        what: format!("credwatch reads it as {verdict} ({}): {about}.", verdict.severity()),
        why: guide.map(|guide| guide.why).unwrap_or_default().to_owned(),
        todo,
        url: Some(format!("https://login.microsoftonline.com/error?code={}", entry.code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_in_every_spelling() {
        for code in FindingCode::ALL {
            let explanation = explain(code.name()).unwrap();
            assert_eq!(explanation.code, code.name());
            assert_eq!(explain(&code.name().replace('-', "_").to_uppercase()), Some(explanation));
        }
        for verdict in Verdict::ALL {
            assert!(explain(verdict.name()).is_some(), "{verdict}");
        }
        for number in aadsts_codes() {
            let explanation = explain(&number.to_string()).unwrap();
            assert_eq!(explain(&format!("AADSTS{number}")), Some(explanation.clone()));
            assert_eq!(explain(&format!("aadsts{number}")), Some(explanation));
        }
    }

    #[test]
    fn no_text_is_empty_or_lacks_its_full_stop() {
        let names = FindingCode::ALL.map(|code| code.name().to_owned()).into_iter();
        for name in names.chain(aadsts_codes().map(|code| code.to_string())) {
            let explanation = explain(&name).unwrap();
            assert!(!explanation.title.is_empty() && !explanation.title.ends_with('.'), "{name}");
            for text in [explanation.what, explanation.why, explanation.todo] {
                assert!(text.ends_with('.') && text.len() > 10, "{name}: {text}");
            }
        }
    }

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        assert_eq!(explain("expired-secrt"), None);
        assert_eq!(near("expired-secrt")[0], "expired-secret");
        assert_eq!(near("Invalid_Secret")[0], "invalid-secret");
        assert!(near("7000216 ").contains(&"AADSTS7000216".to_owned()));
        assert!(explain("7000299").is_none() && !near("7000299").is_empty());
        assert_eq!(near("zzz"), Vec::<String>::new());
        assert_eq!(explain(""), None);
    }

    #[test]
    fn a_number_reads_as_people_need_it() {
        let explanation = explain("AADSTS7000222").unwrap();
        assert_eq!(explanation.title, "The client secret that was sent has expired");
        assert_eq!(explanation.what, "credwatch reads it as expired_secret (critical): the secret was refused.");
        assert!(explanation.todo.starts_with("Make a new secret"), "{}", explanation.todo);
        assert_eq!(explanation.url.unwrap(), "https://login.microsoftonline.com/error?code=7000222");
    }
}
