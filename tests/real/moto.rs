//! moto's Secrets Manager: the labels of versions, repeated tokens, one key among others.

use credwatch::{
    settings,
    store::{AwsSecretsManager, Content, Store, Way, Writable},
};
use serde_json::{Value, json};

use crate::{
    canaries::Canaries,
    night::Night,
    references,
    server::Server,
    stores::{refusal, shown, write},
};

const OLD: &str = "canary-old-5c0e7a1f93bd2846";
const NEW: &str = "canary-new-\"1d84f6b2\\e7093ca5";
const SIBLING: &str = "canary-sibling-0f93ae5c7d21";

struct Moto {
    server: Server,
    canaries: Canaries,
}

impl Moto {
    fn started() -> Option<Self> {
        let server = Server::started("MOTO")?;
        let mut canaries = Canaries::default();
        for secret in [OLD, NEW, SIBLING] {
            canaries.add(secret);
        }
        Some(Self { server, canaries })
    }

    /// As an administrator does; moto checks no signature.
    async fn admin(&self, target: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=a/20260101/eu-north-1/secretsmanager/aws4_request";
        let request = client.post(self.server.tells("URL")).header("authorization", scope);
        let request = request.header("x-amz-target", format!("secretsmanager.{target}"));
        let answer = request.header("content-type", "application/x-amz-json-1.1").body(body.to_string()).send().await;
        answer.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn made(&self, name: &str, text: &str) -> AwsSecretsManager {
        self.admin("CreateSecret", json!({"Name": name, "SecretString": text})).await;
        store(name)
    }
}

fn store(place: &str) -> AwsSecretsManager {
    AwsSecretsManager::new(Way::new(settings::Http::default(), None), place)
}

#[tokio::test]
async fn a_write_moves_the_labels_and_leaves_the_way_back() {
    let Some(moto) = Moto::started() else { return };
    let store = moto.made("labels", OLD).await;
    assert_eq!(store.writable().await, Writable::Unknown);
    let before = store.read().await.unwrap();
    assert_eq!(shown(&before).1, OLD);
    let version = write(&store, &before, NEW, "w1").await.unwrap();
    let now = store.read().await.unwrap();
    assert_eq!(shown(&now), (Some(version.0.clone()), NEW.to_owned()));
    let back = store.previous().await.unwrap();
    assert_eq!((&back.version, shown(&back).1), (&before.version, OLD.to_owned()));
    let about = moto.admin("DescribeSecret", json!({"SecretId": "labels"})).await;
    assert_eq!(about["VersionIdsToStages"][&version.0], json!(["AWSPENDING", "AWSCURRENT"]));

    // A late write over the version before misses, and the same value again is another version.
    let late = write(&store, &before, OLD, "w2").await.unwrap_err();
    assert_eq!(refusal(&late, &moto.canaries), "the secret holds something else than was seen before");
    let again = write(&store, &now, NEW, "w3").await.unwrap();
    assert_ne!(again, version);
    assert_eq!(shown(&store.read().await.unwrap()), (Some(again.0), NEW.to_owned()));
}

#[tokio::test]
async fn a_repeated_token_makes_one_version() {
    let Some(moto) = Moto::started() else { return };
    let store = moto.made("repeated", OLD).await;
    let before = store.read().await.unwrap();
    let first = write(&store, &before, NEW, "w1").await.unwrap();
    let back = json!({"SecretId": "repeated", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": first.0,
        "MoveToVersionId": before.version.as_ref().unwrap().0});
    moto.admin("UpdateSecretVersionStage", back).await;
    assert_eq!(write(&store, &before, NEW, "w1").await.unwrap(), first);
    let about = moto.admin("DescribeSecret", json!({"SecretId": "repeated"})).await;
    assert_eq!(about["VersionIdsToStages"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn one_key_is_written_among_others() {
    let Some(moto) = Moto::started() else { return };
    let text = json!({"k": OLD, "other": SIBLING, "n": 1.5}).to_string();
    moto.made("json", &text).await;
    let store = store("json#k");
    let before = store.read().await.unwrap();
    assert_eq!(shown(&before).1, OLD);
    write(&store, &before, NEW, "w1").await.unwrap();
    assert_eq!(shown(&store.read().await.unwrap()).1, NEW);
    let whole = moto.admin("GetSecretValue", json!({"SecretId": "json", "VersionStage": "AWSCURRENT"})).await;
    let whole: Value = serde_json::from_str(whole["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(whole, json!({"k": NEW, "other": SIBLING, "n": 1.5}));
    assert_eq!(shown(&self::store("json#absent").read().await.unwrap()).1, "-");
}

#[tokio::test]
async fn a_secret_without_a_value_is_filled_and_one_that_is_not_there_is_told() {
    let Some(moto) = Moto::started() else { return };
    moto.admin("CreateSecret", json!({"Name": "empty"})).await;
    let empty = store("empty");
    let before = empty.read().await.unwrap();
    assert_eq!(shown(&before), (None, "-".to_owned()));
    write(&empty, &before, NEW, "w1").await.unwrap();
    assert_eq!(shown(&empty.read().await.unwrap()).1, NEW);

    let none = store("none");
    let nothing = Content { version: None, value: None };
    let fault = write(&none, &nothing, NEW, "w1").await.unwrap_err();
    assert_eq!(refusal(&fault, &moto.canaries), "Secrets Manager knows no such secret");
    let Writable::No(why) = none.writable().await else { panic!("writable") };
    assert!(why.starts_with("there is no such secret"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_tests_what_lies_in_secrets_manager() {
    let Some(moto) = Moto::started() else { return };
    moto.made("audit-plain", OLD).await;
    moto.made("audit-json", &json!({"etl": SIBLING}).to_string()).await;
    let endpoint = references::endpoint(&[OLD, SIBLING]).await;
    let mut night = Night::new();
    for name in ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_ACCESS_KEY_ID"] {
        night.environment(name, &std::env::var(name).unwrap());
    }
    night.secret("AWS_SECRET_ACCESS_KEY", &std::env::var("AWS_SECRET_ACCESS_KEY").unwrap());
    night.canaries.add(OLD);
    night.canaries.add(SIBLING);
    let apps = [
        ("plain", "aws-secrets-manager:audit-plain"),
        ("json", "aws-secrets-manager:audit-json#etl"),
        ("gone", "aws-secrets-manager:audit-none"),
    ];
    references::inventory(&night, &endpoint, &apps);
    let (outcome, report) = night.audit(&[]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    insta::assert_snapshot!(report.verdicts(), @r"
    plain: valid, accepted true, 200 -
    json: valid, accepted true, 200 -
    gone: unreadable, accepted null, null -
    ");
}
