use super::*;
use crate::{
    inventory,
    sandbox::{Credential, Platform, Sandbox},
    secret::{Fingerprints, Secret},
    settings,
    store::{Before, Write},
};

const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";

/// Settings that let the sandbox's app `deliverer` in, and its secret in their folder.
fn settings(sandbox: &Sandbox) -> (tempfile::TempDir, Settings) {
    let credential = Credential::issue(Platform::Entra, "key-1".to_owned(), None);
    let (folder, file) = (tempfile::tempdir().unwrap(), settings::FILE_NAME);
    std::fs::write(folder.path().join("key"), credential.value().expose()).unwrap();
    sandbox.directory().register(crate::sandbox::App {
        platform: Platform::Entra,
        tenant: TENANT.to_owned(),
        client_id: "deliverer".to_owned(),
        name: "deliverer".to_owned(),
        enabled: true,
        credentials: vec![credential],
    });
    let text = format!(
        "version: 1\nazure_key_vault: {{tenant: {TENANT}, client_id: deliverer, secret: 'file:key', authority: 'http://{}'}}\n",
        sandbox.address()
    );
    std::fs::write(folder.path().join(file), text).unwrap();
    let settings = settings::read(Some(&folder.path().join(file))).unwrap_or_else(|faults| panic!("{faults}"));
    (folder, settings)
}

fn keyring(settings: &Settings) -> Keyring {
    let secrets = Arc::new(Resolver::with_environment(Vec::new(), []));
    Keyring::new(settings, &secrets, &Api::new(&settings.http, None).unwrap())
}

fn app() -> App {
    let fields = serde_json::json!({"name": "etl", "provider": "oauth2", "token_endpoint": "https://id.example.org/token",
        "client_id": "etl", "secret": "env:S"});
    let serde_json::Value::Object(fields) = fields else { panic!("no object") };
    inventory::app_from_fields(fields, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn to(reference: &str) -> Destination {
    Destination::Store(SecretRef::parse(reference, std::path::Path::new("/")).unwrap())
}

#[tokio::test]
async fn a_rotation_delivers_to_key_vault_and_reads_it_anew_each_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let (_folder, settings) = settings(&sandbox);
    let place = to(&format!("azure-key-vault:http://{}/secrets/etl", sandbox.address()));
    let store = keyring(&settings).open(&place, false, &app(), None).await.unwrap();
    assert!(store.read().await.unwrap().value.is_none());
    sandbox.key_vault().put("etl", Secret::new("canary-old".to_owned()));
    let now = store.read().await.unwrap();
    let (fingerprints, new) = (Fingerprints::new(&[7; 32]), Secret::new("canary-new".to_owned()));
    let fingerprint = now.value.as_ref().map(|value| fingerprints.of(value));
    let before = Before { version: now.version.as_ref(), fingerprint, fingerprints };
    store.write(Write { value: &new, before, idempotency: "01M7Q/1/1", key_id: None }).await.unwrap();
    assert_eq!(sandbox.key_vault().history("etl"), ["canary-old", "canary-new"]);
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_with_the_remedy() {
    let (keyring, app) = (keyring(&Settings::default()), app());
    let mut told = String::new();
    for place in [
        to("vault:kv/etl#k"),
        to("azure-key-vault:https://corp.vault.azure.net/secrets/etl"),
        to("kubernetes:jobs/etl#k"),
        to("env:S"),
        Destination::Hook("deliver".to_owned()),
        Destination::Person("ops@example.org".to_owned()),
    ] {
        let fault = keyring.open(&place, false, &app, None).await.err().unwrap();
        told.push_str(&format!("{fault}\n"));
    }
    insta::assert_snapshot!(told, @r#"
    the settings have no `vault` block; add `vault: {address: "https://vault.example.org:8200", token: env:VAULT_TOKEN}`
    the settings do not say how to sign in to Key Vault; add `azure_key_vault: {tenant: ..., client_id: ..., secret: env:...}` to them
    this version of credwatch knows no store `kubernetes:`; name another place
    nothing can be delivered to this
    the settings define no hook of that name
    a person is no store
    "#);
}
