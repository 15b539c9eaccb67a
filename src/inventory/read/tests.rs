//! App by app, a file says what it says as a whole.

use proptest::prelude::*;

use super::*;

/// The apps of a text, read app by app (`None` where that leaves it to the other way) and as a whole (`None` where
/// there is a fault).
fn both(text: &str) -> (Option<String>, Option<String>) {
    let (file, settings) = (Arc::from(Path::new("apps.yaml")), Settings::default());
    let new = || Reader::new(&file, Path::new(""), &settings);
    let (mut each, mut whole) = (new(), new());
    let is_read = each.read_each(text).map_err(|lone| lone.fault(&file));
    let is_sound = match (Tree::parse(text).map_err(|lone| lone.fault(&file)), &is_read) {
        (Ok(tree), Ok(_)) => {
            whole.read_whole(&tree);
            whole.check.notes.is_empty()
        }
        (Err(_), Ok(false)) => false,
        (Err(one), Err(other)) if one == *other => false,
        _ => panic!("only one way can read this:\n{text}"),
    };
    let made = |reader: &Reader<'_>| format!("{:?} {:?}", reader.apps, reader.names);
    (is_read.is_ok_and(|is_read| is_read).then(|| made(&each)), is_sound.then(|| made(&whole)))
}

const HEAD: &str = "version: 1\ndefaults: &d {provider: entra, tenant: contoso.onmicrosoft.com, tags: [a]}\n";

#[test]
fn the_usual_file_is_read_app_by_app() {
    for apps in [
        "apps: []",
        "apps:\n- {name: one, client_id: x, secret: env:X}\n- {<<: *d, name: two, client_id: 012, secret: env:X, tags: [b]}",
        "apps:\n- &one {name: one, client_id: x, secret: env:X}\n- {<<: *one, name: two}\n- name: three\n  client_id: y\n  credentials: [{label: a, secret: env:A}, {label: b, secret: env:B}]",
        "apps:\n- {name: 'null', client_id: '~', secret: env:X, notes: '', owners: [], params: {}}",
        "apps:\n- {&key name: &one one, client_id: x, notes: !!str ~}\n- {*key : two, client_id: *one}",
    ] {
        let (each, whole) = both(&format!("{HEAD}{apps}\n"));
        assert!(each.is_some() && each == whole, "{apps}: {each:?}");
    }
}

#[test]
fn what_an_app_alone_cannot_know_is_read_as_a_whole() {
    let app = "{name: one, client_id: x, secret: env:X}";
    for text in [
        format!("version: 1\napps: [{app}]\ndefaults: {{provider: entra, tenant: t.example}}\n"),
        format!("version: 1\ndefaults: {{provider: entra, tenant: t.example}}\napps: &all [{app}]\n"),
        format!("version: 1\n<<: {{defaults: {{provider: entra, tenant: t.example}}}}\napps: [{app}]\n"),
        format!("version: 1\n<<: {{apps: [{app}]}}\ndefaults: {{provider: entra, tenant: t.example}}\n"),
    ] {
        let (each, whole) = both(&text);
        assert!(each.is_none() && whole.is_some(), "{text}");
    }
}

#[test]
fn no_key_stands_without_a_value() {
    for field in [
        "secret:",
        "secret: ~",
        "secret: !!str",
        "secret: !!null x",
        "owners:",
        "tags: null",
        "tags: [a, ~]",
        "tags: [a, [~]]",
        "params: ~",
        "params: {a: }",
        "credentials: ~",
        "credentials: [~]",
        "credentials: [{secret: }]",
        "rotate:",
        "rotate: {deliver_to: }",
        "rotate: {deliver_to: [~]}",
        "rotate: {deliver_to: [{store: ~}]}",
    ] {
        let app = format!("- name: one\n  provider: entra\n  tenant: t.example\n  client_id: x\n  {field}\n");
        assert_eq!(both(&format!("version: 1\napps:\n{app}")), (None, None), "{field}");
    }
    for text in [
        "version: 1\napps:\n",
        "version: 1\napps: [~]\n",
        "version:\napps: []\n",
        "version: 1\ndefaults:\napps: []\n",
        "version: 1\napps: {}\n",
        "version: 1\nother: 1\napps: []\n",
        "version: 1\napps: []\napps: []\n",
        "version: 1\ndefaults: {}\ndefaults: {}\napps: []\n",
    ] {
        assert_eq!(both(text), (None, None), "{text}");
    }
}

/// Lines of an app, most of them good.
fn line_of_an_app() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "client_id: x",
        "client_id: &id 012",
        "notes: *id",
        "notes: |\n      two\n      lines",
        "notes: \"tab\\t\"",
        "secret: env:X",
        "secret: ~",
        "secret_id: 1.10",
        "provider: okta",
        "tags: &tags [a, \"b\"]",
        "tags: *tags",
        "tags:\n      - a\n      - true",
        "params: {resource: 1}",
        "params: {<<: {a: 1, b: 2}, a: 3}",
        "expires: 2099-03-01",
        "expires: soon",
        "critical: 60d",
        "enabled: false",
        "credentials: [{label: a, secret: env:A}, {label: b, secret: env:B}]",
        "<<: *d",
        "<<: [*d, {notes: merged}]",
        "<<: *app",
        "clientid: x",
        "? client_id\n    : y",
    ])
}

proptest! {
    #[test]
    fn both_ways_read_the_same(
        lines in prop::collection::vec(prop::collection::vec(line_of_an_app(), 0..6), 0..5),
        (anchored, order, list) in (0..5_usize, 0..4_usize, prop::sample::select(vec!["", " &all", " !!seq"])),
    ) {
        let app = |(index, lines): (usize, &Vec<&str>)| {
            let anchor = if index == anchored { "&app\n    " } else { "" };
            let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
            format!("  - {anchor}name: app-{index}\n{lines}")
        };
        let apps = format!("apps:{list}\n{}", lines.iter().enumerate().map(app).collect::<String>());
        let defaults = "defaults: &d {provider: entra, tenant: example.org, client_id: shared}\n";
        let text = match order {
            0 => format!("version: 1\n{apps}{defaults}"),
            1 => format!("{apps}version: 1\n"),
            _ => format!("version: 1\n{defaults}{apps}"),
        };
        let (each, whole) = both(&text);
        prop_assert!(each.is_none() || each == whole, "{text}");
        // Late defaults and lists with an anchor are left to the other way; every other sound file is read by both.
        prop_assert!(each.is_some() || whole.is_none() || order == 0 || list == " &all", "{text}");
    }
}
