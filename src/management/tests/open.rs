use std::{fs, path::Path};

use super::*;
use crate::{
    inventory::{self, Inventory},
    sandbox::{self, Platform},
    secret::Resolver,
    settings::Settings,
};

const TENANT: &str = "65292b6c-ec16-414a-b583-ce7ae04046d4";

fn read(folder: &Path, settings: &str, app: &str) -> (Settings, Inventory) {
    let (config, apps) = (folder.join("credwatch.yaml"), folder.join("apps.yaml"));
    fs::write(&config, format!("version: 1\n{settings}")).unwrap();
    fs::write(&apps, format!("version: 1\napps:\n  - {app}\n")).unwrap();
    let settings = settings::read(Some(&config)).unwrap();
    let inventory = inventory::read(&[apps], &settings).unwrap();
    (settings, inventory)
}

fn opened(settings: &Settings, inventory: &Inventory) -> Result<Box<dyn Management>, OpenFault> {
    let secrets = Arc::new(Resolver::with_environment(Vec::new(), [("ADMIN".into(), ADMIN.into())]));
    open(inventory.subjects().next().unwrap(), settings, &secrets, &api(), &[7; 32])
}

/// Why an app cannot be managed.
fn why(settings: &str, app: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (settings, inventory) = read(folder.path(), settings, app);
    match opened(&settings, &inventory) {
        Ok(_) => "opened".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

fn aveva(more: &str) -> String {
    format!(
        "{{name: line, provider: aveva, tenant: {TENANT}, client_id: line, secret: 'file:secret', owners: [a@example.org]{more}}}"
    )
}

#[tokio::test]
async fn a_client_that_manages_itself_signs_in_with_the_secret_it_has_now() {
    let sandbox = Sandbox::start().await.unwrap();
    let credential = sandbox::Credential::issue(Platform::Aveva, "41".to_owned(), None);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), credential.value().expose()).unwrap();
    sandbox.directory().register(sandbox::App {
        platform: Platform::Aveva,
        tenant: TENANT.to_owned(),
        client_id: "line".to_owned(),
        name: "line".to_owned(),
        enabled: true,
        credentials: vec![credential],
    });
    let app = aveva(&format!(", base_url: 'http://{}'", sandbox.address()));
    let (settings, inventory) = read(folder.path(), "management: [{provider: aveva, self: true}]", &app);

    let first = opened(&settings, &inventory).unwrap();
    let created = first.create(&order(None)).await.unwrap();
    assert_eq!(first.remove("41").await, Ok(Removed::Removed));
    sandbox.aveva().settle();
    // The store still holds what was deleted; then the rotation writes the new value into it.
    let next = opened(&settings, &inventory).unwrap();
    insta::assert_snapshot!(fault(&next.list().await.unwrap_err()), @"SignIn: signing in to the management API: our own sign-in is refused: invalid_client");
    fs::write(folder.path().join("secret"), created.value.expose()).unwrap();
    assert_eq!(next.list().await.unwrap().credentials.len(), 1);
}

#[test]
fn only_clients_of_aveva_manage_themselves() {
    let app = "{name: etl, provider: okta, domain: corp.okta.com, client_id: etl, secret: 'file:secret', owners: [a@example.org]}";
    insta::assert_snapshot!(why("management: [{provider: okta, domain: corp.okta.com, self: true}]", app), @"`self: true` is for provider aveva, whose clients may manage their own secrets; give the `management` entry a `client_id` and a `secret`");
    let app = "{name: line, provider: aveva, client_id: line, secret: 'file:secret', owners: [a@example.org]}";
    insta::assert_snapshot!(why("management: [{provider: aveva, self: true}]", app), @"write the `tenant` of the app into the inventory");
}

#[test]
fn a_way_to_sign_in_that_the_provider_does_not_know_is_told() {
    let entry = |provider: &str, key: &str| format!("management: [{{provider: {provider}, client_id: x, {key}}}]");
    insta::assert_snapshot!(why(&entry("aveva", "certificate: env:PEM"), &aveva("")), @"clients of provider aveva sign in with a `secret` and nothing else");
    insta::assert_snapshot!(why(&entry("aveva", "federated_token: env:JWT"), &aveva("")), @"clients of provider aveva sign in with a `secret` and nothing else");
    insta::assert_snapshot!(why(&entry("aveva", "managed_identity: true"), &aveva("")), @"a managed identity is for provider entra; sign in with `secret` or `certificate`");
    let entra = format!(
        "{{name: etl, provider: entra, tenant: {TENANT}, client_id: {TENANT}, secret: 'file:secret', owners: [a@example.org]}}"
    );
    for key in ["certificate: env:PEM", "managed_identity: true", "federated_token: env:JWT"] {
        assert_eq!(why(&entry(&format!("entra, tenant: {TENANT}"), key), &entra), "opened", "{key}");
    }
}

#[test]
fn the_entry_of_the_very_place_is_taken_and_none_of_another() {
    let admin = |more: &str| format!("management: [{{provider: aveva, client_id: x, secret: env:ADMIN{more}}}]");
    assert_eq!(why(&admin(""), &aveva("")), "opened");
    let missing = format!(
        "add an entry to `management:` in the settings, as in `{{provider: aveva, tenant: {TENANT}, client_id: ..., secret: env:...}}`"
    );
    assert_eq!(why(&admin(""), &aveva(", region: euno")), missing);
    assert_eq!(why(&admin(", tenant: another"), &aveva("")), missing);
    // The first of these would fit, were there not one that names the tenant.
    let both = format!(
        "management: [{{provider: aveva, client_id: x, certificate: env:PEM}}, {{provider: aveva, tenant: {TENANT}, client_id: x, secret: env:ADMIN}}]"
    );
    assert_eq!(why(&both, &aveva("")), "opened");
}

#[test]
fn a_secret_of_the_management_goes_to_allowed_hosts_only() {
    let entry = "management: [{provider: aveva, client_id: x, secret: env:ADMIN}]";
    let listed = |host: &str| format!("allow: ['{host}']\n{entry}");
    assert_eq!(why(&listed("*.datahub.connect.aveva.com"), &aveva("")), "opened");
    insta::assert_snapshot!(why(&listed("id.example.org"), &aveva("")), @"the settings' `allow` does not list uswe.datahub.connect.aveva.com, where the management signs in");
    let own = "allow: [id.example.org]\nmanagement: [{provider: aveva, self: true}]";
    insta::assert_snapshot!(why(own, &aveva("")), @"the settings' `allow` does not list uswe.datahub.connect.aveva.com, where the management signs in");
}
