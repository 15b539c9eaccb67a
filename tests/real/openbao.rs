//! OpenBao: what a write is bound to, what stays beside it, and what is refused.

use std::sync::Arc;

use credwatch::{
    api::Api,
    secret::Secret,
    settings,
    store::{Store, Vault, Writable},
};
use serde_json::{Value, json};

use crate::{
    canaries::Canaries,
    night::Night,
    references,
    server::Server,
    stores::{refusal, shown, unread, write},
};

const OLD: &str = "canary-old-4f1b7c92e0a8d653";
const NEW: &str = "canary-new-\"a93e5d07\\c2b4f816";
const SIBLING: &str = "canary-sibling-6d20fb83e17c";

struct Bao {
    server: Server,
    canaries: Canaries,
}

impl Bao {
    fn started() -> Option<Self> {
        let server = Server::started("OPENBAO")?;
        let mut canaries = Canaries::default();
        for secret in [OLD, NEW, SIBLING] {
            canaries.add(secret);
        }
        for token in ["ROOT", "WRITER", "READER", "EXPIRED"] {
            canaries.add(&server.tells(token));
        }
        Some(Self { server, canaries })
    }

    fn store_at(&self, address: &str, token: &str, place: &str) -> Vault {
        let api = Api::new(&settings::Http::default(), None).unwrap();
        let token = Arc::new(Secret::new(self.server.tells(token)));
        Vault::new(api, self.server.tells(address).parse().unwrap(), token, place).unwrap()
    }

    fn store(&self, token: &str, place: &str) -> Vault {
        self.store_at("URL", token, place)
    }

    /// As an administrator does.
    async fn admin(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v1/{path}", self.server.tells("URL"));
        let answer = client.request(method, url).header("x-vault-token", self.server.tells("ROOT")).json(&body);
        let answer = answer.send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap_or_default()
    }

    async fn put(&self, path: &str, data: Value) {
        self.admin(reqwest::Method::POST, path, json!({ "data": data })).await;
    }
}

#[tokio::test]
async fn a_write_keeps_the_other_keys_and_the_way_back() {
    let Some(bao) = Bao::started() else { return };
    bao.put("secret/data/app/kept", json!({"k": OLD, "other": SIBLING, "n": 1.50, "deep": {"a": [null]}})).await;
    let store = bao.store("WRITER", "secret/app/kept#k");
    assert_eq!(store.writable().await, Writable::Yes);
    let before = store.read().await.unwrap();
    assert_eq!(shown(&before), (Some("1".to_owned()), OLD.to_owned()));
    assert_eq!(write(&store, &before, NEW, "w1").await.unwrap().0, "2");
    assert_eq!(shown(&store.read().await.unwrap()), (Some("2".to_owned()), NEW.to_owned()));
    let held = bao.admin(reqwest::Method::GET, "secret/data/app/kept", Value::Null).await;
    assert_eq!(held["data"]["data"], json!({"k": NEW, "other": SIBLING, "n": 1.50, "deep": {"a": [null]}}));
    // A neighbour's write between ours and the way back.
    bao.put("secret/data/app/kept", json!({"k": NEW, "other": "changed"})).await;
    assert_eq!(shown(&store.previous().await.unwrap()), (Some("1".to_owned()), OLD.to_owned()));
}

#[tokio::test]
async fn of_two_writes_over_one_version_one_is_refused() {
    let Some(bao) = Bao::started() else { return };
    let (one, two) = (bao.store("WRITER", "team/kv/app/race#k"), bao.store("WRITER", "team/kv/app/race#k"));
    for round in 0..10 {
        let before = one.read().await.unwrap();
        let (first, second) = tokio::join!(write(&one, &before, NEW, "w1"), write(&two, &before, OLD, "w2"));
        let (written, refused) = match (first, second) {
            (Ok(version), Err(fault)) | (Err(fault), Ok(version)) => (version, fault),
            both => panic!("round {round}: {both:?}"),
        };
        refusal(&refused, &bao.canaries);
        assert_eq!(written.0, (round + 1).to_string());
    }
}

