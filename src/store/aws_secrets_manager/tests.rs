use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use aws_sdk_secretsmanager::{
    Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::*;
use crate::{secret::Fingerprints, settings, store::Before};

const OLD: &str = "canary-old-91b7e2c40d5f";
const NEW: &str = "canary-new-\"3c8d\\61fa";
const KEY: [u8; 32] = [7; 32];

/// Secrets Manager as documented: stricter than moto, which lets a token pass that comes with another value.
#[derive(Default)]
struct Strict(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    versions: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    /// By operation: the status and the type of error that is answered instead.
    faults: BTreeMap<&'static str, (u16, &'static str)>,
    puts: usize,
}

impl Strict {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap()
    }
}

impl Shelf {
    fn get(&self, body: &Value) -> Result<Value, &'static str> {
        let label = body["VersionStage"].as_str().map(|label| self.labels.get(label));
        let version =
            label.unwrap_or_else(|| self.versions.get_key_value(body["VersionId"].as_str()?).map(|(id, _)| id));
        let version = version.ok_or("ResourceNotFoundException")?;
        Ok(json!({"VersionId": version, "SecretString": self.versions[version]}))
    }

    fn put(&mut self, body: &Value) -> Result<Value, &'static str> {
        let (token, text) = (body["ClientRequestToken"].as_str().unwrap(), body["SecretString"].as_str().unwrap());
        assert!((32..=64).contains(&token.len()), "{token}");
        if self.versions.get(token).is_some_and(|held| held != text) {
            return Err("ResourceExistsException");
        }
        self.puts += 1;
        self.versions.insert(token.to_owned(), text.to_owned());
        self.labels.insert("AWSPENDING".to_owned(), token.to_owned());
        Ok(json!({"VersionId": token, "VersionStages": ["AWSPENDING"]}))
    }

    fn label(&mut self, body: &Value) -> Result<Value, &'static str> {
        let current = self.labels.get("AWSCURRENT").cloned();
        if body["RemoveFromVersionId"].as_str() != current.as_deref() {
            return Err("InvalidParameterException");
        }
        self.labels.insert("AWSCURRENT".to_owned(), body["MoveToVersionId"].as_str().unwrap().to_owned());
        self.labels.extend(current.map(|current| ("AWSPREVIOUS".to_owned(), current)));
        Ok(json!({}))
    }
}

impl Respond for &'static Strict {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let target = request.headers["x-amz-target"].to_str().unwrap().trim_start_matches("secretsmanager.");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let mut shelf = self.shelf();
        let fault = |status, kind: &str| {
            ResponseTemplate::new(status).set_body_json(json!({"__type": kind, "message": format!("{OLD} {NEW}")}))
        };
        if let Some((status, kind)) = shelf.faults.get(target) {
            return fault(*status, kind);
        }
        let reply = match target {
            "GetSecretValue" => shelf.get(&body),
            "PutSecretValue" => shelf.put(&body),
            "UpdateSecretVersionStage" => shelf.label(&body),
            _ => Ok(json!({"RotationEnabled": true})),
        };
        match reply {
            Ok(reply) => ResponseTemplate::new(200).set_body_json(reply),
            Err(kind) => fault(400, kind),
        }
    }
}

/// A secret of one version, and who to ask about it.
async fn shelf() -> (&'static Strict, AwsSecretsManager, MockServer) {
    let strict: &'static Strict = Box::leak(Box::default());
    strict.shelf().versions.insert("v1".to_owned(), OLD.to_owned());
    strict.shelf().labels.insert("AWSCURRENT".to_owned(), "v1".to_owned());
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(strict).mount(&server).await;
    let way = Way::new(settings::Http::default(), None);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(way.http_client().unwrap())
        .retry_config(RetryConfig::disabled())
        .region(Region::new("eu-north-1"))
        .endpoint_url(server.uri())
        .credentials_provider(
            Credentials::builder().access_key_id("a").secret_access_key("canary-aws").provider_name("test").build(),
        );
    let client = OnceCell::new_with(Some(Client::from_conf(config.build())));
    (strict, AwsSecretsManager { client, ..AwsSecretsManager::new(way, "etl") }, server)
}

async fn write(store: &AwsSecretsManager, value: &str, idempotency: &str) -> Result<Version, WriteFault> {
    let (fingerprints, version) = (Fingerprints::new(&KEY), Version("v1".to_owned()));
    let fingerprint = Some(fingerprints.of(&Secret::new(OLD.to_owned())));
    let before = Before { version: Some(&version), fingerprint, fingerprints };
    store.write(Write { value: &Secret::new(value.to_owned()), before, idempotency, key_id: None }).await
}

