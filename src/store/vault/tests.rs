use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path, query_param, query_param_is_missing},
};

use super::*;
use crate::{secret::Fingerprints, settings, store::Before};

const OLD: &str = "canary-old-91b7e2c40d5f";
const NEW: &str = "canary-new-\"3c8d\\61fa";
const SIBLING: &str = "canary-sibling-7e0a9d2b";
const TOKEN: &str = "canary-token-5d1f8c3e";
const KEY: [u8; 32] = [7; 32];
const DATA: &str = "/v1/team/kv/data/app/etl";

async fn server() -> MockServer {
    let server = MockServer::start().await;
    answer(&server, "GET", "/v1/sys/internal/ui/mounts/team/kv/app/etl", 200, kind("2")).await;
    server
}

fn kind(version: &str) -> Value {
    json!({"data": {"path": "team/kv/", "type": "kv", "options": {"version": version}}})
}

fn secret(version: u64, value: &str) -> Value {
    json!({"data": {"data": {"k": value, "sibling": SIBLING}, "metadata": {"version": version}}})
}

async fn answer(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    let mock = Mock::given(method(verb)).and(path(at)).and(header("x-vault-token", TOKEN));
    let mock = if verb == "GET" { mock.and(query_param_is_missing("version")) } else { mock };
    mock.respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(server).await;
}

fn vault(server: &MockServer) -> Vault {
    let http = settings::Http { timeout: crate::period::Period::from_secs(1), ..settings::Http::default() };
    let api = Api::new(&http, None).unwrap();
    let token = Arc::new(Secret::new(TOKEN.to_owned()));
    Vault::new(api, server.uri().parse().unwrap(), token, "team/kv/app/etl#k").unwrap()
}

/// Writes over `OLD` in version 3.
async fn write(vault: &Vault) -> Result<Version, WriteFault> {
    write_over(vault, Some("3"), Some(OLD)).await
}

async fn write_over(vault: &Vault, version: Option<&str>, value: Option<&str>) -> Result<Version, WriteFault> {
    let (fingerprints, version) = (Fingerprints::new(&KEY), version.map(|text| Version(text.to_owned())));
    let fingerprint = value.map(|value| fingerprints.of(&Secret::new(value.to_owned())));
    let before = Before { version: version.as_ref(), fingerprint, fingerprints };
    let value = Secret::new(NEW.to_owned());
    vault.write(Write { value: &value, before, idempotency: "write-1", key_id: None }).await
}

