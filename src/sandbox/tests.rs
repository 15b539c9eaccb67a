use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::*;
use crate::clock;

const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";
const SCOPE: (&str, &str) = ("scope", "https://graph.microsoft.com/.default");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// One app per platform with a secret that holds and one that has ended; gives both.
fn register(sandbox: &Sandbox, platform: Platform, client_id: &str, enabled: bool) -> (String, String) {
    let issue = |end: DateTime<Utc>| Credential::issue(platform, "key".to_owned(), Some(end));
    let credentials = vec![issue(clock::now() + TimeDelta::days(9)), issue(clock::now() - TimeDelta::days(9))];
    let [good, ended] = [0, 1].map(|at: usize| credentials[at].value().expose().to_owned());
    let (tenant, client_id, name) = (TENANT.to_owned(), client_id.to_owned(), "ledger".to_owned());
    sandbox.directory().register(App { platform, tenant, client_id, name, enabled, credentials });
    (good, ended)
}

async fn post(sandbox: &Sandbox, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("http://{}{path}", sandbox.address());
    let answer = client().post(url).header("client-request-id", REQUEST_ID).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const REQUEST_ID: &str = "4b6f3a2d-0a8f-4d54-8f5b-6f1f7d3c2b1a";

#[tokio::test]
async fn entra_issues_tokens_at_both_endpoints() {
    let sandbox = Sandbox::start().await.unwrap();
    let (good, _) = register(&sandbox, Platform::Entra, "app-1", true);
    let id = [GRANT, ("client_id", "app-1"), ("client_secret", &good)];

    let (status, v2) = post(&sandbox, &format!("/{TENANT}/oauth2/v2.0/token"), &[&id[..], &[SCOPE]].concat()).await;
    assert_eq!((status, &v2["token_type"], &v2["expires_in"]), (200, &"Bearer".into(), &3599.into()));
    assert_eq!(v2["access_token"].as_str().unwrap().split('.').count(), 3);

    let resource = ("resource", "https://graph.microsoft.com");
    let (status, v1) = post(&sandbox, &format!("/{TENANT}/oauth2/token"), &[&id[..], &[resource]].concat()).await;
    assert_eq!((status, &v1["expires_in"], &v1["resource"]), (200, &"3599".into(), &resource.1.into()));
}

#[tokio::test]
async fn entra_takes_form_encoded_basic_credentials() {
    let sandbox = Sandbox::start().await.unwrap();
    let (good, _) = register(&sandbox, Platform::Entra, "a:b c", true);
    let secret = good.replace('~', "%7E");
    let url = format!("http://{}/{TENANT}/oauth2/v2.0/token", sandbox.address());
    let answer = client().post(url).basic_auth("a%3Ab+c", Some(secret)).form(&[GRANT, SCOPE]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Path, form, and what comes back: status, `error`, code.
type Refusal<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str, u64);

#[tokio::test]
async fn entra_refuses_in_its_own_order_and_words() {
    let sandbox = Sandbox::start().await.unwrap();
    let (good, ended) = register(&sandbox, Platform::Entra, "app-1", true);
    let (disabled_secret, _) = register(&sandbox, Platform::Entra, "app-off", false);
    let v2 = format!("/{TENANT}/oauth2/v2.0/token");
    let app = ("client_id", "app-1");
    let cases: [Refusal<'_>; 10] = [
        (&v2, &[GRANT, SCOPE, app, ("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (&v2, &[GRANT, SCOPE, app, ("client_secret", &ended)], 401, "invalid_client", 7_000_222),
        (&v2, &[GRANT, SCOPE, ("client_id", "app-2"), ("client_secret", &good)], 400, "unauthorized_client", 700_016),
        (
            &v2,
            &[GRANT, SCOPE, ("client_id", "app-off"), ("client_secret", &disabled_secret)],
            400,
            "unauthorized_client",
            7_000_112,
        ),
        (
            "/nowhere.example/oauth2/v2.0/token",
            &[GRANT, SCOPE, app, ("client_secret", &good)],
            400,
            "invalid_request",
            90_002,
        ),
        // The missing credential is noticed before the unknown tenant.
        ("/nowhere.example/oauth2/v2.0/token", &[GRANT, SCOPE, app], 401, "invalid_client", 7_000_216),
        (&v2, &[SCOPE, app, ("client_secret", &good)], 400, "invalid_request", 900_144),
        (
            &v2,
            &[("grant_type", "password"), SCOPE, app, ("client_secret", &good)],
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (&v2, &[GRANT, app, ("client_secret", &good)], 400, "invalid_request", 900_144),
        (&v2, &[GRANT, ("scope", "api.read"), app, ("client_secret", &good)], 400, "invalid_scope", 1_002_012),
    ];
    for (path, form, status, error, code) in cases {
        let (seen, body) = post(&sandbox, path, form).await;
        assert_eq!((seen, &body["error"], &body["error_codes"]), (status, &error.into(), &vec![code].into()), "{body}");
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        assert!(text("error_description").starts_with(&format!("AADSTS{code}: ")), "{body}");
        assert_eq!(text("correlation_id"), REQUEST_ID);
        assert!(text("error_description").contains(&text("trace_id")));
        assert!(chrono::NaiveDateTime::parse_from_str(&text("timestamp"), "%Y-%m-%d %H:%M:%SZ").is_ok());
        assert!(text("error_uri").ends_with(&format!("code={code}")));
        assert!(!body.to_string().contains(&good), "the answer repeats the secret");
    }
}

#[tokio::test]
async fn aveva_refuses_with_400_and_without_a_reason() {
    let sandbox = Sandbox::start().await.unwrap();
    let (good, ended) = register(&sandbox, Platform::Aveva, "line", true);
    register(&sandbox, Platform::Aveva, "line-off", false);
    let path = "/identity/connect/token";
    let (status, body) = post(&sandbox, path, &[GRANT, ("client_id", "line"), ("client_secret", &good)]).await;
    assert_eq!((status, &body["token_type"]), (200, &"Bearer".into()));
    for (client_id, secret) in [("line", "wrong"), ("line", &*ended), ("line-off", &*good), ("nobody", &*good)] {
        let (status, body) = post(&sandbox, path, &[GRANT, ("client_id", client_id), ("client_secret", secret)]).await;
        assert_eq!((status, body.to_string().as_str()), (400, r#"{"error":"invalid_client"}"#), "{client_id}");
    }
}

#[tokio::test]
async fn secrets_differ_and_have_the_platforms_shape() {
    let value = |platform| Credential::issue(platform, String::new(), None).value().expose().to_owned();
    assert_ne!(value(Platform::Entra), value(Platform::Entra));
    assert_eq!(&value(Platform::Entra)[3..6], "8Q~");
    assert!(value(Platform::Aveva).ends_with('='));
}

#[tokio::test]
async fn it_listens_on_loopback_and_ends_when_dropped() {
    let sandbox = Sandbox::start().await.unwrap();
    let address = sandbox.address();
    assert!(address.ip().is_loopback());
    drop(sandbox);
    // The listener closes once the server task has seen the end.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// What the demo inventory and the sandbox make of each other, asked by hand.
#[tokio::test]
async fn the_stage_gives_every_app_the_trouble_its_entry_tells_of() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.yaml");
    std::fs::write(&file, inventory_for(sandbox.address(), clock::now())).unwrap();
    let inventory = crate::inventory::read(&[file], &crate::settings::Settings::default()).unwrap();
    furnish(&inventory, sandbox.directory()).unwrap();

    let mut seen = Vec::new();
    for subject in inventory.subjects() {
        let crate::inventory::TokenEndpoint::Known(url) = &subject.app.registration.token_endpoint else { panic!() };
        let secret = std::fs::read_to_string(folder.path().join("secrets").join(&*subject.app.name)).unwrap();
        let form = [GRANT, SCOPE, ("client_id", &subject.app.client_id), ("client_secret", &secret)];
        let (_, body) = post(&sandbox, url.path(), &form).await;
        let code = body["error_codes"][0].as_u64().map_or_else(|| body["error"].to_string(), |code| code.to_string());
        let pasted = uuid::Uuid::parse_str(&secret).is_ok();
        seen.push(format!("{} {}{}", subject.app.name, code, if pasted { " (a GUID)" } else { "" }));
    }
    assert_eq!(
        seen,
        [
            "puzzel-office365 null",
            "historian-gateway null",
            "invoice-archive 7000222",
            "snaplogic-crm 7000215",
            "infusion-booking 7000215 (a GUID)",
            "deskpro-mailbox null",
            "intranet-search 7000112",
        ]
    );
}

#[cfg(unix)]
#[tokio::test]
async fn secret_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.yaml");
    std::fs::write(&file, inventory_for(([127, 0, 0, 1], 1).into(), clock::now())).unwrap();
    furnish(&crate::inventory::read(&[file], &crate::settings::Settings::default()).unwrap(), &Directory::default())
        .unwrap();
    for secret in std::fs::read_dir(folder.path().join("secrets")).unwrap() {
        assert_eq!(secret.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_demo_is_true_on_every_day() {
    for day in ["2026-11-04T12:00:00Z", "2028-02-29T00:00:00Z", "2041-12-31T23:59:59Z"] {
        let now: DateTime<Utc> = day.parse().unwrap();
        let text = inventory_for(([127, 0, 0, 1], 4711).into(), now);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("demo.yaml"), &text).unwrap();
        let inventory =
            crate::inventory::read(&[folder.path().join("demo.yaml")], &crate::settings::Settings::default()).unwrap();
        let days_left: Vec<_> = inventory
            .subjects()
            .map(|subject| match subject.credential.expires {
                Some(crate::inventory::Expires::At(at)) if !clock::is_never(at) => {
                    (at.date_naive() - now.date_naive()).num_days()
                }
                _ => i64::MAX,
            })
            .collect();
        assert_eq!(days_left, [231, 12, -9, 150, 119, i64::MAX, 89]);
        assert!(!text.contains("9470") && text.contains("http://127.0.0.1:4711"));
    }
}

#[test]
fn the_shipped_inventory_is_valid_as_it_lies() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/demo.yaml");
    let inventory = crate::inventory::read(&[file], &crate::settings::Settings::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(inventory.apps.len(), 7);
}