#[tokio::test]
async fn a_write_is_refused_only_where_the_answer_is_definite() {
    let mut seen = String::new();
    for (operation, status, kind) in [
        ("GetSecretValue", 500, "InternalServiceError"),
        ("GetSecretValue", 400, "AccessDeniedException"),
        ("GetSecretValue", 400, "InvalidRequestException"),
        ("PutSecretValue", 400, "ThrottlingException"),
        ("PutSecretValue", 400, "EncryptionFailure"),
        ("PutSecretValue", 503, "canary"),
        ("PutSecretValue", 500, "InternalServiceError"),
        ("UpdateSecretVersionStage", 400, "InvalidParameterException"),
        ("UpdateSecretVersionStage", 400, "canary"),
        ("UpdateSecretVersionStage", 500, "InternalServiceError"),
    ] {
        let (strict, store, _server) = shelf().await;
        strict.shelf().faults.insert(operation, (status, kind));
        let fault = write(&store, NEW, "w1").await.unwrap_err();
        let definite = matches!(fault, WriteFault::Refused(_));
        seen.push_str(&format!("{operation} {status}, refused {definite}: {fault}\n"));
        assert_eq!(strict.shelf().labels["AWSCURRENT"], "v1");
    }
    assert!(!seen.contains("canary"), "{seen}");
    insta::assert_snapshot!(seen, @r"
    GetSecretValue 500, refused true: Secrets Manager answers with 500
    GetSecretValue 400, refused true: Secrets Manager refuses: the credentials have no right to this secret
    GetSecretValue 400, refused true: Secrets Manager refuses: the secret is marked for deletion or in use by another service
    PutSecretValue 400, refused true: Secrets Manager asks to be asked less often
    PutSecretValue 400, refused true: Secrets Manager cannot use the secret's KMS key
    PutSecretValue 503, refused false: Secrets Manager answers with 503
    PutSecretValue 500, refused false: Secrets Manager answers with 500
    UpdateSecretVersionStage 400, refused true: Secrets Manager refuses: the current version is another one, or the name is none
    UpdateSecretVersionStage 400, refused true: Secrets Manager answers with 400
    UpdateSecretVersionStage 500, refused false: Secrets Manager answers with 500
    ");
}

#[tokio::test]
async fn no_request_is_repeated_by_the_sdk() {
    let (strict, store, server) = shelf().await;
    strict.shelf().faults.insert("PutSecretValue", (500, "InternalServiceError"));
    assert!(matches!(write(&store, NEW, "w1").await, Err(WriteFault::Unknown(_))));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_token_stands_for_one_value_and_each_key_has_its_own() {
    let (strict, store, _server) = shelf().await;
    strict.shelf().faults.insert("UpdateSecretVersionStage", (500, "InternalServiceError"));
    assert!(matches!(write(&store, NEW, "w1").await, Err(WriteFault::Unknown(_))));
    strict.shelf().faults.clear();
    let other = write(&store, "another", "w1").await;
    assert_eq!(other, Err(WriteFault::Refused("Secrets Manager knows this write with another value".to_owned())));
    let version = write(&store, NEW, "w1").await.unwrap();
    assert_eq!(strict.shelf().versions.len(), 2);
    assert_eq!(strict.shelf().labels["AWSCURRENT"], version.0);
    assert_eq!(store.previous().await.unwrap().value.unwrap().expose(), OLD);

    let keyed = |key: &str| AwsSecretsManager::new(Way::new(settings::Http::default(), None), &format!("etl#{key}"));
    assert_ne!(keyed("a").token("w1"), keyed("b").token("w1"));
}

#[tokio::test]
async fn a_value_that_moved_between_the_look_and_the_label_is_not_written_over() {
    let (strict, store, _server) = shelf().await;
    strict.shelf().versions.insert("theirs".to_owned(), OLD.to_owned());
    strict.shelf().labels.insert("AWSCURRENT".to_owned(), "theirs".to_owned());
    assert!(matches!(write(&store, NEW, "w1").await, Err(WriteFault::Refused(_))));
    assert_eq!(strict.shelf().puts, 0);
}

#[tokio::test]
async fn what_aws_rotates_itself_is_left_to_it() {
    let (_strict, store, _server) = shelf().await;
    let expected = "AWS rotates this secret itself; switch that off, or leave it to AWS";
    assert_eq!(store.writable().await, Writable::No(expected.to_owned()));
}
