use std::collections::HashMap;

use chrono::{DateTime, Utc};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::*;
use crate::{
    assess::{Policy, Verdict},
    notify::{
        audience::View,
        policy::{self, Tonight},
    },
    state::{Memory, fixture::*},
};

/// References and their values.
pub(crate) struct Vault(HashMap<SecretRef, String>);

impl Vault {
    pub(crate) fn with_url(url: &str) -> (Self, SecretRef) {
        let reference = SecretRef::Env("THE_URL".to_owned());
        (Self(HashMap::from([(reference.clone(), url.to_owned())])), reference)
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, String> {
        let value = self.0.get(reference).ok_or("env:HOOK_KEY is not set")?;
        Ok(Secret::new(value.clone()))
    }
}

pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

const NOW: &str = "2026-11-01T03:00:00Z";

fn test_parcel() -> Parcel<'static> {
    let now = NOW.parse().unwrap();
    Parcel { id: "8c1f".to_owned(), to: "", channel: "hook", now, content: Content::Test }
}

async fn answering(status: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(status).mount(&server).await;
    server
}

async fn sent(url: &str, key: Option<&str>) -> Sent {
    tried(url, key).await.sent
}

async fn tried(url: &str, key: Option<&str>) -> Tried {
    let (mut vault, url) = Vault::with_url(url);
    let reference = SecretRef::Env("HOOK_KEY".to_owned());
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        vault.0.insert(reference.clone(), key.to_owned());
    }
    let http = client();
    Webhook { url: &url, signing_key: key.map(|_| &reference), http: &http, secrets: &vault }.send(&test_parcel()).await
}

#[tokio::test]
async fn a_post_carries_id_time_and_signature() {
    let server = answering(ResponseTemplate::new(202)).await;
    assert_eq!(
        sent(&format!("{}/canary-path?sig=canary", server.uri()), Some("canary-plain-key")).await,
        Sent::Accepted
    );
    let request = &server.received_requests().await.unwrap()[0];
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("webhook-id"), Some("8c1f"));
    assert_eq!(header("webhook-timestamp"), Some("1793502000"));
    assert_eq!(header("content-type"), Some("application/json"));
    // Made with openssl over `8c1f.1793502000.{body}`; a key without `whsec_` is taken as it is.
    assert_eq!(header("webhook-signature"), Some("v1,9RBLK8bhLhVaNizpeusEoDeQ/nugAXXc+twU0gi7sio="));
    insta::assert_snapshot!(String::from_utf8_lossy(&request.body), @r#"{"type":"notify.test","timestamp":"2026-11-01T03:00:00Z","data":{"test":true,"message":"a test message of credwatch; nothing is wrong"}}"#);
}

#[tokio::test]
async fn without_a_key_there_is_no_signature() {
    let server = answering(ResponseTemplate::new(200)).await;
    assert_eq!(sent(&server.uri(), None).await, Sent::Accepted);
    assert!(!server.received_requests().await.unwrap()[0].headers.contains_key("webhook-signature"));
}