#[tokio::test]
async fn the_same_value_again_is_a_new_version_that_a_late_write_misses() {
    let Some(bao) = Bao::started() else { return };
    bao.put("secret/data/app/fence", json!({"k": OLD})).await;
    let store = bao.store("WRITER", "secret/app/fence#k");
    let before = store.read().await.unwrap();
    assert_eq!(write(&store, &before, OLD, "fence").await.unwrap().0, "2");
    let late = write(&store, &before, NEW, "late").await.unwrap_err();
    assert_eq!(refusal(&late, &bao.canaries), "the vault holds something else than was seen before");
    let cas = json!({"options": {"cas": 1}, "data": {"k": NEW}});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v1/secret/data/app/fence", bao.server.tells("URL"));
    let late = client.post(url).header("x-vault-token", bao.server.tells("WRITER")).json(&cas).send().await.unwrap();
    assert_eq!(late.status(), 400);
}

#[tokio::test]
async fn a_deleted_secret_is_absent_with_its_version_and_written_over_it() {
    let Some(bao) = Bao::started() else { return };
    bao.put("secret/data/app/deleted", json!({"k": OLD})).await;
    bao.admin(reqwest::Method::DELETE, "secret/data/app/deleted", Value::Null).await;
    let store = bao.store("WRITER", "secret/app/deleted#k");
    let before = store.read().await.unwrap();
    assert_eq!(shown(&before), (Some("1".to_owned()), "-".to_owned()));
    assert_eq!(write(&store, &before, NEW, "w1").await.unwrap().0, "2");

    let fresh = bao.store("WRITER", "secret/app/fresh#k");
    let before = fresh.read().await.unwrap();
    assert_eq!(shown(&before), (None, "-".to_owned()));
    assert_eq!(write(&fresh, &before, NEW, "w1").await.unwrap().0, "1");
}

#[tokio::test]
async fn what_cannot_keep_two_versions_is_refused_and_nothing_is_written() {
    let Some(bao) = Bao::started() else { return };
    let old = bao.store("WRITER", "old/app/etl#k");
    let why = unread(&old.read().await.unwrap_err(), &bao.canaries);
    assert_eq!(why, "there is no secrets engine KV version 2 (old/app/etl at 127.0.0.1)");
    let nothing = credwatch::store::Content { version: None, value: None };
    assert_eq!(refusal(&write(&old, &nothing, NEW, "w1").await.unwrap_err(), &bao.canaries), why);

    // Of both numbers the larger holds, and a writer may not ask for the mount's.
    bao.put("tight/data/app/etl", json!({"k": OLD})).await;
    let store = bao.store("ROOT", "tight/app/etl#k");
    let before = store.read().await.unwrap();
    let why = refusal(&write(&store, &before, NEW, "w1").await.unwrap_err(), &bao.canaries);
    assert!(why.starts_with("the vault keeps one version only"), "{why}");
    assert!(matches!(store.writable().await, Writable::No(_)));
    bao.admin(reqwest::Method::POST, "tight/metadata/app/etl", json!({"max_versions": 2})).await;
    assert_eq!(write(&store, &before, NEW, "w1").await.unwrap().0, "2");
    assert_eq!(shown(&store.previous().await.unwrap()).1, OLD);
}

