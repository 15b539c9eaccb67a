//! Files whose form is right and whose content is not.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_value_that_cannot_be_is_told_what_could() {
    let lines = "expires: 2027-13-01\ncreated: 2027-01-01T10:00:00.0123456789Z\nwarn: 30\ncritical: 7x\nenabled: yes\nowners: [Ops <ops@example.org>]
name: two\nrunbook: http://wiki.example.org/\nnotes: |\n  Canary~7Qm2.xZ\nused_by: \"a\\eb\"\nparams: {Canary~7Qm2.xZ: [1]}\nscope: \"\"
assertion_alg: none\nauthority: https://Canary~7Qm2.xZ@login.example.org/";
    assert_snapshot!(told(&with(lines)), @r"
    apps.yaml:6:14: INVALID_VALUE apps[0].expires: the calendar or the clock has no such day or time
        check day, month, hour and offset
    apps.yaml:7:14: INVALID_VALUE apps[0].created: this time has more than nine digits behind the point
        whole seconds will do
    apps.yaml:8:11: INVALID_VALUE apps[0].warn: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    apps.yaml:9:15: INVALID_VALUE apps[0].critical: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    apps.yaml:10:14: INVALID_VALUE apps[0].enabled: this is neither `true` nor `false`
        write `true` or `false`
    apps.yaml:11:14: INVALID_VALUE apps[0].owners[0]: this is no e-mail address
        write the bare address, as in `ops@example.org`
    apps.yaml:12:5: DUPLICATE_KEY apps[0].name: this key is already there, above
        keep one
    apps.yaml:13:14: INSECURE_URL apps[0].runbook: plain http to another machine can be read and changed on its way
        write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost
    apps.yaml:17:14: WRONG_TYPE apps[0].params.?: this is a list; a text belongs here
        write one value
    apps.yaml:18:12: INVALID_VALUE apps[0].scope: this is empty
        write a value, or remove the key
    apps.yaml:19:20: INVALID_VALUE apps[0].assertion_alg: this is none of the names that fit here
        one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA
    apps.yaml:20:16: SECRET_LOOKS_INLINE apps[0].authority: there is a name or password in this URL
        remove the part before the `@`; secrets are references in fields of their own
    ");
}

#[test]
fn no_address_of_a_server_holds_what_is_never_sent_to_it() {
    let app = |fields: &str| format!("version: 1\napps:\n  - {{name: a, client_id: x, {fields}}}\n");
    for fields in [
        "provider: oauth2, token_endpoint: 'https://id.example.org/token#7Qm2'",
        "provider: oauth2, token_endpoint: 'https://id.example.org/token#'",
        "provider: oauth2, issuer: 'https://id.example.org/#7Qm2'",
        "provider: oauth2, issuer: 'https://id.example.org/?x=7Qm2'",
        "provider: entra, tenant: example.org, authority: 'https://login.example.org/#7Qm2'",
        "provider: entra, tenant: example.org, graph: 'https://graph.example.org?7Qm2'",
        "provider: keycloak, realm: r, base_url: 'https://sso.example.org/auth#7Qm2'",
        "provider: aveva, tenant: t, base_url: 'https://aveva.example.org/?7Qm2'",
    ] {
        assert!(told(&app(fields)).contains("INVALID_VALUE apps[0]."), "{fields}");
        let with_password = app(fields).replace("https://", "https://u:7Qm2@");
        assert!(told(&with_password).contains("SECRET_LOOKS_INLINE apps[0]."), "{fields}");
    }
    let good = "provider: oauth2, token_endpoint: 'https://id.example.org/token?p=b2c', runbook: 'https://wiki.example.org/?a#b'";
    assert_eq!(told(&app(good)), "");
}

