//! Good files and what is made of them.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{period::Period, secret::SecretRef};

/// One entra app with further lines.
fn app(lines: &str) -> App {
    let lines: String = lines.lines().map(|line| format!("    {}\n", line.trim())).collect();
    let text = format!(
        "version: 1\ndefaults: {{provider: entra, tenant: example.org}}\napps:\n  - name: one\n    client_id: x\n{lines}"
    );
    read_text(&text).unwrap_or_else(|faults| panic!("{faults}")).apps.remove(0)
}

fn expires(text: &str) -> String {
    match app(&format!("expires: {text}")).credentials[0].expires {
        Some(Expires::At(at)) => at.to_rfc3339(),
        Some(Expires::Never) => "never".to_owned(),
        None => String::new(),
    }
}

#[test]
fn a_day_means_its_start_and_a_time_keeps_its_offset() {
    for (written, meant) in [
        ("2027-03-01", "2027-03-01T00:00:00+00:00"),
        ("\"2028-02-29\"", "2028-02-29T00:00:00+00:00"),
        ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00+00:00"),
        ("2027-01-31t12:00:00z", "2027-01-31T12:00:00+00:00"),
        ("2027-01-31T12:00:00.123456789+02:00", "2027-01-31T10:00:00.123456789+00:00"),
        ("2299-12-31", "2299-12-31T00:00:00+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
        ("never", "never"),
    ] {
        assert_eq!(expires(written), meant, "{written}");
    }
    for wrong in [
        "2027-02-29",
        "2027-1-1",
        "01.03.2027",
        "2027-03-01T12:00Z",
        "Never",
        "1.5",
        "2027-03-01T25:00:00Z",
        "+2027-03-01",
    ] {
        let text = format!(
            "version: 1\napps:\n  - {{name: a, provider: entra, tenant: example.org, client_id: x, expires: \"{wrong}\"}}\n"
        );
        assert!(told(&text).contains("INVALID_VALUE apps[0].expires"), "{wrong}");
    }
}

#[test]
fn text_stays_as_it_was_written() {
    let app =
        app("secret_id: 012\nscope: 1.10\ntags: [1e3, true, 0x10, 2027-03-01, \"~\"]\nparams: {count: 1.0, on: yes}");
    assert_eq!(app.credentials[0].secret_id.as_deref(), Some("012"));
    assert_eq!(app.scope.as_deref(), Some("1.10"));
    assert_eq!(app.tags.to_vec(), ["1e3", "true", "0x10", "2027-03-01", "~"]);
    assert_eq!(
        app.params,
        BTreeMap::from([("count".to_owned(), "1.0".to_owned()), ("on".to_owned(), "yes".to_owned())])
    );
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_no_fault() {
    let text = "\u{feff}version: 1\r\napps:\r\n  - name: one\r\n    provider: entra\r\n    tenant: example.org\r\n    client_id: x\r\n";
    assert_eq!(read_text(text).unwrap().apps[0].client_id, "x");
}

#[test]
fn an_apps_own_value_wins_over_the_defaults_wherever_they_stand() {
    let text = "
version: 1
apps:
  - {name: a, client_id: x}
  - {name: b, client_id: y, provider: keycloak, base_url: https://sso.example.org, realm: corp, owners: [], warn: 5d, critical: 1d, secret: env:B}
  - {name: c, client_id: z, certificate: env:C, params: {own: 1}}
defaults: {provider: entra, tenant: example.org, owners: [a@example.org], warn: 40d, secret: env:SHARED, params: {x: 1}, expires: never, graph: https://graph.example.org}
";
    let apps = read_text(text).unwrap().apps;
    assert_eq!(apps[0].credentials[0].key, Key::Secret(SecretRef::Env("SHARED".to_owned())));
    assert_eq!(apps[0].credentials[0].expires, Some(Expires::Never));
    assert_eq!((apps[0].warn, apps[1].warn), (Some(Period::from_days(40)), Some(Period::from_days(5))));
    assert_eq!((apps[0].owners.len(), apps[1].owners.len()), (1, 0));
    assert!(Arc::ptr_eq(&apps[0].owners, &apps[2].owners), "what is shared is kept once");
    assert_eq!(apps[1].registration.tenant, None, "another provider's field is not inherited");
    assert_eq!(apps[2].auth_method, AuthMethod::PrivateKeyJwt);
    assert!(matches!(apps[2].credentials[0].key, Key::Certificate { .. }));
    assert_eq!(apps[2].params.keys().collect::<Vec<_>>(), ["own"]);
}

#[test]
fn an_app_knows_where_its_entry_begins() {
    let apps = "apps:\n  # one\n  - {name: a, client_id: x}\n\n  -\n    name: b\n    client_id: y\n  - {<<: {client_id: z},\n     name: c}\n";
    let defaults = "defaults: {provider: entra, tenant: example.org}\n";
    for (text, lines) in
        [(format!("version: 1\n{defaults}{apps}"), [5, 8, 10]), (format!("version: 1\n{apps}{defaults}"), [4, 7, 9])]
    {
        let apps = read_text(&text).unwrap().apps;
        let origins: Vec<&Origin> = apps.iter().filter_map(|app| app.origin.as_ref()).collect();
        assert_eq!(origins.iter().map(|origin| origin.line).collect::<Vec<_>>(), lines, "{text}");
        assert!(origins.iter().all(|origin| origin.file.ends_with("apps.yaml")));
        assert!(Arc::ptr_eq(&origins[0].file, &origins[2].file), "kept once");
    }
}

#[test]
fn a_critical_longer_than_its_warn_is_a_warning_once_where_it_is_written() {
    let told = |defaults: &str, apps: &[&str]| {
        let apps: String = apps.iter().map(|app| format!("  - {{client_id: x, {app}}}\n")).collect();
        let text = format!("version: 1\ndefaults: {{provider: entra, tenant: example.org{defaults}}}\napps:\n{apps}");
        let warnings = read_text(&text).unwrap_or_else(|faults| panic!("{faults}")).warnings;
        let line = |one: &Fault| format!("{} {} {}", one.line, one.code.name(), one.path);
        warnings.iter().map(line).collect::<Vec<_>>()
    };
    let code = "CRITICAL_BEFORE_WARN";
    assert_eq!(told("", &["name: a, critical: 60d"]), [format!("4 {code} apps[0].critical")], "the policy says 30d");
    assert_eq!(told("", &["name: a, warn: 90d, critical: 60d", "name: b, warn: 1d"]), [""; 0]);
    assert_eq!(told(", critical: 40d", &["name: a", "name: b"]), [format!("2 {code} defaults.critical")]);
    assert_eq!(told(", critical: 20d", &["name: a", "name: b, warn: 10d"]), [format!("5 {code} apps[1].warn")]);
}

#[test]
fn a_grace_under_a_day_is_a_warning() {
    let rotated = |times: &str| {
        let lines =
            format!("secret: file:/etc/s\nrotate: {{deliver_to: [{{store: \"file:/etc/s\", pick_up: 1h}}], {times}}}");
        let warnings = read_text(&with(&lines)).unwrap_or_else(|faults| panic!("{faults}")).warnings;
        warnings
            .iter()
            .map(|one| format!("{}:{} {} {}", one.line, one.column, one.code.name(), one.path))
            .collect::<Vec<_>>()
    };
    assert_eq!(rotated("grace: 23h"), ["7:72 SHORT_TIME apps[0].rotate.grace"]);
    assert_eq!(rotated("grace: 24h"), [""; 0]);
    assert_eq!(rotated("before: 30d"), [""; 0], "the usual grace is a week");
}

#[test]
fn aliases_and_merges_are_read_and_their_faults_are_placed() {
    let text = "
version: 1
apps:
  - &first {name: a, provider: entra, tenant: example.org, client_id: x, tags: &tags [t]}
  - {<<: *first, name: b, tags: *tags}
  - {<<: [*first], name: c}
";
    let apps = read_text(text).unwrap().apps;
    assert_eq!((&*apps[1].name, apps[1].client_id.as_str(), apps[1].tags.len()), ("b", "x", 1));
    assert_eq!(&*apps[2].name, "c");
    let faults = read_text(&text.replace("name: c", "name: c, warn: soon")).unwrap_err();
    insta::assert_snapshot!(faults, @r"
    apps.yaml:6:35: INVALID_VALUE apps[2].warn: this is no duration
        a whole number and one of ms, s, m, h, d, w, as in `30d`
    ");
}

#[test]
fn many_uses_of_one_anchor_are_no_attack() {
    let mut text =
        String::from("version: 1\napps:\n  - &one {name: app-0, provider: entra, tenant: example.org, client_id: x}\n");
    for index in 1..2_000 {
        text.push_str(&format!("  - {{<<: *one, name: app-{index}}}\n"));
    }
    assert_eq!(read_text(&text).unwrap().apps.len(), 2_000);
}

#[test]
fn a_rotation_is_kept_with_its_defaults() {
    let app = app(
        "secret: file:/etc/etl/secret\nrotate: {lifetime: 90d, retire: true, deliver_to: [file:/etc/etl/secret, {store: \"kubernetes:jobs/etl#secret\", pick_up: 9d}, hook:etl, person:ops@example.org], before: 45d}",
    );
    let rotation = app.credentials[0].rotate.as_deref().unwrap();
    assert_eq!((rotation.before, rotation.lifetime), (Period::from_days(45), Period::from_days(90)));
    assert_eq!(rotation.grace, Period::from_days(9), "the slowest consumer decides");
    assert_eq!(rotation.abandon_after, Period::from_days(14));
    assert!(rotation.retire && !rotation.retire_without_usage && !rotation.frozen && !rotation.allow_gap);
    assert_eq!(rotation.deliver_to[2].to, Destination::Hook("etl".to_owned()));
    assert_eq!(rotation.deliver_to[3].to, Destination::Person("ops@example.org".to_owned()));
}

#[test]
fn every_example_is_read_alone_and_all_together() {
    let folder = file("inventory/examples");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 10);
    for file in &files {
        let inventory =
            read(std::slice::from_ref(file), &Settings::default()).unwrap_or_else(|faults| panic!("{faults}"));
        assert!(!inventory.apps.is_empty());
    }
    let all = read(&[folder], &Settings::default()).unwrap();
    assert_eq!((all.files.len(), all.apps.len(), all.subjects().count()), (10, 14, 15));
    let deskpro = all.apps.iter().find(|app| &*app.name == "deskpro-mail").unwrap();
    assert!(matches!(deskpro.credentials[0].expires, Some(Expires::At(at)) if crate::clock::is_never(at)));
}

/// A second reader of YAML, of another family, must see the same file.
#[test]
fn every_example_is_the_same_data_to_another_reader() {
    for entry in fs::read_dir(file("inventory/examples")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let other: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let apps = other.get("apps").and_then(|apps| apps.as_sequence()).unwrap();
        let ours = read(std::slice::from_ref(&path), &Settings::default()).unwrap().apps;
        assert_eq!(apps.len(), ours.len(), "{}", path.display());
        let tree = crate::yaml::Tree::parse(&text).ok().unwrap();
        assert!(same(&tree.root, &other), "{}", path.display());
        for (app, ours) in apps.iter().zip(&ours) {
            assert_eq!(app.get("name").and_then(|name| name.as_str()), Some(&*ours.name));
            assert_eq!(app.get("client_id").and_then(|id| id.as_str()), Some(ours.client_id.as_str()));
        }
    }
}

fn same(ours: &crate::yaml::Node<'_>, other: &serde_yaml::Value) -> bool {
    use crate::yaml::Value;
    match (&*ours.value, other) {
        (Value::Null, serde_yaml::Value::Null) => true,
        (Value::Text(text), serde_yaml::Value::String(other)) => text == other,
        (Value::Text(text), serde_yaml::Value::Number(number)) => *text == number.to_string(),
        (Value::Text(text), serde_yaml::Value::Bool(flag)) => *text == flag.to_string(),
        (Value::List(items), serde_yaml::Value::Sequence(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| same(item, other))
        }
        (Value::Map(entries), serde_yaml::Value::Mapping(others)) => {
            entries.len() == others.len()
                && entries.iter().all(|entry| others.get(&*entry.key).is_some_and(|other| same(&entry.node, other)))
        }
        _ => false,
    }
}

#[test]
fn the_schema_knows_every_key_and_refuses_others() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["required"], serde_json::json!(["version", "apps"]));
    for part in ["", "/$defs/App", "/$defs/Defaults", "/$defs/Credential", "/$defs/Rotate", "/$defs/Store"] {
        let part = schema.pointer(part).unwrap();
        assert_eq!(part["additionalProperties"], false);
        for (key, property) in part["properties"].as_object().unwrap() {
            assert!(property.get("description").is_some(), "{key} is described");
        }
    }
    assert_eq!(schema["$defs"]["App"]["required"], serde_json::json!(["name"]));
    assert!(schema["$defs"]["Defaults"]["properties"].get("name").is_none());
    assert!(schema["$defs"]["Defaults"]["properties"].get("provider").is_some());
}

#[test]
fn a_selection_takes_what_every_part_of_it_takes() {
    let text = |name: &str, tag: &str| format!("  - {{name: {name}, client_id: x, tags: [{tag}]}}\n");
    let apps: String =
        [("etl-a", "x"), ("etl-b", "y"), ("web", "x"), ("\"[odd\"", "z")].map(|(name, tag)| text(name, tag)).concat();
    let names = |selection: Selection| -> Vec<String> {
        let inventory =
            read_text(&format!("version: 1\ndefaults: {{provider: entra, tenant: example.org}}\napps:\n{apps}"))
                .unwrap();
        selection.apply(inventory).apps.iter().map(|app| app.name.to_string()).collect()
    };
    let only = |patterns: &[&str]| Selection {
        only: patterns.iter().map(|text| (*text).to_owned()).collect(),
        ..Selection::default()
    };
    assert_eq!(names(only(&["etl-*"])), ["etl-a", "etl-b"]);
    assert_eq!(names(only(&["web", "etl-[b]"])), ["etl-b", "web"]);
    assert_eq!(names(only(&["[odd"])), ["[odd"], "what is no pattern is a name");
    assert_eq!(
        names(Selection { tags: vec!["x".to_owned(), "z".to_owned()], ..Selection::default() }),
        ["etl-a", "web", "[odd"]
    );
    assert_eq!(names(Selection { tags: vec!["x".to_owned()], ..only(&["etl-*"]) }), ["etl-a"]);
    let shards: Vec<usize> = ["0/3", "1/3", "2/3"]
        .map(|shard| names(Selection { shard: Some(shard.parse().unwrap()), ..Selection::default() }).len())
        .to_vec();
    assert_eq!(shards.iter().sum::<usize>(), 4);
    assert!(!Selection::default().is_partial() && only(&["*"]).is_partial());
    for wrong in ["", "1", "3/3", "-1/3", "1/0", "a/b"] {
        assert_eq!(wrong.parse::<Shard>(), Err(NotAShard), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "[ -~\n\t\u{85}é]{0,200}") {
        let _ = told_any(&text);
    }

    #[test]
    fn no_mutation_of_a_good_file_makes_reading_panic(
        which in 0..10_usize, cut in any::<prop::sample::Index>(), length in 0..12_usize,
        put in "([:{}\\[\\],&*!|>'\"%@`#~ \n\t-]|<<|\\.|a|1){0,4}",
    ) {
        let mut files: Vec<_> = fs::read_dir(file("inventory/examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut text: Vec<char> = fs::read_to_string(&files[which]).unwrap().chars().collect();
        let start = cut.index(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, put.chars());
        let _ = told_any(&text.into_iter().collect::<String>());
    }
}

/// Faults, whatever they are; reading must only come back.
fn told_any(text: &str) -> Option<String> {
    read_text(text).err().map(|faults| faults.to_string())
}