fn assert_clean(text: &str) {
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_read() {
    let deleted = json!({"data": {"data": null, "metadata": {"version": 4, "deletion_time": "2026-01-01T00:00:00Z"}}});
    let cases = [
        (200, secret(3, OLD), "3 value"),
        (404, json!({"errors": []}), "- absent"),
        (404, deleted, "4 absent"),
        (200, json!({"data": {"data": {"other": "x"}, "metadata": {"version": 2}}}), "2 absent"),
        (
            200,
            json!({"data": {"data": {"k": ["canary"]}, "metadata": {"version": 2}}}),
            "unusable: the value is no text (key k)",
        ),
        (200, json!({"data": {"data": {"k": ""}, "metadata": {"version": 2}}}), "empty"),
        (
            200,
            json!({"data": {"data": {"k": OLD}}}),
            "refused: this is no answer of a vault (team/kv/app/etl at 127.0.0.1)",
        ),
        (
            404,
            json!({"errors": ["no handler"]}),
            "refused: this is no answer of a vault (team/kv/app/etl at 127.0.0.1)",
        ),
        (404, json!("<html>canary"), "refused: this is no answer of a vault (team/kv/app/etl at 127.0.0.1)"),
        (
            403,
            json!({"errors": ["canary"]}),
            "refused: the vault refuses: its token has expired, or no policy of it allows this (127.0.0.1/v1/team/kv/data/app/etl); renew the token or allow the path",
        ),
        (
            503,
            json!({"errors": ["Vault is sealed"]}),
            "refused: the vault is sealed (127.0.0.1/v1/team/kv/data/app/etl); unseal it",
        ),
        (503, json!("canary"), "unavailable: the vault fails with 503 (127.0.0.1/v1/team/kv/data/app/etl)"),
        (429, json!({}), "unavailable: the vault asks to be asked less often (127.0.0.1/v1/team/kv/data/app/etl)"),
    ];
    for (status, body, expected) in cases {
        let server = server().await;
        answer(&server, "GET", DATA, status, body).await;
        let seen = match vault(&server).read().await {
            Ok(Content { version, value }) => {
                let version = version.map_or("-".to_owned(), |version| version.0);
                format!("{version} {}", if value.is_some() { "value" } else { "absent" })
            }
            Err(StoreFault::Unavailable(why)) => format!("unavailable: {why}"),
            Err(StoreFault::Refused(why)) => format!("refused: {why}"),
            Err(StoreFault::Unusable(why)) => format!("unusable: {why}"),
            Err(StoreFault::Empty) => "empty".to_owned(),
        };
        assert_clean(&seen);
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn where_mounts_cannot_be_asked_for_a_value_is_read_and_none_written() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/v1/sys/internal/ui/mounts/team/kv/app/etl", 403, json!({"errors": ["canary"]})).await;
    let read = async || vault(&server).read().await;
    let before = read().await.unwrap_err();
    answer(&server, "GET", "/v1/team/data/kv/app/etl", 200, secret(3, OLD)).await;
    assert_eq!(read().await.unwrap().value.unwrap().expose(), OLD);
    assert!(matches!(write(&vault(&server)).await, Err(WriteFault::Refused(_))));
    assert_eq!(vault(&server).writable().await, Writable::No(before.to_string()));
}

#[tokio::test]
async fn a_write_is_bound_to_the_version_and_keeps_the_other_keys() {
    let server = server().await;
    answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
    let expected = json!({"options": {"cas": 3}, "data": {"k": NEW, "sibling": SIBLING}});
    let reply = ResponseTemplate::new(200).set_body_json(json!({"data": {"version": 4}}));
    Mock::given(method("POST")).and(path(DATA)).and(body_json(expected)).respond_with(reply).mount(&server).await;
    answer(&server, "GET", "/v1/team/kv/metadata/app/etl", 200, json!({"data": {"max_versions": 2}})).await;
    assert_eq!(write(&vault(&server)).await, Ok(Version("4".to_owned())));
}

#[tokio::test]
async fn a_deleted_secret_and_one_that_never_was_are_written_over_their_own_versions() {
    let deleted = json!({"data": {"data": null, "metadata": {"version": 4}}});
    for (body, before, cas) in [(deleted, Some("4"), 4), (json!({"errors": []}), None, 0)] {
        let server = server().await;
        answer(&server, "GET", DATA, 404, body).await;
        let expected = json!({"options": {"cas": cas}, "data": {"k": NEW}});
        let reply = ResponseTemplate::new(200).set_body_json(json!({"data": {"version": cas + 1}}));
        Mock::given(method("POST")).and(path(DATA)).and(body_json(expected)).respond_with(reply).mount(&server).await;
        answer(&server, "GET", "/v1/team/kv/metadata/app/etl", 404, json!({"errors": []})).await;
        assert_eq!(write_over(&vault(&server), before, None).await, Ok(Version((cas + 1).to_string())));
    }
}

#[tokio::test]
async fn nothing_is_sent_where_something_else_is_held_than_was_seen() {
    for (version, value) in [(Some("2"), Some(OLD)), (Some("3"), Some("another")), (Some("3"), None), (None, Some(OLD))]
    {
        let server = server().await;
        answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
        let fault = write_over(&vault(&server), version, value).await.unwrap_err();
        assert_eq!(fault, WriteFault::Refused("the vault holds something else than was seen before".to_owned()));
    }
}

#[tokio::test]
async fn a_write_is_refused_only_where_the_answer_is_definite() {
    let sealed = json!({"errors": ["Vault is sealed"]});
    let cases = [
        (403, json!({"errors": [NEW]}), true),
        (429, json!({}), true),
        (400, json!({"errors": [NEW]}), true),
        (400, json!({"errors": ["check-and-set parameter did not match the current version"]}), true),
        (204, Value::Null, true),
        (503, sealed, true),
        (503, json!({"errors": [NEW]}), false),
        (502, json!("<html>"), false),
        (408, json!({}), false),
        (307, json!({}), false),
        (200, json!({"data": {"version": 9}}), false),
        (200, json!({"data": {}}), false),
    ];
    for (status, body, definite) in cases {
        let server = server().await;
        answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
        answer(&server, "POST", DATA, status, body.clone()).await;
        let fault = write(&vault(&server)).await.unwrap_err();
        assert_clean(&fault.to_string());
        assert_eq!(matches!(fault, WriteFault::Refused(_)), definite, "{status} {body}: {fault}");
    }
}

#[tokio::test]
async fn a_reply_that_does_not_come_leaves_the_write_in_doubt() {
    let server = server().await;
    answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
    let late = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(30));
    Mock::given(method("POST")).and(path(DATA)).respond_with(late).mount(&server).await;
    assert!(matches!(write(&vault(&server)).await, Err(WriteFault::Unknown(_))));
}

#[tokio::test]
async fn our_own_write_repeated_by_a_proxy_is_known_again() {
    let server = server().await;
    let first = ResponseTemplate::new(200).set_body_json(secret(3, OLD));
    Mock::given(method("GET")).and(path(DATA)).respond_with(first).up_to_n_times(1).mount(&server).await;
    answer(&server, "GET", DATA, 200, secret(4, NEW)).await;
    answer(&server, "POST", DATA, 400, json!({"errors": ["check-and-set parameter did not match"]})).await;
    assert_eq!(write(&vault(&server)).await, Ok(Version("4".to_owned())));
}

#[tokio::test]
async fn a_mount_of_version_1_and_one_without_a_past_are_refused_before_anything_is_written() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/v1/sys/internal/ui/mounts/team/kv/app/etl", 200, kind("1")).await;
    let expected = "there is no secrets engine KV version 2 (team/kv/app/etl at 127.0.0.1)";
    assert_eq!(vault(&server).read().await.unwrap_err(), StoreFault::Refused(expected.to_owned()));
    assert_eq!(write(&vault(&server)).await, Err(WriteFault::Refused(expected.to_owned())));
    assert_eq!(vault(&server).writable().await, Writable::No(expected.to_owned()));

    for (own, of_mount, refused) in [(1, 0, true), (0, 1, true), (1, 2, false), (0, 0, false), (5, 1, false)] {
        let server = self::server().await;
        answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
        answer(&server, "POST", DATA, 200, json!({"data": {"version": 4}})).await;
        answer(&server, "GET", "/v1/team/kv/metadata/app/etl", 200, json!({"data": {"max_versions": own}})).await;
        answer(&server, "GET", "/v1/team/kv/config", 200, json!({"data": {"max_versions": of_mount}})).await;
        assert_eq!(write(&vault(&server)).await.is_err(), refused, "{own} {of_mount}");
    }
}

