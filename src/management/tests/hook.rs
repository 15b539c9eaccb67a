use super::*;
use crate::{hook::Subject, settings::Verb};

/// A provider that is a file: one line `ID MARKER` for each credential.
fn managed(script: &str) -> Hook {
    let program = ["/bin/sh", "-c", script, "hook"].map(str::to_owned).to_vec();
    let settings = settings::Hook { program, verbs: vec![Verb::Create, Verb::List, Verb::Remove] };
    Hook::new(&settings, Subject { app: "etl".to_owned(), label: None, client_id: "c".to_owned() })
}

#[tokio::test]
async fn a_credential_is_made_found_by_its_marker_and_removed_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let hook = managed(&format!(
        r#"f={}/credentials; touch $f; input=$(cat)
        field() {{ echo "$input" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }}
        case $1 in
            create) echo "k7 $(field marker)" >> $f; printf '{{"id": "k7", "value": "{NEW}", "end": "%s"}}' "$(field end)" ;;
            list) printf '{{"credentials": ['; sed 's/\(.*\) \(.*\)/{{"id": "\1", "marker": "\2"}}/' $f; printf ']}}' ;;
            remove) if grep -q "^$(field id) " $f; then : > $f; echo '{{"removed": true}}'; else echo '{{"removed": false}}'; fi ;;
        esac"#,
        folder.path().display()
    ));
    let order = order(None);
    let made = hook.create(&order).await.unwrap();
    assert_eq!((made.key_id.as_deref(), made.value.expose(), made.end), (Some("k7"), NEW, Some(order.end)));
    let listing = hook.list().await.unwrap();
    assert_eq!(listing.credentials[0].label.as_deref(), Some(order.marker.as_str()));
    assert_eq!(hook.remove("k7").await, Ok(Removed::Removed));
    assert_eq!(hook.remove("k7").await, Ok(Removed::Gone));
}

#[tokio::test]
async fn only_two_exit_codes_say_that_nothing_was_made() {
    let mut ends = Vec::new();
    for script in ["exit 75", "exit 77", "exit 1", "echo '{}'", "echo '{\"id\": \"k\", \"value\": \"\"}'"] {
        ends.push(told(managed(script).create(&order(None)).await));
    }
    insta::assert_snapshot!(ends.join("\n"), @r"
    refused, Throttled { retry_after: None }: hook etl (create): nothing was done, later it may be (exit code 75)
    refused, Refused: hook etl (create): it refuses (exit code 77)
    unknown: hook etl (create): the program ended with exit code 1
    unknown: hook etl (create): it ended well, but its output is not the JSON object that this verb answers with
    unknown: the hook made a credential and gave an empty value
    ");
}

#[test]
fn an_app_is_managed_by_the_hook_of_its_name_that_can_do_all_of_it() {
    let hook = |verbs: &[Verb]| settings::Hook { program: vec!["/bin/true".to_owned()], verbs: verbs.to_vec() };
    let hooks = [
        ("etl".to_owned(), hook(&[Verb::List, Verb::Create, Verb::Remove])),
        ("half".to_owned(), hook(&[Verb::List, Verb::Create])),
    ]
    .into();
    assert!(hook_of_app("etl", &hooks).is_some());
    assert!(hook_of_app("half", &hooks).is_none() && hook_of_app("other", &hooks).is_none());
}
