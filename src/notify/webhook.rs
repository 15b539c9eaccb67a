//! A signed POST (Standard Webhooks 1.0) with everything due.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::timeout;
use url::{Host, Url};

use super::{
    Secrets,
    carrier::{Carrier, Content, Parcel, Sent, Tried},
    digest::Digest,
    event::{Ending, Event, Kind},
};
use crate::{
    clock, probe,
    secret::{Secret, SecretRef},
};

const DEADLINE: Duration = Duration::from_secs(30);
const BODY_DEADLINE: Duration = Duration::from_secs(5);
const BODY_LIMIT: usize = 64 * 1024;

pub struct Webhook<'a> {
    pub url: &'a SecretRef,
    pub signing_key: Option<&'a SecretRef>,
    /// Follows no redirects: the signature belongs to one receiver.
    pub http: &'a reqwest::Client,
    pub secrets: &'a dyn Secrets,
}

#[async_trait]
impl Carrier for Webhook<'_> {
    fn is_webhook(&self) -> bool {
        true
    }

    async fn send(&mut self, parcel: &Parcel<'_>) -> Tried {
        match self.post(parcel).await {
            Ok(()) => Sent::Accepted.into(),
            Err(Unaccepted { reason, again }) => Tried { sent: Sent::Kept(reason), again },
        }
    }

    async fn close(&mut self) {}
}

impl Webhook<'_> {
    async fn post(&self, parcel: &Parcel<'_>) -> Result<(), Unaccepted> {
        let url = endpoint(&self.secrets.resolve(self.url).await?, "the webhook's URL")?;
        let body = payload(parcel).to_string();
        let timestamp = parcel.now.timestamp();
        let mut request = self
            .http
            .post(url)
            .timeout(DEADLINE)
            .header("content-type", "application/json")
            .header("webhook-id", &parcel.id)
            .header("webhook-timestamp", timestamp.to_string());
        if let Some(key) = self.signing_key {
            let key = self.secrets.resolve(key).await?;
            request = request.header("webhook-signature", signature(&key, &parcel.id, timestamp, &body));
        }
        let response = answered(request.body(body).send().await)?;
        let status = response.status().as_u16();
        if is_an_error(&body_of(response).await) {
            return Err(format!("the receiver answered HTTP {status} with an error in it").into());
        }
        Ok(())
    }
}

/// Why a request is not taken for accepted.
#[derive(Debug)]
pub(super) struct Unaccepted {
    pub reason: String,
    /// As in [`Tried`].
    again: Option<Duration>,
}

impl From<String> for Unaccepted {
    fn from(reason: String) -> Self {
        Self { reason, again: None }
    }
}

/// A URL that is a secret: nothing of it may be shown.
///
/// # Errors
/// Why it is no endpoint, in a sentence about `what`.
pub(super) fn endpoint(secret: &Secret, what: &str) -> Result<Url, String> {
    let url: Url = secret.expose().parse().map_err(|_| format!("{what} is no URL"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(format!("{what} must begin with https://")),
    }
}

/// Only 2xx means accepted.
pub(super) fn answered(answer: reqwest::Result<reqwest::Response>) -> Result<reqwest::Response, Unaccepted> {
    let response = answer.map_err(|error| {
        let again = (!error.is_builder()).then_some(Duration::ZERO);
        let reason = match error {
            error if error.is_timeout() => "the receiver did not answer in time".to_owned(),
            error if error.is_connect() => "the receiver could not be reached".to_owned(),
            error => format!("the request failed: {}", error.without_url()),
        };
        Unaccepted { reason, again }
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let told = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let told = told.and_then(|value| probe::retry_after(value, clock::now())).unwrap_or_default();
    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let again = may_pass.then(|| Duration::from_secs(told));
    Err(Unaccepted { reason: format!("the receiver answered HTTP {}", status.as_u16()), again })
}

/// As much of an answer as comes soon: the status has accepted the message, and what is longer is no short "no".
async fn body_of(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await
            && body.len() <= BODY_LIMIT
        {
            body.extend_from_slice(&chunk);
        }
    };
    let _ = timeout(BODY_DEADLINE, reading).await;
    body
}

/// What Slack's incoming webhooks say in place of `ok` (docs.slack.dev, "Sending messages using incoming webhooks").
const SLACK: [&str; 14] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_payload",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "no_text",
    "posting_to_general_channel_denied",
    "team_disabled",
    "too_many_attachments",
    "user_not_found",
];
/// How a Teams connector answers 200 to what it threw away (learn.microsoft.com, "Rate limiting for connectors").
const TEAMS: &str = "webhook message delivery failed";

/// Chat services and gateways answer 200 and say in the body that they took nothing. Only what says so plainly counts:
/// a message sent twice each night is worse than none, and any other text is no answer to us.
fn is_an_error(body: &[u8]) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        let text = String::from_utf8_lossy(body).trim().to_ascii_lowercase();
        return SLACK.contains(&&*text) || text.starts_with(TEAMS);
    };
    let says = |member: &str, wanted: &[&str]| {
        members
            .get(member)
            .and_then(Value::as_str)
            .is_some_and(|text| wanted.iter().any(|one| text.eq_ignore_ascii_case(one)))
    };
    // `"error": null`, `""`, `false`, `0`, `[]` and `{}` say that there is none.
    let holds = |member| match members.get(member) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Object(inner)) => !inner.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Bool(is_so)) => *is_so,
        _ => false,
    };
    let is_false = |member| members.get(member) == Some(&Value::Bool(false));
    is_false("ok")
        || is_false("success")
        || holds("error")
        || holds("errors")
        || says("status", &["error", "fail", "failed", "failure"])
        // DingTalk, WeCom.
        || members.get("errcode").and_then(Value::as_i64).is_some_and(|code| code != 0)
}

