//! Secrets that lie in stores: Azure Key Vault's double, and what an inventory may not do with it.

use credwatch::{
    sandbox::{App, Credential, Platform, Sandbox},
    secret::Secret,
};

use crate::program::{Ended, Program, credential, verdict};

const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";
const CLIENT: &str = "5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c";

/// An app of the double that may sign in; its secret.
fn register(sandbox: &Sandbox, client_id: &str) -> String {
    let credential = Credential::issue(Platform::Entra, format!("key-{client_id}"), None);
    let value = credential.value().expose().to_owned();
    let (tenant, client_id, name) = (TENANT.to_owned(), client_id.to_owned(), client_id.to_owned());
    let credentials = vec![credential];
    sandbox.directory().register(App {
        platform: Platform::Entra,
        tenant,
        client_id,
        name,
        enabled: true,
        credentials,
    });
    value
}

/// One app of the double, whose secret lies there; and settings with this block.
fn program(sandbox: &Sandbox, reference: &str, block: &str) -> Program {
    let inventory = format!(
        "version: 1\napps:\n  - {{name: etl, provider: entra, tenant: {TENANT}, authority: 'http://{}', client_id: {CLIENT}, \
         secret: '{reference}', expires: 2099-01-01, created: 2098-06-01}}\n",
        sandbox.address()
    );
    let settings = format!("version: 1\nhttp: {{timeout: 5s}}\n{block}\n");
    Program::with_inventory(&inventory).file("inventory/credwatch.yaml", &settings)
}

fn assert_clean(program: &Program, ended: &Ended, secrets: &[&str]) {
    let mut all = vec![("output".into(), [&*ended.stdout, &*ended.stderr].concat().into_bytes())];
    all.extend(program.files());
    for (place, bytes) in all {
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", place.display());
        }
    }
}

fn message(report: &serde_json::Value) -> &str {
    credential(report, "etl")["findings"][0]["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_reads_key_vault_with_a_sign_in_of_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let (reader, value) = (register(&sandbox, "reader"), register(&sandbox, CLIENT));
    sandbox.key_vault().put("etl", Secret::new(value.clone()));
    let entry =
        format!("tenant: {TENANT}, client_id: reader, secret: env:READER, authority: 'http://{}'", sandbox.address());
    let reference = format!("azure-key-vault:http://{}/secrets/etl", sandbox.address());
    for block in [format!("azure_key_vault: {{{entry}}}"), format!("management: [{{provider: entra, {entry}}}]")] {
        let program = program(&sandbox, &reference, &block).env("READER", &reader);
        let state = format!("sqlite:{}", program.path("state.db").display());
        let (ended, report) = program.audit(&["-vv", "--state", &state]);
        assert_eq!((ended.code, verdict(&report, "etl")), (0, "valid"), "{}", ended.stderr);
        assert_clean(&program, &ended, &[&reader, &value]);
    }
    assert_eq!(sandbox.key_vault().history("etl"), [value]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_key_vault_refuses_is_unreadable_with_the_reason_and_the_remedy() {
    let sandbox = Sandbox::start().await.unwrap();
    let reader = register(&sandbox, "reader");
    register(&sandbox, CLIENT);
    let block = |authority: &str| {
        format!(
            "azure_key_vault: {{tenant: {TENANT}, client_id: reader, secret: env:READER, authority: '{authority}'}}"
        )
    };
    let here = format!("http://{}", sandbox.address());
    let stored = format!("azure-key-vault:{here}/secrets/etl");
    for (reference, block, key, expected) in [
        (&*stored, block(&here), &*reader, "The store holds nothing there"),
        (&*stored, block(&here), "canary~wrong~5b1e", "invalid_client AADSTS7000215"),
        (
            &*stored,
            String::new(),
            &*reader,
            "The settings do not say how to sign in to Key Vault; add `azure_key_vault:",
        ),
        (&*stored, block("https://login.microsoftonline.com"), &*reader, "A vault on this machine gets no token"),
        ("azure-key-vault:https://corp.vault.example.org/secrets/etl", block(&here), &*reader, "This is no Key Vault"),
    ] {
        let program = program(&sandbox, reference, &block).env("READER", key);
        let (ended, report) = program.audit(&[]);
        assert_eq!((ended.code, verdict(&report, "etl")), (3, "unreadable"), "{}", ended.stderr);
        assert!(message(&report).contains(expected), "{}", message(&report));
        assert_clean(&program, &ended, &[key]);
    }
}