#[test]
fn the_signature_is_that_of_the_published_example() {
    // Test vector of the Standard Webhooks libraries.
    let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let made = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn what_is_not_2xx_is_kept_and_no_redirect_is_followed() {
    let other = answering(ResponseTemplate::new(200)).await;
    for (answer, said) in [
        (ResponseTemplate::new(500), "HTTP 500"),
        (ResponseTemplate::new(429), "HTTP 429"),
        (ResponseTemplate::new(404), "HTTP 404"),
        (ResponseTemplate::new(307).insert_header("location", other.uri().as_str()), "HTTP 307"),
    ] {
        let server = answering(answer).await;
        let kept = Sent::Kept(format!("the receiver answered {said}"));
        assert_eq!(sent(&format!("{}/canary?sig=canary", server.uri()), None).await, kept);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
    assert_eq!(other.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_may_pass_is_worth_another_try_when_the_receiver_says() {
    for (answer, again) in [
        (ResponseTemplate::new(500), Some(0)),
        (ResponseTemplate::new(503).insert_header("retry-after", "5"), Some(5)),
        (ResponseTemplate::new(429).insert_header("retry-after", "soon"), Some(0)),
        (ResponseTemplate::new(400), None),
        (ResponseTemplate::new(404).insert_header("retry-after", "5"), None),
        (ResponseTemplate::new(200).set_body_string(r#"{"ok":false}"#), None),
    ] {
        let server = answering(answer).await;
        assert_eq!(tried(&server.uri(), None).await.again, again.map(Duration::from_secs));
    }
    assert_eq!(tried("http://127.0.0.1:1/", None).await.again, Some(Duration::ZERO));
}

#[tokio::test]
async fn m4_an_error_in_a_200_is_not_accepted_and_other_text_is() {
    let refused = Sent::Kept("the receiver answered HTTP 200 with an error in it".to_owned());
    for (body, is_refused) in [
        (r#"{"ok":false,"canary":1}"#, true),
        (r#"{"success":false}"#, true),
        (r#"{"error":"invalid_token"}"#, true),
        (r#"{"error":{"code":1}}"#, true),
        (r#"{"errors":["x"]}"#, true),
        (r#"{"error":true}"#, true),
        (r#"{"status":"error","message":"x"}"#, true),
        (r#"{"errcode":310000,"errmsg":"sign not match"}"#, true),
        ("Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", true),
        ("invalid_payload\n", true),
        (r#"{"errcode":0,"errmsg":"ok"}"#, false),
        (r#"{"status":"success","error":false,"errors":{}}"#, false),
        (r#"{"status":"accepted","message":"error budget"}"#, false),
        ("1", false),
        ("no errors", false),
        (r#"{"ok":true,"error":null,"errors":[]}"#, false),
        (r#"{"error":"","success":true}"#, false),
        (r#"{"error":0}"#, false),
        (r#"[{"ok":false}]"#, false),
        ("ok", false),
        ("<html>error", false),
        ("", false),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let expected = if is_refused { &refused } else { &Sent::Accepted };
        assert_eq!(sent(&server.uri(), None).await, *expected, "{body}");
    }
}

#[tokio::test]
async fn neither_the_url_nor_the_key_is_ever_said() {
    for (url, key, said) in [
        ("http://127.0.0.1:1/canary", None, "the receiver could not be reached"),
        ("http://hooks.example.org/canary", None, "the webhook's URL must begin with https://"),
        ("canary", None, "the webhook's URL is no URL"),
        ("https://127.0.0.1:1/canary", Some(""), "env:HOOK_KEY is not set"),
    ] {
        assert_eq!(sent(url, key).await, Sent::Kept(said.to_owned()));
    }
}

#[test]
fn one_envelope_holds_every_event_and_names_the_gravest() {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let app = app("payroll", &["ann@example.org"]);
    let assessments = [judged(&app, now, Verdict::InvalidSecret, Some("2026-11-05"))];
    let (memory, policy) = (Memory::default(), Policy::default());
    let tonight = Tonight {
        run_id: "r1",
        now,
        last_run: None,
        assessments: &assessments,
        memory: &memory,
        partial: false,
        policy: &policy,
    };
    let index = policy::index(&assessments);
    let told = [crate::state::Told {
        channel: "hook".to_owned(),
        person: String::new(),
        app: "gone".to_owned(),
        label: "line-1".to_owned(),
        code: "expired".to_owned(),
        severity: crate::assess::Severity::Critical,
        days: None,
        at: now,
        refused: false,
    }];
    let events = policy::due(&tonight, &index, &mut std::iter::once((0, View::All)), &told, true).events;
    let digest = Digest { events, admin: true, run_id: "r1", now, last_run: None };
    let parcel = Parcel { id: "1".to_owned(), to: "", channel: "hook", now, content: Content::News(digest) };
    insta::assert_snapshot!(serde_json::to_string_pretty(&payload(&parcel)).unwrap(), @r#"
    {
      "type": "finding.opened",
      "timestamp": "2026-11-01T03:00:00Z",
      "data": {
        "run": {
          "id": "r1",
          "last_run": null
        },
        "events": [
          {
            "type": "finding.opened",
            "app": "payroll",
            "label": null,
            "code": "invalid-secret",
            "severity": "critical",
            "told_before": null,
            "message": "The test ended as invalid_secret.",
            "remedy": "Make a new secret and put it in its place.",
            "since": null,
            "threshold_days": null,
            "provider": "entra",
            "tenant": "contoso.example",
            "client_id": "client-of-payroll",
            "secret_id": null,
            "kind": "client_secret",
            "owners": [
              "ann@example.org"
            ],
            "tags": [],
            "runbook": null,
            "verdict": "invalid_secret",
            "expiry": {
              "at": "2026-11-05T03:00:00Z",
              "never": false,
              "days_left": 4,
              "source": "declared"
            }
          },
          {
            "type": "finding.opened",
            "app": "payroll",
            "label": null,
            "code": "expiring",
            "severity": "critical",
            "told_before": null,
            "message": "It expires soon.",
            "remedy": "Make a new secret and put it in its place.",
            "since": null,
            "threshold_days": 7,
            "provider": "entra",
            "tenant": "contoso.example",
            "client_id": "client-of-payroll",
            "secret_id": null,
            "kind": "client_secret",
            "owners": [
              "ann@example.org"
            ],
            "tags": [],
            "runbook": null,
            "verdict": "invalid_secret",
            "expiry": {
              "at": "2026-11-05T03:00:00Z",
              "never": false,
              "days_left": 4,
              "source": "declared"
            }
          },
          {
            "type": "finding.resolved",
            "app": "gone",
            "label": "line-1",
            "code": "expired",
            "severity": "critical",
            "told_before": "2026-11-01T03:00:00Z",
            "ending": "removed"
          }
        ]
      }
    }
    "#);
}
