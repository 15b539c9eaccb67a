//! Recorded answers, and answers that must never pass for a token.

use serde::Deserialize;

use super::{Meaning, Reply, Sent, named};

#[derive(Deserialize)]
struct Row {
    provider: String,
    http_status: Option<u16>,
    body: String,
    meaning: String,
}

/// The verdict's name for a meaning, as the recordings are labelled.
fn label(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Token => "valid",
        Meaning::SecretRefused => "invalid_secret",
        Meaning::SecretExpired => "expired_secret",
        Meaning::ClientUnknown => "app_not_found",
        Meaning::TenantUnknown => "tenant_not_found",
        Meaning::ClientDisabled => "app_disabled",
        Meaning::PrincipalMissing => "principal_missing",
        Meaning::PolicyBlocked { .. } => "policy_blocked",
        Meaning::RequestRefused => "bad_request",
        Meaning::ScopeRefused => "bad_scope",
        Meaning::AssertionRefused => "assertion_invalid",
        Meaning::Throttled => "throttled",
        Meaning::ServerFault => "transient",
        Meaning::NotATokenAnswer => "bad_response",
        Meaning::Unknown => "other",
    }
}

fn read(provider: &str, status: u16, body: &str) -> Meaning {
    let provider = match provider {
        "identityserver" => "aveva",
        known if named(known).is_some() => known,
        _ => "oauth2",
    };
    named(provider).unwrap().read(&Reply::parse(status, body.as_bytes()).0, Sent::default())
}

#[test]
fn every_recorded_answer_is_read_right() {
    let recorded = include_str!("../../tests/data/token-answers.jsonl");
    let mut rows = 0;
    for line in recorded.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        let status = row.http_status.unwrap_or(match row.meaning.as_str() {
            "throttled" => 429,
            "transient" => 503,
            "invalid_secret" | "expired_secret" | "secret_id_instead_of_value" | "assertion_invalid" => 401,
            _ => 400,
        });
        // A secret id sent as the value gets the same answer as any wrong value.
        let expected =
            if row.meaning == "secret_id_instead_of_value" { "invalid_secret" } else { row.meaning.as_str() };
        assert_eq!(label(read(&row.provider, status, &row.body)), expected, "{} {status} {}", row.provider, row.body);
        rows += 1;
    }
    assert!(rows >= 60);
}

#[test]
fn only_a_whole_token_answer_is_a_token_at_any_provider() {
    for provider in super::PROVIDERS {
        let name = provider.name();
        assert_eq!(
            read(name, 200, r#"{"token_type":"bearer","access_token":"canary","expires_in":300}"#),
            Meaning::Token
        );
        for body in [
            "",
            "<html><body>Sign in, access_token=canary</body></html>",
            r#"{"access_token":"canary"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":12}"#,
            r#"["canary"]"#,
            r#"{"access_token":"","access_token":"canary"}"#,
            "\u{feff}{\"access_token\":\"canary\"}",
            "access_token=canary&token_type=bearer",
            "null",
            "{}",
        ] {
            assert_eq!(read(name, 200, body), Meaning::NotATokenAnswer, "{name} {body}");
        }
        for status in [400, 401, 403, 500] {
            assert_ne!(read(name, status, r#"{"access_token":"canary"}"#), Meaning::Token, "{name} {status}");
        }
    }
}

#[test]
fn pages_storms_and_limits_are_told_apart_at_any_provider() {
    let page = "<!DOCTYPE html><html><body>Error</body></html>";
    for provider in super::PROVIDERS {
        let name = provider.name();
        for (status, body, expected) in [
            (400, page, Meaning::NotATokenAnswer),
            (401, page, Meaning::NotATokenAnswer),
            (403, page, Meaning::NotATokenAnswer),
            (404, page, Meaning::NotATokenAnswer),
            (401, "", Meaning::NotATokenAnswer),
            (429, page, Meaning::Throttled),
            (429, "Too Many Requests", Meaning::Throttled),
            (429, r#"{"error":"invalid_client"}"#, Meaning::Throttled),
            (500, page, Meaning::ServerFault),
            (502, "", Meaning::ServerFault),
            (503, r#"{"error":"temporarily_unavailable"}"#, Meaning::ServerFault),
            (503, r#"{"error":"invalid_client"}"#, Meaning::ServerFault),
            (500, r#"{"error":"server_error"}"#, Meaning::ServerFault),
            (418, r#"{"teapot":true}"#, Meaning::Unknown),
        ] {
            assert_eq!(read(name, status, body), expected, "{name} {status} {body}");
        }
    }
}

#[test]
fn a_refused_key_is_no_refused_secret() {
    for provider in super::PROVIDERS {
        let reply = Reply::parse(401, br#"{"error":"invalid_client"}"#).0;
        let meaning = provider.read(&reply, Sent { assertion: true });
        assert_ne!(meaning, Meaning::SecretRefused, "{}", provider.name());
    }
}
