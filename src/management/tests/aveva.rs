use super::*;
use crate::sandbox::{self, Platform, Trouble};

const TENANT: &str = "65292b6c-ec16-414a-b583-ce7ae04046d4";

/// A region with one client of one secret and an administrator, and the client's management by the latter.
async fn stage() -> (Sandbox, Aveva, String) {
    let (sandbox, value) = region().await;
    let admin = register(&sandbox, TENANT, "admin", "7");
    sandbox.aveva().make_administrator("admin");
    let (_, token) = sign_in(&sandbox, "admin", &admin).await;
    let aveva = managing(&sandbox, &token.unwrap(), TENANT, "line");
    (sandbox, aveva, value)
}

/// Without an administrator.
async fn region() -> (Sandbox, String) {
    let sandbox = Sandbox::start().await.unwrap();
    let value = register(&sandbox, TENANT, "line", "41");
    (sandbox, value)
}

fn register(sandbox: &Sandbox, tenant: &str, client: &str, id: &str) -> String {
    let credential = sandbox::Credential::issue(Platform::Aveva, id.to_owned(), None);
    let value = credential.value().expose().to_owned();
    sandbox.directory().register(sandbox::App {
        platform: Platform::Aveva,
        tenant: tenant.to_owned(),
        client_id: client.to_owned(),
        name: client.to_owned(),
        enabled: true,
        credentials: vec![credential],
    });
    value
}

async fn sign_in(sandbox: &Sandbox, client: &str, value: &str) -> (u16, Option<String>) {
    let url = base(sandbox).join("/identity/connect/token").unwrap();
    ask(url, &[("grant_type", "client_credentials"), ("client_id", client), ("client_secret", value)]).await
}

fn managing(sandbox: &Sandbox, token: &str, tenant: &str, client: &str) -> Aveva {
    Aveva::new(api(), Arc::new(Token(token.to_owned())), base(sandbox), tenant, client)
}

async fn accepts(sandbox: &Sandbox, value: &str) -> bool {
    sign_in(sandbox, "line", value).await.0 == 200
}

#[tokio::test]
async fn a_second_secret_is_made_with_our_marker_and_the_first_is_deleted_and_dies_within_the_hour() {
    let (sandbox, aveva, old) = stage().await;
    let order = order(None);
    let created = aveva.create(&order).await.unwrap();
    assert_eq!((created.key_id.as_deref(), created.end), (Some("42"), Some(order.end)));
    assert!(created.date.is_some());
    assert!(accepts(&sandbox, &old).await && accepts(&sandbox, created.value.expose()).await);

    let listing = aveva.list().await.unwrap();
    assert!(listing.date.is_some());
    let seen: Vec<_> = listing.credentials.iter().map(|one| (one.id.as_str(), one.label.as_deref(), one.end)).collect();
    assert_eq!(seen, [("41", None, None), ("42", Some(order.marker.as_str()), Some(order.end))]);

    assert_eq!(aveva.remove("41").await, Ok(Removed::Removed));
    assert_eq!(aveva.remove("41").await, Ok(Removed::Gone));
    assert_eq!(sandbox.aveva().secrets("line"), ["42"]);
    assert!(accepts(&sandbox, &old).await, "a deletion takes its time");
    sandbox.aveva().settle();
    assert!(!accepts(&sandbox, &old).await && accepts(&sandbox, created.value.expose()).await);
    assert!(aveva.capabilities().removal_delay >= Duration::from_secs(3600));
}

#[tokio::test]
async fn an_eleventh_secret_is_refused_and_so_is_an_end_that_has_passed() {
    let (sandbox, aveva, _) = stage().await;
    let past = Order { end: "2020-01-01T00:00:00Z".parse().unwrap(), ..order(None) };
    insta::assert_snapshot!(told(aveva.create(&past).await), @"refused, Refused: AVEVA: making a secret is answered with HTTP 400");
    for _ in 1..10 {
        aveva.create(&order(None)).await.unwrap();
    }
    insta::assert_snapshot!(told(aveva.create(&order(None)).await), @"refused, Refused: AVEVA: making a secret is answered with HTTP 400");
    assert_eq!(sandbox.aveva().secrets("line").len(), 10);
}

