use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path_regex};

use super::*;
use crate::{
    clock,
    sandbox::{App, AppPolicy, Credential, Platform, Trouble},
};

const TENANT: &str = "d0070a32-58f9-456f-933e-cf72e5638957";
const APP: &str = "5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c";
const MANAGER: &str = "8f0b6c1d-2a3e-4c5b-9d7f-1e2a3b4c5d6e";
const OLD_ID: &str = "6befd701-d38a-45b1-bbad-79ddca296f85";
const OTHER_ID: &str = "0b3e1f52-7c4d-4a1b-8f6e-2d9c0a7b5e41";
const SAML_ID: &str = "c1d2e3f4-a5b6-4c7d-8e9f-0a1b2c3d4e5f";
const ROLES: [&str; 2] = ["Application.ReadWrite.All", "Policy.Read.All"];

fn register(sandbox: &Sandbox, client_id: &str, credentials: Vec<Credential>) {
    let (tenant, client_id, name) = (TENANT.to_owned(), client_id.to_owned(), "ledger".to_owned());
    let app = App { platform: Platform::Entra, tenant, client_id, name, enabled: true, credentials };
    sandbox.directory().register(app);
}

fn held(value: &str, key_id: &str) -> Credential {
    Credential::of(secret(value), key_id.to_owned(), Some(clock::now() + TimeDelta::days(20)))
}

async fn stage_with(credentials: Vec<Credential>, roles: &[&str]) -> (Sandbox, Entra) {
    let sandbox = Sandbox::start().await.unwrap();
    register(&sandbox, APP, credentials);
    register(&sandbox, MANAGER, vec![held(ADMIN, "manager")]);
    sandbox.graph().grant(MANAGER, roles);
    let entra = managing(&sandbox, &token(&sandbox, MANAGER, ADMIN).await.unwrap(), APP);
    (sandbox, entra)
}

async fn stage() -> (Sandbox, Entra) {
    stage_with(vec![held(OLD, OLD_ID)], &ROLES).await
}

fn managing(sandbox: &Sandbox, token: &str, app: &str) -> Entra {
    Entra::new(api(), Arc::new(Token(token.to_owned())), base(sandbox), app)
}

async fn token(sandbox: &Sandbox, client_id: &str, value: &str) -> Option<String> {
    let url = base(sandbox).join(&format!("/{TENANT}/oauth2/v2.0/token")).unwrap();
    let scope = format!("http://{}/.default", sandbox.address());
    let fields = [("grant_type", "client_credentials"), ("scope", &scope), ("client_id", client_id)];
    ask(url, &[&fields[..], &[("client_secret", value)]].concat()).await.1
}

async fn accepts(sandbox: &Sandbox, value: &str) -> bool {
    token(sandbox, APP, value).await.is_some()
}

#[tokio::test]
async fn both_objects_are_listed_and_a_removal_goes_to_the_one_it_is_on() {
    let mut on_principal = held(NEW, OTHER_ID);
    on_principal.on_principal = true;
    let mut saml = Credential::issue(Platform::Entra, SAML_ID.to_owned(), None);
    (saml.on_principal, saml.certificate) = (true, Some("dGh1bWJwcmludA==".to_owned()));
    let (sandbox, entra) = stage_with(vec![held(OLD, OLD_ID), on_principal, saml], &ROLES).await;

    let listing = entra.list().await.unwrap();
    assert!(listing.date.is_some());
    let seen: Vec<_> =
        listing.credentials.iter().map(|one| (one.id.as_str(), one.on, one.is_secret, one.end.is_some())).collect();
    let (application, principal) = (Holder::Application, Holder::ServicePrincipal);
    assert_eq!(
        seen,
        [(OLD_ID, application, true, true), (OTHER_ID, principal, true, true), (SAML_ID, principal, false, false)]
    );
    assert_eq!(listing.credentials[0].hint.as_deref(), Some(&OLD[..3]));

    assert!(accepts(&sandbox, NEW).await);
    assert_eq!(entra.remove(OTHER_ID).await, Ok(Removed::Removed));
    assert_eq!(entra.remove(OTHER_ID).await, Ok(Removed::Gone));
    assert!(accepts(&sandbox, OLD).await && !accepts(&sandbox, NEW).await);
    assert_eq!(entra.remove(OLD_ID).await, Ok(Removed::Removed));
    assert!(!accepts(&sandbox, OLD).await);
}

