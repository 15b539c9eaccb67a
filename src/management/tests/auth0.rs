use super::*;
use crate::sandbox::Trouble;

const ALL: [&str; 3] = ["read:clients", "read:client_keys", "update:client_keys"];

async fn stage(scopes: &[&str], has_keys: bool) -> (Sandbox, Auth0) {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.auth0().register("client", secret(OLD), has_keys);
    sandbox.auth0().set_manager("manager", secret(ADMIN), scopes);
    let (url, audience) = (base(&sandbox).join("/oauth/token").unwrap(), Auth0::audience(&base(&sandbox)));
    let fields = [("grant_type", "client_credentials"), ("client_id", "manager"), ("audience", audience.as_str())];
    let (_, token) = ask(url, &[&fields[..], &[("client_secret", ADMIN)]].concat()).await;
    let auth0 = Auth0::new(api(), Arc::new(Token(token.unwrap())), base(&sandbox), "client");
    (sandbox, auth0)
}

async fn accepts(sandbox: &Sandbox, value: &str) -> bool {
    let url = base(sandbox).join("/oauth/token").unwrap();
    ask(url, &[("grant_type", "client_credentials"), ("client_id", "client"), ("client_secret", value)]).await.0 == 200
}

#[test]
fn the_audience_is_the_management_api_of_the_domain() {
    let domain = "https://example.eu.auth0.com/".parse().unwrap();
    assert_eq!(Auth0::audience(&domain), "https://example.eu.auth0.com/api/v2/");
}

#[tokio::test]
async fn the_one_secret_is_replaced_and_can_be_read() {
    let (sandbox, auth0) = stage(&ALL, false).await;
    assert_eq!(auth0.current().await.unwrap().expose(), OLD);
    assert_eq!(auth0.constraints().await, Ok(Constraints::default()));
    let made = auth0.create(&order(None)).await.unwrap();
    assert_eq!(made.key_id, None);
    assert_eq!(auth0.current().await.unwrap().expose(), made.value.expose());
    assert!(accepts(&sandbox, made.value.expose()).await && !accepts(&sandbox, OLD).await);
    let listing = auth0.list().await.unwrap();
    assert_eq!(listing.credentials.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["current"]);
    assert_eq!(auth0.remove("current").await.unwrap_err().kind, FaultKind::Refused);
}

#[tokio::test]
async fn a_lost_reply_is_read_back() {
    for (trouble, expected, changed_now, changed_late) in [
        (Trouble::LostReply, "unknown", true, true),
        (Trouble::GatewayFault, "unknown", true, true),
        (Trouble::ServerFault, "unknown", false, false),
        (Trouble::LateApply, "unknown", false, true),
        (Trouble::Throttled(9), "refused, Throttled { retry_after: Some(", false, false),
    ] {
        let (sandbox, auth0) = stage(&ALL, false).await;
        sandbox.auth0().troubles.add(trouble);
        let told = told(auth0.create(&order(None)).await);
        assert!(told.starts_with(expected), "{trouble:?}: {told}");
        let has_changed = async || auth0.current().await.unwrap().expose() != OLD;
        assert_eq!(has_changed().await, changed_now, "{trouble:?}");
        sandbox.auth0().troubles.catch_up();
        assert_eq!(has_changed().await, changed_late, "{trouble:?}");
    }
}

#[tokio::test]
async fn missing_scopes_are_named_or_told_as_forbidden() {
    let (_sandbox, auth0) = stage(&["read:clients"], false).await;
    insta::assert_snapshot!(fault(&auth0.current().await.unwrap_err()), @"Forbidden: Auth0: the client is shown without its secret; give credwatch's client the scope read:client_keys");
    insta::assert_snapshot!(told(auth0.create(&order(None)).await), @"refused, Forbidden: Auth0: making a secret is answered with HTTP 403");
}

#[tokio::test]
async fn a_client_with_keys_of_its_own_is_left_alone() {
    let (_sandbox, auth0) = stage(&ALL, true).await;
    assert!(auth0.constraints().await.unwrap().forbidden.is_some());
    insta::assert_snapshot!(told(auth0.create(&order(None)).await), @"refused, Refused: Auth0: this client does not sign in with a secret");
}