#[tokio::test]
async fn only_a_definite_no_says_that_nothing_was_made() {
    for (trouble, expected, made_now, made_late) in [
        (Trouble::LostReply, "unknown", 2, 2),
        (Trouble::GatewayFault, "unknown", 2, 2),
        (Trouble::ServerFault, "unknown", 1, 1),
        (Trouble::LateApply, "unknown", 1, 2),
        (Trouble::Throttled(17), "refused, Throttled { retry_after: Some(17s) }", 1, 1),
    ] {
        let (sandbox, aveva, _) = stage().await;
        sandbox.aveva().troubles.add(trouble);
        let told = told(aveva.create(&order(None)).await);
        assert!(told.starts_with(expected), "{trouble:?}: {told}");
        let listed = async || aveva.list().await.unwrap().credentials.len();
        assert_eq!(listed().await, made_now, "{trouble:?}");
        sandbox.aveva().troubles.catch_up();
        assert_eq!(listed().await, made_late, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_removal_is_sent_once_and_its_fate_told_as_it_is() {
    for (trouble, expected, left) in [
        (Trouble::LostReply, "NoAnswer", 1),
        (Trouble::GatewayFault, "NoAnswer", 1),
        (Trouble::ServerFault, "NoAnswer", 2),
        (Trouble::Throttled(5), "Throttled", 2),
    ] {
        let (sandbox, aveva, _) = stage().await;
        aveva.create(&order(None)).await.unwrap();
        sandbox.aveva().troubles.add(trouble);
        let told = fault(&aveva.remove("41").await.unwrap_err());
        assert!(told.starts_with(expected), "{trouble:?}: {told}");
        assert_eq!(sandbox.aveva().secrets("line").len(), left, "{trouble:?}");
        let again = aveva.remove("41").await.unwrap();
        assert_eq!(again, if left == 1 { Removed::Gone } else { Removed::Removed }, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_client_manages_its_own_secrets_and_nobody_elses() {
    let (sandbox, value) = region().await;
    register(&sandbox, TENANT, "other", "55");
    let token = sign_in(&sandbox, "line", &value).await.1.unwrap();
    let own = managing(&sandbox, &token, TENANT, "line");
    let created = own.create(&order(None)).await.unwrap();
    assert_eq!(own.remove("41").await, Ok(Removed::Removed));
    assert_eq!(own.list().await.unwrap().credentials.len(), 1);
    assert!(accepts(&sandbox, created.value.expose()).await);

    let other = managing(&sandbox, &token, TENANT, "other");
    insta::assert_snapshot!(fault(&other.list().await.unwrap_err()), @"Forbidden: AVEVA: listing the secrets is answered with HTTP 403");
    insta::assert_snapshot!(told(other.create(&order(None)).await), @"refused, Forbidden: AVEVA: making a secret is answered with HTTP 403");
    insta::assert_snapshot!(fault(&other.remove("55").await.unwrap_err()), @"Forbidden: AVEVA: deleting a secret is answered with HTTP 403");
    assert_eq!(sandbox.aveva().secrets("other"), ["55"]);
}

#[tokio::test]
async fn another_tenant_a_client_that_is_not_there_and_a_token_that_is_not_good_are_told() {
    let (sandbox, _, _) = stage().await;
    let admin = register(&sandbox, "elsewhere", "admin-of-another", "9");
    sandbox.aveva().make_administrator("admin-of-another");
    let token = sign_in(&sandbox, "admin-of-another", &admin).await.1.unwrap();
    let elsewhere = managing(&sandbox, &token, TENANT, "line");
    insta::assert_snapshot!(fault(&elsewhere.list().await.unwrap_err()), @"Forbidden: AVEVA: listing the secrets is answered with HTTP 403");
    let missing = managing(&sandbox, &token, "elsewhere", "line");
    insta::assert_snapshot!(fault(&missing.list().await.unwrap_err()), @"NotFound: AVEVA: listing the secrets is answered with HTTP 404");
    insta::assert_snapshot!(fault(&missing.remove("41").await.unwrap_err()), @"NotFound: AVEVA: listing the secrets is answered with HTTP 404");
    let stranger = managing(&sandbox, ADMIN, TENANT, "line");
    insta::assert_snapshot!(fault(&stranger.list().await.unwrap_err()), @"SignIn: AVEVA: listing the secrets is answered with HTTP 401");
    insta::assert_snapshot!(told(stranger.create(&order(None)).await), @"refused, SignIn: AVEVA: making a secret is answered with HTTP 401");
}

#[tokio::test]
async fn an_id_that_is_no_number_leads_nowhere() {
    let (sandbox, aveva, _) = stage().await;
    for id in ["..", "", "41/../..", "x"] {
        let told = fault(&aveva.remove(id).await.unwrap_err());
        assert_eq!(told, "Refused: AVEVA: the id of a secret is a number here");
    }
    assert_eq!(sandbox.aveva().secrets("line"), ["41"]);
}

#[tokio::test]
async fn a_list_is_whole_or_none_in_either_case_of_its_names() {
    let entry =
        serde_json::json!({ "id": 41, "expiration": "2027-05-01T00:00:00Z", "expires": true, "description": "x" });
    for (status, total, expected) in
        [(200, "1", "1 listed"), (200, "11", "not whole"), (200, "0", "not whole"), (207, "1", "not whole")]
    {
        let server = wiremock::MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(status)
            .insert_header("Total-Count", total)
            .set_body_json(serde_json::json!([entry]));
        wiremock::Mock::given(wiremock::matchers::method("GET")).respond_with(answer).mount(&server).await;
        let aveva = Aveva::new(api(), Arc::new(Token("t".to_owned())), server.uri().parse().unwrap(), TENANT, "line");
        let told = match aveva.list().await {
            Ok(listing) => format!("{} listed", listing.credentials.len()),
            Err(told) => fault(&told),
        };
        assert!(told.contains(expected), "{status} {total}: {told}");
    }
}
