//! What to do: general words first, then the provider's steps, the product's, and the inventory's.

use super::{
    FindingCode,
    judge::{Case, answer},
    origin, product, rotation,
};
use crate::{inventory::Key, provider::aadsts, secret::SecretRef, text::printable};

pub(super) fn of(case: &Case<'_>, code: FindingCode) -> String {
    let mut sentences = if is_renewed(case, code) {
        let rotate = rotation::command(case, "rotate");
        vec![format!(
            "Nothing by hand: it opted in to rotation, and a run with `--rotate`, or {rotate}, replaces it in time."
        )]
    } else {
        general(case, code)
    };
    sentences.extend(rotation::todo(case, code));
    if case.recall.ours.is_some() {
        let provider = case.subject.app.registration.provider.name();
        sentences.push(format!("It stands under `management:` in the settings, for provider {provider}."));
    }
    if let Some(runbook) = &case.subject.app.runbook {
        sentences.push(format!("Runbook: {}", printable(runbook.as_str())));
    }
    sentences.join(" ")
}

/// Its end is near, and credwatch replaces it as far as anybody can tell.
fn is_renewed(case: &Case<'_>, code: FindingCode) -> bool {
    let rotated = case.subject.credential.rotate.as_ref().is_some_and(|rotate| !rotate.frozen);
    code == FindingCode::Expiring && rotated && !case.rotation.is_some_and(|facts| facts.is_stuck(case))
}

fn general(case: &Case<'_>, code: FindingCode) -> Vec<String> {
    let mut sentences = vec![code.guide().todo.to_owned()];
    if code.name() == case.verdict.name().replace('_', "-") {
        // The number of the answer knows more than the verdict.
        sentences.extend(by_number(case).map(str::to_owned));
    }
    if code.asks_for_a_new_one() {
        sentences.push(origin::steps(case.subject));
        match case.recall.ours {
            Some(_) => sentences
                .extend(place(case).map(|place| format!("Put the new value where credwatch reads it ({place})."))),
            None => {
                sentences.push(product::steps(case.subject.app.used_by.as_deref()));
                sentences.push(format!("Then {}correct `expires` in the inventory.", store(case)));
            }
        }
    }
    if matches!(code, FindingCode::SecretHasWhitespace | FindingCode::SecretEmpty) {
        sentences.extend(place(case).map(|place| format!("It is read from {place}.")));
    }
    sentences
}

fn by_number(case: &Case<'_>) -> Option<&'static str> {
    let codes = &answer(case.observation)?.error_codes;
    let meaning = answer(case.observation)?.meaning;
    codes.iter().filter_map(|code| aadsts(*code)).find(|entry| entry.meaning == meaning)?.todo
}

/// What credwatch itself reads must hold the new value too.
fn store(case: &Case<'_>) -> String {
    place(case).map(|place| format!("put the new value where credwatch reads it ({place}), and ")).unwrap_or_default()
}

fn place(case: &Case<'_>) -> Option<String> {
    let (Key::Secret(reference) | Key::Certificate { pem: reference, .. }) = &case.subject.credential.key else {
        return None;
    };
    Some(match reference {
        SecretRef::Env(name) => format!("the variable {}", printable(name)),
        SecretRef::File(path) => format!("the file {}", printable(&path.to_string_lossy())),
        SecretRef::Exec(words) => format!("the program {}", printable(words.first().map_or("", String::as_str))),
        SecretRef::Store { scheme, address } => printable(&format!("{scheme}:{address}")),
    })
}