/// `v1,` and the base64 HMAC-SHA256 over `{id}.{timestamp}.{body}`. A key `whsec_` + base64 is decoded, any other
/// taken as it is.
fn signature(key: &Secret, id: &str, timestamp: i64, body: &str) -> String {
    let raw = key.expose().as_bytes();
    let decoded = key.expose().strip_prefix("whsec_").and_then(|text| {
        STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok().map(zeroize::Zeroizing::new)
    });
    let key = decoded.as_ref().map_or(raw, |decoded| decoded.as_slice());
    // HMAC takes keys of any length: there is no failure to handle.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// One envelope for a whole run: `type` is that of its gravest event, `data.events` holds all, each with its own.
fn payload(parcel: &Parcel<'_>) -> Value {
    let (kind, data) = match &parcel.content {
        Content::Test => {
            ("notify.test", json!({"test": true, "message": "a test message of credwatch; nothing is wrong"}))
        }
        Content::News(digest) => (gravest(&digest.events), news(digest)),
    };
    json!({"type": kind, "timestamp": clock::rfc3339(parcel.now), "data": data})
}

fn gravest(events: &[Event<'_>]) -> &'static str {
    let rank = |kind: Kind| match kind {
        Kind::Opened => 2,
        Kind::Worsened => 1,
        Kind::Resolved(_) => 0,
    };
    events.iter().map(|event| event.kind).max_by_key(|kind| rank(*kind)).map_or("notify.test", Kind::name)
}

fn news(digest: &Digest<'_>) -> Value {
    let events: Vec<_> = digest.events.iter().map(event).collect();
    json!({"run": {"id": digest.run_id, "last_run": digest.last_run.map(clock::rfc3339)}, "events": events})
}

fn event(event: &Event<'_>) -> Value {
    let mut value = json!({
        "type": event.kind.name(),
        "app": event.app,
        "label": (!event.label.is_empty()).then_some(event.label),
        "code": event.code,
        "severity": event.severity,
        "told_before": event.told.map(clock::rfc3339),
    });
    let mut add = |name: &str, member: Value| {
        value.as_object_mut().map(|members| members.insert(name.to_owned(), member));
    };
    if let Kind::Resolved(ending) = event.kind {
        add("ending", json!(ending_name(ending)));
    }
    if let Some(finding) = event.finding {
        add("message", json!(finding.message));
        add("remedy", json!(finding.remedy));
        add("since", json!(finding.since.map(clock::rfc3339)));
        add("threshold_days", json!(event.days));
    }
    if let Some(assessment) = event.assessment {
        let (app, credential) = (assessment.subject.app, assessment.subject.credential);
        add("provider", json!(app.registration.provider.name()));
        add("tenant", json!(app.registration.tenant));
        add("client_id", json!(app.client_id));
        add("secret_id", json!(assessment.secret_id()));
        add("kind", json!(credential.key.kind()));
        add("owners", json!(&*app.owners));
        add("tags", json!(&*app.tags));
        add("runbook", json!(app.runbook.as_ref().map(Url::as_str)));
        add("verdict", json!(assessment.test.verdict));
        add("expiry", json!(assessment.expiry));
    }
    value
}

const fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Mended => "mended",
        Ending::Replaced => "replaced",
        Ending::Removed => "removed",
    }
}

#[cfg(test)]
pub(crate) mod tests;
