mod stores;

use std::{fs, path::Path};

use insta::assert_snapshot;

use super::*;
use crate::{period::Period, secret::SecretRef, yaml::Faults};

fn read_text(text: &str) -> Result<Settings, Faults> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, text).unwrap();
    read(Some(&file)).map_err(|Faults(mut faults)| {
        faults.iter_mut().for_each(|fault| fault.file = FILE_NAME.into());
        Faults(faults)
    })
}

/// What the user sees; a canary in it fails the test.
fn told(text: &str) -> String {
    let faults = read_text(text).err().map(|faults| faults.to_string()).unwrap_or_default();
    assert!(!faults.contains("7Qm2"), "a value was repeated:\n{faults}");
    faults
}

#[test]
fn every_block_is_read() {
    let settings = read_text(
        r#"
version: 1
state: sqlite:/var/lib/credwatch/state.db
allow: [Login.MicrosoftOnline.com, "*.okta.com", 10.0.0.7, "::1", bücher.example]
exec: [{program: /usr/bin/op, env: [OP_SERVICE_ACCOUNT_TOKEN]}]
ca: corp.pem
http: {proxy: "http://proxy.example.org:3128", timeout: 5s, concurrency: 256, per_host: 32}
schedule: {cron: "0 3 * * *", timezone: Europe/Oslo}
policy: {warn: 45d, critical: 10d, max_lifetime: 365d, never: critical, activation: 2m}
serve: {listen: "localhost:8080"}
rotation: {live_deadline: 75m, max_rotations: 2, max_removals: 25%, frozen: true}
vault: {address: "https://vault.example.org:8200", token: env:VAULT_TOKEN}
hooks: {deliver-etl: {program: [/usr/local/bin/deliver, --app, etl], verbs: [read, write]}}
management:
  - {provider: entra, tenant: d0070a32-58f9-456f-933e-cf72e5638957, client_id: x, secret: env:GRAPH_SECRET}
  - {provider: aveva, self: true}
  - {provider: keycloak, base_url: "https://sso.example.org", realm: corp, client_id: credwatch, secret: 'exec:["/usr/bin/op","read"]'}
notify:
  from: credwatch@example.org
  admins: [secops@example.org]
  dead_man: env:PING_URL
  channels:
    - {name: mail, type: smtp, host: smtp.example.org, tls: implicit, username: credwatch, password: env:SMTP_PASSWORD}
    - {name: relay, type: smtp, host: localhost, port: 2525}
    - {name: hook, type: webhook, url: env:HOOK_URL, signing_key: env:HOOK_KEY}
"#,
    )
    .unwrap_or_else(|faults| panic!("{faults}"));
    let hosts: Vec<String> = settings.allow.unwrap().into_iter().map(|pattern| pattern.0).collect();
    assert_eq!(hosts, ["login.microsoftonline.com", "*.okta.com", "10.0.0.7", "[::1]", "xn--bcher-kva.example"]);
    assert_eq!(settings.exec[0].env, ["OP_SERVICE_ACCOUNT_TOKEN"]);
    assert!(settings.ca.unwrap().ends_with("corp.pem"));
    assert_eq!(
        (settings.http.timeout, settings.http.concurrency, settings.http.per_host),
        (Period::from_secs(5), 256, 32)
    );
    assert_eq!(settings.schedule.timezone, chrono_tz::Europe::Oslo);
    assert_eq!(settings.policy.warn, Period::from_days(45));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.rotation.max_removals_percent, settings.rotation.frozen), (25, true));
    assert_eq!(settings.rotation.settle, RotationLimits::default().settle);
    assert_eq!(settings.vault.unwrap().token, SecretRef::Env("VAULT_TOKEN".to_owned()));
    assert_eq!(settings.hooks["deliver-etl"].verbs, [Verb::Read, Verb::Write]);
    assert_eq!(settings.management[1].key, ManagementKey::SelfManaged);
    let ports: Vec<u16> = settings
        .notify
        .channels
        .iter()
        .filter_map(|channel| match channel.kind {
            ChannelKind::Smtp { port, .. } => Some(port),
            ChannelKind::Webhook { .. } => None,
        })
        .collect();
    assert_eq!(ports, [465, 2525]);
}

#[test]
fn without_a_file_or_a_block_the_defaults_hold() {
    assert_eq!(read(None).unwrap().http, Http::default());
    let settings = read_text("version: 1\nhttp: {}\nnotify: {}\n").unwrap();
    assert_eq!((settings.http.timeout, settings.http.concurrency), (Period::from_secs(30), 64));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(settings.schedule, Schedule { cron: "0 3 * * *".to_owned(), timezone: chrono_tz::UTC });
}

