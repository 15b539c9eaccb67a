//! What the user is told about one bad file after the other.

use insta::assert_snapshot;

use super::*;

/// An inventory of one entra app with further lines.
fn with(lines: &str) -> String {
    let head = "version: 1\ndefaults: {provider: entra, tenant: example.org}\napps:\n  - name: one\n    client_id: x\n";
    let lines: String = lines.trim().lines().map(|line| format!("    {}\n", line.trim_end())).collect();
    format!("{head}{lines}")
}

#[test]
fn faults_of_form_and_content_of_all_apps_come_out_at_once() {
    let text = r#"version: 1
defaults:
  provider: entra
  tenant: d0070a32-58f9-456f-933e-cf72e5638957
  warn: 30d
  nmae: Canary~7Qm2.xZ
apps:
  - name: one
    clientid: Canary~7Qm2.xZ
    secret: Canary~7Qm2.xZ
    expires: 2027-02-30
    tags: Canary~7Qm2.xZ
  - name: one
    client_id: [Canary~7Qm2.xZ]
    Canary~7Qm2.xZ: 1
    secret: env:X
    secret: env:Y
    owners: [a@example.org, {x: 1}, "Canary~7Qm2.xZ"]
    credentials:
      - {label: a, secret: env:A, nope: 3, expires: 2027-01-01T00:00:00}
      - Canary~7Qm2.xZ
      - {label: a, certificate: env:B}
  - name: three
    provider: Canary~7Qm2.xZ
    client_id: x
    token_endpoint: http://id.example.org/
    auth_method: Canary~7Qm2.xZ
"#;
    assert_snapshot!(told(text), @r"
    apps.yaml:6:3: UNKNOWN_FIELD defaults.nmae: there is no key `nmae` here
        did you mean `name`?
    apps.yaml:9:5: UNKNOWN_FIELD apps[0].clientid: there is no key `clientid` here
        did you mean `client_id`?
    apps.yaml:10:13: SECRET_LOOKS_INLINE apps[0].secret: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    apps.yaml:11:14: INVALID_VALUE apps[0].expires: the calendar or the clock has no such day or time
        check day, month, hour and offset
    apps.yaml:12:11: WRONG_TYPE apps[0].tags: this is a text; a list belongs here
        write `[one, two]`, or each on a line of its own behind `- `
    apps.yaml:13:11: DUPLICATE_NAME apps[1].name: apps[0] has this name already
        names are unique over all files
    apps.yaml:14:5: WRONG_TYPE apps[1].client_id: this is a list; a text belongs here
        write one value
    apps.yaml:15:5: UNKNOWN_FIELD apps[1].?: there is no such key here
        keys are lower-case words: is this a value, or indented wrongly?
    apps.yaml:17:5: DUPLICATE_KEY apps[1].secret: this key is already there, above
        keep one
    apps.yaml:18:29: WRONG_TYPE apps[1].owners[1]: this is a mapping; a text belongs here
        write one value
    apps.yaml:18:37: INVALID_VALUE apps[1].owners[2]: this is no e-mail address
        write the bare address, as in `ops@example.org`
    apps.yaml:19:5: CONFLICTING_FIELDS apps[1].credentials: some of these are secrets and some certificates, which are sent in different ways
        make two entries with names of their own
    apps.yaml:20:35: UNKNOWN_FIELD apps[1].credentials[0].nope: there is no key `nope` here
        the keys here are label, secret, certificate, key_id, secret_id, expires, created, rotate
    apps.yaml:20:53: INVALID_VALUE apps[1].credentials[0].expires: this time has no zone
        end it with `Z` for UTC, or with an offset such as `+02:00`
    apps.yaml:21:9: WRONG_TYPE apps[1].credentials[1]: this is a text; a mapping with the fields of a credential belongs here
        check the indentation, and that there is a space behind each `:`
    apps.yaml:22:17: DUPLICATE_NAME apps[1].credentials[2].label: this label is used above
        give each credential of an app a label of its own
    apps.yaml:24:15: UNKNOWN_PROVIDER apps[2].provider: credwatch does not know this provider
        one of entra, aveva, keycloak, okta, auth0, oauth2; `oauth2` fits every other server
    apps.yaml:26:21: INSECURE_URL apps[2].token_endpoint: plain http to another machine can be read and changed on its way
        write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost
    apps.yaml:27:18: INVALID_VALUE apps[2].auth_method: this is none of the names that fit here
        one of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth
    ");
}

#[test]
fn a_common_name_of_a_field_leads_to_ours() {
    assert_snapshot!(told(&with("client_secret: Canary~7Qm2.xZ\nexpiry: never\ntennant: x\nzzz: 1")), @r"
    apps.yaml:6:5: UNKNOWN_FIELD apps[0].client_secret: there is no key `client_secret` here
        did you mean `secret`? It takes a reference, as in `secret: env:NAME`
    apps.yaml:7:5: UNKNOWN_FIELD apps[0].expiry: there is no key `expiry` here
        did you mean `expires`?
    apps.yaml:8:5: UNKNOWN_FIELD apps[0].tennant: there is no key `tennant` here
        did you mean `tenant`?
    apps.yaml:9:5: UNKNOWN_FIELD apps[0].zzz: there is no key `zzz` here
        `credwatch schema` lists the keys that may stand here
    ");
}

#[test]
fn only_a_syntax_error_stands_alone() {
    assert_snapshot!(told("version: 1\napps:\n  - name: one\n\tclient_id: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:4:1: YAML_SYNTAX: this is not valid YAML: while scanning a plain scalar, found a tab
        YAML is indented with spaces, never with tabs
    ");
    assert_snapshot!(told("version: 1\napps:\n  - name: 'one\n    client_id: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:4:5: YAML_SYNTAX: this is not valid YAML: invalid indentation in multiline quoted scalar
        check the indentation and the quotes around here
    ");
    assert_snapshot!(told("version: 1\napps: [{name: one, secret: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:2:8: YAML_SYNTAX: this is not valid YAML: unclosed bracket '{'
        close the bracket or brace that begins here or before
    ");
    assert_snapshot!(told("version: 1\napps:\n  - name: one: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:3:14: YAML_SYNTAX: this is not valid YAML: mapping values are not allowed in this context
        check the indentation, and quote a value that holds `: `
    ");
    assert_snapshot!(told("version: 1\napps:\n  - *canary-7Qm2\n"), @r"
    apps.yaml:3:5: YAML_SYNTAX: this is not valid YAML: while parsing node, found unknown anchor
        an alias `*name` needs an anchor `&name` above it
    ");
    assert_snapshot!(told("version: 1\napps:\n  - name: @Canary~7Qm2.xZ\n"), @r"
    apps.yaml:3:11: YAML_SYNTAX: a value cannot begin like this
        put the value in quotes
    ");
    assert_snapshot!(told("version: 1\napps: []\n---\nsecret: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:3:1: YAML_SYNTAX: a second YAML document begins here
        one file is one document: remove the `---`, or make two files
    ");
    assert_snapshot!(told("version: 1\napps:\n  - {name: !Canary~7Qm2.xZ one}\n"), @r"
    apps.yaml:3:28: YAML_SYNTAX: a YAML tag means nothing here
        remove it; quote a value that begins with `!`
    ");
    assert_snapshot!(told("version: 1\napps:\n  - name: a\0Canary~7Qm2.xZ\n"), @r"
    apps.yaml:3:12: YAML_SYNTAX: there is a control character here
        remove it, or write it as an escape in a double-quoted text
    ");
    assert_snapshot!(told("version: 1\napps:\n  - [Canary~7Qm2.xZ]: one\n"), @r"
    apps.yaml:3:5: WRONG_TYPE: a key must be a text
        write the key as plain text, and quote a value that begins with `[` or `{`
    ");
}

#[test]
fn a_file_that_is_no_inventory_is_told_so() {
    assert_snapshot!(told(""), @r"
    apps.yaml: EMPTY_FILE: there is nothing in this file
        `credwatch init` writes a first one; `credwatch schema` says what may stand in it
    ");
    assert_snapshot!(told("# Canary~7Qm2.xZ\n"), @r"
    apps.yaml: EMPTY_FILE: there is nothing in this file
        `credwatch init` writes a first one; `credwatch schema` says what may stand in it
    ");
    assert_snapshot!(told("- Canary~7Qm2.xZ\n"), @r"
    apps.yaml:1:1: WRONG_TYPE: this is a list; a mapping with `version` and `apps` belongs here
        check the indentation, and that there is a space behind each `:`
    ");
    assert_snapshot!(told("Canary~7Qm2.xZ\n"), @r"
    apps.yaml:1:1: WRONG_TYPE: this is a text; a mapping with `version` and `apps` belongs here
        check the indentation, and that there is a space behind each `:`
    ");
    assert_snapshot!(told("apps: []\n"), @r"
    apps.yaml:1:1: MISSING_FIELD version: `version` is missing
        write `version: 1` as the first line
    ");
    assert_snapshot!(told("version: 2\napps:\n  - {name: x}\n"), @r"
    apps.yaml:1:10: UNSUPPORTED_VERSION version: this credwatch reads version 1
        write `version: 1`, or use the credwatch that wrote this file
    apps.yaml:3:5: MISSING_FIELD apps[0].provider: `provider` is missing
        say where it is registered, as in `provider: entra`; for all apps of the file under `defaults`
    apps.yaml:3:5: MISSING_FIELD apps[0].client_id: `client_id` is missing
        the id that the provider gave the app (Entra: Application ID)
    ");
    assert_snapshot!(told("version: 1\n"), @r"
    apps.yaml:1:1: MISSING_FIELD apps: `apps` is missing
        list the app registrations under `apps:`
    ");
    assert_snapshot!(told("version: 1\napps: Canary~7Qm2.xZ\n"), @r"
    apps.yaml:2:7: WRONG_TYPE apps: this is no list
        begin each app with `- name:`
    ");
    assert_snapshot!(told("version: 1\napps:\n"), @r"
    apps.yaml:2:1: EMPTY_INVENTORY apps: there is no app in this inventory
        write an entry for each app registration; `credwatch init` shows how
    ");
    assert_snapshot!(told("version: 1\napps: [Canary~7Qm2.xZ]\napps: []\n"), @r"
    apps.yaml:2:8: WRONG_TYPE apps[0]: this is a text; a mapping with the fields of an app belongs here
        check the indentation, and that there is a space behind each `:`
    apps.yaml:3:1: DUPLICATE_KEY apps: this key is already there, above
        keep one
    ");
}

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
    apps.yaml:16:14: INVALID_VALUE apps[0].used_by: there is a control character or a line break in this
        write it in one line of plain text
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
fn a_name_may_be_long_but_not_endless() {
    let named = |name: &str| {
        told(&format!(
            "version: 1\napps:\n  - {{name: \"{name}\", provider: entra, tenant: example.org, client_id: x}}\n"
        ))
    };
    assert_eq!(named(&"ü".repeat(1_000)), "");
    assert_eq!(named("=cmd()|<script>{{x}} \u{202e}"), "");
    assert_snapshot!(named(&"x".repeat(1_001)), @r"
    apps.yaml:3:12: INVALID_VALUE apps[0].name: this is longer than 1,000 characters
        shorten it
    ");
    assert_snapshot!(named(r"a\u001b[31m7Qm2"), @r"
    apps.yaml:3:12: INVALID_VALUE apps[0].name: there is a control character or a line break in this
        write it in one line of plain text
    ");
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
    let text = "version: 1\ndefaults: {provider: entra, tenant: [7Qm2], client_id: x, warn: 1, critical: 40d}\napps:\n  - {name: a}\n  - {name: b}\n  - {name: c, warn: 30d}\n";
    assert_snapshot!(told(text), @r"
    apps.yaml:2:29: WRONG_TYPE defaults.tenant: this is a list; a text belongs here
        write one value
    apps.yaml:2:65: INVALID_VALUE defaults.warn: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    apps.yaml:6:21: INVALID_VALUE apps[2].warn: `critical` would begin before `warn`
        `critical` is the shorter of the two
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
fn what_is_not_there_is_told_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("credwatch.yaml"), "7Qm2").unwrap();
    fs::write(folder.path().join("utf16.yml"), "7Qm2").unwrap();
    let paths = [folder.path().join("nope.yaml"), folder.path().to_owned()];
    let faults = shortened(read(&paths, &[]).unwrap_err(), folder.path());
    assert_snapshot!(faults.to_string().replace(&folder.path().display().to_string(), "FOLDER"), @r"
    nope.yaml: FILE_UNREADABLE: there is no such file or folder
        `credwatch init` writes a first one
    : NO_FILES: there is no `*.yaml` in this folder
        `credwatch init` writes a first one; files must end in `.yaml`
    ");
    fs::write(folder.path().join("a.yaml"), b"version: 1\n# caf\xe9\n").unwrap();
    let faults = shortened(read(&[folder.path().to_owned()], &[]).unwrap_err(), folder.path());
    assert_snapshot!(faults, @r"
    a.yaml:2:6: NOT_UTF8: the file is not UTF-8 text
        save it as UTF-8
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
    apps.yaml:7:22: INVALID_VALUE apps[0].rotate.window: a crontab line has five fields; this has 3
        five fields, as in `0 3 * * *`: minute, hour, day, month, weekday
    apps.yaml:7:45: UNSAFE_ROTATION apps[0].rotate.deliver_to[0]: nothing can be delivered to this
        a file, vault:, azure-key-vault:, aws-secrets-manager:, kubernetes:, hook: or person:
    apps.yaml:7:52: SECRET_LOOKS_INLINE apps[0].rotate.deliver_to[1]: this is no store but looks like a secret
        name a store: a file, vault:, azure-key-vault:, aws-secrets-manager:, kubernetes:, hook: or person:
    apps.yaml:7:68: INVALID_VALUE apps[0].rotate.deliver_to[2]: this is no e-mail address
        write the bare address, as in `ops@example.org`
    apps.yaml:7:82: MISSING_FIELD apps[0].rotate.deliver_to[3].store: `store` is missing
        name the store, as in `file:/etc/etl/secret`
    apps.yaml:7:123: CONFLICTING_FIELDS apps[0].rotate.deliver_to[4].in_place: only a file is written in place
        remove `in_place`
    ");
    assert_snapshot!(told(&with("certificate: env:A\nrotate: {deliver_to: [file:/etc/etl/secret]}")), @r"
    apps.yaml:7:14: UNSAFE_ROTATION apps[0].rotate.deliver_to: there is no `secret` to rotate
        let `secret` name the first of the stores in `deliver_to`
    ");
}

#[test]
fn one_credential_is_not_rotated_from_two_entries() {
    let rotated = "secret: file:/a, secret_id: \"7\", rotate: {deliver_to: [file:/a]}";
    let text = format!(
        "version: 1\ndefaults: {{provider: entra, tenant: example.org, client_id: x}}\napps:\n  - {{name: a, {rotated}}}\n  - {{name: b, secret: env:B, secret_id: 7}}\n  - {{name: c, secret: env:B, secret_id: 8}}\n"
    );
    assert_snapshot!(told(&text), @r"
    apps.yaml:5:41: DUPLICATE_CREDENTIAL apps[1].secret_id: another entry names the same credential, and one of the two is rotated
        keep one entry for each credential of the provider
    ");
}

#[test]
fn no_text_is_too_big_to_be_refused_quickly() {
    let long = "Canary~7Qm2.xZ".repeat(750_000);
    assert_snapshot!(told(&with(&format!("notes: {long}"))), @r"
    apps.yaml:6:12: TOO_LARGE: this value is longer than 64 KiB
        nothing in this file needs to be that long
    ");
    let mut bomb = String::from("version: 1\na0: &a0 [Canary~7Qm2.xZ, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", ")));
    }
    assert_snapshot!(told(&bomb), @r"
    apps.yaml:8:10: TOO_LARGE: the aliases up to here stand for more than a million values
        put what all apps share under `defaults`
    ");
    assert_snapshot!(told(&with(&format!("tags: {}", "[".repeat(100_000)))), @r"
    apps.yaml:6:75: YAML_SYNTAX: this is not valid YAML: recursion limit exceeded
        nothing here nests that deep
    ");
}