#[tokio::test]
async fn a_secret_is_made_with_one_request_and_bears_the_marker() {
    for (on, is_principal) in [(Holder::Application, false), (Holder::ServicePrincipal, true)] {
        let (sandbox, entra) = stage().await;
        let order = Order { on, ..order(None) };
        let created = entra.create(&order).await.unwrap();
        assert_eq!(sandbox.requests().seen().changes, 1);
        assert_eq!((created.end, created.date.is_some()), (Some(order.end), true));
        assert!(accepts(&sandbox, OLD).await && accepts(&sandbox, created.value.expose()).await);
        let listing = entra.list().await.unwrap();
        let made = listing.credentials.iter().find(|one| Some(&one.id) == created.key_id.as_ref()).unwrap();
        assert_eq!((made.label.as_deref(), made.on), (Some(order.marker.as_str()), on));
        assert_eq!(made.hint.as_deref(), created.value.expose().get(..3));
        assert_eq!(made.on == Holder::ServicePrincipal, is_principal);
    }
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
        let (sandbox, entra) = stage().await;
        sandbox.graph().troubles.add(trouble);
        let told = told(entra.create(&order(None)).await);
        assert!(told.starts_with(expected), "{trouble:?}: {told}");
        assert_eq!(sandbox.requests().seen().changes, 1, "{trouble:?}");
        let listed = async || entra.list().await.unwrap().credentials.len();
        assert_eq!(listed().await, made_now, "{trouble:?}");
        sandbox.graph().troubles.catch_up();
        assert_eq!(listed().await, made_late, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_removal_whose_answer_is_lost_was_done_and_one_that_is_refused_was_not() {
    for (trouble, left) in
        [(Trouble::LostReply, 0), (Trouble::GatewayFault, 0), (Trouble::ServerFault, 1), (Trouble::Throttled(5), 1)]
    {
        let (sandbox, entra) = stage().await;
        entra.list().await.unwrap();
        sandbox.graph().troubles.add(trouble);
        let told = fault(&entra.remove(OLD_ID).await.unwrap_err());
        assert!(told.starts_with("NoAnswer") || told.starts_with("Throttled"), "{told}");
        assert_eq!(sandbox.graph().passwords(APP).len(), left, "{trouble:?}");
    }
}

#[tokio::test]
async fn whatever_is_in_the_way_of_a_new_secret_is_told() {
    let (sandbox, entra) = stage().await;
    sandbox.graph().set_policy(AppPolicy { max_days: Some(30), ..AppPolicy::default() });
    insta::assert_snapshot!(told(entra.create(&order(None)).await), @"refused, Refused: Microsoft Graph: making a secret is answered with HTTP 400");
    sandbox.graph().set_policy(AppPolicy { no_new_secrets: true, ..AppPolicy::default() });
    insta::assert_snapshot!(told(entra.create(&order(None)).await), @"refused, Refused: Microsoft Graph: making a secret is answered with HTTP 400");
    sandbox.graph().set_policy(AppPolicy::default());
    sandbox.graph().set_limit(1);
    insta::assert_snapshot!(told(entra.create(&order(None)).await), @"refused, Refused: Microsoft Graph: making a secret is answered with HTTP 400");
    assert_eq!(sandbox.graph().passwords(APP).len(), 1);

    let (_other, reader) = stage_with(vec![held(OLD, OLD_ID)], &["Application.Read.All"]).await;
    insta::assert_snapshot!(told(reader.create(&order(None)).await), @"refused, Forbidden: Microsoft Graph: making a secret is answered with HTTP 403");
    insta::assert_snapshot!(fault(&reader.remove(OLD_ID).await.unwrap_err()), @"Forbidden: Microsoft Graph: removing a secret is answered with HTTP 403");
    assert_eq!(reader.list().await.unwrap().credentials.len(), 1);

    let elsewhere = managing(&sandbox, &token(&sandbox, MANAGER, ADMIN).await.unwrap(), OTHER_ID);
    insta::assert_snapshot!(fault(&elsewhere.list().await.unwrap_err()), @"NotFound: Microsoft Graph: reading the app is answered with HTTP 404");
    let stranger = managing(&sandbox, ADMIN, APP);
    insta::assert_snapshot!(fault(&stranger.list().await.unwrap_err()), @"SignIn: Microsoft Graph: reading the app is answered with HTTP 401");
    insta::assert_snapshot!(told(stranger.create(&order(None)).await), @"refused, SignIn: Microsoft Graph: making a secret is answered with HTTP 401");
}

#[tokio::test]
async fn a_token_for_another_api_or_of_an_app_without_rights_opens_nothing() {
    let (sandbox, _) = stage().await;
    let own = managing(&sandbox, &token(&sandbox, APP, OLD).await.unwrap(), APP);
    insta::assert_snapshot!(fault(&own.list().await.unwrap_err()), @"Forbidden: Microsoft Graph: reading the app is answered with HTTP 403");
    let url = base(&sandbox).join(&format!("/{TENANT}/oauth2/v2.0/token")).unwrap();
    let fields = [("grant_type", "client_credentials"), ("client_id", MANAGER), ("client_secret", ADMIN)];
    let vault = ask(url, &[&fields[..], &[("scope", "https://vault.azure.net/.default")]].concat()).await.1.unwrap();
    let vault = managing(&sandbox, &vault, APP);
    insta::assert_snapshot!(fault(&vault.list().await.unwrap_err()), @"SignIn: Microsoft Graph: reading the app is answered with HTTP 401");
}

#[tokio::test]
async fn limits_and_policies_are_known_before_anything_is_made() {
    const DAY: u64 = 86_400;
    let (sandbox, entra) = stage().await;
    assert_eq!(entra.constraints().await, Ok(Constraints::default()));
    sandbox.graph().set_policy(AppPolicy { max_days: Some(180), ..AppPolicy::default() });
    let longest = Some(Duration::from_secs(180 * DAY));
    assert_eq!(entra.constraints().await, Ok(Constraints { max_lifetime: longest, ..Constraints::default() }));
    sandbox.graph().set_policy(AppPolicy { no_new_secrets: true, ..AppPolicy::default() });
    let forbidden = entra.constraints().await.unwrap().forbidden;
    insta::assert_snapshot!(forbidden.unwrap(), @"the tenant's policy forbids new client secrets");

    sandbox.graph().set_audience(APP, "AzureADandPersonalMicrosoftAccount");
    entra.list().await.unwrap();
    assert_eq!(entra.constraints().await.unwrap().limit, Some(2));
    sandbox.graph().set_policy(AppPolicy { max_days: Some(180), ..AppPolicy::default() });
    // The app's own policy stands in the tenant's place, wherever it is stricter or not.
    for max_days in [30, 365] {
        sandbox.graph().set_own_policy(APP, false, AppPolicy { max_days: Some(max_days), ..AppPolicy::default() });
        let own = entra.constraints().await.unwrap().max_lifetime.unwrap();
        assert_eq!(own.as_secs(), max_days.unsigned_abs() * DAY);
    }
    // Whoever may not read the policy is told by the create itself.
    let (_other, narrow) = stage_with(vec![held(OLD, OLD_ID)], &["Application.ReadWrite.All"]).await;
    assert_eq!(narrow.constraints().await, Ok(Constraints::default()));
}

#[tokio::test]
async fn a_principals_policy_binds_its_own_secrets_alone() {
    let mut on_principal = held(NEW, OTHER_ID);
    on_principal.on_principal = true;
    let (sandbox, entra) = stage_with(vec![held(OLD, OLD_ID), on_principal], &ROLES).await;
    sandbox.graph().set_own_policy(APP, true, AppPolicy { no_new_secrets: true, ..AppPolicy::default() });
    entra.list().await.unwrap();
    let constraints = entra.constraints().await.unwrap();
    let forbids = |holder| constraints.on(holder).forbidden.is_some();
    assert_eq!([Holder::Application, Holder::ServicePrincipal].map(forbids), [false, true]);
    let refused = Order { on: Holder::ServicePrincipal, ..order(None) };
    assert!(told(entra.create(&refused).await).starts_with("refused"));
    assert_eq!(told(entra.create(&order(None)).await), "made");
}

#[tokio::test]
async fn whoever_may_manage_owned_apps_alone_is_refused_all_others() {
    let (sandbox, entra) = stage_with(vec![held(OLD, OLD_ID)], &["Application.ReadWrite.OwnedBy"]).await;
    insta::assert_snapshot!(fault(&entra.list().await.unwrap_err()), @"Forbidden: Microsoft Graph: reading the app is answered with HTTP 403");
    insta::assert_snapshot!(told(entra.create(&order(None)).await), @"refused, Forbidden: Microsoft Graph: making a secret is answered with HTTP 403");
    sandbox.graph().set_owner(MANAGER, APP);
    assert_eq!(entra.list().await.unwrap().credentials.len(), 1);
    assert_eq!(told(entra.create(&order(None)).await), "made");
}

#[tokio::test]
async fn a_listing_is_whole_or_none() {
    for (trouble, expected) in [
        (Trouble::Throttled(9), "Throttled { retry_after: Some(9s) }"),
        (Trouble::ServerFault, "NoAnswer"),
        (Trouble::GatewayFault, "NoAnswer"),
        (Trouble::LostReply, "NoAnswer"),
    ] {
        let (sandbox, entra) = stage().await;
        sandbox.graph().read_troubles.add(trouble);
        let told = fault(&entra.list().await.unwrap_err());
        assert!(told.starts_with(expected), "{told}");
    }
    let whole = json!({ "passwordCredentials": [{ "keyId": OLD_ID, "displayName": null }], "keyCredentials": [] });
    let ok = |body: serde_json::Value| ResponseTemplate::new(200).set_body_json(body);
    for (application, principal, is_listed) in [
        (ok(whole.clone()), ok(whole.clone()), true),
        (ok(whole.clone()), ResponseTemplate::new(404), true),
        (ok(whole.clone()), ResponseTemplate::new(503), false),
        (ok(whole.clone()), ok(json!({})), false),
        (ok(json!({ "keyCredentials": [] })), ok(whole.clone()), false),
        (ok(json!({ "passwordCredentials": null, "keyCredentials": [] })), ok(whole.clone()), false),
    ] {
        let server = MockServer::start().await;
        Mock::given(path_regex("/v1.0/applications")).respond_with(application).mount(&server).await;
        Mock::given(path_regex("/v1.0/servicePrincipals")).respond_with(principal).mount(&server).await;
        let entra = Entra::new(api(), Arc::new(Token("t".to_owned())), server.uri().parse().unwrap(), APP);
        assert_eq!(entra.list().await.is_ok(), is_listed);
    }
}

#[tokio::test]
async fn a_policy_for_newer_apps_alone_does_not_bind_an_older_one() {
    let restriction = |kind: &str, after: &str| json!({ "restrictionType": kind, "state": "enabled", "maxLifetime": "P30D", "restrictForAppsCreatedAfterDateTime": after });
    for (after, binds) in [("2024-01-01T00:00:00Z", false), ("2022-01-01T00:00:00Z", true)] {
        let server = MockServer::start().await;
        let object =
            json!({ "createdDateTime": "2023-06-01T10:37:00Z", "passwordCredentials": [], "keyCredentials": [] });
        let restrictions = [restriction("passwordAddition", after), restriction("passwordLifetime", after)];
        let policy = json!({ "isEnabled": true, "applicationRestrictions": { "passwordCredentials": restrictions } });
        let answer = |body| ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path_regex("/v1.0/(applications|servicePrincipals)"))
            .respond_with(answer(object))
            .mount(&server)
            .await;
        Mock::given(path_regex("/v1.0/policies")).respond_with(answer(policy)).mount(&server).await;
        let entra = Entra::new(api(), Arc::new(Token("t".to_owned())), server.uri().parse().unwrap(), APP);
        entra.list().await.unwrap();
        let constraints = entra.constraints().await.unwrap();
        assert_eq!((constraints.forbidden.is_some(), constraints.max_lifetime.is_some()), (binds, binds));
    }
}

#[tokio::test]
async fn replicas_learn_of_a_new_secret_and_of_a_removal_one_after_another() {
    let (sandbox, entra) = stage().await;
    entra.list().await.unwrap();
    sandbox.directory().replicate(&[Duration::ZERO, Duration::from_secs(3600)]);
    let created = entra.create(&order(None)).await.unwrap();
    assert_eq!(entra.remove(OLD_ID).await, Ok(Removed::Removed));
    let new = created.value.expose();
    assert_eq!([accepts(&sandbox, new).await, accepts(&sandbox, new).await], [true, false]);
    assert_eq!([accepts(&sandbox, OLD).await, accepts(&sandbox, OLD).await], [false, true]);
    sandbox.directory().replicate(&[]);
    assert!(accepts(&sandbox, new).await && !accepts(&sandbox, OLD).await);
}

#[tokio::test]
async fn a_stale_listing_shows_what_was_there_before() {
    let (sandbox, entra) = stage().await;
    sandbox.graph().set_stale_listings(2);
    entra.create(&order(None)).await.unwrap();
    let listed = async || entra.list().await.unwrap().credentials.len();
    assert_eq!([listed().await, listed().await, listed().await], [1, 1, 2]);
}

#[tokio::test]
async fn a_request_can_be_held_before_it_is_done_or_after() {
    use crate::sandbox::Stop;
    for (done, left) in [(false, 1), (true, 2)] {
        let (sandbox, entra) = stage().await;
        sandbox.requests().stop_at(Stop { of_changes: true, nth: 1, done });
        let order = order(None);
        tokio::select! {
            _ = entra.create(&order) => panic!("it was answered"),
            seen = sandbox.requests().until(|seen| seen.stopped) => assert_eq!(seen.changes, 1),
        }
        assert_eq!(sandbox.graph().passwords(APP).len(), left);
    }
}
