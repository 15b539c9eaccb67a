use std::time::Duration;

use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header, path, path_regex},
};

use super::*;
use crate::{
    period::Period,
    secret::SecretRef,
    settings::{HostPattern, Vault},
};

const VALUE: &str = "canary-91b7e2c40d5f";
const TOKEN: &str = "canary-token-5d1f8c3e";

fn settings(server: &MockServer, token: SecretRef) -> Settings {
    let mut settings =
        Settings { vault: Some(Vault { address: server.uri().parse().unwrap(), token }), ..Settings::default() };
    settings.http.timeout = Period::from_secs(1);
    settings
}

fn token() -> (tempfile::TempDir, SecretRef) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    (folder, SecretRef::File(file))
}

/// A vault with one secret of two keys.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    let mount = json!({"data": {"path": "kv/", "type": "kv", "options": {"version": "2"}}});
    let document =
        json!({"data": {"data": {"k": VALUE, "empty": "", "edge": "canary ", "n": 1}, "metadata": {"version": 1}}});
    for (at, body) in [("/v1/sys/internal/ui/mounts/kv/etl", mount), ("/v1/kv/data/etl", document)] {
        let reply = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(at)).and(header("x-vault-token", TOKEN)).respond_with(reply).mount(&server).await;
    }
    server
}

fn stored(scheme: &'static str, address: &str) -> SecretRef {
    SecretRef::Store { scheme, address: address.to_owned() }
}

async fn seen(resolver: &Resolver, reference: &SecretRef) -> String {
    match resolver.resolve(reference).await {
        Ok(value) => format!("{} bytes", value.expose().len()),
        Err(Unreadable::Unresolved(why)) => {
            assert!(!why.contains("canary"), "{why}");
            why
        }
        Err(other) => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reference_is_read_from_its_store_or_told_why_not() {
    let (server, (_folder, token)) = (server().await, token());
    let resolver = resolver(&settings(&server, token));
    let mut told = String::new();
    for address in ["kv/etl#k", "kv/etl#none", "kv/etl#empty", "kv/etl#edge", "kv/etl#n"] {
        told.push_str(&format!("{}\n", seen(&resolver, &stored("vault", address)).await));
    }
    for (scheme, address) in
        [("kubernetes", "jobs/etl#k"), ("azure-key-vault", "https://corp.vault.azure.net/secrets/etl")]
    {
        told.push_str(&format!("{}\n", seen(&resolver, &stored(scheme, address)).await));
    }
    insta::assert_snapshot!(told, @r"
    19 bytes
    the store holds nothing there; put the secret there, or correct the reference (vault:kv/etl#none)
    Empty
    Whitespace
    the value is no text (key n) (vault:kv/etl#n)
    this version of credwatch knows no store `kubernetes:`; name another place (kubernetes:jobs/etl#k)
    the settings do not say how to sign in to Key Vault; add `azure_key_vault: {tenant: ..., client_id: ..., secret: env:...}` to them (azure-key-vault:https://corp.vault.azure.net/secrets/etl)
    ");
}

#[tokio::test]
async fn without_a_block_or_a_token_nothing_is_asked() {
    let server = MockServer::start().await;
    let reference = stored("vault", "kv/etl#k");
    let absent = settings(&server, SecretRef::Env("CREDWATCH_NO_SUCH_VARIABLE".to_owned()));
    let inside = settings(&server, stored("vault", "kv/token#k"));
    let mut told = String::new();
    for settings in [Settings::default(), absent, inside] {
        told.push_str(&format!("{}\n", seen(&resolver(&settings), &reference).await));
    }
    insta::assert_snapshot!(told, @r#"
    the settings have no `vault` block; add `vault: {address: "https://vault.example.org:8200", token: env:VAULT_TOKEN}` (vault:kv/etl#k)
    the vault's token cannot be read: the variable is not set (env:CREDWATCH_NO_SUCH_VARIABLE) (vault:kv/etl#k)
    the vault's token cannot be read: no store is read for this; use an env:, file: or exec: reference (vault:kv/token#k) (vault:kv/etl#k)
    "#);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_the_list_does_not_allow_gets_no_token() {
    let allow = Some(vec![HostPattern("*.vault.azure.cn".to_owned())]);
    let settings = Settings { allow, ..Settings::default() };
    let reference = stored("azure-key-vault", "https://corp.vault.azure.net/secrets/etl");
    insta::assert_snapshot!(seen(&resolver(&settings), &reference).await, @"the settings' `allow` list does not name corp.vault.azure.net; add it there (azure-key-vault:https://corp.vault.azure.net/secrets/etl)");
}

#[tokio::test]
async fn a_vault_that_never_answers_costs_each_its_own_time_and_five_no_more() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(any()).respond_with(reply).mount(&server).await;
    let (_folder, token) = token();
    let resolver = resolver(&settings(&server, token));
    let references: Vec<SecretRef> = (0..6).map(|n| stored("vault", &format!("kv/app-{n}#k"))).collect();
    let begun = tokio::time::Instant::now();
    let (first, rest) = references.split_first().unwrap();
    let together = futures::future::join_all(rest.iter().map(|reference| seen(&resolver, reference))).await;
    assert!(together.iter().all(|why| why.contains("in time")), "{together:?}");
    insta::assert_snapshot!(seen(&resolver, first).await, @"after 5 failures in a row this store is asked no more in this run (vault:kv/app-0#k)");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_ends_a_row_of_failures() {
    let server = MockServer::start().await;
    for (at, status) in [("/v1/sys/internal/ui/mounts/kv/down", 503), ("/v1/.*", 404)] {
        Mock::given(path_regex(at)).respond_with(ResponseTemplate::new(status)).mount(&server).await;
    }
    let (_folder, token) = token();
    let resolver = resolver(&settings(&server, token));
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(seen(&resolver, &stored("vault", "kv/down#k")).await.contains("fails with 503"));
        }
        assert!(seen(&resolver, &stored("vault", "kv/up#k")).await.contains("KV version 2"));
    }
}