#[tokio::test]
async fn a_sealed_vault_an_expired_token_and_a_readers_are_told() {
    let Some(bao) = Bao::started() else { return };
    bao.put("secret/data/app/told", json!({"k": OLD})).await;
    let nothing = credwatch::store::Content { version: None, value: None };
    for (store, expected) in [
        (bao.store_at("SEALED", "ROOT", "secret/app/told#k"), "the vault is sealed"),
        (bao.store("EXPIRED", "secret/app/told#k"), "the vault refuses: its token has expired"),
    ] {
        let why = unread(&store.read().await.unwrap_err(), &bao.canaries);
        assert!(why.starts_with(expected), "{why}");
        assert_eq!(refusal(&write(&store, &nothing, NEW, "w1").await.unwrap_err(), &bao.canaries), why);
        assert_eq!(store.writable().await, Writable::No(why));
    }
    let reader = bao.store("READER", "secret/app/told#k");
    let before = reader.read().await.unwrap();
    assert_eq!(shown(&before).1, OLD);
    assert!(matches!(reader.writable().await, Writable::No(_)));
    refusal(&write(&reader, &before, NEW, "w1").await.unwrap_err(), &bao.canaries);
    assert_eq!(shown(&reader.read().await.unwrap()), (Some("1".to_owned()), OLD.to_owned()));
}

/// Two secrets of one document, one that is not in it, and settings for this server and token.
async fn night(bao: &Bao, address: &str, token: &str) -> (Night, wiremock::MockServer) {
    bao.put("secret/data/app/refs", json!({"etl": OLD, "crm": SIBLING})).await;
    let endpoint = references::endpoint(&[OLD, SIBLING]).await;
    let mut night = Night::new();
    night.secret("VAULT_TOKEN", &bao.server.tells(token));
    night.canaries.add(OLD);
    night.canaries.add(SIBLING);
    night.canaries.add("canary-access-2f7d91c4e8");
    let apps = [
        ("etl", "vault:secret/app/refs#etl"),
        ("crm", "vault:secret/app/refs#crm"),
        ("gone", "vault:secret/app/refs#gone"),
    ];
    references::inventory(&night, &endpoint, &apps);
    let address = bao.server.tells(address);
    night.settings(&format!("version: 1\nvault: {{address: '{address}', token: env:VAULT_TOKEN}}\n"));
    (night, endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_tests_what_lies_in_the_vault() {
    let Some(bao) = Bao::started() else { return };
    let (night, endpoint) = night(&bao, "URL", "READER").await;
    let (outcome, report) = night.audit(&[]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!(report.verdicts(), @r"
    etl: valid, accepted true, 200 -
    crm: valid, accepted true, 200 -
    gone: unreadable, accepted null, null -
    ");
    let told = report.0["credentials"][2]["findings"][0]["message"].as_str().unwrap();
    assert!(told.starts_with("The store holds nothing there;"), "{told}");
    // The value changed in the vault and nowhere else: the run says what is true now.
    bao.put("secret/data/app/refs", json!({"etl": NEW, "crm": SIBLING})).await;
    let (outcome, report) = night.audit(&["--only", "crm"]);
    assert_eq!((outcome.code, report.verdicts().as_str()), (0, "crm: valid, accepted true, 200 -"));
    let test = ["test", "--provider", "oauth2", "--client-id", "etl", "--auth-method", "client_secret_post"];
    let url = format!("{}/token", endpoint.uri());
    let place = ["--config", "credwatch.yaml", "--token-endpoint", &url, "--secret", "vault:secret/app/refs#etl"];
    let outcome = night.run(&[&test[..], &place].concat(), "");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("invalid_secret"), "{}", outcome.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_says_why_the_vault_gives_nothing() {
    let Some(bao) = Bao::started() else { return };
    for (address, token, expected) in [
        ("SEALED", "ROOT", "The vault is sealed"),
        ("URL", "EXPIRED", "The vault refuses: its token has expired, or no policy of it allows this"),
    ] {
        let (night, endpoint) = night(&bao, address, token).await;
        let (outcome, report) = night.audit(&["--only", "etl"]);
        assert_eq!((outcome.code, report.verdicts().as_str()), (3, "etl: unreadable, accepted null, null -"));
        let told = report.0["credentials"][0]["findings"][0]["message"].as_str().unwrap();
        assert!(told.starts_with(expected), "{told}");
        assert!(endpoint.received_requests().await.unwrap().is_empty());
    }
}