#[tokio::test]
async fn the_value_before_ours_is_found_behind_a_neighbours_version() {
    let server = server().await;
    answer(&server, "GET", DATA, 200, secret(5, NEW)).await;
    for (version, value) in [("4", NEW), ("3", OLD), ("2", "older")] {
        let reply = ResponseTemplate::new(200).set_body_json(secret(version.parse().unwrap(), value));
        let asked = Mock::given(method("GET")).and(path(DATA)).and(query_param("version", version));
        asked.respond_with(reply).mount(&server).await;
    }
    let before = vault(&server).previous().await.unwrap();
    assert_eq!((before.version, before.value.unwrap().expose()), (Some(Version("3".to_owned())), OLD));
}

#[tokio::test]
async fn the_rights_say_whether_a_write_would_be_allowed() {
    let path = "team/kv/data/app/etl";
    let cases = [
        (200, json!({path: ["root"]}), Writable::Yes),
        (200, json!({path: ["create", "update"]}), Writable::Yes),
        (
            200,
            json!({path: ["read"]}),
            Writable::No(
                "no policy of the vault's token allows to write team/kv/data/app/etl; allow `create` and `update`"
                    .to_owned(),
            ),
        ),
        (403, json!({"errors": []}), Writable::Unknown),
    ];
    for (status, body, expected) in cases {
        let server = server().await;
        answer(&server, "GET", DATA, 200, secret(3, OLD)).await;
        answer(&server, "POST", "/v1/sys/capabilities-self", status, body).await;
        assert_eq!(vault(&server).writable().await, expected);
    }
}
