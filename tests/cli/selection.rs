use crate::{
    endpoint::Endpoint,
    program::{Program, app},
};

fn program(endpoint: &Endpoint) -> Program {
    let apps: String = (0..20)
        .map(|i| {
            app(&format!("app-{i:02}"), &endpoint.url(), "S")
                + if i % 2 == 0 { "    tags: [even]\n" } else { "    tags: [odd, prime]\n" }
        })
        .collect();
    Program::with_inventory(&format!("version: 1\napps:\n{apps}")).env("S", "s3cret")
}

fn names(report: &serde_json::Value) -> Vec<String> {
    report["credentials"].as_array().unwrap().iter().map(|c| c["app"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn globs_and_tags_select_in_inventory_order() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    assert_eq!(
        names(&program.audit(&["--only", "app-1?", "--tag", "even"]).1),
        ["app-10", "app-12", "app-14", "app-16", "app-18"]
    );
    assert_eq!(names(&program.audit(&["--tag", "even", "--tag", "prime"]).1).len(), 20);
    let all = names(&program.audit(&[]).1);
    assert!(all.is_sorted() && all.len() == 20);
}

#[test]
fn selecting_nothing_is_2() {
    let endpoint = Endpoint::tokens();
    assert_eq!(program(&endpoint).run(&["audit", "--only", "nonsuch"]).code, 2);
    assert_eq!(program(&endpoint).run(&["audit", "--tag", "nonsuch"]).code, 2);
    assert!(endpoint.requests().is_empty());
}

#[test]
fn shards_cover_every_app_once() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    let mut seen: Vec<String> = (0..3)
        .flat_map(|i| {
            let (_, report) = program.audit(&["--shard", &format!("{i}/3")]);
            assert_eq!(report["run"]["shard"], format!("{i}/3"));
            names(&report)
        })
        .collect();
    seen.sort();
    assert_eq!(seen.len(), 20);
    seen.dedup();
    assert_eq!(seen.len(), 20);
    assert_eq!(program.run(&["audit", "--shard", "3/3"]).code, 2);
}
