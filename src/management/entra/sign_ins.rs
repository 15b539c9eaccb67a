//! The sign-in log (providers.md section 4.4): who used which credential of an app, and when.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::{Rest, Usage, UsageQuestion};
use crate::{clock, management::ManagementFault};

/// Rows to a page: what is selected of one is some 250 bytes, and an answer may have 256 KiB.
const PAGE: &str = "500";
/// A log that is longer tells nothing in the time a run has.
const PAGES: usize = 100;

#[derive(Deserialize)]
struct Page {
    value: Vec<SignIn>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    /// The `x-ms-request-id` of the token answer.
    id: Option<String>,
    /// The `client-request-id` of the token request.
    correlation_id: Option<String>,
    created_date_time: DateTime<Utc>,
    service_principal_credential_key_id: Option<String>,
}

impl SignIn {
    fn is_with(&self, key_id: &str) -> bool {
        self.service_principal_credential_key_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(key_id))
    }

    fn is_one_of(&self, ours: &[String]) -> bool {
        let own = [self.id.as_deref(), self.correlation_id.as_deref()];
        own.into_iter().flatten().any(|id| ours.iter().any(|known| known.eq_ignore_ascii_case(id)))
    }
}

/// Whether the credential was used, by the log of the app's own tenant.
///
/// # Errors
/// The log could not be read whole.
pub(super) async fn usage(
    rest: &Rest,
    client_id: &str,
    question: &UsageQuestion<'_>,
) -> Result<Usage, ManagementFault> {
    let log = match read(rest, client_id, "t eq 'servicePrincipal'", question.since, PAGES).await? {
        Log::Whole(log) => log,
        Log::TooLong => return Ok(cannot_tell("the sign-in log is too long to be read in one run")),
    };
    let used = log.iter().filter(|row| row.is_with(question.key_id) && !row.is_one_of(question.ours));
    if let Some(at) = used.map(|row| row.created_date_time).max() {
        return Ok(Usage::UsedAt(at));
    }
    // A log that does not show what we know to have happened does not show what others did either.
    let is_control = |row: &SignIn| {
        row.is_with(question.control) && row.is_one_of(question.ours) && row.created_date_time >= question.control_since
    };
    if !log.iter().any(is_control) {
        return Ok(cannot_tell("the sign-in log does not show our own recent sign-in with the new secret"));
    }
    // Where people sign in through the app, it shows its secret too, and the log does not say which one.
    let people = "t eq 'interactiveUser' or t eq 'nonInteractiveUser'";
    match read(rest, client_id, people, question.since, 1).await? {
        Log::Whole(log) if log.is_empty() => Ok(Usage::Unused),
        _ => Ok(cannot_tell("people sign in through this app, and the log does not say with which of its secrets")),
    }
}

pub(super) fn cannot_tell(why: &str) -> Usage {
    Usage::CannotTell(why.to_owned())
}

enum Log {
    Whole(Vec<SignIn>),
    TooLong,
}

/// Without the event types the log tells of interactive sign-ins alone, and every secret looks unused.
async fn read(
    rest: &Rest,
    client_id: &str,
    event_types: &str,
    since: DateTime<Utc>,
    pages: usize,
) -> Result<Log, ManagementFault> {
    let doing = "reading the sign-in log";
    let mut url = rest.url(&["beta", "auditLogs", "signIns"]);
    let filter = format!(
        "signInEventTypes/any(t: {event_types}) and appId eq '{client_id}' and createdDateTime ge {}",
        clock::rfc3339(since)
    );
    url.query_pairs_mut()
        .append_pair("$filter", &filter)
        .append_pair("$select", "id,correlationId,createdDateTime,servicePrincipalCredentialKeyId")
        .append_pair("$top", PAGE);
    let mut log = Vec::new();
    for _ in 0..pages {
        let (page, _) = rest.get::<Page>(url, doing).await?;
        log.extend(page.value);
        let Some(next) = page.next else { return Ok(Log::Whole(log)) };
        // Our token goes nowhere else.
        let here = |next: &Url| next.origin() == rest.base.origin();
        url = next.parse().ok().filter(here).ok_or_else(|| rest.unreadable(doing))?;
    }
    Ok(Log::TooLong)
}
