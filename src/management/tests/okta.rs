use super::*;
use crate::{sandbox::Trouble, secret::Fingerprints};

const KEY: [u8; 32] = [7; 32];

/// An organisation with one app of one secret, and its management.
async fn stage() -> (Sandbox, Okta, String) {
    let (sandbox, token, first) = organisation().await;
    let okta = managing(&sandbox, &token, "0oaApp");
    (sandbox, okta, first)
}

fn managing(sandbox: &Sandbox, token: &str, app: &str) -> Okta {
    Okta::new(api(), Arc::new(Token(token.to_owned())), base(sandbox), app, KEY)
}

/// With a token for its management.
async fn organisation() -> (Sandbox, String, String) {
    let sandbox = Sandbox::start().await.unwrap();
    let first = sandbox.okta().register("0oaApp", secret(OLD));
    sandbox.okta().set_manager("0oaManager", secret(ADMIN));
    let url = base(&sandbox).join("/oauth2/v1/token").unwrap();
    let fields = [("grant_type", "client_credentials"), ("scope", OKTA_SCOPE), ("client_id", "0oaManager")];
    let (_, token) = ask(url, &[&fields[..], &[("client_secret", ADMIN)]].concat()).await;
    (sandbox, token.unwrap(), first)
}

async fn accepts(sandbox: &Sandbox, value: &str) -> bool {
    let url = base(sandbox).join("/oauth2/default/v1/token").unwrap();
    ask(url, &[("grant_type", "client_credentials"), ("client_id", "0oaApp"), ("client_secret", value)]).await.0 == 200
}

#[tokio::test]
async fn a_second_secret_is_made_with_our_value_and_the_first_is_deactivated_then_deleted() {
    let (sandbox, okta, first) = stage().await;
    let created = okta.create(&order(Some(NEW))).await.unwrap();
    assert_eq!(created.value.expose(), NEW);
    assert!(accepts(&sandbox, OLD).await && accepts(&sandbox, NEW).await);

    let listing = okta.list().await.unwrap();
    assert!(listing.date.is_some());
    let prints = Fingerprints::new(&KEY);
    let seen: Vec<_> = listing.credentials.iter().map(|one| (one.id.clone(), one.fingerprint, one.active)).collect();
    let second = created.key_id.unwrap();
    assert_eq!(
        seen,
        [(first.clone(), Some(prints.of(&secret(OLD))), true), (second.clone(), Some(prints.of(&secret(NEW))), true)]
    );

    assert_eq!(okta.remove(&first).await, Ok(Removed::Removed));
    assert_eq!(okta.remove(&first).await, Ok(Removed::Gone));
    assert_eq!(sandbox.okta().secrets("0oaApp"), [(second, true)]);
    assert!(!accepts(&sandbox, OLD).await && accepts(&sandbox, NEW).await);
}

#[tokio::test]
async fn a_third_secret_is_refused_and_nothing_is_made_without_a_value() {
    let (sandbox, okta, _) = stage().await;
    sandbox.okta().register("0oaApp", secret(ADMIN));
    insta::assert_snapshot!(told(okta.create(&order(Some(NEW))).await), @"refused, Refused: Okta: making a secret is answered with HTTP 400");
    insta::assert_snapshot!(told(okta.create(&order(None)).await), @"refused, Refused: Okta: no value was made that could be sent");
    assert_eq!(sandbox.okta().secrets("0oaApp").len(), 2);
}

#[tokio::test]
async fn only_a_definite_no_says_that_nothing_was_made() {
    for (trouble, expected, made_now, made_late) in [
        (Trouble::LostReply, "unknown", 2, 2),
        (Trouble::GatewayFault, "unknown", 2, 2),
        (Trouble::ServerFault, "unknown", 1, 1),
        (Trouble::LateApply, "unknown", 1, 2),
        (Trouble::Throttled(17), "refused, Throttled { retry_after: Some(1", 1, 1),
    ] {
        let (sandbox, okta, _) = stage().await;
        sandbox.okta().troubles.add(trouble);
        let told = told(okta.create(&order(Some(NEW))).await);
        assert!(told.starts_with(expected), "{trouble:?}: {told}");
        let listed = async || okta.list().await.unwrap().credentials.len();
        assert_eq!(listed().await, made_now, "{trouble:?}");
        sandbox.okta().troubles.catch_up();
        assert_eq!(listed().await, made_late, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_removal_cut_off_between_its_two_steps_is_finished_by_the_next() {
    for trouble in [Trouble::LostReply, Trouble::GatewayFault, Trouble::ServerFault, Trouble::Throttled(5)] {
        let (sandbox, okta, first) = stage().await;
        okta.create(&order(Some(NEW))).await.unwrap();
        sandbox.okta().troubles.add(trouble);
        let told = fault(&okta.remove(&first).await.unwrap_err());
        assert!(told.starts_with("NoAnswer") || told.starts_with("Throttled"), "{told}");
        assert_eq!(sandbox.okta().secrets("0oaApp").len(), 2, "{trouble:?}");
        assert_eq!(okta.remove(&first).await, Ok(Removed::Removed), "{trouble:?}");
    }
}

#[tokio::test]
async fn an_app_that_is_not_there_and_a_token_that_is_not_good_are_told() {
    let (sandbox, token, _) = organisation().await;
    let elsewhere = managing(&sandbox, &token, "0oaOther");
    insta::assert_snapshot!(fault(&elsewhere.list().await.unwrap_err()), @"NotFound: Okta: listing the secrets is answered with HTTP 404");
    let stranger = managing(&sandbox, ADMIN, "0oaApp");
    insta::assert_snapshot!(fault(&stranger.list().await.unwrap_err()), @"SignIn: Okta: listing the secrets is answered with HTTP 401");
    insta::assert_snapshot!(told(stranger.create(&order(Some(NEW))).await), @"refused, SignIn: Okta: making a secret is answered with HTTP 401");
}
