//! Files whose form is wrong, and files that cannot be read at all.

use insta::assert_snapshot;

use super::*;

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
        give each credential of an app a label of its own; it tells them apart in reports and messages
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
    apps.yaml:2:1: INVALID_VALUE apps: there is nothing behind this key
        write what belongs there, or remove the key
    ");
    assert_snapshot!(told("version: 1\napps: [Canary~7Qm2.xZ]\napps: []\n"), @r"
    apps.yaml:2:8: WRONG_TYPE apps[0]: this is a text; a mapping with the fields of an app belongs here
        check the indentation, and that there is a space behind each `:`
    apps.yaml:3:1: DUPLICATE_KEY apps: this key is already there, above
        keep one
    ");
}

#[test]
fn a_key_or_an_item_with_nothing_behind_it_is_a_fault_of_its_own() {
    let fields = "secret:\nsecret_id: null\nexpires: ~\nowners: [a@example.org, ~, null]\nparams: {resource: }\ntags:\n  -\n  - x\nenabled: Null\nrotate:";
    assert_snapshot!(told(&with(fields)), @r"
    apps.yaml:6:5: INVALID_VALUE apps[0].secret: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:7:5: INVALID_VALUE apps[0].secret_id: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:8:5: INVALID_VALUE apps[0].expires: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:9:29: INVALID_VALUE apps[0].owners[1]: there is nothing in this item
        write what belongs there, or remove the item
    apps.yaml:9:32: INVALID_VALUE apps[0].owners[2]: there is nothing in this item
        write what belongs there, or remove the item
    apps.yaml:10:14: INVALID_VALUE apps[0].params.resource: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:12:8: INVALID_VALUE apps[0].tags[0]: there is nothing in this item
        write what belongs there, or remove the item
    apps.yaml:14:5: INVALID_VALUE apps[0].enabled: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:15:5: INVALID_VALUE apps[0].rotate: there is nothing behind this key
        write what belongs there, or remove the key
    ");
    let list = "credentials:\n  - ~\n  - {label: a, secret: , rotate: {deliver_to: [~]}}";
    assert_snapshot!(told(&with(list)), @r"
    apps.yaml:7:9: INVALID_VALUE apps[0].credentials[0]: there is nothing in this item
        write what belongs there, or remove the item
    apps.yaml:8:20: INVALID_VALUE apps[0].credentials[1].secret: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:8:52: INVALID_VALUE apps[0].credentials[1].rotate.deliver_to[0]: there is nothing in this item
        write what belongs there, or remove the item
    ");
    assert_snapshot!(told(&with("credentials: ~")), @r"
    apps.yaml:6:5: INVALID_VALUE apps[0].credentials: there is nothing behind this key
        write what belongs there, or remove the key
    ");
    let head = "version: 1\ndefaults:\napps:\n  - {name: x, provider: entra, tenant: t, client_id: c}\n  -\n";
    assert_snapshot!(told(head), @r"
    apps.yaml:2:1: INVALID_VALUE defaults: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:4:40: INVALID_VALUE apps[0].tenant: the provider cannot work with this
        write the tenant's GUID or one of its verified domains, as the app's overview page shows it
    apps.yaml:5:4: INVALID_VALUE apps[1]: there is nothing in this item
        write what belongs there, or remove the item
    ");
    assert_snapshot!(told("version: ~\napps: null\n"), @r"
    apps.yaml:1:1: INVALID_VALUE version: there is nothing behind this key
        write what belongs there, or remove the key
    apps.yaml:2:1: INVALID_VALUE apps: there is nothing behind this key
        write what belongs there, or remove the key
    ");
    assert_eq!(told(&with("notes: 'null'\nused_by: \"~\"\ntags: []\nparams: {}")), "", "quoted, it is a value");
}

#[test]
fn what_is_not_there_is_told_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("credwatch.yaml"), "7Qm2").unwrap();
    fs::write(folder.path().join("utf16.yml"), "7Qm2").unwrap();
    let paths = [folder.path().join("nope.yaml"), folder.path().to_owned()];
    let faults = shortened(read(&paths, &Settings::default()).unwrap_err(), folder.path());
    assert_snapshot!(faults.to_string().replace(&folder.path().display().to_string(), "FOLDER"), @r"
    nope.yaml: FILE_UNREADABLE: there is no such file or folder
        `credwatch init` writes a first one
    : NO_FILES: there is no `*.yaml` in this folder
        `credwatch init` writes a first one; files must end in `.yaml`
    ");
    fs::write(folder.path().join("a.yaml"), b"version: 1\n# caf\xe9\n").unwrap();
    let faults = shortened(read(&[folder.path().to_owned()], &Settings::default()).unwrap_err(), folder.path());
    assert_snapshot!(faults, @r"
    a.yaml:2:6: NOT_UTF8: the file is not UTF-8 text
        save it as UTF-8
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
