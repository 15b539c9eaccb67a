//! The blocks of stores: `vault` and `azure_key_vault`.

use super::*;

fn key_vault(entry: &str) -> String {
    format!("version: 1\nazure_key_vault: {entry}\n")
}

#[test]
fn key_vault_is_signed_in_to_like_a_management_api_of_entra() {
    for (entry, key) in [
        ("{tenant: example.org, client_id: x, secret: env:S}", ManagementKey::Secret(SecretRef::Env("S".to_owned()))),
        (
            "{tenant: example.org, client_id: x, cloud: bleu, certificate: env:C}",
            ManagementKey::Certificate(SecretRef::Env("C".to_owned())),
        ),
        (
            "{tenant: example.org, client_id: x, authority: 'http://127.0.0.1:9400', federated_token: env:F}",
            ManagementKey::FederatedToken(SecretRef::Env("F".to_owned())),
        ),
        ("{tenant: example.org, managed_identity: true}", ManagementKey::ManagedIdentity),
    ] {
        let settings = read_text(&key_vault(entry)).unwrap_or_else(|faults| panic!("{faults}"));
        let block = settings.azure_key_vault.unwrap();
        assert_eq!((block.provider.name(), block.key), ("entra", key), "{entry}");
    }
    assert!(read_text("version: 1\n").unwrap().azure_key_vault.is_none());
}

#[test]
fn a_key_vault_block_is_as_strict_as_the_rest() {
    let mut seen = String::new();
    for entry in [
        "{tenant: common, client_id: x, secret: env:S}",
        "{client_id: x, secret: Canary~7Qm2.xZ}",
        "{tenant: example.org, secret: env:S, certificate: env:C}",
        "{tenant: example.org, client_id: x}",
        "{tenant: example.org, client_id: x, self: true, provider: entra, secret: env:S}",
        "{tenant: example.org, client_id: x, secret: env:S, authority: 'http://login.example.org'}",
    ] {
        seen.push_str(&told(&key_vault(entry)));
        seen.push('\n');
    }
    assert_snapshot!(seen, @r"
    credwatch.yaml:2:27: INVALID_VALUE azure_key_vault.tenant: the provider cannot work with this
        an app signs in to one tenant, and `common`, `organizations` and `consumers` are none; write the tenant's GUID or one of its verified domains, as the app's overview page shows it
    credwatch.yaml:2:41: SECRET_LOOKS_INLINE azure_key_vault.secret: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    credwatch.yaml:2:1: MISSING_FIELD azure_key_vault.client_id: `client_id` is missing
        the client that credwatch signs in as
    credwatch.yaml:2:68: CONFLICTING_FIELDS azure_key_vault.certificate: there is more than one way to sign in here
        keep one of secret, certificate, federated_token, managed_identity
    credwatch.yaml:2:1: MISSING_FIELD azure_key_vault.secret: `secret` is missing
        or certificate, federated_token, managed_identity: true
    credwatch.yaml:2:54: UNKNOWN_FIELD azure_key_vault.self: there is no key `self` here
        the keys here are tenant, cloud, authority, client_id, secret, certificate, federated_token, managed_identity
    credwatch.yaml:2:66: UNKNOWN_FIELD azure_key_vault.provider: there is no key `provider` here
        the keys here are tenant, cloud, authority, client_id, secret, certificate, federated_token, managed_identity
    credwatch.yaml:2:80: INSECURE_URL azure_key_vault.authority: plain http to another machine can be read and changed on its way
        write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost
    ");
}

#[test]
fn what_opens_a_store_lies_in_none() {
    let mut seen = told("version: 1\nvault: {address: 'https://vault.example.org', token: 'vault:kv/x#k'}\n");
    for key in ["secret", "certificate", "federated_token"] {
        let reference = "azure-key-vault:https://corp.vault.azure.net/secrets/x";
        seen.push('\n');
        seen.push_str(&told(&key_vault(&format!("{{tenant: example.org, client_id: x, {key}: '{reference}'}}"))));
    }
    assert_snapshot!(seen, @r"
    credwatch.yaml:2:54: INVALID_VALUE vault.token: what opens a store cannot lie in a store
        write an `env:`, `file:` or `exec:` reference
    credwatch.yaml:2:62: INVALID_VALUE azure_key_vault.secret: what opens a store cannot lie in a store
        write an `env:`, `file:` or `exec:` reference
    credwatch.yaml:2:67: INVALID_VALUE azure_key_vault.certificate: what opens a store cannot lie in a store
        write an `env:`, `file:` or `exec:` reference
    credwatch.yaml:2:71: INVALID_VALUE azure_key_vault.federated_token: what opens a store cannot lie in a store
        write an `env:`, `file:` or `exec:` reference
    ");
}

#[test]
fn the_schema_has_the_block_without_the_keys_of_other_providers() {
    let schema = schema();
    let properties = &schema["$defs"]["AzureKeyVault"]["properties"];
    for (key, known) in [("tenant", true), ("managed_identity", true), ("provider", false), ("self", false)] {
        assert_eq!(properties.get(key).is_some(), known, "{key}");
    }
}