#[test]
fn a_state_this_version_cannot_keep_is_a_fault_of_the_settings() {
    assert_snapshot!(told("version: 1\nstate: postgres://db.example.org/credwatch\n"), @r"
    credwatch.yaml:2:8: INVALID_VALUE state: this version keeps its state in an SQLite file
        write `sqlite:PATH`
    ");
}

#[test]
fn every_fault_of_the_file_comes_out_at_once() {
    let text = r#"
state: postgres://credwatch:Canary-7Qm2@db.example.org/credwatch
allow: [https://login.example.org, "login.example.org:443", "*", "a.*.org", Canary~7Qm2.xZ]
exec: [{program: op, env: [A=Canary-7Qm2]}, {progam: /usr/bin/op}]
http: {proxy: "http://u:Canary-7Qm2@proxy.example.org:3128", timeout: 0s, concurrency: 0, per_host: many, retries: 3}
schedule: {cron: "0 3 * *", timezone: Europe/Canary-7Qm2}
policy: {critical: 60d, never: Canary-7Qm2}
serve: {listen: 9464}
rotation: {max_removals: 110%, frozen: no}
vault: {address: "http://vault.example.org:8200", token: hvs.Canary7Qm2}
hooks: {x: {program: deliver, verbs: [read]}, y: {program: [deliver], verbs: [fly]}}
management:
  - {provider: entra, tenant: x, secret: Canary~7Qm2.xZ}
  - {provider: keycloak, base_url: "https://sso.example.org", client_id: x, secret: env:A, certificate: env:B}
  - {provider: Canary-7Qm2}
notify:
  admins: [Canary~7Qm2.xZ]
  dead_man: https://hc-ping.example.com/Canary-7Qm2
  channels:
    - {name: mail, type: smtp, tls: none, port: 70000, username: Canary-7Qm2, url: env:X}
    - {name: mail, type: webhook, url: https://hooks.example.org/Canary-7Qm2}
    - {name: pager, type: Canary-7Qm2}
    - Canary-7Qm2
"#;
    assert_snapshot!(told(text), @r"
    credwatch.yaml:2:1: MISSING_FIELD version: `version` is missing
        write `version: 1` as the first line
    credwatch.yaml:2:8: SECRET_LOOKS_INLINE state: there is a password in this URL
        write `sqlite:PATH`
    credwatch.yaml:3:9: INVALID_VALUE allow[0]: this is no host
        a name or address without scheme, port and path; `*.example.org` for all below it
    credwatch.yaml:3:36: INVALID_VALUE allow[1]: this is no host
        a name or address without scheme, port and path; `*.example.org` for all below it
    credwatch.yaml:3:61: INVALID_VALUE allow[2]: this is no host
        a name or address without scheme, port and path; `*.example.org` for all below it
    credwatch.yaml:3:66: INVALID_VALUE allow[3]: this is no host
        a name or address without scheme, port and path; `*.example.org` for all below it
    credwatch.yaml:4:18: INVALID_VALUE exec[0].program: this is no absolute path
        write its whole path, as in `/usr/bin/op`; credwatch looks nothing up in PATH
    credwatch.yaml:4:28: INVALID_VALUE exec[0].env[0]: this is no name of a variable
        write the bare name; its value comes from credwatch's own environment
    credwatch.yaml:4:46: UNKNOWN_FIELD exec[1].progam: there is no key `progam` here
        did you mean `program`?
    credwatch.yaml:5:15: SECRET_LOOKS_INLINE http.proxy: there is a name or password in this URL
        remove the part before the `@`
    credwatch.yaml:5:71: INVALID_VALUE http.timeout: nothing answers in no time
        the default is 30s
    credwatch.yaml:5:88: INVALID_VALUE http.concurrency: this is not a number that fits here
        write a whole number from 1 to 4096
    credwatch.yaml:5:101: INVALID_VALUE http.per_host: this is not a number that fits here
        write a whole number from 1 to 4096
    credwatch.yaml:5:107: UNKNOWN_FIELD http.retries: there is no key `retries` here
        the keys here are proxy, timeout, concurrency, per_host
    credwatch.yaml:6:18: INVALID_VALUE schedule.cron: a cron line has five fields (minute, hour, day of month, month, weekday), this one has 4
        five fields, as in `0 3 * * *`: minute, hour, day, month, weekday
    credwatch.yaml:6:39: INVALID_VALUE schedule.timezone: this is no time zone
        a name of the tz database, as in `Europe/Oslo` or `UTC`
    credwatch.yaml:7:32: INVALID_VALUE policy.never: this is none of the names that fit here
        one of ok, info, warning, critical
    credwatch.yaml:8:17: INVALID_VALUE serve.listen: nothing can listen there
        an address and a port, as in `127.0.0.1:9464` or `[::]:9464`
    credwatch.yaml:9:26: INVALID_VALUE rotation.max_removals: this is no share
        a whole number of percent, as in `10%`
    credwatch.yaml:9:40: INVALID_VALUE rotation.frozen: this is neither `true` nor `false`
        write `true` or `false`
    credwatch.yaml:10:18: INSECURE_URL vault.address: plain http to another machine can be read and changed on its way
        write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost
    credwatch.yaml:10:58: SECRET_LOOKS_INLINE vault.token: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    credwatch.yaml:11:22: WRONG_TYPE hooks.x.program: this is a text; a list belongs here
        write `[one, two]`, or each on a line of its own behind `- `
    credwatch.yaml:11:61: INVALID_VALUE hooks.y.program[0]: this is no absolute path
        write its whole path, as in `/usr/bin/op`; credwatch looks nothing up in PATH
    credwatch.yaml:11:79: INVALID_VALUE hooks.y.verbs[0]: this is none of the names that fit here
        one of read, write, create, list, remove
    credwatch.yaml:13:42: SECRET_LOOKS_INLINE management[0].secret: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    credwatch.yaml:14:5: MISSING_FIELD management[1].realm: `realm` is missing
        write the realm the client is in
    credwatch.yaml:14:105: CONFLICTING_FIELDS management[1].certificate: there is more than one way to sign in here
        keep one of secret, certificate, federated_token, managed_identity, self
    credwatch.yaml:15:5: MISSING_FIELD management[2].secret: `secret` is missing
        or certificate, federated_token, managed_identity: true, self: true
    credwatch.yaml:15:16: UNKNOWN_PROVIDER management[2].provider: credwatch does not know this provider
        one of entra, aveva, keycloak, okta, auth0
    credwatch.yaml:17:12: INVALID_VALUE notify.admins[0]: this is no e-mail address
        write the bare address, as in `ops@example.org`
    credwatch.yaml:18:13: SECRET_LOOKS_INLINE notify.dead_man: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    credwatch.yaml:20:7: MISSING_FIELD notify.channels[0].host: `host` is missing
        the mail server
    credwatch.yaml:20:7: MISSING_FIELD notify.channels[0].password: `password` is missing
        a reference, as in `env:SMTP_PASSWORD`
    credwatch.yaml:20:37: INVALID_VALUE notify.channels[0].tls: this is none of the names that fit here
        one of implicit, starttls
    credwatch.yaml:20:49: INVALID_VALUE notify.channels[0].port: this is not a number that fits here
        write a whole number from 1 to 65535
    credwatch.yaml:20:84: FOREIGN_FIELD notify.channels[0].url: this type of channel has no use for this
        a channel of this type knows host, port, tls, username, password
    credwatch.yaml:21:40: SECRET_LOOKS_INLINE notify.channels[1].url: this is not a reference but looks like the secret itself
        write where the secret lies: `env:NAME`, `file:PATH`, `exec:[...]` or a store; and replace the secret if this file was shared
    credwatch.yaml:22:27: INVALID_VALUE notify.channels[2].type: there is no such type of channel
        one of smtp, webhook
    credwatch.yaml:23:7: WRONG_TYPE notify.channels[3]: this is a text; a mapping with `name` and `type` belongs here
        check the indentation, and that there is a space behind each `:`
    ");
}

#[test]
fn no_address_of_a_server_holds_what_is_never_sent_to_it() {
    for (block, field) in [
        ("vault: {address: 'https://vault.example.org/#7Qm2', token: env:T}", "vault.address"),
        ("vault: {address: 'https://vault.example.org/?7Qm2', token: env:T}", "vault.address"),
        ("http: {proxy: 'http://proxy.example.org:3128/#7Qm2'}", "http.proxy"),
        ("http: {proxy: 'http://proxy.example.org:3128/7Qm2'}", "http.proxy"),
        (
            "management: [{provider: entra, tenant: example.org, client_id: x, secret: env:S, graph: 'https://graph.example.org#7Qm2'}]",
            "management[0].graph",
        ),
        (
            "management: [{provider: entra, tenant: example.org, client_id: x, secret: env:S, token_endpoint: 'https://a.example.org#7Qm2'}]",
            "management[0].token_endpoint",
        ),
    ] {
        let text = format!("version: 1\n{block}\n");
        assert!(told(&text).contains(&format!("INVALID_VALUE {field}: ")), "{block}: {}", told(&text));
        let with_password = told(&text.replace("://", "://u:7Qm2@"));
        assert!(with_password.contains(&format!("SECRET_LOOKS_INLINE {field}: ")), "{with_password}");
    }
}

#[test]
fn a_critical_longer_than_its_warn_is_a_warning_and_holds() {
    let read = |policy: &str| read_text(&format!("version: 1\npolicy: {policy}\n")).unwrap();
    for (policy, days) in [("{critical: 60d}", 60), ("{warn: 3d, critical: 5d}", 5)] {
        let settings = read(policy);
        assert_eq!(settings.policy.critical, Period::from_days(days));
        let codes: Vec<_> = settings.warnings.iter().map(|one| (one.code.name(), one.path.as_str())).collect();
        assert_eq!(codes, [("CRITICAL_BEFORE_WARN", "policy.critical")]);
    }
    let later = read("{warn: 3d}");
    assert_eq!((later.policy.critical, later.warnings.len()), (Period::from_days(3), 0), "a later alarm too");
}

#[test]
fn a_time_of_rotation_that_is_shorter_than_usual_is_a_warning() {
    let text =
        "version: 1\nrotation: {live_deadline: 20m, live_for: 119s, settle: 5m, run_gap: 1h, max_rotations: 1}\n";
    let warnings = Faults(read_text(text).unwrap().warnings).to_string();
    let shown: Vec<&str> =
        warnings.lines().map(|line| line.split_once("credwatch.yaml:").map_or(line, |(_, rest)| rest)).collect();
    assert_snapshot!(shown.join("\n"), @r"
    2:42: SHORT_TIME rotation.live_for: this is shorter than the default of 2m
        remove the key, unless a shorter time was measured here
    2:69: SHORT_TIME rotation.run_gap: this is shorter than the default of 20h
        remove the key, unless a shorter time was measured here
    ");
}

#[test]
fn a_key_with_nothing_behind_it_is_a_fault() {
    assert_snapshot!(told("version: 1\nnotify:\nallow: [~]\nhooks: {x: }\nhttp: {proxy: null}\nvault: {address: 'https://vault.example.org', token: ~}\n"), @r"
    credwatch.yaml:2:1: INVALID_VALUE notify: there is nothing behind this key
        write what belongs there, or remove the key
    credwatch.yaml:3:9: INVALID_VALUE allow[0]: there is nothing in this item
        write what belongs there, or remove the item
    credwatch.yaml:4:9: INVALID_VALUE hooks.x: there is nothing behind this key
        write what belongs there, or remove the key
    credwatch.yaml:5:8: INVALID_VALUE http.proxy: there is nothing behind this key
        write what belongs there, or remove the key
    credwatch.yaml:6:47: INVALID_VALUE vault.token: there is nothing behind this key
        write what belongs there, or remove the key
    ");
}

#[test]
fn a_program_that_is_listed_may_be_named_by_the_settings_themselves() {
    assert_snapshot!(told("version: 1\nvault: {address: https://vault.example.org, token: 'exec:[\"/usr/bin/op\"]'}\n"), @r"
    credwatch.yaml:2:52: EXEC_NOT_ALLOWED vault.token: the settings do not let references run this program
        add it to `exec` in credwatch.yaml, with the variables it may see
    ");
    assert_eq!(
        told(
            "version: 1\nexec: [{program: /usr/bin/op}]\nvault: {address: https://vault.example.org, token: 'exec:[\"/usr/bin/op\"]'}\n"
        ),
        ""
    );
}

#[test]
fn settings_that_are_not_there_or_empty_are_told_so() {
    let faults = read(Some(Path::new("/nowhere/credwatch.yaml"))).unwrap_err();
    assert_snapshot!(faults, @r"
    /nowhere/credwatch.yaml: FILE_UNREADABLE: there is no such file or folder
        `credwatch init` writes a first one
    ");
    assert_snapshot!(told(""), @r"
    credwatch.yaml: EMPTY_FILE: there is nothing in this file
        `credwatch init` writes a first one; `credwatch schema` says what may stand in it
    ");
}

#[test]
fn the_schema_knows_every_block_and_refuses_others() {
    let schema = schema();
    assert_eq!(schema["required"], serde_json::json!(["version"]));
    assert_eq!(schema["additionalProperties"], false);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        if definition["type"] == "object" {
            assert_eq!(definition["additionalProperties"], false, "{name}");
        }
    }
    assert_eq!(schema["$defs"]["Channel"]["required"], serde_json::json!(["name", "type"]));
    assert!(schema["$defs"]["Management"]["properties"].get("self").is_some());
}