#[test]
fn credentials_of_one_app_are_told_apart_by_their_labels() {
    assert_snapshot!(told(&with("credentials:\n  - {secret: env:A}\n  - {secret: env:B}\n  - {label: '', secret: env:C}")), @r"
    apps.yaml:8:9: MISSING_FIELD apps[0].credentials[1].label: `label` is missing
        give each credential of an app a label of its own; it tells them apart in reports and messages
    apps.yaml:9:17: INVALID_VALUE apps[0].credentials[2].label: this is empty
        write a value, or remove the key
    ");
    assert_snapshot!(told(&with("credentials:\n  - {label: 1, secret: env:A}\n  - {label: \"1\", secret: env:B}")), @r"
    apps.yaml:8:17: DUPLICATE_NAME apps[0].credentials[1].label: this label is used above
        give each credential of an app a label of its own; it tells them apart in reports and messages
    ");
    assert_eq!(told(&with("credentials: [{secret: env:A}]")), "");
    assert_eq!(told(&with("credentials: [{secret: env:A}, {label: new, secret: env:B}]")), "");
}

#[test]
fn a_rotation_relies_on_hooks_that_the_settings_define_and_that_can_read() {
    let told = |stores: &str, more: &str| {
        told(&with(&format!("secret: file:/etc/s\nrotate: {{deliver_to: [{stores}]{more}}}")))
    };
    assert_eq!(told("'hook:etl', 'file:/etc/s', 'hook:blind'", ""), "");
    assert_eq!(told("'hook:etl', 'file:/etc/s'", ", allow_gap: true, window: '0 22 * * SAT'"), "");
    assert_snapshot!(told("'hook:blind', 'file:/etc/s', {store: 'hook:other'}", ""), @r"
    apps.yaml:7:27: UNSAFE_ROTATION apps[0].rotate.deliver_to[0]: the first store is a hook without the verb `read`, so the new secret cannot be read back
        let the hook read, too, and add the verb in the settings; or put a store first that can be read
    apps.yaml:7:56: UNKNOWN_HOOK apps[0].rotate.deliver_to[2]: the settings define no hook of this name
        define it under `hooks` in credwatch.yaml, or check its name
    ");
    assert_snapshot!(told("'file:/etc/s', 'hook:blind'", ", allow_gap: true, window: '0 22 * * SAT'"), @r"
    apps.yaml:7:68: UNSAFE_ROTATION apps[0].rotate.allow_gap: a gap could not be seen to end: one of the stores is a hook without the verb `read`
        let the hook read, too, and add the verb in the settings; or deliver to stores that can be read
    ");
}

#[test]
fn a_name_may_hold_anything_because_every_output_makes_it_harmless() {
    for name in [&"x".repeat(10_000), "=cmd()|<script>{{x}} \u{202e}", r"a\e[31m\r\nBcc: x\0"] {
        let entry = format!("  - {{name: \"{name}\", provider: entra, tenant: example.org, client_id: x}}\n");
        assert_eq!(told(&format!("version: 1\napps:\n{entry}")), "");
    }
}

#[test]
fn keys_that_exclude_each_other_are_named() {
    assert_snapshot!(told(&with("secret: env:A\ncertificate: env:B")), @r"
    apps.yaml:7:18: CONFLICTING_FIELDS apps[0].certificate: `secret` and `certificate` exclude each other
        keep the one the client proves itself with
    ");
    assert_snapshot!(told(&with("secret: env:A\nkey_id: 6befd701")), @r"
    apps.yaml:7:13: CONFLICTING_FIELDS apps[0].key_id: a secret has no `key_id`
        Entra's keyId of a secret is its `secret_id`
    ");
    assert_snapshot!(told(&with("expires: never\ncredentials: [{secret: env:A}]")), @r"
    apps.yaml:6:14: CONFLICTING_FIELDS apps[0].expires: `expires` and `credentials` exclude each other
        move it into the item of the list that it belongs to
    ");
    assert_snapshot!(told(&with("credentials: []")), @r"
    apps.yaml:6:5: INVALID_VALUE apps[0].credentials: this list is empty
        list the app's credentials, or remove the key
    ");
    assert_snapshot!(told(&with("credentials: [{secret: env:A}, {certificate: env:B}]")), @r"
    apps.yaml:6:5: CONFLICTING_FIELDS apps[0].credentials: some of these are secrets and some certificates, which are sent in different ways
        make two entries with names of their own
    apps.yaml:6:36: MISSING_FIELD apps[0].credentials[1].label: `label` is missing
        give each credential of an app a label of its own; it tells them apart in reports and messages
    ");
    assert_snapshot!(told(&with("secret: env:A\nauth_method: tls_client_auth")), @r"
    apps.yaml:7:18: CONFLICTING_FIELDS apps[0].auth_method: this method needs `certificate`, and there is a `secret`
        write a `client_secret_...` method, or `certificate` instead of `secret`
    ");
    assert_snapshot!(told(&with("certificate: env:A\nauth_method: client_secret_jwt")), @r"
    apps.yaml:7:18: CONFLICTING_FIELDS apps[0].auth_method: clients of `entra` cannot authenticate in this way
        remove `auth_method` for the usual one, or check `provider` and what the client proves itself with
    ");
    assert_snapshot!(told(&with("secret: env:A\nauth_method: client_secret_jwt\nassertion_alg: RS256")), @r"
    apps.yaml:7:18: CONFLICTING_FIELDS apps[0].auth_method: clients of `entra` cannot authenticate in this way
        remove `auth_method` for the usual one, or check `provider` and what the client proves itself with
    apps.yaml:8:20: CONFLICTING_FIELDS apps[0].assertion_alg: `client_secret_jwt` signs with the secret
        one of HS256, HS384, HS512
    ");
    assert_snapshot!(told(&with("certificate: env:A\nassertion_alg: HS256")), @r"
    apps.yaml:7:20: CONFLICTING_FIELDS apps[0].assertion_alg: `private_key_jwt` signs with a private key
        an RS, PS or ES algorithm, or EdDSA
    ");
    assert_snapshot!(told(&with("secret: env:A\nassertion_alg: ES256")), @r"
    apps.yaml:7:20: CONFLICTING_FIELDS apps[0].assertion_alg: this app's `auth_method` signs nothing
        remove it, or write the `auth_method` it is meant for
    ");
    assert_snapshot!(told(&with("created: 2027-03-01\nexpires: 2027-03-01")), @r"
    apps.yaml:6:14: INVALID_VALUE apps[0].created: this is not before `expires`
        one of the two dates is wrong
    ");
}

#[test]
fn a_field_of_another_provider_is_a_misunderstanding() {
    let text = "version: 1\napps:\n  - {name: a, provider: keycloak, base_url: https://sso.example.org, realm: corp, client_id: x, domain: y}\n  - {name: b, provider: keycloak, base_url: https://sso.example.org, client_id: x}\n";
    assert_snapshot!(told(text), @r"
    apps.yaml:3:105: FOREIGN_FIELD apps[0].domain: `keycloak` has no use for this
        remove it, or check `provider`; this one knows base_url, realm, authority
    apps.yaml:4:5: MISSING_FIELD apps[1].realm: `realm` is missing
        write the realm the client is in
    ");
}

#[test]
fn a_reference_that_names_no_place_is_told_its_form() {
    assert_snapshot!(told(&with("secret: exec:Canary~7Qm2.xZ")), @r"
    apps.yaml:6:13: MALFORMED_REFERENCE apps[0].secret: an `exec:` reference is a JSON array of strings whose first is the absolute path of a program
        `env:NAME` and `file:PATH` are the simplest references
    ");
    assert_snapshot!(told(&with("secret: vault:Canary~7Qm2.xZ")), @r"
    apps.yaml:6:13: MALFORMED_REFERENCE apps[0].secret: a `vault:` reference needs MOUNT/PATH#KEY
        `env:NAME` and `file:PATH` are the simplest references
    ");
    assert_snapshot!(told(&with("secret: hook:deliver")), @r"
    apps.yaml:6:13: MALFORMED_REFERENCE apps[0].secret: `hook:` says where a rotation delivers to; a secret cannot be read from it
        `env:NAME` and `file:PATH` are the simplest references
    ");
    assert_snapshot!(told(&with("secret: env:Canary~7Qm2.xZ")), @r"
    apps.yaml:6:13: SECRET_LOOKS_INLINE apps[0].secret: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    ");
    assert_snapshot!(told(&with("secret: exec:[\"/usr/bin/op\", \"Canary~7Qm2.xZ\"]")), @r"
    apps.yaml:6:13: EXEC_NOT_ALLOWED apps[0].secret: the settings do not let references run this program
        add it to `exec` in credwatch.yaml, with the variables it may see
    ");
}

#[test]
fn a_fault_of_the_defaults_is_told_once_and_makes_no_app_incomplete() {
    let text = "version: 1\ndefaults: {provider: entra, tenant: [7Qm2], client_id: x, warn: 1, critical: 40d}\napps:\n  - {name: a}\n  - {name: b}\n";
    assert_snapshot!(told(text), @r"
    apps.yaml:2:29: WRONG_TYPE defaults.tenant: this is a list; a text belongs here
        write one value
    apps.yaml:2:65: INVALID_VALUE defaults.warn: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    ");
}

#[test]
fn names_are_unique_over_all_files() {
    let file = |name: &str| {
        format!("version: 1\napps:\n  - {{name: {name}, provider: entra, tenant: example.org, client_id: x}}\n")
    };
    let faults =
        read_texts(&[("a.yaml", &file("one")), ("b.yaml", &file("two")), ("c.yaml", &file("one"))]).unwrap_err();
    assert_snapshot!(faults, @r"
    c.yaml:3:12: DUPLICATE_NAME apps[0].name: apps[0] of a.yaml has this name already
        names are unique over all files
    ");
}

#[test]
fn a_rotation_that_could_lose_a_secret_is_refused() {
    let rotate = |lines: &str| with(&format!("secret: file:/etc/etl/secret\nrotate: {lines}"));
    assert_snapshot!(told(&rotate("{}")), @r"
    apps.yaml:7:5: MISSING_FIELD apps[0].rotate.deliver_to: `deliver_to` is missing
        list the stores that hold the secret, the one that `secret` names first
    ");
    assert_snapshot!(told(&rotate("{deliver_to: [file:/etc/other]}")), @r"
    apps.yaml:7:14: UNSAFE_ROTATION apps[0].rotate.deliver_to: `secret` is not among these, so what is tested would not be what is rotated
        let `secret` name the first of the stores in `deliver_to`
    ");
    assert_snapshot!(told(&rotate("{deliver_to: [person:ops@example.org, file:/etc/etl/secret]}")), @r"
    apps.yaml:7:14: UNSAFE_ROTATION apps[0].rotate.deliver_to: the first store is a person, whom the new secret cannot be read back from
        put a store that can be read first; the person gets it from there
    ");
    assert_snapshot!(told(&rotate("{lifetime: 51d, deliver_to: [file:/etc/etl/secret]}")), @r"
    apps.yaml:7:24: UNSAFE_ROTATION apps[0].rotate.lifetime: the new secret would be due again before its rotation is over
        make `lifetime` longer than `before` + `grace` + 14d
    ");
    assert_snapshot!(told(&rotate("{before: 27d, deliver_to: [file:/etc/etl/secret, person:ops@example.org]}")), @r"
    apps.yaml:7:22: UNSAFE_ROTATION apps[0].rotate.before: a person who is late would let the old secret expire
        make `before` at least `abandon_after` + `grace` + 7d
    ");
    assert_snapshot!(told(&rotate("{allow_gap: true, deliver_to: [file:/etc/etl/secret, person:ops@example.org]}")), @r#"
    apps.yaml:7:5: MISSING_FIELD apps[0].rotate.window: `window` is missing
        a gap needs a window to fall into, as in `window: "0 22 * * SAT"`
    apps.yaml:7:25: UNSAFE_ROTATION apps[0].rotate.allow_gap: a gap would last until a person has typed the new secret in
        deliver to stores only
    "#);
    assert_snapshot!(told(&rotate("{window: 22 * SAT, deliver_to: [env:X, Canary~7Qm2.xZ, \"person:Ops\", {pick_up: 1d}, {store: hook:x, in_place: true}]}")), @r"
    apps.yaml:7:22: INVALID_VALUE apps[0].rotate.window: a cron line has five fields (minute, hour, day of month, month, weekday), this one has 3
        five fields, as in `0 3 * * *`: minute, hour, day, month, weekday
    apps.yaml:7:45: UNSAFE_ROTATION apps[0].rotate.deliver_to[0]: nothing can be delivered to this
        a file, vault:, azure-key-vault:, aws-secrets-manager:, hook: or person:
    apps.yaml:7:52: SECRET_LOOKS_INLINE apps[0].rotate.deliver_to[1]: this is no store but looks like a secret
        name a store: a file, vault:, azure-key-vault:, aws-secrets-manager:, hook: or person:
    apps.yaml:7:68: INVALID_VALUE apps[0].rotate.deliver_to[2]: this is no e-mail address
        write the bare address, as in `ops@example.org`
    apps.yaml:7:82: MISSING_FIELD apps[0].rotate.deliver_to[3].store: `store` is missing
        name the store, as in `file:/etc/etl/secret`
    apps.yaml:7:123: CONFLICTING_FIELDS apps[0].rotate.deliver_to[4].in_place: only a file is written in place
        remove `in_place`
    ");
    assert_snapshot!(told(&rotate("{lifetime: 1000000d, before: 9999999999999w, deliver_to: [{store: file:/etc/etl/secret, pick_up: 40000d}]}")), @r"
    apps.yaml:7:24: INVALID_VALUE apps[0].rotate.lifetime: this is more than a hundred years
        at most 36500d; providers keep a secret for some months up to a few years
    apps.yaml:7:42: INVALID_VALUE apps[0].rotate.before: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    apps.yaml:7:110: INVALID_VALUE apps[0].rotate.deliver_to[0].pick_up: this is more than a hundred years
        at most 36500d; providers keep a secret for some months up to a few years
    ");
    assert_eq!(told(&rotate("{lifetime: 36500d, deliver_to: [file:/etc/etl/secret]}")), "");
    assert_snapshot!(told(&with("certificate: env:A\nrotate: {deliver_to: [file:/etc/etl/secret]}")), @r"
    apps.yaml:7:14: UNSAFE_ROTATION apps[0].rotate.deliver_to: there is no `secret` to rotate
        let `secret` name the first of the stores in `deliver_to`
    ");
}

#[test]
fn one_credential_is_not_rotated_from_two_entries() {
    // The same GUID in either case.
    let (id, again) = ("6befd701-d38a-45b1-bbad-79ddca296f85", "6BEFD701-D38A-45B1-BBAD-79DDCA296F85");
    let rotated = format!("secret: file:/a, secret_id: {id}, rotate: {{deliver_to: [file:/a]}}");
    let text = format!(
        "version: 1\ndefaults: {{provider: entra, tenant: example.org, client_id: x}}\napps:\n  - {{name: a, {rotated}}}\n  - {{name: b, secret: env:B, secret_id: {again}}}\n  - {{name: c, secret: env:B, secret_id: 8}}\n"
    );
    assert_snapshot!(told(&text), @r"
    apps.yaml:5:41: DUPLICATE_CREDENTIAL apps[1].secret_id: another entry names the same credential, and one of the two is rotated
        keep one entry for each credential of the provider
    ");
}

#[test]
fn a_store_that_is_named_twice_is_refused_however_it_is_written() {
    let told = |stores: &str| {
        told(&with(&format!("secret: file:/etc/etl/secret\nrotate: {{deliver_to: [file:/etc/etl/secret, {stores}]}}")))
    };
    let vault = "azure-key-vault:https://corp.vault.azure.net/secrets/etl";
    for twice in [
        "file:/etc/etl/secret".to_owned(),
        "file:/etc//etl/./secret".to_owned(),
        "file:/etc/etl/../etl/secret".to_owned(),
        "{store: file:/etc/etl/secret, pick_up: 9d}".to_owned(),
        format!("'{vault}', '{vault}'"),
        format!("'{vault}', 'azure-key-vault:https://Corp.Vault.azure.net:443/secrets/ETL'"),
        "'vault:kv/etl#secret', 'vault:kv/etl#secret'".to_owned(),
    ] {
        let text = told(&twice);
        assert!(text.contains("UNSAFE_ROTATION") && text.contains("stands in the list already"), "{twice}: {text}");
    }
    for apart in [
        "file:/etc/etl/secret2",
        "'vault:kv/etl#secret', 'vault:kv/etl#other'",
        "'person:a@example.org', 'person:b@example.org'",
    ] {
        let text = told(apart);
        assert!(!text.contains("already"), "{apart}: {text}");
    }
    assert_snapshot!(told("file:/etc//etl/secret"), @r"
    apps.yaml:7:49: UNSAFE_ROTATION apps[0].rotate.deliver_to[1]: this is a store that stands in the list already
        name each store once; `pick_up` and `in_place` belong to that one entry
    ");
}
